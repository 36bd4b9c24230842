/* openings.c - when connections are opened.
 *
 * As many connections are opened as the waiting requests fill, as far as the limits allow: one for
 * so many as the origin's last connection said that it takes. While that is not known, for its
 * version of HTTP is not, a few probe: if one of them takes many requests, they go to it, and if it
 * takes one, all others that are needed are opened at once, a handshake later than if it had been
 * known. One that will soon say how many it takes is waited for. Servers that are dead must not use
 * the limits up:
 *
 * - A place of concurrent_openings is for an opening that gets on. One that is not done after
 *   FRESH_NS waits for a server, not for us, and costs no more than its socket: it has stalled, and
 *   leaves its place. Places go, one by one, to the origins in the order in which they wait, to
 *   those without any opening first. So with L places, behind W origins, all of them dead, the next
 *   one waits for its turn no longer than W / L times FRESH_NS, rounded up, and not at all while
 *   there are places.
 * - An origin leaves at least as many places as it takes, but for one, and as many connections of
 *   connections_total. So no single origin, and no few, can take all of either.
 * - An origin of which two openings have stalled, and none has succeeded since, opens one
 *   at a time: a dead one holds one socket, beside those that it got in its first FRESH_NS.
 * - Who has waited for as long as an opening that fails by a deadline fails with it. So those who
 *   wait for a dead origin learn of it in time, however few openings it may have. */
#include "client/openings.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/life.h"
#include "client/origin.h"
#include "client/request.h"

#include <string.h>

#define FRESH_NS 250000000u

static void no_memory_to_open(rp_origin *origin)
{
    rp_error error;
    rp_request *request = rp__origin_next(origin, true);
    (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_CONNECT,
                        "no memory for a connection to %s", origin->host);
    if (request != NULL)
        rp__request_finish_later(request, &error);
    else
        rp__life_opening_failed(origin, rp__loop_now_ns(origin->client->loop), &error);
}

/* The one that nobody has used for longest; there is one. */
static rp_conn *idlest(const rp_origin *origin)
{
    RP_ASSERT(!rp__list_empty(&origin->idle));
    return RP_CONTAINER(origin->idle.previous, rp_conn, ready_link);
}

/* A probe takes the place of the latest that stalled: the others serve a server that is only slow,
 * and have their deadlines, of which those who wait are told. */
static void replace_stalled(rp_origin *origin)
{
    rp_link *all = &origin->conns;
    bool closing = origin->conn_count > origin->open_count + origin->opening_count;
    if (!rp__limit_is_down(origin) || closing || rp__origin_stalled(origin) < 2)
        return;
    for (rp_link *link = all->previous; link != all; link = link->previous) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, origin_link);
        if (conn->state == RP_CONN_OPENING && rp__list_empty(&conn->age_link)) {
            rp__conn_close(conn);
            return;
        }
    }
}

/* A connection that nobody uses makes room for one that somebody waits for: one of the origin's
 * own, where those who wait must not go out on it, or the longest idle of all. */
static void make_room(rp_origin *origin)
{
    rp_client *client = origin->client;
    bool origin_full = rp__origin_is_full(origin);
    if (origin_full && origin->idle_count > 0)
        rp__conn_close(idlest(origin));
    else if (origin_full)
        replace_stalled(origin);
    else if (rp__client_is_full(client) && client->idle_count > 0)
        rp__conn_close(RP_CONTAINER(client->idle.next, rp_conn, age_link));
}

static void watch_stalls(rp_client *client);

static void dispatch_due(rp_timer *timer, void *user)
{
    (void)timer;
    watch_stalls(user);
    rp__openings_dispatch(user);
}

static void dispatch_at(rp_client *client, uint64_t at_ns)
{
    rp_timer *timer = &client->dispatch_timer;
    uint64_t now = rp__loop_now_ns(client->loop);
    uint64_t after_ms = at_ns > now ? (at_ns - now) / 1000000u + 1 : 0;
    if (!timer->private_started || timer->private_deadline_ns > now + after_ms * 1000000u)
        rp__timer_start_internal(client->loop, timer, after_ms, dispatch_due, client);
}

