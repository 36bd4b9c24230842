/* test_service.c - a service on several simulated loops, all in this thread: which loop a request
 * goes to, the limits of all together, and one run for one seed. */
#include "support/check.h"
#include "support/play.h"

#include <ringport/service.h>

#include <stdio.h>
#include <string.h>

enum { LOOPS = 4, REQUESTS = 64, TAG = 7, STREAMS = 20 };

typedef struct scene {
    play play; /* its loop is where answers come home */
    rp_loop *loops[LOOPS];
    rp_service *service;
    unsigned answers, good, cancelled;
    unsigned asked_now, asked_most; /* requests that the server has at a time */
    rp_sim_versions versions;
    rp_sim_setting settings[1];
} scene;

static void serve(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    if (++s->asked_now > s->asked_most)
        s->asked_most = s->asked_now;
    rp_sim_wait(x, 20);
    rp_sim_respond(x, 200, NULL, "abc", 3);
}

static void served(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    (void)x;
    s->asked_now--;
}

static void scene_begin_with(scene *s, uint64_t seed, const rp_service_options *options,
                             int version, rp_sim_versions versions)
{
    rp_error error;
    rp_service_options known = *options;
    rp_sim_options sim = {.seed = seed, .orderly = seed == 0};
    *s = (scene){.settings = {{RP_SIM_MAX_CONCURRENT_STREAMS, STREAMS}}};
    rp_sim_server_options serving = {.on_request = serve,
                                     .on_gone = served,
                                     .user = s,
                                     .versions = versions,
                                     .settings = s->settings,
                                     .setting_count = versions != RP_SIM_HTTP_1};
    play_begin(&s->play, &(play_options){.sim = &sim, .server = &serving, .version = version});
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(rp_sim_loop_create(s->play.sim, &s->loops[i], NULL, false, &error), RP_OK);
    known.loops = s->loops;
    known.loop_count = LOOPS;
    known.client.tls = s->play.tls;
    assert_int_equal(rp_service_create(&s->service, &known, &error), RP_OK);
}

static void scene_begin(scene *s, uint64_t seed, const rp_service_options *options, int version)
{
    scene_begin_with(s, seed, options, version, RP_SIM_HTTP_1);
}

static void scene_end(scene *s)
{
    rp_service_destroy(s->service);
    for (size_t i = 0; i < LOOPS; i++) {
        rp_loop_run(s->loops[i]);
        rp_loop_destroy(s->loops[i]);
    }
    play_end(&s->play);
}

static void at_home(rp_response *answer, void *user)
{
    scene *s = user;
    s->answers++;
    s->good += answer->error.status == RP_OK && answer->status == 200 && answer->body_size == 3 &&
               memcmp(answer->body, "abc", 4) == 0;
    s->cancelled += answer->error.status == RP_E_CANCELLED;
    rp_response_free(answer);
}

static void ask(scene *s, const char *url, unsigned count)
{
    rp_error error;
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(rp_service_ask(s->service, &(rp_request_options){.url = url}, TAG, 0,
                                        s->play.loop, at_home, s, &error),
                         RP_OK);
}

static uint64_t opened(const scene *s, size_t loop)
{
    return rp_loop_stats_get(s->loops[loop])->connections_opened;
}

static uint64_t opened_in_all(const scene *s, unsigned *loops)
{
    uint64_t all = 0;
    *loops = 0;
    for (size_t i = 0; i < LOOPS; i++) {
        all += opened(s, i);
        *loops += opened(s, i) > 0;
    }
    return all;
}

/* A few stay on one loop, one after the other as well as at once. */
static void test_gather(void **state)
{
    (void)state;
    scene s;
    unsigned loops;
    scene_begin(&s, 3, &(rp_service_options){0}, 13);
    for (unsigned i = 0; i < 10; i++) {
        ask(&s, "https://" PLAY_HOST "/", 3);
        rp_sim_run_ms(s.play.sim, 1000);
    }
    assert_int_equal(s.good, 30);
    assert_in_range(opened_in_all(&s, &loops), 1, 3);
    assert_int_equal(loops, 1);
    scene_end(&s);
}

/* One request after the other needs one connection, whatever is spoken; and a few at once need no
 * second one, where one takes them. */
