/* contract.h - what the tests of the port contract (src/loop/port.h) share.
 *
 * A test is written once and run for every port of rp__ports[], and on the simulator with some
 * seeds; its name is the port's name, a colon and its own. After each the harness checks what must
 * always hold: no spurious wake-up, no memory and no descriptor left behind.
 *
 * An endpoint is a port's socket with an account of what was started and what came of it. It
 * checks, at every callback of every test: that none comes inside a starting call, that each
 * start gets exactly one final completion, that no data comes after close, and that closed is
 * the last. */
#ifndef RP_TESTS_CONTRACT_H
#define RP_TESTS_CONTRACT_H

#include "loop/loop.h"
#include "loop/port.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- tests ---- */

typedef struct contract {
    const rp_port_ops *ops;
    void *context; /* of the port; NULL: a real one */
    rp_loop *loop;
    rp_port *port;
    unsigned starting;       /* calls of the port that are on the stack */
    uint64_t random;         /* state of contract_random */
    uint64_t live;           /* blocks of memory that the loop holds */
    uint64_t allocate_limit; /* further allocations fail; 0: none does */
    uint64_t allocated;
} contract;

typedef struct contract_test {
    const char *name;
    void (*fn)(contract *c);
    bool real_only; /* is about the system, or about real time: not for the simulator */
    unsigned seeds; /* in the simulator, 0: 25 */
} contract_test;

/* A filter in argv[1], "epoll: *" say, chooses tests. In the environment, RP_SEED: the
 * simulator's tests run with that seed alone; RP_REAL: without these. simulated: on the simulator
 * too. */
int contract_main(const char *group, const contract_test *tests, size_t count, bool simulated,
                  int argc, char **argv);
#define CONTRACT_MAIN_ON(group, tests, simulated)                                                  \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return contract_main(group, tests, sizeof(tests) / sizeof((tests)[0]), simulated, argc,    \
                             argv);                                                                \
    }
#define CONTRACT_MAIN(group, tests) CONTRACT_MAIN_ON(group, tests, true)

/* Ends the test's loop, with the checks, and makes another one. */
void contract_reopen(contract *c, const rp_loop_options *options);
/* Options with which a loop is made on the test's port and memory. */
rp_loop_options contract_options(contract *c);

/* Repeatable: the same numbers in each run. */
uint64_t contract_random(contract *c, uint64_t below);

/* Turns until condition holds. No turn may sleep through its wait: nothing but what the test waits
 * for is there to wake the loop, and the port may not count on anything else. */
#define TURN_UNTIL(c, condition)                                                                   \
    do {                                                                                           \
        while (!(condition))                                                                       \
            contract_turn(c);                                                                      \
    } while (0)

/* One turn, in which something must come. */
void contract_turn(contract *c);

/* Turns while there is something to do at once, and then for ms more. */
void contract_settle(contract *c, unsigned ms);

/* ---- bytes that show what was lost, doubled or reordered ---- */

typedef struct pattern {
    uint32_t seed;
    uint64_t offset;
} pattern;

/* Both go on where the last call ended. */
void pattern_fill(pattern *p, void *data, size_t size);
bool pattern_check(pattern *p, const void *data, size_t size);

/* ---- endpoints ---- */

typedef struct endpoint endpoint;

/* All may be NULL. They run after the account was brought up to date. */
typedef struct endpoint_events {
    void (*connected)(endpoint *e);
    /* socket must be adopted. */
    void (*accepted)(endpoint *listener, rp_socket *socket);
    void (*accept_failed)(endpoint *listener); /* not final */
    void (*accept_ended)(endpoint *listener);
    void (*received)(endpoint *e, rp_slice bytes);
    void (*receive_ended)(endpoint *e);
    void (*sent)(endpoint *e);
    void (*closed)(endpoint *e); /* may free e */
} endpoint_events;

struct endpoint {
    contract *c;
    rp_socket *socket; /* NULL once closed */
    const endpoint_events *on;
    endpoint *peer; /* the test's, as user is */
    void *user;

    unsigned started; /* RP_OP_...: in flight */
    bool closing, closed, in_callback;

    /* Final completions, and the last one's result. */
    unsigned connects, accepts, receives, sends;
    rp_io_result connect_result, accept_result, receive_result, send_result;

    unsigned accepted_count, accept_failures;
    rp_io_result accept_failure;
    uint64_t received_count, received_bytes;
    char text[32]; /* the first bytes received, NUL-terminated */
    bool checked;  /* received bytes must follow in_pattern */
    pattern in_pattern, out_pattern;
    rp_slice slice; /* of endpoint_send_bytes */
};

/* Set to zero first, then on, peer, user. */
void endpoint_open(endpoint *e, contract *c, uint8_t family);
void endpoint_adopt(endpoint *e, contract *c, rp_socket *socket);
void endpoint_listen(endpoint *e, rp_address *address); /* on the loopback address, a free port */
void endpoint_connect(endpoint *e, const rp_address *address);
void endpoint_accept(endpoint *e);
void endpoint_receive(endpoint *e);
void endpoint_send(endpoint *e, const rp_slice *slices, size_t count);
void endpoint_send_bytes(endpoint *e, const void *data, size_t size); /* borrowed */
void endpoint_send_text(endpoint *e, const char *text);
void endpoint_shutdown_send(endpoint *e);
void endpoint_reset_on_close(endpoint *e);
void endpoint_cancel(endpoint *e, unsigned operations);
void endpoint_close(endpoint *e);

/* Close, and turn until all are closed. NULL at the end. */
void endpoint_finish(endpoint *e, ...);

/* A connection between two endpoints, and one between an endpoint and the outside. */
void endpoint_pair(contract *c, endpoint *client, endpoint *server);
raw_socket endpoint_raw_pair(contract *c, endpoint *e);

#endif
