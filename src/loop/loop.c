/* loop.c - turns: one wait for the port, then posts, timers and deferred calls. */
#include "loop/loop.h"

#include "base/assert.h"
#include "base/error.h"
#include "loop/timer.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define COALESCE_DEFAULT_US 1000
#define COALESCE_LIMIT_US 10000
#define RECEIVE_MEMORY_LEAST (64 * 1024)
#define RECEIVE_MEMORY_MOST ((size_t)1 << 30)
/* Sockets are told to close and need a turn or two; more means that one was lost. */
#define DESTROY_WAIT_NS (10ull * 1000 * RP_NS_PER_MS)
/* A timer that fires so late was not waited for: the host did something else, or callbacks did. */
#define LATE_NS (10u * RP_NS_PER_MS)
#define LATE_MOST_NS (200u * RP_NS_PER_MS)
/* Of timers, and of deferred calls, in one turn in the loop of a host, which has sockets of its own
 * to see to. */
#define HOST_SHARE 64

/* ---- time and timers ---- */

uint64_t rp__loop_read_clock(rp_loop *loop)
{
    uint64_t now = loop->port->ops->now(loop->port);
    if (loop->in_turn)
        loop->now_ns = now;
    return now;
}

uint64_t rp_loop_now_ms(rp_loop *loop)
{
    return rp__loop_now_ns(loop) / RP_NS_PER_MS;
}

uint64_t rp__loop_next_deadline_ns(const rp_loop *loop)
{
    return loop->timers == NULL ? RP_WAIT_FOREVER : loop->timers->private_deadline_ns;
}

static void wake(rp_loop *loop)
{
    if (rp__loop_is_ours(loop))
        loop->port->ops->wake(loop->port);
}

/* Inside a turn this waits until the turn's end: most timers started there are stopped there. */
static void publish_deadline(rp_loop *loop)
{
    if (loop->waitable_made && !loop->in_turn && rp__loop_is_ours(loop))
        loop->port->ops->waitable_deadline(loop->port, rp__loop_next_deadline_ns(loop));
}

static void timer_remove(rp_loop *loop, rp_timer *timer)
{
    rp__timers_remove(&loop->timers, timer);
    timer->private_started = false;
    if (!timer->private_internal)
        rp__loop_unhold(loop);
}

static void timer_start(rp_loop *loop, rp_timer *timer, uint64_t delay_ms, bool internal)
{
    if (timer->private_started)
        timer_remove(loop, timer);
    uint64_t now = rp__loop_now_ns(loop);
    uint64_t longest_ms = (UINT64_MAX - 1 - now) / RP_NS_PER_MS;
    uint64_t delay_ns = (delay_ms < longest_ms ? delay_ms : longest_ms) * RP_NS_PER_MS;
    timer->private_deadline_ns = now + delay_ns;
    timer->private_order = loop->timer_order++;
    timer->private_started = true;
    timer->private_internal = internal;
    rp__timers_insert(&loop->timers, timer);
    if (!internal)
        rp__loop_hold(loop);
    if (loop->timers == timer)
        publish_deadline(loop);
}

void rp_timer_start(rp_loop *loop, rp_timer *timer, uint64_t delay_ms, rp_timer_fn *fn, void *user)
{
    timer->fn = fn;
    timer->user = user;
    timer_start(loop, timer, delay_ms, false);
}

void rp__timer_start_internal(rp_loop *loop, rp_timer *timer, uint64_t delay_ms, rp_timer_fn *fn,
                              void *user)
{
    timer->fn = fn;
    timer->user = user;
    timer_start(loop, timer, delay_ms, true);
}

void rp_timer_stop(rp_loop *loop, rp_timer *timer)
{
    if (!timer->private_started)
        return;
    bool first = loop->timers == timer;
    timer_remove(loop, timer);
    if (first)
        publish_deadline(loop);
}

/* How many callbacks of a kind one turn runs. */
static unsigned turn_share(const rp_loop *loop)
{
    return loop->waitable_made ? HOST_SHARE : UINT_MAX;
}

/* Timers started by the callbacks wait for the next turn, or a timer of 0 ms that starts itself
 * anew would never let go of the thread. */
