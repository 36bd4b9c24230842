/* test_threads_alone.c - a client with one connection, and nothing else on its loop: no second
 * connection, no timer that is near. What a busy loop would put right shows here, as a turn that
 * sleeps though the server, in a thread of its own, has said all that it had to say. */
#include "support/raw.h"
#include "support/tls_pair.h"
#include "support/web.h"

#include <stdio.h>
#include <string.h>

enum { REQUESTS = 12, TURN_MS = 20000 };

/* How a connection ends, each after one answer. */
typedef enum ending {
    ENDS_WITH_THE_ANSWER, /* in one segment, or nearly */
    ENDS_LATER,
    ENDS_BY_RESET,
    ENDS_ANNOUNCED,
    ENDS_UNFRAMED, /* the end is the body's */
    ENDINGS
} ending;

typedef struct site {
    raw_socket listener;
    ending ends;
} site;

static void read_head(raw_socket peer)
{
    char tail[4] = "";
    while (memcmp(tail, "\r\n\r\n", 4) != 0) {
        memmove(tail, tail + 1, 3);
        raw_receive_all(peer, tail + 3, 1);
    }
}

static void serve_one(raw_socket peer, ending ends)
{
    static const char *const answers[ENDINGS] = {
        [ENDS_WITH_THE_ANSWER] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n",
        [ENDS_LATER] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n",
        [ENDS_BY_RESET] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n",
        [ENDS_ANNOUNCED] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n",
        [ENDS_UNFRAMED] = "HTTP/1.1 200 OK\r\n\r\nok\n",
    };
    read_head(peer);
    raw_send(peer, answers[ends], strlen(answers[ends]));
    if (ends == ENDS_LATER || ends == ENDS_BY_RESET)
        raw_sleep_ms(5); /* so that the reset does not overtake the answer */
    if (ends == ENDS_BY_RESET)
        raw_reset(peer);
    else
        raw_close(peer);
}

static void serve(void *argument)
{
    const site *s = argument;
    for (int i = 0; i < REQUESTS; i++)
        serve_one(raw_accept(s->listener), s->ends);
}

/* Each waits for the end of the one before: so the server decides how many connections there are.*/
static void ask_alone(web *w, const char *url)
{
    fetch f = {0};
    rp_request_options options = {.url = url};
    assert_true(fetch_start(&f, w, NULL, &options));
    while (f.dones == 0) {
        uint64_t begun_ms = fixture_now_ms();
        (void)rp_loop_turn(w->loop, TURN_MS);
        if (fixture_now_ms() - begun_ms >= TURN_MS)
            fail_msg("the loop slept, and nothing woke it");
    }
    assert_int_equal(f.error.status, RP_OK);
    assert_string_equal(f.text, "ok\n");
    while (w->client->conn_count > 0) {
        uint64_t begun_ms = fixture_now_ms();
        (void)rp_loop_turn(w->loop, TURN_MS);
        if (fixture_now_ms() - begun_ms >= TURN_MS)
            fail_msg("the end of the connection woke nobody");
    }
}

static void each_request_wakes_the_loop(ending ends)
{
    site s = {.ends = ends};
    rp_address address = raw_loopback(4, 0);
    web w = {.loop = fixture_loop()};
    char url[64];
    s.listener = raw_listen(&address, 16);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", address.port);
    assert_int_equal(rp_client_create(&w.client, w.loop, NULL, NULL), RP_OK);
    raw_thread *thread = raw_thread_start(serve, &s);
    for (int i = 0; i < REQUESTS; i++)
        ask_alone(&w, url);
    raw_thread_join(thread);
    raw_close(s.listener);
    rp_client_destroy(w.client);
    UNTIL(w.loop, !rp_loop_pending(w.loop));
    fixture_loop_end(w.loop);
}

static void test_each_ending(void **state)
{
    (void)state;
    for (ending ends = 0; ends < ENDINGS; ends++)
        each_request_wakes_the_loop(ends);
}

/* ---- alerts ---- */

/* The client gives up in its answer to the server's flight, and closes at once: the server learns
 * why. Its certificate is for nobody that the client asks for. */
static void refuse(int version)
{
    web w;
    fetch f = {0};
    web_begin_apart(&w, version, NULL, NULL);
    rp_client_destroy(w.client);
    rp_client_options options = {
        .tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem")})};
    assert_int_equal(rp_client_create(&w.client, w.loop, &options, NULL), RP_OK);
    rp_tls_config_release(options.tls);
    for (unsigned i = 1; i <= 20; i++) {
        f = (fetch){0};
        fetch_bad(&f, &w, "/hello", NULL, RP_E_CERT_UNTRUSTED, RP_PHASE_HANDSHAKE);
        for (uint64_t until_ms = fixture_now_ms() + 10000; web_counts(&w)->alerts < i;) {
            (void)rp_loop_turn(w.loop, 1);
            if (fixture_now_ms() > until_ms)
                fail_msg("TLS 1.%d: the server got %u of %u alerts", version - 10,
                         (unsigned)web_counts(&w)->alerts, i);
        }
    }
    web_end(&w);
}

static void test_alert_of_a_refused_certificate(void **state)
{
    (void)state;
    refuse(12);
    refuse(13);
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
        fixture_test_real(test_each_ending),
        fixture_test_real(test_alert_of_a_refused_certificate),
    };
    return fixture_run(tests);
}
