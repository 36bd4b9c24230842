/* test_h2_node.c - HTTP/2 against Node.js: an echo both ways at once, interim answers and trailers,
 * answers before the upload's end, requests that it refuses or resets, GOAWAY under load, and more
 * cancels than it allows. */
#include "support/feed.h"
#include "support/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static foreign node;

/* A file that it pipes it sometimes ends by a reset (NO_ERROR) without END_STREAM, which is no end
 * of an answer (RFC 9113, 8.1). */
static const char program[] =
    "const h2 = require('http2'), fs = require('fs'), z = require('zlib'), seen = {};\n"
    "const k = h2.constants;\n"
    "const text = (s, t, more) => { s.respond({':status': 200, ...more}); s.end(t); };\n"
    "const large = fs.readFileSync('DIR/www/large');\n"
    "const after = (s, f) => { s.resume(); s.on('end', f); };\n"
    "const fast = {params: {[z.constants.BROTLI_PARAM_QUALITY]: 4}};\n"
    "const codings = {br: () => z.createBrotliCompress(fast), gzip: () => z.createGzip(),\n"
    "  deflate: () => z.createDeflate(), raw: () => z.createDeflateRaw()};\n"
    "const fields = n => ({'content-encoding': n == 'raw' ? 'deflate' : n});\n"
    "const coded = (n, out) => {\n" /* piece by piece, each flushed */
    "  const c = codings[n]();\n"
    "  let at = 0, size = 1;\n"
    "  const more = () => {\n"
    "    if (at >= middle.length) return c.end();\n"
    "    c.write(middle.subarray(at, at + size), () => c.flush(more));\n"
    "    at += size; size = size * 3 % 50000 + 1; };\n"
    "  c.on('data', d => out.write(d)); c.on('end', () => out.end()); more(); };\n"
    "const middle = large.subarray(0, 262144);\n"
    "const pages = {\n"
    "  hello: s => text(s, 'hello\\n'),\n"
    "  echo: s => { s.respond({':status': 200}); s.pipe(s); },\n"
    "  early: s => text(s, 'early\\n'),\n"
    "  toomuch: s => { s.respond({':status': 413}); s.end('early\\n'); },\n"
    "  interim: s => { s.additionalHeaders({':status': 103, 'link': '</a>'}); text(s, 'x'); },\n"
    "  trailers: s => { s.respond({':status': 200}, {waitForTrailers: true});\n"
    "    s.on('wantTrailers', () => s.sendTrailers({'x-sum': '1'})); s.end('body\\n'); },\n"
    "  coded: (s, n, name) => { s.respond({':status': 200, ...fields(name)},\n"
    "      {waitForTrailers: true});\n"
    "    s.on('wantTrailers', () => s.sendTrailers({'x-sum': '1'})); coded(name, s); },\n"
    "  refuse: (s, n) => n == 1 ? s.close(k.NGHTTP2_REFUSED_STREAM)\n"
    "                           : after(s, () => text(s, 'late\\n')),\n"
    "  reset: s => s.close(k.NGHTTP2_INTERNAL_ERROR),\n"
    "  post: s => after(s, () => text(s, 'posted\\n')),\n"
    "  away: s => after(s, () => {\n" /* not sooner: version 18 forgets the answer */
    "    s.on('finish', () => s.session.close()); text(s, 'posted\\n'); }),\n"
    "  slow: s => setTimeout(() => s.destroyed || text(s, 'slow\\n'), 20),\n"
    "  large: s => text(s, large),\n"
    "  twice: s => text(s, Object.keys(seen).filter(p => p.startsWith('/post/') &&\n"
    "    seen[p] != 1).length + ' of ' + Object.keys(seen).length + '\\n'),\n"
    "};\n"
    "const server = h2.createSecureServer({\n"
    "  cert: fs.readFileSync('CERTS/server-ecdsa.pem'),\n"
    "  key: fs.readFileSync('CERTS/server-ecdsa.key'),\n"
    "  allowHTTP1: true, settings: {maxConcurrentStreams: 100}});\n"
    "server.on('sessionError', e => console.log('session: ' + e.message));\n"
    "server.on('stream', (s, h) => {\n"
    "  s.on('error', () => {});\n"
    "  const path = h[':path'];\n"
    "  seen[path] = (seen[path] || 0) + 1;\n"
    "  pages[path.split('/')[1]](s, seen[path], path.split('/')[2]);\n"
    "});\n"
    "server.removeAllListeners('newListener');\n" /* or it sends trailers of its own */
    "server.on('request', (q, r) => {\n"
    "  const name = q.url.split('/')[2];\n"
    "  if (q.httpVersionMajor == 1 && codings[name]) {\n"
    "    r.writeHead(200, {...fields(name), Trailer: 'x-sum'});\n"
    "    r.addTrailers({'x-sum': '1'}); coded(name, r);\n"
    "  } else if (q.httpVersionMajor == 1) q.pipe(r);\n"
    "});\n"
    "server.listen(PORT0, '127.0.0.1');\n";

