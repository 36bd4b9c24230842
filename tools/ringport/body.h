/* body.h - a request's body, put together in memory from -d, --data-binary and -T. */
#ifndef TOOL_BODY_H
#define TOOL_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_LIMIT ((size_t)1024 * 1024 * 1024)

typedef struct body {
    uint8_t *data; /* free() it */
    size_t size, capacity;
    bool given; /* empty counts */
} body;

/* Adds size bytes. False: no memory, or over BODY_LIMIT. */
bool body_add(body *b, const void *data, size_t size);

/* Adds a whole file, "-" for standard input. without_lines leaves out CR, LF and NUL, as curl's -d
 * does. NULL, or why not; the sentence lives until the next call. */
const char *body_add_file(body *b, const char *path, bool without_lines);

#endif
