/* test_load_retry.c - retries (load.h), in virtual time: what is sent again, when, how often, and
 * that a budget keeps them from making what is overloaded worse. */
#include "support/check.h"
#include "support/load.h"

#include <ringport/insight.h>
#include <string.h>

#define MS_NS ((uint64_t)1000000)

/* What a server does with the first requests; the others get 200. */
typedef struct failing {
    unsigned fails; /* of them */
    int status;     /* 0: the connection is reset */
    const char *headers;
    const char *then;          /* what the others get instead, as it is; NULL: 200 */
    unsigned requests, bodies; /* that came; of these, that had the whole body */
} failing;

static void answer(rp_sim_exchange *x, void *user)
{
    failing *f = user;
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    f->bodies += size == 4 && memcmp(body, "data", 4) == 0;
    if (f->requests++ < f->fails) {
        if (f->status == 0)
            rp_sim_end(x, RP_SIM_END_RESET);
        else
            rp_sim_respond(x, f->status, f->headers, "ill", 3);
    } else if (f->then != NULL && strcmp(rp_sim_target(x), "/there") != 0) {
        rp_sim_print(x, "%s", f->then);
        rp_sim_end(x, RP_SIM_CLOSE);
    } else {
        rp_sim_respond(x, 200, NULL, "well", 4);
    }
}

/* A request, and all that its callbacks were told. */
typedef struct told {
    rp_request *request;
    unsigned heads, dones, retries, attempts;
    int status;
    char body[32], why[256];
    rp_status error;
    bool replay_safe;
    uint64_t took_ns;
    rp_sim *sim;
} told;

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    told *t = user;
    (void)request;
    t->heads++;
    t->status = head->status;
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    told *t = user;
    (void)request;
    CHECK(strlen(t->body) + size < sizeof(t->body));
    (void)strncat(t->body, (const char *)data, size);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    told *t = user;
    CHECK(request == t->request && t->dones++ == 0);
    t->request = NULL;
    t->retries = summary->retries;
    t->attempts = summary->attempts;
    t->error = summary->error == NULL ? RP_OK : summary->error->status;
    t->replay_safe = summary->error != NULL && summary->error->replay_safe;
    t->took_ns = rp_sim_now_ns(t->sim) - t->took_ns;
    if (summary->retry_why != NULL)
        (void)snprintf(t->why, sizeof(t->why), "%s", summary->retry_why);
}

static const rp_response_events events = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

static void run(told *t, play *p, const rp_request_options *with)
{
    rp_request_options options = *with;
    rp_error error;
    options.url = play_url(p, "/");
    *t = (told){.sim = p->sim, .took_ns = rp_sim_now_ns(p->sim)};
    t->request = rp_client_send(p->client, &options, &events, t, &error);
    CHECK_TEXT(t->request != NULL, error.text);
    while (t->request != NULL)
        (void)rp_loop_turn(p->loop, RP_NEVER_MS);
}

static void begin(play *p, failing *f, rp_http_versions version, const rp_retry_options *retry)
{
    rp_client_options client = {.versions = version, .retry = *retry};
    rp_sim_server_options server = {
        .on_request = answer, .user = f, .versions = RP_SIM_HTTP_1_OR_2};
    play_begin(p, &(play_options){.server = &server, .version = 13, .client = &client});
}

static const rp_request_options get = {.method = "GET"};

/* Statuses and lost connections; the caller is told of the last answer alone. */
static void test_again(void **state)
{
    (void)state;
    static const int statuses[] = {429, 502, 503, 504, 0};
    rp_retry_options retry = {.attempts = 4};
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
            play p;
            told t;
            rp_sim_server_counts counts;
            failing f = {.fails = 3, .status = statuses[i]};
            begin(&p, &f, version, &retry);
            run(&t, &p, &get);
            assert_int_equal(t.error, RP_OK);
            assert_int_equal(t.status, 200);
            assert_int_equal(t.heads, 1);
            assert_string_equal(t.body, "well");
            assert_int_equal(t.retries, 3);
            assert_int_equal(t.attempts, 4);
            assert_non_null(strstr(t.why, "try 3: "));
            assert_null(strchr(t.why, ';'));
            /* At most 100, 200, 400 ms, and the way there. */
            assert_true(t.took_ns < 750 * MS_NS);
            rp_sim_server_counts_get(p.server, &counts);
            if (statuses[i] != 0) /* what was answered can be used again */
                assert_true(counts.connections <= 2);
            play_end(&p);
        }
    }
}

