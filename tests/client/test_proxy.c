/* test_proxy.c - requests and streams through proxies of every kind: tunnels, what a proxy may
 * answer and what it may not, wherever that is cut, and what becomes of what is said to it. */
#include "support/check.h"
#include "support/relay.h"
#include "support/scene.h"

#include <stdlib.h>
#include <string.h>

#define SECRETS "user:secret@"

static const char *const schemes[] = {"http", "https", "socks5", "socks5h"};

typedef struct rig {
    scene s;
    relay r;
    rp_proxy *proxy;
    rp_tls_config *tls; /* with the proxy */
} rig;

static rp_proxy *proxy_make(const rp_proxy_options *options)
{
    rp_proxy *proxy;
    rp_error error;
    if (rp_proxy_create(&proxy, options, &error) != RP_OK)
        fail_msg("%s", error.text);
    return proxy;
}

static void rig_begin_with(rig *g, const char *scheme, const char *credentials,
                           const relay_options *relaying, int version,
                           const rp_sim_server_options *serving, const rp_client_options *client,
                           rp_proxy_options through)
{
    relay_options options = {.tls = false};
    rp_error error;
    if (relaying != NULL)
        options = *relaying;
    options.tls = strcmp(scheme, "https") == 0;
    options.socks = strncmp(scheme, "socks", 5) == 0;
    scene_begin(&g->s, version, serving, client);
    relay_begin(&g->r, g->s.web.loop, &options);
    rp_tls_options tls = {.ca_pem = rp_sim_ca_pem};
    if (rp_tls_config_create(&g->tls, &tls, &error) != RP_OK)
        fail_msg("%s", error.text);
    through.url = relay_url(&g->r, scheme, credentials);
    through.tls = g->tls;
    g->proxy = proxy_make(&through);
}

static void rig_begin(rig *g, const char *scheme, const char *credentials,
                      const relay_options *relaying, int version,
                      const rp_sim_server_options *serving, const rp_client_options *client)
{
    rig_begin_with(g, scheme, credentials, relaying, version, serving, client,
                   (rp_proxy_options){.url = NULL});
}

static void rig_end(rig *g)
{
    rp_client_destroy(g->s.web.client);
    g->s.web.client = NULL;
    UNTIL(g->s.web.loop, !rp_loop_pending(g->s.web.loop));
    relay_end(&g->r);
    scene_end(&g->s);
    rp_proxy_release(g->proxy);
    rp_tls_config_release(g->tls);
}

static rp_request_options through(const rig *g)
{
    return (rp_request_options){.proxy = g->proxy};
}

/* Says what the server saw of the request's headers. */
static void tell(rp_sim_exchange *x, void *user)
{
    char text[256];
    const char *cookie = rp_sim_header(x, "cookie");
    const char *secret = rp_sim_header(x, "proxy-authorization");
    (void)user;
    int size = snprintf(text, sizeof(text), "%s %s %s", rp_sim_target(x),
                        cookie != NULL ? cookie : "-", secret != NULL ? secret : "-");
    rp_sim_respond(x, 200, NULL, text, (size_t)size);
}

/* ---- tunnels ---- */

static const rp_header cookie[] = {{"Cookie", "a=b"}, {"Authorization", "Basic b3JpZ2lu"}};

static void tunnel(const char *scheme, int version, bool http2)
{
    rig g;
    rp_sim_server_options serving = {.on_request = tell, .versions = RP_SIM_HTTP_1};
    rp_client_options client = {.versions = http2 ? RP_HTTP_2 : RP_HTTP_1_1,
                                .http2_prior_knowledge = http2};
    relay_options relaying = {.user = "user", .password = "secret"};
    if (http2)
        serving.versions = RP_SIM_HTTP_2;
    rig_begin(&g, scheme, SECRETS, &relaying, version, &serving, &client);
    rp_request_options options = through(&g);
    options.headers = cookie;
    options.header_count = 2;
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {0};
        scene_good(&g.s, &f, "/x", &options, 200);
        assert_string_equal(f.text, "/x a=b -");
        assert_int_equal(f.summary.reused, i > 0);
        assert_int_equal(f.version, http2 ? 20 : 11);
        assert_string_equal(f.address, rp_sim_server_address(g.r.server));
    }
    assert_int_equal(g.r.tunnels, 1);
    assert_string_equal(g.r.target, rp_sim_server_address(g.s.server));
    if (!g.r.options.socks) {
        char want[400];
        const char *origin = rp_sim_server_address(g.s.server);
        (void)snprintf(want, sizeof(want),
                       "CONNECT %s HTTP/1.1\r\nHost: %s\r\n"
                       "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n",
                       origin, origin);
        assert_string_equal(g.r.asked, want);
    }
    rig_end(&g);
}

