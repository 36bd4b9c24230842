/* engine.c - one TLS connection over one wolfSSL session object, without I/O.
 *
 * wolfSSL pulls its input through receive() and pushes its output through deliver(). receive()
 * copies out of the loan and says WANT_READ when the loan is used up, also when the transport has
 * ended: the end is concluded here and not by wolfSSL, so that there is one place where a
 * truncation is told from a close. deliver() appends to the owner's chain and never refuses, so
 * there is no WANT_WRITE and nothing is ever called again with the same bytes.
 *
 * wolfSSL is not entered unless it has something to move: no input and nothing decrypted
 * inside answers WANT_INPUT without a call. */
#include "tls/engine.h"

#include "base/assert.h"
#include "base/error.h"
#include "tls/context.h"
#include "tls/failure.h"
#include "tls/keylog.h"
#include "tls/records.h"
#include "tls/verify.h"
#include "tls/wolfssl.h"

#include <limits.h>
#include <string.h>

typedef enum engine_state { HANDSHAKING, OPEN, FAILED } engine_state;

/* Why a callback made wolfSSL give up. */
typedef enum engine_cause {
    CAUSE_NONE,
    NO_MEMORY,
    NOT_TLS,
    EARLY_CHANGE_CIPHER,
    TOO_MANY_CHANGES,
    TOO_MANY_KEYS
} engine_cause;

/* Answers to KeyUpdate, and in TLS 1.2 to HelloRequest: so many without data in between, and so
 * many that the transport has not taken. Who needs new keys needs them after 2^24 records
 * (RFC 8446, 5.5). */
#define KEY_ANSWERS_LIMIT 32

/* In a handshake of TLS 1.3 there may be any number, and one is what servers send. */
#define CHANGE_CIPHERS_LIMIT 32

/* How long a ticket of TLS 1.2 is offered whose server does not say, as Go's do not: its lifetime
 * hint is 0 (RFC 5077, 3.3). */
#define LIFETIME_UNSPECIFIED_S 7200

struct rp_engine {
    WOLFSSL *ssl;
    rp_memory *memory;
    rp_loop_stats *stats;
    const rp_tls_config *config;
    rp_chain *output;
    rp_sessions *sessions;
    const char *session_key;
    const uint8_t *input; /* the rest of the loan */
    size_t input_size;
    rp_verifier verifier;
    rp_records records; /* only while HANDSHAKING */
    engine_state state;
    engine_cause cause;
    bool started;     /* a client's first flight is out */
    bool input_ended; /* by the transport */
    bool peer_ended;  /* by close_notify */
    bool close_sent;
    bool session_offered;  /* by us, to the server */
    uint8_t sessions_made; /* TLS 1.2: calls of new_session, see keep_session */
    bool change_cipher_sent;
    uint8_t change_ciphers; /* that came */
    bool finished;          /* wolfSSL is done with the handshake; we may not be */
    bool doubted;           /* a question is out */
    bool sign_due;          /* wolfSSL waits for a signature */
    bool reading;
    uint8_t key_answers;         /* since data came last */
    uint8_t key_answers_waiting; /* since the output was empty last */
    rp_signing *signing;         /* not yet taken, or answered; NULL: it is out, or there is none */
};

/* ---- wolfSSL's callbacks ---- */

/* In TLS 1.3 a ChangeCipherSpec means nothing (RFC 8446, D.4). In TLS 1.2 the server's comes
 * after the client's, or, in an abbreviated handshake, after ServerHello (RFC 5246, 7.3). Before
 * that it would have wolfSSL derive keys from a secret that is not there yet. Records are judged
 * one by one: what came before is fully processed. */
static bool may_change_cipher(const rp_engine *engine)
{
    if (engine->config->server)
        return true; /* the tests' servers take wolfSSL's word */
    if (!engine->records.server_hello)
        return false;
    if (wolfSSL_version(engine->ssl) >= TLS1_3_VERSION || engine->change_cipher_sent)
        return true;
    return !engine->records.certificate && wolfSSL_session_reused(engine->ssl);
}

static bool screen(rp_engine *engine, size_t size)
{
    switch (rp__records_see(&engine->records, engine->input, size)) {
    case RP_RECORD_NOT_TLS:
        /* What else is at hand makes the better message. */
        rp__records_keep_first(&engine->records, engine->input + size, engine->input_size - size);
        engine->cause = NOT_TLS;
        return false;
    case RP_RECORD_CHANGE_CIPHER:
        if (may_change_cipher(engine) && engine->change_ciphers++ < CHANGE_CIPHERS_LIMIT)
            return true;
        engine->cause = may_change_cipher(engine) ? TOO_MANY_CHANGES : EARLY_CHANGE_CIPHER;
        return false;
    case RP_RECORD_FINE:
        break;
    }
    return true;
}

