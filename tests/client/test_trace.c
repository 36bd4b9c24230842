/* test_trace.c - which events come of what happens, in which order, and what they are called. That
 * the order is a good one in every case traced.c holds, here and in the swarm. */
#include "client/client.h"
#include "support/check.h"
#include "support/scene.h"
#include "support/traced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct watched {
    scene s;
    traced t;
    char log[8192];
    unsigned asked;
    unsigned failures; /* answers with 503 that come first */
} watched;

static void answer(rp_sim_exchange *x, void *user)
{
    watched *w = user;
    const char *target = rp_sim_target(x);
    w->asked++;
    if (strcmp(target, "/moved") == 0)
        rp_sim_respond(x, 302, "Location: /there\r\n", NULL, 0);
    else if (strcmp(target, "/reset") == 0)
        rp_sim_end(x, RP_SIM_END_RESET);
    else if (strcmp(target, "/busy") == 0 && w->failures > 0 && w->failures--)
        rp_sim_respond(x, 503, NULL, NULL, 0);
    else if (strcmp(target, "/misdirected") == 0 && w->failures > 0 && w->failures--)
        rp_sim_respond(x, 421, NULL, NULL, 0);
    else if (strcmp(target, "/stall") != 0)
        rp_sim_respond(x, 200, NULL, "ok", 2);
}

static watched *begin(int tls, rp_sim_versions versions)
{
    watched *w = calloc(1, sizeof(*w));
    CHECK(w != NULL);
    rp_sim_server_options serving = {.on_request = answer, .versions = versions, .user = w};
    rp_client_options options = {.on_trace = traced_event, .on_trace_user = &w->t};
    options.http2_prior_knowledge = tls == 0 && versions == RP_SIM_HTTP_2;
    w->t.log = w->log;
    w->t.log_size = sizeof(w->log);
    scene_begin(&w->s, tls, &serving, &options);
    return w;
}

static void end(watched *w)
{
    scene_end(&w->s);
    traced_end(&w->t);
    free(w);
}

/* What came since the last time, with V for the version. */
static void expect(watched *w, const char *expected)
{
    for (char *at = w->log; (at = strstr(at, "version=")) != NULL; at++) {
        char *behind = at + strcspn(at, " \n");
        at[8] = 'V';
        memmove(at + 9, behind, strlen(behind) + 1);
    }
    assert_string_equal(w->log, expected);
    w->t.log_used = 0;
    w->log[0] = '\0';
}

static void get(watched *w, const char *path, const rp_request_options *options, int status)
{
    fetch f = {0};
    scene_good(&w->s, &f, path, options, status);
}

#define OPENED                                                                                     \
    "c1 connection.opening\n"                                                                      \
    "c1 connection.resolved\n"                                                                     \
    "c1 connection.connected\n"                                                                    \
    "c1 connection.opened version=V\n"

#define REST(R, RESENT, STATUS)                                                                    \
    R " request.assigned version=V\n" R " request.sent\n" R " response.head status_code=" STATUS   \
      "\n" R " response.body\n" R " attempt.end" RESENT " version=V status_code=" STATUS "\n" R    \
      " request.end" RESENT " version=V status_code=" STATUS "\n"

static void test_order(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        watched *w = begin(i % 2 == 0 ? 13 : 0, i < 2 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2);
        get(w, "/", NULL, 200);
        expect(w, "r1 request.begin\nr1 attempt.begin\nr1 request.queued\n" OPENED REST("r1", "",
                                                                                        "200"));
        get(w, "/", NULL, 200);
        expect(w, "r2 request.begin\nr2 attempt.begin\n" REST("r2", "", "200"));
        end(w);
    }
}

static void test_attempts(void **state)
{
    (void)state;
    rp_retry_options retry = {.attempts = 3};
    for (int version = 1; version <= 2; version++) {
        watched *w = begin(13, version == 1 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2);
        get(w, "/", NULL, 200);
        w->t.log_used = 0;
        get(w, "/moved", &(rp_request_options){.redirects_limit = 3}, 200);
        expect(w, "r2 request.begin\nr2 attempt.begin\nr2 request.assigned version=V\n"
                  "r2 request.sent\nr2 response.head status_code=302\n"
                  "r2 attempt.end version=V status_code=302\n"
                  "r2 attempt.begin resend_count=1\n" REST("r2", " resend_count=1", "200"));
        w->failures = 1;
        get(w, "/busy", &(rp_request_options){.retry = &retry}, 200);
        expect(w, "r3 request.begin\nr3 attempt.begin\nr3 request.assigned version=V\n"
                  "r3 request.sent\nr3 response.head status_code=503 type=503\n"
                  "r3 attempt.end version=V status_code=503 type=503\n"
                  "r3 attempt.begin resend_count=1\n" REST("r3", " resend_count=1", "200"));
        w->failures = 1;
        get(w, "/misdirected", NULL, 200);
        assert_non_null(strstr(w->log, "status_code=421 type=RP_E_BAD_RESPONSE\n"));
        assert_non_null(strstr(w->log, "r4 attempt.begin resend_count=1\nr4 request.queued\n"));
        end(w);
    }
}

