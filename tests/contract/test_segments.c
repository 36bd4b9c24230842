/* test_segments.c - first and last words: they leave with the connection's beginning and its end,
 * and not in segments of their own (Linux). */
#include "support/contract.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* tcpi_segs_in of the kernel's struct tcp_info (linux/tcp.h), since Linux 4.2; glibc's ends before
 * it. */
#define SEGMENTS_IN_AT 140

static uint32_t segments_received(raw_socket peer)
{
    uint8_t info[SEGMENTS_IN_AT + sizeof(uint32_t)];
    uint32_t segments;
    socklen_t size = sizeof(info);
    assert_int_equal(getsockopt((int)peer, IPPROTO_TCP, TCP_INFO, info, &size), 0);
    assert_int_equal(size, sizeof(info));
    memcpy(&segments, info + SEGMENTS_IN_AT, sizeof(segments));
    return segments;
}

static void say_first(endpoint *e)
{
    endpoint_send_text(e, "first");
}

/* What the peer received. */
static uint32_t segments_of(contract *c, uint8_t family, bool together)
{
    static const endpoint_events on = {.connected = say_first};
    endpoint e = {.on = &on};
    char text[16] = "";
    rp_address address = raw_loopback(family, 0);
    raw_socket listener = raw_listen(&address, 16);
    endpoint_open(&e, c, family);
    e.socket->speaks_first = together;
    endpoint_connect(&e, &address);
    TURN_UNTIL(c, e.sends > 0);
    raw_socket peer = raw_accept(listener);
    raw_receive_all(peer, text, 5);
    endpoint_receive(&e);
    e.socket->quiet_send = true;
    e.socket->last_send = together;
    endpoint_send_text(&e, "last");
    endpoint_finish(&e, NULL);
    raw_receive_all(peer, text + 5, 4);
    assert_string_equal(text, "firstlast");
    assert_int_equal(raw_receive(peer, text, sizeof(text)), 0);
    uint32_t segments = segments_received(peer);
    raw_close(peer);
    raw_close(listener);
    return segments;
}

/* Two segments less. Whoever is held up between two steps for long sends the words apart, as any
 * program does: then it is tried again. */
static void words_leave_with_the_connection(contract *c)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        uint32_t apart = segments_of(c, family, false), together = apart;
        for (int i = 0; i < 20 && together + 2 > apart; i++)
            together = segments_of(c, family, true);
        assert_int_equal(together + 2, apart);
    }
}

static const contract_test tests[] = {
    {.name = "first and last words", .fn = words_leave_with_the_connection, .real_only = true},
};

CONTRACT_MAIN("segments", tests)
