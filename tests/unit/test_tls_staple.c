/* test_tls_staple.c - OCSP responses on their way to those who judge them: what is asked for, the
 * message of TLS 1.2 in every order and cut, the extension of TLS 1.3. test_x509_ocsp.c has the
 * rules; interop/test_openssl.c and test_nginx.c have servers that staple. */
#include "support/chains.h"
#include "support/tls_pair.h"
#include "tls/staple.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- A server's first flight in TLS 1.2, which needs no keys --------------------------------- */

enum { SERVER_HELLO = 2, CERTIFICATE = 11, CERTIFICATE_STATUS = 22 };

typedef struct flight {
    uint8_t bytes[16384];
    size_t size;
} flight;

static void put(flight *out, const void *bytes, size_t size)
{
    assert_true(out->size + size <= sizeof(out->bytes));
    if (size > 0)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_number(flight *out, size_t number, size_t bytes)
{
    while (bytes-- > 0) {
        uint8_t byte = (uint8_t)(number >> (8 * bytes));
        put(out, &byte, 1);
    }
}

/* In a record of its own. */
static void put_message(flight *out, uint8_t type, const flight *body)
{
    put_number(out, 0x160303, 3);
    put_number(out, body->size + 4, 2);
    put_number(out, type, 1);
    put_number(out, body->size, 3);
    put(out, body->bytes, body->size);
}

static void put_hello(flight *out, const char *extension, size_t size)
{
    flight body = {.size = 0};
    put_number(&body, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put_number(&body, 0x55, 1);
    put_number(&body, 0, 1);
    put_number(&body, 0xC02B, 2); /* TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
    put_number(&body, 0, 1);
    put_number(&body, size, 2);
    put(&body, extension, size);
    put_message(out, SERVER_HELLO, &body);
}

static void put_certificates(flight *out, const rp_slice *certificates, size_t count)
{
    flight list = {.size = 0}, body = {.size = 0};
    for (size_t i = 0; i < count; i++) {
        put_number(&list, certificates[i].size, 3);
        put(&list, certificates[i].data, certificates[i].size);
    }
    put_number(&body, list.size, 3);
    put(&body, list.bytes, list.size);
    put_message(out, CERTIFICATE, &body);
}

/* extra: bytes more than its length says, or fewer. */
static void put_status(flight *out, uint8_t type, rp_slice response, int extra)
{
    flight body = {.size = 0};
    put_number(&body, type, 1);
    put_number(&body, (size_t)((long)response.size - extra), 3);
    put(&body, response.data, response.size);
    put_message(out, CERTIFICATE_STATUS, &body);
}

/* ---- The world ------------------------------------------------------------------------------- */

typedef struct world {
    chain_spec specs[3];
    rp_slice certificates[3];
    rp_slice good, revoked;
    rp_tls_config *client, *server;
} world;

static rp_tls_config *client_of(const world *w, rp_revocation_policy policy)
{
    rp_tls_config *client = tls_client(&(rp_tls_options){
        .ca_file = tls_cert("ca.pem"), .maximum_version = RP_TLS_1_2, .revocation = policy});
    assert_int_equal(rp__anchors_add(client->anchors, w->certificates[2], NULL), RP_OK);
    return client;
}

static void make(world *w, rp_revocation_policy policy)
{
    int64_t now = (int64_t)time(NULL), begin = now - CHAINS_DAY, end = now + CHAINS_DAY;
    *w = (world){
        .specs = {{.subject = "host", .issuer = 1, .names = "localhost"},
                  {.subject = "Int", .issuer = 2, .flags = CHAIN_CA},
                  {.subject = "Root", .issuer = -1, .flags = CHAIN_CA}},
    };
    for (int i = 0; i < 3; i++) {
        w->specs[i].not_before = begin;
        w->specs[i].not_after = end;
    }
    chain_make(w->certificates, w->specs, 3);
    ocsp_spec response = {.responder = 1,
                          .produced = begin,
                          .answers = {{.given = true, .this_update = begin, .next_update = end}}};
    w->good = chain_ocsp(w->specs, &response);
    response.answers[0].status = OCSP_REVOKED;
    w->revoked = chain_ocsp(w->specs, &response);
    w->client = client_of(w, policy);
    w->server = tls_server_of("server-ecdsa", RP_TLS_1_2);
}

static void unmake(world *w)
{
    chain_free(w->certificates, 3);
    chain_free(&w->good, 1);
    chain_free(&w->revoked, 1);
    rp_tls_config_release(w->client);
    rp_tls_config_release(w->server);
}

/* What a client makes of the flight, given whole or cut anyhow. */
static rp_error hear(const world *w, const flight *said, bool cut, uint64_t fail_in)
{
    tls_pair pair;
    tls_pair_options options = {.client = w->client, .server = w->server, .fail_in = fail_in};
    rp_error error = {.status = RP_OK, .tls_alert = -1};
    if (tls_pair_open(&pair, &options)) {
        pair.random = 7;
        for (size_t at = 0; at < said->size && !pair.client.failed;) {
            size_t part = cut ? 1 + (size_t)tls_random(&pair, 200) : said->size;
            part = part < said->size - at ? part : said->size - at;
            tls_feed(&pair, &pair.client, said->bytes + at, part);
            at += part;
        }
        assert_false(pair.client.opened);
        if (pair.client.failed)
            error = pair.client.error;
    } else {
        error = pair.client.error;
    }
    pair.memory.fail_in = 0;
    tls_pair_close(&pair);
    return error;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

#define ASKED "\0\5\0\0"

typedef enum order { IN_ORDER, TWICE, STATUS_FIRST, NO_STATUS } order;

typedef struct message_case {
    const char *what;
    rp_revocation_policy policy;
    bool revoked;
    uint8_t type;
    int extra;
    order order;
    size_t hello_size; /* of ASKED */
    rp_status status;
    int alert; /* 0: any */
} message_case;

static const message_case cases[] = {
    {"good", RP_REVOCATION_SOFT, false, 1, 0, IN_ORDER, 4, RP_OK, 0},
    {"revoked", RP_REVOCATION_SOFT, true, 1, 0, IN_ORDER, 4, RP_E_CERT_REVOKED, 44},
    {"not announced", RP_REVOCATION_SOFT, true, 1, 0, IN_ORDER, 0, RP_E_CERT_REVOKED, 44},
    {"not yet there", RP_REVOCATION_HARD, false, 1, 0, NO_STATUS, 4, RP_OK, 0},
    {"another type", RP_REVOCATION_SOFT, false, 2, 0, IN_ORDER, 4, RP_E_TLS_PROTOCOL, 113},
    {"too long", RP_REVOCATION_SOFT, false, 1, 1, IN_ORDER, 4, RP_E_TLS_PROTOCOL, 113},
    {"too short", RP_REVOCATION_SOFT, false, 1, -1, IN_ORDER, 4, RP_E_TLS_PROTOCOL, 113},
    {"twice", RP_REVOCATION_SOFT, false, 1, 0, TWICE, 4, RP_E_TLS_PROTOCOL, 0},
    {"before the certificates", RP_REVOCATION_SOFT, false, 1, 0, STATUS_FIRST, 4, RP_E_TLS_PROTOCOL,
     0},
};

static void say(flight *out, const world *w, const message_case *at)
{
    rp_slice response = at->revoked ? w->revoked : w->good;
    out->size = 0;
    put_hello(out, ASKED, at->hello_size);
    if (at->order == STATUS_FIRST)
        put_status(out, at->type, response, at->extra);
    put_certificates(out, w->certificates, 2);
    for (int i = 0; i < (at->order == TWICE ? 2 : at->order == IN_ORDER ? 1 : 0); i++)
        put_status(out, at->type, response, at->extra);
}

static void messages(void **state)
{
    (void)state;
    static flight said;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        const message_case *at = &cases[i / 2];
        world w;
        make(&w, at->policy);
        say(&said, &w, at);
        rp_error error = hear(&w, &said, i % 2 == 1, 0);
        if (error.status != at->status || (at->alert != 0 && error.tls_alert != at->alert))
            fail_msg("%s: %s: %s", at->what, rp_status_name(error.status), error.text);
        unmake(&w);
    }
}

/* Who asked for none gets none. */
static void unasked(void **state)
{
    (void)state;
    static flight said;
    world w;
    make(&w, RP_REVOCATION_OFF);
    say(&said, &w, &cases[0]);
    assert_int_not_equal(hear(&w, &said, false, 0).status, RP_OK);
    /* Not even the announcement (RFC 5246, 7.4.1.4), which wolfSSL 5.7.2 passes over. */
    say(&said, &w, &cases[3]);
    assert_int_equal(hear(&w, &said, false, 0).status,
                     LIBWOLFSSL_VERSION_HEX < 0x05009002 ? RP_OK : RP_E_TLS_PROTOCOL);
    unmake(&w);
}

/* status_request with content in a ServerHello. */
static void malformed_hello(void **state)
{
    (void)state;
    static flight said;
    world w;
    make(&w, RP_REVOCATION_SOFT);
    said.size = 0;
    put_hello(&said, "\0\5\0\1\1", 5);
    put_certificates(&said, w.certificates, 2);
    assert_int_equal(hear(&w, &said, false, 0).status, RP_E_TLS_PROTOCOL);
    unmake(&w);
}

static void no_memory(void **state)
{
    (void)state;
    static flight said;
    world w;
    make(&w, RP_REVOCATION_SOFT);
    say(&said, &w, &cases[0]);
    unsigned failures = 0;
    for (uint64_t count = 1;; count++) {
        rp_error error = hear(&w, &said, false, count);
        if (error.status == RP_OK)
            break;
        if (error.status != RP_E_NO_MEMORY)
            fail_msg("allocation %u: %s", (unsigned)count, error.text);
        failures++;
    }
    assert_true(failures >= 3); /* the engine, the evidence, the chain that waits */
    unmake(&w);
}

/* A response is asked for where revocation is looked at, in one way. */
static void hello(void **state)
{
    static const uint8_t extension[] = {0, 5, 0, 5, 1, 0, 0, 0, 0};
    (void)state;
    for (int i = 0; i < 4; i++) {
        rp_revocation_policy policy = i < 2 ? RP_REVOCATION_OFF : RP_REVOCATION_SOFT;
        rp_tls_config *client =
            tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                         .maximum_version = i % 2 == 0 ? RP_TLS_1_2 : RP_TLS_1_3,
                                         .revocation = policy});
        rp_tls_config *server = tls_server_of("server-ecdsa", 0);
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server};
        assert_true(tls_pair_open(&pair, &options));
        assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
        uint8_t bytes[4096];
        rp_slice slice;
        rp__chain_slices(&pair.client.output, &slice, 1);
        assert_true(slice.size <= sizeof(bytes) && slice.size == pair.client.output.size);
        memcpy(bytes, slice.data, slice.size);
        unsigned found = 0;
        for (size_t at = 0; at + sizeof(extension) <= slice.size; at++)
            found += memcmp(bytes + at, extension, sizeof(extension)) == 0;
        assert_int_equal(found, policy != RP_REVOCATION_OFF);
        if (policy != RP_REVOCATION_OFF)
            assert_true(tls_handshake(&pair)); /* with a server that does not know it */
        tls_pair_close(&pair);
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

/* The extensions of a certificate in TLS 1.3. */
static void extensions(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool good;
        size_t response; /* its size */
    } of[] = {
        {"", 0, true, 0},
        {"\0\5\0\6\1\0\0\2ab", 10, true, 2},
        {"\0\x12\0\1x\0\5\0\6\1\0\0\2ab", 15, true, 2},
        {"\0\5\0\4\1\0\0\0", 8, false, 0},
        {"\0\5\0\0", 4, false, 0},
        {"\0\5\0\6\2\0\0\2ab", 10, false, 0},
        {"\0\5\0\6\1\0\0\3ab", 10, false, 0},
        {"\0\5\0\6\1\0\0\1ab", 10, false, 0},
        {"\0\5\0\7\1\0\0\2ab", 10, false, 0},
        {"\0\5\0", 3, false, 0},
        {"\0", 1, false, 0},
        {"\0\5\0\5\1\0\0\1a\0\5\0\5\1\0\0\1a", 18, false, 0},
    };
    (void)state;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    for (size_t i = 0; i < COUNT(of); i++) {
        rp_evidence *evidence = rp__evidence_create(&memory);
        assert_non_null(evidence);
        rp_slice bytes = {(const uint8_t *)of[i].bytes, of[i].size};
        assert_true(rp__evidence_extensions(evidence, 1, bytes) == of[i].good);
        assert_true(evidence->with_certificates);
        if (of[i].good)
            assert_int_equal(evidence->staples[1].size, of[i].response);
        assert_int_equal(evidence->staples[0].size, 0);
        /* More certificates than may be are seen to be so elsewhere. */
        assert_true(rp__evidence_extensions(evidence, RP_SENT_LIMIT, bytes) || !of[i].good);
        rp__evidence_destroy(evidence);
    }
    rp__evidence_destroy(NULL);
    memory.fail_in = 1;
    assert_null(rp__evidence_create(&memory));
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),  cmocka_unit_test(unasked), cmocka_unit_test(malformed_hello),
        cmocka_unit_test(no_memory), cmocka_unit_test(hello),   cmocka_unit_test(extensions),
    };
    if (!RP_STAPLES) /* another wolfSSL, which asks for none */
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
