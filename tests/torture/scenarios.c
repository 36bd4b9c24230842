/* scenarios.c - what is asked, and what comes of it where nothing fails. */
#include "torture/torture.h"

#include <string.h>

#define A "a.example.test"
#define B "b.example.test"
#define URL_SIZE 96

static const char *url(const torture *t, const char *host, const char *path)
{
    static char urls[8][URL_SIZE];
    static unsigned next;
    char *text = urls[next++ % 8];
    (void)snprintf(text, URL_SIZE, "http%s://%s%s", t->scenario->versions == 0 ? "" : "s", host,
                   path);
    return text;
}

static void serve_one(torture *t)
{
    unsigned version = t->scenario->versions;
    (void)torture_serve(t, A, version == 0, (rp_tls_version)version);
}

static void serve_two(torture *t)
{
    serve_one(t);
    (void)torture_serve(t, B, t->scenario->versions == 0, RP_TLS_DEFAULT);
}

/* ---- requests one by one ---- */

static ask *get_with(torture *t, const char *path, uint64_t size, rp_request_options *options)
{
    ask *a = ask_start(t, url(t, A, path), size, options);
    asks_wait(t);
    return a;
}

static ask *get(torture *t, const char *path, uint64_t size)
{
    return get_with(t, path, size, NULL);
}

static void run_get(torture *t)
{
    (void)get(t, "/size/100", 100);
}

static void run_kinds(torture *t)
{
    rp_request_options head = {.method = "HEAD"};
    (void)get(t, "/chunked/3000", 3000);
    (void)get(t, "/early/300", 300);
    ask *a = ask_start(t, url(t, A, "/until/2000"), 2000, NULL);
    a->short_too = t->scenario->versions == 0 && !t->scenario->http2;
    asks_wait(t);
    (void)get_with(t, "/size/0", 0, &head);
}

static void run_again(torture *t)
{
    (void)get(t, "/size/100", 100);
    (void)get(t, "/size/20000", 20000);
}

static void run_resume(torture *t)
{
    static const rp_header header = {"Connection", "close"};
    rp_request_options options = {.headers = &header, .header_count = 1};
    (void)get_with(t, "/size/100", 100, &options);
    (void)get_with(t, "/size/100", 100, &options);
    (void)get(t, "/size/100", 100);
}

static void run_post(torture *t)
{
    static uint8_t body[200000];
    rp_request_options options = {.body = body, .body_size = sizeof(body)};
    (void)get_with(t, "/size/10", 10, &options);
    options.body_size = 3000; /* behind the head */
    options.expect_continue = true;
    (void)get_with(t, "/continue/10", 10, &options);
}

/* ---- what a request costs more by an option, and connections without one ---- */

static void run_explain(torture *t)
{
    rp_request_options options = {.explain = true};
    (void)get_with(t, "/size/100", 100, &options);
    (void)get_with(t, "/early/300", 300, &options);
}

static void preconnected(const rp_preconnected *result, void *user)
{
    torture *t = user;
    t->started++;
    if (result->error != NULL)
        CHECK_TEXT(t->may(result->error), result->error->text);
    else
        CHECK(result->ready > 0);
}

static void run_preconnect(torture *t)
{
    rp_error error;
    rp_preconnect_options options = {
        .url = url(t, A, "/"), .count = 2, .on_done = preconnected, .user = t};
    rp_status status = rp_client_preconnect(t->client, &options, &error);
    CHECK_TEXT(status == RP_OK || t->may(&error), error.text);
    while (status == RP_OK && t->started == 0)
        torture_turn(t);
    (void)get(t, "/size/100", 100);
    CHECK(t->started == (status == RP_OK)); /* once */
}

/* ---- bodies piece by piece ---- */

#define UP_PIECE 9000u

/* Its end may be told again where there was no memory for trailers. */
static void end_upload(ask *a)
{
    rp_status status = rp_request_body_end(a->request, a->up_trailer, a->up_trailer != NULL, NULL);
    CHECK(status == RP_OK || status == RP_E_NO_MEMORY);
    if (status != RP_OK)
        CHECK(rp_request_body_end(a->request, NULL, 0, NULL) == RP_OK);
}

