/* test_nginx.c - the HTTP client against nginx: both versions of TLS, RSA and ECDSA chains, large
 * bodies both ways, connections that the server ends, certificates that must be refused; a thousand
 * connections at once; and the command line tool. */
#include "support/process.h"
#include "support/raw.h"
#include "support/tls_pair.h"
#include "tls/wolfssl.h"
#include "support/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMANDING                                                                                  \
    "ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate " RP_TEST_CERTS "/ca.pem;"
#define STAPLING "ssl_stapling on; ssl_stapling_file " RP_TEST_CERTS "/"

enum { LARGE = 16 * 1024 * 1024 };

/* ---- nginx ---- */

enum {
    ECDSA_12,
    ECDSA_13,
    RSA_12,
    RSA_13,
    P384_12,
    P384_13,
    P521_12,
    P521_13,
    ED25519_12,
    ED25519_13,
    PSS_12,
    PSS_13,
    STRICT_12, /* demand a certificate */
    STRICT_13,
    EXPIRED,
    WRONG_HOST,
    LEAF_ONLY,
    LIMITED,
    STAPLED_12,
    STAPLED_13,
    REVOKED_12,
    REVOKED_13,
    PLAIN,
    SERVERS
};

static const struct {
    const char *certificate, *protocol; /* NULL: plain */
    const char *more;
} servers[SERVERS] = {
    [ECDSA_12] = {"server-ecdsa", "TLSv1.2", ""},
    [ECDSA_13] = {"server-ecdsa", "TLSv1.3", ""},
    [RSA_12] = {"server-rsa", "TLSv1.2", ""},
    [RSA_13] = {"server-rsa", "TLSv1.3", ""},
    [P384_12] = {"server-p384", "TLSv1.2", ""},
    [P384_13] = {"server-p384", "TLSv1.3", ""},
    [P521_12] = {"server-p521", "TLSv1.2", ""},
    [P521_13] = {"server-p521", "TLSv1.3", ""},
    [ED25519_12] = {"server-ed25519", "TLSv1.2", ""},
    [ED25519_13] = {"server-ed25519", "TLSv1.3", ""},
    [PSS_12] = {"server-rsa-pss", "TLSv1.2", ""},
    [PSS_13] = {"server-rsa-pss", "TLSv1.3", ""},
    [STRICT_12] = {"server-rsa", "TLSv1.2", DEMANDING},
    [STRICT_13] = {"server-rsa", "TLSv1.3", DEMANDING},
    [EXPIRED] = {"expired", "TLSv1.3", ""},
    [WRONG_HOST] = {"wrong-host", "TLSv1.2", ""},
    [LEAF_ONLY] = {"leaf-only", "TLSv1.3", ""},
    [LIMITED] = {"server-ecdsa", "TLSv1.3", "keepalive_requests 5; keepalive_timeout 100ms;"},
    [STAPLED_12] = {"server-ecdsa", "TLSv1.2", STAPLING "server-ecdsa.ocsp;"},
    [STAPLED_13] = {"server-ecdsa", "TLSv1.3", STAPLING "server-ecdsa.ocsp;"},
    [REVOKED_12] = {"revoked", "TLSv1.2", STAPLING "revoked.ocsp;"},
    [REVOKED_13] = {"revoked", "TLSv1.3", STAPLING "revoked.ocsp;"},
    [PLAIN] = {NULL, NULL, ""},
};

static process nginx;
static char directory[64];
static uint16_t ports[SERVERS];
static int listeners[SERVERS + 1];
static uint8_t *data; /* LARGE bytes of pattern */

static const char head[] =
    "daemon off; user root root; worker_processes 1; pid DIR/pid; error_log stderr notice;\n"
    "worker_rlimit_nofile 4096; events { worker_connections 2048; }\n"
    "http { access_log off; root DIR/www; client_max_body_size 0; default_type text/plain;\n"
    "client_body_temp_path DIR/body; proxy_temp_path DIR/1; fastcgi_temp_path DIR/2;\n"
    "uwsgi_temp_path DIR/3; scgi_temp_path DIR/4; gzip on; gzip_types text/plain; gzip_min_length "
    "1000;\n"
    "ssl_session_cache shared:s:1m; keepalive_requests 100000;\n";

