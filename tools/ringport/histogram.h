/* histogram.h - a log-linear histogram, as HdrHistogram's: every value up to 2^40 within 1.6
 * percent, in fixed memory, one increment a value. Zeroed memory is an empty histogram. */
#ifndef TOOL_HISTOGRAM_H
#define TOOL_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BITS 40
#define HISTOGRAM_BUCKETS (128 + (HISTOGRAM_BITS - 7) * 64)

typedef struct histogram {
    uint64_t count, sum, min, max; /* exact; min and max mean nothing while count is 0 */
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram;

/* Larger values count as 2^40 - 1. */
void histogram_record(histogram *h, uint64_t value);

void histogram_add(histogram *to, const histogram *from);

/* The value that percent (0 to 100) of all values do not exceed, rounded up within its bucket; 0 if
 * there is none. */
uint64_t histogram_percentile(const histogram *h, double percent);

double histogram_mean(const histogram *h);

/* How many values are at most value, within the precision of a bucket. */
uint64_t histogram_at_most(const histogram *h, uint64_t value);

/* The steps of a 1-2-5 scale, from the smallest value's on: zero s, then call until false. */
typedef struct histogram_step {
    uint64_t at_most, count; /* so many values, above the step before */
    uint64_t below;
} histogram_step;
bool histogram_next(const histogram *h, histogram_step *s);

/* Points of the curve of percentiles, as HdrHistogram has them: five for each half of what is left
 * to 100 %, up to the last value, which is the maximum. How many: at most HISTOGRAM_POINTS. */
#define HISTOGRAM_POINTS 208
typedef struct histogram_point {
    double percent;
    uint64_t value;
} histogram_point;
size_t histogram_curve(const histogram *h, histogram_point points[HISTOGRAM_POINTS]);

/* One line a step. */
void histogram_print(const histogram *h, FILE *out, const char *unit);

#endif
