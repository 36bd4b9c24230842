/* epoll.h - what the two halves of the epoll port share: epoll.c waits, epoll_socket.c does what
 * the sockets then can do. */
#ifndef RP_LINUX_EPOLL_H
#define RP_LINUX_EPOLL_H

#include "linux/low_water.h"
#include "loop/port_base.h"

#include <errno.h>
#include <sys/epoll.h>

#define EVENTS_PER_WAIT 256

/* epoll_socket.registered */
enum { FOR_INPUT = 1, FOR_OUTPUT = 2 };

/* rp_base_socket.flags */
enum {
    WRITABLE = RP_BASE_OWN,    /* as READABLE, for this turn */
    ENDING = RP_BASE_OWN << 1, /* after the bytes to read there is an end or an error to read */
    LISTENING = RP_BASE_OWN << 2
};

typedef struct epoll_socket {
    rp_base_socket base;
    rp_low_water low;
    int fd;
    uint8_t registered;
} epoll_socket;

typedef struct epoll_port {
    rp_base_port base;
    int fd, wake_fd, timer_fd; /* timer_fd: -1 before waitable() */
    int bound_fd;              /* a timer (low_water.h); -1 before something gathers */
    bool no_pwait2;
    bool full; /* the last wait found as many events as there is room for */
    rp_gathering gathering;
    uint64_t timer_due_ns; /* what timer_fd is set to */
    struct epoll_event events[EVENTS_PER_WAIT];
} epoll_port;

static inline epoll_port *port_of(rp_port *base)
{
    return RP_CONTAINER(base, epoll_port, base.port);
}

static inline epoll_socket *socket_of(rp_socket *base)
{
    return RP_CONTAINER(base, epoll_socket, base.socket);
}

static inline epoll_port *socket_port(const epoll_socket *socket)
{
    return port_of(socket->base.socket.port);
}

/* False in a child of fork: registrations and sockets are its parent's. Then the system calls that
 * change or take something fail with EAGAIN, without being made. */
static inline bool epoll_is_ours(const epoll_port *port)
{
    if (rp__base_is_ours(&port->base))
        return true;
    errno = EAGAIN;
    return false;
}

/* Counted in the statistics. data comes back in the event. */
int rp__epoll_ctl(epoll_port *port, int operation, int fd, uint32_t events, void *data);
void rp__epoll_close_fd(epoll_port *port, int fd);

/* Notes what epoll_wait said; runs no callback. */
void rp__epoll_note_events(epoll_socket *socket, uint32_t events);
/* See rp_base_steps. */
unsigned rp__epoll_run_socket(rp_base_socket *base);

/* The operations of port.h. */
rp_io_result rp__epoll_open(rp_port *port, uint8_t family, rp_socket **socket);
rp_io_result rp__epoll_listen(rp_socket *socket, rp_address *address, int backlog);
rp_io_result rp__epoll_bind(rp_socket *base, const rp_binding *binding);
void rp__epoll_connect(rp_socket *socket, const rp_address *address);
void rp__epoll_accept(rp_socket *socket);
void rp__epoll_receive(rp_socket *socket);
void rp__epoll_send(rp_socket *socket, const rp_slice *slices, size_t count);
void rp__epoll_shutdown_send(rp_socket *socket);
void rp__epoll_keepalive(rp_socket *socket, const rp_keepalive *keepalive);
rp_tcp_numbers rp__epoll_numbers(rp_socket *socket);
rp_address rp__epoll_local(rp_socket *socket);
uint64_t rp__epoll_confirmed(rp_socket *socket);
void rp__epoll_reset_on_close(rp_socket *socket);
void rp__epoll_cancel(rp_socket *socket, unsigned operations);
void rp__epoll_close(rp_socket *socket);

#endif
