/* iocp_socket.c - the sockets of the completion port: see the essay in iocp.c. */
#include "win32/iocp.h"

#include "base/assert.h"

#include <string.h>

/* One WSASend takes at most this: what it takes is pinned until the peer has made room. */
#define SEND_SLICES 64
#define SEND_BYTES ((size_t)256 * 1024)
/* Shares of one socket in one turn. */
#define READS_PER_TURN 4

static const rp_io_result cancelled_result = {RP_E_CANCELLED, 0};

void rp__iocp_start(iocp_socket *socket, unsigned operation)
{
    rp__base_start(&socket->base, operation);
    socket->cancelled &= (uint8_t)~operation;
}

void rp__iocp_decide(iocp_socket *socket, unsigned operation, rp_io_result result)
{
    RP_ASSERT(!(socket->pending & operation));
    rp__base_decide(&socket->base, operation, result);
}

/* ---- life of a socket ---- */

static iocp_socket *socket_new(iocp_port *port)
{
    iocp_socket *socket = rp__base_socket_new(&port->base);
    if (socket != NULL)
        socket->handle = INVALID_SOCKET;
    return socket;
}

static void close_handle(iocp_socket *socket)
{
    socket_port(socket)->base.stats->system_calls++;
    (void)closesocket(socket->handle);
    socket->handle = INVALID_SOCKET;
}

void rp__iocp_discard(iocp_socket *socket)
{
    close_handle(socket);
    rp__base_socket_free(&socket->base);
}

static int attach(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    HANDLE handle = (HANDLE)socket->handle;
    UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    port->base.stats->system_calls++;
    if (CreateIoCompletionPort(handle, port->handle, (ULONG_PTR)socket, 0) == NULL)
        return (int)GetLastError();
    if (!provider_of(socket)->skips)
        return 0;
    port->base.stats->system_calls++;
    return SetFileCompletionNotificationModes(handle, modes) ? 0 : (int)GetLastError();
}

rp_io_result rp__iocp_open(rp_port *base, uint8_t family, rp_socket **out)
{
    iocp_port *port = port_of(base);
    *out = NULL;
    if (family == RP_FAMILY_UNIX || port->providers[family == 6].connect_ex == NULL)
        return (rp_io_result){RP_E_UNSUPPORTED, WSAEAFNOSUPPORT};
    iocp_socket *socket = socket_new(port);
    if (socket == NULL)
        return (rp_io_result){RP_E_NO_MEMORY, WSA_NOT_ENOUGH_MEMORY};
    socket->family = family;
    rp_io_result result = rp__socket_open(family, &socket->handle);
    port->base.stats->system_calls += RP_SOCKET_OPEN_CALLS;
    if (result.status == RP_OK) {
        result = rp__open_result(attach(socket));
        if (result.status != RP_OK)
            close_handle(socket);
    }
    if (result.status != RP_OK)
        rp__base_socket_free(&socket->base);
    else
        *out = &socket->base.socket;
    return result;
}

static void run_close(iocp_socket *socket)
{
    RP_ASSERT(socket->pending == 0);
    rp__iocp_drop_guest(socket);
    close_handle(socket);
    rp__base_closed(&socket->base);
}

/* ---- overlapped calls ---- */

OVERLAPPED *rp__iocp_record(iocp_socket *socket, unsigned side)
{
    OVERLAPPED *record = side == RP_OP_SEND ? &socket->out : &socket->in;
    memset(record, 0, sizeof(*record));
    socket_port(socket)->base.stats->system_calls++;
    return record;
}

int rp__iocp_call_result(iocp_socket *socket, unsigned operation, bool success)
{
    int code = success ? 0 : WSAGetLastError();
    if (success && !provider_of(socket)->skips)
        code = WSA_IO_PENDING;
    if (code == WSA_IO_PENDING)
        socket->pending |= (uint8_t)operation;
    return code;
}

/* ---- connect ---- */

