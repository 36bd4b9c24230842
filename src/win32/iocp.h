/* iocp.h - what the parts of the completion port's port share: iocp.c waits, iocp_socket.c and
 * iocp_accept.c do what the sockets then can do, pump.c makes the waitable. */
#ifndef RP_WIN32_IOCP_H
#define RP_WIN32_IOCP_H

#include "loop/port.h"
#include "loop/unsent.h"
#include "win32/socket.h"

#include <stdatomic.h>

#define ENTRIES_PER_WAIT 256
/* Of a turn in a host's loop; then it may see to its own sockets. A socket's steps need several
 * system calls each, which cost more than Linux'. */
#define HOST_SHARE 16

/* Operations have the bits of RP_OP_... */
#define CONNECT RP_OP_CONNECT
#define ACCEPT RP_OP_ACCEPT
#define RECEIVE RP_OP_RECEIVE
#define SEND RP_OP_SEND
/* Those that share iocp_socket.in, and the one that has iocp_socket.out. */
#define IN_OPERATIONS (CONNECT | ACCEPT | RECEIVE)
#define OUT_OPERATIONS SEND

/* iocp_socket.flags */
enum {
    /* A receive of no bytes completed, and nothing was seen since that says otherwise. */
    READABLE = 1,
    CLOSING = 2,
    RUNNING = 4,   /* inside rp_iocp_run_socket, which sees to what is to be armed afterwards */
    PARKED = 8,    /* on the list of the starved */
    STARVING = 16, /* to be told, if that was not done yet, and parked; result says of what */
    STARVATION_TOLD = 32,
    GUEST_CAME = 64,
    BOUND = 128
};

typedef struct iocp_socket iocp_socket;
struct iocp_socket {
    rp_socket base;
    rp_link link; /* on ready, starved, free or none */
    SOCKET handle;
    uint8_t family;
    uint8_t started;   /* operations in flight */
    uint8_t decided;   /* of these, those whose result is known and not yet reported */
    uint8_t pending;   /* of these, those that owe a packet: their OVERLAPPED is the kernel's */
    uint8_t cancelled; /* of these, those that were told to end */
    uint8_t flags;
    OVERLAPPED in; /* of connect, accept or receive, which exclude one another */
    OVERLAPPED out;
    rp_io_result result; /* as in */
    rp_io_result send_result;
    rp_unsent unsent;
    iocp_socket *guest; /* a listener's: the socket that the next connection gets */
};

/* A socket provider may be somebody's filter between us and the kernel, one for each family. */
typedef struct iocp_provider {
    LPFN_CONNECTEX connect_ex; /* NULL: the family is not to be had */
    LPFN_ACCEPTEX accept_ex;
    bool skips; /* no packet comes for what succeeds at once */
} iocp_provider;

typedef struct rp_iocp_pump rp_iocp_pump;

/* AcceptEx writes both addresses, 16 bytes longer than they are. */
#define ACCEPT_ADDRESS_BYTES (sizeof(struct sockaddr_in6) + 16)

typedef struct iocp_port {
    rp_port base;
    rp_memory *memory;
    rp_loop_stats *stats;
    HANDLE handle;
    iocp_provider providers[2]; /* IPv4, IPv6 */
    rp_iocp_pump *pump;         /* NULL before waitable() */
    bool in_turn;
    atomic_bool woken; /* a packet says so, and no turn has seen it */
    rp_link ready;     /* sockets to run */
    rp_link starved;   /* listeners waiting for a free descriptor */
    rp_link free;
    size_t free_count, socket_count;
    uint64_t retry_at_ns; /* for the starved ones */
    uint64_t deadline_ns; /* given to waitable_deadline */
    uint8_t *buffer;
    size_t buffer_size, buffer_written;                 /* written: bytes that ever were */
    uint8_t accept_addresses[2 * ACCEPT_ADDRESS_BYTES]; /* of all listeners: nobody reads them */
    OVERLAPPED_ENTRY entries[ENTRIES_PER_WAIT];
} iocp_port;

/* The packets that are no socket's have no key; their number of bytes says what they are. */
enum { PACKET_WAKE = 1, PACKET_PUMP = 2 };

static inline iocp_port *port_of(rp_port *base)
{
    return RP_CONTAINER(base, iocp_port, base);
}

static inline iocp_socket *socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, iocp_socket, base);
}

static inline iocp_port *socket_port(const iocp_socket *socket)
{
    return port_of(socket->base.port);
}

/* ---- iocp.c ---- */

/* Any thread. */
void rp_iocp_post(iocp_port *port, DWORD packet);
/* A wait's end, as Windows counts it: milliseconds from now, rounded up, for waking before it is
 * time would be for nothing. */
