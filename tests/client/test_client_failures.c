/* test_client_failures.c - requests that fail, each with its status, its phase and what it says of
 * a replay: bad answers, ends too early, stale connections, deadlines, limits. */
#include "support/raw.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *peer_of(const web *w)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), "127.0.0.1 (127.0.0.1:%u)", server_port(w->server));
    return text;
}

/* ---- calls that start nothing ---- */

static void test_misuse(void **state)
{
    (void)state;
    web w;
    web_begin(&w, 0, NULL, NULL);
    static const rp_header injected = {"X", "a\r\nInjected: b"};
    static const struct {
        rp_request_options options;
        rp_status status;
    } cases[] = {
        {{.url = "127.0.0.1/"}, RP_E_BAD_URL},
        {{.url = "ftp://127.0.0.1/"}, RP_E_BAD_URL},
        {{.url = "http://us er:secret@127.0.0.1/"}, RP_E_BAD_URL},
        {{.url = "http://127.0.0.1/", .method = "GE T"}, RP_E_BAD_HEADER},
        {{.url = "http://127.0.0.1/", .body_size = 1}, RP_E_MISUSE},
        {{.url = "http://127.0.0.1/", .headers = &injected, .header_count = 1}, RP_E_BAD_HEADER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {0};
        assert_false(fetch_start(&f, &w, NULL, &cases[i].options));
        assert_string_equal(rp_status_name(f.error.status), rp_status_name(cases[i].status));
        assert_string_not_equal(f.error.text, "");
    }
    rp_request_options options = {.url = "http://127.0.0.1/"};
    rp_response_events nothing = {.on_done = NULL};
    assert_null(rp_client_send(w.client, &options, &nothing, NULL, NULL));
    assert_null(rp_client_send(w.client, &options, NULL, NULL, NULL));
    options.url = NULL;
    assert_null(rp_client_send(w.client, &options, &rp_collect_events, NULL, NULL));
    assert_false(rp_loop_pending(w.loop));
    web_end(&w);
}

/* A member that only a later version knows is refused if it is set, or it would silently do
 * nothing. */
static void test_options_of_a_later_version(void **state)
{
    (void)state;
    web w;
    rp_error error;
    struct {
        rp_client_options known;
        int future;
    } client_options = {.future = 1};
    struct {
        rp_request_options known;
        int future;
    } request_options = {.known = {.url = "http://127.0.0.1/"}, .future = 1};
    web_begin(&w, 0, NULL, NULL);
    rp_client *client = w.client;
    assert_int_equal(rp_client_create_sized(&client, w.loop, &client_options.known,
                                            sizeof(client_options), &error),
                     RP_E_BAD_OPTION);
    assert_null(client);
    assert_non_null(strstr(error.text, "does not know"));
    assert_null(rp_client_send_sized(w.client, &request_options.known, sizeof(request_options),
                                     &rp_collect_events, NULL, &error));
    assert_int_equal(error.status, RP_E_BAD_OPTION);
    assert_non_null(strstr(error.text, "does not know"));
    assert_false(rp_loop_pending(w.loop));
    web_end(&w);
}

static void test_options_out_of_range(void **state)
{
    static const struct {
        rp_client_options options;
        const char *text;
    } cases[] = {
        {{.families = (rp_families)3}, "families has a value that this version does not know"},
        {{.retry.jitter = (rp_jitter)2},
         "retry.jitter has a value that this version does not know"},
        {{.hedge.percentile = 100}, "hedge.percentile is 100, the most is 99"},
        {{.hedge.budget_percent = 101}, "hedge.budget_percent is 101, the most is 100"},
    };
    (void)state;
    rp_loop *loop = fixture_loop();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_client *client;
        rp_error error;
        assert_int_equal(rp_client_create(&client, loop, &cases[i].options, &error),
                         RP_E_BAD_OPTION);
        assert_string_equal(error.text, cases[i].text);
    }
    fixture_loop_end(loop);
}

/* ---- answers that can't be used ---- */

