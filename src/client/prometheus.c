/* prometheus.c - a client's statistics in Prometheus' text format 0.0.4: for each metric what it
 * is, then its series, one for each origin, or some. */
#include "client/prometheus.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 2048
#define LABELS_SIZE 1536
#define ORIGINS_LIMIT 1000

typedef struct writer writer;

typedef struct metric {
    const char *name, *type, *help;
    void (*write)(writer *w, const rp_origin_statistics *origin);
    uint64_t (*value)(const rp_origin_statistics *origin); /* of one that is a number; else NULL */
} metric;

struct writer {
    rp_metrics_fn *fn;
    void *user;
    const metric *metric;
    unsigned origins;
    uint32_t number, count;   /* of the client, and of all; count 0: of one that needs none */
    char labels[LABELS_SIZE]; /* of the origin */
};

static void print(writer *w, const char *format, ...) RP_PRINTF(2, 3);
static void print(writer *w, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof(line), format, values);
    va_end(values);
    if (size > 0 && (size_t)size < sizeof(line)) /* labels fit, whatever they are */
        w->fn(line, (size_t)size, w->user);
}

/* ---- labels ---- */

/* A backslash, a quotation mark and a line's end are written with a backslash. Text that is not
 * ASCII, which the path of a Unix socket may be, becomes '?': bytes that are no UTF-8 would have
 * all of it refused. */
static void label_add(char labels[LABELS_SIZE], const char *name, const char *value)
{
    size_t at = strlen(labels);
    at += (size_t)snprintf(labels + at, LABELS_SIZE - at, "%s%s=\"", at > 0 ? "," : "", name);
    for (; *value != '\0' && at + 4 < LABELS_SIZE; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            labels[at++] = '\\';
        labels[at++] = (unsigned char)*value < 0x80 ? *value : '?';
        if (*value == '\n')
            labels[at - 1] = 'n';
    }
    labels[at] = '"';
    labels[at + 1] = '\0';
}

static void labels_make(writer *w, const rp_origin_statistics *origin)
{
    char port[8], number[16];
    (void)snprintf(port, sizeof(port), "%u", origin->port);
    w->labels[0] = '\0';
    label_add(w->labels, "server_address", origin->host != NULL ? origin->host : "");
    label_add(w->labels, "server_port", origin->host != NULL ? port : "");
    label_add(w->labels, "url_scheme",
              origin->host == NULL ? ""
              : origin->https      ? "https"
                                   : "http");
    if (origin->way != NULL && origin->way[0] != '\0')
        label_add(w->labels, "ringport_way", origin->way);
    if (w->count == 0)
        return;
    (void)snprintf(number, sizeof(number), "%u", w->number);
    label_add(w->labels, "ringport_loop", number);
}

/* ---- series ---- */

static void series(writer *w, const char *label, const char *value, uint64_t number)
{
    if (label == NULL)
        print(w, "%s{%s} %llu\n", w->metric->name, w->labels, (unsigned long long)number);
    else
        print(w, "%s{%s,%s=\"%s\"} %llu\n", w->metric->name, w->labels, label, value,
              (unsigned long long)number);
}

static void seconds(writer *w, const char *suffix, uint64_t us)
{
    print(w, "%s%s{%s} %llu.%06llu\n", w->metric->name, suffix, w->labels,
          (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
}

static void write_durations(writer *w, const rp_origin_statistics *origin)
{
    uint64_t count = 0;
    for (size_t i = 0; i < RP_DURATION_BUCKETS; i++) {
        uint64_t us = rp_duration_bounds_us[i];
        char bound[32] = "+Inf";
        if (us != UINT64_MAX)
            (void)snprintf(bound, sizeof(bound), "%llu.%03llu", (unsigned long long)(us / 1000000),
                           (unsigned long long)(us / 1000 % 1000));
        count += origin->counts.durations[i];
        print(w, "%s_bucket{%s,le=\"%s\"} %llu\n", w->metric->name, w->labels, bound,
              (unsigned long long)count);
    }
    seconds(w, "_sum", origin->counts.duration_us);
    print(w, "%s_count{%s} %llu\n", w->metric->name, w->labels, (unsigned long long)count);
}

static void write_open(writer *w, const rp_origin_statistics *origin)
{
    series(w, "http_connection_state", "active", origin->open - origin->idle);
    series(w, "http_connection_state", "idle", origin->idle);
}

static void write_responses(writer *w, const rp_origin_statistics *origin)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 0; i < 6; i++)
        series(w, "class", classes[i], origin->counts.responses[i]);
}

