/* tally.c - counting, and adding up the threads' counts. */
#include "tally.h"

#include "exit_code.h"

#include <stdlib.h>
#include <string.h>

bool tally_count_apart(tally *t, size_t requests)
{
    t->each_count = requests < TALLY_REQUESTS ? requests : TALLY_REQUESTS;
    t->each = t->each_count > 0 ? calloc(t->each_count, sizeof(*t->each)) : NULL;
    return t->each_count == 0 || t->each != NULL;
}

void tally_free(tally *t)
{
    free(t->each);
    t->each = NULL;
    t->each_count = 0;
}

uint64_t tally_finished(const tally *t)
{
    return t->ok + t->non_2xx + t->failed;
}

static void note(tally *t, rp_status status, rp_phase phase, const char *text, uint64_t count)
{
    tally_error *e = t->errors;
    for (; e < t->errors + t->error_count; e++) {
        if (e->status == status && strcmp(e->text, text) == 0) {
            e->count += count;
            return;
        }
    }
    if (t->error_count == TALLY_ERRORS) {
        t->errors_unlisted += count;
        return;
    }
    *e = (tally_error){.status = status, .phase = phase, .count = count};
    snprintf(e->text, sizeof(e->text), "%s", text);
    t->error_count++;
}

void tally_note_error(tally *t, const rp_error *error, uint64_t count)
{
    t->failed += count;
    note(t, error->status, error->phase, error->text, count);
}

void tally_forget_failures(tally *t)
{
    t->failed = t->errors_unlisted = t->bytes = t->hedges = t->hedges_won = 0;
    t->error_count = 0;
    memset(&t->times, 0, sizeof(t->times));
    for (size_t i = 0; i < t->each_count; i++)
        t->each[i].failed = 0;
}

static void describe(char *why, size_t size, const char *what, uint64_t us)
{
    snprintf(why, size, "%.1f ms %s", (double)us / 1e3, what);
}

/* The longest of the phases that the timings have. */
static void explain(char *why, size_t size, const rp_timings *timings)
{
    const struct {
        uint64_t end_us;
        const char *what;
    } phases[] = {{timings->queued_us, "waiting for a connection"},
                  {timings->resolved_us, "looking its name up"},
                  {timings->connected_us, "connecting"},
                  {timings->handshaken_us, "in the TLS handshake"},
                  {timings->sent_us, "sending it"},
                  {timings->first_byte_us, "waiting for the answer to begin"},
                  {timings->total_us, "with the answer's body"}};
    uint64_t at = 0, longest = 0;
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        if (phases[i].end_us <= at)
            continue;
        if (phases[i].end_us - at > longest) {
            longest = phases[i].end_us - at;
            describe(why, size, phases[i].what, longest);
        }
        at = phases[i].end_us;
    }
}

void tally_note_slowest(tally *t, const rp_response_summary *summary, uint64_t latency_ns,
                        uint64_t late_ns)
{
    slowest_request *s = &t->slowest;
    *s = (slowest_request){.latency_ns = latency_ns};
    if (late_ns > latency_ns / 2)
        describe(s->why, sizeof(s->why), "behind its time when it was sent", late_ns / 1000);
    else if (summary->why != NULL)
        snprintf(s->why, sizeof(s->why), "%s", summary->why);
    else
        explain(s->why, sizeof(s->why), &summary->timings);
    size_t used = strlen(s->why);
    if (late_ns > 1000000 && late_ns <= latency_ns / 2)
        snprintf(s->why + used, sizeof(s->why) - used, ", and sent %.1f ms behind its time",
                 (double)late_ns / 1e6);
}

typedef uint64_t combine_fn(uint64_t a, uint64_t b);

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a + b;
}

static uint64_t difference_of(uint64_t a, uint64_t b)
{
    return a - b;
}

/* rp_loop_stats is counters and nothing else. */
static void combine(rp_loop_stats *to, const rp_loop_stats *from, combine_fn *fn)
{
    uint64_t sums[sizeof(*to) / sizeof(uint64_t)], values[sizeof(*to) / sizeof(uint64_t)];
    _Static_assert(sizeof(sums) == sizeof(*to), "not only 64 bit counters");
    memcpy(sums, to, sizeof(sums));
    memcpy(values, from, sizeof(values));
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        sums[i] = fn(sums[i], values[i]);
    memcpy(to, sums, sizeof(sums));
}

void tally_subtract_stats(rp_loop_stats *from, const rp_loop_stats *before)
{
    combine(from, before, difference_of);
}

void tally_add(tally *to, const tally *from)
{
    to->ok += from->ok;
    to->non_2xx += from->non_2xx;
    to->failed += from->failed;
    to->cancelled += from->cancelled;
    to->bytes += from->bytes;
    to->http1 += from->http1;
    to->http2 += from->http2;
    for (size_t i = 0; i < sizeof(to->statuses) / sizeof(to->statuses[0]); i++)
        to->statuses[i] += from->statuses[i];
    for (size_t i = 0; i < from->error_count; i++) {
        const tally_error *e = &from->errors[i];
        note(to, e->status, e->phase, e->text, e->count);
    }
    to->errors_unlisted += from->errors_unlisted;
    timeline_latencies(&from->times, &to->latency);
    histogram_add(&to->service, &from->service);
    timeline_add(&to->times, &from->times);
    to->unsent += from->unsent;
    if (from->slowest.latency_ns > to->slowest.latency_ns)
        to->slowest = from->slowest;
    histogram_add(&to->connect, &from->connect);
    histogram_add(&to->handshake, &from->handshake);
    to->hedges += from->hedges;
    to->hedges_won += from->hedges_won;
    for (size_t i = 0; i < from->each_count; i++) {
        to->each[i].ok += from->each[i].ok;
        to->each[i].non_2xx += from->each[i].non_2xx;
        to->each[i].failed += from->each[i].failed;
        histogram_add(&to->each[i].latency, &from->each[i].latency);
    }
    combine(&to->stats, &from->stats, sum_of);
}

typedef struct ranked {
    uint64_t p99;
    size_t number;
} ranked;

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->p99 != y->p99)
        return x->p99 > y->p99 ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

void tally_slowest_first(const tally *t, size_t order[TALLY_REQUESTS])
{
    ranked all[TALLY_REQUESTS];
    for (size_t i = 0; i < t->each_count; i++)
        all[i] = (ranked){histogram_percentile(&t->each[i].latency, 99), i};
    qsort(all, t->each_count, sizeof(all[0]), compare_ranked);
    for (size_t i = 0; i < t->each_count; i++)
        order[i] = all[i].number;
}

int tally_exit_code(const tally *t)
{
    uint64_t finished = tally_finished(t);
    if (finished == 0)
        return EXIT_CANCELLED;
    if (t->ok == finished)
        return EXIT_OK;
    if (t->non_2xx == finished)
        return EXIT_HTTP_STATUS;
    if (t->failed < finished || t->errors_unlisted > 0)
        return EXIT_SOME_FAILED;
    int code = exit_code(t->errors[0].status, t->errors[0].phase);
    for (size_t i = 1; i < t->error_count; i++) {
        if (exit_code(t->errors[i].status, t->errors[i].phase) != code)
            return EXIT_SOME_FAILED;
    }
    return code;
}
