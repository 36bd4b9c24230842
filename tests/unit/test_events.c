/* test_events.c - text/event-stream, however it is cut; limits; memory that runs out. */
#include "loop/loop.h"

#include <ringport/events.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rp_loop *loop;
static rp_event_reader *reader;
static char told[4096]; /* "type|data|id\n" of each event */
static bool destroys;

static void on_event(const rp_event *event, void *user)
{
    size_t at = strlen(told);
    (void)user;
    assert_int_equal(event->data[event->data_size], '\0');
    (void)snprintf(told + at, sizeof(told) - at, "%s|%s|%s\n", event->type, event->data, event->id);
    if (destroys)
        rp_event_reader_destroy(reader);
}

static int setup(void **state)
{
    (void)state;
    return rp_loop_create(&loop, NULL, NULL) == RP_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rp_loop_destroy(loop);
    return 0;
}

static void begin(const rp_event_reader_options *given)
{
    rp_event_reader_options options = {.on_event = on_event};
    if (given != NULL)
        options = *given;
    options.on_event = on_event;
    told[0] = '\0';
    destroys = false;
    assert_int_equal(rp_event_reader_create(&reader, loop, &options, NULL), RP_OK);
}

static void end(void)
{
    rp_event_reader_destroy(reader);
}

static void feed(const char *text, size_t size)
{
    assert_int_equal(rp_event_reader_feed(reader, text, size, NULL), RP_OK);
}

static const struct {
    const char *text;
    size_t size; /* 0: strlen */
    const char *told, *last_id;
    uint64_t retry_ms;
} cases[] = {
    /* The standard's own. */
    {"data: YHOO\ndata: +2\ndata: 10\n\n", 0, "message|YHOO\n+2\n10|\n", "", 0},
    {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
     0, "message|first event|1\nmessage|second event|\nmessage| third event|\n", "", 0},
    {"data\n\ndata\ndata\n\ndata:", 0, "message||\nmessage|\n|\n", "", 0},
    {"data:test\n\ndata: test\n\n", 0, "message|test|\nmessage|test|\n", "", 0},
    /* All three line ends, mixed. */
    {"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\rdata: e\r\n\r\n", 0,
     "message|a\nb\nc|\nmessage|d|\nmessage|e|\n", "", 0},
    {"event: add\r\nid: 7\r\ndata: 1\r\n\r\ndata: 2\r\n\r\nevent: add\r\n\r\ndata: 3\r\n\r\n", 0,
     "add|1|7\nmessage|2|7\nmessage|3|7\n", "7", 0},
    /* A byte order mark is skipped, once, and only at the beginning. */
    {"\xef\xbb\xbf"
     "data: a\n\n\xef\xbb\xbf"
     "data: b\n\n",
     0, "message|a|\n", "", 0},
    {"\xef\xbb"
     "data: a\n\ndata: b\n\n",
     0, "message|b|\n", "", 0},
    /* An id with a NUL is none; one without data counts all the same. */
    {"id: 1\ndata: a\n\nid: 2\0"
     "3\ndata: b\n\nid: 4\n\n",
     39, "message|a|1\nmessage|b|1\n", "4", 0},
    /* What is not whole, or was not ended, is nothing. */
    {"id: 5\ndata: a\n\nid: 6\ndata: b\n", 0, "message|a|5\n", "5", 0},
    {"retry: 3000\ndata: a\n\nretry: 1x\nretry:\nretry: -1\n\n", 0, "message|a|\n", "", 3000},
    {"retry: 99999999999999999999999\n", 0, "", "", 86400000},
    /* Unknown fields, other cases, a space before the colon. */
    {"DATA: a\ndata : b\nfoo: c\nda: d\ndatax: e\ndata: f: g\n\n", 0, "message|f: g|\n", "", 0},
};

static void expect_case(size_t i)
{
    assert_string_equal(told, cases[i].told);
    assert_string_equal(rp_event_reader_last_id(reader), cases[i].last_id);
    assert_int_equal(rp_event_reader_retry_ms(reader), cases[i].retry_ms);
}

static void test_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = cases[i].size == 0 ? strlen(cases[i].text) : cases[i].size;
        for (size_t first = 0; first <= size; first++) {
            begin(NULL);
            feed(cases[i].text, first);
            feed(cases[i].text + first, size - first);
            expect_case(i);
            end();
        }
        begin(NULL);
        for (size_t at = 0; at < size; at++)
            feed(cases[i].text + at, 1);
        expect_case(i);
        end();
    }
}

