/* test_load_hedge.c - requests that are sent a second time while they wait (load.h), in virtual
 * time: what becomes of the two, and what it is good for: with one slow server of ten, with it and
 * without. */
#include "support/check.h"
#include "support/load.h"

#include <ringport/insight.h>
#include <ringport/life.h>
#include <string.h>

#define MS_NS ((uint64_t)1000000)

enum { SERVERS = 2, STEPS = 8, BODY_SIZE = 1000 };

/* ---- servers behind one name ---- */

typedef enum what {
    GOOD,
    BUSY,     /* 503 */
    RESET,    /* no answer */
    CUT,      /* in its body */
    STALLED,  /* likewise, for ever */
    SILENT,   /* no answer, ever */
    MOVED,    /* 302 */
    INTERIM,  /* 103 at once, and 200 later */
    REFUSED,  /* unprocessed, as only HTTP/2 can say */
    ELSEWHERE /* 421 */
} what;

typedef struct step {
    what what;
    unsigned after_ms;
} step;

/* What the requests get, in the order in which they come, whichever server they come to. */
typedef struct plan {
    step steps[STEPS];
    unsigned came, bodies;
    rp_sim_exchange *exchanges[STEPS];
    rp_sim_server *other;
    play p;
} plan;

static const char filler[BODY_SIZE];

static void carry_out(rp_sim_exchange *x, const step *s, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", number);
    if (s->what == INTERIM)
        rp_sim_head(x, 103, "Link: </a>\r\n", 0);
    if (s->after_ms > 0 && s->what != SILENT)
        rp_sim_wait(x, s->after_ms);
    switch (s->what) {
    case BUSY:
        rp_sim_respond(x, 503, NULL, text, 1);
        break;
    case RESET:
        rp_sim_end(x, RP_SIM_END_RESET);
        break;
    case CUT:
    case STALLED:
        rp_sim_head(x, 200, NULL, BODY_SIZE);
        rp_sim_data(x, filler, BODY_SIZE / 2);
        rp_sim_end(x, s->what == CUT ? RP_SIM_END_RESET : RP_SIM_END_STALLED);
        break;
    case SILENT:
        break;
    case MOVED:
        rp_sim_respond(x, 302, "Location: /there\r\n", text, 1);
        break;
    case ELSEWHERE:
        rp_sim_respond(x, 421, NULL, text, 1);
        break;
    case REFUSED:
        rp_sim_reset_stream(x, 7);
        break;
    default:
        rp_sim_respond(x, 200, NULL, text, 1);
        break;
    }
}

static void answer(rp_sim_exchange *x, void *user)
{
    plan *pl = user;
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    const step good = {GOOD, 0};
    unsigned number = ++pl->came;
    pl->bodies += size == 4 && memcmp(body, "data", 4) == 0;
    carry_out(x, number <= STEPS ? &pl->steps[number - 1] : &good, number);
}

static const rp_hedge_options late = {.delay_ms = 100, .budget_percent = UINT32_MAX};

static void plan_begin(plan *pl, rp_http_versions version, const rp_client_options *with,
                       bool faulty)
{
    rp_error error;
    rp_client_options client = {0};
    if (with != NULL)
        client = *with;
    client.versions = version;
    if (client.hedge.delay_ms == 0 && client.hedge.percentile == 0)
        client.hedge = late;
    rp_sim_server_options server = {
        .on_request = answer, .user = pl, .versions = RP_SIM_HTTP_1_OR_2};
    play_begin(&pl->p, &(play_options){
                           .server = &server, .version = 13, .client = &client, .faulty = faulty});
    server.address = "192.0.2.2";
    server.minimum_version = server.maximum_version = (rp_tls_version)13;
    if (rp_sim_server_start(pl->p.sim, &pl->other, &server, &error) != RP_OK ||
        rp_sim_name_add(pl->p.sim, PLAY_HOST, "192.0.2.1,192.0.2.2", &error) != RP_OK)
        fail_msg("%s", error.text);
}

/* ---- a request, and all that its callbacks were told ---- */

typedef enum moment { NEVER, IN_HEAD, IN_BODY, IN_DONE } moment;

typedef struct told {
    rp_request *request;
    plan *plan;
    unsigned heads, interims, dones;
    uint64_t bytes;
    int status;
    char body;
    moment cancels, destroys;
    size_t owes;
    rp_response_summary summary;
    char address[64], why[128];
    rp_error error;
    uint64_t took_ns;
} told;

