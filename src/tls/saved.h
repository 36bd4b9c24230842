/* saved.h - sessions as bytes, for another process to take up.
 *
 *     "RPTS", 1, how, 0, 0      how: 0 not sealed, 1 by AES-256-GCM
 *     nonce                     if sealed
 *     fingerprint               the configuration's
 *     version                   wolfSSL's, whose own form the sessions have
 *     count, and so many times: size of the name, size of the session, when it was stored;
 *                               "HOST PORT ALPN"; the session
 *     tag, or a SHA-256 of all before it
 *
 * Numbers have four bytes, times eight, the highest first. */
#ifndef RP_TLS_SAVED_H
#define RP_TLS_SAVED_H

#include "base/slice.h"
#include "tls/config.h"
#include "tls/sessions.h"

/* A session with a longer ticket is not saved. */
#define RP_SAVED_SESSION_LIMIT (32u << 10)

/* Moves the configuration's sessions out of the store: a ticket is used once (RFC 8446, C.4). key:
 * of RP_SEAL_KEY_BYTES, or NULL. free_secret() the bytes. */
rp_status rp__sessions_save(rp_sessions *sessions, const rp_tls_config *config, const uint8_t *key,
                            rp_memory *memory, uint8_t **bytes, size_t *size, rp_error *error);

/* All or none of them; *count: those that have not ended meanwhile. */
rp_status rp__sessions_restore(rp_sessions *sessions, const rp_tls_config *config,
                               const uint8_t *key, rp_memory *memory, rp_slice saved, size_t *count,
                               rp_error *error);

#endif
