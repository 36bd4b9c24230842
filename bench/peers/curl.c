/* curl.c - libcurl as a peer: one multi handle on the socket interface with epoll, the connections
 * kept and the TLS sessions shared, which is how its documentation says to do many transfers on one
 * thread.
 *
 * curl URL -c CONNECTIONS [-m STREAMS] -n REQUESTS --ca FILE [--new] [--no-resume] [--idle]
 * With -m by HTTP/2, so many requests at once on each connection. */
#include <curl/curl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define IDLE_AT_ONCE 64

typedef struct transfer {
    CURL *easy;
    uint64_t begun_ns;
    bool asked; /* whether this transfer's session was resumed */
} transfer;

static CURLM *multi;
static int epoll_fd;
static long timeout_ms = -1;
static unsigned long started, wanted, streams, done, failed, resumed, by_http2;
static uint64_t bytes;
static uint32_t *latencies_us;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    transfer *self = user;
    struct curl_tlssessioninfo *session = NULL;
    (void)data;
    bytes += size * count;
    if (!self->asked && curl_easy_getinfo(self->easy, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session->internals != NULL) {
        self->asked = true;
        resumed += SSL_session_reused((SSL *)session->internals) != 0;
    }
    return size * count;
}

/* curl says what it waits for; the socket's pointer says whether epoll knows the descriptor. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    (void)user;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    (void)epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(multi, fd, &epoll_fd);
    return 0;
}

static int on_timer(CURLM *handle, long after_ms, void *user)
{
    (void)handle;
    (void)user;
    timeout_ms = after_ms;
    return 0;
}

static void begin(transfer *self)
{
    started++;
    self->asked = false;
    self->begun_ns = now_ns();
    curl_multi_add_handle(multi, self->easy);
}

static void collect(void)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        transfer *self = NULL;
        long status = 0, version = 0;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&self);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
        by_http2 += version == CURL_HTTP_VERSION_2_0;
        if (result != CURLE_OK || status != 200) {
            if (failed++ == 0)
                fprintf(stderr, "curl: %ld %s\n", status, curl_easy_strerror(result));
        }
        latencies_us[done++] = (uint32_t)((now_ns() - self->begun_ns) / 1000);
        curl_multi_remove_handle(multi, easy);
        if (started < wanted)
            begin(self);
    }
}

static void run(void)
{
    struct epoll_event events[256];
    int running;
    while (done < wanted) {
        int count = epoll_wait(epoll_fd, events, 256, (int)timeout_ms);
        if (count <= 0) {
            timeout_ms = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        for (int i = 0; i < count; i++) {
            int what = 0;
            if (events[i].events & EPOLLIN)
                what |= CURL_CSELECT_IN;
            if (events[i].events & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
            if (events[i].events & (EPOLLERR | EPOLLHUP))
                what |= CURL_CSELECT_ERR;
            curl_multi_socket_action(multi, events[i].data.fd, what, &running);
        }
        collect();
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void report(void)
{
    qsort(latencies_us, done, sizeof(*latencies_us), by_size);
    printf("{\"requests\": %lu, \"failed\": %lu, \"http2\": %lu, \"resumed\": %lu, "
           "\"bytes\": %llu, \"p50_us\": %u, \"p99_us\": %u}\n",
           done, failed, by_http2, resumed, (unsigned long long)bytes, latencies_us[done / 2],
           latencies_us[done * 99 / 100]);
}

int main(int argc, char **argv)
{
    const char *url = NULL, *ca = NULL;
    unsigned long connections = 1;
    bool fresh = false, resume = true, idle = false;
    wanted = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-c") == 0)
            connections = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-m") == 0)
            streams = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-n") == 0)
            wanted = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--ca") == 0)
            ca = argv[++i];
        else if (strcmp(argv[i], "--new") == 0)
            fresh = true;
        else if (strcmp(argv[i], "--no-resume") == 0)
            resume = false;
        else if (strcmp(argv[i], "--idle") == 0)
            idle = true;
        else
            url = argv[i];
    }
    if (idle)
        wanted = connections;
    latencies_us = calloc(wanted + 1, sizeof(*latencies_us));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
    if (streams > 0) {
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
        curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)streams);
        curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
    }
    CURLSH *share = curl_share_init();
    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);

    size_t count = connections * (streams > 0 ? streams : 1);
    if (count > wanted)
        count = wanted;
    if (idle && count > IDLE_AT_ONCE)
        count = IDLE_AT_ONCE;
    transfer *transfers = calloc(count, sizeof(*transfers));
    for (size_t i = 0; i < count; i++) {
        CURL *easy = transfers[i].easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfers[i]);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_SHARE, share);
        if (ca != NULL)
            curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                         streams > 0 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, streams > 0 ? 1L : 0L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfers[i]);
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh || idle ? 1L : 0L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, fresh ? 1L : 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, resume ? 1L : 0L);
        begin(&transfers[i]);
    }
    run();
    if (idle) {
        for (size_t i = 0; i < count; i++)
            curl_easy_cleanup(transfers[i].easy);
        malloc_trim(0);
        puts("idle");
        fflush(stdout);
        (void)getchar();
        _exit(failed != 0);
    }
    report();
    for (size_t i = 0; i < count; i++)
        curl_easy_cleanup(transfers[i].easy);
    curl_multi_cleanup(multi);
    curl_share_cleanup(share);
    return failed != 0;
}
