/* test_upload.c - bodies that are given piece by piece, over both versions: all of it arrives, or
 * the server sees that it is not all; who waits for whom; trailers both ways. */
#include "support/check.h"
#include "support/coded.h"
#include "support/producer.h"

#include <string.h>

/* ---- it arrives ---- */

static void arrives(scene *s)
{
    static const size_t sizes[][2] = {{1, 1},           {2, 1},         {300, 7},
                                      {100000, 100000}, {LARGE, 65536}, {LARGE, LARGE},
                                      {200000, 16384},  {65536, 65536}, {65537, 65537}};
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        char expected[64];
        size_t total = sizes[i / 2][0];
        bool known = i % 2 == 0;
        producer p = {.total = total, .piece = sizes[i / 2][1]};
        producer_start(&p, s, "/", (rp_request_options){.body_size = known ? total : 0});
        producer_finish(&p, RP_OK);
        assert_int_equal(p.end, RP_OK);
        if (known)
            (void)snprintf(expected, sizeof(expected), "%zu %zu - -", total, total);
        else
            (void)snprintf(expected, sizeof(expected), "%zu - %s -", total,
                           upload_is_2(s) ? "-" : "chunked");
        assert_string_equal(p.f.text, expected);
        assert_int_equal(p.f.summary.body_bytes_sent, total);
        assert_true(p.f.summary.timings.sent_us > 0);
    }
    producer empty = {.total = 0, .piece = 1};
    producer_start(&empty, s, "/", (rp_request_options){.method = "PUT"});
    producer_finish(&empty, RP_OK);
    assert_memory_equal(empty.f.text, "0 ", 2);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_arrives(void **state)
{
    (void)state;
    upload_each(&upload_looking, arrives);
}

/* From outside of the callback, in single bytes. */
static void comes_later(scene *s)
{
    producer p = {.total = 40, .piece = 1, .later = true};
    producer_start(&p, s, "/", (rp_request_options){0});
    producer_finish(&p, RP_OK);
    assert_memory_equal(p.f.text, "40 ", 3);
    assert_int_equal(p.wanted, 40);
}

static void test_comes_later(void **state)
{
    (void)state;
    upload_each(&upload_looking, comes_later);
}

static void many(scene *s)
{
    enum { MANY = 5 };
    static producer all[MANY];
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < MANY; i++) {
        all[i] = (producer){.total = 150000, .piece = 1000 + 9999 * i, .later = i == 3};
        producer_start(&all[i], s, "/", (rp_request_options){.body_size = i % 2 == 0 ? 0 : 150000});
    }
    for (size_t i = 0; i < MANY; i++)
        producer_finish(&all[i], RP_OK);
}

static void test_many(void **state)
{
    (void)state;
    static const rp_sim_server_options serving = {0}; /* bodies are looked at by nobody */
    upload_each(&serving, many);
}

/* ---- it does not ---- */

static void is_given_up(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned whole = upload_seen.whole;
        producer p = {.total = i < 2 ? 100000 : 100, .piece = 100000, .endless = true};
        /* All that was announced, or not, was given. */
        size_t length = i % 2 == 0 ? 0 : p.total;
        producer_start(&p, s, "/", (rp_request_options){.body_size = length});
        UNTIL(s->web.loop, p.given == p.total && upload_seen.bytes + 1 >= p.total);
        if (length > 0)
            assert_int_equal(upload_seen.bytes, p.total - 1);
        p.f.web->starting++;
        rp_request_body_abort(p.f.request);
        p.f.web->starting--;
        producer_finish(&p, RP_E_BODY_ABORTED);
        assert_int_equal(p.f.error.phase, RP_PHASE_REQUEST);
        assert_false(p.f.error.replay_safe);
        scene_settle(s, 10);
        assert_int_equal(upload_seen.whole, whole);
        fetch after = {0};
        scene_good(s, &after, "/", NULL, 200);
    }
    if (upload_is_2(s)) {
        assert_int_equal(scene_counts(s).connections, 1);
        assert_int_equal(scene_counts(s).resets, 4);
    } else {
        assert_int_equal(scene_counts(s).connections, 5);
    }
}

