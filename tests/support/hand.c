/* hand.c - see hand.h. */
#include "support/hand.h"

#include "support/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
                                    "SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
                                    "WINDOW_UPDATE", "CONTINUATION"};

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---- hearing ---- */

static void say(hand *h, const char *format, ...)
{
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    size_t length = strlen(text);
    h->heard = realloc(h->heard, h->heard_size + length + 1);
    CHECK(h->heard != NULL);
    memcpy(h->heard + h->heard_size, text, length + 1);
    h->heard_size += length;
}

static void say_fields(hand *h, const uint8_t *block, size_t size)
{
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv field;
        nghttp2_ssize used = nghttp2_hd_inflate_hd3(h->inflater, &field, &flags, block, size, 1);
        CHECK(used >= 0);
        block += used;
        size -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            say(h, " %s=%s", (const char *)field.name, (const char *)field.value);
    }
    (void)nghttp2_hd_inflate_end_headers(h->inflater);
}

static void hear(hand *h, const uint8_t *f, size_t size)
{
    const uint8_t *payload = f + 9;
    uint8_t type = f[3], flags = f[4];
    say(h, "%s %u", type < 10 ? types[type] : "UNKNOWN", number(f + 5));
    if (type <= 1 && (flags & 1) != 0)
        say(h, " END_STREAM");
    if ((type == 4 || type == 6) && (flags & 1) != 0)
        say(h, " ACK");
    if (type == 1 || type == 9)
        say(h, (flags & 4) != 0 ? "" : " ...");
    if (type == 1 && (flags & 4) != 0)
        say_fields(h, payload, size);
    else if (type == 3 || type == 8)
        say(h, " %u", number(payload));
    else if (type == 7)
        say(h, " last=%u code=%u %.*s", number(payload), number(payload + 4), (int)size - 8,
            (const char *)payload + 8);
    else if (type == 4)
        for (size_t i = 0; i < size; i += 6)
            say(h, " %u=%u", payload[i] << 8 | payload[i + 1], number(payload + i + 2));
    else if (size > 0)
        say(h, " %zu", size);
    say(h, "\n");
}

static void came(probe *p, const uint8_t *data, size_t size)
{
    hand *h = p->user;
    if (h->size + size > h->capacity) {
        h->capacity = 2 * (h->size + size);
        h->input = realloc(h->input, h->capacity);
        CHECK(h->input != NULL);
    }
    memcpy(h->input + h->size, data, size);
    h->size += size;
    size_t at = 0;
    for (;;) {
        size_t left = h->size - at, whole = left < 9 ? 9 : 9 + (number(h->input + at) >> 8);
        if (left < whole)
            break;
        hear(h, h->input + at, whole - 9);
        at += whole;
    }
    if (at > 0)
        memmove(h->input, h->input + at, h->size - at);
    h->size -= at;
}

static bool heard(const hand *h, const char *begin)
{
    for (const char *line = h->heard; line != NULL && *line != '\0';) {
        if (strncmp(line, begin, strlen(begin)) == 0)
            return true;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return false;
}

void hand_wait(hand *h, const char *begin)
{
    UNTIL(h->scene->web.loop, heard(h, begin) || h->probe.ends > 0);
    if (!heard(h, begin))
        fail_msg("no %s in\n%s", begin, h->heard != NULL ? h->heard : "");
}

void hand_wait_end(hand *h)
{
    UNTIL(h->scene->web.loop, h->probe.ends > 0);
}

void hand_heard(hand *h, const char *lines)
{
    static const char *const ours[] = {"SETTINGS 0\n", "SETTINGS 0 ACK\n"};
    const char *text = h->heard != NULL ? h->heard : "";
    for (size_t i = 0; i < 2; i++) {
        if (strncmp(text, ours[i], strlen(ours[i])) == 0)
            text += strlen(ours[i]);
    }
    assert_string_equal(text, lines);
}

void hand_forget(hand *h)
{
    h->heard_size = 0;
    if (h->heard != NULL)
        h->heard[0] = '\0';
}

/* ---- saying ---- */

static void write_all(hand *h, const void *data, size_t size)
{
    assert_int_equal(probe_write(&h->probe, data, size), RP_OK);
    UNTIL(h->scene->web.loop, h->probe.writes_done == h->probe.writes_started);
}

void hand_send(hand *h, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t size)
{
    uint8_t *frame = malloc(9 + size);
    CHECK(frame != NULL);
    uint32_t numbers[2] = {(uint32_t)size << 8 | type, stream};
    for (unsigned i = 0; i < 4; i++) {
        frame[i] = (uint8_t)(numbers[0] >> (24 - 8 * i));
        frame[5 + i] = (uint8_t)(numbers[1] >> (24 - 8 * i));
    }
    frame[4] = flags;
    if (size > 0)
        memcpy(frame + 9, payload, size);
    write_all(h, frame, 9 + size);
    free(frame);
}

void hand_number(hand *h, uint8_t type, uint32_t stream, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    hand_send(h, type, 0, stream, bytes, sizeof(bytes));
}

size_t hand_field(uint8_t *block, size_t size, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    CHECK(name_size < 127 && value_size < 127);
    block[size++] = 0;
    block[size++] = (uint8_t)name_size;
    memcpy(block + size, name, name_size);
    size += name_size;
    block[size++] = (uint8_t)value_size;
    memcpy(block + size, value, value_size);
    return size + value_size;
}

void hand_begin(hand *h, scene *s, bool settings)
{
    *h = (hand){.scene = s, .probe = {.on_data = came, .user = h}};
    CHECK(nghttp2_hd_inflate_new(&h->inflater) == 0);
    s->alpn = "h2";
    scene_connect(s, &h->probe);
    h->probe.user = h;
    write_all(h, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    if (settings)
        hand_send(h, 4, 0, 0, NULL, 0);
}

void hand_end(hand *h)
{
    probe_finish(&h->probe);
    nghttp2_hd_inflate_del(h->inflater);
    free(h->input);
    free(h->heard);
    UNTIL(h->scene->web.loop, scene_counts(h->scene).open == 0);
}
