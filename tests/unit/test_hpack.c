/* test_hpack.c - fields that come again and again are what they were (RFC 7541).
 *
 * scripts/deps has nghttp2 know literal fields again by their bytes. Here blocks of every kind of
 * representation are written by a model of the peer's table, and read in pieces: each field must
 * come out as it was meant, whatever came before it, and the table be as large as the model's. */
#include <nghttp2/nghttp2.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define STATIC_FIELDS 61
#define TABLE_BYTES 4096
#define OVERHEAD 32

typedef struct text {
    const char *plain;
    const char *huffman; /* RFC 7541, C.4 and C.6; NULL: it is sent as it is */
    size_t size;         /* of that */
} text;

static const struct {
    text text;
    unsigned index; /* in the static table; 0: it is not there */
} names[] = {
    {{"date", NULL, 0}, 33},
    {{"etag", NULL, 0}, 34},
    {{"content-length", NULL, 0}, 28},
    {{"location", NULL, 0}, 46},
    {{"x", NULL, 0}, 0},
    {{"x-other", NULL, 0}, 0},
    {{"custom-key", "\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", 8}, 0},
    {{"x-name-that-does-not-fit-into-what-is-kept-of-a-field-whatever-its-value", NULL, 0}, 0},
};

static const text values[] = {
    {"", NULL, 0},
    {"0", NULL, 0},
    {"302", "\x64\x02", 2},
    {"307", "\x64\x0e\xff", 3},
    {"no-cache", "\xa8\xeb\x10\x64\x9c\xbf", 6},
    {"custom-value", "\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf", 9},
    {"www.example.com", "\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff", 12},
    {"Mon, 21 Oct 2013 20:13:21 GMT",
     "\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff",
     22},
    {"Mon, 21 Oct 2013 20:13:22 GMT", NULL, 0},
    {"a value of eighty bytes, which is more than what is kept of a field, and as it is", NULL, 0},
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
        cmocka_unit_test(fields_are_what_they_were),
        cmocka_unit_test(names_of_the_table_change),
    };
    return cmocka_run_group_tests_name("hpack", tests, NULL, NULL);
}
