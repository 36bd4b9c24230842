/* linux.c - real loops, on loopback: each call of the system and of liburing fails once. The server
 * is on a loop of its own, in a thread in which nothing fails. */
#include "torture/torture.h"

#include "loop/port.h"
#include "support/dns_server.h"
#include "support/loops.h"
#include "support/raw.h"
#include "swarm/crash.h"
#include "torture/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define STUCK_MS 60000

typedef struct real_scenario {
    const char *name;
    void (*run)(torture *t);
    bool life;    /* the loop is made in it */
    bool served;  /* by a server on the same loop: what fails may be its */
    bool names;   /* c-ares is among those who call */
    bool refused; /* by the ring, whenever the loop waits */
} real_scenario;

static torture run;
static const real_scenario *at;
static const call_fault *now;
static const char *backend;
static rp_tls_config *tls;
static uint64_t begun_ms;

/* ---- the servers' thread ---- */

static struct {
    rp_loop *loop;
    rp_sim_server *plain, *encrypted;
    char urls[2][64];
    raw_thread *thread;
    rp_post stop;
    rp_timer held; /* keeps the loop running */
    atomic_bool ready;
} servers;
static dns_server *names;

static rp_sim_server *serve_on(rp_loop *loop, bool plain)
{
    rp_sim_server_options options = {.plain = plain, .on_head = answer_head, .on_request = answer};
    rp_sim_server *server = NULL;
    rp_error error;
    CHECK_TEXT(rp_sim_server_start_on(loop, &server, &options, &error) == RP_OK, error.text);
    return server;
}

static void nothing(rp_timer *timer, void *user)
{
    (void)timer;
    (void)user;
}

static void serve(void *user)
{
    rp_loop_options options = {.backend = "epoll"};
    (void)user;
    CHECK(rp_loop_create(&servers.loop, &options, NULL) == RP_OK);
    servers.plain = serve_on(servers.loop, true);
    servers.encrypted = serve_on(servers.loop, false);
    rp_timer_start(servers.loop, &servers.held, RP_NEVER_MS, nothing, NULL);
    atomic_store(&servers.ready, true);
    rp_loop_run(servers.loop);
    rp_timer_stop(servers.loop, &servers.held);
    rp_sim_server_stop(servers.plain);
    rp_sim_server_stop(servers.encrypted);
    rp_loop_run(servers.loop);
    rp_loop_destroy(servers.loop);
}

static void stop_loop(rp_post *post, void *user)
{
    (void)post;
    (void)user;
    rp_loop_stop(servers.loop);
}

static void servers_start(void)
{
    static const dns_rule rules[] = {{.name = "a.example.test", .addresses = "127.0.0.1"},
                                     {.name = NULL}};
    servers.thread = raw_thread_start(serve, NULL);
    while (!atomic_load(&servers.ready))
        raw_sleep_ms(1);
    (void)snprintf(servers.urls[0], sizeof(servers.urls[0]), "http://%s",
                   rp_sim_server_address(servers.plain));
    (void)snprintf(servers.urls[1], sizeof(servers.urls[1]), "https://%s",
                   rp_sim_server_address(servers.encrypted));
    names = dns_server_start(rules);
}

static void servers_stop(void)
{
    servers.stop = (rp_post){.fn = stop_loop};
    rp_loop_post(servers.loop, &servers.stop);
    raw_thread_join(servers.thread);
    dns_server_stop(names);
}

/* ---- what a run is made of ---- */

static bool may(const rp_error *error)
{
    static const rp_status of_servers[] = {
        RP_E_RESET,     RP_E_TLS_CLOSED,     RP_E_TRUNCATED,       RP_E_CLOSED_EARLY,
        RP_E_TLS_ALERT, RP_E_BODY_TRUNCATED, RP_E_STALE_CONNECTION};
    if (now == NULL)
        return false;
    for (unsigned i = 0; i < CAUSED_MOST && now->statuses[i] != RP_OK; i++) {
        if (now->statuses[i] == error->status)
            return true;
    }
    for (size_t i = 0; at->served && i < sizeof(of_servers) / sizeof(of_servers[0]); i++) {
        if (of_servers[i] == error->status)
            return true;
    }
    return false;
}

