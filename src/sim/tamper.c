/* tamper.c - a socket in front of a port's socket that changes bytes of what is sent.
 *
 * It is a socket of the port contract itself, so that the stream on it need not know, and streams
 * elsewhere pay nothing for it. */
#include "sim/server.h"

#include "base/assert.h"

typedef struct tamper {
    rp_socket base;
    rp_port port; /* of base: our operations */
    rp_socket *inner;
    rp_memory *memory;
    uint64_t given; /* bytes to the inner socket, in all */
    uint64_t *positions;
    size_t count, capacity;
} tamper;

static tamper *tamper_of(rp_socket *socket)
{
    return RP_CONTAINER(socket, tamper, base);
}

/* ---- operations ---- */

static void tamper_receive(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp_socket_ops(inner)->receive(inner);
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

static void tamper_send(rp_socket *socket, const rp_slice *slices, size_t count)
{
    tamper *t = tamper_of(socket);
    for (size_t i = 0; i < count; i++) {
        change(t, &slices[i], t->given);
        t->given += slices[i].size;
    }
    t->inner->quiet_send = socket->quiet_send;
    rp_socket_ops(t->inner)->send(t->inner, slices, count);
}

static void tamper_shutdown_send(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp_socket_ops(inner)->shutdown_send(inner);
}

static void tamper_reset_on_close(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp_socket_ops(inner)->reset_on_close(inner);
}

static void tamper_cancel(rp_socket *socket, unsigned operations)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp_socket_ops(inner)->cancel(inner, operations);
}

static void tamper_close(rp_socket *socket)
{
    rp_socket *inner = tamper_of(socket)->inner;
    rp_socket_ops(inner)->close(inner);
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

static void sent(rp_socket *inner, rp_io_result result)
{
    tamper *t = inner->user;
    t->base.handler->sent(&t->base, result);
}

static void closed(rp_socket *inner)
{
    tamper *t = inner->user;
    t->base.handler->closed(&t->base);
    rp_free(t->memory, t->positions);
    rp_free(t->memory, t);
}

static const rp_socket_handler inner_handler = {
    .received = received, .sent = sent, .closed = closed};

/* ---- making ---- */

rp_socket *rp_sim_tamper_new(rp_memory *memory, rp_socket *inner)
{
    tamper *t = rp_allocate(memory, sizeof(*t));
    RP_ASSERT(t != NULL);
    t->memory = memory;
    t->inner = inner;
    t->port.ops = &tamper_ops;
    t->base.port = &t->port;
    inner->handler = &inner_handler;
    inner->user = t;
    return &t->base;
}

void rp_sim_tamper_at(rp_socket *socket, uint64_t position)
{
    RP_ASSERT(rp_socket_ops(socket) == &tamper_ops);
    tamper *t = tamper_of(socket);
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 4 : 2 * t->capacity;
        t->positions = rp_reallocate(t->memory, t->positions, t->capacity * sizeof(*t->positions));
        RP_ASSERT(t->positions != NULL);
    }
    t->positions[t->count++] = position;
}
