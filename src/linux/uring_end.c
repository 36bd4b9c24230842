/* uring_end.c - what becomes of an io_uring port whose ring the kernel refuses to serve.
 *
 * A program may enter its sandbox after it has made a loop, and the sandbox may forbid io_uring's
 * calls (seccomp: EPERM or ENOSYS, as its author liked). Then nothing that is in flight will ever
 * be completed. The ring is closed, which makes the kernel let go of every operation; each of them
 * ends with the error, on the port's owed list; and sockets that are opened from then on are an
 * epoll port's, the heir, whose turns are taken inside of ours. So requests that were under way
 * fail, and the next ones work.
 *
 * The same is done when the kernel has lost a completion (EBADR), for nothing can be trusted then.
 */
#include "linux/uring.h"

#include "base/time.h"
#include "linux/ports.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRY_AGAIN_NS 10000000u

rp_port *rp__uring_heir(uring_port *port)
{
    rp_port *made = atomic_load(&port->heir);
    rp_error error;
    if (made != NULL)
        return made;
    if (rp__epoll_port_ops.create(&made, &port->options, &error) != RP_OK)
        return NULL;
    made->ops = &rp__epoll_port_ops;
    if (port->waitable_made) {
        rp_waitable inner = made->ops->waitable(made);
        if (inner.socket < 0 || !rp__uring_watch(port, (int)inner.socket)) {
            made->ops->destroy(made);
            return NULL;
        }
    }
    atomic_store(&port->heir, made);
    return made;
}

static void owe_all(uring_port *port)
{
    for (rp_link *link = port->sockets.next; link != &port->sockets; link = link->next)
        rp__uring_socket_end(RP_CONTAINER(link, uring_socket, all_link));
}

static void close_ring(uring_port *port)
{
    struct io_uring_sync_cancel_reg cancel = {
        .flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, .timeout = {-1, -1}};
    (void)io_uring_register_sync_cancel(&port->ring, &cancel); /* if that much is allowed */
    if (io_uring_free_buf_ring(&port->ring, port->buffers, port->buffer_count, 0) != 0)
        (void)munmap(port->buffers, port->buffer_count * sizeof(struct io_uring_buf));
    port->buffers = NULL;
    io_uring_queue_exit(&port->ring);
    port->ring_closed = true;
}

rp_io_result rp__uring_heir_open(uring_port *port, uint8_t family, rp_socket **socket)
{
    rp_port *next = rp__uring_heir(port);
    *socket = NULL;
    if (next == NULL)
        return (rp_io_result){RP_E_NO_DESCRIPTORS, EMFILE};
    return next->ops->open(next, family, socket);
}

/* Nothing could wake us, nor would anything: there is no socket but those that have ended. */
static void pause_without_heir(uint64_t wait_ns)
{
    uint64_t pause_ns = wait_ns < TRY_AGAIN_NS ? wait_ns : TRY_AGAIN_NS;
    (void)poll(NULL, 0, (int)rp__time_in_ms(pause_ns));
}

unsigned rp__uring_end_turn(uring_port *port, uint64_t wait_ns)
{
    uint64_t signals;
    if (!port->ring_closed) {
        close_ring(port);
        owe_all(port);
    }
    if (port->waitable_made)
        (void)!read(port->event_fd, &signals, sizeof(signals));
    unsigned found = atomic_exchange(&port->wake_pending, false) ? 1 : 0;
    found += rp__uring_run_owed(port);
    if (found > 0 || !rp__list_empty(&port->owed))
        wait_ns = 0;
    rp_port *next = rp__uring_heir(port);
    if (next == NULL) {
        pause_without_heir(wait_ns);
        return found;
    }
    found += next->ops->turn(next, wait_ns);
    atomic_store(&port->wake_pending, false);
    found += rp__uring_run_owed(port);
    if (!rp__list_empty(&port->owed))
        next->ops->wake(next);
    return found;
}
