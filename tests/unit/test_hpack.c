/* test_hpack.c - fields that come again and again are what they were (RFC 7541).
 *
 * The decoder knows literal fields and whole blocks again by their bytes, and scripts/deps has
 * nghttp2 do so with the former. Here blocks of every kind of representation are written by a model
 * of the peer's table, and read by both: each field must come out as it was meant, whatever came
 * before it, and the table be as large as the model's. And what the encoder writes, nghttp2 must
 * read. */
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

#define STATIC_FIELDS 61
#define TABLE_BYTES 4096
#define OVERHEAD 32

typedef struct text {
    const char *plain;
    const char *huffman; /* RFC 7541, C.4 and C.6; NULL: it is sent as it is */
    size_t size;         /* of that */
    const char *told;    /* without the blanks around it; NULL: there are none */
} text;

static const struct {
    text text;
    unsigned index; /* in the static table; 0: it is not there */
} names[] = {
    {{"date", NULL, 0, NULL}, 33},
    {{"etag", NULL, 0, NULL}, 34},
    {{"content-length", NULL, 0, NULL}, 28},
    {{"location", NULL, 0, NULL}, 46},
    {{"x", NULL, 0, NULL}, 0},
    {{"x-other", NULL, 0, NULL}, 0},
    {{"custom-key", "\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", 8, NULL}, 0},
    {{"x-name-that-does-not-fit-into-what-is-kept-of-a-field-whatever-its-value", NULL, 0, NULL},
     0},
};

static const text values[] = {
    {"", NULL, 0, NULL},
    {"0", NULL, 0, NULL},
    {"302", "\x64\x02", 2, NULL},
    {"307", "\x64\x0e\xff", 3, NULL},
    {"no-cache", "\xa8\xeb\x10\x64\x9c\xbf", 6, NULL},
    {"custom-value", "\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf", 9, NULL},
    {"www.example.com", "\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", 12, NULL},
    {"Mon, 21 Oct 2013 20:13:21 GMT",
     "\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff", 22,
     NULL},
    {"Mon, 21 Oct 2013 20:13:22 GMT", NULL, 0, NULL},
    {"a value of eighty bytes, which is more than what is kept of a field, and as it is", NULL, 0,
     NULL},
    {" \tblanks around it \t", NULL, 0, "blanks around it"},
    {" \t ", NULL, 0, ""},
};

#define NAMES (sizeof(names) / sizeof(names[0]))
#define VALUES (sizeof(values) / sizeof(values[0]))
#define FIELDS_MOST 24

typedef struct field {
    size_t name, value;
} field;

typedef struct peer {
    uint64_t random;
    field table[TABLE_BYTES / OVERHEAD]; /* the newest first */
    size_t table_count, table_bytes, table_limit;
    uint8_t block[8192];
    size_t size;
    field sent[FIELDS_MOST];
    bool never[FIELDS_MOST]; /* to be indexed */
    size_t sent_count;
} peer;

static size_t draw(peer *p, size_t below)
{
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(p->random >> 33) % below;
}

/* ---- the peer's table ---- */

static size_t room_of(const field *f)
{
    return strlen(names[f->name].text.plain) + strlen(values[f->value].plain) + OVERHEAD;
}

static void shrink(peer *p, size_t bytes)
{
    while (p->table_count > 0 && p->table_bytes > bytes)
        p->table_bytes -= room_of(&p->table[--p->table_count]);
}

static void insert(peer *p, const field *f)
{
    size_t room = room_of(f);
    shrink(p, room <= p->table_limit ? p->table_limit - room : 0);
    if (room > p->table_limit)
        return;
    memmove(p->table + 1, p->table, p->table_count * sizeof(*f));
    p->table[0] = *f;
    p->table_count++;
    p->table_bytes += room;
}

/* 0: it is not there. */
static size_t find(const peer *p, const field *f, bool whole)
{
    for (size_t i = 0; i < p->table_count; i++) {
        if (p->table[i].name == f->name && (!whole || p->table[i].value == f->value))
            return STATIC_FIELDS + 1 + i;
    }
    return 0;
}

/* ---- writing (RFC 7541, 5 and 6) ---- */

