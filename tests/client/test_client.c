/* test_client.c - requests that succeed: every way in which a body is delimited, uploads, credit,
 * keep-alive, the pool's limits. */
#include "support/tls_pair.h"
#include "support/web.h"

#include <ringport/insight.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one request ---- */

/* What RFC 9112 has a user agent forgive: folds, tabs, the same length twice. */
static void forgiven(web *w)
{
    for (int i = 0; i < 2; i++) {
        fetch f = {.header_name = "X"};
        fetch_good(&f, w,
                   "/raw?HTTP/1.1%20200%20OK%0d%0aX:%20a%0d%0a%09b%0d%0a%20%0d%0aContent-Length:"
                   "%095,%205%09%0d%0aContent-Length:%205%0d%0a%0d%0ahello",
                   NULL, 200);
        assert_string_equal(f.header, "a  \tb");
        assert_int_equal(f.header_count, 3);
        assert_int_equal(f.announced, 5);
        assert_string_equal(f.text, "hello");
        assert_int_equal(f.summary.reused, i > 0);
    }
}

static void test_forgiven(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, forgiven);
}

static const char *const lenient_paths[] = {
    "/raw?HTTP/1.1%20200%20OK%0aX:%20a%0aContent-Length:%205%0a%0ahello",
    "/raw?HTTP/1.1%20200%20OK%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a"
    "5%20%0d%0ahello%0d%0a0%0d%0a%0d%0a",
    "/raw?HTTP/1.1%20200%20OK%0d%0aTransfer-Encoding:%20chunked%0a%0a"
    "2%0ahe%0a3%09;a=b%0d%0allo%0a0%0aA:%20b%0a%20c%0a%0a",
};

static void lenient(web *w)
{
    for (size_t i = 0; i < sizeof(lenient_paths) / sizeof(lenient_paths[0]); i++) {
        fetch f = {.header_name = "X"};
        fetch_good(&f, w, lenient_paths[i], NULL, 200);
        assert_string_equal(f.text, "hello");
        assert_int_equal(f.summary.reused, i > 0);
    }
}

static void not_lenient(web *w)
{
    for (size_t i = 0; i < sizeof(lenient_paths) / sizeof(lenient_paths[0]); i++) {
        fetch f = {0};
        fetch_bad(&f, w, lenient_paths[i], NULL, RP_E_BAD_RESPONSE,
                  i == 1 ? RP_PHASE_BODY : RP_PHASE_HEAD);
        assert_false(f.summary.reused);
    }
}

/* Line ends of LF alone and blanks behind a chunk's size are for those who ask. */
static void test_lenient_lines(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.lenient_lines = true}, lenient);
    web_each_version(NULL, NULL, not_lenient);
}

static void hello(web *w)
{
    fetch f = {.header_name = "Content-Type"};
    fetch_good(&f, w, "/hello", NULL, 200);
    assert_string_equal(f.text, "hello, world\n");
    assert_string_equal(f.header, "text/plain");
    assert_int_equal(f.announced, 13);
    assert_int_equal(f.version, 11);
    assert_int_equal(f.tls, w->client_tls != NULL);
    const rp_response_summary *summary = &f.summary;
    assert_int_equal(summary->attempts, 1);
    assert_false(summary->reused || summary->resumed);
    assert_in_range(summary->bytes_sent, 30, 300);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "127.0.0.1:%u", server_port(w->server));
    assert_string_equal(f.address, expected);
    const rp_timings *t = &summary->timings;
    assert_true(t->queued_us > 0 && t->resolved_us >= t->queued_us);
    assert_true(t->connected_us >= t->resolved_us && t->sent_us >= t->connected_us);
    assert_true(t->first_byte_us >= t->sent_us && t->total_us >= t->first_byte_us);
    assert_int_equal(t->handshaken_us > 0, w->client_tls != NULL);
}

static void test_hello(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, hello);
}

static void bodies(web *w)
{
    static const struct {
        const char *path;
        uint64_t size;
    } cases[] = {{"/bytes/0", 0},
                 {"/bytes/1", 1},
                 {"/bytes/1000000", 1000000},
                 {"/chunked/0", 0},
                 {"/chunked/1", 1},
                 {"/chunked/1000000", 1000000},
                 {"/until-close/0", 0},
                 {"/until-close/1", 1},
                 {"/http10/5000", 5000},
                 {"/until-close/1000000", 1000000},
                 {"/drip/20/1", 20}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {.checked = true};
        fetch_good(&f, w, cases[i].path, NULL, 200);
        assert_int_equal(f.body_bytes, cases[i].size);
    }
}

