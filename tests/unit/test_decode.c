/* test_decode.c - content codings undone: whatever the cuts of input and output, whole or not,
 * damaged, bombs, without memory. */
#include "http/decode.h"
#include "support/coded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)

/* What is allocated at a time, and the most of it. */
typedef struct meter {
    size_t now, most;
} meter;

static void *metered(void *user, void *memory, size_t size)
{
    meter *m = user;
    size_t *block = memory == NULL ? NULL : (size_t *)memory - 2;
    m->now -= block == NULL ? 0 : block[0];
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, size + 2 * sizeof(size_t));
    assert_non_null(block);
    block[0] = size;
    m->now += size;
    m->most = m->now > m->most ? m->now : m->most;
    return block + 2;
}

/* A body that comes, decoded. */
typedef struct job {
    meter meter;
    rp_memory memory;
    rp_decode_budget budget;
    rp_decoder *decoder;
    rp_error error;
    rp_status status;
    uint64_t size;
    uint8_t text[CODED_CONTENT_MOST];
    size_t most_out; /* 0: 16 KiB */
} job;

/* Of all jobs; a test may set it. */
static size_t budget = SIZE_MAX;

static bool job_begin(job *j, const char *encoding, const rp_decode_limits *limits,
                      uint64_t fail_in)
{
    static const rp_decode_limits none;
    rp_header header = {"Content-Encoding", encoding};
    rp_codings codings;
    size_t most_out = j->most_out;
    *j = (job){.most_out = most_out};
    rp__memory_init(&j->memory, (rp_allocator){.resize = metered, .user = &j->meter});
    j->memory.fail_in = fail_in;
    rp__codings_read(&codings, &header, 1);
    assert_null(codings.missing);
    j->budget.limit = budget;
    j->status = rp__decoder_create(&j->decoder, &j->memory, &j->budget, &codings,
                                   limits == NULL ? &none : limits, &j->error);
    return j->decoder != NULL;
}

static void job_feed(job *j, const uint8_t *data, size_t size)
{
    static uint8_t out[16384];
    rp_slice in = {data, size};
    size_t got = 1, most = j->most_out == 0 ? sizeof(out) : j->most_out;
    while (j->status == RP_OK && got > 0) {
        j->status = rp__decoder_pull(j->decoder, &in, out, most, &got, &j->error);
        if (j->status != RP_OK)
            return;
        assert_true(got <= most);
        if (j->size < sizeof(j->text))
            memcpy(j->text + j->size, out,
                   got < sizeof(j->text) - j->size ? got : sizeof(j->text) - (size_t)j->size);
        j->size += got;
    }
    assert_true(j->status != RP_OK || in.size == 0);
}

static rp_status job_end(job *j)
{
    if (j->status == RP_OK)
        j->status = rp__decoder_finish(j->decoder, &j->error);
    rp__decoder_destroy(j->decoder);
    assert_int_equal(j->memory.live, 0);
    assert_int_equal(j->meter.now, 0);
    return j->status;
}

static void is_content(const job *j)
{
    char content[CODED_CONTENT_MOST];
    size_t size = coded_content(content);
    assert_int_equal(j->size, size);
    assert_memory_equal(j->text, content, size);
}

static void expect_good(job *j)
{
    if (job_end(j) != RP_OK)
        fail_msg("%s", j->error.text);
    is_content(j);
}

static void test_cuts(void **state)
{
    static const size_t outs[] = {1, 7, 0};
    (void)state;
    for (size_t i = 0; i < CODED_GOOD; i++) {
        const coded *c = &coded_good[i];
        for (size_t o = 0; o < 3; o++) {
            job j = {.most_out = outs[o]};
            assert_true(job_begin(&j, c->encoding, NULL, 0));
            for (size_t at = 0; at < c->size; at++)
                job_feed(&j, c->data + at, 1);
            expect_good(&j);
        }
        for (size_t cut = 0; cut <= c->size; cut++) {
            job j = {.most_out = cut % 3 == 0 ? 100 : 0};
            assert_true(job_begin(&j, c->encoding, NULL, 0));
            job_feed(&j, c->data, cut);
            job_feed(&j, c->data + cut, c->size - cut);
            expect_good(&j);
        }
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODED_GOOD; i++) {
        const coded *c = &coded_good[i];
        for (size_t size = 0; size < c->size; size++) {
            job j = {.size = 0};
            assert_true(job_begin(&j, c->encoding, NULL, 0));
            job_feed(&j, c->data, size);
            bool whole = size > 0 && (size == c->whole_at || size == c->whole_at + 13);
            if (whole && job_end(&j) == RP_OK)
                continue;
            if (!whole)
                assert_int_equal(job_end(&j), RP_E_DECODE_FAILED);
            assert_non_null(strstr(j.error.text, "it ends before its end"));
        }
    }
}

