/* thread.c - threads, and signals, which stay off them (see base/thread.h). */
#include "base/thread.h"

#include "base/assert.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

_Static_assert(sizeof(sigset_t) <= sizeof(rp_signals), "rp_signals holds a sigset_t");

void rp_signals_block(rp_signals *saved)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    RP_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    memcpy(saved, &old, sizeof(old));
}

void rp_signals_restore(const rp_signals *saved)
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

bool rp_thread_start(rp_thread *thread, void (*run)(void *argument), void *argument)
{
    rp_signals signals;
    pthread_t handle;
    *thread = (rp_thread){.run = run, .argument = argument};
    rp_signals_block(&signals);
    int failed = pthread_create(&handle, NULL, thread_main, thread);
    rp_signals_restore(&signals);
    if (failed)
        return false;
    memcpy(thread->private_handle, &handle, sizeof(handle));
    return true;
}

void rp_thread_join(rp_thread *thread)
{
    pthread_t handle;
    memcpy(&handle, thread->private_handle, sizeof(handle));
    RP_ASSERT(pthread_join(handle, NULL) == 0);
}
