/* transfer.c - one request. The body goes out as it comes; what can't be written ends it. */
#include "transfer.h"

#include "exit_code.h"
#include "url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Output ---- */

static void fail_writing(transfer *t, rp_request *request, const char *what)
{
    const char *name = t->target->output != NULL ? t->target->output : "standard output";
    if (t->result.exit_code != EXIT_OK)
        return;
    t->result.exit_code = EXIT_WRITE;
    snprintf(t->result.message, sizeof(t->result.message), "%s: %s: %s", name, what,
             strerror(errno));
    if (request != NULL)
        rp_request_cancel(request);
}

static bool open_output(transfer *t, rp_request *request)
{
    const char *path = t->target->output;
    if (t->out != NULL)
        return true;
    if (path == NULL || strcmp(path, "-") == 0)
        t->out = stdout;
    else
        t->out = fopen(path, "wb");
    if (t->out == NULL) {
        fail_writing(t, request, "can't be opened");
        return false;
    }
    /* The body comes in pieces that are large already. */
    setvbuf(t->out, NULL, _IONBF, 0);
    return true;
}

static void write_output(transfer *t, rp_request *request, const void *data, size_t size)
{
    if (t->no_output || t->result.exit_code != EXIT_OK || !open_output(t, request))
        return;
    if (fwrite(data, 1, size, t->out) != size)
        fail_writing(t, request, "can't be written");
}

static void close_output(transfer *t)
{
    if (t->result.exit_code == EXIT_OK && !t->no_output)
        open_output(t, NULL); /* a file for an empty body too */
    if (t->out == NULL)
        return;
    bool failed = t->out == stdout ? fflush(stdout) != 0 : fclose(t->out) != 0;
    if (failed)
        fail_writing(t, NULL, "can't be written");
}

/* ---- The end ---- */

static void report(transfer *t)
{
    const tool_options *o = t->operation->options;
    close_output(t);
    if (o->global.verbose)
        print_totals(&t->result, stderr);
    if (t->result.exit_code != EXIT_OK)
        print_failure(o, t->result.exit_code, t->result.message);
    if (o->write_out == NULL)
        return;
    write_out(&t->result, o->write_out, stdout);
    if (fflush(stdout) != 0)
        fail_writing(t, NULL, "can't be written");
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

static void output_head(transfer *t, rp_request *request, const rp_response_head *head)
{
    if (t->no_output || t->result.exit_code != EXIT_OK || !open_output(t, request))
        return;
    print_head(t->out, head, "", "\r\n");
    if (ferror(t->out))
        fail_writing(t, request, "can't be written");
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
    r->redirects = summary->redirects;
    r->redirect_us = summary->redirect_us;
    r->timings = summary->timings;
    copy(r->address, sizeof(r->address), summary->address);
    copy(r->tls_version, sizeof(r->tls_version), summary->tls_version);
    copy(r->tls_cipher, sizeof(r->tls_cipher), summary->tls_cipher);
    copy(r->tls_group, sizeof(r->tls_group), summary->tls_group);
}

/* -v: how the connection came about, and what was sent on it, before what came back. */
static void tell_connection(transfer *t)
{
    if (!t->operation->options->global.verbose || t->told_connection)
        return;
    t->told_connection = true;
    print_connection(&t->result, stderr);
    if (t->result.timings.sent_us > 0)
        print_request(&t->result, stderr);
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    transfer *t = user;
    if (t->operation->options->global.verbose) {
        rp_response_summary summary;
        rp_request_summary_get(request, &summary);
        note_summary(&t->result, &summary);
        tell_connection(t);
        print_head(stderr, head, "< ", "\n");
    }
    if (!head->informational) {
        note_head(&t->result, head);
        redirects_note(&t->redirects, &t->result, head);
    }
    if (t->operation->options->fail && head->status >= 400) {
        t->no_output = true;
        t->result.exit_code = EXIT_HTTP_STATUS;
        snprintf(t->result.message, sizeof(t->result.message), "the server answered with status %d",
                 head->status);
        rp_request_cancel(request);
        return;
    }
    if (t->operation->options->include || t->operation->options->head)
        output_head(t, request, head);
}

static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    transfer *t = user;
    const tool_options *o = t->operation->options;
    if (o->global.verbose) {
        rp_response_summary summary;
        rp_request_summary_get(request, &summary);
        note_summary(&t->result, &summary);
        tell_connection(t);
        print_head(stderr, redirect->head, "< ", "\n");
        fprintf(stderr, "* redirect %u: %s %s\n", redirect->number, redirect->method,
                redirect->url);
        t->told_connection = false;
    }
    note_head(&t->result, redirect->head);
    if (o->include || o->head)
        output_head(t, request, redirect->head);
    if (t->result.exit_code == EXIT_OK && !redirects_next(&t->redirects, &t->result, redirect)) {
        redirects_note(&t->redirects, &t->result, redirect->head);
        rp_request_cancel(request);
    }
    return true;
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    write_output(user, request, data, size);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    transfer *t = user;
    result *r = &t->result;
    (void)request;
    note_summary(r, summary);
    tell_connection(t);
    if (summary->status > 0) /* of a redirect that could not be followed, too */
        r->status = summary->status;
    if (summary->error != NULL && r->exit_code == EXIT_OK) { /* what made us cancel comes first */
        r->exit_code = setup_exit_code(r->options, summary->error);
        copy(r->message, sizeof(r->message), summary->error->text);
    }
    report(t);
    t->on_end(t, t->user);
}

