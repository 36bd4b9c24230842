/* h2_peer.c - see h2_peer.h. */
#include "support/h2_peer.h"

#include "support/check.h"

#include <string.h>

#define FRAME_HEAD 9

static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void h2_peer_begin(h2_peer *peer)
{
    memset(peer, 0, sizeof(*peer));
    CHECK(nghttp2_hd_deflate_new(&peer->deflater, 4096) == 0);
    CHECK(nghttp2_hd_inflate_new(&peer->inflater) == 0);
}

void h2_peer_end(h2_peer *peer)
{
    nghttp2_hd_deflate_del(peer->deflater);
    nghttp2_hd_inflate_del(peer->inflater);
    free(peer->out);
    free(peer->in);
}

static void append(uint8_t **bytes, size_t *size, size_t *capacity, const void *more, size_t count)
{
    if (*size + count > *capacity) {
        *capacity = 2 * (*size + count) + 1024;
        *bytes = realloc(*bytes, *capacity);
        CHECK(*bytes != NULL);
    }
    if (count > 0)
        memcpy(*bytes + *size, more, count);
    *size += count;
}

/* ---- to the client ---- */

void h2_raw(h2_peer *peer, const void *bytes, size_t size)
{
    append(&peer->out, &peer->out_size, &peer->out_capacity, bytes, size);
}

static void word_write(uint8_t *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(word >> (24 - 8 * i));
}

uint32_t h2_word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void h2_frame_put(h2_peer *peer, uint8_t type, uint8_t flags, uint32_t id, const void *payload,
                  size_t size)
{
    uint8_t head[FRAME_HEAD] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type,
                                flags};
    word_write(head + 5, id);
    h2_raw(peer, head, sizeof(head));
    h2_raw(peer, payload, size);
}

size_t h2_block(h2_peer *peer, const char *fields, uint8_t *block, size_t capacity)
{
    nghttp2_nv list[64];
    size_t count = 0;
    while (*fields != '\0') {
        const char *end = strchr(fields, '\n'), *colon = strchr(fields + 1, ':');
        CHECK(end != NULL && colon != NULL && colon < end && count < 64);
        const char *value = colon + 1 + (colon[1] == ' ');
        list[count++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)fields,
                                     .namelen = (size_t)(colon - fields),
                                     .value = (uint8_t *)(uintptr_t)value,
                                     .valuelen = (size_t)(end - value)};
        fields = end + 1;
    }
    nghttp2_ssize size = nghttp2_hd_deflate_hd2(peer->deflater, block, capacity, list, count);
    CHECK(size >= 0);
    return (size_t)size;
}

void h2_head_put(h2_peer *peer, uint32_t id, uint8_t flags, const char *fields)
{
    static uint8_t block[128 * 1024];
    size_t size = h2_block(peer, fields, block, sizeof(block));
    h2_frame_put(peer, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, block, size);
}

void h2_text_put(h2_peer *peer, uint32_t id, uint8_t flags, const char *text)
{
    h2_frame_put(peer, NGHTTP2_DATA, flags, id, text, strlen(text));
}

void h2_zeros_put(h2_peer *peer, uint32_t id, uint8_t flags, size_t size)
{
    static const uint8_t zeros[16384];
    for (; size > sizeof(zeros); size -= sizeof(zeros))
        h2_frame_put(peer, NGHTTP2_DATA, 0, id, zeros, sizeof(zeros));
    h2_frame_put(peer, NGHTTP2_DATA, flags, id, zeros, size);
}

void h2_word_put(h2_peer *peer, uint8_t type, uint32_t id, uint32_t word)
{
    uint8_t payload[4];
    word_write(payload, word);
    h2_frame_put(peer, type, 0, id, payload, sizeof(payload));
}

void h2_settings_put(h2_peer *peer, uint16_t name, uint32_t value)
{
    uint8_t payload[6] = {(uint8_t)(name >> 8), (uint8_t)name};
    word_write(payload + 2, value);
    h2_frame_put(peer, NGHTTP2_SETTINGS, 0, 0, payload, sizeof(payload));
}

void h2_settings_ack(h2_peer *peer)
{
    h2_frame_put(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

void h2_ping_put(h2_peer *peer, bool ack)
{
    h2_frame_put(peer, NGHTTP2_PING, ack ? NGHTTP2_FLAG_ACK : 0, 0, "ringport", 8);
}

void h2_goaway_put(h2_peer *peer, uint32_t last, uint32_t code, const char *text)
{
    uint8_t payload[256];
    size_t size = strlen(text);
    CHECK(size <= sizeof(payload) - 8);
    word_write(payload, last);
    word_write(payload + 4, code);
    memcpy(payload + 8, text, size);
    h2_frame_put(peer, NGHTTP2_GOAWAY, 0, 0, payload, 8 + size);
}

/* ---- from the client ---- */

void h2_peer_give(h2_peer *peer, const uint8_t *bytes, size_t size)
{
    append(&peer->in, &peer->in_size, &peer->in_capacity, bytes, size);
}

static void head_read(h2_peer *peer, const uint8_t *block, size_t size)
{
    size_t used = 0;
    peer->head[0] = '\0';
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        nghttp2_ssize done = nghttp2_hd_inflate_hd3(peer->inflater, &field, &flags, block, size, 1);
        CHECK(done >= 0);
        block += done;
        size -= (size_t)done;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            used += (size_t)snprintf(peer->head + used, sizeof(peer->head) - used, "%.*s: %.*s\n",
                                     (int)field.namelen, (const char *)field.name,
                                     (int)field.valuelen, (const char *)field.value);
        CHECK(used < sizeof(peer->head));
        if (flags & NGHTTP2_HD_INFLATE_FINAL)
            break;
    }
    (void)nghttp2_hd_inflate_end_headers(peer->inflater);
}

bool h2_peer_take(h2_peer *peer, h2_frame *frame)
{
    if (!peer->magic) {
        if (peer->in_size < sizeof(magic) - 1)
            return false;
        CHECK(memcmp(peer->in, magic, sizeof(magic) - 1) == 0);
        peer->in_done = sizeof(magic) - 1;
        peer->magic = true;
    }
    const uint8_t *at = peer->in + peer->in_done;
    size_t left = peer->in_size - peer->in_done;
    if (left < FRAME_HEAD)
        return false;
    size_t size = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
    if (left < FRAME_HEAD + size)
        return false;
    *frame = (h2_frame){.type = at[3],
                        .flags = at[4],
                        .id = h2_word(at + 5),
                        .size = size,
                        .payload = at + FRAME_HEAD};
    peer->in_done += FRAME_HEAD + size;
    if (frame->type == NGHTTP2_HEADERS && (frame->flags & NGHTTP2_FLAG_END_HEADERS))
        head_read(peer, frame->payload, size);
    return true;
}

bool h2_peer_take_type(h2_peer *peer, uint8_t type, h2_frame *frame)
{
    while (h2_peer_take(peer, frame)) {
        if (frame->type == type)
            return true;
    }
    return false;
}
