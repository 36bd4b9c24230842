/* load_print.c - a run's result, as text and as JSON: the same numbers. */
#include "json.h"
#include "tally.h"
#include "url.h"

#include <string.h>

static double each(double sum, const tally *t)
{
    uint64_t finished = tally_finished(t);
    return finished == 0 ? 0.0 : sum / (double)finished;
}

static double per_second(double sum, const load_result *r)
{
    return r->seconds > 0 ? sum / r->seconds : 0.0;
}

/* ---- Text ---- */

static void print_statuses(const tally *t, FILE *out)
{
    for (size_t i = 0; i < sizeof(t->statuses) / sizeof(t->statuses[0]); i++) {
        if (t->statuses[i] > 0)
            fprintf(out, "  %-10zu %10llu\n", i, (unsigned long long)t->statuses[i]);
    }
    for (size_t i = 0; i < t->error_count; i++)
        fprintf(out, "  %-10s %10llu  %s\n", "failed", (unsigned long long)t->errors[i].count,
                t->errors[i].text);
    if (t->errors_unlisted > 0)
        fprintf(out, "  %-10s %10llu  of other kinds\n", "failed",
                (unsigned long long)t->errors_unlisted);
    if (t->cancelled > 0)
        fprintf(out, "  %-10s %10llu  in flight when the run ended, not counted\n", "cancelled",
                (unsigned long long)t->cancelled);
}

static void print_latency(const histogram *h, FILE *out)
{
    static const double percents[] = {50, 90, 99, 99.9};
    if (h->count == 0)
        return;
    fprintf(out, "\nlatency (us)     mean %.0f", histogram_mean(h));
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
        fprintf(out, "  p%g %llu", percents[i],
                (unsigned long long)histogram_percentile(h, percents[i]));
    fprintf(out, "  max %llu\n", (unsigned long long)h->max);
    histogram_print(h, out, "us");
    fputc('\n', out);
}

static void print_slowest(const slowest_request *s, FILE *out)
{
    if (s->latency_ns > 0)
        fprintf(out, "slowest          %llu us: %s\n", (unsigned long long)(s->latency_ns / 1000),
                s->why);
}

/* Those that are slowest by their 99th percentile come first. */
#define REQUESTS_PRINTED 20

static void print_each(const load_result *r, FILE *out)
{
    const tally *t = &r->total;
    size_t order[TALLY_REQUESTS];
    char shown[URL_SHOWN_SIZE];
    if (t->each_count == 0)
        return;
    tally_slowest_first(t, order);
    fprintf(out, "\n%10s %10s %10s %10s %10s %10s  %s\n", "ok", "not ok", "p50 us", "p99 us",
            "max us", "line", "request");
    for (size_t i = 0; i < t->each_count && i < REQUESTS_PRINTED; i++) {
        const request_tally *e = &t->each[order[i]];
        const listed_request *of = &r->options->list.requests[order[i]];
        fprintf(out, "%10llu %10llu %10llu %10llu %10llu %10zu  %s%s%.200s\n",
                (unsigned long long)e->ok, (unsigned long long)(e->non_2xx + e->failed),
                (unsigned long long)histogram_percentile(&e->latency, 50),
                (unsigned long long)histogram_percentile(&e->latency, 99),
                (unsigned long long)(e->latency.count > 0 ? e->latency.max : 0), of->line,
                of->method != NULL ? of->method : "", of->method != NULL ? " " : "",
                url_shown(of->url, shown));
    }
    if (r->options->list.count > REQUESTS_PRINTED)
        fprintf(out, "these are the slowest of %zu\n", r->options->list.count);
    fputc('\n', out);
}

static void print_phase(const char *name, const histogram *h, FILE *out)
{
    if (h->count > 0)
        fprintf(out, "%-16s mean %.0f  p50 %llu  p99 %llu  max %llu  (%llu times)\n", name,
                histogram_mean(h), (unsigned long long)histogram_percentile(h, 50),
                (unsigned long long)histogram_percentile(h, 99), (unsigned long long)h->max,
                (unsigned long long)h->count);
}

static void print_costs(const load_result *r, FILE *out)
{
    const tally *t = &r->total;
    const rp_loop_stats *s = &t->stats;
    fprintf(out, "responses        %llu by HTTP/1.1, %llu by HTTP/2\n",
            (unsigned long long)t->http1, (unsigned long long)t->http2);
    fprintf(out, "connections      %llu opened, %llu requests on reused ones\n",
            (unsigned long long)s->connections_opened, (unsigned long long)s->connections_reused);
    fprintf(out, "handshakes       %llu full, %llu resumed\n",
            (unsigned long long)s->handshakes_full, (unsigned long long)s->handshakes_resumed);
    if (r->seconds >= LOAD_CPU_SECONDS)
        fprintf(out, "per request      %.2f us CPU (%.2f user, %.2f system), ",
                each(r->user_us + r->system_us, t), each(r->user_us, t), each(r->system_us, t));
    else
        fprintf(out, "per request      CPU not measured (too short a run), ");
    fprintf(out, "%.3f system calls, %.3f allocations, %.0f bytes copied\n",
            each((double)s->system_calls, t), each((double)s->allocations, t),
            each((double)s->bytes_copied, t));
    fprintf(out, "loops            %llu turns, %llu wake-ups, %llu completions\n",
            (unsigned long long)s->turns, (unsigned long long)s->wakeups,
            (unsigned long long)s->completions);
    fprintf(out, "must be 0        %llu spurious wake-ups, %llu idle TLS calls\n",
            (unsigned long long)s->wakeups_spurious, (unsigned long long)s->tls_calls_idle);
}