static unsigned run_timers(rp_loop *loop)
{
    unsigned fired = 0, share = turn_share(loop);
    uint64_t order = loop->timer_order;
    while (loop->timers != NULL && fired < share && rp__loop_is_ours(loop)) {
        rp_timer *timer = loop->timers;
        if (timer->private_deadline_ns > rp__loop_now_ns(loop) || timer->private_order >= order)
            break;
        timer_remove(loop, timer);
        fired++;
        loop->stats.timers_fired++;
        timer->fn(timer, timer->user);
    }
    return fired;
}

/* What came in time counts, though nobody looked: late timers wait until the port has told of all
 * that it knows. Where it always knows more, not for long. */
static bool timers_wait(rp_loop *loop, unsigned found_by_port)
{
    uint64_t since = loop->timers_wait_since_ns, due = rp__loop_next_deadline_ns(loop);
    loop->timers_wait_since_ns = 0;
    if (found_by_port == 0 || due == RP_WAIT_FOREVER)
        return false;
    uint64_t now = rp__loop_now_ns(loop);
    if (now < due || now - due < LATE_NS)
        return false;
    loop->timers_wait_since_ns = since == 0 ? now : since;
    return now - loop->timers_wait_since_ns < LATE_MOST_NS;
}

/* ---- deferred calls and posts ---- */

void rp__loop_defer(rp_loop *loop, rp_deferred *deferred, void (*fn)(rp_deferred *))
{
    deferred->fn = fn;
    if (deferred->link.next != NULL && !rp__list_empty(&deferred->link))
        return;
    bool first = rp__list_empty(&loop->deferred);
    rp__list_append(&loop->deferred, &deferred->link);
    if (first && loop->waitable_made && !loop->in_turn)
        wake(loop);
}

void rp__loop_undefer(rp_deferred *deferred)
{
    if (deferred->link.next != NULL)
        rp__list_remove(&deferred->link);
}

/* What these defer in their turn runs in the next one; so does what is more than a host's share,
 * first. */
static unsigned run_deferred(rp_loop *loop)
{
    unsigned count = 0, share = turn_share(loop);
    rp_link now;
    rp__list_init(&now);
    rp__list_move(&now, &loop->deferred);
    for (rp_link *link; count < share && (link = rp__list_take(&now)) != NULL; count++) {
        if (!rp__loop_is_ours(loop))
            break;
        rp_deferred *deferred = RP_CONTAINER(link, rp_deferred, link);
        deferred->fn(deferred);
    }
    rp__list_move(&now, &loop->deferred);
    rp__list_move(&loop->deferred, &now);
    return count;
}

void rp_loop_post(rp_loop *loop, rp_post *post)
{
    rp_post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        post->private_next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posts, &newest, post,
                                                    memory_order_release, memory_order_relaxed));
    if (newest == NULL) {
        int kept = errno; /* a signal's handler is to leave it alone */
        wake(loop);
        errno = kept;
    }
}

static unsigned run_posts(rp_loop *loop)
{
    if (atomic_load_explicit(&loop->posts, memory_order_relaxed) == NULL)
        return 0;
    rp_post *newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    rp_post *oldest = NULL;
    while (newest != NULL) {
        rp_post *next = newest->private_next;
        newest->private_next = oldest;
        oldest = newest;
        newest = next;
    }
    unsigned count = 0;
    while (oldest != NULL && rp__loop_is_ours(loop)) {
        rp_post *post = oldest;
        oldest = post->private_next;
        count++;
        loop->stats.posts++;
        post->fn(post, post->user);
    }
    return count;
}

/* ---- turns ---- */

typedef struct wait_plan {
    uint64_t wait_ns;
    uint64_t until_ns; /* the caller's own limit, 0: none */
} wait_plan;

static wait_plan plan_wait(rp_loop *loop, uint64_t wait_ms)
{
    wait_plan plan = {.wait_ns = RP_WAIT_FOREVER};
    if (wait_ms == 0 || !rp__list_empty(&loop->deferred))
        return (wait_plan){0};
    uint64_t deadline = rp__loop_next_deadline_ns(loop);
    if (deadline == RP_WAIT_FOREVER && wait_ms == RP_NEVER_MS)
        return plan;
    uint64_t now = loop->port->ops->now(loop->port);
    if (deadline != RP_WAIT_FOREVER)
        plan.wait_ns = deadline > now ? deadline - now : 0;
    if (wait_ms < UINT64_MAX / RP_NS_PER_MS && wait_ms * RP_NS_PER_MS < plan.wait_ns) {
        plan.wait_ns = wait_ms * RP_NS_PER_MS;
        plan.until_ns = now + plan.wait_ns;
    }
    return plan;
}

