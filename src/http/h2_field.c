/* h2_field.c - see h2_field.h. A field is judged once, when it is made. */
#include "http/h2_field.h"

#include "base/text.h"
#include "http/headers.h"

#include <string.h>

static bool is(const rp_hpack_field *field, const char *name)
{
    return memcmp(field->name, name, field->name_size) == 0;
}

/* 8.2.1: a token in lower case. */
static bool name_good(const rp_hpack_field *field)
{
    for (uint32_t i = 0; i < field->name_size; i++) {
        if (field->name[i] >= 'A' && field->name[i] <= 'Z')
            return false;
    }
    return rp__is_token(field->name, field->name_size);
}

/* 8.2.2 */
static bool is_of_connection(const rp_hpack_field *field)
{
    switch (field->name_size) {
    case 2:
        return is(field, "te") && !rp__name_equal(field->value, field->value_size, "trailers");
    case 7:
        return is(field, "upgrade");
    case 10:
        return is(field, "connection") || is(field, "keep-alive");
    case 16:
        return is(field, "proxy-connection");
    case 17:
        return is(field, "transfer-encoding");
    default:
        return false;
    }
}

/* Digits only, and below 2^63. */
static bool take_number(rp_hpack_field *field)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < field->value_size; i++) {
        unsigned digit = (unsigned)(unsigned char)field->value[i] - '0';
        if (digit > 9 || number > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    field->number = number;
    return field->value_size > 0;
}

/* 8.3.2, and blanks are no digits; 8.6 has no 101. */
static bool is_status(rp_hpack_field *field)
{
    return field->name_size == 7 && is(field, ":status") && field->value_size == 3 &&
           field->blanks == 0 && take_number(field) && field->number >= 100 && field->number != 101;
}

static rp_hpack_kind kind_of(rp_hpack_field *field)
{
    if (field->name[0] == ':')
        return is_status(field) ? RP_HPACK_STATUS : RP_HPACK_BAD;
    field->good_name = field->good_name || name_good(field);
    if (!field->good_name || !rp__is_field_value(field->value, field->value_size) ||
        is_of_connection(field))
        return RP_HPACK_BAD;
    if (field->name_size != 14 || !is(field, "content-length"))
        return RP_HPACK_PLAIN;
    return take_number(field) ? RP_HPACK_LENGTH : RP_HPACK_BAD;
}

void rp__h2_field_judge(rp_hpack_field *field)
{
    field->kind = (uint8_t)kind_of(field);
}
