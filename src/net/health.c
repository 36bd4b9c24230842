/* health.c - a small cache of failures: where many addresses fail at once, those that failed first
 * are forgotten first. */
#include "net/health.h"

#include "base/hash.h"
#include "base/time.h"

#include <string.h>

static bool same(const rp_address *a, const rp_address *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static size_t set_of(const rp_address *address)
{
    uint64_t hash = RP_HASH_BEGIN ^ address->port;
    for (size_t i = 0; i < sizeof(address->bytes); i++)
        hash = rp__hash_byte(hash, address->bytes[i]);
    return (size_t)(hash >> 32) % RP_HEALTH_SETS;
}

void rp__health_note(rp_health *health, const rp_address *address, bool good, uint64_t now_ns)
{
    rp_failed_address *set = health->sets[set_of(address)], *oldest = &set[0];
    for (size_t i = 0; i < RP_HEALTH_WAYS; i++) {
        if (same(&set[i].address, address)) {
            oldest = &set[i];
            break;
        }
        if (set[i].until_ns < oldest->until_ns)
            oldest = &set[i];
    }
    if (!good)
        *oldest = (rp_failed_address){*address, now_ns + RP_FAILED_MS * RP_NS_PER_MS};
    else if (same(&oldest->address, address))
        *oldest = (rp_failed_address){.until_ns = 0};
}

bool rp__health_failed(const rp_health *health, const rp_address *address, uint64_t now_ns)
{
    const rp_failed_address *set = health->sets[set_of(address)];
    for (size_t i = 0; i < RP_HEALTH_WAYS; i++) {
        if (same(&set[i].address, address))
            return now_ns < set[i].until_ns;
    }
    return false;
}