static void test_the_last_answer_counts(void **state)
{
    (void)state;
    play p;
    told t;
    failing f = {.fails = 100, .status = 503};
    rp_retry_options retry = {.attempts = 3};
    begin(&p, &f, RP_HTTP_1_1, &retry);
    run(&t, &p, &get);
    assert_int_equal(t.status, 503);
    assert_string_equal(t.body, "ill");
    assert_int_equal(t.retries, 2);
    assert_int_equal(f.requests, 3);
    assert_string_equal(t.why,
                        "try 3: status 503 of " PLAY_HOST " (192.0.2.1:443); it was the last try");
    play_end(&p);
}

/* Not what may not be sent twice, nor what is no policy's. */
static void test_not_again(void **state)
{
    (void)state;
    static const rp_retry_options own = {.attempts = 3, .statuses = {500}};
    static const rp_retry_options never = {.attempts = 1};
    static const struct {
        rp_request_options request;
        int status;
        unsigned requests;
    } cases[] = {
        {{.method = "GET"}, 503, 2},
        {{.method = "GET"}, 500, 1},
        {{.method = "GET", .retry = &own}, 500, 2},
        {{.method = "GET", .retry = &own}, 503, 1},
        {{.method = "GET", .retry = &never}, 503, 1},
        {{.method = "GET", .never_replay = true}, 503, 1},
        {{.method = "POST", .body = "data", .body_size = 4}, 503, 1},
        {{.method = "POST", .body = "data", .body_size = 4, .idempotent = true}, 503, 2},
        {{.method = "PUT", .body = "data", .body_size = 4}, 503, 2},
        {{.method = "PUT", .body = "data", .body_size = 4}, 0, 2},
    };
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            play p;
            told t;
            failing f = {.fails = 1, .status = cases[i].status};
            rp_retry_options retry = {.attempts = 3};
            begin(&p, &f, version, &retry);
            run(&t, &p, &cases[i].request);
            assert_int_equal(f.requests, cases[i].requests);
            assert_int_equal(f.bodies, cases[i].request.body == NULL ? 0 : f.requests);
            assert_int_equal(t.status, f.requests == 1 ? cases[i].status : 200);
            play_end(&p);
        }
    }
}

/* A server that can't be reached has done nothing: POST goes again. But behind a lost answer its
 * failure to connect is not safe to repeat. */
static void test_unreached(void **state)
{
    (void)state;
    play p;
    told t;
    failing f = {.fails = 0};
    rp_retry_options retry = {.attempts = 2};
    rp_request_options post = {.method = "POST", .body = "data", .body_size = 4};
    begin(&p, &f, RP_HTTP_1_1, &retry);
    rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 1);
    run(&t, &p, &post);
    assert_int_equal(t.status, 200);
    assert_int_equal(t.retries, 1);
    assert_int_equal(f.bodies, 1);
    play_end(&p);

    f = (failing){.fails = 1};
    begin(&p, &f, RP_HTTP_1_1, &retry);
    rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 2);
    run(&t, &p, &get);
    assert_int_equal(t.error, RP_E_CONNECT_REFUSED);
    assert_int_equal(t.retries, 1);
    assert_int_equal(f.requests, 1);
    assert_false(t.replay_safe);
    play_end(&p);
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        uint64_t least_ms, most_ms;
        bool again;
    } cases[] = {
        {"Retry-After: 7\r\n", 7000, 7200, true},
        {"Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
         7000, 7200, true},
        {"Retry-After: soon\r\n", 0, 200, true},
        {"Retry-After: 11\r\n", 0, 50, false},
        {"Retry-After: 99999999999999999999\r\n", 0, 50, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        play p;
        told t;
        failing f = {.fails = 1, .status = 503, .headers = cases[i].headers};
        rp_retry_options retry = {.attempts = 2, .retry_after_limit_ms = 10000};
        begin(&p, &f, RP_HTTP_2, &retry);
        run(&t, &p, &get);
        assert_int_equal(t.status, cases[i].again ? 200 : 503);
        assert_in_range(t.took_ns, cases[i].least_ms * MS_NS, cases[i].most_ms * MS_NS);
        play_end(&p);
    }
}

