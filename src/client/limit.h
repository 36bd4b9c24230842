/* limit.h - how much of an origin is asked at once, who may wait for it, and how often it is tried
 * while it is down. The public load.h says what for. */
#ifndef RP_CLIENT_LIMIT_H
#define RP_CLIENT_LIMIT_H

#include "client/adapt.h"
#include "client/client.h"

/* What an origin has of these, where its client limits anything. */
typedef struct rp_limit {
    rp_origin *origin;
    uint32_t in_flight;                /* requests that connections have */
    uint32_t most;                     /* of them; UINT32_MAX: no limit */
    uint64_t service_us, deviation_us; /* how long they take, smoothed; 0: not known */
    uint32_t samples;
    uint64_t interval_us, answered_ns; /* between answers, while requests wait; the last one */
    uint32_t intervals;
    uint64_t probed_ns; /* when the last opening began while it is down */
    bool down;          /* an opening failed or stalled, and none opened since */
    rp_adapt adapt;     /* if the client asks for that: most is its limit */
    rp_deferred serving;
} rp_limit;

/* Of a new origin, if its client limits anything. False: no memory. */
bool rp__limit_make(rp_origin *origin);
void rp__limit_free(rp_origin *origin);

/* How many more requests connections may have. */
uint32_t rp__limit_room(const rp_origin *origin);
/* One has left its place, and those who wait are served later in this turn. */
bool rp__limit_is_serving(const rp_origin *origin);
/* A new request may wait, if it has to. Else *error says why not. */
rp_status rp__limit_admits(const rp_request *request, rp_error *error);
/* Of an origin with a limit: a connection has it; has it no more. */
void rp__limit_entered(rp_request *request);
void rp__limit_left(rp_request *request);

/* An opening failed, or stalled; one opened. Has the former happened since the latter? */
void rp__limit_opening_failed(rp_origin *origin);
void rp__limit_opened(rp_origin *origin);
/* It is tried now and then while it is down. */
bool rp__limit_probes(const rp_origin *origin);
bool rp__limit_is_down(const rp_origin *origin);
/* An opening begins. */
void rp__limit_probed(rp_origin *origin);
/* Until when no other one may; 0: no more than now. */
uint64_t rp__limit_rests_until_ns(const rp_origin *origin);

#endif
