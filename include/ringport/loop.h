/* loop.h - the event loop: turns, timers, posts from other threads, statistics.
 *
 * A loop belongs to the thread that uses it first; it may be created on another. The first use is
 * the first turn (or rp_loop_run), rp_loop_waitable, or stream, request or preconnect: a client may
 * be made on it, and timers started, by the thread that hands it over.
 *
 * Fork. Loops, what was made on them, and resolvers belong to the process that made them: a child
 * of fork makes its own, which may share the parent's TLS configurations. In the child, calls on
 * its copies of the parent's fail with RP_E_MISUSE or, where they report no status, do nothing: a
 * turn returns 0, nothing is pending, no callback comes, a timer never fires. Nothing changes for
 * the parent. rp_loop_destroy closes the descriptors that the child inherited with the loop and
 * otherwise holds open, those of connections included; the memory stays until the child ends or
 * executes another program. A callback in which the child was forked may return: its turn ends
 * soon. */
#ifndef RINGPORT_LOOP_H
#define RINGPORT_LOOP_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_loop rp_loop;

#define RP_NEVER_MS UINT64_MAX

/* Memory for one loop and everything made on it. Called on the loop's thread only.
 * resize(user, NULL, n) allocates, resize(user, p, 0) frees and returns NULL; aligned as
 * malloc is. */
typedef struct rp_allocator {
    void *(*resize)(void *user, void *memory, size_t size);
    void *user;
} rp_allocator;

typedef struct rp_loop_options {
    /* "io_uring", "epoll" (Linux), "iocp" (Windows), or NULL: the best that works here. By name
     * there is no fallback. */
    const char *backend;
    rp_allocator allocator; /* resize NULL: malloc's family */
    /* A loop with many operations in flight, many answers of a connection awaited, or large bodies
     * under way may wait for several before it wakes: fewer wake-ups, less CPU. It waits for about
     * as many as a third of this time should bring, and half of what is under way at the most. If
     * fewer come, those that did are told when this time is over. 0: 1,000. RP_COALESCE_OFF: never.
     * At most 10,000. */
    uint32_t coalesce_limit_us;
    /* Memory that the loop lends to receiving sockets, whatever their number. 0: 2 MiB (io_uring)
     * or 64 KiB (epoll, iocp). Rounded to what the backend can use, at least 64 KiB. */
    size_t receive_memory_bytes;
} rp_loop_options;

#define RP_COALESCE_OFF UINT32_MAX

/* Counters since the loop was created. They only grow, and are read on the loop's thread. */
typedef struct rp_loop_stats {
    uint64_t turns;
    uint64_t completions;      /* of socket operations */
    uint64_t system_calls;     /* made by the loop's thread for ringport */
    uint64_t wakeups;          /* turns that had blocked and were woken, or once there is a
                                 * waitable: all turns, as each was because it is readable */
    uint64_t wakeups_spurious; /* of these, those that found nothing to do: 0, or it is a bug */
    uint64_t timers_fired;
    uint64_t posts;
    uint64_t tls_calls;      /* calls of wolfSSL's handshake, read, write, shutdown */
    uint64_t tls_calls_idle; /* of these, those that moved no byte and no state: 0, or a bug */
    uint64_t allocations;    /* by ringport through the allocator (wolfSSL's own not included) */
    uint64_t bytes_copied;   /* by ringport, outside of wolfSSL and the kernel */
    uint64_t bytes_received; /* from sockets */
    uint64_t bytes_sent;     /* to sockets */
    uint64_t handshakes_full;
    uint64_t handshakes_resumed;
    uint64_t connections_opened;
    uint64_t connections_reused; /* requests that went out on a connection that had served before */
} rp_loop_stats;

/* options NULL: all defaults. error may be NULL.
 * Errors: RP_E_UNSUPPORTED (named backend not to be had: text says why), RP_E_NO_MEMORY,
 * RP_E_NO_DESCRIPTORS, RP_E_BAD_OPTION. */
rp_status rp_loop_create_sized(rp_loop **loop, const rp_loop_options *options, size_t options_size,
                               rp_error *error);
static inline rp_status rp_loop_create(rp_loop **loop, const rp_loop_options *options,
                                       rp_error *error)
{
    return rp_loop_create_sized(loop, options, sizeof(rp_loop_options), error);
}

/* Ends the loop. Everything still open on it is closed and completes with RP_E_CANCELLED from
 * inside this call, nothing can be started on it any more (RP_E_MISUSE), and its timers are
 * stopped. The pointer is dead when it returns, so are those of its streams and requests, whose
 * last callbacks came; its clients are still their owner's to destroy (http.h). NULL does nothing.
 * Not from a callback of this loop. Shortly after, the kernel
 * may interrupt one blocking call of this thread (EINTR) while it takes an io_uring apart. */