/* Until then the socket is not connected for shutdown, getpeername and others. */
static void connect_ended(iocp_socket *socket, int code)
{
    if (code == 0) {
        socket_port(socket)->base.stats->system_calls++;
        if (setsockopt(socket->handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0)
            code = WSAGetLastError();
    }
    rp__iocp_decide(socket, RP_OP_CONNECT, rp__connect_result(code));
}

/* ---- send ---- */

static DWORD fill_parts(const iocp_socket *socket, WSABUF parts[SEND_SLICES])
{
    size_t count = 0, offset = socket->base.unsent.offset, room = SEND_BYTES;
    for (; count < socket->base.unsent.count && count < SEND_SLICES && room > 0; count++) {
        const rp_slice *slice = &socket->base.unsent.slices[count];
        size_t size = slice->size - offset < room ? slice->size - offset : room;
        /* WSABUF has no const; WSASend does not write. */
        parts[count].buf = (char *)(uintptr_t)(slice->data + offset);
        parts[count].len = (ULONG)size;
        room -= size;
        offset = 0;
    }
    return (DWORD)count;
}

static void sent_bytes(iocp_socket *socket, size_t sent)
{
    socket_port(socket)->base.stats->bytes_sent += sent;
    (void)rp__unsent_advance(&socket->base.unsent, sent);
}

/* Sends until all is sent, the kernel owes a packet, or it failed. */
static void go_on_sending(iocp_socket *socket)
{
    while (socket->base.unsent.count > 0) {
        WSABUF parts[SEND_SLICES];
        DWORD sent = 0, count = fill_parts(socket, parts);
        OVERLAPPED *record = rp__iocp_record(socket, RP_OP_SEND);
        int code = rp__iocp_call_result(
            socket, RP_OP_SEND, WSASend(socket->handle, parts, count, &sent, 0, record, NULL) == 0);
        if (code == WSA_IO_PENDING)
            return;
        if (code != 0) {
            rp__iocp_decide(socket, RP_OP_SEND, rp__transfer_result(code));
            return;
        }
        sent_bytes(socket, sent);
    }
    rp__iocp_decide(socket, RP_OP_SEND, (rp_io_result){RP_OK, 0});
}

/* Returns the number of things found, which bytes are though more is to be sent. */
static unsigned send_ended(iocp_socket *socket, int code, size_t sent)
{
    sent_bytes(socket, sent);
    if (code != 0)
        rp__iocp_decide(socket, RP_OP_SEND, rp__transfer_result(code));
    else if (socket->cancelled & RP_OP_SEND && socket->base.unsent.count > 0)
        rp__iocp_decide(socket, RP_OP_SEND, cancelled_result);
    else
        go_on_sending(socket);
    return socket->base.decided & RP_OP_SEND ? 0 : 1;
}

/* ---- receive ---- */

/* Waits for something to read, with a receive of no bytes. */
static void arm_receive(iocp_socket *socket)
{
    WSABUF nothing = {0, NULL};
    DWORD received = 0, flags = 0;
    OVERLAPPED *record = rp__iocp_record(socket, RP_BASE_IN);
    int code = rp__iocp_call_result(
        socket, RP_OP_RECEIVE,
        WSARecv(socket->handle, &nothing, 1, &received, &flags, record, NULL) == 0);
    if (code == 0) {
        socket->base.flags |= RP_BASE_READABLE;
        rp__base_enqueue(&socket->base);
    } else if (code != WSA_IO_PENDING) {
        rp__iocp_decide(socket, RP_OP_RECEIVE, rp__transfer_result(code));
    }
}

static void receive_ended(iocp_socket *socket, int code)
{
    if (code != 0)
        rp__iocp_decide(socket, RP_OP_RECEIVE, rp__transfer_result(code));
    else if (socket->cancelled & RP_OP_RECEIVE)
        rp__iocp_decide(socket, RP_OP_RECEIVE, cancelled_result);
    else
        socket->base.flags |= RP_BASE_READABLE;
}

/* Whether what looks like the end is one. Wine's server takes a reset from the kernel while no
 * receive is pending, and then only polling still tells; on Windows the read itself has told. */
static int code_of_the_end(iocp_socket *socket)
{
    WSAPOLLFD item = {.fd = socket->handle, .events = POLLIN};
    socket_port(socket)->base.stats->system_calls++;
    return WSAPoll(&item, 1, 0) > 0 && item.revents & POLLERR ? WSAECONNRESET : 0;
}

/* A read that fills less than the buffer has emptied the socket. */
static unsigned read_once(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    port->base.stats->system_calls++;
    int room = port->base.buffer_size < INT32_MAX ? (int)port->base.buffer_size : INT32_MAX;
    int size = recv(socket->handle, (char *)port->base.buffer, room, 0);
    if (size > 0) {
        if (size < room)
            socket->base.flags &= (uint8_t)~RP_BASE_READABLE;
        rp__base_deliver(&socket->base, (size_t)size);
        return 1;
    }
    int code = size == 0 ? code_of_the_end(socket) : WSAGetLastError();
    socket->base.flags &= (uint8_t)~RP_BASE_READABLE;
    if (code != WSAEWOULDBLOCK)
        rp__iocp_decide(socket, RP_OP_RECEIVE, rp__transfer_result(code));
    return 0;
}

static unsigned run_receive(iocp_socket *socket)
{
    unsigned found = 0;
    for (unsigned reads = 0; idle(socket, RP_OP_RECEIVE) && socket->base.flags & RP_BASE_READABLE;
         reads++) {
        if (reads == READS_PER_TURN) {
            /* The others' turn. Arming says whether something is left. */
            socket->base.flags &= (uint8_t)~RP_BASE_READABLE;
            break;
        }
        found += read_once(socket);
    }
    return found + rp__base_tell(&socket->base, RP_OP_RECEIVE);
}

/* ---- packets, turns ---- */

/* What the kernel has is not for us to go on with; nor is a quiet send that waits for company. */
static bool has_work(const iocp_socket *socket)
{
    return (socket->base.decided != 0 && !(socket->base.flags & RP_BASE_PARKED)) ||
           socket->base.flags & GUEST_CAME || idle(socket, RP_OP_RECEIVE) ||
           (idle(socket, RP_OP_ACCEPT) && !(socket->base.flags & RP_BASE_PARKED)) ||
           (socket->base.flags & RP_BASE_CLOSING && socket->base.started == 0);
}

static int packet_code(const iocp_socket *socket, OVERLAPPED *record)
{
    DWORD bytes = 0, flags = 0;
    if (record->Internal == 0)
        return 0;
    return WSAGetOverlappedResult(socket->handle, record, &bytes, FALSE, &flags)
               ? 0
               : WSAGetLastError();
}

unsigned rp__iocp_note_packet(iocp_socket *socket, const OVERLAPPED_ENTRY *entry)
{
    int code = packet_code(socket, entry->lpOverlapped);
    unsigned side = entry->lpOverlapped == &socket->out ? RP_OP_SEND : RP_BASE_IN;
    unsigned operation = socket->pending & side, found = 0;
    RP_ASSERT(operation != 0);
    socket->pending &= (uint8_t)~side;
    switch (operation) {
    case RP_OP_CONNECT:
        connect_ended(socket, code);
        break;
    case RP_OP_ACCEPT:
        found = rp__iocp_accept_ended(socket, code);
        break;
    case RP_OP_RECEIVE:
        receive_ended(socket, code);
        break;
    default:
        found = send_ended(socket, code, entry->dwNumberOfBytesTransferred);
        break;
    }
    if (has_work(socket))
        rp__base_enqueue(&socket->base);
    return found;
}

unsigned rp__iocp_run_socket(rp_base_socket *base)
{
    iocp_socket *socket = socket_of(&base->socket);
    unsigned found = 0;
    socket->base.flags |= RP_BASE_RUNNING;
    if (socket->base.started & RP_OP_CONNECT)
        found += rp__base_tell(base, RP_OP_CONNECT);
    if (socket->base.started & RP_OP_SEND)
        found += rp__base_tell(base, RP_OP_SEND);
    if (socket->base.started & RP_OP_RECEIVE)
        found += run_receive(socket);
    if (socket->base.started & RP_OP_ACCEPT)
        found += rp__iocp_run_accept(socket);
    socket->base.flags &= (uint8_t)~RP_BASE_RUNNING;
    if (socket->base.flags & RP_BASE_CLOSING && socket->base.started == 0) {
        run_close(socket);
        return found + 1;
    }
    if (idle(socket, RP_OP_RECEIVE) && !(socket->base.flags & RP_BASE_READABLE))
        arm_receive(socket);
    if (has_work(socket))
        rp__base_enqueue(&socket->base);
    else if (!(socket->base.flags & RP_BASE_PARKED))
        rp__list_remove(&base->link);
    return found;
}

/* ---- operations ---- */

rp_io_result rp__iocp_bind(rp_socket *base, const rp_binding *binding)
{
    iocp_socket *socket = socket_of(base);
    if (binding->device != NULL)
        return (rp_io_result){RP_E_UNSUPPORTED, WSAEOPNOTSUPP};
    socket_port(socket)->base.stats->system_calls++;
    int code = rp__socket_bind(socket->handle, &binding->address);
    if (code == 0)
        socket->base.flags |= BOUND;
    return (rp_io_result){code == 0               ? RP_OK
                          : code == WSAEADDRINUSE ? RP_E_ADDRESS_IN_USE
                                                  : RP_E_LOCAL_ADDRESS,
                          code};
}

/* ConnectEx wants a bound socket. */
static int bind_any(iocp_socket *socket)
{
    rp_address any = {.family = socket->family};
    if (socket->base.flags & BOUND)
        return 0;
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_bind(socket->handle, &any);
}

void rp__iocp_connect(rp_socket *base, const rp_address *address)
{
    iocp_socket *socket = socket_of(base);
    struct sockaddr_storage storage;
    int size = rp__sockaddr_set(&storage, address);
    rp__iocp_start(socket, RP_OP_CONNECT);
    int code = bind_any(socket);
    if (code == 0) {
        OVERLAPPED *record = rp__iocp_record(socket, RP_BASE_IN);
        code = rp__iocp_call_result(socket, RP_OP_CONNECT,
                                    provider_of(socket)->connect_ex(socket->handle,
                                                                    (struct sockaddr *)&storage,
                                                                    size, NULL, 0, NULL, record));
    }
    if (code != WSA_IO_PENDING)
        connect_ended(socket, code);
}

/* Started by its own callback, it is seen to by rp__iocp_run_socket. */
void rp__iocp_receive(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    rp__iocp_start(socket, RP_OP_RECEIVE);
    if (socket->base.flags & RP_BASE_READABLE)
        rp__base_enqueue(&socket->base);
    else if (!(socket->base.flags & RP_BASE_RUNNING))
        arm_receive(socket);
}

void rp__iocp_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    iocp_socket *socket = socket_of(base);
    rp__base_start_send(&socket->base, slices, count);
    socket->cancelled &= (uint8_t)~RP_OP_SEND;
    go_on_sending(socket);
}

