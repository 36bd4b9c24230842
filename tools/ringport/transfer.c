/* transfer.c - one request, or several where it is tried again. The body goes out as it comes; what
 * can't be written ends it. */
#include "transfer.h"

#include "date.h"
#include "exit_code.h"
#include "host.h"
#include "option.h"
#include "url.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How often --limit-rate lets more come. */
#define RATE_TICK_MS 100

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

/* The first outcome counts. */
static void decide(transfer *t, rp_request *request, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void decide(transfer *t, rp_request *request, int code, const char *format, ...)
{
    va_list arguments;
    if (!t->decided) {
        va_start(arguments, format);
        vsnprintf(t->result.message, sizeof(t->result.message), format, arguments);
        va_end(arguments);
        t->result.exit_code = code;
        t->decided = true;
    }
    if (request != NULL)
        rp_request_cancel(request);
}

/* ---- Output ---- */

static void fail_writing(transfer *t, rp_request *request, const char *name, const char *what)
{
    decide(t, request, EXIT_WRITE, "%s: %s: %s", name[0] != '\0' ? name : "standard output", what,
           strerror(errno));
}

static bool open_output(transfer *t, rp_request *request)
{
    if (output_open(&t->out))
        return true;
    fail_writing(t, request, output_name(&t->out), "can't be opened");
    return false;
}

static void write_output(transfer *t, rp_request *request, const void *data, size_t size)
{
    if (t->no_output || t->decided || !open_output(t, request))
        return;
    if (output_refuses(&t->out, data, size)) {
        decide(t, request, EXIT_WRITE,
               "the answer is binary, which may confuse a terminal: -o FILE writes it to a file, "
               "-o - here all the same");
        return;
    }
    if (!output_write(&t->out, data, size))
        fail_writing(t, request, output_name(&t->out), "can't be written");
}

/* A response's head, or a proxy's heads. */
typedef struct head_lines {
    const rp_response_head *head; /* NULL: text */
    const char *text;
} head_lines;

static void print_shown(FILE *out, const head_lines *s, const char *prefix, const char *line_end)
{
    if (s->head != NULL)
        head_print(out, s->head, prefix, line_end);
    else
        head_print_text(out, s->text, prefix, line_end);
}

static void write_head(transfer *t, rp_request *request, const head_lines *s)
{
    if (t->no_output || t->decided || !open_output(t, request))
        return;
    print_shown(t->out.file, s, "", "\r\n");
    if (ferror(t->out.file))
        fail_writing(t, request, output_name(&t->out), "can't be written");
}

/* Of -D: those of an operation's transfers stand one behind the other. */
static void dump_head(transfer *t, rp_request *request, const head_lines *s)
{
    const char *path = t->operation->options->dump_header;
    if (t->dump == NULL)
        t->dump = strcmp(path, "-") == 0 ? stdout : fopen(path, t->operation->dumped ? "ab" : "wb");
    t->operation->dumped = true;
    if (t->dump != NULL) {
        print_shown(t->dump, s, "", "\r\n");
        if (fflush(t->dump) == 0)
            return;
    }
    fail_writing(t, request, path, "can't be written");
}

/* Without a tag the file becomes empty, for an old one does not hold any more; but what did not
 * change (304) keeps its own. */
static void save_etag(transfer *t)
{
    const char *path = t->operation->options->etag_save;
    const char *tag = head_value(&t->result.head, "etag", 0);
    if (path == NULL || (tag == NULL && t->result.status == 304))
        return;
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        bool good = tag == NULL || fprintf(file, "%s\n", tag) > 0;
        if (fclose(file) == 0 && good)
            return;
    }
    fail_writing(t, NULL, path, "can't be written");
}

static void close_output(transfer *t)
{
    int64_t changed;
    const char *modified = head_value(&t->result.head, "last-modified", 0);
    bool complete = t->result.exit_code == EXIT_OK && t->result.status != 0;
    if (complete && !t->no_output && t->result.status != 304)
        open_output(t, NULL); /* a file for an empty body too */
    if (complete)
        save_etag(t);
    bool written = t->out.path != NULL && t->out.file != NULL;
    t->result.file = written ? output_name(&t->out) : "";
    uint64_t size;
    bool regular = written && host_file_size(t->out.file, &size);
    if (!output_close(&t->out))
        fail_writing(t, NULL, output_name(&t->out), "can't be written");
    if (regular && t->result.exit_code != EXIT_OK && t->operation->options->remove_on_error)
        (void)remove(output_name(&t->out));
    if (written && t->operation->options->remote_time && modified != NULL &&
        date_parse(modified, &changed))
        host_set_changed(output_name(&t->out), changed);
    if (t->dump != NULL && t->dump != stdout)
        fclose(t->dump);
    t->dump = NULL;
}

