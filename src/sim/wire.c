/* wire.c - a connection: two pipes of bytes, and what becomes of them on their way. */
#include "sim/sim.h"

#include "base/assert.h"

#include <string.h>

static void arrive(sim_event *event);

/* ---- making ---- */

/* Small ones matter most: a byte within the first record, the second, the tenth. */
static uint64_t random_offset(rp_sim *sim)
{
    return rp__sim_draw(&sim->faults, (uint64_t)1 << rp__sim_draw(&sim->faults, 17));
}

/* At most one of the faults befalls one direction. */
static void fault_choose(sim_pipe *pipe)
{
    rp_sim *sim = pipe->wire->sim;
    if (sim->next_break.set && sim->next_break.direction == pipe->direction) {
        pipe->fault = sim->next_break;
        sim->next_break.set = false;
        return;
    }
    for (rp_sim_fault fault = RP_SIM_RESET; fault <= RP_SIM_CORRUPT; fault++) {
        if (!rp__sim_drawn(sim, fault))
            continue;
        pipe->fault = (sim_break){fault, pipe->direction, random_offset(sim), true};
        return;
    }
}

static size_t window_choose(rp_sim *sim)
{
    if (sim->options.window_bytes > 0)
        return sim->options.window_bytes;
    if (sim->options.orderly)
        return (size_t)64 * 1024;
    size_t least = (size_t)512 << rp__sim_draw(&sim->chance, 9);
    return least + rp__sim_draw(&sim->chance, least);
}

sim_wire *rp__sim_wire_new(rp_sim *sim, sim_socket *client)
{
    sim_wire *wire = rp__allocate(&sim->memory, sizeof(*wire));
    RP_ASSERT(wire != NULL);
    wire->sim = sim;
    wire->ends[0] = client;
    wire->pending = true;
    wire->id = sim->next_id++;
    rp__list_init(&wire->link);
    for (unsigned i = 0; i < 2; i++) {
        wire->pipes[i].wire = wire;
        wire->pipes[i].direction = i;
        wire->pipes[i].watched_from = wire->pipes[i].given_back = UINT64_MAX;
        wire->pipes[i].window = window_choose(sim);
        fault_choose(&wire->pipes[i]);
    }
    return wire;
}

static void free_if_done(sim_wire *wire)
{
    if (wire->pending || wire->ends[0] != NULL || wire->ends[1] != NULL)
        return;
    for (unsigned i = 0; i < 2; i++) {
        rp__sim_event_clear(wire->sim, &wire->pipes[i].arrival);
        rp__free(&wire->sim->memory, wire->pipes[i].bytes);
    }
    rp__free(&wire->sim->memory, wire);
}

/* ---- bytes ---- */

static size_t on_the_way(const sim_pipe *pipe)
{
    return pipe->size - pipe->arrived;
}

static void arrival_set(sim_pipe *pipe, uint64_t after_ns)
{
    if (!rp__sim_event_is_set(&pipe->arrival))
        rp__sim_event_set(pipe->wire->sim, &pipe->arrival, arrive, after_ns);
}

size_t rp__sim_pipe_room(const sim_pipe *pipe)
{
    return pipe->size < pipe->window ? pipe->window - pipe->size : 0;
}

static void reserve(sim_pipe *pipe, size_t size)
{
    if (pipe->begin + pipe->size + size <= pipe->capacity)
        return;
    if (pipe->size > 0)
        memmove(pipe->bytes, pipe->bytes + pipe->begin, pipe->size);
    pipe->begin = 0;
    if (pipe->size + size <= pipe->capacity)
        return;
    pipe->capacity = 2 * (pipe->size + size);
    pipe->bytes = rp__reallocate(&pipe->wire->sim->memory, pipe->bytes, pipe->capacity);
    RP_ASSERT(pipe->bytes != NULL);
}

/* As Linux has it: at least 200 ms until a segment that nobody confirmed is sent again. */
static uint64_t lost_ns(sim_pipe *pipe)
{
    if (!rp__sim_strikes(pipe->wire->sim, RP_SIM_LOSS))
        return 0;
    pipe->resent++;
    return 200000000u;
}

