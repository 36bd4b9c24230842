/* mutex.h - a mutex for what loops share: a resolver, the sessions of a TLS configuration. Not
 * recursive. The one header of ringport's own that looks different on Windows. */
#ifndef RP_BASE_MUTEX_H
#define RP_BASE_MUTEX_H

#include "base/platform.h"

#ifdef _WIN32
#include <winsock2.h>
/* winsock2.h comes first, or windows.h would bring its predecessor. */
#include <windows.h>

typedef SRWLOCK rp_mutex;
#define RP_MUTEX_INIT SRWLOCK_INIT

static inline void rp__mutex_init(rp_mutex *mutex)
{
    InitializeSRWLock(mutex);
}
static inline void rp__mutex_destroy(rp_mutex *mutex)
{
    (void)mutex;
}
static inline void rp__mutex_lock(rp_mutex *mutex)
{
    AcquireSRWLockExclusive(mutex);
}
static inline bool rp__mutex_try(rp_mutex *mutex)
{
    return TryAcquireSRWLockExclusive(mutex);
}
static inline void rp__mutex_unlock(rp_mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex);
}

#else
#include "base/assert.h"

#include <pthread.h>

typedef pthread_mutex_t rp_mutex;
#define RP_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER

static inline void rp__mutex_init(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_init(mutex, NULL) == 0);
}
static inline void rp__mutex_destroy(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_destroy(mutex) == 0);
}
static inline void rp__mutex_lock(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_lock(mutex) == 0);
}
static inline bool rp__mutex_try(rp_mutex *mutex)
{
    return pthread_mutex_trylock(mutex) == 0;
}
static inline void rp__mutex_unlock(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_unlock(mutex) == 0);
}
#endif

/* Of what a child of fork goes on to use, made by the process with that mark (rp__process_mark).
 * False, in the child: perhaps a thread that there is not here had locked it, and so for ever. */
static inline bool rp__mutex_lock_inherited(rp_mutex *mutex, uint64_t maker)
{
    if (maker != rp__process_mark())
        return rp__mutex_try(mutex);
    rp__mutex_lock(mutex);
    return true;
}

#endif
