/* iocp.c - the port contract over a completion port.
 *
 * What Windows completes is what the contract calls a completion, so there is little to translate.
 * Three things differ.
 *
 * A receive with a buffer would pin the buffer while the connection is idle. So a receive of no
 * bytes waits until there is something, and a read that does not block then fetches it into one
 * buffer shared by all sockets. A read that fills less than the buffer has emptied the socket: the
 * next receive of no bytes is armed without asking again. As it takes no bytes from the kernel, it
 * can be cancelled at any time and nothing is lost.
 *
 * What succeeds at once posts no packet (FILE_SKIP_COMPLETION_PORT_ON_SUCCESS), where every
 * provider between us and the kernel gives real handles; its result waits on a list until the
 * turn. Elsewhere the packet comes, and tells the same.
 *
 * An OVERLAPPED is the kernel's until its packet is dequeued, whatever cancelling or closing said.
 * So an operation that is pending is decided by its packet and by nothing else, and a socket is
 * closed when it owes none: terminate, join, close.
 *
 * Packets are noted first, all of a batch, and callbacks run after: none of the batch's pointers
 * can go stale. */
#include "win32/iocp.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/time.h"
#include "loop/wait.h"
#include "win32/ports.h"

/* Of the port's own threads: the loop's, and the waiter's beside it. */
#define THREADS_AT_ONCE 2

/* ---- time ---- */

DWORD rp__iocp_wait_ms(iocp_port *port, uint64_t end_ns)
{
    uint64_t wait_ns = rp__wait_left(&port->base.port, end_ns);
    if (wait_ns == RP_WAIT_FOREVER)
        return INFINITE;
    uint64_t wait_ms = rp__time_in_ms(wait_ns);
    return wait_ms < INFINITE ? (DWORD)wait_ms : INFINITE - 1;
}

/* ---- waking, and the waitable ---- */

/* It fails when the kernel is out of memory for the packet; a wake-up must not be lost. */
void rp__iocp_post(iocp_port *port, DWORD packet)
{
    while (!PostQueuedCompletionStatus(port->handle, packet, 0, NULL))
        Sleep(1);
}

static void iocp_wake(rp_port *base)
{
    iocp_port *port = port_of(base);
    if (!atomic_exchange_explicit(&port->base.woken, true, memory_order_acq_rel))
        rp__iocp_post(port, PACKET_WAKE);
}

static void iocp_tell_host(rp_base_port *base)
{
    rp__iocp_waiter_tell(port_of(&base->port)->waiter);
}

static void iocp_set_timer(rp_base_port *base, uint64_t due_ns)
{
    rp__iocp_waiter_set_deadline(port_of(&base->port)->waiter, due_ns);
}

static rp_waitable iocp_waitable(rp_port *base)
{
    iocp_port *port = port_of(base);
    if (port->waiter == NULL)
        port->waiter = rp__iocp_waiter_create(port);
    if (port->waiter == NULL)
        return (rp_waitable){-1, NULL};
    rp__base_host(&port->base);
    return rp__iocp_waiter_waitable(port->waiter);
}

/* ---- turns ---- */

/* Of a wait that timed out only the return value says so: Wine sets the count to 1. */
static unsigned take_entries(iocp_port *port, uint64_t end_ns)
{
    ULONG count = 0;
    port->base.stats->system_calls++;
    if (port->waiter != NULL)
        return rp__iocp_waiter_take(port->waiter, port->entries, HOST_SHARE, end_ns);
    if (GetQueuedCompletionStatusEx(port->handle, port->entries, ENTRIES_PER_WAIT, &count,
                                    rp__iocp_wait_ms(port, end_ns), FALSE))
        return count;
    RP_ASSERT(GetLastError() == WAIT_TIMEOUT);
    return 0;
}

static unsigned note_batch(iocp_port *port, unsigned count)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        const OVERLAPPED_ENTRY *entry = &port->entries[i];
        if (entry->lpCompletionKey != 0) {
            found += rp__iocp_note_packet((iocp_socket *)entry->lpCompletionKey, entry);
        } else if (entry->dwNumberOfBytesTransferred == PACKET_WAKE) {
            found += rp__base_see_wake(&port->base);
        }
    }
    return found;
}

/* The end of a wait may come early, and a packet may turn out to be about nothing: the turn waits
 * again for what is left, whatever came. */
static unsigned iocp_wait_step(rp_base_port *base, uint64_t end_ns, bool *over)
{
    iocp_port *port = port_of(&base->port);
    *over = false;
    return note_batch(port, take_entries(port, end_ns));
}

