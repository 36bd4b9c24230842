/* tls_scene.c - see tls_scene.h. */
#include "support/tls_scene.h"

#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool tls_old_wolfssl(void)
{
    return LIBWOLFSSL_VERSION_HEX < 0x05009002;
}

size_t tls_message_size(const uint8_t *header)
{
    return 4 + ((size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3]);
}

/* Takes all of a chain. */
static size_t take(rp_chain *output, uint8_t *bytes, size_t capacity)
{
    size_t size = output->size;
    assert_true(size <= capacity);
    for (size_t have = 0; have < size;) {
        rp_slice part;
        rp__chain_slices(output, &part, 1);
        memcpy(bytes + have, part.data, part.size);
        have += part.size;
        rp__chain_consume(output, part.size);
    }
    return size;
}

int tls_scene_alert(tls_scene *s)
{
    uint8_t bytes[4096];
    size_t size = take(&s->client->output, bytes, sizeof(bytes));
    if (size >= 7 && memcmp(bytes + size - 7, "\x15\3\3\0\2\2", 6) == 0)
        return bytes[size - 1];
    if (size > 0)
        tls_feed(&s->pair, &s->pair.server, bytes, size);
    return s->pair.server.error.tls_alert;
}

/* ---- TLS 1.3 --------------------------------------------------------------------------------- */

const char *tls_scene_leaf = "server-ecdsa", *tls_scene_ca;
rp_revocation_policy tls_scene_revocation;

