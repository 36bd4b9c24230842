/* test_saved.c - TLS sessions that leave a loop as bytes, and what another loop takes of them. */
#include "client/stream_inside.h"
#include "support/probe.h"
#include "support/tls_pair.h"
#include "tls/saved.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hash.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t seal_key[RP_SEAL_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

/* ---- Support --------------------------------------------------------------------------------- */

typedef struct saved {
    uint8_t *bytes;
    size_t size;
} saved;

static void keep(const void *bytes, size_t size, void *user)
{
    saved *to = user;
    to->bytes = malloc(size);
    assert_non_null(to->bytes);
    memcpy(to->bytes, bytes, size);
    to->size = size;
}

static saved save(const probe_pair *pair, const uint8_t *key)
{
    saved got = {NULL, 0};
    assert_int_equal(rp_tls_sessions_save(pair->loop, pair->client_tls, key, keep, &got, NULL),
                     RP_OK);
    assert_non_null(got.bytes);
    return got;
}

static size_t kept(const probe_pair *pair)
{
    return pair->loop->sessions == NULL ? 0 : rp__sessions_count(pair->loop->sessions);
}

/* One connection, whose session is there then. */
static void fill(probe_pair *pair)
{
    probe_pair_open(pair);
    assert_int_equal(probe_write_text(&pair->server, "welcome"), RP_OK); /* behind the ticket */
    UNTIL(pair->loop, pair->client.received == 7);
    probe_pair_again(pair);
    assert_true(kept(pair) > 0);
}

/* The process starts anew: another loop, another configuration of the same options. The server, and
 * the key of its tickets, stay. */
static void restart(probe_pair *pair, const rp_tls_options *options)
{
    rp_tls_config *server_tls = rp_tls_config_retain(pair->server_tls);
    int version = pair->client_tls->offers_1_3 ? 13 : 12;
    probe_pair_end(pair);
    probe_pair_begin(pair, version, "server-rsa");
    rp_tls_config_release(pair->server_tls);
    pair->server_tls = server_tls;
    if (options != NULL) {
        rp_tls_config_release(pair->client_tls);
        pair->client_tls = tls_client(options);
    }
}

static rp_status restore_with(const probe_pair *pair, const uint8_t *key, const void *bytes,
                              size_t size, size_t *count, rp_error *error)
{
    /* A block of its own size: the sanitizer sees a read beyond it. */
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memmove(copy + 1, bytes, size);
    rp_status status =
        rp_tls_sessions_restore(pair->loop, pair->client_tls, key, copy + 1, size, count, error);
    free(copy);
    return status;
}

static void expect(const probe_pair *pair, const uint8_t *key, const void *bytes, size_t size,
                   const char *reason)
{
    size_t count = 1, before = kept(pair);
    rp_error error;
    char text[RP_ERROR_TEXT_SIZE];
    snprintf(text, sizeof(text), "the saved TLS sessions can't be used: %s", reason);
    assert_int_equal(restore_with(pair, key, bytes, size, &count, &error), RP_E_TLS_SESSIONS);
    assert_string_equal(error.text, text);
    assert_int_equal(count, 0);
    assert_int_equal(kept(pair), before);
}

#define EACH_VERSION(version) for (int version = 12; version <= 13; version++)

/* ---- Resumption ------------------------------------------------------------------------------ */

static void test_restart(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int sealed = 0; sealed < 2; sealed++) {
            const uint8_t *key = sealed ? seal_key : NULL;
            probe_pair pair;
            probe_pair_begin(&pair, version, "server-rsa");
            fill(&pair);
            size_t before = kept(&pair), count;
            uint16_t port = pair.listener.address.port;
            saved bytes = save(&pair, key);
            assert_int_equal(kept(&pair), 0); /* a ticket is used once */
            probe_pair_open(&pair);
            assert_false(pair.client.info.resumed);
            probe_pair_again(&pair);
            restart(&pair, NULL);
            assert_int_equal(restore_with(&pair, key, bytes.bytes, bytes.size, &count, NULL),
                             RP_OK);
            assert_int_equal(count, before);
            assert_int_equal(kept(&pair), before);
            /* They are for the host and port that they were made with. */
            if (pair.listener.address.port != port) {
                probe_pair_open(&pair);
                assert_false(pair.client.info.resumed);
                probe_pair_again(&pair);
            }
            probe_pair_end(&pair);
            free(bytes.bytes);
        }
    }
}

