/* test_target.c - a request's own target, in both versions: sent as it is, once, and refused where
 * it would break the request. */
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

/* Answers with the target. */
static void answer(rp_sim_exchange *x, void *user)
{
    const char *target = rp_sim_target(x);
    (void)user;
    if (strcmp(target, "/leads?on") == 0)
        rp_sim_respond(x, 302, "Location: there\r\n", "", 0);
    else
        rp_sim_respond(x, 200, NULL, target, strlen(target));
}

static void begin(scene *s, rp_sim_versions versions)
{
    rp_sim_server_options serving = {.on_request = answer, .versions = versions};
    scene_begin(s, 13, &serving, NULL);
}

static const rp_sim_versions versions[] = {RP_SIM_HTTP_1, RP_SIM_HTTP_2};

static void test_as_it_is(void **state)
{
    static const rp_request_options kinds[] = {
        {.method = "OPTIONS", .target = "*"},
        {.target = "/a//b/../c?d#e"},
        {.target = "/leads?on", .redirects_limit = 1},
        {.target = NULL},
    };
    static const char *const got[] = {"*", "/a//b/../c?d#e", "/there", "/page?q"};
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        scene s;
        begin(&s, versions[v]);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            fetch f = {0};
            scene_good(&s, &f, "/page?q", &kinds[i], 200);
            assert_string_equal(f.text, got[i]);
        }
        assert_int_equal(scene_counts(&s).malformed, 0);
        scene_end(&s);
    }
}

static void refused(scene *s, const char *target)
{
    fetch f = {0};
    rp_request_options options = {.url = scene_url(s, "/"), .target = target};
    assert_false(fetch_start(&f, &s->web, "/", &options));
    assert_int_equal(f.error.status, RP_E_BAD_OPTION);
}

static void test_refused(void **state)
{
    static const char *const targets[] = {"", "/a b", "/a\r\nX: y", "/\x7f", "/\xc3\xbc", "\t/"};
    scene s;
    (void)state;
    begin(&s, RP_SIM_HTTP_1);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        refused(&s, targets[i]);
    char *large = malloc(65538);
    assert_non_null(large);
    memset(large, 'a', 65537);
    large[65537] = '\0';
    refused(&s, large);
    free(large);
    assert_int_equal(scene_counts(&s).requests, 0);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test(test_as_it_is), fixture_test(test_refused)};
    return fixture_run_simulated(tests, 3);
}
