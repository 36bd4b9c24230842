/* curl_multi.c - the program that docs/migrating-from-libcurl.md begins with: libcurl on its multi
 * socket interface, in a program around epoll. from_curl_multi.c is what it becomes.
 *
 *   curl_multi CA URL... */
#include <curl/curl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* guide: begin state */
static CURLM *multi;
static int host;
static long timeout_ms = -1; /* when curl wants to be called, though nothing came */
static int running;
/* guide: end state */

typedef struct answer {
    const char *url;
    size_t bytes;
    char why[CURL_ERROR_SIZE];
} answer;

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    ((answer *)user)->bytes += size * count;
    return size * count;
}

/* guide: begin socket */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    struct epoll_event event = {.data.fd = fd};
    (void)easy;
    (void)user;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
    if (what == CURL_POLL_REMOVE)
        (void)epoll_ctl(host, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(host, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0)
        (void)curl_multi_assign(multi, fd, multi);
    return 0;
}

static int on_timeout(CURLM *curl, long ms, void *user)
{
    (void)curl;
    (void)user;
    timeout_ms = ms;
    return 0;
}
/* guide: end socket */

/* guide: begin done */
static int take_done(void)
{
    int left, failures = 0;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL;) {
        answer *a = NULL;
        long status = 0;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &a);
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (m->data.result == CURLE_OK)
            printf("%ld %zu %s\n", status, a->bytes, a->url);
        else
            fprintf(stderr, "%s: %s\n", a->url, a->why);
        failures += m->data.result != CURLE_OK;
        (void)curl_multi_remove_handle(multi, m->easy_handle);
        curl_easy_cleanup(m->easy_handle);
    }
    return failures;
}
/* guide: end done */

/* guide: begin request */
static void start(answer *a, const char *ca)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, a->url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, a);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->why);
    curl_multi_add_handle(multi, easy);
}
/* guide: end request */

int main(int argc, char **argv)
{
    static answer answers[16];
    int failures = 0, count = argc - 2;
    if (count < 1 || count > 16)
        return 2;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    host = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    for (int i = 0; i < count; i++) {
        answers[i].url = argv[i + 2];
        start(&answers[i], argv[1]);
    }
    /* guide: begin loop */
    (void)curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    while (running > 0) {
        struct epoll_event events[8];
        int ready = epoll_wait(host, events, 8, (int)timeout_ms);
        if (ready == 0)
            (void)curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        for (int i = 0; i < ready; i++) {
            int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                       (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            (void)curl_multi_socket_action(multi, events[i].data.fd, what, &running);
        }
        failures += take_done();
    }
    /* guide: end loop */
    failures += take_done();
    (void)curl_multi_cleanup(multi);
    curl_global_cleanup();
    (void)close(host);
    return failures == 0 ? 0 : 1;
}
