/* get.c - one request. The body goes out as it comes; what can't be written ends the request. */
#include "get.h"

#include "exit_code.h"
#include "result.h"
#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct get {
    rp_loop *loop;
    const tool_options *options;
    FILE *out;      /* opened with the first byte */
    bool no_output; /* -f and a status that fails */
    bool told_connection;
    result result;
} get;

/* ---- Output ---- */

static void fail_writing(get *g, rp_request *request, const char *what)
{
    const char *name = g->options->output != NULL ? g->options->output : "standard output";
    if (g->result.exit_code != EXIT_OK)
        return;
    g->result.exit_code = EXIT_WRITE;
    snprintf(g->result.message, sizeof(g->result.message), "%s: %s: %s", name, what,
             strerror(errno));
    if (request != NULL)
        rp_request_cancel(request);
}

static bool open_output(get *g, rp_request *request)
{
    const char *path = g->options->output;
    if (g->out != NULL)
        return true;
    if (path == NULL || strcmp(path, "-") == 0)
        g->out = stdout;
    else
        g->out = fopen(path, "wb");
    if (g->out == NULL) {
        fail_writing(g, request, "can't be opened");
        return false;
    }
    /* The body comes in pieces that are large already. */
    setvbuf(g->out, NULL, _IONBF, 0);
    return true;
}

static void write_output(get *g, rp_request *request, const void *data, size_t size)
{
    if (g->no_output || g->result.exit_code != EXIT_OK || !open_output(g, request))
        return;
    if (fwrite(data, 1, size, g->out) != size)
        fail_writing(g, request, "can't be written");
}

static void close_output(get *g)
{
    if (g->result.exit_code == EXIT_OK && !g->no_output)
        open_output(g, NULL); /* a file for an empty body too */
    if (g->out == NULL)
        return;
    bool failed = g->out == stdout ? fflush(stdout) != 0 : fclose(g->out) != 0;
    if (failed)
        fail_writing(g, NULL, "can't be written");
}

/* ---- Events ---- */

/* prefix and line_end: "< " and "\n" for -v, "" and "\r\n" for -i. */
static void print_head(FILE *out, const rp_response_head *head, const char *prefix,
                       const char *line_end)
{
    fprintf(out, "%sHTTP/%s %d%s%s%s", prefix, version_name(head->version), head->status,
            head->reason[0] != '\0' ? " " : "", head->reason, line_end);
    for (size_t i = 0; i < head->header_count; i++)
        fprintf(out, "%s%s: %s%s", prefix, head->headers[i].name, head->headers[i].value, line_end);
    fprintf(out, "%s%s", prefix[0] != '\0' ? "<" : "", line_end);
}

static void output_head(get *g, rp_request *request, const rp_response_head *head)
{
    if (g->no_output || g->result.exit_code != EXIT_OK || !open_output(g, request))
        return;
    print_head(g->out, head, "", "\r\n");
    if (ferror(g->out))
        fail_writing(g, request, "can't be written");
}

static void note_head(result *r, const rp_response_head *head)
{
    r->status = head->status;
    r->version = head->version;
    r->header_count = head->header_count;
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcasecmp(head->headers[i].name, "content-type") == 0)
            snprintf(r->content_type, sizeof(r->content_type), "%s", head->headers[i].value);
    }
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

static void note_summary(result *r, const rp_response_summary *summary)
{
    r->body_bytes = summary->body_bytes;
    r->bytes_sent = summary->bytes_sent;
    r->body_bytes_sent = summary->body_bytes_sent;
    r->attempts = summary->attempts;
    r->reused = summary->reused;
    r->resumed = summary->resumed;
    r->certificate_missed = summary->certificate_missed;
    r->connection_version = summary->version;
    r->stream = summary->stream;
    r->timings = summary->timings;
    copy(r->address, sizeof(r->address), summary->address);
    copy(r->tls_version, sizeof(r->tls_version), summary->tls_version);
    copy(r->tls_cipher, sizeof(r->tls_cipher), summary->tls_cipher);
    copy(r->tls_group, sizeof(r->tls_group), summary->tls_group);
}

