/* socket.c - the sockets of the port contract, on wires.
 *
 * What an operation comes to is decided by events; a socket for which something was decided, or
 * has come, stands in its port's list `ready`, and the next turn runs its callbacks. */
#include "sim/sim.h"

#include "base/assert.h"
#include "base/platform.h"

#include <string.h>

#define CONNECT RP_OP_CONNECT
#define ACCEPT RP_OP_ACCEPT
#define RECEIVE RP_OP_RECEIVE
#define SEND RP_OP_SEND

#define SYN_RETRY_NS (1000 * (uint64_t)SIM_MS) /* RFC 6298, 2: the first retransmission */
#define BUFFER_RETRY_NS ((uint64_t)SIM_MS)
#define ACCEPT_RETRY_NS (10 * (uint64_t)SIM_MS)

static rp_sim *sim_of(sim_socket *socket)
{
    return sim_socket_port(socket)->sim;
}

static unsigned long long id_of(const sim_socket *socket)
{
    return (unsigned long long)socket->id;
}

static bool chance(sim_socket *socket, unsigned of)
{
    return !sim_socket_port(socket)->orderly && rp__sim_chance(sim_of(socket), of);
}

static uint64_t delay_ns(sim_socket *socket)
{
    return sim_socket_port(socket)->orderly ? 0 : rp__sim_delay_ns(sim_of(socket));
}

/* ---- deciding ---- */

static void to_ready(sim_socket *socket)
{
    rp__list_remove(&socket->ready);
    rp__list_append(&sim_socket_port(socket)->ready, &socket->ready);
}

static bool undecided(const sim_socket *socket, unsigned operation)
{
    return socket->started & operation && !(socket->decided & operation);
}

/* A quiet send that went well waits, as a rule, for company. */
static void decide(sim_socket *socket, unsigned operation, rp_io_result result)
{
    if (!undecided(socket, operation))
        return;
    socket->decided |= (uint8_t)operation;
    if (operation != SEND) {
        socket->result = result;
        to_ready(socket);
        return;
    }
    socket->send_result = result;
    rp__sim_event_clear(sim_of(socket), &socket->send_event);
    if (result.status != RP_OK || !socket->quiet || chance(socket, 8))
        to_ready(socket);
    else if (rp__list_empty(&socket->ready))
        rp__list_append(&sim_socket_port(socket)->quiet, &socket->ready);
}

static bool take(sim_socket *socket, unsigned operation)
{
    if (!(socket->decided & operation))
        return false;
    socket->started &= (uint8_t)~operation;
    socket->decided &= (uint8_t)~operation;
    socket->cancelling &= (uint8_t)~operation;
    sim_socket_port(socket)->stats->completions++;
    return true;
}

static void start(sim_socket *socket, unsigned operation)
{
    unsigned exclusive = operation == SEND ? SEND : CONNECT | ACCEPT | RECEIVE;
    RP_ASSERT(!(socket->started & exclusive) && !socket->closing);
    socket->started |= (uint8_t)operation;
    sim_socket_port(socket)->stats->system_calls++;
}

static rp_io_result was_reset(void)
{
    return (rp_io_result){RP_E_RESET, rp__os_codes.reset};
}

/* ---- opening, listening ---- */

static sim_socket *socket_new(sim_port *port, uint8_t family)
{
    sim_socket *socket = rp__allocate(port->memory, sizeof(*socket));
    if (socket == NULL)
        return NULL;
    socket->base.port = &port->base;
    socket->family = family;
    socket->id = port->sim->next_id++;
    rp__list_init(&socket->ready);
    rp__list_init(&socket->listener_link);
    rp__list_init(&socket->backlog);
    rp__list_append(&port->sockets, &socket->link);
    port->sim->socket_count++;
    return socket;
}

/* What is missing for one more socket; RP_OK: nothing. */
static rp_io_result shortage(sim_port *port)
{
    rp_sim *sim = port->sim;
    if (sim->socket_limit > 0 && sim->socket_count >= sim->socket_limit)
        return (rp_io_result){RP_E_NO_DESCRIPTORS, rp__os_codes.no_descriptors};
    if (port->faulty && rp__sim_strikes(sim, RP_SIM_NO_DESCRIPTORS))
        return (rp_io_result){RP_E_NO_DESCRIPTORS, rp__os_codes.no_descriptors};
    if (port->faulty && rp__sim_strikes(sim, RP_SIM_NO_SOCKET_MEMORY))
        return (rp_io_result){RP_E_NO_MEMORY, rp__os_codes.no_memory};
    return (rp_io_result){RP_OK, 0};
}