/* No wait beyond the request's own end; cancelled while it waits. */
static void test_ends_in_time(void **state)
{
    (void)state;
    play p;
    told t;
    failing f = {.fails = 100, .status = 503, .headers = "Retry-After: 5\r\n"};
    rp_retry_options retry = {.attempts = 100};
    rp_request_options hasty = {.total_timeout_ms = 12000};
    begin(&p, &f, RP_HTTP_1_1, &retry);
    run(&t, &p, &hasty);
    assert_int_equal(t.status, 503);
    assert_int_equal(f.requests, 3);
    assert_non_null(strstr(t.why, "; its time would be over before the next try"));
    call c;
    call_start(&c, &p, NULL);
    rp_sim_run_ms(p.sim, 2000);
    rp_request_cancel(c.request);
    call_wait(&c, &p);
    assert_int_equal(c.error.status, RP_E_CANCELLED);
    play_end(&p);
}

/* A server that fails for all: how many requests it gets more than there are. */
static unsigned amplified(rp_jitter jitter, uint32_t budget_percent, unsigned *sent)
{
    play p;
    failing f = {.fails = UINT32_MAX, .status = 503};
    rp_retry_options retry = {
        .attempts = 4, .jitter = jitter, .budget_percent = budget_percent, .budget_per_s = 2};
    begin(&p, &f, RP_HTTP_2, &retry);
    load l = {.play = &p, .per_second = 100, .seconds = 10};
    load_run(&l);
    *sent = l.sent;
    load_end(&l);
    play_end(&p);
    return f.requests;
}

static void test_budget(void **state)
{
    (void)state;
    unsigned sent;
    for (rp_jitter jitter = RP_JITTER_FULL; jitter <= RP_JITTER_DECORRELATED; jitter++) {
        unsigned without = amplified(jitter, UINT32_MAX, &sent);
        assert_int_equal(without, 4 * sent);
        unsigned with = amplified(jitter, 20, &sent);
        print_message("%u requests, %u sent without a budget, %u with\n", sent, without, with);
        assert_true(with <= sent + 2 * 12 + 2);
    }
}

/* Each allocation of a request that is tried twice fails once: it ends, once, and the next one is
 * served. */
static void test_no_memory(void **state)
{
    (void)state;
    uint64_t struck = 1;
    for (uint64_t at = 1; struck > 0; at++) {
        play p;
        call c, next;
        failing f = {.fails = 1, .status = 503};
        rp_client_options client = {.retry = {.attempts = 3},
                                    .limits = {.requests_in_flight = 2, .shed = true}};
        rp_sim_server_options server = {
            .on_request = answer, .user = &f, .versions = RP_SIM_HTTP_1_OR_2};
        play_begin(&p, &(play_options){
                           .server = &server, .version = 13, .client = &client, .faulty = true});
        rp_sim_fault_at(p.sim, RP_SIM_NO_MEMORY, at);
        call_start(&c, &p, NULL);
        call_wait(&c, &p);
        CHECK(c.error.status == RP_E_NO_MEMORY || c.status == 200);
        struck = rp_sim_fault_count(p.sim, RP_SIM_NO_MEMORY);
        rp_sim_fault_at(p.sim, RP_SIM_NO_MEMORY, 0);
        f.fails = f.requests + 1;
        call_good(&next, &p);
        play_end(&p);
    }
}

/* The last failure is the one that is explained, also if it is none that is tried again; what
 * follows behind a redirect counts anew. */
static void test_why(void **state)
{
    (void)state;
    static const struct {
        const char *then, *why;
        rp_status error;
        unsigned attempts;
    } cases[] = {
        {"nonsense\r\n\r\n", "; another try would not mend it", RP_E_NOT_HTTP, 2},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwe", "; its answer had begun",
         RP_E_BODY_TRUNCATED, 2},
        {"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
         "try 1: status 503 of ", RP_OK, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        play p;
        told t;
        failing f = {.fails = 1, .status = 503, .then = cases[i].then};
        rp_retry_options retry = {.attempts = 3};
        rp_request_options request = {.redirects_limit = 1};
        rp_origin_statistics totals;
        begin(&p, &f, RP_HTTP_1_1, &retry);
        run(&t, &p, &request);
        assert_int_equal(t.error, cases[i].error);
        assert_non_null(strstr(t.why, cases[i].why));
        assert_non_null(strstr(t.why, t.error == RP_OK ? "try 1: " : "try 2: "));
        assert_int_equal(t.retries, 1);
        assert_int_equal(t.attempts, cases[i].attempts);
        rp_client_totals(p.client, &totals);
        assert_int_equal(totals.counts.retries, 1);
        play_end(&p);
    }
}

