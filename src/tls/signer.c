/* signer.c - the signings that wait for an answer, by their numbers. */
#include "tls/signer.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/mutex.h"

#include <string.h>

#define BUCKETS 64

struct rp_signer {
    rp_public_key public_key;
    rp_sign_fn *fn;
    void *user;
    rp_mutex mutex;
    rp_memory memory; /* locked, as what follows */
    uint64_t last_id;
    rp_link waiting[BUCKETS];
};

static rp_link *bucket_of(rp_signer *signer, uint64_t id)
{
    return &signer->waiting[id % BUCKETS];
}

/* ---- signings ---- */

rp_signing *rp__signing_make(rp_signer *signer, uint16_t scheme,
                             const rp_signature_algorithm *algorithm, rp_slice input)
{
    rp__mutex_lock(&signer->mutex);
    rp_signing *signing = rp__allocate(&signer->memory, sizeof(*signing) + input.size);
    if (signing != NULL)
        signing->id = ++signer->last_id;
    rp__mutex_unlock(&signer->mutex);
    if (signing == NULL)
        return NULL;
    uint8_t *copy = (uint8_t *)(signing + 1);
    memcpy(copy, input.data, input.size);
    rp__list_init(&signing->link);
    signing->scheme = scheme;
    signing->algorithm = *algorithm;
    signing->input = (rp_slice){copy, input.size};
    return signing;
}

void rp__signing_free(rp_signer *signer, rp_signing *signing)
{
    if (signing == NULL)
        return;
    RP_ASSERT(signing->state == RP_SIGNING_MADE || signing->state == RP_SIGNING_ANSWERED);
    rp__mutex_lock(&signer->mutex);
    rp__free(&signer->memory, signing);
    rp__mutex_unlock(&signer->mutex);
}

void rp__signer_ask(rp_signer *signer, rp_signing *signing, rp_tls_config *config, const char *peer,
                    rp_signed_fn *fn, void *user)
{
    /* Lent to the callback, after whose answer, on another thread, it may be gone. */
    const rp_sign_request request = {
        .config = config,
        .id = signing->id,
        .scheme = signing->scheme,
        .data = signing->input.data,
        .size = signing->input.size,
        .peer = peer,
    };
    RP_ASSERT(signing->state == RP_SIGNING_MADE);
    rp__mutex_lock(&signer->mutex);
    signing->state = RP_SIGNING_WAITS;
    signing->fn = fn;
    signing->user = user;
    rp__list_append(bucket_of(signer, signing->id), &signing->link);
    rp__mutex_unlock(&signer->mutex);
    signer->fn(&request, signer->user);
}

bool rp__signing_drop(rp_signer *signer, rp_signing *signing)
{
    rp__mutex_lock(&signer->mutex);
    bool answered = signing->state == RP_SIGNING_ANSWERED;
    if (signing->state == RP_SIGNING_WAITS) {
        rp__list_remove(&signing->link);
        rp__free(&signer->memory, signing);
    } else if (signing->state == RP_SIGNING_CHECKED) {
        signing->state = RP_SIGNING_DROPPED;
    }
    rp__mutex_unlock(&signer->mutex);
    return !answered;
}

/* ---- answers ---- */

static rp_signing *take(rp_signer *signer, uint64_t id)
{
    rp_link *bucket = bucket_of(signer, id);
    for (rp_link *link = bucket->next; link != bucket; link = link->next) {
        rp_signing *signing = RP_CONTAINER(link, rp_signing, link);
        if (signing->id != id)
            continue;
        rp__list_remove(link);
        signing->state = RP_SIGNING_CHECKED;
        return signing;
    }
    return NULL;
}

static rp_status nobody_waits(rp_error *error)
{
    return rp__error_set(error, RP_E_CANCELLED, RP_PHASE_NONE,
                         "nobody waits for this signature: its connection has ended, or it was "
                         "there before");
}

/* On the answering thread: a loop would stand still meanwhile. */
static rp_status check(rp_signer *signer, rp_signing *signing, rp_slice signature, rp_error *error)
{
    signing->refused = signature.size == 0;
    if (signing->refused)
        return RP_OK;
    signing->wrong = signature.size > sizeof(signing->signature) ||
                     rp__signature_verify_hash(&signer->public_key, &signing->algorithm,
                                               signing->input, signature) == RP_SIGNATURE_BAD;
    if (signing->wrong)
        return rp__error_set(error, RP_E_TLS_SIGNING, RP_PHASE_NONE,
                             "the signature is not one of what was to be signed by the "
                             "certificate's key");
    memcpy(signing->signature, signature.data, signature.size);
    signing->signature_size = signature.size;
    return RP_OK;
}

rp_status rp__signer_answer(rp_signer *signer, uint64_t id, const void *signature, size_t size,
                            rp_error *error)
{
    rp__mutex_lock(&signer->mutex);
    rp_signing *signing = take(signer, id);
    rp__mutex_unlock(&signer->mutex);
    if (signing == NULL)
        return nobody_waits(error);
    rp_status status = check(signer, signing, (rp_slice){signature, size}, error);
    rp__mutex_lock(&signer->mutex);
    bool wanted = signing->state == RP_SIGNING_CHECKED;
    if (wanted) {
        signing->state = RP_SIGNING_ANSWERED;
        signing->fn(signing, signing->user);
    } else {
        rp__free(&signer->memory, signing);
    }
    rp__mutex_unlock(&signer->mutex);
    return wanted ? status : nobody_waits(error);
}

/* ---- life ---- */

rp_signer *rp__signer_create(rp_allocator allocator, const rp_public_key *public_key,
                             rp_sign_fn *fn, void *user)
{
    rp_memory memory;
    rp__memory_init(&memory, allocator);
    rp_signer *signer = rp__allocate(&memory, sizeof(*signer));
    if (signer == NULL)
        return NULL;
    *signer = (rp_signer){.public_key = *public_key, .fn = fn, .user = user, .memory = memory};
    rp__mutex_init(&signer->mutex);
    for (size_t i = 0; i < BUCKETS; i++)
        rp__list_init(&signer->waiting[i]);
    return signer;
}

void rp__signer_fail(rp_signer *signer, uint64_t fail_in)
{
    signer->memory.fail_in = fail_in;
}

const rp_public_key *rp__signer_key(const rp_signer *signer)
{
    return &signer->public_key;
}

void rp__signer_destroy(rp_signer *signer)
{
    if (signer == NULL)
        return;
    RP_ASSERT(signer->memory.live == 1);
    rp__mutex_destroy(&signer->mutex);
    rp_memory memory = signer->memory;
    rp__free(&memory, signer);
}
