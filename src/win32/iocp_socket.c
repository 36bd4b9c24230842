/* iocp_socket.c - the sockets of the completion port: see the essay in iocp.c. */
#include "win32/iocp.h"

#include "base/assert.h"

#include <string.h>

/* One WSASend takes at most this: what it takes is pinned until the peer has made room. */
#define SEND_SLICES 64
#define SEND_BYTES ((size_t)256 * 1024)
/* Shares of one socket in one turn. */
#define READS_PER_TURN 4
#define FREE_SOCKETS_MOST 1024

static const rp_io_result cancelled_result = {RP_E_CANCELLED, 0};

/* ---- lists, results ---- */

void rp_iocp_enqueue(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    if (socket->flags & PARKED) {
        rp_list_remove(&socket->link);
        socket->flags &= (uint8_t)~PARKED;
        if (rp_list_empty(&port->starved))
            port->retry_at_ns = RP_WAIT_FOREVER;
    }
    if (!rp_list_empty(&socket->link))
        return;
    rp_list_append(&port->ready, &socket->link);
    rp_iocp_tell_host(port);
}

void rp_iocp_decide(iocp_socket *socket, unsigned operation, rp_io_result result)
{
    if (!(socket->started & operation) || socket->decided & operation)
        return;
    RP_ASSERT(!(socket->pending & operation));
    socket->decided |= (uint8_t)operation;
    if (operation == SEND)
        socket->send_result = result;
    else
        socket->result = result;
    rp_iocp_enqueue(socket);
}

bool rp_iocp_take_result(iocp_socket *socket, unsigned operation)
{
    if (!(socket->decided & operation))
        return false;
    socket->started &= (uint8_t)~operation;
    socket->decided &= (uint8_t)~operation;
    socket->cancelled &= (uint8_t)~operation;
    socket_port(socket)->stats->completions++;
    return true;
}

/* ---- life of a socket ---- */

static iocp_socket *socket_new(iocp_port *port)
{
    iocp_socket *socket;
    rp_link *link = rp_list_take(&port->free);
    if (link != NULL) {
        socket = RP_CONTAINER(link, iocp_socket, link);
        memset(socket, 0, sizeof(*socket));
        port->free_count--;
    } else {
        socket = rp_allocate(port->memory, sizeof(*socket));
        if (socket == NULL)
            return NULL;
    }
    socket->base.port = &port->base;
    socket->handle = INVALID_SOCKET;
    rp_list_init(&socket->link);
    port->socket_count++;
    return socket;
}

static void socket_free(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    port->socket_count--;
    rp_list_remove(&socket->link);
    if (port->free_count >= FREE_SOCKETS_MOST) {
        rp_free(port->memory, socket);
        return;
    }
    port->free_count++;
    rp_list_prepend(&port->free, &socket->link);
}

static void close_handle(iocp_socket *socket)
{
    socket_port(socket)->stats->system_calls++;
    (void)closesocket(socket->handle);
    socket->handle = INVALID_SOCKET;
}

void rp_iocp_discard(iocp_socket *socket)
{
    close_handle(socket);
    socket_free(socket);
}

static int attach(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    HANDLE handle = (HANDLE)socket->handle;
    UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    port->stats->system_calls++;
    if (CreateIoCompletionPort(handle, port->handle, (ULONG_PTR)socket, 0) == NULL)
        return (int)GetLastError();
    if (!provider_of(socket)->skips)
        return 0;
    port->stats->system_calls++;
    return SetFileCompletionNotificationModes(handle, modes) ? 0 : (int)GetLastError();
}

rp_io_result rp_iocp_open(rp_port *base, uint8_t family, rp_socket **out)
{
    iocp_port *port = port_of(base);
    *out = NULL;
    if (family == RP_FAMILY_UNIX || port->providers[family == 6].connect_ex == NULL)
        return (rp_io_result){RP_E_UNSUPPORTED, WSAEAFNOSUPPORT};
    iocp_socket *socket = socket_new(port);
    if (socket == NULL)
        return (rp_io_result){RP_E_NO_MEMORY, WSA_NOT_ENOUGH_MEMORY};
    socket->family = family;
    rp_io_result result = rp_socket_open(family, &socket->handle);
    port->stats->system_calls += RP_SOCKET_OPEN_CALLS;
    if (result.status == RP_OK) {
        result = rp_open_result(attach(socket));
        if (result.status != RP_OK)
            close_handle(socket);
    }
    if (result.status != RP_OK)
        socket_free(socket);
    else
        *out = &socket->base;
    return result;
}

