/* request.h - a request: what it asks for, where it is, its deadlines, its one on_done. It knows a
 * connection by its protocol's table alone. */
#ifndef RP_CLIENT_REQUEST_H
#define RP_CLIENT_REQUEST_H

#include "client/client.h"
#include "client/decoding.h"
#include "client/hedge.h"
#include "client/retry.h"
#include "client/upload.h"

/* Most messages fit: a request then needs no other memory. */
#define RP_INLINE_BYTES 512

typedef enum rp_request_state {
    RP_REQUEST_QUEUED,
    RP_REQUEST_DELAYED, /* not even that: the server refused it */
    RP_REQUEST_ACTIVE,  /* on a connection */
    RP_REQUEST_ENDING   /* on_done is on its way */
} rp_request_state;

/* What redirect.c keeps of a request that follows redirects begins with this. */
typedef struct rp_redirect_calls {
    /* Is this head not the answer? Then nobody is told of it, and the request has ended, or left,
     * or goes elsewhere when its body is there. */
    bool (*head)(rp_request *request, const rp_response_head *head);
    void (*summary)(const rp_request *request, rp_response_summary *summary);
    void (*free)(rp_request *request);
} rp_redirect_calls;

/* Many are under way at once, more than the near caches hold: what each of them touches stands in
 * front, and what few need is left alone where it is not needed. */
struct rp_request {
    rp_client *client;
    rp_origin *origin;
    rp_conn *conn;
    void *exchange; /* what its protocol keeps of it */
    const rp_response_events *events;
    void *user;
    rp_link link;       /* client->requests */
    rp_link queue_link; /* origin->queue, or its protocol's, before it is written */
    rp_message message; /* in inline_bytes, or in block */
    rp_trailers_fn *on_trailers;
    struct rp_explain *explain;                /* NULL: nobody asks why it was slow */
    struct rp_conn_facts *facts;               /* of its last connection; NULL: it had none */
    size_t head_size;                          /* of what was sent; 0: nothing yet */
    const rp_redirect_calls *const *redirects; /* NULL: it follows none */
    rp_retry *retry;                           /* NULL: it is not retried */
    rp_hedge *hedge;       /* NULL: it is not hedged; of a second, it was given up */
    rp_decoding *decoding; /* of an answer that is to be decoded; else NULL */
    /* Its answer's body is nobody's: when the rest of that is there, or not worth waiting for, the
     * request goes on by this. NULL: it is the caller's. */
    void (*follow)(rp_request *request);
    rp_error *error; /* why it ends, for ending; NULL: cancelled, or no_memory */
    rp_request_state state;
    uint32_t stream_id; /* HTTP/2's; 0: none */
    int status;
    unsigned attempts;
    bool no_memory;        /* not even to say why it ends */
    bool has_body;         /* else upload is all zero */
    bool delays;           /* delay_timer was started */
    bool tells_local;      /* it, or the one that it is the second of, explains */
    bool is_second;        /* of a request that is hedged */
    bool queued_as_second; /* it is in the queue as such, its first under way */
    bool redirected;       /* it has: a server may have acted on it */
    bool head_only;        /* HEAD */
    bool idempotent;
    bool fresh_only; /* not on a connection that has served before */
    bool cancelled;  /* no on_head and on_body any more */
    bool reused, told_head;
    bool on_used;          /* its connection had served, or been idle, before it got there */
    bool written;          /* its first byte was, to the connection that has it or had it last */
    bool doubtful;         /* the server may have acted on it */
    bool was_doubtful;     /* before it got to that connection */
    bool replayed;         /* once, though its fate was unknown */
    bool misdirected;      /* a server said that it is not in charge */
    bool begun;            /* any byte of an answer came, interim responses included */
    bool head_begun;       /* the final head has, or one of which that is not known yet */
    bool upload_under_way; /* the peer may not have all of a large request */
    uint8_t moved;       /* connections that turned out to be no good before anything of it left */
    uint8_t moved_fresh; /* of these, such as nobody had used before */
    uint8_t refused;     /* times that a server said that it did nothing with it */
    bool upgrades;       /* it asks for another protocol */
    bool upgrading;      /* its on_head has the answer that says so: rp_request_upgrade may be
                          * called */
    bool has_credit_limit;
    size_t credit_bytes;
    uint64_t owed_bytes; /* given to on_body and not yet consumed */
    uint64_t first_byte_timeout_ms, idle_timeout_ms, total_timeout_ms;
    uint64_t started_ns;
    uint64_t assigned_ns;        /* to its connection */
    uint64_t queued_ns, sent_ns; /* this time: a replay begins anew; sent_ns 0: not yet */
    uint64_t moved_ns;           /* its connection's, if that is later */
    uint64_t confirmed_bytes;    /* by the peer's system, at the last look; 0: not looked */
    uint64_t order;              /* by rp_client_send: who came first is served first */
    uint64_t body_bytes, bytes_sent;
    rp_decompress decompress;
    rp_timings timings;
    struct {
        void *user;          /* of the options */
        uint64_t connection; /* of the attempt, or 0 */
        unsigned resends;    /* attempts that have ended */
        int status;          /* of the attempt's final response, or 0 */
        bool attempt;        /* one is under way */
    } traced;                /* see trace.h; but for user nothing if nobody listens */

