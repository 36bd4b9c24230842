/* test_service_fork.c - a process that has a service forks: the child's calls on it say that it is
 * not its own, and do nothing; a service of the child's own serves it; the parent's goes on. */
#include "base/thread.h"
#include "service/service.h"
#include "support/check.h"
#include "support/loops.h"
#include "support/raw.h"
#include "support/web.h"
#include "tls/sessions.h"
#include "x509/verdicts.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAITING = 4, TAG = 3, LIMIT_S = 60 };

typedef struct family {
    web w;         /* its loop is where answers come home */
    char url[128]; /* server_url's buffers are used in turn */
    rp_service *service;
    unsigned answers, good;
} family;

static void at_home(rp_response *answer, void *user)
{
    family *f = user;
    f->answers++;
    f->good += answer->error.status == RP_OK && answer->status == 200;
    rp_response_free(answer);
}

static rp_service *service_of(const family *f, rp_error *error)
{
    rp_service *service;
    rp_service_options options = {
        .threads = 2, .loop.backend = fixture_backend(), .client.tls = f->w.client_tls};
    (void)loops_create_service(&service, &options, error);
    return service;
}

static bool calls_good(family *f, rp_service *service)
{
    rp_request_options get = {.url = f->url};
    rp_response *answer = rp_service_call(service, &get, 0, 0, NULL);
    bool good = answer != NULL && answer->error.status == RP_OK && answer->status == 200;
    rp_response_free(answer);
    return good;
}

/* What went wrong, as a number; 0: nothing. */
static int be_the_child(family *f)
{
    static const rp_response_events *const events = &rp_collect_events;
    rp_error error;
    rp_service_stats stats;
    rp_request_options get = {.url = f->url};
    if (rp_service_send(f->service, &get, TAG, events, f, &error) != RP_E_MISUSE)
        return 1;
    if (rp_service_ask(f->service, &get, TAG, 0, f->w.loop, at_home, f, NULL) != RP_E_MISUSE)
        return 2;
    if (rp_service_call(f->service, &get, TAG, 0, &error) != NULL || error.status != RP_E_MISUSE)
        return 3;
    if (rp_service_metrics(f->service, NULL, NULL, &error) != RP_E_MISUSE)
        return 8;
    rp_service_cancel(f->service, TAG);
    rp_service_set_tls(f->service, f->w.client_tls);
    rp_service_stats_get(f->service, &stats);
    if (stats.threads != 0 || rp_service_drain(f->service, RP_NEVER_MS))
        return 4;
    rp_service_destroy(f->service);
    rp_service *own = service_of(f, &error);
    if (own == NULL)
        return 5;
    if (!calls_good(f, own))
        return 6;
    rp_service_destroy(own);
    return f->answers == 0 ? 0 : 7;
}

/* As fork; the child does not live for long, and not as a test. */
static pid_t make_child(void)
{
    (void)fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's would run the parent's tests on */
        (void)signal(SIGABRT, SIG_DFL);
        (void)alarm(LIMIT_S);
    }
    return child;
}