static void run_close(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    RP_ASSERT(socket->pending == 0);
    rp_iocp_drop_guest(socket);
    close_handle(socket);
    if (!rp_list_empty(&port->starved))
        rp_iocp_retry_starved(port);
    port->stats->completions++;
    socket->base.handler->closed(&socket->base);
    socket_free(socket);
}

/* ---- overlapped calls ---- */

OVERLAPPED *rp_iocp_record(iocp_socket *socket, unsigned side)
{
    OVERLAPPED *record = side == OUT_OPERATIONS ? &socket->out : &socket->in;
    memset(record, 0, sizeof(*record));
    socket_port(socket)->stats->system_calls++;
    return record;
}

int rp_iocp_call_result(iocp_socket *socket, unsigned operation, bool success)
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
        socket_port(socket)->stats->system_calls++;
        if (setsockopt(socket->handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) != 0)
            code = WSAGetLastError();
    }
    rp_iocp_decide(socket, CONNECT, rp_connect_result(code));
}

static unsigned run_connect(iocp_socket *socket)
{
    rp_io_result result = socket->result;
    if (!rp_iocp_take_result(socket, CONNECT))
        return 0;
    socket->base.handler->connected(&socket->base, result);
    return 1;
}

/* ---- send ---- */

static DWORD fill_parts(const iocp_socket *socket, WSABUF parts[SEND_SLICES])
{
    size_t count = 0, offset = socket->unsent.offset, room = SEND_BYTES;
    for (; count < socket->unsent.count && count < SEND_SLICES && room > 0; count++) {
        const rp_slice *slice = &socket->unsent.slices[count];
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
    socket_port(socket)->stats->bytes_sent += sent;
    (void)rp_unsent_advance(&socket->unsent, sent);
}

/* Sends until all is sent, the kernel owes a packet, or it failed. */
static void go_on_sending(iocp_socket *socket)
{
    while (socket->unsent.count > 0) {
        WSABUF parts[SEND_SLICES];
        DWORD sent = 0, count = fill_parts(socket, parts);
        OVERLAPPED *record = rp_iocp_record(socket, OUT_OPERATIONS);
        int code = rp_iocp_call_result(
            socket, SEND, WSASend(socket->handle, parts, count, &sent, 0, record, NULL) == 0);
        if (code == WSA_IO_PENDING)
            return;
        if (code != 0) {
            rp_iocp_decide(socket, SEND, rp_transfer_result(code));
            return;
        }
        sent_bytes(socket, sent);
    }
    rp_iocp_decide(socket, SEND, (rp_io_result){RP_OK, 0});
}

/* Returns the number of things found, which bytes are though more is to be sent. */
static unsigned send_ended(iocp_socket *socket, int code, size_t sent)
{
    sent_bytes(socket, sent);
    if (code != 0)
        rp_iocp_decide(socket, SEND, rp_transfer_result(code));
    else if (socket->cancelled & SEND && socket->unsent.count > 0)
        rp_iocp_decide(socket, SEND, cancelled_result);
    else
        go_on_sending(socket);
    return socket->decided & SEND ? 0 : 1;
}

static unsigned run_send(iocp_socket *socket)
{
    rp_io_result result = socket->send_result;
    if (!rp_iocp_take_result(socket, SEND))
        return 0;
    socket->base.handler->sent(&socket->base, result);
    return 1;
}

/* ---- receive ---- */

/* Waits for something to read, with a receive of no bytes. */
static void arm_receive(iocp_socket *socket)
{
    WSABUF nothing = {0, NULL};
    DWORD received = 0, flags = 0;
    OVERLAPPED *record = rp_iocp_record(socket, IN_OPERATIONS);
    int code = rp_iocp_call_result(
        socket, RECEIVE,
        WSARecv(socket->handle, &nothing, 1, &received, &flags, record, NULL) == 0);
    if (code == 0) {
        socket->flags |= READABLE;
        rp_iocp_enqueue(socket);
    } else if (code != WSA_IO_PENDING) {
        rp_iocp_decide(socket, RECEIVE, rp_transfer_result(code));
    }
}

static void receive_ended(iocp_socket *socket, int code)
{
    if (code != 0)
        rp_iocp_decide(socket, RECEIVE, rp_transfer_result(code));
    else if (socket->cancelled & RECEIVE)
        rp_iocp_decide(socket, RECEIVE, cancelled_result);
    else
        socket->flags |= READABLE;
}

/* Whether what looks like the end is one. Wine's server takes a reset from the kernel while no
 * receive is pending, and then only polling still tells; on Windows the read itself has told. */
static int code_of_the_end(iocp_socket *socket)
{
    WSAPOLLFD item = {.fd = socket->handle, .events = POLLIN};
    socket_port(socket)->stats->system_calls++;
    return WSAPoll(&item, 1, 0) > 0 && item.revents & POLLERR ? WSAECONNRESET : 0;
}

/* A read that fills less than the buffer has emptied the socket. */
static unsigned read_once(iocp_socket *socket)
{
    iocp_port *port = socket_port(socket);
    port->stats->system_calls++;
    int room = port->buffer_size < INT32_MAX ? (int)port->buffer_size : INT32_MAX;
    int size = recv(socket->handle, (char *)port->buffer, room, 0);
    if (size > 0) {
        rp_slice bytes = {port->buffer, (size_t)size};
        if (port->buffer_written < bytes.size)
            port->buffer_written = bytes.size;
        if (size < room)
            socket->flags &= (uint8_t)~READABLE;
        port->stats->bytes_received += bytes.size;
        port->stats->completions++;
        socket->base.handler->received(&socket->base, bytes, (rp_io_result){RP_OK, 0}, false);
        return 1;
    }
    int code = size == 0 ? code_of_the_end(socket) : WSAGetLastError();
    socket->flags &= (uint8_t)~READABLE;
    if (code != WSAEWOULDBLOCK)
        rp_iocp_decide(socket, RECEIVE, rp_transfer_result(code));
    return 0;
}

static unsigned run_receive(iocp_socket *socket)
{
    unsigned found = 0;
    for (unsigned reads = 0; idle(socket, RECEIVE) && socket->flags & READABLE; reads++) {
        if (reads == READS_PER_TURN) {
            /* The others' turn. Arming says whether something is left. */
            socket->flags &= (uint8_t)~READABLE;
            break;
        }
        found += read_once(socket);
    }
    rp_io_result result = socket->result;
    if (!rp_iocp_take_result(socket, RECEIVE))
        return found;
    socket->base.handler->received(&socket->base, (rp_slice){NULL, 0}, result, true);
    return found + 1;
}

/* ---- packets, turns ---- */

/* What the kernel has is not for us to go on with. */
static bool has_work(const iocp_socket *socket)
{
    return socket->decided != 0 || socket->flags & GUEST_CAME || idle(socket, RECEIVE) ||
           (idle(socket, ACCEPT) && !(socket->flags & PARKED)) ||
           (socket->flags & CLOSING && socket->started == 0);
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

unsigned rp_iocp_note_packet(iocp_socket *socket, const OVERLAPPED_ENTRY *entry)
{
    int code = packet_code(socket, entry->lpOverlapped);
    unsigned side = entry->lpOverlapped == &socket->out ? OUT_OPERATIONS : IN_OPERATIONS;
    unsigned operation = socket->pending & side, found = 0;
    RP_ASSERT(operation != 0);
    socket->pending &= (uint8_t)~side;
    switch (operation) {
    case CONNECT:
        connect_ended(socket, code);
        break;
    case ACCEPT:
        found = rp_iocp_accept_ended(socket, code);
        break;
    case RECEIVE:
        receive_ended(socket, code);
        break;
    default:
        found = send_ended(socket, code, entry->dwNumberOfBytesTransferred);
        break;
    }
    if (has_work(socket))
        rp_iocp_enqueue(socket);
    return found;
}

unsigned rp_iocp_run_socket(iocp_socket *socket)
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
        found += rp_iocp_run_accept(socket);
    socket->flags &= (uint8_t)~RUNNING;
    if (socket->flags & CLOSING && socket->started == 0) {
        run_close(socket);
        return found + 1;
    }
    if (idle(socket, RECEIVE) && !(socket->flags & READABLE))
        arm_receive(socket);
    if (has_work(socket))
        rp_iocp_enqueue(socket);
    else if (!(socket->flags & PARKED))
        rp_list_remove(&socket->link);
    return found;
}

/* ---- operations ---- */

void rp_iocp_start(iocp_socket *socket, unsigned operation)
{
    unsigned exclusive = operation == SEND ? SEND : IN_OPERATIONS;
    RP_ASSERT(!(socket->started & exclusive));
    RP_ASSERT(!(socket->flags & CLOSING));
    socket->started |= (uint8_t)operation;
}

rp_io_result rp_iocp_bind(rp_socket *base, const rp_binding *binding)
{
    iocp_socket *socket = socket_of(base);
    if (binding->device != NULL)
        return (rp_io_result){RP_E_UNSUPPORTED, WSAEOPNOTSUPP};
    socket_port(socket)->stats->system_calls++;
    int code = rp_socket_bind(socket->handle, &binding->address);
    if (code == 0)
        socket->flags |= BOUND;
    return (rp_io_result){code == 0               ? RP_OK
                          : code == WSAEADDRINUSE ? RP_E_ADDRESS_IN_USE
                                                  : RP_E_LOCAL_ADDRESS,
                          code};
}

/* ConnectEx wants a bound socket. */
static int bind_any(iocp_socket *socket)
{
    rp_address any = {.family = socket->family};
    if (socket->flags & BOUND)
        return 0;
    socket_port(socket)->stats->system_calls++;
    return rp_socket_bind(socket->handle, &any);
}

void rp_iocp_connect(rp_socket *base, const rp_address *address)
{
    iocp_socket *socket = socket_of(base);
    struct sockaddr_storage storage;
    int size = rp_sockaddr_set(&storage, address);
    rp_iocp_start(socket, CONNECT);
    int code = bind_any(socket);
    if (code == 0) {
        OVERLAPPED *record = rp_iocp_record(socket, IN_OPERATIONS);
        code = rp_iocp_call_result(socket, CONNECT,
                                   provider_of(socket)->connect_ex(socket->handle,
                                                                   (struct sockaddr *)&storage,
                                                                   size, NULL, 0, NULL, record));
    }
    if (code != WSA_IO_PENDING)
        connect_ended(socket, code);
}

/* Started by its own callback, it is seen to by rp_iocp_run_socket. */
void rp_iocp_receive(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    rp_iocp_start(socket, RECEIVE);
    if (socket->flags & READABLE)
        rp_iocp_enqueue(socket);
    else if (!(socket->flags & RUNNING))
        arm_receive(socket);
}

void rp_iocp_send(rp_socket *base, const rp_slice *slices, size_t count)
{
    iocp_socket *socket = socket_of(base);
    rp_iocp_start(socket, SEND);
    socket->unsent = (rp_unsent){slices, count, 0};
    RP_ASSERT(!rp_unsent_advance(&socket->unsent, 0));
    go_on_sending(socket);
}

void rp_iocp_shutdown_send(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->started & SEND));
    socket_port(socket)->stats->system_calls++;
    (void)shutdown(socket->handle, SD_SEND);
}

