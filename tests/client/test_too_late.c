/* test_too_late.c - a server that has waited on an idle connection for too long says so in a 408
 * (RFC 9110, 15.5.9), which crosses the next request on its way: that is not its answer. */
#include "support/scene.h"

#include <ringport/insight.h>

#include <string.h>

typedef struct server {
    const char *how;       /* it ends the 408 */
    unsigned late, number; /* so many 408, from this request of all on */
    unsigned came;
} server;

static void late(rp_sim_exchange *x, const server *s)
{
    static const char text[] = "too late";
    if (strcmp(s->how, "kept") == 0) {
        rp_sim_respond(x, 408, NULL, text, strlen(text));
        return;
    }
    if (strcmp(s->how, "slowly") == 0)
        rp_sim_wait(x, 3500);
    bool whole = strcmp(s->how, "stalls") != 0;
    rp_sim_head(x, 408, "Connection: close\r\n", strlen(text));
    rp_sim_data(x, text, whole ? strlen(text) : 3);
    rp_sim_end(x, whole ? RP_SIM_CLOSE : RP_SIM_END_STALLED);
}

static void answer(rp_sim_exchange *x, void *user)
{
    server *s = user;
    unsigned number = s->came++;
    if (number >= s->number && number < s->number + s->late)
        late(x, s);
    else
        rp_sim_respond(x, 200, NULL, "mine", 4);
}

static void begin(scene *s, server *of, int version, rp_http_versions versions)
{
    rp_sim_server_options serving = {.on_request = answer, .user = of};
    rp_client_options client = {.versions = versions};
    serving.versions = versions == RP_HTTP_2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    scene_begin(s, version, &serving, &client);
}

static uint64_t replayed(const scene *s)
{
    rp_origin_statistics totals;
    rp_client_totals(s->web.client, &totals);
    return totals.counts.replayed;
}

/* Whatever may be sent twice goes to a fresh connection, of however much of the 408 came. */
static void test_once_more(void **state)
{
    static const rp_request_options kinds[] = {
        {.method = NULL},
        {.method = "HEAD"},
        {.method = "PUT", .body = "body", .body_size = 4},
        {.method = "POST", .body = "body", .body_size = 4, .idempotent = true},
        {.method = NULL, .decompress = true, .redirects_limit = 3},
    };
    static const char *const hows[] = {"whole", "kept", "stalls"};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        for (size_t k = 0; k < 3; k++) {
            scene s;
            server of = {.how = hows[k], .late = 1, .number = 1};
            fetch first = {0}, f = {0};
            begin(&s, &of, k == 1 ? 0 : 13, RP_HTTP_1_1);
            scene_good(&s, &first, "/", NULL, 200);
            scene_good(&s, &f, "/", &kinds[i], 200);
            assert_int_equal(f.summary.attempts, 2);
            assert_false(f.summary.reused);
            assert_int_equal(f.heads, 1);
            assert_string_equal(f.text, i == 1 ? "" : "mine");
            assert_int_equal(scene_counts(&s).connections, 2);
            assert_int_equal(replayed(&s), 1);
            scene_end(&s);
        }
}

static void is_told(rp_http_versions versions, unsigned number, const rp_request_options *options)
{
    scene s;
    server of = {.how = "kept", .late = 9, .number = number};
    fetch first = {0}, f = {0};
    begin(&s, &of, 13, versions);
    if (number > 0)
        scene_good(&s, &first, "/", NULL, 200);
    scene_good(&s, &f, "/", options, 408);
    assert_string_equal(f.text, "too late");
    assert_int_equal(f.summary.attempts, 1);
    scene_end(&s);
}

/* It is the answer to what may not be sent twice, on a fresh connection, and on one of HTTP/2,
 * which ends otherwise. */
static void test_is_the_answer(void **state)
{
    static const rp_request_options post = {.body = "pay", .body_size = 3};
    static const rp_request_options once = {.never_replay = true};
    (void)state;
    is_told(RP_HTTP_1_1, 1, &post);
    is_told(RP_HTTP_1_1, 1, &once);
    is_told(RP_HTTP_1_1, 0, NULL);
    is_told(RP_HTTP_2, 1, NULL);
}

/* What comes much later is about the request: its body took too long, for one. */
static void test_comes_late(void **state)
{
    scene s;
    server of = {.how = "slowly", .late = 1, .number = 1};
    fetch first = {0}, f = {0};
    (void)state;
    if (!fixture_simulated()) /* in no time */
        return;
    begin(&s, &of, 13, RP_HTTP_1_1);
    scene_good(&s, &first, "/", NULL, 200);
    scene_good(&s, &f, "/", NULL, 408);
    assert_int_equal(f.summary.attempts, 1);
    scene_end(&s);
}

static void test_twice_is_the_answer(void **state)
{
    scene s;
    server of = {.how = "whole", .late = 2, .number = 1};
    fetch first = {0}, f = {0}, next = {0};
    (void)state;
    begin(&s, &of, 13, RP_HTTP_1_1);
    scene_good(&s, &first, "/", NULL, 200);
    scene_good(&s, &f, "/", NULL, 408);
    assert_int_equal(f.summary.attempts, 2);
    scene_good(&s, &next, "/", NULL, 200);
    assert_int_equal(next.summary.attempts, 1);
    scene_end(&s);
}

static void wanted(rp_request *request, size_t room, void *user)
{
    rp_error error;
    (void)room;
    (void)user;
    (void)rp_request_give(request, "body", 4);
    (void)rp_request_body_end(request, NULL, 0, &error);
}

static void rewind_it(rp_request *request, void *user)
{
    (void)request;
    (void)user;
}

/* A body that is given goes again if it can be made again. */
static void test_given_body(void **state)
{
    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        scene s;
        server of = {.how = "kept", .late = 1, .number = 1};
        fetch first = {0}, f = {0};
        rp_request_options put = {.method = "PUT", .on_body_wanted = wanted};
        put.body_size = RP_LENGTH_UNKNOWN;
        put.on_body_rewind = again ? rewind_it : NULL;
        begin(&s, &of, 13, RP_HTTP_1_1);
        scene_good(&s, &first, "/", NULL, 200);
        scene_good(&s, &f, "/", &put, again ? 200 : 408);
        assert_int_equal(f.summary.attempts, 1 + again);
        scene_end(&s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_once_more),  fixture_test(test_is_the_answer),
        fixture_test(test_comes_late), fixture_test(test_twice_is_the_answer),
        fixture_test(test_given_body),
    };
    return fixture_run_simulated(tests, 3);
}
