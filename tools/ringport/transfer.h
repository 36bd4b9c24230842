/* transfer.h - one URL of an operation: its request, its response, and what is told at the end. */
#ifndef TOOL_TRANSFER_H
#define TOOL_TRANSFER_H

#include "cookies.h"
#include "output.h"
#include "progress.h"
#include "redirect.h"
#include "result.h"
#include "retry.h"
#include "setup.h"
#include "speed.h"
#include "trace.h"
#include "upload.h"

typedef struct transfer transfer;
typedef void transfer_fn(transfer *t, void *user);

/* What a transfer needs of its operation. */
typedef struct operation {
    const tool_options *options;
    setup setup;
    rp_client *client;
    event_log log; /* of --trace */
    int exit_code; /* why there is no client */
    char message[RP_ERROR_TEXT_SIZE];
    bool begun;
    bool dumped;     /* -D: its file is begun */
    cookie_jar *jar; /* of all operations; NULL: this one has none */
} operation;

/* What is asked for; the strings are borrowed until it starts. */
typedef struct transfer_source {
    rp_loop *loop; /* NULL: there is none */
    operation *operation;
    const tool_target *target;
    const char *url, *output; /* of target, without globs; output NULL: none */
    size_t number;            /* of the URL */
} transfer_source;

struct transfer {
    rp_loop *loop;
    operation *operation;
    const char *upload_path; /* of -T; NULL: none */
    char *url;
    char *cookie;     /* sent with the request, or the last one behind a redirect */
    char *page;       /* whom the last redirect was from, for Referer */
    bool strayed;     /* a redirect led to another origin */
    rp_header hop[3]; /* what a redirect has sent */
    fields fields;
    output out;
    FILE *dump;     /* of -D */
    bool no_output; /* the body is not wanted */
    bool decided;   /* the outcome is, whatever the request ends with */
    upload *upload; /* of -T or -F */
    bool told_connection, told_proxy, aborted;
    redirects redirects;
    uint64_t resume_at;
    progress progress;
    char range[48], upload_range[80];
    rp_request *request; /* NULL: none is under way */
    uint64_t withheld;   /* bytes of credit, for --limit-rate */
    rp_timer timer;      /* of the next credit, or the next try */
    rp_timer speed_timer;
    speed speed;
    retry retry;
    result result;
    transfer_fn *on_end;
    void *user;
    transfer *next; /* the caller's */
};

/* on_end is called from a later turn: the transfer is over, its outcome told, and t the caller's to
 * free with transfer_free. False: it was over at once, and on_end is not called. */
bool transfer_start(transfer *t, const transfer_source *source, transfer_fn *on_end, void *user);
void transfer_free(transfer *t);

/* It need not go on: it ends soon, with EXIT_CANCELLED if it has not ended otherwise. */
void transfer_abort(transfer *t);

#endif
