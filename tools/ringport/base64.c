/* base64.c - see base64.h. */
#include "base64.h"

void base64_three(char four[4], const uint8_t *data, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = (uint32_t)data[0] << 16;
    bits |= size > 1 ? (uint32_t)data[1] << 8 : 0;
    bits |= size > 2 ? data[2] : 0;
    for (size_t i = 0; i < 4; i++)
        four[i] = i <= size ? letters[bits >> (18 - 6 * i) & 63] : '=';
}
