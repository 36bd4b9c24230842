/* redirect.c - see redirect.h. */
#include "client/redirect.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/origin.h"
#include "client/pool.h"
#include "client/trace.h"
#include "client/way.h"
#include "http/credentials.h"
#include "http/headers.h"
#include "http/reference.h"

#include <string.h>

typedef struct redirection {
    const rp_redirect_calls *calls;
    uint32_t limit, flags, count;
    const char *const *secrets;
    size_t secret_count;
    rp_redirect_fn *on_redirect;
    bool idempotent, never_replay, no_userinfo; /* as the caller says */
    uint64_t begun_us;                          /* when the last one was followed */
    char *url;                                  /* of the request, without user information */
    /* The next request, while request->follow is set. */
    char *next_url;
    rp_message next;
    uint8_t *next_block;
    bool next_without_body;
    rp_proxy *proxy; /* the caller's own; NULL: none */
    char *route;     /* likewise. Behind the method, which is behind this */
    char method[];
} redirection;

static redirection *redirection_of(const rp_request *request)
{
    return (redirection *)(uintptr_t)request->redirects;
}

static void next_free(rp_request *request)
{
    redirection *r = redirection_of(request);
    rp_memory *memory = &request->client->loop->memory;
    rp__free_secret_text(memory, r->next_url);
    rp__free_secret(memory, r->next_block, r->next.size);
    r->next_url = NULL;
    r->next_block = NULL;
}

static void redirection_free(rp_request *request)
{
    redirection *r = redirection_of(request);
    rp_memory *memory = &request->client->loop->memory;
    next_free(request);
    rp__free_secret_text(memory, r->url);
    rp_proxy_release(r->proxy);
    rp__free(memory, r);
    request->redirects = NULL;
}

/* ---- what the response asks for ---- */

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Two that differ lead to two places: which one is meant nobody can know (RFC 9110, 5.3). */
static const char *location_of(const rp_response_head *head, bool *differ)
{
    const char *location = NULL;
    *differ = false;
    for (size_t i = 0; i < head->header_count; i++) {
        const rp_header *header = &head->headers[i];
        if (!rp__name_equal(header->name, strlen(header->name), "location"))
            continue;
        *differ = *differ || (location != NULL && strcmp(location, header->value) != 0);
        location = header->value;
    }
    return location != NULL && location[strspn(location, " \t")] != '\0' ? location : NULL;
}

static bool keeps_method(const redirection *r)
{
    return (r->flags & RP_REDIRECT_KEEP_METHOD) != 0;
}

/* RFC 9110, 15.4.2 to 15.4.4, and as browsers have it (Fetch, 4.4): POST became GET long before
 * that was a rule. */
static const char *method_behind(const redirection *r, int status)
{
    static const uint32_t keeps[] = {RP_REDIRECT_POST_301, RP_REDIRECT_POST_302,
                                     RP_REDIRECT_POST_303};
    bool post = keeps_method(r) || strcmp(r->method, "POST") == 0;
    bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
    if (status > 303 || (post && (r->flags & keeps[status - 301]) != 0))
        return r->method;
    return post || (status == 303 && !reads) ? "GET" : r->method;
}

static bool is_origin(const rp_origin *origin, const rp_url *url)
{
    return origin->https == url->https && origin->port == url->port &&
           rp__name_equal((const char *)url->host.data, url->host.size, origin->host);
}

/* ---- which fields go along ---- */

typedef struct choice {
    const redirection *r;
    const rp_redirect *told;
    bool body, other_origin, credentials;
} choice;

static bool is_name(const rp_field *field, const char *name)
{
    return rp__name_equal((const char *)field->name.data, field->name.size, name);
}

/* Fetch, 4.4, names four of those that are about a body; RFC 9110, 8, and 9530 have more. */
static bool is_about_body(const rp_field *field)
{
    return (field->name.size > 8 &&
            rp__name_equal((const char *)field->name.data, 8, "content-")) ||
           is_name(field, "digest") || is_name(field, "repr-digest") || is_name(field, "expect") ||
           is_name(field, "trailer");
}

