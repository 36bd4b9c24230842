/* invariants.c - what holds of the client after every turn, whatever happened. */
#include "swarm/world.h"

#include "base/list.h"
#include "sim/sim.h"
#include <ringport/insight.h>

/* Beside what is in the streams: the largest record, and a head in chunks. */
#define OUTPUT_LIMIT (RP_OUTPUT_LIMIT + 2 * 16384)
/* What a port may have at hand, and what the engine had: one receive, or all that io_uring's
 * buffers hold, when the system was slow to run the loop. In a simulation a window besides: it
 * fills again until a late cancel stops the receive. */
#define STASH_LIMIT ((size_t)256 * 1024 + 2 * 16384)
#define STASH_LIMIT_REAL ((size_t)2 * 1024 * 1024 + 2 * 16384)

/* Timers count in milliseconds, and some are set for what is left of a limit. */
#define LATE_NS ((uint64_t)1000000)

typedef struct counted {
    uint32_t conns, opening, open, closing, idle, in_flight, queued, active, requests;
} counted;

/* What began then has not outlived its limit. */
static void limit_holds(const world *w, uint64_t since_ns, uint64_t limit_ms)
{
    uint64_t late_ns = LATE_NS + world_late_us(w) * 1000;
    if (limit_ms > 0 && limit_ms != RP_NEVER_MS)
        CHECK(rp__loop_now_ns(w->loop) <= since_ns + limit_ms * 1000000 + late_ns);
}

/* Input flows while somebody takes it, and only then. */
static void input_holds(const rp_stream *s)
{
    bool simulated = s->socket != NULL && s->tunnel == NULL && rp__sim_of_loop(s->loop) != NULL;
    const sim_socket *socket = simulated ? sim_socket_of(s->socket) : NULL;
    if (s->receive_stopping && simulated)
        CHECK((socket->cancelling | socket->decided) & RP_OP_RECEIVE);
    bool due = !rp__list_empty(&s->pump.link);
    if (!rp__stream_is_open(s) || s->closing || s->input_ended || due)
        return;
    bool wanted = (!s->has_credit_limit || s->credit > 0) && s->stash == NULL;
    CHECK(wanted ? s->receiving : !s->receiving || s->receive_stopping);
}

static size_t stash_limit(const rp_stream *s)
{
    if (rp__sim_of_loop(s->loop) == NULL)
        return STASH_LIMIT_REAL;
    const sim_socket *socket =
        s->socket != NULL && s->tunnel == NULL ? sim_socket_of(s->socket) : NULL;
    if (socket == NULL || socket->wire == NULL)
        return STASH_LIMIT;
    return STASH_LIMIT + socket->wire->pipes[1 - socket->end].window;
}

void stream_holds(const rp_stream *s)
{
    CHECK(s->output.size <= OUTPUT_LIMIT);
    CHECK(s->in_flight <= s->output.size);
    CHECK(rp__stream_stashed(s) <= stash_limit(s));
    CHECK(s->stash == NULL || s->stash->size > 0);
    CHECK(s->socket != NULL || !s->receiving);
    CHECK((s->opening == NULL) == (rp__stream_is_open(s) && !s->server));
    input_holds(s);
}

static void opening_holds(const world *w, const rp_conn *conn)
{
    const rp_client_options *o = &conn->client->options;
    const rp_stream *s = conn->stream;
    uint64_t dial_ms = o->resolve_timeout_ms + o->connect_timeout_ms;
    if (s->tunnel != NULL) /* the proxy's handshake, and what is said to it */
        dial_ms += o->handshake_timeout_ms;
    if (s->opening->leaving != NULL) /* when it is closed is the port's to say */
        return;
    if (s->opening->handshake_until_ns != 0 && s->state < RP_STREAM_OPEN) /* of all addresses */
        limit_holds(w, s->opening->handshake_until_ns, 1);
    else if (s->state == RP_STREAM_DIALLING)
        limit_holds(w, s->times.started_ns, dial_ms);
    else if (s->state == RP_STREAM_HANDSHAKE)
        limit_holds(w, s->times.connected_ns, o->handshake_timeout_ms);
}

