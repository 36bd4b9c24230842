/* uring.h - what the parts of the io_uring port share: uring.c (ring, waiting, waking),
 * uring_socket.c (operations and their completions), uring_probe.c (what the kernel does) and
 * uring_end.c (when it does nothing more). */
#ifndef RP_LINUX_URING_H
#define RP_LINUX_URING_H

#include "base/list.h"
#include "base/platform.h"
#include "linux/low_water.h"
#include "loop/port.h"
#include "loop/unsent.h"

#include <liburing.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* Arguments that the kernel reads while a submission is made; one for each submission queue
 * entry. */
typedef union uring_argument {
    struct msghdr message;
    struct sockaddr_in6 address;
} uring_argument;

typedef struct uring_port {
    rp_port base;
    uint64_t process; /* rp__process_mark of its maker */
    rp_link sockets;  /* all of them */
    rp_memory *memory;
    rp_loop_stats *stats;
    struct io_uring ring;
    bool enabled; /* the ring belongs to a thread from the first submission on */
    bool in_turn;
    bool on_valgrind;
    unsigned quiet_cancelled; /* quiet sends that somebody waits for: do not sleep on them */
    rp_pace pace;             /* of completions */
    size_t recent_bytes;      /* received by a turn lately */
    unsigned awaiting;        /* sockets that sent and have not received since */
    rp_gathering gathering;
    struct __kernel_timespec bound; /* read while the submission is made */
    bool bound_seen; /* it had passed before the last wait, and its completion is to come */
    uring_argument *arguments;

    /* Receive buffers: one provided-buffer ring. */
    struct io_uring_buf_ring *buffers;
    uint8_t *buffer_memory;
    uint32_t *buffer_used; /* incremental consumption: bytes already delivered of each buffer */
    unsigned buffer_count;
    size_t buffer_bytes;
    bool buffers_incremental;

    /* Direct descriptors: slots of the ring's file table. */
    int32_t *slots_free;
    unsigned slots_free_count, slots_used, slot_count;

    rp_link owed;     /* sockets that are owed a completion which no CQE brings */
    rp_link tried;    /* quiet sends not yet submitted */
    rp_link settling; /* quiet sends submitted: done, unless a CQE says otherwise */
    rp_link starved;  /* listening sockets that wait for a descriptor */
    uint64_t starved_until_ns;

    int wake_fd, wake_write_fd; /* a pipe */
    char wake_byte;
    bool wake_armed;
    atomic_bool wake_pending;

    bool waitable_made;
    bool submit_again; /* the waitable's timer is for a submission that failed */
    int epoll_fd, timer_fd, event_fd;
    uint64_t armed_deadline_ns;

    /* See uring_end.c. */
    int refused; /* errno of a kernel that takes nothing any more; 0: it does */
    bool ring_closed;
    _Atomic(rp_port *) heir; /* what is opened then is its */
    rp_port_options options;
} uring_port;

typedef struct uring_socket {
    rp_socket base;
    rp_link all_link, owed_link, send_link;
    rp_link starved_link;
    rp_low_water low;
    int fd;
    int slot;           /* direct descriptor, -1: none */
    uint8_t sends;      /* until it has one: see note_send */
    uint8_t started;    /* RP_OP_...: operations whose final completion is still to come */
    uint8_t cancelling; /* those that were cancelled */
    uint8_t owed;       /* those whose final completion no CQE will bring: owed_code */
    bool closing, close_owed;
    bool awaiting;
    bool single;     /* receives one at a time: see become_single */
    bool rests;      /* its receive is started, and begins with the next turn */
    bool send_quiet; /* the piece in flight answers only if it fails */
    bool starvation_told;
    bool shut;       /* by shutdown_send */
    bool send_reset; /* a send was told of the peer's reset */
    int owed_code;   /* errno */
    rp_unsent unsent;
    size_t piece_bytes; /* of the piece in flight */
} uring_socket;