static void give(ask *a)
{
    static uint8_t piece[UP_PIECE];
    uint64_t left = a->up_size - a->up_given;
    size_t size = left < UP_PIECE ? (size_t)left : UP_PIECE;
    for (size_t i = 0; i < size; i++)
        piece[i] = torture_byte(a->up_given + i);
    a->up_given += rp_request_give(a->request, piece, size);
    if (a->up_given == a->up_size)
        end_upload(a);
}

static void give_later(rp_timer *timer, void *user)
{
    ask *a = user;
    (void)timer;
    if (a->request != NULL)
        give(a);
}

static void wanted(rp_request *request, size_t room, void *user)
{
    ask *a = user;
    CHECK(a->request == request && room > 0 && !a->done);
    if (a->up_later)
        rp_timer_start(a->torture->loop, &a->timer, 2, give_later, a);
    else
        give(a);
}

static void rewound(rp_request *request, void *user)
{
    ask *a = user;
    CHECK(a->request == request && !a->done);
    a->up_given = 0;
}

static ask *put(torture *t, const char *path, uint64_t size, rp_request_options options)
{
    CHECK(t->ask_count < ASKS_MOST);
    ask *a = &t->asks[t->ask_count++];
    *a = (ask){.torture = t, .size = 10, .up_size = size, .up_later = size > 2 * UP_PIECE};
    options.method = "PUT";
    options.on_body_wanted = wanted;
    options.on_body_rewind = rewound;
    if (options.header_count > 0) {
        static const rp_header sum = {"X-Sum", "1"};
        a->up_trailer = &sum;
    }
    ask_begin(a, url(t, A, path), &options);
    return a;
}

static void run_upload(torture *t)
{
    static const rp_header announced = {"Trailer", "X-Sum"};
    (void)put(t, "/up/40000", 40000,
              (rp_request_options){.headers = &announced, .header_count = 1});
    asks_wait(t);
    (void)put(t, "/up/5000", 5000,
              (rp_request_options){.body_size = 5000, .expect_continue_http1 = true});
    asks_wait(t);
    ask *a = put(t, "/enough/0", 20000, (rp_request_options){.expect_continue = true});
    a->size = 0;
    asks_wait(t);
    (void)put(t, "/up/30000", 30000, (rp_request_options){.body_size = 30000});
    asks_wait(t);
}

/* A head beyond what is kept inline, and beyond a chunk. */
static void run_long_head(torture *t)
{
    static char value[6000];
    rp_header header = {"X-Long", value};
    rp_request_options options = {.headers = &header, .header_count = 1};
    memset(value, 'v', sizeof(value) - 1);
    (void)get_with(t, "/size/10", 10, &options);
}

static void credit_back(rp_timer *timer, void *user)
{
    ask *a = user;
    (void)timer;
    uint64_t owed = a->owed;
    a->owed = 0;
    if (a->request != NULL)
        rp_request_consume(a->request, (size_t)owed);
}

static void owe(ask *a)
{
    rp_timer_start(a->torture->loop, &a->timer, 3, credit_back, a);
}

static void run_credit(torture *t)
{
    rp_request_options options = {.receive_credit_bytes = 5000};
    ask *a = ask_start(t, url(t, A, "/size/60000"), 60000, &options);
    a->on_body = owe;
    asks_wait(t);
    a = ask_start(t, url(t, A, "/chunked/9000"), 9000, &options);
    a->on_body = owe;
    asks_wait(t);
}

static void run_collect(torture *t)
{
    ask *a = &t->asks[t->ask_count++];
    *a = (ask){.torture = t, .size = 30000, .collected = true, .collect.limit_bytes = 40000};
    ask_begin(a, url(t, A, "/chunked/30000"), NULL);
    asks_wait(t);
    a = &t->asks[t->ask_count++];
    *a = (ask){.torture = t, .collected = true, .expected = RP_E_BODY_TOO_LARGE};
    a->collect.limit_bytes = 10000;
    ask_begin(a, url(t, A, "/size/30000"), NULL);
    asks_wait(t);
}

