/* test_server.c - the scripted server's answers: every step, requests of every kind, what becomes
 * of malformed ones, its endings. What it does around TLS is in test_server_tls.c. */
#include "support/check.h"
#include "support/scene.h"
#include "support/tls_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int all[] = {0, 12, 13};
static const int encrypted[] = {12, 13};

static void each(const int *versions, size_t count, const rp_sim_server_options *serving,
                 void (*test)(scene *s))
{
    for (size_t i = 0; i < count; i++) {
        scene s;
        scene_begin(&s, versions[i], serving, NULL);
        test(&s);
        scene_end(&s);
    }
}

#define EACH(versions, serving, test)                                                              \
    each(versions, sizeof(versions) / sizeof((versions)[0]), serving, test)

/* ---- answers ---- */

static void keeps_serving(scene *s)
{
    for (unsigned i = 0; i < 20; i++) {
        fetch f = {0};
        scene_good(s, &f, "/", NULL, 200);
        assert_string_equal(f.text, "ok\n");
        assert_int_equal(f.announced, 3);
        assert_int_equal(f.summary.reused, i > 0);
    }
    rp_sim_server_counts counts = scene_counts(s);
    assert_int_equal(counts.connections, 1);
    assert_int_equal(counts.open, 1);
    assert_int_equal(counts.requests, 20);
    assert_int_equal(counts.handshakes, s->version == 0 ? 0 : 1);
    assert_int_equal(counts.malformed, 0);
}

static void test_default_answer(void **state)
{
    (void)state;
    EACH(all, NULL, keeps_serving);
}

static void tell_request(rp_sim_exchange *x, void *user)
{
    char text[256];
    const char *color = rp_sim_header(x, "x-COLOR");
    CHECK(rp_sim_header(x, "X-Colo") == NULL);
    CHECK(rp_sim_exchange_server(x) == ((scene *)user)->server);
    int size = snprintf(text, sizeof(text), "%s %s %s %u", rp_sim_method(x), rp_sim_target(x),
                        color != NULL ? color : "none", rp_sim_served(x));
    rp_sim_respond(x, 201, "X-Answer: yes\r\nX-More: no\r\n", text, (size_t)size);
}

static void request_is_told(scene *s)
{
    static const rp_header header = {"X-Color", "blue"};
    rp_request_options options = {.headers = &header, .header_count = 1};
    fetch f = {.header_name = "X-Answer"};
    scene_good(s, &f, "/a?b", &options, 201);
    assert_string_equal(f.text, "GET /a?b blue 0");
    assert_string_equal(f.header, "yes");
    f = (fetch){0};
    options = (rp_request_options){.method = "DELETE"};
    scene_good(s, &f, "/c", &options, 201);
    assert_string_equal(f.text, "DELETE /c none 1");
    f = (fetch){0};
    options = (rp_request_options){.method = "HEAD"};
    scene_good(s, &f, "/c", &options, 201);
    assert_int_equal(f.announced, strlen("HEAD /c none 2"));
    assert_int_equal(f.body_bytes, 0);
    assert_true(f.summary.reused);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_request_is_told(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = tell_request};
    EACH(all, &serving, request_is_told);
}

static void answer_bodiless(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_respond(x, atoi(rp_sim_target(x) + 1), NULL, "unseen", 6);
}

static void statuses_without_body(scene *s)
{
    fetch f = {0};
    scene_good(s, &f, "/204", NULL, 204);
    f = (fetch){0};
    scene_good(s, &f, "/304", NULL, 304);
    f = (fetch){0};
    scene_good(s, &f, "/404", NULL, 404);
    assert_string_equal(f.text, "unseen");
    assert_true(f.summary.reused);
}

static void test_statuses_without_body(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = answer_bodiless};
    EACH(all, &serving, statuses_without_body);
}

/* ---- steps ---- */

#define RECORD ((size_t)16384)

static const size_t record_sizes[] = {1, 100, 16384, 5, 16383, 1, 1, 4000};

