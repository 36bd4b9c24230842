/* verify.c - the verify callback.
 *
 * wolfSSL parses a peer's certificate for its key and trusts nobody: the context has no anchors. It
 * calls back for the leaf in any case (WOLFSSL_ALWAYS_VERIFY_CB), with everything that was sent.
 * src/x509 says whether that leads to an anchor of the configuration; the leaf must also name the
 * server (RFC 9525), and hold a pinned key if keys are pinned. The engine refuses a full handshake
 * after which no leaf was accepted, so a callback that never came fails closed. */
#include "tls/verify.h"

#include "base/certificates.h"
#include "base/error.h"
#include "tls/context.h"
#include "tls/wolfssl.h"
#include "x509/host.h"
#include "x509/path.h"

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <string.h>
#include <time.h>

/* ---- the chain ---- */

static bool find_path(rp_verifier *verifier, const rp_sent_chain *sent, rp_path *path, int64_t now)
{
    rp_path_options options = {
        .anchors = verifier->config->anchors,
        .purpose = verifier->config->server ? RP_PURPOSE_CLIENT : RP_PURPOSE_SERVER,
        .now = now,
        .revocation = &verifier->config->revocation,
        .staples = &(rp_staples){sent->count, sent->staples},
    };
    if (rp__path_find(path, sent->certificates, sent->count, &options))
        return true;
    rp__path_failure_tell(path, verifier->peer_text, verifier->error);
    return false;
}

/* False: *verifier->error says why. */
static bool chain_is_valid(rp_verifier *verifier, const rp_sent_chain *sent)
{
    rp_verdicts *verdicts = verifier->config->verdicts;
    int64_t now = (int64_t)time(NULL);
    rp_verdict_key key;
    rp_path path;
    bool has_key = !verifier->config->revocation.on &&
                   rp__verdict_key_make(&key, sent->certificates, sent->count);
    if (has_key && rp__verdicts_know(verdicts, &key, now))
        return true;
    if (!find_path(verifier, sent, &path, now))
        return false;
    if (has_key)
        rp__verdicts_keep(verdicts, &key, &path);
    return true;
}

/* ---- the leaf ---- */

static bool key_digest(uint8_t digest[RP_PIN_BYTES], const rp_certificate *leaf)
{
    return wc_Sha256Hash(leaf->public_key.data, (word32)leaf->public_key.size, digest) == 0;
}

static bool key_pinned(const rp_tls_config *config, const rp_certificate *leaf)
{
    uint8_t digest[RP_PIN_BYTES];
    if (config->pin_count == 0)
        return true;
    if (!key_digest(digest, leaf))
        return false;
    for (size_t i = 0; i < config->pin_count; i++) {
        if (memcmp(config->pins[i], digest, sizeof(digest)) == 0)
            return true;
    }
    return false;
}

static void refuse_name(rp_verifier *verifier, const rp_certificate *leaf)
{
    char hosts[RP_HOSTS_TEXT_SIZE];
    if (rp__certificate_hosts_text(leaf, hosts)[0] != '\0')
        rp__error_set(verifier->error, RP_E_CERT_HOST_MISMATCH, RP_PHASE_HANDSHAKE,
                      "certificate of %s is for %s, not for %s", verifier->peer_text, hosts,
                      verifier->server_name);
    else
        rp__error_set(verifier->error, RP_E_CERT_HOST_MISMATCH, RP_PHASE_HANDSHAKE,
                      "certificate of %s names no host (%s), so it is not for %s",
                      verifier->peer_text,
                      leaf->alternative_names.data == NULL
                          ? "it has no subjectAltName"
                          : "its subjectAltName has neither a DNS name nor an IP address",
                      verifier->server_name);
}

