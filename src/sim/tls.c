/* tls.c - wolfSSL's random generators are seeded from the simulation that is alive on the thread.
 *
 * wolfSSL asks one callback of the whole process for seeds. Threads without a simulation get what
 * they would get without us. */
#include "sim/sim.h"

#include "base/assert.h"
#include "base/mutex.h"

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/random.h>

static _Thread_local rp_sim *alive;

#ifdef WC_RNG_SEED_CB
static rp_mutex mutex = RP_MUTEX_INIT;
static bool installed;

static int give_seed(OS_Seed *os, byte *seed, word32 size)
{
    if (alive == NULL)
        return wc_GenerateSeed(os, seed, size);
    rp__sim_random_bytes(&alive->tls, seed, size);
    return 0;
}

/* Never undone: a generator of another thread may be asking just now. */
static void install(void)
{
    rp__mutex_lock(&mutex);
    if (!installed) {
        (void)wolfSSL_Init(); /* sets the callback to its default */
        (void)wc_SetSeed_Cb(give_seed);
        installed = true;
    }
    rp__mutex_unlock(&mutex);
}
#else
/* A wolfSSL without the callback: handshakes work, and are not repeated byte by byte. */
static void install(void)
{
}
#endif

void rp__sim_seed_tls(rp_sim *sim)
{
    install();
    sim->outer = alive;
    alive = sim;
}

void rp__sim_unseed_tls(rp_sim *sim)
{
    RP_ASSERT(alive == sim);
    alive = sim->outer;
}
