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

/* ---- system calls: each is made and counted here ---- */

static int sys_connect(epoll_port *port, int fd, const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = rp__sockaddr_set(&storage, address);
    port->base.stats->system_calls++;
    return connect(fd, (const struct sockaddr *)&storage, size);
}

static int sys_connect_error(epoll_port *port, int fd)
{
    int code = 0;
    socklen_t size = sizeof(code);
    port->base.stats->system_calls++;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
        return errno;
    return code;
}

static int sys_accept(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return -1;
    port->base.stats->system_calls++;
    return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t sys_receive(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return -1;
    port->base.stats->system_calls++;
    return recv(fd, port->base.buffer, port->base.buffer_size, MSG_DONTWAIT);
}

/* last: the kernel holds the bytes back until close sends them with its FIN. */
static ssize_t sys_send(epoll_port *port, int fd, struct iovec *parts, size_t count, bool last)
{
    /* musl: int; glibc: size_t */
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (uint16_t)count};
    if (!epoll_is_ours(port))
        return -1;
    port->base.stats->system_calls++;
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (last ? MSG_MORE : 0));
}

static void sys_shutdown_send(epoll_port *port, int fd)
{
    if (!epoll_is_ours(port))
        return;
    port->base.stats->system_calls++;
    (void)shutdown(fd, SHUT_WR);
}

/* ---- registration ---- */

static uint32_t event_mask(const epoll_socket *socket, unsigned registered)
{
    uint32_t input = EPOLLIN | EPOLLRDHUP | EPOLLET;
    if (socket->base.flags & LISTENING)
        input = EPOLLIN; /* by level: a connection left for the next turn is reported again */
    return (registered & FOR_INPUT ? input : 0u) |
           (registered & FOR_OUTPUT ? EPOLLOUT | EPOLLET : 0u);
}

/* Also with what is registered already: the kernel looks again at the socket's state. */
static bool set_registration(epoll_socket *socket, unsigned registered)
{
    int operation = EPOLL_CTL_MOD;
    if (socket->registered == 0)
        operation = EPOLL_CTL_ADD;
    else if (registered == 0)
        operation = EPOLL_CTL_DEL;
    if (rp__epoll_ctl(socket_port(socket), operation, socket->fd, event_mask(socket, registered),
                      socket) != 0)
        return false;
    socket->registered = (uint8_t)registered;
    return true;
}

static void registration_failed(epoll_socket *socket, int os_code)
{
    if (rp__base_undecided(&socket->base, RP_OP_ACCEPT))
        rp__base_starve(&socket->base);
    rp__base_decide(&socket->base, RP_OP_CONNECT, rp__connect_result(os_code));
    rp__base_decide(&socket->base, RP_OP_RECEIVE, rp__transfer_result(os_code));
    rp__base_decide(&socket->base, RP_OP_SEND, rp__transfer_result(os_code));
}

static bool starved(const epoll_socket *socket)
{
    return (socket->base.flags & (LISTENING | RP_BASE_PARKED)) == (LISTENING | RP_BASE_PARKED);
}

/* Registers for what is waited for. EPOLLOUT stays while sends follow one another. */
static void settle(epoll_socket *socket)
{
    unsigned needed = 0, kept = 0;
    if (socket->base.flags & RP_BASE_RUNNING)
        return;
    if (socket->base.started & (RP_OP_RECEIVE | RP_OP_ACCEPT) && !starved(socket))
        kept |= FOR_INPUT;
    else
        socket->base.flags &= (uint8_t) ~(RP_BASE_READABLE | ENDING);
    if (rp__base_undecided(&socket->base, RP_OP_RECEIVE | RP_OP_ACCEPT) &&
        !(socket->base.flags & RP_BASE_READABLE))
        needed |= FOR_INPUT & kept;
    if (socket->base.started & RP_OP_SEND)
        kept |= FOR_OUTPUT;
    if (rp__base_undecided(&socket->base, RP_OP_SEND | RP_OP_CONNECT))
        needed |= FOR_OUTPUT;
    unsigned wanted = needed | (kept & socket->registered);
    if (wanted != socket->registered && !set_registration(socket, wanted))
        registration_failed(socket, errno);
}

/* ---- life of a socket ---- */

