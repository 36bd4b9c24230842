/* test_redirects_swarm.c - calls that four origins send to and fro, as a seed has planned it, over
 * a network with faults. Whatever happens: each hop is told once and in order, none is made that
 * was not told, and credentials are seen by the first origin alone, before any other was asked. */
#include "loop/loop.h"
#include "support/check.h"

#include <ringport/ringport.h>
#include <ringport/sim.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 150, SERVERS = 4, CALLS = 12, HOPS = 5 };

typedef struct call {
    unsigned id, hops;         /* redirects that are planned */
    unsigned server[HOPS + 1]; /* who is asked, first and at each of them */
    int status[HOPS];
    bool post;
    unsigned told, seen; /* hops that were told; the last one that a server saw */
    bool done, cancelled;
    int answered;
    rp_status error;
    unsigned redirects;
    rp_request *request;
} call;

static struct {
    rp_sim *sim;
    rp_sim_server *servers[SERVERS];
    call calls[CALLS];
    unsigned active, started;
    uint64_t seed;
} now;

static void say(const call *c, const char *what)
{
    fail_msg("seed %u, call %u: %s", (unsigned)now.seed, c->id, what);
}

/* Is the request before this hop still at home, and always was? */
static bool at_home(const call *c, unsigned hop)
{
    for (unsigned i = 1; i <= hop; i++) {
        if (c->server[i] != c->server[0])
            return false;
    }
    return true;
}

static void answer(rp_sim_exchange *x, void *user)
{
    unsigned id = 0, hop = 0, which = 0;
    char location[128];
    (void)user;
    CHECK(sscanf(rp_sim_target(x), "/%u/%u", &id, &hop) == 2 && id < CALLS);
    call *c = &now.calls[id];
    while (which < SERVERS && now.servers[which] != rp_sim_exchange_server(x))
        which++;
    bool shown = rp_sim_header(x, "authorization") != NULL || rp_sim_header(x, "cookie") != NULL ||
                 rp_sim_header(x, "x-key") != NULL;
    if (hop > c->hops || which != c->server[hop])
        say(c, "a server was asked that is not its turn");
    if (shown != at_home(c, hop))
        say(c, shown ? "a server saw what is not for it" : "the first origin lacks credentials");
    if (hop > c->told || (hop != c->seen && hop != c->seen + 1))
        say(c, "a server was asked out of order, or for what was not told");
    c->seen = hop;
    if (hop == c->hops) {
        rp_sim_respond(x, 200, NULL, "there", 5);
        return;
    }
    bool relative = c->server[hop + 1] == c->server[hop] && rp_sim_random(now.sim, 2) == 0;
    (void)snprintf(location, sizeof(location), "Location: %s%c%s%u/%u\r\n",
                   relative ? "" : "https://", relative ? '.' : (char)('a' + c->server[hop + 1]),
                   relative ? "./" : ".example.test/", id, hop + 1);
    size_t size = rp_sim_random(now.sim, 4) == 0 ? 100000 : (size_t)rp_sim_random(now.sim, 50);
    static const char body[100000];
    rp_sim_respond(x, c->status[hop], location, body, size);
}

static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    call *c = user;
    CHECK(request == c->request && !c->done && !c->cancelled);
    if (redirect->number != c->told + 1 || redirect->status != c->status[c->told])
        say(c, "a redirect was told out of order");
    c->told++;
    if (redirect->same_origin != (c->server[c->told] == c->server[c->told - 1]))
        say(c, "an origin is not the same as itself, or as another");
    return true;
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    call *c = user;
    CHECK(request == c->request && !c->done);
    if (head->status != 200)
        say(c, "a redirect is the answer");
    c->answered = head->status;
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    call *c = user;
    CHECK(request == c->request && !c->done);
    c->done = true;
    c->error = summary->error != NULL ? summary->error->status : RP_OK;
    c->redirects = summary->redirects;
    c->request = NULL;
    now.active--;
    if (summary->redirects > c->told)
        say(c, "a redirect was not told");
    if (summary->error == NULL && (c->answered != 200 || c->told != c->hops || c->seen != c->hops))
        say(c, "it ended before its way's end");
    if (summary->error != NULL && summary->redirects > 0 && summary->error->replay_safe)
        say(c, "what a server has answered is said to be safe to repeat");
}

static void plan(call *c, unsigned id)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    *c = (call){.id = id};
    c->hops = (unsigned)rp_sim_random(now.sim, HOPS + 1);
    c->post = rp_sim_random(now.sim, 2) == 0;
    for (unsigned i = 0; i <= c->hops; i++)
        c->server[i] = i > 0 && rp_sim_random(now.sim, 2) == 0
                           ? c->server[i - 1]
                           : (unsigned)rp_sim_random(now.sim, SERVERS);
    for (unsigned i = 0; i < c->hops; i++)
        c->status[i] = statuses[rp_sim_random(now.sim, 5)];
}

