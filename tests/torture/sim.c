/* sim.c - each scenario with each kind of fault, the first, the second, the third ... opportunity,
 * until a run meets none. */
#include "torture/torture.h"

#include "sim/sim.h"
#include "swarm/crash.h"

#include <inttypes.h>
#include <string.h>

#define EXPLAINED_MOST 12

typedef enum fault_class { OURS, WOLF, COUNTED, BROKEN } fault_class;

/* A kind of fault, and the errors that it may lead to. */
typedef struct kind {
    const char *name;
    fault_class class;
    bool onward;
    rp_sim_fault fault;
    rp_sim_direction direction;
    rp_phase phase; /* of the errors; RP_PHASE_NONE: any */
    rp_status statuses[EXPLAINED_MOST];
} kind;

/* The end of a connection is told by the stage in which it comes. */
#define LOST RP_E_RESET, RP_E_STALE_CONNECTION
#define ENDED                                                                                      \
    RP_E_TLS_CLOSED, RP_E_TRUNCATED, RP_E_CLOSED_EARLY, RP_E_BODY_TRUNCATED, RP_E_STALE_CONNECTION
#define TOO_LONG                                                                                   \
    RP_E_TOTAL_TIMEOUT, RP_E_HANDSHAKE_TIMEOUT, RP_E_FIRST_BYTE_TIMEOUT, RP_E_IDLE_TIMEOUT,        \
        RP_E_H2_PING_TIMEOUT

/* wolfSSL does not always say that it was for want of memory: BUFFER_E, PEER_KEY_ERROR and
 * BUILD_MESSAGE come of it too. */
#define OF_WOLFSSL RP_E_TLS_CONFIG, RP_E_TLS_FAILED, RP_E_TLS_PROTOCOL, RP_E_CERT_INVALID

