/* test_upload.c - bodies that are given piece by piece, over both versions: all of it arrives, or
 * the server sees that it is not all; who waits for whom; 100 Continue; trailers both ways. */
#include "client/request.h"
#include "support/check.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 1024 * 1024 };

static uint8_t *data; /* LARGE bytes of pattern */

/* ---- both versions, plain and with TLS ---- */

static const struct {
    int tls;
    rp_http_versions versions;
} kinds[] = {{0, RP_HTTP_1_1}, {13, RP_HTTP_1_1}, {0, RP_HTTP_2}, {13, RP_HTTP_2}};

static bool is_2(const scene *s)
{
    return s->web.client->options.versions == RP_HTTP_2;
}

/* What the server saw of bodies: a test's own. */
typedef struct sink {
    uint64_t bytes;
    unsigned heads, whole;
    char trailer[64];
} sink;
static sink seen;

static void begin_in(scene *s, size_t kind, const rp_sim_server_options *serving,
                     const rp_client_options *client)
{
    rp_sim_server_options options = {0};
    rp_client_options client_options = {0};
    if (serving != NULL)
        options = *serving;
    if (client != NULL)
        client_options = *client;
    options.versions = kinds[kind].versions == RP_HTTP_2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    client_options.versions = kinds[kind].versions;
    client_options.http2_prior_knowledge = kinds[kind].versions == RP_HTTP_2;
    memset(&seen, 0, sizeof(seen));
    scene_begin(s, kinds[kind].tls, &options, &client_options);
}

static void end_of(scene *s)
{
    const char *complaint = rp_sim_server_complaint(s->server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    scene_end(s);
}

static void each(const rp_sim_server_options *serving, void (*test)(scene *s))
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        scene s;
        begin_in(&s, i, serving, NULL);
        test(&s);
        end_of(&s);
    }
}

/* ---- a server that looks at the bodies ---- */

static void head_came(rp_sim_exchange *x, void *user)
{
    (void)x;
    (void)user;
    seen.heads++;
    seen.bytes = 0;
}

static void body_came(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)x;
    (void)user;
    CHECK(seen.bytes + size <= LARGE && memcmp(bytes, data + seen.bytes, size) == 0);
    seen.bytes += size;
}

static void tell_size(rp_sim_exchange *x, void *user)
{
    char text[128];
    const char *length = rp_sim_header(x, "Content-Length"),
               *coding = rp_sim_header(x, "Transfer-Encoding"),
               *trailer = rp_sim_trailer(x, "X-Sum");
    (void)user;
    seen.whole++;
    int size = snprintf(text, sizeof(text), "%llu %s %s %s", (unsigned long long)seen.bytes,
                        length == NULL ? "-" : length, coding == NULL ? "-" : coding,
                        trailer == NULL ? "-" : trailer);
    rp_sim_respond(x, 200, NULL, text, (size_t)size);
}

static const rp_sim_server_options looking = {
    .on_head = head_came, .on_body = body_came, .on_request = tell_size};

/* ---- a producer ---- */

typedef struct producer {
    fetch f; /* first: what callbacks have for user */
    size_t total, piece;
    size_t given;
    unsigned wanted, rewound;
    bool later;    /* gives from a timer, not in the callback */
    bool endless;  /* does not tell the end */
    bool pauses;   /* gives nothing */
    rp_status end; /* what telling it said */
    const rp_header *trailers;
    size_t trailer_count;
    rp_timer timer;
    char answer_trailer[64];
    unsigned trailer_calls;
} producer;

static void give(producer *p)
{
    while (p->given < p->total) {
        size_t size = p->total - p->given < p->piece ? p->total - p->given : p->piece;
        size_t taken = rp_request_give(p->f.request, data + p->given, size);
        CHECK(taken <= size && p->f.request->upload.body.given.size <= RP_UPLOAD_BYTES);
        p->given += taken;
        if (taken == 0)
            return;
        if (p->later)
            break;
    }
    if (p->given == p->total && !p->endless)
        p->end = rp_request_body_end(p->f.request, p->trailers, p->trailer_count, &p->f.error);
}

static void give_later(rp_timer *timer, void *user)
{
    (void)timer;
    producer *p = user;
    if (p->f.request != NULL)
        give(p);
}

