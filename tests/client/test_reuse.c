/* test_reuse.c - which connection may serve another request: not one on which a byte came that
 * nobody asked for, or the end, in whatever pieces it came; and no byte leaves of a request that
 * was cancelled before it left.
 *
 * Every request names itself in its target, and its answer repeats the name: so an answer that goes
 * to another request shows. The server counts what it got. */
#include "client/conn.h"
#include "support/tls_pair.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 12 };

/* What stands behind the answer, in pieces, each in records of its own. */
typedef struct tail {
    const char *method; /* of the request; NULL: GET and POST in turn */
    const char *head;   /* the answer's, with its body; NULL: a good one */
    const char *pieces[4];
    size_t raw; /* so many bytes of one more record, encrypted only: its rest never comes */
    exchange_then then;
} tail;

static const char forged[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
static const char no_content[] = "HTTP/1.1 204 No Content\r\n\r\n";
static const char head_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
static const char not_modified[] = "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n";

static const tail tails[] = {
    {.pieces = {forged}},
    {.pieces = {forged, forged}},
    {.pieces = {"HTTP/1.1 200 OK\r\nContent-Le", "ngth: 6\r\n\r\n", "forged"}},
    {.pieces = {"H"}},
    {.pieces = {"\r\n"}},
    {.pieces = {"\r", "\n"}},
    {.pieces = {"0\r\n\r\n"}},
    {.pieces = {"HTTP/1.1 100 Continue\r\n\r\n"}},
    {.method = "HEAD", .head = head_answer, .pieces = {"forged"}},
    {.method = "HEAD", .head = head_answer, .pieces = {"f", "o"}},
    {.head = no_content, .pieces = {"0\r\n\r\n"}},
    {.head = no_content, .pieces = {forged}},
    {.head = not_modified, .pieces = {"forged"}},
    {.raw = 1},
    {.raw = 5},
    {.raw = 7},
    {.pieces = {forged}, .raw = 3},
    {.then = EXCHANGE_CLOSE_BEHIND},
    {.pieces = {forged}, .then = EXCHANGE_CLOSE_BEHIND},
    {.method = "HEAD", .head = head_answer, .then = EXCHANGE_CLOSE_BEHIND},
};

typedef struct trial {
    const tail *tail;
    unsigned seen[COUNT];
    fetch all[COUNT];
    char paths[COUNT][16];
    web w;
} trial;

static bool answer(exchange *x, void *user)
{
    trial *t = user;
    const char *target = exchange_request(x)->target;
    unsigned id = (unsigned)atoi(target + 1);
    t->seen[id % COUNT]++;
    if (t->tail->head != NULL)
        exchange_print(x, "%s", t->tail->head);
    else
        exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(target),
                       target);
    for (unsigned i = 0; i < 4 && t->tail->pieces[i] != NULL; i++) {
        exchange_cut(x);
        exchange_print(x, "%s", t->tail->pieces[i]);
    }
    if (t->tail->raw > 0)
        exchange_raw_tail(x,
                          "\x17\x03\x03\x00\x20"
                          "12",
                          t->tail->raw);
    exchange_end(x, t->tail->then);
    return true;
}

static void trial_begin(trial *t, int version, const tail *behind, const rp_client_options *client)
{
    server_options serving = {.handler = answer, .user = t};
    memset(t, 0, sizeof(*t));
    t->tail = behind;
    web_begin(&t->w, version, &serving, client);
}

static void give_back(fetch *f, size_t size)
{
    if (f->request != NULL)
        fetch_consume(f, size);
}

static void ask(trial *t, unsigned i)
{
    rp_request_options options = {.method = t->tail->method};
    if (options.method == NULL && i % 2 == 1)
        options = (rp_request_options){.body = "pay", .body_size = 3};
    if (t->w.client_tls == NULL)
        options.receive_credit_bytes = 1 + i * 7; /* so that more is left behind the answer */
    t->all[i].on_body = give_back;
    (void)snprintf(t->paths[i], sizeof(t->paths[i]), "/%u", i);
    assert_true(fetch_start(&t->all[i], &t->w, t->paths[i], &options));
}

static void ask_next(fetch *f)
{
    trial *t = f->user;
    unsigned i = (unsigned)(f - t->all) + 1;
    if (i == COUNT)
        return;
    t->all[i].user = t;
    t->all[i].on_done = ask_next;
    ask(t, i);
}

/* Each was answered, by its own answer, from the one connection that it was sent on; and the server
 * got each once. */