static void test_is_given_up(void **state)
{
    (void)state;
    upload_each(&upload_looking, is_given_up);
}

/* More, or less, than was announced. */
static void has_a_length(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        bool more = i % 2 == 0;
        producer p = {.total = more ? 1001 : 999, .piece = i < 2 ? 5000 : 10};
        producer_start(&p, s, "/", (rp_request_options){.body_size = 1000});
        fetch_wait(&p.f);
        assert_int_equal(p.f.error.status, RP_E_BODY_LENGTH);
        assert_string_equal(p.f.error.text,
                            more
                                ? "the caller gave more than the 1000 bytes of the request's body "
                                  "that it had announced"
                                : "the caller ended the request's body after 999 of the 1000 bytes "
                                  "that it had announced");
        if (!more)
            assert_int_equal(p.end, RP_E_BODY_LENGTH);
        scene_settle(s, 10);
        assert_int_equal(upload_seen.whole, 0);
    }
}

static void test_has_a_length(void **state)
{
    (void)state;
    upload_each(&upload_looking, has_a_length);
}

static void misuse(scene *s)
{
    rp_error error;
    fetch f = {0};
    rp_request_options options = {
        .url = scene_url(s, "/"), .body = upload_data, .on_body_wanted = producer_wanted};
    assert_false(fetch_start(&f, &s->web, NULL, &options));
    assert_int_equal(f.error.status, RP_E_MISUSE);
    rp_header expect = {"Expect", "100-continue"};
    options = (rp_request_options){.url = scene_url(s, "/"), .headers = &expect, .header_count = 1};
    assert_false(fetch_start(&f, &s->web, NULL, &options));
    assert_int_equal(f.error.status, RP_E_BAD_HEADER);

    options = (rp_request_options){.url = scene_url(s, "/")};
    assert_true(fetch_start(&f, &s->web, NULL, &options)); /* nothing is wanted of this one */
    assert_int_equal(rp_request_give(f.request, upload_data, 10), 0);
    assert_int_equal(rp_request_body_end(f.request, NULL, 0, &error), RP_E_MISUSE);
    rp_request_body_abort(f.request);
    fetch_wait(&f);
    assert_int_equal(f.error.status, RP_OK);

    producer p = {.total = 10, .piece = 10};
    producer_start(&p, s, "/", (rp_request_options){0});
    assert_int_equal(rp_request_give(p.f.request, upload_data, 0), 0);
    UNTIL(s->web.loop, p.given == 10);
    assert_int_equal(rp_request_give(p.f.request, upload_data, 10), 0); /* behind the end */
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, &error), RP_E_MISUSE);
    producer_finish(&p, RP_OK);
    assert_int_equal(p.f.summary.body_bytes_sent, 10);
}

static void test_misuse(void **state)
{
    (void)state;
    upload_each(&upload_looking, misuse);
}

/* What is given before anybody asks waits for the connection. */
static void comes_early(scene *s)
{
    producer p = {.total = RP_UPLOAD_BYTES, .piece = 1000};
    producer_start(&p, s, "/", (rp_request_options){0});
    assert_int_equal(rp_request_give(p.f.request, upload_data, LARGE), RP_UPLOAD_BYTES);
    assert_int_equal(rp_request_give(p.f.request, upload_data, 1), 0);
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, NULL), RP_OK);
    producer_finish(&p, RP_OK);
    assert_int_equal(p.wanted, 0);
    assert_memory_equal(p.f.text, "65536 ", 6);
}

static void test_comes_early(void **state)
{
    (void)state;
    upload_each(&upload_looking, comes_early);
}

/* ---- callbacks that end it ---- */

