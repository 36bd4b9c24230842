/* raw_sim.h - the outside of a port of the simulator: blocking sockets on the same network, by
 * functions of raw.h.
 *
 * They stand on a port of their own, orderly and without faults, whose turns let time pass and
 * what was sent arrive, and do not turn the loop under test. */
#ifndef RP_TESTS_RAW_SIM_H
#define RP_TESTS_RAW_SIM_H

#include "sim/sim.h"
#include "support/raw.h"

/* From here to the end raw_current is the simulation's world. */
void raw_sim_begin(rp_sim *sim);
void raw_sim_end(void);

#endif
