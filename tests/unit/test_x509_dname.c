/* test_x509_dname.c - which distinguished names are one, and which lie within another. */
#include "support/chains.h"
#include "x509/certificate.h"
#include "x509/der.h"
#include "x509/dname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A name in a certificate of its own, of UTF8Strings. */
typedef struct made_name {
    rp_slice der, name;
} made_name;

static made_name make(const char *text, unsigned flags)
{
    chain_spec spec = {.subject = "x", .issuer = -1, .issuer_name = text, .flags = flags};
    rp_certificate certificate;
    const char *reason;
    rp_slice der = chain_certificate(&spec, 0);
    assert_true(rp__certificate_read(&certificate, der, &reason));
    return (made_name){der, certificate.issuer};
}

typedef struct pair {
    const char *left, *right;
    bool equal, within; /* left in right */
} pair;

static void names_are_compared(void **state)
{
    (void)state;
    static const pair pairs[] = {
        {"O=Example,CN=a", "O=Example,CN=a", true, true},
        {"O=Example,CN=a", "O=EXAMPLE,CN=A", true, true},
        {"O=Ex ample", "O=  ex   AMPLE ", true, true},
        {"O=Ex ample", "O=Example", false, false},
        {"O=Example", "O=Exampl", false, false},
        {"O=Exampl", "O=Example", false, false},
        {"O=Example", "OU=Example", false, false},
        {"O=Example,CN=a", "O=Example", false, true},
        {"O=Example", "O=Example,CN=a", false, false},
        {"O=Example,CN=a", "CN=a,O=Example", false, false},
        {"O=Example+CN=a", "CN=a+O=Example", true, true},
        {"O=Example+CN=a", "CN=a", false, false},
        {"CN=a", "O=Example+CN=a", false, false},
        {"O=Example+CN=a", "O=Example,CN=a", false, false},
        {"O=Example", "", false, true},
        {"", "", true, true},
        {"", "O=Example", false, false},
        {"O= ", "O=   ", true, true},
        {"O=[", "O={", false, false},
        {"O=@", "O=`", false, false},
        {"O=\xc3\xa4", "O=\xc3\x84", false, false}, /* ASCII alone is folded */
    };
    for (size_t i = 0; i < 2 * COUNT(pairs); i++) {
        const pair *at = &pairs[i / 2];
        made_name left = make(at->left, i % 2 ? CHAIN_PRINTABLE : 0), right = make(at->right, 0);
        if (rp__dname_equal(left.name, right.name) != at->equal ||
            rp__dname_equal(right.name, left.name) != at->equal ||
            rp__dname_within(left.name, right.name) != at->within)
            fail_msg("%s, %s", at->left, at->right);
        if (at->equal)
            assert_int_equal(rp__dname_hash(left.name), rp__dname_hash(right.name));
        chain_free(&left.der, 1);
        chain_free(&right.der, 1);
    }
}

static rp_slice bytes(const char *text, size_t size)
{
    return (rp_slice){(const uint8_t *)text, size};
}
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

/* ---- String types ---------------------------------------------------------------------------- */

enum { UTF8 = 0x0c, NUMERIC = 0x12, PRINTABLE, TELETEX, IA5 = 0x16, VISIBLE = 0x1a, GENERAL };
enum { UNIVERSAL = 0x1c, BMP = 0x1e };

typedef struct string {
    uint8_t tag;
    const char *bytes;
    size_t size;
} string;
#define VALUE(tag, literal)                                                                        \
    {                                                                                              \
        tag, literal, sizeof(literal) - 1                                                          \
    }

