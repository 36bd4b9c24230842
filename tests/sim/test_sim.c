/* test_sim.c - the simulation itself: its options, time, names, servers; that it tells when it is
 * stuck. Its faults are in test_sim_faults.c, its repeatability in test_sim_trace.c. */
#include "support/check.h"
#include "support/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS ((uint64_t)1000000)

/* ---- options ---- */

static void bad_option(const rp_sim_options *options, const char *sentence)
{
    rp_sim *sim = NULL;
    rp_error error = {.status = RP_OK};
    assert_int_equal(rp_sim_create(&sim, options, &error), RP_E_BAD_OPTION);
    assert_null(sim);
    assert_int_equal(error.status, RP_E_BAD_OPTION);
    assert_string_equal(error.text, sentence);
    assert_int_equal(rp_sim_create(&sim, options, NULL), RP_E_BAD_OPTION);
}

static void test_options(void **state)
{
    (void)state;
    rp_sim_options options = {.fault_ppm[RP_SIM_NAME_LATE] = 1000001};
    bad_option(&options,
               "the probability of name_late is 1000001 millionths, the most is 1,000,000");
    options = (rp_sim_options){.latency_least_us = 2, .latency_most_us = 1};
    bad_option(&options, "latency_least_us is 2, above latency_most_us, 1");

    struct {
        rp_sim_options options;
        uint64_t more;
    } longer = {.more = 0};
    rp_sim *sim = NULL;
    rp_error error;
    assert_int_equal(rp_sim_create_sized(&sim, &longer.options, sizeof(longer), &error), RP_OK);
    rp_sim_destroy(sim);
    longer.more = 1;
    assert_int_equal(rp_sim_create_sized(&sim, &longer.options, sizeof(longer), &error),
                     RP_E_BAD_OPTION);
    assert_string_equal(error.text,
                        "simulation options set a member that this version does not know");
    assert_int_equal(rp_sim_create(&sim, NULL, NULL), RP_OK);
    assert_int_equal(rp_sim_now_ns(sim), 0);
    rp_sim_destroy(sim);
    rp_sim_destroy(NULL);
}

static void test_loop_options(void **state)
{
    (void)state;
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_error error;
    rp_loop_options options = {.coalesce_limit_us = 20000};
    assert_int_equal(rp_sim_create(&sim, NULL, NULL), RP_OK);
    assert_int_equal(rp_sim_loop_create(sim, &loop, &options, true, &error), RP_E_BAD_OPTION);
    assert_null(loop);
    options = (rp_loop_options){.backend = "none that is known"};
    assert_int_equal(rp_sim_loop_create(sim, &loop, &options, false, &error), RP_OK);
    assert_string_equal(rp_loop_backend(loop), "simulator");
    assert_int_equal(rp_loop_waitable(loop).socket, -1);
    assert_null(rp_loop_waitable(loop).handle);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
}

static void test_server_options(void **state)
{
    (void)state;
    static const struct {
        rp_sim_server_options options;
        rp_status status;
        const char *sentence; /* NULL: any */
    } cases[] = {
        {{.address = "localhost"}, RP_E_BAD_OPTION, "the server's address is not an IP address"},
        {{.host = ""}, RP_E_BAD_OPTION, NULL},
        {{.certificate_file = "/nonexistent", .key_file = "/nonexistent"}, RP_E_TLS_CONFIG, NULL},
        {{.address = "192.0.2.1"}, RP_E_ADDRESS_IN_USE, NULL},
        {{.address = "192.0.2.1", .port = 444}, RP_OK, NULL},
        {{.address = "192.0.2.1", .plain = true}, RP_OK, NULL},
        {{.address = "2001:db8::1"}, RP_OK, NULL},
    };
    play p;
    play_begin(&p, NULL);
    rp_sim_server *tls = NULL, *server = NULL;
    assert_int_equal(rp_sim_server_start(p.sim, &tls, NULL, NULL), RP_OK);
    assert_string_equal(rp_sim_server_address(tls), "192.0.2.2:443");
    rp_sim_server_options first = {.address = "192.0.2.1"};
    assert_int_equal(rp_sim_server_start(p.sim, &server, &first, NULL), RP_OK);
    rp_sim_server_stop(p.server);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_error error = {.status = RP_OK};
        rp_status status = rp_sim_server_start(p.sim, &server, &cases[i].options, &error);
        if (status != cases[i].status)
            fail_msg("case %zu: %s: %s", i, rp_status_name(status), error.text);
        assert_int_equal(error.status, status);
        assert_int_equal(server == NULL, status != RP_OK);
        if (cases[i].sentence != NULL)
            assert_string_equal(error.text, cases[i].sentence);
    }
    play_end(&p);
}

