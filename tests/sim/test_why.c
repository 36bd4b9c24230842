/* test_why.c - why was it slow: one fault of each kind is injected, and the sentence names it, in
 * at least 99 of 100 seeds. */
#include "client/client.h"
#include "sim/sim.h"
#include "support/check.h"
#include "support/play.h"
#include "support/relay.h"

#include <ringport/insight.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 100, GOOD = 99, WAIT_MS = 300, CREDIT = 1000, BODY_SIZE = 4000 };

typedef struct asked {
    play p;
    int http; /* 1 or 2 */
    relay r;  /* with a proxy, on... */
    rp_loop *relay_loop;
    rp_proxy *proxy;
    rp_sim_server *second;
    unsigned dones;
    char why[512];
    bool slow_reader;
    unsigned failed; /* what a server counts */
    rp_timer reader;
    rp_request *request;
    size_t owed;
} asked;

typedef struct fault {
    const char *name, *needle, *also; /* also NULL: nothing more */
    int version;
    rp_client_options client;
    rp_sim_server_options server;
    rp_request_options request;
    void (*before)(asked *a); /* NULL: nothing */
    void (*meanwhile)(asked *a);
    bool slow_reader;
    int http;          /* 0: over HTTP/1.1 and over HTTP/2, else over this one alone */
    const char *proxy; /* its URL's scheme; NULL: none */
    bool forwards;
} fault;

/* ---- the client ---- */

static void read_on(rp_timer *timer, void *user)
{
    asked *a = user;
    size_t owed = a->owed;
    (void)timer;
    a->owed = 0;
    if (a->request != NULL)
        rp_request_consume(a->request, owed);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    asked *a = user;
    (void)data;
    if (!a->slow_reader)
        return;
    a->owed += size;
    a->request = request;
    rp_timer_start(a->p.loop, &a->reader, WAIT_MS, read_on, a);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    asked *a = user;
    (void)request;
    a->dones++;
    a->request = NULL;
    if (summary->why != NULL)
        (void)snprintf(a->why, sizeof(a->why), "%s", summary->why);
    rp_timer_stop(a->p.loop, &a->reader);
}

static void send_to(asked *a, const char *url, const rp_request_options *with)
{
    static const rp_response_events events = {.on_body = on_body, .on_done = on_done};
    rp_request_options options = {0};
    if (with != NULL)
        options = *with;
    options.url = url;
    CHECK(rp_client_send(a->p.client, &options, &events, a, NULL) != NULL);
}

/* ---- the servers ---- */

static void wait_and_answer(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, WAIT_MS);
    rp_sim_respond(x, 200, NULL, "ok", 2);
}

static void answer_slowly(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_head(x, 200, NULL, 8);
    for (unsigned i = 0; i < 4; i++) {
        rp_sim_data(x, "ab", 2);
        rp_sim_wait(x, WAIT_MS / 4);
    }
    rp_sim_end(x, RP_SIM_KEEP);
}

static void answer_long(rp_sim_exchange *x, void *user)
{
    static const char body[BODY_SIZE];
    (void)user;
    rp_sim_respond(x, 200, NULL, body, sizeof(body));
}

static void redirect(rp_sim_exchange *x, void *user)
{
    static const char *const next[] = {"Location: /1\r\n", "Location: /2\r\n", "Location: /3\r\n"};
    unsigned which = (unsigned)(rp_sim_target(x)[1] - '0');
    (void)user;
    if (which < 3) {
        rp_sim_wait(x, WAIT_MS / 3);
        rp_sim_respond(x, 302, next[which], NULL, 0);
    } else {
        rp_sim_respond(x, 200, NULL, "ok", 2);
    }
}

static void busy(rp_sim_exchange *x, void *user)
{
    asked *a = user;
    if (a->failed++ < 2)
        rp_sim_respond(x, 503, "Retry-After: 1\r\n", NULL, 0);
    else
        rp_sim_respond(x, 200, NULL, "ok", 2);
}

static void too_many(rp_sim_exchange *x, void *user)
{
    asked *a = user;
    if (a->failed++ < 2)
        rp_sim_respond(x, 429, "Retry-After: 1\r\n", NULL, 0);
    else
        rp_sim_respond(x, 200, NULL, "ok", 2);
}

/* The first one, never. */
static void answer_seconds(rp_sim_exchange *x, void *user)
{
    asked *a = user;
    if (a->failed++ > 0)
        rp_sim_respond(x, 200, NULL, "ok", 2);
}

static void busy_elsewhere(rp_sim_exchange *x, void *user)
{
    if (rp_sim_target(x)[1] == '0')
        rp_sim_respond(x, 302, "Location: /1\r\n", NULL, 0);
    else
        busy(x, user);
}