static void assert_all_good(const trial *t)
{
    for (unsigned i = 0; i < COUNT; i++) {
        const fetch *f = &t->all[i];
        if (f->error.status != RP_OK)
            fail_msg("request %u: %s", i, f->error.text);
        assert_int_equal(f->dones, 1);
        assert_int_equal(f->summary.attempts, 1);
        assert_int_equal(t->seen[i], 1);
        if (t->tail->head == NULL && t->tail->method == NULL)
            assert_string_equal(f->text, t->paths[i]);
        else
            assert_string_equal(f->text, "");
    }
}

static void chained(trial *t)
{
    t->all[0] = (fetch){.user = t, .on_done = ask_next};
    ask(t, 0);
    UNTIL(t->w.loop, t->all[COUNT - 1].dones == 1);
}

/* From outside of the turn in which the one before was done. */
static void one_by_one(trial *t)
{
    for (unsigned i = 0; i < COUNT; i++) {
        ask(t, i);
        UNTIL(t->w.loop, t->all[i].dones == 1);
    }
}

/* More at once than there may be connections: the queue is served by whichever is free. */
static void all_at_once(trial *t)
{
    for (unsigned i = 0; i < COUNT; i++) {
        ask(t, i);
    }
    for (unsigned i = 0; i < COUNT; i++)
        UNTIL(t->w.loop, t->all[i].dones == 1);
}

static void each_tail(void (*run)(trial *t))
{
    static const int versions[] = {0, 12, 13};
    static const rp_client_options client = {.connections_per_origin = 2};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
            trial t;
            /* Without TLS a close is a FIN of its own, which may come when the next request is on
             * its way: that is test_client_failures.c's. */
            if (versions[v] == 0 && (tails[i].then != EXCHANGE_KEEP || tails[i].raw > 0))
                continue;
            trial_begin(&t, versions[v], &tails[i], &client);
            run(&t);
            assert_all_good(&t);
            web_end(&t.w);
        }
    }
}

static void test_chained(void **state)
{
    (void)state;
    each_tail(chained);
}

static void test_one_by_one(void **state)
{
    (void)state;
    each_tail(one_by_one);
}

static void test_all_at_once(void **state)
{
    (void)state;
    each_tail(all_at_once);
}

/* ---- what nobody has read yet ---- */

static void produce_late(exchange *x, exchange_state *state)
{
    if (state->offset == 0) {
        exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    } else if (state->offset == 1) {
        exchange_wait(x, 5);
    } else {
        exchange_print(x, "%s", forged);
        exchange_end(x, EXCHANGE_KEEP);
    }
    state->offset++;
}

static bool answer_late(exchange *x, void *user)
{
    trial *t = user;
    t->seen[(unsigned)atoi(exchange_request(x)->target + 1) % COUNT]++;
    (void)exchange_produce(x, produce_late);
    return true;
}

static void ask_late(trial *t, unsigned i);

static void ask_next_late(fetch *f)
{
    trial *t = f->user;
    unsigned i = (unsigned)(f - t->all) + 1;
    if (i < 4)
        ask_late(t, i);
}

static void ask_late(trial *t, unsigned i)
{
    static const rp_request_options options = {
        .body = "pay", .body_size = 3, .receive_credit_bytes = 4};
    (void)snprintf(t->paths[i], sizeof(t->paths[i]), "/%u", i);
    t->all[i] = (fetch){.user = t, .on_done = ask_next_late};
    assert_true(fetch_start(&t->all[i], &t->w, t->paths[i], &options));
}

/* The caller owes credit, so nothing is received, and what nobody asked for waits in the system's
 * buffers when the answer is complete and the next request is there. */
static void test_unread_for_want_of_credit(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        trial t;
        server_options serving = {.handler = answer_late, .user = &t};
        memset(&t, 0, sizeof(t));
        web_begin(&t.w, versions[v], &serving, NULL);
        ask_late(&t, 0);
        for (unsigned i = 0; i < 4; i++) {
            fetch *f = &t.all[i];
            UNTIL(t.w.loop, f->body_bytes == 4 || f->dones == 1);
            uint64_t until = rp_loop_now_ms(t.w.loop) + 20;
            while (rp_loop_now_ms(t.w.loop) < until)
                (void)rp_loop_turn(t.w.loop, 1);
            f->on_body = give_back;
            fetch_consume(f, 4);
            UNTIL(t.w.loop, f->dones == 1);
            assert_int_equal(f->error.status, RP_OK);
            assert_string_equal(f->text, "0123456789");
            assert_int_equal(f->summary.attempts, 1);
            assert_int_equal(t.seen[i], 1);
        }
        web_end(&t.w);
    }
}