static bool is_secret(const redirection *r, const rp_field *field)
{
    for (size_t i = 0; i < r->secret_count; i++) {
        if (is_name(field, r->secrets[i]))
            return true;
    }
    return is_name(field, "authorization") || is_name(field, "cookie") ||
           is_name(field, "proxy-authorization");
}

static bool keeps(const rp_field *field, const void *user)
{
    const choice *c = user;
    for (size_t i = 0; i < c->told->header_count; i++) {
        if (is_name(field, c->told->headers[i].name))
            return false;
    }
    if (c->credentials && is_name(field, "authorization"))
        return false;
    if (!c->body && is_about_body(field))
        return false;
    if (!c->other_origin)
        return true;
    if (is_name(field, "host"))
        return false;
    return (c->r->flags & RP_REDIRECT_TRUSTED) != 0 || !is_secret(c->r, field);
}

/* ---- deciding ---- */

static rp_status no_memory(const rp_request *request, rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_HEAD,
                         "no memory to follow the redirect of %s", request->origin->host);
}

/* Copies without the user information, which is not for anybody's eyes. */
static char *copy_url(rp_memory *memory, const rp_url *url)
{
    const char *host = (const char *)url->host.data - url->host_is_ipv6;
    size_t scheme = url->https ? 8 : 7, size = strlen(host);
    char *copy = rp__reallocate(memory, NULL, scheme + size + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, url->https ? "https://" : "http://", scheme);
    memcpy(copy + scheme, host, size + 1);
    return copy;
}

/* What is wrong with the Location is the server's fault. */
static rp_status cannot(const rp_request *request, rp_status status, const rp_error *why,
                        rp_error *error)
{
    if (status == RP_E_BAD_URL)
        status = RP_E_REDIRECT_INVALID;
    else if (status == RP_E_UNSUPPORTED)
        status = RP_E_REDIRECT_REFUSED;
    return rp__error_set(error, status, RP_PHASE_HEAD,
                         "the redirect of %.120s can't be followed: %s", rp__request_peer(request),
                         why->text);
}

static rp_status resolve(rp_request *request, char *text, const char *location, rp_url *url,
                         rp_error *error)
{
    redirection *r = redirection_of(request);
    rp_error why;
    char route[RP_ROUTE_SIZE];
    rp_way way = {.upgrades = request->upgrades};
    rp_status status = rp__reference_resolve(text, url, r->url, location, &why);
    if (status == RP_OK && request->origin->https && !url->https &&
        (r->flags & RP_REDIRECT_INSECURE) == 0)
        return rp__error_set(error, RP_E_REDIRECT_REFUSED, RP_PHASE_HEAD,
                             "%s redirects from https to http, which is not allowed",
                             rp__request_peer(request));
    if (status == RP_OK)
        status = rp__way_find(route, &way, request->client, url, r->route, r->proxy, &why);
    return status == RP_OK ? status : cannot(request, status, &why, error);
}

static rp_status pack(rp_request *request, const rp_redirect *told, const rp_url *url,
                      rp_error *error)
{
    redirection *r = redirection_of(request);
    char basic[RP_BASIC_SIZE] = "";
    bool trusted = told->same_origin || (r->flags & RP_REDIRECT_TRUSTED) != 0;
    bool credentials = told->user != NULL || (trusted && url->userinfo.size > 0 && !r->no_userinfo);
    choice chosen = {r, told, told->keeps_body, !told->same_origin, credentials};
    rp_message_change change = {.url = url,
                                .method = told->method,
                                .without_body = !told->keeps_body,
                                .keeps = keeps,
                                .user = &chosen,
                                .headers = told->headers,
                                .header_count = told->header_count};
    rp_status status = RP_OK;
    rp_error why;
    if (told->user != NULL)
        status = rp__basic_write(basic, told->user, told->password, error);
    else if (credentials && rp__basic_write_userinfo(basic, url->userinfo, &why) != RP_OK)
        status = cannot(request, RP_E_BAD_URL, &why, error);
    if (basic[0] != '\0')
        change.credentials = basic;
    if (status == RP_OK)
        status = rp__message_pack_changed(&r->next, &request->message, &change, NULL, 0, error);
    if (status == RP_OK) {
        r->next_block = rp__allocate(&request->client->loop->memory, r->next.size);
        status = r->next_block == NULL
                     ? no_memory(request, error)
                     : rp__message_pack_changed(&r->next, &request->message, &change, r->next_block,
                                                r->next.size, error);
    }
    rp__wipe(basic, strlen(basic));
    return status;
}

