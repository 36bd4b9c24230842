/* tls.h - TLS configuration: whom to trust, who we are, which versions.
 *
 * Made once, immutable, reference-counted, shared by any number of loops and threads. The defaults
 * are what a client should have: TLS 1.2 and 1.3, the system's trust store, chain and host name
 * verified (RFC 5280, RFC 9525), sessions resumed. */
#ifndef RINGPORT_TLS_H
#define RINGPORT_TLS_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_tls_config rp_tls_config;

typedef enum rp_tls_version {
    RP_TLS_DEFAULT = 0, /* as minimum: TLS 1.2; as maximum: TLS 1.3 */
    RP_TLS_1_2 = 12,
    RP_TLS_1_3 = 13
} rp_tls_version;

/* Receives key log lines (NSS format, no line end) for debugging tools. Any thread that
 * handshakes. */
typedef void rp_keylog_fn(const char *line, void *user);

typedef struct rp_tls_options {
    /* Trust. Where none of the four is given, the system's store is used. On Windows that is the
     * store ROOT, read once, and for a chain that ends elsewhere the system's chain engine, which
     * may fetch the root; a handshake waits for its answer, within its deadline. */
    const char *ca_file;      /* PEM file of trust anchors */
    const char *ca_directory; /* directory of PEM files */
    const char *ca_pem;       /* PEM in memory, ca_pem_size bytes (0: NUL-terminated) */
    size_t ca_pem_size;
    bool trust_system_too; /* the system's store beside the ones above */

    /* "sha256//BASE64;sha256//BASE64": SHA-256 of acceptable leaf public keys
     * (SubjectPublicKeyInfo), beside the chain, not instead of it. NULL: none. */
    const char *pinned_keys;

    /* Identity for servers that ask for one; both or none. PEM; the chain's leaf first. */
    const char *certificate_file;
    const char *key_file;

    rp_tls_version minimum_version;
    rp_tls_version maximum_version;

    const char *tls12_ciphers; /* OpenSSL names, colon-separated; NULL: ECDHE with AEAD */
    const char *tls13_ciphers;
    const char *groups; /* "X25519:P-256:P-384"; NULL: that */

    bool no_resumption; /* neither offer nor keep sessions */

    /* The connection is encrypted to anybody who answers: for tests only. Each word is meant. */
    bool insecure_accept_any_certificate;

    rp_keylog_fn *on_keylog; /* NULL: none */
    void *keylog_user;
} rp_tls_options;

/* options NULL: all defaults. error may be NULL. Reads and parses files: not on a latency path.
 * Errors: RP_E_TLS_CONFIG with a sentence that names the file, RP_E_NO_MEMORY. Any thread. */
rp_status rp_tls_config_create_sized(rp_tls_config **config, const rp_tls_options *options,
                                     size_t options_size, rp_error *error);
static inline rp_status rp_tls_config_create(rp_tls_config **config, const rp_tls_options *options,
                                             rp_error *error)
{
    return rp_tls_config_create_sized(config, options, sizeof(rp_tls_options), error);
}

/* Adds a reference and gives config back. Any thread. */
rp_tls_config *rp_tls_config_retain(rp_tls_config *config);

/* Drops a reference; the last one frees, after Windows' chain engine has answered what it was asked
 * (ten seconds at worst, if it cannot reach the net). NULL does nothing. Any thread. */
void rp_tls_config_release(rp_tls_config *config);

/* The TLS library that this program uses, and what is known to be amiss with it: "wolfSSL 5.9.2",
 * "wolfSSL 5.7.2, which lacks ...". Any thread. */
const char *rp_tls_library(void);

#ifdef __cplusplus
}
#endif
#endif
