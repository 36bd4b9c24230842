/* verdicts.c - the memory of verdicts: a table with one place for each hash. */
#include "x509/verdicts.h"

#include "base/mutex.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/sha256.h>

#include <string.h>

#define PLACES 256

typedef struct verdict {
    rp_verdict_key key;
    int64_t begins, ends; /* an empty place: 1 and 0 */
} verdict;

struct rp_verdicts {
    rp_memory *memory;
    uint64_t process; /* rp__process_mark of its maker: children of fork use it too */
    rp_mutex mutex;
    verdict places[PLACES];
};

rp_verdicts *rp__verdicts_create(rp_memory *memory)
{
    rp_verdicts *verdicts = rp__allocate(memory, sizeof(*verdicts));
    if (verdicts == NULL)
        return NULL;
    verdicts->memory = memory;
    verdicts->process = rp__process_mark();
    for (size_t i = 0; i < PLACES; i++)
        verdicts->places[i].begins = 1;
    rp__mutex_init(&verdicts->mutex);
    return verdicts;
}

void rp__verdicts_destroy(rp_verdicts *verdicts)
{
    if (verdicts == NULL)
        return;
    rp__mutex_destroy(&verdicts->mutex);
    rp__free(verdicts->memory, verdicts);
}

static int hash_number(wc_Sha256 *hash, size_t number)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    return wc_Sha256Update(hash, bytes, sizeof(bytes));
}

/* Each size before its bytes, so that two lists differ wherever they are cut. */
bool rp__verdict_key_make(rp_verdict_key *key, const rp_slice *sent, size_t count)
{
    wc_Sha256 hash;
    int code = wc_InitSha256(&hash);
    for (size_t i = 0; i < count; i++) {
        code |= hash_number(&hash, sent[i].size);
        code |= wc_Sha256Update(&hash, sent[i].data, (word32)sent[i].size);
    }
    code |= wc_Sha256Final(&hash, key->bytes);
    wc_Sha256Free(&hash);
    return code == 0;
}

static verdict *place_of(rp_verdicts *verdicts, const rp_verdict_key *key)
{
    return &verdicts->places[key->bytes[0] % PLACES];
}

bool rp__verdicts_know(rp_verdicts *verdicts, const rp_verdict_key *key, int64_t now)
{
    if (!rp__mutex_lock_inherited(&verdicts->mutex, verdicts->process))
        return false;
    const verdict *kept = place_of(verdicts, key);
    bool known = kept->begins <= now && now <= kept->ends &&
                 memcmp(kept->key.bytes, key->bytes, sizeof(key->bytes)) == 0;
    rp__mutex_unlock(&verdicts->mutex);
    return known;
}

void rp__verdicts_keep(rp_verdicts *verdicts, const rp_verdict_key *key, const rp_path *path)
{
    if (!rp__mutex_lock_inherited(&verdicts->mutex, verdicts->process))
        return;
    *place_of(verdicts, key) = (verdict){*key, path->begins, path->ends};
    rp__mutex_unlock(&verdicts->mutex);
}
