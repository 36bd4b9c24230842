/* test_x509_memory.c - each of wolfCrypt's allocations fails once while a chain is verified: that
 * is told as what it is, and nothing leaks. */
#include "support/chains.h"
#include "support/wolf_memory.h"
#include "tls/wolfssl.h"
#include "x509/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A root, two intermediates and a leaf, each signed by this kind of key. */
static void verify(chain_key_kind kind, chain_signature signature, unsigned *failures)
{
    const chain_spec specs[] = {
        {.subject = "host.test", .issuer = 1, .key = kind, .signature = signature},
        {.subject = "1", .issuer = 2, .flags = CHAIN_CA, .key = kind, .signature = signature},
        {.subject = "2", .issuer = 3, .flags = CHAIN_CA, .key = kind, .signature = signature},
        {.subject = "R", .issuer = -1, .flags = CHAIN_CA, .key = kind, .signature = signature},
    };
    rp_memory memory;
    rp_slice der[4];
    rp_path path;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    chain_make(der, specs, 4);
    assert_int_equal(rp__anchors_add(anchors, der[3], NULL), RP_OK);
    rp_path_options options = {.anchors = anchors, .purpose = RP_PURPOSE_SERVER, .now = CHAINS_NOW};
    uint64_t allocations = memory.allocations;
    assert_true(rp__path_find(&path, der, 3, &options)); /* wolfCrypt keeps what it made */
    long before = wolf_memory_live();
    bool good = false;
    for (long count = 1; !good; count++) {
        rp_error error = {.status = RP_OK};
        wolf_memory_fail_in(count);
        good = rp__path_find(&path, der, 3, &options);
        bool reached = wolf_memory_failed();
        if (!good)
            rp__path_failure_tell(&path, "PEER", &error);
        if (good == reached || (!good && error.status != RP_E_NO_MEMORY))
            fail_msg("key %d, allocation %ld: %s", kind, count, error.text);
        if (!good)
            assert_string_equal(error.text, "no memory to verify the certificate of PEER");
        assert_int_equal(wolf_memory_live(), before);
        assert_true(count < 1000);
        *failures += !good;
    }
    assert_int_equal(memory.allocations, allocations); /* the search needs none of ours */
    rp__anchors_destroy(anchors);
    chain_free(der, 4);
}

static void every_allocation(void **state)
{
    (void)state;
    unsigned failures = 0;
    verify(CHAIN_P256, CHAIN_BY_KEY, &failures);
    verify(CHAIN_P384, CHAIN_BY_KEY, &failures);
    verify(CHAIN_P521, CHAIN_BY_KEY, &failures);
    verify(CHAIN_ED25519, CHAIN_BY_KEY, &failures);
    verify(CHAIN_RSA, CHAIN_BY_KEY, &failures);
    verify(CHAIN_RSA, CHAIN_PSS_SHA384, &failures);
    printf("%u allocations\n", failures);
    assert_true(failures > 0);
}

