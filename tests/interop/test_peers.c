/* test_peers.c - streams against the servers of other TLS implementations: Node.js (OpenSSL), Go,
 * GnuTLS. Each has a server of each version and kind of key, and some that demand a certificate
 * and staple an OCSP response, and sends back what it gets. Those that are not installed are
 * skipped. */
#include "support/foreign.h"
#include "support/probe.h"
#include "support/process.h"
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- their servers ---- */

/* "LEAF VERSION", and "strict" or "lax". */
static const char *const specs[] = {
    "server-ecdsa TLSv1.2 lax",   "server-ecdsa TLSv1.3 lax",    "server-rsa TLSv1.2 lax",
    "server-rsa TLSv1.3 lax",     "server-p384 TLSv1.2 lax",     "server-p384 TLSv1.3 lax",
    "server-p521 TLSv1.2 lax",    "server-p521 TLSv1.3 lax",     "server-ed25519 TLSv1.2 lax",
    "server-ed25519 TLSv1.3 lax", "server-ecdsa TLSv1.2 strict", "server-ecdsa TLSv1.3 strict",
    "server-rsa TLSv1.2 strict",  "server-rsa TLSv1.3 strict",   "server-rsa-pss TLSv1.2 lax",
    "server-rsa-pss TLSv1.3 lax", /* the last two: Go knows no such keys */
};
enum { SPECS = sizeof(specs) / sizeof(specs[0]), SPECS_OF_GO = SPECS - 2 };

/* All servers are one process: it says their ports. */
static const char node_program[] =
    "const tls = require('tls'), fs = require('fs');\n"
    "const [dir, ...specs] = process.argv.slice(1);\n"
    "const read = name => fs.readFileSync(dir + '/' + name);\n"
    "const ports = []; let left = specs.length;\n"
    "specs.forEach((spec, i) => {\n"
    "    const [leaf, v, mode] = spec.split(' ');\n"
    "    const options = {cert: read(leaf + '.pem'), key: read(leaf + '.key'), minVersion: v,\n"
    "        maxVersion: v, requestCert: mode === 'strict', ca: read('ca.pem')};\n"
    "    const server = tls.createServer(options, c => {\n"
    "        c.on('data', d => c.write(d)); c.on('error', () => {}); c.on('end', () => c.end()); "
    "});\n"
    "    server.on('tlsClientError', () => {});\n"
    "    if (mode === 'strict')\n"
    "        server.on('OCSPRequest', (a, b, done) => done(null, read(leaf + '.ocsp')));\n"
    "    server.listen(0, '127.0.0.1', () => { ports[i] = server.address().port;\n"
    "        if (--left === 0) console.log('PORTS ' + ports.join(' ') + ' .'); });\n"
    "});\n";

static const char go_program[] =
    "package main\n"
    "import (\"crypto/tls\"; \"crypto/x509\"; \"fmt\"; \"io\"; \"net\"; \"os\"; \"strings\")\n"
    "func read(name string) []byte {\n"
    "    data, err := os.ReadFile(os.Args[1] + \"/\" + name)\n"
    "    if err != nil { panic(err) }\n"
    "    return data\n"
    "}\n"
    "func serve(spec string) int {\n"
    "    word := strings.Split(spec, \" \")\n"
    "    pair, err := tls.X509KeyPair(read(word[0] + \".pem\"), read(word[0] + \".key\"))\n"
    "    if err != nil { panic(err) }\n"
    "    v := uint16(tls.VersionTLS12)\n"
    "    if word[1] == \"TLSv1.3\" { v = tls.VersionTLS13 }\n"
    "    config := &tls.Config{MinVersion: v, MaxVersion: v}\n"
    "    if word[2] == \"strict\" {\n"
    "        pair.OCSPStaple = read(word[0] + \".ocsp\")\n"
    "        config.ClientAuth = tls.RequireAndVerifyClientCert\n"
    "        config.ClientCAs = x509.NewCertPool()\n"
    "        config.ClientCAs.AppendCertsFromPEM(read(\"ca.pem\"))\n"
    "    }\n"
    "    config.Certificates = []tls.Certificate{pair}\n"
    "    l, err := tls.Listen(\"tcp\", \"127.0.0.1:0\", config)\n"
    "    if err != nil { panic(err) }\n"
    "    go func() {\n"
    "        for {\n"
    "            c, err := l.Accept()\n"
    "            if err != nil { return }\n"
    "            go func() { io.Copy(c, c); c.Close() }()\n"
    "        }\n"
    "    }()\n"
    "    return l.Addr().(*net.TCPAddr).Port\n"
    "}\n"
    "func main() {\n"
    "    fmt.Print(\"PORTS \")\n"
    "    for _, spec := range os.Args[2:] { fmt.Print(serve(spec), \" \") }\n"
    "    fmt.Println(\".\")\n"
    "    select {}\n"
    "}\n";

static bool is_strict(const char *spec)
{
    return strstr(spec, " strict") != NULL;
}

static const char *version_of(const char *spec)
{
    return strstr(spec, "TLSv1.3") != NULL ? "TLSv1.3" : "TLSv1.2";
}

/* ---- conversations ---- */

