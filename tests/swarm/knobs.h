/* knobs.h - what a run of the swarm is made of: chosen by its seed, as its scenario says. */
#ifndef SWARM_KNOBS_H
#define SWARM_KNOBS_H

#include <ringport/events.h>
#include <ringport/http.h>
#include <ringport/sim.h>

#define HOSTS_MOST 4
#define PROXIES_MOST 4

typedef enum proxy_kind {
    PROXY_HTTP,
    PROXY_HTTPS,
    PROXY_SOCKS5,
    PROXY_SOCKS5H,
    PROXY_FORWARD, /* of http, and what is plain goes as requests for whole URLs */
    PROXY_KINDS
} proxy_kind;

typedef struct dice {
    uint64_t state;
} dice;

/* Below `below`; one of `of` chances; and between least and most, small ones oftener. */
uint64_t dice_draw(dice *d, uint64_t below);
bool dice_chance(dice *d, unsigned permille);
uint64_t dice_scale(dice *d, uint64_t least, uint64_t most);

typedef struct host_knobs {
    bool plain, no_resumption;
    rp_tls_version version;   /* the only one; 0: both */
    bool dead_address;        /* its name has one where nobody answers before the good one */
    unsigned misbehaves;      /* permille of connections that go wrong before or in the handshake */
    unsigned premature;       /* permille of connections that answer before they are asked */
    unsigned announced_close; /* permille of responses with "Connection: close" */
    unsigned silent_close;    /* likewise without saying so */
    bool http2;               /* is spoken, and nothing else */
    unsigned streams_limit;   /* of its first SETTINGS, and by chance of later ones; 0: none */
    unsigned first_window;    /* likewise SETTINGS_INITIAL_WINDOW_SIZE */
    unsigned refuses;         /* permille of requests that are refused at first (REFUSED_STREAM) */
    unsigned withholds;    /* permille of requests after which windows are withheld for a while */
    unsigned keep_alive_s; /* says so, and closes what has been idle for so long; 0: neither */
} host_knobs;

typedef struct knobs {
    rp_sim_options sim;
    rp_loop_options loop;
    rp_client_options client;
    bool faulty;    /* memory and descriptors may lack */
    bool distrusts; /* the client does not know the authority */
    rp_tls_version client_version;
    bool no_resumption;

    bool only_2; /* all hosts speak HTTP/2 */
    host_knobs hosts[HOSTS_MOST];
    unsigned host_count;

    unsigned calls, at_once;
    uint64_t pause_us; /* most between the end of a call and the start of the next; 0: at once */
    size_t body_bytes, upload_bytes; /* at most */
    /* Permille of calls: */
    unsigned uploads, flawed, slow, credited, informational, early, astray, extras, busy;
    unsigned cancelled, limited, redirected, encoded, proxied;
    unsigned produced; /* of those that upload */
    unsigned events;   /* their answers are server-sent events */
    unsigned leaving;  /* they leave HTTP, where they can */
    uint64_t limit_ms; /* of those with a deadline; the most, or that of all */
    bool same_limit;
    unsigned tries; /* of a call at the most, by the client's policy, those beside another too */

    unsigned proxy_count;
    proxy_kind proxies[PROXIES_MOST];
    unsigned proxy_misbehaves; /* permille of their connections */

    /* How often, in all. */
    unsigned kills, drops, cancel_storms;
    unsigned streams; /* beside the calls */
    size_t stream_bytes;
    bool ends_early; /* the client is destroyed in the middle */
    bool polls;      /* most turns do not wait */
    bool cuts;       /* answers are cut into records and segments by chance */
    bool real;
    bool apart;             /* on real loops: the servers have a thread of their own */
    unsigned host_pauses;   /* permille of turns before which the program does something else */
    uint64_t host_pause_ms; /* for so long at the most */
} knobs;

typedef struct scenario {
    const char *name;
    void (*choose)(knobs *k, dice *d);
} scenario;

/* The last has no name. The first is "swarm": everything by chance. */
extern const scenario scenarios[];

/* NULL: any, by the seed. Returns the scenario that it was, or NULL if there is none of this name.
 * real: with what loopback and real time can do. */
const scenario *knobs_choose(knobs *k, const char *name, uint64_t seed, bool real);

#endif
