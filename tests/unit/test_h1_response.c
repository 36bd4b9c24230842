/* test_h1_response.c - response parsing: what is right, the limits, memory, and a parser's life.
 * What breaks a rule is in test_h1_breaches.c. */
#include "support/h1_rig.h"

static void test_heads(void **state)
{
    (void)state;
    h1_ok(OK "Content-Length: 0\r\n\r\n", "H200/11 'OK' 0 [Content-Length=0] C+");
    h1_ok("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "H200/11 '' 0 [Content-Length=0] C+");
    h1_ok("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "H200/11 '' 0 [Content-Length=0] C+");
    h1_ok("HTTP/1.1 999 \t\xc3\xbc Oh  no!\r\nContent-Length: 0\r\n\r\n",
          "H999/11 '\t\xc3\xbc Oh  no!' 0 [Content-Length=0] C+");
    h1_ok(OK "A:b\r\nB: \t c d \t \r\nC:\r\nD: \r\nA: :\x80\"\r\nContent-Length: 0 \r\n\r\n",
          "H200/11 'OK' 0 [A=b;B=c d;C=;D=;A=:\x80\";Content-Length=0] C+");
    h1_ok(OK "!#$%&'*+-.^_`|~09azAZ: x\r\ncontent-LENGTH: 0\r\n\r\n",
          "H200/11 'OK' 0 [!#$%&'*+-.^_`|~09azAZ=x;content-LENGTH=0] C+");
    h1_ok(OK "A: b\r\n", "M");
    h1_ok("H", "M");
}

static void test_lengths(void **state)
{
    (void)state;
    h1_ok(OK "Content-Length: 5\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    h1_ok(OK "Content-Length: 0005\r\n\r\nhello",
          "H200/11 'OK' 5 [Content-Length=0005] B'hello'C+");
    h1_ok(OK "Content-Length: 5\r\n\r\nhell", "H200/11 'OK' 5 [Content-Length=5] B'hell'M");
    h1_ok(OK "Content-Length: 9223372036854775807\r\n\r\nx",
          "H200/11 'OK' 9223372036854775807 [Content-Length=9223372036854775807] B'x'M");
    h1_bad(OK "Content-Length: 9223372036854775808\r\n\r\nx",
           "the server's Content-Length is absurdly large");
}

static void test_chunks(void **state)
{
    (void)state;
    h1_ok(CHUNKED "5\r\nhello\r\n0\r\n\r\n", CHUNKED_TRACE "B'hello'C+");
    h1_ok(CHUNKED "0\r\n\r\n", CHUNKED_TRACE "C+");
    h1_ok(CHUNKED "0005\r\nhello\r\n1\r\n\n\r\nA\r\n0123456789\r\n000\r\n\r\n",
          CHUNKED_TRACE "B'hello\n0123456789'C+");
    h1_ok(CHUNKED "1;a=b;c=\"d\\\"e\";f\r\nx\r\n0;g\r\n\r\n", CHUNKED_TRACE "B'x'C+");
    h1_ok(CHUNKED
          "1\r\nx\r\n0\r\nTrailer: x\r\nConnection: close\r\nTransfer-Encoding: gzip\r\n\r\n",
          CHUNKED_TRACE "B'x'T[Trailer=x;Connection=close;Transfer-Encoding=gzip]C+");
    h1_ok(CHUNKED "1\r\nx\r\n0\r\nA:\r\nB: \t b  c \t\r\nC:c\r\n\r\nx",
          CHUNKED_TRACE "B'x'T[A=;B=b  c;C=c]C+!1");
    h1_ok(CHUNKED "1\r\nx\r\n0\r\n", CHUNKED_TRACE "B'x'M");
    h1_ok(OK "transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n",
          "H200/11 'OK' ? [transfer-encoding=CHUNKED] C+");
}

static void test_no_body(void **state)
{
    (void)state;
    h1_check(OK "Content-Length: 5\r\n\r\n", END_NONE, true,
             "H200/11 'OK' 5 [Content-Length=5] C+");
    h1_check(CHUNKED, END_NONE, true, CHUNKED_TRACE "C+");
    h1_check(OK "\r\n", END_NONE, true, "H200/11 'OK' ? [] C+");
    h1_ok("HTTP/1.1 204 No\r\n\r\n", "H204/11 'No' 0 [] C+");
    h1_ok("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\nabc",
          "H204/11 'No' 3 [Content-Length=3] C+!3");
    h1_ok("HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\n",
          "H304/11 'Same' 3 [Content-Length=3] C+");
    h1_ok("HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
          "H304/11 'Same' 0 [Transfer-Encoding=chunked] C+");
}

static void test_until_end(void **state)
{
    (void)state;
    h1_ok(OK "\r\nabc", "H200/11 'OK' ? [] B'abc'M");
    h1_check(OK "\r\nabc", END_CLEAN, false, "H200/11 'OK' ? [] B'abc'C-");
    h1_check(OK "\r\n", END_CLEAN, false, "H200/11 'OK' ? [] C-");
    h1_check(
        OK "\r\nabc", END_TRUNCATED, false,
        "H200/11 'OK' ? [] B'abc'F:RP_E_BODY_TRUNCATED/body the connection ended without "
        "close_notify after 3 bytes of a body that only the connection's end delimits: it may be "
        "cut off");
}

static void test_ends(void **state)
{
    (void)state;
    for (end_kind end = END_CLEAN; end <= END_TRUNCATED; end++) {
        h1_check("", end, false,
                 "F:RP_E_CLOSED_EARLY/head the server closed the connection without an answer");
        h1_check(
            "HTTP/1.1 200", end, false,
            "F:RP_E_BODY_TRUNCATED/head the server closed the connection before the response's "
            "head was complete");
        h1_check(
            "HTTP/1.1 100 C\r\n\r\n", end, false,
            "i100/11 'C' 0 [] F:RP_E_BODY_TRUNCATED/head the server closed the connection before "
            "the response's head was complete");
        h1_check(
            OK "Content-Length: 5\r\n\r\nhel", end, false,
            "H200/11 'OK' 5 [Content-Length=5] B'hel'F:RP_E_BODY_TRUNCATED/body the server closed "
            "the connection after 3 of the body's 5 bytes");
        h1_check(CHUNKED "3\r\nhel\r\n0\r\n", end, false,
                 CHUNKED_TRACE "B'hel'F:RP_E_BODY_TRUNCATED/body the server closed the connection "
                               "after 3 bytes of the body, before its last chunk");
        h1_check(OK "Content-Length: 1\r\n\r\nx", end, false,
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
    rp_h1_parser *parser = h1_create();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int size = snprintf(text, sizeof(text), "HTTP/%s 200 OK\r\n%sContent-Length: 1\r\n\r\nx",
                            cases[i].version, cases[i].headers);
        h1_run(parser, false, text, (size_t)size, 0, 0, END_NONE);
        assert_int_equal(h1.trace.text[h1.trace.size - 1], cases[i].expected);
    }
    rp__h1_parser_destroy(parser);
    h1_check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx", END_CLEAN, false,
             "H200/10 'OK' ? [Connection=keep-alive] B'x'C-");
}

/* A response that nobody asked for must not become the answer to the next request. */
static void test_unsolicited(void **state)
{
    (void)state;
    h1_ok(OK "Content-Length: 2\r\n\r\nhi" OK "Content-Length: 4\r\n\r\nevil",
          "H200/11 'OK' 2 [Content-Length=2] B'hi'C+!42");
    h1_ok(CHUNKED "0\r\n\r\n" OK, CHUNKED_TRACE "C+!17");
    h1_ok("HTTP/1.1 204 No\r\n\r\n\r\n", "H204/11 'No' 0 [] C+!2");
    h1_ok(OK "Connection: close\r\nContent-Length: 1\r\n\r\nab",
          "H200/11 'OK' 1 [Connection=close;Content-Length=1] B'a'C-!1");
    h1_check(OK "Content-Length: 5\r\n\r\nhello", END_NONE, true,
             "H200/11 'OK' 5 [Content-Length=5] C+!5");
}

static void test_informational(void **state)
{
    (void)state;
    h1_ok("HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx",
          "i100/11 'Continue' 0 [] H200/11 'OK' 1 [Content-Length=1] B'x'C+");
    h1_ok(
        "HTTP/1.1 103 Hints\r\nLink: a\r\nContent-Length: 7\r\n\r\n"
        "HTTP/1.1 199 X\r\nConnection: close\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        "i103/11 'Hints' 0 [Link=a;Content-Length=7] i199/11 'X' 0 [Connection=close] "
        "i102/11 'P' 0 [] H204/11 'No' 0 [] C+");
    h1_ok("HTTP/1.1 103 A\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
          "i103/11 'A' 0 [Transfer-Encoding=chunked] H204/11 'No' 0 [] C+");
    h1_ok(
        "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 D\r\n\r\n",
        "i100/11 'A' 0 [] i100/11 'B' 0 [] i100/11 'C' 0 [] F:RP_E_BAD_RESPONSE/head the server "
        "sent "
        "more 1xx responses than the limit allows");
    h1_bad("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
           "the server switched protocols (101), which nobody asked for");
    h1_ok("HTTP/1.1 100 A\r\n\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
          "i100/11 'A' 0 [] F:RP_E_BAD_RESPONSE/head the server sent an empty line before the "
          "response "
          "(RFC 9112, 2.1)");
}

/* One of 0, at and above the limit, in several kinds of pieces. */
static void check_limit(const char *data, size_t size, const char *expected)
{
    static const size_t steps[] = {1, 7, 1000, 1 << 20};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        rp_h1_parser *parser = h1_create();
        rp_error error = {0};
        rp_h1_result result = RP_H1_MORE;
        rp__h1_parser_start(parser, false);
        h1.trace.size = 0;
        h1.trace.in_body = false;
        for (size_t used = 0, part; used < size && result == RP_H1_MORE; used += part) {
            part = size - used < steps[i] ? size - used : steps[i];
            result = h1_feed(parser, data + used, part, &part, &error);
        }
        if (expected == NULL) {
            assert_int_equal(result, RP_H1_COMPLETE);
        } else {
            assert_int_equal(result, RP_H1_FAILED);
            if (strcmp(error.text, expected) != 0)
                fail_msg("%s", error.text);
        }
        rp__h1_parser_destroy(parser);
    }
}

static void test_head_limit(void **state)
{
    static const char large[] =
        "the server sent a response head larger than the limit (head_limit_bytes)";
    static char data[8192];
    (void)state;
    for (size_t excess = 0; excess < 2; excess++) {
        memset(data, 'x', sizeof(data));
        memcpy(data, OK "A: ", strlen(OK "A: "));
        const char *rest = "\r\nContent-Length: 3\r\n\r\nabc";
        size_t size = h1.limits.head_bytes + excess + 3;
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
    memcpy(data + h1.limits.head_bytes - 4, "\r\n\r\n", 4);
    memcpy(data + h1.limits.head_bytes, "HTTP/1.1 204 N\r\nA: ", 19);
    memcpy(data + h1.limits.head_bytes + 2000, "\r\n\r\n", 4);
    check_limit(data, h1.limits.head_bytes + 2004, NULL);
}

static void test_header_count_limit(void **state)
{
    char data[512];
    (void)state;
    for (uint32_t excess = 0; excess < 2; excess++) {
        size_t size = (size_t)snprintf(data, sizeof(data), "HTTP/1.1 204 No\r\n");
        for (uint32_t i = 0; i < h1.limits.header_count + excess; i++)
            size += (size_t)snprintf(data + size, sizeof(data) - size, "A: %u\r\n", i);
        memcpy(data + size, "\r\n", 2);
        check_limit(data, size + 2,
                    excess == 0
                        ? NULL
                        : "the server sent more headers than the limit (header_count_limit)");
    }
}

/* A limit of which there is no double is one, too. */
static void test_trailer_count_limit(void **state)
{
    static const uint32_t limits[] = {3, 4, UINT32_C(1) << 31, UINT32_MAX};
    static const char data[] = CHUNKED "0\r\nA: 1\r\nB:\r\nC: 3\r\nD: 4\r\n\r\n";
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        h1.limits.header_count = limits[i];
        check_limit(data, sizeof(data) - 1,
                    limits[i] == 3
                        ? "the server sent more trailers than the limit on headers allows"
                        : NULL);
    }
}

/* A head of folds alone is as long as its bytes, and a header of many lines is one. */
static void test_folds_limit(void **state)
{
    static const char large[] =
        "the server sent a response head larger than the limit (head_limit_bytes)";
    static char data[8192];
    (void)state;
    h1.limits.header_count = 1;
    for (size_t excess = 0; excess < 2; excess++) {
        size_t size = strlen("HTTP/1.1 204 N\r\nAb:"), end = h1.limits.head_bytes + excess;
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
    h1.limits.header_count = 1000;
    h1.limits.head_bytes = sizeof(data);
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
    h1.limits.header_count = RP_H1_ENDS + 1;
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
        h1_ok(data, expected);
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
    h1.limits.lenient_lines = true;
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
            rp__h1_scratch_clear(&h1.scratch);
            h1.memory.fail_in = nth;
            rp_h1_parser *parser =
                rp__h1_parser_create(&h1.memory, &h1.scratch, &h1.limits, &h1_events, &h1.trace);
            if (parser == NULL) {
                assert_int_equal(nth, 1);
                continue;
            }
            h1_run(parser, false, text, sizeof(text) - 1, sizeof(text) - 1, step, END_NONE);
            rp__h1_parser_destroy(parser);
            if (h1.memory.fail_in > 0)
                break;
            assert_int_equal(h1.memory.live,
                             (h1.scratch.text != NULL) + (h1.scratch.spare != NULL));
            assert_non_null(strstr(h1.trace.text, "F:RP_E_NO_MEMORY/head no memory for the"));
        }
        h1.memory.fail_in = 0;
        h1_expect("H200/11 'OK' 1 [A=b;Content-Length=1] B'x'C+", text, sizeof(text) - 1);
    }
}

