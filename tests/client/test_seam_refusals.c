/* test_seam_refusals.c - requests that a server gives back (support/many.h): refused, misdirected,
 * or wanted by another version. */
#include "client/origin.h"
#include "client/replay.h"
#include "support/many.h"

#include <string.h>

enum { CALM = RP_H2_ENHANCE_YOUR_CALM, REFUSED = RP_H2_REFUSED_STREAM };

static const rp_request_options post = {.method = "POST", .body = "x", .body_size = 1};

/* A server that always refuses: again at once, then later and later, whatever the method; in the
 * end the caller may do so itself. */
static void test_refused_for_ever(void **state)
{
    static const unsigned least_ms[] = {0, 0, 50, 100, 200, 400};
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, &post);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t begun_ns = rp__loop_now_ns(m->w.loop);
        UNTIL(m->w.loop, many_conn(m, 0) != NULL);
        uint64_t took_ms = (rp__loop_now_ns(m->w.loop) - begun_ns) / 1000000u;
        assert_true(took_ms >= least_ms[i]);
        if (fixture_simulated() && i > 1)
            assert_in_range(took_ms, least_ms[i], 2 * least_ms[i] + 5);
        many_give_back(m, 0, RP_FATE_UNPROCESSED, REFUSED);
    }
    assert_int_equal(m->all[0].dones, 1);
    assert_int_equal(m->all[0].error.status, RP_E_H2_RESET);
    assert_int_equal(m->all[0].error.h2_code, REFUSED);
    assert_true(m->all[0].error.replay_safe);
    assert_non_null(strstr(m->all[0].error.text, "127.0.0.1"));
    assert_non_null(strstr(m->all[0].error.text, "refused the request 6 times"));
    assert_int_equal(m->all[0].summary.attempts, 6);
    many_end(m);
}

/* Those that were refused because they were too many go to other connections at once. */
static void test_refused_because_of_the_limit(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_says_late = true;
    many_start(m, 0, 100, NULL);
    many_until_active(m, 100);
    rp_conn *first = many_conn(m, 0), *second = many_conn(m, 99);
    assert_ptr_equal(first, second);
    many_says_late = false;
    many_takes = 10;
    many_say(first, 10);
    for (unsigned i = 10; i < 100; i++)
        many_give_back(m, i, RP_FATE_UNPROCESSED, REFUSED);
    many_until_active(m, 100);
    assert_int_equal(many_origin(m)->conn_count, 10);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(many_conn(m, i)->in_flight, 10);
    many_answer_all(m, 0, 100);
    many_end(m);
}

/* A request is under way, and one of its limits ends it soon; where the machine is busy, too soon:
 * then once more. */
static many *begin_with_limit(bool total, bool queue)
{
    for (unsigned tries = 1;; tries++) {
        rp_request_options options = {.total_timeout_ms = total ? 30 : 0};
        many *m = many_begin(&(rp_client_options){.queue_timeout_ms = queue ? 30 : 0});
        many_start(m, 0, 1, &options);
        UNTIL(m->w.loop, many_active(m) == 1 || m->all[0].dones == 1);
        if (m->all[0].dones == 0)
            return m;
        assert_in_range(tries, 1, 50);
        many_end(m);
    }
}

/* Cancelled, or out of time, or with its client, while it waits to be sent again. */
static void test_ends_while_it_waits(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 4; how++) {
        many *m = begin_with_limit(how == 1, how == 2);
        many_give_back(m, 0, RP_FATE_UNPROCESSED, CALM);
        assert_int_equal(m->all[0].dones, 0);
        assert_null(many_conn(m, 0));
        if (how == 0)
            fetch_cancel(&m->all[0]);
        if (how == 3) {
            rp_client_destroy(m->w.client);
            m->w.client = NULL;
        }
        fetch_wait(&m->all[0]);
        static const rp_status expected[] = {RP_E_CANCELLED, RP_E_TOTAL_TIMEOUT, RP_E_QUEUE_TIMEOUT,
                                             RP_E_CANCELLED};
        assert_int_equal(m->all[0].error.status, expected[how]);
        assert_true(m->all[0].error.replay_safe);
        if (how == 1 || how == 2) {
            assert_int_equal(m->all[0].error.phase, RP_PHASE_QUEUE);
            assert_non_null(strstr(m->all[0].error.text, "refused the request"));
        }
        many_end(m);
    }
}

