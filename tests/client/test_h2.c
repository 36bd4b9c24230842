/* test_h2.c - requests over HTTP/2 to the scripted server: all kinds, many at once, what is to be
 * seen on the wire, and what is told of the version. What goes wrong is in test_h2_endings.c. */
#include "support/check.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

enum { LARGE = 8 * 1024 * 1024, AT_ONCE = 100 };

static const int all[] = {0, 12, 13};
static uint8_t *data; /* LARGE bytes of pattern */

static const rp_client_options only_2 = {.versions = RP_HTTP_2, .http2_prior_knowledge = true};

static void each(const rp_sim_server_options *serving, const rp_client_options *client,
                 void (*test)(scene *s))
{
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        rp_sim_server_options options = {.versions = RP_SIM_HTTP_2};
        scene s;
        if (serving != NULL)
            options = *serving;
        scene_begin(&s, all[i], &options, client != NULL ? client : &only_2);
        test(&s);
        const char *complaint = rp_sim_server_complaint(s.server);
        if (complaint != NULL)
            fail_msg("%s", complaint);
        scene_end(&s);
    }
}

/* ---- what is sent ---- */

static void tell_request(rp_sim_exchange *x, void *user)
{
    static const char *const names[] = {"host", "x-color", "te", "cookie", "content-length"};
    char text[512];
    size_t size;
    (void)user;
    int used = snprintf(text, sizeof(text), "%s %s", rp_sim_method(x), rp_sim_target(x));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = rp_sim_header(x, names[i]);
        used += snprintf(text + used, sizeof(text) - (size_t)used, " %s",
                         value == NULL ? "-"
                         : i == 0      ? "host"
                                       : value);
    }
    (void)rp_sim_body(x, &size);
    used += snprintf(text + used, sizeof(text) - (size_t)used, " %zu", size);
    rp_sim_respond(x, 201, "X-Answer: yes\r\n", text, (size_t)used);
}

static void request_is_told(scene *s)
{
    static const rp_header headers[] = {
        {"X-Color", "blue"}, {"Cookie", "a=b; c=d"}, {"TE", "trailers"}};
    rp_request_options options = {.headers = headers, .header_count = 3};
    fetch f = {.header_name = "x-answer"};
    scene_good(s, &f, "/a?b", &options, 201);
    assert_string_equal(f.text, "GET /a?b host blue trailers a=b; c=d - 0");
    assert_string_equal(f.header, "yes");
    assert_int_equal(f.version, 20);
    assert_int_equal(f.summary.version, 20);
    assert_int_equal(f.summary.stream, 1);
    f = (fetch){0};
    options = (rp_request_options){.method = "PUT", .body = data, .body_size = 1000};
    scene_good(s, &f, "/", &options, 201);
    assert_string_equal(f.text, "PUT / host - - - 1000 1000");
    assert_int_equal(f.summary.stream, 3);
    assert_true(f.summary.reused);
    f = (fetch){0};
    options = (rp_request_options){.method = "HEAD"};
    scene_good(s, &f, "/", &options, 201);
    assert_int_equal(f.body_bytes, 0);
    assert_int_equal(f.announced, strlen("HEAD / host - - - - 0"));
    f = (fetch){0};
    options = (rp_request_options){.method = "POST"};
    scene_good(s, &f, "/", &options, 201);
    assert_string_equal(f.text, "POST / host - - - 0 0");
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_request_is_told(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = tell_request};
    each(&serving, NULL, request_is_told);
}

/* ---- answers ---- */

static void answer_parts(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (strcmp(rp_sim_target(x), "/204") == 0 || strcmp(rp_sim_target(x), "/304") == 0) {
        rp_sim_respond(x, atoi(rp_sim_target(x) + 1), NULL, "unseen", 6);
        return;
    }
    rp_sim_head(x, 103, "Link: </a>\r\n", 0);
    rp_sim_head(x, 103, "Link: </b>\r\n", 0);
    rp_sim_head(x, 200, "X-Y: z\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n", RP_SIM_SIZE_UNKNOWN);
    rp_sim_data(x, "one", 3);
    rp_sim_wait(x, 5);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, 0, rp_sim_stream(x), NULL, 0);
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_PADDED, rp_sim_stream(x), "\3three\0\0\0", 9);
    if (strcmp(rp_sim_target(x), "/trailers") == 0)
        rp_sim_trailers(x, "X-Trailer: yes\r\n");
    rp_sim_end(x, RP_SIM_KEEP);
}

