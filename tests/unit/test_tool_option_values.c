/* test_tool_option_values.c - what options of the tool say, alone and together. */
#include "fields.h"
#include "speed.h"
#include "support/files.h"
#include "support/tool_words.h"
#include "url.h"

#include <ringport/ringport.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_headers(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET,
           WORDS("-H", "A: b", "-HC:d e ", "--header=E;", "-H", "Accept:", "-H", "X-None:", URL));
    assert_int_equal(o.header_count, 5);
    assert_string_equal(o.headers[0].name, "A");
    assert_string_equal(o.headers[0].value, "b");
    assert_string_equal(o.headers[1].name, "C");
    assert_string_equal(o.headers[1].value, "d e ");
    assert_string_equal(o.headers[2].name, "E");
    assert_string_equal(o.headers[2].value, "");
    assert_string_equal(o.headers[3].name, "Accept");
    assert_null(o.headers[3].value);
    assert_string_equal(o.headers[4].name, "X-None");
    assert_null(o.headers[4].value);
    options_free(&o);
    refuse(COMMAND_GET, WORDS("-H", "nothing", URL), EXIT_USAGE,
           "\"nothing\" is not a header: write \"Name: value\"");
    refuse(COMMAND_GET, WORDS("-H", ": x", URL), EXIT_USAGE,
           "\": x\" is not a header: write \"Name: value\"");
    refuse(COMMAND_GET, WORDS("-H", "A; x", URL), EXIT_USAGE,
           "\"A; x\" is not a header: behind the ; nothing may stand");
    refuse(COMMAND_GET, WORDS("-H", "Host:", URL), EXIT_USAGE, "the header Host can't be left out");
}

static void test_redirects(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET, WORDS(URL));
    assert_false(o.location);
    assert_int_equal(o.redirects, 50);
    assert_int_equal(o.redirect_flags, 0);
    options_free(&o);
    accept(&o, COMMAND_GET,
           WORDS("-L", "--max-redirs", "-1", "--post301", "--post303", "--proto-redir",
                 "=http,https", URL));
    assert_true(o.location);
    assert_int_equal(o.redirects, UINT32_MAX);
    assert_int_equal(o.redirect_flags,
                     RP_REDIRECT_POST_301 | RP_REDIRECT_POST_303 | RP_REDIRECT_INSECURE);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--location-trusted", "--max-redirs", "0", "--post302", URL));
    assert_true(o.location);
    assert_int_equal(o.redirects, 0);
    assert_int_equal(o.redirect_flags, RP_REDIRECT_TRUSTED | RP_REDIRECT_POST_302);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("-u", "a:b:c", "-n", URL));
    assert_string_equal(o.user, "a");
    assert_string_equal(o.password, "b:c");
    assert_true(o.netrc);
    options_free(&o);
    accept(&o, COMMAND_LOAD, WORDS("-u", "a:b", "--oauth2-bearer", "t", URL));
    assert_null(o.user);
    assert_string_equal(o.bearer, "t");
    options_free(&o);
    refuse(COMMAND_GET, WORDS("--max-redirs", "-2", URL), EXIT_USAGE,
           "--max-redirs is a number, or -1 for no limit, not \"-2\"");
    accept(&o, COMMAND_GET, WORDS("-u", "a", URL)); /* main asks for the password */
    assert_string_equal(o.user, "a");
    assert_null(o.password);
    options_free(&o);
}

static void assert_body(const tool_options *o, const char *expected, size_t size)
{
    assert_true(o->body.given);
    assert_int_equal(o->body.size, size);
    if (size > 0)
        assert_memory_equal(o->body.data, expected, size);
}

/* What is sent beside Host, a line each. */
static void assert_fields(const tool_options *o, const char *expected)
{
    char lines[1024] = "";
    fields f;
    assert_true(fields_compose(&f, o, &(own_fields){.range = NULL}));
    for (size_t i = 0; i < f.count; i++) {
        size_t size = strlen(lines);
        snprintf(lines + size, sizeof(lines) - size, "%s: %s\n", f.headers[i].name,
                 f.headers[i].value);
    }
    fields_free(&f);
    assert_string_equal(lines, expected);
}

