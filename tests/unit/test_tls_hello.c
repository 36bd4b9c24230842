/* test_tls_hello.c - the client's first flight: what it offers, in which order, nothing else. */
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXTENSIONS_LIMIT 32
#define LIST_LIMIT 32

/* RFC 8446, 4.2 */
enum {
    SERVER_NAME = 0,
    GROUPS = 10,
    SIGNATURES = 13,
    ALPN = 16,
    PADDING = 21,
    PRE_SHARED_KEY = 41,
    VERSIONS = 43,
    COOKIE = 44,
    MODES = 45,
    KEY_SHARE = 51
};

typedef struct hello {
    size_t size; /* of the whole flight, the records' headers included */
    uint16_t suites[LIST_LIMIT], extensions[EXTENSIONS_LIMIT];
    size_t suite_count, extension_count;
    rp_slice data[EXTENSIONS_LIMIT]; /* of each extension */
    uint8_t bytes[4096];
} hello;

static size_t number(const uint8_t **at, int bytes)
{
    size_t value = 0;
    for (; bytes > 0; bytes--)
        value = value << 8 | *(*at)++;
    return value;
}

/* What a client has in its output, which stays there. */
static void hello_read(hello *h, const rp_chain *output)
{
    rp_slice parts[8];
    size_t count = rp__chain_slices(output, parts, 8), size = 0;
    memset(h, 0, sizeof(*h));
    h->size = output->size;
    for (size_t i = 0; i < count; i++) {
        assert_true(size + parts[i].size <= sizeof(h->bytes));
        memcpy(h->bytes + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    const uint8_t *at = h->bytes;
    while (at[0] == 20) /* ChangeCipherSpec, before a second hello */
        at += 6;
    assert_int_equal(number(&at, 1), 22);
    at += 4;
    assert_int_equal(number(&at, 1), 1);
    size_t message = number(&at, 3);
    const uint8_t *end = at + message;
    assert_true(end <= h->bytes + h->size);
    at += 2 + 32;
    at += 1 + *at;
    for (size_t rest = number(&at, 2); rest > 0; rest -= 2)
        h->suites[h->suite_count++] = (uint16_t)number(&at, 2);
    assert_int_equal(number(&at, 2), 0x0100); /* no compression */
    for (size_t rest = number(&at, 2); at < end; h->extension_count++) {
        assert_true(h->extension_count < EXTENSIONS_LIMIT && rest > 0);
        h->extensions[h->extension_count] = (uint16_t)number(&at, 2);
        h->data[h->extension_count].size = number(&at, 2);
        h->data[h->extension_count].data = at;
        at += h->data[h->extension_count].size;
    }
    assert_ptr_equal(at, end);
}

static rp_slice extension(const hello *h, uint16_t type)
{
    for (size_t i = 0; i < h->extension_count; i++) {
        if (h->extensions[i] == type)
            return h->data[i];
    }
    return (rp_slice){NULL, 0};
}

/* "a b c", in hexadecimal. */
static const char *numbers(const uint16_t *list, size_t count)
{
    static char text[LIST_LIMIT * 5 + 1];
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%04x", i > 0 ? " " : "",
                       list[i]);
    return text;
}

/* The 16-bit numbers of an extension that is a list of them, whose length has size_bytes bytes. */
static const char *list_of(const hello *h, uint16_t type, int size_bytes)
{
    rp_slice data = extension(h, type);
    if (data.data == NULL)
        return "none";
    uint16_t list[LIST_LIMIT];
    size_t count = 0;
    const uint8_t *at = data.data;
    for (size_t rest = number(&at, size_bytes); rest > 0; rest -= 2) {
        assert_true(count < LIST_LIMIT);
        list[count++] = (uint16_t)number(&at, 2);
    }
    return numbers(list, count);
}

/* The groups of the key shares. */
static const char *shares(const hello *h)
{
    rp_slice data = extension(h, KEY_SHARE);
    if (data.data == NULL)
        return "none";
    uint16_t list[LIST_LIMIT];
    size_t count = 0;
    const uint8_t *at = data.data + 2;
    while (at < data.data + data.size) {
        assert_true(count < LIST_LIMIT);
        list[count++] = (uint16_t)number(&at, 2);
        at += 2 + ((size_t)at[0] << 8 | at[1]);
    }
    return numbers(list, count);
}

/* Behind the suites stands renegotiation_info, by one of its own (RFC 5746, 3.3); not with wolfSSL
 * 5.7.2. */
static void expect_suites(const hello *h, const char *expected)
{
    size_t count = h->suite_count;
    if (LIBWOLFSSL_VERSION_HEX >= 0x05009002)
        assert_int_equal(h->suites[--count], 0x00FF);
    assert_string_equal(numbers(h->suites, count), expected);
}

static void hello_of(hello *h, const rp_tls_options *options)
{
    rp_tls_options known = *options;
    known.ca_file = tls_cert("ca.pem");
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client(&known),
                                              .server = tls_server_of("server-ecdsa", 0),
                                              .client_alpn = "http/1.1"});
    assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    hello_read(h, &pair.client.output);
    tls_pair_end(&pair);
}

