/* decode.c - content codings: which there are, stacks of them, and what limits them.
 *
 * The stages of a stack are asked from the last one applied to the first: each takes what the one
 * below it has written into its buffer. A bomb may hide in any of them, so what each writes counts
 * against the limit of the ratio. */
#include "http/decode.h"

#include "base/assert.h"
#include "base/error.h"
#include "http/codec.h"
#include "http/headers.h"

#include <stddef.h>
#include <string.h>

#define STAGE_BYTES ((size_t)8192)
#define RATIO_FROM_BYTES ((uint64_t)1 << 20)

/* What the build has: src/CMakeLists.txt. */
#if RP_HAVE_ZLIB
#define ACCEPT_ZLIB ", deflate, gzip"
#define GZIP (&rp__codec_gzip)
#define DEFLATE (&rp__codec_deflate)
#else
#define ACCEPT_ZLIB ""
#define GZIP NULL
#define DEFLATE NULL
#endif
#if RP_HAVE_BROTLI
#define ACCEPT_BROTLI ", br"
#define BROTLI (&rp__codec_brotli)
#else
#define ACCEPT_BROTLI ""
#define BROTLI NULL
#endif
#if RP_HAVE_ZSTD
#define ACCEPT_ZSTD ", zstd"
#define ZSTD (&rp__codec_zstd)
#else
#define ACCEPT_ZSTD ""
#define ZSTD NULL
#endif

typedef struct known {
    const char *name;
    const rp_codec *codec; /* NULL: not in this build */
} known;

static const known all[] = {
    {"gzip", GZIP}, {"x-gzip", GZIP}, {"deflate", DEFLATE}, {"br", BROTLI}, {"zstd", ZSTD},
};

typedef struct stage {
    const rp_codec *codec;
    void *state;
    rp_slice in;     /* in buffer, or the caller's while it pulls */
    uint64_t made;   /* bytes that it has written */
    bool full;       /* the last time it wrote all that it could: it may have more */
    bool whole;      /* its input may end here */
    uint8_t *buffer; /* of its input; NULL in the last stage, whose input is the caller's */
} stage;

struct rp_decoder {
    rp_codec_memory memory;
    rp_decode_limits limits;
    uint64_t taken; /* of what came */
    size_t count;
    stage stages[RP_CODINGS_MOST]; /* the first was applied first: it is asked */
    uint8_t buffers[];
};

/* ---- memory ---- */

typedef union block {
    size_t size;
    max_align_t alignment;
} block;

bool rp__decode_budget_take(rp_decode_budget *budget, size_t size)
{
    if (size > budget->limit - budget->used)
        return false;
    budget->used += size;
    return true;
}

void rp__decode_budget_give(rp_decode_budget *budget, size_t size)
{
    RP_ASSERT(size <= budget->used);
    budget->used -= size;
}

rp_status rp__decode_budget_error(const rp_decode_budget *budget, rp_error *error)
{
    return rp__error_set(error, RP_E_DECODER_MEMORY, RP_PHASE_BODY,
                         "could not be decoded: all that this client decodes at once may take %llu "
                         "bytes of memory (decoder_memory_limit_bytes), and %llu are in use",
                         (unsigned long long)budget->limit, (unsigned long long)budget->used);
}

void *rp__codec_allocate(void *memory, size_t size)
{
    rp_codec_memory *m = memory;
    m->over = false;
    if (size > SIZE_MAX / 2)
        return NULL;
    m->over = !rp__decode_budget_take(m->budget, sizeof(block) + size);
    if (m->over)
        return NULL;
    block *b = rp__reallocate(m->memory, NULL, sizeof(*b) + size);
    if (b == NULL) {
        rp__decode_budget_give(m->budget, sizeof(*b) + size);
        return NULL;
    }
    b->size = size;
    return b + 1;
}

void rp__codec_free(void *memory, void *address)
{
    if (address == NULL)
        return;
    const rp_codec_memory *m = memory;
    block *b = (block *)address - 1;
    rp__decode_budget_give(m->budget, sizeof(*b) + b->size);
    rp__free_secret(m->memory, b, sizeof(*b) + b->size);
}

/* ---- what a response says ---- */

const char *rp__decode_accepted(void)
{
    static const char list[] = ACCEPT_ZLIB ACCEPT_BROTLI ACCEPT_ZSTD;
    return list[0] == '\0' ? "identity" : list + 2;
}

static void coding_add(rp_codings *codings, const char *name, size_t size)
{
    if (size == 0 || rp__name_equal(name, size, "identity"))
        return;
    const rp_codec *codec = NULL;
    const char *missing = "";
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (rp__name_equal(name, size, all[i].name)) {
            codec = all[i].codec;
            missing = all[i].name;
        }
    }
    if (codec == NULL)
        codings->missing = missing;
    else if (codings->count == RP_CODINGS_MOST)
        codings->too_many = true;
    else
        codings->codecs[codings->count++] = codec;
}

static void codings_add(rp_codings *codings, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        size_t first = strspn(text, " \t"), last = size;
        while (last > first && (text[last - 1] == ' ' || text[last - 1] == '\t'))
            last--;
        if (last > first)
            coding_add(codings, text + first, last - first);
        text += size + (text[size] == ',');
    }
}

void rp__codings_read(rp_codings *codings, const rp_header *headers, size_t count)
{
    *codings = (rp_codings){.count = 0};
    for (size_t i = 0; i < count; i++) {
        if (rp__name_equal(headers[i].name, strlen(headers[i].name), "content-encoding"))
            codings_add(codings, headers[i].value);
    }
}

/* ---- decoding ---- */

static rp_status no_memory(const rp_codec_memory *memory, const char *coding, rp_error *error)
{
    if (memory->over)
        return rp__decode_budget_error(memory->budget, error);
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_BODY,
                         "could not be decoded (%s): no memory", coding);
}