/* ---- time ---- */

static void begin_stalled(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_END_STALLED);
}

/* Half a minute passes at once, and to the microsecond. */
static void test_deadline(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (size_t i = 0; i < 3; i++) {
        rp_sim_server_options serving = {.on_request = begin_stalled};
        play_options options = {.version = versions[i], .server = &serving};
        rp_request_options request = {.total_timeout_ms = 30000};
        play p;
        call c;
        play_begin(&p, &options);
        call_start(&c, &p, &request);
        call_wait(&c, &p);
        assert_int_equal(c.error.status, RP_E_TOTAL_TIMEOUT);
        assert_int_equal(c.error.phase, RP_PHASE_HEAD);
        assert_int_equal(c.took_ns, 30000 * MS_NS);
        play_end(&p);
    }
}

typedef struct moment {
    rp_timer timer;
    const rp_sim *sim;
    uint64_t at_ns;
    unsigned fired;
} moment;

static void note(rp_timer *timer, void *user)
{
    moment *m = user;
    (void)timer;
    m->at_ns = rp_sim_now_ns(m->sim);
    m->fired++;
}

static void test_time(void **state)
{
    (void)state;
    play p;
    play_begin(&p, NULL);
    moment day = {.sim = p.sim}, soon = {.sim = p.sim};
    rp_timer_start(p.loop, &day.timer, 86400000, note, &day);
    rp_timer_start(p.loop, &soon.timer, 5, note, &soon);
    rp_sim_run_ms(p.sim, 4);
    assert_int_equal(rp_sim_now_ns(p.sim), 4 * MS_NS);
    assert_int_equal(soon.fired, 0);
    rp_sim_run_ms(p.sim, 1);
    assert_int_equal(rp_sim_now_ns(p.sim), 5 * MS_NS);
    assert_int_equal(soon.fired, 1);
    assert_int_equal(rp_loop_turn(p.loop, 3), 0); /* a wait that nothing ends takes its time */
    assert_int_equal(rp_sim_now_ns(p.sim), 8 * MS_NS);
    rp_loop_run(p.loop);
    assert_int_equal(day.fired, 1);
    assert_int_equal(day.at_ns, 86400000 * MS_NS);
    uint64_t before_ns = rp_sim_now_ns(p.sim);
    for (unsigned i = 0; i < 1000; i++) /* who asks again and again sees time pass */
        (void)rp_loop_turn(p.loop, 0);
    assert_in_range(rp_sim_now_ns(p.sim) - before_ns, 1000 * 1000, MS_NS);
    play_end(&p);
}

static void test_latency(void **state)
{
    (void)state;
    rp_sim_options sim = {.seed = 4, .orderly = true};
    sim.latency_least_us = sim.latency_most_us = 10000;
    play_options options = {.sim = &sim};
    play p;
    call c;
    play_begin(&p, &options);
    call_good(&c, &p);
    /* The name, there and back to connect, and to ask and be answered. */
    assert_int_equal(c.took_ns, 50 * MS_NS);
    call_good(&c, &p);
    assert_true(c.reused);
    assert_in_range(c.took_ns, 20 * MS_NS, 20 * MS_NS + 1000);
    play_end(&p);
}

static void test_window(void **state)
{
    (void)state;
    static const uint8_t body[100000];
    rp_sim_options sim = {.seed = 4, .orderly = true, .window_bytes = 1000};
    sim.latency_least_us = sim.latency_most_us = 1000;
    play_options options = {.sim = &sim};
    rp_request_options request = {.body = body, .body_size = sizeof(body)};
    play p;
    call c;
    play_begin(&p, &options);
    call_start(&c, &p, &request);
    call_wait(&c, &p);
    assert_int_equal(c.status, 200);
    assert_in_range(c.took_ns, 100 * MS_NS, 120 * MS_NS); /* a window of 1,000 bytes each ms */
    play_end(&p);
}

