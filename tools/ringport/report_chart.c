/* report_chart.c - see report_chart.h. Lines in a frame with axes. */
#include "report_chart.h"

#include <math.h>

#define WIDTH 760.0
#define LEFT 62.0
#define RIGHT 746.0
#define TOP 10.0

/* A frame and what its edges stand for. */
typedef struct chart {
    FILE *out;
    double bottom;
    double x_most; /* from 0 on */
    double y_least, y_most;
    bool logarithmic; /* y */
} chart;

static double at_x(const chart *c, double x)
{
    return LEFT + (RIGHT - LEFT) * (c->x_most > 0 ? x / c->x_most : 0);
}

static double at_y(const chart *c, double y)
{
    double part = c->logarithmic ? log(y / c->y_least) / log(c->y_most / c->y_least)
                                 : (y - c->y_least) / (c->y_most - c->y_least);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return c->bottom - (c->bottom - TOP) * part;
}

/* The numbers 1, 2 and 5 times a power of ten: the one that is at most, or at least, so much. */
static double step_below(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9));
    return power * (value / power >= 4.999999 ? 5 : value / power >= 1.999999 ? 2 : 1);
}

static double step_above(double value)
{
    double below = step_below(value), power = pow(10, floor(log10(below) + 1e-9));
    if (below >= value * 0.999999)
        return below;
    return below / power < 1.5 ? 2 * power : below / power < 3 ? 5 * power : 10 * power;
}

static void tell_time(double us, char text[24])
{
    if (us < 1000)
        (void)snprintf(text, 24, "%g us", us);
    else if (us < 1000000)
        (void)snprintf(text, 24, "%g ms", us / 1000);
    else
        (void)snprintf(text, 24, "%g s", us / 1000000);
}

/* ---- The frame ---- */

static void begin(chart *c, double height, const char *label)
{
    c->bottom = height - 24;
    fprintf(c->out, "<div><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n", WIDTH,
            height, label);
}

static void end(chart *c)
{
    fputs("</svg></div>\n", c->out);
}

static void grid_y(const chart *c, double y, const char *label)
{
    fprintf(c->out,
            "<path class=\"g\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"end\">%s</text>\n",
            LEFT, at_y(c, y), RIGHT, LEFT - 6, at_y(c, y) + 4, label);
}

static void grid_x(const chart *c, double x, const char *label)
{
    fprintf(c->out,
            "<path class=\"g\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
            "text-anchor=\"middle\">%s</text>\n",
            at_x(c, x), TOP, c->bottom, at_x(c, x), c->bottom + 17, label);
}

/* Of latencies from least to most, in microseconds. */
static void latency_axis(chart *c, double least, double most)
{
    char label[24];
    c->logarithmic = true;
    c->y_least = step_below(least >= 1 ? least : 1);
    c->y_most = step_above(most > 2 * c->y_least ? most : 2 * c->y_least);
    bool decades = c->y_most / c->y_least > 2000;
    for (double y = c->y_least; y <= c->y_most * 1.000001; y = step_above(y * 1.01)) {
        if (decades && log10(y) - floor(log10(y) + 1e-9) > 1e-6)
            continue;
        tell_time(y, label);
        grid_y(c, y, label);
    }
}

static void linear_axis(chart *c, double most)
{
    char label[24];
    double step = step_above(most > 0 ? most / 4 : 0.25);
    c->y_most = step * ceil(most > 0 ? most / step - 1e-9 : 1);
    for (double y = 0; y <= c->y_most * 1.000001; y += step) {
        (void)snprintf(label, sizeof(label), "%g", y);
        grid_y(c, y, label);
    }
}

/* ---- Lines: begin_line, points or gaps, end_line ---- */

typedef struct line {
    chart *chart;
    bool down; /* the pen */
} line;

static line begin_line(chart *c, const char *kind)
{
    fprintf(c->out, "<path class=\"%s\" d=\"M%.1f %.1f", kind, LEFT, c->bottom);
    return (line){.chart = c};
}

static void point(line *l, double x, double y)
{
    fprintf(l->chart->out, "%c%.1f %.1f", l->down ? 'L' : 'M', at_x(l->chart, x),
            at_y(l->chart, y));
    l->down = true;
}

static void end_line(const line *l)
{
    fputs("\"/>\n", l->chart->out);
}

/* What the classes of the lines are called: of one run, or of the second of two. */
static const char *kind_of(size_t run, bool strong)
{
    static const char *const kinds[2][2] = {{"a2", "a"}, {"b2", "b"}};
    return kinds[run][strong];
}

static void key(FILE *out, const char *kind, const report_run *run, size_t count, const char *what)
{
    fprintf(out, "<span class=\"k%s\">&#8212; ", kind);
    if (count > 1) {
        report_text(run->name, out);
        fputs(*what != '\0' ? ": " : "", out);
    }
    fprintf(out, "%s</span>", what);
}

/* ---- Percentiles ---- */

/* As far from 0 as there are nines in it. */
static double nines(double percent)
{
    return log10(100 / (100 - percent));
}

/* The last point of a run is its maximum, which stands at the edge. */
static double curve_x(const chart *c, const report_run *run, size_t i)
{
    return i + 1 < run->point_count ? nines(run->points[i].percent) : c->x_most;
}