/* -v: how the connection came about, and what was sent on it, before what came back. */
static void tell_connection(get *g)
{
    if (!g->options->verbose || g->told_connection)
        return;
    g->told_connection = true;
    print_connection(&g->result, stderr);
    if (g->result.timings.sent_us > 0)
        print_request(&g->result, stderr);
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    get *g = user;
    if (g->options->verbose) {
        rp_response_summary summary;
        rp_request_summary_get(request, &summary);
        note_summary(&g->result, &summary);
        tell_connection(g);
        print_head(stderr, head, "< ", "\n");
    }
    if (!head->informational)
        note_head(&g->result, head);
    if (g->options->fail && head->status >= 400) {
        g->no_output = true;
        g->result.exit_code = EXIT_HTTP_STATUS;
        snprintf(g->result.message, sizeof(g->result.message), "the server answered with status %d",
                 head->status);
        rp_request_cancel(request);
        return;
    }
    if (g->options->include || g->options->head)
        output_head(g, request, head);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    write_output(user, request, data, size);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    get *g = user;
    result *r = &g->result;
    (void)request;
    rp_loop_stop(g->loop); /* not to wait for a connection that is still being opened */
    note_summary(r, summary);
    tell_connection(g);
    /* What made us cancel comes first. */
    if (summary->error == NULL || r->exit_code != EXIT_OK)
        return;
    r->exit_code = setup_exit_code(r->options, summary->error);
    copy(r->message, sizeof(r->message), summary->error->text);
}

static const rp_response_events events = {on_head, on_body, on_done};

/* ---- The run ---- */

static void note_error(result *r, const rp_error *error)
{
    r->exit_code = exit_code(error->status, error->phase);
    copy(r->message, sizeof(r->message), error->text);
}

static void transfer(get *g, rp_loop *loop, const setup *s)
{
    rp_client_options client_options;
    rp_request_options request_options;
    rp_client *client;
    rp_error error = {0};
    setup_client_options(s, g->options, &client_options);
    setup_request_options(g->options, &request_options);
    if (rp_client_create(&client, loop, &client_options, &error) != RP_OK) {
        note_error(&g->result, &error);
        return;
    }
    if (g->options->verbose)
        print_begin(g->options, stderr);
    g->loop = loop;
    if (rp_client_send(client, &request_options, &events, g, &error) != NULL)
        rp_loop_run(loop);
    else
        note_error(&g->result, &error);
    rp_client_destroy(client);
}

static void report(get *g)
{
    const tool_options *o = g->options;
    close_output(g);
    if (o->verbose)
        print_totals(&g->result, stderr);
    if (g->result.exit_code != EXIT_OK)
        print_failure(o, g->result.exit_code, g->result.message);
    if (o->write_out == NULL)
        return;
    write_out(&g->result, o->write_out, stdout);
    if (fflush(stdout) != 0)
        fail_writing(g, NULL, "can't be written");
}

int get_run(const tool_options *o)
{
    get g = {.options = o};
    setup s;
    rp_loop *loop = NULL;
    rp_loop_options loop_options;
    rp_error error = {0};
    g.result.options = o;
    const char *method = options_method(o);
    g.result.method = method != NULL ? method : o->body.given ? "POST" : "GET";

    g.result.exit_code = setup_create(&s, o, &error);
    copy(g.result.message, sizeof(g.result.message), error.text);
    setup_loop_options(o, &loop_options);
    if (g.result.exit_code == EXIT_OK && rp_loop_create(&loop, &loop_options, &error) != RP_OK)
        note_error(&g.result, &error);
    if (loop != NULL) {
        g.result.backend = rp_loop_backend(loop);
        g.result.stats = rp_loop_stats_get(loop);
        transfer(&g, loop, &s);
    }
    report(&g);
    rp_loop_destroy(loop);
    setup_destroy(&s);
    return g.result.exit_code;
}