static epoll_socket *socket_new(epoll_port *port)
{
    epoll_socket *socket = rp__base_socket_new(&port->base);
    if (socket != NULL) {
        socket->fd = -1;
        rp__low_water_init(&socket->low);
    }
    return socket;
}

/* Deleted from epoll by hand: a forked child may hold the descriptor open, and then close would
 * leave the registration, with a pointer to this socket, behind. */
static void run_close(epoll_socket *socket)
{
    rp__list_remove(&socket->low.link);
    if (socket->registered != 0)
        (void)set_registration(socket, 0);
    rp__epoll_close_fd(socket_port(socket), socket->fd);
    rp__base_closed(&socket->base);
}

/* ---- running a socket: each returns the number of things that it found to do ---- */

static unsigned run_connect(epoll_socket *socket)
{
    if (rp__base_undecided(&socket->base, RP_OP_CONNECT) && socket->base.flags & WRITABLE) {
        /* An error comes with an event that says so (tcp_poll). */
        int code = 0;
        if (socket->base.flags & ENDING)
            code = sys_connect_error(socket_port(socket), socket->fd);
        rp__base_decide(&socket->base, RP_OP_CONNECT, rp__connect_result(code));
    }
    socket->base.flags &= (uint8_t)~WRITABLE;
    return rp__base_tell(&socket->base, RP_OP_CONNECT);
}

static size_t fill_parts(const epoll_socket *socket, struct iovec parts[SEND_SLICES])
{
    size_t count = 0, offset = socket->base.unsent.offset;
    for (; count < socket->base.unsent.count && count < SEND_SLICES; count++) {
        const rp_slice *slice = &socket->base.unsent.slices[count];
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
    while (socket->base.unsent.count > 0) {
        struct iovec parts[SEND_SLICES];
        size_t count = fill_parts(socket, parts);
        ssize_t sent = sys_send(port, socket->fd, parts, count, socket->base.socket.last_send);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return changed;
        if (sent < 0) {
            rp__base_decide(&socket->base, RP_OP_SEND, rp__transfer_result(errno));
            return true;
        }
        port->base.stats->bytes_sent += (uint64_t)sent;
        (void)rp__unsent_advance(&socket->base.unsent, (size_t)sent);
        changed = true;
    }
    rp__base_decide(&socket->base, RP_OP_SEND, (rp_io_result){RP_OK, 0});
    return true;
}

static unsigned run_send(epoll_socket *socket)
{
    unsigned found = 0;
    if (rp__base_undecided(&socket->base, RP_OP_SEND) && socket->base.flags & WRITABLE)
        found = try_send(socket);
    return rp__base_tell(&socket->base, RP_OP_SEND) != 0 ? 1 : found;
}

/* The kernel tells of a failed connection once. If a send was told, a read sees an end like any
 * other; but an end that the peer did not send must not pass for one. EPIPE is another matter: it
 * comes after the peer's end. */
static rp_io_result end_of_stream(const epoll_socket *socket)
{
    rp_io_result sent = socket->base.send_result;
    if (sent.os_code != 0 && sent.os_code != EPIPE)
        return sent;
    return (rp_io_result){RP_OK, 0};
}

/* Before it waits, the port looks whether answers should gather (let_gather). */
static void deliver(epoll_socket *socket, size_t size)
{
    epoll_port *port = socket_port(socket);
    const rp_socket *base_socket = &socket->base.socket;
    uint32_t answered = base_socket->answered;
    rp__base_deliver(&socket->base, size);
    rp__low_water_note(&socket->low, base_socket->answered - answered, size);
    rp__list_remove(&socket->low.link);
    if (rp__base_undecided(&socket->base, RP_OP_RECEIVE) &&
        (base_socket->awaited >= RP_GATHER_AWAITED_LEAST || socket->low.bytes > 1))
        rp__list_append(&port->gathering.resting, &socket->low.link);
}

/* A read that fills less than the buffer has emptied it, unless the end is still to be read. */
static unsigned read_once(epoll_socket *socket)
{
    epoll_port *port = socket_port(socket);
    ssize_t size = sys_receive(port, socket->fd);
    if (size > 0) {
        if ((size_t)size < port->base.buffer_size && !(socket->base.flags & ENDING))
            socket->base.flags &= (uint8_t)~RP_BASE_READABLE;
        deliver(socket, (size_t)size);
        return 1;
    }
    if (size < 0 && errno == EINTR)
        return 0;
    socket->base.flags &= (uint8_t) ~(RP_BASE_READABLE | ENDING);
    if (size == 0)
        rp__base_decide(&socket->base, RP_OP_RECEIVE, end_of_stream(socket));
    else if (errno != EAGAIN)
        rp__base_decide(&socket->base, RP_OP_RECEIVE, rp__transfer_result(errno));
    return 0;
}

static unsigned run_receive(epoll_socket *socket)
{
    unsigned found = 0;
    for (unsigned reads = 0;
         rp__base_undecided(&socket->base, RP_OP_RECEIVE) && socket->base.flags & RP_BASE_READABLE;
         reads++) {
        if (reads == READS_PER_TURN) {
            /* The others' turn. What is left comes as a new edge. */
            socket->base.flags &= (uint8_t) ~(RP_BASE_READABLE | ENDING);
            if (!set_registration(socket, socket->registered | FOR_INPUT))
                registration_failed(socket, errno);
            break;
        }
        found += read_once(socket);
    }
    return found + rp__base_tell(&socket->base, RP_OP_RECEIVE);
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
    rp_io_result result = rp__transfer_result(os_code);
    if (os_code == EMFILE || os_code == ENFILE)
        result.status = RP_E_NO_DESCRIPTORS;
    else if (os_code == ENOMEM || os_code == ENOBUFS)
        result.status = RP_E_NO_MEMORY;
    else {
        rp__base_decide(&listener->base, RP_OP_ACCEPT, result);
        return 0;
    }
    rp__base_starve(&listener->base);
    return rp__base_tell_starvation(&listener->base, result);
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
        rp__base_socket_free(&peer->base);
        if (is_peers_failure(os_code))
            return 0;
        if (os_code != EAGAIN)
            return accept_failed(listener, os_code);
        listener->base.flags &= (uint8_t)~RP_BASE_READABLE;
        return 0;
    }
    rp__base_welcome(&listener->base, &peer->base);
    return 1;
}