static void put_integer(peer *p, uint8_t first, unsigned bits, size_t value)
{
    size_t most = ((size_t)1 << bits) - 1;
    if (value < most) {
        p->block[p->size++] = (uint8_t)(first | value);
        return;
    }
    p->block[p->size++] = (uint8_t)(first | most);
    for (value -= most; value >= 128; value >>= 7)
        p->block[p->size++] = (uint8_t)(0x80 | (value & 0x7f));
    p->block[p->size++] = (uint8_t)value;
}

static void put_text(peer *p, const text *t)
{
    bool huffman = t->huffman != NULL && draw(p, 2) == 0;
    size_t size = huffman ? t->size : strlen(t->plain);
    put_integer(p, huffman ? 0x80 : 0, 7, size);
    memcpy(p->block + p->size, huffman ? t->huffman : t->plain, size);
    p->size += size;
}

static void put_field(peer *p, const field *f)
{
    static const struct {
        uint8_t first;
        unsigned bits;
    } kinds[] = {{0x40, 6}, {0x00, 4}, {0x10, 4}};
    size_t index = find(p, f, true), kind = draw(p, 3), name_index = names[f->name].index;
    p->sent[p->sent_count] = *f;
    p->never[p->sent_count] = false;
    if (index > 0 && draw(p, 2) == 0) {
        put_integer(p, 0x80, 7, index);
        p->sent_count++;
        return;
    }
    if (name_index == 0 || draw(p, 3) == 0)
        name_index = draw(p, 2) == 0 ? find(p, f, false) : names[f->name].index;
    put_integer(p, kinds[kind].first, kinds[kind].bits, name_index);
    if (name_index == 0)
        put_text(p, &names[f->name].text);
    put_text(p, &values[f->value]);
    p->never[p->sent_count++] = kind == 2;
    if (kind == 0)
        insert(p, f);
}

/* Mostly the fields of the block before, some of them with other values. */
static void put_block(peer *p)
{
    static const size_t limits[] = {0, 40, 200, TABLE_BYTES};
    size_t count = p->sent_count, kept = draw(p, 4) > 0 ? count : 0;
    p->size = p->sent_count = 0;
    if (draw(p, 20) == 0) {
        p->table_limit = limits[draw(p, 4)];
        put_integer(p, 0x20, 5, p->table_limit);
        shrink(p, p->table_limit);
    }
    if (kept == 0)
        count = 1 + draw(p, FIELDS_MOST);
    for (size_t i = 0; i < count; i++) {
        field f = p->sent[i];
        if (kept == 0)
            f.name = draw(p, NAMES);
        if (kept == 0 || draw(p, 8) == 0)
            f.value = draw(p, VALUES);
        put_field(p, &f);
    }
}

/* ---- reading ---- */

static void assert_field(const nghttp2_nv *nv, const peer *p, size_t i)
{
    const char *name = names[p->sent[i].name].text.plain, *value = values[p->sent[i].value].plain;
    assert_int_equal(nv->namelen, strlen(name));
    assert_string_equal((const char *)nv->name, name);
    assert_int_equal(nv->valuelen, strlen(value));
    assert_string_equal((const char *)nv->value, value);
    assert_int_equal((nv->flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0, p->never[i]);
}

static void read_block(peer *p, nghttp2_hd_inflater *inflater)
{
    size_t done = 0, come = 0, seen = 0;
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        if (done == come && come < p->size)
            come += draw(p, 3) == 0 ? 1 + draw(p, p->size - come) : p->size - come;
        nghttp2_ssize taken = nghttp2_hd_inflate_hd3(inflater, &nv, &flags, p->block + done,
                                                     come - done, come == p->size);
        assert_true(taken >= 0);
        done += (size_t)taken;
        if (flags & NGHTTP2_HD_INFLATE_EMIT) {
            assert_true(seen < p->sent_count);
            assert_field(&nv, p, seen++);
        }
    }
    assert_int_equal(nghttp2_hd_inflate_end_headers(inflater), 0);
    assert_int_equal(seen, p->sent_count);
    assert_int_equal(nghttp2_hd_inflate_get_dynamic_table_size(inflater), p->table_bytes);
    assert_int_equal(nghttp2_hd_inflate_get_num_table_entries(inflater),
                     STATIC_FIELDS + p->table_count);
}