/* In the steady state a response costs no allocation; an idle parser holds its own block only. */
static void test_steady_state(void **state)
{
    static const char text[] = OK "A: b\r\nContent-Length: 1\r\n\r\nx";
    rp_h1_parser *first = h1_create(), *second = h1_create();
    (void)state;
    h1_run(first, false, text, sizeof(text) - 1, 0, 0, END_NONE);
    h1_run(second, false, text, sizeof(text) - 1, 20, 5, END_NONE); /* a head in parts */
    uint64_t allocations = h1.memory.allocations;
    for (int i = 0; i < 100; i++) {
        h1_run(first, false, text, sizeof(text) - 1, 0, 0, END_NONE);
        h1_run(second, false, text, sizeof(text) - 1, 20, 5, END_NONE);
    }
    assert_int_equal(h1.memory.allocations, allocations);
    /* Two parsers, the scratch's text and headers, and what the parts were kept in. */
    assert_int_equal(h1.memory.live, 5);
    rp__h1_parser_destroy(first);
    rp__h1_parser_destroy(second);
}

/* Two heads in parts at the same time on one loop. */
static void test_interleaved(void **state)
{
    static const char text[] = OK "A: b\r\nContent-Length: 1\r\n\r\nx";
    rp_h1_parser *parsers[2] = {h1_create(), h1_create()};
    rp_error error;
    size_t used;
    (void)state;
    rp__h1_parser_start(parsers[0], false);
    rp__h1_parser_start(parsers[1], false);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        for (int k = 0; k < 2; k++) {
            h1.trace.size = 0;
            h1.trace.in_body = false;
            rp_h1_result result = h1_feed(parsers[k], text + i, 1, &used, &error);
            assert_int_equal(result, i == sizeof(text) - 2 ? RP_H1_COMPLETE : RP_H1_MORE);
            if (h1.trace.size > 10)
                assert_memory_equal(h1.trace.text, "H200/11 'OK' 1 [A=b;Content-Length=1] ", 38);
        }
    }
    rp__h1_parser_destroy(parsers[0]);
    rp__h1_parser_destroy(parsers[1]);
}

