/* pool.h - the pool of a client's connections. */
#ifndef RP_CLIENT_POOL_H
#define RP_CLIENT_POOL_H

#include "client/conn.h"

/* Gives the request to a connection that has room for it, or queues it and has one opened if the
 * limits allow. */
void rp__pool_submit(rp_request *request);

/* There is a connection that has room for it now. */
bool rp__pool_serves(const rp_request *request);
/* False: there is none, and it is nowhere. */
bool rp__pool_offer(rp_request *request);
/* One more connection may be opened at once, as far as limits and the server go. */
bool rp__pool_may_open(const rp_origin *origin);

/* What the client's connections tell it. */
extern const rp_conn_events rp__pool_conn_events;

#endif
