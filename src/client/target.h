/* target.h - where a request goes, by its URL and its client's options. */
#ifndef RP_CLIENT_TARGET_H
#define RP_CLIENT_TARGET_H

#include "client/client.h"
#include "client/route.h"

/* Checks that the client may make requests to url, has TLS made for it if that is needed, and finds
 * the route; own: the request's connect_to, or NULL. Errors: RP_E_BAD_URL, RP_E_BAD_OPTION, those
 * of rp_tls_config_create. */
rp_status rp_target_find(char route[RP_ROUTE_SIZE], rp_client *client, const rp_url *url,
                         const char *own, rp_error *error);

#endif