void rp__iocp_shutdown_send(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->base.started & RP_OP_SEND));
    socket_port(socket)->base.stats->system_calls++;
    (void)shutdown(socket->handle, SD_SEND);
}

void rp__iocp_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls += RP_KEEPALIVE_CALLS;
    rp__socket_keepalive(socket->handle, keepalive);
}

/* SIO_TCP_INFO has no such number: BytesOut less BytesInFlight may count twice what was sent twice.
 * Without it a send's end is what shows that bytes move: Windows buffers 64 KiB and less. */
uint64_t rp__iocp_confirmed(rp_socket *base)
{
    (void)base;
    return 0;
}

rp_tcp_numbers rp__iocp_numbers(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_numbers(socket->handle);
}

rp_address rp__iocp_local(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls++;
    return rp__socket_local(socket->handle);
}

void rp__iocp_reset_on_close(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    socket_port(socket)->base.stats->system_calls++;
    (void)setsockopt(socket->handle, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now));
}

/* What the kernel has is decided by its packet. CancelIoEx may find that it has just completed:
 * then the packet is there already. */
static void cancel_one(iocp_socket *socket, unsigned operation)
{
    if (!rp__base_undecided(&socket->base, operation) || socket->cancelled & operation)
        return;
    socket->cancelled |= (uint8_t)operation;
    if (!(socket->pending & operation)) {
        rp__iocp_decide(socket, operation, cancelled_result);
        return;
    }
    socket_port(socket)->base.stats->system_calls++;
    (void)CancelIoEx((HANDLE)socket->handle, operation == RP_OP_SEND ? &socket->out : &socket->in);
}

void rp__iocp_cancel(rp_socket *base, unsigned operations)
{
    iocp_socket *socket = socket_of(base);
    for (unsigned operation = 1; operation & RP_OP_ALL; operation <<= 1) {
        if (operations & operation)
            cancel_one(socket, operation);
    }
    rp__base_cancel_quiet(&socket->base, operations);
}

void rp__iocp_close(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->base.flags & RP_BASE_CLOSING));
    socket->base.flags |= RP_BASE_CLOSING;
    rp__iocp_cancel(base, RP_OP_ALL);
    if (has_work(socket))
        rp__base_enqueue(&socket->base);
}