/* ---- what never left ---- */

static const tail good = {.method = NULL};

/* What was cancelled before the turn's end leaves nothing, and its connection serves on. */
static void assert_unsent(const fetch *f)
{
    assert_int_equal(f->dones, 1);
    assert_int_equal(f->error.status, RP_E_CANCELLED);
    assert_int_equal(f->error.bytes_sent, 0);
    assert_int_equal(f->summary.bytes_sent, 0);
    assert_int_equal(f->summary.attempts, 0);
    assert_true(f->error.replay_safe);
}

static void cancel_next(fetch *f)
{
    trial *t = f->user;
    unsigned i = (unsigned)(f - t->all) + 1;
    if (i == COUNT)
        return;
    ask(t, i);
    fetch_cancel(&t->all[i]);
}

static void cancelled_before_it_left(trial *t)
{
    ask(t, 0);
    UNTIL(t->w.loop, t->all[0].dones == 1);
    for (unsigned i = 1; i < COUNT; i += 2) { /* POSTs */
        ask(t, i);
        fetch_cancel(&t->all[i]);
        if (i % 4 == 1)
            (void)rp_loop_turn(t->w.loop, 0);
        UNTIL(t->w.loop, t->all[i].dones == 1);
        assert_unsent(&t->all[i]);
        assert_int_equal(t->seen[i], 0);
    }
    t->all[4].user = t;
    t->all[4].on_done = cancel_next; /* and from a callback */
    ask(t, 4);
    memset(&t->all[5], 0, sizeof(t->all[5]));
    UNTIL(t->w.loop, t->all[4].dones == 1 && t->all[5].dones == 1);
    assert_int_equal(t->all[4].error.status, RP_OK);
    assert_unsent(&t->all[5]);
    ask(t, 6);
    UNTIL(t->w.loop, t->all[6].dones == 1);
    assert_true(t->all[6].summary.reused);
    for (unsigned i = 1; i < COUNT; i += 2)
        assert_int_equal(t->seen[i], 0);
    assert_int_equal(web_counts(&t->w)->connections, 1);
}

static void each_version(const rp_client_options *client, void (*run)(trial *t))
{
    static const int versions[] = {0, 12, 13};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        trial t;
        trial_begin(&t, versions[v], &good, client);
        run(&t);
        web_end(&t.w);
    }
}

static void test_cancelled_before_it_left(void **state)
{
    (void)state;
    each_version(NULL, cancelled_before_it_left);
}

/* The connection of a request that was cancelled is given to the one that waits. */
static void next_takes_its_place(trial *t)
{
    ask(t, 0);
    UNTIL(t->w.loop, t->all[0].dones == 1);
    ask(t, 1);
    ask(t, 2);
    fetch_cancel(&t->all[1]);
    UNTIL(t->w.loop, t->all[1].dones == 1 && t->all[2].dones == 1);
    assert_unsent(&t->all[1]);
    assert_int_equal(t->all[2].error.status, RP_OK);
    assert_int_equal(web_counts(&t->w)->connections, 1);
    assert_int_equal(t->seen[1], 0);
}

static void test_next_takes_its_place(void **state)
{
    (void)state;
    static const rp_client_options client = {.connections_per_origin = 1};
    each_version(&client, next_takes_its_place);
}

static void destroyed_before_it_left(trial *t)
{
    ask(t, 0);
    UNTIL(t->w.loop, t->all[0].dones == 1);
    ask(t, 1);
    t->all[1].cancelled = true;
    rp_client_destroy(t->w.client);
    t->w.client = NULL;
    UNTIL(t->w.loop, t->all[1].dones == 1);
    assert_unsent(&t->all[1]);
    for (unsigned i = 0; i < 20; i++)
        (void)rp_loop_turn(t->w.loop, 1);
    assert_int_equal(t->seen[1], 0);
}

static void test_destroyed_before_it_left(void **state)
{
    (void)state;
    each_version(NULL, destroyed_before_it_left);
}

/* ---- how much left ---- */

static uint8_t upload[(size_t)32 << 20]; /* more than the system's buffers hold */

/* The server takes some of it, and then nothing more. */
static bool stall(exchange *x, void *user)
{
    (void)user;
    exchange_stop_reading(x);
    return true;
}