/* A client's never_replay is for its retries, too: but not where nothing was sent. */
static void test_never_replay(void **state)
{
    (void)state;
    for (unsigned refused = 0; refused < 2; refused++) {
        play p;
        told t;
        failing f = {.fails = 1 - refused, .status = 503};
        rp_client_options client = {.never_replay = true, .retry = {.attempts = 3}};
        rp_sim_server_options server = {.on_request = answer, .user = &f};
        play_begin(&p, &(play_options){.server = &server, .version = 13, .client = &client});
        if (refused)
            rp_sim_fault_at(p.sim, RP_SIM_CONNECT_REFUSED, 1);
        run(&t, &p, &(rp_request_options){.redirects_limit = 1, .idempotent = true});
        assert_int_equal(t.status, refused ? 200 : 503);
        assert_int_equal(f.requests, 1);
        assert_int_equal(t.retries, refused);
        play_end(&p);
    }
}

/* What comes by time is kept as the largest of the policies says, whoever asks. */
static void test_budget_is_of_the_origin(void **state)
{
    (void)state;
    static const rp_retry_options frugal = {.attempts = 2, .budget_per_s = 1};
    enum { CALLS = 50 };
    play p;
    told t;
    call calls[CALLS];
    failing f = {.fails = 0, .status = 503};
    rp_retry_options retry = {.attempts = 2, .budget_per_s = 10};
    begin(&p, &f, RP_HTTP_2, &retry);
    run(&t, &p, &get);
    rp_sim_run_ms(p.sim, 20000);
    run(&t, &p, &get);
    run(&t, &p, &(rp_request_options){.retry = &frugal});
    f.fails = f.requests + CALLS;
    for (unsigned i = 0; i < CALLS; i++)
        call_start(&calls[i], &p, NULL);
    for (unsigned i = 0; i < CALLS; i++) {
        call_wait(&calls[i], &p);
        assert_int_equal(calls[i].status, 200);
    }
    play_end(&p);
}

/* ---- a body whose end is told while an answer that is retried is read ---- */

static void refuse_early(rp_sim_exchange *x, void *user)
{
    failing *f = user;
    if (f->requests++ > 0) {
        rp_sim_head(x, 100, NULL, 0);
        return;
    }
    rp_sim_head(x, 503, NULL, 3);
    rp_sim_data(x, "il", 2);
    rp_sim_wait(x, 100);
    rp_sim_data(x, "l", 1);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void whole(rp_sim_exchange *x, void *user)
{
    failing *f = user;
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    if (f->requests < 2)
        return; /* the first, whose answer is under way */
    f->bodies += size == 4 && memcmp(body, "data", 4) == 0;
    rp_sim_respond(x, 200, NULL, "well", 4);
}

static void wanted(rp_request *request, size_t room, void *user)
{
    (void)request;
    (void)room;
    (void)user;
}

static void test_end_told_meanwhile(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (unsigned known = 0; known < 2; known++) {
            play p;
            told t = {.heads = 0};
            failing f = {.fails = 1};
            rp_error error;
            rp_client_options client = {.versions = version, .retry = {.attempts = 2}};
            rp_sim_server_options server = {.on_head = refuse_early,
                                            .on_request = whole,
                                            .user = &f,
                                            .versions = RP_SIM_HTTP_1_OR_2};
            rp_request_options request = {.method = "PUT",
                                          .on_body_wanted = wanted,
                                          .body_size = known ? 4 : 0,
                                          .expect_continue = true,
                                          .expect_timeout_ms = RP_NEVER_MS,
                                          .total_timeout_ms = 5000};
            play_begin(&p, &(play_options){.server = &server, .version = 13, .client = &client});
            request.url = play_url(&p, "/");
            t = (told){.sim = p.sim};
            t.request = rp_client_send(p.client, &request, &events, &t, &error);
            CHECK_TEXT(t.request != NULL, error.text);
            assert_int_equal(rp_request_give(t.request, "data", 4), 4);
            rp_sim_run_ms(p.sim, 50); /* the answer is being read */
            assert_int_equal(f.requests, 1);
            assert_int_equal(rp_request_body_end(t.request, NULL, 0, &error), RP_OK);
            assert_int_equal(rp_request_body_end(t.request, NULL, 0, &error), RP_E_MISUSE);
            while (t.request != NULL)
                (void)rp_loop_turn(p.loop, RP_NEVER_MS);
            assert_int_equal(t.error, RP_OK);
            assert_int_equal(t.status, 200);
            assert_int_equal(f.bodies, 1);
            play_end(&p);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_the_last_answer_counts),
        cmocka_unit_test(test_not_again),
        cmocka_unit_test(test_unreached),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_ends_in_time),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_why),
        cmocka_unit_test(test_never_replay),
        cmocka_unit_test(test_budget_is_of_the_origin),
        cmocka_unit_test(test_end_told_meanwhile),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
