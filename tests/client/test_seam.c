/* test_seam.c - what stands above the seam, with a protocol of the test's own below it that takes
 * many requests a connection (client/protocol.h): the pool, replay, and the requests.
 *
 * The protocol writes nothing and reads nothing: the test says when a request is answered. The
 * server takes connections, and drops them where a test wants it. */
#include "client/origin.h"
#include "client/pool.h"
#include "client/request.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 100, FETCHES = 300 };

/* ---- the protocol ---- */

typedef struct session {
    rp_request *requests[MANY];
    uint32_t count;
} session;

static uint32_t takes;      /* at once, of all connections */
static bool keeps_unproved; /* the end of a connection says that nothing was processed */

static bool begin_many(rp_conn *conn)
{
    conn->session = calloc(1, sizeof(session));
    return conn->session != NULL;
}

static void end_many(rp_conn *conn)
{
    assert_int_equal(((session *)conn->session)->count, 0);
    free(conn->session);
}

static uint32_t room_of(const rp_conn *conn)
{
    const session *s = conn->session;
    return s->count < takes ? takes - s->count : 0;
}

static void start_one(rp_conn *conn, rp_request *request)
{
    session *s = conn->session;
    assert_true(s->count < takes && s->count < MANY);
    s->requests[s->count++] = request;
    rp_conn_serves(conn, request);
    rp_request_sent(request);
}

static void take(rp_conn *conn, rp_request *request)
{
    session *s = conn->session;
    uint32_t at = 0;
    while (s->requests[at] != request)
        assert_true(++at < s->count);
    s->count--;
    memmove(&s->requests[at], &s->requests[at + 1], (s->count - at) * sizeof(rp_request *));
    rp_conn_detach(conn, request);
}

static void abandon_one(rp_conn *conn, rp_request *request)
{
    take(conn, request);
    rp_conn_room_changed(conn);
}

static void consume_none(rp_conn *conn, rp_request *request, size_t size)
{
    (void)conn;
    (void)request;
    (void)size;
}

/* Each has sent a byte. */
static uint64_t sent_of(const rp_conn *conn, const rp_request *request)
{
    (void)conn;
    (void)request;
    return keeps_unproved ? 0 : 1;
}

static uint64_t moved_never(const rp_conn *conn, const rp_request *request)
{
    (void)conn;
    (void)request;
    return 0;
}

static uint64_t confirmed_all(const rp_conn *conn, const rp_request *request, bool *all)
{
    (void)conn;
    (void)request;
    *all = true;
    return 0;
}

static void received_any(rp_conn *conn, const uint8_t *data, size_t size)
{
    (void)conn;
    (void)data;
    (void)size;
    fail_msg("the server says something");
}

static void ended_many(rp_conn *conn, const rp_error *end)
{
    const session *s = conn->session;
    rp_error error = {.status = RP_E_CLOSED_EARLY, .phase = RP_PHASE_HEAD, .text = "gone"};
    (void)end;
    rp_conn_close(conn);
    while (s->count > 0) {
        rp_request *request = s->requests[0];
        take(conn, request);
        rp_conn_lost(conn, request, keeps_unproved ? RP_FATE_UNPROCESSED : RP_FATE_UNKNOWN, &error);
    }
}

static const rp_protocol many = {
    .alpn = "many",
    .version = 99,
    .begin = begin_many,
    .end = end_many,
    .room = room_of,
    .start = start_one,
    .abandon = abandon_one,
    .consume = consume_none,
    .bytes_sent = sent_of,
    .moved_ns = moved_never,
    .confirmed = confirmed_all,
    .received = received_any,
    .ended = ended_many,
};

/* ---- the scene ---- */

typedef struct scene {
    web w;
    fetch all[FETCHES];
    rp_deferred later;
    rp_request *answered;
} scene;

static scene *begin(const rp_client_options *client)
{
    scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    takes = MANY;
    keeps_unproved = false;
    web_begin(&s->w, 0, &(server_options){.raw_mode = true, .raw_waits = true}, client);
    s->w.client->only = &many;
    return s;
}

