/* sessions.c - the store of TLS sessions: a hash of origins, each with a stack of sessions, all
 * of them in one queue by age. An origin exists as long as it has a session, so the sessions'
 * bound is the origins' bound. */
#include "tls/sessions.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/mutex.h"
#include "tls/wolfssl.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define BUCKETS 256

typedef struct origin {
    struct origin *next; /* in the bucket */
    rp_link sessions;    /* newest first */
    size_t count;
    uint32_t hash;
    char key[];
} origin;

typedef struct entry {
    rp_link by_origin;
    rp_link by_age; /* oldest first */
    origin *origin;
    WOLFSSL_SESSION *session;
    time_t stored;
} entry;

struct rp_sessions {
    rp_memory *memory;
    bool shared;
    rp_memory own;          /* a shared one's memory, */
    rp_mutex mutex;         /* what guards all else of it, */
    uint64_t process;       /* whose it is (rp__process_mark), */
    atomic_uint references; /* and how many have it */
    rp_link by_age;
    size_t count;
    origin *buckets[BUCKETS];
};

rp_sessions *rp__sessions_create(rp_memory *memory)
{
    rp_sessions *sessions = rp__allocate(memory, sizeof(*sessions));
    if (sessions == NULL)
        return NULL;
    sessions->memory = memory;
    rp__list_init(&sessions->by_age);
    return sessions;
}

rp_sessions *rp__sessions_create_shared(rp_allocator allocator)
{
    rp_memory memory;
    rp__memory_init(&memory, allocator);
    rp_sessions *sessions = rp__sessions_create(&memory);
    if (sessions == NULL)
        return NULL;
    sessions->own = memory;
    sessions->memory = &sessions->own;
    sessions->shared = true;
    atomic_init(&sessions->references, 1);
    sessions->process = rp__process_mark();
    rp__mutex_init(&sessions->mutex);
    return sessions;
}

bool rp__sessions_lock(rp_sessions *sessions)
{
    if (!sessions->shared)
        return true;
    if (sessions->process != rp__process_mark())
        return false;
    rp__mutex_lock(&sessions->mutex);
    return true;
}

void rp__sessions_unlock(rp_sessions *sessions)
{
    if (sessions->shared)
        rp__mutex_unlock(&sessions->mutex);
}

rp_sessions *rp__sessions_retain(rp_sessions *sessions)
{
    (void)atomic_fetch_add(&sessions->references, 1);
    return sessions;
}

static uint32_t hash_text(const char *text)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (; *text != '\0'; text++)
        hash = rp__hash_byte(hash, (uint8_t)*text);
    return (uint32_t)hash;
}

/* Where the origin of key hangs, or would hang. */
static origin **find(rp_sessions *sessions, const char *key, uint32_t hash)
{
    origin **place = &sessions->buckets[hash % BUCKETS];
    while (*place != NULL && ((*place)->hash != hash || strcmp((*place)->key, key) != 0))
        place = &(*place)->next;
    return place;
}

/* Takes the entry out and frees it and, with its last entry, its origin. The session is the
 * caller's. */
static WOLFSSL_SESSION *take_out(rp_sessions *sessions, entry *taken)
{
    WOLFSSL_SESSION *session = taken->session;
    origin *from = taken->origin;
    rp__list_remove(&taken->by_origin);
    rp__list_remove(&taken->by_age);
    rp__free(sessions->memory, taken);
    sessions->count--;
    if (--from->count == 0) {
        *find(sessions, from->key, from->hash) = from->next;
        rp__free(sessions->memory, from);
    }
    return session;
}

static void drop(rp_sessions *sessions, rp_link *by_age)
{
    wolfSSL_SESSION_free(take_out(sessions, RP_CONTAINER(by_age, entry, by_age)));
}

void rp__sessions_destroy(rp_sessions *sessions)
{
    if (sessions == NULL)
        return;
    if (sessions->shared && atomic_fetch_sub(&sessions->references, 1) > 1)
        return;
    while (!rp__list_empty(&sessions->by_age))
        drop(sessions, sessions->by_age.next);
    rp_memory own = sessions->own;
    bool shared = sessions->shared;
    if (shared)
        rp__mutex_destroy(&sessions->mutex);
    rp__free(shared ? &own : sessions->memory, sessions);
}

static origin *find_or_add(rp_sessions *sessions, const char *key)
{
    uint32_t hash = hash_text(key);
    origin **place = find(sessions, key, hash);
    if (*place != NULL)
        return *place;
    size_t size = strlen(key) + 1;
    origin *added = rp__allocate(sessions->memory, sizeof(*added) + size);
    if (added == NULL)
        return NULL;
    rp__list_init(&added->sessions);
    added->hash = hash;
    memcpy(added->key, key, size);
    *place = added;
    return added;
}

