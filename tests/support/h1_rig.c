/* h1_rig.c - see h1_rig.h. */
#include "support/h1_rig.h"

h1_rig h1;

static void note(const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(h1.trace.text) - h1.trace.size;
    if (h1.trace.in_body)
        h1.trace.text[h1.trace.size++] = '\'';
    h1.trace.in_body = false;
    va_start(arguments, format);
    int size = vsnprintf(h1.trace.text + h1.trace.size, room - 1, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < room - 1);
    h1.trace.size += (size_t)size;
}

static bool on_head(void *user, const rp_response_head *head)
{
    assert_ptr_equal(user, &h1.trace);
    note("%c%d/%d '%s' ", head->informational ? 'i' : 'H', head->status, head->version,
         head->reason);
    if (head->content_length == RP_LENGTH_UNKNOWN)
        note("?");
    else
        note("%llu", (unsigned long long)head->content_length);
    note(" [");
    for (size_t i = 0; i < head->header_count; i++)
        note("%s%s=%s", i > 0 ? ";" : "", head->headers[i].name, head->headers[i].value);
    note("] ");
    return h1.trace.pause == 0;
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    assert_ptr_equal(user, &h1.trace);
    assert_true(size > 0);
    if (!h1.trace.in_body)
        note("B'");
    h1.trace.in_body = true;
    assert_true(h1.trace.size + size < sizeof(h1.trace.text) - 2);
    memcpy(h1.trace.text + h1.trace.size, data, size);
    h1.trace.size += size;
    return h1.trace.pause == 0;
}

static void on_trailers(void *user, const rp_header *trailers, size_t count)
{
    assert_ptr_equal(user, &h1.trace);
    note("T[");
    for (size_t i = 0; i < count; i++)
        note("%s%s=%.60s", i > 0 ? ";" : "", trailers[i].name, trailers[i].value);
    note("]");
}

const rp_h1_events h1_events = {on_head, on_body, on_trailers};

int h1_set_up(void **state)
{
    (void)state;
    rp__memory_init(&h1.memory, (rp_allocator){0});
    rp__h1_scratch_init(&h1.scratch, &h1.memory, NULL);
    h1.limits = (rp_h1_limits){.head_bytes = 4096, .header_count = 16, .informational_count = 3};
    memset(&h1.trace, 0, sizeof(h1.trace));
    return 0;
}

int h1_tear_down(void **state)
{
    (void)state;
    rp__h1_scratch_clear(&h1.scratch);
    return h1.memory.live == 0 ? 0 : -1;
}

rp_h1_parser *h1_create(void)
{
    rp_h1_parser *parser =
        rp__h1_parser_create(&h1.memory, &h1.scratch, &h1.limits, &h1_events, &h1.trace);
    assert_non_null(parser);
    return parser;
}

rp_h1_result h1_feed(rp_h1_parser *parser, const char *data, size_t size, size_t *used,
                     rp_error *error)
{
    rp_h1_result result = RP_H1_MORE;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    *used = 0;
    do {
        size_t part = 0;
        result = rp__h1_parser_feed(parser, copy + *used, size - *used, &part, error);
        assert_true(part <= size - *used);
        *used += part;
    } while (result == RP_H1_PAUSED && *used < size);
    assert_true(result != RP_H1_PAUSED || h1.trace.pause > 0);
    assert_true((result != RP_H1_MORE && result != RP_H1_PAUSED) || *used == size);
    free(copy);
    return result;
}

void h1_run(rp_h1_parser *parser, bool head_only, const char *data, size_t size, size_t first,
            size_t step, end_kind end)
{
    rp_error error = {0};
    rp_h1_result result = RP_H1_MORE;
    size_t used = 0;
    h1.trace.size = 0;
    h1.trace.in_body = false;
    rp__h1_parser_start(parser, head_only);
    assert_false(rp__h1_parser_begun(parser));
    while (used < size && (result == RP_H1_MORE || result == RP_H1_PAUSED)) {
        size_t part = used < first ? step : size - used, taken;
        result = h1_feed(parser, data + used, part, &taken, &error);
        used += taken;
        assert_true(rp__h1_parser_begun(parser));
    }
    if (end != END_NONE && result != RP_H1_FAILED)
        result = rp__h1_parser_end(parser, end == END_CLEAN, &error);
    if (result == RP_H1_FAILED)
        note("F:%s/%s %s", rp_status_name(error.status), rp_phase_name(error.phase), error.text);
    else if (result == RP_H1_COMPLETE)
        note("C%c", rp__h1_parser_keep_alive(parser) ? '+' : '-');
    else
        note("M");
    if (result == RP_H1_COMPLETE && used < size)
        note("!%zu", size - used);
    h1.trace.text[h1.trace.size] = '\0';
}

void h1_expect(const char *expected, const char *data, size_t size)
{
    /* What is no HTTP is shown, as far as it has come: how far depends on the pieces. */
    bool is_http = strstr(expected, "is not HTTP/1.1") == NULL;
    size_t compared = is_http ? sizeof(h1.trace.text) : strlen(expected);
    if (strncmp(h1.trace.text, expected, compared) != 0)
        fail_msg("%.*s\n gave     %s\n expected %s", (int)size, data, h1.trace.text, expected);
}

/* A parser that failed is of no further use. */
static void run_alone(const char *data, size_t size, size_t first, size_t step, end_kind end,
                      bool head_only, const char *expected)
{
    rp_h1_parser *parser = h1_create();
    h1_run(parser, head_only, data, size, first, step, end);
    rp__h1_parser_destroy(parser);
    h1_expect(expected, data, size);
}

void h1_check_bytes(const char *data, size_t size, end_kind end, bool head_only,
                    const char *expected)
{
    for (h1.trace.pause = 0; h1.trace.pause < 2; h1.trace.pause++) {
        run_alone(data, size, 0, 0, end, head_only, expected);
        run_alone(data, size, size, 1, end, head_only, expected);
        for (size_t cut = 1; cut < size; cut++)
            run_alone(data, size, cut, cut, end, head_only, expected);
    }
    h1.trace.pause = 0;
    /* Nothing of an earlier response is left behind. */
    if (strstr(expected, "F:") == NULL && expected[strlen(expected) - 1] != 'M') {
        rp_h1_parser *parser = h1_create();
        for (int i = 0; i < 3; i++) {
            h1_run(parser, head_only, data, size, 0, 0, end);
            h1_expect(expected, data, size);
        }
        rp__h1_parser_destroy(parser);
    }
}

void h1_check(const char *data, end_kind end, bool head_only, const char *expected)
{
    h1_check_bytes(data, strlen(data), end, head_only, expected);
}

void h1_ok(const char *data, const char *expected)
{
    h1_check(data, END_NONE, false, expected);
}

void h1_bad(const char *data, const char *sentence)
{
    char expected[1024];
    bool is_http = strstr(sentence, "is not HTTP/1.1") == NULL;
    snprintf(expected, sizeof(expected), "F:%s/head %s",
             is_http ? "RP_E_BAD_RESPONSE" : "RP_E_NOT_HTTP", sentence);
    h1_check(data, END_NONE, false, expected);
}