/* One that a request took and left again unused may be too old at once: its check is due. */
static void idle_holds(const world *w, const rp_conn *conn)
{
    uint64_t limit_ms = conn->client->options.connection_idle_ms;
    bool due = conn->idle_check_ns != 0 && conn->idle_check_ns <= rp__loop_now_ns(w->loop);
    limit_holds(w, conn->idle_since_ns, due ? RP_NEVER_MS : limit_ms);
    limit_holds(w, conn->idle_check_ns, due ? 1 : RP_NEVER_MS);
}

static void conn_holds(const world *w, const rp_conn *conn)
{
    bool idle = conn->state == RP_CONN_OPEN && !rp__list_empty(&conn->age_link);
    bool one_by_one = conn->state != RP_CONN_OPEN || conn->protocol->version == 11;
    CHECK(conn->in_flight <= 1 || !one_by_one);
    CHECK(conn->in_flight == 0 || conn->state == RP_CONN_OPEN);
    /* With HTTP/2 there may be more room at once than the pool was told, and never less. */
    CHECK(!one_by_one || (rp__conn_room(conn) > 0) == !rp__list_empty(&conn->ready_link));
    CHECK(idle == (conn->in_flight == 0 && !rp__list_empty(&conn->ready_link)));
    if (idle && one_by_one) {
        CHECK(conn->state == RP_CONN_OPEN && conn->stream->encrypted == NULL);
        CHECK(conn->stream->background); /* a reset of its last send is found by the next fill */
        CHECK(conn->stream->queued == NULL && conn->stream->stash == NULL);
        CHECK(!conn->stream->has_credit_limit && conn->stream->receiving);
        idle_holds(w, conn);
    }
    if (conn->state == RP_CONN_OPENING)
        opening_holds(w, conn);
    if (conn->stream != NULL)
        stream_holds(conn->stream);
}

static void conns_hold(const world *w, counted *all)
{
    const rp_client *client = w->client;
    for (const rp_link *l = client->conns.next; l != &client->conns; l = l->next) {
        const rp_conn *conn = RP_CONTAINER(l, rp_conn, link);
        conn_holds(w, conn);
        all->conns++;
        all->opening += conn->state == RP_CONN_OPENING;
        all->open += conn->state == RP_CONN_OPEN;
        all->closing += conn->state == RP_CONN_CLOSING;
        all->idle += conn->state == RP_CONN_OPEN && !rp__list_empty(&conn->age_link);
        all->in_flight += conn->in_flight;
    }
    CHECK(all->conns == client->conn_count);
    CHECK(all->opening == client->opening_count);
    CHECK(client->conn_count <= client->options.connections_total);
    CHECK(client->fresh_count <= client->options.concurrent_openings);
    CHECK(client->fresh_count <= client->opening_count);
}

/* A record that came in parts, and was another request's, leaves this one over its limit: by then
 * its timer was set for later, but not beyond what was known when a part of it came. */
static void idle_limit_holds(const world *w, const rp_request *r, uint64_t moved_ns)
{
    uint64_t heard_ns = rp__stream_heard_ns(r->conn->stream), now = rp__loop_now_ns(w->loop);
    uint64_t due_ns = r->phase_timer.private_deadline_ns;
    bool later = r->conn->protocol->version == 20 && r->phase_timer.private_started &&
                 due_ns >= now && heard_ns > moved_ns;
    limit_holds(w, later ? heard_ns : moved_ns, r->idle_timeout_ms);
}

static void request_in_time(const world *w, const rp_request *r)
{
    const rp_request *teller = r->hedge != NULL ? rp__hedge_teller(r) : r;
    bool owes = teller->has_credit_limit && teller->owed_bytes >= teller->credit_bytes;
    if (r->state == RP_REQUEST_ENDING)
        return;
    if (rp__decoding_lingers(teller)) /* until its caller takes it */
        owes = true;
    if (rp__upload_waits(r) != NULL) /* for the rest of the body, or 100 */
        owes = true;
    limit_holds(w, r->started_ns, r->total_timeout_ms);
    if (r->state == RP_REQUEST_QUEUED)
        limit_holds(w, r->queued_ns, r->client->options.queue_timeout_ms);
    if (r->state != RP_REQUEST_ACTIVE || r->conn == NULL)
        return;
    uint64_t moved_ns = r->conn->protocol->moved_ns(r->conn, r);
    if (moved_ns < r->moved_ns)
        moved_ns = r->moved_ns;
    if (r->sent_ns > 0 && !r->head_begun)
        limit_holds(w, r->sent_ns, r->first_byte_timeout_ms);
    else if (!owes)
        idle_limit_holds(w, r, moved_ns);
}