static void test_data(void **state)
{
    tool_options o;
    char argument[80];
    const char *name = files_write("body", "x\r\ny\0z\n", 7);
    (void)state;
    snprintf(argument, sizeof(argument), "@%s", name);

    accept(&o, COMMAND_GET, WORDS("-d", "a=b", "--data", argument, "--data-binary", argument, URL));
    assert_body(&o, "a=b&xyz&x\r\ny\0z\n", 15);
    assert_fields(&o, "User-Agent: ringport/" RP_VERSION "\nAccept: */*\nContent-Length: 15\n"
                      "Content-Type: application/x-www-form-urlencoded\n");
    assert_null(options_method(&o, o.uploads)); /* the library's default, POST */
    options_free(&o);

    accept(&o, COMMAND_GET, WORDS("-d", "", "-H", "content-type: text/plain", "-A", "", URL));
    assert_body(&o, "", 0);
    assert_fields(&o, "User-Agent: \nAccept: */*\ncontent-type: text/plain\nContent-Length: 0\n");
    options_free(&o);

    accept(&o, COMMAND_LOAD,
           WORDS("-d", "x", "-H", "Content-Type:", "-H", "accept:", "-X", "PATCH", "-A", "a",
                 "-HUser-agent: b", URL));
    assert_fields(&o, "accept: \nUser-agent: b\nContent-Length: 1\n");
    assert_string_equal(options_method(&o, o.uploads), "PATCH");
    options_free(&o);
    refuse(COMMAND_GET, WORDS("-d", "@/nonexistent/file", URL), EXIT_READ,
           "/nonexistent/file: No such file or directory");
}

/* Only where the method is not the one that has no body anyway. */
static void test_no_body(void **state)
{
    static const char none[] = "User-Agent: a\nAccept: */*\n";
    static const char unsaid[] = "User-Agent: a\nAccept: */*\nContent-Length: \n";
    tool_options o;
    char argument[80];
    (void)state;
    accept(&o, COMMAND_LOAD, WORDS("-A", "a", URL));
    assert_fields(&o, none);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("-A", "a", "-I", URL));
    assert_fields(&o, none);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("-A", "a", "-X", "POST", URL));
    assert_fields(&o, unsaid);
    options_free(&o);
    snprintf(argument, sizeof(argument), "%s", files_write("list", "POST https://h/\n", 16));
    accept(&o, COMMAND_LOAD, WORDS("-A", "a", "--requests-from", argument));
    assert_fields(&o, unsaid);
    options_free(&o);
}

