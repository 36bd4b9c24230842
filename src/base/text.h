/* text.h - ASCII as protocols have it, whatever the program's locale is: ctype.h goes by that. */
#ifndef RP_BASE_TEXT_H
#define RP_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

static inline char rp_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Without regard to the letters' case. */
static inline bool rp_ascii_equal(const void *a, const void *b, size_t size)
{
    const char *left = a, *right = b;
    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i] && rp_ascii_lower(left[i]) != rp_ascii_lower(right[i]))
            return false;
    }
    return true;
}

/* A space or a tab, RFC 9110's OWS. */
static inline bool rp_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

#endif
