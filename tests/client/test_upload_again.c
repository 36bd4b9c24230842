/* test_upload_again.c - bodies that are given piece by piece and wait for 100 Continue, or are sent
 * once more: replayed, misdirected, redirected. Over both versions. */
#include "support/check.h"
#include "support/producer.h"

#include <string.h>

/* ---- 100 Continue ---- */

static void expects(scene *s)
{
    for (unsigned i = 0; i < 3; i++) {
        producer p = {.total = 5, .piece = 5};
        rp_request_options options = {.expect_continue = true, .expect_timeout_ms = RP_NEVER_MS};
        if (i == 0) {
            producer_start(&p, s, "/", options);
        } else { /* in memory, behind the head or not */
            options.url = scene_url(s, "/");
            options.body = upload_data;
            options.body_size = i == 1 ? 5 : 100000;
            assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        }
        producer_finish(&p, RP_OK);
        assert_int_equal(p.f.informational, 1);
        assert_memory_equal(p.f.text, i == 2 ? "100000 " : "5 ", 2);
    }
    fetch f = {0}; /* nothing to send, nothing to expect */
    rp_request_options options = {.method = "POST", .expect_continue = true};
    scene_good(s, &f, "/", &options, 200);
    assert_int_equal(f.informational, 0);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_expects(void **state)
{
    (void)state;
    upload_each(&upload_looking, expects);
}

/* With HTTP/1.1 only: HTTP/2's head says nothing of it, and its body waits for nothing. */
static void expects_of_http1(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    rp_request_options options = {.expect_continue_http1 = true, .expect_timeout_ms = RP_NEVER_MS};
    producer_start(&p, s, "/", options);
    producer_finish(&p, RP_OK);
    assert_int_equal(p.f.informational, upload_is_2(s) ? 0 : 1);
    assert_memory_equal(p.f.text, "5 ", 2);
    fetch f = {0};
    options.method = "PUT"; /* once more without, or not at all */
    options.body = upload_data;
    options.body_size = 5;
    unsigned heads = upload_seen.heads;
    scene_good(s, &f, "/417", &options, 417);
    assert_int_equal(upload_seen.heads - heads, upload_is_2(s) ? 1 : 2);
}

static void expect_http1(rp_sim_exchange *x, void *user)
{
    bool said = rp_sim_header(x, "Expect") != NULL;
    upload_head(x, user);
    CHECK(!said || upload_seen.heads < 3);
    if (rp_sim_target(x)[1] == '4')
        rp_sim_respond(x, 417, NULL, "no", 2);
}

static void test_expects_of_http1(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = expect_http1;
    (void)state;
    upload_each(&serving, expects_of_http1);
}

/* It says nothing: the body follows after the wait, which other interim responses do not end. */
static void say_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload_seen.heads++;
    rp_sim_head(x, 102, NULL, 0);
}

static void waits_in_vain(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    uint64_t began = rp_loop_now_ms(s->web.loop);
    producer_start(&p, s, "/",
                   (rp_request_options){.expect_continue = true, .expect_timeout_ms = 50});
    UNTIL(s->web.loop, p.f.informational == 1);
    assert_int_equal(p.wanted, 0);
    producer_finish(&p, RP_OK);
    assert_true(rp_loop_now_ms(s->web.loop) - began >= 50);
    assert_memory_equal(p.f.text, "5 ", 2);
}

static void test_waits_in_vain(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = say_nothing;
    (void)state;
    upload_each(&serving, waits_in_vain);
}

/* A final answer in its place: nothing of the body leaves. */
static void answer_at_once(rp_sim_exchange *x, void *user)
{
    int status = rp_sim_target(x)[1] == '2' ? 200 : 413;
    (void)user;
    upload_seen.heads++;
    rp_sim_respond(x, status, NULL, "no", 2);
}

static void is_answered(scene *s)
{
    for (unsigned i = 0; i < 4; i++) {
        producer p = {.total = 5, .piece = 5};
        rp_request_options options = {.expect_continue = true};
        const char *path = i % 2 == 0 ? "/2" : "/4";
        if (i < 2) {
            producer_start(&p, s, path, options);
        } else {
            options.url = scene_url(s, path);
            options.body = upload_data;
            options.body_size = 5;
            assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        }
        producer_finish(&p, RP_OK);
        assert_int_equal(p.f.status, i % 2 == 0 ? 200 : 413);
        assert_int_equal(p.wanted, 0);
        assert_int_equal(p.f.summary.body_bytes_sent, 0);
        assert_int_equal(upload_seen.bytes, 0);
    }
    assert_int_equal(scene_counts(s).connections, upload_is_2(s) ? 1 : 4);
}

