/* coded.h - encoded bodies, for the tests of decoding. */
#ifndef RP_TESTS_CODED_H
#define RP_TESTS_CODED_H

#include <stddef.h>
#include <stdint.h>

/* What they all hold, NUL-terminated; its length is returned. */
#define CODED_CONTENT_MOST 4096
size_t coded_content(char *text);

typedef struct coded {
    const char *encoding; /* Content-Encoding */
    const uint8_t *data;
    size_t size;
    size_t whole_at; /* a shorter one that is whole too; 0: none */
} coded;

#define CODED_GOOD 9
extern const coded coded_good[CODED_GOOD];
/* 16 MiB of zeros; the same, twice; what needs a dictionary. */
extern const coded coded_zeros_br, coded_gzip_of_zeros, coded_zlib_dictionary;

#endif
