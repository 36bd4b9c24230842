/* life.c - preconnects, drain, and the cancelling of all.
 *
 * A preconnect is demand without a request: its origin wants so many connections that nobody uses
 * (origin->idle_wanted), openings.c opens them as it does for the queue, and those that are open
 * become idle. What it waits for may change by anything that happens to a connection, and a drain
 * also by the end of each request: whatever does so only orders a look, which then finds out, once
 * in a turn, with nobody's call under way. */
#include "client/life.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/openings.h"
#include "client/request.h"
#include "client/way.h"
#include <ringport/life.h>

#include <string.h>

typedef struct preconnect {
    rp_link link; /* client->preconnects */
    rp_origin *origin;
    uint32_t count;
    uint64_t begun_ns;
    rp_preconnected_fn *on_done;
    void *user;
    bool over; /* for this error */
    rp_error error;
} preconnect;

static preconnect *preconnect_of(rp_link *link)
{
    return RP_CONTAINER(link, preconnect, link);
}

/* ---- preconnects ---- */

static uint32_t ready_count(const rp_origin *origin)
{
    uint32_t count = origin->idle_count;
    for (const rp_link *link = origin->ready.next; link != &origin->ready; link = link->next)
        count++;
    return count;
}

/* What all of the origin's together ask for. */
static void want(rp_origin *origin)
{
    rp_client *client = origin->client;
    uint32_t most = 0;
    for (rp_link *link = client->preconnects.next; link != &client->preconnects;
         link = link->next) {
        const preconnect *p = preconnect_of(link);
        if (p->origin == origin && !p->over && p->count > most)
            most = p->count;
    }
    origin->idle_wanted = most;
    rp__origin_look(origin);
}

static bool no_more_fit(const rp_origin *origin)
{
    const rp_client *client = origin->client;
    return origin->conn_count >= client->options.connections_per_origin ||
           rp__client_is_full(client);
}

static bool is_done(const preconnect *p)
{
    const rp_origin *origin = p->origin;
    return p->over || origin->idle_count >= p->count || rp__origin_shares_one(origin) ||
           (origin->opening_count == 0 && no_more_fit(origin));
}

static void finish(preconnect *p)
{
    rp_origin *origin = p->origin;
    rp_client *client = origin->client;
    rp_preconnected result = {.ready = ready_count(origin), .error = p->over ? &p->error : NULL};
    rp__list_remove(&p->link);
    want(origin);
    origin->request_count--;
    rp__origin_release_if_unused(origin);
    if (p->on_done != NULL)
        p->on_done(&result, p->user);
    rp__loop_unhold(client->loop);
    rp__free(&client->loop->memory, p);
}

static void fail(preconnect *p, const rp_error *error)
{
    if (p->over)
        return;
    p->over = true;
    p->error = *error;
    want(p->origin);
}

/* That it was made for an earlier preconnect says nothing about a later one. */
void rp__life_opening_failed(rp_origin *origin, uint64_t started_ns, const rp_error *error)
{
    rp_client *client = origin->client;
    for (rp_link *link = client->preconnects.next; link != &client->preconnects;
         link = link->next) {
        preconnect *p = preconnect_of(link);
        if (p->origin == origin && p->begun_ns <= started_ns)
            fail(p, error);
    }
    rp__life_changed(client);
}

static void fail_all(rp_client *client, rp_status status, const char *why)
{
    rp_error error;
    for (rp_link *link = client->preconnects.next; link != &client->preconnects;
         link = link->next) {
        (void)rp__error_set(&error, status, RP_PHASE_QUEUE, "%s", why);
        fail(preconnect_of(link), &error);
    }
}

static rp_status check(const rp_client *client, rp_error *error)
{
    if (!rp__loop_is_ours(client->loop))
        return rp__loop_not_ours(error, RP_PHASE_QUEUE);
    if (client->destroyed || client->loop->destroying)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE,
                             "the client ends, and opens no more connections");
    return RP_OK;
}

static rp_status no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the preconnect");
}

static rp_status begin(rp_client *client, const rp_preconnect_options *options, const rp_url *url,
                       const rp_way *way, rp_error *error)
{
    uint32_t most = client->options.idle_per_origin;
    preconnect *p = rp__allocate(&client->loop->memory, sizeof(*p));
    if (p == NULL)
        return no_memory(error);
    rp_origin *origin = rp__origin_get(client, url, way);
    if (origin == NULL) {
        rp__free(&client->loop->memory, p);
        return no_memory(error);
    }
    *p = (preconnect){.origin = origin,
                      .count = options->count == 0 ? 1 : options->count,
                      .begun_ns = rp__loop_now_ns(client->loop),
                      .on_done = options->on_done,
                      .user = options->user};
    if (p->count > most)
        p->count = most;
    origin->request_count++;
    rp__loop_hold(client->loop);
    rp__list_append(&client->preconnects, &p->link);
    want(origin);
    rp__openings_begin(origin);
    rp__life_look_later(client);
    return RP_OK;
}

