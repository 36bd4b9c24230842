/* hpack_encode.c - fields to header blocks (RFC 7541, 6). */
#include "http/hpack.h"

#include "base/text.h"

#include <string.h>

void rp__hpack_encoder_begin(rp_hpack_encoder *encoder, rp_h2_memory *memory)
{
    rp__hpack_table_begin(&encoder->table, memory);
    encoder->least = encoder->table.limit;
}

void rp__hpack_encoder_end(rp_hpack_encoder *encoder)
{
    rp__hpack_table_end(&encoder->table);
}

void rp__hpack_limit(rp_hpack_encoder *encoder, uint32_t limit)
{
    if (limit > RP_HPACK_TABLE_BYTES)
        limit = RP_HPACK_TABLE_BYTES;
    if (limit == encoder->table.limit)
        return;
    if (limit < encoder->least)
        encoder->least = limit;
    encoder->limit_to_say = true;
    rp__hpack_table_limit(&encoder->table, limit);
    rp__hpack_table_sweep(&encoder->table);
}

/* ---- integers and strings (5) ---- */

static uint8_t *put_number(uint8_t *out, uint8_t first, unsigned bits, size_t value)
{
    size_t most = ((size_t)1 << bits) - 1;
    if (value < most) {
        *out++ = (uint8_t)(first | value);
        return out;
    }
    *out++ = (uint8_t)(first | most);
    for (value -= most; value >= 128; value >>= 7)
        *out++ = (uint8_t)(0x80 | (value & 0x7f));
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_text(uint8_t *out, rp_slice text, bool lower)
{
    size_t size = rp__huffman_size(text.data, text.size, lower);
    if (size < text.size) {
        out = put_number(out, 0x80, 7, size);
        return rp__huffman_encode(text.data, text.size, lower, out);
    }
    out = put_number(out, 0, 7, text.size);
    for (size_t i = 0; i < text.size; i++)
        *out++ = lower ? (uint8_t)rp__ascii_lower((char)text.data[i]) : text.data[i];
    return out;
}

/* ---- fields ---- */

/* 4.2: the lowest first. */
uint8_t *rp__hpack_begin(rp_hpack_encoder *encoder, uint8_t *out)
{
    if (!encoder->limit_to_say)
        return out;
    if (encoder->least < encoder->table.limit)
        out = put_number(out, 0x20, 5, encoder->least);
    out = put_number(out, 0x20, 5, encoder->table.limit);
    encoder->limit_to_say = false;
    encoder->least = encoder->table.limit;
    return out;
}

static bool is_value(const rp_hpack_field *field, rp_slice value)
{
    return field->value_size == value.size &&
           (value.size == 0 || memcmp(field->value, value.data, value.size) == 0);
}

static bool is_name(const rp_hpack_field *field, rp_slice name)
{
    return field->name_size == name.size && rp__ascii_equal(field->name, name.data, name.size);
}

/* The number of the whole field, or 0; *number becomes that of one with its name, if there is. */
static uint32_t find(const rp_hpack_table *table, uint32_t *number, rp_slice name, rp_slice value)
{
    for (uint32_t i = *number; i > 0 && i <= RP_HPACK_STATIC; i++) {
        if (!is_name(&rp__hpack_static[i - 1], name))
            break;
        if (value.size > 0 && is_value(&rp__hpack_static[i - 1], value))
            return i;
    }
    for (uint32_t i = 1; i <= table->count; i++) {
        const rp_hpack_field *field = table->ring[(table->next - i) % RP_HPACK_TABLE_FIELDS];
        if (!is_name(field, name))
            continue;
        if (is_value(field, value))
            return RP_HPACK_STATIC + i;
        if (*number == 0)
            *number = RP_HPACK_STATIC + i;
    }
    return 0;
}

/* False: no memory, or it does not fit. */
static bool insert(rp_hpack_table *table, rp_slice name, rp_slice value)
{
    if (name.size + value.size + RP_HPACK_OVERHEAD > table->limit)
        return false;
    rp_hpack_field *field =
        rp__h2_take(table->memory, sizeof(*field) + name.size + 1 + value.size + 1);
    if (field == NULL)
        return false;
    char *text = (char *)(field + 1);
    *field = (rp_hpack_field){.name = text,
                              .value = text + name.size + 1,
                              .name_size = (uint32_t)name.size,
                              .value_size = (uint32_t)value.size};
    for (size_t i = 0; i < name.size; i++)
        text[i] = rp__ascii_lower((char)name.data[i]);
    text[name.size] = '\0';
    if (value.size > 0)
        memcpy(text + name.size + 1, value.data, value.size);
    text[name.size + 1 + value.size] = '\0';
    rp__hpack_table_insert(table, field);
    return true;
}

uint8_t *rp__hpack_put(rp_hpack_encoder *encoder, uint8_t *out, uint32_t number, rp_slice name,
                       rp_slice value, rp_hpack_how how)
{
    static const uint8_t literals[] = {0x40, 0x00, 0x10};
    if (number == 0)
        number = rp__hpack_static_find(name.data, name.size);
    uint32_t whole = how == RP_HPACK_NEVER ? 0 : find(&encoder->table, &number, name, value);
    if (whole > 0)
        return put_number(out, 0x80, 7, whole);
    if (how == RP_HPACK_INDEX && !insert(&encoder->table, name, value))
        how = RP_HPACK_ONCE;
    out = put_number(out, literals[how], how == RP_HPACK_INDEX ? 6 : 4, number);
    if (number == 0)
        out = put_text(out, name, true);
    out = put_text(out, value, false);
    rp__hpack_table_sweep(&encoder->table);
    return out;
}
