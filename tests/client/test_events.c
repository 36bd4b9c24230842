/* test_events.c - server-sent events through the client, over HTTP/1.1 and HTTP/2: however the
 * bytes are cut on their way, encoded or not; silence, the next request, limits, who ends what. */
#include "support/check.h"
#include "support/scene.h"

#include <string.h>

/* What the server says, and what comes of it: both kinds of marks at the beginning, all line ends,
 * an id that is none, a comment, a retry, and an event that is not whole. */
static const char stream[] = "\xef\xbb\xbf: hello\r\n\r\n"
                             "id: 1\r\ndata: one\rdata: more\n\n"
                             "event: add\rid: 2\0x\rretry: 1500\r\rdata: \xc3\xa4\r\n\r\n"
                             ":\n\nid: 3\ndata\n\nid: 4\ndata: lost\n";
#define STREAM_SIZE (sizeof(stream) - 1)
enum { FIRST_EVENT = 43 };
static const char told_of_it[] = "message|one\nmore|1\nmessage|\xc3\xa4|1\nmessage||3\n";

/* zlib's, with what came so far written out (Z_SYNC_FLUSH) behind the first event and at the end of
 * all, and without an end of the encoded data. */
enum { FLUSHED_FIRST = 29 };
static const uint8_t flushed[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x4a, 0x49, 0x2c, 0x49, 0xb4, 0x52,
    0x48, 0xcb, 0x2c, 0x2a, 0x2e, 0xe1, 0xe2, 0x02, 0x00, 0x00, 0x00, 0xff, 0xff, 0x4a, 0x01, 0x73,
    0x8a, 0x53, 0x93, 0xf3, 0xf3, 0x52, 0xb8, 0xb8, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
};

/* ---- a server ---- */

typedef struct script {
    const void *body;
    size_t size, cut;            /* two pieces; 0: one of each byte */
    bool held;                   /* the records share a segment */
    bool pauses;                 /* between the pieces */
    bool encoded, waits;         /* there until an event was told */
    uint64_t comments, every_ms; /* behind the body, and then silence */
    rp_sim_ending ending;
} script;

static script saying;
static char last_ids[256]; /* that requests had, a line each; "-": none */
static rp_sim_exchange *waiting;

static void say_rest(rp_sim_exchange *x)
{
    if (saying.cut < saying.size)
        rp_sim_data(x, (const char *)saying.body + saying.cut, saying.size - saying.cut);
    for (uint64_t i = 0; i < saying.comments; i++) {
        rp_sim_wait(x, saying.every_ms);
        rp_sim_data(x, ":\n", 2);
    }
    if (saying.ending != RP_SIM_END_STALLED)
        rp_sim_end(x, saying.ending);
}

static void answer(rp_sim_exchange *x, void *user)
{
    const char *id = rp_sim_header(x, "last-event-id");
    size_t used = strlen(last_ids);
    (void)user;
    (void)snprintf(last_ids + used, sizeof(last_ids) - used, "%s\n", id == NULL ? "-" : id);
    if (saying.body == NULL) {
        rp_sim_respond(x, 204, NULL, NULL, 0);
        return;
    }
    rp_sim_head(x, 200,
                saying.encoded ? "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                               : "Content-Type: text/event-stream\r\n",
                RP_SIM_SIZE_UNKNOWN);
    if (saying.held)
        rp_sim_hold(x);
    for (size_t at = 0; saying.cut == 0 && at < saying.size; at++)
        rp_sim_data(x, (const char *)saying.body + at, 1);
    if (saying.cut > 0)
        rp_sim_data(x, saying.body, saying.cut);
    else
        saying.cut = saying.size;
    if (saying.pauses)
        rp_sim_wait(x, 20);
    waiting = saying.waits ? x : NULL;
    if (!saying.waits)
        say_rest(x);
}

static void gone(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (waiting == x)
        waiting = NULL;
}

static const rp_sim_server_options serving = {.on_request = answer, .on_gone = gone};

