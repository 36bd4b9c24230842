/* decoding.c - answers decoded on their way to the caller. */
#include "client/decoding.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/request.h"
#include "http/decode.h"

#include <string.h>

#define PIECE_BYTES ((size_t)16384)
#define RATIO_DEFAULT 200
#define KEPT_FIRST ((size_t)4096)

struct rp_decoding {
    rp_request *request;
    rp_codings codings;
    rp_decoder *decoder; /* from the body's first byte */
    uint64_t bytes;      /* given to on_body */
    bool ended;          /* the body came in whole */
    bool more;           /* the decoder may have more, but the caller had no credit */
    rp_deferred later;
    uint8_t *kept; /* what came, and waits for the caller's credit, from kept_at to kept_size */
    size_t kept_at, kept_size, kept_capacity;
    rp_header *trailers; /* that wait for the body's end; their text stands behind them */
    size_t trailer_count, trailers_size;
    uint8_t piece[PIECE_BYTES];
};

void rp__decompress_copy(rp_decompress *decompress, const rp_request_options *options)
{
    uint32_t ratio = options->decompress_ratio_limit;
    decompress->on = options->decompress;
    decompress->ratio_limit = ratio == 0 ? RATIO_DEFAULT : ratio == UINT32_MAX ? 0 : ratio;
    decompress->limit_bytes = options->decompressed_limit_bytes;
}

static rp_memory *memory_of(const rp_request *request)
{
    return &request->client->loop->memory;
}

/* on_done comes from a later callback: this is called from the protocol's, which goes on with the
 * connection behind it. */
static void fail(rp_request *request, const rp_error *error)
{
    rp_error told;
    (void)rp__error_set(&told, error->status, RP_PHASE_BODY, "the body of %.120s %s",
                        request->origin->host, error->text);
    rp__request_finish_later(request, &told);
}

void rp__decoding_head(rp_request *request, const rp_response_head *head)
{
    rp_codings codings;
    /* A part of an encoded whole can't be decoded by itself (RFC 9110, 8.4, 14.2). */
    if (head->status == 206)
        return;
    rp__codings_read(&codings, head->headers, head->header_count);
    if (codings.count == 0 && codings.missing == NULL)
        return;
    rp_decode_budget *budget = &request->client->decoders;
    rp_error error;
    if (!rp__decode_budget_take(budget, sizeof(rp_decoding))) {
        (void)rp__decode_budget_error(budget, &error);
        fail(request, &error);
        return;
    }
    rp_decoding *d = rp__reallocate(memory_of(request), NULL, sizeof(*d));
    if (d == NULL) {
        rp__decode_budget_give(budget, sizeof(*d));
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_BODY,
                            "could not be decoded: no memory");
        fail(request, &error);
        return;
    }
    memset(d, 0, offsetof(rp_decoding, piece));
    d->request = request;
    d->codings = codings;
    rp__list_init(&d->later.link);
    request->decoding = d;
}

/* A body that never comes (HEAD, 204, 304, or of no bytes) needs no decoder. */
static bool decoder_ready(rp_decoding *d)
{
    rp_request *request = d->request;
    const rp_codings *codings = &d->codings;
    rp_error error;
    rp_decode_limits limits = {request->decompress.limit_bytes, request->decompress.ratio_limit};
    if (d->decoder != NULL)
        return true;
    if (codings->missing != NULL || codings->too_many) {
        bool known = codings->missing != NULL && codings->missing[0] != '\0';
        (void)rp__error_set(&error, RP_E_DECODE_UNKNOWN, RP_PHASE_BODY,
                            "can't be decoded: its Content-Encoding names %s%s",
                            known               ? codings->missing
                            : codings->too_many ? "more codings than are taken, three"
                                                : "a coding that was not asked for",
                            known ? ", which this build of ringport lacks" : "");
    } else if (rp__decoder_create(&d->decoder, memory_of(request), &request->client->decoders,
                                  codings, &limits, &error) == RP_OK) {
        return true;
    }
    fail(request, &error);
    return false;
}

/* How much the caller takes now. */
static size_t room_of(const rp_request *request)
{
    if (!request->has_credit_limit)
        return PIECE_BYTES;
    if (request->owed_bytes >= request->credit_bytes)
        return 0;
    size_t room = request->credit_bytes - (size_t)request->owed_bytes;
    return room < PIECE_BYTES ? room : PIECE_BYTES;
}

static void taken(rp_request *request, size_t size)
{
    rp_request *carrier = request->hedge != NULL ? rp__hedge_carrier(request) : request;
    if (size > 0 && request->has_credit_limit && carrier->conn != NULL)
        carrier->conn->protocol->consume(carrier->conn, carrier, size);
}

/* Decodes and tells as much as the caller takes. What is left of *input waits for it. False: the
 * request ends. */
static bool decode(rp_decoding *d, rp_slice *input)
{
    rp_request *request = d->request;
    size_t room, size, before = input->size;
    while ((room = room_of(request)) > 0) {
        rp_error error;
        if (rp__decoder_pull(d->decoder, input, d->piece, room, &size, &error) != RP_OK) {
            fail(request, &error);
            return false;
        }
        taken(request, before - input->size);
        before = input->size;
        if (size == 0) {
            d->more = false;
            return true;
        }
        d->bytes += size;
        if (request->has_credit_limit)
            request->owed_bytes += size;
        if (request->events->on_body != NULL)
            request->events->on_body(request, d->piece, size, request->user);
        if (request->cancelled)
            return false;
    }
    d->more = true;
    return true;
}

