/* tls_recording.h - what a genuine server says to our client, record by record, from ServerHello to
 * close_notify. It is recorded once; by tls_random.h each further client of the same configuration
 * takes it for its own. */
#ifndef TESTS_FUZZ_TLS_RECORDING_H
#define TESTS_FUZZ_TLS_RECORDING_H

#include "support/tls_pair.h"
#include "support/tls_seal.h"

#define TLS_SETTINGS 8
/* TLS 1.3 with TLS_AES_128_GCM_SHA256 and without further ado; see tls_seal.h. */
#define TLS_SEALED_SETTING 2

#define TLS_RECORDS 64

typedef struct tls_recording {
    rp_tls_config *client, *server;
    uint8_t *bytes;
    size_t size;
    rp_slice records[TLS_RECORDS]; /* with their headers */
    size_t count;
    size_t handshake; /* so many of them until the client is open */
    uint8_t *sent;    /* the plaintext */
    size_t sent_size;
    /* TLS 1.3: the server's traffic secrets. */
    uint8_t handshake_secret[TLS_SECRET_BYTES], traffic_secret[TLS_SECRET_BYTES];
} tls_recording;

/* Of a setting by its number. Made when it is first asked for, and kept. */
const tls_recording *tls_recording_of(unsigned number);

/* A client of the recording's configuration that has said its first words. */
void tls_recording_client(const tls_recording *recording, tls_pair *pair, rp_sessions *sessions);

#endif
