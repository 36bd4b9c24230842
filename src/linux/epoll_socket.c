/* epoll_socket.c - the sockets of the epoll port: see the essay in epoll.c. */
#include "linux/epoll.h"

#include "base/assert.h"
#include "linux/socket.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEND_SLICES 64
/* Shares of one socket in one turn. */
#define READS_PER_TURN 4
#define ACCEPTS_PER_TURN 64
#define FREE_SOCKETS_MOST 1024
#define ACCEPT_RETRY_NS 100000000u

/* ---- system calls: each is made and counted here ---- */

static int sys_connect(epoll_port *port, int fd, const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = rp_sockaddr_set(&storage, address);
    port->stats->system_calls++;
    return connect(fd, (const struct sockaddr *)&storage, size);
}

static int sys_connect_error(epoll_port *port, int fd)
{
    int code = 0;
    socklen_t size = sizeof(code);
    port->stats->system_calls++;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
        return errno;
    return code;
}

static int sys_accept(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return -1;
    port->stats->system_calls++;
    return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t sys_receive(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return -1;
    port->stats->system_calls++;
    return recv(fd, port->buffer, port->buffer_size, MSG_DONTWAIT);
}

/* last: the kernel holds the bytes back until close sends them with its FIN. */
static ssize_t sys_send(epoll_port *port, int fd, struct iovec *parts, size_t count, bool last)
{
    /* musl: int; glibc: size_t */
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (uint16_t)count};
    if (!epoll_is_ours(port))
        return -1;
    port->stats->system_calls++;
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (last ? MSG_MORE : 0));
}

static void sys_shutdown_send(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return;
    port->stats->system_calls++;
    (void)shutdown(fd, SHUT_WR);
}

/* ---- lists ---- */

void rp_epoll_enqueue(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    if (socket->flags & PARKED) {
        rp_list_remove(&socket->link);
        socket->flags &= (uint8_t)~PARKED;
        if (rp_list_empty(&port->starved))
            port->retry_at_ns = RP_WAIT_FOREVER;
    }
    if (!rp_list_empty(&socket->link))
        return;
    rp_list_append(&port->ready, &socket->link);
    rp_epoll_tell_host(port);
}

static void park(epoll_socket *socket, rp_link *list)
{
    if (!rp_list_empty(&socket->link))
        return;
    rp_list_append(list, &socket->link);
    socket->flags |= PARKED;
}

void rp_epoll_unpark_all(rp_link *list)
{
    while (!rp_list_empty(list))
        rp_epoll_enqueue(RP_CONTAINER(list->next, epoll_socket, link));
}

/* ---- results ---- */

/* A second decision comes too late: what happened first counts. */
static void decide(epoll_socket *socket, unsigned operation, rp_io_result result)
{
    if (!(socket->started & operation) || socket->decided & operation)
        return;
    socket->decided |= (uint8_t)operation;
    if (operation == SEND)
        socket->send_result = result;
    else
        socket->result = result;
    if (operation == SEND && result.status == RP_OK && socket->base.quiet_send)
        park(socket, &socket_port(socket)->quiet);
    else
        rp_epoll_enqueue(socket);
}

static bool undecided(const epoll_socket *socket, unsigned operation)
{
    return (socket->started & ~socket->decided & operation) != 0;
}

/* True: it was decided, and is no more in flight from here on. */
static bool take_result(epoll_socket *socket, unsigned operation)
{
    if (!(socket->decided & operation))
        return false;
    socket->started &= (uint8_t)~operation;
    socket->decided &= (uint8_t)~operation;
    socket_port(socket)->stats->completions++;
    return true;
}

/* ---- registration ---- */

static uint32_t event_mask(const epoll_socket *socket, unsigned registered)
{
    uint32_t input = EPOLLIN | EPOLLRDHUP | EPOLLET;
    if (socket->flags & LISTENING)
        input = EPOLLIN; /* by level: a connection left for the next turn is reported again */
    return (registered & INPUT ? input : 0u) | (registered & OUTPUT ? EPOLLOUT | EPOLLET : 0u);
}