static void send(rp_client *client, call *c, bool may_fail)
{
    static const rp_header headers[] = {{"Cookie", "c=d"}, {"X-Key", "k"}};
    static const char *const secrets[] = {"x-key"};
    static const rp_response_events events = {.on_head = on_head, .on_done = on_done};
    char url[64];
    rp_error error;
    (void)snprintf(url, sizeof(url), "https://%c.example.test/%u/0", (char)('a' + c->server[0]),
                   c->id);
    rp_request_options options = {.url = url,
                                  .headers = headers,
                                  .header_count = 2,
                                  .bearer = "t",
                                  .body = c->post ? "body" : NULL,
                                  .body_size = c->post ? 4 : 0,
                                  .redirects_limit = HOPS,
                                  .redirect_secrets = secrets,
                                  .redirect_secret_count = 1,
                                  .on_redirect = on_redirect,
                                  .receive_credit_bytes = rp_sim_random(now.sim, 2) * 10,
                                  .total_timeout_ms = 20000};
    c->request = rp_client_send(client, &options, &events, c, &error);
    CHECK_TEXT(c->request != NULL || (may_fail && error.status == RP_E_NO_MEMORY), error.text);
    c->done = c->request == NULL;
    c->error = c->done ? error.status : RP_OK;
    now.active += !c->done;
    now.started++;
}

/* lacking: the client's so many-th allocation from the calls on fails; 0: none. */
static bool run(bool faults, uint64_t lacking)
{
    rp_sim_options options = {.seed = now.seed};
    rp_client_options with = {.connections_per_origin = 1 + (uint32_t)now.seed % 3};
    rp_client *client = NULL;
    rp_loop *loop = NULL;
    rp_error error = {.status = RP_OK};
    char name[] = "a.example.test";
    options.fault_ppm[RP_SIM_CONNECT_REFUSED] = options.fault_ppm[RP_SIM_RESET] =
        options.fault_ppm[RP_SIM_TRUNCATE] = faults ? 20000 : 0;
    CHECK(rp_sim_create(&now.sim, &options, &error) == RP_OK);
    for (unsigned i = 0; i < SERVERS; i++, name[0]++) {
        rp_sim_server_options serving = {
            .host = name, .on_request = answer, .versions = (rp_sim_versions)((now.seed + i) % 2)};
        CHECK(rp_sim_server_start(now.sim, &now.servers[i], &serving, &error) == RP_OK);
    }
    CHECK(rp_sim_loop_create(now.sim, &loop, NULL, false, &error) == RP_OK);
    CHECK(rp_tls_config_create(&with.tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ==
          RP_OK);
    CHECK(rp_client_create(&client, loop, &with, &error) == RP_OK);
    now.started = 0;
    loop->memory.fail_in = lacking;
    for (unsigned i = 0; i < (lacking > 0 ? 2 : CALLS); i++) {
        plan(&now.calls[i], i);
        send(client, &now.calls[i], lacking > 0);
    }
    for (unsigned turns = 0; now.active > 0; turns++) {
        call *c = &now.calls[rp_sim_random(now.sim, now.started)];
        if (faults && !c->done && rp_sim_random(now.sim, 100) == 0) {
            c->cancelled = true;
            rp_request_cancel(c->request);
        }
        (void)rp_loop_turn(loop, 100);
    }
    bool failed = lacking > 0 && loop->memory.fail_in == 0;
    loop->memory.fail_in = 0;
    for (unsigned i = 0; i < now.started; i++) {
        if (!faults && !failed && now.calls[i].error != RP_OK)
            say(&now.calls[i], rp_status_name(now.calls[i].error));
    }
    rp_client_destroy(client);
    while (rp_loop_pending(loop))
        (void)rp_loop_turn(loop, 100);
    rp_tls_config_release(with.tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(now.sim);
    return failed;
}

static void test_calm(void **state)
{
    (void)state;
    for (now.seed = 1; now.seed <= SEEDS; now.seed++)
        (void)run(false, 0);
}

static void test_faults(void **state)
{
    (void)state;
    for (now.seed = 1; now.seed <= SEEDS; now.seed++)
        (void)run(true, 0);
}

/* Without memory for any one thing it ends, and leaves nothing behind. */
static void test_no_memory(void **state)
{
    (void)state;
    for (now.seed = 1; now.seed <= 4; now.seed++) {
        for (uint64_t at = 1; run(false, at); at++)
            CHECK(at < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calm), cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