rp_io_result rp__sim_open(rp_port *base, uint8_t family, rp_socket **out)
{
    sim_port *port = sim_port_of(base);
    *out = NULL;
    port->stats->system_calls++;
    if (family != 4 && family != 6)
        return (rp_io_result){RP_E_UNSUPPORTED, rp__os_codes.unsupported};
    rp_io_result result = shortage(port);
    if (result.status != RP_OK)
        return result;
    sim_socket *socket = socket_new(port, family);
    if (socket == NULL)
        return (rp_io_result){RP_E_NO_MEMORY, rp__os_codes.no_memory};
    *out = &socket->base;
    return result;
}

static bool is_any(const rp_address *address)
{
    static const uint8_t none[16];
    return memcmp(address->bytes, none, address->family == 4 ? 4 : 16) == 0;
}

static bool listens_on(const sim_socket *listener, const rp_address *address)
{
    const rp_address *own = &listener->address;
    return own->family == address->family && own->port == address->port &&
           (is_any(own) || memcmp(own->bytes, address->bytes, address->family == 4 ? 4 : 16) == 0);
}

static sim_socket *listener_find(rp_sim *sim, const rp_address *address)
{
    for (rp_link *link = sim->listeners.next; link != &sim->listeners; link = link->next) {
        sim_socket *listener = RP_CONTAINER(link, sim_socket, listener_link);
        if (!listener->closing && listens_on(listener, address))
            return listener;
    }
    return NULL;
}

rp_io_result rp__sim_listen(rp_socket *base, rp_address *address, int backlog)
{
    sim_socket *socket = sim_socket_of(base);
    rp_sim *sim = sim_of(socket);
    RP_ASSERT(!socket->listening && socket->wire == NULL);
    sim_socket_port(socket)->stats->system_calls++;
    if (address->port == 0) {
        do {
            address->port = sim->next_port;
            sim->next_port = sim->next_port == 65535 ? 49152 : sim->next_port + 1;
        } while (listener_find(sim, address) != NULL);
    } else if (listener_find(sim, address) != NULL) {
        return (rp_io_result){RP_E_ADDRESS_IN_USE, rp__os_codes.in_use};
    }
    socket->listening = true;
    socket->address = *address;
    socket->backlog_limit = backlog;
    rp__list_append(&sim->listeners, &socket->listener_link);
    rp__sim_host_add(sim, address);
    return (rp_io_result){RP_OK, 0};
}

/* ---- binding ---- */

static bool is_loopback(const rp_address *address)
{
    static const uint8_t loopback[16] = {[15] = 1};
    return address->family == 4 ? address->bytes[0] == 127
                                : memcmp(address->bytes, loopback, sizeof(loopback)) == 0;
}

/* What sim.h says that this machine has. */
static bool is_own(const rp_address *address)
{
    return is_any(address) || is_loopback(address) ||
           address->bytes[0] == (address->family == 4 ? 10 : 0xfd);
}

static bool is_taken(const sim_port *port, const rp_address *address)
{
    for (rp_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        const rp_address *bound = &RP_CONTAINER(link, sim_socket, link)->bound;
        if (bound->family == address->family && bound->port == address->port && bound->port > 0 &&
            (is_any(bound) || is_any(address) ||
             memcmp(bound->bytes, address->bytes, sizeof(bound->bytes)) == 0))
            return true;
    }
    return false;
}

rp_io_result rp__sim_bind(rp_socket *base, const rp_binding *binding)
{
    char text[RP_ADDRESS_TEXT_SIZE];
    sim_socket *socket = sim_socket_of(base);
    const rp_address *address = &binding->address;
    sim_socket_port(socket)->stats->system_calls++;
    if (!is_own(address) || (binding->device != NULL && strcmp(binding->device, SIM_DEVICE) != 0))
        return (rp_io_result){RP_E_LOCAL_ADDRESS, rp__os_codes.unreachable};
    if (is_taken(sim_socket_port(socket), address))
        return (rp_io_result){RP_E_ADDRESS_IN_USE, rp__os_codes.in_use};
    rp__sim_trace(sim_of(socket), "socket %llu is bound to %s", id_of(socket),
                  rp__address_text(address, true, text));
    socket->bound = *address;
    return (rp_io_result){RP_OK, 0};
}

