/* verify.c - the verify callback.
 *
 * wolfSSL verifies the chain (RFC 5280) and calls back for each certificate that failed, and
 * for the leaf in any case (WOLFSSL_ALWAYS_VERIFY_CB). A failure is turned into a sentence here,
 * because the certificate is at hand only here. A good leaf must also name the server (RFC 9525)
 * and hold a pinned key if keys are pinned. The engine refuses a full handshake after which no
 * leaf was accepted, so a callback that never came fails closed. */
#include "tls/verify.h"

#include "base/address.h"
#include "base/error.h"
#include "tls/context.h"
#include "tls/wolfssl.h"
#include "x509/host.h"

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_TEXT 80   /* one name in a sentence */
#define NAMES_TEXT 120 /* all the names of a certificate in a sentence */

#define CERTIFICATES_LIMIT 16 /* of one chain; wolfSSL takes nine */

void rp_printable(char *text, size_t capacity, const uint8_t *bytes, size_t size)
{
    size_t used = 0;
    for (; used < size && used + 1 < capacity; used++)
        text[used] = (char)(bytes[used] < ' ' || bytes[used] > '~' ? '?' : bytes[used]);
    text[used] = '\0';
}

/* ---- What a sentence says of a certificate --------------------------------------------------- */

/* "/C=US/O=Example/CN=Example CA" -> "Example CA"; all of it without a common name. */
static void common_name(char text[NAME_TEXT], const char *name)
{
    const char *found = NULL;
    for (const char *at = name; (at = strstr(at, "/CN=")) != NULL; at += 4)
        found = at + 4;
    const char *begin = found != NULL ? found : name;
    size_t size = found != NULL ? strcspn(begin, "/") : strlen(begin);
    rp_printable(text, NAME_TEXT, (const uint8_t *)begin, size);
    if (size == 0)
        snprintf(text, NAME_TEXT, "%s", "unnamed");
}

/* "2026-01-31" from an ASN.1 time, "an unreadable date" if it is none. */
static void date_text(char text[32], const byte *der, int der_size)
{
    const byte *date;
    byte format;
    int size;
    snprintf(text, 32, "%s", "an unreadable date");
    if (der == NULL || wc_GetDateInfo(der, der_size, &date, &format, &size) != 0 || size < 8)
        return;
    for (int i = 0; i < 8; i++) {
        if (date[i] < '0' || date[i] > '9')
            return;
    }
    const char *at = (const char *)date;
    if (format == ASN_UTC_TIME) /* RFC 5280, 4.1.2.5.1 */
        snprintf(text, 32, "%s%.2s-%.2s-%.2s", at[0] < '5' ? "20" : "19", at, at + 2, at + 4);
    else
        snprintf(text, 32, "%.4s-%.2s-%.2s", at, at + 4, at + 6);
}

/* "api.example.com, *.example.net, ..." */
static void names_text(char text[NAMES_TEXT], const DecodedCert *certificate)
{
    size_t used = 0;
    text[0] = '\0';
    for (const DNS_entry *entry = certificate->altNames; entry != NULL; entry = entry->next) {
        char name[NAME_TEXT] = "";
        rp_address address = {.family = entry->len == 4 ? 4 : 6};
        char address_text[RP_ADDRESS_TEXT_SIZE];
        if (entry->type == ASN_DNS_TYPE) {
            rp_printable(name, sizeof(name), (const uint8_t *)entry->name, (size_t)entry->len);
        } else if (entry->type == ASN_IP_TYPE && (entry->len == 4 || entry->len == 16)) {
            memcpy(address.bytes, entry->name, (size_t)entry->len);
            snprintf(name, sizeof(name), "%s", rp_address_text(&address, false, address_text));
        } else {
            continue;
        }
        size_t size = strlen(name);
        if (used + size + sizeof(", ...") + 2 > NAMES_TEXT) {
            memcpy(text + used, ", ...", sizeof(", ...")); /* the first one always fits */
            return;
        }
        used +=
            (size_t)snprintf(text + used, NAMES_TEXT - used, "%s%s", used > 0 ? ", " : "", name);
    }
}

/* ---- Causes ---------------------------------------------------------------------------------- */

typedef struct cause {
    int code;
    rp_status status;
} cause;