/* ---- The end ---- */

static void report(transfer *t)
{
    const tool_options *o = t->operation->options;
    close_output(t);
    if (o->global.verbose)
        print_totals(&t->result, stderr);
    else if (o->why && t->result.why[0] != '\0')
        fprintf(stderr, "%s\n", t->result.why);
    if (t->result.exit_code != EXIT_OK)
        print_failure(o, t->result.exit_code, t->result.message);
    if (o->write_out == NULL)
        return;
    write_out(&t->result, o->write_out, stdout);
    if (fflush(stdout) != 0)
        fail_writing(t, NULL, "", "can't be written");
}

/* ---- Heads ---- */

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
    copy(r->local_address, sizeof(r->local_address), summary->local_address);
    copy(r->tls_version, sizeof(r->tls_version), summary->tls_version);
    copy(r->tls_cipher, sizeof(r->tls_cipher), summary->tls_cipher);
    copy(r->tls_group, sizeof(r->tls_group), summary->tls_group);
    copy(r->why, sizeof(r->why), summary->why);
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

/* What a proxy answered to CONNECT, once, in front of the response's head. request NULL: there is
 * none. */
static void show_proxy(transfer *t, rp_request *request, const rp_response_summary *summary)
{
    const tool_options *o = t->operation->options;
    const head_lines heads = {.text = summary->proxy_heads};
    if (summary->reused || t->told_proxy)
        return;
    t->told_proxy = true;
    if (summary->proxy_status != 0)
        t->result.tunnel_status = summary->proxy_status;
    if (heads.text == NULL)
        return;
    t->result.head_bytes += strlen(heads.text);
    if (o->global.verbose)
        print_shown(stderr, &heads, "< ", "\n");
    if (o->dump_header != NULL && !o->proxy.heads_hidden)
        dump_head(t, request, &heads);
    if ((o->include || o->head) && !o->proxy.heads_hidden)
        write_head(t, request, &heads);
}

static void tell_head(transfer *t, rp_request *request, const rp_response_head *head)
{
    rp_response_summary summary;
    bool verbose = t->operation->options->global.verbose;
    rp_request_summary_get(request, &summary);
    note_summary(&t->result, &summary);
    show_proxy(t, request, &summary);
    if (verbose) {
        tell_connection(t);
        head_print(stderr, head, "< ", "\n");
    }
}

/* Which part of the whole comes: it begins where the file ends. */
static bool is_rest(const transfer *t)
{
    const char *range = head_value(&t->result.head, "content-range", 0);
    if (range == NULL || strncasecmp(range, "bytes", 5) != 0)
        return false;
    range += strcspn(range, "0123456789");
    return *range != '\0' && strtoull(range, NULL, 10) == t->resume_at;
}

/* The server was asked for the rest of a file. */
static void check_resumed(transfer *t, rp_request *request, const rp_response_head *head)
{
    const char *method = t->result.method;
    bool empty = head->content_length == 0 || head->status == 204 || head->status == 304 ||
                 strcmp(method, "HEAD") == 0;
    if (t->resume_at == 0 || empty || (head->status == 206 && is_rest(t)))
        return;
    if (head->status == 206)
        decide(t, request, EXIT_RANGE,
               "the server sends another part than the rest: it can't be resumed");
    else if (head->status == 416) /* there is no more of it */
        t->no_output = true;
    else if (head->status < 300 && head->content_length == t->resume_at)
        decide(t, request, EXIT_OK, "%s", "");
    else if (head->status >= 300)
        decide(t, request, EXIT_RANGE, "the server answered with status %d: that is no rest",
               head->status);
    else
        decide(t, request, EXIT_RANGE,
               "the server sends the whole from its beginning: it can't be resumed");
}

