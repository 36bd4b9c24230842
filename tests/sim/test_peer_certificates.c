/* test_peer_certificates.c - rp_response_summary.peer_certificates is of the connection that
 * answered, whichever of several that was: many streams, second tries, redirects, retries, and
 * requests that end before their connection, behind it, or with their client. */
#include "support/check.h"
#include "support/tls_pair.h"
#include "support/play.h"

#include <string.h>

enum { MANY = 40, CERTIFICATES = 2 };

/* How a request is ended from inside. */
typedef enum ending { BY_ANSWER, BY_CANCEL, BY_DESTROY } ending;

/* A server says its name, which its certificate has, too. */
typedef struct host {
    rp_sim *sim;
    const char *name;
    unsigned late_ms; /* the first one's answer, of each path but "/" */
    unsigned came;
} host;

typedef struct scene {
    play p;
    rp_tls_config *tls;
    host hosts[2];
    rp_sim_server *other;
} scene;

typedef struct ask {
    rp_request *request;
    scene *scene;
    ending ending;
    unsigned dones;
    int status;
    rp_status error;
    bool hedge_won;
    unsigned redirects;
    char body[32], subject[32];
} ask;

static void answer(rp_sim_exchange *x, void *user)
{
    host *h = user;
    const char *target = rp_sim_target(x);
    h->came++;
    if (strcmp(target, "/moved") == 0) {
        rp_sim_respond(x, 302, "Location: https://b.example.test/\r\n", NULL, 0);
    } else if (strcmp(target, "/busy") == 0 && strcmp(h->name, "server-rsa") == 0) {
        rp_sim_respond(x, 503, NULL, h->name, strlen(h->name));
    } else if (strcmp(target, "/reset") == 0) {
        rp_sim_end(x, RP_SIM_END_RESET);
    } else {
        if (strcmp(target, "/") != 0)
            rp_sim_wait(x, h->late_ms);
        rp_sim_respond(x, 200, NULL, h->name, strlen(h->name));
    }
}

static void scene_begin(scene *s, rp_http_versions version, const rp_client_options *with)
{
    rp_error error;
    rp_client_options client = *with;
    rp_tls_options tls = {
        .ca_file = tls_cert("ca.pem"), .keep_peer_certificates = true, .no_resumption = true};
    *s = (scene){.hosts = {{.name = "server-rsa"}, {.name = "server-ecdsa"}}};
    client.versions = version;
    rp_sim_server_options server = {.on_request = answer,
                                    .user = &s->hosts[0],
                                    .certificate_file = tls_cert("server-rsa.pem"),
                                    .key_file = tls_cert("server-rsa.key"),
                                    .versions = RP_SIM_HTTP_1_OR_2};
    play_begin(&s->p, &(play_options){.server = &server, .version = 13, .client = &client});
    server.host = "b.example.test";
    server.address = "192.0.2.2";
    server.user = &s->hosts[1];
    server.certificate_file = tls_cert("server-ecdsa.pem");
    server.key_file = tls_cert("server-ecdsa.key");
    if (rp_sim_server_start(s->p.sim, &s->other, &server, &error) != RP_OK ||
        rp_sim_name_add(s->p.sim, PLAY_HOST, "192.0.2.1,192.0.2.2", &error) != RP_OK ||
        rp_tls_config_create(&s->tls, &tls, &error) != RP_OK)
        fail_msg("%s", error.text);
    rp_client_set_tls(s->p.client, s->tls);
}

static void scene_end(scene *s)
{
    rp_tls_config_release(s->tls);
    play_end(&s->p);
}

/* Reads all of it, so that what is not there any more is found. */
static void note(ask *a, const rp_response_summary *summary)
{
    a->subject[0] = '\0';
    if (summary->peer_certificate_count == 0)
        return;
    CHECK(summary->peer_certificate_count == CERTIFICATES);
    for (size_t i = 0; i < CERTIFICATES; i++) {
        const rp_peer_certificate *c = &summary->peer_certificates[i];
        unsigned sum = 0;
        for (size_t k = 0; k < c->der_size; k++)
            sum += c->der[k];
        CHECK(sum > 0 && c->der[0] == 0x30);
        CHECK(c->public_key > c->der && c->public_key + c->public_key_size < c->der + c->der_size);
        CHECK(c->not_before < c->not_after && strlen(c->issuer) > 0);
    }
    (void)snprintf(a->subject, sizeof(a->subject), "%s", summary->peer_certificates[0].subject);
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    ask *a = user;
    rp_response_summary summary;
    a->status = head->status;
    rp_request_summary_get(request, &summary);
    note(a, &summary);
    CHECK(a->subject[0] != '\0');
    if (a->ending == BY_CANCEL)
        rp_request_cancel(request);
    if (a->ending == BY_DESTROY && a->scene->p.client != NULL) {
        rp_client_destroy(a->scene->p.client);
        a->scene->p.client = NULL;
    }
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    ask *a = user;
    size_t used = strlen(a->body);
    (void)request;
    CHECK(used + size < sizeof(a->body));
    memcpy(a->body + used, data, size);
    a->body[used + size] = '\0';
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    ask *a = user;
    (void)request;
    a->request = NULL;
    a->dones++;
    a->error = summary->error != NULL ? summary->error->status : RP_OK;
    a->hedge_won = summary->hedge_won;
    a->redirects = summary->redirects;
    note(a, summary);
}