/* Who asks for calm is left alone: the connection serves what it has and no more, and what it gave
 * back waits; without end it is not asked. */
static void test_calm(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 3, NULL);
    many_until_active(m, 3);
    rp_conn *conn = many_conn(m, 0);
    many_give_back(m, 1, RP_FATE_UNPROCESSED, CALM);
    assert_null(many_conn(m, 1));
    assert_int_equal(rp__conn_room(conn), 0);
    many_start(m, 3, 1, NULL);
    UNTIL(m->w.loop, many_conn(m, 3) != NULL);
    assert_ptr_not_equal(many_conn(m, 3), conn);
    UNTIL(m->w.loop, many_conn(m, 1) != NULL);
    many_answer_all(m, 0, 4);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1);

    many_start(m, 0, 1, &post);
    for (unsigned i = 0; i < 6; i++) {
        UNTIL(m->w.loop, many_conn(m, 0) != NULL);
        many_give_back(m, 0, RP_FATE_UNPROCESSED, CALM);
    }
    assert_int_equal(m->all[0].dones, 1);
    assert_int_equal(m->all[0].error.h2_code, CALM);
    assert_true(m->all[0].error.replay_safe);
    many_end(m);
}

/* One that the server may have acted on is not safe, though a later connection did nothing. */
static void test_doubt_stays(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_answer(m, 0);
    many_start(m, 0, 1, NULL);
    many_give_back(m, 0, RP_FATE_UNKNOWN, 2);
    for (unsigned i = 0; i < 6; i++) {
        UNTIL(m->w.loop, many_conn(m, 0) != NULL);
        assert_int_equal(m->all[0].dones, 0);
        many_give_back(m, 0, RP_FATE_UNPROCESSED, REFUSED);
    }
    assert_int_equal(m->all[0].dones, 1);
    assert_false(m->all[0].error.replay_safe);
    /* And a refusal does not take away that one replay. */
    many_start(m, 1, 1, NULL);
    UNTIL(m->w.loop, many_conn(m, 1) != NULL);
    many_give_back(m, 1, RP_FATE_UNPROCESSED, REFUSED);
    UNTIL(m->w.loop, many_conn(m, 1) != NULL);
    many_give_back(m, 1, RP_FATE_UNKNOWN, 2);
    UNTIL(m->w.loop, many_conn(m, 1) != NULL);
    many_give_back(m, 1, RP_FATE_UNKNOWN, 2);
    assert_int_equal(m->all[1].dones, 1);
    assert_int_equal(m->all[1].summary.attempts, 3);
    many_end(m);
}

/* Of one whose answer has begun the caller was told something: it ends in any case. */
static void test_answer_has_begun(void **state)
{
    static const uint32_t codes[] = {0, REFUSED, CALM, RP_H2_HTTP_1_1_REQUIRED};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        many *m = many_begin(NULL);
        many_start(m, 0, 1, NULL);
        many_until_active(m, 1);
        many_break_off(m, 0, codes[i]);
        assert_int_equal(m->all[0].dones, 1);
        assert_int_equal(m->all[0].error.h2_code, codes[i]);
        assert_false(m->all[0].error.replay_safe);
        many_end(m);
    }
}

/* Given back, they come before all others, and in their order. */
static void test_order(void **state)
{
    many *m = many_begin(&(rp_client_options){.connections_per_origin = 1});
    (void)state;
    many_takes = 3;
    many_start(m, 0, 6, NULL);
    many_until_active(m, 3);
    rp_conn *conn = many_conn(m, 0);
    many_say(conn, 1);
    many_give_back(m, 2, RP_FATE_UNPROCESSED, 0);
    many_give_back(m, 1, RP_FATE_UNPROCESSED, 0);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(many_active(m), 1);
        assert_non_null(many_conn(m, i));
        many_answer(m, i);
    }
    many_end(m);
}

