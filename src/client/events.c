/* events.c - the lines of text/event-stream, and what they say. */
#include <ringport/events.h>

#include "base/error.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <string.h>

#define LINE_LIMIT ((size_t)64 * 1024)
#define EVENT_LIMIT ((size_t)1024 * 1024)
#define RETRY_MOST_MS UINT64_C(86400000) /* a day: more than anybody means */

/* Bytes with a NUL behind them. */
typedef struct text {
    char *bytes; /* NULL: none yet */
    size_t size, capacity;
} text;

struct rp_event_reader {
    rp_memory *memory;
    rp_event_reader_options options;
    text line, type, data, id, last_id; /* id becomes last_id with the next empty line */
    uint64_t retry_ms;
    unsigned bom;  /* bytes of it that came, at the beginning; beyond 2: that is over */
    bool after_cr; /* a LF would belong to it */
    bool failed;   /* nothing is read any more */
    bool feeding, destroyed;
};

static const char bom[] = "\xef\xbb\xbf";

static bool text_add(rp_memory *memory, text *t, const char *bytes, size_t size)
{
    if (t->bytes == NULL || size >= t->capacity - t->size) {
        size_t capacity = t->capacity == 0 ? 128 : t->capacity;
        while (capacity - t->size <= size)
            capacity *= 2;
        /* All of the old block is overwritten: behind size stand earlier lines and events. */
        char *grown = rp__reallocate_secret(memory, t->bytes, t->capacity, capacity);
        if (grown == NULL)
            return false;
        t->bytes = grown;
        t->capacity = capacity;
    }
    if (size > 0)
        memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
    return true;
}

static const char *text_get(const text *t, const char *otherwise)
{
    return t->size == 0 ? otherwise : t->bytes;
}

static bool text_set(rp_memory *memory, text *t, const char *bytes, size_t size)
{
    t->size = 0;
    return text_add(memory, t, bytes, size);
}

static void text_free(rp_memory *memory, text *t)
{
    rp__free_secret(memory, t->bytes, t->capacity);
}

static rp_status no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_BODY, "no memory for an event");
}

static rp_status too_large(rp_error *error, const char *what, size_t limit)
{
    return rp__error_set(error, RP_E_BODY_TOO_LARGE, RP_PHASE_BODY,
                         "the server's %s is longer than the limit of %zu bytes", what, limit);
}

/* ---- lines ---- */

/* An empty line: an event, if there is data. */
static rp_status dispatch(rp_event_reader *r, rp_error *error)
{
    if (!text_set(r->memory, &r->last_id, text_get(&r->id, ""), r->id.size))
        return no_memory(error);
    if (r->data.size > 0) {
        r->data.bytes[--r->data.size] = '\0'; /* the last line's end */
        rp_event event = {.type = text_get(&r->type, "message"),
                          .data = r->data.bytes,
                          .data_size = r->data.size,
                          .id = text_get(&r->last_id, "")};
        r->options.on_event(&event, r->options.user);
    }
    r->data.size = r->type.size = 0;
    return RP_OK;
}

static void take_retry(rp_event_reader *r, const char *digits, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return;
        value = value * 10 + (uint64_t)(digits[i] - '0');
        value = value > RETRY_MOST_MS ? RETRY_MOST_MS : value;
    }
    if (size > 0)
        r->retry_ms = value;
}

static rp_status take_field(rp_event_reader *r, const char *name, size_t name_size,
                            const char *value, size_t size, rp_error *error)
{
    bool good = true;
    if (name_size == 4 && memcmp(name, "data", 4) == 0) {
        if (size + 1 > r->options.event_limit_bytes - r->data.size)
            return too_large(error, "event", r->options.event_limit_bytes);
        good = text_add(r->memory, &r->data, value, size) && text_add(r->memory, &r->data, "\n", 1);
    } else if (name_size == 5 && memcmp(name, "event", 5) == 0) {
        good = text_set(r->memory, &r->type, value, size);
    } else if (name_size == 2 && memcmp(name, "id", 2) == 0) {
        if (size == 0 || memchr(value, '\0', size) == NULL)
            good = text_set(r->memory, &r->id, value, size);
    } else if (name_size == 5 && memcmp(name, "retry", 5) == 0) {
        take_retry(r, value, size);
    }
    return good ? RP_OK : no_memory(error);
}