static void test_random(void **state)
{
    (void)state;
    rp_sim *sim = NULL;
    unsigned seen[10] = {0};
    assert_int_equal(rp_sim_create(&sim, NULL, NULL), RP_OK);
    for (unsigned i = 0; i < 10000; i++)
        seen[rp_sim_random(sim, 10)]++;
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(rp_sim_random(sim, 1), 0);
    rp_sim_destroy(sim);
}

/* ---- names ---- */

static void call_name(play *p, call *c, const char *url)
{
    rp_request_options request = {.url = url};
    call_start(c, p, &request);
    call_wait(c, p);
}

static void test_names(void **state)
{
    (void)state;
    play p;
    call c;
    rp_error error;
    play_begin(&p, NULL);
    call_name(&p, &c, "http://nowhere.example.test/");
    assert_int_equal(c.error.status, RP_E_RESOLVE_NOT_FOUND);
    assert_int_equal(c.error.phase, RP_PHASE_RESOLVE);
    call_name(&p, &c, "http://API.Example.TEST./");
    assert_int_equal(c.status, 200);

    /* Added, in its own spelling; several addresses, of which only the last serves. */
    assert_int_equal(rp_sim_name_add(p.sim, "Many.Example.Test",
                                     "198.51.100.1,2001:db8::1,192.0.2.77,192.0.2.1", &error),
                     RP_OK);
    call_name(&p, &c, "http://many.example.test/");
    assert_int_equal(c.status, 200);
    /* Replaced. */
    assert_int_equal(rp_sim_name_add(p.sim, "many.example.test", "192.0.2.77", &error), RP_OK);
    play_client(&p, NULL);
    call_name(&p, &c, "http://many.example.test/");
    assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    play_end(&p);
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "nonsense", "192.0.2.1,", ",192.0.2.1", "192.0.2.1 192.0.2.2", "192.0.2.1:80",
    };
    char many[17 * 10] = "192.0.2.1";
    rp_sim *sim = NULL;
    rp_error error;
    assert_int_equal(rp_sim_create(&sim, NULL, NULL), RP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(rp_sim_name_add(sim, "a.test", bad[i], NULL), RP_E_BAD_OPTION);
    assert_int_equal(rp_sim_name_add(sim, "", "192.0.2.1", NULL), RP_E_BAD_OPTION);
    for (unsigned count = 2; count <= 17; count++) {
        strcat(many, ",192.0.2.1");
        assert_int_equal(rp_sim_name_add(sim, "a.test", many, &error),
                         count <= 16 ? RP_OK : RP_E_BAD_OPTION);
    }
    assert_non_null(strstr(error.text, " of a.test is not a list of 1 to 16 IP addresses"));
    rp_sim_destroy(sim);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    play p;
    call c;
    play_begin(&p, NULL);
    call_name(&p, &c, "http://192.0.2.1/");
    assert_int_equal(c.status, 200);
    call_name(&p, &c, "http://192.0.2.1:81/"); /* a host, and nobody listens */
    assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    call_name(&p, &c, "http://127.0.0.1/");
    assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    call_name(&p, &c, "http://[::1]/");
    assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    call_name(&p, &c, "http://192.0.2.99/"); /* no host */
    assert_int_equal(c.error.status, RP_E_CONNECT_UNREACHABLE);
    call_name(&p, &c, "http://203.0.113.5/");
    assert_int_equal(c.error.status, RP_E_CONNECT_UNREACHABLE);

    /* What a server had refuses, and nobody gets it unasked. */
    static const char *const own[] = {"192.0.2.2", "203.0.113.5", "192.0.2.99"};
    for (size_t i = 0; i < 3; i++) {
        char url[64];
        rp_sim_server_options serving = {.address = own[i], .plain = true};
        rp_sim_server *server = NULL;
        (void)snprintf(url, sizeof(url), "http://%s/", own[i]);
        assert_int_equal(rp_sim_server_start(p.sim, &server, &serving, NULL), RP_OK);
        call_name(&p, &c, url);
        assert_int_equal(c.status, 200);
        rp_sim_server_stop(server);
        call_name(&p, &c, url);
        assert_int_equal(c.error.status, RP_E_CONNECT_REFUSED);
    }
    rp_sim_server *server = NULL;
    assert_int_equal(rp_sim_server_start(p.sim, &server, NULL, NULL), RP_OK);
    assert_string_equal(rp_sim_server_address(server), "192.0.2.3:443");
    play_end(&p);
}

