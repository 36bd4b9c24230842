/* hedge.h - a request whose answer is late is sent a second time, by the options of load.h, and the
 * first usable answer is its answer.
 *
 * The second is a request of its own, which its caller never sees: it has its own connection,
 * deadlines and replays, and shares the first's message. While both are under way either may end,
 * and nobody is told. One that goes on alone answers for both: if that is the second, the first has
 * left its connection, and what the second gets is told as the first's (it carries it). So above
 * this nobody knows of two, but that such a request is ACTIVE without a connection. */
#ifndef RP_CLIENT_HEDGE_H
#define RP_CLIENT_HEDGE_H

#include "client/client.h"

/* Of a request that may be hedged, and of its second. */
typedef struct rp_hedge {
    rp_hedge_options options; /* with every default filled in */
    rp_request *first;
    rp_request *second; /* NULL: there is none */
    rp_timer timer;
    bool carries;   /* the second does */
    bool elsewhere; /* the second is offered to connections to other addresses only */
    bool won;       /* it was the second that answered */
    bool tried;     /* a second was sent in this try */
    unsigned sent;  /* seconds, of all tries */
} rp_hedge;

/* What an origin keeps for it; made when it is first needed. */
typedef struct rp_hedge_lessons rp_hedge_lessons;

/* RP_E_BAD_OPTION. */
rp_status rp__hedge_check(const rp_hedge_options *options, rp_error *error);
/* Of a new request, by its own options (NULL: the client's). RP_E_NO_MEMORY, RP_E_BAD_OPTION. */
rp_status rp__hedge_begin(rp_request *request, const rp_hedge_options *options, rp_error *error);

/* ---- what requests with a hedge tell ---- */

/* Its first byte is written; its last was. */
void rp__hedge_begun(rp_request *request);
void rp__hedge_sent(rp_request *request);
/* A final answer's head came. False: it is not this request's to tell, or was told as the
 * first's. */
bool rp__hedge_head(rp_request *request, const rp_response_head *head);
/* It fails. True: it was the first, and the second carries it from here on. */
bool rp__hedge_failed(rp_request *request, const rp_error *error);
/* It leaves where it is for good: without its second. */
void rp__hedge_leaves(rp_request *request);
/* A second has ended; which frees it, and may end the first. */
void rp__hedge_ended(rp_request *second, const rp_error *error);

/* ---- what is asked of them ---- */

/* What the summary says of it. */
void rp__hedge_summary(const rp_request *request, rp_response_summary *summary);
/* May interim answers be told of it? */
bool rp__hedge_tells_interim(const rp_request *request);
/* Who has its connection: itself, or the second that carries it. */
rp_request *rp__hedge_carrier(const rp_request *request);
/* To whom its answer is told: itself, or the first that it carries. */
const rp_request *rp__hedge_teller(const rp_request *request);
/* May it be given to this connection? A second is not sent where the first is. */
bool rp__hedge_may_use(const rp_request *request, const rp_conn *conn);
/* Nobody misses it: a second beside its first. */
bool rp__hedge_is_beside_first(const rp_request *request);
/* It was given up because the second was faster. */
bool rp__hedge_is_lost(const rp_request *request);

void rp__hedge_forget(rp_origin *origin);

#endif
