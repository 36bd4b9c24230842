/* uring_probe.c - whether a file leaves the ring's table of direct descriptors when it is told to.
 *
 * Before Linux 6.13 it does not while an older request on any file of the table is under way. A
 * receive on an idle connection is one for as long as that lives: until then every connection that
 * was closed since would stay open, without a FIN. There the sockets use plain descriptors.
 * Distributions' kernels have other people's changes in them, so this is tried out, and no version
 * is asked. */
#include "linux/uring.h"

#include <fcntl.h>
#include <poll.h>
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
bool rp_uring_releases_files(void)
{
    enum { UNKNOWN, RELEASES, KEEPS };
    static atomic_int known = UNKNOWN;
    if (atomic_load(&known) == UNKNOWN) {
        bool tried, good = try_out(&tried);
        if (!tried) /* out of descriptors or memory: the next loop may have more */
            return false;
        atomic_store(&known, good ? RELEASES : KEEPS);
    }
    return atomic_load(&known) == RELEASES;
}