void load_print(const load_result *r, FILE *out)
{
    const tool_options *o = r->options;
    const tally *t = &r->total;
    double finished = (double)tally_finished(t);
    char shown[URL_SHOWN_SIZE];
    if (o->list.count > 0)
        fprintf(out, "%s: %zu requests", o->list_path, o->list.count);
    else
        fprintf(out, "%s", url_shown(o->url, shown));
    fprintf(out, "%s %llu connections", o->list.count > 0 ? "," : ":",
            (unsigned long long)o->connections);
    if (o->streams > 1)
        fprintf(out, " of %llu streams", (unsigned long long)o->streams);
    fprintf(out, ", %llu thread%s, %s", (unsigned long long)o->threads, o->threads == 1 ? "" : "s",
            r->backend);
    if (o->rate_per_s > 0)
        fprintf(out, ", %llu requests/s are due", (unsigned long long)o->rate_per_s);
    fprintf(out, "%s\n", r->interrupted ? ", interrupted" : "");
    fprintf(out, "%.0f requests in %.3f s: %.1f requests/s, %.2f MB/s\n", finished, r->seconds,
            per_second(finished, r), per_second((double)t->bytes, r) / 1e6);
    fprintf(out, "%llu ok, %llu with a status other than 2xx, %llu failed\n",
            (unsigned long long)t->ok, (unsigned long long)t->non_2xx,
            (unsigned long long)t->failed);
    if (r->given_up)
        fprintf(out,
                "stopped: each of the first requests failed for a reason that does not pass\n");
    if (t->unsent > 0)
        fprintf(out, "%llu more were due and could not be sent: the rate was not kept\n",
                (unsigned long long)t->unsent);
    print_statuses(t, out);
    print_latency(&t->latency, out);
    print_slowest(&t->slowest, out);
    print_each(r, out);
    if (o->hedge.percentile + o->hedge.delay_ms > 0)
        fprintf(out, "hedges           %llu sent, %llu of them answered first\n",
                (unsigned long long)t->hedges, (unsigned long long)t->hedges_won);
    print_phase("service (us)", &t->service, out);
    print_phase("connect (us)", &t->connect, out);
    print_phase("handshake (us)", &t->handshake, out);
    print_costs(r, out);
}

/* ---- JSON ---- */

static void json_phase(json *j, const char *key, const histogram *h)
{
    json_begin_object(j, key);
    json_number(j, "count", h->count);
    json_real(j, "mean", histogram_mean(h), 1);
    json_number(j, "p50", histogram_percentile(h, 50));
    json_number(j, "p99", histogram_percentile(h, 99));
    json_number(j, "max", h->max);
    json_end_object(j);
}

