/* assert.c - the one place that may end the process. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void rp__assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "ringport: %s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}
