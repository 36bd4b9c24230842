/* wolf_memory.h - wolfSSL's allocations, counted, one of which fails. */
#ifndef TESTS_WOLF_MEMORY_H
#define TESTS_WOLF_MEMORY_H

#include <stdbool.h>

/* Before anything of wolfSSL. */
void wolf_memory_count(void);
/* The allocation of that number from here on fails, once; 0: none does. */
void wolf_memory_fail_in(long number);
/* Whether it has; none fails any more. */
bool wolf_memory_failed(void);
/* Blocks that were not freed. */
long wolf_memory_live(void);

#endif
