/* loop.h - what the layers above use of the loop, beside the public <ringport/loop.h>. */
#ifndef RP_LOOP_LOOP_H
#define RP_LOOP_LOOP_H

#include "base/chain.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/platform.h"
#include "base/time.h"
#include "loop/port.h"
#include <ringport/loop.h>
#include <ringport/resolver.h>

/* Something to call from the loop's next round of callbacks: how a call reports a failure that it
 * found at once without calling back from inside itself. Memory of the caller. */
typedef struct rp_deferred {
    rp_link link; /* zero-initialised or removed */
    void (*fn)(struct rp_deferred *deferred);
} rp_deferred;

#define RP_SCRATCH_BYTES (64 * 1024)

struct rp_loop {
    rp_port *port;
    rp_memory memory;
    rp_loop_stats stats;
    rp_chunk_pool chunks;
    uint64_t now_ns;      /* of this turn, 0: not yet read; see rp__loop_now_ns */
    uint32_t watchers;    /* who want away_ns to be counted */
    uint64_t away_ns;     /* longer spans between two waits, together: see rp__loop_watch */
    uint64_t returned_ns; /* from the last wait, while somebody watches */
    uint64_t pending;     /* what keeps rp_loop_run going */
    rp_timer *timers;     /* root of the pairing heap */
    uint64_t timer_order;
    uint64_t timers_wait_since_ns; /* see loop.c; 0: they do not */
    rp_link deferred;
    rp_link closing_hooks;    /* rp_loop_hook: called by rp_loop_destroy */
    _Atomic(rp_post *) posts; /* newest first */
    bool stopping, in_turn, waitable_made;
    bool destroying;       /* rp_loop_destroy was called; true for ever */
    uint32_t references;   /* the caller's until rp_loop_destroy, and those of what outlives it */
    uint64_t process;      /* rp__process_mark of its maker */
    rp_resolver *resolver; /* made when first needed (src/net) */
    void (*resolver_release)(rp_resolver *);
    void *sessions; /* TLS sessions of this loop's streams, likewise (src/client) */
    void (*sessions_release)(void *);
    uint8_t *scratch;    /* RP_SCRATCH_BYTES, for the callbacks of one turn: contents last until the
                            * user of it returns */
    size_t scratch_used; /* bytes that were ever written, which the end wipes */
    uint8_t
        *lower_scratch; /* likewise, of streams below streams, to proxies; NULL: there were none */
    char backend[256];
};

/* False in a child of the process that made it: then nothing on it may be started, ended, waited
 * for or called back. Public calls say so (RP_E_MISUSE) or do nothing. */
static inline bool rp__loop_is_ours(const rp_loop *loop)
{
    return loop->process == rp__process_mark();
}
/* RP_E_MISUSE, and a message that says so. */
rp_status rp__loop_not_ours(rp_error *error, rp_phase phase);

/* Each hold keeps rp_loop_run going until its release. */
static inline void rp__loop_hold(rp_loop *loop)
{
    loop->pending++;
}
static inline void rp__loop_unhold(rp_loop *loop)
{
    loop->pending--;
}

/* How long is the program busy with other things than the loop? It costs a clock's reading each
 * turn, so it is counted only while somebody watches. */
static inline void rp__loop_watch(rp_loop *loop)
{
    if (loop->watchers++ == 0)
        loop->returned_ns = loop->port->ops->now(loop->port);
}
static inline void rp__loop_unwatch(rp_loop *loop)
{
    loop->watchers--;
}

/* For what is its caller's to destroy, whenever that is: the structure and its memory account stay,
 * the loop itself ends. */
void rp__loop_retain(rp_loop *loop);
void rp__loop_release(rp_loop *loop);

/* Once; a second call before fn ran does nothing. */
void rp__loop_defer(rp_loop *loop, rp_deferred *deferred, void (*fn)(rp_deferred *));
void rp__loop_undefer(rp_deferred *deferred);

/* Called, in the order of their making, when the loop is being destroyed: the owner closes
 * everything it has on the loop. Removed with rp__list_remove(&hook->link). */
typedef struct rp_loop_hook {
    rp_link link;
    void (*fn)(struct rp_loop_hook *hook);
} rp_loop_hook;
void rp__loop_hook_add(rp_loop *loop, rp_loop_hook *hook, void (*fn)(rp_loop_hook *));

/* The port's clock, read once between two waits but for rp__loop_time_passed, and afresh outside of
 * turns. */
uint64_t rp__loop_read_clock(rp_loop *loop);
static inline uint64_t rp__loop_now_ns(rp_loop *loop)
{
    return loop->in_turn && loop->now_ns != 0 ? loop->now_ns : rp__loop_read_clock(loop);
}
/* It is read once more: callbacks may have taken their time, for which nothing is to blame that
 * begins behind them. */
static inline void rp__loop_time_passed(rp_loop *loop)
{
    loop->now_ns = 0;
}

/* A timer that does not keep rp_loop_run going (an idle connection's age, say). */
void rp__timer_start_internal(rp_loop *loop, rp_timer *timer, uint64_t delay_ms, rp_timer_fn *fn,
                              void *user);

/* The loop made with this very port; for ports that are handed in (simulator, tests), with the
 * context that their create is given. */
rp_status rp__loop_create_with_port(rp_loop **loop, const rp_port_ops *port_ops, void *context,
                                    const rp_loop_options *options, rp_error *error);

/* What a turn that does not wait would find at now_ns, the port's completions apart: deferred
 * calls, posts, timers. */
bool rp__loop_owes(const rp_loop *loop, uint64_t now_ns);
/* Of the first timer, in the port's clock; RP_WAIT_FOREVER: there is none. */
uint64_t rp__loop_next_deadline_ns(const rp_loop *loop);

#endif