void rp_loop_destroy(rp_loop *loop);

/* Turns until nothing is pending (no started timer, no open stream, no unfinished request; idle
 * pooled connections and posts to come do not count) or rp_loop_stop was called. */
void rp_loop_run(rp_loop *loop);

/* Makes the running rp_loop_run return after the current turn. The loop stays usable. */
void rp_loop_stop(rp_loop *loop);

/* One turn: submits what was started, waits up to wait_ms for something to happen (0: not at all;
 * RP_NEVER_MS: for ever), runs the callbacks. Returns the number of callbacks' causes: completions,
 * timers, posts. A turn that owes callbacks already does not wait. */
unsigned rp_loop_turn(rp_loop *loop, uint64_t wait_ms);

/* True while rp_loop_run would go on. */
bool rp_loop_pending(const rp_loop *loop);

/* The loop's clock, milliseconds since an arbitrary point; it runs on while the machine
 * sleeps. In callbacks it stands still: it is read once a turn. */
uint64_t rp_loop_now_ms(rp_loop *loop);

/* What a foreign dispatcher watches for readability; whenever it is readable: rp_loop_turn(loop,
 * 0). Ready for completions and timers alike; nothing else has to be asked or computed. Made at the
 * first call, valid until rp_loop_destroy, owned by the loop; only watch it.
 * socket: a descriptor for select, poll and epoll (a SOCKET on Windows), -1 if it could not be
 * made. handle: an event HANDLE on Windows, NULL elsewhere. */
typedef struct rp_waitable {
    intptr_t socket;
    void *handle;
} rp_waitable;
rp_waitable rp_loop_waitable(rp_loop *loop);

/* "io_uring", "epoll", "iocp", or "epoll (io_uring: the cause)" after a fallback. Lives as long as
 * the loop.
 *
 * If io_uring is forbidden after the loop was made (a sandbox that the program enters later), what
 * is in flight then fails with the kernel's os_code (RP_E_CONNECT_FAILED, RP_E_IO_FAILED), and what
 * is opened from then on goes by epoll. This still says what the loop began with. */
const char *rp_loop_backend(const rp_loop *loop);

/* Valid until rp_loop_destroy; the numbers behind it move. */
const rp_loop_stats *rp_loop_stats_get(const rp_loop *loop);

/* A timer: memory of the caller, zero-initialised, not moved or freed while started. */
typedef struct rp_timer rp_timer;
typedef void rp_timer_fn(rp_timer *timer, void *user);
struct rp_timer {
    rp_timer_fn *fn;
    void *user;
    /* The loop's: a node of a pairing heap. */
    uint64_t private_deadline_ns;
    uint64_t private_order;
    rp_timer *private_child, *private_next, *private_previous;
    bool private_started, private_internal;
};

/* Calls fn once, not before delay_ms from the loop's now. Equal deadlines fire in the order they
 * were started. If the loop was not turned for a while, what came meanwhile is delivered first (for
 * 200 ms at the most): a deadline is missed by the peer, not by the program. Restarts a started
 * timer. Allocates nothing, cannot fail. */
void rp_timer_start(rp_loop *loop, rp_timer *timer, uint64_t delay_ms, rp_timer_fn *fn, void *user);

/* After it fn will not be called. Stopping a timer that is not started does nothing, also when its
 * loop was destroyed. */
void rp_timer_stop(rp_loop *loop, rp_timer *timer);

/* A post: memory of the caller, not touched between rp_loop_post and its callback. */
typedef struct rp_post rp_post;
typedef void rp_post_fn(rp_post *post, void *user);
struct rp_post {
    rp_post_fn *fn;
    void *user;
    rp_post *private_next;
};

/* Has fn called on the loop's thread, in the order of posting per thread; by rp_loop_destroy if no
 * turn came before. Any thread, as long as the loop lives: each call must have returned before
 * rp_loop_destroy is called, though fn may have run by then. Allocates nothing, cannot fail, takes
 * no lock: it may be called from a signal's handler too, whatever that interrupts (a call of
 * rp_loop_post, say), and leaves errno alone. The caller sets fn and user; a post whose fn was
 * called may be posted again, by that fn too. As posts to
 * come do not keep rp_loop_run, a program that lives on them calls rp_loop_turn with RP_NEVER_MS
 * until one of them says that it is over. */
void rp_loop_post(rp_loop *loop, rp_post *post);

#ifdef __cplusplus
}
#endif
#endif