static void test_is_answered(void **state)
{
    rp_sim_server_options serving = {.on_head = answer_at_once, .on_body = upload_body};
    (void)state;
    upload_each(&serving, is_answered);
}

/* 417: once more, without it. One that says so to that too has answered. */
static void expect_nothing(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload_head(x, user);
    if (rp_sim_header(x, "Expect") != NULL || rp_sim_target(x)[1] == 'x')
        rp_sim_respond(x, 417, NULL, "what", 4);
}

static void is_unexpecting(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    producer_start(&p, s, "/", (rp_request_options){.expect_continue = true});
    producer_finish(&p, RP_OK);
    assert_int_equal(p.f.status, 200);
    assert_memory_equal(p.f.text, "5 ", 2);
    assert_int_equal(p.f.heads, 1);
    assert_int_equal(p.f.summary.attempts, 2);
    assert_int_equal(upload_seen.heads, 2);
    fetch f = {0};
    rp_request_options options = {.expect_continue = true, .body = upload_data, .body_size = 5};
    scene_good(s, &f, "/x", &options, 417);
    assert_int_equal(upload_seen.heads, 4);
}

static void test_is_unexpecting(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = expect_nothing;
    (void)state;
    upload_each(&serving, is_unexpecting);
}

/* What was waited for by the first attempt is nothing to the second: the body goes once, and what
 * follows on its connection is the next request. */
static void take_time(rp_sim_exchange *x, void *user)
{
    rp_sim_wait(x, 60); /* longer than anybody waited for 100 */
    upload_tell_size(x, user);
}

static void body_goes_once(scene *s)
{
    for (unsigned i = 0; i < 6; i++) {
        static const size_t sizes[] = {5, 9000, 100000};
        size_t size = sizes[i % 3];
        char expected[32];
        producer p = {.total = size, .piece = size};
        rp_request_options options = {.method = "PUT", .expect_continue = true};
        options.expect_timeout_ms = 20;
        if (i < 3) {
            options.url = scene_url(s, "/");
            options.body = upload_data;
            options.body_size = size;
            assert_true(fetch_start(&p.f, &s->web, NULL, &options));
        } else {
            producer_start(&p, s, "/", options);
        }
        producer_finish(&p, RP_OK);
        (void)snprintf(expected, sizeof(expected), "%zu ", size);
        assert_memory_equal(p.f.text, expected, strlen(expected));
        fetch after = {0};
        scene_good(s, &after, "/", NULL, 200);
        assert_memory_equal(after.text, "0 ", 2);
        assert_true(after.summary.reused);
    }
}

static void test_body_goes_once(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = expect_nothing;
    serving.on_request = take_time;
    (void)state;
    upload_each(&serving, body_goes_once);
}

static void expecting_is_given_up(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    producer_start(&p, s, "/",
                   (rp_request_options){.expect_continue = true,
                                        .total_timeout_ms = 60,
                                        .idle_timeout_ms = 20,
                                        .expect_timeout_ms = 5000});
    producer_finish(&p, RP_E_TOTAL_TIMEOUT);
    assert_non_null(
        strstr(p.f.error.text, "it waited for the server to take the body (100 Continue)"));
    assert_int_equal(p.wanted, 0);
}

static void test_expecting_is_given_up(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = say_nothing;
    (void)state;
    upload_each(&serving, expecting_is_given_up);
}

/* ---- again ---- */

/* The connection dies under the body: a PUT goes again where its body can be made twice. */
static void die_once(rp_sim_exchange *x, void *user)
{
    (void)user;
    upload_head(x, user);
}

static void die_in_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)bytes;
    (void)user;
    upload_seen.bytes += size;
    if (upload_seen.heads == 2)
        rp_sim_end(x, RP_SIM_END_RESET);
}

static void goes_again(scene *s, bool can)
{
    fetch first = {0};
    scene_good(s, &first, "/", NULL, 200); /* a used connection */
    producer p = {.total = 300000, .piece = 5000, .later = true};
    producer_start(
        &p, s, "/",
        (rp_request_options){.method = "PUT", .on_body_rewind = can ? producer_rewound : NULL});
    fetch_wait(&p.f);
    producer_finish(&p, can ? RP_OK : p.f.error.status);
    if (can) {
        assert_int_equal(p.rewound, 1);
        assert_memory_equal(p.f.text, "300000 ", 7);
        assert_int_equal(p.f.summary.attempts, 2);
    } else {
        assert_int_not_equal(p.f.error.status, RP_OK);
        assert_int_equal(p.f.summary.attempts, 1);
        assert_int_equal(p.rewound, 0);
    }
}

static void goes_again_if_it_can(scene *s)
{
    goes_again(s, true);
}

