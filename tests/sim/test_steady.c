/* test_steady.c - what requests allocate when everything that is kept is there: those that go
 * straight, or through a proxy, nothing; a redirect its few structures, and an encoded answer its
 * decoder's, each time the same. */
#include "loop/loop.h"
#include "support/coded.h"
#include "support/play.h"
#include "support/relay.h"

#include <stdio.h>
#include <string.h>

enum { WARM_UP = 100, REQUESTS = 1000 };

static void answer(rp_sim_exchange *x, void *user)
{
    const char *path = rp_sim_target(x);
    char line[64];
    (void)user;
    if (strcmp(path, "/away") == 0) {
        rp_sim_respond(x, 302, "Location: /\r\n", "elsewhere", 9);
    } else if (path[1] != '\0') {
        const coded *c = &coded_good[path[1] - '0'];
        (void)snprintf(line, sizeof(line), "Content-Encoding: %s\r\n", c->encoding);
        rp_sim_respond(x, 200, line, c->data, c->size);
    } else {
        rp_sim_respond(x, 200, NULL, "straight", 8);
    }
}

/* Allocations of the client's loop by REQUESTS such requests. */
static uint64_t allocations(play *p, const char *path, const rp_request_options *with)
{
    uint64_t before = 0;
    for (unsigned i = 0; i < WARM_UP + REQUESTS; i++) {
        rp_request_options options = *with;
        call c = {.dones = 0};
        options.url = play_url(p, path);
        if (i == WARM_UP)
            before = p->loop->memory.allocations;
        call_start(&c, p, &options);
        call_wait(&c, p);
        if (c.status != 200)
            fail_msg("%s: %s", path, c.error.text);
    }
    return p->loop->memory.allocations - before;
}

static void each_version(void (*test)(play *p))
{
    for (int i = 0; i < 2; i++) {
        rp_sim_server_options serving = {.on_request = answer,
                                         .versions = i == 0 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2};
        rp_client_options with = {.connection_lifetime_ms = RP_NEVER_MS};
        play p;
        play_begin(&p, &(play_options){.server = &serving, .client = &with, .version = 13});
        test(&p);
        play_end(&p);
    }
}

static void straight(play *p)
{
    assert_int_equal(allocations(p, "/", &(rp_request_options){.bearer = "token"}), 0);
    assert_int_equal(allocations(p, "/", &(rp_request_options){.decompress = true}), 0);
}

static void test_straight(void **state)
{
    (void)state;
    each_version(straight);
}

static void test_proxy(void **state)
{
    static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rp_sim_server_options serving = {.on_request = answer};
        rp_client_options with = {.connection_lifetime_ms = RP_NEVER_MS};
        relay_options relaying = {.tls = i == 1, .socks = i > 1, .port = 3128};
        rp_proxy *proxy = NULL;
        rp_loop *loop = NULL;
        relay r;
        play p;
        play_begin(&p, &(play_options){.server = &serving, .client = &with, .version = 13});
        assert_int_equal(rp_sim_loop_create(p.sim, &loop, NULL, false, NULL), RP_OK);
        relay_begin(&r, loop, &relaying);
        rp_proxy_options to = {.url = relay_url(&r, schemes[i], ""), .tls = p.tls};
        assert_int_equal(rp_proxy_create(&proxy, &to, NULL), RP_OK);
        assert_int_equal(allocations(&p, "/", &(rp_request_options){.proxy = proxy}), 0);
        rp_client_destroy(p.client);
        p.client = NULL;
        rp_sim_run_ms(p.sim, 1000);
        rp_sim_server_stop(r.server);
        rp_sim_run_ms(p.sim, 1000);
        rp_loop_destroy(loop);
        play_end(&p);
        rp_proxy_release(proxy);
    }
}

/* Followed or not: the structure and its URL. Followed: the Location resolved, a copy of it, and
 * the next message. */
static void redirected(play *p)
{
    rp_request_options options = {.redirects_limit = 3};
    assert_int_equal(allocations(p, "/", &options), 2 * REQUESTS);
    assert_int_equal(allocations(p, "/away", &options), 5 * REQUESTS);
}

static void test_redirected(void **state)
{
    (void)state;
    each_version(redirected);
}

/* A decoder and what stands around it, and what its library takes. */
static void decoded(play *p)
{
    static const unsigned most[] = {[0] = 6, [2] = 6, [4] = 16, [5] = 6};
    for (unsigned i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
        char path[] = {'/', (char)('0' + i), '\0'};
        if (most[i] == 0)
            continue;
        uint64_t count = allocations(p, path, &(rp_request_options){.decompress = true});
        assert_in_range(count, REQUESTS, (uint64_t)most[i] * REQUESTS);
        assert_int_equal(count % REQUESTS, 0);
    }
}

static void test_decoded(void **state)
{
    (void)state;
    each_version(decoded);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_redirected),
        cmocka_unit_test(test_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
