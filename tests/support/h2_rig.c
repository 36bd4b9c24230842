/* h2_rig.c - see h2_rig.h. */
#include "support/h2_rig.h"

h2_rig rig;

/* ---- the client ---- */

static void add(h2_exchange *e, const char *format, ...)
{
    size_t used = strlen(e->told);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(e->told + used, sizeof(e->told) - used, format, arguments);
    va_end(arguments);
}

static void on_answer(void *user, rp_h2_stream *stream)
{
    (void)user;
    assert_non_null(stream->user);
}

static void on_head(void *user, rp_h2_stream *stream, const rp_response_head *head)
{
    h2_exchange *e = stream->user;
    (void)user;
    assert_int_equal(head->version, 20);
    assert_string_equal(head->reason, "");
    assert_true(head->informational == (head->status < 200));
    add(e, "head %d", head->status);
    for (size_t i = 0; i < head->header_count; i++)
        add(e, " %s=%s", head->headers[i].name, head->headers[i].value);
    if (head->content_length != RP_LENGTH_UNKNOWN && !head->informational)
        add(e, " (%d)", (int)head->content_length);
    add(e, ";");
}

static void on_body(void *user, rp_h2_stream *stream, const uint8_t *data, size_t size)
{
    h2_exchange *e = stream->user;
    rp_h2 *h2 = *(rp_h2 **)user;
    assert_true(size > 0);
    e->body_bytes += size;
    if (size < 100)
        add(e, "%.*s", (int)size, (const char *)data);
    if (e->drops && e->stream != NULL) {
        uint8_t first = data[0], last = data[size - 1];
        e->stream = NULL;
        rp__h2_drop(h2, stream, rig.now_ns);
        assert_true(data[0] == first && data[size - 1] == last); /* until this returns */
    }
}

static void on_frame(void *user, rp_h2_stream *stream, size_t out_size)
{
    (void)user;
    assert_non_null(stream->user);
    assert_true(out_size <= H2_RIG_OUT && stream->sent_bytes > 0);
}

static const rp_h2_events events = {
    .on_answer = on_answer, .on_head = on_head, .on_body = on_body, .on_frame = on_frame};

void h2_rig_begin(void)
{
    rig.pool = rp__h2_memory_create(&rig.memory);
    rig.options.memory = rig.pool;
    rig.options.chunks = &rig.chunks;
    rig.h2 = rig.pool == NULL ? NULL : rp__h2_create(&rig.options, &events, &rig.h2);
    rig.good = true;
    h2_peer_begin(&rig.peer);
    h2_frame_put(&rig.peer, NGHTTP2_SETTINGS, 0, 0, NULL, 0); /* comes first of all */
}

void h2_rig_end(void)
{
    rp__h2_destroy(rig.h2);
    rp__h2_memory_destroy(rig.pool);
    rp__chunk_pool_clear(&rig.chunks);
    h2_peer_end(&rig.peer);
    assert_int_equal(rig.memory.live, 0);
}

int h2_rig_set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    rp__memory_init(&rig.memory, (rp_allocator){0});
    rp__chunk_pool_init(&rig.chunks, &rig.memory, NULL);
    rig.options = (rp_h2_options){.head_bytes = 4096,
                                  .header_count = 20,
                                  .informational_count = 3,
                                  .streams_early = 100,
                                  .stream_window = 256 * 1024,
                                  .window_limit = 16 * 1024 * 1024};
    rig.now_ns = 1000000000u;
    assert_int_equal(rp__url_parse(&rig.url, "https://h/path?q", 16, NULL), RP_OK);
    h2_rig_begin();
    assert_non_null(rig.h2);
    return 0;
}

int h2_rig_tear_down(void **state)
{
    (void)state;
    h2_rig_end();
    return 0;
}

void h2_drain(void)
{
    static uint8_t out[H2_RIG_OUT];
    while (rig.good || rp__h2_wants_drain(rig.h2)) {
        size_t size = 0;
        rig.good = rp__h2_drain(rig.h2, out, sizeof(out), &size, rig.now_ns) && rig.good;
        h2_peer_give(&rig.peer, out, size);
        if (size == 0)
            return;
    }
}

void h2_take_ends(void)
{
    rp_h2_stream *stream;
    rp_h2_end how;
    rp_error error = {.status = RP_OK};
    while ((stream = rp__h2_next_end(rig.h2, &how, &error)) != NULL) {
        h2_exchange *e = stream->user;
        assert_false(e->ended);
        e->ended = true;
        e->end = how;
        e->error = error;
        e->stream = NULL;
    }
}