/* The low bits of user_data; the rest points to the socket or port. 0 as a whole: nobody cares. */
enum { TAG_CONNECT = 1, TAG_ACCEPT, TAG_RECEIVE, TAG_SEND, TAG_WAKE, TAG_BOUND, TAG_MASK = 7 };

static inline uring_port *port_of(rp_port *base)
{
    return RP_CONTAINER(base, uring_port, base);
}

static inline uring_socket *socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, uring_socket, base);
}

static inline uring_port *socket_port(const uring_socket *socket)
{
    return port_of(socket->base.port);
}

static inline uint64_t uring_tag(const void *pointer, unsigned tag)
{
    return (uint64_t)(uintptr_t)pointer | tag;
}

/* False in a child of fork: the ring is its parent's, and most of it is memory that both see. */
static inline bool uring_is_ours(const uring_port *port)
{
    return port->process == rp__process_mark();
}

/* Makes room by submitting; NULL if the kernel does not take submissions now. */
struct io_uring_sqe *rp__uring_sqe(uring_port *port);
/* After anything was started outside of a turn: makes the waitable readable. */
void rp__uring_touch(uring_port *port);
bool rp__uring_submit(uring_port *port);

/* Adds a descriptor to those that make the waitable readable. */
bool rp__uring_watch(uring_port *port, int fd);

/* uring_end.c: the port that sockets are opened on when the kernel has refused (NULL: not to be had
 * now, for want of descriptors or memory), openings, and turns. */
rp_port *rp__uring_heir(uring_port *port);
unsigned rp__uring_end_turn(uring_port *port, uint64_t wait_ns);
rp_io_result rp__uring_heir_open(uring_port *port, uint8_t family, rp_socket **socket);

/* uring_probe.c: does the kernel release a file that leaves the table of direct descriptors? */
bool rp__uring_releases_files(void);
/* And does a registered eventfd tell of deferred work? */
bool rp__uring_signals_deferred(void);

/* uring_socket.c */
void rp__uring_socket_completion(uring_port *port, uring_socket *socket, unsigned tag,
                                 const struct io_uring_cqe *cqe);
/* Runs what is owed at the time of the call; returns the number of completions. */
unsigned rp__uring_run_owed(uring_port *port);
/* Every quiet send of the list is done; but not one that has a completion. */
unsigned rp__uring_settle(uring_port *port);
void rp__uring_unsettle(uring_socket *socket);
void rp__uring_retry_starved(uring_port *port);
/* Begins the receives that rest; gathers: and lets answers gather. */
void rp__uring_end_rest(uring_port *port, bool gathers);
/* What has gathered is told; bound: because that has passed. */
void rp__uring_cut(uring_port *port, bool bound);
/* The ring is closed: what is in flight is owed an error. */
void rp__uring_socket_end(uring_socket *socket);
rp_io_result rp__uring_open(rp_port *base, uint8_t family, rp_socket **socket);
rp_io_result rp__uring_listen(rp_socket *base, rp_address *address, int backlog);
rp_io_result rp__uring_bind(rp_socket *base, const rp_binding *binding);
void rp__uring_connect(rp_socket *base, const rp_address *address);
void rp__uring_accept(rp_socket *base);
void rp__uring_receive(rp_socket *base);
void rp__uring_send(rp_socket *base, const rp_slice *slices, size_t count);
void rp__uring_shutdown_send(rp_socket *base);
void rp__uring_keepalive(rp_socket *base, const rp_keepalive *keepalive);
rp_tcp_numbers rp__uring_numbers(rp_socket *socket);
rp_address rp__uring_local(rp_socket *socket);
uint64_t rp__uring_confirmed(rp_socket *base);
void rp__uring_reset_on_close(rp_socket *base);
void rp__uring_cancel(rp_socket *base, unsigned operations);
void rp__uring_close(rp_socket *base);

#endif
