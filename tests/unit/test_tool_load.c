/* test_tool_load.c - the rules that `ringport load` measures by, against a server in a thread.
 * Times are real: only what a machine that is busy can't change is asserted. */
#include "exit_code.h"
#include "load.h"
#include "support/check.h"
#include "support/files.h"
#include "support/server.h"
#include "support/tls_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct measured {
    server *server;
    tool_options options;
    load_result *result;
    int code;
} measured;

static measured *begin(const server_options *serving)
{
    measured *m = calloc(1, sizeof(*m));
    CHECK(m != NULL);
    m->result = calloc(1, sizeof(*m->result));
    m->server = server_start_thread(serving);
    CHECK(m->result != NULL && m->server != NULL);
    return m;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void parse(measured *m, const char *const *words)
{
    char *argv[24];
    int argc = 0;
    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    options_free(&m->options);
    tally_free(&m->result->total);
    if (options_parse(&m->options, COMMAND_LOAD, argc, argv) != EXIT_OK)
        fail_msg("%s", m->options.message);
}

static const tally *measure(measured *m, const char *const *words)
{
    parse(m, words);
    m->code = load_measure(&m->options, m->result);
    assert_int_equal(m->code, EXIT_OK);
    return &m->result->total;
}

static void end(measured *m)
{
    options_free(&m->options);
    tally_free(&m->result->total);
    free(m->result);
    server_stop(m->server);
    free(m);
}

/* The file of these lines; %s in them is "http://host:port". */
static const char *list_of(const measured *m, const char *first, const char *rest, unsigned times)
{
    static char text[4096];
    int size = snprintf(text, sizeof(text), "%s\n", server_url(m->server, first));
    for (unsigned i = 0; i < times; i++)
        size +=
            snprintf(text + size, sizeof(text) - (size_t)size, "%s\n", server_url(m->server, rest));
    return files_write("requests", text, (size_t)size);
}

/* The first answer takes 400 ms, and all others were due in the first 190: each of them is late,
 * though it is answered as soon as it is sent (coordinated omission). */
static void test_rate(void **state)
{
    (void)state;
    measured *m = begin(&(server_options){.port = 0});
    const char *list = list_of(m, "/delay/400", "/hello", 19);
    const tally *t =
        measure(m, WORDS("--rate", "100", "-c", "1", "-n", "20", "--requests-from", list));
    assert_int_equal(t->ok, 20);
    assert_int_equal(t->latency.count, 20);
    assert_int_equal(t->service.count, 20);
    assert_true(t->latency.min >= 200000);
    assert_true(t->slowest.latency_ns >= 400000000);
    assert_int_equal(t->unsent, 0);
    end(m);
}

/* What began while it warmed up is in no number. */
static void test_warm_up(void **state)
{
    (void)state;
    measured *m = begin(&(server_options){.port = 0});
    const char *url = server_url(m->server, "/hello");
    const tally *t = measure(m, WORDS("--warm-up", "50ms", "-c", "2", "-n", "10", url));
    assert_int_equal(tally_finished(t), 10);
    assert_int_equal(t->ok, 10);
    assert_int_equal(t->latency.count, 10);
    uint64_t in_slices = 0;
    for (unsigned i = 0; i < t->times.count; i++)
        in_slices += t->times.slices[i].count;
    assert_int_equal(in_slices, 10);
    assert_true(server_counts_get(m->server)->requests >= 12); /* one each before, at the least */
    end(m);
}

/* Nor are failures, though those that last may end it. */
static void test_warm_up_failures(void **state)
{
    (void)state;
    measured *m = begin(&(server_options){.port = 0});
    const char *url = server_url(m->server, "/hello");
    char text[256]; /* there is no TLS */
    int size = snprintf(text, sizeof(text), "%s\nhttps%s\n", url, url + strlen("http"));
    const tally *t =
        measure(m, WORDS("--cacert", RP_TEST_CERTS "/ca.pem", "--warm-up", "50ms", "-c", "1", "-n",
                         "10", "--requests-from", files_write("requests", text, (size_t)size)));
    assert_int_equal(t->ok, 5);
    assert_int_equal(t->failed, 5);
    assert_int_equal(t->each[1].failed, 5);
    assert_int_equal(t->errors[0].count, 5);
    uint64_t in_slices = 0;
    for (unsigned i = 0; i < t->times.count; i++)
        in_slices += t->times.failed[i];
    assert_int_equal(in_slices, 5);
    end(m);
}

/* It goes on after failures that may pass, and after those that don't if others do well. */
static void test_in_vain(void **state)
{
    (void)state;
    rp_tls_config *tls = tls_server_of("server-ecdsa", RP_TLS_DEFAULT);
    measured *m = begin(&(server_options){.tls = tls}),
             *plain = begin(&(server_options){.port = 0});
    const char *other = RP_TEST_CERTS "/other-ca.pem", *url = server_url(m->server, "/hello");
    const tally *t = measure(m, WORDS("--cacert", other, "-c", "4", "-n", "2000", url));
    assert_true(m->result->given_up);
    assert_in_range(t->failed, 4, 100);
    assert_int_equal(t->ok, 0);
    assert_int_equal(load_exit_code(m->result), EXIT_CERTIFICATE);

    t = measure(m, WORDS("-c", "4", "-n", "50", "http://127.0.0.1:1/"));
    assert_false(m->result->given_up);
    assert_int_equal(t->failed, 50);
    assert_int_equal(load_exit_code(m->result), EXIT_CONNECT);

    char lines[512];
    int size = snprintf(lines, sizeof(lines), "%s\n%s\n", url, server_url(plain->server, "/hello"));
    const char *list = files_write("two", lines, (size_t)size);
    t = measure(m, WORDS("--cacert", other, "-c", "1", "-n", "20", "--requests-from", list));
    assert_false(m->result->given_up);
    assert_int_equal(t->failed, 10);
    assert_int_equal(t->ok, 10);
    assert_int_equal(t->each[0].failed, 10);
    assert_int_equal(load_exit_code(m->result), EXIT_SOME_FAILED);
    m->result->interrupted = true;
    assert_int_equal(load_exit_code(m->result), EXIT_CANCELLED);
    end(m);
    end(plain);
    rp_tls_config_release(tls);
}

/* Each in turn, by each thread; what is counted apart comes to what is counted together. */
static void test_list(void **state)
{
    (void)state;
    measured *m = begin(&(server_options){.port = 0});
    const char *list = list_of(m, "/status/404", "/hello", 3);
    const tally *t = measure(m, WORDS("-c", "2", "-t", "2", "-n", "80", "--requests-from", list));
    assert_int_equal(t->each_count, 4);
    uint64_t not_2xx = 0;
    for (unsigned i = 0; i < t->times.count; i++)
        not_2xx += t->times.non_2xx[i];
    assert_int_equal(not_2xx, 20);
    assert_int_equal(t->each[0].non_2xx, 20);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(t->each[i].ok, 20);
    uint64_t counts[4];
    for (unsigned again = 0; again < 2; again++) {
        t = measure(m, WORDS("-c", "1", "-n", "100", "--seed", "7", "--requests-from", list));
        uint64_t sum = 0;
        for (size_t i = 0; i < 4; i++) {
            uint64_t count = t->each[i].latency.count;
            assert_true(count > 5 && (again == 0 || count == counts[i]));
            sum += counts[i] = count;
        }
        assert_int_equal(sum, 100);
        assert_true(counts[0] != 25 || counts[1] != 25 || counts[2] != 25);
    }
    end(m);
}

/* The first request is never answered: its second try is. */
static bool stall_first(exchange *x, void *user)
{
    atomic_uint *seen = user;
    if (atomic_fetch_add(seen, 1) > 0)
        return false;
    exchange_end(x, EXCHANGE_STALL);
    return true;
}

static void test_hedge(void **state)
{
    (void)state;
    atomic_uint seen = 0;
    measured *m = begin(&(server_options){.handler = stall_first, .user = &seen});
    const tally *t = measure(m, WORDS("-c", "1", "-n", "5", "--hedge", "20ms", "--hedge-budget",
                                      "100%", server_url(m->server, "/hello")));
    assert_int_equal(t->ok, 5);
    assert_true(t->hedges >= 1 && t->hedges_won >= 1 && t->hedges_won <= t->hedges);
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_warm_up),
        cmocka_unit_test(test_warm_up_failures),
        cmocka_unit_test(test_in_vain),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_hedge),
    };
    return cmocka_run_group_tests_name("tool_load", tests, NULL, NULL);
}
