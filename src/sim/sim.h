/* sim.h - the simulator's inside.
 *
 *   sim.c       time and chance: the events' heap, the random streams, the trace, faults, names
 *   wire.c      a connection between two sockets: bytes, ends and resets on their way
 *   socket.c    the port contract's sockets on wires: what is decided when, by chance
 *   port.c      the port contract's port: turns, virtual time, turning the other loops along
 *   server.c    the scripted server, on streams, so on any loop; server_script.c its steps;
 *               request.c the requests' parser; credentials.c its certificate
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
    size_t count;
    rp_address addresses[16];
    char name[];
} sim_name;

typedef struct sim_break {
    rp_sim_fault fault;
    unsigned direction;
    uint64_t at_byte;
    bool set;
} sim_break;

struct rp_sim {
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
    rp_link ports;
    rp_link listeners;
    rp_link servers;
    rp_link heaps; /* of the loops' allocators */
    uint64_t trace_hash;
    uint64_t next_id;                  /* of sockets and ports, for the trace */
    size_t socket_count, socket_limit; /* open ones; 0: no limit */
    uint16_t next_port;
    uint8_t next_host;       /* of 192.0.2.0/24 */
    unsigned turning_others; /* depth */
    uint64_t turns_here;     /* since time last moved */
};

/* A port that rp_loop_create_with_port makes with &rp_sim_port_ops gets one of these. */
typedef struct sim_context {
    rp_sim *sim;
    bool faulty;  /* see rp_sim_loop_create */
    bool orderly; /* as rp_sim_options.orderly, for this port alone */
} sim_context;
extern const rp_port_ops rp_sim_port_ops;

/* ---- sim.c ---- */

void rp_sim_event_set(rp_sim *sim, sim_event *event, void (*fn)(sim_event *), uint64_t after_ns);
void rp_sim_event_clear(rp_sim *sim, sim_event *event);
static inline bool rp_sim_event_is_set(const sim_event *event)
{
    return event->place > 0;
}
/* Fires what is due; gives the time of the next event, RP_WAIT_FOREVER: none. */
uint64_t rp_sim_events_fire(rp_sim *sim);

uint64_t rp_sim_draw(sim_random *random, uint64_t below);
/* One in `of`; never where things are to be orderly. */
bool rp_sim_chance(rp_sim *sim, unsigned of);
/* How long a packet takes, in nanoseconds; and a short delay inside a host, mostly 0. */
uint64_t rp_sim_latency_ns(rp_sim *sim);
uint64_t rp_sim_delay_ns(rp_sim *sim);
/* Is it this opportunity's turn to go wrong? Counted and traced if so. */
bool rp_sim_strikes(rp_sim *sim, rp_sim_fault fault);

void rp_sim_trace(rp_sim *sim, const char *format, ...) RP_PRINTF(2, 3);
_Noreturn void rp_sim_stuck(rp_sim *sim, const char *why);

/* NULL: no such name. */
const sim_name *rp_sim_name_find(const rp_sim *sim, const char *name, size_t size);
/* Is there a host with this address, whether or not anybody listens there? */
bool rp_sim_host_known(const rp_sim *sim, const rp_address *address);

/* An address of 192.0.2.0/24 that was not given out before. */
rp_address rp_sim_host_new(rp_sim *sim);

/* The simulation that a loop is of; NULL: a real loop. */
rp_sim *rp_sim_of_loop(const rp_loop *loop);
/* The close of this socket of a simulated port will reset the connection. */
void rp_sim_socket_resets(rp_socket *socket);

#endif