static unsigned run_accept(epoll_socket *listener)
{
    unsigned found = 0;
    for (unsigned count = 0; count < ACCEPTS_PER_TURN; count++) {
        if (!rp__base_undecided(&listener->base, RP_OP_ACCEPT) ||
            !(listener->base.flags & RP_BASE_READABLE))
            break;
        found += accept_once(listener);
    }
    listener->base.flags &= (uint8_t)~RP_BASE_READABLE;
    return found + rp__base_tell(&listener->base, RP_OP_ACCEPT);
}

void rp__epoll_note_events(epoll_socket *socket, uint32_t events)
{
    unsigned flags = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        flags |= RP_BASE_READABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        flags |= ENDING;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        flags |= WRITABLE;
    socket->base.flags |= (uint8_t)flags;
    rp__base_enqueue(&socket->base);
}

/* Something that this run has seen to may have put the socket back in line. */
static bool has_work(const epoll_socket *socket)
{
    return socket->base.decided != 0 ||
           (rp__base_undecided(&socket->base, RP_OP_RECEIVE | RP_OP_ACCEPT) &&
            socket->base.flags & RP_BASE_READABLE);
}

unsigned rp__epoll_run_socket(rp_base_socket *base)
{
    epoll_socket *socket = socket_of(&base->socket);
    unsigned found = 0;
    socket->base.flags |= RP_BASE_RUNNING;
    if (socket->base.started & RP_OP_CONNECT)
        found += run_connect(socket);
    if (socket->base.started & RP_OP_SEND)
        found += run_send(socket);
    if (socket->base.started & RP_OP_RECEIVE)
        found += run_receive(socket);
    if (socket->base.started & RP_OP_ACCEPT)
        found += run_accept(socket);
    socket->base.flags &= (uint8_t) ~(RP_BASE_RUNNING | WRITABLE);
    if (socket->base.flags & RP_BASE_CLOSING && socket->base.started == 0) {
        run_close(socket);
        return found + 1;
    }
    settle(socket);
    if (!has_work(socket) && !(base->flags & RP_BASE_PARKED))
        rp__list_remove(&base->link);
    return found;
}

/* ---- operations ---- */