static void bad_answers(web *w)
{
    static const struct {
        const char *path;
        rp_status status;
        rp_phase phase;
    } cases[] = {
        {"/raw?SSH-2.0-OpenSSH_9.2%0d%0a", RP_E_NOT_HTTP, RP_PHASE_HEAD},
        {"/raw?HTTP/1.1%20200%20OK%0d%0aContent-Length:%201%0d%0aContent-Length:%202%0d%0a%0d%0a",
         RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"/raw?HTTP/1.1%20200%20OK%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0anonsense%0d%0a",
         RP_E_BAD_RESPONSE, RP_PHASE_BODY},
        {"/raw?HTTP/1.1%20101%20Switching%0d%0a%0d%0a", RP_E_BAD_RESPONSE, RP_PHASE_HEAD},
        {"/headers/70000", RP_E_HEAD_TOO_LARGE, RP_PHASE_HEAD},
        {"/header-count/300", RP_E_HEAD_TOO_LARGE, RP_PHASE_HEAD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fetch f = {0};
        fetch_bad(&f, w, cases[i].path, NULL, cases[i].status, cases[i].phase);
        assert_false(f.error.replay_safe);
        assert_int_equal(f.summary.attempts, 1);
        assert_non_null(strstr(f.error.text, peer_of(w)));
        /* Such a connection is not used again. */
        fetch next = {0};
        fetch_good(&next, w, "/close", NULL, 200);
        assert_false(next.summary.reused);
    }
}

static void test_bad_answers(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, bad_answers);
}

/* ---- ends that come too early ---- */

static void early_ends(web *w)
{
    fetch f = {.checked = true};
    fetch_bad(&f, w, "/truncate/1000", NULL, RP_E_BODY_TRUNCATED, RP_PHASE_BODY);
    assert_int_equal(f.body_bytes, 1000);
    f = (fetch){.checked = true};
    fetch_bad(&f, w, "/cut/1000", NULL, RP_E_BODY_TRUNCATED, RP_PHASE_BODY);
    assert_int_equal(f.body_bytes, 1000);
    f = (fetch){0};
    fetch_bad(&f, w,
              "/raw-close?HTTP/1.1%20200%20OK%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a5"
              "%0d%0aab",
              NULL, RP_E_BODY_TRUNCATED, RP_PHASE_BODY);
    f = (fetch){0};
    fetch_bad(&f, w, "/raw-close?HTTP/1.1%20200%20O", NULL, RP_E_BODY_TRUNCATED, RP_PHASE_HEAD);
    f = (fetch){0};
    fetch_bad(&f, w, "/raw-close", NULL, RP_E_CLOSED_EARLY, RP_PHASE_HEAD);
    assert_false(f.error.replay_safe || f.error.reused);
    assert_in_range(f.error.bytes_sent, 30, 300);
    f = (fetch){0};
    fetch_bad(&f, w, "/reset", NULL, RP_E_RESET, RP_PHASE_HEAD);
    f = (fetch){0};
    fetch_bad(&f, w, "/reset-body/10", NULL, RP_E_RESET, RP_PHASE_BODY);
}

static void test_early_ends(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, early_ends);
}

/* A body that only the connection's end delimits, and that end comes without close_notify. */
static bool until_fin(exchange *x, void *user)
{
    (void)user;
    exchange_print(x, "HTTP/1.1 200 OK\r\n\r\nthis may be all");
    exchange_end(x, EXCHANGE_TRUNCATE);
    return true;
}

static void unauthenticated_end(web *w)
{
    fetch f = {0};
    if (w->client_tls == NULL)
        fetch_good(&f, w, "/", NULL, 200);
    else
        fetch_bad(&f, w, "/", NULL, RP_E_BODY_TRUNCATED, RP_PHASE_BODY);
    assert_string_equal(f.text, "this may be all");
}

static void test_unauthenticated_end(void **state)
{
    (void)state;
    web_each_version(&(server_options){.handler = until_fin}, NULL, unauthenticated_end);
}

/* ---- ends in the middle of an upload, without an answer ---- */

static exchange_then upload_ends;