static void cancel_now(rp_request *request, size_t room, void *user)
{
    producer *p = user;
    (void)room;
    (void)rp_request_give(request, upload_data, p->given);
    if (p->later)
        rp_client_destroy(p->f.web->client);
    else
        fetch_cancel(&p->f);
    CHECK(rp_request_give(request, upload_data, 1) == 0);
    CHECK(rp_request_body_end(request, NULL, 0, NULL) == RP_OK);
    if (p->later)
        p->f.web->client = NULL;
}

static void ends_inside(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        producer p = {.given = i % 2 == 0 ? 0 : 1000, .later = i >= 2};
        rp_request_options options = {.url = scene_url(s, "/"), .on_body_wanted = cancel_now};
        assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        producer_finish(&p, RP_E_CANCELLED);
        scene_settle(s, 10);
        assert_int_equal(upload_seen.whole, 0);
        if (s->web.client == NULL)
            return;
    }
}

static void test_ends_inside(void **state)
{
    (void)state;
    upload_each(&upload_looking, ends_inside);
}

/* ---- who waits for whom ---- */

/* The caller may take its time. */
static void caller_pauses(scene *s)
{
    producer p = {.total = 10, .piece = 10, .pauses = true};
    producer_start(&p, s, "/", (rp_request_options){.idle_timeout_ms = 20});
    UNTIL(s->web.loop, p.wanted == 1);
    scene_settle(s, 60);
    assert_int_equal(p.f.dones, 0);
    assert_int_equal(p.wanted, 1);
    producer_give(&p);
    producer_finish(&p, RP_OK);
    p = (producer){.total = 10, .piece = 10, .pauses = true};
    producer_start(&p, s, "/", (rp_request_options){.idle_timeout_ms = 10, .total_timeout_ms = 40});
    producer_finish(&p, RP_E_TOTAL_TIMEOUT);
    assert_non_null(strstr(p.f.error.text, "it waited for the caller to give more of the body"));
}

static void test_caller_pauses(void **state)
{
    (void)state;
    upload_each(&upload_looking, caller_pauses);
}

/* The server may not. */
static void stop_reading(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_stop_reading(x);
}

static void wanted_for_ever(rp_request *request, size_t room, void *user)
{
    producer *p = user;
    p->wanted++;
    CHECK(rp_request_give(request, upload_data, room) == room);
}

static void test_server_stops(void **state)
{
    rp_sim_server_options serving = {.on_head = stop_reading};
    (void)state;
    for (size_t i = 0; i < UPLOAD_KINDS; i++) {
        scene s;
        producer p = {0};
        upload_begin(&s, i, &serving, NULL);
        rp_request_options options = {
            .url = scene_url(&s, "/"), .on_body_wanted = wanted_for_ever, .idle_timeout_ms = 60};
        assert_true(fetch_start(&p.f, &s.web, NULL, &options));
        producer_finish(&p, RP_E_IDLE_TIMEOUT);
        assert_int_equal(p.f.error.phase, RP_PHASE_REQUEST);
        scene_end(&s);
    }
}

/* ---- early answers ---- */

