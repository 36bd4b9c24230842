/* port.c - turns in virtual time.
 *
 * Time moves only when nobody has anything to do. A loop that waits in its turn is the one that
 * makes the world go round meanwhile: it fires the network's events, turns the other loops of the
 * simulation that have something to do, and when none has, moves the time to what comes next. */
#include "sim/sim.h"

#include "base/assert.h"
#include "loop/gather.h"

#include <string.h>

/* A wait without a deadline that nothing will end; more turns at one instant than any program
 * takes that does not wait busily. */
#define TURNS_MOST 1000000u
/* What a turn that did not want to wait and found nothing takes: so that who asks again and again
 * sees time pass. */
#define IDLE_TURN_NS SIM_US

/* ---- names ---- */

static void query_due(sim_event *event)
{
    sim_query *query = RP_CONTAINER(event, sim_query, event);
    rp__list_remove(&query->link);
    rp__list_append(&query->port->answers, &query->link);
}

/* Only questions that have something to lose meet a fault: those for a family that the name has
 * addresses of, and for A of an unknown name. */
static void query_decide(sim_query *query, const sim_name *name, bool striking)
{
    rp_sim *sim = query->port->sim;
    query->status = RP_E_RESOLVE_NOT_FOUND;
    if (striking && rp__sim_strikes(sim, RP_SIM_NAME_FAILED)) {
        query->status = RP_E_RESOLVE_FAILED;
        return;
    }
    if ((striking && rp__sim_strikes(sim, RP_SIM_NAME_NOT_FOUND)) || name == NULL)
        return;
    query->status = RP_OK;
    query->ttl_s = name->ttl_s;
    for (size_t i = 0; i < name->count; i++) {
        if (name->addresses[i].family == query->lookup->family)
            query->addresses[query->count++] = name->addresses[i];
    }
}

static bool has_family(const sim_name *name, uint8_t family)
{
    for (size_t i = 0; name != NULL && i < name->count; i++) {
        if (name->addresses[i].family == family)
            return true;
    }
    return name == NULL && family == 4;
}

static bool port_lookup(rp_port *base, rp_port_lookup *lookup, const char *host)
{
    sim_port *port = sim_port_of(base);
    rp_sim *sim = port->sim;
    const sim_name *name = rp__sim_name_find(sim, host, strlen(host));
    bool striking = has_family(name, lookup->family);
    sim_query *query = rp__allocate(port->memory, sizeof(*query));
    if (query == NULL)
        return false;
    query->port = port;
    query->lookup = lookup;
    lookup->private_query = query;
    rp__list_append(&port->queries, &query->link);
    rp__sim_trace(sim, "port %llu asks for %s of %s", (unsigned long long)port->id,
                  lookup->family == 4 ? "A" : "AAAA", host);
    query_decide(query, name, striking);
    uint64_t wait_ns = rp__sim_latency_ns(sim);
    if (striking && rp__sim_strikes(sim, RP_SIM_NAME_LATE))
        wait_ns += rp__sim_draw(&sim->faults, 60000) * SIM_MS;
    rp__sim_event_set(sim, &query->event, query_due, wait_ns);
    return true;
}

static void query_free(sim_query *query)
{
    rp__sim_event_clear(query->port->sim, &query->event);
    rp__list_remove(&query->link);
    rp__free(query->port->memory, query);
}

static void port_lookup_cancel(rp_port *port, rp_port_lookup *lookup)
{
    (void)port;
    query_free(lookup->private_query);
}

static unsigned run_answers(sim_port *port)
{
    unsigned found = 0;
    for (rp_link *link; (link = rp__list_take(&port->answers)) != NULL; found++) {
        sim_query copy = *RP_CONTAINER(link, sim_query, link);
        rp__sim_trace(port->sim, "port %llu gets an answer: %s", (unsigned long long)port->id,
                      rp_status_name(copy.status));
        query_free(RP_CONTAINER(link, sim_query, link));
        copy.lookup->answered(copy.lookup, copy.status, copy.addresses, copy.count, copy.ttl_s);
    }
    return found;
}

