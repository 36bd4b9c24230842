/* h2_inside.h - a connection's members, for h2.c, h2_head.c, h2_send.c and h2_flow.c. */
#ifndef RP_HTTP_H2_INSIDE_H
#define RP_HTTP_H2_INSIDE_H

#include "base/error.h"
#include "http/h2_memory.h"

/* Why an answer can't be used. */
typedef enum rp_h2_fault {
    RP_H2_SOUND,
    RP_H2_HEAD_TOO_LARGE,
    RP_H2_TOO_MANY_HEADERS,
    RP_H2_TOO_MANY_INTERIM,
    RP_H2_BAD_HEADER, /* bad_name */
    RP_H2_BODY_SHORT,
    RP_H2_BODY_LONG,
    RP_H2_BODY_UNASKED,
    RP_H2_MALFORMED,
    RP_H2_NO_MEMORY
} rp_h2_fault;

/* What a header of a head is made of. */
typedef struct h2_part {
    nghttp2_rcbuf *name, *value;
    uint32_t list_bytes; /* its share of the list (RFC 9113, 6.5.2) */
    bool is_length;
} h2_part;

typedef struct stream {
    rp_h2_stream is;
    rp_h2 *h2;
    rp_link all_link;    /* h2->all */
    rp_link link;        /* h2->live, then h2->ended; alone: dropped, or told */
    rp_link turn_link;   /* h2->turns */
    rp_link held_link;   /* h2->ready: it has held bytes and credit */
    rp_body *body;       /* NULL: none; not ours any more once it is ended, dropped or finishing */
    rp_header *trailers; /* of the answer, as rp_h2 has heads */
    h2_part *trailer_parts;
    uint32_t trailer_count, trailer_kept_count;
    rp_chain held; /* of a limited one: came, and waits for credit */
    size_t credit;
    uint32_t informational;
    uint32_t code; /* of the RST_STREAM that ended it, theirs or ours */
    uint32_t window;
    uint8_t end;   /* rp_h2_end, once it is in h2->ended */
    uint8_t fault; /* rp_h2_fault */
    bool its_turn; /* to send a frame of its body */
    bool bodiless; /* the answer has no body, whatever its head says (RFC 9110, 6.4.1) */
    bool limited;
    bool closed;    /* nghttp2 knows it no more */
    bool finishing; /* the answer is complete but for what is held */
    bool ended;     /* is, or was, in h2->ended */
    bool dropped;
    bool unwanted; /* dropped, and not reset */
    bool peer_reset;
    char bad_name[32];
} stream;

#define RP_H2_FAREWELL_BYTES 80

struct rp_h2 {
    nghttp2_session *ng;
    rp_h2_memory *memory;
    rp_chunk_pool *chunks;
    const rp_h2_events *events;
    void *user;
    rp_h2_options options;
    uint64_t now_ns; /* of the present call */

    rp_link all;   /* every stream */
    rp_link live;  /* streams that somebody waits for, the oldest first */
    rp_link ended; /* and whose end was not told yet */
    rp_link ready; /* held bytes, and credit for them */
    rp_link turns; /* uploads that wait for the others to send a frame */
    uint32_t uploads;
    stream *told; /* by rp_h2_next_end: freed with the next call */
    stream *delivering;
    uint32_t open;     /* streams that the server counts */
    uint32_t unwanted; /* of these, dropped and not reset */
    bool settings_came;

    /* The head that is being read: nghttp2's strings, held by references. */
    stream *reading;
    rp_header *headers;
    h2_part *parts; /* one for each header; those up to kept_count hold their strings */
    uint32_t header_count, header_capacity, kept_count;
    bool never_indexed; /* one of them was marked so */
    size_t list_bytes;
    int status;
    uint64_t length;

    /* Output. */
    uint32_t overflowed; /* a stream whose window the server made too large; 0: none */
    nghttp2_nv *fields;
    size_t field_capacity;
    char *names; /* in lower case, for the present submit */
    size_t name_capacity;
    uint8_t *out; /* of the present drain */
    size_t out_size, out_capacity;

