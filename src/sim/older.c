/* older.c - as service/older.c has it. */
#define rp_sim_server_counts_get newer_sim_server_counts_get
#include <ringport/sim.h>
#undef rp_sim_server_counts_get

#include <stddef.h>

void rp_sim_server_counts_get(const rp_sim_server *server, rp_sim_server_counts *counts);
void rp_sim_server_counts_get(const rp_sim_server *server, rp_sim_server_counts *counts)
{
    rp_sim_server_counts_get_sized(
        server, counts, offsetof(rp_sim_server_counts, goaway_code) + sizeof(counts->goaway_code));
}