/* The callback may have ended the request. *follow false: then too. */
static rp_status ask(rp_request *request, const rp_response_head *head, const rp_url *url,
                     bool *follow, rp_error *error)
{
    redirection *r = redirection_of(request);
    const char *method = method_behind(r, head->status);
    rp_redirect told = {.status = head->status,
                        .number = r->count + 1,
                        .url = r->next_url,
                        .method = keeps_method(r) ? r->method : method,
                        .keeps_body = method == r->method,
                        .same_origin = is_origin(request->origin, url),
                        .head = head};
    *follow = r->on_redirect == NULL || r->on_redirect(request, &told, request->user);
    if (!*follow || request->state == RP_REQUEST_ENDING)
        return RP_OK;
    r->next_without_body = !told.keeps_body;
    return pack(request, &told, url, error);
}

static rp_status decide(rp_request *request, const rp_response_head *head, const char *location,
                        bool *follow, rp_error *error)
{
    redirection *r = redirection_of(request);
    rp_memory *memory = &request->client->loop->memory;
    rp_url url;
    size_t bound = rp__reference_bound(strlen(r->url), strlen(location));
    if (r->count >= r->limit)
        return rp__error_set(error, RP_E_REDIRECT_LIMIT, RP_PHASE_HEAD,
                             "%s redirects once more, and %u redirects are followed at most",
                             rp__request_peer(request), (unsigned)r->limit);
    if (method_behind(r, head->status) == r->method && !rp__upload_can_repeat(request))
        return rp__error_set(error, RP_E_REDIRECT_BODY, RP_PHASE_HEAD,
                             "%s redirects a request whose body can't be sent again (it has no "
                             "on_body_rewind)",
                             rp__request_peer(request));
    char *text = rp__reallocate(memory, NULL, bound);
    if (text == NULL)
        return no_memory(request, error);
    rp_status status = resolve(request, text, location, &url, error);
    if (status == RP_OK) {
        r->next_url = copy_url(memory, &url);
        status = r->next_url == NULL ? no_memory(request, error)
                                     : ask(request, head, &url, follow, error);
    }
    rp__free_secret_text(memory, text);
    return status;
}

/* ---- the request's calls ---- */

static void follow(rp_request *request);

static bool take_head(rp_request *request, const rp_response_head *head)
{
    rp_error error;
    bool differ = false, followed = true;
    const char *location = is_redirect(head->status) ? location_of(head, &differ) : NULL;
    if (location == NULL || request->cancelled)
        return false;
    rp_status status =
        differ ? rp__error_set(&error, RP_E_REDIRECT_INVALID, RP_PHASE_HEAD,
                               "the redirect of %s can't be followed: it has two Locations, which "
                               "differ",
                               rp__request_peer(request))
               : decide(request, head, location, &followed, &error);
    if (status != RP_OK)
        rp__request_finish_later(request, &error);
    if (request->state == RP_REQUEST_ENDING)
        return true;
    if (!followed) {
        next_free(request);
        return false;
    }
    rp__request_follows(request, head, follow);
    return true;
}

