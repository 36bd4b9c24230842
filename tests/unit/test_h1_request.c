/* test_h1_request.c - request heads, byte for byte, and what is refused. */
#include "http/h1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    rp_memory memory;
    rp_chunk_pool pool;
    rp_chain out;
    rp_url url;
    rp_h1_request request;
    rp_error error;
    char text[64 * 1024];
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    rp_memory_init(&f.memory, (rp_allocator){0});
    rp_chunk_pool_init(&f.pool, &f.memory, NULL);
    rp_chain_init(&f.out, &f.pool);
    assert_int_equal(rp_url_parse(&f.url, "https://h/", 10, NULL), RP_OK);
    f.request = (rp_h1_request){.method = "GET", .url = &f.url, .user_agent = "ua/1"};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rp_chain_clear(&f.out);
    rp_chunk_pool_clear(&f.pool);
    return f.memory.live == 0 ? 0 : -1;
}

/* What out holds; out is empty afterwards. */
static const char *taken(void)
{
    rp_slice slices[32];
    size_t count = rp_chain_slices(&f.out, slices, 32), size = 0;
    assert_true(f.out.size < sizeof(f.text));
    for (size_t i = 0; i < count; i++) {
        memcpy(f.text + size, slices[i].data, slices[i].size);
        size += slices[i].size;
    }
    assert_int_equal(size, f.out.size);
    f.text[size] = '\0';
    rp_chain_consume(&f.out, f.out.size);
    return f.text;
}

static const char *written(void)
{
    assert_int_equal(rp_h1_request_write(&f.out, &f.request, &f.error), RP_OK);
    return taken();
}

static void use_headers(const rp_header *headers, size_t count)
{
    f.request.headers = headers;
    f.request.header_count = count;
}

