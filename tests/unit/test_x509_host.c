/* test_x509_host.c - RFC 9525: which certificate names stand for which hosts. */
#include "x509/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct name_case {
    const char *host, *pattern;
    size_t size; /* 0: strlen */
    bool matches;
} name_case;

static const name_case cases[] = {
    {"example.com", "example.com", 0, true},
    {"EXAMPLE.com", "example.COM", 0, true},
    {"example.com.", "example.com", 0, true},  /* an absolute name is the same name */
    {"example.com", "example.com.", 0, false}, /* not a DNS-ID */
    {"localhost", "localhost", 0, true},
    {"example.com", "example.org", 0, false},
    {"example.com", "xexample.com", 0, false},
    {"xexample.com", "example.com", 0, false},
    {"a.example.com", "example.com", 0, false},
    {"example.com", "a.example.com", 0, false},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", 0, true},

    {"a.example.com", "*.example.com", 0, true},
    {"A.Example.Com", "*.eXample.coM", 0, true},
    {"a.example.com.", "*.example.com", 0, true},
    {"xn--bcher-kva.example.com", "*.example.com", 0, true},
    {"example.com", "*.example.com", 0, false},
    {"a.b.example.com", "*.example.com", 0, false},
    {".example.com", "*.example.com", 0, false},
    {"a.example.com", "*.com", 0, false},
    {"example.com", "*.com", 0, false},
    {"example.com", "*", 0, false},
    {"localhost", "*", 0, false},
    {"localhost", "*.", 0, false},
    {"a.localhost", "*.localhost", 0, false},
    {"a.example.com", "a*.example.com", 0, false},
    {"ab.example.com", "a*.example.com", 0, false},
    {"a.example.com", "*a.example.com", 0, false},
    {"a.b.example.com", "a.*.example.com", 0, false},
    {"a.b.example.com", "*.*.example.com", 0, false},
    {"a.b.com", "*.b.*", 0, false},
    {"a.example.com", "**.example.com", 0, false},
    {"a.example.com", "*.example..com", 0, false},
    {"a..example.com", "*.example.com", 0, false},
    {"*.example.com", "*.example.com", 0, false}, /* no host is called so */

    {"example.com", "example.com\0", 12, false},
    {"example.com", "example.com\0.evil.test", 22, false},
    {"a.example.com", "*.example.com\0", 14, false},
    {"a.example.com", "*\0example.com", 13, false},
    {"example.com", "example.com ", 12, false},
    {"example.com", "", 0, false},
    {"", "", 0, false},
    {"", "example.com", 0, false},
    {".", ".", 1, false},
    {"example.com..", "example.com.", 12, false},
    {"ex\xC3\xA4mple.com", "ex\xC3\xA4mple.com", 0, false}, /* U-labels are not for certificates */
    {"example.com", "example", 0, false},
    {"1.2.3.4.example", "*.2.3.4.example", 0, true},
};

static void names_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const name_case *at = &cases[i];
        size_t size = at->size != 0 ? at->size : strlen(at->pattern);
        /* A block of its own, so that the sanitizers see a step too far. */
        uint8_t *pattern = malloc(size + 1);
        assert_non_null(pattern);
        memcpy(pattern + 1, at->pattern, size);
        if (rp_host_matches(at->host, pattern + 1, size) != at->matches)
            fail_msg("host \"%s\", pattern \"%s\"", at->host, at->pattern);
        free(pattern);
    }
}

static void long_names(void **state)
{
    (void)state;
    char host[600], pattern[600];
    memset(host, 'a', sizeof(host));
    memset(pattern, 'a', sizeof(pattern));
    memcpy(host + 300, ".example.com", 13);
    memcpy(pattern + 300, ".example.com", 13);
    assert_true(rp_host_matches(host, (uint8_t *)pattern, 312));
    assert_true(rp_host_matches(host, (const uint8_t *)"*.example.com", 13));
    assert_false(rp_host_matches(host, (uint8_t *)pattern, 311));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match),
        cmocka_unit_test(long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
