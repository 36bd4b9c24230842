/* crash.h - last words: a line that is written when the program ends by a failed check, a signal or
 * a sanitizer's finding, or hangs. */
#ifndef SWARM_CRASH_H
#define SWARM_CRASH_H

#include "base/error.h"

void crash_prepare(void);
/* Replaces the words, and begins a new time in which they must be replaced again. */
void crash_says(const char *format, ...) RP_PRINTF(1, 2);

#endif
