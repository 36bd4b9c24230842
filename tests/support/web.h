/* web.h - an HTTP client and the tests' server on one loop, and requests with an account of what
 * came of them.
 *
 * Checks at every callback: none comes inside a call of ours; informational heads, then one final
 * head, then the body; nothing after a cancel but on_done; on_done once and last. */
#ifndef RP_TESTS_WEB_H
#define RP_TESTS_WEB_H

#include "client/client.h"
#include "support/fixture.h"
#include "support/probe.h"
#include "support/server.h"

typedef struct web {
    rp_loop *loop;
    server *server;
    rp_client *client;
    rp_tls_config *client_tls, *server_tls;
    unsigned starting; /* our calls on the stack */
} web;

/* version: 12, 13, 0 for plain HTTP. Options may be NULL; their TLS configurations are set here. */
void web_begin(web *w, int version, const server_options *serving, const rp_client_options *client);
/* The server is in a thread and on a loop of its own: the loop's counters are the client's
 * alone. */
void web_begin_apart(web *w, int version, const server_options *serving,
                     const rp_client_options *client);
/* Everything ends. Asserts that nothing woke for nothing, that no TLS call was idle, and that the
 * loop has nothing pending. */
void web_end(web *w);
server_counts *web_counts(web *w);
/* Runs the test in a web of each version. */
void web_each_version(const server_options *serving, const rp_client_options *client,
                      void (*test)(web *w));

typedef struct fetch fetch;
struct fetch {
    web *web;
    rp_request *request; /* NULL before the start and after on_done */
    bool cancelled;      /* by us */

    unsigned informational, heads, dones;
    int status, version;
    uint64_t announced; /* content_length */
    char header[256];   /* the last value of the header that header_name names */
    const char *header_name;
    size_t header_count;

    uint64_t body_bytes;
    bool checked;    /* the body must follow probe_byte's pattern */
    char text[1024]; /* the body's first bytes, NUL-terminated */

    rp_error error;              /* status RP_OK: none */
    rp_response_summary summary; /* its pointers are dead; these are kept: */
    char address[64], local_address[64];
    bool tls; /* it named a version and a cipher */

    /* What the test adds; each may be NULL. */
    void (*on_head)(fetch *f);
    void (*on_body)(fetch *f, size_t size);
    void (*on_done)(fetch *f);
    void *user;
};

/* Set f to zero first, and what the test wants of it. path goes to the web's server; options may be
 * NULL, and its url too. Returns false if it could not be started: f->error says why. */
bool fetch_start(fetch *f, web *w, const char *path, const rp_request_options *options);
void fetch_cancel(fetch *f);
void fetch_consume(fetch *f, size_t size);
/* Turns until it is done. */
void fetch_wait(fetch *f);
/* Starts, waits, and asserts that it succeeded with that status. */
void fetch_good(fetch *f, web *w, const char *path, const rp_request_options *options, int status);
/* Starts, waits, and asserts that it failed so. */
void fetch_bad(fetch *f, web *w, const char *path, const rp_request_options *options,
               rp_status status, rp_phase phase);

#endif
