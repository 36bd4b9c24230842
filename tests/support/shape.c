/* shape.c - see shape.h.
 *
 * A send of the outer socket becomes a row of sends of the inner one, a byte or a slice each. When
 * the limit is reached the outer send just stays in flight: its owner learns nothing, as it would
 * learn nothing of a network that swallows what it is given. */
#include "support/shape.h"

#include "support/check.h"

typedef struct shaped {
    rp_socket base;
    rp_port port; /* of base: our operations */
    rp_loop *loop;
    rp_socket *inner; /* NULL once closed */
    shape how;
    rp_timer timer;
    rp_deferred deferred;
    const rp_slice *slices; /* the outer send: what is left of it */
    size_t slice_count, offset;
    rp_slice piece; /* the inner send */
    uint64_t sent_total;
    bool sending, receiving, inner_sending;
    bool cancelled; /* the outer send */
    bool cut;       /* the limit was reached */
    bool inner_closing, closing;
} shaped;

static const rp_io_result fine = {.status = RP_OK};
static const rp_io_result cancelled = {.status = RP_E_CANCELLED};
static const rp_io_result reset = {.status = RP_E_RESET};

static shaped *shaped_of(rp_socket *socket)
{
    return RP_CONTAINER(socket, shaped, base);
}

static void inner_close(shaped *s)
{
    if (s->inner_closing)
        return;
    s->inner_closing = true;
    rp_timer_stop(s->loop, &s->timer);
    rp__socket_ops(s->inner)->close(s->inner);
}

static void reset_on_close(rp_socket *socket)
{
    rp__socket_ops(socket)->reset_on_close(socket);
}

/* ---- sending ---- */

static void outer_sent(shaped *s, rp_io_result result)
{
    s->sending = s->cancelled = false;
    s->slice_count = 0;
    s->base.handler->sent(&s->base, result);
}

static void cut_off(shaped *s)
{
    s->cut = true;
    if (s->how.then == SHAPE_END) {
        rp__socket_ops(s->inner)->shutdown_send(s->inner);
    } else if (s->how.then == SHAPE_RESET) {
        reset_on_close(s->inner);
        inner_close(s);
    }
}

/* The next piece of the outer send goes to the inner socket, which is idle. */
static void send_piece(rp_timer *timer, void *user)
{
    (void)timer;
    shaped *s = user;
    uint64_t most = UINT64_MAX;
    if (s->how.then != SHAPE_GOES_ON)
        most = s->how.after - s->sent_total;
    if (s->how.dribble_ms > 0 && most > 1)
        most = 1;
    if (most == 0) {
        if (!s->cut)
            cut_off(s);
        return;
    }
    s->piece = (rp_slice){s->slices->data + s->offset, s->slices->size - s->offset};
    if (s->piece.size > most)
        s->piece.size = (size_t)most;
    s->inner_sending = true;
    rp__socket_ops(s->inner)->send(s->inner, &s->piece, 1);
}

static void send_next(shaped *s)
{
    if (s->how.dribble_ms > 0)
        rp__timer_start_internal(s->loop, &s->timer, s->how.dribble_ms, send_piece, s);
    else
        send_piece(NULL, s);
}

static void sent(rp_socket *inner, rp_io_result result)
{
    shaped *s = inner->user;
    s->inner_sending = false;
    s->sent_total += s->piece.size;
    s->offset += s->piece.size;
    if (s->offset == s->slices->size) {
        s->slices++;
        s->slice_count--;
        s->offset = 0;
    }
    if (result.status != RP_OK)
        outer_sent(s, result);
    else if (s->slice_count == 0)
        outer_sent(s, fine);
    else if (s->cancelled)
        outer_sent(s, cancelled);
    else if (!s->closing)
        send_next(s);
}

static void shaped_send(rp_socket *socket, const rp_slice *slices, size_t count)
{
    shaped *s = shaped_of(socket);
    CHECK(!s->sending && count > 0);
    s->sending = true;
    s->slices = slices;
    s->slice_count = count;
    s->offset = 0;
    if (!s->inner_closing)
        send_next(s);
}

