/* sim.h - a simulated network: your program's outbound calls, its servers and everything that can
 * go wrong between them, in one thread, in virtual time, from a seed.
 *
 * The library target is ringport::sim (libringport_sim, before libringport); for tests only. A loop
 * made by rp_sim_loop_create is a loop like any other: streams, clients, timers and posts work on
 * it, unchanged. What differs is below them: time passes only when every loop of the simulation
 * waits, and then at once; bytes travel between loops of the same simulation only; names are those
 * that rp_sim_name_add and rp_sim_server_start made known.
 *
 * The seed decides what a real network leaves to chance: how many bytes each receive and send
 * takes (one included), how long everything takes, in which order completions come, whether a
 * cancel comes too late, and which of the faults strike. The same seed and the same calls give the
 * same run: the same callbacks in the same order at the same virtual times, with the same sizes.
 * TLS takes part: while a simulation is alive, wolfSSL's random generators of its thread are
 * seeded from it. Only the contents of encrypted records differ from run to run where sessions are
 * resumed, because wolfSSL puts the real time into a ticket's age; the trace does not hold them.
 * Dates are the world's: whether a certificate or a CRL is in date, and how far off a Retry-After's
 * date is where the answer has no Date, the real clock says.
 *
 * All calls on one simulation from one thread; simulations of one thread end in the reverse order
 * of their making.
 * The simulator's own lack of memory ends the process. */
#ifndef RINGPORT_SIM_H
#define RINGPORT_SIM_H

#include <ringport/loop.h>
#include <ringport/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rp_sim rp_sim;

/* What can go wrong. In brackets what one opportunity is: the thing that a probability is of and
 * that rp_sim_fault_at counts. */
typedef enum rp_sim_fault {
    RP_SIM_CONNECT_REFUSED,     /* [a connect] */
    RP_SIM_CONNECT_UNREACHABLE, /* [a connect] */
    RP_SIM_CONNECT_STALL,       /* [a connect] nobody ever answers */
    RP_SIM_RESET,               /* [one direction of a new connection] at a random byte of it the
                                 * connection is reset */
    RP_SIM_STALL,    /* [likewise] after a random byte nothing more arrives, and nobody says so */
    RP_SIM_TRUNCATE, /* [likewise] after a random byte comes the end of the stream (TCP's FIN) */
    RP_SIM_CORRUPT,  /* [likewise] a random byte arrives changed */
    RP_SIM_SEND_FAILED,      /* [a send] the system refuses it; the connection may live on */
    RP_SIM_RECEIVE_FAILED,   /* [a receive that is started] likewise */
    RP_SIM_NO_BUFFERS,       /* [a delivery of bytes] no receive buffer is free: it comes later */
    RP_SIM_NO_DESCRIPTORS,   /* [opening or accepting a socket] */
    RP_SIM_NO_SOCKET_MEMORY, /* [likewise] the system has no memory for it */
    RP_SIM_NO_MEMORY,        /* [an allocation by ringport, on a loop that has the fault enabled] */
    RP_SIM_NAME_NOT_FOUND,   /* [a question for the addresses of one family that a name has] */
    RP_SIM_NAME_FAILED,      /* [likewise] no name server answers usefully */
    RP_SIM_NAME_LATE,        /* [likewise] the answer takes up to a minute */
    RP_SIM_LOSS,             /* [a connect; bytes that are sent] it is lost, and sent again: a
                                 * second later, 200 ms later */
    RP_SIM_FAULTS
} rp_sim_fault;

/* A fault's name, "connect_refused" say; static. */
const char *rp_sim_fault_name(rp_sim_fault fault);

