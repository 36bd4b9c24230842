/* text.h - ASCII as protocols have it, whatever the program's locale is: ctype.h goes by that. */
#ifndef RP_BASE_TEXT_H
#define RP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline char rp__ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Without regard to the letters' case. */
static inline bool rp__ascii_equal(const void *a, const void *b, size_t size)
{
    const char *left = a, *right = b;
    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i] && rp__ascii_lower(left[i]) != rp__ascii_lower(right[i]))
            return false;
    }
    return true;
}

/* -1: it is none. */
static inline int rp__hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = rp__ascii_lower((char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Eight bytes as one number, the first the lowest: one load where the machine has it so. */
static inline uint64_t rp__eight_bytes(const void *data)
{
    const unsigned char *b = data;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

/* How many bytes there are before a control character below the space. Eight at a time: taking 0x20
 * from a byte borrows from its top bit only if it was less, and the lowest such byte is the first;
 * above it a borrow may lie. */
static inline size_t rp__bytes_before_control(const char *data, size_t size)
{
    size_t count = 0;
    for (; size - count >= 8; count += 8) {
        uint64_t eight = rp__eight_bytes(data + count);
        uint64_t less = (eight - 0x2020202020202020) & ~eight & 0x8080808080808080;
        if (less != 0)
            return count + (size_t)__builtin_ctzll(less) / 8;
    }
    while (count < size && (unsigned char)data[count] >= ' ')
        count++;
    return count;
}

/* A space or a tab, RFC 9110's OWS. */
static inline bool rp__is_blank(char c)
{
    return c == ' ' || c == '\t';
}

#endif
