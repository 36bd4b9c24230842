/* load.h - load that both sides can live with: options of a client (http.h), all off unless asked
 * for. Each counts for an origin: scheme, host and port, by one way. */
#ifndef RINGPORT_LOAD_H
#define RINGPORT_LOAD_H

#include <ringport/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much of an origin is asked at once, and how many may wait for it. */
typedef struct rp_limit_options {
    uint32_t requests_in_flight; /* that connections have at a time; the others wait. 0: no limit */
    uint32_t queue_limit;        /* requests that wait; one more is refused by rp_client_send, with
                                  * RP_E_ORIGIN_QUEUE_FULL. 0: no limit but the client's */
    /* One that would wait longer than it may is refused at once, by rp_client_send, with
     * RP_E_QUEUE_SHED: so those that were there first are answered in time, and not all of them
     * too late. How long it would wait follows from how many wait already, how many are under way,
     * and how long each has taken of late; how long it may, from queue_timeout_ms and
     * total_timeout_ms, which has to suffice for its answer as well. What comes back into the
     * queue (a replay, a redirect) is not refused. */
    bool shed;
    /* While connections to the origin fail to open, or stall, one is opened every so many
     * milliseconds at most (250 at least), for whoever waits: those who wait when it fails fail
     * with it. The first that opens ends that. So a server that is down is not stormed, and is used
     * again so soon after it is up. 0: each request that needs one has a connection opened at once,
     * and behind one that stalls the next is tried when it is given up */
    uint32_t probe_ms;
} rp_limit_options;

#ifdef __cplusplus
}
#endif
#endif
