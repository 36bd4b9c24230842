/* replay.h - what follows when a request loses its connection: does it go out again, and what is
 * the caller told of whether it may send it again itself?
 *
 *   nothing of it was written       again at once, on any other connection; but not from one fresh
 *                                   connection to the next without end
 *   the server refused it           again, whatever its method, up to six times; after the first,
 *                                   if the server is short of something, by and by later
 *   the server is not in charge     again, once, on a connection that has served nobody before
 *     (421)                         (RFC 9110, 15.5.20); the next 421 is the answer
 *   the server meets no Expect      again, once, without it (RFC 9110, 15.5.18)
 *     (417)
 *   the server had waited too long  again, once, on a connection that has served nobody before, if
 *     (408) on an idle connection   it was idempotent: the 408 is what the server ends the
 *                                   connection with, and crossed the request on its way, so
 *                                   it comes soon
 *   the server wants HTTP/1.1       again, by HTTP/1.1, as all of its origin from then on; that it
 *                                   has done nothing is what it asks that for (RFC 9113, 7)
 *   unknown                         again, once, on such a connection, if it was idempotent and
 *                                   its connection not fresh
 *
 * Nothing of this if some of its body was sent that can't be made twice. */
#ifndef RP_CLIENT_REPLAY_H
#define RP_CLIENT_REPLAY_H

#include "client/client.h"

/* What a server says of a request that it did not answer (RFC 9113, 7). */
enum { RP_H2_REFUSED_STREAM = 0x7, RP_H2_ENHANCE_YOUR_CALM = 0xb, RP_H2_HTTP_1_1_REQUIRED = 0xd };

/* What is known of it. */
typedef enum rp_fate {
    RP_FATE_UNPROCESSED, /* the server did nothing with it, for it had nothing, or says so */
    RP_FATE_MISDIRECTED, /* the server did nothing with it, for it came by the wrong connection */
    RP_FATE_UNEXPECTING, /* likewise, for it meets no Expect */
    RP_FATE_TOO_LATE,    /* the server waited for it too long, as it says */
    RP_FATE_UNKNOWN      /* the server may have acted on it */
} rp_fate;

/* It goes out again, after the delay; and notes that. False: it ends. */
bool rp__replay_again(rp_request *request, rp_fate fate, const rp_error *error, uint64_t *delay_ms);

/* Is this head no answer, and the request to be sent again? *fate says why: the server is not in
 * charge; the request expected 100 Continue, which it does no more then; or the server ended an
 * idle connection with 408 (RFC 9110, 15.5.9) as it came. */
bool rp__replay_is_due(rp_request *request, const rp_response_head *head, rp_fate *fate);

/* The error of one that does not go out again, of a server that refused it for good, about peer; of
 * one whose fate is unknown: RP_E_STALE_CONNECTION where the connection had been used before and
 * ended without a word; else as it is. */
void rp__replay_error(const rp_request *request, rp_fate fate, const char *peer, rp_error *error);

/* Adds what any failed request's error says of sending it again. */
void rp__replay_verdict(const rp_request *request, rp_error *error);

#endif
