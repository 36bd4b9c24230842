/* test_hpack_letter.c - HPACK as RFC 7541 writes it: its examples (appendix C), and what may not
 * be, at the limits. nghttp2 says the same of Huffman's code, whatever the bytes are. */
#include "http/hpack.h"

#include <nghttp2/nghttp2.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

typedef struct fixture {
    rp_memory memory;
    rp_h2_memory *pool;
    rp_hpack_decoder decoder;
    char told[16384]; /* "name: value\n" each */
    size_t told_size;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    rp__memory_init(&f.memory, (rp_allocator){0});
    f.pool = rp__h2_memory_create(&f.memory);
    assert_non_null(f.pool);
    rp__hpack_decoder_begin(&f.decoder, f.pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rp__hpack_decoder_end(&f.decoder);
    rp__h2_memory_destroy(f.pool);
    assert_int_equal(f.memory.live, 0);
    return 0;
}

static void again_from_nothing(void)
{
    (void)tear_down(NULL);
    (void)set_up(NULL);
}

static void on_field(void *user, const rp_hpack_field *field)
{
    (void)user;
    const rp_slice parts[] = {{(const uint8_t *)field->name, field->name_size},
                              {(const uint8_t *)": ", 2},
                              {(const uint8_t *)field->value, field->value_size},
                              {(const uint8_t *)"\n", 1}};
    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_true(f.told_size + parts[i].size < sizeof(f.told));
        memcpy(f.told + f.told_size, parts[i].data, parts[i].size);
        f.told_size += parts[i].size;
    }
    f.told[f.told_size] = '\0';
}

