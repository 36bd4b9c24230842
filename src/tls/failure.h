/* failure.h - what wolfSSL's codes and TLS alerts mean, in messages. */
#ifndef RP_TLS_FAILURE_H
#define RP_TLS_FAILURE_H

#include "tls/records.h"
#include "tls/config.h"

/* The answer to who asks for a new handshake in TLS 1.2: a warning (RFC 5246, 7.2.2). */
#define RP_ALERT_NO_RENEGOTIATION 100

/* What the engine knows of a failed call. */
typedef struct rp_tls_failure {
    const rp_tls_config *config;
    const char *peer_text;
    bool handshaking;
    bool downgraded;         /* the server chose TLS 1.2, and says that it has TLS 1.3 */
    bool old_version;        /* the server chose a TLS version that we did not offer */
    bool certificate_missed; /* the server asked for a certificate, and was shown none */
    bool new_handshake_asked;
    int code;           /* wolfSSL's */
    int alert_received; /* fatal; -1: none */
    int alert_sent;     /* -1: none */
} rp_tls_failure;

void rp__tls_failure_set(rp_error *error, const rp_tls_failure *failure);

/* "answer" is what came instead of a TLS record. */
void rp__tls_not_tls(rp_error *error, const char *peer_text, bool server, const uint8_t *answer,
                     size_t size);

#endif