/* Tells the key as it would be pinned, so that an operator can compare. leaf NULL: it has none. */
static void refuse_key(rp_verifier *verifier, const rp_certificate *leaf)
{
    uint8_t digest[RP_PIN_BYTES], text[48]; /* 44 letters */
    word32 size = sizeof(text) - 1;
    bool known = leaf != NULL && key_digest(digest, leaf) &&
                 Base64_Encode_NoNl(digest, sizeof(digest), text, &size) == 0;
    text[known ? size : 0] = '\0';
    rp__error_set(verifier->error, RP_E_CERT_PIN_MISMATCH, RP_PHASE_HANDSHAKE,
                  verifier->config->accept_any
                      ? "the public key of %s is not a pinned one%s%s"
                      : "certificate of %s is valid, but its public key is not a pinned one%s%s",
                  verifier->peer_text, known ? ": it is sha256//" : "", (const char *)text);
}

static bool names_server(const rp_verifier *verifier, const rp_certificate *leaf)
{
    return verifier->server_name == NULL || rp__certificate_names_host(leaf, verifier->server_name);
}

/* ---- the verdict ---- */

/* No anchor of ours, but there is somebody else to ask, who doesn't tell the chain by which
 * revocation could be judged: all that we judge ourselves is in order, and the refusal becomes a
 * question. True: there is one, or no memory for one. */
static bool ask_judge(rp_verifier *verifier, const rp_sent_chain *sent, const rp_certificate *leaf)
{
    const rp_tls_config *config = verifier->config;
    if (config->judge == NULL || config->revocation.on ||
        verifier->error->status != RP_E_CERT_UNTRUSTED || !names_server(verifier, leaf) ||
        !key_pinned(config, leaf))
        return false;
    verifier->question = rp__question_make(config->judge, sent->certificates, sent->count);
    if (verifier->question == NULL) {
        rp__error_set(verifier->error, RP_E_NO_MEMORY, RP_PHASE_HANDSHAKE,
                      "no memory to verify the certificate of %s", verifier->peer_text);
        return false;
    }
    verifier->question->refusal = *verifier->error;
    verifier->question->refusal.tls_code = ASN_NO_SIGNER_E;
    return true;
}

/* True: the leaf is good, or may be. False: *verifier->error says why it is not. */
static bool verify_chain(rp_verifier *verifier, const rp_sent_chain *sent)
{
    const rp_tls_config *config = verifier->config;
    rp_certificate leaf;
    const char *reason;
    bool readable = rp__certificate_read(&leaf, sent->certificates[0], &reason);
    if (config->accept_any) {
        if (readable && key_pinned(config, &leaf))
            return true;
        refuse_key(verifier, readable ? &leaf : NULL);
    } else if (!chain_is_valid(verifier, sent)) {
        return ask_judge(verifier, sent, &leaf);
    } else if (!names_server(verifier, &leaf)) {
        refuse_name(verifier, &leaf);
    } else if (!key_pinned(config, &leaf)) {
        refuse_key(verifier, &leaf);
    } else {
        return true;
    }
    return false;
}

static const char *reason_of(int code)
{
    return wolfSSL_ERR_reason_error_string((unsigned long)code);
}

/* ---- the callback ---- */

/* wolfSSL's code for a refusal, which says which alert is sent. */
static int code_of(rp_status status)
{
    switch (status) {
    case RP_E_CERT_EXPIRED:
        return ASN_AFTER_DATE_E;
    case RP_E_CERT_NOT_YET_VALID:
        return ASN_BEFORE_DATE_E;
    case RP_E_CERT_UNTRUSTED:
        return ASN_NO_SIGNER_E;
    case RP_E_CERT_HOST_MISMATCH:
        return DOMAIN_NAME_MISMATCH;
    case RP_E_CERT_REVOKED:
        return CRL_CERT_REVOKED;
    case RP_E_CERT_STATUS_UNKNOWN:
    case RP_E_CERT_STAPLE:
        return BAD_CERTIFICATE_STATUS_ERROR;
    case RP_E_NO_MEMORY:
        return MEMORY_E;
    default:
        return VERIFY_CERT_ERROR;
    }
}