typedef struct rp_sim_options {
    uint64_t seed;
    /* The probability of each fault at each opportunity, in millionths; 0: never by chance. */
    uint32_t fault_ppm[RP_SIM_FAULTS];
    /* How long a byte takes from one end to the other, in microseconds of virtual time, the seed
     * choosing for every packet. Both 0: 20 to 2,000. */
    uint32_t latency_least_us, latency_most_us;
    /* What one direction of a connection holds between the two programs before a send has to wait.
     * 0: the seed chooses for each connection, 512 bytes to 256 KiB. */
    size_t window_bytes;
    /* No chance but in latency and faults: receives take all there is, sends all there is room
     * for, completions come in the order of their causes, a cancel is never late. */
    bool orderly;
    /* Called with a line for everything that happens on the network, without its end. NULL: none.
     * A hash of all lines is kept in any case: rp_sim_trace_hash. */
    void (*on_trace)(void *user, const char *line);
    /* Called when a loop waits for ever and nothing will ever happen: a lost completion, or a wait
     * without a deadline on a peer that stalls. The run cannot go on after it returns. NULL: only
     * the message, which holds the seed, and the end of the process. */
    void (*on_stuck)(void *user, const char *message);
    void *user;
} rp_sim_options;

/* options NULL: all defaults. error may be NULL. Errors: RP_E_NO_MEMORY, RP_E_BAD_OPTION. */
rp_status rp_sim_create_sized(rp_sim **sim, const rp_sim_options *options, size_t options_size,
                              rp_error *error);
static inline rp_status rp_sim_create(rp_sim **sim, const rp_sim_options *options, rp_error *error)
{
    return rp_sim_create_sized(sim, options, sizeof(rp_sim_options), error);
}

/* After every loop of it was destroyed. Stops its servers. NULL does nothing. */
void rp_sim_destroy(rp_sim *sim);

/* A loop on the simulated network; rp_loop_options.backend is not looked at. Whichever loop of the
 * simulation waits in a turn, turns the others too as far as they have something to do, so a
 * program with one client runs by rp_loop_run alone. It has no rp_loop_waitable: -1, NULL.
 * faulty: RP_SIM_NO_MEMORY and the faults of opening and accepting sockets strike here. */
rp_status rp_sim_loop_create_sized(rp_sim *sim, rp_loop **loop, const rp_loop_options *options,
                                   size_t options_size, bool faulty, rp_error *error);
static inline rp_status rp_sim_loop_create(rp_sim *sim, rp_loop **loop,
                                           const rp_loop_options *options, bool faulty,
                                           rp_error *error)
{
    return rp_sim_loop_create_sized(sim, loop, options, sizeof(rp_loop_options), faulty, error);
}

/* Virtual time since the simulation began, in nanoseconds. */
uint64_t rp_sim_now_ns(const rp_sim *sim);

/* Turns every loop of the simulation for so long, in virtual time. Not from a callback. */
void rp_sim_run_ms(rp_sim *sim, uint64_t ms);

/* A number below `below` (> 0), from the seed: for the test's own choices. */
uint64_t rp_sim_random(rp_sim *sim, uint64_t below);

/* ---- the network ---- */

/* Connecting to an address at which nobody listens is refused if a name has the address or anybody
 * ever listened there, and for 127.0.0.0/8 and ::1; any other address is out of reach.
 *
 * Makes a name known: addresses as in "192.0.2.1,2001:db8::1". At most 16 addresses. A name that
 * is already known gets these instead. Names that are not known do not exist.
 * Errors: RP_E_BAD_OPTION. */
rp_status rp_sim_name_add(rp_sim *sim, const char *name, const char *addresses, rp_error *error);

/* For how many seconds the answers about a known name, written in lower case, may be kept; 0, as
 * after rp_sim_name_add: not at all. */
void rp_sim_name_ttl(rp_sim *sim, const char *name, uint32_t ttl_s);

/* Changes the probability of a fault from here on. */
void rp_sim_fault_set(rp_sim *sim, rp_sim_fault fault, uint32_t ppm);

/* The fault strikes at the count-th opportunity from here on, 1 being the next; 0 takes an order
 * back. One order for each fault at a time; it is forgotten when it was carried out. */
void rp_sim_fault_at(rp_sim *sim, rp_sim_fault fault, uint64_t count);

/* How often a fault has struck. */
uint64_t rp_sim_fault_count(const rp_sim *sim, rp_sim_fault fault);

typedef enum rp_sim_direction { RP_SIM_TO_SERVER, RP_SIM_TO_CLIENT } rp_sim_direction;

/* The next connection that is made breaks so: RP_SIM_RESET, _STALL, _TRUNCATE or _CORRUPT, when
 * at_byte bytes of that direction have arrived (of _CORRUPT the byte after them is changed). One
 * order at a time: another call before that connection takes its place. */
