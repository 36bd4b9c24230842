/* test_message.c - what a request is packed as, and what is refused. */
#include "http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    rp_url url;
    rp_message_source source;
    rp_message message;
    rp_error error;
    uint8_t bytes[32 * 1024];
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    assert_int_equal(rp__url_parse(&f.url, "https://h/", 10, NULL), RP_OK);
    f.source = (rp_message_source){
        .method = "GET", .url = &f.url, .user_agent = rp__user_agent_of("ua/1")};
    return 0;
}

static void use_headers(const rp_header *headers, size_t count)
{
    f.source.headers = headers;
    f.source.header_count = count;
}

static rp_status pack(size_t capacity)
{
    memset(f.bytes, 0xEE, sizeof(f.bytes));
    rp_status status = rp__message_pack(&f.message, &f.source, f.bytes, capacity, &f.error);
    for (size_t i = capacity; i < sizeof(f.bytes); i++)
        assert_int_equal(f.bytes[i], 0xEE);
    return status;
}

static void assert_slice(rp_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void assert_fields(const rp_header *fields, size_t count)
{
    rp_field field;
    size_t at = 0;
    assert_int_equal(f.message.field_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(rp__message_next(&f.message, &at, &field));
        assert_slice(field.name, fields[i].name);
        assert_slice(field.value, fields[i].value);
    }
    assert_false(rp__message_next(&f.message, &at, &field));
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(rp__url_parse(&f.url, "http://[::1]:8080?q", 19, NULL), RP_OK);
    f.source.method = "PROPFIND";
    f.source.has_body = true;
    f.source.body_size = 7;
    assert_int_equal(pack(sizeof(f.bytes)), RP_OK);
    assert_slice(rp__message_method(&f.message), "PROPFIND");
    assert_slice(rp__message_authority(&f.message), "[::1]:8080");
    assert_slice(rp__message_target(&f.message), "/?q");
    assert_fields(NULL, 0);
    assert_false(f.message.https);
    assert_true(f.message.says_host && f.message.says_accept && f.message.says_length);
    assert_int_equal(f.message.length, 7);
    assert_string_equal(f.message.user_agent, "ua/1");
    assert_false(f.message.says_close);
}

/* The caller's own take the place of the defaults, and only those that say something are fields. */
static void test_replaced(void **state)
{
    static const rp_header given[] = {{"X", ""},      {"hosT", "other:1"},     {"accept", ""},
                                      {"A", "b\tc"},  {"content-length", "0"}, {"User-Agent", "me"},
                                      {"X", "again"}, {"Connection", "CLOSE"}};
    static const rp_header sent[] = {{"X", ""},
                                     {"hosT", "other:1"},
                                     {"A", "b\tc"},
                                     {"content-length", "0"},
                                     {"User-Agent", "me"},
                                     {"X", "again"},
                                     {"Connection", "CLOSE"}};
    (void)state;
    use_headers(given, 8);
    f.source.method = "POST";
    assert_int_equal(pack(sizeof(f.bytes)), RP_OK);
    assert_fields(sent, 7);
    assert_slice(rp__message_authority(&f.message), "other:1");
    assert_slice(rp__message_target(&f.message), "/");
    assert_true(f.message.https && f.message.says_close);
    assert_false(f.message.says_host || f.message.says_accept || f.message.says_length);
    assert_null(f.message.user_agent);
}

/* Whatever room there is, no byte is written behind it; too little leaves none of the message. */
static void test_every_capacity(void **state)
{
    static const rp_header headers[] = {{"Authorization", "secret"}, {"Host", "x"}, {"B", "b"}};
    (void)state;
    use_headers(headers, 3);
    assert_int_equal(pack(sizeof(f.bytes)), RP_OK);
    size_t size = f.message.size;
    for (size_t capacity = 0; capacity < size; capacity++) {
        assert_int_equal(pack(capacity), RP_OK);
        assert_int_equal(f.message.size, size);
        for (size_t i = 0; i < capacity; i++)
            assert_true(f.bytes[i] == 0 || f.bytes[i] == 0xEE);
    }
    assert_int_equal(pack(size), RP_OK);
    assert_int_equal(f.message.size, size);
    assert_fields(headers, 3);
}

/* No byte of it is left. */
static void assert_refused(const char *sentence)
{
    memset(&f.error, 0, sizeof(f.error));
    assert_int_equal(pack(sizeof(f.bytes)), RP_E_BAD_HEADER);
    assert_int_equal(f.error.status, RP_E_BAD_HEADER);
    if (strstr(f.error.text, sentence) == NULL)
        fail_msg("%s", f.error.text);
    for (size_t i = 0; i < sizeof(f.bytes); i++)
        assert_true(f.bytes[i] == 0 || f.bytes[i] == 0xEE);
    assert_int_equal(rp__message_pack(&f.message, &f.source, f.bytes, sizeof(f.bytes), NULL),
                     RP_E_BAD_HEADER);
}

static void test_bad_headers(void **state)
{
    static const struct {
        rp_header header;
        const char *sentence;
    } cases[] = {
        {{"", "x"}, "the request header \"\" has a name that is not a token"},
        {{"a b", "x"}, "the request header \"a...\" has a name that is not a token"},
        {{"a:", "x"}, "has a name that is not a token"},
        {{"Authorization: Bearer abc", "x"}, "header \"Authorization...\" has a name"},
        {{"a\r\nb", "x"}, "has a name that is not a token"},
        {{"\xc3\xbc", "x"}, "has a name that is not a token"},
        {{"X", "a\r\nEvil: b"}, "the request header \"X\" has a control character in its value"},
        {{"X", "a\nb"}, "has a control character in its value"},
        {{"X", "a\x7f"}, "has a control character in its value"},
        {{"Host", ""}, "the request header \"Host\" is not a host and an optional port"},
        {{"Host", "a b"}, "is not a host and an optional port"},
        {{"Host", "a/b"}, "is not a host and an optional port"},
        {{"Content-Length", "1"}, "differs from the body's length"},
        {{"Content-Length", " "}, "differs from the body's length"},
        {{"Content-Length", "0x0"}, "differs from the body's length"},
        {{"Content-Length", "18446744073709551616"}, "differs from the body's length"},
        {{"transfer-encoding", "chunked"}, "is ringport's to decide"},
        {{"Connection", "upgrade"}, "may be keep-alive or close only"},
        {{"Connection", "close, TE"}, "may be keep-alive or close only"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        use_headers(&cases[i].header, 1);
        assert_refused(cases[i].sentence);
    }
}

static void test_twice(void **state)
{
    static const rp_header hosts[] = {{"Host", "a"}, {"host", "a"}};
    static const rp_header lengths[] = {{"Content-Length", "0"}, {"content-length", "0"}};
    (void)state;
    use_headers(hosts, 2);
    assert_refused("the request header \"host\" is given twice");
    f.source.has_body = true; /* which needs its length */
    use_headers(&(rp_header){"Content-Length", ""}, 1);
    assert_refused("the request header \"Content-Length\" differs from the body's length");
    f.source.has_body = false;
    use_headers(lengths, 2);
    assert_refused("the request header \"content-length\" is given twice");
}

static void test_bad_methods(void **state)
{
    static const struct {
        const char *method, *sentence;
    } cases[] = {
        {"", "the request method \"\" is not a token"},
        {"GET /?token=abc", "the request method \"GET...\" is not a token"},
        {"G\r\n", "is not a token"},
        {"CONNECT", "the request method \"CONNECT\" asks for a tunnel"},
        {"TRACE", "must not have a body"},
    };
    (void)state;
    f.source.has_body = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.source.method = cases[i].method;
        assert_refused(cases[i].sentence);
    }
    f.source.method = "GET";
    f.source.user_agent = rp__user_agent_of("a\r\nb");
    assert_refused("the request header \"User-Agent\" has a control character in its value");
}

static void test_idempotent(void **state)
{
    (void)state;
    assert_true(rp__method_idempotent("GET"));
    assert_true(rp__method_idempotent("HEAD"));
    assert_true(rp__method_idempotent("PUT"));
    assert_true(rp__method_idempotent("DELETE"));
    assert_true(rp__method_idempotent("OPTIONS"));
    assert_true(rp__method_idempotent("TRACE"));
    assert_false(rp__method_idempotent("POST"));
    assert_false(rp__method_idempotent("PATCH"));
    assert_false(rp__method_idempotent("get"));
    assert_false(rp__method_idempotent("GETX"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_parts, set_up),
        cmocka_unit_test_setup(test_replaced, set_up),
        cmocka_unit_test_setup(test_every_capacity, set_up),
        cmocka_unit_test_setup(test_bad_headers, set_up),
        cmocka_unit_test_setup(test_twice, set_up),
        cmocka_unit_test_setup(test_bad_methods, set_up),
        cmocka_unit_test(test_idempotent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