static void strike(told *t, moment now)
{
    if (t->cancels == now && t->request != NULL)
        rp_request_cancel(t->request);
    if (t->destroys == now) {
        rp_client_destroy(t->plan->p.client);
        t->plan->p.client = NULL;
    }
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    told *t = user;
    CHECK(request == t->request);
    t->interims += head->informational;
    if (head->informational)
        return;
    t->heads++;
    t->status = head->status;
    strike(t, IN_HEAD);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    told *t = user;
    CHECK(request == t->request);
    CHECK(t->heads == 1);
    t->body = (char)data[0];
    t->bytes += size;
    rp_request_consume(request, size);
    strike(t, IN_BODY);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    told *t = user;
    CHECK(request == t->request && t->dones++ == 0);
    t->request = NULL;
    t->summary = *summary;
    (void)snprintf(t->address, sizeof(t->address), "%s", summary->address);
    (void)snprintf(t->why, sizeof(t->why), "%s", summary->why != NULL ? summary->why : "");
    t->error.status = RP_OK;
    if (summary->error != NULL)
        t->error = *summary->error;
    t->took_ns = rp_sim_now_ns(t->plan->p.sim) - t->took_ns;
    strike(t, IN_DONE);
}

static const rp_response_events events = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

static void start(told *t, plan *pl, const rp_request_options *with)
{
    rp_request_options options = {0};
    if (with != NULL)
        options = *with;
    if (options.url == NULL)
        options.url = play_url(&pl->p, "/");
    t->plan = pl;
    t->took_ns = rp_sim_now_ns(pl->p.sim);
    t->request = rp_client_send(pl->p.client, &options, &events, t, &t->error);
    if (t->request == NULL)
        t->dones++;
}

static void await(told *t)
{
    while (t->request != NULL)
        (void)rp_loop_turn(t->plan->p.loop, RP_NEVER_MS);
}

static void counts_of(const plan *pl, rp_counts *counts)
{
    rp_origin_statistics totals;
    rp_client_totals(pl->p.client, &totals);
    *counts = totals.counts;
    assert_int_equal(totals.in_flight, 0);
    assert_int_equal(totals.queued, 0);
}

/* ---- what becomes of the two ---- */

typedef struct outcome {
    step steps[4];
    rp_request_options request;
    rp_status error;
    int status;
    char body; /* which of the requests that came was answered */
    unsigned hedges;
    bool won;
    unsigned least_ms, most_ms;
} outcome;

static const rp_hedge_options off;

