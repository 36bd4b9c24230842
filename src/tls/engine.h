/* engine.h - the sans-I/O TLS engine: ciphertext in, ciphertext out, plaintext in, plaintext out.
 *
 * One engine is one connection's TLS state over one wolfSSL session object. It touches no socket,
 * reads no clock for its own ends and never waits. It is called only when something changed:
 * ciphertext came, the owner has plaintext or credit. So every call of wolfSSL moves something; one
 * that does not is counted in tls_calls_idle, and tests hold that at 0.
 *
 *          lend()  -->  [ ciphertext in ]            [ plaintext out ]  -->  read()
 *                                         wolfSSL
 *   chain output  <--  [ ciphertext out ]            [ plaintext in ]  <--  write()
 *
 * Ciphertext is lent, not copied: after lend() the owner calls handshake() or read() until they
 * answer RP_ENGINE_WANT_INPUT; then everything lent has been taken. If the owner stops earlier (no
 * credit), it keeps unlend()'s rest and lends it again later.
 *
 * Every function may append to output: handshake messages, alerts, and read() too (the answer
 * to a peer's KeyUpdate). A failure of handshake() has phase RP_PHASE_HANDSHAKE; of the others
 * RP_PHASE_NONE, for the owner knows better. error may be NULL. */
#ifndef RP_TLS_ENGINE_H
#define RP_TLS_ENGINE_H

#include "base/address.h"
#include "base/chain.h"
#include "base/memory.h"
#include "base/slice.h"
#include "tls/config.h"
#include "tls/sessions.h"
#include <ringport/error.h>
#include <ringport/loop.h>

typedef struct rp_engine rp_engine;

typedef enum rp_engine_result {
    RP_ENGINE_OK,    /* handshake(): done. read(): bytes. write(): all taken */
    RP_ENGINE_DOUBT, /* handshake(): the peer's chain leads to no anchor, but the configuration
                           * has a judge, who must be asked before anything goes on or out */
    RP_ENGINE_SIGN,  /* handshake(): the server asks for a signature by a key that is not here */
    RP_ENGINE_WANT_INPUT, /* everything lent is used up: lend more, or say that it ended */
    RP_ENGINE_END,        /* read(): the peer's close_notify: an authenticated end */
    RP_ENGINE_FAILED      /* *error says why; all that is left is output, with an alert maybe */
} rp_engine_result;

typedef struct rp_engine_options {
    rp_memory *memory;
    rp_loop_stats *stats;  /* tls_calls, tls_calls_idle, handshakes_full, handshakes_resumed */
    rp_tls_config *config; /* borrowed; its role is the engine's role */
    rp_chain *output;      /* where ciphertext is appended; borrowed */
    /* Client: for SNI (if it is a name) and verification. Borrowed: the owner keeps it as long
     * as the handshake. */
    const char *server_name;
    const char *alpn;      /* "h2,http/1.1" or NULL; a server picks the first of its own list */
    rp_sessions *sessions; /* client: where new sessions go; NULL: nowhere */
    /* The origin under which sessions are kept, the configuration included. Borrowed as long as the
     * engine. */
    const char *session_key;
    /* For messages: "api.example.com (192.0.2.7:443)"; borrowed likewise. NULL: server_name, or
     * "the peer". */
    const char *peer_text;
} rp_engine_options;

/* Takes a session for session_key out of sessions, if there is one, and offers it. On failure
 * *error. */
rp_engine *rp__engine_create(const rp_engine_options *options, rp_error *error);
void rp__engine_destroy(rp_engine *engine);

/* Lends ciphertext until the engine took it or unlent() is called. At most one loan at a time. */
void rp__engine_lend(rp_engine *engine, const uint8_t *data, size_t size);
/* Ends the loan and gives what was not taken. */
rp_slice rp__engine_unlend(rp_engine *engine);
/* Bytes of the loan not yet taken, for tests. */
size_t rp__engine_lent(const rp_engine *engine);
/* The transport ended (TCP FIN): no more ciphertext will come. */
void rp__engine_input_end(rp_engine *engine);

/* Goes on with the handshake as far as the input reaches. The first call of a client needs no
 * input. What of the loan is not taken when it is done, is for read(). */
rp_engine_result rp__engine_handshake(rp_engine *engine, rp_error *error);
/* For tests: the handshake is done. */
bool rp__engine_open(const rp_engine *engine);

/* After RP_ENGINE_DOUBT: the question for the judge, the caller's from here on. Until the answer is
 * known, no output may leave: an identity would be shown to who knows whom. */
rp_question *rp__engine_question(rp_engine *engine);
/* The answer is yes: handshake() goes on. After a no, or without an answer, the engine is of no use
 * but to be destroyed; the question's refusal says why. */
void rp__engine_trust(rp_engine *engine);

/* After RP_ENGINE_SIGN: what is to be signed, the caller's from here on; handshake() must wait. */
rp_signing *rp__engine_signing(rp_engine *engine);
/* Its answer, which has a signature; the engine's from here on. handshake() goes on, without input.
 */
void rp__engine_signed(rp_engine *engine, rp_signing *signing);

/* In a record the data's type stands behind the data, and is decrypted with it. */
#define RP_ENGINE_SPARE ((size_t)1)
/* So much data of records that are smaller is enough for one read. */
#define RP_ENGINE_ENOUGH ((size_t)8192)

/* Decrypts up to capacity (> 0) bytes into a buffer that has RP_ENGINE_SPARE bytes more: of a
 * record, or of several that came together. Only after the handshake. RP_ENGINE_OK: *size > 0. */
rp_engine_result rp__engine_read(rp_engine *engine, uint8_t *buffer, size_t capacity, size_t *size,
                                 rp_error *error);
/* True if read() would move something: input lent, or plaintext inside, or an unread end. After
 * RP_ENGINE_END it stays false: what a peer sends after its close_notify is nobody's. */
bool rp__engine_readable(const rp_engine *engine);

/* True if nothing that came is held back: no plaintext unread, no record in part. */
bool rp__engine_between_records(const rp_engine *engine);

/* Encrypts all of data into output. The caller bounds what it gives (some 16 to 64 KiB at a
 * time). Only after the handshake and before close_notify(); the peer's end does not matter. */
rp_engine_result rp__engine_write(rp_engine *engine, const uint8_t *data, size_t size,
                                  rp_error *error);

/* Appends close_notify to output, once, if the connection is open; otherwise (in the handshake,
 * after a failure) does nothing. Reading goes on, writing does not. */
rp_engine_result rp__engine_close_notify(rp_engine *engine, rp_error *error);

/* After the handshake; strings live as long as the engine. */
typedef struct rp_engine_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* IANA's name: "TLS_AES_128_GCM_SHA256" */
    const char *group;   /* of the key exchange: "X25519MLKEM768"; NULL: none */
    const char *alpn;    /* NULL: none */
    bool resumed;
    bool certificate_missed; /* the server asked for a certificate, and was shown none */
} rp_engine_info;
void rp__engine_info_get(const rp_engine *engine, rp_engine_info *info);

/* What the peer sent, where the configuration has it kept, also if the handshake failed; it lives
 * as long as the engine. NULL: nothing. */
const rp_peer_certificate *rp__engine_sent(const rp_engine *engine, size_t *count);

#endif
