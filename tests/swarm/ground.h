/* ground.h - where a run takes place: in the simulator, or over loopback on real loops of one back
 * end. There the servers have a loop of their own, mostly in a thread of their own, so that the
 * client's loop has nothing but the client to turn for; what both sides touch is behind a lock. A
 * run in which nothing moves any more ends, with what is pending. */
#ifndef SWARM_GROUND_H
#define SWARM_GROUND_H

#include "support/raw.h"
#include <ringport/loop.h>

#include <stdatomic.h>

typedef struct world world;
typedef struct host host;

typedef struct ground {
    const char *backend; /* NULL: simulated */
    bool apart;          /* the servers are in a thread of their own */
    rp_loop *servers;    /* their loop; NULL: they have the simulator's */
    raw_thread *server_thread, *watchdog;
    atomic_bool serving, stopping, ended;
    atomic_flag busy;
    atomic_uint moves;
    uint64_t begun_ns;
} ground;

static inline bool ground_is_real(const ground *g)
{
    return g->backend != NULL;
}

/* The servers live from here on, and until there. */
void ground_begin(world *w);
void ground_end(world *w);
rp_status ground_loop(world *w, rp_loop **loop, const rp_loop_options *options, rp_error *error);
/* A turn of the client's loop, and of what is to be turned by its thread. */
void ground_turn(world *w, uint64_t wait_ms);
/* The program does something else for so long. */
void ground_pause(world *w, uint64_t ms);

/* Around every callback of either side; again by the same thread does nothing. */
void ground_enter(world *w);
void ground_leave(world *w);
/* Something moved: bytes, a call. */
void ground_moves(world *w);

/* Has fn called where the servers are. */
void ground_do(host *h, void (*fn)(host *h, uint64_t number), uint64_t number);

#endif
