/* test_h2_pair.c - whatever a server says, ours and nghttp2 take it alike (support/h2_pair.h):
 * sentences of RFC 9113, right and wrong, put together by chance, whole and cut at every byte. */
#include "support/h2_pair.h"
#include "support/h2_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef struct chance {
    uint64_t state;
    uint32_t answered; /* bits: streams that had HEADERS */
} chance;

static uint32_t draw(chance *c, uint32_t below)
{
    c->state = c->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(c->state >> 33) % below;
}

static bool one_in(chance *c, uint32_t count)
{
    return draw(c, count) == 0;
}

/* ---- header blocks ---- */

static const char *const good_heads[] = {
    ":status: 200\n",
    ":status: 200\ncontent-length: 5\n",
    ":status: 200\ncontent-length: 0\n",
    ":status: 204\n",
    ":status: 204\ncontent-length: 0\n",
    ":status: 304\ncontent-length: 5\netag: x\n",
    ":status: 103\nlink: </a>\n",
    ":status: 100\n",
    ":status: 999\n",
    ":status: 200\nte: trailers\nserver: nginx\nset-cookie: a=b\nset-cookie: c=d\n",
    ":status: 404\nx: \nx: \x80\xff\ndate: Mon, 21 Oct 2013 20:13:21 GMT\n",
    "x-trailer: y\n",
};
static const char *const bad_heads[] = {
    "",
    "x: y\n",
    "x: y\n:status: 200\n",
    ":status: 200\n:status: 200\n",
    ":status: 99\n",
    ":status: 1000\n",
    ":status: 2x0\n",
    ":status: \n",
    ":status: 101\n",
    ":status: 100\ncontent-length: 0\n", /* to nghttp2 alone, and so the next one */
    ":status: 204\ncontent-length: 5\n",
    ":status: 200\ncontent-length: 5\ncontent-length: 5\n",
    ":status: 200\ncontent-length: -1\n",
    ":status: 200\ncontent-length: 0x5\n",
    ":status: 200\ncontent-length: \n",
    ":status: 200\ncontent-length: 9223372036854775807\n",
    ":status: 200\ncontent-length: 9223372036854775808\n",
    ":status: 200\nX: y\n",
    ":status: 200\nx y: z\n",
    ":status: 200\nx: y\x01\n",
    ":status: 200\nx: y \n",
    ":status: 200\nx: y\t\n",
    ":status: 200\nx: y\rz\n",
    ":status: 200\nconnection: close\n",
    ":status: 200\nkeep-alive: x\n",
    ":status: 200\nproxy-connection: x\n",
    ":status: 200\ntransfer-encoding: chunked\n",
    ":status: 200\nupgrade: x\n",
    ":status: 200\nte: gzip\n",
    ":status: 200\n:path: /\n",
    ":status: 200\n:authority: h\n",
    ":status: 200\n:unknown: x\n",
    ":status: 200\n\x80: x\n",
};

static uint32_t id_of(chance *c)
{
    static const uint32_t odd[] = {0, 2, 13, 99, 0x7fffffff, 0x80000001};
    return one_in(c, 150) ? odd[draw(c, COUNT(odd))] : 1 + 2 * draw(c, 6);
}

static size_t block_of(chance *c, h2_peer *peer, uint8_t *block, size_t capacity)
{
    if (one_in(c, 200)) { /* whatever it is */
        size_t size = draw(c, 12);
        for (size_t i = 0; i < size; i++)
            block[i] = (uint8_t)draw(c, 256);
        return size;
    }
    if (one_in(c, 15))
        return h2_block(peer, bad_heads[draw(c, COUNT(bad_heads))], block, capacity);
    return h2_block(peer, good_heads[draw(c, COUNT(good_heads))], block, capacity);
}