    /* From here on it comes from the last request as it is. */
    rp_timer phase_timer; /* see request.c */
    rp_request *next_free;
    uint8_t *block; /* kept for the next request */
    size_t block_size;
    uint8_t inline_bytes[RP_INLINE_BYTES];
    rp_upload upload;
    rp_timer total_timer;
    rp_timer delay_timer;
    rp_deferred ending;
    char local_address[64]; /* where tells_local */
    rp_retry *kept_retry;   /* kept for the next request, as block */
    rp_hedge *kept_hedge;   /* likewise */
};

rp_request *rp__request_new(rp_client *client);
void rp__request_free(rp_request *request);
/* Its memory for a message that is too large for inline_bytes; NULL: there is none. */
uint8_t *rp__request_block(rp_request *request, size_t size);
/* Whom it is sent to, for messages: as its connection has it, or the host that it is for. */
const char *rp__request_peer(const rp_request *request);
/* What is known of it so far. */
void rp__request_summarize(const rp_request *request, rp_response_summary *summary);
/* The response is complete (error NULL) or the request failed: detaches, tells on_done now. Only
 * from a turn's callbacks. */
void rp__request_finish(rp_request *request, const rp_error *error);
/* The same, but on_done comes from a later callback: for calls of the user. */
void rp__request_finish_later(rp_request *request, const rp_error *error);
/* Without an error, or, where it was cancelled and on_done has not come yet, with that. */
void rp__request_finish_now(rp_request *request);
/* What happens to it, for its deadlines: the caller sent it; it waits in the queue; a connection
 * has it; its first byte is written; a large body follows; its last byte was handed to the network;
 * a byte of an answer came. */
void rp__request_on_started(rp_request *request);
void rp__request_on_queued(rp_request *request);
void rp__request_on_assigned(rp_request *request);
void rp__request_on_begun(rp_request *request);
void rp__request_on_upload(rp_request *request);
void rp__request_on_sent(rp_request *request);
void rp__request_on_moved(rp_request *request);
/* A head is whole, or a piece of the body came: tells the caller, who may end the request, or lose
 * the connection, inside. A head may be no answer: then the request has left, to be sent
 * elsewhere. */
void rp__request_on_head(rp_request *request, const rp_response_head *head);
void rp__request_on_body(rp_request *request, const uint8_t *data, size_t size);
/* Behind the body. */
void rp__request_on_trailers(rp_request *request, const rp_header *trailers, size_t count);
/* Leaves its connection, to begin again with another message, which is in this block; what its
 * connection and its answer left behind is forgotten. */
void rp__request_begins_anew(rp_request *request, const rp_message *message, uint8_t *block,
                             size_t block_size);
/* Leaves its connection, or has left it, to begin again as it is. */
void rp__request_repeats(rp_request *request);
/* This head, and what comes with it, is nobody's: when that is read, as far as it is worth it,
 * follow is called, so that the connection may serve on. */
void rp__request_follows(rp_request *request, const rp_response_head *head,
                         void (*follow)(rp_request *request));
/* Out of the queue, or off its connection. */
void rp__request_leave_place(rp_request *request);
/* It waits for so long, then over is called. */
void rp__request_delay(rp_request *request, uint64_t delay_ms, rp_timer_fn *over);
uint64_t rp__request_since_us(const rp_request *request, uint64_t time_ns);
/* What of the answer was awaited last. */
static inline rp_phase rp__request_answer_phase(const rp_request *request)
{
    return request->told_head ? RP_PHASE_BODY : RP_PHASE_HEAD;
}

#endif
