/* service.c - the loops of a service, and their threads. */
#include "service/service.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/platform.h"
#include "client/shared.h"
#include "loop/loop.h"

/* ---- the end ---- */

static void free_service(rp_service *service)
{
    rp_memory memory = service->memory;
    rp_tls_config_release(service->tls);
    rp_resolver_release(service->resolver);
    rp__shared_release(service->shared);
    rp__free(&memory, service->in_flight);
    rp__free(&memory, service->workers);
    rp__condition_destroy(&service->changed);
    rp__condition_destroy(&service->read);
    rp__mutex_destroy(&service->lock);
    rp__free(&memory, service);
    RP_ASSERT(memory.live == 0);
}

void rp__service_leave(rp_service *service)
{
    bool held = service->threads || !service->ending || service->stats.in_flight > 0;
    for (uint32_t i = 0; i < service->stats.threads; i++)
        held = held || !service->workers[i].ended;
    rp__mutex_unlock(&service->lock);
    if (!held)
        free_service(service);
}

bool rp__service_lock(rp_service *service)
{
    if (service->process != rp__process_mark())
        return false;
    rp__mutex_lock(&service->lock);
    return true;
}

/* ---- a worker, on its thread ---- */

static void set_tls(rp_worker *worker)
{
    rp_service *service = worker->service;
    if (!rp__service_lock(service))
        return;
    bool changed = worker->client_tls_number != service->tls_number;
    worker->client_tls_number = service->tls_number;
    rp_tls_config *tls = changed ? rp_tls_config_retain(service->tls) : NULL;
    rp__mutex_unlock(&service->lock);
    if (tls != NULL && worker->client != NULL)
        rp_client_set_tls(worker->client, tls);
    rp_tls_config_release(tls);
}

/* At once, as the options' texts are the caller's. */
static rp_status make_client(rp_worker *worker)
{
    rp_service *service = worker->service;
    rp_client_options options = service->options.client;
    rp__mutex_lock(&service->lock);
    worker->client_tls_number = service->tls_number;
    options.tls = service->tls != NULL ? rp_tls_config_retain(service->tls) : NULL;
    rp__mutex_unlock(&service->lock);
    options.resolver = service->resolver;
    rp_status status = rp_client_create(&worker->client, worker->loop, &options, &worker->trouble);
    rp_tls_config_release(options.tls);
    if (status == RP_OK)
        rp__client_share(worker->client, service->shared);
    return status;
}

/* Its last turn: the requests end from rp_loop_destroy, or later turns of a caller's loop. */
static void end_worker(rp_worker *worker)
{
    rp_service *service = worker->service;
    rp_client_destroy(worker->client);
    worker->client = NULL;
    if (!rp__service_lock(service))
        return;
    worker->ended = true;
    rp__service_leave(service);
}

static void look(rp_post *unused, void *user)
{
    rp_worker *worker = user;
    rp_service *service = worker->service;
    (void)unused;
    rp__mutex_lock(&service->lock);
    worker->posted = false;
    if (!service->threads)
        rp__thread_note_self(&worker->thread);
    bool ending = service->ending;
    rp__mutex_unlock(&service->lock);
    set_tls(worker);
    rp__calls_look(worker);
    rp__metrics_look(worker);
    if (ending)
        end_worker(worker);
}

static void post(rp_worker *worker)
{
    if (worker->posted || worker->ended)
        return;
    worker->posted = true;
    rp_loop_post(worker->loop, &worker->post);
}

/* While it ends, the last post is under way, and its loop may be gone soon after. */
void rp__worker_wake(rp_worker *worker)
{
    if (!worker->service->ending)
        post(worker);
}

static void run(void *argument)
{
    rp_worker *worker = argument;
    rp_service *service = worker->service;
    if (service->options.pin)
        rp__thread_pin((uint32_t)(worker - service->workers) % rp__processor_count());
    if (rp_loop_create(&worker->loop, &service->options.loop, &worker->trouble) == RP_OK)
        (void)make_client(worker);
    rp__mutex_lock(&service->lock);
    service->begun++;
    worker->ended = worker->loop == NULL;
    rp__condition_wake(&service->changed);
    bool ended = worker->ended;
    rp__mutex_unlock(&service->lock);
    while (!ended && service->process == rp__process_mark()) { /* a callback may have forked */
        (void)rp_loop_turn(worker->loop, RP_NEVER_MS);
        ended = worker->ended; /* nobody else sets it */
    }
    rp_loop_destroy(worker->loop);
}

/* ---- making one ---- */

#define DECODER_LEAST ((size_t)17 << 20) /* what one body may take (http.h) */

