/* pool.c - which connection serves which request, and when another one is opened.
 *
 * A request takes the connection of its origin that was used last and has room for it (the others
 * may age and be closed). If there is none it waits in the origin's queue, and connections are
 * opened for the queue as far as the limits allow; whichever connection has room first, old or new,
 * serves the queue's oldest. A request that must not go out on a used connection (a replay; a
 * client with never_reuse) waits for a fresh one.
 *
 * How many requests a connection takes is asked of it, and what it speaks is not. */
#include "client/pool.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/conn.h"
#include "client/origin.h"
#include "client/replay.h"
#include "client/request.h"

#define OPEN_AGAIN_NS 250000000u
#define FRESH_NS 250000000u
#define AT_ONCE_US 1000000u /* an end so soon after the request was on its way before it */

/* ---- connections with room ---- */

/* The one that has been idle for longest; there is one. */
static rp_conn *idlest(const rp_origin *origin)
{
    for (rp_link *link = origin->ready.previous;; link = link->previous) {
        RP_ASSERT(link != &origin->ready);
        rp_conn *conn = RP_CONTAINER(link, rp_conn, ready_link);
        if (conn->in_flight == 0)
            return conn;
    }
}

/* For a request, or for its end. */
static void ready_take(rp_conn *conn)
{
    if (rp_list_empty(&conn->ready_link))
        return;
    rp_list_remove(&conn->ready_link);
    if (rp_list_empty(&conn->age_link))
        return;
    rp_list_remove(&conn->age_link);
    conn->origin->idle_count--;
    conn->client->idle_count--;
    rp_conn_idle_ends(conn);
}

static void ready_put(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_origin *origin = conn->origin;
    bool idle = conn->in_flight == 0;
    if (idle && origin->idle_count >= client->options.idle_per_origin)
        rp_conn_close(idlest(origin));
    rp_list_prepend(&origin->ready, &conn->ready_link);
    if (!idle)
        return;
    rp_list_append(&client->idle, &conn->age_link);
    origin->idle_count++;
    client->idle_count++;
    rp_conn_idle_begins(conn);
}

/* ---- opening ----
 *
 * As many connections are opened as the waiting requests fill, as far as the limits allow: one for
 * each, or one for so many as the origin's last connection took. Servers that are dead must not use
 * them up:
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

static void no_memory_to_open(rp_origin *origin)
{
    rp_error error;
    rp_request *request = rp_origin_next(origin, false);
    (void)rp_error_set(&error, RP_E_NO_MEMORY, RP_PHASE_CONNECT, "no memory for a connection to %s",
                       origin->host);
    rp_request_finish_later(request, &error);
}

/* A connection that nobody uses makes room for one that somebody waits for: one of the origin's
 * own, where those who wait must not go out on it, or the longest idle of all. */
static void make_room(rp_origin *origin)
{
    rp_client *client = origin->client;
    bool full = client->conn_count >= client->options.connections_total;
    bool origin_full = origin->conn_count >= client->options.connections_per_origin;
    if (origin_full && origin->idle_count > 0)
        rp_conn_close(idlest(origin));
    else if (full && !origin_full && !rp_list_empty(&client->idle))
        rp_conn_close(RP_CONTAINER(client->idle.next, rp_conn, age_link));
}

static void dispatch_due(rp_timer *timer, void *user)
{
    (void)timer;
    rp_pool_dispatch(user);
}

static void dispatch_at(rp_client *client, uint64_t at_ns)
{
    rp_timer *timer = &client->dispatch_timer;
    uint64_t now = rp_loop_now_ns(client->loop);
    uint64_t after_ms = at_ns > now ? (at_ns - now) / 1000000u + 1 : 0;
    if (!timer->private_started || timer->private_deadline_ns > now + after_ms * 1000000u)
        rp_timer_start_internal(client->loop, timer, after_ms, dispatch_due, client);
}

/* No connection is opened for a while: the open ones serve the queue, or this is tried again. */
static bool is_held(const rp_origin *origin)
{
    rp_client *client = origin->client;
    if (origin->open_count == 0 || rp_loop_now_ns(client->loop) >= origin->open_again_ns)
        return false;
    dispatch_at(client, origin->open_again_ns);
    return true;
}

static void fresh_remove(rp_conn *conn)
{
    if (rp_list_empty(&conn->age_link))
        return;
    rp_list_remove(&conn->age_link);
    conn->origin->fresh_count--;
    conn->client->fresh_count--;
}

static bool open_conn(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_conn *conn = rp_conn_open(origin);
    if (conn == NULL)
        return false;
    rp_list_append(&client->fresh, &conn->age_link);
    origin->fresh_count++;
    client->fresh_count++;
    origin->opening_count++;
    client->opening_count++;
    origin->conn_count++;
    client->conn_count++;
    rp_origin_look(origin);
    return true;
}

static void opening_ends(rp_conn *conn)
{
    fresh_remove(conn);
    conn->origin->opening_count--;
    conn->client->opening_count--;
    rp_origin_look(conn->origin);
}

/* Places that are free. If it is too few for somebody, there will be more when the oldest of those
 * that are taken has stalled. */
