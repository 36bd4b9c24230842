/* test_upgrade.c - requests that leave HTTP (rp_request_upgrade): what comes behind the head is the
 * stream's, wherever it is cut; what else a server may answer; and who ends what. */
#include "client/client.h"
#include "support/check.h"
#include "support/relay.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

enum { LONG = 3000 };

/* ---- a server that echoes behind its 101 ---- */

/* What it answers, before the echo. */
typedef struct plan {
    const char *answer;
    size_t answer_size, cut; /* two pieces, where cut is not 0 */
    rp_sim_ending ending;    /* after a "!" */
    bool pauses;             /* between them */
} plan;

static plan planned;
static unsigned asked;
static char seen[128]; /* the request's Connection, Upgrade */
static uint8_t *pattern;

static void answer(rp_sim_exchange *x, void *user)
{
    const char *connection = rp_sim_header(x, "connection"), *to = rp_sim_header(x, "upgrade");
    (void)user;
    asked++;
    (void)snprintf(seen, sizeof(seen), "%s %s %d", connection == NULL ? "-" : connection,
                   to == NULL ? "-" : to, rp_sim_version(x));
    if (to == NULL || planned.answer == NULL) {
        rp_sim_respond(x, 200, NULL, "plain", 5);
        return;
    }
    rp_sim_upgrade(x, "Connection: Upgrade\r\nUpgrade: echo\r\n");
}

static void answer_cut(rp_sim_exchange *x, void *user)
{
    (void)user;
    asked++;
    rp_sim_write(x, planned.answer, planned.cut);
    if (planned.pauses)
        rp_sim_wait(x, 2);
    rp_sim_write(x, planned.answer + planned.cut, planned.answer_size - planned.cut);
    rp_sim_end(x, planned.ending);
}

static void echo(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    if (memchr(data, '!', size) == NULL)
        rp_sim_write(x, data, size);
    else
        rp_sim_end(x, planned.ending);
}

static const rp_sim_server_options echoing = {.on_request = answer, .on_body = echo};
static const rp_sim_server_options cutting = {.on_request = answer_cut};

/* ---- a client that takes the connection ---- */

typedef struct taker {
    fetch f; /* first: it is the probe's user too */
    probe p;
    bool leaves; /* does not take it */
    bool closes_in_head, cancels_in_head, cancels_first, destroys_in_head;
    size_t done_received; /* bytes that the stream had when on_done came */
} taker;

static void head_came(fetch *f)
{
    taker *t = (taker *)(void *)f;
    if (f->status != 101)
        return;
    if (t->cancels_first)
        fetch_cancel(f);
    if (t->leaves || t->cancels_first) {
        CHECK(!t->cancels_first ||
              rp_request_upgrade(f->request, &(rp_stream_events){0}, NULL) == NULL);
        return;
    }
    probe_upgrade(&t->p, f->web->loop, f->request);
    CHECK(rp_request_upgrade(f->request, &(rp_stream_events){0}, NULL) == NULL);
    if (t->cancels_in_head)
        fetch_cancel(f);
    if (t->destroys_in_head) {
        f->cancelled = true;
        rp_client_destroy(f->web->client);
        f->web->client = NULL;
    }
    if (t->closes_in_head)
        probe_close(&t->p);
}

static void done_came(fetch *f)
{
    taker *t = (taker *)(void *)f;
    t->done_received = t->p.received;
}

static void start(taker *t, scene *s, rp_request_options options)
{
    t->f.on_head = head_came;
    t->f.on_done = done_came;
    options.url = scene_url(s, "/");
    if (options.upgrade == NULL)
        options.upgrade = "echo";
    if (!fetch_start(&t->f, &s->web, NULL, &options))
        fail_msg("%s", t->f.error.text);
}

static void finish(taker *t, rp_status status)
{
    fetch_wait(&t->f);
    if (t->f.error.status != status)
        fail_msg("%s: %s", rp_status_name(t->f.error.status), t->f.error.text);
}