/* ---- ways that are not straight ---- */

static void run_redirect(torture *t)
{
    static const rp_header cookie = {"Cookie", "a=b"};
    rp_request_options options = {
        .redirects_limit = 2, .bearer = "token", .headers = &cookie, .header_count = 1};
    (void)get_with(t, "/away/100", 100, &options);
}

static void run_decoded(torture *t)
{
    static const char *const paths[] = {"/coded/gzip/9000", "/coded/deflate/9000", "/coded/br/9000",
                                        "/coded/zstd/9000"};
    rp_request_options options = {.decompress = true, .receive_credit_bytes = 2000};
    ask *a = ask_start(t, url(t, A, paths[t->scenario->number]), 9000, &options);
    a->on_body = owe;
    asks_wait(t);
}

static void run_proxy(torture *t)
{
    rp_request_options options = {.proxy = t->proxy};
    (void)get_with(t, "/size/100", 100, &options);
    (void)get_with(t, "/size/20000", 20000, &options);
}

/* ---- cancelling, destroying ---- */

static void run_cancel_in_head(torture *t)
{
    ask *a = ask_start(t, url(t, A, "/slow/4000"), 4000, NULL);
    a->expected = RP_E_CANCELLED;
    a->on_head = ask_cancel;
    asks_wait(t);
}

static void run_cancel_in_body(torture *t)
{
    ask *a = ask_start(t, url(t, A, "/slow/4000"), 4000, NULL);
    a->expected = RP_E_CANCELLED;
    a->on_body = ask_cancel;
    asks_wait(t);
}

/* In whatever state so many turns have led to; another request goes on. */
static void run_cancel(torture *t)
{
    ask *a = ask_start(t, url(t, A, "/slow/2000"), 2000, NULL);
    (void)ask_start(t, url(t, A, "/slow/2000"), 2000, NULL);
    for (unsigned i = 0; i < t->scenario->number && !a->done; i++)
        torture_turn(t);
    if (!a->done)
        a->expected = RP_E_CANCELLED;
    ask_cancel(a);
    asks_wait(t);
}

/* After so many turns the rest is cancelled by what follows. */
static void turns_then_none_left(torture *t)
{
    for (unsigned i = 0; i < t->scenario->number && !asks_done(t); i++)
        torture_turn(t);
    for (unsigned i = 0; i < t->ask_count; i++) {
        ask *a = &t->asks[i];
        a->cancelled = a->request != NULL;
        if (a->cancelled)
            a->expected = RP_E_CANCELLED;
    }
}

static void run_destroy(torture *t)
{
    static uint8_t body[100000];
    rp_request_options options = {.body = body, .body_size = sizeof(body)};
    (void)ask_start(t, url(t, A, "/slow/2000"), 2000, NULL);
    (void)ask_start(t, url(t, A, "/size/30000"), 30000, &options);
    (void)ask_start(t, url(t, A, "/size/30000"), 30000, NULL);
    turns_then_none_left(t);
    rp_client_destroy(t->client);
    t->client = NULL;
    asks_wait(t);
}

static void run_destroy_loop(torture *t)
{
    (void)ask_start(t, url(t, A, "/slow/2000"), 2000, NULL);
    ask_start(t, url(t, A, "/never"), 0, NULL)->expected = RP_E_TOTAL_TIMEOUT;
    turns_then_none_left(t);
    rp_loop_destroy(t->loop);
    rp_client_destroy(t->client); /* which outlives its loop */
    t->loop = NULL;
    t->client = NULL;
    CHECK(asks_done(t));
}

/* ---- deadlines ---- */

