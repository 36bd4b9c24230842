/* mutex.h - a mutex for what loops share: a resolver, the sessions of a TLS configuration. Not
 * recursive. The one header of ringport's own that looks different on Windows. */
#ifndef RP_BASE_MUTEX_H
#define RP_BASE_MUTEX_H

#ifdef _WIN32
#include <winsock2.h>
/* winsock2.h comes first, or windows.h would bring its predecessor. */
#include <windows.h>

typedef SRWLOCK rp_mutex;
#define RP_MUTEX_INIT SRWLOCK_INIT

static inline void rp_mutex_init(rp_mutex *mutex)
{
    InitializeSRWLock(mutex);
}
static inline void rp_mutex_destroy(rp_mutex *mutex)
{
    (void)mutex;
}
static inline void rp_mutex_lock(rp_mutex *mutex)
{
    AcquireSRWLockExclusive(mutex);
}
static inline void rp_mutex_unlock(rp_mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex);
}

#else
#include "base/assert.h"

#include <pthread.h>

typedef pthread_mutex_t rp_mutex;
#define RP_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER

static inline void rp_mutex_init(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_init(mutex, NULL) == 0);
}
static inline void rp_mutex_destroy(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_destroy(mutex) == 0);
}
static inline void rp_mutex_lock(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_lock(mutex) == 0);
}
static inline void rp_mutex_unlock(rp_mutex *mutex)
{
    RP_ASSERT(pthread_mutex_unlock(mutex) == 0);
}
#endif

#endif
