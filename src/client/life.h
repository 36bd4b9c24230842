/* life.h - a client's preconnects and its drain: see <ringport/life.h>. */
#ifndef RP_CLIENT_LIFE_H
#define RP_CLIENT_LIFE_H

#include "client/client.h"

/* Something about connections or requests changed, for which a preconnect or a drain may wait. */
void rp__life_look_later(rp_client *client);
static inline void rp__life_changed(rp_client *client)
{
    if (client->drain.begun || !rp__list_empty(&client->preconnects))
        rp__life_look_later(client);
}

/* An opening failed: so have those preconnects of the origin for which it was made. */
void rp__life_opening_failed(rp_origin *origin, uint64_t started_ns, const rp_error *error);

/* RP_E_DRAINING, for what it does not take any more. */
rp_status rp__life_draining(rp_error *error);

/* The client ends: so does what waits here, from a later turn. */
void rp__life_end(rp_client *client);

#endif
