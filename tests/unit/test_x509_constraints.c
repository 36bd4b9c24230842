/* test_x509_constraints.c - RFC 5280, 4.2.1.10: which names an authority may issue for. */
#include "support/chains.h"
#include "x509/constraints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct constraint_case {
    const char *names, *subject;
    const char *permitted, *excluded;
    bool kept;
} constraint_case;

static const constraint_case cases[] = {
    /* DNS: labels at the left, whatever their case. */
    {"good.test", "", "good.test", NULL, true},
    {"a.good.test", "", "good.test", NULL, true},
    {"a.b.good.test", "", "good.test", NULL, true},
    {"A.Good.TEST", "", "gOOd.test", NULL, true},
    {"xgood.test", "", "good.test", NULL, false},
    {"good.test.evil", "", "good.test", NULL, false},
    {"test", "", "good.test", NULL, false},
    {"od.test", "", "good.test", NULL, false},
    {"goo`.test", "", "goo@.test", NULL, false},
    {"a.good.test;evil.test", "", "good.test", NULL, false},
    {"a.good.test;a.fine.test", "", "good.test;fine.test", NULL, true},
    {"a.good.test", "", "", NULL, true}, /* everything */
    {"a.good.test", "", NULL, "", false},
    {"a.good.test", "", "good.test", "a.good.test", false},
    {"b.good.test", "", "good.test", "a.good.test", true},
    {"a.a.good.test", "", "good.test", "a.good.test", false},
    {"xa.good.test", "", "good.test", "a.good.test", true},
    {"a.evil.test", "", NULL, "evil.test", false},
    {"a.good.test", "", NULL, "evil.test", true},
    /* A leading dot: below it. */
    {"a.good.test", "", ".good.test", NULL, true},
    {"good.test", "", ".good.test", NULL, false},
    {"xgood.test", "", ".good.test", NULL, false},
    {"a.good.test", "", NULL, ".good.test", false},
    {"good.test", "", NULL, ".good.test", true},
    /* Wildcards: all that they stand for must be permitted, nothing excluded. */
    {"*.good.test", "", "good.test", NULL, true},
    {"*.a.good.test", "", "good.test", NULL, true},
    {"*.good.test", "", "a.good.test", NULL, false},
    {"*.test", "", "good.test", NULL, false},
    {"*.good.test", "", NULL, "good.test", false},
    {"*.good.test", "", NULL, "a.good.test", false},
    {"*.good.test", "", NULL, "A.GOOD.TEST", false},
    {"*.good.test", "", NULL, "b.a.good.test", true},
    {"*.good.test", "", NULL, "a.xgood.test", true},
    {"*.good.test", "", NULL, "test", false},
    {"*.good.test", "", NULL, ".good.test", false},
    {"*.good.test", "", NULL, ".a.good.test", true},
    {"*.good.test", "", NULL, "fine.test", true},
    {"*.good.test", "", NULL, "other", true},
    {"*.good.test", "", NULL, "a.fine.test", true}, /* as long as one below */
    {"ab", "", NULL, "evil.test", true},
    {"*x.test", "", NULL, "evil.test", false}, /* no wildcard, and no host */
    /* Names that are none. */
    {"a..good.test", "", "good.test", NULL, false},
    {"a.good.test.", "", "good.test", NULL, false},
    {"a b.good.test", "", "good.test", NULL, false},
    {"a*.good.test", "", "good.test", NULL, false},
    {"a.*.good.test", "", "good.test", NULL, false},
    {"..evil.test", "", NULL, "evil.test", false},
    {"..evil.test", "", NULL, "ip:10.0.0.0/8", true},
    /* Wildcards as constraints, which concern who has DNS names. */
    {"a.good.test", "", "*.good.test", NULL, false},
    {"a.good.test", "", "good.test;*.good.test", NULL, false},
    {"*.good.test", "", "*.good.test", NULL, false},
    {"a.good.test", "", NULL, "*.good.test", false},
    {"a.good.test", "", NULL, "*.fine.test", false},
    {"ip:10.1.2.3", "CN=a", "*.good.test", NULL, true},
    {"ip:10.1.2.3", "CN=a", NULL, "*.good.test", true},
    {"ip:10.1.2.3", "", NULL, "*.good.test;ip:10.0.0.0/8", false},
    /* Addresses. */
    {"ip:10.1.2.3", "", "ip:10.0.0.0/8", NULL, true},
    {"ip:11.1.2.3", "", "ip:10.0.0.0/8", NULL, false},
    {"ip:10.1.2.3", "", NULL, "ip:10.0.0.0/8", false},
    {"ip:11.1.2.3", "", NULL, "ip:10.0.0.0/8", true},
    {"ip:10.1.2.3", "", NULL, "ip:0.0.0.0/0", false},
    {"ip:10.1.2.3", "", "ip:10.1.2.3/32", NULL, true},
    {"ip:10.1.2.2", "", "ip:10.1.2.3/32", NULL, false},
    {"ip:10.1.2.2", "", "ip:10.1.2.3/31", NULL, true},
    {"ip:10.1.130.3", "", "ip:10.1.128.0/17", NULL, true},
    {"ip:10.1.127.3", "", "ip:10.1.128.0/17", NULL, false},
    {"ip:2001:db8::1", "", "ip:2001:db8::/32", NULL, true},
    {"ip:2001:db9::1", "", "ip:2001:db8::/32", NULL, false},
    {"ip:10.1.2.3", "", "ip:2001:db8::/32", NULL, false}, /* one type, two families */
    {"ip:10.1.2.3", "", "ip:2001:db8::/32;ip:10.0.0.0/8", NULL, true},
    {"ip:10.1.2.3", "", NULL, "ip:::/0", true},
    /* Directory names: the subject is one. */
    {"a.test", "O=Good,CN=a", "dir:O=Good", NULL, true},
    {"a.test", "O=GOOD,CN=a", "dir:O=good", NULL, true},
    {"a.test", "O=Evil,CN=a", "dir:O=Good", NULL, false},
    {"a.test", "CN=a", "dir:O=Good", NULL, false},
    {"a.test", "", "dir:O=Good", NULL, true},
    {"a.test", "O=Evil,CN=a", NULL, "dir:O=Evil", false},
    {"a.test", "O=Good,CN=a", NULL, "dir:O=Evil", true},
    {"a.test;dir:O=Evil", "O=Good", "dir:O=Good", NULL, false},
    {"a.test;dir:O=Good,CN=b", "O=Good", "dir:O=Good", NULL, true},
    {"a.test", "O=Evil", NULL, "dir:", false},
    {"a.test", "O=Evil", "dir:", NULL, true},
    /* What is of another kind is not concerned. */
    {"a.test", "", "ip:10.0.0.0/8", NULL, true},
    {"ip:10.0.0.1", "", "good.test", NULL, true},
    {"a.test", "CN=evil.test", NULL, "evil.test", true}, /* a common name is no host */
    /* What can't be compared is refused where it is there. */
    {"a.test;email:a@b.test", "", "email:b.test", NULL, false},
    {"a.test;email:a@b.test", "", NULL, "email:c.test", false},
    {"a.test;email:a@b.test", "", "test", NULL, true},
    {"a.test", "", "email:b.test", NULL, true},
    {"a.test;uri:https://b.test/", "", "uri:b.test", NULL, false},
    {"a.test;uri:https://b.test/", "", NULL, "uri:c.test", false},
    {"a.test", "", "uri:b.test", NULL, true},
    {"a.test;rid:x", "", NULL, "rid:y", false},
    {"a.test;other:x", "", NULL, "other:y", false},
    {"a.test", "", NULL, "other:y", true},
    {NULL, "E=a@b.test", NULL, "email:c.test", false},
    {"a.test", "E=a@b.test", NULL, "email:c.test", true}, /* there are alternative names */
    {NULL, "CN=a", "good.test;ip:10.0.0.0/8", NULL, true},
};

