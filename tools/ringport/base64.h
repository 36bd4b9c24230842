/* base64.h - RFC 4648, 4: three bytes as four letters. */
#ifndef TOOL_BASE64_H
#define TOOL_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* size: 1 to 3, of data. */
void base64_three(char four[4], const uint8_t *data, size_t size);

#endif