/* Full, and resumed as often as is asked. */
static void converse(uint16_t port, const char *spec)
{
    bool strict = is_strict(spec);
    if (strncmp(spec, "server-rsa-pss", 14) == 0 && LIBWOLFSSL_VERSION_HEX < 0x05009002)
        return; /* wolfSSL 5.7.2 knows no such keys */
    rp_loop *loop = fixture_loop();
    rp_tls_config *tls =
        tls_client(&(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                                     .certificate_file = strict ? tls_cert("client.pem") : NULL,
                                     .key_file = strict ? tls_cert("client.key") : NULL,
                                     .revocation = strict ? RP_REVOCATION_SOFT : RP_REVOCATION_OFF,
                                     .require_staple = strict && RP_STAPLES});
    for (unsigned i = 0; i < 3; i++) {
        probe talk = {0};
        rp_stream_options options = {.host = "127.0.0.1", .port = port, .tls = tls};
        assert_int_equal(probe_open(&talk, loop, &options), RP_OK);
        UNTIL(loop, talk.opens == 1);
        if (talk.open_error.status != RP_OK)
            fail_msg("%s: %s", spec, talk.open_error.text);
        assert_string_equal(talk.version, version_of(spec));
        assert_int_equal(talk.info.resumed, i > 0);
        assert_false(strict && talk.info.certificate_missed);
        assert_int_equal(probe_write_text(&talk, "ringport\n"), RP_OK);
        UNTIL(loop, talk.received == 9 || talk.ends > 0); /* the tickets came before it */
        if (talk.ends > 0)
            fail_msg("%s: %s", spec, talk.end_error.text);
        probe_finish(&talk);
    }
    probe_loop_end(loop);
    rp_tls_config_release(tls);
}

/* words: a command, to which the directory and the specifications are added. */
static void converse_with_all(const char *const *words, size_t word_count, size_t spec_count)
{
    const char *all[8 + SPECS + 1] = {NULL};
    process p;
    memcpy(all, words, word_count * sizeof(*words));
    all[word_count] = tls_certs();
    memcpy(all + word_count + 1, specs, spec_count * sizeof(*specs));
    process_start(&p, all, NULL, NULL);
    if (!process_says(&p, "PORTS ") || !process_says(&p, "."))
        fail_msg("the servers did not start: %s", p.text);
    char *port = strstr(p.text, "PORTS ") + 6;
    for (size_t i = 0; i < spec_count; i++)
        converse((uint16_t)strtoul(port, &port, 10), specs[i]);
    process_stop(&p);
}

static void test_node(void **state)
{
    (void)state;
    if (!foreign_installed("node"))
        skip();
    const char *const words[] = {"node", "-e", node_program};
    converse_with_all(words, 3, SPECS);
}

static char directory[64]; /* of the server in Go, which is built once; "": not yet */

static void build_go_server(char program[128])
{
    char source[128], cache[128];
    bool built = directory[0] != '\0';
    if (!built)
        process_directory(directory);
    (void)snprintf(program, 128, "%s/server", directory);
    if (built)
        return;
    process_write(directory, "main.go", go_program, sizeof(go_program) - 1);
    (void)snprintf(source, sizeof(source), "%s/main.go", directory);
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
}

static void test_go(void **state)
{
    char program[128];
    (void)state;
    if (!foreign_installed("go"))
        skip();
    build_go_server(program);
    const char *const run[] = {"sh", "-c", "exec \"$0\" \"$@\"", program};
    converse_with_all(run, 4, SPECS_OF_GO);
}

/* ---- GnuTLS: a process each ---- */

static void converse_with_gnutls(const char *spec)
{
    char leaf[32], file[48], priority[64], port_text[8];
    uint16_t port;
    process p;
    (void)snprintf(leaf, sizeof(leaf), "%.*s", (int)strcspn(spec, " "), spec);
    (void)snprintf(priority, sizeof(priority), "NORMAL:-VERS-ALL:+VERS-TLS%s",
                   version_of(spec) + 4);
    process_forget(process_listen(&port)); /* one that was free a moment ago */
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    const char *words[20] = {"gnutls-serv", "--echo", "--port", port_text, "--priority", priority};
    size_t count = 6;
    static const char *const options[][2] = {
        {"--x509certfile", "pem"}, {"--x509keyfile", "key"}, {"--ocsp-response", "ocsp"}};
    for (size_t i = 0; i < (is_strict(spec) ? 3 : 2); i++) {
        (void)snprintf(file, sizeof(file), "%s.%s", leaf, options[i][1]);
        words[count++] = options[i][0];
        words[count++] = tls_cert(file);
    }
    if (is_strict(spec)) {
        words[count++] = "--require-client-cert";
        words[count++] = "--verify-client-cert";
        words[count++] = "--x509cafile";
        words[count++] = tls_cert("ca.pem");
    }
    process_start(&p, words, NULL, NULL);
    if (!process_says(&p, "done"))
        fail_msg("gnutls-serv did not start: %s", p.text);
    converse(port, spec);
    process_stop(&p);
}

static void test_gnutls(void **state)
{
    (void)state;
    if (!foreign_installed("gnutls-serv"))
        skip();
    for (size_t i = 0; i < SPECS; i++)
        converse_with_gnutls(specs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {fixture_test(test_node), fixture_test(test_gnutls),
                                       fixture_test(test_go)};
    int failed = fixture_run(tests);
    if (directory[0] != '\0')
        process_directory_remove(directory);
    return failed;
}