static void test_bodies(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, bodies);
}

static void methods(web *w)
{
    static const char *const paths[] = {"/hello", "/bytes/100000", "/chunked/10", "/until-close/5"};
    for (size_t i = 0; i < 4; i++) {
        fetch f = {0};
        fetch_good(&f, w, paths[i], &(rp_request_options){.method = "HEAD"}, 200);
        assert_int_equal(f.body_bytes, 0);
    }
    static const int statuses[] = {200, 204, 304, 404, 500};
    for (size_t i = 0; i < 5; i++) {
        char path[32];
        fetch f = {0};
        (void)snprintf(path, sizeof(path), "/status/%d", statuses[i]);
        fetch_good(&f, w, path, NULL, statuses[i]);
        assert_int_equal(f.body_bytes > 0, statuses[i] != 204 && statuses[i] != 304);
    }
    /* All of these but the one without a length left the connection as it was. */
    assert_int_equal(web_counts(w)->connections, 2);
}

static void test_without_body(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, methods);
}

static void informational(web *w)
{
    fetch f = {0};
    fetch_good(&f, w, "/1xx/16", NULL, 200);
    assert_int_equal(f.informational, 16);
    assert_string_equal(f.text, "hello, world\n");
    fetch again = {0};
    fetch_good(&again, w, "/1xx/1", NULL, 200);
    assert_true(again.summary.reused);
    fetch many = {0};
    fetch_bad(&many, w, "/1xx/17", NULL, RP_E_BAD_RESPONSE, RP_PHASE_HEAD);
}

static void test_informational(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, informational);
}

/* ---- bodies that go up ---- */

static void upload(web *w)
{
    enum { LARGE = 8 * 1024 * 1024 };
    static const size_t sizes[] = {0, 1, 400, 16000, 16384, 100000, LARGE};
    uint8_t *data = probe_pattern(LARGE);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fetch f = {.checked = true}, counted = {0};
        rp_request_options options = {.body = data, .body_size = sizes[i]};
        fetch_good(&f, w, "/echo", &options, 200);
        assert_int_equal(f.body_bytes, sizes[i]);
        assert_in_range(f.summary.bytes_sent, sizes[i] + 30, sizes[i] + 300);
        options.method = "PUT";
        fetch_good(&counted, w, "/sink", &options, 200);
        assert_int_equal(strtoull(counted.text, NULL, 10), sizes[i]);
    }
    assert_int_equal(web_counts(w)->connections, 1);
    free(data);
}

static void test_upload(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, upload);
}

/* The server answers before it has read the body, and does not read it. */
static void early_answer(web *w)
{
    enum { LARGE = 32 * 1024 * 1024 };
    uint8_t *data = probe_pattern(LARGE);
    fetch f = {0};
    rp_request_options options = {.body = data, .body_size = LARGE};
    fetch_good(&f, w, "/early", &options, 413);
    assert_string_equal(f.text, "too much\n");
    fetch next = {0};
    fetch_good(&next, w, "/hello", NULL, 200);
    assert_false(next.summary.reused);
    free(data);
}

static void test_early_answer(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, early_answer);
}

/* ---- credit ---- */

enum { CREDIT = 50000, SIZE = 2000000 };

static void slow_reader(web *w)
{
    static const char *const paths[] = {"/bytes/2000000", "/chunked/2000000",
                                        "/until-close/2000000"};
    for (size_t i = 0; i < 3; i++) {
        fetch f = {.checked = true};
        uint64_t allowed = CREDIT;
        rp_request_options options = {.receive_credit_bytes = CREDIT, .idle_timeout_ms = 1000};
        assert_true(fetch_start(&f, w, paths[i], &options));
        while (f.dones == 0) {
            (void)rp_loop_turn(w->loop, 1000);
            assert_true(f.body_bytes <= allowed);
            if (f.dones == 0 && f.body_bytes == allowed) {
                fetch_consume(&f, CREDIT);
                allowed += CREDIT;
            }
        }
        assert_int_equal(f.error.status, RP_OK);
        assert_int_equal(f.body_bytes, SIZE);
        /* Its credit is not the next request's. */
        fetch next = {.checked = true};
        fetch_good(&next, w, "/bytes/2000000", NULL, 200);
        assert_int_equal(next.summary.reused, i < 2);
    }
}