static void wanted(rp_request *request, size_t room, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request && p->f.web->starting == 0);
    CHECK(room >= RP_UPLOAD_BYTES / 2 && room <= RP_UPLOAD_BYTES);
    p->wanted++;
    if (p->pauses)
        return;
    if (p->later)
        rp_timer_start(p->f.web->loop, &p->timer, 1, give_later, p);
    else
        give(p);
}

static void rewound(rp_request *request, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request);
    p->rewound++;
    p->given = 0;
}

static void trailers_came(rp_request *request, const rp_header *trailers, size_t count, void *user)
{
    producer *p = user;
    CHECK(request == p->f.request && p->f.dones == 0 && count > 0);
    p->trailer_calls++;
    size_t used = strlen(p->answer_trailer);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(p->answer_trailer + used, sizeof(p->answer_trailer) - used,
                                 "%s=%s;", trailers[i].name, trailers[i].value);
}

static void start(producer *p, scene *s, const char *path, rp_request_options options)
{
    options.url = scene_url(s, path);
    options.on_body_wanted = wanted;
    if (!fetch_start(&p->f, &s->web, NULL, &options))
        fail_msg("%s", p->f.error.text);
}

static void finish(producer *p, rp_status status)
{
    fetch_wait(&p->f);
    rp_timer_stop(p->f.web->loop, &p->timer);
    if (p->f.error.status != status)
        fail_msg("%s: %s", rp_status_name(p->f.error.status), p->f.error.text);
}

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
        start(&p, s, "/", (rp_request_options){.body_size = known ? total : 0});
        finish(&p, RP_OK);
        assert_int_equal(p.end, RP_OK);
        if (known)
            (void)snprintf(expected, sizeof(expected), "%zu %zu - -", total, total);
        else
            (void)snprintf(expected, sizeof(expected), "%zu - %s -", total,
                           is_2(s) ? "-" : "chunked");
        assert_string_equal(p.f.text, expected);
        assert_int_equal(p.f.summary.body_bytes_sent, total);
        assert_true(p.f.summary.timings.sent_us > 0);
    }
    producer empty = {.total = 0, .piece = 1};
    start(&empty, s, "/", (rp_request_options){.method = "PUT"});
    finish(&empty, RP_OK);
    assert_memory_equal(empty.f.text, "0 ", 2);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_arrives(void **state)
{
    (void)state;
    each(&looking, arrives);
}

/* From outside of the callback, in single bytes. */
static void comes_later(scene *s)
{
    producer p = {.total = 40, .piece = 1, .later = true};
    start(&p, s, "/", (rp_request_options){0});
    finish(&p, RP_OK);
    assert_memory_equal(p.f.text, "40 ", 3);
    assert_int_equal(p.wanted, 40);
}

static void test_comes_later(void **state)
{
    (void)state;
    each(&looking, comes_later);
}

static void many(scene *s)
{
    enum { MANY = 5 };
    static producer all[MANY];
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < MANY; i++) {
        all[i] = (producer){.total = 150000, .piece = 1000 + 9999 * i, .later = i == 3};
        start(&all[i], s, "/", (rp_request_options){.body_size = i % 2 == 0 ? 0 : 150000});
    }
    for (size_t i = 0; i < MANY; i++)
        finish(&all[i], RP_OK);
}

static void test_many(void **state)
{
    (void)state;
    static const rp_sim_server_options serving = {0}; /* bodies are looked at by nobody */
    each(&serving, many);
}

/* ---- it does not ---- */

static void is_given_up(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned whole = seen.whole;
        producer p = {.total = i < 2 ? 100000 : 100, .piece = 100000, .endless = true};
        /* All that was announced, or not, was given. */
        size_t length = i % 2 == 0 ? 0 : p.total;
        start(&p, s, "/", (rp_request_options){.body_size = length});
        UNTIL(s->web.loop, p.given == p.total && seen.bytes + 1 >= p.total);
        if (length > 0)
            assert_int_equal(seen.bytes, p.total - 1);
        p.f.web->starting++;
        rp_request_body_abort(p.f.request);
        p.f.web->starting--;
        finish(&p, RP_E_BODY_ABORTED);
        assert_int_equal(p.f.error.phase, RP_PHASE_REQUEST);
        assert_false(p.f.error.replay_safe);
        scene_settle(s, 10);
        assert_int_equal(seen.whole, whole);
        fetch after = {0};
        scene_good(s, &after, "/", NULL, 200);
    }
    if (is_2(s)) {
        assert_int_equal(scene_counts(s).connections, 1);
        assert_int_equal(scene_counts(s).resets, 4);
    } else {
        assert_int_equal(scene_counts(s).connections, 5);
    }
}