static void test_upload(void **state)
{
    static const struct {
        const char *url, *expected; /* up to the file's name, where it is added */
        bool added;
    } cases[] = {
        {"https://h/a", "https://h/a", false},
        {"https://h/a/", "https://h/a/", true},
        {"https://h", "https://h/", true},
        {"https://h/?q", "https://h/?q", false},
    };
    tool_options o;
    const char *name = files_write("body", "\0up\n", 4);
    char expected[128];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        accept(&o, COMMAND_GET, WORDS("-T", name, cases[i].url));
        assert_false(o.body.given);
        assert_string_equal(options_method(&o, o.uploads), "PUT");
        snprintf(expected, sizeof(expected), "%s%s", cases[i].expected,
                 cases[i].added ? strrchr(name, '/') + 1 : "");
        char *url = url_for_upload(o.url, o.targets[0].upload);
        assert_string_equal(url, expected);
        free(url);
        options_free(&o);
    }
    accept(&o, COMMAND_LOAD, WORDS("-T", name, "https://h"));
    assert_string_equal(o.url + strlen("https://h"), strrchr(name, '/'));
    assert_body(&o, "\0up\n", 4);
    options_free(&o);
    refuse(COMMAND_GET, WORDS("-T", name, "-d", "x", URL), EXIT_USAGE,
           "only one of -I, -d, -F and -T can be");
    refuse(COMMAND_GET, WORDS("-I", "-d", "x", URL), EXIT_USAGE,
           "only one of -I, -d, -F and -T can be");
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } seconds[] = {{"0", 0},         {"2", 2000},      {"0.25", 250},
                   {"1.2345", 1235}, {"0.0000001", 1}, {"0.1000", 100},
                   {"3.", 3000},     {"0.9999", 1000}, {"1000000000", 1000000000000},
                   {"10s", 10000},   {"500ms", 500},   {"0.2ms", 1},
                   {"1.5m", 90000},  {"2h", 7200000},  {"0.0000000001h", 1},
                   {".5", 500},      {".5m", 30000}};
    static const struct {
        const char *text;
        uint64_t count;
    } counts[] = {
        {"1", 1}, {"1k", 1000}, {"20K", 20000}, {"4M", 4000000}, {"4294967295", UINT32_MAX}};
    tool_options o;
    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        accept(&o, COMMAND_GET, WORDS("-m", seconds[i].text, URL));
        assert_int_equal(o.max_time_ms, seconds[i].ms);
        options_free(&o);
    }
    refuse(COMMAND_GET, WORDS("-m", "1000000001", URL), EXIT_USAGE,
           "--max-time is a number of seconds, not \"1000000001\"");
    refuse(COMMAND_GET, WORDS("-m", "-1", URL), EXIT_USAGE,
           "--max-time is a number of seconds, not \"-1\"");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        accept(&o, COMMAND_LOAD, WORDS("-n", counts[i].text, URL));
        assert_int_equal(o.requests, counts[i].count);
        options_free(&o);
    }
    refuse(COMMAND_GET, WORDS("--connect-timeout", "1d", URL), EXIT_USAGE,
           "--connect-timeout is a number of seconds, not \"1d\"");
    refuse(COMMAND_GET, WORDS("--connect-timeout", "s", URL), EXIT_USAGE,
           "--connect-timeout is a number of seconds, not \"s\"");
    refuse(COMMAND_LOAD, WORDS("-n", "4295M", URL), EXIT_USAGE,
           "--requests is a number above 0, not \"4295M\"");
    refuse(COMMAND_LOAD, WORDS("-n", "k", URL), EXIT_USAGE,
           "--requests is a number above 0, not \"k\"");
    refuse(COMMAND_LOAD, WORDS("-n", "1kk", URL), EXIT_USAGE,
           "--requests is a number above 0, not \"1kk\"");
    refuse(COMMAND_LOAD, WORDS("-n", "1 ", URL), EXIT_USAGE,
           "--requests is a number above 0, not \"1 \"");
    refuse(COMMAND_GET, WORDS("-m", ".", URL), EXIT_USAGE,
           "--max-time is a number of seconds, not \".\"");
    refuse(COMMAND_GET, WORDS("-m", ".s", URL), EXIT_USAGE,
           "--max-time is a number of seconds, not \".s\"");
    refuse(COMMAND_LOAD, WORDS("-c", "0", URL), EXIT_USAGE,
           "--connections is a number above 0, not \"0\"");
    refuse(COMMAND_LOAD, WORDS("-n", "4294967296", URL), EXIT_USAGE,
           "--requests is a number above 0, not \"4294967296\"");
}

/* Where there is a default, 0 is how to have none. */
static void test_limits(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET, WORDS(URL));
    assert_int_equal(o.first_byte_timeout_ms, 0);
    assert_int_equal(o.idle_timeout_ms, 0);
    options_free(&o);
    accept(&o, COMMAND_LOAD,
           WORDS("--first-byte-timeout", "0", "--idle-timeout=1.5", "--keepalive-time", "5",
                 "--no-keepalive", URL));
    assert_true(o.first_byte_timeout_ms == RP_NEVER_MS);
    assert_int_equal(o.idle_timeout_ms, 1500);
    assert_int_equal(o.keepalive_ms, 5000);
    assert_true(o.no_keepalive);
    options_free(&o);
}

static void test_tls(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET,
           WORDS("-k", "--cacert", "ca", "--cert", "c", "--tlsv1.3", "--tls-max", "1.3", URL));
    assert_true(o.tls.insecure_accept_any_certificate);
    assert_string_equal(o.tls.ca_file, "ca");
    assert_string_equal(o.tls.key_file, "c");
    assert_int_equal(o.tls.minimum_version, RP_TLS_1_3);
    assert_int_equal(o.tls.maximum_version, RP_TLS_1_3);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--tlsv1.2", "--cert=c", "--key=k", "--http1.1", URL));
    assert_false(o.tls.insecure_accept_any_certificate);
    assert_int_equal(o.tls.minimum_version, RP_TLS_1_2);
    assert_int_equal(o.tls.maximum_version, RP_TLS_DEFAULT);
    assert_string_equal(o.tls.key_file, "k");
    options_free(&o);
    refuse(COMMAND_GET, WORDS("--tls-max", "1.1", URL), EXIT_USAGE,
           "--tls-max is 1.2, 1.3 or default, not \"1.1\"");
    refuse(COMMAND_GET, WORDS("--tlsv1.3", "--tls-max", "1.2", URL), EXIT_USAGE,
           "--tlsv1.3 and --tls-max 1.2 exclude each other");
    refuse(COMMAND_GET, WORDS("--key", "k", URL), EXIT_USAGE, "--key needs --cert");
}

