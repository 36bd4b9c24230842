/* failure.c - TLS failures in an operator's words. */
#include "tls/failure.h"

#include "base/error.h"
#include "tls/verify.h"
#include "tls/wolfssl.h"

#include <stdio.h>
#include <string.h>

/* ---- alerts ---- */

typedef struct alert {
    int code;
    const char *name;
    const char *meaning; /* from where we stand: the peer sent it */
} alert;

/* RFC 8446, 6; RFC 5246, 7.2. */
static const alert alerts[] = {
    {10, "unexpected_message", "it got a message that it did not expect"},
    {20, "bad_record_mac", "it could not decrypt a record"},
    {22, "record_overflow", "it got a record that is too long"},
    {40, "handshake_failure", "it accepts none of the ciphers, groups or signatures offered"},
    {42, "bad_certificate", "it does not accept the certificate it was shown"},
    {43, "unsupported_certificate", "it can't use the kind of certificate it was shown"},
    {44, "certificate_revoked", "it says that the certificate it was shown was revoked"},
    {45, "certificate_expired", "it says that the certificate it was shown has expired"},
    {46, "certificate_unknown", "it does not accept the certificate it was shown"},
    {47, "illegal_parameter", "it got a value that TLS forbids"},
    {48, "unknown_ca", "it does not know the authority of the certificate it was shown"},
    {49, "access_denied", "it denies access"},
    {50, "decode_error", "it could not parse a message"},
    {51, "decrypt_error", "a signature or a key check failed there"},
    {70, "protocol_version", "it does not speak a TLS version that was offered"},
    {71, "insufficient_security", "it demands stronger ciphers"},
    {80, "internal_error", "it failed by itself"},
    {86, "inappropriate_fallback", "it takes the connection for a downgrade"},
    {90, "user_canceled", "it gave up"},
    {100, "no_renegotiation", "it does not renegotiate"},
    {109, "missing_extension", "it misses an extension"},
    {110, "unsupported_extension", "it got an extension that it did not ask for"},
    {112, "unrecognized_name", "it serves no such name"},
    {113, "bad_certificate_status_response", "it does not accept a certificate status"},
    {115, "unknown_psk_identity", "it does not know the session"},
    {116, "certificate_required", "it wants a client certificate"},
    {120, "no_application_protocol", "it speaks no application protocol that was offered"},
};

enum {
    ALERT_UNEXPECTED_MESSAGE = 10,
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_PROTOCOL_VERSION = 70,
    ALERT_INTERNAL_ERROR = 80
};

static const alert *find_alert(int code)
{
    static const alert unknown = {-1, "unknown", "it did not say why"};
    for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
        if (alerts[i].code == code)
            return &alerts[i];
    }
    return &unknown;
}

/* ---- codes ---- */

