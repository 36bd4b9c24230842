/* test_threads_resolve.c - four threads with loops of their own share one resolver: look-ups and
 * dials that are cancelled at random, and loops that end in the middle of it. Meant for the
 * thread sanitizer; here each operation's callbacks are counted. */
#include "net/dial.h"

#include "support/dns_server.h"
#include "support/fixture.h"
#include "support/loops.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 3           /* each with a resolver of its own */
#define LOOPS_PER_THREAD 8 /* one after the other */
#define STEPS 60
#define OPERATIONS 8 /* at a time on one loop */

static const dns_rule rules[] = {
    {.name = "fast.test", .addresses = "127.0.0.9,127.0.0.8"},
    {.name = "cached.test", .addresses = "127.0.0.9", .ttl = 300},
    {.name = "slow.test", .addresses = "127.0.0.9", .delay_ms = 5},
    {.name = "silent.test", .silent = true},
    {.name = "broken.test", .rcode = DNS_SERVFAIL},
    {.name = NULL},
};

static dns_server *server;

/* liburing maps and unmaps its rings by bare system calls, which the thread sanitizer does not
 * see: it would take a ring that lies where another thread's was for the same memory. */
static pthread_mutex_t rings = PTHREAD_MUTEX_INITIALIZER;

typedef struct operation {
    rp_lookup *lookup;
    rp_dial *dial;
    bool silent; /* would take seconds to end by itself */
    bool going;
    unsigned *finished;
} operation;

typedef struct worker {
    pthread_t thread;
    rp_resolver *resolver;
    const char *backend;
    uint64_t random;
    rp_loop *loop;
    operation operations[OPERATIONS];
    unsigned started, finished, cancelled;
} worker;

/* cmocka's assertions are for the main thread. */
static void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static unsigned pick(worker *self, unsigned limit)
{
    self->random = self->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(self->random >> 33) % limit;
}

static void finish(operation *done)
{
    must(done->going, "a callback for an operation that is over");
    done->going = false;
    (*done->finished)++;
}

static void on_lookup(void *user, const rp_resolved *resolved)
{
    bool found = resolved->addresses != NULL && resolved->count > 0;
    must(found != (resolved->error != NULL), "addresses or an error");
    finish(user);
}

static void on_dial(void *user, const rp_dial_result *result)
{
    /* Nobody listens on these addresses' port. */
    must(result->socket == NULL && result->error != NULL, "an error");
    finish(user);
}

static void start(worker *self, operation *made)
{
    static const char *const hosts[] = {"fast.test",   "cached.test", "slow.test", "silent.test",
                                        "broken.test", "absent.test", "127.0.0.9"};
    unsigned host = pick(self, sizeof(hosts) / sizeof(hosts[0]));
    *made = (operation){.going = true, .finished = &self->finished};
    made->silent = strcmp(hosts[host], "silent.test") == 0;
    self->started++;
    if (pick(self, 2) == 0) {
        made->lookup =
            rp__lookup_start(self->loop, self->resolver, hosts[host], 1, 0, on_lookup, made);
        must(made->lookup != NULL, "rp__lookup_start");
        return;
    }
    rp_dial_options options = {.host = hosts[host],
                               .port = 1,
                               .resolver = self->resolver,
                               .resolve_timeout_ms = 1000 + pick(self, 2000),
                               .connect_timeout_ms = 1000};
    made->dial = rp__dial_start(self->loop, &options, on_dial, made);
    must(made->dial != NULL, "rp__dial_start");
}

static void cancel(worker *self, operation *gone)
{
    gone->going = false;
    self->cancelled++;
    if (gone->lookup != NULL)
        rp__lookup_cancel(gone->lookup);
    else
        rp__dial_cancel(gone->dial);
}

static void step(worker *self)
{
    operation *chosen = &self->operations[pick(self, OPERATIONS)];
    if (!chosen->going)
        start(self, chosen);
    else if (pick(self, 3) == 0)
        cancel(self, chosen);
    if (pick(self, 2) == 0)
        (void)rp_loop_turn(self->loop, pick(self, 4));
}

static void live_and_die(worker *self)
{
    rp_loop_options options = {.backend = self->backend};
    rp_error error;
    (void)pthread_mutex_lock(&rings);
    must(loops_create(&self->loop, &options, &error) == RP_OK, "rp_loop_create");
    (void)pthread_mutex_unlock(&rings);
    for (int i = 0; i < STEPS; i++)
        step(self);
    if (pick(self, 2) == 0) {
        /* A peaceful end. */
        for (int i = 0; i < OPERATIONS; i++) {
            if (self->operations[i].going && self->operations[i].silent)
                cancel(self, &self->operations[i]);
        }
        rp_loop_run(self->loop);
    }
    must(rp_loop_stats_get(self->loop)->wakeups_spurious == 0, "a spurious wake-up");
    (void)pthread_mutex_lock(&rings);
    rp_loop_destroy(self->loop);
    (void)pthread_mutex_unlock(&rings);
    must(self->started == self->finished + self->cancelled, "one end for each operation");
}

static void *work(void *user)
{
    worker *self = user;
    for (int i = 0; i < LOOPS_PER_THREAD; i++)
        live_and_die(self);
    rp_resolver_release(self->resolver);
    return NULL;
}

static void shares_a_resolver(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        worker workers[THREADS] = {0};
        rp_resolver *resolver = dns_server_resolver(server);
        for (unsigned i = 0; i < THREADS; i++) {
            workers[i].resolver = rp_resolver_retain(resolver);
            workers[i].backend = fixture_backend();
            workers[i].random = round * THREADS + i;
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        /* The last of the threads ends it. */
        rp_resolver_release(resolver);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test(shares_a_resolver)};
    server = dns_server_start(rules);
    int failed = fixture_run(tests);
    dns_server_stop(server);
    return failed;
}
