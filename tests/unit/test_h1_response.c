/* test_h1_response.c - response parsing. Every case is fed whole, cut at every point, and byte by
 * byte, and must give the same trace each time. */
#include "http/h1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What happened, as text: "H200/11 'OK' 5 [A=b]" a head (i100 an informational one), "B'...'" the
 * body, however it came; then "C" complete, with "+" keep-alive or "-", and "!n" for n unsolicited
 * bytes; "M" for a response that wants more, "F:" and the sentence. */
typedef struct trace {
    char text[16 * 1024];
    size_t size;
    bool in_body;
    unsigned pause; /* ask for it after every callback: */
} trace;

static rp_memory memory;
static rp_h1_scratch scratch;
static rp_h1_limits limits;
static trace current;

static void note(const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(current.text) - current.size;
    if (current.in_body)
        current.text[current.size++] = '\'';
    current.in_body = false;
    va_start(arguments, format);
    int size = vsnprintf(current.text + current.size, room - 1, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < room - 1);
    current.size += (size_t)size;
}

static bool on_head(void *user, const rp_response_head *head)
{
    assert_ptr_equal(user, &current);
    note("%c%d/%d '%s' ", head->informational ? 'i' : 'H', head->status, head->version,
         head->reason);
    if (head->content_length == RP_LENGTH_UNKNOWN)
        note("?");
    else
        note("%llu", (unsigned long long)head->content_length);
    note(" [");
    for (size_t i = 0; i < head->header_count; i++)
        note("%s%s=%s", i > 0 ? ";" : "", head->headers[i].name, head->headers[i].value);
    note("] ");
    return current.pause == 0;
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    assert_ptr_equal(user, &current);
    assert_true(size > 0);
    if (!current.in_body)
        note("B'");
    current.in_body = true;
    assert_true(current.size + size < sizeof(current.text) - 2);
    memcpy(current.text + current.size, data, size);
    current.size += size;
    return current.pause == 0;
}

static void on_trailers(void *user, const rp_header *trailers, size_t count)
{
    assert_ptr_equal(user, &current);
    note("T[");
    for (size_t i = 0; i < count; i++)
        note("%s%s=%.60s", i > 0 ? ";" : "", trailers[i].name, trailers[i].value);
    note("]");
}

static const rp_h1_events events = {on_head, on_body, on_trailers};

static int set_up(void **state)
{
    (void)state;
    rp_memory_init(&memory, (rp_allocator){0});
    rp_h1_scratch_init(&scratch, &memory, NULL);
    limits = (rp_h1_limits){.head_bytes = 4096, .header_count = 16, .informational_count = 3};
    memset(&current, 0, sizeof(current));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rp_h1_scratch_clear(&scratch);
    return memory.live == 0 ? 0 : -1;
}

static rp_h1_parser *create(void)
{
    rp_h1_parser *parser = rp_h1_parser_create(&memory, &scratch, &limits, &events, &current);
    assert_non_null(parser);
    return parser;
}

/* Feeds size bytes, from memory of just that size, on through pauses. */
static rp_h1_result feed(rp_h1_parser *parser, const char *data, size_t size, size_t *used,
                         rp_error *error)
{
    rp_h1_result result = RP_H1_MORE;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    *used = 0;
    do {
        size_t part = 0;
        result = rp_h1_parser_feed(parser, copy + *used, size - *used, &part, error);
        assert_true(part <= size - *used);
        *used += part;
    } while (result == RP_H1_PAUSED && *used < size);
    assert_true(result != RP_H1_PAUSED || current.pause > 0);
    assert_true((result != RP_H1_MORE && result != RP_H1_PAUSED) || *used == size);
    free(copy);
    return result;
}

typedef enum end_kind { END_NONE, END_CLEAN, END_TRUNCATED } end_kind;

/* Feeds data up to first in pieces of step, then the rest at once. */
static void run(rp_h1_parser *parser, bool head_only, const char *data, size_t size, size_t first,
                size_t step, end_kind end)
{
    rp_error error = {0};
    rp_h1_result result = RP_H1_MORE;
    size_t used = 0;
    current.size = 0;
    current.in_body = false;
    rp_h1_parser_start(parser, head_only);
    assert_false(rp_h1_parser_begun(parser));
    while (used < size && (result == RP_H1_MORE || result == RP_H1_PAUSED)) {
        size_t part = used < first ? step : size - used, taken;
        result = feed(parser, data + used, part, &taken, &error);
        used += taken;
        assert_true(rp_h1_parser_begun(parser));
    }
    if (end != END_NONE && result != RP_H1_FAILED)
        result = rp_h1_parser_end(parser, end == END_CLEAN, &error);
    if (result == RP_H1_FAILED)
        note("F:%s/%s %s", rp_status_name(error.status), rp_phase_name(error.phase), error.text);
    else if (result == RP_H1_COMPLETE)
        note("C%c", rp_h1_parser_keep_alive(parser) ? '+' : '-');
    else
        note("M");
    if (result == RP_H1_COMPLETE && used < size)
        note("!%zu", size - used);
    current.text[current.size] = '\0';
}

static void expect(const char *expected, const char *data, size_t size)
{
    if (strcmp(current.text, expected) != 0)
        fail_msg("%.*s\n gave     %s\n expected %s", (int)size, data, current.text, expected);
}

/* A parser that failed is of no further use. */
static void run_alone(const char *data, size_t size, size_t first, size_t step, end_kind end,
                      bool head_only, const char *expected)
{
    rp_h1_parser *parser = create();
    run(parser, head_only, data, size, first, step, end);
    rp_h1_parser_destroy(parser);
    expect(expected, data, size);
}

static void check_bytes(const char *data, size_t size, end_kind end, bool head_only,
                        const char *expected)
{
    for (current.pause = 0; current.pause < 2; current.pause++) {
        run_alone(data, size, 0, 0, end, head_only, expected);
        run_alone(data, size, size, 1, end, head_only, expected);
        for (size_t cut = 1; cut < size; cut++)
            run_alone(data, size, cut, cut, end, head_only, expected);
    }
    current.pause = 0;
    /* Nothing of an earlier response is left behind. */
    if (strstr(expected, "F:") == NULL && expected[strlen(expected) - 1] != 'M') {
        rp_h1_parser *parser = create();
        for (int i = 0; i < 3; i++) {
            run(parser, head_only, data, size, 0, 0, end);
            expect(expected, data, size);
        }
        rp_h1_parser_destroy(parser);
    }
}

static void check(const char *data, end_kind end, bool head_only, const char *expected)
{
    check_bytes(data, strlen(data), end, head_only, expected);
}

