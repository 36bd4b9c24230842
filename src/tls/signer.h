/* signer.h - signatures by a key that is not in the process: a token's, a service's.
 *
 * A handshake makes a signing, its owner asks for it, and somebody answers, on any thread and when
 * he likes, perhaps long after nobody waits any more. So the answer comes with a number, not with a
 * pointer, and what is dropped is forgotten at once.
 *
 *     make --> ask --> signed() on the answering thread --> free
 *                 \--> drop: it is not wanted any more
 *
 * A signer belongs to a TLS configuration and is asked from every loop that uses it. Whoever has a
 * signing has a reference to the configuration as well. */
#ifndef RP_TLS_SIGNER_H
#define RP_TLS_SIGNER_H

#include "base/list.h"
#include "base/memory.h"
#include "base/slice.h"
#include "x509/signature.h"
#include <ringport/tls.h>

#define RP_SIGNATURE_BYTES_LIMIT 1024 /* RSA of 8,192 bits */

typedef struct rp_signer rp_signer;
typedef struct rp_signing rp_signing;

/* Called under the signer's lock, and not after rp__signing_drop: what user points to is there. */
typedef void rp_signed_fn(rp_signing *signing, void *user);

typedef enum rp_signing_state {
    RP_SIGNING_MADE,
    RP_SIGNING_WAITS,
    RP_SIGNING_CHECKED, /* there is an answer, at which its thread looks */
    RP_SIGNING_DROPPED, /* meanwhile */
    RP_SIGNING_ANSWERED
} rp_signing_state;

struct rp_signing {
    rp_post post; /* for signed(), which must bring it to the loop's thread */
    /* The answer. */
    bool refused; /* no signature was made */
    bool wrong;   /* not by the certificate's key, or not of this */
    size_t signature_size;
    uint8_t signature[RP_SIGNATURE_BYTES_LIMIT];
    /* The signer's. */
    rp_link link;
    uint64_t id;
    rp_signing_state state;
    rp_signed_fn *fn;
    void *user;
    rp_signature_algorithm algorithm;
    uint16_t scheme;
    rp_slice input; /* what is signed: a hash, or for Ed25519 a message; it stands behind */
};

/* public_key: of the certificate, whose bytes stay where they are. NULL: no memory. */
rp_signer *rp__signer_create(rp_allocator allocator, const rp_public_key *public_key,
                             rp_sign_fn *fn, void *user);
/* For tests: its nth allocation from now fails. */
void rp__signer_fail(rp_signer *signer, uint64_t fail_in);
const rp_public_key *rp__signer_key(const rp_signer *signer);
/* Every signing must be freed or dropped. NULL does nothing. */
void rp__signer_destroy(rp_signer *signer);

/* Copies input; NULL: no memory. Any thread, as all that follows. */
rp_signing *rp__signing_make(rp_signer *signer, uint16_t scheme,
                             const rp_signature_algorithm *algorithm, rp_slice input);
/* One that is made or answered. NULL does nothing. */
void rp__signing_free(rp_signer *signer, rp_signing *signing);

/* Calls the configuration's callback, which may answer at once. fn comes once, unless it is
 * dropped. */
void rp__signer_ask(rp_signer *signer, rp_signing *signing, rp_tls_config *config, const char *peer,
                    rp_signed_fn *fn, void *user);
/* True: fn was not called and will not be, and the signing is gone. False: it was called; who has
 * the signing then frees it. */
bool rp__signing_drop(rp_signer *signer, rp_signing *signing);

/* rp_tls_config_signed. */
rp_status rp__signer_answer(rp_signer *signer, uint64_t id, const void *signature, size_t size,
                            rp_error *error);

#endif
