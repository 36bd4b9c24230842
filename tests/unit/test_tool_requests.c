/* test_tool_requests.c - the file of requests of `ringport load`: what its lines mean, and what is
 * said of those that mean nothing. */
#include "exit_code.h"
#include "request_list.h"
#include "support/check.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int read_text(request_list *list, const char *text, size_t size)
{
    memset(list, 0, sizeof(*list));
    return request_list_read(list, files_write("list", text, size));
}

static void test_lines(void **state)
{
    (void)state;
    char text[1024];
    request_list list;
    const char *file = files_write("body", "from a file\n", 12);
    int size = snprintf(text, sizeof(text),
                        "# a comment\r\n\n  # another\nhttp://a/?x=y#z\r\n"
                        "POST http://b/ {\"n\": \"a b\"}  \n\tContent-Type:application/json \t\n"
                        "   X-Empty:\n\nhttp://c/ @%s\nPUT\thttp://d/   @%s\n  Host: e\n"
                        "DELETE http://f/",
                        file, file);
    assert_int_equal(read_text(&list, text, (size_t)size), EXIT_OK);
    assert_int_equal(list.count, 5);
    assert_int_equal(list.body_count, 1); /* read once */
    static const rp_header of_all[] = {{"x-empty", "1"}, {"Content-Length", ""}, {"B", "2"}};
    static const struct {
        const char *method, *url, *body;
        size_t line, headers;
    } wanted[] = {{NULL, "http://a/?x=y#z", NULL, 4, 3},
                  {"POST", "http://b/", "{\"n\": \"a b\"}  ", 5, 3},
                  {NULL, "http://c/", "from a file\n", 9, 2},
                  {"PUT", "http://d/", "from a file\n", 10, 3},
                  {"DELETE", "http://f/", NULL, 12, 3}};
    for (size_t i = 0; i < list.count; i++) {
        rp_header headers[8];
        rp_request_options o = {.headers = of_all, .header_count = 3};
        request_list_apply(&list, i, &o, headers);
        assert_string_equal(o.url, wanted[i].url);
        assert_true((o.method == NULL) == (wanted[i].method == NULL));
        if (o.method != NULL)
            assert_string_equal(o.method, wanted[i].method);
        assert_true((o.body == NULL) == (wanted[i].body == NULL));
        if (o.body != NULL) {
            assert_int_equal(o.body_size, strlen(wanted[i].body));
            assert_memory_equal(o.body, wanted[i].body, o.body_size);
        }
        assert_int_equal(list.requests[i].line, wanted[i].line);
        assert_int_equal(o.header_count, wanted[i].headers);
        assert_string_equal(o.headers[0].name, i == 1 ? "B" : "x-empty");
    }
    rp_header headers[8];
    rp_request_options o = {.headers = of_all, .header_count = 3};
    request_list_apply(&list, 1, &o, headers);
    assert_string_equal(o.headers[1].value, "application/json");
    assert_string_equal(o.headers[2].name, "X-Empty");
    assert_string_equal(o.headers[2].value, "");
    request_list_free(&list);
}

static void assert_refused(const char *text, size_t size, int code, const char *sentence)
{
    request_list list;
    int got = read_text(&list, text, size);
    if (got != code || strstr(list.message, sentence) == NULL)
        fail_msg("%d, \"%s\" for \"%.60s\"", got, list.message, text);
    request_list_free(&list);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
        int code;
    } cases[] = {
        {"", "there is no request in it", EXIT_USAGE},
        {"\n# http://a/\n", "there is no request in it", EXIT_USAGE},
        {" A: b\nhttp://a/\n", "line 1: a header field, and no request above it", EXIT_USAGE},
        {"http://a/\n\n A b", "line 3: a header field is \"Name: value\", not \"A b\"", EXIT_USAGE},
        {"http://a/\n A b: c", "line 2: \"A b\" can't be a header field's name", EXIT_USAGE},
        {"http://a/\n : c", "line 2: \"\" can't be a header field's name", EXIT_USAGE},
        {"GET", "line 1: a request is \"[METHOD] URL [BODY]\"", EXIT_USAGE},
        {"G(T http://a/", "line 1: a request is \"[METHOD] URL [BODY]\"", EXIT_USAGE},
        {"a.example\n", "line 1: a request is", EXIT_USAGE},
        {"GET a.example/x\n", "line 1: ", EXIT_URL},
        {"http://a/\nftp://a/\n", "line 2: ", EXIT_URL},
        {"http://user:s3cr3t@/\n", "line 1: ", EXIT_URL},
        {"http://a/\nhttp://b/ @/nonexistent/file\n", "line 2: /nonexistent/file: ", EXIT_READ},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].code, cases[i].sentence);
    assert_refused("http://a/\nhttp\0://b/\n", 21, EXIT_USAGE, "line 2: a byte 0 is no text");
    request_list list = {.count = 0};
    assert_int_equal(request_list_read(&list, "/nonexistent/list"), EXIT_READ);
    assert_non_null(strstr(list.message, "/nonexistent/list: "));
    request_list_free(&list);
}

static void test_limits(void **state)
{
    (void)state;
    static char text[2 * 1024 * 1024];
    request_list list;
    int begin = snprintf(text, sizeof(text), "http://a/ ");
    memset(text + begin, 'x', REQUEST_LINE_LIMIT);
    text[REQUEST_LINE_LIMIT - 1] = '\n'; /* which counts */
    assert_int_equal(read_text(&list, text, REQUEST_LINE_LIMIT), EXIT_OK);
    request_list_free(&list);
    text[REQUEST_LINE_LIMIT - 1] = 'x';
    text[REQUEST_LINE_LIMIT] = '\n';
    assert_refused(text, REQUEST_LINE_LIMIT + 1, EXIT_USAGE, "line 1: longer than 65536 bytes");

    size_t size = 0;
    size += (size_t)snprintf(text, sizeof(text), "http://a/\n");
    for (unsigned i = 0; i <= REQUEST_FIELDS_LIMIT; i++) {
        if (i == REQUEST_FIELDS_LIMIT) {
            assert_int_equal(read_text(&list, text, size), EXIT_OK);
            request_list_free(&list);
        }
        size += (size_t)snprintf(text + size, sizeof(text) - size, " A%u: b\n", i);
    }
    assert_refused(text, size, EXIT_USAGE, "line 66: more than 64 header fields");

    for (unsigned i = 0; i <= REQUEST_LIST_LIMIT; i++)
        memcpy(text + (size_t)i * 10, "http://a/\n", 10);
    assert_int_equal(read_text(&list, text, (size_t)REQUEST_LIST_LIMIT * 10), EXIT_OK);
    assert_int_equal(list.count, REQUEST_LIST_LIMIT);
    request_list_free(&list);
    assert_refused(text, (size_t)REQUEST_LIST_LIMIT * 10 + 10, EXIT_USAGE,
                   "line 100001: more than 100000 requests");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("tool_requests", tests, NULL, NULL);
}