static rp_status take_line(rp_event_reader *r, rp_error *error)
{
    const char *line = text_get(&r->line, "");
    size_t size = r->line.size;
    r->line.size = 0;
    if (size == 0)
        return dispatch(r, error);
    const char *colon = memchr(line, ':', size);
    if (colon == line)
        return RP_OK; /* a comment */
    size_t name_size = colon == NULL ? size : (size_t)(colon - line);
    size_t value_at = colon == NULL ? size : name_size + 1;
    if (value_at < size && line[value_at] == ' ')
        value_at++;
    return take_field(r, line, name_size, line + value_at, size - value_at, error);
}

/* What it began with was no BOM after all, or is: then it is skipped. */
static bool skip_bom(rp_event_reader *r, const char **at, const char *end)
{
    while (r->bom < 3 && *at < end) {
        if (**at != bom[r->bom]) {
            unsigned had = r->bom;
            r->bom = 3;
            return text_add(r->memory, &r->line, bom, had);
        }
        (*at)++;
        r->bom++;
    }
    return true;
}

static rp_status feed(rp_event_reader *r, const char *at, const char *end, rp_error *error)
{
    if (!skip_bom(r, &at, end))
        return no_memory(error);
    while (at < end && !r->destroyed && !r->failed) {
        if (r->after_cr && *at == '\n') {
            r->after_cr = false;
            at++;
            continue;
        }
        r->after_cr = false;
        const char *stop = at;
        while (stop < end && *stop != '\r' && *stop != '\n')
            stop++;
        size_t size = (size_t)(stop - at);
        /* What looked like a byte order mark is in the line unasked. */
        if (r->line.size > r->options.line_limit_bytes ||
            size > r->options.line_limit_bytes - r->line.size)
            return too_large(error, "line of an event", r->options.line_limit_bytes);
        if (size > 0 && !text_add(r->memory, &r->line, at, size))
            return no_memory(error);
        if (stop == end)
            return RP_OK;
        r->after_cr = *stop == '\r';
        at = stop + 1;
        rp_status status = take_line(r, error);
        if (status != RP_OK)
            return status;
    }
    return RP_OK;
}

/* ---- the public calls ---- */

rp_status rp_event_reader_create_sized(rp_event_reader **out, rp_loop *loop,
                                       const rp_event_reader_options *options, size_t options_size,
                                       rp_error *error)
{
    rp_event_reader_options known;
    *out = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size) || known.on_event == NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "an event reader needs on_event, and no member that this version does "
                             "not know");
    if (!rp__loop_is_ours(loop))
        return rp__loop_not_ours(error, RP_PHASE_NONE);
    rp_event_reader *r = rp__allocate(&loop->memory, sizeof(*r));
    if (r == NULL)
        return no_memory(error);
    r->memory = &loop->memory;
    r->options = known;
    if (known.line_limit_bytes == 0)
        r->options.line_limit_bytes = LINE_LIMIT;
    if (known.event_limit_bytes == 0)
        r->options.event_limit_bytes = EVENT_LIMIT;
    *out = r;
    return RP_OK;
}

void rp_event_reader_destroy(rp_event_reader *r)
{
    if (r == NULL)
        return;
    r->destroyed = true;
    if (r->feeding)
        return; /* feed does it */
    text_free(r->memory, &r->line);
    text_free(r->memory, &r->type);
    text_free(r->memory, &r->data);
    text_free(r->memory, &r->id);
    text_free(r->memory, &r->last_id);
    rp__free(r->memory, r);
}

rp_status rp_event_reader_feed(rp_event_reader *r, const void *data, size_t size, rp_error *error)
{
    if (r->feeding || r->failed)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_BODY,
                             "an event reader is fed from its own on_event, or after it failed");
    if (size == 0)
        return RP_OK;
    r->feeding = true;
    rp_status status = feed(r, data, (const char *)data + size, error);
    r->feeding = false;
    r->failed = status != RP_OK;
    if (r->destroyed)
        rp_event_reader_destroy(r);
    return status;
}

void rp_event_reader_restart(rp_event_reader *r)
{
    r->line.size = r->type.size = r->data.size = 0;
    r->bom = 0;
    r->after_cr = r->failed = false;
    (void)text_set(r->memory, &r->id, text_get(&r->last_id, ""), r->last_id.size);
}

const char *rp_event_reader_last_id(const rp_event_reader *r)
{
    return text_get(&r->last_id, "");
}

uint64_t rp_event_reader_retry_ms(const rp_event_reader *r)
{
    return r->retry_ms;
}
