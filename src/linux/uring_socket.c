/* uring_socket.c - socket operations on io_uring.
 *
 * Every operation is one submission; its CQE brings the completion. Two exceptions:
 *
 * Owed completions. What no CQE will bring (a close with nothing in flight, an operation that could
 * not be submitted) is put on the port's owed list and run from the turn.
 *
 * Quiet sends. A send whose success nobody waits for is submitted with MSG_DONTWAIT and
 * IOSQE_CQE_SKIP_SUCCESS: it is over when the submission returns, and posts a CQE only if it failed
 * or was short. So every submitted quiet send that has no CQE in the queue has succeeded. Without
 * this, a request on a lone connection wakes the loop twice: once for its send, once for the
 * answer. */
#include "linux/uring.h"

#include "base/assert.h"
#include "linux/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define SLICES_LIMIT 1024 /* UIO_MAXIOV, readv(2) */
#define STARVED_RETRY_NS 100000000u
#define SENDS_BEFORE_SLOT 4

/* A list of slices is handed to the kernel as it is. */
_Static_assert(sizeof(rp_slice) == sizeof(struct iovec), "rp_slice is an iovec");
_Static_assert(offsetof(rp_slice, data) == offsetof(struct iovec, iov_base),
               "rp_slice is an iovec");
_Static_assert(offsetof(rp_slice, size) == offsetof(struct iovec, iov_len), "rp_slice is an iovec");

/* ---- direct descriptors ---- */

static int slot_take(uring_port *port, int fd)
{
    int slot = -1;
    if (port->refused != 0)
        return -1;
    if (port->slots_free_count > 0)
        slot = port->slots_free[--port->slots_free_count];
    else if (port->slots_used < port->slot_count)
        slot = (int)port->slots_used++;
    else
        return -1;
    port->stats->system_calls++;
    if (io_uring_register_files_update(&port->ring, (unsigned)slot, &fd, 1) == 1)
        return slot;
    port->slots_free[port->slots_free_count++] = slot;
    return -1;
}

/* False: the table, or the closed ring, still holds the file. */
static bool slot_give(uring_port *port, int slot)
{
    int none = -1;
    if (!uring_is_ours(port))
        return true; /* the parent's connection goes on */
    if (port->ring_closed)
        return false;
    if (slot < 0)
        return true;
    port->stats->system_calls++;
    if (io_uring_register_files_update(&port->ring, (unsigned)slot, &none, 1) != 1)
        return false;
    port->slots_free[port->slots_free_count++] = slot;
    return true;
}

/* A connection that lives for one request, its handshake and its goodbye, is over before what its
 * place in the table costs comes back. What it began with the other descriptor goes on. */
static void note_send(uring_socket *socket)
{
    if (socket->slot < 0 && socket->sends < SENDS_BEFORE_SLOT &&
        ++socket->sends == SENDS_BEFORE_SLOT)
        socket->slot = slot_take(socket_port(socket), socket->fd);
}

/* The descriptor to put into a submission. */
static int submission_fd(const uring_socket *socket)
{
    return socket->slot >= 0 ? socket->slot : socket->fd;
}

static void submission_tag(struct io_uring_sqe *sqe, const uring_socket *socket, unsigned tag)
{
    io_uring_sqe_set_data64(sqe, uring_tag(socket, tag));
    if (socket->slot >= 0)
        sqe->flags |= IOSQE_FIXED_FILE;
}

/* ---- owed completions ---- */

static void owe(uring_socket *socket, unsigned operation, int os_code)
{
    uring_port *port = socket_port(socket);
    socket->owed |= (uint8_t)operation;
    if (operation != 0)
        socket->owed_code = os_code;
    if (rp__list_empty(&socket->owed_link))
        rp__list_append(&port->owed, &socket->owed_link);
    rp__uring_touch(port);
}

/* The errno of an operation that the kernel did not take. */
static int refusal(const uring_socket *socket)
{
    const uring_port *port = socket_port(socket);
    return port->refused != 0 ? port->refused : EAGAIN;
}

