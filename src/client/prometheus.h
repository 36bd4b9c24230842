/* prometheus.h - the text of rp_client_metrics, over one client or several. */
#ifndef RP_CLIENT_PROMETHEUS_H
#define RP_CLIENT_PROMETHEUS_H

#include <ringport/insight.h>

/* Calls fn for each origin of one of the clients, as rp_client_origins does. */
typedef void rp_origins_fn(const void *clients, uint32_t number, rp_origin_statistics_fn *fn,
                           void *user);

/* count 0: there is one client, and its series are not labelled with a number. */
void rp__metrics_write(rp_origins_fn *origins, const void *clients, uint32_t count,
                       rp_metrics_fn *fn, void *user);

#endif