static void test_slow_reader(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, slow_reader);
}

/* No more is given back than was had; and without a limit there is nothing to give back. */
static void gives_back_too_much(web *w)
{
    fetch f = {.checked = true};
    rp_request_options options = {.receive_credit_bytes = CREDIT};
    assert_true(fetch_start(&f, w, "/bytes/2000000", &options));
    for (uint64_t allowed = CREDIT; allowed <= 3 * CREDIT; allowed += CREDIT) {
        UNTIL(w->loop, f.body_bytes == allowed);
        probe_settle(w->loop, 20);
        assert_int_equal(f.body_bytes, allowed);
        fetch_consume(&f, SIZE_MAX);
    }
    fetch_cancel(&f);
    fetch_wait(&f);
    fetch free_one = {.checked = true};
    assert_true(fetch_start(&free_one, w, "/bytes/2000000", NULL));
    fetch_consume(&free_one, SIZE_MAX);
    fetch_wait(&free_one);
    assert_int_equal(free_one.body_bytes, SIZE);
}

static void test_gives_back_too_much(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, gives_back_too_much);
}

/* ---- connections ---- */

static void keep_alive(web *w)
{
    for (int i = 0; i < 50; i++) {
        fetch f = {0};
        fetch_good(&f, w, i % 2 == 0 ? "/hello" : "/chunked/100", NULL, 200);
        assert_int_equal(f.summary.reused, i > 0);
    }
    assert_int_equal(web_counts(w)->connections, 1);
    const rp_loop_stats *stats = rp_loop_stats_get(w->loop);
    assert_int_equal(stats->connections_reused, 49);
}

static void test_keep_alive(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, keep_alive);
}

static void connection_close(web *w)
{
    for (int i = 0; i < 3; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/close", NULL, 200);
        assert_false(f.summary.reused);
    }
    for (int i = 0; i < 6; i++) { /* close_after: each third answer says so */
        fetch f = {0};
        fetch_good(&f, w, "/hello", NULL, 200);
        assert_int_equal(f.summary.reused, i % 3 != 0);
    }
    assert_int_equal(web_counts(w)->connections, 5);
}

static void test_connection_close(void **state)
{
    (void)state;
    web_each_version(&(server_options){.close_after = 3}, NULL, connection_close);
}

/* The client says that it will close: it does, though the server would not have. */
static void asks_to_close(web *w)
{
    static const rp_header headers[] = {{"Accept", "*/*"}, {"connection", "Close"}};
    static const rp_header keeps[] = {{"Connection", "keep-alive"}};
    for (int i = 0; i < 3; i++) {
        rp_request_options options = {.headers = headers, .header_count = 2};
        fetch f = {0};
        fetch_good(&f, w, "/hello", &options, 200);
        assert_false(f.summary.reused);
    }
    for (int i = 0; i < 3; i++) {
        rp_request_options options = {.headers = keeps, .header_count = 1};
        fetch f = {0};
        fetch_good(&f, w, "/hello", &options, 200);
        assert_int_equal(f.summary.reused, i > 0);
    }
    assert_int_equal(web_counts(w)->connections, 4);
}

static void test_asks_to_close(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, asks_to_close);
}

static void fetch_many(web *w, fetch *all, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        all[i] = (fetch){0};
        assert_true(fetch_start(&all[i], w, path, NULL));
    }
    for (size_t i = 0; i < count; i++) {
        fetch_wait(&all[i]);
        if (all[i].error.status != RP_OK)
            fail_msg("%zu: %s", i, all[i].error.text);
    }
}

static void limited_pool(web *w)
{
    enum { COUNT = 40 };
    fetch all[COUNT];
    fetch_many(w, all, COUNT, "/delay/2");
    assert_int_equal(web_counts(w)->connections, 4);
    /* First come, first served. (On a new connection it counts when its opening began.) */
    for (int i = 1; i < COUNT; i++) {
        if (all[i].summary.reused && all[i - 1].summary.reused)
            assert_true(all[i].summary.timings.queued_us + 20000 >=
                        all[i - 1].summary.timings.queued_us);
    }
    assert_true(all[COUNT - 1].summary.timings.queued_us > 8 * 2000);
}

static void test_connections_per_origin(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.connections_per_origin = 4}, limited_pool);
}

