/* port_base.h - what the ports over epoll and over a completion port have in common, which both
 * embed.
 *
 * What a socket's operation comes to is *decided* when it is found out, in the starting call too,
 * and *told* by the socket's run, from a turn. So a turn waits, notes what the system says without
 * running a callback, and then runs the sockets that are in line (`ready`), twice: the second round
 * is for what the callbacks of the first one did at once. A socket that is *parked* is on a list of
 * its own that makes no turn owe anything: quiet sends that are done, told along with something
 * else, and listeners that starve, tried again by and by, or when a descriptor is closed. */
#ifndef RP_LOOP_PORT_BASE_H
#define RP_LOOP_PORT_BASE_H

#include "loop/port.h"
#include "loop/unsent.h"

#include <limits.h>
#include <stdatomic.h>

/* Those that share rp_base_socket.result, for they exclude one another. */
#define RP_BASE_IN (RP_OP_CONNECT | RP_OP_ACCEPT | RP_OP_RECEIVE)

/* rp_base_socket.flags; a port's own begin with RP_BASE_OWN. */
enum {
    RP_BASE_READABLE = 1, /* the system said so, and nothing was seen since that says otherwise */
    RP_BASE_CLOSING = 2,
    RP_BASE_RUNNING = 4, /* inside of its run, which sees to what is due afterwards */
    RP_BASE_PARKED = 8,
    RP_BASE_STARVATION_TOLD = 16, /* since the last connection was accepted */
    RP_BASE_OWN = 32
};

typedef struct rp_base_socket {
    rp_socket socket;
    rp_link all_link;
    rp_link link;    /* on ready, quiet, starved, free or none */
    uint8_t started; /* operations in flight */
    uint8_t decided; /* of these, those whose result is known and not yet told */
    uint8_t flags;
    rp_io_result result; /* of RP_BASE_IN */
    rp_io_result send_result;
    rp_unsent unsent;
} rp_base_socket;

typedef struct rp_base_port rp_base_port;

/* What differs. */
typedef struct rp_base_steps {
    size_t socket_bytes; /* of the port's own structure, which begins with the rp_base_socket */
    unsigned host_share; /* sockets that are run in a round of a host's loop: it has its own, too */
    /* Waits until end_ns at most and notes what came; no callback. Returns the number of things
     * found that no callback will tell. *over: the turn ends, though nothing may come of what was
     * found. */
    unsigned (*wait)(rp_base_port *port, uint64_t end_ns, bool *over);
    /* Does what can be done for the socket, runs its callbacks. Returns the number of things found.
     * */
    unsigned (*run)(rp_base_socket *socket);
    /* The waitable: makes it ready; has it ready at a time, RP_WAIT_FOREVER: at none. */
    void (*tell_host)(rp_base_port *port);
    void (*set_timer)(rp_base_port *port, uint64_t due_ns);
} rp_base_steps;

struct rp_base_port {
    rp_port port;
    const rp_base_steps *steps;
    uint64_t process; /* rp__process_mark of its maker */
    rp_memory *memory;
    rp_loop_stats *stats;
    bool hosted; /* the waitable was asked for */
    bool in_turn;
    atomic_bool woken; /* by another thread, and no turn has seen it */
    rp_link sockets;   /* all of them but the free ones */
    rp_link ready;     /* those to run */
    rp_link quiet;     /* those with a sent one to tell of when there is something else to do */
    rp_link starved;   /* listeners waiting for a free descriptor, or memory */
    rp_link free;
    size_t free_count;
    uint64_t retry_at_ns;               /* for the starved ones */
    uint64_t deadline_ns;               /* given to waitable_deadline */
    uint8_t *buffer;                    /* of all receives */
    size_t buffer_size, buffer_written; /* written: bytes that ever were */
};

/* ---- the port ---- */

/* A port of so many bytes, which begins with the rp_base_port; NULL: no memory. */
void *rp__base_create(const rp_port_options *options, const rp_port_ops *ops,
                      const rp_base_steps *steps, size_t bytes);
void rp__base_free(rp_base_port *port);

/* False in a child of fork: the port is its parent's. */
bool rp__base_is_ours(const rp_base_port *port);

/* To be called by waitable(), when it was made; and after a change of deadline_ns. */
void rp__base_host(rp_base_port *port);
void rp__base_update_timer(rp_base_port *port);
/* A host that watches the waitable can't know that a turn has something to do: tells it, if there
 * is one and this is not inside of a turn. */
void rp__base_tell_host(rp_base_port *port);
/* For rp_port_ops. */
void rp__base_waitable_deadline(rp_port *port, uint64_t deadline_ns);

/* Acquires what the waking threads wrote before. Returns 1: that was found. */
unsigned rp__base_see_wake(rp_base_port *port);

unsigned rp__base_turn(rp_base_port *port, uint64_t wait_ns);

/* ---- sockets ---- */

static inline rp_base_port *rp__base_port_of(const rp_base_socket *socket)
{
    return RP_CONTAINER(socket->socket.port, rp_base_port, port);
}

/* A socket without a descriptor, its bytes 0; NULL: no memory. */
void *rp__base_socket_new(rp_base_port *port);
void rp__base_socket_free(rp_base_socket *socket);

/* Has the socket run in this turn or the next. */
void rp__base_enqueue(rp_base_socket *socket);

void rp__base_start(rp_base_socket *socket, unsigned operation);
void rp__base_start_send(rp_base_socket *socket, const rp_slice *slices, size_t count);

static inline bool rp__base_undecided(const rp_base_socket *socket, unsigned operation)
{
    return (socket->started & ~socket->decided & operation) != 0;
}

/* A second decision comes too late: what happened first counts. */
void rp__base_decide(rp_base_socket *socket, unsigned operation, rp_io_result result);
/* A quiet send that is done waits no longer: it is to be cancelled. */
void rp__base_cancel_quiet(rp_base_socket *socket, unsigned operations);

/* Runs the final callback of an operation that is decided. Returns 1: it was. */
unsigned rp__base_tell(rp_base_socket *socket, unsigned operation);
/* Hands on bytes that were read into the port's buffer. */
void rp__base_deliver(rp_base_socket *socket, size_t bytes);
/* Hands on a connection that was accepted. */
void rp__base_welcome(rp_base_socket *listener, rp_base_socket *peer);
/* The descriptor is closed: tells it, and frees the socket. */
void rp__base_closed(rp_base_socket *socket);

/* Nobody knows when a descriptor or memory becomes free, but at the next close, or soon: parks the
 * listener until then. */
void rp__base_starve(rp_base_socket *listener);
/* Returns 1: of this starvation that was not told yet. */
unsigned rp__base_tell_starvation(rp_base_socket *listener, rp_io_result result);

#endif
