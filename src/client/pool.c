/* pool.c - which connection serves which request, and when another one is opened.
 *
 * A request takes the connection of its origin that was used last (the others may age and be
 * closed). If there is none it waits in the origin's queue, and a connection is opened for it as
 * far as the limits allow; whichever connection is free first, old or new, serves the queue's
 * oldest. A request that must not go out on a used connection (a replay; a client with never_reuse)
 * waits for a fresh one. */
#include "client/client.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

#include <string.h>

#define OPEN_AGAIN_NS 250000000u
#define FRESH_NS 250000000u
#define STALLED_LIMIT 2
#define REMEMBERED_LIMIT 256

/* ---- origins ---- */

/* Origins come from the caller, so nobody can choose collisions from outside. */
static uint64_t origin_hash(const rp_url *url)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (size_t i = 0; i < url->host.size; i++)
        hash = rp_hash_byte(hash, (uint8_t)rp_ascii_lower((char)url->host.data[i]));
    hash = rp_hash_byte(hash, (uint8_t)(url->port >> 8));
    hash = rp_hash_byte(hash, (uint8_t)url->port);
    return rp_hash_byte(hash, url->https);
}

static bool origin_is(const rp_origin *origin, uint64_t hash, const rp_url *url)
{
    if (origin->hash != hash || origin->port != url->port || origin->https != url->https ||
        strlen(origin->host) != url->host.size)
        return false;
    return rp_ascii_equal(origin->host, url->host.data, url->host.size);
}

/* Without memory for a larger table the small one serves on, slower. */
static void buckets_grow(rp_client *client)
{
    size_t count = client->bucket_count * 2;
    rp_origin **buckets = rp_allocate(&client->loop->memory, count * sizeof(*buckets));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < client->bucket_count; i++) {
        for (rp_origin *origin = client->buckets[i]; origin != NULL;) {
            rp_origin *next = origin->next;
            rp_origin **bucket = &buckets[origin->hash & (count - 1)];
            origin->next = *bucket;
            *bucket = origin;
            origin = next;
        }
    }
    rp_free(&client->loop->memory, client->buckets);
    client->buckets = buckets;
    client->bucket_count = count;
}

/* It is in use again, or goes. */
static void forget(rp_origin *origin)
{
    if (rp_list_empty(&origin->remembered_link))
        return;
    rp_list_remove(&origin->remembered_link);
    origin->client->remembered_count--;
}

rp_origin *rp_origin_get(rp_client *client, const rp_url *url)
{
    uint64_t hash = origin_hash(url);
    rp_origin *origin = client->buckets[hash & (client->bucket_count - 1)];
    for (; origin != NULL; origin = origin->next) {
        if (origin_is(origin, hash, url)) {
            forget(origin);
            return origin;
        }
    }
    origin = rp_allocate(&client->loop->memory, sizeof(*origin) + url->host.size + 1);
    if (origin == NULL)
        return NULL;
    if (client->origin_count >= client->bucket_count)
        buckets_grow(client);
    origin->client = client;
    origin->hash = hash;
    origin->port = url->port;
    origin->https = url->https;
    for (size_t i = 0; i < url->host.size; i++)
        origin->host[i] = rp_ascii_lower((char)url->host.data[i]);
    rp_list_init(&origin->waiting_link);
    rp_list_init(&origin->queue);
    rp_list_init(&origin->idle);
    rp_list_init(&origin->remembered_link);
    rp_origin **bucket = &client->buckets[hash & (client->bucket_count - 1)];
    origin->next = *bucket;
    *bucket = origin;
    client->origin_count++;
    return origin;
}

static void origin_free(rp_origin *origin)
{
    rp_client *client = origin->client;
    rp_origin **at = &client->buckets[origin->hash & (client->bucket_count - 1)];
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    client->origin_count--;
    rp_free(&client->loop->memory, origin);
}

void rp_origin_release_if_unused(rp_origin *origin)
{
    rp_client *client = origin->client;
    if (origin->conn_count > 0 || origin->request_count > 0)
        return;
    if (origin->lesson.death_ms == 0 || client->destroyed) {
        origin_free(origin);
        return;
    }
    rp_list_append(&client->remembered, &origin->remembered_link);
    if (++client->remembered_count > REMEMBERED_LIMIT)
        rp_origins_forget(client, 1);
}

void rp_origins_forget(rp_client *client, size_t count)
{
    for (; count > 0 && !rp_list_empty(&client->remembered); count--) {
        rp_origin *origin = RP_CONTAINER(client->remembered.next, rp_origin, remembered_link);
        forget(origin);
        origin_free(origin);
    }
}

