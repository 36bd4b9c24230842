/* conform.h - what a client must do when a server breaks a rule of HTTP/2 (RFC 9113), or uses a
 * liberty of it: a table's row says what the server sends, and what is to be seen of the client.
 *
 * Each row has a connection of its own. A request is waiting on stream 1 when the one of stream 3
 * has the row's frames sent to it; then both are answered, unless the connection is to end. Both
 * are POSTs, which nobody repeats who may not. A third asks whether the connection lives on. */
#ifndef RP_TESTS_CONFORM_H
#define RP_TESTS_CONFORM_H

#include "support/scene.h"

typedef enum rule_outcome {
    RULE_IGNORED,          /* all is well */
    RULE_STREAM_ERROR,     /* stream 3 is reset with the code, and its request fails; no more */
    RULE_CONNECTION_ERROR, /* GOAWAY with the code; both requests fail */
    RULE_REQUEST_FAILS     /* as the row says, and the connection lives on */
} rule_outcome;

typedef struct rule_frame {
    uint8_t type, flags;
    uint32_t stream;
    const char *payload;
    size_t size;
} rule_frame;

/* A frame, its payload a string literal; a header block by the server's encoder; the end. */
#define F(type, flags, stream, bytes)                                                              \
    {                                                                                              \
        type, flags, stream, bytes, sizeof(bytes) - 1                                              \
    }
#define FIELDS(flags, stream, lines)                                                               \
    {                                                                                              \
        1, flags, stream, lines, SIZE_MAX                                                          \
    }
#define OK200 "\x88" /* :status: 200, by HPACK's static table */

typedef struct rule {
    const char *what;
    rule_outcome outcome;
    uint32_t code;
    rp_status status; /* of stream 3's request; RP_OK: RP_E_BAD_RESPONSE or RP_E_H2_PROTOCOL */
    bool unanswered;  /* the frames are the answer, or there is none */
    /* Of RULE_CONNECTION_ERROR: stream 3's request ended before, with status (RP_OK: well) and this
     * code. */
    bool apart;
    uint32_t apart_code;
    bool alone; /* stream 1 is answered before */
    /* The stream is reset besides, once. */
    bool reset_too;
    uint32_t reset_code;
    unsigned withheld;
    const char *words; /* in the error's text; NULL: any */
    rule_frame frames[8];
} rule;

enum {
    PROTOCOL_ERROR = 1,
    FLOW_CONTROL_ERROR = 3,
    STREAM_CLOSED = 5,
    FRAME_SIZE_ERROR = 6,
    REFUSED_STREAM = 7,
    CANCEL = 8,
    COMPRESSION_ERROR = 9,
    ENHANCE_YOUR_CALM = 11
};

void conform_hold(const rule *rules, size_t count);
#define CONFORM(rules) conform_hold(rules, sizeof(rules) / sizeof((rules)[0]))

#endif
