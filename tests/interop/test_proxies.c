/* test_proxies.c - through other people's proxies: squid, tinyproxy, dante, and squid behind the
 * TLS of HAProxy. */
#include "support/foreign.h"
#include "support/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct kind {
    const char *name, *scheme, *credentials, *config, *command;
    int refused;   /* the code of a port where nobody listens */
    int forbidden; /* of port 9, which its rules forbid; 0: they do not */
    bool demands;  /* the credentials */
} kind;

/* It becomes a user that may write nowhere here; its name is that of its shared memory. */
static const char squid_config[] =
    "http_port 127.0.0.1:PORT0\npid_filename none\ncache_log /dev/null\naccess_log none\n"
    "cache deny all\ncoredump_dir none\nshutdown_lifetime 0 seconds\npinger_enable off\n"
    "netdb_filename none\nvisible_hostname test\nmax_filedescriptors 256\n"
    "acl nine port 9\nhttp_access deny nine\nhttp_access allow all\n";

static const kind kinds[] = {
    {"squid", "http", "", squid_config, "squid -N -n tPORT0 -f DIR/conf", 503, 403, false},
    {"tinyproxy", "http", "user:secret@",
     "Port PORT0\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth user secret\n"
     "PidFile \"DIR/pid\"\nLogFile \"DIR/proxy.log\"\nMaxClients 20\n",
     "tinyproxy -d -c DIR/conf", 500, 0, true},
    {"dante", "socks5", "",
     "logoutput: DIR/proxy.log\ninternal: 127.0.0.1 port = PORT0\nexternal: lo\n"
     "socksmethod: none\nclientmethod: none\n"
     "client pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }\n"
     "socks block { from: 127.0.0.0/8 to: 127.0.0.0/8 port = 9 }\n"
     "socks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }\n",
     "danted -f DIR/conf -p DIR/pid", 5, 2, false},
};

/* In front of PORT %u. */
static const char haproxy_config[] =
    "global\n maxconn 100\n hard-stop-after 1s\n"
    "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
    "listen l\n bind 127.0.0.1:PORT0 ssl crt DIR/both.pem alpn http/1.1\n"
    " server s 127.0.0.1:%u\n";
static const char haproxy_command[] =
    "sh -c 'cat CERTS/server-ecdsa.pem CERTS/server-ecdsa.key >DIR/both.pem; "
    "exec haproxy -db -f DIR/conf'";

enum { LARGE = 256 * 1024 };

static void echo(rp_sim_exchange *x, void *user)
{
    size_t size;
    const uint8_t *body = rp_sim_body(x, &size);
    (void)user;
    rp_sim_respond(x, 200, NULL, size > 0 ? (const void *)body : "ok\n", size > 0 ? size : 3);
}