void rp_sim_break_next(rp_sim *sim, rp_sim_fault fault, rp_sim_direction direction,
                       uint64_t at_byte);

/* Hash of the trace so far; two runs of one seed give the same. */
uint64_t rp_sim_trace_hash(const rp_sim *sim);

/* ---- a scripted server ---- */

typedef struct rp_sim_server rp_sim_server;
typedef struct rp_sim_exchange rp_sim_exchange;

/* The authority that signed the certificate of simulated servers, in PEM, for
 * rp_tls_options.ca_pem. Its key is public: never trust it outside of tests. */
extern const char rp_sim_ca_pem[];

/* What a server speaks. */
typedef enum rp_sim_versions {
    RP_SIM_HTTP_1, /* HTTP/1.1 */
    /* With TLS as ALPN has it, HTTP/2 before HTTP/1.1 (RFC 7301); plain: HTTP/2 with a client that
     * begins with its preface (prior knowledge, RFC 9113, 3.3). */
    RP_SIM_HTTP_1_OR_2,
    RP_SIM_HTTP_2, /* nothing else, also to a client that has no ALPN */
    RP_SIM_RAW     /* not HTTP: what comes goes to on_body, with TLS or without, and the script
                    * speaks with rp_sim_write. For a proxy, say */
} rp_sim_versions;

/* Of HTTP/2: a setting (RFC 9113, 6.5.2). */
typedef struct rp_sim_setting {
    uint16_t id;
    uint32_t value;
} rp_sim_setting;
enum {
    RP_SIM_HEADER_TABLE_SIZE = 1,
    RP_SIM_ENABLE_PUSH,
    RP_SIM_MAX_CONCURRENT_STREAMS,
    RP_SIM_INITIAL_WINDOW_SIZE,
    RP_SIM_MAX_FRAME_SIZE,
    RP_SIM_MAX_HEADER_LIST_SIZE
};

/* Of HTTP/2: what a server does by itself unless it is told otherwise; bits. */
enum {
    RP_SIM_SETTINGS = 1,     /* the first frame, with the options' settings */
    RP_SIM_SETTINGS_ACK = 2, /* of the client's settings */
    RP_SIM_PING_ACK = 4,
    RP_SIM_WINDOWS = 8 /* WINDOW_UPDATE for half of a window that was used up; what nobody needs
                        * any more is given back too */
};

typedef struct rp_sim_server_options {
    /* The name that leads to it. NULL: none, only its address does. */
    const char *host;
    /* An IP address. NULL: in a simulation one of 192.0.2.0/24 that nobody has (RFC 5737), on a
     * real loop 127.0.0.1. */
    const char *address;
    uint16_t port; /* 0: 443, or 80 where plain; on a real loop the system's choice */
    bool plain;    /* no TLS */
    /* PEM files, the leaf first. NULL: a certificate that rp_sim_ca_pem's authority signed, for
     * localhost, 127.0.0.1, ::1, 192.0.2.1 to 192.0.2.16, example.com, *.example.com, and likewise
     * .net and .org, and *.example.test. */
    const char *certificate_file, *key_file;
    rp_tls_version minimum_version, maximum_version;
    bool no_resumption;
    /* A connection came, before its handshake: what the script writes raw here goes out first. May
     * be NULL, as those below. */
    void (*on_connection)(rp_sim_exchange *exchange, void *user);
    /* A request's head came; its body follows. */
    void (*on_head)(rp_sim_exchange *exchange, void *user);
    /* Bytes of a request's body, in order. With it the body is not kept for on_request. */
    void (*on_body)(rp_sim_exchange *exchange, const uint8_t *data, size_t size, void *user);
    /* A request is complete, unless its script has ended before. NULL: it is answered with 200 and
     * the body "ok\n". Whoever does not end the script here must do so later, or the client waits
     * for ever. */
    void (*on_request)(rp_sim_exchange *exchange, void *user);
    /* The connection is gone, or in HTTP/2 its stream; the pointer is dead when it returns. */
    void (*on_gone)(rp_sim_exchange *exchange, void *user);
    void *user;
    rp_sim_versions versions;
    /* HTTP/2's first SETTINGS. */
    const rp_sim_setting *settings;
    size_t setting_count;
    unsigned withheld; /* as of rp_sim_withhold */
    /* Each frame of the client's, before what comes of it; exchange: the connection's. */
    void (*on_frame)(rp_sim_exchange *exchange, uint8_t type, uint8_t flags, uint32_t stream,
                     const uint8_t *payload, size_t size, void *user);
} rp_sim_server_options;