static bool keep(rp_decoding *d, const uint8_t *data, size_t size)
{
    rp_memory *memory = memory_of(d->request);
    if (d->kept_at > 0) {
        memmove(d->kept, d->kept + d->kept_at, d->kept_size - d->kept_at);
        d->kept_size -= d->kept_at;
        rp__wipe(d->kept + d->kept_size, d->kept_at);
        d->kept_at = 0;
    }
    if (size > d->kept_capacity - d->kept_size) {
        size_t capacity = d->kept_capacity == 0 ? KEPT_FIRST : d->kept_capacity;
        while (capacity < d->kept_size + size)
            capacity *= 2;
        uint8_t *grown = rp__reallocate_secret(memory, d->kept, d->kept_size, capacity);
        if (grown == NULL) {
            rp_error error;
            (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_BODY,
                                "could not be kept until its reader wants it: no memory");
            fail(d->request, &error);
            return false;
        }
        d->kept = grown;
        d->kept_capacity = capacity;
    }
    memcpy(d->kept + d->kept_size, data, size);
    d->kept_size += size;
    return true;
}

void rp__decoding_body(rp_request *request, const uint8_t *data, size_t size)
{
    rp_decoding *d = request->decoding;
    rp_slice input = {data, size};
    if (request->cancelled || !decoder_ready(d))
        return;
    if (d->kept_size > d->kept_at) { /* behind what waits already */
        (void)keep(d, data, size);
        return;
    }
    if (decode(d, &input) && input.size > 0)
        (void)keep(d, input.data, input.size);
}

static bool pending(const rp_decoding *d)
{
    return d->more || d->kept_size > d->kept_at;
}

static const char *copy_text(char **to, const char *text)
{
    char *copy = *to;
    size_t size = strlen(text) + 1;
    memcpy(copy, text, size);
    *to += size;
    return copy;
}

bool rp__decoding_trailers(rp_request *request, const rp_header *trailers, size_t count)
{
    rp_decoding *d = request->decoding;
    size_t size = count * sizeof(*trailers);
    if (!pending(d))
        return true;
    for (size_t i = 0; i < count; i++)
        size += strlen(trailers[i].name) + strlen(trailers[i].value) + 2;
    d->trailers = rp__reallocate(memory_of(request), NULL, size);
    if (d->trailers == NULL) {
        rp_error error;
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_BODY,
                            "has trailers that could not be kept: no memory");
        fail(request, &error);
        return false;
    }
    char *text = (char *)(d->trailers + count);
    for (size_t i = 0; i < count; i++) {
        d->trailers[i].name = copy_text(&text, trailers[i].name);
        d->trailers[i].value = copy_text(&text, trailers[i].value);
    }
    d->trailer_count = count;
    d->trailers_size = size;
    return false;
}

static void tell_trailers(rp_decoding *d)
{
    rp_request *request = d->request;
    rp_header *trailers = d->trailers;
    if (trailers == NULL)
        return;
    d->trailers = NULL;
    request->on_trailers(request, trailers, d->trailer_count, request->user);
    rp__free_secret(memory_of(request), trailers, d->trailers_size);
}

static void resume(rp_deferred *deferred)
{
    rp_decoding *d = RP_CONTAINER(deferred, rp_decoding, later);
    rp_request *request = d->request;
    if (request->cancelled)
        return;
    rp_slice input = {d->piece, 0};
    if (d->kept != NULL)
        input = (rp_slice){d->kept + d->kept_at, d->kept_size - d->kept_at};
    bool going = decode(d, &input);
    d->kept_at = d->kept_size - input.size;
    if (!going || pending(d))
        return;
    tell_trailers(d);
    if (d->ended && !request->cancelled)
        rp__request_finish(request, NULL);
}

void rp__decoding_resume(rp_request *request)
{
    rp_decoding *d = request->decoding;
    if (!request->cancelled && pending(d) && rp__list_empty(&d->later.link))
        rp__loop_defer(request->client->loop, &d->later, resume);
}

bool rp__decoding_complete(rp_request *request, rp_error *error, bool *failed)
{
    rp_decoding *d = request->decoding;
    rp_error fault;
    *failed = false;
    if (d->decoder == NULL)
        return true;
    d->ended = true;
    if (pending(d))
        return false;
    if (rp__decoder_finish(d->decoder, &fault) != RP_OK) {
        *failed = true;
        (void)rp__error_set(error, fault.status, RP_PHASE_BODY, "the body of %.120s %s",
                            request->origin->host, fault.text);
    }
    return true;
}

bool rp__decoding_lingers(const rp_request *request)
{
    return request->decoding != NULL && request->decoding->ended;
}

uint64_t rp__decoding_bytes(const rp_request *request)
{
    return request->decoding == NULL ? 0 : request->decoding->bytes;
}

void rp__decoding_free(rp_request *request)
{
    rp_decoding *d = request->decoding;
    if (d == NULL)
        return;
    rp__loop_undefer(&d->later);
    rp__decoder_destroy(d->decoder);
    rp__free_secret(memory_of(request), d->trailers, d->trailers_size);
    rp__free_secret(memory_of(request), d->kept, d->kept_size);
    rp__free_secret(memory_of(request), d, sizeof(*d));
    rp__decode_budget_give(&request->client->decoders, sizeof(*d));
    request->decoding = NULL;
}
