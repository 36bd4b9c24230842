/* time.h - points in time are nanoseconds, spans mostly milliseconds. */
#ifndef RP_BASE_TIME_H
#define RP_BASE_TIME_H

#include <stdint.h>

#define RP_NS_PER_MS UINT64_C(1000000)
#define RP_NS_PER_S UINT64_C(1000000000)

/* The time so many milliseconds later; UINT64_MAX, which is never, where that is too far. */
static inline uint64_t rp__time_after(uint64_t since_ns, uint64_t span_ms)
{
    return span_ms < (UINT64_MAX - since_ns) / RP_NS_PER_MS ? since_ns + span_ms * RP_NS_PER_MS
                                                            : UINT64_MAX;
}

/* So many that they do not end before. */
static inline uint64_t rp__time_in_ms(uint64_t span_ns)
{
    return span_ns / RP_NS_PER_MS + (span_ns % RP_NS_PER_MS != 0);
}

/* From now until then, likewise; 0: it is over. */
static inline uint64_t rp__time_left_ms(uint64_t now_ns, uint64_t until_ns)
{
    return until_ns > now_ns ? rp__time_in_ms(until_ns - now_ns) : 0;
}

#endif