static void read_chain(const rp_verifier *verifier, rp_sent_chain *sent,
                       const WOLFSSL_X509_STORE_CTX *store)
{
    sent->count = store->totalCerts < 0 ? 0 : (size_t)store->totalCerts;
    if (sent->count > RP_SENT_LIMIT)
        sent->count = RP_SENT_LIMIT;
    for (size_t i = 0; i < sent->count; i++) {
        sent->certificates[i] = (rp_slice){store->certs[i].buffer, store->certs[i].length};
        sent->staples[i] =
            verifier->evidence != NULL ? verifier->evidence->staples[i] : (rp_slice){NULL, 0};
    }
}

/* For the caller. */
static void keep_sent(rp_verifier *verifier, const rp_sent_chain *sent)
{
    rp_peer_certificate told[RP_SENT_LIMIT];
    char texts[RP_SENT_LIMIT][2][RP_DNAME_TEXT_SIZE];
    const char *reason;
    if (!verifier->config->keeps_sent || sent->count == 0)
        return;
    for (size_t i = 0; i < sent->count; i++) {
        rp_certificate read;
        bool readable = rp__certificate_read(&read, sent->certificates[i], &reason);
        told[i] = (rp_peer_certificate){.der = sent->certificates[i].data,
                                        .der_size = sent->certificates[i].size,
                                        .subject = "",
                                        .issuer = ""};
        if (!readable)
            continue;
        told[i].public_key = read.public_key.data;
        told[i].public_key_size = read.public_key.size;
        told[i].not_before = read.not_before;
        told[i].not_after = read.not_after;
        told[i].subject = rp__dname_text(read.subject, texts[i][0]);
        told[i].issuer = rp__dname_text(read.issuer, texts[i][1]);
    }
    rp__free(verifier->memory, verifier->sent);
    verifier->sent = rp__certificates_copy(verifier->memory, told, sent->count);
    verifier->sent_count = verifier->sent != NULL ? sent->count : 0;
    verifier->sent_lost = verifier->sent == NULL;
}

/* In TLS 1.2 a response comes behind the certificates, if it comes. True: they are judged then. */
static bool wait_for_status(rp_verifier *verifier, const rp_sent_chain *sent)
{
    if (rp__evidence_wait(verifier->evidence, sent))
        return true;
    rp__error_set(verifier->error, RP_E_NO_MEMORY, RP_PHASE_HANDSHAKE,
                  "no memory to verify the certificate of %s", verifier->peer_text);
    return false;
}

/* True: wolfSSL goes on. */
static bool accept_chain(rp_verifier *verifier, const rp_sent_chain *sent)
{
    if (verifier->evidence != NULL && !verifier->evidence->with_certificates)
        return wait_for_status(verifier, sent);
    verifier->accepted = verify_chain(verifier, sent);
    return verifier->accepted;
}

/* 1: go on, 0: refuse. code is wolfSSL's own, for what it can't read in the leaf. */
static int verify(int ok, WOLFSSL_X509_STORE_CTX *store)
{
    rp_verifier *verifier = store->userCtx;
    rp_sent_chain sent;
    if (verifier == NULL || verifier->refused || store->error_depth != 0)
        return 0;
    read_chain(verifier, &sent, store);
    keep_sent(verifier, &sent);
    if (sent.count == 0) {
        rp__error_set(verifier->error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE,
                      "%s showed no certificate", verifier->peer_text);
    } else if (accept_chain(verifier, &sent)) {
        if (ok)
            return 1;
        verifier->accepted = false;
        rp__error_set(verifier->error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE,
                      "certificate of %s is not valid: %s", verifier->peer_text,
                      reason_of(store->error));
    }
    verifier->refused = true;
    if (ok)
        store->error = code_of(verifier->error->status);
    verifier->error->tls_code = store->error;
    return 0;
}