static const struct {
    string left, right;
    bool equal, may_be; /* the same in doubt */
} value_pairs[] = {
    /* The same text in each type. */
    {VALUE(UTF8, "Evil"), VALUE(BMP, "\0E\0v\0i\0l"), true, true},
    {VALUE(UTF8, "Evil"), VALUE(UNIVERSAL, "\0\0\0E\0\0\0v\0\0\0i\0\0\0l"), true, true},
    {VALUE(BMP, "\0E\0v"), VALUE(UNIVERSAL, "\0\0\0E\0\0\0v"), true, true},
    {VALUE(PRINTABLE, "Evil"), VALUE(BMP, "\0e\0V\0i\0l"), true, true},
    {VALUE(BMP, "\0E\0v"), VALUE(BMP, "\0e\0V"), true, true},
    {VALUE(BMP, "\0 \0E\0 \0 \0v\0 "), VALUE(UTF8, "E v"), true, true},
    {VALUE(NUMERIC, "12 3"), VALUE(UTF8, "12  3"), true, true},
    {VALUE(TELETEX, "Evil"), VALUE(UTF8, "evil"), true, true},
    {VALUE(IA5, "Evil"), VALUE(VISIBLE, "evil"), true, true},
    {VALUE(BMP, ""), VALUE(UTF8, ""), true, true},
    {VALUE(UTF8, "\xc3\xa4"), VALUE(BMP, "\0\xe4"), true, true},
    {VALUE(UTF8, "\xe2\x82\xac"), VALUE(BMP, "\x20\xac"), true, true},
    {VALUE(UTF8, "\xf0\x9f\x98\x80"), VALUE(UNIVERSAL, "\0\1\xf6\0"), true, true},
    /* White space. */
    {VALUE(UTF8, "Ev il"), VALUE(UTF8, "Ev\til"), true, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "\n\v\f\rEvil\t"), true, true},
    {VALUE(UTF8, "Ev il"), VALUE(BMP, "\0E\0v\0\t\0i\0l"), true, true},
    {VALUE(UTF8, "\t"), VALUE(UTF8, " "), true, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Ev\til"), false, false},
    /* ASCII that differs differs in whatever type. */
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Good"), false, false},
    {VALUE(UTF8, "Evil"), VALUE(BMP, "\0G\0o"), false, false},
    {VALUE(BMP, "\0E"), VALUE(UNIVERSAL, "\0\0\0E\0\0\0v"), false, false},
    {VALUE(UTF8, ""), VALUE(UTF8, "E"), false, false},
    {VALUE(UTF8, "E~"), VALUE(UTF8, "E"), false, false},
    /* More than ASCII is in doubt, unless it is the same; so are control characters. */
    {VALUE(UTF8, "\xc3\xa4"), VALUE(UTF8, "\xc3\x84"), false, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Ev\xc2\xadil"), false, true},     /* a soft hyphen */
    {VALUE(UTF8, "Evil"), VALUE(BMP, "\xff\x25\0v\0i\0l"), false, true}, /* a wide E */
    {VALUE(UTF8, "Ev il"), VALUE(UTF8, "Ev\xc2\xa0il"), false, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Ev\x01il"), false, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Evil\0"), false, true},
    {VALUE(UTF8, "Evil"), VALUE(UTF8, "Evil\x7f"), false, true},
    {VALUE(UTF8, "Evil"), VALUE(TELETEX, "\x1b(BEvil"), false, true},
    {VALUE(UTF8, "\xc3\xa4"), VALUE(TELETEX, "\xe4"), false, true},
    {VALUE(UTF8, "\xc3\xa4"), VALUE(TELETEX, "\xc3\xa4"), false, true},
    {VALUE(TELETEX, "\xe4"), VALUE(PRINTABLE, "\xe4"), false, true},
    {VALUE(TELETEX, "\xe4x"), VALUE(TELETEX, "\xe4X"), true, true},
    /* Characters that there are not. */
    {VALUE(BMP, "\xd8\x3d\xde\0"), VALUE(BMP, "\xd8\x3d\xde\0"), true, true},
    {VALUE(BMP, "\xd8\x3d\xde\0"), VALUE(UTF8, "\xf0\x9f\x98\x80"), false, true},
    {VALUE(UNIVERSAL, "\0\x11\0\0"), VALUE(UTF8, "E"), false, true},
    /* What is no string that is known. */
    {VALUE(GENERAL, "Evil"), VALUE(GENERAL, "Evil"), true, true},
    {VALUE(GENERAL, "Evil"), VALUE(GENERAL, "evil"), false, true},
    {VALUE(GENERAL, "Evil"), VALUE(UTF8, "Evil"), false, true},
    {VALUE(0x04, ""), VALUE(UTF8, ""), false, true},
    {VALUE(0x05, ""), VALUE(UTF8, "Evil"), false, true},
};