/* -z, where the server did not look at it. */
static void check_condition(transfer *t, rp_request *request)
{
    const tool_options *o = t->operation->options;
    const char *modified = head_value(&t->result.head, "last-modified", 0);
    int64_t time;
    if (o->condition == NULL || t->result.status != 200 || modified == NULL ||
        !date_parse(modified, &time))
        return;
    bool since = strcmp(o->condition, "If-Modified-Since") == 0;
    if (since ? time > o->condition_time : time < o->condition_time)
        return;
    t->no_output = true;
    decide(t, request, EXIT_OK, "%s", "");
}

static void check_size(transfer *t, rp_request *request, uint64_t size)
{
    uint64_t limit = t->operation->options->max_size;
    if (limit > 0 && size != RP_LENGTH_UNKNOWN && size > limit)
        decide(t, request, EXIT_BODY_TOO_LARGE,
               "the body is larger than --max-filesize: %llu bytes", (unsigned long long)limit);
}

static bool keep_cookies(transfer *t, const char *url)
{
    const char *header;
    for (size_t n = 0; (header = head_value(&t->result.head, "set-cookie", n)) != NULL; n++) {
        if (!cookies_receive(t->operation->jar, url, header, host_wall_clock()))
            return false;
    }
    return true;
}

/* False: no more of it is wanted. */
static bool check_final(transfer *t, rp_request *request, const rp_response_head *head)
{
    const tool_options *o = t->operation->options;
    const char *disposition = head_value(&t->result.head, "content-disposition", 0);
    if (head->status >= 400 && o->fail && !(t->resume_at > 0 && head->status == 416)) {
        if (o->include || o->head)
            write_head(t, request, &(head_lines){.head = head});
        t->no_output = true;
        decide(t, request, EXIT_HTTP_STATUS, "the server answered with status %d", head->status);
        return false;
    }
    redirects_note(&t->redirects, &t->result, head);
    check_resumed(t, request, head);
    check_condition(t, request);
    check_size(t, request, head->content_length);
    t->progress.length = head->content_length;
    if (o->remote_header_name && t->out.remote && disposition != NULL &&
        !output_rename(&t->out, disposition))
        decide(t, request, EXIT_MEMORY, "out of memory");
    return !t->decided;
}

/* What is done with each head. False: that failed. */
static bool show_head(transfer *t, rp_request *request, const rp_response_head *head)
{
    const tool_options *o = t->operation->options;
    t->result.head_bytes += head_size(head);
    t->result.status = head->status;
    t->result.version = head->version;
    if (!head_keep(&t->result.head, head)) {
        decide(t, request, EXIT_MEMORY, "out of memory");
        return false;
    }
    if (t->operation->jar != NULL && !keep_cookies(t, t->result.effective_url))
        decide(t, request, EXIT_MEMORY, "out of memory");
    if (o->dump_header != NULL)
        dump_head(t, request, &(head_lines){.head = head});
    return !t->decided;
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    transfer *t = user;
    const tool_options *o = t->operation->options;
    tell_head(t, request, head);
    if (!show_head(t, request, head))
        return;
    if (!head->informational && !check_final(t, request, head))
        return;
    if (o->include || o->head)
        write_head(t, request, &(head_lines){.head = head});
    if (o->head && !head->informational && strcmp(t->result.method, "HEAD") != 0) {
        t->no_output = true; /* -X has it come with a body, which nobody wants */
        decide(t, request, EXIT_OK, "%s", "");
    }
}

/* -b's own cookies are for the first origin only. */
static bool send_cookies(transfer *t, const char *url)
{
    const tool_options *o = t->operation->options;
    bool own = !t->strayed || (o->redirect_flags & RP_REDIRECT_TRUSTED) != 0;
    free(t->cookie);
    t->cookie = NULL;
    return cookies_send(t->operation->jar, url, own ? o->cookie : NULL, host_wall_clock(),
                        &t->cookie);
}

/* The page that led there, without who we are and without a fragment (RFC 9110, 10.1.3). */
static bool note_page(transfer *t)
{
    const char *url = t->result.effective_url, *authority;
    const char *behind = strstr(url, "://");
    (void)url_authority(url, &authority);
    free(t->page);
    size_t room = strlen(url) + 1;
    t->page = malloc(room);
    if (t->page == NULL)
        return false;
    snprintf(t->page, room, "%.*s%.*s", behind == NULL ? 0 : (int)(behind + 3 - url), url,
             (int)strcspn(authority, "#"), authority);
    return true;
}