static void owe_close(uring_socket *socket)
{
    if (!socket->closing || socket->close_owed || socket->started != 0)
        return;
    socket->close_owed = true;
    owe(socket, 0, 0);
}

/* ---- final completions ---- */

static void set_awaiting(uring_socket *socket, bool awaiting)
{
    if (socket->awaiting == awaiting)
        return;
    socket->awaiting = awaiting;
    if (awaiting)
        socket_port(socket)->awaiting++;
    else
        socket_port(socket)->awaiting--;
}

static void finish(uring_socket *socket, unsigned operation, rp_io_result result)
{
    RP_ASSERT(socket->started & operation);
    if (operation == RP_OP_SEND && (socket->cancelling & operation) && socket->send_quiet)
        socket_port(socket)->quiet_cancelled--;
    socket->started &= (uint8_t)~operation;
    socket->cancelling &= (uint8_t)~operation;
    socket->owed &= (uint8_t)~operation;
    socket_port(socket)->stats->completions++;
    rp__socket_finish(&socket->base, operation, result);
    owe_close(socket);
}

static rp_io_result operation_result(unsigned operation, int os_code)
{
    return operation == RP_OP_CONNECT ? rp__connect_result(os_code) : rp__transfer_result(os_code);
}

static void socket_free(uring_socket *socket)
{
    uring_port *port = socket_port(socket);
    set_awaiting(socket, false);
    rp__list_remove(&socket->starved_link);
    rp__list_remove(&socket->low.link);
    if (!slot_give(port, socket->slot)) /* so close alone would not end the connection */
        (void)shutdown(socket->fd, SHUT_RDWR);
    port->stats->system_calls++;
    (void)close(socket->fd);
    rp__list_remove(&socket->all_link);
    socket->base.handler->closed(&socket->base);
    rp__free(port->memory, socket);
    /* A descriptor is free: those that wait for one need not wait for their time. */
    if (!rp__list_empty(&port->starved))
        port->starved_until_ns = 0;
}

unsigned rp__uring_run_owed(uring_port *port)
{
    unsigned count = 0;
    rp_link now;
    rp__list_init(&now);
    rp__list_move(&now, &port->owed);
    for (rp_link *link; uring_is_ours(port) && (link = rp__list_take(&now)) != NULL;) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, owed_link);
        int os_code = socket->owed_code;
        for (unsigned operation = 1; operation <= RP_OP_ALL; operation <<= 1) {
            if (!(socket->owed & operation))
                continue;
            count++;
            bool cancelled = (socket->cancelling & operation) != 0;
            finish(socket, operation, operation_result(operation, cancelled ? ECANCELED : os_code));
        }
        if (socket->close_owed) {
            count++;
            rp__list_remove(&socket->owed_link);
            socket_free(socket);
        }
    }
    return count;
}

/* False: the kernel takes no submissions. */
static bool cancel_submit(uring_socket *socket, unsigned tag)
{
    struct io_uring_sqe *sqe = rp__uring_sqe(socket_port(socket));
    if (sqe == NULL)
        return false;
    io_uring_prep_cancel64(sqe, uring_tag(socket, tag), 0);
    io_uring_sqe_set_data64(sqe, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

/* ---- open, listen, connect ---- */

static uring_socket *socket_new(uring_port *port, int fd)
{
    uring_socket *socket = rp__allocate(port->memory, sizeof(*socket));
    if (socket == NULL)
        return NULL;
    socket->base.port = &port->base;
    rp__list_append(&port->sockets, &socket->all_link);
    rp__list_init(&socket->owed_link);
    rp__list_init(&socket->send_link);
    rp__list_init(&socket->starved_link);
    rp__low_water_init(&socket->low);
    socket->fd = fd;
    socket->slot = -1;
    return socket;
}

rp_io_result rp__uring_open(rp_port *base, uint8_t family, rp_socket **out)
{
    uring_port *port = port_of(base);
    int fd;
    if (port->refused != 0)
        return rp__uring_heir_open(port, family, out);
    *out = NULL;
    rp_io_result result = rp__socket_descriptor(family, &fd);
    port->stats->system_calls += 2;
    if (result.status != RP_OK)
        return result;
    uring_socket *socket = socket_new(port, fd);
    if (socket == NULL) {
        (void)close(fd);
        return (rp_io_result){RP_E_NO_MEMORY, 0};
    }
    *out = &socket->base;
    return result;
}

rp_io_result rp__uring_listen(rp_socket *base, rp_address *address, int backlog)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += 4;
    return rp__socket_listen(socket->fd, address, backlog);
}

rp_io_result rp__uring_bind(rp_socket *base, const rp_binding *binding)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += RP_BIND_CALLS;
    return rp__socket_bind(socket->fd, binding);
}

