/* h2_inside.h - a connection's members, for h2.c, h2_frames.c, h2_head.c, h2_send.c and h2_flow.c.
 */
#ifndef RP_HTTP_H2_INSIDE_H
#define RP_HTTP_H2_INSIDE_H

#include "base/error.h"
#include "base/word.h"
#include "http/hpack.h"

/* RFC 9113, 6, 4.1, 7 and 6.5.2. */
enum {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION
};
enum {
    FLAG_ACK = 1,
    FLAG_END_STREAM = 1,
    FLAG_END_HEADERS = 4,
    FLAG_PADDED = 8,
    FLAG_PRIORITY = 32
};
enum {
    CODE_NO_ERROR,
    CODE_PROTOCOL_ERROR,
    CODE_INTERNAL_ERROR,
    CODE_FLOW_CONTROL_ERROR,
    CODE_SETTINGS_TIMEOUT,
    CODE_STREAM_CLOSED,
    CODE_FRAME_SIZE_ERROR,
    CODE_REFUSED_STREAM,
    CODE_CANCEL,
    CODE_COMPRESSION_ERROR,
    CODE_CONNECT_ERROR,
    CODE_ENHANCE_YOUR_CALM
};
enum {
    SETTING_HEADER_TABLE_SIZE = 1,
    SETTING_ENABLE_PUSH,
    SETTING_MAX_CONCURRENT_STREAMS,
    SETTING_INITIAL_WINDOW_SIZE,
    SETTING_MAX_FRAME_SIZE,
    SETTING_MAX_HEADER_LIST_SIZE
};

#define FRAME_HEAD 9
#define FRAME_MOST ((size_t)16384) /* either way: neither side says otherwise */
#define WINDOW_BEGIN 65535         /* RFC 9113, 6.9.2 */
#define WINDOW_MOST 0x7fffffff     /* 6.9.1 */
#define STREAM_MOST 0x7fffffffu
#define BUCKETS 128u

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
    RP_H2_OVERRUN, /* of its window */
    RP_H2_NO_WINDOW,
    RP_H2_WINDOW_LARGE, /* for our body */
    RP_H2_PRIORITY_SIZE,
    RP_H2_MALFORMED,
    RP_H2_NO_MEMORY
} rp_h2_fault;

typedef struct stream {
    rp_h2_stream is;
    rp_h2 *h2;
    struct stream *next;           /* in its bucket, once its head is sent */
    rp_link all_link;              /* h2->all */
    rp_link link;                  /* h2->live, then h2->ended; alone: dropped, or told */
    rp_link send_link;             /* h2->unsent, then h2->turns or h2->blocked, then h2->resets */
    rp_link window_link;           /* h2->windows: it owes a WINDOW_UPDATE */
    rp_link held_link;             /* h2->ready: it has held bytes and credit */
    const rp_message *message;     /* until its head is in the output */
    uint8_t *block;                /* of a head that more than one frame holds; NULL: it fits */
    uint32_t block_size, block_at; /* how much of it there is, and is in the output */
    rp_body *body;       /* NULL: none; not ours any more once it is ended, dropped or finishing */
    rp_header *trailers; /* of the answer, with their texts behind them */
    uint32_t trailer_count;
    rp_chain held; /* of a limited one: came, and waits for credit */
    size_t credit;
    uint32_t informational;
    uint32_t code;                   /* of the RST_STREAM that ended it, theirs or ours */
    uint32_t reset_code;             /* of ours */
    int64_t send_window;             /* for its body */
    int64_t left;                    /* so much more may the server send */
    uint32_t window, consumed, owed; /* see h2_flow.c */
    uint8_t end;                     /* rp_h2_end, once it is in h2->ended */
    uint8_t fault;                   /* rp_h2_fault */
    bool unsent;                     /* the server knows nothing of it */
    bool bodiless; /* the answer has no body, whatever its head says (RFC 9110, 6.4.1) */
    bool limited;
    bool answered;     /* HEADERS came */
    bool remote_ended; /* END_STREAM came */
    bool resetting;    /* RST_STREAM is to be sent: what comes is passed over */
    bool closed;       /* on the wire: it is found no more */
    bool begun;        /* the server may know of it: it is found */
    bool closes;       /* behind its head, which is cut */
    bool awaited;      /* somebody waits for what comes of it: it is none of the next three */
    bool finishing;    /* the answer is complete but for what is held */
    bool ended;        /* is, or was, in h2->ended */
    bool dropped;
    bool unwanted; /* dropped, and not reset */
    bool peer_reset;
    bool sends_trailers; /* the body is in the output, its trailers are not */
    char bad_name[32];   /* set where it is told */
} stream;