static void json_latency(json *j, const histogram *h)
{
    histogram_step step = {0};
    json_number(j, "min_us", h->count > 0 ? h->min : 0);
    json_real(j, "mean_us", histogram_mean(h), 1);
    json_number(j, "p50_us", histogram_percentile(h, 50));
    json_number(j, "p90_us", histogram_percentile(h, 90));
    json_number(j, "p99_us", histogram_percentile(h, 99));
    json_number(j, "p99_9_us", histogram_percentile(h, 99.9));
    json_number(j, "max_us", h->max);
    json_begin_array(j, "histogram");
    while (histogram_next(h, &step)) {
        json_begin_object(j, NULL);
        json_number(j, "at_most_us", step.at_most);
        json_number(j, "count", step.count);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_curve(json *j, const histogram *h)
{
    histogram_point points[HISTOGRAM_POINTS];
    size_t count = histogram_curve(h, points);
    json_begin_array(j, "percentiles");
    for (size_t i = 0; i < count; i++) {
        json_begin_object(j, NULL);
        json_real(j, "percent", points[i].percent, 8);
        json_number(j, "us", points[i].value);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_each(json *j, const load_result *r)
{
    const tally *t = &r->total;
    char shown[URL_SHOWN_SIZE];
    if (r->options->list.count == 0)
        return;
    json_begin_array(j, "each");
    for (size_t i = 0; i < t->each_count; i++) {
        const request_tally *e = &t->each[i];
        const listed_request *of = &r->options->list.requests[i];
        json_begin_object(j, NULL);
        json_number(j, "line", of->line);
        json_text(j, "method", of->method);
        json_text(j, "url", url_shown(of->url, shown));
        json_number(j, "ok", e->ok);
        json_number(j, "non_2xx", e->non_2xx);
        json_number(j, "failed", e->failed);
        json_real(j, "mean_us", histogram_mean(&e->latency), 1);
        json_number(j, "p50_us", histogram_percentile(&e->latency, 50));
        json_number(j, "p99_us", histogram_percentile(&e->latency, 99));
        json_number(j, "max_us", e->latency.count > 0 ? e->latency.max : 0);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_timeline(json *j, const timeline *t)
{
    json_begin_object(j, "timeline");
    json_real(j, "slice_seconds", timeline_seconds(t), 3);
    json_begin_array(j, "slices");
    for (unsigned i = 0; i < t->count; i++) {
        const histogram *h = &t->slices[i];
        json_begin_object(j, NULL);
        json_number(j, "requests", h->count);
        json_number(j, "non_2xx", t->non_2xx[i]);
        json_number(j, "failed", t->failed[i]);
        json_real(j, "mean_us", histogram_mean(h), 1);
        json_number(j, "p50_us", histogram_percentile(h, 50));
        json_number(j, "p99_us", histogram_percentile(h, 99));
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static void json_slowest(json *j, const slowest_request *s)
{
    json_begin_object(j, "slowest");
    json_number(j, "us", s->latency_ns / 1000);
    json_text(j, "why", s->latency_ns > 0 ? s->why : NULL);
    json_end_object(j);
}

static void json_outcomes(json *j, const tally *t)
{
    char status[8];
    json_number(j, "ok", t->ok);
    json_number(j, "non_2xx", t->non_2xx);
    json_number(j, "failed", t->failed);
    json_number(j, "cancelled", t->cancelled);
    json_number(j, "unsent", t->unsent);
    json_begin_object(j, "statuses");
    for (unsigned i = 0; i < sizeof(t->statuses) / sizeof(t->statuses[0]); i++) {
        if (t->statuses[i] == 0)
            continue;
        snprintf(status, sizeof(status), "%u", i);
        json_number(j, status, t->statuses[i]);
    }
    json_end_object(j);
    json_begin_object(j, "versions");
    json_number(j, "1.1", t->http1);
    json_number(j, "2", t->http2);
    json_end_object(j);
    json_begin_array(j, "errors");
    for (size_t i = 0; i < t->error_count; i++) {
        const tally_error *e = &t->errors[i];
        json_begin_object(j, NULL);
        json_text(j, "status", rp_status_name(e->status));
        json_text(j, "phase", rp_phase_name(e->phase));
        json_number(j, "count", e->count);
        json_text(j, "text", e->text);
        json_end_object(j);
    }
    json_end_array(j);
    json_number(j, "errors_unlisted", t->errors_unlisted);
}

static void json_cpu(json *j, const char *key, double us, const load_result *r)
{
    if (r->seconds >= LOAD_CPU_SECONDS)
        json_real(j, key, each(us, &r->total), 3);
    else
        json_null(j, key);
}

static void json_costs(json *j, const load_result *r)
{
    const tally *t = &r->total;
    const rp_loop_stats *s = &t->stats;
    json_begin_object(j, "per_request");
    json_cpu(j, "cpu_us", r->user_us + r->system_us, r);
    json_cpu(j, "cpu_user_us", r->user_us, r);
    json_cpu(j, "cpu_system_us", r->system_us, r);
    json_real(j, "system_calls", each((double)s->system_calls, t), 4);
    json_real(j, "allocations", each((double)s->allocations, t), 4);
    json_real(j, "bytes_copied", each((double)s->bytes_copied, t), 1);
    json_end_object(j);
}

void load_print_json(const load_result *r, FILE *out)
{
    const tool_options *o = r->options;
    const tally *t = &r->total;
    json j = {.out = out};
    char shown[URL_SHOWN_SIZE];
    json_begin_object(&j, NULL);
    json_text(&j, "url", o->list.count > 0 ? NULL : url_shown(o->url, shown));
    if (o->list.count > 0) {
        json_text(&j, "requests_from", o->list_path);
        json_number(&j, "seed", o->seed);
    }
    json_text(&j, "backend", r->backend);
    json_number(&j, "connections", o->connections);
    json_number(&j, "streams", o->streams);
    json_number(&j, "threads", o->threads);
    json_number(&j, "rate", o->rate_per_s);
    json_real(&j, "warm_up_seconds", (double)o->warm_up_ms / 1e3, 3);
    json_bool(&j, "interrupted", r->interrupted);
    json_bool(&j, "given_up", r->given_up);
    json_number(&j, "requests", tally_finished(t));
    json_real(&j, "seconds", r->seconds, 6);
    json_real(&j, "requests_per_second", per_second((double)tally_finished(t), r), 1);
    json_number(&j, "bytes", t->bytes);
    json_outcomes(&j, t);
    json_number(&j, "hedges", t->hedges);
    json_number(&j, "hedges_won", t->hedges_won);
    json_latency(&j, &t->latency);
    json_curve(&j, &t->latency);
    json_timeline(&j, &t->times);
    json_slowest(&j, &t->slowest);
    json_each(&j, r);
    json_phase(&j, "service_us", &t->service);
    json_phase(&j, "connect_us", &t->connect);
    json_phase(&j, "handshake_us", &t->handshake);
    json_costs(&j, r);
    json_counters(&j, "counters", &t->stats);
    json_end_object(&j);
    fputc('\n', out);
}
