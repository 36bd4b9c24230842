/* latency.h - how long an origin's answers let one wait of late: a histogram that forgets. Time is
 * a parameter. */
#ifndef RP_CLIENT_LATENCY_H
#define RP_CLIENT_LATENCY_H

#include <stdint.h>

#define RP_LATENCY_BUCKETS 208

typedef struct rp_latency {
    uint16_t counts[RP_LATENCY_BUCKETS];
    uint32_t total;
    uint64_t halved_ns;
    unsigned percent; /* of the answer that is kept; 0: there is none */
    uint32_t asked;   /* samples since it was made */
    uint64_t answer_us;
} rp_latency;

void rp__latency_add(rp_latency *latency, uint64_t us, uint64_t now_ns);
/* So many percent, 1 to 99, waited for at most so long, to within an eighth. 0: too few are
 * known. */
uint64_t rp__latency_percentile(rp_latency *latency, unsigned percent);

#endif