DWORD rp_iocp_wait_ms(uint64_t end_ns);
/* A host that watches the waitable can't know that a turn has something to do: tells it, if there
 * is one and this is not inside of a turn. */
void rp_iocp_tell_host(iocp_port *port);
/* After a change of deadline_ns or retry_at_ns. */
void rp_iocp_update_timer(iocp_port *port);

/* ---- pump.c ---- */

/* NULL: it could not be made. */
rp_iocp_pump *rp_iocp_pump_create(iocp_port *port);
void rp_iocp_pump_destroy(rp_iocp_pump *pump);
rp_waitable rp_iocp_pump_waitable(const rp_iocp_pump *pump);
/* Makes the waitable ready until the next rp_iocp_pump_take. */
void rp_iocp_pump_tell(rp_iocp_pump *pump);
void rp_iocp_pump_set_deadline(rp_iocp_pump *pump, uint64_t deadline_ns);
/* Waits until end_ns for what the thread has found; gives the number of entries. */
unsigned rp_iocp_pump_take(rp_iocp_pump *pump, OVERLAPPED_ENTRY *entries, unsigned room,
                           uint64_t end_ns);

/* ---- iocp_socket.c ---- */

static inline bool undecided(const iocp_socket *socket, unsigned operation)
{
    return (socket->started & ~socket->decided & operation) != 0;
}

/* Neither decided nor with the kernel: it is for us to go on with it. */
static inline bool idle(const iocp_socket *socket, unsigned operation)
{
    return undecided(socket, operation) && !(socket->pending & operation);
}

static inline const iocp_provider *provider_of(const iocp_socket *socket)
{
    return &socket_port(socket)->providers[socket->family == 6];
}

void rp_iocp_start(iocp_socket *socket, unsigned operation);
/* Has the socket run in this turn or the next. */
void rp_iocp_enqueue(iocp_socket *socket);
/* A second decision comes too late: what happened first counts. */
void rp_iocp_decide(iocp_socket *socket, unsigned operation, rp_io_result result);
/* True: it was decided, and is no more in flight from here on. */
bool rp_iocp_take_result(iocp_socket *socket, unsigned operation);
/* Closes and frees a socket that has no owner yet, or no more. */
void rp_iocp_discard(iocp_socket *socket);

/* The record for an overlapped call that is about to be made: IN_OPERATIONS or OUT_OPERATIONS. */
OVERLAPPED *rp_iocp_record(iocp_socket *socket, unsigned side);
/* What such a call said: 0, it is done and no packet comes; WSA_IO_PENDING, a packet comes; or an
 * error, and no packet. */
int rp_iocp_call_result(iocp_socket *socket, unsigned operation, bool success);

/* Notes what a packet says; runs no callback. Returns the number of things that it found and that
 * no callback will tell. */
unsigned rp_iocp_note_packet(iocp_socket *socket, const OVERLAPPED_ENTRY *entry);
/* Does what can be done, runs the callbacks; gives the number of things that it found to do. */
unsigned rp_iocp_run_socket(iocp_socket *socket);

/* ---- iocp_accept.c ---- */

void rp_iocp_retry_starved(iocp_port *port);
void rp_iocp_drop_guest(iocp_socket *listener);
/* code: the packet's. Returns the number of things found that no callback will tell. */
unsigned rp_iocp_accept_ended(iocp_socket *listener, int code);
unsigned rp_iocp_run_accept(iocp_socket *listener);

/* ---- the operations of port.h, in both ---- */

rp_io_result rp_iocp_open(rp_port *port, uint8_t family, rp_socket **socket);
rp_io_result rp_iocp_listen(rp_socket *socket, rp_address *address, int backlog);
rp_io_result rp_iocp_bind(rp_socket *socket, const rp_binding *binding);
void rp_iocp_connect(rp_socket *socket, const rp_address *address);
void rp_iocp_accept(rp_socket *socket);
void rp_iocp_receive(rp_socket *socket);
void rp_iocp_send(rp_socket *socket, const rp_slice *slices, size_t count);
void rp_iocp_shutdown_send(rp_socket *socket);
void rp_iocp_keepalive(rp_socket *socket, const rp_keepalive *keepalive);
uint64_t rp_iocp_confirmed(rp_socket *socket);
rp_tcp_numbers rp_iocp_numbers(rp_socket *socket);
rp_address rp_iocp_local(rp_socket *socket);
void rp_iocp_reset_on_close(rp_socket *socket);
void rp_iocp_cancel(rp_socket *socket, unsigned operations);
void rp_iocp_close(rp_socket *socket);

#endif
