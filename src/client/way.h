/* way.h - where a request goes, by its URL and its client's options. */
#ifndef RP_CLIENT_WAY_H
#define RP_CLIENT_WAY_H

#include "client/origin.h"
#include "client/route.h"

/* Checks that the client may make requests to url, has TLS made for it if that is needed, and finds
 * the way, whose route is in the caller's memory. own, proxy: the request's connect_to and proxy,
 * or NULL. Errors: RP_E_BAD_URL, RP_E_BAD_OPTION, RP_E_ADDRESS_REFUSED (of what a proxy is to
 * forward), those of rp_tls_config_create. */
rp_status rp__way_find(char route[RP_ROUTE_SIZE], rp_way *way, rp_client *client, const rp_url *url,
                       const char *own, rp_proxy *proxy, rp_error *error);

/* Whether a target of the request's own (NULL: none) may go that way: one with a host of its own is
 * not for a proxy behind which the rules for addresses hold, which looked at the URL's. Error:
 * RP_E_BAD_OPTION. */
rp_status rp__way_check_target(const rp_client *client, const rp_way *way, const rp_url *url,
                               const char *target, rp_error *error);

#endif