static bool end_at_head(exchange *x, void *user)
{
    (void)user;
    exchange_end(x, upload_ends);
    return true;
}

static void uploads_ended(web *w)
{
    enum { LARGE = 4 * 1024 * 1024 };
    uint8_t *data = probe_pattern(LARGE);
    static const exchange_then ends[] = {EXCHANGE_CLOSE, EXCHANGE_TRUNCATE, EXCHANGE_RESET};
    for (int how = 0; how < 3; how++) {
        rp_request_options options = {.method = "PUT", .body = data, .body_size = LARGE};
        fetch f = {0};
        upload_ends = ends[how];
        assert_true(fetch_start(&f, w, "/", &options));
        fetch_wait(&f);
        assert_true(f.error.status == RP_E_CLOSED_EARLY || f.error.status == RP_E_TRUNCATED ||
                    f.error.status == RP_E_RESET);
        assert_in_range(f.error.phase, RP_PHASE_REQUEST, RP_PHASE_HEAD);
        assert_false(f.error.replay_safe);
        assert_in_range(f.error.bytes_sent, 30, LARGE);
        if (f.error.status != RP_E_RESET)
            assert_non_null(strstr(f.error.text, "closed the connection without an answer"));
    }
    free(data);
}

static void test_uploads_ended(void **state)
{
    (void)state;
    web_each_version(&(server_options){.handler = end_at_head, .handler_at_head = true}, NULL,
                     uploads_ended);
}

/* ---- connections that went stale ---- */

/* The server ends the connection as the next request arrives: a GET goes out once more, a POST that
 * was sent does not. */
static void stale(web *w)
{
    for (int i = 0; i < 4; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/hello", NULL, 200);
        assert_int_equal(f.summary.attempts, i == 0 ? 1 : 2);
        assert_false(f.summary.reused);
    }
    assert_int_equal(web_counts(w)->stale, 3);
    fetch post = {0};
    rp_request_options options = {.body = "x", .body_size = 1};
    fetch_bad(&post, w, "/echo", &options, RP_E_STALE_CONNECTION, RP_PHASE_HEAD);
    assert_true(post.error.reused);
    assert_false(post.error.replay_safe);
    assert_int_equal(post.summary.attempts, 1);
    assert_in_range(post.error.bytes_sent, 30, 300);
    /* The same on a fresh connection. */
    fetch again = {0};
    fetch_good(&again, w, "/echo", &options, 200);
    assert_string_equal(again.text, "x");
    options.method = "PUT"; /* idempotent */
    fetch put = {0};
    fetch_good(&put, w, "/echo", &options, 200);
    assert_int_equal(put.summary.attempts, 2);
}

static void test_stale(void **state)
{
    (void)state;
    web_each_version(&(server_options){.stale_after = 1}, NULL, stale);
    web_each_version(&(server_options){.stale_after = 1, .stale_reset = true}, NULL, stale);
}

/* Many at once on many stale connections: each replay is on a fresh one. */
enum { MANY = 8 };

/* Answers to as many requests as came together, once the last of them is here: so that none of
 * their connections serves another of them. */
static void together_produce(exchange *x, exchange_state *state)
{
    const uint64_t *arrived = (const uint64_t *)(uintptr_t)state->left;
    if (*arrived < state->offset) {
        exchange_wait(x, 2);
        return;
    }
    exchange_answer(x, 200, "", "all", 3);
}

static bool together(exchange *x, void *user)
{
    uint64_t *arrived = user;
    if (strcmp(exchange_request(x)->target, "/together") != 0)
        return false;
    exchange_state *state = exchange_produce(x, together_produce);
    state->left = (uint64_t)(uintptr_t)arrived;
    state->offset = (*arrived)++ / MANY * MANY + MANY;
    return true;
}

