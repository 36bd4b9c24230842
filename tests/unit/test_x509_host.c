/* test_x509_host.c - RFC 9525: which certificate names stand for which hosts. */
#include "support/chains.h"
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
    {"a.example.com", "*.example.org", 0, false},
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
        if (rp__host_matches(at->host, pattern + 1, size) != at->matches)
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
    assert_true(rp__host_matches(host, (uint8_t *)pattern, 312));
    assert_true(rp__host_matches(host, (const uint8_t *)"*.example.com", 13));
    assert_false(rp__host_matches(host, (uint8_t *)pattern, 311));
}

/* ---- A certificate's names ------------------------------------------------------------------- */

static rp_slice make(rp_certificate *certificate, const char *names, const char *subject)
{
    const chain_spec spec = {.subject = subject, .issuer = -1, .key_number = 1, .names = names};
    const char *reason;
    rp_slice der = chain_certificate(&spec, 0);
    assert_true(rp__certificate_read(certificate, der, &reason));
    return der;
}

static void certificates_name_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *names, *host;
        bool matches;
    } certificates[] = {
        {"a.test;b.test", "b.test", true},
        {"a.test;*.b.test", "c.b.test", true},
        {"a.test", "c.test", false},
        {"ip:127.0.0.1", "127.0.0.1", true},
        {"ip:127.0.0.1", "127.0.0.2", false},
        {"ip:127.0.0.1", "::ffff:127.0.0.1", false},
        {"ip:::1", "::1", true},
        {"ip:::1", "[::1]", true},
        {"ip:::1", "0:0:0:0:0:0:0:1", true},
        {"ip:::1", "::2", false},
        {"dns:127.0.0.1", "127.0.0.1", false}, /* RFC 9525, 6.3: an IP-ID, or nothing */
        {"ip:127.0.0.1", "127.0.0.1.test", false},
        {"email:a@a.test;uri:https://a.test/;dir:CN=a.test", "a.test", false},
        {"dns:;a.test", "a.test", true},
        {NULL, "subject.test", false}, /* a common name is none */
    };
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++) {
        rp_certificate certificate;
        rp_slice der = make(&certificate, certificates[i].names, "subject.test");
        if (rp__certificate_names_host(&certificate, certificates[i].host) !=
            certificates[i].matches)
            fail_msg("%s in %s", certificates[i].host, certificates[i].names);
        chain_free(&der, 1);
    }
}

static void hosts_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *names, *text;
    } certificates[] = {
        {"a.test", "a.test"},
        {"a.test;ip:192.0.2.1;email:x@y.test;ip:2001:db8::1", "a.test, 192.0.2.1, 2001:db8::1"},
        {"email:x@y.test;dns:", ""},
        {NULL, ""},
        {"a\tb\x7f.test", "a?b?.test"},
        {"dns:192.0.2.1;ip:192.0.2.2;dns:2001:db8::1",
         "a DNS name that reads 192.0.2.1, 192.0.2.2, a DNS name that reads 2001:db8::1"},
        {"01234567890123456789.test;01234567890123456789.test;01234567890123456789.test;"
         "01234567890123456789.test;01234567890123456789.test",
         "01234567890123456789.test, 01234567890123456789.test, 01234567890123456789.test, "
         "01234567890123456789.test, ..."},
    };
    for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++) {
        rp_certificate certificate;
        char text[RP_HOSTS_TEXT_SIZE];
        rp_slice der = make(&certificate, certificates[i].names, "subject.test");
        assert_string_equal(rp__certificate_hosts_text(&certificate, text), certificates[i].text);
        chain_free(&der, 1);
    }
    /* One that fits as a name and fills all that there is; it is cut, and the next is not there. */
    for (size_t size = 60; size < 130; size++) {
        char names[300], text[RP_HOSTS_TEXT_SIZE];
        rp_certificate certificate;
        memset(names, 'x', size);
        memcpy(names + size, ";b.test", sizeof(";b.test"));
        rp_slice der = make(&certificate, names, NULL);
        assert_true(strlen(rp__certificate_hosts_text(&certificate, text)) < sizeof(text));
        assert_memory_equal(text, names, 60);
        chain_free(&der, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match),
        cmocka_unit_test(long_names),
        cmocka_unit_test(certificates_name_hosts),
        cmocka_unit_test(hosts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