static void end(scene *s)
{
    web_end(&s->w);
    free(s);
}

static void start(scene *s, unsigned first, unsigned count, const rp_request_options *options)
{
    for (unsigned i = first; i < first + count; i++)
        assert_true(fetch_start(&s->all[i], &s->w, "/", options));
}

static rp_origin *origin_of(const scene *s)
{
    const rp_client *client = s->w.client;
    assert_int_equal(client->origin_count, 1);
    for (size_t i = 0; i < client->bucket_count; i++) {
        if (client->buckets[i] != NULL)
            return client->buckets[i];
    }
    return NULL;
}

static unsigned active(const scene *s)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FETCHES; i++)
        count += s->all[i].request != NULL && s->all[i].request->conn != NULL;
    return count;
}

static void answer_now(rp_deferred *deferred)
{
    static const rp_response_head head = {.status = 200, .version = 99, .reason = ""};
    scene *s = RP_CONTAINER(deferred, scene, later);
    rp_request *request = s->answered;
    rp_conn *conn = request->conn;
    rp_request_moved(request);
    rp_request_head(request, &head);
    request->events->on_head(request, &head, request->user);
    take(conn, request);
    conn->idle_since_ns = rp_loop_now_ns(s->w.loop);
    rp_conn_room_changed(conn);
    rp_request_finish(request, NULL);
}

static void answer(scene *s, unsigned which)
{
    s->answered = s->all[which].request;
    rp_loop_defer(s->w.loop, &s->later, answer_now);
    UNTIL(s->w.loop, s->all[which].dones == 1);
    assert_int_equal(s->all[which].status, 200);
    assert_int_equal(s->all[which].error.status, RP_OK);
}

static void answer_all(scene *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        answer(s, i);
}

/* ---- tests ---- */

/* Once it is known that a connection takes a hundred, 251 requests need three. */
static void test_no_more_connections_than_needed(void **state)
{
    scene *s = begin(NULL);
    (void)state;
    start(s, 0, 1, NULL);
    UNTIL(s->w.loop, active(s) == 1);
    const rp_origin *origin = origin_of(s);
    assert_int_equal(origin->idle_count, 0);
    start(s, 1, 250, NULL);
    assert_int_equal(active(s), MANY); /* at once, on the one that is there */
    assert_int_equal(origin->conn_count, 3);
    UNTIL(s->w.loop, active(s) == 251);
    assert_int_equal(origin->conn_count, 3);
    assert_int_equal(origin->open_count, 3);
    assert_int_equal(origin->idle_count, 0);
    answer_all(s, 251);
    assert_int_equal(origin->idle_count, 3);
    assert_int_equal(s->w.client->idle_count, 3);
    end(s);
}

/* The number is asked anew, and the queue follows it, in its order. */
static void test_room_changes(void **state)
{
    rp_client_options one = {.connections_per_origin = 1};
    scene *s = begin(&one);
    (void)state;
    takes = 1;
    start(s, 0, 6, NULL);
    UNTIL(s->w.loop, active(s) == 1);
    rp_conn *conn = s->all[0].request->conn;
    takes = 3;
    rp_conn_room_changed(conn);
    assert_int_equal(active(s), 3);
    assert_ptr_equal(s->all[2].request->conn, conn);
    assert_true(rp_list_empty(&conn->ready_link));
    takes = 2;
    answer(s, 1); /* 2 are left: still no room */
    assert_int_equal(active(s), 2);
    answer(s, 0);
    assert_int_equal(active(s), 2);
    assert_ptr_equal(s->all[3].request->conn, conn);
    takes = MANY;
    rp_conn_room_changed(conn);
    assert_int_equal(active(s), 4);
    assert_false(rp_list_empty(&conn->ready_link));
    assert_true(rp_list_empty(&conn->age_link));
    for (unsigned i = 2; i < 6; i++)
        answer(s, i);
    assert_false(rp_list_empty(&conn->age_link));
    end(s);
}