void h2_come(void)
{
    size_t size = rig.peer.out_size, step = rig.cut == 0 ? size : rig.cut;
    for (size_t at = 0; at < size && rig.good; at += step) {
        /* A piece of its own, so that a read beyond it is seen. */
        size_t part = step < size - at ? step : size - at;
        uint8_t *piece = malloc(part);
        assert_non_null(piece);
        memcpy(piece, rig.peer.out + at, part);
        rig.good = rp__h2_feed(rig.h2, piece, part, rig.now_ns);
        free(piece);
        h2_take_ends();
    }
    rig.peer.out_size = 0;
    h2_drain();
    h2_take_ends();
}

/* NULL: it has none. */
static rp_body *body_of(unsigned i, const h2_sending *how)
{
    rig.all[i].body = (rp_body){.data = (const uint8_t *)how->body, .length = how->body_size};
    return how->body_size > 0 ? &rig.all[i].body : NULL;
}

void h2_send_quietly(unsigned i, const h2_sending *how)
{
    static rp_message messages[H2_RIG_STREAMS];
    static uint8_t packed[8][4096];
    rp_error error;
    rp_message_source source = {.method = how->method,
                                .url = &rig.url,
                                .user_agent = rp__user_agent_of("ua/1"),
                                .has_body = true,
                                .body_size = how->body_size};
    assert_int_equal(rp__message_pack(&messages[i], &source, packed[i], sizeof(packed[i]), &error),
                     RP_OK);
    rp_h2_request request = {.message = &messages[i], .body = body_of(i, how), .user = &rig.all[i]};
    rig.all[i].stream = rp__h2_submit(rig.h2, &request);
    assert_non_null(rig.all[i].stream);
}

h2_exchange *h2_send(unsigned i, const h2_sending *how)
{
    rp_message message;
    rp_error error;
    rp_message_source source = {.method = how->method == NULL ? "GET" : how->method,
                                .url = &rig.url,
                                .headers = how->headers,
                                .header_count = how->header_count,
                                .user_agent = rp__user_agent_of("ua/1"),
                                .has_body = how->body != NULL,
                                .body_size = how->body_size};
    assert_int_equal(rp__message_pack(&message, &source, rig.packed, sizeof(rig.packed), &error),
                     RP_OK);
    rp_h2_request request = {.message = &message,
                             .body = body_of(i, how),
                             .head_only = strcmp(source.method, "HEAD") == 0,
                             .limited = how->limited,
                             .credit = how->credit,
                             .user = &rig.all[i]};
    rig.all[i].stream = rp__h2_submit(rig.h2, &request);
    if (rig.all[i].stream != NULL)
        h2_drain();
    return &rig.all[i];
}

h2_exchange *h2_get(unsigned i)
{
    return h2_send(i, &(h2_sending){.method = "GET"});
}

void h2_assert_told(const h2_exchange *e, const char *told)
{
    assert_string_equal(e->told, told);
}

void h2_assert_complete(const h2_exchange *e, const char *told)
{
    assert_true(e->ended);
    assert_int_equal(e->end, RP_H2_COMPLETE);
    h2_assert_told(e, told);
}

void h2_assert_unusable(const h2_exchange *e, rp_status status, const char *part)
{
    assert_true(e->ended);
    assert_int_equal(e->end, RP_H2_UNUSABLE);
    assert_int_equal(e->error.status, status);
    if (strstr(e->error.text, part) == NULL)
        fail_msg("not in \"%s\": %s", e->error.text, part);
}

void h2_settings(void)
{
    h2_settings_ack(&rig.peer);
    h2_come();
}

bool h2_next_is(uint8_t type, uint32_t id, uint32_t word)
{
    h2_frame frame;
    while (h2_peer_take_type(&rig.peer, type, &frame)) {
        if (frame.id == id)
            return h2_word(frame.payload) == word;
    }
    return false;
}

uint64_t h2_window_given(uint32_t id)
{
    h2_frame frame;
    uint64_t sum = 0;
    while (h2_peer_take_type(&rig.peer, NGHTTP2_WINDOW_UPDATE, &frame)) {
        if (frame.id == id)
            sum += h2_word(frame.payload);
    }
    return sum;
}
