/* test_body.c - a request's body on its way out: how much of it may go when, and what may stand
 * behind it. */
#include "http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 10000 };

typedef struct fixture {
    rp_memory memory;
    rp_chunk_pool pool;
    rp_body body;
    rp_url url;
    rp_message message;
    uint8_t packed[4096];
    rp_error error;
    uint8_t data[SIZE], out[SIZE];
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    rp__memory_init(&f.memory, (rp_allocator){NULL, NULL});
    rp__chunk_pool_init(&f.pool, &f.memory, NULL);
    for (size_t i = 0; i < SIZE; i++)
        f.data[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(rp__url_parse(&f.url, "https://h/", 10, NULL), RP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (f.body.given.pool != NULL)
        rp__chain_clear(&f.body.given);
    rp__free(&f.memory, f.body.trailers);
    rp__chunk_pool_clear(&f.pool);
    assert_int_equal(f.memory.live, 0);
    return 0;
}

static void begin_produced(uint64_t length)
{
    f.body = (rp_body){.produced = true, .length = length};
    rp__chain_init(&f.body.given, &f.pool);
}

static void give(size_t size)
{
    assert_true(rp__chain_append(&f.body.given, f.data + f.body.given_bytes, size));
    f.body.given_bytes += size;
}

/* Takes so many, which are the next ones. */
static void take(size_t size)
{
    uint64_t from = f.body.taken_bytes;
    rp__body_take(&f.body, size, f.out);
    assert_memory_equal(f.out, f.data + from, size);
    assert_int_equal(f.body.taken_bytes, from + size);
}

/* ---- bytes ---- */

static void test_memory(void **state)
{
    (void)state;
    f.body = (rp_body){.data = f.data, .length = SIZE};
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), SIZE);
    assert_int_equal(rp__body_ready(&f.body, 10), 10);
    assert_false(rp__body_ends(&f.body, SIZE - 1));
    assert_true(rp__body_ends(&f.body, SIZE));
    take(1);
    take(4096);
    take(0);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), SIZE - 4097);
    take(SIZE - 4097);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), 0);
    assert_true(rp__body_ends(&f.body, 0));
}

/* Whatever is there, nothing goes, and nothing looks complete. */
static void test_nothing_goes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        if (i % 2 == 0) {
            f.body = (rp_body){.data = f.data, .length = 5};
        } else {
            begin_produced(5);
            give(5);
            f.body.ended = true;
        }
        assert_true(rp__body_ends(&f.body, 5));
        *(i / 2 == 0 ? &f.body.held : i / 2 == 1 ? &f.body.stopped : &f.body.again) = true;
        assert_int_equal(rp__body_ready(&f.body, 100), 0);
        assert_false(rp__body_ends(&f.body, 5));
        assert_false(rp__body_ends(&f.body, 0));
        if (f.body.produced)
            rp__chain_clear(&f.body.given);
    }
}

/* The last byte of a length that was announced waits for the end. */
static void test_last_byte_is_kept(void **state)
{
    (void)state;
    begin_produced(SIZE);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), 0);
    give(SIZE - 1);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), SIZE - 1);
    assert_false(rp__body_ends(&f.body, SIZE - 1));
    give(1);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), SIZE - 1);
    assert_false(rp__body_ends(&f.body, SIZE));
    take(4000);
    take(SIZE - 4001);
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), 0);
    assert_false(rp__body_ends(&f.body, 0));
    assert_false(rp__body_ends(&f.body, 1));
    f.body.ended = true;
    assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), 1);
    assert_false(rp__body_ends(&f.body, 0));
    assert_true(rp__body_ends(&f.body, 1));
    take(1);
    assert_true(rp__body_ends(&f.body, 0));
}

/* Of one whose length nobody knows all may go, and it is complete when that is told, not before. */
static void test_unknown_length(void **state)
{
    (void)state;
    begin_produced(RP_LENGTH_UNKNOWN);
    for (size_t size = 1; f.body.given_bytes + size <= SIZE; size = size * 2 + 1) {
        give(size);
        assert_int_equal(rp__body_ready(&f.body, SIZE_MAX), size);
        assert_false(rp__body_ends(&f.body, size));
        take(size / 2);
        take(size - size / 2);
        assert_false(rp__body_ends(&f.body, 0));
    }
    f.body.ended = true;
    assert_true(rp__body_ends(&f.body, 0));
    begin_produced(RP_LENGTH_UNKNOWN); /* nothing at all */
    assert_false(rp__body_ends(&f.body, 0));
    f.body.ended = true;
    assert_true(rp__body_ends(&f.body, 0));
}

/* ---- trailers ---- */