/* A Name of that one common name. */
static bool read_name(const string *of, uint8_t bytes[64], rp_slice *name)
{
    uint8_t size = (uint8_t)of->size;
    const uint8_t head[] = {0x30, (uint8_t)(size + 11),
                            0x31, (uint8_t)(size + 9),
                            0x30, (uint8_t)(size + 7),
                            0x06, 0x03,
                            0x55, 0x04,
                            0x03, of->tag,
                            size};
    rp_slice in = {bytes, sizeof(head) + size};
    memcpy(bytes, head, sizeof(head));
    memcpy(bytes + sizeof(head), of->bytes, size);
    return rp__dname_read(&in, name);
}

static rp_slice make_name(const string *of, uint8_t bytes[64])
{
    rp_slice name;
    assert_true(read_name(of, bytes, &name));
    return name;
}

static void strings_that_are_no_text(void **state)
{
    (void)state;
    static const string values[] = {
        VALUE(BMP, "\0E\0"),
        VALUE(UNIVERSAL, "\0\0\0E\0\0"),
        VALUE(UTF8, "\xc1\x85vil"), /* overlong */
        VALUE(UTF8, "\xe0\x81\x85"),
        VALUE(UTF8, "\xf0\x80\x81\x85"),
        VALUE(UTF8, "\xed\xa0\x80"),
        VALUE(UTF8, "\xf4\x90\x80\x80"),
        VALUE(UTF8, "E\xc3"),
        VALUE(UTF8, "Soci\xe9t\xe9"),
        VALUE(UTF8, "\xf8\x88\x80\x80\x80"),
        VALUE(UTF8, "\x80"),
        VALUE(UTF8, "Evil\xff"),
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        uint8_t bytes[64];
        rp_slice name;
        if (read_name(&values[i], bytes, &name))
            fail_msg("case %zu", i);
    }
}

static void string_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(value_pairs); i++) {
        uint8_t left_bytes[64], right_bytes[64];
        const string *one = &value_pairs[i / 2].left, *other = &value_pairs[i / 2].right;
        rp_slice left = make_name(i % 2 ? other : one, left_bytes);
        rp_slice right = make_name(i % 2 ? one : other, right_bytes);
        bool equal = value_pairs[i / 2].equal;
        if (rp__dname_equal(left, right) != equal || rp__dname_within(left, right) != equal ||
            rp__dname_may_be_within(left, right) != value_pairs[i / 2].may_be)
            fail_msg("pair %zu: %s, %s", i / 2, one->bytes, other->bytes);
        if (equal)
            assert_int_equal(rp__dname_hash(left), rp__dname_hash(right));
    }
}

static void malformed_names(void **state)
{
    (void)state;
    const rp_slice names[] = {
        BYTES("\x31\x00"),
        BYTES("\x30\x02\x31\x00"),
        BYTES("\x30\x02\x30\x00"),
        BYTES("\x30\x04\x31\x02\x30\x00"),
        BYTES("\x30\x09\x31\x07\x30\x05\x06\x03\x55\x04\x03"),
        BYTES("\x30\x09\x31\x07\x30\x05\x06\x00\x0c\x01x"),
        BYTES("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x01x\x0c\x01x"),
        BYTES("\x30\x0c\x31\x0b\x30\x08\x06\x03\x55\x04\x03\x0c\x01x"),
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        rp_slice in = names[i], name;
        if (rp__dname_read(&in, &name))
            fail_msg("case %zu", i);
    }
    /* Eight attributes in one relative name, and nine. */
    for (size_t count = 8; count < 10; count++) {
        uint8_t name[256] = {0x30, (uint8_t)(2 + 10 * count), 0x31, (uint8_t)(10 * count)};
        for (size_t i = 0; i < count; i++)
            memcpy(name + 4 + 10 * i, "\x30\x08\x06\x03\x55\x04\x03\x0c\x01x", 10);
        rp_slice in = {name, 4 + 10 * count}, read;
        assert_int_equal(rp__dname_read(&in, &read), count == 8);
    }
}

