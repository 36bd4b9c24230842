/* verify.h - judging a peer's certificate: its chain (src/x509), the server's name, the pins. */
#ifndef RP_TLS_VERIFY_H
#define RP_TLS_VERIFY_H

#include "tls/config.h"
#include "tls/staple.h"

/* One a connection; its address is the verify callback's context. */
typedef struct rp_verifier {
    const rp_tls_config *config;
    const char
        *server_name; /* NULL: a server's verifier, which takes any name that the CA signed */
    const char *peer_text;
    rp_error *error; /* where a refusal goes; valid while wolfSSL is in a call */
    bool accepted;   /* the leaf was judged, and is good */
    bool refused;    /* *error says why */
    /* The leaf is good if its chain is, of which the judge has to be asked. The verifier's until
     * somebody takes it. */
    rp_question *question;
    /* Until the handshake is over. NULL: revocation is not looked at, or no response asked for. */
    rp_evidence *evidence;
    /* What was sent, where the configuration has it kept; NULL: nothing. */
    rp_memory *memory;
    rp_peer_certificate *sent;
    size_t sent_count;
    bool sent_lost; /* no memory for it */
} rp_verifier;

/* wolfSSL's callback for OCSP responses: see deps-wolfssl-status.patch. */
int rp__verifier_status(rp_verifier *verifier, int index, rp_slice data);

/* True if code is one of wolfSSL's for a certificate whose key it can't read; sets *error. */
bool rp__certificate_error(rp_error *error, int code, const char *peer_text);

#endif
