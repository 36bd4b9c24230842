/* thread.c - threads, and signals, which stay off them (see base/thread.h). */
#include "base/thread.h"

#include "base/assert.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(sigset_t) <= sizeof(rp_signals), "rp_signals holds a sigset_t");

void rp__signals_block(rp_signals *saved)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    RP_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    memcpy(saved, &old, sizeof(old));
}

void rp__signals_restore(const rp_signals *saved)
{
    sigset_t old;
    memcpy(&old, saved, sizeof(old));
    RP_ASSERT(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

_Static_assert(sizeof(pthread_t) <= sizeof((rp_thread){0}.private_handle), "rp_thread holds one");

static void *thread_main(void *argument)
{
    const rp_thread *thread = argument;
    thread->run(thread->argument);
    return NULL;
}

bool rp__thread_start(rp_thread *thread, void (*run)(void *argument), void *argument)
{
    rp_signals signals;
    pthread_t handle;
    *thread = (rp_thread){.run = run, .argument = argument};
    rp__signals_block(&signals);
    int failed = pthread_create(&handle, NULL, thread_main, thread);
    rp__signals_restore(&signals);
    if (failed)
        return false;
    memcpy(thread->private_handle, &handle, sizeof(handle));
    return true;
}

void rp__thread_join(rp_thread *thread)
{
    pthread_t handle;
    memcpy(&handle, thread->private_handle, sizeof(handle));
    RP_ASSERT(pthread_join(handle, NULL) == 0);
}

bool rp__thread_is_self(const rp_thread *thread)
{
    pthread_t handle;
    memcpy(&handle, thread->private_handle, sizeof(handle));
    return pthread_equal(handle, pthread_self());
}

void rp__thread_note_self(rp_thread *thread)
{
    pthread_t handle = pthread_self();
    memcpy(thread->private_handle, &handle, sizeof(handle));
}

/* A machine with more than 1,024 processors is taken for one with a single one. */
uint32_t rp__processor_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

void rp__thread_pin(uint32_t processor)
{
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        return;
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all) && processor-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            (void)sched_setaffinity(0, sizeof(one), &one);
            return;
        }
}

/* ---- conditions, by a clock that nobody sets ---- */

#define WAIT_LIMIT_MS (UINT64_C(1000) * 60 * 60 * 24 * 365)

_Static_assert(sizeof(pthread_cond_t) <= sizeof(rp_condition), "rp_condition holds one");

static pthread_cond_t *condition_of(rp_condition *condition)
{
    return (pthread_cond_t *)(void *)condition->private_state;
}

void rp__condition_init(rp_condition *condition)
{
    pthread_condattr_t attributes;
    RP_ASSERT(pthread_condattr_init(&attributes) == 0);
    RP_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    RP_ASSERT(pthread_cond_init(condition_of(condition), &attributes) == 0);
    RP_ASSERT(pthread_condattr_destroy(&attributes) == 0);
}

void rp__condition_destroy(rp_condition *condition)
{
    RP_ASSERT(pthread_cond_destroy(condition_of(condition)) == 0);
}

void rp__condition_wake(rp_condition *condition)
{
    RP_ASSERT(pthread_cond_broadcast(condition_of(condition)) == 0);
}

bool rp__condition_wait(rp_condition *condition, rp_mutex *mutex, uint64_t ms)
{
    struct timespec until;
    if (ms == UINT64_MAX) {
        RP_ASSERT(pthread_cond_wait(condition_of(condition), mutex) == 0);
        return true;
    }
    if (ms > WAIT_LIMIT_MS)
        ms = WAIT_LIMIT_MS;
    RP_ASSERT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int result = pthread_cond_timedwait(condition_of(condition), mutex, &until);
    RP_ASSERT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}
