/* service.h - inside a service: its threads, and the calls that are under way.
 *
 *     any thread                        a loop's thread
 *     rp_service_send --> inbox, post   look() --> rp_client_send --> the caller's callbacks
 *     rp_service_cancel --> cancels     look() --> rp_request_cancel
 *
 * One lock guards all that threads share. It is not held in callbacks. A callback may fork: in the
 * child, which has no other thread, the lock may be held for ever, so nobody there takes it. */
#ifndef RP_SERVICE_SERVICE_H
#define RP_SERVICE_SERVICE_H

#include "base/list.h"
#include "base/memory.h"
#include "base/thread.h"
#include <ringport/service.h>

/* Origins are told apart by so many numbers. Those that share one are routed as one, no more. */
#define RP_SERVICE_ORIGINS 1024
#define RP_SERVICE_THREADS 256

typedef struct rp_readings rp_readings;

/* A loop with its client. What is not guarded by the lock is its thread's. */
typedef struct rp_worker {
    rp_service *service;
    rp_thread thread; /* of the caller's loops: who turned it last, guarded */
    rp_loop *loop;
    rp_client *client; /* NULL: it could not be made, or has ended */
    rp_error trouble;  /* why it could not be made */
    /* Guarded: */
    rp_link inbox, calls, cancels;
    uint32_t inbox_count;
    rp_post post; /* of look() */
    bool posted;
    bool ended; /* its client is gone, and nothing is posted any more */
    uint64_t tls_number, client_tls_number;
    rp_readings *readings; /* to be filled; NULL: nobody asks */
} rp_worker;

/* One request. */
typedef struct rp_call {
    rp_memory memory; /* its own, as any thread makes it and another one frees it */
    size_t size;      /* of the block, what was copied of the options behind this included */
    rp_worker *worker;
    rp_request *request; /* the worker's; NULL: not begun */
    uint64_t tag;
    uint32_t origin;
    bool cancelled;             /* guarded */
    rp_link link;               /* in inbox or calls; guarded */
    rp_link cancel_link;        /* guarded */
    rp_request_options options; /* their callbacks are ours */
    rp_retry_options retry;     /* the options', where these have some */
    rp_hedge_options hedge;
    const rp_response_events *events; /* the caller's, and whose they are */
    void *events_user;
    void *user; /* of the options' callbacks */
    rp_redirect_fn *on_redirect;
    rp_body_wanted_fn *on_body_wanted;
    rp_body_rewind_fn *on_body_rewind;
    rp_trailers_fn *on_trailers;
} rp_call;

struct rp_service {
    rp_mutex lock;
    rp_condition changed; /* a thread has begun, or the last request has ended */
    rp_condition read;    /* unread is 0 */
    uint64_t process;
    rp_memory memory;
    /* Guarded: */
    rp_service_stats stats;
    uint32_t begun;  /* threads */
    uint32_t unread; /* workers that have not filled their readings */
    bool draining, ending;
    rp_tls_config *tls;             /* NULL: could not be made; each client says why */
    uint64_t tls_number;            /* of changes */
    bool http2[RP_SERVICE_ORIGINS]; /* was spoken last */
    uint32_t *in_flight;            /* by origin, and then by worker */
    /* Does not change: */
    rp_service_options options;
    rp_resolver *resolver; /* NULL: each loop's own */
    struct rp_shared *shared;
    uint32_t used;            /* workers that get requests, the first ones */
    uint32_t width;           /* of these, as many as an origin may have */
    uint32_t share;           /* of connections to one origin, for each of them */
    uint32_t share_in_flight; /* of requests that its connections have; 0: no limit */
    bool threads;             /* of its own */
    rp_worker *workers;
};

/* ---- service.c ---- */

/* False: this is a child of fork. */
bool rp__service_lock(rp_service *service);
/* Under the lock. Has the worker look at what is there for it. */
void rp__worker_wake(rp_worker *worker);
/* Frees the service if it was destroyed and nothing holds it any more. Under the lock, which it
 * gives up. */
void rp__service_leave(rp_service *service);
/* By the calling thread, as far as that is known of the caller's loops: who waits for the service
 * there waits for ever. */
bool rp__service_is_turned_here(rp_service *service);

/* ---- call.c ---- */

/* The options of a caller that may be older or newer: RP_E_BAD_OPTION. */
rp_status rp__call_options(rp_request_options *copy, const rp_request_options *options, size_t size,
                           rp_error *error);
/* As rp_service_send; the options' callbacks get user, the events theirs. */
rp_status rp__call_send(rp_service *service, const rp_request_options *options, uint64_t tag,
                        const rp_response_events *events, void *events_user, void *user,
                        rp_error *error);
/* On the worker's thread: what was sent is begun, what was cancelled ends. */
void rp__calls_look(rp_worker *worker);

/* ---- keep.c ---- */

/* A call with the options, and a copy of what they point to, the body excepted. NULL: no memory. */
rp_call *rp__call_new(rp_allocator allocator, const rp_request_options *options);
/* Overwrites what it has, for it may be secret. */
void rp__call_free(rp_call *call);

/* ---- metrics.c ---- */

/* On the worker's thread: what its client counted is copied, if somebody asks. */
void rp__metrics_look(rp_worker *worker);

#endif
