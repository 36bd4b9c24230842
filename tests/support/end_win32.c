/* end_win32.c - see end.h. */
#include "support/end.h"

#include <stdio.h>

void end_prepare(void)
{
}

void end_wait(void)
{
    while (getchar() != EOF)
        continue;
}
