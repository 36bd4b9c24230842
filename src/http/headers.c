/* headers.c - tokens, field values, names. The C library's ctype.h depends on the program's locale.
 */
#include "http/headers.h"

#include "base/text.h"

#include <ringport/http.h>
#include <stdint.h>
#include <string.h>

/* "!#$%&'*+-.^_`|~", digits, letters. */
static const bool token[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0,
};

bool rp__is_token(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!token[(unsigned char)text[i]])
            return false;
    }
    return size > 0;
}

/* None of the eight is a control character, nor DEL. A borrow lies only above one that is. */
static bool is_plain(const char *eight)
{
    uint64_t all = rp__eight_bytes(eight), ones = 0x0101010101010101, del = all ^ 0x7f * ones;
    return ((((all - 0x20 * ones) & ~all) | ((del - ones) & ~del)) & 0x80 * ones) == 0;
}

bool rp__is_field_value(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        if (size - i >= 8 && is_plain(text + i)) {
            i += 8;
            continue;
        }
        if (size >= 8 && size - i < 8 && is_plain(text + size - 8))
            return true;
        unsigned char c = (unsigned char)text[i++];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

const char *rp_header_value(const rp_header *headers, size_t header_count, const char *name,
                            size_t index)
{
    for (size_t i = 0; i < header_count; i++) {
        if (rp__name_equal(headers[i].name, strlen(headers[i].name), name) && index-- == 0)
            return headers[i].value;
    }
    return NULL;
}