#define AWAY_NS 5000000u

static void count_away(rp_loop *loop)
{
    uint64_t now = loop->port->ops->now(loop->port);
    if (now - loop->returned_ns >= AWAY_NS)
        loop->away_ns += now - loop->returned_ns;
}

static unsigned turn(rp_loop *loop, uint64_t wait_ms)
{
    if (!rp__loop_is_ours(loop))
        return 0;
    RP_ASSERT(!loop->in_turn && !loop->destroying);
    /* A host that watches the waitable is away until it is readable, as it should be. */
    if (loop->watchers > 0 && !loop->waitable_made)
        count_away(loop);
    wait_plan plan = plan_wait(loop, wait_ms);
    loop->in_turn = true;
    loop->now_ns = 0;
    loop->stats.turns++;
    unsigned found = loop->port->ops->turn(loop->port, plan.wait_ns);
    unsigned found_by_port = found;
    if (loop->watchers > 0)
        loop->returned_ns = rp__loop_now_ns(loop);
    found += run_posts(loop);
    if (!timers_wait(loop, found_by_port))
        found += run_timers(loop);
    rp__loop_time_passed(loop); /* what is sent now waits from now on */
    found += run_deferred(loop);
    /* Who watches the waitable has woken for this turn, though it does not wait itself. */
    if (plan.wait_ns > 0 || loop->waitable_made) {
        bool time_out = plan.until_ns > 0 && rp__loop_now_ns(loop) >= plan.until_ns;
        loop->stats.wakeups++;
        if (found == 0 && !time_out)
            loop->stats.wakeups_spurious++;
    }
    loop->stats.allocations = loop->memory.allocations;
    loop->in_turn = false;
    if (loop->waitable_made) {
        publish_deadline(loop);
        if (!rp__list_empty(&loop->deferred))
            wake(loop);
    }
    return found;
}

unsigned rp_loop_turn(rp_loop *loop, uint64_t wait_ms)
{
    unsigned found = turn(loop, wait_ms);
    /* The caller may do something else first; what its callbacks started must not wait for that. */
    if (loop->port->ops->submit != NULL && rp__loop_is_ours(loop))
        loop->port->ops->submit(loop->port);
    return found;
}

bool rp__loop_owes(const rp_loop *loop, uint64_t now_ns)
{
    return !rp__list_empty(&loop->deferred) ||
           atomic_load_explicit(&loop->posts, memory_order_relaxed) != NULL ||
           rp__loop_next_deadline_ns(loop) <= now_ns;
}

bool rp_loop_pending(const rp_loop *loop)
{
    return loop->pending > 0 && rp__loop_is_ours(loop);
}

void rp_loop_run(rp_loop *loop)
{
    loop->stopping = false;
    while (rp_loop_pending(loop) && !loop->stopping)
        (void)turn(loop, RP_NEVER_MS);
}

void rp_loop_stop(rp_loop *loop)
{
    loop->stopping = true;
}

rp_waitable rp_loop_waitable(rp_loop *loop)
{
    if (!rp__loop_is_ours(loop))
        return (rp_waitable){.socket = -1};
    rp_waitable waitable = loop->port->ops->waitable(loop->port);
    if (waitable.socket != -1 || waitable.handle != NULL) {
        loop->waitable_made = true;
        publish_deadline(loop);
        if (!rp__list_empty(&loop->deferred))
            wake(loop);
    }
    return waitable;
}

const char *rp_loop_backend(const rp_loop *loop)
{
    return loop->backend;
}

const rp_loop_stats *rp_loop_stats_get(const rp_loop *loop)
{
    return &loop->stats;
}

/* ---- life ---- */

void rp__loop_hook_add(rp_loop *loop, rp_loop_hook *hook, void (*fn)(rp_loop_hook *))
{
    hook->fn = fn;
    rp__list_append(&loop->closing_hooks, &hook->link);
}

