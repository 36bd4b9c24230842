/* trace.h - --trace: what happens to a client's requests and connections, a line an event. */
#ifndef TOOL_TRACE_H
#define TOOL_TRACE_H

#include <ringport/http.h>
#include <stdio.h>

typedef struct event_log {
    FILE *file; /* NULL: none is kept */
    uint64_t begin_ns;
    bool begun;
} event_log;

/* path as curl has it: "-" standard output, "%" standard error. False: errno says why. */
bool event_log_open(event_log *log, const char *path);
/* False: not all of it could be written. */
bool event_log_close(event_log *log);

/* For on_trace of rp_client_options; user is the log. */
void event_log_write(const rp_trace_event *event, void *user);

#endif