/* A new stream drops what was not whole, id included, may begin with a BOM, and a LF is one. */
static void test_restart(void **state)
{
    (void)state;
    begin(NULL);
    feed("id: 1\ndata: a\n\nid: 2\nevent: x\ndata: b\nda\r", 41);
    rp_event_reader_restart(reader);
    feed("\n\xef\xbb\xbf", 1);
    rp_event_reader_restart(reader);
    feed("\xef\xbb\xbf"
         "data: c\n\n",
         12);
    assert_string_equal(told, "message|a|1\nmessage|c|1\n");
    end();
}

static void expect_too_large(const char *text, const char *sentence)
{
    rp_error error;
    assert_int_equal(rp_event_reader_feed(reader, text, strlen(text), &error), RP_E_BODY_TOO_LARGE);
    assert_string_equal(error.text, sentence);
    assert_int_equal(rp_event_reader_feed(reader, "data: x\n\n", 9, NULL), RP_E_MISUSE);
    rp_event_reader_restart(reader);
    feed("data: x\n\n", 9);
    assert_string_equal(told, "message|x|\n");
    end();
}

static void test_limits(void **state)
{
    rp_event_reader_options options = {.line_limit_bytes = 20, .event_limit_bytes = 16};
    (void)state;
    begin(&options);
    feed(":23456789012345", 15);
    expect_too_large("67890x",
                     "the server's line of an event is longer than the limit of 20 bytes");
    begin(&options);
    feed("data:1234567\ndata:1234567\n\n", 27); /* with the lines' ends just that */
    assert_string_equal(told, "message|1234567\n1234567|\n");
    told[0] = '\0';
    feed("data:1234567\n", 13);
    expect_too_large("data:12345678\n", "the server's event is longer than the limit of 16 bytes");
    /* Half a byte order mark is of the line, too. */
    options = (rp_event_reader_options){.line_limit_bytes = 1, .event_limit_bytes = 16};
    rp_error error;
    begin(&options);
    assert_int_equal(rp_event_reader_feed(reader, "\xef\xbbx", 3, &error), RP_E_BODY_TOO_LARGE);
    end();
}

static void test_destroyed_inside(void **state)
{
    (void)state;
    begin(NULL);
    destroys = true;
    feed("data: a\n\ndata: b\n\n", 18);
    assert_string_equal(told, "message|a|\n");
}

static void test_no_memory(void **state)
{
    static const char text[] = "id: 1\nevent: e\ndata: a\n\n";
    (void)state;
    for (uint64_t count = 1; count < 20; count++) {
        begin(NULL);
        loop->memory.fail_in = count;
        rp_status status = rp_event_reader_feed(reader, text, strlen(text), NULL);
        bool failed = loop->memory.fail_in == 0;
        loop->memory.fail_in = 0;
        assert_int_equal(status, failed ? RP_E_NO_MEMORY : RP_OK);
        assert_string_equal(told, failed ? "" : "e|a|1\n");
        end();
        if (!failed)
            return;
    }
    fail();
}

static void test_refused(void **state)
{
    rp_event_reader_options options = {.on_event = NULL};
    (void)state;
    assert_int_equal(rp_event_reader_create(&reader, loop, &options, NULL), RP_E_BAD_OPTION);
    rp_event_reader_destroy(NULL);
}

/* ---- memory that is given back ---- */

#define SECRET "s3cr3t-of-an-event"

static unsigned given_back_with_secret;

static void *watch(void *user, void *memory, size_t size)
{
    size_t *old = memory == NULL ? NULL : (size_t *)memory - 2, *block = NULL;
    (void)user;
    if (size > 0) {
        block = calloc(1, 2 * sizeof(*block) + size);
        assert_non_null(block);
        *block = size;
        if (old != NULL)
            memcpy(block + 2, memory, *old < size ? *old : size);
    }
    if (old != NULL) {
        for (size_t i = 0; i + sizeof(SECRET) - 1 <= *old; i++)
            given_back_with_secret += memcmp((char *)memory + i, SECRET, sizeof(SECRET) - 1) == 0;
        free(old);
    }
    return block != NULL ? block + 2 : NULL;
}

/* An event is told, and then a longer one needs a larger block. */
static void test_overwritten(void **state)
{
    (void)state;
    static const char *const fields[] = {"data", "event", "id"};
    rp_loop *own = loop;
    char text[512];
    rp_loop_options options = {.allocator = {.resize = watch}};
    assert_int_equal(rp_loop_create(&loop, &options, NULL), RP_OK);
    begin(NULL);
    for (size_t i = 0; i < 3; i++) {
        int size = snprintf(text, sizeof(text), "%s: " SECRET "\ndata\n\n%s: %0*d\ndata\n\n",
                            fields[i], fields[i], 130 * (int)(i + 1), 0);
        feed(text, (size_t)size);
    }
    assert_non_null(strstr(told, SECRET));
    end();
    rp_loop_destroy(loop);
    loop = own;
    assert_int_equal(given_back_with_secret, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_destroyed_inside),
        cmocka_unit_test(test_overwritten), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
