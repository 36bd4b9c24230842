/* uring.c - the io_uring port: the ring, waiting and waking. Operations are in uring_socket.c.
 *
 * One io_uring_enter(2) a turn submits what the last callbacks started and waits. What makes it
 * cheap, in the order of what it saves: waiting for several completions at once when many are
 * expected (see wait_count), quiet sends, DEFER_TASKRUN with SINGLE_ISSUER, direct descriptors, the
 * registered ring descriptor. SQPOLL, zero-copy sends and bundles cost more than they save for
 * short requests.
 *
 * Kernel 6.1 is the least: multishot receive and SINGLE_ISSUER (6.0), DEFER_TASKRUN (6.1). Later
 * ones are used where present: no submission array (6.6), incremental buffers (6.12), direct
 * descriptors (6.13). None is found by the version: a flag that the kernel does not know is
 * refused, each completion says whether its buffer goes on, and how direct descriptors end, and
 * whether deferred work is told of, is tried out (uring_probe.c).
 *
 * Whoever decides not to be woken for something must know what will wake him instead. These are all
 * the places where this port does, and why none of them can sleep for ever on a loop with nothing
 * else in it:
 *
 * Quiet sends (IOSQE_CQE_SKIP_SUCCESS). Nobody waits for one, until it is cancelled or its socket
 * closed. From then until its final completion it is counted in quiet_cancelled, and no turn waits
 * while that is not 0: not a flag that one turn clears, for the send may be started after that turn
 * has submitted. A send that fails, or would block, posts a completion. In a host's loop
 * acknowledge() submits and settles them before the turn ends.
 *
 * Cancels. Their success is silent because the operation that they end posts its own completion; if
 * they find nothing, it has posted it already. One that the queue has no room for is a shutdown of
 * the socket, which ends every operation.
 *
 * Waits for several completions. Only for so long as coalesce_limit_us; what follows in the same
 * turn waits for one.
 *
 * Receives that wait for more than a byte (low_water.h). Only with the bound set, a timeout whose
 * completion wakes as any other does, or else for so long. Turns that do not wait, and a host's,
 * tell what has gathered.
 *
 * Receives that rest: every turn begins them before it enters the ring.
 *
 * wake() while another is pending. That one's byte has not been read off, or it has, and then the
 * flag is taken back before the loop looks at what it was woken for. The read is armed anew first.
 *
 * Starts from inside a turn do not touch() the waitable: acknowledge() looks for what they left in
 * the submission queue or owe; what a loop's timers and deferred calls start runs after the port's
 * turn, and touches.
 *
 * Listening sockets that starve have no accept in the kernel: every wait, and the waitable's timer,
 * ends by starved_until_ns. What a callback frees sets that to 0 inside of a turn.
 *
 * What the kernel did not take. A turn tries again after SUBMIT_AGAIN_NS; a host's, by the
 * waitable's timer (submit_again).
 *
 * A host's turn that ends after its share: call_again() writes what the turn has read off. */
#include "linux/uring.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/time.h"
#include "linux/ports.h"
#include "linux/socket.h"
#include "linux/valgrind.h"
#include "loop/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SUBMISSIONS 512
#define COMPLETIONS 8192
#define SLOTS_MOST 32768
#define RECEIVE_MEMORY_DEFAULT ((size_t)2 << 20)
#define BUFFER_BYTES_WHOLE ((size_t)16 << 10)
#define BUFFER_BYTES_INCREMENTAL ((size_t)256 << 10)
#define BATCH 64
#define HOST_SHARE 64
/* After which a submission is tried again that the kernel did not take for want of memory. */
#define SUBMIT_AGAIN_NS 10000000u
/* Below 16 in flight waiting costs latency and saves nothing; beyond 64 at a time the client and
 * its servers would take turns instead of working side by side. */
#define WAIT_COUNT_LEAST 8
#define WAIT_COUNT_MOST 64
/* A turn that receives so much has large bodies under way: more will have come in a moment. */
#define BULK_BYTES ((size_t)48 * 1024)

/* ---- submitting ---- */

/* EAGAIN, EBUSY, ENOMEM: it may take it later. */
static bool may_recover(int result)
{
    return result >= 0 || result == -EAGAIN || result == -EBUSY || result == -ENOMEM ||
           result == -EINTR || result == -ETIME;
}

