/* test_h2_nginx.c - HTTP/2 against nginx: bodies both ways, connections of which it takes so many
 * requests, many at once on none yet, few streams, cancels, an answer before the upload's end, and
 * new workers under load. */
#include "support/feed.h"
#include "support/foreign.h"
#include "support/tls_pair.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static foreign nginx;

enum { LIMITED = 1, FEW = 2 }; /* ports */

static const char config[] =
    "daemon off; user root root; worker_processes 1; pid DIR/pid; error_log stderr notice;\n"
    "worker_rlimit_nofile 4096; events { worker_connections 2048; }\n"
    "http { root DIR/www; client_max_body_size 0; default_type text/plain;\n"
    "gzip on; gzip_types *; gzip_min_length 1; gzip_http_version 1.0;\n"
    "log_format one '$request_method $request_uri $status.'; access_log DIR/access one;\n"
    "client_body_temp_path DIR/body; proxy_temp_path DIR/1; fastcgi_temp_path DIR/2;\n"
    "uwsgi_temp_path DIR/3; scgi_temp_path DIR/4;\n"
    "ssl_certificate CERTS/server-ecdsa.pem; ssl_certificate_key CERTS/server-ecdsa.key;\n"
    "ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:1m; keepalive_requests 1000000;\n"
    "server { listen 127.0.0.1:PORT0 ssl http2; access_log off;\n"
    "  location /put { dav_methods PUT DELETE; create_full_put_path on; }\n"
    "  location /204 { return 204; } location /moved { return 301 /hello; }\n"
    "  location /small { client_max_body_size 1000; proxy_pass http://127.0.0.1:1; }\n"
    "  location /post { access_log DIR/access one; return 200 posted; } }\n"
    "server { listen 127.0.0.1:PORT1 ssl http2; access_log off; keepalive_requests 1000; }\n"
    "server { listen 127.0.0.1:PORT2 ssl http2; access_log off; http2_max_concurrent_streams 5; }\n"
    "}\n";

static void test_conversation(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch hello = {.header_name = "content-type"}, large = {.checked = true}, heads = {0},
          none = {0}, missing = {0}, moved = {.header_name = "location"};
    rp_request_options options = {.url = foreign_url(&nginx, "/hello")};
    fetch_good(&hello, &w, "/hello", &options, 200);
    assert_string_equal(hello.text, "hello\n");
    assert_string_equal(hello.header, "text/plain");
    assert_int_equal(hello.version, 20);
    assert_int_equal(hello.summary.version, 20);
    assert_int_equal(hello.announced, 6);
    options.url = foreign_url(&nginx, "/large");
    fetch_good(&large, &w, "/large", &options, 200);
    assert_int_equal(large.body_bytes, FOREIGN_LARGE);
    assert_int_equal(large.summary.stream, hello.summary.stream + 2);
    options.method = "HEAD";
    fetch_good(&heads, &w, "/large", &options, 200);
    assert_int_equal(heads.body_bytes, 0);
    options = (rp_request_options){.url = foreign_url(&nginx, "/204")};
    fetch_good(&none, &w, "/204", &options, 204);
    options.url = foreign_url(&nginx, "/missing");
    fetch_good(&missing, &w, "/missing", &options, 404);
    options.url = foreign_url(&nginx, "/moved");
    fetch_good(&moved, &w, "/moved", &options, 301);
    assert_string_equal(moved.header, foreign_url(&nginx, "/hello"));
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
    foreign_client_end(&w);
}