static void expect_certificate(const char *value, const char *file, const char *password)
{
    tool_options o;
    accept(&o, COMMAND_GET, WORDS("--cert", value, URL));
    assert_string_equal(o.tls.certificate_file, file);
    assert_string_equal(o.tls.key_file, file);
    if (password == NULL)
        assert_null(o.tls.key_password);
    else
        assert_string_equal(o.tls.key_password, password);
    options_free(&o);
}

static void test_identity(void **state)
{
    tool_options o;
    (void)state;
    expect_certificate("client.pem", "client.pem", NULL);
    expect_certificate("client.pem:secret", "client.pem", "secret");
    expect_certificate("client.pem:a:b", "client.pem", "a:b");
    expect_certificate("client.pem:", "client.pem", NULL);
    expect_certificate("a\\:b\\\\c:d", "a:b\\c", "d");
    expect_certificate("dir\\file", "dir\\file", NULL);
    expect_certificate("C:\\dir\\file:x", "C:\\dir\\file", "x");
    expect_certificate("c:/file", "c:/file", NULL);
    expect_certificate("c:file", "c", "file");
    accept(&o, COMMAND_LOAD,
           WORDS("-Ec:one", "--pass", "two", "--key", "k", "--cert-type", "p12", "--key-type=DER",
                 URL));
    assert_string_equal(o.tls.key_password, "two");
    assert_string_equal(o.tls.key_file, "k");
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--cert", "one:a", "--cert", "two", URL));
    assert_string_equal(o.tls.certificate_file, "two");
    options_free(&o);
    refuse(COMMAND_GET, WORDS("--cert-type", "ENG", URL), EXIT_USAGE,
           "a certificate or key is PEM, DER or P12, not \"ENG\"");
}

/* As with curl, the last one counts. */
static void test_versions(void **state)
{
    static const struct {
        const char *words[3]; /* the rest is NULL */
        rp_http_versions versions;
        bool prior_knowledge;
    } cases[] = {
        {{URL}, RP_HTTP_ANY, false},
        {{URL, "--http2"}, RP_HTTP_ANY, false},
        {{URL, "--http1.1"}, RP_HTTP_1_1, false},
        {{URL, "--http2-prior-knowledge"}, RP_HTTP_ANY, true},
        {{URL, "--http1.1", "--http2"}, RP_HTTP_ANY, false},
        {{"--http2-prior-knowledge", "--http1.1", URL}, RP_HTTP_1_1, false},
        {{"--http2-prior-knowledge", "--http2", URL}, RP_HTTP_ANY, false},
        {{"--http1.1", "--http2-prior-knowledge", URL}, RP_HTTP_ANY, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const *w = cases[i].words;
        tool_options o;
        accept(&o, COMMAND_GET, WORDS(w[0], w[1], w[2]));
        assert_int_equal(o.versions, cases[i].versions);
        assert_int_equal(o.prior_knowledge, cases[i].prior_knowledge);
        options_free(&o);
    }
}

static void expect_streams(const char *const *words, uint64_t connections, uint64_t streams)
{
    tool_options o;
    accept(&o, COMMAND_LOAD, words);
    assert_int_equal(o.connections, connections);
    assert_int_equal(o.streams, streams);
    options_free(&o);
}

/* -m is --max-time for get, and h2load's option for load. */
static void test_streams(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET, WORDS("-m", "3", URL));
    assert_int_equal(o.max_time_ms, 3000);
    options_free(&o);
    expect_streams(WORDS("-c", "4", URL), 4, 1);
    expect_streams(WORDS("-c", "4", "-m100", URL), 4, 100);
    expect_streams(WORDS("-c4", "--max-concurrent-streams=100", "-n", "90", URL), 4, 23);
    expect_streams(WORDS("-c4", "-m", "9", "-n", "3", URL), 3, 1);
    expect_streams(WORDS("-m", "9", "--http2-prior-knowledge", "http://h/"), 64, 9);
    expect_streams(WORDS("-m", "1", "http://h/"), 64, 1);
    refuse(COMMAND_GET, WORDS("--max-concurrent-streams", "3", URL), EXIT_USAGE,
           "option --max-concurrent-streams is for `ringport load`");
    refuse(COMMAND_LOAD, WORDS("-m", "0", URL), EXIT_USAGE,
           "--max-concurrent-streams is a number above 0, not \"0\"");
    refuse(COMMAND_LOAD, WORDS("-m", "2", "--http1.1", URL), EXIT_USAGE,
           "-m needs HTTP/2: not --http1.1");
    refuse(COMMAND_LOAD, WORDS("-m", "2", "http://h/"), EXIT_USAGE,
           "-m needs HTTP/2: https, or --http2-prior-knowledge");
    refuse(COMMAND_LOAD, WORDS("-c", "4294967295", "-m4294967295", "--duration", "1", URL),
           EXIT_USAGE, "at most 1048576 requests in flight");
    refuse(COMMAND_LOAD, WORDS("-c", "1024", "-m", "1025", "-n", "2000000", URL), EXIT_USAGE,
           "at most 1048576 requests in flight");
}