/* ---- a client that hears it ---- */

typedef enum deed { NOTHING, CANCEL, DESTROY_READER, DESTROY_CLIENT } deed;

typedef struct hearer {
    web *web;
    rp_request *request;
    rp_event_reader *reader;
    deed deed; /* in on_event */
    unsigned events, dones;
    int status;
    size_t body_bytes;
    char told[2048];
    rp_status fed; /* what the reader said last */
    rp_error feed_error, error;
} hearer;

static void on_event(const rp_event *event, void *user)
{
    hearer *l = user;
    size_t used = strlen(l->told);
    l->events++;
    (void)snprintf(l->told + used, sizeof(l->told) - used, "%s|%s|%s\n", event->type, event->data,
                   event->id);
    if (l->deed == CANCEL) {
        rp_request_cancel(l->request);
    } else if (l->deed == DESTROY_READER) {
        rp_event_reader_destroy(l->reader);
        l->reader = NULL;
        rp_request_cancel(l->request);
    } else if (l->deed == DESTROY_CLIENT) {
        rp_client_destroy(l->web->client);
        l->web->client = NULL;
    }
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    hearer *l = user;
    const char *type = rp_header_value(head->headers, head->header_count, "Content-Type", 0);
    l->status = head->status;
    if (head->status == 200 && (type == NULL || strcmp(type, "text/event-stream") != 0))
        rp_request_cancel(request);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    hearer *l = user;
    CHECK(l->dones == 0);
    l->body_bytes += size;
    l->fed = rp_event_reader_feed(l->reader, data, size, &l->feed_error);
    if (l->fed != RP_OK)
        rp_request_cancel(request);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    hearer *l = user;
    (void)request;
    l->error = summary->error != NULL ? *summary->error : (rp_error){.status = RP_OK};
    l->dones++;
}

static const rp_response_events events = {on_head, on_body, on_done};

static void begin(hearer *l, scene *s, const rp_event_reader_options *given)
{
    rp_event_reader_options options = {.on_event = NULL};
    if (given != NULL)
        options = *given;
    options.on_event = on_event;
    options.user = l;
    *l = (hearer){.web = &s->web};
    assert_int_equal(rp_event_reader_create(&l->reader, s->web.loop, &options, NULL), RP_OK);
}

/* The next request, as guide-events.md has it. */
static void listen_to(hearer *l, scene *s, rp_request_options options)
{
    rp_header headers[2] = {{"Accept", "text/event-stream"}, {"Last-Event-ID", NULL}};
    rp_error error;
    headers[1].value = rp_event_reader_last_id(l->reader);
    rp_event_reader_restart(l->reader);
    options.url = scene_url(s, "/");
    options.headers = headers;
    options.header_count = headers[1].value[0] == '\0' ? 1 : 2;
    l->dones = 0;
    l->body_bytes = 0;
    l->request = rp_client_send(s->web.client, &options, &events, l, &error);
    CHECK_TEXT(l->request != NULL, error.text);
}

static void hear(hearer *l, scene *s, rp_request_options options)
{
    listen_to(l, s, options);
    UNTIL(s->web.loop, l->dones == 1);
}

/* Plain and encrypted HTTP/1.1, and HTTP/2. */
static void each(void (*test)(scene *s))
{
    for (int i = 0; i < 3; i++) {
        rp_sim_server_options options = serving;
        scene s;
        options.versions = i == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
        last_ids[0] = '\0';
        scene_begin(&s, i == 0 ? 0 : 13, &options, NULL);
        test(&s);
        scene_end(&s);
    }
}

/* ---- the bytes ---- */

