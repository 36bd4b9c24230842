/* trace.h - tells on_trace what happens: see <ringport/trace.h>. Each of the inline functions costs
 * a look at a pointer when nobody listens. */
#ifndef RP_CLIENT_TRACE_H
#define RP_CLIENT_TRACE_H

#include "client/conn.h"
#include "client/request.h"
#include <ringport/trace.h>

/* An attempt that ends: delay_ms before the next. */
void rp__trace_tell_request(rp_request *request, rp_trace_kind kind, const rp_error *error,
                            uint64_t delay_ms);
/* OPENING, RESOLVED and CONNECTED: at that time; the others now. why: of CLOSED. */
void rp__trace_tell_conn(const rp_conn *conn, rp_trace_kind kind, uint64_t time_ns,
                         const rp_error *error, const char *why);

static inline void rp__trace_request(rp_request *request, rp_trace_kind kind)
{
    if (request->client->options.on_trace != NULL)
        rp__trace_tell_request(request, kind, NULL, 0);
}

/* Of the attempt that is under way, if one is. */
static inline void rp__trace_attempt_end(rp_request *request, const rp_error *error,
                                         uint64_t delay_ms)
{
    if (request->traced.attempt)
        rp__trace_tell_request(request, RP_TRACE_ATTEMPT_END, error, delay_ms);
}

/* It goes to the pool: that is an attempt, unless one goes on. */
static inline void rp__trace_attempt(rp_request *request)
{
    if (request->client->options.on_trace != NULL && !request->traced.attempt)
        rp__trace_tell_request(request, RP_TRACE_ATTEMPT, NULL, 0);
}

static inline void rp__trace_end(rp_request *request, const rp_error *error)
{
    rp__trace_attempt_end(request, error, 0);
    if (request->client->options.on_trace != NULL)
        rp__trace_tell_request(request, RP_TRACE_END, error, 0);
}

#endif