typedef struct made_pair {
    rp_slice der[2];
    rp_certificate leaf, authority;
} made_pair;

static void make(made_pair *made, const constraint_case *of)
{
    const chain_spec specs[] = {
        {.subject = of->subject, .issuer = 1, .names = of->names},
        {.subject = "CA",
         .issuer = -1,
         .flags = CHAIN_CA,
         .permitted = of->permitted,
         .excluded = of->excluded},
    };
    const char *reason;
    chain_make(made->der, specs, 2);
    assert_true(rp__certificate_read(&made->leaf, made->der[0], &reason));
    if (!rp__certificate_read(&made->authority, made->der[1], &reason))
        fail_msg("%s: %s", of->permitted, reason);
}

static void constraints_are_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        made_pair made;
        rp_constraints_budget budget = {RP_CONSTRAINTS_BUDGET, false};
        make(&made, &cases[i]);
        const char *reason =
            rp__constraints_check(made.authority.name_constraints, &made.leaf, &budget);
        if ((reason == NULL) != cases[i].kept)
            fail_msg("%zu: \"%s\" \"%s\" in \"%s\" without \"%s\"", i, cases[i].names,
                     cases[i].subject, cases[i].permitted, cases[i].excluded);
        assert_true(budget.left < RP_CONSTRAINTS_BUDGET || cases[i].names == NULL);
        chain_free(made.der, 2);
    }
}