static void write_records(rp_sim_exchange *x, void *user)
{
    (void)user;
    uint8_t *bytes = probe_pattern(RECORD);
    for (size_t i = 0; i < sizeof(record_sizes) / sizeof(record_sizes[0]); i++) {
        rp_sim_write(x, bytes, record_sizes[i]);
        rp_sim_wait(x, 10); /* those that come together may be delivered together */
    }
    rp_sim_end(x, RP_SIM_CLOSE);
    free(bytes);
}

static void note_size(probe *p, const uint8_t *data, size_t size)
{
    size_t *next = p->user;
    (void)data;
    CHECK(*next < sizeof(record_sizes) / sizeof(record_sizes[0]));
    CHECK(size == record_sizes[(*next)++]);
}

static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/* Every write is a TLS record of its own, and comes as such. */
static void record_boundaries(scene *s)
{
    size_t next = 0;
    probe p = {.on_data = note_size, .user = &next};
    scene_connect(s, &p);
    scene_ask(s, &p, get, SIZE_MAX);
    assert_int_equal(next, sizeof(record_sizes) / sizeof(record_sizes[0]));
    assert_int_equal(p.end_error.status, RP_OK);
    probe_finish(&p);
}

static void test_record_boundaries(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = write_records};
    EACH(encrypted, &serving, record_boundaries);
}

static void write_much(rp_sim_exchange *x, void *user)
{
    (void)user;
    size_t size = 3000000;
    uint8_t *bytes = probe_pattern(size);
    rp_sim_print(x, "HTTP/1.1 200 %s\r\nContent-Length: %zu\r\n\r\n", "Fine", 2 * size);
    rp_sim_write(x, bytes, size / 3);
    rp_sim_write(x, bytes + size / 3, size - size / 3);
    rp_sim_write(x, bytes, 0);
    rp_sim_write(x, bytes, size);
    rp_sim_end(x, RP_SIM_KEEP);
    free(bytes);
}

static void much(scene *s)
{
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
    assert_int_equal(f.body_bytes, 6000000);
    f = (fetch){0};
    scene_good(s, &f, "/", NULL, 200);
    assert_true(f.summary.reused);
}

static void test_much(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = write_much};
    EACH(all, &serving, much);
}

static void odd_chunks(rp_sim_exchange *x, void *user)
{
    static const char *const pieces[] = {"HTTP/1.1 200",
                                         " OK\r\nTransfer-Enc",
                                         "oding: chunked\r",
                                         "\n\r\n0",
                                         "5",
                                         ";ext=1\r\nhe",
                                         "llo\r",
                                         "\n6\r\n world\r\n0\r\nX-Trai",
                                         "ler: 1\r\n\r",
                                         "\n"};
    (void)user;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        rp_sim_write(x, pieces[i], strlen(pieces[i]));
        rp_sim_wait(x, i % 3);
    }
    rp_sim_end(x, RP_SIM_KEEP);
}

static void chunks_arrive(scene *s)
{
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {0};
        scene_good(s, &f, "/", NULL, 200);
        assert_string_equal(f.text, "hello world");
        assert_int_equal(f.summary.reused, i > 0);
    }
}

static void test_odd_chunks(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = odd_chunks};
    EACH(all, &serving, chunks_arrive);
}

static void inform(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_print(x, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    rp_sim_print(x, "HTTP/1.1 199 Odd\r\n\r\n");
    rp_sim_wait(x, 30);
    rp_sim_respond(x, 200, NULL, "late", 4);
}

static void informed(scene *s)
{
    uint64_t before = rp_loop_now_ms(s->web.loop);
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
    assert_int_equal(f.informational, 2);
    assert_string_equal(f.text, "late");
    assert_true(rp_loop_now_ms(s->web.loop) - before >= 30);
}

static void test_informational_and_wait(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = inform};
    EACH(all, &serving, informed);
}

/* A script may be written when the callbacks are over. */
typedef struct late {
    rp_timer timer;
    rp_sim_exchange *exchange;
} late;

static void answer_late(rp_timer *timer, void *user)
{
    (void)timer;
    late *l = user;
    rp_sim_respond(l->exchange, 200, NULL, "so late", 7);
    CHECK(rp_sim_exchange_user(l->exchange) == l);
    free(l);
}