static void test_load(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_LOAD, WORDS(URL));
    assert_int_equal(o.connections, 64);
    assert_int_equal(o.requests, 10000);
    assert_int_equal(o.threads, 1);
    assert_int_equal(o.coalesce_us, 0);
    options_free(&o);
    accept(&o, COMMAND_LOAD, WORDS("-c5", "-n", "3", "-t", "9", "--coalesce-us", "off", URL));
    assert_int_equal(o.connections, 3);
    assert_int_equal(o.threads, 3);
    assert_int_equal(o.coalesce_us, RP_COALESCE_OFF);
    options_free(&o);
    accept(&o, COMMAND_LOAD,
           WORDS("--duration", "1.5", "--timeout", "2", "--coalesce-us=100", "--resolve", "a:1:b",
                 "--resolve", "c:2:d", "--json", "--new-connections", "--no-resumption",
                 "--lenient-lines", URL));
    assert_int_equal(o.requests, 0);
    assert_int_equal(o.duration_ms, 1500);
    assert_int_equal(o.max_time_ms, 2000);
    assert_int_equal(o.coalesce_us, 100);
    assert_int_equal(o.resolve_count, 2);
    assert_string_equal(o.resolve[1], "c:2:d");
    assert_true(o.json && o.new_connections && o.tls.no_resumption && o.lenient_lines);
    options_free(&o);
    refuse(COMMAND_LOAD, WORDS("-n", "1", "--duration", "1", URL), EXIT_USAGE,
           "only one of --requests and --duration can be");
    refuse(COMMAND_LOAD, WORDS("-c", "70000", "-n", "80000", URL), EXIT_USAGE,
           "at most 65536 connections and 1024 threads");
    refuse(COMMAND_LOAD, WORDS("--coalesce-us", "10001", URL), EXIT_USAGE,
           "--coalesce-us is 0 to 10000 or off, not \"10001\"");
}

static void test_where(void **state)
{
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET,
           WORDS("-4", "-6", "--connect-to", "a:1:b:2", "--connect-to=::c:", "--dns-servers",
                 "192.0.2.1", URL));
    assert_int_equal(o.families, RP_FAMILIES_IPV6); /* the last one counts */
    assert_int_equal(o.connect_to_count, 2);
    assert_string_equal(o.connect_to[0], "a:1:b:2");
    assert_string_equal(o.connect_to[1], "::c:");
    assert_string_equal(o.dns_servers, "192.0.2.1");
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--unix-socket", "/run/s", URL));
    assert_string_equal(o.unix_socket, "::unix:/run/s");
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--abstract-unix-socket", "n", "--unix-socket=s", URL));
    assert_string_equal(o.unix_socket, "::unix:./s");
    options_free(&o);
    accept(&o, COMMAND_LOAD, WORDS("--abstract-unix-socket", "n", URL));
    assert_string_equal(o.unix_socket, "::unix:@n");
    options_free(&o);
    accept(&o, COMMAND_LOAD, WORDS("--ipv6", "--ipv4", URL));
    assert_int_equal(o.families, RP_FAMILIES_IPV4);
    options_free(&o);
}

