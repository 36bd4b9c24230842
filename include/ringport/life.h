/* life.h - the beginning and the end of a client's work: connections that are opened before they
 * are needed, and the ends that lose nothing, or everything at once. */
#ifndef RINGPORT_LIFE_H
#define RINGPORT_LIFE_H

#include <ringport/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a preconnect. Valid until the callback returns. */
typedef struct rp_preconnected {
    uint32_t ready;        /* connections of the origin that are open and that nobody uses; with
                            * HTTP/2 also those that are in use and take more requests */
    const rp_error *error; /* NULL: that is as many as were asked for, or as the limits allow. Or of
                            * the first opening that failed; RP_E_DRAINING: the client was drained;
                            * RP_E_CANCELLED: it was destroyed */
} rp_preconnected;

typedef void rp_preconnected_fn(const rp_preconnected *result, void *user);

typedef struct rp_preconnect_options {
    const char *url;        /* whose origin; the rest of it does not matter */
    uint32_t count;         /* 0: 1. Connections that shall be there and that nobody uses, those
                             * counted that are there already. With HTTP/2 one is enough */
    const char *connect_to; /* as in rp_request_options: only requests that go the same way share
                             * a connection */
    rp_proxy *proxy;        /* likewise */
    rp_preconnected_fn *on_done; /* NULL: nobody is told */
    void *user;
} rp_preconnect_options;

/* Looks the origin's name up, connects, and does TLS's handshake, so that the first requests do not
 * wait for that. Within the limits: no connection ends for it, connections_per_origin,
 * idle_per_origin and connections_total hold, and requests that wait are served first. Connections
 * that no request comes for end as others that are idle. Errors: RP_E_BAD_URL, RP_E_BAD_OPTION,
 * RP_E_DRAINING, RP_E_MISUSE, RP_E_NO_MEMORY: then on_done is not called. error may be NULL. */
rp_status rp_client_preconnect_sized(rp_client *client, const rp_preconnect_options *options,
                                     size_t options_size, rp_error *error);
static inline rp_status rp_client_preconnect(rp_client *client,
                                             const rp_preconnect_options *options, rp_error *error)
{
    return rp_client_preconnect_sized(client, options, sizeof(rp_preconnect_options), error);
}

/* RP_OK: the client has no request and no connection any more. RP_E_CANCELLED: it, or its loop, was
 * destroyed before that. In the first case the client may be destroyed here. */
typedef void rp_drained_fn(rp_status status, void *user);

/* From now on rp_client_send answers RP_E_DRAINING. Requests that were sent before, those that wait
 * in the queue too, end as they would have, with their redirects and replays; a connection that
 * they do not need is closed (HTTP/2: GOAWAY, without an error). fn is called once, from a later
 * turn, when all of them are gone; also if there were none. rp_client_cancel_all, or a timer that
 * calls it, cuts that short. Errors: RP_E_MISUSE (it was called before; a client, or a loop, that
 * ends): then fn is not called. */
rp_status rp_client_drain(rp_client *client, rp_drained_fn *fn, void *user);

/* As rp_request_cancel for each request that the client has now. Connections that are idle stay. */
void rp_client_cancel_all(rp_client *client);

#ifdef __cplusplus
}
#endif
#endif
