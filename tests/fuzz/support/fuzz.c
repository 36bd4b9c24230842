/* fuzz.c - see fuzz.h. */
#include "fuzz/support/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    fflush(stderr);
    abort();
}

/* ---- Features -------------------------------------------------------------------------------- */

#define FEATURES 4096

/* libFuzzer looks for this section, where the platform has it; each byte is a counter. */
#if defined(__linux__) && defined(RP_FUZZ)
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t features[FEATURES];

void fuzz_feature(uint32_t kind, uint32_t value)
{
    uint64_t hash = ((uint64_t)kind << 32 | value) * 0x9E3779B97F4A7C15u;
    features[hash >> 52] = 1;
}

void fuzz_feature_text(uint32_t kind, const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a, of the words: numbers are not news */
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            hash = (hash ^ (uint8_t)*text) * 16777619u;
    }
    fuzz_feature(kind, hash);
}

/* ---- Input ----------------------------------------------------------------------------------- */

uint8_t fuzz_byte(fuzz_input *input)
{
    size_t taken;
    const uint8_t *at = fuzz_bytes(input, 1, &taken);
    return taken > 0 ? *at : 0;
}

uint32_t fuzz_u16(fuzz_input *input)
{
    uint32_t high = fuzz_byte(input);
    return high << 8 | fuzz_byte(input);
}

const uint8_t *fuzz_bytes(fuzz_input *input, size_t size, size_t *taken)
{
    const uint8_t *at = input->data;
    *taken = size < input->size ? size : input->size;
    if (*taken > 0) /* data may be NULL */
        input->data += *taken;
    input->size -= *taken;
    return at;
}

char *fuzz_string(fuzz_input *input)
{
    size_t size = 0, taken;
    while (size < input->size && input->data[size] != 0)
        size++;
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    const uint8_t *at = fuzz_bytes(input, size, &taken);
    if (taken > 0)
        memcpy(text, at, taken);
    text[size] = '\0';
    (void)fuzz_byte(input); /* the NUL */
    return text;
}

void *fuzz_copy(const void *data, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    FUZZ_CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

uint32_t fuzz_random(uint64_t *state, uint32_t limit)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 2685821657736338717u >> 33) % limit);
}
