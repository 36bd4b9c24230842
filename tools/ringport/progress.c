/* progress.c - see progress.h. */
#include "progress.h"

#include "host.h"

#define TICK_NS 100000000U
#define METER_BEGIN_NS 1000000000U /* what takes less time needs no line */
#define WIDTH 60
#define MARKS "############################################################"

void progress_begin(progress *p, const tool_options *o, const output *out)
{
    const tool_globals *g = &o->global;
    *p = (progress){.length = RP_LENGTH_UNKNOWN, .begin_ns = host_now_ns()};
    p->bar = g->progress_bar && !g->silent;
    p->meter = !p->bar && !g->silent && !g->verbose && !g->no_meter && !g->parallel &&
               host_stderr_is_terminal() && (out->path != NULL || !host_stdout_is_terminal());
}

void progress_bytes(double bytes, char text[16])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    for (; bytes >= 1024 && i < sizeof(units) / sizeof(units[0]) - 1; i++)
        bytes /= 1024;
    snprintf(text, 16, "%.*f %s", i == 0 ? 0 : 1, bytes, units[i]);
}

static bool has_length(const progress *p, uint64_t done)
{
    return p->length != RP_LENGTH_UNKNOWN && p->length > 0 && done <= p->length;
}

static void show_bar(const progress *p, uint64_t done)
{
    if (!has_length(p, done)) {
        fprintf(stderr, "\r%llu bytes", (unsigned long long)done);
        return;
    }
    double part = (double)done / (double)p->length;
    int marks = (int)(part * WIDTH);
    fprintf(stderr, "\r%.*s%*s %5.1f%%", marks, MARKS, WIDTH - marks, "", part * 100);
}

static void show_meter(const progress *p, uint64_t done, uint64_t now)
{
    char have[16], all[16], rate[16];
    double each = (double)done * 1e9 / (double)(now - p->begin_ns + 1);
    progress_bytes((double)done, have);
    progress_bytes(each, rate);
    fprintf(stderr, "\r\033[K%s", have);
    if (has_length(p, done)) {
        progress_bytes((double)p->length, all);
        fprintf(stderr, " of %s, %.0f%%", all, (double)done * 100 / (double)p->length);
    }
    fprintf(stderr, ", %s/s", rate);
    if (has_length(p, done) && each > 0)
        fprintf(stderr, ", %.0f s left", (double)(p->length - done) / each);
}

static void show(progress *p, uint64_t done, uint64_t now)
{
    p->shown = true;
    p->shown_ns = now;
    if (p->bar)
        show_bar(p, done);
    else
        show_meter(p, done, now);
    fflush(stderr);
}

void progress_note(progress *p, uint64_t done)
{
    if (!p->bar && !p->meter)
        return;
    uint64_t now = host_now_ns();
    if (p->meter && now - p->begin_ns < METER_BEGIN_NS)
        return;
    if (!p->shown || now - p->shown_ns >= TICK_NS)
        show(p, done, now);
}

/* The bar stays; of the line nothing does, for its reader saw it. */
void progress_end(progress *p, uint64_t done)
{
    if (p->bar && done > 0) {
        show(p, done, host_now_ns());
        fputc('\n', stderr);
    } else if (p->meter && p->shown) {
        fputs("\r\033[K", stderr);
    }
    fflush(stderr);
    p->shown = false;
}