/* Also with what is registered already: the kernel looks again at the socket's state. */
static bool set_registration(epoll_socket *socket, unsigned registered)
{
    int operation = EPOLL_CTL_MOD;
    if (socket->registered == 0)
        operation = EPOLL_CTL_ADD;
    else if (registered == 0)
        operation = EPOLL_CTL_DEL;
    if (rp_epoll_ctl(socket_port(socket), operation, socket->fd, event_mask(socket, registered),
                     socket) != 0)
        return false;
    socket->registered = (uint8_t)registered;
    return true;
}

static void starve(epoll_socket *listener)
{
    epoll_port *port = socket_port(listener);
    if (!undecided(listener, ACCEPT))
        return;
    listener->flags &= (uint8_t)~READABLE;
    rp_list_remove(&listener->link);
    park(listener, &port->starved);
    if (port->retry_at_ns == RP_WAIT_FOREVER) {
        port->retry_at_ns = rp_monotonic_ns() + ACCEPT_RETRY_NS;
        rp_epoll_update_timer(port);
    }
}

static void registration_failed(epoll_socket *socket, int os_code)
{
    starve(socket);
    decide(socket, CONNECT, rp_connect_result(os_code));
    decide(socket, RECEIVE, rp_transfer_result(os_code));
    decide(socket, SEND, rp_transfer_result(os_code));
}

static bool starved(const epoll_socket *socket)
{
    return (socket->flags & (LISTENING | PARKED)) == (LISTENING | PARKED);
}

/* Registers for what is waited for. EPOLLOUT stays while sends follow one another. */
static void settle(epoll_socket *socket)
{
    unsigned needed = 0, kept = 0;
    if (socket->flags & RUNNING)
        return;
    if (socket->started & (RECEIVE | ACCEPT) && !starved(socket))
        kept |= INPUT;
    else
        socket->flags &= (uint8_t) ~(READABLE | ENDING);
    if (undecided(socket, RECEIVE | ACCEPT) && !(socket->flags & READABLE))
        needed |= INPUT & kept;
    if (socket->started & SEND)
        kept |= OUTPUT;
    if (undecided(socket, SEND | CONNECT))
        needed |= OUTPUT;
    unsigned wanted = needed | (kept & socket->registered);
    if (wanted != socket->registered && !set_registration(socket, wanted))
        registration_failed(socket, errno);
}

/* ---- life of a socket ---- */

static epoll_socket *socket_new(epoll_port *port)
{
    epoll_socket *socket;
    rp_link *link = rp_list_take(&port->free);
    if (link != NULL) {
        socket = RP_CONTAINER(link, epoll_socket, link);
        *socket = (epoll_socket){0};
        port->free_count--;
    } else {
        socket = rp_allocate(port->memory, sizeof(*socket));
        if (socket == NULL)
            return NULL;
    }
    socket->base.port = &port->base;
    socket->fd = -1;
    rp_list_append(&port->sockets, &socket->all_link);
    rp_list_init(&socket->link);
    port->socket_count++;
    return socket;
}

static void socket_free(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    port->socket_count--;
    rp_list_remove(&socket->all_link);
    rp_list_remove(&socket->link);
    if (port->free_count >= FREE_SOCKETS_MOST) {
        rp_free(port->memory, socket);
        return;
    }
    port->free_count++;
    rp_list_prepend(&port->free, &socket->link);
}

void rp_epoll_retry_starved(epoll_port *port)
{
    for (rp_link *link = port->starved.next; link != &port->starved; link = link->next)
        RP_CONTAINER(link, epoll_socket, link)->flags |= READABLE;
    rp_epoll_unpark_all(&port->starved);
}

/* Deleted from epoll by hand: a forked child may hold the descriptor open, and then close would
 * leave the registration, with a pointer to this socket, behind. */
static void run_close(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    if (socket->registered != 0)
        (void)set_registration(socket, 0);
    rp_epoll_close_fd(port, socket->fd);
    if (!rp_list_empty(&port->starved))
        rp_epoll_retry_starved(port);
    port->stats->completions++;
    socket->base.handler->closed(&socket->base);
    socket_free(socket);
}

/* ---- running a socket: each gives the number of things that it found to do ---- */