static struct io_uring_sqe *start(uring_socket *socket, unsigned operation)
{
    uring_port *port = socket_port(socket);
    RP_ASSERT(!socket->closing && !(socket->started & operation));
    socket->started |= (uint8_t)operation;
    struct io_uring_sqe *sqe = rp__uring_sqe(port);
    if (sqe == NULL)
        owe(socket, operation, refusal(socket));
    rp__uring_touch(port);
    return sqe;
}

/* That is done at once, or not at all. */
static void connect_unix(uring_socket *socket, const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = rp__sockaddr_set(&storage, address);
    RP_ASSERT(!socket->closing && !(socket->started & RP_OP_CONNECT));
    socket->started |= RP_OP_CONNECT;
    socket_port(socket)->stats->system_calls++;
    bool good = connect(socket->fd, (struct sockaddr *)&storage, size) == 0;
    owe(socket, RP_OP_CONNECT, good ? 0 : errno);
}

void rp__uring_connect(rp_socket *base, const rp_address *address)
{
    uring_socket *socket = socket_of(base);
    uring_port *port = socket_port(socket);
    if (address->family == RP_FAMILY_UNIX) {
        connect_unix(socket, address);
        return;
    }
    if (base->speaks_first) {
        port->stats->system_calls++;
        rp__socket_speaks_first(socket->fd);
    }
    struct io_uring_sqe *sqe = start(socket, RP_OP_CONNECT);
    if (sqe == NULL)
        return;
    struct sockaddr_storage storage;
    socklen_t size = rp__sockaddr_set(&storage, address);
    uring_argument *argument = &port->arguments[sqe - port->ring.sq.sqes];
    memcpy(&argument->address, &storage, sizeof(argument->address));
    io_uring_prep_connect(sqe, submission_fd(socket), (struct sockaddr *)&argument->address, size);
    submission_tag(sqe, socket, TAG_CONNECT);
}

/* ---- accept ---- */

static bool arm_accept(uring_socket *socket)
{
    struct io_uring_sqe *sqe = rp__uring_sqe(socket_port(socket));
    if (sqe == NULL)
        return false;
    io_uring_prep_multishot_accept(sqe, submission_fd(socket), NULL, NULL, SOCK_CLOEXEC);
    submission_tag(sqe, socket, TAG_ACCEPT);
    return true;
}

void rp__uring_accept(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing && !(socket->started & RP_OP_ACCEPT));
    socket->started |= RP_OP_ACCEPT;
    if (!arm_accept(socket))
        owe(socket, RP_OP_ACCEPT, refusal(socket));
    rp__uring_touch(socket_port(socket));
}

void rp__uring_retry_starved(uring_port *port)
{
    if (rp__list_empty(&port->starved) || rp__monotonic_ns() < port->starved_until_ns)
        return;
    for (rp_link *link; (link = rp__list_take(&port->starved)) != NULL;) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, starved_link);
        if (!arm_accept(socket))
            owe(socket, RP_OP_ACCEPT, refusal(socket));
    }
}

static void starve(uring_socket *socket, int os_code)
{
    uring_port *port = socket_port(socket);
    rp__list_append(&port->starved, &socket->starved_link);
    port->starved_until_ns = rp__monotonic_ns() + STARVED_RETRY_NS;
    if (socket->starvation_told)
        return;
    socket->starvation_told = true;
    bool of_memory = os_code == ENOMEM || os_code == ENOBUFS;
    rp_io_result result = {of_memory ? RP_E_NO_MEMORY : RP_E_NO_DESCRIPTORS, os_code};
    socket->base.handler->accepted(&socket->base, NULL, result, false);
}