static void test_one_connection(void **state)
{
    (void)state;
    static const rp_sim_versions spoken[] = {RP_SIM_HTTP_1, RP_SIM_HTTP_1_OR_2};
    for (size_t i = 0; i < 2; i++) {
        scene s;
        unsigned loops;
        scene_begin_with(&s, 3, &(rp_service_options){0}, 13, spoken[i]);
        for (unsigned n = 0; n < 10; n++) {
            ask(&s, "https://" PLAY_HOST "/", n > 0 && spoken[i] != RP_SIM_HTTP_1 ? STREAMS : 1);
            rp_sim_run_ms(s.play.sim, 300);
        }
        assert_int_equal(s.good, s.answers);
        assert_int_equal(opened_in_all(&s, &loops), 1);
        scene_end(&s);
    }
}

/* A loop that is new to an origin knows from the others how many requests a connection takes: it
 * opens no second one to find out. And it resumes with their sessions. */
static void test_what_loops_share(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        scene s;
        unsigned loops;
        scene_begin_with(&s, 3, &(rp_service_options){.gather = 4}, version, RP_SIM_HTTP_1_OR_2);
        ask(&s, "https://" PLAY_HOST "/", 1);
        rp_sim_run_ms(s.play.sim, 1000);
        assert_int_equal(opened_in_all(&s, &loops), 1);
        ask(&s, "https://" PLAY_HOST "/", 8);
        rp_sim_run_ms(s.play.sim, 1000);
        assert_int_equal(s.good, 9);
        assert_int_equal(opened_in_all(&s, &loops), 2);
        assert_int_equal(loops, 2);
        uint64_t resumed = 0, full = 0;
        for (size_t i = 0; i < LOOPS; i++) {
            resumed += rp_loop_stats_get(s.loops[i])->handshakes_resumed;
            full += rp_loop_stats_get(s.loops[i])->handshakes_full;
        }
        assert_int_equal(full, 1);
        assert_int_equal(resumed, 1);
        scene_end(&s);
    }
}

/* Sessions serve nobody else's name, and no other configuration. */
static void test_what_loops_do_not_share(void **state)
{
    (void)state;
    scene s;
    rp_error error;
    rp_tls_config *tls;
    rp_sim_server *other;
    rp_sim_server_options serving = {.host = "other.example.test"};
    scene_begin(&s, 3, &(rp_service_options){.gather = 1}, 13);
    assert_int_equal(rp_sim_server_start(s.play.sim, &other, &serving, &error), RP_OK);
    ask(&s, "https://" PLAY_HOST "/", 1);
    rp_sim_run_ms(s.play.sim, 1000);
    ask(&s, "https://other.example.test/", 4);
    rp_sim_run_ms(s.play.sim, 1000);
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem};
    assert_int_equal(rp_tls_config_create(&tls, &options, &error), RP_OK);
    rp_service_set_tls(s.service, tls);
    rp_tls_config_release(tls);
    ask(&s, "https://" PLAY_HOST "/", 4);
    rp_sim_run_ms(s.play.sim, 1000);
    assert_int_equal(s.answers, 9);
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(rp_loop_stats_get(s.loops[i])->handshakes_resumed, 0);
    scene_end(&s);
}