static const outcome outcomes[] = {
    /* the first usable answer counts */
    {{{GOOD, 50}}, {.url = NULL}, RP_OK, 200, '1', 0, false, 50, 60},
    {{{GOOD, 2000}, {GOOD, 0}}, {.url = NULL}, RP_OK, 200, '2', 1, true, 100, 130},
    {{{GOOD, 150}, {GOOD, 900}}, {.url = NULL}, RP_OK, 200, '1', 1, false, 150, 165},
    {{{SILENT, 0}, {GOOD, 50}}, {.url = NULL}, RP_OK, 200, '2', 1, true, 150, 180},
    {{{INTERIM, 900}, {INTERIM, 100}}, {.url = NULL}, RP_OK, 200, '2', 1, true, 200, 230},
    /* one of them fails */
    {{{RESET, 150}, {GOOD, 200}}, {.url = NULL}, RP_OK, 200, '2', 1, true, 300, 330},
    {{{GOOD, 900}, {RESET, 0}}, {.url = NULL}, RP_OK, 200, '1', 1, false, 900, 920},
    {{{BUSY, 150}, {GOOD, 200}}, {.url = NULL}, RP_OK, 200, '2', 1, true, 300, 330},
    {{{GOOD, 900}, {BUSY, 0}}, {.url = NULL}, RP_OK, 200, '1', 1, false, 900, 920},
    {{{SILENT, 0}, {ELSEWHERE, 0}},
     {.first_byte_timeout_ms = 300},
     RP_E_FIRST_BYTE_TIMEOUT,
     0,
     0,
     1,
     false,
     300,
     320},
    /* both do */
    {{{BUSY, 150}, {BUSY, 200}}, {.url = NULL}, RP_OK, 503, '2', 1, true, 300, 330},
    {{{RESET, 150}, {BUSY, 200}}, {.url = NULL}, RP_OK, 503, '2', 1, true, 300, 330},
    {{{RESET, 150}, {RESET, 200}}, {.url = NULL}, RP_E_RESET, 0, 0, 1, false, 300, 330},
    {{{SILENT, 0}, {SILENT, 0}},
     {.first_byte_timeout_ms = 300},
     RP_E_FIRST_BYTE_TIMEOUT,
     0,
     0,
     1,
     false,
     400,
     440},
    {{{SILENT, 0}, {GOOD, 250}},
     {.first_byte_timeout_ms = 300},
     RP_OK,
     200,
     '2',
     1,
     true,
     350,
     380},
    {{{SILENT, 0}, {SILENT, 0}},
     {.total_timeout_ms = 250},
     RP_E_TOTAL_TIMEOUT,
     0,
     0,
     1,
     false,
     250,
     255},
    {{{SILENT, 0}, {STALLED, 0}},
     {.total_timeout_ms = 250},
     RP_E_TOTAL_TIMEOUT,
     200,
     0,
     1,
     true,
     250,
     255},
    /* the winner breaks off, or stalls, in its body */
    {{{GOOD, 2000}, {CUT, 50}}, {.url = NULL}, RP_E_RESET, 200, 0, 1, true, 150, 180},
    {{{GOOD, 2000}, {STALLED, 50}},
     {.idle_timeout_ms = 200},
     RP_E_IDLE_TIMEOUT,
     200,
     0,
     1,
     true,
     350,
     390},
    {{{CUT, 150}, {GOOD, 200}}, {.url = NULL}, RP_E_RESET, 200, 0, 1, false, 150, 170},
    /* what may be sent twice, and what not */
    {{{GOOD, 300}}, {.hedge = &off}, RP_OK, 200, '1', 0, false, 300, 310},
    {{{GOOD, 300}}, {.never_replay = true}, RP_OK, 200, '1', 0, false, 300, 310},
    {{{GOOD, 300}},
     {.method = "POST", .body = "data", .body_size = 4},
     RP_OK,
     200,
     '1',
     0,
     false,
     300,
     310},
    {{{GOOD, 300}, {GOOD, 0}},
     {.method = "PUT", .body = "data", .body_size = 4},
     RP_OK,
     200,
     '2',
     1,
     true,
     100,
     130},
    {{{GOOD, 300}, {GOOD, 0}},
     {.method = "POST", .body = "data", .body_size = 4, .idempotent = true},
     RP_OK,
     200,
     '2',
     1,
     true,
     100,
     130},
    {{{GOOD, 300}, {GOOD, 0}},
     {.method = "PUT", .body = "data", .body_size = 4, .expect_continue = true},
     RP_OK,
     200,
     '1',
     0,
     false,
     300,
     330},
    /* with credit, decoding asked for, redirects: the second's redirect leads on, hedged again */
    {{{GOOD, 300}, {GOOD, 0}}, {.receive_credit_bytes = 1}, RP_OK, 200, '2', 1, true, 100, 130},
    {{{GOOD, 300}, {GOOD, 0}}, {.decompress = true}, RP_OK, 200, '2', 1, true, 100, 130},
    {{{GOOD, 900}, {MOVED, 0}, {GOOD, 50}},
     {.redirects_limit = 1},
     RP_OK,
     200,
     '3',
     1,
     false,
     150,
     190},
    {{{GOOD, 900}, {MOVED, 0}, {GOOD, 900}, {GOOD, 0}},
     {.redirects_limit = 1, .receive_credit_bytes = 1},
     RP_OK,
     200,
     '4',
     2,
     true,
     200,
     260},
    {{{MOVED, 150}, {GOOD, 900}, {GOOD, 0}},
     {.redirects_limit = 1},
     RP_OK,
     200,
     '3',
     1,
     false,
     150,
     190},
};

