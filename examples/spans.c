/* spans.c - OpenTelemetry's spans of requests as JSON, a line each, and the test of that. */
#include <ringport/ringport.h>
#include <ringport/sim.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* guide: begin spans */
/* What the program does; each attempt at a request of it is a span below this one. */
typedef struct activity {
    char trace_id[33], span_id[17]; /* your tracer makes them */
    uint64_t attempt_begun_ns;
    unsigned attempts;
} activity;

static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
            printf("\\u%04x", (unsigned char)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static void print_attribute(const rp_trace_attribute *attribute, void *user)
{
    unsigned *printed = user;
    printf("%s\"%s\":", (*printed)++ > 0 ? "," : "", attribute->name);
    if (attribute->text != NULL)
        print_text(attribute->text);
    else if (attribute->boolean)
        printf("%s", attribute->number != 0 ? "true" : "false");
    else
        printf("%llu", (unsigned long long)attribute->number);
}

static uint64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_trace(const rp_trace_event *event, void *user)
{
    activity *parent = event->trace;
    unsigned printed = 0;
    (void)user;
    if (parent == NULL)
        return; /* of a connection, or of a request that nobody traces */
    if (event->kind == RP_TRACE_ATTEMPT)
        parent->attempt_begun_ns = event->time_ns;
    if (event->kind != RP_TRACE_ATTEMPT_END)
        return;
    uint64_t end_ns = wall_ns(), took_ns = event->time_ns - parent->attempt_begun_ns;
    bool failed = event->error != NULL || event->status >= 400;
    printf("{\"traceId\":\"%s\",\"parentSpanId\":\"%s\",\"spanId\":\"%016x\",\"name\":",
           parent->trace_id, parent->span_id, ++parent->attempts);
    print_text(event->method);
    printf(",\"kind\":\"CLIENT\",\"startTimeUnixNano\":%llu,\"endTimeUnixNano\":%llu,"
           "\"status\":\"%s\",\"attributes\":{",
           (unsigned long long)(end_ns - took_ns), (unsigned long long)end_ns,
           failed ? "ERROR" : "UNSET");
    rp_trace_attributes(event, 0, print_attribute, &printed);
    printf("}}\n");
}

static rp_client *traced_client(rp_loop *loop, rp_tls_config *tls, rp_error *error)
{
    rp_client *client = NULL;
    rp_client_options options = {.tls = tls, .on_trace = on_trace};
    (void)rp_client_create(&client, loop, &options, error);
    return client;
}

/* W3C Trace Context: what the server does is below the same activity. */
static rp_request *traced_get(rp_client *client, const char *url, activity *parent,
                              rp_collected *answer, rp_error *error)
{
    static const rp_retry_options retry = {.attempts = 3};
    char context[64];
    rp_header header = {"traceparent", context};
    rp_request_options request = {.url = url,
                                  .headers = &header,
                                  .header_count = 1,
                                  .redirects_limit = 5,
                                  .retry = &retry,
                                  .trace = parent};
    (void)snprintf(context, sizeof(context), "00-%s-%s-01", parent->trace_id, parent->span_id);
    return rp_client_send(client, &request, &rp_collect_events, answer, error);
}
/* guide: end spans */

/* ---- the test ---- */

static const char context[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
static int wrong;

static void answer(rp_sim_exchange *exchange, void *user)
{
    static bool was_busy;
    const char *path = rp_sim_target(exchange);
    const char *seen = rp_sim_header(exchange, "traceparent");
    (void)user;
    wrong += seen == NULL || strcmp(seen, context) != 0;
    if (strcmp(path, "/moved") == 0)
        rp_sim_respond(exchange, 302, "Location: /here?sig=s3cr3t\r\n", NULL, 0);
    else if (strcmp(path, "/busy") == 0 && !was_busy)
        rp_sim_respond(exchange, (was_busy = true) ? 503 : 0, NULL, NULL, 0);
    else if (strcmp(path, "/reset") == 0)
        rp_sim_end(exchange, RP_SIM_END_RESET);
    else
        rp_sim_respond(exchange, 200, NULL, "ok", 2);
}

int main(void)
{
    static const struct {
        const char *url;
        unsigned attempts;
    } calls[] = {
        {"https://me:s3cr3t@api.example.com/", 1},
        {"https://api.example.com/moved", 2},
        {"https://api.example.com/busy", 2},
        {"https://api.example.com/reset", 4}, /* a replay, and three tries */
        {"https://nowhere.example.com/", 1},
    };
    rp_sim *sim = NULL;
    rp_loop *loop = NULL;
    rp_client *client = NULL;
    rp_tls_config *tls = NULL;
    rp_sim_server *server = NULL;
    rp_sim_server_options serving = {.host = "api.example.com", .on_request = answer};
    rp_error error;
    if (rp_sim_create(&sim, NULL, &error) || rp_sim_loop_create(sim, &loop, NULL, false, &error) ||
        rp_sim_server_start(sim, &server, &serving, &error) ||
        rp_tls_config_create(&tls, &(rp_tls_options){.ca_pem = rp_sim_ca_pem}, &error) ||
        (client = traced_client(loop, tls, &error)) == NULL)
        return printf("%s\n", error.text);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        activity parent = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 0, 0};
        rp_collected collected = {.on_done = NULL};
        if (!traced_get(client, calls[i].url, &parent, &collected, &error))
            return printf("%s\n", error.text);
        rp_loop_run(loop);
        wrong += parent.attempts != calls[i].attempts;
    }
    rp_client_destroy(client);
    rp_tls_config_release(tls);
    rp_loop_destroy(loop);
    rp_sim_destroy(sim);
    return wrong;
}