static void test_bytes_sent_of_a_part(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        web w;
        fetch f = {0};
        server_options serving = {.handler = stall, .handler_at_head = true};
        rp_request_options options = {
            .method = "PUT", .body = upload, .body_size = sizeof(upload), .total_timeout_ms = 300};
        web_begin(&w, versions[v], &serving, NULL);
        fetch_bad(&f, &w, "/", &options, RP_E_TOTAL_TIMEOUT, RP_PHASE_REQUEST);
        assert_true(f.error.bytes_sent >= web_counts(&w)->body_bytes);
        assert_true(f.error.bytes_sent > 0);
        assert_true(f.error.bytes_sent < sizeof(upload));
        assert_int_equal(f.summary.bytes_sent, f.error.bytes_sent);
        assert_true(f.summary.body_bytes_sent < f.summary.bytes_sent);
        assert_true(f.summary.body_bytes_sent >= web_counts(&w)->body_bytes);
        assert_false(f.error.replay_safe);
        web_end(&w);
    }
}

/* ---- ages, when nobody turns the loop ---- */

/* A connection that was idle for too long while the program did something else is not used, though
 * no timer had a chance to end it. */
static void too_old_when_it_is_taken(trial *t)
{
    for (unsigned i = 0; i < 3; i++) {
        ask(t, 2 * i + 1); /* POSTs */
        UNTIL(t->w.loop, t->all[2 * i + 1].dones == 1);
        assert_int_equal(t->all[2 * i + 1].error.status, RP_OK);
        assert_false(t->all[2 * i + 1].summary.reused);
        fixture_sleep_ms(80);
    }
    assert_int_equal(web_counts(&t->w)->connections, 3);
}

static void test_too_old_when_it_is_taken(void **state)
{
    (void)state;
    static const rp_client_options idle = {.connection_idle_ms = 50};
    static const rp_client_options lifetime = {.connection_lifetime_ms = 50};
    each_version(&idle, too_old_when_it_is_taken);
    each_version(&lifetime, too_old_when_it_is_taken);
}

/* Another configuration: nothing that is sent afterwards goes out under the old one, whether the
 * connection is idle, being opened, or in the middle of an answer; and no session goes along. */
static void test_another_configuration(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        web w;
        web_begin(&w, version, NULL, &(rp_client_options){.connections_per_origin = 1});
        rp_tls_config *old = w.client_tls;
        rp_tls_config *trusting = tls_client_of((rp_tls_version)version);
        rp_tls_config *distrusting = tls_client(&(rp_tls_options){
            .ca_file = tls_cert("other-ca.pem"), .minimum_version = (rp_tls_version)version});
        fetch f = {0}, slow = {0}, next = {0}, opening = {0}, waiting = {0};
        fetch_good(&f, &w, "/hello", NULL, 200);
        rp_client_set_tls(w.client, NULL);
        rp_client_set_tls(w.client, old);
        f = (fetch){0};
        fetch_good(&f, &w, "/hello", NULL, 200);
        assert_true(f.summary.reused);
        rp_client_set_tls(w.client, trusting); /* idle */
        f = (fetch){0};
        fetch_good(&f, &w, "/hello", NULL, 200);
        assert_false(f.summary.reused || f.summary.resumed);
        assert_int_equal(f.summary.attempts, 1);

        assert_true(fetch_start(&slow, &w, "/hello", NULL)); /* not yet written */
        assert_true(fetch_start(&next, &w, "/hello", NULL));
        rp_client_set_tls(w.client, distrusting);
        fetch_wait(&slow);
        fetch_wait(&next);
        assert_int_equal(slow.error.status, RP_E_CERT_UNTRUSTED);
        assert_int_equal(next.error.status, RP_E_CERT_UNTRUSTED);

        assert_true(fetch_start(&opening, &w, "/hello", NULL));
        (void)rp_loop_turn(w.loop, 0);
        rp_client_set_tls(w.client, trusting);
        assert_true(fetch_start(&waiting, &w, "/hello", NULL));
        fetch_wait(&opening);
        fetch_wait(&waiting);
        assert_int_equal(opening.status, 200);
        assert_int_equal(waiting.status, 200);

        uint64_t requests = web_counts(&w)->requests;
        fetch busy = {0}, after = {0};
        assert_true(fetch_start(&busy, &w, "/delay/30", NULL));
        UNTIL(w.loop, web_counts(&w)->requests == requests + 1);
        rp_client_set_tls(w.client, old);
        fetch_wait(&busy);
        assert_int_equal(busy.status, 200);
        fetch_good(&after, &w, "/hello", NULL, 200);
        assert_false(after.summary.reused);
        rp_tls_config_release(trusting);
        rp_tls_config_release(distrusting);
        web_end(&w);
    }
}

