/* web.c - see web.h. */
#include "support/web.h"

#include "support/check.h"

#include <string.h>

/* ---- the two ends ---- */

static void begin(web *w, int version, const server_options *serving,
                  const rp_client_options *client, bool apart)
{
    server_options server_side = {0};
    rp_client_options client_side = {0};
    rp_error error;
    *w = (web){.loop = fixture_loop()};
    w->client_tls = probe_client_tls(version);
    w->server_tls = probe_server_tls("server-ecdsa", version);
    if (serving != NULL)
        server_side = *serving;
    if (client != NULL)
        client_side = *client;
    server_side.tls = w->server_tls;
    client_side.tls = w->client_tls;
    server_side.backend = fixture_backend();
    if (!apart)
        w->server = server_start_on(w->loop, &server_side);
    else if (fixture_simulated()) /* there whoever waits turns the others */
        w->server = server_start_owning(fixture_loop(), &server_side);
    else
        w->server = server_start_thread(&server_side);
    if (rp_client_create(&w->client, w->loop, &client_side, &error) != RP_OK)
        CHECK_TEXT(false, error.text);
}

void web_begin(web *w, int version, const server_options *serving, const rp_client_options *client)
{
    begin(w, version, serving, client, false);
}

void web_begin_apart(web *w, int version, const server_options *serving,
                     const rp_client_options *client)
{
    begin(w, version, serving, client, true);
}

void web_end(web *w)
{
    rp_client_destroy(w->client);
    UNTIL(w->loop, !rp_loop_pending(w->loop));
    server_stop(w->server);
    assert_false(rp_loop_pending(w->loop));
    probe_loop_end(w->loop);
    rp_tls_config_release(w->client_tls);
    rp_tls_config_release(w->server_tls);
}

server_counts *web_counts(web *w)
{
    return server_counts_get(w->server);
}

void web_each_version(const server_options *serving, const rp_client_options *client,
                      void (*test)(web *w))
{
    static const int versions[] = {0, 12, 13};
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        web w;
        web_begin(&w, versions[i], serving, client);
        test(&w);
        web_end(&w);
    }
}

/* ---- the account of a request ---- */

static void check_callback(const fetch *f, const rp_request *request)
{
    CHECK(f->web->starting == 0);
    CHECK(f->request == request && request != NULL);
    CHECK(f->dones == 0);
}

static void head_came(rp_request *request, const rp_response_head *head, void *user)
{
    fetch *f = user;
    check_callback(f, request);
    CHECK(!f->cancelled && f->heads == 0);
    CHECK(head->informational == (head->status < 200 && head->status != 101));
    f->header_count = head->header_count;
    for (size_t i = 0; f->header_name != NULL && i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, f->header_name) == 0)
            (void)snprintf(f->header, sizeof(f->header), "%s", head->headers[i].value);
    }
    if (head->informational)
        f->informational++;
    else
        f->heads++;
    f->status = head->status;
    f->version = head->version;
    f->announced = head->content_length;
    if (f->on_head != NULL)
        f->on_head(f);
}

static void body_came(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    fetch *f = user;
    check_callback(f, request);
    CHECK(!f->cancelled && f->heads == 1 && size > 0);
    for (size_t i = 0; f->checked && i < size; i++)
        CHECK(data[i] == probe_byte(f->body_bytes + i));
    if (f->body_bytes < sizeof(f->text) - 1) {
        size_t room = sizeof(f->text) - 1 - (size_t)f->body_bytes;
        memcpy(f->text + f->body_bytes, data, size < room ? size : room);
    }
    f->body_bytes += size;
    if (f->on_body != NULL)
        f->on_body(f, size);
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    fetch *f = user;
    check_callback(f, request);
    f->dones++;
    f->request = NULL;
    f->summary = *summary;
    if (summary->error != NULL) {
        f->error = *summary->error;
        CHECK(f->error.status != RP_OK && f->error.text[0] != '\0');
    } else {
        CHECK(f->heads == 1 && summary->status == f->status);
        CHECK((summary->decoded ? summary->decoded_bytes : summary->body_bytes) == f->body_bytes);
        CHECK(summary->attempts > 0);
        CHECK(f->announced == RP_LENGTH_UNKNOWN || summary->body_bytes == f->announced ||
              f->body_bytes == 0);
    }
    CHECK(summary->timings.total_us > 0);
    (void)snprintf(f->address, sizeof(f->address), "%s", summary->address);
    (void)snprintf(f->local_address, sizeof(f->local_address), "%s", summary->local_address);
    f->tls = summary->tls_version != NULL && summary->tls_cipher != NULL;
    if (f->on_done != NULL)
        f->on_done(f);
}

static const rp_response_events events = {
    .on_head = head_came, .on_body = body_came, .on_done = done};

/* ---- starting ---- */

bool fetch_start(fetch *f, web *w, const char *path, const rp_request_options *options)
{
    rp_request_options known = {0};
    if (options != NULL)
        known = *options;
    if (known.url == NULL)
        known.url = server_url(w->server, path);
    f->web = w;
    w->starting++;
    f->request = rp_client_send(w->client, &known, &events, f, &f->error);
    w->starting--;
    if (f->request != NULL)
        f->error = (rp_error){.status = RP_OK};
    return f->request != NULL;
}

void fetch_cancel(fetch *f)
{
    if (f->request == NULL)
        return;
    f->cancelled = true;
    f->web->starting++;
    rp_request_cancel(f->request);
    f->web->starting--;
}

void fetch_consume(fetch *f, size_t size)
{
    f->web->starting++;
    rp_request_consume(f->request, size);
    f->web->starting--;
}

void fetch_wait(fetch *f)
{
    UNTIL(f->web->loop, f->dones == 1);
}

void fetch_good(fetch *f, web *w, const char *path, const rp_request_options *options, int status)
{
    if (!fetch_start(f, w, path, options))
        fail_msg("%s: %s", path, f->error.text);
    fetch_wait(f);
    if (f->error.status != RP_OK)
        fail_msg("%s: %s", path, f->error.text);
    assert_int_equal(f->status, status);
}

void fetch_bad(fetch *f, web *w, const char *path, const rp_request_options *options,
               rp_status status, rp_phase phase)
{
    if (fetch_start(f, w, path, options))
        fetch_wait(f);
    if (f->error.status != status || f->error.phase != phase)
        fail_msg("%s: %s in phase %s: %s", path, rp_status_name(f->error.status),
                 rp_phase_name(f->error.phase), f->error.text);
}