static void postpone(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    late *l = calloc(1, sizeof(*l));
    CHECK(l != NULL && rp_sim_exchange_user(x) == NULL);
    l->exchange = x;
    rp_sim_exchange_user_set(x, l);
    rp_timer_start(s->web.loop, &l->timer, 5, answer_late, l);
}

static void answered_late(scene *s)
{
    fetch f = {0};
    scene_good(s, &f, "/", NULL, 200);
    assert_string_equal(f.text, "so late");
}

static void test_answered_late(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = postpone};
    EACH(all, &serving, answered_late);
}

/* ---- answers that are wrong ---- */

static void answer_data(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    const char *text = s->data;
    rp_sim_write(x, text, strlen(text));
    rp_sim_end(x, RP_SIM_KEEP);
}

static void wrong_answers(scene *s)
{
    static const struct {
        const char *text;
        rp_status status;
        rp_phase phase;
    } cases[] = {
        {"SSH-2.0-OpenSSH_9.2\r\n", RP_E_NOT_HTTP, RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n", RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\n: no name\r\n\r\n", RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"HTTP/1.1 20 OK\r\n\r\n", RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0"
         "\r\n\r\n",
         RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", RP_E_BAD_RESPONSE,
         RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", RP_E_BAD_RESPONSE,
         RP_PHASE_HEAD},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", RP_E_BAD_RESPONSE,
         RP_PHASE_BODY},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", RP_E_BAD_RESPONSE,
         RP_PHASE_BODY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s->data = cases[i].text;
        fetch f = {0};
        scene_bad(s, &f, "/", NULL, cases[i].status, cases[i].phase, NULL);
        assert_non_null(strstr(f.error.text, scene_peer(s)));
        assert_false(f.error.reused); /* such a connection is not used again */
    }
}

static void test_wrong_answers(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = answer_data};
    EACH(all, &serving, wrong_answers);
}

/* ---- requests with a body ---- */

static void check_body(rp_sim_exchange *x, void *user)
{
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    char text[64];
    (void)user;
    for (size_t i = 0; i < size; i++)
        CHECK(body[i] == probe_byte(i));
    int length = snprintf(text, sizeof(text), "%zu", size);
    rp_sim_respond(x, 200, NULL, text, (size_t)length);
}

static void uploads(scene *s)
{
    static const size_t sizes[] = {1, 0, 1000, 16384, 1000000};
    uint8_t *bytes = probe_pattern(1000000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        rp_request_options options = {.method = "PUT", .body = bytes, .body_size = sizes[i]};
        char text[64];
        fetch f = {0};
        scene_good(s, &f, "/", &options, 200);
        (void)snprintf(text, sizeof(text), "%zu", sizes[i]);
        assert_string_equal(f.text, text);
    }
    assert_int_equal(scene_counts(s).connections, 1);
    free(bytes);
}

static void test_uploads(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = check_body};
    EACH(all, &serving, uploads);
}

static void limits(scene *s)
{
    size_t limit = (size_t)16 << 20;
    uint8_t *bytes = probe_pattern(limit + 1);
    rp_request_options options = {.body = bytes, .body_size = limit};
    fetch f = {0};
    scene_good(s, &f, "/", &options, 200);
    assert_string_equal(f.text, "16777216");
    assert_int_equal(scene_counts(s).malformed, 0);
    options.body_size = limit + 1;
    f = (fetch){0};
    scene_good(s, &f, "/", &options, 400);
    assert_non_null(strstr(f.text, "16 MiB"));
    assert_int_equal(scene_counts(s).malformed, 1);
    free(bytes);
}

static void test_body_limit(void **state)
{
    (void)state;
    static const int some[] = {0, 13};
    rp_sim_server_options serving = {.on_request = check_body};
    EACH(some, &serving, limits);
}

typedef struct upload {
    uint64_t bytes;
} upload;

static void count_head(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload *u = calloc(1, sizeof(*u));
    CHECK(u != NULL && strcmp(rp_sim_method(x), "POST") == 0);
    rp_sim_exchange_user_set(x, u);
}

