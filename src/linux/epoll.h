/* epoll.h - what the two halves of the epoll port share: epoll.c waits, epoll_socket.c does what
 * the sockets then can do. */
#ifndef RP_LINUX_EPOLL_H
#define RP_LINUX_EPOLL_H

#include "base/platform.h"
#include "loop/gather.h"
#include "loop/port.h"
#include "loop/unsent.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define EVENTS_PER_WAIT 256

/* Operations have the bits of RP_OP_... */
#define CONNECT RP_OP_CONNECT
#define ACCEPT RP_OP_ACCEPT
#define RECEIVE RP_OP_RECEIVE
#define SEND RP_OP_SEND

/* epoll_socket.registered */
enum { INPUT = 1, OUTPUT = 2 };

/* epoll_socket.flags */
enum {
    READABLE = 1, /* an edge said so, and nothing was seen since that says otherwise */
    WRITABLE = 2, /* the same, for this turn */
    ENDING = 4,   /* after the bytes to read there is an end or an error to read as well */
    LISTENING = 8,
    CLOSING = 16,
    RUNNING = 32,         /* inside run_socket, which sees to the registration afterwards */
    PARKED = 64,          /* on a list that does not make a turn owe anything */
    STARVATION_TOLD = 128 /* since the last connection was accepted */
};

typedef struct epoll_socket {
    rp_socket base;
    rp_link all_link;
    rp_link link; /* on ready, quiet, starved, free or none */
    int fd;
    uint8_t started; /* operations in flight */
    uint8_t decided; /* of these, those whose result is known and not yet reported */
    uint8_t registered;
    uint8_t flags;
    rp_io_result result; /* of connect, accept or receive, which exclude one another */
    rp_io_result send_result;
    rp_unsent unsent;
} epoll_socket;

typedef struct epoll_port {
    rp_port base;
    uint64_t process; /* rp_process_mark of its maker */
    rp_link sockets;  /* all of them but the free ones */
    rp_memory *memory;
    rp_loop_stats *stats;
    int fd, wake_fd, timer_fd; /* timer_fd: -1 before waitable() */
    bool in_turn;
    bool no_pwait2;
    rp_gather gather;
    atomic_bool woken; /* wake_fd was written and no turn has seen it */
    rp_link ready;     /* sockets to run */
    rp_link quiet;     /* sockets with a sent one to report when there is something else to do */
    rp_link starved;   /* listeners waiting for a free descriptor */
    rp_link free;
    size_t free_count, socket_count;
    uint64_t retry_at_ns;  /* for the starved ones */
    uint64_t deadline_ns;  /* given to waitable_deadline */
    uint64_t timer_due_ns; /* what timer_fd is set to */
    uint8_t *buffer;
    size_t buffer_size, buffer_written; /* written: bytes that ever were */
    struct epoll_event events[EVENTS_PER_WAIT];
} epoll_port;

/* False in a child of fork: registrations and sockets are its parent's. Then the system calls that
 * change or take something fail with EAGAIN, without being made. */
static inline bool epoll_is_ours(const epoll_port *port)
{
    if (port->process == rp_process_mark())
        return true;
    errno = EAGAIN;
    return false;
}

static inline epoll_port *port_of(rp_port *base)
{
    return RP_CONTAINER(base, epoll_port, base);
}

static inline epoll_socket *socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, epoll_socket, base);
}

static inline epoll_port *socket_port(epoll_socket *socket)
{
    return port_of(socket->base.port);
}

/* Counted in the statistics. data comes back in the event. */
int rp_epoll_ctl(epoll_port *port, int operation, int fd, uint32_t events, void *data);
void rp_epoll_close_fd(epoll_port *port, int fd);

/* A host that watches the waitable can't know that a turn has something to do: tells it, if there
 * is one and this is not inside of a turn. */
void rp_epoll_tell_host(epoll_port *port);
/* After a change of deadline_ns or retry_at_ns. */
void rp_epoll_update_timer(epoll_port *port);

/* Has the socket run in this turn or the next. */
void rp_epoll_enqueue(epoll_socket *socket);
/* Enqueues all sockets of the list quiet or starved. */
void rp_epoll_unpark_all(rp_link *list);
void rp_epoll_retry_starved(epoll_port *port);
/* Notes what epoll_wait said; runs no callback. */
void rp_epoll_note_events(epoll_socket *socket, uint32_t events);
/* Does what can be done, runs the callbacks; gives the number of things that it found to do. */
unsigned rp_epoll_run_socket(epoll_socket *socket);

/* The operations of port.h. */
rp_io_result rp_epoll_open(rp_port *port, uint8_t family, rp_socket **socket);
rp_io_result rp_epoll_listen(rp_socket *socket, rp_address *address, int backlog);
rp_io_result rp_epoll_bind(rp_socket *base, const rp_binding *binding);
void rp_epoll_connect(rp_socket *socket, const rp_address *address);
void rp_epoll_accept(rp_socket *socket);
void rp_epoll_receive(rp_socket *socket);
void rp_epoll_send(rp_socket *socket, const rp_slice *slices, size_t count);
void rp_epoll_shutdown_send(rp_socket *socket);
void rp_epoll_keepalive(rp_socket *socket, const rp_keepalive *keepalive);
rp_tcp_numbers rp_epoll_numbers(rp_socket *socket);
rp_address rp_epoll_local(rp_socket *socket);
uint64_t rp_epoll_confirmed(rp_socket *socket);
void rp_epoll_reset_on_close(rp_socket *socket);
void rp_epoll_cancel(rp_socket *socket, unsigned operations);
void rp_epoll_close(rp_socket *socket);

#endif