/* Within one loop, so that the port is the same: saved, and taken back. */
static void test_resumed(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        for (int sealed = 0; sealed < 2; sealed++) {
            const uint8_t *key = sealed ? seal_key : NULL;
            probe_pair pair;
            size_t count;
            probe_pair_begin(&pair, version, "server-rsa");
            fill(&pair);
            saved bytes = save(&pair, key);
            rp_tls_config_release(pair.client_tls);
            pair.client_tls = probe_client_tls(version); /* another, of the same demands */
            assert_int_equal(restore_with(&pair, key, bytes.bytes, bytes.size, &count, NULL),
                             RP_OK);
            assert_true(count > 0);
            probe_pair_open(&pair);
            assert_true(pair.client.info.resumed);
            probe_pair_again(&pair);
            probe_pair_end(&pair);
            free(bytes.bytes);
        }
    }
}

/* What another configuration has is not touched. */
static void test_two_configurations(void **state)
{
    (void)state;
    probe_pair pair;
    probe_pair_begin(&pair, 13, "server-rsa");
    fill(&pair);
    size_t first = kept(&pair);
    rp_tls_config *other = pair.client_tls;
    pair.client_tls = probe_client_tls(13);
    fill(&pair);
    size_t both = kept(&pair);
    assert_true(both > first);
    saved bytes = save(&pair, NULL);
    assert_int_equal(kept(&pair), first);
    free(bytes.bytes);
    rp_tls_config_release(pair.client_tls);
    pair.client_tls = other;
    probe_pair_open(&pair);
    assert_true(pair.client.info.resumed);
    probe_pair_end(&pair);
}

/* ---- Other configurations -------------------------------------------------------------------- */

static void test_demands(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem");
    const rp_tls_options others[] = {
        {.ca_file = ca},
        {.ca_file = tls_cert("other-ca.pem"), .minimum_version = RP_TLS_1_3},
        {.ca_file = ca, .ca_directory = tls_certs(), .minimum_version = RP_TLS_1_3},
        {.minimum_version = RP_TLS_1_3},
        {.insecure_accept_any_certificate = true, .minimum_version = RP_TLS_1_3},
        {.ca_file = ca,
         .minimum_version = RP_TLS_1_3,
         .pinned_keys = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {.ca_file = ca,
         .minimum_version = RP_TLS_1_3,
         .certificate_file = tls_cert("client.pem"),
         .key_file = tls_cert("client.key")},
        {.ca_file = ca, .minimum_version = RP_TLS_1_3, .tls13_ciphers = "TLS_AES_256_GCM_SHA384"},
        {.ca_file = ca, .minimum_version = RP_TLS_1_3, .groups = "P-256"},
        {.ca_file = ca, .minimum_version = RP_TLS_1_3, .no_resumption = true},
        {.ca_file = ca, .minimum_version = RP_TLS_1_3, .revocation = RP_REVOCATION_SOFT},
    };
    probe_pair pair;
    probe_pair_begin(&pair, 13, "server-rsa");
    fill(&pair);
    saved bytes = save(&pair, seal_key);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        rp_tls_config_release(pair.client_tls);
        pair.client_tls = tls_client(&others[i]);
        expect(&pair, seal_key, bytes.bytes, bytes.size,
               "they were made under another TLS configuration");
    }
    free(bytes.bytes);
    probe_pair_end(&pair);
}