static const rp_response_events events = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

static void start(ask *a, scene *s, const char *path, const rp_request_options *with)
{
    rp_error error;
    rp_request_options options = *with;
    options.url = play_url(&s->p, path);
    a->scene = s;
    a->request = rp_client_send(s->p.client, &options, &events, a, &error);
    if (a->request == NULL)
        fail_msg("%s", error.text);
}

static void await(const ask *a)
{
    while (a->request != NULL)
        (void)rp_loop_turn(a->scene->p.loop, RP_NEVER_MS);
    assert_int_equal(a->dones, 1);
}

/* Whoever answered, that is whose they are. */
static void answered(const ask *a)
{
    await(a);
    assert_int_equal(a->error, RP_OK);
    assert_string_equal(a->subject, a->body);
}

static const rp_request_options plain;

/* ---- many on a connection ---- */

static void check_many(rp_http_versions version, ending how)
{
    scene s;
    ask all[MANY] = {{.dones = 0}};
    scene_begin(&s, version, &(rp_client_options){.connections_per_origin = 2});
    for (unsigned i = 0; i < MANY; i++) {
        all[i].ending = i % 2 == 0 ? BY_ANSWER : how;
        start(&all[i], &s, "/", &plain);
    }
    for (unsigned i = 0; i < MANY; i++) {
        await(&all[i]);
        if (all[i].error == RP_OK)
            answered(&all[i]);
        else
            assert_int_equal(all[i].error, RP_E_CANCELLED);
    }
    if (how != BY_DESTROY)
        assert_true(s.hosts[0].came + s.hosts[1].came > MANY / 2);
    scene_end(&s);
}

static void test_many(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        for (ending how = BY_ANSWER; how <= BY_DESTROY; how++)
            check_many(version, how);
    }
}

/* Those whose connection breaks have what it had. */
static void test_reset(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        scene s;
        ask all[4] = {{.dones = 0}}, next = {.dones = 0};
        scene_begin(&s, version, &(rp_client_options){.never_replay = true});
        for (unsigned i = 0; i < 4; i++)
            start(&all[i], &s, "/reset", &plain);
        for (unsigned i = 0; i < 4; i++) {
            await(&all[i]);
            assert_true(all[i].error != RP_OK);
            assert_true(all[i].subject[0] != '\0');
        }
        start(&next, &s, "/", &plain);
        answered(&next);
        scene_end(&s);
    }
}

/* ---- one after another ---- */

static void check_hedged(rp_http_versions version, unsigned first_ms, unsigned second_ms)
{
    scene s;
    ask a = {.dones = 0}, next = {.dones = 0};
    rp_client_options client = {.hedge = {.delay_ms = 100, .budget_percent = UINT32_MAX}};
    scene_begin(&s, version, &client);
    s.hosts[0].late_ms = first_ms;
    s.hosts[1].late_ms = second_ms;
    start(&a, &s, "/late", &plain);
    answered(&a);
    assert_int_equal(s.hosts[0].came, 1);
    assert_int_equal(s.hosts[1].came, 1);
    assert_int_equal(a.hedge_won, first_ms > second_ms);
    assert_string_equal(a.subject, first_ms > second_ms ? "server-ecdsa" : "server-rsa");
    start(&next, &s, "/", &plain);
    answered(&next);
    scene_end(&s);
}

static void test_hedged(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        check_hedged(version, 900, 0);
        check_hedged(version, 200, 900);
    }
}

static void test_elsewhere(void **state)
{
    (void)state;
    for (rp_http_versions version = RP_HTTP_1_1; version <= RP_HTTP_2; version++) {
        scene s;
        ask moved = {.dones = 0}, busy = {.dones = 0};
        rp_client_options client = {.never_reuse = true, .retry = {.attempts = 4}};
        scene_begin(&s, version, &client);
        start(&moved, &s, "/moved", &(rp_request_options){.redirects_limit = 1});
        answered(&moved);
        assert_int_equal(moved.redirects, 1);
        assert_string_equal(moved.subject, "server-ecdsa");
        start(&busy, &s, "/busy", &plain);
        answered(&busy);
        scene_end(&s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_hedged),
        cmocka_unit_test(test_elsewhere),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
