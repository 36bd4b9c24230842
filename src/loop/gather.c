/* gather.c - see gather.h. */
#include "loop/gather.h"

void rp__gather_init(rp_gather *gather, uint32_t limit_us)
{
    *gather = (rp_gather){.limit_us = limit_us, .span_us = RP_GATHER_SPAN_LEAST_US};
}

uint32_t rp__gather_begin(rp_gather *gather, const rp_port *port)
{
    gather->asked = port->awaited;
    gather->waited = true;
    if (port->awaited < RP_GATHER_AWAITED_LEAST || gather->recent < RP_GATHER_RECENT_LEAST ||
        gather->span_us <= RP_GATHER_SPAN_LEAST_US)
        return 0;
    return gather->span_us < gather->limit_us ? gather->span_us : gather->limit_us;
}

/* The span in which so many came, to the one in which half of them do; by steps, for one turn may
 * find what many had left, or next to nothing. */
static uint32_t span_for(const rp_gather *gather, uint32_t came)
{
    uint64_t least = gather->span_us / 2, most = (uint64_t)gather->span_us * 2;
    uint64_t span = (uint64_t)gather->span_us * (gather->asked / 2) / came;
    if (span < least)
        span = least;
    if (span > most)
        span = most;
    if (span > gather->limit_us)
        span = gather->limit_us;
    return span < RP_GATHER_SPAN_LEAST_US ? RP_GATHER_SPAN_LEAST_US : (uint32_t)span;
}

void rp__gather_end(rp_gather *gather, const rp_port *port)
{
    uint32_t came = (uint32_t)(port->answered - gather->seen);
    bool waited = gather->waited;
    gather->seen = port->answered;
    gather->waited = false;
    if (!waited && came == 0)
        return;
    gather->recent = came > gather->recent ? came : (gather->recent * 3 + came) / 4;
    if (came > 0 && gather->asked >= RP_GATHER_AWAITED_LEAST)
        gather->span_us = span_for(gather, came);
}
