/* wolfssl.h - wolfSSL's headers, and what ringport needs of the build behind them. */
#ifndef RP_TLS_WOLFSSL_H
#define RP_TLS_WOLFSSL_H

#include <wolfssl/options.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>

#if LIBWOLFSSL_VERSION_HEX < 0x05007000
#error "ringport needs wolfSSL 5.7 or later"
#endif
/* X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem), by IANA's number: before 5.8 it has no name. */
#define RP_X25519MLKEM768 0x11EC
#ifdef WOLFSSL_PQC_HYBRIDS
#define RP_HYBRID_GROUPS true
#else
#define RP_HYBRID_GROUPS false
#endif
/* What this one is known to lack; cmake/Dependencies.cmake says it too. */
#if LIBWOLFSSL_VERSION_HEX < 0x05009002
#define RP_WOLFSSL_LACKS                                                                           \
    ", which lacks X25519MLKEM768, keys outside of the process (on_sign), RSASSA-PSS, refusals "   \
    "of groups and extensions that were not offered, and fixes of 5.9.2 (CVE-2026-3230, -3547, "   \
    "-10592)"
#elif !defined(WOLFSSL_PQC_HYBRIDS)
#define RP_WOLFSSL_LACKS ", which lacks X25519MLKEM768"
#else
#define RP_WOLFSSL_LACKS ""
#endif
#if !defined(WOLFSSL_TLS13) || defined(WOLFSSL_NO_TLS12)
#error "ringport needs a wolfSSL with TLS 1.3 and TLS 1.2"
#endif
#if !defined(HAVE_SNI) || !defined(HAVE_ALPN) || !defined(HAVE_SESSION_TICKET)
#error "ringport needs wolfSSL's --enable-sni --enable-alpn --enable-session-ticket"
#endif
/* Without it the verify callback runs for refused certificates only, and host names went
 * unchecked. */
#ifndef WOLFSSL_ALWAYS_VERIFY_CB
#error "ringport needs a wolfSSL built with WOLFSSL_ALWAYS_VERIFY_CB"
#endif
/* scripts/deps has wolfSSL parse nothing but the leaf of what a peer sent, and send the alert that
 * the verify callback chooses. Other builds are told not to verify: they parse the whole chain,
 * with limits of their own, and a refusal breaks the connection off without an alert. */
#ifdef RP_WOLFSSL_LEAF_PATCH
#define RP_LEAF_ONLY true
#else
#define RP_LEAF_ONLY false
#endif
/* wolfSSL's TLS 1.2 client aborts the handshake when a server does not accept its ticket, which
 * every server does after a change of its ticket key. scripts/deps mends that and says so; with
 * other builds TLS 1.2 resumes by session id. */
#ifdef RP_WOLFSSL_TICKET_PATCH
#define RP_TICKETS_IN_TLS12 true
#else
#define RP_TICKETS_IN_TLS12 false
#endif
/* OCSP responses are asked for by a callback of scripts/deps; other builds can't. */
#ifdef RP_WOLFSSL_STATUS_PATCH
#define RP_STAPLES true
#else
#define RP_STAPLES false
#define RP_STATUS_MESSAGE (-1)
#define RP_CTX_set_status_cb(context, fn) ((void)(context), (void)(fn))
#endif
/* scripts/deps lets keys be elsewhere, and has wolfSSL say whether a server asked for a
 * certificate. */
#ifdef RP_WOLFSSL_SIGN_PATCH
#define RP_KEYS_ELSEWHERE true
#define rp__set_sign(context, callback) (wolfSSL_CTX_SetSignCb(context, callback), true)
#define rp__certificate_asked(ssl) wolfSSL_CertificateAsked(ssl)
#else
#define RP_KEYS_ELSEWHERE false
#define rp__set_sign(context, callback) ((void)(context), (void)(callback), false)
#define rp__certificate_asked(ssl) ((void)(ssl), 0)
#endif
/* scripts/deps lets whole records of data go past wolfSSL's buffers. */
#ifdef RP_WOLFSSL_RECORD_PATCH
typedef WOLFSSL_OPENING rp_record_opening;
#define rp__open_records(ssl, opening) wolfSSL_OpenRecords(ssl, opening)
#else
typedef struct rp_record_opening {
    const uint8_t *in;
    uint8_t *out;
    unsigned inSz, outSz, enough, records, used, got;
} rp_record_opening;
#define rp__open_records(ssl, opening) ((void)(ssl), (void)(opening)->in)
#endif
/* The least that a server's Diffie-Hellman group may have (RFC 9325, 4.4). */
#define RP_DH_BITS 2048
#ifdef NO_DH
#define rp__set_least_dh(context, bits) ((void)(context), true)
#else
#define rp__set_least_dh(context, bits)                                                            \
    (wolfSSL_CTX_SetMinDhKey_Sz(context, bits) == WOLFSSL_SUCCESS)
#endif
#ifndef HAVE_EXT_CACHE
#error "ringport needs a wolfSSL built with HAVE_EXT_CACHE"
#endif
#ifndef HAVE_SECRET_CALLBACK
#error "ringport needs a wolfSSL built with HAVE_SECRET_CALLBACK"
#endif

#endif
