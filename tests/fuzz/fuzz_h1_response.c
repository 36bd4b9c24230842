/* fuzz_h1_response.c - responses: the same bytes give the same events however they are cut and
 * paused, and what was accepted is what a second, much simpler reader of RFC 9112 finds.
 *
 * Input: 4 bytes of settings, then what the server sends: responses in turn on one connection, as
 * long as the parser says that it may be kept. */
#include "fuzz/support/fuzz.h"

#include "http/h1.h"
#include "http/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSES 4

typedef struct settings {
    bool head_only, end, authenticated, lenient;
    uint8_t pause; /* every so many callbacks; 0: never */
    uint64_t seed; /* of the pieces' sizes */
    uint32_t piece_limit;
    uint64_t fail_in; /* see rp_memory */
    rp_h1_limits limits;
} settings;

/* What happened: heads and ends as text, bodies as they are. */
typedef struct trace {
    char *text;
    size_t size, capacity;
} trace;

/* One response. */
typedef struct response {
    size_t begin, end; /* its bytes; end: once it is complete */
    size_t body_size;
    uint32_t heads, informational;
    int status; /* of the last head */
    bool head_only;
    uint64_t content_length;
    bool chunked, complete;
} response;

typedef struct run {
    const settings *s;
    trace events, body, fields; /* names and values of all heads */
    response responses[RESPONSES];
    size_t count; /* of responses */
    unsigned callbacks, pauses;
    rp_h1_result result;
    rp_error error;
} run;

static void add(trace *t, const void *data, size_t size)
{
    if (t->text == NULL || t->capacity - t->size < size) {
        t->capacity = 2 * (t->size + size) + 256;
        t->text = realloc(t->text, t->capacity);
        FUZZ_CHECK(t->text != NULL);
    }
    memcpy(t->text + t->size, data, size);
    t->size += size;
}

