/* test_life.c - connections opened before they are needed, the drain, and the cancelling of all; in
 * every order with what else ends. */
#include "client/client.h"
#include "support/check.h"
#include "support/scene.h"

#include <ringport/life.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 40 };

/* What the test was told, and what it does when it is told. */
typedef struct life {
    scene s;
    fetch all[MOST];
    unsigned preconnects, drains;
    uint32_t ready;
    rp_error error; /* of the last preconnect */
    rp_status drained;
    unsigned done_before;  /* requests, when the drain was told */
    unsigned stalled_open; /* answers that wait */
    rp_sim_exchange *stalled[MOST];
    unsigned stalled_count;
    bool destroys; /* the client, in each callback */
    bool inside;   /* a call of ours is on the stack */
} life;

static void destroy_client(life *l)
{
    rp_client *client = l->s.web.client;
    l->s.web.client = NULL;
    rp_client_destroy(client);
}

static void preconnected(const rp_preconnected *result, void *user)
{
    life *l = user;
    CHECK(!l->inside);
    l->preconnects++;
    l->ready = result->ready;
    l->error = result->error != NULL ? *result->error : (rp_error){.status = RP_OK};
    if (l->destroys)
        destroy_client(l);
}

static unsigned done_count(const life *l)
{
    unsigned count = 0;
    for (unsigned i = 0; i < MOST; i++)
        count += l->all[i].dones;
    return count;
}

static void drained(rp_status status, void *user)
{
    life *l = user;
    CHECK(!l->inside);
    l->drains++;
    l->drained = status;
    l->done_before = done_count(l);
    if (l->destroys)
        destroy_client(l);
}

/* "/stall" is answered when the test says so. */
static void answer(rp_sim_exchange *x, void *user)
{
    life *l = (life *)user;
    if (strcmp(rp_sim_target(x), "/stall") == 0) {
        CHECK(l->stalled_count < MOST);
        l->stalled[l->stalled_count++] = x;
        return;
    }
    if (strcmp(rp_sim_target(x), "/moved") == 0) {
        rp_sim_respond(x, 302, "Location: /there\r\n", NULL, 0);
        return;
    }
    rp_sim_respond(x, 200, NULL, "ok", 2);
}

static void gone(rp_sim_exchange *x, void *user)
{
    life *l = (life *)user;
    for (unsigned i = 0; i < l->stalled_count; i++)
        if (l->stalled[i] == x)
            l->stalled[i--] = l->stalled[--l->stalled_count];
}

static life *begin(int tls, rp_sim_versions versions, const rp_client_options *with)
{
    life *l = calloc(1, sizeof(*l));
    CHECK(l != NULL);
    rp_client_options client = {0};
    rp_sim_server_options serving = {
        .on_request = answer, .on_gone = gone, .versions = versions, .user = l};
    if (with != NULL)
        client = *with;
    client.http2_prior_knowledge = tls == 0 && versions == RP_SIM_HTTP_2;
    scene_begin(&l->s, tls, &serving, &client);
    return l;
}

static void end(life *l)
{
    const char *complaint = rp_sim_server_complaint(l->s.server);
    if (complaint != NULL)
        fail_msg("%s", complaint);
    scene_end(&l->s);
    free(l);
}

static void send_one(life *l, unsigned which, const char *path, const rp_request_options *with)
{
    rp_request_options options = {0};
    if (with != NULL)
        options = *with;
    options.url = scene_url(&l->s, path);
    CHECK(fetch_start(&l->all[which], &l->s.web, path, &options));
}

static void answer_stalled(life *l)
{
    while (l->stalled_count > 0)
        rp_sim_respond(l->stalled[--l->stalled_count], 200, NULL, "ok", 2);
}

static rp_status preconnect_to(life *l, const char *url, uint32_t count)
{
    rp_preconnect_options options = {
        .url = url, .count = count, .on_done = preconnected, .user = l};
    l->inside = true;
    rp_status status = rp_client_preconnect(l->s.web.client, &options, &l->error);
    l->inside = false;
    return status;
}

