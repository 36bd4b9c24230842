/* report.c - the page: its head and tables here, its charts in report_chart.c. */
#include "report.h"

#include "report_chart.h"
#include "url.h"
#include "utf8.h"

#include <string.h>

/* ---- What is shown ---- */

static void take_latency(report_run *run, const histogram *h)
{
    histogram_point points[HISTOGRAM_POINTS];
    run->mean_us = histogram_mean(h);
    run->p50_us = (double)histogram_percentile(h, 50);
    run->p90_us = (double)histogram_percentile(h, 90);
    run->p99_us = (double)histogram_percentile(h, 99);
    run->p99_9_us = (double)histogram_percentile(h, 99.9);
    run->max_us = (double)h->max;
    run->point_count = histogram_curve(h, points);
    for (size_t i = 0; i < run->point_count; i++) {
        run->points[i].percent = points[i].percent;
        run->points[i].us = (double)points[i].value;
    }
}

double report_slice_seconds(const report_run *run, size_t i)
{
    double left = run->seconds - (double)i * run->slice_seconds;
    double least = run->slice_seconds / 5;
    return left < least ? least : left < run->slice_seconds ? left : run->slice_seconds;
}

static void take_timeline(report_run *run, const timeline *t)
{
    run->slice_seconds = timeline_seconds(t);
    run->slice_count = t->count;
    for (unsigned i = 0; i < t->count; i++) {
        const histogram *h = &t->slices[i];
        double seconds = report_slice_seconds(run, i);
        run->slices[i] = (report_slice){
            .requests = (double)h->count / seconds,
            .errors = (double)(t->failed[i] + t->non_2xx[i]) / seconds,
            .p50_us = (double)histogram_percentile(h, 50),
            .p99_us = (double)histogram_percentile(h, 99),
        };
    }
}

void report_of_load(report_run *run, const load_result *r)
{
    const tally *t = &r->total;
    double finished = (double)tally_finished(t);
    char shown[URL_SHOWN_SIZE];
    const char *name =
        r->options->list.count > 0 ? r->options->list_path : url_shown(r->options->url, shown);
    _Static_assert(TIMELINE_SLICES <= REPORT_SLICES, "a slice each");
    memset(run, 0, sizeof(*run));
    snprintf(run->name, sizeof(run->name), "%s", name);
    run->requests = finished;
    run->seconds = r->seconds;
    run->per_second = r->seconds > 0 ? finished / r->seconds : 0;
    run->ok = (double)t->ok;
    run->non_2xx = (double)t->non_2xx;
    run->failed = (double)t->failed;
    run->unsent = (double)t->unsent;
    run->cpu_us = r->seconds >= LOAD_CPU_SECONDS && finished > 0
                      ? (r->user_us + r->system_us) / finished
                      : -1;
    take_latency(run, &t->latency);
    take_timeline(run, &t->times);
    run->result = r;
}

/* ---- Text ---- */

void report_text(const char *text, FILE *out)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        size_t size = utf8_size(at);
        if (*at == '&' || *at == '<' || *at == '>' || *at == '"' || *at == '\'')
            fprintf(out, "&#%u;", *at);
        else if (size == 0 || (size == 1 && (*at < ' ' || *at == 0x7f)) ||
                 (size == 3 && memcmp(at, "\xef\xbf", 2) == 0 && at[2] >= 0xbe)) /* no XML */
            fputs("&#xfffd;", out);
        else
            fwrite(at, 1, size, out);
        at += size == 0 ? 1 : size;
    }
}

