/* judge_chain.c - the files of a situation with certificates of its own. */
#include "judge_chain.h"

#include "host.h"
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#define OTHER_KEY 1000

/* With the times as they are today. */
static void settle(chain_spec *specs, const judge_chain *chain)
{
    int64_t now = host_wall_clock();
    memcpy(specs, chain->specs, sizeof(chain->specs));
    for (size_t i = 0; i < JUDGE_CHAIN_MOST; i++) {
        chain_spec *spec = &specs[i];
        spec->not_before = now + (spec->not_before != 0 ? spec->not_before : -CHAINS_DAY);
        spec->not_after = now + (spec->not_after != 0 ? spec->not_after : 90 * CHAINS_DAY);
    }
}

static bool write_certificates(FILE *file, const chain_spec *specs, const char *positions)
{
    bool written = true;
    for (; *positions != '\0' && written; positions++) {
        rp_slice der = chain_certificate(specs, (size_t)(*positions - '0'));
        written = chain_write_pem(file, "CERTIFICATE", der);
        chain_free(&der, 1);
    }
    return written;
}

static bool write_key(FILE *file, const chain_spec *specs, size_t index)
{
    bool rsa = specs[index].key == CHAIN_RSA || specs[index].key == CHAIN_RSA_1024;
    rp_slice der = chain_private_key(specs, index);
    bool written = chain_write_pem(file, rsa ? "RSA PRIVATE KEY" : "EC PRIVATE KEY", der);
    chain_free(&der, 1);
    return written;
}

bool judge_chain_write(const judge_chain *chain, FILE *identity, FILE *trusted)
{
    chain_spec specs[JUDGE_CHAIN_MOST];
    size_t own = (size_t)(chain->sent[0] - '0');
    settle(specs, chain);
    if (!write_certificates(identity, specs, chain->sent) ||
        !write_certificates(trusted, specs, chain->trusted))
        return false;
    if (chain->other_key)
        specs[own].key_number = OTHER_KEY;
    return write_key(identity, specs, own);
}