static void accept_peer(uring_socket *socket, int fd)
{
    uring_port *port = socket_port(socket);
    uring_socket *peer = socket->closing ? NULL : socket_new(port, fd);
    if (peer == NULL) {
        (void)close(fd);
        return;
    }
    socket->starvation_told = false;
    port->stats->completions++;
    socket->base.handler->accepted(&socket->base, &peer->base, (rp_io_result){RP_OK, 0}, false);
}

static void accept_completion(uring_socket *socket, const struct io_uring_cqe *cqe)
{
    bool stopping = socket->closing || (socket->cancelling & RP_OP_ACCEPT);
    if (cqe->res >= 0)
        accept_peer(socket, cqe->res);
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    stopping = stopping || socket->closing || (socket->cancelling & RP_OP_ACCEPT);
    if (stopping) {
        finish(socket, RP_OP_ACCEPT, (rp_io_result){RP_E_CANCELLED, 0});
        return;
    }
    if (cqe->res == -EMFILE || cqe->res == -ENFILE || cqe->res == -ENOMEM || cqe->res == -ENOBUFS) {
        starve(socket, -cqe->res);
        return;
    }
    /* A connection that died in the queue (accept(2)) says nothing about the listening socket. */
    bool passing = cqe->res >= 0 || cqe->res == -ECONNABORTED || cqe->res == -EINTR ||
                   cqe->res == -EPROTO || cqe->res == -EAGAIN;
    if (!passing || !arm_accept(socket))
        finish(socket, RP_OP_ACCEPT, rp__transfer_result(passing ? refusal(socket) : -cqe->res));
}

/* ---- receive ---- */

/* low_water: bytes of which the kernel tells together. */
static bool arm_receive(uring_socket *socket, uint32_t low_water)
{
    uring_port *port = socket_port(socket);
    struct io_uring_sqe *sqe = rp__uring_sqe(port);
    if (sqe == NULL)
        return false;
    rp__low_water_set(&socket->low, socket->fd, low_water, port->stats);
    if (socket->single)
        io_uring_prep_recv(sqe, submission_fd(socket), NULL, 0, 0);
    else
        io_uring_prep_recv_multishot(sqe, submission_fd(socket), NULL, 0, 0);
    if (socket->low.bytes > 1) { /* without that it would take what is there */
        sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
        rp__list_append(&port->gathering.begun, &socket->low.link);
    }
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    submission_tag(sqe, socket, TAG_RECEIVE);
    return true;
}

void rp__uring_receive(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing && !(socket->started & RP_OP_RECEIVE));
    socket->started |= RP_OP_RECEIVE;
    if (!arm_receive(socket, 1))
        owe(socket, RP_OP_RECEIVE, refusal(socket));
    rp__uring_touch(socket_port(socket));
}

void rp__uring_end_rest(uring_port *port, bool gathers)
{
    for (rp_link *link; (link = rp__list_take(&port->gathering.resting)) != NULL;) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, low.link);
        uint32_t low_water = 1;
        if (gathers)
            low_water = rp__low_water_suits(&socket->low, &port->gathering, socket->base.awaited);
        socket->rests = false;
        if (!arm_receive(socket, low_water))
            owe(socket, RP_OP_RECEIVE, refusal(socket));
    }
}

void rp__uring_cut(uring_port *port, bool bound)
{
    rp_link begun;
    rp__list_init(&begun);
    rp__list_move(&begun, &port->gathering.begun);
    for (rp_link *link; (link = rp__list_take(&begun)) != NULL;) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, low.link);
        if (port->waitable_made ||
            rp__low_water_holds(&socket->low, socket->fd, bound, port->stats) ||
            rp__low_water_is_quiet(&socket->low))
            rp__low_water_set(&socket->low, socket->fd, 1, port->stats);
        else
            rp__list_append(&port->gathering.begun, link);
    }
}

