/* h2.h - HTTP/2 (RFC 9113), a client's side of one connection, sans I/O: bytes in, events out;
 * requests in, bytes out.
 *
 * What RFC 9113 leaves open is decided here, and what a server may ask for is bounded:
 * - A response that RFC 9113, 8, forbids, or that is over a limit, ends its own request with a
 *   message that says why; its stream is reset, and the connection lives on with HPACK in step.
 *   What breaks the connection's rules ends the connection (rp__h2_failure).
 * - Limits are on the decoded list of a head (RFC 9113, 10.5.1: 32 bytes more for each field) and
 *   the number of its fields, on interim responses, on CONTINUATION frames (8, and one more for
 *   each 256 bytes of the block, which has 144 KiB, or the list's limit), and on frames that bring
 *   nothing: PING, SETTINGS, empty DATA, WINDOW_UPDATE without end.
 * - Push is off. Trailers are validated.
 * - Windows: the connection's goes back when bytes are fed, a stream's when they are consumed, and
 *   both grow with what comes in a round trip, up to a limit.
 * - Streams that nobody wants are reset, within a budget: servers take many resets for an attack
 *   (CVE-2023-44487). Above it what comes on them is dropped until they end, or the budget has
 *   grown.
 *
 * Time is a parameter. Nothing that is started is told inside the call: on_head and on_body come
 * from rp__h2_feed and rp__h2_deliver, ends are asked for (rp__h2_next_end). */
#ifndef RP_HTTP_H2_H
#define RP_HTTP_H2_H

#include "base/chain.h"
#include "base/list.h"
#include "base/memory.h"
#include "http/body.h"
#include <ringport/http.h>

/* Where connections have their memory from: blocks that come back are kept for others. One for many
 * connections, which go before it. */
typedef struct rp_h2_memory rp_h2_memory;
rp_h2_memory *rp__h2_memory_create(rp_memory *memory); /* NULL: no memory */
void rp__h2_memory_destroy(rp_h2_memory *pool);        /* NULL does nothing */

typedef struct rp_h2 rp_h2;

typedef struct rp_h2_options {
    rp_h2_memory *memory;
    rp_chunk_pool *chunks; /* for bodies that wait for credit */
    size_t head_bytes;     /* of a decoded head */
    uint32_t header_count;
    uint32_t informational_count;
    uint32_t streams_early; /* before the server's SETTINGS */
    size_t stream_window;   /* to begin with */
    size_t window_limit;    /* of the connection, and of a stream */
} rp_h2_options;

/* How a request ended. */
typedef enum rp_h2_end {
    RP_H2_COMPLETE,
    RP_H2_UNPROCESSED, /* the server says that it did nothing with it */
    RP_H2_GIVEN_UP,    /* the server reset it: it may have acted on it */
    RP_H2_UNUSABLE     /* its answer */
} rp_h2_end;

/* A request on the connection, from rp__h2_submit to its end, which rp__h2_next_end tells, or to
 * rp__h2_drop. The caller reads, and sets user. */
typedef struct rp_h2_stream {
    void *user;
    uint32_t id;
    bool uploading;      /* some of the body is not in the output yet */
    bool told_head;      /* the final one */
    uint64_t sent_bytes; /* of its head and body, in the output */
    uint64_t body_bytes; /* of the answer's body, come */
    uint64_t length;     /* of it, as the server announced; RP_LENGTH_UNKNOWN: it did not */
    uint64_t moved_ns;   /* when anything of it last came, or went into the output */
    /* The caller's own, 0 at first. */
    uint64_t plain_base, sent_mark;
} rp_h2_stream;

/* Callbacks may submit, drop and consume; they may not feed, drain or destroy. */
typedef struct rp_h2_events {
    /* A frame of its answer's begins; before on_head. */
    void (*on_answer)(void *user, rp_h2_stream *stream);
    /* head lives until the callback returns. */
    void (*on_head)(void *user, rp_h2_stream *stream, const rp_response_head *head);
    /* size > 0 */
    void (*on_body)(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size);
    /* Behind the body, if there are any; they live until the callback returns. May be NULL. */
    void (*on_trailers)(void *user, rp_h2_stream *stream, const rp_header *trailers, size_t count);
    /* A frame of the request, the first is its head, is in the output, at whose byte out_size it
     * ends; stream->uploading says whether more follow. Calls nothing here. */
    void (*on_frame)(void *user, rp_h2_stream *stream, size_t out_size);
} rp_h2_events;

