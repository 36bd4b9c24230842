/* wait.h - the arithmetic of a port's waits: their length, their end, what is left. 0 is no wait
 * and RP_WAIT_FOREVER one without an end, whether a length or an end is meant: neither needs the
 * clock. */
#ifndef RP_LOOP_WAIT_H
#define RP_LOOP_WAIT_H

#include "loop/port.h"

/* Where a wait ends that begins now. */
static inline uint64_t rp__wait_end(rp_port *port, uint64_t wait_ns)
{
    if (wait_ns == 0 || wait_ns == RP_WAIT_FOREVER)
        return wait_ns;
    uint64_t now_ns = port->ops->now(port);
    return wait_ns < RP_WAIT_FOREVER - now_ns ? now_ns + wait_ns : RP_WAIT_FOREVER;
}

/* What is left of a wait that ends then. */
static inline uint64_t rp__wait_left(rp_port *port, uint64_t end_ns)
{
    if (end_ns == 0 || end_ns == RP_WAIT_FOREVER)
        return end_ns;
    uint64_t now_ns = port->ops->now(port);
    return end_ns > now_ns ? end_ns - now_ns : 0;
}

static inline bool rp__wait_is_over(rp_port *port, uint64_t end_ns)
{
    return end_ns != RP_WAIT_FOREVER && end_ns <= port->ops->now(port);
}

#endif