static void run_deadlines(torture *t)
{
    rp_request_options options = {.total_timeout_ms = 500};
    ask *a = ask_start(t, url(t, A, "/never"), 0, &options);
    a->expected = RP_E_TOTAL_TIMEOUT;
    asks_wait(t);
    options = (rp_request_options){.first_byte_timeout_ms = 500};
    a = ask_start(t, url(t, A, "/never"), 0, &options);
    a->expected = RP_E_FIRST_BYTE_TIMEOUT;
    asks_wait(t);
    options = (rp_request_options){.idle_timeout_ms = 500};
    a = ask_start(t, url(t, A, "/part/600"), 600, &options);
    a->expected = RP_E_IDLE_TIMEOUT;
    asks_wait(t);
}

/* ---- the pool ---- */

static const rp_client_options one_at_a_time = {.connections_total = 1};
static const rp_client_options two_in_all = {
    .connections_total = 2, .connections_per_origin = 1, .concurrent_openings = 1};

static void run_pool(torture *t)
{
    static const char *const hosts[] = {A, B};
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 2; k++)
            (void)ask_start(t, url(t, hosts[k], i % 2 ? "/size/100" : "/slow/900"),
                            i % 2 ? 100 : 900, NULL);
    }
    asks_wait(t);
}

/* Requests that the server gives back, each beside others. */
static void run_given_back(torture *t)
{
    static const char *const paths[] = {"/refused/100", "/left/100", "/421/100", "/http1/100"};
    for (unsigned i = 0; i < 3; i++)
        (void)ask_start(t, url(t, A, i == 1 ? paths[t->scenario->number] : "/size/100"), 100, NULL);
    asks_wait(t);
    (void)get(t, "/size/10", 10);
}

static void next_starts(ask *a)
{
    torture *t = a->torture;
    if (t->ask_count < 6)
        (void)ask_start(t, url(t, t->ask_count % 2 ? B : A, "/size/100"), 100, NULL);
}

/* Requests that callbacks start. */
static void run_chain(torture *t)
{
    ask *a = ask_start(t, url(t, A, "/size/100"), 100, NULL);
    for (unsigned i = 0; i < t->ask_count; i++) {
        a = &t->asks[i];
        a->on_done = next_starts;
        if (a->done) /* could not be started */
            next_starts(a);
        while (!a->done)
            torture_turn(t);
    }
}

static void run_stale(torture *t)
{
    (void)get(t, "/silent/100", 100);
    (void)get(t, "/silent/100", 100);
    /* Closed while it is idle, and nobody turned the loop since. */
    for (unsigned i = 0; i < t->server_count; i++) {
        torture_hold(t, true);
        rp_sim_server_drop(t->servers[i], RP_SIM_END_RESET);
        torture_hold(t, false);
    }
    (void)get(t, "/size/100", 100);
    ask *a = ask_start(t, url(t, A, "/silent/100"), 100, NULL);
    (void)ask_start(t, url(t, A, "/size/100"), 100, NULL);
    CHECK(a != NULL);
    asks_wait(t);
}

/* ---- names and addresses ---- */

static void serve_two_addresses(torture *t)
{
    char both[128];
    serve_one(t);
    const char *address = rp_sim_server_address(t->servers[0]);
    /* The first one is a host that does not answer, and the second an address without a host. */
    (void)snprintf(both, sizeof(both), "192.0.2.200,2001:db8::1,%.*s",
                   (int)(strrchr(address, ':') - address), address);
    CHECK(rp_sim_name_add(t->sim, "several.example.test", both, NULL) == RP_OK);
}

static void run_eyeballs(torture *t)
{
    if (t->scenario->own_stall)
        rp_sim_fault_at(t->sim, RP_SIM_CONNECT_STALL, 1);
    ask *a = ask_start(t, url(t, "several.example.test", "/size/100"), 100, NULL);
    /* What becomes of the other addresses. */
    a->also = t->scenario->own_stall ? RP_E_CONNECT_TIMEOUT : RP_E_CONNECT_REFUSED;
    asks_wait(t);
    rp_sim_fault_at(t->sim, RP_SIM_CONNECT_STALL, 0);
}