static void test_is_given_up(void **state)
{
    (void)state;
    each(&looking, is_given_up);
}

/* More, or less, than was announced. */
static void has_a_length(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        bool more = i % 2 == 0;
        producer p = {.total = more ? 1001 : 999, .piece = i < 2 ? 5000 : 10};
        start(&p, s, "/", (rp_request_options){.body_size = 1000});
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
        assert_int_equal(seen.whole, 0);
    }
}

static void test_has_a_length(void **state)
{
    (void)state;
    each(&looking, has_a_length);
}

static void misuse(scene *s)
{
    rp_error error;
    fetch f = {0};
    rp_request_options options = {.url = scene_url(s, "/"), .body = data, .on_body_wanted = wanted};
    assert_false(fetch_start(&f, &s->web, NULL, &options));
    assert_int_equal(f.error.status, RP_E_MISUSE);
    rp_header expect = {"Expect", "100-continue"};
    options = (rp_request_options){.url = scene_url(s, "/"), .headers = &expect, .header_count = 1};
    assert_false(fetch_start(&f, &s->web, NULL, &options));
    assert_int_equal(f.error.status, RP_E_BAD_HEADER);

    options = (rp_request_options){.url = scene_url(s, "/")};
    assert_true(fetch_start(&f, &s->web, NULL, &options)); /* nothing is wanted of this one */
    assert_int_equal(rp_request_give(f.request, data, 10), 0);
    assert_int_equal(rp_request_body_end(f.request, NULL, 0, &error), RP_E_MISUSE);
    rp_request_body_abort(f.request);
    fetch_wait(&f);
    assert_int_equal(f.error.status, RP_OK);

    producer p = {.total = 10, .piece = 10};
    start(&p, s, "/", (rp_request_options){0});
    assert_int_equal(rp_request_give(p.f.request, data, 0), 0);
    UNTIL(s->web.loop, p.given == 10);
    assert_int_equal(rp_request_give(p.f.request, data, 10), 0); /* behind the end */
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, &error), RP_E_MISUSE);
    finish(&p, RP_OK);
    assert_int_equal(p.f.summary.body_bytes_sent, 10);
}

static void test_misuse(void **state)
{
    (void)state;
    each(&looking, misuse);
}

/* What is given before anybody asks waits for the connection. */
static void comes_early(scene *s)
{
    producer p = {.total = RP_UPLOAD_BYTES, .piece = 1000};
    start(&p, s, "/", (rp_request_options){0});
    assert_int_equal(rp_request_give(p.f.request, data, LARGE), RP_UPLOAD_BYTES);
    assert_int_equal(rp_request_give(p.f.request, data, 1), 0);
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, NULL), RP_OK);
    finish(&p, RP_OK);
    assert_int_equal(p.wanted, 0);
    assert_memory_equal(p.f.text, "65536 ", 6);
}

static void test_comes_early(void **state)
{
    (void)state;
    each(&looking, comes_early);
}

/* ---- callbacks that end it ---- */

static void cancel_now(rp_request *request, size_t room, void *user)
{
    producer *p = user;
    (void)room;
    (void)rp_request_give(request, data, p->given);
    if (p->later)
        rp_client_destroy(p->f.web->client);
    else
        fetch_cancel(&p->f);
    CHECK(rp_request_give(request, data, 1) == 0);
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
        finish(&p, RP_E_CANCELLED);
        scene_settle(s, 10);
        assert_int_equal(seen.whole, 0);
        if (s->web.client == NULL)
            return;
    }
}

static void test_ends_inside(void **state)
{
    (void)state;
    each(&looking, ends_inside);
}

