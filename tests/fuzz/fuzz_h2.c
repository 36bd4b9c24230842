/* fuzz_h2.c - what a server may send on a connection of HTTP/2: however it is cut, the same is told
 * of the same requests, each ends at most once, limits hold, memory is bounded and all of it comes
 * back, and a connection that is over stays so.
 *
 * Input: 2 bytes of settings, then the server's bytes. */
#include "fuzz/support/fuzz.h"

#include "base/hash.h"
#include "http/h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 6, HEAD_BYTES = 2048, HEADERS = 12, OUT = 64 * 1024, CREDIT = 100 };

typedef struct asked {
    rp_body body;
    rp_h2_stream *stream; /* NULL: it ended, or was dropped */
    uint64_t hash;        /* of what was told */
    uint64_t body_bytes;
    unsigned finals, interims;
    bool limited, drops, ended;
    rp_h2_end end;
    rp_status status;
} asked;

typedef struct run {
    uint8_t settings;
    uint64_t seed; /* of the cuts; 0: none */
    rp_memory memory;
    rp_chunk_pool chunks;
    rp_h2 *h2;
    asked all[REQUESTS];
    uint64_t now_ns;
    bool good;
    bool leaves; /* GOAWAY came: behind the last answer more may be read or not */
    rp_error failure;
} run;

static void note(asked *a, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        a->hash = rp__hash_byte(a->hash, bytes[i]);
}

static void on_answer(void *user, rp_h2_stream *stream)
{
    (void)user;
    FUZZ_CHECK(stream->user != NULL);
}

static void on_head(void *user, rp_h2_stream *stream, const rp_response_head *head)
{
    asked *a = stream->user;
    size_t bytes = 0;
    (void)user;
    FUZZ_CHECK(a->stream == stream && !a->ended && a->finals == 0);
    FUZZ_CHECK(head->status >= 100 && head->status <= 999 && head->status != 101);
    FUZZ_CHECK(head->header_count <= HEADERS);
    for (size_t i = 0; i < head->header_count; i++) {
        const rp_header *header = &head->headers[i];
        bytes += strlen(header->name) + strlen(header->value) + 32;
        note(a, header->name, strlen(header->name) + 1);
        note(a, header->value, strlen(header->value) + 1);
        FUZZ_CHECK(strcmp(header->name, "connection") != 0);
        for (const char *c = header->name; *c != '\0'; c++)
            FUZZ_CHECK(*c < 'A' || *c > 'Z');
    }
    FUZZ_CHECK(bytes <= HEAD_BYTES);
    note(a, &head->status, sizeof(head->status));
    a->finals += !head->informational;
    a->interims += head->informational;
    FUZZ_CHECK(a->interims <= 3);
    fuzz_feature(1, (uint32_t)head->status);
}

static void on_body(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size)
{
    run *r = user;
    asked *a = stream->user;
    FUZZ_CHECK(a->stream == stream && !a->ended && a->finals == 1 && size > 0);
    a->body_bytes += size;
    note(a, data, size);
    FUZZ_CHECK(stream->length == RP_LENGTH_UNKNOWN || a->body_bytes <= stream->length);
    if (!a->drops)
        return;
    a->hash = 0; /* how much came is the cut's */
    a->body_bytes = 0;
    a->stream = NULL;
    rp__h2_drop(r->h2, stream, r->now_ns);
}

static void on_frame(void *user, rp_h2_stream *stream, size_t out_size)
{
    (void)user;
    FUZZ_CHECK(stream->user != NULL && out_size <= OUT);
}

static const rp_h2_events events = {
    .on_answer = on_answer, .on_head = on_head, .on_body = on_body, .on_frame = on_frame};

static void drain(run *r)
{
    static uint8_t out[OUT];
    while (rp__h2_wants_drain(r->h2)) {
        size_t size = 0;
        r->good = rp__h2_drain(r->h2, out, OUT, &size, r->now_ns) && r->good;
        if (size == 0)
            return;
    }
}

static void take_ends(run *r)
{
    rp_h2_stream *stream;
    rp_h2_end end;
    rp_error error = {.status = RP_OK};
    while ((stream = rp__h2_next_end(r->h2, &end, &error)) != NULL) {
        asked *a = stream->user;
        FUZZ_CHECK(a->stream == stream && !a->ended);
        FUZZ_CHECK(end != RP_H2_COMPLETE || a->finals == 1);
        FUZZ_CHECK(end != RP_H2_UNPROCESSED || (a->finals == 0 && error.replay_safe));
        a->ended = true;
        a->stream = NULL;
        a->end = end;
        a->status = end == RP_H2_COMPLETE ? RP_OK : error.status;
        fuzz_feature_text(2, end == RP_H2_COMPLETE ? "" : error.text);
        error.status = RP_OK;
    }
}