static void check_outcome(const outcome *o, rp_http_versions version, size_t index)
{
    plan pl = {.came = 0};
    told t = {.heads = 0};
    rp_counts counts;
    call next;
    memcpy(pl.steps, o->steps, sizeof(o->steps));
    plan_begin(&pl, version, NULL, false);
    start(&t, &pl, &o->request);
    await(&t);
    if (t.error.status != o->error || t.status != o->status || t.body != o->body ||
        t.summary.hedges != o->hedges || t.summary.hedge_won != o->won)
        fail_msg("case %u over %s: %s, status %d, body %d, %u hedges: %s", (unsigned)index,
                 version == RP_HTTP_2 ? "HTTP/2" : "HTTP/1.1", rp_status_name(t.error.status),
                 t.status, t.body, t.summary.hedges, t.error.text);
    assert_int_equal(t.heads, o->status != 0);
    assert_int_equal(t.interims, o->steps[0].what == INTERIM || o->request.expect_continue);
    if (t.took_ns < o->least_ms * MS_NS || t.took_ns > o->most_ms * MS_NS)
        fail_msg("case %u took %u us", (unsigned)index, (unsigned)(t.took_ns / 1000));
    assert_int_equal(pl.bodies, o->request.body != NULL ? pl.came : 0);
    if (o->error == RP_OK && t.summary.redirects == 0)
        assert_int_equal(t.summary.attempts, pl.came);
    counts_of(&pl, &counts);
    assert_int_equal(counts.requests, 1);
    assert_int_equal(counts.hedges, o->hedges);
    memset(pl.steps, 0, sizeof(pl.steps));
    call_good(&next, &pl.p); /* what is left of the two disturbs nobody */
    counts_of(&pl, &counts);
    assert_int_equal(counts.requests, 2);
    play_end(&pl.p);
}

static void test_outcomes(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
            check_outcome(&outcomes[i], version, i);
    }
}

/* The loser is given up: HTTP/2's connection serves on. */
static void test_loser(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        plan pl = {.steps = {{SILENT, 0}, {GOOD, 0}}};
        told t = {.heads = 0};
        rp_sim_server_counts counts;
        plan_begin(&pl, version, NULL, false);
        start(&t, &pl, &(rp_request_options){.explain = true});
        await(&t);
        assert_int_equal(t.body, '2');
        assert_string_equal(t.address, "192.0.2.2:443");
        assert_non_null(
            strstr(t.why, ": waited for " PLAY_HOST " to answer, until it was sent a second time"));
        rp_sim_run_ms(pl.p.sim, 50);
        rp_sim_server_counts_get(pl.p.server, &counts);
        assert_int_equal(counts.requests, 1);
        assert_int_equal(counts.resets, version == RP_HTTP_2);
        assert_int_equal(counts.open, version == RP_HTTP_2);
        rp_sim_server_counts_get(pl.other, &counts);
        assert_int_equal(counts.requests, 1);
        assert_int_equal(counts.open, 1);
        play_end(&pl.p);
    }
}

/* With a policy of retries: the try behind two that failed, and its own second. */
static void test_with_retries(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        plan pl = {.steps = {{BUSY, 150}, {RESET, 200}, {SILENT, 0}, {GOOD, 0}}};
        told t = {.heads = 0};
        rp_client_options client = {.retry = {.attempts = 2}};
        rp_counts counts;
        plan_begin(&pl, version, &client, false);
        start(&t, &pl, NULL);
        await(&t);
        assert_int_equal(t.error.status, RP_OK);
        assert_int_equal(t.body, '4');
        assert_int_equal(t.heads, 1);
        assert_int_equal(t.summary.retries, 1);
        assert_int_equal(t.summary.attempts, 4);
        assert_int_equal(t.summary.hedges, 2);
        assert_true(t.summary.hedge_won);
        counts_of(&pl, &counts);
        assert_int_equal(counts.retries, 1);
        assert_int_equal(counts.hedges, 2);
        assert_int_equal(counts.hedges_won, 1);
        play_end(&pl.p);
    }
}