bool torture_loop(torture *t)
{
    rp_error error = {.status = RP_OK};
    rp_loop_options options = {.allocator = fail_allocator, .backend = backend};
    if (rp_loop_create(&t->loop, &options, &error) == RP_OK)
        return true;
    if (!may(&error) && loops_create(&t->loop, &options, &error) == RP_OK)
        return true;
    CHECK_TEXT(may(&error) && t->loop == NULL && ours.live == 0, error.text);
    return false;
}

void torture_turn(torture *t)
{
    CHECK_TEXT(rp_loop_pending(t->loop), "the loop forgot somebody");
    CHECK_TEXT(fixture_now_ms() - begun_ms < STUCK_MS, "stuck");
    (void)rp_loop_turn(t->loop, 1000);
}

static const char *url(unsigned encrypted, const char *path)
{
    static char urls[8][128];
    static unsigned next;
    char *text = urls[next++ % 8];
    (void)snprintf(text, sizeof(urls[0]), "%s%s", servers.urls[encrypted], path);
    return text;
}

/* ---- scenarios ---- */

static void run_life(torture *t)
{
    if (!torture_loop(t) || !torture_client(t))
        return;
    (void)ask_start(t, url(0, "/size/100"), 100, NULL);
    asks_wait(t);
    rp_loop_destroy(t->loop);
    rp_client_destroy(t->client);
    t->loop = NULL;
    t->client = NULL;
}

/* Whichever backend works: where io_uring cannot be had there is the other one. */
static void run_choose(torture *t)
{
    const char *named = backend;
    backend = NULL;
    bool made = torture_loop(t) && torture_client(t);
    CHECK(made || now->call < CALL_RING_INIT);
    backend = named;
    if (!made)
        return;
    (void)ask_start(t, url(0, "/size/100"), 100, NULL);
    asks_wait(t);
}

static void run_get(torture *t)
{
    (void)ask_start(t, url(1, "/size/100"), 100, NULL);
    asks_wait(t);
    (void)ask_start(t, url(1, "/chunked/30000"), 30000, NULL);
    asks_wait(t);
}

static void run_plain(torture *t)
{
    (void)ask_start(t, url(0, "/size/100"), 100, NULL);
    asks_wait(t);
    (void)ask_start(t, url(0, "/until/300000"), 300000, NULL);
    asks_wait(t);
}

/* More than the kernel's buffers take at once. */
static void run_post(torture *t)
{
    static uint8_t body[1500000];
    rp_request_options options = {.body = body, .body_size = sizeof(body)};
    (void)ask_start(t, url(0, "/size/10"), 10, &options);
    (void)ask_start(t, url(1, "/size/10"), 10, &options);
    asks_wait(t);
}

static void run_name(torture *t)
{
    rp_resolver_options options = {.servers = dns_server_address(names)};
    rp_resolver *resolver = NULL;
    char text[96];
    rp_error error = {.status = RP_OK};
    rp_status status = rp_resolver_create(&resolver, &options, &error);
    CHECK_TEXT(status == RP_OK || may(&error), error.text);
    (void)snprintf(text, sizeof(text), "http://a.example.test%s/size/100",
                   strrchr(servers.urls[0], ':'));
    t->client_options.resolver = resolver;
    if (status == RP_OK && torture_client(t))
        (void)ask_start(t, text, 100, NULL);
    asks_wait(t);
    t->client_options.resolver = NULL;
    rp_resolver_release(resolver);
    rp_client_destroy(t->client);
    t->client = NULL;
    /* The resolver's thread ends with the last that holds it. */
    while (rp_loop_pending(t->loop))
        torture_turn(t);
}

