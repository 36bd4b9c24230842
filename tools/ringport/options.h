/* options.h - the command lines of `ringport get` and `ringport load`. Names and meaning are curl's
 * where curl has the option. How an option is declared: option.h. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include "body.h"
#include "request_list.h"

#include <ringport/http.h>
#include <stdio.h>

/* What --proto denies, or'ed. */
enum { PROTOCOL_HTTP = 1, PROTOCOL_HTTPS = 2 };

typedef enum command {
    COMMAND_GET = 1,
    COMMAND_LOAD = 2,
    COMMAND_TRUST = 4,
    COMMAND_JUDGE = 8
} command;

/* A URL, where its response goes and what is sent. As with curl, the first -o is the first URL's,
 * wherever it stands, and so is the first -T. */
typedef struct tool_target {
    const char *url;    /* NULL: there are fewer URLs than outputs */
    const char *output; /* NULL or "-": standard output */
    bool has_output;    /* -o or -O was given */
    bool remote_name;   /* -O */
    const char *upload; /* NULL: none */
    bool has_upload;    /* -T was given */
} tool_target;

/* What --next does not end: it is the same for all operations. */
typedef struct tool_globals {
    bool verbose, silent, show_error, fail_early, parallel, progress_bar, no_meter;
    uint64_t parallel_max;      /* 0: 50 */
    uint64_t start_interval_ms; /* of --rate; 0: none */
    const char *stderr_path;
} tool_globals;

/* See option_proxy.c. */
typedef struct tool_proxy {
    const char *url;      /* "": none, and none of the environment's; NULL: that */
    const char *user;     /* "USER:PASSWORD" */
    const char *no_proxy; /* NULL: the environment's */
    const char **headers; /* own memory */
    size_t header_count;
    rp_tls_options tls; /* with an https proxy */
    bool tunnel, ignored;
    bool heads_hidden; /* of its answer to CONNECT */
} tool_proxy;

/* See option_judge.c. */
typedef struct tool_judge {
    const char **names; /* of situations and classes; own memory */
    size_t name_count;
    char **command; /* of argv */
    size_t command_count;
    uint64_t limit_ms;
    bool list;
} tool_judge;

/* An operation: some URLs and what is done with them. Strings belong to argv unless said
 * otherwise. */
typedef struct tool_options {
    struct tool_options *next; /* of --next */
    struct kept *kept;         /* memory that goes with this */
    tool_globals global;

    const char *url;      /* the first */
    tool_target *targets; /* own memory */
    size_t target_count;

    /* The request. */
    const char *method; /* NULL: decided by the rest, see options_method */
    rp_header *headers; /* own memory; value NULL: not to be sent, though it would be otherwise */
    size_t header_count;
    body body;
    bool uploads; /* -T; load has the content in body */
    uint64_t expect_timeout_ms;
    const char *user_agent;
    bool head;
    bool data;          /* body came from -d and its like */
    bool json_body;     /* of --json */
    bool data_as_query; /* -G */
    struct form_part *form,
        *form_open; /* of -F: the first part; the one that others are put into */
    bool form_escape;
    body query;        /* text, for behind the URL's; NULL data: none */
    const char *range; /* "bytes=0-499" */
    const char *referer;
    bool referer_follows;       /* each hop names the one before */
    const char *request_target; /* in place of the URL's */
    bool path_as_is, no_glob;
    uint8_t protocols_denied, redirects_denied; /* the latter behind redirects */
    const char *default_scheme;                 /* of URLs without one; NULL: http */
    bool no_user_in_url;
    bool compressed;

    /* The connection. */
    const char **resolve; /* own memory */
    size_t resolve_count;
    const char **connect_to; /* own memory */
    size_t connect_to_count;
    const char *unix_socket; /* for connect_to */
    const char *dns_servers;
    tool_proxy proxy;
    rp_families families;
    rp_local local;
    const char *backend;
    uint64_t connect_timeout_ms, max_time_ms, first_byte_timeout_ms, idle_timeout_ms;
    uint64_t keepalive_ms;
    bool no_keepalive;
    rp_tls_options tls;
    bool tls12, tls13, insecure;
    bool lenient_lines;
    rp_http_versions versions;
    bool prior_knowledge; /* HTTP/2 on http URLs */

    /* Redirects and credentials: option_redirect.c. */
    bool location, redirects_given, basic, netrc, netrc_optional;
    uint32_t redirects, redirect_flags;
    const char *user, *password, *bearer, *netrc_file;

    /* get: the output. */
    const char *write_out, *dump_header, *output_dir, *trace;
    bool why;
    bool include, fail, fail_with_body;
    bool remote_name_all, remote_header_name, create_dirs, no_clobber, remote_time;
    bool resume, resume_by_file; /* -C; "-C -" */
    bool remove_on_error;
    uint64_t resume_at, max_size, rate;
    uint64_t speed_limit, speed_seconds; /* limit 0: none */
    const char *condition;      /* "If-Modified-Since" or "If-Unmodified-Since"; NULL: none */
    const char *condition_date; /* for it */
    int64_t condition_time;
    const char *etag_save, *etag_compare;

    /* get: cookies. */
    const char *cookie;        /* to be sent as it is, beside those of the jar */
    const char **cookie_files; /* own memory */
    size_t cookie_file_count;
    const char *cookie_jar; /* to write */
    bool no_session_cookies;

    /* get: trying again. */
    uint64_t retries, retry_delay_ms, retry_time_ms;
    bool retry_refused, retry_all;

    /* load. */
    uint64_t connections, requests, threads;
    uint64_t streams; /* at once on a connection */
    uint64_t duration_ms, warm_up_ms;
    uint64_t rate_per_s; /* 0: the next begins when one has ended */
    request_list list;   /* of --requests-from */
    const char *list_path;
    uint64_t seed; /* 0: they are taken in turn */
    rp_hedge_options hedge;
    const char *report; /* a file; NULL: none */
    uint32_t coalesce_us;
    bool new_connections, json;

    tool_judge judge;

    bool help, version;
    bool ignored;      /* what is so in any case */
    char message[512]; /* what was wrong; of the first operation */
} tool_options;

/* Parses argv[0 .. argc - 1], which begins behind the command's name. EXIT_OK, or the exit code
 * with o->message set. o is set by the call; options_free it in either case. */
int options_parse(tool_options *o, command c, int argc, char **argv);
void options_free(tool_options *o);

/* The method for rp_request_options, NULL for its default. upload: this URL has a -T. */
const char *options_method(const tool_options *o, bool upload);

/* Expect: 100-continue is among the headers; of another value nothing comes. */
bool options_expect(const tool_options *o);

/* Of -u without a password: whoever sits there is asked. EXIT_OK, or the exit code with o->message
 * set. */
int options_ask_passwords(tool_options *o);

/* May this URL, complete, be asked for, or behind a redirect? EXIT_OK, or the exit code; *why says
 * what is wrong. */
int options_allow(const tool_options *o, const char *url, bool redirected, const char **why);

/* Every option of a command with its help, for --help (help.h). */
void options_print(command c, FILE *out);

#endif