/* The server is not in charge: once more on a connection that nobody had, whatever the method. That
 * many are told so makes no more connections. The second time it is the answer. */
static void test_misdirected(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_start(m, 1, 10, &post);
    const rp_conn *conn = many_conn(m, 0);
    for (unsigned i = 0; i < 11; i++)
        many_head(m, i, 421);
    many_until_active(m, 11);
    assert_int_equal(many_origin(m)->conn_count, 2);
    for (unsigned i = 0; i < 11; i++) {
        assert_ptr_not_equal(many_conn(m, i), conn);
        assert_int_equal(m->all[i].heads, 0);
    }
    many_answer_all(m, 0, 10);
    many_head(m, 10, 421);
    assert_int_equal(m->all[10].dones, 1);
    assert_int_equal(m->all[10].status, 421);
    assert_int_equal(m->all[10].error.status, RP_OK);
    assert_int_equal(m->all[10].summary.attempts, 2);
    many_end(m);
}

/* The server wants HTTP/1.1: that request goes out by it, and all others that come. What its other
 * connections have goes on. */
static void test_other_version_wanted(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_takes = 3;
    many_start(m, 0, 4, &post);
    many_until_active(m, 4);
    rp_origin *origin = many_origin(m);
    rp_conn *first = many_conn(m, 0), *second = many_conn(m, 3);
    origin->versions = RP_HTTP_ANY; /* as with https */
    many_give_back(m, 1, RP_FATE_UNPROCESSED, RP_H2_HTTP_1_1_REQUIRED);
    many_start(m, 4, 2, NULL);
    many_until_active(m, 6);
    assert_ptr_equal(many_conn(m, 0), first);
    assert_ptr_equal(many_conn(m, 3), second);
    for (unsigned i = 1; i < 6; i++) {
        if (i != 2 && i != 3)
            assert_ptr_equal(many_conn(m, i)->protocol, &rp__http1);
    }
    assert_int_equal(origin->conn_count, 5);
    many_answer(m, 0);
    many_give_back(m, 2, RP_FATE_UNPROCESSED, RP_H2_HTTP_1_1_REQUIRED);
    many_answer(m, 3);
    UNTIL(m->w.loop, origin->conn_count == 4);
    many_until_active(m, 4);
    for (unsigned i = 0; i < 6; i++)
        fetch_cancel(&m->all[i]);
    UNTIL(m->w.loop, m->w.client->conn_count == 0);
    /* It is remembered. */
    many_start(m, 0, 3, NULL);
    assert_int_equal(many_origin(m)->conn_count, 3);
    many_until_active(m, 3);
    assert_ptr_equal(many_conn(m, 0)->protocol, &rp__http1);
    for (unsigned i = 0; i < 3; i++)
        fetch_cancel(&m->all[i]);
    many_end(m);
}

/* A client that allows nothing else is told. */
static void test_other_version_ruled_out(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_give_back(m, 0, RP_FATE_UNPROCESSED, RP_H2_HTTP_1_1_REQUIRED);
    assert_int_equal(m->all[0].dones, 1);
    assert_int_equal(m->all[0].error.status, RP_E_H2_NOT_SPOKEN);
    assert_int_equal(m->all[0].error.h2_code, RP_H2_HTTP_1_1_REQUIRED);
    assert_true(m->all[0].error.replay_safe);
    assert_non_null(strstr(m->all[0].error.text, "wants HTTP/1.1"));
    many_end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_refused_for_ever),
        fixture_test(test_refused_because_of_the_limit),
        fixture_test(test_ends_while_it_waits),
        fixture_test(test_calm),
        fixture_test(test_doubt_stays),
        fixture_test(test_answer_has_begun),
        fixture_test(test_order),
        fixture_test(test_misdirected),
        fixture_test(test_other_version_wanted),
        fixture_test(test_other_version_ruled_out),
    };
    return fixture_run_simulated(tests, 3);
}
