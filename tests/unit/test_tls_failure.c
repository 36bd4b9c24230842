/* test_tls_failure.c - peers that misbehave: not TLS, other versions, alerts, records out of
 * order. */
#include "support/tls_pair.h"
#include "tls/records.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PEER "localhost (127.0.0.1:443)"

/* ---- A scripted server ----------------------------------------------------------------------- */

/* A client that has sent its ClientHello; the pair's server is not used. */
static void script_begin(tls_pair *pair, rp_tls_config *client, rp_tls_config *server,
                         rp_sessions *sessions)
{
    tls_pair_options options = {.client = client, .server = server, .sessions = sessions};
    assert_true(tls_pair_open(pair, &options));
    assert_int_equal(rp__engine_handshake(pair->client.engine, NULL), RP_ENGINE_WANT_INPUT);
}

/* Gives the client bytes, all at once or one at a time, until it has failed. */
static void script_say(tls_pair *pair, const void *data, size_t size, bool dribble)
{
    const uint8_t *bytes = data;
    size_t part = dribble ? 1 : size;
    for (size_t at = 0; at < size && !pair->client.failed; at += part)
        tls_feed(pair, &pair->client, bytes + at, part);
}

static void say_instead_of_tls(const char *answer, size_t size, const char *text, bool dribble)
{
    rp_tls_config *client = tls_client_of(0);
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    tls_pair pair;
    script_begin(&pair, client, server, NULL);
    rp__chain_clear(&pair.client.output);
    script_say(&pair, answer, size, dribble);
    assert_true(pair.client.failed);
    assert_int_equal(pair.client.error.status, RP_E_TLS_PROTOCOL);
    assert_int_equal(pair.client.error.phase, RP_PHASE_HANDSHAKE);
    if (!dribble)
        assert_string_equal(pair.client.error.text, text);
    assert_non_null(strstr(pair.client.error.text, " does not speak TLS: its answer begins with "));
    tls_pair_close(&pair);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

static void not_tls(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        size_t size;
        const char *begin;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "HTTP/1.1 400 Bad Request"},
        {"HTTP/1.0 400\r\nServer: x\r\n\r\n", 27, "HTTP/1.0 400"},
        {"220 mail.example ESMTP\r\n", 24, "220 mail.example ESMTP"},
        {"+OK hello\n+OK\r\n", 15, "+OK hello"},
        {"SSH-2.0-OpenSSH_9.2", 19, "SSH-2.0-OpenSSH_9.2"},
        {"\0\0\0\0\0\0\0", 7, "\\x00\\x00\\x00\\x00\\x00\\x00\\x00"},
        {"\x16\x02\x00\x00\x05hello", 10, "\\x16\\x02\\x00\\x00\\x05hello"},
        {"a\"b\x7f\xff", 5, "a\\x22b\\x7f\\xff"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof(text), "%s does not speak TLS: its answer begins with \"%s\"", PEER,
                 cases[i].begin);
        say_instead_of_tls(cases[i].answer, cases[i].size, text, false);
        say_instead_of_tls(cases[i].answer, cases[i].size, text, true);
    }
}