/* What the spans of failures say, and what their connections become. */
static void test_failures(void **state)
{
    fetch f = {0};
    (void)state;
    for (int version = 1; version <= 2; version++) {
        watched *w = begin(13, version == 1 ? RP_SIM_HTTP_1 : RP_SIM_HTTP_2);
        rp_request_options post = {.method = "POST", .url = scene_url(&w->s, "/reset")};
        f = (fetch){0};
        CHECK(fetch_start(&f, &w->s.web, NULL, &post));
        fetch_wait(&f);
        assert_int_not_equal(f.error.status, RP_OK);
        char type[64];
        (void)snprintf(type, sizeof(type), " type=%s\n", rp_status_name(f.error.status));
        UNTIL(w->s.web.loop, strstr(w->log, "c1 connection.closed") != NULL);
        char *at = strstr(w->log, "r1 attempt.end version=");
        assert_non_null(at);
        assert_non_null(at = strstr(at, type));
        assert_non_null(at = strstr(at, "r1 request.end version="));
        assert_non_null(strstr(at, type));
        f = (fetch){0};
        rp_request_options stall = {.url = scene_url(&w->s, "/stall")};
        CHECK(fetch_start(&f, &w->s.web, NULL, &stall));
        UNTIL(w->s.web.loop, w->asked == 2);
        fetch_cancel(&f);
        fetch_wait(&f);
        assert_non_null(strstr(w->log, "type=RP_E_CANCELLED\n"));
        f = (fetch){0};
        /* Nobody listens there. */
        rp_request_options nobody = {.url = "https://127.0.0.1:1/"};
        CHECK(fetch_start(&f, &w->s.web, NULL, &nobody));
        fetch_wait(&f);
        (void)snprintf(type, sizeof(type), "connection.failed type=%s\n",
                       rp_status_name(f.error.status));
        assert_non_null(strstr(w->log, type));
        end(w);
    }
}

/* The client goes while requests wait and while they are under way. */
static void test_end(void **state)
{
    (void)state;
    for (unsigned turns = 0; turns < 12; turns++) {
        watched *w = begin(13, RP_SIM_HTTP_1_OR_2);
        fetch all[3] = {{0}};
        rp_request_options stall = {.url = scene_url(&w->s, "/stall")};
        for (unsigned i = 0; i < 3; i++)
            CHECK(fetch_start(&all[i], &w->s.web, NULL, &stall));
        for (unsigned i = 0; i < turns; i++)
            (void)rp_loop_turn(w->s.web.loop, 1);
        rp_client_destroy(w->s.web.client);
        w->s.web.client = NULL;
        UNTIL(w->s.web.loop, all[0].dones + all[1].dones + all[2].dones == 3);
        assert_int_equal(w->t.ended, 3);
        end(w);
    }
}

/* ---- what it costs ---- */

static void count(const rp_trace_event *event, void *user)
{
    (void)event;
    ++*(unsigned *)user;
}

static void test_allocates_nothing(void **state)
{
    (void)state;
    unsigned events = 0, before;
    scene s;
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_1};
    scene_begin(&s, 13, &serving,
                &(rp_client_options){.on_trace = count, .on_trace_user = &events});
    for (unsigned i = 0; i < 20; i++) {
        fetch f = {0};
        uint64_t allocations = rp_loop_stats_get(s.web.loop)->allocations;
        before = events;
        scene_good(&s, &f, "/", NULL, 200);
        if (i > 9) {
            assert_true(events > before + 5);
            assert_int_equal(rp_loop_stats_get(s.web.loop)->allocations, allocations);
        }
    }
    scene_end(&s);
}

/* ---- attributes ---- */

static void append(const rp_trace_attribute *a, void *user)
{
    char *text = user;
    size_t used = strlen(text);
    if (a->text != NULL)
        (void)snprintf(text + used, 4096 - used, "%s=%s\n", a->name, a->text);
    else if (a->boolean)
        (void)snprintf(text + used, 4096 - used, "%s=%s\n", a->name, a->number ? "true" : "false");
    else
        (void)snprintf(text + used, 4096 - used, "%s=%llu\n", a->name,
                       (unsigned long long)a->number);
}

static const char *attributes(const rp_trace_event *event, uint32_t flags)
{
    static char text[4096];
    text[0] = '\0';
    rp_trace_attributes(event, flags, append, text);
    return text;
}

