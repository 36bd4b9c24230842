/* statistics.h - what is counted for <ringport/insight.h>. */
#ifndef RP_CLIENT_STATISTICS_H
#define RP_CLIENT_STATISTICS_H

#include "client/origin.h"

/* A request is done, of which this is told. */
void rp__statistics_done(rp_origin *origin, const rp_response_summary *summary);
/* A connection is open. */
void rp__statistics_opened(rp_origin *origin, bool tls, bool resumed);
/* The origin goes: the client keeps what it counted. */
void rp__statistics_forget(const rp_origin *origin);

#endif
