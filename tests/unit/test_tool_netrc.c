/* test_tool_netrc.c - users and passwords by host, as ftp(1) and curl read them. */
#include "netrc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void finds(const char *text, const char *host, const char *user, const char *password)
{
    netrc_entry entry;
    char *exact = strdup(text); /* for the address sanitizer */
    assert_non_null(exact);
    assert_int_equal(netrc_find(exact, host, strlen(host), "", &entry), NETRC_FOUND);
    assert_string_equal(entry.user, user);
    assert_string_equal(entry.password, password);
    free(exact);
}

static netrc_result result_of(const char *text, const char *host)
{
    netrc_entry entry;
    char *exact = strdup(text);
    assert_non_null(exact);
    netrc_result result = netrc_find(exact, host, strlen(host), "", &entry);
    free(exact);
    return result;
}

static void test_found(void **state)
{
    (void)state;
    finds("machine h login u password p", "h", "u", "p");
    finds("machine h\n\tlogin u\r\n\tpassword p\n", "H", "u", "p");
    finds("machine a login x password y\nmachine h login u password p", "h", "u", "p");
    finds("machine h password p login u", "h", "u", "p");
    finds("machine h login u", "h", "u", "");
    finds("machine h account z login u password p", "h", "u", "p");
    finds("# machine h login no\nmachine h login u # yes\n password p", "h", "u", "p");
    finds("machine h login \"u \\\"x\\\\\" password \"a\\tb\\nc\"", "h", "u \"x\\", "a\tb\nc");
    finds("machine h login u password machine", "h", "u", "machine");
    finds("machine a login x\ndefault login d password e", "h", "d", "e");
    finds("machine h login 1 password 2\nmachine h login 3 password 4", "h", "1", "2");
    finds("macdef init\nmachine h login no\n\nmachine h login u password p", "h", "u", "p");
    finds("machine a login x\nmacdef m\ncd /\nmachine h login n\n\nmachine h login u", "h", "u",
          "");
}

static void test_not_found(void **state)
{
    static const char *const texts[] = {
        "",
        "  \n",
        "machine",
        "login u password p",
        "machine hh login u",
        "machine a login h",
        "machine a login x password h\n",
        "#machine h login u",
        "macdef m\nmachine h login u\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(result_of(texts[i], "h"), NETRC_NONE);
}

static void test_user(void **state)
{
    static const char text[] = "machine h login 1 password 2 machine h login 3 password 4";
    netrc_entry entry;
    (void)state;
    assert_int_equal(netrc_find(text, "h", 1, "3", &entry), NETRC_FOUND);
    assert_string_equal(entry.password, "4");
    assert_int_equal(netrc_find(text, "h", 1, "5", &entry), NETRC_NONE);
}

static void test_bad(void **state)
{
    char text[NETRC_WORD + 64] = "machine h login ";
    size_t at = strlen(text);
    (void)state;
    memset(text + at, 'x', NETRC_WORD);
    assert_int_equal(result_of(text, "h"), NETRC_BAD);
    text[at + NETRC_WORD - 1] = '\0';
    assert_int_equal(result_of(text, "h"), NETRC_FOUND);
    assert_int_equal(result_of("machine h login \"u password p", "h"), NETRC_BAD);
    assert_int_equal(result_of("machine \"", "h"), NETRC_BAD);
    assert_int_equal(result_of("machine a login \"x\\", "h"), NETRC_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