/* ---- connecting ---- */

static bool is_multicast(const rp_address *address)
{
    return address->family == 4 ? address->bytes[0] >= 224 : address->bytes[0] == 0xff;
}

static void listener_look(sim_socket *listener);

static void connect_arrives(sim_event *event)
{
    sim_socket *socket = RP_CONTAINER(event, sim_socket, connect_event);
    rp_sim *sim = sim_of(socket);
    sim_socket *listener = listener_find(sim, &socket->address);
    if (listener == NULL && !rp__sim_host_known(sim, &socket->address)) {
        decide(socket, CONNECT, (rp_io_result){RP_E_CONNECT_UNREACHABLE, rp__os_codes.unreachable});
    } else if (listener == NULL) {
        decide(socket, CONNECT, (rp_io_result){RP_E_CONNECT_REFUSED, rp__os_codes.refused});
    } else if (listener->backlog_count > listener->backlog_limit) {
        /* The listener says nothing: the request to connect is sent again. */
        rp__sim_event_set(sim, &socket->connect_event, connect_arrives, SYN_RETRY_NS);
    } else {
        socket->wire = rp__sim_wire_new(sim, socket);
        rp__list_append(&listener->backlog, &socket->wire->link);
        listener->backlog_count++;
        rp__sim_trace(sim, "socket %llu connects by wire %llu", id_of(socket),
                      (unsigned long long)socket->wire->id);
        decide(socket, CONNECT, (rp_io_result){RP_OK, 0});
        listener_look(listener);
    }
}

/* A SYN is sent again after a second (RFC 6298, 2). */
static uint64_t lost_ns(sim_socket *socket)
{
    if (!rp__sim_strikes(sim_of(socket), RP_SIM_LOSS))
        return 0;
    socket->resent++;
    return 1000000000u;
}

void rp__sim_connect(rp_socket *base, const rp_address *address)
{
    char text[RP_ADDRESS_TEXT_SIZE];
    sim_socket *socket = sim_socket_of(base);
    rp_sim *sim = sim_of(socket);
    start(socket, CONNECT);
    socket->address = *address;
    rp__sim_trace(sim, "socket %llu connects to %s", id_of(socket),
                  rp__address_text(address, true, text));
    if (is_multicast(address) || rp__sim_strikes(sim, RP_SIM_CONNECT_UNREACHABLE))
        decide(socket, CONNECT, (rp_io_result){RP_E_CONNECT_UNREACHABLE, rp__os_codes.unreachable});
    else if (rp__sim_strikes(sim, RP_SIM_CONNECT_REFUSED))
        decide(socket, CONNECT, (rp_io_result){RP_E_CONNECT_REFUSED, rp__os_codes.refused});
    else if (!rp__sim_strikes(sim, RP_SIM_CONNECT_STALL))
        rp__sim_event_set(sim, &socket->connect_event, connect_arrives,
                          rp__sim_latency_ns(sim) + rp__sim_latency_ns(sim) + lost_ns(socket));
}

static unsigned run_connect(sim_socket *socket)
{
    rp_io_result result = socket->result;
    if (!take(socket, CONNECT))
        return 0;
    rp__sim_event_clear(sim_of(socket), &socket->connect_event);
    rp__sim_trace(sim_of(socket), "socket %llu connected: %s", id_of(socket),
                  rp_status_name(result.status));
    socket->base.handler->connected(&socket->base, result);
    return 1;
}

/* ---- accepting ---- */

static void accept_due(sim_event *event)
{
    sim_socket *listener = RP_CONTAINER(event, sim_socket, look_event);
    if (listener->closing || !undecided(listener, ACCEPT) || rp__list_empty(&listener->backlog))
        return;
    listener->acceptable = true;
    to_ready(listener);
}

/* There may be a connection to accept. */
static void listener_look(sim_socket *listener)
{
    if (!listener->closing && undecided(listener, ACCEPT) && !listener->acceptable &&
        !rp__list_empty(&listener->backlog) && !rp__sim_event_is_set(&listener->look_event))
        rp__sim_event_set(sim_of(listener), &listener->look_event, accept_due, delay_ns(listener));
}

