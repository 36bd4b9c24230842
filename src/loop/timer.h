/* timer.h - the timers of one loop: an intrusive pairing heap (Fredman et al., 1986).
 *
 * Why this one: starting allocates nothing, the next deadline is exact (a timer wheel's is a bound,
 * and waking at a bound finds nothing to do: a spurious wake-up), and the common life of a
 * deadline, started and stopped long before it is due, costs O(1) while older ones are before
 * it. */
#ifndef RP_LOOP_TIMER_H
#define RP_LOOP_TIMER_H

#include <ringport/loop.h>

/* timer is not started; its private deadline and order are set. */
void rp__timers_insert(rp_timer **root, rp_timer *timer);
void rp__timers_remove(rp_timer **root, rp_timer *timer);

#endif