/* What the second may have done counts, though no server has processed the first. */
static void test_replay_safe(void **state)
{
    (void)state;
    static const struct {
        step first, second;
        bool cancels;
        unsigned hedges;
        bool safe;
    } cases[] = {
        {{REFUSED, 50}, {REFUSED, 0}, true, 0, true},
        {{REFUSED, 50}, {REFUSED, 0}, false, 0, true},
        {{REFUSED, 150}, {SILENT, 0}, true, 1, false},
        {{REFUSED, 150}, {SILENT, 0}, false, 1, false},
        {{REFUSED, 150}, {RESET, 0}, true, 1, false},
        {{REFUSED, 150}, {BUSY, 0}, false, 1, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        plan pl = {.steps = {cases[i].first, cases[i].second}};
        told t = {.heads = 0};
        unsigned ms = cases[i].first.after_ms + 50; /* it waits to be sent again */
        for (unsigned k = 2; k < STEPS; k++)
            pl.steps[k].what = REFUSED;
        plan_begin(&pl, RP_HTTP_2, NULL, false);
        start(&t, &pl, &(rp_request_options){.total_timeout_ms = cases[i].cancels ? 0 : ms});
        rp_sim_run_ms(pl.p.sim, ms);
        if (cases[i].cancels)
            rp_request_cancel(t.request);
        await(&t);
        assert_int_equal(t.error.status, cases[i].cancels ? RP_E_CANCELLED : RP_E_TOTAL_TIMEOUT);
        assert_int_equal(t.summary.hedges, cases[i].hedges);
        if (t.error.replay_safe != cases[i].safe)
            fail_msg("case %u: %d", (unsigned)i, t.error.replay_safe);
        play_end(&pl.p);
    }
}

/* Once in each try, also of one that the server refuses, and that goes out again behind its second.
 */
static void test_once(void **state)
{
    (void)state;
    plan pl = {.steps = {{REFUSED, 150}, {BUSY, 0}, {GOOD, 900}, {GOOD, 0}}};
    told t = {.heads = 0};
    plan_begin(&pl, RP_HTTP_2, NULL, false);
    start(&t, &pl, NULL);
    await(&t);
    assert_int_equal(t.status, 200);
    assert_int_equal(t.body, '3');
    assert_int_equal(t.summary.attempts, 3);
    assert_int_equal(t.summary.hedges, 1);
    play_end(&pl.p);
}

/* A client that replays nothing hedges nothing. */
static void test_never_replay(void **state)
{
    (void)state;
    plan pl = {.steps = {{GOOD, 300}}};
    told t = {.heads = 0};
    plan_begin(&pl, RP_HTTP_2, &(rp_client_options){.never_replay = true}, false);
    start(&t, &pl, &(rp_request_options){.idempotent = true});
    await(&t);
    assert_int_equal(t.body, '1');
    assert_int_equal(pl.came, 1);
    play_end(&pl.p);
}

/* Who waits for a place, or takes the last one, is not hedged; a second takes one. */
static void test_places(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (unsigned places = 1; places <= 3; places++) {
            plan pl = {.steps = {{GOOD, 900}, {GOOD, 900}, {GOOD, 0}}};
            told all[2] = {{.heads = 0}, {.heads = 0}};
            rp_client_options client = {.limits = {.requests_in_flight = places, .shed = true}};
            plan_begin(&pl, version, &client, false);
            for (unsigned i = 0; i < 2; i++)
                start(&all[i], &pl, NULL);
            rp_sim_run_ms(pl.p.sim, 500);
            assert_int_equal(pl.came, places);
            for (unsigned i = 0; i < 2; i++) {
                await(&all[i]);
                assert_int_equal(all[i].error.status, RP_OK);
            }
            assert_int_equal(all[0].summary.hedges + all[1].summary.hedges, places > 2);
            play_end(&pl.p);
        }
    }
}

/* Where there may be one connection there is no second. */
static void test_one_connection(void **state)
{
    (void)state;
    static const rp_client_options options[] = {
        {.connections_per_origin = 1}, {.connections_total = 1}, {.http2_one_connection = true}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        plan pl = {.steps = {{GOOD, 900}}};
        told t = {.heads = 0};
        plan_begin(&pl, RP_HTTP_2, &options[i], false);
        start(&t, &pl, NULL);
        await(&t);
        assert_int_equal(pl.came, 1);
        assert_int_equal(t.body, '1');
        play_end(&pl.p);
    }
}

/* A second that can't be sent anywhere: its connection is refused, or stalls. */
static void test_unreached(void **state)
{
    (void)state;
    for (unsigned stalls = 0; stalls < 2; stalls++) {
        plan pl = {.steps = {{GOOD, 900}, {GOOD, 0}}};
        told t = {.heads = 0};
        rp_counts counts;
        plan_begin(&pl, RP_HTTP_1_1, NULL, false);
        start(&t, &pl, NULL);
        rp_sim_run_ms(pl.p.sim, 50);
        rp_sim_fault_set(pl.p.sim, stalls ? RP_SIM_CONNECT_STALL : RP_SIM_CONNECT_REFUSED, 1000000);
        await(&t);
        assert_int_equal(t.error.status, RP_OK);
        assert_int_equal(t.body, '1');
        assert_int_equal(t.summary.hedges, 0);
        assert_int_equal(t.summary.attempts, 1);
        rp_sim_run_ms(pl.p.sim, 60000);
        counts_of(&pl, &counts);
        assert_int_equal(counts.hedges, 0);
        play_end(&pl.p);
    }
}

