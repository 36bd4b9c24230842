/* waiter.c - the waitable: a thread that waits on the completion port for a host that can only
 * select.
 *
 * select and WSAPoll take sockets, WaitForMultipleObjects takes events, and a completion port is
 * neither. So from the first waitable() on this thread, and nobody else, dequeues packets. It puts
 * them into a queue that turns take them from, and makes the waitable ready when there is
 * something that a turn would find: a packet, a deadline that has passed. The waitable is a UDP
 * socket that is connected to itself, so that one datagram of its own makes it readable and no
 * other program's does, and beside it an event. A turn takes all that there is and makes both
 * unready again, so they say exactly whether there is something.
 *
 * The thread touches the queue, the times and the waitable under the lock, and no socket of the
 * loop. */
#include "win32/iocp.h"

#include "base/assert.h"
#include "base/mutex.h"

#define QUEUE_ENTRIES 256
#define BATCH_ENTRIES 64

struct rp_iocp_waiter {
    iocp_port *port;
    HANDLE thread, event;
    SOCKET socket;

    rp_mutex mutex; /* guards what follows */
    CONDITION_VARIABLE room;
    uint64_t deadline_ns;  /* RP_WAIT_FOREVER: none, or it has passed and was told */
    uint64_t sleeps_until; /* the thread does */
    bool stop;
    bool ready;       /* the waitable is, or */
    bool late_signal; /* will be: its datagram had not arrived when it was to be taken back */
    bool told, due;   /* what it is ready for, beside what is in the queue */
    size_t count;
    OVERLAPPED_ENTRY queue[QUEUE_ENTRIES];
};

/* ---- the waitable; locked ---- */

static void set_ready(rp_iocp_waiter *waiter)
{
    if (waiter->ready)
        return;
    waiter->ready = true;
    (void)SetEvent(waiter->event);
    if (!waiter->late_signal)
        (void)send(waiter->socket, "!", 1, 0);
    waiter->late_signal = false;
}

static void set_unready(rp_iocp_waiter *waiter)
{
    char byte;
    if (waiter->ready)
        (void)ResetEvent(waiter->event);
    waiter->ready = false;
    waiter->late_signal = recv(waiter->socket, &byte, 1, 0) < 0;
}

static void set_readiness(rp_iocp_waiter *waiter)
{
    if (waiter->count > 0 || waiter->told || waiter->due)
        set_ready(waiter);
    else if (waiter->ready || waiter->late_signal)
        set_unready(waiter);
}

/* ---- the thread ---- */

static void queue_entry(rp_iocp_waiter *waiter, const OVERLAPPED_ENTRY *entry)
{
    if (entry->lpCompletionKey == 0 && entry->dwNumberOfBytesTransferred == PACKET_WAITER)
        return;
    while (waiter->count == QUEUE_ENTRIES && !waiter->stop)
        (void)SleepConditionVariableSRW(&waiter->room, &waiter->mutex, INFINITE, 0);
    if (waiter->count < QUEUE_ENTRIES)
        waiter->queue[waiter->count++] = *entry;
    set_readiness(waiter);
}

static DWORD WINAPI waiter_main(void *argument)
{
    rp_iocp_waiter *waiter = argument;
    OVERLAPPED_ENTRY batch[BATCH_ENTRIES];
    rp__mutex_lock(&waiter->mutex);
    while (!waiter->stop) {
        ULONG count = 0;
        waiter->sleeps_until = waiter->deadline_ns;
        DWORD wait_ms = rp__iocp_wait_ms(waiter->port, waiter->deadline_ns);
        rp__mutex_unlock(&waiter->mutex);
        if (!GetQueuedCompletionStatusEx(waiter->port->handle, batch, BATCH_ENTRIES, &count,
                                         wait_ms, FALSE))
            count = 0;
        rp__mutex_lock(&waiter->mutex);
        for (ULONG i = 0; i < count; i++)
            queue_entry(waiter, &batch[i]);
        if (waiter->deadline_ns != RP_WAIT_FOREVER && waiter->deadline_ns <= rp__monotonic_ns()) {
            waiter->deadline_ns = RP_WAIT_FOREVER;
            waiter->due = true;
            set_readiness(waiter);
        }
    }
    rp__mutex_unlock(&waiter->mutex);
    return 0;
}

/* ---- the loop's side ---- */

void rp__iocp_waiter_tell(rp_iocp_waiter *waiter)
{
    rp__mutex_lock(&waiter->mutex);
    waiter->told = true;
    set_readiness(waiter);
    rp__mutex_unlock(&waiter->mutex);
}

