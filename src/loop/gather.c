/* gather.c - see gather.h. */
#include "loop/gather.h"

/* After a pause the first to come say little of those that follow. */
#define INTERVAL_MOST_NS 250000u
#define BYTES_MOST (1u << 30)

/* Three quarters of what was known, and a quarter of what is new. */
static uint32_t blend(uint32_t known, uint64_t seen)
{
    return (uint32_t)((known * (uint64_t)3 + seen) / 4);
}

void rp__pace_note(rp_pace *pace, uint64_t now_ns, uint32_t came)
{
    if (came == 0)
        return;
    uint64_t interval_ns = (now_ns - pace->seen_ns) / came;
    if (pace->seen_ns == 0 || interval_ns > INTERVAL_MOST_NS)
        interval_ns = INTERVAL_MOST_NS;
    pace->seen_ns = now_ns;
    pace->interval_ns =
        pace->interval_ns == 0 ? (uint32_t)interval_ns : blend(pace->interval_ns, interval_ns);
}

uint32_t rp__pace_within(const rp_pace *pace, uint32_t span_us)
{
    if (pace->seen_ns == 0)
        return 0;
    uint64_t count = (uint64_t)span_us * 1000 / (pace->interval_ns > 0 ? pace->interval_ns : 1);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

void rp__gather_note(rp_gather *gather, uint32_t came, size_t bytes, bool cut)
{
    gather->bytes +=
        bytes < BYTES_MOST - gather->bytes ? (uint32_t)bytes : BYTES_MOST - gather->bytes;
    if (came > 0) {
        uint32_t each = gather->bytes / came;
        gather->answer_bytes = gather->answer_bytes == 0 ? each : blend(gather->answer_bytes, each);
        gather->bytes = 0;
    }
    gather->recent = cut || came > gather->recent ? came : blend(gather->recent, came);
}

uint32_t rp__gather_bytes(const rp_gather *gather, uint32_t awaited, uint32_t most)
{
    uint64_t answers = awaited / 2;
    if (answers > most)
        answers = most;
    if (answers > 2 * (uint64_t)gather->recent)
        answers = 2 * (uint64_t)gather->recent;
    if (awaited < RP_GATHER_AWAITED_LEAST || answers < RP_GATHER_ANSWERS_LEAST)
        return 1;
    uint64_t bytes = answers * gather->answer_bytes;
    if (bytes == 0)
        return 1;
    return bytes < RP_GATHER_BYTES_MOST ? (uint32_t)bytes : RP_GATHER_BYTES_MOST;
}
