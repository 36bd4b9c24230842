/* server_h2.h - what a connection of the scripted server keeps of HTTP/2 (RFC 9113). */
#ifndef RP_SIM_SERVER_H2_H
#define RP_SIM_SERVER_H2_H

#include "base/word.h"
#include "sim/server.h"

#include <nghttp2/nghttp2.h>

#define SIM_FRAME_HEAD ((size_t)9)
#define SIM_WINDOW 65535
#define SIM_WINDOW_MOST INT32_MAX
#define SIM_SETTINGS 7 /* those that are known begin at 1 */

/* Error codes (RFC 9113, 7). */
enum {
    SIM_NO_ERROR,
    SIM_PROTOCOL_ERROR,
    SIM_INTERNAL_ERROR,
    SIM_FLOW_CONTROL_ERROR,
    SIM_SETTINGS_TIMEOUT,
    SIM_STREAM_CLOSED,
    SIM_FRAME_SIZE_ERROR,
    SIM_REFUSED_STREAM,
    SIM_CANCEL,
    SIM_COMPRESSION_ERROR,
    SIM_CONNECT_ERROR,
    SIM_ENHANCE_YOUR_CALM
};

/* What became of a stream: bits. */
enum {
    SIM_CLIENT_ENDED = 1,
    SIM_CLIENT_RESET = 2,
    SIM_DISOWNED =
        4 /* reset by the server, or passed over: what comes on it may have left before */
};

typedef struct sim_frame {
    uint8_t type, flags;
    uint32_t stream;
    const uint8_t *payload;
    size_t size;
} sim_frame;

typedef struct sim_h2 {
    nghttp2_hd_inflater *inflater;
    nghttp2_hd_deflater *deflater;
    sim_bytes control; /* frames of the connection's own, to be written */

    bool preface_came, settings_came, settings_sent, farewell;
    uint32_t highest; /* the client's highest stream; the next is higher */
    uint32_t last;    /* those above are passed over: GOAWAY */
    uint8_t *fates;   /* of stream 2i + 1 */
    size_t fate_count;

    sim_bytes block; /* of a request's head that is not complete: SIM_HEAD's */
    sim_frame head;  /* its HEADERS; payload is nothing's. stream 0: none is under way */

    int64_t send_window, receive_window;
    uint64_t owed;
    uint32_t theirs[SIM_SETTINGS], ours[SIM_SETTINGS]; /* in force */
    bool said[SIM_SETTINGS];                           /* by the client */
    sim_bytes unconfirmed; /* settings of ours: a size_t, and so many rp_sim_setting */
    sim_bytes pings;       /* of ours, unanswered, 8 bytes each */
    unsigned withheld, confirmations_owed;
} sim_h2;

/* ---- server_h2.c ---- */

/* The stream of an exchange that lives; NULL. */
rp_sim_exchange *rp__sim_h2_find(const sim_connection *c, uint32_t stream);
/* stream: one that is not above the highest. */
uint8_t *rp__sim_h2_fate(const sim_h2 *h2, uint32_t stream);

/* ---- server_h2_out.c ---- */

/* A frame, to the end of control, and into the account. */
void rp__sim_h2_control(sim_connection *c, uint8_t type, uint8_t flags, uint32_t stream,
                        const void *payload, size_t size);
/* Writes control. */
void rp__sim_h2_flush(sim_connection *c);
/* Gives windows back, if it is time. */
void rp__sim_h2_give_back(sim_connection *c, rp_sim_exchange *x);
void rp__sim_h2_send_settings(sim_connection *c);

/* ---- server_h2_fields.c ---- */

/* Decodes a block. NULL, or what is wrong: *code says what that is. request: gets what is in it;
 * NULL: nobody is interested. trailers: it is none, request is NULL. *length: content-length,
 * UINT64_MAX: there is none. */
const char *rp__sim_h2_fields(sim_connection *c, sim_request *request, bool trailers,
                              uint64_t *length, uint32_t *code);

#endif