/* What it exited with; -1: a signal ended it. */
static int end_of(pid_t child)
{
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int in_child(family *f)
{
    pid_t child = make_child();
    if (child == 0)
        _exit(be_the_child(f));
    return end_of(child);
}

static void test_fork(void **state)
{
    (void)state;
    for (unsigned waiting = 0; waiting <= WAITING; waiting += WAITING) {
        family f = {.answers = 0};
        rp_error error;
        web_begin_apart(&f.w, 13, NULL, NULL);
        (void)snprintf(f.url, sizeof(f.url), "%s", server_url(f.w.server, "/hello"));
        f.service = service_of(&f, &error);
        assert_non_null(f.service);
        assert_true(calls_good(&f, f.service));
        rp_request_options slow = {.url = server_url(f.w.server, "/delay/400")};
        for (unsigned i = 0; i < waiting; i++)
            assert_int_equal(
                rp_service_ask(f.service, &slow, TAG, 0, f.w.loop, at_home, &f, &error), RP_OK);
        raw_sleep_ms(50); /* no thread allocates at that moment: see test_process.c */
        assert_int_equal(in_child(&f), 0);
        assert_true(calls_good(&f, f.service));
        while (f.answers < waiting)
            (void)rp_loop_turn(f.w.loop, RP_NEVER_MS);
        assert_int_equal(f.good, waiting);
        assert_true(rp_service_drain(f.service, RP_NEVER_MS));
        rp_service_destroy(f.service);
        web_end(&f.w);
    }
}

/* ---- in a callback ---- */

enum { RETURNED = 11 };

typedef struct forker {
    family f;
    bool locked;             /* the service's lock is another thread's while the callback forks */
    atomic_bool reached, go; /* the callback is in; it may fork */
    atomic_int ended;        /* the child, with that; -2: not yet */
    pid_t child;
} forker;

static forker *forks;

static void leave(void)
{
    _exit(RETURNED);
}

static void fork_here(void)
{
    forker *k = forks;
    atomic_store(&k->reached, true);
    while (!atomic_load(&k->go))
        raw_sleep_ms(1);
    pid_t child = make_child();
    if (child == 0) {
        int wrong = be_the_child(&k->f);
        if (wrong != 0)
            _exit(wrong);
        /* Back through all that called. The thread ends, and so the process, by exit(). */
        CHECK(atexit(leave) == 0);
        return;
    }
    atomic_store(&k->ended, end_of(child));
}

static void forks_at_head(rp_request *request, const rp_response_head *head, void *user)
{
    (void)request;
    (void)head;
    (void)user;
    fork_here();
}

static void forks_when_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request;
    (void)summary;
    (void)user;
    if (atomic_load(&forks->ended) == -2)
        fork_here();
}

/* The child returns from the callback, whether or not another thread had the locks, and ends. Its
 * own calls were tried before. One request can't begin, so that the callback comes from within the
 * service's own round, with others behind it. */
static void test_fork_in_a_callback(void **state)
{
    (void)state;
    static const rp_response_events events[] = {
        {.on_head = forks_at_head, .on_done = forks_when_done},
        {.on_done = forks_when_done},
        {.on_done = forks_when_done},
    };
    for (unsigned i = 0; i < 6; i++) {
        forker k = {.locked = i >= 3, .ended = -2};
        family *f = &k.f;
        rp_error error;
        forks = &k;
        web_begin_apart(&f->w, 13, NULL, NULL);
        (void)snprintf(f->url, sizeof(f->url), "%s", server_url(f->w.server, "/hello"));
        f->service = service_of(f, &error);
        assert_non_null(f->service);
        assert_true(calls_good(f, f->service));
        rp_request_options get = {.url = f->url, .method = i % 3 == 2 ? "G T" : "GET"};
        assert_int_equal(rp_service_send(f->service, &get, TAG, &events[i % 3], &k, &error), RP_OK);
        while (!atomic_load(&k.reached))
            raw_sleep_ms(1);
        get.method = "GET";
        for (unsigned n = 0; n < WAITING; n++)
            assert_int_equal(
                rp_service_ask(f->service, &get, TAG, 0, f->w.loop, at_home, f, &error), RP_OK);
        rp_sessions *sessions = f->service->workers[0].loop->sessions;
        if (k.locked) {
            rp__mutex_lock(&f->service->lock);
            assert_true(rp__sessions_lock(sessions));
        }
        atomic_store(&k.go, true);
        while (atomic_load(&k.ended) == -2)
            raw_sleep_ms(1);
        if (k.locked) {
            rp__sessions_unlock(sessions);
            rp__mutex_unlock(&f->service->lock);
        }
        assert_int_equal(k.ended, RETURNED);
        while (f->answers < WAITING)
            (void)rp_loop_turn(f->w.loop, RP_NEVER_MS);
        assert_int_equal(f->good, WAITING);
        assert_true(rp_service_drain(f->service, RP_NEVER_MS));
        rp_service_destroy(f->service);
        web_end(&f->w);
    }
}

