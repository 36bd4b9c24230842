/* resolve.c - look-ups through c-ares, and their way from its thread back to the loop.
 *
 * Two objects make a look-up. The rp_lookup is the loop's: its memory, its hold on rp_loop_run,
 * its callback. A real name also has an rp_query, which is the resolver's, because it may
 * outlive the look-up and the loop: c-ares cannot be told to forget one query, so a cancelled
 * look-up leaves its query behind, and c-ares' answer frees it.
 *
 *   waiting     query->lookup is set, query->answered is not. c-ares owes the answer.
 *   abandoned   query->lookup is NULL, query->answered is not. on_answer frees the query, and knows
 *               nothing of a loop.
 *   answered    query->answered is set and query->post is on its way to the loop, exactly once. The
 *               post frees the query, with or without a look-up that still wants it.
 *
 * Both members are guarded by the resolver's mutex, and on_answer posts while it holds it. So once
 * query_detach has been through the mutex, either no post will ever come, or it is already in the
 * loop's queue: after the loop's closing hooks ran nobody posts to it any more.
 *
 * References: waiting and answered queries hold the resolver, abandoned ones do not. Thus the
 * last reference never goes on c-ares' thread, and when it goes (maybe inside a callback of a
 * loop), ares_destroy finds abandoned queries only; it joins c-ares' thread, which at that time
 * waits for no lock of ours: c-ares calls on_answer with the channel locked, so the order is
 * channel, then mutex, and nobody here calls c-ares with the mutex held.
 *
 * c-ares' defaults stand, its query cache (answers live as long as their TTL, an hour at most)
 * and its look at /etc/hosts before asking included. What c-ares does on the loop's thread, in
 * ares_getaddrinfo, is not in the loop's count of system calls; it is a few for each name. */
#include "net/resolve.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/platform.h"
#include "base/thread.h"

#include <ares.h>
#include <stdatomic.h>
#include <string.h>

struct rp_resolver {
    atomic_uint references;
    uint64_t process; /* rp_process_mark of its maker */
    rp_override *overrides;
    char *servers; /* NULL: the system's */

    rp_mutex mutex; /* guards memory and the queries */
    rp_memory memory;

    /* Another mutex, because c-ares' own are taken with this one held. */
    rp_mutex channel_mutex;
    ares_channel_t *channel; /* NULL before the first real name */
};

typedef struct rp_query {
    rp_resolver *resolver;
    rp_loop *loop;
    rp_lookup *lookup;
    bool answered;
    bool dropping; /* drop is deferred, and holds the loop */
    int status;    /* c-ares' */
    size_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_post post;
    rp_deferred drop; /* for the end of the loop */
} rp_query;

struct rp_lookup {
    rp_loop *loop;
    rp_lookup_fn *fn; /* NULL: being called */
    void *user;
    rp_query *query; /* NULL: answered without asking c-ares */
    rp_port_lookup port_lookup;
    bool asked_port; /* port_lookup is under way */
    rp_loop_hook hook;
    rp_deferred deferred;
    uint16_t port;
    size_t count; /* of addresses; 0: error */
    union {
        rp_address addresses[RP_ADDRESSES_LIMIT];
        rp_error error;
    } answer;
    char host[];
};

/* ---- the resolver ---- */

static rp_mutex library_mutex = RP_MUTEX_INIT;
static bool library_ready;

/* ares_library_init is not safe between threads. Never undone: others may use c-ares too. */
static int library_init(void)
{
    rp_mutex_lock(&library_mutex);
    int status = library_ready ? ARES_SUCCESS : ares_library_init(ARES_LIB_INIT_ALL);
    library_ready = status == ARES_SUCCESS;
    rp_mutex_unlock(&library_mutex);
    return status;
}

static int channel_create(rp_resolver *resolver)
{
    ares_channel_t *channel = NULL;
    /* EDNS is c-ares' default; HOSTALIASES in somebody's environment must not redirect a
     * request. */
    struct ares_options options = {
        .evsys = ARES_EVSYS_DEFAULT,
        .flags = ARES_FLAG_EDNS | ARES_FLAG_NOALIASES,
    };
    int status = library_init();
    if (status != ARES_SUCCESS)
        return status;
    if (!ares_threadsafety())
        return ARES_ENOTIMP;
    rp_signals signals;
    rp_signals_block(&signals);
    status = ares_init_options(&channel, &options, ARES_OPT_EVENT_THREAD | ARES_OPT_FLAGS);
    rp_signals_restore(&signals);
    if (status != ARES_SUCCESS)
        return status;
    if (resolver->servers != NULL)
        status = ares_set_servers_ports_csv(channel, resolver->servers);
    if (status != ARES_SUCCESS) {
        ares_destroy(channel);
        return status;
    }
    resolver->channel = channel;
    return ARES_SUCCESS;
}

