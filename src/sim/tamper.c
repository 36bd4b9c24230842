/* tamper.c - a socket in front of a port's socket that changes bytes of what is sent, and that
 * holds sends back to make one of them.
 *
 * It is a socket of the port contract itself, so that the stream on it need not know, and streams
 * elsewhere pay nothing for it. */
#include "sim/server.h"

#include "base/assert.h"

#include <string.h>

typedef struct tamper {
    rp_socket base;
    rp_port port; /* of base: our operations */
    rp_socket *inner;
    rp_memory *memory;
    rp_loop *loop;
    void (*failed)(void *user);
    void *user;
    uint64_t given; /* bytes by the owner, in all */
    uint64_t *positions;
    size_t count, capacity;

    /* Held bytes are sent as far as the owner knows. */
    bool holding;
    sim_bytes held;
    rp_deferred held_sent; /* tells the owner so */
    uint8_t *batch;        /* what was held and is being sent */
    rp_slice batch_slice;
    bool batch_in_flight, owner_in_flight, shutdown_due, closing;
    const rp_slice *waiting; /* the owner's send, until the batch is sent */
    size_t waiting_count;
} tamper;

static tamper *tamper_of(rp_socket *socket)
{
    return RP_CONTAINER(socket, tamper, base);
}

/* ---- operations ---- */

static void tamper_receive(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp__socket_ops(inner)->receive(inner);
}

/* The bytes belong to the port until they are sent, and are nobody's afterwards: they can be
 * changed where they are. */
static void change(const tamper *t, const rp_slice *slice, uint64_t begin)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->positions[i] >= begin && t->positions[i] - begin < slice->size)
            ((uint8_t *)(uintptr_t)slice->data)[t->positions[i] - begin] ^= 0xFF;
    }
}

static void tell_sent(rp_deferred *deferred)
{
    tamper *t = RP_CONTAINER(deferred, tamper, held_sent);
    t->base.handler->sent(&t->base, (rp_io_result){RP_OK, 0});
}

static void send_on(tamper *t, const rp_slice *slices, size_t count)
{
    t->owner_in_flight = true;
    t->inner->quiet_send = t->base.quiet_send;
    rp__socket_ops(t->inner)->send(t->inner, slices, count);
}

static void tamper_send(rp_socket *socket, const rp_slice *slices, size_t count)
{
    tamper *t = tamper_of(socket);
    for (size_t i = 0; i < count; i++) {
        change(t, &slices[i], t->given);
        t->given += slices[i].size;
        if (t->holding)
            rp__sim_bytes_add(t->memory, &t->held, slices[i].data, slices[i].size);
    }
    if (t->holding) {
        rp__loop_defer(t->loop, &t->held_sent, tell_sent);
    } else if (t->batch_in_flight) {
        t->waiting = slices;
        t->waiting_count = count;
    } else {
        send_on(t, slices, count);
    }
}

static void batch_done(tamper *t)
{
    t->batch_in_flight = false;
    rp__free(t->memory, t->batch);
    t->batch = NULL;
}

static void batch_start(tamper *t)
{
    t->batch = t->held.data;
    t->batch_slice = (rp_slice){t->batch, t->held.size};
    t->held = (sim_bytes){NULL, 0, 0, 0};
    t->batch_in_flight = true;
    t->inner->quiet_send = false;
    rp__socket_ops(t->inner)->send(t->inner, &t->batch_slice, 1);
}

static void flush(tamper *t)
{
    t->holding = false;
    if (t->held.size > 0 && !t->batch_in_flight && !t->owner_in_flight)
        batch_start(t); /* otherwise `sent` comes back to it */
}

static void tamper_shutdown_send(rp_socket *socket)
{
    tamper *t = tamper_of(socket);
    flush(t);
    t->shutdown_due = t->batch_in_flight;
    if (!t->shutdown_due)
        rp__socket_ops(t->inner)->shutdown_send(t->inner);
}

static void tamper_reset_on_close(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp__socket_ops(inner)->reset_on_close(inner);
}

static void tamper_cancel(rp_socket *socket, unsigned operations)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp__socket_ops(inner)->cancel(inner, operations);
}

