/* retry.h - a request that failed, or was answered with a status that says so, is sent again, by
 * the policy of load.h. It stands above replay.c: what that sends again at once, as the server
 * cannot mind, is no try of this.
 *
 * What request.c asks for stands in rp_retry_calls. A failed try leaves its connection, and waits
 * (rp__request_delay) before it goes to the pool again; of an answer that is not the last one the
 * body is read and dropped first, as of a redirect. */
#ifndef RP_CLIENT_RETRY_H
#define RP_CLIENT_RETRY_H

#include "client/client.h"

#define RP_RETRY_WHY_SIZE 160

typedef struct rp_retry_calls {
    /* Is this head not the answer, but one of a try behind which another follows? */
    bool (*head)(rp_request *request, const rp_response_head *head);
    /* Does another try follow behind this error? Then the request has left. */
    bool (*failed)(rp_request *request, const rp_error *error);
} rp_retry_calls;

/* Of a request that has a policy. */
typedef struct rp_retry {
    const rp_retry_calls *calls;
    rp_retry_options options; /* with every default filled in */
    unsigned tries;           /* that failed, and behind which another followed */
    uint64_t delay_ms;        /* before the next, or the last */
    bool waits;               /* for that */
    bool doubtful;            /* an earlier try may have been acted on */
    unsigned attempts;        /* of earlier tries */
    char why[RP_RETRY_WHY_SIZE];
} rp_retry;

/* RP_E_BAD_OPTION. */
rp_status rp__retry_check(const rp_retry_options *options, rp_error *error);
/* Of a new request, by its own policy (NULL: the client's). RP_E_NO_MEMORY, RP_E_BAD_OPTION. */
rp_status rp__retry_begin(rp_request *request, const rp_retry_options *options, rp_error *error);
/* It ended well: its origin's budget grows. */
void rp__retry_succeeded(const rp_request *request);

#endif