void rp__sim_accept(rp_socket *base)
{
    sim_socket *listener = sim_socket_of(base);
    start(listener, ACCEPT);
    listener_look(listener);
}

/* Told once; tried again by and by. */
static unsigned accept_starved(sim_socket *listener, rp_io_result result)
{
    rp__sim_event_set(sim_of(listener), &listener->look_event, accept_due, ACCEPT_RETRY_NS);
    if (listener->starvation_told)
        return 0;
    listener->starvation_told = true;
    sim_socket_port(listener)->stats->completions++;
    listener->base.handler->accepted(&listener->base, NULL, result, false);
    return 1;
}

static unsigned accept_one(sim_socket *listener)
{
    sim_port *port = sim_socket_port(listener);
    listener->acceptable = false;
    if (listener->closing || !undecided(listener, ACCEPT) || rp__list_empty(&listener->backlog))
        return 0;
    rp_io_result result = shortage(port);
    sim_socket *peer = NULL;
    if (result.status == RP_OK) {
        result = (rp_io_result){RP_E_NO_MEMORY, rp__os_codes.no_memory};
        peer = socket_new(port, listener->family);
    }
    if (peer == NULL)
        return accept_starved(listener, result);
    sim_wire *wire = RP_CONTAINER(rp__list_take(&listener->backlog), sim_wire, link);
    listener->backlog_count--;
    listener->starvation_told = false;
    wire->pending = false;
    wire->ends[1] = peer;
    peer->wire = wire;
    peer->end = 1;
    peer->reset = wire->pending_reset;
    rp__sim_trace(port->sim, "socket %llu accepts wire %llu as socket %llu", id_of(listener),
                  (unsigned long long)wire->id, id_of(peer));
    port->stats->completions++;
    listener->base.handler->accepted(&listener->base, &peer->base, (rp_io_result){RP_OK, 0}, false);
    RP_ASSERT(peer->base.handler != NULL);
    return 1;
}

static unsigned run_accept(sim_socket *listener)
{
    unsigned found = 0;
    while (listener->acceptable) {
        found += accept_one(listener);
        listener->acceptable = !listener->starvation_told && chance(listener, 2); /* one more */
    }
    rp_io_result result = listener->result;
    if (!take(listener, ACCEPT)) {
        listener_look(listener);
        return found;
    }
    listener->base.handler->accepted(&listener->base, NULL, result, true);
    return found + 1;
}

/* ---- receiving ---- */

static sim_pipe *pipe_in(const sim_socket *socket)
{
    return &socket->wire->pipes[1 - socket->end];
}

static bool has_input(const sim_socket *socket)
{
    return socket->wire != NULL &&
           (pipe_in(socket)->arrived > 0 || pipe_in(socket)->fin_arrived || socket->reset);
}

static void look_due(sim_event *event)
{
    sim_socket *socket = RP_CONTAINER(event, sim_socket, look_event);
    rp_sim *sim = sim_of(socket);
    if (socket->closing || !undecided(socket, RECEIVE) || !has_input(socket))
        return;
    if (pipe_in(socket)->arrived > 0 && rp__sim_strikes(sim, RP_SIM_NO_BUFFERS)) {
        rp__sim_event_set(sim, &socket->look_event, look_due, BUFFER_RETRY_NS);
        return;
    }
    socket->deliverable = true;
    to_ready(socket);
}

void rp__sim_socket_look(sim_socket *socket)
{
    if (!socket->closing && undecided(socket, RECEIVE) && !socket->deliverable &&
        has_input(socket) && !rp__sim_event_is_set(&socket->look_event))
        rp__sim_event_set(sim_of(socket), &socket->look_event, look_due, delay_ns(socket));
}

/* An operation that the system refuses may tell that the connection is gone, or nothing. */
static void break_down(sim_socket *socket)
{
    if (!rp__sim_chance(sim_of(socket), 2))
        return;
    rp__sim_wire_reset(socket->wire, socket->end);
    socket->reset = true;
}

void rp__sim_receive(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    start(socket, RECEIVE);
    RP_ASSERT(socket->wire != NULL);
    if (rp__sim_strikes(sim_of(socket), RP_SIM_RECEIVE_FAILED)) {
        break_down(socket);
        decide(socket, RECEIVE, (rp_io_result){RP_E_IO_FAILED, rp__os_codes.failed});
    }
    rp__sim_socket_look(socket);
}

