/* world.h - one run of the swarm: servers, a client and its calls, and streams, all of one seed, in
 * a simulation or over loopback, and the invariants that hold after every turn.
 *
 *   knobs.c     what is in it          world.c    its life, its turns
 *   hosts.c     the servers            calls.c    the client's requests and what came of them
 *   detours.c   redirects, proxies, encoded answers    coding.c   which are made there
 *   producers.c  bodies that go up piece by piece
 *   streams.c   streams both ways      chaos.c    what happens to them from outside
 *   invariants.c  what holds after every turn
 *   ground.c    the simulator, or real loops and threads
 *
 * A check that fails ends the process; swarm.c tells how to repeat the run. */
#ifndef SWARM_WORLD_H
#define SWARM_WORLD_H

#include "client/origin.h"
#include "client/pool.h"
#include "client/request.h"
#include "client/stream_inside.h"
#include "support/check.h"
#include "support/relay.h"
#include "support/traced.h"
#include "swarm/coding.h"
#include "swarm/ground.h"
#include "swarm/knobs.h"

typedef struct call call;
typedef struct duplex duplex;

/* How an answer goes wrong. */
typedef enum flaw {
    FLAW_NONE,
    FLAW_SHORT,     /* the connection closes in the middle of the body */
    FLAW_CUT,       /* likewise, without close_notify */
    FLAW_RESET,     /* likewise, by a reset */
    FLAW_STALL,     /* nothing more comes */
    FLAW_BAD_HEAD,  /* is not HTTP */
    FLAW_BAD_CHUNK, /* in the chunks' framing */
    FLAW_HUGE_HEAD,
    FLAW_SILENCE, /* the connection closes without an answer */
    FLAW_DEAF,    /* the request's body is not read, and there is no answer */
    FLAWS
} flaw;

/* What comes behind a good answer and nobody asked for. */
typedef enum extra {
    EXTRA_NONE,
    EXTRA_TEXT,
    EXTRA_LINE_END, /* servers must bear one before a request (RFC 9112, 2.2), clients need not */
    EXTRA_ANSWER,   /* a second one */
    EXTRA_BODY,     /* of an answer that has none: to HEAD, 304; with 204 an empty chunked one */
    EXTRAS
} extra;

typedef enum place { IN_RECORD, IN_SEGMENT, NEXT_SEGMENT, LATER, PLACES } place;

/* How an answer's bytes are cut. */
typedef enum cut {
    CUT_WRITES, /* each piece is a record and a send of its own */
    CUT_HELD,   /* records of their own in one send; the connection's end goes along */
    CUT_MIXED,
    CUT_RECORD, /* all of it is given at once */
    CUTS
} cut;

typedef enum framing { BY_LENGTH, BY_CHUNKS, BY_CLOSE, NO_BODY } framing;

/* What a server says where 100 Continue is waited for. */
typedef enum expectation {
    EXPECT_NONE, /* it is not */
    EXPECT_YES,
    EXPECT_LATE,
    EXPECT_SILENCE,
    EXPECT_NO,     /* 417 */
    EXPECT_ANSWER, /* the final one */
    EXPECTATIONS
} expectation;

/* Where a request goes that goes to none of the hosts as it should. */
typedef enum astray {
    AS_MEANT,
    NO_SUCH_NAME,
    NOBODY_LISTENS,
    WRONG_NAME,   /* https, and the certificate is for others */
    WRONG_SCHEME, /* http to a TLS server, or https to a plain one */
    ASTRAYS
} astray;

#define HOPS_MOST 5

/* A request of a call, and what sends it on. */
typedef struct leg {
    host *host;
    int status;
    size_t body_bytes;
    bool rude;        /* the connection ends in the middle of that body */
    bool relative;    /* the Location, where it can be */
    bool cookie_anew; /* another origin gets one of its own */
} leg;

typedef struct proxy {
    world *world;
    proxy_kind kind;
    relay relay;
    rp_proxy *proxy;
} proxy;

