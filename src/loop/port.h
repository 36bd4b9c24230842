/* port.h - THE backend contract.
 *
 * A port does socket operations and waits for their completions. io_uring, epoll, IOCP and the
 * simulator are ports; everything above this header is the same on all of them. tests/contract
 * holds every sentence below against every port.
 *
 * Operations. A socket has at most one each of: connect, accept, receive, send; connect, accept and
 * receive exclude one another. Starting one that is in flight is a bug of the caller (asserted).
 *  1. Each start leads to exactly one final completion: connected, accepted(final),
 *     received(final), sent; each close to exactly one closed. No other callback comes for a
 *     start, but that accept and receive give any number of non-final ones first.
 *  2. No callback runs inside a starting call, cancel or close: they run from turn() only, on the
 *     loop's thread. Inside a callback every call of this header but turn() and destroy() is
 *     allowed, for any socket, the calling one included.
 *  3. Cancel is a request: the final completion still comes, with RP_E_CANCELLED or with what
 *     really happened if that was earlier. Memory handed to send belongs to the port until `sent`.
 *     Cancelling what is not in flight does nothing. An operation that was started and never
 *     reached the kernel is cancelled in the same way; but what the kernel has room for of a send
 *     leaves, though the cancel or the close follows at once (TLS's last alert).
 *  4. close cancels what is in flight, waits until each of these completed, then closes the
 *     descriptor (terminate, join, close), then calls `closed`: always the last callback of the
 *     socket, whose memory the port frees when `closed` returns. After close no data is delivered;
 *     no starting call is allowed. Unsent bytes that the kernel has accepted are still delivered
 *     (no linger games), unless unread data makes the kernel send a reset.
 *  5. receive delivers bytes in the port's memory, lent until the callback returns. An idle socket
 *     pins no receive memory. cancel(RP_OP_RECEIVE) is how backpressure stops it: bytes that
 *     were already taken from the kernel are delivered before the final completion, and a later
 *     receive goes on where this one ended: nothing is lost, doubled or reordered. The end of the
 *     stream is final, with RP_OK and size 0; failures are final with their status; a final
 *     completion never has bytes.
 *  6. send completes when all bytes are handed to the kernel, or failed; short sends are the
 *     port's business. The array of slices is borrowed until `sent`, as the bytes are.
 *  7. Clock and randomness come from the port.
 *  8. Failures. connect: RP_E_CONNECT_REFUSED, _UNREACHABLE, _FAILED, RP_E_NO_LOCAL_PORTS. send,
 *     receive: RP_E_RESET (ECONNRESET, EPIPE), RP_E_IO_FAILED; after a reset both tell it, and an
 *     end that the peer did not send is never RP_OK. accept: RP_E_NO_DESCRIPTORS and
 *     RP_E_NO_MEMORY are not final, have no peer, and are told once until an accept succeeds: the
 *     port goes on accepting when there may be room again, and does not spin meanwhile. os_code
 *     has the system's code.
 *  9. A port that has nothing to do sleeps in turn() until a completion, wake() or the end of the
 *     wait; it never wakes for nothing. Progress of a send that is not complete counts as found.
 * 10. waitable(): a descriptor that is readable while turn(port, 0) would find something to do: a
 *     completion, an operation to submit, a wake(), or the deadline given to waitable_deadline(),
 *     which is used up when it has passed: the loop states the next one.
 * 11. lookup(): a port whose network has names of its own answers them itself, each family alone:
 *     once, from a turn, never inside the call, unless lookup_cancel came first. Others leave both
 *     NULL, and src/net asks the DNS. Sharing questions and keeping answers is the business of
 *     src/net in both cases.
 * 12. keepalive(): from then on the system finds out by itself that the peer of a connected socket
 *     is gone: receive ends with RP_E_IO_FAILED, a send fails. What the system can't do is left
 *     out; in the simulator a peer that is silent is never gone.
 * 13. confirmed(): of the bytes handed to the kernel for a connected socket, those that the peer's
 *     system has acknowledged, counted within one of the truth; it grows while a send is in flight
 *     and the peer takes it, however slowly. 0 where the system does not tell.
 * 14. Answers that are awaited: an owner who knows how many answers are to come on a socket says so
 *     (rp__socket_await), each time that this changes. While many are awaited, or large bodies are
 *     under way, and come quickly, a turn that waits may leave what came unseen for up to
 *     coalesce_limit_us after it came, or after the wait began if that is later, a wake() and
 *     another socket's completion as well: so that one wake-up finds many. Nothing is lost or
 *     reordered by that, no wait gets longer than was asked for, and a turn that does not wait
 *     finds all that there is.
 * 15. Unix sockets, of the family RP_FAMILY_UNIX, are sockets like the others, where there are any:
 *     elsewhere opening one is RP_E_UNSUPPORTED. A path that nobody made is RP_E_CONNECT_FAILED;
 *     where nobody listens, or the queue is full, RP_E_CONNECT_REFUSED.
 * 16. bind(): what a TCP socket is bound to before it connects. A port that is taken is
 *     RP_E_ADDRESS_IN_USE, an address or a device that this machine has not, or lets nobody use,
 *     RP_E_LOCAL_ADDRESS; devices where there is no way to choose one, RP_E_UNSUPPORTED. After a
 *     failure the socket is closed, or bound to something else.
 * 17. numbers(): what TCP knows of a connected socket. known is false where the system does not
 *     tell: before Windows 10, 1703, and under Wine, so nobody has seen Windows' own.
 * 18. local(): the address and the port that a connected TCP socket has on this machine; of family
 *     0 where the system does not tell, and for Unix sockets. */