static void many_stale(web *w)
{
    for (int round = 0; round < 3; round++) {
        fetch all[MANY];
        for (int i = 0; i < MANY; i++) {
            all[i] = (fetch){0};
            assert_true(fetch_start(&all[i], w, "/together", NULL));
        }
        for (int i = 0; i < MANY; i++) {
            fetch_wait(&all[i]);
            assert_string_equal(all[i].error.text, "");
            assert_int_equal(all[i].summary.attempts, round == 0 ? 1 : 2);
        }
    }
    assert_int_equal(web_counts(w)->stale, 2 * MANY);
    /* One, and more stale connections than that. */
    assert_true(w->client->conn_count > 1);
    fetch one = {0};
    fetch_good(&one, w, "/hello", NULL, 200);
    assert_int_equal(one.summary.attempts, 2);
    assert_false(one.summary.reused);
}

static void test_many_stale(void **state)
{
    uint64_t arrived = 0;
    (void)state;
    web_each_version(&(server_options){.stale_after = 1, .handler = together, .user = &arrived},
                     NULL, many_stale);
}

static void never_replayed(web *w)
{
    fetch first = {0}, second = {0};
    fetch_good(&first, w, "/hello", NULL, 200);
    fetch_bad(&second, w, "/hello", NULL, RP_E_STALE_CONNECTION, RP_PHASE_HEAD);
    assert_int_equal(second.summary.attempts, 1);
    assert_non_null(strstr(second.error.text, "closed the reused connection before it answered"));
}

static void test_never_replay(void **state)
{
    (void)state;
    web_each_version(&(server_options){.stale_after = 1},
                     &(rp_client_options){.never_replay = true}, never_replayed);
}

/* What the method says is the caller's to overrule. */
static void replay_by_request(web *w)
{
    fetch first = {0}, get = {0}, second = {0}, post = {0};
    rp_request_options not_this = {.never_replay = true};
    rp_request_options keyed = {.body = "x", .body_size = 1, .idempotent = true};
    fetch_good(&first, w, "/hello", NULL, 200);
    fetch_bad(&get, w, "/hello", &not_this, RP_E_STALE_CONNECTION, RP_PHASE_HEAD);
    assert_int_equal(get.summary.attempts, 1);
    fetch_good(&second, w, "/hello", NULL, 200);
    fetch_good(&post, w, "/echo", &keyed, 200);
    assert_int_equal(post.summary.attempts, 2);
    assert_int_equal(post.summary.body_bytes_sent, 1);
    keyed.never_replay = true;
    post = (fetch){0};
    fetch_bad(&post, w, "/echo", &keyed, RP_E_STALE_CONNECTION, RP_PHASE_HEAD);
}

static void test_replay_by_request(void **state)
{
    (void)state;
    web_each_version(&(server_options){.stale_after = 1}, NULL, replay_by_request);
}

/* The server closes an idle connection: the client finds out at once and does not try it. */
static void closed_while_idle(web *w)
{
    for (int i = 0; i < 3; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/hello", NULL, 200);
        assert_int_equal(f.summary.attempts, 1);
        assert_int_equal(w->client->conn_count, 1);
        server_drop(w->server, i == 1);
        UNTIL(w->loop, w->client->conn_count == 0);
    }
    assert_int_equal(web_counts(w)->connections, 3);
    /* The last answer used up its credit: an idle connection listens nevertheless. */
    fetch f = {0};
    fetch_good(&f, w, "/hello", &(rp_request_options){.receive_credit_bytes = 13}, 200);
    assert_int_equal(w->client->conn_count, 1);
    server_drop(w->server, false);
    UNTIL(w->loop, w->client->conn_count == 0);
}

static void test_closed_while_idle(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, closed_while_idle);
}

/* An answer that nobody asked for must never be the next request's. */
static void unsolicited(web *w)
{
    for (int i = 0; i < 3; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/unsolicited", NULL, 200);
        assert_string_equal(f.text, "hello, world\n");
        assert_false(f.summary.reused);
    }
    fetch next = {0};
    fetch_good(&next, w, "/status/404", NULL, 404);
    assert_string_equal(next.text, "status 404\n");
}

/* It comes in a segment of its own, while the connection is idle. */
static void late_produce(exchange *x, exchange_state *state)
{
    if (state->left++ == 0) {
        exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nme");
        exchange_wait(x, 5);
        return;
    }
    exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    exchange_end(x, EXCHANGE_KEEP);
}