/* What the next request has in place of the last one's. */
static bool prepare_hop(transfer *t, rp_redirect *redirect)
{
    const tool_options *o = t->operation->options;
    bool had_cookie = t->cookie != NULL;
    t->strayed = t->strayed || !redirect->same_origin;
    redirect->headers = t->hop;
    if (o->method != NULL && !redirect->keeps_body) /* as -X without a body */
        t->hop[redirect->header_count++] = (rp_header){"Content-Length", ""};
    if (o->referer_follows && !option_has_header(o, "referer")) {
        if (t->page == NULL)
            return false;
        t->hop[redirect->header_count++] = (rp_header){"Referer", t->page};
    }
    if (t->operation->jar == NULL || option_has_header(o, "cookie"))
        return true;
    if (!send_cookies(t, redirect->url))
        return false;
    if (t->cookie != NULL || (had_cookie && redirect->same_origin))
        t->hop[redirect->header_count++] =
            (rp_header){"Cookie", t->cookie != NULL ? t->cookie : ""};
    return true;
}

static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    transfer *t = user;
    const tool_options *o = t->operation->options;
    tell_head(t, request, redirect->head);
    if (o->global.verbose)
        fprintf(stderr, "* redirect %u: %s %s\n", redirect->number, redirect->method,
                redirect->url);
    t->told_connection = t->told_proxy = false;
    if (!show_head(t, request, redirect->head))
        return true;
    if (o->include || o->head)
        write_head(t, request, &(head_lines){.head = redirect->head});
    bool noted = note_page(t);
    const char *why;
    int allowed = options_allow(o, redirect->url, true, &why);
    if (allowed != EXIT_OK) {
        decide(t, request, allowed, "redirected to %s: %s", redirect->url, why);
        return true;
    }
    if (!t->decided && !redirects_next(&t->redirects, &t->result, redirect)) {
        redirects_note(&t->redirects, &t->result, redirect->head);
        t->decided = true;
        rp_request_cancel(request);
    } else if (!noted || !prepare_hop(t, redirect)) {
        decide(t, request, EXIT_MEMORY, "out of memory");
    }
    return true;
}

/* As curl: behind the body, without an empty line. */
static void on_trailers(rp_request *request, const rp_header *trailers, size_t count, void *user)
{
    transfer *t = user;
    const tool_options *o = t->operation->options;
    bool shown = o->include && !t->no_output && !t->decided && open_output(t, request);
    for (size_t i = 0; i < count; i++) {
        t->result.head_bytes += strlen(trailers[i].name) + strlen(trailers[i].value) + 4;
        if (shown)
            fprintf(t->out.file, "%s: %s\r\n", trailers[i].name, trailers[i].value);
        if (t->dump != NULL)
            fprintf(t->dump, "%s: %s\r\n", trailers[i].name, trailers[i].value);
        if (o->global.verbose)
            fprintf(stderr, "< %s: %s\n", trailers[i].name, trailers[i].value);
    }
    if (shown && ferror(t->out.file))
        fail_writing(t, request, output_name(&t->out), "can't be written");
}

/* ---- The body ---- */

static uint64_t tick_bytes(const transfer *t)
{
    uint64_t bytes = t->operation->options->rate / (1000 / RATE_TICK_MS);
    return bytes > 0 ? bytes : 1;
}

/* Credit for what came is given back by the clock: so much a tick. */
static void on_rate_tick(rp_timer *timer, void *user)
{
    transfer *t = user;
    uint64_t size = t->withheld < tick_bytes(t) ? t->withheld : tick_bytes(t);
    t->withheld -= size;
    rp_request_consume(t->request, (size_t)size);
    rp_timer_start(t->loop, timer, RATE_TICK_MS, on_rate_tick, t);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    transfer *t = user;
    t->withheld += size;
    t->result.body_bytes += size;
    check_size(t, request, t->result.body_bytes);
    write_output(t, request, data, size);
    progress_note(&t->progress, t->result.body_bytes);
}

/* --speed-limit: how fast it was, both ways, once a second. */
static void on_speed_tick(rp_timer *timer, void *user)
{
    transfer *t = user;
    const tool_options *o = t->operation->options;
    rp_response_summary summary;
    rp_request_summary_get(t->request, &summary);
    if (speed_tick(&t->speed, t->result.body_bytes + summary.body_bytes_sent, o->speed_limit,
                   o->speed_seconds))
        decide(t, t->request, EXIT_TIMEOUT,
               "too slow: less than %llu bytes a second for %llu seconds",
               (unsigned long long)o->speed_limit, (unsigned long long)o->speed_seconds);
    else
        rp_timer_start(t->loop, timer, SPEED_TICK_MS, on_speed_tick, t);
}

