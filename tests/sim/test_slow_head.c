/* test_slow_head.c - a head that comes in pieces, each in time, is in time: idle_timeout_ms runs
 * from the last of them, in both versions. */
#include "support/play.h"

#include <string.h>

#define GAP_MS 100
#define IDLE_MS 150

typedef struct piecewise {
    rp_http_versions version;
    size_t cut;     /* bytes of a piece */
    bool continued; /* HTTP/2's in two frames */
    uint64_t gaps;
} piecewise;

static void in_pieces(rp_sim_exchange *x, piecewise *p, size_t first, const void *bytes,
                      size_t size)
{
    const char *at = bytes;
    for (size_t part = first; size > 0; part = p->cut) {
        part = part < size ? part : size;
        rp_sim_write(x, at, part);
        rp_sim_wait(x, GAP_MS);
        p->gaps++;
        at += part;
        size -= part;
    }
}

/* ":status: 200", "content-length: 2". What a frame is of its first bytes say. */
static void answer_h2(rp_sim_exchange *x, piecewise *p)
{
    static const uint8_t whole[] = {0, 0, 5, 1, 4, 0, 0, 0, 1, 0x88, 0x0f, 0x0d, 1, '2'};
    static const uint8_t first[] = {0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88};
    static const uint8_t second[] = {0, 0, 4, 9, 4, 0, 0, 0, 1, 0x0f, 0x0d, 1, '2'};
    size_t least = 8 + p->cut;
    if (p->continued) {
        in_pieces(x, p, least, first, sizeof(first));
        in_pieces(x, p, least, second, sizeof(second));
    } else {
        in_pieces(x, p, least, whole, sizeof(whole));
    }
    rp_sim_frame(x, RP_SIM_FRAME_DATA, RP_SIM_FLAG_END_STREAM, rp_sim_stream(x), "ok", 2);
}

static void answer(rp_sim_exchange *x, void *user)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    piecewise *p = user;
    if (p->version == RP_HTTP_2) {
        answer_h2(x, p);
        return;
    }
    in_pieces(x, p, p->cut, head, sizeof(head) - 1);
    rp_sim_write(x, "ok", 2);
    rp_sim_end(x, RP_SIM_KEEP);
}

static void slowly(piecewise *p, int version)
{
    play pl;
    call c = {0};
    rp_sim_server_options server = {.on_request = answer, .user = p};
    rp_client_options client = {.versions = p->version, .http2_prior_knowledge = true};
    client.http2_prior_knowledge = p->version == RP_HTTP_2;
    server.versions = p->version == RP_HTTP_2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1;
    play_begin(&pl, &(play_options){.server = &server, .client = &client, .version = version});
    rp_request_options options = {.idle_timeout_ms = IDLE_MS};
    call_start(&c, &pl, &options);
    call_wait(&c, &pl);
    if (c.error.status != RP_OK)
        fail_msg("%zu bytes at a time: %s", p->cut, c.error.text);
    assert_string_equal(c.text, "ok");
    assert_true(c.took_ns / 1000000 >= p->gaps * GAP_MS);
    play_end(&pl);
}

static void test_each_piece_counts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        for (size_t cut = 1; cut <= 12; cut++) {
            piecewise p = {.cut = cut, .continued = i % 3 == 2};
            p.version = i % 3 == 0 ? RP_HTTP_1_1 : RP_HTTP_2;
            slowly(&p, i < 3 ? 13 : 0);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_piece_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