static bool late_unsolicited(exchange *x, void *user)
{
    (void)user;
    (void)exchange_produce(x, late_produce);
    return true;
}

static void late(web *w)
{
    for (int i = 0; i < 3; i++) {
        fetch f = {0};
        fetch_good(&f, w, "/", NULL, 200);
        assert_string_equal(f.text, "me");
        UNTIL(w->loop, w->client->conn_count == 0);
    }
}

static void test_unsolicited(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, unsolicited);
    web_each_version(&(server_options){.handler = late_unsolicited}, NULL, late);
}

/* ---- deadlines ---- */

static void fetch_late(web *w, const char *path, const rp_request_options *options,
                       rp_status status, rp_phase phase, const char *what, const char *why)
{
    uint64_t begun = fixture_now_ms();
    fetch f = {0};
    char text[RP_ERROR_TEXT_SIZE];
    fetch_bad(&f, w, path, options, status, phase);
    (void)snprintf(text, sizeof(text), "%s: %s within 200 ms%s", peer_of(w), what, why);
    assert_string_equal(f.error.text, text);
    assert_in_range(fixture_now_ms() - begun, 199, 10000);
}

static void deadlines(web *w)
{
    rp_request_options total = {.total_timeout_ms = 200};
    rp_request_options first = {.first_byte_timeout_ms = 200};
    rp_request_options idle = {.idle_timeout_ms = 200};
    fetch warm = {0};
    fetch_good(&warm, w, "/hello", NULL, 200);
    fetch_late(w, "/stall", &total, RP_E_TOTAL_TIMEOUT, RP_PHASE_HEAD, "the request was not done",
               ": it waited for an answer to begin");
    fetch_late(w, "/stall-body/100", &total, RP_E_TOTAL_TIMEOUT, RP_PHASE_BODY,
               "the request was not done", ": it waited for the rest of the answer");
    fetch_late(w, "/drip/1000/5", &total, RP_E_TOTAL_TIMEOUT, RP_PHASE_BODY,
               "the request was not done", ": it waited for the rest of the answer");
    fetch_late(w, "/stall", &first, RP_E_FIRST_BYTE_TIMEOUT, RP_PHASE_HEAD, "no answer began", "");
    fetch_late(w, "/stall-body/100", &idle, RP_E_IDLE_TIMEOUT, RP_PHASE_BODY,
               "nothing more of the answer came", "");
    /* Slow, but it moves; and an answer that began has no first byte to wait for. */
    fetch f = {0}, g = {0};
    idle = (rp_request_options){.first_byte_timeout_ms = 200, .idle_timeout_ms = 200};
    fetch_good(&f, w, "/drip/30/10", &idle, 200);
    assert_int_equal(f.body_bytes, 30);
    f = (fetch){0};
    fetch_good(&f, w, "/drip/30/10", &(rp_request_options){.first_byte_timeout_ms = 200}, 200);
    assert_int_equal(f.body_bytes, 30);
    /* The deadlines of one request are not the next one's. */
    fetch_good(&g, w, "/delay/250", NULL, 200);
    assert_true(g.summary.reused);
}

/* An answer that begins before the request is out has begun: nothing waits for its first byte any
 * more when the request is. */
static void answer_in_two(exchange *x, exchange_state *state)
{
    if (state->offset == 0) {
        state->offset = 1;
        exchange_wait(x, 300);
        return;
    }
    exchange_write(x, "67890", 5);
    exchange_end(x, EXCHANGE_KEEP);
}

static bool answer_at_head(exchange *x, void *user)
{
    (void)user;
    exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    (void)exchange_produce(x, answer_in_two);
    return true;
}

static void begun_before_sent(web *w)
{
    enum { LARGE = 4 * 1024 * 1024 };
    uint8_t *data = probe_pattern(LARGE);
    fetch f = {0};
    rp_request_options options = {
        .body = data, .body_size = LARGE, .first_byte_timeout_ms = 50, .total_timeout_ms = 10000};
    fetch_good(&f, w, "/", &options, 200);
    assert_string_equal(f.text, "1234567890");
    assert_true(f.summary.timings.total_us > 250000);
    free(data);
}

