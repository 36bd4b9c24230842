/* fixture.h - runs a group of tests on every backend that works here, and in the simulator with
 * some seeds, and sees to it that each test leaves no descriptor and no thread behind, and that its
 * loops never woke for nothing.
 *
 * In the environment, RP_SEED has them run in the simulator alone, with that seed, RP_REAL not in
 * the simulator; RP_TEST, with wildcards, chooses tests. */
#ifndef TEST_FIXTURE_H
#define TEST_FIXTURE_H

#include <ringport/ringport.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* A test of fixture_run. */
#define fixture_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

/* One that is about the system, threads or real time: not for the simulator. */
#define fixture_test_real(fn)                                                                      \
    cmocka_unit_test_setup_teardown(fn, fixture_setup_real, fixture_teardown)

/* One that in the simulator needs seed 0, with which nothing is left to chance. */
#define fixture_test_orderly(fn)                                                                   \
    cmocka_unit_test_setup_teardown(fn, fixture_setup_orderly, fixture_teardown)

/* One that goes by moments: the simulator alone has them, a busy machine misses them. */
#define fixture_test_timed(fn)                                                                     \
    cmocka_unit_test_setup_teardown(fn, fixture_setup_timed, fixture_teardown)

int fixture_setup(void **state);
int fixture_setup_orderly(void **state);
int fixture_setup_real(void **state);
int fixture_setup_timed(void **state);
int fixture_teardown(void **state);

/* What main returns: the number of failed tests. No backend at all is a failure. */
#define fixture_run(tests) fixture_run_simulated(tests, 0)
/* On the simulator too, with so many seeds; 0: not there. */
#define fixture_run_simulated(tests, seeds)                                                        \
    fixture_run_counted(tests, sizeof(tests) / sizeof((tests)[0]), seeds)
int fixture_run_counted(const struct CMUnitTest *tests, size_t count, unsigned seeds);

/* "io_uring", "epoll", "simulator": the one that is under test. */
const char *fixture_backend(void);
bool fixture_simulated(void);

/* A loop on that backend; and its end: nothing spurious, then destroyed. */
rp_loop *fixture_loop(void);
/* Its memory comes from allocator. */
rp_loop *fixture_loop_with(rp_allocator allocator);
void fixture_loop_end(rp_loop *loop);

/* Open descriptors, and threads that are not the kernel's own io_uring workers. */
size_t fixture_descriptors(void);
size_t fixture_threads(void);

/* Threads, this one apart, on which no signal of the program's lands. */
size_t fixture_threads_without_signals(void);
/* Where the system keeps names of its own. */
extern const char fixture_hosts_file[];

uint64_t fixture_now_ms(void);
void fixture_sleep_ms(unsigned ms);

#endif
