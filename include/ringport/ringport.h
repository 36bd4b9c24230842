/* ringport.h - all of ringport.
 *
 * The conventions stand in error.h. Names of members are whole words (certificate_file,
 * minimum_version; only statuses say RP_E_CERT_...); a limit is called ..._limit, a deadline
 * ..._timeout_ms, a callback on_... Where to look for what:
 *
 * - a request, and its end: rp_client_send, rp_request_cancel (http.h); with the body in memory:
 *   rp_collect_events; on any thread, blocking or not: rp_service_call, rp_service_send
 *   (service.h)
 * - what it says: method, headers, body, user and password of rp_request_options; what was
 *   answered: rp_response_head, rp_header_value; HTTP/1.1 or HTTP/2: versions of rp_client_options
 * - deadlines: total_timeout_ms, first_byte_timeout_ms, idle_timeout_ms of rp_request_options, and
 *   those of the phases before in rp_client_options
 * - limits of a host: connections_per_origin of rp_client_options, requests_in_flight (load.h); a
 *   host that needs other limits gets a client of its own
 * - connections that are kept (keep-alive): connection_idle_ms, idle_per_origin; peers that
 *   vanished: keepalive_idle_ms
 * - limits of a response: limit_bytes of rp_collected, decompressed_limit_bytes, head_limit_bytes
 * - to pause a download: receive_credit_bytes and rp_request_consume; an upload goes on with each
 *   rp_request_give
 * - redirects: redirects_limit, on_redirect; compressed answers: decompress; retries, hedging and
 *   budgets: load.h
 * - whom to trust, client certificates, TLS versions, pinned keys: tls.h
 * - fixed addresses for names, name servers: resolver.h; addresses that are forbidden: address.h;
 *   another address than the URL's: connect_to (http.h); through a proxy: proxy.h
 * - a loop of the program's own: rp_loop_waitable, rp_loop_turn (loop.h); a call from another
 *   thread: rp_loop_post; timers: rp_timer_start
 * - what an error means: rp_status, whose fault it is, or a time-out: rp_status_class_of (error.h);
 *   statistics: insight.h; events as they happen: trace.h; why a request was slow: explain (http.h)
 * - a bare TLS connection: stream.h; WebSocket and the like: upgrade, rp_request_upgrade
 * - connections beforehand, an orderly end: life.h; server-sent events: events.h
 *
 * Not here: cookies, a cache, other schemes than http and https. */
#ifndef RINGPORT_RINGPORT_H
#define RINGPORT_RINGPORT_H

#include <ringport/address.h>
#include <ringport/error.h>
#include <ringport/events.h>
#include <ringport/http.h>
#include <ringport/insight.h>
#include <ringport/life.h>
#include <ringport/loop.h>
#include <ringport/load.h>
#include <ringport/proxy.h>
#include <ringport/resolver.h>
#include <ringport/service.h>
#include <ringport/stream.h>
#include <ringport/tls.h>
#include <ringport/trace.h>
#include <ringport/url.h>

#define RP_VERSION "0.2.0"

#endif
