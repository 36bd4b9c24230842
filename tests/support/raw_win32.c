/* raw_win32.c - raw.h for Windows. */
#include "support/raw.h"

/* clang-format off */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 10000

/* Not cmocka's: this is called from threads too. */
static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "%s: error %lu\n", what, GetLastError());
    abort();
}

/* Every function that makes a socket calls it; the system counts, and nobody gives the last one
 * back. The first socket of a process, and the first look for an extension, open handles that
 * stay: it is made here, before anybody counts. */
static void start_winsock(void)
{
    static bool started;
    WSADATA data;
    if (started)
        return;
    require(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
    SOCKET first = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    require(first != INVALID_SOCKET, "socket");
    GUID id = WSAID_CONNECTEX;
    void *function = NULL;
    DWORD bytes = 0;
    require(WSAIoctl(first, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function,
                     sizeof(function), &bytes, NULL, NULL) == 0,
            "ConnectEx");
    require(closesocket(first) == 0, "closesocket");
    started = true;
}

/* ---- sockets ---- */

static bool system_connected(raw_socket socket, int wait_ms);
static void system_close(raw_socket socket);

static int to_sockaddr(struct sockaddr_storage *storage, const rp_address *address)
{
    memset(storage, 0, sizeof(*storage));
    if (address->family == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
        memcpy(&in.sin_addr, address->bytes, 4);
        memcpy(storage, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    memcpy(&in6.sin6_addr, address->bytes, 16);
    memcpy(storage, &in6, sizeof(in6));
    return sizeof(in6);
}

static uint16_t local_port(SOCKET handle)
{
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    require(getsockname(handle, (struct sockaddr *)&storage, &size) == 0, "getsockname");
    if (storage.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&storage)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
}

static void set_blocking(SOCKET handle, bool blocking)
{
    u_long value = blocking ? 0 : 1;
    require(ioctlsocket(handle, (long)FIONBIO, &value) == 0, "FIONBIO");
}

static void set_option(SOCKET handle, int option, const void *value, size_t size)
{
    require(setsockopt(handle, SOL_SOCKET, option, value, (int)size) == 0, "setsockopt");
}

static void limit_waits(SOCKET handle)
{
    DWORD limit = WAIT_MS;
    set_option(handle, SO_RCVTIMEO, &limit, sizeof(limit));
    set_option(handle, SO_SNDTIMEO, &limit, sizeof(limit));
}

static SOCKET new_socket(uint8_t family)
{
    start_winsock();
    SOCKET handle = WSASocketW(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    require(handle != INVALID_SOCKET, "socket");
    limit_waits(handle);
    return handle;
}

bool raw_has_address(const rp_address *address)
{
    struct sockaddr_storage storage;
    int size = to_sockaddr(&storage, address);
    start_winsock();
    SOCKET handle = socket(storage.ss_family, SOCK_STREAM, IPPROTO_TCP);
    bool has = handle != INVALID_SOCKET && bind(handle, (struct sockaddr *)&storage, size) == 0;
    if (handle != INVALID_SOCKET)
        (void)closesocket(handle);
    return has;
}

static raw_socket system_bind(rp_address *address)
{
    struct sockaddr_storage storage;
    int size = to_sockaddr(&storage, address);
    SOCKET handle = new_socket(address->family);
    require(bind(handle, (struct sockaddr *)&storage, size) == 0, "bind");
    address->port = local_port(handle);
    return (raw_socket)handle;
}

static raw_socket system_listen(rp_address *address, int backlog)
{
    raw_socket socket = system_bind(address);
    require(listen((SOCKET)socket, backlog) == 0, "listen");
    return socket;
}

static raw_socket system_connect(const rp_address *address)
{
    struct sockaddr_storage storage;
    int size = to_sockaddr(&storage, address);
    SOCKET handle = new_socket(address->family);
    require(connect(handle, (struct sockaddr *)&storage, size) == 0, "connect");
    return (raw_socket)handle;
}

static raw_socket system_connect_start(const rp_address *address)
{
    struct sockaddr_storage storage;
    int size = to_sockaddr(&storage, address);
    SOCKET handle = new_socket(address->family);
    set_blocking(handle, false);
    int status = connect(handle, (struct sockaddr *)&storage, size);
    require(status == 0 || WSAGetLastError() == WSAEWOULDBLOCK, "connect");
    return (raw_socket)handle;
}

static bool poll_for(raw_socket socket, short events, int wait_ms)
{
    WSAPOLLFD item = {.fd = (SOCKET)socket, .events = events};
    int count = WSAPoll(&item, 1, wait_ms);
    require(count >= 0, "WSAPoll");
    return count > 0;
}

static bool system_connected(raw_socket socket, int wait_ms)
{
    return poll_for(socket, POLLOUT, wait_ms);
}

static bool system_readable(raw_socket socket, int wait_ms)
{
    return poll_for(socket, POLLIN, wait_ms);
}

static raw_socket system_accept(raw_socket listener)
{
    SOCKET handle = accept((SOCKET)listener, NULL, NULL);
    require(handle != INVALID_SOCKET, "accept");
    limit_waits(handle);
    return (raw_socket)handle;
}

static int limited(size_t size)
{
    return size < INT32_MAX ? (int)size : INT32_MAX;
}

static void system_send(raw_socket socket, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        int sent = send((SOCKET)socket, next, limited(size), 0);
        require(sent > 0, "send");
        next += sent;
        size -= (size_t)sent;
    }
}

static size_t system_send_some(raw_socket socket, const void *data, size_t size)
{
    set_blocking((SOCKET)socket, false);
    int sent = send((SOCKET)socket, data, limited(size), 0);
    require(sent > 0 || WSAGetLastError() == WSAEWOULDBLOCK, "send");
    set_blocking((SOCKET)socket, true);
    return sent > 0 ? (size_t)sent : 0;
}

static size_t system_receive(raw_socket socket, void *data, size_t size)
{
    int got = recv((SOCKET)socket, data, limited(size), 0);
    require(got >= 0, "recv");
    return (size_t)got;
}

size_t raw_receive_unless_reset(raw_socket socket, void *data, size_t size)
{
    int got = recv((SOCKET)socket, data, limited(size), 0);
    require(got >= 0 || WSAGetLastError() == WSAECONNRESET, "recv");
    return got > 0 ? (size_t)got : 0;
}

bool raw_send_unless_reset(raw_socket socket, const void *data, size_t size)
{
    int sent = send((SOCKET)socket, data, limited(size), 0);
    require(sent == limited(size) || WSAGetLastError() == WSAECONNRESET ||
                WSAGetLastError() == WSAECONNABORTED,
            "send");
    return sent == limited(size);
}

static void system_shutdown_send(raw_socket socket)
{
    require(shutdown((SOCKET)socket, SD_SEND) == 0, "shutdown");
}

static void system_reset(raw_socket socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    set_option((SOCKET)socket, SO_LINGER, &linger, sizeof(linger));
    system_close(socket);
}

static void system_close(raw_socket socket)
{
    require(closesocket((SOCKET)socket) == 0, "closesocket");
}

static void system_small_receive_buffer(raw_socket socket)
{
    int size = 4096;
    set_option((SOCKET)socket, SO_RCVBUF, &size, sizeof(size));
}

static rp_address from_sockaddr(const struct sockaddr_storage *storage)
{
    rp_address address = {.family = 4};
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        address.port = ntohs(in->sin_port);
        memcpy(address.bytes, &in->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
        address.family = 6;
        address.port = ntohs(in6->sin6_port);
        memcpy(address.bytes, &in6->sin6_addr, 16);
    }
    return address;
}

raw_socket raw_udp_bind(rp_address *address)
{
    struct sockaddr_storage storage;
    int size = to_sockaddr(&storage, address);
    start_winsock();
    SOCKET handle = WSASocketW(storage.ss_family, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    require(handle != INVALID_SOCKET, "socket");
    require(bind(handle, (struct sockaddr *)&storage, size) == 0, "bind");
    set_blocking(handle, false);
    address->port = local_port(handle);
    return (raw_socket)handle;
}

static rp_address system_peer(raw_socket socket)
{
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    require(getpeername((SOCKET)socket, (struct sockaddr *)&storage, &size) == 0, "getpeername");
    return from_sockaddr(&storage);
}

size_t raw_udp_receive(raw_socket socket, void *data, size_t size, rp_address *from)
{
    struct sockaddr_storage storage;
    int length = sizeof(storage);
    int got =
        recvfrom((SOCKET)socket, data, limited(size), 0, (struct sockaddr *)&storage, &length);
    if (got <= 0)
        return 0;
    *from = from_sockaddr(&storage);
    return (size_t)got;
}

void raw_udp_send(raw_socket socket, const void *data, size_t size, const rp_address *to)
{
    struct sockaddr_storage storage;
    int length = to_sockaddr(&storage, to);
    (void)sendto((SOCKET)socket, data, limited(size), 0, (struct sockaddr *)&storage, length);
}

const int raw_code_refused = WSAECONNREFUSED, raw_code_unreachable = WSAENETUNREACH;

/* ---- process ---- */

/* Handles are multiples of four, and the lowest free one is given: a peak of so many handles
 * reaches so far. */
static ULONG_PTR most_handles = 1024;

/* Wine says 0 of every process. Its list of all handles in the system (NtQuerySystemInformation)
 * must not be asked for: Wine 8's server crashes when a process that starts or ends has none. */
static size_t system_open_descriptors(void)
{
    DWORD count = 0, flags;
    start_winsock();
    require(GetProcessHandleCount(GetCurrentProcess(), &count), "GetProcessHandleCount");
    if (count > 0)
        return count;
    for (ULONG_PTR i = 1; i <= most_handles; i++)
        count += GetHandleInformation((HANDLE)(4 * i), &flags) != 0;
    require(count > 0, "GetHandleInformation");
    return count;
}

/* Windows has none. Under Wine the host's counts, for the process and again for Wine's server, and
 * nobody here can ask for it: what most hosts allow. */
static size_t system_raise_descriptors(size_t wanted)
{
    wanted = wanted < 12000 ? wanted : 12000;
    if (most_handles < wanted + 1024)
        most_handles = wanted + 1024;
    return wanted;
}

static bool system_limits_descriptors(void)
{
    return false;
}

static size_t system_leave_descriptors(size_t more)
{
    require(false, "there is no limit of descriptors to lower");
    return more;
}

static void system_restore_descriptors(size_t limit)
{
    (void)limit;
}

static uint64_t system_clock_ns(void)
{
    LARGE_INTEGER count, frequency;
    require(QueryPerformanceFrequency(&frequency), "QueryPerformanceFrequency");
    require(QueryPerformanceCounter(&count), "QueryPerformanceCounter");
    uint64_t ticks = (uint64_t)count.QuadPart, per_s = (uint64_t)frequency.QuadPart;
    return ticks / per_s * 1000000000u + ticks % per_s * 1000000000u / per_s;
}

static uint64_t to_ns(FILETIME time)
{
    return ((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) * 100;
}

uint64_t raw_cpu_ns(void)
{
    FILETIME created, ended, kernel, user;
    require(GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user),
            "GetProcessTimes");
    return to_ns(kernel) + to_ns(user);
}

/* Sleep counts ticks of a coarser clock and may come back early. */
static void system_sleep_ms(unsigned ms)
{
    uint64_t until_ns = system_clock_ns() + (uint64_t)ms * 1000000u;
    Sleep(ms);
    while (system_clock_ns() < until_ns)
        Sleep(1);
}

struct raw_thread {
    HANDLE thread;
    void (*fn)(void *);
    void *argument;
};

static DWORD WINAPI thread_main(void *argument)
{
    raw_thread *thread = argument;
    thread->fn(thread->argument);
    return 0;
}

raw_thread *raw_thread_start(void (*fn)(void *), void *argument)
{
    raw_thread *thread = malloc(sizeof(*thread));
    require(thread != NULL, "malloc");
    thread->fn = fn;
    thread->argument = argument;
    thread->thread = CreateThread(NULL, 0, thread_main, thread, 0, NULL);
    require(thread->thread != NULL, "CreateThread");
    return thread;
}

void raw_thread_join(raw_thread *thread)
{
    require(WaitForSingleObject(thread->thread, INFINITE) == WAIT_OBJECT_0, "WaitForSingleObject");
    require(CloseHandle(thread->thread), "CloseHandle");
    free(thread);
}

/* ---- watching ---- */

/* Windows has two ways to watch a socket; the third is the second once more. */
const char *raw_watch_name(raw_watch watch)
{
    static const char *const names[] = {"select", "WSAPoll", "WSAPoll"};
    return names[watch];
}

static bool wait_select(SOCKET handle, int wait_ms)
{
    fd_set set;
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = (wait_ms % 1000) * 1000};
    FD_ZERO(&set);
    set.fd_array[set.fd_count++] = handle;
    int count = select(0, &set, NULL, NULL, wait_ms < 0 ? NULL : &wait);
    require(count >= 0, "select");
    return count > 0;
}

raw_watcher raw_watcher_open(raw_watch watch, intptr_t socket)
{
    return (raw_watcher){.watch = watch, .socket = socket, .set = -1};
}

bool raw_watcher_wait(const raw_watcher *watcher, int wait_ms)
{
    if (watcher->watch == RAW_SELECT)
        return wait_select((SOCKET)watcher->socket, wait_ms);
    return system_readable(watcher->socket, wait_ms);
}

void raw_watcher_close(raw_watcher *watcher)
{
    watcher->set = -1;
}

/* ---- the table ---- */

const raw_world raw_system = {
    .bind = system_bind,
    .listen = system_listen,
    .connect = system_connect,
    .connect_start = system_connect_start,
    .connected = system_connected,
    .accept = system_accept,
    .peer = system_peer,
    .readable = system_readable,
    .send = system_send,
    .send_some = system_send_some,
    .receive = system_receive,
    .shutdown_send = system_shutdown_send,
    .reset = system_reset,
    .close = system_close,
    .small_receive_buffer = system_small_receive_buffer,
    .open_descriptors = system_open_descriptors,
    .raise_descriptors = system_raise_descriptors,
    .limits_descriptors = system_limits_descriptors,
    .leave_descriptors = system_leave_descriptors,
    .restore_descriptors = system_restore_descriptors,
    .clock_ns = system_clock_ns,
    .sleep_ms = system_sleep_ms,
};
