/* tally.h - what load counts: one for each thread, added up at the end. */
#ifndef TOOL_TALLY_H
#define TOOL_TALLY_H

#include "histogram.h"
#include "options.h"
#include "timeline.h"

#define TALLY_ERRORS 16

typedef struct tally_error {
    rp_status status;
    rp_phase phase;
    uint64_t count;
    char text[RP_ERROR_TEXT_SIZE];
} tally_error;

/* One of those that a file lists. */
typedef struct request_tally {
    uint64_t ok, non_2xx, failed;
    histogram latency;
} request_tally;
#define TALLY_REQUESTS 1000 /* that are counted apart: the first ones */

/* Of the complete responses. */
typedef struct slowest_request {
    uint64_t latency_ns;
    char why[320];
} slowest_request;

typedef struct tally {
    uint64_t ok;        /* complete, with a status from 200 to 299 */
    uint64_t non_2xx;   /* complete, with another */
    uint64_t failed;    /* without a complete response */
    uint64_t cancelled; /* by the end of the run; not counted anywhere else */
    uint64_t bytes;     /* of bodies */
    uint64_t statuses[1000];
    uint64_t http1, http2;            /* complete responses, by their connections' version */
    tally_error errors[TALLY_ERRORS]; /* the first kinds that came */
    size_t error_count;
    uint64_t errors_unlisted;
    timeline times;    /* latencies of complete responses; with a rate from when they were due */
    histogram latency; /* of a sum (tally_add): all that are in times */
    histogram service; /* with a rate: from when they were sent */
    uint64_t unsent;   /* with a rate: due when the run ended, and not begun */
    slowest_request slowest;
    histogram connect; /* of the requests that opened a connection; without resolving */
    histogram handshake;
    uint64_t hedges, hedges_won;
    request_tally *each; /* each_count; NULL: there is no file of requests */
    size_t each_count;
    rp_loop_stats stats;
} tally;

/* The clock of CPU time may be as coarse as 10 ms. */
#define LOAD_CPU_SECONDS 0.1 /* below which a run is too short to tell of it */

/* What is to be told of a run. */
typedef struct load_result {
    const tool_options *options;
    char backend[128];
    double seconds;
    double user_us, system_us; /* CPU time of the process */
    bool interrupted;
    bool given_up; /* it began with failures that do not pass */
    tally total;
} load_result;

/* False: no memory. tally_free in either case. */
bool tally_count_apart(tally *t, size_t requests);
void tally_free(tally *t);
uint64_t tally_finished(const tally *t);
void tally_note_error(tally *t, const rp_error *error, uint64_t count);
/* Which are all that was counted so far. */
void tally_forget_failures(tally *t);
/* to counts as many apart as from does. */
void tally_add(tally *to, const tally *from);
/* Leaves what came since before. */
void tally_subtract_stats(rp_loop_stats *from, const rp_loop_stats *before);
/* A complete response, slower than all before; late_ns: so long after it was due it was sent. */
void tally_note_slowest(tally *t, const rp_response_summary *summary, uint64_t latency_ns,
                        uint64_t late_ns);

/* The numbers of those that are counted apart, by their 99th percentile. */
void tally_slowest_first(const tally *t, size_t order[TALLY_REQUESTS]);

/* 0: all succeeded, 1: some did, otherwise what curl would give if they all ended alike. */
int tally_exit_code(const tally *t);

void load_print(const load_result *r, FILE *out);
void load_print_json(const load_result *r, FILE *out);

#endif
