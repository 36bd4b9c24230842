/* test_client_stages.c - requests that are cancelled, clients and loops that are destroyed, at
 * every stage and from every callback; and memory that runs out at every allocation.
 *
 * What is asserted is in web.c, at each callback: on_done once and last, nothing but it after a
 * cancel; and at each loop's end: no memory, no descriptor is left. */
#include "support/web.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 100000, CREDIT = 20000, COUNT = 3 };

static const int versions[] = {0, 12, 13};
static uint8_t *data; /* SIZE bytes of pattern */

/* Three requests on two connections: an upload, a body under credit, and one that waits for
 * them. */
typedef struct stage {
    web w;
    fetch all[COUNT];
    unsigned refused;
} stage;

static void give_back(fetch *f, size_t size)
{
    if (f->request != NULL && !f->cancelled)
        fetch_consume(f, size);
}

static void begin(stage *s, int version)
{
    rp_client_options options = {.connections_per_origin = 2};
    memset(s, 0, sizeof(*s));
    web_begin(&s->w, version, NULL, &options);
}

static void start(stage *s)
{
    static const char *const paths[] = {"/echo", "/chunked/100000", "/1xx/2"};
    for (int i = 0; i < COUNT; i++) {
        rp_request_options options = {.receive_credit_bytes = i == 1 ? CREDIT : 0,
                                      .body = i == 0 ? data : NULL,
                                      .body_size = i == 0 ? SIZE : 0,
                                      .total_timeout_ms = 10000,
                                      .idle_timeout_ms = 5000};
        s->all[i].checked = i < 2;
        if (i == 1 && s->all[i].on_body == NULL)
            s->all[i].on_body = give_back;
        (void)fetch_start(&s->all[i], &s->w, paths[i], &options);
    }
}

static bool over(const stage *s)
{
    for (int i = 0; i < COUNT; i++) {
        if (s->all[i].dones == 0)
            return false;
    }
    return true;
}

/* Turns so many times; true if it was over before. */
static bool advance(stage *s, unsigned turns)
{
    for (unsigned i = 0; i < turns && !over(s); i++)
        (void)rp_loop_turn(s->w.loop, 1000);
    return over(s);
}

static void assert_each(const stage *s, rp_status status)
{
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(s->all[i].dones, 1);
        if (s->all[i].error.status != RP_OK)
            assert_string_equal(rp_status_name(s->all[i].error.status), rp_status_name(status));
    }
}

/* ---- every stage, by turns ---- */

typedef void stage_fn(stage *s);

static void each_stage(stage_fn *fn)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        bool was_over = false;
        for (unsigned turns = 0; !was_over; turns++) {
            assert_true(turns < 2000);
            stage s;
            begin(&s, versions[i]);
            start(&s);
            was_over = advance(&s, turns);
            fn(&s);
        }
    }
}

static void cancel_all(stage *s)
{
    for (int i = 0; i < COUNT; i++)
        fetch_cancel(&s->all[i]);
    UNTIL(s->w.loop, over(s));
    assert_each(s, RP_E_CANCELLED);
    /* The client is none the worse for it. */
    fetch next = {0};
    fetch_good(&next, &s->w, "/hello", NULL, 200);
    web_end(&s->w);
}

static void test_cancel_at_every_stage(void **state)
{
    (void)state;
    each_stage(cancel_all);
}

/* One is cancelled, the others go on. */
static void cancel_first(stage *s)
{
    fetch_cancel(&s->all[0]);
    UNTIL(s->w.loop, over(s));
    assert_int_equal(s->all[1].error.status, RP_OK);
    assert_int_equal(s->all[2].error.status, RP_OK);
    assert_int_equal(s->all[1].body_bytes, SIZE);
    web_end(&s->w);
}

static void test_cancel_one_at_every_stage(void **state)
{
    (void)state;
    each_stage(cancel_first);
}

static void expect_cancelled(stage *s)
{
    for (int i = 0; i < COUNT; i++)
        s->all[i].cancelled = true;
}

static void destroy_client(stage *s)
{
    expect_cancelled(s);
    s->w.starting++;
    rp_client_destroy(s->w.client);
    s->w.starting--;
    s->w.client = NULL;
    UNTIL(s->w.loop, over(s));
    assert_each(s, RP_E_CANCELLED);
    web_end(&s->w);
}

static void test_destroy_client_at_every_stage(void **state)
{
    (void)state;
    each_stage(destroy_client);
}

/* The server is elsewhere: nothing but the loop's end ends what is there. */
static bool destroy_loop(int version, unsigned turns)
{
    stage s;
    rp_client_options options = {.connections_per_origin = 2};
    memset(&s, 0, sizeof(s));
    web_begin_apart(&s.w, version, NULL, &options);
    start(&s);
    bool was_over = advance(&s, turns);
    expect_cancelled(&s);
    probe_loop_end(s.w.loop);
    assert_each(&s, RP_E_CANCELLED);
    rp_client_destroy(s.w.client);
    server_stop(s.w.server);
    rp_tls_config_release(s.w.client_tls);
    rp_tls_config_release(s.w.server_tls);
    return was_over;
}

static void test_destroy_loop_at_every_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        unsigned turns = 0;
        while (!destroy_loop(versions[i], turns))
            assert_true(++turns < 2000);
    }
}

