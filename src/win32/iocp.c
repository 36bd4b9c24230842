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
#include "win32/ports.h"

#include <limits.h>

#define RECEIVE_BYTES_DEFAULT ((size_t)64 * 1024)
#define NS_PER_MS 1000000u
/* Of the port's own threads: the loop's, and the pump's beside it. */
#define THREADS_AT_ONCE 2

/* ---- time ---- */

static uint64_t time_until(uint64_t end_ns)
{
    if (end_ns == 0 || end_ns == RP_WAIT_FOREVER)
        return end_ns;
    uint64_t now_ns = rp_monotonic_ns();
    return end_ns > now_ns ? end_ns - now_ns : 0;
}

static uint64_t end_of_wait(uint64_t wait_ns)
{
    if (wait_ns == 0 || wait_ns == RP_WAIT_FOREVER)
        return wait_ns;
    uint64_t now_ns = rp_monotonic_ns();
    return wait_ns < RP_WAIT_FOREVER - now_ns ? now_ns + wait_ns : RP_WAIT_FOREVER;
}

DWORD rp_iocp_wait_ms(uint64_t end_ns)
{
    uint64_t wait_ns = time_until(end_ns);
    if (wait_ns == RP_WAIT_FOREVER)
        return INFINITE;
    uint64_t wait_ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);
    return wait_ms < INFINITE ? (DWORD)wait_ms : INFINITE - 1;
}

/* ---- waking, and the waitable ---- */

/* It fails when the kernel is out of memory for the packet; a wake-up must not be lost. */
void rp_iocp_post(iocp_port *port, DWORD packet)
{
    while (!PostQueuedCompletionStatus(port->handle, packet, 0, NULL))
        Sleep(1);
}

static void iocp_wake(rp_port *base)
{
    iocp_port *port = port_of(base);
    if (!atomic_exchange_explicit(&port->woken, true, memory_order_acq_rel))
        rp_iocp_post(port, PACKET_WAKE);
}

void rp_iocp_tell_host(iocp_port *port)
{
    if (port->pump != NULL && !port->in_turn)
        rp_iocp_pump_tell(port->pump);
}

void rp_iocp_update_timer(iocp_port *port)
{
    if (port->pump == NULL)
        return;
    rp_iocp_pump_set_deadline(
        port->pump, port->deadline_ns < port->retry_at_ns ? port->deadline_ns : port->retry_at_ns);
}

static rp_waitable iocp_waitable(rp_port *base)
{
    iocp_port *port = port_of(base);
    if (port->pump == NULL)
        port->pump = rp_iocp_pump_create(port);
    if (port->pump == NULL)
        return (rp_waitable){-1, NULL};
    rp_iocp_update_timer(port);
    if (!rp_list_empty(&port->ready))
        rp_iocp_tell_host(port);
    return rp_iocp_pump_waitable(port->pump);
}

static void iocp_waitable_deadline(rp_port *base, uint64_t deadline_ns)
{
    iocp_port *port = port_of(base);
    port->deadline_ns = deadline_ns;
    rp_iocp_update_timer(port);
}

/* ---- turns ---- */

/* Of a wait that timed out only the return value says so: Wine sets the count to 1. */
static unsigned take_entries(iocp_port *port, uint64_t end_ns)
{
    ULONG count = 0;
    port->stats->system_calls++;
    if (port->pump != NULL)
        return rp_iocp_pump_take(port->pump, port->entries, HOST_SHARE, end_ns);
    if (GetQueuedCompletionStatusEx(port->handle, port->entries, ENTRIES_PER_WAIT, &count,
                                    rp_iocp_wait_ms(end_ns), FALSE))
        return count;
    RP_ASSERT(GetLastError() == WAIT_TIMEOUT);
    return 0;
}

static unsigned wait_for_entries(iocp_port *port, uint64_t end_ns)
{
    if (!rp_list_empty(&port->ready))
        return take_entries(port, 0);
    return take_entries(port, port->retry_at_ns < end_ns ? port->retry_at_ns : end_ns);
}

static unsigned note_batch(iocp_port *port, unsigned count)
{
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        const OVERLAPPED_ENTRY *entry = &port->entries[i];
        if (entry->lpCompletionKey != 0) {
            found += rp_iocp_note_packet((iocp_socket *)entry->lpCompletionKey, entry);
        } else if (entry->dwNumberOfBytesTransferred == PACKET_WAKE) {
            /* Acquires what the waking threads wrote before. */
            (void)atomic_exchange_explicit(&port->woken, false, memory_order_acq_rel);
            found++;
        }
    }
    return found;
}

/* Those that are ready now, and in a host's loop not more than its share. */
static unsigned run_ready(iocp_port *port)
{
    unsigned found = 0;
    unsigned share = port->pump != NULL ? HOST_SHARE : UINT_MAX;
    rp_link now;
    rp_list_init(&now);
    for (rp_link *link; share > 0 && (link = rp_list_take(&port->ready)) != NULL; share--)
        rp_list_append(&now, link);
    for (rp_link *link; (link = rp_list_take(&now)) != NULL;)
        found += rp_iocp_run_socket(RP_CONTAINER(link, iocp_socket, link));
    return found;
}