/* Zeros behind gzip are padding, whatever its cuts; other garbage, or a member that is none, is
 * not. */
static void test_padded(void **state)
{
    static const uint8_t zeros[5], words[] = {0, 0, 0, 'x'};
    char content[CODED_CONTENT_MOST];
    const coded *c = &coded_good[0];
    (void)state;
    assert_string_equal(c->encoding, "gzip");
    for (unsigned i = 0; i < 4; i++) {
        uint8_t all[1024];
        job j = {.size = 0};
        memcpy(all, c->data, c->size);
        memcpy(all + c->size, zeros, sizeof(zeros));
        assert_true(job_begin(&j, "gzip", NULL, 0));
        if (i % 2 == 0)
            job_feed(&j, all, c->size + sizeof(zeros));
        for (size_t at = 0; i % 2 == 1 && at < c->size + sizeof(zeros); at++)
            job_feed(&j, all + at, 1);
        if (i >= 2)
            job_feed(&j, words, sizeof(words));
        if (i < 2)
            expect_good(&j);
        else
            assert_int_equal(job_end(&j), RP_E_DECODE_FAILED);
        is_content(&j);
    }
    for (size_t cut = 1; cut <= c->size; cut++) { /* another member behind it */
        job j = {.size = 0};
        assert_true(job_begin(&j, "gzip", NULL, 0));
        job_feed(&j, c->data, c->size);
        job_feed(&j, zeros, sizeof(zeros));
        job_feed(&j, c->data, cut);
        bool whole = cut == c->size;
        size_t size = (size_t)j.size;
        assert_int_equal(job_end(&j), whole ? RP_OK : RP_E_DECODE_FAILED);
        if (whole)
            assert_int_equal(size, 2 * coded_content(content));
    }
}

/* Of zlib's header only the lower half of the first byte is always the same. */
static void test_small_windows(void **state)
{
    static const uint8_t windows[][9] = {
        {0x18, 0x19, 0xab, 0, 0, 0, 0x79, 0, 0x79}, /* of 2^9, 10, 12, 14 and 15 bytes */
        {0x28, 0x15, 0xab, 0, 0, 0, 0x79, 0, 0x79}, {0x48, 0x0d, 0xab, 0, 0, 0, 0x79, 0, 0x79},
        {0x68, 0x05, 0xab, 0, 0, 0, 0x79, 0, 0x79}, {0x78, 0x01, 0xab, 0, 0, 0, 0x79, 0, 0x79},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
        for (size_t cut = 1; cut <= 9; cut++) {
            job j = {.size = 0};
            assert_true(job_begin(&j, "deflate", NULL, 0));
            for (size_t at = 0; at < 9; at += cut)
                job_feed(&j, windows[i] + at, cut < 9 - at ? cut : 9 - at);
            assert_int_equal(job_end(&j), RP_OK);
            assert_true(j.size == 1 && j.text[0] == 'x');
        }
}

static void test_followed(void **state)
{
    static const uint8_t garbage[] = {1, 0, 2, 0};
    (void)state;
    for (size_t i = 0; i < CODED_GOOD; i++) {
        const coded *c = &coded_good[i];
        for (int together = 0; together < 2; together++) {
            uint8_t all[1024];
            job j = {.size = 0};
            assert_true(job_begin(&j, c->encoding, NULL, 0));
            memcpy(all, c->data, c->size);
            memcpy(all + c->size, garbage, sizeof(garbage));
            job_feed(&j, all, together ? c->size + sizeof(garbage) : c->size);
            if (!together) {
                assert_int_equal(j.status, RP_OK);
                job_feed(&j, garbage, sizeof(garbage));
            }
            assert_int_equal(job_end(&j), RP_E_DECODE_FAILED);
            is_content(&j);
        }
    }
}

/* Nothing is read or written where it must not be, and checksums are looked at. */
static void test_flipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODED_GOOD; i++) {
        const coded *c = &coded_good[i];
        char content[CODED_CONTENT_MOST];
        uint8_t data[1024];
        size_t length = coded_content(content), other = 0;
        for (size_t at = 0; at < c->size; at++) {
            job j = {.size = 0};
            memcpy(data, c->data, c->size);
            data[at] ^= (uint8_t)(1u << (at % 8));
            assert_true(job_begin(&j, c->encoding, &(rp_decode_limits){.bytes = 3 * MIB}, 0));
            job_feed(&j, data, c->size);
            if (job_end(&j) == RP_OK)
                other += j.size != length || memcmp(j.text, content, length) != 0;
            assert_in_range(j.size, 0, 3 * MIB + 16384);
        }
        /* Raw deflate, brotli and frames without one have no checksum. */
        bool checked = strcmp(c->encoding, "br") != 0 && i != 3 && i != 6;
        if (checked)
            assert_int_equal(other, 0);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODED_GOOD; i++) {
        const coded *c = &coded_good[i];
        uint64_t count = 1;
        for (;; count++) {
            job j = {.size = 0};
            if (job_begin(&j, c->encoding, NULL, count))
                job_feed(&j, c->data, c->size);
            bool failed = j.memory.fail_in == 0;
            rp_status status = job_end(&j);
            assert_int_equal(status, failed ? RP_E_NO_MEMORY : RP_OK);
            if (!failed)
                break;
        }
        assert_in_range(count, 3, 40);
    }
}