static void refuse_early(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload_seen.heads++;
    rp_sim_head(x, 413, NULL, 8);
    rp_sim_wait(x, 10);
    rp_sim_data(x, "too much", 8);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void head_told(fetch *f)
{
    producer *p = (producer *)f;
    p->rewound = p->wanted; /* from here on nothing is wanted */
    CHECK(rp_request_give(f->request, upload_data, 10) == 0);
}

static void is_refused(scene *s)
{
    producer p = {.f.on_head = head_told, .total = 0, .endless = true, .pauses = true};
    producer_start(&p, s, "/", (rp_request_options){0});
    producer_finish(&p, RP_OK);
    assert_int_equal(p.f.status, 413);
    assert_string_equal(p.f.text, "too much");
    assert_int_equal(p.wanted, p.rewound);
    fetch after = {0};
    scene_good(s, &after, "/", NULL, 413);
    assert_int_equal(scene_counts(s).connections, upload_is_2(s) ? 1 : 2);
    if (upload_is_2(s))
        assert_int_equal(scene_counts(s).reset_code, 8);
}

static void test_is_refused(void **state)
{
    rp_sim_server_options serving = {.on_head = refuse_early};
    (void)state;
    upload_each(&serving, is_refused);
}

/* One that is complete ends the body, also when its caller has not taken all of it yet. */
static void answer_early(rp_sim_exchange *x, void *user)
{
    const coded *c = &coded_good[0];
    (void)user;
    rp_sim_head(x, 200, "Content-Encoding: gzip\r\n", c->size);
    rp_sim_data(x, c->data, c->size);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void ends_it(scene *s, bool decompress)
{
    producer p = {.pauses = true};
    size_t credit = decompress ? coded_good[0].size : 10;
    producer_start(&p, s, "/",
                   (rp_request_options){.body_size = 1000,
                                        .decompress = decompress,
                                        .receive_credit_bytes = credit});
    UNTIL(s->web.loop, p.f.body_bytes == credit);
    scene_settle(s, 10);
    unsigned wanted = p.wanted;
    assert_int_equal(rp_request_give(p.f.request, upload_data, 100), 0);
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, NULL), RP_OK);
    p.f.on_body = fetch_consume;
    fetch_consume(&p.f, credit);
    producer_finish(&p, RP_OK);
    assert_int_equal(p.wanted, wanted);
}

static void is_answered(scene *s)
{
    assert_string_equal(coded_good[0].encoding, "gzip");
    ends_it(s, true);
    if (upload_is_2(s)) /* of HTTP/1.1 the rest has not been read */
        ends_it(s, false);
}

static void test_is_answered(void **state)
{
    rp_sim_server_options serving = {.on_head = answer_early};
    (void)state;
    upload_each(&serving, is_answered);
}

/* An answer that takes the body may come while it does. */
static void echo_head(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
}

static void echo_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)user;
    rp_sim_data(x, bytes, size);
}