/* Two origins (the same server by two names) share what there is in all. */
static void limited_total(web *w)
{
    enum { COUNT = 12 };
    fetch all[COUNT];
    char url[64];
    (void)snprintf(url, sizeof(url), "http%s://localhost:%u/delay/2", w->client_tls ? "s" : "",
                   server_port(w->server));
    for (int i = 0; i < COUNT; i++) {
        all[i] = (fetch){0};
        rp_request_options options = {.url = i % 2 == 0 ? url : NULL};
        assert_true(fetch_start(&all[i], w, "/delay/2", &options));
        assert_in_range(w->client->conn_count, 0, 3);
    }
    for (int i = 0; i < COUNT; i++) {
        while (all[i].dones == 0) {
            (void)rp_loop_turn(w->loop, 1000);
            assert_in_range(w->client->conn_count, 0, 3);
        }
        if (all[i].error.status != RP_OK)
            fail_msg("%d: %s", i, all[i].error.text);
    }
}

static void test_connections_total(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.connections_total = 3}, limited_total);
}

/* The one connection there may be is idle when its request is done: it makes room at once. */
static void limited_to_one(web *w)
{
    fetch here = {0}, there = {0};
    char url[64];
    (void)snprintf(url, sizeof(url), "http%s://localhost:%u/delay/2", w->client_tls ? "s" : "",
                   server_port(w->server));
    rp_request_options elsewhere = {.url = url};
    assert_true(fetch_start(&here, w, "/delay/2", NULL));
    assert_true(fetch_start(&there, w, "/delay/2", &elsewhere));
    fetch_wait(&here);
    fetch_wait(&there);
    assert_int_equal(here.error.status, RP_OK);
    assert_int_equal(there.error.status, RP_OK);
    assert_int_equal(web_counts(w)->connections, 2);
}

static void test_one_connection_for_two_origins(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.connections_total = 1}, limited_to_one);
}

static void limited_idle(web *w)
{
    fetch all[8];
    fetch_many(w, all, 8, "/delay/2");
    assert_int_equal(web_counts(w)->connections, 8);
    UNTIL(w->loop, web_counts(w)->open == 2);
    probe_settle(w->loop, 20);
    assert_int_equal(web_counts(w)->open, 2);
    assert_int_equal(w->client->conn_count, 2);
}

static void test_idle_per_origin(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.idle_per_origin = 2}, limited_idle);
}

static void idle_ends(web *w)
{
    fetch f = {0};
    uint64_t begun = fixture_now_ms();
    fetch_good(&f, w, "/hello", NULL, 200);
    assert_int_equal(web_counts(w)->open, 1);
    /* An idle connection keeps rp_loop_run from nothing, and so does its timer. */
    assert_false(rp_loop_pending(w->loop));
    UNTIL(w->loop, web_counts(w)->open == 0);
    assert_true(fixture_now_ms() - begun >= 290);
}

static void test_connection_idle(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.connection_idle_ms = 300}, idle_ends);
}

static void limited_requests(web *w)
{
    for (int i = 0; i < 9; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/hello", NULL, 200);
        assert_int_equal(f.summary.reused, i % 3 != 0);
    }
}

static void test_requests_per_connection(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.requests_per_connection = 3}, limited_requests);
}

static void never_reused(web *w)
{
    fetch all[6];
    for (int i = 0; i < 3; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/hello", NULL, 200);
        assert_false(f.summary.reused);
        /* TLS sessions are another matter. */
        assert_int_equal(f.summary.resumed, i > 0 && w->client_tls != NULL);
    }
    fetch_many(w, all, 6, "/hello");
    assert_int_equal(web_counts(w)->connections, 9);
}

static void test_never_reuse(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.never_reuse = true}, never_reused);
}

/* ---- many origins ---- */

enum { ORIGINS = 200 };

/* A resolver that knows "H0.test" to "H199.test", all of them the tests' server. */
static rp_resolver *many_names(void)
{
    static char text[ORIGINS][48];
    static const char *overrides[ORIGINS];
    rp_resolver *resolver = NULL;
    for (int i = 0; i < ORIGINS; i++) {
        (void)snprintf(text[i], sizeof(text[i]), "h%d.test:*:127.0.0.1", i);
        overrides[i] = text[i];
    }
    rp_resolver_options options = {.overrides = overrides, .override_count = ORIGINS};
    assert_int_equal(rp_resolver_create(&resolver, &options, NULL), RP_OK);
    return resolver;
}