/* ---- bombs ---- */

static void expect_bomb(job *j, uint64_t most, size_t memory)
{
    assert_int_equal(j->status, RP_E_DECODE_TOO_LARGE);
    assert_in_range(j->size, 0, most);
    assert_in_range(j->meter.most, 1, memory);
    (void)job_end(j);
}

/* A block of deflate in which a bit is 258 zeros: as in 10 GiB of them. */
static size_t deflate_bomb(uint8_t *data, size_t capacity)
{
    /* What zlib makes of zeros begins so: a dynamic block whose codes for "258 bytes" and "one byte
     * back" are of a bit each. */
    static const uint8_t begin[] = {0x1f, 0x8b, 8, 0, 0, 0,    0,    0,    2,    3,    0xec, 0xc1,
                                    1,    1,    0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8,    0x0a};
    assert_true(capacity > sizeof(begin));
    memset(data, 0, capacity);
    memcpy(data, begin, sizeof(begin));
    return capacity;
}

/* Blocks of one byte that stands for 128 KiB, of a window of 8 MiB. */
static size_t zstd_bomb(uint8_t *data, size_t capacity)
{
    static const uint8_t begin[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3};
    size_t size = sizeof(begin);
    memcpy(data, begin, size);
    for (; size + 4 <= capacity; size += 4) {
        uint32_t header = (uint32_t)(128 * 1024) << 3 | 1u << 1;
        data[size] = (uint8_t)header;
        data[size + 1] = (uint8_t)(header >> 8);
        data[size + 2] = (uint8_t)(header >> 16);
        data[size + 3] = 0;
    }
    return size;
}

static void test_bombs(void **state)
{
    /* A member of gzip, with the head of such a frame; the bomb is the next. */
    static const uint8_t skippable[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff,
                                        0x0b, 0xd0, 0xf2, 0x95, 0xf8, 0xff, 0xff, 0x7f, 0x3d, 0x00,
                                        0x4f, 0x2c, 0x9c, 0x8b, 0x08, 0x00, 0x00, 0x00};
    static uint8_t data[MIB / 4];
    size_t size = deflate_bomb(data, sizeof(data));
    job j = {.size = 0};
    (void)state;
    /* 10 GiB in 10 MiB: it is not even looked at in whole. */
    assert_true(job_begin(&j, "gzip", &(rp_decode_limits){.ratio = 200}, 0));
    for (int i = 0; i < 40; i++)
        job_feed(&j, data, size);
    expect_bomb(&j, 2 * MIB, 64 * 1024);
    assert_non_null(strstr(j.error.text, "grew to more than 200 times its size"));

    assert_true(job_begin(&j, "gzip", &(rp_decode_limits){.bytes = 5 * MIB}, 0));
    job_feed(&j, data, size);
    expect_bomb(&j, 5 * MIB, 64 * 1024);
    assert_non_null(strstr(j.error.text, "longer than the limit of 5242880 bytes"));

    size = zstd_bomb(data, 4096);
    assert_true(job_begin(&j, "zstd", &(rp_decode_limits){.ratio = 1000}, 0));
    job_feed(&j, data, size);
    expect_bomb(&j, 2 * MIB, 9 * MIB);

    assert_true(job_begin(&j, "br", &(rp_decode_limits){.ratio = 200}, 0));
    job_feed(&j, coded_zeros_br.data, coded_zeros_br.size);
    expect_bomb(&j, 2 * MIB, 17 * MIB);

    /* A skippable frame of 2 GiB: nothing is made of what the last stage has blown up. */
    memcpy(data, skippable, sizeof(skippable));
    size = deflate_bomb(data + sizeof(skippable), sizeof(data) - sizeof(skippable));
    assert_true(job_begin(&j, "zstd, gzip", &(rp_decode_limits){.ratio = 200}, 0));
    job_feed(&j, data, sizeof(skippable) + size);
    assert_int_equal(j.size, 0);
    expect_bomb(&j, 0, 512 * 1024);
    assert_true(job_begin(&j, "gzip, gzip", &(rp_decode_limits){.ratio = 200}, 0));
    job_feed(&j, coded_gzip_of_zeros.data, coded_gzip_of_zeros.size);
    expect_bomb(&j, 2 * MIB, 128 * 1024);
}