static void put_server(FILE *file, int i)
{
    (void)fprintf(file, "server { listen 127.0.0.1:%u%s;\n", ports[i],
                  servers[i].protocol != NULL ? " ssl" : "");
    if (servers[i].protocol != NULL)
        (void)fprintf(
            file, "ssl_protocols %s; ssl_certificate %s/%s.pem; ssl_certificate_key %s/%s.key;\n",
            servers[i].protocol, tls_certs(), servers[i].certificate, tls_certs(),
            servers[i].certificate);
    (void)fprintf(file,
                  "%s location /put { dav_methods PUT DELETE; create_full_put_path on; }\n"
                  "location /204 { return 204; } location /moved { return 301 /hello; }\n"
                  "location /301 { return 301 /307; } location /302 { return 302 301; }\n"
                  "location /307 { return 307 $scheme://localhost:$server_port/308; }\n"
                  "location /308 { return 308 ./put/../put/moved; }\n"
                  "location /303 { return 303 http://localhost:%u/hello; } }\n",
                  servers[i].more, ports[PLAIN]);
}

static void put_config(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (const char *c = head; *c != '\0'; c++) {
        if (strncmp(c, "DIR", 3) == 0) {
            (void)fputs(directory, file);
            c += 2;
        } else {
            (void)fputc(*c, file);
        }
    }
    for (int i = 0; i < SERVERS; i++)
        put_server(file, i);
    (void)fputs("}\n", file);
    assert_int_equal(fclose(file), 0);
}

/* nginx is handed its listening sockets, as one nginx hands them to the next: none is guessed. */
static bool start_nginx(void)
{
    char config[128], inherited[128] = "NGINX=";
    data = probe_pattern(LARGE);
    process_directory(directory);
    for (int i = 0; i < SERVERS; i++) {
        listeners[i] = process_listen(&ports[i]);
        (void)snprintf(inherited + strlen(inherited), sizeof(inherited) - strlen(inherited), "%d;",
                       3 + i);
    }
    listeners[SERVERS] = -1;
    (void)snprintf(config, sizeof(config), "%s/nginx.conf", directory);
    put_config(config);
    process_write(directory, "www/hello", "hello from nginx\n", 17);
    process_write(directory, "www/large", data, LARGE);
    const char *const words[] = {"nginx", "-e", "stderr", "-p", directory, "-c", config, NULL};
    const char *const environment[] = {inherited, NULL};
    process_start(&nginx, words, environment, listeners);
    for (int i = 0; i < SERVERS; i++)
        process_forget(listeners[i]);
    if (process_says(&nginx, "start worker process "))
        return true;
    print_error("nginx did not start: %s\n", nginx.text);
    return false;
}

static void stop_nginx(void)
{
    process_stop(&nginx);
    process_directory_remove(directory);
    free(data);
}

/* ---- the client's side ---- */

