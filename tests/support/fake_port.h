/* fake_port.h - a port (src/loop/port.h) that only keeps account and says what it is told to say:
 * for what the layers above make of answers that no real port gives on demand. */
#ifndef TEST_FAKE_PORT_H
#define TEST_FAKE_PORT_H

#include "loop/loop.h"

/* What becomes of a socket: of its making, and if that is RP_OK of its connect. */
typedef struct fake_attempt {
    rp_io_result open, connect;
} fake_attempt;

typedef struct fake_port {
    rp_port port;
    rp_port_options options; /* as the loop gave them */

    uint64_t now_ns;    /* 1 s at first */
    uint64_t passes_ns; /* with each turn */
    unsigned finds;     /* by each turn, beside what is listed below */
    uint64_t waited_ns; /* by the last turn */
    unsigned wakes;     /* calls of wake */
    bool no_waitable;   /* it can't be made; else it is the socket 99 */
    unsigned deadlines; /* calls of waitable_deadline, and the last one's */
    uint64_t deadline_ns;

    const fake_attempt *attempts; /* of the sockets in the order of their making */
    size_t attempt_count, opened;
    bool no_answer;  /* to any connect */
    rp_link sockets; /* that wait for a turn */

    /* Of every question, at the next turn: the addresses of the family asked for. */
    rp_status answer;
    bool silent[2]; /* A, AAAA: not yet */
    const rp_address *addresses;
    size_t address_count;
    unsigned questions[2];
    uint32_t ttl_s;
    rp_port_lookup *asked[2]; /* A, AAAA */
} fake_port;

/* A loop on such a port; options NULL: defaults. names: the port answers look-ups itself. */
rp_loop *fake_port_loop(fake_port **port, const rp_loop_options *options, bool names);

/* A port whose making ends so. */
rp_status fake_port_failing(rp_loop **loop, rp_status status, rp_error *error);

#endif
