/* test_x509_verdicts.c - what is remembered of chains that were valid, and for how long. */
#include "x509/verdicts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rp_slice text(const char *of)
{
    return (rp_slice){(const uint8_t *)of, strlen(of)};
}

static rp_verdict_key key_of(const char *first, const char *second)
{
    rp_verdict_key key;
    rp_slice sent[] = {text(first), text(second)};
    assert_true(rp__verdict_key_make(&key, sent, 2));
    return key;
}

static bool same(rp_verdict_key left, rp_verdict_key right)
{
    return memcmp(left.bytes, right.bytes, sizeof(left.bytes)) == 0;
}

/* Everything that was sent, in its order. */
static void keys(void **state)
{
    (void)state;
    rp_verdict_key key = key_of("leaf", "issuer"), one;
    assert_true(same(key, key_of("leaf", "issuer")));
    assert_false(same(key, key_of("issuer", "leaf")));
    assert_false(same(key, key_of("leafi", "ssuer")));
    assert_false(same(key, key_of("leaf", "")));
    rp_slice whole = text("leafissuer");
    assert_true(rp__verdict_key_make(&one, &whole, 1));
    assert_false(same(key, one));
}

static void verdicts(void **state)
{
    (void)state;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_verdicts *verdicts = rp__verdicts_create(&memory);
    assert_non_null(verdicts);
    rp_verdict_key key = key_of("leaf", "issuer"), other = key;
    static rp_path path;
    path.begins = 100;
    path.ends = 200;
    /* An empty place knows nothing, not even zeros. */
    rp_verdict_key zeros = {{0}};
    assert_false(rp__verdicts_know(verdicts, &zeros, 0));
    assert_false(rp__verdicts_know(verdicts, &zeros, 1));
    assert_false(rp__verdicts_know(verdicts, &key, 150));

    rp__verdicts_keep(verdicts, &key, &path);
    assert_true(rp__verdicts_know(verdicts, &key, 150));
    assert_true(rp__verdicts_know(verdicts, &key, 100));
    assert_true(rp__verdicts_know(verdicts, &key, 200));
    assert_false(rp__verdicts_know(verdicts, &key, 201));
    assert_false(rp__verdicts_know(verdicts, &key, 99));
    for (size_t i = 0; i < sizeof(other.bytes); i++) {
        other.bytes[i] ^= 1;
        assert_false(rp__verdicts_know(verdicts, &other, 150));
        other.bytes[i] ^= 1;
    }

    /* Many others: it stays as large as it is, and what it knows is right. */
    uint64_t live = memory.live;
    for (unsigned i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%u", i);
        path.ends = 200 + i;
        other = key_of(name, "issuer");
        assert_false(rp__verdicts_know(verdicts, &other, 150));
        rp__verdicts_keep(verdicts, &other, &path);
        assert_true(rp__verdicts_know(verdicts, &other, 200 + i));
        assert_false(rp__verdicts_know(verdicts, &other, 201 + i));
    }
    assert_int_equal(memory.live, live);
    assert_false(rp__verdicts_know(verdicts, &key, 150)); /* its place was taken */
    rp__verdicts_destroy(verdicts);
    rp__verdicts_destroy(NULL);
    assert_int_equal(memory.live, 0);

    memory.fail_in = 1;
    assert_null(rp__verdicts_create(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys),
        cmocka_unit_test(verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