static void get(web *w, fetch *f, const char *path)
{
    rp_request_options options = {.url = foreign_url(&node, path)};
    fetch_good(f, w, path, &options, 200);
    assert_int_equal(f->version, 20);
}

static void test_conversation(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch hello = {0}, interim = {0}, trailers = {0}, large = {.checked = true};
    get(&w, &hello, "/hello");
    assert_string_equal(hello.text, "hello\n");
    get(&w, &interim, "/interim");
    assert_int_equal(interim.informational, 1);
    get(&w, &trailers, "/trailers");
    assert_string_equal(trailers.text, "body\n");
    get(&w, &large, "/large");
    assert_int_equal(large.body_bytes, FOREIGN_LARGE);
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
    foreign_client_end(&w);
}

static unsigned sums; /* of trailers, behind the whole body */

static void sum_came(rp_request *request, const rp_header *trailers, size_t count, void *user)
{
    const fetch *f = user;
    (void)request;
    assert_int_equal(f->body_bytes, FOREIGN_MIDDLE);
    assert_int_equal(count, 1);
    assert_string_equal(trailers[0].name, "x-sum");
    sums++;
}

/* As Node's zlib and brotli have it, in blocks of every size, with trailers, by each version. */
static void test_codings(void **state)
{
    static const char *const paths[] = {"/coded/br", "/coded/gzip", "/coded/deflate", "/coded/raw"};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        rp_client_options client = {.versions = i % 2 == 0 ? RP_HTTP_1_1 : RP_HTTP_2};
        rp_request_options options = {.decompress = true, .on_trailers = sum_came};
        fetch f = {.checked = true}, next = {0};
        web w;
        foreign_client(&w, &client);
        sums = 0;
        options.url = foreign_url(&node, paths[i / 2]);
        fetch_good(&f, &w, NULL, &options, 200);
        assert_int_equal(f.summary.decoded_bytes, FOREIGN_MIDDLE);
        assert_true(f.summary.decoded && sums == 1);
        fetch_good(&next, &w, NULL, &options, 200);
        assert_true(next.summary.reused);
        foreign_client_end(&w);
    }
}

/* The answer begins with the request, and ends behind its end. */
static void test_echo(void **state)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch echo = {.checked = true}, next = {0};
    rp_request_options options = {
        .url = foreign_url(&node, "/echo"), .body = data, .body_size = FOREIGN_LARGE};
    fetch_good(&echo, &w, "/echo", &options, 200);
    assert_int_equal(echo.body_bytes, FOREIGN_LARGE);
    get(&w, &next, "/hello");
    assert_true(next.summary.reused);
    foreign_client_end(&w);
    free(data);
}

/* Likewise of bodies that are given piece by piece, with their length or without, by each version;
 * and what HTTP/2 refuses is not given to its end. */
static void test_given(void **state)
{
    static const rp_http_versions versions[] = {RP_HTTP_1_1, RP_HTTP_2};
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rp_client_options client = {.versions = versions[i / 2]};
        web w;
        foreign_client(&w, &client);
        feed echo = {.f.checked = true, .data = data, .size = FOREIGN_LARGE}, refused = echo;
        rp_request_options options = {.url = foreign_url(&node, "/echo"), .method = "PUT"};
        feed_good(&echo, &w, &options, i % 2 == 0, 200);
        assert_int_equal(echo.f.body_bytes, FOREIGN_LARGE);
        options.url = foreign_url(&node, "/toomuch");
        refused.f.checked = false;
        if (versions[i / 2] == RP_HTTP_2) {
            feed_good(&refused, &w, &options, i % 2 == 0, 413);
            assert_string_equal(refused.f.text, "early\n");
            assert_true(refused.given < FOREIGN_LARGE);
        }
        foreign_client_end(&w);
    }
    free(data);
}

