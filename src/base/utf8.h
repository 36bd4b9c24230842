/* utf8.h - characters out of UTF-8. */
#ifndef RP_BASE_UTF8_H
#define RP_BASE_UTF8_H

#include "base/slice.h"

/* Takes a character off the front of *text, which is not empty. -1: there is none (RFC 3629: what
 * breaks off, longer forms than needed, surrogates, beyond Unicode's end). */
int32_t rp__utf8_next(rp_slice *text);

/* The same for a number: -1 if it is no character's. */
int32_t rp__unicode_character(uint32_t code);

#endif