struct call {
    world *world;
    host *host; /* whose answer it gets */
    unsigned id;
    /* What is asked. */
    const char *method;
    astray astray;
    size_t upload_bytes, credit_bytes;
    expectation expectation;
    uint64_t expect_ms;
    bool produced, length_known, trailers, rewinds, cancel_in_wanted;
    size_t give_bytes, give_up_at; /* 0: to its end */
    uint64_t give_ms;              /* between the pieces */
    uint64_t total_ms, first_byte_ms, idle_ms;
    uint64_t cancel_us; /* 0: not by a timer */
    bool cancel_in_head, cancel_in_body;
    /* What is answered. */
    flaw flaw;
    extra extra;
    place place;
    cut cut;
    framing framing;
    unsigned status, informational;
    size_t body_bytes, flaw_at, piece_bytes, extra_at;
    uint64_t wait_ms; /* now and then, between pieces */
    bool early;       /* before the request's body is there */
    bool early_hints; /* a 103 comes before it is */
    unsigned busy;    /* so often its host says 503 first */
    bool was_busy;
    bool close_announced, close_silent;
    /* Its way there: hop after hop, the last of which is host's. */
    leg way[HOPS_MOST + 1];
    unsigned hops, hops_limit;
    bool insecure; /* from https to http, too */
    bool secret;   /* with credentials, which are for the first one */
    char bearer[32], cookie_first[16], cookie[16];
    rp_header headers[3], cookie_header;
    unsigned told;     /* redirects, by the client */
    unsigned hop_seen; /* the last one that was asked */
    unsigned followed; /* redirects, at its end */
    proxy *proxy;      /* NULL: none */
    /* How its answer is encoded: body_bytes are those of wire, which is NULL where it is not. */
    bool decompress, zeros;
    uint8_t *wire;
    size_t wire_bytes, plain_bytes;
    char encoding[48];
    bool events; /* it is a stream of events */
    bool leaves; /* it is behind a 101, on a connection that leaves HTTP */
    uint64_t decoded_limit;
    rp_status coding_fault; /* RP_OK: none */
    /* What came of it. */
    rp_event_reader *reader; /* of its events; NULL: not yet, or no more */
    unsigned heard;
    bool events_missed; /* there was no memory */
    rp_stream *left;    /* which it left; NULL: not, or that is over */
    size_t left_bytes;
    rp_timer leave_timer;
    rp_request *request; /* until on_done */
    rp_timer timer;      /* cancels, or returns credit */
    rp_timer cancel_timer, give_timer;
    size_t given; /* of the body, to the present attempt */
    bool wanted, given_up;
    unsigned wanted_time, rewound, ended; /* ended: its end was told, so often */
    bool started, done, good, cancelled;
    unsigned heads, infos, attempts;
    uint64_t started_us, done_us, moved_us, received, owed; /* moved: since it was started */
    unsigned asked;                                         /* heads of it that its host saw */
    uint64_t seen;      /* bytes of it that a host has seen at the least, of one attempt */
    uint64_t told_sent; /* bytes, of its last attempt; judged when all has arrived */
    bool told_safe;
    bool strange; /* got what was another's: only what had left already may */
    bool excused; /* and left on a connection before something unsolicited came there */
    rp_status status_code;
};

struct host {
    world *world;
    const host_knobs *knobs;
    unsigned number;
    char name[32], address[64];
    uint16_t port;         /* on a real ground */
    rp_sim_server *server; /* NULL: dead */
    rp_timer timer;        /* until it returns */
    bool hangs_up;         /* it has answered one who waits for 100, and may close without a word */
};

/* Memory that is counted, of the client's loop. */
typedef struct heap {
    size_t bytes, most;
    uint64_t blocks;
} heap;

struct world {
    knobs knobs;
    const scenario *scenario;
    ground ground;
    rp_sim *sim;              /* NULL: a real ground */
    dice chances;             /* there */
    rp_loop *loop, *far_loop; /* the client's; the streams' other ends' */
    heap heap;
    rp_tls_config *tls;
    rp_client *client;
    traced traced; /* its events, of every other seed */
    host hosts[HOSTS_MOST];
    proxy proxies[PROXIES_MOST];
    rp_loop *relay_loop; /* the proxies' */
    call *calls;
    unsigned next_call, active, done;
    unsigned taken; /* calls, by rp_client_send */
    unsigned left;  /* streams of calls that left HTTP */
    char *upload;   /* every call's body is read from here */
    duplex *streams;
    rp_timer starter, chaos;
    unsigned kills, drops, cancel_storms;
    bool troubled;       /* any failure may be the network's or a server's */
    bool client_is_gone; /* destroyed in the middle */
    uint64_t turns;
};