/* The channel, made at the first call: it comes with a thread. */
static int channel_get(rp_resolver *resolver, ares_channel_t **channel)
{
    int status = ARES_SUCCESS;
    rp_mutex_lock(&resolver->channel_mutex);
    if (resolver->channel == NULL)
        status = channel_create(resolver);
    *channel = resolver->channel;
    rp_mutex_unlock(&resolver->channel_mutex);
    return status;
}

static void resolver_free(rp_resolver *resolver)
{
    if (resolver->channel != NULL)
        ares_destroy(resolver->channel);
    rp_memory memory = resolver->memory;
    for (rp_override *entry = resolver->overrides; entry != NULL;) {
        rp_override *next = entry->next;
        rp_free(&memory, entry);
        entry = next;
    }
    rp_free(&memory, resolver->servers);
    rp_mutex_destroy(&resolver->mutex);
    rp_mutex_destroy(&resolver->channel_mutex);
    rp_free(&memory, resolver);
    RP_ASSERT(memory.live == 0);
}

static rp_status resolver_configure(rp_resolver *resolver, const rp_resolver_options *options,
                                    rp_error *error)
{
    rp_override **end = &resolver->overrides;
    for (size_t i = 0; i < options->override_count; i++) {
        rp_status status =
            rp_override_parse(end, &resolver->memory, options->overrides[i], i, error);
        if (status != RP_OK)
            return status;
        end = &(*end)->next;
    }
    if (options->servers == NULL)
        return RP_OK;
    rp_status status = rp_servers_check(options->servers, error);
    if (status != RP_OK)
        return status;
    resolver->servers = rp_copy_text(&resolver->memory, options->servers, strlen(options->servers));
    if (resolver->servers == NULL)
        return rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the resolver");
    return RP_OK;
}

rp_status rp_resolver_create_sized(rp_resolver **out, const rp_resolver_options *options,
                                   size_t options_size, rp_error *error)
{
    rp_resolver_options copy;
    rp_memory memory;
    *out = NULL;
    if (!rp_options_copy(&copy, sizeof(copy), options, options_size))
        return rp_error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                            "resolver options set a member that this version does not know");
    if (copy.override_count > 0 && copy.overrides == NULL)
        return rp_error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                            "override_count is %zu and overrides NULL", copy.override_count);
    rp_memory_init(&memory, (rp_allocator){0});
    rp_resolver *resolver = rp_allocate(&memory, sizeof(*resolver));
    if (resolver == NULL)
        return rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the resolver");
    resolver->memory = memory;
    atomic_init(&resolver->references, 1);
    resolver->process = rp_process_mark();
    rp_mutex_init(&resolver->mutex);
    rp_mutex_init(&resolver->channel_mutex);
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

bool rp_resolver_is_ours(const rp_resolver *resolver)
{
    return resolver->process == rp_process_mark();
}

/* In a child of fork c-ares' thread, which would have to be joined, does not exist. */
void rp_resolver_release(rp_resolver *resolver)
{
    if (resolver == NULL || !rp_resolver_is_ours(resolver))
        return;
    unsigned before = atomic_fetch_sub_explicit(&resolver->references, 1, memory_order_acq_rel);
    RP_ASSERT(before > 0);
    if (before == 1)
        resolver_free(resolver);
}

rp_memory *rp_resolver_memory(rp_resolver *resolver)
{
    return &resolver->memory;
}

/* ---- queries ---- */

static rp_query *query_new(rp_resolver *resolver)
{
    rp_mutex_lock(&resolver->mutex);
    rp_query *query = rp_allocate(&resolver->memory, sizeof(*query));
    rp_mutex_unlock(&resolver->mutex);
    if (query != NULL)
        query->resolver = resolver;
    return query;
}

