/* tls.h - TLS configuration: whom to trust, who we are, which versions.
 *
 * Made once, immutable, reference-counted, shared by any number of loops and threads. The defaults
 * are what a client should have: TLS 1.2 and 1.3, the system's trust store, chain and host name
 * verified (RFC 5280, RFC 9525), sessions resumed. */
#ifndef RINGPORT_TLS_H
#define RINGPORT_TLS_H

#include <ringport/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_tls_config rp_tls_config;

typedef enum rp_tls_version {
    RP_TLS_DEFAULT = 0, /* as minimum: TLS 1.2; as maximum: TLS 1.3 */
    RP_TLS_1_2 = 12,
    RP_TLS_1_3 = 13
} rp_tls_version;

/* What becomes of a certificate that may be revoked: RFC 5280, 6.3 (CRLs) and RFC 6960 (OCSP
 * responses that the server staples to its certificates; nothing is fetched). The trust anchor is
 * not judged, each other certificate of the chain is.
 * Where it is not off: one that a CRL or a response calls revoked is refused, RP_E_CERT_REVOKED. So
 * is one with a response that can't be used, whatever the cause, and a server's that must come with
 * a response (RFC 7633) and does not: RP_E_CERT_STAPLE, which a CRL does not mend. */
typedef enum rp_revocation_policy {
    RP_REVOCATION_OFF = 0, /* nothing is asked for, and nothing looked at */
    RP_REVOCATION_SOFT,    /* these are refused, and no others */
    RP_REVOCATION_HARD     /* of each a CRL that is in date, or a response, says that it is good;
                            * else RP_E_CERT_STATUS_UNKNOWN. Servers staple for their own
                            * certificate at best, so CRLs are needed for its issuers */
} rp_revocation_policy;

/* Receives key log lines (NSS format, no line end) for debugging tools. Any thread that
 * handshakes. */
typedef void rp_keylog_fn(const char *line, void *user);

/* Writes the passphrase of file into password, with a NUL at its end: less than size bytes, UTF-8.
 * False: there is none. What it wrote is overwritten when the file is read. */
typedef bool rp_key_password_fn(const char *file, char *password, size_t size, void *user);

/* A signature that a server asks for, by a key that is not in the process. */
typedef struct rp_sign_request {
    rp_tls_config *config;
    uint64_t id; /* for rp_tls_config_signed */
    /* RFC 8446, 4.2.3: 0x0403 is ECDSA with SHA-256, 0x0804 RSA-PSS with SHA-256 and as long a
     * salt, 0x0807 Ed25519. In TLS 1.2 the hash of an ECDSA signature does not name the curve, and
     * 0x0401, 0x0501 and 0x0601 are PKCS #1 with SHA-256, SHA-384 and SHA-512. */
    uint16_t scheme;
    const void *data; /* what is to be signed: the hash, or for Ed25519 the message */
    size_t size;
    const char *peer; /* who asks: "api.example.com (192.0.2.7:443)" */
} rp_sign_request;

/* Starts to make a signature, and does not wait for it: this is the thread of a loop, which stands
 * still meanwhile. rp_tls_config_signed takes the answer, here or on any other thread; the
 * handshake waits for it, within its deadline. request is valid until this returns. */
typedef void rp_sign_fn(const rp_sign_request *request, void *user);

