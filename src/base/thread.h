/* thread.h - good manners when a dependency starts a thread. */
#ifndef RP_BASE_THREAD_H
#define RP_BASE_THREAD_H

#include <stdint.h>

/* A thread inherits the signal mask of the one that starts it. Between these two calls the
 * caller blocks every signal, so that the host program's signals never land on a library's
 * thread. Platform specific: src/linux/thread.c; nothing on Windows. */
typedef struct rp_signals {
    uint64_t private_mask[16];
} rp_signals;
void rp_signals_block(rp_signals *saved);
void rp_signals_restore(const rp_signals *saved);

#endif
