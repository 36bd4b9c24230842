/* socket.c - addresses, descriptors and error codes for both Linux ports. */
#include "linux/socket.h"

#include "base/assert.h"
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The name of an abstract socket begins with a NUL and ends with its length (unix(7)). */
static socklen_t set_unix(struct sockaddr_storage *target, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)target;
    size_t size = strlen(path);
    bool abstract = path[0] == '@';
    RP_ASSERT(size <= RP_UNIX_LIMIT);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, size);
    if (abstract)
        un->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + !abstract);
}

socklen_t rp__sockaddr_set(struct sockaddr_storage *target, const rp_address *address)
{
    memset(target, 0, sizeof(*target));
    if (address->family == RP_FAMILY_UNIX)
        return set_unix(target, address->path);
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)target;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->bytes, 4);
        return sizeof(*in);
    }
    RP_ASSERT(address->family == 6);
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)target;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->port);
    in6->sin6_scope_id = address->scope;
    memcpy(&in6->sin6_addr, address->bytes, 16);
    return sizeof(*in6);
}

static rp_status descriptor_status(int os_code)
{
    switch (os_code) {
    case EMFILE:
    case ENFILE:
        return RP_E_NO_DESCRIPTORS;
    case ENOBUFS:
    case ENOMEM:
        return RP_E_NO_MEMORY;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return RP_E_UNSUPPORTED;
    default:
        return RP_E_IO_FAILED;
    }
}

rp_io_result rp__socket_descriptor(uint8_t family, int *fd)
{
    bool tcp = family != RP_FAMILY_UNIX;
    int domain = family == 4 ? AF_INET : tcp ? AF_INET6 : AF_UNIX;
    *fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, tcp ? IPPROTO_TCP : 0);
    if (*fd < 0)
        return (rp_io_result){descriptor_status(errno), errno};
    int on = 1;
    if (!tcp)
        return (rp_io_result){RP_OK, 0};
    (void)setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return (rp_io_result){RP_OK, 0};
}

/* Where a connection is not "interactive" yet, its end of the handshake leaves at once; else with
 * the first bytes, or after 200 ms (tcp_rcv_synsent_state_process). It is a packet less for both
 * ends, and servers wake up once, for the connection and its first bytes. */
void rp__socket_speaks_first(int fd)
{
    int off = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
}

static rp_io_result bind_result(int os_code)
{
    return (rp_io_result){os_code == EADDRINUSE ? RP_E_ADDRESS_IN_USE : RP_E_LOCAL_ADDRESS,
                          os_code};
}

/* Without a port the port is chosen by connect, which knows the other end: several connections may
 * share it then (IP_BIND_ADDRESS_NO_PORT, ip(7)). */
rp_io_result rp__socket_bind(int fd, const rp_binding *binding)
{
    static const uint8_t any[sizeof(binding->address.bytes)];
    struct sockaddr_storage storage;
    const rp_address *address = &binding->address;
    const char *device = binding->device;
    int on = 1;
    if (device != NULL &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0)
        return bind_result(errno);
    if (address->port == 0 && memcmp(address->bytes, any, sizeof(any)) == 0)
        return (rp_io_result){RP_OK, 0};
    if (address->port == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    socklen_t size = rp__sockaddr_set(&storage, address);
    return bind(fd, (struct sockaddr *)&storage, size) == 0 ? (rp_io_result){RP_OK, 0}
                                                            : bind_result(errno);
}

static rp_io_result listen_result(int os_code)
{
    rp_status status = RP_E_IO_FAILED;
    if (os_code == EADDRINUSE)
        status = RP_E_ADDRESS_IN_USE;
    return (rp_io_result){status, os_code};
}

rp_io_result rp__socket_listen(int fd, rp_address *address, int backlog)
{
    struct sockaddr_storage storage;
    socklen_t size = rp__sockaddr_set(&storage, address);
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&storage, size) != 0 || listen(fd, backlog) != 0)
        return listen_result(errno);
    if (address->family == RP_FAMILY_UNIX)
        return (rp_io_result){RP_OK, 0};
    rp_address bound = rp__socket_local(fd);
    if (bound.family == 0)
        return listen_result(errno);
    address->port = bound.port;
    return (rp_io_result){RP_OK, 0};
}

/* What the kernel takes for the two times of keepalive (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL). */
static uint64_t clamp_s(uint64_t seconds)
{
    if (seconds == 0)
        return 1;
    return seconds < 32767 ? seconds : 32767;
}

static void set_option(int fd, int level, int name, uint64_t value)
{
    int number = value < INT_MAX ? (int)value : INT_MAX;
    (void)setsockopt(fd, level, name, &number, sizeof(number));
}

