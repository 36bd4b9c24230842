/* timeline.h - how a run went over time: as many slices as fit, twice as long each time that they
 * do not, with the latencies of what ended in each. Zeroed memory is an empty one. */
#ifndef TOOL_TIMELINE_H
#define TOOL_TIMELINE_H

#include "histogram.h"

#define TIMELINE_SLICES 32
#define TIMELINE_FIRST_MS 10

typedef struct timeline {
    unsigned doublings; /* of TIMELINE_FIRST_MS */
    unsigned count;     /* slices up to the last that has anything */
    histogram slices[TIMELINE_SLICES];
    uint64_t failed[TIMELINE_SLICES];  /* likewise: requests that failed... */
    uint64_t non_2xx[TIMELINE_SLICES]; /* ...and responses that are among the slices' */
} timeline;

/* Something ended at_ns after the beginning. */
void timeline_record(timeline *t, uint64_t at_ns, uint64_t latency_us);
void timeline_record_failed(timeline *t, uint64_t at_ns);
void timeline_record_non_2xx(timeline *t, uint64_t at_ns);
void timeline_add(timeline *to, const timeline *from);
/* All of its latencies are added. */
void timeline_latencies(const timeline *t, histogram *all);
/* Of a slice. */
double timeline_seconds(const timeline *t);

#endif