static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--text:#1a1a1a;--faint:#6a6a6a;--line:#d8d8d8;"
    "--a:#0b62c4;--b:#c2410c;--a2:#4a90d9;--b2:#dd7a3a;--bad:#c81e3a}"
    "@media(prefers-color-scheme:dark){:root{--back:#15181c;--text:#e6e6e6;--faint:#9aa0a8;"
    "--line:#363b42;--a:#6cb0ff;--b:#ff9a5c;--a2:#4f86c4;--b2:#c4763f;--bad:#ff6b81}}"
    "body{background:var(--back);color:var(--text);font:15px/1.45 system-ui,sans-serif;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.35rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:2rem 0 .4rem}"
    "p{color:var(--faint);margin:.3rem 0}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.15rem .9rem .15rem 0;text-align:right;border-bottom:1px solid var(--line)}"
    "th:first-child,td:first-child,.t{text-align:left;overflow-wrap:anywhere}"
    "th{font-weight:600}div{overflow-x:auto}"
    "svg{display:block;width:100%;height:auto;min-width:34rem}"
    "svg text{fill:var(--faint);font-size:12px}"
    "svg .g{stroke:var(--line);fill:none}"
    "svg .a,svg .b,svg .a2,svg .b2,svg .bad{fill:none;stroke-width:1.8;stroke-linejoin:round}"
    "svg .a{stroke:var(--a)}svg .b{stroke:var(--b)}svg .a2{stroke:var(--a2)}"
    "svg .b2{stroke:var(--b2)}svg .bad{stroke:var(--bad)}svg .bad2{stroke:var(--bad);"
    "stroke-dasharray:5 3;fill:none;stroke-width:1.8}"
    ".ka{color:var(--a)}.kb{color:var(--b)}.ka2{color:var(--a2)}.kb2{color:var(--b2)}"
    ".kbad{color:var(--bad)}.key{font-size:.9rem}.key span{margin-right:1.2rem}";

static void write_head(const report_run *runs, size_t count, FILE *out)
{
    fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
                 "<meta charset=\"utf-8\"/><meta name=\"viewport\" "
                 "content=\"width=device-width,initial-scale=1\"/>\n<title>ringport load: ");
    report_text(runs[0].name, out);
    fprintf(out, "</title>\n<style>%s</style></head>\n<body><h1>", style);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputs(" and ", out);
        if (count > 1)
            fprintf(out, "<span class=\"k%c\">", i == 0 ? 'a' : 'b');
        report_text(runs[i].name, out);
        if (count > 1)
            fputs("</span>", out);
    }
    fputs("</h1>\n", out);
}

/* ---- Tables ---- */

static void write_conditions(const load_result *r, FILE *out)
{
    const tool_options *o = r->options;
    fprintf(out, "<p>%llu connections", (unsigned long long)o->connections);
    if (o->streams > 1)
        fprintf(out, " of %llu streams", (unsigned long long)o->streams);
    fprintf(out, ", %llu thread%s, ", (unsigned long long)o->threads, o->threads == 1 ? "" : "s");
    report_text(r->backend, out);
    if (o->rate_per_s > 0)
        fprintf(out, ", %llu requests/s are due", (unsigned long long)o->rate_per_s);
    if (o->warm_up_ms > 0)
        fprintf(out, ", behind a warm-up of %.3g s", (double)o->warm_up_ms / 1e3);
    if (o->hedge.percentile + o->hedge.delay_ms > 0)
        fprintf(out, ", %llu hedges, %llu of them answered first",
                (unsigned long long)r->total.hedges, (unsigned long long)r->total.hedges_won);
    fprintf(out, "%s</p>\n", r->interrupted ? ", interrupted" : "");
    if (r->given_up)
        fputs("<p class=\"kbad\">Stopped: each of the first requests failed for a reason that does "
              "not pass.</p>\n",
              out);
}

static void write_row(const report_run *runs, size_t count, const char *name, size_t offset,
                      int decimals, FILE *out)
{
    fprintf(out, "<tr><td>%s</td>", name);
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, (const char *)&runs[i] + offset, sizeof(value));
        if (value < 0)
            fputs("<td>?</td>", out);
        else
            fprintf(out, "<td>%.*f</td>", decimals, value);
    }
    fputs("</tr>\n", out);
}