/* Runs it all. */
typedef struct outcome {
    uint64_t calls, good, good_over_2, streams, turns, simulated_us, trace_hash;
    uint64_t faults[RP_SIM_FAULTS];
    uint64_t handshakes_full, handshakes_resumed, reused;
    uint64_t failed[RP_E_PROXY_TIMEOUT + 1]; /* calls, by status */
} outcome;
/* backend NULL: in the simulator, and on_trace gets its trace. name NULL: any scenario. */
void world_run(const char *backend, const char *name, uint64_t seed,
               void (*on_trace)(void *user, const char *line), outcome *out);

uint64_t world_now_us(const world *w);
/* Below `below`, of the simulation's seed; and so many of a thousand. */
uint64_t world_draw(world *w, uint64_t below);
bool world_chance(world *w, unsigned permille);
/* How late a timer may be: by what the program does meanwhile, and on a real ground by what the
 * machine does. */
uint64_t world_late_us(const world *w);
/* The byte of a body: of call `id`, upwards or downwards. */
uint8_t world_byte(unsigned id, bool up, uint64_t offset);

/* hosts.c */
void hosts_start(world *w);
void hosts_end(world *w);
void host_drop(host *h, rp_sim_ending ending);
void host_kill(host *h, uint64_t returns_after_ms);
/* The name that leads to it, or its address. */
const char *host_name(const host *h);

/* calls.c */
void calls_plan(world *w);
void calls_start(world *w);
void calls_end(world *w);
void call_cancel(call *c);
/* By chance, of one of them: at any time, while more is on its way. */
void calls_credit_back(world *w);
/* The body's end stands in the head, or is told by chunks or the connection's end. */
void call_answer_head(const call *c, char *text, size_t size);

/* detours.c */
void call_plan_redirects(world *w, call *c);
void call_plan_coding(world *w, call *c);
void call_plan_proxy(world *w, call *c);
/* What the request at a hop is, and whether all before it went to the first host too. */
const char *call_method(const call *c, unsigned hop);
size_t call_upload(const call *c, unsigned hop);
bool call_is_home(const call *c, unsigned hop);
/* Are all of its redirects followed? The first that is not; else hops. */
bool call_may_redirect(const call *c);
unsigned call_refused_hop(const call *c);
bool call_any_host(const call *c, bool (*is)(const call *c, const host *h));
void call_url(const call *c, unsigned at, const char *scheme, const char *name, char *url,
              size_t size);
void call_redirect(rp_sim_exchange *x, const call *c, unsigned at);
bool call_redirected(call *c, rp_redirect *redirect);
void call_secrets(call *c, rp_request_options *options);
void call_check_secrets(const rp_sim_exchange *x, const call *c, unsigned at);
uint8_t call_wire_byte(const call *c, size_t at);
bool proxy_explains(const call *c, rp_status status);
/* The servers' side, and the client's. */
void proxies_start(world *w, rp_loop *loop);
void proxies_end(world *w);
void proxies_create(world *w);
void proxies_release(world *w);

/* events.c */
/* Of the body, before it is encoded. */
uint8_t call_plain_byte(const call *c, uint64_t at);
void call_hear(call *c, const uint8_t *data, size_t size);
void call_hear_end(call *c);

/* leaving.c */
void call_plan_leaving(world *w, call *c);
/* In its final head. */
void call_leave(call *c, rp_request *request);

/* producers.c */
void call_plan_producer(world *w, call *c);
void call_body(call *c, rp_request_options *options);
void call_body_ends(call *c);
/* The servers' side: has 417 to be said; what else is said to Expect, and *may_come: no body may
 * before it is true; and was all of it as it was given? */
bool call_expectation_fails(const rp_sim_exchange *x, const call *c);
void call_expects(rp_sim_exchange *x, const call *c, bool *may_come);
void call_check_body(const rp_sim_exchange *x, const call *c);

/* streams.c */
void streams_start(world *w);
bool streams_done(const world *w);
void streams_hold(const world *w);
void streams_end(world *w);

/* chaos.c */
void chaos_start(world *w);

/* invariants.c */
void invariants_hold(const world *w);
void stream_holds(const rp_stream *s);

#endif
