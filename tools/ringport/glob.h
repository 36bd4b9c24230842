/* glob.h - URLs with {one,of,several} and [1-9], [a-z], [00-99:3] in them, as curl expands them:
 * the last varies first. */
#ifndef TOOL_GLOB_H
#define TOOL_GLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_PATTERNS 100
#define GLOB_URLS 1000000000 /* that a URL may stand for */

typedef struct glob_pattern {
    char **words; /* a set, or NULL: a range */
    uint64_t first, last, step, now;
    uint64_t count; /* of words */
    int width;      /* of numbers, with leading zeros */
    bool letters;
} glob_pattern;

/* Zeroed memory is good for glob_free. */
typedef struct glob {
    char *texts[GLOB_PATTERNS + 1]; /* before, between and behind the patterns */
    glob_pattern patterns[GLOB_PATTERNS];
    size_t pattern_count;
} glob;

/* EXIT_OK, or the exit code; message (of size bytes) says what is wrong, and where. glob_free in
 * either case. literal: nothing in it means anything. */
int glob_parse(glob *g, const char *url, bool literal, char *message, size_t size);
void glob_free(glob *g);

/* The URL that it stands at; free() it. NULL: no memory. */
char *glob_url(const glob *g);

/* pattern with each #1 replaced by what stands for the first pattern, and so on. free() it; NULL:
 * no memory. */
char *glob_output(const glob *g, const char *pattern);

/* To the next one. False: there is none. */
bool glob_next(glob *g);

#endif
