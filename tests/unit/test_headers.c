/* test_headers.c - what is a token, and what a field's value (RFC 9110, 5.5 and 5.6.2): each byte
 * at each place, in texts of all sizes of which some bytes are looked at together. */
#include "http/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE_MOST 26

static bool token_byte(unsigned char c)
{
    return c != 0 && strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                            c) != NULL;
}

static bool value_byte(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static void each_byte(bool (*is)(const char *, size_t), bool (*good)(unsigned char), char others)
{
    for (size_t size = 1; size <= SIZE_MOST; size++) {
        char *text = malloc(size); /* so that a read beyond it is seen */
        assert_non_null(text);
        for (size_t at = 0; at < size; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                memset(text, others, size);
                text[at] = (char)byte;
                if (is(text, size) != good((unsigned char)byte))
                    fail_msg("%u at %u of %u", byte, (unsigned)at, (unsigned)size);
            }
        }
        free(text);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    each_byte(rp__is_token, token_byte, 'a');
    assert_false(rp__is_token("", 0));
}

static void test_values(void **state)
{
    static const char others[] = {'a', ' ', '\t', '\x80', '\xff', '~'};
    (void)state;
    for (size_t i = 0; i < sizeof(others); i++)
        each_byte(rp__is_field_value, value_byte, others[i]);
    assert_true(rp__is_field_value("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
