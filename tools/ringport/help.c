/* help.c - the usage of a command, its options, examples, and its exit codes. The options are the
 * tables' (options_print); the rest stands here. */
#include "help.h"

#include <string.h>

#define COLUMNS 80
#define LEFT 32

void help_row(const char *left, const char *text, FILE *out)
{
    int column = fprintf(out, "  %s", left);
    if (column > LEFT) {
        fputc('\n', out);
        column = 0;
    }
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (column > LEFT && column + 1 + size > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%*s%.*s", column <= LEFT ? LEFT + 2 - column : 1, "", size, text);
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

typedef struct page {
    const char *usage, *examples, *codes;
} page;

static const page get_page = {
    "usage: ringport get [options] URL...\n"
    "\n"
    "Requests, as curl makes them, their responses to standard output.\n",
    "  ringport get https://api.example.com/status\n"
    "  ringport get -v -o page.html https://example.com/\n"
    "  ringport get --json '{\"name\":\"value\"}' https://api.example.com/items\n"
    "  ringport get -Z --retry 3 -O 'https://example.com/part[1-9].bin'\n",
    "Exit codes (curl's):\n"
    "  0 all went well     2 wrong usage         3 not a URL\n"
    "  6 name not resolved 7 no connection      18 the body ended early\n"
    " 22 --fail: status of 400 or more          23 output can't be written\n"
    " 28 a deadline passed                      35 TLS handshake failed\n"
    " 60 certificate not accepted               77 CA file can't be used\n"
    "The others are in ringport-get(1).\n"
    "\n"
    "Environment: http_proxy, https_proxy, all_proxy, no_proxy; CURL_CA_BUNDLE,\n"
    "SSL_CERT_FILE, SSL_CERT_DIR; SSLKEYLOGFILE, a file that TLS secrets are\n"
    "appended to.\n",
};

static const page load_page = {
    "usage: ringport load [options] URL\n"
    "\n"
    "Many requests, measured: throughput, latency, CPU time.\n",
    "  ringport load -n 100000 -c 64 https://localhost:8443/\n"
    "  ringport load --duration 30s -t 2 -c 200 https://localhost:8443/\n"
    "  ringport load -c 4 -m 100 --json https://localhost:8443/ >run.json\n"
    "  ringport load --rate 500 --requests-from calls.txt --report run.html\n",
    "Exit codes:\n"
    "  0 every request was ok                    1 some were\n"
    "  2 wrong usage                            22 no status was of 200 to 299\n"
    " 42 interrupted: the numbers are of what was done until then\n"
    "If all failed in one way, curl's code of that; they are in ringport-load(1).\n",
};

static const page trust_page = {
    "usage: ringport trust [options]\n"
    "\n"
    "The trust anchors that servers' certificates are judged by.\n",
    "  ringport trust\n"
    "  ringport trust --cacert ca.pem\n",
    "Exit codes:\n"
    "  0 all went well     2 wrong usage        77 they can't be read\n",
};

static const page judge_page = {
    "usage: ringport judge [options] -- COMMAND...\n"
    "\n"
    "Runs a client against a server that misbehaves, once for each situation, and\n"
    "says what it did and what is right. In the command {urls} stands for one URL or\n"
    "two, as the situation needs, {url} for one, {ca} for the file of the authority\n"
    "that the client is to trust, {port} and {host} for the parts of the URL. The\n"
    "client is to print the body, and to exit with 0 if all is well.\n",
    "  ringport judge -- curl -sS --cacert {ca} {urls}\n"
    "  ringport judge -s framing -s http2 -- ./my-client {url}\n"
    "  ringport judge --list\n",
    "Exit codes:\n"
    "  0 nothing was wrong                       1 something was\n"
    "  2 wrong usage                            42 interrupted\n"
    " 26 the command can't be run\n",
};

void help_print(command c, FILE *out)
{
    const page *p = c == COMMAND_GET     ? &get_page
                    : c == COMMAND_LOAD  ? &load_page
                    : c == COMMAND_TRUST ? &trust_page
                                         : &judge_page;
    fprintf(out, "%s\nOptions:\n", p->usage);
    options_print(c, out);
    fprintf(out, "\nExamples:\n%s\n%s", p->examples, p->codes);
}
