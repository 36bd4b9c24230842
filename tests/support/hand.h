/* hand.h - a client of HTTP/2 by hand: what the test says is sent, frame by frame, and what comes
 * is told in words. Nothing is answered unasked. */
#ifndef RP_TESTS_HAND_H
#define RP_TESTS_HAND_H

#include "support/scene.h"

#include <nghttp2/nghttp2.h>

typedef struct hand {
    scene *scene;
    probe probe;
    uint8_t *input;
    size_t size, capacity;
    nghttp2_hd_inflater *inflater;
    char *heard; /* a line for each frame that came, "HEADERS 1 END_STREAM :status=200; x=y; " */
    size_t heard_size;
} hand;

/* A string literal as payload and size. */
#define HAND_BYTES(text) (text), sizeof(text) - 1

/* Header blocks: GET and POST of "/" from the authority "a" over http, and GET over https. */
#define HAND_GET                                                                                   \
    "\x82\x84\x86\x01\x01"                                                                         \
    "a"
#define HAND_POST                                                                                  \
    "\x83\x84\x86\x01\x01"                                                                         \
    "a"
#define HAND_GET_TLS                                                                               \
    "\x82\x84\x87\x01\x01"                                                                         \
    "a"

/* Connects, and says the preface, and empty SETTINGS if they are wanted. */
void hand_begin(hand *h, scene *s, bool settings);
/* The end of the connection, on both sides. */
void hand_end(hand *h);

void hand_send(hand *h, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t size);
void hand_number(hand *h, uint8_t type, uint32_t stream, uint32_t number);
/* A literal field, appended to a block: its new size. */
size_t hand_field(uint8_t *block, size_t size, const char *name, const char *value);

/* Turns until a line was heard that begins so, or fails at the connection's end. */
void hand_wait(hand *h, const char *begin);
/* Turns until the connection has ended. */
void hand_wait_end(hand *h);
/* Everything that was heard, and nothing else: SETTINGS and their confirmation, which come first,
 * apart. */
void hand_heard(hand *h, const char *lines);
void hand_forget(hand *h);

#endif
