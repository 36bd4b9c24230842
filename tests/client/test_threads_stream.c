/* test_threads_stream.c - loops in threads of their own that share TLS configurations: what the
 * thread sanitizer is to look at. */
#include "support/check.h"
#include "support/probe.h"
#include "support/raw.h"
#include "support/tls_pair.h"

#include <stdlib.h>

enum { THREADS = 3, ROUNDS = 12, SIZE = 20000 };

/* Both ends of each connection live on the thread's own loop; the configurations are
 * everybody's. */
typedef struct worker {
    rp_loop *loop;
    rp_tls_config *client_tls, *server_tls;
    const uint8_t *data;
    probe client, server;
    unsigned resumed;
} worker;

static void accept_one(listener *l, rp_socket *socket)
{
    worker *w = l->user;
    w->server = (probe){.checked = true};
    probe_accept(&w->server, w->loop, socket, w->server_tls, 0);
}

static void turn_until(worker *w, const uint64_t *count, uint64_t wanted)
{
    uint64_t until = fixture_now_ms() + 20000;
    while (*count < wanted) {
        CHECK(fixture_now_ms() < until);
        (void)rp_loop_turn(w->loop, 1000);
    }
}

static void finish(worker *w, probe *p)
{
    probe_close(p);
    while (p->stream != NULL)
        (void)rp_loop_turn(w->loop, 1000);
}

static void one_round(worker *w, uint16_t port)
{
    rp_stream_options options = {.host = "127.0.0.1", .port = port, .tls = w->client_tls};
    w->client = (probe){.checked = true};
    CHECK(probe_open(&w->client, w->loop, &options) == RP_OK);
    CHECK(probe_write(&w->client, w->data, SIZE) == RP_OK);
    turn_until(w, &w->client.writes_done, 1);
    CHECK_TEXT(w->client.open_error.status == RP_OK, w->client.open_error.text);
    turn_until(w, &w->server.received, SIZE);
    CHECK(probe_write(&w->server, w->data, SIZE) == RP_OK);
    turn_until(w, &w->client.received, SIZE);
    w->resumed += w->client.info.resumed;
    finish(w, &w->client);
    finish(w, &w->server);
}

static void work(void *argument)
{
    worker *w = argument;
    listener l = {.on_socket = accept_one, .user = w};
    CHECK(listener_open(&l, w->loop, 4));
    for (int i = 0; i < ROUNDS; i++)
        one_round(w, l.address.port);
    listener_close(&l);
    while (l.socket != NULL)
        (void)rp_loop_turn(w->loop, 1000);
    CHECK(rp_loop_stats_get(w->loop)->wakeups_spurious == 0);
    CHECK(rp_loop_stats_get(w->loop)->tls_calls_idle == 0);
    rp_loop_destroy(w->loop);
}

static void share(int version)
{
    worker workers[THREADS];
    raw_thread *threads[THREADS];
    uint8_t *data = probe_pattern(SIZE);
    rp_tls_config *client = probe_client_tls(version);
    rp_tls_config *server = probe_server_tls("server-ecdsa", version);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.client_tls = rp_tls_config_retain(client),
                              .server_tls = rp_tls_config_retain(server),
                              .data = data};
        workers[i].loop = fixture_loop(); /* made here, used there */
        threads[i] = raw_thread_start(work, &workers[i]);
    }
    /* The last reference may be anybody's. */
    rp_tls_config_release(client);
    rp_tls_config_release(server);
    for (int i = 0; i < THREADS; i++) {
        raw_thread_join(threads[i]);
        rp_tls_config_release(workers[i].client_tls);
        rp_tls_config_release(workers[i].server_tls);
    }
    free(data);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].resumed, ROUNDS - 1); /* the loop's own sessions */
}

static void test_shared_configurations(void **state)
{
    (void)state;
    share(13);
    share(12);
}

static void nothing(void *argument)
{
    (void)argument;
}

int main(void)
{
    /* With the first thread the thread sanitizer starts one of its own. */
    raw_thread_join(raw_thread_start(nothing, NULL));
    const struct CMUnitTest tests[] = {
        fixture_test(test_shared_configurations),
    };
    return fixture_run(tests);
}