static void test_tunnels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        tunnel(schemes[i], 0, false);
        tunnel(schemes[i], 13, false);
        tunnel(schemes[i], 13, true);
        tunnel(schemes[i], 12, i % 2 == 0);
    }
}

/* By name: what SOCKS is told is the name, or the address that it has here. */
static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        rig g;
        char url[64];
        rig_begin(&g, schemes[i], "", NULL, 0, NULL, NULL);
        rp_request_options options = through(&g);
        (void)snprintf(url, sizeof(url), "http://localhost%s/",
                       strrchr(rp_sim_server_address(g.s.server), ':'));
        options.url = url;
        fetch f = {0};
        assert_true(fetch_start(&f, &g.s.web, "/", &options));
        fetch_wait(&f);
        if (i == 2) /* either loopback address, and ::1 is nobody's */
            assert_true(g.r.type == 1 || g.r.type == 4);
        else if (i == 3)
            assert_int_equal(g.r.type, 3);
        if (i != 2)
            assert_int_equal(strncmp(g.r.target, "localhost:", 10), 0);
        if (i != 2)
            assert_int_equal(f.status, 200);
        rig_end(&g);
    }
}

/* Its own answers in pieces of a byte, an interim answer before it, and a length and a coding that
 * mean nothing (RFC 9110, 9.3.6). */
static void test_cut(void **state)
{
    static const char *const lines[] = {
        "", "Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n"};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < sizeof(schemes) / sizeof(schemes[0]); k++) {
            rig g;
            relay_options relaying = {.own_cut = i % 2 == 0 ? 1 : 0,
                                      .before = i > 0 ? "HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" : "",
                                      .head_lines = lines[i]};
            rig_begin(&g, schemes[k], "", &relaying, i % 2 == 0 ? 13 : 0, NULL, NULL);
            rp_request_options options = through(&g);
            fetch f = {0};
            scene_good(&g.s, &f, "/", &options, 200);
            assert_string_equal(f.text, "ok\n");
            rig_end(&g);
        }
}

enum { LARGE = 1 << 20 };

static void take(rp_sim_exchange *x, void *user)
{
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    (void)user;
    rp_sim_respond(x, 200, NULL, body, size);
}

/* Both ways, with credit that is given in pieces. */
static void test_large(void **state)
{
    uint8_t *data = probe_pattern(LARGE);
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        rig g;
        rp_sim_server_options serving = {.on_request = take,
                                         .versions = i % 2 == 0 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1};
        rig_begin(&g, schemes[i], "", NULL, 13, &serving, NULL);
        rp_request_options options = through(&g);
        options.method = "PUT";
        options.body = data;
        options.body_size = LARGE;
        options.receive_credit_bytes = 10000;
        fetch f = {.checked = true};
        uint64_t consumed = 0;
        options.url = scene_url(&g.s, "/");
        assert_true(fetch_start(&f, &g.s.web, NULL, &options));
        while (f.dones == 0) {
            (void)rp_loop_turn(g.s.web.loop, 100);
            if (f.request != NULL && f.body_bytes > consumed)
                fetch_consume(&f, (size_t)(f.body_bytes - consumed));
            consumed = f.body_bytes;
        }
        if (f.error.status != RP_OK)
            fail_msg("%s: %s", schemes[i], f.error.text);
        assert_int_equal(f.body_bytes, LARGE);
        rig_end(&g);
    }
    free(data);
}

/* ---- what a proxy says instead ---- */

typedef struct saying {
    const char *answer;
    size_t size; /* 0: a string */
    rp_sim_ending then;
    rp_status status;
    int code;
    const char *words; /* in the sentence */
} saying;