typedef struct reading {
    const peer *p;
    size_t seen;
} reading;

static void on_field(void *user, const rp_hpack_field *came)
{
    reading *r = user;
    const peer *p = r->p;
    assert_true(r->seen < p->sent_count);
    assert_string_equal(came->name, names[p->sent[r->seen].name].text.plain);
    const text *value = &values[p->sent[r->seen++].value];
    assert_string_equal(came->value, value->told != NULL ? value->told : value->plain);
    assert_int_equal(came->name_size, strlen(came->name));
    assert_int_equal(came->value_size, strlen(came->value));
}

static void read_ours(const peer *p, rp_hpack_decoder *decoder)
{
    reading r = {.p = p};
    uint8_t *block = malloc(p->size); /* so that a read beyond it is seen */
    assert_non_null(block);
    memcpy(block, p->block, p->size);
    bool again = rp__hpack_again(decoder, block, p->size);
    if (!again) {
        assert_int_equal(rp__hpack_decode(decoder, block, p->size, on_field, &r), RP_HPACK_DONE);
        assert_int_equal(r.seen, p->sent_count);
    }
    free(block);
    rp__hpack_sweep(decoder);
    if (again)
        return; /* the table waits until it is looked at */
    assert_int_equal(decoder->table.bytes, p->table_bytes);
    assert_int_equal(decoder->table.count, p->table_count);
}

typedef struct memory {
    rp_memory loop;
    rp_h2_memory *pool;
} memory;

static void memory_begin(memory *m)
{
    rp__memory_init(&m->loop, (rp_allocator){0});
    m->pool = rp__h2_memory_create(&m->loop);
    assert_non_null(m->pool);
}

static void memory_end(memory *m)
{
    rp__h2_memory_destroy(m->pool);
    assert_int_equal(m->loop.live, 0);
}

static void ours_are_what_they_were(void **state)
{
    static rp_hpack_decoder zero;
    memory m;
    (void)state;
    memory_begin(&m);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        peer p = {.random = seed, .table_limit = TABLE_BYTES};
        rp_hpack_decoder decoder = zero;
        rp__hpack_decoder_begin(&decoder, m.pool);
        for (unsigned i = 0; i < 50; i++) {
            put_block(&p);
            read_ours(&p, &decoder);
        }
        rp__hpack_decoder_end(&decoder);
    }
    memory_end(&m);
}

static void ignore(void *user, const rp_hpack_field *came)
{
    (void)user;
    (void)came;
}

/* However often a block came again that put something into the table: who looks there then finds
 * what a decoder does that reads it anew each time. */
