/* compare.c - two runs of load: how far apart they are, and whether that is more than noise. What
 * noise is a run says itself: its slices of time differ among each other. A test of ranks asks
 * whether those of one run are larger than the other's (Mann and Whitney, 1947), for throughput and
 * latencies are not distributed normally. */
#include "compare.h"

#include "body.h"
#include "exit_code.h"
#include "json_read.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICES_MOST 64
#define SLICES_LEAST 5
#define SURE 6.635       /* 99 of 100: 2.576, squared */
#define LEAST_SHARE 0.02 /* of difference: what the histogram's buckets can tell */

typedef struct run {
    const char *path;
    body text;
    size_t slices; /* whole ones */
    double throughput[SLICES_MOST], p50[SLICES_MOST], p99[SLICES_MOST];
} run;

double compare_surely(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double wins = 0, ties = 0, n = (double)(a_count + b_count);
    if (a_count < SLICES_LEAST || b_count < SLICES_LEAST)
        return 0;
    for (size_t i = 0; i < a_count; i++) {
        for (size_t k = 0; k < b_count; k++)
            wins += b[k] > a[i] ? 1.0 : b[k] < a[i] ? 0.0 : 0.5;
    }
    for (size_t i = 0; i < a_count + b_count; i++) { /* t^3 - t for each group, by its members */
        double mine = i < a_count ? a[i] : b[i - a_count], same = 0;
        for (size_t k = 0; k < a_count + b_count; k++)
            same += (k < a_count ? a[k] : b[k - a_count]) == mine ? 1 : 0;
        ties += same * same - 1;
    }
    double pairs = (double)a_count * (double)b_count;
    double variance = pairs / 12 * (n + 1 - ties / (n * (n - 1)));
    double over = wins - pairs / 2;
    return variance > 0 ? (over < 0 ? -over : over) * over / variance : 0;
}

static double number_of(const run *r, const char *key, bool *there)
{
    double number;
    const char *text = (const char *)r->text.data, *value = json_member(text, key);
    if (value == NULL)
        value = json_member(json_member(text, "per_request"), key);
    *there = json_value(value, &number);
    return number;
}

/* The last slice is not over when the run is. */
static void read_slices(run *r)
{
    const char *line = json_member((const char *)r->text.data, "timeline");
    const char *slices = json_member(line, "slices");
    double seconds;
    if (!json_value(json_member(line, "slice_seconds"), &seconds) || seconds <= 0)
        return;
    for (size_t i = 0; i < SLICES_MOST && json_item(slices, i + 1) != NULL; i++) {
        const char *slice = json_item(slices, i);
        if (!json_value(json_member(slice, "requests"), &r->throughput[i]) ||
            !json_value(json_member(slice, "p50_us"), &r->p50[i]) ||
            !json_value(json_member(slice, "p99_us"), &r->p99[i]))
            return;
        r->throughput[i] /= seconds;
        r->slices = i + 1;
    }
}

/* ---- The report ---- */

static double known(const run *r, const char *key)
{
    bool there;
    double number = number_of(r, key, &there);
    return there ? number : -1;
}

static void report_points(report_run *to, const run *r)
{
    const char *list = json_member((const char *)r->text.data, "percentiles"), *item;
    for (size_t i = 0; i < HISTOGRAM_POINTS && (item = json_item(list, i)) != NULL; i++) {
        double percent, us;
        bool rises = json_value(json_member(item, "percent"), &percent) && percent <= 100 &&
                     (i == 0 ? percent >= 0 : percent >= to->points[i - 1].percent);
        if (!rises || !json_value(json_member(item, "us"), &us))
            return;
        to->points[i].percent = percent;
        to->points[i].us = us;
        to->point_count = i + 1;
    }
}

static void report_slices(report_run *to, const run *r)
{
    const char *line = json_member((const char *)r->text.data, "timeline"), *item;
    const char *slices = json_member(line, "slices");
    if (!json_value(json_member(line, "slice_seconds"), &to->slice_seconds) ||
        to->slice_seconds <= 0)
        return;
    for (size_t i = 0; i < REPORT_SLICES && (item = json_item(slices, i)) != NULL; i++) {
        report_slice *s = &to->slices[i];
        double failed, non_2xx, seconds = report_slice_seconds(to, i);
        (void)json_value(json_member(item, "failed"), &failed); /* 0 if it is not there */
        (void)json_value(json_member(item, "non_2xx"), &non_2xx);
        if (!json_value(json_member(item, "requests"), &s->requests) ||
            !json_value(json_member(item, "p50_us"), &s->p50_us) ||
            !json_value(json_member(item, "p99_us"), &s->p99_us))
            return;
        s->requests /= seconds;
        s->errors = (failed + non_2xx) / seconds;
        to->slice_count = i + 1;
    }
}

static void report_of_file(report_run *to, const run *r)
{
    snprintf(to->name, sizeof(to->name), "%s", r->path);
    to->requests = known(r, "requests");
    to->seconds = known(r, "seconds");
    to->per_second = known(r, "requests_per_second");
    to->ok = known(r, "ok");
    to->non_2xx = known(r, "non_2xx");
    to->failed = known(r, "failed");
    to->unsent = known(r, "unsent");
    to->cpu_us = known(r, "cpu_us");
    to->mean_us = known(r, "mean_us");
    to->p50_us = known(r, "p50_us");
    to->p90_us = known(r, "p90_us");
    to->p99_us = known(r, "p99_us");
    to->p99_9_us = known(r, "p99_9_us");
    to->max_us = known(r, "max_us");
    report_points(to, r);
    report_slices(to, r);
}