/* Its connection ends behind a while, and the next one is served. */
static void swallow(rp_sim_exchange *x, void *user)
{
    asked *a = user;
    if (a->failed++ == 1) {
        rp_sim_wait(x, WAIT_MS);
        rp_sim_end(x, RP_SIM_END_RESET);
    } else {
        rp_sim_respond(x, 200, NULL, "ok", 2);
    }
}

static void wait_on_connection(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_wait(x, WAIT_MS);
}

/* ---- what is done beside the request ---- */

static void one_before(asked *a)
{
    send_to(a, play_url(&a->p, "/"), NULL);
    while (a->dones < 1)
        (void)rp_loop_turn(a->p.loop, RP_NEVER_MS);
}

static void names_late(asked *a)
{
    rp_sim_fault_set(a->p.sim, RP_SIM_NAME_LATE, 1000000);
}

/* The proxy looks names up, too: in no time. */
static void then_in_time(asked *a)
{
    for (unsigned i = 0; i < 3; i++)
        (void)rp_loop_turn(a->p.loop, 0);
    rp_sim_fault_set(a->p.sim, RP_SIM_NAME_LATE, 0);
}

static void syn_lost(asked *a)
{
    rp_sim_fault_at(a->p.sim, RP_SIM_LOSS, 1);
}

static void request_lost(asked *a)
{
    rp_sim_fault_at(a->p.sim, RP_SIM_LOSS, 2);
}

/* On a connection that is there: with HTTP/2 there is more to be lost before. */
static void next_lost(asked *a)
{
    one_before(a);
    rp_sim_run_ms(a->p.sim, 100);
    for (unsigned i = 0; i < 5; i++)
        (void)rp_loop_turn(a->p.loop, 0);
    rp_sim_fault_at(a->p.sim, RP_SIM_LOSS, 1);
}

static void others_before(asked *a)
{
    for (unsigned i = 0; i < 4; i++)
        send_to(a, play_url(&a->p, "/other"), NULL);
}

/* One of them has its connection, and is asked. */
static void one_under_way(asked *a)
{
    rp_origin_statistics totals = {.in_flight = 0};
    others_before(a);
    while (totals.in_flight == 0) {
        (void)rp_loop_turn(a->p.loop, RP_NEVER_MS);
        rp_client_totals(a->p.client, &totals);
    }
}

static void refused_before(asked *a)
{
    rp_sim_fault_at(a->p.sim, RP_SIM_CONNECT_REFUSED, 1);
    one_before(a);
}

