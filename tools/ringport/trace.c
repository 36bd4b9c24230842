/* trace.c - see trace.h. */
#include "trace.h"

#include <string.h>

bool event_log_open(event_log *log, const char *path)
{
    *log = (event_log){.file = strcmp(path, "-") == 0   ? stdout
                               : strcmp(path, "%") == 0 ? stderr
                                                        : fopen(path, "w")};
    return log->file != NULL;
}

bool event_log_close(event_log *log)
{
    FILE *file = log->file;
    if (file == NULL)
        return true;
    log->file = NULL;
    bool good = fflush(file) == 0 && ferror(file) == 0;
    return file == stdout || file == stderr ? good : fclose(file) == 0 && good;
}

/* The last events of a span repeat what the others said. */
static bool is_news(const rp_trace_event *event, const char *name)
{
    bool last = event->kind == RP_TRACE_ATTEMPT_END || event->kind == RP_TRACE_END ||
                event->kind == RP_TRACE_CLOSED;
    return !last || strcmp(name, "http.response.status_code") == 0 ||
           strcmp(name, "error.type") == 0;
}

typedef struct line {
    FILE *out;
    const rp_trace_event *event;
} line;

static void print_attribute(const rp_trace_attribute *attribute, void *user)
{
    const line *l = user;
    if (!is_news(l->event, attribute->name))
        return;
    fprintf(l->out, " %s=", attribute->name);
    if (attribute->text != NULL)
        fputs(attribute->text, l->out);
    else if (attribute->boolean)
        fputs(attribute->number != 0 ? "true" : "false", l->out);
    else
        fprintf(l->out, "%llu", (unsigned long long)attribute->number);
}

void event_log_write(const rp_trace_event *event, void *user)
{
    event_log *log = user;
    line l = {log->file, event};
    if (log->file == NULL)
        return;
    if (!log->begun)
        log->begin_ns = event->time_ns;
    log->begun = true;
    fprintf(log->file, "%10.3f ms", (double)(event->time_ns - log->begin_ns) / 1e6);
    if (event->request != 0)
        fprintf(log->file, " request=%llu", (unsigned long long)event->request);
    if (event->connection != 0)
        fprintf(log->file, " connection=%llu", (unsigned long long)event->connection);
    fprintf(log->file, " %s", rp_trace_name(event->kind));
    rp_trace_attributes(event, 0, print_attribute, &l);
    if (event->delay_ms > 0)
        fprintf(log->file, " delay_ms=%llu", (unsigned long long)event->delay_ms);
    if (event->error != NULL && event->kind != RP_TRACE_END)
        fprintf(log->file, ": %s", event->error->text);
    if (event->why != NULL)
        fprintf(log->file, ": %s", event->why);
    fputc('\n', log->file);
}