/* With just as many comparisons as it takes, names are judged as with any number. */
static void budget_is_kept(void **state)
{
    (void)state;
    static const constraint_case large[] = {
        {"a.test;b.test;a.test", "CN=x", "a.test;b.test", "d.test", true},
        {"a.test;b.test;c.test", "CN=x", "a.test;b.test", "d.test", false},
    };
    for (size_t i = 0; i < COUNT(large); i++) {
        made_pair made;
        make(&made, &large[i]);
        /* Four names, three subtrees. */
        for (uint32_t allowed = 0; allowed <= 12; allowed++) {
            rp_constraints_budget budget = {allowed, false};
            const char *reason =
                rp__constraints_check(made.authority.name_constraints, &made.leaf, &budget);
            assert_int_equal(budget.exceeded, allowed < 12);
            assert_int_equal(reason == NULL, allowed == 12 && large[i].kept);
            assert_int_equal(budget.left, 0);
        }
        chain_free(made.der, 2);
    }
}

static rp_slice bytes(const char *text, size_t size)
{
    return (rp_slice){(const uint8_t *)text, size};
}
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

/* ---- Strings of other types ------------------------------------------------------------------ */

/* An organization: its string's tag, size and bytes. Name: that, and "CN=a" below it. */
static rp_slice make_name(rp_slice value, bool with_common_name, uint8_t out[64])
{
    static const uint8_t common_name[] = {0x31, 0x0a, 0x30, 0x08, 0x06, 0x03,
                                          0x55, 0x04, 0x03, 0x0c, 0x01, 'a'};
    uint8_t size = (uint8_t)value.size;
    const uint8_t head[] = {
        0x31, (uint8_t)(size + 7), 0x30, (uint8_t)(size + 5), 0x06, 0x03, 0x55, 0x04, 0x0a};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), value.data, size);
    if (with_common_name)
        memcpy(out + sizeof(head) + size, common_name, sizeof(common_name));
    return (rp_slice){out, sizeof(head) + size + (with_common_name ? sizeof(common_name) : 0)};
}

/* The constraints of one directory name. list: 0xa0, permitted, or 0xa1, excluded. */
static rp_slice make_constraints(uint8_t list, rp_slice base, uint8_t out[64])
{
    uint8_t size = (uint8_t)base.size;
    const uint8_t head[] = {list, (uint8_t)(size + 6), 0x30, (uint8_t)(size + 4),
                            0xa4, (uint8_t)(size + 2), 0x30, size};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), base.data, size);
    rp_slice made = {out, sizeof(head) + size};
    assert_true(rp__constraints_read(made));
    return made;
}

static bool is_kept(uint8_t list, rp_slice base_value, rp_slice value)
{
    uint8_t base[64], constraints[64], subject[64];
    rp_constraints_budget budget = {RP_CONSTRAINTS_BUDGET, false};
    rp_certificate below;
    memset(&below, 0, sizeof(below));
    below.subject = make_name(value, true, subject);
    return rp__constraints_check(
               make_constraints(list, make_name(base_value, false, base), constraints), &below,
               &budget) == NULL;
}

/* The type of a string, and what can't be compared, is no way out of an excluded subtree, and none
 * into a permitted one. */
static void string_types(void **state)
{
    (void)state;
    const struct {
        rp_slice base, value;
        bool permitted, excluded; /* is it by a subtree of this base? */
    } pairs[] = {
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x1e\x08\0E\0v\0i\0l"), true, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x1c\x10\0\0\0E\0\0\0v\0\0\0i\0\0\0l"), true, true},
        {BYTES("\x1e\x08\0E\0v\0i\0l"), BYTES("\x1e\x08\0e\0v\0i\0l"), true, true},
        {BYTES("\x0c\x05"
               "Ev il"),
         BYTES("\x0c\x05"
               "Ev\til"),
         true, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x0c\x04"
               "Good"),
         false, false},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x1e\x08\0G\0o\0o\0d"), false, false},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x1e\x04\xd8\x3d\xde\0"), false, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x1b\x04"
               "Evil"),
         false, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x04\x04"
               "Evil"),
         false, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x14\x05"
               "Evil\xff"),
         false, true},
        {BYTES("\x0c\x04"
               "Evil"),
         BYTES("\x0c\x06"
               "Ev\xc2\xadil"),
         false, true},
    };
    for (size_t i = 0; i < 2 * COUNT(pairs); i++) {
        rp_slice base = i % 2 ? pairs[i / 2].value : pairs[i / 2].base;
        rp_slice value = i % 2 ? pairs[i / 2].base : pairs[i / 2].value;
        if (is_kept(0xa0, base, value) != pairs[i / 2].permitted ||
            is_kept(0xa1, base, value) == pairs[i / 2].excluded)
            fail_msg("pair %zu", i / 2);
    }
}