static const cause causes[] = {
    {ASN_AFTER_DATE_E, RP_E_CERT_EXPIRED},   {ASN_BEFORE_DATE_E, RP_E_CERT_NOT_YET_VALID},
    {ASN_NO_SIGNER_E, RP_E_CERT_UNTRUSTED},  {ASN_SELF_SIGNED_E, RP_E_CERT_UNTRUSTED},
    {CRL_CERT_REVOKED, RP_E_CERT_REVOKED},   {OCSP_CERT_REVOKED, RP_E_CERT_REVOKED},
    {ASN_SIG_CONFIRM_E, RP_E_CERT_INVALID},  {ASN_SIG_OID_E, RP_E_CERT_INVALID},
    {ASN_SIG_HASH_E, RP_E_CERT_INVALID},     {ASN_SIG_KEY_E, RP_E_CERT_INVALID},
    {ASN_PARSE_E, RP_E_CERT_INVALID},        {ASN_VERSION_E, RP_E_CERT_INVALID},
    {ASN_GETINT_E, RP_E_CERT_INVALID},       {ASN_RSA_KEY_E, RP_E_CERT_INVALID},
    {ASN_OBJECT_ID_E, RP_E_CERT_INVALID},    {ASN_TAG_NULL_E, RP_E_CERT_INVALID},
    {ASN_EXPECT_0_E, RP_E_CERT_INVALID},     {ASN_BITSTR_E, RP_E_CERT_INVALID},
    {ASN_UNKNOWN_OID_E, RP_E_CERT_INVALID},  {ASN_DATE_SZ_E, RP_E_CERT_INVALID},
    {ASN_TIME_E, RP_E_CERT_INVALID},         {ASN_DH_KEY_E, RP_E_CERT_INVALID},
    {ASN_CRIT_EXT_E, RP_E_CERT_INVALID},     {ASN_ALT_NAME_E, RP_E_CERT_INVALID},
    {ASN_NAME_INVALID_E, RP_E_CERT_INVALID}, {ASN_COUNTRY_SIZE_E, RP_E_CERT_INVALID},
    {ASN_PATHLEN_SIZE_E, RP_E_CERT_INVALID}, {ASN_PATHLEN_INV_E, RP_E_CERT_INVALID},
    {ASN_CRL_CONFIRM_E, RP_E_CERT_INVALID},  {CRL_MISSING, RP_E_CERT_INVALID},
    {CRL_CERT_DATE_ERR, RP_E_CERT_INVALID},  {EXTKEYUSAGE_E, RP_E_CERT_INVALID},
    {KEYUSAGE_E, RP_E_CERT_INVALID},         {KEYUSE_SIGNATURE_E, RP_E_CERT_INVALID},
    {KEYUSE_ENCIPHER_E, RP_E_CERT_INVALID},  {EXTKEYUSE_AUTH_E, RP_E_CERT_INVALID},
    {MAX_CHAIN_ERROR, RP_E_CERT_INVALID},    {NOT_CA_ERROR, RP_E_CERT_INVALID},
    {RSA_KEY_SIZE_E, RP_E_CERT_INVALID},     {ECC_KEY_SIZE_E, RP_E_CERT_INVALID},
    {VERIFY_CERT_ERROR, RP_E_CERT_INVALID},  {MEMORY_E, RP_E_NO_MEMORY},
};

static rp_status status_of(int code)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (causes[i].code == code)
            return causes[i].status;
    }
    return RP_OK;
}

static const char *reason(int code)
{
    return wolfSSL_ERR_reason_error_string((unsigned long)code);
}

bool rp_certificate_error(rp_error *error, int code, const char *peer_text)
{
    rp_status status = status_of(code);
    if (status == RP_OK || status == RP_E_NO_MEMORY)
        return false;
    rp_error_set(error, status, RP_PHASE_HANDSHAKE, "certificate of %s is not valid: %s", peer_text,
                 reason(code));
    error->tls_code = code;
    return true;
}

/* The sentence for a certificate of the chain that wolfSSL refused. subject: whose it is. */
static void refuse_chain(rp_verifier *verifier, int code, const char *subject,
                         const DecodedCert *certificate)
{
    rp_error *error = verifier->error;
    rp_status status = status_of(code);
    char date[32];
    switch (status) {
    case RP_E_CERT_EXPIRED:
        date_text(date, certificate->afterDate, certificate->afterDateLen);
        rp_error_set(error, status, RP_PHASE_HANDSHAKE, "%s expired on %s", subject, date);
        break;
    case RP_E_CERT_NOT_YET_VALID:
        date_text(date, certificate->beforeDate, certificate->beforeDateLen);
        rp_error_set(error, status, RP_PHASE_HANDSHAKE, "%s is not valid before %s", subject, date);
        break;
    case RP_E_CERT_REVOKED:
        rp_error_set(error, status, RP_PHASE_HANDSHAKE, "%s was revoked", subject);
        break;
    case RP_E_NO_MEMORY:
        rp_error_set(error, status, RP_PHASE_HANDSHAKE, "no memory to verify the %s", subject);
        break;
    default:
        rp_error_set(error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE, "%s is not valid: %s", subject,
                     reason(code));
        break;
    }
    error->tls_code = code;
}

/* No chain to a trust anchor. The end of the chain that the peer sent names the authority that
 * would have to be one. */
