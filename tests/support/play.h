/* play.h - a simulation with one scripted server and one HTTP client, by public headers alone: for
 * the tests of the simulator itself. */
#ifndef RP_TESTS_PLAY_H
#define RP_TESTS_PLAY_H

#include <ringport/ringport.h>
#include <ringport/sim.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PLAY_HOST "api.example.test"

typedef struct play_options {
    const rp_sim_options *sim; /* NULL: seed 1, orderly */
    const rp_sim_server_options *server;
    const rp_client_options *client; /* tls is set here */
    int version;                     /* 12, 13, 0: plain */
    bool faulty;                     /* the client's loop */
} play_options;

typedef struct play {
    rp_sim *sim;
    rp_loop *loop;
    rp_tls_config *tls;
    rp_client *client;
    rp_sim_server *server; /* PLAY_HOST */
    int version;
} play;

/* options NULL: all defaults. */
void play_begin(play *p, const play_options *options);
/* The same without a server and a client; options are wanted. */
void play_world(play *p, const play_options *options);
/* The client, the loop, the servers and the simulation end. Asserts that nothing woke for nothing
 * and that no TLS call was idle. */
void play_end(play *p);
/* Another server at PLAY_HOST's address, after the first was stopped. */
void play_serve(play *p, const rp_sim_server_options *server);
/* Another client, which knows no connections. */
void play_client(play *p, const rp_client_options *client);

/* A request and what came of it. */
typedef struct call {
    rp_request *request; /* NULL before the start and after its end */
    unsigned dones;
    rp_error error; /* status RP_OK: none */
    int status;
    uint64_t body_bytes;
    char text[128]; /* the body's first bytes, NUL-terminated */
    char address[64];
    bool reused, resumed, stale;
    uint64_t took_ns; /* of virtual time */
    rp_sim *sim;
} call;

/* "https://api.example.test/path"; static. */
const char *play_url(const play *p, const char *path);
/* options may be NULL, and its url too: PLAY_HOST's. */
void call_start(call *c, play *p, const rp_request_options *options);
void call_wait(call *c, play *p);
/* Both, and that it succeeded with 200. */
void call_good(call *c, play *p);
/* Both, and that it failed so; sentence NULL: any. */
void call_bad(call *c, play *p, rp_status status, rp_phase phase, const char *sentence);

#endif