#define SUITES13 "1301 1302 1303"
#define SUITES12 "c02b c02f c02c c030 cca9 cca8"
#define GROUPS12 "001d 0017 0018 0019"

/* TLS 1.3's three suites, ECDHE with AEAD for TLS 1.2; no signature with SHA-1 or MD5. */
static void nothing_but_what_is_good(void **state)
{
    (void)state;
    hello h;
    hello_of(&h, &(rp_tls_options){.ca_file = NULL});
    expect_suites(&h, SUITES13 " " SUITES12);
    assert_string_equal(list_of(&h, VERSIONS, 1), "0304 0303");
    const char *signatures = list_of(&h, SIGNATURES, 2);
    /* ECDSA, Ed25519, RSA-PSS, RSA (for TLS 1.2, and in chains). */
    assert_string_equal(signatures,
                        "0603 0503 0403 0807 0806 080b 0805 080a 0804 0809 0601 0501 0401");
    for (const char *at = signatures; *at != '\0'; at += at[4] == ' ' ? 5 : 4) {
        assert_false(memcmp(at, "01", 2) == 0 || memcmp(at, "02", 2) == 0);     /* MD5, SHA-1 */
        assert_false(memcmp(at, "03", 2) == 0 || memcmp(at + 2, "02", 2) == 0); /* SHA-224, DSA */
    }
    for (size_t i = 0; i < h.extension_count; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(h.extensions[i], h.extensions[k]);
    }
    rp_slice modes = extension(&h, MODES); /* psk_dhe_ke alone: RFC 8446, 4.2.9 */
    assert_int_equal(modes.size, 2);
    assert_memory_equal(modes.data, "\1\1", 2);
    hello_of(&h, &(rp_tls_options){.maximum_version = RP_TLS_1_2});
    expect_suites(&h, SUITES12);
    assert_string_equal(list_of(&h, VERSIONS, 1), "none");
    hello_of(&h, &(rp_tls_options){.minimum_version = RP_TLS_1_3});
    expect_suites(&h, SUITES13);
    assert_string_equal(list_of(&h, VERSIONS, 1), "0304");
    hello_of(&h, &(rp_tls_options){.tls13_ciphers = "TLS_AES_256_GCM_SHA384",
                                   .tls12_ciphers = "ECDHE-RSA-AES128-GCM-SHA256"});
    expect_suites(&h, "1302 c02f");
}

