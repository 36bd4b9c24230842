/* epoll.c - the port contract over readiness.
 *
 * A send is tried in the call that starts it; only what the kernel's buffer can't take waits for
 * EPOLLOUT. Results known inside a starting call wait on a list until the next turn.
 *
 * A receive reads when an edge said that there is something, into one buffer shared by all sockets.
 * A read that fills less than the buffer has emptied the socket, and the kernel reports the next
 * byte, or the last of several that gather (low_water.h), as a new edge: no read is made to be told
 * EAGAIN. (Only TCP's urgent data, which no peer of ours sends, makes a read stop early; what
 * follows then waits for the next segment.)
 *
 * Registrations are tight: a socket is registered for what an operation in flight waits for and for
 * nothing else, so that no event wakes a turn that then finds nothing to do. In the steady state, a
 * receive that stays started and sends that are not blocked, that costs no system call at all.
 * EPOLLOUT above all must not stay: with a send buffer two thirds full every poll of the socket,
 * for input too, arms a wake-up for nobody. Adding or modifying a registration makes the kernel
 * look again at the socket's state; that is how edges which came while nobody was interested are
 * found, and how a socket that has used up its share of a turn gets in line again. */
#include "linux/epoll.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/time.h"
#include "linux/ports.h"
#include "linux/socket.h"
#include "loop/wait.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- system calls: each is made and counted here ---- */

int rp__epoll_ctl(epoll_port *port, int operation, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (!epoll_is_ours(port))
        return -1;
    port->base.stats->system_calls++;
    return epoll_ctl(port->fd, operation, fd, &event);
}

/* struct timespec of the kernel's 64-bit calls, whatever the libc's time_t. */
typedef struct kernel_time {
    int64_t seconds, nanoseconds;
} kernel_time;

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* epoll_wait rounds to milliseconds, up: waking before a timer is due would be for nothing. */
static int sys_epoll_wait_ms(epoll_port *port, uint64_t wait_ns)
{
    int wait_ms = -1;
    if (wait_ns < (uint64_t)INT_MAX * RP_NS_PER_MS)
        wait_ms = (int)rp__time_in_ms(wait_ns);
    else if (wait_ns != RP_WAIT_FOREVER)
        wait_ms = INT_MAX;
    port->base.stats->system_calls++;
    return epoll_wait(port->fd, port->events, EVENTS_PER_WAIT, wait_ms);
}

static int sys_epoll_wait(epoll_port *port, uint64_t wait_ns)
{
    if (wait_ns == 0 || wait_ns == RP_WAIT_FOREVER || port->no_pwait2)
        return sys_epoll_wait_ms(port, wait_ns);
    kernel_time wait = {(int64_t)(wait_ns / RP_NS_PER_S), (int64_t)(wait_ns % RP_NS_PER_S)};
    port->base.stats->system_calls++;
    int count = (int)syscall(SYS_epoll_pwait2, port->fd, port->events, EVENTS_PER_WAIT, &wait, NULL,
                             (size_t)0);
    if (count >= 0 || errno == EINTR)
        return count;
    /* Since Linux 5.11; older container sandboxes answer EPERM for calls that they don't know. */
    port->no_pwait2 = true;
    return sys_epoll_wait_ms(port, wait_ns);
}

void rp__epoll_close_fd(epoll_port *port, int fd)
{
    port->base.stats->system_calls++;
    (void)close(fd);
}

/* ---- waking and the timer of the waitable ---- */

/* The eventfd is edge-triggered and never read: its count only grows. */
static void epoll_wake(rp_port *base)
{
    epoll_port *port = port_of(base);
    if (atomic_exchange_explicit(&port->base.woken, true, memory_order_acq_rel))
        return;
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(port->wake_fd, &one, sizeof(one));
    } while (written < 0 && errno == EINTR);
}

static void epoll_tell_host(rp_base_port *base)
{
    epoll_wake(&base->port);
}

static void epoll_set_timer(rp_base_port *base, uint64_t due_ns)
{
    epoll_port *port = port_of(&base->port);
    if (due_ns == port->timer_due_ns || !epoll_is_ours(port))
        return;
    port->base.stats->system_calls++;
    rp__timer_fd_set(port->timer_fd, due_ns);
    port->timer_due_ns = due_ns;
}

/* A timer of the waitable's clock, watched; *fd stays if it is there. Watched by edge, as the
 * eventfd: setting it anew clears it, so it needs no reading. fd is its mark in events. */
static bool make_timer(epoll_port *port, int *fd)
{
    if (*fd >= 0)
        return true;
    *fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    port->base.stats->system_calls++;
    if (*fd < 0)
        return false;
    if (rp__epoll_ctl(port, EPOLL_CTL_ADD, *fd, EPOLLIN | EPOLLET, fd) == 0)
        return true;
    rp__epoll_close_fd(port, *fd);
    *fd = -1;
    return false;
}

