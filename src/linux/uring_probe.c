/* uring_probe.c - what the kernel really does. Distributions' kernels have other people's changes
 * in them, so it is tried out, and no version is asked.
 *
 * Does a file leave the table of direct descriptors when it is told to? Before Linux 6.13 it does
 * not while an older request on any file of the table is under way. A receive on an idle connection
 * is one for as long as that lives: until then every connection that was closed since would stay
 * open, without a FIN. There the sockets use plain descriptors.
 *
 * Does an eventfd tell of work that is deferred (IORING_SETUP_DEFER_TASKRUN)? Debian 13's 6.12.118
 * tells of the first and of no other: a host would not be called. There the ring's work is not
 * deferred. */
#include "linux/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { OLDER, CLOSED, FILES };

static bool older_request_is_pending(struct io_uring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    if (sqe == NULL)
        return false;
    io_uring_prep_poll_add(sqe, OLDER, POLLIN);
    sqe->flags |= IOSQE_FIXED_FILE;
    return io_uring_submit(ring) == 1 && io_uring_cq_ready(ring) == 0;
}

/* Does the reader of a pipe see the end, when its writer left the table and was closed behind that
 * request? (Pipes: a sandbox that lets a loop be made allows them.) */
static bool released(struct io_uring *ring, int pipes[FILES][2])
{
    int none = -1, table[FILES] = {pipes[OLDER][0], pipes[CLOSED][1]};
    char byte;
    if (io_uring_register_files(ring, table, FILES) != 0 || !older_request_is_pending(ring) ||
        io_uring_register_files_update(ring, CLOSED, &none, 1) != 1)
        return false;
    (void)close(pipes[CLOSED][1]);
    pipes[CLOSED][1] = -1;
    return read(pipes[CLOSED][0], &byte, 1) == 0;
}

static bool try_out(bool *tried)
{
    int pipes[FILES][2] = {{-1, -1}, {-1, -1}};
    struct io_uring ring;
    *tried = io_uring_queue_init(2, &ring, 0) == 0;
    if (!*tried)
        return false;
    for (int i = 0; i < FILES; i++)
        *tried = *tried && pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK) == 0;
    bool good = *tried && released(&ring, pipes);
    io_uring_queue_exit(&ring);
    for (int i = 0; i < FILES; i++) {
        for (int end = 0; end < 2; end++) {
            if (pipes[i][end] >= 0)
                (void)close(pipes[i][end]);
        }
    }
    return good;
}

/* Once a process; two threads that ask at once find the same. */
static bool known(atomic_int *answer, bool (*try_it)(bool *tried))
{
    enum { UNKNOWN, YES, NO };
    if (atomic_load(answer) == UNKNOWN) {
        bool tried, yes = try_it(&tried);
        if (!tried) /* out of descriptors or memory: the next loop may have more */
            return false;
        atomic_store(answer, yes ? YES : NO);
    }
    return atomic_load(answer) == YES;
}

bool rp__uring_releases_files(void)
{
    static atomic_int answer;
    return known(&answer, try_out);
}

/* ---- an eventfd and deferred work ---- */

/* A read of a pipe is armed, and a byte comes: the eventfd must say so before the ring is entered,
 * the second time as well. */
static bool signals_twice(struct io_uring *ring, int signal, const int ends[2])
{
    char byte;
    uint64_t value;
    for (int i = 0; i < 2; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
        if (sqe == NULL)
            return false;
        io_uring_prep_read(sqe, ends[0], &byte, 1, 0);
        if (io_uring_submit(ring) != 1 || write(ends[1], "", 1) != 1 ||
            read(signal, &value, sizeof(value)) != sizeof(value))
            return false;
        (void)io_uring_submit_and_get_events(ring);
        io_uring_cq_advance(ring, io_uring_cq_ready(ring));
        (void)!read(signal, &value, sizeof(value));
    }
    return true;
}

static bool try_signals(bool *tried)
{
    struct io_uring ring;
    int ends[2] = {-1, -1}, signal = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool good = true; /* a kernel before 6.1 knows nothing of it, and is refused as ever */
    *tried = pipe2(ends, O_CLOEXEC) == 0 && signal >= 0;
    int made = *tried ? io_uring_queue_init(2, &ring,
                                            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)
                      : -1;
    *tried = *tried && made != -EMFILE && made != -ENFILE && made != -ENOMEM;
    if (made == 0) {
        good = io_uring_register_eventfd(&ring, signal) == 0 && signals_twice(&ring, signal, ends);
        io_uring_queue_exit(&ring);
    }
    const int descriptors[] = {ends[0], ends[1], signal};
    for (size_t i = 0; i < 3; i++) {
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
    }
    return good;
}

bool rp__uring_signals_deferred(void)
{
    static atomic_int answer;
    return known(&answer, try_signals);
}