static void preconnect(life *l, uint32_t count)
{
    unsigned before = l->preconnects;
    assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), count), RP_OK);
    UNTIL(l->s.web.loop, l->preconnects > before);
}

static rp_status drain(life *l)
{
    l->inside = true;
    rp_status status = rp_client_drain(l->s.web.client, drained, l);
    l->inside = false;
    return status;
}

/* ---- preconnect ---- */

static void test_preconnect(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 13; tls += 13) {
        life *l = begin(tls, RP_SIM_HTTP_1, NULL);
        preconnect(l, 5);
        assert_int_equal(l->error.status, RP_OK);
        assert_int_equal(l->ready, 5);
        UNTIL(l->s.web.loop, scene_counts(&l->s).connections == 5); /* it accepts later */
        preconnect(l, 3);                                           /* they are there */
        assert_int_equal(l->ready, 5);
        preconnect(l, 6);
        UNTIL(l->s.web.loop, scene_counts(&l->s).connections == 6);
        scene_settle(&l->s, 50); /* half a session ticket is in the way of a request */
        for (unsigned i = 0; i < 6; i++)
            send_one(l, i, "/", NULL);
        for (unsigned i = 0; i < 6; i++) {
            fetch_wait(&l->all[i]);
            assert_int_equal(l->all[i].status, 200);
            assert_int_equal(l->all[i].summary.timings.connected_us, 0);
        }
        assert_int_equal(scene_counts(&l->s).connections, 6);
        end(l);
    }
}

/* HTTP/2 needs one, also while one is in use. */
static void test_preconnect_h2(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 13; tls += 13) {
        life *l = begin(tls, RP_SIM_HTTP_2, &(rp_client_options){.versions = RP_HTTP_2});
        preconnect(l, 8);
        assert_int_equal(l->error.status, RP_OK);
        assert_in_range(l->ready, 1, 2);
        send_one(l, 0, "/stall", NULL);
        UNTIL(l->s.web.loop, l->stalled_count == 1);
        uint64_t opened = scene_counts(&l->s).connections;
        assert_in_range(opened, 1, 2);
        preconnect(l, 8);
        assert_int_equal(scene_counts(&l->s).connections, opened);
        answer_stalled(l);
        fetch_wait(&l->all[0]);
        end(l);
    }
}

/* As many as the limits allow, without an error; nobody else's connection ends for it, and nobody
 * waits without end. */
static void test_preconnect_limits(void **state)
{
    (void)state;
    life *l = begin(13, RP_SIM_HTTP_1, &(rp_client_options){.connections_per_origin = 3});
    send_one(l, 0, "/stall", NULL);
    UNTIL(l->s.web.loop, l->stalled_count == 1);
    uint32_t used = l->s.web.client->conn_count; /* there may be a probe that nobody needed */
    preconnect(l, 64);
    assert_int_equal(l->error.status, RP_OK);
    assert_int_equal(l->ready, 2);
    assert_int_equal(l->s.web.client->conn_count, 3);
    assert_in_range(used, 1, 2);
    answer_stalled(l);
    fetch_wait(&l->all[0]);
    end(l);

    l = begin(0, RP_SIM_HTTP_1, &(rp_client_options){.connections_total = 2});
    preconnect(l, 64);
    assert_int_equal(l->ready, 2);
    char other[64];
    (void)snprintf(other, sizeof(other), "%s", scene_url(&l->s, "/"));
    rp_preconnect_options options = {
        .url = "http://127.0.0.2:1/", .count = 4, .on_done = preconnected, .user = l};
    assert_int_equal(rp_client_preconnect(l->s.web.client, &options, NULL), RP_OK);
    UNTIL(l->s.web.loop, l->preconnects == 2);
    assert_int_equal(l->error.status, RP_OK);
    assert_int_equal(l->ready, 0);
    assert_int_equal(l->s.web.client->idle_count, 2);
    end(l);

    l = begin(0, RP_SIM_HTTP_1, &(rp_client_options){.idle_per_origin = 2});
    preconnect(l, 64);
    assert_int_equal(l->ready, 2);
    UNTIL(l->s.web.loop, scene_counts(&l->s).connections == 2);
    end(l);
}

