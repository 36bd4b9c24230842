/* body.c - request bodies from arguments and files. */
#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char sentence[512];

static bool reserve(body *b, size_t size)
{
    if (size > BODY_LIMIT - b->size)
        return false;
    if (b->size + size <= b->capacity)
        return true;
    size_t capacity = b->capacity > 0 ? b->capacity : 4096;
    while (capacity < b->size + size)
        capacity *= 2;
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL)
        return false;
    b->data = data;
    b->capacity = capacity;
    return true;
}

bool body_add(body *b, const void *data, size_t size)
{
    b->given = true;
    if (size == 0)
        return true;
    if (!reserve(b, size))
        return false;
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

static size_t drop_lines(char *data, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\r' && data[i] != '\n' && data[i] != '\0')
            data[kept++] = data[i];
    }
    return kept;
}

static const char *add_stream(body *b, FILE *stream, const char *path, bool without_lines)
{
    char buffer[16 * 1024];
    size_t size;
    b->given = true;
    while ((size = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
        if (without_lines)
            size = drop_lines(buffer, size);
        if (body_add(b, buffer, size))
            continue;
        snprintf(sentence, sizeof(sentence), "%s: more than 1 GiB, or no memory for it", path);
        return sentence;
    }
    if (!ferror(stream))
        return NULL;
    snprintf(sentence, sizeof(sentence), "%s: %s", path, strerror(errno));
    return sentence;
}

const char *body_add_file(body *b, const char *path, bool without_lines)
{
    if (strcmp(path, "-") == 0)
        return add_stream(b, stdin, "standard input", without_lines);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        snprintf(sentence, sizeof(sentence), "%s: %s", path, strerror(errno));
        return sentence;
    }
    const char *result = add_stream(b, stream, path, without_lines);
    fclose(stream);
    return result;
}