static rp_proxy *proxy_at(const char *scheme, const char *credentials, uint16_t port, bool forward)
{
    char url[128];
    rp_proxy *proxy;
    rp_error error;
    rp_tls_config *tls = probe_client_tls(13);
    (void)snprintf(url, sizeof(url), "%s://%s127.0.0.1:%u", scheme, credentials, (unsigned)port);
    rp_proxy_options options = {.url = url, .tls = tls, .forward_http = forward};
    if (rp_proxy_create(&proxy, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
    rp_tls_config_release(tls);
    return proxy;
}

/* version 0: plain; http2 with TLS only. */
static void converse(rp_proxy *proxy, int version, bool http2)
{
    uint8_t *data = probe_pattern(LARGE);
    scene s;
    rp_sim_server_options serving = {.on_request = echo,
                                     .versions = http2 ? RP_SIM_HTTP_2 : RP_SIM_HTTP_1};
    scene_begin(&s, version, &serving, NULL);
    rp_request_options options = {.proxy = proxy, .body = data, .body_size = LARGE};
    for (unsigned i = 0; i < 3; i++) {
        fetch f = {.checked = true};
        scene_good(&s, &f, "/", &options, 200);
        assert_int_equal(f.body_bytes, LARGE);
        assert_int_equal(f.version, http2 ? 20 : 11);
        assert_int_equal(f.summary.reused, i > 0);
    }
    scene_end(&s);
    free(data);
}

static void refusals(const kind *k, rp_proxy *proxy, uint16_t port)
{
    scene s;
    fetch refused = {0}, forbidden = {0}, unknown = {0};
    scene_begin(&s, 13, NULL, NULL);
    rp_request_options options = {.proxy = proxy, .url = "https://127.0.0.1:1/"};
    fetch_bad(&refused, &s.web, NULL, &options, RP_E_PROXY_REFUSED, RP_PHASE_PROXY);
    assert_int_equal(refused.error.proxy_code, k->refused);
    options.url = "https://127.0.0.1:9/";
    if (k->forbidden != 0) {
        fetch_bad(&forbidden, &s.web, NULL, &options, RP_E_PROXY_REFUSED, RP_PHASE_PROXY);
        assert_int_equal(forbidden.error.proxy_code, k->forbidden);
    }
    if (k->demands) {
        options.proxy = proxy_at(k->scheme, "user:wrong@", port, false);
        fetch_bad(&unknown, &s.web, NULL, &options, RP_E_PROXY_AUTH, RP_PHASE_PROXY);
        rp_proxy_release(options.proxy);
    }
    scene_end(&s);
}

static foreign servers[3], front;

static void start(foreign *f, const char *config, const char *command)
{
    foreign_begin(f);
    foreign_write(f, "conf", config);
    foreign_start(f, command);
}

static void forwarded(const kind *k, uint16_t port)
{
    scene s;
    fetch get = {0};
    rp_proxy *proxy = proxy_at(k->scheme, k->credentials, port, true);
    scene_begin(&s, 0, NULL, NULL);
    rp_request_options options = {.proxy = proxy};
    scene_good(&s, &get, "/", &options, 200);
    assert_string_equal(get.text, "ok\n");
    scene_end(&s);
    rp_proxy_release(proxy);
}

static void through(size_t which)
{
    const kind *k = &kinds[which];
    uint16_t port = servers[which].ports[0];
    rp_proxy *proxy = proxy_at(k->scheme, k->credentials, port, false);
    converse(proxy, 0, false);
    converse(proxy, 13, false);
    converse(proxy, 13, true);
    refusals(k, proxy, port);
    rp_proxy_release(proxy);
    if (strcmp(k->scheme, "http") == 0)
        forwarded(k, port);
}

/* TLS with what stands in front of squid, and TLS inside. */
static void test_behind_tls(void **state)
{
    rp_proxy *proxy = proxy_at("https", "", front.ports[0], false);
    (void)state;
    converse(proxy, 0, false);
    converse(proxy, 12, false);
    converse(proxy, 13, true);
    rp_proxy_release(proxy);
}

static void test_squid(void **state)
{
    (void)state;
    through(0);
}

static void test_tinyproxy(void **state)
{
    (void)state;
    through(1);
}

static void test_dante(void **state)
{
    (void)state;
    if (!foreign_installed("danted"))
        skip(); /* Debian 13 has none */
    through(2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test_real(test_squid),
        fixture_test_real(test_tinyproxy),
        fixture_test_real(test_dante),
        fixture_test_real(test_behind_tls),
    };
    char config[sizeof(haproxy_config) + 16];
    size_t count = foreign_installed("danted") ? 3 : 2;
    for (size_t i = 0; i < count; i++)
        start(&servers[i], kinds[i].config, kinds[i].command);
    (void)snprintf(config, sizeof(config), haproxy_config, (unsigned)servers[0].ports[0]);
    start(&front, config, haproxy_command);
    int failed = fixture_run(tests);
    foreign_end(&front);
    for (size_t i = 0; i < count; i++)
        foreign_end(&servers[i]);
    return failed;
}