static rp_status set(const char *announced, const rp_header *trailers, size_t count)
{
    rp_header header = {"Trailer", announced};
    rp_message_source source = {
        .method = "PUT", .url = &f.url, .headers = &header, .header_count = 1};
    f.error = (rp_error){.status = RP_OK};
    assert_int_equal(rp__message_pack(&f.message, &source, f.packed, sizeof(f.packed), &f.error),
                     RP_OK);
    rp__free(&f.memory, f.body.trailers);
    f.body.trailers = NULL;
    f.body.trailers_size = 0;
    return rp__body_trailers_set(&f.body, &f.memory, &f.message, trailers, count, &f.error);
}

static rp_status set_one(const char *announced, const char *name, const char *value)
{
    return set(announced, &(rp_header){name, value}, 1);
}

static void test_trailers(void **state)
{
    static const rp_header trailers[] = {{"X-Sum", "a: b, c"}, {"empty", ""}, {"x-sum", "2"}};
    rp_field field;
    size_t at = 0;
    (void)state;
    assert_int_equal(set("Empty,\tX-SUM", trailers, 3), RP_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(rp__body_next_trailer(&f.body, &at, &field));
        assert_int_equal(field.name.size, strlen(trailers[i].name));
        assert_memory_equal(field.name.data, trailers[i].name, field.name.size);
        assert_int_equal(field.value.size, strlen(trailers[i].value));
        assert_memory_equal(field.value.data, trailers[i].value, field.value.size);
    }
    assert_false(rp__body_next_trailer(&f.body, &at, &field));
    assert_int_equal(set("x", NULL, 0), RP_OK);
    assert_null(f.body.trailers);
    at = 0;
    assert_false(rp__body_next_trailer(&f.body, &at, &field));
}

static void test_trailers_announced(void **state)
{
    static const char *const good[] = {"x-a", "b,x-a", "b , X-A", "x-a,b", " x-a ", ",,x-a,"};
    static const char *const bad[] = {"", "x-ab", "bx-a", "x", "x-a;q", "x-,a"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(set_one(good[i], "x-a", "1"), RP_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set_one(bad[i], "x-a", "1"), RP_E_BAD_HEADER);
        assert_non_null(strstr(f.error.text, "was not announced in a Trailer header"));
        assert_null(f.body.trailers);
    }
}

/* What frames a message, or asks for something, is none, announced or not (RFC 9110, 6.5.1). */
static void test_trailers_forbidden(void **state)
{
    static const char *const names[] = {
        "Content-Length", "transfer-encoding", "HOST",       "Authorization", "cookie",
        "Expect",         "Trailer",           "connection", "Content-Type",  "Content-Encoding",
        "Range",          "If-Match",          "TE",         "Upgrade",       "Cache-Control"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(set_one(names[i], names[i], "1"), RP_E_BAD_HEADER);
        assert_non_null(strstr(f.error.text, "must not stand behind a body"));
    }
}

/* Nothing of a value is shown, and of a name what is a token. */
static void test_trailers_malformed(void **state)
{
    static const rp_header bad[] = {{"", "1"},
                                    {"x-a\r\nhost", "1"},
                                    {"x-a:", "1"},
                                    {"x a", "1"},
                                    {"x-a", "secret\r\nx: y"},
                                    {"x-a", "secret\n"},
                                    {"x-a", "secret\177"}};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(set("x-a", &bad[i], 1), RP_E_BAD_HEADER);
        assert_null(f.body.trailers);
        assert_null(strstr(f.error.text, "secret"));
        assert_null(strchr(f.error.text, '\n'));
    }
}

static void test_trailers_limit(void **state)
{
    static char value[RP_TRAILERS_LIMIT];
    (void)state;
    memset(value, 'v', sizeof(value));
    value[RP_TRAILERS_LIMIT - 5] = '\0'; /* and "a: " and the line's end */
    assert_int_equal(set_one("a", "a", value), RP_OK);
    assert_int_equal(f.body.trailers_size, RP_TRAILERS_LIMIT);
    value[RP_TRAILERS_LIMIT - 5] = 'v';
    value[RP_TRAILERS_LIMIT - 4] = '\0';
    assert_int_equal(set_one("a", "a", value), RP_E_BAD_HEADER);
    assert_string_equal(f.error.text, "the request trailers are longer than 8192 bytes");
    f.memory.fail_in = 1;
    assert_int_equal(set_one("a", "a", "1"), RP_E_NO_MEMORY);
    assert_null(f.body.trailers);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_memory),
        TEST(test_nothing_goes),
        TEST(test_last_byte_is_kept),
        TEST(test_unknown_length),
        TEST(test_trailers),
        TEST(test_trailers_announced),
        TEST(test_trailers_forbidden),
        TEST(test_trailers_malformed),
        TEST(test_trailers_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
