/* test_h2_apache.c - HTTP/2 against Apache's mod_http2: an echo both ways at once, answers that say
 * that the request came to the wrong connection (421), cancels that it counts, and a graceful
 * restart under load. */
#include "support/foreign.h"
#include "support/producer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static foreign apache;

/* Two hosts that are not equal in TLS: what was agreed for one is not good for the other. */
#define MODULES "/usr/lib/apache2/modules"
static const char config[] =
    "ServerRoot DIR\nServerName localhost\nPidFile DIR/pid\nErrorLog DIR/log\nLogLevel warn\n"
    "Listen 127.0.0.1:PORT0\nDefaultRuntimeDir DIR\nMutex file:DIR\nUser www-data\nGroup www-data\n"
    "LoadModule mpm_event_module " MODULES "/mod_mpm_event.so\n"
    "LoadModule authz_core_module " MODULES "/mod_authz_core.so\n"
    "LoadModule mime_module " MODULES "/mod_mime.so\nTypesConfig /dev/null\n"
    "LoadModule alias_module " MODULES "/mod_alias.so\n"
    "LoadModule rewrite_module " MODULES "/mod_rewrite.so\n"
    "LoadModule cgid_module " MODULES "/mod_cgid.so\nScriptSock DIR/cgid\n"
    "LoadModule ssl_module " MODULES "/mod_ssl.so\nSSLSessionCache none\n"
    "LoadModule http2_module " MODULES "/mod_http2.so\nProtocols h2 http/1.1\n"
    "StartServers 1\nServerLimit 8\nThreadsPerChild 25\nMaxRequestWorkers 200\n"
    "LogFormat \"%m %U?%{X-Number}i %>s.\" one\nCustomLog DIR/access one\n"
    "DocumentRoot DIR/www\n<Directory DIR/www>\nRequire all granted\n</Directory>\n"
    "ScriptAlias /cgi/ DIR/cgi/\n<Directory DIR/cgi>\nRequire all granted\n</Directory>\n"
    "RewriteEngine on\n"
    "<VirtualHost *:PORT0>\nServerName localhost\nSSLEngine on\nSSLProtocol TLSv1.2 TLSv1.3\n"
    "SSLCertificateFile CERTS/server-ecdsa.pem\nSSLCertificateKeyFile CERTS/server-ecdsa.key\n"
    "RewriteEngine on\nRewriteRule ^/post - [R=204]\n</VirtualHost>\n"
    "<VirtualHost *:PORT0>\nServerName other.example.test\nSSLEngine on\nSSLProtocol TLSv1.2\n"
    "SSLCipherSuite ECDHE-RSA-AES256-GCM-SHA384\nSSLVerifyClient require\n"
    "SSLCACertificateFile CERTS/ca.pem\n"
    "SSLCertificateFile CERTS/server-rsa.pem\nSSLCertificateKeyFile CERTS/server-rsa.key\n"
    "</VirtualHost>\n";

static void test_conversation(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch hello = {0}, large = {.checked = true}, heads = {0}, missing = {0};
    rp_request_options options = {.url = foreign_url(&apache, "/hello")};
    fetch_good(&hello, &w, "/hello", &options, 200);
    assert_string_equal(hello.text, "hello\n");
    assert_int_equal(hello.version, 20);
    options.url = foreign_url(&apache, "/large");
    fetch_good(&large, &w, "/large", &options, 200);
    assert_int_equal(large.body_bytes, FOREIGN_LARGE);
    options.method = "HEAD";
    fetch_good(&heads, &w, "/large", &options, 200);
    options = (rp_request_options){.url = foreign_url(&apache, "/missing")};
    fetch_good(&missing, &w, "/missing", &options, 404);
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
    foreign_client_end(&w);
}

/* mod_cgid gives a script the whole body before it reads what the script says. */
static void test_echo(void **state)
{
    uint8_t *data = probe_pattern(FOREIGN_LARGE);
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch echo = {.checked = true};
    rp_request_options options = {
        .url = foreign_url(&apache, "/cgi/echo"), .body = data, .body_size = FOREIGN_LARGE};
    fetch_good(&echo, &w, "/cgi/echo", &options, 200);
    assert_int_equal(echo.version, 20);
    assert_int_equal(echo.body_bytes, FOREIGN_LARGE);
    foreign_client_end(&w);
    free(data);
}

/* Piece by piece, of a length that is announced or not, with Expect or not: over HTTP/1.1 Apache
 * says 100 Continue as soon as the script reads. */
static void test_produced(void **state)
{
    (void)state;
    upload_data = probe_pattern(LARGE);
    for (unsigned i = 0; i < 8; i++) {
        web w;
        bool http2 = i / 4 == 1, known = i % 2 == 0, expects = i / 2 % 2 == 0;
        rp_client_options client = {.versions = http2 ? RP_HTTP_2 : RP_HTTP_1_1};
        producer p = {.f.checked = true, .total = LARGE, .piece = 7000};
        rp_request_options options = {.url = foreign_url(&apache, "/cgi/echo"),
                                      .on_body_wanted = producer_wanted,
                                      .body_size = known ? LARGE : 0,
                                      .expect_continue = expects,
                                      .expect_timeout_ms = http2 ? 0 : RP_NEVER_MS};
        foreign_client(&w, &client);
        fetch_good(&p.f, &w, NULL, &options, 200);
        assert_int_equal(p.f.version, http2 ? 20 : 11);
        assert_int_equal(p.f.body_bytes, LARGE);
        assert_int_equal(p.f.summary.body_bytes_sent, LARGE);
        assert_int_equal(p.end, RP_OK);
        fetch after = {0};
        options = (rp_request_options){.url = foreign_url(&apache, "/hello")};
        fetch_good(&after, &w, NULL, &options, 200);
        assert_true(after.summary.reused);
        foreign_client_end(&w);
    }
    free(upload_data);
}

