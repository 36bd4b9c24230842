/* ground.c - see ground.h. */
#include "swarm/world.h"

#include "sim/sim.h"
#include "support/loops.h"

#include <inttypes.h>
#include <string.h>

#define STILL_MS 30000 /* nothing that is meant to wait waits so long */
#define LOOK_MS 50

/* ---- the lock ---- */

static _Thread_local unsigned depth;

void ground_enter(world *w)
{
    if (!w->ground.apart || depth++ > 0)
        return;
    while (atomic_flag_test_and_set_explicit(&w->ground.busy, memory_order_acquire))
        raw_sleep_ms(0);
}

void ground_leave(world *w)
{
    if (w->ground.apart && --depth == 0)
        atomic_flag_clear_explicit(&w->ground.busy, memory_order_release);
}

void ground_moves(world *w)
{
    atomic_fetch_add_explicit(&w->ground.moves, 1, memory_order_relaxed);
}

/* ---- the watchdog ---- */

static void tell_call(const call *c)
{
    static const char *const states[] = {"queued", "active", "ending"};
    const rp_request *request = c->request;
    const rp_conn *conn = request->conn;
    (void)fprintf(stderr,
                  "call %u: %s, %s, cut %d, flaw %d, extra %d; seen %u times, heads %u, "
                  "%" PRIu64 " of %zu bytes down, %zu up, credit %zu owed %" PRIu64 "\n",
                  c->id, c->method, states[request->state], (int)c->cut, (int)c->flaw,
                  (int)c->extra, c->asked, c->heads, c->received, c->body_bytes, c->upload_bytes,
                  c->credit_bytes, c->owed);
    if (conn == NULL)
        return;
    const rp_stream *s = conn->stream;
    (void)fprintf(stderr,
                  "  its connection: state %d, served %u, output %zu, of it in flight %zu, "
                  "receiving %d, stash %zu, input ended %d, closing %d\n",
                  (int)s->state, conn->served, s->output.size, s->in_flight, s->receiving,
                  rp__stream_stashed(s), s->input_ended, s->closing);
}

/* What the client's thread has is read as it lies: that thread sleeps, and the process ends. */
static void tell_pending(world *w)
{
    (void)fprintf(stderr,
                  "nothing has moved for %d ms on %s (%s): %u of %u calls done, %u pending, client "
                  "%s, loop pending %" PRIu64 "\n",
                  STILL_MS, w->ground.backend, w->scenario->name, w->done, w->knobs.calls,
                  w->active, w->client != NULL ? "alive" : "destroyed", w->loop->pending);
    for (unsigned i = 0; i < w->next_call; i++) {
        if (w->calls[i].request != NULL)
            tell_call(&w->calls[i]);
    }
}

static void watch(void *user)
{
    world *w = user;
    unsigned seen = 0, still_ms = 0;
    while (!atomic_load(&w->ground.ended)) {
        raw_sleep_ms(LOOK_MS);
        unsigned moves = atomic_load_explicit(&w->ground.moves, memory_order_relaxed);
        still_ms = moves == seen ? still_ms + LOOK_MS : 0;
        seen = moves;
        if (still_ms < STILL_MS)
            continue;
        tell_pending(w);
        abort();
    }
}

/* ---- the servers' thread ---- */

static void servers_begin(world *w)
{
    rp_error error;
    CHECK_TEXT(ground_loop(w, &w->ground.servers, NULL, &error) == RP_OK, error.text);
    hosts_start(w);
}

static void servers_end(world *w)
{
    rp_loop *loop = w->ground.servers;
    hosts_end(w);
    while (rp_loop_pending(loop))
        (void)rp_loop_turn(loop, 100);
    ground_enter(w); /* whoever posts has returned */
    ground_leave(w);
    rp_loop_destroy(loop);
}

static void serve(void *user)
{
    world *w = user;
    servers_begin(w);
    atomic_store(&w->ground.serving, true);
    while (!atomic_load(&w->ground.stopping))
        (void)rp_loop_turn(w->ground.servers, 60000);
    servers_end(w);
}

void ground_begin(world *w)
{
    ground *g = &w->ground;
    if (!ground_is_real(g)) {
        hosts_start(w);
        return;
    }
    g->begun_ns = raw_clock_ns();
    g->apart = w->knobs.apart;
    if (g->apart) {
        g->server_thread = raw_thread_start(serve, w);
        while (!atomic_load(&g->serving))
            raw_sleep_ms(1);
    } else {
        servers_begin(w);
    }
    g->watchdog = raw_thread_start(watch, w);
}

static void stop(host *h, uint64_t number)
{
    (void)number;
    atomic_store(&h->world->ground.stopping, true);
}

void ground_end(world *w)
{
    ground *g = &w->ground;
    if (!ground_is_real(g)) {
        hosts_end(w);
        return;
    }
    if (g->apart) {
        ground_do(&w->hosts[0], stop, 0);
        raw_thread_join(g->server_thread);
    } else {
        servers_end(w);
    }
    atomic_store(&g->ended, true);
    raw_thread_join(g->watchdog);
}

/* ---- asking the servers ---- */

typedef struct task {
    rp_post post;
    void (*fn)(host *h, uint64_t number);
    host *host;
    uint64_t number;
} task;

static void run_task(rp_post *post, void *user)
{
    task *t = user;
    (void)post;
    t->fn(t->host, t->number);
    free(t);
}

void ground_do(host *h, void (*fn)(host *h, uint64_t number), uint64_t number)
{
    if (!h->world->ground.apart) {
        fn(h, number);
        return;
    }
    task *t = malloc(sizeof(*t));
    CHECK(t != NULL);
    *t = (task){{.fn = run_task, .user = t}, fn, h, number};
    ground_enter(h->world);
    rp_loop_post(h->world->ground.servers, &t->post);
    ground_leave(h->world);
}

/* ---- loops ---- */

rp_status ground_loop(world *w, rp_loop **loop, const rp_loop_options *options, rp_error *error)
{
    rp_loop_options real = {.backend = w->ground.backend};
    if (options != NULL)
        real = *options;
    real.backend = w->ground.backend;
    if (ground_is_real(&w->ground))
        return loops_create(loop, &real, error);
    return rp_sim_loop_create(w->sim, loop, &real, options != NULL && w->knobs.faulty, error);
}

void ground_turn(world *w, uint64_t wait_ms)
{
    bool alternates = ground_is_real(&w->ground) && !w->ground.apart;
    (void)rp_loop_turn(w->loop, alternates ? 1 : wait_ms);
    if (alternates)
        (void)rp_loop_turn(w->ground.servers, 0);
}

/* In the simulator everybody else goes on meanwhile. */
void ground_pause(world *w, uint64_t ms)
{
    if (ground_is_real(&w->ground)) {
        raw_sleep_ms((unsigned)ms);
        return;
    }
    sim_port *port = sim_port_of(w->loop->port);
    port->loop = NULL;
    rp_sim_run_ms(w->sim, ms);
    port->loop = w->loop;
}