/* A server that does not know the hybrid costs no round trip. */
static void groups_and_shares(void **state)
{
    (void)state;
    static const struct {
        const char *groups;
        rp_tls_version maximum;
        const char *offered, *shares;
        bool hybrid;
    } cases[] = {
        {NULL, 0, "11ec " GROUPS12, "11ec 001d", true},
        {NULL, RP_TLS_1_2, GROUPS12, "none", false},
        {"X25519", 0, "001d", "001d", false},
        {"P-384:X25519", 0, "0018 001d", "0018", false},
        {"P-256:X25519MLKEM768", 0, "0017 11ec", "0017", true},
        {"X25519MLKEM768", 0, "11ec", "11ec", true},
        {"X25519MLKEM768:P-521:X25519", 0, "11ec 0019 001d", "11ec 0019", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].hybrid && !RP_HYBRID_GROUPS)
            continue;
        hello h;
        hello_of(&h,
                 &(rp_tls_options){.groups = cases[i].groups, .maximum_version = cases[i].maximum});
        assert_string_equal(list_of(&h, GROUPS, 2), cases[i].offered);
        assert_string_equal(shares(&h), cases[i].shares);
    }
    if (!RP_HYBRID_GROUPS) {
        hello h;
        hello_of(&h, &(rp_tls_options){.ca_file = NULL});
        assert_string_equal(list_of(&h, GROUPS, 2), GROUPS12);
        assert_string_equal(shares(&h), "001d");
    }
}

/* RFC 8446, 4.1.2: the second hello is the first one, but for the share and a cookie. */
static void second_hello(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client_of(0),
                                              .server = tls_server(&(rp_tls_server_options){
                                                  .certificate_file = tls_cert("server-ecdsa.pem"),
                                                  .key_file = tls_cert("server-ecdsa.key"),
                                                  .groups = "P-384",
                                              }),
                                              .client_alpn = "http/1.1"});
    assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
    hello first, second;
    hello_read(&first, &pair.client.output);
    while (tls_move(&pair, &pair.client, &pair.server))
        ;
    while (tls_move(&pair, &pair.server, &pair.client))
        ;
    hello_read(&second, &pair.client.output);
    assert_string_equal(shares(&second), "0018");
    size_t i = 0;
    for (size_t k = 0; k < second.extension_count; k++) {
        if (second.extensions[k] == COOKIE || second.extensions[k] == PADDING)
            continue; /* the first was too long for it */
        assert_true(i < first.extension_count);
        assert_int_equal(second.extensions[k], first.extensions[i]);
        if (second.extensions[k] != KEY_SHARE) {
            assert_int_equal(second.data[k].size, first.data[i].size);
            assert_memory_equal(second.data[k].data, first.data[i].data, first.data[i].size);
        }
        i++;
    }
    assert_int_equal(i, first.extension_count);
    assert_int_equal(second.suite_count, first.suite_count);
    assert_memory_equal(second.suites, first.suites, sizeof(first.suites));
    tls_pump(&pair);
    assert_true(pair.client.opened);
    tls_pair_end(&pair);
}

/* RFC 8446, D.4: a handshake of TLS 1.3 looks like a resumed one of 1.2 to who is on the way: a
 * session's id, and one ChangeCipherSpec before what is sealed, or before a second hello. */
static void looks_resumed(void **state)
{
    static const uint8_t change[] = {20, 3, 3, 0, 1, 1};
    (void)state;
    for (int retry = 0; retry < 2; retry++) {
        tls_pair pair;
        tls_pair_begin(&pair,
                       &(tls_pair_options){.client = tls_client_of(0),
                                           .server = tls_server(&(rp_tls_server_options){
                                               .certificate_file = tls_cert("server-ecdsa.pem"),
                                               .key_file = tls_cert("server-ecdsa.key"),
                                               .groups = retry ? "P-521" : NULL,
                                           })});
        assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
        hello first;
        hello_read(&first, &pair.client.output);
        assert_int_equal(first.bytes[5 + 4 + 2 + 32], 32);
        unsigned changes = 0;
        while (!pair.client.opened) {
            while (tls_move(&pair, &pair.client, &pair.server))
                ;
            while (tls_move(&pair, &pair.server, &pair.client))
                ;
            rp_slice flight;
            assert_int_equal(rp__chain_slices(&pair.client.output, &flight, 1), 1);
            if (changes == 0)
                assert_memory_equal(flight.data, change, sizeof(change));
            for (size_t at = 0; at < flight.size;
                 at += 5 + ((size_t)flight.data[at + 3] << 8 | flight.data[at + 4]))
                changes += flight.data[at] == change[0];
        }
        assert_int_equal(changes, 1);
        tls_pair_end(&pair);
    }
}