static void test_preconnect_fails(void **state)
{
    (void)state;
    life *l = begin(13, RP_SIM_HTTP_1, NULL);
    assert_int_equal(preconnect_to(l, "https://127.0.0.1:1/", 3), RP_OK);
    UNTIL(l->s.web.loop, l->preconnects == 1);
    assert_int_equal(l->error.status, RP_E_CONNECT_REFUSED);
    assert_int_equal(l->ready, 0);
    assert_int_equal(preconnect_to(l, "ftp://127.0.0.1/", 1), RP_E_BAD_URL);
    assert_int_equal(preconnect_to(l, NULL, 1), RP_E_MISUSE);
    preconnect(l, 1);
    assert_int_equal(l->error.status, RP_OK);
    /* The client ends before it is done, or is ended by what it tells. */
    assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), 4), RP_OK);
    assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), 5), RP_OK);
    l->destroys = true;
    UNTIL(l->s.web.loop, l->preconnects == 4);
    assert_null(l->s.web.client);
    end(l);

    l = begin(13, RP_SIM_HTTP_1, NULL);
    assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), 4), RP_OK);
    l->inside = true;
    destroy_client(l);
    l->inside = false;
    UNTIL(l->s.web.loop, l->preconnects == 1);
    assert_int_equal(l->error.status, RP_E_CANCELLED);
    end(l);
}

/* ---- drain ---- */

static void test_drain(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        rp_client_options two = {.connections_per_origin = 2};
        life *l =
            begin(13, version == 1 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2, version == 1 ? &two : NULL);
        for (unsigned i = 0; i < 5; i++) /* with HTTP/1.1 three of them wait in the queue */
            send_one(l, i, "/stall", NULL);
        send_one(l, 5, "/moved", &(rp_request_options){.redirects_limit = 3});
        UNTIL(l->s.web.loop, l->stalled_count >= 2);
        assert_int_equal(drain(l), RP_OK);
        assert_int_equal(drain(l), RP_E_MISUSE);
        rp_error error = {.status = RP_OK};
        rp_request_options more = {.url = scene_url(&l->s, "/")};
        rp_collected collected = {0};
        assert_null(rp_client_send(l->s.web.client, &more, &rp_collect_events, &collected, &error));
        assert_int_equal(error.status, RP_E_DRAINING);
        assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), 1), RP_E_DRAINING);
        scene_settle(&l->s, 20);
        assert_int_equal(l->drains, 0);
        while (l->drains == 0) {
            answer_stalled(l);
            (void)rp_loop_turn(l->s.web.loop, 5);
        }
        assert_int_equal(l->drained, RP_OK);
        assert_int_equal(l->done_before, 6);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(l->all[i].status, 200);
        assert_int_equal(l->s.web.client->conn_count, 0);
        UNTIL(l->s.web.loop, scene_counts(&l->s).open == 0);
        if (version == 2) {
            assert_in_range(scene_counts(&l->s).goaways, 1, scene_counts(&l->s).connections_2);
            assert_int_equal(scene_counts(&l->s).goaway_code, 0);
        }
        end(l);
    }
}

/* What is idle closes at once, what is being opened for nobody too, and whoever has nothing to do
 * is told as well; the callback may destroy the client. */
static void test_drain_idle(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        life *l = begin(13, RP_SIM_HTTP_1_OR_2, NULL);
        l->destroys = (i & 1) != 0;
        if ((i & 2) != 0)
            preconnect(l, 3);
        else if ((i & 4) != 0)
            assert_int_equal(preconnect_to(l, scene_url(&l->s, "/"), 3), RP_OK);
        if (l->s.web.client == NULL) {
            end(l);
            continue;
        }
        assert_int_equal(drain(l), RP_OK);
        UNTIL(l->s.web.loop, l->drains == 1 || l->s.web.client == NULL);
        UNTIL(l->s.web.loop, l->drains == 1);
        if ((i & 6) == 4)
            assert_int_equal(l->error.status, RP_E_DRAINING);
        assert_int_equal(l->drained, i == 5 ? RP_E_CANCELLED : RP_OK);
        UNTIL(l->s.web.loop, scene_counts(&l->s).open == 0);
        end(l);
    }
}