static void write_failures(writer *w, const rp_origin_statistics *origin)
{
    for (size_t i = 0; i < RP_FAILURE_KINDS; i++) {
        const rp_failure_count *failure = &origin->counts.failures[i];
        if (failure->count > 0)
            series(w, "error_type",
                   i + 1 < RP_FAILURE_KINDS ? rp_status_name(failure->status) : "_OTHER",
                   failure->count);
    }
}

static void write_handshakes(writer *w, const rp_origin_statistics *origin)
{
    series(w, "resumed", "false", origin->counts.handshakes_full);
    series(w, "resumed", "true", origin->counts.handshakes_resumed);
}

static void write_wait(writer *w, const rp_origin_statistics *origin)
{
    seconds(w, "", origin->oldest_wait_us);
}

#define VALUE(name, member)                                                                        \
    static uint64_t name(const rp_origin_statistics *origin)                                       \
    {                                                                                              \
        return origin->member;                                                                     \
    }
VALUE(active_of, in_flight)
VALUE(queued_of, queued)
VALUE(opening_of, opening)
VALUE(replayed_of, counts.replayed)
VALUE(retries_of, counts.retries)
VALUE(hedges_of, counts.hedges)
VALUE(hedges_won_of, counts.hedges_won)
VALUE(opened_of, counts.connections_opened)
VALUE(unopened_of, counts.connections_failed)
VALUE(sent_of, counts.bytes_sent)
VALUE(received_of, counts.bytes_received)

static const metric metrics[] = {
    {"http_client_request_duration_seconds", "histogram",
     "Duration of HTTP client requests, until the end of the answer.", write_durations, NULL},
    {"http_client_active_requests", "gauge", "Requests that a connection has.", NULL, active_of},
    {"http_client_open_connections", "gauge", "Open connections.", write_open, NULL},
    {"ringport_client_opening_connections", "gauge", "Connections that are being opened.", NULL,
     opening_of},
    {"ringport_client_queued_requests", "gauge", "Requests that wait for a connection.", NULL,
     queued_of},
    {"ringport_client_oldest_wait_seconds", "gauge",
     "For how long the oldest of the requests that wait has done so.", write_wait, NULL},
    {"ringport_client_responses_total", "counter", "Requests that are done, by status.",
     write_responses, NULL},
    {"ringport_client_failures_total", "counter", "Requests that failed, by cause.", write_failures,
     NULL},
    {"ringport_client_replays_total", "counter",
     "Requests that were sent again after their connection was lost.", NULL, replayed_of},
    {"ringport_client_retries_total", "counter", "Tries beyond the first, by a policy.", NULL,
     retries_of},
    {"ringport_client_hedges_total", "counter", "Requests that were sent a second time meanwhile.",
     NULL, hedges_of},
    {"ringport_client_hedges_won_total", "counter", "Of these, those that were answered first.",
     NULL, hedges_won_of},
    {"ringport_client_connections_opened_total", "counter", "Connections that were opened.", NULL,
     opened_of},
    {"ringport_client_connections_failed_total", "counter", "Connections that could not be opened.",
     NULL, unopened_of},
    {"ringport_client_handshakes_total", "counter", "TLS handshakes.", write_handshakes, NULL},
    {"ringport_client_sent_bytes_total", "counter", "Bytes of requests, before TLS.", NULL,
     sent_of},
    {"ringport_client_received_bytes_total", "counter", "Bytes of answers' bodies.", NULL,
     received_of},
};

static bool write_origin(const rp_origin_statistics *origin, void *user)
{
    writer *w = user;
    if (origin->host != NULL && w->origins++ >= ORIGINS_LIMIT)
        return true; /* the last one may be of those that are forgotten */
    labels_make(w, origin);
    if (w->metric->value != NULL)
        series(w, NULL, NULL, w->metric->value(origin));
    else
        w->metric->write(w, origin);
    return true;
}

void rp__metrics_write(rp_origins_fn *origins, const void *clients, uint32_t count,
                       rp_metrics_fn *fn, void *user)
{
    writer w = {.fn = fn, .user = user, .count = count};
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        w.metric = &metrics[i];
        w.origins = 0;
        print(&w, "# HELP %s %s\n# TYPE %s %s\n", w.metric->name, w.metric->help, w.metric->name,
              w.metric->type);
        w.number = 0;
        do
            origins(clients, w.number, write_origin, &w);
        while (++w.number < count);
    }
}

static void origins_of(const void *client, uint32_t number, rp_origin_statistics_fn *fn, void *user)
{
    (void)number;
    rp_client_origins(client, fn, user);
}

void rp_client_metrics(const rp_client *client, rp_metrics_fn *fn, void *user)
{
    rp__metrics_write(origins_of, client, 0, fn, user);
}