/* Starts a server on a loop of the simulation of its own, which whoever waits turns along. It lives
 * until rp_sim_server_stop or rp_sim_destroy.
 * Errors: RP_E_ADDRESS_IN_USE, RP_E_BAD_OPTION, RP_E_TLS_CONFIG, RP_E_NO_MEMORY. */
rp_status rp_sim_server_start(rp_sim *sim, rp_sim_server **server,
                              const rp_sim_server_options *options, rp_error *error);

/* The same on a loop of the caller's, a real one too; host must be NULL on a real one. The loop
 * must be turned, and the server be stopped before the loop is destroyed. */
rp_status rp_sim_server_start_on(rp_loop *loop, rp_sim_server **server,
                                 const rp_sim_server_options *options, rp_error *error);

/* Resets every connection and forgets the server, at once: its callbacks come no more but for
 * on_gone. Its address refuses from then on, and a new server may take it. Not from its own
 * callbacks. NULL does nothing. */
void rp_sim_server_stop(rp_sim_server *server);

/* "192.0.2.1:443"; lives as long as the server. */
const char *rp_sim_server_address(const rp_sim_server *server);

typedef struct rp_sim_server_counts {
    uint64_t connections, handshakes, resumed, requests;
    uint64_t malformed; /* requests that were not HTTP; breaches of HTTP/2 */
    uint64_t open;      /* connections now */
    /* Of HTTP/2, from the clients; PINGs are those that are no answers. */
    uint64_t connections_2, resets, pings, goaways, window_updates;
    uint64_t streams_most;            /* at a time, on one connection */
    uint32_t reset_code, goaway_code; /* the last one's */
} rp_sim_server_counts;
void rp_sim_server_counts_get_sized(const rp_sim_server *server, rp_sim_server_counts *counts,
                                    size_t counts_size);
static inline void rp_sim_server_counts_get(const rp_sim_server *of, rp_sim_server_counts *counts)
{
    rp_sim_server_counts_get_sized(of, counts, sizeof(rp_sim_server_counts));
}

/* What was wrong with the first that was malformed; NULL: none was. Lives as long as the server.
 * Each frame of an HTTP/2 client is judged by RFC 9113 (its form, its stream's state, windows,
 * settings, HPACK, the rules for requests), and a connection on which one is wrong ends with
 * GOAWAY, whose debug data is this. */
const char *rp_sim_server_complaint(const rp_sim_server *server);

typedef enum rp_sim_ending {
    RP_SIM_KEEP,          /* the response is complete, the connection serves on, if the client
                           * lets it */
    RP_SIM_CLOSE,         /* close_notify and FIN */
    RP_SIM_END_TRUNCATED, /* FIN without close_notify */
    RP_SIM_END_RESET,     /* RST */
    RP_SIM_END_STALLED    /* nothing more, ever */
} rp_sim_ending;

/* Ends every connection as rp_sim_end would, now. */
void rp_sim_server_drop(rp_sim_server *server, rp_sim_ending ending);

/* ---- an exchange: one connection of a server, and the request on it; or a stream of HTTP/2 ----
 *
 * The calls that follow append steps to its script, which are carried out one after the other, each
 * when the one before is done (written: handed to the network). Bytes are copied.
 *
 * On HTTP/1.1 a connection has one exchange for all its requests. On HTTP/2 each request has its
 * own, whose scripts run beside each other, until its stream is closed and its script has ended; a
 * client that resets a stream ends its script at once. The connection has one besides, of stream 0:
 * on_connection's. What is said below of the connection (its end, hold and flush, corrupt, nothing
 * read) is about all of it. */

