/* load.h - open load in virtual time: requests come at their times, whatever becomes of those
 * before, at a server that has so many workers. */
#ifndef RP_TESTS_LOAD_H
#define RP_TESTS_LOAD_H

#include "support/play.h"

#define LOAD_WORKERS 64
#define LOAD_SECONDS 64

/* A server that works on so many requests at a time, and lets the others wait in the order in which
 * they came, also when nobody wants their answers any more. */
typedef struct load_server {
    unsigned workers;
    uint64_t service_us; /* that each takes, ... */
    bool random;         /* ...on average (exponentially distributed) */
    int status;          /* of its answers; 0: 200 */
    const char *headers; /* likewise */
    rp_sim *sim;         /* set by load_begin */
    uint64_t free_us[LOAD_WORKERS];
    unsigned requests;
} load_server;

/* For rp_sim_server_options.on_request; user: load_server. */
void load_serve(rp_sim_exchange *exchange, void *user);

typedef struct load {
    play *play;
    const rp_request_options *request; /* url is set */
    unsigned per_second, seconds;
    unsigned sent, good, late; /* good: 200, of the run's own requests */
    unsigned refused, failed;  /* by rp_client_send; in on_done */
    unsigned attempts, hedges; /* all requests' together */
    rp_status why;             /* of the last refused or failed */
    char text[RP_ERROR_TEXT_SIZE];
    unsigned good_in[LOAD_SECONDS]; /* answers in each second */
    uint64_t *took_us;              /* of the good ones, sorted */
    void (*each)(struct load *l);   /* before each request; may be NULL */
    void *user;
    /* Inside. */
    uint64_t began_ns, next_us;
    unsigned open;
    rp_timer timer;
} load;

/* Sends per_second requests for so many seconds, at random times, and waits for all of them. */
void load_run(load *l);
/* Of the good ones' times, in microseconds. */
uint64_t load_percentile_us(const load *l, unsigned percent);
void load_end(load *l);

#endif
