/* utf8.h - text that may not be UTF-8, for what is written as such. */
#ifndef TOOL_UTF8_H
#define TOOL_UTF8_H

#include <stddef.h>

/* The length of the sequence that text begins with, 0 if it is none (RFC 3629, 4). Nothing behind
 * its NUL is read. */
size_t utf8_size(const unsigned char *text);

#endif
