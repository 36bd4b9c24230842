/* test_local_address.c - what explain tells of our end of the connection: of a new one and of one
 * that is used again, behind redirects, through proxies. */
#include "support/relay.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

static void answer(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (strcmp(rp_sim_target(x), "/on") == 0)
        rp_sim_respond(x, 302, "Location: /there\r\nConnection: close\r\n", "", 0);
    else
        rp_sim_respond(x, 200, NULL, "here", 4);
}

static const rp_request_options asked = {.explain = true, .redirects_limit = 1};

static void is_ours(const fetch *f)
{
    assert_memory_equal(f->local_address, "127.0.0.1:", 10);
    assert_true(strtoul(f->local_address + 10, NULL, 10) > 0);
    assert_string_not_equal(f->local_address, f->address);
}

/* Plain and encrypted HTTP/1.1, and HTTP/2. */
static void test_told(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        rp_sim_server_options serving = {.on_request = answer,
                                         .versions = i == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1};
        scene s;
        fetch first = {0}, again = {0}, unasked = {0}, moved = {0}, nobody = {0};
        scene_begin(&s, i == 0 ? 0 : 13, &serving, NULL);
        scene_good(&s, &first, "/", &asked, 200);
        is_ours(&first);
        scene_good(&s, &again, "/", &asked, 200);
        assert_true(again.summary.reused);
        assert_string_equal(again.local_address, first.local_address);
        scene_good(&s, &unasked, "/", NULL, 200);
        assert_string_equal(unasked.local_address, "");
        scene_good(&s, &moved, "/on", &asked, 200);
        is_ours(&moved);
        if (i < 2) /* HTTP/2 knows no Connection: close */
            assert_string_not_equal(moved.local_address, first.local_address);
        rp_request_options options = asked;
        options.url = "http://127.0.0.1:1/";
        assert_true(fetch_start(&nobody, &s.web, NULL, &options));
        fetch_wait(&nobody);
        assert_string_equal(nobody.local_address, "");
        scene_end(&s);
    }
}

/* It is the end of the connection to the proxy, also where TLS is in TLS. */
static void test_through_proxies(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rp_sim_server_options serving = {.on_request = answer};
        rp_proxy_options through = {0};
        scene s;
        relay r;
        rp_error error;
        fetch f = {0};
        rp_request_options options = asked;
        scene_begin(&s, 13, &serving, NULL);
        relay_begin(&r, s.web.loop, &(relay_options){.tls = i == 1});
        through.url = relay_url(&r, i == 1 ? "https" : "http", "");
        through.tls = s.web.client_tls;
        if (rp_proxy_create(&options.proxy, &through, &error) != RP_OK)
            fail_msg("%s", error.text);
        scene_good(&s, &f, "/", &options, 200);
        is_ours(&f);
        rp_client_destroy(s.web.client);
        s.web.client = NULL;
        UNTIL(s.web.loop, !rp_loop_pending(s.web.loop));
        relay_end(&r);
        scene_end(&s);
        rp_proxy_release(options.proxy);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {fixture_test(test_told),
                                              fixture_test(test_through_proxies)};
    return fixture_run_simulated(tests, 2);
}
