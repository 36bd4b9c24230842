/* call.c - one request: to which loop it goes, and what is called there. */
#include "service/service.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/platform.h"
#include "base/text.h"
#include "http/url.h"
#include "loop/loop.h"

#include <string.h>

/* ---- the caller's callbacks, with the caller's pointer ---- */

static void call_head(rp_request *request, const rp_response_head *head, void *user)
{
    const rp_call *call = user;
    if (call->events->on_head != NULL)
        call->events->on_head(request, head, call->events_user);
}

static void call_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    const rp_call *call = user;
    if (call->events->on_body != NULL)
        call->events->on_body(request, data, size, call->events_user);
}

static bool call_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    const rp_call *call = user;
    return call->on_redirect(request, redirect, call->user);
}

static void call_body_wanted(rp_request *request, size_t room, void *user)
{
    const rp_call *call = user;
    call->on_body_wanted(request, room, call->user);
}

static void call_body_rewind(rp_request *request, void *user)
{
    const rp_call *call = user;
    call->on_body_rewind(request, call->user);
}

static void call_trailers(rp_request *request, const rp_header *trailers, size_t count, void *user)
{
    const rp_call *call = user;
    call->on_trailers(request, trailers, count, call->user);
}

static void take_callbacks(rp_call *call)
{
    rp_request_options *options = &call->options;
    call->on_redirect = options->on_redirect;
    call->on_body_wanted = options->on_body_wanted;
    call->on_body_rewind = options->on_body_rewind;
    call->on_trailers = options->on_trailers;
    if (call->on_redirect != NULL)
        options->on_redirect = call_redirect;
    if (call->on_body_wanted != NULL)
        options->on_body_wanted = call_body_wanted;
    if (call->on_body_rewind != NULL)
        options->on_body_rewind = call_body_rewind;
    if (call->on_trailers != NULL)
        options->on_trailers = call_trailers;
}

static uint32_t *in_flight(rp_service *service, uint32_t origin, uint32_t worker)
{
    return &service->in_flight[(size_t)origin * service->stats.threads + worker];
}

static void call_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    rp_call *call = user;
    rp_worker *worker = call->worker;
    rp_service *service = worker->service;
    int version = summary->version;
    if (!rp__service_lock(service))
        return; /* a callback has forked */
    --*in_flight(service, call->origin, (uint32_t)(worker - service->workers));
    if (version != 0)
        service->http2[call->origin] = version == 20;
    rp__mutex_unlock(&service->lock);
    call->events->on_done(request, summary, call->events_user); /* which may send the next */
    if (!rp__service_lock(service))
        return;
    rp__list_remove(&call->link);
    rp__list_remove(&call->cancel_link);
    rp__call_free(call);
    if (--service->stats.in_flight == 0)
        rp__condition_wake(&service->changed);
    rp__service_leave(service);
}

static const rp_response_events call_events = {
    .on_head = call_head, .on_body = call_body, .on_done = call_done};

/* ---- where to ---- */

static uint32_t origin_of(const rp_url *url)
{
    uint64_t hash = rp__hash_byte(RP_HASH_BEGIN, url->https);
    hash = rp__hash_byte(hash, (uint8_t)url->port);
    hash = rp__hash_byte(hash, (uint8_t)(url->port >> 8));
    for (size_t i = 0; i < url->host.size; i++)
        hash = rp__hash_byte(hash, (uint8_t)rp__ascii_lower((char)url->host.data[i]));
    return (uint32_t)((hash ^ hash >> 32) % RP_SERVICE_ORIGINS);
}

/* The first of the origin's workers that has not enough for it, or the one that has least. */
static uint32_t choose(rp_service *service, uint32_t origin)
{
    uint32_t used = service->used;
    uint32_t enough = service->options.gather;
    if (enough == 0)
        enough = service->http2[origin] ? 100 : service->share;
    if (service->share_in_flight != 0 && service->share_in_flight < enough)
        enough = service->share_in_flight;
    uint32_t best = origin % used;
    for (uint32_t i = 0; i < service->width; i++) {
        uint32_t worker = (origin + i) % used;
        uint32_t has = *in_flight(service, origin, worker);
        if (has < enough) {
            best = worker;
            break;
        }
        if (has < *in_flight(service, origin, best))
            best = worker;
    }
    if (best != origin % used)
        service->stats.spread++;
    return best;
}

/* ---- sending ---- */

/* Under the lock. */
static rp_status put(rp_service *service, rp_call *call, rp_error *error)
{
    if (service->draining)
        return rp__error_set(error, RP_E_DRAINING, RP_PHASE_NONE, "the service was told to end");
    uint32_t index = choose(service, call->origin);
    call->worker = &service->workers[index];
    rp__list_append(&call->worker->inbox, &call->link);
    call->worker->inbox_count++;
    ++*in_flight(service, call->origin, index);
    service->stats.in_flight++;
    service->stats.requests++;
    rp__worker_wake(call->worker);
    return RP_OK;
}