/* No connection is opened for a while: the open ones serve the queue, or this is tried again. */
static bool is_held(const rp_origin *origin)
{
    uint64_t until_ns = rp__origin_rests_until_ns(origin);
    uint64_t probe_ns = rp__limit_rests_until_ns(origin);
    if (probe_ns > until_ns)
        until_ns = probe_ns;
    if (until_ns > 0)
        dispatch_at(origin->client, until_ns);
    return until_ns > 0;
}

static void fresh_remove(rp_conn *conn)
{
    if (rp__list_empty(&conn->age_link))
        return;
    rp__list_remove(&conn->age_link);
    conn->origin->fresh_count--;
    conn->client->fresh_count--;
}

/* When the oldest of those that have a place will have stalled; 0: there is none. Those that have
 * by now leave theirs. */
static uint64_t next_stall_ns(rp_client *client)
{
    uint64_t now = rp__loop_now_ns(client->loop);
    while (!rp__list_empty(&client->fresh)) {
        rp_conn *oldest = RP_CONTAINER(client->fresh.next, rp_conn, age_link);
        uint64_t stalls_ns = rp__conn_started_ns(oldest) + FRESH_NS;
        if (stalls_ns > now)
            return stalls_ns;
        fresh_remove(oldest);
        oldest->origin->stalled_count++;
        rp__limit_opening_failed(oldest->origin);
        rp__origin_look(oldest->origin);
    }
    return 0;
}

/* Who probes wants to know in time that a probe has stalled. */
static void watch_stalls(rp_client *client)
{
    if (client->options.limits.probe_ms == 0)
        return;
    uint64_t stalls_ns = next_stall_ns(client);
    if (stalls_ns > 0)
        dispatch_at(client, stalls_ns);
}

static bool open_conn(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_conn *conn = rp__conn_open(origin);
    if (conn == NULL)
        return false;
    rp__list_append(&client->fresh, &conn->age_link);
    rp__limit_probed(origin);
    origin->fresh_count++;
    client->fresh_count++;
    origin->opening_count++;
    client->opening_count++;
    origin->conn_count++;
    client->conn_count++;
    rp__origin_look(origin);
    watch_stalls(client);
    return true;
}

void rp__openings_end(rp_conn *conn)
{
    fresh_remove(conn);
    conn->origin->opening_count--;
    conn->client->opening_count--;
    rp__origin_look(conn->origin);
}

/* Places that are free. If it is too few for somebody, there will be more when the oldest of those
 * that are taken has stalled. */
static uint32_t places_for(rp_client *client, uint32_t wanted)
{
    uint64_t stalls_ns = next_stall_ns(client);
    uint32_t places = client->options.concurrent_openings - client->fresh_count;
    if (places < wanted && client->fresh_count > 0)
        dispatch_at(client, stalls_ns);
    return places;
}

/* One more for this origin leaves enough for the others. */
static bool may_take(const rp_origin *origin)
{
    rp_client *client = origin->client;
    uint32_t taken = origin->fresh_count;
    uint64_t connections = client->options.connections_total;
    connections += client->idle_count; /* they make room */
    connections -= client->conn_count;
    return places_for(client, taken > 0 ? taken : 1) >= (taken > 0 ? taken : 1) &&
           connections >= origin->opening_count;
}

/* False: it needs none, or has to wait; or a callback has forked, and it is the parent's. */
static bool open_one(rp_origin *origin)
{
    rp_client *client = origin->client;
    if (!rp__loop_is_ours(client->loop) || is_held(origin) || !may_take(origin) ||
        !rp__origin_wants_one(origin))
        return false;
    if (origin->queued_count > 0)
        make_room(origin);
    if (rp__client_is_full(client) || rp__origin_is_full(origin))
        return false;
    if (open_conn(origin))
        return true;
    if (origin->conn_count > 0 && origin->queued_count > 0)
        return false; /* they will serve the queue, or make this be tried again when they end */
    no_memory_to_open(origin);
    return true;
}

void rp__openings_begin(rp_origin *origin)
{
    while (open_one(origin))
        continue;
}

static bool has_room(rp_client *client)
{
    return places_for(client, 1) > 0 && rp__client_has_room(client);
}

/* Each of those who wait in turn, as far as there is room; true: one was opened. */
static bool dispatch_round(rp_client *client, bool without_opening)
{
    bool opened = false;
    for (uint32_t left = client->waiting_count; left > 0 && has_room(client); left--) {
        if (client->waiting_count == 0) /* has_room() may find that somebody waits no more */
            break;
        rp_link *link = client->waiting.next;
        rp_origin *origin = RP_CONTAINER(link, rp_origin, waiting_link);
        rp__list_remove(link);
        rp__list_append(&client->waiting, link);
        if ((!without_opening || origin->opening_count == 0) && open_one(origin))
            opened = true;
    }
    return opened;
}

