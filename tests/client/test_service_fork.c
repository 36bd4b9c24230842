/* test_service_fork.c - a process that has a service forks: the child's calls on it say that it is
 * not its own, and do nothing; a service of the child's own serves it; the parent's goes on. */
#include "support/check.h"
#include "support/raw.h"
#include "support/web.h"

#include <ringport/service.h>

#include <signal.h>
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
    (void)rp_service_create(&service, &options, error);
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

static int in_child(family *f)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's would run the parent's tests on */
        (void)signal(SIGABRT, SIG_DFL);
        (void)alarm(LIMIT_S);
        _exit(be_the_child(f));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {fixture_test_real(test_fork)};
    return fixture_run(tests);
}