static void expect(const char *scheme, const saying *said, size_t cut, int version)
{
    if (said->then == RP_SIM_END_STALLED && cut == 0 && !fixture_simulated())
        return; /* which takes real time: once is enough */
    rig g;
    relay_options relaying = {.answer = said->answer,
                              .answer_size = said->size != 0 ? said->size : strlen(said->answer),
                              .cut = cut,
                              .then = said->then};
    /* What is told before the time is over must come in time on a busy machine, too. */
    uint64_t limit_ms = said->status == RP_E_PROXY_TIMEOUT ? 300 : 5000;
    rp_client_options client = {.handshake_timeout_ms = limit_ms};
    rig_begin(&g, scheme, "", &relaying, version, NULL, &client);
    rp_request_options options = through(&g);
    fetch f = {0};
    scene_bad(&g.s, &f, "/", &options, said->status, RP_PHASE_PROXY, NULL);
    if (strstr(f.error.text, said->words) == NULL || f.error.text[strlen(f.error.text) - 1] == ' ')
        fail_msg("not \"%s\": \"%s\"", said->words, f.error.text);
    assert_int_equal(strncmp(f.error.text, "proxy", 5), 0);
    assert_true(f.error.of_proxy);
    assert_int_equal(f.error.proxy_code, said->code);
    assert_int_equal(f.error.bytes_sent, 0);
    assert_true(f.error.replay_safe);
    assert_int_equal(scene_counts(&g.s).connections, 0);
    rig_end(&g);
}

static const saying http_says[] = {
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nnot there\n", 0, RP_SIM_KEEP,
     RP_E_PROXY_REFUSED, 403, "it answered 403 Forbidden: not there"},
    {"HTTP/1.0 502 Bad\r\n\r\nno\nroute", 0, RP_SIM_CLOSE, RP_E_PROXY_REFUSED, 502,
     "it answered 502 Bad: no route"},
    {"HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n0\r\n\r\n", 0, RP_SIM_KEEP,
     RP_E_PROXY_AUTH, 407, "(407 No): who"},
    {"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n", 0,
     RP_SIM_KEEP, RP_E_PROXY_REFUSED, 302, "302 Found"},
    {"HTTP/1.1 500 Error\r\nContent-Length: 100\r\n\r\nbroken", 0, RP_SIM_CLOSE, RP_E_PROXY_REFUSED,
     500, "500 Error: broken"},
    {"HTTP/1.1 500 Error\r\nContent-Length: 100\r\n\r\nslow", 0, RP_SIM_END_STALLED,
     RP_E_PROXY_REFUSED, 500, "500 Error: slow"},
    {"HTTP/1.1 101 Switching\r\n\r\n", 0, RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "101"},
    {"SSH-2.0-OpenSSH\r\n", 0, RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "its answer is not HTTP/1.1"},
    {"HTTP/1.1 2x0 OK\r\n\r\n", 0, RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "its status"},
    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 0, RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "it sent"},
    {"HTTP/1.1 200 OK\r\nServer: x\r\n", 0, RP_SIM_CLOSE, RP_E_PROXY_CLOSED, 0, "in the middle"},
    {"", 0, RP_SIM_CLOSE, RP_E_PROXY_CLOSED, 0, "without an answer"},
    {"", 0, RP_SIM_END_RESET, RP_E_RESET, 0, "reset"},
    {"HTTP/1.1 2", 0, RP_SIM_END_STALLED, RP_E_PROXY_TIMEOUT, 0, "within 300 ms"},
};

static void test_http_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(http_says) / sizeof(http_says[0]); i++) {
        expect("http", &http_says[i], 0, 13);
        expect("https", &http_says[i], 1, 0);
    }
}

#define BYTES(literal) literal, sizeof(literal) - 1

