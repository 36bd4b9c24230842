/* thread.h - threads, conditions, and good manners when a dependency starts one. */
#ifndef RP_BASE_THREAD_H
#define RP_BASE_THREAD_H

#include "base/mutex.h"

#include <stdbool.h>
#include <stdint.h>

/* A thread inherits the signal mask of the one that starts it. Between these two calls the
 * caller blocks every signal, so that the host program's signals never land on a library's
 * thread. Platform specific: src/linux/thread.c; nothing on Windows. */
typedef struct rp_signals {
    uint64_t private_mask[16];
} rp_signals;
void rp__signals_block(rp_signals *saved);
void rp__signals_restore(const rp_signals *saved);

/* A thread that runs run(argument), with every signal blocked. Memory of the caller, not moved
 * before it is joined; each that was started must be. False: the system gives no more threads. */
typedef struct rp_thread {
    void (*run)(void *argument);
    void *argument;
    uint64_t private_handle[2];
} rp_thread;
bool rp__thread_start(rp_thread *thread, void (*run)(void *argument), void *argument);
void rp__thread_join(rp_thread *thread);

/* Whether it is the calling thread. */
bool rp__thread_is_self(const rp_thread *thread);
/* For that alone: the calling thread, whoever started it. */
void rp__thread_note_self(rp_thread *thread);

/* The processors that this process may use, at least 1; and the calling thread bound to one of
 * them, numbered from 0. If the system does not allow it, the thread stays as it is. */
uint32_t rp__processor_count(void);
void rp__thread_pin(uint32_t processor);

/* For a thread that waits until another one has changed what a mutex guards. It may wake without a
 * cause. Memory of the caller, not moved. */
typedef struct rp_condition {
    uint64_t private_state[8];
} rp_condition;
void rp__condition_init(rp_condition *condition);
void rp__condition_destroy(rp_condition *condition);
/* All who wait. */
void rp__condition_wake(rp_condition *condition);
/* Gives the mutex up meanwhile. False: nobody woke it in that time. UINT64_MAX: without end. */
bool rp__condition_wait(rp_condition *condition, rp_mutex *mutex, uint64_t ms);

#endif
