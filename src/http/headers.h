/* headers.h - what requests and responses share of RFC 9110: tokens, field values, names. */
#ifndef RP_HTTP_HEADERS_H
#define RP_HTTP_HEADERS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* RFC 9110, 5.6.2: what methods and header names are made of. Not empty. */
bool rp__is_token(const char *text, size_t size);

/* RFC 9110, 5.5: no control character but tab. May be empty. */
bool rp__is_field_value(const char *text, size_t size);

/* Names and most tokens are compared without regard to ASCII case, whatever the locale. b is
 * NUL-terminated. */
static inline bool rp__name_equal(const char *a, size_t a_size, const char *b)
{
    return strlen(b) == a_size && rp__ascii_equal(a, b, a_size);
}

#endif