static void count_body(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    upload *u = rp_sim_exchange_user(x);
    for (size_t i = 0; i < size; i++)
        CHECK(data[i] == probe_byte(u->bytes + i));
    u->bytes += size;
    /* Both ways at once. */
    if (u->bytes == size)
        rp_sim_print(x, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    rp_sim_print(x, "%zx\r\n%*s\r\n", (size_t)10, 10, "a");
}

static void count_done(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload *u = rp_sim_exchange_user(x);
    size_t kept;
    (void)rp_sim_body(x, &kept);
    CHECK(u->bytes == ((size_t)17 << 20) && kept == 0);
    free(u);
    rp_sim_exchange_user_set(x, NULL);
    rp_sim_print(x, "0\r\n\r\n");
    rp_sim_end(x, RP_SIM_KEEP);
}

/* With on_body there is no limit, and nothing is kept. */
static void upload_and_download(scene *s)
{
    uint8_t *bytes = probe_pattern((size_t)17 << 20);
    rp_request_options options = {.body = bytes, .body_size = (size_t)17 << 20};
    for (unsigned i = 0; i < 2; i++) {
        fetch f = {0};
        scene_good(s, &f, "/", &options, 200);
        assert_true(f.body_bytes > 0 && f.body_bytes % 10 == 0);
        assert_int_equal(f.summary.reused, i);
    }
    free(bytes);
}

static void test_upload_and_download(void **state)
{
    (void)state;
    rp_sim_server_options serving = {
        .on_head = count_head, .on_body = count_body, .on_request = count_done};
    EACH(all, &serving, upload_and_download);
}

static void answer_early(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (strcmp(rp_sim_target(x), "/early") == 0)
        rp_sim_respond(x, 413, NULL, "too much", 8);
}

/* What is left of a body after its answer is read and forgotten; the connection serves on. */
static void early_answer(scene *s)
{
    static const char first[] = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc";
    static const char second[] = "defGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    probe p = {0};
    scene_connect(s, &p);
    scene_ask(s, &p, first, 1);
    UNTIL(s->web.loop, strstr(p.text, "too much") != NULL);
    assert_non_null(strstr(p.text, "HTTP/1.1 413 "));
    assert_null(strstr(p.text, "close"));
    scene_ask(s, &p, second, p.received + 1);
    UNTIL(s->web.loop, strstr(p.text, "ok\n") != NULL);
    assert_int_equal(scene_counts(s).requests, 2);
    assert_int_equal(scene_counts(s).malformed, 0);
    probe_finish(&p);
}

static void test_early_answer(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_head = answer_early};
    EACH(all, &serving, early_answer);
}

/* ---- requests that our client would not send ---- */

static void expect_continue(scene *s)
{
    static const char head[] = "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char text[256];
    probe p = {0};
    scene_connect(s, &p);
    (void)snprintf(text, sizeof(text), head, "/");
    scene_ask(s, &p, text, 25);
    assert_string_equal(p.text, "HTTP/1.1 100 Continue\r\n\r\n");
    scene_ask(s, &p, "3\r\nabc\r\n2;x\r\nde\r\n0\r\nTrailer: 1\r\n\r\n", 26);
    UNTIL(s->web.loop, strstr(p.text, "ok\n") != NULL);
    probe_finish(&p);
    /* Who answers in on_head does not want the body; whether it comes is not known. */
    p = (probe){0};
    scene_connect(s, &p);
    (void)snprintf(text, sizeof(text), head, "/early");
    scene_ask(s, &p, text, SIZE_MAX);
    assert_int_equal(p.end_error.status, RP_OK);
    assert_non_null(strstr(p.text, "HTTP/1.1 413 "));
    assert_non_null(strstr(p.text, "Connection: close\r\n"));
    probe_finish(&p);
}

static void test_expect_continue(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_head = answer_early};
    EACH(all, &serving, expect_continue);
}