static void test_begun_before_sent(void **state)
{
    (void)state;
    server_options serving = {.handler = answer_at_head, .handler_at_head = true};
    web_each_version(&serving, NULL, begun_before_sent);
}

static void test_deadlines(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, deadlines);
}

/* While the caller owes credit, the silence is its own. */
static void idle_of_ones_own(web *w)
{
    rp_request_options options = {.idle_timeout_ms = 100, .receive_credit_bytes = 1000};
    fetch f = {.checked = true};
    assert_true(fetch_start(&f, w, "/bytes/2000", &options));
    UNTIL(w->loop, f.body_bytes == 1000);
    probe_settle(w->loop, 200);
    assert_int_equal(f.dones, 0);
    fetch_consume(&f, 1000);
    fetch_wait(&f);
    assert_int_equal(f.error.status, RP_OK);
    assert_int_equal(f.body_bytes, 2000);
    /* With credit left, it is the server that does not move. */
    fetch_late(w, "/stall-body/100",
               &(rp_request_options){.idle_timeout_ms = 200, .receive_credit_bytes = 1000},
               RP_E_IDLE_TIMEOUT, RP_PHASE_BODY, "nothing more of the answer came", "");
}

static void test_idle_of_ones_own(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, idle_of_ones_own);
}

static void stalled_handshake(web *w)
{
    if (w->client_tls == NULL)
        return;
    server_shape(w->server, &(shape){.then = SHAPE_STALL, .after = 100});
    fetch f = {0};
    fetch_bad(&f, w, "/hello", NULL, RP_E_HANDSHAKE_TIMEOUT, RP_PHASE_HANDSHAKE);
    assert_true(f.error.replay_safe);
    assert_int_equal(f.summary.attempts, 0);
    assert_int_equal(f.error.bytes_sent, 0);
    fetch g = {0};
    rp_request_options options = {.total_timeout_ms = 10};
    assert_true(fetch_start(&g, w, "/hello", &options));
    fetch_wait(&g);
    assert_int_equal(g.error.status, RP_E_TOTAL_TIMEOUT);
    assert_true(g.error.replay_safe);
    UNTIL(w->loop, w->client->conn_count == 0); /* nobody waits for it any more */
    server_shape(w->server, &(shape){.dribble_ms = 0});
    fetch h = {0};
    fetch_good(&h, w, "/hello", NULL, 200);
}

/* A server that does not read: the request itself is what takes too long. */
static void test_unread_request(void **state)
{
    enum { LARGE = 64 * 1024 * 1024 };
    (void)state;
    web w;
    char url[64];
    web_begin(&w, 0, NULL, NULL);
    rp_address address = raw_loopback(4, 0);
    raw_socket deaf = raw_listen(&address, 1);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", address.port);
    uint8_t *data = probe_pattern(LARGE);
    fetch f = {0};
    rp_request_options options = {
        .url = url, .body = data, .body_size = LARGE, .total_timeout_ms = 300};
    fetch_bad(&f, &w, url, &options, RP_E_TOTAL_TIMEOUT, RP_PHASE_REQUEST);
    assert_false(f.error.replay_safe);
    assert_int_equal(f.summary.timings.sent_us, 0);
    web_end(&w);
    raw_close(deaf);
    free(data);
}

static void test_stalled_handshake(void **state)
{
    (void)state;
    web_each_version(NULL, &(rp_client_options){.handshake_timeout_ms = 300}, stalled_handshake);
}

/* ---- the queue ---- */