/* The limits of load.h are those of the whole, too; and one connection is one. */
static void test_limits_of_the_whole(void **state)
{
    (void)state;
    static const struct {
        uint32_t in_flight;
        bool one;
        unsigned loops;
    } cases[] = {{9, false, 4}, {2, false, 2}, {1, false, 1}, {0, true, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene s;
        unsigned loops;
        rp_service_options options = {
            .client.limits.requests_in_flight = cases[i].in_flight,
            .client.http2_one_connection = cases[i].one,
        };
        scene_begin_with(&s, 5, &options, 13, RP_SIM_HTTP_1_OR_2);
        ask(&s, "https://" PLAY_HOST "/", 1);
        rp_sim_run_ms(s.play.sim, 1000);
        ask(&s, "https://" PLAY_HOST "/", REQUESTS);
        rp_sim_run_ms(s.play.sim, 20000);
        assert_int_equal(s.good, REQUESTS + 1);
        uint64_t opened = opened_in_all(&s, &loops);
        assert_int_equal(loops, cases[i].loops);
        if (cases[i].one)
            assert_int_equal(opened, 1);
        else
            assert_in_range(s.asked_most, cases[i].loops, cases[i].in_flight);
        scene_end(&s);
    }
}

/* What the service may have fewer of than it has loops: several origins, each on a loop of its own
 * if it might, have no more of it together. */
static void test_few_for_the_whole(void **state)
{
    (void)state;
    for (unsigned limit = 0; limit < 3; limit++) {
        scene s;
        unsigned loops, failed;
        rp_error error;
        char host[4][32], url[4][192];
        rp_sim_server *others[4];
        const rp_service_options options = {
            .gather = 1,
            .client.connections_total = limit == 0 ? 2 : 0,
            .client.queue_limit = limit == 1 ? 3 : 0,
            .client.concurrent_openings = limit == 2 ? 1 : 0,
        };
        scene_begin(&s, 0, &options, 13);
        for (size_t i = 0; i < 4; i++) {
            (void)snprintf(host[i], sizeof(host[i]), "host%zu.example.test", i);
            (void)snprintf(url[i], sizeof(url[i]), "https://%s/", host[i]);
            rp_sim_server_options serving = {.host = host[i], .on_request = serve, .user = &s};
            assert_int_equal(rp_sim_server_start(s.play.sim, &others[i], &serving, &error), RP_OK);
            ask(&s, url[i], 3);
        }
        rp_sim_run_ms(s.play.sim, 20000);
        assert_int_equal(s.answers, 12);
        failed = s.answers - s.good;
        uint64_t opened = opened_in_all(&s, &loops);
        if (limit == 0)
            assert_int_equal(loops, 2); /* with a connection each */
        else if (limit == 1)            /* three wait, and the others are refused */
            assert_true(loops <= 3 && failed == 9);
        else
            assert_int_equal(loops, 1);
        assert_true(opened > 0);
        scene_end(&s);
    }
}

/* Many at once are spread, and the limits are those of the whole. */
static void test_spread(void **state)
{
    (void)state;
    static const struct {
        uint32_t limit;
        unsigned loops;
    } cases[] = {{8, 4}, {3, 3}, {1, 1}, {64, 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene s;
        unsigned loops;
        rp_service_stats stats;
        scene_begin(&s, 5, &(rp_service_options){.client.connections_per_origin = cases[i].limit},
                    13);
        ask(&s, "https://" PLAY_HOST "/", REQUESTS);
        rp_sim_run_ms(s.play.sim, 20000);
        assert_int_equal(s.good, REQUESTS);
        assert_in_range(opened_in_all(&s, &loops), cases[i].loops, cases[i].limit);
        assert_int_equal(loops, cases[i].loops);
        rp_service_stats_get(s.service, &stats);
        assert_int_equal(stats.requests, REQUESTS);
        assert_int_equal(stats.in_flight, 0);
        assert_int_equal(stats.spread > 0, cases[i].loops > 1);
        scene_end(&s);
    }
}

static uint64_t run_once(uint64_t seed)
{
    scene s;
    scene_begin(&s, seed, &(rp_service_options){.gather = 2}, 13);
    for (unsigned i = 0; i < 6; i++) {
        ask(&s, "https://" PLAY_HOST "/", 10);
        rp_sim_run_ms(s.play.sim, 5);
        if (i == 3)
            rp_service_cancel(s.service, TAG);
    }
    rp_sim_run_ms(s.play.sim, 10000);
    assert_int_equal(s.answers, 60);
    assert_int_equal(s.good + s.cancelled, 60);
    assert_true(s.cancelled >= 10);
    uint64_t hash = rp_sim_trace_hash(s.play.sim) + s.cancelled;
    scene_end(&s);
    return hash;
}

static void test_same_seed_same_run(void **state)
{
    (void)state;
    assert_int_equal(run_once(11), run_once(11));
    assert_int_not_equal(run_once(11), run_once(12));
}

/* Cancelled before a loop has seen them, under way, answered and not handed over, and after that:
 * each has one end, and what is sent later is not meant. */
static void test_cancel_at_each_step(void **state)
{
    (void)state;
    unsigned cancelled_first = 0, good_last = 0;
    for (unsigned ms = 0; ms <= 100; ms += 2) {
        scene s;
        scene_begin(&s, 0, &(rp_service_options){.gather = 1}, 13);
        ask(&s, "https://" PLAY_HOST "/", 2);
        rp_sim_run_ms(s.play.sim, ms);
        rp_service_cancel(s.service, TAG);
        rp_service_cancel(s.service, TAG);
        ask(&s, "https://" PLAY_HOST "/", 1);
        rp_sim_run_ms(s.play.sim, 1000);
        assert_int_equal(s.answers, 3);
        assert_int_equal(s.good + s.cancelled, 3);
        assert_true(s.good >= 1);
        cancelled_first = ms == 0 ? s.cancelled : cancelled_first;
        good_last = s.good;
        scene_end(&s);
    }
    assert_int_equal(cancelled_first, 2);
    assert_int_equal(good_last, 3);
}

/* Destroyed in every state: the requests end in later turns, or by the loops' end. */
static void test_destroy(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 60; ms += 3)
        for (int by_loop = 0; by_loop < 2; by_loop++) {
            scene s;
            scene_begin(&s, ms, &(rp_service_options){.gather = 2}, 13);
            ask(&s, "https://" PLAY_HOST "/", 12);
            rp_sim_run_ms(s.play.sim, ms);
            rp_service_destroy(s.service);
            s.service = NULL;
            if (!by_loop)
                rp_sim_run_ms(s.play.sim, 1);
            for (size_t i = 0; i < LOOPS; i++) {
                rp_loop_destroy(s.loops[i]);
            }
            (void)rp_loop_turn(s.play.loop, 0);
            assert_int_equal(s.answers, 12);
            assert_int_equal(s.good + s.cancelled, 12);
            play_end(&s.play);
        }
}

/* A callback of its last ones may cancel what is left, and what the options say was taken over. */
static void cancels(rp_request *request, const rp_response_summary *summary, void *user)
{
    scene *s = user;
    (void)request;
    CHECK(summary->error != NULL && summary->error->status == RP_E_CANCELLED);
    s->cancelled++;
    rp_service_cancel(s->service, TAG);
}

static void test_cancel_at_the_end(void **state)
{
    (void)state;
    static const rp_response_events events = {.on_done = cancels};
    scene s;
    rp_error error;
    char agent[] = "agent/1";
    scene_begin(&s, 1, &(rp_service_options){.client.user_agent = agent}, 13);
    memset(agent, 0, sizeof(agent));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rp_service_send(s.service,
                                         &(rp_request_options){.url = "https://" PLAY_HOST "/"},
                                         TAG, &events, &s, &error),
                         RP_OK);
    rp_service_destroy(s.service);
    for (size_t i = 0; i < LOOPS; i++) {
        (void)rp_loop_turn(s.loops[i], 0);
        (void)rp_loop_turn(s.loops[i], 0);
        rp_loop_destroy(s.loops[i]);
    }
    assert_int_equal(s.cancelled, 3);
    play_end(&s.play);
}