static uint32_t places_for(rp_client *client, uint32_t wanted)
{
    uint64_t now = rp_loop_now_ns(client->loop), stalls_ns = 0;
    while (!rp_list_empty(&client->fresh)) {
        rp_conn *oldest = RP_CONTAINER(client->fresh.next, rp_conn, age_link);
        stalls_ns = rp_conn_started_ns(oldest) + FRESH_NS;
        if (stalls_ns > now)
            break;
        fresh_remove(oldest);
        oldest->origin->stalled_count++;
        rp_origin_look(oldest->origin);
    }
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

/* False: it needs none, or has to wait. */
static bool open_one(rp_origin *origin)
{
    rp_client *client = origin->client;
    if (is_held(origin) || !may_take(origin) || !rp_origin_wants_one(origin))
        return false;
    make_room(origin);
    if (client->conn_count >= client->options.connections_total ||
        origin->conn_count >= client->options.connections_per_origin)
        return false;
    if (open_conn(origin))
        return true;
    if (origin->conn_count > 0)
        return false; /* they will serve the queue, or make this be tried again when they end */
    no_memory_to_open(origin);
    return true;
}

static void open_more(rp_origin *origin)
{
    while (open_one(origin))
        continue;
}

static bool has_room(rp_client *client)
{
    return places_for(client, 1) > 0 && (client->conn_count < client->options.connections_total ||
                                         !rp_list_empty(&client->idle));
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
        rp_list_remove(link);
        rp_list_append(&client->waiting, link);
        if ((!without_opening || origin->opening_count == 0) && open_one(origin))
            opened = true;
    }
    return opened;
}

void rp_pool_dispatch(rp_client *client)
{
    (void)dispatch_round(client, true);
    while (dispatch_round(client, false))
        continue;
}

/* ---- requests ---- */

void rp_pool_submit(rp_request *request)
{
    rp_origin *origin = request->origin;
    if (request->fresh_only || rp_list_empty(&origin->ready)) {
        rp_request_queued(request);
        rp_origin_queue(request);
        open_more(origin);
        return;
    }
    /* Whether it is still good is found out when the request is to be written. */
    rp_conn *conn = RP_CONTAINER(origin->ready.next, rp_conn, ready_link);
    ready_take(conn);
    rp_conn_assign(conn, request);
    if (rp_conn_room(conn) > 0)
        ready_put(conn);
}

/* ---- what connections tell ---- */

/* The queue's oldest go to it, as many as it takes; then others may find it. */
static void conn_room_changed(rp_conn *conn)
{
    ready_take(conn);
    while (rp_conn_room(conn) > 0) {
        rp_request *request = rp_origin_next(conn->origin, rp_conn_is_used(conn));
        if (request == NULL) {
            ready_put(conn);
            rp_origin_look(conn->origin);
            rp_pool_dispatch(conn->client); /* others may wait for just this room */
            return;
        }
        rp_origin_withdraw(request);
        rp_conn_assign(conn, request);
    }
}

static void conn_opened(rp_conn *conn)
{
    rp_origin *origin = conn->origin;
    uint32_t room = rp_conn_room(conn);
    origin->stalled_count = 0;
    origin->takes = room > 0 ? room : 1;
    opening_ends(conn);
    origin->open_count++;
    conn_room_changed(conn);
    if (!conn->client->destroyed)
        rp_pool_dispatch(conn->client);
}

static bool is_timeout(rp_status status)
{
    return status == RP_E_RESOLVE_TIMEOUT || status == RP_E_CONNECT_TIMEOUT ||
           status == RP_E_HANDSHAKE_TIMEOUT;
}

/* The oldest request that waits for a connection of this origin gets the error; of a deadline all
 * of them that have waited so long. */
static void tell_open_failed(const rp_conn *conn, const rp_error *error)
{
    rp_origin *origin = conn->origin;
    do {
        rp_request *request = rp_origin_next(origin, false);
        /* As many connections as are needed may be on their way: then nobody misses this one. */
        if (request == NULL || rp_origin_has_enough(origin))
            return;
        /* The attempt was made for an earlier request, which gave up: this one gets its own. */
        if (rp_conn_started_ns(conn) < request->queued_ns) {
            open_more(origin);
            return;
        }
        /* A server at its limit refuses more connections and serves those it has: so the request
         * waits for one of them, and no more are opened for a while. */
        if (origin->open_count > 0 && !request->fresh_only &&
            error->status != RP_E_ADDRESS_REFUSED) {
            origin->open_again_ns = rp_loop_now_ns(origin->client->loop) + OPEN_AGAIN_NS;
            return;
        }
        rp_origin_withdraw(request);
        rp_conn_note(conn, request);
        rp_request_finish(request, error);
    } while (is_timeout(error->status) && !conn->client->destroyed);
}

static void conn_open_failed(rp_conn *conn, const rp_error *error)
{
    tell_open_failed(conn, error);
    if (!conn->client->destroyed)
        rp_pool_dispatch(conn->client);
}

static void conn_lost(rp_conn *conn, rp_request *request, rp_fate fate, const rp_error *error)
{
    rp_error told = *error;
    uint64_t now_us = rp_request_since_us(request, rp_loop_now_ns(conn->client->loop));
    if (fate == RP_FATE_UNKNOWN)
        rp_replay_error(request, rp_conn_peer(conn), &told);
    if (told.status == RP_E_STALE_CONNECTION && now_us - request->timings.sent_us < AT_ONCE_US)
        rp_conn_learn(conn);
    if (rp_replay_again(request, fate))
        rp_pool_submit(request);
    else
        rp_request_finish(request, &told);
}

static void conn_leaving(rp_conn *conn)
{
    ready_take(conn);
    if (conn->state == RP_CONN_OPENING)
        opening_ends(conn);
    else
        conn->origin->open_count--;
}

static void conn_closed(rp_origin *origin)
{
    rp_client *client = origin->client;
    origin->conn_count--;
    client->conn_count--;
    rp_origin_look(origin);
    if (!client->destroyed)
        rp_pool_dispatch(client);
    rp_origin_release_if_unused(origin);
    rp_client_free_if_done(client);
}

const rp_conn_events rp_pool_conn_events = {
    .opened = conn_opened,
    .open_failed = conn_open_failed,
    .room_changed = conn_room_changed,
    .lost = conn_lost,
    .leaving = conn_leaving,
    .closed = conn_closed,
};