static void query_free(rp_query *query)
{
    rp_resolver *resolver = query->resolver;
    rp_mutex_lock(&resolver->mutex);
    rp_free(&resolver->memory, query);
    rp_mutex_unlock(&resolver->mutex);
}

static bool node_address(const struct ares_addrinfo_node *node, uint16_t port, rp_address *address)
{
    *address = (rp_address){.port = port};
    if (node->ai_family == AF_INET && (size_t)node->ai_addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in from;
        memcpy(&from, node->ai_addr, sizeof(from));
        address->family = 4;
        memcpy(address->bytes, &from.sin_addr, 4);
        return true;
    }
    if (node->ai_family == AF_INET6 && (size_t)node->ai_addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 from;
        memcpy(&from, node->ai_addr, sizeof(from));
        address->family = 6;
        address->scope = from.sin6_scope_id;
        memcpy(address->bytes, &from.sin6_addr, 16);
        return true;
    }
    return false;
}

/* The next address of one of the two families (same: that of the first address) not yet in use. */
static bool next_address(const struct ares_addrinfo_node **cursor, int first_family, bool same,
                         uint16_t port, rp_address *address)
{
    while (*cursor != NULL) {
        const struct ares_addrinfo_node *node = *cursor;
        *cursor = node->ai_next;
        if ((node->ai_family == first_family) == same && node_address(node, port, address))
            return true;
    }
    return false;
}

static bool has_address(const rp_address *addresses, size_t count, const rp_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].family == address->family && addresses[i].scope == address->scope &&
            memcmp(addresses[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
            return true;
    }
    return false;
}

/* c-ares sorts (RFC 6724); here the families take turns (RFC 8305, 4), so that the second
 * attempt does not die of what the first one died of. */
static size_t take_addresses(const struct ares_addrinfo *info, uint16_t port, rp_address *addresses)
{
    const struct ares_addrinfo_node *cursors[2] = {info->nodes, info->nodes};
    bool more[2] = {true, true};
    size_t count = 0;
    if (info->nodes == NULL)
        return 0;
    int first_family = info->nodes->ai_family;
    for (unsigned turn = 0; count < RP_ADDRESSES_LIMIT && (more[0] || more[1]); turn ^= 1) {
        rp_address address;
        if (!more[turn])
            continue;
        more[turn] = next_address(&cursors[turn], first_family, turn == 0, port, &address);
        if (more[turn] && !has_address(addresses, count, &address))
            addresses[count++] = address;
    }
    return count;
}

/* On c-ares' thread, inside ares_getaddrinfo on a loop's, or inside ares_destroy. */
static void on_answer(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    rp_query *query = user;
    rp_resolver *resolver = query->resolver;
    (void)timeouts;
    rp_mutex_lock(&resolver->mutex);
    if (query->lookup == NULL) {
        rp_free(&resolver->memory, query);
    } else {
        query->status = status;
        if (status == ARES_SUCCESS)
            query->count = take_addresses(info, query->lookup->port, query->addresses);
        query->answered = true;
        rp_loop_post(query->loop, &query->post);
    }
    rp_mutex_unlock(&resolver->mutex);
    ares_freeaddrinfo(info);
}

/* Cancelled from inside rp_loop_destroy, which has taken the posts that it still runs: this query's
 * may be one of them, or it will never be run. It runs this after them. */
static void query_dropped(rp_deferred *drop)
{
    rp_query *query = RP_CONTAINER(drop, rp_query, drop);
    rp_resolver *resolver = query->resolver;
    rp_loop_unhold(query->loop);
    query_free(query);
    rp_resolver_release(resolver);
}

/* The look-up does not want the answer any more. A post that is on its way frees the query. */
static void query_detach(rp_query *query)
{
    rp_resolver *resolver = query->resolver;
    rp_mutex_lock(&resolver->mutex);
    bool answered = query->answered;
    query->lookup = NULL;
    rp_mutex_unlock(&resolver->mutex);
    if (!answered) {
        rp_resolver_release(resolver);
    } else if (query->loop->destroying) {
        query->dropping = true;
        rp_loop_hold(query->loop);
        rp_loop_defer(query->loop, &query->drop, query_dropped);
    }
}

/* ---- look-ups ---- */

static void lookup_free(rp_lookup *lookup)
{
    rp_free(&lookup->loop->memory, lookup);
}

