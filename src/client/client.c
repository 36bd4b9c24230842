/* client.c - making a client, checking and starting requests. */
#include "client/client.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/conn.h"
#include "client/life.h"
#include "client/origin.h"
#include "client/pool.h"
#include "client/redirect.h"
#include "client/request.h"
#include "client/shared.h"
#include "client/trace.h"
#include "client/way.h"
#include "client/why.h"
#include "http/credentials.h"

#include "http/decode.h"
#include "http/upgrade.h"
#include "net/resolve.h"
#include <ringport/ringport.h>

#include <string.h>

#define UPGRADE_LIMIT 256
#define BUCKETS_FIRST 64
#define IDLE_LIMIT_MS 55000 /* below the 60 and 75 s after which most servers close */
#define LIFETIME_MS 600000
#define TIMEOUT_MS 10000
#define PING_MS 15000
#define SILENCE_MS 60000 /* of a server: what most proxies and gateways wait, too */

static void options_default(rp_client_options *options)
{
    if (options->connections_per_origin == 0)
        options->connections_per_origin = 64;
    if (options->connections_total == 0)
        options->connections_total = 65536;
    if (options->idle_per_origin == 0)
        options->idle_per_origin = options->connections_per_origin;
    if (options->queue_limit == 0)
        options->queue_limit = 65536;
    if (options->concurrent_openings == 0)
        options->concurrent_openings = 256;
    if (options->connection_idle_ms == 0)
        options->connection_idle_ms = IDLE_LIMIT_MS;
    if (options->connection_lifetime_ms == 0)
        options->connection_lifetime_ms = LIFETIME_MS;
    if (options->head_limit_bytes == 0)
        options->head_limit_bytes = (size_t)64 * 1024;
    if (options->header_count_limit == 0)
        options->header_count_limit = 256;
    if (options->informational_limit == 0)
        options->informational_limit = 16;
    if (options->resolve_timeout_ms == 0)
        options->resolve_timeout_ms = TIMEOUT_MS;
    if (options->connect_timeout_ms == 0)
        options->connect_timeout_ms = TIMEOUT_MS;
    if (options->handshake_timeout_ms == 0)
        options->handshake_timeout_ms = TIMEOUT_MS;
    if (options->user_agent == NULL)
        options->user_agent = "ringport/" RP_VERSION;
    if (options->decoder_memory_limit_bytes == 0)
        options->decoder_memory_limit_bytes = (size_t)1 << 30;
    if (options->http2_streams_early == 0)
        options->http2_streams_early = 100;
    if (options->http2_streams_limit == 0)
        options->http2_streams_limit = UINT32_MAX;
    if (options->http2_ping_idle_ms == 0)
        options->http2_ping_idle_ms = PING_MS;
    if (options->http2_ping_timeout_ms == 0)
        options->http2_ping_timeout_ms = PING_MS;
    if (options->http2_window_limit_bytes == 0)
        options->http2_window_limit_bytes = (size_t)16 * 1024 * 1024;
    if (options->http2_stream_window_bytes == 0)
        options->http2_stream_window_bytes = (size_t)256 * 1024;
}

/* ---- life ----
 *
 * A client is its owner's until rp_client_destroy, and its loop may end before that. Then all that
 * it has ends with the loop, and the structure waits for its owner. */

static void client_free(rp_client *client)
{
    rp_loop *loop = client->loop;
    rp__free(&loop->memory, client);
    rp__loop_release(loop);
}

static void client_empty(rp_client *client)
{
    rp_memory *memory = &client->loop->memory;
    rp__list_remove(&client->hook.link);
    rp__loop_undefer(&client->free_later);
    rp__loop_undefer(&client->life_look);
    rp_timer_stop(client->loop, &client->dispatch_timer);
    while (client->free_requests != NULL) {
        rp_request *request = client->free_requests;
        client->free_requests = request->next_free;
        rp__free(memory, request->kept_retry);
        rp__free(memory, request->kept_hedge);
        rp__free(memory, request->block);
        rp__free(memory, request);
    }
    rp__origins_forget(client, SIZE_MAX);
    rp__h1_scratch_clear(&client->scratch);
    rp__h2_memory_destroy(client->h2_memory);
    rp_tls_config_release(client->options.tls);
    rp_resolver_release(client->options.resolver);
    rp__shared_release(client->shared);
    rp_proxy_release(client->options.proxy);
    rp__free(memory, (void *)(uintptr_t)client->options.user_agent);
    rp__free(memory, client->routes);
    rp__free(memory, client->buckets);
    client->emptied = true;
    if (!client->outlives)
        client_free(client);
}