static void requests_hold(const world *w, counted *all)
{
    const rp_client *client = w->client;
    for (const rp_link *l = client->requests.next; l != &client->requests; l = l->next) {
        const rp_request *request = RP_CONTAINER(l, rp_request, link);
        all->requests += !request->is_second;
        all->queued += request->state == RP_REQUEST_QUEUED;
        bool lingers = rp__decoding_lingers(request) && request->conn == NULL;
        /* Its answer is there: nobody is asked for more of its body. */
        CHECK(!lingers || !request->has_body || request->upload.body.stopped);
        if (request->hedge != NULL && request->hedge->carries && !request->is_second)
            lingers = true; /* and its second has the connection */
        all->active += request->state == RP_REQUEST_ACTIVE && !lingers;
        CHECK((request->state == RP_REQUEST_ACTIVE && !lingers) == (request->conn != NULL));
        if (request->conn != NULL)
            CHECK(request->conn->origin == request->origin && request->conn->in_flight > 0);
        bool queued =
            !rp__list_empty(&request->queue_link); /* HTTP/2 has those that are assigned */
        CHECK(request->state == RP_REQUEST_QUEUED
                  ? queued
                  : !queued || (request->conn != NULL && request->conn->protocol->version == 20));
        CHECK(!request->has_credit_limit || request->owed_bytes <= request->credit_bytes);
        request_in_time(w, request);
    }
    CHECK(all->queued == client->queued_count);
    CHECK(all->active == all->in_flight);
}

/* One of HTTP/2 that is silent, and was asked whether it lives, takes nothing. */
static bool has_idle_room(const rp_origin *origin)
{
    const rp_link *all = &origin->client->idle;
    for (const rp_link *l = all->next; l != all; l = l->next) {
        const rp_conn *conn = RP_CONTAINER(l, rp_conn, age_link);
        if (conn->origin == origin && rp__conn_room(conn) > 0)
            return true;
    }
    return false;
}

static unsigned id_of(const rp_request *request)
{
    return ((const call *)request->user)->id;
}

/* A request never waits while a connection that could serve it is idle; who came first is served
 * first, and those that are replayed before all others. */
static void queue_is_served(const rp_origin *origin)
{
    const rp_request *before = NULL, *first = NULL;
    for (const rp_link *l = origin->queue.next; l != &origin->queue; l = l->next) {
        const rp_request *request = RP_CONTAINER(l, rp_request, queue_link);
        CHECK(request->fresh_only || rp__limit_room(origin) == 0 || rp__limit_is_serving(origin) ||
              !has_idle_room(origin));
        bool tried = request->retry != NULL && request->retry->tries > 0;
        if (request->redirected || request->is_second || tried) /* it came when it was sent here */
            continue;
        CHECK(before == NULL || before->attempts > 0 ||
              (request->attempts == 0 && id_of(before) < id_of(request)));
        bool anew = request->attempts == 0 && request->moved == 0 && !request->redirected;
        if (first == NULL && anew)
            first = request;
        before = request;
    }
    const rp_link *all = &origin->client->requests;
    for (const rp_link *l = all->next; first != NULL && l != all; l = l->next) {
        const rp_request *request = RP_CONTAINER(l, rp_request, link);
        CHECK(request->origin != origin || request->is_second || request->attempts == 0 ||
              id_of(request) < id_of(first));
    }
}

static void its_conns_hold(const rp_origin *origin)
{
    uint32_t count = 0;
    for (const rp_link *l = origin->conns.next; l != &origin->conns; l = l->next, count++)
        CHECK(RP_CONTAINER(l, rp_conn, origin_link)->origin == origin);
    CHECK(count == origin->conn_count);
}

