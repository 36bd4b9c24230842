/* timeline.c - see timeline.h. */
#include "timeline.h"

#include <string.h>

#define FIRST_NS ((uint64_t)TIMELINE_FIRST_MS * 1000000)

static uint64_t width_ns(const timeline *t)
{
    return FIRST_NS << t->doublings;
}

double timeline_seconds(const timeline *t)
{
    return (double)width_ns(t) / 1e9;
}

static void double_width(timeline *t)
{
    for (unsigned i = 0; i < TIMELINE_SLICES; i++) {
        histogram pair = t->slices[i];
        uint64_t failed = t->failed[i], non_2xx = t->non_2xx[i];
        memset(&t->slices[i], 0, sizeof(t->slices[i]));
        t->failed[i] = t->non_2xx[i] = 0;
        histogram_add(&t->slices[i / 2], &pair);
        t->failed[i / 2] += failed;
        t->non_2xx[i / 2] += non_2xx;
    }
    t->count = (t->count + 1) / 2;
    t->doublings++;
}

/* Its number. */
static unsigned slice_at(timeline *t, uint64_t at_ns)
{
    while ((at_ns >> t->doublings) / FIRST_NS >= TIMELINE_SLICES)
        double_width(t);
    unsigned i = (unsigned)((at_ns >> t->doublings) / FIRST_NS);
    if (i >= t->count)
        t->count = i + 1;
    return i;
}

void timeline_record(timeline *t, uint64_t at_ns, uint64_t latency_us)
{
    histogram_record(&t->slices[slice_at(t, at_ns)], latency_us);
}

void timeline_record_failed(timeline *t, uint64_t at_ns)
{
    t->failed[slice_at(t, at_ns)]++;
}

void timeline_record_non_2xx(timeline *t, uint64_t at_ns)
{
    t->non_2xx[slice_at(t, at_ns)]++;
}

void timeline_latencies(const timeline *t, histogram *all)
{
    for (unsigned i = 0; i < t->count; i++)
        histogram_add(all, &t->slices[i]);
}

void timeline_add(timeline *to, const timeline *from)
{
    while (to->doublings < from->doublings)
        double_width(to);
    for (unsigned i = 0; i < from->count; i++) {
        unsigned at = slice_at(to, i * width_ns(from));
        histogram_add(&to->slices[at], &from->slices[i]);
        to->failed[at] += from->failed[i];
        to->non_2xx[at] += from->non_2xx[i];
    }
}
