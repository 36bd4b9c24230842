/* test_orders.c - loop, client, stream, TLS configuration and resolver are destroyed in every
 * order, whatever is under way; and what the calls on those that are left answer.
 *
 * What a loop leaves behind, its destroy or the leak sanitizer finds. */
#include "support/web.h"

#include <stdlib.h>
#include <string.h>

typedef enum part { LOOP, CLIENT, STREAM, CONFIG, RESOLVER, PARTS } part;

typedef enum situation {
    NOTHING, /* was ever started */
    IDLE,    /* a connection, after its answer */
    STARTED, /* requests and a stream, and no turn since */
    UNDER_WAY,
    SITUATIONS
} situation;

enum { FETCHES = 4 };

typedef struct orders {
    web w;
    rp_resolver *resolver;
    fetch all[FETCHES];
    unsigned started;
    probe stream;
    rp_timer timer, internal;
    rp_post post;
    bool loop_gone;
    unsigned posted;
    bool in_callback; /* what is left is destroyed from the callbacks that the loop's end makes */
} orders;

static uint8_t *data;
enum { SIZE = 300000 };

static void count_post(rp_post *post, void *user)
{
    orders *o = user;
    (void)post;
    o->posted++;
}

static void never(rp_timer *timer, void *user)
{
    (void)timer;
    (void)user;
    fail_msg("a timer of a loop that ends fired");
}

static void take_apart(orders *o, part which);

static void apart_here(fetch *f)
{
    orders *o = f->user;
    if (!o->in_callback)
        return;
    take_apart(o, CLIENT);
    take_apart(o, RESOLVER);
    take_apart(o, CONFIG);
}

static void start_one(orders *o, const char *path, const rp_request_options *options)
{
    fetch *f = &o->all[o->started++];
    f->user = o;
    f->on_done = apart_here;
    assert_true(fetch_start(f, &o->w, path, options));
}

/* An upload, an answer without an end, one that waits for their connections, and one that waits
 * for a name. */
static void start_all(orders *o)
{
    start_one(o, "/echo", &(rp_request_options){.body = data, .body_size = SIZE});
    start_one(o, "/stall", NULL);
    start_one(o, "/hello", &(rp_request_options){.total_timeout_ms = 60000});
    start_one(o, "", &(rp_request_options){.url = "http://pending.test/"});
    rp_stream_options options = {.host = "127.0.0.1",
                                 .port = server_port(o->w.server),
                                 .tls = o->w.client_tls,
                                 .resolver = o->resolver};
    assert_int_equal(probe_open(&o->stream, o->w.loop, &options), RP_OK);
    assert_int_equal(probe_write(&o->stream, data, SIZE), RP_OK);
}

static void orders_begin(orders *o, int version, situation now)
{
    rp_resolver_options asks = {.servers = "127.0.0.1:9"};
    rp_client_options options = {.connections_per_origin = 2};
    memset(o, 0, sizeof(*o));
    assert_int_equal(rp_resolver_create(&o->resolver, &asks, NULL), RP_OK);
    options.resolver = o->resolver;
    web_begin_apart(&o->w, version, NULL, &options);
    if (now == IDLE) {
        fetch first = {0};
        fetch_good(&first, &o->w, "/hello", NULL, 200);
    } else if (now != NOTHING) {
        start_all(o);
    }
    for (unsigned i = 0; now == UNDER_WAY && i < 6; i++)
        (void)rp_loop_turn(o->w.loop, 2);
    rp_timer_start(o->w.loop, &o->timer, 1000000, never, o);
    rp__timer_start_internal(o->w.loop, &o->internal, 1000000, never, o);
    o->post = (rp_post){.fn = count_post, .user = o};
    rp_loop_post(o->w.loop, &o->post);
}

/* Each of these says what an object is worth without its loop. */
static void assert_refused(orders *o)
{
    rp_request_options options = {.url = "http://127.0.0.1/"};
    rp_collected collected = {0};
    rp_error error = {.status = RP_OK};
    assert_null(rp_client_send(o->w.client, &options, &rp_collect_events, &collected, &error));
    assert_int_equal(error.status, RP_E_MISUSE);
    assert_non_null(strstr(error.text, "loop was destroyed"));
}

static void destroy_loop(orders *o)
{
    o->loop_gone = true;
    o->stream.closing = true; /* by the loop's end */
    rp_loop_destroy(o->w.loop);
    assert_int_equal(o->posted, 1);
    for (unsigned i = 0; i < o->started; i++)
        assert_int_equal(o->all[i].dones, 1);
    assert_null(o->stream.stream); /* on_close came */
    rp_timer_stop(o->w.loop, &o->timer);
    rp_timer_stop(o->w.loop, &o->internal);
    o->w.loop = NULL;
    if (o->w.client != NULL)
        assert_refused(o);
}

