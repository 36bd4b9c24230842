/* thread.c - signals stay off the threads that dependencies start (see base/thread.h). */
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