static void begin(web *w, const rp_client_options *options, const char *ca)
{
    rp_client_options known = {0};
    rp_error error;
    if (options != NULL)
        known = *options;
    *w = (web){.loop = fixture_loop()};
    w->client_tls = tls_client(&(rp_tls_options){.ca_file = tls_cert(ca),
                                                 .certificate_file = tls_cert("client-rsa.pem"),
                                                 .key_file = tls_cert("client-rsa.key")});
    known.tls = w->client_tls;
    if (rp_client_create(&w->client, w->loop, &known, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void end(web *w)
{
    rp_client_destroy(w->client);
    UNTIL(w->loop, !rp_loop_pending(w->loop));
    probe_loop_end(w->loop);
    rp_tls_config_release(w->client_tls);
}

static const char *url_of(int i, const char *path)
{
    static char url[128];
    (void)snprintf(url, sizeof(url), "http%s://localhost:%u%s",
                   servers[i].protocol != NULL ? "s" : "", ports[i], path);
    return url;
}

static void get(web *w, fetch *f, int i, const char *path, int status)
{
    rp_request_options options = {.url = url_of(i, path)};
    fetch_good(f, w, path, &options, status);
}

/* ---- tests ---- */

static void converse(web *w, int i)
{
    rp_request_options options = {.url = url_of(i, "/large"), .method = "HEAD"};
    fetch hello = {0}, large = {.checked = true}, heads = {0}, none = {0}, missing = {0},
          moved = {0};
    get(w, &hello, i, "/hello", 200);
    assert_string_equal(hello.text, "hello from nginx\n");
    assert_int_equal(hello.tls, servers[i].protocol != NULL);
    get(w, &large, i, "/large", 200);
    assert_int_equal(large.body_bytes, LARGE);
    fetch_good(&heads, w, "/large", &options, 200);
    assert_int_equal(heads.body_bytes, 0);
    get(w, &none, i, "/204", 204);
    get(w, &missing, i, "/missing", 404);
    moved.header_name = "Location";
    get(w, &moved, i, "/moved", 301);
    assert_string_equal(moved.header, url_of(i, "/hello"));
    assert_true(moved.summary.reused);
}

static void upload(web *w, int i)
{
    static const size_t sizes[] = {0, 1, 5000, 16384, LARGE};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        rp_request_options options = {
            .url = url_of(i, "/put/file"), .method = "PUT", .body = data, .body_size = sizes[k]};
        fetch put = {0}, back = {.checked = true}, gone = {0};
        fetch_good(&put, w, "/put/file", &options, 201);
        get(w, &back, i, "/put/file", 200);
        assert_int_equal(back.body_bytes, sizes[k]);
        options = (rp_request_options){.url = url_of(i, "/put/file"), .method = "DELETE"};
        fetch_good(&gone, w, "/put/file", &options, 204);
        assert_true(gone.summary.reused);
    }
}

static void test_conversations(void **state)
{
    static const int which[] = {PLAIN, ECDSA_12, ECDSA_13, RSA_12, RSA_13};
    (void)state;
    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
        web w;
        begin(&w, NULL, "ca.pem");
        converse(&w, which[i]);
        upload(&w, which[i]);
        assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 1);
        end(&w);
    }
}

/* gzip makes nginx send chunks: what they hold is not ringport's to know. */
/* nginx makes some of these references absolute, and sends others as they are. */
static void test_redirects(void **state)
{
    static const int kinds[] = {PLAIN, ECDSA_12, RSA_13};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        web w;
        fetch put = {0}, other = {0}, back = {.checked = true};
        begin(&w, NULL, "ca.pem");
        rp_request_options options = {.url = url_of(kinds[i], "/302"),
                                      .method = "PUT",
                                      .body = data,
                                      .body_size = 5000,
                                      .redirects_limit = 4};
        fetch_good(&put, &w, "/302", &options, 201);
        assert_int_equal(put.summary.redirects, 4);
        assert_true(put.summary.reused);
        get(&w, &back, kinds[i], "/put/moved", 200);
        assert_int_equal(back.body_bytes, 5000);
        options = (rp_request_options){.url = url_of(kinds[i], "/put/moved"), .method = "DELETE"};
        fetch gone = {0};
        fetch_good(&gone, &w, "/put/moved", &options, 204);
        options = (rp_request_options){.url = url_of(kinds[i], "/303"),
                                       .method = "POST",
                                       .body = data,
                                       .body_size = 50,
                                       .redirects_limit = 1,
                                       .redirect_flags = RP_REDIRECT_INSECURE};
        fetch_good(&other, &w, "/303", &options, 200);
        assert_string_equal(other.text, "hello from nginx\n");
        assert_false(other.tls);
        end(&w);
    }
}

