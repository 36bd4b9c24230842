/* test_h2_pool.c - HTTP/2's connections: how many there are, which requests they get, and what
 * becomes of those that a server gives back. */
#include "client/client.h"
#include "client/origin.h"
#include "support/check.h"
#include "support/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST = 600,
    NO_ERROR = 0,
    INTERNAL_ERROR = 2,
    FRAME_SIZE_ERROR = 6,
    REFUSED_STREAM = 7,
    CALM = 0xb,
    HTTP_1_1_REQUIRED = 0xd,
    GONE = -1 /* a code: the connection goes away (GOAWAY), above the request */
};

/* What the server does with requests. */
typedef struct plan {
    unsigned wait_ms;    /* before each answer */
    unsigned gather;     /* nothing is answered before so many requests were under way at a time */
    unsigned give_back;  /* so many of the first requests are given back */
    int code;            /* with this */
    unsigned each;       /* a connection says farewell with each such request, which it answers */
    unsigned open, most; /* requests under way at a time */
    unsigned came, answered[MOST]; /* by the number in the target */
    int versions[MOST];
    unsigned statuses_421; /* so many of the first answers */
    unsigned held_count;
    rp_sim_exchange *held[MOST]; /* they wait for gather */
} plan;

static plan *plan_of(void *user)
{
    return (plan *)(uintptr_t)((scene *)user)->data;
}

static void give_back(rp_sim_exchange *x, int code)
{
    rp_sim_exchange *c = rp_sim_connection(x);
    uint32_t last = rp_sim_stream(x) > 1 ? rp_sim_stream(x) - 2 : 0;
    rp_sim_exchange_user_set(x, x); /* nothing more is done with it */
    if (code == GONE || code == -HTTP_1_1_REQUIRED) {
        rp_sim_goaway(c, last, code == GONE ? NO_ERROR : HTTP_1_1_REQUIRED, NULL);
    } else {
        rp_sim_reset_stream(x, (uint32_t)code);
    }
}

static void on_head(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    rp_sim_exchange *c = rp_sim_connection(x);
    p->open++;
    if (p->open > p->most)
        p->most = p->open;
    rp_sim_exchange_user_set(c, (void *)(uintptr_t)rp_sim_stream(x)); /* the highest that came */
    if (p->came++ < p->give_back && rp_sim_version(x) == 20)
        give_back(x, p->code);
}

static void on_gone(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    if (rp_sim_stream(x) > 0)
        p->open--;
}

/* False: it waits for others. */
static bool gathered(plan *p, rp_sim_exchange *x)
{
    if (p->most < p->gather) {
        p->held[p->held_count++] = x;
        return false;
    }
    while (p->held_count > 0)
        rp_sim_respond(p->held[--p->held_count], 200, NULL, "ok", 2);
    return true;
}

static void on_request(rp_sim_exchange *x, void *user)
{
    plan *p = plan_of(user);
    unsigned which = (unsigned)atoi(rp_sim_target(x) + 1);
    CHECK(which < MOST);
    if (rp_sim_exchange_user(x) == x)
        return;
    if (p->statuses_421 > 0) {
        p->statuses_421--;
        rp_sim_respond(x, 421, NULL, "not mine", 8);
        return;
    }
    p->answered[which]++;
    p->versions[which] = rp_sim_version(x);
    if (!gathered(p, x))
        return;
    if (p->wait_ms > 0)
        rp_sim_wait(x, p->wait_ms);
    if (p->each > 0 && rp_sim_served(x) + 1 == p->each) {
        rp_sim_exchange *c = rp_sim_connection(x);
        rp_sim_goaway(c, (uint32_t)(uintptr_t)rp_sim_exchange_user(c), NO_ERROR, NULL);
    }
    rp_sim_respond(x, 200, NULL, "ok", 2);
}

typedef struct fetches {
    scene s;
    plan p;
    fetch all[MOST];
} fetches;

/* limit 0: the server does not say how many it takes. */
static fetches *begin(const plan *p, uint32_t limit, rp_sim_versions versions, int tls,
                      const rp_client_options *with)
{
    static rp_sim_setting setting;
    rp_client_options client = {0};
    setting = (rp_sim_setting){RP_SIM_MAX_CONCURRENT_STREAMS, limit};
    rp_sim_server_options serving = {.on_head = on_head,
                                     .on_request = on_request,
                                     .on_gone = on_gone,
                                     .versions = versions,
                                     .settings = &setting,
                                     .setting_count = limit > 0};
    fetches *f = calloc(1, sizeof(*f));
    CHECK(f != NULL);
    if (with != NULL)
        client = *with;
    client.http2_prior_knowledge = tls == 0;
    scene_begin(&f->s, tls, &serving, &client);
    if (p != NULL)
        f->p = *p;
    f->s.data = &f->p;
    return f;
}