/* ---- who waits for whom ---- */

/* The caller may take its time. */
static void caller_pauses(scene *s)
{
    producer p = {.total = 10, .piece = 10, .pauses = true};
    start(&p, s, "/", (rp_request_options){.idle_timeout_ms = 20});
    UNTIL(s->web.loop, p.wanted == 1);
    scene_settle(s, 60);
    assert_int_equal(p.f.dones, 0);
    assert_int_equal(p.wanted, 1);
    give(&p);
    finish(&p, RP_OK);
    p = (producer){.total = 10, .piece = 10, .pauses = true};
    start(&p, s, "/", (rp_request_options){.idle_timeout_ms = 10, .total_timeout_ms = 40});
    finish(&p, RP_E_TOTAL_TIMEOUT);
    assert_non_null(strstr(p.f.error.text, "it waited for the caller to give more of the body"));
}

static void test_caller_pauses(void **state)
{
    (void)state;
    each(&looking, caller_pauses);
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
    CHECK(rp_request_give(request, data, room) == room);
}

static void test_server_stops(void **state)
{
    rp_sim_server_options serving = {.on_head = stop_reading};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        scene s;
        producer p = {0};
        begin_in(&s, i, &serving, NULL);
        rp_request_options options = {
            .url = scene_url(&s, "/"), .on_body_wanted = wanted_for_ever, .idle_timeout_ms = 60};
        assert_true(fetch_start(&p.f, &s.web, NULL, &options));
        finish(&p, RP_E_IDLE_TIMEOUT);
        assert_int_equal(p.f.error.phase, RP_PHASE_REQUEST);
        scene_end(&s);
    }
}

/* ---- early answers ---- */

static void refuse_early(rp_sim_exchange *x, void *user)
{
    (void)user;
    seen.heads++;
    rp_sim_head(x, 413, NULL, 8);
    rp_sim_wait(x, 10);
    rp_sim_data(x, "too much", 8);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void head_told(fetch *f)
{
    producer *p = (producer *)f;
    p->rewound = p->wanted; /* from here on nothing is wanted */
    CHECK(rp_request_give(f->request, data, 10) == 0);
}

static void is_refused(scene *s)
{
    producer p = {.f.on_head = head_told, .total = 0, .endless = true, .pauses = true};
    start(&p, s, "/", (rp_request_options){0});
    finish(&p, RP_OK);
    assert_int_equal(p.f.status, 413);
    assert_string_equal(p.f.text, "too much");
    assert_int_equal(p.wanted, p.rewound);
    fetch after = {0};
    scene_good(s, &after, "/", NULL, 413);
    assert_int_equal(scene_counts(s).connections, is_2(s) ? 1 : 2);
    if (is_2(s))
        assert_int_equal(scene_counts(s).reset_code, 8);
}

static void test_is_refused(void **state)
{
    rp_sim_server_options serving = {.on_head = refuse_early};
    (void)state;
    each(&serving, is_refused);
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
        start(&p, s, "/",
              (rp_request_options){.on_trailers = trailers_came,
                                   .receive_credit_bytes = i == 2 ? 1000 : 0});
        finish(&p, RP_OK);
        assert_int_equal(p.f.body_bytes, 200000);
        assert_string_equal(p.answer_trailer, is_2(s) ? expected_2 : expected);
        assert_int_equal(p.trailer_calls, 1);
    }
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_echoes(void **state)
{
    rp_sim_server_options serving = {
        .on_head = echo_head, .on_body = echo_body, .on_request = echo_end};
    (void)state;
    each(&serving, echoes);
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
        start(&p, s, "/",
              (rp_request_options){.on_trailers = cancel_in_trailers,
                                   .receive_credit_bytes = i % 2 == 0 ? 0 : 100});
        if (p.pauses) {
            UNTIL(s->web.loop, p.wanted == 1);
            p.given = rp_request_give(p.f.request, data, 3000);
            (void)rp_request_body_end(p.f.request, NULL, 0, NULL);
        }
        finish(&p, RP_E_CANCELLED);
    }
}

