/* ringport.h - all of ringport.
 *
 * ---- conventions of every header ----
 *
 * - A function whose name ends in _create or _open makes an object that the caller owns until the
 *   matching _destroy, _release or _close. What else becomes the caller's, its comment says.
 * - Pointers must not be NULL unless the comment says what NULL means.
 * - Bytes, strings and option structures passed in are copied before the call returns unless the
 *   comment says "borrowed"; what is passed to a callback lives until the callback returns.
 * - Option structures are plain: set them to zero, then set what you need; 0 is the documented
 *   default of every member. They grow at the end only. The inline function of each pair
 *   (rp_x_create calls rp_x_create_sized) tells the library how long the caller's structure is. So
 *   does that of a call that fills a structure of the caller's: members that the library does not
 *   have are set to zero.
 * - One loop, one thread. What may be called from another thread says so: "Any thread".
 * - Nothing that a call starts completes inside that call. The callbacks come from rp_loop_turn and
 *   rp_loop_run, and the last ones from rp_loop_destroy.
 * - A callback may call everything that its comment does not forbid, and destroy the object that
 *   it belongs to, but neither turn nor destroy its own loop.
 * - Loop, client, stream, TLS configuration and resolver may be destroyed in any order. Each
 *   header says what is left of its objects when their loop has gone.
 * - A call returns what is wrong with the call itself: misuse, its options, lack of memory. Every
 *   other failure of what it started arrives at the callback, once.
 * - Names of members are whole words (certificate_file, minimum_version; only statuses say
 *   RP_E_CERT_...). A limit is called ..._limit, a deadline ..._timeout_ms, a callback on_... Units
 *   stand last: timeout_ms, limit_bytes.
 *
 * ---- where to look for what ----
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