/* Below the mebibyte a ratio says nothing, and without limits all of it comes. */
static void test_unlimited(void **state)
{
    job j = {.size = 0};
    (void)state;
    assert_true(job_begin(&j, "br", NULL, 0));
    job_feed(&j, coded_zeros_br.data, coded_zeros_br.size);
    assert_int_equal(job_end(&j), RP_OK);
    assert_int_equal(j.size, 16 * MIB);
    assert_true(job_begin(&j, "gzip", &(rp_decode_limits){.ratio = 1}, 0));
    job_feed(&j, coded_good[0].data, coded_good[0].size);
    expect_good(&j);
    assert_true(job_begin(&j, "gzip, gzip", &(rp_decode_limits){.bytes = 16 * MIB}, 0));
    job_feed(&j, coded_gzip_of_zeros.data, coded_gzip_of_zeros.size);
    assert_int_equal(job_end(&j), RP_OK);
    assert_int_equal(j.size, 16 * MIB);
}

static void expect_refused(const char *encoding, const void *data, size_t size, rp_status status,
                           const char *why)
{
    job j = {.size = 0};
    assert_true(job_begin(&j, encoding, NULL, 0));
    job_feed(&j, data, size);
    assert_in_range(j.meter.most, 1, 512 * 1024);
    if (job_end(&j) != status || strstr(j.error.text, why) == NULL)
        fail_msg("%s: %d, %s", encoding, (int)j.status, j.error.text);
}

static void test_refused(void **state)
{
    static const uint8_t window[] = {0x28, 0xb5, 0x2f, 0xfd, 0, (13 << 3) + 1, 1, 0, 0};
    static const uint8_t single[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 1, 0, 0x80, 0, 1, 0, 0};
    static const uint8_t dictionary[] = {0x28, 0xb5, 0x2f, 0xfd, 1, 0x50, 7, 1, 0, 0};
    static const uint8_t large[] = {0x11, 0x1a, 0, 0, 0, 0, 0, 0};
    (void)state;
    expect_refused("zstd", window, sizeof(window), RP_E_DECODE_TOO_LARGE, "window");
    expect_refused("zstd", single, sizeof(single), RP_E_DECODE_TOO_LARGE, "window");
    expect_refused("zstd", dictionary, sizeof(dictionary), RP_E_DECODE_FAILED, "a dictionary");
    expect_refused("br", large, sizeof(large), RP_E_DECODE_FAILED, "damaged");
    expect_refused("deflate", coded_zlib_dictionary.data, coded_zlib_dictionary.size,
                   RP_E_DECODE_FAILED, "a dictionary");
    for (size_t i = 0; i < CODED_GOOD; i++)
        expect_refused(coded_good[i].encoding, "plain text", 10, RP_E_DECODE_FAILED, "");
}

/* ---- what a response says ---- */

static void test_codings(void **state)
{
    rp_header headers[] = {{"content-ENCODING", " X-GZip ,\t,identity"},
                           {"Content-Type", "deflate"},
                           {"Content-Encoding", "BR"}};
    rp_codings c;
    (void)state;
    rp__codings_read(&c, headers, 3);
    assert_int_equal(c.count, 2);
    assert_null(c.missing);
    rp__codings_read(&c, headers + 1, 1);
    assert_int_equal(c.count, 0);
    assert_null(c.missing);
    headers[1] = (rp_header){"Content-Encoding", "gzip, exi"};
    rp__codings_read(&c, headers, 3);
    assert_string_equal(c.missing, "");
    headers[1] = (rp_header){"Content-Encoding", "gzip,zstd"};
    rp__codings_read(&c, headers, 3);
    assert_null(c.missing);
    assert_true(c.too_many);
    assert_string_equal(rp__decode_accepted(), "deflate, gzip, br, zstd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),      cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_padded),    cmocka_unit_test(test_small_windows),
        cmocka_unit_test(test_followed),  cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_unlimited), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_codings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