static void refuse_untrusted(rp_verifier *verifier, const WOLFSSL_X509_STORE_CTX *store)
{
    const WOLFSSL_BUFFER_INFO *der = &store->certs[store->totalCerts - 1];
    DecodedCert last;
    wc_InitDecodedCert(&last, der->buffer, der->length, NULL);
    (void)wc_ParseCert(&last, CERT_TYPE, NO_VERIFY, NULL);
    char name[NAME_TEXT];
    common_name(name, last.issuer);
    if (store->totalCerts == 1 && last.selfSigned)
        rp_error_set(verifier->error, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE,
                     "certificate of %s is self-signed (%s) and not a trusted one",
                     verifier->peer_text, name);
    else
        rp_error_set(verifier->error, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE,
                     "certificate of %s is signed by an unknown authority (%s)",
                     verifier->peer_text, name);
    verifier->error->tls_code = store->error;
    verifier->refused = true;
    wc_FreeDecodedCert(&last);
}

/* ---- The leaf -------------------------------------------------------------------------------- */

static bool names_server(const DecodedCert *certificate, const char *server_name)
{
    rp_address wanted;
    bool literal = rp_address_parse(&wanted, server_name, strlen(server_name));
    int wanted_size = literal && wanted.family == 4 ? 4 : 16;
    for (const DNS_entry *entry = certificate->altNames; entry != NULL; entry = entry->next) {
        if (literal && entry->type == ASN_IP_TYPE && entry->len == wanted_size &&
            memcmp(entry->name, wanted.bytes, (size_t)wanted_size) == 0)
            return true;
        if (!literal && entry->type == ASN_DNS_TYPE && entry->len > 0 &&
            rp_host_matches(server_name, (const uint8_t *)entry->name, (size_t)entry->len))
            return true;
    }
    return false;
}

static void refuse_name(rp_verifier *verifier, const DecodedCert *certificate)
{
    char names[NAMES_TEXT];
    names_text(names, certificate);
    if (names[0] != '\0')
        rp_error_set(verifier->error, RP_E_CERT_HOST_MISMATCH, RP_PHASE_HANDSHAKE,
                     "certificate of %s is for %s, not for %s", verifier->peer_text, names,
                     verifier->server_name);
    else
        rp_error_set(verifier->error, RP_E_CERT_HOST_MISMATCH, RP_PHASE_HANDSHAKE,
                     "certificate of %s names no host (it has no subjectAltName), so it is not for "
                     "%s",
                     verifier->peer_text, verifier->server_name);
    verifier->error->tls_code = DOMAIN_NAME_MISMATCH;
}

/* Steps over one DER element that begins at *at. False if it does not fit before end. */
static bool der_step(const uint8_t **at, const uint8_t *end, bool into)
{
    const uint8_t *p = *at;
    if (end - p < 2)
        return false;
    p++;
    size_t size = *p++;
    if (size >= 0x80) {
        size_t digits = size & 0x7f;
        if (digits == 0 || digits > 3 || (size_t)(end - p) < digits)
            return false;
        for (size = 0; digits > 0; digits--)
            size = size << 8 | *p++;
    }
    if ((size_t)(end - p) < size)
        return false;
    *at = into ? p : p + size;
    return true;
}

/* The SubjectPublicKeyInfo in a certificate that wolfSSL has parsed:
 * SEQUENCE { SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, SPKI, ... */
static bool find_public_key(const uint8_t *der, size_t size, const uint8_t **key, size_t *key_size)
{
    const uint8_t *at = der, *end = der + size;
    if (!der_step(&at, end, true) || !der_step(&at, end, true) || at == end)
        return false;
    int skip = *at == 0xA0 ? 6 : 5;
    for (; skip > 0; skip--) {
        if (!der_step(&at, end, false))
            return false;
    }
    *key = at;
    if (!der_step(&at, end, false))
        return false;
    *key_size = (size_t)(at - *key);
    return true;
}

static bool key_pinned(const rp_tls_config *config, const uint8_t *der, size_t size)
{
    if (config->pin_count == 0)
        return true;
    const uint8_t *key;
    size_t key_size;
    uint8_t digest[RP_PIN_BYTES];
    if (!find_public_key(der, size, &key, &key_size) ||
        wc_Sha256Hash(key, (word32)key_size, digest) != 0)
        return false;
    for (size_t i = 0; i < config->pin_count; i++) {
        if (memcmp(config->pins[i], digest, sizeof(digest)) == 0)
            return true;
    }
    return false;
}

static void judge_leaf(rp_verifier *verifier, const DecodedCert *certificate,
                       const WOLFSSL_BUFFER_INFO *der)
{
    if (verifier->server_name != NULL && !names_server(certificate, verifier->server_name)) {
        refuse_name(verifier, certificate);
    } else if (!key_pinned(verifier->config, der->buffer, der->length)) {
        rp_error_set(verifier->error, RP_E_CERT_PIN_MISMATCH, RP_PHASE_HANDSHAKE,
                     "certificate of %s is valid, but its public key is not a pinned one",
                     verifier->peer_text);
    } else {
        verifier->accepted = true;
        return;
    }
    verifier->refused = true;
}