/* Calls back and frees. */
static void lookup_end(rp_lookup *lookup, const rp_address *addresses, size_t count,
                       const rp_error *error)
{
    rp_lookup_fn *fn = lookup->fn;
    lookup->fn = NULL;
    rp_list_remove(&lookup->hook.link);
    rp_loop_unhold(lookup->loop);
    fn(lookup->user, addresses, count, error);
    lookup_free(lookup);
}

static void lookup_deliver(rp_deferred *deferred)
{
    rp_lookup *lookup = RP_CONTAINER(deferred, rp_lookup, deferred);
    if (lookup->count > 0)
        lookup_end(lookup, lookup->answer.addresses, lookup->count, NULL);
    else
        lookup_end(lookup, NULL, 0, &lookup->answer.error);
}

/* Nobody calls back any more. */
static void lookup_detach(rp_lookup *lookup)
{
    if (lookup->query != NULL)
        query_detach(lookup->query);
    if (lookup->asked_port)
        lookup->loop->port->ops->lookup_cancel(lookup->loop->port, &lookup->port_lookup);
    rp_loop_undefer(&lookup->deferred);
}

static void lookup_loop_ends(rp_loop_hook *hook)
{
    rp_lookup *lookup = RP_CONTAINER(hook, rp_lookup, hook);
    rp_error error;
    (void)rp_error_set(&error, RP_E_CANCELLED, RP_PHASE_RESOLVE, "the loop was destroyed");
    lookup_detach(lookup);
    lookup_end(lookup, NULL, 0, &error);
}

static void answer_error(const char *host, int status, rp_error *error)
{
    switch (status) {
    case ARES_ENOTFOUND:
        (void)rp_error_set(error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE, "%.120s: no such host",
                           host);
        break;
    case ARES_SUCCESS:
    case ARES_ENODATA:
        (void)rp_error_set(error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE,
                           "%.120s: the host has no address", host);
        break;
    case ARES_ENOMEM:
        (void)rp_error_set(error, RP_E_NO_MEMORY, RP_PHASE_RESOLVE,
                           "no memory for the look-up of %.120s", host);
        break;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
        (void)rp_error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
                           "name servers did not answer for %.120s", host);
        break;
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
        (void)rp_error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
                           "name servers gave no answer for %.120s (%s)", host,
                           status == ARES_ESERVFAIL  ? "SERVFAIL"
                           : status == ARES_EREFUSED ? "REFUSED"
                                                     : "NOTIMP");
        break;
    default:
        (void)rp_error_set(error, RP_E_RESOLVE_FAILED, RP_PHASE_RESOLVE,
                           "look-up of %.120s failed: %s", host, ares_strerror(status));
        break;
    }
}

/* On the loop's thread: the answer is here. */
static void query_posted(rp_post *post, void *user)
{
    rp_query *query = user;
    rp_resolver *resolver = query->resolver;
    rp_lookup *lookup = query->lookup; /* changed on this thread only */
    (void)post;
    if (lookup == NULL) {
        if (query->dropping) {
            rp_loop_undefer(&query->drop);
            rp_loop_unhold(query->loop);
        }
    } else if (query->status == ARES_SUCCESS && query->count > 0) {
        lookup_end(lookup, query->addresses, query->count, NULL);
    } else {
        rp_error error;
        answer_error(lookup->host, query->status, &error);
        lookup_end(lookup, NULL, 0, &error);
    }
    query_free(query);
    rp_resolver_release(resolver);
}

static void defer_error(rp_lookup *lookup, int status)
{
    answer_error(lookup->host, status, &lookup->answer.error);
    rp_loop_defer(lookup->loop, &lookup->deferred, lookup_deliver);
}

/* The loop's own resolver; NULL: no memory. */
static rp_resolver *own_resolver(rp_loop *loop)
{
    if (loop->resolver == NULL) {
        if (rp_resolver_create(&loop->resolver, NULL, NULL) != RP_OK)
            return NULL;
        loop->resolver_release = rp_resolver_release;
    }
    return loop->resolver;
}

static int port_status(rp_status status)
{
    switch (status) {
    case RP_OK:
        return ARES_SUCCESS;
    case RP_E_RESOLVE_NOT_FOUND:
        return ARES_ENOTFOUND;
    case RP_E_NO_MEMORY:
        return ARES_ENOMEM;
    default:
        return ARES_ETIMEOUT;
    }
}

