/* test_h2_proxies.c - HTTP/2 against what stands in front of other servers: HAProxy, h2o, nghttpx.
 * Each passes requests on, by HTTP/1.1, to one of Node.js. */
#include "support/foreign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static foreign backend, front;

static const char program[] =
    "const seen = {};\n"
    "require('http').createServer({keepAliveTimeout: 60000}, (q, a) => {\n"
    "  const path = q.url.split('/')[1];\n"
    "  q.on('error', () => {}); a.on('error', () => {});\n"
    "  seen[q.url] = (seen[q.url] || 0) + 1;\n"
    "  if (path == 'echo') { a.writeHead(200); q.pipe(a); return; }\n"
    "  if (path == 'large' || path == 'middle') {\n"
    "    require('fs').createReadStream('DIR/www/' + path).pipe(a); return; }\n"
    "  q.resume();\n"
    "  q.on('end', () => a.end(path == 'twice' ? Object.keys(seen).filter(\n"
    "    p => p.startsWith('/post/') && seen[p] != 1).length + ' of ' : 'hello\\n'));\n"
    "}).listen(PORT0, '127.0.0.1');\n";

/* The words stand for the front's own, %u for the backend's port. */
typedef struct kind {
    const char *name, *config, *command;
    int renew;        /* the signal that has it start anew, 0: none */
    uint64_t ping_ms; /* such a silence after cancels is met with a PING */
} kind;

static const kind kinds[] = {
    {"haproxy",
     "global\n maxconn 1000\n hard-stop-after 1s\n stats socket DIR/socket expose-fd listeners\n"
     "defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
     "frontend f\n bind 127.0.0.1:PORT0 ssl crt DIR/both.pem alpn h2,http/1.1\n"
     " default_backend b\n"
     "backend b\n http-reuse always\n server s 127.0.0.1:%u\n",
     "sh -c 'cat CERTS/server-ecdsa.pem CERTS/server-ecdsa.key >DIR/both.pem; "
     "exec haproxy -W -db -f DIR/conf'",
     SIGUSR2, 500},
    {"h2o",
     "listen:\n  host: 127.0.0.1\n  port: PORT0\n  ssl:\n"
     "    certificate-file: CERTS/server-ecdsa.pem\n    key-file: CERTS/server-ecdsa.key\n"
     "num-threads: 1\ntemp-buffer-path: DIR\nhosts:\n  default:\n    paths:\n      /:\n"
     "        proxy.reverse.url: http://127.0.0.1:%u/\n",
     "h2o -c DIR/conf", 0, RP_NEVER_MS},
    {"nghttpx",
     "frontend=127.0.0.1,PORT0\nbackend=127.0.0.1,%u\nerrorlog-file=/dev/stderr\n"
     "private-key-file=CERTS/server-ecdsa.key\ncertificate-file=CERTS/server-ecdsa.pem\n"
     "workers=1\n",
     "nghttpx --conf=DIR/conf", 0, RP_NEVER_MS},
};

static void get(web *w, fetch *f, const char *path)
{
    rp_request_options options = {.url = foreign_url(&front, path)};
    fetch_good(f, w, path, &options, 200);
    assert_int_equal(f->version, 20);
}

static void converse(void)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    fetch hello = {0}, large = {.checked = true}, echo = {.checked = true};
    foreign_client(&w, NULL);
    get(&w, &hello, "/hello");
    assert_string_equal(hello.text, "hello\n");
    get(&w, &large, "/large");
    assert_int_equal(large.body_bytes, FOREIGN_LARGE);
    rp_request_options options = {
        .url = foreign_url(&front, "/echo"), .body = data, .body_size = FOREIGN_LARGE};
    fetch_good(&echo, &w, "/echo", &options, 200);
    assert_int_equal(echo.body_bytes, FOREIGN_LARGE);
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
    foreign_client_end(&w);
    free(data);
}

static void many(void)
{
    web w;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&front, "/hello/%u"), .total = 1500, .at_once = 250};
    crowd_good(&c, &w);
    foreign_client_end(&w);
}

/* A stream that stands still waits for ever, as no PING helps it on. Not so with HAProxy 2.6, which
 * now and then forgets all streams of a connection after resets, until something comes: by its
 * "show fd" all of them want to send (send_cnt), none waits for a window (fctl_cnt), its output is
 * empty (mbuf), and it waits for input only (sub). Other clients see it as well, with windows of
 * 2 GiB. */
static void cancels(uint64_t ping_ms)
{
    rp_client_options options = {.http2_ping_idle_ms = ping_ms};
    for (unsigned at = 0; at < 3; at++) {
        web w;
        foreign_client(&w, &options);
        crowd c = {.url = foreign_url(&front, "/middle/%u"),
                   .total = 200,
                   .at_once = 20,
                   .checked = true,
                   .cancel_every = 10,
                   .cancel_from = 1,
                   .cancel_at = at};
        crowd_good(&c, &w);
        foreign_client_end(&w);
    }
}

static void renew(crowd *c)
{
    if (c->done == c->total / 3)
        foreign_signal(&front, *(const int *)c->user);
}

/* New processes under load: POSTs are executed once, and none fails. */
static void restart(int number)
{
    char path[64];
    web w;
    fetch twice = {0};
    foreign_client(&w, NULL);
    (void)snprintf(path, sizeof(path), "/post/%s/%%u", fixture_backend());
    crowd c = {.url = foreign_url(&front, path),
               .request = {.body = "a body", .body_size = 6},
               .total = 1500,
               .at_once = 40,
               .on_done = renew,
               .user = &number};
    crowd_good(&c, &w);
    assert_true(rp_loop_stats_get(w.loop)->connections_opened >= 2);
    get(&w, &twice, "/twice");
    assert_string_equal(twice.text, "0 of ");
    foreign_client_end(&w);
}

static void all(const kind *k)
{
    char config[2048];
    (void)snprintf(config, sizeof(config), "%.*s%u%s", (int)(strstr(k->config, "%u") - k->config),
                   k->config, backend.ports[0], strstr(k->config, "%u") + 2);
    foreign_write(&front, "conf", config);
    foreign_start(&front, k->command);
    converse();
    many();
    cancels(k->ping_ms);
    if (k->renew != 0)
        restart(k->renew);
    foreign_stop(&front);
}

static void test_haproxy(void **state)
{
    (void)state;
    all(&kinds[0]);
}

static void test_h2o(void **state)
{
    (void)state;
    if (!foreign_installed("h2o"))
        skip(); /* Debian 13 has none */
    all(&kinds[1]);
}

static void test_nghttpx(void **state)
{
    (void)state;
    all(&kinds[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_haproxy),
        fixture_test(test_h2o),
        fixture_test(test_nghttpx),
    };
    foreign_begin(&backend);
    foreign_begin(&front);
    foreign_write(&backend, "program.js", program);
    foreign_start(&backend, "node DIR/program.js");
    int failed = fixture_run(tests);
    if (failed > 0)
        foreign_show_log(&front);
    foreign_end(&front);
    foreign_end(&backend);
    return failed;
}
