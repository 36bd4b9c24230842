/* replay.h - what follows when a request loses its connection: does it go out again, and what is
 * the caller told of whether it may send it again itself? */
#ifndef RP_CLIENT_REPLAY_H
#define RP_CLIENT_REPLAY_H

#include "client/client.h"

/* What is known of it. */
typedef enum rp_fate {
    RP_FATE_UNPROCESSED, /* the server did nothing with it, for it had nothing, or says so */
    RP_FATE_UNKNOWN      /* the server may have acted on it */
} rp_fate;

/* It goes out again; and notes that. False: it ends. */
bool rp_replay_again(rp_request *request, rp_fate fate);

/* The error of one whose fate is unknown: RP_E_STALE_CONNECTION, a message about peer, where the
 * connection had been used before and ended without a word; else as it is. */
void rp_replay_error(const rp_request *request, const char *peer, rp_error *error);

/* Adds what any failed request's error says of sending it again. */
void rp_replay_verdict(const rp_request *request, rp_error *error);

#endif
