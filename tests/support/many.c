/* many.c - see many.h. */
#include "support/many.h"

#include "client/origin.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- the protocol ---- */

typedef struct session {
    rp_request *requests[MANY];
    uint32_t count, limit;
} session;

uint32_t many_takes;
bool many_says_late, many_keeps_nothing;

static bool begin(rp_conn *conn)
{
    session *s = conn->session = calloc(1, sizeof(session));
    CHECK(s != NULL);
    s->limit = many_says_late ? MANY : many_takes;
    if (!many_says_late)
        rp__conn_takes(conn, many_takes);
    return true;
}

static void end(rp_conn *conn)
{
    CHECK(((session *)conn->session)->count == 0);
    free(conn->session);
}

static uint32_t room(const rp_conn *conn)
{
    const session *s = conn->session;
    return s->count < s->limit ? s->limit - s->count : 0;
}

static void start(rp_conn *conn, rp_request *request)
{
    session *s = conn->session;
    CHECK(s->count < s->limit && s->count < MANY);
    s->requests[s->count++] = request;
    rp__conn_serves(conn, request);
    rp__request_on_sent(request);
}

static void take(rp_conn *conn, rp_request *request)
{
    session *s = conn->session;
    uint32_t at = 0;
    while (s->requests[at] != request)
        CHECK(++at < s->count);
    s->count--;
    memmove(&s->requests[at], &s->requests[at + 1], (s->count - at) * sizeof(rp_request *));
    rp__conn_detach(conn, request);
    conn->idle_since_ns = rp__loop_now_ns(conn->client->loop);
}

static void abandon(rp_conn *conn, rp_request *request)
{
    take(conn, request);
    rp__conn_room_changed(conn);
}

static void consume(rp_conn *conn, rp_request *request, size_t size)
{
    (void)conn;
    (void)request;
    (void)size;
}

/* Each has sent a byte. */
static uint64_t bytes_sent(const rp_conn *conn, const rp_request *request)
{
    (void)conn;
    (void)request;
    return 1;
}

static uint64_t moved_ns(const rp_conn *conn, const rp_request *request)
{
    (void)conn;
    (void)request;
    return 0;
}

static uint64_t confirmed(const rp_conn *conn, const rp_request *request, bool *all)
{
    (void)conn;
    (void)request;
    *all = true;
    return 0;
}

static void received(rp_conn *conn, const uint8_t *data, size_t size)
{
    (void)conn;
    (void)data;
    (void)size;
    fail_msg("the server says something");
}

static void ended(rp_conn *conn, const rp_error *why)
{
    const session *s = conn->session;
    rp_fate fate = many_keeps_nothing ? RP_FATE_UNPROCESSED : RP_FATE_UNKNOWN;
    rp_error error = {.status = RP_E_CLOSED_EARLY, .phase = RP_PHASE_HEAD, .text = "gone"};
    (void)why;
    rp__conn_close(conn);
    while (s->count > 0) {
        rp_request *request = s->requests[0];
        take(conn, request);
        rp__conn_lost(conn, request, fate, &error);
    }
}

static const rp_protocol protocol = {
    .alpn = "many",
    .version = 99,
    .multiplexed = true,
    .begin = begin,
    .end = end,
    .room = room,
    .start = start,
    .abandon = abandon,
    .consume = consume,
    .bytes_sent = bytes_sent,
    .moved_ns = moved_ns,
    .confirmed = confirmed,
    .received = received,
    .ended = ended,
};

/* ---- the scene ---- */

many *many_begin(const rp_client_options *with)
{
    server_options serving = {.raw_mode = true, .raw_waits = true};
    rp_client_options client = {0};
    many *m = calloc(1, sizeof(*m));
    CHECK(m != NULL);
    if (with != NULL)
        client = *with;
    client.http2_prior_knowledge = true; /* it is not known how many requests connections take */
    many_takes = MANY;
    many_says_late = many_keeps_nothing = false;
    web_begin(&m->w, 0, &serving, &client);
    m->w.client->http2 = &protocol;
    return m;
}

void many_end(many *m)
{
    web_end(&m->w);
    free(m);
}