static void goes_once(scene *s)
{
    goes_again(s, false);
}

static void test_goes_again(void **state)
{
    rp_sim_server_options serving = {
        .on_head = die_once, .on_body = die_in_body, .on_request = upload_tell_size};
    (void)state;
    upload_each(&serving, goes_again_if_it_can);
    upload_each(&serving, goes_once);
}

/* 421, and a refused stream, before any of the body was sent: whatever can be made twice or not. */
static void not_in_charge(rp_sim_exchange *x, void *user)
{
    upload_head(x, user);
    if (upload_seen.heads == 1)
        rp_sim_respond(x, 421, NULL, "no", 2);
}

static void is_misdirected(scene *s)
{
    producer p = {.total = 5, .piece = 5};
    producer_start(&p, s, "/", (rp_request_options){.expect_continue = true});
    producer_finish(&p, RP_OK);
    assert_int_equal(p.f.status, 200);
    assert_memory_equal(p.f.text, "5 ", 2);
    upload_seen.heads = 0; /* what was sent can't be sent again: 421 is the answer */
    p = (producer){.total = 100000, .piece = 1000, .later = true};
    producer_start(&p, s, "/", (rp_request_options){0});
    producer_finish(&p, RP_OK);
    assert_true(p.f.status == 421 || p.f.status == 200);
}

static void test_is_misdirected(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_head = not_in_charge;
    (void)state;
    upload_each(&serving, is_misdirected);
}

/* Redirects: with the body, if it can be made twice, or without. */
static void redirect(rp_sim_exchange *x, void *user)
{
    const char *path = rp_sim_target(x);
    if (path[1] == '3')
        rp_sim_respond(x, path[3] == '7' ? 307 : 303, "Location: /\r\n", NULL, 0);
    else
        upload_tell_size(x, user);
}

static void is_redirected(scene *s)
{
    for (unsigned i = 0; i < 6; i++) {
        bool seeing = i >= 4, can = i % 2 == 0;
        producer p = {.total = 70000, .piece = 5000};
        producer_start(&p, s, seeing ? "/303" : "/307",
                       (rp_request_options){.redirects_limit = 1,
                                            .body_size = i < 2 ? 70000 : 0,
                                            .on_body_rewind = can ? producer_rewound : NULL});
        fetch_wait(&p.f);
        producer_finish(&p, seeing || can ? RP_OK : RP_E_REDIRECT_BODY);
        assert_int_equal(p.rewound, !seeing && can);
        if (seeing)
            assert_string_equal(p.f.text, "0 - - -");
        else if (can)
            assert_memory_equal(p.f.text, "70000 ", 6);
        else
            assert_non_null(strstr(p.f.error.text, "can't be sent again (it has no on_body_re"));
    }
    assert_int_equal(scene_counts(s).connections, upload_is_2(s) ? 1 : 3);
}

static void test_is_redirected(void **state)
{
    rp_sim_server_options serving = upload_looking;
    serving.on_request = redirect;
    (void)state;
    upload_each(&serving, is_redirected);
}

/* HTTP/1.0 has no chunks. */
static void answer_old(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_print(x, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void test_old_server(void **state)
{
    rp_sim_server_options serving = {.on_request = answer_old};
    (void)state;
    scene s;
    upload_begin(&s, 0, &serving, NULL);
    fetch f = {0};
    scene_good(&s, &f, "/", NULL, 200);
    producer p = {.total = 5, .piece = 5};
    producer_start(&p, &s, "/", (rp_request_options){0});
    producer_finish(&p, RP_E_BODY_LENGTH);
    assert_true(p.f.error.replay_safe);
    assert_int_equal(p.f.summary.bytes_sent, 0);
    scene_says(&s, &p.f.error, RP_E_BODY_LENGTH, RP_PHASE_REQUEST,
               "PEER speaks HTTP/1.0, which needs to know the length of the request's body");
    p = (producer){.total = 5, .piece = 5};
    producer_start(&p, &s, "/", (rp_request_options){.body_size = 5});
    producer_finish(&p, RP_OK);
    assert_int_equal(scene_counts(&s).connections, 1);
    upload_end(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_expects),        fixture_test(test_expects_of_http1),
        fixture_test(test_waits_in_vain),  fixture_test(test_is_answered),
        fixture_test(test_is_unexpecting), fixture_test(test_expecting_is_given_up),
        fixture_test(test_goes_again),     fixture_test(test_is_misdirected),
        fixture_test(test_old_server),     fixture_test(test_is_redirected),
        fixture_test(test_body_goes_once),
    };
    return upload_run(tests, sizeof(tests) / sizeof(tests[0]));
}