/* It is off now. The loop states its next deadline after each turn. */
static void timer_expired(epoll_port *port)
{
    port->timer_due_ns = RP_WAIT_FOREVER;
    if (rp__wait_is_over(&port->base.port, port->base.deadline_ns))
        port->base.deadline_ns = RP_WAIT_FOREVER;
}

/* ---- turns ---- */

/* Who has bytes is told of them: because the bound has passed, or else all that there is is wanted.
 */
static void cut(epoll_port *port, bool bound)
{
    rp_link begun;
    rp__list_init(&begun);
    rp__list_move(&begun, &port->gathering.begun);
    if (!bound)
        rp__list_move(&begun, &port->gathering.resting);
    for (rp_link *link; (link = rp__list_take(&begun)) != NULL;) {
        epoll_socket *socket = RP_CONTAINER(link, epoll_socket, low.link);
        rp_loop_stats *stats = port->base.stats;
        if (!rp__base_undecided(&socket->base, RP_OP_RECEIVE))
            continue;
        if (port->base.hosted || rp__low_water_is_quiet(&socket->low))
            rp__low_water_set(&socket->low, socket->fd, 1, stats);
        if (socket->low.bytes == 1)
            continue;
        rp__list_append(&port->gathering.begun, link);
        if (rp__low_water_holds(&socket->low, socket->fd, bound, stats))
            rp__epoll_note_events(socket, EPOLLIN);
    }
}

static void set_bound(epoll_port *port)
{
    if (port->gathering.bound_set)
        return;
    rp__bound_begins(&port->gathering, &port->base.port);
    port->base.stats->system_calls++;
    rp__timer_fd_set(port->bound_fd, port->gathering.bound_due_ns);
}

/* Has the answers gather that are awaited on the sockets that have received something. True: of
 * others there is something to tell, because the bound passed while nobody waited. */
static bool let_gather(epoll_port *port)
{
    if (rp__bound_is_over(&port->gathering, &port->base.port)) {
        cut(port, true);
        port->gathering.bound_set = false;
    }
    for (rp_link *link; (link = rp__list_take(&port->gathering.resting)) != NULL;) {
        epoll_socket *socket = RP_CONTAINER(link, epoll_socket, low.link);
        uint32_t low_water = 1;
        if (!rp__base_undecided(&socket->base, RP_OP_RECEIVE))
            continue;
        if (make_timer(port, &port->bound_fd))
            low_water =
                rp__low_water_suits(&socket->low, &port->gathering, socket->base.socket.awaited);
        rp__low_water_set(&socket->low, socket->fd, low_water, port->base.stats);
        if (socket->low.bytes > 1)
            rp__list_append(&port->gathering.begun, link);
    }
    if (!rp__list_empty(&port->gathering.begun))
        set_bound(port);
    return !rp__list_empty(&port->base.ready);
}

/* Callbacks run after all of the batch was noted: none of its pointers can go stale. */
static unsigned note_batch(epoll_port *port, int count, bool *over)
{
    unsigned found = 0;
    *over = count > 0;
    for (int i = 0; i < count; i++) {
        void *data = port->events[i].data.ptr;
        if (data == &port->timer_fd)
            timer_expired(port);
        else if (data == &port->bound_fd) {
            port->gathering.bound_set = false;
            cut(port, true);
            *over = count > 1;
        } else if (data == &port->wake_fd)
            found += rp__base_see_wake(&port->base);
        else
            rp__epoll_note_events(data, port->events[i].events);
    }
    return found;
}

static int wait_for_events(epoll_port *port, uint64_t end_ns)
{
    uint64_t wait_ns = rp__wait_left(&port->base.port, end_ns);
    if (wait_ns > 0 && !port->base.hosted && let_gather(port))
        wait_ns = 0;
    int count = sys_epoll_wait(port, wait_ns);
    RP_ASSERT(count >= 0 || errno == EINTR);
    if (count < 0) /* a signal, which may have taken its time: what came meanwhile comes first */
        count = sys_epoll_wait(port, 0);
    return count;
}

/* It goes on only where a signal ended it, or the clock of the kernel is ahead of ours. */
static unsigned epoll_wait_step(rp_base_port *base, uint64_t end_ns, bool *over)
{
    epoll_port *port = port_of(&base->port);
    int count = wait_for_events(port, end_ns);
    port->full = count == EVENTS_PER_WAIT;
    return note_batch(port, count, over);
}

static unsigned epoll_turn(rp_port *base, uint64_t wait_ns)
{
    epoll_port *port = port_of(base);
    if (wait_ns == 0 && epoll_is_ours(port))
        cut(port, false);
    unsigned found = rp__base_turn(&port->base, wait_ns);
    rp__gathering_note(&port->gathering, base);
    rp__base_update_timer(&port->base);
    /* A full batch may have left events behind: a host that watches by edge is not told of them. */
    if (!rp__list_empty(&port->base.ready) || port->full)
        rp__base_tell_host(&port->base);
    return found;
}

/* ---- the port ---- */