/* A request that leaves takes nobody with it. */
static void test_one_cancelled(void **state)
{
    scene *s = begin(NULL);
    (void)state;
    start(s, 0, 1, NULL);
    UNTIL(s->w.loop, active(s) == 1);
    rp_conn *conn = s->all[0].request->conn;
    start(s, 1, 2, NULL);
    fetch_cancel(&s->all[1]);
    fetch_wait(&s->all[1]);
    assert_int_equal(s->all[1].error.status, RP_E_CANCELLED);
    assert_false(s->all[1].error.replay_safe);
    assert_int_equal(conn->in_flight, 2);
    answer(s, 0);
    answer(s, 2);
    assert_int_equal(origin_of(s)->idle_count, 1);
    end(s);
}

/* Of a connection that is lost unprocessed requests go elsewhere, whatever their method. */
static void test_lost_unprocessed(void **state)
{
    rp_request_options post = {.method = "POST"};
    scene *s = begin(NULL);
    (void)state;
    start(s, 0, 1, NULL);
    UNTIL(s->w.loop, active(s) == 1);
    start(s, 1, 3, &post);
    const rp_conn *lost = s->all[0].request->conn;
    keeps_unproved = true;
    server_drop(s->w.server, false);
    UNTIL(s->w.loop, s->all[0].request->conn != lost && active(s) == 4);
    keeps_unproved = false;
    for (unsigned i = 0; i < 4; i++) {
        answer(s, i);
        assert_int_equal(s->all[i].summary.attempts, 2);
    }
    end(s);
}

/* Where the fate is unknown, a GET goes out once more, and whoever sent a POST is told. The first
 * on the connection gets no second chance: that end is news about the server. */
static void test_lost_unknown(void **state)
{
    rp_request_options post = {.method = "POST"};
    scene *s = begin(NULL);
    (void)state;
    start(s, 0, 1, NULL);
    UNTIL(s->w.loop, active(s) == 1);
    start(s, 1, 1, NULL);
    start(s, 2, 1, &post);
    server_drop(s->w.server, false);
    fetch_wait(&s->all[0]);
    fetch_wait(&s->all[2]);
    assert_int_equal(s->all[0].error.status, RP_E_CLOSED_EARLY);
    assert_int_equal(s->all[2].error.status, RP_E_STALE_CONNECTION);
    assert_false(s->all[0].error.replay_safe || s->all[2].error.replay_safe);
    UNTIL(s->w.loop, active(s) == 1);
    answer(s, 1);
    assert_int_equal(s->all[1].summary.attempts, 2);
    end(s);
}

/* Only a connection that nobody uses makes room for another. */
static void test_room_is_made_of_idle_ones(void **state)
{
    rp_client_options two = {.connections_total = 2};
    rp_request_options other = {.url = NULL};
    char url[64];
    scene *s = begin(&two);
    (void)state;
    takes = 2;
    start(s, 0, 3, NULL);
    UNTIL(s->w.loop, active(s) == 3);
    assert_int_equal(origin_of(s)->conn_count, 2);
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", server_port(s->w.server));
    other.url = url;
    start(s, 3, 1, &other);
    (void)rp_loop_turn(s->w.loop, 10);
    assert_null(s->all[3].request->conn);
    const rp_conn *alone = s->all[2].request->conn; /* has room, and is in use */
    assert_ptr_not_equal(alone, s->all[0].request->conn);
    assert_int_equal(alone->in_flight, 1);
    answer(s, 2);
    UNTIL(s->w.loop, s->all[3].request->conn != NULL);
    answer(s, 3);
    answer(s, 0);
    answer(s, 1);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_no_more_connections_than_needed),
        fixture_test(test_room_changes),
        fixture_test(test_one_cancelled),
        fixture_test(test_lost_unprocessed),
        fixture_test(test_lost_unknown),
        fixture_test(test_room_is_made_of_idle_ones),
    };
    return fixture_run(tests);
}
