/* sim.h - the simulator's inside.
 *
 *   sim.c       time and chance: the events' heap, the random streams, the trace, faults, names
 *   tls.c       wolfSSL's randomness from the seed
 *   wire.c      a connection between two sockets: bytes, ends and resets on their way
 *   socket.c    the port contract's sockets on wires: what is decided when, by chance
 *   port.c      the port contract's port: turns, virtual time, turning the other loops along
 *   server.c    the scripted server, on streams, so on any loop; server_script.c its steps;
 *               server_h1.c and server_h2*.c what it speaks; request.c the requests' parser;
 *               credentials.c its certificate
 *
 * Everything that happens later is an event in one heap. Events fire when virtual time comes to
 * them, and time moves only when nobody has anything to do. An event changes the network and what
 * is decided about an operation; the port's callbacks run from turns only. */
#ifndef RP_SIM_SIM_H
#define RP_SIM_SIM_H

#include "base/error.h"
#include "loop/loop.h"
#include <ringport/sim.h>

#include <stdatomic.h>

#define SIM_US 1000u
#define SIM_MS 1000000u
#define SIM_DEVICE "sim0"                      /* the one network interface */
#define SIM_BEGIN_NS ((uint64_t)1000 * SIM_MS) /* 0 means "not yet" here and there */

typedef struct sim_event sim_event;
struct sim_event {
    void (*fn)(sim_event *event);
    uint64_t at_ns, order;
    size_t place; /* in the heap, and one; 0: not in it */
};

typedef struct sim_random {
    uint64_t state;
} sim_random;

typedef struct sim_name {
    rp_link link;
    uint32_t ttl_s;
    size_t count;
    rp_address addresses[16];
    char name[];
} sim_name;

typedef struct sim_host {
    rp_link link;
    rp_address address;
} sim_host;

typedef struct sim_break {
    rp_sim_fault fault;
    unsigned direction;
    uint64_t at_byte;
    bool set;
} sim_break;

struct rp_sim {
    rp_sim *outer;    /* alive on this thread before this one */
    rp_memory memory; /* of the network; a loop's own objects are in the loop's */
    rp_sim_options options;
    uint64_t now_ns;
    sim_event **heap;
    size_t event_count, event_capacity;
    uint64_t event_order;
    sim_random chance, faults, user, tls; /* apart, so that one does not shift another */
    uint64_t fault_at[RP_SIM_FAULTS];     /* opportunities left until an order strikes, 0: none */
    uint64_t fault_counts[RP_SIM_FAULTS];
    sim_break next_break;
    rp_link names;
    rp_link hosts; /* where anybody has ever listened, to be refused later */
    rp_link ports;
    rp_link listeners;
    rp_link servers;
    rp_link heaps; /* of the loops' allocators */
    uint64_t trace_hash;
    uint64_t next_id;                  /* of sockets and ports, for the trace */
    size_t socket_count, socket_limit; /* open ones; 0: no limit */
    uint16_t next_port;
    unsigned turning_others; /* depth */
    uint64_t turns_here;     /* since time last moved */
};

/* A port that rp__loop_create_with_port makes with &rp__sim_port_ops gets one of these. */
typedef struct sim_context {
    rp_sim *sim;
    bool faulty;  /* see rp_sim_loop_create */
    bool orderly; /* as rp_sim_options.orderly, for this port alone */
} sim_context;
extern const rp_port_ops rp__sim_port_ops;

/* ---- the network and its sockets ---- */

typedef struct sim_wire sim_wire;
typedef struct sim_socket sim_socket;
typedef struct sim_port sim_port;

/* One direction of a connection. Its bytes are in one queue; the first `arrived` of them may be
 * taken by the receiver, the others are still on their way. */
