/* insight.h - what a client does: statistics for each origin, and their text for Prometheus.
 *
 * Reading allocates nothing and changes nothing; counting is always on, and costs a few additions
 * for each request. Names follow OpenTelemetry's conventions for HTTP clients where it has one. */
#ifndef RINGPORT_INSIGHT_H
#define RINGPORT_INSIGHT_H

#include <ringport/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RP_FAILURE_KINDS 12
#define RP_DURATION_BUCKETS 15

typedef struct rp_failure_count {
    rp_status status; /* RP_OK for the last element, which counts what found no place before it */
    uint64_t count;   /* 0: this element is not used, nor are those behind it but the last */
} rp_failure_count;

/* Since the client was made. */
typedef struct rp_counts {
    uint64_t requests; /* that are done, failed ones too; with redirects they count where they
                        * ended */
    uint64_t failed;
    uint64_t responses[6]; /* by the first digit of the status; 0: there was none */
    rp_failure_count failures[RP_FAILURE_KINDS];
    uint64_t replayed; /* requests that were written, and went out once more by themselves */
    uint64_t connections_opened, connections_failed;
    uint64_t handshakes_full, handshakes_resumed;
    uint64_t bytes_sent, bytes_received; /* requests with their heads, as plaintext; bodies, as they
                                          * came */
    uint64_t duration_us;                /* of all requests that are done, together */
    /* Of these so many took at most rp_duration_bounds_us[i], and more than the one before; the
     * last one has no bound. */
    uint64_t durations[RP_DURATION_BUCKETS];
    uint64_t retries;            /* tries beyond the first, by a policy of load.h */
    uint64_t hedges, hedges_won; /* likewise requests that were sent a second time, and of these
                                  * those that the second answered */
} rp_counts;

/* 5 ms to 10 s: OpenTelemetry's for http.client.request.duration. The last is UINT64_MAX. */
extern const uint64_t rp_duration_bounds_us[RP_DURATION_BUCKETS];

/* An origin, by one way: what goes through a proxy, or elsewhere by connect_to, counts apart.
 * Strings live until the callback returns. */
typedef struct rp_origin_statistics {
    const char *host; /* lower case, without brackets; NULL: the client's origins that are known no
                       * more, together: counts alone */
    uint16_t port;
    bool https;
    const char *way; /* connect_to's place, or the proxy, "" if it is neither; and a number, so that
                      * no two are the same */
    uint32_t open, idle, opening; /* connections; idle are among the open ones */
    uint32_t in_flight, queued;   /* requests */
    uint64_t oldest_wait_us;      /* of a request in the queue; 0: there is none */
    rp_counts counts;
} rp_origin_statistics;

/* False: no more of them. Nothing of this client is to be called inside. */
typedef bool rp_origin_statistics_fn(const rp_origin_statistics *origin, void *user);

/* Calls fn for each origin. Those that nothing uses any more are kept for a while, 256 at the
 * most. */
void rp_client_origins(const rp_client *client, rp_origin_statistics_fn *fn, void *user);

/* All of them together; host and way are NULL. */
void rp_client_totals_sized(const rp_client *client, rp_origin_statistics *totals,
                            size_t totals_size);
static inline void rp_client_totals(const rp_client *client, rp_origin_statistics *totals)
{
    rp_client_totals_sized(client, totals, sizeof(rp_origin_statistics));
}

/* The statistics as Prometheus reads them (text format 0.0.4: Content-Type "text/plain;
 * version=0.0.4"), in pieces of a line each, shorter than 2 KiB. Of more than 1,000 origins the
 * others are left out, so that it stays below some 5 MiB. */
typedef void rp_metrics_fn(const char *text, size_t size, void *user);
void rp_client_metrics(const rp_client *client, rp_metrics_fn *fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
