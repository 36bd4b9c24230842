/* raw_posix.c - raw.h for POSIX systems. */
#include "support/raw.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SECONDS 10

/* Not cmocka's: this is called from threads and forked processes too. */
static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
    abort();
}

/* ---- sockets ---- */

static bool system_connected(raw_socket socket, int wait_ms);
static void system_close(raw_socket socket);

static socklen_t to_sockaddr(struct sockaddr_storage *storage, const rp_address *address)
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

static uint16_t local_port(int fd)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    require(getsockname(fd, (struct sockaddr *)&storage, &size) == 0, "getsockname");
    if (storage.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&storage)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
}

static int new_socket(uint8_t family, int flags)
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | flags;
    int fd = socket(family == 4 ? AF_INET : AF_INET6, type, 0);
    require(fd >= 0, "socket");
    struct timeval limit = {.tv_sec = WAIT_SECONDS};
    require(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0, "SO_RCVTIMEO");
    require(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0, "SO_SNDTIMEO");
    return fd;
}

bool raw_has_address(const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(&storage, address);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&storage, size) == 0;
    if (fd >= 0)
        (void)close(fd);
    return has;
}

static raw_socket system_bind(rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(&storage, address);
    int fd = new_socket(address->family, 0);
    require(bind(fd, (struct sockaddr *)&storage, size) == 0, "bind");
    address->port = local_port(fd);
    return fd;
}

static raw_socket system_listen(rp_address *address, int backlog)
{
    raw_socket socket = system_bind(address);
    require(listen((int)socket, backlog) == 0, "listen");
    return socket;
}

static raw_socket system_connect(const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(&storage, address);
    int fd = new_socket(address->family, 0);
    /* Interrupted, it goes on by itself: the end of an io_uring interrupts what its thread does. */
    if (connect(fd, (struct sockaddr *)&storage, size) != 0) {
        int code = errno;
        socklen_t code_size = sizeof(code);
        require(code == EINTR && system_connected(fd, WAIT_SECONDS * 1000), "connect");
        require(getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_size) == 0, "SO_ERROR");
        require(code == 0, "connect");
    }
    return fd;
}

static raw_socket system_connect_start(const rp_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = to_sockaddr(&storage, address);
    int fd = new_socket(address->family, SOCK_NONBLOCK);
    int status = connect(fd, (struct sockaddr *)&storage, size);
    require(status == 0 || errno == EINPROGRESS, "connect");
    return fd;
}