/* No anchor of ours, but there is somebody else to ask: all that we judge ourselves must be in
 * order, then the refusal becomes a question. Only wolfSSL's last word on a chain is one, that on
 * the leaf: it has kept the certificates before it out of the context's trust. */
static void doubt(rp_verifier *verifier, const WOLFSSL_X509_STORE_CTX *store)
{
    const WOLFSSL_BUFFER_INFO *der = &store->certs[0];
    rp_judge *judge = verifier->config->judge;
    rp_slice certificates[CERTIFICATES_LIMIT];
    size_t count = (size_t)store->totalCerts;
    DecodedCert leaf;
    wc_InitDecodedCert(&leaf, der->buffer, der->length, NULL);
    int result = wc_ParseCert(&leaf, CERT_TYPE, VERIFY, NULL);
    bool good = (result == 0 || status_of(result) == RP_E_CERT_UNTRUSTED) && leaf.badDate == 0 &&
                (verifier->server_name == NULL || names_server(&leaf, verifier->server_name)) &&
                key_pinned(verifier->config, der->buffer, der->length);
    wc_FreeDecodedCert(&leaf);
    if (!good || count > CERTIFICATES_LIMIT)
        return;
    for (size_t i = 0; i < count; i++)
        certificates[i] = (rp_slice){store->certs[i].buffer, store->certs[i].length};
    verifier->question = rp_question_make(judge, certificates, count);
    if (verifier->question == NULL) {
        rp_error_set(verifier->error, RP_E_NO_MEMORY, RP_PHASE_HANDSHAKE,
                     "no memory to verify the certificate of %s", verifier->peer_text);
        return;
    }
    verifier->question->refusal = *verifier->error;
    verifier->refused = false;
    verifier->accepted = true;
}

/* ---- The callback ---------------------------------------------------------------------------- */

static void judge(rp_verifier *verifier, bool ok, int code, int depth,
                  const WOLFSSL_BUFFER_INFO *der)
{
    DecodedCert certificate;
    wc_InitDecodedCert(&certificate, der->buffer, der->length, NULL);
    int parsed = wc_ParseCert(&certificate, CERT_TYPE, NO_VERIFY, NULL);
    if (ok && parsed == 0) {
        judge_leaf(verifier, &certificate, der);
    } else {
        char subject[RP_ERROR_TEXT_SIZE], name[NAME_TEXT];
        common_name(name, certificate.subject);
        if (depth == 0)
            snprintf(subject, sizeof(subject), "certificate of %s", verifier->peer_text);
        else
            snprintf(subject, sizeof(subject), "issuer certificate \"%s\" of %s", name,
                     verifier->peer_text);
        refuse_chain(verifier, ok ? parsed : code, subject, &certificate);
        verifier->refused = true;
    }
    wc_FreeDecodedCert(&certificate);
}

/* 1: go on, 0: refuse. */
static int verify(int ok, WOLFSSL_X509_STORE_CTX *store)
{
    rp_verifier *verifier = store->userCtx;
    int depth = store->error_depth;
    /* An earlier verdict stands. */
    if (verifier == NULL || verifier->refused)
        return 0;
    if (depth < 0 || depth >= store->totalCerts) {
        rp_error_set(verifier->error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE,
                     "%s showed no certificate", verifier->peer_text);
        verifier->error->tls_code = store->error;
        verifier->refused = true;
        return 0;
    }
    if (ok && depth > 0)
        return 1;
    if (!ok && status_of(store->error) == RP_E_CERT_UNTRUSTED) {
        refuse_untrusted(verifier, store);
        if (depth == 0 && verifier->config->judge != NULL)
            doubt(verifier, store);
        return verifier->refused ? 0 : 1;
    }
    judge(verifier, ok != 0, store->error, depth, &store->certs[depth]);
    return verifier->refused ? 0 : 1;
}

/* Builds with WOLFSSL_TRUST_PEER_CERT keep CA files as trusted peers too, and take a certificate
 * that looks like one of them for any host (CVE-2026-93302). */
#ifdef WOLFSSL_TRUST_PEER_CERT
static void drop_trusted_peers(WOLFSSL_CTX *context)
{
    wolfSSL_CTX_Unload_trust_peers(context);
}
#else
static void drop_trusted_peers(WOLFSSL_CTX *context)
{
    (void)context;
}
#endif

void rp_context_verify(rp_tls_config *config)
{
    drop_trusted_peers(config->context);
    wolfSSL_CTX_set_verify(config->context,
                           WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
}
