/* setup.h - from options to ringport's objects: what get and load have in common. */
#ifndef TOOL_SETUP_H
#define TOOL_SETUP_H

#include "fields.h"

/* What all loops and threads share. */
typedef struct setup {
    rp_tls_config *tls; /* NULL: plain http */
    rp_resolver *resolver;
    rp_proxy *proxy; /* NULL: none */
    FILE *keylog;    /* SSLKEYLOGFILE, NULL: none */
} setup;

/* EXIT_OK, or the exit code with *error set. setup_destroy in either case. */
int setup_create(setup *s, const tool_options *o, rp_error *error);
/* rp_tls_config_create, whose error says who gave what can't be used. */
rp_status setup_tls_config(rp_tls_config **config, const rp_tls_options *options, rp_error *error);

void setup_destroy(setup *s);

/* Of a request that failed. */
int setup_exit_code(const tool_options *o, const rp_error *error);

void setup_loop_options(const tool_options *o, rp_loop_options *loop_options);
void setup_client_options(const setup *s, const tool_options *o, rp_client_options *client_options);

/* For the first URL. f: what fields_compose made, borrowed. */
void setup_request_options(const tool_options *o, const fields *f,
                           rp_request_options *request_options);

/* "ringport: (60) certificate of ... expired", unless -s without -S. */
void print_failure(const tool_options *o, int code, const char *text);

#endif
