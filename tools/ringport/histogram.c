/* histogram.c - a log-linear histogram: values below 128 have a bucket each, every power of two
 * above has 64 of equal width. */
#include "histogram.h"

#define LINEAR 128
#define HALF 64

/* Position of the highest bit; value > 0. */
static unsigned log2_floor(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

static unsigned bucket_of(uint64_t value)
{
    if (value < LINEAR)
        return (unsigned)value;
    unsigned shift = log2_floor(value) - 6;
    return LINEAR + (shift - 1) * HALF + ((unsigned)(value >> shift) - HALF);
}

/* The largest value of a bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < LINEAR)
        return bucket;
    unsigned shift = (bucket - LINEAR) / HALF + 1;
    uint64_t step = HALF + (bucket - LINEAR) % HALF;
    return ((step + 1) << shift) - 1;
}

void histogram_record(histogram *h, uint64_t value)
{
    if (value >= UINT64_C(1) << HISTOGRAM_BITS)
        value = (UINT64_C(1) << HISTOGRAM_BITS) - 1;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->count++;
    h->sum += value;
    h->buckets[bucket_of(value)]++;
}

void histogram_add(histogram *to, const histogram *from)
{
    if (from->count == 0)
        return;
    if (to->count == 0 || from->min < to->min)
        to->min = from->min;
    if (from->max > to->max)
        to->max = from->max;
    to->count += from->count;
    to->sum += from->sum;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
}

uint64_t histogram_percentile(const histogram *h, double percent)
{
    uint64_t seen = 0;
    double wanted = percent * (double)h->count / 100; /* rounded once where it is a whole number */
    if (h->count == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end = bucket_end(i);
            return end < h->max ? end : h->max;
        }
    }
    return h->max;
}

double histogram_mean(const histogram *h)
{
    return h->count == 0 ? 0.0 : (double)h->sum / (double)h->count;
}

uint64_t histogram_at_most(const histogram *h, uint64_t value)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && bucket_end(i) <= value; i++)
        seen += h->buckets[i];
    return value >= h->max ? h->count : seen;
}

/* 1, 2, 5, 10, 20, 50 ... */
static uint64_t next_step(uint64_t step)
{
    uint64_t power = 1;
    while (power * 10 <= step)
        power *= 10;
    if (step < 2 * power)
        return 2 * power;
    return step < 5 * power ? 5 * power : 10 * power;
}

bool histogram_next(const histogram *h, histogram_step *s)
{
    if (s->below == h->count)
        return false;
    do {
        s->at_most = s->at_most == 0 ? 1 : next_step(s->at_most);
    } while (s->at_most < h->min);
    uint64_t all = histogram_at_most(h, s->at_most);
    s->count = all - s->below;
    s->below = all;
    return true;
}

size_t histogram_curve(const histogram *h, histogram_point points[HISTOGRAM_POINTS])
{
    size_t count = 0;
    double left = 100, step = 20;
    if (h->count == 0)
        return 0;
    while (count + 1 < HISTOGRAM_POINTS && left * (double)h->count >= 100) {
        for (unsigned i = 0; i < 5 && count + 1 < HISTOGRAM_POINTS; i++) {
            double percent = 100 - left + i * step / 2;
            points[count++] = (histogram_point){percent, histogram_percentile(h, percent)};
        }
        left /= 2;
        step /= 2;
    }
    points[count++] = (histogram_point){100, h->max};
    return count;
}

void histogram_print(const histogram *h, FILE *out, const char *unit)
{
    static const char bar[] = "##################################################";
    histogram_step s = {0};
    while (histogram_next(h, &s)) {
        double share = (double)s.count / (double)h->count;
        fprintf(out, "  <= %9llu %s  %10llu  %6.2f%%  %.*s\n", (unsigned long long)s.at_most, unit,
                (unsigned long long)s.count, share * 100.0, (int)(share * (sizeof(bar) - 1) + 0.5),
                bar);
    }
}