static void destroy_client(orders *o)
{
    rp_client *client = o->w.client;
    o->w.client = NULL;
    o->w.starting++; /* nothing completes in here */
    rp_client_destroy(client);
    o->w.starting--;
}

static void take_apart(orders *o, part which)
{
    switch (which) {
    case LOOP:
        destroy_loop(o);
        break;
    case CLIENT:
        destroy_client(o);
        break;
    case STREAM:
        if (o->stream.stream != NULL)
            probe_close(&o->stream);
        break;
    case CONFIG:
        rp_tls_config_release(o->w.client_tls);
        o->w.client_tls = NULL;
        break;
    default:
        rp_resolver_release(o->resolver);
        o->resolver = NULL;
        break;
    }
}

static void orders_end(orders *o)
{
    server_stop(o->w.server);
    rp_tls_config_release(o->w.server_tls);
}

/* ---- every order ---- */

static void swap(part *a, part *b)
{
    part kept = *a;
    *a = *b;
    *b = kept;
}

/* The next one in the order of the dictionary; false: that was the last. */
static bool next_order(part *order)
{
    int i = PARTS - 2, j = PARTS - 1;
    while (i >= 0 && order[i] > order[i + 1])
        i--;
    if (i < 0)
        return false;
    while (order[j] < order[i])
        j--;
    swap(&order[i], &order[j]);
    for (int first = i + 1, last = PARTS - 1; first < last; first++, last--)
        swap(&order[first], &order[last]);
    return true;
}

static void in_every_order(int version, situation now, bool turns_between)
{
    part order[PARTS] = {LOOP, CLIENT, STREAM, CONFIG, RESOLVER};
    do {
        orders o;
        orders_begin(&o, version, now);
        for (int i = 0; i < PARTS; i++) {
            take_apart(&o, order[i]);
            if (turns_between && !o.loop_gone)
                (void)rp_loop_turn(o.w.loop, 0);
        }
        orders_end(&o);
    } while (next_order(order));
}

static const int versions[] = {0, 13};

static void test_every_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        for (situation now = NOTHING; now < SITUATIONS; now++)
            in_every_order(versions[i], now, now != STARTED);
    }
}

/* The loop goes, and everything else from the callbacks that this makes. */
static void test_from_the_last_callbacks(void **state)
{
    (void)state;
    for (situation now = STARTED; now < SITUATIONS; now++) {
        orders o;
        orders_begin(&o, 13, now);
        o.in_callback = true;
        destroy_loop(&o);
        assert_null(o.w.client);
        orders_end(&o);
    }
}

/* ---- what is started while the loop ends ---- */

typedef struct latecomer {
    rp_loop *loop;
    rp_client *client;
    rp_post post;
    rp_timer timer;
    unsigned refused;
} latecomer;

static void open_ignored(rp_stream *stream, const rp_error *error, void *user)
{
    (void)stream;
    (void)error;
    (void)user;
}

static void start_everything(rp_post *post, void *user)
{
    static const rp_stream_events events = {.on_open = open_ignored};
    static rp_collected collected;
    latecomer *l = user;
    rp_client *client = NULL;
    rp_stream *stream = NULL;
    rp_stream_options to = {.host = "127.0.0.1"};
    rp_request_options get = {.url = "http://127.0.0.1/"};
    rp_error error;
    (void)post;
    assert_int_equal(rp_client_create(&client, l->loop, NULL, &error), RP_E_MISUSE);
    assert_null(client);
    assert_null(rp_client_send(l->client, &get, &rp_collect_events, &collected, &error));
    assert_int_equal(error.status, RP_E_MISUSE);
    assert_int_equal(rp_stream_open(&stream, l->loop, &to, &events, NULL), RP_E_MISUSE);
    rp_timer_start(l->loop, &l->timer, 0, never, l);
    l->refused++;
}

static void test_what_begins_at_the_end(void **state)
{
    (void)state;
    latecomer l = {.loop = fixture_loop()};
    assert_int_equal(rp_client_create(&l.client, l.loop, NULL, NULL), RP_OK);
    l.post = (rp_post){.fn = start_everything, .user = &l};
    rp_loop_post(l.loop, &l.post);
    rp_loop_destroy(l.loop);
    assert_int_equal(l.refused, 1);
    assert_false(l.timer.private_started);
    rp_client_destroy(l.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_every_order),
        fixture_test(test_from_the_last_callbacks),
        fixture_test(test_what_begins_at_the_end),
    };
    data = probe_pattern(SIZE);
    int failed = fixture_run_simulated(tests, 1);
    free(data);
    return failed;
}