static uint64_t epoll_now(rp_port *base)
{
    (void)base;
    return rp__monotonic_ns();
}

static void epoll_random(rp_port *base, void *bytes, size_t size)
{
    port_of(base)->base.stats->system_calls++;
    rp__random_bytes(bytes, size);
}

static rp_waitable epoll_waitable(rp_port *base)
{
    epoll_port *port = port_of(base);
    if (port->timer_fd >= 0)
        return (rp_waitable){port->fd, NULL};
    if (!make_timer(port, &port->timer_fd))
        return (rp_waitable){-1, NULL};
    rp__base_host(&port->base);
    if (port->gathering.bound_set) /* its passing would call the host for nothing */
        rp__timer_fd_set(port->bound_fd, RP_WAIT_FOREVER);
    cut(port, false);
    return (rp_waitable){port->fd, NULL};
}

static void close_descriptors(epoll_port *port)
{
    if (port->timer_fd >= 0)
        rp__epoll_close_fd(port, port->timer_fd);
    if (port->bound_fd >= 0)
        rp__epoll_close_fd(port, port->bound_fd);
    if (port->wake_fd >= 0)
        rp__epoll_close_fd(port, port->wake_fd);
    if (port->fd >= 0)
        rp__epoll_close_fd(port, port->fd);
}

static void epoll_destroy(rp_port *base)
{
    epoll_port *port = port_of(base);
    close_descriptors(port);
    rp__base_free(&port->base);
}

static void epoll_abandon(rp_port *base)
{
    epoll_port *port = port_of(base);
    rp_link *sockets = &port->base.sockets;
    for (rp_link *link = sockets->next; link != sockets; link = link->next) {
        epoll_socket *socket = RP_CONTAINER(link, epoll_socket, base.all_link);
        if (socket->fd >= 0)
            rp__epoll_close_fd(port, socket->fd);
        socket->fd = -1;
    }
    close_descriptors(port);
}

static const rp_base_steps epoll_steps = {
    .socket_bytes = sizeof(epoll_socket),
    .host_share = UINT_MAX,
    .wait = epoll_wait_step,
    .run = rp__epoll_run_socket,
    .tell_host = epoll_tell_host,
    .set_timer = epoll_set_timer,
};

/* Returns the errno, 0 if it went well. */
static int open_descriptors(epoll_port *port)
{
    port->base.stats->system_calls += 2;
    port->fd = epoll_create1(EPOLL_CLOEXEC);
    if (port->fd < 0)
        return errno;
    port->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (port->wake_fd < 0)
        return errno;
    if (rp__epoll_ctl(port, EPOLL_CTL_ADD, port->wake_fd, EPOLLIN | EPOLLET, &port->wake_fd) != 0)
        return errno;
    return 0;
}

static rp_status epoll_create_port(rp_port **out, const rp_port_options *options, rp_error *error)
{
    *out = NULL;
    epoll_port *port = rp__base_create(options, &rp__epoll_port_ops, &epoll_steps, sizeof(*port));
    if (port == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    port->fd = port->wake_fd = port->timer_fd = port->bound_fd = -1;
    port->timer_due_ns = RP_WAIT_FOREVER;
    rp__gathering_init(&port->gathering, options->coalesce_limit_us);
    int os_code = open_descriptors(port);
    if (os_code == 0) {
        *out = &port->base.port;
        return RP_OK;
    }
    close_descriptors(port);
    rp__base_free(&port->base);
    rp_status status = RP_E_UNSUPPORTED;
    if (os_code == EMFILE || os_code == ENFILE)
        status = RP_E_NO_DESCRIPTORS;
    else if (os_code == ENOMEM)
        status = RP_E_NO_MEMORY;
    (void)rp__error_set(error, status, RP_PHASE_NONE, "%s", rp__os_error_text(os_code));
    if (error != NULL)
        error->os_code = os_code;
    return status;
}

const rp_port_ops rp__epoll_port_ops = {
    .name = "epoll",
    .create = epoll_create_port,
    .destroy = epoll_destroy,
    .abandon = epoll_abandon,
    .now = epoll_now,
    .random = epoll_random,
    .open = rp__epoll_open,
    .listen = rp__epoll_listen,
    .bind = rp__epoll_bind,
    .connect = rp__epoll_connect,
    .accept = rp__epoll_accept,
    .receive = rp__epoll_receive,
    .send = rp__epoll_send,
    .keepalive = rp__epoll_keepalive,
    .confirmed = rp__epoll_confirmed,
    .numbers = rp__epoll_numbers,
    .local = rp__epoll_local,
    .shutdown_send = rp__epoll_shutdown_send,
    .reset_on_close = rp__epoll_reset_on_close,
    .cancel = rp__epoll_cancel,
    .close = rp__epoll_close,
    .turn = epoll_turn,
    .wake = epoll_wake,
    .waitable = epoll_waitable,
    .waitable_deadline = rp__base_waitable_deadline,
};
