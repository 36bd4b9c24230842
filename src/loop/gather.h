/* gather.h - how many answers a port waits for before it wakes for the first of them.
 *
 * A connection of many streams brings many answers in one receive. What is aimed at is that one
 * wake-up finds half of those that are awaited. The other half keeps the peer busy meanwhile:
 * waiting for all of them would have the client and its servers take turns. It is fewer where fewer
 * can be expected in the time that waiting may take, and none where it would only cost latency:
 * with few answers awaited, or with many that come singly, as slow ones do. */
#ifndef RP_LOOP_GATHER_H
#define RP_LOOP_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of answers awaited on a socket: fewer are not waited for. */
#define RP_GATHER_AWAITED_LEAST 16
/* Of answers that are worth a wait. */
#define RP_GATHER_ANSWERS_LEAST 4
#define RP_GATHER_BYTES_MOST 65536u
/* Of the loop's coalesce_limit_us: the part in which what is waited for should have come. The rest
 * is for what comes late; only at the limit nothing is waited for any longer. */
#define RP_GATHER_SHARE 3

/* How quickly something comes to a port. All 0: not known. */
typedef struct rp_pace {
    uint64_t seen_ns;     /* when some came last */
    uint32_t interval_ns; /* from one to the next, lately */
} rp_pace;

void rp__pace_note(rp_pace *pace, uint64_t now_ns, uint32_t came);

/* How many come in span_us, as far as is known. */
uint32_t rp__pace_within(const rp_pace *pace, uint32_t span_us);

/* What a socket's receives brought. All 0: nothing yet. */
typedef struct rp_gather {
    uint32_t recent;       /* answers of one, lately */
    uint32_t answer_bytes; /* of one answer, lately */
    uint32_t bytes;        /* since the last answer */
} rp_gather;

/* A receive brought so many bytes, and with them so many answers. cut: it was told before all had
 * come that it waited for. */
void rp__gather_note(rp_gather *gather, uint32_t came, size_t bytes, bool cut);

/* The bytes to wait for on a socket on which so many answers are awaited, of which most come in the
 * time that waiting may take. 1: whatever comes. */
uint32_t rp__gather_bytes(const rp_gather *gather, uint32_t awaited, uint32_t most);

#endif