static rp_hpack_result decode(const uint8_t *block, size_t size)
{
    uint8_t *copy = malloc(size); /* so that a read beyond it is seen */
    assert_true(copy != NULL || size == 0);
    memcpy(copy, block, size);
    f.told_size = 0;
    f.told[0] = '\0';
    rp_hpack_result result = rp__hpack_decode(&f.decoder, copy, size, on_field, NULL);
    free(copy);
    rp__hpack_sweep(&f.decoder);
    return result;
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;
    for (; *hex != '\0'; hex += 2) {
        if (*hex == ' ')
            hex++;
        char digits[3] = {hex[0], hex[1], '\0'};
        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* ---- appendix C ---- */

typedef struct example {
    const char *block, *fields;
    uint32_t table; /* its size then */
} example;

#define AUTHORITY ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
#define SECURE ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
#define DATE(second) "date: Mon, 21 Oct 2013 20:13:" second " GMT\n"
#define LOCATION "location: https://www.example.com\n"
#define COOKIE "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"
#define FOUND "cache-control: private\n" DATE("21") LOCATION
#define LAST                                                                                       \
    ":status: 200\ncache-control: private\n" DATE("22") LOCATION "content-encoding: gzip\n" COOKIE

static const example c2[] = {
    {"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
     "custom-key: custom-header\n", 55},
    {"040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n", 55},
    {"1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret\n", 55},
    {"82", ":method: GET\n", 55},
};
static const example c3[] = {
    {"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", AUTHORITY, 57},
    {"8286 84be 5808 6e6f 2d63 6163 6865", AUTHORITY "cache-control: no-cache\n", 110},
    {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
     SECURE "custom-key: custom-value\n", 164},
};
static const example c4[] = {
    {"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", AUTHORITY, 57},
    {"8286 84be 5886 a8eb 1064 9cbf", AUTHORITY "cache-control: no-cache\n", 110},
    {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
     SECURE "custom-key: custom-value\n", 164},
};
static const example c5[] = {
    {"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a "
     "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
     ":status: 302\n" FOUND, 222},
    {"4803 3330 37c1 c0bf", ":status: 307\n" FOUND, 222},
    {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 "
     "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 "
     "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
     LAST, 215},
};
static const example c6[] = {
    {"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e "
     "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
     ":status: 302\n" FOUND, 222},
    {"4883 640e ffc1 c0bf", ":status: 307\n" FOUND, 222},
    {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 "
     "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed "
     "4ee5 b106 3d50 07",
     LAST, 215},
};

static void examples(void **state)
{
    static const struct {
        const example *list;
        size_t count;
        uint32_t limit;
    } all[] = {{c2, COUNT(c2), 4096},
               {c3, COUNT(c3), 4096},
               {c4, COUNT(c4), 4096},
               {c5, COUNT(c5), 256},
               {c6, COUNT(c6), 256}};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        again_from_nothing();
        rp__hpack_table_limit(&f.decoder.table, all[i].limit);
        for (size_t k = 0; k < all[i].count; k++) {
            uint8_t block[512];
            size_t size = from_hex(all[i].list[k].block, block);
            assert_int_equal(decode(block, size), RP_HPACK_DONE);
            assert_string_equal(f.told, all[i].list[k].fields);
            assert_int_equal(f.decoder.table.bytes, all[i].list[k].table);
        }
    }
}

/* ---- what may not be ---- */

static void blocks_judged(void **state)
{
    static const struct {
        const char *block;
        bool good;
    } all[] = {
        /* 5.1: integers */
        {"c0", false},                          /* an index that the table has not */
        {"be", false},                          /* the first of an empty table */
        {"80", false},                          /* 6.1: index 0 */
        {"bd", true},                           /* the static table's last */
        {"ff", false},                          /* not whole */
        {"ff80", false},                        /* likewise */
        {"ff80 8080 8080 8080 8080 01", false}, /* 2^64 and more */
        {"ff80 8080 8010", false},              /* 2^32 */
        {"00ff ffff ffff 7f", false},
        {"007f ffff ffff 0f", false}, /* a length of 2^32 less one, and no bytes */
        {"007f ffff ffff 1f", false},
        {"0f00 0161", true},    /* 15, in two bytes: a name of the static table's */
        {"0f80 0001 61", true}, /* 5.1 has no shortest form */
        {"0f2f 0161", false},   /* 62, of an empty table */
        /* 5.2: strings */
        {"00", false},
        {"0001 61", false},
        {"0001 6101", false},
        {"0001 6100", true},
        {"0000 00", true},              /* no name: not HPACK's to judge */
        {"0001 6181 ff", false},        /* eight ones and no character */
        {"0001 6181 1f", true},         /* 'a' */
        {"0001 6181 1e", false},        /* padded with a 0 */
        {"0001 6182 1fff", false},      /* with more than seven ones */
        {"0001 6184 ffff ffff", false}, /* the end of a string */
        {"0001 6184 ffff fffc", false},
        {"0001 6180", true}, /* nothing */
        /* 6.3: the table's size, 4.2: where a block begins */
        {"20", true},
        {"203f e11f 88", true}, /* 0, then 4096 */
        {"3fe2 1f", false},     /* 4097 */
        {"8820", false},
        {"3fe1 1f20 3fe1 1f88", true},
        {"", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        uint8_t block[64];
        again_from_nothing();
        rp_hpack_result result = decode(block, from_hex(all[i].block, block));
        if ((result == RP_HPACK_DONE) != all[i].good)
            fail_msg("%s: %d", all[i].block, (int)result);
    }
}

/* 4.3, 4.4 */
static void eviction(void **state)
{
    uint8_t block[5000] = {0x40, 1, 'a', 0x7f, 0xe1, 0x1e}; /* a value of 4064 bytes */
    (void)state;
    memset(block + 6, 'x', 4064);
    assert_int_equal(decode((const uint8_t *)"\x40\1b\1c", 5), RP_HPACK_DONE);
    assert_int_equal(f.decoder.table.count, 1);
    assert_int_equal(decode(block, 6 + 4064), RP_HPACK_DONE); /* 4097: empties the table */
    assert_int_equal(f.decoder.table.count, 0);
    assert_int_equal(f.decoder.table.bytes, 0);
    again_from_nothing();
    block[4] = 0xe0; /* 4063: fits exactly */
    assert_int_equal(decode((const uint8_t *)"\x40\1b\1c", 5), RP_HPACK_DONE);
    assert_int_equal(decode(block, 6 + 4063), RP_HPACK_DONE);
    assert_int_equal(f.decoder.table.count, 1);
    assert_int_equal(f.decoder.table.bytes, 4096);
    /* A field with the name of one that it evicts itself. */
    block[0] = 0x7e;
    memmove(block + 1, block + 3, 3 + 4063);
    assert_int_equal(decode(block, 4 + 4063), RP_HPACK_DONE);
    assert_int_equal(f.decoder.table.count, 1);
    assert_memory_equal(f.told, "a: xx", 5);
}

/* ---- Huffman's code ---- */

static bool theirs(const uint8_t *block, size_t size, char *value, size_t *value_size)
{
    nghttp2_hd_inflater *inflater;
    nghttp2_nv nv;
    int flags = 0;
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    nghttp2_ssize taken = nghttp2_hd_inflate_hd3(inflater, &nv, &flags, block, size, 1);
    bool good = taken == (nghttp2_ssize)size && (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    if (good) {
        *value_size = nv.valuelen;
        memcpy(value, nv.value, nv.valuelen);
    }
    nghttp2_hd_inflate_del(inflater);
    return good;
}

static void huffman_one(const uint8_t *code, size_t size)
{
    uint8_t block[16] = {0, 1, 'a', (uint8_t)(0x80 | size)};
    char ours[16], other[16];
    size_t ours_size = 0, other_size = 0;
    memcpy(block + 4, code, size);
    bool good = rp__huffman_decode(code, size, ours, &ours_size);
    if (theirs(block, 4 + size, other, &other_size) != good)
        fail_msg("%02x %02x %02x %02x (%zu)", code[0], code[1], code[2], code[3], size);
    if (!good)
        return;
    assert_int_equal(ours_size, other_size);
    assert_memory_equal(ours, other, ours_size);
}

/* All of one byte and two, and of four those that begin with ones: there are the long ones. */
static void huffman_any(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint8_t code[4] = {(uint8_t)(i >> 8), (uint8_t)i};
        huffman_one(code, 2);
        if (i % 256 == 0)
            huffman_one(code, 1);
    }
    for (uint32_t i = 0; i < 60000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t bits = (uint32_t)(random >> 32), ones = (uint32_t)(random >> 20) % 31;
        bits |= ~(UINT32_MAX >> ones);
        if (i % 2 == 0)
            bits |= 0xfu >> (random >> 60 & 3); /* padding */
        const uint8_t code[4] = {(uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8),
                                 (uint8_t)bits};
        huffman_one(code, 4);
    }
}

/* Any text comes back, also by nghttp2. */
static void texts_come_back(void **state)
{
    static const uint8_t name[] = "X-Name";
    uint64_t random = 1;
    rp_hpack_encoder encoder = {0};
    (void)state;
    rp__hpack_encoder_begin(&encoder, f.pool);
    for (uint32_t i = 0; i < 4000; i++) {
        uint8_t value[40], block[128];
        char ours[128], other[64];
        size_t size = i < 256 ? 1 : i % 41, ours_size, other_size = 0;
        for (size_t k = 0; k < size; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t byte = i < 256 ? i : (uint32_t)(random >> (i % 2 ? 40 : 33)) & 0x7f;
            value[k] = (uint8_t)byte;
        }
        uint8_t *end = rp__hpack_put(&encoder, block, 0, (rp_slice){name, 6},
                                     (rp_slice){value, size}, RP_HPACK_ONCE);
        assert_true(theirs(block, (size_t)(end - block), other, &other_size));
        assert_int_equal(other_size, size);
        assert_memory_equal(other, value, size);
        end = rp__huffman_encode(value, size, false, block);
        assert_int_equal(end - block, rp__huffman_size(value, size, false));
        assert_true(rp__huffman_decode(block, (size_t)(end - block), ours, &ours_size));
        assert_int_equal(ours_size, size);
        assert_memory_equal(ours, value, size);
    }
    rp__hpack_encoder_end(&encoder);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(examples),    TEST(blocks_judged),   TEST(eviction),
        TEST(huffman_any), TEST(texts_come_back),
    };
    return cmocka_run_group_tests_name("hpack_letter", tests, NULL, NULL);
}