static int write_report(const run *runs, const char *path)
{
    report_run *shown = calloc(REPORT_RUNS, sizeof(*shown));
    if (shown == NULL)
        return EXIT_MEMORY;
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        for (size_t i = 0; i < REPORT_RUNS; i++)
            report_of_file(&shown[i], &runs[i]);
        report_write(shown, REPORT_RUNS, file);
    }
    bool written = file != NULL && !ferror(file);
    written = file != NULL && fclose(file) == 0 && written;
    free(shown);
    if (!written)
        fprintf(stderr, "ringport: (%d) %s: can't be written: %s\n", EXIT_WRITE, path,
                strerror(errno));
    return written ? EXIT_OK : EXIT_WRITE;
}

/* ---- The two ---- */

static int read_run(run *r, const char *path)
{
    bool there;
    r->path = path;
    const char *why = body_add_file(&r->text, path, false);
    if (why != NULL) {
        fprintf(stderr, "ringport: (%d) %s\n", EXIT_READ, why);
        return EXIT_READ;
    }
    if (!body_add(&r->text, "", 1)) /* its NUL */
        return EXIT_MEMORY;
    (void)number_of(r, "requests_per_second", &there);
    if (!there) {
        fprintf(stderr, "ringport: (%d) %s: not a result of `ringport load --json`\n", EXIT_READ,
                path);
        return EXIT_READ;
    }
    read_slices(r);
    return EXIT_OK;
}

static const char *verdict(const run *a, const run *b, const double *a_values,
                           const double *b_values, double change)
{
    double sure = compare_surely(a_values, a->slices, b_values, b->slices);
    if (a->slices < SLICES_LEAST || b->slices < SLICES_LEAST)
        return "too short a run to tell";
    if (change > 0 ? sure < SURE || change < LEAST_SHARE : -sure < SURE || -change < LEAST_SHARE)
        return "within the noise";
    return change > 0 ? "more, beyond the noise" : "less, beyond the noise";
}

/* a_values NULL: nothing is known of the noise. */
static void print_row(const run *a, const run *b, const char *name, const char *key,
                      const double *a_values, const double *b_values)
{
    bool there_a, there_b;
    double x = number_of(a, key, &there_a), y = number_of(b, key, &there_b);
    if (!there_a || !there_b)
        return;
    printf("%-18s %14.1f %14.1f", name, x, y);
    if (x > 0)
        printf("  %+8.1f %%", (y - x) / x * 100);
    if (x > 0 && a_values != NULL)
        printf("  %s", verdict(a, b, a_values, b_values, (y - x) / x));
    printf("\n");
}

static void print_runs(const run *a, const run *b)
{
    printf("%-18s %14.14s %14.14s\n", "", a->path, b->path);
    print_row(a, b, "requests/s", "requests_per_second", a->throughput, b->throughput);
    print_row(a, b, "mean (us)", "mean_us", NULL, NULL);
    print_row(a, b, "p50 (us)", "p50_us", a->p50, b->p50);
    print_row(a, b, "p90 (us)", "p90_us", NULL, NULL);
    print_row(a, b, "p99 (us)", "p99_us", a->p99, b->p99);
    print_row(a, b, "p99.9 (us)", "p99_9_us", NULL, NULL);
    print_row(a, b, "max (us)", "max_us", NULL, NULL);
    print_row(a, b, "CPU/request (us)", "cpu_us", NULL, NULL);
    print_row(a, b, "failed", "failed", NULL, NULL);
    print_row(a, b, "non-2xx", "non_2xx", NULL, NULL);
    print_row(a, b, "unsent", "unsent", NULL, NULL);
}

static int compare_files(char **paths, const char *report)
{
    run *runs = calloc(2, sizeof(*runs));
    int code = runs != NULL ? EXIT_OK : EXIT_MEMORY;
    for (int i = 0; i < 2 && code == EXIT_OK; i++)
        code = read_run(&runs[i], paths[i]);
    if (code == EXIT_OK)
        print_runs(&runs[0], &runs[1]);
    if (code == EXIT_OK && report != NULL)
        code = write_report(runs, report);
    for (int i = 0; i < 2 && runs != NULL; i++)
        free(runs[i].text.data);
    free(runs);
    return code;
}

int compare_run(int argc, char **argv)
{
    const char *report = NULL;
    bool help = argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
    if (argc > 1 && strcmp(argv[0], "--report") == 0) {
        report = argv[1];
        argc -= 2;
        argv += 2;
    }
    if (!help && argc == 2 && argv[0][0] != '-' && argv[1][0] != '-')
        return compare_files(argv, report);
    fputs("usage: ringport compare [--report FILE] A.json B.json\n\n"
          "Two results of `ringport load --json`, side by side; also as a page of HTML.\n",
          help ? stdout : stderr);
    return help ? EXIT_OK : EXIT_USAGE;
}