#ifndef RP_LOOP_PORT_H
#define RP_LOOP_PORT_H

#include "base/address.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/slice.h"
#include <ringport/loop.h>

#define RP_WAIT_FOREVER UINT64_MAX

typedef struct rp_port rp_port;
typedef struct rp_socket rp_socket;

typedef struct rp_io_result {
    rp_status status;
    int os_code;
} rp_io_result;

/* A socket's callbacks. Those that its owner never starts may be NULL; closed may not. */
typedef struct rp_socket_handler {
    void (*connected)(rp_socket *socket, rp_io_result result);
    /* peer is a connected socket, owned by the callee: it sets peer->handler and peer->user, or
     * closes it, before it returns. NULL when final or with RP_E_NO_DESCRIPTORS. */
    void (*accepted)(rp_socket *socket, rp_socket *peer, rp_io_result result, bool final);
    void (*received)(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final);
    void (*sent)(rp_socket *socket, rp_io_result result);
    void (*closed)(rp_socket *socket);
} rp_socket_handler;

enum { RP_OP_CONNECT = 1, RP_OP_ACCEPT = 2, RP_OP_RECEIVE = 4, RP_OP_SEND = 8, RP_OP_ALL = 15 };

/* What every port's socket begins with. handler, user, quiet_send, last_send
 * and speaks_first are the owner's to change. */
struct rp_socket {
    rp_port *port;
    const rp_socket_handler *handler;
    void *user;
    /* Read when a send starts: nothing waits for this send's success, so the port need not wake for
     * it if it is complete at once: then the next turn that finds anything or does not wait reports
     * it. Who cancels it or closes the socket waits for it: no turn sleeps then until it is
     * reported. A failure, and a send that takes longer, are reported as ever. Saves one of two
     * wake-ups of a request on a quiet loop. */
    bool quiet_send;
    /* Read when a send starts: close follows at once, so that the bytes may leave with the end. */
    bool last_send;
    /* Read when a connect starts: bytes follow as soon as it is done, so that the peer may be told
     * of the connection by them. */
    bool speaks_first;
    uint32_t awaited;  /* rp__socket_await; 0 when it is closed */
    uint32_t answered; /* those that were awaited, and are not any more; it wraps */
};

