/* test_seam.c - what stands above the seam, with a protocol of the test's own below it that takes
 * many requests a connection (support/many.h): which connection gets which request, and what
 * becomes of requests that lose theirs. */
#include "client/origin.h"
#include "client/pool.h"
#include "support/many.h"

#include <ringport/life.h>

#include <stdio.h>

/* ---- room ---- */

/* Once it is known that a connection takes a hundred, 251 requests need three. */
static void test_no_more_connections_than_needed(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    const rp_origin *origin = many_origin(m);
    assert_int_equal(origin->idle_count, 0);
    many_start(m, 1, 250, NULL);
    assert_int_equal(many_active(m), MANY); /* at once, on the one that is there */
    assert_int_equal(origin->conn_count, 3);
    many_until_active(m, 251);
    assert_int_equal(origin->conn_count, 3);
    assert_int_equal(origin->open_count, 3);
    assert_int_equal(origin->idle_count, 0);
    many_answer_all(m, 0, 251);
    assert_int_equal(origin->idle_count, 3);
    assert_int_equal(m->w.client->idle_count, 3);
    many_end(m);
}

/* The number is said anew, and the queue follows it, in its order. */
static void test_room_changes(void **state)
{
    many *m = many_begin(&(rp_client_options){.connections_per_origin = 1});
    (void)state;
    many_takes = 1;
    many_start(m, 0, 6, NULL);
    many_until_active(m, 1);
    rp_conn *conn = many_conn(m, 0);
    many_say(conn, 3);
    assert_int_equal(many_active(m), 3);
    assert_ptr_equal(many_conn(m, 2), conn);
    assert_true(rp__list_empty(&conn->ready_link));
    many_say(conn, 2);
    many_answer(m, 1); /* 2 are left: still no room */
    assert_int_equal(many_active(m), 2);
    many_answer(m, 0);
    assert_int_equal(many_active(m), 2);
    assert_ptr_equal(many_conn(m, 3), conn);
    many_say(conn, MANY);
    assert_int_equal(many_active(m), 4);
    assert_false(rp__list_empty(&conn->ready_link));
    assert_true(rp__list_empty(&conn->age_link));
    many_answer_all(m, 2, 4);
    assert_false(rp__list_empty(&conn->age_link));
    many_end(m);
}

/* A limit below what is under way, then none at all, then some again: who waits gets on with the
 * first that is free. */
static void test_limit_is_lowered(void **state)
{
    many *m = many_begin(&(rp_client_options){.connections_per_origin = 1});
    (void)state;
    many_start(m, 0, 130, NULL);
    many_until_active(m, MANY);
    rp_conn *conn = many_conn(m, 0);
    many_say(conn, 1);
    many_answer_all(m, 0, 99);
    assert_int_equal(many_active(m), 1);
    many_answer(m, 99);
    assert_int_equal(many_active(m), 1); /* the next one */
    many_say(conn, 0);
    many_answer(m, 100);
    many_turn_ms(m, 20);
    assert_int_equal(many_active(m), 0);
    assert_false(rp__list_empty(&conn->age_link)); /* it may age, and make room */
    many_say(conn, 10);
    assert_int_equal(many_active(m), 10);
    assert_ptr_equal(many_conn(m, 110), conn);
    many_answer_all(m, 101, 29);
    assert_int_equal(many_origin(m)->conn_count, 1);
    many_end(m);
}

/* Another one is tried every quarter of a second, in place of the one that takes none if there may
 * be no more; whoever waits does so until its deadline. */
static void test_none_are_taken(void **state)
{
    many *m =
        many_begin(&(rp_client_options){.connections_per_origin = 1, .queue_timeout_ms = 600});
    (void)state;
    many_takes = 0;
    many_start(m, 0, 50, NULL);
    for (unsigned i = 0; i < 50; i++) {
        fetch_wait(&m->all[i]);
        assert_int_equal(m->all[i].error.status, RP_E_QUEUE_TIMEOUT);
        assert_true(m->all[i].error.replay_safe);
    }
    assert_in_range(atomic_load(&web_counts(&m->w)->connections), 2, 4);
    assert_int_equal(m->w.client->conn_count, 1);
    many_takes = 10;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_answer(m, 0);
    many_end(m);
}