/* A CRL for each, and a response for the leaf by a delegate. */
static void revocation(void **state)
{
    (void)state;
    static const chain_spec specs[] = {
        {.subject = "host.test", .issuer = 1},
        {.subject = "1", .issuer = 2, .flags = CHAIN_CA, .key = CHAIN_RSA},
        {.subject = "R", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_RSA},
        {.subject = "Responder", .issuer = 1, .purposes = "ocsp"},
    };
    rp_memory memory;
    rp_slice der[3], lists[2] = {chain_crl(specs, &(crl_spec){.issuer = 2}),
                                 chain_crl(specs, &(crl_spec){.issuer = 1})};
    rp_slice response = chain_ocsp(
        specs, &(ocsp_spec){.responder = 3, .included = {4}, .answers = {{.given = true}}});
    rp_path path;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    chain_make(der, specs, 3);
    assert_int_equal(rp__anchors_add(anchors, der[2], NULL), RP_OK);
    long before = 0;
    bool good = false;
    unsigned failures = 0;
    for (long count = 1; !good; count++) {
        const char *reason;
        rp_revocation revocation = {.on = true, .hard = true, .crls = rp__crls_create(&memory)};
        for (int i = 0; i < 2; i++) {
            uint8_t *copy = rp__allocate(&memory, lists[i].size);
            memcpy(copy, lists[i].data, lists[i].size);
            assert_int_equal(rp__crls_take(revocation.crls, copy, lists[i].size, &reason), RP_OK);
        }
        rp_path_options options = {.anchors = anchors,
                                   .purpose = RP_PURPOSE_SERVER,
                                   .now = CHAINS_NOW,
                                   .revocation = &revocation,
                                   .staples = &(rp_staples){1, &response}};
        wolf_memory_fail_in(count);
        good = rp__path_find(&path, der, 2, &options);
        wolf_memory_fail_in(0);
        if (!good && path.failure.status != RP_E_NO_MEMORY)
            fail_msg("allocation %ld: %s", count, path.failure.reason);
        failures += !good;
        /* What was not found out is not remembered. */
        assert_true(rp__path_find(&path, der, 2, &options));
        rp__crls_destroy(revocation.crls);
        before = count == 1 ? wolf_memory_live() : before; /* with what wolfCrypt keeps */
        assert_int_equal(wolf_memory_live(), before);
        assert_true(count < 1000);
    }
    assert_true(failures > 0);
    rp__anchors_destroy(anchors);
    chain_free(der, 3);
    chain_free(lists, 2);
    chain_free(&response, 1);
}

/* The first way up is revoked: no memory on the second one is told as that, not as the first. */
static void second_way(void **state)
{
    (void)state;
    static const chain_spec specs[] = {
        {.subject = "host.test", .issuer = 1},
        {.subject = "1", .issuer = 3, .flags = CHAIN_CA, .key_number = 100, .serial = "21"},
        {.subject = "1", .issuer = 4, .flags = CHAIN_CA, .key_number = 100, .serial = "22"},
        {.subject = "R", .issuer = -1, .flags = CHAIN_CA},
        {.subject = "S", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_RSA},
    };
    rp_memory memory;
    rp_slice der[5], lists[] = {chain_crl(specs, &(crl_spec){.issuer = 3, .entries = "21"}),
                                chain_crl(specs, &(crl_spec){.issuer = 4})};
    const char *reason;
    rp_path path;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    chain_make(der, specs, 5);
    assert_int_equal(rp__anchors_add(anchors, der[3], NULL), RP_OK);
    assert_int_equal(rp__anchors_add(anchors, der[4], NULL), RP_OK);
    bool good = false;
    unsigned failures = 0;
    for (long count = 1; !good; count++) {
        rp_revocation revocation = {.on = true, .crls = rp__crls_create(&memory)};
        for (int i = 0; i < 2; i++) {
            uint8_t *copy = rp__allocate(&memory, lists[i].size);
            memcpy(copy, lists[i].data, lists[i].size);
            assert_int_equal(rp__crls_take(revocation.crls, copy, lists[i].size, &reason), RP_OK);
        }
        rp_path_options options = {.anchors = anchors,
                                   .purpose = RP_PURPOSE_SERVER,
                                   .now = CHAINS_NOW,
                                   .revocation = &revocation};
        wolf_memory_fail_in(count);
        good = rp__path_find(&path, der, 3, &options);
        wolf_memory_fail_in(0);
        if (!good && path.failure.status != RP_E_NO_MEMORY)
            fail_msg("allocation %ld: %s", count, path.failure.reason);
        failures += !good;
        rp__crls_destroy(revocation.crls);
        assert_true(count < 1000);
    }
    assert_true(failures > 0);
    rp__anchors_destroy(anchors);
    chain_free(der, 5);
    chain_free(lists, 2);
}

int main(void)
{
    wolf_memory_count();
    wolfSSL_Init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation),
        cmocka_unit_test(revocation),
        cmocka_unit_test(second_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