rp_status rp_client_preconnect_sized(rp_client *client, const rp_preconnect_options *options,
                                     size_t options_size, rp_error *error)
{
    rp_preconnect_options known;
    rp_error ignored;
    rp_url url;
    char route[RP_ROUTE_SIZE];
    rp_way way = {.upgrades = false};
    if (error == NULL)
        error = &ignored;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "preconnect options set a member that this version does not know");
    rp_status status = check(client, error);
    if (status != RP_OK)
        return status;
    if (client->drain.begun)
        return rp__life_draining(error);
    if (known.url == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE, "a preconnect needs a URL");
    status = rp__url_parse(&url, known.url, strlen(known.url), error);
    if (status == RP_OK)
        status = rp__way_find(route, &way, client, &url, known.connect_to, known.proxy, error);
    return status == RP_OK ? begin(client, &known, &url, &way, error) : status;
}

/* ---- drain ---- */

rp_status rp__life_draining(rp_error *error)
{
    return rp__error_set(error, RP_E_DRAINING, RP_PHASE_QUEUE,
                         "the client is being drained, and takes no more requests");
}

rp_status rp_client_drain(rp_client *client, rp_drained_fn *fn, void *user)
{
    if (check(client, NULL) != RP_OK || client->drain.begun)
        return RP_E_MISUSE;
    client->drain.begun = true;
    client->drain.fn = fn;
    client->drain.user = user;
    rp__loop_hold(client->loop);
    fail_all(client, RP_E_DRAINING, "the client is being drained");
    rp__life_look_later(client);
    return RP_OK;
}

/* A connection is needed while somebody in its origin's queue may get it. */
static void close_unneeded(rp_client *client)
{
    for (rp_link *link = client->conns.next; link != &client->conns;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, link);
        link = link->next;
        if (conn->in_flight == 0 && conn->origin->queued_count == 0)
            rp__conn_close(conn);
    }
}

static void drained(rp_client *client)
{
    if (client->drain.told)
        return;
    client->drain.told = true;
    rp__loop_unhold(client->loop);
    if (client->drain.fn != NULL)
        client->drain.fn(client->destroyed ? RP_E_CANCELLED : RP_OK, client->drain.user);
}

/* ---- the look ---- */

/* A callback may begin others, which are for the next look, or destroy the client, which is there
 * until this one is over. */
static void look_at_preconnects(rp_client *client)
{
    rp_link done;
    rp__list_init(&done);
    for (rp_link *link = client->preconnects.next; link != &client->preconnects;) {
        preconnect *p = preconnect_of(link);
        link = link->next;
        if (is_done(p)) {
            rp__list_remove(&p->link);
            rp__list_append(&done, &p->link);
        }
    }
    while (!rp__list_empty(&done))
        finish(preconnect_of(done.next));
}

static void look_at_drain(rp_client *client)
{
    if (!client->drain.begun)
        return;
    if (!client->destroyed)
        close_unneeded(client);
    if (rp__list_empty(&client->requests) && rp__list_empty(&client->conns))
        drained(client);
}

static void look(rp_deferred *deferred)
{
    rp_client *client = RP_CONTAINER(deferred, rp_client, life_look);
    look_at_preconnects(client);
    look_at_drain(client);
    rp__client_free_if_done(client);
}

void rp__life_look_later(rp_client *client)
{
    rp__loop_defer(client->loop, &client->life_look, look);
}

void rp__life_end(rp_client *client)
{
    fail_all(client, RP_E_CANCELLED, "the client was destroyed");
    rp__life_changed(client);
}

/* ---- all at once ---- */

static void cancel_those(rp_client *client, bool on_connection)
{
    for (rp_link *link = client->requests.next; link != &client->requests;) {
        rp_request *request = RP_CONTAINER(link, rp_request, link);
        link = link->next;
        if ((request->conn != NULL) == on_connection)
            rp_request_cancel(request);
    }
}

/* First those that wait: no connection is given to them, or opened, in place of one that ends. */
void rp_client_cancel_all(rp_client *client)
{
    if (!rp__loop_is_ours(client->loop) || client->emptied)
        return;
    cancel_those(client, false);
    cancel_those(client, true);
}
