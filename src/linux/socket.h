/* socket.h - what both Linux ports need of the BSD sockets. */
#ifndef RP_LINUX_SOCKET_H
#define RP_LINUX_SOCKET_H

#include "loop/port.h"

#include <sys/socket.h>

/* Returns the length. */
socklen_t rp__sockaddr_set(struct sockaddr_storage *target, const rp_address *address);

/* A non-blocking, close-on-exec TCP socket with TCP_NODELAY; *fd is -1 on failure. Two system
 * calls. */
rp_io_result rp__socket_descriptor(uint8_t family, int *fd);

/* At most three system calls. */
#define RP_BIND_CALLS 3
rp_io_result rp__socket_bind(int fd, const rp_binding *binding);

/* bind with SO_REUSEADDR, listen; stores the port that was given if it was 0. */
rp_io_result rp__socket_listen(int fd, rp_address *address, int backlog);

/* At most so many system calls. */
#define RP_KEEPALIVE_CALLS 4
/* Before connect: see rp_socket's speaks_first. */
void rp__socket_speaks_first(int fd);

void rp__socket_keepalive(int fd, const rp_keepalive *keepalive);

/* Bytes that the peer's system has acknowledged; 0: not known. One system call. */
uint64_t rp__socket_confirmed(int fd);

/* TCP_INFO (tcp(7)). One system call. */
rp_tcp_numbers rp__socket_numbers(int fd);

/* getsockname(2). One system call. */
rp_address rp__socket_local(int fd);

/* Closing resets the connection. */
void rp__socket_reset_on_close(int fd);

/* What an errno (0: RP_OK) means for an operation on an established connection, and for connect. */
rp_io_result rp__transfer_result(int os_code);
rp_io_result rp__connect_result(int os_code);

/* CLOCK_BOOTTIME: runs on while the machine sleeps (clock_gettime(2)), as servers' clocks do. */
uint64_t rp__monotonic_ns(void);
/* Sets a timerfd of that clock; RP_WAIT_FOREVER: to no time. One system call. */
void rp__timer_fd_set(int fd, uint64_t due_ns);
void rp__random_bytes(void *bytes, size_t size);

#endif
