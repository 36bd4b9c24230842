/* fixture.c - see fixture.h. */
#include "support/fixture.h"

#include "loop/port.h"
#include "support/raw.h"

static const char *backend;
static size_t descriptors, threads;

const char *fixture_backend(void)
{
    return backend;
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

int fixture_teardown(void **state)
{
    (void)state;
    /* A joined thread may show for a moment longer. */
    for (int i = 0; i < 200 && fixture_threads() > threads; i++)
        fixture_sleep_ms(5);
    if (fixture_threads() > threads)
        print_error("%zu threads before, %zu after\n", threads, fixture_threads());
    if (fixture_descriptors() != descriptors)
        print_error("%zu descriptors before, %zu after\n", descriptors, fixture_descriptors());
    return fixture_threads() > threads || fixture_descriptors() != descriptors ? -1 : 0;
}

rp_loop *fixture_loop(void)
{
    rp_loop *loop = NULL;
    rp_error error;
    rp_loop_options options = {.backend = backend};
    if (rp_loop_create(&loop, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
    return loop;
}

void fixture_loop_end(rp_loop *loop)
{
    assert_int_equal(rp_loop_stats_get(loop)->wakeups_spurious, 0);
    rp_loop_destroy(loop);
}

int fixture_run_counted(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0, worked = 0;
    for (size_t i = 0; rp_ports[i] != NULL; i++) {
        rp_loop *loop = NULL;
        rp_error error;
        rp_loop_options options = {.backend = rp_ports[i]->name};
        if (rp_loop_create(&loop, &options, &error) != RP_OK) {
            print_message("%s: %s\n", rp_ports[i]->name, error.text);
            continue;
        }
        rp_loop_destroy(loop);
        backend = rp_ports[i]->name;
        worked++;
        failed += _cmocka_run_group_tests(backend, tests, count, NULL, NULL);
    }
    return worked > 0 ? failed : 1;
}