static void test_trailers_end_it(void **state)
{
    rp_sim_server_options serving = {
        .on_head = echo_head, .on_body = echo_body, .on_request = echo_end};
    (void)state;
    each(&serving, trailers_end_it);
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
        start(&p, s, "/", options);
        UNTIL(s->web.loop, p.wanted == 1);
        if (i < sizeof(bad) / sizeof(bad[0])) {
            rp_error error;
            assert_int_equal(rp_request_body_end(p.f.request, &bad[i].trailer, 1, &error),
                             RP_E_BAD_HEADER);
            assert_string_equal(error.text, bad[i].sentence);
        }
        give(&p);
        finish(&p, RP_OK);
        assert_int_equal(p.end, RP_OK);
        assert_string_equal(p.f.text, is_2(s) ? "5 - - 12" : "5 - chunked 12 ");
    }
    producer p = {.total = 5, .piece = 5, .trailers = &good, .trailer_count = 1, .endless = true};
    rp_error error;
    start(&p, s, "/", (rp_request_options){.headers = headers, .header_count = 2, .body_size = 5});
    UNTIL(s->web.loop, p.given == 5);
    assert_int_equal(rp_request_body_end(p.f.request, &good, 1, &error), RP_E_MISUSE);
    assert_int_equal(rp_request_body_end(p.f.request, NULL, 0, &error), RP_OK);
    finish(&p, RP_OK);
    assert_string_equal(p.f.text, "5 5 - -");
}

static void test_has_trailers(void **state)
{
    (void)state;
    each(&looking, has_trailers);
}

/* ---- 100 Continue ---- */

static void expects(scene *s)
{
    for (unsigned i = 0; i < 3; i++) {
        producer p = {.total = 5, .piece = 5};
        rp_request_options options = {.expect_continue = true, .expect_timeout_ms = RP_NEVER_MS};
        if (i == 0) {
            start(&p, s, "/", options);
        } else { /* in memory, behind the head or not */
            options.url = scene_url(s, "/");
            options.body = data;
            options.body_size = i == 1 ? 5 : 100000;
            assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        }
        finish(&p, RP_OK);
        assert_int_equal(p.f.informational, 1);
        assert_memory_equal(p.f.text, i == 2 ? "100000 " : "5 ", 2);
    }
    fetch f = {0}; /* nothing to send, nothing to expect */
    rp_request_options options = {.method = "POST", .expect_continue = true};
    scene_good(s, &f, "/", &options, 200);
    assert_int_equal(f.informational, 0);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_expects(void **state)
{
    (void)state;
    each(&looking, expects);
}

/* It says nothing: the body follows after the wait, which other interim responses do not end. */
static void say_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    seen.heads++;
    rp_sim_head(x, 102, NULL, 0);
}

static void waits_in_vain(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    uint64_t began = rp_loop_now_ms(s->web.loop);
    start(&p, s, "/", (rp_request_options){.expect_continue = true, .expect_timeout_ms = 50});
    UNTIL(s->web.loop, p.f.informational == 1);
    assert_int_equal(p.wanted, 0);
    finish(&p, RP_OK);
    assert_true(rp_loop_now_ms(s->web.loop) - began >= 50);
    assert_memory_equal(p.f.text, "5 ", 2);
}

static void test_waits_in_vain(void **state)
{
    rp_sim_server_options serving = looking;
    serving.on_head = say_nothing;
    (void)state;
    each(&serving, waits_in_vain);
}

/* A final answer in its place: nothing of the body leaves. */
static void answer_at_once(rp_sim_exchange *x, void *user)
{
    int status = rp_sim_target(x)[1] == '2' ? 200 : 413;
    (void)user;
    seen.heads++;
    rp_sim_respond(x, status, NULL, "no", 2);
}

static void is_answered(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        producer p = {.total = 5, .piece = 5};
        rp_request_options options = {.expect_continue = true};
        const char *path = i % 2 == 0 ? "/2" : "/4";
        if (i < 2) {
            start(&p, s, path, options);
        } else {
            options.url = scene_url(s, path);
            options.body = data;
            options.body_size = 5;
            assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        }
        finish(&p, RP_OK);
        assert_int_equal(p.f.status, i % 2 == 0 ? 200 : 413);
        assert_int_equal(p.wanted, 0);
        assert_int_equal(p.f.summary.body_bytes_sent, 0);
        assert_int_equal(seen.bytes, 0);
    }
    assert_int_equal(scene_counts(s).connections, is_2(s) ? 1 : 4);
}