static void write_numbers(const report_run *runs, size_t count, FILE *out)
{
#define ROW(name, member, decimals)                                                                \
    write_row(runs, count, name, offsetof(report_run, member), decimals, out)
    fputs("<h2>Numbers</h2><div><table id=\"numbers\">\n", out);
    if (count > 1)
        fputs("<tr><th></th>", out);
    for (size_t i = 0; i < count && count > 1; i++) {
        fprintf(out, "<th class=\"k%c\">", i == 0 ? 'a' : 'b');
        report_text(runs[i].name, out);
        fputs(i + 1 < count ? "</th>" : "</th></tr>\n", out);
    }
    ROW("requests", requests, 0);
    ROW("seconds", seconds, 3);
    ROW("requests/s", per_second, 1);
    ROW("ok (2xx)", ok, 0);
    ROW("other statuses", non_2xx, 0);
    ROW("failed", failed, 0);
    ROW("due, not sent", unsent, 0);
    ROW("latency: mean, us", mean_us, 1);
    ROW("p50, us", p50_us, 0);
    ROW("p90, us", p90_us, 0);
    ROW("p99, us", p99_us, 0);
    ROW("p99.9, us", p99_9_us, 0);
    ROW("max, us", max_us, 0);
    ROW("CPU a request, us", cpu_us, 2);
    fputs("</table></div>\n", out);
#undef ROW
}

static void write_errors(const tally *t, FILE *out)
{
    if (t->failed + t->non_2xx == 0)
        return;
    fputs("<h2>What went wrong</h2><div><table>\n", out);
    for (size_t i = 0; i < sizeof(t->statuses) / sizeof(t->statuses[0]); i++) {
        if (t->statuses[i] > 0 && (i < 200 || i > 299))
            fprintf(out, "<tr><td>status %zu</td><td>%llu</td></tr>\n", i,
                    (unsigned long long)t->statuses[i]);
    }
    for (size_t i = 0; i < t->error_count; i++) {
        fputs("<tr><td>", out);
        report_text(t->errors[i].text, out);
        fprintf(out, "</td><td>%llu</td></tr>\n", (unsigned long long)t->errors[i].count);
    }
    if (t->errors_unlisted > 0)
        fprintf(out, "<tr><td>failures of other kinds</td><td>%llu</td></tr>\n",
                (unsigned long long)t->errors_unlisted);
    fputs("</table></div>\n", out);
}

static void write_each(const load_result *r, FILE *out)
{
    const tally *t = &r->total;
    size_t order[TALLY_REQUESTS];
    char shown[URL_SHOWN_SIZE];
    if (t->each_count == 0)
        return;
    tally_slowest_first(t, order);
    fputs("<h2>Each request, the slowest first</h2><div><table id=\"each\">\n<tr><th>request</th>"
          "<th>line</th><th>ok</th><th>not ok</th><th>p50, us</th><th>p99, us</th><th>max, us</th>"
          "</tr>\n",
          out);
    for (size_t i = 0; i < t->each_count; i++) {
        const request_tally *e = &t->each[order[i]];
        const listed_request *of = &r->options->list.requests[order[i]];
        fputs("<tr><td>", out);
        if (of->method != NULL) {
            report_text(of->method, out);
            fputc(' ', out);
        }
        report_text(url_shown(of->url, shown), out);
        fprintf(out,
                "</td><td>%zu</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%llu</td>"
                "</tr>\n",
                of->line, (unsigned long long)e->ok, (unsigned long long)(e->non_2xx + e->failed),
                (unsigned long long)histogram_percentile(&e->latency, 50),
                (unsigned long long)histogram_percentile(&e->latency, 99),
                (unsigned long long)(e->latency.count > 0 ? e->latency.max : 0));
    }
    fputs("</table></div>\n", out);
}

/* ---- The page ---- */

void report_write(const report_run *runs, size_t count, FILE *out)
{
    const load_result *r = count == 1 ? runs[0].result : NULL;
    write_head(runs, count, out);
    if (r != NULL)
        write_conditions(r, out);
    fputs("<h2>Latency by percentile</h2>\n", out);
    report_chart_percentiles(runs, count, out);
    fputs("<h2>Over time</h2>\n", out);
    report_chart_timelines(runs, count, out);
    write_numbers(runs, count, out);
    if (r != NULL) {
        write_errors(&r->total, out);
        write_each(r, out);
    }
    fprintf(out, "<p>Latency is that of complete responses%s.</p>\n</body></html>\n",
            r != NULL && r->options->rate_per_s > 0 ? ", from when each was due" : "");
}
