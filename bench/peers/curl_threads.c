/* curl_threads.c - libcurl as a peer of a service: threads, with a multi handle and its connections
 * for each, as handles can't be shared by threads.
 *
 * curl_threads URL... -c THREADS -n REQUESTS --ca FILE [--http2] */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { URLS = 8 };

typedef struct asker {
    unsigned long number, calls, bytes;
    pthread_t thread;
} asker;

static const char *urls[URLS], *ca;
static unsigned long url_count, wanted = 1;
static bool http2;
static uint32_t *latencies_us;
static atomic_ulong started, done, failed, by_http2, bytes, connections;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    ((asker *)user)->bytes += size * count;
    return size * count;
}

static void fetch(CURLM *multi, CURL *easy)
{
    uint64_t begun_ns = now_ns();
    int running = 1, left;
    long status = 0, version = 0, opened = 0;
    CURLcode result = CURLE_FAILED_INIT;
    curl_multi_add_handle(multi, easy);
    while (running > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        if (running > 0)
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;)
        result = message->data.result;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened);
    curl_multi_remove_handle(multi, easy);
    latencies_us[atomic_fetch_add(&done, 1)] = (uint32_t)((now_ns() - begun_ns) / 1000);
    atomic_fetch_add(&by_http2, version == CURL_HTTP_VERSION_2_0);
    atomic_fetch_add(&connections, (unsigned long)opened);
    if ((result != CURLE_OK || status != 200) && atomic_fetch_add(&failed, 1) == 0)
        fprintf(stderr, "curl: %ld %s\n", status, curl_easy_strerror(result));
}

static void *call_on(void *argument)
{
    asker *a = argument;
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    while (atomic_fetch_add(&started, 1) < wanted) {
        curl_easy_setopt(easy, CURLOPT_URL, urls[(a->number + a->calls++) % url_count]);
        fetch(multi, easy);
    }
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    atomic_fetch_add(&bytes, a->bytes);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    unsigned long threads = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http2") == 0)
            http2 = true;
        else if (argv[i][0] != '-' && url_count < URLS)
            urls[url_count++] = argv[i];
        else if (strcmp(argv[i], "-c") == 0)
            threads = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-n") == 0)
            wanted = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--ca") == 0)
            ca = argv[++i];
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    latencies_us = calloc(wanted + threads + 1, sizeof(*latencies_us));
    asker *askers = calloc(threads, sizeof(*askers));
    for (unsigned long i = 0; i < threads; i++) {
        askers[i].number = i;
        if (pthread_create(&askers[i].thread, NULL, call_on, &askers[i]) != 0)
            return 2;
    }
    for (unsigned long i = 0; i < threads; i++)
        pthread_join(askers[i].thread, NULL);
    unsigned long all = atomic_load(&done);
    qsort(latencies_us, all, sizeof(*latencies_us), by_size);
    printf("{\"requests\": %lu, \"failed\": %lu, \"http2\": %lu, \"connections\": %lu, "
           "\"bytes\": %lu, \"p50_us\": %u, \"p99_us\": %u}\n",
           all, atomic_load(&failed), atomic_load(&by_http2), atomic_load(&connections),
           atomic_load(&bytes), latencies_us[all / 2], latencies_us[all * 99 / 100]);
    free(askers);
    return atomic_load(&failed) != 0;
}