static void plan_echo(rp_sim_ending ending)
{
    planned = (plan){.answer = SWITCH, .ending = ending};
    asked = 0;
}

/* ---- it is taken ---- */

static void talk(scene *s, taker *t)
{
    assert_int_equal(probe_write_text(&t->p, "ping"), RP_OK);
    UNTIL(s->web.loop, t->p.received == 4);
    assert_string_equal(t->p.text, "ping");
    assert_int_equal(probe_write_text(&t->p, "!"), RP_OK);
    UNTIL(s->web.loop, t->p.ends == 1);
    assert_int_equal(t->p.end_error.status, RP_OK);
    probe_finish(&t->p);
}

static void test_taken(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        scene s;
        taker t = {.leaves = false}, again = {.leaves = false};
        plan_echo(RP_SIM_CLOSE);
        scene_begin(&s, version, &echoing, NULL);
        start(&t, &s, (rp_request_options){.upgrade = "other/1, Echo"});
        finish(&t, RP_OK);
        assert_int_equal(t.f.status, 101);
        assert_string_equal(seen, "Upgrade other/1, Echo 11");
        assert_int_equal(t.f.informational, 0);
        assert_int_equal(s.web.client->conn_count, 0); /* it has left */
        start(&again, &s, (rp_request_options){0});
        finish(&again, RP_OK);
        talk(&s, &again);
        talk(&s, &t);
        assert_int_equal(scene_counts(&s).connections, 2);
        scene_end(&s);
    }
}

/* What stands behind the head belongs to the stream, wherever the bytes are cut, and comes behind
 * on_done. */
static void test_cut(void **state)
{
    static const char text[] = SWITCH "hello";
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        for (size_t cut = 1; cut < sizeof(text) - 1; cut += cut < 60 ? 7 : 1) {
            scene s;
            taker t = {.leaves = false};
            planned = (plan){text, sizeof(text) - 1, cut, RP_SIM_CLOSE, true};
            scene_begin(&s, version, &cutting, NULL);
            start(&t, &s, (rp_request_options){0});
            finish(&t, RP_OK);
            assert_int_equal(t.done_received, 0);
            UNTIL(s.web.loop, t.p.ends == 1);
            assert_string_equal(t.p.text, "hello");
            assert_int_equal(t.p.end_error.status, RP_OK);
            probe_finish(&t.p);
            scene_end(&s);
        }
    }
}

/* The request's credit is the stream's. */
static void test_credit(void **state)
{
    static char text[sizeof(SWITCH) + LONG];
    (void)state;
    memcpy(text, SWITCH, sizeof(SWITCH) - 1);
    memcpy(text + sizeof(SWITCH) - 1, pattern, LONG);
    for (int version = 0; version <= 13; version += 13) {
        for (size_t credit = 1; credit < 200; credit += 61) {
            scene s;
            taker t = {.p.checked = true};
            planned = (plan){text, sizeof(SWITCH) - 1 + LONG, 5, RP_SIM_CLOSE, false};
            scene_begin(&s, version, &cutting, NULL);
            start(&t, &s, (rp_request_options){.receive_credit_bytes = credit});
            finish(&t, RP_OK);
            for (uint64_t given = 0; given < LONG;) {
                UNTIL(s.web.loop, t.p.received >= given + (credit < LONG - given ? credit : 1));
                assert_true(t.p.received - given <= credit);
                assert_true(t.p.ends == 0 || t.p.received == LONG);
                probe_consume(&t.p, (size_t)(t.p.received - given));
                given = t.p.received;
            }
            UNTIL(s.web.loop, t.p.ends == 1);
            assert_int_equal(t.p.received, LONG);
            probe_finish(&t.p);
            scene_end(&s);
        }
    }
}

/* ---- it is not ---- */

