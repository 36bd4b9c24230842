/* stubs.c - in place of the simulator's other parts, as long as they are not there. */
#include "sim/sim.h"

rp_status rp_sim_loop_create(rp_sim *sim, rp_loop **loop, const rp_loop_options *options,
                             bool faulty, rp_error *error)
{
    (void)sim;
    (void)loop;
    (void)options;
    (void)faulty;
    return rp_error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE, "there is no simulator");
}

rp_status rp_sim_name_add(rp_sim *sim, const char *name, const char *addresses, rp_error *error)
{
    (void)sim;
    (void)name;
    (void)addresses;
    return rp_error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE, "there is no simulator");
}

rp_address rp_sim_host_new(rp_sim *sim)
{
    (void)sim;
    return (rp_address){.family = 4};
}

rp_sim *rp_sim_of_loop(const rp_loop *loop)
{
    (void)loop;
    return NULL;
}
