/* raw_sim.c - see raw_sim.h. */
#include "support/raw_sim.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#define SOCKETS_MOST 4096
#define WAIT_NS (10000 * (uint64_t)SIM_MS)

typedef struct outside {
    rp_socket *socket; /* NULL: closed */
    bool listening, connected, failed, ended, sent, closed;
    uint8_t *bytes; /* received and not yet asked for */
    size_t size, offset;
    rp_socket *accepted[64];
    size_t accepted_count;
} outside;

static rp_loop *loop;
static rp_sim *world;
static outside *all[SOCKETS_MOST];
static size_t used;

/* ---- the port's callbacks ---- */

static void on_connected(rp_socket *socket, rp_io_result result)
{
    outside *o = socket->user;
    o->connected = result.status == RP_OK;
    o->failed = !o->connected;
}

static void on_accepted(rp_socket *socket, rp_socket *peer, rp_io_result result, bool final)
{
    static const rp_socket_handler nobody = {.closed = NULL};
    outside *o = socket->user;
    (void)result;
    if (final || peer == NULL)
        return;
    CHECK(o->accepted_count < 64);
    peer->handler = &nobody;
    o->accepted[o->accepted_count++] = peer;
}

static void on_received(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final)
{
    outside *o = socket->user;
    if (final) {
        o->ended = result.status != RP_E_CANCELLED;
        o->failed = o->ended && result.status != RP_OK;
        return;
    }
    o->bytes = realloc(o->bytes, o->size + bytes.size);
    CHECK(o->bytes != NULL);
    memcpy(o->bytes + o->size, bytes.data, bytes.size);
    o->size += bytes.size;
}

static void on_sent(rp_socket *socket, rp_io_result result)
{
    outside *o = socket->user;
    o->sent = true;
    o->failed = result.status != RP_OK && result.status != RP_E_CANCELLED;
}

static void on_closed(rp_socket *socket)
{
    outside *o = socket->user;
    o->closed = true;
}

static const rp_socket_handler handler = {.connected = on_connected,
                                          .accepted = on_accepted,
                                          .received = on_received,
                                          .sent = on_sent,
                                          .closed = on_closed};

/* ---- waiting ---- */

static void turn(uint64_t wait_ns)
{
    (void)loop->port->ops->turn(loop->port, wait_ns);
}

#define WAIT_UNTIL(condition, wait_ns)                                                             \
    do {                                                                                           \
        uint64_t until_ns_ = world->now_ns + (wait_ns);                                            \
        while (!(condition) && world->now_ns < until_ns_)                                          \
            turn(until_ns_ - world->now_ns);                                                       \
    } while (0)

static outside *of(raw_socket socket)
{
    CHECK(socket >= 0 && (size_t)socket < used && all[socket]->socket != NULL);
    return all[socket];
}

static raw_socket adopt(rp_socket *socket)
{
    outside *o = calloc(1, sizeof(*o));
    CHECK(o != NULL && used < SOCKETS_MOST);
    o->socket = socket;
    socket->handler = &handler;
    socket->user = o;
    all[used] = o;
    return (raw_socket)used++;
}

static raw_socket open_one(uint8_t family)
{
    rp_socket *socket = NULL;
    CHECK(loop->port->ops->open(loop->port, family, &socket).status == RP_OK);
    return adopt(socket);
}

/* ---- raw_world ---- */

static raw_socket sim_bind(rp_address *address)
{
    /* A listener that was there and is no more: nobody else gets its port for a while. */
    raw_socket socket = open_one(address->family);
    address->port = world->next_port++;
    return socket;
}

static raw_socket sim_listen(rp_address *address, int backlog)
{
    raw_socket socket = open_one(address->family);
    outside *o = of(socket);
    CHECK(loop->port->ops->listen(o->socket, address, backlog).status == RP_OK);
    o->listening = true;
    return socket;
}

static raw_socket sim_connect_start(const rp_address *address)
{
    raw_socket socket = open_one(address->family);
    loop->port->ops->connect(of(socket)->socket, address);
    return socket;
}

static bool sim_connected(raw_socket socket, int wait_ms)
{
    outside *o = of(socket);
    WAIT_UNTIL(o->connected, (uint64_t)wait_ms * SIM_MS);
    return o->connected;
}

static raw_socket sim_connect(const rp_address *address)
{
    raw_socket socket = sim_connect_start(address);
    CHECK(sim_connected(socket, 10000));
    return socket;
}

static raw_socket sim_accept(raw_socket socket)
{
    outside *o = of(socket);
    if (o->accepted_count == 0) {
        loop->port->ops->accept(o->socket);
        WAIT_UNTIL(o->accepted_count > 0, WAIT_NS);
        loop->port->ops->cancel(o->socket, RP_OP_ACCEPT);
        turn(0);
    }
    CHECK_TEXT(o->accepted_count > 0, "nobody connects");
    rp_socket *peer = o->accepted[0];
    o->accepted_count--;
    memmove(&o->accepted[0], &o->accepted[1], o->accepted_count * sizeof(peer));
    return adopt(peer);
}

static rp_address sim_peer(raw_socket socket)
{
    const sim_socket *accepted = (const sim_socket *)of(socket)->socket;
    return rp__sim_local(&accepted->wire->ends[0]->base);
}

