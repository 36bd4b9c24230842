/* openings.h - when a client opens connections, for which of its origins, and how many. */
#ifndef RP_CLIENT_OPENINGS_H
#define RP_CLIENT_OPENINGS_H

#include "client/conn.h"

/* Opens what the origin's queue needs, as far as the limits allow. */
void rp__openings_begin(rp_origin *origin);
/* A limit may have room again: opens what waiting origins need. */
void rp__openings_dispatch(rp_client *client);
/* The connection is open, or failed. */
void rp__openings_end(rp_conn *conn);
/* An opening failed: those for whom it was made get the error, if nothing else will serve them. */
void rp__openings_failed(rp_conn *conn, const rp_error *error);

#endif
