/* tls_pair.h - a client and a server engine in memory, with the bytes between them in the test's
 * hands. */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include "tls/engine.h"

/* The directory that make-certs filled. */
const char *tls_certs(void);
/* "DIRECTORY/name"; one of 64 buffers, used in turn. */
const char *tls_cert(const char *name);

/* Configurations that must come about: otherwise the test fails with the sentence. */
rp_tls_config *tls_client(const rp_tls_options *options);
rp_tls_config *tls_server(const rp_tls_server_options *options);
/* Trusts ca.pem, one version; 0: both. */
rp_tls_config *tls_client_of(rp_tls_version version);
/* NAME.pem and NAME.key. */
rp_tls_config *tls_server_of(const char *name, rp_tls_version version);

typedef struct tls_end {
    rp_engine *engine;
    rp_chain output;
    rp_loop_stats stats;
    rp_engine_result result; /* of the last call */
    rp_error error;          /* if it failed */
    bool opened, ended, failed;
    uint8_t *received; /* plaintext */
    size_t received_size, received_capacity;
    bool discard; /* counts received_size only */
} tls_end;

typedef struct tls_pair {
    rp_memory memory;
    rp_chunk_pool pool;
    tls_end client, server;
    uint64_t random;
    size_t chunk_limit; /* ciphertext is given in chunks of 1 to this size; 0: all there is */
    size_t read_limit;  /* plaintext is read in pieces of 1 to this size */
    rp_tls_config *configs[2]; /* of tls_pair_begin */
} tls_pair;

typedef struct tls_pair_options {
    rp_tls_config *client, *server;
    const char *name; /* NULL: "localhost" */
    const char *client_alpn, *server_alpn;
    rp_sessions *sessions;
    uint64_t seed;
    size_t chunk_limit;
    uint64_t fail_in; /* see rp_memory; counts from the first engine's creation */
} tls_pair_options;

/* False if an engine could not be made: client.error says why. */
bool tls_pair_open(tls_pair *pair, const tls_pair_options *options);
/* Asserts that nothing leaked and that no wolfSSL call was idle. */
void tls_pair_close(tls_pair *pair);
/* The same for a test that has one pair of these configurations: they are the pair's from then on,
 * and are released with it. Asserts that it could be made. */
void tls_pair_begin(tls_pair *pair, const tls_pair_options *options);
void tls_pair_end(tls_pair *pair);

uint64_t tls_random(tls_pair *pair, uint64_t limit); /* 0 to limit - 1 */

/* Runs what end can do with data, and asserts that it took it all. */
void tls_feed(tls_pair *pair, tls_end *end, const uint8_t *data, size_t size);
/* One chunk from from's output to to. False: there is none. */
bool tls_move(tls_pair *pair, tls_end *from, tls_end *to);
/* Everything, both ways, until both are silent. */
void tls_pump(tls_pair *pair);
/* Starts the client and pumps. True if both are open. */
bool tls_handshake(tls_pair *pair);
void tls_write(tls_end *end, const void *data, size_t size);
/* The transport ended towards end. */
void tls_end_input(tls_pair *pair, tls_end *end);

#endif