/* RFC 7685: none has 256 to 511 bytes, header included; what would have, has 512, or little more
 * where there is no room for an extension. */
static void expect_padding(const hello *h)
{
    size_t size = h->size - 5;
    rp_slice padding = extension(h, PADDING);
    assert_false(size >= 256 && size < 512);
    assert_true(padding.data == NULL || size == 512 || (size <= 516 && padding.size == 1));
    for (size_t i = 0; i < padding.size; i++)
        assert_int_equal(padding.data[i], 0);
}

static void padding(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    size_t padded = 0;
    for (rp_tls_version version = RP_TLS_1_2; version <= RP_TLS_1_3; version++) {
        rp_tls_config *client = tls_client(&(rp_tls_options){
            .ca_file = tls_cert("ca.pem"), .maximum_version = version, .groups = "X25519"});
        for (size_t size = 1; size < 250; size++) {
            char name[256];
            memset(name, 'a', size);
            for (size_t i = 50; i + 1 < size; i += 50)
                name[i] = '.';
            name[size] = '\0';
            tls_pair pair;
            tls_pair_options options = {.client = client, .server = server, .name = name};
            assert_true(tls_pair_open(&pair, &options));
            assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
            hello h;
            hello_read(&h, &pair.client.output);
            expect_padding(&h);
            padded += extension(&h, PADDING).data != NULL;
            tls_pump(&pair); /* the server reads it, and has a certificate of another name */
            assert_int_equal(pair.client.error.status, RP_E_CERT_HOST_MISMATCH);
            tls_pair_close(&pair);
        }
        rp_tls_config_release(client);
    }
    assert_in_range(padded, 300, 498);
    rp_tls_config_release(server);
}

/* Behind it comes pre_shared_key, which is last (RFC 8446, 4.2.11). */
static void padding_beside_a_session(void **state)
{
    (void)state;
    if (LIBWOLFSSL_VERSION_HEX < 0x05009002)
        skip();
    rp_tls_config *client =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                     .tls12_ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
                                     .groups = "X25519"});
    rp_tls_config *server = tls_server_of("server-ecdsa", 0);
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_sessions *sessions = rp__sessions_create(&memory);
    for (int i = 0; i < 2; i++) {
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server, .sessions = sessions};
        assert_true(tls_pair_open(&pair, &options));
        assert_int_equal(rp__engine_handshake(pair.client.engine, NULL), RP_ENGINE_WANT_INPUT);
        hello h;
        hello_read(&h, &pair.client.output);
        expect_padding(&h);
        if (i == 1) {
            assert_int_equal(h.extensions[h.extension_count - 2], PADDING);
            assert_int_equal(h.extensions[h.extension_count - 1], PRE_SHARED_KEY);
        }
        assert_true(tls_handshake(&pair));
        assert_int_equal(pair.client.stats.handshakes_resumed, i);
        tls_write(&pair.server, "x", 1);
        tls_pump(&pair);
        tls_pair_close(&pair);
    }
    rp__sessions_destroy(sessions);
    rp_tls_config_release(client);
    rp_tls_config_release(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_but_what_is_good),
        cmocka_unit_test(groups_and_shares),
        cmocka_unit_test(second_hello),
        cmocka_unit_test(looks_resumed),
        cmocka_unit_test(padding),
        cmocka_unit_test(padding_beside_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
