/* report.h - results of `ringport load` as one page of HTML: how the latency is distributed, how
 * the run went over time, and the numbers. Nothing of it comes from elsewhere, and no script runs;
 * it follows the reader's choice of light or dark. It is well-formed XML, too. */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include "tally.h"

#define REPORT_SLICES 64

typedef struct report_slice {
    double requests, errors; /* a second; errors are responses but 2xx and failures */
    double p50_us, p99_us;   /* of none without requests */
} report_slice;

/* What is shown of a run. Numbers below 0: not known. */
typedef struct report_run {
    char name[256]; /* any bytes */
    double requests, seconds, per_second, ok, non_2xx, failed, unsent, cpu_us;
    double mean_us, p50_us, p90_us, p99_us, p99_9_us, max_us;
    size_t point_count;
    struct {
        double percent, us;
    } points[HISTOGRAM_POINTS]; /* of the curve of percentiles, rising */
    double slice_seconds;
    size_t slice_count;
    report_slice slices[REPORT_SLICES];
    const load_result *result; /* for the tables of errors and requests; NULL: there are none */
} report_run;

void report_of_load(report_run *run, const load_result *r);
/* Of a slice: the last one is not over when the run is. What is left of it may be next to nothing,
 * and its rates at random: not less than a fifth. */
double report_slice_seconds(const report_run *run, size_t i);

#define REPORT_RUNS 2

/* One run, or two side by side. Whether it could be written, the file says. */
void report_write(const report_run *runs, size_t count, FILE *out);

#endif