/* ---- who waits ---- */

/* More requests than openings, and nothing of the origin's own that speaks against one more. */
static bool wants_one(const rp_origin *origin)
{
    const rp_client_options *options = &origin->client->options;
    bool suspect = origin->stalled_count >= STALLED_LIMIT;
    uint32_t most = suspect && origin->queued_count > 0 ? 1 : origin->queued_count;
    return origin->opening_count < most &&
           (origin->conn_count < options->connections_per_origin || !rp_list_empty(&origin->idle));
}

void rp_pool_look(rp_origin *origin)
{
    rp_client *client = origin->client;
    bool waits = !rp_list_empty(&origin->waiting_link), wants = wants_one(origin);
    if (wants && !waits) {
        rp_list_append(&client->waiting, &origin->waiting_link);
        client->waiting_count++;
    } else if (!wants && waits) {
        rp_list_remove(&origin->waiting_link);
        client->waiting_count--;
    }
}

/* ---- the queue ---- */

/* Whoever comes back into the queue stands before all that have not been out of it: a replay first
 * of all, and one that nothing was sent of in the order of the beginning. */
static rp_link *queue_place(const rp_request *request)
{
    rp_link *queue = &request->origin->queue, *place = queue->next;
    if (request->attempts > 0)
        return place;
    if (request->moved == 0)
        return queue;
    for (; place != queue; place = place->next) {
        const rp_request *other = RP_CONTAINER(place, rp_request, queue_link);
        if (other->attempts == 0 && other->order > request->order)
            break;
    }
    return place;
}

static void queue_put(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp_list_append(queue_place(request), &request->queue_link); /* before the place */
    origin->queued_count++;
    origin->client->queued_count++;
    rp_pool_look(origin);
}

void rp_pool_withdraw(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp_list_remove(&request->queue_link);
    origin->queued_count--;
    origin->client->queued_count--;
    rp_pool_look(origin);
}

static rp_request *queue_next(const rp_origin *origin, bool used)
{
    for (rp_link *link = origin->queue.next; link != &origin->queue; link = link->next) {
        rp_request *request = RP_CONTAINER(link, rp_request, queue_link);
        if (!used || !request->fresh_only)
            return request;
    }
    return NULL;
}

/* ---- opening ----
 *
 * One connection is opened for each waiting request, as far as the limits allow. Servers that are
 * dead must not use them up:
 *
 * - A place of concurrent_openings is for an opening that gets on. One that is not done after
 *   FRESH_NS waits for a server, not for us, and costs no more than its socket: it has stalled, and
 *   leaves its place. Places go, one by one, to the origins in the order in which they wait, to
 *   those without any opening first. So with L places, behind W origins, all of them dead, the next
 *   one waits for its turn no longer than W / L times FRESH_NS, rounded up, and not at all while
 *   there are places.
 * - An origin leaves at least as many places as it takes, but for one, and as many connections of
 *   connections_total. So no single origin, and no few, can take all of either.
 * - An origin of which STALLED_LIMIT openings have stalled, and none has succeeded since, opens one
 *   at a time: a dead one holds one socket, beside those that it got in its first FRESH_NS.
 * - Who has waited for as long as an opening that fails by a deadline fails with it. So those who
 *   wait for a dead origin learn of it in time, however few openings it may have. */

static void no_memory_to_open(rp_origin *origin)
{
    rp_error error;
    rp_request *request = queue_next(origin, false);
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
    if (origin_full && !rp_list_empty(&origin->idle))
        rp_conn_close(RP_CONTAINER(origin->idle.previous, rp_conn, origin_link));
    else if (full && !origin_full && !rp_list_empty(&client->idle))
        rp_conn_close(RP_CONTAINER(client->idle.next, rp_conn, idle_link));
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
    if (rp_list_empty(&conn->fresh_link))
        return;
    rp_list_remove(&conn->fresh_link);
    conn->origin->fresh_count--;
    conn->client->fresh_count--;
}

void rp_pool_opening_begins(rp_conn *conn)
{
    rp_list_append(&conn->client->fresh, &conn->fresh_link);
    conn->origin->fresh_count++;
    conn->client->fresh_count++;
    conn->origin->opening_count++;
    conn->client->opening_count++;
    rp_pool_look(conn->origin);
}