static void drop_connections(stage *s)
{
    server_drop(s->w.server, true);
    UNTIL(s->w.loop, over(s));
    fetch next = {0};
    fetch_good(&next, &s->w, "/hello", NULL, 200);
    web_end(&s->w);
}

static void test_resets_at_every_stage(void **state)
{
    (void)state;
    each_stage(drop_connections);
}

/* ---- from every callback ---- */

static void cancel_here(fetch *f)
{
    fetch_cancel(f);
}

static void cancel_in_body(fetch *f, size_t size)
{
    (void)size;
    fetch_cancel(f);
}

static void destroy_here(fetch *f)
{
    stage *s = f->user;
    if (s->w.client == NULL)
        return;
    expect_cancelled(s);
    rp_client *client = s->w.client;
    s->w.client = NULL;
    s->w.starting++;
    rp_client_destroy(client);
    s->w.starting--;
}

static void destroy_in_body(fetch *f, size_t size)
{
    (void)size;
    destroy_here(f);
}

static fetch follower;

/* The next request, from inside a callback of one. */
static void follow(fetch *f)
{
    if (follower.web == NULL)
        assert_true(fetch_start(&follower, f->web, "/hello", NULL));
}

static void follow_in_body(fetch *f, size_t size)
{
    follow(f);
    give_back(f, size);
}

static const struct {
    void (*plain)(fetch *);
    void (*body)(fetch *, size_t);
} actions[] = {
    {cancel_here, cancel_in_body}, {destroy_here, destroy_in_body}, {follow, follow_in_body}};

static void act(int version, size_t action, int callback, int which)
{
    stage s;
    follower = (fetch){0};
    begin(&s, version);
    fetch *f = &s.all[which];
    f->user = &s;
    if (callback == 0)
        f->on_head = actions[action].plain;
    else if (callback == 1)
        f->on_body = actions[action].body;
    else
        f->on_done = actions[action].plain;
    start(&s);
    UNTIL(s.w.loop, over(&s));
    assert_each(&s, RP_E_CANCELLED);
    if (follower.web != NULL) {
        fetch_wait(&follower);
        assert_int_equal(follower.error.status, RP_OK);
    }
    assert_int_equal(follower.web != NULL, action == 2);
    assert_int_equal(s.w.client == NULL, action == 1);
    web_end(&s.w);
}

static void test_callbacks(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
        for (size_t action = 0; action < 3; action++) {
            for (int callback = 0; callback < 3; callback++) {
                for (int which = 0; which < COUNT; which++)
                    act(versions[v], action, callback, which);
            }
        }
    }
}

/* Once it is destroyed, a client takes no more requests: not from the last callbacks either. */
static void send_once_more(fetch *f)
{
    rp_request_options options = {.url = "http://127.0.0.1/"};
    rp_error error;
    stage *s = f->user;
    assert_null(rp_client_send(s->w.client, &options, &rp_collect_events, NULL, &error));
    assert_int_equal(error.status, RP_E_MISUSE);
    s->refused++;
}

static void test_requests_after_the_end(void **state)
{
    (void)state;
    stage s;
    begin(&s, 13);
    for (int i = 0; i < COUNT; i++) {
        s.all[i].user = &s;
        s.all[i].on_done = send_once_more;
    }
    start(&s);
    (void)advance(&s, 3);
    s.w.starting++;
    rp_client_destroy(s.w.client);
    s.w.starting--;
    expect_cancelled(&s);
    UNTIL(s.w.loop, over(&s));
    assert_int_equal(s.refused, COUNT);
    s.w.client = NULL;
    web_end(&s.w);
}

/* ---- memory ---- */

/* The nth allocation fails; true: there was none to fail. The server is elsewhere. */
static bool run_out(int version, uint64_t n)
{
    stage s;
    rp_client_options options = {.connections_per_origin = 2};
    memset(&s, 0, sizeof(s));
    web_begin_apart(&s.w, version, NULL, &options);
    s.w.loop->memory.fail_in = n;
    start(&s);
    for (int i = 0; i < COUNT; i++) {
        if (s.all[i].request != NULL)
            fetch_wait(&s.all[i]);
        else if (s.all[i].dones == 0)
            assert_int_equal(s.all[i].error.status, RP_E_NO_MEMORY);
    }
    bool clean = s.w.loop->memory.fail_in > 0;
    for (int i = 0; clean && i < COUNT; i++)
        assert_int_equal(s.all[i].error.status, RP_OK);
    s.w.loop->memory.fail_in = 0;
    fetch next = {0};
    fetch_good(&next, &s.w, "/hello", NULL, 200);
    web_end(&s.w);
    return clean;
}

static void test_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        uint64_t n = 1;
        while (!run_out(versions[i], n))
            assert_true(++n < 2000);
        assert_true(n > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_cancel_at_every_stage),
        fixture_test(test_cancel_one_at_every_stage),
        fixture_test(test_destroy_client_at_every_stage),
        fixture_test(test_destroy_loop_at_every_stage),
        fixture_test(test_resets_at_every_stage),
        fixture_test(test_callbacks),
        fixture_test(test_requests_after_the_end),
        fixture_test(test_memory),
    };
    data = probe_pattern(SIZE);
    int failed = fixture_run_simulated(tests, 1);
    free(data);
    return failed;
}
