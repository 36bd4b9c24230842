/* iocp.h - what the parts of the completion port's port share: iocp.c waits, iocp_socket.c and
 * iocp_accept.c do what the sockets then can do, waiter.c makes the waitable. */
#ifndef RP_WIN32_IOCP_H
#define RP_WIN32_IOCP_H

#include "loop/port_base.h"
#include "win32/socket.h"

#define ENTRIES_PER_WAIT 256
/* Of a turn in a host's loop; then it may see to its own sockets. A socket's steps need several
 * system calls each, which cost more than Linux'. */
#define HOST_SHARE 16

/* rp_base_socket.flags. A socket is READABLE when a receive of no bytes has completed. */
enum {
    STARVING =
        RP_BASE_OWN, /* to be told, if that was not done yet, and parked; result says of what */
    GUEST_CAME = RP_BASE_OWN << 1,
    BOUND = RP_BASE_OWN << 2
};

typedef struct iocp_socket iocp_socket;
struct iocp_socket {
    rp_base_socket base;
    SOCKET handle;
    uint8_t family;
    uint8_t pending;   /* operations that owe a packet: their OVERLAPPED is the kernel's */
    uint8_t cancelled; /* of these, those that were told to end */
    OVERLAPPED in;     /* of RP_BASE_IN */
    OVERLAPPED out;
    iocp_socket *guest; /* a listener's: the socket that the next connection gets */
};

/* A socket provider may be somebody's filter between us and the kernel, one for each family. */
typedef struct iocp_provider {
    LPFN_CONNECTEX connect_ex; /* NULL: the family is not to be had */
    LPFN_ACCEPTEX accept_ex;
    bool skips; /* no packet comes for what succeeds at once */
} iocp_provider;

typedef struct rp_iocp_waiter rp_iocp_waiter;

/* AcceptEx writes both addresses, 16 bytes longer than they are. */
#define ACCEPT_ADDRESS_BYTES (sizeof(struct sockaddr_in6) + 16)

typedef struct iocp_port {
    rp_base_port base;
    HANDLE handle;
    iocp_provider providers[2];                         /* IPv4, IPv6 */
    rp_iocp_waiter *waiter;                             /* NULL before waitable() */
    uint8_t accept_addresses[2 * ACCEPT_ADDRESS_BYTES]; /* of all listeners: nobody reads them */
    OVERLAPPED_ENTRY entries[ENTRIES_PER_WAIT];
} iocp_port;

/* The packets that are no socket's have no key; their number of bytes says what they are. */
enum { PACKET_WAKE = 1, PACKET_WAITER = 2 };

static inline iocp_port *port_of(rp_port *base)
{
    return RP_CONTAINER(base, iocp_port, base.port);
}

static inline iocp_socket *socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, iocp_socket, base.socket);
}

static inline iocp_port *socket_port(const iocp_socket *socket)
{
    return port_of(socket->base.socket.port);
}

/* ---- iocp.c ---- */

/* Any thread. */
void rp__iocp_post(iocp_port *port, DWORD packet);
/* A wait's end, as Windows counts it: milliseconds from now, rounded up, for waking before it is
 * time would be for nothing. */
DWORD rp__iocp_wait_ms(iocp_port *port, uint64_t end_ns);

/* ---- waiter.c ---- */

/* NULL: it could not be made. */
rp_iocp_waiter *rp__iocp_waiter_create(iocp_port *port);
void rp__iocp_waiter_destroy(rp_iocp_waiter *waiter);
rp_waitable rp__iocp_waiter_waitable(const rp_iocp_waiter *waiter);
/* Makes the waitable ready until the next rp__iocp_waiter_take. */
void rp__iocp_waiter_tell(rp_iocp_waiter *waiter);
void rp__iocp_waiter_set_deadline(rp_iocp_waiter *waiter, uint64_t deadline_ns);
/* Waits until end_ns for what the thread has found; returns the number of entries. */
unsigned rp__iocp_waiter_take(rp_iocp_waiter *waiter, OVERLAPPED_ENTRY *entries, unsigned room,
                              uint64_t end_ns);

/* ---- iocp_socket.c ---- */

/* Neither decided nor with the kernel: it is for us to go on with it. */
static inline bool idle(const iocp_socket *socket, unsigned operation)
{
    return rp__base_undecided(&socket->base, operation) && !(socket->pending & operation);
}

static inline const iocp_provider *provider_of(const iocp_socket *socket)
{
    return &socket_port(socket)->providers[socket->family == 6];
}

void rp__iocp_start(iocp_socket *socket, unsigned operation);
/* What is pending is decided by its packet. */
void rp__iocp_decide(iocp_socket *socket, unsigned operation, rp_io_result result);
/* Closes and frees a socket that has no owner yet, or no more. */
void rp__iocp_discard(iocp_socket *socket);

/* The record for an overlapped call that is about to be made: of RP_BASE_IN or RP_OP_SEND. */
OVERLAPPED *rp__iocp_record(iocp_socket *socket, unsigned side);
/* What such a call said: 0, it is done and no packet comes; WSA_IO_PENDING, a packet comes; or an
 * error, and no packet. */
int rp__iocp_call_result(iocp_socket *socket, unsigned operation, bool success);

/* Notes what a packet says; runs no callback. Returns the number of things that it found and that
 * no callback will tell. */
unsigned rp__iocp_note_packet(iocp_socket *socket, const OVERLAPPED_ENTRY *entry);
/* See rp_base_steps. */
unsigned rp__iocp_run_socket(rp_base_socket *base);

/* ---- iocp_accept.c ---- */

void rp__iocp_drop_guest(iocp_socket *listener);
/* code: the packet's. Returns the number of things found that no callback will tell. */
unsigned rp__iocp_accept_ended(iocp_socket *listener, int code);
unsigned rp__iocp_run_accept(iocp_socket *listener);

/* ---- the operations of port.h, in both ---- */

rp_io_result rp__iocp_open(rp_port *port, uint8_t family, rp_socket **socket);
rp_io_result rp__iocp_listen(rp_socket *socket, rp_address *address, int backlog);
rp_io_result rp__iocp_bind(rp_socket *socket, const rp_binding *binding);
void rp__iocp_connect(rp_socket *socket, const rp_address *address);
void rp__iocp_accept(rp_socket *socket);
void rp__iocp_receive(rp_socket *socket);
void rp__iocp_send(rp_socket *socket, const rp_slice *slices, size_t count);
void rp__iocp_shutdown_send(rp_socket *socket);
void rp__iocp_keepalive(rp_socket *socket, const rp_keepalive *keepalive);
uint64_t rp__iocp_confirmed(rp_socket *socket);
rp_tcp_numbers rp__iocp_numbers(rp_socket *socket);
rp_address rp__iocp_local(rp_socket *socket);
void rp__iocp_reset_on_close(rp_socket *socket);
void rp__iocp_cancel(rp_socket *socket, unsigned operations);
void rp__iocp_close(rp_socket *socket);

#endif