void rp_pool_opening_ends(rp_conn *conn, bool succeeded)
{
    rp_origin *origin = conn->origin;
    fresh_remove(conn);
    origin->opening_count--;
    conn->client->opening_count--;
    if (succeeded)
        origin->stalled_count = 0;
    rp_pool_look(origin);
}

/* Places that are free. If it is too few for somebody, there will be more when the oldest of those
 * that are taken has stalled. */
static uint32_t places_for(rp_client *client, uint32_t wanted)
{
    uint64_t now = rp_loop_now_ns(client->loop), stalls_ns = 0;
    while (!rp_list_empty(&client->fresh)) {
        rp_conn *oldest = RP_CONTAINER(client->fresh.next, rp_conn, fresh_link);
        stalls_ns = rp_stream_times_get(oldest->stream)->started_ns + FRESH_NS;
        if (stalls_ns > now)
            break;
        fresh_remove(oldest);
        oldest->origin->stalled_count++;
        rp_pool_look(oldest->origin);
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
    if (is_held(origin) || !may_take(origin) || !wants_one(origin))
        return false;
    make_room(origin);
    if (client->conn_count >= client->options.connections_total ||
        origin->conn_count >= client->options.connections_per_origin)
        return false;
    if (rp_conn_open(origin))
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

/* The idle connection that was used last. Whether it is still good is found out when the request is
 * to be written. */
static rp_conn *idle_take(rp_origin *origin)
{
    if (rp_list_empty(&origin->idle))
        return NULL;
    rp_conn *conn = RP_CONTAINER(origin->idle.next, rp_conn, origin_link);
    rp_pool_unidle(conn);
    return conn;
}

void rp_pool_submit(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp_conn *conn = request->fresh_only ? NULL : idle_take(origin);
    if (conn != NULL) {
        rp_conn_assign(conn, request);
        return;
    }
    rp_request_queued(request);
    queue_put(request);
    open_more(origin);
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

static bool is_timeout(rp_status status)
{
    return status == RP_E_RESOLVE_TIMEOUT || status == RP_E_CONNECT_TIMEOUT ||
           status == RP_E_HANDSHAKE_TIMEOUT;
}

void rp_pool_open_failed(const rp_conn *conn, const rp_error *error)
{
    rp_origin *origin = conn->origin;
    do {
        rp_request *request = queue_next(origin, false);
        /* As many connections as requests may be on their way: then nobody misses this one. */
        if (request == NULL || origin->opening_count >= origin->queued_count)
            return;
        /* The attempt was made for an earlier request, which gave up: this one gets its own. */
        if (rp_stream_times_get(conn->stream)->started_ns < request->queued_ns) {
            open_more(origin);
            return;
        }
        /* A server at its limit refuses more connections and serves those it has: so the request
         * waits for one of them, and no more are opened for a while. */
        if (origin->open_count > 0 && !request->fresh_only) {
            origin->open_again_ns = rp_loop_now_ns(origin->client->loop) + OPEN_AGAIN_NS;
            return;
        }
        rp_pool_withdraw(request);
        rp_conn_note(conn, request);
        rp_request_finish(request, error);
    } while (is_timeout(error->status) && !conn->client->destroyed);
}

/* ---- idle connections ----
 *
 * A connection may be idle for as long as the client allows, the server says (Keep-Alive), and the
 * origin's other connections have lived; and it serves no more once it is as old as it may get in
 * all, so that a change of addresses is followed. This is looked at when it is taken, too: who does
 * not turn the loop has no timers. */

#define DEATHS_MATCH_MS 1000      /* deaths at ages so close are the server's rule */
#define DEATH_APART_NS 100000000u /* but not those of one moment: a server that ends closes all */
#define LESSON_NS 600000000000u   /* for so long: then the server may have another rule */

static uint64_t ms_to_ns(uint64_t ms)
{
    return ms < UINT64_MAX / 1000000u ? ms * 1000000u : UINT64_MAX;
}

static bool lesson_holds(const rp_origin *origin, uint64_t now)
{
    return origin->lesson.death_ms > 0 && now - origin->lesson.death_ns < LESSON_NS;
}

static uint64_t idle_limit_ns(const rp_conn *conn, uint64_t now)
{
    uint64_t limit_ms = conn->client->options.connection_idle_ms;
    const rp_idle_lesson *lesson = &conn->origin->lesson;
    if (conn->keep_alive_ms < limit_ms)
        limit_ms = conn->keep_alive_ms;
    if (lesson->limit_ms > 0 && lesson->limit_ms < limit_ms && lesson_holds(conn->origin, now))
        limit_ms = lesson->limit_ms;
    return ms_to_ns(limit_ms);
}

static uint64_t after(uint64_t time_ns, uint64_t span_ns)
{
    return span_ns < UINT64_MAX - time_ns ? time_ns + span_ns : UINT64_MAX;
}

void rp_pool_opened(rp_conn *conn)
{
    uint64_t lifetime_ns = ms_to_ns(conn->client->options.connection_lifetime_ms);
    conn->idle_since_ns = rp_loop_now_ns(conn->client->loop);
    conn->last_ns = after(conn->idle_since_ns, lifetime_ns);
}

/* When it is too old; UINT64_MAX: never. */
static uint64_t end_ns(const rp_conn *conn, uint64_t now)
{
    uint64_t end = after(conn->idle_since_ns, idle_limit_ns(conn, now));
    return end < conn->last_ns ? end : conn->last_ns;
}

bool rp_pool_aged(const rp_conn *conn)
{
    uint64_t now = rp_loop_now_ns(conn->client->loop);
    return now >= end_ns(conn, now);
}

void rp_pool_learn(const rp_conn *conn)
{
    uint64_t now = rp_loop_now_ns(conn->client->loop);
    uint64_t age_ms = (now - conn->idle_since_ns) / 1000000u;
    uint64_t margin_ms = DEATHS_MATCH_MS + age_ms / 20;
    rp_idle_lesson *lesson = &conn->origin->lesson;
    if (age_ms < 2 * (uint64_t)DEATHS_MATCH_MS || age_ms > UINT32_MAX)
        return; /* too soon to be a limit that one can keep to */
    bool known = lesson_holds(conn->origin, now);
    uint64_t other_ms = lesson->death_ms;
    bool matches = age_ms + margin_ms >= other_ms && age_ms <= other_ms + margin_ms;
    if (known && matches && now - lesson->death_ns < DEATH_APART_NS)
        return;
    if (known && matches)
        lesson->limit_ms = (uint32_t)((age_ms < other_ms ? age_ms : other_ms) - margin_ms);
    else if (!known)
        lesson->limit_ms = 0;
    lesson->death_ms = (uint32_t)age_ms;
    lesson->death_ns = now;
}

static void idle_check(rp_timer *timer, void *user);

/* The timer runs on while the connection serves, and looks again when it fires: a connection that
 * is idle for a moment between two requests starts none. */
static void idle_check_at(rp_conn *conn, uint64_t now, uint64_t end)
{
    if (end == UINT64_MAX)
        return;
    conn->idle_check_ns = end > now ? end : now;
    uint64_t left_ms = (conn->idle_check_ns - now + 999999u) / 1000000u;
    rp_stream_timer_start(conn->stream, left_ms, idle_check, conn);
}

static void idle_check(rp_timer *timer, void *user)
{
    rp_conn *conn = user;
    uint64_t now = rp_loop_now_ns(conn->client->loop), end = end_ns(conn, now);
    (void)timer;
    conn->idle_check_ns = 0;
    if (conn->state != RP_CONN_FREE)
        return;
    if (now >= end)
        rp_conn_close(conn);
    else
        idle_check_at(conn, now, end);
}

void rp_pool_unidle(rp_conn *conn)
{
    if (rp_list_empty(&conn->origin_link))
        return;
    rp_list_remove(&conn->origin_link);
    rp_list_remove(&conn->idle_link);
    conn->origin->idle_count--;
    conn->client->idle_count--;
    rp_stream_set_background(conn->stream, false);
}

static void make_idle(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_origin *origin = conn->origin;
    if (origin->idle_count >= client->options.idle_per_origin)
        rp_conn_close(RP_CONTAINER(origin->idle.previous, rp_conn, origin_link));
    rp_list_prepend(&origin->idle, &conn->origin_link);
    rp_list_append(&client->idle, &conn->idle_link);
    origin->idle_count++;
    client->idle_count++;
    conn->idled = true;
    rp_stream_set_background(conn->stream, true);
    if (conn->idle_check_ns != 0)
        return;
    uint64_t now = rp_loop_now_ns(client->loop);
    idle_check_at(conn, now, end_ns(conn, now));
}

void rp_pool_offer(rp_conn *conn)
{
    rp_request *request = queue_next(conn->origin, conn->served > 0 || conn->idled);
    if (request == NULL) {
        make_idle(conn);
        rp_pool_look(conn->origin);
        rp_pool_dispatch(conn->client); /* others may wait for just this room */
        return;
    }
    rp_pool_withdraw(request);
    rp_conn_assign(conn, request);
}