static void test_early_answer(void **state)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    foreign_client(&w, NULL);
    for (int k = 0; k < 3; k++) {
        fetch f = {0}, next = {0};
        rp_request_options options = {
            .url = foreign_url(&node, "/early"), .body = data, .body_size = FOREIGN_LARGE};
        fetch_good(&f, &w, "/early", &options, 200);
        assert_string_equal(f.text, "early\n");
        get(&w, &next, "/hello");
    }
    foreign_client_end(&w);
    free(data);
}

/* Each is refused once, and sent again, for nothing was done with it. */
static void test_refused(void **state)
{
    char url[64];
    web w;
    (void)state;
    foreign_client(&w, NULL);
    (void)snprintf(url, sizeof(url), "/refuse/%s/%%u", fixture_backend());
    crowd c = {.url = foreign_url(&node, url),
               .request = {.body = "a body", .body_size = 6},
               .total = 20,
               .at_once = 5};
    crowd_good(&c, &w);
    assert_int_equal(c.most_attempts, 2);
    foreign_client_end(&w);
}

static void test_reset(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch f = {0}, next = {0};
    rp_request_options options = {.url = foreign_url(&node, "/reset"), .body = "x", .body_size = 1};
    fetch_bad(&f, &w, "/reset", &options, RP_E_H2_RESET, RP_PHASE_HEAD);
    assert_int_equal(f.error.h2_code, 2);
    assert_false(f.error.replay_safe);
    get(&w, &next, "/hello");
    assert_true(next.summary.reused);
    foreign_client_end(&w);
}

/* Every hundredth answer is the last of its connection: POSTs are executed once, and none fails. */
static void test_goaway(void **state)
{
    char url[64], closing[64];
    web w;
    (void)state;
    foreign_client(&w, NULL);
    (void)snprintf(url, sizeof(url), "/post/%s/%%u", fixture_backend());
    (void)snprintf(closing, sizeof(closing), "/away/%s/%%u", fixture_backend());
    crowd c = {.url = foreign_url(&node, url),
               .request = {.body = "a body", .body_size = 6},
               .total = 1500,
               .at_once = 60};
    crowd away = {
        .url = foreign_url(&node, closing), .request = c.request, .total = 15, .at_once = 1};
    crowd_begin(&c, &w);
    while (c.done < c.total) {
        if (away.members == NULL)
            crowd_begin(&away, &w);
        (void)rp_loop_turn(w.loop, 1000);
    }
    crowd_good(&away, &w);
    crowd_good(&c, &w);
    assert_true(rp_loop_stats_get(w.loop)->connections_opened >= 2);
    fetch twice = {0};
    get(&w, &twice, "/twice");
    assert_memory_equal(twice.text, "0 of ", 5);
    foreign_client_end(&w);
}

/* Node.js ends a connection after 1,000 resets, and 33 a second. (Where bodies are on their way, it
 * crashes now and then: not here.) */
static void test_cancels(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&node, "/slow/%u"),
               .total = 2500,
               .at_once = 50,
               .cancel_every = 10,
               .cancel_from = 1};
    crowd_good(&c, &w);
    foreign_client_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_conversation), fixture_test(test_codings),
        fixture_test(test_echo),         fixture_test(test_given),
        fixture_test(test_early_answer), fixture_test(test_refused),
        fixture_test(test_reset),        fixture_test(test_goaway),
        fixture_test(test_cancels),
    };
    foreign_begin(&node);
    foreign_write(&node, "program.js", program);
    foreign_start(&node, "node DIR/program.js");
    int failed = fixture_run(tests);
    if (failed > 0)
        foreign_show_log(&node);
    foreign_end(&node);
    return failed;
}