static void alerts(void **state)
{
    (void)state;
    static const struct {
        uint8_t level, code;
        rp_status status;
        const char *text;
    } cases[] = {
        {2, 40, RP_E_TLS_ALERT,
         PEER " refused the handshake: alert handshake_failure (40): it accepts none of the "
              "ciphers, groups or signatures offered"},
        {2, 70, RP_E_TLS_VERSION, PEER " supports no TLS version of ours (TLS 1.2 and TLS 1.3)"},
        {2, 112, RP_E_TLS_ALERT,
         PEER " refused the handshake: alert unrecognized_name (112): it serves no such name"},
        {2, 99, RP_E_TLS_ALERT,
         PEER " refused the handshake: alert unknown (99): it did not say why"},
        /* A reason, given as a warning, and then the end. */
        {1, 112, RP_E_TLS_ALERT,
         PEER " refused the handshake: alert unrecognized_name (112): it serves no such name"},
        {1, 0, RP_E_TLS_CLOSED, PEER " closed the connection during the handshake"},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        rp_tls_config *client = tls_client_of(0);
        rp_tls_config *server = tls_server_of("server-ecdsa", 0);
        tls_pair pair;
        script_begin(&pair, client, server, NULL);
        const uint8_t alert[] = {21, 3, 3, 0, 2, cases[i / 2].level, cases[i / 2].code};
        script_say(&pair, alert, sizeof(alert), i % 2 == 1);
        if (!pair.client.failed)
            tls_end_input(&pair, &pair.client);
        assert_int_equal(pair.client.error.status, cases[i / 2].status);
        assert_string_equal(pair.client.error.text, cases[i / 2].text);
        assert_int_equal(pair.client.error.phase, RP_PHASE_HANDSHAKE);
        if (cases[i / 2].status != RP_E_TLS_CLOSED)
            assert_int_equal(pair.client.error.tls_alert, cases[i / 2].code);
        tls_pair_close(&pair);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

static void no_common_version(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        rp_tls_version of_client = i / 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3;
        rp_tls_config *client = tls_client_of(of_client);
        rp_tls_config *server =
            tls_server_of("server-ecdsa", of_client == RP_TLS_1_2 ? RP_TLS_1_3 : RP_TLS_1_2);
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server, .chunk_limit = i % 2 == 1};
        assert_true(tls_pair_open(&pair, &options));
        assert_false(tls_handshake(&pair));
        if (!pair.client.failed)
            tls_end_input(&pair, &pair.client);
        /* wolfSSL's server of TLS 1.2 looks at the suites first. */
        assert_int_equal(pair.client.error.status,
                         of_client == RP_TLS_1_2 ? RP_E_TLS_VERSION : RP_E_TLS_ALERT);
        assert_string_equal(pair.client.error.text,
                            of_client == RP_TLS_1_2
                                ? PEER " supports no TLS version of ours (TLS 1.2)"
                                : PEER " refused the handshake: alert handshake_failure (40): it "
                                       "accepts none of the ciphers, groups or signatures offered, "
                                       "or does not speak TLS 1.3");
        tls_pair_close(&pair);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* ---- ChangeCipherSpec ------------------------------------------------------------------------ */

static const uint8_t change_cipher[] = {20, 3, 3, 0, 1, 1};

static void expect_early(tls_pair *pair)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
    assert_true(pair->client.failed);
    assert_int_equal(pair->client.error.status, RP_E_TLS_PROTOCOL);
    assert_int_equal(pair->client.error.tls_alert, 10);
    assert_string_equal(pair->client.error.text,
                        PEER " broke the rules of TLS: ChangeCipherSpec before its time");
    rp_slice slices[4];
    size_t count = rp__chain_slices(&pair->client.output, slices, 4);
    assert_int_equal(count, 1);
    assert_true(slices[0].size >= sizeof(alert));
    assert_memory_equal(slices[0].data + slices[0].size - sizeof(alert), alert, sizeof(alert));
}

/* The server's first flight, up to a cut, and then a ChangeCipherSpec. */
static void early_change_cipher(rp_tls_version version, size_t cut, bool dribble,
                                rp_sessions *sessions, bool early)
{
    rp_tls_config *client = tls_client_of(version);
    rp_tls_config *server = tls_server_of("server-ecdsa", version);
    tls_pair pair;
    script_begin(&pair, client, server, sessions);
    while (tls_move(&pair, &pair.client, &pair.server)) {
    }
    rp_slice slice;
    rp__chain_slices(&pair.server.output, &slice, 1);
    uint8_t flight[RP_CHUNK_BYTES];
    size_t size = 0;
    for (size_t records = 0; records < cut; records++) { /* whole records */
        size_t record = 5 + ((size_t)slice.data[size + 3] << 8 | slice.data[size + 4]);
        memcpy(flight + size, slice.data + size, record);
        size += record;
    }
    script_say(&pair, flight, size, dribble);
    assert_false(pair.client.failed);
    script_say(&pair, change_cipher, sizeof(change_cipher), dribble);
    if (early)
        expect_early(&pair);
    else
        assert_false(pair.client.failed);
    tls_pair_close(&pair);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

static void change_cipher_too_early(void **state)
{
    (void)state;
    for (int dribble = 0; dribble < 2; dribble++) {
        /* Before anything; after ServerHello; after Certificate; after ServerKeyExchange. */
        for (size_t cut = 0; cut <= 3; cut++)
            early_change_cipher(RP_TLS_1_2, cut, dribble == 1, NULL, true);
        /* TLS 1.3: not before ServerHello, and harmless after it. */
        early_change_cipher(RP_TLS_1_3, 0, dribble == 1, NULL, true);
        early_change_cipher(RP_TLS_1_3, 1, dribble == 1, NULL, false);
    }
}

/* A client that offers a session, too: the server goes for a full handshake, but changes ciphers
 * at once. */
static void change_cipher_with_a_session(void **state)
{
    (void)state;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    for (size_t cut = 0; cut <= 3; cut++) {
        rp_sessions *sessions = rp__sessions_create(&memory);
        rp_tls_config *client = tls_client_of(RP_TLS_1_2);
        rp_tls_config *server = tls_server_of("server-ecdsa", RP_TLS_1_2);
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server, .sessions = sessions};
        assert_true(tls_pair_open(&pair, &options));
        assert_true(tls_handshake(&pair));
        tls_pair_close(&pair);
        assert_int_equal(rp__sessions_count(sessions), 1);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
        /* After ServerHello alone it may be a resumption: then the Finished that follows
         * decides. */
        if (cut != 1)
            early_change_cipher(RP_TLS_1_2, cut, false, sessions, true);
        rp__sessions_destroy(sessions);
    }
    assert_int_equal(memory.live, 0);
}

/* A server that sends TLS 1.3's compatibility records as OpenSSL and others do. */
static void middlebox_compatibility(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip(); /* the server sends one by itself, and 5.7.2 takes no second one */
    for (int dribble = 0; dribble < 2; dribble++) {
        rp_tls_config *client = tls_client_of(RP_TLS_1_3);
        rp_tls_config *server = tls_server_of("server-ecdsa", RP_TLS_1_3);
        tls_pair pair;
        script_begin(&pair, client, server, NULL);
        while (tls_move(&pair, &pair.client, &pair.server)) {
        }
        rp_slice slice;
        rp__chain_slices(&pair.server.output, &slice, 1);
        size_t hello = 5 + ((size_t)slice.data[3] << 8 | slice.data[4]);
        script_say(&pair, slice.data, hello, dribble == 1);
        script_say(&pair, change_cipher, sizeof(change_cipher), dribble == 1);
        rp__chain_consume(&pair.server.output, hello);
        tls_pump(&pair);
        assert_true(pair.client.opened && pair.server.opened);
        tls_pair_close(&pair);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* A record changed on the way, at any time of a connection. */
static void damaged_records(void **state)
{
    (void)state;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *client = tls_client_of(version);
        rp_tls_config *server = tls_server_of("server-ecdsa", version);
        for (uint64_t seed = 1; seed < 200; seed++) {
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server, .seed = seed};
            assert_true(tls_pair_open(&pair, &options));
            assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
            size_t damage = (size_t)tls_random(&pair, 1500), seen = 0;
            for (int round = 0; round < 6; round++) {
                while (tls_move(&pair, &pair.client, &pair.server)) {
                }
                if (pair.server.opened && !pair.server.failed && round < 4)
                    tls_write(&pair.server, "some data", 9);
                rp_slice slice;
                while (rp__chain_slices(&pair.server.output, &slice, 1) == 1) {
                    uint8_t copy[RP_CHUNK_BYTES];
                    size_t size = slice.size;
                    memcpy(copy, slice.data, size);
                    if (damage >= seen && damage < seen + size)
                        copy[damage - seen] ^= (uint8_t)(1 + tls_random(&pair, 255));
                    seen += size;
                    rp__chain_consume(&pair.server.output, size);
                    if (!pair.client.failed)
                        tls_feed(&pair, &pair.client, copy, size);
                }
            }
            if (!pair.client.failed && !pair.client.ended)
                tls_end_input(&pair, &pair.client);
            if (pair.client.failed) {
                assert_int_not_equal(pair.client.error.status, RP_OK);
                assert_int_not_equal(pair.client.error.status, RP_E_INTERNAL);
                assert_true(strlen(pair.client.error.text) > 20);
            }
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

static void bad_record_when_open(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(RP_TLS_1_3),
                                              .server = tls_server_of("server-ecdsa", RP_TLS_1_3)});
    assert_true(tls_handshake(&pair));
    uint8_t forged[5 + 40] = {23, 3, 3, 0, 40};
    tls_feed(&pair, &pair.client, forged, sizeof(forged));
    assert_true(pair.client.failed);
    assert_int_equal(pair.client.error.status, RP_E_TLS_PROTOCOL);
    assert_int_equal(pair.client.error.phase, RP_PHASE_NONE);
    assert_non_null(strstr(pair.client.error.text, PEER " broke the rules of TLS: "));
    tls_pump(&pair);
    tls_pair_end(&pair);
}

/* The peer breaks an open connection off. */
static void alert_when_open(void **state)
{
    (void)state;
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server_of("server-ecdsa", 0)});
    assert_true(tls_handshake(&pair));
    uint8_t forged[5 + 40] = {23, 3, 3, 0, 40};
    tls_feed(&pair, &pair.server, forged, sizeof(forged));
    assert_true(pair.server.failed);
    tls_pump(&pair);
    if (pair.server.error.tls_alert >= 0) { /* wolfSSL sent one */
        assert_int_equal(pair.client.error.status, RP_E_TLS_ALERT);
        assert_string_equal(pair.client.error.text,
                            PEER " broke the connection off: alert bad_record_mac (20): it could "
                                 "not decrypt a record");
    }
    tls_pair_end(&pair);
}