static unsigned run_connect(epoll_socket *socket)
{
    if (undecided(socket, CONNECT) && socket->flags & WRITABLE) {
        /* An error comes with an event that says so (tcp_poll). */
        int code = 0;
        if (socket->flags & ENDING)
            code = sys_connect_error(socket_port(socket), socket->fd);
        decide(socket, CONNECT, rp_connect_result(code));
    }
    socket->flags &= (uint8_t)~WRITABLE;
    rp_io_result result = socket->result;
    if (!take_result(socket, CONNECT))
        return 0;
    socket->base.handler->connected(&socket->base, result);
    return 1;
}

static size_t fill_parts(const epoll_socket *socket, struct iovec parts[SEND_SLICES])
{
    size_t count = 0, offset = socket->unsent.offset;
    for (; count < socket->unsent.count && count < SEND_SLICES; count++) {
        const rp_slice *slice = &socket->unsent.slices[count];
        /* iovec has no const; sendmsg does not write. */
        parts[count].iov_base = (void *)(uintptr_t)(slice->data + offset);
        parts[count].iov_len = slice->size - offset;
        offset = 0;
    }
    return count;
}

/* Sends until all is sent, the kernel takes no more, or it failed. False: nothing changed. */
static bool try_send(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    bool changed = false;
    while (socket->unsent.count > 0) {
        struct iovec parts[SEND_SLICES];
        size_t count = fill_parts(socket, parts);
        ssize_t sent = sys_send(port, socket->fd, parts, count, socket->base.last_send);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return changed;
        if (sent < 0) {
            decide(socket, SEND, rp_transfer_result(errno));
            return true;
        }
        port->stats->bytes_sent += (uint64_t)sent;
        (void)rp_unsent_advance(&socket->unsent, (size_t)sent);
        changed = true;
    }
    decide(socket, SEND, (rp_io_result){RP_OK, 0});
    return true;
}

static unsigned run_send(epoll_socket *socket)
{
    unsigned found = 0;
    if (undecided(socket, SEND) && socket->flags & WRITABLE)
        found = try_send(socket);
    rp_io_result result = socket->send_result;
    if (!take_result(socket, SEND))
        return found;
    socket->base.handler->sent(&socket->base, result);
    return 1;
}

/* The kernel tells of a failed connection once. If a send was told, a read sees an end like any
 * other; but an end that the peer did not send must not pass for one. EPIPE is another matter: it
 * comes after the peer's end. */
static rp_io_result end_of_stream(const epoll_socket *socket)
{
    rp_io_result sent = socket->send_result;
    if (sent.os_code != 0 && sent.os_code != EPIPE)
        return sent;
    return (rp_io_result){RP_OK, 0};
}

/* A read that fills less than the buffer has emptied it, unless the end is still to be read. */
static unsigned read_once(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    ssize_t size = sys_receive(port, socket->fd);
    if (size > 0) {
        rp_slice bytes = {port->buffer, (size_t)size};
        if (port->buffer_written < bytes.size)
            port->buffer_written = bytes.size;
        if (bytes.size < port->buffer_size && !(socket->flags & ENDING))
            socket->flags &= (uint8_t)~READABLE;
        port->stats->bytes_received += bytes.size;
        port->stats->completions++;
        socket->base.handler->received(&socket->base, bytes, (rp_io_result){RP_OK, 0}, false);
        return 1;
    }
    if (size < 0 && errno == EINTR)
        return 0;
    socket->flags &= (uint8_t) ~(READABLE | ENDING);
    if (size == 0)
        decide(socket, RECEIVE, end_of_stream(socket));
    else if (errno != EAGAIN)
        decide(socket, RECEIVE, rp_transfer_result(errno));
    return 0;
}

static unsigned run_receive(epoll_socket *socket)
{
    unsigned found = 0;
    for (unsigned reads = 0; undecided(socket, RECEIVE) && socket->flags & READABLE; reads++) {
        if (reads == READS_PER_TURN) {
            /* The others' turn. What is left comes as a new edge. */
            socket->flags &= (uint8_t) ~(READABLE | ENDING);
            if (!set_registration(socket, socket->registered | INPUT))
                registration_failed(socket, errno);
            break;
        }
        found += read_once(socket);
    }
    rp_io_result result = socket->result;
    if (!take_result(socket, RECEIVE))
        return found;
    socket->base.handler->received(&socket->base, (rp_slice){NULL, 0}, result, true);
    return found + 1;
}