/* The server accepts, receives and sends among what fails. */
static void run_served(torture *t)
{
    rp_sim_server_options options = {.plain = true, .on_head = answer_head, .on_request = answer};
    rp_sim_server *server = NULL;
    rp_error error = {.status = RP_OK};
    char text[128];
    rp_status status = rp_sim_server_start_on(t->loop, &server, &options, &error);
    CHECK_TEXT(status == RP_OK || may(&error), error.text);
    if (status != RP_OK)
        return;
    (void)snprintf(text, sizeof(text), "http://%s/size/100", rp_sim_server_address(server));
    (void)ask_start(t, text, 100, NULL);
    (void)ask_start(t, text, 100, NULL);
    asks_wait(t);
    rp_client_destroy(t->client);
    t->client = NULL;
    rp_sim_server_stop(server);
    while (rp_loop_pending(t->loop))
        torture_turn(t);
}

static void run_destroy(torture *t)
{
    (void)ask_start(t, url(1, "/slow/5000"), 5000, NULL);
    (void)ask_start(t, url(0, "/slow/5000"), 5000, NULL);
    for (unsigned i = 0; i < 4 && !asks_done(t); i++)
        torture_turn(t);
    for (unsigned i = 0; i < t->ask_count; i++) {
        t->asks[i].cancelled = t->asks[i].request != NULL;
        t->asks[i].expected = t->asks[i].cancelled ? RP_E_CANCELLED : RP_OK;
    }
    rp_loop_destroy(t->loop);
    rp_client_destroy(t->client);
    t->loop = NULL;
    t->client = NULL;
    CHECK(asks_done(t));
}

static void run_cancel(torture *t)
{
    ask *a = ask_start(t, url(1, "/slow/5000"), 5000, NULL);
    a->expected = RP_E_CANCELLED;
    a->on_body = ask_cancel;
    asks_wait(t);
    rp_request_options options = {.total_timeout_ms = 10};
    a = ask_start(t, url(0, "/never"), 0, &options);
    a->expected = RP_E_TOTAL_TIMEOUT;
    asks_wait(t);
}

/* Turned by a host, who only watches. */
static void run_watched(torture *t)
{
    rp_waitable waitable = rp_loop_waitable(t->loop);
    if (waitable.socket < 0) { /* the next try may do */
        CHECK(calls_struck() > 0);
        waitable = rp_loop_waitable(t->loop);
    }
    if (waitable.socket < 0) {
        CHECK(calls_struck() > 1);
        return;
    }
    struct pollfd watch = {.fd = (int)waitable.socket, .events = POLLIN};
    rp_request_options options = {.total_timeout_ms = 30000};
    (void)ask_start(t, url(1, "/slow/1400"), 1400, &options);
    (void)ask_start(t, url(0, "/size/30000"), 30000, &options);
    while (!asks_done(t)) {
        CHECK_TEXT(poll(&watch, 1, STUCK_MS) == 1, "nothing wakes the host");
        (void)rp_loop_turn(t->loop, 0);
        CHECK_TEXT(fixture_now_ms() - begun_ms < STUCK_MS, "stuck");
    }
}

static void posted(rp_post *post, void *user)
{
    (void)post;
    *(bool *)user = true;
}

static void run_posts(torture *t)
{
    bool done = false;
    rp_post post = {.fn = posted, .user = &done};
    rp_loop_post(t->loop, &post);
    while (!done) {
        (void)rp_loop_turn(t->loop, 1000);
        CHECK_TEXT(fixture_now_ms() - begun_ms < STUCK_MS, "stuck");
    }
}

/* The kernel takes no submission for a while. The loop tries again now and then, not always. */
static void run_refused(torture *t)
{
    enum { REFUSED_MS = 200, TRIES_MOST = 30 };
    uint64_t until_ms = fixture_now_ms() + REFUSED_MS, now_ms;
    const ask *a = ask_start(t, url(1, "/size/30000"), 30000, NULL);
    while ((now_ms = fixture_now_ms()) < until_ms)
        (void)rp_loop_turn(t->loop, until_ms - now_ms);
    CHECK(!a->done);
    CHECK_TEXT(calls_struck() >= 2 && calls_struck() <= TRIES_MOST, "a busy wait");
    (void)calls_disarm();
    asks_wait(t);
}