static void end(fetches *f)
{
    const char *complaint = rp_sim_server_complaint(f->s.server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    scene_end(&f->s);
    free(f);
}

static void send_one(fetches *f, unsigned which, const rp_request_options *with)
{
    char path[32];
    rp_request_options options = {0};
    if (with != NULL)
        options = *with;
    (void)snprintf(path, sizeof(path), "/%u", which);
    options.url = scene_url(&f->s, path);
    f->all[which] = (fetch){0};
    CHECK(fetch_start(&f->all[which], &f->s.web, path, &options));
}

static void send_all(fetches *f, unsigned count, const rp_request_options *options)
{
    for (unsigned i = 0; i < count; i++)
        send_one(f, i, options);
}

/* All are answered, each was by the server once. */
static void wait_all(fetches *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fetch_wait(&f->all[i]);
        if (f->all[i].error.status != RP_OK)
            fail_msg("%u: %s", i, f->all[i].error.text);
        assert_int_equal(f->all[i].status, 200);
        assert_int_equal(f->p.answered[i], 1);
        f->p.answered[i] = 0;
    }
}

static const rp_request_options post = {.method = "POST", .body = "body", .body_size = 4};

/* ---- how many connections ---- */

/* Whatever the server says of how many it takes, and whether it does. */
static void test_cold(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 13; tls += 13) {
        fetches *f = begin(NULL, 1000, RP_SIM_HTTP_1_OR_2, tls, NULL);
        send_all(f, 500, NULL);
        wait_all(f, 500);
        assert_int_equal(scene_counts(&f->s).connections, 2);
        assert_int_equal(f->all[499].version, 20);
        end(f);

        f = begin(NULL, 0, RP_SIM_HTTP_1_OR_2, tls, NULL);
        send_all(f, 50, NULL);
        wait_all(f, 50);
        UNTIL(f->s.web.loop, f->s.web.client->conn_count == 1);
        assert_in_range(scene_counts(&f->s).connections, 1, 2);
        end(f);
    }
}

/* It speaks HTTP/1.1 after all. None is answered before all connections that may be have a
 * request: one that is free sooner takes what waits, and a connection that is still being made is
 * given up. */
static void test_cold_http1(void **state)
{
    plan together = {.gather = 64};
    (void)state;
    fetches *f = begin(&together, 0, RP_SIM_HTTP_1, 13, NULL);
    send_all(f, 100, NULL);
    UNTIL(f->s.web.loop, f->s.web.client->conn_count == 64);
    wait_all(f, 100);
    assert_int_equal(scene_counts(&f->s).connections, 64);
    end(f);
}

/* Streams run out: the others get connections of their own, and these age afterwards. */
static void test_streams_run_out(void **state)
{
    plan slow = {.wait_ms = 50};
    (void)state;
    for (unsigned one = 0; one < 2; one++) {
        rp_client_options client = {.http2_one_connection = one == 1, .connection_idle_ms = 200};
        fetches *f = begin(&slow, 10, RP_SIM_HTTP_2, 13, &client);
        send_one(f, 0, NULL);
        wait_all(f, 1);
        f->p.gather = one ? 0 : 100;
        send_all(f, 100, NULL);
        wait_all(f, 100);
        if (one == 0) /* what the server has not let go of yet, though it is answered, counts too */
            assert_int_equal(f->p.most, 100);
        assert_int_equal(scene_counts(&f->s).connections, one ? 1 : 10);
        assert_int_equal(scene_counts(&f->s).streams_most, 10);
        for (unsigned i = 0; i < 8; i++) {
            send_one(f, 0, NULL);
            wait_all(f, 1);
        }
        assert_int_equal(f->s.web.client->conn_count, 1);
        end(f);
    }
}

/* From cold: what goes out before the server has said that it takes ten at a time is refused, and
 * goes elsewhere. */
static uintptr_t count_of(rp_sim_exchange *x, int more)
{
    rp_sim_exchange *c = rp_sim_connection(x);
    uintptr_t count = (uintptr_t)rp_sim_exchange_user(c) + (uintptr_t)more;
    rp_sim_exchange_user_set(c, (void *)count);
    return count;
}