static const saying socks_says[] = {
    {BYTES("\5\0\5\1\0\1\0\0\0\0\0\0"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 1, "general"},
    {BYTES("\5\0\5\2"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 2, "its rules"},
    {BYTES("\5\0\5\3\0\1\0\0\0\0\0\0"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 3, "to the network"},
    {BYTES("\5\0\5\4\0\3\0\0\0"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 4, "to the host"},
    {BYTES("\5\0\5\5\0\1\0\0\0\0\0\0"), RP_SIM_CLOSE, RP_E_PROXY_REFUSED, 5, "was refused there"},
    {BYTES("\5\0\5\6"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 6, "time to live"},
    {BYTES("\5\0\5\7"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 7, "command"},
    {BYTES("\5\0\5\10"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 8, "type of address"},
    {BYTES("\5\0\5\11"), RP_SIM_KEEP, RP_E_PROXY_REFUSED, 9, "no meaning"},
    {BYTES("\5\377"), RP_SIM_KEEP, RP_E_PROXY_AUTH, 0, "no user is configured"},
    {BYTES("\5\2"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not offered"},
    {BYTES("\5\1"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not offered"},
    {BYTES("\4\0"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not SOCKS version 5"},
    {BYTES("HTTP/1.1 400 Bad\r\n\r\n"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not SOCKS"},
    {BYTES("\5\0\4\0\0\1"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not SOCKS"},
    {BYTES("\5\0\5\0\0\2"), RP_SIM_KEEP, RP_E_PROXY_PROTOCOL, 0, "not SOCKS"},
    {BYTES("\5"), RP_SIM_CLOSE, RP_E_PROXY_CLOSED, 0, "before it had answered"},
    {BYTES("\5\0\5\0\0\1\0\0\0"), RP_SIM_CLOSE, RP_E_PROXY_CLOSED, 0, "before it had answered"},
    {BYTES("\5\0\5\0\0\3\377aaa"), RP_SIM_END_STALLED, RP_E_PROXY_TIMEOUT, 0, "within 300 ms"},
    {BYTES("\5\0"), RP_SIM_END_RESET, RP_E_RESET, 0, "reset"},
};

static void test_socks_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(socks_says) / sizeof(socks_says[0]); i++) {
        expect("socks5", &socks_says[i], 0, 0);
        expect("socks5h", &socks_says[i], 1, 13);
    }
}

static void test_credentials_refused(void **state)
{
    static const char *const wrong[] = {"", "user:wrong@"};
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        for (size_t k = 0; k < 2; k++) {
            rig g;
            relay_options relaying = {.user = "user", .password = "secret"};
            rig_begin(&g, schemes[i], wrong[k], &relaying, 13, NULL, NULL);
            rp_request_options options = through(&g);
            fetch f = {0};
            scene_bad(&g.s, &f, "/", &options, RP_E_PROXY_AUTH, RP_PHASE_PROXY, NULL);
            assert_null(strstr(f.error.text, "wrong"));
            if (!g.r.options.socks)
                assert_non_null(strstr(f.error.text, "407 Authenticate): who are you?"));
            rig_end(&g);
        }
}

/* Many answer RFC 1929's question with the version of SOCKS. */
static void test_version_of_socks(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rig g;
        fetch f = {0};
        relay_options relaying = {.user = "user", .password = "secret", .auth_version = 5};
        rig_begin(&g, "socks5h", i == 0 ? SECRETS : "user:wrong@", &relaying, 13, NULL, NULL);
        rp_request_options options = through(&g);
        if (i == 0)
            scene_good(&g.s, &f, "/", &options, 200);
        else
            scene_bad(&g.s, &f, "/", &options, RP_E_PROXY_AUTH, RP_PHASE_PROXY, NULL);
        assert_int_equal(g.r.tunnels, 1 - i);
        rig_end(&g);
    }
}

/* The proxy can't, and the way to the proxy is none. */
static void test_no_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        rig g;
        fetch f = {0}, again = {0};
        rig_begin(&g, schemes[i], "", NULL, 13, NULL, NULL);
        rp_request_options options = through(&g);
        rp_sim_server_stop(g.s.server);
        const char *url = "https://127.0.0.1:9/";
        options.url = url;
        fetch_bad(&f, &g.s.web, NULL, &options, RP_E_PROXY_REFUSED, RP_PHASE_PROXY);
        assert_int_equal(f.error.proxy_code, g.r.options.socks ? 5 : 502);
        rp_sim_server_stop(g.r.server);
        UNTIL(g.s.web.loop, !rp_loop_pending(g.s.web.loop));
        fetch_bad(&again, &g.s.web, NULL, &options, RP_E_CONNECT_REFUSED, RP_PHASE_CONNECT);
        assert_true(again.error.of_proxy);
        assert_int_equal(strncmp(again.error.text, "proxy: connection to", 20), 0);
        g.r.server = NULL;
        g.s.server = NULL;
        rig_end(&g);
    }
}

/* ---- the tunnel's bytes ---- */

/* What stands behind the proxy's answer is the first of the tunnel. */
static void test_behind_the_answer(void **state)
{
    static const saying says[] = {
        {BYTES("HTTP/1.1 200 OK\r\n\r\nhello"), RP_SIM_CLOSE, RP_OK, 0, ""},
        {BYTES("HTTP/1.1 204 OK\r\nContent-Length: 3\r\n\r\nhello"), RP_SIM_CLOSE, RP_OK, 0, ""},
        {BYTES("HTTP/1.1 100 Go\r\n\r\nHTTP/1.0 200 OK\r\n\r\nhello"), RP_SIM_CLOSE, RP_OK, 0, ""},
        {BYTES("\5\0\5\0\0\3\1a\0\0hello"), RP_SIM_CLOSE, RP_OK, 0, ""},
        {BYTES("\5\0\5\0\0\4aaaaaaaaaaaaaaaa\0\0hello"), RP_SIM_CLOSE, RP_OK, 0, ""},
        {BYTES("\5\0\5\0\0\1\0\0\0\0\0\0hello"), RP_SIM_CLOSE, RP_OK, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        for (size_t cut = 0; cut < 3; cut++)
            for (size_t credit = 0; credit < 2; credit++) {
                rig g;
                probe p = {0};
                relay_options relaying = {.answer = says[i].answer,
                                          .answer_size = says[i].size,
                                          .cut = cut == 2 ? says[i].size - 4 : cut,
                                          .then = says[i].then};
                const char *scheme = i >= 3 ? "socks5" : cut == 0 ? "https" : "http";
                rig_begin(&g, scheme, "", &relaying, 0, NULL, NULL);
                rp_stream_options options = {.host = "127.0.0.1",
                                             .port = 7,
                                             .proxy = g.proxy,
                                             .receive_credit_bytes = credit * 2};
                assert_int_equal(probe_open(&p, g.s.web.loop, &options), RP_OK);
                while (p.ends == 0) {
                    uint64_t before = p.received;
                    (void)rp_loop_turn(g.s.web.loop, 100);
                    if (credit > 0 && p.received > before)
                        probe_consume(&p, (size_t)(p.received - before));
                }
                assert_int_equal(p.open_error.status, RP_OK);
                assert_string_equal(p.text, "hello");
                assert_int_equal(p.end_error.status, RP_OK);
                probe_finish(&p);
                rig_end(&g);
            }
}

static void echo(rp_sim_exchange *x, const uint8_t *data, size_t size, void *user)
{
    (void)user;
    if (memchr(data, '!', size) == NULL)
        rp_sim_write(x, data, size);
    else
        rp_sim_end(x, *(rp_sim_ending *)user);
}

/* A stream through a proxy to an echo, which ends so after a "!". */
static void say_hello(rig *g, probe *p, const char *scheme, int version, rp_sim_ending *ending)
{
    rp_sim_server_options serving = {.versions = RP_SIM_RAW, .on_body = echo, .user = ending};
    rig_begin(g, scheme, "", NULL, version, &serving, NULL);
    const char *colon = strrchr(rp_sim_server_address(g->s.server), ':');
    rp_stream_options options = {.host = "127.0.0.1",
                                 .port = (uint16_t)atoi(colon + 1),
                                 .tls = g->s.web.client_tls,
                                 .proxy = g->proxy};
    assert_int_equal(probe_open(p, g->s.web.loop, &options), RP_OK);
    assert_int_equal(probe_write_text(p, "hello"), RP_OK);
}

/* How the tunnel ends is how the stream does: who is behind an https proxy, plain, is cut off
 * without the proxy's close_notify. */
static void test_endings(void **state)
{
    static const rp_sim_ending endings[] = {RP_SIM_CLOSE, RP_SIM_END_TRUNCATED, RP_SIM_END_RESET};
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        for (size_t k = 0; k < 3; k++)
            for (int version = 0; version <= 13; version += 13) {
                rig g;
                probe p = {0};
                rp_sim_ending ending = endings[k];
                say_hello(&g, &p, schemes[i], version, &ending);
                UNTIL(g.s.web.loop, p.received == 5 || p.ends > 0);
                assert_int_equal(probe_write_text(&p, "!"), RP_OK);
                UNTIL(g.s.web.loop, p.ends > 0);
                rp_status want = RP_OK;
                if (k == 2)
                    want = RP_E_RESET;
                else if (version != 0 && k == 1)
                    want = RP_E_TRUNCATED;
                if (p.end_error.status != want)
                    fail_msg("%s %zu %d: %d %s", schemes[i], k, version, p.end_error.status,
                             p.end_error.text);
                probe_finish(&p);
                rig_end(&g);
            }
}

/* The proxy goes in the middle, with and without saying so. */
static void test_proxy_goes(void **state)
{
    static const rp_sim_ending endings[] = {RP_SIM_CLOSE, RP_SIM_END_TRUNCATED, RP_SIM_END_RESET};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 3; k++)
            for (int version = 0; version <= 13; version += 13) {
                rig g;
                probe p = {0};
                rp_sim_ending ending = RP_SIM_CLOSE;
                say_hello(&g, &p, schemes[i], version, &ending);
                UNTIL(g.s.web.loop, p.received == 5);
                rp_sim_server_drop(g.r.server, endings[k]);
                UNTIL(g.s.web.loop, p.ends > 0);
                bool cut = version != 0 || (i == 1 && k == 1);
                rp_status want = k == 2 ? RP_E_RESET : cut ? RP_E_TRUNCATED : RP_OK;
                if (p.end_error.status != want)
                    fail_msg("%s %zu %d: %d %s", schemes[i], k, version, p.end_error.status,
                             p.end_error.text);
                assert_int_equal(p.end_error.of_proxy,
                                 want != RP_OK && (k == 2 || (i == 1 && k == 1)));
                probe_finish(&p);
                rig_end(&g);
            }
}

/* ---- its life ---- */

/* Cancelled, or all of it destroyed, after each number of turns. */
static void test_given_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        bool over = false;
        for (unsigned turns = 0; !over && turns < 60; turns++) {
            rig g;
            fetch f = {0};
            rig_begin(&g, schemes[i], "", NULL, 13, NULL, NULL);
            rp_request_options options = through(&g);
            options.url = scene_url(&g.s, "/");
            assert_true(fetch_start(&f, &g.s.web, NULL, &options));
            for (unsigned k = 0; k < turns && f.dones == 0; k++)
                (void)rp_loop_turn(g.s.web.loop, 0);
            over = f.dones > 0;
            if (!over && turns % 2 == 0)
                fetch_cancel(&f);
            if (!over && turns % 2 == 1) {
                rp_client_destroy(g.s.web.client);
                g.s.web.client = NULL;
            }
            fetch_wait(&f);
            rig_end(&g);
        }
    }
}

/* ---- who goes through it ---- */

static void test_no_proxy(void **state)
{
    rig g;
    fetch f = {0}, direct = {0};
    (void)state;
    rig_begin_with(&g, "http", "", NULL, 13, NULL, NULL,
                   (rp_proxy_options){.no_proxy = "example.com, 127.0.0.0/8"});
    rp_request_options options = through(&g);
    scene_good(&g.s, &f, "/", &options, 200);
    assert_int_equal(g.r.tunnels, 0);
    rig_end(&g);
    /* One proxy for one scheme; requests that take another way share no connection. */
    rig_begin_with(&g, "http", "", NULL, 13, NULL, NULL, (rp_proxy_options){.http_url = ""});
    options = through(&g);
    f = (fetch){0};
    scene_good(&g.s, &f, "/", &options, 200);
    assert_int_equal(g.r.tunnels, 1);
    scene_good(&g.s, &direct, "/", NULL, 200);
    assert_int_equal(g.r.tunnels, 1);
    assert_int_equal(scene_counts(&g.s).connections, 2);
    rig_end(&g);
}

static const char *not_there(const rp_target *target, void *user)
{
    (void)user;
    return target->port == 7 ? "seven" : NULL;
}

/* The rules are asked of the proxy, of what is looked up here, and of addresses in URLs. */
static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        rig g;
        rp_client_options client = {.on_address = not_there};
        fetch f = {0}, literal = {0}, name = {0};
        rig_begin_with(&g, schemes[i], "", NULL, 0, NULL, &client,
                       (rp_proxy_options){.refuse_unseen = true, .forward_http = i == 1});
        rp_request_options options = through(&g);
        scene_good(&g.s, &f, "/", &options, i == 1 ? 502 : 200);
        rp_request_options seven = options;
        seven.url = "http://127.0.0.1:7/";
        if (i == 1) { /* no tunnel: it is asked when it is sent */
            assert_false(fetch_start(&literal, &g.s.web, NULL, &seven));
            assert_int_equal(literal.error.status, RP_E_ADDRESS_REFUSED);
            rp_request_options target = options; /* which the rules would not see */
            target.url = scene_url(&g.s, "/");
            target.target = "http://127.0.0.1:7/";
            assert_false(fetch_start(&name, &g.s.web, NULL, &target));
            assert_int_equal(name.error.status, RP_E_BAD_OPTION);
        } else {
            fetch_bad(&literal, &g.s.web, NULL, &seven, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY);
            assert_non_null(strstr(literal.error.text, "seven"));
            seven.url = "http://localhost:7/";
            fetch_bad(&name, &g.s.web, NULL, &seven, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY);
            assert_non_null(strstr(name.error.text, i == 2 ? "seven" : "refuse_unseen"));
        }
        rig_end(&g);
    }
}

/* What a proxy, or its resolver, may read as an address, as inet_aton(3) does, and localhost. */
static void test_rules_of_odd_addresses(void **state)
{
    static const char *const hosts[] = {"127.1",       "2130706433", "0x7f000001", "0x7f.1",
                                        "127.0.0.0x1", "0177.0.0.1", "127.0.0.1.", "localhost",
                                        "x.localhost", "localhost."};
    static const char *const ways[] = {"http", "https", "socks5h"};
    (void)state;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        for (size_t k = 0; k < 3; k++) {
            rig g;
            char url[64];
            fetch f = {0};
            rp_client_options client = {.on_address = not_there};
            rig_begin_with(&g, ways[k], "", NULL, 0, NULL, &client,
                           (rp_proxy_options){.forward_http = k == 1});
            rp_request_options options = through(&g);
            (void)snprintf(url, sizeof(url), "http://%s:7/", hosts[i]);
            options.url = url;
            if (k == 1)
                assert_false(fetch_start(&f, &g.s.web, NULL, &options));
            else
                fetch_bad(&f, &g.s.web, NULL, &options, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY);
            assert_int_equal(f.error.status, RP_E_ADDRESS_REFUSED);
            assert_non_null(strstr(f.error.text, hosts[i]));
            assert_string_equal(g.r.asked, "");
            assert_string_equal(g.r.target, "");
            rig_end(&g);
        }
}

/* http URLs as requests for the whole of them. */
static void test_forward(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rig g;
        char want[600];
        static const char *const headers[] = {"X-Proxy: yes"};
        relay_options relaying = {.forwards = true, .user = "user"};
        rp_client_options client = {.user_agent = "", .http2_prior_knowledge = true};
        rig_begin_with(
            &g, schemes[i], SECRETS, &relaying, 0, NULL, &client,
            (rp_proxy_options){.forward_http = true, .headers = headers, .header_count = 1});
        rp_request_options options = through(&g);
        rp_header host = {"Host", "other.test"};
        options.headers = &host;
        options.header_count = 1;
        options.url = "http://origin.test:8080/a?b";
        for (unsigned k = 0; k < 2; k++) {
            fetch f = {0};
            assert_true(fetch_start(&f, &g.s.web, NULL, &options));
            fetch_wait(&f);
            if (f.error.status != RP_OK)
                fail_msg("%s", f.error.text);
            assert_string_equal(f.text, "forward");
            assert_int_equal(f.summary.reused, k > 0);
        }
        (void)snprintf(want, sizeof(want),
                       "GET http://origin.test:8080/a?b HTTP/1.1\r\nHost: other.test\r\n"
                       "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
                       "Accept: */*\r\nX-Proxy: yes\r\n\r\n");
        assert_string_equal(g.r.asked, want);
        assert_int_equal(g.r.tunnels, 0);
        rig_end(&g);
    }
}

/* What connect_to sends elsewhere the whole URL does not say: it takes a tunnel to there. */
static void test_forward_elsewhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rig g;
        fetch f = {0}, plain = {0};
        char rule[100];
        const char *rules[] = {rule};
        relay_options relaying = {.forwards = true};
        rp_sim_server_options serving = {.on_request = tell};
        rp_client_options client = {.connect_to = rules, .connect_to_count = i / 2};
        (void)snprintf(rule, sizeof(rule), "origin.test:8080:127.0.0.1:9");
        rig_begin_with(&g, schemes[i % 2], "", &relaying, 0, &serving, &client,
                       (rp_proxy_options){.forward_http = true});
        rp_request_options options = through(&g);
        options.url = "http://origin.test:8080/there";
        options.connect_to = rp_sim_server_address(g.s.server);
        fetch_good(&f, &g.s.web, NULL, &options, 200);
        assert_string_equal(f.text, "/there - -");
        assert_int_equal(g.r.tunnels, 1);
        assert_string_equal(g.r.target, rp_sim_server_address(g.s.server));
        options.connect_to = ":"; /* nowhere else, whatever the client's rules say */
        fetch_good(&plain, &g.s.web, NULL, &options, 200);
        assert_string_equal(plain.text, "forward");
        assert_int_equal(g.r.tunnels, 1);
        rig_end(&g);
    }
}

/* TLS with the proxy is verified by its own configuration. */
static void test_proxy_is_verified(void **state)
{
    rig g;
    fetch f = {0};
    rp_tls_options none = {.pinned_keys = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                           .ca_pem = rp_sim_ca_pem};
    rp_error error;
    (void)state;
    rig_begin(&g, "https", "", NULL, 13, NULL, NULL);
    rp_proxy_release(g.proxy);
    rp_tls_config_release(g.tls);
    if (rp_tls_config_create(&g.tls, &none, &error) != RP_OK)
        fail_msg("%s", error.text);
    g.proxy = proxy_make(&(rp_proxy_options){.url = relay_url(&g.r, "https", ""), .tls = g.tls});
    rp_request_options options = through(&g);
    scene_bad(&g.s, &f, "/", &options, RP_E_CERT_PIN_MISMATCH, RP_PHASE_HANDSHAKE, NULL);
    assert_true(f.error.of_proxy);
    assert_int_equal(g.r.tunnels, 0);
    rig_end(&g);
}

/* What it answered to CONNECT is told with the connection's requests: its status, and its heads if
 * they are kept. */
static void note_heads(fetch *f)
{
    const char *heads = f->summary.proxy_heads;
    (void)snprintf(f->user, 200, "%s", heads != NULL ? heads : "-");
}

static void answered(const char *scheme, bool keeps, bool refuses)
{
    static const char early[] = "HTTP/1.1 103 Early\r\nA: b\r\n\r\n";
    static const char stands[] = "HTTP/1.1 103 Early\r\nA: b\r\n\r\n"
                                 "HTTP/1.1 200 Established\r\nVia: 1.1 relay\r\nX: \r\n\r\n";
    static const char denies[] =
        "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic\r\nContent-Length: 12\r\n\r\n";
    rig g;
    relay_options relaying = {.before = early, .head_lines = "Via: 1.1 relay\r\nX:\r\n"};
    bool http = strncmp(scheme, "socks", 5) != 0;
    if (refuses)
        relaying.user = "user";
    rig_begin_with(&g, scheme, "", &relaying, 13, NULL, NULL,
                   (rp_proxy_options){.keep_answer = keeps});
    rp_request_options options = through(&g);
    for (unsigned i = 0; i < 2; i++) {
        char heads[200];
        fetch f = {.on_done = note_heads, .user = heads};
        options.url = scene_url(&g.s, "/");
        assert_true(fetch_start(&f, &g.s.web, NULL, &options));
        fetch_wait(&f);
        assert_int_equal(f.error.status, !refuses ? RP_OK
                                         : http   ? RP_E_PROXY_AUTH
                                                  : RP_E_PROXY_REFUSED);
        assert_int_equal(f.summary.reused, i > 0 && !refuses);
        assert_int_equal(f.summary.proxy_status, !http ? 0 : refuses ? 407 : 200);
        assert_string_equal(heads, !http || !keeps ? "-" : refuses ? denies : stands);
    }
    rig_end(&g);
}

static void test_answer_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        answered(schemes[i], true, false);
        answered(schemes[i], false, false);
    }
    answered("http", true, true);
    answered("https", true, true);
}

/* Through a tunnel it is the server's certificates that are told, not those of the proxy. */
static void note_certificate(fetch *f)
{
    if (f->summary.peer_certificate_count > 0)
        (void)snprintf(f->user, 80, "%s", f->summary.peer_certificates[0].subject);
}

static void test_certificates(void **state)
{
    (void)state;
    for (int version = 0; version <= 13; version += 13) {
        rig g;
        char subject[80] = "none";
        fetch f = {.on_done = note_certificate, .user = subject};
        rp_error error;
        rp_tls_config *tls = NULL;
        rp_tls_options keeping = {.ca_pem = rp_sim_ca_pem, .keep_peer_certificates = true};
        assert_int_equal(rp_tls_config_create(&tls, &keeping, &error), RP_OK);
        rig_begin(&g, "https", "", NULL, version, NULL, NULL);
        rp_client_set_tls(g.s.web.client, version != 0 ? tls : NULL);
        rp_proxy_release(g.proxy);
        g.proxy = proxy_make(&(rp_proxy_options){.url = relay_url(&g.r, "https", ""), .tls = tls});
        rp_request_options options = through(&g);
        scene_good(&g.s, &f, "/", &options, 200);
        assert_string_equal(subject, version != 0 ? "ringport simulated server" : "none");
        rp_tls_config_release(tls);
        rig_end(&g);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(test_tunnels),
        fixture_test(test_names),
        fixture_test(test_cut),
        fixture_test(test_large),
        fixture_test(test_http_answers),
        fixture_test(test_socks_answers),
        fixture_test(test_credentials_refused),
        fixture_test(test_version_of_socks),
        fixture_test(test_no_way),
        fixture_test(test_behind_the_answer),
        fixture_test(test_endings),
        fixture_test(test_proxy_goes),
        fixture_test(test_given_up),
        fixture_test(test_no_proxy),
        fixture_test(test_rules),
        fixture_test(test_rules_of_odd_addresses),
        fixture_test(test_forward),
        fixture_test(test_forward_elsewhere),
        fixture_test(test_proxy_is_verified),
        fixture_test(test_answer_is_told),
        fixture_test(test_certificates),
    };
    return fixture_run_simulated(tests, 3);
}