/* What accept gives for a connection that failed before it was accepted: see accept(2). */
static bool is_peers_failure(int os_code)
{
    switch (os_code) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

static unsigned accept_failed(epoll_socket *listener, int os_code)
{
    epoll_port *port = socket_port(listener);
    rp_io_result result = rp_transfer_result(os_code);
    if (os_code == EMFILE || os_code == ENFILE)
        result.status = RP_E_NO_DESCRIPTORS;
    else if (os_code == ENOMEM || os_code == ENOBUFS)
        result.status = RP_E_NO_MEMORY;
    else {
        decide(listener, ACCEPT, result);
        return 0;
    }
    starve(listener);
    if (listener->flags & STARVATION_TOLD)
        return 0;
    listener->flags |= STARVATION_TOLD;
    port->stats->completions++;
    listener->base.handler->accepted(&listener->base, NULL, result, false);
    return 1;
}

static unsigned accept_once(epoll_socket *listener)
{
    epoll_port *port = socket_port(listener);
    epoll_socket *peer = socket_new(port);
    if (peer == NULL)
        return accept_failed(listener, ENOMEM);
    peer->fd = sys_accept(port, listener->fd);
    if (peer->fd < 0) {
        int os_code = errno;
        socket_free(peer);
        if (is_peers_failure(os_code))
            return 0;
        if (os_code != EAGAIN)
            return accept_failed(listener, os_code);
        listener->flags &= (uint8_t)~READABLE;
        return 0;
    }
    listener->flags &= (uint8_t)~STARVATION_TOLD;
    port->stats->completions++;
    listener->base.handler->accepted(&listener->base, &peer->base, (rp_io_result){RP_OK, 0}, false);
    RP_ASSERT(peer->base.handler != NULL);
    return 1;
}

static unsigned run_accept(epoll_socket *listener)
{
    unsigned found = 0;
    for (unsigned count = 0; count < ACCEPTS_PER_TURN; count++) {
        if (!undecided(listener, ACCEPT) || !(listener->flags & READABLE))
            break;
        found += accept_once(listener);
    }
    listener->flags &= (uint8_t)~READABLE;
    rp_io_result result = listener->result;
    if (!take_result(listener, ACCEPT))
        return found;
    listener->base.handler->accepted(&listener->base, NULL, result, true);
    return found + 1;
}

void rp_epoll_note_events(epoll_socket *socket, uint32_t events)
{
    unsigned flags = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        flags |= READABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        flags |= ENDING;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        flags |= WRITABLE;
    socket->flags |= (uint8_t)flags;
    rp_epoll_enqueue(socket);
}

/* Something that this run has seen to may have put the socket back in line. */
static bool has_work(const epoll_socket *socket)
{
    return socket->decided != 0 ||
           (undecided(socket, RECEIVE | ACCEPT) && socket->flags & READABLE);
}

unsigned rp_epoll_run_socket(epoll_socket *socket)
{
    unsigned found = 0;
    socket->flags |= RUNNING;
    if (socket->started & CONNECT)
        found += run_connect(socket);
    if (socket->started & SEND)
        found += run_send(socket);
    if (socket->started & RECEIVE)
        found += run_receive(socket);
    if (socket->started & ACCEPT)
        found += run_accept(socket);
    socket->flags &= (uint8_t) ~(RUNNING | WRITABLE);
    if (socket->flags & CLOSING && socket->started == 0) {
        run_close(socket);
        return found + 1;
    }
    settle(socket);
    if (!has_work(socket) && !(socket->flags & PARKED))
        rp_list_remove(&socket->link);
    return found;
}

/* ---- operations ---- */

static void start(epoll_socket *socket, unsigned operation)
{
    unsigned exclusive = operation == SEND ? SEND : CONNECT | ACCEPT | RECEIVE;
    RP_ASSERT(!(socket->started & exclusive));
    RP_ASSERT(!(socket->flags & CLOSING));
    socket->started |= (uint8_t)operation;
}

void rp_epoll_connect(rp_socket *base, const rp_address *address)
{
    epoll_socket *socket = socket_of(base);
    start(socket, CONNECT);
    if (base->speaks_first && address->family != RP_FAMILY_UNIX) {
        socket_port(socket)->stats->system_calls++;
        rp_socket_speaks_first(socket->fd);
    }
    int code = sys_connect(socket_port(socket), socket->fd, address) == 0 ? 0 : errno;
    if (code == EINPROGRESS || code == EINTR)
        settle(socket);
    else
        decide(socket, CONNECT, rp_connect_result(code));
}

/* Started by its own callback, an operation is seen to by run_socket. */
static void start_input(epoll_socket *socket, unsigned operation)
{
    start(socket, operation);
    if (socket->flags & READABLE)
        rp_epoll_enqueue(socket);
    else
        settle(socket);
}

void rp_epoll_accept(rp_socket *base)
{
    start_input(socket_of(base), ACCEPT);
}

void rp_epoll_receive(rp_socket *base)
{
    start_input(socket_of(base), RECEIVE);
}

void rp_epoll_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    epoll_socket *socket = socket_of(base);
    start(socket, SEND);
    socket->unsent = (rp_unsent){slices, count, 0};
    RP_ASSERT(!rp_unsent_advance(&socket->unsent, 0));
    (void)try_send(socket);
    if (undecided(socket, SEND))
        settle(socket);
}

