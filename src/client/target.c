/* target.c - see target.h. */
#include "client/target.h"

#include "base/error.h"

/* A client that only ever speaks plain HTTP needs no trust store: the default configuration is made
 * when the first https URL comes. */
static rp_status tls_needed(rp_client *client, const rp_url *url, rp_error *error)
{
    if (!url->https || client->options.tls != NULL)
        return RP_OK;
    return rp_tls_config_create(&client->options.tls, NULL, error);
}

rp_status rp_target_find(char route[RP_ROUTE_SIZE], rp_client *client, const rp_url *url,
                         const char *own, rp_error *error)
{
    if (!url->https && client->options.versions == RP_HTTP_2 &&
        !client->options.http2_prior_knowledge)
        return rp_error_set(error, RP_E_BAD_URL, RP_PHASE_QUEUE,
                            "only HTTP/2 is allowed, which an http URL's server can't be asked "
                            "for: set http2_prior_knowledge if it is known to speak it");
    rp_status status = tls_needed(client, url, error);
    return status != RP_OK ? status : rp_route_find(route, client->routes, url, own, error);
}
