/* upload.h - the body of a request: what its producer gives, what the protocol takes, and the wait
 * for 100 Continue.
 *
 * A producer is asked for bytes when the head has been written, and not again before it has given
 * some and these have gone; what it gives waits in memory, up to RP_UPLOAD_BYTES. Which protocol
 * sends it does not matter: it is told (rp_protocol's body) that there is something to send, takes
 * it when the network does (rp__body_take), and says so (rp__upload_taken). */
#ifndef RP_CLIENT_UPLOAD_H
#define RP_CLIENT_UPLOAD_H

#include "http/body.h"
#include "loop/loop.h"
#include <ringport/http.h>

#define RP_UPLOAD_BYTES ((size_t)64 * 1024)

typedef struct rp_upload {
    rp_body body;
    rp_body_wanted_fn *on_wanted;
    rp_body_rewind_fn *on_rewind;
    rp_deferred asking;
    rp_timer expect_timer;
    uint64_t expect_timeout_ms;
    bool asked; /* and nothing was given since */
} rp_upload;

/* From the options, which are sound. */
void rp__upload_make(rp_request *request, const rp_request_options *options, uint64_t length);
/* The same body once more, of one that is in memory. */
void rp__upload_copy(rp_request *request, const rp_request *from);
/* What it holds: from here on it has no body. */
void rp__upload_free(rp_request *request);

/* The head is written, and more than that is to be sent. */
void rp__upload_begins(rp_request *request);
/* An answer's head came, interim ones included. */
void rp__upload_answered(rp_request *request, const rp_response_head *head);
/* Nobody wants the rest of it: the answer is there. */
void rp__upload_ends(rp_request *request);
/* The protocol took some. */
void rp__upload_taken(rp_request *request);
/* The request is on no connection any more. */
void rp__upload_pauses(rp_request *request);

/* Is it the caller's turn, or is there a wait for 100 Continue? What is waited for, for messages;
 * NULL: neither. */
const char *rp__upload_waits(const rp_request *request);

/* May it be sent once more, from the beginning? And does so. */
bool rp__upload_can_repeat(const rp_request *request);
void rp__upload_repeats(rp_request *request);

#endif