static uint32_t part(uint32_t limit, uint32_t among)
{
    return limit / among > 0 ? limit / among : 1;
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Of what an origin may have, in load.h's terms. 0 stays: there is no limit. */
static void share_load(rp_service *service)
{
    rp_limit_options *limits = &service->options.client.limits;
    rp_retry_options *retry = &service->options.client.retry;
    uint32_t width = service->width;
    if (limits->requests_in_flight != 0)
        service->share_in_flight = limits->requests_in_flight =
            part(limits->requests_in_flight, width);
    if (limits->queue_limit != 0)
        limits->queue_limit = part(limits->queue_limit, width);
    retry->budget_per_s = part(retry->budget_per_s != 0 ? retry->budget_per_s : 10, width);
}

static void share_decoders(rp_client_options *options, uint32_t threads)
{
    size_t limit = options->decoder_memory_limit_bytes;
    if (limit == SIZE_MAX)
        return;
    limit = (limit != 0 ? limit : (size_t)1 << 30) / threads;
    options->decoder_memory_limit_bytes = limit > DECODER_LEAST ? limit : DECODER_LEAST;
}

static uint32_t or_default(uint32_t limit, uint32_t none)
{
    return limit != 0 ? limit : none;
}

/* What the service may have, each worker may have a part of. If that is less than one for each,
 * only so many have requests; or so many for an origin, if it is an origin's. */
static void share_out(rp_service *service)
{
    rp_client_options *options = &service->options.client;
    uint32_t connections = or_default(options->connections_per_origin, 64);
    uint32_t total = or_default(options->connections_total, 65536);
    uint32_t queue = or_default(options->queue_limit, 65536);
    uint32_t openings = or_default(options->concurrent_openings, 256);
    uint32_t used = less(less(service->stats.threads, total), less(queue, openings));
    service->used = used;
    service->width = less(connections, used);
    if (options->limits.requests_in_flight != 0)
        service->width = less(options->limits.requests_in_flight, service->width);
    if (options->limits.queue_limit != 0)
        service->width = less(options->limits.queue_limit, service->width);
    if (options->http2_one_connection)
        service->width = 1;
    service->share = part(connections, service->width);
    options->connections_per_origin = service->share;
    if (options->idle_per_origin != 0)
        options->idle_per_origin = part(options->idle_per_origin, service->width);
    share_load(service);
    share_decoders(options, used);
    options->connections_total = part(total, used);
    options->queue_limit = part(queue, used);
    options->concurrent_openings = part(openings, used);
}

static rp_status check(const rp_service_options *options, rp_error *error)
{
    if (options->threads > RP_SERVICE_THREADS || options->loop_count > RP_SERVICE_THREADS)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "a service has at most %d threads or loops", RP_SERVICE_THREADS);
    if ((options->loops != NULL) != (options->loop_count > 0))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "loops and loop_count belong together");
    if (options->loops != NULL && options->threads != 0)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "a service has threads of its own or the caller's loops, not both");
    return RP_OK;
}

static rp_service *new_service(const rp_service_options *options)
{
    rp_memory memory;
    rp__memory_init(&memory, options->allocator);
    rp_service *service = rp__allocate(&memory, sizeof(*service));
    if (service == NULL)
        return NULL;
    uint32_t threads = options->loops != NULL ? (uint32_t)options->loop_count : options->threads;
    if (threads == 0)
        threads = rp__processor_count();
    if (threads > RP_SERVICE_THREADS)
        threads = RP_SERVICE_THREADS;
    rp__mutex_init(&service->lock);
    rp__condition_init(&service->changed);
    rp__condition_init(&service->read);
    service->process = rp__process_mark();
    service->options = *options;
    service->threads = options->loops == NULL;
    service->stats.threads = threads;
    service->workers = rp__allocate(&memory, threads * sizeof(*service->workers));
    service->in_flight =
        rp__allocate(&memory, (size_t)RP_SERVICE_ORIGINS * threads * sizeof(*service->in_flight));
    service->memory = memory;
    if (service->workers == NULL || service->in_flight == NULL) {
        free_service(service);
        return NULL;
    }
    for (uint32_t i = 0; i < threads; i++) {
        rp_worker *worker = &service->workers[i];
        worker->service = service;
        worker->loop = options->loops != NULL ? options->loops[i] : NULL;
        worker->post = (rp_post){.fn = look, .user = worker};
        rp__list_init(&worker->inbox);
        rp__list_init(&worker->calls);
        rp__list_init(&worker->cancels);
    }
    return service;
}