rp_origin *many_origin(const many *m)
{
    const rp_client *client = m->w.client;
    CHECK(client->origin_count == 1);
    for (size_t i = 0; i < client->bucket_count; i++) {
        if (client->buckets[i] != NULL)
            return client->buckets[i];
    }
    return NULL;
}

void many_start(many *m, unsigned first, unsigned count, const rp_request_options *options)
{
    for (unsigned i = first; i < first + count; i++) {
        m->all[i] = (fetch){.user = m->all[i].user};
        CHECK(fetch_start(&m->all[i], &m->w, "/", options));
    }
}

rp_conn *many_conn(const many *m, unsigned which)
{
    const rp_request *request = m->all[which].request;
    return request != NULL ? request->conn : NULL;
}

unsigned many_active(const many *m)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MANY_FETCHES; i++)
        count += many_conn(m, i) != NULL;
    return count;
}

void many_until_active(many *m, unsigned count)
{
    UNTIL(m->w.loop, many_active(m) == count);
}

void many_drop(many *m, unsigned connections)
{
    UNTIL(m->w.loop, atomic_load(&web_counts(&m->w)->connections) >= connections);
    server_drop(m->w.server, false);
}

static void time_is_over(rp_timer *timer, void *user)
{
    bool *over = user;
    (void)timer;
    *over = true;
}

void many_turn_ms(many *m, unsigned ms)
{
    bool over = false;
    rp_timer timer = {0};
    rp_timer_start(m->w.loop, &timer, ms, time_is_over, &over);
    UNTIL(m->w.loop, over);
}

void many_say(rp_conn *conn, uint32_t count)
{
    ((session *)conn->session)->limit = count;
    rp__conn_takes(conn, count);
}

void many_room(rp_conn *conn, uint32_t count)
{
    ((session *)conn->session)->limit = count;
    rp__conn_room_changed(conn);
}

/* ---- what happens in a turn ---- */

static void head_comes(rp_deferred *deferred)
{
    many *m = RP_CONTAINER(deferred, many, later);
    rp_response_head head = {.status = m->status, .version = 99, .reason = ""};
    rp_request *request = m->subject;
    rp_conn *conn = request->conn;
    m->happened = true;
    rp__request_on_moved(request);
    rp__request_on_head(request, &head);
    if (request->conn != conn)
        return;
    take(conn, request);
    rp__conn_room_changed(conn);
    if (m->error.status == RP_OK)
        rp__request_finish(request, NULL);
    else
        rp__conn_lost(conn, request, RP_FATE_UNPROCESSED, &m->error);
}

static void request_comes_back(rp_deferred *deferred)
{
    many *m = RP_CONTAINER(deferred, many, later);
    rp_request *request = m->subject;
    rp_conn *conn = request->conn;
    m->happened = true;
    take(conn, request);
    rp__conn_room_changed(conn);
    rp__conn_lost(conn, request, m->fate, &m->error);
}

static void happens(many *m, unsigned which, void (*fn)(rp_deferred *deferred))
{
    m->subject = m->all[which].request;
    m->happened = false;
    rp__loop_defer(m->w.loop, &m->later, fn);
    UNTIL(m->w.loop, m->happened);
}

void many_head(many *m, unsigned which, int status)
{
    m->status = status;
    m->error.status = RP_OK;
    happens(m, which, head_comes);
}

static rp_error error_of(uint32_t h2_code)
{
    return (rp_error){.status = RP_E_H2_RESET,
                      .phase = RP_PHASE_HEAD,
                      .tls_alert = -1,
                      .h2_code = h2_code,
                      .text = "the server would not"};
}

void many_break_off(many *m, unsigned which, uint32_t h2_code)
{
    m->status = 200;
    m->error = error_of(h2_code);
    happens(m, which, head_comes);
}

void many_answer(many *m, unsigned which)
{
    many_head(m, which, 200);
    CHECK(m->all[which].dones == 1 && m->all[which].status == 200);
    CHECK(m->all[which].error.status == RP_OK);
}

void many_answer_all(many *m, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        many_answer(m, i);
}

void many_give_back(many *m, unsigned which, rp_fate fate, uint32_t h2_code)
{
    m->fate = fate;
    m->error = error_of(h2_code);
    happens(m, which, request_comes_back);
}
