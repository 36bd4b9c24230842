/* port_base.c - see port_base.h. */
#include "loop/port_base.h"

#include "base/assert.h"
#include "base/platform.h"
#include "loop/wait.h"

#include <string.h>

#define RECEIVE_BYTES_DEFAULT ((size_t)64 * 1024)
#define FREE_SOCKETS_MOST 1024
#define STARVED_RETRY_NS 100000000u

/* ---- life of a port ---- */

void *rp__base_create(const rp_port_options *options, const rp_port_ops *ops,
                      const rp_base_steps *steps, size_t bytes)
{
    rp_base_port *port = rp__allocate(options->memory, bytes);
    if (port == NULL)
        return NULL;
    port->port.ops = ops;
    port->steps = steps;
    port->process = rp__process_mark();
    port->memory = options->memory;
    port->stats = options->stats;
    port->retry_at_ns = port->deadline_ns = RP_WAIT_FOREVER;
    atomic_init(&port->woken, false);
    rp__list_init(&port->sockets);
    rp__list_init(&port->ready);
    rp__list_init(&port->quiet);
    rp__list_init(&port->starved);
    rp__list_init(&port->free);
    port->buffer_size = options->receive_memory_bytes;
    if (port->buffer_size == 0)
        port->buffer_size = RECEIVE_BYTES_DEFAULT;
    /* Not zeroed: pages that no receive fills are never touched. */
    port->buffer = rp__reallocate(port->memory, NULL, port->buffer_size);
    if (port->buffer != NULL)
        return port;
    rp__free(port->memory, port);
    return NULL;
}

void rp__base_free(rp_base_port *port)
{
    RP_ASSERT(!port->in_turn && rp__list_empty(&port->sockets));
    for (rp_link *link; (link = rp__list_take(&port->free)) != NULL;)
        rp__free(port->memory, RP_CONTAINER(link, rp_base_socket, link));
    rp__free_secret(port->memory, port->buffer, port->buffer_written);
    rp__free(port->memory, port);
}

bool rp__base_is_ours(const rp_base_port *port)
{
    return port->process == rp__process_mark();
}

/* ---- the host ---- */

void rp__base_tell_host(rp_base_port *port)
{
    if (port->hosted && !port->in_turn)
        port->steps->tell_host(port);
}

void rp__base_update_timer(rp_base_port *port)
{
    if (port->hosted)
        port->steps->set_timer(port, port->deadline_ns < port->retry_at_ns ? port->deadline_ns
                                                                           : port->retry_at_ns);
}

void rp__base_host(rp_base_port *port)
{
    port->hosted = true;
    rp__base_update_timer(port);
    if (!rp__list_empty(&port->ready))
        rp__base_tell_host(port);
}

void rp__base_waitable_deadline(rp_port *base, uint64_t deadline_ns)
{
    rp_base_port *port = RP_CONTAINER(base, rp_base_port, port);
    port->deadline_ns = deadline_ns;
    rp__base_update_timer(port);
}

unsigned rp__base_see_wake(rp_base_port *port)
{
    (void)atomic_exchange_explicit(&port->woken, false, memory_order_acq_rel);
    return 1;
}

/* ---- life of a socket ---- */

void *rp__base_socket_new(rp_base_port *port)
{
    rp_base_socket *socket;
    rp_link *link = rp__list_take(&port->free);
    if (link != NULL) {
        socket = RP_CONTAINER(link, rp_base_socket, link);
        memset(socket, 0, port->steps->socket_bytes);
        port->free_count--;
    } else {
        socket = rp__allocate(port->memory, port->steps->socket_bytes);
        if (socket == NULL)
            return NULL;
    }
    socket->socket.port = &port->port;
    rp__list_append(&port->sockets, &socket->all_link);
    rp__list_init(&socket->link);
    return socket;
}

void rp__base_socket_free(rp_base_socket *socket)
{
    rp_base_port *port = rp__base_port_of(socket);
    rp__list_remove(&socket->all_link);
    rp__list_remove(&socket->link);
    if (port->free_count >= FREE_SOCKETS_MOST) {
        rp__free(port->memory, socket);
        return;
    }
    port->free_count++;
    rp__list_prepend(&port->free, &socket->link);
}

/* ---- lists ---- */

void rp__base_enqueue(rp_base_socket *socket)
{
    rp_base_port *port = rp__base_port_of(socket);
    if (socket->flags & RP_BASE_PARKED) {
        rp__list_remove(&socket->link);
        socket->flags &= (uint8_t)~RP_BASE_PARKED;
        if (rp__list_empty(&port->starved))
            port->retry_at_ns = RP_WAIT_FOREVER;
    }
    if (!rp__list_empty(&socket->link))
        return;
    rp__list_append(&port->ready, &socket->link);
    rp__base_tell_host(port);
}

static void park(rp_base_socket *socket, rp_link *list)
{
    if (!rp__list_empty(&socket->link))
        return;
    rp__list_append(list, &socket->link);
    socket->flags |= RP_BASE_PARKED;
}

static void unpark_all(rp_link *list)
{
    while (!rp__list_empty(list))
        rp__base_enqueue(RP_CONTAINER(list->next, rp_base_socket, link));
}

/* ---- operations ---- */

void rp__base_start(rp_base_socket *socket, unsigned operation)
{
    unsigned exclusive = operation == RP_OP_SEND ? RP_OP_SEND : RP_BASE_IN;
    RP_ASSERT(!(socket->started & exclusive));
    RP_ASSERT(!(socket->flags & RP_BASE_CLOSING));
    socket->started |= (uint8_t)operation;
}

