/* thread.c - Windows has no signals that could land on a library's thread (see base/thread.h). */
#include "base/thread.h"

void rp_signals_block(rp_signals *saved)
{
    (void)saved;
}

void rp_signals_restore(const rp_signals *saved)
{
    (void)saved;
}
