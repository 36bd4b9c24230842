/* metrics.c - the statistics of a service's clients: each copies its own on its thread, and who
 * asked waits for all of them and writes. */
#include "service/service.h"

#include "base/error.h"
#include "base/platform.h"
#include "client/prometheus.h"
#include "loop/loop.h"

#include <string.h>

/* An origin; its texts stand behind it. */
typedef struct reading {
    struct reading *next;
    rp_origin_statistics origin;
} reading;

/* What one client has counted. */
struct rp_readings {
    rp_memory memory; /* as it is filled on another thread than those of the others */
    reading *first, **last;
    bool no_memory;
};

/* ---- on a worker's thread ---- */

static const char *keep(char **at, const char *text)
{
    char *kept = *at;
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    memcpy(kept, text, size);
    *at += size;
    return kept;
}

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static bool copy_origin(const rp_origin_statistics *origin, void *user)
{
    rp_readings *all = user;
    reading *copy =
        rp__allocate(&all->memory, sizeof(*copy) + size_of(origin->host) + size_of(origin->way));
    all->no_memory = copy == NULL;
    if (copy == NULL)
        return false;
    char *texts = (char *)(copy + 1);
    copy->origin = *origin;
    copy->origin.host = keep(&texts, origin->host);
    copy->origin.way = keep(&texts, origin->way);
    *all->last = copy;
    all->last = &copy->next;
    return true;
}

void rp__metrics_look(rp_worker *worker)
{
    rp_service *service = worker->service;
    if (!rp__service_lock(service))
        return;
    rp_readings *readings = worker->readings;
    worker->readings = NULL;
    rp__mutex_unlock(&service->lock);
    if (readings == NULL)
        return;
    if (worker->client != NULL)
        rp_client_origins(worker->client, copy_origin, readings);
    if (!rp__service_lock(service))
        return;
    if (--service->unread == 0)
        rp__condition_wake(&service->read);
    rp__mutex_unlock(&service->lock);
}

/* ---- who asked ---- */

static void read_all(rp_service *service, rp_readings *readings)
{
    rp__mutex_lock(&service->lock);
    while (service->unread > 0) /* somebody else reads */
        (void)rp__condition_wait(&service->read, &service->lock, UINT64_MAX);
    for (uint32_t i = 0; i < service->stats.threads; i++) {
        if (service->workers[i].ended)
            continue;
        service->unread++;
        service->workers[i].readings = &readings[i];
        rp__worker_wake(&service->workers[i]);
    }
    while (service->unread > 0)
        (void)rp__condition_wait(&service->read, &service->lock, UINT64_MAX);
    rp__mutex_unlock(&service->lock);
}

static void tell(const void *clients, uint32_t number, rp_origin_statistics_fn *fn, void *user)
{
    const rp_readings *readings = clients;
    for (const reading *r = readings[number].first; r != NULL; r = r->next)
        if (!fn(&r->origin, user))
            return;
}

rp_status rp_service_metrics(rp_service *service, rp_metrics_fn *fn, void *user, rp_error *error)
{
    if (service->process != rp__process_mark())
        return rp__loop_not_ours(error, RP_PHASE_NONE);
    if (rp__service_is_turned_here(service))
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE,
                             "a thread that turns a loop of the service's can't wait for it");
    rp_memory memory;
    uint32_t count = service->stats.threads;
    rp__memory_init(&memory, service->options.allocator);
    rp_readings *readings = rp__allocate(&memory, count * sizeof(*readings));
    bool good = readings != NULL;
    for (uint32_t i = 0; good && i < count; i++) {
        rp__memory_init(&readings[i].memory, service->options.allocator);
        readings[i].last = &readings[i].first;
    }
    if (good)
        read_all(service, readings);
    for (uint32_t i = 0; good && i < count; i++)
        good = !readings[i].no_memory;
    if (good)
        rp__metrics_write(tell, readings, count, fn, user);
    for (uint32_t i = 0; readings != NULL && i < count; i++) {
        for (reading *next, *r = readings[i].first; r != NULL; r = next) {
            next = r->next;
            rp__free(&readings[i].memory, r);
        }
    }
    rp__free(&memory, readings);
    return good ? RP_OK
                : rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the metrics");
}
