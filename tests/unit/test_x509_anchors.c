/* test_x509_anchors.c - the store of trust anchors. */
#include "support/chains.h"
#include "x509/anchors.h"
#include "x509/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const chain_spec specs[] = {
    {.subject = "First", .issuer = -1, .flags = CHAIN_CA},
    {.subject = "Second", .issuer = -1, .flags = CHAIN_CA},
    {.subject = "FIRST", .issuer = -1, .flags = CHAIN_CA},
    {.subject = "my.test", .issuer = -1},
    {.subject = "Old", .issuer = -1, .version = 1},
    {.subject = "No word", .issuer = -1, .flags = CHAIN_NO_BASIC_CONSTRAINTS},
    {.subject = "Ed448", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_ED448},
    {.subject = "Short", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_RSA_1024},
    {.subject = "Malformed", .issuer = -1, .extensions = {{"2.5.29.37", false, "3000"}}},
};
enum { GOOD = 6, ALL = COUNT(specs) };

static void anchors_are_found(void **state)
{
    (void)state;
    rp_memory memory;
    rp_slice der[ALL];
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    chain_make(der, specs, ALL);
    for (size_t i = 0; i < ALL; i++) {
        assert_int_equal(rp__anchors_add(anchors, der[i], NULL),
                         i < GOOD ? RP_OK : RP_E_CERT_INVALID);
        if (i < GOOD) /* once more */
            assert_int_equal(rp__anchors_add(anchors, der[i], NULL), RP_OK);
    }
    rp_slice rubbish = {(const uint8_t *)"rubbish", 7};
    assert_int_equal(rp__anchors_add(anchors, rubbish, NULL), RP_E_CERT_INVALID);
    chain_free(der, ALL); /* they are copies */

    assert_int_equal(rp__anchors_count(anchors), GOOD);
    static const bool authorities[GOOD] = {true, true, true, false, true, false};
    const rp_anchor *anchor = rp__anchors_first(anchors), *first = anchor;
    for (size_t i = 0; i < GOOD; i++, anchor = anchor->next) {
        char text[RP_DNAME_TEXT_SIZE];
        assert_string_equal(rp__dname_text(anchor->certificate.subject, text), specs[i].subject);
        assert_int_equal(anchor->is_authority, authorities[i]);
        assert_int_equal(anchor->key.kind, RP_KEY_P256);
        assert_ptr_equal(rp__anchors_same(anchors, &anchor->certificate), anchor);
    }
    assert_null(anchor);

    /* Both of one name, whatever its case. */
    rp_slice name = first->certificate.subject;
    const rp_anchor *one = rp__anchors_find(anchors, name, NULL);
    const rp_anchor *other = rp__anchors_find(anchors, name, one);
    assert_true(one != NULL && other != NULL && one != other);
    assert_null(rp__anchors_find(anchors, name, other));
    assert_null(rp__anchors_find(anchors, (rp_slice){NULL, 0}, NULL));

    static const struct {
        const char *name, *reason;
    } refused[] = {
        {"Ed448", "its key is of a kind that is not supported"},
        {"Short", "its RSA key has less than 2048 bits"},
        {"Malformed", "its extendedKeyUsage is malformed"},
        {"unnamed", "it is not a certificate in DER"},
    };
    assert_int_equal(rp__anchors_refused_count(anchors), COUNT(refused));
    const rp_refused_anchor *at = rp__anchors_first_refused(anchors);
    for (size_t i = 0; i < COUNT(refused); i++, at = at->next) {
        assert_string_equal(at->name, refused[i].name);
        assert_string_equal(at->reason, refused[i].reason);
    }
    assert_null(at);
    rp__anchors_destroy(anchors);
    rp__anchors_destroy(NULL);
    assert_int_equal(memory.live, 0);
}

/* Far more than the table has places: whatever hangs beside a name, the name alone is found. */
static void many_names(void **state)
{
    enum { MANY = 600 };
    (void)state;
    static rp_slice subjects[MANY];
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    for (size_t i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "R%zu", i);
        chain_spec spec = {.subject = name, .issuer = -1, .flags = CHAIN_CA, .key_number = 1};
        rp_slice der = chain_certificate(&spec, 0);
        assert_int_equal(rp__anchors_add(anchors, der, NULL), RP_OK);
        chain_free(&der, 1);
    }
    const rp_anchor *anchor = rp__anchors_first(anchors);
    for (size_t i = 0; i < MANY; i++, anchor = anchor->next)
        subjects[i] = anchor->certificate.subject;
    for (size_t i = 0; i < MANY; i++) {
        char name[16], text[RP_DNAME_TEXT_SIZE];
        snprintf(name, sizeof(name), "R%zu", i);
        const rp_anchor *found = rp__anchors_find(anchors, subjects[i], NULL);
        assert_non_null(found);
        assert_string_equal(rp__dname_text(found->certificate.subject, text), name);
        assert_null(rp__anchors_find(anchors, subjects[i], found));
    }
    rp__anchors_destroy(anchors);
    assert_int_equal(memory.live, 0);
}

/* Who adds one is told why it is none. */
static void refusal_is_told(void **state)
{
    (void)state;
    rp_memory memory;
    const char *reason = NULL;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    rp_slice der[2] = {chain_certificate(specs, 0), chain_certificate(specs, GOOD)};
    assert_int_equal(rp__anchors_add(anchors, der[0], &reason), RP_OK);
    assert_null(reason);
    assert_int_equal(rp__anchors_add(anchors, der[1], &reason), RP_E_CERT_INVALID);
    assert_string_equal(reason, rp__anchors_first_refused(anchors)->reason);
    chain_free(der, 2);
    rp__anchors_destroy(anchors);
}

static void no_memory(void **state)
{
    (void)state;
    rp_slice der[ALL];
    chain_make(der, specs, ALL);
    bool complete = false;
    for (uint64_t fail_in = 1; !complete; fail_in++) {
        rp_memory memory;
        rp__memory_init(&memory, (rp_allocator){.resize = NULL});
        memory.fail_in = fail_in;
        rp_anchors *anchors = rp__anchors_create(&memory);
        size_t failed = anchors == NULL;
        for (size_t i = 0; anchors != NULL && i < ALL; i++) {
            rp_status status = rp__anchors_add(anchors, der[i], NULL);
            failed += status == RP_E_NO_MEMORY;
            if (status == RP_E_NO_MEMORY) /* and then there is some again */
                assert_int_equal(rp__anchors_add(anchors, der[i], NULL),
                                 i < GOOD ? RP_OK : RP_E_CERT_INVALID);
        }
        if (anchors != NULL) {
            assert_int_equal(rp__anchors_count(anchors), GOOD);
            assert_int_equal(rp__anchors_refused_count(anchors), ALL - GOOD);
        }
        complete = failed == 0;
        assert_true(failed <= 1);
        rp__anchors_destroy(anchors);
        assert_int_equal(memory.live, 0);
        assert_true(fail_in < 100);
    }
    chain_free(der, ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_are_found),
        cmocka_unit_test(many_names),
        cmocka_unit_test(refusal_is_told),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
