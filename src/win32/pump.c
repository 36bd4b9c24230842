/* pump.c - the waitable: a thread that waits on the completion port for a host that can only
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

struct rp_iocp_pump {
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

static void set_ready(rp_iocp_pump *pump)
{
    if (pump->ready)
        return;
    pump->ready = true;
    (void)SetEvent(pump->event);
    if (!pump->late_signal)
        (void)send(pump->socket, "!", 1, 0);
    pump->late_signal = false;
}

static void set_unready(rp_iocp_pump *pump)
{
    char byte;
    if (pump->ready)
        (void)ResetEvent(pump->event);
    pump->ready = false;
    pump->late_signal = recv(pump->socket, &byte, 1, 0) < 0;
}

static void set_readiness(rp_iocp_pump *pump)
{
    if (pump->count > 0 || pump->told || pump->due)
        set_ready(pump);
    else if (pump->ready || pump->late_signal)
        set_unready(pump);
}

/* ---- the thread ---- */

static void queue_entry(rp_iocp_pump *pump, const OVERLAPPED_ENTRY *entry)
{
    if (entry->lpCompletionKey == 0 && entry->dwNumberOfBytesTransferred == PACKET_PUMP)
        return;
    while (pump->count == QUEUE_ENTRIES && !pump->stop)
        (void)SleepConditionVariableSRW(&pump->room, &pump->mutex, INFINITE, 0);
    if (pump->count < QUEUE_ENTRIES)
        pump->queue[pump->count++] = *entry;
    set_readiness(pump);
}

static DWORD WINAPI pump_main(void *argument)
{
    rp_iocp_pump *pump = argument;
    OVERLAPPED_ENTRY batch[BATCH_ENTRIES];
    rp_mutex_lock(&pump->mutex);
    while (!pump->stop) {
        ULONG count = 0;
        pump->sleeps_until = pump->deadline_ns;
        DWORD wait_ms = rp_iocp_wait_ms(pump->deadline_ns);
        rp_mutex_unlock(&pump->mutex);
        if (!GetQueuedCompletionStatusEx(pump->port->handle, batch, BATCH_ENTRIES, &count, wait_ms,
                                         FALSE))
            count = 0;
        rp_mutex_lock(&pump->mutex);
        for (ULONG i = 0; i < count; i++)
            queue_entry(pump, &batch[i]);
        if (pump->deadline_ns != RP_WAIT_FOREVER && pump->deadline_ns <= rp_monotonic_ns()) {
            pump->deadline_ns = RP_WAIT_FOREVER;
            pump->due = true;
            set_readiness(pump);
        }
    }
    rp_mutex_unlock(&pump->mutex);
    return 0;
}

/* ---- the loop's side ---- */

void rp_iocp_pump_tell(rp_iocp_pump *pump)
{
    rp_mutex_lock(&pump->mutex);
    pump->told = true;
    set_readiness(pump);
    rp_mutex_unlock(&pump->mutex);
}

void rp_iocp_pump_set_deadline(rp_iocp_pump *pump, uint64_t deadline_ns)
{
    rp_mutex_lock(&pump->mutex);
    bool sooner = deadline_ns < pump->sleeps_until;
    pump->deadline_ns = deadline_ns;
    pump->due = false; /* if it still is, the thread will say so again */
    if (sooner)
        pump->sleeps_until = deadline_ns;
    set_readiness(pump);
    rp_mutex_unlock(&pump->mutex);
    if (sooner) {
        pump->port->stats->system_calls++;
        rp_iocp_post(pump->port, PACKET_PUMP);
    }
}

static bool wait_until_ready(rp_iocp_pump *pump, uint64_t end_ns)
{
    if (end_ns == 0)
        return true;
    rp_mutex_lock(&pump->mutex);
    bool ready = pump->ready;
    rp_mutex_unlock(&pump->mutex);
    return ready || WaitForSingleObject(pump->event, rp_iocp_wait_ms(end_ns)) == WAIT_OBJECT_0;
}

unsigned rp_iocp_pump_take(rp_iocp_pump *pump, OVERLAPPED_ENTRY *entries, unsigned room,
                           uint64_t end_ns)
{
    (void)wait_until_ready(pump, end_ns);
    rp_mutex_lock(&pump->mutex);
    unsigned count = 0;
    for (; count < room && count < pump->count; count++)
        entries[count] = pump->queue[count];
    size_t left = pump->count - count;
    for (size_t i = 0; i < left; i++)
        pump->queue[i] = pump->queue[count + i];
    pump->count = left;
    pump->told = pump->due = false;
    set_readiness(pump);
    if (count > 0)
        WakeConditionVariable(&pump->room);
    rp_mutex_unlock(&pump->mutex);
    return count;
}

rp_waitable rp_iocp_pump_waitable(const rp_iocp_pump *pump)
{
    return (rp_waitable){(intptr_t)pump->socket, pump->event};
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

static void free_pump(rp_iocp_pump *pump)
{
    if (pump->socket != INVALID_SOCKET)
        (void)closesocket(pump->socket);
    if (pump->event != NULL)
        (void)CloseHandle(pump->event);
    rp_mutex_destroy(&pump->mutex);
    rp_free(pump->port->memory, pump);
}

rp_iocp_pump *rp_iocp_pump_create(iocp_port *port)
{
    rp_iocp_pump *pump = rp_allocate(port->memory, sizeof(*pump));
    if (pump == NULL)
        return NULL;
    pump->port = port;
    pump->deadline_ns = pump->sleeps_until = RP_WAIT_FOREVER;
    rp_mutex_init(&pump->mutex);
    InitializeConditionVariable(&pump->room);
    pump->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    pump->socket = open_signal();
    if (pump->event != NULL && pump->socket != INVALID_SOCKET)
        pump->thread = CreateThread(NULL, 0, pump_main, pump, 0, NULL);
    if (pump->thread == NULL) {
        free_pump(pump);
        return NULL;
    }
    return pump;
}

void rp_iocp_pump_destroy(rp_iocp_pump *pump)
{
    rp_mutex_lock(&pump->mutex);
    pump->stop = true;
    rp_mutex_unlock(&pump->mutex);
    WakeConditionVariable(&pump->room);
    rp_iocp_post(pump->port, PACKET_PUMP);
    RP_ASSERT(WaitForSingleObject(pump->thread, INFINITE) == WAIT_OBJECT_0);
    (void)CloseHandle(pump->thread);
    free_pump(pump);
}