static size_t receive_size(sim_socket *socket)
{
    size_t most = pipe_in(socket)->arrived;
    if (most > RP_SCRATCH_BYTES)
        most = RP_SCRATCH_BYTES;
    if (most == 1 || !chance(socket, 2))
        return most;
    return chance(socket, 3) ? 1 : 1 + (size_t)rp__sim_draw(&sim_of(socket)->chance, most);
}

/* In memory of its own, exactly as long, and gone afterwards: so that a sanitizer sees who reads
 * beyond it or keeps it. */
static void deliver(sim_socket *socket)
{
    sim_port *port = sim_socket_port(socket);
    rp_memory *memory = &port->sim->memory;
    size_t size = receive_size(socket);
    uint8_t *bytes = rp__reallocate(memory, NULL, size);
    RP_ASSERT(bytes != NULL);
    rp__sim_pipe_take(pipe_in(socket), bytes, size);
    rp__sim_trace(port->sim, "socket %llu receives %zu", id_of(socket), size);
    port->stats->bytes_received += size;
    port->stats->completions++;
    socket->base.handler->received(&socket->base, (rp_slice){bytes, size}, (rp_io_result){RP_OK, 0},
                                   false);
    memset(bytes, 0xdd, size);
    rp__free(memory, bytes);
}

/* All that is there at once, or in several turns. */
static unsigned deliver_some(sim_socket *socket)
{
    unsigned found = 0;
    socket->deliverable = false;
    while (!socket->closing && undecided(socket, RECEIVE) && pipe_in(socket)->arrived > 0) {
        deliver(socket);
        found++;
        if (chance(socket, 2))
            return found;
    }
    if (socket->closing || !undecided(socket, RECEIVE) || (found > 0 && chance(socket, 2)))
        return found;
    if (socket->reset)
        decide(socket, RECEIVE, was_reset());
    else if (pipe_in(socket)->fin_arrived)
        decide(socket, RECEIVE, (rp_io_result){RP_OK, 0});
    return found;
}

static unsigned run_receive(sim_socket *socket)
{
    unsigned found = socket->deliverable ? deliver_some(socket) : 0;
    rp_io_result result = socket->result;
    if (!take(socket, RECEIVE)) {
        rp__sim_socket_look(socket);
        return found;
    }
    rp__sim_trace(sim_of(socket), "socket %llu ends receiving: %s", id_of(socket),
                  rp_status_name(result.status));
    socket->base.handler->received(&socket->base, (rp_slice){NULL, 0}, result, true);
    return found + 1;
}

/* ---- sending ---- */

static void send_step(sim_socket *socket);

/* One that had to wait is told of at once, or a sender with more to say would not learn of it. */
static void send_due(sim_event *event)
{
    sim_socket *socket = RP_CONTAINER(event, sim_socket, send_event);
    socket->quiet = false;
    send_step(socket);
}

static size_t send_left(const sim_socket *socket)
{
    size_t size = 0;
    for (size_t i = 0; i < socket->slice_count; i++)
        size += socket->slices[i].size;
    return size - socket->slice_offset;
}

static void send_bytes(sim_socket *socket, size_t size)
{
    sim_pipe *out = &socket->wire->pipes[socket->end];
    rp__sim_trace(sim_of(socket), "socket %llu sends %zu", id_of(socket), size);
    sim_socket_port(socket)->stats->bytes_sent += size;
    while (size > 0) {
        size_t part = socket->slices->size - socket->slice_offset;
        if (part > size)
            part = size;
        if (part > 0)
            rp__sim_pipe_put(out, socket->slices->data + socket->slice_offset, part);
        size -= part;
        socket->slice_offset += part;
        if (socket->slice_offset < socket->slices->size)
            continue;
        socket->slices++;
        socket->slice_count--;
        socket->slice_offset = 0;
    }
}