/* A response in the middle of which the connection is given up leaks nothing. */
static void test_destroyed_midway(void **state)
{
    rp_h1_parser *parser = h1_create();
    rp_error error;
    size_t used;
    (void)state;
    rp__h1_parser_start(parser, false);
    assert_int_equal(h1_feed(parser, OK "A: b", 21, &used, &error), RP_H1_MORE);
    rp__h1_parser_destroy(parser);
    rp__h1_parser_destroy(NULL);
}

/* What comes when no response is expected is our bug, and says so. */
static void test_unexpected(void **state)
{
    (void)state;
    for (int failed = 0; failed < 2; failed++) { /* before a start, after a failure */
        rp_h1_parser *parser = h1_create();
        rp_error error = {0};
        size_t used;
        if (failed)
            h1_run(parser, false, "220 mail\r\n", 10, 0, 1, END_NONE);
        assert_int_equal(h1_feed(parser, "x", 1, &used, &error), RP_H1_FAILED);
        assert_int_equal(error.status, RP_E_INTERNAL);
        assert_string_equal(error.text, "bytes for a parser that expects no response");
        assert_int_equal(rp__h1_parser_end(parser, true, &error), RP_H1_FAILED);
        assert_int_equal(error.status, RP_E_INTERNAL);
        assert_string_equal(error.text, "the end for a parser that expects no response");
        assert_false(rp__h1_parser_keep_alive(parser));
        rp__h1_parser_destroy(parser);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H1_TEST(test_heads),
        H1_TEST(test_lengths),
        H1_TEST(test_chunks),
        H1_TEST(test_no_body),
        H1_TEST(test_until_end),
        H1_TEST(test_ends),
        H1_TEST(test_keep_alive),
        H1_TEST(test_unsolicited),
        H1_TEST(test_informational),
        H1_TEST(test_head_limit),
        H1_TEST(test_header_count_limit),
        H1_TEST(test_trailer_count_limit),
        H1_TEST(test_folds_limit),
        H1_TEST(test_many_headers),
        H1_TEST(test_line_counts),
        H1_TEST(test_framing_limit),
        H1_TEST(test_extension_limit),
        H1_TEST(test_no_memory),
        H1_TEST(test_steady_state),
        H1_TEST(test_interleaved),
        H1_TEST(test_destroyed_midway),
        H1_TEST(test_unexpected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