void rp__epoll_connect(rp_socket *base, const rp_address *address)
{
    epoll_socket *socket = socket_of(base);
    rp__base_start(&socket->base, RP_OP_CONNECT);
    if (base->speaks_first && address->family != RP_FAMILY_UNIX) {
        socket_port(socket)->base.stats->system_calls++;
        rp__socket_speaks_first(socket->fd);
    }
    int code = sys_connect(socket_port(socket), socket->fd, address) == 0 ? 0 : errno;
    if (code == EINPROGRESS || code == EINTR)
        settle(socket);
    else
        rp__base_decide(&socket->base, RP_OP_CONNECT, rp__connect_result(code));
}

/* Started by its own callback, an operation is seen to by run_socket. */
static void start_input(epoll_socket *socket, unsigned operation)
{
    rp__base_start(&socket->base, operation);
    if (socket->base.flags & RP_BASE_READABLE)
        rp__base_enqueue(&socket->base);
    else
        settle(socket);
}

void rp__epoll_accept(rp_socket *base)
{
    start_input(socket_of(base), RP_OP_ACCEPT);
}

void rp__epoll_receive(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    if (epoll_is_ours(socket_port(socket)))
        rp__low_water_set(&socket->low, socket->fd, 1, socket_port(socket)->base.stats);
    start_input(socket, RP_OP_RECEIVE);
}

void rp__epoll_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    epoll_socket *socket = socket_of(base);
    rp__base_start_send(&socket->base, slices, count);
    (void)try_send(socket);
    if (rp__base_undecided(&socket->base, RP_OP_SEND))
        settle(socket);
}

void rp__epoll_shutdown_send(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->base.started & RP_OP_SEND));
    sys_shutdown_send(socket_port(socket), socket->fd);
}

void rp__epoll_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls += RP_KEEPALIVE_CALLS;
    rp__socket_keepalive(socket->fd, keepalive);
}

rp_tcp_numbers rp__epoll_numbers(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_numbers(socket->fd);
}

rp_address rp__epoll_local(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_local(socket->fd);
}

uint64_t rp__epoll_confirmed(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_confirmed(socket->fd);
}

void rp__epoll_reset_on_close(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->base.flags & RP_BASE_CLOSING));
    socket_port(socket)->base.stats->system_calls++;
    rp__socket_reset_on_close(socket->fd);
}

void rp__epoll_cancel(rp_socket *base, unsigned operations)
{
    epoll_socket *socket = socket_of(base);
    if (operations & RP_OP_RECEIVE)
        rp__list_remove(&socket->low.link);
    for (unsigned operation = 1; operation & RP_OP_ALL; operation <<= 1) {
        if (operations & operation)
            rp__base_decide(&socket->base, operation, (rp_io_result){RP_E_CANCELLED, 0});
    }
    rp__base_cancel_quiet(&socket->base, operations);
}

void rp__epoll_close(rp_socket *base)
{
    epoll_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->base.flags & RP_BASE_CLOSING));
    socket->base.flags |= RP_BASE_CLOSING;
    rp__epoll_cancel(base, RP_OP_ALL);
    rp__base_enqueue(&socket->base);
}

rp_io_result rp__epoll_open(rp_port *base, uint8_t family, rp_socket **out)
{
    epoll_port *port = port_of(base);
    epoll_socket *socket = socket_new(port);
    *out = NULL;
    if (socket == NULL)
        return (rp_io_result){RP_E_NO_MEMORY, ENOMEM};
    rp_io_result result = rp__socket_descriptor(family, &socket->fd);
    port->base.stats->system_calls += 2;
    if (result.status != RP_OK)
        rp__base_socket_free(&socket->base);
    else
        *out = &socket->base.socket;
    return result;
}

rp_io_result rp__epoll_bind(rp_socket *base, const rp_binding *binding)
{
    epoll_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls += RP_BIND_CALLS;
    return rp__socket_bind(socket->fd, binding);
}

rp_io_result rp__epoll_listen(rp_socket *base, rp_address *address, int backlog)
{
    epoll_socket *socket = socket_of(base);
    rp_io_result result = rp__socket_listen(socket->fd, address, backlog);
    socket_port(socket)->base.stats->system_calls += 4;
    if (result.status == RP_OK)
        socket->base.flags |= LISTENING;
    return result;
}