/* Of the request; strings live until the request's script ended and the next one's head came. */
const char *rp_sim_method(const rp_sim_exchange *exchange);
const char *rp_sim_target(const rp_sim_exchange *exchange);
/* The value of a header, its name in any case; NULL: not there. */
const char *rp_sim_header(const rp_sim_exchange *exchange, const char *name);
/* Likewise of a trailer, once the request is complete. */
const char *rp_sim_trailer(const rp_sim_exchange *exchange, const char *name);
/* The body so far, if there is no on_body; at most 16 MiB are kept, more is malformed. */
const uint8_t *rp_sim_body(const rp_sim_exchange *exchange, size_t *size);
/* 11, 20; 10 for HTTP/1.0; 0: not known yet. */
int rp_sim_version(const rp_sim_exchange *exchange);
/* Requests on this connection before this one. */
unsigned rp_sim_served(const rp_sim_exchange *exchange);
rp_sim_server *rp_sim_exchange_server(const rp_sim_exchange *exchange);
/* The caller's own, NULL at first. */
void *rp_sim_exchange_user(const rp_sim_exchange *exchange);
void rp_sim_exchange_user_set(rp_sim_exchange *exchange, void *user);

/* A whole response with Content-Length, and RP_SIM_KEEP. headers: lines that end in CRLF, or
 * NULL. */
void rp_sim_respond(rp_sim_exchange *exchange, int status, const char *headers, const void *body,
                    size_t size);
/* A response in parts, for both versions. Of a body whose size is not known HTTP/1.1 makes chunks.
 * Lines of a connection (Connection, Keep-Alive, Transfer-Encoding, Upgrade) are left out in
 * HTTP/2. The data waits for HTTP/2's windows. The script's end (RP_SIM_KEEP, RP_SIM_CLOSE) is the
 * body's, or the trailers are. */
#define RP_SIM_SIZE_UNKNOWN UINT64_MAX
/* status below 200: an interim response; size is of no matter. */
void rp_sim_head(rp_sim_exchange *exchange, int status, const char *headers, uint64_t size);
void rp_sim_data(rp_sim_exchange *exchange, const void *data, size_t size);
/* Where HTTP/1.1 has no chunks there are none. */
void rp_sim_trailers(rp_sim_exchange *exchange, const char *headers);
/* Bytes of a connection as they are, in TLS records of their own: one for up to 16 KiB. */
void rp_sim_write(rp_sim_exchange *exchange, const void *data, size_t size);
void rp_sim_print(rp_sim_exchange *exchange, const char *format, ...)
#if defined(__GNUC__) && !defined(__clang__)
    __attribute__((format(__gnu_printf__, 2, 3))) /* C11's formats on every system */
#elif defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* 101 with these lines ("Connection: Upgrade\r\nUpgrade: websocket\r\n", say). Behind it the
 * connection is one of bytes: what the client sends comes by on_body, and rp_sim_write is sent. For
 * on_request, in HTTP/1.1. */
void rp_sim_upgrade(rp_sim_exchange *exchange, const char *headers);
/* How the bytes are cut. What one rp_sim_write gives is in records of its own; what one send gives
 * shares segments. Each write is a send of its own, but that from rp_sim_hold to rp_sim_flush
 * nothing leaves: then all of it does, in one send. The end of a script flushes too, the client's
 * reset of its stream, and a window that holds up its data, for only what was held may open it.
 * RP_SIM_CLOSE and RP_SIM_END_TRUNCATED have close_notify and FIN go along with what was held;
 * without a hold they follow it. rp_sim_wait makes a gap. (Orderly simulations deliver a send in
 * one piece; elsewhere the seed, or the system, may cut it again.) What stands before RP_SIM_KEEP
 * and behind the answer's end is unsolicited, and so is what rp_sim_write says in
 * on_connection. */
void rp_sim_hold(rp_sim_exchange *exchange);
void rp_sim_flush(rp_sim_exchange *exchange);
/* Calls fn when the steps before this one are done. It may append nothing behind rp_sim_end. */
typedef void rp_sim_step_fn(rp_sim_exchange *exchange, void *user);
void rp_sim_call(rp_sim_exchange *exchange, rp_sim_step_fn *fn, void *user);
/* Nothing more of what the client sends is read: an upload comes to a stop when the buffers are
 * full, and nobody notices the client's end. */
