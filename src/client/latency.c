/* latency.c - see latency.h.
 *
 * Eight buckets for each power of two, up to four minutes. Of 2,000 samples, and of what is older
 * than five minutes, half is forgotten: so what counts is the last few thousand, or minutes. */
#include "client/latency.h"

#define HALF_SAMPLES 2000u
#define HALF_NS UINT64_C(300000000000)
#define LEAST_SAMPLES 50u
#define LEAST_BEYOND 2u /* samples that a percentile is not to be the last of */
#define KEPT_SAMPLES 16u
#define STEPS 8u

static unsigned bucket_of(uint64_t us)
{
    unsigned octave = 0;
    while (us >= 2 * STEPS && octave < RP_LATENCY_BUCKETS / STEPS - 1) {
        us /= 2;
        octave++;
    }
    unsigned bucket = octave * STEPS + (us < 2 * STEPS ? (unsigned)us : 2 * STEPS - 1);
    return bucket < RP_LATENCY_BUCKETS ? bucket : RP_LATENCY_BUCKETS - 1;
}

/* The first time that is none of it. */
static uint64_t end_of(unsigned bucket)
{
    unsigned octave = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;
    return (uint64_t)(bucket - octave * STEPS + 1) << octave;
}

static void halve(rp_latency *latency)
{
    latency->total = 0;
    for (unsigned i = 0; i < RP_LATENCY_BUCKETS; i++) {
        latency->counts[i] /= 2;
        latency->total += latency->counts[i];
    }
}

void rp__latency_add(rp_latency *latency, uint64_t us, uint64_t now_ns)
{
    while (latency->total > 0 && now_ns - latency->halved_ns >= HALF_NS) {
        halve(latency);
        latency->halved_ns += HALF_NS;
    }
    if (latency->total >= HALF_SAMPLES)
        halve(latency);
    if (latency->total == 0)
        latency->halved_ns = now_ns;
    latency->counts[bucket_of(us)]++;
    latency->total++;
    latency->asked++;
}

uint64_t rp__latency_percentile(rp_latency *latency, unsigned percent)
{
    if (latency->total < LEAST_SAMPLES || latency->total * (100 - percent) < LEAST_BEYOND * 100)
        return 0;
    if (latency->percent == percent && latency->asked < KEPT_SAMPLES)
        return latency->answer_us;
    uint64_t beyond = (uint64_t)latency->total * (100 - percent) / 100, seen = 0;
    unsigned bucket = RP_LATENCY_BUCKETS;
    do
        seen += latency->counts[--bucket];
    while (seen <= beyond && bucket > 0);
    latency->percent = percent;
    latency->asked = 0;
    latency->answer_us = end_of(bucket);
    return latency->answer_us;
}
