/* adapt.h - how many requests an origin's server takes at once before they wait there, found out by
 * how long they take. */
#ifndef RP_CLIENT_ADAPT_H
#define RP_CLIENT_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rp_adapt {
    uint32_t limit, least, most;
    uint32_t resumed;   /* the limit behind the measurement that runs; 0: none does */
    uint32_t skipped;   /* of it so many that end first do not count */
    uint64_t base_us;   /* that they take where they do not wait; 0: not known */
    uint32_t few;       /* as many at a time are hardly more than when that was measured */
    uint64_t based_ns;  /* when that was measured */
    uint64_t window_ns; /* when the window began: what ends in it counts */
    uint64_t sum_us;    /* that these took */
    uint32_t samples, failures;
    uint32_t busiest; /* the most that were under way in it */
} rp_adapt;

void rp__adapt_init(rp_adapt *adapt, uint32_t most, uint64_t now_ns);
/* So many are under way. */
void rp__adapt_busy(rp_adapt *adapt, uint32_t in_flight);
/* One that began then is over, or failed, in such a way that the server may have too much to do. */
void rp__adapt_sample(rp_adapt *adapt, uint64_t begun_ns, uint64_t now_ns, bool failed);

#endif