static void malformed(void **state)
{
    (void)state;
    const struct {
        rp_slice constraints;
        bool good;
    } forms[] = {
        {BYTES("\xa0\x05\x30\x03\x82\x01"
               "a"),
         true},
        {BYTES("\xa1\x05\x30\x03\x82\x01"
               "a"),
         true},
        {BYTES("\xa0\x05\x30\x03\x82\x01"
               "a\xa1\x05\x30\x03\x82\x01"
               "b"),
         true},
        {BYTES("\xa0\x04\x30\x02\x82\x00"), true},
        {BYTES("\xa0\x08\x30\x06\x82\x01"
               "a\x80\x01\x00"),
         true}, /* the default, written */
        {BYTES("\xa0\x08\x30\x06\x82\x01"
               "a\x80\x01\x01"),
         false},
        {BYTES("\xa0\x08\x30\x06\x82\x01"
               "a\x81\x01\x00"),
         false}, /* a maximum */
        {BYTES(""), false},
        {BYTES("\xa0\x00"), false},
        {BYTES("\xa1\x00"), false},
        {BYTES("\xa2\x00"), false},
        {BYTES("\xa0\x05\x30\x03\x82"), false}, /* cut off */
        {BYTES("\xa1\x05\x30\x03\x82"), false},
        {BYTES("\xa1\x05\x30\x03\x82\x01"
               "a\xa0\x05\x30\x03\x82\x01"
               "b"),
         false}, /* the order */
        {BYTES("\xa0\x03\x82\x01"
               "a"),
         false},
        {BYTES("\xa0\x02\x30\x00"), false},
        {BYTES("\xa0\x07\x30\x05\x82\x03*.a"), true}, /* but see above */
        {BYTES("\xa1\x07\x30\x05\x82\x03*.a"), true},
        {BYTES("\xa0\x06\x30\x04\x82\x02*a"), false},
        {BYTES("\xa0\x06\x30\x04\x82\x02*."), false},
        {BYTES("\xa0\x07\x30\x05\x82\x03.*a"), false},
        {BYTES("\xa0\x09\x30\x07\x82\x05"
               "a.*.b"),
         false},
        {BYTES("\xa0\x06\x30\x04\x82\x02"
               "a."),
         false},
        {BYTES("\xa0\x05\x30\x03\x82\x01."), false},
        {BYTES("\xa0\x07\x30\x05\x82\x03..a"), false},
        {BYTES("\xa0\x06\x30\x04\x82\x02"
               "a\x00"),
         false},
        {BYTES("\xa0\x0c\x30\x0a\x87\x08\x0a\0\0\0\xff\0\0\0"), true},
        {BYTES("\xa0\x0c\x30\x0a\x87\x08\x0a\0\0\0\xff\x80\0\0"), true},
        {BYTES("\xa0\x0c\x30\x0a\x87\x08\x0a\0\0\0\xff\x40\0\0"), false}, /* a hole in the mask */
        {BYTES("\xa0\x0c\x30\x0a\x87\x08\x0a\0\0\0\xfe\x80\0\0"), false},
        {BYTES("\xa0\x08\x30\x06\x87\x04\x0a\0\0\0"), false},
        {BYTES("\xa0\x0d\x30\x0b\x87\x09\x0a\0\0\0\xff\0\0\0\0"), false},
        {BYTES("\xa0\x05\x30\x03\x81\x01\xe9"), false}, /* not ASCII */
        {BYTES("\xa0\x05\x30\x03\x86\x01\xe9"), false},
        {BYTES("\xa0\x06\x30\x04\xa4\x02\x30\x00"), true},
        {BYTES("\xa0\x06\x30\x04\xa4\x02\x31\x00"), false},
    };
    for (size_t i = 0; i < COUNT(forms); i++) {
        if (rp__constraints_read(forms[i].constraints) != forms[i].good)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constraints_are_kept),
        cmocka_unit_test(budget_is_kept),
        cmocka_unit_test(string_types),
        cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