/* Two ways to name the same anchors. */
static void test_same_demands(void **state)
{
    (void)state;
    char text[16384] = "";
    FILE *stream = fopen(tls_cert("ca.pem"), "rb");
    assert_non_null(stream);
    assert_true(fread(text, 1, sizeof(text) - 1, stream) > 0);
    fclose(stream);
    rp_tls_config *of_file =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"), .ca_pem = text});
    rp_tls_config *of_text =
        tls_client(&(rp_tls_options){.ca_pem = text, .ca_file = tls_cert("ca.pem")});
    assert_memory_equal(of_file->fingerprint, of_text->fingerprint, sizeof(of_text->fingerprint));
    rp_tls_config_release(of_file);
    rp_tls_config_release(of_text);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void test_damage(void **state)
{
    (void)state;
    static const uint8_t other_key[RP_SEAL_KEY_BYTES] = {9};
    EACH_VERSION(version)
    {
        probe_pair pair;
        probe_pair_begin(&pair, version, "server-rsa");
        fill(&pair);
        saved sealed = save(&pair, seal_key);
        fill(&pair);
        saved plain = save(&pair, NULL);
        const char *damaged = "they are damaged, or sealed by another key";
        expect(&pair, other_key, sealed.bytes, sealed.size, damaged);
        expect(&pair, NULL, sealed.bytes, sealed.size, "they are sealed");
        expect(&pair, seal_key, plain.bytes, plain.size, "they are not sealed");
        expect(&pair, NULL, "", 0, "their format is not this version's");
        expect(&pair, NULL, "RPTS\2\0\0\0", 8, "their format is not this version's");
        rp_error error;
        /* Every cut and every changed byte. */
        for (size_t i = 0; i < sealed.size; i++) {
            assert_int_equal(restore_with(&pair, seal_key, sealed.bytes, i, NULL, &error),
                             RP_E_TLS_SESSIONS);
            sealed.bytes[i] ^= 0x10;
            assert_int_equal(restore_with(&pair, seal_key, sealed.bytes, sealed.size, NULL, &error),
                             RP_E_TLS_SESSIONS);
            sealed.bytes[i] ^= 0x10;
        }
        for (size_t i = 0; i < plain.size; i++) {
            assert_int_equal(restore_with(&pair, NULL, plain.bytes, i, NULL, &error),
                             RP_E_TLS_SESSIONS);
            plain.bytes[i] ^= 0x10;
            assert_int_equal(restore_with(&pair, NULL, plain.bytes, plain.size, NULL, &error),
                             RP_E_TLS_SESSIONS);
            plain.bytes[i] ^= 0x10;
        }
        assert_int_equal(kept(&pair), 0);
        assert_int_equal(restore_with(&pair, seal_key, sealed.bytes, sealed.size, NULL, NULL),
                         RP_OK);
        assert_true(kept(&pair) > 0);
        free(sealed.bytes);
        free(plain.bytes);
        probe_pair_end(&pair);
    }
}

/* What is wrong and has the right digest: where, and what is added there. */
static void expect_shape(const probe_pair *pair, const saved *good, size_t at, int added,
                         size_t more)
{
    size_t size = good->size - 32 + more;
    uint8_t *bytes = calloc(1, size + 32);
    assert_non_null(bytes);
    memcpy(bytes, good->bytes, good->size - 32);
    bytes[at] = (uint8_t)(bytes[at] + added);
    assert_int_equal(wc_Sha256Hash(bytes, (word32)size, bytes + size), 0);
    expect(pair, NULL, bytes, size + 32,
           at >= 40 && at < 44 ? "they were saved by another version of wolfSSL"
                               : "they are damaged");
    free(bytes);
}

static void test_shape(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        probe_pair_begin(&pair, version, "server-rsa");
        fill(&pair);
        saved good = save(&pair, NULL);
        size_t name = (size_t)good.bytes[50] << 8 | good.bytes[51];
        expect_shape(&pair, &good, 43, 1, 0);             /* the version */
        expect_shape(&pair, &good, 47, 1, 0);             /* the count */
        expect_shape(&pair, &good, 47, -1, 0);            /* one less */
        expect_shape(&pair, &good, 44, 1, 0);             /* too many for any store */
        expect_shape(&pair, &good, 48, 1, 0);             /* a long name */
        expect_shape(&pair, &good, 51, -(int)name, 0);    /* none */
        expect_shape(&pair, &good, 52, 1, 0);             /* a large session */
        expect_shape(&pair, &good, 55, 1, 0);             /* beyond its end */
        expect_shape(&pair, &good, 64, -'1', 0);          /* a name with a NUL */
        expect_shape(&pair, &good, 64 + name, -1, 0);     /* a server's session */
        expect_shape(&pair, &good, 64 + name + 9, 99, 0); /* its id is too long */
        expect_shape(&pair, &good, 0 + 52, 0, 1);         /* something behind the last */
        assert_int_equal(restore_with(&pair, NULL, good.bytes, good.size, NULL, NULL), RP_OK);
        free(good.bytes);
        probe_pair_end(&pair);
    }
}

/* No nonce twice, and no secret in what is sealed. */
static void test_sealed(void **state)
{
    (void)state;
    probe_pair pair;
    probe_pair_begin(&pair, 13, "server-rsa");
    saved one = save(&pair, seal_key), two = save(&pair, seal_key); /* with no sessions at all */
    assert_int_equal(one.size, two.size);
    assert_memory_not_equal(one.bytes + 8, two.bytes + 8, 12);
    size_t count = 1;
    assert_int_equal(restore_with(&pair, seal_key, one.bytes, one.size, &count, NULL), RP_OK);
    assert_int_equal(count, 0);
    free(one.bytes);
    free(two.bytes);
    fill(&pair);
    saved plain = save(&pair, NULL);
    assert_int_equal(restore_with(&pair, NULL, plain.bytes, plain.size, NULL, NULL), RP_OK);
    saved sealed = save(&pair, seal_key);
    for (size_t i = 8; i + 16 < plain.size; i++) {
        for (size_t k = 8; k + 16 < sealed.size; k++)
            assert_memory_not_equal(plain.bytes + i, sealed.bytes + k, 16);
    }
    free(plain.bytes);
    free(sealed.bytes);
    probe_pair_end(&pair);
}