typedef struct rp_tls_options {
    /* Trust. A trust anchor is a name and a key: the dates, the usages and the signature of its
     * certificate are not judged, so it counts until it is taken out. One that is no authority's
     * stands for itself only. The certificates are read when the configuration is made; after a
     * change, make another one (rp_client_set_tls). rp_tls_config_trust says what became of each.
     * Where none of the four is given, the system's store is used. On Windows that is the
     * store ROOT, read once, and for a chain that ends elsewhere the system's chain engine, which
     * may fetch the root; a handshake waits for its answer, within its deadline. */
    const char *ca_file;      /* PEM file of trust anchors: roots, or whatever else is to be trusted
                               * as one, an intermediate or a server's own certificate say. What
                               * OpenSSL's TRUSTED CERTIFICATE says of TLS servers counts */
    const char *ca_directory; /* directory of PEM files */
    const char *ca_pem;       /* PEM in memory, ca_pem_size bytes (0: NUL-terminated) */
    size_t ca_pem_size;
    bool trust_system_too; /* the system's store beside the ones above */

    /* "sha256//BASE64;sha256//BASE64": SHA-256 of acceptable leaf public keys
     * (SubjectPublicKeyInfo), beside the chain, not instead of it; they hold where any certificate
     * is accepted too. NULL: none. */
    const char *pinned_keys;

    /* Identity for servers that ask for one. What a file holds is seen by its content: PEM or DER,
     * or in certificate_file PKCS #12, which has the key too. In PEM the certificate comes first,
     * then its issuers, as they are sent. Keys: RSA, RSA-PSS, P-256, P-384, P-521, Ed25519. */
    const char *certificate_file;
    const char *key_file; /* may be the same file; NULL if that is PKCS #12 */

    rp_tls_version minimum_version;
    rp_tls_version maximum_version;

    const char *tls12_ciphers; /* OpenSSL names, colon-separated; NULL: ECDHE with AEAD */
    const char *tls13_ciphers;
    /* "X25519MLKEM768:X25519:P-256:P-384:P-521"; NULL: that, without the first where the TLS
     * library lacks it (rp_tls_library says so) or TLS 1.3 is not offered. The first flight has a
     * key share of the first group, and of the second if the first is X25519MLKEM768. */
    const char *groups;

    bool no_resumption; /* neither offer nor keep sessions */

    /* No verification: encrypted to anybody who answers. For tests only; each word is meant. */
    bool insecure_accept_any_certificate;

    rp_keylog_fn *on_keylog; /* NULL: none */
    void *keylog_user;

    /* For a key_file (PKCS #8: PBES2 with AES) or PKCS #12 file that is encrypted. NULL:
     * on_key_password is asked, once and only if it is needed. Neither is kept, nor is a copy of
     * the key left that is not used. */
    const char *key_password;
    rp_key_password_fn *on_key_password;
    void *key_password_user;

    /* Revocation. CRLs are complete and direct ones, in PEM (any number) or one in DER; 128 MiB in
     * all at most. One that can't be used is an error that says why; one that is out of date can,
     * but says good of nobody. Like anchors they are read once: before they end, make another
     * configuration. Chains that lead to no anchor are not put to Windows' chain engine then. A
     * session is resumed without another look. */
    rp_revocation_policy revocation;
    const char *crl_file;
    const char *crl_data; /* in memory, crl_data_size bytes (0: NUL-terminated) */
    size_t crl_data_size;
    bool require_staple; /* the server's certificate must come with a response, whatever it says of
                          * itself */

    /* Instead of key_file: the key is elsewhere, and this has it sign. */
    rp_sign_fn *on_sign;
    void *sign_user;

    /* The same as certificate_file and key_file, in memory: PEM, DER or PKCS #12, of so many bytes
     * (0: NUL-terminated, PEM alone). Each instead of its file. Not kept: the caller may overwrite
     * them when the configuration is made. on_key_password is asked for "memory". */
    const void *certificate_data;
    size_t certificate_data_size;
    const void *key_data;
    size_t key_data_size;

    /* Keep what a server sent as its certificates, for whoever asks: rp_stream_info and
     * rp_response_summary have them then. Costs each connection some KiB. */
    bool keep_peer_certificates;
} rp_tls_options;

/* options NULL: all defaults. error may be NULL. Reads and parses files: not on a latency path.
 * Errors: RP_E_TLS_CONFIG with a message that names the file, RP_E_NO_MEMORY. Any thread. */
rp_status rp_tls_config_create_sized(rp_tls_config **config, const rp_tls_options *options,
                                     size_t options_size, rp_error *error);
