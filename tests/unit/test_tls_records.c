/* test_tls_records.c - what the screen of a peer's first records sees in them. */
#include "tls/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A record with one ServerHello whose body is this. */
static size_t server_hello(uint8_t *record, const uint8_t *body, size_t size)
{
    const uint8_t head[] = {22, 3, 3, 0, (uint8_t)(size + 4), 2, 0, 0, (uint8_t)size};
    memcpy(record, head, sizeof(head));
    memcpy(record + sizeof(head), body, size);
    return sizeof(head) + size;
}

static void finds_the_version_of_a_server_hello(void **state)
{
    static const struct {
        uint8_t body[12];
        size_t size;
        bool says_1_3;
    } cases[] = {
        {{0, 43, 0, 2, 3, 4}, 6, true},
        {{9, 9, 0, 43, 0, 2, 3, 4, 9}, 9, true},
        {{0, 43, 0, 2, 3, 3}, 6, false},
        {{0, 43, 0, 2, 3}, 5, false},
        /* What looks like its beginning, before it. */
        {{0, 0, 43, 0, 2, 3, 4}, 7, true},
        {{0, 43, 0, 43, 0, 2, 3, 4}, 8, true},
        {{0, 43, 0, 0, 43, 0, 2, 3, 4}, 9, true},
        {{0, 43, 0, 2, 0, 43, 0, 2, 3, 4}, 10, true},
        {{0, 43, 43, 0, 2, 3, 4}, 7, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (int dribbled = 0; dribbled < 2; dribbled++) {
            uint8_t record[64];
            size_t size = server_hello(record, cases[i].body, cases[i].size);
            rp_records records = {.record_have = 0};
            size_t part = dribbled ? 1 : size;
            for (size_t at = 0; at < size; at += part)
                assert_int_equal(rp__records_see(&records, record + at, part), RP_RECORD_FINE);
            assert_true(records.server_hello);
            assert_int_equal(records.says_1_3, cases[i].says_1_3);
        }
    }
}

/* The verdict stands, whatever comes behind it in the same bytes. */
static void stops_at_what_is_not_tls(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {'H', 'T', 'T', 'P', '/', 22, 3, 3, 0, 1, 2};
    rp_records records = {.record_have = 0};
    assert_int_equal(rp__records_see(&records, bytes, sizeof(bytes)), RP_RECORD_NOT_TLS);
    assert_int_equal(records.first_have, sizeof(bytes));
    assert_memory_equal(records.first, bytes, sizeof(bytes));
    assert_false(records.server_hello);
}

static void finds_our_change_of_ciphers(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t size;
        bool found;
    } cases[] = {
        {{20, 3, 3, 0, 1, 1}, 6, true},
        {{22, 3, 3, 0, 2, 9, 9, 20, 3, 3, 0, 1, 1}, 13, true},
        {{22, 3, 3, 0, 2, 9, 9}, 7, false},
        {{22, 3, 3, 0, 2, 20, 20, 20}, 8, false},         /* inside a record */
        {{22, 3, 3, 0, 9, 20, 3, 3, 0, 1, 1}, 11, false}, /* one that goes on elsewhere */
        {{20, 3, 3, 0}, 4, false},
        {{0}, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(rp__records_change_cipher(cases[i].bytes, cases[i].size), cases[i].found);
}

/* Behind a ChangeCipherSpec TLS 1.2's messages are sealed, in records of the same type, and begin
 * with a number that is 0 at first. */
static void finds_a_hello_request_in_plain_text(void **state)
{
    static const uint8_t bytes[] = {20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0};
    (void)state;
    for (size_t begin = 0; begin <= 6; begin += 6) {
        rp_records records = {.record_have = 0};
        (void)rp__records_see(&records, bytes + begin, sizeof(bytes) - begin);
        assert_int_equal(records.hello_request, begin > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_version_of_a_server_hello),
        cmocka_unit_test(stops_at_what_is_not_tls),
        cmocka_unit_test(finds_our_change_of_ciphers),
        cmocka_unit_test(finds_a_hello_request_in_plain_text),
    };
    return cmocka_run_group_tests_name("tls_records", tests, NULL, NULL);
}