/* ---- while another thread waits ---- */

typedef struct waiter {
    family *f;
    rp_thread thread;
    bool good;
} waiter;

static void wait_for_answer(void *argument)
{
    waiter *w = argument;
    char url[128];
    (void)snprintf(url, sizeof(url), "%s", w->f->url);
    rp_response *answer =
        rp_service_call(w->f->service, &(rp_request_options){.url = url}, TAG, 0, NULL);
    w->good = answer != NULL && answer->error.status == RP_OK && answer->status == 200;
    rp_response_free(answer);
}

static void test_fork_beside_a_waiter(void **state)
{
    (void)state;
    family f = {.answers = 0};
    rp_error error;
    rp_service_stats stats;
    web_begin_apart(&f.w, 13, NULL, NULL);
    (void)snprintf(f.url, sizeof(f.url), "%s", server_url(f.w.server, "/delay/300"));
    f.service = service_of(&f, &error);
    assert_non_null(f.service);
    waiter w = {.f = &f};
    assert_true(rp__thread_start(&w.thread, wait_for_answer, &w));
    do {
        raw_sleep_ms(1);
        rp_service_stats_get(f.service, &stats);
    } while (stats.requests == 0);
    raw_sleep_ms(50);
    assert_int_equal(in_child(&f), 0);
    rp__thread_join(&w.thread);
    assert_true(w.good);
    rp_service_destroy(f.service);
    web_end(&f.w);
}

/* ---- what a child goes on to use, and what it leaves alone ---- */

typedef struct hammer {
    rp_verdicts *verdicts;
    rp_thread thread;
    atomic_bool end;
} hammer;

static const rp_verdict_key key;

static void use_verdicts(void *argument)
{
    hammer *h = argument;
    while (!atomic_load(&h->end))
        (void)rp__verdicts_know(h->verdicts, &key, 0);
}

/* A thread of the parent's has the lock half of the time. */
static void test_verdicts_of_a_child(void **state)
{
    (void)state;
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    hammer h = {.verdicts = rp__verdicts_create(&memory)};
    assert_true(rp__thread_start(&h.thread, use_verdicts, &h));
    for (unsigned i = 0; i < 30; i++) {
        pid_t child = make_child();
        if (child == 0) {
            (void)alarm(5);
            const rp_path path = {.begins = 0, .ends = 10};
            rp__verdicts_keep(h.verdicts, &key, &path);
            (void)rp__verdicts_know(h.verdicts, &key, 5);
            _exit(0);
        }
        assert_int_equal(end_of(child), 0);
    }
    atomic_store(&h.end, true);
    rp__thread_join(&h.thread);
    rp__verdicts_destroy(h.verdicts);
}

static void test_sessions_of_a_parent(void **state)
{
    (void)state;
    rp_sessions *sessions = rp__sessions_create_shared((rp_allocator){.resize = NULL});
    assert_true(rp__sessions_lock(sessions));
    pid_t child = make_child();
    if (child == 0) {
        (void)alarm(5);
        bool taken = rp__sessions_take(sessions, "key") != NULL;
        rp__sessions_forget(sessions, "key");
        _exit(taken || rp__sessions_lock(sessions));
    }
    assert_int_equal(end_of(child), 0);
    rp__sessions_unlock(sessions);
    rp__sessions_destroy(sessions);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test_real(test_fork),
        fixture_test_real(test_fork_in_a_callback),
        fixture_test_real(test_fork_beside_a_waiter),
        fixture_test_real(test_verdicts_of_a_child),
        fixture_test_real(test_sessions_of_a_parent),
    };
    return fixture_run(tests);
}
