/* calls.c - see calls.h. */
#include "torture/calls.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NO_DESCRIPTOR RP_E_NO_DESCRIPTORS, RP_E_RESOLVE_FAILED
#define NO_MEMORY RP_E_NO_MEMORY, RP_E_RESOLVE_FAILED
#define ROW(call_, code_, ...)                                                                     \
    {                                                                                              \
        CALL_##call_, #call_ ":" #code_, code_,                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OP_ROW(op_, code_, ...)                                                                    \
    {                                                                                              \
        OP_##op_, "OP_" #op_ ":" #code_, code_,                                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

const call_fault call_faults[] = {
    ROW(SOCKET, EMFILE, NO_DESCRIPTOR),
    ROW(SOCKET, ENFILE, NO_DESCRIPTOR),
    ROW(SOCKET, ENOMEM, NO_MEMORY),
    ROW(SOCKET, ENOBUFS, NO_MEMORY),
    ROW(SOCKET, EAFNOSUPPORT, RP_E_UNSUPPORTED, RP_E_RESOLVE_FAILED),
    ROW(SOCKET, EACCES, RP_E_CONNECT_FAILED, RP_E_IO_FAILED, RP_E_RESOLVE_FAILED),
    ROW(CONNECT, ECONNREFUSED, RP_E_CONNECT_REFUSED, RP_E_RESOLVE_FAILED),
    ROW(CONNECT, ENETUNREACH, RP_E_CONNECT_UNREACHABLE, RP_E_RESOLVE_FAILED),
    ROW(CONNECT, EADDRNOTAVAIL, RP_E_NO_LOCAL_PORTS, RP_E_RESOLVE_FAILED),
    ROW(CONNECT, ETIMEDOUT, RP_E_CONNECT_FAILED, RP_E_RESOLVE_FAILED),
    ROW(ACCEPT, EMFILE, RP_OK),
    ROW(ACCEPT, ENOMEM, RP_OK),
    ROW(ACCEPT, ENOBUFS, RP_OK),
    ROW(ACCEPT, EINTR, RP_OK),
    ROW(ACCEPT, ECONNABORTED, RP_OK),
    ROW(BIND, EADDRINUSE, RP_E_ADDRESS_IN_USE),
    ROW(BIND, EACCES, RP_E_IO_FAILED),
    ROW(LISTEN, EADDRINUSE, RP_E_ADDRESS_IN_USE),
    ROW(GETSOCKNAME, ENOBUFS, RP_E_IO_FAILED, RP_E_RESOLVE_FAILED),
    ROW(SETSOCKOPT, ENOMEM, RP_E_RESOLVE_FAILED),
    ROW(SENDMSG, EAGAIN, RP_OK),
    ROW(SENDMSG, EINTR, RP_OK),
    ROW(SENDMSG, ENOBUFS, RP_E_IO_FAILED),
    ROW(SENDMSG, ENOMEM, RP_E_IO_FAILED),
    ROW(RECV, EINTR, RP_OK),
    ROW(RECV, ENOMEM, RP_E_IO_FAILED),
    ROW(SHUTDOWN, ENOTCONN, RP_OK),
    ROW(CLOSE, EINTR, RP_OK),
    ROW(CLOSE, EIO, RP_OK),
    ROW(WRITE, EINTR, RP_OK),
    ROW(PIPE2, EMFILE, NO_DESCRIPTOR),
    ROW(PIPE2, ENFILE, NO_DESCRIPTOR),
    ROW(EVENTFD, EMFILE, NO_DESCRIPTOR),
    ROW(EVENTFD, ENOMEM, NO_MEMORY),
    ROW(TIMERFD_CREATE, EMFILE, RP_OK),
    ROW(TIMERFD_CREATE, ENOMEM, RP_OK),
    ROW(EPOLL_CREATE, EMFILE, NO_DESCRIPTOR),
    ROW(EPOLL_CREATE, ENOMEM, NO_MEMORY),
    ROW(EPOLL_ADD, ENOMEM, RP_E_NO_MEMORY, RP_E_CONNECT_FAILED, RP_E_IO_FAILED),
    ROW(EPOLL_ADD, ENOSPC, RP_E_UNSUPPORTED, RP_E_CONNECT_FAILED, RP_E_IO_FAILED),
    ROW(EPOLL_WAIT, EINTR, RP_OK),
    ROW(EPOLL_PWAIT2, EINTR, RP_OK),
    ROW(EPOLL_PWAIT2, ENOSYS, RP_OK),
    ROW(EPOLL_PWAIT2, EPERM, RP_OK),
    ROW(GETRANDOM, EINTR, RP_OK),
    ROW(THREAD, EAGAIN, RP_E_RESOLVE_FAILED, RP_E_NO_MEMORY),
    ROW(FOPEN, EMFILE, NO_DESCRIPTOR),
    ROW(FOPEN, ENOMEM, NO_MEMORY),
    ROW(RING_INIT, ENOMEM, RP_E_UNSUPPORTED, RP_E_NO_MEMORY),
    ROW(RING_INIT, EMFILE, RP_E_NO_DESCRIPTORS),
    ROW(RING_INIT, ENFILE, RP_E_NO_DESCRIPTORS),
    ROW(RING_INIT, EPERM, RP_E_UNSUPPORTED),
    ROW(RING_INIT, ENOSYS, RP_E_UNSUPPORTED),
    ROW(RING_INIT, EINVAL, RP_E_UNSUPPORTED),
    ROW(RING_BUFFERS, ENOMEM, RP_E_UNSUPPORTED),
    ROW(RING_BUFFERS, EINVAL, RP_E_UNSUPPORTED),
    ROW(RING_FILES, ENOMEM, RP_OK),
    ROW(RING_FILES, EMFILE, RP_OK),
    ROW(RING_FILE, ENOMEM, RP_OK),
    ROW(RING_DESCRIPTOR, ENOMEM, RP_OK),
    ROW(RING_EVENTFD, ENOMEM, RP_OK),
    ROW(RING_SUBMIT, EAGAIN, RP_OK),
    ROW(RING_SUBMIT, EBUSY, RP_OK),
    ROW(RING_SUBMIT, EINTR, RP_OK),
    ROW(RING_SUBMIT, EPERM, RP_E_IO_FAILED, RP_E_CONNECT_FAILED),
    ROW(RING_GET, EAGAIN, RP_OK),
    ROW(RING_GET, EBUSY, RP_OK),
    ROW(RING_GET, EINTR, RP_OK),
    ROW(RING_GET, ENOMEM, RP_OK),
    ROW(RING_GET, EPERM, RP_E_IO_FAILED, RP_E_CONNECT_FAILED),
    ROW(RING_WAIT, EAGAIN, RP_OK),
    ROW(RING_WAIT, EBUSY, RP_OK),
    ROW(RING_WAIT, EINTR, RP_OK),
    ROW(RING_WAIT, ETIME, RP_OK),
    ROW(RING_WAIT, ENOMEM, RP_OK),
    ROW(RING_WAIT, EPERM, RP_E_IO_FAILED, RP_E_CONNECT_FAILED),
    ROW(RING_WAIT, ENOSYS, RP_E_IO_FAILED, RP_E_CONNECT_FAILED),
    ROW(RING_WAIT, EBADR, RP_E_IO_FAILED, RP_E_CONNECT_FAILED),
    OP_ROW(CONNECT, ECONNREFUSED, RP_E_CONNECT_REFUSED),
    OP_ROW(CONNECT, EHOSTUNREACH, RP_E_CONNECT_UNREACHABLE),
    OP_ROW(CONNECT, EADDRNOTAVAIL, RP_E_NO_LOCAL_PORTS),
    OP_ROW(CONNECT, ENOMEM, RP_E_CONNECT_FAILED),
    OP_ROW(ACCEPT, EMFILE, RP_OK),
    OP_ROW(ACCEPT, ENOMEM, RP_OK),
    OP_ROW(ACCEPT, ECONNABORTED, RP_OK),
    OP_ROW(RECEIVE, ENOBUFS, RP_OK),
    OP_ROW(RECEIVE, ENOMEM, RP_E_IO_FAILED),
    OP_ROW(SEND, ENOBUFS, RP_E_IO_FAILED),
    OP_ROW(SEND, ENOMEM, RP_E_IO_FAILED),
    OP_ROW(QUIET_SEND, EAGAIN, RP_OK),
    OP_ROW(QUIET_SEND, ENOMEM, RP_E_IO_FAILED),
};
const unsigned call_fault_count = sizeof(call_faults) / sizeof(call_faults[0]);

static _Thread_local struct armed {
    const call_fault *fault; /* NULL: nothing fails */
    uint64_t left, struck;
    bool onward;
    struct io_uring *ring; /* whose submissions were looked at, and up to where */
    unsigned seen;
} armed;

void calls_arm(const call_fault *fault, uint64_t n, bool onward)
{
    armed = (struct armed){.fault = fault, .left = n, .onward = onward};
}

bool calls_may_persist(const call_fault *fault)
{
    switch (fault->call) {
    case CALL_ACCEPT: /* the client would wait for ever */
    case OP_ACCEPT:
    case CALL_RING_SUBMIT: /* the kernel cannot be used at all: tried again and again */
    case CALL_RING_GET:
    case CALL_RING_WAIT:
        return false;
    case OP_RECEIVE:
        return fault->code != ENOBUFS;
    default:
        return fault->code != EINTR && fault->code != EAGAIN;
    }
}

uint64_t calls_struck(void)
{
    return armed.struck;
}

uint64_t calls_disarm(void)
{
    armed.fault = NULL;
    return armed.struck;
}

static bool strikes(call_id call)
{
    if (armed.fault == NULL || armed.fault->call != call || armed.left == 0 || --armed.left > 0)
        return false;
    armed.left = armed.onward;
    armed.struck++;
    return true;
}

/* As a system call fails. */
static bool fails(call_id call)
{
    if (!strikes(call))
        return false;
    errno = armed.fault->code;
    return true;
}

/* As liburing's functions do. */
static int ring_fails(call_id call)
{
    return strikes(call) ? -armed.fault->code : 0;
}

/* ---- system calls ---- */

#define WRAP(type, call, name, parameters, arguments)                                              \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(call) ? -1 : __real_##name arguments;                                         \
    }

WRAP(int, CALL_SOCKET, socket, (int domain, int kind, int protocol), (domain, kind, protocol))
WRAP(int, CALL_CONNECT, connect, (int fd, const struct sockaddr *to, socklen_t size),
     (fd, to, size))
WRAP(int, CALL_ACCEPT, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags),
     (fd, from, size, flags))