/* Compressed as it is read, over both versions; and HEAD, which says so of nothing. */
static void test_decompression(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        web w;
        rp_client_options client = {.versions = i == 0 ? RP_HTTP_1_1 : RP_HTTP_2};
        fetch large = {.checked = true}, head = {0}, small = {0};
        rp_request_options options = {.url = foreign_url(&nginx, "/large"), .decompress = true};
        foreign_client(&w, &client);
        fetch_good(&large, &w, NULL, &options, 200);
        assert_int_equal(large.body_bytes, FOREIGN_LARGE);
        assert_true(large.summary.decoded && large.summary.decoded_bytes == FOREIGN_LARGE);
        assert_int_not_equal(large.summary.body_bytes, FOREIGN_LARGE);
        options.method = "HEAD";
        fetch_good(&head, &w, NULL, &options, 200);
        assert_int_equal(head.body_bytes, 0);
        options = (rp_request_options){.url = foreign_url(&nginx, "/hello"), .decompress = true};
        fetch_good(&small, &w, NULL, &options, 200);
        assert_string_equal(small.text, "hello\n");
        assert_true(small.summary.decoded && small.summary.reused);
        foreign_client_end(&w);
    }
}

/* The same server, and the client's choice. */
static void test_versions(void **state)
{
    static const struct {
        rp_http_versions versions;
        int version;
    } cases[] = {{RP_HTTP_ANY, 20}, {RP_HTTP_1_1, 11}, {RP_HTTP_2, 20}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        web w;
        fetch f = {0};
        foreign_client(&w, &(rp_client_options){.versions = cases[i].versions});
        rp_request_options options = {.url = foreign_url(&nginx, "/hello")};
        fetch_good(&f, &w, "/hello", &options, 200);
        assert_int_equal(f.version, cases[i].version);
        foreign_client_end(&w);
    }
}

static void test_uploads(void **state)
{
    static const size_t sizes[] = {0, 1, 16384, 70000, FOREIGN_LARGE};
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    foreign_client(&w, NULL);
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        fetch put = {0}, back = {.checked = true}, gone = {0};
        rp_request_options options = {.url = foreign_url(&nginx, "/put/file"),
                                      .method = "PUT",
                                      .body = data,
                                      .body_size = sizes[k]};
        fetch_good(&put, &w, "/put/file", &options, 201);
        options = (rp_request_options){.url = options.url};
        fetch_good(&back, &w, "/put/file", &options, 200);
        assert_int_equal(back.body_bytes, sizes[k]);
        options.method = "DELETE";
        fetch_good(&gone, &w, "/put/file", &options, 204);
    }
    foreign_client_end(&w);
    free(data);
}

/* The server's limit of requests to a connection is crossed ten times. */
static void test_limit_crossed(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url_at(&nginx, LIMITED, "/hello?%u"), .total = 10000, .at_once = 64};
    crowd_good(&c, &w);
    assert_in_range(rp_loop_stats_get(w.loop)->connections_opened, 10, 40);
    foreign_client_end(&w);
}

/* All at once, and nobody knows yet what the server speaks. */
static void test_cold(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&nginx, "/hello?%u"), .total = 500, .at_once = 500};
    crowd_good(&c, &w);
    assert_in_range(rp_loop_stats_get(w.loop)->connections_opened, 1, 8);
    foreign_client_end(&w);
}

static void test_few_streams(void **state)
{
    static const bool one[] = {true, false};
    (void)state;
    for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
        web w;
        foreign_client(&w, &(rp_client_options){.http2_one_connection = one[i]});
        crowd c = {.url = foreign_url_at(&nginx, FEW, "/hello?%u"), .total = 600, .at_once = 60};
        crowd_good(&c, &w);
        if (one[i])
            assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
        else
            assert_in_range(rp_loop_stats_get(w.loop)->connections_opened, 2, 60);
        foreign_client_end(&w);
    }
}

/* Nine of ten give up; the tenth has to come whole, and what they left has to be paid back. */
static void cancel_storm(unsigned at, const char *path)
{
    web w;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&nginx, path),
               .total = 600,
               .at_once = 60,
               .checked = true,
               .cancel_every = 10,
               .cancel_from = 1,
               .cancel_at = at};
    fetch last = {.checked = true};
    crowd_good(&c, &w);
    rp_request_options options = {.url = foreign_url(&nginx, "/large")};
    fetch_good(&last, &w, "/large", &options, 200);
    assert_int_equal(last.body_bytes, FOREIGN_LARGE);
    foreign_client_end(&w);
}

