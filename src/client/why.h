/* why.h - what a request that asks for it (explain) notes, for one sentence on where its time
 * went. */
#ifndef RP_CLIENT_WHY_H
#define RP_CLIENT_WHY_H

#include "client/client.h"

#define RP_WHY_SIZE 320

typedef enum rp_wait_cause {
    RP_WAIT_CONNECTION, /* one is being opened, or all that the origin may have are in use */
    RP_WAIT_TOTAL,      /* all that the client may have are */
    RP_WAIT_OPENINGS,   /* no more may be opened at a time */
    RP_WAIT_LIMIT,      /* no more may be asked of the origin at a time */
    RP_WAIT_PROBE       /* it is down, and asked now and then whether it still is */
} rp_wait_cause;

typedef struct rp_explain {
    rp_wait_cause cause;   /* of the wait in the queue */
    uint32_t ahead;        /* requests that were before it, in the queue and on connections */
    uint64_t credit_ns;    /* so long the caller owed all of its credit... */
    uint64_t owes_ns;      /* ...and does since; 0: it does not */
    uint64_t body_ns;      /* so long there was nothing of the body to send, for the caller... */
    uint64_t lacks_ns;     /* ...has not given it since; 0: there is */
    uint64_t away_ns;      /* the loop's, at the beginning */
    unsigned again;        /* times that it went out once more: redirects, retries, replays... */
    uint64_t begun_ns;     /* ...the last of which began then */
    uint64_t ended_ns;     /* it waits for the next since then; 0: it does not */
    uint64_t between_ns;   /* so long it waited for all of them */
    uint64_t tunnelled_us; /* as of rp_timings: its proxy's tunnel stood */
    uint32_t resent_then;  /* of its connection, when it got it */
    rp_tcp_numbers tcp;    /* when it left it */
    char text[RP_WHY_SIZE];
} rp_explain;

/* False: no memory. */
bool rp__why_begin(rp_request *request);
void rp__why_end(rp_request *request);
/* It waits in its origin's queue; what may be opened for it is. */
void rp__why_queued(rp_request *request);
/* What went out ended, and it goes out once more; and: now it does, if that is so. */
void rp__why_again(rp_request *request);
void rp__why_goes(rp_request *request);
/* Does the caller owe all of its credit from here on? */
void rp__why_owes(rp_request *request, bool owes);
/* Is there nothing of the body to send from here on, for the caller has not given it? */
void rp__why_lacks(rp_request *request, bool lacks);
/* The sentence; lives as long as the request. */
const char *rp__why_text(rp_request *request, const rp_response_summary *summary);

#endif