static void origin_holds(const rp_client *client, const rp_origin *origin, bool closing)
{
    const rp_client_options *o = &client->options;
    CHECK(origin->conn_count <= o->connections_per_origin);
    CHECK(origin->idle_count <= o->idle_per_origin);
    CHECK((origin->conn_count + origin->request_count == 0) ==
          !rp__list_empty(&origin->remembered_link));
    CHECK(origin->open_count + origin->opening_count <= origin->conn_count);
    CHECK(origin->queued_count <= origin->request_count);
    its_conns_hold(origin);
    queue_is_served(origin);
    /* Nor without anybody trying to open one, where that is allowed, or making room for it. */
    bool room = client->conn_count < o->connections_total || !rp__list_empty(&client->idle);
    bool may_open = room && client->fresh_count < o->concurrent_openings &&
                    origin->conn_count < o->connections_per_origin;
    /* After a pause of the program the timer that sees to it may have to wait for a turn. */
    const rp_timer *timer = &client->dispatch_timer;
    bool due =
        timer->private_started && timer->private_deadline_ns <= rp__loop_now_ns(client->loop);
    if (rp__limit_is_down(origin) && origin->queued_count > 0 && origin->open_count == 0)
        CHECK(timer->private_started || origin->opening_count > 0 || !may_open || closing);
    else if (origin->queued_count > 0 && may_open && !closing && !due)
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

static uint64_t sum(const uint64_t *numbers, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += numbers[i];
    return all;
}

/* What is counted in several ways comes to the same. */
static void counts_hold(const rp_counts *c)
{
    uint64_t failures = 0;
    for (size_t i = 0; i < RP_FAILURE_KINDS; i++)
        failures += c->failures[i].count;
    CHECK(failures == c->failed && c->failed <= c->requests);
    CHECK(sum(c->responses, 6) == c->requests);
    CHECK(sum(c->durations, RP_DURATION_BUCKETS) == c->requests);
    CHECK(c->handshakes_full + c->handshakes_resumed <= c->connections_opened);
    CHECK(c->hedges_won <= c->hedges);
}

static bool add_origin(const rp_origin_statistics *origin, void *user)
{
    rp_origin_statistics *all = user;
    CHECK(origin->idle <= origin->open);
    CHECK(origin->oldest_wait_us == 0 || origin->queued > 0);
    counts_hold(&origin->counts);
    all->open += origin->open;
    all->idle += origin->idle;
    all->opening += origin->opening;
    all->in_flight += origin->in_flight;
    all->queued += origin->queued;
    all->counts.requests += origin->counts.requests;
    all->counts.connections_opened += origin->counts.connections_opened;
    return true;
}

/* What is told of origins is what there is, and comes to what is told of the client. */
static void statistics_hold(const world *w, const counted *all)
{
    rp_origin_statistics totals, origins = {.host = NULL};
    rp_client_totals(w->client, &totals);
    rp_client_origins(w->client, add_origin, &origins);
    counts_hold(&totals.counts);
    CHECK(totals.open == all->open && origins.open == all->open);
    CHECK(totals.idle == all->idle && origins.idle == all->idle);
    CHECK(totals.opening == all->opening && origins.opening == all->opening);
    CHECK(totals.in_flight == all->in_flight && origins.in_flight == all->in_flight);
    CHECK(totals.queued == all->queued && origins.queued == all->queued);
    CHECK(totals.counts.requests == origins.counts.requests);
    CHECK(totals.counts.requests + w->active == w->taken);
    CHECK(totals.counts.connections_opened == origins.counts.connections_opened);
    CHECK(totals.counts.connections_opened >= totals.open);
}

/* So much a connection and a request may take, and the loop with its names and sessions. */
static void memory_holds(const world *w, const counted *all)
{
    size_t limit = (size_t)4 * 1024 * 1024 + all->conns * (size_t)512 * 1024 +
                   (w->knobs.streams * (size_t)512 + all->requests * (size_t)80) * 1024;
    for (unsigned i = 0; i < w->knobs.host_count; i++) /* what waits for credit, to the window */
        limit += w->knobs.hosts[i].http2 ? all->requests * (size_t)400 * 1024 : 0;
    CHECK(w->heap.bytes <= limit);
}

void invariants_hold(const world *w)
{
    const rp_client *client = w->client;
    counted all = {0};
    conns_hold(w, &all);
    requests_hold(w, &all);
    origins_hold(client, &all);
    statistics_hold(w, &all);
    CHECK(all.requests == w->active);
    CHECK(w->knobs.client.queue_limit == 0 ||
          client->queued_count <= w->knobs.client.queue_limit + all.conns);
    memory_holds(w, &all);
    CHECK(client->decoders.used <= client->decoders.limit);
    CHECK(all.requests > 0 || client->decoders.used == 0);
    CHECK(rp_loop_stats_get(w->loop)->wakeups_spurious == 0);
    CHECK(rp_loop_stats_get(w->loop)->tls_calls_idle == 0);
}
