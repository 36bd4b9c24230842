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
} timeline;

/* Something ended at_ns after the beginning. */
void timeline_record(timeline *t, uint64_t at_ns, uint64_t latency_us);
void timeline_add(timeline *to, const timeline *from);
/* Of a slice. */
double timeline_seconds(const timeline *t);

#endif