static void test_chunked(void **state)
{
    web w;
    (void)state;
    rp_header accept = {"Accept-Encoding", "gzip"};
    begin(&w, NULL, "ca.pem");
    fetch f = {.header_name = "Content-Encoding"}, next = {0};
    rp_request_options options = {
        .url = url_of(ECDSA_13, "/large"), .headers = &accept, .header_count = 1};
    fetch_good(&f, &w, "/large", &options, 200);
    assert_string_equal(f.header, "gzip");
    assert_true(f.announced == RP_LENGTH_UNKNOWN);
    assert_true(f.body_bytes > 1000);
    assert_memory_equal(f.text, "\x1f\x8b", 2);
    get(&w, &next, ECDSA_13, "/hello", 200);
    assert_true(next.summary.reused);
    end(&w);
}

static void test_resumption(void **state)
{
    (void)state;
    for (int i = ECDSA_12; i <= STRICT_13; i++) {
        if ((i == PSS_12 || i == PSS_13) && LIBWOLFSSL_VERSION_HEX < 0x05009002)
            continue; /* wolfSSL 5.7.2 knows no such keys */
        web w;
        begin(&w, &(rp_client_options){.never_reuse = true}, "ca.pem");
        for (int k = 0; k < 4; k++) {
            fetch f = {0};
            get(&w, &f, i, "/hello", 200);
            assert_int_equal(f.summary.resumed, k > 0);
        }
        assert_int_equal(rp_loop_stats_get(w.loop)->handshakes_resumed, 3);
        end(&w);
    }
}

/* nginx announces the last answer of a connection, and closes idle ones without a word. */
static void test_kept_alive_connections(void **state)
{
    web w;
    (void)state;
    begin(&w, NULL, "ca.pem");
    for (int k = 0; k < 12; k++) {
        fetch f = {0};
        get(&w, &f, LIMITED, "/hello", 200);
        assert_int_equal(f.summary.reused, k % 5 != 0);
        assert_int_equal(f.summary.attempts, 1);
    }
    UNTIL(w.loop, w.client->conn_count == 0);
    fetch after = {0};
    get(&w, &after, LIMITED, "/hello", 200);
    assert_false(after.summary.reused);
    end(&w);
}

/* Requests go out at about the time at which nginx gives the idle connection up: none may fail. */
static void test_closing_race(void **state)
{
    web w;
    (void)state;
    begin(&w, NULL, "ca.pem");
    for (unsigned k = 0; k < 12; k++) {
        fetch first = {0}, second = {0};
        get(&w, &first, LIMITED, "/hello", 200);
        fixture_sleep_ms(97 + k % 6); /* without a turn: what comes meanwhile is found later */
        get(&w, &second, LIMITED, "/hello", 200);
        assert_in_range(second.summary.attempts, 1, 2);
    }
    end(&w);
}

static void test_many(void **state)
{
    enum { COUNT = 400 };
    static fetch all[COUNT];
    web w;
    (void)state;
    begin(&w, NULL, "ca.pem");
    memset(all, 0, sizeof(all));
    for (int k = 0; k < COUNT; k++) {
        rp_request_options options = {.url = url_of(ECDSA_13, "/hello")};
        assert_true(fetch_start(&all[k], &w, "/hello", &options));
    }
    for (int k = 0; k < COUNT; k++) {
        fetch_wait(&all[k]);
        assert_string_equal(all[k].error.text, "");
        assert_string_equal(all[k].text, "hello from nginx\n");
    }
    assert_int_equal(rp_loop_stats_get(w.loop)->connections_opened, 64);
    end(&w);
}

static void refused(int i, const char *ca, rp_status status, const char *form)
{
    web w;
    char text[RP_ERROR_TEXT_SIZE], peer[64];
    begin(&w, NULL, ca);
    fetch f = {0};
    rp_request_options options = {.url = url_of(i, "/hello")};
    fetch_bad(&f, &w, "/hello", &options, status, RP_PHASE_HANDSHAKE);
    (void)snprintf(peer, sizeof(peer), "localhost (127.0.0.1:%u)", ports[i]);
    const char *place = strstr(form, "PEER");
    assert_non_null(place);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - form), form, peer, place + 4);
    assert_string_equal(f.error.text, text);
    assert_true(f.error.replay_safe);
    end(&w);
}

