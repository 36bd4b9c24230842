/* test_address.c - IP addresses to text and back. */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, const char *expected, const char *with_port)
{
    rp_address address = {.port = 443};
    char buffer[RP_ADDRESS_TEXT_SIZE];
    bool good = rp__address_parse(&address, text, strlen(text));
    if (expected == NULL) {
        if (good)
            fail_msg("%s was taken for an address", text);
        return;
    }
    if (!good)
        fail_msg("%s was not taken for an address", text);
    assert_int_equal(address.port, 443);
    assert_string_equal(rp__address_text(&address, false, buffer), expected);
    assert_string_equal(rp__address_text(&address, true, buffer), with_port);
}

static void parses_ipv4(void **state)
{
    (void)state;
    check("192.0.2.7", "192.0.2.7", "192.0.2.7:443");
    check("0.0.0.0", "0.0.0.0", "0.0.0.0:443");
    check("255.255.255.255", "255.255.255.255", "255.255.255.255:443");
}

static void parses_ipv6(void **state)
{
    (void)state;
    check("2001:db8::1", "2001:db8::1", "[2001:db8::1]:443");
    check("[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:443");
    check("::", "::", "[::]:443");
    check("::1", "::1", "[::1]:443");
    check("::ffff:192.0.2.7", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:443");
    check("2001:DB8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]:443");
    check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:443");
}

static void takes_numeric_zones_only(void **state)
{
    (void)state;
    check("fe80::1%3", "fe80::1%3", "[fe80::1%3]:443");
    check("[fe80::1%3]", "fe80::1%3", "[fe80::1%3]:443");
    check("fe80::1%4294967295", "fe80::1%4294967295", "[fe80::1%4294967295]:443");
    check("fe80::1%0", "fe80::1", "[fe80::1]:443");
    check("fe80::1%4294967296", NULL, NULL);
    check("fe80::1%99999999999", NULL, NULL);
    check("fe80::1%eth0", NULL, NULL);
    check("fe80::1%", NULL, NULL);
    check("fe80::1%-1", NULL, NULL);
    check("fe80::1%1%2", NULL, NULL);
    check("127.0.0.1%1", NULL, NULL);
}

static void refuses_the_rest(void **state)
{
    static const char *const bad[] = {"",
                                      "localhost",
                                      "127.1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.4.",
                                      ".1.2.3.4",
                                      "1..2.3",
                                      "1.2.3.256",
                                      "010.0.0.1",
                                      "1.2.3.00",
                                      "0x7f.0.0.1",
                                      "0x7f000001",
                                      "2130706433",
                                      "1.2.3.4/8",
                                      " 1.2.3.4",
                                      "1.2.3.4 ",
                                      "[1.2.3.4]",
                                      "[]",
                                      "[",
                                      "]",
                                      "[::1",
                                      "::1]",
                                      "::1/128",
                                      "1::2::3",
                                      ":::",
                                      ":",
                                      "::12345",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "::ffff:1.2",
                                      "::1.2.3.4/8",
                                      "::ffff:010.0.0.1",
                                      "1.2.3.4:443",
                                      "[::1]:443",
                                      "g::1",
                                      "[[::1]]",
                                      "-1.2.3.4",
                                      "+1.2.3.4",
                                      "\xD9\xA1.2.3.4"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check(bad[i], NULL, NULL);
    char longer[300];
    memset(longer, '1', sizeof(longer));
    rp_address address;
    assert_false(rp__address_parse(&address, longer, sizeof(longer)));
    assert_false(rp__address_parse(&address, "1.2.3.4\0", 8));
}

static void reads_exactly_size_characters(void **state)
{
    rp_address address = {0};
    (void)state;
    assert_true(rp__address_parse(&address, "1.2.3.45", 7));
    assert_int_equal(address.bytes[3], 4);
    assert_true(rp__address_parse(&address, "::1:443", 3));
    assert_int_equal(address.bytes[15], 1);
    /* What an IPv6 address left behind is gone. */
    assert_true(rp__address_parse(&address, "1.2.3.4", 7));
    assert_int_equal(address.bytes[15], 0);
    assert_int_equal(address.family, 4);
}

static void gives_nothing_for_no_address(void **state)
{
    rp_address none = {0};
    char buffer[RP_ADDRESS_TEXT_SIZE];
    (void)state;
    assert_string_equal(rp__address_text(&none, true, buffer), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_ipv4),
        cmocka_unit_test(parses_ipv6),
        cmocka_unit_test(takes_numeric_zones_only),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(reads_exactly_size_characters),
        cmocka_unit_test(gives_nothing_for_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