static rp_status check_options(const rp_loop_options *options, rp_error *error)
{
    if (options->coalesce_limit_us != RP_COALESCE_OFF &&
        options->coalesce_limit_us > COALESCE_LIMIT_US)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "coalesce_limit_us is %u, the most is %d", options->coalesce_limit_us,
                             COALESCE_LIMIT_US);
    if (options->receive_memory_bytes > RECEIVE_MEMORY_MOST)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "receive_memory_bytes is %zu, the most is %zu",
                             options->receive_memory_bytes, RECEIVE_MEMORY_MOST);
    return RP_OK;
}

static rp_status port_create(rp_loop *loop, const rp_port_ops *ops, void *context,
                             const rp_loop_options *options, rp_error *error)
{
    rp_port_options port_options = {
        .context = context,
        .memory = &loop->memory,
        .stats = &loop->stats,
        .coalesce_limit_us = options->coalesce_limit_us,
        .receive_memory_bytes = options->receive_memory_bytes,
    };
    if (port_options.coalesce_limit_us == 0)
        port_options.coalesce_limit_us = COALESCE_DEFAULT_US;
    else if (port_options.coalesce_limit_us == RP_COALESCE_OFF)
        port_options.coalesce_limit_us = 0;
    if (port_options.receive_memory_bytes > 0 &&
        port_options.receive_memory_bytes < RECEIVE_MEMORY_LEAST)
        port_options.receive_memory_bytes = RECEIVE_MEMORY_LEAST;
    return ops->create(&loop->port, &port_options, error);
}

/* The best port that works, with the reasons of those that did not in loop->backend. */
static rp_status port_choose(rp_loop *loop, const rp_loop_options *options, rp_error *error)
{
    char reasons[200] = "";
    rp_status status = RP_E_UNSUPPORTED;
    for (size_t i = 0; rp__ports[i] != NULL; i++) {
        rp_error cause;
        status = port_create(loop, rp__ports[i], NULL, options, &cause);
        if (status == RP_OK) {
            (void)snprintf(loop->backend, sizeof(loop->backend), reasons[0] ? "%s (%.200s)" : "%s",
                           rp__ports[i]->name, reasons);
            return RP_OK;
        }
        if (status == RP_E_NO_MEMORY)
            return rp__error_set(error, status, RP_PHASE_NONE, "no memory for the loop");
        size_t used = strlen(reasons);
        (void)snprintf(reasons + used, sizeof(reasons) - used, "%s%s: %.100s", used ? "; " : "",
                       rp__ports[i]->name, cause.text);
    }
    return rp__error_set(error, status, RP_PHASE_NONE, "no backend works here (%s)", reasons);
}

static rp_status port_by_name(rp_loop *loop, const rp_loop_options *options, rp_error *error)
{
    for (size_t i = 0; rp__ports[i] != NULL; i++) {
        if (strcmp(rp__ports[i]->name, options->backend) != 0)
            continue;
        rp_error cause;
        rp_status status = port_create(loop, rp__ports[i], NULL, options, &cause);
        (void)snprintf(loop->backend, sizeof(loop->backend), "%s", rp__ports[i]->name);
        if (status != RP_OK)
            return rp__error_set(error, status, RP_PHASE_NONE, "backend %s can't be used: %s",
                                 options->backend, cause.text);
        return RP_OK;
    }
    return rp__error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE,
                         "backend \"%s\" is not known on this platform", options->backend);
}

void rp__loop_retain(rp_loop *loop)
{
    loop->references++;
}

void rp__loop_release(rp_loop *loop)
{
    RP_ASSERT(loop->references > 0);
    if (--loop->references > 0)
        return;
    rp_memory memory = loop->memory;
    rp__free_secret(&memory, loop->scratch, loop->scratch_used);
    rp__free_secret(&memory, loop->lower_scratch, RP_SCRATCH_BYTES);
    rp__free(&memory, loop);
    RP_ASSERT(memory.live == 0);
}

