/* test_tool_proxy.c - the tool's options of proxies, the environment, and curl's exit codes. */
#include "exit_code.h"
#include "proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, "http://h/", NULL})

static void parse(tool_options *o, const char *const *words)
{
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    if (options_parse(o, COMMAND_GET, argc, argv) != EXIT_OK)
        fail_msg("%s", o->message);
}

static void set(const char *name, const char *value)
{
    static char texts[16][64];
    static size_t used;
    char *text = texts[used++];
    (void)snprintf(text, sizeof(texts[0]), "%s=%s", name, value);
    assert_int_equal(putenv(text), 0);
}

static void forget_environment(void)
{
    set("http_proxy", "");
    set("https_proxy", "");
    set("HTTPS_PROXY", "");
    set("all_proxy", "");
    set("ALL_PROXY", "");
}

static int create(const char *const *words, bool *any)
{
    tool_options o;
    rp_proxy *proxy;
    rp_error error;
    parse(&o, words);
    int code = proxy_create(&proxy, &o, &error);
    *any = proxy != NULL;
    rp_proxy_release(proxy);
    options_free(&o);
    return code;
}

static void test_create(void **state)
{
    bool any;
    (void)state;
    forget_environment();
    assert_int_equal(create(WORDS("-v"), &any), EXIT_OK);
    assert_false(any);
    assert_int_equal(
        create(WORDS("-x", "p:3128", "-U", "a:b", "-p", "--proxy-header", "A: b", "--noproxy", "x"),
               &any),
        EXIT_OK);
    assert_true(any);
    assert_int_equal(create(WORDS("--socks5-hostname", "p"), &any), EXIT_OK);
    assert_true(any);
    assert_int_equal(create(WORDS("-x", "https://p", "--proxy-insecure"), &any), EXIT_OK);
    assert_true(any);
    assert_int_equal(create(WORDS("-x", "socks4://p"), &any), EXIT_CONNECT);
    assert_int_equal(create(WORDS("-x", "http://p:99999"), &any), EXIT_PROXY_RESOLVE);
    assert_int_equal(create(WORDS("-x", "https://p", "--proxy-cacert", "/nonexistent"), &any),
                     EXIT_CA_FILE);
    assert_int_equal(create(WORDS("-x", "https://p", "--proxy-cert", "/nonexistent"), &any),
                     EXIT_CLIENT_CERTIFICATE);
    assert_false(any);
    set("http_proxy", "p:1");
    assert_int_equal(create(WORDS("-v"), &any), EXIT_OK);
    assert_true(any);
    assert_int_equal(create(WORDS("-x", ""), &any), EXIT_OK);
    assert_false(any);
    forget_environment();
}

static void test_exit_codes(void **state)
{
    static const struct {
        rp_status status;
        rp_phase phase;
        bool of_proxy;
        int http, socks; /* 0: not the proxy's */
    } cases[] = {
        {RP_E_PROXY_REFUSED, RP_PHASE_PROXY, true, 56, 97},
        {RP_E_PROXY_AUTH, RP_PHASE_PROXY, true, 56, 97},
        {RP_E_PROXY_PROTOCOL, RP_PHASE_PROXY, true, 56, 97},
        {RP_E_PROXY_CLOSED, RP_PHASE_PROXY, true, 56, 97},
        {RP_E_RESET, RP_PHASE_PROXY, true, 56, 97},
        {RP_E_RESET, RP_PHASE_BODY, false, 0, 0},
        {RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, true, 5, 5},
        {RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, false, 0, 97},
        {RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, true, 0, 0},
    };
    (void)state;
    forget_environment();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_error error = {
            .status = cases[i].status, .phase = cases[i].phase, .of_proxy = cases[i].of_proxy};
        tool_options o;
        parse(&o, WORDS("-x", "p"));
        assert_int_equal(proxy_exit_code(&o, &error), cases[i].http);
        options_free(&o);
        parse(&o, WORDS("--socks5", "p"));
        assert_int_equal(proxy_exit_code(&o, &error), cases[i].socks);
        options_free(&o);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
