/* test_h1_breaches.c - responses that break a rule of HTTP/1.1, or bend one: which are refused, and
 * with what sentence; which are understood all the same, and how. */
#include "support/h1_rig.h"

static void test_status_lines(void **state)
{
    static const char not_http[] =
        "the server's answer is not HTTP/1.1: it does not begin with \"HTTP/\"";
    static const char version[] =
        "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1";
    static const char status[] =
        "the server's status is not three digits and a space (RFC 9112, 4)";
    (void)state;
    h1_bad("SSH-2.0-OpenSSH_9.2\r\n", not_http);
    h1_bad("http/1.1 200 OK\r\n\r\n", not_http);
    h1_bad("HTTQ/1.1 200 OK\r\n\r\n", not_http);
    h1_bad("ICY 200 OK\r\n\r\n", not_http);
    h1_bad("<html>", not_http);
    h1_bad("\r\n" OK "\r\n", "the server sent an empty line before the response (RFC 9112, 2.1)");
    h1_bad("\n" OK "\r\n", "the server sent an empty line before the response (RFC 9112, 2.1)");
    h1_bad("HTTP/0.9 200 OK\r\n\r\n", version);
    h1_bad("HTTP/1.2 200 OK\r\n\r\n", version);
    h1_bad("HTTP/2.0 200 OK\r\n\r\n", version);
    h1_bad("HTTP/2 200\r\n\r\n", version);
    h1_bad("HTTP/11.1 200 OK\r\n\r\n", version);
    h1_bad("HTTP/1.1  200 OK\r\n\r\n", status);
    h1_bad("HTTP/1.1 20 OK\r\n\r\n", status);
    h1_bad("HTTP/1.1 2000 OK\r\n\r\n", status);
    h1_bad("HTTP/1.1 200OK\r\n\r\n", status);
    h1_bad("HTTP/1.1 -20 OK\r\n\r\n", status);
    h1_bad("HTTP/1.1 099 OK\r\n\r\n", "the server sent a status below 100 (RFC 9110, 15)");
    h1_bad("HTTP/1.1 200 O\x01K\r\n\r\n",
           "the server sent a control character in the reason phrase (RFC 9112, 4)");
}