void rp_epoll_shutdown_send(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->started & SEND));
    sys_shutdown_send(socket_port(socket), socket->fd);
}

void rp_epoll_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += RP_KEEPALIVE_CALLS;
    rp_socket_keepalive(socket->fd, keepalive);
}

rp_tcp_numbers rp_epoll_numbers(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp_socket_numbers(socket->fd);
}

rp_address rp_epoll_local(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp_socket_local(socket->fd);
}

uint64_t rp_epoll_confirmed(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp_socket_confirmed(socket->fd);
}

void rp_epoll_reset_on_close(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->flags & CLOSING));
    socket_port(socket)->stats->system_calls++;
    rp_socket_reset_on_close(socket->fd);
}

void rp_epoll_cancel(rp_socket *base, unsigned operations)
{
    epoll_socket *socket = socket_of(base);
    for (unsigned operation = 1; operation & RP_OP_ALL; operation <<= 1) {
        if (operations & operation)
            decide(socket, operation, (rp_io_result){RP_E_CANCELLED, 0});
    }
    if (operations & socket->decided & SEND) /* a quiet one that is done waits no longer */
        rp_epoll_enqueue(socket);
}

void rp_epoll_close(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->flags & CLOSING));
    socket->flags |= CLOSING;
    rp_epoll_cancel(base, RP_OP_ALL);
    rp_epoll_enqueue(socket);
}

rp_io_result rp_epoll_open(rp_port *base, uint8_t family, rp_socket **out)
{
    epoll_port *port = port_of(base);
    epoll_socket *socket = socket_new(port);
    *out = NULL;
    if (socket == NULL)
        return (rp_io_result){RP_E_NO_MEMORY, ENOMEM};
    rp_io_result result = rp_socket_descriptor(family, &socket->fd);
    port->stats->system_calls += 2;
    if (result.status != RP_OK)
        socket_free(socket);
    else
        *out = &socket->base;
    return result;
}

rp_io_result rp_epoll_bind(rp_socket *base, const rp_binding *binding)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += RP_BIND_CALLS;
    return rp_socket_bind(socket->fd, binding);
}

rp_io_result rp_epoll_listen(rp_socket *base, rp_address *address, int backlog)
{
    epoll_socket *socket = socket_of(base);
    rp_io_result result = rp_socket_listen(socket->fd, address, backlog);
    socket_port(socket)->stats->system_calls += 4;
    if (result.status == RP_OK)
        socket->flags |= LISTENING;
    return result;
}