static void port_answered(rp_port_lookup *port_lookup, rp_status status,
                          const rp_address *addresses, size_t count)
{
    rp_lookup *lookup = port_lookup->user;
    rp_address found[RP_ADDRESSES_LIMIT];
    lookup->asked_port = false;
    if (count > RP_ADDRESSES_LIMIT)
        count = RP_ADDRESSES_LIMIT;
    for (size_t i = 0; i < count; i++) {
        found[i] = addresses[i];
        found[i].port = lookup->port;
    }
    if (status == RP_OK && count > 0) {
        lookup_end(lookup, found, count, NULL);
        return;
    }
    rp_error error;
    answer_error(lookup->host, port_status(status), &error);
    lookup_end(lookup, NULL, 0, &error);
}

/* Asks the port's own network. False: no memory. */
static bool lookup_ask_port(rp_lookup *lookup)
{
    rp_port *port = lookup->loop->port;
    lookup->port_lookup = (rp_port_lookup){.answered = port_answered, .user = lookup};
    lookup->asked_port = port->ops->lookup(port, &lookup->port_lookup, lookup->host);
    return lookup->asked_port;
}

/* Asks c-ares. False: no memory. */
static bool lookup_ask_dns(rp_lookup *lookup, rp_resolver *resolver)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                                     .ai_socktype = SOCK_STREAM};
    ares_channel_t *channel = NULL;
    if (resolver == NULL)
        resolver = own_resolver(lookup->loop);
    if (resolver == NULL)
        return false;
    rp_query *query = query_new(resolver);
    if (query == NULL)
        return false;
    int status = channel_get(resolver, &channel);
    if (status != ARES_SUCCESS) {
        query_free(query);
        if (status != ARES_ENOMEM)
            defer_error(lookup, status);
        return status != ARES_ENOMEM;
    }
    (void)rp_resolver_retain(resolver);
    query->loop = lookup->loop;
    query->lookup = lookup;
    query->post = (rp_post){.fn = query_posted, .user = query};
    lookup->query = query;
    /* From here on the query belongs to whoever answers, maybe before this returns. */
    ares_getaddrinfo(channel, lookup->host, NULL, &hints, on_answer, query);
    return true;
}

rp_status rp_resolve_at_once(const rp_resolver *resolver, const char *host, uint16_t port,
                             rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                             rp_error *error)
{
    const rp_override *overrides = resolver == NULL ? NULL : resolver->overrides;
    return rp_names_answer(overrides, host, port, addresses, count, error);
}

rp_lookup *rp_lookup_start(rp_loop *loop, rp_resolver *resolver, const char *host, uint16_t port,
                           rp_lookup_fn *fn, void *user)
{
    size_t size = strlen(host);
    rp_lookup *lookup = rp_allocate(&loop->memory, sizeof(*lookup) + size + 1);
    if (lookup == NULL)
        return NULL;
    lookup->loop = loop;
    lookup->fn = fn;
    lookup->user = user;
    lookup->port = port;
    memcpy(lookup->host, host, size);

    rp_error error;
    rp_address *addresses = lookup->answer.addresses;
    rp_status status = rp_resolve_at_once(resolver, host, port, addresses, &lookup->count, &error);
    if (loop->destroying) {
        /* The hooks have been called: nothing would end a query any more. */
        lookup->count = 0;
        status = rp_error_set(&error, RP_E_CANCELLED, RP_PHASE_RESOLVE, "the loop was destroyed");
    }
    if (status != RP_OK)
        lookup->answer.error = error;
    if (status != RP_OK || lookup->count > 0) {
        rp_loop_defer(loop, &lookup->deferred, lookup_deliver);
    } else if (!(loop->port->ops->lookup != NULL ? lookup_ask_port(lookup)
                                                 : lookup_ask_dns(lookup, resolver))) {
        lookup_free(lookup);
        return NULL;
    }
    rp_loop_hold(loop);
    rp_loop_hook_add(loop, &lookup->hook, lookup_loop_ends);
    return lookup;
}

void rp_lookup_cancel(rp_lookup *lookup)
{
    if (lookup->fn == NULL)
        return;
    lookup_detach(lookup);
    rp_list_remove(&lookup->hook.link);
    rp_loop_unhold(lookup->loop);
    lookup_free(lookup);
}