static void blocks_come_again_for_long(void **state)
{
    static uint8_t blocks[4][256] = {{0x40, 1, 'a', 1, '1'},
                                     {0x88, 0x40, 1,   'a', 1,    '1', 0x00, 1, 'n', 1,   'n',
                                      0x40, 1,    'b', 0,   0x40, 1,   'c',  3, 'x', 'y', 'z'},
                                     {0x40, 1, 'd', 0x7f, 0x49},
                                     {0x40, 1, 'd', 0x7f, 0x49}}; /* 200 bytes */
    static const uint8_t small[] = {0x3f, 0x45};                  /* a table of 100 bytes */
    static const size_t sizes[] = {5, 22, 205, 205};
    static const uint8_t other[] = {0x40, 1, 'o', 1, 'o'};
    memory m;
    (void)state;
    memory_begin(&m);
    for (unsigned i = 2; i < 4; i++)
        memset(blocks[i] + 5, 'v', 200);
    for (unsigned i = 0; i < 4 * 300; i++) {
        static rp_hpack_decoder zero, ours, plain;
        ours = plain = zero;
        rp__hpack_decoder_begin(&ours, m.pool);
        rp__hpack_decoder_begin(&plain, m.pool);
        if (i % 4 == 3) {
            (void)rp__hpack_decode(&ours, small, sizeof(small), ignore, NULL);
            (void)rp__hpack_decode(&plain, small, sizeof(small), ignore, NULL);
        }
        for (unsigned k = 0; k <= i / 4; k++) {
            const uint8_t *block = blocks[i % 4];
            assert_int_equal(rp__hpack_decode(&plain, block, sizes[i % 4], ignore, NULL),
                             RP_HPACK_DONE);
            if (k == 0)
                (void)rp__hpack_decode(&ours, block, sizes[i % 4], ignore, NULL);
            else
                assert_true(rp__hpack_again(&ours, block, sizes[i % 4]));
            rp__hpack_sweep(&ours);
            rp__hpack_sweep(&plain);
        }
        (void)rp__hpack_decode(&ours, other, sizeof(other), ignore, NULL);
        (void)rp__hpack_decode(&plain, other, sizeof(other), ignore, NULL);
        rp__hpack_sweep(&ours);
        rp__hpack_sweep(&plain);
        assert_int_equal(ours.table.count, plain.table.count);
        assert_int_equal(ours.table.bytes, plain.table.bytes);
        for (uint32_t n = STATIC_FIELDS + 1; n <= STATIC_FIELDS + plain.table.count; n++) {
            assert_string_equal(rp__hpack_table_get(&ours.table, n)->name,
                                rp__hpack_table_get(&plain.table, n)->name);
            assert_string_equal(rp__hpack_table_get(&ours.table, n)->value,
                                rp__hpack_table_get(&plain.table, n)->value);
        }
        rp__hpack_decoder_end(&ours);
        rp__hpack_decoder_end(&plain);
    }
    memory_end(&m);
}

/* A block that comes again says the same, but where the table that it refers to has changed. */
static void blocks_come_again(void **state)
{
    static const uint8_t insert_a[] = {0x40, 1, 'a', 1, '1'}, insert_b[] = {0x40, 1, 'b', 1, '1'};
    static const uint8_t first[] = {0x88, 0xbe}, second[] = {0x88, 0x0f, 0x2f, 1, '2'};
    static const struct {
        const uint8_t *block;
        size_t size;
        bool again;
    } steps[] = {
        {insert_a, 5, false}, {insert_a, 5, true}, {first, 2, false}, {first, 2, true},
        {first, 2, true},     {second, 5, false},  {second, 5, true}, {insert_b, 5, false},
        {insert_b, 5, true},  {insert_b, 5, true}, {first, 2, false}, {second, 5, false},
    };
    static rp_hpack_decoder decoder;
    memory m;
    (void)state;
    memory_begin(&m);
    memset(&decoder, 0, sizeof(decoder));
    rp__hpack_decoder_begin(&decoder, m.pool);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(rp__hpack_again(&decoder, steps[i].block, steps[i].size), steps[i].again);
        if (!steps[i].again)
            assert_int_equal(
                rp__hpack_decode(&decoder, steps[i].block, steps[i].size, ignore, NULL),
                RP_HPACK_DONE);
        rp__hpack_sweep(&decoder);
    }
    assert_int_equal(decoder.table.count, 5);
    /* The table was changed behind the block's back. */
    rp__hpack_table_insert(&decoder.table, decoder.table.ring[0]);
    assert_false(rp__hpack_again(&decoder, second, 5));
    rp__hpack_decoder_end(&decoder);
    memory_end(&m);
}

static rp_slice slice(const char *plain)
{
    return (rp_slice){(const uint8_t *)plain, strlen(plain)};
}

static void encode(peer *p, rp_hpack_encoder *encoder)
{
    uint8_t *out = rp__hpack_begin(encoder, p->block);
    p->sent_count = 1 + draw(p, FIELDS_MOST);
    for (size_t i = 0; i < p->sent_count; i++) {
        size_t how = draw(p, 3), known = draw(p, 2);
        p->sent[i] = (field){draw(p, NAMES), draw(p, VALUES)};
        p->never[i] = how == RP_HPACK_NEVER;
        uint32_t number = known ? names[p->sent[i].name].index : 0;
        out = rp__hpack_put(encoder, out, number, slice(names[p->sent[i].name].text.plain),
                            slice(values[p->sent[i].value].plain), (rp_hpack_how)how);
    }
    p->size = (size_t)(out - p->block);
    assert_true(p->size <= sizeof(p->block));
}