/* ---- The record watcher by itself ------------------------------------------------------------ */

static void records_in_pieces(void **state)
{
    (void)state;
    static const uint8_t stream[] = {
        22, 3, 3, 0, 3, 2,  0,   0,                /* ServerHello's header, cut off */
        22, 3, 3, 0, 5, 4,  'a', 'b', 'c', 'd',    /* and on, and its body of 4 bytes */
        22, 3, 3, 0, 6, 14, 0,   0,   0,   11,  0, /* an empty message, and Certificate begins */
        20, 3, 3, 0, 1, 1,
    };
    for (size_t piece = 1; piece <= sizeof(stream); piece++) {
        rp_records records = {.record_have = 0};
        size_t changes = 0;
        for (size_t at = 0; at < sizeof(stream); at += piece) {
            size_t size = sizeof(stream) - at < piece ? sizeof(stream) - at : piece;
            rp_record_verdict verdict = rp__records_see(&records, stream + at, size);
            assert_int_not_equal(verdict, RP_RECORD_NOT_TLS);
            changes += verdict == RP_RECORD_CHANGE_CIPHER;
            /* All 4 bytes of its body have come with the 18th. */
            assert_int_equal(records.server_hello, at + size >= 18);
        }
        assert_int_equal(changes, 1);
        assert_false(records.certificate); /* its length is not complete */
        assert_int_equal(records.first_have, sizeof(records.first));
        assert_memory_equal(records.first, stream, sizeof(records.first));
    }
    assert_true(rp__records_change_cipher(stream, sizeof(stream)));
    assert_false(rp__records_change_cipher(stream, 29));
    assert_false(rp__records_change_cipher(stream, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_tls),
        cmocka_unit_test(alerts),
        cmocka_unit_test(no_common_version),
        cmocka_unit_test(change_cipher_too_early),
        cmocka_unit_test(change_cipher_with_a_session),
        cmocka_unit_test(middlebox_compatibility),
        cmocka_unit_test(damaged_records),
        cmocka_unit_test(bad_record_when_open),
        cmocka_unit_test(alert_when_open),
        cmocka_unit_test(records_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
