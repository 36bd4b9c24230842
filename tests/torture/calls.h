/* calls.h - calls of the system and of liburing that fail when they are told to: the linker leads
 * the library's calls here (-Wl,--wrap). Only calls of a thread that is armed count. */
#ifndef TORTURE_CALLS_H
#define TORTURE_CALLS_H

#include <ringport/error.h>

#define CAUSED_MOST 4

typedef enum call_id {
    CALL_SOCKET,
    CALL_CONNECT,
    CALL_ACCEPT,
    CALL_BIND,
    CALL_LISTEN,
    CALL_GETSOCKNAME,
    CALL_SETSOCKOPT,
    CALL_SENDMSG,
    CALL_RECV,
    CALL_SHUTDOWN,
    CALL_CLOSE,
    CALL_WRITE, /* wakes a loop */
    CALL_PIPE2,
    CALL_EVENTFD,
    CALL_TIMERFD_CREATE,
    CALL_EPOLL_CREATE,
    CALL_EPOLL_ADD, /* epoll_ctl with EPOLL_CTL_ADD */
    CALL_EPOLL_WAIT,
    CALL_EPOLL_PWAIT2,
    CALL_GETRANDOM,
    CALL_THREAD,
    CALL_FOPEN,
    CALL_RING_INIT,
    CALL_RING_BUFFERS,
    CALL_RING_FILES,
    CALL_RING_FILE,
    CALL_RING_DESCRIPTOR,
    CALL_RING_EVENTFD,
    CALL_RING_SUBMIT,
    CALL_RING_GET, /* submit and get events */
    CALL_RING_WAIT,
    /* Submissions: the kernel completes them with the error. */
    OP_CONNECT,
    OP_ACCEPT,
    OP_RECEIVE,
    OP_SEND,
    OP_QUIET_SEND,
    CALLS
} call_id;

/* A call, an errno of its manual page, and what may come of it; nothing: it is made good. */
typedef struct call_fault {
    call_id call;
    const char *name;
    int code;
    rp_status statuses[CAUSED_MOST];
} call_fault;
extern const call_fault call_faults[];
extern const unsigned call_fault_count;

/* The n-th such call of this thread fails; onward: and all after it. */
void calls_arm(const call_fault *fault, uint64_t n, bool onward);
/* Whether it can go on for ever, and those who meet it have to end. */
bool calls_may_persist(const call_fault *fault);
/* How often it failed. */
uint64_t calls_disarm(void);
uint64_t calls_struck(void);
/* Whether the kernel completes a submission as it is told to (Linux 6.10). */
bool calls_submissions_fail(void);

#endif