static void free_later(rp_deferred *deferred)
{
    rp_client *client = RP_CONTAINER(deferred, rp_client, free_later);
    rp__loop_unhold(client->loop);
    client_empty(client);
}

static void client_end(rp_client *client)
{
    if (client->destroyed)
        return;
    client->destroyed = true;
    for (rp_link *link = client->requests.next; link != &client->requests;) {
        rp_request *request = RP_CONTAINER(link, rp_request, link);
        link = link->next;
        rp_request_cancel(request);
    }
    for (rp_link *link = client->conns.next; link != &client->conns;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, link);
        link = link->next;
        rp__conn_close(conn);
    }
    rp__life_end(client);
    rp__client_free_if_done(client);
}

void rp_client_destroy(rp_client *client)
{
    if (client == NULL || !rp__loop_is_ours(client->loop))
        return;
    client->outlives = false;
    if (client->emptied)
        client_free(client);
    else
        client_end(client);
}

void rp_client_set_tls(rp_client *client, rp_tls_config *tls)
{
    rp_tls_config *old = client->options.tls;
    if (!rp__loop_is_ours(client->loop) || client->emptied || tls == NULL || tls == old)
        return;
    client->options.tls = rp_tls_config_retain(tls);
    /* What is opened meanwhile, in place of those that are closed, is of the new one. */
    rp_link *last = client->conns.previous;
    for (rp_link *link = client->conns.next; link != &client->conns;) {
        rp_conn *conn = RP_CONTAINER(link, rp_conn, link);
        bool was_last = link == last;
        link = link->next;
        if (conn->origin->https)
            rp__conn_retire(conn);
        if (was_last)
            break;
    }
    rp_tls_config_release(old);
}

static void loop_destroyed(rp_loop_hook *hook)
{
    rp_client *client = RP_CONTAINER(hook, rp_client, hook);
    client->outlives = !client->destroyed;
    client_end(client);
}

/* The strings are the caller's until now. */
static void local_keep(rp_client *client)
{
    rp_local *local = &client->options.local;
    if (local->address != NULL)
        local->address = memcpy(client->local_address, local->address, strlen(local->address) + 1);
    if (local->device != NULL)
        local->device = memcpy(client->local_device, local->device, strlen(local->device) + 1);
}

static rp_client *client_new(rp_loop *loop, const rp_client_options *options)
{
    rp_memory *memory = &loop->memory;
    rp_client *client = rp__allocate(memory, sizeof(*client));
    if (client == NULL)
        return NULL;
    client->loop = loop;
    client->options = *options;
    client->decoders.limit = options->decoder_memory_limit_bytes;
    const char *agent = options->user_agent;
    client->options.user_agent = rp__copy_text(memory, agent, strlen(agent));
    client->bucket_count = BUCKETS_FIRST;
    client->buckets = rp__allocate(memory, BUCKETS_FIRST * sizeof(*client->buckets));
    if (client->buckets == NULL || client->options.user_agent == NULL) {
        rp__free(memory, client->buckets);
        rp__free(memory, (void *)(uintptr_t)client->options.user_agent);
        rp__free(memory, client);
        return NULL;
    }
    client->user_agent = rp__user_agent_of(client->options.user_agent);
    rp__loop_retain(loop);
    rp__list_init(&client->waiting);
    rp__list_init(&client->fresh);
    rp__list_init(&client->conns);
    rp__list_init(&client->requests);
    rp__list_init(&client->idle);
    rp__list_init(&client->remembered);
    rp__list_init(&client->preconnects);
    rp__list_init(&client->life_look.link);
    rp__list_init(&client->free_later.link);
    client->free_fn = free_later;
    client->http2 = &rp__http2;
    client->conn_events = &rp__pool_conn_events;
    rp__h1_scratch_init(&client->scratch, memory, &loop->stats.bytes_copied);
    client->limits = (rp_h1_limits){.head_bytes = options->head_limit_bytes,
                                    .header_count = options->header_count_limit,
                                    .informational_count = options->informational_limit,
                                    .lenient_lines = options->lenient_lines};
    if (options->tls != NULL)
        (void)rp_tls_config_retain(options->tls);
    if (options->resolver != NULL)
        (void)rp_resolver_retain(options->resolver);
    local_keep(client);
    if (options->proxy != NULL)
        (void)rp_proxy_retain(options->proxy);
    rp__loop_hook_add(loop, &client->hook, loop_destroyed);
    return client;
}

