/* hpack_decode.c - header blocks to fields (RFC 7541, 3 and 6). */
#include "http/hpack.h"

#include "base/text.h"
#include "http/h2_field.h"

#include <string.h>

void rp__hpack_decoder_begin(rp_hpack_decoder *decoder, rp_h2_memory *memory)
{
    rp__hpack_table_begin(&decoder->table, memory);
}

/* One use of it ends. */
static void let_go(rp_hpack_decoder *decoder, rp_hpack_field *field)
{
    if (--field->uses == 0)
        rp__hpack_table_drop(&decoder->table, field);
}

static void last_clear(rp_hpack_decoder *decoder)
{
    rp_hpack_last *last = &decoder->last;
    for (uint32_t i = 0; i < last->count; i++)
        let_go(decoder, last->fields[i]);
    last->count = last->inserts = last->owed = last->size = 0;
    last->refers = last->whole = false;
}

void rp__hpack_decoder_end(rp_hpack_decoder *decoder)
{
    last_clear(decoder);
    for (size_t i = 0; i < RP_HPACK_MEMO_FIELDS; i++) {
        rp_hpack_field *field = decoder->memo[i].field;
        if (field != NULL)
            let_go(decoder, field);
    }
    rp__hpack_table_end(&decoder->table);
}

void rp__hpack_sweep(rp_hpack_decoder *decoder)
{
    if (!decoder->last.whole)
        last_clear(decoder);
    if (decoder->table.out != NULL)
        rp__hpack_table_sweep(&decoder->table);
}

/* ---- integers and strings (5) ---- */

typedef struct input {
    const uint8_t *next, *end;
} input;

/* The number whose prefix has so many bits, of the byte that is next. False: it is not whole, or
 * larger than any that makes sense. */
static bool take_number(input *in, unsigned bits, uint32_t *number)
{
    uint32_t most = (1u << bits) - 1, value = *in->next++ & most;
    if (value == most) {
        unsigned shift = 0;
        uint8_t byte;
        do {
            if (in->next == in->end || shift >= 32)
                return false;
            byte = *in->next++;
            uint32_t part = byte & 0x7f;
            if (part > UINT32_MAX >> shift || part << shift > UINT32_MAX - value)
                return false;
            value += part << shift;
            shift += 7;
        } while ((byte & 0x80) != 0);
    }
    *number = value;
    return true;
}

typedef struct text {
    const uint8_t *data;
    uint32_t size;
    bool huffman;
} text;

static bool take_text(input *in, text *t)
{
    if (in->next == in->end)
        return false;
    t->huffman = (*in->next & 0x80) != 0;
    if (!take_number(in, 7, &t->size) || t->size > (size_t)(in->end - in->next))
        return false;
    t->data = in->next;
    in->next += t->size;
    return true;
}

static size_t text_most(const text *t)
{
    return t->huffman ? rp__huffman_most(t->size) : t->size;
}

/* Returns where the byte behind it goes; NULL: it can't be decoded. */
static char *text_put(const text *t, char *out, uint32_t *size)
{
    size_t count = t->size;
    if (!t->huffman)
        memcpy(out, t->data, count);
    else if (!rp__huffman_decode(t->data, t->size, out, &count))
        return NULL;
    *size = (uint32_t)count;
    out[count] = '\0';
    return out + count + 1;
}

/* ---- the memo ---- */

static const rp_hpack_memo *memo_find(rp_hpack_decoder *decoder, const input *in)
{
    size_t left = (size_t)(in->end - in->next);
    for (uint32_t i = 0; i < RP_HPACK_MEMO_FIELDS; i++) {
        uint32_t at = (decoder->memo_next + i) % RP_HPACK_MEMO_FIELDS;
        const rp_hpack_memo *memo = &decoder->memo[at];
        if (memo->bytes[0] != *in->next || memo->field == NULL || memo->size > left ||
            memcmp(memo->bytes, in->next, memo->size) != 0)
            continue;
        decoder->memo_next = at + 1;
        return memo;
    }
    return NULL;
}

static void memo_keep(rp_hpack_decoder *decoder, rp_hpack_field *field, const uint8_t *bytes,
                      size_t size)
{
    rp_hpack_memo *memo = &decoder->memo[decoder->memo_next++ % RP_HPACK_MEMO_FIELDS];
    if (memo->field != NULL)
        let_go(decoder, memo->field);
    memo->field = field;
    memo->size = (uint8_t)size;
    memcpy(memo->bytes, bytes, size);
    field->uses++;
}

