/* service.c - many threads, one service, some origins: for bench/run.
 *
 * service URL... -c THREADS -n REQUESTS --ca FILE [--http2] [--send] [--loops N] [--backend NAME]
 * Each thread calls one origin after the other, and waits. With --send no thread waits: so many
 * requests are under way, and the end of one sends the next, on the service's thread. */
#include <ringport/ringport.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { URLS = 8 };

typedef struct asker {
    unsigned long number, calls;
    uint64_t begun_ns;
    pthread_t thread;
} asker;

static const char *urls[URLS];
static unsigned long url_count, wanted = 1;
static rp_service *service;
static uint32_t *latencies_us;
static atomic_ulong started, done, failed, by_http2, bytes, connections;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* False: all were asked. */
static bool next_url(asker *a, rp_request_options *options)
{
    if (atomic_fetch_add(&started, 1) >= wanted)
        return false;
    options->url = urls[(a->number + a->calls++) % url_count];
    a->begun_ns = now_ns();
    return true;
}

static void count(const asker *a, const rp_response_summary *summary, const char *error)
{
    unsigned long at = atomic_fetch_add(&done, 1);
    latencies_us[at] = (uint32_t)((now_ns() - a->begun_ns) / 1000);
    if ((error != NULL || summary->status != 200) && atomic_fetch_add(&failed, 1) == 0)
        fprintf(stderr, "service: %s\n", error != NULL ? error : "not 200");
    if (summary == NULL)
        return;
    atomic_fetch_add(&by_http2, summary->version == 20);
    atomic_fetch_add(&bytes, summary->body_bytes);
}

/* A connection is about to be opened: perhaps nobody needs it any more when it is there. */
static const char *on_address(const rp_target *target, void *user)
{
    (void)target;
    (void)user;
    atomic_fetch_add(&connections, 1);
    return NULL;
}

static void *call_on(void *argument)
{
    asker *a = argument;
    rp_request_options options = {.url = NULL};
    rp_error error;
    while (next_url(a, &options)) {
        rp_response *answer = rp_service_call(service, &options, 0, 0, &error);
        const rp_error *why = answer == NULL ? &error : &answer->error;
        count(a, answer == NULL ? NULL : &answer->summary,
              answer == NULL || why->status != RP_OK ? why->text : NULL);
        rp_response_free(answer);
    }
    return NULL;
}

static void send_next(asker *a);

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request;
    count(user, summary, summary->error != NULL ? summary->error->text : NULL);
    send_next(user);
}

static void send_next(asker *a)
{
    static const rp_response_events events = {.on_done = on_done};
    rp_request_options options = {.url = NULL};
    rp_error error;
    if (next_url(a, &options) && rp_service_send(service, &options, 0, &events, a, &error) != RP_OK)
        count(a, NULL, error.text);
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void report(void)
{
    rp_service_stats stats;
    rp_service_stats_get(service, &stats);
    unsigned long count_done = atomic_load(&done);
    qsort(latencies_us, count_done, sizeof(*latencies_us), by_size);
    printf("{\"requests\": %lu, \"failed\": %lu, \"http2\": %lu, \"connections\": %lu, "
           "\"bytes\": %lu, \"p50_us\": %u, \"p99_us\": %u, \"stats\": {\"loops\": %u, "
           "\"spread\": %llu}}\n",
           count_done, atomic_load(&failed), atomic_load(&by_http2), atomic_load(&connections),
           atomic_load(&bytes), latencies_us[count_done / 2], latencies_us[count_done * 99 / 100],
           stats.threads, (unsigned long long)stats.spread);
}

static void run(size_t count_of, bool sends)
{
    asker *askers = calloc(count_of, sizeof(*askers));
    for (size_t i = 0; i < count_of; i++) {
        askers[i].number = i;
        if (sends)
            send_next(&askers[i]);
        else if (pthread_create(&askers[i].thread, NULL, call_on, &askers[i]) != 0)
            exit(2);
    }
    for (size_t i = 0; i < count_of && !sends; i++)
        pthread_join(askers[i].thread, NULL);
    while (sends && atomic_load(&done) < wanted)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    free(askers);
}

int main(int argc, char **argv)
{
    bool sends = false;
    size_t threads = 1;
    rp_tls_options trust = {.ca_file = NULL};
    rp_service_options options = {.client = {.versions = RP_HTTP_1_1, .on_address = on_address}};
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(option, "--http2") == 0)
            options.client.versions = RP_HTTP_2;
        else if (strcmp(option, "--send") == 0)
            sends = true;
        else if (option[0] != '-' && url_count < URLS)
            urls[url_count++] = option;
        else if (i++, strcmp(option, "-c") == 0)
            threads = strtoul(value, NULL, 10);
        else if (strcmp(option, "-n") == 0)
            wanted = strtoul(value, NULL, 10);
        else if (strcmp(option, "--ca") == 0)
            trust.ca_file = value;
        else if (strcmp(option, "--loops") == 0)
            options.threads = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(option, "--backend") == 0)
            options.loop.backend = value;
    }
    rp_error error;
    latencies_us = calloc(wanted + threads + 1, sizeof(*latencies_us));
    if (latencies_us == NULL || url_count == 0 ||
        rp_tls_config_create(&options.client.tls, &trust, &error) != RP_OK ||
        rp_service_create(&service, &options, &error) != RP_OK) {
        fprintf(stderr, "service: %s\n", url_count == 0 ? "no URL" : error.text);
        return 1;
    }
    run(threads, sends);
    (void)rp_service_drain(service, RP_NEVER_MS);
    report();
    rp_service_destroy(service);
    rp_tls_config_release(options.client.tls);
    return atomic_load(&failed) != 0;
}