/* With padding, a priority, and in pieces, perhaps. */
static void put_head(chance *c, h2_peer *peer)
{
    uint8_t payload[1024] = {0};
    uint32_t id = id_of(c);
    c->answered |= 1u << id % 16;
    uint8_t flags = (uint8_t)(one_in(c, 3) ? NGHTTP2_FLAG_END_STREAM : 0);
    size_t at = 0, padding = one_in(c, 8) ? draw(c, 9) : 0;
    if (padding > 0) {
        flags |= NGHTTP2_FLAG_PADDED;
        payload[at++] = (uint8_t)(one_in(c, 60) ? 255 : padding);
    }
    if (one_in(c, 8)) {
        flags |= NGHTTP2_FLAG_PRIORITY;
        payload[at + 3] = (uint8_t)(one_in(c, 2) ? id : 1); /* on itself */
        at += 5;
    }
    size_t size = block_of(c, peer, payload + at, 512), pieces = one_in(c, 6) ? 1 + draw(c, 8) : 0;
    if (pieces == 0) {
        h2_frame_put(peer, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, payload,
                     at + size + padding);
        return;
    }
    uint8_t block[512];
    memcpy(block, payload + at, size);
    size_t done = size / (pieces + 1);
    memset(payload + at + done, 0, padding);
    h2_frame_put(peer, NGHTTP2_HEADERS, flags, id, payload, at + done + padding);
    for (; pieces > 0; pieces--) {
        size_t part = pieces == 1 ? size - done : (size - done) / pieces;
        if (one_in(c, 60))
            h2_frame_put(peer, one_in(c, 2) ? NGHTTP2_PING : 0x77, 0, 0, "ringport", 8);
        h2_frame_put(peer, NGHTTP2_CONTINUATION, pieces == 1 ? NGHTTP2_FLAG_END_HEADERS : 0,
                     one_in(c, 60) ? id + 2 : id, block + done, part);
        done += part;
    }
}

/* ---- the others ---- */

static void put_data(chance *c, h2_peer *peer)
{
    uint8_t payload[300];
    uint32_t id = id_of(c);
    if ((c->answered & 1u << id % 16) == 0 && !one_in(c, 60))
        return; /* it is the connection's end */
    size_t at = 0, size = one_in(c, 3) ? 5 : draw(c, 40), padding = one_in(c, 6) ? draw(c, 9) : 0;
    uint8_t flags = (uint8_t)(one_in(c, 3) ? NGHTTP2_FLAG_END_STREAM : 0);
    memset(payload, 'x', sizeof(payload));
    if (padding > 0) {
        flags |= NGHTTP2_FLAG_PADDED;
        payload[at++] = (uint8_t)(one_in(c, 60) ? 200 : padding);
    }
    h2_frame_put(peer, NGHTTP2_DATA, flags, id, payload, at + size + padding);
}

static void put_settings(chance *c, h2_peer *peer)
{
    static const uint32_t values[] = {0,       1,          2,          100,       4096,
                                      65535,   65536,      16383,      16384,     0xffffff,
                                      1 << 24, 0x7fffffff, 0x80000000, 0xffffffff};
    static const uint32_t windows[] = {0, 1, 10, 1000, 65535, 100000};
    uint8_t payload[6 * 4 + 1] = {0};
    size_t count = 0;
    for (uint8_t id = 1; id < 8 && count < 4; id++) {
        bool window = id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE;
        uint32_t value = values[draw(c, COUNT(values))];
        if (!one_in(c, window ? 2 : 8))
            continue;
        if (window && !one_in(c, 40))
            value = windows[draw(c, COUNT(windows))];
        if (id == NGHTTP2_SETTINGS_MAX_FRAME_SIZE)
            value = one_in(c, 20) ? 16383 : 16384 + draw(c, 100000);
        if (id == NGHTTP2_SETTINGS_ENABLE_PUSH)
            value = one_in(c, 30);
        payload[6 * count + 1] = id;
        for (size_t k = 0; k < 4; k++)
            payload[6 * count + 2 + k] = (uint8_t)(value >> (24 - 8 * k));
        count++;
    }
    h2_frame_put(peer, NGHTTP2_SETTINGS, one_in(c, 30) ? NGHTTP2_FLAG_ACK : 0, one_in(c, 60),
                 payload, 6 * count + (count > 0 && one_in(c, 60)));
}