/* ---- the last block ---- */

/* Of a block that is decoded: what may be kept of it, so far. */
static void last_begin(rp_hpack_decoder *decoder, const uint8_t *block, size_t size)
{
    rp_hpack_last *last = &decoder->last;
    last_clear(decoder);
    last->inserted = decoder->table.inserted;
    if (size == 0 || size > RP_HPACK_LAST_BYTES)
        return;
    last->size = (uint32_t)size;
    memcpy(last->bytes, block, size);
}

/* It is nothing to keep. */
static void last_spoil(rp_hpack_decoder *decoder)
{
    decoder->last.size = 0;
}

static void last_add(rp_hpack_decoder *decoder, rp_hpack_field *field, bool inserted)
{
    rp_hpack_last *last = &decoder->last;
    if (last->size == 0 || last->count == RP_HPACK_LAST_FIELDS) {
        last_spoil(decoder);
        return;
    }
    last->inserts |= (uint32_t)inserted << last->count;
    last->fields[last->count++] = field;
    field->uses++;
}

static void last_insert(rp_hpack_decoder *decoder)
{
    const rp_hpack_last *last = &decoder->last;
    for (uint32_t i = 0, bits = last->inserts; bits != 0; i++, bits >>= 1) {
        if ((bits & 1) != 0)
            rp__hpack_table_insert(&decoder->table, last->fields[i]);
    }
}

/* What it put into the table each time, before anybody looks there; as often as the table holds it
 * at the most. */
static void last_settle(rp_hpack_decoder *decoder)
{
    rp_hpack_last *last = &decoder->last;
    for (; last->owed > 0; last->owed--)
        last_insert(decoder);
}

bool rp__hpack_again(rp_hpack_decoder *decoder, const uint8_t *block, size_t size)
{
    rp_hpack_last *last = &decoder->last;
    if (!last->whole || size != last->size ||
        (last->refers && last->inserted != decoder->table.inserted) ||
        memcmp(block, last->bytes, size) != 0)
        return false;
    if (last->refers)
        last_insert(decoder);
    else if (last->inserts != 0 && last->owed < RP_HPACK_TABLE_FIELDS)
        last->owed++;
    return true;
}

/* ---- fields (6) ---- */

#define INDEXED 0x80
#define INSERTED 0x40
#define TABLE_SIZE 0x20
#define NEVER 0x10
#define COPIED_MOST ((size_t)256 * 1024) /* in a block: three bytes of it can name one of 4 KiB */

/* RFC 9110, 5.5: blanks around a value are none of it. RFC 9113, 8.2.1, has no place for them, but
 * servers send them (nghttp2#1786), and curl and browsers do without them. */
static void trim(rp_hpack_field *field, char *value)
{
    uint32_t begin = 0, end = field->value_size;
    while (begin < end && rp__is_blank(value[begin]))
        begin++;
    while (begin < end && rp__is_blank(value[end - 1]))
        end--;
    value[end] = '\0';
    field->value = value + begin;
    field->blanks = field->value_size - (end - begin);
    field->value_size = end - begin;
}

/* named: whose name it has; NULL: name's. */
static rp_hpack_result make(rp_hpack_decoder *decoder, const rp_hpack_field *named,
                            const text *name, const text *value, rp_hpack_field **made)
{
    bool constant = named >= rp__hpack_static && named < rp__hpack_static + RP_HPACK_STATIC;
    size_t name_most = constant ? 0 : named != NULL ? named->name_size : text_most(name);
    rp_hpack_field *field =
        rp__h2_take(decoder->table.memory, sizeof(*field) + name_most + 1 + text_most(value) + 1);
    if (field == NULL)
        return RP_HPACK_NO_MEMORY;
    char *at = (char *)(field + 1);
    *field = (rp_hpack_field){.name = at, .good_name = constant || (named && named->good_name)};
    if (named == NULL) {
        at = text_put(name, at, &field->name_size);
    } else {
        field->name_size = named->name_size;
        if (constant)
            field->name = named->name;
        else
            at = (char *)memcpy(at, named->name, named->name_size + 1u) + named->name_size + 1;
    }
    if (at == NULL || text_put(value, at, &field->value_size) == NULL) {
        rp__h2_give(decoder->table.memory, field);
        return RP_HPACK_BROKEN;
    }
    trim(field, at);
    rp__h2_field_judge(field);
    *made = field;
    return RP_HPACK_DONE;
}