static void queue(web *w)
{
    fetch busy = {0}, waiting[3] = {{0}}, refused = {0};
    assert_true(fetch_start(&busy, w, "/stall", NULL));
    UNTIL(w->loop, web_counts(w)->requests == 1);
    uint64_t begun = fixture_now_ms();
    for (int i = 0; i < 3; i++)
        assert_true(fetch_start(&waiting[i], w, "/hello", NULL));
    assert_false(fetch_start(&refused, w, "/hello", NULL));
    assert_int_equal(refused.error.status, RP_E_QUEUE_FULL);
    for (int i = 0; i < 3; i++) {
        fetch_wait(&waiting[i]);
        assert_int_equal(waiting[i].error.status, RP_E_QUEUE_TIMEOUT);
        assert_int_equal(waiting[i].error.phase, RP_PHASE_QUEUE);
        assert_true(waiting[i].error.replay_safe);
        assert_int_equal(waiting[i].summary.attempts, 0);
    }
    assert_in_range(fixture_now_ms() - begun, 299, 10000);
    assert_int_equal(busy.dones, 0);
    /* The place is free when the one that holds it goes. */
    fetch next = {0};
    assert_true(fetch_start(&next, w, "/hello", NULL));
    fetch_cancel(&busy);
    fetch_wait(&next);
    assert_int_equal(next.error.status, RP_OK);
    assert_int_equal(busy.error.status, RP_E_CANCELLED);
}

static void test_queue(void **state)
{
    (void)state;
    rp_client_options options = {
        .connections_per_origin = 1, .queue_limit = 3, .queue_timeout_ms = 300};
    web_each_version(NULL, &options, queue);
}

/* ---- no connection ---- */

static void test_refused(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket bound = raw_bind(&address);
    web w;
    char url[64];
    web_begin(&w, 0, NULL, NULL);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", address.port);
    fetch all[5] = {{0}};
    rp_request_options options = {.url = url};
    for (int i = 0; i < 5; i++)
        assert_true(fetch_start(&all[i], &w, NULL, &options));
    for (int i = 0; i < 5; i++) {
        fetch_wait(&all[i]);
        assert_int_equal(all[i].error.status, RP_E_CONNECT_REFUSED);
        assert_int_equal(all[i].error.phase, RP_PHASE_CONNECT);
        assert_true(all[i].error.replay_safe);
        assert_int_equal(all[i].summary.attempts, 0);
    }
    web_end(&w);
    raw_close(bound);
}

static void not_trusted(web *w)
{
    char url[64];
    if (w->client_tls == NULL)
        return;
    (void)snprintf(url, sizeof(url), "https://127.0.0.2:%u/hello", server_port(w->server));
    fetch f = {0};
    fetch_bad(&f, w, NULL, &(rp_request_options){.url = url}, RP_E_CONNECT_REFUSED,
              RP_PHASE_CONNECT);
    /* A server that speaks no TLS. */
    server *plain = server_start_on(w->loop, &(server_options){.family = 4});
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", server_port(plain));
    fetch g = {0};
    fetch_bad(&g, w, NULL, &(rp_request_options){.url = url}, RP_E_TLS_PROTOCOL,
              RP_PHASE_HANDSHAKE);
    assert_true(g.error.replay_safe);
    assert_non_null(strstr(g.error.text, "does not speak TLS: its answer begins with \"HTTP/"));
    server_stop(plain);
}

static void test_not_tls(void **state)
{
    (void)state;
    web_each_version(NULL, NULL, not_trusted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_misuse),
        fixture_test(test_options_of_a_later_version),
        fixture_test(test_options_out_of_range),
        fixture_test(test_bad_answers),
        fixture_test_real(test_early_ends),
        fixture_test(test_unauthenticated_end),
        fixture_test(test_uploads_ended),
        fixture_test(test_stale),
        fixture_test(test_many_stale),
        fixture_test(test_never_replay),
        fixture_test(test_replay_by_request),
        fixture_test(test_closed_while_idle),
        fixture_test_real(test_unsolicited),
        fixture_test(test_begun_before_sent),
        fixture_test(test_deadlines),
        fixture_test(test_idle_of_ones_own),
        fixture_test_real(test_unread_request),
        fixture_test(test_stalled_handshake),
        fixture_test(test_queue),
        fixture_test(test_refused),
        fixture_test(test_not_tls),
    };
    return fixture_run_simulated(tests, 6);
}