/* As it goes on from here it can't be of the origin that is left that something fails. */
static void follow(rp_request *request)
{
    redirection *r = redirection_of(request);
    rp_client *client = request->client;
    rp_origin *left = request->origin;
    rp_message *next = &r->next;
    char route[RP_ROUTE_SIZE];
    rp_way way = {.upgrades = request->upgrades};
    rp_url url;
    rp_error error;
    rp__trace_attempt_end(request, NULL, 0);
    rp__free_secret_text(&client->loop->memory, r->url);
    r->url = r->next_url;
    r->next_url = NULL;
    r->count++;
    rp__request_begins_anew(request, next, r->next_block, next->size);
    r->next_block = NULL;
    r->begun_us = rp__request_since_us(request, rp__loop_now_ns(client->loop));
    if (!r->next_without_body) {
        rp__upload_repeats(request);
    } else {
        rp__upload_free(request);
        if (!keeps_method(r))
            memcpy(r->method, "GET", sizeof("GET"));
    }
    request->idempotent = !r->never_replay && (r->idempotent || rp__method_idempotent(r->method));
    rp_status status = rp__url_parse(&url, r->url, strlen(r->url), &error);
    if (status == RP_OK)
        status = rp__way_find(route, &way, client, &url, r->route, r->proxy, &error);
    rp_origin *origin = status == RP_OK ? rp__origin_get(client, &url, &way) : NULL;
    if (status == RP_OK && origin == NULL)
        (void)no_memory(request, &error);
    if (origin == NULL) {
        rp__request_finish(request, &error);
        return;
    }
    origin->request_count++;
    left->request_count--;
    request->origin = origin;
    rp__origin_release_if_unused(left);
    rp__pool_submit(request);
}

static void summary(const rp_request *request, rp_response_summary *told)
{
    const redirection *r = redirection_of(request);
    told->redirects = r->count;
    told->redirect_us = r->begun_us;
    told->url = r->count > 0 ? r->url : NULL;
}

static const rp_redirect_calls calls = {
    .head = take_head, .summary = summary, .free = redirection_free};

/* ---- the beginning ---- */

#define FLAGS                                                                                      \
    (RP_REDIRECT_POST_301 | RP_REDIRECT_POST_302 | RP_REDIRECT_POST_303 | RP_REDIRECT_INSECURE |   \
     RP_REDIRECT_TRUSTED | RP_REDIRECT_KEEP_METHOD)

rp_status rp__redirect_begin(rp_request *request, const rp_request_options *options,
                             const rp_url *url, rp_error *error)
{
    if ((options->redirect_flags & ~(uint32_t)FLAGS) != 0)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "redirect_flags has one that this version does not know");
    if (options->redirects_limit == 0)
        return RP_OK;
    rp_memory *memory = &request->client->loop->memory;
    rp_slice method = rp__message_method(&request->message);
    size_t method_size = method.size < sizeof("GET") ? sizeof("GET") : method.size + 1;
    size_t route_size = options->connect_to == NULL ? 0 : strlen(options->connect_to) + 1;
    redirection *r = rp__allocate(memory, sizeof(*r) + method_size + route_size);
    if (r == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the request");
    r->calls = &calls;
    request->redirects = &r->calls;
    r->limit = options->redirects_limit;
    r->flags = options->redirect_flags;
    r->no_userinfo = options->no_userinfo;
    r->secrets = options->redirect_secrets;
    r->secret_count = options->redirect_secret_count;
    r->on_redirect = options->on_redirect;
    if (options->proxy != NULL)
        r->proxy = rp_proxy_retain(options->proxy);
    r->idempotent = options->idempotent;
    r->never_replay = options->never_replay || request->client->options.never_replay;
    memcpy(r->method, method.data, method.size);
    if (route_size > 0) {
        r->route = r->method + method_size;
        memcpy(r->route, options->connect_to, route_size);
    }
    r->url = copy_url(memory, url);
    if (r->url == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the request");
    return RP_OK;
}
