/* test_x509_der.c - what is DER, and what is not. */
#include "x509/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) ((rp_slice){(const uint8_t *)(literal), sizeof(literal) - 1})

typedef struct element_case {
    rp_slice in;
    bool good;
    size_t content, rest;
} element_case;

static void elements(void **state)
{
    (void)state;
    static uint8_t large[70000] = {0x04, 0x83, 0x01, 0x00, 0x00};
    const element_case cases[] = {
        {BYTES("\x04\x00"), true, 0, 0},
        {BYTES("\x04\x01x"), true, 1, 0},
        {BYTES("\x04\x01xyz"), true, 1, 2},
        {BYTES(""), false, 0, 0},
        {BYTES("\x04"), false, 0, 0},
        {BYTES("\x04\x02x"), false, 0, 0},
        {BYTES("\x04\x80x\0\0"), false, 0, 0}, /* indefinite */
        {BYTES("\x04\x81\x01x"), false, 0, 0}, /* not the shortest form */
        {BYTES("\x04\x81"), false, 0, 0},
        {BYTES("\x04\x82\x00\x81x"), false, 0, 0},
        {BYTES("\x04\x84\xff\xff\xff\xff"), false, 0, 0},
        {BYTES("\x04\x85\x00\x00\x00\x00\x01x"), false, 0, 0},
        {BYTES("\x04\x89\x01\x00\x00\x00\x00\x00\x00\x00\x01x"), false, 0, 0},
        {BYTES("\x1f\x01x"), false, 0, 0}, /* a long tag */
        {{large, 65541}, true, 65536, 0},
        {{large, 65540}, false, 0, 0},
        {{large, 65543}, true, 65536, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rp_slice in = cases[i].in, content;
        uint8_t tag;
        if (rp__der_any(&in, &tag, &content) != cases[i].good)
            fail_msg("case %zu", i);
        if (!cases[i].good)
            continue;
        assert_int_equal(tag, 4);
        assert_int_equal(content.size, cases[i].content);
        assert_int_equal(in.size, cases[i].rest);
        assert_ptr_equal(content.data + content.size, in.data);
        in = cases[i].in;
        assert_false(rp__der_get(&in, 5, &content));
        assert_true(rp__der_next_is(&in, 4));
        assert_true(rp__der_element(&in, 4, &content));
        assert_int_equal(content.size + in.size, cases[i].in.size);
        assert_ptr_equal(content.data, cases[i].in.data);
    }
}

/* The shortest of the sizes in their long forms, and the longest of each form. */
static void sizes(void **state)
{
    (void)state;
    for (size_t size = 0; size < 70000; size += size < 300 ? 1 : 251) {
        uint8_t *bytes = calloc(1, size + 5);
        size_t used = 0;
        bytes[used++] = 0x30;
        if (size >= 0x80)
            bytes[used++] = size > 0xffff ? 0x83 : size > 0xff ? 0x82 : 0x81;
        for (int shift = size > 0xffff ? 16 : size > 0xff ? 8 : 0; shift >= 0; shift -= 8)
            bytes[used++] = (uint8_t)(size >> shift);
        rp_slice in = {bytes, used + size}, content;
        assert_true(rp__der_get(&in, RP_DER_SEQUENCE, &content));
        assert_int_equal(content.size, size);
        in = (rp_slice){bytes, used + size - 1};
        assert_false(rp__der_get(&in, RP_DER_SEQUENCE, &content));
        free(bytes);
    }
}

static void booleans(void **state)
{
    (void)state;
    bool value = false;
    rp_slice in = BYTES("\x01\x01\xff");
    assert_true(rp__der_boolean(&in, &value) && value && in.size == 0);
    in = BYTES("\x01\x01\x00");
    assert_true(rp__der_boolean(&in, &value) && !value);
    in = BYTES("\x01\x01\x01");
    assert_false(rp__der_boolean(&in, &value));
    in = BYTES("\x01\x02\xff\xff");
    assert_false(rp__der_boolean(&in, &value));
    in = BYTES("\x01\x00");
    assert_false(rp__der_boolean(&in, &value));
    in = BYTES("\x02\x01\xff");
    assert_false(rp__der_boolean(&in, &value));
}

static void object_identifiers(void **state)
{
    (void)state;
    const struct {
        rp_slice in;
        bool good;
    } cases[] = {
        {BYTES("\x06\x01\x2a"), true},
        {BYTES("\x06\x03\x2a\x86\x48"), true},
        {BYTES("\x06\x03\x2a\x00\x01"), true},
        {BYTES("\x06\x04\x2a\x81\x80\x00"), true}, /* 16384: a zero within it */
        {BYTES("\x06\x00"), false},
        {BYTES("\x06\x02\x2a\x86"), false},     /* cut */
        {BYTES("\x06\x03\x2a\x80\x01"), false}, /* not the shortest form */
        {BYTES("\x06\x02\x80\x01"), false},
        {BYTES("\x06\x01\x80"), false},
        {BYTES("\x05\x01\x2a"), false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rp_slice in = cases[i].in, content;
        if (rp__der_oid(&in, &content) != cases[i].good)
            fail_msg("case %zu", i);
        if (cases[i].good)
            assert_ptr_equal(content.data, cases[i].in.data + 2);
    }
}

static void integers(void **state)
{
    (void)state;
    const struct {
        rp_slice in;
        bool good, is_small;
        uint32_t value;
    } cases[] = {
        {BYTES("\x02\x01\x00"), true, true, 0},
        {BYTES("\x02\x01\x7f"), true, true, 127},
        {BYTES("\x02\x02\x00\x80"), true, true, 128},
        {BYTES("\x02\x04\x7f\xff\xff\xff"), true, true, 0x7fffffff},
        {BYTES("\x02\x05\x00\x80\x00\x00\x00"), true, false, 0},
        {BYTES("\x02\x01\xff"), true, false, 0},
        {BYTES("\x02\x02\xff\x7f"), true, false, 0},
        {BYTES("\x02\x00"), false, false, 0},
        {BYTES("\x02\x02\x00\x7f"), false, false, 0},
        {BYTES("\x02\x02\xff\x80"), false, false, 0},
        {BYTES("\x03\x01\x01"), false, false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rp_slice in = cases[i].in, content;
        uint32_t value = 1;
        if (rp__der_integer(&in, &content) != cases[i].good)
            fail_msg("case %zu", i);
        in = cases[i].in;
        if (rp__der_small(&in, &value) != cases[i].is_small)
            fail_msg("case %zu", i);
        if (cases[i].is_small)
            assert_int_equal(value, cases[i].value);
    }
}

static void bit_strings(void **state)
{
    (void)state;
    const struct {
        rp_slice in;
        bool bits, bytes;
        size_t size;
        unsigned unused;
    } cases[] = {
        {BYTES("\x03\x01\x00"), true, true, 0, 0},
        {BYTES("\x03\x02\x00\xff"), true, true, 1, 0},
        {BYTES("\x03\x02\x07\x80"), true, false, 1, 7},
        {BYTES("\x03\x02\x07\xc0"), false, false, 0, 0}, /* an unused bit is set */
        {BYTES("\x03\x02\x08\x00"), false, false, 0, 0},
        {BYTES("\x03\x01\x01"), false, false, 0, 0},
        {BYTES("\x03\x00"), false, false, 0, 0},
        {BYTES("\x04\x02\x00\xff"), false, false, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rp_slice in = cases[i].in, bytes;
        unsigned unused;
        if (rp__der_bits(&in, &bytes, &unused) != cases[i].bits)
            fail_msg("case %zu", i);
        if (cases[i].bits) {
            assert_int_equal(bytes.size, cases[i].size);
            assert_int_equal(unused, cases[i].unused);
        }
        in = cases[i].in;
        assert_int_equal(rp__der_bytes(&in, &bytes), cases[i].bytes);
    }
}

static void times(void **state)
{
    (void)state;
    static const struct {
        uint8_t tag;
        const char *text;
        bool good;
        int64_t seconds; /* as date(1) has it */
    } cases[] = {
        {0x17, "700101000000Z", true, 0},
        {0x17, "691231235959Z", true, -1},
        {0x17, "500101000000Z", true, INT64_C(-631152000)},
        {0x17, "491231235959Z", true, INT64_C(2524607999)},
        {0x17, "000229120000Z", true, INT64_C(951825600)},
        {0x18, "20270115080000Z", true, INT64_C(1800000000)},
        {0x18, "20500101000000Z", true, INT64_C(2524608000)},
        {0x18, "99991231235959Z", true, INT64_C(253402300799)},
        {0x18, "00010101000000Z", true, INT64_C(-62135596800)},
        {0x18, "19000228000000Z", true, INT64_C(-2203977600)},
        {0x18, "20000301000000Z", true, INT64_C(951868800)},
        {0x18, "00000101000000Z", false, 0},
        {0x18, "19000229000000Z", false, 0},
        {0x17, "010229000000Z", false, 0},
        {0x17, "700100000000Z", false, 0},
        {0x17, "700132000000Z", false, 0},
        {0x17, "700431000000Z", false, 0},
        {0x17, "700001000000Z", false, 0},
        {0x17, "701301000000Z", false, 0},
        {0x17, "700101240000Z", false, 0},
        {0x17, "700101006000Z", false, 0},
        {0x17, "700101000060Z", false, 0},
        {0x17, "700101000000", false, 0},
        {0x17, "7001010000Z", false, 0},
        {0x17, "700101000000+0000", false, 0},
        {0x17, "7001010000000", false, 0},
        {0x17, "7 0101000000Z", false, 0},
        {0x17, "700101 00000Z", false, 0},
        {0x17, "70010100000:Z", false, 0},
        {0x18, "20270115080000.0Z", false, 0},
        {0x18, "2027011508000Z", false, 0},
        {0x18, "2/270115080000Z", false, 0},
        {0x18, "20:70115080000Z", false, 0},
        {0x17, "20270115080000Z", false, 0},
        {0x18, "700101000000Z", false, 0},
        {0x16, "700101000000Z", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[64] = {cases[i].tag, (uint8_t)strlen(cases[i].text)};
        memcpy(bytes + 2, cases[i].text, strlen(cases[i].text));
        rp_slice in = {bytes, 2 + strlen(cases[i].text)};
        int64_t seconds = 0;
        if (rp__der_time(&in, &seconds) != cases[i].good)
            fail_msg("%s", cases[i].text);
        if (cases[i].good && seconds != cases[i].seconds)
            fail_msg("%s: %lld", cases[i].text, (long long)seconds);
    }
    rp_slice nothing = BYTES("");
    int64_t seconds;
    assert_false(rp__der_time(&nothing, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements), cmocka_unit_test(sizes),
        cmocka_unit_test(booleans), cmocka_unit_test(object_identifiers),
        cmocka_unit_test(integers), cmocka_unit_test(bit_strings),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