static void refuse_above_ten(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (count_of(x, 1) > 10)
        rp_sim_reset_stream(x, REFUSED_STREAM);
}

static void one_is_gone(rp_sim_exchange *x, void *user)
{
    (void)user;
    if (rp_sim_stream(x) > 0)
        (void)count_of(x, -1);
}

static void test_refused_for_the_limit(void **state)
{
    (void)state;
    static const rp_sim_setting ten = {RP_SIM_MAX_CONCURRENT_STREAMS, 10};
    rp_sim_server_options serving = {.on_head = refuse_above_ten,
                                     .on_request = on_request,
                                     .on_gone = one_is_gone,
                                     .versions = RP_SIM_HTTP_2,
                                     .settings = &ten,
                                     .setting_count = 1};
    fetches *f = calloc(1, sizeof(*f));
    scene_begin(&f->s, 13, &serving, NULL);
    f->s.data = &f->p;
    send_all(f, 100, &post);
    wait_all(f, 100);
    end(f);
}

/* The limit goes down below what is under way, to nothing, and up again. */
static void change_limit(rp_sim_exchange *x, void *user)
{
    static const uint32_t limits[] = {1, 0, 10};
    unsigned which = (unsigned)atoi(rp_sim_target(x) + 1);
    if (which == 0) {
        rp_sim_exchange *c = rp_sim_connection(x);
        for (unsigned i = 0; i < 3; i++) {
            rp_sim_setting setting = {RP_SIM_MAX_CONCURRENT_STREAMS, limits[i]};
            rp_sim_settings(c, &setting, 1);
            rp_sim_wait(c, 30);
        }
    }
    rp_sim_wait(x, 20);
    plan_of(user)->answered[which]++;
    rp_sim_respond(x, 200, NULL, "ok", 2);
}

static void test_limit_changes(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_request = change_limit, .versions = RP_SIM_HTTP_2};
    for (unsigned one = 0; one < 2; one++) {
        rp_client_options client = {.http2_one_connection = one == 1};
        fetches *f = calloc(1, sizeof(*f));
        scene_begin(&f->s, 13, &serving, &client);
        f->s.data = &f->p;
        send_all(f, 300, NULL);
        wait_all(f, 300);
        end(f);
    }
}

/* What was learned is known without connections, and unlearned. */
static void test_server_changes_its_mind(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_head = on_head,
                                     .on_request = on_request,
                                     .on_gone = on_gone,
                                     .versions = RP_SIM_HTTP_1};
    plan slow = {.wait_ms = 20};
    fetches *f = begin(&slow, 0, RP_SIM_HTTP_1_OR_2, 13, NULL);
    static const rp_sim_versions versions[] = {RP_SIM_HTTP_1_OR_2, RP_SIM_HTTP_1,
                                               RP_SIM_HTTP_1_OR_2};
    for (unsigned i = 0; i < 3; i++) {
        serving.versions = versions[i];
        scene_serve_again(&f->s, &serving);
        UNTIL(f->s.web.loop, f->s.web.client->conn_count == 0);
        send_all(f, 60, NULL);
        wait_all(f, 60);
        assert_int_equal(f->all[59].version, versions[i] == RP_SIM_HTTP_1 ? 11 : 20);
        assert_in_range(scene_counts(&f->s).connections, 1, 64);
    }
    end(f);
}

/* ---- requests that come back ---- */

/* Given back a few times they go out again, whatever the method; each is answered once. */
static void test_given_back(void **state)
{
    static const int codes[] = {REFUSED_STREAM, GONE};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned count = 1; count <= 5; count += 2) {
            plan p = {.give_back = count, .code = codes[i]};
            fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
            send_one(f, 0, &post);
            wait_all(f, 1);
            assert_int_equal(f->all[0].summary.attempts, count + 1);
            end(f);
        }
    }
}

/* But not without end; the caller may try again, and reads who it was. */
static void test_given_back_for_ever(void **state)
{
    static const int codes[] = {REFUSED_STREAM, GONE};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        plan p = {.give_back = 1000, .code = codes[i]};
        fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
        send_one(f, 0, &post);
        fetch_wait(&f->all[0]);
        assert_int_equal(f->all[0].error.status, RP_E_H2_RESET);
        assert_int_equal(f->all[0].error.h2_code, codes[i] == GONE ? NO_ERROR : codes[i]);
        assert_true(f->all[0].error.replay_safe);
        assert_non_null(strstr(f->all[0].error.text, scene_peer(&f->s)));
        assert_int_equal(f->p.came, 6);
        end(f);
    }
}