static void test_not_taken(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        scene s;
        taker t = {.leaves = true}, refused = {.leaves = false}, once = {.cancels_first = true};
        plan_echo(RP_SIM_CLOSE);
        scene_begin(&s, version, &echoing, NULL);
        start(&t, &s, (rp_request_options){0});
        finish(&t, RP_OK);
        assert_int_equal(t.f.status, 101);
        UNTIL(s.web.loop, s.web.client->conn_count == 0);
        start(&once, &s, (rp_request_options){0});
        finish(&once, RP_E_CANCELLED);
        UNTIL(s.web.loop, s.web.client->conn_count == 0);
        planned.answer = NULL; /* ordinary answers, and the connection serves on */
        for (unsigned i = 0; i < 3; i++) {
            refused = (taker){.leaves = false};
            start(&refused, &s, (rp_request_options){.decompress = true});
            finish(&refused, RP_OK);
            assert_int_equal(refused.f.status, 200);
            assert_string_equal(refused.f.text, "plain");
            assert_null(refused.p.stream);
        }
        assert_int_equal(scene_counts(&s).connections, 3);
        scene_end(&s);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *upgrade, *answer, *says;
    } cases[] = {
        {NULL, SWITCH, "the server switched protocols (101), which nobody asked for"},
        {"other, echo/2", SWITCH,
         "the server switched to a protocol (101) that was not asked for (RFC 9110, 7.8)"},
        {"echo", "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: echo, other\r\n\r\n",
         "the server switched to a protocol (101) that was not asked for (RFC 9110, 7.8)"},
        {"echo", "HTTP/1.1 101 S\r\nConnection: a, Upgrade\r\nUpgrade: ,\r\n\r\n",
         "the server switched protocols (101) and does not say to which (RFC 9110, 15.2.2)"},
        {"echo", "HTTP/1.1 101 S\r\nConnection: keep-alive\r\nUpgrade: echo\r\n\r\n",
         "the server switched protocols (101) without Connection: Upgrade (RFC 9110, 7.8)"},
        {"echo", "HTTP/1.0 101 S\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
         "the server switched protocols (101) in HTTP/1.0, which knows no Upgrade"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        scene s;
        taker t = {.f.on_head = head_came};
        char sentence[256];
        planned = (plan){cases[i].answer, strlen(cases[i].answer), 9, RP_SIM_CLOSE, false};
        scene_begin(&s, 0, &cutting, NULL);
        (void)snprintf(sentence, sizeof(sentence), "the answer of PEER can't be used: %s",
                       cases[i].says);
        rp_request_options options = {.upgrade = cases[i].upgrade};
        scene_bad(&s, &t.f, "/", &options, RP_E_BAD_RESPONSE, RP_PHASE_HEAD, sentence);
        assert_int_equal(t.f.heads, 0);
        scene_end(&s);
    }
}

static void refused(scene *s, rp_request_options options, rp_status status, const char *says)
{
    fetch f = {0};
    options.url = scene_url(s, "/");
    assert_false(fetch_start(&f, &s->web, NULL, &options));
    assert_int_equal(f.error.status, status);
    if (strstr(f.error.text, says) == NULL)
        fail_msg("%s", f.error.text);
}