static void test_cancels(void **state)
{
    (void)state;
    cancel_storm(0, "/middle?%u");
    cancel_storm(1, "/middle?%u");
    cancel_storm(2, "/middle?%u");
}

/* The answer comes before the upload's end, and a reset that says that there is no error. */
static void test_early_answer(void **state)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    foreign_client(&w, NULL);
    for (int k = 0; k < 3; k++) {
        fetch f = {0}, next = {0};
        rp_request_options options = {
            .url = foreign_url(&nginx, "/small"), .body = data, .body_size = FOREIGN_LARGE};
        fetch_good(&f, &w, "/small", &options, 413);
        options = (rp_request_options){.url = foreign_url(&nginx, "/hello")};
        fetch_good(&next, &w, "/hello", &options, 200);
    }
    foreign_client_end(&w);
    free(data);
}

/* Bodies that are given piece by piece, with their length or without, by each version: they arrive,
 * and what is refused is not given to its end. */
static void test_given(void **state)
{
    static const rp_http_versions versions[] = {RP_HTTP_1_1, RP_HTTP_2};
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        rp_client_options client = {.versions = versions[i / 2]};
        bool known = i % 2 == 0;
        web w;
        foreign_client(&w, &client);
        feed put = {.data = data, .size = FOREIGN_LARGE}, refused = put;
        fetch back = {.checked = true}, gone = {0};
        rp_request_options options = {.url = foreign_url(&nginx, "/put/given"), .method = "PUT"};
        feed_good(&put, &w, &options, known, 201);
        assert_int_equal(put.f.summary.body_bytes_sent, FOREIGN_LARGE);
        fetch_good(&back, &w, "/put/given",
                   &(rp_request_options){.url = foreign_url(&nginx, "/put/given")}, 200);
        assert_int_equal(back.body_bytes, FOREIGN_LARGE);
        options.method = "DELETE";
        fetch_good(&gone, &w, "/put/given", &options, 204);
        assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
        options = (rp_request_options){.url = foreign_url(&nginx, "/small"), .method = "PUT"};
        feed_good(&refused, &w, &options, known, 413);
        if (versions[i / 2] == RP_HTTP_2) /* HTTP/1.1 has no windows but the system's */
            assert_true(refused.given < FOREIGN_LARGE);
        foreign_client_end(&w);
    }
    free(data);
}

/* ---- new workers ---- */

/* Twice: in the middle of what is to be done. */
static void reload(crowd *c)
{
    if (c->done == c->total / 3 || c->done == 2 * c->total / 3)
        foreign_signal(&nginx, SIGHUP);
}

/* Each POST that was answered was executed once, and no other more than once. */
static void test_reload(void **state)
{
    static unsigned round;
    char url[32], line[64];
    web w;
    (void)state;
    round++;
    (void)snprintf(url, sizeof(url), "/post?%s%u.%%u", fixture_backend(), round);
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&nginx, url),
               .request = {.body = "a body", .body_size = 6},
               .total = 6000,
               .at_once = 50,
               .on_done = reload};
    crowd_run(&c, &w);
    if (c.failed > 0)
        fail_msg("%u failed: %s", c.failed, c.error.text);
    assert_true(rp_loop_stats_get(w.loop)->connections_opened >= 2);
    foreign_client_end(&w);
    for (unsigned i = 0; i < 100 && foreign_count(&nginx, "access", "POST") < c.total * round; i++)
        fixture_sleep_ms(20);
    (void)snprintf(line, sizeof(line), "POST /post?%s%u.", fixture_backend(), round);
    assert_int_equal(foreign_count(&nginx, "access", line), c.total);
    crowd_end(&c);
    /* The old workers take connections until they are gone, and leave them by GOAWAY. */
    for (unsigned i = 0; i < 250 && foreign_count(&nginx, "log", "exited with code 0") < 2 * round;
         i++)
        fixture_sleep_ms(20);
}

