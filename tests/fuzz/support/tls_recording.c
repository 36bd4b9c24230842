/* tls_recording.c - see tls_recording.h. */
#include "fuzz/support/tls_recording.h"

#include "fuzz/support/fuzz.h"
#include "fuzz/support/tls_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_LIMIT 65536

typedef struct setting {
    const char *certificate;
    rp_tls_version version;
    const char *server_groups; /* not the client's first: HelloRetryRequest */
    bool client_certificate;
    bool accept_any;
} setting;

static const setting settings[TLS_SETTINGS] = {
    {"server-ecdsa", RP_TLS_1_2, NULL, false, false},
    {"server-rsa", RP_TLS_1_2, NULL, false, false},
    {"server-ecdsa", RP_TLS_1_3, NULL, false, false},
    {"server-rsa", RP_TLS_1_3, NULL, false, false},
    {"server-ecdsa", RP_TLS_1_3, "P-384", false, false},
    {"server-ecdsa", RP_TLS_1_2, NULL, true, false},
    {"server-ecdsa", RP_TLS_1_3, NULL, true, false},
    {"self-signed", RP_TLS_DEFAULT, NULL, false, true},
};

static void take_secret(uint8_t secret[TLS_SECRET_BYTES], const char *line)
{
    const char *hex = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < TLS_SECRET_BYTES; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        secret[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void on_keylog(const char *line, void *user)
{
    tls_recording *recording = user;
    if (strncmp(line, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0)
        take_secret(recording->handshake_secret, line);
    else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
        take_secret(recording->traffic_secret, line);
}

static void make_configurations(tls_recording *recording, const setting *s)
{
    char certificate[64], key[64];
    snprintf(certificate, sizeof(certificate), "%s.pem", s->certificate);
    snprintf(key, sizeof(key), "%s.key", s->certificate);
    recording->client = tls_client(&(rp_tls_options){
        .ca_file = tls_cert("ca.pem"),
        .certificate_file = s->client_certificate ? tls_cert("client.pem") : NULL,
        .key_file = s->client_certificate ? tls_cert("client.key") : NULL,
        .minimum_version = s->version,
        .maximum_version = s->version,
        .tls13_ciphers = "TLS_AES_128_GCM_SHA256",
        .insecure_accept_any_certificate = s->accept_any,
        .on_keylog = on_keylog,
        .keylog_user = recording,
    });
    recording->server = tls_server(&(rp_tls_server_options){
        .certificate_file = tls_cert(certificate),
        .key_file = tls_cert(key),
        .client_ca_file = s->client_certificate ? tls_cert("ca.pem") : NULL,
        .groups = s->server_groups,
    });
}

/* Everything, both ways, and keeps what the server says. */
static void pump(tls_recording *recording, tls_pair *pair)
{
    while (pair->client.output.size + pair->server.output.size > 0) {
        tls_random_side(SIDE_SERVER);
        while (tls_move(pair, &pair->client, &pair->server))
            continue;
        tls_random_side(SIDE_CLIENT);
        while (pair->server.output.size > 0) {
            rp_slice slice;
            rp__chain_slices(&pair->server.output, &slice, 1);
            FUZZ_CHECK(slice.size <= BYTES_LIMIT - recording->size);
            memcpy(recording->bytes + recording->size, slice.data, slice.size);
            recording->size += slice.size;
            tls_move(pair, &pair->server, &pair->client);
        }
    }
}

static void find_records(tls_recording *recording)
{
    size_t at = recording->count == 0
                    ? 0
                    : (size_t)(recording->records[recording->count - 1].data - recording->bytes) +
                          recording->records[recording->count - 1].size;
    while (at < recording->size) {
        const uint8_t *record = recording->bytes + at;
        FUZZ_CHECK(recording->size - at >= 5 && recording->count < TLS_RECORDS);
        size_t size = 5 + ((size_t)record[3] << 8 | record[4]);
        FUZZ_CHECK(size <= recording->size - at);
        recording->records[recording->count++] = (rp_slice){record, size};
        at += size;
    }
}

/* The handshake, some data in records of all sizes, and the end. */
static void record(tls_recording *recording, tls_pair *pair)
{
    static const size_t sizes[] = {1, 40, 700, 17000};
    pump(recording, pair);
    FUZZ_CHECK(pair->client.opened && pair->server.opened);
    /* In TLS 1.3 the tickets come with the handshake: where the client opens is found by feeding
     * what there is. */
    find_records(recording);
    tls_random_side(SIDE_SERVER);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            recording->sent[recording->sent_size + k] = (uint8_t)('a' + (i + k) % 23);
        tls_write(&pair->server, recording->sent + recording->sent_size, sizes[i]);
        recording->sent_size += sizes[i];
    }
    FUZZ_CHECK(rp__engine_close_notify(pair->server.engine, NULL) == RP_ENGINE_OK);
    pump(recording, pair);
    find_records(recording);
    FUZZ_CHECK(pair->client.ended && pair->client.received_size == recording->sent_size);
}

/* Plays it to a second client, which must take it for its own. */
static void find_handshake(tls_recording *recording)
{
    tls_pair pair;
    tls_recording_client(recording, &pair, NULL);
    for (size_t i = 0; i < recording->count; i++) {
        if (!pair.client.opened)
            recording->handshake++;
        tls_feed(&pair, &pair.client, recording->records[i].data, recording->records[i].size);
    }
    FUZZ_CHECK(pair.client.ended && pair.client.received_size == recording->sent_size);
    FUZZ_CHECK(memcmp(pair.client.received, recording->sent, recording->sent_size) == 0);
    tls_pair_close(&pair);
}

const tls_recording *tls_recording_of(unsigned number)
{
    static tls_recording recordings[TLS_SETTINGS];
    tls_recording *recording = &recordings[number % TLS_SETTINGS];
    if (recording->client == NULL) {
        tls_pair pair;
        recording->bytes = malloc(BYTES_LIMIT);
        recording->sent = malloc(BYTES_LIMIT);
        FUZZ_CHECK(recording->bytes != NULL && recording->sent != NULL);
        make_configurations(recording, &settings[number % TLS_SETTINGS]);
        tls_recording_client(recording, &pair, NULL);
        record(recording, &pair);
        tls_pair_close(&pair);
        find_handshake(recording);
    }
    return recording;
}

void tls_recording_client(const tls_recording *recording, tls_pair *pair, rp_sessions *sessions)
{
    tls_pair_options options = {
        .client = recording->client, .server = recording->server, .sessions = sessions};
    tls_random_restart();
    if (!tls_pair_open(pair, &options))
        FUZZ_CHECK(false);
    tls_feed(pair, &pair->client, (const uint8_t *)"", 0);
    FUZZ_CHECK(!pair->client.failed && pair->client.output.size > 0);
}