static rp_status loop_new(rp_loop **out, const rp_loop_options *options, rp_error *error)
{
    rp_memory memory;
    rp__memory_init(&memory, options->allocator);
    rp_loop *loop = rp__allocate(&memory, sizeof(*loop));
    if (loop == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the loop");
    loop->memory = memory;
    loop->references = 1;
    loop->process = rp__process_mark();
    /* Not zeroed: the pages that no callback uses are never touched. */
    loop->scratch = rp__reallocate(&loop->memory, NULL, RP_SCRATCH_BYTES);
    if (loop->scratch == NULL) {
        rp__loop_release(loop);
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the loop");
    }
    rp__chunk_pool_init(&loop->chunks, &loop->memory, &loop->stats.bytes_copied);
    rp__list_init(&loop->deferred);
    rp__list_init(&loop->closing_hooks);
    *out = loop;
    return RP_OK;
}

rp_status rp__loop_create_with_port(rp_loop **out, const rp_port_ops *port_ops, void *context,
                                    const rp_loop_options *options, rp_error *error)
{
    *out = NULL;
    rp_status status = check_options(options, error);
    if (status != RP_OK)
        return status;
    rp_loop *loop = NULL;
    status = loop_new(&loop, options, error);
    if (status != RP_OK)
        return status;
    if (port_ops != NULL) {
        (void)snprintf(loop->backend, sizeof(loop->backend), "%s", port_ops->name);
        status = port_create(loop, port_ops, context, options, error);
    } else if (options->backend != NULL) {
        status = port_by_name(loop, options, error);
    } else {
        status = port_choose(loop, options, error);
    }
    if (status != RP_OK) {
        rp__loop_release(loop);
        return status;
    }
    *out = loop;
    return RP_OK;
}

rp_status rp_loop_create_sized(rp_loop **out, const rp_loop_options *options, size_t options_size,
                               rp_error *error)
{
    rp_loop_options copy;
    *out = NULL;
    if (!rp__options_copy(&copy, sizeof(copy), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "loop options set a member that this version does not know");
    return rp__loop_create_with_port(out, NULL, NULL, &copy, error);
}

rp_status rp__loop_not_ours(rp_error *error, rp_phase phase)
{
    return rp__error_set(
        error, RP_E_MISUSE, phase,
        "the loop belongs to the process that made it: a child of fork has to make "
        "its own");
}

/* In a child of fork. The memory stays as it is, whatever another thread of the parent's was doing
 * with it at that moment: the child shares it with the parent until one of them writes to it. */
static void abandon(rp_loop *loop)
{
    bool again = loop->destroying;
    loop->destroying = true;
    if (!again && loop->port->ops->abandon != NULL)
        loop->port->ops->abandon(loop->port);
}

void rp_loop_destroy(rp_loop *loop)
{
    if (loop == NULL)
        return;
    if (!rp__loop_is_ours(loop)) {
        abandon(loop);
        return;
    }
    RP_ASSERT(!loop->in_turn && !loop->destroying);
    loop->destroying = true;
    (void)run_posts(loop); /* those that came before; after this only ringport's own threads post */
    for (rp_link *link; (link = rp__list_take(&loop->closing_hooks)) != NULL;) {
        rp_loop_hook *hook = RP_CONTAINER(link, rp_loop_hook, link);
        hook->fn(hook);
    }
    while (loop->timers != NULL)
        timer_remove(loop, loop->timers);
    while (loop->pending > 0) {
        unsigned found = loop->port->ops->turn(
            loop->port, rp__list_empty(&loop->deferred) ? DESTROY_WAIT_NS : 0);
        found += run_posts(loop);
        found += run_deferred(loop);
        while (loop->timers != NULL)
            timer_remove(loop, loop->timers);
        if (loop->pending > 0)
            RP_ASSERT(found > 0);
    }
    if (loop->resolver != NULL)
        loop->resolver_release(loop->resolver);
    if (loop->sessions != NULL)
        loop->sessions_release(loop->sessions);
    RP_ASSERT(loop->port->awaited == 0);
    loop->port->ops->destroy(loop->port);
    loop->port = NULL;
    rp__chunk_pool_clear(&loop->chunks);
    rp__free_secret(&loop->memory, loop->scratch, loop->scratch_used);
    rp__free_secret(&loop->memory, loop->lower_scratch, RP_SCRATCH_BYTES);
    loop->scratch = loop->lower_scratch = NULL;
    rp__loop_release(loop);
}
