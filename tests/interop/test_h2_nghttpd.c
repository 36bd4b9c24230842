/* test_h2_nghttpd.c - HTTP/2 against nghttp2's own server with its switches: padding, trailers,
 * small windows and tables, few streams, answers before the upload's end, an echo, prior knowledge
 * without TLS, cancels, and its end under load. */
#include "support/foreign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static foreign nghttpd;

/* Started anew for each test: what it does is said by its switches. */
static void start(const char *switches)
{
    char command[512];
    (void)snprintf(command, sizeof(command),
                   "nghttpd -a 127.0.0.1 -d DIR/www %s PORT0 CERTS/server-ecdsa.key "
                   "CERTS/server-ecdsa.pem",
                   switches);
    foreign_start(&nghttpd, command);
}

static void get(web *w, fetch *f, const char *path)
{
    rp_request_options options = {.url = foreign_url(&nghttpd, path)};
    fetch_good(f, w, path, &options, 200);
    assert_int_equal(f->version, 20);
}

static void test_switches(void **state)
{
    static const char *const switches[] = {
        "-b 200",   "-b 255 -m 1", "--trailer 'x-sum: 1'",          "-c 0",
        "-c 65536", "-w 10 -W 12", "--no-content-length --hexdump", "-n 2 -e",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        web w;
        start(switches[i]);
        foreign_client(&w, NULL);
        fetch hello = {0}, large = {.checked = true};
        get(&w, &hello, "/hello");
        assert_string_equal(hello.text, "hello\n");
        get(&w, &large, "/large");
        assert_int_equal(large.body_bytes, FOREIGN_LARGE);
        crowd c = {.url = foreign_url(&nghttpd, "/hello?%u"), .total = 100, .at_once = 20};
        crowd_good(&c, &w);
        foreign_client_end(&w);
        foreign_stop(&nghttpd);
    }
}

static void upload(web *w, const uint8_t *data, fetch *f, int status)
{
    rp_request_options options = {
        .url = foreign_url(&nghttpd, "/hello"), .body = data, .body_size = FOREIGN_LARGE};
    fetch_good(f, w, "/hello", &options, status);
}

/* The upload that comes back. (With smaller windows, -w, nghttpd answers FLOW_CONTROL_ERROR now and
 * then, to curl as well.) */
static void test_echo(void **state)
{
    static const char *const switches[] = {"--echo-upload", "--echo-upload -b 100"};
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    (void)state;
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        web w;
        fetch f = {.checked = true};
        start(switches[i]);
        foreign_client(&w, NULL);
        upload(&w, data, &f, 200);
        assert_int_equal(f.body_bytes, FOREIGN_LARGE);
        foreign_client_end(&w);
        foreign_stop(&nghttpd);
    }
    free(data);
}

/* It answers when it has seen the head, and resets the rest of the upload with NO_ERROR. */
static void test_early_response(void **state)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    start("--early-response");
    foreign_client(&w, NULL);
    for (int k = 0; k < 5; k++) {
        fetch f = {0}, next = {0};
        upload(&w, data, &f, 200);
        assert_string_equal(f.text, "hello\n");
        get(&w, &next, "/hello");
        assert_true(next.summary.reused);
    }
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
    foreign_client_end(&w);
    foreign_stop(&nghttpd);
    free(data);
}

static void test_prior_knowledge(void **state)
{
    char url[64];
    web w;
    (void)state;
    start("--no-tls");
    foreign_client(&w, &(rp_client_options){.http2_prior_knowledge = true});
    (void)snprintf(url, sizeof(url), "http://localhost:%u/hello?%%u", nghttpd.ports[0]);
    crowd c = {.url = url, .total = 500, .at_once = 100};
    crowd_good(&c, &w);
    assert_in_range(rp_loop_stats_get(w.loop)->connections_opened, 1, 2);
    foreign_client_end(&w);
    foreign_stop(&nghttpd);
}

/* nghttp2 ends a connection after 1,000 resets, and 33 a second. */
static void test_cancels(void **state)
{
    (void)state;
    start("");
    for (unsigned at = 0; at < 3; at++) {
        web w;
        foreign_client(&w, NULL);
        crowd c = {.url = foreign_url(&nghttpd, "/middle?%u"),
                   .total = 2500,
                   .at_once = 50,
                   .checked = true,
                   .cancel_every = 50,
                   .cancel_from = 1,
                   .cancel_at = at};
        crowd_good(&c, &w);
        foreign_client_end(&w);
    }
    foreign_stop(&nghttpd);
}

/* Killed and started again in the middle: what was answered was executed, nothing was twice. */
static void kill_it(crowd *c)
{
    if (c->done == c->total / 2) {
        foreign_signal(&nghttpd, SIGKILL);
        foreign_stop(&nghttpd);
        start("-v");
    }
}

static void test_killed(void **state)
{
    static unsigned round;
    char path[64], line[128];
    web w;
    (void)state;
    start("-v");
    foreign_client(&w, NULL);
    (void)snprintf(path, sizeof(path), "/hello?%s-%u-%%u", fixture_backend(), round);
    crowd c = {.url = foreign_url(&nghttpd, path),
               .request = {.body = "a body", .body_size = 6},
               .total = 400,
               .at_once = 20,
               .on_done = kill_it};
    crowd_run(&c, &w);
    for (unsigned i = 0; i < c.total; i++) {
        (void)snprintf(line, sizeof(line), ":path: /hello?%s-%u-%u\n", fixture_backend(), round, i);
        unsigned times = foreign_count(&nghttpd, "log", line);
        if (c.outcomes[i] == CROWD_GOOD ? times != 1 : times > 1)
            fail_msg("request %u was executed %u times, outcome %u", i, times, c.outcomes[i]);
    }
    round++;
    assert_in_range(c.failed, 0, c.at_once);
    crowd_end(&c);
    foreign_client_end(&w);
    foreign_stop(&nghttpd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_switches),       fixture_test(test_echo),
        fixture_test(test_early_response), fixture_test(test_prior_knowledge),
        fixture_test(test_cancels),        fixture_test(test_killed),
    };
    foreign_begin(&nghttpd);
    int failed = fixture_run(tests);
    if (failed > 0)
        foreign_show_log(&nghttpd);
    foreign_end(&nghttpd);
    return failed;
}
