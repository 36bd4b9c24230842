/* health.h - which addresses failed lately. Bounded, and without a lock or a clock of its own. */
#ifndef RP_NET_HEALTH_H
#define RP_NET_HEALTH_H

#include "base/address.h"

#define RP_HEALTH_SETS 64
#define RP_HEALTH_WAYS 4
#define RP_FAILED_MS 30000 /* for so long a failed address is tried after all others */

typedef struct rp_failed_address {
    rp_address address; /* family 0: none */
    uint64_t until_ns;
} rp_failed_address;

/* Zero-initialised: nothing failed. */
typedef struct rp_health {
    rp_failed_address sets[RP_HEALTH_SETS][RP_HEALTH_WAYS];
} rp_health;

/* Address and port: another port is another service. */
void rp__health_note(rp_health *health, const rp_address *address, bool good, uint64_t now_ns);
bool rp__health_failed(const rp_health *health, const rp_address *address, uint64_t now_ns);

#endif
