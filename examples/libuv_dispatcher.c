/* libuv_dispatcher.c - ringport in a program around libuv: the marked lines are all of it.
 *
 *   libuv_dispatcher URL [CA [BACKEND [COUNT]]]
 *
 * The host is a clock that ticks every millisecond; ringport makes COUNT (200) requests. */
#include <inttypes.h>
#include <ringport/ringport.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static unsigned ticks, count = 200, done, failed;
static uv_timer_t host_clock;
static uv_poll_t ringport_poll; /* ringport */

static void ticked(uv_timer_t *timer)
{
    (void)timer;
    ticks++;
}

static void collected(rp_collected *c, const rp_response_summary *summary, void *user)
{
    (void)user;
    if ((summary->error != NULL || c->status != 200) && failed++ == 0)
        fprintf(stderr, "%s\n", summary->error != NULL ? summary->error->text : "not 200");
    if (++done < count)
        return;
    uv_close((uv_handle_t *)&ringport_poll, NULL); /* ringport */
    uv_close((uv_handle_t *)&host_clock, NULL);
}

/* guide: begin turn */
static void ringport_readable(uv_poll_t *poll, int status, int events) /* ringport */
{                                                                      /* ringport */
    (void)status;                                                      /* ringport */
    (void)events;                                                      /* ringport */
    (void)rp_loop_turn(poll->data, 0);                                 /* ringport */
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
    rp_error error = {.text = "usage: libuv_dispatcher URL [CA [BACKEND [COUNT]]]"};
    rp_tls_options trust = {.ca_file = argc > 2 ? argv[2] : NULL};
    rp_loop_options options = {.backend = argc > 3 ? argv[3] : NULL};
    rp_client_options client_options = {.tls = NULL};
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    uv_loop_t *host = uv_default_loop();
    if (argc > 4)
        count = (unsigned)strtoul(argv[4], NULL, 10);
    rp_collected *responses = calloc(count, sizeof(*responses));
    if (responses == NULL || uv_timer_init(host, &host_clock) != 0 ||
        uv_timer_start(&host_clock, ticked, 1, 1) != 0)
        return 2;

    if (argc < 2 || rp_tls_config_create(&client_options.tls, &trust, &error) != RP_OK ||
        rp_loop_create(&loop, &options, &error) != RP_OK || /* ringport */
        rp_client_create(&client, loop, &client_options, &error) != RP_OK ||
        !start(client, responses, argv[1], &error)) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    /* guide: begin setup */
    uv_os_sock_t waitable = (uv_os_sock_t)rp_loop_waitable(loop).socket; /* ringport */
    (void)uv_poll_init_socket(host, &ringport_poll, waitable);           /* ringport */
    ringport_poll.data = loop;                                           /* ringport */
    (void)uv_poll_start(&ringport_poll, UV_READABLE, ringport_readable); /* ringport */
    /* guide: end setup */
    (void)uv_run(host, UV_RUN_DEFAULT);
    int status = report(loop);
    rp_client_destroy(client);
    rp_loop_destroy(loop); /* ringport */
    rp_tls_config_release(client_options.tls);
    (void)uv_loop_close(host);
    free(responses);
    return status;
}