/* Who asks for calm may have acted on the request. It goes out once more if it may, and not without
 * end; and not on that connection. */
static void test_calm(void **state)
{
    (void)state;
    for (unsigned get = 0; get < 2; get++) {
        plan p = {.code = CALM};
        fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
        send_one(f, 0, NULL);
        wait_all(f, 1);
        f->p.give_back = 1000;
        send_one(f, 0, get ? NULL : &post);
        fetch_wait(&f->all[0]);
        assert_int_equal(f->all[0].error.status, RP_E_H2_RESET);
        assert_int_equal(f->all[0].error.h2_code, CALM);
        assert_false(f->all[0].error.replay_safe);
        assert_int_equal(f->p.came, get ? 3 : 2);
        assert_int_equal(scene_counts(&f->s).connections, get ? 2 : 1);
        f->p.give_back = 0;
        send_one(f, 0, NULL);
        wait_all(f, 1);
        assert_int_equal(scene_counts(&f->s).connections, get ? 3 : 2);
        end(f);
    }
}

/* Who resets a stream for another cause has had the request, and answered it in a way; and its
 * connection is not dying. */
static void test_reset(void **state)
{
    (void)state;
    plan p = {.code = INTERNAL_ERROR};
    fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
    send_one(f, 0, NULL);
    wait_all(f, 1);
    f->p.give_back = 2;
    send_one(f, 0, NULL);
    fetch_wait(&f->all[0]);
    assert_int_equal(f->all[0].error.status, RP_E_H2_RESET);
    assert_int_equal(f->all[0].error.h2_code, INTERNAL_ERROR);
    assert_false(f->all[0].error.replay_safe);
    assert_int_equal(f->p.came, 2);
    send_one(f, 0, NULL);
    wait_all(f, 1);
    assert_int_equal(scene_counts(&f->s).connections, 1);
    end(f);
}

/* A server that breaks a rule and goes in the same breath is blamed for the rule, though it can't
 * be told so any more. */
static void break_and_go(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_hold(x);
    rp_sim_frame(rp_sim_connection(x), RP_SIM_FRAME_PING, 0, 0, "short", 5);
    rp_sim_end(x, RP_SIM_END_TRUNCATED);
}

static void test_breaks_a_rule_and_goes(void **state)
{
    (void)state;
    rp_sim_server_options serving = {.on_head = break_and_go, .versions = RP_SIM_HTTP_2};
    for (int tls = 0; tls <= 13; tls += 13) {
        fetches *f = calloc(1, sizeof(*f));
        rp_client_options client = {.http2_prior_knowledge = tls == 0};
        scene_begin(&f->s, tls, &serving, &client);
        send_one(f, 0, NULL);
        fetch_wait(&f->all[0]);
        if (f->all[0].error.status != RP_E_H2_PROTOCOL)
            fail_msg("%s", f->all[0].error.text);
        assert_int_equal(f->all[0].error.h2_code, FRAME_SIZE_ERROR);
        assert_false(f->all[0].error.replay_safe);
        end(f);
    }
}

/* Connections that end after each ten requests, as servers do with a limit. */
static void test_request_limit(void **state)
{
    plan p = {.each = 10};
    (void)state;
    fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
    for (unsigned first = 0; first < 500; first += 50) {
        for (unsigned i = first; i < first + 50; i++)
            send_one(f, i, i % 2 == 0 ? &post : NULL);
        for (unsigned i = first; i < first + 50; i++)
            fetch_wait(&f->all[i]);
    }
    wait_all(f, 500);
    assert_in_range(scene_counts(&f->s).connections, 10, 70);
    end(f);
}

static void test_misdirected(void **state)
{
    (void)state;
    plan p = {.statuses_421 = 20};
    fetches *f = begin(&p, 0, RP_SIM_HTTP_2, 13, NULL);
    for (unsigned i = 0; i < 20; i++)
        send_one(f, i, i % 2 == 0 ? &post : NULL);
    wait_all(f, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(f->all[i].summary.attempts, 2);
        assert_int_equal(f->all[i].heads, 1);
    }
    assert_in_range(scene_counts(&f->s).connections, 2, 3);
    f->p.statuses_421 = 2;
    send_one(f, 0, NULL);
    fetch_wait(&f->all[0]);
    assert_int_equal(f->all[0].status, 421);
    assert_string_equal(f->all[0].text, "not mine");
    end(f);
}

