/* test_peers.c - streams against the servers of other TLS implementations: Node.js (OpenSSL), Go,
 * GnuTLS. Each sends back what it gets. Those that are not installed are skipped. */
#include "support/probe.h"
#include "support/process.h"
#include "support/tls_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum peer_kind { NODE, GO, GNUTLS } peer_kind;

static const char node_program[] =
    "const tls = require('tls'), fs = require('fs');\n"
    "const [cert, key, v] = process.argv.slice(1);\n"
    "const server = tls.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key),\n"
    "    minVersion: v, maxVersion: v}, c => {\n"
    "    c.on('data', d => c.write(d)); c.on('error', () => {}); c.on('end', () => c.end()); });\n"
    "server.on('tlsClientError', () => {});\n"
    "server.listen(0, '127.0.0.1', () => console.log('PORT ' + server.address().port + ' .'));\n";

static const char go_program[] = "package main\n"
                                 "import (\"crypto/tls\"; \"fmt\"; \"io\"; \"net\"; \"os\")\n"
                                 "func main() {\n"
                                 "    pair, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])\n"
                                 "    if err != nil { panic(err) }\n"
                                 "    v := uint16(tls.VersionTLS12)\n"
                                 "    if os.Args[3] == \"TLSv1.3\" { v = tls.VersionTLS13 }\n"
                                 "    config := &tls.Config{Certificates: []tls.Certificate{pair}, "
                                 "MinVersion: v, MaxVersion: v}\n"
                                 "    l, err := tls.Listen(\"tcp\", \"127.0.0.1:0\", config)\n"
                                 "    if err != nil { panic(err) }\n"
                                 "    fmt.Printf(\"PORT %d .\\n\", l.Addr().(*net.TCPAddr).Port)\n"
                                 "    for {\n"
                                 "        c, err := l.Accept()\n"
                                 "        if err != nil { return }\n"
                                 "        go func() { io.Copy(c, c); c.Close() }()\n"
                                 "    }\n"
                                 "}\n";

static bool installed(const char *name)
{
    const char *const words[] = {"sh", "-c", "command -v \"$0\" >/dev/null && echo yes || echo no.",
                                 name, NULL};
    process p;
    process_start(&p, words, NULL, NULL);
    bool known = process_says(&p, "\n") && strstr(p.text, "yes") != NULL;
    process_stop(&p);
    return known;
}

/* ---- their servers ---- */

typedef struct peer {
    process process;
    uint16_t port;
} peer;

static void expect_port(peer *p)
{
    if (!process_says(&p->process, "PORT ") || !process_says(&p->process, "."))
        fail_msg("the server did not start: %s", p->process.text);
    p->port = (uint16_t)strtoul(strstr(p->process.text, "PORT ") + 5, NULL, 10);
}

static void start_gnutls(peer *p, const char *pem, const char *key, const char *version)
{
    char port[8], priority[64];
    process_forget(process_listen(&p->port)); /* one that was free a moment ago */
    (void)snprintf(port, sizeof(port), "%u", p->port);
    (void)snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:+VERS-TLS%s", version + 4);
    const char *const words[] = {
        "gnutls-serv", "--echo",     "--port", port, "--x509certfile", pem, "--x509keyfile",
        key,           "--priority", priority, NULL};
    process_start(&p->process, words, NULL, NULL);
    if (!process_says(&p->process, "done"))
        fail_msg("gnutls-serv did not start: %s", p->process.text);
}

/* go: the program, compiled. */
static void start(peer *p, peer_kind kind, const char *go, const char *leaf, const char *version)
{
    char pem[32], key[32];
    (void)snprintf(pem, sizeof(pem), "%s.pem", leaf);
    (void)snprintf(key, sizeof(key), "%s.key", leaf);
    const char *pem_path = tls_cert(pem), *key_path = tls_cert(key);
    const char *const node[] = {"node", "-e", node_program, pem_path, key_path, version, NULL};
    const char *const of_go[] = {"sh",    "-c", "exec \"$0\" \"$@\"", go, pem_path, key_path,
                                 version, NULL};
    if (kind == GNUTLS) {
        start_gnutls(p, pem_path, key_path, version);
        return;
    }
    process_start(&p->process, kind == NODE ? node : of_go, NULL, NULL);
    expect_port(p);
}

/* ---- conversations ---- */

/* Full, and resumed as often as is asked. */
static void converse(const peer *p, const char *version)
{
    rp_loop *loop = fixture_loop();
    rp_tls_config *tls = tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem")});
    for (unsigned i = 0; i < 3; i++) {
        probe talk = {0};
        rp_stream_options options = {.host = "127.0.0.1", .port = p->port, .tls = tls};
        assert_int_equal(probe_open(&talk, loop, &options), RP_OK);
        UNTIL(loop, talk.opens == 1);
        if (talk.open_error.status != RP_OK)
            fail_msg("%s", talk.open_error.text);
        assert_string_equal(talk.version, version);
        assert_int_equal(talk.info.resumed, i > 0);
        assert_int_equal(probe_write_text(&talk, "ringport\n"), RP_OK);
        UNTIL(loop, talk.received == 9); /* the tickets came before it */
        probe_finish(&talk);
    }
    probe_loop_end(loop);
    rp_tls_config_release(tls);
}

static void each_leaf(peer_kind kind, const char *go)
{
    static const char *const leaves[] = {"server-ecdsa", "server-rsa",     "server-p384",
                                         "server-p521",  "server-ed25519", "server-rsa-pss"};
    static const char *const versions[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        if (kind == GO && strcmp(leaves[i], "server-rsa-pss") == 0)
            continue; /* Go knows no such keys */
        for (size_t v = 0; v < 2; v++) {
            peer p;
            start(&p, kind, go, leaves[i], versions[v]);
            converse(&p, versions[v]);
            process_stop(&p.process);
        }
    }
}

static void test_node(void **state)
{
    (void)state;
    if (!installed("node"))
        skip();
    each_leaf(NODE, NULL);
}

static void test_gnutls(void **state)
{
    (void)state;
    if (!installed("gnutls-serv"))
        skip();
    each_leaf(GNUTLS, NULL);
}

static void test_go(void **state)
{
    (void)state;
    if (!installed("go"))
        skip();
    char directory[64], source[128], program[128], cache[128];
    process_directory(directory);
    process_write(directory, "main.go", go_program, sizeof(go_program) - 1);
    (void)snprintf(source, sizeof(source), "%s/main.go", directory);
    (void)snprintf(program, sizeof(program), "%s/server", directory);
    (void)snprintf(cache, sizeof(cache), "%s/cache", directory);
    const char *const words[] = {
        "sh",   "-c",    "GO111MODULE=off GOCACHE=\"$2\" go build -o \"$1\" \"$0\" && echo built.",
        source, program, cache,
        NULL};
    process compiler;
    process_start(&compiler, words, NULL, NULL);
    if (!process_says(&compiler, "built."))
        fail_msg("go build: %s", compiler.text);
    process_stop(&compiler);
    each_leaf(GO, program);
    process_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test(test_node), fixture_test(test_gnutls),
                                       fixture_test(test_go)};
    return fixture_run(tests);
}
