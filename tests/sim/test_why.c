/* test_why.c - why was it slow: one fault of each kind is injected, and the sentence names it, in
 * at least 99 of 100 seeds. */
#include "client/client.h"
#include "sim/sim.h"
#include "support/check.h"
#include "support/play.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 100, GOOD = 99, WAIT_MS = 300, CREDIT = 1000, BODY_SIZE = 4000 };

typedef struct asked {
    play p;
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

static void syn_lost(asked *a)
{
    rp_sim_fault_at(a->p.sim, RP_SIM_LOSS, 1);
}

static void request_lost(asked *a)
{
    rp_sim_fault_at(a->p.sim, RP_SIM_LOSS, 2);
}

static void others_before(asked *a)
{
    for (unsigned i = 0; i < 4; i++)
        send_to(a, play_url(&a->p, "/other"), NULL);
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
     .client = {.connections_per_origin = 1},
     .server = {.on_request = wait_and_answer},
     .before = others_before},
    {.name = "openings",
     .needle = "(concurrent_openings)",
     .version = 13,
     .client = {.concurrent_openings = 1, .versions = RP_HTTP_1_1},
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
    {.name = "segment lost", .needle = "1 lost segment was sent again", .before = request_lost},
    {.name = "redirects",
     .needle = "3 redirects came before",
     .server = {.on_request = redirect},
     .request = {.redirects_limit = 5}},
    {.name = "retries",
     .needle = "retried twice, waited 2.",
     .also = " s between",
     .server = {.on_request = busy},
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
    {.name = "program", .needle = "the program did not turn its loop", .meanwhile = program_pauses},
};

static bool names_it(const fault *f, unsigned seed, char why[512])
{
    asked a = {.slow_reader = f->slow_reader};
    rp_sim_server_options server = f->server;
    rp_sim_options sim = {.seed = seed};
    play_options options = {
        .sim = &sim, .server = &server, .client = &f->client, .version = f->version};
    rp_request_options request = f->request;
    server.user = &a;
    play_begin(&a.p, &options);
    if (f->before != NULL)
        f->before(&a);
    request.explain = true;
    send_to(&a, play_url(&a.p, "/0"), &request);
    if (f->meanwhile != NULL)
        f->meanwhile(&a);
    for (unsigned turns = 0; a.why[0] == '\0'; turns++) {
        CHECK(turns < 1000000);
        (void)rp_loop_turn(a.p.loop, RP_NEVER_MS);
    }
    rp_client_cancel_all(a.p.client);
    (void)snprintf(why, 512, "%s", a.why);
    play_end(&a.p);
    return strstr(why, f->needle) != NULL && (f->also == NULL || strstr(why, f->also) != NULL);
}

static void test_named(void **state)
{
    char why[512], missed[512] = "";
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        unsigned good = 0;
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            if (names_it(&faults[i], seed, why))
                good++;
            else
                (void)snprintf(missed, sizeof(missed), "seed %u: %.400s", seed, why);
        }
        if (good < GOOD)
            fail_msg("%s: %u of %u; %s", faults[i].name, good, SEEDS, missed);
    }
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
