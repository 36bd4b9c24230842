/* service.h - one client for all threads of a program: loops on threads of their own, behind calls
 * that any thread may make.
 *
 * A service has some loops with a client on each. A request goes to one of them and stays there;
 * its callbacks come on that loop's thread, or what became of it is handed over whole: to a loop of
 * the caller's, or to a thread that waits for it. Requests for one origin gather on one loop, so
 * that they share its connections and streams, and spread over more as they become more at a time.
 * All loops share TLS sessions, names, verdicts about certificates, and what they learned of an
 * origin: how many requests a connection takes, and that it wants HTTP/1.1.
 *
 * The calls below may be made on any thread, callbacks of the service's included unless one says
 * otherwise.
 *
 * Fork. A service belongs to the process that made it; a child makes one of its own, which may
 * share the parent's TLS configuration. In the child, calls on its copy of the parent's fail with
 * RP_E_MISUSE or, where they report no status, do nothing, rp_service_destroy too: what the child
 * has inherited of the service's descriptors, those of connections included, is closed when it
 * executes another program or ends. Answers that it inherited it may free. Nothing changes for the
 * parent, whatever its threads did at that moment. A callback of the service's in which the child
 * was forked may return there: its thread, the only one, ends, and with it the child, by exit(0).
 *
 * A thread is not to be ended (pthread_cancel, TerminateThread) in one of these calls. */
#ifndef RINGPORT_SERVICE_H
#define RINGPORT_SERVICE_H

#include <ringport/http.h>
#include <ringport/insight.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_service rp_service;

typedef struct rp_service_options {
    uint32_t threads; /* each with a loop; at most 256. 0: one for each processor that this process
                       * may use */
    bool pin;         /* each of them to a processor of its own, as far as there are so many */
    rp_loop_options loop; /* of each loop. Its allocator is called on that loop's thread */
    /* Of each client, but its limits are the service's: connections_per_origin, connections_total,
     * idle_per_origin, queue_limit, concurrent_openings, requests_in_flight and queue_limit of
     * limits, budget_per_s of retry, and decoder_memory_limit_bytes are shared out evenly, rounded
     * down, so that all together keep to them. Where the service may have less of something
     * than it has loops, only so many loops have requests; where an origin may, only so many have
     * requests for it, and with http2_one_connection one has. But each loop has one of
     * idle_per_origin and of budget_per_s at least, and 17 MiB for decoders. A loop with one
     * connection to an origin, or one request, hedges nothing. tls and resolver NULL: one of each
     * for all loops. on_address is called on all of their threads. */
    rp_client_options client;
    /* So many requests for an origin at a time are one loop's; those above go to the next. 0: as
     * many as the loop may have connections to it, and 100 where HTTP/2 was spoken last. */
    uint32_t gather;
    /* Loops of the caller's in place of threads; it turns them, all on one thread (the
     * simulator's) or each on its own, from rp_service_create on, and destroys them after the
     * service. loop and pin do not count. One that had TLS sessions before keeps its own, and
     * shares none. Borrowed until rp_service_create returns. */
    rp_loop *const *loops;
    size_t loop_count;
    /* Of the service itself, of what its loops share, and of answers; called on any thread, by
     * several at a time, as long as one of these lives. resize NULL: malloc's family. */
    rp_allocator allocator;
} rp_service_options;

/* options NULL: all defaults. error may be NULL.
 * Errors: RP_E_BAD_OPTION, RP_E_NO_MEMORY, RP_E_NO_DESCRIPTORS, RP_E_UNSUPPORTED (as
 * rp_loop_create); RP_E_NO_MEMORY too where the system gives no more threads. */
rp_status rp_service_create_sized(rp_service **service, const rp_service_options *options,
                                  size_t options_size, rp_error *error);
static inline rp_status rp_service_create(rp_service **service, const rp_service_options *options,
                                          rp_error *error)
{
    return rp_service_create_sized(service, options, sizeof(rp_service_options), error);
}

/* Ends everything: unfinished requests complete with RP_E_CANCELLED, connections close, threads end
 * and are waited for. No other call may be under way or come later, but from its last callbacks,
 * which come before it returns; sending is RP_E_DRAINING there. With loops of the caller's: on the
 * thread that turns them, or when nobody turns them any more; requests complete in later turns or
 * by rp_loop_destroy. NULL does nothing. Not from a callback of the service's. */
void rp_service_destroy(rp_service *service);

/* What is sent from now on fails with RP_E_DRAINING; what is under way goes on. Waits until nothing
 * is, for so long at the most (RP_NEVER_MS: without end); true: nothing is. Not from a callback of
 * the service's, nor with loops of the caller's on the thread that turns them but with 0. */
bool rp_service_drain(rp_service *service, uint64_t wait_ms);

/* For every loop, as rp_client_set_tls. */
void rp_service_set_tls(rp_service *service, rp_tls_config *tls);

