/* suggest.h - which of the names that there are was meant. */
#ifndef TOOL_SUGGEST_H
#define TOOL_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#define SUGGEST_LENGTH 40 /* longer names are like nothing */

/* The nearest name so far: begin with name NULL. */
typedef struct suggestion {
    const char *name;
    unsigned distance;
} suggestion;

/* given: size bytes, as they were typed. */
void suggest_try(suggestion *s, const char *given, size_t size, const char *name);

/* Whether it is near enough to be told: a third of the letters at the most are other ones. */
bool suggest_good(const suggestion *s, size_t size);

#endif