static void two_servers(asked *a)
{
    rp_error error;
    rp_sim_server_options other = {.on_request = answer_seconds, .user = a, .plain = true};
    other.host = PLAY_HOST;
    other.address = "192.0.2.2";
    other.versions = a->http == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    if (rp_sim_server_start(a->p.sim, &a->second, &other, &error) != RP_OK ||
        rp_sim_name_add(a->p.sim, PLAY_HOST, "192.0.2.1,192.0.2.2", &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void silent(rp_sim_exchange *x, void *user)
{
    (void)user;
    rp_sim_end(x, RP_SIM_END_STALLED);
}

static void dead_before(asked *a)
{
    static const char *const hosts[] = {"a.example.test", "b.example.test", "c.example.test"};
    static const char *const urls[] = {"https://a.example.test/", "https://b.example.test/",
                                       "https://c.example.test/"};
    for (unsigned i = 0; i < 3; i++) {
        rp_sim_server *server;
        rp_sim_server_options options = {.on_connection = silent, .host = hosts[i]};
        CHECK(rp_sim_server_start(a->p.sim, &server, &options, NULL) == RP_OK);
        send_to(a, urls[i], &(rp_request_options){.total_timeout_ms = 60000});
    }
}

static void total_taken(asked *a)
{
    rp_sim_server *server;
    rp_sim_server_options options = {
        .on_request = wait_and_answer, .host = "other.example.test", .plain = true};
    options.versions = a->http == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    CHECK(rp_sim_server_start(a->p.sim, &server, &options, NULL) == RP_OK);
    send_to(a, "http://other.example.test/", NULL);
}

/* Everybody else goes on. */
static void program_pauses(asked *a)
{
    sim_port *port = sim_port_of(a->p.loop->port);
    for (unsigned i = 0; i < 3; i++)
        (void)rp_loop_turn(a->p.loop, 1);
    port->loop = NULL;
    rp_sim_run_ms(a->p.sim, WAIT_MS);
    port->loop = a->p.loop;
}

static const rp_retry_options thrice = {.attempts = 3};

static void give_all(rp_timer *timer, void *user)
{
    const asked *a = user;
    (void)timer;
    (void)rp_request_give(a->request, "body", 4);
    (void)rp_request_body_end(a->request, NULL, 0, NULL);
}

static void give_late(rp_request *request, size_t room, void *user)
{
    asked *a = user;
    (void)room;
    a->request = request;
    rp_timer_start(a->p.loop, &a->reader, WAIT_MS, give_all, a);
}

static const fault faults[] = {
    {.name = "look-up", .needle = "the look-up of api.example.test", .before = names_late},
    {.name = "SYN lost",
     .needle = "connecting to 192.0.2.",
     .also = "sent again",
     .before = syn_lost},
    {.name = "handshake",
     .needle = "the TLS handshake with api.example.test",
     .version = 13,
     .server = {.on_connection = wait_on_connection}},
    {.name = "queue",
     .needle = "waited behind 4 requests to api.example.test",
     .client = {.connections_per_origin = 1, .http2_streams_limit = 1},
     .server = {.on_request = wait_and_answer},
     .before = others_before},
    {.name = "limit",
     .needle = "waited behind 4 requests to api.example.test (limits.requests_in_flight)",
     .client = {.limits = {.requests_in_flight = 1}},
     .server = {.on_request = wait_and_answer},
     .before = one_under_way},
    {.name = "probe",
     .needle = "waited until api.example.test took connections again (limits.probe_ms)",
     .client = {.limits = {.probe_ms = 1000}},
     .before = refused_before},
    {.name = "hedge",
     .needle = "waited for api.example.test to answer, until it was sent a second time",
     .client = {.hedge = {.delay_ms = WAIT_MS, .budget_percent = UINT32_MAX}},
     .server = {.on_request = answer_seconds},
     .before = two_servers},
    {.name = "proxy's name",
     .needle = "the look-up of the proxy proxy.example.test",
     .version = 13,
     .proxy = "http",
     .before = names_late,
     .meanwhile = then_in_time},
    {.name = "SYN to the proxy lost",
     .needle = "connecting to the proxy 127.0.0.1:3128",
     .version = 13,
     .proxy = "http",
     .before = syn_lost},
    {.name = "tunnel",
     .needle = "waiting for the proxy proxy.example.test to make a tunnel to api.example.test",
     .version = 13,
     .proxy = "http",
     .before = request_lost},
    {.name = "tunnel of SOCKS",
     .needle = "waiting for the proxy proxy.example.test to make a tunnel to api.example.test",
     .proxy = "socks5h",
     .before = request_lost},
    {.name = "forwarding proxy",
     .needle = "waiting for api.example.test to begin its answer, through the proxy "
               "proxy.example.test",
     .proxy = "http",
     .forwards = true,
     .http = 1,
     .before = request_lost},
    {.name = "openings",
     .needle = "(concurrent_openings)",
     .version = 13,
     .client = {.concurrent_openings = 1, .versions = RP_HTTP_1_1},
     .http = 1,
     .before = dead_before},
    {.name = "total",
     .needle = "(connections_total)",
     .client = {.connections_total = 1},
     .before = total_taken},
    {.name = "server thinks",
     .needle = "waiting for api.example.test to begin its answer",
     .server = {.on_request = wait_and_answer}},
    {.name = "body",
     .needle = "the body came slowly, 8 bytes",
     .server = {.on_request = answer_slowly}},
    {.name = "segment lost",
     .needle = "1 lost segment was sent again",
     .before = request_lost,
     .http = 1},
    {.name = "next segment lost", .needle = "1 lost segment was sent again", .before = next_lost},
    {.name = "redirects",
     .needle = "3 redirects came before",
     .server = {.on_request = redirect},
     .request = {.redirects_limit = 5}},
    {.name = "retries",
     .needle = "retried twice, waited 2.",
     .also = " s between",
     .server = {.on_request = busy},
     .request = {.retry = &thrice}},
    {.name = "too many requests",
     .needle = "retried twice, waited 2.",
     .server = {.on_request = too_many},
     .request = {.retry = &thrice}},
    {.name = "retries behind a redirect",
     .needle = "1 redirect came before, retried twice, waited 2.",
     .server = {.on_request = busy_elsewhere},
     .request = {.redirects_limit = 5, .retry = &thrice}},
    {.name = "replay",
     .needle = "sent again once",
     .server = {.on_request = swallow},
     .before = one_before},
    {.name = "reader",
     .needle = "the caller did not take the body",
     .server = {.on_request = answer_long},
     .request = {.receive_credit_bytes = CREDIT},
     .slow_reader = true},
    {.name = "producer",
     .needle = "the caller did not give the body",
     .request = {.on_body_wanted = give_late}},
    {.name = "program", .needle = "the program did not turn its loop", .meanwhile = program_pauses},
};

static void proxy_begin(asked *a, const char *scheme, bool forwards)
{
    rp_error error;
    char url[96];
    relay_options relaying = {
        .socks = strncmp(scheme, "socks", 5) == 0, .port = 3128, .forwards = forwards};
    rp_proxy_options proxy = {.url = url, .forward_http = forwards};
    CHECK(rp_sim_loop_create(a->p.sim, &a->relay_loop, NULL, false, NULL) == RP_OK);
    relay_begin(&a->r, a->relay_loop, &relaying);
    (void)snprintf(url, sizeof(url), "%s://proxy.example.test:3128", scheme);
    if (rp_sim_name_add(a->p.sim, "proxy.example.test", "127.0.0.1", &error) != RP_OK ||
        rp_proxy_create(&a->proxy, &proxy, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void proxy_end(asked *a)
{
    rp_client_destroy(a->p.client);
    a->p.client = NULL;
    rp_sim_run_ms(a->p.sim, 1000);
    relay_end(&a->r);
    rp_sim_run_ms(a->p.sim, 1000);
    rp_loop_destroy(a->relay_loop);
    rp_proxy_release(a->proxy);
}

static bool names_it(const fault *f, int http, unsigned seed, char why[512])
{
    asked a = {.slow_reader = f->slow_reader, .http = http};
    rp_sim_server_options server = f->server;
    rp_client_options client = f->client;
    rp_sim_options sim = {.seed = seed};
    play_options options = {
        .sim = &sim, .server = &server, .client = &client, .version = f->version};
    rp_request_options request = f->request;
    server.user = &a;
    server.versions = http == 2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    client.http2_prior_knowledge = http == 2 && f->version == 0;
    play_begin(&a.p, &options);
    if (f->proxy != NULL)
        proxy_begin(&a, f->proxy, f->forwards);
    if (f->before != NULL)
        f->before(&a);
    request.explain = true;
    request.proxy = a.proxy;
    send_to(&a, play_url(&a.p, "/0"), &request);
    if (f->meanwhile != NULL)
        f->meanwhile(&a);
    for (unsigned turns = 0; a.why[0] == '\0'; turns++) {
        CHECK(turns < 1000000);
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    }
    rp_client_cancel_all(a.p.client);
    (void)snprintf(why, 512, "%s", a.why);
    if (f->proxy != NULL)
        proxy_end(&a);
    play_end(&a.p);
    return strstr(why, f->needle) != NULL && (f->also == NULL || strstr(why, f->also) != NULL);
}

static void test_named(void **state)
{
    char why[512], missed[512] = "", all[8192] = "";
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(faults) / sizeof(faults[0]); i++) {
        const fault *f = &faults[i / 2];
        int http = 1 + (int)i % 2;
        unsigned good = 0;
        if (f->http != 0 && f->http != http)
            continue;
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            if (names_it(f, http, seed, why))
                good++;
            else
                (void)snprintf(missed, sizeof(missed), "seed %u: %.400s", seed, why);
        }
        size_t used = strlen(all);
        if (good < GOOD)
            (void)snprintf(all + used, sizeof(all) - used, "\n%s over HTTP/%d: %u of %u; %s",
                           f->name, http, good, SEEDS, missed);
    }
    if (all[0] != '\0')
        fail_msg("%s", all);
}

/* Who does not ask is told nothing; and the sentence of one that failed, or was cancelled. */
static void test_ends(void **state)
{
    (void)state;
    asked a = {.dones = 0};
    play_begin(&a.p, &(play_options){.server = &(rp_sim_server_options){.on_request = silent}});
    send_to(&a, play_url(&a.p, "/"), &(rp_request_options){.first_byte_timeout_ms = 500});
    while (a.dones < 1)
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    assert_string_equal(a.why, "");
    send_to(&a, play_url(&a.p, "/"),
            &(rp_request_options){.first_byte_timeout_ms = 500, .explain = true});
    while (a.dones < 2)
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    assert_non_null(strstr(a.why, "500 ms of 50"));
    assert_non_null(strstr(a.why, "waiting for api.example.test to begin its answer"));
    send_to(&a, play_url(&a.p, "/"), &(rp_request_options){.explain = true});
    rp_client_cancel_all(a.p.client);
    while (a.dones < 3)
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    assert_non_null(strstr(a.why, "waited for a connection to api.example.test"));
    send_to(&a, "http://none.example.test/", &(rp_request_options){.explain = true});
    while (a.dones < 4)
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    assert_non_null(strstr(a.why, "the look-up of none.example.test"));
    play_end(&a.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
