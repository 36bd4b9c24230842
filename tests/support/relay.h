/* relay.h - a proxy for tests, on any loop: HTTP's CONNECT or SOCKS 5, with TLS or without. It does
 * as it is told, or answers what the test has it say. */
#ifndef RP_TESTS_RELAY_H
#define RP_TESTS_RELAY_H

#include <ringport/ringport.h>
#include <ringport/sim.h>

typedef struct relay_answer {
    const char *text;
    size_t size, cut;
    rp_sim_ending then;
} relay_answer;

typedef struct relay_options {
    bool tls;
    bool socks;
    bool forwards;    /* answers requests for whole URLs itself */
    const char *user; /* demanded, with password; NULL: not */
    const char *password;
    uint8_t auth_version; /* in SOCKS' answer to these; 0: RFC 1929's */
    /* Instead of its own answer, to CONNECT or to SOCKS' first words: so many bytes, in pieces of
     * cut (0: one), and then: RP_SIM_KEEP: as a tunnel that leads nowhere. */
    const char *answer;
    size_t answer_size, cut;
    rp_sim_ending then;
    uint16_t port;          /* 0: any */
    size_t own_cut;         /* its own answers are cut so, likewise */
    const char *before;     /* goes out in front of its own 200 */
    const char *head_lines; /* in its own 200 */
    /* Asked for each connection, when its first words are there: true: it is answered so, as above.
     * May be NULL. */
    bool (*choose)(void *user_data, const uint8_t *words, size_t size, relay_answer *answer);
    void *user_data;
    bool passes_on; /* requests for whole URLs, as they are, to whom the first is for */
} relay_options;

typedef struct relay {
    rp_loop *loop;
    rp_sim_server *server;
    relay_options options;
    char asked[2048]; /* the last request of HTTP, in whole */
    char target[300]; /* the last "host:port" */
    uint8_t type;     /* of SOCKS' last address */
    unsigned tunnels; /* that stood */
    uint64_t bytes;   /* through tunnels, to the origin */
    uint8_t seen[4096];
    size_t seen_size; /* the first of them */
} relay;

void relay_begin(relay *r, rp_loop *loop, const relay_options *options);
/* "SCHEME://CREDENTIALS127.0.0.1:PORT"; static. */
const char *relay_url(const relay *r, const char *scheme, const char *credentials);
void relay_end(relay *r);

#endif