/* TCP_USER_TIMEOUT limits unanswered keepalive probes as well as data, and then their count
 * (TCP_KEEPCNT) has no say (tcp(7)). Since Linux 5.11 it also ends a connection whose peer keeps
 * its window closed for so long, though it answers the probes (tcp_probe_timer). */
void rp__socket_keepalive(int fd, const rp_keepalive *keepalive)
{
    if (keepalive->unconfirmed_ms != RP_NEVER_MS)
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, keepalive->unconfirmed_ms);
    if (keepalive->idle_ms == RP_NEVER_MS)
        return;
    uint64_t idle_s = keepalive->idle_ms / 1000, interval_s = rp__keepalive_interval_s(keepalive);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, clamp_s(idle_s));
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, clamp_s(interval_s));
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* tcpi_bytes_acked of the kernel's struct tcp_info (linux/tcp.h, which has glibc's names too),
 * since Linux 4.1; glibc's structure ends before it. */
#define BYTES_ACKED_AT 120

uint64_t rp__socket_confirmed(int fd)
{
    uint8_t info[BYTES_ACKED_AT + sizeof(uint64_t)];
    uint64_t acked = 0;
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) != 0 || size < sizeof(info))
        return 0;
    memcpy(&acked, info + BYTES_ACKED_AT, sizeof(acked));
    return acked;
}

rp_tcp_numbers rp__socket_numbers(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < sizeof(info))
        return (rp_tcp_numbers){.known = false};
    return (rp_tcp_numbers){
        .known = true, .resent = info.tcpi_total_retrans, .round_trip_us = info.tcpi_rtt};
}

rp_address rp__socket_local(int fd)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;
    rp_address address = {.family = 0};
    if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
        return address;
    if (storage.ss_family == AF_INET) {
        address = (rp_address){.family = 4, .port = ntohs(in->sin_port)};
        memcpy(address.bytes, &in->sin_addr, 4);
    } else if (storage.ss_family == AF_INET6) {
        address =
            (rp_address){.family = 6, .port = ntohs(in6->sin6_port), .scope = in6->sin6_scope_id};
        memcpy(address.bytes, &in6->sin6_addr, 16);
    }
    return address;
}

void rp__socket_reset_on_close(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

rp_io_result rp__transfer_result(int os_code)
{
    switch (os_code) {
    case 0:
        return (rp_io_result){RP_OK, 0};
    case ECONNRESET:
    case EPIPE:
        return (rp_io_result){RP_E_RESET, os_code};
    case ECANCELED:
        return (rp_io_result){RP_E_CANCELLED, 0};
    default:
        return (rp_io_result){RP_E_IO_FAILED, os_code};
    }
}

rp_io_result rp__connect_result(int os_code)
{
    switch (os_code) {
    case 0:
        return (rp_io_result){RP_OK, 0};
    case ECANCELED:
        return (rp_io_result){RP_E_CANCELLED, 0};
    case EAGAIN: /* of a Unix socket: its queue is full (connect(2)) */
    case ECONNREFUSED:
        return (rp_io_result){RP_E_CONNECT_REFUSED, os_code};
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return (rp_io_result){RP_E_CONNECT_UNREACHABLE, os_code};
    case EADDRNOTAVAIL:
        return (rp_io_result){RP_E_NO_LOCAL_PORTS, os_code};
    default:
        return (rp_io_result){RP_E_CONNECT_FAILED, os_code};
    }
}

uint64_t rp__monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void rp__timer_fd_set(int fd, uint64_t due_ns)
{
    struct itimerspec setting = {0};
    if (due_ns != RP_WAIT_FOREVER) {
        setting.it_value.tv_sec = (time_t)(due_ns / 1000000000u);
        setting.it_value.tv_nsec = (long)(due_ns % 1000000000u);
        if (due_ns == 0)
            setting.it_value.tv_nsec = 1; /* 0 would switch it off */
    }
    RP_ASSERT(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL) == 0);
}

void rp__random_bytes(void *bytes, size_t size)
{
    uint8_t *next = bytes;
    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);
        RP_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            next += got;
            size -= (size_t)got;
        }
    }
}

/* A text that stays, whatever other threads ask. strerror's does with musl, which has a table. */
#ifdef __GLIBC__
#define describe(os_code) strerrordesc_np(os_code)
#else
#define describe(os_code) strerror(os_code)
#endif

const char *rp__os_error_text(int os_code)
{
    const char *text = describe(os_code);
    return text != NULL ? text : "unknown error";
}