/* A long answer on each of ten streams: the others get connections of their own, and not more. */
static void test_streams_run_out(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_takes = 10;
    many_start(m, 0, 100, NULL);
    many_until_active(m, 100);
    assert_int_equal(many_origin(m)->conn_count, 10);
    many_answer_all(m, 0, 100);
    many_end(m);

    m = many_begin(&(rp_client_options){.connections_per_origin = 4});
    many_takes = 10;
    many_start(m, 0, 100, NULL);
    many_until_active(m, 40);
    many_turn_ms(m, 20);
    assert_int_equal(many_active(m), 40);
    assert_int_equal(many_origin(m)->conn_count, 4);
    many_answer_all(m, 0, 100);
    many_end(m);
}

/* A connection that wants no more requests for a reason of its own, as after too many cancels: they
 * go to another one, and it is used again when it has room. */
static void test_no_room_for_a_while(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 5, NULL);
    many_until_active(m, 5);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1);
    rp_conn *first = many_conn(m, 0);
    many_room(first, 0);
    many_start(m, 5, 20, NULL);
    many_until_active(m, 25);
    rp_conn *second = many_conn(m, 5);
    assert_ptr_not_equal(second, first);
    assert_int_equal(second->in_flight, 20);
    assert_int_equal(many_origin(m)->conn_count, 2);
    many_room(second, 0);
    many_room(first, MANY);
    many_start(m, 25, 1, NULL);
    assert_ptr_equal(many_conn(m, 25), first);
    many_answer_all(m, 0, 26);
    assert_int_equal(many_origin(m)->takes, MANY);
    many_end(m);
}

/* Unless the client wants one connection only. */
static void test_one_connection(void **state)
{
    many *m = many_begin(&(rp_client_options){.http2_one_connection = true});
    (void)state;
    many_takes = 10;
    many_start(m, 0, 100, NULL);
    many_until_active(m, 10);
    many_turn_ms(m, 20);
    rp_conn *conn = many_conn(m, 0);
    assert_int_equal(many_active(m), 10);
    assert_int_equal(many_origin(m)->conn_count, 1);
    many_answer_all(m, 0, 50);
    /* One that only finishes what it has is not that one. */
    rp__conn_retire(conn);
    many_until_active(m, 20);
    assert_int_equal(many_origin(m)->open_count, 2);
    many_turn_ms(m, 20);
    assert_int_equal(many_active(m), 20);
    many_answer_all(m, 50, 10);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1);
    assert_int_equal(many_active(m), 10);
    many_answer_all(m, 60, 40);
    many_end(m);
}

/* When fewer requests come the same connections are filled, and the others age. */
static void test_few_are_filled(void **state)
{
    many *m = many_begin(&(rp_client_options){.connection_idle_ms = 300});
    (void)state;
    many_takes = 10;
    many_start(m, 0, 30, NULL);
    many_until_active(m, 30);
    const rp_origin *origin = many_origin(m);
    assert_int_equal(origin->conn_count, 3);
    /* Five stay for long on each of two; one after the other comes beside them. */
    for (unsigned i = 0; i < 30; i++) {
        if (i % 10 >= 5 || i >= 20)
            many_answer(m, i);
    }
    assert_int_equal(origin->idle_count, 1);
    for (unsigned i = 0; i < 20; i++) {
        many_start(m, 100, 1, NULL);
        assert_ptr_equal(many_conn(m, 100), RP_CONTAINER(origin->ready.next, rp_conn, ready_link));
        many_answer(m, 100);
        many_turn_ms(m, 20);
    }
    UNTIL(m->w.loop, origin->conn_count == 2);
    /* Of two that are in use one is taken again and again, until the other is idle. */
    rp_conn *first = RP_CONTAINER(origin->ready.next, rp_conn, ready_link);
    for (unsigned i = 0; i < 20; i++) {
        if (many_conn(m, i) != NULL && many_conn(m, i) != first) {
            many_start(m, 100, 1, NULL);
            assert_ptr_equal(many_conn(m, 100), first);
            many_answer(m, 100);
            many_answer(m, i);
        }
    }
    assert_int_equal(origin->idle_count, 1);
    UNTIL(m->w.loop, origin->conn_count == 1);
    for (unsigned i = 0; i < 20; i++) {
        if (m->all[i].request != NULL)
            many_answer(m, i);
    }
    many_end(m);
}