static rp_slice buffer_lend(uring_port *port, const struct io_uring_cqe *cqe)
{
    unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    return (rp_slice){port->buffer_memory + id * port->buffer_bytes + port->buffer_used[id],
                      cqe->res > 0 ? (size_t)cqe->res : 0};
}

/* Gives the buffer back when the kernel is done with it. Incremental buffers serve several receives
 * in turn until they are full (io_uring_setup_buf_ring(3), IOU_PBUF_RING_INC). */
static void buffer_return(uring_port *port, const struct io_uring_cqe *cqe)
{
    unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    if (port->buffers_incremental && (cqe->flags & IORING_CQE_F_BUF_MORE)) {
        port->buffer_used[id] += cqe->res > 0 ? (uint32_t)cqe->res : 0;
        return;
    }
    port->buffer_used[id] = 0;
    io_uring_buf_ring_add(port->buffers, port->buffer_memory + id * port->buffer_bytes,
                          (unsigned)port->buffer_bytes, (unsigned short)id,
                          io_uring_buf_ring_mask(port->buffer_count), 0);
    io_uring_buf_ring_advance(port->buffers, 1);
}

/* The kernel tells of a reset once. If a send was told, or is about to be, the receive sees an end
 * like any other; but an end that the peer did not send must not pass for one. (EPIPE is another
 * matter: it comes after the peer's end.) */