static void add_text(trace *t, const char *text)
{
    add(t, text, strlen(text) + 1);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static bool goes_on(run *r)
{
    bool pause = r->s->pause > 0 && ++r->callbacks % r->s->pause == 0;
    r->pauses += pause;
    return !pause;
}

/* Each number of the list is the length. */
static void check_length(const response *now, const char *value)
{
    for (;; value++) {
        char *end;
        value += strspn(value, " \t");
        FUZZ_CHECK(*value >= '0' && *value <= '9');
        FUZZ_CHECK(strtoull(value, &end, 10) == now->content_length);
        value = end + strspn(end, " \t");
        if (*value != ',')
            break;
    }
    FUZZ_CHECK(*value == '\0');
}

static void check_header(response *now, const rp_header *header, bool informational)
{
    const char *value = header->value;
    size_t size = strlen(value);
    FUZZ_CHECK(rp__is_token(header->name, strlen(header->name)));
    FUZZ_CHECK(rp__is_field_value(value, size));
    FUZZ_CHECK(size == 0 || (value[0] != ' ' && value[0] != '\t'));
    FUZZ_CHECK(size == 0 || (value[size - 1] != ' ' && value[size - 1] != '\t'));
    if (rp__name_equal(header->name, strlen(header->name), "transfer-encoding")) {
        FUZZ_CHECK(!now->chunked && rp__name_equal(value, size, "chunked"));
        now->chunked = true;
    }
    if (!informational && rp__name_equal(header->name, strlen(header->name), "content-length"))
        check_length(now, value);
}

static bool on_head(void *user, const rp_response_head *head)
{
    run *r = user;
    response *now = &r->responses[r->count - 1];
    char text[96];
    FUZZ_CHECK(head->status >= 100 && head->status <= 999);
    FUZZ_CHECK(head->version == 10 || head->version == 11);
    FUZZ_CHECK(head->informational == (head->status < 200) && head->status != 101);
    FUZZ_CHECK(rp__is_field_value(head->reason, strlen(head->reason)));
    FUZZ_CHECK(head->header_count <= r->s->limits.header_count);
    FUZZ_CHECK(now->heads == now->informational); /* nothing behind the final one */
    now->heads++;
    now->informational += head->informational;
    FUZZ_CHECK(now->informational <= r->s->limits.informational_count);
    now->status = head->status;
    now->content_length = head->content_length;
    now->chunked = false;
    snprintf(text, sizeof(text), "%d %d %llu", head->status, head->version,
             (unsigned long long)head->content_length);
    add_text(&r->events, text);
    add_text(&r->events, head->reason);
    for (size_t i = 0; i < head->header_count; i++) {
        check_header(now, &head->headers[i], head->informational);
        add_text(&r->events, head->headers[i].name);
        add_text(&r->events, head->headers[i].value);
        add_text(&r->fields, head->headers[i].name);
        add_text(&r->fields, head->headers[i].value);
    }
    FUZZ_CHECK(!now->chunked || head->content_length == RP_LENGTH_UNKNOWN || head->status == 304 ||
               head->status == 204 || head->informational);
    fuzz_feature(1, (uint32_t)head->status / 100 << 8 | (uint32_t)head->header_count);
    return goes_on(r);
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    run *r = user;
    response *now = &r->responses[r->count - 1];
    FUZZ_CHECK(size > 0 && now->heads > now->informational);
    FUZZ_CHECK(!now->head_only && now->status != 204 && now->status != 304);
    now->body_size += size;
    FUZZ_CHECK(now->chunked || now->content_length == RP_LENGTH_UNKNOWN ||
               now->body_size <= now->content_length);
    add(&r->body, data, size);
    return goes_on(r);
}

static void on_trailers(void *user, const rp_header *trailers, size_t count)
{
    run *r = user;
    response *now = &r->responses[r->count - 1];
    FUZZ_CHECK(now->chunked && count > 0 && count <= r->s->limits.header_count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(rp__is_token(trailers[i].name, strlen(trailers[i].name)));
        FUZZ_CHECK(rp__is_field_value(trailers[i].value, strlen(trailers[i].value)));
        add_text(&r->events, trailers[i].name);
        add_text(&r->events, trailers[i].value);
        add_text(&r->fields, trailers[i].name);
        add_text(&r->fields, trailers[i].value);
    }
}

/* ---- Feeding --------------------------------------------------------------------------------- */

static void begin_response(run *r, rp_h1_parser *parser, size_t at)
{
    response *now = &r->responses[r->count++];
    /* HEAD now and then, so that what one response needed is not left to the next. */
    now->head_only = r->s->head_only != (r->count % 2 == 0);
    now->begin = at;
    rp__h1_parser_start(parser, now->head_only);
    FUZZ_CHECK(!rp__h1_parser_begun(parser) && !rp__h1_parser_keep_alive(parser));
}

/* Returns how far it went. */
static size_t feed(run *r, rp_h1_parser *parser, const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    size_t used = 0;
    do {
        size_t part = 0;
        unsigned pauses = r->pauses;
        r->result = rp__h1_parser_feed(parser, copy + used, size - used, &part, &r->error);
        FUZZ_CHECK(part <= size - used);
        FUZZ_CHECK(part > 0 || r->result == RP_H1_FAILED);
        FUZZ_CHECK(r->result != RP_H1_MORE || part == size - used);
        FUZZ_CHECK(r->result != RP_H1_PAUSED || r->pauses > pauses);
        used += part;
    } while (r->result == RP_H1_PAUSED && used < size);
    FUZZ_CHECK(rp__h1_parser_begun(parser));
    free(copy);
    return used;
}

static void take_end(run *r, rp_h1_parser *parser)
{
    FUZZ_CHECK(r->result == RP_H1_MORE || r->result == RP_H1_PAUSED);
    bool begun = rp__h1_parser_begun(parser);
    r->result = rp__h1_parser_end(parser, r->s->authenticated, &r->error);
    FUZZ_CHECK(r->result == RP_H1_COMPLETE || r->result == RP_H1_FAILED);
    if (r->result == RP_H1_COMPLETE) {
        FUZZ_CHECK(r->s->authenticated && !rp__h1_parser_keep_alive(parser));
        const response *now = &r->responses[r->count - 1];
        FUZZ_CHECK(!now->chunked && now->content_length == RP_LENGTH_UNKNOWN);
    } else {
        FUZZ_CHECK(r->error.status == (begun ? RP_E_BODY_TRUNCATED : RP_E_CLOSED_EARLY));
    }
}

static void note_result(run *r, const rp_h1_parser *parser)
{
    char text[RP_ERROR_TEXT_SIZE + 64];
    response *now = &r->responses[r->count - 1];
    bool failed = r->result == RP_H1_FAILED;
    /* That shows what had come, so it depends on the pieces. */
    const char *why = r->error.status == RP_E_NOT_HTTP ? "not HTTP" : r->error.text;
    if (failed) {
        FUZZ_CHECK(r->error.status == RP_E_BAD_RESPONSE || r->error.status == RP_E_HEAD_TOO_LARGE ||
                   r->error.status == RP_E_NOT_HTTP || r->error.status == RP_E_BODY_TRUNCATED ||
                   r->error.status == RP_E_CLOSED_EARLY ||
                   (r->error.status == RP_E_NO_MEMORY && r->s->fail_in > 0));
        FUZZ_CHECK(r->error.phase == RP_PHASE_HEAD || r->error.phase == RP_PHASE_BODY);
        FUZZ_CHECK((r->error.phase == RP_PHASE_BODY) == (now->heads > now->informational));
        FUZZ_CHECK(r->error.text[0] != '\0');
        fuzz_feature_text(2, why);
    }
    FUZZ_CHECK(r->result == RP_H1_COMPLETE || !rp__h1_parser_keep_alive(parser));
    now->complete = r->result == RP_H1_COMPLETE;
    /* Whether a pause stood at the very end is no difference. */
    snprintf(text, sizeof(text), "%s%d %zu",
             now->complete ? "complete"
             : failed      ? "failed"
                           : "more",
             rp__h1_parser_keep_alive(parser), now->body_size);
    add_text(&r->events, text);
    if (failed) {
        snprintf(text, sizeof(text), "%d %s", (int)r->error.status, why);
        add_text(&r->events, text);
    }
}

/* The whole connection, in pieces of up to limit bytes, 0: in one piece. */
static void run_connection(run *r, const uint8_t *data, size_t size, uint32_t limit)
{
    static const rp_h1_events events = {on_head, on_body, on_trailers};
    rp_memory memory;
    rp_h1_scratch scratch;
    uint64_t seed = r->s->seed;
    size_t at = 0;
    bool more = true;
    add(&r->body, "", 0); /* so that there is a body to point into */
    rp__memory_init(&memory, (rp_allocator){0});
    rp__h1_scratch_init(&scratch, &memory, NULL);
    rp_h1_parser *parser = rp__h1_parser_create(&memory, &scratch, &r->s->limits, &events, r);
    FUZZ_CHECK(parser != NULL);
    memory.fail_in = r->s->fail_in;
    while (more && at < size && r->count < RESPONSES) {
        begin_response(r, parser, at);
        r->result = RP_H1_MORE;
        while (at < size && (r->result == RP_H1_MORE || r->result == RP_H1_PAUSED)) {
            size_t piece = limit == 0 ? size - at : 1 + fuzz_random(&seed, limit);
            at += feed(r, parser, data + at, piece < size - at ? piece : size - at);
        }
        if (r->s->end && (r->result == RP_H1_MORE || r->result == RP_H1_PAUSED))
            take_end(r, parser);
        r->responses[r->count - 1].end = at;
        note_result(r, parser);
        more = rp__h1_parser_keep_alive(parser);
    }
    memory.fail_in = 0;
    rp__h1_parser_destroy(parser);
    rp__h1_scratch_clear(&scratch);
    FUZZ_CHECK(memory.live == 0);
}

/* ---- The second reader ----------------------------------------------------------------------- */

/* Behind the line's end; 0: there is none. */
static size_t next_line(const run *r, const uint8_t *data, size_t size, size_t at)
{
    for (; at < size; at++) {
        if (data[at] == '\n' && r->s->lenient)
            return at + 1;
        if (at + 1 < size && data[at] == '\r' && data[at + 1] == '\n')
            return at + 2;
    }
    return 0;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at both ends, and with blanks for folds: as many as there were bytes, or in
 * trailers (loose) some. */
static void check_text(const uint8_t *data, size_t begin, size_t end, const char *text, bool loose)
{
    while (begin < end && is_white((char)data[begin]))
        begin++;
    while (end > begin && is_white((char)data[end - 1]))
        end--;
    for (size_t i = begin; i < end; i++, text++) {
        bool fold = data[i] == '\r' || data[i] == '\n';
        if (!loose || !is_white((char)data[i])) {
            FUZZ_CHECK(*text == (fold ? ' ' : (char)data[i]));
            continue;
        }
        FUZZ_CHECK(is_white(*text));
        while (is_white((char)data[i + 1]))
            i++;
        while (is_white(text[1]))
            text++;
    }
    FUZZ_CHECK(*text == '\0');
}

/* Behind the headers of a head, or of a chunked body's trailers. *fields: what is to be in them,
 * which moves on. */
static size_t skip_fields(const run *r, const uint8_t *data, size_t size, size_t at,
                          const char **fields, bool trailers)
{
    for (;;) {
        size_t line = next_line(r, data, size, at);
        FUZZ_CHECK(line > 0); /* what was accepted has an end */
        if (data[at] == '\r' || data[at] == '\n')
            return line;
        while (line < size && is_blank(data[line])) {
            line = next_line(r, data, size, line);
            FUZZ_CHECK(line > 0);
        }
        const uint8_t *colon = memchr(data + at, ':', line - at);
        FUZZ_CHECK(colon != NULL && colon > data + at);
        check_text(data, at, (size_t)(colon - data), *fields, false);
        *fields += strlen(*fields) + 1;
        check_text(data, (size_t)(colon - data) + 1, line, *fields, trailers);
        *fields += strlen(*fields) + 1;
        at = line;
    }
}

static uint64_t chunk_size(const run *r, const uint8_t *data, size_t at)
{
    uint64_t value = 0;
    size_t begin = at;
    for (;; at++) {
        uint8_t c = data[at];
        unsigned digit = c >= '0' && c <= '9'   ? c - '0' + 0u
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10u
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10u
                                                : 16u;
        if (digit == 16)
            break;
        value = value * 16 + digit;
    }
    FUZZ_CHECK(at > begin);
    while (r->s->lenient && is_blank(data[at]))
        at++;
    FUZZ_CHECK(data[at] == '\r' || data[at] == ';' || (data[at] == '\n' && r->s->lenient));
    return value;
}

/* Compares body with the chunks at at; gives where they end. */
static size_t check_chunks(const run *r, const uint8_t *data, size_t size, size_t at,
                           const char *body, size_t body_size, const char **fields)
{
    size_t got = 0;
    for (;;) {
        size_t line = next_line(r, data, size, at);
        FUZZ_CHECK(line > 0);
        uint64_t part = chunk_size(r, data, at);
        if (part == 0) {
            FUZZ_CHECK(got == body_size);
            return skip_fields(r, data, size, line, fields, true);
        }
        FUZZ_CHECK(part <= size - line && part <= body_size - got);
        FUZZ_CHECK(memcmp(body + got, data + line, (size_t)part) == 0);
        got += (size_t)part;
        at = line + (size_t)part;
        line = next_line(r, data, size, at);
        FUZZ_CHECK(line > 0 && line - at == (data[at] == '\r' ? 2u : 1u));
        at = line;
    }
}

static void check_complete(const run *r, const response *now, const uint8_t *data, size_t size,
                           const char *body, const char **fields)
{
    size_t at = now->begin, head = now->begin;
    for (uint32_t i = 0; i < now->heads; i++) {
        head = at;
        at = next_line(r, data, size, at);
        FUZZ_CHECK(at > 0);
        at = skip_fields(r, data, size, at, fields, false);
        FUZZ_CHECK(at - head <= r->s->limits.head_bytes);
    }
    FUZZ_CHECK(now->heads == now->informational + 1);
    if (now->head_only || now->status == 204 || now->status == 304) {
        FUZZ_CHECK(now->body_size == 0 && now->end == at);
    } else if (now->chunked) {
        FUZZ_CHECK(check_chunks(r, data, size, at, body, now->body_size, fields) == now->end);
    } else {
        if (now->content_length != RP_LENGTH_UNKNOWN)
            FUZZ_CHECK(now->body_size == now->content_length);
        FUZZ_CHECK(now->end - at == now->body_size);
        FUZZ_CHECK(now->body_size == 0 || memcmp(body, data + at, now->body_size) == 0);
    }
}

static void check_run(const run *r, const uint8_t *data, size_t size)
{
    size_t body = 0;
    const char *fields = r->fields.text;
    for (size_t i = 0; i < r->count; i++) {
        const response *now = &r->responses[i];
        if (now->complete)
            check_complete(r, now, data, size, r->body.text + body, &fields);
        body += now->body_size;
    }
    FUZZ_CHECK(body == r->body.size);
}

/* ---- The target ------------------------------------------------------------------------------ */

static bool same(const trace *a, const trace *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->text, b->text, a->size) == 0);
}