/* What else comes on an idle one does not make it the one that was used last, nor younger. */
static void test_idle_ones_keep_their_place(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_takes = 1;
    many_start(m, 0, 2, NULL);
    many_until_active(m, 2);
    rp_conn *older = many_conn(m, 0), *latest = many_conn(m, 1);
    many_answer_all(m, 0, 2);
    many_say(older, 5);
    rp__conn_room_changed(older);
    many_start(m, 0, 1, NULL);
    assert_ptr_equal(many_conn(m, 0), latest);
    many_answer(m, 0);
    many_end(m);
}

/* Idle ones go, however many they were; the client's limits hold. */
static void test_idle_ones_are_evicted(void **state)
{
    many *m = many_begin(&(rp_client_options){.idle_per_origin = 2, .connections_total = 5});
    (void)state;
    many_takes = 10;
    many_start(m, 0, 80, NULL);
    many_until_active(m, 50);
    assert_int_equal(m->w.client->conn_count, 5);
    many_answer_all(m, 0, 80);
    UNTIL(m->w.loop, m->w.client->conn_count == 2);
    assert_int_equal(many_origin(m)->idle_count, 2);
    many_end(m);
}

/* One that has served as many as it may ends when these are done, and so does one that is old. */
static void test_uses_and_age(void **state)
{
    many *m = many_begin(&(rp_client_options){.requests_per_connection = 7});
    (void)state;
    many_start(m, 0, 20, NULL);
    many_until_active(m, 20);
    assert_int_equal(many_origin(m)->conn_count, 3);
    const rp_conn *conn = many_conn(m, 0);
    many_answer(m, 0);
    many_start(m, 20, 2, NULL);
    many_until_active(m, 21);
    for (unsigned i = 20; i < 22; i++)
        assert_ptr_not_equal(many_conn(m, i), conn);
    many_answer_all(m, 1, 21);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1); /* that which had one */
    many_end(m);

    m = many_begin(&(rp_client_options){.connection_lifetime_ms = 50});
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    conn = many_conn(m, 0);
    many_turn_ms(m, 60);
    many_start(m, 1, 1, NULL);
    many_until_active(m, 2);
    assert_ptr_not_equal(many_conn(m, 1), conn);
    many_answer_all(m, 0, 2);
    many_end(m);

    m = many_begin(&(rp_client_options){.never_reuse = true});
    many_start(m, 0, 5, NULL);
    many_until_active(m, 5);
    assert_int_equal(many_origin(m)->conn_count, 5);
    many_answer_all(m, 0, 5);
    UNTIL(m->w.loop, m->w.client->conn_count == 0);
    many_end(m);
}

/* Only a connection that nobody uses makes room for another. */
static void test_room_is_made_of_idle_ones(void **state)
{
    rp_request_options other = {.url = NULL};
    char url[64];
    many *m = many_begin(&(rp_client_options){.connections_total = 2});
    (void)state;
    many_takes = 2;
    many_start(m, 0, 3, NULL);
    many_until_active(m, 3);
    assert_int_equal(many_origin(m)->conn_count, 2);
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", server_port(m->w.server));
    other.url = url;
    many_start(m, 3, 1, &other);
    (void)rp_loop_turn(m->w.loop, 10);
    assert_null(many_conn(m, 3));
    const rp_conn *alone = many_conn(m, 2); /* has room, and is in use */
    assert_ptr_not_equal(alone, many_conn(m, 0));
    assert_int_equal(alone->in_flight, 1);
    many_answer(m, 2);
    UNTIL(m->w.loop, many_conn(m, 3) != NULL);
    many_answer(m, 3);
    many_answer_all(m, 0, 2);
    many_end(m);
}