typedef struct sim_pipe {
    sim_wire *wire;
    unsigned direction; /* and the number of the sender's end */
    uint8_t *bytes;
    size_t begin, size, capacity, arrived, window;
    uint64_t passed; /* bytes that arrived in all */
    uint64_t given;  /* bytes that its sender has begun to send, in all */
    uint64_t taken;  /* bytes that its receiver got, in all */
    uint32_t resent; /* segments that were lost */
    /* For tests: what the other direction's `given` was when the receiver got the first byte from
     * this position on; UINT64_MAX: no such position, not yet. */
    uint64_t watched_from, given_back;
    sim_break fault;
    sim_event arrival;
    bool fin_sent, fin_arrived, reset_sent;
    bool deaf; /* the receiver is closed: what arrives is answered with a reset */
    bool mute; /* nothing arrives any more, and nobody is told */
} sim_pipe;

struct sim_wire {
    rp_sim *sim;
    rp_link link; /* in its listener's backlog */
    sim_pipe pipes[2];
    sim_socket *ends[2]; /* 0: who connected; 1: who accepted; NULL: closed, or pending */
    bool pending;        /* in the backlog */
    bool pending_reset;  /* and was reset there */
    uint64_t id;
};

/* Operations have the bits of RP_OP_... */
struct sim_socket {
    rp_socket base;
    uint32_t resent; /* SYNs */
    rp_link link;    /* port->sockets */
    rp_link ready;   /* port->ready or port->quiet */
    uint64_t id;
    uint8_t family, started, decided, cancelling;
    bool listening, closing, close_due, quiet;
    bool deliverable; /* bytes or an end are to be given in this turn */
    bool acceptable;  /* likewise a connection */
    bool starvation_told;
    bool reset;  /* the connection was reset */
    bool resets; /* closing resets the connection */
    rp_io_result result, send_result;
    rp_address address; /* listening on or connecting to */
    rp_address bound;   /* family 0: not */
    sim_wire *wire;
    unsigned end;
    rp_link listener_link; /* sim->listeners */
    rp_link backlog;
    int backlog_limit, backlog_count;
    const rp_slice *slices;
    size_t slice_count, slice_offset;
    sim_event connect_event, look_event, send_event, cancel_event, close_event;
};

typedef struct sim_query {
    rp_link link; /* port->queries, then port->answers */
    sim_port *port;
    rp_port_lookup *lookup;
    rp_status status;
    uint32_t ttl_s;
    size_t count;
    rp_address addresses[16];
    sim_event event;
} sim_query;

struct sim_port {
    rp_port base;
    rp_sim *sim;
    rp_loop *loop; /* turned along while others wait; NULL: by its owner only */
    rp_link link;  /* sim->ports */
    rp_memory *memory;
    rp_loop_stats *stats;
    rp_link sockets;
    rp_link ready;
    rp_link quiet; /* sockets with a sent one to report when there is something else to do */
    rp_link queries, answers;
    atomic_bool woken;
    bool faulty, orderly, in_turn;
    uint32_t gather_us; /* coalesce_limit_us */
    uint64_t id;
};

static inline sim_port *sim_port_of(rp_port *base)
{
    return RP_CONTAINER(base, sim_port, base);
}
static inline sim_socket *sim_socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, sim_socket, base);
}
static inline sim_port *sim_socket_port(sim_socket *socket)
{
    return sim_port_of(socket->base.port);
}

/* ---- wire.c ---- */

/* Between client and whoever will accept it. */
sim_wire *rp__sim_wire_new(rp_sim *sim, sim_socket *client);
/* How many bytes a sender may put now. */
size_t rp__sim_pipe_room(const sim_pipe *pipe);
void rp__sim_pipe_put(sim_pipe *pipe, const uint8_t *data, size_t size);
void rp__sim_pipe_end(sim_pipe *pipe);
/* The first size (<= arrived) bytes leave the pipe, into data. */
void rp__sim_pipe_take(sim_pipe *pipe, uint8_t *data, size_t size);
/* The connection is reset by one end: the other one learns of it, once what was sent before is
 * there, or at once. */
void rp__sim_wire_reset(sim_wire *wire, unsigned end);
/* The end's socket is gone. Whoever is left gets an end or, if bytes were left unread, a reset. */
void rp__sim_wire_detach(sim_wire *wire, unsigned end, bool reset);
/* Nobody will accept it. */
void rp__sim_wire_refuse(sim_wire *wire);