static void pipelined(scene *s)
{
    probe p = {0};
    scene_connect(s, &p);
    assert_int_equal(probe_write_text(&p, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "GET /3 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
                                          "GET /4 HTTP/1.0\r\n\r\n"
                                          "GET /never HTTP/1.1\r\nHost: a\r\n\r\n"),
                     RP_OK);
    UNTIL(s->web.loop, p.ends == 1);
    assert_int_equal(p.end_error.status, RP_OK);
    assert_int_equal(scene_counts(s).requests, 4);
    assert_int_equal(scene_counts(s).connections, 1);
    probe_finish(&p);
}

static void test_pipelined(void **state)
{
    (void)state;
    EACH(all, NULL, pipelined);
}

static void versions_of_http(scene *s)
{
    probe p = {0};
    scene_connect(s, &p);
    scene_ask(s, &p, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 1);
    UNTIL(s->web.loop, strstr(p.text, "ok\n") != NULL);
    assert_non_null(strstr(p.text, "\r\nConnection: keep-alive\r\n"));
    memset(p.text, 0, sizeof(p.text));
    p.received = 0;
    scene_ask(s, &p, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", SIZE_MAX);
    assert_non_null(strstr(p.text, "\r\nConnection: close\r\n"));
    assert_int_equal(p.end_error.status, RP_OK);
    probe_finish(&p);
}

static void test_versions_of_http(void **state)
{
    (void)state;
    EACH(all, NULL, versions_of_http);
}

static void slow_then_ok(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, 10);
    rp_sim_respond(x, 200, NULL, "ok\n", 3);
}

/* A client that has ended its side is still answered, all its requests. */
static void half_closed(scene *s)
{
    probe p = {0};
    scene_connect(s, &p);
    assert_int_equal(probe_write_text(&p, get), RP_OK);
    assert_int_equal(probe_write_text(&p, get), RP_OK);
    assert_int_equal(probe_shutdown(&p), RP_OK);
    UNTIL(s->web.loop, p.ends == 1);
    assert_int_equal(p.end_error.status, RP_OK);
    assert_int_equal(scene_counts(s).requests, 2);
    UNTIL(s->web.loop, scene_counts(s).open == 0);
    probe_finish(&p);
    p = (probe){0};
    scene_connect(s, &p);
    assert_int_equal(probe_write_text(&p, "GET / HTT"), RP_OK);
    assert_int_equal(probe_shutdown(&p), RP_OK);
    UNTIL(s->web.loop, p.ends == 1);
    UNTIL(s->web.loop, scene_counts(s).open == 0);
    probe_finish(&p);
}

static void test_half_closed(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = slow_then_ok};
    EACH(all, &serving, half_closed);
}

/* ---- cuts ---- */

static probe *listening; /* the client's end */

static void nothing_came(rp_sim_exchange *x, void *user)
{
    (void)x;
    CHECK(listening->received == 0 && listening->ends == 0);
    ++*(unsigned *)user;
}

static unsigned looked;

static void held_answer(rp_sim_exchange *x, void *user)
{
    static const rp_sim_ending endings[] = {RP_SIM_KEEP, RP_SIM_CLOSE, RP_SIM_END_TRUNCATED};
    (void)user;
    rp_sim_hold(x);
    rp_sim_print(x, "HTTP/1.1 200 OK\r\n");
    rp_sim_print(x, "Content-Length: 4\r\n\r\n");
    rp_sim_wait(x, 30);
    rp_sim_print(x, "body");
    rp_sim_call(x, nothing_came, &looked);
    if (rp_sim_target(x)[1] == 'f')
        rp_sim_flush(x);
    rp_sim_end(x, endings[atoi(rp_sim_target(x) + 2)]);
}