static bool poll_for(raw_socket socket, short events, int wait_ms)
{
    struct pollfd item = {.fd = (int)socket, .events = events};
    int count;
    do {
        count = poll(&item, 1, wait_ms);
    } while (count < 0 && errno == EINTR);
    require(count >= 0, "poll");
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
    int fd;
    do {
        fd = accept4((int)listener, NULL, NULL, SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    require(fd >= 0, "accept");
    struct timeval limit = {.tv_sec = WAIT_SECONDS};
    require(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0, "SO_RCVTIMEO");
    require(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0, "SO_SNDTIMEO");
    return fd;
}

static void system_send(raw_socket socket, const void *data, size_t size)
{
    const char *next = data;
    while (size > 0) {
        ssize_t sent = send((int)socket, next, size, MSG_NOSIGNAL);
        require(sent > 0 || errno == EINTR, "send");
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        }
    }
}

static size_t system_send_some(raw_socket socket, const void *data, size_t size)
{
    ssize_t sent = send((int)socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    require(sent > 0 || errno == EAGAIN || errno == EINTR, "send");
    return sent > 0 ? (size_t)sent : 0;
}

static ssize_t receive(raw_socket socket, void *data, size_t size)
{
    ssize_t got;
    do {
        got = recv((int)socket, data, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

static size_t system_receive(raw_socket socket, void *data, size_t size)
{
    ssize_t got = receive(socket, data, size);
    require(got >= 0, "recv");
    return (size_t)got;
}

size_t raw_receive_unless_reset(raw_socket socket, void *data, size_t size)
{
    ssize_t got = receive(socket, data, size);
    require(got >= 0 || errno == ECONNRESET, "recv");
    return got > 0 ? (size_t)got : 0;
}

bool raw_send_unless_reset(raw_socket socket, const void *data, size_t size)
{
    ssize_t sent = send((int)socket, data, size, MSG_NOSIGNAL);
    require(sent == (ssize_t)size || errno == ECONNRESET || errno == EPIPE, "send");
    return sent == (ssize_t)size;
}

static void system_shutdown_send(raw_socket socket)
{
    require(shutdown((int)socket, SHUT_WR) == 0, "shutdown");
}

static void system_reset(raw_socket socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    require(setsockopt((int)socket, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0,
            "SO_LINGER");
    system_close(socket);
}

static void system_close(raw_socket socket)
{
    require(close((int)socket) == 0, "close");
}

static void system_small_receive_buffer(raw_socket socket)
{
    int size = 4096;
    require(setsockopt((int)socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0, "SO_RCVBUF");
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
    socklen_t size = to_sockaddr(&storage, address);
    int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(fd >= 0, "socket");
    require(bind(fd, (struct sockaddr *)&storage, size) == 0, "bind");
    address->port = local_port(fd);
    return fd;
}

static rp_address system_peer(raw_socket socket)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    require(getpeername((int)socket, (struct sockaddr *)&storage, &size) == 0, "getpeername");
    return from_sockaddr(&storage);
}

size_t raw_udp_receive(raw_socket socket, void *data, size_t size, rp_address *from)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);
    ssize_t got =
        recvfrom((int)socket, data, size, MSG_DONTWAIT, (struct sockaddr *)&storage, &length);
    if (got <= 0)
        return 0;
    *from = from_sockaddr(&storage);
    return (size_t)got;
}

void raw_udp_send(raw_socket socket, const void *data, size_t size, const rp_address *to)
{
    struct sockaddr_storage storage;
    socklen_t length = to_sockaddr(&storage, to);
    (void)sendto((int)socket, data, size, MSG_NOSIGNAL, (struct sockaddr *)&storage, length);
}

const int raw_code_refused = ECONNREFUSED, raw_code_unreachable = ENETUNREACH;

/* ---- process ---- */

static size_t system_open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    require(directory != NULL, "/proc/self/fd");
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count - 1; /* the directory itself */
}

static void set_soft_limit(size_t limit)
{
    struct rlimit current;
    require(getrlimit(RLIMIT_NOFILE, &current) == 0, "getrlimit");
    current.rlim_cur = limit;
    require(setrlimit(RLIMIT_NOFILE, &current) == 0, "setrlimit");
}

static size_t system_raise_descriptors(size_t wanted)
{
    struct rlimit limit;
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    if (limit.rlim_cur >= wanted)
        return (size_t)limit.rlim_cur;
    if (limit.rlim_max < wanted) {
        struct rlimit raised = {.rlim_cur = wanted, .rlim_max = wanted};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return wanted;
        wanted = (size_t)limit.rlim_max;
    }
    set_soft_limit(wanted);
    return wanted;
}

static bool system_limits_descriptors(void)
{
    return true;
}

static size_t system_leave_descriptors(size_t more)
{
    struct rlimit limit;
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    /* The limit is one above the highest number, and what was closed has left gaps below. */
    size_t highest = 0;
    for (size_t gaps = 0; gaps < more; highest++) {
        if (fcntl((int)highest, F_GETFD) < 0)
            gaps++;
    }
    set_soft_limit(highest);
    return (size_t)limit.rlim_cur;
}

static void system_restore_descriptors(size_t limit)
{
    set_soft_limit(limit);
}

static uint64_t to_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t system_clock_ns(void)
{
    struct timespec now;
    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return to_ns(now);
}

uint64_t raw_cpu_ns(void)
{
    struct timespec now;
    require(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "clock_gettime");
    return to_ns(now);
}

static void system_sleep_ms(unsigned ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0)
        require(errno == EINTR, "nanosleep");
}

struct raw_thread {
    pthread_t thread;
    void (*fn)(void *);
    void *argument;
};

static void *thread_main(void *argument)
{
    raw_thread *thread = argument;
    thread->fn(thread->argument);
    return NULL;
}

raw_thread *raw_thread_start(void (*fn)(void *), void *argument)
{
    raw_thread *thread = malloc(sizeof(*thread));
    require(thread != NULL, "malloc");
    thread->fn = fn;
    thread->argument = argument;
    require(pthread_create(&thread->thread, NULL, thread_main, thread) == 0, "pthread_create");
    return thread;
}

void raw_thread_join(raw_thread *thread)
{
    require(pthread_join(thread->thread, NULL) == 0, "pthread_join");
    free(thread);
}

/* ---- watching ---- */

const char *raw_watch_name(raw_watch watch)
{
    static const char *const names[] = {"select", "poll", "epoll"};
    return names[watch];
}

static bool wait_select(int fd, int wait_ms)
{
    fd_set set;
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = (wait_ms % 1000) * 1000};
    int count;
    require(fd < FD_SETSIZE, "select takes no descriptor of that number");
    do {
        FD_ZERO(&set);
        FD_SET(fd, &set);
        count = select(fd + 1, &set, NULL, NULL, wait_ms < 0 ? NULL : &wait);
    } while (count < 0 && errno == EINTR);
    require(count >= 0, "select");
    return count > 0;
}

static bool wait_epoll(int set, int wait_ms)
{
    struct epoll_event event;
    int count;
    do {
        count = epoll_wait(set, &event, 1, wait_ms);
    } while (count < 0 && errno == EINTR);
    require(count >= 0, "epoll_wait");
    return count > 0;
}

raw_watcher raw_watcher_open(raw_watch watch, intptr_t socket)
{
    raw_watcher watcher = {.watch = watch, .socket = socket, .set = -1};
    if (watch == RAW_EPOLL) {
        struct epoll_event event = {.events = EPOLLIN};
        watcher.set = epoll_create1(EPOLL_CLOEXEC);
        require(watcher.set >= 0, "epoll_create1");
        require(epoll_ctl(watcher.set, EPOLL_CTL_ADD, (int)socket, &event) == 0, "epoll_ctl");
    }
    return watcher;
}

bool raw_watcher_wait(const raw_watcher *watcher, int wait_ms)
{
    switch (watcher->watch) {
    case RAW_SELECT:
        return wait_select((int)watcher->socket, wait_ms);
    case RAW_EPOLL:
        return wait_epoll(watcher->set, wait_ms);
    default:
        return system_readable(watcher->socket, wait_ms);
    }
}

void raw_watcher_close(raw_watcher *watcher)
{
    if (watcher->set >= 0)
        system_close(watcher->set);
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