/* The end of a wait may come early, and a packet may turn out to be about nothing: waits again for
 * what is left. */
static unsigned iocp_turn(rp_port *base, uint64_t wait_ns)
{
    iocp_port *port = port_of(base);
    unsigned found = 0;
    uint64_t end_ns = end_of_wait(wait_ns);
    RP_ASSERT(!port->in_turn);
    port->in_turn = true;
    do {
        found += note_batch(port, wait_for_entries(port, end_ns));
        if (port->retry_at_ns != RP_WAIT_FOREVER && port->retry_at_ns <= rp_monotonic_ns()) {
            rp_iocp_retry_starved(port);
            found++; /* it was time for it, whatever comes of it */
        }
        /* The second round is for what the callbacks of the first one did at once. */
        found += run_ready(port);
        found += run_ready(port);
    } while (found == 0 && time_until(end_ns) > 0);
    port->in_turn = false;
    /* The loop states its next deadline after each turn: told once is enough. */
    if (port->deadline_ns != RP_WAIT_FOREVER && port->deadline_ns <= rp_monotonic_ns())
        port->deadline_ns = RP_WAIT_FOREVER;
    rp_iocp_update_timer(port);
    if (!rp_list_empty(&port->ready))
        rp_iocp_tell_host(port);
    return found;
}

/* ---- the port ---- */

static uint64_t iocp_now(rp_port *base)
{
    (void)base;
    return rp_monotonic_ns();
}

static void iocp_random(rp_port *base, void *bytes, size_t size)
{
    port_of(base)->stats->system_calls++;
    rp_random_bytes(bytes, size);
}

static void free_port(iocp_port *port)
{
    for (rp_link *link; (link = rp_list_take(&port->free)) != NULL;)
        rp_free(port->memory, RP_CONTAINER(link, iocp_socket, link));
    rp_free_secret(port->memory, port->buffer, port->buffer_written);
    rp_free(port->memory, port);
}

static void iocp_destroy(rp_port *base)
{
    iocp_port *port = port_of(base);
    RP_ASSERT(!port->in_turn && port->socket_count == 0);
    if (port->pump != NULL)
        rp_iocp_pump_destroy(port->pump);
    (void)CloseHandle(port->handle);
    (void)WSACleanup();
    free_port(port);
}

static iocp_port *new_port(const rp_port_options *options)
{
    iocp_port *port = rp_allocate(options->memory, sizeof(*port));
    if (port == NULL)
        return NULL;
    port->base.ops = &rp_iocp_port_ops;
    port->memory = options->memory;
    port->stats = options->stats;
    port->retry_at_ns = port->deadline_ns = RP_WAIT_FOREVER;
    atomic_init(&port->woken, false);
    rp_list_init(&port->ready);
    rp_list_init(&port->starved);
    rp_list_init(&port->free);
    port->buffer_size = options->receive_memory_bytes;
    if (port->buffer_size == 0)
        port->buffer_size = RECEIVE_BYTES_DEFAULT;
    /* Not zeroed: what no receive fills is never touched. */
    port->buffer = rp_reallocate(port->memory, NULL, port->buffer_size);
    if (port->buffer == NULL) {
        rp_free(port->memory, port);
        return NULL;
    }
    return port;
}

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
    rp_io_result result = rp_socket_open(family, &handle);
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
    iocp_port *port = new_port(options);
    if (port == NULL)
        return rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    int os_code = open_port(port);
    if (os_code == 0) {
        *out = &port->base;
        return RP_OK;
    }
    free_port(port);
    rp_status status = rp_open_result(os_code).status;
    if (status != RP_E_NO_DESCRIPTORS && status != RP_E_NO_MEMORY)
        status = RP_E_UNSUPPORTED;
    (void)rp_error_set(error, status, RP_PHASE_NONE, "%s", rp_os_error_text(os_code));
    if (error != NULL)
        error->os_code = os_code;
    return status;
}

const rp_port_ops rp_iocp_port_ops = {
    .name = "iocp",
    .create = iocp_create,
    .destroy = iocp_destroy,
    .now = iocp_now,
    .random = iocp_random,
    .open = rp_iocp_open,
    .listen = rp_iocp_listen,
    .bind = rp_iocp_bind,
    .connect = rp_iocp_connect,
    .accept = rp_iocp_accept,
    .receive = rp_iocp_receive,
    .send = rp_iocp_send,
    .keepalive = rp_iocp_keepalive,
    .confirmed = rp_iocp_confirmed,
    .numbers = rp_iocp_numbers,
    .local = rp_iocp_local,
    .shutdown_send = rp_iocp_shutdown_send,
    .reset_on_close = rp_iocp_reset_on_close,
    .cancel = rp_iocp_cancel,
    .close = rp_iocp_close,
    .turn = iocp_turn,
    .wake = iocp_wake,
    .waitable = iocp_waitable,
    .waitable_deadline = iocp_waitable_deadline,
};
