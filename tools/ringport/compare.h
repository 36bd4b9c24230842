/* compare.h - `ringport compare`: two results of `ringport load --json`, side by side. */
#ifndef TOOL_COMPARE_H
#define TOOL_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the exit code. */
int compare_run(int argc, char **argv);

/* Mann and Whitney's test of two samples: how sure it is that one is larger, as the square of a
 * normal deviate; below 0 if that is a, 0 for samples that are too small to tell (fewer than 5). */
double compare_surely(const double *a, size_t a_count, const double *b, size_t b_count);

#endif