static void test_refused_certificates(void **state)
{
    (void)state;
    refused(EXPIRED, "ca.pem", RP_E_CERT_EXPIRED, "certificate of PEER expired on 2025-01-31");
    refused(WRONG_HOST, "ca.pem", RP_E_CERT_HOST_MISMATCH,
            "certificate of PEER is for other.test, not for localhost");
    refused(
        LEAF_ONLY, "ca.pem", RP_E_CERT_UNTRUSTED,
        "certificate of PEER is signed by an unknown authority (Ringport Test Intermediate), and "
        "came without intermediate certificates");
    for (int i = ECDSA_12; i <= RSA_13; i++)
        refused(i, "other-ca.pem", RP_E_CERT_UNTRUSTED,
                "certificate of PEER is signed by an unknown authority (Ringport Test Root)");
}

/* Each speaks the other's tongue. */
static void test_wrong_scheme(void **state)
{
    web w;
    char url[64];
    (void)state;
    begin(&w, NULL, "ca.pem");
    fetch f = {0}, g = {0};
    (void)snprintf(url, sizeof(url), "https://localhost:%u/", ports[PLAIN]);
    fetch_bad(&f, &w, url, &(rp_request_options){.url = url}, RP_E_TLS_PROTOCOL,
              RP_PHASE_HANDSHAKE);
    assert_non_null(strstr(f.error.text, "does not speak TLS"));
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", ports[ECDSA_13]);
    fetch_good(&g, &w, url, &(rp_request_options){.url = url}, 400);
    end(&w);
}

/* ---- a thousand connections at once ---- */

enum { THOUSAND = 1000 };

static void write_request(probe *p)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    assert_int_equal(probe_write_text(p, request), RP_OK);
}

/* All are open before the first of them asks for something. */
static void test_thousand(void **state)
{
    static probe all[THOUSAND];
    web w;
    (void)state;
    memset(all, 0, sizeof(all));
    assert_true(raw_raise_descriptors(THOUSAND + 200) >= THOUSAND + 200);
    begin(&w, NULL, "ca.pem");
    for (int k = 0; k < THOUSAND; k++) {
        rp_stream_options options = {.host = "127.0.0.1",
                                     .port = ports[ECDSA_13],
                                     .tls = w.client_tls,
                                     .connect_timeout_ms = 60000,
                                     .handshake_timeout_ms = 60000};
        assert_int_equal(probe_open(&all[k], w.loop, &options), RP_OK);
    }
    for (int k = 0; k < THOUSAND; k++) {
        UNTIL(w.loop, all[k].opens == 1);
        assert_string_equal(all[k].open_error.text, "");
    }
    for (int k = 0; k < THOUSAND; k++)
        write_request(&all[k]);
    for (int k = 0; k < THOUSAND; k++) {
        UNTIL(w.loop, all[k].ends == 1);
        assert_string_equal(all[k].end_error.text, "");
        assert_non_null(strstr(all[k].text, "200 OK"));
    }
    for (int k = 0; k < THOUSAND; k++)
        probe_finish(&all[k]);
    end(&w);
}

/* ---- the command line tool ---- */

/* Runs it as a user would, against nginx; gives what it said, "exit" and its exit code at last. */
static const char *tool_at(int which, process *p, const char *command, const char *ca,
                           const char *more)
{
    char line[1024];
    (void)snprintf(line, sizeof(line),
                   "%s %s --backend %s --cacert %s %s https://localhost:%u/hello; echo \"exit $?\"",
                   RP_TEST_TOOL, command, fixture_backend(), tls_cert(ca), more, ports[which]);
    const char *const words[] = {"sh", "-c", line, NULL};
    process_start(p, words, NULL, NULL);
    if (!process_says(p, "exit ") || !process_says(p, "\n"))
        fail_msg("%s: %s", line, p->text);
    process_stop(p);
    return p->text;
}