void rp_iocp_keepalive(rp_socket *base, const rp_keepalive *keepalive)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls += RP_KEEPALIVE_CALLS;
    rp_socket_keepalive(socket->handle, keepalive);
}

/* SIO_TCP_INFO has no such number: BytesOut less BytesInFlight may count twice what was sent twice.
 * Without it a send's end is what shows that bytes move: Windows buffers 64 KiB and less. */
uint64_t rp_iocp_confirmed(rp_socket *base)
{
    (void)base;
    return 0;
}

rp_tcp_numbers rp_iocp_numbers(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp_socket_numbers(socket->handle);
}

rp_address rp_iocp_local(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->stats->system_calls++;
    return rp_socket_local(socket->handle);
}

void rp_iocp_reset_on_close(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    socket_port(socket)->stats->system_calls++;
    (void)setsockopt(socket->handle, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now));
}

/* What the kernel has is decided by its packet. CancelIoEx may find that it has just completed:
 * then the packet is there already. */
static void cancel_one(iocp_socket *socket, unsigned operation)
{
    if (!undecided(socket, operation) || socket->cancelled & operation)
        return;
    socket->cancelled |= (uint8_t)operation;
    if (!(socket->pending & operation)) {
        rp_iocp_decide(socket, operation, cancelled_result);
        return;
    }
    socket_port(socket)->stats->system_calls++;
    (void)CancelIoEx((HANDLE)socket->handle, operation == SEND ? &socket->out : &socket->in);
}

void rp_iocp_cancel(rp_socket *base, unsigned operations)
{
    iocp_socket *socket = socket_of(base);
    for (unsigned operation = 1; operation & RP_OP_ALL; operation <<= 1) {
        if (operations & operation)
            cancel_one(socket, operation);
    }
}

void rp_iocp_close(rp_socket *base)
{
    iocp_socket *socket = socket_of(base);
    RP_ASSERT(!(socket->flags & CLOSING));
    socket->flags |= CLOSING;
    rp_iocp_cancel(base, RP_OP_ALL);
    if (has_work(socket))
        rp_iocp_enqueue(socket);
}
