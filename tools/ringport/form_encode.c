/* form_encode.c - see form_encode.h. */
#include "form_encode.h"

#include "base64.h"

#include <string.h>

#define LINE ((size_t)76)

static const char no_memory[] = "out of memory";

/* ---- base64 ---- */

static const char *encode_base64(body *out, const uint8_t *data, size_t size)
{
    char four[4];
    for (size_t at = 0; at < size; at += 3) {
        bool breaks = at > 0 && at / 3 * 4 % LINE == 0;
        base64_three(four, data + at, size - at < 3 ? size - at : 3);
        if ((breaks && !body_add(out, "\r\n", 2)) || !body_add(out, four, 4))
            return no_memory;
    }
    return NULL;
}

/* ---- quoted-printable ---- */

static bool line_ends_at(const uint8_t *data, size_t size, size_t at)
{
    return at >= size || (at + 2 <= size && data[at] == '\r' && data[at + 1] == '\n');
}

/* A blank may stand anywhere but at a line's end. */
static bool stands_for_itself(const uint8_t *data, size_t size, size_t at)
{
    uint8_t c = data[at];
    if (c == ' ' || c == '\t')
        return !line_ends_at(data, size, at + 1);
    return c > ' ' && c < 0x7f && c != '=';
}

static const char *encode_quoted(body *out, const uint8_t *data, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t column = 0;
    for (size_t at = 0; at < size;) {
        if (at + 2 <= size && line_ends_at(data, size, at)) {
            if (!body_add(out, "\r\n", 2))
                return no_memory;
            at += 2;
            column = 0;
            continue;
        }
        char text[3] = {(char)data[at], hex[data[at] >> 4], hex[data[at] & 15]};
        size_t length = 1;
        if (!stands_for_itself(data, size, at)) {
            text[0] = '=';
            length = 3;
        }
        /* The last place of a line is for the = that says that the line goes on. */
        bool last = line_ends_at(data, size, at + 1);
        if (column + length > LINE - (last ? 0 : 1)) {
            if (!body_add(out, "=\r\n", 3))
                return no_memory;
            column = 0;
        }
        if (!body_add(out, text, length))
            return no_memory;
        column += length;
        at++;
    }
    return NULL;
}

/* ---- the whole ---- */

const char *form_encode(body *out, const char *encoding, const uint8_t *data, size_t size)
{
    if (strcmp(encoding, "base64") == 0)
        return encode_base64(out, data, size);
    if (strcmp(encoding, "quoted-printable") == 0)
        return encode_quoted(out, data, size);
    for (size_t i = 0; strcmp(encoding, "7bit") == 0 && i < size; i++) {
        if (data[i] > 0x7f)
            return "encoder=7bit is for ASCII alone";
    }
    return body_add(out, data, size) ? NULL : no_memory;
}