/* Another configuration in the moment between a connection's opening and the pump that writes the
 * request which waited for it. */
typedef struct moment {
    rp_post post;
    web *w;
    rp_tls_config *tls;
    unsigned changes;
} moment;

static void change_between(rp_post *post, void *user)
{
    moment *m = user;
    (void)post;
    rp_client *client = m->w->client;
    if (m->changes > 0 || rp__list_empty(&client->conns))
        return;
    const rp_conn *conn = RP_CONTAINER(client->conns.next, rp_conn, link);
    if (conn->state != RP_CONN_OPEN || conn->in_flight == 0 || conn->served > 0)
        return;
    rp_client_set_tls(client, m->tls);
    m->changes++;
}

static void test_another_configuration_before_the_first_write(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        web w;
        web_begin(&w, version, NULL, NULL);
        moment m = {.w = &w,
                    .tls =
                        tls_client(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem"),
                                                     .minimum_version = (rp_tls_version)version})};
        fetch f = {0};
        assert_true(fetch_start(&f, &w, "/hello", NULL));
        while (f.dones == 0) {
            m.post = (rp_post){.fn = change_between, .user = &m};
            rp_loop_post(w.loop, &m.post);
            (void)rp_loop_turn(w.loop, 50);
        }
        assert_int_equal(m.changes, 1);
        assert_int_equal(f.error.status, RP_E_CERT_UNTRUSTED);
        assert_int_equal(web_counts(&w)->requests, 0);
        rp_tls_config_release(m.tls);
        web_end(&w);
    }
}

static bool answer_and_end(exchange *x, void *user)
{
    (void)user;
    exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    exchange_end(x, EXCHANGE_CLOSE);
    return true;
}

/* The server ended the connection while the program did something else. */
static void test_ended_when_it_is_taken(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        web w;
        rp_request_options options = {.body = "pay", .body_size = 3};
        server_options serving = {.handler = answer_and_end};
        web_begin_apart(&w, versions[v], &serving, NULL);
        for (unsigned i = 0; i < 4; i++) {
            fetch f = {0};
            fetch_good(&f, &w, "/", &options, 200);
            assert_int_equal(f.summary.attempts, 1);
            fixture_sleep_ms(30);
        }
        assert_int_equal(web_counts(&w)->connections, 4);
        web_end(&w);
    }
}

static void ask_another(fetch *f)
{
    static const rp_request_options options = {.body = "pay", .body_size = 3};
    (void)fetch_start(f->user, f->web, "/echo", &options);
}

/* What a callback starts leaves with its turn, though the program may not turn again for long. */
static void test_leaves_with_its_turn(void **state)
{
    (void)state;
    static const int versions[] = {0, 12, 13};
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        web w;
        fetch warm = {0}, second = {0};
        fetch first = {.on_done = ask_another, .user = &second};
        web_begin_apart(&w, versions[v], NULL, NULL);
        fetch_good(&warm, &w, "/hello", NULL, 200);
        assert_true(fetch_start(&first, &w, "/hello", NULL));
        while (first.dones == 0)
            (void)rp_loop_turn(w.loop, 1000);
        for (unsigned i = 0; i < 200 && web_counts(&w)->requests < 3; i++)
            fixture_sleep_ms(10);
        assert_int_equal(web_counts(&w)->requests, 3);
        fetch_wait(&second);
        assert_int_equal(second.status, 200);
        web_end(&w);
    }
}

int main(void)
{
    /* What is behind the answer must be there with it, which chance does not promise: what comes
     * when the next request has left can't be told from its answer. */
    const struct CMUnitTest tests[] = {
        fixture_test_orderly(test_chained),
        fixture_test_orderly(test_one_by_one),
        fixture_test_orderly(test_all_at_once),
        fixture_test_orderly(test_unread_for_want_of_credit),
        fixture_test(test_cancelled_before_it_left),
        fixture_test(test_next_takes_its_place),
        fixture_test(test_destroyed_before_it_left),
        fixture_test(test_bytes_sent_of_a_part),
        fixture_test_real(test_too_old_when_it_is_taken),
        fixture_test(test_another_configuration),
        fixture_test_real(test_another_configuration_before_the_first_write),
        fixture_test_real(test_ended_when_it_is_taken),
        fixture_test_real(test_leaves_with_its_turn),
    };
    return fixture_run_simulated(tests, 4);
}