    /* Flow control. */
    uint64_t settings_ns; /* when ours were sent; 0: not yet, or answered */
    uint64_t ping_ns;     /* likewise a PING */
    uint64_t trip_ns;     /* the shortest round trip seen; 0: none */
    uint64_t sample_ns;   /* since when sample_bytes came */
    uint64_t sample_bytes;
    uint32_t flowing;             /* the stream that had the last of them */
    size_t window, stream_window; /* of the connection; what streams grow to */

    /* Budgets: so many are left, as of the time. */
    uint64_t resets_ns, calm_ns;
    uint32_t resets, calm;

    /* The end. */
    bool goaway_came;
    uint32_t goaway_code;
    char farewell[RP_H2_FAREWELL_BYTES]; /* GOAWAY's debug data, printable */
    bool broken;                         /* nghttp2 is not to be called any more */
    bool failed;
    rp_status failure;
    uint32_t failure_code;
    char failure_text[RP_ERROR_TEXT_SIZE];
    uint8_t looks_like_http1; /* so many first bytes are "HTTP/"; 0xff: they are not */
};

static inline stream *rp_h2_stream_of(rp_h2_stream *public)
{
    return RP_CONTAINER(public, stream, is);
}

/* ---- h2.c ---- */

/* The stream with this number, that somebody waits for; NULL: there is none. */
stream *rp_h2_find(rp_h2 *h2, int32_t id);
/* Its end is to be told. */
void rp_h2_end_stream(stream *s, rp_h2_end end);
/* Its answer can't be used: resets it, and ends it. */
void rp_h2_fail_stream(stream *s, rp_h2_fault fault, uint32_t code);
/* The answer is complete, but for what is held. */
void rp_h2_complete(stream *s);
/* The connection is over. */
void rp_h2_fail(rp_h2 *h2, rp_status status, uint32_t code, const char *format, ...)
    RP_PRINTF(4, 5);
/* nghttp2 gave up. */
void rp_h2_fail_fatal(rp_h2 *h2, int result);
/* A frame of the server's that brings nothing came; so much went out that the server may answer
 * with such frames. */
void rp_h2_idle_frame(rp_h2 *h2);
void rp_h2_calm_down(rp_h2 *h2, size_t size);
/* One of the events of which a connection has count, and so many more a second; false: it has had
 * all of them. */
bool rp_h2_spend(uint32_t *left, uint64_t *since_ns, uint64_t now_ns, uint32_t count,
                 uint32_t per_second);

/* ---- h2_head.c: nghttp2's callbacks ---- */

int rp_h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user);
int rp_h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                    nghttp2_rcbuf *value, uint8_t flags, void *user);
int rp_h2_on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                            nghttp2_rcbuf *value, uint8_t flags, void *user);
/* A HEADERS frame is whole. */
void rp_h2_head_read(rp_h2 *h2, stream *s);
/* Lets go of all strings. */
void rp_h2_head_clear(rp_h2 *h2);
/* Lets go of the answer's trailers. */
void rp_h2_trailers_clear(stream *s);
/* nghttp2 found fault with a header, in its own words: takes the name from them. */
void rp_h2_note_bad_name(stream *s, const char *text, size_t size);

/* ---- h2_send.c ---- */

/* It sends no more of its body. */
void rp_h2_upload_ends(stream *s);

int rp_h2_on_frame_send(nghttp2_session *ng, const nghttp2_frame *frame, void *user);
int rp_h2_on_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t size,
                       nghttp2_data_source *source, void *user);

/* ---- h2_flow.c ---- */

/* The connection's window, and the streams', to begin with. False: no memory. */
bool rp_h2_flow_begin(rp_h2 *h2);
/* So many bytes of a body came, on a stream that somebody waits for: the connection's window goes
 * back, and both grow. */
void rp_h2_flow_came(rp_h2 *h2, stream *s, size_t size);
/* The head of its answer came. */
void rp_h2_flow_head(stream *s);
/* Behind a feed: what did come in the last round trip? */
void rp_h2_flow_sample(rp_h2 *h2);
/* They, or others, are consumed. */
void rp_h2_flow_consumed(stream *s, size_t size);
/* The answer to what was sent at that time came. */
void rp_h2_flow_trip(rp_h2 *h2, uint64_t sent_ns);

#endif