/* Who waits for a service in one of its callbacks would wait for ever: for an answer that the
 * callback's own loop is to bring, or another one that this thread turns. */
static void waits(rp_request *request, const rp_response_summary *summary, void *user)
{
    scene *s = user;
    rp_error error;
    (void)request;
    (void)summary;
    CHECK(rp_service_call(s->service, &(rp_request_options){.url = "https://" PLAY_HOST "/"}, 0, 0,
                          &error) == NULL);
    CHECK(error.status == RP_E_MISUSE);
    CHECK(rp_service_metrics(s->service, NULL, NULL, &error) == RP_E_MISUSE);
    s->answers++;
}

static void test_wait_in_a_callback(void **state)
{
    (void)state;
    static const rp_response_events events = {.on_done = waits};
    scene s;
    rp_error error;
    scene_begin(&s, 1, &(rp_service_options){0}, 13);
    assert_int_equal(rp_service_send(s.service,
                                     &(rp_request_options){.url = "https://" PLAY_HOST "/"}, 0,
                                     &events, &s, &error),
                     RP_OK);
    rp_sim_run_ms(s.play.sim, 1000);
    assert_int_equal(s.answers, 1);
    scene_end(&s);
}

/* ---- what an answer tells ---- */

static void keep_answer(rp_response *answer, void *user)
{
    *(rp_response **)user = answer;
}