static void answers(scene *s)
{
    static const char *const paths[] = {"/", "/trailers", "/"};
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {.header_name = "x-y"};
        scene_good(s, &f, paths[i], NULL, 200);
        assert_string_equal(f.text, "onethree");
        assert_string_equal(f.header, "z");
        assert_int_equal(f.header_count, 3);
        assert_int_equal(f.informational, 2);
        assert_true(f.announced == RP_LENGTH_UNKNOWN);
    }
    fetch f = {0};
    scene_good(s, &f, "/204", NULL, 204);
    f = (fetch){0};
    scene_good(s, &f, "/304", NULL, 304);
    assert_int_equal(scene_counts(s).connections, 1);
    assert_int_equal(scene_counts(s).resets, 0);
}

static void test_answers(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = answer_parts};
    each(&serving, NULL, answers);
}

/* ---- large bodies ---- */

static void respond_large(rp_sim_exchange *x, void *user)
{
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    (void)user;
    CHECK(size == 0 || (size == LARGE && memcmp(body, data, LARGE) == 0));
    rp_sim_respond(x, 200, NULL, data, LARGE);
}

static void large(scene *s)
{
    for (unsigned i = 0; i < 2; i++) {
        rp_request_options options = {.body = i == 0 ? data : NULL,
                                      .body_size = i == 0 ? LARGE : 0,
                                      .method = i == 0 ? "POST" : "GET"};
        fetch f = {.checked = true};
        scene_good(s, &f, "/", &options, 200);
        assert_int_equal(f.body_bytes, LARGE);
        assert_int_equal(f.announced, LARGE);
    }
}

static void test_large(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = respond_large};
    each(&serving, NULL, large);
}

/* An answer's head comes first, and the body goes back as it comes. */
static void echo_head(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, RP_SIM_SIZE_UNKNOWN);
}

static void echo_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user)
{
    (void)user;
    rp_sim_data(x, bytes, size);
}

static void echo_end(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_KEEP);
}

static void echo(scene *s)
{
    fetch all_of_them[4] = {{0}}, first = {0};
    scene_good(s, &first, "/", NULL, 200); /* one that knows what is spoken */
    for (unsigned i = 0; i < 4; i++) {
        rp_request_options options = {
            .url = scene_url(s, "/"), .body = data, .body_size = 600000 + i, .method = "POST"};
        all_of_them[i].checked = true;
        assert_true(fetch_start(&all_of_them[i], &s->web, NULL, &options));
    }
    for (unsigned i = 0; i < 4; i++) {
        fetch_wait(&all_of_them[i]);
        if (all_of_them[i].error.status != RP_OK)
            fail_msg("%s", all_of_them[i].error.text);
        assert_int_equal(all_of_them[i].body_bytes, 600000 + i);
    }
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_echo(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2,
                                     .on_head = echo_head,
                                     .on_body = echo_body,
                                     .on_request = echo_end};
    each(&serving, NULL, echo);
}

/* ---- many at once ---- */

static void answer_last_first(rp_sim_exchange *x, void *user)
{
    char text[16];
    (void)user;
    rp_sim_wait(x, 60 - rp_sim_stream(x) / 4);
    int size = snprintf(text, sizeof(text), "%s", rp_sim_target(x) + 1);
    rp_sim_respond(x, 200, NULL, text, (size_t)size);
}

static void at_once(scene *s)
{
    static fetch f[AT_ONCE];
    char path[16];
    memset(f, 0, sizeof(f));
    fetch first = {0};
    scene_good(s, &first, "/first", NULL, 200); /* one that knows what is spoken */
    for (unsigned i = 0; i < AT_ONCE; i++) {
        (void)snprintf(path, sizeof(path), "/%u", i);
        rp_request_options options = {.url = scene_url(s, path)};
        assert_true(fetch_start(&f[i], &s->web, NULL, &options));
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        fetch_wait(&f[i]);
        if (f[i].error.status != RP_OK)
            fail_msg("%s", f[i].error.text);
        assert_int_equal(atoi(f[i].text), i);
    }
    rp_sim_server_counts counts = scene_counts(s);
    assert_int_equal(counts.connections, 1);
    assert_int_equal(counts.requests, AT_ONCE + 1);
    assert_int_equal(counts.streams_most, AT_ONCE);
}

static void test_many_at_once(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = answer_last_first};
    each(&serving, NULL, at_once);
}

/* A body whose consumer stalls holds up nobody, on the same connection. */
static void body_or_not(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_respond(x, 200, NULL, data, strcmp(rp_sim_target(x), "/stalled") == 0 ? LARGE : 1000000);
}

static void give_back(fetch *f, size_t size)
{
    fetch_consume(f, size);
}