/* Starts so many as can be; false: not all have a loop and a client. */
static bool start(rp_service *service, rp_error *error)
{
    uint32_t started = 0;
    while (started < service->stats.threads &&
           rp__thread_start(&service->workers[started].thread, run, &service->workers[started]))
        started++;
    rp__mutex_lock(&service->lock);
    while (service->begun < started)
        (void)rp__condition_wait(&service->changed, &service->lock, UINT64_MAX);
    rp__mutex_unlock(&service->lock);
    bool good = started == service->stats.threads;
    if (!good)
        (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE,
                            "the system gives no more threads: %u of %u", started,
                            service->stats.threads);
    service->stats.threads = started;
    for (uint32_t i = 0; good && i < started; i++) {
        good = service->workers[i].client != NULL;
        if (!good && error != NULL)
            *error = service->workers[i].trouble;
    }
    return good;
}

/* On the caller's loops, which nobody turns yet. */
static bool make_clients(rp_service *service, rp_error *error)
{
    for (uint32_t i = 0; i < service->stats.threads; i++) {
        rp_worker *worker = &service->workers[i];
        if (make_client(worker) == RP_OK)
            continue;
        *error = worker->trouble;
        while (i > 0)
            rp_client_destroy(service->workers[--i].client);
        return false;
    }
    return true;
}

/* What all loops share. Without a configuration each client tells why there is none. */
static rp_status make_shared(rp_service *service, rp_error *error)
{
    const rp_client_options *client = &service->options.client;
    if (client->tls != NULL)
        service->tls = rp_tls_config_retain(client->tls);
    else
        (void)rp_tls_config_create(&service->tls, NULL, NULL);
    service->shared = rp__shared_create(service->options.allocator);
    if (service->shared == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the service");
    if (client->resolver != NULL)
        service->resolver = rp_resolver_retain(client->resolver);
    else if (service->threads)
        return rp_resolver_create(&service->resolver, NULL, error);
    return RP_OK;
}

rp_status rp_service_create_sized(rp_service **out, const rp_service_options *options,
                                  size_t options_size, rp_error *error)
{
    rp_service_options copy;
    *out = NULL;
    if (!rp__options_copy(&copy, sizeof(copy), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "service options set a member that this version does not know");
    rp_status status = check(&copy, error);
    if (status != RP_OK)
        return status;
    rp_service *service = new_service(&copy);
    if (service == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the service");
    share_out(service);
    rp_error trouble = {.status = RP_OK};
    status = make_shared(service, error);
    if (status != RP_OK) {
        free_service(service);
        return status;
    }
    bool made = service->threads ? start(service, &trouble) : make_clients(service, &trouble);
    if (!made) {
        if (service->threads)
            rp_service_destroy(service);
        else
            free_service(service);
        if (error != NULL)
            *error = trouble;
        return trouble.status;
    }
    *out = service;
    return RP_OK;
}

/* ---- its end ---- */

bool rp__service_is_turned_here(rp_service *service)
{
    bool here = false;
    if (!rp__service_lock(service))
        return false;
    for (uint32_t i = 0; i < service->stats.threads && !here; i++)
        here = rp__thread_is_self(&service->workers[i].thread);
    rp__mutex_unlock(&service->lock);
    return here;
}

void rp_service_destroy(rp_service *service)
{
    if (service == NULL || service->process != rp__process_mark())
        return;
    RP_ASSERT(!service->threads || !rp__service_is_turned_here(service));
    rp__mutex_lock(&service->lock);
    service->draining = service->ending = true;
    for (uint32_t i = 0; i < service->stats.threads; i++)
        post(&service->workers[i]);
    if (!service->threads) {
        rp__service_leave(service);
        return;
    }
    rp__mutex_unlock(&service->lock);
    for (uint32_t i = 0; i < service->stats.threads; i++)
        rp__thread_join(&service->workers[i].thread);
    free_service(service);
}

bool rp_service_drain(rp_service *service, uint64_t wait_ms)
{
    RP_ASSERT(wait_ms == 0 || !rp__service_is_turned_here(service));
    if (!rp__service_lock(service))
        return false;
    service->draining = true;
    while (service->stats.in_flight > 0 &&
           rp__condition_wait(&service->changed, &service->lock, wait_ms))
        continue;
    bool drained = service->stats.in_flight == 0;
    rp__mutex_unlock(&service->lock);
    return drained;
}

void rp_service_set_tls(rp_service *service, rp_tls_config *tls)
{
    if (tls == NULL || !rp__service_lock(service))
        return;
    rp_tls_config *before = service->tls;
    service->tls = rp_tls_config_retain(tls);
    service->tls_number++;
    for (uint32_t i = 0; i < service->stats.threads; i++)
        rp__worker_wake(&service->workers[i]);
    rp__mutex_unlock(&service->lock);
    rp_tls_config_release(before);
}

void rp_service_stats_get_sized(rp_service *service, rp_service_stats *stats, size_t stats_size)
{
    rp_service_stats all = {.threads = 0};
    if (rp__service_lock(service)) {
        all = service->stats;
        rp__mutex_unlock(&service->lock);
    }
    rp__structure_give(stats, stats_size, &all, sizeof(all));
}