/* The frame that is being read. */
typedef struct h2_frame_in {
    uint8_t type, flags;
    bool under_way;
    bool passed_over;        /* its payload */
    bool padding_known;      /* of DATA */
    uint32_t id, size, left; /* left: of the payload, to be read */
    uint32_t padding;        /* of DATA */
} h2_frame_in;

/* The last head that was sent and put nothing into the table: what it was made of, and its block.
 * Requests that differ in nothing but the path have the same, but for the path. */
typedef struct h2_sent_head {
    uint8_t *key, *block;
    uint32_t key_size, block_size, block_capacity;
    uint32_t path_at, path_end; /* in block */
    uint32_t target_size;       /* at the end of key */
    uint64_t inserted;          /* the table's count then */
    bool valid;
} h2_sent_head;

/* A stream that the server ended: what it sends on it from then on was not on its way. */
typedef struct h2_over {
    uint32_t id; /* 0: none */
    bool due;    /* it did: RST_STREAM with STREAM_CLOSED */
} h2_over;

#define RP_H2_OVER_KEPT 32u
#define RP_H2_FAREWELL_BYTES 80

struct rp_h2 {
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
    stream *told;  /* by rp__h2_next_end: freed with the next call */
    stream *delivering;
    stream *buckets[BUCKETS]; /* by id */
    uint32_t open;            /* streams that the server counts, or is to count */
    uint32_t unwanted;        /* of these, dropped and not reset */
    uint32_t resetting;       /* of these, whose RST_STREAM is to be sent */
    uint32_t next_id, sent_id;
    h2_over over[RP_H2_OVER_KEPT]; /* the last ones, by turns */
    uint32_t over_next, over_due;

    /* The server's settings. */
    bool settings_came;
    uint32_t streams_limit, stream_send_window;

    /* Input. */
    h2_frame_in in;
    uint8_t frame_head[FRAME_HEAD];
    uint8_t frame_head_size;
    uint8_t *gathered; /* a frame's payload that came in pieces; NULL: none */
    uint32_t gathered_size;
    uint8_t *block; /* a header block that several frames hold; NULL: none */
    size_t block_size, block_capacity;
    uint32_t continued;     /* the stream whose block it is, with its flags; 0: none */
    uint32_t continuations; /* so many of it came */
    uint8_t continued_flags;
    rp_hpack_decoder decoder;

    /* The head that is being read. */
    stream *reading;
    rp_header *headers;
    uint32_t header_count, header_capacity;
    size_t list_bytes;
    int status;
    uint64_t length;
    bool head_kept; /* the last head's are still there */

    /* Output, in the order in which it goes. */
    bool greeted;
    uint32_t acks_due; /* of SETTINGS */
    uint8_t *pings;    /* to be answered, 8 bytes each */
    uint32_t ping_count, ping_capacity;
    bool ping_due;
    rp_link resets, windows, unsent;
    uint32_t unsent_count;
    rp_link turns, blocked; /* uploads: in the order in which they send; for the connection's window
                             * to open */
    stream *cut;            /* some of its head is in the output: nothing may come between */
    int64_t send_window;
    bool goaway_due;
    rp_hpack_encoder encoder;
    h2_sent_head sent_head;

    /* Flow control: see h2_flow.c. */
    int64_t left;
    uint32_t consumed, owed;
    bool settings_acked;
    uint64_t settings_ns; /* when ours were sent; 0: not yet, or answered */
    uint64_t ping_ns;     /* likewise a PING */
    uint64_t trip_ns;     /* the shortest round trip seen; 0: none */
    uint64_t sample_ns;   /* since when sample_bytes came */
    uint64_t sample_bytes;
    uint32_t flowing;             /* the stream that had the last of them */
    size_t window, stream_window; /* of the connection; what streams grow to */

    /* Budgets: so many are left, as of the time. */
    uint64_t resets_ns, calm_ns;
    uint32_t resets_left, calm;
    uint64_t taken_bytes; /* of bodies, out of windows, and not given back */

    /* The end. */
    bool goaway_came;
    uint32_t goaway_code, goaway_last;
    char farewell[RP_H2_FAREWELL_BYTES]; /* GOAWAY's debug data, printable */
    bool failed;
    rp_status failure;
    uint32_t failure_code;
    char failure_text[RP_ERROR_TEXT_SIZE];
    const char *rule;         /* that the server broke, for the message; NULL: none */
    uint8_t looks_like_http1; /* so many first bytes are "HTTP/"; 0xff: they are not */
};