/* ---- The request ---- */

static bool send(transfer *t);

static const char *method_of(const transfer *t)
{
    const tool_options *o = t->operation->options;
    const char *method = options_method(o, t->upload_path != NULL);
    return method != NULL ? method : o->body.given || o->form != NULL ? "POST" : "GET";
}

static void finish(transfer *t)
{
    progress_end(&t->progress, t->result.body_bytes);
    report(t);
    t->on_end(t, t->user);
}

static void on_retry(rp_timer *timer, void *user)
{
    transfer *t = user;
    (void)timer;
    t->decided = t->no_output = t->told_connection = t->told_proxy = false;
    t->withheld = 0;
    t->result.exit_code = EXIT_OK;
    t->result.message[0] = '\0';
    t->result.status = t->result.version = t->result.tunnel_status = 0;
    t->result.body_bytes = t->result.head_bytes = 0;
    head_free(&t->result.head);
    redirects_free(&t->redirects);
    t->redirects = (redirects){.url = NULL};
    t->result.effective_url = t->url;
    t->result.redirect_url = NULL;
    t->result.method = method_of(t);
    output_restart(&t->out);
    if (!send(t))
        finish(t);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    transfer *t = user;
    result *r = &t->result;
    uint64_t delay_ms;
    (void)request;
    t->request = NULL;
    rp_timer_stop(t->loop, &t->timer);
    upload_pause(t->upload);
    rp_timer_stop(t->loop, &t->speed_timer);
    note_summary(r, summary);
    if (!certs_keep(&r->certs, summary->peer_certificates, summary->peer_certificate_count))
        decide(t, NULL, EXIT_MEMORY, "out of memory");
    tell_connection(t);
    show_proxy(t, NULL, summary);
    if (summary->status > 0) /* of a redirect that could not be followed, too */
        r->status = summary->status;
    const char *failure = upload_failure(t->upload);
    if (summary->error != NULL)
        decide(t, NULL, setup_exit_code(r->options, summary->error), "%s",
               failure != NULL ? failure : summary->error->text);
    else if (r->options->fail_with_body && r->status >= 400)
        decide(t, NULL, EXIT_HTTP_STATUS, "the server answered with status %d", r->status);
    if (t->aborted || !upload_can_repeat(t->upload) ||
        !retry_wanted(&t->retry, r, host_now_ns(), &delay_ms)) {
        finish(t);
        return;
    }
    if (r->exit_code != EXIT_OK)
        print_failure(r->options, r->exit_code, r->message);
    rp_timer_start(t->loop, &t->timer, delay_ms, on_retry, t);
}

static void on_abort(rp_timer *timer, void *user)
{
    (void)timer;
    finish(user);
}

void transfer_abort(transfer *t)
{
    bool waits = t->request == NULL; /* for its next try */
    t->aborted = true;
    t->decided = t->decided && !waits;
    decide(t, t->request, EXIT_CANCELLED, "ended, for another transfer failed (--fail-early)");
    if (waits)
        rp_timer_start(t->loop, &t->timer, 0, on_abort, t);
}

static void on_body_wanted(rp_request *request, size_t room, void *user)
{
    transfer *t = user;
    upload_give(t->upload, request, room);
}

static void on_body_rewind(rp_request *request, void *user)
{
    transfer *t = user;
    (void)request;
    upload_rewind(t->upload);
}

/* -H "Transfer-Encoding: chunked": of a body whose length is known, too. */
static bool is_chunked(const transfer *t)
{
    const char *coding = option_header(t->operation->options, "transfer-encoding");
    return coding != NULL && strcasecmp(coding, "chunked") == 0;
}

#define EXPECT_ABOVE ((uint64_t)1024 * 1024)

/* As curl 7.88 asks before it sends a body: of -T always, else where much or who knows how much
 * comes; unless -H says something of it. */
static bool expects(const transfer *t)
{
    const tool_options *o = t->operation->options;
    uint64_t size = o->body.size;
    if (option_has_header(o, "expect"))
        return false;
    if (t->upload != NULL && !o->body.given && !upload_size(t->upload, &size))
        return true;
    return size > (t->upload_path != NULL ? 0 : EXPECT_ABOVE);
}