static void consume(run *r)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        asked *a = &r->all[i];
        while (a->stream != NULL && a->limited && rp__h2_consume(r->h2, a->stream, CREDIT)) {
            rp__h2_deliver(r->h2);
            take_ends(r);
        }
    }
}

static void ask(run *r)
{
    static const char body[40000];
    static uint8_t packed[1024];
    rp_url url;
    rp_message message;
    FUZZ_CHECK(rp__url_parse(&url, "https://h/", 10, NULL) == RP_OK);
    for (unsigned i = 0; i < REQUESTS; i++) {
        asked *a = &r->all[i];
        bool uploads = i % 3 == 2;
        rp_message_source source = {.method = uploads ? "PUT" : (i == 3 ? "HEAD" : "GET"),
                                    .url = &url,
                                    .has_body = uploads,
                                    .body_size = uploads ? sizeof(body) : 0};
        FUZZ_CHECK(rp__message_pack(&message, &source, packed, sizeof(packed), NULL) == RP_OK);
        a->limited = (r->settings >> i & 1) != 0;
        a->drops = i == 4;
        a->body = (rp_body){.data = (const uint8_t *)body, .length = sizeof(body)};
        rp_h2_request request = {.message = &message,
                                 .body = uploads ? &a->body : NULL,
                                 .limited = a->limited,
                                 .credit = CREDIT,
                                 .user = a};
        a->stream = rp__h2_submit(r->h2, &request);
        FUZZ_CHECK(a->stream != NULL);
        drain(r);
    }
}

/* Nothing is drained or consumed between the pieces: when that happens is the cuts', too. */
static void feed(run *r, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && r->good;) {
        size_t part = r->seed == 0 ? size : 1 + fuzz_random(&r->seed, 40);
        if (part > size - at)
            part = size - at;
        uint8_t *piece = fuzz_copy(data + at, part);
        r->good = rp__h2_feed(r->h2, piece, part, r->now_ns);
        free(piece);
        at += part;
    }
    take_ends(r);
    drain(r);
    take_ends(r);
    consume(r);
}

static void play(run *r, uint8_t settings, uint64_t seed, const uint8_t *data, size_t size)
{
    memset(r, 0, sizeof(*r));
    r->settings = settings;
    r->seed = seed;
    r->now_ns = 1000000000u;
    r->good = true;
    rp__memory_init(&r->memory, (rp_allocator){0});
    rp__chunk_pool_init(&r->chunks, &r->memory, NULL);
    rp_h2_memory *pool = rp__h2_memory_create(&r->memory);
    rp_h2_options options = {.memory = pool,
                             .chunks = &r->chunks,
                             .head_bytes = HEAD_BYTES,
                             .header_count = HEADERS,
                             .informational_count = 3,
                             .streams_early = 100,
                             .stream_window = 65535,
                             .window_limit = 1024 * 1024};
    r->h2 = rp__h2_create(&options, &events, r);
    FUZZ_CHECK(r->h2 != NULL);
    ask(r);
    feed(r, data, size);
    if (!r->good) {
        rp__h2_failure(r->h2, &r->failure);
        fuzz_feature_text(3, r->failure.text);
        FUZZ_CHECK(!rp__h2_feed(r->h2, data, 1, r->now_ns));
        FUZZ_CHECK(rp__h2_limit(r->h2) == 0);
    }
    r->leaves = rp__h2_is_leaving(r->h2);
    FUZZ_CHECK(r->memory.live < 4000);
    rp__h2_destroy(r->h2);
    rp__h2_memory_destroy(pool);
    rp__chunk_pool_clear(&r->chunks);
    FUZZ_CHECK(r->memory.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static run whole, cut;
    if (size < 3 || size > 200000)
        return 0;
    play(&whole, data[0], 0, data + 2, size - 2);
    play(&cut, data[0], data[1] + 1u, data + 2, size - 2);
    FUZZ_CHECK(whole.good == cut.good || whole.leaves);
    for (unsigned i = 0; i < REQUESTS; i++) {
        const asked *a = &whole.all[i], *b = &cut.all[i];
        FUZZ_CHECK(a->ended == b->ended && a->status == b->status);
        FUZZ_CHECK(a->hash == b->hash && a->body_bytes == b->body_bytes);
    }
    if (!whole.good && !cut.good)
        FUZZ_CHECK(strcmp(whole.failure.text, cut.failure.text) == 0);
    return 0;
}
