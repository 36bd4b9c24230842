/* load.h - load that both sides can live with: options of a client, and of a request, in http.h,
 * all off unless asked for. Limits and budgets are of an origin: scheme, host and port, by one
 * way. */
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
    /* How many requests may be in flight is found out, up to requests_in_flight: as many as keep
     * the server busy and do not wait there, by the gradient controller of Envoy's adaptive
     * concurrency. It grows while answers take no longer than those that need not wait, which is
     * measured every 30 seconds with half as many, and shrinks as they take longer; also where more
     * than a tenth of them fail: get no answer in time, or 429 or 503. */
    bool adaptive;
} rp_limit_options;

/* How the time before a retry is drawn. With n retries so far, least and most of the backoff: */
typedef enum rp_jitter {
    RP_JITTER_FULL = 0,    /* up to least * 2^n, at most most */
    RP_JITTER_DECORRELATED /* from least up to three times the last one, at most most */
} rp_jitter;

/* A request that fails is sent again. Only if the server does not mind: its method is idempotent
 * (RFC 9110, 9.2.2), or the caller says so (idempotent), and never_replay does not forbid it; or
 * nothing of it was sent. Only if its body, as far as it was sent, can be sent again. And only
 * before on_head: what is retried is that a connection can't be opened, is lost, or stays silent
 * until first_byte_timeout_ms or idle_timeout_ms, and answers with certain statuses, which then are
 * not told. Deadlines but total_timeout_ms begin anew with each try. The summary says how often
 * (retries) and why (retry_why). */
typedef struct rp_retry_options {
    uint32_t attempts;         /* tries in all; 0 and 1: there is no other */
    uint32_t backoff_least_ms; /* 0: 100 */
    uint32_t backoff_most_ms;  /* 0: 10,000 */
    rp_jitter jitter;
    uint32_t retry_after_limit_ms; /* a Retry-After in seconds or as a date is waited for, and up to
                                    * backoff_least_ms longer; if it asks for more than this, the
                                    * answer is the request's. 0: 60,000 */
    uint16_t statuses[8];          /* that are retried, 400 to 599; all 0: 429, 502, 503, 504 */
    /* The budget of an origin, so that retries do not make an overload worse. */
    uint32_t budget_percent; /* each of its requests that ends well allows so many percent of a
                              * retry. 0: 20; UINT32_MAX: there is no budget */
    uint32_t budget_per_s;   /* each second allows so many retries, the most that any of its
                              * requests' policies says. The budget never holds more than ten
                              * seconds allow. 0: 10 */
} rp_retry_options;

/* A request that waits for its answer longer than most do is sent a second time, and the first
 * usable answer is its answer; the other try is given up: HTTP/2's stream is reset, HTTP/1.1's
 * connection closed. So one slow server of many, or one lost segment, is not what the slowest
 * requests wait for.
 *
 * Only if the server does not mind (as of a retry: idempotent, never_replay), once in each try of
 * rp_retry_options, and not with a body that is given piece by piece, with Expect, or with upgrade.
 * It goes out on another connection than the first: an open one, to another address if there is
 * one, else a new one, which goes to the name's next address. It is not sent where requests wait
 * for connections or places already, where no connection may be opened, or in a drain. It takes a
 * place of requests_in_flight. So with connections_per_origin or requests_in_flight 1, or a share
 * of 1 that a service's loop has of them, nothing is ever hedged.
 *
 * Each answer is usable but 429 and those from 500 on: one of these is the request's answer only
 * when no other try is under way. Likewise an error ends the request only when both tries have
 * failed; then it is the later one's. A second that still waits for a connection when the first
 * fails is given up, and was no try. Interim answers (1xx) are not told while there are two tries,
 * and those of the second never are. Each try has deadlines of its own; total_timeout_ms is for
 * both. */
typedef struct rp_hedge_options {
    uint32_t percentile; /* 1 to 99: when it has waited, from its last byte on, for longer than so
                          * many percent of the latest requests to the origin with this option. Not
                          * before 50 of them are known. 0: only delay_ms counts */
    uint32_t delay_ms;   /* so long after its last byte at the earliest. Both 0: off */
    /* The budget of an origin: each such request allows so many percent of a second one. The first
     * is there at once, and ten are kept at most. */
    uint32_t budget_percent; /* 1 to 100; 0: 5; UINT32_MAX: there is no budget */
} rp_hedge_options;

#ifdef __cplusplus
}
#endif
#endif
