/* invariants.c - what holds of the client after every turn, whatever happened. */
#include "swarm/world.h"

#include "base/list.h"

/* Beside what is in the streams: the largest record, and a head in chunks. */
#define OUTPUT_LIMIT (RP_OUTPUT_LIMIT + 2 * 16384)
/* What one receive brings, and what the engine had in hand. */
#define STASH_LIMIT ((size_t)256 * 1024 + 2 * 16384)

typedef struct counted {
    uint32_t conns, opening, closing, idle, queued, requests;
} counted;

static void stream_holds(const rp_stream *s)
{
    CHECK(s->output.size <= OUTPUT_LIMIT);
    CHECK(s->in_flight <= s->output.size);
    CHECK(s->stash_size <= STASH_LIMIT);
    CHECK(s->socket != NULL || !s->receiving);
}

static void conn_holds(const rp_conn *conn)
{
    CHECK(!(conn->open && conn->opening));
    if (conn->request != NULL) {
        CHECK(conn->request->conn == conn && conn->request->state == RP_REQUEST_ACTIVE);
        CHECK(conn->request->origin == conn->origin);
        CHECK(conn->open && !conn->closing);
    }
    bool idle = !rp_list_empty(&conn->idle_link);
    CHECK(idle == !rp_list_empty(&conn->origin_link));
    if (idle) {
        CHECK(conn->open && !conn->closing && conn->request == NULL && !conn->body_unsent);
        CHECK(conn->stream->background && !conn->stream->write_failed);
        CHECK(conn->stream->queued == NULL && conn->stream->stash_size == 0);
        CHECK(!conn->stream->has_credit_limit && conn->stream->receiving);
    }
    if (conn->stream != NULL)
        stream_holds(conn->stream);
}

static void conns_hold(const rp_client *client, counted *all)
{
    for (const rp_link *l = client->conns.next; l != &client->conns; l = l->next) {
        const rp_conn *conn = RP_CONTAINER(l, rp_conn, link);
        conn_holds(conn);
        all->conns++;
        all->opening += conn->opening;
        all->closing += conn->closing;
        all->idle += !rp_list_empty(&conn->idle_link);
    }
    CHECK(all->conns == client->conn_count);
    CHECK(all->opening == client->opening_count);
    CHECK(client->conn_count <= client->options.connections_total);
    CHECK(client->opening_count <= client->options.concurrent_handshakes);
}

static void requests_hold(const rp_client *client, counted *all)
{
    for (const rp_link *l = client->requests.next; l != &client->requests; l = l->next) {
        const rp_request *request = RP_CONTAINER(l, rp_request, link);
        all->requests++;
        all->queued += request->state == RP_REQUEST_QUEUED;
        CHECK((request->state == RP_REQUEST_ACTIVE) == (request->conn != NULL));
        CHECK((request->state == RP_REQUEST_QUEUED) == !rp_list_empty(&request->queue_link));
        CHECK(!request->has_credit_limit || request->owed_bytes <= request->credit_bytes);
    }
    CHECK(all->queued == client->queued_count);
}

/* A request never waits while a connection that could serve it is idle. */
static void queue_is_served(const rp_origin *origin)
{
    for (const rp_link *l = origin->queue.next; l != &origin->queue; l = l->next) {
        const rp_request *request = RP_CONTAINER(l, rp_request, queue_link);
        CHECK(request->fresh_only || origin->idle_count == 0);
    }
}

static void origin_holds(const rp_client *client, const rp_origin *origin, bool closing)
{
    const rp_client_options *o = &client->options;
    CHECK(origin->conn_count <= o->connections_per_origin);
    CHECK(origin->idle_count <= o->idle_per_origin);
    CHECK(origin->conn_count + origin->request_count > 0);
    CHECK(origin->open_count + origin->opening_count <= origin->conn_count);
    CHECK(origin->queued_count <= origin->request_count);
    queue_is_served(origin);
    /* Nor without anybody trying to open one, where that is allowed, or making room for it. */
    bool room = client->conn_count < o->connections_total || !rp_list_empty(&client->idle);
    bool may_open = room && client->opening_count < o->concurrent_handshakes &&
                    origin->conn_count < o->connections_per_origin;
    if (origin->queued_count > 0 && may_open && !closing)
        CHECK(origin->opening_count > 0 || origin->open_count > 0);
}

static void origins_hold(const rp_client *client, const counted *all)
{
    size_t origins = 0;
    uint32_t queued = 0;
    for (size_t i = 0; i < client->bucket_count; i++) {
        for (const rp_origin *o = client->buckets[i]; o != NULL; o = o->next) {
            origin_holds(client, o, all->closing > 0);
            origins++;
            queued += o->queued_count;
        }
    }
    CHECK(origins == client->origin_count);
    CHECK(queued == client->queued_count);
}

/* So much a connection and a request may take, and the loop with its names and sessions. */
static void memory_holds(const world *w, const counted *all)
{
    size_t limit = (size_t)4 * 1024 * 1024 + all->conns * (size_t)512 * 1024 +
                   (w->knobs.streams * (size_t)512 + all->requests * (size_t)80) * 1024;
    CHECK(w->heap.bytes <= limit);
}

void invariants_hold(const world *w)
{
    const rp_client *client = w->client;
    counted all = {0};
    conns_hold(client, &all);
    requests_hold(client, &all);
    origins_hold(client, &all);
    CHECK(all.requests == w->active);
    CHECK(w->knobs.client.queue_limit == 0 ||
          client->queued_count <= w->knobs.client.queue_limit + all.conns);
    memory_holds(w, &all);
    CHECK(rp_loop_stats_get(w->loop)->wakeups_spurious == 0);
    CHECK(rp_loop_stats_get(w->loop)->tls_calls_idle == 0);
}