static void run_no_name(torture *t)
{
    ask *a = ask_start(t, url(t, "nobody.example.test", "/size/1"), 1, NULL);
    a->expected = RP_E_RESOLVE_NOT_FOUND;
    asks_wait(t);
    a = ask_start(t, url(t, "192.0.2.1:9", "/size/1"), 1, NULL);
    a->expected = RP_E_CONNECT_REFUSED;
    asks_wait(t);
}

/* ---- life ---- */

static void run_life(torture *t)
{
    if (!torture_loop(t))
        return;
    if (!torture_client(t))
        return;
    (void)get(t, "/size/100", 100);
}

static void run_life_of_tls(torture *t)
{
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem,
                              .tls12_ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256",
                              .certificate_file = RP_TEST_CERTS "/client.pem",
                              .key_file = RP_TEST_CERTS "/client.key",
                              .ca_file = RP_TEST_CERTS "/ca.pem"};
    rp_resolver_options resolving = {.servers = "192.0.2.1"};
    static const char *const overrides[] = {"c.example.test:*:192.0.2.1", "d.example.test:1:::1"};
    rp_resolver *resolver = NULL;
    rp_tls_config *tls = NULL;
    rp_error error = {.status = RP_OK};
    if (!torture_tls(t, &options, &tls))
        return;
    resolving.overrides = overrides;
    resolving.override_count = 2;
    fail_region = true;
    rp_status status = rp_resolver_create(&resolver, &resolving, &error);
    fail_region = false;
    CHECK_TEXT(status == RP_OK || t->may(&error), error.text);
    t->client_options.tls = tls;
    t->client_options.resolver = resolver;
    if (status == RP_OK && torture_loop(t) && torture_client(t))
        (void)ask_start(t, url(t, "c.example.test", "/size/100"), 100, NULL);
    asks_wait(t);
    rp_resolver_release(resolver);
    rp_tls_config_release(tls);
    t->client_options.resolver = NULL;
}

/* ---- certificates ---- */

static void run_with_tls(torture *t, const rp_tls_options *options, rp_status expected)
{
    rp_tls_config *tls = NULL;
    torture_hold(t, true);
    CHECK(torture_tls(t, options, &tls));
    t->client_options.tls = tls;
    CHECK(torture_client(t));
    torture_hold(t, false);
    ask *a = ask_start(t, url(t, A, "/size/100"), 100, NULL);
    a->expected = expected;
    asks_wait(t);
    rp_client_destroy(t->client);
    t->client = NULL;
    rp_tls_config_release(tls);
}

static void run_untrusted(torture *t)
{
    rp_tls_options options = {.ca_file = RP_TEST_CERTS "/ca.pem"};
    run_with_tls(t, &options, RP_E_CERT_UNTRUSTED);
}

static void run_wrong_name(torture *t)
{
    ask *a = ask_start(t, url(t, "other.invalid", "/size/100"), 100, NULL);
    a->expected = RP_E_CERT_HOST_MISMATCH;
    asks_wait(t);
}

static void serve_wrong_name(torture *t)
{
    serve_one(t);
    const char *address = rp_sim_server_address(t->servers[0]);
    char text[64];
    (void)snprintf(text, sizeof(text), "%.*s", (int)(strrchr(address, ':') - address), address);
    CHECK(rp_sim_name_add(t->sim, "other.invalid", text, NULL) == RP_OK);
}

static void run_pins(torture *t)
{
    rp_tls_options options = {
        .ca_pem = rp_sim_ca_pem,
        .pinned_keys = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    run_with_tls(t, &options, RP_E_CERT_PIN_MISMATCH);
}

/* The server has nothing to say about it: that is enough, or not. */
static void run_revocation(torture *t)
{
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem, .revocation = RP_REVOCATION_SOFT};
    run_with_tls(t, &options, RP_OK);
}

static void run_not_vouched_for(torture *t)
{
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem, .revocation = RP_REVOCATION_HARD};
    run_with_tls(t, &options, RP_E_CERT_STATUS_UNKNOWN);
}

static void serve_newer(torture *t)
{
    (void)torture_serve(t, A, false, RP_TLS_1_3);
}