static void test_where_from(void **state)
{
    static const struct {
        const char *value, *address, *device;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7", NULL},
        {"2001:db8::7", "2001:db8::7", NULL},
        {"eth0", NULL, "eth0"},
        {"if!10.1", NULL, "10.1"},
        {"host!192.0.2.7", "192.0.2.7", NULL},
    };
    (void)state;
    tool_options o;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        accept(&o, COMMAND_GET, WORDS("--interface", cases[i].value, URL));
        if (cases[i].address == NULL)
            assert_null(o.local.address);
        else
            assert_string_equal(o.local.address, cases[i].address);
        if (cases[i].device == NULL)
            assert_null(o.local.device);
        else
            assert_string_equal(o.local.device, cases[i].device);
        options_free(&o);
    }
    accept(&o, COMMAND_LOAD, WORDS("--local-port", "4000", URL));
    assert_int_equal(o.local.first_port, 4000);
    assert_int_equal(o.local.last_port, 4000);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--local-port", "1-65535", URL));
    assert_int_equal(o.local.first_port, 1);
    assert_int_equal(o.local.last_port, 65535);
    options_free(&o);
    static const char *const bad[] = {"",          "0",          "-9", "4000-",
                                      "4000-3999", "4000-65536", "x",  "1-2-3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char sentence[100];
        (void)snprintf(sentence, sizeof(sentence),
                       "--local-port wants PORT or PORT-PORT, not \"%s\"", bad[i]);
        refuse(COMMAND_GET, WORDS("--local-port", bad[i], URL), EXIT_USAGE, sentence);
    }
}

/* putenv keeps the text. */
static void set_variable(const char *name, const char *value)
{
    static char texts[3][32];
    char *text = texts[name[0] == 'C' ? 0 : name[9] == 'F' ? 1 : 2];
    (void)snprintf(text, sizeof(texts[0]), "%s=%s", name, value);
    assert_int_equal(putenv(text), 0);
}

static void assert_trust(command c, const char *const *words, const char *file, const char *folder)
{
    tool_options o;
    accept(&o, c, words);
    if (file == NULL)
        assert_null(o.tls.ca_file);
    else
        assert_string_equal(o.tls.ca_file, file);
    if (folder == NULL)
        assert_null(o.tls.ca_directory);
    else
        assert_string_equal(o.tls.ca_directory, folder);
    options_free(&o);
}

/* As curl: options, then CURL_CA_BUNDLE, then the other two; empty is as good as none. */
static void test_trust_of_environment(void **state)
{
    (void)state;
    set_variable("CURL_CA_BUNDLE", "");
    set_variable("SSL_CERT_FILE", "");
    set_variable("SSL_CERT_DIR", "");
    assert_trust(COMMAND_GET, WORDS(URL), NULL, NULL);
    set_variable("SSL_CERT_DIR", "d");
    assert_trust(COMMAND_GET, WORDS(URL), NULL, "d");
    set_variable("SSL_CERT_FILE", "f");
    assert_trust(COMMAND_LOAD, WORDS(URL), "f", NULL); /* it is empty */
    set_variable("CURL_CA_BUNDLE", "b");
    assert_trust(COMMAND_GET, WORDS(URL), "b", NULL);
    assert_trust(COMMAND_TRUST, WORDS("--capath", "x"), NULL, "x");
    assert_trust(COMMAND_TRUST, &(const char *){NULL}, "b", NULL);
    assert_trust(COMMAND_GET, WORDS("--cacert", "c", URL), "c", NULL);
    assert_trust(COMMAND_GET, WORDS("-k", URL), NULL, NULL);
    set_variable("CURL_CA_BUNDLE", "");
    set_variable("SSL_CERT_FILE", "");
    set_variable("SSL_CERT_DIR", "");
}