static void test_attributes(void **state)
{
    (void)state;
    rp_error error = {.status = RP_E_IDLE_TIMEOUT};
    rp_trace_event event = {.kind = RP_TRACE_ATTEMPT_END,
                            .request = 1,
                            .https = true,
                            .host = "2001:db8::1",
                            .port = 8443,
                            .method = "PURGE",
                            .target = "/a?b=c junk behind it",
                            .target_size = 6,
                            .resends = 2,
                            .status = 200,
                            .version = 20,
                            .address = "[2001:db8::1]:8443",
                            .tls_version = "TLSv1.3",
                            .tls_cipher = "CIPHER",
                            .tls_group = "X25519",
                            .resumed = true,
                            .error = &error};
    assert_string_equal(attributes(&event, 0), "http.request.method=_OTHER\n"
                                               "http.request.method_original=PURGE\n"
                                               "url.full=https://[2001:db8::1]:8443/a?b=c\n"
                                               "http.request.resend_count=2\n"
                                               "server.address=2001:db8::1\n"
                                               "server.port=8443\n"
                                               "network.peer.address=2001:db8::1\n"
                                               "network.peer.port=8443\n"
                                               "network.protocol.version=2\n"
                                               "tls.protocol.name=tls\n"
                                               "tls.protocol.version=1.3\n"
                                               "tls.cipher=CIPHER\n"
                                               "tls.curve=X25519\n"
                                               "tls.resumed=true\n"
                                               "http.response.status_code=200\n"
                                               "error.type=RP_E_IDLE_TIMEOUT\n");
    event = (rp_trace_event){.kind = RP_TRACE_OPENED,
                             .connection = 1,
                             .host = "h",
                             .port = 80,
                             .address = "unix:/run/x",
                             .version = 11};
    assert_string_equal(attributes(&event, 0), "server.address=h\n"
                                               "server.port=80\n"
                                               "network.transport=unix\n"
                                               "network.peer.address=/run/x\n"
                                               "network.protocol.version=1.1\n");
    assert_string_equal(rp_trace_name(RP_TRACE_CLOSED), "connection.closed");
    assert_string_equal(rp_trace_name((rp_trace_kind)99), "?");
}

static void test_redacts(void **state)
{
    (void)state;
    static const struct {
        const char *target, *shown, *hidden;
    } cases[] = {
        {"/", "/", "/"},
        {"/a?", "/a?", "/a?REDACTED"},
        {"/a?b=c&d", "/a?b=c&d", "/a?REDACTED"},
        {"/?sig=s3cr3t", "/?sig=REDACTED", "/?REDACTED"},
        {"/?a=1&sig=s3=cr3t&b=2&", "/?a=1&sig=REDACTED&b=2&", "/?REDACTED"},
        {"/?AWSAccessKeyId=k&Signature=s&X-Goog-Signature=t",
         "/?AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED", "/?REDACTED"},
        {"/?X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Security-Token=t",
         "/?X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED",
         "/?REDACTED"},
        {"/?sigh=x&Sig=y&sig", "/?sigh=x&Sig=y&sig=REDACTED", "/?REDACTED"},
        {"*", "", ""}, /* a target of the caller's own */
        {"http://me:secret@other/x", "", ""},
    };
    char text[256], expected[256];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].target);
        char *exact = malloc(size); /* nothing behind it is read */
        CHECK(exact != NULL);
        memcpy(exact, cases[i].target, size);
        rp_trace_event event = {.host = "h", .port = 80, .target = exact, .target_size = size};
        rp_trace_url(&event, 0, text, sizeof(text));
        (void)snprintf(expected, sizeof(expected), "http://h%s", cases[i].shown);
        assert_string_equal(text, expected);
        rp_trace_url(&event, RP_TRACE_HIDE_QUERY, text, sizeof(text));
        (void)snprintf(expected, sizeof(expected), "http://h%s", cases[i].hidden);
        assert_string_equal(text, expected);
        for (size_t room = 1; room < 12; room++) {
            memset(text, 'x', sizeof(text));
            rp_trace_url(&event, 0, text, room);
            (void)snprintf(expected, room, "http://h%s", cases[i].shown);
            assert_string_equal(text, expected);
        }
        free(exact);
    }
}

/* Credentials of the URL are in no event, nor what is behind "#". */
static void find_secret(const rp_trace_event *event, void *user)
{
    char *text = user, url[512];
    if (event->request == 0)
        return;
    rp_trace_url(event, 0, url, sizeof(url));
    CHECK(memchr(event->target, '#', event->target_size) == NULL);
    (void)snprintf(text, 4096, "%s", attributes(event, 0));
    CHECK(strstr(text, "s3cr3t") == NULL && strstr(url, "s3cr3t") == NULL);
}

static void test_credentials(void **state)
{
    (void)state;
    char seen[4096] = "", url[128];
    scene s;
    fetch f = {0};
    scene_begin(&s, 13, &(rp_sim_server_options){.versions = RP_SIM_HTTP_1},
                &(rp_client_options){.on_trace = find_secret, .on_trace_user = seen});
    const char *plain = scene_url(&s, "/a?b");
    (void)snprintf(url, sizeof(url), "https://me:s3cr3t@%s#s3cr3t", plain + 8);
    fetch_good(&f, &s.web, NULL, &(rp_request_options){.url = url}, 200);
    assert_non_null(strstr(seen, "\nurl.full=https://127.0.0.1"));
    assert_non_null(strstr(seen, "/a?b\nserver.address="));
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_order),
        fixture_test(test_attempts),
        fixture_test(test_failures),
        fixture_test(test_end),
        fixture_test(test_allocates_nothing),
        fixture_test(test_attributes),
        fixture_test(test_redacts),
        fixture_test(test_credentials),
    };
    return fixture_run_simulated(tests, 3);
}