void rp_sim_stop_reading(rp_sim_exchange *exchange);
/* Bytes around TLS, as they are, on the connection itself. */
void rp_sim_write_raw(rp_sim_exchange *exchange, const void *data, size_t size);
/* The byte at this offset (0: the next) of what the connection sends from here on, TLS's framing
 * included, is changed. */
void rp_sim_corrupt(rp_sim_exchange *exchange, uint64_t offset);
void rp_sim_wait(rp_sim_exchange *exchange, uint64_t ms);
/* The end of the script: the last step of a request's. In HTTP/2 RP_SIM_KEEP ends the stream, if
 * that was not done, and RP_SIM_CLOSE says GOAWAY before close_notify; it and the others end the
 * whole connection, at once. A stream stalls if its script does not end. */
void rp_sim_end(rp_sim_exchange *exchange, rp_sim_ending ending);

/* ---- HTTP/2 by the frame ----
 *
 * Steps, too. What rp_sim_frame sends goes into the server's account as far as it is in order: it
 * uses and gives windows, ends or resets a stream, is a setting in force once it was confirmed, a
 * PING that may be answered, and a GOAWAY makes it pass over streams above its last. What
 * rp_sim_write sends does not. */

/* 0: the connection's. */
uint32_t rp_sim_stream(const rp_sim_exchange *exchange);
/* The exchange of its connection; of HTTP/1.1 itself. */
rp_sim_exchange *rp_sim_connection(rp_sim_exchange *exchange);
/* A setting of the client's; false: it has not said. */
bool rp_sim_client_setting(const rp_sim_exchange *exchange, uint16_t id, uint32_t *value);

enum {
    RP_SIM_FRAME_DATA,
    RP_SIM_FRAME_HEADERS,
    RP_SIM_FRAME_PRIORITY,
    RP_SIM_FRAME_RST_STREAM,
    RP_SIM_FRAME_SETTINGS,
    RP_SIM_FRAME_PUSH_PROMISE,
    RP_SIM_FRAME_PING,
    RP_SIM_FRAME_GOAWAY,
    RP_SIM_FRAME_WINDOW_UPDATE,
    RP_SIM_FRAME_CONTINUATION
};
enum {
    RP_SIM_FLAG_ACK = 1, /* of SETTINGS and PING */
    RP_SIM_FLAG_END_STREAM = 1,
    RP_SIM_FLAG_END_HEADERS = 4,
    RP_SIM_FLAG_PADDED = 8,
    RP_SIM_FLAG_PRIORITY = 32
};

/* Whatever it is, on whatever stream. */
void rp_sim_frame(rp_sim_exchange *exchange, uint8_t type, uint8_t flags, uint32_t stream,
                  const void *payload, size_t size);
/* HEADERS with these lines, ":status: 200\r\n" say, names as they are; by the connection's encoder
 * (HPACK), at the time of the step. At most cut bytes of them are in a frame, and the others in
 * CONTINUATIONs; 0: as many as the client takes. Without RP_SIM_FLAG_END_HEADERS none has it. */
void rp_sim_headers(rp_sim_exchange *exchange, uint8_t flags, uint32_t stream, const char *lines,
                    size_t cut);
void rp_sim_settings(rp_sim_exchange *exchange, const rp_sim_setting *settings, size_t count);
void rp_sim_window_update(rp_sim_exchange *exchange, uint32_t stream, uint32_t increment);
/* last_stream UINT32_MAX: the last that was taken by then. debug: a text, or NULL. */
void rp_sim_goaway(rp_sim_exchange *exchange, uint32_t last_stream, uint32_t code,
                   const char *debug);
/* RST_STREAM, and the script's end. Of HTTP/1.1: RP_SIM_END_RESET. */
void rp_sim_reset_stream(rp_sim_exchange *exchange, uint32_t code);
/* From here on the server does not do these by itself. What was withheld before is made up for, but
 * for PINGs. */
void rp_sim_withhold(rp_sim_exchange *exchange, unsigned what);

#ifdef __cplusplus
}
#endif
#endif