static void note_refusal(uring_port *port, int result)
{
    if (!may_recover(result))
        port->refused = -result;
}

static void enable(uring_port *port)
{
    if (port->enabled)
        return;
    port->enabled = true;
    note_refusal(port, io_uring_enable_rings(&port->ring));
    /* Saves the look-up of the ring's descriptor in each call. Only a gain, never needed. */
    (void)io_uring_register_ring_fd(&port->ring);
    port->stats->system_calls += 2;
}

static void submitted(uring_port *port)
{
    if (io_uring_sq_ready(&port->ring) == 0)
        rp__list_move(&port->settling, &port->tried);
}

bool rp__uring_submit(uring_port *port)
{
    if (!uring_is_ours(port))
        return false;
    enable(port);
    if (port->refused != 0)
        return false;
    port->stats->system_calls++;
    int result = io_uring_submit(&port->ring);
    note_refusal(port, result);
    submitted(port);
    return result >= 0;
}

struct io_uring_sqe *rp__uring_sqe(uring_port *port)
{
    if (!uring_is_ours(port) || port->refused != 0)
        return NULL;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&port->ring);
    if (sqe == NULL && rp__uring_submit(port))
        sqe = io_uring_get_sqe(&port->ring);
    return sqe;
}

/* With a waitable what was started makes it readable, and the host's next turn submits it. */
static void uring_submit(rp_port *base)
{
    uring_port *port = port_of(base);
    if (port->refused == 0 && !port->waitable_made && io_uring_sq_ready(&port->ring) > 0)
        (void)rp__uring_submit(port);
}

/* ---- waking ---- */

/* A pipe and not an eventfd: the ring's read of it is seen by the waitable's eventfd, and the
 * kernel does not signal one eventfd from inside the signalling of another
 * (eventfd_signal_allowed), but late and only once. */
static void uring_wake(rp_port *base)
{
    uring_port *port = port_of(base);
    char byte = 0;
    if (atomic_exchange(&port->wake_pending, true))
        return;
    rp_port *heir = atomic_load(&port->heir);
    if (heir != NULL) {
        heir->ops->wake(heir);
        return;
    }
    ssize_t written;
    do {
        written = write(port->wake_write_fd, &byte, 1);
    } while (written < 0 && errno == EINTR);
    RP_ASSERT(written == 1);
}

/* The host gets its turn, though there is more to do. What is in the queue already does not signal
 * again: so this does. */
static void call_again(uring_port *port)
{
    uint64_t one = 1;
    port->stats->system_calls++;
    ssize_t written = write(port->event_fd, &one, sizeof(one));
    RP_ASSERT(written == sizeof(one));
}

void rp__uring_touch(uring_port *port)
{
    if (port->in_turn)
        return;
    if (port->waitable_made && port->refused != 0)
        call_again(port);
    else if (port->waitable_made || atomic_load(&port->heir) != NULL)
        uring_wake(&port->base);
}

/* If the kernel takes nothing now, the next turn tries again. */
static void arm_wake(uring_port *port)
{
    struct io_uring_sqe *sqe = port->wake_armed ? NULL : rp__uring_sqe(port);
    if (sqe == NULL)
        return;
    port->wake_armed = true;
    io_uring_prep_read(sqe, port->wake_fd, &port->wake_byte, 1, 0);
    io_uring_sqe_set_data64(sqe, uring_tag(port, TAG_WAKE));
}

/* ---- completions ---- */

/* Returns 1 if the completion was somebody's, 0 if it was only the port's own. */
static unsigned completion(uring_port *port, const struct io_uring_cqe *cqe)
{
    uint64_t data = cqe->user_data;
    unsigned tag = (unsigned)(data & TAG_MASK);
    void *pointer = (void *)(uintptr_t)(data & ~(uint64_t)TAG_MASK);
    if (data == 0)
        return 0; /* a cancel that came too late */
    if (tag == TAG_BOUND) {
        port->gathering.bound_set = false;
        if (!port->bound_seen)
            rp__uring_cut(port, true);
        port->bound_seen = false;
        return port->waitable_made; /* the host was called for it */
    }
    if (tag == TAG_WAKE) {
        port->wake_armed = false;
        arm_wake(port);
        atomic_store(&port->wake_pending, false);
        return 1;
    }
    rp__uring_socket_completion(port, pointer, tag, cqe);
    return 1;
}