static void names_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"C=XX,O=Example,CN=Example CA", "Example CA"},
        {"CN=first,CN=last", "last"},
        {"C=XX,O=Example", "XX, Example"},
        {"CN=,O=Example", "Example"},
        {"", "unnamed"},
        {"CN=a\tb\"\x7f\xc3\xa4", "a?b\"???"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[RP_DNAME_TEXT_SIZE];
        made_name made = make(cases[i].name, 0);
        assert_string_equal(rp__dname_text(made.name, text), cases[i].text);
        chain_free(&made.der, 1);
    }
    /* Cut, wherever the end falls. */
    for (size_t size = 60; size < 200; size++) {
        char name[256] = "O=", text[RP_DNAME_TEXT_SIZE];
        memset(name + 2, 'x', size);
        memcpy(name + 2 + size, ",OU=yyyyy", sizeof(",OU=yyyyy"));
        made_name made = make(name, 0);
        assert_true(strlen(rp__dname_text(made.name, text)) < sizeof(text));
        assert_memory_equal(text, name + 2, 60);
        chain_free(&made.der, 1);
    }
}

static void attributes(void **state)
{
    (void)state;
    made_name made = make("O=Example,CN=one+OU=unit,CN=two", 0);
    rp_slice value;
    assert_true(rp__dname_attribute(made.name, BYTES("\x55\x04\x03"), &value));
    assert_true(RP_SLICE_IS(value, "one"));
    assert_true(rp__dname_attribute(made.name, BYTES("\x55\x04\x0b"), &value));
    assert_true(RP_SLICE_IS(value, "unit"));
    assert_false(rp__dname_attribute(made.name, BYTES("\x55\x04\x06"), &value));
    chain_free(&made.der, 1);
}

static void general_names(void **state)
{
    (void)state;
    rp_general_name name;
    rp_slice list = BYTES("\x82\x01"
                          "a\x87\x04\x7f\0\0\1\xa4\x02\x30\x00\x81\x01"
                          "b");
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_DNS);
    assert_true(RP_SLICE_IS(name.value, "a"));
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_ADDRESS);
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_DIRECTORY);
    assert_int_equal(name.value.size, 0);
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_EMAIL);
    assert_int_equal(list.size, 0);
    list = BYTES("\xa0\x07\x06\x01\x2a\xa0\x02\x05\x00\x88\x01\x2a");
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_OTHER);
    assert_int_equal(name.value.size, 7);
    assert_true(rp__general_name_read(&list, &name) && name.type == RP_GENERAL_REGISTERED);
    assert_int_equal(list.size, 0);
    const rp_slice malformed[] = {
        BYTES("\xa2\x00"),
        BYTES("\x80\x00"),
        BYTES("\x89\x00"),
        BYTES("\x84\x02\x30\x00"),
        BYTES("\xa4\x00"),
        BYTES("\x02\x00"),
        BYTES("\x82\x02"
              "a"),
        BYTES("\xa4\x04\x30\x00\x05\x00"),
        BYTES("\xa0\x00"),
        BYTES("\xa0\x05\x06\x01\x2a\xa0\x00"),
        BYTES("\xa0\x06\x05\x00\xa0\x02\x05\x00"),
        BYTES("\xa0\x05\x06\x01\x2a\x05\x00"),
        BYTES("\xa0\x09\x06\x01\x2a\xa0\x02\x05\x00\x05\x00"),
        BYTES("\xa0\x09\x06\x01\x2a\xa0\x04\x05\x00\x05\x00"),
        BYTES("\x88\x00"),
        BYTES("\x88\x01\x80"),
    };
    for (size_t i = 0; i < COUNT(malformed); i++) {
        list = malformed[i];
        assert_false(rp__general_name_read(&list, &name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared),
        cmocka_unit_test(string_types),
        cmocka_unit_test(strings_that_are_no_text),
        cmocka_unit_test(malformed_names),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(attributes),
        cmocka_unit_test(general_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