static void free_run(run *r)
{
    free(r->events.text);
    free(r->body.text);
    free(r->fields.text);
}

static settings read_settings(fuzz_input *input)
{
    static const size_t head_bytes[] = {16 * 1024, 64, 256, 1024};
    uint8_t flags = fuzz_byte(input), limits = fuzz_byte(input), seed = fuzz_byte(input);
    uint8_t failure = fuzz_byte(input);
    return (settings){
        .head_only = flags & 1,
        .end = flags & 2,
        .authenticated = flags & 4,
        .pause = (uint8_t)(flags >> 3 & 3),
        .seed = seed + 1u,
        .piece_limit = 1u << (flags >> 5),
        .lenient = failure & 1,
        .fail_in = failure >= 0xC0 ? failure - 0xBFu : 0,
        .limits = {.lenient_lines = failure & 1,
                   .head_bytes = head_bytes[limits & 3],
                   .header_count = (limits >> 2 & 7) == 0 ? 100 : limits >> 2 & 7,
                   .informational_count = limits >> 5},
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t one_byte = 1;
    fuzz_input input = {data, size};
    settings first = read_settings(&input), others = first;
    first.pause = 0;
    run whole = {.s = &first};
    run_connection(&whole, input.data, input.size, 0);
    check_run(&whole, input.data, input.size);
    for (int i = 0; i < 2 && first.fail_in == 0; i++) {
        run cut = {.s = &others};
        run_connection(&cut, input.data, input.size, i == 0 ? one_byte : first.piece_limit);
        FUZZ_CHECK(cut.result == whole.result || cut.result == RP_H1_PAUSED);
        FUZZ_CHECK(cut.count == whole.count);
        FUZZ_CHECK(same(&cut.events, &whole.events) && same(&cut.body, &whole.body));
        for (size_t k = 0; k < cut.count; k++)
            FUZZ_CHECK(!cut.responses[k].complete ||
                       cut.responses[k].end == whole.responses[k].end);
        free_run(&cut);
    }
    free_run(&whole);
    return 0;
}