static bool was_reset(const uring_socket *socket)
{
    if (socket->send_reset)
        return true;
    struct tcp_info info;
    socklen_t size = sizeof(info);
    if (!(socket->started & RP_OP_SEND) || socket->shut || socket->closing)
        return false;
    socket_port(socket)->stats->system_calls++;
    if (getsockopt(socket->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    return info.tcpi_state == TCP_CLOSE;
}

static void deliver(uring_socket *socket, const struct io_uring_cqe *cqe)
{
    uring_port *port = socket_port(socket);
    rp_slice bytes = buffer_lend(port, cqe);
    if (bytes.size > 0 && !socket->closing) {
        port->stats->completions++;
        port->stats->bytes_received += bytes.size;
        uint32_t answered = socket->base.answered;
        socket->base.handler->received(&socket->base, bytes, (rp_io_result){RP_OK, 0}, false);
        rp__low_water_note(&socket->low, socket->base.answered - answered, bytes.size);
    }
    buffer_return(port, cqe);
}

static bool receive_stops(const uring_socket *socket)
{
    return socket->closing || (socket->cancelling & RP_OP_RECEIVE);
}

/* A multishot receive that finds much goes on while the peer writes, and hands on, and confirms,
 * each little that comes meanwhile. Where many answers are awaited these would soon have come
 * together. So a socket that ever awaited many receives one at a time from then on, and the next
 * begins when it is known how many are awaited. */
static void become_single(uring_socket *socket)
{
    if (socket->single || socket->base.awaited < RP_GATHER_AWAITED_LEAST || receive_stops(socket))
        return;
    if (cancel_submit(socket, TAG_RECEIVE))
        socket->single = true;
}

/* A receive may end at any time, after bytes or for want of buffers, and a multishot one when the
 * socket becomes single: the next one follows. */
static void receive_again(uring_socket *socket)
{
    uring_port *port = socket_port(socket);
    if (receive_stops(socket))
        finish(socket, RP_OP_RECEIVE, (rp_io_result){RP_E_CANCELLED, 0});
    else if (socket->single && !port->waitable_made) {
        socket->rests = true;
        rp__list_append(&port->gathering.resting, &socket->low.link);
    } else if (!arm_receive(socket, 1))
        finish(socket, RP_OP_RECEIVE, rp__transfer_result(refusal(socket)));
}

static void receive_completion(uring_socket *socket, const struct io_uring_cqe *cqe)
{
    set_awaiting(socket, false);
    rp__list_remove(&socket->low.link);
    if (cqe->flags & IORING_CQE_F_BUFFER)
        deliver(socket, cqe);
    if (cqe->flags & IORING_CQE_F_MORE) {
        become_single(socket);
        return;
    }
    if (cqe->res > 0 || cqe->res == -ENOBUFS || (cqe->res == -ECANCELED && socket->single)) {
        receive_again(socket);
        return;
    }
    int os_code = -cqe->res;
    if (os_code == 0 && was_reset(socket))
        os_code = ECONNRESET;
    finish(socket, RP_OP_RECEIVE, rp__transfer_result(os_code));
}

/* ---- send ---- */

static size_t slices_bytes(const rp_slice *slices, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += slices[i].size;
    return bytes;
}

/* One piece: what is left of a slice begun, or as many whole slices as a call takes. */
static bool submit_piece(uring_socket *socket, bool quiet)
{
    uring_port *port = socket_port(socket);
    struct io_uring_sqe *sqe = rp__uring_sqe(port);
    if (sqe == NULL)
        return false;
    const rp_slice *slices = socket->unsent.slices;
    /* The kernel holds the last bytes back until close sends them with its FIN. */
    int flags = MSG_NOSIGNAL | MSG_WAITALL | (quiet ? MSG_DONTWAIT : 0) |
                (socket->base.last_send ? MSG_MORE : 0);
    if (socket->unsent.offset > 0 || socket->unsent.count == 1) {
        socket->piece_bytes = slices[0].size - socket->unsent.offset;
        io_uring_prep_send(sqe, submission_fd(socket), slices[0].data + socket->unsent.offset,
                           socket->piece_bytes, flags);
    } else {
        size_t count = socket->unsent.count < SLICES_LIMIT ? socket->unsent.count : SLICES_LIMIT;
        struct msghdr *message = &port->arguments[sqe - port->ring.sq.sqes].message;
        *message = (struct msghdr){.msg_iov = (struct iovec *)(uintptr_t)slices,
                                   .msg_iovlen = (uint16_t)count}; /* musl: int; glibc: size_t */
        socket->piece_bytes = slices_bytes(slices, count);
        io_uring_prep_sendmsg(sqe, submission_fd(socket), message, (unsigned)flags);
    }
    submission_tag(sqe, socket, TAG_SEND);
    socket->send_quiet = quiet;
    if (quiet) {
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        rp__list_append(&port->tried, &socket->send_link);
    }
    return true;
}

/* quiet_piece: what to try next if something is left. */
static void send_progress(uring_socket *socket, size_t sent, bool quiet_piece)
{
    socket_port(socket)->stats->bytes_sent += sent;
    if (rp__unsent_advance(&socket->unsent, sent)) {
        finish(socket, RP_OP_SEND, (rp_io_result){RP_OK, 0});
        return;
    }
    if (socket->closing || (socket->cancelling & RP_OP_SEND)) {
        finish(socket, RP_OP_SEND, (rp_io_result){RP_E_CANCELLED, 0});
        return;
    }
    if (!submit_piece(socket, quiet_piece))
        finish(socket, RP_OP_SEND, rp__transfer_result(refusal(socket)));
}

void rp__uring_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing && !(socket->started & RP_OP_SEND));
    RP_ASSERT(count > 0);
    socket->started |= RP_OP_SEND;
    socket->unsent = (rp_unsent){slices, count, 0};
    note_send(socket);
    set_awaiting(socket, true);
    if (!submit_piece(socket, base->quiet_send))
        owe(socket, RP_OP_SEND, refusal(socket));
    rp__uring_touch(socket_port(socket));
}

static void send_completion(uring_socket *socket, const struct io_uring_cqe *cqe)
{
    bool retry_loud = socket->send_quiet && (cqe->res >= 0 || cqe->res == -EAGAIN);
    rp__list_remove(&socket->send_link);
    if (cqe->res < 0 && !retry_loud) {
        socket->send_reset = cqe->res == -ECONNRESET;
        finish(socket, RP_OP_SEND, rp__transfer_result(-cqe->res));
        return;
    }
    send_progress(socket, cqe->res > 0 ? (size_t)cqe->res : 0, false);
}

void rp__uring_unsettle(uring_socket *socket)
{
    rp__list_remove(&socket->send_link);
}

