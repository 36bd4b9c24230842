/* stream_sessions.c - where TLS sessions are kept, a store for each loop or one for several, and
 * how they leave it. */
#include "base/error.h"
#include "client/stream_inside.h"
#include "tls/saved.h"

static void release(void *sessions)
{
    rp__sessions_destroy(sessions);
}

rp_sessions *rp__stream_sessions(rp_loop *loop)
{
    if (loop->sessions == NULL) {
        loop->sessions = rp__sessions_create(&loop->memory);
        loop->sessions_release = release;
    }
    return loop->sessions;
}

void rp__loop_share_sessions(rp_loop *loop, rp_sessions *sessions)
{
    if (loop->sessions != NULL)
        return; /* streams may be open that know it */
    loop->sessions = rp__sessions_retain(sessions);
    loop->sessions_release = release;
}

/* False: *status says why. */
static bool store_of(rp_loop *loop, rp_sessions **sessions, rp_status *status, rp_error *error)
{
    *sessions = NULL;
    if (!rp__loop_is_ours(loop) || loop->destroying)
        *status = rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE,
                                "the loop is another process', or being destroyed");
    else if ((*sessions = rp__stream_sessions(loop)) == NULL)
        *status = rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for TLS sessions");
    return *sessions != NULL;
}

rp_status rp_tls_sessions_save(rp_loop *loop, const rp_tls_config *config, const uint8_t *seal_key,
                               void (*fn)(const void *bytes, size_t size, void *user), void *user,
                               rp_error *error)
{
    rp_sessions *sessions;
    rp_status status;
    uint8_t *bytes;
    size_t size;
    if (!store_of(loop, &sessions, &status, error))
        return status;
    (void)rp__sessions_lock(sessions); /* it is this process', as the loop is */
    status = rp__sessions_save(sessions, config, seal_key, &loop->memory, &bytes, &size, error);
    rp__sessions_unlock(sessions);
    if (status != RP_OK)
        return status;
    fn(bytes, size, user);
    rp__free_secret(&loop->memory, bytes, size);
    return RP_OK;
}

rp_status rp_tls_sessions_restore(rp_loop *loop, const rp_tls_config *config,
                                  const uint8_t *seal_key, const void *bytes, size_t size,
                                  size_t *count, rp_error *error)
{
    rp_sessions *sessions;
    rp_status status;
    size_t unwanted;
    count = count != NULL ? count : &unwanted;
    *count = 0;
    if (!store_of(loop, &sessions, &status, error))
        return status;
    (void)rp__sessions_lock(sessions); /* it is this process', as the loop is */
    status = rp__sessions_restore(sessions, config, seal_key, &loop->memory,
                                  (rp_slice){bytes, size}, count, error);
    rp__sessions_unlock(sessions);
    return status;
}