/* ---- Age and number -------------------------------------------------------------------------- */

/* The times stand before the names. */
static void make_older(saved *bytes, int64_t seconds)
{
    size_t at = 8 + 32 + 4;
    uint32_t count = bytes->bytes[at + 3];
    at += 4;
    for (; count > 0; count--) {
        size_t name = (size_t)bytes->bytes[at + 2] << 8 | bytes->bytes[at + 3];
        size_t size = (size_t)bytes->bytes[at + 6] << 8 | bytes->bytes[at + 7];
        uint64_t stored = 0;
        for (size_t i = 0; i < 8; i++)
            stored = stored << 8 | bytes->bytes[at + 8 + i];
        stored -= (uint64_t)seconds;
        for (size_t i = 8; i-- > 0; stored >>= 8)
            bytes->bytes[at + 8 + i] = (uint8_t)stored;
        at += 16 + name + size;
    }
    assert_int_equal(at + 32, bytes->size);
    assert_int_equal(wc_Sha256Hash(bytes->bytes, (word32)at, bytes->bytes + at), 0);
}

static void test_age(void **state)
{
    (void)state;
    EACH_VERSION(version)
    {
        probe_pair pair;
        size_t count;
        probe_pair_begin(&pair, version, "server-rsa");
        fill(&pair);
        size_t all = kept(&pair);
        saved bytes = save(&pair, NULL);
        make_older(&bytes, 60);
        assert_int_equal(restore_with(&pair, NULL, bytes.bytes, bytes.size, &count, NULL), RP_OK);
        assert_int_equal(count, all);
        free(save(&pair, NULL).bytes);
        make_older(&bytes, 8 * 86400); /* longer than any ticket lives (RFC 8446, 4.6.1) */
        assert_int_equal(restore_with(&pair, NULL, bytes.bytes, bytes.size, &count, NULL), RP_OK);
        assert_int_equal(count, 0);
        make_older(&bytes, -20 * 86400); /* stored by a clock that was wrong */
        assert_int_equal(restore_with(&pair, NULL, bytes.bytes, bytes.size, &count, NULL), RP_OK);
        assert_int_equal(count, 0);
        assert_int_equal(kept(&pair), 0);
        free(bytes.bytes);
        probe_pair_end(&pair);
    }
}

/* ---- Memory and misuse ----------------------------------------------------------------------- */

static void test_memory(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        const uint8_t *key = sealed ? seal_key : NULL;
        probe_pair pair;
        probe_pair_begin(&pair, 13, "server-rsa");
        fill(&pair);
        size_t all = kept(&pair);
        saved bytes = {NULL, 0};
        rp_error error;
        for (uint64_t n = 1; bytes.bytes == NULL; n++) {
            assert_int_equal(kept(&pair), all); /* nothing is lost by it */
            pair.loop->memory.fail_in = n;
            rp_status status =
                rp_tls_sessions_save(pair.loop, pair.client_tls, key, keep, &bytes, &error);
            assert_true(status == RP_OK || (status == RP_E_NO_MEMORY && n < 50));
        }
        pair.loop->memory.fail_in = 0;
        rp_status status = RP_E_NO_MEMORY;
        for (uint64_t n = 1; status != RP_OK; n++) {
            pair.loop->memory.fail_in = n;
            status = rp_tls_sessions_restore(pair.loop, pair.client_tls, key, bytes.bytes,
                                             bytes.size, NULL, &error);
            assert_true(status == RP_OK || (status == RP_E_NO_MEMORY && n < 50));
        }
        pair.loop->memory.fail_in = 0;
        free(bytes.bytes);
        probe_pair_end(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_restart),
        fixture_test(test_resumed),
        fixture_test(test_two_configurations),
        fixture_test(test_demands),
        fixture_test(test_same_demands),
        fixture_test(test_damage),
        fixture_test(test_shape),
        fixture_test(test_sealed),
        fixture_test(test_age),
        fixture_test(test_memory),
    };
    return fixture_run_simulated(tests, 2);
}