/* Sends, receives and connects fail at the servers, too, which then close the connection. */
static const kind kinds[] = {
    {"ours", OURS, .statuses = {RP_E_NO_MEMORY}},
    {"ours+", OURS, .onward = true, .statuses = {RP_E_NO_MEMORY}},
    {"wolf", WOLF, .statuses = {RP_E_NO_MEMORY, OF_WOLFSSL}},
    {"wolf+", WOLF, .onward = true, .statuses = {RP_E_NO_MEMORY, OF_WOLFSSL}},
    {"connect_refused", COUNTED, .fault = RP_SIM_CONNECT_REFUSED, .phase = RP_PHASE_CONNECT,
     .statuses = {RP_E_CONNECT_REFUSED}},
    {"connect_unreachable", COUNTED, .fault = RP_SIM_CONNECT_UNREACHABLE, .phase = RP_PHASE_CONNECT,
     .statuses = {RP_E_CONNECT_UNREACHABLE}},
    {"connect_stall", COUNTED, .fault = RP_SIM_CONNECT_STALL, .phase = RP_PHASE_CONNECT,
     .statuses = {RP_E_CONNECT_TIMEOUT}},
    {"send_failed", COUNTED, .fault = RP_SIM_SEND_FAILED,
     .statuses = {RP_E_IO_FAILED, LOST, ENDED}},
    {"receive_failed", COUNTED, .fault = RP_SIM_RECEIVE_FAILED,
     .statuses = {RP_E_IO_FAILED, LOST, ENDED}},
    {"no_buffers", COUNTED, .fault = RP_SIM_NO_BUFFERS},
    {"no_descriptors", COUNTED, .fault = RP_SIM_NO_DESCRIPTORS, .phase = RP_PHASE_CONNECT,
     .statuses = {RP_E_NO_DESCRIPTORS}},
    {"no_socket_memory", COUNTED, .fault = RP_SIM_NO_SOCKET_MEMORY, .phase = RP_PHASE_CONNECT,
     .statuses = {RP_E_NO_MEMORY}},
    {"name_not_found", COUNTED, .fault = RP_SIM_NAME_NOT_FOUND, .phase = RP_PHASE_RESOLVE,
     .statuses = {RP_E_RESOLVE_NOT_FOUND}},
    {"name_failed", COUNTED, .fault = RP_SIM_NAME_FAILED, .phase = RP_PHASE_RESOLVE,
     .statuses = {RP_E_RESOLVE_FAILED}},
    {"name_late", COUNTED, .fault = RP_SIM_NAME_LATE, .phase = RP_PHASE_RESOLVE,
     .statuses = {RP_E_RESOLVE_TIMEOUT}},
    {"reset>", BROKEN, .fault = RP_SIM_RESET, .direction = RP_SIM_TO_SERVER, .statuses = {LOST}},
    {"reset<", BROKEN, .fault = RP_SIM_RESET, .direction = RP_SIM_TO_CLIENT, .statuses = {LOST}},
    {"stall>", BROKEN, .fault = RP_SIM_STALL, .direction = RP_SIM_TO_SERVER,
     .statuses = {TOO_LONG}},
    {"stall<", BROKEN, .fault = RP_SIM_STALL, .direction = RP_SIM_TO_CLIENT,
     .statuses = {TOO_LONG}},
    {"truncate>", BROKEN, .fault = RP_SIM_TRUNCATE, .direction = RP_SIM_TO_SERVER,
     .statuses = {ENDED, RP_E_RESET}},
    {"truncate<", BROKEN, .fault = RP_SIM_TRUNCATE, .direction = RP_SIM_TO_CLIENT,
     .statuses = {ENDED}},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What is under way. */
static const kind *now;
static torture run;
static rp_tls_config *common_tls;

static bool may(const rp_error *error)
{
    if (now == NULL || (now->phase != RP_PHASE_NONE && error->phase != now->phase))
        return false;
    for (unsigned i = 0; i < EXPLAINED_MOST && now->statuses[i] != RP_OK; i++) {
        if (now->statuses[i] == error->status)
            return true;
    }
    return false;
}

/* ---- striking ---- */

static bool of_others(void)
{
    return run.sim == NULL || run.sim->turning_others > 0 || run.held;
}

static void arm(uint64_t n)
{
    ours = (counter){.live = ours.live};
    wolf = (counter){.live = wolf.live};
    if (now == NULL)
        return;
    counter *c = now->class == OURS ? &ours : &wolf;
    if (now->class == COUNTED) {
        rp_sim_fault_at(run.sim, now->fault, n);
    } else if (now->class == BROKEN) {
        rp_sim_break_next(run.sim, now->fault, now->direction, n - 1);
    } else {
        c->at = n;
        c->onward = now->onward;
        c->armed = true;
    }
}

static uint64_t struck(void)
{
    if (now == NULL)
        return 0;
    if (now->class == COUNTED || now->class == BROKEN)
        return rp_sim_fault_count(run.sim, now->fault);
    return now->class == OURS ? ours.struck : wolf.struck;
}

static void disarm(void)
{
    ours.armed = wolf.armed = false;
    if (now != NULL && now->class == COUNTED)
        rp_sim_fault_at(run.sim, now->fault, 0);
    run.sim->next_break.set = false;
}

void torture_hold(torture *t, bool hold)
{
    t->held = hold;
    if (now != NULL && now->class == OURS)
        ours.armed = !hold;
}

/* ---- what a run is made of ---- */

rp_sim_server *torture_serve(torture *t, const char *host, bool plain, rp_tls_version version)
{
    rp_sim_server_options options = {.host = host,
                                     .plain = plain,
                                     .minimum_version = version,
                                     .maximum_version = version,
                                     .on_head = answer_head,
                                     .on_request = answer,
                                     .user = t};
    if (t->scenario->http2)
        options.versions = RP_SIM_HTTP_1_OR_2;
    static char urls[SERVERS_MOST][64];
    rp_error error;
    unsigned i = t->server_count++;
    CHECK(i < SERVERS_MOST);
    CHECK_TEXT(rp_sim_server_start(t->sim, &t->servers[i], &options, &error) == RP_OK, error.text);
    (void)snprintf(urls[i], sizeof(urls[i]), "http%s://%s/size/10", plain ? "" : "s", host);
    t->urls[i] = urls[i];
    return t->servers[i];
}

bool torture_loop(torture *t)
{
    rp_error error = {.status = RP_OK};
    rp_loop_options options = {.allocator = fail_allocator};
    uint64_t live = ours.live;
    if (rp_sim_loop_create(t->sim, &t->loop, &options, true, &error) == RP_OK)
        return true;
    CHECK_TEXT(may(&error) && t->loop == NULL && ours.live == live, error.text);
    return false;
}

bool torture_tls(torture *t, const rp_tls_options *options, rp_tls_config **tls)
{
    rp_error error = {.status = RP_OK};
    (void)t;
    fail_region = ours.armed && !t->held;
    rp_status status = rp_tls_config_create(tls, options, &error);
    fail_region = false;
    CHECK_TEXT(status == RP_OK || (may(&error) && *tls == NULL), error.text);
    return status == RP_OK;
}

void torture_turn(torture *t)
{
    CHECK_TEXT(rp_loop_pending(t->loop), "the loop forgot somebody");
    (void)rp_loop_turn(t->loop, RP_NEVER_MS);
}

static void stuck(void *user, const char *message)
{
    (void)user;
    (void)fprintf(stderr, "torture: %s\n", message);
    abort();
}

static void print_line(void *user, const char *line)
{
    (void)user;
    (void)puts(line);
}

/* The same for all runs of a scenario, so that what it has of wolfSSL's is there before them. */
static rp_proxy *common_proxy;

static void begin_proxy(const char *scheme)
{
    rp_error error;
    relay_options options = {.tls = strcmp(scheme, "https") == 0,
                             .socks = strncmp(scheme, "socks", 5) == 0,
                             .user = "user",
                             .password = "secret",
                             .port = 3128};
    CHECK(rp_sim_loop_create(run.sim, &run.relay_loop, NULL, false, &error) == RP_OK);
    relay_begin(&run.relay, run.relay_loop, &options);
    if (common_proxy == NULL) {
        rp_proxy_options to = {.url = relay_url(&run.relay, scheme, "user:secret@"),
                               .tls = common_tls,
                               .keep_answer = true};
        CHECK_TEXT(rp_proxy_create(&common_proxy, &to, &error) == RP_OK, error.text);
    }
    run.proxy = common_proxy;
}

static void begin(const scenario *s, uint64_t seed, bool trace)
{
    rp_sim_options options = {.seed = seed, .orderly = seed == 0, .on_stuck = stuck};
    rp_tls_options tls = {.ca_pem = rp_sim_ca_pem, .keep_peer_certificates = true};
    rp_error error;
    if (trace)
        options.on_trace = print_line;
    memset(&run, 0, sizeof(run));
    run.scenario = s;
    run.may = may;
    if (s->client != NULL)
        run.client_options = *s->client;
    run.client_options.http2_prior_knowledge = s->http2;
    CHECK_TEXT(rp_sim_create(&run.sim, &options, &error) == RP_OK, error.text);
    if (common_tls == NULL)
        CHECK_TEXT(rp_tls_config_create(&common_tls, &tls, &error) == RP_OK, error.text);
    run.tls = run.client_options.tls = common_tls;
    s->serve(&run);
    if (s->proxy != NULL)
        begin_proxy(s->proxy);
    if (!s->life)
        CHECK(torture_loop(&run) && torture_client(&run));
}

/* ---- what must hold ---- */

/* What strikes the proxy, or the way behind it, is told by the proxy, or by its end. */
static bool proxy_may(const rp_error *error)
{
    bool of_others = now != NULL && now->class != OURS && now->class != WOLF;
    return of_others && run.scenario->proxy != NULL &&
           (error->of_proxy || error->status == RP_E_PROXY_REFUSED ||
            error->status == RP_E_PROXY_CLOSED || error->status == RP_E_PROXY_TIMEOUT ||
            error->status == RP_E_TLS_CLOSED || error->status == RP_E_RESET ||
            error->status == RP_E_TRUNCATED || error->status == RP_E_HANDSHAKE_TIMEOUT);
}

static void judge(const ask *a)
{
    rp_status status = a->error.status;
    bool as_expected = status == a->expected || (a->cancelled && status == RP_E_CANCELLED);
    if (as_expected && status == RP_OK)
        CHECK((a->status == 200 || a->status == 101) && a->final_head &&
              (a->received == a->size || (a->short_too && now != NULL)));
    if (as_expected || may(&a->error) || proxy_may(&a->error) ||
        (now != NULL && status != RP_OK && status == a->also))
        return;
    (void)fprintf(stderr, "torture: %s in phase %s: %s\n", rp_status_name(status),
                  rp_phase_name(a->error.phase), a->error.text);
    CHECK_TEXT(false, rp_status_name(a->expected));
}

/* One more request to each server, that nothing disturbs, succeeds. A connection of the pool may be
 * broken without anybody knowing yet; the next request then finds out, and leads to a new one. */
static void recover_one(unsigned server)
{
    for (unsigned tries = 0; tries < 3; tries++) {
        uint64_t before = struck();
        run.ask_count = 0;
        memset(run.asks, 0, sizeof(run.asks));
        const ask *a = ask_start(&run, run.urls[server], 10, NULL);
        asks_wait(&run);
        bool stalled = now != NULL && now->class == BROKEN && now->fault == RP_SIM_STALL;
        bool named = now != NULL && now->phase == RP_PHASE_RESOLVE; /* a question that is shared */
        bool disturbed = struck() > before || stalled || named;
        if (a->error.status == RP_OK)
            return;
        CHECK_TEXT(disturbed && may(&a->error), a->error.text);
    }
    CHECK_TEXT(false, "the client does not recover");
}

static void recover(void)
{
    run.client_options.tls = common_tls;
    if (run.loop == NULL) {
        CHECK(torture_loop(&run));
        run.client = NULL;
    }
    if (run.client == NULL || run.scenario->life)
        CHECK(torture_client(&run));
    for (unsigned i = 0; i < run.server_count; i++)
        recover_one(i);
}

static void end(void)
{
    const rp_loop_stats *stats = rp_loop_stats_get(run.loop);
    rp_client_destroy(run.client);
    while (rp_loop_pending(run.loop))
        torture_turn(&run);
    CHECK(stats->wakeups_spurious == 0);
    CHECK(stats->tls_calls_idle == 0);
    if (run.scenario->proxy != NULL) {
        rp_sim_server_stop(run.relay.server);
        rp_sim_run_ms(run.sim, 1000);
        rp_loop_destroy(run.relay_loop);
    }
    rp_loop_destroy(run.loop);
    CHECK(ours.live == 0);
    rp_sim_destroy(run.sim); /* checks that no socket and no event is left */
    run.sim = NULL;
}

/* True: the fault struck. */
static bool run_once(const scenario *s, const kind *k, uint64_t n, uint64_t seed, bool trace)
{
    now = NULL;
    uint64_t wolf_live = wolf.live;
    begin(s, seed, trace);
    if (common_tls != NULL && wolf_live == 0)
        wolf_live = wolf.live;
    now = k;
    arm(n);
    s->run(&run);
    disarm();
    for (unsigned i = 0; i < run.ask_count; i++)
        judge(&run.asks[i]);
    recover();
    bool was = struck() > 0;
    end();
    return was;
}

/* ---- the whole ---- */

typedef struct arguments {
    const char *scenario, *kind;
    uint64_t n, seed, step;
    bool trace;
} arguments;

static bool applies(const scenario *s, const kind *k)
{
    if (k->class == BROKEN)
        return s->bytes > 0;
    return !(s->own_stall && k->class == COUNTED && k->fault == RP_SIM_CONNECT_STALL);
}

static uint64_t torment(const char *program, const scenario *s, const kind *k, const arguments *a)
{
    uint64_t runs = 0, step = k->class == BROKEN ? s->bytes * a->step : 1;
    for (uint64_t n = a->n > 0 ? a->n : 1;; n += step) {
        crash_says("torture: failed; this repeats it: %s --scenario %s --kind '%s' --n %" PRIu64
                   " --seed %" PRIu64,
                   program, s->name, k->name, n, a->seed);
        bool met = run_once(s, k, n, a->seed, a->trace);
        runs += met;
        if (!met || a->n > 0)
            break;
    }
    return runs;
}

/* A run that leaks of wolfSSL's memory is told from one that fills its caches by the next one. */
static void torment_scenario(const char *program, const scenario *s, const arguments *a)
{
    now = NULL;
    crash_says("torture: failed; this repeats it: %s --scenario %s", program, s->name);
    (void)run_once(s, NULL, 0, a->seed, false);
    (void)run_once(s, NULL, 0, a->seed, false);
    (void)printf("%s:", s->name);
    for (size_t i = 0; i < KINDS; i++) {
        if (!applies(s, &kinds[i]) || (a->kind != NULL && strcmp(a->kind, kinds[i].name) != 0))
            continue;
        uint64_t live = wolf.live;
        uint64_t runs = torment(program, s, &kinds[i], a);
        (void)printf(" %s=%" PRIu64, kinds[i].name, runs);
        (void)fflush(stdout);
        CHECK(wolf.live == live);
    }
    (void)printf("\n");
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool parse(arguments *a, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *word = words[i], *value = i + 1 < count ? words[i + 1] : "";
        bool good = true;
        i++;
        if (strcmp(word, "--scenario") == 0)
            a->scenario = value;
        else if (strcmp(word, "--kind") == 0)
            a->kind = value;
        else if (strcmp(word, "--n") == 0)
            good = number(value, &a->n);
        else if (strcmp(word, "--seed") == 0)
            good = number(value, &a->seed);
        else if (strcmp(word, "--step") == 0)
            good = number(value, &a->step) && a->step > 0;
        else if (strcmp(word, "--trace") == 0)
            a->trace = i-- > 0;
        else
            good = false;
        if (!good)
            return false;
    }
    return true;
}

int main(int count, char **words)
{
    arguments a = {.step = 1};
    unsigned ran = 0;
    if (!parse(&a, count, words)) {
        (void)fprintf(stderr,
                      "usage: %s [--scenario NAME] [--kind KIND [--n N]] [--seed S] [--step K] "
                      "[--trace]\n",
                      words[0]);
        return 2;
    }
    if (a.trace)
        (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    wolf_is_others = of_others;
    fail_prepare();
    crash_prepare();
    for (const scenario *s = scenarios; s->name != NULL; s++) {
        if (a.scenario != NULL && strcmp(a.scenario, s->name) != 0)
            continue;
        torment_scenario(words[0], s, &a);
        ran++;
    }
    rp_tls_config_release(common_tls);
    return ran > 0 ? 0 : 2;
}