static const char *tool(process *p, const char *command, const char *ca, const char *more)
{
    return tool_at(ECDSA_13, p, command, ca, more);
}

static void expect(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" is not in: %s", what, text);
}

static void test_tool_get(void **state)
{
    process p;
    (void)state;
    const char *text = tool(&p, "get", "ca.pem", "-v");
    expect(text, "hello from nginx\n");
    expect(text, "\nexit 0\n");
    text = tool(&p, "get", "ca.pem", "-sI");
    expect(text, "HTTP/1.1 200 OK");
    text = tool(&p, "get", "other-ca.pem", "-sS");
    expect(text, "is signed by an unknown authority (Ringport Test Root)");
    expect(text, "\nexit 60\n"); /* curl's */
}

/* With curl's exit codes. */
static void test_tool_revocation(void **state)
{
    static const struct {
        int server;
        bool status;
        const char *crls; /* NULL: none */
        const char *ends;
    } cases[] = {
        {STAPLED_12, true, NULL, "\nexit 0\n"},
        {STAPLED_13, true, NULL, "\nexit 0\n"},
        {STAPLED_13, true, "crl.pem", "\nexit 0\n"},
        {ECDSA_12, true, NULL, "\nexit 91\n"},
        {ECDSA_13, true, NULL, "\nexit 91\n"},
        {ECDSA_13, true, "crl.pem", "\nexit 91\n"},
        {REVOKED_12, false, NULL, "\nexit 0\n"},
        {REVOKED_13, false, NULL, "\nexit 0\n"},
        {REVOKED_12, true, NULL, "\nexit 91\n"},
        {REVOKED_13, true, NULL, "\nexit 91\n"},
        {REVOKED_12, false, "crl.pem", "\nexit 60\n"},
        {REVOKED_13, true, "crl.pem", "\nexit 60\n"},
        {ECDSA_12, false, "crl.pem", "\nexit 0\n"},
        {ECDSA_13, false, "crl.pem", "\nexit 0\n"},
        {ECDSA_13, false, "stale-crl.pem", "\nexit 60\n"},
        {ECDSA_13, false, "ca.pem", "\nexit 82\n"},
        {ECDSA_13, false, "no.pem", "\nexit 82\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        process p;
        char more[256];
        (void)snprintf(more, sizeof(more), "-sS %s %s %s", cases[i].status ? "--cert-status" : "",
                       cases[i].crls != NULL ? "--crlfile" : "",
                       cases[i].crls != NULL ? tls_cert(cases[i].crls) : "");
        expect(tool_at(cases[i].server, &p, "get", "ca.pem", more), cases[i].ends);
    }
}

static void test_tool_load(void **state)
{
    process p;
    (void)state;
    const char *text = tool(&p, "load", "ca.pem", "-c 100 -n 2000");
    expect(text, "\n2000 ok, 0 with a status other than 2xx, 0 failed");
    expect(text, " 0 spurious wake-ups, 0 idle TLS calls");
    expect(text, "\nexit 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_conversations),
        fixture_test(test_redirects),
        fixture_test(test_chunked),
        fixture_test(test_resumption),
        fixture_test(test_kept_alive_connections),
        fixture_test(test_closing_race),
        fixture_test(test_many),
        fixture_test(test_refused_certificates),
        fixture_test(test_wrong_scheme),
        fixture_test(test_thousand),
        fixture_test(test_tool_get),
        fixture_test(test_tool_revocation),
        fixture_test(test_tool_load),
    };
    int failed = start_nginx() ? fixture_run(tests) : 1;
    if (failed > 0 && !process_says(&nginx, "what it never says"))
        print_error("nginx says:\n%s\n", nginx.text);
    stop_nginx();
    return failed;
}
