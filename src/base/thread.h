/* thread.h - threads, and good manners when a dependency starts one. */
#ifndef RP_BASE_THREAD_H
#define RP_BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* A thread inherits the signal mask of the one that starts it. Between these two calls the
 * caller blocks every signal, so that the host program's signals never land on a library's
 * thread. Platform specific: src/linux/thread.c; nothing on Windows. */
typedef struct rp_signals {
    uint64_t private_mask[16];
} rp_signals;
void rp_signals_block(rp_signals *saved);
void rp_signals_restore(const rp_signals *saved);

/* A thread that runs run(argument), with every signal blocked. Memory of the caller, not moved
 * before it is joined; each that was started must be. False: the system gives no more threads. */
typedef struct rp_thread {
    void (*run)(void *argument);
    void *argument;
    uint64_t private_handle[2];
} rp_thread;
bool rp_thread_start(rp_thread *thread, void (*run)(void *argument), void *argument);
void rp_thread_join(rp_thread *thread);

#endif
