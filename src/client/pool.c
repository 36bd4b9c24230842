/* pool.c - which connection serves which request.
 *
 * A request takes a connection of its origin that is in use already and has room for it, the one
 * that was full last, else the one that was used last: so few connections are filled, and the
 * others may age and be closed. If there is none it waits in the origin's queue, and connections
 * are opened for the queue (openings.c); whichever connection has room first, old or new, serves
 * the queue's oldest. A request that must not go out on a used connection (a replay; a client with
 * never_reuse) waits for a fresh one.
 *
 * How many requests a connection takes is asked of it, and what it speaks is not. Where it stands:
 *
 *   in use, with room      origin->ready
 *   in use, without        nowhere
 *   nobody uses it         origin->idle and client->idle, with room or not: it may age, and make
 *                          room for others */
#include "client/pool.h"

#include "client/conn.h"
#include "client/life.h"
#include "client/openings.h"
#include "client/origin.h"
#include "client/replay.h"
#include "client/request.h"
#include "client/statistics.h"
#include "client/trace.h"
#include "client/why.h"

#define AT_ONCE_US 1000000u /* an end so soon after the request was on its way before it */

/* ---- where connections stand ---- */

static void take_out(rp_conn *conn)
{
    if (rp__list_empty(&conn->ready_link))
        return;
    rp__list_remove(&conn->ready_link);
    if (rp__list_empty(&conn->age_link))
        return;
    rp__list_remove(&conn->age_link);
    conn->origin->idle_count--;
    conn->client->idle_count--;
    rp__conn_idle_ends(conn);
}

static void put_idle(rp_conn *conn)
{
    rp_client *client = conn->client;
    rp_origin *origin = conn->origin;
    if (origin->idle_count >= client->options.idle_per_origin)
        rp__conn_close(RP_CONTAINER(origin->idle.previous, rp_conn, ready_link));
    rp__list_prepend(&origin->idle, &conn->ready_link);
    rp__list_append(&client->idle, &conn->age_link);
    origin->idle_count++;
    client->idle_count++;
    rp__conn_idle_begins(conn);
}

/* One that is where it belongs keeps its place. So of those that are in use the same ones are
 * filled again and again, and what else comes on an idle one does not make it the latest. */
static void put(rp_conn *conn)
{
    bool idle = conn->in_flight == 0, has_room = !idle && rp__conn_room(conn) > 0;
    bool is_idle = !rp__list_empty(&conn->age_link);
    bool is_ready = !rp__list_empty(&conn->ready_link) && !is_idle;
    if (idle ? is_idle : has_room && is_ready)
        return;
    take_out(conn);
    if (idle)
        put_idle(conn);
    else if (has_room)
        rp__list_prepend(&conn->origin->ready, &conn->ready_link);
}

/* Ends it if it serves no more; by and by, where requests have it. */
static bool is_spent(rp_conn *conn)
{
    bool spent = rp__conn_spent(conn);
    if (spent && !rp__conn_retired(conn))
        rp__conn_retire(conn);
    return spent;
}

static rp_conn *first_of(rp_link *list, const rp_request *request)
{
    for (rp_link *link = list->next; link != list;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, ready_link);
        link = link->next;
        if (conn->in_flight > 0 && is_spent(conn))
            continue;
        if (conn->in_flight == 0 && rp__conn_aged(conn))
            rp__conn_close(conn);
        else if (rp__conn_room(conn) > 0 && (!request->fresh_only || rp__conn_is_fresh(conn)) &&
                 (request->hedge == NULL || rp__hedge_may_use(request, conn)))
            return conn;
    }
    return NULL;
}

/* Whether it is still good is found out once more when the request is to be written. */
static rp_conn *find(const rp_request *request)
{
    rp_origin *origin = request->origin;
    if (rp__limit_room(origin) == 0)
        return NULL;
    rp_conn *conn = first_of(&origin->ready, request);
    return conn != NULL || request->fresh_only ? conn : first_of(&origin->idle, request);
}

/* ---- requests ---- */

/* Behind those that have waited for a place, though there is one now: they get it in this turn. */
static rp_conn *conn_for(const rp_request *request)
{
    return rp__limit_is_serving(request->origin) ? NULL : find(request);
}

bool rp__pool_serves(const rp_request *request)
{
    return conn_for(request) != NULL;
}

bool rp__pool_offer(rp_request *request)
{
    rp_conn *conn = conn_for(request);
    if (conn == NULL)
        return false;
    rp__conn_assign(conn, request);
    put(conn);
    return true;
}

bool rp__pool_may_open(const rp_origin *origin)
{
    return !rp__origin_is_full(origin) && !rp__limit_is_down(origin) &&
           origin->stalled_count == 0 && !rp__client_is_full(origin->client);
}

void rp__pool_submit(rp_request *request)
{
    rp__trace_attempt(request);
    if (request->explain != NULL)
        rp__why_goes(request);
    if (rp__pool_offer(request))
        return;
    rp__request_on_queued(request);
    rp__origin_queue(request);
    rp__trace_request(request, RP_TRACE_QUEUED);
    rp__openings_begin(request->origin);
    if (request->explain != NULL)
        rp__why_queued(request);
}

static void delay_is_over(rp_timer *timer, void *user)
{
    (void)timer;
    rp__pool_submit(user);
}

/* ---- what connections tell ---- */

/* The queue's oldest that may use it. */
static rp_request *next_for(const rp_conn *conn)
{
    rp_request *request = rp__origin_next(conn->origin, rp__conn_is_fresh(conn));
    if (request == NULL || request->hedge == NULL || rp__hedge_may_use(request, conn))
        return request;
    return rp__origin_next(conn->origin, false); /* who may not waits for a fresh one */
}