/* One that waits for its connection does not hold back what became of the first: told at once, or
 * tried again by the policy, which may be hedged again. */
static void test_unsent(void **state)
{
    (void)state;
    static const rp_retry_options twice = {.attempts = 2};
    static const struct {
        step first;
        rp_request_options request;
        rp_status error;
        int status;
        bool replay_safe;
    } cases[] = {
        {{BUSY, 170}, {.url = NULL}, RP_OK, 503, false},
        {{RESET, 170}, {.url = NULL}, RP_E_RESET, 0, false},
        {{SILENT, 0}, {.first_byte_timeout_ms = 170}, RP_E_FIRST_BYTE_TIMEOUT, 0, false},
        {{BUSY, 170}, {.retry = &twice}, RP_OK, 200, false},
        {{RESET, 170}, {.retry = &twice}, RP_OK, 200, false},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        plan pl = {.steps = {cases[i / 2].first, {GOOD, 150}, {GOOD, 0}}};
        bool again = cases[i / 2].request.retry != NULL;
        told t = {.heads = 0};
        rp_counts counts;
        call next;
        plan_begin(&pl, i % 2 == 0 ? RP_HTTP_1_1 : RP_HTTP_2, NULL, false);
        start(&t, &pl, &cases[i / 2].request);
        rp_sim_run_ms(pl.p.sim, 50);
        rp_sim_fault_set(pl.p.sim, RP_SIM_CONNECT_STALL, 1000000);
        rp_sim_run_ms(pl.p.sim, 155);
        assert_int_equal(t.dones, !again);
        rp_sim_fault_set(pl.p.sim, RP_SIM_CONNECT_STALL, 0);
        await(&t);
        if (t.error.status != cases[i / 2].error || t.status != cases[i / 2].status)
            fail_msg("case %u: %d, %s", (unsigned)i, t.status, t.error.text);
        assert_int_equal(t.heads, t.status != 0);
        assert_int_equal(t.summary.attempts, again ? 3 : 1);
        assert_int_equal(t.summary.hedges, again);
        assert_int_equal(t.error.replay_safe, cases[i / 2].replay_safe);
        memset(pl.steps, 0, sizeof(pl.steps));
        call_good(&next, &pl.p);
        counts_of(&pl, &counts);
        assert_int_equal(counts.hedges, again);
        play_end(&pl.p);
    }
}

/* Nor does one that was sent, and refused, and waits to be sent again. */
static void test_refused_second(void **state)
{
    (void)state;
    for (unsigned after_ms = 110; after_ms < 400; after_ms += 10) {
        plan pl = {.steps = {{BUSY, after_ms}}};
        told t = {.heads = 0};
        for (unsigned k = 1; k < STEPS; k++)
            pl.steps[k].what = REFUSED;
        plan_begin(&pl, RP_HTTP_2, NULL, false);
        start(&t, &pl, NULL);
        await(&t);
        assert_int_equal(t.status, 503);
        assert_int_equal(t.body, '1');
        assert_int_equal(t.summary.hedges, 1);
        assert_in_range(t.took_ns / MS_NS, after_ms, after_ms + 10);
        play_end(&pl.p);
    }
}

/* ---- ended from outside, at each step ---- */

typedef void ending(told *t);

static void cancel(told *t)
{
    rp_request_cancel(t->request);
}

static void cancel_all(told *t)
{
    rp_client_cancel_all(t->plan->p.client);
}

static void destroy(told *t)
{
    rp_client_destroy(t->plan->p.client);
    t->plan->p.client = NULL;
}

static void drained(rp_status status, void *user)
{
    told *t = user;
    CHECK(status == RP_OK && t->request == NULL);
    t->bytes = 1000;
}

static void drain(told *t)
{
    CHECK(rp_client_drain(t->plan->p.client, drained, t) == RP_OK);
}

