/* fuzz_events.c - text/event-stream: the same events however it is cut, and just those that a
 * second, simpler reader of the standard (WHATWG HTML, 9.2.6) finds in the whole.
 *
 * The first byte chooses the limits, the second how the input is cut. */
#include "fuzz/support/fuzz.h"

#include "loop/loop.h"
#include <ringport/events.h>

#include <stdlib.h>
#include <string.h>

/* What was told, as a hash and a count; and what is left at the end. */
typedef struct outcome {
    uint64_t sum, count, retry_ms;
    rp_status status;
    char *last_id;
} outcome;

static void mix(outcome *o, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        o->sum = (o->sum ^ bytes[i]) * 1099511628211u;
    o->sum = (o->sum ^ 256) * 1099511628211u;
}

static void tell(outcome *o, const char *type, const char *data, size_t size, const char *id)
{
    o->count++;
    mix(o, type, strlen(type));
    mix(o, data, size);
    mix(o, id, strlen(id));
}

/* ---- ours ---- */

static void on_event(const rp_event *event, void *user)
{
    FUZZ_CHECK(event->data[event->data_size] == '\0');
    tell(user, event->type, event->data, event->data_size, event->id);
}

static outcome read_cut(rp_loop *loop, rp_event_reader_options options, const uint8_t *data,
                        size_t size, size_t cut)
{
    rp_event_reader *reader;
    outcome o = {.status = RP_OK};
    rp_error error;
    options.on_event = on_event;
    options.user = &o;
    FUZZ_CHECK(rp_event_reader_create(&reader, loop, &options, &error) == RP_OK);
    for (size_t at = 0; at < size && o.status == RP_OK; at += cut)
        o.status =
            rp_event_reader_feed(reader, data + at, size - at < cut ? size - at : cut, &error);
    FUZZ_CHECK(o.status == RP_OK || o.status == RP_E_BODY_TOO_LARGE);
    o.retry_ms = rp_event_reader_retry_ms(reader);
    o.last_id =
        fuzz_copy(rp_event_reader_last_id(reader), strlen(rp_event_reader_last_id(reader)) + 1);
    rp_event_reader_destroy(reader);
    return o;
}

/* ---- the other: all of it is there ---- */

typedef struct other {
    outcome o;
    uint8_t *data; /* of the event, with a LF behind each line */
    size_t data_size;
    const uint8_t *type, *id; /* in the input */
    size_t type_size, id_size;
    size_t event_limit;
} other;

static bool is(const uint8_t *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

static char *text_of(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

static void other_dispatch(other *e)
{
    char *type = text_of(e->type, e->type_size);
    free(e->o.last_id);
    e->o.last_id = text_of(e->id, e->id_size);
    if (e->data_size > 0)
        tell(&e->o, e->type_size > 0 ? type : "message", (char *)e->data, e->data_size - 1,
             e->o.last_id);
    free(type);
    e->data_size = e->type_size = 0;
}

static void other_retry(other *e, const uint8_t *value, size_t size)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return;
        ms = ms > 86400000 ? ms : ms * 10 + (uint64_t)(value[i] - '0');
    }
    if (size > 0)
        e->o.retry_ms = ms < 86400000 ? ms : 86400000;
}

static void other_line(other *e, const uint8_t *line, size_t size)
{
    size_t colon = 0;
    while (colon < size && line[colon] != ':')
        colon++;
    size_t begin = colon < size ? colon + 1 : size;
    begin += begin < size && line[begin] == ' ';
    const uint8_t *value = line + begin;
    size -= begin;
    if (is(line, colon, "data")) {
        if (e->data_size + size + 1 > e->event_limit) {
            e->o.status = RP_E_BODY_TOO_LARGE;
            return;
        }
        memcpy(e->data + e->data_size, value, size);
        e->data_size += size;
        e->data[e->data_size++] = '\n';
    } else if (is(line, colon, "event")) {
        e->type = value;
        e->type_size = size;
    } else if (is(line, colon, "id") && memchr(value, '\0', size) == NULL) {
        e->id = value;
        e->id_size = size;
    } else if (is(line, colon, "retry")) {
        other_retry(e, value, size);
    }
}

static outcome read_whole(const rp_event_reader_options *limits, const uint8_t *data, size_t size)
{
    other e = {.o = {.status = RP_OK}, .event_limit = limits->event_limit_bytes};
    const uint8_t *at = data, *end = data + size;
    e.data = malloc(size + 1);
    FUZZ_CHECK(e.data != NULL);
    e.o.last_id = text_of(NULL, 0);
    /* Less than a mark, and nothing behind it, may still become one. */
    if (size > 0 && memcmp(data, "\xef\xbb\xbf", size < 3 ? size : 3) == 0)
        at += size < 3 ? size : 3;
    while (at < end && e.o.status == RP_OK) {
        const uint8_t *stop = at;
        while (stop < end && *stop != '\r' && *stop != '\n')
            stop++;
        if ((size_t)(stop - at) > limits->line_limit_bytes)
            e.o.status = RP_E_BODY_TOO_LARGE;
        else if (stop < end && stop == at)
            other_dispatch(&e);
        else if (stop < end)
            other_line(&e, at, (size_t)(stop - at));
        at = stop + (end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1);
    }
    free(e.data);
    return e.o;
}

static void same(const outcome *a, const outcome *b)
{
    FUZZ_CHECK(a->status == b->status);
    FUZZ_CHECK(a->count == b->count && a->sum == b->sum);
    FUZZ_CHECK(a->retry_ms == b->retry_ms && strcmp(a->last_id, b->last_id) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rp_loop *loop;
    if (loop == NULL)
        FUZZ_CHECK(rp_loop_create(&loop, NULL, NULL) == RP_OK);
    if (size < 2)
        return 0;
    rp_event_reader_options limits = {.line_limit_bytes = data[0] < 128 ? 65536 : data[0] - 127u,
                                      .event_limit_bytes = data[0] % 4 == 0 ? 30 : 1 << 20};
    size_t cut = (size_t)data[1] + 1;
    uint64_t live = loop->memory.live;
    outcome whole = read_cut(loop, limits, data + 2, size - 2, size);
    outcome cuts = read_cut(loop, limits, data + 2, size - 2, cut);
    outcome second = read_whole(&limits, data + 2, size - 2);
    same(&whole, &cuts);
    same(&whole, &second);
    FUZZ_CHECK(loop->memory.live == live);
    free(whole.last_id);
    free(cuts.last_id);
    free(second.last_id);
    return 0;
}