rp_status rp_client_create_sized(rp_client **out, rp_loop *loop, const rp_client_options *options,
                                 size_t options_size, rp_error *error)
{
    rp_client_options known;
    *out = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "client options set a member that this version does not know");
    if (!rp__loop_is_ours(loop))
        return rp__loop_not_ours(error, RP_PHASE_NONE);
    if (known.resolver != NULL && !rp__resolver_is_ours(known.resolver))
        return rp__error_set(
            error, RP_E_MISUSE, RP_PHASE_NONE,
            "the resolver belongs to the process that made it: a child of fork has "
            "to make its own");
    if (loop->destroying)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE, "the loop is being destroyed");
    if ((unsigned)known.versions > RP_HTTP_2 ||
        (known.versions == RP_HTTP_1_1 && known.http2_prior_knowledge))
        return rp__error_set(
            error, RP_E_BAD_OPTION, RP_PHASE_NONE,
            "http2_prior_knowledge asks for HTTP/2, which versions does not allow");
    if ((unsigned)known.families > RP_FAMILIES_IPV6)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "families has a value that this version does not know");
    if ((known.refuse_addresses & ~(uint32_t)RP_ADDRESS_NOT_PUBLIC) != 0)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "refuse_addresses has a kind that this version does not know");
    char *routes = NULL;
    rp_status status = rp__retry_check(&known.retry, error);
    if (status == RP_OK)
        status = rp__hedge_check(&known.hedge, error);
    if (status != RP_OK)
        return status;
    status = rp__local_check(&known.local, &known.families, error);
    if (status != RP_OK)
        return status;
    status =
        rp__routes_make(&routes, &loop->memory, known.connect_to, known.connect_to_count, error);
    if (status != RP_OK)
        return status;
    known.connect_to = NULL; /* the caller's */
    options_default(&known);
    *out = client_new(loop, &known);
    if (*out == NULL) {
        rp__free(&loop->memory, routes);
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the client");
    }
    (*out)->routes = routes;
    return RP_OK;
}

/* ---- starting a request ---- */

static rp_status no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the request");
}

static rp_status check(rp_client *client, const rp_request_options *options,
                       const rp_response_events *events, rp_url *url, rp_error *error)
{
    if (!rp__loop_is_ours(client->loop))
        return rp__loop_not_ours(error, RP_PHASE_QUEUE);
    if (client->loop->destroying)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE,
                             "the client's loop was destroyed, and takes no more requests");
    if (client->destroyed || options->url == NULL || events == NULL || events->on_done == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE,
                             "a request needs a live client, a URL and on_done");
    if (client->drain.begun)
        return rp__life_draining(error);
    if (options->body == NULL && options->body_size > 0 && options->on_body_wanted == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE, "body_size without a body");
    if (options->body != NULL && options->on_body_wanted != NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_QUEUE,
                             "body and on_body_wanted exclude each other");
    return rp__url_parse_like(url, &client->front, options->url, strlen(options->url), error);
}