/* A host has sockets of its own: after its share of completions the loop lets go of the thread, and
 * has itself called again. */
static unsigned share(const uring_port *port)
{
    return port->waitable_made ? HOST_SHARE : UINT_MAX;
}

/* A quiet send that was submitted is done, if no completion in the queue says otherwise. Looked at
 * before the completions are: what the peer has answered is told after what it answers. */
static unsigned settle(uring_port *port)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    bool overflowed = (IO_URING_READ_ONCE(*port->ring.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
    if (rp__list_empty(&port->settling) || overflowed)
        return 0;
    io_uring_for_each_cqe(&port->ring, head, cqe)
    {
        uint64_t data = cqe->user_data;
        if ((data & TAG_MASK) == TAG_SEND)
            rp__uring_unsettle((uring_socket *)(uintptr_t)(data & ~(uint64_t)TAG_MASK));
    }
    return rp__uring_settle(port);
}

static unsigned drain(uring_port *port)
{
    unsigned found = 0, seen = 0;
    struct io_uring_cqe *cqes[BATCH];
    while (uring_is_ours(port) && seen < share(port)) {
        found += settle(port);
        if (!uring_is_ours(port))
            break;
        unsigned count = io_uring_peek_batch_cqe(&port->ring, cqes, BATCH);
        if (count == 0)
            break;
        for (unsigned i = 0; i < count; i++) {
            struct io_uring_cqe cqe = *cqes[i];
            found += completion(port, &cqe);
            if (!uring_is_ours(port)) /* forked in the callback: the ring is not here any more */
                return found;
        }
        io_uring_cq_advance(&port->ring, count);
        seen += count;
    }
    found += rp__uring_run_owed(port);
    return found;
}

/* Few answers are outstanding, but large bodies are under way. */
static bool is_bulk(const uring_port *port)
{
    return port->awaiting / 2 < WAIT_COUNT_LEAST && port->recent_bytes >= BULK_BYTES;
}

/* Of the sockets whose answers gather: each completion of theirs brings many. */
static unsigned half_of_gathering(const uring_port *port)
{
    unsigned count = 0;
    const rp_link *begun = &port->gathering.begun;
    for (const rp_link *link = begun->next; link != begun && count < 2 * WAIT_COUNT_MOST;
         link = link->next)
        count++;
    return count / 2;
}

/* How many completions a wait is for. A loop with many answers outstanding gains most by waking
 * less often: half of those outstanding, and at most what should come soon (so that a thousand slow
 * peers do not delay a quick one). Where each completion brings many, so many are under way that
 * half of these may take longer. A few large bodies are waited for as well. */
static unsigned wait_count(const uring_port *port)
{
    unsigned count = port->awaiting / 2;
    unsigned soon = rp__pace_within(&port->pace, port->gathering.limit_us / RP_GATHER_SHARE);
    if (port->gathering.limit_us == 0)
        return 1;
    if (is_bulk(port))
        count = WAIT_COUNT_MOST;
    else if (count < WAIT_COUNT_LEAST)
        return 1;
    if (count > soon) {
        unsigned gathering = half_of_gathering(port);
        unsigned most = soon > gathering ? soon : gathering;
        count = count < most ? count : most;
    }
    if (count < RP_GATHER_ANSWERS_LEAST)
        return 1;
    return count < WAIT_COUNT_MOST ? count : WAIT_COUNT_MOST;
}

static struct __kernel_timespec kernel_time(uint64_t ns)
{
    return (struct __kernel_timespec){.tv_sec = (long long)(ns / RP_NS_PER_S),
                                      .tv_nsec = (long long)(ns % RP_NS_PER_S)};
}

static bool has_waited(int result)
{
    return result >= 0 || result == -ETIME || result == -EINTR;
}

/* See low_water.h. False: the kernel does not take it now. */
static bool set_bound(uring_port *port)
{
    rp_gathering *gathering = &port->gathering;
    struct io_uring_sqe *sqe = gathering->bound_set ? NULL : rp__uring_sqe(port);
    if (sqe != NULL) {
        rp__bound_begins(gathering, &port->base);
        port->bound = kernel_time((uint64_t)gathering->limit_us * 1000);
        io_uring_prep_timeout(sqe, &port->bound, 0, 0);
        io_uring_sqe_set_data64(sqe, uring_tag(port, TAG_BOUND));
    }
    return gathering->bound_set;
}

/* Waits until something comes; gathers: or several completions, if many are expected. Such a wait
 * has an end of its own, mostly behind the bound, so that the processor's timer is not set for it.
 * It may not count on the bound: if that has passed before, its completion is one of the several.
 */
static int wait_for_completions(uring_port *port, uint64_t wait_ns, bool gathers)
{
    struct io_uring_cqe *cqe;
    uint64_t limit_ns = (uint64_t)port->gathering.limit_us * 1000;
    unsigned count = gathers ? wait_count(port) : 1;
    bool bounded = (count == 1 && rp__list_empty(&port->gathering.begun)) || set_bound(port);
    if (count > 1 && rp__monotonic_ns() + limit_ns / 16 > port->gathering.bound_due_ns)
        count = 1; /* the bound is near, or has passed */
    if (count > 1 && is_bulk(port))
        limit_ns /= 4;
    if ((count > 1 || !bounded) && wait_ns > limit_ns)
        wait_ns = limit_ns;
    struct __kernel_timespec time = kernel_time(wait_ns);
    int result = io_uring_submit_and_wait_timeout(&port->ring, &cqe, count,
                                                  wait_ns == RP_WAIT_FOREVER ? NULL : &time, NULL);
    if (!bounded)
        rp__uring_cut(port, true);
    return result;
}

/* The kernel took nothing, for want of memory, and so did not wait either. Trying again at once
 * would be a busy wait: what is under way may end first. */
static void wait_unsubmitted(uring_port *port, uint64_t wait_ns)
{
    struct io_uring_cqe *cqe;
    uint64_t pause_ns = wait_ns < SUBMIT_AGAIN_NS ? wait_ns : SUBMIT_AGAIN_NS;
    struct __kernel_timespec time = {.tv_nsec = (long long)pause_ns};
    port->stats->system_calls++;
    (void)io_uring_wait_cqe_timeout(&port->ring, &cqe, &time);
}

/* False: the kernel took nothing and did not wait.
 *
 * Valgrind runs one thread at a time, and does not know that io_uring_enter(2) may block: a wait in
 * it would be the other threads' as well. There a wait is many short ones, until turn() finds what
 * it waits for. */
static bool enter(uring_port *port, uint64_t wait_ns, bool gathers)
{
    int result;
    if (!uring_is_ours(port))
        return true;
    enable(port);
    arm_wake(port);
    if (port->refused != 0)
        return false;
    port->stats->system_calls++;
    if (wait_ns == 0) {
        result = io_uring_submit_and_get_events(&port->ring);
    } else if (port->on_valgrind) {
        result = io_uring_submit_and_get_events(&port->ring);
        if (result >= 0 && io_uring_cq_ready(&port->ring) == 0)
            (void)poll(NULL, 0, 1);
    } else {
        result = wait_for_completions(port, wait_ns, gathers);
    }
    note_refusal(port, result);
    submitted(port);
    return has_waited(result);
}

static bool owes(const uring_port *port)
{
    return port->quiet_cancelled > 0 || !rp__list_empty(&port->owed);
}

/* The wait, shortened by the time at which starved listening sockets try again. */
static uint64_t starved_wait(uring_port *port, uint64_t wait_ns)
{
    if (rp__list_empty(&port->starved))
        return wait_ns;
    uint64_t left_ns = rp__wait_left(&port->base, port->starved_until_ns);
    return left_ns < wait_ns ? left_ns : wait_ns;
}

/* Is there a completion that is somebody's? Takes those off that are not. */
static bool holds_completion(uring_port *port)
{
    struct io_uring_cqe *cqe;
    while (io_uring_cq_ready(&port->ring) > 0 && io_uring_peek_cqe(&port->ring, &cqe) == 0) {
        if (cqe->user_data != 0)
            return true;
        io_uring_cqe_seen(&port->ring, cqe);
    }
    return false;
}

/* Reads off the waitable's notifications. What comes between the last look at the queue and the
 * reading would lose its notification: so the loop looks once more. Work of the kernel that leads
 * to no completion (a shutdown wakes the socket's receive, say) is run off here, or the host would
 * be called for nothing. True if there is something to find.
 *
 * The kernel's flag alone does not mean that there is work: it sets the flag after it has queued
 * the work, which may be done by then, and the flag stays. But it notifies after that. So what was
 * not notified since the ring was entered either was done there, or will be notified yet. */
static bool acknowledge(uring_port *port)
{
    for (bool entered = false;; entered = true) {
        uint64_t value;
        arm_wake(port);
        if (port->refused != 0)
            return false;
        if (io_uring_sq_ready(&port->ring) > 0)
            (void)rp__uring_submit(port);
        port->stats->system_calls++;
        bool notified = read(port->event_fd, &value, sizeof(value)) >= 0;
        RP_ASSERT(notified || errno == EAGAIN);
        unsigned flags = IO_URING_READ_ONCE(*port->ring.sq.kflags);
        if (holds_completion(port) || !rp__list_empty(&port->settling) ||
            !rp__list_empty(&port->owed))
            return true;
        if ((flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0 || (entered && !notified))
            return false;
        (void)enter(port, 0, false);
    }
}

static bool kernel_waits(const uring_port *port)
{
    return (IO_URING_READ_ONCE(*port->ring.sq.kflags) & IORING_SQ_TASKRUN) != 0;
}

static unsigned ring_turn(uring_port *port, uint64_t wait_ns)
{
    /* With DEFER_TASKRUN the kernel's part of an operation is run by our thread, and the waitable
     * asks for it whether it will end in a completion or not: a peer's acknowledgement of our FIN
     * wakes the receive, for one, and leads to none. A wait does such work without ending; a host
     * has to give its turn for it, so there it counts as found. */
    bool kernel_work = port->waitable_made && (kernel_waits(port) || port->submit_again);
    uint64_t deadline = rp__wait_end(&port->base, wait_ns);
    uint64_t received_before = port->stats->bytes_received;
    unsigned found = rp__uring_run_owed(port);
    bool gathers = wait_ns != 0 && !port->on_valgrind && !port->waitable_made;
    if (!gathers && uring_is_ours(port)) {
        rp__uring_cut(port, false);
    } else if (!port->bound_seen && rp__bound_is_over(&port->gathering, &port->base)) {
        rp__uring_cut(port, true); /* not those that begin now */
        port->bound_seen = true;
    }
    rp__uring_end_rest(port, gathers);
    for (;; gathers = false) {
        bool sleeps = found == 0 && !owes(port);
        bool taken = enter(port, sleeps ? starved_wait(port, wait_ns) : 0, gathers);
        if (!taken && port->refused == 0 && found == 0 && wait_ns != 0)
            wait_unsubmitted(port, wait_ns);
        rp__uring_retry_starved(port);
        found += drain(port);
        if (found > 0 || wait_ns == 0 || port->refused != 0)
            break;
        /* Only the port's own completions: the wait is not over. */
        wait_ns = rp__wait_left(&port->base, deadline);
        if (wait_ns == 0)
            break;
    }
    rp__gathering_note(&port->gathering, &port->base);
    size_t received = (size_t)(port->stats->bytes_received - received_before);
    port->recent_bytes = (port->recent_bytes * 3 + received) / 4;
    if (found > 0)
        rp__pace_note(&port->pace, rp__monotonic_ns(), found);
    while (port->waitable_made && uring_is_ours(port) && acknowledge(port)) {
        if (found >= share(port)) {
            call_again(port);
            break;
        }
        (void)enter(port, 0, false);
        found += drain(port);
    }
    return found == 0 && kernel_work ? 1 : found;
}

static unsigned uring_turn(rp_port *base, uint64_t wait_ns)
{
    uring_port *port = port_of(base);
    unsigned found = 0;
    port->in_turn = true;
    uint64_t deadline_ns = rp__wait_end(&port->base, wait_ns);
    if (port->refused == 0)
        found = ring_turn(port, wait_ns);
    if (port->refused != 0)
        found += rp__uring_end_turn(port, found > 0 ? 0 : rp__wait_left(&port->base, deadline_ns));
    port->in_turn = false;
    return found;
}

/* ---- the waitable ---- */

bool rp__uring_watch(uring_port *port, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(port->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void waitable_close(uring_port *port)
{
    int *const descriptors[] = {&port->epoll_fd, &port->timer_fd, &port->event_fd};
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
        if (*descriptors[i] >= 0)
            (void)close(*descriptors[i]);
        *descriptors[i] = -1;
    }
}

static bool ring_signals(uring_port *port)
{
    int result = io_uring_register_eventfd(&port->ring, port->event_fd);
    if (result == -EPERM || result == -ENOSYS)
        note_refusal(port, result);
    return result == 0;
}

static rp_waitable heirs_waitable(uring_port *port)
{
    rp_port *heir = rp__uring_heir(port);
    return heir != NULL ? heir->ops->waitable(heir) : (rp_waitable){.socket = -1};
}

/* With DEFER_TASKRUN the ring's own descriptor wakes nobody who polls it from outside; a registered
 * eventfd does. */
static rp_waitable uring_waitable(rp_port *base)
{
    uring_port *port = port_of(base);
    if (port->waitable_made)
        return (rp_waitable){.socket = port->epoll_fd};
    if (port->refused != 0)
        return heirs_waitable(port);
    port->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    port->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    port->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (port->epoll_fd < 0 || port->timer_fd < 0 || port->event_fd < 0 ||
        !rp__uring_watch(port, port->timer_fd) || !rp__uring_watch(port, port->event_fd) ||
        !ring_signals(port)) {
        waitable_close(port);
        return port->refused != 0 ? heirs_waitable(port) : (rp_waitable){.socket = -1};
    }
    port->waitable_made = true;
    port->armed_deadline_ns = RP_WAIT_FOREVER;
    rp__uring_cut(port, false);
    rp__uring_end_rest(port, false);
    /* What was started before has not been submitted. */
    (void)rp__uring_submit(port);
    rp__uring_touch(port);
    return (rp_waitable){.socket = port->epoll_fd};
}

static void uring_waitable_deadline(rp_port *base, uint64_t deadline_ns)
{
    uring_port *port = port_of(base);
    rp_port *heir = atomic_load(&port->heir);
    if (!port->waitable_made) {
        heir->ops->waitable_deadline(heir, deadline_ns);
        return;
    }
    if (!rp__list_empty(&port->starved) && port->starved_until_ns < deadline_ns)
        deadline_ns = port->starved_until_ns;
    /* What the kernel did not take brings no completion, so nothing else would call the host. */
    port->submit_again = port->refused != 0 ? heir == NULL : io_uring_sq_ready(&port->ring) > 0;
    if (port->submit_again) {
        uint64_t again_ns = rp__monotonic_ns() + SUBMIT_AGAIN_NS;
        deadline_ns = again_ns < deadline_ns ? again_ns : deadline_ns;
    }
    if (deadline_ns == port->armed_deadline_ns)
        return;
    port->armed_deadline_ns = deadline_ns;
    port->stats->system_calls++;
    rp__timer_fd_set(port->timer_fd, deadline_ns);
}

/* ---- life ---- */

static const char *set_up_cause(int os_code)
{
    switch (os_code) {
    case EPERM:
        return "EPERM, forbidden by seccomp or by sysctl kernel.io_uring_disabled";
    case ENOSYS:
        return "ENOSYS, not in this kernel or forbidden by seccomp";
    case EINVAL:
        return "EINVAL, the kernel is older than 6.1";
    case ENOMEM:
        return "ENOMEM, no memory or over the limit of locked memory";
    case EMFILE:
    case ENFILE:
        return "out of descriptors";
    default:
        return rp__os_error_text(os_code);
    }
}

/* A profile may end the process at the call, so there is one, and a second only where the first
 * said that the kernel is older than the youngest flag. */
static int ring_init(uring_port *port)
{
    struct io_uring_params parameters = {.cq_entries = COMPLETIONS};
    unsigned flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
                     IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE;
    flags |= rp__uring_signals_deferred() ? IORING_SETUP_DEFER_TASKRUN : IORING_SETUP_COOP_TASKRUN;
    parameters.flags = flags | IORING_SETUP_NO_SQARRAY;
    int result = io_uring_queue_init_params(SUBMISSIONS, &port->ring, &parameters);
    if (result == -EINVAL) {
        parameters = (struct io_uring_params){.cq_entries = COMPLETIONS, .flags = flags};
        result = io_uring_queue_init_params(SUBMISSIONS, &port->ring, &parameters);
    }
    if (result < 0)
        return result;
    /* A child that ran on would see the parent's queues (io_uring_ring_dontfork(3)). */
    (void)io_uring_ring_dontfork(&port->ring);
    return 0;
}

/* Mapped, like the queues, and not from the allocator: pages that no byte comes to are never
 * touched, what was received does not outlive the port, and valgrind, which does not see the kernel
 * write, takes them for initialised, as they are. */
static uint8_t *buffer_memory_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* result: the kernel's, where there is no ring of buffers. */
static bool buffers_init(uring_port *port, size_t memory_bytes, int *result)
{
    port->buffers_incremental = true;
    port->buffer_bytes = BUFFER_BYTES_INCREMENTAL;
    if (memory_bytes < 4 * port->buffer_bytes)
        port->buffer_bytes = BUFFER_BYTES_WHOLE;
    for (;;) {
        port->buffer_count = 4;
        while ((size_t)port->buffer_count * 2 * port->buffer_bytes <= memory_bytes &&
               port->buffer_count < 16384)
            port->buffer_count *= 2;
        port->buffers =
            io_uring_setup_buf_ring(&port->ring, port->buffer_count, 0,
                                    port->buffers_incremental ? IOU_PBUF_RING_INC : 0, result);
        if (port->buffers != NULL || !port->buffers_incremental)
            break;
        port->buffers_incremental = false; /* a kernel before 6.12 */
        port->buffer_bytes = BUFFER_BYTES_WHOLE;
    }
    if (port->buffers == NULL)
        return false;
    port->buffer_memory = buffer_memory_map(port->buffer_count * port->buffer_bytes);
    port->buffer_used = rp__allocate(port->memory, port->buffer_count * sizeof(uint32_t));
    if (port->buffer_memory == NULL || port->buffer_used == NULL)
        return false;
    for (unsigned i = 0; i < port->buffer_count; i++)
        io_uring_buf_ring_add(port->buffers, port->buffer_memory + i * port->buffer_bytes,
                              (unsigned)port->buffer_bytes, (unsigned short)i,
                              io_uring_buf_ring_mask(port->buffer_count), (int)i);
    io_uring_buf_ring_advance(port->buffers, (int)port->buffer_count);
    return true;
}

/* Direct descriptors are a gain, not a need: sockets beyond the table use their own. */
static bool slots_init(uring_port *port)
{
    struct rlimit limit;
    unsigned count = SLOTS_MOST;
    if (!rp__uring_releases_files())
        return true;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count)
        count = (unsigned)limit.rlim_cur;
    if (io_uring_register_files_sparse(&port->ring, count) == 0)
        port->slot_count = count;
    /* Not zeroed: pages that are not used are not touched. */
    port->slots_free = rp__reallocate(port->memory, NULL, SLOTS_MOST * sizeof(int32_t));
    return port->slots_free != NULL;
}

static void uring_destroy(rp_port *base)
{
    uring_port *port = port_of(base);
    rp_memory *memory = port->memory;
    rp_port *heir = atomic_load(&port->heir);
    if (heir != NULL)
        heir->ops->destroy(heir);
    if (port->enabled && !port->ring_closed) {
        /* The kernel must be done with our memory before it goes: the wake-up's read is in
         * flight. */
        struct io_uring_sync_cancel_reg cancel = {.flags = IORING_ASYNC_CANCEL_ANY |
                                                           IORING_ASYNC_CANCEL_ALL,
                                                  .timeout = {.tv_sec = -1, .tv_nsec = -1}};
        (void)io_uring_register_sync_cancel(&port->ring, &cancel);
    }
    waitable_close(port);
    if (port->buffers != NULL)
        (void)io_uring_free_buf_ring(&port->ring, port->buffers, port->buffer_count, 0);
    if (port->ring.ring_fd > 0 && !port->ring_closed)
        io_uring_queue_exit(&port->ring);
    if (port->wake_fd >= 0) {
        (void)close(port->wake_fd);
        (void)close(port->wake_write_fd);
    }
    if (port->buffer_memory != NULL)
        (void)munmap(port->buffer_memory, port->buffer_count * port->buffer_bytes);
    rp__free(memory, port->buffer_used);
    rp__free(memory, port->slots_free);
    rp__free(memory, port->arguments);
    rp__free(memory, port);
}

/* The ring's memory was not inherited: see ring_init. */
static void uring_abandon(rp_port *base)
{
    uring_port *port = port_of(base);
    rp_port *heir = atomic_load(&port->heir);
    if (heir != NULL)
        heir->ops->abandon(heir);
    waitable_close(port);
    for (rp_link *link = port->sockets.next; link != &port->sockets; link = link->next) {
        uring_socket *socket = RP_CONTAINER(link, uring_socket, all_link);
        if (socket->fd >= 0)
            (void)close(socket->fd);
        socket->fd = -1;
    }
    if (!port->ring_closed)
        (void)close(port->ring.ring_fd);
    (void)close(port->wake_fd);
    (void)close(port->wake_write_fd);
}

static rp_status parts_init(uring_port *port, size_t receive_memory_bytes, rp_error *error)
{
    int result = 0;
    port->arguments = rp__allocate(port->memory, SUBMISSIONS * sizeof(uring_argument));
    if (port->arguments == NULL || !slots_init(port))
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    if (receive_memory_bytes == 0)
        receive_memory_bytes = RECEIVE_MEMORY_DEFAULT;
    if (!buffers_init(port, receive_memory_bytes, &result)) {
        if (port->buffers != NULL)
            return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
        return rp__error_set(error, RP_E_UNSUPPORTED, RP_PHASE_NONE, "no receive buffers: %s",
                             set_up_cause(-result));
    }
    /* Blocking: from a non-blocking one the ring's read would not wait but fail. */
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return rp__error_set(error, RP_E_NO_DESCRIPTORS, RP_PHASE_NONE, "out of descriptors");
    port->wake_fd = pipe_fds[0];
    port->wake_write_fd = pipe_fds[1];
    arm_wake(port);
    return RP_OK;
}

static rp_status uring_create(rp_port **out, const rp_port_options *options, rp_error *error)
{
    uring_port *port = rp__allocate(options->memory, sizeof(*port));
    if (port == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    port->base.ops = &rp__uring_port_ops;
    port->memory = options->memory;
    port->stats = options->stats;
    port->options = *options;
    port->on_valgrind = RP_ON_VALGRIND;
    rp__gathering_init(&port->gathering, options->coalesce_limit_us);
    port->wake_fd = port->epoll_fd = port->timer_fd = port->event_fd = -1;
    port->process = rp__process_mark();
    rp__list_init(&port->sockets);
    rp__list_init(&port->owed);
    rp__list_init(&port->tried);
    rp__list_init(&port->settling);
    rp__list_init(&port->starved);
    int result = ring_init(port);
    if (result < 0) {
        rp__free(port->memory, port);
        rp_status status = RP_E_UNSUPPORTED;
        if (result == -EMFILE || result == -ENFILE)
            status = RP_E_NO_DESCRIPTORS;
        return rp__error_set(error, status, RP_PHASE_NONE, "%s", set_up_cause(-result));
    }
    rp_status status = parts_init(port, options->receive_memory_bytes, error);
    if (status != RP_OK) {
        uring_destroy(&port->base);
        return status;
    }
    *out = &port->base;
    return RP_OK;
}

static uint64_t uring_now(rp_port *base)
{
    (void)base;
    return rp__monotonic_ns();
}

static void uring_random(rp_port *base, void *bytes, size_t size)
{
    port_of(base)->stats->system_calls++;
    rp__random_bytes(bytes, size);
}

const rp_port_ops rp__uring_port_ops = {
    .name = "io_uring",
    .create = uring_create,
    .destroy = uring_destroy,
    .abandon = uring_abandon,
    .now = uring_now,
    .random = uring_random,
    .open = rp__uring_open,
    .listen = rp__uring_listen,
    .bind = rp__uring_bind,
    .connect = rp__uring_connect,
    .accept = rp__uring_accept,
    .receive = rp__uring_receive,
    .send = rp__uring_send,
    .keepalive = rp__uring_keepalive,
    .confirmed = rp__uring_confirmed,
    .numbers = rp__uring_numbers,
    .local = rp__uring_local,
    .shutdown_send = rp__uring_shutdown_send,
    .reset_on_close = rp__uring_reset_on_close,
    .cancel = rp__uring_cancel,
    .close = rp__uring_close,
    .turn = uring_turn,
    .submit = uring_submit,
    .wake = uring_wake,
    .waitable = uring_waitable,
    .waitable_deadline = uring_waitable_deadline,
};