/* ---- socket.c ---- */

/* There may be something to receive; room to send. */
void rp__sim_socket_look(sim_socket *socket);
void rp__sim_socket_room(sim_socket *socket);
void rp__sim_socket_reset(sim_socket *socket);
/* Runs the callbacks that are due; returns their number. */
unsigned rp__sim_socket_run(sim_socket *socket);

rp_io_result rp__sim_open(rp_port *port, uint8_t family, rp_socket **socket);
rp_io_result rp__sim_listen(rp_socket *socket, rp_address *address, int backlog);
rp_io_result rp__sim_bind(rp_socket *socket, const rp_binding *binding);
void rp__sim_connect(rp_socket *socket, const rp_address *address);
void rp__sim_accept(rp_socket *socket);
void rp__sim_receive(rp_socket *socket);
void rp__sim_send(rp_socket *socket, const rp_slice *slices, size_t count);
void rp__sim_shutdown_send(rp_socket *socket);
void rp__sim_keepalive(rp_socket *socket, const rp_keepalive *keepalive);
uint64_t rp__sim_confirmed(rp_socket *socket);
rp_tcp_numbers rp__sim_numbers(rp_socket *socket);
rp_address rp__sim_local(rp_socket *socket);
void rp__sim_reset_on_close(rp_socket *socket);
void rp__sim_cancel(rp_socket *socket, unsigned operations);
void rp__sim_close(rp_socket *socket);

/* ---- sim.c ---- */

void rp__sim_event_set(rp_sim *sim, sim_event *event, void (*fn)(sim_event *), uint64_t after_ns);
void rp__sim_event_clear(rp_sim *sim, sim_event *event);
static inline bool rp__sim_event_is_set(const sim_event *event)
{
    return event->place > 0;
}
/* Fires what is due; returns the time of the next event, RP_WAIT_FOREVER: none. */
uint64_t rp__sim_events_fire(rp_sim *sim);

uint64_t rp__sim_draw(sim_random *random, uint64_t below);
void rp__sim_random_bytes(sim_random *random, void *bytes, size_t size);
/* One in `of`; never where things are to be orderly. */
bool rp__sim_chance(rp_sim *sim, unsigned of);
/* How long a packet takes, in nanoseconds; and a short delay inside a host, mostly 0. */
uint64_t rp__sim_latency_ns(rp_sim *sim);
uint64_t rp__sim_delay_ns(rp_sim *sim);
/* Is it this opportunity's turn to go wrong? */
bool rp__sim_drawn(rp_sim *sim, rp_sim_fault fault);
/* It went wrong: counted and traced. */
void rp__sim_struck(rp_sim *sim, rp_sim_fault fault);
/* Both. */
bool rp__sim_strikes(rp_sim *sim, rp_sim_fault fault);

void rp__sim_trace(rp_sim *sim, const char *format, ...) RP_PRINTF(2, 3);
_Noreturn void rp__sim_stuck(rp_sim *sim, const char *why);

/* NULL: no such name. */
const sim_name *rp__sim_name_find(const rp_sim *sim, const char *name, size_t size);
/* Is there a host with this address, whether or not anybody listens there? */
bool rp__sim_host_known(const rp_sim *sim, const rp_address *address);

/* From here on there is. */
void rp__sim_host_add(rp_sim *sim, const rp_address *address);
/* An address of 192.0.2.0/24 that nobody has or had. */
rp_address rp__sim_host_new(rp_sim *sim);

/* ---- tls.c ---- */

void rp__sim_seed_tls(rp_sim *sim);
void rp__sim_unseed_tls(rp_sim *sim);

/* ---- port.c ---- */

void rp__sim_heap_free(rp_sim *sim, rp_link *link);
/* The simulation that a loop is of; NULL: a real loop. */
rp_sim *rp__sim_of_loop(const rp_loop *loop);

/* ---- server.c ---- */

/* Stops every server that rp_sim_server_start made, and destroys their loops. */
void rp__sim_servers_stop(rp_sim *sim);

#endif