/* Who finds a connection waits for nobody: those who do may wait for a server that is dead. */
static rp_status queue_admits(const rp_request *request, rp_error *error)
{
    const rp_client *client = request->client;
    if (client->queued_count < client->options.queue_limit || rp__pool_serves(request))
        return RP_OK;
    return rp__error_set(error, RP_E_QUEUE_FULL, RP_PHASE_QUEUE,
                         "%u requests wait for a connection already, the limit of the client",
                         client->queued_count);
}

static rp_status check_upgrade(const rp_request_options *options, rp_error *error)
{
    if (options->upgrade == NULL)
        return RP_OK;
    if (options->body != NULL || options->on_body_wanted != NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "a request that asks for an upgrade has no body");
    if (strlen(options->upgrade) <= UPGRADE_LIMIT && rp__upgrade_is_list(options->upgrade))
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                         "upgrade is no list of protocols, such as \"websocket\" (RFC 9110, 7.8)");
}

static bool has_body(const rp_request_options *options)
{
    return options->body != NULL || options->on_body_wanted != NULL;
}

static uint64_t length_of(const rp_request_options *options)
{
    bool unknown = options->on_body_wanted != NULL && options->body_size == 0;
    return unknown ? RP_LENGTH_UNKNOWN : options->body_size;
}

/* What Authorization is to say, of Basic in value. */
static rp_status credentials_make(char value[RP_BASIC_SIZE], rp_message_source *source,
                                  const rp_request_options *options, rp_error *error)
{
    rp_status status = RP_OK;
    value[0] = '\0';
    source->scheme = "";
    if (options->user != NULL && options->bearer != NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "user and bearer exclude each other");
    if (options->user == NULL && options->password != NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE, "password without a user");
    if (options->user != NULL) {
        status = rp__basic_write(value, options->user, options->password, error);
    } else if (options->bearer != NULL) {
        source->scheme = "Bearer ";
        source->credentials = options->bearer;
        return rp__bearer_check(options->bearer, error);
    } else if (source->url->userinfo.size > 0 && !options->no_userinfo) {
        status = rp__basic_write_userinfo(value, source->url->userinfo, error);
    }
    if (value[0] != '\0')
        source->credentials = value;
    return status;
}

static rp_status pack(rp_request *request, const rp_message_source *source, rp_error *error)
{
    rp_message *message = &request->message;
    rp_status status =
        rp__message_pack(message, source, request->inline_bytes, RP_INLINE_BYTES, error);
    if (status != RP_OK || message->size <= RP_INLINE_BYTES)
        return status;
    uint8_t *block = rp__request_block(request, message->size);
    if (block == NULL)
        return no_memory(error);
    return rp__message_pack(message, source, block, message->size, error);
}

/* It stands between two blanks, or is a field of HTTP/2's: RFC 9112, 3; RFC 3986, 2. */
static rp_status check_target(const char *target, rp_error *error)
{
    size_t size = target != NULL ? strlen(target) : 1;
    bool good = size > 0 && size <= RP_URL_LIMIT;
    for (const char *at = target; good && at != NULL && *at != '\0'; at++)
        good = *at > ' ' && *at < 0x7f;
    if (good)
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                         "target is empty, longer than 64 KiB, or has a blank or a byte in it that "
                         "is to be percent-encoded");
}

static rp_status pack_options(rp_request *request, const rp_request_options *options,
                              const char *method, const rp_url *url, rp_error *error)
{
    rp_message_source source = {
        .method = method,
        .url = url,
        .headers = options->headers,
        .header_count = options->header_count,
        .user_agent = request->client->user_agent,
        .accept_encoding = options->decompress ? rp__decode_accepted() : NULL,
        .has_body = has_body(options),
        .body_size = length_of(options),
        .expects = options->expect_continue,
        .expects_http1 = options->expect_continue_http1,
        .target = options->target,
        .upgrade = options->upgrade,
    };
    char basic[RP_BASIC_SIZE];
    basic[0] = '\0';
    rp_status status = check_target(options->target, error);
    if (status == RP_OK)
        status = credentials_make(basic, &source, options, error);
    if (status == RP_OK)
        status = pack(request, &source, error);
    if (basic[0] != '\0')
        rp__wipe(basic, strlen(basic));
    return status;
}

