/* raw.h - what the tests need of the operating system itself: sockets that no port knows, threads,
 * clocks, limits. raw_posix.c implements it for POSIX; a test that uses nothing else of the system
 * runs on any platform, and where it says so in the simulator. Failures that no test provokes end
 * the test. */
#ifndef RP_TESTS_RAW_H
#define RP_TESTS_RAW_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- sockets; blocking, but none waits longer than 10 seconds ---- */

typedef intptr_t raw_socket;
#define RAW_NONE ((raw_socket)-1)

/* What a world is made of: the system's own, or the simulator's (raw_sim.h). The functions of the
 * same names go to the one in which the test runs. */
typedef struct raw_world {
    raw_socket (*bind)(rp_address *address);
    raw_socket (*listen)(rp_address *address, int backlog);
    raw_socket (*connect)(const rp_address *address);
    raw_socket (*connect_start)(const rp_address *address);
    bool (*connected)(raw_socket socket, int wait_ms);
    raw_socket (*accept)(raw_socket listener);
    rp_address (*peer)(raw_socket socket);
    bool (*readable)(raw_socket socket, int wait_ms);
    void (*send)(raw_socket socket, const void *data, size_t size);
    size_t (*send_some)(raw_socket socket, const void *data, size_t size);
    size_t (*receive)(raw_socket socket, void *data, size_t size);
    void (*shutdown_send)(raw_socket socket);
    void (*reset)(raw_socket socket);
    void (*close)(raw_socket socket);
    void (*small_receive_buffer)(raw_socket socket);
    size_t (*open_descriptors)(void);
    size_t (*raise_descriptors)(size_t wanted);
    bool (*limits_descriptors)(void);
    size_t (*leave_descriptors)(size_t more);
    void (*restore_descriptors)(size_t limit);
    uint64_t (*clock_ns)(void);
    void (*sleep_ms)(unsigned ms);
} raw_world;
extern const raw_world raw_system;
extern const raw_world *raw_current;

/* 127.0.0.1 or ::1 */
rp_address raw_loopback(uint8_t family, uint16_t port);

/* Whether this machine has the address. */
bool raw_has_address(const rp_address *address);
/* Stores the port that it was given. */
raw_socket raw_listen(rp_address *address, int backlog);
/* Bound and not listening: connecting to it is refused. */
raw_socket raw_bind(rp_address *address);
raw_socket raw_connect(const rp_address *address);
/* Does not wait for the connection. */
raw_socket raw_connect_start(const rp_address *address);
/* Whether a connection that was started is made within wait_ms. */
bool raw_connected(raw_socket socket, int wait_ms);
raw_socket raw_accept(raw_socket listener);
/* Where the connection of one that accept gave begins; what the simulator's client did not bind is
 * 0. */
rp_address raw_peer(raw_socket socket);
/* Whether there is something to read, the end included. */
bool raw_readable(raw_socket socket, int wait_ms);

void raw_send(raw_socket socket, const void *data, size_t size);
/* What the system takes without waiting. */
size_t raw_send_some(raw_socket socket, const void *data, size_t size);
/* Waits for at least one byte; 0: the end. */
size_t raw_receive(raw_socket socket, void *data, size_t size);
/* Waits for all of them. */
void raw_receive_all(raw_socket socket, void *data, size_t size);
/* The same of the system's own, where the other end may give up in the middle: 0, or false. */
size_t raw_receive_unless_reset(raw_socket socket, void *data, size_t size);
bool raw_send_unless_reset(raw_socket socket, const void *data, size_t size);
void raw_shutdown_send(raw_socket socket);
/* Closes with a TCP reset. */
void raw_reset(raw_socket socket);
void raw_close(raw_socket socket);
void raw_small_receive_buffer(raw_socket socket);

/* Datagrams. Stores the port that it was given. */
raw_socket raw_udp_bind(rp_address *address);
/* One that is there; 0: none is. */
size_t raw_udp_receive(raw_socket socket, void *data, size_t size, rp_address *from);
void raw_udp_send(raw_socket socket, const void *data, size_t size, const rp_address *to);

/* The system's codes for a connection that is refused, and for a network that is out of reach. */
extern const int raw_code_refused, raw_code_unreachable;

/* ---- process ---- */

size_t raw_open_descriptors(void);
/* The most that the process may have open; tries to raise it to wanted. */
size_t raw_raise_descriptors(size_t wanted);
/* False: the system knows no limit that could be lowered. */
bool raw_limits_descriptors(void);
/* Lowers the limit so that only this many more can be opened; gives what to restore. */
size_t raw_leave_descriptors(size_t more);
void raw_restore_descriptors(size_t limit);

uint64_t raw_clock_ns(void);
/* CPU time of the process. */
uint64_t raw_cpu_ns(void);
void raw_sleep_ms(unsigned ms);

typedef struct raw_thread raw_thread;
raw_thread *raw_thread_start(void (*fn)(void *), void *argument);
void raw_thread_join(raw_thread *thread);

/* ---- watching a waitable, as a host does ---- */

typedef enum raw_watch { RAW_SELECT, RAW_POLL, RAW_EPOLL, RAW_WATCHES } raw_watch;

typedef struct raw_watcher {
    raw_watch watch;
    intptr_t socket;
    int set; /* of RAW_EPOLL; registered once, by level */
} raw_watcher;

const char *raw_watch_name(raw_watch watch);
raw_watcher raw_watcher_open(raw_watch watch, intptr_t socket);
/* True: readable. wait_ms -1: for ever. */
bool raw_watcher_wait(const raw_watcher *watcher, int wait_ms);
void raw_watcher_close(raw_watcher *watcher);

#endif