static unsigned iocp_turn(rp_port *base, uint64_t wait_ns)
{
    iocp_port *port = port_of(base);
    unsigned found = rp__base_turn(&port->base, wait_ns);
    /* The loop states its next deadline after each turn: told once is enough. */
    if (rp__wait_is_over(base, port->base.deadline_ns))
        port->base.deadline_ns = RP_WAIT_FOREVER;
    rp__base_update_timer(&port->base);
    if (!rp__list_empty(&port->base.ready))
        rp__base_tell_host(&port->base);
    return found;
}

/* ---- the port ---- */

static uint64_t iocp_now(rp_port *base)
{
    (void)base;
    return rp__monotonic_ns();
}

static void iocp_random(rp_port *base, void *bytes, size_t size)
{
    port_of(base)->base.stats->system_calls++;
    rp__random_bytes(bytes, size);
}

static void iocp_destroy(rp_port *base)
{
    iocp_port *port = port_of(base);
    if (port->waiter != NULL)
        rp__iocp_waiter_destroy(port->waiter);
    (void)CloseHandle(port->handle);
    (void)WSACleanup();
    rp__base_free(&port->base);
}

static const rp_base_steps iocp_steps = {
    .socket_bytes = sizeof(iocp_socket),
    .host_share = HOST_SHARE,
    .wait = iocp_wait_step,
    .run = rp__iocp_run_socket,
    .tell_host = iocp_tell_host,
    .set_timer = iocp_set_timer,
};

static int extension(SOCKET handle, GUID id, void *function, DWORD size)
{
    DWORD bytes = 0;
    return WSAIoctl(handle, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), function, size,
                    &bytes, NULL, NULL);
}

/* 0, or an error code. */
static int open_provider(iocp_provider *provider, uint8_t family)
{
    static const GUID connect_id = WSAID_CONNECTEX, accept_id = WSAID_ACCEPTEX;
    WSAPROTOCOL_INFOW info;
    int size = sizeof(info), code = 0;
    SOCKET handle;
    rp_io_result result = rp__socket_open(family, &handle);
    if (result.status != RP_OK)
        return result.os_code;
    if (extension(handle, connect_id, &provider->connect_ex, sizeof(provider->connect_ex)) != 0 ||
        extension(handle, accept_id, &provider->accept_ex, sizeof(provider->accept_ex)) != 0) {
        code = WSAGetLastError();
        provider->connect_ex = NULL;
    }
    provider->skips =
        getsockopt(handle, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&info, &size) == 0 &&
        (info.dwServiceFlags1 & XP1_IFS_HANDLES) != 0;
    (void)closesocket(handle);
    return code;
}

/* 0, or an error code; of the two families one is enough. */
static int open_port(iocp_port *port)
{
    WSADATA data;
    int code = WSAStartup(MAKEWORD(2, 2), &data);
    if (code != 0)
        return code;
    code = open_provider(&port->providers[0], 4);
    if (open_provider(&port->providers[1], 6) == 0)
        code = 0;
    if (code == 0) {
        port->handle = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, THREADS_AT_ONCE);
        if (port->handle != NULL)
            return 0;
        code = (int)GetLastError();
    }
    (void)WSACleanup();
    return code;
}

static rp_status iocp_create(rp_port **out, const rp_port_options *options, rp_error *error)
{
    *out = NULL;
    iocp_port *port = rp__base_create(options, &rp__iocp_port_ops, &iocp_steps, sizeof(*port));
    if (port == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    int os_code = open_port(port);
    if (os_code == 0) {
        *out = &port->base.port;
        return RP_OK;
    }
    rp__base_free(&port->base);
    rp_status status = rp__open_result(os_code).status;
    if (status != RP_E_NO_DESCRIPTORS && status != RP_E_NO_MEMORY)
        status = RP_E_UNSUPPORTED;
    (void)rp__error_set(error, status, RP_PHASE_NONE, "%s", rp__os_error_text(os_code));
    if (error != NULL)
        error->os_code = os_code;
    return status;
}

const rp_port_ops rp__iocp_port_ops = {
    .name = "iocp",
    .create = iocp_create,
    .destroy = iocp_destroy,
    .now = iocp_now,
    .random = iocp_random,
    .open = rp__iocp_open,
    .listen = rp__iocp_listen,
    .bind = rp__iocp_bind,
    .connect = rp__iocp_connect,
    .accept = rp__iocp_accept,
    .receive = rp__iocp_receive,
    .send = rp__iocp_send,
    .keepalive = rp__iocp_keepalive,
    .confirmed = rp__iocp_confirmed,
    .numbers = rp__iocp_numbers,
    .local = rp__iocp_local,
    .shutdown_send = rp__iocp_shutdown_send,
    .reset_on_close = rp__iocp_reset_on_close,
    .cancel = rp__iocp_cancel,
    .close = rp__iocp_close,
    .turn = iocp_turn,
    .wake = iocp_wake,
    .waitable = iocp_waitable,
    .waitable_deadline = rp__base_waitable_deadline,
};
