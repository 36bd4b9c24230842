/* gather.h - how long a port lets answers gather before it wakes for the first of them.
 *
 * A connection of many streams brings many answers in one receive, so that waiting for several
 * completions (uring.c) does not help: only time does. What is aimed at is that one wake-up finds
 * half of the answers that are awaited, when it began to wait. The other half keeps the peer busy
 * meanwhile: waiting for all of them would have the client and its servers take turns.
 *
 * The time that takes is learned from the turns before (rp__gather_note), bounded by the loop's
 * coalesce_limit_us, and 0 where it would only cost latency: with few answers awaited, or with many
 * that come singly, as slow ones do. */
#ifndef RP_LOOP_GATHER_H
#define RP_LOOP_GATHER_H

#include "loop/port.h"

/* Of answers awaited: fewer are not waited for. */
#define RP_GATHER_AWAITED_LEAST 16
/* Of answers that a wake-up brought lately. */
#define RP_GATHER_RECENT_LEAST 4
/* What takes less is not worth a timer. It is where the learning begins, too. */
#define RP_GATHER_SPAN_LEAST_US 16

typedef struct rp_gather {
    uint32_t limit_us; /* 0: off */
    uint32_t span_us;  /* in which half of the answers come, as far as is known */
    uint32_t recent;   /* answers that a wake-up brought lately */
    uint32_t asked;    /* answers that were awaited when the wait began */
    bool waited;       /* since the last rp__gather_end */
    uint64_t seen;     /* port->answered, after the last turn */
} rp_gather;

void rp__gather_init(rp_gather *gather, uint32_t limit_us);

/* Before a wait: microseconds for which the port is not woken by what its sockets bring. */
uint32_t rp__gather_begin(rp_gather *gather, const rp_port *port);

/* After a turn's wait, if it did wait, and the callbacks that it led to. */
void rp__gather_end(rp_gather *gather, const rp_port *port);

#endif
