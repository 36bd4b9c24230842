/* assert.h - assertions: what must hold if ringport has no bug. Active in every build: they cost
 * next to nothing, and going on after one fails would corrupt somebody else's program. */
#ifndef RP_BASE_ASSERT_H
#define RP_BASE_ASSERT_H

_Noreturn void rp_assert_failed(const char *expression, const char *file, int line);

#define RP_ASSERT(expression)                                                                      \
    ((expression) ? (void)0 : rp_assert_failed(#expression, __FILE__, __LINE__))

#endif
