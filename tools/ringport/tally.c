/* tally.c - counting, and adding up the threads' counts. */
#include "tally.h"

#include "exit_code.h"

#include <string.h>

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

/* rp_loop_stats is counters and nothing else. */
static void add_stats(rp_loop_stats *to, const rp_loop_stats *from)
{
    uint64_t sums[sizeof(*to) / sizeof(uint64_t)], values[sizeof(*to) / sizeof(uint64_t)];
    _Static_assert(sizeof(sums) == sizeof(*to), "not only 64 bit counters");
    memcpy(sums, to, sizeof(sums));
    memcpy(values, from, sizeof(values));
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        sums[i] += values[i];
    memcpy(to, sums, sizeof(sums));
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
    histogram_add(&to->latency, &from->latency);
    histogram_add(&to->connect, &from->connect);
    histogram_add(&to->handshake, &from->handshake);
    add_stats(&to->stats, &from->stats);
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