static rp_response *ask_why(scene *s, const char *url)
{
    static const rp_header close[] = {{"Connection", "close"}};
    rp_response *answer = NULL;
    rp_request_options options = {.url = url, .explain = true, .headers = close, .header_count = 1};
    rp_error error;
    assert_int_equal(
        rp_service_ask(s->service, &options, TAG, 0, s->play.loop, keep_answer, &answer, &error),
        RP_OK);
    rp_sim_run_ms(s->play.sim, 1000);
    assert_non_null(answer);
    return answer;
}

/* What it says is its own: the request is gone, and another has its place. */
static void test_texts_of_an_answer(void **state)
{
    (void)state;
    scene s;
    char local[64];
    scene_begin(&s, 3, &(rp_service_options){0}, 13);
    rp_response *first = ask_why(&s, "https://" PLAY_HOST "/");
    (void)snprintf(local, sizeof(local), "%s", first->summary.local_address);
    rp_response *second = ask_why(&s, "https://" PLAY_HOST "/");
    assert_memory_equal(local, "10.0.0.1:", 9);
    assert_string_equal(first->summary.local_address, local);
    assert_string_not_equal(second->summary.local_address, local);
    assert_string_equal(first->summary.address, second->summary.address);
    rp_response_free(first);
    rp_response_free(second);
    rp_response *none = ask_why(&s, "https://user:a%00b@" PLAY_HOST "/");
    assert_int_not_equal(none->error.status, RP_OK);
    assert_string_equal(none->summary.address, "");
    assert_string_equal(none->summary.local_address, "");
    rp_response_free(none);
    scene_end(&s);
}

static void test_misuse(void **state)
{
    (void)state;
    scene s;
    rp_error error;
    rp_service *service;
    rp_request_options request = {.url = "https://" PLAY_HOST "/"};
    scene_begin(&s, 1, &(rp_service_options){0}, 13);
    assert_int_equal(rp_service_send(s.service, &request, 0, NULL, NULL, &error), RP_E_MISUSE);
    assert_int_equal(rp_service_ask(s.service, &request, 0, 0, NULL, NULL, NULL, &error),
                     RP_E_MISUSE);
    rp_service_options bad = {.loops = s.loops, .loop_count = LOOPS, .client.connect_to_count = 1};
    static const char *const nowhere[] = {"no such form"};
    bad.client.connect_to = nowhere;
    assert_int_equal(rp_service_create(&service, &bad, &error), RP_E_BAD_OPTION);
    assert_null(service);
    scene_end(&s);
}

/* No request sent after the change goes out on a connection of before. */
static void test_set_tls(void **state)
{
    (void)state;
    scene s;
    unsigned loops;
    rp_error error;
    rp_tls_config *tls;
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem};
    scene_begin(&s, 1, &(rp_service_options){0}, 13);
    ask(&s, "https://" PLAY_HOST "/", 1);
    rp_sim_run_ms(s.play.sim, 1000);
    ask(&s, "https://" PLAY_HOST "/", 1);
    rp_sim_run_ms(s.play.sim, 1000);
    assert_int_equal(opened_in_all(&s, &loops), 1);
    assert_int_equal(rp_tls_config_create(&tls, &options, &error), RP_OK);
    rp_service_set_tls(s.service, tls);
    rp_tls_config_release(tls);
    ask(&s, "https://" PLAY_HOST "/", 1);
    rp_sim_run_ms(s.play.sim, 1000);
    assert_int_equal(opened_in_all(&s, &loops), 2);
    assert_int_equal(s.good, 3);
    scene_end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_one_connection),
        cmocka_unit_test(test_what_loops_share),
        cmocka_unit_test(test_what_loops_do_not_share),
        cmocka_unit_test(test_limits_of_the_whole),
        cmocka_unit_test(test_few_for_the_whole),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_same_seed_same_run),
        cmocka_unit_test(test_destroy),
        cmocka_unit_test(test_cancel_at_each_step),
        cmocka_unit_test(test_set_tls),
        cmocka_unit_test(test_cancel_at_the_end),
        cmocka_unit_test(test_texts_of_an_answer),
        cmocka_unit_test(test_wait_in_a_callback),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