/* --proto: what each list leaves of the protocols, as curl reads it. */
static void test_protocols(void **state)
{
    static const struct {
        const char *list;
        bool http, https;
    } cases[] = {
        {"=https", false, true},     {"=http,https", true, true},
        {"-http", false, true},      {"-all,https", false, true},
        {"-all,+HTTP", true, false}, {"=ftp", false, false},
        {"https", true, true},       {"", true, true},
        {"=", true, true},           {"=https,ftp,http", true, true},
        {"-ftp", true, true},        {"=all,-http", false, true},
        {"=httpx,-", false, false},
    };
    tool_options o;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        accept(&o, COMMAND_GET, WORDS("--proto", cases[i].list, URL));
        assert_int_equal(options_allow(&o, "http://h/", false, &why),
                         cases[i].http ? EXIT_OK : EXIT_SCHEME);
        assert_int_equal(options_allow(&o, "HTTPS://h/", false, &why),
                         cases[i].https ? EXIT_OK : EXIT_SCHEME);
        options_free(&o);
    }
    accept(&o, COMMAND_GET, WORDS("--proto-redir", "=https", URL));
    assert_int_equal(options_allow(&o, "http://h/", false, &why), EXIT_OK);
    assert_int_equal(options_allow(&o, "http://h/", true, &why), EXIT_SCHEME);
    assert_int_equal(options_allow(&o, "https://h/", true, &why), EXIT_OK);
    assert_int_equal(o.redirect_flags & RP_REDIRECT_INSECURE, 0);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--proto-redir", "http,https,-http", URL));
    assert_int_equal(o.redirect_flags & RP_REDIRECT_INSECURE, 0);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--disallow-username-in-url", URL));
    assert_int_equal(options_allow(&o, "http://a@h/", false, &why), EXIT_LOGIN);
    assert_int_equal(options_allow(&o, "http://@h/", false, &why), EXIT_LOGIN);
    assert_int_equal(options_allow(&o, "http://h/@", false, &why), EXIT_OK);
    options_free(&o);
}

static void test_rates(void **state)
{
    static const char *const bad[] = {"0/s", "x", "2/", "2/y", "2/ss", "/s", "", "-1/s", "5/2s"};
    tool_options o;
    (void)state;
    accept(&o, COMMAND_GET, WORDS("--rate", "4/s", "-Y", "5", URL));
    assert_int_equal(o.global.start_interval_ms, 250);
    assert_int_equal(o.speed_limit, 5);
    assert_int_equal(o.speed_seconds, 30);
    options_free(&o);
    accept(&o, COMMAND_GET, WORDS("--rate", "60", "-y", "9", URL));
    assert_int_equal(o.global.start_interval_ms, 60000);
    assert_int_equal(o.speed_limit, 1);
    assert_int_equal(o.speed_seconds, 9);
    options_free(&o);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuse(COMMAND_GET, WORDS("--rate", bad[i], URL), EXIT_USAGE,
               "--rate is a number above 0 and /s, /m, /h or /d: \"2/s\"");
}

/* A mean of five seconds: a pause is not slow yet, and what was fast once is not for long. */
static void test_speed(void **state)
{
    static const uint64_t slow[] = {0, 0, 0}, pauses[] = {50, 50, 50, 100, 100, 100, 150},
                          stops[] = {100, 200, 300, 300, 300, 300, 300, 300, 300};
    speed s = {.ticks = 0};
    (void)state;
    assert_false(speed_tick(&s, slow[0], 10, 3));
    assert_false(speed_tick(&s, slow[1], 10, 3));
    assert_true(speed_tick(&s, slow[2], 10, 3));
    s = (speed){.ticks = 0};
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
        assert_false(speed_tick(&s, pauses[i], 10, 2));
    s = (speed){.ticks = 0};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
        assert_int_equal(speed_tick(&s, stops[i], 10, 2), i == 8);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),    cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_data),       cmocka_unit_test(test_no_body),
        cmocka_unit_test(test_upload),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_rates),      cmocka_unit_test(test_speed),
        cmocka_unit_test(test_tls),        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_versions),   cmocka_unit_test(test_streams),
        cmocka_unit_test(test_load),       cmocka_unit_test(test_where),
        cmocka_unit_test(test_where_from), cmocka_unit_test(test_trust_of_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
