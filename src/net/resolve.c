/* resolve.c - resolvers, which loops may share, and look-ups, which are a loop's.
 *
 * What is known of names, and who waits for which, is the resolver's (cache.h), guarded by its
 * mutex. A look-up waits in its name's list. Who brings an answer notes it in the cache and has
 * everybody who waits for the name look at it: by a post, for it may be on c-ares' thread; by a
 * deferred call where a port answers, for its look-ups are all of one loop. A look-up that looks
 * either ends, or waits for the next answer or a timer.
 *
 *   waiting   in the list of its name. A post may be on its way (posted, guarded by the mutex), one
 *             at a time.
 *   ended     called back or cancelled, and out of the list: no new post comes. Memory goes at
 *             once, or with the post that is on its way.
 *
 * Questions belong to nobody who waits: they go on when all have cancelled, and their answers are
 * kept. A name is not forgotten while it is asked for.
 *
 * References: look-ups hold the resolver, questions do not. Thus the last reference never goes on
 * c-ares' thread, and when it goes (maybe inside a callback of a loop), rp__dns_destroy finds
 * questions only that nobody waits for. It joins c-ares' thread, which at that time waits for no
 * lock of ours: c-ares calls back with the channel locked, so the order is channel, then mutex, and
 * nobody here calls c-ares with the mutex held.
 *
 * What a port is asked (port.h, 11) is asked by the loop's own resolver, and ends with it. What
 * c-ares does on the loop's thread is not in the loop's count of system calls; it is a few for each
 * question. */
#include "net/resolve.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/platform.h"
#include "net/dns.h"
#include "net/health.h"
#include "net/order.h"

#include <stdatomic.h>
#include <string.h>

struct rp_resolver {
    atomic_uint references;
    uint64_t process; /* rp__process_mark of its maker */
    rp_override *overrides;
    char *servers; /* NULL: the system's */

    rp_mutex mutex; /* guards these */
    rp_memory memory;
    rp_cache cache;
    rp_health health;
    rp_link port_questions;

    /* Another mutex, because c-ares' own are taken with this one held. */
    rp_mutex dns_mutex;
    rp_dns *dns; /* NULL before the first real name */
};

/* A question to a port. */
typedef struct port_question {
    rp_link link; /* resolver->port_questions */
    rp_loop *loop;
    rp_name *name;
    rp_port_lookup lookup;
} port_question;

struct rp_lookup {
    rp_loop *loop;
    rp_lookup_fn *fn; /* NULL: ended */
    void *user;
    rp_resolver *resolver; /* NULL: nobody had to be asked */
    rp_name *name;
    rp_link waiter; /* name->waiters */
    rp_view view;
    bool decided; /* deferred delivers */
    bool posted;  /* post is on its way */
    bool held;    /* ended, and rp_loop_destroy waits for the post */
    rp_post post;
    rp_deferred deferred; /* looks, or delivers */
    rp_timer timer;
    rp_loop_hook hook;
    uint16_t port;
    bool stale, partial;
    size_t count; /* of addresses; 0: error */
    union {
        rp_address addresses[RP_ADDRESSES_LIMIT];
        rp_error error;
    } answer;
    char host[];
};

/* ---- the resolver ---- */

/* The DNS, made at the first call: it comes with a thread. */
static int dns_get(rp_resolver *resolver, rp_dns **dns)
{
    int code = 0;
    rp__mutex_lock(&resolver->dns_mutex);
    if (resolver->dns == NULL)
        code = rp__dns_create(&resolver->dns, resolver->servers);
    *dns = resolver->dns;
    rp__mutex_unlock(&resolver->dns_mutex);
    return code;
}

static void port_question_free(port_question *question)
{
    rp__list_remove(&question->link);
    rp__free(&question->loop->memory, question);
}

