/* h2_peer.h - a server of HTTP/2 by hand, in memory: frames are written one by one, right or wrong,
 * and the client's are cut out of its bytes. Nothing here judges. */
#ifndef RP_TESTS_H2_PEER_H
#define RP_TESTS_H2_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct h2_frame {
    uint8_t type, flags;
    uint32_t id;
    size_t size;
    const uint8_t *payload; /* lives until the next h2_peer_take */
} h2_frame;

typedef struct h2_peer {
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
    uint8_t *out; /* for the client */
    size_t out_size, out_capacity;
    uint8_t *in; /* from it */
    size_t in_size, in_capacity, in_done;
    bool magic;      /* it was there */
    char head[4096]; /* the last head that was taken, "name: value\n" each */
} h2_peer;

void h2_peer_begin(h2_peer *peer);
void h2_peer_end(h2_peer *peer);

/* ---- to the client ---- */

void h2_raw(h2_peer *peer, const void *bytes, size_t size);
void h2_frame_put(h2_peer *peer, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                  size_t size);
/* A field block: "name: value\n" each, from the first colon behind the first character on. */
size_t h2_block(h2_peer *peer, const char *fields, uint8_t *block, size_t capacity);
/* HEADERS with END_HEADERS, and flags. */
void h2_head_put(h2_peer *peer, uint32_t id, uint8_t flags, const char *fields);
void h2_text_put(h2_peer *peer, uint32_t id, uint8_t flags, const char *text); /* DATA */
void h2_zeros_put(h2_peer *peer, uint32_t id, uint8_t flags, size_t size);     /* likewise */
void h2_word_put(h2_peer *peer, uint8_t type, uint32_t id,
                 uint32_t word); /* RST_STREAM, WINDOW_UPDATE */
void h2_settings_put(h2_peer *peer, uint16_t name, uint32_t value);
void h2_settings_ack(h2_peer *peer);
void h2_ping_put(h2_peer *peer, bool ack);
void h2_goaway_put(h2_peer *peer, uint32_t last, uint32_t code, const char *text);

/* ---- from the client ---- */

void h2_peer_give(h2_peer *peer, const uint8_t *bytes, size_t size);
/* The next whole frame; false: there is none. Of HEADERS the fields are in head. */
bool h2_peer_take(h2_peer *peer, h2_frame *frame);
/* The next one of this type, what is before it is dropped. */
bool h2_peer_take_type(h2_peer *peer, uint8_t type, h2_frame *frame);
uint32_t h2_word(const uint8_t *bytes);

#endif