static void end_after(ending *end, rp_http_versions version, unsigned ms)
{
    plan pl = {.steps = {{GOOD, 250}, {STALLED, 40}}};
    told t = {.heads = 0};
    call next;
    plan_begin(&pl, version, NULL, false);
    start(&t, &pl, &(rp_request_options){.idle_timeout_ms = 60});
    rp_sim_run_ms(pl.p.sim, ms);
    if (t.request != NULL)
        end(&t);
    await(&t);
    assert_int_equal(t.dones, 1);
    if (end == drain) {
        rp_sim_run_ms(pl.p.sim, 10);
        assert_int_equal(t.bytes, 1000);
    } else if (end != destroy) {
        memset(pl.steps, 0, sizeof(pl.steps));
        call_good(&next, &pl.p);
    }
    play_end(&pl.p);
}

static void test_ended(void **state)
{
    (void)state;
    static ending *const endings[] = {cancel, cancel_all, destroy, drain};
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
            for (unsigned ms = 90; ms < 200; ms++)
                end_after(endings[i], version, ms);
        }
    }
}

static void test_ended_in_callbacks(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (moment now = IN_HEAD; now <= IN_DONE; now++) {
            for (unsigned i = 0; i < 4; i++) {
                plan pl = {.steps = {{GOOD, i % 2 == 0 ? 900 : 150}, {GOOD, i % 2 == 0 ? 0 : 900}}};
                told t = {.cancels = i < 2 ? now : NEVER, .destroys = i < 2 ? NEVER : now};
                call next;
                plan_begin(&pl, version, NULL, false);
                start(&t, &pl, NULL);
                await(&t);
                assert_int_equal(t.dones, 1);
                assert_int_equal(t.heads, 1);
                assert_int_equal(t.error.status, now == IN_DONE ? RP_OK : RP_E_CANCELLED);
                assert_int_equal(t.bytes, now == IN_HEAD ? 0 : 1);
                if (i < 2)
                    call_good(&next, &pl.p);
                play_end(&pl.p);
            }
        }
    }
}

/* Each allocation fails once: the request ends, once, mostly without the second. */
static void test_no_memory(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        uint64_t struck = 1;
        for (uint64_t at = 1; struck > 0; at++) {
            plan pl = {.steps = {{GOOD, 300}, {GOOD, 20}}};
            told t = {.heads = 0};
            call next;
            plan_begin(&pl, version, NULL, true);
            rp_sim_fault_at(pl.p.sim, RP_SIM_NO_MEMORY, at);
            start(&t, &pl, NULL);
            await(&t);
            CHECK(t.dones == 1);
            CHECK(t.error.status == RP_E_NO_MEMORY || t.status == 200);
            struck = rp_sim_fault_count(pl.p.sim, RP_SIM_NO_MEMORY);
            rp_sim_fault_at(pl.p.sim, RP_SIM_NO_MEMORY, 0);
            memset(pl.steps, 0, sizeof(pl.steps));
            call_good(&next, &pl.p);
            play_end(&pl.p);
        }
    }
}

/* ---- one slow server of ten ---- */

enum { TEN = 10, FAST_US = 10000, SLOW_US = 100000 };

typedef struct crowd {
    play p;
    load_server servers[TEN];
} crowd;

static void crowd_begin(crowd *c, const rp_client_options *client, uint64_t seed)
{
    rp_sim_options sim = {.seed = seed};
    rp_sim_server_options server = {.on_request = load_serve, .user = &c->servers[0]};
    rp_sim_server *ignored;
    rp_error error;
    char address[16], all[TEN * 16] = "";
    for (unsigned i = 0; i < TEN; i++)
        c->servers[i] = (load_server){
            .workers = LOAD_WORKERS, .service_us = i == 0 ? SLOW_US : FAST_US, .random = true};
    play_begin(&c->p,
               &(play_options){.sim = &sim, .server = &server, .client = client, .version = 0});
    server.plain = true;
    for (unsigned i = 0; i < TEN; i++) {
        c->servers[i].sim = c->p.sim;
        (void)snprintf(address, sizeof(address), "192.0.2.%u", i + 1);
        (void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i > 0 ? "," : "",
                       address);
        server.address = address;
        server.user = &c->servers[i];
        if (i > 0 && rp_sim_server_start(c->p.sim, &ignored, &server, &error) != RP_OK)
            fail_msg("%s", error.text);
    }
    if (rp_sim_name_add(c->p.sim, PLAY_HOST, all, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static unsigned requests_of(const crowd *c)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < TEN; i++)
        sum += c->servers[i].requests;
    return sum;
}

/* The time within which 99 of 100 requests are answered, and how many the servers got. */
static uint64_t slowest_us(const rp_hedge_options *hedge, uint64_t seed, unsigned *sent,
                           unsigned *came)
{
    crowd c;
    rp_client_options client = {.versions = RP_HTTP_1_1, .hedge = *hedge};
    crowd_begin(&c, &client, seed);
    load l = {.play = &c.p, .per_second = 200, .seconds = 20};
    load_run(&l);
    uint64_t us = load_percentile_us(&l, 99);
    assert_int_equal(l.failed + l.refused, 0);
    *sent = l.sent;
    *came = requests_of(&c);
    load_end(&l);
    play_end(&c.p);
    return us;
}

static void test_one_slow_of_ten(void **state)
{
    (void)state;
    static const rp_hedge_options hedge = {.percentile = 95};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        unsigned sent, came;
        uint64_t without_us = slowest_us(&off, seed, &sent, &came);
        assert_int_equal(came, sent);
        uint64_t with_us = slowest_us(&hedge, seed, &sent, &came);
        print_message("seed %u: %u ms without, %u ms with %u more than %u requests\n",
                      (unsigned)seed, (unsigned)(without_us / 1000), (unsigned)(with_us / 1000),
                      came - sent, sent);
        assert_true(came - sent <= sent / 20 + 1);
        assert_true(with_us <= without_us / 2);
    }
}

