/* socket.h - addresses, sockets, clock and error codes of Windows. */
#ifndef RP_WIN32_SOCKET_H
#define RP_WIN32_SOCKET_H

#include "loop/port.h"
#include "win32/winsock.h"

/* Returns the length. */
int rp__sockaddr_set(struct sockaddr_storage *target, const rp_address *address);

/* An overlapped TCP socket with TCP_NODELAY that no child process inherits. What is not overlapped
 * does not block. INVALID_SOCKET on failure. RP_SOCKET_OPEN_CALLS system calls. */
#define RP_SOCKET_OPEN_CALLS 3
rp_io_result rp__socket_open(uint8_t family, SOCKET *handle);

/* At most so many system calls. */
#define RP_KEEPALIVE_CALLS 3
void rp__socket_keepalive(SOCKET handle, const rp_keepalive *keepalive);

/* SIO_TCP_INFO, since Windows 10, 1703; not known before, and under Wine. One system call. */
rp_tcp_numbers rp__socket_numbers(SOCKET handle);

/* getsockname. One system call. */
rp_address rp__socket_local(SOCKET handle);

/* bind, exclusively, and listen; stores the port that was given if it was 0. */
rp_io_result rp__socket_listen(SOCKET handle, rp_address *address, int backlog);

/* Binds to a port of the system's choice, which ConnectEx wants; 0 or an error code. */
int rp__socket_bind(SOCKET handle, const rp_address *address);

/* What a code of WSAGetLastError (0: RP_OK) means: for a new socket, for listening, for a
 * connect, and for an operation on an established connection. See the table in errors.c. */
rp_io_result rp__open_result(int os_code);
rp_io_result rp__listen_result(int os_code);
rp_io_result rp__connect_result(int os_code);
rp_io_result rp__transfer_result(int os_code);

uint64_t rp__monotonic_ns(void);
void rp__random_bytes(void *bytes, size_t size);

#endif