/* The queue's oldest go to it, as many as it takes; then others may find it. */
static void conn_room_changed(rp_conn *conn)
{
    if (conn->client->destroyed)
        return;
    while (rp__conn_room(conn) > 0 && !is_spent(conn) && rp__limit_room(conn->origin) > 0) {
        rp_request *request = next_for(conn);
        if (request == NULL)
            break;
        rp__origin_withdraw(request);
        rp__conn_assign(conn, request);
    }
    if (conn->in_flight == 0 && is_spent(conn))
        rp__conn_close(conn);
    else
        put(conn);
    rp__origin_look(conn->origin);
    rp__openings_dispatch(conn->client); /* others may wait for just this room */
}

/* The queue's oldest for which there is a connection. */
static bool serve_one(rp_origin *origin)
{
    for (unsigned used = 0; used < 2; used++) {
        rp_request *request = rp__origin_next(origin, used == 0);
        rp_conn *conn = request == NULL ? NULL : find(request);
        if (conn == NULL)
            continue;
        rp__origin_withdraw(request);
        rp__conn_assign(conn, request);
        put(conn);
        return true;
    }
    return false;
}

static void has_place(rp_origin *origin)
{
    if (origin->client->destroyed)
        return;
    while (serve_one(origin))
        continue;
    rp__origin_look(origin);
    rp__openings_begin(origin);
}

/* Of several that were tried one was enough. */
static bool is_surplus(const rp_conn *conn)
{
    const rp_origin *origin = conn->origin;
    if (!conn->protocol->multiplexed || conn->in_flight > 0)
        return false;
    if (!rp__list_empty(&origin->ready))
        return true;
    for (const rp_link *link = origin->idle.next; link != &origin->idle; link = link->next) {
        const rp_conn *other = RP_CONTAINER(link, rp_conn, ready_link);
        if (other != conn && rp__conn_room(other) > 0)
            return true;
    }
    return false;
}

static void conn_opened(rp_conn *conn)
{
    rp_origin *origin = conn->origin;
    rp__openings_end(conn);
    rp__limit_opened(origin);
    origin->open_count++;
    rp__statistics_opened(origin, conn->facts->tls_version != NULL, conn->facts->resumed);
    if (rp__conn_outdated(conn)) {
        rp__conn_close(conn);
    } else {
        rp__origin_learn_opened(origin, conn->protocol->multiplexed, rp__conn_room(conn),
                                conn->takes != RP_TAKES_UNSAID);
        conn_room_changed(conn);
        if (conn->state == RP_CONN_OPEN && is_surplus(conn))
            rp__conn_close(conn);
    }
    if (!conn->client->destroyed)
        rp__openings_dispatch(conn->client);
    rp__life_changed(conn->client);
}

/* Every connection that is not of HTTP/1.1 ends, this one too. */
static void end_multiplexed(rp_origin *origin)
{
    rp_link *all = &origin->conns;
    for (rp_link *link = all->next; link != all;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, origin_link);
        link = link->next;
        if (conn->state == RP_CONN_OPEN && conn->protocol->multiplexed)
            rp__conn_retire(conn);
    }
}

static void goes_again(rp_request *request, const rp_error *error, uint64_t delay_ms)
{
    rp__trace_attempt_end(request, error, delay_ms);
    if (request->explain != NULL)
        rp__why_again(request);
}

static void conn_lost(rp_conn *conn, rp_request *request, rp_fate fate, const rp_error *error)
{
    rp_error told = *error;
    uint64_t delay_ms, now_us = rp__request_since_us(request, rp__loop_now_ns(conn->client->loop));
    bool beside_first = request->hedge != NULL && rp__hedge_is_beside_first(request);
    bool again = !beside_first && rp__replay_again(request, fate, error, &delay_ms);
    conn->origin->counts.replayed += again && request->written;
    rp__replay_error(request, fate, rp__conn_peer(conn), &told);
    if (again && request->written)
        goes_again(request, &told, delay_ms);
    if (told.status == RP_E_STALE_CONNECTION && now_us - request->timings.sent_us < AT_ONCE_US)
        rp__conn_learn(conn);
    if (error->h2_code == RP_H2_HTTP_1_1_REQUIRED && rp__origin_learn_http1(conn->origin))
        end_multiplexed(conn->origin);
    else if (error->h2_code == RP_H2_ENHANCE_YOUR_CALM)
        rp__conn_retire(conn);
    if (!again)
        rp__request_finish(request, &told);
    else if (delay_ms > 0)
        rp__request_delay(request, delay_ms, delay_is_over);
    else
        rp__pool_submit(request);
}

static void conn_leaving(rp_conn *conn)
{
    rp_origin *origin = conn->origin;
    take_out(conn);
    if (conn->state == RP_CONN_OPENING) {
        rp__openings_end(conn);
        return;
    }
    origin->open_count--;
    origin->retired_count -= rp__conn_retired(conn);
    if (conn->takes == RP_TAKES_UNSAID)
        origin->said_by_ns = 0; /* it won't say it any more */
}

static void conn_closed(rp_origin *origin)
{
    rp_client *client = origin->client;
    origin->conn_count--;
    client->conn_count--;
    rp__origin_look(origin);
    if (!client->destroyed)
        rp__openings_dispatch(client);
    rp__origin_release_if_unused(origin);
    rp__life_changed(client);
    rp__client_free_if_done(client);
}

const rp_conn_events rp__pool_conn_events = {
    .opened = conn_opened,
    .open_failed = rp__openings_failed,
    .room_changed = conn_room_changed,
    .lost = conn_lost,
    .has_place = has_place,
    .leaving = conn_leaving,
    .closed = conn_closed,
};