/* ---- back to HTTP/1.1 ---- */

static void test_http1_wanted(void **state)
{
    static const int codes[] = {HTTP_1_1_REQUIRED, -HTTP_1_1_REQUIRED};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        plan p = {.give_back = 1, .code = codes[i]};
        fetches *f = begin(&p, 0, RP_SIM_HTTP_1_OR_2, 13, NULL);
        send_one(f, 0, &post);
        wait_all(f, 1);
        assert_int_equal(f->all[0].version, 11);
        assert_int_equal(f->all[0].summary.attempts, 2);
        send_all(f, 10, &post); /* from then on all */
        wait_all(f, 10);
        for (unsigned k = 0; k < 10; k++)
            assert_int_equal(f->all[k].version, 11);
        assert_in_range(scene_counts(&f->s).connections_2, 1, 2);
        UNTIL(f->s.web.loop, f->s.web.client->conn_count == f->s.web.client->idle_count);
        end(f);
    }
}

static void test_http1_wanted_by_many(void **state)
{
    (void)state;
    plan p = {.give_back = 40, .code = HTTP_1_1_REQUIRED};
    fetches *f = begin(&p, 0, RP_SIM_HTTP_1_OR_2, 13, NULL);
    send_all(f, 100, &post);
    wait_all(f, 100);
    end(f);
}

static void test_http1_ruled_out(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 13; tls += 13) {
        plan p = {.give_back = 1000, .code = HTTP_1_1_REQUIRED};
        rp_client_options client = {.versions = RP_HTTP_2};
        fetches *f = begin(&p, 0, RP_SIM_HTTP_1_OR_2, tls, &client);
        send_one(f, 0, &post);
        fetch_wait(&f->all[0]);
        assert_int_equal(f->all[0].error.status, RP_E_H2_NOT_SPOKEN);
        assert_int_equal(f->all[0].error.h2_code, HTTP_1_1_REQUIRED);
        assert_true(f->all[0].error.replay_safe);
        assert_int_equal(f->p.came, 1);
        end(f);
    }
}

/* ---- limits of the client's ---- */

static void test_own_limits(void **state)
{
    (void)state;
    plan slow = {.wait_ms = 20};
    fetches *f = begin(&slow, 0, RP_SIM_HTTP_2, 13, &(rp_client_options){.never_reuse = true});
    send_all(f, 10, NULL);
    wait_all(f, 10);
    assert_int_equal(scene_counts(&f->s).connections, 10);
    assert_int_equal(scene_counts(&f->s).streams_most, 1);
    end(f);

    f = begin(&slow, 0, RP_SIM_HTTP_2, 13, &(rp_client_options){.requests_per_connection = 7});
    send_all(f, 70, NULL);
    wait_all(f, 70);
    assert_in_range(scene_counts(&f->s).connections, 10, 12);
    end(f);

    rp_client_options few = {.connections_per_origin = 3, .idle_per_origin = 1};
    f = begin(&slow, 5, RP_SIM_HTTP_2, 13, &few);
    send_one(f, 0, NULL);
    wait_all(f, 1);
    f->p.gather = 15;
    send_all(f, 60, NULL);
    wait_all(f, 60);
    assert_int_equal(f->p.most, 15);
    UNTIL(f->s.web.loop, f->s.web.client->conn_count == 1);
    assert_int_equal(scene_counts(&f->s).connections, 3);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_cold),
        fixture_test(test_cold_http1),
        fixture_test(test_streams_run_out),
        fixture_test(test_refused_for_the_limit),
        fixture_test(test_limit_changes),
        fixture_test(test_server_changes_its_mind),
        fixture_test(test_given_back),
        fixture_test(test_given_back_for_ever),
        fixture_test(test_calm),
        fixture_test(test_reset),
        fixture_test(test_breaks_a_rule_and_goes),
        fixture_test(test_request_limit),
        fixture_test(test_misdirected),
        fixture_test(test_http1_wanted),
        fixture_test(test_http1_wanted_by_many),
        fixture_test(test_http1_ruled_out),
        fixture_test(test_own_limits),
    };
    return fixture_run_simulated(tests, 5);
}