/* ---- how many are opened before that is known ---- */

/* Of two that try one is enough. */
static void test_few_probe(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 80, NULL);
    assert_int_equal(many_origin(m)->conn_count, 2);
    many_until_active(m, 80);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1);
    UNTIL(m->w.loop, atomic_load(&web_counts(&m->w)->connections) == 2);
    many_answer_all(m, 0, 80);
    many_end(m);
}

/* Before a connection has said how many it takes no others are opened beside it; but not for
 * long. */
static void test_said_late(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_says_late = true;
    many_start(m, 0, 500, NULL);
    many_until_active(m, 200);
    assert_int_equal(many_origin(m)->conn_count, 2);
    many_turn_ms(m, 20);
    assert_int_equal(many_origin(m)->conn_count, 2);
    many_say(many_conn(m, 0), 100);
    assert_int_equal(many_origin(m)->conn_count, 5);
    many_until_active(m, 500);
    many_answer_all(m, 0, 500);
    many_end(m);

    m = many_begin(NULL);
    many_says_late = true;
    many_start(m, 0, 300, NULL);
    many_until_active(m, 200);
    UNTIL(m->w.loop, many_origin(m)->conn_count == 3); /* it never says so */
    many_until_active(m, 300);
    many_answer_all(m, 0, 300);
    many_end(m);
}

/* What the last connection said holds for one that has not said anything. */
static void test_said_before(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_says_late = true;
    many_start(m, 0, 20, NULL);
    many_until_active(m, 20);
    many_say(many_conn(m, 0), 20);
    many_start(m, 20, 60, NULL);
    assert_int_equal(many_origin(m)->opening_count, 3);
    many_until_active(m, 80);
    for (unsigned i = 0; i < 80; i++)
        assert_int_equal(many_conn(m, i)->in_flight, 20);
    many_answer_all(m, 0, 80);
    /* And when its connections are gone. */
    many_drop(m, 4);
    UNTIL(m->w.loop, m->w.client->conn_count == 0);
    assert_int_equal(many_origin(m)->takes, 20);
    many_start(m, 0, 60, NULL);
    assert_int_equal(many_origin(m)->conn_count, 3);
    many_until_active(m, 60);
    /* Or it is another server. */
    many_say(many_conn(m, 0), 60);
    many_start(m, 60, 40, NULL);
    assert_int_equal(many_active(m), 100);
    many_answer_all(m, 0, 100);
    many_end(m);
}

/* Also if no request was sent there yet. */
static void test_said_before_any_request(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_takes = 20;
    rp_preconnect_options options = {.url = server_url(m->w.server, "/")};
    assert_int_equal(rp_client_preconnect(m->w.client, &options, NULL), RP_OK);
    UNTIL(m->w.loop, many_origin(m)->takes == 20);
    many_drop(m, 1);
    UNTIL(m->w.loop, m->w.client->conn_count == 0);
    assert_int_equal(many_origin(m)->takes, 20);
    many_end(m);
}

/* Whoever waited when both of them began is told when both have failed. */
static void test_probes_fail(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    uint16_t port = server_port(m->w.server);
    server_stop(m->w.server);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
    many_start(m, 0, 300, &(rp_request_options){.url = url});
    assert_int_equal(many_origin(m)->conn_count, 2);
    for (unsigned i = 0; i < 300; i++) {
        fetch_wait(&m->all[i]);
        assert_int_equal(m->all[i].error.status, RP_E_CONNECT_REFUSED);
    }
    m->w.server = server_start_on(m->w.loop, &(server_options){.raw_mode = true});
    many_end(m);
}

/* ---- requests that lose their connection ---- */

