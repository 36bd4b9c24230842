#include "support/traced.h"

#include "support/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_log(traced *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_log(traced *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size = vsnprintf(t->log + t->log_used, t->log_size - t->log_used, format, values);
    va_end(values);
    CHECK(size >= 0 && (size_t)size < t->log_size - t->log_used);
    t->log_used += (size_t)size;
}

/* "error=RP_E_RESET", and so on, of what may be looked for. */
static void attribute(const rp_trace_attribute *a, void *user)
{
    static const char *const kept[] = {"http.request.resend_count", "http.response.status_code",
                                       "error.type", "network.protocol.version"};
    traced *t = user;
    CHECK(a->name != NULL && (a->text == NULL || !a->boolean));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (strcmp(a->name, kept[i]) != 0)
            continue;
        const char *name = strrchr(a->name, '.') + 1;
        if (a->text != NULL)
            write_log(t, " %s=%s", name, a->text);
        else
            write_log(t, " %s=%llu", name, (unsigned long long)a->number);
    }
}

static void keep(traced *t, const rp_trace_event *event)
{
    if (event->request != 0)
        write_log(t, "r%llu", (unsigned long long)event->request);
    else
        write_log(t, "c%llu", (unsigned long long)event->connection);
    write_log(t, " %s", rp_trace_name(event->kind));
    rp_trace_attributes(event, 0, attribute, t);
    write_log(t, "\n");
}

/* ---- requests ---- */

static traced_request *find_request(traced *t, uint64_t number)
{
    for (size_t i = 0; i < t->request_count; i++)
        if (t->requests[i].number == number)
            return &t->requests[i];
    return NULL;
}

static traced_request *add_request(traced *t, const rp_trace_event *event)
{
    if (t->request_count == t->request_capacity) {
        t->request_capacity = t->request_capacity * 2 + 16;
        t->requests = realloc(t->requests, t->request_capacity * sizeof(*t->requests));
        CHECK(t->requests != NULL);
    }
    traced_request *r = &t->requests[t->request_count++];
    *r = (traced_request){.number = event->request, .trace = event->trace};
    t->begun++;
    return r;
}

static void look_at_conn(traced *t, const rp_trace_event *event)
{
    bool there = false;
    for (size_t i = 0; i < t->conn_count; i++)
        there = there || (t->conns[i].number == event->connection && t->conns[i].open);
    CHECK(there);
}

static void look_at_request(traced *t, const rp_trace_event *event)
{
    traced_request *r = find_request(t, event->request);
    CHECK((r == NULL) == (event->kind == RP_TRACE_BEGIN));
    if (r == NULL)
        r = add_request(t, event);
    CHECK(event->trace == r->trace && event->time_ns >= r->time_ns && event->age_ns == 0);
    CHECK(event->host != NULL && event->method[0] != '\0' && event->target_size > 0);
    r->time_ns = event->time_ns;
    bool outside = event->kind == RP_TRACE_BEGIN || event->kind == RP_TRACE_ATTEMPT ||
                   event->kind == RP_TRACE_END;
    CHECK(outside != r->attempt);
    CHECK(event->kind == RP_TRACE_END || event->resends == r->attempts);
    switch (event->kind) {
    case RP_TRACE_ATTEMPT:
        r->attempt = true;
        r->assigned = r->head = r->body = false;
        break;
    case RP_TRACE_QUEUED:
        CHECK(!r->head);
        r->assigned = false;
        break;
    case RP_TRACE_ASSIGNED:
        CHECK(!r->head);
        r->assigned = true;
        look_at_conn(t, event);
        break;
    case RP_TRACE_SENT:
        CHECK(r->assigned);
        break;
    case RP_TRACE_HEAD:
        CHECK(r->assigned && !r->head && event->status >= 100);
        r->head = true;
        break;
    case RP_TRACE_BODY:
        CHECK(r->head && !r->body);
        r->body = true;
        break;
    case RP_TRACE_ATTEMPT_END:
        r->attempt = false;
        r->attempts++;
        break;
    case RP_TRACE_END:
        CHECK(r->attempts > 0 && event->resends == r->attempts - 1);
        t->ended++;
        *r = t->requests[--t->request_count];
        break;
    default:
        CHECK(event->kind == RP_TRACE_BEGIN);
    }
}

/* ---- connections ---- */

static void add_conn(traced *t, uint64_t number)
{
    if (t->conn_count == t->conn_capacity) {
        t->conn_capacity = t->conn_capacity * 2 + 16;
        t->conns = realloc(t->conns, t->conn_capacity * sizeof(*t->conns));
        CHECK(t->conns != NULL);
    }
    t->conns[t->conn_count++] = (traced_conn){.number = number};
}

static void look_at_connection(traced *t, const rp_trace_event *event)
{
    size_t i = 0;
    while (i < t->conn_count && t->conns[i].number != event->connection)
        i++;
    CHECK((i == t->conn_count) == (event->kind == RP_TRACE_OPENING));
    if (i == t->conn_count)
        add_conn(t, event->connection);
    traced_conn *c = &t->conns[i];
    CHECK(event->host != NULL && event->connection != 0);
    CHECK((event->why != NULL) == (event->kind == RP_TRACE_CLOSED));
    switch (event->kind) {
    case RP_TRACE_RESOLVED:
        CHECK(!c->open && !c->failed && !c->resolved && !c->connected);
        c->resolved = true;
        break;
    case RP_TRACE_CONNECTED:
        CHECK(!c->open && !c->failed && !c->connected);
        c->connected = true;
        break;
    case RP_TRACE_OPENED:
        CHECK(!c->open && !c->failed && c->connected && event->error == NULL);
        c->open = true;
        t->opened++;
        break;
    case RP_TRACE_OPEN_FAILED:
        CHECK(!c->open && !c->failed && event->error != NULL);
        c->failed = true;
        break;
    case RP_TRACE_CLOSED:
        *c = t->conns[--t->conn_count];
        break;
    default:
        CHECK(event->kind == RP_TRACE_OPENING);
    }
}

void traced_event(const rp_trace_event *event, void *user)
{
    traced *t = user;
    if (t->log != NULL)
        keep(t, event);
    if (event->request != 0)
        look_at_request(t, event);
    else
        look_at_connection(t, event);
}

void traced_end(traced *t)
{
    CHECK(t->request_count == 0 && t->conn_count == 0 && t->begun == t->ended);
    free(t->requests);
    free(t->conns);
}