static void shaped_reset_on_close(rp_socket *socket)
{
    shaped *s = shaped_of(socket);
    if (!s->inner_closing)
        reset_on_close(s->inner);
}

static void shaped_shutdown_send(rp_socket *socket)
{
    shaped *s = shaped_of(socket);
    if (!s->cut && !s->inner_closing)
        rp__socket_ops(s->inner)->shutdown_send(s->inner);
}

/* ---- receiving ---- */

static void received(rp_socket *inner, rp_slice bytes, rp_io_result result, bool final)
{
    shaped *s = inner->user;
    if (final)
        s->receiving = false;
    if (final && s->inner_closing && !s->closing)
        result = reset; /* it was us, but the owner is not to know */
    s->base.handler->received(&s->base, bytes, result, final);
}

static void shaped_receive(rp_socket *socket)
{
    shaped *s = shaped_of(socket);
    CHECK(!s->receiving);
    s->receiving = true;
    if (!s->inner_closing)
        rp__socket_ops(s->inner)->receive(s->inner);
}

/* ---- ending ---- */

static void finish(rp_deferred *deferred)
{
    shaped *s = RP_CONTAINER(deferred, shaped, deferred);
    if (s->sending && !s->inner_sending && (s->cancelled || s->closing))
        outer_sent(s, cancelled);
    if (!s->closing || s->inner != NULL)
        return;
    if (s->receiving)
        s->base.handler->received(&s->base, (rp_slice){0}, cancelled, true);
    s->base.handler->closed(&s->base);
    rp_memory *memory = &s->loop->memory;
    rp__loop_unhold(s->loop);
    rp__free(memory, s);
}

static void shaped_cancel(rp_socket *socket, unsigned operations)
{
    shaped *s = shaped_of(socket);
    if (operations & RP_OP_RECEIVE && !s->inner_closing)
        rp__socket_ops(s->inner)->cancel(s->inner, RP_OP_RECEIVE);
    if (!(operations & RP_OP_SEND) || !s->sending)
        return;
    s->cancelled = true;
    rp_timer_stop(s->loop, &s->timer);
    if (s->inner_sending)
        rp__socket_ops(s->inner)->cancel(s->inner, RP_OP_SEND);
    else
        rp__loop_defer(s->loop, &s->deferred, finish);
}

static void shaped_close(rp_socket *socket)
{
    shaped *s = shaped_of(socket);
    s->closing = true;
    rp__loop_hold(s->loop); /* the loop's end waits for the deferred call too */
    if (s->how.reset_close && !s->inner_closing)
        reset_on_close(s->inner);
    inner_close(s);
    rp__loop_defer(s->loop, &s->deferred, finish);
}

static void closed(rp_socket *inner)
{
    shaped *s = inner->user;
    s->inner = NULL;
    if (s->closing)
        rp__loop_defer(s->loop, &s->deferred, finish);
}

/* ---- making ---- */

static const rp_socket_handler inner_handler = {
    .received = received, .sent = sent, .closed = closed};

/* A connected socket needs no more of a port. */
static const rp_port_ops shaped_ops = {
    .name = "shaped",
    .receive = shaped_receive,
    .send = shaped_send,
    .shutdown_send = shaped_shutdown_send,
    .reset_on_close = shaped_reset_on_close,
    .cancel = shaped_cancel,
    .close = shaped_close,
};

static void dropped(rp_socket *inner)
{
    (void)inner;
}

static const rp_socket_handler dropping = {.closed = dropped};

rp_socket *shape_socket(rp_loop *loop, rp_socket *inner, const shape *how)
{
    if (how->dribble_ms == 0 && how->then == SHAPE_GOES_ON && !how->reset_close)
        return inner;
    shaped *s = rp__allocate(&loop->memory, sizeof(*s));
    if (s == NULL) {
        inner->handler = &dropping;
        rp__socket_ops(inner)->close(inner);
        return NULL;
    }
    s->loop = loop;
    s->inner = inner;
    s->how = *how;
    s->port.ops = &shaped_ops;
    s->base.port = &s->port;
    inner->handler = &inner_handler;
    inner->user = s;
    return &s->base;
}
