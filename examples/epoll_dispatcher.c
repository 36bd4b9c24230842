/* epoll_dispatcher.c - ringport in a program around epoll: the marked lines are all of it.
 *
 *   epoll_dispatcher URL [CA [BACKEND [COUNT [edge]]]]
 *
 * The host is a clock that ticks every millisecond; ringport makes COUNT (200) requests. */
#include <inttypes.h>
#include <ringport/ringport.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static unsigned ticks, count = 200, done, failed;
static uint32_t watched = EPOLLIN; /* by level; or by edge */

static void ticked(void *user)
{
    uint64_t expired;
    if (read(*(int *)user, &expired, sizeof(expired)) == sizeof(expired))
        ticks++;
}

static void collected(rp_collected *c, const rp_response_summary *summary, void *user)
{
    (void)user;
    done++;
    if (summary->error == NULL && c->status == 200)
        return;
    if (failed++ == 0)
        fprintf(stderr, "%s\n", summary->error != NULL ? summary->error->text : "not 200");
}

/* ---- the host: a descriptor, what to call when it is readable ---- */

typedef struct watch {
    void (*readable)(void *user);
    void *user;
} watch;

static void host_watch(int host, int fd, watch *w)
{
    struct epoll_event event = {.events = watched, .data.ptr = w};
    if (epoll_ctl(host, EPOLL_CTL_ADD, fd, &event) != 0)
        exit(2);
}

static void host_run(int host)
{
    struct epoll_event events[8];
    while (done < count) {
        int ready = epoll_wait(host, events, 8, -1);
        for (int i = 0; i < ready; i++) {
            const watch *w = events[i].data.ptr;
            w->readable(w->user);
        }
    }
}

/* guide: begin turn */
static void ringport_readable(void *loop) /* ringport */
{                                         /* ringport */
    (void)rp_loop_turn(loop, 0);          /* ringport */
} /* ringport */
/* guide: end turn */

static bool start(rp_client *client, rp_collected *responses, const char *url, rp_error *error)
{
    rp_request_options request = {.url = url};
    for (unsigned i = 0; i < count; i++) {
        responses[i].on_done = collected;
        if (!rp_client_send(client, &request, &rp_collect_events, &responses[i], error))
            return false;
    }
    return true;
}

static int report(rp_loop *loop)
{
    const rp_loop_stats *stats = rp_loop_stats_get(loop);
    printf("backend            %s\n", rp_loop_backend(loop));
    printf("requests           %u, %u failed\n", done, failed);
    printf("wakeups            %" PRIu64 "\n", stats->wakeups);
    printf("wakeups_spurious   %" PRIu64 "\n", stats->wakeups_spurious);
    printf("tls_calls_idle     %" PRIu64 "\n", stats->tls_calls_idle);
    printf("host's ticks       %u\n", ticks);
    return failed == 0 && stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    rp_error error = {.text = "usage: epoll_dispatcher URL [CA [BACKEND [COUNT [edge]]]]"};
    rp_tls_options trust = {.ca_file = argc > 2 ? argv[2] : NULL};
    rp_loop_options options = {.backend = argc > 3 ? argv[3] : NULL};
    rp_client_options client_options = {.connections_per_origin = 500};
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    if (argc > 4)
        count = (unsigned)strtoul(argv[4], NULL, 10);
    if (argc > 5)
        watched |= EPOLLET;
    rp_collected *responses = calloc(count, sizeof(*responses));
    int host = epoll_create1(EPOLL_CLOEXEC), clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec every = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
    watch clock_watch = {ticked, &clock};
    if (responses == NULL || timerfd_settime(clock, 0, &every, NULL) != 0)
        return 2;
    host_watch(host, clock, &clock_watch);

    if (argc < 2 || rp_tls_config_create(&client_options.tls, &trust, &error) != RP_OK ||
        rp_loop_create(&loop, &options, &error) != RP_OK || /* ringport */
        rp_client_create(&client, loop, &client_options, &error) != RP_OK ||
        !start(client, responses, argv[1], &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    /* guide: begin setup */
    watch ringport_watch = {ringport_readable, loop};                      /* ringport */
    host_watch(host, (int)rp_loop_waitable(loop).socket, &ringport_watch); /* ringport */
    /* guide: end setup */
    host_run(host);
    int status = report(loop);
    rp_client_destroy(client);
    rp_loop_destroy(loop); /* ringport */
    rp_tls_config_release(client_options.tls);
    (void)close(clock);
    (void)close(host);
    free(responses);
    return status;
}