static void all_cuts(scene *s)
{
    for (size_t cut = 0; cut < STREAM_SIZE; cut++) {
        hearer l;
        saying = (script){.body = stream, .size = STREAM_SIZE, .cut = cut, .held = cut % 2 == 1};
        begin(&l, s, NULL);
        hear(&l, s, (rp_request_options){0});
        assert_int_equal(l.error.status, RP_OK);
        assert_string_equal(l.told, told_of_it);
        assert_string_equal(rp_event_reader_last_id(l.reader), "3");
        assert_int_equal(rp_event_reader_retry_ms(l.reader), 1500);
        rp_event_reader_destroy(l.reader);
    }
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_cuts(void **state)
{
    (void)state;
    each(all_cuts);
}

/* One byte of credit, or a few, that come back when they were read. */
static void all_credits(scene *s)
{
    for (size_t credit = 1; credit < STREAM_SIZE; credit += 29) {
        hearer l;
        size_t back = 0;
        saying = (script){.body = stream, .size = STREAM_SIZE, .cut = 40, .held = true};
        begin(&l, s, NULL);
        listen_to(&l, s, (rp_request_options){.receive_credit_bytes = credit});
        while (l.dones == 0) {
            (void)rp_loop_turn(s->web.loop, 1);
            assert_true(l.body_bytes - back <= credit);
            if (l.dones == 0 && l.body_bytes > back)
                rp_request_consume(l.request, l.body_bytes - back);
            back = l.body_bytes;
        }
        assert_string_equal(l.told, told_of_it);
        rp_event_reader_destroy(l.reader);
    }
}

static void test_credit(void **state)
{
    (void)state;
    each(all_credits);
}

/* An event is told when its bytes are there, though the encoded data goes on. */
static void encoded(scene *s)
{
    for (size_t cut = 0; cut <= FLUSHED_FIRST; cut++) {
        hearer l;
        saying = (script){.body = flushed, .size = sizeof(flushed), .cut = cut, .encoded = true};
        saying.waits = cut == FLUSHED_FIRST;
        begin(&l, s, NULL);
        listen_to(&l, s, (rp_request_options){.decompress = true});
        if (saying.waits) {
            UNTIL(s->web.loop, l.events == 1 && waiting != NULL);
            say_rest(waiting);
        }
        UNTIL(s->web.loop, l.dones == 1);
        assert_string_equal(l.told, "message|first|\nmessage|second|\n");
        assert_int_equal(l.error.status, RP_E_DECODE_FAILED); /* it broke off */
        assert_int_equal(l.fed, RP_OK);
        rp_event_reader_destroy(l.reader);
    }
}

static void test_encoded(void **state)
{
    (void)state;
    each(encoded);
}

/* ---- silence ---- */

/* Comments count as signs of life, for the hours that they come; then there is none. */
static void comments(scene *s)
{
    uint64_t scale = fixture_simulated() ? 1000 : 1;
    hearer l;
    saying = (script){.body = "data: x\n\n", .size = 9, .cut = 9, .ending = RP_SIM_END_STALLED};
    saying.comments = fixture_simulated() ? 500 : 2;
    saying.every_ms = 20 * scale;
    begin(&l, s, NULL);
    listen_to(&l, s, (rp_request_options){.idle_timeout_ms = 30 * scale});
    while (l.dones == 0) /* longer than UNTIL would wait */
        (void)rp_loop_turn(s->web.loop, 1000);
    assert_int_equal(l.error.status, RP_E_IDLE_TIMEOUT);
    assert_string_equal(l.told, "message|x|\n");
    if (fixture_simulated()) /* a busy machine may be late with them */
        assert_int_equal(l.body_bytes, 9 + 2 * 500);
    rp_event_reader_destroy(l.reader);
}

static void test_comments(void **state)
{
    (void)state;
    each(comments);
}

/* ---- the next request ---- */

static void reconnects(scene *s)
{
    static const rp_sim_ending endings[] = {RP_SIM_KEEP, RP_SIM_CLOSE, RP_SIM_END_TRUNCATED};
    hearer l;
    begin(&l, s, NULL);
    for (size_t i = 0; i < 3; i++) {
        saying = (script){.body = stream, .size = STREAM_SIZE, .cut = 40, .ending = endings[i]};
        hear(&l, s, (rp_request_options){0});
        assert_int_equal(l.status, 200);
        assert_int_equal(l.events, 3 * (i + 1));
    }
    /* One that ends in the middle of a line, and of a mark at the beginning. */
    saying = (script){.body = "\xef\xbb\xbf"
                              "data: y\n\nid: 9\r",
                      .size = 18,
                      .cut = 2};
    hear(&l, s, (rp_request_options){0});
    saying = (script){.body = "\xef\xbb\xbf", .size = 3, .cut = 2};
    hear(&l, s, (rp_request_options){0});
    saying = (script){.body = "\n\ndata: z\nid\n\n", .size = 14, .cut = 1};
    hear(&l, s, (rp_request_options){0});
    assert_int_equal(l.events, 11);
    assert_non_null(strstr(l.told, "message|y|3\nmessage|z|\n"));
    saying.body = NULL;
    hear(&l, s, (rp_request_options){0});
    assert_int_equal(l.status, 204);
    assert_int_equal(l.error.status, RP_OK);
    assert_int_equal(l.body_bytes, 0);
    assert_string_equal(last_ids, "-\n3\n3\n3\n3\n3\n-\n");
    assert_int_equal(rp_event_reader_retry_ms(l.reader), 1500);
    rp_event_reader_destroy(l.reader);
}

static void test_reconnects(void **state)
{
    (void)state;
    each(reconnects);
}

/* ---- limits ---- */

enum { ENDLESS = 100000 };

static void limited(scene *s)
{
    static char endless[ENDLESS];
    static const rp_event_reader_options limits = {.line_limit_bytes = 3000,
                                                   .event_limit_bytes = 2000};
    memset(endless, 'x', sizeof(endless));
    for (int i = 0; i < 2; i++) {
        hearer l;
        for (size_t at = 0; at < ENDLESS && i == 1; at += 100)
            memcpy(endless + at, "\ndata:", 6);
        saying = (script){.body = endless, .size = ENDLESS, .cut = 1500};
        begin(&l, s, &limits);
        hear(&l, s, (rp_request_options){0});
        assert_int_equal(l.error.status, RP_E_CANCELLED);
        assert_int_equal(l.fed, RP_E_BODY_TOO_LARGE);
        assert_string_equal(
            l.feed_error.text,
            i == 0 ? "the server's line of an event is longer than the limit of 3000 bytes"
                   : "the server's event is longer than the limit of 2000 bytes");
        assert_int_equal(l.events, 0);
        saying = (script){.body = stream, .size = STREAM_SIZE, .cut = 1};
        l.fed = RP_OK;
        hear(&l, s, (rp_request_options){0});
        assert_string_equal(l.told, told_of_it);
        rp_event_reader_destroy(l.reader);
    }
}

static void test_limits(void **state)
{
    (void)state;
    each(limited);
}

/* ---- who ends what ---- */

static void ended(scene *s)
{
    for (deed d = CANCEL; d <= DESTROY_CLIENT; d++) {
        hearer l;
        saying = (script){.body = stream, .size = STREAM_SIZE, .cut = FIRST_EVENT, .pauses = true};
        begin(&l, s, NULL);
        l.deed = d;
        hear(&l, s, (rp_request_options){0});
        assert_int_equal(l.error.status, RP_E_CANCELLED);
        /* What came with it is told all the same, but not by a reader that there is no more. */
        assert_true(l.events == 1 || (l.events == 3 && d != DESTROY_READER));
        if (fixture_simulated())
            assert_int_equal(l.events, 1);
        rp_event_reader_destroy(l.reader);
    }
}

static void test_ended(void **state)
{
    (void)state;
    each(ended);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_cuts),     fixture_test(test_credit),     fixture_test(test_encoded),
        fixture_test(test_comments), fixture_test(test_reconnects), fixture_test(test_limits),
        fixture_test(test_ended),
    };
    return fixture_run_simulated(tests, 2);
}
