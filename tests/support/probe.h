/* probe.h - one end of a stream in a test: what was started on it and what came of it.
 *
 * Checks at every callback: none comes inside a starting call; on_open is first and once; data and
 * the end come only between a good on_open and on_close, the end once and nothing after it; every
 * write completes exactly once and in order; on_close is the last. */
#ifndef RP_TESTS_PROBE_H
#define RP_TESTS_PROBE_H

#include "client/stream_server.h"
#include "support/fixture.h"
#include "support/listener.h"

typedef struct probe probe;
struct probe {
    rp_loop *loop;
    rp_stream *stream; /* NULL before the start and once closed */
    unsigned starting; /* our calls of the stream that are on the stack */
    bool closing;      /* we closed it */

    unsigned opens, ends, closes;
    rp_error open_error, end_error; /* status RP_OK: none */
    rp_stream_info info;            /* when it was open; its strings do not outlive the stream */
    char version[16];

    uint64_t received; /* bytes; they must follow the pattern if checked is set */
    bool checked;
    char text[256];    /* the first bytes, NUL-terminated */
    size_t stash_most; /* the most that the stream had put aside, seen when data came */

    uint64_t writes_started, writes_done; /* done: failed ones too */
    uint64_t writes_failed;
    rp_error write_error; /* the first failure's */

    /* What the test adds; each may be NULL. They run after the account was brought up to date. */
    void (*on_open)(probe *p);
    void (*on_data)(probe *p, const uint8_t *data, size_t size);
    void (*on_end)(probe *p);
    void (*on_close)(probe *p);
    void (*on_write)(probe *p);
    void *user;
    probe *peer;
};

/* Each starts what it says and counts; set the probe to zero first. probe_open gives the status. */
rp_status probe_open(probe *p, rp_loop *loop, const rp_stream_options *options);
void probe_accept(probe *p, rp_loop *loop, rp_socket *socket, rp_tls_config *config,
                  size_t receive_credit_bytes);
/* data must live until the write is done. */
/* In on_head of status 101: the request's connection is the probe's, as an open stream. */
void probe_upgrade(probe *p, rp_loop *loop, rp_request *request);
rp_status probe_write(probe *p, const void *data, size_t size);
rp_status probe_write_text(probe *p, const char *text);
rp_status probe_shutdown(probe *p);
void probe_consume(probe *p, size_t size);
void probe_close(probe *p);
/* Closes without TLS's close_notify, by FIN or by RST. */
void probe_cut(probe *p, bool reset);
/* Closes, and turns until it is closed and every write was accounted for. NULL does nothing. */
void probe_finish(probe *p);

/* The byte at an offset of every pattern. */
uint8_t probe_byte(uint64_t offset);
/* size bytes of it from offset 0 on; free() it. */
uint8_t *probe_pattern(size_t size);

/* Turns until condition holds; the test fails if nothing at all comes for 60 seconds. All of it may
 * take longer: how long is for the machine to say, and ctest ends what goes on for ever. */
#define UNTIL(loop, condition)                                                                     \
    do {                                                                                           \
        uint64_t until_ms_ = fixture_now_ms() + 60000;                                             \
        while (!(condition)) {                                                                     \
            if (fixture_now_ms() > until_ms_)                                                      \
                fail_msg("%s:%d: in vain: %s", __FILE__, __LINE__, #condition);                    \
            if (rp_loop_turn(loop, 1000) > 0)                                                      \
                until_ms_ = fixture_now_ms() + 60000;                                              \
        }                                                                                          \
    } while (0)

/* Turns for ms. */
void probe_settle(rp_loop *loop, unsigned ms);

/* ---- configurations, of the certificates that make-certs makes ---- */

/* version: 12, 13, or 0 for a plain stream: NULL. */
rp_tls_config *probe_client_tls(int version);
rp_tls_config *probe_server_tls(const char *certificate, int version);

/* ---- two probes and what is between them ---- */

typedef struct probe_pair {
    rp_loop *loop;
    listener listener;
    rp_tls_config *client_tls, *server_tls; /* NULL: plain */
    probe client, server;
    size_t client_credit, server_credit;
    unsigned handshake_timeout_ms;
    uint64_t keepalive_idle_ms, keepalive_unconfirmed_ms;
    const char *host; /* NULL: "127.0.0.1" */
} probe_pair;

/* A loop, a listener and configurations for version; nothing is connected yet. */
void probe_pair_begin(probe_pair *pair, int version, const char *certificate);
/* Starts the client; its server end comes by itself. */
void probe_pair_start(probe_pair *pair);
/* Starts, and turns until both are open. */
void probe_pair_open(probe_pair *pair);
/* Finishes both and sets them to zero: another connection may follow. */
void probe_pair_again(probe_pair *pair);
/* Everything ends. Asserts that the loop never woke for nothing and that no TLS call was idle. */
void probe_pair_end(probe_pair *pair);
/* The same assertions for a loop of the test's own. */
void probe_loop_end(rp_loop *loop);

#endif