static void test_options(void **state)
{
    static const char *const bad[] = {"", " , ", "a b", "a/", "/1", "a,b:c", "a/1/2", "a\r\nb"};
    static const rp_header connection = {"Connection", "keep-alive"}, own = {"upgrade", "echo"};
    static char large[300];
    scene s;
    (void)state;
    scene_begin(&s, 0, &echoing, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refused(&s, (rp_request_options){.upgrade = bad[i]}, RP_E_BAD_OPTION, "list of protocols");
    memset(large, 'a', sizeof(large) - 1);
    refused(&s, (rp_request_options){.upgrade = large}, RP_E_BAD_OPTION, "list of protocols");
    refused(&s, (rp_request_options){.upgrade = "echo", .body = "x", .body_size = 1},
            RP_E_BAD_OPTION, "no body");
    refused(&s, (rp_request_options){.upgrade = "echo", .headers = &connection, .header_count = 1},
            RP_E_BAD_HEADER, "see upgrade");
    refused(&s, (rp_request_options){.upgrade = "echo", .headers = &own, .header_count = 1},
            RP_E_BAD_HEADER, "see upgrade");
    scene_end(&s);
    scene_begin(&s, 13, &echoing, &(rp_client_options){.versions = RP_HTTP_2});
    refused(&s, (rp_request_options){.upgrade = "echo"}, RP_E_BAD_OPTION, "HTTP/2 knows no");
    scene_end(&s);
}

/* ---- beside other requests ---- */

/* A server that speaks both versions: who wants to leave HTTP goes over HTTP/1.1, and the others
 * over HTTP/2, before and after. */
static void test_beside_http2(void **state)
{
    rp_sim_server_options serving = echoing;
    (void)state;
    serving.versions = RP_SIM_HTTP_1_OR_2;
    for (int version = 0; version <= 13; version += 13) {
        rp_client_options client = {.http2_prior_knowledge = version == 0};
        scene s;
        fetch before = {0}, after = {0};
        taker t = {.leaves = false};
        plan_echo(RP_SIM_CLOSE);
        scene_begin(&s, version, &serving, &client);
        scene_good(&s, &before, "/", NULL, 200);
        assert_int_equal(before.summary.version, 20);
        start(&t, &s, (rp_request_options){0});
        finish(&t, RP_OK);
        assert_int_equal(t.f.summary.version, 11);
        scene_good(&s, &after, "/", NULL, 200);
        assert_int_equal(after.summary.version, 20);
        assert_string_equal(seen, "- - 20");
        talk(&s, &t);
        assert_int_equal(scene_counts(&s).connections, 2);
        scene_end(&s);
    }
}

static void answer_elsewhere(rp_sim_exchange *x, void *user)
{
    asked++;
    (void)snprintf(seen, sizeof(seen), "%s %s", rp_sim_method(x),
                   rp_sim_header(x, "upgrade") != NULL ? "asks" : "does not");
    rp_sim_respond(x, 307, user, "", 0);
}

static void answer_late(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 103, "Link: </a>\r\n", 0);
    rp_sim_wait(x, 2);
    rp_sim_upgrade(x, "Connection: Upgrade\r\nUpgrade: echo\r\n");
}

/* From a server that speaks both versions, or this one only, to another: it is asked for there,
 * too, over HTTP/1.1, and may be put off by heads that are none. */
static void test_redirected(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        for (int i = 0; i < 2; i++) {
            rp_sim_server_options there = echoing, here = {.on_request = answer_elsewhere};
            rp_sim_server *first;
            rp_error error;
            scene s;
            char location[128], url[64];
            taker t = {.leaves = false};
            plan_echo(RP_SIM_CLOSE);
            there.on_request = answer_late;
            there.versions = i == 0 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_1_OR_2;
            scene_begin(&s, version, &there, NULL);
            (void)snprintf(location, sizeof(location), "Location: %s\r\n", scene_url(&s, "/"));
            here.address = "127.0.0.1";
            here.port = fixture_simulated() ? 8443 : 0;
            here.plain = version == 0;
            here.versions = there.versions;
            here.user = location;
            assert_int_equal(rp_sim_server_start_on(s.web.loop, &first, &here, &error), RP_OK);
            (void)snprintf(url, sizeof(url), "http%s://%s/", version == 0 ? "" : "s",
                           rp_sim_server_address(first));
            t.f.on_head = head_came;
            rp_request_options options = {.url = url, .upgrade = "echo", .redirects_limit = 1};
            if (!fetch_start(&t.f, &s.web, NULL, &options))
                fail_msg("%s", t.f.error.text);
            finish(&t, RP_OK);
            assert_int_equal(t.f.status, 101);
            assert_int_equal(t.f.informational, 1);
            assert_int_equal(t.f.summary.redirects, 1);
            assert_string_equal(seen, "GET asks");
            talk(&s, &t);
            rp_client_destroy(s.web.client);
            s.web.client = NULL;
            UNTIL(s.web.loop, !rp_loop_pending(s.web.loop));
            rp_sim_server_stop(first);
            scene_end(&s);
        }
    }
}

