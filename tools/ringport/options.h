/* options.h - the command lines of `ringport get` and `ringport load`. Names and meaning are curl's
 * where curl has the option. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include "body.h"

#include <ringport/http.h>
#include <stdio.h>

typedef enum command { COMMAND_GET = 1, COMMAND_LOAD = 2, COMMAND_TRUST = 4 } command;

/* Strings belong to argv unless said otherwise. */
typedef struct tool_options {
    const char *url; /* NULL: none was given */
    char *own_url;   /* set where url had to be changed */

    /* The request. */
    const char *method; /* NULL: decided by the rest, see options_method */
    rp_header *headers; /* these and their strings are own memory */
    size_t header_count;
    body body;
    const char *upload; /* the file's name, its content is in body */
    const char *user_agent;
    bool head;
    bool data;            /* body came from -d */
    bool no_content_type; /* -H 'Content-Type:' */

    /* The connection. */
    const char **resolve; /* own memory */
    size_t resolve_count;
    const char **connect_to; /* own memory */
    size_t connect_to_count;
    char *unix_socket; /* own memory; for connect_to */
    const char *dns_servers;
    rp_families families;
    const char *backend;
    uint64_t connect_timeout_ms, max_time_ms, first_byte_timeout_ms, idle_timeout_ms;
    uint64_t keepalive_ms;
    bool no_keepalive;
    rp_tls_options tls;
    char *own_certificate; /* of --cert, without the password */
    const char *tls_max;
    bool tls12, tls13, insecure;
    bool lenient_lines;
    rp_http_versions versions;
    bool prior_knowledge; /* HTTP/2 on http URLs */

    /* get: the output. */
    const char *output, *write_out;
    char *own_write_out; /* of --write-out @file */
    bool include, verbose, silent, show_error, fail;

    /* load. */
    uint64_t connections, requests, threads;
    uint64_t streams; /* at once on a connection */
    uint64_t duration_ms;
    const char *coalesce;
    uint32_t coalesce_us;
    bool new_connections, json;

    bool help;
    char message[512]; /* what was wrong */
} tool_options;

/* Parses argv[0 .. argc - 1], which begins behind the command's name. EXIT_OK, or the exit code
 * with o->message set. o is set by the call; options_free it in either case. */
int options_parse(tool_options *o, command c, int argc, char **argv);
void options_free(tool_options *o);

/* The method for rp_request_options, NULL for its default. */
const char *options_method(const tool_options *o);

/* Every option of a command with its help, for --help. */
void options_print(command c, FILE *out);

#endif
