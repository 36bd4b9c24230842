/* test_tool_cookies.c - the tool's cookie jar and configuration files. */
#include "config_file.h"
#include "cookies.h"
#include "exit_code.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000

static void expect_sent(cookie_jar *jar, const char *url, const char *expected)
{
    char *value;
    assert_true(cookies_send(jar, url, NULL, NOW, &value));
    assert_string_equal(value != NULL ? value : "", expected);
    free(value);
}

static void receive(cookie_jar *jar, const char *url, const char *header)
{
    assert_true(cookies_receive(jar, url, header, NOW));
}

/* One header, and what is sent then. */
static void test_receiving(void **state)
{
    static const struct {
        const char *from, *header, *to, *sent;
    } cases[] = {
        {"http://a.test/", "a=1", "http://a.test/x", "a=1"},
        {"http://a.test/", " a = b c ; x", "http://a.test/", "a=b c"},
        {"http://a.test/", "a=1", "http://b.a.test/", ""}, /* host only */
        {"http://a.test/", "a=1; Domain=a.test", "http://b.a.test/", "a=1"},
        {"http://a.test/", "a=1; Domain=.A.TEST", "http://b.a.test:80/", "a=1"},
        {"http://b.a.test/", "a=1; Domain=a.test", "http://a.test/", "a=1"},
        {"http://b.a.test/", "a=1; Domain=a.test", "http://xa.test/", ""},
        {"http://a.test/", "a=1; Domain=b.a.test", "http://b.a.test/", ""},
        {"http://a.test/", "a=1; Domain=test", "http://a.test/", ""}, /* everybody's */
        {"http://a.test/", "a=1; Domain=other.test", "http://other.test/", ""},
        {"http://test/", "a=1; Domain=test", "http://test/", "a=1"},
        {"http://test/", "a=1; Domain=test", "http://x.test/", ""},
        {"http://1.2.3.4/", "a=1; Domain=1.2.3.4", "http://1.2.3.4/", "a=1"},
        {"http://1.2.3.4/", "a=1; Domain=3.4", "http://1.2.3.4/", ""},
        {"http://[::1]:1/", "a=1", "http://[::1]:2/", "a=1"},
        {"http://u:p@a.test/", "a=1", "http://A.TEST/", "a=1"},
        /* paths */
        {"http://a.test/x/y", "a=1", "http://a.test/x/z", "a=1"},
        {"http://a.test/x/y", "a=1", "http://a.test/x", "a=1"},
        {"http://a.test/x/y", "a=1", "http://a.test/xy", ""},
        {"http://a.test/x/y", "a=1", "http://a.test/", ""},
        {"http://a.test/x/y", "a=1; Path=/", "http://a.test/", "a=1"},
        {"http://a.test/x/y", "a=1; Path=x", "http://a.test/x/", "a=1"},
        {"http://a.test/x?/y/z", "a=1", "http://a.test/y", "a=1"},
        {"http://a.test", "a=1; Path=/x/", "http://a.test/x/y", "a=1"},
        {"http://a.test", "a=1", "http://a.test?q", "a=1"},
        /* ends */
        {"http://a.test/", "a=1; Max-Age=1", "http://a.test/", "a=1"},
        {"http://a.test/", "a=1; Max-Age=0", "http://a.test/", ""},
        {"http://a.test/", "a=1; Max-Age=-5", "http://a.test/", ""},
        {"http://a.test/", "a=1; Max-Age=x", "http://a.test/", "a=1"},
        {"http://a.test/", "a=1; Max-Age=99999999999999999999999", "http://a.test/", "a=1"},
        {"http://a.test/", "a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT", "http://a.test/", ""},
        {"http://a.test/", "a=1; Expires=Wed, 01 Jan 1970 00:00:00 GMT", "http://a.test/", ""},
        {"http://a.test/", "a=1; Expires=nonsense", "http://a.test/", "a=1"},
        {"http://a.test/", "a=1; Expires=01 Jan 2020; Max-Age=9", "http://a.test/", "a=1"},
        /* by TLS only */
        {"https://a.test/", "a=1; Secure", "http://a.test/", ""},
        {"https://a.test/", "a=1; secure ;", "https://a.test/", "a=1"},
        {"http://a.test/", "a=1; Secure", "https://a.test/", ""},
        {"http://localhost/", "a=1; Secure", "http://localhost/", "a=1"},
        /* names that promise something */
        {"https://a.test/", "__Secure-a=1", "https://a.test/", ""},
        {"https://a.test/", "__secure-a=1; Secure", "https://a.test/", "__secure-a=1"},
        {"https://a.test/", "__Host-a=1; Secure; Path=/", "https://a.test/", "__Host-a=1"},
        {"https://a.test/x/y", "__Host-a=1; Secure", "https://a.test/x/", ""},
        {"https://a.test/", "__Host-a=1; Secure; Path=/; Domain=a.test", "https://a.test/", ""},
        {"https://a.test/", "__Host-a=1; Path=/", "https://a.test/", ""},
        /* what is none */
        {"http://a.test/", "", "http://a.test/", ""},
        {"http://a.test/", "a", "http://a.test/", ""},
        {"http://a.test/", "=a", "http://a.test/", ""},
        {"http://a.test/", "a=\x01", "http://a.test/", ""},
        {"http://a.test/", "a=b\tc", "http://a.test/", ""},
        {"http://a.test/", "a=", "http://a.test/", "a="},
        {"http://a.test/", "a=b=c", "http://a.test/", "a=b=c"},
        {"http://a.test/", "a=\"x\"; HttpOnly; SameSite=Strict", "http://a.test/", "a=\"x\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cookie_jar jar = {NULL, 0, 0, 0};
        receive(&jar, cases[i].from, cases[i].header);
        expect_sent(&jar, cases[i].to, cases[i].sent);
        cookies_free(&jar);
    }
}

static void test_replacing(void **state)
{
    cookie_jar jar = {NULL, 0, 0, 0};
    char *value;
    (void)state;
    receive(&jar, "http://a.test/", "a=1");
    receive(&jar, "http://a.test/", "b=2");
    receive(&jar, "http://a.test/", "a=3");
    receive(&jar, "http://a.test/x/", "a=4");
    receive(&jar, "http://a.test/", "longer=5");
    expect_sent(&jar, "http://a.test/x/", "a=4; longer=5; b=2; a=3");
    receive(&jar, "http://a.test/", "b=; Max-Age=0");
    expect_sent(&jar, "http://a.test/", "longer=5; a=3");
    receive(&jar, "http://a.test/", "a=6; Domain=a.test"); /* another one */
    expect_sent(&jar, "http://a.test/", "longer=5; a=6; a=3");
    expect_sent(&jar, "http://b.a.test/", "a=6");
    receive(&jar, "http://a.test/", "a=; Domain=a.test; Max-Age=0");
    assert_true(cookies_send(&jar, "http://a.test/", "own=1; two=2", NOW, &value));
    assert_string_equal(value, "longer=5; a=3; own=1; two=2");
    free(value);
    assert_true(cookies_send(&jar, "http://other.test/", "own=1", NOW, &value));
    assert_string_equal(value, "own=1");
    free(value);
    cookies_free(&jar);
}

/* Whoever is in the way can't change what came by TLS. */
static void test_overlay(void **state)
{
    cookie_jar jar = {NULL, 0, 0, 0};
    (void)state;
    receive(&jar, "https://a.test/", "a=secret; Secure; Domain=a.test");
    receive(&jar, "http://a.test/", "a=forged");
    receive(&jar, "http://x.a.test/", "a=forged; Domain=a.test");
    receive(&jar, "http://a.test/", "a=forged; Path=/deep");
    expect_sent(&jar, "https://a.test/deep", "a=secret");
    expect_sent(&jar, "http://a.test/deep", "");
    receive(&jar, "http://a.test/", "b=1");
    expect_sent(&jar, "http://a.test/", "b=1");
    cookies_free(&jar);
}

static void test_limits(void **state)
{
    static char header[COOKIE_LIMIT + 64], url[64];
    cookie_jar jar = {NULL, 0, 0, 0};
    char *value;
    (void)state;
    memset(header, 'a', sizeof(header));
    header[1] = '=';
    header[COOKIE_LIMIT + 1] = '\0'; /* name and value: 4096 */
    receive(&jar, "http://a.test/", header);
    assert_int_equal(jar.count, 1);
    header[0] = 'b';
    header[COOKIE_LIMIT + 1] = 'a';
    header[COOKIE_LIMIT + 2] = '\0';
    receive(&jar, "http://a.test/", header);
    assert_int_equal(jar.count, 1);
    for (int i = 0; i < 2 * COOKIES_OF_DOMAIN_LIMIT; i++) {
        snprintf(header, sizeof(header), "n%03d=%0100d", i, i);
        receive(&jar, "http://a.test/", header);
    }
    assert_int_equal(jar.count, COOKIES_OF_DOMAIN_LIMIT);
    assert_string_equal(jar.cookies[0].name, "n180");
    assert_true(cookies_send(&jar, "http://a.test/", NULL, NOW, &value));
    assert_true(strlen(value) <= COOKIES_HEADER_LIMIT &&
                strlen(value) > COOKIES_HEADER_LIMIT - 128);
    free(value);
    for (int i = 0; i < COOKIES_LIMIT; i++) {
        snprintf(url, sizeof(url), "http://h%d.test/", i);
        receive(&jar, url, "a=1");
    }
    assert_int_equal(jar.count, COOKIES_LIMIT);
    expect_sent(&jar, "http://a.test/", "");
    expect_sent(&jar, "http://h0.test/", "a=1");
    cookies_free(&jar);
}

static void read_text(cookie_jar *jar, const char *text, bool no_sessions)
{
    const char *name = files_write("cookies", text, strlen(text));
    FILE *in = fopen(name, "rb");
    assert_non_null(in);
    assert_true(cookies_read(jar, in, no_sessions, NOW));
    fclose(in);
}

static const char file[] = "# Netscape HTTP Cookie File\n"
                           "\n"
                           "a.test\tFALSE\t/\tFALSE\t0\ts\t1\r\n"
                           "#HttpOnly_.A.test\tTRUE\t/x\tTRUE\t1800000000\tp\t2\n"
                           "a.test\tFALSE\t/\tFALSE\t1600000000\told\t1\n"
                           "a.test\tFALSE\t/\tFALSE\t0\tempty\n"
                           "a.test FALSE / FALSE 0 blanks 1\n"
                           "a.test\tFALSE\tno\tFALSE\t0\tpath\t1\n"
                           "a.test\tFALSE\t/\tFALSE\t0\tco\x01ntrol\t1\n"
                           "a.test\tFALSE\t/\tFALSE\t0\tcontrol\t\x7f\n"
                           ".\tTRUE\t/\tFALSE\t0\tanybody\t1\n"
                           "..\tTRUE\t/\tFALSE\t0\tdots\t1\n"
                           "\tFALSE\t/\tFALSE\t0\tnowhere\t1\n"
                           "a.test\tFALSE\t/\n"
                           "a.test\tFALSE\t/\tFALSE\t0\tlast\t1";

static void test_files(void **state)
{
    cookie_jar jar = {NULL, 0, 0, 0};
    (void)state;
    read_text(&jar, file, false);
    expect_sent(&jar, "http://a.test/", "empty=; last=1; s=1");
    expect_sent(&jar, "https://b.a.test/x", "p=2");
    expect_sent(&jar, "https://other.test/", "");
    FILE *out = files_text_begin();
    assert_true(cookies_write(&jar, out, NOW));
    char *text = files_text_end(out);
    const char *lines = strstr(text, "\n\n");
    assert_non_null(lines);
    assert_string_equal(lines + 2, "a.test\tFALSE\t/\tFALSE\t0\tlast\t1\n"
                                   "a.test\tFALSE\t/\tFALSE\t0\tempty\t\n"
                                   "#HttpOnly_.a.test\tTRUE\t/x\tTRUE\t1800000000\tp\t2\n"
                                   "a.test\tFALSE\t/\tFALSE\t0\ts\t1\n");
    cookies_free(&jar);
    read_text(&jar, text, true);
    assert_int_equal(jar.count, 1);
    cookies_free(&jar);
    read_text(&jar, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/y\r\nset-cookie:b=2\r\n\r\n", false);
    expect_sent(&jar, "http://any.test/y", "a=1; b=2");
    cookies_free(&jar);
    free(text);
    /* Of headers that say whose they are, and of names that promise what is not so. */
    read_text(&jar,
              "Set-Cookie: a=1; Domain=..A.test\nSet-Cookie: b=2; Domain=test\n"
              "Set-Cookie: x=1; Domain=.\nSet-Cookie: y=1; Domain=a\001.b\n"
              "Set-Cookie: c=3; Domain=1.2.3.4\nSet-Cookie: __Host-d=4; Domain=a.test; Secure\n"
              "a.test\tTRUE\t/\tTRUE\t0\t__Host-e\t5\na.test\tFALSE\t/\tFALSE\t0\t__Secure-f\t6\n"
              "a.test\tFALSE\t/\tTRUE\t0\t__host-g\t7\n",
              false);
    expect_sent(&jar, "https://a.test/", "__host-g=7; a=1");
    expect_sent(&jar, "https://x.a.test/", "a=1");
    expect_sent(&jar, "http://b.test/", "");
    expect_sent(&jar, "http://test/", "b=2");
    expect_sent(&jar, "http://1.2.3.4/", "c=3");
    assert_int_equal(jar.count, 4);
    cookies_free(&jar);
}

/* No line of a file, cut anywhere, breaks anything; long ones are skipped. */
static void test_cut_files(void **state)
{
    static char text[3 * COOKIE_FILE_LINE_LIMIT];
    cookie_jar jar = {NULL, 0, 0, 0};
    (void)state;
    for (size_t size = 0; size < sizeof(file); size++) {
        memcpy(text, file, size);
        text[size] = '\0';
        read_text(&jar, text, false);
        cookies_free(&jar);
    }
    memset(text, 'x', sizeof(text));
    snprintf(text + 2 * COOKIE_FILE_LINE_LIMIT, COOKIE_FILE_LINE_LIMIT,
             "\na.test\tFALSE\t/\tFALSE\t0\ta\t1\n");
    read_text(&jar, text, false);
    expect_sent(&jar, "http://a.test/", "a=1");
    cookies_free(&jar);
}

/* ---- Configuration files ---- */

static int note_line(char *name, char *value, void *user)
{
    char *lines = user;
    size_t size = strlen(lines);
    snprintf(lines + size, 512 - size, "%s|%s\n", name, value != NULL ? value : "(none)");
    return strcmp(name, "stop") == 0 ? EXIT_USAGE : EXIT_OK;
}

static void expect_lines(const char *content, const char *expected, int code)
{
    char lines[512] = "", text[512];
    snprintf(text, sizeof(text), "%s", content);
    assert_int_equal(config_parse(text, note_line, lines), code);
    assert_string_equal(lines, expected);
}

static void test_config(void **state)
{
    (void)state;
    expect_lines("url = \"http://h/\"\n  # comment\n\n-s\r\n--data a=b\n",
                 "url|http://h/\n-s|(none)\n"
                 "--data|a=b\n",
                 EXIT_OK);
    expect_lines("a=b\na:b\na b c\na = # c\na\n", "a|b\na|b\na|b\na|(none)\na|(none)\n", EXIT_OK);
    expect_lines("h = \"a \\\"b\\\" \\\\ \\t\\n\\r\\v\\x\" tail", "h|a \"b\" \\ \t\n\r\vx\n",
                 EXIT_OK);
    expect_lines("h = \"open\\", "h|open\\\n", EXIT_OK);
    expect_lines("-H \"X: y\"", "-H|X: y\n", EXIT_OK);
    expect_lines("-d =x", "-d|=x\n", EXIT_OK);
    expect_lines("a = \"\"\nstop\nb", "a|\nstop|(none)\n", EXIT_USAGE);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receiving), cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_overlay),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_files),     cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