static void send_step(sim_socket *socket)
{
    rp_sim *sim = sim_of(socket);
    if (!undecided(socket, SEND))
        return;
    if (socket->reset) {
        decide(socket, SEND, was_reset());
        return;
    }
    size_t left = send_left(socket);
    size_t size = rp__sim_pipe_room(&socket->wire->pipes[socket->end]);
    if (size > left)
        size = left;
    if (size > 1 && chance(socket, 4))
        size = chance(socket, 4) ? 1 : 1 + (size_t)rp__sim_draw(&sim->chance, size);
    if (size > 0)
        send_bytes(socket, size);
    if (size == left)
        decide(socket, SEND, (rp_io_result){RP_OK, 0});
    else
        rp__sim_socket_room(socket);
}

void rp__sim_socket_room(sim_socket *socket)
{
    if (undecided(socket, SEND) && !rp__sim_event_is_set(&socket->send_event) &&
        (socket->reset || rp__sim_pipe_room(&socket->wire->pipes[socket->end]) > 0))
        rp__sim_event_set(sim_of(socket), &socket->send_event, send_due, delay_ns(socket));
}

void rp__sim_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    sim_socket *socket = sim_socket_of(base);
    start(socket, SEND);
    RP_ASSERT(socket->wire != NULL && count > 0);
    socket->quiet = base->quiet_send;
    socket->slices = slices;
    socket->slice_count = count;
    socket->slice_offset = 0;
    RP_ASSERT(send_left(socket) > 0);
    socket->wire->pipes[socket->end].given += send_left(socket);
    if (rp__sim_strikes(sim_of(socket), RP_SIM_SEND_FAILED)) {
        break_down(socket);
        decide(socket, SEND, (rp_io_result){RP_E_IO_FAILED, rp__os_codes.failed});
        rp__sim_socket_look(socket);
    } else if (chance(socket, 4)) {
        rp__sim_event_set(sim_of(socket), &socket->send_event, send_due, delay_ns(socket));
    } else {
        send_step(socket);
    }
}

static unsigned run_send(sim_socket *socket)
{
    rp_io_result result = socket->send_result;
    if (!take(socket, SEND))
        return 0;
    rp__sim_trace(sim_of(socket), "socket %llu sent: %s", id_of(socket),
                  rp_status_name(result.status));
    socket->base.handler->sent(&socket->base, result);
    return 1;
}

void rp__sim_shutdown_send(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(!(socket->started & SEND) && socket->wire != NULL);
    sim_socket_port(socket)->stats->system_calls++;
    if (!socket->reset)
        rp__sim_pipe_end(&socket->wire->pipes[socket->end]);
}

void rp__sim_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    (void)base;
    (void)keepalive;
}

uint64_t rp__sim_confirmed(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(socket->wire != NULL);
    return socket->wire->pipes[socket->end].passed;
}

rp_tcp_numbers rp__sim_numbers(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(socket->wire != NULL);
    return (rp_tcp_numbers){.known = true,
                            .resent = socket->resent + socket->wire->pipes[socket->end].resent};
}

/* Of who is not bound: from where sim.h says that this machine is, and a port of those that systems
 * give (RFC 6335, 6). */
rp_address rp__sim_local(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(socket->wire != NULL);
    if (socket->end == 1) /* it accepted */
        return socket->address;
    rp_address address = socket->bound;
    address.family = socket->family;
    if (is_any(&address) && is_loopback(&socket->address))
        memcpy(address.bytes, socket->address.bytes, sizeof(address.bytes));
    else if (is_any(&address)) {
        address.bytes[0] = address.family == 4 ? 10 : 0xfd;
        address.bytes[address.family == 4 ? 3 : 15] = 1;
    }
    if (address.port == 0)
        address.port = (uint16_t)(49152 + socket->id % 16384);
    return address;
}

void rp__sim_socket_reset(sim_socket *socket)
{
    socket->reset = true;
    if (undecided(socket, SEND))
        rp__sim_socket_room(socket);
    rp__sim_socket_look(socket);
}

/* ---- cancelling, closing ---- */

static const rp_io_result cancelled = {RP_E_CANCELLED, 0};

static void cancel_now(sim_socket *socket, unsigned operations)
{
    for (unsigned operation = 1; operation & RP_OP_ALL; operation <<= 1) {
        if (operations & operation)
            decide(socket, operation, cancelled);
    }
}

static void cancel_due(sim_event *event)
{
    sim_socket *socket = RP_CONTAINER(event, sim_socket, cancel_event);
    cancel_now(socket, socket->cancelling);
}

