/* test_h2_conformance_messages.c - responses of a server, by RFC 9113, 8, and RFC 7541: what the
 * client makes of each that is malformed or unusual. */
#include "support/conform.h"

#define IGNORED .outcome = RULE_IGNORED, .unanswered = true
#define STREAM(number) .outcome = RULE_STREAM_ERROR, .code = number, .unanswered = true
#define CONNECTION(number) .outcome = RULE_CONNECTION_ERROR, .code = number, .unanswered = true
#define MALFORMED STREAM(PROTOCOL_ERROR)

/* A head that ends the stream, and one that a body follows. */
#define ALL(lines) .frames = {FIELDS(5, 3, lines)}
#define HEAD(lines) FIELDS(4, 3, lines)

static void test_order(void **state) /* 8.1 */
{
    static const rule rules[] = {
        {"interim responses", IGNORED,
         .frames = {HEAD(":status: 103\r\nlink: </a>\r\n"), HEAD(":status: 199\r\n"),
                    HEAD(":status: 200\r\n"), F(0, 1, 3, "good")}},
        {"an interim response that ends the stream", MALFORMED, ALL(":status: 103\r\n")},
        {"a body behind an interim response", MALFORMED,
         .frames = {HEAD(":status: 103\r\n"), F(0, 1, 3, "x")}},
        {"101", MALFORMED, ALL(":status: 101\r\n")},
        {"trailers", IGNORED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "good"), FIELDS(5, 3, "x: y\r\n")}},
        {"empty trailers", IGNORED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "good"), F(1, 5, 3, "")}},
        {"trailers without a body", IGNORED,
         .frames = {HEAD(":status: 200\r\n"), FIELDS(5, 3, "x: y\r\n")}},
        {"trailers without END_STREAM", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "good"), FIELDS(4, 3, "x: y\r\n")}},
        {"a second head", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), FIELDS(5, 3, ":status: 200\r\n")}},
        {"a second head with a body", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), HEAD(":status: 200\r\n"), F(0, 1, 3, "x")}},
        {"a length in trailers", IGNORED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "abc"),
                    FIELDS(5, 3, "content-length: 9\r\nx: y\r\n")}},
        {"a length in trailers, another than the head's", IGNORED,
         .frames = {HEAD(":status: 200\r\ncontent-length: 3\r\n"), F(0, 0, 3, "abc"),
                    FIELDS(5, 3, "content-length: 9\r\n")}},
        {"a length in trailers that is no number", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "abc"),
                    FIELDS(5, 3, "content-length: x\r\n")}},
        {"a status in trailers", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), F(0, 0, 3, "x"), FIELDS(5, 3, ":status: 200\r\n")}},
        {"a wrong field in trailers", MALFORMED,
         .frames = {HEAD(":status: 200\r\n"), FIELDS(5, 3, "Upper: y\r\n")}},
        {"an empty head", MALFORMED, .frames = {F(1, 5, 3, "")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_lengths(void **state) /* 8.1.1 */
{
#define LENGTH(text) ":status: 200\r\ncontent-length: " text "\r\n"
    static const rule rules[] = {
        {"a body as long as announced", IGNORED,
         .frames = {HEAD(LENGTH("6")), F(0, 0, 3, "abc"), F(0, 9, 3, "\2def\0\0")}},
        {"a shorter body", MALFORMED, .status = RP_E_BODY_TRUNCATED,
         .frames = {HEAD(LENGTH("5")), F(0, 1, 3, "abc")}},
        {"a longer body", MALFORMED, .frames = {HEAD(LENGTH("2")), F(0, 1, 3, "abc")}},
        {"a longer body that goes on", MALFORMED, .frames = {HEAD(LENGTH("2")), F(0, 0, 3, "abc")}},
        {"no body", MALFORMED, .status = RP_E_BODY_TRUNCATED, ALL(LENGTH("1"))},
        {"a shorter body before trailers", MALFORMED, .status = RP_E_BODY_TRUNCATED,
         .frames = {HEAD(LENGTH("5")), F(0, 0, 3, "abc"), FIELDS(5, 3, "x: y\r\n")}},
        {"a body of 0 bytes", IGNORED, ALL(LENGTH("0"))},
        {"two equal lengths", MALFORMED, ALL(LENGTH("0") "content-length: 0\r\n")},
        {"two lengths", MALFORMED,
         .frames = {HEAD(LENGTH("1") "content-length: 2\r\n"), F(0, 1, 3, "a")}},
        {"a length that is no number", MALFORMED, ALL(LENGTH("0x0"))},
        {"a negative length", MALFORMED, ALL(LENGTH("-1"))},
        {"a list of lengths", MALFORMED, .frames = {HEAD(LENGTH("1, 1")), F(0, 1, 3, "a")}},
        {"a length above 2^64", MALFORMED, ALL(LENGTH("18446744073709551616"))},
        {"an empty length", MALFORMED, ALL(":status: 200\r\ncontent-length: \r\n")},
        {"a length of 204 that is no number", MALFORMED,
         ALL(":status: 204\r\ncontent-length: x\r\n")},
        {"a length of an interim response", IGNORED,
         .frames = {HEAD(":status: 103\r\ncontent-length: 5\r\n"), HEAD(LENGTH("4")),
                    F(0, 1, 3, "good")}},
        {"a body of 204", MALFORMED, .frames = {HEAD(":status: 204\r\n"), F(0, 1, 3, "a")}},
        {"an empty body of 304", MALFORMED, .status = RP_OK,
         .frames = {HEAD(":status: 304\r\n"), F(0, 1, 3, "x")}},
    };
    (void)state;
    CONFORM(rules);
}

static void test_fields(void **state) /* 8.2 */
{
#define FIELD(line) ":status: 200\r\n" line "\r\n"
    static const rule rules[] = {
        {"upper case", MALFORMED, .words = "Upper", ALL(FIELD("Upper: x"))},
        {"a space in a name", MALFORMED, ALL(FIELD("a b: x"))},
        {"a control character in a name", MALFORMED, ALL(FIELD("a\1: x"))},
        {"DEL in a name", MALFORMED, ALL(FIELD("a\x7f: x"))},
        {"a byte above 127 in a name", MALFORMED, ALL(FIELD("a\xe4: x"))},
        {"an empty name", MALFORMED, .frames = {F(1, 5, 3, OK200 "\0\0\1x")}},
        {"a colon in a name", MALFORMED, .frames = {F(1, 5, 3, OK200 "\0\3a:b\1x")}},
        {"NUL in a value", MALFORMED, .frames = {F(1, 5, 3, OK200 "\0\1x\3a\0b")}},
        {"CR in a value", MALFORMED, .frames = {F(1, 5, 3, OK200 "\0\1x\3a\rb")}},
        {"LF in a value", MALFORMED, .frames = {F(1, 5, 3, OK200 "\0\1x\3a\nb")}},
        {"a space before a value", IGNORED, .frames = {F(1, 5, 3, OK200 "\0\1x\2 a")}},
        {"a tab behind a value", IGNORED, .frames = {F(1, 5, 3, OK200 "\0\1x\2a\t")}},
        {"nothing but blanks", IGNORED, .frames = {F(1, 5, 3, OK200 "\0\1x\2 \t")}},
        {"a space before a status", MALFORMED, .frames = {F(1, 5, 3, "\x08\4 200")}},
        {"a space behind a length", IGNORED,
         .frames = {F(1, 4, 3,
                      OK200 "\x0f\x0d\2"
                            "4 "),
                    F(0, 1, 3, "good")}},
        {"a space and a tab in a value", IGNORED, ALL(FIELD("x: a \tb"))},
        {"bytes above 127 in a value", IGNORED, ALL(FIELD("x: \xc3\xa4"))},
        {"an empty value", IGNORED, ALL(FIELD("x: "))},
        {"connection", MALFORMED, .words = "connection", ALL(FIELD("connection: close"))},
        {"keep-alive", MALFORMED, ALL(FIELD("keep-alive: timeout=5"))},
        {"proxy-connection", MALFORMED, ALL(FIELD("proxy-connection: close"))},
        {"transfer-encoding", MALFORMED, ALL(FIELD("transfer-encoding: chunked"))},
        {"upgrade", MALFORMED, ALL(FIELD("upgrade: h2c"))},
        {"te", MALFORMED, ALL(FIELD("te: gzip"))},
        {"a field that is never indexed", IGNORED, .frames = {F(1, 5, 3, OK200 "\x10\1x\1y")}},
        {"cookies set one by one", IGNORED, ALL(FIELD("set-cookie: a=b\r\nset-cookie: c=d"))},
    };
    (void)state;
    CONFORM(rules);
}

static void test_pseudo(void **state) /* 8.3 */
{
    static const rule rules[] = {
        {"no status", MALFORMED, ALL("x: y\r\n")},
        {"no status before a body", MALFORMED, .frames = {HEAD("x: y\r\n"), F(0, 1, 3, "x")}},
        {"two statuses", MALFORMED, ALL(":status: 200\r\n:status: 200\r\n")},
        {"a status behind a field", MALFORMED, ALL("x: y\r\n:status: 200\r\n")},
        {"a status of two digits", MALFORMED, ALL(":status: 99\r\n")},
        {"a status of four digits", MALFORMED, ALL(":status: 1000\r\n")},
        {"a status that is no number", MALFORMED, ALL(":status: 2x0\r\n")},
        {"an empty status", MALFORMED, ALL(":status: \r\n")},
        {"a status below 100", MALFORMED, ALL(":status: 099\r\n")},
        {"a request's pseudo-header field", MALFORMED, ALL(":status: 200\r\n:path: /\r\n")},
        {"another one", MALFORMED, ALL(":method: GET\r\n")},
        {"an unknown pseudo-header field", MALFORMED, ALL(":status: 200\r\n:other: x\r\n")},
    };
    (void)state;
    CONFORM(rules);
}

static void test_hpack(void **state) /* 4.3, and RFC 7541 */
{
#define BROKEN CONNECTION(COMPRESSION_ERROR)
    static const rule rules[] = {
        {"index 0", BROKEN, .frames = {F(1, 5, 3, "\x80")}},
        {"an index beyond the tables", BROKEN, .frames = {F(1, 5, 3, OK200 "\xff\x7f")}},
        {"a name's index beyond the tables", BROKEN, .frames = {F(1, 5, 3, OK200 "\x7f\x70\1x")}},
        {"an index that never ends", BROKEN,
         .frames = {F(1, 5, 3, OK200 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x0f")}},
        {"a block that ends in a field", BROKEN, .frames = {F(1, 5, 3, OK200 "\0\5ab")}},
        {"a block that ends before a name", BROKEN, .frames = {F(1, 5, 3, "\x40")}},
        {"a block that ends in a length", BROKEN, .frames = {F(1, 5, 3, OK200 "\0\x7f\xff")}},
        {"Huffman's padding of zeros", BROKEN, .frames = {F(1, 5, 3, OK200 "\0\1x\x81\x18")}},
        {"Huffman's padding of more than seven bits", BROKEN,
         .frames = {F(1, 5, 3, OK200 "\0\1x\x82\x1f\xff")}},
        {"Huffman's end of string", BROKEN,
         .frames = {F(1, 5, 3, OK200 "\0\1x\x84\xff\xff\xff\xfc")}},
        {"Huffman's code", IGNORED, .frames = {F(1, 5, 3, OK200 "\0\1x\x81\x1f")}},
        {"a table's size above the limit", BROKEN, .frames = {F(1, 5, 3, "\x3f\xe2\x1f" OK200)}},
        {"a table's size behind a field", BROKEN, .frames = {F(1, 5, 3, OK200 "\x20")}},
        {"a table's size", IGNORED, .frames = {F(1, 5, 3, "\x20\x3f\xe1\x1f" OK200)}},
        {"a field that the table has no room for", IGNORED,
         .frames = {F(1, 5, 3, "\x20" OK200 "\x40\1x\1y")}},
        {"an index that was evicted", BROKEN,
         .frames = {F(1, 5, 3, "\x20" OK200 "\x40\1x\1y\xbe")}},
        {"an index just added", IGNORED, .frames = {F(1, 5, 3, OK200 "\x40\1x\1y\xbe\x7e\1z")}},
        {"a wrong block in trailers", BROKEN,
         .frames = {F(1, 4, 3, OK200), F(0, 0, 3, "x"), F(1, 5, 3, "\x80")}},
        {"a wrong block behind END_STREAM", BROKEN, .apart = true,
         .frames = {F(1, 5, 3, OK200), F(1, 5, 3, "\x80")}},
        {"a wrong block behind RST_STREAM", BROKEN, .apart = true, .status = RP_E_H2_RESET,
         .apart_code = CANCEL, .frames = {F(3, 0, 3, "\0\0\0\x08"), F(1, 5, 3, "\x80")}},
    };
    (void)state;
    CONFORM(rules);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_order),  fixture_test(test_lengths), fixture_test(test_fields),
        fixture_test(test_pseudo), fixture_test(test_hpack),
    };
    return fixture_run_simulated(tests, 2);
}