/* A response without an end of the connection, to anything but HEAD. */
static void ok(const char *data, const char *expected)
{
    check(data, END_NONE, false, expected);
}

static void bad(const char *data, const char *sentence)
{
    char expected[1024];
    snprintf(expected, sizeof(expected), "F:RP_E_BAD_RESPONSE/head %s", sentence);
    check(data, END_NONE, false, expected);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_TRACE "H200/11 'OK' ? [Transfer-Encoding=chunked] "

static void test_heads(void **state)
{
    (void)state;
    ok(OK "Content-Length: 0\r\n\r\n", "H200/11 'OK' 0 [Content-Length=0] C+");
    ok("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "H200/11 '' 0 [Content-Length=0] C+");
    ok("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "H200/11 '' 0 [Content-Length=0] C+");
    ok("HTTP/1.1 999 \t\xc3\xbc Oh  no!\r\nContent-Length: 0\r\n\r\n",
       "H999/11 '\t\xc3\xbc Oh  no!' 0 [Content-Length=0] C+");
    ok(OK "A:b\r\nB: \t c d \t \r\nC:\r\nD: \r\nA: :\x80\"\r\nContent-Length: 0 \r\n\r\n",
       "H200/11 'OK' 0 [A=b;B=c d;C=;D=;A=:\x80\";Content-Length=0] C+");
    ok(OK "!#$%&'*+-.^_`|~09azAZ: x\r\ncontent-LENGTH: 0\r\n\r\n",
       "H200/11 'OK' 0 [!#$%&'*+-.^_`|~09azAZ=x;content-LENGTH=0] C+");
    ok(OK "A: b\r\n", "M");
    ok("H", "M");
}

static void test_lengths(void **state)
{
    (void)state;
    ok(OK "Content-Length: 5\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    ok(OK "Content-Length: 0005\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=0005] B'hello'C+");
    ok(OK "Content-Length: 5\r\n\r\nhell", "H200/11 'OK' 5 [Content-Length=5] B'hell'M");
    ok(OK "Content-Length: 9223372036854775807\r\n\r\nx",
       "H200/11 'OK' 9223372036854775807 [Content-Length=9223372036854775807] B'x'M");
    bad(OK "Content-Length: 9223372036854775808\r\n\r\nx",
        "the server's Content-Length is absurdly large");
}

static void test_chunks(void **state)
{
    (void)state;
    ok(CHUNKED "5\r\nhello\r\n0\r\n\r\n", CHUNKED_TRACE "B'hello'C+");
    ok(CHUNKED "0\r\n\r\n", CHUNKED_TRACE "C+");
    ok(CHUNKED "0005\r\nhello\r\n1\r\n\n\r\nA\r\n0123456789\r\n000\r\n\r\n",
       CHUNKED_TRACE "B'hello\n0123456789'C+");
    ok(CHUNKED "1;a=b;c=\"d\\\"e\";f\r\nx\r\n0;g\r\n\r\n", CHUNKED_TRACE "B'x'C+");
    ok(CHUNKED "1\r\nx\r\n0\r\nTrailer: x\r\nConnection: close\r\nTransfer-Encoding: gzip\r\n\r\n",
       CHUNKED_TRACE "B'x'T[Trailer=x;Connection=close;Transfer-Encoding=gzip]C+");
    ok(CHUNKED "1\r\nx\r\n0\r\nA:\r\nB: \t b  c \t\r\nC:c\r\n\r\nx",
       CHUNKED_TRACE "B'x'T[A=;B=b  c;C=c]C+!1");
    ok(CHUNKED "1\r\nx\r\n0\r\n", CHUNKED_TRACE "B'x'M");
    ok(OK "transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n",
       "H200/11 'OK' ? [transfer-encoding=CHUNKED] C+");
}

static void test_no_body(void **state)
{
    (void)state;
    check(OK "Content-Length: 5\r\n\r\n", END_NONE, true, "H200/11 'OK' 5 [Content-Length=5] C+");
    check(CHUNKED, END_NONE, true, CHUNKED_TRACE "C+");
    check(OK "\r\n", END_NONE, true, "H200/11 'OK' ? [] C+");
    ok("HTTP/1.1 204 No\r\n\r\n", "H204/11 'No' 0 [] C+");
    ok("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc", "H204/11 'No' 3 [Content-Length=3] C+!3");
    ok("HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\n", "H304/11 'Same' 3 [Content-Length=3] C+");
    ok("HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
       "H304/11 'Same' 0 [Transfer-Encoding=chunked] C+");
}

static void test_until_end(void **state)
{
    (void)state;
    ok(OK "\r\nabc", "H200/11 'OK' ? [] B'abc'M");
    check(OK "\r\nabc", END_CLEAN, false, "H200/11 'OK' ? [] B'abc'C-");
    check(OK "\r\n", END_CLEAN, false, "H200/11 'OK' ? [] C-");
    check(OK "\r\nabc", END_TRUNCATED, false,
          "H200/11 'OK' ? [] B'abc'F:RP_E_BODY_TRUNCATED/body the connection ended without "
          "close_notify after 3 bytes of a body that only the connection's end delimits: it may be "
          "cut off");
}

static void test_ends(void **state)
{
    (void)state;
    for (end_kind end = END_CLEAN; end <= END_TRUNCATED; end++) {
        check("", end, false,
              "F:RP_E_CLOSED_EARLY/head the server closed the connection without an answer");
        check("HTTP/1.1 200", end, false,
              "F:RP_E_BODY_TRUNCATED/head the server closed the connection before the response's "
              "head was complete");
        check("HTTP/1.1 100 C\r\n\r\n", end, false,
              "i100/11 'C' 0 [] F:RP_E_BODY_TRUNCATED/head the server closed the connection before "
              "the response's head was complete");
        check(
            OK "Content-Length: 5\r\n\r\nhel", end, false,
            "H200/11 'OK' 5 [Content-Length=5] B'hel'F:RP_E_BODY_TRUNCATED/body the server closed "
            "the connection after 3 of the body's 5 bytes");
        check(CHUNKED "3\r\nhel\r\n0\r\n", end, false,
              CHUNKED_TRACE "B'hel'F:RP_E_BODY_TRUNCATED/body the server closed the connection "
                            "after 3 bytes of the body, before its last chunk");
        check(OK "Content-Length: 1\r\n\r\nx", end, false,
              "H200/11 'OK' 1 [Content-Length=1] B'x'C+");
    }
}

/* RFC 9112, 9.3 */
static void test_keep_alive(void **state)
{
    static const struct {
        const char *version, *headers;
        char expected;
    } cases[] = {
        {"1.1", "", '+'},
        {"1.1", "Connection: keep-alive\r\n", '+'},
        {"1.1", "Transfer-Enchants: close\r\n", '+'},
        {"1.1", "Connection: close\r\n", '-'},
        {"1.1", "connection: foo , Close,bar\r\n", '-'},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", '-'},
        {"1.1", "Connection: closed\r\n", '+'},
        {"1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", '+'},
        {"1.0", "", '-'},
        {"1.0", "Connection: Keep-Alive\r\n", '+'},
        {"1.0", "Connection: keep-alive, close\r\n", '-'},
        {"1.0", "Proxy-Connection: keep-alive\r\n", '-'},
        {"1.0", "Keep-Alive: timeout=5\r\n", '-'},
    };
    char text[256];
    rp_h1_parser *parser = create();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int size = snprintf(text, sizeof(text), "HTTP/%s 200 OK\r\n%sContent-Length: 1\r\n\r\nx",
                            cases[i].version, cases[i].headers);
        run(parser, false, text, (size_t)size, 0, 0, END_NONE);
        assert_int_equal(current.text[current.size - 1], cases[i].expected);
    }
    rp_h1_parser_destroy(parser);
    check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx", END_CLEAN, false,
          "H200/10 'OK' ? [Connection=keep-alive] B'x'C-");
}

/* A response that nobody asked for must not become the answer to the next request. */
static void test_unsolicited(void **state)
{
    (void)state;
    ok(OK "Content-Length: 2\r\n\r\nhi" OK "Content-Length: 4\r\n\r\nevil",
       "H200/11 'OK' 2 [Content-Length=2] B'hi'C+!42");
    ok(CHUNKED "0\r\n\r\n" OK, CHUNKED_TRACE "C+!17");
    ok("HTTP/1.1 204 No\r\n\r\n\r\n", "H204/11 'No' 0 [] C+!2");
    ok(OK "Connection: close\r\nContent-Length: 1\r\n\r\nab",
       "H200/11 'OK' 1 [Connection=close;Content-Length=1] B'a'C-!1");
    check(OK "Content-Length: 5\r\n\r\nhello", END_NONE, true,
          "H200/11 'OK' 5 [Content-Length=5] C+!5");
}

static void test_informational(void **state)
{
    (void)state;
    ok("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx",
       "i100/11 'Continue' 0 [] H200/11 'OK' 1 [Content-Length=1] B'x'C+");
    ok("HTTP/1.1 103 Hints\r\nLink: a\r\nContent-Length: 7\r\n\r\n"
       "HTTP/1.1 199 X\r\nConnection: close\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
       "i103/11 'Hints' 0 [Link=a;Content-Length=7] i199/11 'X' 0 [Connection=close] "
       "i102/11 'P' 0 [] H204/11 'No' 0 [] C+");
    ok("HTTP/1.1 103 A\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
       "i103/11 'A' 0 [Transfer-Encoding=chunked] H204/11 'No' 0 [] C+");
    ok("HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 D\r\n\r\n",
       "i100/11 'A' 0 [] i100/11 'B' 0 [] i100/11 'C' 0 [] F:RP_E_BAD_RESPONSE/head the server "
       "sent "
       "more 1xx responses than the limit allows");
    bad("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "the server switched protocols (101), which nobody asked for");
    ok("HTTP/1.1 100 A\r\n\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
       "i100/11 'A' 0 [] F:RP_E_BAD_RESPONSE/head the server sent an empty line before the "
       "response "
       "(RFC 9112, 2.1)");
}

static void test_status_lines(void **state)
{
    static const char not_http[] =
        "the server's answer is not HTTP/1.1: it does not begin with \"HTTP/\"";
    static const char version[] =
        "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1";
    static const char status[] =
        "the server's status is not three digits and a space (RFC 9112, 4)";
    (void)state;
    bad("SSH-2.0-OpenSSH_9.2\r\n", not_http);
    bad("http/1.1 200 OK\r\n\r\n", not_http);
    bad("HTTQ/1.1 200 OK\r\n\r\n", not_http);
    bad("ICY 200 OK\r\n\r\n", not_http);
    bad("<html>", not_http);
    bad("\r\n" OK "\r\n", "the server sent an empty line before the response (RFC 9112, 2.1)");
    bad("\n" OK "\r\n", "the server sent an empty line before the response (RFC 9112, 2.1)");
    bad("HTTP/0.9 200 OK\r\n\r\n", version);
    bad("HTTP/1.2 200 OK\r\n\r\n", version);
    bad("HTTP/2.0 200 OK\r\n\r\n", version);
    bad("HTTP/2 200\r\n\r\n", version);
    bad("HTTP/11.1 200 OK\r\n\r\n", version);
    bad("HTTP/1.1  200 OK\r\n\r\n", status);
    bad("HTTP/1.1 20 OK\r\n\r\n", status);
    bad("HTTP/1.1 2000 OK\r\n\r\n", status);
    bad("HTTP/1.1 200OK\r\n\r\n", status);
    bad("HTTP/1.1 -20 OK\r\n\r\n", status);
    bad("HTTP/1.1 099 OK\r\n\r\n", "the server sent a status below 100 (RFC 9110, 15)");
    bad("HTTP/1.1 200 O\x01K\r\n\r\n",
        "the server sent a control character in the reason phrase (RFC 9112, 4)");
}

static void test_line_ends(void **state)
{
    static const char lf[] =
        "the server ended a line with LF alone instead of CRLF (RFC 9112, 2.2)";
    static const char cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";
    (void)state;
    bad("HTTP/1.1 200 OK\n\r\n", lf);
    bad(OK "A: b\n\r\n", lf);
    bad(OK "A: b\r\n\nX", lf);
    bad(OK "\nX", lf);
    bad("HTTP/1.1 200 O\rK\r\n\r\n", cr);
    bad("HTTP/1.1 200 OK\r\rA: b\r\n\r\n", cr);
    bad("HTTP/1.1 200 OK\r\r\r\n\r\n", cr);
    bad("HTTP/1.1 200 OK\r\r\n\nA: b\r\n\r\n", cr);
    bad(OK "A: b\rc\r\n\r\n", cr);
    bad(OK "A: b\r\r\n\r\n", cr);
    bad(OK "A: b\r\n\rX", cr);
}

static void test_header_lines(void **state)
{
    static const char before_first[] =
        "the server sent whitespace before the first header (RFC 9112, 2.2)";
    static const char before_colon[] =
        "the server sent whitespace between a header's name and its colon (RFC 9112, 5.1)";
    static const char control[] =
        "the server sent a control character in a header's value (RFC 9110, 5.5)";
    static const char no_token[] =
        "the server sent a header name that is not a token (RFC 9110, 5.1)";
    static const char no_colon[] = "the server sent a header line without a colon (RFC 9112, 5)";
    (void)state;
    bad(OK " A: b\r\n\r\n", before_first);
    bad(OK "\tA: b\r\n\r\n", before_first);
    bad(OK " \r\nA: b\r\n\r\n", before_first);
    bad(OK "A : b\r\n\r\n", before_colon);
    bad(OK "Content-Length : 5\r\n\r\n", before_colon);
    bad(OK "Transfer-Encoding\t: chunked\r\n\r\n", before_colon);
    bad(OK "A: b\x01"
           "c\r\n\r\n",
        control);
    bad(OK "A:\x7f\r\n\r\n", control);
    bad(OK "A: b: \x1f\r\n\r\n", control);
    bad(OK "A(: b\r\n\r\n", no_token);
    bad(OK "\xc3\xbc: b\r\n\r\n", no_token);
    bad(OK "A: b\r\n\x01: b\r\n\r\n", no_token);
    bad(OK "A\r\n\r\n", no_colon);
    bad(OK ": b\r\n\r\n", "the server sent a header without a name (RFC 9112, 5)");
    bad(OK "A: b\r\n:\r\n\r\n", "the server sent a header without a name (RFC 9112, 5)");
}

/* RFC 9112, 5.2: blanks take the place of a fold. It is a fold only between a header's lines. */
static void test_folds(void **state)
{
    static const char control[] =
        "the server sent a control character in a header's value (RFC 9110, 5.5)";
    static const char no_colon[] = "the server sent a header line without a colon (RFC 9112, 5)";
    static const char framing[] =
        "the server folded Content-Length or Transfer-Encoding over lines (RFC 9112, 5.2)";
    static const char cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";
    static const char lf[] =
        "the server ended a line with LF alone instead of CRLF (RFC 9112, 2.2)";
    (void)state;
    ok(OK "A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [A=b   c;Content-Length=0] C+");
    ok(OK "A: b\r\n\tc\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [A=b  \tc;Content-Length=0] C+");
    ok(OK "A:\r\n b\r\n\t\r\n  c: d\r\n \r\nB: e\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [A=b  \t    c: d;B=e;Content-Length=0] C+");
    ok(OK "A:\r\n \r\nContent-Length: 0\r\n\r\n", "H200/11 'OK' 0 [A=;Content-Length=0] C+");
    ok(OK "Content-Length: 1\r\nA: b\r\n c\r\n\r\n d",
       "H200/11 'OK' 1 [Content-Length=1;A=b   c] B' 'C+!1");
    ok("HTTP/1.1 100 C\r\nA: b\r\n c\r\n\r\nHTTP/1.1 204 N\r\nA: b\r\n d\r\n\r\n E: f\r\n",
       "i100/11 'C' 0 [A=b   c] H204/11 'N' 0 [A=b   d] C+!7");
    /* What a fold hides counts, and what it only looks like does not. */
    ok(OK "Connection: keep-alive,\r\n\tclose\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [Connection=keep-alive,  \tclose;Content-Length=0] C-");
    ok(OK "A: b\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [A=b   Content-Length: 5;Content-Length=0] C+");
    bad(OK "Content-Length: 1\r\n 0\r\n\r\n", framing);
    bad(OK "Content-Length:\r\n 5\r\n\r\n", framing);
    bad(OK "content-length: 5\r\n \r\n\r\n", framing);
    bad(OK "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n", framing);
    bad(OK "transfer-encoding:\r\n\tchunked\r\n\r\n", framing);
    bad("HTTP/1.1 200 O\r\n K\r\n\r\n",
        "the server sent whitespace before the first header (RFC 9112, 2.2)");
    bad("HTTP/1.1\r\n 200 OK\r\n\r\n",
        "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1");
    bad(OK "A\r\n : b\r\n\r\n", no_colon);
    bad(OK "A: b\r\n \r\nc\r\n\r\n", no_colon);
    bad(OK "A: b\r\n \x01\r\n\r\n", control);
    bad(OK "A: b\r\n\x01\r\n\r\n",
        "the server sent a header name that is not a token (RFC 9110, 5.1)");
    bad(OK "A: b\r\n c\rd\r\n\r\n", cr);
    bad(OK "A: b\r\n\r c\r\n\r\n", cr);
    bad(OK "A: b\r\r\n c\r\n\r\n", cr);
    bad(OK "A: b\n c\r\n\r\n", lf);
    bad(OK "A: b\r\n c\n\r\n", lf);
    bad(OK "A: b\r\n c\r\n\n", lf);
    check(OK "A: b\r\n c\r\n", END_CLEAN, false,
          "F:RP_E_BODY_TRUNCATED/head the server closed the connection before the response's head "
          "was complete");
    /* Trailers are headers. */
    ok(CHUNKED "1\r\nx\r\n0\r\nA: b\r\n c\r\nB:\r\n\t\r\n\r\n\r\n",
       CHUNKED_TRACE "B'x'T[A=b   c;B=]C+!2");
    ok(CHUNKED "0\r\nA: b\r\n Content-Length: 5\r\n\r\n x",
       CHUNKED_TRACE "T[A=b   Content-Length: 5]C+!2");
}

/* RFC 9110, 5.6.3: tabs are white space as spaces are. */
static void test_tabs(void **state)
{
    static const char before_colon[] =
        "the server sent whitespace between a header's name and its colon (RFC 9112, 5.1)";
    (void)state;
    ok(OK "Content-Length:\t5\t\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    ok(OK "Content-Length: \t 5 \t\t\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    ok(OK "Transfer-Encoding:\tchunked\t \r\n\r\n1\r\nx\r\n0\r\n\r\n", CHUNKED_TRACE "B'x'C+");
    ok(OK "Connection:\tclose\t\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [Connection=close;Content-Length=0] C-");
    ok(OK "Connection: a\t,\tclose\t,\tb\r\nContent-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [Connection=a\t,\tclose\t,\tb;Content-Length=0] C-");
    ok(CHUNKED "0\r\nA:\tb\tc\t\r\n\r\n", CHUNKED_TRACE "T[A=b c]C+");
    bad(OK "Content-Length\t: 5\r\n\r\n", before_colon);
    bad(OK "Content-Length: 5\t5\r\n\r\n",
        "the server's Content-Length is not one decimal number (RFC 9110, 8.6)");
    bad("HTTP/1.1\t200 OK\r\n\r\n",
        "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1");
}

/* RFC 9112, 6.3: the same length said again is no other. */
static void test_repeated_lengths(void **state)
{
    static const char differ[] = "the server sent Content-Lengths that differ (RFC 9112, 6.3)";
    static const char number[] =
        "the server's Content-Length is not one decimal number (RFC 9110, 8.6)";
    (void)state;
    ok(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "H200/11 'OK' 5 [Content-Length=5;Content-Length=5] B'hello'C+");
    ok(OK "Content-Length: 5, 5\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5, 5] B'hello'C+");
    ok(OK "Content-Length: 5\t,5 ,\t05\r\nA: b\r\ncontent-length:5\r\n\r\nhello",
       "H200/11 'OK' 5 [Content-Length=5\t,5 ,\t05;A=b;content-length=5] B'hello'C+");
    check(OK "Content-Length: 5, 5\r\n\r\n", END_NONE, true,
          "H200/11 'OK' 5 [Content-Length=5, 5] C+");
    ok("HTTP/1.1 103 H\r\nContent-Length: 7\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
       "i103/11 'H' 0 [Content-Length=7] H200/11 'OK' 0 [Content-Length=0] C+");
    ok(OK "Content-Lengthy: 5\r\nContent-Lengt: 6\r\nContent-Lengt-: 7\r\nX-Content-Length: 8\r\n"
          "Content-Length: 0\r\n\r\n",
       "H200/11 'OK' 0 [Content-Lengthy=5;Content-Lengt=6;Content-Lengt-=7;X-Content-Length=8;"
       "Content-Length=0] C+");
    bad(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", differ);
    bad(OK "Content-Length: 5\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", differ);
    bad(OK "Content-Length: 0, 5\r\n\r\n", differ);
    bad(OK "Content-Length: 5, 5\r\nContent-Length: 5, 50\r\n\r\n", differ);
    bad("HTTP/1.1 304 N\r\nContent-Length: 5, 6\r\n\r\n", differ);
    bad(OK "Content-Length: 5,\r\n\r\n", number);
    bad(OK "Content-Length: ,5\r\n\r\n", number);
    bad(OK "Content-Length: 5,,5\r\n\r\n", number);
    bad(OK "Content-Length: 5;5\r\n\r\n", number);
    bad(OK "Content-Length: 5\r\nContent-Length:\r\n\r\n", number);
    bad(OK "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "the server sent both Content-Length and Transfer-Encoding (RFC 9112, 6.3)");
}

static void test_nul(void **state)
{
    static const char value[] = OK "A: b\0c\r\n\r\n";
    static const char folded[] = OK "A: b\r\n \0c\r\n\r\n";
    static const char length[] = OK "Content-Length: 1\0\r\n\r\n";
    static const char name[] = OK "A\0: b\r\n\r\n";
    static const char reason[] = "HTTP/1.1 200 O\0K\r\n\r\n";
    (void)state;
    check_bytes(value, sizeof(value) - 1, END_NONE, false,
                "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
                "(RFC 9110, 5.5)");
    check_bytes(folded, sizeof(folded) - 1, END_NONE, false,
                "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
                "(RFC 9110, 5.5)");
    check_bytes(length, sizeof(length) - 1, END_NONE, false,
                "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
                "(RFC 9110, 5.5)");
    check_bytes(name, sizeof(name) - 1, END_NONE, false,
                "F:RP_E_BAD_RESPONSE/head the server sent a header name that is not a token (RFC "
                "9110, 5.1)");
    check_bytes(reason, sizeof(reason) - 1, END_NONE, false,
                "F:RP_E_BAD_RESPONSE/head the server sent a control character in the reason phrase "
                "(RFC 9112, 4)");
}

static void test_framing_conflicts(void **state)
{
    static const char both[] =
        "the server sent both Content-Length and Transfer-Encoding (RFC 9112, 6.3)";
    static const char number[] =
        "the server's Content-Length is not one decimal number (RFC 9110, 8.6)";
    static const char coding[] =
        "the server sent a Transfer-Encoding other than \"chunked\" (RFC 9112, 6.1)";
    (void)state;
    bad(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", both);
    bad(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", both);
    bad(OK "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", both);
    bad(OK "Content-Length: 5 5\r\n\r\n", number);
    bad(OK "Content-Length: +5\r\n\r\n", number);
    bad(OK "Content-Length: -5\r\n\r\n", number);
    bad(OK "Content-Length: 0x5\r\n\r\n", number);
    bad(OK "Content-Length:\r\n\r\n", number);
    bad(OK "Content-Length: 18446744073709551616\r\n\r\n",
        "the server's Content-Length is absurdly large");
    bad(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: chunked, gzip\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: gzip\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: xchunked\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: \"chunked\"\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: chunked;a=b\r\n\r\n", coding);
    bad(OK "Transfer-Encoding:\r\n\r\n", coding);
    bad(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "the server sent more than one Transfer-Encoding (RFC 9112, 6.1)");
    bad("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "the server sent Transfer-Encoding in an HTTP/1.0 response (RFC 9112, 6.1)");
}

static void bad_chunk(const char *body, const char *given, const char *sentence)
{
    char data[512], expected[1024];
    snprintf(data, sizeof(data), CHUNKED "%s", body);
    snprintf(expected, sizeof(expected), CHUNKED_TRACE "%sF:RP_E_BAD_RESPONSE/body %s", given,
             sentence);
    check(data, END_NONE, false, expected);
}

static void test_bad_chunks(void **state)
{
    static const char number[] =
        "the server sent a chunk size that is not a hexadecimal number (RFC 9112, 7.1)";
    static const char crlf[] =
        "the server did not end a chunk's size or data with CRLF (RFC 9112, 7.1)";
    static const char large[] = "the server sent a chunk size that is absurdly large";
    static const char extension[] = "the server sent a malformed chunk extension (RFC 9112, 7.1.1)";
    static const char trailers[] =
        "the server sent malformed trailers behind the last chunk (RFC 9112, 7.1.2)";
    (void)state;
    bad_chunk("x\r\n", "", number);
    bad_chunk(" 1\r\nx", "", number);
    bad_chunk("1 \r\nx", "", number);
    bad_chunk("\r\n1\r\nx", "", number);
    bad_chunk("0x1\r\nx", "", number);
    bad_chunk("-1\r\nx", "", number);
    bad_chunk("1\r\nx\r\n\r\n", "B'x'", number);
    bad_chunk("10000000000000000\r\nx", "", large);
    bad_chunk("8000000000000000\r\nx", "", large);
    bad_chunk("ffffffffffffffff\r\nx", "", large);
    bad_chunk("1\nx\r\n", "", crlf);
    bad_chunk("1\rx\r\n", "", crlf);
    bad_chunk("1\r\nxy\r\n", "B'x'", crlf);
    bad_chunk("1\r\nx\n0\r\n", "B'x'", crlf);
    bad_chunk("1;a=b\nx\r\n", "", crlf);
    bad_chunk("1;;\r\nx\r\n", "", extension);
    bad_chunk("1;a=\"x\ny\"\r\nx\r\n", "", extension);
    bad_chunk("1\r\nx\r\n0\r\nA : b\r\n\r\n", "B'x'", trailers);
    bad_chunk("1\r\nx\r\n0\r\n\nA: b\r\n\r\n", "B'x'", trailers);
    bad_chunk("0\r\n A: b\r\n\r\n", "", trailers);
    bad_chunk("0\r\nA\r\n : b\r\n\r\n", "", trailers);
    bad_chunk("0\r\nA: b\r\n \x01\r\n\r\n", "", trailers);
    bad_chunk("0\r\nContent-Length: 3\r\n\r\n", "",
              "the server sent Content-Length behind the body (RFC 9110, 6.5.1)");
    ok(CHUNKED "7fffffffffffffff\r\nx", CHUNKED_TRACE "B'x'M");
}

/* What lenient_lines allows, and what it does not. */
static void test_lenient_lines(void **state)
{
    static const char number[] =
        "the server sent a chunk size that is not a hexadecimal number (RFC 9112, 7.1)";
    static const char crlf[] =
        "the server did not end a chunk's size or data with CRLF (RFC 9112, 7.1)";
    static const char cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";
    (void)state;
    limits.lenient_lines = true;
    ok("HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\nhello\n",
       "H200/11 'OK' 5 [A=b;Content-Length=5] B'hello'C+!1");
    ok("HTTP/1.1 200 OK\r\nA: b\n c\r\nContent-Length: 0\r\n\n\n",
       "H200/11 'OK' 0 [A=b  c;Content-Length=0] C+!1");
    ok("HTTP/1.1 200 OK\nA: b\n\t\n \r\n c\nContent-Length: 0\n\r\n",
       "H200/11 'OK' 0 [A=b \t     c;Content-Length=0] C+");
    ok("HTTP/1.1 100 C\n\nHTTP/1.1 204 N\n\n\n", "i100/11 'C' 0 [] H204/11 'N' 0 [] C+!1");
    ok(CHUNKED "1\nx\n2;a=b\ny\n\nA\r\n0123456789\r\n0\n\n\n",
       CHUNKED_TRACE "B'xy\n0123456789'C+!1");
    ok(CHUNKED "1 \r\nx\r\n1\t \ny\n01  ;a=b\r\nz\r\n0 \r\nA: b\n\tc\nB: d\n\r\n\r\n",
       CHUNKED_TRACE "B'xyz'T[A=b   c;B=d]C+!2");
    ok(CHUNKED "3\n\n\r\n\r\n0\r\n\r\n", CHUNKED_TRACE "B'\n\r\n'C+");
    bad_chunk("1 0\r\n0123456789abcdef\r\n", "", number);
    bad_chunk("1 x\r\n", "", number);
    bad_chunk(" 1\r\nx", "", number);
    bad_chunk("\n1\r\nx", "", number);
    bad_chunk("1\x0b\r\nx", "", number);
    bad_chunk("1\rx\r\n", "", crlf);
    bad_chunk("1 \rx\r\n", "", crlf);
    bad_chunk("1\r\nxy\r\n", "B'x'", crlf);
    bad_chunk("1\r\nx\r1\r\n", "B'x'", crlf);
    bad_chunk("1\nx\n\n1\r\n", "B'x'", number);
    bad_chunk("1\r\nx \r\n", "B'x'", crlf);
    bad_chunk("1; a=b\r\nx", "", "the server sent a malformed chunk extension (RFC 9112, 7.1.1)");
    bad_chunk("1;a=\"x\ny\"\r\nx\r\n", "",
              "the server sent a malformed chunk extension (RFC 9112, 7.1.1)");
    bad_chunk("0\nContent-Length: 3\n\n", "",
              "the server sent Content-Length behind the body (RFC 9110, 6.5.1)");
    bad("HTTP/1.1 200 O\rK\n\n", cr);
    bad("HTTP/1.1 200 OK\r\r\n\n", cr);
    bad(OK "A: b\r\r\n\n", cr);
    bad(OK "A: b\rc\n\n", cr);
    bad(OK "A: b\n\rX", cr);
    bad("\nHTTP/1.1 200 OK\n\n",
        "the server sent an empty line before the response (RFC 9112, 2.1)");
    bad("HTTP/1.1 200 OK\n A: b\n\n",
        "the server sent whitespace before the first header (RFC 9112, 2.2)");
    bad(OK "A\nB: c\n\n", "the server sent a header line without a colon (RFC 9112, 5)");
    bad(OK "A: b\n:\n\n", "the server sent a header without a name (RFC 9112, 5)");
    bad(OK "A: b\nB : c\n\n",
        "the server sent whitespace between a header's name and its colon (RFC 9112, 5.1)");
    bad(OK "A: b\n c\x01\n\n",
        "the server sent a control character in a header's value (RFC 9110, 5.5)");
    bad(OK "Content-Length: 1\n 0\n\n",
        "the server folded Content-Length or Transfer-Encoding over lines (RFC 9112, 5.2)");
}

/* One of 0, at and above the limit, in several kinds of pieces. */
static void check_limit(const char *data, size_t size, const char *expected)
{
    static const size_t steps[] = {1, 7, 1000, 1 << 20};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        rp_h1_parser *parser = create();
        rp_error error = {0};
        rp_h1_result result = RP_H1_MORE;
        rp_h1_parser_start(parser, false);
        current.size = 0;
        current.in_body = false;
        for (size_t used = 0, part; used < size && result == RP_H1_MORE; used += part) {
            part = size - used < steps[i] ? size - used : steps[i];
            result = feed(parser, data + used, part, &part, &error);
        }
        if (expected == NULL) {
            assert_int_equal(result, RP_H1_COMPLETE);
        } else {
            assert_int_equal(result, RP_H1_FAILED);
            if (strcmp(error.text, expected) != 0)
                fail_msg("%s", error.text);
        }
        rp_h1_parser_destroy(parser);
    }
}

static void test_head_limit(void **state)
{
    static const char large[] = "the server sent a response head larger than the limit allows";
    static char data[8192];
    (void)state;
    for (size_t excess = 0; excess < 2; excess++) {
        memset(data, 'x', sizeof(data));
        memcpy(data, OK "A: ", strlen(OK "A: "));
        const char *rest = "\r\nContent-Length: 3\r\n\r\nabc";
        size_t size = limits.head_bytes + excess + 3;
        memcpy(data + size - strlen(rest), rest, strlen(rest));
        check_limit(data, size, excess == 0 ? NULL : large);
        /* What follows the limit is not looked at. */
        if (excess == 1) {
            data[size - 4] = 'x';
            check_limit(data, size, large);
            check_limit(data, sizeof(data), large);
        }
    }
    /* Each head has the limit to itself. */
    memset(data, 'x', sizeof(data));
    memcpy(data, "HTTP/1.1 100 C\r\nA: ", 19);
    memcpy(data + limits.head_bytes - 4, "\r\n\r\n", 4);
    memcpy(data + limits.head_bytes, "HTTP/1.1 204 N\r\nA: ", 19);
    memcpy(data + limits.head_bytes + 2000, "\r\n\r\n", 4);
    check_limit(data, limits.head_bytes + 2004, NULL);
}

static void test_header_count_limit(void **state)
{
    char data[512];
    (void)state;
    for (uint32_t excess = 0; excess < 2; excess++) {
        size_t size = (size_t)snprintf(data, sizeof(data), "HTTP/1.1 204 No\r\n");
        for (uint32_t i = 0; i < limits.header_count + excess; i++)
            size += (size_t)snprintf(data + size, sizeof(data) - size, "A: %u\r\n", i);
        memcpy(data + size, "\r\n", 2);
        check_limit(data, size + 2,
                    excess == 0 ? NULL : "the server sent more headers than the limit allows");
    }
}

/* A head of folds alone is as long as its bytes, and a header of many lines is one. */
static void test_folds_limit(void **state)
{
    static const char large[] = "the server sent a response head larger than the limit allows";
    static char data[8192];
    (void)state;
    limits.header_count = 1;
    for (size_t excess = 0; excess < 2; excess++) {
        size_t size = strlen("HTTP/1.1 204 N\r\nAb:"), end = limits.head_bytes + excess;
        memcpy(data, "HTTP/1.1 204 N\r\nAb:", size);
        for (; size + 7 <= end; size += 3)
            memcpy(data + size, "\r\n ", 3);
        while (size + 4 < end)
            data[size++] = ' ';
        memcpy(data + size, "\r\n\r\n", 4);
        check_limit(data, end, excess == 0 ? NULL : large);
    }
}

static void test_many_headers(void **state)
{
    static char data[16 * 1024];
    size_t size = (size_t)snprintf(data, sizeof(data), "HTTP/1.1 204 No\r\n");
    (void)state;
    limits.header_count = 1000;
    limits.head_bytes = sizeof(data);
    for (unsigned i = 0; i < 1000; i++)
        size += (size_t)snprintf(data + size, sizeof(data) - size, "A%u: %u\r\n", i, i);
    memcpy(data + size, "\r\n", 2);
    check_limit(data, size + 2, NULL);
}

/* Heads of as many lines as the parser remembers the ends of, of one more and one less. */
static void test_line_counts(void **state)
{
    static char data[1024], expected[1024];
    (void)state;
    limits.header_count = RP_H1_ENDS + 1;
    for (unsigned count = RP_H1_ENDS - 4; count <= RP_H1_ENDS + 1; count++) {
        size_t size = (size_t)snprintf(data, sizeof(data), "HTTP/1.1 204 No\r\n");
        size_t told = (size_t)snprintf(expected, sizeof(expected), "H204/11 'No' 0 [");
        for (unsigned i = 0; i < count; i++) {
            size += (size_t)snprintf(data + size, sizeof(data) - size, "A: %u\r\n", i);
            told += (size_t)snprintf(expected + told, sizeof(expected) - told, "%sA=%u",
                                     i > 0 ? ";" : "", i);
        }
        memcpy(data + size, "\r\n", 3);
        memcpy(expected + told, "] C+", 5);
        ok(data, expected);
    }
}

static void test_framing_limit(void **state)
{
    enum { LIMIT = 16 * 1024 };
    static const char framing[] =
        "the server sent more than 16 KiB of chunk framing or trailers without a body byte";
    static char data[3 * LIMIT];
    size_t head = strlen(CHUNKED);
    (void)state;
    memcpy(data, CHUNKED, head);
    /* Leading zeros of a chunk size, up to its first data byte. */
    for (size_t excess = 0; excess < 2; excess++) {
        size_t end = head + LIMIT + excess;
        memset(data + head, '0', sizeof(data) - head);
        memcpy(data + end - 3, "1\r\nx\r\n0\r\n\r\n", 12);
        check_limit(data, end + 9, excess == 0 ? NULL : framing);
    }
    /* An error behind the limit is not reached. */
    memset(data + head, '0', sizeof(data) - head);
    data[head + LIMIT + 1] = '!';
    check_limit(data, head + LIMIT + 2, framing);
    data[head + LIMIT] = '!';
    check_limit(data, head + LIMIT + 1,
                "the server sent a chunk size that is not a hexadecimal number (RFC 9112, 7.1)");
    /* Trailers. */
    for (size_t excess = 0; excess < 2; excess++) {
        size_t end = head + LIMIT + excess;
        memset(data + head, 't', sizeof(data) - head);
        memcpy(data + head, "0\r\nT: ", 6);
        memcpy(data + end - 4, "\r\n\r\n", 4);
        check_limit(data, end, excess == 0 ? NULL : framing);
    }
    /* Folds among them. */
    for (size_t excess = 0; excess < 2; excess++) {
        size_t end = head + LIMIT + excess;
        memset(data + head, ' ', sizeof(data) - head);
        memcpy(data + head, "0\r\nT: ", 6);
        for (size_t at = head + 6; at + 7 <= end; at += 3)
            memcpy(data + at, "\r\n ", 3);
        memcpy(data + end - 4, "\r\n\r\n", 4);
        check_limit(data, end, excess == 0 ? NULL : framing);
    }
    /* Blanks that are left out. */
    limits.lenient_lines = true;
    for (size_t excess = 0; excess < 2; excess++) {
        size_t end = head + LIMIT + excess;
        memset(data + head, ' ', sizeof(data) - head);
        data[head] = '1';
        memcpy(data + end - 2, "\r\nx\r\n0\r\n\r\n", 10);
        check_limit(data, end + 8, excess == 0 ? NULL : framing);
    }
}

static void test_extension_limit(void **state)
{
    enum { LIMIT = 16 * 1024 };
    static char data[4 * LIMIT];
    (void)state;
    /* A kilobyte of them for a byte of body each: 16 are allowed. */
    for (size_t excess = 0; excess < 2; excess++) {
        size_t size = strlen(CHUNKED);
        memcpy(data, CHUNKED, size);
        for (int i = 0; i < 16; i++) {
            memcpy(data + size, "1;", 2);
            memset(data + size + 2, 'e', 1024);
            memcpy(data + size + 2 + 1024, "\r\nx\r\n", 5);
            size += 2 + 1024 + 5;
        }
        const char *rest = excess == 0 ? "0\r\n\r\n" : "0;e\r\n\r\n";
        memcpy(data + size, rest, strlen(rest));
        check_limit(data, size + strlen(rest),
                    excess == 0 ? NULL : "the server sent more than 16 KiB of chunk extensions");
    }
}

static void test_no_memory(void **state)
{
    static const char text[] = OK "A: b\r\nContent-Length: 1\r\n\r\nx";
    (void)state;
    for (size_t step = 1; step <= sizeof(text) - 1; step += sizeof(text) - 2) {
        for (uint64_t nth = 1;; nth++) {
            rp_h1_scratch_clear(&scratch);
            memory.fail_in = nth;
            rp_h1_parser *parser =
                rp_h1_parser_create(&memory, &scratch, &limits, &events, &current);
            if (parser == NULL) {
                assert_int_equal(nth, 1);
                continue;
            }
            run(parser, false, text, sizeof(text) - 1, sizeof(text) - 1, step, END_NONE);
            rp_h1_parser_destroy(parser);
            if (memory.fail_in > 0)
                break;
            assert_int_equal(memory.live, (scratch.text != NULL) + (scratch.spare != NULL));
            assert_non_null(strstr(current.text, "F:RP_E_NO_MEMORY/head no memory for the"));
        }
        memory.fail_in = 0;
        expect("H200/11 'OK' 1 [A=b;Content-Length=1] B'x'C+", text, sizeof(text) - 1);
    }
}

/* In the steady state a response costs no allocation; an idle parser holds its own block only. */
static void test_steady_state(void **state)
{
    static const char text[] = OK "A: b\r\nContent-Length: 1\r\n\r\nx";
    rp_h1_parser *first = create(), *second = create();
    (void)state;
    run(first, false, text, sizeof(text) - 1, 0, 0, END_NONE);
    run(second, false, text, sizeof(text) - 1, 20, 5, END_NONE); /* a head in parts */
    uint64_t allocations = memory.allocations;
    for (int i = 0; i < 100; i++) {
        run(first, false, text, sizeof(text) - 1, 0, 0, END_NONE);
        run(second, false, text, sizeof(text) - 1, 20, 5, END_NONE);
    }
    assert_int_equal(memory.allocations, allocations);
    /* Two parsers, the scratch's text and headers, and what the parts were kept in. */
    assert_int_equal(memory.live, 5);
    rp_h1_parser_destroy(first);
    rp_h1_parser_destroy(second);
}

/* Two heads in parts at the same time on one loop. */
static void test_interleaved(void **state)
{
    static const char text[] = OK "A: b\r\nContent-Length: 1\r\n\r\nx";
    rp_h1_parser *parsers[2] = {create(), create()};
    rp_error error;
    size_t used;
    (void)state;
    rp_h1_parser_start(parsers[0], false);
    rp_h1_parser_start(parsers[1], false);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        for (int k = 0; k < 2; k++) {
            current.size = 0;
            current.in_body = false;
            rp_h1_result result = feed(parsers[k], text + i, 1, &used, &error);
            assert_int_equal(result, i == sizeof(text) - 2 ? RP_H1_COMPLETE : RP_H1_MORE);
            if (current.size > 10)
                assert_memory_equal(current.text, "H200/11 'OK' 1 [A=b;Content-Length=1] ", 38);
        }
    }
    rp_h1_parser_destroy(parsers[0]);
    rp_h1_parser_destroy(parsers[1]);
}

/* A response in the middle of which the connection is given up leaks nothing. */
static void test_destroyed_midway(void **state)
{
    rp_h1_parser *parser = create();
    rp_error error;
    size_t used;
    (void)state;
    rp_h1_parser_start(parser, false);
    assert_int_equal(feed(parser, OK "A: b", 21, &used, &error), RP_H1_MORE);
    rp_h1_parser_destroy(parser);
    rp_h1_parser_destroy(NULL);
}

/* What comes when no response is expected is our bug, and says so. */
static void test_unexpected(void **state)
{
    (void)state;
    for (int failed = 0; failed < 2; failed++) { /* before a start, after a failure */
        rp_h1_parser *parser = create();
        rp_error error = {0};
        size_t used;
        if (failed)
            run(parser, false, "220 mail\r\n", 10, 0, 1, END_NONE);
        assert_int_equal(feed(parser, "x", 1, &used, &error), RP_H1_FAILED);
        assert_int_equal(error.status, RP_E_INTERNAL);
        assert_string_equal(error.text, "bytes for a parser that expects no response");
        assert_int_equal(rp_h1_parser_end(parser, true, &error), RP_H1_FAILED);
        assert_int_equal(error.status, RP_E_INTERNAL);
        assert_string_equal(error.text, "the end for a parser that expects no response");
        assert_false(rp_h1_parser_keep_alive(parser));
        rp_h1_parser_destroy(parser);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        TEST(test_heads),
        TEST(test_lengths),
        TEST(test_chunks),
        TEST(test_no_body),
        TEST(test_until_end),
        TEST(test_ends),
        TEST(test_keep_alive),
        TEST(test_unsolicited),
        TEST(test_informational),
        TEST(test_status_lines),
        TEST(test_line_ends),
        TEST(test_header_lines),
        TEST(test_folds),
        TEST(test_tabs),
        TEST(test_repeated_lengths),
        TEST(test_nul),
        TEST(test_framing_conflicts),
        TEST(test_bad_chunks),
        TEST(test_lenient_lines),
        TEST(test_head_limit),
        TEST(test_header_count_limit),
        TEST(test_folds_limit),
        TEST(test_many_headers),
        TEST(test_line_counts),
        TEST(test_framing_limit),
        TEST(test_extension_limit),
        TEST(test_no_memory),
        TEST(test_steady_state),
        TEST(test_interleaved),
        TEST(test_destroyed_midway),
        TEST(test_unexpected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