WRAP(int, CALL_BIND, bind, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
WRAP(int, CALL_LISTEN, listen, (int fd, int backlog), (fd, backlog))
WRAP(int, CALL_GETSOCKNAME, getsockname, (int fd, struct sockaddr *own, socklen_t *size),
     (fd, own, size))
WRAP(int, CALL_SETSOCKOPT, setsockopt,
     (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
WRAP(ssize_t, CALL_SENDMSG, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(ssize_t, CALL_RECV, recv, (int fd, void *data, size_t size, int flags),
     (fd, data, size, flags))
WRAP(int, CALL_SHUTDOWN, shutdown, (int fd, int how), (fd, how))
WRAP(ssize_t, CALL_WRITE, write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, CALL_PIPE2, pipe2, (int fds[2], int flags), (fds, flags))
WRAP(int, CALL_EVENTFD, eventfd, (unsigned count, int flags), (count, flags))
WRAP(int, CALL_TIMERFD_CREATE, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(int, CALL_EPOLL_CREATE, epoll_create1, (int flags), (flags))
WRAP(ssize_t, CALL_GETRANDOM, getrandom, (void *data, size_t size, unsigned flags),
     (data, size, flags))

/* A call that does not wait is not interrupted. */
int __real_epoll_wait(int fd, struct epoll_event *events, int most, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    if (ms != 0 && fails(CALL_EPOLL_WAIT))
        return -1;
    return __real_epoll_wait(fd, events, most, ms);
}

/* The descriptor is gone, whatever close says (close(2)). */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int result = __real_close(fd);
    return fails(CALL_CLOSE) ? -1 : result;
}

int __real_epoll_ctl(int fd, int operation, int target, struct epoll_event *event);
int __wrap_epoll_ctl(int fd, int operation, int target, struct epoll_event *event);
int __wrap_epoll_ctl(int fd, int operation, int target, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && fails(CALL_EPOLL_ADD))
        return -1;
    return __real_epoll_ctl(fd, operation, target, event);
}

/* Of the library's, epoll_pwait2 alone: it has six arguments at the most. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    if (fails(CALL_EPOLL_PWAIT2))
        return -1;
    va_start(arguments, number);
    for (unsigned i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *argument)
{
    if (strikes(CALL_THREAD))
        return armed.fault->code;
    return __real_pthread_create(thread, attributes, fn, argument);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return fails(CALL_FOPEN) ? NULL : __real_fopen(path, mode);
}

/* ---- liburing ---- */

#define WRAP_RING(call, name, parameters, arguments)                                               \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int code = ring_fails(call);                                                               \
        return code != 0 ? code : __real_##name arguments;                                         \
    }

WRAP_RING(CALL_RING_INIT, io_uring_queue_init_params,
          (unsigned entries, struct io_uring *ring, struct io_uring_params *parameters),
          (entries, ring, parameters))
WRAP_RING(CALL_RING_FILES, io_uring_register_files_sparse, (struct io_uring * ring, unsigned count),
          (ring, count))
WRAP_RING(CALL_RING_FILE, io_uring_register_files_update,
          (struct io_uring * ring, unsigned slot, const int *fds, unsigned count),
          (ring, slot, fds, count))
WRAP_RING(CALL_RING_DESCRIPTOR, io_uring_register_ring_fd, (struct io_uring * ring), (ring))
WRAP_RING(CALL_RING_EVENTFD, io_uring_register_eventfd, (struct io_uring * ring, int fd),
          (ring, fd))

struct io_uring_buf_ring *__real_io_uring_setup_buf_ring(struct io_uring *ring, unsigned count,
                                                         int group, unsigned flags, int *result);
struct io_uring_buf_ring *__wrap_io_uring_setup_buf_ring(struct io_uring *ring, unsigned count,
                                                         int group, unsigned flags, int *result);
struct io_uring_buf_ring *__wrap_io_uring_setup_buf_ring(struct io_uring *ring, unsigned count,
                                                         int group, unsigned flags, int *result)
{
    *result = ring_fails(CALL_RING_BUFFERS);
    if (*result != 0)
        return NULL;
    return __real_io_uring_setup_buf_ring(ring, count, group, flags, result);
}

/* ---- submissions: the kernel is asked to do nothing, and to say that it failed ---- */

static call_id operation_of(const struct io_uring_sqe *sqe)
{
    switch (sqe->opcode) {
    case IORING_OP_CONNECT:
        return OP_CONNECT;
    case IORING_OP_ACCEPT:
        return OP_ACCEPT;
    case IORING_OP_RECV:
        return OP_RECEIVE;
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
        return sqe->flags & IOSQE_CQE_SKIP_SUCCESS ? OP_QUIET_SEND : OP_SEND;
    default:
        return CALLS;
    }
}

static void make_fail(struct io_uring_sqe *sqe, int code)
{
    uint64_t data = sqe->user_data;
    uint8_t flags = sqe->flags & IOSQE_CQE_SKIP_SUCCESS;
    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = IORING_OP_NOP;
    sqe->flags = flags;
    sqe->user_data = data;
    sqe->nop_flags = IORING_NOP_INJECT_RESULT;
    sqe->len = (unsigned)-code;
}

static void look_at_submissions(struct io_uring *ring)
{
    if (armed.fault == NULL || armed.fault->call < OP_CONNECT)
        return;
    if (armed.ring != ring) {
        armed.ring = ring;
        armed.seen = ring->sq.sqe_head;
    }
    for (; armed.seen != ring->sq.sqe_tail; armed.seen++) {
        struct io_uring_sqe *sqe = &ring->sq.sqes[armed.seen & ring->sq.ring_mask];
        if (strikes(operation_of(sqe)))
            make_fail(sqe, armed.fault->code);
    }
}

#define WRAP_SUBMIT(call, name, parameters, arguments)                                             \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int code = ring_fails(call);                                                               \
        if (code != 0)                                                                             \
            return code;                                                                           \
        look_at_submissions(ring);                                                                 \
        return __real_##name arguments;                                                            \
    }

WRAP_SUBMIT(CALL_RING_SUBMIT, io_uring_submit, (struct io_uring * ring), (ring))
WRAP_SUBMIT(CALL_RING_GET, io_uring_submit_and_get_events, (struct io_uring * ring), (ring))
WRAP_SUBMIT(CALL_RING_WAIT, io_uring_submit_and_wait_timeout,
            (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned count,
             struct __kernel_timespec *time, sigset_t *mask),
            (ring, cqe, count, time, mask))
WRAP_SUBMIT(CALL_RING_WAIT, io_uring_submit_and_wait_min_timeout,
            (struct io_uring * ring, struct io_uring_cqe **cqe, unsigned count,
             struct __kernel_timespec *time, unsigned least_us, sigset_t *mask),
            (ring, cqe, count, time, least_us, mask))

bool calls_submissions_fail(void)
{
    struct io_uring ring;
    struct io_uring_cqe *cqe;
    if (io_uring_queue_init(4, &ring, 0) != 0)
        return false;
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    sqe->user_data = 1;
    make_fail(sqe, EXDEV);
    bool works = io_uring_submit_and_wait(&ring, 1) == 1 && io_uring_peek_cqe(&ring, &cqe) == 0 &&
                 cqe->res == -EXDEV;
    io_uring_queue_exit(&ring);
    return works;
}