static rp_status check(const rp_service *service, const rp_request_options *options,
                       const rp_response_events *events, rp_url *url, rp_error *error)
{
    if (service->process != rp__process_mark())
        return rp__loop_not_ours(error, RP_PHASE_NONE);
    if (events == NULL || events->on_done == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE,
                             "a request needs events with an on_done");
    if (options->url == NULL)
        return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_NONE, "the request has no URL");
    return rp__url_parse(url, options->url, strlen(options->url), error);
}

rp_status rp__call_send(rp_service *service, const rp_request_options *options, uint64_t tag,
                        const rp_response_events *events, void *events_user, void *user,
                        rp_error *error)
{
    rp_url url;
    rp_status status = check(service, options, events, &url, error);
    if (status != RP_OK)
        return status;
    rp_call *call = rp__call_new(service->options.allocator, options);
    if (call == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for a request");
    call->tag = tag;
    call->origin = origin_of(&url);
    call->events = events;
    call->events_user = events_user;
    call->user = user;
    take_callbacks(call);
    rp__mutex_lock(&service->lock);
    status = put(service, call, error);
    rp__mutex_unlock(&service->lock);
    if (status != RP_OK)
        rp__call_free(call);
    return status;
}

rp_status rp__call_options(rp_request_options *copy, const rp_request_options *options, size_t size,
                           rp_error *error)
{
    if (rp__options_copy(copy, sizeof(*copy), options, size))
        return RP_OK;
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                         "request options set a member that this version does not know");
}

rp_status rp_service_send_sized(rp_service *service, const rp_request_options *options,
                                size_t options_size, uint64_t tag, const rp_response_events *events,
                                void *user, rp_error *error)
{
    rp_request_options copy;
    rp_status status = rp__call_options(&copy, options, options_size, error);
    if (status != RP_OK)
        return status;
    return rp__call_send(service, &copy, tag, events, user, user, error);
}

static void cancel_all_of(rp_worker *worker, rp_link *list, uint64_t tag)
{
    for (rp_link *link = list->next; link != list; link = link->next) {
        rp_call *call = RP_CONTAINER(link, rp_call, link);
        if (call->tag != tag || call->cancelled)
            continue;
        call->cancelled = true;
        rp__list_append(&worker->cancels, &call->cancel_link);
    }
    if (!rp__list_empty(&worker->cancels))
        rp__worker_wake(worker);
}

void rp_service_cancel(rp_service *service, uint64_t tag)
{
    if (tag == 0 || !rp__service_lock(service))
        return;
    for (uint32_t i = 0; i < service->stats.threads; i++) {
        cancel_all_of(&service->workers[i], &service->workers[i].inbox, tag);
        cancel_all_of(&service->workers[i], &service->workers[i].calls, tag);
    }
    rp__mutex_unlock(&service->lock);
}

/* ---- on the worker's thread ---- */

static void begin(rp_worker *worker, rp_call *call, bool cancelled)
{
    rp_error error;
    if (cancelled)
        (void)rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE, "cancelled by the caller");
    else
        call->request = rp_client_send(worker->client, &call->options, &call_events, call, &error);
    if (call->request != NULL)
        return;
    const rp_response_summary summary = {.error = &error, .address = "", .local_address = ""};
    call_done(NULL, &summary, call);
}

static uint32_t waiting(rp_worker *worker)
{
    if (!rp__service_lock(worker->service))
        return 0;
    uint32_t count = worker->inbox_count;
    rp__mutex_unlock(&worker->service->lock);
    return count;
}

/* The next that was sent, now among the worker's calls; there is one. NULL: a callback has
 * forked. */
static rp_call *take_sent(rp_worker *worker, bool *cancelled)
{
    rp_service *service = worker->service;
    if (!rp__service_lock(service))
        return NULL;
    rp_call *call = RP_CONTAINER(rp__list_take(&worker->inbox), rp_call, link);
    worker->inbox_count--;
    rp__list_append(&worker->calls, &call->link);
    *cancelled = call->cancelled || service->ending;
    rp__mutex_unlock(&service->lock);
    return call;
}

static rp_call *take_cancelled(rp_worker *worker)
{
    if (!rp__service_lock(worker->service))
        return NULL;
    rp_link *link = rp__list_take(&worker->cancels);
    rp__mutex_unlock(&worker->service->lock);
    return link != NULL ? RP_CONTAINER(link, rp_call, cancel_link) : NULL;
}

void rp__calls_look(rp_worker *worker)
{
    bool cancelled;
    rp_call *call;
    /* Not those that come meanwhile. */
    for (uint32_t left = waiting(worker);
         left > 0 && (call = take_sent(worker, &cancelled)) != NULL; left--)
        begin(worker, call, cancelled);
    /* One that is sent and cancelled from here on may not have begun: begin() will see it. */
    while ((call = take_cancelled(worker)) != NULL)
        if (call->request != NULL)
            rp_request_cancel(call->request);
}