static void run_versions(torture *t)
{
    rp_tls_options options = {.ca_pem = rp_sim_ca_pem, .maximum_version = RP_TLS_1_2};
    run_with_tls(t, &options, RP_E_TLS_VERSION);
}

/* ---- streams ---- */

static const char ask_text[] = "GET /size/3000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

static void close_it(probe *p)
{
    probe_close(p);
}

static void given_up(rp_timer *timer, void *user)
{
    (void)timer;
    probe_close(user);
}

static void opened(probe *p)
{
    if (p->open_error.status != RP_OK)
        probe_close(p);
}

/* What can't be written is not answered. */
static void written(probe *p)
{
    if (p->writes_failed > 0)
        probe_close(p);
}

/* Writes, half-closes, reads to the end that the server says. */
static void run_stream(torture *t)
{
    probe *p = &t->probe;
    rp_timer timer = {0};
    rp_stream_options options = {.host = A,
                                 .port = t->scenario->versions == 0 ? 80 : 443,
                                 .tls = t->scenario->versions == 0 ? NULL : t->tls,
                                 .alpn = t->scenario->versions == 0 ? NULL : "http/1.1"};
    p->on_end = close_it;
    p->on_open = opened;
    p->on_write = written;
    rp_status status = probe_open(p, t->loop, &options);
    rp_error error = {.status = status};
    CHECK(status == RP_OK || t->may(&error));
    if (status != RP_OK)
        return;
    rp_timer_start(t->loop, &timer, 60000, given_up, p);
    CHECK(probe_write_text(p, ask_text) == RP_OK);
    CHECK(probe_write(p, "", 0) == RP_OK);
    if (t->scenario->number > 0)
        CHECK(probe_shutdown(p) == RP_OK);
    while (p->closes == 0)
        torture_turn(t);
    bool gave_up = !timer.private_started;
    rp_timer_stop(t->loop, &timer);
    const rp_error *cause = &p->open_error;
    if (cause->status == RP_OK || cause->status == RP_E_CANCELLED)
        cause = p->end_error.status != RP_OK ? &p->end_error : &p->write_error;
    bool whole = p->received > 3000 && p->open_error.status == RP_OK &&
                 p->end_error.status == RP_OK && p->writes_failed == 0;
    error = gave_up ? (rp_error){.status = RP_E_TOTAL_TIMEOUT} : *cause;
    CHECK_TEXT(whole || (error.status == RP_OK && p->received < 3000) || t->may(&error),
               error.text);
    if (!whole && error.status == RP_OK) {
        /* A clean end before the end: only a plain stream cannot tell. */
        error.status = RP_E_BODY_TRUNCATED;
        CHECK(t->scenario->versions == 0 && t->may(&error));
    }
}

static void leave_http(ask *a)
{
    if (a->status == 101)
        probe_upgrade(&a->torture->probe, a->torture->loop, a->request);
}

/* A request's connection that goes on as a stream. */
static void run_upgrade(torture *t)
{
    probe *p = &t->probe;
    rp_timer timer = {0};
    rp_request_options options = {.upgrade = "bytes"};
    p->on_end = close_it;
    p->on_write = written;
    ask *a = ask_start(t, url(t, A, "/upgrade/3000"), 0, &options);
    a->on_head = leave_http;
    asks_wait(t);
    if (p->stream == NULL)
        return;
    rp_timer_start(t->loop, &timer, 60000, given_up, p);
    if (!p->closing) /* all of it has come already */
        CHECK(probe_write_text(p, "hello") == RP_OK);
    while (p->closes == 0)
        torture_turn(t);
    rp_error error = p->end_error.status != RP_OK ? p->end_error : p->write_error;
    if (!timer.private_started)
        error.status = RP_E_TOTAL_TIMEOUT;
    else if (error.status == RP_OK && p->received < 3000) /* only a plain stream can't tell */
        error.status = t->scenario->versions == 0 ? RP_E_BODY_TRUNCATED : RP_E_INTERNAL;
    rp_timer_stop(t->loop, &timer);
    CHECK_TEXT(error.status == RP_OK || t->may(&error), error.text);
}

