/* way.c - see way.h. */
#include "client/way.h"

#include "base/error.h"
#include "client/stream_tunnel.h"

#include <string.h>

/* A client that only ever speaks plain HTTP needs no trust store: the default configuration is made
 * when the first https URL comes. */
static rp_status tls_needed(rp_client *client, const rp_url *url, rp_error *error)
{
    if (!url->https || client->options.tls != NULL)
        return RP_OK;
    return rp_tls_config_create(&client->options.tls, NULL, error);
}

/* The proxy that stands on the way to the URL, if there is one. */
static rp_status hop_find(rp_way *way, const rp_client *client, const rp_url *url, rp_proxy *own,
                          rp_error *error)
{
    char host[RP_HOST_LIMIT + 1];
    const rp_client_options *options = &client->options;
    rp_dial_rules rules = {.refuse = options->refuse_addresses,
                           .on_address = options->on_address,
                           .user = options->on_address_user};
    way->proxy = own != NULL ? own : options->proxy;
    way->hop = NULL;
    if (way->proxy == NULL || rp__route_is_unix(way->route))
        return RP_OK;
    memcpy(host, url->host.data, url->host.size);
    host[url->host.size] = '\0';
    way->hop = rp__proxy_hop(way->proxy, host, url->https);
    if (way->upgrades || !rp__hop_forwards(way->proxy, way->hop, url->https, way->route))
        return RP_OK; /* a tunnel is checked when it is asked for */
    return rp__hop_check(way->proxy, way->hop, &rules, host, url->port, error);
}

rp_status rp__way_find(char route[RP_ROUTE_SIZE], rp_way *way, rp_client *client, const rp_url *url,
                       const char *own, rp_proxy *proxy, rp_error *error)
{
    if (!url->https && client->options.versions == RP_HTTP_2 &&
        !client->options.http2_prior_knowledge)
        return rp__error_set(error, RP_E_BAD_URL, RP_PHASE_QUEUE,
                             "only HTTP/2 is allowed, which an http URL's server can't be asked "
                             "for: set http2_prior_knowledge if it is known to speak it");
    if (way->upgrades && client->options.versions == RP_HTTP_2)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "HTTP/2 knows no upgrade (RFC 9113, 8.6), and only HTTP/2 is allowed");
    rp_status status = tls_needed(client, url, error);
    *way = (rp_way){.route = route, .upgrades = way->upgrades};
    route[0] = '\0';
    if (status == RP_OK && (own != NULL || client->routes != NULL))
        status = rp__route_find(route, client->routes, url, own, error);
    if (status == RP_OK && (proxy != NULL || client->options.proxy != NULL))
        status = hop_find(way, client, url, proxy, error);
    return status;
}

rp_status rp__way_check_target(const rp_client *client, const rp_way *way, const rp_url *url,
                               const char *target, rp_error *error)
{
    const rp_client_options *options = &client->options;
    if (target == NULL || way->proxy == NULL || way->upgrades || strstr(target, "://") == NULL ||
        !rp__hop_forwards(way->proxy, way->hop, url->https, way->route))
        return RP_OK;
    if (options->refuse_addresses == 0 && options->on_address == NULL && !way->proxy->refuse_unseen)
        return RP_OK;
    return rp__error_set(
        error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
        "a target with a host of its own, for a proxy, would pass by the rules for "
        "addresses (refuse_addresses, on_address, refuse_unseen)");
}