void rp__openings_dispatch(rp_client *client)
{
    (void)dispatch_round(client, true);
    while (dispatch_round(client, false))
        continue;
}

/* ---- when one failed ---- */

static bool is_timeout(rp_status status)
{
    return status == RP_E_RESOLVE_TIMEOUT || status == RP_E_CONNECT_TIMEOUT ||
           status == RP_E_HANDSHAKE_TIMEOUT || status == RP_E_PROXY_TIMEOUT;
}

/* One of its open connections will serve whoever waits, once it is free. Those that only finish
 * what they have, behind GOAWAY say, or another TLS configuration, serve nobody else. */
static bool may_be_served(const rp_origin *origin)
{
    const rp_link *all = &origin->conns;
    for (const rp_link *link = all->next; link != all && origin->open_count > 0;
         link = link->next) {
        const rp_conn *conn = RP_CONTAINER(link, rp_conn, origin_link);
        if (conn->state == RP_CONN_OPEN && !rp__conn_spent(conn))
            return true;
    }
    return false;
}

/* A server at its limit refuses more connections and serves those it has: who waits gets one of
 * them. Unless none of them has become free for as long as a connection may take: their answers may
 * have no end. */
static bool waits_for_others(const rp_origin *origin, const rp_request *request)
{
    const rp_client *client = origin->client;
    uint64_t since_ns =
        request->queued_ns > origin->served_ns ? request->queued_ns : origin->served_ns;
    return !request->fresh_only && rp__loop_now_ns(client->loop) <
                                       rp__time_after(since_ns, client->options.connect_timeout_ms);
}

/* Of one who has waited for the open connections as well: they are the other half of why. */
static rp_error after_waiting(const rp_origin *origin, const rp_error *error)
{
    rp_error told = *error, worded;
    (void)rp__error_set(&worded, error->status, error->phase,
                        "%.150s; and no open connection became free within %llu ms", error->text,
                        (unsigned long long)origin->client->options.connect_timeout_ms);
    memcpy(told.text, worded.text, sizeof(told.text));
    return told;
}

/* An opening is made for as many requests as a connection takes, the oldest of the queue: they get
 * the error. Of a deadline all of them that have waited so long. */
static void tell_failed(const rp_conn *conn, const rp_error *error)
{
    rp_origin *origin = conn->origin;
    bool all = is_timeout(error->status) || origin->takes == 0 || rp__limit_is_down(origin);
    uint32_t most = all ? UINT32_MAX : origin->takes;
    bool served = error->status != RP_E_ADDRESS_REFUSED && may_be_served(origin);
    for (uint32_t told = 0; told < most && !conn->client->destroyed; told++) {
        rp_request *request = rp__origin_next(origin, true);
        /* As many connections as are needed may be on their way: then nobody misses this one. */
        if (request == NULL || rp__origin_has_enough(origin))
            return;
        /* The attempt was made for an earlier request, which gave up: this one gets its own. */
        if (rp__conn_started_ns(conn) < request->queued_ns) {
            rp__openings_begin(origin);
            return;
        }
        if (served && waits_for_others(origin, request)) {
            rp__origin_rest(origin); /* and no more are opened for a while */
            return;
        }
        rp_error its = served && !request->fresh_only ? after_waiting(origin, error) : *error;
        rp__origin_withdraw(request);
        rp__conn_note(conn, request);
        rp__request_finish(request, &its);
    }
}

/* While it is not known how many requests a connection takes one may do for all: a probe that
 * failed is not missed while another one is on its way, and no other one takes its place. */
void rp__openings_failed(rp_conn *conn, const rp_error *error)
{
    rp_origin *origin = conn->origin;
    origin->counts.connections_failed++;
    origin->probes_failed = origin->opening_count > 0 ? origin->probes_failed + 1 : 0;
    rp__limit_opening_failed(origin);
    rp__life_opening_failed(origin, rp__conn_started_ns(conn), error);
    tell_failed(conn, error);
    if (!conn->client->destroyed)
        rp__openings_dispatch(conn->client);
}