/* A question to the port: memory of the caller, not moved until answered or cancelled. */
typedef struct rp_port_lookup rp_port_lookup;
struct rp_port_lookup {
    uint8_t family; /* 4, 6: of the addresses that are wanted */
    /* RP_OK and addresses without ports, the best first, lent until this returns, or none, where
     * the name has others; or RP_E_RESOLVE_NOT_FOUND, RP_E_RESOLVE_FAILED, RP_E_NO_MEMORY. ttl_s:
     * for how long the answer may be kept. */
    void (*answered)(rp_port_lookup *lookup, rp_status status, const rp_address *addresses,
                     size_t count, uint32_t ttl_s);
    void *private_query; /* the port's */
};

/* RP_NEVER_MS: not at all, or as the system has it. */
typedef struct rp_keepalive {
    uint64_t idle_ms; /* after so long without a byte the peer is asked whether it is there */
    uint64_t unconfirmed_ms; /* it is gone if it confirms neither that nor data for so long */
} rp_keepalive;

/* Seconds between questions, so that three of them fit into what is left. */
static inline uint64_t rp__keepalive_interval_s(const rp_keepalive *keepalive)
{
    if (keepalive->unconfirmed_ms == RP_NEVER_MS)
        return 10;
    if (keepalive->unconfirmed_ms < 3000 || keepalive->unconfirmed_ms - 3000 < keepalive->idle_ms)
        return 1;
    return (keepalive->unconfirmed_ms - keepalive->idle_ms) / 3000;
}

/* What a socket is bound to. */
typedef struct rp_binding {
    rp_address address; /* of the socket's family; its bytes 0: any, its port 0: any */
    const char *device; /* NULL: any */
} rp_binding;

typedef struct rp_port_options {
    void
        *context; /* of a port that is handed in: what it belongs to; NULL for those of rp__ports */
    rp_memory *memory;
    rp_loop_stats *stats;        /* the port counts its own system calls, completions, bytes */
    uint32_t coalesce_limit_us;  /* 0: off */
    size_t receive_memory_bytes; /* 0: the port's default */
} rp_port_options;

/* What TCP knows of a connection. */
typedef struct rp_tcp_numbers {
    bool known;
    uint32_t resent;        /* segments that were sent again, SYNs too */
    uint32_t round_trip_us; /* smoothed; 0: not known */
} rp_tcp_numbers;

