/* headers.c - tokens, field values, names. The C library's ctype.h depends on the program's locale.
 */
#include "http/headers.h"

#include "base/text.h"

#include <ringport/http.h>
#include <stdint.h>
#include <string.h>

/* One bit a character: "!#$%&'*+-.^_`|~", digits, letters. */
static const uint32_t token_bits[4] = {0, 0x03FF6CFA, 0xC7FFFFFE, 0x57FFFFFF};

bool rp_is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 128 || (token_bits[c / 32] >> (c % 32) & 1) == 0)
            return false;
    }
    return size > 0;
}

bool rp_is_field_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        i += rp_bytes_before_control(text + i, size - i);
        if (i < size && text[i] != '\t')
            return false;
    }
    return memchr(text, 0x7f, size) == NULL;
}

bool rp_name_equal(const char *a, size_t a_size, const char *b)
{
    return strlen(b) == a_size && rp_ascii_equal(a, b, a_size);
}

const char *rp_header_value(const rp_header *headers, size_t header_count, const char *name,
                            size_t index)
{
    for (size_t i = 0; i < header_count; i++) {
        if (rp_name_equal(headers[i].name, strlen(headers[i].name), name) && index-- == 0)
            return headers[i].value;
    }
    return NULL;
}