static bool one_of(int code, const int *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

#define ONE_OF(code, codes) one_of(code, codes, sizeof(codes) / sizeof((codes)[0]))

static const int version_codes[] = {VERSION_ERROR, UNSUPPORTED_PROTO_VERSION};

/* What the peer must not do. Where wolfSSL sends an alert for everything, that says more. */
static const int protocol_codes[] = {
    VERSION_ERROR, /* after the handshake: a record of another version */
    PARSE_ERROR,
    BUFFER_ERROR,
    BUFFER_E,
    VERIFY_MAC_ERROR,
    DECRYPT_ERROR,
    VERIFY_FINISHED_ERROR,
    UNKNOWN_RECORD_TYPE,
    LENGTH_ERROR,
    OUT_OF_ORDER_E,
    DUPLICATE_MSG_E,
    SANITY_MSG_E,
    UNKNOWN_HANDSHAKE_TYPE,
    NO_CHANGE_CIPHER_E,
    INVALID_PARAMETER,
    EXT_NOT_ALLOWED,
    EXT_MISSING,
    UNSUPPORTED_EXTENSION,
    UNSUPPORTED_SUITE,
    MATCH_SUITE_ERROR,
    ALERT_COUNT_E,
    SESSION_TICKET_LEN_E,
    SESSION_TICKET_EXPECT_E,
    MISSING_HANDSHAKE_DATA,
    DUPLICATE_TLS_EXT_E,
    HANDSHAKE_SIZE_ERROR,
    SIG_VERIFY_E,
    AES_GCM_AUTH_E,
    MAC_CMP_FAILED_E,
    INVALID_CERT_CTX_E,
    BAD_KEY_SHARE_DATA,
    BAD_BINDER,
    RECV_OVERFLOW_E,
    SECURE_RENEGOTIATION_E,
    SIDE_ERROR,
    TLS13_SECRET_CB_E,
    UNKNOWN_ALPN_PROTOCOL_NAME_E,
    BAD_TICKET_MSG_SZ,
    KEY_SHARE_ERROR,
    PEER_KEY_ERROR,
    ECC_PEERKEY_ERROR,
};

/* Whether an alert of ours says that the peer was wrong. handshake_failure does not: other builds
 * of wolfSSL send it for want of a better one. */
static bool blames_peer(int alert_sent)
{
    return alert_sent > 0 && alert_sent != ALERT_HANDSHAKE_FAILURE &&
           alert_sent != ALERT_INTERNAL_ERROR && alert_sent != RP_ALERT_NO_RENEGOTIATION;
}

static const char *our_versions(const rp_tls_config *config)
{
    if (config->offers_1_2 && config->offers_1_3)
        return "TLS 1.2 and TLS 1.3";
    return config->offers_1_3 ? "TLS 1.3" : "TLS 1.2";
}

/* The codes that have a message of their own; false: none of them. */
static bool set_known(rp_error *error, const rp_tls_failure *failure, rp_phase phase)
{
    const char *peer = failure->peer_text;
    if (failure->code == MEMORY_E || failure->code == MEMORY_ERROR)
        rp__error_set(error, RP_E_NO_MEMORY, phase, "no memory for the TLS connection to %s", peer);
    else if (failure->downgraded && ONE_OF(failure->code, version_codes))
        rp__error_set(
            error, RP_E_TLS_PROTOCOL, phase,
            "%s has TLS 1.3, was offered it, and answers with TLS 1.2: somebody on the way "
            "changes handshakes",
            peer);
    else if (failure->handshaking &&
             (ONE_OF(failure->code, version_codes) || failure->old_version ||
              failure->alert_received == ALERT_PROTOCOL_VERSION))
        rp__error_set(error, RP_E_TLS_VERSION, phase, "%s supports no TLS version of ours (%s)",
                      peer, our_versions(failure->config));
    else if (failure->code == DH_KEY_SIZE_E)
        rp__error_set(error, RP_E_TLS_PROTOCOL, phase,
                      "%s uses a Diffie-Hellman group of less than %d bits", peer, RP_DH_BITS);
    else if (failure->code == NO_PEER_CERT)
        rp__error_set(error, RP_E_CERT_INVALID, phase, "%s showed no certificate", peer);
    else
        return false;
    return true;
}

/* Alerts by which servers say that they must have a certificate: certificate_required is TLS 1.3's,
 * the rest of what they say in TLS 1.2 (RFC 5246, 7.4.6, has handshake_failure). */
static bool is_about_certificate(int code)
{
    static const int alerts_meant[] = {40, 41, 42, 43, 46, 48, 49, 116};
    return ONE_OF(code, alerts_meant);
}

/* True: the server wanted a certificate and got none; *error says so. */
static bool set_certificate_missed(rp_error *error, const rp_tls_failure *failure, rp_phase phase)
{
    if (!failure->certificate_missed || !is_about_certificate(failure->alert_received))
        return false;
    const alert *received = find_alert(failure->alert_received);
    rp__error_set(error, RP_E_TLS_ALERT, phase,
                  "%s asked for a client certificate, %s: alert %s (%d)", failure->peer_text,
                  failure->config->leaf.data == NULL ? "and none is configured"
                                                     : "and takes no signature by the key of ours",
                  received->name, failure->alert_received);
    return true;
}

/* True: the server asked for another handshake, and that was the end; *error says so. Within a
 * connection servers do so to ask for a certificate when they know what is asked for. */
static bool set_renegotiation(rp_error *error, const rp_tls_failure *failure, rp_phase phase)
{
    if (!failure->new_handshake_asked)
        return false;
    if (failure->handshaking && failure->alert_sent == ALERT_UNEXPECTED_MESSAGE) {
        rp__error_set(error, RP_E_TLS_PROTOCOL, phase,
                      "%s broke the rules of TLS: it asks for a new handshake (HelloRequest) amid "
                      "the first",
                      failure->peer_text);
        return true;
    }
    if (failure->handshaking || failure->alert_received < 0)
        return false;
    rp__error_set(
        error, RP_E_TLS_ALERT, phase,
        "%s asked for renegotiation, for a client certificate perhaps, was told that there is "
        "none, and broke the connection off: alert %s (%d)",
        failure->peer_text, find_alert(failure->alert_received)->name, failure->alert_received);
    return true;
}

void rp__tls_failure_set(rp_error *error, const rp_tls_failure *failure)
{
    rp_phase phase = failure->handshaking ? RP_PHASE_HANDSHAKE : RP_PHASE_NONE;
    const char *peer = failure->peer_text;
    const char *reason = wolfSSL_ERR_reason_error_string((unsigned long)failure->code);
    if (set_known(error, failure, phase) || set_certificate_missed(error, failure, phase) ||
        set_renegotiation(error, failure, phase)) {
        /* done */
    } else if (failure->alert_received >= 0) {
        const alert *received = find_alert(failure->alert_received);
        /* Servers of TLS 1.2 that look at our suites first find none of theirs. */
        bool too_old = failure->handshaking && !failure->config->offers_1_2 &&
                       failure->alert_received == ALERT_HANDSHAKE_FAILURE;
        rp__error_set(error, RP_E_TLS_ALERT, phase, "%s %s: alert %s (%d): %s%s", peer,
                      failure->handshaking ? "refused the handshake" : "broke the connection off",
                      received->name, failure->alert_received, received->meaning,
                      too_old ? ", or does not speak TLS 1.3" : "");
    } else if (failure->handshaking && rp__certificate_error(error, failure->code, peer)) {
        /* done */
    } else if (ONE_OF(failure->code, protocol_codes) || blames_peer(failure->alert_sent)) {
        rp__error_set(error, RP_E_TLS_PROTOCOL, phase, "%s broke the rules of TLS: %s", peer,
                      reason);
    } else {
        rp__error_set(error, RP_E_TLS_FAILED, phase, "TLS with %s failed: %s (wolfSSL %d)", peer,
                      reason, failure->code);
    }
    error->tls_code = failure->code;
    error->tls_alert = failure->alert_received >= 0 ? failure->alert_received : failure->alert_sent;
}

void rp__tls_not_tls(rp_error *error, const char *peer_text, bool server, const uint8_t *answer,
                     size_t size)
{
    char text[RP_RECORDS_FIRST * 4 + 1];
    size_t used = 0;
    for (size_t i = 0; i < size && i < RP_RECORDS_FIRST; i++) {
        if (answer[i] == '\r' || answer[i] == '\n') /* the first line says enough */
            break;
        bool plain = answer[i] >= ' ' && answer[i] <= '~' && answer[i] != '"';
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, plain ? "%c" : "\\x%02x", answer[i]);
    }
    text[used] = '\0';
    rp__error_set(error, RP_E_TLS_PROTOCOL, RP_PHASE_HANDSHAKE,
                  "%s does not speak TLS: its %s begins with \"%s\"", peer_text,
                  server ? "request" : "answer", text);
}