/* ---- one port's turn ---- */

static bool chance(const sim_port *port, unsigned of)
{
    return !port->orderly && rp__sim_chance(port->sim, of);
}

/* Some of the sockets in line, in an order of chance. */
static unsigned run_ready(sim_port *port)
{
    unsigned found = 0;
    rp_link now;
    rp__list_init(&now);
    for (rp_link *link; (link = rp__list_take(&port->ready)) != NULL;) {
        if (chance(port, 2))
            rp__list_prepend(&now, link);
        else
            rp__list_append(&now, link);
    }
    for (rp_link *link; (link = rp__list_take(&now)) != NULL;) {
        if (found > 0 && chance(port, 4))
            rp__list_append(&port->ready, link); /* another time */
        else
            found += rp__sim_socket_run(RP_CONTAINER(link, sim_socket, ready));
    }
    return found;
}

/* Quiet sends that are told of along with something else, or by a turn that does not wait. */
static unsigned run_quiet(rp_link *quiet)
{
    unsigned found = 0;
    rp_link now;
    rp__list_init(&now);
    rp__list_move(&now, quiet);
    for (rp_link *link; (link = rp__list_take(&now)) != NULL;)
        found += rp__sim_socket_run(RP_CONTAINER(link, sim_socket, ready));
    return found;
}

static bool owes(const sim_port *port)
{
    return !rp__list_empty(&port->ready) || !rp__list_empty(&port->answers) ||
           atomic_load_explicit(&port->woken, memory_order_relaxed);
}

/* A turn that finds something tells of the quiet sends that were done before it, first or last, and
 * of those of its own callbacks now or in a later turn. */
static unsigned run_port(sim_port *port)
{
    unsigned found = 0;
    rp_link quiet;
    rp__list_init(&quiet);
    if (atomic_exchange_explicit(&port->woken, false, memory_order_acq_rel))
        found++;
    if (found == 0 && !owes(port))
        return 0;
    rp__list_move(&quiet, &port->quiet);
    if (chance(port, 2))
        found += run_quiet(&quiet);
    found += run_answers(port);
    found += run_ready(port);
    if (found > 0)
        found += run_quiet(&quiet);
    rp__list_move(&port->quiet, &quiet);
    if (found > 0 && !chance(port, 2))
        found += run_quiet(&port->quiet);
    return found;
}

/* ---- the others, and time ---- */

/* Turns the loops that have something to do, `but` apart. */
static bool turn_others(rp_sim *sim, const sim_port *but)
{
    bool turned = false;
    sim->turning_others++;
    for (rp_link *link = sim->ports.next; link != &sim->ports;) {
        sim_port *port = RP_CONTAINER(link, sim_port, link);
        link = link->next;
        if (port == but || port->loop == NULL || port->loop->in_turn || port->loop->destroying)
            continue;
        if (!owes(port) && !rp__loop_owes(port->loop, sim->now_ns))
            continue;
        (void)rp_loop_turn(port->loop, 0);
        turned = true;
    }
    sim->turning_others--;
    return turned;
}

static uint64_t next_deadline(const rp_sim *sim, const sim_port *but)
{
    uint64_t next_ns = RP_WAIT_FOREVER;
    for (const rp_link *link = sim->ports.next; link != &sim->ports; link = link->next) {
        const sim_port *port = RP_CONTAINER(link, sim_port, link);
        if (port == but || port->loop == NULL || port->loop->in_turn)
            continue;
        uint64_t deadline_ns = rp__loop_next_deadline_ns(port->loop);
        if (deadline_ns < next_ns)
            next_ns = deadline_ns;
    }
    return next_ns;
}

static void time_moves(rp_sim *sim, uint64_t to_ns)
{
    if (to_ns <= sim->now_ns)
        return;
    sim->now_ns = to_ns;
    sim->turns_here = 0;
}