static void put_window(chance *c, h2_peer *peer)
{
    static const uint32_t much[] = {0, 0x7fffffff, 0x80000000, 0x80000001, 0x7fff0000};
    uint32_t more = one_in(c, 100) ? much[draw(c, COUNT(much))] : 1 + draw(c, 5000);
    h2_word_put(peer, NGHTTP2_WINDOW_UPDATE, one_in(c, 2) ? 0 : one_in(c, 2) ? 7 : id_of(c), more);
}

/* With a type, flags and a size that may be of another one. */
static void put_any(chance *c, h2_peer *peer)
{
    static const uint8_t sizes[] = {0, 1, 4, 5, 6, 7, 8, 9, 30};
    uint8_t payload[30];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(one_in(c, 3) ? draw(c, 256) : 0);
    h2_frame_put(peer, (uint8_t)(one_in(c, 3) ? draw(c, 256) : draw(c, 11)),
                 (uint8_t)(one_in(c, 2) ? 0 : draw(c, 256)), one_in(c, 2) ? 0 : id_of(c), payload,
                 sizes[draw(c, COUNT(sizes))]);
}

static void put_one(chance *c, h2_peer *peer)
{
    uint32_t what = draw(c, 100);
    if (what < 40)
        put_head(c, peer);
    else if (what < 65)
        put_data(c, peer);
    else if (what < 75)
        put_settings(c, peer);
    else if (what < 85)
        put_window(c, peer);
    else if (what < 89)
        h2_word_put(peer, NGHTTP2_RST_STREAM, id_of(c), draw(c, 16));
    else if (what < 92)
        h2_ping_put(peer, one_in(c, 2));
    else if (what < 94)
        h2_goaway_put(peer, one_in(c, 2) ? 0x7fffffff : 2 * draw(c, 7) + !one_in(c, 20), draw(c, 3),
                      "bye");
    else if (what < 97)
        h2_frame_put(peer, NGHTTP2_PRIORITY, 0, id_of(c), "\0\0\0\0\1", one_in(c, 20) ? 4 : 5);
    else
        put_any(c, peer);
}

static void say(chance *c, h2_peer *peer, size_t frames)
{
    h2_peer_begin(peer);
    if (one_in(c, 50))
        put_one(c, peer);
    else
        h2_frame_put(peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    if (!one_in(c, 4))
        h2_settings_ack(peer);
    for (size_t i = 0; i < frames && peer->out_size < H2_PAIR_BYTES - 1000; i++)
        put_one(c, peer);
}

/* How many ended in which way; so that they do not all end at once. */
static void taken_alike(void **state)
{
    unsigned ends[3] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        chance c = {.state = seed};
        h2_peer peer;
        say(&c, &peer, 1 + draw(&c, 40));
        ends[h2_pair_play(peer.out, peer.out_size, seed % 2)]++;
        h2_peer_end(&peer);
    }
    assert_true(ends[H2_PAIR_OPEN] > 1000 && ends[H2_PAIR_BROKEN] > 1000);
    assert_true(ends[H2_PAIR_APART] < 1000);
}

/* The connection may end at each byte. */
static void ends_anywhere(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        chance c = {.state = seed};
        h2_peer peer;
        say(&c, &peer, 6);
        for (size_t size = 0; size <= peer.out_size; size++)
            (void)h2_pair_play(peer.out, size, size);
        h2_peer_end(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_alike),
        cmocka_unit_test(ends_anywhere),
    };
    return cmocka_run_group_tests_name("h2_pair", tests, NULL, NULL);
}
