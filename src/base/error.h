/* error.h - making error values. */
#ifndef RP_BASE_ERROR_H
#define RP_BASE_ERROR_H

#include "base/slice.h"
#include <ringport/error.h>

/* Whose printf the formats are for; the build says so where it is not the compiler's own. */
#ifndef RP_PRINTF_STYLE
#define RP_PRINTF_STYLE printf
#endif
#if defined(__GNUC__)
#define RP_PRINTF(format_index, first) __attribute__((format(RP_PRINTF_STYLE, format_index, first)))
#else
#define RP_PRINTF(format_index, first)
#endif

/* Sets error (NULL: does nothing) to status and phase, everything else to "none", and the text,
 * which is cut at a character's boundary if too long. Returns status. */
rp_status rp__error_set(rp_error *error, rp_status status, rp_phase phase, const char *format, ...)
    RP_PRINTF(4, 5);

/* For a message: printable ASCII, '?' for the rest, cut where it does not fit. */
void rp__printable_text(rp_slice bytes, char *text, size_t capacity);

/* The operating system's own words for a code, without a final period; a static or thread-local
 * string. Platform specific: in src/linux/system.c or src/win32/system.c. */
const char *rp__os_error_text(int os_code);

/* Copies an options structure of a caller that may be older or newer than this archive: what the
 * caller lacks is zero; false if the caller set a member that this archive does not know. source
 * NULL: all zero. */
bool rp__options_copy(void *target, size_t target_size, const void *source, size_t source_size);

/* The other way: fills a structure of such a caller's; what this archive lacks is zero there. */
void rp__structure_give(void *target, size_t target_size, const void *source, size_t source_size);

#endif
