/* test_proxy_options.c - what proxy options are taken for, and which are refused, in words that
 * quote no credentials. */
#include "client/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_urls(void **state)
{
    static const struct {
        const char *url;
        rp_proxy_kind kind;
        const char *host;
        uint16_t port;
    } cases[] = {
        {"proxy.test", RP_PROXY_HTTP, "proxy.test", 1080},
        {"proxy.test:80", RP_PROXY_HTTP, "proxy.test", 80},
        {"http://proxy.test:3128/", RP_PROXY_HTTP, "proxy.test", 3128},
        {"HTTPS://proxy.test", RP_PROXY_HTTPS, "proxy.test", 443},
        {"https://proxy.test:80", RP_PROXY_HTTPS, "proxy.test", 80},
        {"socks5://[2001:db8::1]", RP_PROXY_SOCKS5, "2001:db8::1", 1080},
        {"socks5h://a:b@[::1]:9", RP_PROXY_SOCKS5H, "::1", 9},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_proxy *proxy;
        rp_tls_config *tls;
        assert_int_equal(
            rp_tls_config_create(&tls, &(rp_tls_options){.insecure_accept_any_certificate = true},
                                 NULL),
            RP_OK);
        rp_proxy_options options = {.url = cases[i].url, .tls = tls};
        assert_int_equal(rp_proxy_create(&proxy, &options, NULL), RP_OK);
        for (int https = 0; https < 2; https++) {
            const rp_hop *hop = rp__proxy_hop(proxy, "example.com", https != 0);
            assert_non_null(hop);
            assert_int_equal(hop->kind, cases[i].kind);
            assert_string_equal(hop->host, cases[i].host);
            assert_int_equal(hop->port, cases[i].port);
        }
        assert_ptr_equal(rp_proxy_retain(proxy), proxy);
        rp_proxy_release(proxy);
        rp_proxy_release(proxy);
        rp_tls_config_release(tls);
    }
    rp_proxy_release(NULL);
}

static void test_credentials(void **state)
{
    rp_proxy *proxy;
    static const char *const headers[] = {"X-A: b"};
    (void)state;
    rp_proxy_options options = {
        .url = "http://us%65r:p%3Ass@p", .headers = headers, .header_count = 1};
    assert_int_equal(rp_proxy_create(&proxy, &options, NULL), RP_OK);
    assert_string_equal(rp__proxy_hop(proxy, "h", true)->fields,
                        "Proxy-Authorization: Basic dXNlcjpwOnNz\r\nX-A: b\r\n");
    rp_proxy_release(proxy);
    options.user = "Aladdin"; /* RFC 7617 */
    options.password = "open sesame";
    assert_int_equal(rp_proxy_create(&proxy, &options, NULL), RP_OK);
    assert_string_equal(rp__proxy_hop(proxy, "h", true)->fields,
                        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nX-A: b\r\n");
    rp_proxy_release(proxy);
    options = (rp_proxy_options){.url = "socks5h://u:p%20@p"};
    assert_int_equal(rp_proxy_create(&proxy, &options, NULL), RP_OK);
    assert_string_equal(rp__proxy_hop(proxy, "h", true)->user, "u");
    assert_string_equal(rp__proxy_hop(proxy, "h", true)->password, "p ");
    rp_proxy_release(proxy);
}

static void test_refused(void **state)
{
    char large[5000];
    static const char *const no_colon[] = {"secret"}, *const control[] = {"A: b\r\nsecret: x"};
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    const rp_proxy_options cases[] = {
        {.url = "socks4://secret@p"},
        {.url = "ftp://p"},
        {.url = "http://"},
        {.url = "http://secret:secret@"},
        {.url = "http://p/secret"},
        {.url = "http://p?secret"},
        {.url = "http://p:0"},
        {.url = "http://p:65536"},
        {.url = "http://secret@secret@p"},
        {.url = "http://p\r\nsecret"},
        {.url = "http://secret%00@p"},
        {.url = large},
        {.url = "socks5://secret@p"},
        {.url = "socks5://:secret@p"},
        {.url = "socks5://p", .user = large, .password = "secret"},
        {.url = "http://p", .user = large},
        {.url = "http://p", .headers = no_colon, .header_count = 1},
        {.url = "http://p", .headers = control, .header_count = 1},
        {.url = "http://p", .header_count = 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_proxy *proxy;
        rp_error error;
        rp_status want = i < 2 ? RP_E_UNSUPPORTED : RP_E_BAD_OPTION; /* the schemes */
        if (rp_proxy_create(&proxy, &cases[i], &error) != want)
            fail_msg("%zu", i);
        assert_null(proxy);
        assert_null(strstr(error.text, "secret"));
        assert_non_null(strstr(error.text, "proxy"));
    }
}

/* What is empty counts as not set; putenv keeps the text. */
static void set(const char *name, const char *value)
{
    static char texts[32][64];
    static size_t used;
    char *text = texts[used++];
    (void)snprintf(text, sizeof(texts[0]), "%s=%s", name, value != NULL ? value : "");
    assert_int_equal(putenv(text), 0);
}

static void test_environment(void **state)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    rp_proxy_options options = {.url = NULL};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        set(names[i], NULL);
    rp_proxy_from_environment(&options);
    assert_null(options.http_url);
    assert_null(options.https_url);
    assert_null(options.no_proxy);
    set("HTTP_PROXY", "from.client"); /* CVE-2016-5385 and kin */
    rp_proxy_from_environment(&options);
    assert_null(options.http_url);
    set("ALL_PROXY", "all");
    set("HTTPS_PROXY", "https");
    set("NO_PROXY", "none");
    rp_proxy_from_environment(&options);
    assert_string_equal(options.http_url, "all");
    assert_string_equal(options.https_url, "https");
    assert_string_equal(options.no_proxy, "none");
    set("http_proxy", "http");
    set("https_proxy", "lower");
    set("no_proxy", "");
    options = (rp_proxy_options){.https_url = "given"};
    rp_proxy_from_environment(&options);
    assert_string_equal(options.http_url, "http");
    assert_string_equal(options.https_url, "given");
    assert_string_equal(options.no_proxy, "none");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        set(names[i], NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
