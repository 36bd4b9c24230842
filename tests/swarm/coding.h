/* coding.h - bodies as their servers encode them, made here, so that any bytes can be in one: in
 * blocks that are stored as they are, of any size, and by choice with one that no decoder takes. */
#ifndef SWARM_CODING_H
#define SWARM_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum coding_kind {
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BR,
    CODING_ZSTD,
    CODINGS
} coding_kind;

/* As Content-Encoding has it. */
const char *coding_name(coding_kind kind);

/* In blocks of so many bytes, 1 to 65,535; spoilt: the last one's beginning is wrong, and all
 * before it is right. *size becomes the result's, which is the caller's to free. */
uint8_t *coding_encode(coding_kind kind, const uint8_t *data, size_t *size, size_t block,
                       bool spoilt);

#endif