static void cuts(scene *s)
{
    static const char *const targets[] = {"/f0", "/f1", "/f2", "/h0", "/h1", "/h2"};
    looked = 0;
    for (unsigned i = 0; i < 6; i++) {
        probe p = {0};
        char text[64];
        listening = &p;
        scene_connect(s, &p);
        (void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
        scene_ask(s, &p, text, strlen("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
        assert_int_equal(looked, i + 1);
        assert_non_null(strstr(p.text, "\r\n\r\nbody"));
        if (i % 3 > 0)
            UNTIL(s->web.loop, p.ends == 1);
        bool cut = i % 3 == 2 && s->version != 0;
        assert_int_equal(p.end_error.status, cut ? RP_E_TRUNCATED : RP_OK);
        probe_finish(&p);
    }
}

/* What is held leaves with the flush or the end, and the end comes behind it. */
static void test_cuts(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = held_answer};
    EACH(all, &serving, cuts);
}

/* Much is held, more comes behind it, and the connection may end before any of it left. */
static void held_to_the_end(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_hold(x);
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 1000004\r\n\r\n");
    for (int i = 0; i < 100; i++)
        rp_sim_print(x, "%010000d", i);
    if (rp_sim_target(x)[1] == 'w') {
        rp_sim_wait(x, 60000);
        return;
    }
    rp_sim_flush(x);
    rp_sim_print(x, "more");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void held(scene *s)
{
    static const struct {
        const char *target;
        size_t credit;
        uint64_t limit_ms; /* 0: it comes to its end */
    } cases[] = {{"/", 100, 50}, {"/", 0, 0}, {"/", 0, 0}, {"/w", 0, 50}};
    for (unsigned i = 0; i < 4; i++) {
        fetch f = {0};
        rp_request_options options = {.url = scene_url(s, cases[i].target),
                                      .total_timeout_ms = cases[i].limit_ms,
                                      .receive_credit_bytes = cases[i].credit};
        assert_true(fetch_start(&f, &s->web, NULL, &options));
        fetch_wait(&f);
        bool good = cases[i].limit_ms == 0;
        assert_int_equal(f.error.status, good ? RP_OK : RP_E_TOTAL_TIMEOUT);
        assert_true(!good || f.body_bytes == 1000004);
    }
}

static void test_held(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = held_to_the_end};
    EACH(all, &serving, held);
}

/* What was held and flushed while an earlier flush was on its way is before what follows. */
static void hold_and_flush(rp_sim_exchange *x, void *user)
{
    uint8_t *bytes = probe_pattern(300000);
    (void)user;
    rp_sim_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    for (size_t i = 0; i < 300; i++) {
        if (i % 3 < 2)
            rp_sim_hold(x);
        rp_sim_write(x, bytes + 1000 * i, 1000);
        rp_sim_flush(x);
    }
    rp_sim_end(x, RP_SIM_KEEP);
    free(bytes);
}

static void in_order(scene *s)
{
    fetch f = {.checked = true};
    scene_good(s, &f, "/", NULL, 200);
    assert_int_equal(f.body_bytes, 300000);
}

static void test_order(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = hold_and_flush};
    EACH(all, &serving, in_order);
}

static void malformed(scene *s)
{
    static const char *const requests[] = {
        "nonsense\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    };
    size_t count = sizeof(requests) / sizeof(requests[0]);
    for (size_t i = 0; i < count; i++) {
        probe p = {0};
        scene_connect(s, &p);
        scene_ask(s, &p, requests[i], SIZE_MAX);
        assert_int_equal(p.end_error.status, RP_OK);
        assert_int_equal(strncmp(p.text, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
        probe_finish(&p);
    }
    assert_int_equal(scene_counts(s).malformed, count);
    UNTIL(s->web.loop, scene_counts(s).open == 0);
}

static void test_malformed(void **state)
{
    (void)state;
    EACH(all, NULL, malformed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_default_answer),
        fixture_test(test_request_is_told),
        fixture_test(test_statuses_without_body),
        fixture_test(test_record_boundaries),
        fixture_test(test_much),
        fixture_test(test_odd_chunks),
        fixture_test(test_informational_and_wait),
        fixture_test(test_answered_late),
        fixture_test(test_wrong_answers),
        fixture_test(test_uploads),
        fixture_test(test_body_limit),
        fixture_test(test_upload_and_download),
        fixture_test(test_early_answer),
        fixture_test(test_expect_continue),
        fixture_test(test_pipelined),
        fixture_test(test_versions_of_http),
        fixture_test(test_half_closed),
        fixture_test(test_cuts),
        fixture_test(test_held),
        fixture_test(test_order),
        fixture_test(test_malformed),
    };
    return fixture_run_simulated(tests, 2);
}