/* Something happens somewhere, or time passes, to until_ns at the most. False: it is until_ns. */
static bool world_turns(rp_sim *sim, const sim_port *but, uint64_t until_ns)
{
    uint64_t next_ns = rp__sim_events_fire(sim);
    if ((but != NULL && owes(but)) || turn_others(sim, but))
        return true;
    if (until_ns != RP_WAIT_FOREVER && sim->now_ns >= until_ns)
        return false;
    uint64_t deadline_ns = next_deadline(sim, but);
    if (deadline_ns < next_ns)
        next_ns = deadline_ns;
    if (until_ns < next_ns)
        next_ns = until_ns;
    if (next_ns == RP_WAIT_FOREVER)
        rp__sim_stuck(sim, "a loop waits for ever, and nothing will happen any more");
    time_moves(sim, next_ns);
    return true;
}

static uint64_t end_of_wait(const rp_sim *sim, uint64_t wait_ns)
{
    if (wait_ns == RP_WAIT_FOREVER || wait_ns >= RP_WAIT_FOREVER - sim->now_ns)
        return RP_WAIT_FOREVER;
    return sim->now_ns + wait_ns;
}

/* The freedom that port.h gives with answers that gather: the world goes on, and nobody looks. */
static void let_gather(sim_port *port, uint64_t until_ns)
{
    rp_sim *sim = port->sim;
    if (port->base.awaited < RP_GATHER_AWAITED_LEAST || port->gather_us == 0 || !chance(port, 4))
        return;
    uint64_t end_ns =
        sim->now_ns + (1 + rp__sim_draw(&sim->chance, port->gather_us)) * (uint64_t)SIM_US;
    if (end_ns > until_ns)
        end_ns = until_ns;
    while (world_turns(sim, NULL, end_ns))
        continue;
}

static unsigned port_turn(rp_port *base, uint64_t wait_ns)
{
    sim_port *port = sim_port_of(base);
    rp_sim *sim = port->sim;
    uint64_t until_ns = end_of_wait(sim, wait_ns);
    RP_ASSERT(!port->in_turn);
    if (++sim->turns_here > TURNS_MOST)
        rp__sim_stuck(sim, "a million turns without time passing: a busy wait");
    port->in_turn = true;
    port->stats->system_calls++;
    (void)rp__sim_events_fire(sim);
    if (wait_ns > 0)
        let_gather(port, until_ns);
    unsigned found = run_port(port);
    if (wait_ns == 0 && found == 0 && sim->turning_others == 0) {
        (void)world_turns(sim, port, sim->now_ns + IDLE_TURN_NS);
        found = run_port(port);
    }
    while (wait_ns > 0 && found == 0 && world_turns(sim, port, until_ns))
        found = run_port(port);
    if (found == 0 && (wait_ns == 0 || !chance(port, 2)))
        found = run_quiet(&port->quiet);
    port->in_turn = false;
    return found;
}

void rp_sim_run_ms(rp_sim *sim, uint64_t ms)
{
    uint64_t until_ns = end_of_wait(sim, ms * SIM_MS);
    while (world_turns(sim, NULL, until_ns))
        continue;
}

/* ---- the port ---- */

static void port_wake(rp_port *base)
{
    atomic_store_explicit(&sim_port_of(base)->woken, true, memory_order_release);
}

static uint64_t port_now(rp_port *base)
{
    return sim_port_of(base)->sim->now_ns;
}

static void port_random(rp_port *base, void *bytes, size_t size)
{
    rp__sim_random_bytes(&sim_port_of(base)->sim->chance, bytes, size);
}

/* A descriptor of the system can't be readable by virtual time. */
static rp_waitable port_waitable(rp_port *base)
{
    (void)base;
    return (rp_waitable){-1, NULL};
}

static void port_waitable_deadline(rp_port *base, uint64_t deadline_ns)
{
    (void)base;
    (void)deadline_ns;
}