static void one_stalls(scene *s)
{
    fetch stalled = {.checked = true};
    rp_request_options options = {.url = scene_url(s, "/stalled"), .receive_credit_bytes = 1000};
    assert_true(fetch_start(&stalled, &s->web, NULL, &options));
    UNTIL(s->web.loop, stalled.body_bytes == 1000);
    for (unsigned i = 0; i < 20; i++) {
        fetch f = {.checked = true};
        scene_good(s, &f, "/", NULL, 200);
        assert_int_equal(f.body_bytes, 1000000);
    }
    assert_int_equal(stalled.body_bytes, 1000);
    stalled.on_body = give_back;
    fetch_consume(&stalled, 1000);
    fetch_wait(&stalled);
    assert_int_equal(stalled.error.status, RP_OK);
    assert_int_equal(stalled.body_bytes, LARGE);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_one_stalls(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = body_or_not};
    each(&serving, NULL, one_stalls);
}

/* Windows of answers that were given up come back: else a hundred times 1 MiB would be enough. */
static void cancel_in_body(fetch *f, size_t size)
{
    (void)size;
    fetch_cancel(f);
}

static void windows_return(scene *s)
{
    for (unsigned i = 0; i < 60; i++) {
        fetch f = {.on_body = cancel_in_body};
        rp_request_options options = {.url = scene_url(s, "/"), .receive_credit_bytes = 10};
        assert_true(fetch_start(&f, &s->web, NULL, &options));
        fetch_wait(&f);
        assert_int_equal(f.error.status, RP_E_CANCELLED);
    }
    fetch f = {.checked = true};
    scene_good(s, &f, "/", NULL, 200);
    assert_int_equal(f.body_bytes, 1000000);
    assert_int_equal(scene_counts(s).connections, 1);
}

static void test_windows_return(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2, .on_request = body_or_not};
    each(&serving, NULL, windows_return);
}

/* ---- versions ---- */

static void served_by(scene *s, int version)
{
    fetch f[2] = {{0}};
    for (unsigned i = 0; i < 2; i++) {
        scene_good(s, &f[i], "/", NULL, 200);
        assert_int_equal(f[i].version, version);
        assert_int_equal(f[i].summary.version, version);
    }
    assert_int_equal(scene_counts(s).connections, 1);
    assert_int_equal(scene_counts(s).connections_2, version == 20);
    assert_int_equal(scene_counts(s).malformed, 0);
}

/* What comes of what both sides speak; 0: the request fails. */
static void test_versions(void **state)
{
    static const struct {
        rp_sim_versions server;
        rp_http_versions client;
        bool known;
        int tls, plain;
    } cases[] = {
        {RP_SIM_HTTP_1_OR_2, RP_HTTP_ANY, false, 20, 11},
        {RP_SIM_HTTP_1_OR_2, RP_HTTP_ANY, true, 20, 20},
        {RP_SIM_HTTP_1_OR_2, RP_HTTP_1_1, false, 11, 11},
        {RP_SIM_HTTP_1_OR_2, RP_HTTP_2, true, 20, 20},
        {RP_SIM_HTTP_1, RP_HTTP_ANY, false, 11, 11},
        {RP_SIM_HTTP_1, RP_HTTP_1_1, false, 11, 11},
        {RP_SIM_HTTP_1, RP_HTTP_2, true, 0, 0},
        {RP_SIM_HTTP_2, RP_HTTP_ANY, true, 20, 20},
        {RP_SIM_HTTP_2, RP_HTTP_2, true, 20, 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int tls = 0; tls <= 13; tls += 13) {
            rp_sim_server_options serving = {.versions = cases[i].server};
            rp_client_options client = {.versions = cases[i].client,
                                        .http2_prior_knowledge = cases[i].known};
            int version = tls == 0 ? cases[i].plain : cases[i].tls;
            scene s;
            scene_begin(&s, tls, &serving, &client);
            if (version > 0) {
                served_by(&s, version);
            } else {
                fetch f = {0};
                rp_request_options options = {.url = scene_url(&s, "/")};
                assert_true(fetch_start(&f, &s.web, NULL, &options));
                fetch_wait(&f);
                if (f.error.status != RP_E_H2_NOT_SPOKEN)
                    fail_msg("case %zu, %d: %s", i, tls, f.error.text);
            }
            scene_end(&s);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_request_is_told), fixture_test(test_answers),
        fixture_test(test_large),           fixture_test(test_echo),
        fixture_test(test_many_at_once),    fixture_test(test_one_stalls),
        fixture_test(test_windows_return),  fixture_test(test_versions),
    };
    data = probe_pattern(LARGE);
    int failed = fixture_run_simulated(tests, 2);
    free(data);
    return failed;
}