/* ---- the command line tool ---- */

/* Runs it as a user would; gives what it said, "exit" and its exit code at last. */
static const char *tool(process *p, const char *words, const char *url)
{
    char line[1024];
    (void)snprintf(line, sizeof(line), "%s %s --backend %s --cacert %s '%s'; echo \"exit $?\"",
                   RP_TEST_TOOL, words, fixture_backend(), tls_cert("ca.pem"), url);
    const char *const shell[] = {"sh", "-c", line, NULL};
    process_start(p, shell, NULL, NULL);
    if (!process_says(p, "exit ") || !process_says(p, "\n"))
        fail_msg("%s: %s", line, p->text);
    process_stop(p);
    return p->text;
}

static void expect(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" is not in: %s", what, text);
}

static void test_tool_get(void **state)
{
    const char *url = foreign_url(&nginx, "/hello");
    process p;
    (void)state;
    const char *text = tool(&p, "get -v -H 'X-One: 1' -w '%{http_version}.'", url);
    expect(text, "\n* HTTP/2, stream 1\n");
    expect(text, "\n> GET /hello HTTP/2\n> host: localhost:");
    expect(text, "\n> x-one: 1\n>\n< HTTP/2 200 \n");
    expect(text, "hello\n");
    expect(text, "2.exit 0\n");
    expect(tool(&p, "get -sI --http2", url), "HTTP/2 200 \r\n");
    text = tool(&p, "get -v --http1.1 -w '%{http_version}.'", url);
    expect(text, "\n> GET /hello HTTP/1.1\n> Host: localhost:");
    expect(text, "\n< HTTP/1.1 200 OK\n");
    expect(text, "1.1.exit 0\n");
    expect(tool(&p, "get -sw '%{json}'", url), "\"stream\":1,");
    expect(tool(&p, "get --http1.1 -sw '%{json}'", url), "\"stream\":null,");
}

/* Streams are not connections; and with one stream each there are as many connections. */
static void test_tool_load(void **state)
{
    const char *url = foreign_url(&nginx, "/hello");
    process p;
    (void)state;
    const char *text = tool(&p, "load -c 3 -m 20 -n 3000", url);
    expect(text, ": 3 connections of 20 streams, 1 thread, ");
    expect(text, "\n3000 ok, 0 with a status other than 2xx, 0 failed");
    expect(text, "\nresponses        0 by HTTP/1.1, 3000 by HTTP/2\n");
    expect(text, " 0 spurious wake-ups, 0 idle TLS calls");
    expect(text, "\nexit 0\n");
    text = tool(&p, "load -c 1 -m 20 -n 500", url);
    expect(text, "\nconnections      1 opened, 499 requests on reused ones\n");
    text = tool(&p, "load -c 5 -n 500 --http1.1", url);
    expect(text, "500 by HTTP/1.1, 0 by HTTP/2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_conversation),  fixture_test(test_versions),
        fixture_test(test_uploads),       fixture_test(test_limit_crossed),
        fixture_test(test_cold),          fixture_test(test_few_streams),
        fixture_test(test_cancels),       fixture_test(test_early_answer),
        fixture_test(test_given),         fixture_test(test_reload),
        fixture_test(test_decompression), fixture_test(test_tool_get),
        fixture_test(test_tool_load),
    };
    foreign_begin(&nginx);
    foreign_write(&nginx, "conf", config);
    foreign_start(&nginx, "nginx -e stderr -p DIR -c DIR/conf");
    int failed = fixture_run(tests);
    if (failed > 0)
        foreign_show_log(&nginx);
    foreign_end(&nginx);
    return failed;
}
