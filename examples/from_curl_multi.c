/* from_curl_multi.c - what curl_multi.c becomes: docs/migrating-from-libcurl.md.
 *
 *   from_curl_multi CA URL... */
#include <ringport/ringport.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

/* guide: begin state */
static rp_loop *loop;
static rp_client *client;
static int host;
static int running, failures;
/* guide: end state */

typedef struct answer {
    const char *url;
    size_t bytes;
} answer;

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    (void)request;
    (void)data;
    ((answer *)user)->bytes += size;
}

/* guide: begin done */
static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    const answer *a = user;
    (void)request;
    running--;
    if (summary->error == NULL)
        printf("%d %zu %s\n", summary->status, a->bytes, a->url);
    else
        fprintf(stderr, "%s: %s\n", a->url, summary->error->text);
    failures += summary->error != NULL;
}
/* guide: end done */

/* guide: begin request */
static const rp_response_events events = {.on_body = on_body, .on_done = on_done};

static bool start(answer *a, rp_error *error)
{
    rp_request_options request = {.url = a->url, .total_timeout_ms = 30000};
    running++;
    return rp_client_send(client, &request, &events, a, error) != NULL;
}
/* guide: end request */

int main(int argc, char **argv)
{
    static answer answers[16];
    rp_error error = {.text = "usage: from_curl_multi CA URL..."};
    rp_tls_options trust = {.ca_file = argc > 1 ? argv[1] : NULL};
    rp_client_options options = {.connect_timeout_ms = 5000};
    int count = argc - 2;
    bool good = count >= 1 && count <= 16 && rp_loop_create(&loop, NULL, &error) == RP_OK &&
                rp_tls_config_create(&options.tls, &trust, &error) == RP_OK &&
                rp_client_create(&client, loop, &options, &error) == RP_OK;
    for (int i = 0; good && i < count; i++) {
        answers[i].url = argv[i + 2];
        good = start(&answers[i], &error);
    }
    if (!good) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    /* guide: begin loop */
    struct epoll_event event = {.events = EPOLLIN};
    host = epoll_create1(EPOLL_CLOEXEC);
    (void)epoll_ctl(host, EPOLL_CTL_ADD, (int)rp_loop_waitable(loop).socket, &event);
    while (running > 0) {
        (void)epoll_wait(host, &event, 1, -1); /* deadlines make it readable, too */
        (void)rp_loop_turn(loop, 0);
    }
    /* guide: end loop */
    rp_client_destroy(client);
    rp_tls_config_release(options.tls);
    rp_loop_destroy(loop);
    (void)close(host);
    return failures == 0 ? 0 : 1;
}