void rp__sim_pipe_put(sim_pipe *pipe, const uint8_t *data, size_t size)
{
    RP_ASSERT(!pipe->fin_sent && size > 0 && size <= rp__sim_pipe_room(pipe));
    reserve(pipe, size);
    memcpy(pipe->bytes + pipe->begin + pipe->size, data, size);
    pipe->size += size;
    arrival_set(pipe, rp__sim_latency_ns(pipe->wire->sim) + lost_ns(pipe));
}

void rp__sim_pipe_end(sim_pipe *pipe)
{
    if (pipe->fin_sent)
        return;
    pipe->fin_sent = true;
    arrival_set(pipe, rp__sim_latency_ns(pipe->wire->sim));
}

/* Makes room, which its sender may wait for. */
static void drop_first(sim_pipe *pipe, size_t size)
{
    pipe->begin += size;
    pipe->size -= size;
    pipe->arrived -= size;
    if (pipe->size == 0)
        pipe->begin = 0;
    sim_socket *sender = pipe->wire->ends[pipe->direction];
    if (sender != NULL)
        rp__sim_socket_room(sender);
}

void rp__sim_pipe_take(sim_pipe *pipe, uint8_t *data, size_t size)
{
    RP_ASSERT(size > 0 && size <= pipe->arrived);
    memcpy(data, pipe->bytes + pipe->begin, size);
    pipe->taken += size;
    if (pipe->taken > pipe->watched_from && pipe->given_back == UINT64_MAX)
        pipe->given_back = pipe->wire->pipes[1 - pipe->direction].given;
    drop_first(pipe, size);
}

static void drop_all(sim_pipe *pipe)
{
    if (pipe->size == 0)
        return;
    pipe->arrived = pipe->size;
    drop_first(pipe, pipe->size);
}

/* ---- resets ---- */

/* Nothing arrives any more. What did may be read still, or is lost with the connection. */
static void reset_pipe(sim_pipe *pipe)
{
    pipe->mute = true;
    rp__sim_event_clear(pipe->wire->sim, &pipe->arrival);
    pipe->size = pipe->arrived;
    if (rp__sim_chance(pipe->wire->sim, 2))
        drop_all(pipe);
}

/* Whoever has not accepted the connection yet learns of it then. */
static void tell_reset(sim_wire *wire, unsigned end)
{
    if (wire->ends[end] != NULL)
        rp__sim_socket_reset(wire->ends[end]);
    else if (end == 1 && wire->pending)
        wire->pending_reset = true;
}

/* The receiver of the pipe learns that the connection is no more. */
static void reset_arrives(sim_pipe *pipe)
{
    sim_wire *wire = pipe->wire;
    reset_pipe(pipe);
    wire->pipes[1 - pipe->direction].mute = true;
    drop_all(&wire->pipes[1 - pipe->direction]);
    tell_reset(wire, 1 - pipe->direction);
}

/* Both ends do, from somebody between them. */
static void reset_both(sim_wire *wire)
{
    reset_pipe(&wire->pipes[0]);
    reset_pipe(&wire->pipes[1]);
    tell_reset(wire, 0);
    tell_reset(wire, 1);
}

void rp__sim_wire_reset(sim_wire *wire, unsigned end)
{
    sim_pipe *pipe = &wire->pipes[end];
    if (pipe->reset_sent)
        return;
    pipe->reset_sent = true;
    if (rp__sim_chance(wire->sim, 2) && on_the_way(pipe) > 0)
        pipe->size = pipe->arrived; /* it overtakes what was sent before */
    if (!pipe->mute)
        arrival_set(pipe, rp__sim_latency_ns(wire->sim));
}

/* ---- arrival ---- */

static void fault_strikes(sim_pipe *pipe)
{
    sim_wire *wire = pipe->wire;
    rp_sim_fault fault = pipe->fault.fault;
    pipe->fault.set = false;
    rp__sim_struck(wire->sim, fault);
    switch (fault) {
    case RP_SIM_RESET:
        reset_both(wire);
        break;
    case RP_SIM_STALL:
        pipe->mute = true;
        break;
    case RP_SIM_TRUNCATE:
        pipe->mute = true;
        pipe->size = pipe->arrived;
        pipe->fin_arrived = true;
        break;
    default:
        pipe->bytes[pipe->begin + pipe->arrived] ^= (uint8_t)(1u << (pipe->passed & 7));
        break;
    }
}