/* All of them are late; and a second is sent for so many of them as the budget has it. */
static void test_budget(void **state)
{
    (void)state;
    static const uint32_t percents[] = {0, 20, UINT32_MAX};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        rp_hedge_options hedge = {.delay_ms = 1, .budget_percent = percents[i]};
        rp_client_options client = {.versions = RP_HTTP_1_1, .hedge = hedge};
        uint32_t percent = percents[i] == 0 ? 5 : percents[i];
        crowd c;
        crowd_begin(&c, &client, 1);
        load l = {.play = &c.p, .per_second = 200, .seconds = 5};
        load_run(&l);
        assert_int_equal(l.hedges, requests_of(&c) - l.sent);
        if (percent <= 100) {
            assert_true(l.hedges <= l.sent * percent / 100 + 1);
            assert_true(l.hedges + 2 >= l.sent * percent / 100);
        } else {
            assert_true(l.hedges > l.sent / 2);
        }
        load_end(&l);
        play_end(&c.p);
    }
}

/* The answers of several are late at once, as behind a lost segment: a second that waits for its
 * connection keeps those of the others from nothing. */
static void test_several(void **state)
{
    (void)state;
    plan pl = {.steps = {{GOOD, 0}, {SILENT, 0}, {SILENT, 0}, {SILENT, 0}}};
    told all[3] = {{.heads = 0}};
    call warm;
    plan_begin(&pl, RP_HTTP_2, NULL, false);
    call_good(&warm, &pl.p);
    for (unsigned i = 0; i < 3; i++)
        start(&all[i], &pl, &(rp_request_options){.first_byte_timeout_ms = 2000});
    for (unsigned i = 0; i < 3; i++) {
        await(&all[i]);
        assert_int_equal(all[i].status, 200);
    }
    assert_int_equal(pl.came, 7);
    play_end(&pl.p);
}

/* Nor does it stand in the queue for requests: who finds a place at once is not refused for it. */
static void test_queue_limit(void **state)
{
    (void)state;
    plan pl = {.steps = {{GOOD, 0}, {GOOD, 900}}};
    told a = {.heads = 0}, b = {.heads = 0};
    call warm;
    rp_client_options client = {.limits = {.queue_limit = 1}};
    plan_begin(&pl, RP_HTTP_2, &client, false);
    call_good(&warm, &pl.p);
    rp_sim_fault_set(pl.p.sim, RP_SIM_CONNECT_STALL, 1000000);
    start(&a, &pl, NULL);
    rp_sim_run_ms(pl.p.sim, 200);
    start(&b, &pl, NULL);
    await(&a);
    await(&b);
    assert_int_equal(a.status, 200);
    assert_int_equal(b.status, 200);
    play_end(&pl.p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_loser),
        cmocka_unit_test(test_with_retries),
        cmocka_unit_test(test_replay_safe),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_never_replay),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_one_connection),
        cmocka_unit_test(test_unreached),
        cmocka_unit_test(test_unsent),
        cmocka_unit_test(test_refused_second),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_ended_in_callbacks),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_one_slow_of_ten),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_queue_limit),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