const scenario scenarios[] = {
    {"life", serve_one, run_life, .life = true, .versions = 13},
    {"life_of_tls", serve_one, run_life_of_tls, .life = true, .versions = 13},
    {"get_plain", serve_one, run_get, .bytes = 1},
    {"get_12", serve_one, run_get, .bytes = 11, .versions = 12},
    {"get_13", serve_one, run_get, .bytes = 1, .versions = 13},
    {"kinds_plain", serve_one, run_kinds, .versions = 0},
    {"kinds_13", serve_one, run_kinds, .versions = 13},
    {"again", serve_one, run_again, .versions = 13},
    {"resume_12", serve_one, run_resume, .versions = 12},
    {"resume_13", serve_one, run_resume, .versions = 13},
    {"post_plain", serve_one, run_post, .versions = 0},
    {"post_13", serve_one, run_post, .versions = 13},
    {"upload_13", serve_one, run_upload, .versions = 13},
    {"long_head", serve_one, run_long_head, .versions = 13},
    {"credit_plain", serve_one, run_credit, .versions = 0},
    {"credit_13", serve_one, run_credit, .versions = 13},
    {"collect", serve_one, run_collect, .versions = 0},
    {"redirect", serve_two, run_redirect, .versions = 0},
    {"h2_redirect", serve_two, run_redirect, .http2 = true},
    {"gzip", serve_one, run_decoded, .number = 0, .versions = 0},
    {"deflate", serve_one, run_decoded, .number = 1, .http2 = true},
    {"br", serve_one, run_decoded, .number = 2, .versions = 0},
    {"zstd", serve_one, run_decoded, .number = 3, .http2 = true},
    {"tls_in_tls", serve_one, run_proxy, .versions = 13, .proxy = "https"},
    {"socks5", serve_one, run_proxy, .proxy = "socks5"},
    {"cancel_in_head", serve_one, run_cancel_in_head, .versions = 13},
    {"cancel_in_body", serve_one, run_cancel_in_body, .versions = 13},
    {"cancel_0", serve_one, run_cancel, .number = 0, .versions = 13},
    {"cancel_1", serve_one, run_cancel, .number = 1, .versions = 13},
    {"cancel_2", serve_one, run_cancel, .number = 2, .versions = 13},
    {"cancel_3", serve_one, run_cancel, .number = 3, .versions = 13},
    {"cancel_4", serve_one, run_cancel, .number = 4, .versions = 13},
    {"cancel_6", serve_one, run_cancel, .number = 6, .versions = 13},
    {"cancel_8", serve_one, run_cancel, .number = 8, .versions = 13},
    {"destroy_0", serve_one, run_destroy, .number = 0, .versions = 13},
    {"destroy_2", serve_one, run_destroy, .number = 2, .versions = 13},
    {"destroy_5", serve_one, run_destroy, .number = 5, .versions = 13},
    {"destroy_8", serve_one, run_destroy, .number = 8, .versions = 13},
    {"destroy_loop_1", serve_one, run_destroy_loop, .number = 1, .versions = 13},
    {"destroy_loop_4", serve_one, run_destroy_loop, .number = 4, .versions = 13},
    {"destroy_loop_9", serve_one, run_destroy_loop, .number = 9, .versions = 13},
    {"upgrade_plain", serve_one, run_upgrade, .bytes = 1, .versions = 0},
    {"upgrade_13", serve_one, run_upgrade, .versions = 13},
    {"deadlines", serve_one, run_deadlines, .versions = 13},
    {"pool", serve_two, run_pool, .client = &one_at_a_time, .versions = 13},
    {"pool_plain", serve_two, run_pool, .client = &one_at_a_time},
    {"pool_two", serve_two, run_pool, .client = &two_in_all},
    {"refused", serve_one, run_given_back, .number = 0, .versions = 13, .http2 = true},
    {"left", serve_one, run_given_back, .number = 1, .versions = 13, .http2 = true},
    {"misdirected", serve_one, run_given_back, .number = 2, .versions = 13, .http2 = true},
    {"http1_wanted", serve_one, run_given_back, .number = 3, .versions = 13, .http2 = true},
    {"chain", serve_two, run_chain, .client = &two_in_all},
    {"stale_plain", serve_one, run_stale, .versions = 0},
    {"stale_13", serve_one, run_stale, .versions = 13},
    {"explain_13", serve_one, run_explain, .versions = 13},
    {"h2_explain", serve_one, run_explain, .http2 = true},
    {"preconnect_plain", serve_one, run_preconnect, .versions = 0},
    {"preconnect_13", serve_one, run_preconnect, .versions = 13},
    {"h2_preconnect", serve_one, run_preconnect, .versions = 13, .http2 = true},
    {"h2_get_plain", serve_one, run_get, .bytes = 1, .http2 = true},
    {"h2_get_13", serve_one, run_get, .bytes = 7, .versions = 13, .http2 = true},
    {"h2_kinds_plain", serve_one, run_kinds, .http2 = true},
    {"h2_again", serve_one, run_again, .versions = 13, .http2 = true},
    {"h2_post_plain", serve_one, run_post, .http2 = true},
    {"h2_post_13", serve_one, run_post, .versions = 13, .http2 = true},
    {"h2_upload_plain", serve_one, run_upload, .http2 = true},
    {"h2_long_head", serve_one, run_long_head, .http2 = true},
    {"h2_credit_plain", serve_one, run_credit, .http2 = true},
    {"h2_collect", serve_one, run_collect, .http2 = true},
    {"h2_cancel_in_head", serve_one, run_cancel_in_head, .http2 = true},
    {"h2_cancel_in_body", serve_one, run_cancel_in_body, .http2 = true},
    {"h2_cancel_1", serve_one, run_cancel, .number = 1, .http2 = true},
    {"h2_cancel_3", serve_one, run_cancel, .number = 3, .http2 = true},
    {"h2_cancel_5", serve_one, run_cancel, .number = 5, .versions = 13, .http2 = true},
    {"h2_destroy_1", serve_one, run_destroy, .number = 1, .http2 = true},
    {"h2_destroy_3", serve_one, run_destroy, .number = 3, .http2 = true},
    {"h2_destroy_6", serve_one, run_destroy, .number = 6, .versions = 13, .http2 = true},
    {"h2_destroy_loop_4", serve_one, run_destroy_loop, .number = 4, .http2 = true},
    {"h2_deadlines", serve_one, run_deadlines, .http2 = true},
    {"h2_pool", serve_two, run_pool, .client = &one_at_a_time, .http2 = true},
    {"h2_pool_two", serve_two, run_pool, .client = &two_in_all, .versions = 13, .http2 = true},
    {"h2_chain", serve_two, run_chain, .client = &two_in_all, .http2 = true},
    {"eyeballs", serve_two_addresses, run_eyeballs, .versions = 0},
    {"eyeballs_stall", serve_two_addresses, run_eyeballs, .own_stall = true},
    {"no_name", serve_one, run_no_name, .versions = 0},
    {"untrusted", serve_one, run_untrusted, .versions = 13},
    {"wrong_name", serve_wrong_name, run_wrong_name, .versions = 12},
    {"pins", serve_one, run_pins, .versions = 13},
    {"revocation_12", serve_one, run_revocation, .versions = 12},
    {"revocation_13", serve_one, run_revocation, .versions = 13},
    {"not_vouched_for_12", serve_one, run_not_vouched_for, .versions = 12},
    {"not_vouched_for_13", serve_one, run_not_vouched_for, .versions = 13},
    {"versions", serve_newer, run_versions, .versions = 13},
    {"stream_plain", serve_one, run_stream, .number = 1},
    {"stream_12", serve_one, run_stream, .number = 1, .versions = 12},
    {"stream_13", serve_one, run_stream, .number = 1, .versions = 13, .bytes = 17},
    {"stream_open", serve_one, run_stream, .versions = 13},
    {.name = NULL},
};
