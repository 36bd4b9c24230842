/* torture.h - scenarios that are run again and again, each time with another call failing.
 *
 *   sim.c        the simulated ones: kinds of faults, counting, what must hold after each run
 *   scenarios.c  what is asked of the client and of streams, and what must come of it
 *   answers.c    the servers' scripts
 *   account.c    a request and what came of it, checked at every callback
 *   fail.c       allocations that are counted, and fail when they are told to
 *   linux.c      real loops: the system's and liburing's calls fail
 *
 * A check that fails ends the process; the last line then says how to repeat the run. */
#ifndef TORTURE_TORTURE_H
#define TORTURE_TORTURE_H

#include "support/check.h"
#include "support/probe.h"
#include "support/relay.h"

#include <ringport/ringport.h>
#include <ringport/sim.h>

#define ASKS_MOST 16
#define SERVERS_MOST 3

/* ---- fail.c ---- */

typedef struct counter {
    bool armed;
    bool onward; /* all from the at-th on fail, not that one alone */
    uint64_t at; /* 0: none fails */
    uint64_t calls, struck, live;
} counter;

/* Of the loop under test and of the configurations made in a region; of wolfSSL, where nobody else
 * than the loop under test calls it. */
extern counter ours, wolf;
/* Says whether wolfSSL is called by somebody whose calls are not to fail. */
extern bool (*wolf_is_others)(void);
/* What allocates without an allocator of ours counts with ours in here. */
extern bool fail_region;

bool counter_fails(counter *c);
void fail_prepare(void);
/* Counts and fails with ours. */
extern const rp_allocator fail_allocator;

/* ---- account.c ---- */

typedef struct torture torture;
typedef struct ask ask;

struct ask {
    torture *torture;
    rp_request *request; /* NULL before the start and after on_done */
    rp_status expected;  /* RP_OK: status 200 and the whole body */
    bool short_too;      /* the end of a plain connection ends the body, wherever it comes */
    rp_status also;      /* may come of a fault, too; RP_OK: nothing */
    uint64_t size;       /* of the body */
    bool started, done, cancelled, final_head;
    int status;
    unsigned informational;
    uint64_t received;
    rp_error error;
    bool collected; /* by rp_collect_events */
    rp_collected collect;
    rp_timer timer; /* returns credit */
    uint64_t owed;
    uint64_t up_size, up_given; /* of a body that is given piece by piece */
    const rp_header *up_trailer;
    bool up_later; /* by the timer */
    /* What the scenario adds; may be NULL. */
    void (*on_head)(ask *a);
    void (*on_body)(ask *a);
    void (*on_done)(ask *a);
};

/* The byte at an offset of every body. */
uint8_t torture_byte(uint64_t offset);
/* Starts a request; url's path says what is answered: see answers.c. */
ask *ask_start(torture *t, const char *url, uint64_t size, const rp_request_options *options);
void ask_begin(ask *a, const char *url, const rp_request_options *options);
void ask_cancel(ask *a);
bool asks_done(const torture *t);
/* Turns until every request is done. */
void asks_wait(torture *t);
/* Another client; false: there is none, and the fault explains why. */
bool torture_client(torture *t);

/* ---- sim.c ---- */

typedef struct scenario {
    const char *name;
    void (*serve)(torture *t);
    void (*run)(torture *t);
    unsigned number;                 /* the scenario's own */
    bool life;                       /* what is there before is made in it */
    unsigned bytes;                  /* breaks at every so many bytes, too; 0: not */
    bool own_stall;                  /* uses a connect that stalls itself */
    unsigned versions;               /* the server's TLS: 0, 12, 13 */
    bool http2;                      /* the server speaks it */
    const char *proxy;               /* its scheme; NULL: none */
    const rp_client_options *client; /* NULL: defaults */
} scenario;
extern const scenario scenarios[]; /* the last has no name */

struct torture {
    const scenario *scenario;
    rp_sim *sim;
    rp_loop *loop;
    rp_client *client;
    rp_tls_config *tls; /* shared by all runs */
    rp_client_options client_options;
    rp_sim_server *servers[SERVERS_MOST];
    const char *urls[SERVERS_MOST]; /* of a clean request */
    unsigned server_count;
    ask asks[ASKS_MOST];
    unsigned ask_count;
    probe probe;                        /* a stream, if the scenario has one */
    uint64_t started;                   /* a scenario's own count */
    unsigned given_back;                /* requests, by the servers */
    bool (*may)(const rp_error *error); /* the fault that is on explains this error */
    bool held;                          /* no fault strikes now */
    relay relay;                        /* the proxy, on a loop of its own */
    rp_loop *relay_loop;
    rp_proxy *proxy;
};

/* A server for a name, with the scripts of answers.c. */
rp_sim_server *torture_serve(torture *t, const char *host, bool plain, rp_tls_version version);
/* The loop, a configuration; false: there is none, and the fault explains why. */
bool torture_loop(torture *t);
bool torture_tls(torture *t, const rp_tls_options *options, rp_tls_config **tls);
/* What is done between these does not fail. */
void torture_hold(torture *t, bool hold);
void torture_turn(torture *t);

/* ---- answers.c ---- */

void answer(rp_sim_exchange *x, void *user);
void answer_head(rp_sim_exchange *x, void *user);

#endif