static void describe_upload(transfer *t, rp_request_options *request)
{
    upload_rewind(t->upload);
    upload_describe(t->upload, request);
    if (request->body == NULL)
        request->on_body_wanted = on_body_wanted;
    if (request->body_size > 0)
        request->on_body_rewind = on_body_rewind;
}

static const rp_response_events events = {on_head, on_body, on_done};

/* ---- The begin ---- */

static bool fail_start(transfer *t, int code, const char *text)
{
    decide(t, NULL, code, "%s", text);
    return false;
}

/* Anew for each try: redirects take some of them away. */
static bool compose(transfer *t)
{
    own_fields own = {.range = t->resume_at > 0 ? t->range : NULL,
                      .form_type = upload_type(t->upload),
                      .form_size = RP_LENGTH_UNKNOWN,
                      .uploads = t->upload_path != NULL,
                      .upload_size = RP_LENGTH_UNKNOWN};
    if (own.form_type != NULL && !upload_size(t->upload, &own.form_size))
        own.form_size = RP_LENGTH_UNKNOWN;
    if (own.uploads && !upload_size(t->upload, &own.upload_size))
        own.upload_size = RP_LENGTH_UNKNOWN;
    own.content_range = t->upload_range[0] != '\0' ? t->upload_range : NULL;
    own.chunked = t->upload != NULL && is_chunked(t);
    t->strayed = false;
    if (t->operation->jar != NULL && !send_cookies(t, t->url))
        return false;
    own.cookie = t->operation->jar != NULL ? t->cookie : t->operation->options->cookie;
    fields_free(&t->fields);
    return fields_compose(&t->fields, t->operation->options, &own);
}

/* False: it is over, and not reported. */
static bool send(transfer *t)
{
    operation *p = t->operation;
    rp_request_options request;
    rp_error error = {0};
    if (!compose(t))
        return fail_start(t, EXIT_MEMORY, "out of memory");
    setup_request_options(p->options, &t->fields, &request);
    request.url = t->url;
    request.method = method_of(t);
    request.on_redirect = on_redirect;
    request.on_trailers = on_trailers;
    int code = redirects_begin(&t->redirects, p->options, t->url, &request, error.text,
                               sizeof(error.text));
    if (code != EXIT_OK)
        return fail_start(t, code, error.text);
    request.expect_continue_http1 = expects(t);
    if (p->options->rate > 0)
        request.receive_credit_bytes = (size_t)tick_bytes(t);
    if (t->upload != NULL)
        describe_upload(t, &request);
    request.explain = p->options->global.verbose || p->options->why || p->options->write_out;
    if (p->options->global.verbose)
        print_begin(&t->result, stderr);
    progress_begin(&t->progress, p->options, &t->out);
    t->request = rp_client_send(p->client, &request, &events, t, &error);
    if (t->request == NULL)
        return fail_start(t, exit_code(error.status, error.phase), error.text);
    if (p->options->rate > 0)
        rp_timer_start(t->loop, &t->timer, RATE_TICK_MS, on_rate_tick, t);
    t->speed = (speed){.ticks = 0};
    if (p->options->speed_limit > 0)
        rp_timer_start(t->loop, &t->speed_timer, SPEED_TICK_MS, on_speed_tick, t);
    return true;
}

static bool open_form(transfer *t)
{
    const tool_options *o = t->operation->options;
    char why[300];
    form *f =
        form_open(o->form, option_header(o, "content-type"), o->form_escape, why, sizeof(why));
    if (f == NULL)
        return fail_start(t, errno != 0 ? EXIT_READ : EXIT_MEMORY, why);
    t->upload = upload_open_form(f, t->loop);
    return t->upload != NULL || fail_start(t, EXIT_MEMORY, "out of memory");
}

static bool open_file(transfer *t)
{
    const char *path = t->upload_path;
    char why[300];
    t->upload = upload_open(path, t->loop);
    if (t->upload != NULL)
        return true;
    snprintf(why, sizeof(why), "%s: %s", path, strerror(errno));
    return fail_start(t, EXIT_READ, why);
}