static void use_url(const char *text)
{
    assert_int_equal(rp_url_parse(&f.url, text, strlen(text), NULL), RP_OK);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_string_equal(written(), "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1\r\n"
                                   "Accept: */*\r\n\r\n");
    f.request.user_agent = "";
    f.request.method = "HEAD";
    assert_string_equal(written(), "HEAD / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
}

static void test_target_and_host(void **state)
{
    static const struct {
        const char *url, *line, *host;
    } cases[] = {
        {"https://h", "GET / HTTP/1.1\r\n", "Host: h\r\n"},
        {"https://h?q=1", "GET /?q=1 HTTP/1.1\r\n", "Host: h\r\n"},
        {"https://H:443/a/../b?c#d", "GET /a/../b?c HTTP/1.1\r\n", "Host: H\r\n"},
        {"https://h:80/", "GET / HTTP/1.1\r\n", "Host: h:80\r\n"},
        {"http://h:80/", "GET / HTTP/1.1\r\n", "Host: h\r\n"},
        {"http://h:443/", "GET / HTTP/1.1\r\n", "Host: h:443\r\n"},
        {"https://u:p@h:65535/", "GET / HTTP/1.1\r\n", "Host: h:65535\r\n"},
        {"https://[::1]/", "GET / HTTP/1.1\r\n", "Host: [::1]\r\n"},
        {"https://[::1]:8443/", "GET / HTTP/1.1\r\n", "Host: [::1]:8443\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        use_url(cases[i].url);
        const char *text = written();
        size_t line = strlen(cases[i].line);
        assert_memory_equal(text, cases[i].line, line);
        assert_memory_equal(text + line, cases[i].host, strlen(cases[i].host));
    }
}

static void test_bodies(void **state)
{
    static const struct {
        const char *method;
        bool has_body;
        uint64_t size;
        const char *length;
    } cases[] = {
        {"POST", false, 0, "Content-Length: 0\r\n\r\n"},
        {"PUT", false, 0, "Content-Length: 0\r\n\r\n"},
        {"PATCH", false, 0, "Content-Length: 0\r\n\r\n"},
        {"POST", true, 0, "Content-Length: 0\r\n\r\n"},
        {"POST", true, 18446744073709551614U, "Content-Length: 18446744073709551614\r\n\r\n"},
        {"GET", true, 10, "Content-Length: 10\r\n\r\n"},
        {"DELETE", false, 0, NULL},
        {"OPTIONS", false, 0, NULL},
        {"PROPFIND", true, 7, "Content-Length: 7\r\n\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.request.method = cases[i].method;
        f.request.has_body = cases[i].has_body;
        f.request.body_size = cases[i].size;
        const char *found = strstr(written(), "Content-Length");
        if (cases[i].length == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].length);
    }
}

static void test_headers_replace_defaults(void **state)
{
    static const rp_header headers[] = {
        {"host", "other:1"}, {"USER-AGENT", "mine"}, {"X-Empty", ""},     {"accept", "text/html"},
        {"X-Tab", "a\tb"},   {"X-Utf8", "\xc3\xbc"}, {"X-Empty", "again"}};
    (void)state;
    use_headers(headers, 7);
    assert_string_equal(written(), "GET / HTTP/1.1\r\nhost: other:1\r\nUSER-AGENT: mine\r\n"
                                   "X-Empty: \r\naccept: text/html\r\nX-Tab: a\tb\r\n"
                                   "X-Utf8: \xc3\xbc\r\nX-Empty: again\r\n\r\n");
}

/* As long as a name that means something to us, and none. */
static void test_names_of_equal_length(void **state)
{
    static const rp_header headers[] = {{"Date", "x"},
                                        {"Cookie", "a=b"},
                                        {"User-Cargo", "c"},
                                        {"Accept-Charset", "utf-8"},
                                        {"Transfer-Enchants", "d"}};
    (void)state;
    use_headers(headers, 5);
    assert_string_equal(written(), "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1\r\n"
                                   "Accept: */*\r\nDate: x\r\nCookie: a=b\r\nUser-Cargo: c\r\n"
                                   "Accept-Charset: utf-8\r\nTransfer-Enchants: d\r\n\r\n");
}

static void test_empty_suppresses(void **state)
{
    static const rp_header headers[] = {{"user-agent", ""}, {"Accept", ""}};
    (void)state;
    use_headers(headers, 2);
    assert_string_equal(written(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void test_own_framing_may_be_said(void **state)
{
    static const rp_header length[] = {{"content-length", "3"}, {"Connection", "Close"}};
    static const rp_header zero[] = {{"Content-Length", "0"}, {"Connection", "keep-alive"}};
    (void)state;
    use_headers(length, 2);
    f.request.method = "POST";
    f.request.has_body = true;
    f.request.body_size = 3;
    const char *text = written();
    assert_non_null(strstr(text, "content-length: 3\r\nConnection: Close\r\n\r\n"));
    assert_null(strstr(text, "Content-Length"));
    use_headers(zero, 2);
    f.request.has_body = false;
    assert_non_null(strstr(written(), "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
}

static void assert_refused(const char *sentence)
{
    memset(&f.error, 0, sizeof(f.error));
    assert_int_equal(rp_h1_request_write(&f.out, &f.request, &f.error), RP_E_BAD_HEADER);
    assert_int_equal(f.error.status, RP_E_BAD_HEADER);
    if (strstr(f.error.text, sentence) == NULL)
        fail_msg("%s", f.error.text);
    assert_int_equal(f.out.size, 0);
    assert_int_equal(f.memory.allocations, 0);
    assert_int_equal(rp_h1_request_write(&f.out, &f.request, NULL), RP_E_BAD_HEADER);
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
        {{"Content-Length", ""}, "differs from the body's length"},
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
    f.request.has_body = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f.request.method = cases[i].method;
        assert_refused(cases[i].sentence);
    }
    f.request.method = "GET";
    f.request.user_agent = "a\r\nb";
    assert_refused("the request header \"User-Agent\" has a control character in its value");
}

/* Around the size of the buffer on the stack, and far beyond it. */
static void test_every_size(void **state)
{
    static char value[20000];
    static char expected[21000];
    (void)state;
    for (size_t size = 900; size < sizeof(value); size += size < 1200 ? 1 : 997) {
        memset(value, 'v', size);
        value[size] = '\0';
        rp_header headers[] = {{"A", value}, {"B", "b"}};
        use_headers(headers, 2);
        snprintf(expected, sizeof(expected),
                 "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1\r\nAccept: */*\r\nA: %s\r\n"
                 "B: b\r\n\r\n",
                 value);
        assert_string_equal(written(), expected);
    }
}

static void test_appends(void **state)
{
    static char value[9000];
    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    rp_header header = {"A", value};
    assert_true(rp_chain_append(&f.out, "before", 6));
    use_headers(&header, 1);
    assert_memory_equal(written(), "beforeGET / ", 12);
}

/* Whatever allocation fails, out holds what it held. */
static void test_no_memory(void **state)
{
    static char value[10000];
    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    rp_header header = {"A", value};
    for (int large = 0; large < 2; large++) {
        unsigned failures = 0;
        use_headers(&header, (size_t)large);
        for (uint64_t nth = 1;; nth++) {
            rp_chunk_pool_clear(&f.pool);
            f.memory.fail_in = nth;
            if (rp_h1_request_write(&f.out, &f.request, &f.error) == RP_OK)
                break;
            failures++;
            assert_int_equal(f.error.status, RP_E_NO_MEMORY);
            assert_int_equal(f.out.size, 0);
        }
        f.memory.fail_in = 0;
        assert_int_equal(failures, large ? 3 : 1);
        assert_memory_equal(taken(), "GET / ", 6);
    }
}

static void test_idempotent(void **state)
{
    (void)state;
    assert_true(rp_method_idempotent("GET"));
    assert_true(rp_method_idempotent("HEAD"));
    assert_true(rp_method_idempotent("PUT"));
    assert_true(rp_method_idempotent("DELETE"));
    assert_true(rp_method_idempotent("OPTIONS"));
    assert_true(rp_method_idempotent("TRACE"));
    assert_false(rp_method_idempotent("POST"));
    assert_false(rp_method_idempotent("PATCH"));
    assert_false(rp_method_idempotent("get"));
    assert_false(rp_method_idempotent("GETX"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_target_and_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_headers_replace_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_of_equal_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_suppresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_framing_may_be_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_methods, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test(test_idempotent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