/* 421: once more, on another connection, whatever the method (RFC 9110, 15.5.20). Then it is the
 * answer. */
static void test_misdirected(void **state)
{
    rp_header host = {"Host", "other.example.test"};
    web w;
    (void)state;
    foreign_client(&w, NULL);
    fetch known = {0}, f = {0}, next = {0};
    rp_request_options options = {.url = foreign_url(&apache, "/hello")};
    fetch_good(&known, &w, "/hello", &options, 200);
    options.headers = &host;
    options.header_count = 1;
    options.body = "body";
    options.body_size = 4;
    fetch_good(&f, &w, "/hello", &options, 421);
    assert_int_equal(f.summary.attempts, 2);
    assert_int_equal(f.dones, 1);
    assert_true(rp_loop_stats_get(w.loop)->connections_opened >= 2);
    options = (rp_request_options){.url = foreign_url(&apache, "/hello")};
    fetch_good(&next, &w, "/hello", &options, 200);
    foreign_client_end(&w);
}

static void test_many(void **state)
{
    web w;
    (void)state;
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&apache, "/hello?%u"), .total = 3000, .at_once = 300};
    crowd_good(&c, &w);
    assert_in_range(rp_loop_stats_get(w.loop)->connections_opened, 1, 30);
    foreign_client_end(&w);
}

/* What Apache leaves undone of what it took is lost, and may be no more than one connection's: a
 * request that may have been acted upon is not for us to send again. All else must be good. */
static void check_lost(const crowd *c)
{
    if (c->failed > c->at_once)
        fail_msg("%u of %u failed: %s", c->failed, c->total, c->error.text);
    if (c->failed > 0 && c->error.status != RP_E_CLOSED_EARLY && c->error.status != RP_E_H2_RESET &&
        c->error.status != RP_E_BODY_TRUNCATED && c->error.status != RP_E_STALE_CONNECTION)
        fail_msg("%s", c->error.text);
    if (c->failed > 0)
        print_message("left undone by Apache: %u of %u (%s)\n", c->failed, c->total, c->error.text);
}

/* mod_http2 ends connections whose client resets much, now and then amidst answers. */
static void test_cancels(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 3; at++) {
        web w;
        foreign_client(&w, NULL);
        crowd c = {.url = foreign_url(&apache, "/middle?%u"),
                   .total = 300,
                   .at_once = 30,
                   .checked = true,
                   .cancel_every = 10,
                   .cancel_from = 1,
                   .cancel_at = at};
        crowd_run(&c, &w);
        check_lost(&c);
        crowd_end(&c);
        foreign_client_end(&w);
    }
}

static void restart(crowd *c)
{
    if (c->done == c->total / 3)
        foreign_signal(&apache, SIGUSR1);
}

/* Each POST that was answered was executed once, and no other more than once. In one of some ten
 * restarts Apache 2.4 announces the end for streams to come (GOAWAY with 2^31-1), takes requests,
 * and then ends with GOAWAY and an inner code of nghttp2's, -902, or with none, over streams that
 * it took and did not answer. */
static void test_restart(void **state)
{
    static unsigned round;
    char number[32], line[64];
    web w;
    (void)state;
    (void)snprintf(number, sizeof(number), "%s%u", fixture_backend(), round++);
    rp_header header = {"X-Number", number};
    foreign_client(&w, NULL);
    crowd c = {.url = foreign_url(&apache, "/post/%u"),
               .request = {.body = "a body", .body_size = 6, .headers = &header, .header_count = 1},
               .total = 1500,
               .at_once = 40,
               .on_done = restart};
    crowd_run(&c, &w);
    assert_true(rp_loop_stats_get(w.loop)->connections_opened >= 2);
    foreign_client_end(&w);
    fixture_sleep_ms(200); /* until the last is logged */
    for (unsigned i = 0; i < c.total; i++) {
        (void)snprintf(line, sizeof(line), "POST /post/%u?%s ", i, number);
        unsigned times = foreign_count(&apache, "access", line);
        if (c.outcomes[i] == CROWD_GOOD ? times != 1 : times > 1)
            fail_msg("request %u was executed %u times, outcome %u", i, times, c.outcomes[i]);
    }
    check_lost(&c);
    crowd_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_conversation), fixture_test(test_echo), fixture_test(test_misdirected),
        fixture_test(test_produced),     fixture_test(test_many), fixture_test(test_cancels),
        fixture_test(test_restart),
    };
    foreign_begin(&apache);
    foreign_write(&apache, "conf", config);
    foreign_write(&apache, "cgi/echo",
                  "#!/bin/sh\nbody=$(mktemp)\ncat >$body\n"
                  "printf 'Content-Type: a/b\\n\\n'\ncat $body\nrm $body\n");
    foreign_start(&apache, "sh -c 'chmod 755 DIR DIR/cgi DIR/cgi/echo; exec apache2 -D FOREGROUND "
                           "-d DIR -f DIR/conf'");
    int failed = fixture_run(tests);
    if (failed > 0)
        foreign_show_log(&apache);
    foreign_end(&apache);
    return failed;
}