/* A proxy that would forward http is asked for a tunnel. */
static void test_through_proxies(void **state)
{
    static const char *const schemes[] = {"http", "https", "socks5"};
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        scene s;
        relay r;
        rp_proxy *proxy;
        rp_tls_config *tls;
        rp_error error;
        taker t = {.leaves = false};
        bool socks = i / 2 == 2;
        plan_echo(RP_SIM_CLOSE);
        scene_begin(&s, i % 2 == 0 ? 0 : 13, &echoing, NULL);
        relay_begin(&r, s.web.loop, &(relay_options){.tls = i / 2 == 1, .socks = socks});
        assert_int_equal(
            rp_tls_config_create(&tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error), RP_OK);
        rp_proxy_options through = {
            .url = relay_url(&r, schemes[i / 2], ""), .tls = tls, .forward_http = !socks};
        if (rp_proxy_create(&proxy, &through, &error) != RP_OK)
            fail_msg("%s", error.text);
        start(&t, &s, (rp_request_options){.proxy = proxy});
        finish(&t, RP_OK);
        assert_int_equal(r.tunnels, 1);
        talk(&s, &t);
        rp_client_destroy(s.web.client);
        s.web.client = NULL;
        UNTIL(s.web.loop, !rp_loop_pending(s.web.loop));
        relay_end(&r);
        scene_end(&s);
        rp_proxy_release(proxy);
        rp_tls_config_release(tls);
    }
}

/* The request's deadlines end with it. */
static void test_deadlines(void **state)
{
    scene s;
    taker t = {.leaves = false};
    (void)state;
    plan_echo(RP_SIM_CLOSE);
    scene_begin(&s, 0, &echoing, &(rp_client_options){.connection_lifetime_ms = 60});
    start(&t, &s,
          (rp_request_options){
              .total_timeout_ms = 2000, .idle_timeout_ms = 30, .first_byte_timeout_ms = 2000});
    finish(&t, RP_OK);
    scene_settle(&s, fixture_simulated() ? 5000 : 120);
    assert_int_equal(t.p.ends, 0);
    talk(&s, &t);
    scene_end(&s);
}

/* ---- who ends what ---- */

static void test_ended_in_head(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 8; i++) {
        scene s;
        taker t = {.cancels_in_head = (i & 1) != 0,
                   .destroys_in_head = (i & 2) != 0,
                   .closes_in_head = (i & 4) != 0};
        plan_echo(RP_SIM_CLOSE);
        scene_begin(&s, i % 2 == 0 ? 13 : 0, &echoing, NULL);
        start(&t, &s, (rp_request_options){0});
        finish(&t, (i & 3) != 0 ? RP_E_CANCELLED : RP_OK);
        if (t.closes_in_head)
            UNTIL(s.web.loop, t.p.closes == 1);
        else
            talk(&s, &t);
        scene_end(&s);
    }
}

/* What came with the head comes behind on_done all the same. */
static void test_ended_in_head_with_more(void **state)
{
    static const char text[] = SWITCH "hello";
    (void)state;
    for (unsigned i = 1; i < 4; i++) {
        scene s;
        taker t = {.cancels_in_head = (i & 1) != 0, .destroys_in_head = (i & 2) != 0};
        planned = (plan){text, sizeof(text) - 1, sizeof(text) - 1, RP_SIM_CLOSE, false};
        scene_begin(&s, i % 2 == 0 ? 13 : 0, &cutting, NULL);
        start(&t, &s, (rp_request_options){0});
        finish(&t, RP_E_CANCELLED);
        assert_int_equal(t.done_received, 0);
        UNTIL(s.web.loop, t.p.ends == 1);
        assert_string_equal(t.p.text, "hello");
        probe_finish(&t.p);
        scene_end(&s);
    }
}