static rp_status port_create(rp_port **out, const rp_port_options *options, rp_error *error)
{
    const sim_context *context = options->context;
    *out = NULL;
    sim_port *port = rp__allocate(options->memory, sizeof(*port));
    if (port == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the port");
    port->base.ops = &rp__sim_port_ops;
    port->sim = context->sim;
    port->faulty = context->faulty;
    port->orderly = context->orderly;
    port->memory = options->memory;
    port->stats = options->stats;
    port->gather_us = options->coalesce_limit_us;
    port->id = context->sim->next_id++;
    atomic_init(&port->woken, false);
    rp__list_init(&port->sockets);
    rp__list_init(&port->ready);
    rp__list_init(&port->quiet);
    rp__list_init(&port->queries);
    rp__list_init(&port->answers);
    rp__list_append(&context->sim->ports, &port->link);
    *out = &port->base;
    return RP_OK;
}

static void port_destroy(rp_port *base)
{
    sim_port *port = sim_port_of(base);
    RP_ASSERT(!port->in_turn && rp__list_empty(&port->sockets) && rp__list_empty(&port->queries) &&
              rp__list_empty(&port->answers));
    rp__list_remove(&port->link);
    rp__free(port->memory, port);
}

const rp_port_ops rp__sim_port_ops = {
    .name = "simulator",
    .create = port_create,
    .destroy = port_destroy,
    .now = port_now,
    .random = port_random,
    .open = rp__sim_open,
    .listen = rp__sim_listen,
    .bind = rp__sim_bind,
    .connect = rp__sim_connect,
    .accept = rp__sim_accept,
    .receive = rp__sim_receive,
    .send = rp__sim_send,
    .keepalive = rp__sim_keepalive,
    .confirmed = rp__sim_confirmed,
    .numbers = rp__sim_numbers,
    .local = rp__sim_local,
    .shutdown_send = rp__sim_shutdown_send,
    .reset_on_close = rp__sim_reset_on_close,
    .cancel = rp__sim_cancel,
    .close = rp__sim_close,
    .turn = port_turn,
    .wake = port_wake,
    .waitable = port_waitable,
    .waitable_deadline = port_waitable_deadline,
    .lookup = port_lookup,
    .lookup_cancel = port_lookup_cancel,
};

/* ---- loops ---- */

/* A loop's allocator, with failures. */
typedef struct sim_heap {
    rp_link link;
    rp_sim *sim;
    rp_memory inner;
} sim_heap;

static void *heap_resize(void *user, void *memory, size_t size)
{
    sim_heap *heap = user;
    const rp_allocator *inner = &heap->inner.allocator;
    if (size > 0 && rp__sim_strikes(heap->sim, RP_SIM_NO_MEMORY))
        return NULL;
    return inner->resize(inner->user, memory, size);
}

void rp__sim_heap_free(rp_sim *sim, rp_link *link)
{
    rp__free(&sim->memory, RP_CONTAINER(link, sim_heap, link));
}

static rp_allocator faulty_allocator(rp_sim *sim, rp_allocator inner)
{
    sim_heap *heap = rp__allocate(&sim->memory, sizeof(*heap));
    RP_ASSERT(heap != NULL);
    heap->sim = sim;
    rp__memory_init(&heap->inner, inner);
    rp__list_append(&sim->heaps, &heap->link);
    return (rp_allocator){.resize = heap_resize, .user = heap};
}

rp_status rp_sim_loop_create_sized(rp_sim *sim, rp_loop **loop, const rp_loop_options *options,
                                   size_t options_size, bool faulty, rp_error *error)
{
    sim_context context = {.sim = sim, .faulty = faulty};
    rp_loop_options known;
    *loop = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "loop options set a member that this version does not know");
    if (faulty)
        known.allocator = faulty_allocator(sim, known.allocator);
    rp_status status = rp__loop_create_with_port(loop, &rp__sim_port_ops, &context, &known, error);
    if (status == RP_OK)
        sim_port_of((*loop)->port)->loop = *loop;
    return status;
}

rp_sim *rp__sim_of_loop(const rp_loop *loop)
{
    return loop->port->ops == &rp__sim_port_ops ? sim_port_of(loop->port)->sim : NULL;
}