static void inflate(const peer *p, nghttp2_hd_inflater *inflater)
{
    size_t done = 0, seen = 0;
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        nghttp2_ssize taken =
            nghttp2_hd_inflate_hd3(inflater, &nv, &flags, p->block + done, p->size - done, 1);
        assert_true(taken >= 0);
        done += (size_t)taken;
        if (flags & NGHTTP2_HD_INFLATE_EMIT)
            assert_field(&nv, p, seen++);
    }
    assert_int_equal(nghttp2_hd_inflate_end_headers(inflater), 0);
    assert_int_equal(seen, p->sent_count);
}

/* Whatever the peer's limit was, and is. */
static void nghttp2_reads_it(void **state)
{
    static const uint32_t limits[] = {0, 40, 200, 4096, 100000};
    memory m;
    (void)state;
    memory_begin(&m);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        peer p = {.random = seed, .table_limit = TABLE_BYTES};
        rp_hpack_encoder encoder = {0};
        nghttp2_hd_inflater *inflater;
        assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
        rp__hpack_encoder_begin(&encoder, m.pool);
        for (unsigned i = 0; i < 50; i++) {
            uint32_t limit = limits[draw(&p, 5)];
            if (draw(&p, 10) == 0) {
                rp__hpack_limit(&encoder, limit);
                assert_int_equal(
                    nghttp2_hd_inflate_change_table_size(inflater, limit < 4096 ? limit : 4096), 0);
            }
            encode(&p, &encoder);
            inflate(&p, inflater);
        }
        assert_int_equal(nghttp2_hd_inflate_get_dynamic_table_size(inflater), encoder.table.bytes);
        rp__hpack_encoder_end(&encoder);
        nghttp2_hd_inflate_del(inflater);
    }
    memory_end(&m);
}

static void fields_are_what_they_were(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        peer p = {.random = seed, .table_limit = TABLE_BYTES};
        nghttp2_hd_inflater *inflater;
        assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
        for (unsigned i = 0; i < 50; i++) {
            put_block(&p);
            read_block(&p, inflater);
        }
        nghttp2_hd_inflate_del(inflater);
    }
}

/* An index of the dynamic table means another name when the table has changed. */
static void names_of_the_table_change(void **state)
{
    static const uint8_t first[] = {0x40, 1, 'a', 1, '1', 0x0f, 0x2f, 1, '2'};
    static const uint8_t second[] = {0x40, 1, 'b', 1, '1', 0x0f, 0x2f, 1, '2'};
    const uint8_t *blocks[] = {first, first, second, second, first};
    const char *last[] = {"a", "a", "b", "b", "a"};
    nghttp2_hd_inflater *inflater;
    (void)state;
    assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
    for (size_t i = 0; i < 5; i++) {
        nghttp2_nv nv;
        int flags;
        nghttp2_ssize taken = nghttp2_hd_inflate_hd3(inflater, &nv, &flags, blocks[i], 9, 1);
        assert_int_equal(taken, 5);
        taken = nghttp2_hd_inflate_hd3(inflater, &nv, &flags, blocks[i] + 5, 4, 1);
        assert_int_equal(taken, 4);
        assert_string_equal((const char *)nv.name, last[i]);
        assert_string_equal((const char *)nv.value, "2");
        assert_int_equal(nghttp2_hd_inflate_hd3(inflater, &nv, &flags, blocks[i] + 9, 0, 1), 0);
        assert_int_equal(nghttp2_hd_inflate_end_headers(inflater), 0);
    }
    nghttp2_hd_inflate_del(inflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_what_they_were), cmocka_unit_test(ours_are_what_they_were),
        cmocka_unit_test(blocks_come_again),         cmocka_unit_test(blocks_come_again_for_long),
        cmocka_unit_test(nghttp2_reads_it),          cmocka_unit_test(names_of_the_table_change),
    };
    return cmocka_run_group_tests_name("hpack", tests, NULL, NULL);
}
