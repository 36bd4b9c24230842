/* fuzz.h - what the fuzz targets share. A target is a file fuzz_<name>.c with one
 * LLVMFuzzerTestOneInput; its corpus is corpus/<name>. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property. What fails it is a finding: the process ends, the fuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void fuzz_fail(const char *file, int line, const char *condition);

/* Tells libFuzzer that something new happened which it can't see by itself: wolfSSL and llhttp come
 * as they are, without its instrumentation. Elsewhere it does nothing. */
void fuzz_feature(uint32_t kind, uint32_t value);
/* The same for a sentence. */
void fuzz_feature_text(uint32_t kind, const char *text);

/* The input, taken piece by piece. Behind its end there are zeros and empty pieces. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
} fuzz_input;

uint8_t fuzz_byte(fuzz_input *input);
uint32_t fuzz_u16(fuzz_input *input);
/* At most size bytes; *taken of them. They lie in the input. */
const uint8_t *fuzz_bytes(fuzz_input *input, size_t size, size_t *taken);
/* Up to the next NUL or the end, as a string; free() it. */
char *fuzz_string(fuzz_input *input);

/* A block of just this size, so that the sanitizers see a step too far; free() it. */
void *fuzz_copy(const void *data, size_t size);

/* xorshift64*: 0 to limit - 1. *state must not be 0. */
uint32_t fuzz_random(uint64_t *state, uint32_t limit);

#endif