/* Takes what one delivery brings, and no more: the rest stays with the sender. */
static void fetch(outside *o, uint64_t wait_ns)
{
    if (o->size > o->offset || o->ended)
        return;
    o->size = o->offset = 0;
    loop->port->ops->receive(o->socket);
    WAIT_UNTIL(o->size > 0 || o->ended, wait_ns);
    loop->port->ops->cancel(o->socket, RP_OP_RECEIVE);
    turn(0);
}

static bool sim_readable(raw_socket socket, int wait_ms)
{
    outside *o = of(socket);
    if (o->listening) {
        sim_socket *listener = sim_socket_of(o->socket);
        WAIT_UNTIL(o->accepted_count > 0 || !rp__list_empty(&listener->backlog),
                   (uint64_t)wait_ms * SIM_MS);
        return o->accepted_count > 0 || !rp__list_empty(&listener->backlog);
    }
    fetch(o, (uint64_t)wait_ms * SIM_MS + 1);
    return o->size > o->offset || o->ended;
}

static void sim_send(raw_socket socket, const void *data, size_t size)
{
    outside *o = of(socket);
    rp_slice slice = {data, size};
    if (size == 0)
        return;
    o->sent = false;
    loop->port->ops->send(o->socket, &slice, 1);
    WAIT_UNTIL(o->sent, WAIT_NS);
    CHECK_TEXT(o->sent && !o->failed, "send");
}

static size_t sim_send_some(raw_socket socket, const void *data, size_t size)
{
    const sim_socket *inner = sim_socket_of(of(socket)->socket);
    size_t room = rp__sim_pipe_room(&inner->wire->pipes[inner->end]);
    if (size > room)
        size = room;
    sim_send(socket, data, size);
    return size;
}

static size_t sim_receive(raw_socket socket, void *data, size_t size)
{
    outside *o = of(socket);
    fetch(o, WAIT_NS);
    size_t part = o->size - o->offset < size ? o->size - o->offset : size;
    CHECK_TEXT(part > 0 || (o->ended && !o->failed), "receive");
    if (part > 0)
        memcpy(data, o->bytes + o->offset, part);
    o->offset += part;
    return part;
}

static void sim_shutdown_send(raw_socket socket)
{
    loop->port->ops->shutdown_send(of(socket)->socket);
}

static void close_socket(rp_socket *socket)
{
    outside *o = socket->user;
    socket->port->ops->close(socket);
    WAIT_UNTIL(o->closed, WAIT_NS);
    CHECK(o->closed);
}

static void sim_close(raw_socket socket)
{
    outside *o = of(socket);
    while (o->accepted_count > 0) {
        o->accepted_count--;
        sim_close(adopt(o->accepted[o->accepted_count]));
    }
    /* What was taken from the port and not asked for was unread, as the system sees it. */
    if (o->size > o->offset)
        rp__sim_reset_on_close(o->socket);
    close_socket(o->socket);
    o->socket = NULL;
    free(o->bytes);
    o->bytes = NULL;
}

static void sim_reset(raw_socket socket)
{
    rp__sim_reset_on_close(of(socket)->socket);
    sim_close(socket);
}

static void sim_small_receive_buffer(raw_socket socket)
{
    sim_socket *inner = sim_socket_of(of(socket)->socket);
    inner->wire->pipes[1 - inner->end].window = 4096;
}

static size_t sim_open_descriptors(void)
{
    return world->socket_count;
}

static size_t sim_raise_descriptors(size_t wanted)
{
    return wanted;
}

static bool sim_limits_descriptors(void)
{
    return true;
}

static size_t sim_leave_descriptors(size_t more)
{
    size_t before = world->socket_limit;
    world->socket_limit = world->socket_count + more;
    if (world->socket_limit == 0)
        world->socket_limit = 1;
    return before;
}

static void sim_restore_descriptors(size_t limit)
{
    world->socket_limit = limit;
}

static uint64_t sim_clock_ns(void)
{
    return world->now_ns;
}

static void sim_sleep_ms(unsigned ms)
{
    WAIT_UNTIL(false, (uint64_t)ms * SIM_MS);
}

static const raw_world simulated = {
    .bind = sim_bind,
    .listen = sim_listen,
    .connect = sim_connect,
    .connect_start = sim_connect_start,
    .connected = sim_connected,
    .accept = sim_accept,
    .peer = sim_peer,
    .readable = sim_readable,
    .send = sim_send,
    .send_some = sim_send_some,
    .receive = sim_receive,
    .shutdown_send = sim_shutdown_send,
    .reset = sim_reset,
    .close = sim_close,
    .small_receive_buffer = sim_small_receive_buffer,
    .open_descriptors = sim_open_descriptors,
    .raise_descriptors = sim_raise_descriptors,
    .limits_descriptors = sim_limits_descriptors,
    .leave_descriptors = sim_leave_descriptors,
    .restore_descriptors = sim_restore_descriptors,
    .clock_ns = sim_clock_ns,
    .sleep_ms = sim_sleep_ms,
};

void raw_sim_begin(rp_sim *sim)
{
    sim_context context = {.sim = sim, .orderly = true};
    rp_loop_options options = {.backend = NULL};
    world = sim;
    used = 0;
    CHECK(rp__loop_create_with_port(&loop, &rp__sim_port_ops, &context, &options, NULL) == RP_OK);
    raw_current = &simulated;
}

void raw_sim_end(void)
{
    for (size_t i = 0; i < used; i++) {
        if (all[i]->socket != NULL)
            sim_close((raw_socket)i);
        free(all[i]);
    }
    used = 0;
    raw_current = &raw_system;
    rp_loop_destroy(loop);
}