static void test_is_answered(void **state)
{
    rp_sim_server_options serving = {.on_head = answer_at_once, .on_body = body_came};
    (void)state;
    each(&serving, is_answered);
}

/* 417: once more, without it. One that says so to that too has answered. */
static void expect_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    head_came(x, user);
    if (rp_sim_header(x, "Expect") != NULL || rp_sim_target(x)[1] == 'x')
        rp_sim_respond(x, 417, NULL, "what", 4);
}

static void is_unexpecting(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    start(&p, s, "/", (rp_request_options){.expect_continue = true});
    finish(&p, RP_OK);
    assert_int_equal(p.f.status, 200);
    assert_memory_equal(p.f.text, "5 ", 2);
    assert_int_equal(p.f.heads, 1);
    assert_int_equal(p.f.summary.attempts, 2);
    assert_int_equal(seen.heads, 2);
    fetch f = {0};
    rp_request_options options = {.expect_continue = true, .body = data, .body_size = 5};
    scene_good(s, &f, "/x", &options, 417);
    assert_int_equal(seen.heads, 4);
}

static void test_is_unexpecting(void **state)
{
    rp_sim_server_options serving = looking;
    serving.on_head = expect_nothing;
    (void)state;
    each(&serving, is_unexpecting);
}

static void expecting_is_given_up(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    start(&p, s, "/",
          (rp_request_options){.expect_continue = true,
                               .total_timeout_ms = 60,
                               .idle_timeout_ms = 20,
                               .expect_timeout_ms = 5000});
    finish(&p, RP_E_TOTAL_TIMEOUT);
    assert_non_null(
        strstr(p.f.error.text, "it waited for the server to take the body (100 Continue)"));
    assert_int_equal(p.wanted, 0);
}

static void test_expecting_is_given_up(void **state)
{
    rp_sim_server_options serving = looking;
    serving.on_head = say_nothing;
    (void)state;
    each(&serving, expecting_is_given_up);
}

/* ---- again ---- */

/* The connection dies under the body: a PUT goes again where its body can be made twice. */
static void die_once(rp_sim_exchange *x, void *user)
{
    (void)user;
    head_came(x, user);
}

static void die_in_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)bytes;
    (void)user;
    seen.bytes += size;
    if (seen.heads == 2)
        rp_sim_end(x, RP_SIM_END_RESET);
}

static void goes_again(scene *s, bool can)
{
    fetch first = {0};
    scene_good(s, &first, "/", NULL, 200); /* a used connection */
    producer p = {.total = 300000, .piece = 5000, .later = true};
    start(&p, s, "/",
          (rp_request_options){.method = "PUT", .on_body_rewind = can ? rewound : NULL});
    fetch_wait(&p.f);
    finish(&p, can ? RP_OK : p.f.error.status);
    if (can) {
        assert_int_equal(p.rewound, 1);
        assert_memory_equal(p.f.text, "300000 ", 7);
        assert_int_equal(p.f.summary.attempts, 2);
    } else {
        assert_int_not_equal(p.f.error.status, RP_OK);
        assert_int_equal(p.f.summary.attempts, 1);
        assert_int_equal(p.rewound, 0);
    }
}

static void goes_again_if_it_can(scene *s)
{
    goes_again(s, true);
}

static void goes_once(scene *s)
{
    goes_again(s, false);
}

static void test_goes_again(void **state)
{
    rp_sim_server_options serving = {
        .on_head = die_once, .on_body = die_in_body, .on_request = tell_size};
    (void)state;
    each(&serving, goes_again_if_it_can);
    each(&serving, goes_once);
}

/* 421, and a refused stream, before any of the body was sent: whatever can be made twice or not. */
static void not_in_charge(rp_sim_exchange *x, void *user)
{
    head_came(x, user);
    if (seen.heads == 1)
        rp_sim_respond(x, 421, NULL, "no", 2);
}

