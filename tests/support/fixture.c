/* fixture.c - see fixture.h. */
#include "support/fixture.h"

#include "loop/port.h"
#include "support/loops.h"
#include "support/raw.h"
#include "support/raw_sim.h"

#include <stdio.h>
#include <stdlib.h>

static const char *backend;
static size_t descriptors, threads;
static rp_sim *simulation; /* NULL: a real backend is under test */
static unsigned seed_count;
static char run_seed[40];

const char *fixture_backend(void)
{
    return backend;
}

bool fixture_simulated(void)
{
    return simulation != NULL;
}

uint64_t fixture_now_ms(void)
{
    return raw_clock_ns() / 1000000;
}

void fixture_sleep_ms(unsigned ms)
{
    raw_sleep_ms(ms);
}

int fixture_setup(void **state)
{
    (void)state;
    descriptors = fixture_descriptors();
    threads = fixture_threads();
    return 0;
}

int fixture_setup_orderly(void **state)
{
    return fixture_setup(state);
}

int fixture_setup_real(void **state)
{
    return fixture_setup(state);
}

int fixture_setup_timed(void **state)
{
    return fixture_setup(state);
}

int fixture_teardown(void **state)
{
    (void)state;
    /* A joined thread may show for a moment longer. */
    for (int i = 0; i < 200 && fixture_threads() > threads; i++)
        fixture_sleep_ms(5);
    if (fixture_threads() > threads)
        print_error("%zu threads before, %zu after\n", threads, fixture_threads());
    /* Nor has a server's thread read at once that its client is gone. */
    for (int i = 0; i < 200 && fixture_descriptors() > descriptors; i++)
        fixture_sleep_ms(5);
    if (fixture_descriptors() != descriptors)
        print_error("%zu descriptors before, %zu after\n", descriptors, fixture_descriptors());
    return fixture_threads() > threads || fixture_descriptors() != descriptors ? -1 : 0;
}

rp_loop *fixture_loop(void)
{
    return fixture_loop_with((rp_allocator){0});
}

rp_loop *fixture_loop_with(rp_allocator allocator)
{
    rp_loop *loop = NULL;
    rp_error error;
    rp_loop_options options = {.backend = backend, .allocator = allocator};
    rp_status status = simulation != NULL
                           ? rp_sim_loop_create(simulation, &loop, &options, false, &error)
                           : loops_create(&loop, &options, &error);
    if (status != RP_OK)
        fail_msg("%s", error.text);
    return loop;
}

void fixture_loop_end(rp_loop *loop)
{
    assert_int_equal(rp_loop_stats_get(loop)->wakeups_spurious, 0);
    rp_loop_destroy(loop);
}

/* ---- the simulator ---- */

static void stuck(void *user, const char *message)
{
    (void)user;
    fail_msg("%s", message);
}

static void run_one_seed(const struct CMUnitTest *test, uint64_t seed)
{
    rp_sim_options options = {.seed = seed,
                              .latency_least_us = 1,
                              .latency_most_us = 200,
                              .on_stuck = stuck,
                              .orderly = seed == 0};
    void *state = test->initial_state;
    assert_int_equal(rp_sim_create(&simulation, &options, NULL), RP_OK);
    raw_sim_begin(simulation);
    (void)fixture_setup(&state);
    test->test_func(&state);
    assert_int_equal(fixture_teardown(&state), 0);
    raw_sim_end();
    rp_sim_destroy(simulation);
    simulation = NULL;
}

static void run_seeds(void **state)
{
    const struct CMUnitTest *test = *state;
    const char *one = getenv("RP_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1; /* 0 is orderly */
    uint64_t count = one != NULL ? 1 : seed_count;
    if (test->setup_func == fixture_setup_orderly) {
        first = 0;
        count = 1;
    }
    for (uint64_t i = 0; i < count; i++) {
        (void)snprintf(run_seed, sizeof(run_seed), "RP_SEED=%llu", (unsigned long long)(first + i));
        run_one_seed(test, first + i);
    }
    run_seed[0] = '\0';
}

/* cmocka's way out of a failed test is a longjmp: its simulation is left as it is. */
static int tell_seed(void **state)
{
    const struct CMUnitTest *test = *state;
    if (run_seed[0] == '\0')
        return 0;
    print_error("failed with %s: %s RP_TEST=%s PROGRAM repeats it\n", run_seed, run_seed,
                test->name);
    run_seed[0] = '\0';
    simulation = NULL;
    raw_current = &raw_system;
    return -1;
}

static int run_simulated(const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *units = calloc(count, sizeof(*units));
    size_t used = 0;
    if (units == NULL)
        return 1;
    backend = rp__sim_port_ops.name;
    for (size_t i = 0; i < count; i++) {
        if (tests[i].setup_func == fixture_setup_real)
            continue;
        units[used++] = (struct CMUnitTest){.name = tests[i].name,
                                            .test_func = run_seeds,
                                            .teardown_func = tell_seed,
                                            .initial_state = (void *)(uintptr_t)&tests[i]};
    }
    int failed = _cmocka_run_group_tests(backend, units, used, NULL, NULL);
    free(units);
    return failed;
}

/* ---- all backends ---- */

static bool works(const char *name)
{
    rp_loop *loop = NULL;
    rp_error error;
    rp_loop_options options = {.backend = name};
    if (loops_create(&loop, &options, &error) != RP_OK) {
        print_message("%s: %s\n", name, error.text);
        return false;
    }
    rp_loop_destroy(loop);
    return true;
}

static int run_real(const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *units = calloc(count, sizeof(*units));
    size_t used = 0;
    if (units == NULL)
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (tests[i].setup_func != fixture_setup_timed)
            units[used++] = tests[i];
    }
    int failed = _cmocka_run_group_tests(backend, units, used, NULL, NULL);
    free(units);
    return failed;
}

int fixture_run_counted(const struct CMUnitTest *tests, size_t count, unsigned seeds)
{
    int failed = 0, worked = 0;
    seed_count = seeds;
    if (getenv("RP_TEST") != NULL)
        cmocka_set_test_filter(getenv("RP_TEST"));
    for (size_t i = 0; getenv("RP_SEED") == NULL && rp__ports[i] != NULL; i++) {
        if (!works(rp__ports[i]->name))
            continue;
        backend = rp__ports[i]->name;
        worked++;
        failed += run_real(tests, count);
    }
    if (seeds > 0 && getenv("RP_REAL") == NULL)
        failed += run_simulated(tests, count);
    return worked > 0 || getenv("RP_SEED") != NULL ? failed : 1;
}