typedef struct rp_port_ops {
    const char *name;

    /* One attempt; on failure error says why in words that fit behind "epoll (io_uring: ". */
    rp_status (*create)(rp_port **port, const rp_port_options *options, rp_error *error);
    /* No socket is left. */
    void (*destroy)(rp_port *port);
    /* In a child of fork, which has a copy of its parent's port: closes this process's descriptors
     * of the port and of all its sockets, and changes nothing for the parent. Nothing is called
     * back, and the memory stays: a callback of the port may be on the stack. NULL: no descriptors.
     * When the child returns from a callback in which it was forked, the port makes no system call
     * on what it shares with the parent, and takes nothing from it. */
    void (*abandon)(rp_port *port);

    /* Nanoseconds, monotonic, from an arbitrary origin, the machine's sleep included: a connection
     * grows old meanwhile. Read from the system at each call. */
    uint64_t (*now)(rp_port *port);
    void (*random)(rp_port *port, void *bytes, size_t size);

    /* A TCP socket for addresses of family (4, 6), TCP_NODELAY, or a Unix one. Its operations are
     * those of rp__socket_ops: a port may have to hand on to another one. RP_E_NO_DESCRIPTORS,
     * RP_E_NO_MEMORY, RP_E_UNSUPPORTED (family), RP_E_IO_FAILED. */
    rp_io_result (*open)(rp_port *port, uint8_t family, rp_socket **socket);

    /* Binds, listens, and stores the port that was given if address->port is 0. Synchronous. */
    rp_io_result (*listen)(rp_socket *socket, rp_address *address, int backlog);

    /* See 16. Synchronous. */
    rp_io_result (*bind)(rp_socket *socket, const rp_binding *binding);

    void (*connect)(rp_socket *socket, const rp_address *address);
    void (*accept)(rp_socket *socket);
    void (*receive)(rp_socket *socket);
    void (*send)(rp_socket *socket, const rp_slice *slices,
                 size_t count); /* count > 0, bytes > 0 */

    /* See 12 and 13. Synchronous. */
    void (*keepalive)(rp_socket *socket, const rp_keepalive *keepalive);
    uint64_t (*confirmed)(rp_socket *socket);
    /* See 17. NULL: the system does not tell. Synchronous. */
    rp_tcp_numbers (*numbers)(rp_socket *socket);
    /* See 18. NULL: likewise. Synchronous. */
    rp_address (*local)(rp_socket *socket);

    /* TCP half-close of the sending side. No send in flight. Synchronous; failure shows
     * elsewhere. */
    void (*shutdown_send)(rp_socket *socket);
    /* Of a connected socket: its close will reset the connection (RST rather than FIN), and what
     * was not yet delivered may be lost. Synchronous. For servers that misbehave. */
    void (*reset_on_close)(rp_socket *socket);

    void (*cancel)(rp_socket *socket, unsigned operations); /* RP_OP_... */
    void (*close)(rp_socket *socket);

    /* Submits, waits up to wait_ns for something, runs callbacks. wait_ns 0 never blocks. Callbacks
     * that are owed already are run without waiting. Returns the number of completions that it
     * found. */
    unsigned (*turn)(rp_port *port, uint64_t wait_ns);

    /* Hands to the system what was started since the last turn, as the next turn would: for a
     * program that may be long in coming to it. NULL: starting does it. */
    void (*submit)(rp_port *port);

    /* Makes a turn that waits, or the next one, return (a found wake counts as one completion). Any
     * thread. */
    void (*wake)(rp_port *port);

    /* See 10. -1 / NULL if it could not be made. */
    rp_waitable (*waitable)(rp_port *port);
    /* The next deadline in the port's clock, RP_WAIT_FOREVER: none. Only after waitable(). */
    void (*waitable_deadline)(rp_port *port, uint64_t deadline_ns);

    /* See 11. False: no memory, and nothing was started. host lives until the answer. */
    bool (*lookup)(rp_port *port, rp_port_lookup *lookup, const char *host);
    void (*lookup_cancel)(rp_port *port, rp_port_lookup *lookup);
} rp_port_ops;

/* What every port begins with. */
struct rp_port {
    const rp_port_ops *ops;
    uint32_t awaited;  /* of all sockets */
    uint64_t answered; /* those that were awaited, and are not any more; it only grows */
};

/* Every port of this platform, best first, NULL at the end (src/linux/ports.c,
 * src/win32/ports.c). */
extern const rp_port_ops *const rp__ports[];

static inline const rp_port_ops *rp__socket_ops(const rp_socket *socket)
{
    return socket->port->ops;
}

/* For ports: runs the callback that is the final completion of an operation. */
static inline void rp__socket_finish(rp_socket *socket, unsigned operation, rp_io_result result)
{
    const rp_socket_handler *handler = socket->handler;
    if (operation == RP_OP_CONNECT)
        handler->connected(socket, result);
    else if (operation == RP_OP_ACCEPT)
        handler->accepted(socket, NULL, result, true);
    else if (operation == RP_OP_RECEIVE)
        handler->received(socket, (rp_slice){NULL, 0}, result, true);
    else
        handler->sent(socket, result);
}

/* See 14. */
static inline void rp__socket_await(rp_socket *socket, uint32_t answers)
{
    rp_port *port = socket->port;
    if (answers < socket->awaited) {
        socket->answered += socket->awaited - answers;
        port->answered += socket->awaited - answers;
    }
    port->awaited = port->awaited - socket->awaited + answers;
    socket->awaited = answers;
}

#endif
