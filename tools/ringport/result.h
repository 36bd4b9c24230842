/* result.h - what `ringport get` knows of its request when it is over, for -w and -v. */
#ifndef TOOL_RESULT_H
#define TOOL_RESULT_H

#include "certs.h"
#include "fields.h"
#include "head.h"

typedef struct result {
    const tool_options *options;
    const char *url;           /* as it was sent first */
    const char *effective_url; /* and last, when it was redirected */
    const char *redirect_url;  /* where the response leads; NULL: nowhere */
    unsigned redirects;        /* that were followed */
    uint64_t redirect_us;
    const char *method;
    fields *fields; /* of the request, the last one when it was redirected */
    int exit_code;
    char message[RP_ERROR_TEXT_SIZE]; /* "": none */
    const char *backend;
    const rp_loop_stats *stats;

    /* Of the final response. */
    int status, version;
    int tunnel_status; /* of a proxy's last answer to CONNECT; 0: there was none */
    head_copy head;
    size_t head_bytes; /* of all heads */
    size_t number;     /* of the URL, from 0 on */
    const char *file;  /* that was written; "": none */

    /* Of the summary; the strings are copies. */
    uint64_t body_bytes, bytes_sent, body_bytes_sent;
    unsigned attempts;
    bool reused, resumed, certificate_missed;
    int connection_version; /* 11, 20; 0: there was no connection */
    uint32_t stream;        /* HTTP/2's number for the request, 0: none */
    char address[64], local_address[64], tls_version[16], tls_cipher[64], tls_group[32];
    rp_timings timings;
    char why[320]; /* it took so long; "": not asked */
    certs certs;   /* that the server sent, if -w asks */
} result;

/* Prints -w's format. out: where to, until %{stderr} or %{stdout} changes it. */
void write_out(const result *r, const char *format, FILE *out);

/* Whether it tells of the server's certificates. format NULL: no. */
bool write_out_wants_certs(const char *format);

/* -v: the first line; the connection's phases as far as it came; the last lines. */
void print_begin(const result *r, FILE *out);
void print_connection(const result *r, FILE *out);
void print_totals(const result *r, FILE *out);

/* -v's picture of the request. */
void print_request(const result *r, FILE *out);

#endif
