/* sessions.h - TLS sessions for resumption, kept per origin, many per origin, each used once.
 *
 * A TLS 1.3 ticket is single-use (RFC 8446, C.4), so that parallel connections resume with
 * different tickets; a TLS 1.2 session is given back by the engine that took it. Bounded: per
 * origin and in all, oldest out first.
 *
 * A store is one loop's, or shared by the loops of several threads. Of the latter, put, take and
 * forget may be called on any thread; for all else it has to be locked. */
#ifndef RP_TLS_SESSIONS_H
#define RP_TLS_SESSIONS_H

#include "base/memory.h"

typedef struct rp_sessions rp_sessions;

#define RP_SESSIONS_PER_KEY 64
#define RP_SESSIONS_TOTAL 4096

rp_sessions *rp__sessions_create(rp_memory *memory); /* NULL: no memory */
/* A shared one, with memory of its own. */
rp_sessions *rp__sessions_create_shared(rp_allocator allocator);
/* Adds a reference to a shared one. */
rp_sessions *rp__sessions_retain(rp_sessions *sessions);
/* Drops a reference, of a shared one. NULL does nothing. */
void rp__sessions_destroy(rp_sessions *sessions);
/* Of one that is not shared they do nothing. False: it is shared, and the process that made it is
 * another one, from which this was forked: a thread that there is not here may have locked it. put,
 * take and forget do nothing then. */
bool rp__sessions_lock(rp_sessions *sessions);
void rp__sessions_unlock(rp_sessions *sessions);

/* session is a WOLFSSL_SESSION, owned by the store from here on, whatever happens. */
void rp__sessions_put(rp_sessions *sessions, const char *key, void *session);
/* The newest session of key, now the caller's; NULL: none. Expired ones are dropped on the way. */
void *rp__sessions_take(rp_sessions *sessions, const char *key);
/* Drops all of key's: the server did not like one of them. */
void rp__sessions_forget(rp_sessions *sessions, const char *key);

/* ---- for saved.h, locked ---- */

/* Lends each session whose key begins with prefix to fn, the oldest first; fn changes nothing. */
void rp__sessions_each(const rp_sessions *sessions, const char *prefix,
                       void (*fn)(const char *key, void *session, int64_t stored, void *user),
                       void *user);
/* Drops them. */
void rp__sessions_drop(rp_sessions *sessions, const char *prefix);
/* Like put, for one that was stored then, in seconds since 1970. */
void rp__sessions_put_stored(rp_sessions *sessions, const char *key, void *session, int64_t stored);
void rp__sessions_drop_expired(rp_sessions *sessions);
size_t rp__sessions_count(const rp_sessions *sessions);

#endif