static const rp_response_events events = {on_head, on_body, on_done};

/* ---- The begin ---- */

static bool fail_start(transfer *t, int code, const char *text)
{
    t->result.exit_code = code;
    copy(t->result.message, sizeof(t->result.message), text);
    report(t);
    return false;
}

static bool send(transfer *t)
{
    operation *p = t->operation;
    rp_request_options request;
    rp_error error = {0};
    setup_request_options(p->options, &t->fields, &request);
    request.url = t->url;
    request.on_redirect = on_redirect;
    int code = redirects_begin(&t->redirects, p->options, t->url, &request, error.text,
                               sizeof(error.text));
    if (code != EXIT_OK)
        return fail_start(t, code, error.text);
    if (p->options->global.verbose)
        print_begin(&t->result, stderr);
    if (rp_client_send(p->client, &request, &events, t, &error) != NULL)
        return true;
    return fail_start(t, exit_code(error.status, error.phase), error.text);
}

bool transfer_start(transfer *t, rp_loop *loop, operation *p, const tool_target *target,
                    transfer_fn *on_end, void *user)
{
    const tool_options *o = p->options;
    const char *method = options_method(o);
    memset(t, 0, sizeof(*t));
    t->operation = p;
    t->target = target;
    t->on_end = on_end;
    t->user = user;
    t->result.options = o;
    t->result.method = method != NULL ? method : o->body.given ? "POST" : "GET";
    t->result.fields = &t->fields;
    t->result.url = t->result.effective_url = target->url;
    if (loop != NULL) {
        t->result.backend = rp_loop_backend(loop);
        t->result.stats = rp_loop_stats_get(loop);
    }
    if (p->client == NULL)
        return fail_start(t, p->exit_code, p->message);
    t->url = o->upload != NULL ? url_for_upload(target->url, o->upload) : strdup(target->url);
    if (t->url == NULL || !fields_compose(&t->fields, o, &(own_fields){.range = NULL}))
        return fail_start(t, EXIT_MEMORY, "out of memory");
    t->result.url = t->result.effective_url = t->url;
    return send(t);
}

void transfer_free(transfer *t)
{
    fields_free(&t->fields);
    redirects_free(&t->redirects);
    free(t->url);
}