static const real_scenario real_scenarios[] = {
    {.name = "life", .run = run_life, .life = true},
    {.name = "choose", .run = run_choose, .life = true},
    {.name = "get", .run = run_get},
    {.name = "plain", .run = run_plain},
    {.name = "post", .run = run_post},
    {.name = "name", .run = run_name, .names = true},
    {.name = "served", .run = run_served, .served = true},
    {.name = "destroy", .run = run_destroy},
    {.name = "cancel", .run = run_cancel},
    {.name = "watched", .run = run_watched},
    {.name = "posts", .run = run_posts},
    {.name = "refused", .run = run_refused, .refused = true},
};
#define REAL_SCENARIOS (sizeof(real_scenarios) / sizeof(real_scenarios[0]))

/* ---- what must hold ---- */

static void judge(const ask *a)
{
    rp_status status = a->error.status;
    if (status == a->expected || (a->cancelled && status == RP_E_CANCELLED) || may(&a->error))
        return;
    (void)fprintf(stderr, "torture: %s in phase %s: %s\n", rp_status_name(status),
                  rp_phase_name(a->error.phase), a->error.text);
    CHECK_TEXT(false, rp_status_name(a->expected));
}

static void recover(void)
{
    if (run.loop == NULL)
        CHECK(torture_loop(&run));
    if (run.client == NULL)
        CHECK(torture_client(&run));
    begun_ms = fixture_now_ms();
    run.ask_count = 0;
    (void)ask_start(&run, url(0, "/size/10"), 10, NULL);
    (void)ask_start(&run, url(1, "/size/10"), 10, NULL);
    asks_wait(&run);
    for (unsigned i = 0; i < run.ask_count; i++)
        CHECK_TEXT(run.asks[i].error.status == RP_OK, run.asks[i].error.text);
}

static void end(void)
{
    const rp_loop_stats *stats = rp_loop_stats_get(run.loop);
    rp_client_destroy(run.client);
    while (rp_loop_pending(run.loop))
        torture_turn(&run);
    CHECK(stats->wakeups_spurious == 0);
    CHECK(stats->tls_calls_idle == 0);
    rp_loop_destroy(run.loop);
    CHECK(ours.live == 0);
}

/* The server closes its ends by and by; a joined thread may show for a moment longer. */
static void nothing_is_left(size_t descriptors, size_t threads)
{
    for (unsigned i = 0; i < 2000; i++) {
        if (raw_open_descriptors() == descriptors && fixture_threads() == threads)
            return;
        raw_sleep_ms(1);
    }
    CHECK(raw_open_descriptors() == descriptors);
    CHECK(fixture_threads() == threads);
}

static bool run_once(const real_scenario *s, const call_fault *fault, uint64_t n, bool onward)
{
    size_t descriptors = raw_open_descriptors(), threads = fixture_threads();
    now = NULL;
    at = s;
    memset(&run, 0, sizeof(run));
    run.may = may;
    run.client_options = (rp_client_options){.tls = tls, .connect_timeout_ms = 3000};
    begun_ms = fixture_now_ms();
    if (!s->life)
        CHECK(torture_loop(&run) && torture_client(&run));
    now = fault;
    calls_arm(fault, n, onward);
    s->run(&run);
    bool struck = calls_disarm() > 0;
    for (unsigned i = 0; i < run.ask_count; i++)
        judge(&run.asks[i]);
    now = NULL;
    recover();
    end();
    nothing_is_left(descriptors, threads);
    return struck;
}

/* ---- the whole ---- */

typedef struct arguments {
    const char *scenario, *fault;
    uint64_t n;
} arguments;

/* c-ares 1.34 does not survive that its thread's wake-up cannot be registered with epoll: its end
 * then waits for the thread for ever. And its pipe does not block, so that a write to it is never
 * interrupted. */