static rp_status message_make(rp_request *request, const rp_request_options *options,
                              const rp_url *url, rp_error *error)
{
    const char *method = options->method;
    if (method == NULL)
        method = has_body(options) ? "POST" : "GET";
    rp_status status = pack_options(request, options, method, url, error);
    if (status != RP_OK)
        return status;
    rp__upload_make(request, options, length_of(options));
    request->head_only = method[0] == 'H' && strcmp(method, "HEAD") == 0;
    request->idempotent = !request->client->options.never_replay && !options->never_replay &&
                          (options->idempotent || rp__method_idempotent(method));
    return RP_OK;
}

static uint64_t default_ms(uint64_t limit_ms)
{
    return limit_ms == 0 ? SILENCE_MS : limit_ms;
}

static void settings_copy(rp_request *request, const rp_request_options *options,
                          const rp_response_events *events, void *user)
{
    request->events = events;
    request->user = user;
    request->on_trailers = options->on_trailers;
    request->traced.user = options->trace;
    request->upgrades = options->upgrade != NULL;
    request->has_credit_limit = options->receive_credit_bytes > 0;
    request->credit_bytes = options->receive_credit_bytes;
    request->first_byte_timeout_ms = default_ms(options->first_byte_timeout_ms);
    request->idle_timeout_ms = default_ms(options->idle_timeout_ms);
    request->total_timeout_ms = options->total_timeout_ms;
    rp__decompress_copy(&request->decompress, options);
    request->fresh_only = request->client->options.never_reuse;
    request->started_ns = rp__loop_now_ns(request->client->loop);
}

const char *rp_http_codings(void)
{
    return rp__decode_accepted();
}

rp_request *rp_client_send_sized(rp_client *client, const rp_request_options *options,
                                 size_t options_size, const rp_response_events *events, void *user,
                                 rp_error *error)
{
    rp_request_options copy;
    const rp_request_options *known = options;
    rp_error ignored;
    rp_url url;
    char route[RP_ROUTE_SIZE];
    rp_way way = {.upgrades = false};
    if (error == NULL)
        error = &ignored;
    if (options == NULL || options_size != sizeof(copy)) {
        known = &copy;
        if (!rp__options_copy(&copy, sizeof(copy), options, options_size)) {
            (void)rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                                "request options set a member that this version does not know");
            return NULL;
        }
    }
    if (check(client, known, events, &url, error) != RP_OK || check_upgrade(known, error) != RP_OK)
        return NULL;
    way.upgrades = known->upgrade != NULL;
    if (rp__way_find(route, &way, client, &url, known->connect_to, known->proxy, error) != RP_OK ||
        rp__way_check_target(client, &way, &url, known->target, error) != RP_OK)
        return NULL;
    rp_request *request = rp__request_new(client);
    if (request == NULL) {
        (void)no_memory(error);
        return NULL;
    }
    rp__loop_time_passed(client->loop);
    settings_copy(request, known, events, user);
    if (known->explain && !rp__why_begin(request)) {
        rp__request_free(request);
        (void)no_memory(error);
        return NULL;
    }
    if (message_make(request, known, &url, error) != RP_OK ||
        rp__redirect_begin(request, known, &url, error) != RP_OK ||
        rp__retry_begin(request, known->retry, error) != RP_OK ||
        rp__hedge_begin(request, known->hedge, error) != RP_OK) {
        rp__request_free(request);
        return NULL;
    }
    request->origin = rp__origin_get(client, &url, &way);
    if (request->origin == NULL) {
        rp__request_free(request);
        (void)no_memory(error);
        return NULL;
    }
    request->origin->request_count++;
    if (rp__limit_admits(request, error) != RP_OK || queue_admits(request, error) != RP_OK) {
        rp_origin *origin = request->origin;
        rp__request_free(request);
        rp__origin_release_if_unused(origin);
        return NULL;
    }
    rp__request_on_started(request);
    rp__trace_request(request, RP_TRACE_BEGIN);
    rp__pool_submit(request);
    return request;
}
