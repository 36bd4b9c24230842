/* protocol.h - what an open connection speaks: the seam between a version of HTTP and the rest.
 *
 * Above it (pool.c, request.c) a connection is something that takes so many more requests, and may
 * lose them; below it (h1.c) are bytes. Neither names the other: a protocol is called by its table,
 * and calls conn.h and request.h.
 *
 * What a protocol keeps of a connection is its session. It says how many requests its peer takes at
 * once (rp__conn_takes), of a request that it begins, moves, has a head and is complete
 * (request.h), ends it if its answer can't be used (rp__request_finish), and gives it back,
 * detached, where the server did not bring it to its end (rp__conn_lost), with what is known of its
 * fate and, in the error's h2_code, what the server said of it. When a request is written it is the
 * protocol that looks whether the connection is still good: it may have been retired since it was
 * given the request, or, where it was idle before, have aged. */
#ifndef RP_CLIENT_PROTOCOL_H
#define RP_CLIENT_PROTOCOL_H

#include "client/client.h"

struct rp_protocol {
    const char *alpn;
    int version;      /* as in rp_response_head */
    bool multiplexed; /* serves several requests at once where its peer allows it */

    /* The connection is open: makes conn->session. False: no memory. */
    bool (*begin)(rp_conn *conn);
    /* The connection is closed, and nobody has a request on it. Not if begin failed. */
    void (*end)(rp_conn *conn);

    /* The connection is about to be closed, in order, and nobody has a request on it: the last
     * words. NULL: there are none. */
    void (*farewell)(rp_conn *conn);

    /* How many more requests it takes now, as far as the protocol is concerned; 0: none until
     * rp__conn_room_changed says so. */
    uint32_t (*room)(const rp_conn *conn);
    /* Takes a request, attached already, for which there is room. Calls nothing back inside. */
    void (*start)(rp_conn *conn, rp_request *request);
    /* The request leaves before its end: detaches it. What was not written yet costs nothing;
     * otherwise the connection may have to close. */
    void (*abandon)(rp_conn *conn, rp_request *request);
    /* The caller has consumed so much of the body, of a request that has a limit. Calls nothing
     * back inside. */
    void (*consume)(rp_conn *conn, rp_request *request, size_t size);

    /* There may be more of the body to send, of a request that has one beyond its head: see
     * upload.h. Calls nothing back inside. */
    void (*body)(rp_conn *conn, rp_request *request);

    /* Plaintext bytes of the request that were handed to the network. */
    uint64_t (*bytes_sent)(const rp_conn *conn, const rp_request *request);
    /* When the network last took or brought anything of the request, for its deadlines. */
    uint64_t (*moved_ns)(const rp_conn *conn, const rp_request *request);
    /* How far the peer has confirmed a large request, in bytes of the connection; 0 where nobody
     * can tell. *all: it has the whole. */
    uint64_t (*confirmed)(const rp_conn *conn, const rp_request *request, bool *all);

    /* What the stream brings. end NULL: the peer ended it in order. */
    void (*received)(rp_conn *conn, const uint8_t *data, size_t size);
    void (*ended)(rp_conn *conn, const rp_error *end);
};

extern const rp_protocol rp__http1; /* h1.c */
extern const rp_protocol rp__http2; /* h2.c */

#endif