static int receive(WOLFSSL *ssl, char *buffer, int size, void *context)
{
    (void)ssl;
    rp_engine *engine = context;
    size_t part = size < 0 ? 0 : (size_t)size;
    if (part > engine->input_size)
        part = engine->input_size;
    if (part == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ; /* 0 would make wolfSSL spin */
    if (engine->state != HANDSHAKING)
        rp__records_pass(&engine->records, engine->input, part);
    else if (!screen(engine, part))
        return WOLFSSL_CBIO_ERR_GENERAL;
    memcpy(buffer, engine->input, part);
    engine->input += part;
    engine->input_size -= part;
    return (int)part;
}

/* What wolfSSL sends while it reads is the answer to a KeyUpdate or a HelloRequest, or the alert at
 * the end. */
static bool may_answer(rp_engine *engine)
{
    if (!engine->reading)
        return true;
    if (engine->output->size == 0)
        engine->key_answers_waiting = 0;
    return engine->key_answers++ < KEY_ANSWERS_LIMIT &&
           engine->key_answers_waiting++ < KEY_ANSWERS_LIMIT;
}

static int deliver(WOLFSSL *ssl, char *buffer, int size, void *context)
{
    (void)ssl;
    rp_engine *engine = context;
    if (engine->cause != CAUSE_NONE)
        return WOLFSSL_CBIO_ERR_GENERAL; /* better no more records than a gap in them */
    if (engine->verifier.refused && !RP_LEAF_ONLY)
        return WOLFSSL_CBIO_ERR_GENERAL; /* not an alert, but wolfSSL going on */
    if (engine->state == HANDSHAKING &&
        rp__records_change_cipher((const uint8_t *)buffer, (size_t)size))
        engine->change_cipher_sent = true;
    if (!may_answer(engine)) {
        engine->cause = TOO_MANY_KEYS;
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    if (!rp__chain_append(engine->output, buffer, (size_t)size)) {
        engine->cause = NO_MEMORY;
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    return size;
}

/* Returns 1 if the session is kept. TLS 1.3: a ticket came, after the handshake; each is a session
 * of its own. TLS 1.2: one is in the making, but it is worth nothing before the handshake is
 * done: see keep_session. */
static int new_session(WOLFSSL *ssl, WOLFSSL_SESSION *session)
{
    rp_engine *engine = wolfSSL_GetIOReadCtx(ssl);
    if (engine->sessions == NULL)
        return 0;
    if (wolfSSL_version(ssl) < TLS1_3_VERSION || engine->state != OPEN) {
        engine->sessions_made++;
        return 0;
    }
    rp__sessions_put(engine->sessions, engine->session_key, session);
    return 1;
}

static bool set_resumption(const rp_tls_config *config)
{
    WOLFSSL_CTX *context = config->context;
    /* wolfSSL's own cache takes locks and is shared by all origins. "Off" would silence
     * new_session too. */
    bool callback = !config->server && config->resumption;
    wolfSSL_CTX_set_session_cache_mode(context, callback ? WOLFSSL_SESS_CACHE_NO_INTERNAL_STORE |
                                                               WOLFSSL_SESS_CACHE_NO_INTERNAL_LOOKUP
                                                         : WOLFSSL_SESS_CACHE_OFF);
    if (callback) {
        wolfSSL_CTX_sess_set_new_cb(context, new_session);
        return !config->offers_1_2 || !RP_TICKETS_IN_TLS12 ||
               wolfSSL_CTX_UseSessionTicket(context) == WOLFSSL_SUCCESS;
    }
    if (config->server && !config->resumption)
        return wolfSSL_CTX_NoTicketTLSv12(context) == WOLFSSL_SUCCESS &&
               (!config->offers_1_3 || wolfSSL_CTX_no_ticket_TLSv13(context) == 0);
    return true;
}

/* wolfSSL completes a context, its list of cipher suites say, when the first session object is
 * made of it, and without a lock. So one is made before threads share the context. */
static bool complete_context(WOLFSSL_CTX *context)
{
    WOLFSSL *ssl = wolfSSL_new(context);
    wolfSSL_free(ssl);
    return ssl != NULL;
}

/* Bytes about a certificate's revocation. */
static int receive_status(WOLFSSL *ssl, int index, const unsigned char *data, unsigned size)
{
    rp_engine *engine = wolfSSL_GetIOReadCtx(ssl);
    return rp__verifier_status(&engine->verifier, index, (rp_slice){data, size});
}

bool rp__context_callbacks(rp_tls_config *config)
{
    if (config->revocation.on)
        RP_CTX_set_status_cb(config->context, receive_status);
    wolfSSL_CTX_SetIORecv(config->context, receive);
    wolfSSL_CTX_SetIOSend(config->context, deliver);
    return set_resumption(config) && complete_context(config->context);
}

/* ---- signatures ---- */

/* wolfSSL's numbers, which are TLS 1.2's (RFC 5246, 7.4.1.4.1) but for the last two. */
enum { SIGN_RSA = 1, SIGN_ECDSA = 3, SIGN_RSA_PSS = 8, SIGN_ED25519 = 9 };
enum { SIGN_SHA256 = 4, SIGN_SHA512 = 6 };

/* RFC 8446, 4.2.3. 0: none of ours. */
static uint16_t scheme_of(const rp_tls_config *config, int algorithm, int hash)
{
    bool pss_key = rp__signer_key(config->signer)->kind == RP_KEY_RSA_PSS;
    unsigned scheme = 0;
    if (algorithm == SIGN_ED25519)
        scheme = 0x0807;
    else if (hash < SIGN_SHA256 || hash > SIGN_SHA512)
        scheme = 0;
    else if (algorithm == SIGN_RSA_PSS)
        scheme = (pss_key ? 0x0805u : 0x0800u) + (unsigned)hash;
    else if (algorithm == SIGN_RSA || algorithm == SIGN_ECDSA)
        scheme = (unsigned)hash << 8 | (unsigned)algorithm;
    return (uint16_t)scheme;
}

static rp_signature_algorithm algorithm_of(int algorithm, int hash)
{
    return (rp_signature_algorithm){
        .scheme = algorithm == SIGN_RSA       ? RP_SIGNATURE_RSA_PKCS1
                  : algorithm == SIGN_RSA_PSS ? RP_SIGNATURE_RSA_PSS
                  : algorithm == SIGN_ECDSA   ? RP_SIGNATURE_ECDSA
                                              : RP_SIGNATURE_ED25519,
        .hash_bits = algorithm == SIGN_ED25519 ? 512u
                     : hash == SIGN_SHA256     ? 256u
                     : hash == SIGN_SHA256 + 1 ? 384u
                                               : 512u,
    };
}

static rp_signing *signing_make(const rp_engine *engine, int algorithm, int hash, rp_slice input)
{
    rp_signer *signer = engine->config->signer;
    rp_signature_algorithm known = algorithm_of(algorithm, hash);
    size_t bytes = known.hash_bits / 8;
    /* PKCS #1's input is the hash with its name before it. */
    if (algorithm == SIGN_RSA && input.size > bytes)
        input = (rp_slice){input.data + input.size - bytes, bytes};
    return rp__signing_make(signer, scheme_of(engine->config, algorithm, hash), &known, input);
}

/* Called until it has the signature. */
static int sign(WOLFSSL *ssl, int algorithm, int hash, const unsigned char *in, word32 in_size,
                unsigned char *out, word32 *out_size)
{
    rp_engine *engine = wolfSSL_GetIOReadCtx(ssl);
    const rp_signing *answer = engine->signing;
    engine->sign_due = true;
    if (answer == NULL) {
        engine->signing = signing_make(engine, algorithm, hash, (rp_slice){in, in_size});
        if (engine->signing == NULL) {
            engine->cause = NO_MEMORY;
            return MEMORY_E;
        }
    }
    if (answer == NULL || answer->state != RP_SIGNING_ANSWERED)
        return WC_PENDING_E;
    if (answer->signature_size > *out_size)
        return BUFFER_E;
    engine->sign_due = false;
    memcpy(out, answer->signature, answer->signature_size);
    *out_size = (word32)answer->signature_size;
    rp__signing_free(engine->config->signer, engine->signing);
    engine->signing = NULL;
    return 0;
}

bool rp__context_sign(rp_tls_config *config)
{
    return rp__set_sign(config->context, sign);
}

/* ---- key log ---- */

static int log_tls13_secret(WOLFSSL *ssl, int id, const unsigned char *secret, int size,
                            void *context)
{
    static const char *const labels[] = {
        [CLIENT_EARLY_TRAFFIC_SECRET] = "CLIENT_EARLY_TRAFFIC_SECRET",
        [CLIENT_HANDSHAKE_TRAFFIC_SECRET] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        [SERVER_HANDSHAKE_TRAFFIC_SECRET] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        [CLIENT_TRAFFIC_SECRET] = "CLIENT_TRAFFIC_SECRET_0",
        [SERVER_TRAFFIC_SECRET] = "SERVER_TRAFFIC_SECRET_0",
        [EARLY_EXPORTER_SECRET] = "EARLY_EXPORTER_SECRET",
        [EXPORTER_SECRET] = "EXPORTER_SECRET",
    };
    rp_engine *engine = context;
    uint8_t random[RP_CLIENT_RANDOM_BYTES];
    if (id >= 0 && (size_t)id < sizeof(labels) / sizeof(labels[0]) && size > 0 &&
        wolfSSL_get_client_random(ssl, random, sizeof(random)) == sizeof(random))
        rp__keylog_line(engine->config, labels[id], random, secret, (size_t)size);
    return 0;
}

static int log_tls12_secret(WOLFSSL *ssl, void *secret, int size, void *context)
{
    rp_engine *engine = context;
    uint8_t random[RP_CLIENT_RANDOM_BYTES];
    if (size > 0 && wolfSSL_get_client_random(ssl, random, sizeof(random)) == sizeof(random))
        rp__keylog_line(engine->config, "CLIENT_RANDOM", random, secret, (size_t)size);
    return 0;
}

/* ---- making and ending ---- */

static bool use_server_name(rp_engine *engine, const char *name)
{
    rp_address address;
    size_t size = name == NULL ? 0 : strlen(name);
    if (size == 0 || rp__address_parse(&address, name, size))
        return true; /* SNI is for names (RFC 6066, 3) */
    if (name[size - 1] == '.')
        size--;
    return size <= USHRT_MAX && wolfSSL_UseSNI(engine->ssl, WOLFSSL_SNI_HOST_NAME, name,
                                               (unsigned short)size) == WOLFSSL_SUCCESS;
}

/* A server goes on without a protocol that it knows; for a client the answer is one of those that
 * it offered, or what comes is read in the wrong one (RFC 7301, 3.2). */
static bool use_alpn(rp_engine *engine, const char *protocols)
{
    if (protocols == NULL)
        return true;
    unsigned char mismatch = engine->config->server ? WOLFSSL_ALPN_CONTINUE_ON_MISMATCH
                                                    : WOLFSSL_ALPN_FAILED_ON_MISMATCH;
    /* wolfSSL copies the list, though its parameter is not const. */
    return wolfSSL_UseALPN(engine->ssl, (char *)(uintptr_t)protocols,
                           (unsigned int)strlen(protocols), mismatch) == WOLFSSL_SUCCESS;
}

static void offer_session(rp_engine *engine)
{
    if (engine->sessions == NULL)
        return;
    WOLFSSL_SESSION *session = rp__sessions_take(engine->sessions, engine->session_key);
    if (session == NULL)
        return;
    engine->session_offered = wolfSSL_set_session(engine->ssl, session) == WOLFSSL_SUCCESS;
    wolfSSL_SESSION_free(session); /* the session object holds a reference of its own */
}

static bool set_up(rp_engine *engine, const rp_engine_options *options)
{
    WOLFSSL *ssl = engine->ssl;
    wolfSSL_SetIOReadCtx(ssl, engine);
    wolfSSL_SetIOWriteCtx(ssl, engine);
    wolfSSL_SetCertCbCtx(ssl, &engine->verifier);
    if (!use_alpn(engine, options->alpn))
        return false;
    if (engine->config->server)
        return true;
    if (engine->config->on_keylog != NULL) {
        (void)wolfSSL_set_tls13_secret_cb(ssl, log_tls13_secret, engine);
        (void)wolfSSL_set_secret_cb(ssl, log_tls12_secret, engine);
    }
    if (!use_server_name(engine, options->server_name))
        return false;
    if (engine->config->revocation.on && RP_STAPLES) {
        engine->verifier.evidence = rp__evidence_create(engine->memory);
        if (engine->verifier.evidence == NULL)
            return false;
    }
    offer_session(engine);
    return true;
}

rp_engine *rp__engine_create(const rp_engine_options *options, rp_error *error)
{
    const char *peer = options->peer_text;
    if (peer == NULL)
        peer = options->server_name != NULL ? options->server_name : "the peer";
    rp_engine *engine = rp__allocate(options->memory, sizeof(*engine));
    if (engine != NULL) {
        bool resumes =
            !options->config->server && options->config->resumption && options->session_key != NULL;
        engine->memory = options->memory;
        engine->stats = options->stats;
        engine->config = options->config;
        engine->output = options->output;
        engine->sessions = resumes ? options->sessions : NULL;
        engine->session_key = options->session_key;
        engine->verifier = (rp_verifier){
            .config = options->config,
            .server_name = options->config->server ? NULL : options->server_name,
            .peer_text = peer,
            .memory = options->memory,
        };
        engine->ssl = wolfSSL_new(options->config->context);
        if (engine->ssl != NULL && set_up(engine, options))
            return engine;
        rp__engine_destroy(engine);
    }
    rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_HANDSHAKE,
                  "no memory for the TLS connection to %s", peer);
    return NULL;
}

void rp__engine_destroy(rp_engine *engine)
{
    if (engine == NULL)
        return;
    wolfSSL_free(engine->ssl);
    rp__evidence_destroy(engine->verifier.evidence);
    rp__free(engine->memory, engine->verifier.sent);
    if (engine->verifier.question != NULL)
        rp__question_free(engine->config->judge, engine->verifier.question);
    if (engine->signing != NULL)
        rp__signing_free(engine->config->signer, engine->signing);
    rp__free(engine->memory, engine);
}

/* ---- input ---- */

void rp__engine_lend(rp_engine *engine, const uint8_t *data, size_t size)
{
    RP_ASSERT(engine->input_size == 0);
    engine->input = data;
    engine->input_size = size;
}

rp_slice rp__engine_unlend(rp_engine *engine)
{
    rp_slice rest = {engine->input, engine->input_size};
    engine->input = NULL;
    engine->input_size = 0;
    return rest;
}

size_t rp__engine_lent(const rp_engine *engine)
{
    return engine->input_size;
}

void rp__engine_input_end(rp_engine *engine)
{
    engine->input_ended = true;
}

/* ---- calls ---- */

typedef struct call {
    size_t input, output;
} call;

static call call_begin(rp_engine *engine, rp_error *error)
{
    engine->verifier.error = error;
    return (call){engine->input_size, engine->output->size};
}

/* moved: plaintext, or the state; a failure is a change of state. */
static void call_end(rp_engine *engine, call begun, bool moved)
{
    engine->verifier.error = NULL;
    engine->stats->tls_calls++;
    if (!moved && engine->input_size == begun.input && engine->output->size == begun.output)
        engine->stats->tls_calls_idle++;
}

/* ---- failure ---- */

static void refuse_change_cipher(rp_engine *engine, rp_error *error)
{
    /* Nothing we send is encrypted yet, so the alert can be written by hand; it can do without
     * wolfSSL, which has no call for it. */
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10}; /* fatal, unexpected_message */
    (void)rp__chain_append(engine->output, alert, sizeof(alert));
    rp__error_set(error, RP_E_TLS_PROTOCOL, RP_PHASE_HANDSHAKE,
                  "%s broke the rules of TLS: ChangeCipherSpec before its time",
                  engine->verifier.peer_text);
    error->tls_alert = 10;
}

/* The connection is over: code is wolfSSL's. */
static rp_engine_result fail(rp_engine *engine, rp_error *error, int code)
{
    bool handshaking = engine->state == HANDSHAKING;
    WOLFSSL_ALERT_HISTORY history;
    memset(&history, 0xFF, sizeof(history));
    (void)wolfSSL_get_alert_history(engine->ssl, &history);
    engine->state = FAILED;
    /* A server that changed its mind about versions or tickets must not fail as often as we hold
     * sessions. */
    if (handshaking && engine->session_offered)
        rp__sessions_forget(engine->sessions, engine->session_key);

    switch (engine->cause) {
    case NO_MEMORY:
        code = MEMORY_E;
        break;
    case NOT_TLS:
        rp__tls_not_tls(error, engine->verifier.peer_text, engine->config->server,
                        engine->records.first, engine->records.first_have);
        return RP_ENGINE_FAILED;
    case EARLY_CHANGE_CIPHER:
        refuse_change_cipher(engine, error);
        return RP_ENGINE_FAILED;
    case TOO_MANY_CHANGES:
        rp__error_set(error, RP_E_TLS_PROTOCOL, RP_PHASE_HANDSHAKE,
                      "%s broke the rules of TLS: one ChangeCipherSpec after another",
                      engine->verifier.peer_text);
        return RP_ENGINE_FAILED;
    case TOO_MANY_KEYS:
        rp__error_set(
            error, RP_E_TLS_PROTOCOL, RP_PHASE_NONE,
            "%s broke the rules of TLS: it asks for %s again and again", engine->verifier.peer_text,
            history.last_tx.code == RP_ALERT_NO_RENEGOTIATION ? "a new handshake" : "new keys");
        return RP_ENGINE_FAILED;
    case CAUSE_NONE:
        if (engine->verifier.refused) {
            error->tls_alert = history.last_tx.code;
            return RP_ENGINE_FAILED;
        }
        break;
    }
    const rp_records *records = &engine->records;
    rp_tls_failure failure = {
        .config = engine->config,
        .peer_text = engine->verifier.peer_text,
        .handshaking = handshaking,
        .downgraded = handshaking && records->downgraded && !records->says_1_3,
        .old_version = handshaking && !engine->config->offers_1_2 && records->server_hello &&
                       !records->says_1_3,
        .certificate_missed = !engine->config->server && rp__certificate_asked(engine->ssl) == 2,
        .new_handshake_asked = handshaking ? records->hello_request
                                           : history.last_tx.code == RP_ALERT_NO_RENEGOTIATION,
        .code = code,
        .alert_received = code == FATAL_ERROR ? history.last_rx.code : -1,
        .alert_sent = history.last_tx.code,
    };
    rp__tls_failure_set(error, &failure);
    return RP_ENGINE_FAILED;
}

/* ---- handshake ---- */

static rp_engine_result closed_in_handshake(rp_engine *engine, rp_error *error)
{
    WOLFSSL_ALERT_HISTORY history;
    memset(&history, 0xFF, sizeof(history));
    (void)wolfSSL_get_alert_history(engine->ssl, &history);
    /* Some servers give their reason as a warning, and close. */
    if (history.last_rx.code > 0)
        return fail(engine, error, FATAL_ERROR);
    (void)fail(engine, error, SOCKET_PEER_CLOSED_E);
    rp__error_set(error, RP_E_TLS_CLOSED, RP_PHASE_HANDSHAKE,
                  "%s closed the connection during the handshake", engine->verifier.peer_text);
    return RP_ENGINE_FAILED;
}

/* TLS 1.2: the session is the connection's own, new or resumed, and may be used again. wolfSSL
 * reports a new one at the end of a full handshake, and a ticket when it comes. Without a ticket
 * after one was refused, the session object would hold the refused one with another connection's
 * secret. */
static void keep_session(rp_engine *engine, bool resumed)
{
    if (engine->sessions == NULL || wolfSSL_version(engine->ssl) >= TLS1_3_VERSION)
        return;
    if (!resumed && engine->sessions_made < (engine->session_offered ? 2 : 1))
        return;
    WOLFSSL_SESSION *session = wolfSSL_get1_session(engine->ssl);
    if (session == NULL)
        return;
    if (wolfSSL_SESSION_get_timeout(session) == 0)
        (void)wolfSSL_SSL_SESSION_set_timeout(session, LIFETIME_UNSPECIFIED_S);
    rp__sessions_put(engine->sessions, engine->session_key, session);
}

static rp_engine_result handshake_done(rp_engine *engine, rp_error *error)
{
    engine->finished = true;
    if (engine->verifier.question != NULL)
        return RP_ENGINE_DOUBT;
    if (engine->verifier.sent_lost)
        return fail(engine, error, MEMORY_E);
    bool resumed = wolfSSL_session_reused(engine->ssl) != 0;
    /* A resumed session's peer was verified when the session was made. */
    if (!engine->config->server && rp__tls_config_judges(engine->config) && !resumed &&
        !engine->verifier.accepted) {
        (void)fail(engine, error, VERIFY_CERT_ERROR);
        rp__error_set(error, RP_E_CERT_INVALID, RP_PHASE_HANDSHAKE,
                      "certificate of %s was not verified", engine->verifier.peer_text);
        return RP_ENGINE_FAILED;
    }
    engine->state = OPEN;
    engine->verifier.server_name = NULL;
    rp__evidence_destroy(engine->verifier.evidence);
    engine->verifier.evidence = NULL;
    if (resumed)
        engine->stats->handshakes_resumed++;
    else
        engine->stats->handshakes_full++;
    keep_session(engine, resumed);
    return RP_ENGINE_OK;
}

/* What a client's first flight offers. To a session of TLS 1.3 belongs its group, of which wolfSSL
 * makes the only share: that server takes it. Returns wolfSSL's code. */
static int offer_shares(rp_engine *engine)
{
    const rp_tls_config *config = engine->config;
    if (engine->session_offered || !config->offers_1_3)
        return WOLFSSL_SUCCESS;
    int result = WOLFSSL_SUCCESS;
    for (size_t i = 0; i < config->share_count && result == WOLFSSL_SUCCESS; i++)
        result = wolfSSL_UseKeyShare(engine->ssl, config->shares[i]);
    return result;
}

rp_engine_result rp__engine_handshake(rp_engine *engine, rp_error *error)
{
    rp_error unwanted;
    error = error != NULL ? error : &unwanted;
    RP_ASSERT(engine->state != FAILED && !engine->doubted);
    if (engine->state == OPEN)
        return RP_ENGINE_OK;
    if (engine->finished)
        return handshake_done(engine, error);
    bool begins = !engine->started && !engine->config->server;
    if (!begins && !engine->sign_due && engine->input_size == 0)
        return engine->input_ended ? closed_in_handshake(engine, error) : RP_ENGINE_WANT_INPUT;
    engine->started = true;
    int shares = begins ? offer_shares(engine) : WOLFSSL_SUCCESS;
    if (shares != WOLFSSL_SUCCESS)
        return fail(engine, error, shares);
    call begun = call_begin(engine, error);
    int result =
        engine->config->server ? wolfSSL_accept(engine->ssl) : wolfSSL_connect(engine->ssl);
    int code = wolfSSL_get_error(engine->ssl, result);
    bool waits = result != WOLFSSL_SUCCESS && code == WOLFSSL_ERROR_WANT_READ;
    bool signs = result != WOLFSSL_SUCCESS && code == WC_PENDING_E && engine->sign_due;
    call_end(engine, begun, !waits);
    if (result == WOLFSSL_SUCCESS && engine->cause == CAUSE_NONE)
        return handshake_done(engine, error);
    if ((waits || signs) && engine->verifier.question != NULL)
        return RP_ENGINE_DOUBT;
    if (signs)
        return RP_ENGINE_SIGN;
    if (waits)
        return engine->input_ended ? closed_in_handshake(engine, error) : RP_ENGINE_WANT_INPUT;
    if (code == WOLFSSL_ERROR_ZERO_RETURN)
        return closed_in_handshake(engine, error);
    return fail(engine, error, code);
}

rp_question *rp__engine_question(rp_engine *engine)
{
    rp_question *question = engine->verifier.question;
    engine->verifier.question = NULL;
    engine->doubted = true;
    return question;
}

void rp__engine_trust(rp_engine *engine)
{
    engine->doubted = false;
}

rp_signing *rp__engine_signing(rp_engine *engine)
{
    rp_signing *signing = engine->signing;
    engine->signing = NULL;
    return signing;
}

void rp__engine_signed(rp_engine *engine, rp_signing *signing)
{
    RP_ASSERT(engine->sign_due && engine->signing == NULL && signing->signature_size > 0);
    engine->signing = signing;
}

bool rp__engine_open(const rp_engine *engine)
{
    return engine->state == OPEN;
}

/* ---- data ---- */

static bool holds_plaintext(const rp_engine *engine)
{
    return wolfSSL_pending(engine->ssl) > 0;
}

static rp_engine_result input_used_up(rp_engine *engine, rp_error *error)
{
    if (!engine->input_ended)
        return RP_ENGINE_WANT_INPUT;
    engine->state = FAILED;
    WOLFSSL_ALERT_HISTORY history;
    bool declined = wolfSSL_get_alert_history(engine->ssl, &history) == WOLFSSL_SUCCESS &&
                    history.last_tx.code == RP_ALERT_NO_RENEGOTIATION;
    rp__error_set(error, RP_E_TRUNCATED, RP_PHASE_NONE,
                  "%s %sclosed the connection without TLS's close_notify: what came may not be all",
                  engine->verifier.peer_text,
                  declined ? "asked for renegotiation, was told that there is none, and " : "");
    if (declined)
        error->tls_alert = RP_ALERT_NO_RENEGOTIATION;
    return RP_ENGINE_FAILED;
}

static unsigned bounded(size_t size)
{
    return size < INT_MAX ? (unsigned)size : INT_MAX;
}

/* The records that the loan begins with, as far as they are there as a whole, fit, and are as most
 * are: how much data they had. 0: the first is wolfSSL_read's, as ever. */
static size_t open_records(rp_engine *engine, uint8_t *buffer, size_t capacity)
{
    rp_record_opening opening = {.in = engine->input,
                                 .inSz = bounded(engine->input_size),
                                 .out = buffer,
                                 .outSz = bounded(capacity + RP_ENGINE_SPARE),
                                 .enough = RP_ENGINE_ENOUGH};
    if (!rp__records_between(&engine->records))
        return 0;
    rp__open_records(engine->ssl, &opening);
    if (opening.records == 0)
        return 0;
    engine->input += opening.used;
    engine->input_size -= opening.used;
    engine->key_answers = 0;
    engine->stats->tls_calls += opening.records;
    return opening.got;
}

rp_engine_result rp__engine_read(rp_engine *engine, uint8_t *buffer, size_t capacity, size_t *size,
                                 rp_error *error)
{
    rp_error unwanted;
    error = error != NULL ? error : &unwanted;
    *size = 0;
    RP_ASSERT(engine->state == OPEN);
    RP_ASSERT(capacity > 0);
    if (engine->peer_ended)
        return RP_ENGINE_END;
    if ((*size = open_records(engine, buffer, capacity)) > 0)
        return RP_ENGINE_OK;
    if (engine->input_size == 0 && !holds_plaintext(engine))
        return input_used_up(engine, error);
    call begun = call_begin(engine, error);
    engine->reading = true;
    int result = wolfSSL_read(engine->ssl, buffer, (int)bounded(capacity));
    engine->reading = false;
    int code = wolfSSL_get_error(engine->ssl, result);
    bool waits = result <= 0 && code == WOLFSSL_ERROR_WANT_READ;
    call_end(engine, begun, !waits);
    if (engine->cause != CAUSE_NONE)
        return fail(engine, error, code);
    if (result > 0) {
        engine->key_answers = 0;
        *size = (size_t)result;
        return RP_ENGINE_OK;
    }
    if (waits)
        return input_used_up(engine, error);
    if (code == WOLFSSL_ERROR_ZERO_RETURN) {
        engine->peer_ended = true;
        return RP_ENGINE_END;
    }
    return fail(engine, error, code);
}

bool rp__engine_readable(const rp_engine *engine)
{
    return engine->state == OPEN && !engine->peer_ended &&
           (engine->input_size > 0 || engine->input_ended || holds_plaintext(engine));
}

bool rp__engine_between_records(const rp_engine *engine)
{
    return engine->input_size == 0 && !holds_plaintext(engine) &&
           rp__records_between(&engine->records);
}

rp_engine_result rp__engine_write(rp_engine *engine, const uint8_t *data, size_t size,
                                  rp_error *error)
{
    rp_error unwanted;
    error = error != NULL ? error : &unwanted;
    RP_ASSERT(engine->state == OPEN);
    RP_ASSERT(!engine->close_sent);
    RP_ASSERT(size <= INT_MAX);
    if (size == 0)
        return RP_ENGINE_OK;
    call begun = call_begin(engine, error);
    int result = wolfSSL_write(engine->ssl, data, (int)size);
    call_end(engine, begun, result <= 0);
    if (result == (int)size && engine->cause == CAUSE_NONE)
        return RP_ENGINE_OK;
    return fail(engine, error, wolfSSL_get_error(engine->ssl, result));
}

rp_engine_result rp__engine_close_notify(rp_engine *engine, rp_error *error)
{
    rp_error unwanted;
    error = error != NULL ? error : &unwanted;
    if (engine->state != OPEN || engine->close_sent)
        return RP_ENGINE_OK;
    engine->close_sent = true;
    call begun = call_begin(engine, error);
    int result = wolfSSL_shutdown(engine->ssl);
    call_end(engine, begun, result < 0);
    if (result >= 0 && engine->cause == CAUSE_NONE)
        return RP_ENGINE_OK;
    return fail(engine, error, wolfSSL_get_error(engine->ssl, result));
}

/* As the option names it, where wolfSSL has another name for it. */
static const char *group_name(WOLFSSL *ssl)
{
    static const char *const names[][2] = {
        {"SECP256R1", "P-256"}, {"SECP384R1", "P-384"}, {"SECP521R1", "P-521"}};
    const char *name = wolfSSL_get_curve_name(ssl);
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    }
    return name;
}

void rp__engine_info_get(const rp_engine *engine, rp_engine_info *info)
{
    char *alpn = NULL;
    unsigned short alpn_size = 0;
    int result = wolfSSL_ALPN_GetProtocol(engine->ssl, &alpn, &alpn_size);
    *info = (rp_engine_info){
        .version = wolfSSL_get_version(engine->ssl),
        .cipher = wolfSSL_get_cipher(engine->ssl),
        .group = group_name(engine->ssl),
        .alpn = result == WOLFSSL_SUCCESS && alpn_size > 0 ? alpn : NULL,
        .resumed = wolfSSL_session_reused(engine->ssl) != 0,
        .certificate_missed = rp__certificate_asked(engine->ssl) == 2,
    };
}

const rp_peer_certificate *rp__engine_sent(const rp_engine *engine, size_t *count)
{
    *count = engine->verifier.sent_count;
    return engine->verifier.sent;
}
