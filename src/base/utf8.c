/* utf8.c - characters out of UTF-8 (RFC 3629). */
#include "base/utf8.h"

int32_t rp__unicode_character(uint32_t code)
{
    return code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? -1 : (int32_t)code;
}

int32_t rp__utf8_next(rp_slice *text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t first = text->data[0];
    size_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if ((first >= 0x80 && first < 0xC0) || first >= 0xF8 || text->size <= more)
        return -1;
    uint32_t code = more == 0 ? first : first & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if ((text->data[i] & 0xC0) != 0x80)
            return -1;
        code = code << 6 | (text->data[i] & 0x3F);
    }
    *text = (rp_slice){text->data + 1 + more, text->size - 1 - more};
    return code < least[more] ? -1 : rp__unicode_character(code);
}