static void is_misdirected(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    start(&p, s, "/", (rp_request_options){.expect_continue = true});
    finish(&p, RP_OK);
    assert_int_equal(p.f.status, 200);
    assert_memory_equal(p.f.text, "5 ", 2);
    seen.heads = 0; /* what was sent can't be sent again: 421 is the answer */
    p = (producer){.total = 100000, .piece = 1000, .later = true};
    start(&p, s, "/", (rp_request_options){0});
    finish(&p, RP_OK);
    assert_true(p.f.status == 421 || p.f.status == 200);
}

static void test_is_misdirected(void **state)
{
    rp_sim_server_options serving = looking;
    serving.on_head = not_in_charge;
    (void)state;
    each(&serving, is_misdirected);
}

/* Redirects: with the body, if it can be made twice, or without. */
static void redirect(rp_sim_exchange *x, void *user)
{
    const char *path = rp_sim_target(x);
    if (path[1] == '3')
        rp_sim_respond(x, path[3] == '7' ? 307 : 303, "Location: /\r\n", NULL, 0);
    else
        tell_size(x, user);
}

static void is_redirected(scene *s)
{
    for (unsigned i = 0; i < 6; i++) {
        bool seeing = i >= 4, can = i % 2 == 0;
        producer p = {.total = 70000, .piece = 5000};
        start(&p, s, seeing ? "/303" : "/307",
              (rp_request_options){.redirects_limit = 1,
                                   .body_size = i < 2 ? 70000 : 0,
                                   .on_body_rewind = can ? rewound : NULL});
        fetch_wait(&p.f);
        finish(&p, seeing || can ? RP_OK : RP_E_REDIRECT_REFUSED);
        assert_int_equal(p.rewound, !seeing && can);
        if (seeing)
            assert_string_equal(p.f.text, "0 - - -");
        else if (can)
            assert_memory_equal(p.f.text, "70000 ", 6);
    }
    assert_int_equal(scene_counts(s).connections, is_2(s) ? 1 : 3);
}

static void test_is_redirected(void **state)
{
    rp_sim_server_options serving = looking;
    serving.on_request = redirect;
    (void)state;
    each(&serving, is_redirected);
}

/* HTTP/1.0 has no chunks. */
static void answer_old(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_print(x, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void test_old_server(void **state)
{
    rp_sim_server_options serving = {.on_request = answer_old};
    (void)state;
    scene s;
    begin_in(&s, 0, &serving, NULL);
    fetch f = {0};
    scene_good(&s, &f, "/", NULL, 200);
    producer p = {.total = 5, .piece = 5};
    start(&p, &s, "/", (rp_request_options){0});
    finish(&p, RP_E_BODY_LENGTH);
    assert_true(p.f.error.replay_safe);
    assert_int_equal(p.f.summary.bytes_sent, 0);
    scene_says(&s, &p.f.error, RP_E_BODY_LENGTH, RP_PHASE_REQUEST,
               "PEER speaks HTTP/1.0, which needs to know the length of the request's body");
    p = (producer){.total = 5, .piece = 5};
    start(&p, &s, "/", (rp_request_options){.body_size = 5});
    finish(&p, RP_OK);
    assert_int_equal(scene_counts(&s).connections, 1);
    end_of(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_arrives),
        fixture_test(test_comes_later),
        fixture_test(test_many),
        fixture_test(test_is_given_up),
        fixture_test(test_has_a_length),
        fixture_test(test_misuse),
        fixture_test(test_comes_early),
        fixture_test(test_ends_inside),
        fixture_test(test_caller_pauses),
        fixture_test(test_server_stops),
        fixture_test(test_is_refused),
        fixture_test(test_echoes),
        fixture_test(test_trailers_end_it),
        fixture_test(test_has_trailers),
        fixture_test(test_expects),
        fixture_test(test_waits_in_vain),
        fixture_test(test_is_answered),
        fixture_test(test_is_unexpecting),
        fixture_test(test_expecting_is_given_up),
        fixture_test(test_goes_again),
        fixture_test(test_is_misdirected),
        fixture_test(test_old_server),
        fixture_test(test_is_redirected),
    };
    data = probe_pattern(LARGE);
    int failed = fixture_run_simulated(tests, 2);
    free(data);
    return failed;
}