/* ---- servers ---- */

static void test_server_life(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        play_options options = {.version = version};
        play p;
        call c;
        play_begin(&p, &options);
        for (unsigned i = 0; i < 20; i++) {
            call_good(&c, &p);
            call_good(&c, &p);
            assert_true(c.reused);
            rp_sim_server_stop(p.server);
            rp_sim_run_ms(p.sim, 10);
            call_bad(&c, &p, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT, NULL);
            play_serve(&p, NULL);
        }
        rp_sim_server_counts counts;
        rp_sim_server_counts_get(p.server, &counts);
        assert_int_equal(counts.connections, 0);
        play_end(&p);
    }
}

static void test_server_drop(void **state)
{
    (void)state;
    static const rp_sim_ending endings[] = {RP_SIM_CLOSE, RP_SIM_END_TRUNCATED, RP_SIM_END_RESET,
                                            RP_SIM_END_STALLED};
    play_options options = {.version = 13};
    play p;
    call c;
    rp_sim_server_counts counts;
    play_begin(&p, &options);
    call_good(&c, &p);
    rp_sim_server_drop(p.server, RP_SIM_KEEP);
    rp_sim_run_ms(p.sim, 100);
    call_good(&c, &p);
    assert_true(c.reused);
    for (size_t i = 0; i < 4; i++) {
        rp_sim_server_drop(p.server, endings[i]);
        rp_sim_run_ms(p.sim, 100);
        rp_sim_server_counts_get(p.server, &counts);
        assert_int_equal(counts.open, endings[i] == RP_SIM_END_STALLED);
        if (endings[i] == RP_SIM_END_STALLED)
            break;
        call_good(&c, &p); /* an idle connection that ends is not used again */
        assert_false(c.reused);
        assert_true(c.resumed);
    }
    rp_request_options request = {.first_byte_timeout_ms = 1000};
    call_start(&c, &p, &request);
    call_wait(&c, &p);
    assert_int_equal(c.error.status, RP_E_FIRST_BYTE_TIMEOUT);
    play_end(&p);
}

/* Server and client on one loop of the caller's. */
static void test_server_on(void **state)
{
    (void)state;
    play p;
    call c;
    play_begin(&p, NULL);
    rp_sim_server *server = NULL;
    rp_sim_server_options serving = {.host = "other.example.test", .plain = true};
    assert_int_equal(rp_sim_server_start_on(p.loop, &server, &serving, NULL), RP_OK);
    call_name(&p, &c, "http://other.example.test/");
    assert_int_equal(c.status, 200);
    assert_false(rp_loop_pending(p.loop)); /* a server does not keep a loop running */
    rp_sim_server_stop(server);
    play_end(&p);
}

/* Servers that come and go share few loops: the number of ports in the trace does not grow. */
static void test_spare_loops(void **state)
{
    (void)state;
    rp_sim_options sim = {.seed = 3};
    play_options options = {.sim = &sim, .version = 13};
    play p;
    call c;
    play_begin(&p, &options);
    for (unsigned i = 0; i < 50; i++) {
        call_good(&c, &p);
        rp_sim_server_stop(p.server); /* with a connection that is still open */
        if (i % 2 == 0)
            rp_sim_run_ms(p.sim, 50);
        play_serve(&p, NULL);
    }
    play_end(&p);
}

/* ---- several simulations ---- */

static void test_nested(void **state)
{
    (void)state;
    play p[3];
    call c;
    for (int i = 0; i < 3; i++) {
        rp_sim_options sim = {.seed = (uint64_t)i};
        play_options options = {.sim = &sim, .version = i == 0 ? 0 : 11 + i};
        play_begin(&p[i], &options);
        for (int k = 0; k <= i; k++)
            call_good(&c, &p[k]);
    }
    for (int i = 2; i >= 0; i--) {
        for (int k = 0; k <= i; k++)
            call_good(&c, &p[k]);
        play_end(&p[i]);
    }
}