/* Where nothing is judged. */
static int look(int ok, WOLFSSL_X509_STORE_CTX *store)
{
    rp_verifier *verifier = store->userCtx;
    rp_sent_chain sent;
    (void)ok;
    if (verifier != NULL && store->error_depth == 0) {
        read_chain(verifier, &sent, store);
        keep_sent(verifier, &sent);
    }
    return 1;
}

static int refuse_status(rp_verifier *verifier, int code)
{
    verifier->refused = true;
    verifier->error->tls_code = code;
    return code;
}

static int refuse_malformed_status(rp_verifier *verifier)
{
    rp__error_set(verifier->error, RP_E_TLS_PROTOCOL, RP_PHASE_HANDSHAKE,
                  "%s broke the rules of TLS: its certificate status is malformed",
                  verifier->peer_text);
    return refuse_status(verifier, BAD_CERTIFICATE_STATUS_ERROR);
}

/* In TLS 1.2 the certificates that wait are judged when the status comes, or at the end of the
 * server's flight without it. */
int rp__verifier_status(rp_verifier *verifier, int index, rp_slice data)
{
    rp_evidence *evidence = verifier->evidence;
    if (evidence == NULL || verifier->refused)
        return 0;
    if (index >= 0)
        return rp__evidence_extensions(evidence, (size_t)index, data)
                   ? 0
                   : refuse_malformed_status(verifier);
    if (evidence->bytes == NULL || verifier->accepted)
        return 0;
    rp_sent_chain *sent = &evidence->waiting;
    if (index == RP_STATUS_MESSAGE && !rp__certificate_status_read(data, &sent->staples[0]))
        return refuse_malformed_status(verifier);
    verifier->accepted = verify_chain(verifier, sent);
    return verifier->accepted ? 0 : refuse_status(verifier, code_of(verifier->error->status));
}

/* What wolfSSL says of a leaf that it can't read at all, without a call back. */
bool rp__certificate_error(rp_error *error, int code, const char *peer_text)
{
    static const int codes[] = {
        ASN_PARSE_E,       ASN_VERSION_E,      ASN_GETINT_E,       ASN_RSA_KEY_E,
        ASN_OBJECT_ID_E,   ASN_TAG_NULL_E,     ASN_EXPECT_0_E,     ASN_BITSTR_E,
        ASN_UNKNOWN_OID_E, ASN_DATE_SZ_E,      ASN_TIME_E,         ASN_DH_KEY_E,
        ASN_SIG_OID_E,     ASN_SIG_KEY_E,      ASN_SIG_HASH_E,     ASN_CRIT_EXT_E,
        ASN_ALT_NAME_E,    ASN_NAME_INVALID_E, ASN_COUNTRY_SIZE_E, ASN_PATHLEN_SIZE_E,
        ASN_PATHLEN_INV_E, EXTKEYUSAGE_E,      KEYUSAGE_E,         KEYUSE_SIGNATURE_E,
        KEYUSE_ENCIPHER_E, EXTKEYUSE_AUTH_E,   MAX_CHAIN_ERROR,    RSA_KEY_SIZE_E,
        ECC_KEY_SIZE_E,    VERIFY_CERT_ERROR,
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] != code)
            continue;
        /* As src/x509 says it, which sees no more than one too many. */
        rp__error_set(error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE,
                      "certificate of %s is not valid: %s", peer_text,
                      code == MAX_CHAIN_ERROR ? "more than 64 certificates were sent"
                                              : reason_of(code));
        error->tls_code = code;
        return true;
    }
    return false;
}

void rp__context_verify(rp_tls_config *config)
{
    WOLFSSL_CTX *context = config->context;
    if (!rp__tls_config_judges(config))
        wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, config->keeps_sent ? look : NULL);
    else if (config->server)
        wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               verify);
    else
        wolfSSL_CTX_set_verify(context, RP_LEAF_ONLY ? WOLFSSL_VERIFY_PEER : WOLFSSL_VERIFY_NONE,
                               verify);
}