/* -C of a file that goes up: its rest, and which part of the whole that is; "-" is all of it. */
static bool resume_upload(transfer *t)
{
    const tool_options *o = t->operation->options;
    uint64_t size;
    if (!o->resume || (o->resume_at == 0 && !o->resume_by_file))
        return true;
    if (!upload_size(t->upload, &size) || size <= o->resume_at ||
        !upload_skip(t->upload, o->resume_at))
        return fail_start(t, EXIT_PARTIAL, "what goes up is no file, or no longer than what has");
    snprintf(t->upload_range, sizeof(t->upload_range), "bytes %llu-%llu/%llu",
             (unsigned long long)o->resume_at, (unsigned long long)size - 1,
             (unsigned long long)size);
    return true;
}

static bool open_data(transfer *t)
{
    const tool_options *o = t->operation->options;
    t->upload = upload_open_bytes(o->body.data, o->body.size, t->loop);
    return t->upload != NULL || fail_start(t, EXIT_MEMORY, "out of memory");
}

static bool open_upload(transfer *t)
{
    const tool_options *o = t->operation->options;
    bool by_pieces = is_chunked(t) ? o->body.given : o->rate > 0 && o->body.size > 0;
    bool good = o->form != NULL          ? open_form(t)
                : t->upload_path != NULL ? open_file(t) && resume_upload(t)
                : by_pieces              ? open_data(t)
                                         : true;
    if (t->upload != NULL && is_chunked(t))
        upload_in_chunks(t->upload);
    if (t->upload != NULL && o->rate > 0)
        upload_limit_rate(t->upload, o->rate);
    return good;
}

static bool complete_url(transfer *t, const char *text)
{
    const tool_options *o = t->operation->options;
    url_rules rules = {o->default_scheme, o->path_as_is, (const char *)o->query.data};
    const char *why;
    char *url;
    int code = url_complete(text, &rules, &url, &why);
    if (code != EXIT_OK)
        return fail_start(t, code, why);
    t->url = t->upload_path != NULL ? url_for_upload(url, t->upload_path) : url;
    if (t->url != url)
        free(url);
    if (t->url == NULL)
        return fail_start(t, EXIT_MEMORY, "out of memory");
    t->result.url = t->result.effective_url = t->url;
    code = options_allow(o, t->url, false, &why);
    return code == EXIT_OK || fail_start(t, code, why);
}

static bool prepare_output(transfer *t, const transfer_source *source)
{
    const tool_options *o = t->operation->options;
    const char *why;
    int64_t changed;
    if (!output_begin(&t->out, o, source->target, source->output, t->url, &why))
        return fail_start(t, EXIT_WRITE, why);
    if (t->upload_path != NULL) /* see resume_upload */
        return true;
    t->resume_at = o->resume_at;
    if (o->resume_by_file && !host_file_info(output_name(&t->out), &t->resume_at, &changed))
        t->resume_at = 0;
    t->out.appends = o->resume;
    if (t->resume_at > 0)
        snprintf(t->range, sizeof(t->range), "bytes=%llu-", (unsigned long long)t->resume_at);
    return true;
}

static bool begin(transfer *t, const transfer_source *source)
{
    operation *p = t->operation;
    if (p->client == NULL)
        return fail_start(t, p->exit_code, p->message);
    if (!complete_url(t, source->url) || !prepare_output(t, source))
        return false;
    return open_upload(t) && send(t);
}

bool transfer_start(transfer *t, const transfer_source *source, transfer_fn *on_end, void *user)
{
    const tool_options *o = source->operation->options;
    memset(t, 0, sizeof(*t));
    t->loop = source->loop;
    t->operation = source->operation;
    t->upload_path = source->target->upload;
    t->on_end = on_end;
    t->user = user;
    t->retry.begin_ns = host_now_ns();
    t->result.options = o;
    t->result.method = method_of(t);
    t->result.fields = &t->fields;
    t->result.url = t->result.effective_url = source->url;
    t->result.number = source->number;
    t->result.file = "";
    if (t->loop != NULL) {
        t->result.backend = rp_loop_backend(t->loop);
        t->result.stats = rp_loop_stats_get(t->loop);
    }
    if (begin(t, source))
        return true;
    report(t);
    return false;
}

void transfer_free(transfer *t)
{
    output_free(&t->out);
    head_free(&t->result.head);
    certs_free(&t->result.certs);
    fields_free(&t->fields);
    redirects_free(&t->redirects);
    free(t->cookie);
    free(t->page);
    upload_close(t->upload);
    free(t->url);
}