void tls_read_hex(uint8_t *bytes, size_t size, const char *hex)
{
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static void keep_secret(const char *line, void *user)
{
    tls_scene *s = user;
    const char *secret = strrchr(line, ' ') + 1;
    if (strncmp(line, "SERVER_HANDSHAKE", 16) == 0)
        tls_read_hex(s->handshake_secret, TLS_SECRET_BYTES, secret);
    if (strncmp(line, "SERVER_TRAFFIC", 14) == 0)
        tls_read_hex(s->traffic_secret, TLS_SECRET_BYTES, secret);
    if (strncmp(line, "CLIENT_RANDOM ", 14) == 0) {
        tls_read_hex(s->client_random, TLS_RANDOM_BYTES, line + 14);
        tls_read_hex(s->master, TLS_MASTER_BYTES, secret);
    }
}

void tls_scene_send(tls_scene *s, uint8_t type, const uint8_t *content, size_t size)
{
    uint8_t *plain = malloc(size + 1), *record = malloc(size + 1 + TLS_SEAL_EXTRA);
    assert_true(plain != NULL && record != NULL);
    memcpy(plain, content, size);
    plain[size] = type;
    tls_seal(&s->keys, record, plain, size + 1);
    if (!s->client->failed)
        tls_feed(&s->pair, s->client, record, size + 1 + TLS_SEAL_EXTRA);
    free(plain);
    free(record);
}

/* In two records, the first of cut bytes. */
void tls_scene_send_cut(tls_scene *s, const uint8_t *messages, size_t size, size_t cut)
{
    if (cut > 0)
        tls_scene_send(s, TLS_HANDSHAKE_RECORD, messages, cut);
    if (cut < size)
        tls_scene_send(s, TLS_HANDSHAKE_RECORD, messages + cut, size - cut);
}

static rp_tls_options client_options(tls_scene *s)
{
    return (rp_tls_options){.ca_file = tls_scene_ca == NULL ? tls_cert("ca.pem") : NULL,
                            .ca_pem = tls_scene_ca,
                            .on_keylog = keep_secret,
                            .keylog_user = s};
}

/* The server has answered the ClientHello, and nothing of it has reached the client. */
static void open_13(tls_scene *s, const char *alpn, const char *client_groups, const char *groups)
{
    memset(s, 0, sizeof(*s));
    s->client = &s->pair.client;
    rp_tls_options of_client = client_options(s);
    of_client.minimum_version = RP_TLS_1_3;
    of_client.groups = client_groups;
    of_client.revocation = tls_scene_revocation;
    s->client_config = tls_client(&of_client);
    char certificate[64], key[64];
    (void)snprintf(certificate, sizeof(certificate), "%s.pem", tls_scene_leaf);
    (void)snprintf(key, sizeof(key), "%s.key", tls_scene_leaf);
    s->server_config = tls_server(&(rp_tls_server_options){
        .certificate_file = tls_cert(certificate),
        .key_file = tls_cert(key),
        .tls13_ciphers = "TLS_AES_128_GCM_SHA256",
        .groups = groups,
        .no_resumption = true,
    });
    tls_pair_options options = {
        .client = s->client_config, .server = s->server_config, .client_alpn = alpn};
    assert_true(tls_pair_open(&s->pair, &options));
    assert_int_equal(rp__engine_handshake(s->client->engine, NULL), RP_ENGINE_WANT_INPUT);
    while (tls_move(&s->pair, s->client, &s->pair.server))
        ;
    rp_slice record[1];
    assert_int_equal(rp__chain_slices(&s->pair.server.output, record, 1), 1);
    s->hello_size = 5U + ((size_t)record->data[3] << 8) + record->data[4];
    assert_true(s->hello_size < record->size && s->hello_size <= sizeof(s->hello));
    memcpy(s->hello, record->data, s->hello_size);
}

void tls_scene_open(tls_scene *s, const char *alpn)
{
    open_13(s, alpn, NULL, NULL);
}

void tls_scene_open_groups(tls_scene *s, const char *groups)
{
    open_13(s, NULL, groups, groups);
}

/* The client has ServerHello; what comes behind it is in flight. */
void tls_scene_hello(tls_scene *s)
{
    tls_feed(&s->pair, s->client, s->hello, s->hello_size);
    assert_false(s->client->failed);
    uint8_t bytes[sizeof(s->flight)];
    size_t size = take(&s->pair.server.output, bytes, sizeof(bytes)), at = s->hello_size;
    tls_keys_set(&s->keys, s->handshake_secret);
    while (at < size) {
        rp_slice record = {bytes + at, 5U + ((size_t)bytes[at + 3] << 8) + bytes[at + 4]};
        at += record.size;
        if (record.data[0] != TLS_DATA_RECORD)
            continue; /* ChangeCipherSpec */
        s->flight_size += tls_unseal(&s->keys, s->flight + s->flight_size, record);
        s->flight_size--; /* the type */
    }
    tls_keys_set(&s->keys, s->handshake_secret);
}

void tls_scene_connect(tls_scene *s)
{
    tls_scene_open(s, NULL);
    tls_scene_hello(s);
    tls_scene_send(s, TLS_HANDSHAKE_RECORD, s->flight, s->flight_size);
    assert_true(s->client->opened && !s->client->failed);
    tls_keys_set(&s->keys, s->traffic_secret);
}

void tls_scene_expect_data(tls_scene *s)
{
    if (s->client->failed)
        print_error("%s\n", s->client->error.text);
    assert_true(s->client->opened && !s->client->failed);
    tls_scene_send(s, TLS_DATA_RECORD, (const uint8_t *)"data", 4);
    s->answered += 4;
    assert_false(s->client->failed);
    assert_int_equal(s->client->received_size, s->answered);
}

void tls_scene_close(tls_scene *s)
{
    tls_pair_close(&s->pair);
    rp_tls_config_release(s->client_config);
    rp_tls_config_release(s->server_config);
}

/* ---- TLS 1.2 --------------------------------------------------------------------------------- */

/* The server has answered the ClientHello, and nothing of it has reached the client. */
void tls_scene_open_12(tls_scene *s, rp_tls_version of_client)
{
    memset(s, 0, sizeof(*s));
    s->client = &s->pair.client;
    rp_tls_options client = client_options(s);
    client.maximum_version = of_client;
    s->client_config = tls_client(&client);
    s->server_config = tls_server_of(tls_scene_leaf, RP_TLS_1_2);
    tls_pair_options options = {
        .client = s->client_config, .server = s->server_config, .client_alpn = "http/1.1"};
    assert_true(tls_pair_open(&s->pair, &options));
    assert_int_equal(rp__engine_handshake(s->pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    while (tls_move(&s->pair, &s->pair.client, &s->pair.server))
        ;
    uint8_t bytes[sizeof(s->flight)];
    size_t size = take(&s->pair.server.output, bytes, sizeof(bytes));
    for (size_t at = 0; at < size;) {
        size_t record = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        assert_int_equal(bytes[at], 22);
        memcpy(s->flight + s->flight_size, bytes + at + 5, record);
        s->flight_size += record;
        at += 5 + record;
    }
}

void tls_scene_send_plain(tls_scene *s, const uint8_t *messages, size_t size)
{
    uint8_t record[5 + sizeof(s->flight)] = {22, 3, 3, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(record + 5, messages, size);
    if (!s->pair.client.failed)
        tls_feed(&s->pair, &s->pair.client, record, 5 + size);
}

void tls_scene_expect_open(tls_scene *s)
{
    tls_pump(&s->pair);
    if (s->pair.client.failed)
        print_error("%s\n", s->pair.client.error.text);
    assert_true(s->pair.client.opened && s->pair.server.opened);
}

void tls_scene_connect_12(tls_scene *s)
{
    rp_engine_info info;
    tls_scene_open_12(s, RP_TLS_1_2);
    tls_scene_send_plain(s, s->flight, s->flight_size);
    tls_scene_expect_open(s);
    rp__engine_info_get(s->client->engine, &info);
    assert_string_equal(info.cipher, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    tls_keys_set_12(&s->keys, s->master, s->client_random, s->flight + 6);
}

void tls_scene_send_12(tls_scene *s, uint8_t type, const uint8_t *content, size_t size)
{
    uint8_t record[TLS_SEAL_EXTRA_12 + 1024];
    assert_true(size <= 1024);
    tls_seal_12(&s->keys, record, type, content, size);
    if (!s->client->failed)
        tls_feed(&s->pair, s->client, record, TLS_SEAL_EXTRA_12 + size);
}