/* After so many turns the request is cancelled, its client is destroyed, or the whole loop is. */
static void end_after(unsigned turns, unsigned how, int version)
{
    scene s;
    taker t = {.leaves = false};
    plan_echo(RP_SIM_CLOSE);
    scene_begin(&s, version, &echoing, NULL);
    start(&t, &s, (rp_request_options){0});
    for (unsigned i = 0; i < turns; i++)
        (void)rp_loop_turn(s.web.loop, 1);
    if (how == 0 && t.f.dones == 0) {
        fetch_cancel(&t.f);
    } else if (how == 1) {
        t.f.cancelled = true;
        rp_client_destroy(s.web.client);
        s.web.client = NULL;
    }
    fetch_wait(&t.f);
    if (t.p.stream != NULL)
        talk(&s, &t);
    scene_end(&s);
}

static void test_ended_at_any_time(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 20; turns++) {
        for (unsigned how = 0; how < 2; how++)
            end_after(turns, how, turns % 3 == 0 ? 0 : 13);
    }
}

static void closed_by_loop(rp_stream *stream, void *user)
{
    (void)stream;
    ++*(unsigned *)user;
}

static const rp_stream_events closing_events = {.on_close = closed_by_loop};

typedef struct orphan {
    unsigned closes, dones;
} orphan;

static void orphan_head(rp_request *request, const rp_response_head *head, void *user)
{
    orphan *o = user;
    if (head->status == 101)
        CHECK(rp_request_upgrade(request, &closing_events, &o->closes) != NULL);
}

static void orphan_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request;
    (void)summary;
    ((orphan *)user)->dones++;
}

/* The loop ends, with the stream on it, of which the client knows nothing any more. */
static void test_loop_destroyed(void **state)
{
    static const rp_response_events events = {.on_head = orphan_head, .on_done = orphan_done};
    (void)state;
    for (unsigned turns = 0; turns < 20; turns += 3) {
        rp_loop *server_loop = scene_world_now.loop(), *loop = scene_world_now.loop();
        rp_sim_server_options serving = echoing;
        rp_sim_server *serves;
        rp_client *client;
        rp_error error;
        orphan o = {0};
        char url[64];
        plan_echo(RP_SIM_CLOSE);
        serving.plain = true;
        serving.address = "127.0.0.1";
        assert_int_equal(rp_sim_server_start_on(server_loop, &serves, &serving, &error), RP_OK);
        assert_int_equal(rp_client_create(&client, loop, NULL, &error), RP_OK);
        (void)snprintf(url, sizeof(url), "http://%s/", rp_sim_server_address(serves));
        rp_request_options options = {.url = url, .upgrade = "echo"};
        CHECK(rp_client_send(client, &options, &events, &o, &error) != NULL);
        for (unsigned i = 0; i < turns; i++) {
            (void)rp_loop_turn(loop, 1);
            (void)rp_loop_turn(server_loop, 1);
        }
        rp_loop_destroy(loop);
        assert_int_equal(o.dones, 1);
        assert_true(o.closes <= 1);
        assert_true(turns < 19 || o.closes == 1);
        rp_client_destroy(client);
        rp_sim_server_stop(serves);
        UNTIL(server_loop, !rp_loop_pending(server_loop));
        scene_world_now.loop_end(server_loop);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_taken),
        fixture_test(test_cut),
        fixture_test(test_credit),
        fixture_test(test_not_taken),
        fixture_test(test_faults),
        fixture_test(test_options),
        fixture_test(test_beside_http2),
        fixture_test(test_redirected),
        fixture_test(test_through_proxies),
        fixture_test(test_deadlines),
        fixture_test(test_ended_in_head),
        fixture_test(test_ended_in_head_with_more),
        fixture_test(test_ended_at_any_time),
        fixture_test(test_loop_destroyed),
    };
    pattern = probe_pattern(LONG);
    int failed = fixture_run_simulated(tests, 2);
    free(pattern);
    return failed;
}
