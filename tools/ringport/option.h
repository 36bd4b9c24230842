/* option.h - how options are declared: each file option_*.c has a table of those of one concern,
 * the functions that take their values, and what they mean together. One more is one line there. */
#ifndef TOOL_OPTION_H
#define TOOL_OPTION_H

#include "exit_code.h"
#include "options.h"

#include <stddef.h>

typedef enum kind {
    KIND_FLAG,       /* a bool; --no-NAME makes it false */
    KIND_TEXT,       /* a const char * */
    KIND_SECONDS,    /* a uint64_t in milliseconds */
    KIND_LIMIT,      /* likewise, and 0 is RP_NEVER_MS */
    KIND_COUNT,      /* a uint64_t above 0, with k (a thousand) or M behind it */
    KIND_NUMBER,     /* likewise, or 0 */
    KIND_SIZE,       /* a uint64_t, with k, M, G or T behind it */
    KIND_CALL,       /* take() */
    KIND_NEXT,       /* what follows is of another operation */
    KIND_CONFIG,     /* a file of options */
    KIND_UNSUPPORTED /* curl has it, ringport has not: help says why */
} kind;

typedef struct option {
    const char *name;
    char letter; /* 0: none */
    kind kind;
    unsigned commands;
    const char *value; /* what help calls its value; NULL: it takes none */
    size_t offset;
    int (*take)(tool_options *o, const char *value);
    const char *help; /* NULL: not shown */
} option;

#define GET COMMAND_GET
#define LOAD COMMAND_LOAD
#define BOTH (COMMAND_GET | COMMAND_LOAD)
#define JUDGE COMMAND_JUDGE
#define ALL (BOTH | COMMAND_TRUST)
#define AT(member) offsetof(tool_options, member), NULL
#define CALL(function) 0, function

/* Each ends with an option without a name. */
extern const option request_options[], data_options[], form_options[], output_options[],
    cookie_options[], load_options[], connection_options[], proxy_options[], redirect_options[],
    tls_options[], judge_options[], limit_options[], refused_options[];

/* What the options of a concern mean together, when all of an operation are there. */
int finish_request(tool_options *o);
int finish_data(tool_options *o); /* first */
int finish_output(tool_options *o);
int finish_load(tool_options *o);
/* load: reads the file of --requests-from, if there is one; its first URL is the URL then. */
int list_requests(tool_options *o);
int finish_tls(tool_options *o);
int finish_redirects(tool_options *o);
int finish_judge(tool_options *o);

/* What the environment says of trust, where no option does: as curl has it, CURL_CA_BUNDLE, or else
 * SSL_CERT_FILE and SSL_CERT_DIR. */
void options_environment(tool_options *o);

/* "10s", "500ms": a time with its unit, as other programs' -d has it. */
bool option_is_duration(const char *text);

/* ---- For functions that take a value: EXIT_OK, or the exit code with o->message set ---- */

int option_fail(tool_options *o, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int option_no_memory(tool_options *o);

/* A copy of text that lives as long as o. NULL: no memory. */
char *option_keep(tool_options *o, const char *text, size_t size);

/* Adds value to a list, which is o's to free. */
int option_add_text(tool_options *o, const char ***texts, size_t *count, const char *value);

/* The text of a file, "-" for standard input, which lives as long as o. */
int option_read_file(tool_options *o, const char *path, const char **text);

/* The next URL; the next target without an output, which has one now (NULL: no memory). */
int option_add_url(tool_options *o, const char *url);
tool_target *option_next_output(tool_options *o);

/* value NULL: not to be sent. */
int option_add_header(tool_options *o, const char *name, const char *value);
bool option_has_header(const tool_options *o, const char *name);
/* Its value; NULL: there is none, or it is not to be sent. */
const char *option_header(const tool_options *o, const char *name);

/* "2", "0.25", "10s", "500ms", "1.5m", "1h": to milliseconds, rounded up, so that a little is not
 * nothing. */
bool option_parse_seconds(const char *text, uint64_t *milliseconds);

/* Digits only, at most limit. */
bool option_parse_count(const char *text, uint64_t limit, uint64_t *count);

#endif