static void resolver_free(rp_resolver *resolver)
{
    if (resolver->dns != NULL)
        rp__dns_destroy(resolver->dns);
    while (!rp__list_empty(&resolver->port_questions)) {
        port_question *question = RP_CONTAINER(resolver->port_questions.next, port_question, link);
        rp_port *port = question->loop->port;
        port->ops->lookup_cancel(port, &question->lookup);
        port_question_free(question);
    }
    rp__cache_free(&resolver->cache);
    rp_memory memory = resolver->memory;
    for (rp_override *entry = resolver->overrides; entry != NULL;) {
        rp_override *next = entry->next;
        rp__free(&memory, entry);
        entry = next;
    }
    rp__free(&memory, resolver->servers);
    rp__mutex_destroy(&resolver->mutex);
    rp__mutex_destroy(&resolver->dns_mutex);
    rp__free(&memory, resolver);
    RP_ASSERT(memory.live == 0);
}

static rp_status resolver_configure(rp_resolver *resolver, const rp_resolver_options *options,
                                    rp_error *error)
{
    rp_override **end = &resolver->overrides;
    for (size_t i = 0; i < options->override_count; i++) {
        rp_status status =
            rp__override_parse(end, &resolver->memory, options->overrides[i], i, error);
        if (status != RP_OK)
            return status;
        end = &(*end)->next;
    }
    if (options->servers == NULL)
        return RP_OK;
    rp_status status = rp__servers_check(options->servers, error);
    if (status != RP_OK)
        return status;
    resolver->servers =
        rp__copy_text(&resolver->memory, options->servers, strlen(options->servers));
    if (resolver->servers == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the resolver");
    return RP_OK;
}

rp_status rp_resolver_create_sized(rp_resolver **out, const rp_resolver_options *options,
                                   size_t options_size, rp_error *error)
{
    rp_resolver_options copy;
    rp_memory memory;
    *out = NULL;
    if (!rp__options_copy(&copy, sizeof(copy), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "resolver options set a member that this version does not know");
    if (copy.override_count > 0 && copy.overrides == NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "override_count is %zu and overrides NULL", copy.override_count);
    rp__memory_init(&memory, (rp_allocator){0});
    rp_resolver *resolver = rp__allocate(&memory, sizeof(*resolver));
    if (resolver == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the resolver");
    resolver->memory = memory;
    atomic_init(&resolver->references, 1);
    resolver->process = rp__process_mark();
    rp__mutex_init(&resolver->mutex);
    rp__mutex_init(&resolver->dns_mutex);
    rp__cache_init(&resolver->cache, &resolver->memory, copy.no_stale);
    rp__list_init(&resolver->port_questions);
    rp_status status = resolver_configure(resolver, &copy, error);
    if (status != RP_OK) {
        resolver_free(resolver);
        return status;
    }
    *out = resolver;
    return RP_OK;
}

rp_resolver *rp_resolver_retain(rp_resolver *resolver)
{
    (void)atomic_fetch_add_explicit(&resolver->references, 1, memory_order_relaxed);
    return resolver;
}

bool rp__resolver_is_ours(const rp_resolver *resolver)
{
    return resolver->process == rp__process_mark();
}

/* In a child of fork c-ares' thread, which would have to be joined, does not exist. */
void rp_resolver_release(rp_resolver *resolver)
{
    if (resolver == NULL || !rp__resolver_is_ours(resolver))
        return;
    unsigned before = atomic_fetch_sub_explicit(&resolver->references, 1, memory_order_acq_rel);
    RP_ASSERT(before > 0);
    if (before == 1)
        resolver_free(resolver);
}

rp_memory *rp__resolver_memory(rp_resolver *resolver)
{
    return &resolver->memory;
}

/* The one that knows the names of a loop whose user gave this one; NULL: no memory. */
static rp_resolver *resolver_of(rp_loop *loop, rp_resolver *given)
{
    if (given != NULL && loop->port->ops->lookup == NULL)
        return given;
    if (loop->resolver == NULL) {
        if (rp_resolver_create(&loop->resolver, NULL, NULL) != RP_OK)
            return NULL;
        loop->resolver_release = rp_resolver_release;
    }
    return loop->resolver;
}

/* ---- addresses ---- */

static void find_failed(rp_loop *loop, rp_resolver *resolver, const rp_address *addresses,
                        size_t count, bool failed[RP_ADDRESSES_LIMIT])
{
    uint64_t now_ns = rp__loop_now_ns(loop);
    for (size_t i = 0; i < count; i++)
        failed[i] = rp__health_failed(&resolver->health, &addresses[i], now_ns);
}

void rp__address_note(rp_loop *loop, rp_resolver *given, const rp_address *address, bool good)
{
    rp_resolver *resolver = resolver_of(loop, given);
    if (resolver == NULL)
        return;
    rp__mutex_lock(&resolver->mutex);
    rp__health_note(&resolver->health, address, good, rp__loop_now_ns(loop));
    rp__mutex_unlock(&resolver->mutex);
}

rp_status rp__resolve_at_once(rp_loop *loop, rp_resolver *given, const char *host, uint16_t port,
                              rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                              rp_error *error)
{
    rp_override *overrides = given == NULL ? NULL : given->overrides, *from;
    bool failed[RP_ADDRESSES_LIMIT] = {false};
    rp_status status = rp__names_answer(overrides, host, port, addresses, count, &from, error);
    if (status != RP_OK || *count < 2)
        return status;
    rp_resolver *resolver =
        loop->port->ops->lookup == NULL && given != NULL ? given : loop->resolver;
    if (resolver != NULL) {
        rp__mutex_lock(&resolver->mutex);
        find_failed(loop, resolver, addresses, *count, failed);
        rp__mutex_unlock(&resolver->mutex);
    }
    unsigned turn = from == NULL ? 0 : atomic_fetch_add(&from->turn, 1);
    rp__order(addresses, NULL, failed, *count, turn);
    return RP_OK;
}

/* What the look-up found in its name, under the mutex. */
static void take_addresses(rp_lookup *lookup, const rp_finding *finding)
{
    uint32_t keys[RP_ADDRESSES_LIMIT];
    bool failed[RP_ADDRESSES_LIMIT];
    rp_address *addresses = lookup->answer.addresses;
    size_t use[RP_FAMILIES], count = 0;
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        use[family] = finding->take[family] ? lookup->name->halves[family].known.count : 0;
    /* Where both have many, each gets half of the room. */
    size_t v4_share =
        use[RP_FAMILY_V4] < RP_ADDRESSES_LIMIT / 2 ? use[RP_FAMILY_V4] : RP_ADDRESSES_LIMIT / 2;
    if (use[RP_FAMILY_V6] > RP_ADDRESSES_LIMIT - v4_share)
        use[RP_FAMILY_V6] = RP_ADDRESSES_LIMIT - v4_share;
    if (use[RP_FAMILY_V4] > RP_ADDRESSES_LIMIT - use[RP_FAMILY_V6])
        use[RP_FAMILY_V4] = RP_ADDRESSES_LIMIT - use[RP_FAMILY_V6];
    for (unsigned family = RP_FAMILIES; family-- > 0;) { /* of equals IPv6 comes first */
        const rp_answer *known = &lookup->name->halves[family].known;
        for (size_t i = 0; i < use[family]; i++, count++) {
            addresses[count] = known->addresses[i];
            addresses[count].port = lookup->port;
            keys[count] = known->keys[i];
        }
    }
    find_failed(lookup->loop, lookup->resolver, addresses, count, failed);
    rp__order(addresses, keys, failed, count, lookup->name->turn++);
    lookup->count = count;
    lookup->stale = finding->stale;
    lookup->partial = finding->partial;
}

/* ---- answers ---- */

static void lookup_look(rp_deferred *deferred);

/* Everybody who waits for the name looks again. Under the mutex. */
static void wake_waiters(rp_name *name)
{
    for (rp_link *link = name->waiters.next; link != &name->waiters; link = link->next) {
        rp_lookup *lookup = RP_CONTAINER(link, rp_lookup, waiter);
        if (lookup->loop->port->ops->lookup != NULL) {
            rp__loop_defer(lookup->loop, &lookup->deferred, lookup_look);
        } else if (!lookup->posted) {
            lookup->posted = true;
            rp_loop_post(lookup->loop, &lookup->post);
        }
    }
}

/* user: the name, which is not forgotten while it is asked for. */
static void answered(void *user, unsigned family, const rp_answer *answer)
{
    rp_name *name = user;
    rp_resolver *resolver = RP_CONTAINER(name->cache, rp_resolver, cache);
    rp__mutex_lock(&resolver->mutex);
    rp__cache_answered(name, family, answer);
    wake_waiters(name);
    rp__mutex_unlock(&resolver->mutex);
}

static void answered_failure(rp_name *name, unsigned families, int code)
{
    rp_answer failure = {.verdict = RP_VERDICT_FAILED, .code = code};
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if (families & 1u << family)
            answered(name, family, &failure);
    }
}

/* ---- questions ---- */

static void ask_dns(rp_resolver *resolver, rp_name *name, unsigned families)
{
    rp_dns *dns = NULL;
    int code = dns_get(resolver, &dns);
    if (code == 0)
        rp__dns_ask(dns, name->host, families, answered, name);
    else
        answered_failure(name, families, code);
}

static void port_answered(rp_port_lookup *lookup, rp_status status, const rp_address *addresses,
                          size_t count, uint32_t ttl_s)
{
    port_question *question = RP_CONTAINER(lookup, port_question, lookup);
    rp_name *name = question->name;
    rp_answer answer = {.verdict = RP_VERDICT_FAILED, .code = rp__dns_code(status), .ttl_s = ttl_s};
    unsigned family = lookup->family == 4 ? RP_FAMILY_V4 : RP_FAMILY_V6;
    if (status == RP_OK)
        answer.verdict = count > 0 ? RP_VERDICT_ADDRESSES : RP_VERDICT_NO_DATA;
    else if (status == RP_E_RESOLVE_NOT_FOUND)
        answer.verdict = RP_VERDICT_NO_NAME;
    for (; answer.count < count && answer.count < RP_ADDRESSES_LIMIT; answer.count++)
        answer.addresses[answer.count] = addresses[answer.count];
    port_question_free(question);
    answered(name, family, &answer);
}

static void ask_port(rp_resolver *resolver, rp_loop *loop, rp_name *name, unsigned family)
{
    rp_port *port = loop->port;
    port_question *question = rp__allocate(&loop->memory, sizeof(*question));
    if (question == NULL) {
        answered_failure(name, 1u << family, rp__dns_code(RP_E_NO_MEMORY));
        return;
    }
    *question = (port_question){.loop = loop, .name = name};
    question->lookup.family = family == RP_FAMILY_V4 ? 4 : 6;
    question->lookup.answered = port_answered;
    rp__list_append(&resolver->port_questions, &question->link);
    if (port->ops->lookup(port, &question->lookup, name->host))
        return;
    port_question_free(question);
    answered_failure(name, 1u << family, rp__dns_code(RP_E_NO_MEMORY));
}

static void ask(rp_lookup *lookup, unsigned families)
{
    rp_loop *loop = lookup->loop;
    if (loop->port->ops->lookup == NULL) {
        if (families != 0)
            ask_dns(lookup->resolver, lookup->name, families);
        return;
    }
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if (families & 1u << family)
            ask_port(lookup->resolver, loop, lookup->name, family);
    }
}

/* ---- look-ups ---- */

static void lookup_free(rp_lookup *lookup)
{
    rp_resolver *resolver = lookup->resolver;
    rp__free(&lookup->loop->memory, lookup);
    rp_resolver_release(resolver);
}

/* Nothing comes to the look-up any more. */
static void lookup_stop(rp_lookup *lookup)
{
    lookup->fn = NULL;
    rp__list_remove(&lookup->hook.link);
    rp_timer_stop(lookup->loop, &lookup->timer);
    rp__loop_undefer(&lookup->deferred);
    if (lookup->resolver != NULL) {
        rp__mutex_lock(&lookup->resolver->mutex);
        rp__list_remove(&lookup->waiter);
        rp__mutex_unlock(&lookup->resolver->mutex);
    }
    rp__loop_unhold(lookup->loop);
}

/* Once it is stopped nobody posts it, but a post may be on its way, and frees it then. */
static void lookup_drop(rp_lookup *lookup)
{
    if (!lookup->posted) {
        lookup_free(lookup);
    } else if (lookup->loop->destroying) {
        lookup->held = true;
        rp__loop_hold(lookup->loop);
    }
}

/* Calls back. */
static void lookup_end(rp_lookup *lookup)
{
    rp_lookup_fn *fn = lookup->fn;
    rp_resolved resolved = {.stale = lookup->stale, .partial = lookup->partial};
    if (lookup->count > 0) {
        resolved.addresses = lookup->answer.addresses;
        resolved.count = lookup->count;
    } else {
        resolved.error = &lookup->answer.error;
    }
    lookup_stop(lookup);
    fn(lookup->user, &resolved);
    lookup_drop(lookup);
}

static void lookup_deliver(rp_deferred *deferred)
{
    lookup_end(RP_CONTAINER(deferred, rp_lookup, deferred));
}

static void lookup_loop_ends(rp_loop_hook *hook)
{
    rp_lookup *lookup = RP_CONTAINER(hook, rp_lookup, hook);
    lookup->count = 0;
    (void)rp__error_set(&lookup->answer.error, RP_E_CANCELLED, RP_PHASE_RESOLVE,
                        "the loop was destroyed");
    lookup_end(lookup);
}

/* Where one family alone was asked for, that there is nothing is said of this one. */
static void tell_failure(rp_lookup *lookup, const rp_finding *finding)
{
    const bool *without = lookup->view.without;
    rp_error *error = &lookup->answer.error;
    rp__dns_error(lookup->host, finding->verdict, finding->code, error);
    if (finding->verdict == RP_VERDICT_NO_DATA && (without[0] || without[1]))
        (void)rp__error_set(error, error->status, error->phase,
                            "%.150s: the host has no %s address", lookup->host,
                            without[RP_FAMILY_V4] ? "IPv6" : "IPv4");
}

static void on_time(rp_timer *timer, void *user);

/* True: the look-up has its answer. Else it waits. */
static bool lookup_decide(rp_lookup *lookup)
{
    rp_finding finding;
    uint64_t now_ns = rp__loop_now_ns(lookup->loop);
    rp__mutex_lock(&lookup->resolver->mutex);
    rp_decision decision = rp__view_look(&lookup->view, lookup->name, now_ns, &finding);
    if (decision == RP_DECISION_ADDRESSES)
        take_addresses(lookup, &finding);
    rp__mutex_unlock(&lookup->resolver->mutex);
    if (decision == RP_DECISION_NONE)
        tell_failure(lookup, &finding);
    if (decision != RP_DECISION_WAIT)
        return true;
    if (finding.wait_until_ns > 0) {
        uint64_t wait_ms = rp__time_left_ms(now_ns, finding.wait_until_ns);
        rp__timer_start_internal(lookup->loop, &lookup->timer, wait_ms, on_time, lookup);
    }
    return false;
}

static void lookup_step(rp_lookup *lookup)
{
    if (lookup->decided || lookup_decide(lookup))
        lookup_end(lookup);
}

static void on_time(rp_timer *timer, void *user)
{
    (void)timer;
    lookup_step(user);
}

static void lookup_look(rp_deferred *deferred)
{
    lookup_step(RP_CONTAINER(deferred, rp_lookup, deferred));
}

static void on_post(rp_post *post, void *user)
{
    rp_lookup *lookup = user;
    (void)post;
    if (lookup->fn == NULL) {
        if (lookup->held)
            rp__loop_unhold(lookup->loop);
        lookup_free(lookup);
        return;
    }
    rp__mutex_lock(&lookup->resolver->mutex);
    lookup->posted = false;
    rp__mutex_unlock(&lookup->resolver->mutex);
    lookup_step(lookup);
}

static rp_lookup *lookup_new(rp_loop *loop, const char *host, uint16_t port, rp_lookup_fn *fn,
                             void *user)
{
    size_t size = strlen(host);
    rp_lookup *lookup = rp__allocate(&loop->memory, sizeof(*lookup) + size + 1);
    if (lookup == NULL)
        return NULL;
    lookup->loop = loop;
    lookup->fn = fn;
    lookup->user = user;
    lookup->port = port;
    lookup->post = (rp_post){.fn = on_post, .user = lookup};
    rp__list_init(&lookup->waiter);
    memcpy(lookup->host, host, size);
    return lookup;
}

/* False: no memory. */
static bool lookup_begin(rp_lookup *lookup, rp_resolver *resolver, unsigned how)
{
    rp_loop *loop = lookup->loop;
    char host[RP_NAME_SIZE];
    unsigned families = 0;
    rp__names_lower(lookup->host, host);
    rp__mutex_lock(&resolver->mutex);
    lookup->name = rp__cache_get(&resolver->cache, host);
    if (lookup->name != NULL) {
        families = rp__view_begin(&lookup->view, lookup->name, how, rp__loop_now_ns(loop));
        rp__list_append(&lookup->name->waiters, &lookup->waiter);
    }
    rp__mutex_unlock(&resolver->mutex);
    if (lookup->name == NULL)
        return false;
    lookup->resolver = rp_resolver_retain(resolver);
    /* May answer at once; then the look-up is woken, too. */
    ask(lookup, families);
    lookup->decided = lookup_decide(lookup);
    if (lookup->decided) {
        rp__loop_undefer(&lookup->deferred);
        rp__loop_defer(loop, &lookup->deferred, lookup_deliver);
    }
    return true;
}

rp_lookup *rp__lookup_start(rp_loop *loop, rp_resolver *given, const char *host, uint16_t port,
                            unsigned how, rp_lookup_fn *fn, void *user)
{
    rp_error error;
    rp_lookup *lookup = lookup_new(loop, host, port, fn, user);
    if (lookup == NULL)
        return NULL;
    rp_status status = rp__resolve_at_once(loop, given, host, port, lookup->answer.addresses,
                                           &lookup->count, &error);
    if (loop->destroying) {
        /* The hooks have been called: nothing would end a question any more. */
        lookup->count = 0;
        status = rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_RESOLVE, "the loop was destroyed");
    }
    if (status != RP_OK)
        lookup->answer.error = error;
    if (status != RP_OK || lookup->count > 0) {
        rp__loop_defer(loop, &lookup->deferred, lookup_deliver);
    } else {
        rp_resolver *resolver = resolver_of(loop, given);
        if (resolver == NULL || !lookup_begin(lookup, resolver, how)) {
            rp__free(&loop->memory, lookup);
            return NULL;
        }
    }
    rp__loop_hold(loop);
    rp__loop_hook_add(loop, &lookup->hook, lookup_loop_ends);
    return lookup;
}

void rp__lookup_cancel(rp_lookup *lookup)
{
    if (lookup->fn == NULL)
        return;
    lookup_stop(lookup);
    lookup_drop(lookup);
}