/* A request that leaves takes nobody with it. */
static void test_one_cancelled(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    rp_conn *conn = many_conn(m, 0);
    many_start(m, 1, 2, NULL);
    fetch_cancel(&m->all[1]);
    fetch_wait(&m->all[1]);
    assert_int_equal(m->all[1].error.status, RP_E_CANCELLED);
    assert_false(m->all[1].error.replay_safe);
    assert_int_equal(conn->in_flight, 2);
    many_answer(m, 0);
    many_answer(m, 2);
    assert_int_equal(many_origin(m)->idle_count, 1);
    many_end(m);
}

/* Of a connection that is lost unprocessed requests go elsewhere, whatever their method. */
static void test_lost_unprocessed(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_start(m, 1, 3, &(rp_request_options){.method = "POST"});
    const rp_conn *lost = many_conn(m, 0);
    many_keeps_nothing = true;
    many_drop(m, 1);
    UNTIL(m->w.loop, many_conn(m, 0) != lost && many_active(m) == 4);
    many_keeps_nothing = false;
    for (unsigned i = 0; i < 4; i++) {
        many_answer(m, i);
        assert_int_equal(m->all[i].summary.attempts, 2);
    }
    many_end(m);
}

/* Where the fate is unknown, a GET goes out once more, and whoever sent a POST is told. The first
 * on the connection gets no second chance: that end is news about the server. */
static void test_lost_unknown(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_start(m, 1, 1, NULL);
    many_start(m, 2, 1, &(rp_request_options){.method = "POST"});
    many_drop(m, 1);
    fetch_wait(&m->all[0]);
    fetch_wait(&m->all[2]);
    assert_int_equal(m->all[0].error.status, RP_E_CLOSED_EARLY);
    assert_int_equal(m->all[2].error.status, RP_E_STALE_CONNECTION);
    assert_false(m->all[0].error.replay_safe || m->all[2].error.replay_safe);
    many_until_active(m, 1);
    many_answer(m, 1);
    assert_int_equal(m->all[1].summary.attempts, 2);
    many_end(m);
}

/* Many that are to go out on a fresh one share it. */
static void test_replays_share_a_fresh_one(void **state)
{
    many *m = many_begin(NULL);
    (void)state;
    many_start(m, 0, 1, NULL);
    many_until_active(m, 1);
    many_start(m, 1, 50, NULL);
    const rp_conn *lost = many_conn(m, 1);
    many_drop(m, 1);
    UNTIL(m->w.loop, many_conn(m, 1) != lost && many_active(m) == 50);
    many_start(m, 51, 1, NULL);
    for (unsigned i = 2; i <= 51; i++)
        assert_ptr_equal(many_conn(m, i), many_conn(m, 1));
    UNTIL(m->w.loop, many_origin(m)->conn_count == 1); /* the lost one is gone */
    many_answer_all(m, 1, 51);
    UNTIL(m->w.loop, atomic_load(&web_counts(&m->w)->connections) == 2);
    many_end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_no_more_connections_than_needed),
        fixture_test(test_room_changes),
        fixture_test(test_limit_is_lowered),
        fixture_test(test_none_are_taken),
        fixture_test(test_streams_run_out),
        fixture_test(test_no_room_for_a_while),
        fixture_test(test_one_connection),
        fixture_test(test_few_are_filled),
        fixture_test(test_idle_ones_keep_their_place),
        fixture_test(test_idle_ones_are_evicted),
        fixture_test(test_uses_and_age),
        fixture_test(test_room_is_made_of_idle_ones),
        fixture_test(test_few_probe),
        fixture_test(test_said_late),
        fixture_test(test_said_before),
        fixture_test(test_said_before_any_request),
        fixture_test(test_probes_fail),
        fixture_test(test_one_cancelled),
        fixture_test(test_lost_unprocessed),
        fixture_test(test_lost_unknown),
        fixture_test(test_replays_share_a_fresh_one),
    };
    return fixture_run_simulated(tests, 3);
}
