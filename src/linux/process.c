/* process.c - which process this is.
 *
 * A child of fork has copies of its parent's loops, and must not touch what they share with it: see
 * rp__process_mark. The mark stands in a page that the kernel fills with zeros in every child
 * (madvise(2), MADV_WIPEONFORK, Linux 4.14), so asking costs a load from memory, where getpid is a
 * system call; and it is right after clone and vfork, too, for which no handler of pthread_atfork
 * runs. One such handler does for kernels that have no such pages. */
#include "base/platform.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

typedef _Atomic uint64_t process_mark;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static process_mark *_Atomic current;
static process_mark without_page;
static process_mark given; /* here and in the parents */

static void forget(void)
{
    atomic_store(atomic_load(&current), 0);
}

static void make_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, size, MADV_WIPEONFORK) != 0)
        (void)pthread_atfork(NULL, NULL, forget);
    atomic_store_explicit(&current, page == MAP_FAILED ? &without_page : page,
                          memory_order_release);
}

uint64_t rp__process_mark(void)
{
    process_mark *page = atomic_load_explicit(&current, memory_order_acquire);
    uint64_t mark = page == NULL ? 0 : atomic_load_explicit(page, memory_order_relaxed);
    if (mark != 0) /* several times a request */
        return mark;
    (void)pthread_once(&once, make_page);
    page = atomic_load_explicit(&current, memory_order_acquire);
    uint64_t fresh = atomic_fetch_add(&given, 1) + 1;
    return atomic_compare_exchange_strong(page, &mark, fresh) ? fresh : mark;
}
