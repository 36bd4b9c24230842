/* test_records.c - TLS records that come together are delivered together, in pieces no larger than
 * http.h says of on_body. */
#include "support/play.h"

#include <string.h>

enum { RECORD_MOST = 16384 };

typedef struct answer {
    size_t sizes[4]; /* of the records, one after the other */
    size_t total;
} answer;

static size_t largest, received;
static bool done;

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    (void)request, (void)data, (void)user;
    largest = size > largest ? size : largest;
    received += size;
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    (void)request, (void)user;
    assert_true(summary->error == NULL || summary->error->status == RP_OK);
    done = true;
}

static void serve(rp_sim_exchange *x, void *user)
{
    static char bytes[RECORD_MOST];
    const answer *a = user;
    rp_sim_hold(x);
    rp_sim_head(x, 200, NULL, a->total);
    for (size_t i = 0; i < 4; i++)
        rp_sim_data(x, bytes, a->sizes[i]);
    rp_sim_flush(x);
}

static void test_pieces(void **state)
{
    static const rp_response_events events = {.on_body = on_body, .on_done = on_done};
    static const answer answers[] = {
        {{8000, RECORD_MOST, 0, 0}, 8000 + RECORD_MOST},
        {{8191, RECORD_MOST, 1, RECORD_MOST}, 8192 + 2 * RECORD_MOST},
        {{1, 2, 3, RECORD_MOST}, 6 + RECORD_MOST},
        {{4000, 4000, 4000, 4000}, 16000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        for (int version = 12; version <= 13; version++) {
            play p;
            answer a = answers[i];
            rp_sim_server_options server = {
                .on_request = serve, .user = &a, .versions = RP_SIM_HTTP_1};
            largest = received = 0;
            done = false;
            play_begin(&p, &(play_options){.server = &server, .version = version});
            rp_request_options options = {.url = play_url(&p, "/")};
            assert_non_null(rp_client_send(p.client, &options, &events, NULL, NULL));
            while (!done)
                (void)rp_loop_turn(p.loop, RP_NEVER_MS);
            assert_int_equal(received, a.total);
            assert_true(largest <= RECORD_MOST);
            play_end(&p);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces)};
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
