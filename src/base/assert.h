/* assert.h - assertions: what must hold if ringport has no bug. Active in every build: they cost
 * next to nothing, and going on after one fails would corrupt somebody else's program. */
#ifndef RP_BASE_ASSERT_H
#define RP_BASE_ASSERT_H

#include <stdbool.h>

_Noreturn void rp__assert_failed(const char *expression, const char *file, int line);

/* A function, so that the branch that is never taken is here and not, for whoever measures which
 * branches the tests take, in every function that asserts something. For the same reason "a && b"
 * is asserted as two, and "a || b" as a variable. */
static inline void rp__assert_that(bool holds, const char *expression, const char *file, int line)
{
    if (!holds)
        rp__assert_failed(expression, file, line);
}

#define RP_ASSERT(expression) rp__assert_that((expression), #expression, __FILE__, __LINE__)

#endif