static bool applies(const real_scenario *s, const call_fault *fault)
{
    bool submissions = fault->call >= OP_CONNECT, ring = strcmp(backend, "io_uring") == 0;
    if (s->refused)
        return ring && fault->call == CALL_RING_WAIT && fault->statuses[0] == RP_OK &&
               fault->code != EINTR && fault->code != ETIME;
    if (s->names && (fault->call == CALL_EPOLL_ADD || fault->call == CALL_WRITE))
        return false;
    return !submissions || (ring && calls_submissions_fail());
}

/* Where there are many, not every one: they are of one kind. */
static uint64_t after(uint64_t n)
{
    return n + 1 + n / 8;
}

static void torment_by(const char *program, const real_scenario *s, const call_fault *fault,
                       bool onward, const arguments *a)
{
    uint64_t runs = 0;
    char name[48];
    (void)snprintf(name, sizeof(name), "%s%s", fault->name, onward ? "+" : "");
    if (a->fault != NULL && strcmp(a->fault, name) != 0)
        return;
    for (uint64_t n = a->n > 0 ? a->n : 1;; n = after(n)) {
        crash_says("torture: failed; this repeats it: %s --backend %s --scenario %s --fault %s "
                   "--n %" PRIu64,
                   program, backend, s->name, name, n);
        bool struck = run_once(s, fault, n, onward);
        runs += struck;
        if (!struck || a->n > 0)
            break;
    }
    if (runs > 0)
        (void)printf(" %s=%" PRIu64, name, runs);
    (void)fflush(stdout);
}

static void torment(const char *program, const real_scenario *s, const arguments *a)
{
    arguments always = {.fault = a->fault, .n = 1};
    crash_says("torture: failed; this repeats it: %s --backend %s --scenario %s", program, backend,
               s->name);
    if (!s->refused)
        (void)run_once(s, NULL, 0, false);
    (void)printf("%s %s:", backend, s->name);
    for (unsigned i = 0; i < call_fault_count; i++) {
        const call_fault *fault = &call_faults[i];
        if (!applies(s, fault))
            continue;
        if (s->refused) {
            torment_by(program, s, fault, true, &always);
            continue;
        }
        torment_by(program, s, fault, false, a);
        if (calls_may_persist(fault))
            torment_by(program, s, fault, true, a);
    }
    (void)printf("\n");
}

static bool parse(arguments *a, int count, char **words)
{
    for (int i = 1; i + 1 < count; i += 2) {
        const char *word = words[i], *value = words[i + 1];
        if (strcmp(word, "--scenario") == 0)
            a->scenario = value;
        else if (strcmp(word, "--backend") == 0)
            backend = value;
        else if (strcmp(word, "--fault") == 0)
            a->fault = value;
        else if (strcmp(word, "--n") == 0)
            a->n = strtoull(value, NULL, 10);
        else
            return false;
    }
    return count % 2 == 1 && backend != NULL;
}

static bool backend_works(void)
{
    rp_loop_options options = {.backend = backend};
    rp_loop *loop = NULL;
    rp_error error;
    if (loops_create(&loop, &options, &error) != RP_OK) {
        (void)printf("%s: %s\n", backend, error.text);
        return false;
    }
    rp_loop_destroy(loop);
    return true;
}

int main(int count, char **words)
{
    arguments a = {0};
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem};
    unsigned ran = 0;
    if (!parse(&a, count, words)) {
        (void)fprintf(stderr,
                      "usage: %s --backend NAME [--scenario NAME] [--fault CALL:ERRNO [--n N]]\n",
                      words[0]);
        return 2;
    }
    if (!backend_works())
        return 77; /* skipped */
    crash_prepare();
    CHECK(rp_tls_config_create(&tls, &options, NULL) == RP_OK);
    servers_start();
    for (size_t i = 0; i < REAL_SCENARIOS; i++) {
        const real_scenario *s = &real_scenarios[i];
        if (a.scenario != NULL && strcmp(a.scenario, s->name) != 0)
            continue;
        torment(words[0], s, &a);
        ran++;
    }
    servers_stop();
    rp_tls_config_release(tls);
    return ran > 0 ? 0 : 2;
}