static void destroy_here(fetch *f)
{
    life *l = f->user;
    if (l->s.web.client != NULL)
        destroy_client(l);
}

/* Destroyed before it is drained: told once, behind the last request. */
static void test_drain_destroyed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        life *l = begin(13, RP_SIM_HTTP_1_OR_2, NULL);
        for (unsigned j = 0; j < 3; j++) {
            l->all[j].user = l;
            l->all[j].on_done = i == 2 ? destroy_here : NULL;
            send_one(l, j, "/stall", NULL);
        }
        if (i > 0)
            UNTIL(l->s.web.loop, l->stalled_count == 3);
        assert_int_equal(drain(l), RP_OK);
        if (i < 2) {
            l->inside = true;
            destroy_client(l);
            l->inside = false;
        } else {
            answer_stalled(l);
        }
        UNTIL(l->s.web.loop, l->drains == 1);
        assert_int_equal(l->drained, RP_E_CANCELLED);
        assert_int_equal(l->done_before, 3);
        end(l);
    }
}

/* ---- all at once ---- */

static void cancel_all_here(fetch *f)
{
    life *l = f->user;
    rp_client_cancel_all(l->s.web.client);
}

static void test_cancel_all(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) { /* bit 0: HTTP/2; bit 1: in a callback */
        rp_client_options two = {.connections_per_origin = 2};
        life *l =
            begin(13, (i & 1) != 0 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1, (i & 1) != 0 ? NULL : &two);
        for (unsigned j = 0; j < 6; j++)
            send_one(l, j, "/stall", NULL);
        UNTIL(l->s.web.loop, l->stalled_count >= 2);
        uint64_t opened = scene_counts(&l->s).connections;
        if ((i & 2) != 0) {
            l->all[6].user = l;
            l->all[6].on_done = cancel_all_here;
            send_one(l, 6, "/", &(rp_request_options){.url = "http://127.0.0.1:1/"});
            fetch_cancel(&l->all[6]);
        } else {
            rp_client_cancel_all(l->s.web.client);
            rp_client_cancel_all(l->s.web.client);
            assert_int_equal(done_count(l), 0);
        }
        for (unsigned j = 0; j < 6; j++) {
            UNTIL(l->s.web.loop, l->all[j].dones == 1);
            assert_int_equal(l->all[j].error.status, RP_E_CANCELLED);
        }
        scene_settle(&l->s, 20);
        assert_int_equal(scene_counts(&l->s).connections, opened);
        send_one(l, 7, "/", NULL); /* the client serves on */
        fetch_wait(&l->all[7]);
        assert_int_equal(l->all[7].status, 200);
        rp_client_cancel_all(l->s.web.client); /* nothing to do */
        end(l);
    }
}

/* A drain that lasts too long is cut short. */
static void test_drain_cut_short(void **state)
{
    (void)state;
    life *l = begin(13, RP_SIM_HTTP_1_OR_2, NULL);
    for (unsigned j = 0; j < 3; j++)
        send_one(l, j, "/stall", NULL);
    assert_int_equal(drain(l), RP_OK);
    scene_settle(&l->s, 30);
    rp_client_cancel_all(l->s.web.client);
    UNTIL(l->s.web.loop, l->drains == 1);
    assert_int_equal(l->drained, RP_OK);
    assert_int_equal(l->done_before, 3);
    end(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_preconnect),
        fixture_test(test_preconnect_h2),
        fixture_test(test_preconnect_limits),
        fixture_test(test_preconnect_fails),
        fixture_test(test_drain),
        fixture_test(test_drain_idle),
        fixture_test(test_drain_destroyed),
        fixture_test(test_cancel_all),
        fixture_test(test_drain_cut_short),
    };
    return fixture_run_simulated(tests, 5);
}