/* The connection that a session came by has it still, and will write to it: another thread, whose
 * connection takes it out of here, needs one of its own. */
static WOLFSSL_SESSION *make_own(const rp_sessions *sessions, WOLFSSL_SESSION *session)
{
    if (!sessions->shared)
        return session;
    WOLFSSL_SESSION *copy = wolfSSL_SESSION_dup(session);
    wolfSSL_SESSION_free(session);
    return copy;
}

void rp__sessions_put(rp_sessions *sessions, const char *key, void *session)
{
    WOLFSSL_SESSION *own = make_own(sessions, session);
    if (own == NULL)
        return;
    if (!rp__sessions_lock(sessions)) {
        wolfSSL_SESSION_free(own);
        return;
    }
    rp__sessions_put_stored(sessions, key, own, (int64_t)time(NULL));
    rp__sessions_unlock(sessions);
}

void rp__sessions_put_stored(rp_sessions *sessions, const char *key, void *session, int64_t stored)
{
    /* Allocated first: an origin without an entry must not stay. */
    entry *added = rp__allocate(sessions->memory, sizeof(*added));
    if (added == NULL) {
        wolfSSL_SESSION_free(session);
        return;
    }
    if (sessions->count >= RP_SESSIONS_TOTAL)
        drop(sessions, sessions->by_age.next);
    origin *of = find_or_add(sessions, key);
    if (of == NULL) {
        rp__free(sessions->memory, added);
        wolfSSL_SESSION_free(session);
        return;
    }
    *added = (entry){.origin = of, .session = session, .stored = (time_t)stored};
    rp__list_prepend(&of->sessions, &added->by_origin);
    rp__list_append(&sessions->by_age, &added->by_age);
    of->count++;
    sessions->count++;
    if (of->count > RP_SESSIONS_PER_KEY) {
        entry *oldest = RP_CONTAINER(of->sessions.previous, entry, by_origin);
        drop(sessions, &oldest->by_age);
    }
}

/* A first look; wolfSSL looks again when the session is offered, at its own stamp and clock, which
 * are not time()'s on every platform. */
static bool expired(const entry *looked_at)
{
    time_t age = time(NULL) - looked_at->stored;
    return age < 0 || age >= wolfSSL_SESSION_get_timeout(looked_at->session);
}

static WOLFSSL_SESSION *take(rp_sessions *sessions, const char *key)
{
    uint32_t hash = hash_text(key);
    for (;;) {
        origin *of = *find(sessions, key, hash);
        if (of == NULL)
            return NULL;
        entry *newest = RP_CONTAINER(of->sessions.next, entry, by_origin);
        bool too_old = expired(newest);
        WOLFSSL_SESSION *session = take_out(sessions, newest);
        if (!too_old)
            return session;
        wolfSSL_SESSION_free(session);
    }
}

void *rp__sessions_take(rp_sessions *sessions, const char *key)
{
    if (!rp__sessions_lock(sessions))
        return NULL;
    WOLFSSL_SESSION *taken = take(sessions, key);
    rp__sessions_unlock(sessions);
    return taken;
}

static bool begins(const entry *of, const char *prefix)
{
    return strncmp(of->origin->key, prefix, strlen(prefix)) == 0;
}

void rp__sessions_each(const rp_sessions *sessions, const char *prefix,
                       void (*fn)(const char *key, void *session, int64_t stored, void *user),
                       void *user)
{
    for (rp_link *link = sessions->by_age.next; link != &sessions->by_age; link = link->next) {
        const entry *of = RP_CONTAINER(link, entry, by_age);
        if (begins(of, prefix))
            fn(of->origin->key, of->session, (int64_t)of->stored, user);
    }
}

void rp__sessions_drop(rp_sessions *sessions, const char *prefix)
{
    for (rp_link *link = sessions->by_age.next; link != &sessions->by_age;) {
        rp_link *next = link->next;
        if (begins(RP_CONTAINER(link, entry, by_age), prefix))
            drop(sessions, link);
        link = next;
    }
}

void rp__sessions_drop_expired(rp_sessions *sessions)
{
    for (rp_link *link = sessions->by_age.next; link != &sessions->by_age;) {
        rp_link *next = link->next;
        if (expired(RP_CONTAINER(link, entry, by_age)))
            drop(sessions, link);
        link = next;
    }
}

void rp__sessions_forget(rp_sessions *sessions, const char *key)
{
    uint32_t hash = hash_text(key);
    if (!rp__sessions_lock(sessions))
        return;
    for (origin *of; (of = *find(sessions, key, hash)) != NULL;)
        wolfSSL_SESSION_free(take_out(sessions, RP_CONTAINER(of->sessions.next, entry, by_origin)));
    rp__sessions_unlock(sessions);
}

size_t rp__sessions_count(const rp_sessions *sessions)
{
    return sessions->count;
}
