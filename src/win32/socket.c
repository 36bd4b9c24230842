/* socket.c - addresses and sockets of Windows. */
#include "win32/socket.h"

#include "base/assert.h"

#include <limits.h>
#include <mstcpip.h>
#include <string.h>

/* ws2ipdef.h of Windows' SDK; MinGW's has no TCP_KEEPCNT. */
#ifndef TCP_MAXRT
#define TCP_MAXRT 5
#endif
#ifndef TCP_KEEPCNT
#define TCP_KEEPCNT 16
#endif

int rp__sockaddr_set(struct sockaddr_storage *target, const rp_address *address)
{
    memset(target, 0, sizeof(*target));
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

rp_io_result rp__socket_open(uint8_t family, SOCKET *handle)
{
    *handle = WSASocketW(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (*handle == INVALID_SOCKET)
        return rp__open_result(WSAGetLastError());
    u_long yes = 1;
    if (ioctlsocket(*handle, (long)FIONBIO, &yes) != 0) {
        rp_io_result result = rp__open_result(WSAGetLastError());
        (void)closesocket(*handle);
        *handle = INVALID_SOCKET;
        return result;
    }
    int on = 1;
    (void)setsockopt(*handle, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on));
    return (rp_io_result){RP_OK, 0};
}

static DWORD at_most(uint64_t value, DWORD most)
{
    return value < most ? (DWORD)value : most;
}

static void set_option(SOCKET handle, int name, DWORD value)
{
    (void)setsockopt(handle, IPPROTO_TCP, name, (const char *)&value, sizeof(value));
}

/* SIO_KEEPALIVE_VALS sets all but the number of probes, which is 10 before Windows 10, 1703. */
void rp__socket_keepalive(SOCKET handle, const rp_keepalive *keepalive)
{
    if (keepalive->unconfirmed_ms != RP_NEVER_MS)
        set_option(handle, TCP_MAXRT, at_most((keepalive->unconfirmed_ms + 999) / 1000, INT_MAX));
    if (keepalive->idle_ms == RP_NEVER_MS)
        return;
    struct tcp_keepalive values = {
        .onoff = 1,
        .keepalivetime = at_most(keepalive->idle_ms, INT_MAX),
        .keepaliveinterval = at_most(rp__keepalive_interval_s(keepalive) * 1000, INT_MAX)};
    DWORD size = 0;
    (void)WSAIoctl(handle, SIO_KEEPALIVE_VALS, &values, sizeof(values), NULL, 0, &size, NULL, NULL);
    set_option(handle, TCP_KEEPCNT, 3);
}

/* SIO_TCP_INFO and TCP_INFO_v0 of mstcpip.h, which shows them to builds for 1703 alone. */
#define TCP_INFO_ASKED _WSAIORW(IOC_VENDOR, 39)
typedef struct tcp_info {
    int32_t state;
    uint32_t mss;
    uint64_t connection_time_ms;
    uint8_t timestamps_enabled;
    uint32_t rtt_us, min_rtt_us, bytes_in_flight, cwnd, snd_wnd, rcv_wnd, rcv_buf;
    uint64_t bytes_out, bytes_in;
    uint32_t bytes_reordered, bytes_retrans, fast_retrans, dup_acks_in, timeout_episodes;
    uint8_t syn_retrans;
} tcp_info;
_Static_assert(sizeof(tcp_info) == 88, "as Windows has it");

/* It counts bytes that were sent again, not segments. */
rp_tcp_numbers rp__socket_numbers(SOCKET handle)
{
    DWORD version = 0, size = 0;
    tcp_info info = {0};
    if (WSAIoctl(handle, TCP_INFO_ASKED, &version, sizeof(version), &info, sizeof(info), &size,
                 NULL, NULL) != 0 ||
        size < sizeof(info))
        return (rp_tcp_numbers){.known = false};
    uint32_t mss = info.mss > 0 ? info.mss : 1460;
    return (rp_tcp_numbers){.known = true,
                            .resent = info.bytes_retrans / mss + (info.bytes_retrans % mss > 0) +
                                      info.syn_retrans,
                            .round_trip_us = info.rtt_us};
}

rp_address rp__socket_local(SOCKET handle)
{
    struct sockaddr_storage storage;
    int size = sizeof(storage);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;
    rp_address address = {.family = 0};
    if (getsockname(handle, (struct sockaddr *)&storage, &size) != 0)
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

/* On Windows SO_REUSEADDR would take the port away from whoever listens there. */
rp_io_result rp__socket_listen(SOCKET handle, rp_address *address, int backlog)
{
    struct sockaddr_storage storage;
    int size = rp__sockaddr_set(&storage, address);
    int on = 1;
    (void)setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof(on));
    if (bind(handle, (struct sockaddr *)&storage, size) != 0 || listen(handle, backlog) != 0)
        return rp__listen_result(WSAGetLastError());
    rp_address bound = rp__socket_local(handle);
    if (bound.family == 0)
        return rp__listen_result(WSAGetLastError());
    address->port = bound.port;
    return (rp_io_result){RP_OK, 0};
}

int rp__socket_bind(SOCKET handle, const rp_address *address)
{
    struct sockaddr_storage storage;
    int size = rp__sockaddr_set(&storage, address);
    return bind(handle, (struct sockaddr *)&storage, size) == 0 ? 0 : WSAGetLastError();
}