static void tamper_close(rp_socket *socket)
{
    tamper *t = tamper_of(socket);
    t->closing = true;
    rp__socket_ops(t->inner)->close(t->inner);
}

/* A connected socket needs no more of a port. */
static const rp_port_ops tamper_ops = {
    .name = "tamper",
    .receive = tamper_receive,
    .send = tamper_send,
    .shutdown_send = tamper_shutdown_send,
    .reset_on_close = tamper_reset_on_close,
    .cancel = tamper_cancel,
    .close = tamper_close,
};

/* ---- completions ---- */

static void received(rp_socket *inner, rp_slice bytes, rp_io_result result, bool final)
{
    tamper *t = inner->user;
    t->base.handler->received(&t->base, bytes, result, final);
}

static void batch_sent(tamper *t, rp_io_result result)
{
    const rp_slice *waiting = t->waiting;
    batch_done(t);
    if (t->closing)
        result = (rp_io_result){RP_E_CANCELLED, 0};
    /* What was held and flushed meanwhile is older than what waits. */
    if (result.status == RP_OK && t->held.size > 0 && (waiting != NULL || !t->holding)) {
        batch_start(t);
        return;
    }
    t->waiting = NULL;
    if (t->shutdown_due && result.status == RP_OK)
        rp__socket_ops(t->inner)->shutdown_send(t->inner);
    t->shutdown_due = false;
    if (waiting != NULL && result.status == RP_OK)
        send_on(t, waiting, t->waiting_count);
    else if (waiting != NULL)
        t->base.handler->sent(&t->base, result);
    else if (result.status != RP_OK && !t->closing)
        t->failed(t->user); /* the owner was told that it went well */
}

static void sent(rp_socket *inner, rp_io_result result)
{
    tamper *t = inner->user;
    if (t->batch_in_flight) {
        batch_sent(t, result);
        return;
    }
    t->owner_in_flight = false;
    if (!t->holding && !t->closing && result.status == RP_OK)
        flush(t);
    t->base.handler->sent(&t->base, result);
}

static void closed(rp_socket *inner)
{
    tamper *t = inner->user;
    bool owed = !rp__list_empty(&t->held_sent.link);
    rp__loop_undefer(&t->held_sent);
    if (owed)
        t->base.handler->sent(&t->base, (rp_io_result){RP_E_CANCELLED, 0});
    t->base.handler->closed(&t->base);
    rp__free(t->memory, t->held.data);
    rp__free(t->memory, t->positions);
    rp__free(t->memory, t);
}

static const rp_socket_handler inner_handler = {
    .received = received, .sent = sent, .closed = closed};

/* ---- making ---- */

rp_socket *rp__sim_tamper_new(rp_loop *loop, rp_memory *memory, rp_socket *inner,
                              void (*failed)(void *user), void *user)
{
    tamper *t = rp__allocate(memory, sizeof(*t));
    RP_ASSERT(t != NULL);
    t->loop = loop;
    t->failed = failed;
    t->user = user;
    t->memory = memory;
    t->inner = inner;
    rp__list_init(&t->held_sent.link);
    t->port.ops = &tamper_ops;
    t->base.port = &t->port;
    inner->handler = &inner_handler;
    inner->user = t;
    return &t->base;
}

void rp__sim_tamper_at(rp_socket *socket, uint64_t position)
{
    RP_ASSERT(rp__socket_ops(socket) == &tamper_ops);
    tamper *t = tamper_of(socket);
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 4 : 2 * t->capacity;
        t->positions = rp__reallocate(t->memory, t->positions, t->capacity * sizeof(*t->positions));
        RP_ASSERT(t->positions != NULL);
    }
    t->positions[t->count++] = position;
}

void rp__sim_tamper_hold(rp_socket *socket, bool hold)
{
    RP_ASSERT(rp__socket_ops(socket) == &tamper_ops);
    tamper *t = tamper_of(socket);
    if (hold)
        t->holding = true;
    else
        flush(t);
}

rp_socket *rp__sim_tamper_inner(rp_socket *socket)
{
    RP_ASSERT(rp__socket_ops(socket) == &tamper_ops);
    return tamper_of(socket)->inner;
}