static void echo_end(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_trailers(x, "X-First: a\r\nX-Second: b c\r\nX-Third:\r\n");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void echoes(scene *s)
{
    static const char expected[] = "X-First=a;X-Second=b c;X-Third=;";
    static const char expected_2[] = "x-first=a;x-second=b c;x-third=;";
    for (unsigned i = 0; i < 3; i++) {
        producer p = {.f.checked = true, .total = 200000, .piece = i == 0 ? 200000 : 4000};
        p.f.on_body = i == 2 ? fetch_consume : NULL;
        producer_start(&p, s, "/",
                       (rp_request_options){.on_trailers = producer_trailers,
                                            .receive_credit_bytes = i == 2 ? 1000 : 0});
        producer_finish(&p, RP_OK);
        assert_int_equal(p.f.body_bytes, 200000);
        assert_string_equal(p.answer_trailer, upload_is_2(s) ? expected_2 : expected);
        assert_int_equal(p.trailer_calls, 1);
    }
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_echoes(void **state)
{
    rp_sim_server_options serving = {
        .on_head = echo_head, .on_body = echo_body, .on_request = echo_end};
    (void)state;
    upload_each(&serving, echoes);
}

static void cancel_in_trailers(rp_request *request, const rp_header *trailers, size_t count,
                               void *user)
{
    producer *p = user;
    (void)request;
    (void)trailers;
    (void)count;
    if (p->later) {
        rp_client_destroy(p->f.web->client);
        p->f.web->client = NULL;
    } else {
        fetch_cancel(&p->f);
    }
}

static void trailers_end_it(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        producer p = {.total = 3000, .piece = 3000, .later = false};
        p.f.on_body = i % 2 == 0 ? NULL : fetch_consume;
        p.later = i == 3;
        p.pauses = p.later;
        producer_start(&p, s, "/",
                       (rp_request_options){.on_trailers = cancel_in_trailers,
                                            .receive_credit_bytes = i % 2 == 0 ? 0 : 100});
        if (p.pauses) {
            UNTIL(s->web.loop, p.wanted == 1);
            p.given = rp_request_give(p.f.request, upload_data, 3000);
            (void)rp_request_body_end(p.f.request, NULL, 0, NULL);
        }
        producer_finish(&p, RP_E_CANCELLED);
    }
}

static void test_trailers_end_it(void **state)
{
    rp_sim_server_options serving = {
        .on_head = echo_head, .on_body = echo_body, .on_request = echo_end};
    (void)state;
    upload_each(&serving, trailers_end_it);
}

/* ---- trailers of requests ---- */

static void has_trailers(scene *s)
{
    static const rp_header headers[] = {{"Trailer", "x-sum, X-Other"}, {"TE", "trailers"}};
    static const rp_header good = {"X-Sum", " 12 "};
    static const struct {
        rp_header trailer;
        const char *sentence;
    } bad[] = {
        {{"X-None", "a"},
         "the request trailer \"X-None\" was not announced in a Trailer header "
         "(RFC 9110, 6.6.2)"},
        {{"Host", "a"},
         "the request trailer \"Host\" must not stand behind a body (RFC 9110, "
         "6.5.1)"},
        {{"x-sum", "a\nb"},
         "the request trailer \"x-sum\" has a control character in its value "
         "(RFC 9110, 5.5)"},
        {{"x sum", "a"},
         "the request trailer \"x...\" has a name that is not a token (RFC 9110, "
         "5.1)"},
    };
    for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
        producer p = {.total = 5, .piece = 5, .trailers = &good, .trailer_count = 1};
        rp_request_options options = {.headers = headers, .header_count = 2};
        p.pauses = true;
        producer_start(&p, s, "/", options);
        UNTIL(s->web.loop, p.wanted == 1);
        if (i < sizeof(bad) / sizeof(bad[0])) {
            rp_error error;
            assert_int_equal(rp_request_body_end(p.f.request, &bad[i].trailer, 1, &error),
                             RP_E_BAD_HEADER);
            assert_string_equal(error.text, bad[i].sentence);
        }
        producer_give(&p);
        producer_finish(&p, RP_OK);
        assert_int_equal(p.end, RP_OK);
        assert_string_equal(p.f.text, upload_is_2(s) ? "5 - - 12" : "5 - chunked 12 ");
    }
    producer p = {.total = 5, .piece = 5, .trailers = &good, .trailer_count = 1, .endless = true};
    rp_error error;
    producer_start(&p, s, "/",
                   (rp_request_options){.headers = headers, .header_count = 2, .body_size = 5});
    UNTIL(s->web.loop, p.given == 5);
    assert_int_equal(rp_request_body_end(p.f.request, &good, 1, &error), RP_E_MISUSE);
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, &error), RP_OK);
    producer_finish(&p, RP_OK);
    assert_string_equal(p.f.text, "5 5 - -");
}

static void test_has_trailers(void **state)
{
    (void)state;
    upload_each(&upload_looking, has_trailers);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_arrives),       fixture_test(test_comes_later),
        fixture_test(test_many),          fixture_test(test_is_given_up),
        fixture_test(test_has_a_length),  fixture_test(test_misuse),
        fixture_test(test_comes_early),   fixture_test(test_ends_inside),
        fixture_test(test_caller_pauses), fixture_test(test_server_stops),
        fixture_test(test_is_refused),    fixture_test(test_is_answered),
        fixture_test(test_echoes),        fixture_test(test_trailers_end_it),
        fixture_test(test_has_trailers),
    };
    return upload_run(tests, sizeof(tests) / sizeof(tests[0]));
}