void rp__iocp_waiter_set_deadline(rp_iocp_waiter *waiter, uint64_t deadline_ns)
{
    rp__mutex_lock(&waiter->mutex);
    bool sooner = deadline_ns < waiter->sleeps_until;
    waiter->deadline_ns = deadline_ns;
    waiter->due = false; /* if it still is, the thread will say so again */
    if (sooner)
        waiter->sleeps_until = deadline_ns;
    set_readiness(waiter);
    rp__mutex_unlock(&waiter->mutex);
    if (sooner) {
        waiter->port->base.stats->system_calls++;
        rp__iocp_post(waiter->port, PACKET_WAITER);
    }
}

static bool wait_until_ready(rp_iocp_waiter *waiter, uint64_t end_ns)
{
    if (end_ns == 0)
        return true;
    rp__mutex_lock(&waiter->mutex);
    bool ready = waiter->ready;
    rp__mutex_unlock(&waiter->mutex);
    return ready || WaitForSingleObject(waiter->event, rp__iocp_wait_ms(waiter->port, end_ns)) ==
                        WAIT_OBJECT_0;
}

unsigned rp__iocp_waiter_take(rp_iocp_waiter *waiter, OVERLAPPED_ENTRY *entries, unsigned room,
                              uint64_t end_ns)
{
    (void)wait_until_ready(waiter, end_ns);
    rp__mutex_lock(&waiter->mutex);
    unsigned count = 0;
    for (; count < room && count < waiter->count; count++)
        entries[count] = waiter->queue[count];
    size_t left = waiter->count - count;
    for (size_t i = 0; i < left; i++)
        waiter->queue[i] = waiter->queue[count + i];
    waiter->count = left;
    waiter->told = waiter->due = false;
    set_readiness(waiter);
    if (count > 0)
        WakeConditionVariable(&waiter->room);
    rp__mutex_unlock(&waiter->mutex);
    return count;
}

rp_waitable rp__iocp_waiter_waitable(const rp_iocp_waiter *waiter)
{
    return (rp_waitable){(intptr_t)waiter->socket, waiter->event};
}

/* ---- life ---- */

/* A datagram socket on the loopback address, connected to itself. */
static SOCKET open_signal(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int size = sizeof(address);
    u_long yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOCKET signal = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (signal == INVALID_SOCKET)
        return INVALID_SOCKET;
    if (bind(signal, (struct sockaddr *)&address, size) == 0 &&
        getsockname(signal, (struct sockaddr *)&address, &size) == 0 &&
        connect(signal, (struct sockaddr *)&address, size) == 0 &&
        ioctlsocket(signal, (long)FIONBIO, &yes) == 0)
        return signal;
    (void)closesocket(signal);
    return INVALID_SOCKET;
}

static void free_waiter(rp_iocp_waiter *waiter)
{
    if (waiter->socket != INVALID_SOCKET)
        (void)closesocket(waiter->socket);
    if (waiter->event != NULL)
        (void)CloseHandle(waiter->event);
    rp__mutex_destroy(&waiter->mutex);
    rp__free(waiter->port->base.memory, waiter);
}

rp_iocp_waiter *rp__iocp_waiter_create(iocp_port *port)
{
    rp_iocp_waiter *waiter = rp__allocate(port->base.memory, sizeof(*waiter));
    if (waiter == NULL)
        return NULL;
    waiter->port = port;
    waiter->deadline_ns = waiter->sleeps_until = RP_WAIT_FOREVER;
    rp__mutex_init(&waiter->mutex);
    InitializeConditionVariable(&waiter->room);
    waiter->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    waiter->socket = open_signal();
    if (waiter->event != NULL && waiter->socket != INVALID_SOCKET)
        waiter->thread = CreateThread(NULL, 0, waiter_main, waiter, 0, NULL);
    if (waiter->thread == NULL) {
        free_waiter(waiter);
        return NULL;
    }
    return waiter;
}

void rp__iocp_waiter_destroy(rp_iocp_waiter *waiter)
{
    rp__mutex_lock(&waiter->mutex);
    waiter->stop = true;
    rp__mutex_unlock(&waiter->mutex);
    WakeConditionVariable(&waiter->room);
    rp__iocp_post(waiter->port, PACKET_WAITER);
    RP_ASSERT(WaitForSingleObject(waiter->thread, INFINITE) == WAIT_OBJECT_0);
    (void)CloseHandle(waiter->thread);
    free_waiter(waiter);
}
