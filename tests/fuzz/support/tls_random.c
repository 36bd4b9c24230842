/* tls_random.c - see tls_random.h. */
#include "fuzz/support/tls_random.h"

#include "fuzz/support/fuzz.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/random.h>

static uint64_t streams[2] = {1, 2};
static tls_side current;

void tls_random_restart(void)
{
    streams[SIDE_CLIENT] = 1;
    streams[SIDE_SERVER] = 2;
    current = SIDE_CLIENT;
}

void tls_random_side(tls_side side)
{
    current = side;
}

int __wrap_wc_RNG_GenerateBlock(WC_RNG *rng, byte *output, word32 size);

int __wrap_wc_RNG_GenerateBlock(WC_RNG *rng, byte *output, word32 size)
{
    (void)rng;
    for (word32 i = 0; i < size; i++)
        output[i] = (byte)fuzz_random(&streams[current], 256);
    return 0;
}
