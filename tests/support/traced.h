/* traced.h - listens to a client's events (<ringport/trace.h>), checks that they come in the order
 * that the header says, and keeps a line of each. */
#ifndef RP_TESTS_TRACED_H
#define RP_TESTS_TRACED_H

#include <ringport/http.h>

typedef struct traced_request {
    uint64_t number, time_ns;
    void *trace;
    unsigned attempts; /* that have ended */
    bool attempt, assigned, head, body;
} traced_request;

typedef struct traced_conn {
    uint64_t number;
    bool open, failed, resolved, connected;
} traced_conn;

/* Zeroed: nothing came. */
typedef struct traced {
    traced_request *requests; /* that have begun and not ended */
    traced_conn *conns;       /* likewise */
    size_t request_count, request_capacity, conn_count, conn_capacity;
    uint64_t begun, ended, opened;
    char *log; /* "r1 attempt.end resends=1 status=503 ..." a line each; NULL: not kept */
    size_t log_size, log_used;
} traced;

/* For on_trace; user is the traced. */
void traced_event(const rp_trace_event *event, void *user);
/* All that began has ended. */
void traced_end(traced *t);

#endif