static void ask_every_origin(web *w, fetch *all, const char *prefix)
{
    for (int i = 0; i < ORIGINS; i++) {
        char url[64];
        (void)snprintf(url, sizeof(url), "http://%s%d.test:%u/hello", prefix, i,
                       server_port(w->server));
        rp_request_options options = {.url = url};
        all[i] = (fetch){.header_name = NULL};
        assert_true(fetch_start(&all[i], w, NULL, &options));
    }
    for (int i = 0; i < ORIGINS; i++) {
        fetch_wait(&all[i]);
        assert_string_equal(all[i].text, "hello, world\n");
    }
}

/* Each has connections of its own, found again however many there are, and however its name is
 * written. */
static void test_many_origins(void **state)
{
    (void)state;
    web w;
    rp_resolver *resolver = many_names();
    rp_client_options options = {.resolver = resolver, .connection_idle_ms = RP_NEVER_MS};
    web_begin(&w, 0, NULL, &options);
    rp_resolver_release(resolver); /* the client has its own hold */
    fetch *all = calloc(ORIGINS, sizeof(*all));
    assert_non_null(all);
    for (int round = 0; round < 3; round++) {
        ask_every_origin(&w, all, round == 1 ? "H" : "h");
        for (int i = 0; i < ORIGINS; i++)
            assert_int_equal(all[i].summary.reused, round > 0);
        assert_int_equal(web_counts(&w)->connections, ORIGINS);
    }
    free(all);
    web_end(&w);
}

static bool answer_user_agent(exchange *x, void *user)
{
    const char *agent = rp__sim_request_header(exchange_request(x), "User-Agent");
    (void)user;
    agent = agent == NULL ? "none" : agent;
    exchange_answer(x, 200, "", agent, strlen(agent));
    return true;
}

static void test_user_agent(void **state)
{
    static const struct {
        const char *given, *sent;
    } cases[] = {{NULL, "ringport/" RP_VERSION}, {"tester/1.0", "tester/1.0"}, {"", "none"}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        web w;
        web_begin(&w, 0, &(server_options){.handler = answer_user_agent},
                  &(rp_client_options){.user_agent = cases[i].given});
        fetch f = {0};
        fetch_good(&f, &w, "/", NULL, 200);
        assert_string_equal(f.text, cases[i].sent);
        web_end(&w);
    }
}

/* Without a configuration: the system's trust store, in which the tests' authority is not. */
static void test_default_trust(void **state)
{
    (void)state;
    web w;
    web_begin(&w, 13, NULL, NULL);
    rp_client_destroy(w.client);
    assert_int_equal(rp_client_create(&w.client, w.loop, NULL, NULL), RP_OK);
    for (int i = 0; i < 2; i++) {
        fetch f = {0};
        if (fetch_start(&f, &w, "/hello", NULL)) {
            fetch_wait(&f);
            assert_int_equal(f.error.status, RP_E_CERT_UNTRUSTED);
        } else { /* a machine without one */
            assert_int_equal(f.error.status, RP_E_TLS_CONFIG);
        }
    }
    web_end(&w);
}

/* ---- a whole response in memory ---- */

typedef struct collection {
    rp_collected collected; /* first */
    unsigned dones;
    int status;
    size_t size;
    char text[32];
    rp_error error;
} collection;

static void collected(rp_collected *c, const rp_response_summary *summary, void *user)
{
    collection *into = user;
    into->dones++;
    into->status = c->status;
    into->size = c->body_size;
    assert_int_equal(c->body[c->body_size], '\0');
    (void)snprintf(into->text, sizeof(into->text), "%.20s", (const char *)c->body);
    if (summary->error != NULL)
        into->error = *summary->error;
}

static void collect_one(web *w, collection *into, const char *path, size_t limit)
{
    *into = (collection){.collected = {.limit_bytes = limit, .on_done = collected, .user = into}};
    rp_request_options options = {.url = server_url(w->server, path)};
    assert_non_null(rp_client_send(w->client, &options, &rp_collect_events, into, NULL));
    UNTIL(w->loop, into->dones == 1);
}