unsigned rp__uring_settle(uring_port *port)
{
    unsigned count = 0;
    rp_link now;
    rp__list_init(&now);
    rp__list_move(&now, &port->settling);
    for (rp_link *link; uring_is_ours(port) && (link = rp__list_take(&now)) != NULL; count++) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, send_link);
        send_progress(socket, socket->piece_bytes, true);
    }
    return count;
}

void rp__uring_shutdown_send(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing && !(socket->started & RP_OP_SEND));
    socket_port(socket)->stats->system_calls++;
    socket->shut = true;
    if (uring_is_ours(socket_port(socket)))
        (void)shutdown(socket->fd, SHUT_WR);
}

void rp__uring_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += RP_KEEPALIVE_CALLS;
    rp__socket_keepalive(socket->fd, keepalive);
}

rp_tcp_numbers rp__uring_numbers(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp__socket_numbers(socket->fd);
}

rp_address rp__uring_local(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp__socket_local(socket->fd);
}

uint64_t rp__uring_confirmed(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp__socket_confirmed(socket->fd);
}

void rp__uring_reset_on_close(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing);
    socket_port(socket)->stats->system_calls++;
    rp__socket_reset_on_close(socket->fd);
}

/* ---- cancel, close ---- */

static void cancel_one(uring_socket *socket, unsigned operation, unsigned tag)
{
    uring_port *port = socket_port(socket);
    socket->cancelling |= (uint8_t)operation;
    if ((operation == RP_OP_ACCEPT && !rp__list_empty(&socket->starved_link)) ||
        (operation == RP_OP_RECEIVE && socket->rests)) {
        rp__list_remove(&socket->starved_link);
        rp__list_remove(&socket->low.link);
        socket->rests = false;
        owe(socket, operation, ECANCELED);
        return;
    }
    if (operation == RP_OP_SEND && socket->send_quiet) {
        port->quiet_cancelled++;
        return;
    }
    if (!cancel_submit(socket, tag)) /* this ends the operation as well */
        (void)shutdown(socket->fd, SHUT_RDWR);
}

void rp__uring_cancel(rp_socket *base, unsigned operations)
{
    uring_socket *socket = socket_of(base);
    unsigned live =
        operations & socket->started & ~(unsigned)socket->cancelling & ~(unsigned)socket->owed;
    if (live & RP_OP_CONNECT)
        cancel_one(socket, RP_OP_CONNECT, TAG_CONNECT);
    if (live & RP_OP_ACCEPT)
        cancel_one(socket, RP_OP_ACCEPT, TAG_ACCEPT);
    if (live & RP_OP_RECEIVE)
        cancel_one(socket, RP_OP_RECEIVE, TAG_RECEIVE);
    if (live & RP_OP_SEND)
        cancel_one(socket, RP_OP_SEND, TAG_SEND);
    if (live != 0)
        rp__uring_touch(socket_port(socket));
}

void rp__uring_socket_end(uring_socket *socket)
{
    rp__list_remove(&socket->send_link);
    rp__list_remove(&socket->starved_link);
    rp__list_remove(&socket->low.link);
    for (unsigned operation = 1; operation <= RP_OP_ALL; operation <<= 1) {
        if (socket->started & ~socket->owed & operation)
            owe(socket, operation, refusal(socket));
    }
}

void rp__uring_close(rp_socket *base)
{
    uring_socket *socket = socket_of(base);
    RP_ASSERT(!socket->closing);
    set_awaiting(socket, false);
    rp__uring_cancel(base, RP_OP_ALL);
    socket->closing = true;
    owe_close(socket);
}

void rp__uring_socket_completion(uring_port *port, uring_socket *socket, unsigned tag,
                                 const struct io_uring_cqe *cqe)
{
    (void)port;
    switch (tag) {
    case TAG_CONNECT:
        finish(socket, RP_OP_CONNECT, rp__connect_result(-cqe->res));
        break;
    case TAG_ACCEPT:
        accept_completion(socket, cqe);
        break;
    case TAG_RECEIVE:
        receive_completion(socket, cqe);
        break;
    default:
        send_completion(socket, cqe);
        break;
    }
}