/* Two clients on two loops: whoever waits turns the other one, too. */
static void test_two_loops(void **state)
{
    (void)state;
    play p, other;
    call mine, theirs;
    play_begin(&p, NULL);
    other = p;
    other.client = NULL;
    assert_int_equal(rp_sim_loop_create(p.sim, &other.loop, NULL, false, NULL), RP_OK);
    play_client(&other, NULL);
    call_start(&theirs, &other, NULL);
    call_start(&mine, &p, NULL);
    rp_loop_run(p.loop);
    assert_int_equal(mine.status, 200);
    rp_sim_run_ms(p.sim, 100);
    assert_int_equal(theirs.dones, 1);
    assert_int_equal(theirs.status, 200);
    rp_client_destroy(other.client);
    rp_loop_destroy(other.loop);
    play_end(&p);
}

/* ---- stuck ---- */

static jmp_buf stuck_here;
static char stuck_message[256];

static void stuck(void *user, const char *message)
{
    (void)snprintf(stuck_message, sizeof(stuck_message), "%s", message);
    *(unsigned *)user += 1;
    longjmp(stuck_here, 1);
}

static void post_again(rp_post *post, void *user)
{
    rp_loop_post(user, post);
}

static void wait_for_ever(play *p)
{
    (void)rp_loop_turn(p->loop, RP_NEVER_MS);
}

static void wait_for_answer(play *p)
{
    static call c;
    rp_request_options patient = {.first_byte_timeout_ms = RP_NEVER_MS,
                                  .idle_timeout_ms = RP_NEVER_MS};
    call_start(&c, p, &patient);
    call_wait(&c, p);
}

static void wait_busily(play *p)
{
    static rp_post post;
    post = (rp_post){.fn = post_again, .user = p->loop};
    rp_loop_post(p->loop, &post);
    wait_for_ever(p);
    while (true)
        (void)rp_loop_turn(p->loop, 0);
}

/* A simulation that is stuck can't go on, and so can't end either: it is left as it is. */
static void test_stuck(void **state)
{
    (void)state;
    static const struct {
        void (*wait)(play *p);
        uint64_t seed;
        const char *message;
    } cases[] = {
        {wait_for_ever, 7,
         "simulation with seed 7 at 5 ms: a loop waits for ever, and nothing will happen any more"},
        {wait_for_answer, 18446744073709551615u, "simulation with seed 18446744073709551615 at "},
        {wait_busily, 0,
         "simulation with seed 0 at 5 ms: a million turns without time passing: a busy wait"},
    };
    static play left[3];
    static unsigned told;
    static size_t i;
    static const rp_client_options patient = {.queue_timeout_ms = RP_NEVER_MS,
                                              .resolve_timeout_ms = RP_NEVER_MS,
                                              .connect_timeout_ms = RP_NEVER_MS,
                                              .handshake_timeout_ms = RP_NEVER_MS};
    static const rp_sim_server_options serving = {.on_request = begin_stalled};
    for (i = 0; i < 3; i++) {
        rp_sim_options sim = {.seed = cases[i].seed, .on_stuck = stuck, .user = &told};
        play_options options = {.sim = &sim, .client = &patient, .server = &serving};
        play_begin(&left[i], &options);
        rp_sim_run_ms(left[i].sim, 5);
        if (setjmp(stuck_here) == 0)
            cases[i].wait(&left[i]);
        assert_int_equal(told, i + 1);
        assert_memory_equal(stuck_message, cases[i].message, strlen(cases[i].message));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),        cmocka_unit_test(test_loop_options),
        cmocka_unit_test(test_server_options), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_time),           cmocka_unit_test(test_latency),
        cmocka_unit_test(test_window),         cmocka_unit_test(test_random),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_addresses),      cmocka_unit_test(test_server_life),
        cmocka_unit_test(test_server_drop),    cmocka_unit_test(test_server_on),
        cmocka_unit_test(test_spare_loops),    cmocka_unit_test(test_nested),
        cmocka_unit_test(test_two_loops),      cmocka_unit_test(test_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