static void collect(web *w)
{
    collection c;
    collect_one(w, &c, "/hello", 0);
    assert_string_equal(c.text, "hello, world\n");
    assert_int_equal(c.status, 200);
    collect_one(w, &c, "/bytes/0", 0);
    assert_int_equal(c.size, 0);
    collect_one(w, &c, "/chunked/100000", 100000);
    assert_int_equal(c.size, 100000);
    assert_int_equal(c.error.status, RP_OK);
    collect_one(w, &c, "/chunked/100001", 100000);
    assert_int_equal(c.error.status, RP_E_BODY_TOO_LARGE);
    assert_string_equal(c.error.text,
                        "the body of 127.0.0.1 is longer than the limit of 100000 bytes");
    rp_origin_statistics totals; /* and that is how it counts */
    rp_client_totals(w->client, &totals);
    assert_int_equal(totals.counts.failed, 1);
    assert_int_equal(totals.counts.failures[0].status, RP_E_BODY_TOO_LARGE);
    assert_int_equal(c.error.bytes_sent > 0, true);
    rp_collected untold = {.on_done = NULL};
    rp_request_options options = {.url = server_url(w->server, "/hello")};
    assert_non_null(rp_client_send(w->client, &options, &rp_collect_events, &untold, NULL));
    UNTIL(w->loop, untold.status == 200);
}

static void test_collect(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, collect);
}

/* ---- what the server showed ---- */

static void note_count(fetch *f)
{
    *(size_t *)f->user = f->summary.peer_certificate_count;
    for (size_t i = 0; i < f->summary.peer_certificate_count; i++)
        assert_int_equal(f->summary.peer_certificates[i].der[0], 0x30);
}

static void keep_certificates(web *w, const char *trusted)
{
    rp_tls_config *tls =
        tls_client(&(rp_tls_options){.ca_file = tls_cert(trusted), .keep_peer_certificates = true});
    rp_client_set_tls(w->client, tls);
    rp_tls_config_release(tls);
}

static size_t certificates_of(web *w, fetch *f)
{
    size_t count = 99;
    f->on_done = note_count;
    f->user = &count;
    assert_true(fetch_start(f, w, "/hello", NULL));
    fetch_wait(f);
    return count;
}

/* Each request of a connection has what was sent when it was opened, those who did not ask have
 * nothing, and a server that is refused has shown something. */
static void shown(web *w)
{
    fetch unasked = {0}, first = {0}, second = {0}, refused = {0};
    size_t want = w->client_tls != NULL ? 2 : 0;
    assert_int_equal(certificates_of(w, &unasked), 0);
    keep_certificates(w, "ca.pem");
    assert_int_equal(certificates_of(w, &first), want);
    assert_int_equal(certificates_of(w, &second), want);
    assert_true(second.summary.reused);
    keep_certificates(w, "other-ca.pem");
    assert_int_equal(certificates_of(w, &refused), want);
    assert_int_equal(refused.error.status, want > 0 ? RP_E_CERT_UNTRUSTED : RP_OK);
}

/* With a session that is resumed none come. */
static void shown_once(web *w)
{
    fetch first = {0}, second = {0};
    keep_certificates(w, "ca.pem");
    assert_int_equal(certificates_of(w, &first), w->client_tls != NULL ? 2 : 0);
    assert_int_equal(certificates_of(w, &second), 0);
    assert_int_equal(second.summary.resumed, w->client_tls != NULL);
}

static void test_certificates(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, shown);
    web_each_version(NULL, &(rp_client_options){.never_reuse = true}, shown_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test_real(test_hello),
        fixture_test(test_forgiven),
        fixture_test(test_lenient_lines),
        fixture_test(test_bodies),
        fixture_test(test_without_body),
        fixture_test(test_informational),
        fixture_test(test_upload),
        fixture_test(test_early_answer),
        fixture_test(test_slow_reader),
        fixture_test(test_gives_back_too_much),
        fixture_test(test_keep_alive),
        fixture_test(test_connection_close),
        fixture_test(test_asks_to_close),
        fixture_test(test_connections_per_origin),
        fixture_test(test_connections_total),
        fixture_test(test_one_connection_for_two_origins),
        fixture_test(test_idle_per_origin),
        fixture_test(test_connection_idle),
        fixture_test(test_requests_per_connection),
        fixture_test(test_never_reuse),
        fixture_test_real(test_many_origins),
        fixture_test(test_user_agent),
        fixture_test_real(test_default_trust),
        fixture_test(test_collect),
        fixture_test(test_certificates),
    };
    return fixture_run_simulated(tests, 1);
}