/* NULL: no memory. events is borrowed. */
rp_h2 *rp__h2_create(const rp_h2_options *options, const rp_h2_events *events, void *user);
void rp__h2_destroy(rp_h2 *h2); /* NULL does nothing */

/* Takes what the server sent. False: the connection is over (rp__h2_failure). */
bool rp__h2_feed(rp_h2 *h2, const uint8_t *data, size_t size, uint64_t now_ns);

/* There is something to drain. */
bool rp__h2_wants_drain(const rp_h2 *h2);
/* Room that drain needs to do anything. */
#define RP_H2_DRAIN_LEAST ((size_t)17 * 1024)
/* Writes frames into out, as many as are ready and fit, behind the *size bytes that are there. The
 * bodies of requests are read here. False: the connection is over; what is in out is its last
 * words. */
bool rp__h2_drain(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns);

/* As that, without bodies: heads are to come first. */
bool rp__h2_drain_first(rp_h2 *h2, uint8_t *out, size_t capacity, size_t *size, uint64_t now_ns);

/* A request to be sent. The message is borrowed until its head is drained, which is so in the drain
 * that follows if out has RP_H2_DRAIN_LEAST bytes beside rp__h2_head_bound for each; the body until
 * the end. */
typedef struct rp_h2_request {
    const rp_message *message;
    rp_body *body;  /* NULL: none */
    bool head_only; /* HEAD */
    bool limited;   /* on_body gives credit bytes, and more as they are consumed */
    size_t credit;
    void *user;
} rp_h2_request;
/* NULL: no memory, and nothing happened. Only if fewer streams are open than may be. */
rp_h2_stream *rp__h2_submit(rp_h2 *h2, const rp_h2_request *request);
static inline size_t rp__h2_head_bound(const rp_message *message)
{
    return message->size + 256;
}

/* Streams that may be open at a time, as far as the server and this side's limit allow; 0 once it
 * is over or the server leaves. And those that are, for the server. */
uint32_t rp__h2_limit(const rp_h2 *h2);
uint32_t rp__h2_open(const rp_h2 *h2);
/* Of these, those whose RST_STREAM is with the next frames that are drained, before any head. */
uint32_t rp__h2_resetting(const rp_h2 *h2);
/* The server has said how many it takes (SETTINGS); before that the limit is a guess. */
bool rp__h2_said_limit(const rp_h2 *h2);
/* Streams that nobody wants and that are still open, for want of budget. */
uint32_t rp__h2_unwanted(const rp_h2 *h2);
/* The server takes no more streams (GOAWAY), or none are left. */
bool rp__h2_is_leaving(const rp_h2 *h2);

/* What was drained last ends in the middle of a head: nothing else may follow. */
bool rp__h2_is_cut(const rp_h2 *h2);

/* There may be more of its body to send than at the last drain. */
void rp__h2_body_more(rp_h2 *h2, rp_h2_stream *stream);

/* Nobody wants the answer any more. The stream is gone. */
void rp__h2_drop(rp_h2 *h2, rp_h2_stream *stream, uint64_t now_ns);
/* Credit for so many bytes of a limited one. True: some are there already: rp__h2_deliver
 * passes them on. */
bool rp__h2_consume(rp_h2 *h2, rp_h2_stream *stream, size_t size);
void rp__h2_deliver(rp_h2 *h2);

/* The next stream that ended, in the order of the ends; it is gone with the next call of anything
 * here. NULL: none. *error: why, if not complete. */
rp_h2_stream *rp__h2_next_end(rp_h2 *h2, rp_h2_end *end, rp_error *error);

/* Asks the server for a sign of life; what then comes is one, whatever it is. */
void rp__h2_ping(rp_h2 *h2);

/* Something came: the memory of the streams that it is probably for is fetched. Returns the owner
 * of the first; NULL: there is none. */
void *rp__h2_expect(const rp_h2 *h2);

/* The oldest stream whose answer has not come in whole; NULL: none. */
rp_h2_stream *rp__h2_first(const rp_h2 *h2);

/* The user of the one behind a stream whose answer has not come in whole; NULL: none. Servers
 * mostly answer in order, so it is the next that something is told of: its memory can be fetched
 * meanwhile, as that of streams is here. */
void *rp__h2_next_user(const rp_h2 *h2, const rp_h2_stream *stream);

/* Why feed or drain returned false: a message about "the server". */
void rp__h2_failure(const rp_h2 *h2, rp_error *error);
/* The server said in a GOAWAY why it ends the connection, and it is not for nothing: likewise.
 * False: it did not. */
bool rp__h2_farewell(const rp_h2 *h2, rp_error *error);

#endif