static void percent_axis(chart *c)
{
    char label[24];
    grid_x(c, 0, "0");
    grid_x(c, nines(50), "50 %");
    for (int i = 1; i <= 9 && i < c->x_most + 0.001; i++) {
        (void)snprintf(label, sizeof(label), "%.*f %%", i > 2 ? i - 2 : 0, 100 - pow(10, 2 - i));
        grid_x(c, i, label);
    }
}

void report_chart_percentiles(const report_run *runs, size_t count, FILE *out)
{
    chart c = {.out = out, .x_most = 1};
    double least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        const report_run *run = &runs[i];
        for (size_t k = 0; k < run->point_count; k++) {
            double us = run->points[k].us;
            least = least == 0 || us < least ? us : least;
            most = us > most ? us : most;
            if (k + 1 < run->point_count && nines(run->points[k].percent) > c.x_most)
                c.x_most = nines(run->points[k].percent);
        }
    }
    begin(&c, 320, "latency by percentile");
    c.x_most += 0.1;
    latency_axis(&c, least, most);
    percent_axis(&c);
    for (size_t i = 0; i < count; i++) {
        line l = begin_line(&c, kind_of(i, true));
        for (size_t k = 0; k < runs[i].point_count; k++)
            point(&l, curve_x(&c, &runs[i], k), runs[i].points[k].us);
        end_line(&l);
    }
    end(&c);
    fputs("<p class=\"key\">", out);
    for (size_t i = 0; i < count && count > 1; i++)
        key(out, kind_of(i, true), &runs[i], count, "");
    fputs("Both axes are logarithmic; the right end is the slowest request.</p>\n", out);
}

/* ---- Timelines ---- */

static void time_axis(chart *c)
{
    char label[24];
    double step = step_above(c->x_most > 0 ? c->x_most / 8 : 1);
    for (double x = 0; x <= c->x_most * 1.000001; x += step) {
        (void)snprintf(label, sizeof(label), "%g s", x);
        grid_x(c, x, label);
    }
}

/* As stairs: it is one number for all of a slice. */
static void rate_line(chart *c, const report_run *run, const char *kind, bool errors)
{
    line l = begin_line(c, kind);
    for (size_t i = 0; i < run->slice_count; i++) {
        double y = errors ? run->slices[i].errors : run->slices[i].requests;
        double from = (double)i * run->slice_seconds, to = from + run->slice_seconds;
        point(&l, from, y);
        point(&l, to < c->x_most ? to : c->x_most, y);
    }
    end_line(&l);
}

static void latency_line(chart *c, const report_run *run, const char *kind, bool p99)
{
    line l = begin_line(c, kind);
    for (size_t i = 0; i < run->slice_count; i++) {
        const report_slice *s = &run->slices[i];
        double middle = ((double)i + 0.5) * run->slice_seconds;
        if (s->requests > 0)
            point(&l, middle < c->x_most ? middle : c->x_most, p99 ? s->p99_us : s->p50_us);
        else
            l.down = false;
    }
    end_line(&l);
}

static void rates(const report_run *runs, size_t count, double seconds, FILE *out)
{
    static const char *const bad[] = {"bad", "bad2"};
    chart c = {.out = out, .x_most = seconds};
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < runs[i].slice_count; k++) {
            const report_slice *s = &runs[i].slices[k];
            most = s->requests > most ? s->requests : most;
            most = s->errors > most ? s->errors : most;
        }
    }
    begin(&c, 220, "requests and errors a second");
    linear_axis(&c, most);
    time_axis(&c);
    for (size_t i = 0; i < count; i++) {
        rate_line(&c, &runs[i], kind_of(i, true), false);
        rate_line(&c, &runs[i], bad[i], true);
    }
    end(&c);
    fputs("<p class=\"key\">", out);
    for (size_t i = 0; i < count; i++)
        key(out, kind_of(i, true), &runs[i], count, "responses/s");
    fputs("<span class=\"kbad\">&#8212; errors/s (failures, and statuses other than 2xx)", out);
    fputs(count > 1 ? ", the second's dashed</span></p>\n" : "</span></p>\n", out);
}

static void latencies(const report_run *runs, size_t count, double seconds, FILE *out)
{
    chart c = {.out = out, .x_most = seconds};
    double least = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < runs[i].slice_count; k++) {
            const report_slice *s = &runs[i].slices[k];
            if (s->requests > 0) {
                least = least == 0 || s->p50_us < least ? s->p50_us : least;
                most = s->p99_us > most ? s->p99_us : most;
            }
        }
    }
    begin(&c, 240, "latency over time");
    latency_axis(&c, least, most);
    time_axis(&c);
    for (size_t i = 0; i < count; i++) {
        latency_line(&c, &runs[i], kind_of(i, false), false);
        latency_line(&c, &runs[i], kind_of(i, true), true);
    }
    end(&c);
    fputs("<p class=\"key\">", out);
    for (size_t i = 0; i < count; i++) {
        key(out, kind_of(i, false), &runs[i], count, "p50");
        key(out, kind_of(i, true), &runs[i], count, "p99");
    }
    fputs("</p>\n", out);
}

void report_chart_timelines(const report_run *runs, size_t count, FILE *out)
{
    double seconds = 0;
    for (size_t i = 0; i < count; i++) {
        double whole = (double)runs[i].slice_count * runs[i].slice_seconds;
        double took = runs[i].seconds > 0 && runs[i].seconds < whole ? runs[i].seconds : whole;
        seconds = took > seconds ? took : seconds;
    }
    rates(runs, count, seconds, out);
    latencies(runs, count, seconds, out);
}