/* Shown are the first bytes that came, up to the end of their line, and what they are if known. */
static void test_other_protocols(void **state)
{
    static const struct {
        const char *data;
        size_t size, first;
        const char *shown;
    } cases[] = {
        {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32, 32, "\"SSH-2.0-OpenSSH_9.2p1 De\""},
        {"ICY 200 OK\r\n\r\n", 14, 14, "\"ICY 200 OK\""},
        {"<html>\n", 7, 7, "\"<html>\""},
        {"<html>\n", 7, 2, "\"<h\""},
        {"HTTQ/1.1", 8, 8, "\"HTTQ/1.1\""},
        {"HTTQ/1.1", 8, 3, "\"HTTQ/1.1\""},
        {"HTQ\r\n", 5, 1, "\"HTQ\""},
        {"HTQ\r\n", 5, 2, "\"HTQ\""},
        {"\x15\x03\x01\0\x02\x02\x46", 7, 7, "\"??????F\", which is a TLS alert"},
        {"\x15\x03", 2, 1, "\"?\""},
        {"\0\0\x12\x04\0\0\0\0\0", 9, 9, "\"?????????\", which is HTTP/2's SETTINGS"},
        {"\x7f\"\xc3\xbc", 4, 4, "\"?\"??\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[256];
        snprintf(expected, sizeof(expected),
                 "F:RP_E_NOT_HTTP/head the server's answer is not HTTP/1.1: it does not begin with "
                 "\"HTTP/\", but with %s",
                 cases[i].shown);
        rp_h1_parser *parser = h1_create();
        h1_run(parser, false, cases[i].data, cases[i].size, cases[i].first, cases[i].first,
               END_NONE);
        rp__h1_parser_destroy(parser);
        assert_string_equal(h1.trace.text, expected);
    }
}

static void test_line_ends(void **state)
{
    static const char lf[] =
        "the server ended a line with LF alone instead of CRLF (RFC 9112, 2.2)";
    static const char cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";
    (void)state;
    h1_bad("HTTP/1.1 200 OK\n\r\n", lf);
    h1_bad(OK "A: b\n\r\n", lf);
    h1_bad(OK "A: b\r\n\nX", lf);
    h1_bad(OK "\nX", lf);
    h1_bad("HTTP/1.1 200 O\rK\r\n\r\n", cr);
    h1_bad("HTTP/1.1 200 OK\r\rA: b\r\n\r\n", cr);
    h1_bad("HTTP/1.1 200 OK\r\r\r\n\r\n", cr);
    h1_bad("HTTP/1.1 200 OK\r\r\n\nA: b\r\n\r\n", cr);
    h1_bad(OK "A: b\rc\r\n\r\n", cr);
    h1_bad(OK "A: b\r\r\n\r\n", cr);
    h1_bad(OK "A: b\r\n\rX", cr);
}

static void test_header_lines(void **state)
{
    static const char before_first[] =
        "the server sent whitespace before the first header (RFC 9112, 2.2)";
    static const char before_colon[] =
        "the server sent whitespace in a header's name, or before its colon (RFC 9112, 5.1)";
    static const char control[] =
        "the server sent a control character in a header's value (RFC 9110, 5.5)";
    static const char no_token[] =
        "the server sent a header name that is not a token (RFC 9110, 5.1)";
    static const char no_colon[] = "the server sent a header line without a colon (RFC 9112, 5)";
    (void)state;
    h1_bad(OK " A: b\r\n\r\n", before_first);
    h1_bad(OK "\tA: b\r\n\r\n", before_first);
    h1_bad(OK " \r\nA: b\r\n\r\n", before_first);
    h1_bad(OK "A : b\r\n\r\n", before_colon);
    h1_bad(OK "Content-Length : 5\r\n\r\n", before_colon);
    h1_bad(OK "Transfer-Encoding\t: chunked\r\n\r\n", before_colon);
    h1_bad(OK "A: b\x01"
              "c\r\n\r\n",
           control);
    h1_bad(OK "A:\x7f\r\n\r\n", control);
    h1_bad(OK "A: b: \x1f\r\n\r\n", control);
    h1_bad(OK "A(: b\r\n\r\n", no_token);
    h1_bad(OK "\xc3\xbc: b\r\n\r\n", no_token);
    h1_bad(OK "A: b\r\n\x01: b\r\n\r\n", no_token);
    h1_bad(OK "A\r\n\r\n", no_colon);
    h1_bad(OK ": b\r\n\r\n", "the server sent a header without a name (RFC 9112, 5)");
    h1_bad(OK "A: b\r\n:\r\n\r\n", "the server sent a header without a name (RFC 9112, 5)");
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
    h1_ok(OK "A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [A=b   c;Content-Length=0] C+");
    h1_ok(OK "A: b\r\n\tc\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [A=b  \tc;Content-Length=0] C+");
    h1_ok(OK "A:\r\n b\r\n\t\r\n  c: d\r\n \r\nB: e\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [A=b  \t    c: d;B=e;Content-Length=0] C+");
    h1_ok(OK "A:\r\n \r\nContent-Length: 0\r\n\r\n", "H200/11 'OK' 0 [A=;Content-Length=0] C+");
    h1_ok(OK "Content-Length: 1\r\nA: b\r\n c\r\n\r\n d",
          "H200/11 'OK' 1 [Content-Length=1;A=b   c] B' 'C+!1");
    h1_ok("HTTP/1.1 100 C\r\nA: b\r\n c\r\n\r\nHTTP/1.1 204 N\r\nA: b\r\n d\r\n\r\n E: f\r\n",
          "i100/11 'C' 0 [A=b   c] H204/11 'N' 0 [A=b   d] C+!7");
    /* What a fold hides counts, and what it only looks like does not. */
    h1_ok(OK "Connection: keep-alive,\r\n\tclose\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [Connection=keep-alive,  \tclose;Content-Length=0] C-");
    h1_ok(OK "A: b\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [A=b   Content-Length: 5;Content-Length=0] C+");
    h1_bad(OK "Content-Length: 1\r\n 0\r\n\r\n", framing);
    h1_bad(OK "Content-Length:\r\n 5\r\n\r\n", framing);
    h1_bad(OK "content-length: 5\r\n \r\n\r\n", framing);
    h1_bad(OK "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n", framing);
    h1_bad(OK "transfer-encoding:\r\n\tchunked\r\n\r\n", framing);
    h1_bad("HTTP/1.1 200 O\r\n K\r\n\r\n",
           "the server sent whitespace before the first header (RFC 9112, 2.2)");
    h1_bad("HTTP/1.1\r\n 200 OK\r\n\r\n",
           "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1");
    h1_bad(OK "A\r\n : b\r\n\r\n", no_colon);
    h1_bad(OK "A: b\r\n \r\nc\r\n\r\n", no_colon);
    h1_bad(OK "A: b\r\n \x01\r\n\r\n", control);
    h1_bad(OK "A: b\r\n\x01\r\n\r\n",
           "the server sent a header name that is not a token (RFC 9110, 5.1)");
    h1_bad(OK "A: b\r\n c\rd\r\n\r\n", cr);
    h1_bad(OK "A: b\r\n\r c\r\n\r\n", cr);
    h1_bad(OK "A: b\r\r\n c\r\n\r\n", cr);
    h1_bad(OK "A: b\n c\r\n\r\n", lf);
    h1_bad(OK "A: b\r\n c\n\r\n", lf);
    h1_bad(OK "A: b\r\n c\r\n\n", lf);
    h1_check(
        OK "A: b\r\n c\r\n", END_CLEAN, false,
        "F:RP_E_BODY_TRUNCATED/head the server closed the connection before the response's head "
        "was complete");
    /* Trailers are headers. */
    h1_ok(CHUNKED "1\r\nx\r\n0\r\nA: b\r\n c\r\nB:\r\n\t\r\n\r\n\r\n",
          CHUNKED_TRACE "B'x'T[A=b   c;B=]C+!2");
    h1_ok(CHUNKED "0\r\nA: b\r\n Content-Length: 5\r\n\r\n x",
          CHUNKED_TRACE "T[A=b   Content-Length: 5]C+!2");
}

/* RFC 9110, 5.6.3: tabs are white space as spaces are. */
static void test_tabs(void **state)
{
    static const char before_colon[] =
        "the server sent whitespace in a header's name, or before its colon (RFC 9112, 5.1)";
    (void)state;
    h1_ok(OK "Content-Length:\t5\t\r\n\r\nhello", "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    h1_ok(OK "Content-Length: \t 5 \t\t\r\n\r\nhello",
          "H200/11 'OK' 5 [Content-Length=5] B'hello'C+");
    h1_ok(OK "Transfer-Encoding:\tchunked\t \r\n\r\n1\r\nx\r\n0\r\n\r\n", CHUNKED_TRACE "B'x'C+");
    h1_ok(OK "Connection:\tclose\t\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [Connection=close;Content-Length=0] C-");
    h1_ok(OK "Connection: a\t,\tclose\t,\tb\r\nContent-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [Connection=a\t,\tclose\t,\tb;Content-Length=0] C-");
    h1_ok(CHUNKED "0\r\nA:\tb\tc\t\r\n\r\n", CHUNKED_TRACE "T[A=b c]C+");
    h1_bad(OK "Content-Length\t: 5\r\n\r\n", before_colon);
    h1_bad(OK "Content-Length: 5\t5\r\n\r\n",
           "the server's Content-Length is not one decimal number (RFC 9110, 8.6)");
    h1_bad("HTTP/1.1\t200 OK\r\n\r\n",
           "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1");
}

/* RFC 9112, 6.3: the same length said again is no other. */
static void test_repeated_lengths(void **state)
{
    static const char differ[] = "the server sent Content-Lengths that differ (RFC 9112, 6.3)";
    static const char number[] =
        "the server's Content-Length is not one decimal number (RFC 9110, 8.6)";
    (void)state;
    h1_ok(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
          "H200/11 'OK' 5 [Content-Length=5;Content-Length=5] B'hello'C+");
    h1_ok(OK "Content-Length: 5, 5\r\n\r\nhello",
          "H200/11 'OK' 5 [Content-Length=5, 5] B'hello'C+");
    h1_ok(OK "Content-Length: 5\t,5 ,\t05\r\nA: b\r\ncontent-length:5\r\n\r\nhello",
          "H200/11 'OK' 5 [Content-Length=5\t,5 ,\t05;A=b;content-length=5] B'hello'C+");
    h1_check(OK "Content-Length: 5, 5\r\n\r\n", END_NONE, true,
             "H200/11 'OK' 5 [Content-Length=5, 5] C+");
    h1_ok("HTTP/1.1 103 H\r\nContent-Length: 7\r\n\r\n" OK "Content-Length: 0\r\n\r\n",
          "i103/11 'H' 0 [Content-Length=7] H200/11 'OK' 0 [Content-Length=0] C+");
    h1_ok(OK
          "Content-Lengthy: 5\r\nContent-Lengt: 6\r\nContent-Lengt-: 7\r\nX-Content-Length: 8\r\n"
          "Content-Length: 0\r\n\r\n",
          "H200/11 'OK' 0 [Content-Lengthy=5;Content-Lengt=6;Content-Lengt-=7;X-Content-Length=8;"
          "Content-Length=0] C+");
    h1_bad(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", differ);
    h1_bad(OK "Content-Length: 5\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", differ);
    h1_bad(OK "Content-Length: 0, 5\r\n\r\n", differ);
    h1_bad(OK "Content-Length: 5, 5\r\nContent-Length: 5, 50\r\n\r\n", differ);
    h1_bad("HTTP/1.1 304 N\r\nContent-Length: 5, 6\r\n\r\n", differ);
    h1_bad(OK "Content-Length: 5,\r\n\r\n", number);
    h1_bad(OK "Content-Length: ,5\r\n\r\n", number);
    h1_bad(OK "Content-Length: 5,,5\r\n\r\n", number);
    h1_bad(OK "Content-Length: 5;5\r\n\r\n", number);
    h1_bad(OK "Content-Length: 5\r\nContent-Length:\r\n\r\n", number);
    h1_bad(OK "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
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
    h1_check_bytes(
        value, sizeof(value) - 1, END_NONE, false,
        "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
        "(RFC 9110, 5.5)");
    h1_check_bytes(
        folded, sizeof(folded) - 1, END_NONE, false,
        "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
        "(RFC 9110, 5.5)");
    h1_check_bytes(
        length, sizeof(length) - 1, END_NONE, false,
        "F:RP_E_BAD_RESPONSE/head the server sent a control character in a header's value "
        "(RFC 9110, 5.5)");
    h1_check_bytes(
        name, sizeof(name) - 1, END_NONE, false,
        "F:RP_E_BAD_RESPONSE/head the server sent a header name that is not a token (RFC "
        "9110, 5.1)");
    h1_check_bytes(
        reason, sizeof(reason) - 1, END_NONE, false,
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
    h1_bad(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", both);
    h1_bad(OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", both);
    h1_bad(OK "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", both);
    h1_bad(OK "Content-Length: 5 5\r\n\r\n", number);
    h1_bad(OK "Content-Length: +5\r\n\r\n", number);
    h1_bad(OK "Content-Length: -5\r\n\r\n", number);
    h1_bad(OK "Content-Length: 0x5\r\n\r\n", number);
    h1_bad(OK "Content-Length:\r\n\r\n", number);
    h1_bad(OK "Content-Length: 18446744073709551616\r\n\r\n",
           "the server's Content-Length is absurdly large");
    h1_bad(OK "Transfer-Encoding: gzip, chunked\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: chunked, gzip\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: gzip\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: xchunked\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: \"chunked\"\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: chunked;a=b\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding:\r\n\r\n", coding);
    h1_bad(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
           "the server sent more than one Transfer-Encoding (RFC 9112, 6.1)");
    h1_bad("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
           "the server sent Transfer-Encoding in an HTTP/1.0 response (RFC 9112, 6.1)");
}

static void bad_chunk(const char *body, const char *given, const char *sentence)
{
    char data[512], expected[1024];
    snprintf(data, sizeof(data), CHUNKED "%s", body);
    snprintf(expected, sizeof(expected), CHUNKED_TRACE "%sF:RP_E_BAD_RESPONSE/body %s", given,
             sentence);
    h1_check(data, END_NONE, false, expected);
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
    h1_ok(CHUNKED "7fffffffffffffff\r\nx", CHUNKED_TRACE "B'x'M");
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
    h1.limits.lenient_lines = true;
    h1_ok("HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\nhello\n",
          "H200/11 'OK' 5 [A=b;Content-Length=5] B'hello'C+!1");
    h1_ok("HTTP/1.1 200 OK\r\nA: b\n c\r\nContent-Length: 0\r\n\n\n",
          "H200/11 'OK' 0 [A=b  c;Content-Length=0] C+!1");
    h1_ok("HTTP/1.1 200 OK\nA: b\n\t\n \r\n c\nContent-Length: 0\n\r\n",
          "H200/11 'OK' 0 [A=b \t     c;Content-Length=0] C+");
    h1_ok("HTTP/1.1 100 C\n\nHTTP/1.1 204 N\n\n\n", "i100/11 'C' 0 [] H204/11 'N' 0 [] C+!1");
    h1_ok(CHUNKED "1\nx\n2;a=b\ny\n\nA\r\n0123456789\r\n0\n\n\n",
          CHUNKED_TRACE "B'xy\n0123456789'C+!1");
    h1_ok(CHUNKED "1 \r\nx\r\n1\t \ny\n01  ;a=b\r\nz\r\n0 \r\nA: b\n\tc\nB: d\n\r\n\r\n",
          CHUNKED_TRACE "B'xyz'T[A=b   c;B=d]C+!2");
    h1_ok(CHUNKED "3\n\n\r\n\r\n0\r\n\r\n", CHUNKED_TRACE "B'\n\r\n'C+");
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
    h1_bad("HTTP/1.1 200 O\rK\n\n", cr);
    h1_bad("HTTP/1.1 200 OK\r\r\n\n", cr);
    h1_bad(OK "A: b\r\r\n\n", cr);
    h1_bad(OK "A: b\rc\n\n", cr);
    h1_bad(OK "A: b\n\rX", cr);
    h1_bad("\nHTTP/1.1 200 OK\n\n",
           "the server sent an empty line before the response (RFC 9112, 2.1)");
    h1_bad("HTTP/1.1 200 OK\n A: b\n\n",
           "the server sent whitespace before the first header (RFC 9112, 2.2)");
    h1_bad(OK "A\nB: c\n\n", "the server sent a header line without a colon (RFC 9112, 5)");
    h1_bad(OK "A: b\n:\n\n", "the server sent a header without a name (RFC 9112, 5)");
    h1_bad(OK "A: b\nB : c\n\n",
           "the server sent whitespace in a header's name, or before its colon (RFC 9112, 5.1)");
    h1_bad(OK "A: b\n c\x01\n\n",
           "the server sent a control character in a header's value (RFC 9110, 5.5)");
    h1_bad(OK "Content-Length: 1\n 0\n\n",
           "the server folded Content-Length or Transfer-Encoding over lines (RFC 9112, 5.2)");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        H1_TEST(test_status_lines),
        H1_TEST(test_other_protocols),
        H1_TEST(test_line_ends),
        H1_TEST(test_header_lines),
        H1_TEST(test_folds),
        H1_TEST(test_tabs),
        H1_TEST(test_repeated_lengths),
        H1_TEST(test_nul),
        H1_TEST(test_framing_conflicts),
        H1_TEST(test_bad_chunks),
        H1_TEST(test_lenient_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