static rp_hpack_result take_literal(rp_hpack_decoder *decoder, input *in, rp_hpack_field **field)
{
    const uint8_t *begin = in->next;
    uint8_t first = *begin;
    const rp_hpack_field *named = NULL;
    text name = {NULL, 0, false}, value;
    uint32_t number;
    const rp_hpack_memo *memo = memo_find(decoder, in);
    if (memo != NULL) {
        in->next += memo->size;
        *field = memo->field;
        return RP_HPACK_DONE;
    }
    if (!take_number(in, (first & INSERTED) != 0 ? 6 : 4, &number))
        return RP_HPACK_BROKEN;
    if (number > 0 && (named = rp__hpack_table_get(&decoder->table, number)) == NULL)
        return RP_HPACK_BROKEN;
    if ((number == 0 && !take_text(in, &name)) || !take_text(in, &value))
        return RP_HPACK_BROKEN;
    if (number > RP_HPACK_STATIC && (decoder->copied += named->name_size) > COPIED_MOST)
        return RP_HPACK_BROKEN;
    rp_hpack_result result = make(decoder, named, &name, &value, field);
    size_t size = (size_t)(in->next - begin);
    bool secret = (first & INSERTED) == 0 && (first & NEVER) != 0;
    if (secret)
        last_spoil(decoder);
    decoder->last.refers = decoder->last.refers || number > RP_HPACK_STATIC;
    if (result == RP_HPACK_DONE && !secret && number <= RP_HPACK_STATIC &&
        size <= RP_HPACK_MEMO_BYTES)
        memo_keep(decoder, *field, begin, size);
    return result;
}

/* 4.2, 6.3: only where a block begins. */
static bool take_limit(rp_hpack_decoder *decoder, input *in)
{
    uint32_t limit;
    if (!take_number(in, 5, &limit) || limit > RP_HPACK_TABLE_BYTES)
        return false;
    rp__hpack_table_limit(&decoder->table, limit);
    return true;
}

/* A field by its number. NULL: there is none. */
static const rp_hpack_field *take_known(rp_hpack_decoder *decoder, input *in)
{
    uint32_t number;
    if (!take_number(in, 7, &number))
        return NULL;
    if (number - 1 < RP_HPACK_STATIC)
        return &rp__hpack_static[number - 1];
    rp_hpack_field *field = rp__hpack_table_own(&decoder->table, number);
    if (field == NULL)
        return NULL;
    last_add(decoder, field, false);
    decoder->last.refers = true;
    return field;
}

rp_hpack_result rp__hpack_decode(rp_hpack_decoder *decoder, const uint8_t *block, size_t size,
                                 rp_hpack_on_field *on_field, void *user)
{
    input in = {block, block + size};
    last_settle(decoder);
    last_begin(decoder, block, size);
    decoder->copied = 0;
    for (; in.next < in.end && (*in.next & 0xe0) == TABLE_SIZE; last_spoil(decoder)) {
        if (!take_limit(decoder, &in))
            return RP_HPACK_BROKEN;
    }
    while (in.next < in.end) {
        uint8_t first = *in.next;
        if ((first & INDEXED) != 0) {
            const rp_hpack_field *known = take_known(decoder, &in);
            if (known == NULL)
                return RP_HPACK_BROKEN;
            on_field(user, known);
            continue;
        }
        rp_hpack_field *field = NULL;
        if ((first & 0xe0) == TABLE_SIZE)
            return RP_HPACK_BROKEN;
        rp_hpack_result result = take_literal(decoder, &in, &field);
        if (result != RP_HPACK_DONE)
            return result;
        last_add(decoder, field, (first & INSERTED) != 0);
        if ((first & INSERTED) != 0)
            rp__hpack_table_insert(&decoder->table, field);
        if (field->uses == 0)
            rp__hpack_table_drop(&decoder->table, field);
        on_field(user, field);
    }
    decoder->last.whole = decoder->last.size > 0;
    return RP_HPACK_DONE;
}