typedef struct rp_service_stats {
    uint32_t threads;
    uint64_t requests;  /* sent since the beginning */
    uint64_t in_flight; /* of these, unfinished */
    uint64_t spread;    /* that did not go to their origin's first loop, since it had enough */
} rp_service_stats;
void rp_service_stats_get_sized(rp_service *service, rp_service_stats *stats, size_t stats_size);
static inline void rp_service_stats_get(rp_service *service, rp_service_stats *stats)
{
    rp_service_stats_get_sized(service, stats, sizeof(rp_service_stats));
}

/* As rp_client_metrics, for all loops: each series has one more label, ringport_loop, a number, and
 * sums over it are the service's. Of the 1,000 origins one counts once for each loop that has it.
 * Waits until each loop has told what it counted, in its next turn, so not on a thread of the
 * service's (RP_E_MISUSE), nor on one that turns its loops. Errors: RP_E_MISUSE, RP_E_NO_MEMORY;
 * then nothing was written. error may be NULL. */
rp_status rp_service_metrics(rp_service *service, rp_metrics_fn *fn, void *user, rp_error *error);

/* ---- a request whose events come on the service's threads ---- */

/* As rp_client_send, whose options are copied when this returns, and its proxy retained;
 * redirect_secrets too. The body, and what events points to, are borrowed until on_done, which
 * comes always, once, if this returns RP_OK. All callbacks come on one thread, where the calls of
 * http.h may be made for the request that they get. on_done gets NULL for it if it could not begin
 * (*summary->error says why: a bad header, say).
 * tag: for rp_service_cancel; 0: none.
 * Errors: RP_E_BAD_URL, RP_E_BAD_OPTION, RP_E_DRAINING, RP_E_NO_MEMORY, RP_E_MISUSE. error may be
 * NULL. */
rp_status rp_service_send_sized(rp_service *service, const rp_request_options *options,
                                size_t options_size, uint64_t tag, const rp_response_events *events,
                                void *user, rp_error *error);
static inline rp_status rp_service_send(rp_service *service, const rp_request_options *options,
                                        uint64_t tag, const rp_response_events *events, void *user,
                                        rp_error *error)
{
    return rp_service_send_sized(service, options, sizeof(rp_request_options), tag, events, user,
                                 error);
}

/* Cancels every request that was sent with this tag before; any number may have the same. Nothing
 * is known of an end that was decided before; otherwise they complete with RP_E_CANCELLED, soon. */
void rp_service_cancel(rp_service *service, uint64_t tag);

/* ---- a request whose answer is handed over whole ---- */

/* The receiver's, on any one thread at a time, also after the service's end. */
typedef struct rp_response {
    rp_error error;           /* status RP_OK: the response is complete */
    int status;               /* of the final response, 0 if there was none */
    const rp_header *headers; /* its own */
    size_t header_count;
    const uint8_t *body; /* NUL-terminated, the NUL not counted; never NULL */
    size_t body_size;
    rp_response_summary summary; /* its texts are the response's; its error is NULL or &error */
} rp_response;

/* NULL does nothing. */
void rp_response_free(rp_response *response);

/* response is the receiver's from then on. */
typedef void rp_response_fn(rp_response *response, void *user);

/* The body may have so many bytes; 0: 1 MiB. More ends in RP_E_BODY_TOO_LARGE.
 * home: fn is called on its thread, by rp_loop_destroy at the latest; NULL: on the service's. It
 * must live until then, but need not be a loop that does anything else: a dispatcher of another
 * kind makes one for its waitable (rp_loop_waitable). options as above; its callbacks, if it has
 * any, come on the service's threads. */
rp_status rp_service_ask_sized(rp_service *service, const rp_request_options *options,
                               size_t options_size, uint64_t tag, size_t limit_bytes, rp_loop *home,
                               rp_response_fn *fn, void *user, rp_error *error);
static inline rp_status rp_service_ask(rp_service *service, const rp_request_options *options,
                                       uint64_t tag, size_t limit_bytes, rp_loop *home,
                                       rp_response_fn *fn, void *user, rp_error *error)
{
    return rp_service_ask_sized(service, options, sizeof(rp_request_options), tag, limit_bytes,
                                home, fn, user, error);
}

/* Waits for the answer, as long as the options' deadlines allow; another thread may cancel it by
 * its tag. NULL: it could not be sent, *error says why. Not on a thread of the service's, nor on
 * one that turns its loops: in callbacks of the service's that is RP_E_MISUSE. */
rp_response *rp_service_call_sized(rp_service *service, const rp_request_options *options,
                                   size_t options_size, uint64_t tag, size_t limit_bytes,
                                   rp_error *error);
static inline rp_response *rp_service_call(rp_service *service, const rp_request_options *options,
                                           uint64_t tag, size_t limit_bytes, rp_error *error)
{
    return rp_service_call_sized(service, options, sizeof(rp_request_options), tag, limit_bytes,
                                 error);
}

#ifdef __cplusplus
}
#endif
#endif
