/* pool.h - the pool of a client's connections. */
#ifndef RP_CLIENT_POOL_H
#define RP_CLIENT_POOL_H

#include "client/conn.h"

/* Gives the request to a connection that has room for it, or queues it and has one opened if the
 * limits allow. */
void rp_pool_submit(rp_request *request);

/* What the client's connections tell it. */
extern const rp_conn_events rp_pool_conn_events;

#endif
