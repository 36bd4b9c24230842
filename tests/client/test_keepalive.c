/* test_keepalive.c - what a stream's options of keepalive make of its socket (Linux). */
#include "support/probe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

typedef struct expected {
    uint64_t idle_ms, unconfirmed_ms; /* the options */
    int on, idle_s, interval_s, user_timeout_ms;
} expected;

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* The descriptor that is connected to the port. */
static int connected_to(uint16_t port)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
        socklen_t size = sizeof(peer);
        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port)
            return fd;
    }
    fail_msg("nothing is connected to port %u", port);
    return -1;
}

static void check(const expected *as)
{
    probe_pair pair;
    probe_pair_begin(&pair, 0, NULL);
    pair.keepalive_idle_ms = as->idle_ms;
    pair.keepalive_unconfirmed_ms = as->unconfirmed_ms;
    probe_pair_open(&pair);
    int fd = connected_to(pair.listener.address.port);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), as->on);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), as->user_timeout_ms);
    if (as->on) {
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), as->idle_s);
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), as->interval_s);
    }
    probe_pair_end(&pair);
}

static void test_options(void **state)
{
    (void)state;
    static const expected cases[] = {
        {0, 0, 1, 60, 20, 120000},
        {RP_NEVER_MS, 0, 0, 0, 0, 120000},
        {0, RP_NEVER_MS, 1, 60, 10, 0},
        {RP_NEVER_MS, RP_NEVER_MS, 0, 0, 0, 0},
        {1, 1, 1, 1, 1, 1},
        {90000, 60000, 1, 90, 1, 60000},
        {60000, 120000, 1, 60, 20, 120000},
        {RP_NEVER_MS - 1, RP_NEVER_MS - 1, 1, 32767, 1, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test_real(test_options)};
    return fixture_run(tests);
}
