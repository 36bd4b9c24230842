/* test_h1_request.c - request heads, byte for byte. */
#include "http/h1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    rp_url url;
    rp_message_source source;
    uint8_t packed[64 * 1024];
    char text[64 * 1024];
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

/* What was packed says how long it gets, at the most and not by far. */
static const char *written(void)
{
    rp_message message;
    assert_int_equal(rp__message_pack(&message, &f.source, f.packed, sizeof(f.packed), NULL),
                     RP_OK);
    size_t bound = rp__h1_request_bound(&message, NULL);
    assert_true(bound < sizeof(f.text));
    memset(f.text, '!', sizeof(f.text));
    size_t size = rp__h1_request_write(&message, NULL, (uint8_t *)f.text);
    assert_true(size <= bound);
    assert_int_equal(f.text[size], '!');
    f.text[size] = '\0';
    return f.text;
}

static void use_headers(const rp_header *headers, size_t count)
{
    f.source.headers = headers;
    f.source.header_count = count;
}

static void use_url(const char *text)
{
    assert_int_equal(rp__url_parse(&f.url, text, strlen(text), NULL), RP_OK);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_string_equal(written(), "GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1\r\n"
                                   "Accept: */*\r\n\r\n");
    f.source.user_agent = rp__user_agent_of("");
    f.source.method = "HEAD";
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

/* The caller's own, to a proxy too. */
static void test_own_target(void **state)
{
    rp_message message;
    (void)state;
    f.source.target = "*";
    assert_string_equal(written(), "GET * HTTP/1.1\r\nHost: h\r\nUser-Agent: ua/1\r\n"
                                   "Accept: */*\r\n\r\n");
    assert_int_equal(rp__message_pack(&message, &f.source, f.packed, sizeof(f.packed), NULL),
                     RP_OK);
    size_t size = rp__h1_request_write(&message, "", (uint8_t *)f.text);
    f.text[size] = '\0';
    assert_memory_equal(f.text, "GET * HTTP/1.1\r\n", 16);
}

/* A proxy's: its credentials first, what else it is to have where curl has it, and nothing that the
 * request has itself. */
static void test_proxy(void **state)
{
    static const rp_header headers[] = {{"accept-encoding", "br"}, {"X-A", "1"}, {"x-b", "2"}};
    static const char lines[] = "Proxy-Authorization: Basic x\r\nUser-Agent: p\r\nX-P: 1\r\n"
                                "X-B: 3\r\nHost: p\r\nAccept: p\r\nx-: 4\r\n";
    rp_message message;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        f.source.headers = headers;
        f.source.header_count = i == 0 ? 3 : 1;
        assert_int_equal(rp__message_pack(&message, &f.source, f.packed, sizeof(f.packed), NULL),
                         RP_OK);
        size_t size = rp__h1_request_write(&message, lines + (i == 0 ? 0 : 30), (uint8_t *)f.text);
        assert_true(size <= rp__h1_request_bound(&message, lines));
        f.text[size] = '\0';
        assert_non_null(strstr(
            f.text, i == 0 ? "\r\nHost: h\r\nProxy-Authorization: Basic x\r\nUser-Agent: ua/1\r\n"
                             "Accept: */*\r\naccept-encoding: br\r\nX-P: 1\r\nx-: 4\r\nX-A: 1\r\n"
                             "x-b: 2\r\n\r\n"
                           : "\r\nHost: h\r\nUser-Agent: ua/1\r\nAccept: */*\r\n"
                             "accept-encoding: br\r\nX-P: 1\r\nX-B: 3\r\nx-: 4\r\n\r\n"));
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
        f.source.method = cases[i].method;
        f.source.has_body = cases[i].has_body;
        f.source.body_size = cases[i].size;
        const char *found = strstr(written(), "Content-Length");
        if (cases[i].length == NULL)
            assert_null(found);
        else
            assert_string_equal(found, cases[i].length);
    }
}

/* Host stands first wherever the caller has it (RFC 9110, 7.2); of no body nothing need be said. */
static void test_order(void **state)
{
    static const rp_header headers[] = {{"A", "1"}, {"Content-Length", ""}, {"HOST", "b"}};
    (void)state;
    use_headers(headers, 3);
    f.source.method = "POST";
    assert_string_equal(written(), "POST / HTTP/1.1\r\nHost: b\r\nUser-Agent: ua/1\r\n"
                                   "Accept: */*\r\nA: 1\r\n\r\n");
}

static void test_headers_replace_defaults(void **state)
{
    static const rp_header headers[] = {
        {"host", "other:1"}, {"USER-AGENT", "mine"}, {"X-Empty", ""},     {"accept", "text/html"},
        {"X-Tab", "a\tb"},   {"X-Utf8", "\xc3\xbc"}, {"X-Empty", "again"}};
    (void)state;
    use_headers(headers, 7);
    assert_string_equal(written(), "GET / HTTP/1.1\r\nHost: other:1\r\nUSER-AGENT: mine\r\n"
                                   "X-Empty:\r\naccept: text/html\r\nX-Tab: a\tb\r\n"
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
    f.source.method = "POST";
    f.source.has_body = true;
    f.source.body_size = 3;
    const char *text = written();
    assert_non_null(strstr(text, "content-length: 3\r\nConnection: Close\r\n\r\n"));
    assert_null(strstr(text, "Content-Length"));
    use_headers(zero, 2);
    f.source.has_body = false;
    assert_non_null(strstr(written(), "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n"));
}

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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults, set_up),
        cmocka_unit_test_setup(test_target_and_host, set_up),
        cmocka_unit_test_setup(test_own_target, set_up),
        cmocka_unit_test_setup(test_proxy, set_up),
        cmocka_unit_test_setup(test_bodies, set_up),
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_headers_replace_defaults, set_up),
        cmocka_unit_test_setup(test_names_of_equal_length, set_up),
        cmocka_unit_test_setup(test_empty_suppresses, set_up),
        cmocka_unit_test_setup(test_own_framing_may_be_said, set_up),
        cmocka_unit_test_setup(test_every_size, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