/* A kernel takes at once what it has room for. */
static void send_what_fits(sim_socket *socket)
{
    if (!undecided(socket, SEND) || socket->reset)
        return;
    size_t left = send_left(socket);
    size_t size = rp__sim_pipe_room(&socket->wire->pipes[socket->end]);
    if (size > left)
        size = left;
    if (size > 0)
        send_bytes(socket, size);
    if (size == left)
        decide(socket, SEND, (rp_io_result){RP_OK, 0});
}

/* It is a race: what is under way may come first. */
void rp__sim_cancel(rp_socket *base, unsigned operations)
{
    sim_socket *socket = sim_socket_of(base);
    if (operations & SEND)
        send_what_fits(socket);
    if (operations & socket->decided & SEND) /* a quiet one that is done waits no longer */
        to_ready(socket);
    operations &= socket->started & ~(unsigned)socket->decided;
    if (operations == 0)
        return;
    sim_socket_port(socket)->stats->system_calls++;
    if (!chance(socket, 2)) {
        cancel_now(socket, operations);
        return;
    }
    socket->cancelling |= (uint8_t)operations;
    if (!rp__sim_event_is_set(&socket->cancel_event))
        rp__sim_event_set(sim_of(socket), &socket->cancel_event, cancel_due,
                          rp__sim_draw(&sim_of(socket)->chance, 300) * SIM_US);
}

static void close_due(sim_event *event)
{
    sim_socket *socket = RP_CONTAINER(event, sim_socket, close_event);
    socket->close_due = true;
    to_ready(socket);
}

void rp__sim_close(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(!socket->closing);
    socket->closing = true;
    sim_socket_port(socket)->stats->system_calls++;
    rp__sim_cancel(base, RP_OP_ALL);
    uint64_t late_ns = chance(socket, 8) ? rp__sim_draw(&sim_of(socket)->chance, 5 * SIM_MS) : 0;
    rp__sim_event_set(sim_of(socket), &socket->close_event, close_due, delay_ns(socket) + late_ns);
}

void rp__sim_reset_on_close(rp_socket *base)
{
    sim_socket *socket = sim_socket_of(base);
    RP_ASSERT(!socket->closing);
    socket->resets = true;
}

/* Listeners that starve may find what they need now. */
static void feed_starved(rp_sim *sim)
{
    for (rp_link *link = sim->listeners.next; link != &sim->listeners; link = link->next) {
        sim_socket *listener = RP_CONTAINER(link, sim_socket, listener_link);
        if (listener->starvation_told && rp__sim_event_is_set(&listener->look_event))
            rp__sim_event_set(sim, &listener->look_event, accept_due, 0);
    }
}

static unsigned finish(sim_socket *socket)
{
    sim_port *port = sim_socket_port(socket);
    rp_sim *sim = port->sim;
    rp__sim_trace(sim, "socket %llu closed", id_of(socket));
    rp__list_remove(&socket->ready);
    rp__list_remove(&socket->listener_link);
    for (rp_link *link; (link = rp__list_take(&socket->backlog)) != NULL;)
        rp__sim_wire_refuse(RP_CONTAINER(link, sim_wire, link));
    if (socket->wire != NULL)
        rp__sim_wire_detach(socket->wire, socket->end, socket->resets);
    socket->wire = NULL;
    rp__sim_event_clear(sim, &socket->connect_event);
    rp__sim_event_clear(sim, &socket->look_event);
    rp__sim_event_clear(sim, &socket->send_event);
    rp__sim_event_clear(sim, &socket->cancel_event);
    rp__sim_event_clear(sim, &socket->close_event);
    sim->socket_count--;
    feed_starved(sim);
    port->stats->completions++;
    socket->base.handler->closed(&socket->base);
    rp__list_remove(&socket->link);
    rp__free(port->memory, socket);
    return 1;
}

unsigned rp__sim_socket_run(sim_socket *socket)
{
    unsigned found = 0;
    bool receives_first = chance(socket, 2);
    if (socket->started & CONNECT)
        found += run_connect(socket);
    if (receives_first && socket->started & RECEIVE)
        found += run_receive(socket);
    if (socket->started & SEND)
        found += run_send(socket);
    if (!receives_first && socket->started & RECEIVE)
        found += run_receive(socket);
    if (socket->started & ACCEPT)
        found += run_accept(socket);
    if (socket->closing && socket->close_due && socket->started == 0)
        return found + finish(socket);
    return found;
}