static inline rp_status rp_tls_config_create(rp_tls_config **config, const rp_tls_options *options,
                                             rp_error *error)
{
    return rp_tls_config_create_sized(config, options, sizeof(rp_tls_options), error);
}

/* A certificate that was given as trust. Lent. */
typedef struct rp_trusted {
    const char *subject; /* its common name, or all of its name: printable ASCII */
    const char *key;     /* "RSA 4096", "P-384", "Ed25519"; NULL: it was refused */
    int64_t not_after;   /* when it ends, in seconds since 1970: see above; 0: it was refused */
    /* Why it is no trust anchor: "its RSA key has less than 2048 bits"; NULL: it is one. */
    const char *refused;
} rp_trusted;

/* Calls fn for each trust anchor, and then for each certificate that was to be one. Any thread. */
void rp_tls_config_trust(const rp_tls_config *config,
                         void (*fn)(const rp_trusted *trusted, void *user), void *user);

/* A certificate as a server sent it, and what it says of itself; whether it is to be trusted, the
 * handshake has judged. Lent. What can't be read of one is NULL, 0 or "". */
typedef struct rp_peer_certificate {
    const uint8_t *der;
    size_t der_size;
    /* SubjectPublicKeyInfo, within der: what pinned_keys has SHA-256 of. */
    const uint8_t *public_key;
    size_t public_key_size;
    int64_t not_before, not_after; /* seconds since 1970; both belong to the time of validity */
    const char *subject;           /* its common name, or all of its name: printable ASCII */
    const char *issuer;            /* likewise */
} rp_peer_certificate;

/* The answer to on_sign: an ECDSA signature in DER, another as it is. size 0: none can be made. It
 * is checked by the certificate's key here, which takes some 100 us, and copied.
 * Errors: RP_E_TLS_SIGNING (it is wrong: the connection fails too), RP_E_CANCELLED (nobody waits
 * for id: its connection has ended, or id was answered before; the answer is ignored), RP_E_MISUSE
 * (config has no on_sign). error may be NULL. Any thread that has a reference to config: on_sign
 * retains it for one that answers later. */
rp_status rp_tls_config_signed(rp_tls_config *config, uint64_t id, const void *signature,
                               size_t size, rp_error *error);

/* Sessions, so that a server that is restarted resumes with those it calls. Each loop has its own,
 * or shares them (service.h), and they are used once: what is saved leaves the loop, and all that
 * share with it. rp_tls_sessions_restore takes them, all or none, if they were saved under a
 * configuration with the same trust, identity, versions, ciphers and other demands, and by the same
 * wolfSSL; each serves the host and port that it was made with. They hold secrets, and vouch for
 * servers whose certificates are not looked at again. seal_key: of RP_SEAL_KEY_BYTES random bytes,
 * for AES-256-GCM. NULL: they are not sealed; then whoever can read them can read the connections,
 * and whoever can write them can pose as any server. */
#define RP_SEAL_KEY_BYTES 32

/* bytes is valid until fn returns, and overwritten then. Errors: RP_E_NO_MEMORY (nothing left the
 * loop), RP_E_MISUSE (another thread's loop). The loop's thread. */
rp_status rp_tls_sessions_save(rp_loop *loop, const rp_tls_config *config, const uint8_t *seal_key,
                               void (*fn)(const void *bytes, size_t size, void *user), void *user,
                               rp_error *error);
/* *count (which may be NULL): how many are good still. Errors: RP_E_TLS_SESSIONS with a message
 * that says why, RP_E_NO_MEMORY, RP_E_MISUSE. The loop's thread. */
rp_status rp_tls_sessions_restore(rp_loop *loop, const rp_tls_config *config,
                                  const uint8_t *seal_key, const void *bytes, size_t size,
                                  size_t *count, rp_error *error);

/* Adds a reference and returns config. Any thread. */
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
