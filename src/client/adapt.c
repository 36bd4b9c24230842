/* adapt.c - see adapt.h.
 *
 * The gradient controller of Envoy's adaptive concurrency filter: in windows of time the limit
 * becomes limit * gradient + sqrt(limit), where gradient is how long requests take that do not wait
 * (and a quarter more) by how long they take now, between a half and one (as in Netflix'
 * concurrency-limits: what ends first in a window is quick, and would make it leap). What they take
 * without waiting is measured now and then, with half the limit, and the new one counts as much as
 * what was known; while hardly more are under way than then, it rises slowly to what they take. To
 * that comes the decrease of AIMD, for a server that fails quickly has short times too; and no
 * growth where the limit was not used (RFC 7661 for TCP). */
#include "client/adapt.h"

#define FIRST 8u
#define SAMPLES 25u
#define BASE_SAMPLES 100u /* times vary: half as many are a third off now and then */
#define WINDOW_NS UINT64_C(100000000)
#define BASE_NS UINT64_C(30000000000)
#define DRIFT 16u
#define THOUSAND 1000u

static uint32_t root(uint32_t number)
{
    uint32_t r = 1;
    while ((uint64_t)(r + 1) * (r + 1) <= number)
        r++;
    return r;
}

static uint32_t within(const rp_adapt *adapt, uint64_t limit)
{
    if (limit < adapt->least)
        return adapt->least;
    return limit > adapt->most ? adapt->most : (uint32_t)limit;
}

static void window_begin(rp_adapt *adapt, uint64_t now_ns)
{
    adapt->window_ns = now_ns;
    adapt->sum_us = 0;
    adapt->samples = adapt->failures = adapt->busiest = 0;
}

static void measure(rp_adapt *adapt)
{
    adapt->resumed = adapt->skipped = adapt->limit;
    adapt->limit = within(adapt, adapt->limit / 2);
    adapt->few = 2 * adapt->limit + 4;
}

void rp__adapt_init(rp_adapt *adapt, uint32_t most, uint64_t now_ns)
{
    *adapt = (rp_adapt){.least = 1, .most = most};
    adapt->limit = within(adapt, FIRST);
    window_begin(adapt, now_ns);
    measure(adapt);
}

void rp__adapt_busy(rp_adapt *adapt, uint32_t in_flight)
{
    if (in_flight > adapt->busiest)
        adapt->busiest = in_flight;
}

static uint64_t next_limit(const rp_adapt *adapt)
{
    uint64_t mean_us = adapt->samples > 0 ? adapt->sum_us / adapt->samples + 1 : 1;
    uint64_t gradient = (adapt->base_us + adapt->base_us / 4) * THOUSAND / mean_us;
    if (gradient < THOUSAND / 2)
        gradient = THOUSAND / 2;
    if (gradient > THOUSAND)
        gradient = THOUSAND;
    uint64_t next = adapt->limit * gradient / THOUSAND + root(adapt->limit);
    if (next > adapt->limit && adapt->busiest < adapt->limit / 2)
        next = adapt->limit;
    uint64_t fewer = adapt->limit;
    if (adapt->failures > adapt->samples)
        fewer = fewer / 2;
    else if (adapt->failures > adapt->samples / 10)
        fewer = fewer * 9 / 10;
    else
        return next;
    return next > fewer ? fewer : next;
}

/* With hardly more at a time than when it was measured, times are what they are: those that were
 * measured may have been quick by chance, and nothing else would tell before the next time. */
static void drift(rp_adapt *adapt)
{
    uint64_t mean_us = adapt->samples > 0 ? adapt->sum_us / adapt->samples + 1 : 0;
    if (adapt->limit <= adapt->few && mean_us > adapt->base_us)
        adapt->base_us += (mean_us - adapt->base_us) / DRIFT;
}

static void window_end(rp_adapt *adapt, uint64_t now_ns)
{
    if (adapt->resumed > 0) {
        if (adapt->samples > 0) {
            uint64_t base_us = adapt->sum_us / adapt->samples + 1;
            adapt->base_us = adapt->base_us > 0 ? (adapt->base_us + base_us) / 2 : base_us;
            adapt->based_ns = now_ns;
        }
        adapt->limit = adapt->resumed;
        adapt->resumed = 0;
    } else {
        drift(adapt);
        adapt->limit = within(adapt, next_limit(adapt));
        if (now_ns - adapt->based_ns >= BASE_NS)
            measure(adapt);
    }
    window_begin(adapt, now_ns);
}

void rp__adapt_sample(rp_adapt *adapt, uint64_t begun_ns, uint64_t now_ns, bool failed)
{
    if (adapt->skipped > 0) { /* it may have waited for one of those that were too many */
        if (--adapt->skipped == 0)
            window_begin(adapt, now_ns);
        return;
    }
    if (failed) {
        adapt->failures++;
    } else {
        adapt->sum_us += (now_ns - begun_ns) / 1000u;
        adapt->samples++;
    }
    uint32_t enough = adapt->resumed > 0 ? BASE_SAMPLES : SAMPLES;
    if (adapt->samples + adapt->failures >= enough && now_ns - adapt->window_ns >= WINDOW_NS)
        window_end(adapt, now_ns);
}
