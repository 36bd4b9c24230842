/* shared.c - a table of facts, each at the place that its origin's hash has in it: the newer one
 * stays. */
#include "client/shared.h"

#include "base/mutex.h"
#include "client/origin.h"
#include "client/stream.h"

#include <stdatomic.h>
#include <string.h>

#define FACTS 256
#define HOST_SIZE 256

typedef struct entry {
    char host[HOST_SIZE]; /* "": none */
    uint16_t port;
    bool https;
    rp_shared_fact fact;
} entry;

struct rp_shared {
    rp_memory memory;
    atomic_uint references;
    rp_sessions *sessions;
    rp_mutex mutex;
    entry facts[FACTS]; /* guarded */
};

rp_shared *rp__shared_create(rp_allocator allocator)
{
    rp_memory memory;
    rp__memory_init(&memory, allocator);
    rp_shared *shared = rp__allocate(&memory, sizeof(*shared));
    rp_sessions *sessions = shared == NULL ? NULL : rp__sessions_create_shared(allocator);
    if (sessions == NULL) {
        rp__free(&memory, shared);
        return NULL;
    }
    shared->memory = memory;
    shared->sessions = sessions;
    atomic_init(&shared->references, 1);
    rp__mutex_init(&shared->mutex);
    return shared;
}

void rp__shared_release(rp_shared *shared)
{
    if (shared == NULL || atomic_fetch_sub(&shared->references, 1) > 1)
        return;
    rp_memory memory = shared->memory;
    rp__sessions_destroy(shared->sessions);
    rp__mutex_destroy(&shared->mutex);
    rp__free(&memory, shared);
}

void rp__client_share(rp_client *client, rp_shared *shared)
{
    (void)atomic_fetch_add(&shared->references, 1);
    client->shared = shared;
    rp__loop_share_sessions(client->loop, shared->sessions);
}

/* Of what goes elsewhere, or through a proxy, each client learns for itself. In a child of fork
 * nobody is left who would unlock the mutex. */
static bool shares(const rp_origin *origin)
{
    return origin->client->shared != NULL && rp__loop_is_ours(origin->client->loop) &&
           origin->hop == NULL && origin->route[0] == '\0' && !origin->upgrades &&
           strlen(origin->host) < HOST_SIZE;
}

static entry *place_of(const rp_origin *origin)
{
    return &origin->client->shared->facts[(origin->hash ^ origin->hash >> 32) % FACTS];
}

void rp__shared_tell(const rp_origin *origin)
{
    if (!shares(origin))
        return;
    rp_mutex *mutex = &origin->client->shared->mutex;
    entry *told = place_of(origin);
    rp__mutex_lock(mutex);
    memcpy(told->host, origin->host, strlen(origin->host) + 1);
    told->port = origin->port;
    told->https = origin->https;
    told->fact = (rp_shared_fact){.takes = origin->takes,
                                  .takes_said = origin->takes_said,
                                  .multiplexed = origin->multiplexed,
                                  .http1 = origin->versions == RP_HTTP_1_1};
    rp__mutex_unlock(mutex);
}

bool rp__shared_ask(const rp_origin *origin, rp_shared_fact *fact)
{
    if (!shares(origin))
        return false;
    rp_mutex *mutex = &origin->client->shared->mutex;
    const entry *told = place_of(origin);
    rp__mutex_lock(mutex);
    bool known = told->port == origin->port && told->https == origin->https &&
                 strcmp(told->host, origin->host) == 0;
    if (known)
        *fact = told->fact;
    rp__mutex_unlock(mutex);
    return known;
}
