/* test_no_proxy.c - which hosts are connected to without the proxy: curl's rules and, where they
 * are not plain, its test cases (tests/unit/unit1614.c). */
#include "client/no_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_lists(void **state)
{
    static const struct {
        const char *host, *list;
        bool direct;
    } cases[] = {
        {"example.com", "*", true},
        {"example.com", "*,other.test", false},
        {"example.com", "", false},
        {"example.com", ",, ,", false},
        {"example.com", "example.com", true},
        {"EXAMPLE.com", "example.COM", true},
        {"www.example.com", "example.com", true},
        {"www.example.com", ".example.com", true},
        {"example.com", ".example.com", true},
        {"notexample.com", "example.com", false},
        {"notexample.com", ".example.com", false},
        {"example.com", "www.example.com", false},
        {"example.com.", "example.com", true},
        {"example.com", "example.com.", true},
        {"example.com", ".", false},
        {"example.com", "a,b , example.com", true},
        {"example.com", "a b\texample.com", true},
        {"example.com", "example.com:443", false},
        {"localhost", "local", false},
        {"192.168.0.1", "192.168.0.0/16", true},
        {"192.168.0.1", "192.168.0.0/24", true},
        {"192.168.0.1", "192.168.0.0/32", false},
        {"192.168.1.129", "192.168.1.128/25", true},
        {"192.168.1.127", "192.168.1.128/25", false},
        {"10.0.0.1", "0.0.0.0/0", true},
        {"192.168.0.1", "192.168.0.1", true},
        {"192.168.0.1", "192.168.0.0", false},
        {"192.168.0.1", "192.168.0.1/33", false},
        {"192.168.0.1", "192.168.0.1/", false},
        {"192.168.0.1", "192.168.0.1/-1", false},
        {"192.168.0.1", ".0.1,168.0.1,1", false},
        {"1.168.0.1.test", "192.168.0.1", false},
        {"::1", "::1", true},
        {"::1", "[::1]", true},
        {"0:0:0:0:0:0:0:1", "::1", true},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"2001:db8::8000", "2001:db8::/113", false},
        {"2001:db8::7000", "2001:db8::/113", true},
        {"::1", "0.0.0.0/0", false},
        {"2001:db8::1", "*", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (rp__no_proxy_has(cases[i].list, cases[i].host) != cases[i].direct)
            fail_msg("%s in \"%s\"", cases[i].host, cases[i].list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