static inline stream *rp__h2_stream_of(rp_h2_stream *public)
{
    return RP_CONTAINER(public, stream, is);
}

/* ---- h2.c ---- */

/* The stream that is open on the wire; NULL. */
static inline stream *rp__h2_on_wire(const rp_h2 *h2, uint32_t id)
{
    stream *s = h2->buckets[id / 2 % BUCKETS];
    while (s != NULL && s->is.id != id)
        s = s->next;
    return s;
}

/* What rp__h2_next_end told is gone. */
void rp__h2_free_told(rp_h2 *h2);
/* The first of its head is in the output. */
void rp__h2_stream_begins(stream *s);
/* The server knows of it. */
void rp__h2_stream_sent(stream *s);
/* It is over on the wire. Where nobody needs it any more, it is gone. */
void rp__h2_close(stream *s);
/* The server ended it: by RST_STREAM, or left it undone. */
void rp__h2_closed_by_server(stream *s, uint32_t code);
/* The server has sent all of it. The stream may be gone. */
void rp__h2_remote_end(stream *s);
/* RST_STREAM is to be sent. */
void rp__h2_reset(stream *s, uint32_t code);
/* Of those that nobody wants, as many as the budget has. */
void rp__h2_reset_unwanted(rp_h2 *h2);
/* Its answer can't be used: resets it, and ends it. */
void rp__h2_fail_stream(stream *s, rp_h2_fault fault, uint32_t code);
/* A piece of its body came. */
void rp__h2_body_came(stream *s, const uint8_t *data, size_t size);
/* By END_STREAM or RST_STREAM. */
void rp__h2_over(rp_h2 *h2, uint32_t id);
/* DATA or HEADERS came on a stream that is closed. */
void rp__h2_over_came(rp_h2 *h2, uint32_t id);
/* GOAWAY came: those above its last id, and those that were not sent, are left undone. */
void rp__h2_leave_undone(rp_h2 *h2);
/* The connection is over: for want of memory, or because the server broke a rule; the text is
 * a constant. */
void rp__h2_fail_memory(rp_h2 *h2);
void rp__h2_broken(rp_h2 *h2, uint32_t code, const char *rule);
/* The same; text is all that the message says of the server. */
void rp__h2_flooded(rp_h2 *h2, const char *text);
/* A frame of the server's that brings nothing came; something went out that the server may answer
 * with such frames. */
void rp__h2_idle_frame(rp_h2 *h2);
void rp__h2_calm_down(rp_h2 *h2);
/* A WINDOW_UPDATE came: it brings nothing, unless it gives back what was sent. */
void rp__h2_given_back(rp_h2 *h2, uint32_t size);

/* ---- h2_head.c ---- */

/* A HEADERS frame of an answer begins: a stream that somebody waits for. */
void rp__h2_head_begins(stream *s);
/* A whole block, and whose it is; NULL: nobody's, and it is only decoded. The stream may be gone
 * then. */
void rp__h2_head_came(rp_h2 *h2, stream *s, const uint8_t *block, size_t size, bool last);

/* ---- h2_send.c ---- */

/* It sends no more of its body. */
void rp__h2_upload_ends(stream *s);
/* There may be something of its body to send. */
void rp__h2_takes_turns(stream *s);
void rp__h2_send_end(rp_h2 *h2);

/* ---- h2_flow.c ---- */

/* The connection's window, and the streams', to begin with. */
void rp__h2_flow_begin(rp_h2 *h2);
void rp__h2_flow_stream(stream *s);
/* The server has our settings. */
void rp__h2_flow_acked(rp_h2 *h2);
/* A DATA frame of so many bytes begins. False: the window has no room for it. */
bool rp__h2_flow_frame(rp_h2 *h2, uint32_t size);
/* So many bytes of a body came, on a stream that somebody waits for. */
void rp__h2_flow_came(rp_h2 *h2, stream *s, size_t size);
/* The head of its answer came. */
void rp__h2_flow_head(stream *s);
/* Behind a feed: what did come in the last round trip? */
void rp__h2_flow_sample(rp_h2 *h2);
/* Bytes of it are consumed. */
void rp__h2_flow_consumed(stream *s, size_t size);
/* The answer to what was sent at that time came. */
void rp__h2_flow_trip(rp_h2 *h2, uint64_t sent_ns);

#endif
