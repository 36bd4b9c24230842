/* config.h - TLS configurations inside ringport: the public one of a client, and a server's for
 * tests.
 *
 * A configuration is immutable once made. Its wolfSSL context is shared by every engine made
 * of it, on any thread: everything that can be parsed or set once is parsed and set there. */
#ifndef RP_TLS_CONFIG_H
#define RP_TLS_CONFIG_H

#include "base/memory.h"
#include "tls/judge.h"
#include "tls/signer.h"
#include "x509/revocation.h"
#include "x509/verdicts.h"
#include <ringport/tls.h>

#include <stdatomic.h>

#define RP_PIN_BYTES 32 /* SHA-256 */

struct rp_tls_config {
    atomic_uint references;
    uint64_t
        id; /* never used again, unlike its address: part of the key that sessions are kept by */
    rp_memory memory;
    struct WOLFSSL_CTX *context;
    uint8_t fingerprint[RP_PIN_BYTES]; /* a client's: see fingerprint.h */
    bool server;
    bool resumption;
    bool accept_any; /* insecure_accept_any_certificate */
    bool keeps_sent; /* keep_peer_certificates */
    bool offers_1_2, offers_1_3;
    /* The groups that a client's first flight has key shares of. TLS 1.3. */
    uint16_t shares[2];
    size_t share_count;
    rp_anchors *anchors;
    rp_verdicts *verdicts;
    rp_revocation revocation;
    rp_judge *judge;   /* who is asked about chains that lead to no anchor of ours; NULL: nobody */
    rp_slice leaf;     /* our own certificate, DER, allocated; data NULL: none */
    rp_signer *signer; /* who signs for it; NULL: its key is the context's */
    size_t pin_count;  /* 0: any key will do */
    uint8_t (*pins)[RP_PIN_BYTES];
    rp_keylog_fn *on_keylog;
    void *keylog_user;
};

typedef struct rp_tls_server_options {
    const char *certificate_file; /* PEM chain, leaf first */
    const char *key_file;
    const char *certificate_pem, *key_pem; /* the same in memory, instead of the files */
    const char *client_ca_file;            /* NULL: asks for no client certificate */
    rp_tls_version minimum_version, maximum_version;
    bool no_resumption;
    const char *tls12_ciphers, *tls13_ciphers, *groups; /* as in rp_tls_options */
} rp_tls_server_options;

/* A configuration with the server's role; released as any other. */
rp_status rp__tls_server_config_create(rp_tls_config **config, const rp_tls_server_options *options,
                                       rp_error *error);

/* Chains that lead to no anchor are put to verifier. Before the configuration is used, once; what
 * trusts the system's store has the system's already. False: no memory. */
bool rp__tls_config_ask(rp_tls_config *config, rp_system_verifier *verifier);

/* Whether a peer's certificate is looked at, be it for its key only. */
static inline bool rp__tls_config_judges(const rp_tls_config *config)
{
    return config->server ? rp__anchors_count(config->anchors) > 0
                          : !config->accept_any || config->pin_count > 0;
}

/* The error of all that makes one. */
rp_status rp__tls_no_memory(rp_error *error);

/* rp_tls_config_create with an allocator: a configuration is shared by threads, so the public
 * one has none. fail_in as in rp_memory, for tests. */
rp_status rp__tls_config_create_with(rp_tls_config **config, const rp_tls_options *options,
                                     rp_allocator allocator, uint64_t fail_in, rp_error *error);

#endif