/* How many of the bytes on their way arrive now. */
static size_t portion(sim_pipe *pipe)
{
    rp_sim *sim = pipe->wire->sim;
    size_t most = on_the_way(pipe);
    if (pipe->fault.set && most > pipe->fault.at_byte - pipe->passed)
        most = (size_t)(pipe->fault.at_byte - pipe->passed);
    if (most <= 1 || sim->options.orderly || rp__sim_chance(sim, 2))
        return most;
    return rp__sim_chance(sim, 8) ? 1 : 1 + (size_t)rp__sim_draw(&sim->chance, most);
}

static void bytes_arrive(sim_pipe *pipe)
{
    sim_wire *wire = pipe->wire;
    size_t size = portion(pipe);
    pipe->arrived += size;
    pipe->passed += size;
    bool strikes = pipe->fault.set && pipe->passed == pipe->fault.at_byte &&
                   (on_the_way(pipe) > 0 || pipe->fault.fault != RP_SIM_CORRUPT);
    if (size > 0)
        rp__sim_trace(wire->sim, "wire %llu %s %zu", (unsigned long long)wire->id,
                      pipe->direction == 0 ? ">" : "<", size);
    if (strikes)
        fault_strikes(pipe);
    if (!pipe->deaf)
        return;
    drop_first(pipe, pipe->arrived);
    rp__sim_wire_reset(wire, 1 - pipe->direction);
}

/* The last bytes may bring the end along. */
static void end_along(sim_pipe *pipe)
{
    if (pipe->mute || on_the_way(pipe) > 0 || pipe->reset_sent || !pipe->fin_sent ||
        pipe->fin_arrived ||
        (!pipe->wire->sim->options.orderly && !rp__sim_chance(pipe->wire->sim, 2)))
        return;
    pipe->fin_arrived = true;
    rp__sim_trace(pipe->wire->sim, "wire %llu %s end", (unsigned long long)pipe->wire->id,
                  pipe->direction == 0 ? ">" : "<");
}

static void arrive(sim_event *event)
{
    sim_pipe *pipe = RP_CONTAINER(event, sim_pipe, arrival);
    sim_wire *wire = pipe->wire;
    sim_socket *receiver = wire->ends[1 - pipe->direction];
    if (pipe->mute)
        return;
    if (on_the_way(pipe) > 0) {
        bytes_arrive(pipe);
        end_along(pipe);
    } else if (pipe->reset_sent) {
        rp__sim_trace(wire->sim, "wire %llu %s reset", (unsigned long long)wire->id,
                      pipe->direction == 0 ? ">" : "<");
        reset_arrives(pipe);
        return;
    } else if (pipe->fin_sent && !pipe->fin_arrived) {
        rp__sim_trace(wire->sim, "wire %llu %s end", (unsigned long long)wire->id,
                      pipe->direction == 0 ? ">" : "<");
        pipe->fin_arrived = true;
    }
    if (!pipe->mute &&
        (on_the_way(pipe) > 0 || pipe->reset_sent || (pipe->fin_sent && !pipe->fin_arrived)))
        arrival_set(pipe, rp__sim_delay_ns(wire->sim));
    if (receiver != NULL && !receiver->reset)
        rp__sim_socket_look(receiver);
}

/* ---- ends ---- */

void rp__sim_wire_detach(sim_wire *wire, unsigned end, bool reset)
{
    sim_pipe *in = &wire->pipes[1 - end], *out = &wire->pipes[end];
    bool unread = in->arrived > 0;
    wire->ends[end] = NULL;
    in->deaf = true;
    drop_first(in, in->arrived);
    if (reset || unread)
        rp__sim_wire_reset(wire, end);
    else
        rp__sim_pipe_end(out);
    free_if_done(wire);
}

void rp__sim_wire_refuse(sim_wire *wire)
{
    rp__list_remove(&wire->link);
    wire->pending = false;
    wire->pipes[0].deaf = true;
    rp__sim_wire_reset(wire, 1);
    free_if_done(wire);
}