rp_status rp__decoder_create(rp_decoder **made, rp_memory *memory, rp_decode_budget *budget,
                             const rp_codings *codings, const rp_decode_limits *limits,
                             rp_error *error)
{
    RP_ASSERT(codings->count > 0);
    rp_codec_memory from = {memory, budget, false};
    size_t size = sizeof(rp_decoder) + (codings->count - 1) * STAGE_BYTES;
    rp_decoder *decoder = rp__allocate(memory, size);
    if (decoder == NULL)
        return no_memory(&from, codings->codecs[0]->name, error);
    decoder->memory = from;
    decoder->limits = *limits;
    for (size_t i = 0; i < codings->count; i++) {
        stage *s = &decoder->stages[i];
        s->codec = codings->codecs[i];
        s->buffer = i + 1 < codings->count ? decoder->buffers + i * STAGE_BYTES : NULL;
        s->state = s->codec->begin(&decoder->memory);
        if (s->state == NULL) {
            rp_status status = no_memory(&decoder->memory, s->codec->name, error);
            rp__decoder_destroy(decoder);
            return status;
        }
        decoder->count++;
    }
    *made = decoder;
    return RP_OK;
}

void rp__decoder_destroy(rp_decoder *decoder)
{
    if (decoder == NULL)
        return;
    for (size_t i = 0; i < decoder->count; i++)
        decoder->stages[i].codec->end(decoder->stages[i].state);
    rp__free_secret(decoder->memory.memory, decoder,
                    sizeof(*decoder) + (decoder->count > 0 ? decoder->count - 1 : 0) * STAGE_BYTES);
}

static rp_status fault(const rp_decoder *decoder, const stage *s, rp_codec_result result,
                       const char *why, rp_error *error)
{
    if (result == RP_CODEC_NO_MEMORY)
        return no_memory(&decoder->memory, s->codec->name, error);
    if (result == RP_CODEC_TOO_LARGE)
        return rp__error_set(error, RP_E_DECODE_TOO_LARGE, RP_PHASE_BODY,
                             "can't be decoded: its window is larger than %s may have on the web",
                             s->codec->name);
    return rp__error_set(error, RP_E_DECODE_FAILED, RP_PHASE_BODY,
                         "is not the %s that its Content-Encoding announces: %s", s->codec->name,
                         why);
}

/* The first stage's output is the body. */
static rp_status check_limits(const rp_decoder *decoder, const stage *s, rp_error *error)
{
    const rp_decode_limits *limits = &decoder->limits;
    if (limits->bytes > 0 && s == decoder->stages && s->made > limits->bytes)
        return rp__error_set(error, RP_E_DECODE_TOO_LARGE, RP_PHASE_BODY,
                             "is longer than the limit of %llu bytes when it is decoded (%s)",
                             (unsigned long long)limits->bytes, s->codec->name);
    if (limits->ratio > 0 && s->made > RATIO_FROM_BYTES && s->made / limits->ratio > decoder->taken)
        return rp__error_set(error, RP_E_DECODE_TOO_LARGE, RP_PHASE_BODY,
                             "grew to more than %lu times its size when it was decoded (%s), "
                             "%llu bytes to %llu",
                             (unsigned long)limits->ratio, s->codec->name,
                             (unsigned long long)decoder->taken, (unsigned long long)s->made);
    return RP_OK;
}

/* *idle: it took nothing and wrote nothing. */
static rp_status run(rp_decoder *decoder, stage *s, uint8_t *out, size_t capacity, size_t *size,
                     bool *idle, rp_error *error)
{
    size_t before = s->in.size;
    const char *why = "";
    rp_codec_result result = s->codec->run(s->state, &s->in, out, capacity, size, &s->whole, &why);
    if (s->buffer == NULL)
        decoder->taken += before - s->in.size;
    s->full = *size == capacity;
    s->made += *size;
    *idle = *size == 0 && s->in.size == before;
    if (result != RP_CODEC_GOOD)
        return fault(decoder, s, result, why, error);
    if (*idle && before > 0)
        return fault(decoder, s, RP_CODEC_FAULT, "it goes nowhere", error);
    return check_limits(decoder, s, error);
}

static rp_status pull(rp_decoder *decoder, stage *s, uint8_t *out, size_t capacity, size_t *size,
                      rp_error *error)
{
    for (;;) {
        bool idle = false;
        *size = 0;
        if (s->in.size > 0 || s->full) {
            rp_status status = run(decoder, s, out, capacity, size, &idle, error);
            if (status != RP_OK || *size > 0)
                return status;
        }
        if (s->in.size > 0)
            continue;
        if (s->buffer == NULL)
            return RP_OK;
        size_t more;
        rp_status status = pull(decoder, s + 1, s->buffer, STAGE_BYTES, &more, error);
        if (status != RP_OK || more == 0)
            return status;
        s->in = (rp_slice){s->buffer, more};
    }
}

rp_status rp__decoder_pull(rp_decoder *decoder, rp_slice *input, uint8_t *out, size_t capacity,
                           size_t *size, rp_error *error)
{
    stage *last = &decoder->stages[decoder->count - 1];
    last->in = *input;
    rp_status status = pull(decoder, decoder->stages, out, capacity, size, error);
    *input = last->in;
    last->in = (rp_slice){NULL, 0};
    return status;
}

rp_status rp__decoder_finish(const rp_decoder *decoder, rp_error *error)
{
    for (size_t i = decoder->count; i-- > 0;) {
        const stage *s = &decoder->stages[i];
        if (!s->whole)
            return fault(decoder, s, RP_CODEC_FAULT, "it ends before its end", error);
    }
    return RP_OK;
}