void rp__base_start_send(rp_base_socket *socket, const rp_slice *slices, size_t count)
{
    rp__base_start(socket, RP_OP_SEND);
    socket->unsent = (rp_unsent){slices, count, 0};
    RP_ASSERT(!rp__unsent_advance(&socket->unsent, 0));
}

void rp__base_decide(rp_base_socket *socket, unsigned operation, rp_io_result result)
{
    if (!rp__base_undecided(socket, operation))
        return;
    socket->decided |= (uint8_t)operation;
    if (operation == RP_OP_SEND)
        socket->send_result = result;
    else
        socket->result = result;
    if (operation == RP_OP_SEND && result.status == RP_OK && socket->socket.quiet_send)
        park(socket, &rp__base_port_of(socket)->quiet);
    else
        rp__base_enqueue(socket);
}

void rp__base_cancel_quiet(rp_base_socket *socket, unsigned operations)
{
    if (operations & socket->decided & RP_OP_SEND)
        rp__base_enqueue(socket);
}

unsigned rp__base_tell(rp_base_socket *socket, unsigned operation)
{
    rp_socket *out = &socket->socket;
    rp_io_result result = operation == RP_OP_SEND ? socket->send_result : socket->result;
    if (!(socket->decided & operation))
        return 0;
    socket->started &= (uint8_t)~operation;
    socket->decided &= (uint8_t)~operation;
    rp__base_port_of(socket)->stats->completions++;
    rp__socket_finish(out, operation, result);
    return 1;
}

void rp__base_deliver(rp_base_socket *socket, size_t bytes)
{
    rp_base_port *port = rp__base_port_of(socket);
    rp_slice slice = {port->buffer, bytes};
    if (port->buffer_written < bytes)
        port->buffer_written = bytes;
    port->stats->bytes_received += bytes;
    port->stats->completions++;
    socket->socket.handler->received(&socket->socket, slice, (rp_io_result){RP_OK, 0}, false);
}

void rp__base_welcome(rp_base_socket *listener, rp_base_socket *peer)
{
    listener->flags &= (uint8_t)~RP_BASE_STARVATION_TOLD;
    rp__base_port_of(listener)->stats->completions++;
    listener->socket.handler->accepted(&listener->socket, &peer->socket, (rp_io_result){RP_OK, 0},
                                       false);
    RP_ASSERT(peer->socket.handler != NULL);
}

/* ---- starvation ---- */

void rp__base_starve(rp_base_socket *listener)
{
    rp_base_port *port = rp__base_port_of(listener);
    listener->flags &= (uint8_t)~RP_BASE_READABLE;
    rp__list_remove(&listener->link);
    park(listener, &port->starved);
    if (port->retry_at_ns == RP_WAIT_FOREVER) {
        port->retry_at_ns = port->port.ops->now(&port->port) + STARVED_RETRY_NS;
        rp__base_update_timer(port);
    }
}

unsigned rp__base_tell_starvation(rp_base_socket *listener, rp_io_result result)
{
    if (listener->flags & RP_BASE_STARVATION_TOLD)
        return 0;
    listener->flags |= RP_BASE_STARVATION_TOLD;
    rp__base_port_of(listener)->stats->completions++;
    listener->socket.handler->accepted(&listener->socket, NULL, result, false);
    return 1;
}

static void retry_starved(rp_base_port *port)
{
    for (rp_link *link = port->starved.next; link != &port->starved; link = link->next)
        RP_CONTAINER(link, rp_base_socket, link)->flags |= RP_BASE_READABLE;
    unpark_all(&port->starved);
}

void rp__base_closed(rp_base_socket *socket)
{
    rp_base_port *port = rp__base_port_of(socket);
    retry_starved(port);
    port->stats->completions++;
    socket->socket.handler->closed(&socket->socket);
    rp__base_socket_free(socket);
}

/* ---- turns ---- */

static unsigned run_ready(rp_base_port *port)
{
    unsigned found = 0, share = port->hosted ? port->steps->host_share : UINT_MAX;
    rp_link now;
    unpark_all(&port->quiet);
    rp__list_init(&now);
    for (rp_link *link; share > 0 && (link = rp__list_take(&port->ready)) != NULL; share--)
        rp__list_append(&now, link);
    for (rp_link *link; rp__base_is_ours(port) && (link = rp__list_take(&now)) != NULL;)
        found += port->steps->run(RP_CONTAINER(link, rp_base_socket, link));
    return found;
}

static uint64_t end_of_wait(const rp_base_port *port, uint64_t end_ns)
{
    if (!rp__list_empty(&port->ready))
        return 0;
    return port->retry_at_ns < end_ns ? port->retry_at_ns : end_ns;
}

unsigned rp__base_turn(rp_base_port *port, uint64_t wait_ns)
{
    unsigned found = 0;
    bool over = false;
    uint64_t end_ns = rp__wait_end(&port->port, wait_ns);
    RP_ASSERT(!port->in_turn);
    port->in_turn = true;
    do {
        found += port->steps->wait(port, end_of_wait(port, end_ns), &over);
        if (rp__wait_is_over(&port->port, port->retry_at_ns)) {
            retry_starved(port);
            found++; /* it was time for it, whatever comes of it */
        }
        found += run_ready(port);
        found += run_ready(port);
    } while (!over && found == 0 && rp__wait_left(&port->port, end_ns) > 0);
    port->in_turn = false;
    return found;
}
