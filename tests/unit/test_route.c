/* test_route.c - "HOST:PORT" and "HOST1:PORT1:HOST2:PORT2". */
#include "base/address.h"
#include "client/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void reads_routes(void **state)
{
    static const struct {
        const char *text, *host; /* NULL: it is none */
        unsigned port;
    } cases[] = {
        {":", "", 0},
        {"a:", "a", 0},
        {":1", "", 1},
        {"a.test:65535", "a.test", 65535},
        {"192.0.2.1:80", "192.0.2.1", 80},
        {"[2001:db8::1]:443", "2001:db8::1", 443},
        {"[::1]:", "::1", 0},
        {"", NULL, 0},
        {"a", NULL, 0},
        {"[::1]", NULL, 0},
        {"[]:1", NULL, 0},
        {"[::1:1", NULL, 0},
        {"[::1]x:1", NULL, 0},
        {"::1:443", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:4294967297", NULL, 0},
        {"a:99999999999999999999", NULL, 0},
        {"a:1x", NULL, 0},
        {"a: 1", NULL, 0},
        {"a:+1", NULL, 0},
        {"a:1:2", NULL, 0},
        {"a b:1", NULL, 0},
        {"a\r\nX-Injected:1", NULL, 0},
        {"\ta:1", NULL, 0},
        {"a\x7f:1", NULL, 0},
        {"[::1\n]:1", NULL, 0},
        {"unix:80", "unix", 80}, /* a host of that name */
        {"unix:", "unix", 0},
        {"unix:x", NULL, 0},
    };
    char longest[400];
    rp_route route;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (rp__route_parse(&route, cases[i].text) != (cases[i].host != NULL))
            fail_msg("\"%s\"", cases[i].text);
        if (cases[i].host == NULL)
            continue;
        assert_int_equal(route.port, cases[i].port);
        assert_int_equal(route.host.size, strlen(cases[i].host));
        assert_memory_equal(route.host.data, cases[i].host, route.host.size);
    }
    memset(longest, 'a', sizeof(longest));
    (void)snprintf(longest + RP_HOST_LIMIT, 10, ":65535");
    assert_true(rp__route_parse(&route, longest));
    longest[RP_HOST_LIMIT] = 'a';
    (void)snprintf(longest + RP_HOST_LIMIT + 1, 10, ":65535");
    assert_false(rp__route_parse(&route, longest));
    for (size_t size = RP_UNIX_LIMIT; size <= RP_UNIX_LIMIT + 1; size++) {
        memset(longest, 'a', sizeof(longest));
        memcpy(longest, "unix:/", 6);
        longest[5 + size] = '\0';
        assert_int_equal(rp__route_parse(&route, longest), size == RP_UNIX_LIMIT);
    }
    assert_true(rp__route_parse(&route, "unix:@n"));
    assert_string_equal(route.path, "@n");
    assert_false(rp__route_parse(&route, "unix:@"));
    assert_false(rp__route_parse(&route, "unix:/"));
}

typedef struct find_case {
    const char *rules[3];
    const char *url, *own, *route;
} find_case;

static const find_case finds[] = {
    {{NULL}, "http://a.test/", NULL, ""},
    {{"a.test:80:b.test:81"}, "http://a.test/", NULL, "b.test:81"},
    {{"A.TEST:80:B.Test:81"}, "http://a.Test/", NULL, "b.test:81"},
    {{"a.test:80:b.test:81"}, "http://a.test:8080/", NULL, ""},
    {{"a.test:80:b.test:81"}, "https://a.test/", NULL, ""},
    {{"a.test:80:b.test:81"}, "http://aa.test/", NULL, ""},
    {{"a.test::b.test:81"}, "https://a.test:8443/", NULL, "b.test:81"},
    {{"a.test::b.test:"}, "https://a.test:8443/", NULL, "b.test:8443"},
    {{"::b.test:"}, "https://a.test/", NULL, "b.test:443"},
    {{":443::8443"}, "https://a.test/", NULL, "a.test:8443"},
    {{":443::8443"}, "http://a.test/", NULL, ""},
    {{"[::1]:80:[::2]:81"}, "http://[::1]/", NULL, "[::2]:81"},
    {{"[::1]:::81"}, "http://[::1]/", NULL, "[::1]:81"},
    /* The first that fits. */
    {{"b.test::c.test:1", "a.test::d.test:2", "::e.test:3"}, "http://a.test/", NULL, "d.test:2"},
    {{"b.test::c.test:1", "a.test::d.test:2", "::e.test:3"}, "http://x.test/", NULL, "e.test:3"},
    {{"a.test:::", "::e.test:3"}, "http://a.test/", NULL, ""},
    /* To where it goes anyway. */
    {{"::A.test:80"}, "http://a.test/", NULL, ""},
    {{"a.test::unix:/Run/a:1.sock", "::unix:@Name"}, "http://a.test/", NULL, "unix:/Run/a:1.sock"},
    {{"a.test::unix:/Run/a:1.sock", "::unix:@Name"}, "https://b.test/", NULL, "unix:@Name"},
    {{"::e.test:3"}, "http://a.test/", "unix:./s", "unix:./s"},
    /* A request's own. */
    {{"::e.test:3"}, "http://a.test/", "f.test:4", "f.test:4"},
    {{"::e.test:3"}, "http://a.test/", ":", ""},
    {{NULL}, "http://a.test:5/", "f.test:", "f.test:5"},
};

static void finds_the_route(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        const find_case *c = &finds[i];
        char text[RP_ROUTE_SIZE], *rules = NULL;
        rp_memory memory;
        rp_error error;
        rp_url url;
        size_t count = 0;
        while (count < 3 && c->rules[count] != NULL)
            count++;
        rp__memory_init(&memory, (rp_allocator){0});
        assert_int_equal(rp__url_parse(&url, c->url, strlen(c->url), &error), RP_OK);
        assert_int_equal(rp__routes_make(&rules, &memory, c->rules, count, &error), RP_OK);
        assert_int_equal(rp__route_find(text, rules, &url, c->own, &error), RP_OK);
        if (strcmp(text, c->route) != 0)
            fail_msg("%zu: %s goes to \"%s\", not to \"%s\"", i, c->url, text, c->route);
        rp__free(&memory, rules);
        assert_int_equal(memory.live, 0);
    }
}

static void names_what_is_wrong(void **state)
{
    static const char *const bad[] = {"", "a:1", "a:1:b", "a:x:b:1", "a:1:b:x", "[::1:1:b:1"};
    char text[RP_ROUTE_SIZE], *rules;
    rp_memory memory;
    rp_error error;
    rp_url url;
    (void)state;
    rp__memory_init(&memory, (rp_allocator){0});
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *const entries[] = {"::a:1", bad[i]};
        assert_int_equal(rp__routes_make(&rules, &memory, entries, 2, &error), RP_E_BAD_OPTION);
        assert_null(rules);
        assert_non_null(strstr(error.text, "connect_to 2 (\""));
    }
    assert_int_equal(rp__routes_make(&rules, &memory, NULL, 1, &error), RP_E_BAD_OPTION);
    assert_int_equal(rp__url_parse(&url, "http://a.test/", 14, &error), RP_OK);
    assert_int_equal(rp__route_find(text, NULL, &url, "b", &error), RP_E_BAD_OPTION);
    assert_string_equal(error.text, "connect_to (\"b\") is not HOST:PORT or unix:PATH");
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_routes),
        cmocka_unit_test(finds_the_route),
        cmocka_unit_test(names_what_is_wrong),
    };
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
