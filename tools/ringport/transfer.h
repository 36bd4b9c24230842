/* transfer.h - one URL of an operation: its request, its response, and what is told at the end. */
#ifndef TOOL_TRANSFER_H
#define TOOL_TRANSFER_H

#include "redirect.h"
#include "result.h"
#include "setup.h"

typedef struct transfer transfer;
typedef void transfer_fn(transfer *t, void *user);

/* What a transfer needs of its operation. */
typedef struct operation {
    const tool_options *options;
    setup setup;
    rp_client *client;
    int exit_code; /* why there is no client */
    char message[RP_ERROR_TEXT_SIZE];
    bool begun;
    size_t next; /* target */
} operation;

struct transfer {
    rp_loop *loop;
    operation *operation;
    const tool_target *target;
    char *url;
    fields fields;
    FILE *out;      /* opened with the first byte */
    bool no_output; /* -f and a status that fails */
    bool told_connection;
    redirects redirects;
    result result;
    transfer_fn *on_end;
    void *user;
};

/* on_end is called from a later turn: the transfer is over, its outcome told, and t the caller's to
 * free with transfer_free. False: it was over at once, and on_end is not called. */
bool transfer_start(transfer *t, rp_loop *loop, operation *p, const tool_target *target,
                    transfer_fn *on_end, void *user);
void transfer_free(transfer *t);

#endif
