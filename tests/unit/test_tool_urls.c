/* test_tool_urls.c - the tool's URLs: completed, named, resolved, globbed; and dates. */
#include "date.h"
#include "exit_code.h"
#include "glob.h"
#include "output.h"
#include "url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_tame_names(void **state)
{
    static const char *const cases[][2] = {
        {"file.txt", "file.txt"},
        {"CON", "CO_"},
        {"nul.tar.gz", "nu_.tar.gz"},
        {"Aux .x", "Au_ .x"},
        {"COM1", "COM_"},
        {"lpt0.", "lpt0_"},
        {"com\xb9.x", "com_.x"},
        {"conin$", "conin_"},
        {"CONSOLE", "CONSOLE"},
        {"COM", "COM"},
        {"COM10", "COM10"},
        {"comx", "comx"},
        {"a. .", "a___"},
        {"...", "___"},
        {"file::$DATA", "file__$DATA"},
        {"C:x", "C_x"},
        {"..\\..\\x", ".._.._x"},
        {"a<b>c\"d|e?f*g", "a_b_c_d_e_f_g"},
        {"a\tb", "a_b"},
        {"", ""},
        {" ", "_"},
        {".profile", ".profile"},
        {"NUL:", "NUL_"},
        {"x.nul", "x.nul"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s", cases[i][0]);
        output_tame_name(name);
        assert_string_equal(name, cases[i][1]);
    }
}

static void test_complete(void **state)
{
    static const struct {
        const char *text, *query, *expected; /* NULL: not supported */
    } cases[] = {
        {"http://h/a", NULL, "http://h/a"},
        {"h", NULL, "http://h"},
        {"h:80/a/../b", NULL, "http://h:80/b"},
        {"HTTPS://h/./a/.", NULL, "HTTPS://h/a/"},
        {"http://h/a/b/..", NULL, "http://h/a/"},
        {"http://h/../../..", NULL, "http://h/"},
        {"http://h/a..b/.c/...", NULL, "http://h/a..b/.c/..."},
        {"http://h/a/../?x=/../y", NULL, "http://h/?x=/../y"},
        {"http://h//a//../b", NULL, "http://h//a/b"},
        {"http://u:p@h/a", NULL, "http://u:p@h/a"},
        {"http://h", "q=1", "http://h/?q=1"},
        {"http://h/a?b#c", "q=1", "http://h/a?b&q=1"},
        {"http://h/a/../#c", "q", "http://h/?q"},
        {"http://h#c", "q", "http://h/?q"},
        {"http://h?a", "q", "http://h/?a&q"},
        {"http://h/\xc3\xa4?\xff#b", NULL, "http://h/%C3%A4?%FF#b"},
        {"h\xc3\xa4/\xe4", "q=\xe4", "http://h\xc3\xa4/%E4?q=\xe4"},
        {"ftp://h/", NULL, NULL},
        {"ftp.example.com", NULL, NULL},
        {"file:///etc/passwd", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why;
        char *url;
        int code = url_complete(cases[i].text, &(url_rules){.query = cases[i].query}, &url, &why);
        assert_int_equal(code, cases[i].expected != NULL ? EXIT_OK : EXIT_SCHEME);
        if (cases[i].expected != NULL)
            assert_string_equal(url, cases[i].expected);
        free(url);
    }
    const char *why;
    char *url;
    assert_int_equal(url_complete("h/a/../b", &(url_rules){.as_is = true}, &url, &why), EXIT_OK);
    assert_string_equal(url, "http://h/a/../b");
    free(url);
}

static void expect_name(const char *url, const char *expected)
{
    size_t size;
    const char *name = url_name(url, &size);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(name, expected, size);
}

static void test_parts(void **state)
{
    (void)state;
    expect_name("http://h/a/b.txt?x=/y#z", "b.txt");
    expect_name("http://h/a/", "");
    expect_name("http://h", "");
    expect_name("http://h?a/b", "");
    char *text = url_encode("a b&\xff.-_~\0z", 11);
    assert_string_equal(text, "a+b%26%FF.-_~%00z");
    free(text);
}

/* All URLs, one a line, and what the pattern makes of each. */
static void expect_urls(const char *url, const char *pattern, const char *expected)
{
    char message[256], lines[1024] = "";
    glob g;
    assert_int_equal(glob_parse(&g, url, false, message, sizeof(message)), EXIT_OK);
    do {
        char *one = glob_url(&g), *path = glob_output(&g, pattern);
        size_t size = strlen(lines);
        snprintf(lines + size, sizeof(lines) - size, "%s %s\n", one, path);
        free(one);
        free(path);
    } while (glob_next(&g));
    assert_string_equal(lines, expected);
    glob_free(&g);
}

static void test_globs(void **state)
{
    (void)state;
    expect_urls("h/x", "#1#", "h/x #1#\n");
    expect_urls("h/{a,b}[1-2]", "#2#1#3", "h/a1 1a#3\nh/a2 2a#3\nh/b1 1b#3\nh/b2 2b#3\n");
    expect_urls("[08-11:2]x", "o", "08x o\n10x o\n");
    expect_urls("[a-e:3]", "#1", "a a\nd d\n");
    expect_urls("[5-5]", "", "5 \n");
    expect_urls("http://[::1]:80/{,z}", "", "http://[::1]:80/ \nhttp://[::1]:80/z \n");
    expect_urls("\\{a\\}\\[1\\]", "", "{a}[1] \n");
    expect_urls("[1000000000000000000-1000000000000000000]", "#1",
                "1000000000000000000 1000000000000000000\n");
}

static void refuse(const char *url, const char *sentence)
{
    char message[256];
    glob g;
    assert_int_equal(glob_parse(&g, url, false, message, sizeof(message)), EXIT_URL);
    assert_string_equal(message, sentence);
    glob_free(&g);
    assert_int_equal(glob_parse(&g, url, true, message, sizeof(message)), EXIT_OK);
    char *same = glob_url(&g);
    assert_string_equal(same, url);
    free(same);
    glob_free(&g);
}

static void test_bad_globs(void **state)
{
    char many[5 * (GLOB_PATTERNS + 1) + 1] = "";
    (void)state;
    refuse("h/{a", "unmatched brace in URL position 3");
    refuse("h/{a,{b}}", "nested brace in URL position 6");
    refuse("h/{}", "empty string within braces in URL position 4");
    refuse("h/a}", "unmatched close brace/bracket in URL position 4");
    refuse("h/]", "unmatched close brace/bracket in URL position 3");
    refuse("h/[2-1]", "bad range in URL position 7");
    refuse("h/[1-2:0]", "bad range in URL position 9");
    refuse("h/[1-2:3]", "bad range in URL position 9");
    refuse("h/[a-1]", "bad range in URL position 4");
    refuse("h/[", "bad range in URL position 4");
    refuse("h/[A-z]", "bad range in URL position 7");
    refuse("[0-99999999999999999999]", "bad range in URL position 22");
    refuse("[1-100000][1-100000]", "range overflow in URL position 21");
    for (size_t i = 0; i <= GLOB_PATTERNS; i++)
        strcat(many, "[1-1]");
    refuse(many, "too many globs in URL position 501");
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t time; /* -1: none */
    } cases[] = {
        {"Wed, 01 Jan 2020 00:00:00 GMT", 1577836800},
        {"Wednesday, 01-Jan-20 00:00:01 GMT", 1577836801},
        {"Wed Jan  1 00:01:00 2020", 1577836860},
        {"2020-01-01", 1577836800},
        {"20200101 01:00", 1577840400},
        {"1 January 2020", 1577836800},
        {"29 Feb 2000", 951782400},
        {"Thu, 31 Dec 1998 23:59:60 GMT", 915148800},
        {"Wed, 01 Jan 2087 00:00:00 GMT", 3692217600},
        {"01-Jan-1970", 0},
        {"32 Jan 2020", -1},
        {"1 Foo 2020", -1},
        {"1 Jan 2020 25:00:00", -1},
        {"1 Jan 1600", -1},
        {"", -1},
        {"99999999999999999999", -1},
    };
    char text[DATE_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t time = -1;
        assert_int_equal(date_parse(cases[i].text, &time), cases[i].time != -1);
        assert_int_equal(time, cases[i].time);
        if (time == -1)
            continue;
        date_format(time, text);
        int64_t again;
        assert_true(date_parse(text, &again));
        assert_int_equal(again, time);
    }
    date_format(1577836800, text);
    assert_string_equal(text, "Wed, 01 Jan 2020 00:00:00 GMT");
    date_format(-1, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 GMT");
}

static void test_shown(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"http://me:hush@h:1/a?b", "http://h:1/a?b"},
        {"https://me@h", "https://h"},
        {"http://a@b:hush@h/", "http://h/"},
        {"http://h/@a:b@c", "http://h/@a:b@c"},
        {"http://h?u=me:hush@h", "http://h?u=me:hush@h"},
        {"http://me:hush@[::1]:1/", "http://[::1]:1/"},
        {"me:hush@h/a", "h/a"},
    };
    static char shown[URL_SHOWN_SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(url_shown(cases[i].url, shown), cases[i].shown);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),    cmocka_unit_test(test_tame_names),
        cmocka_unit_test(test_complete), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_globs),    cmocka_unit_test(test_bad_globs),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
