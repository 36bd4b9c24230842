/* foreign.h - other people's HTTP/2 servers: each a process with a directory and ports of its own;
 * a client for them; and crowds of requests. foreign_posix.c, crowd.c. */
#ifndef RP_TESTS_FOREIGN_H
#define RP_TESTS_FOREIGN_H

#include "support/process.h"
#include "support/web.h"

enum { FOREIGN_PORTS = 4, FOREIGN_LARGE = 8 * 1024 * 1024, FOREIGN_MIDDLE = 256 * 1024 };

typedef struct foreign {
    process process;
    char directory[64]; /* www/hello, www/middle and www/large (probe_byte's pattern), log */
    uint16_t ports[FOREIGN_PORTS];
    int reserved[FOREIGN_PORTS]; /* sockets that keep the ports for the server */
} foreign;

/* Whether there is such a program; not each release of Debian has all of them. */
bool foreign_installed(const char *program);

void foreign_begin(foreign *f);
/* Writes a file. In text DIR, CERTS and PORT0 to PORT3 stand for what they are. */
void foreign_write(foreign *f, const char *name, const char *text);
/* Starts a command of the shell's, in which the same words stand for the same, and waits until it
 * takes connections at PORT0. What it says goes to DIR/log. */
void foreign_start(foreign *f, const char *command);
void foreign_signal(foreign *f, int number);
void foreign_stop(foreign *f);
/* How often a file of the directory's holds text; the file may grow meanwhile. */
unsigned foreign_count(const foreign *f, const char *name, const char *text);
/* The end of what it said. */
void foreign_show_log(const foreign *f);
/* Stops it if it runs. */
void foreign_end(foreign *f);

/* "https://localhost:PORT0/path"; one of 8 buffers, used in turn. */
const char *foreign_url(const foreign *f, const char *path);
const char *foreign_url_at(const foreign *f, unsigned port, const char *path);

/* A loop of the backend under test, and a client that trusts the tests' authority. */
void foreign_client(web *w, const rp_client_options *options);
void foreign_client_end(web *w);

/* ---- crowds ---- */

typedef enum crowd_outcome { CROWD_NONE, CROWD_GOOD, CROWD_FAILED, CROWD_CANCELLED } crowd_outcome;

/* Requests, some at a time. A new one begins when one is done. */
typedef struct crowd {
    const char *url; /* with one %u, which becomes the request's number */
    rp_request_options request;
    unsigned total, at_once;
    unsigned cancel_from, cancel_every; /* the number's rest by every is from or more: cancelled */
    unsigned cancel_at; /* 0: in the next turn; 1: with the head; 2: with the first of the body */
    bool checked;       /* bodies have probe_byte's pattern */
    void (*on_done)(struct crowd *c); /* may be NULL */
    void *user;

    /* What came of it. */
    unsigned started, done, good, failed, cancelled, http2;
    uint64_t body_bytes;
    unsigned most_attempts;
    uint8_t *outcomes; /* by number */
    rp_error error;    /* the first failure's */

    web *web;
    struct crowd_member *members;
} crowd;

/* Until all are done. crowd_end afterwards. */
void crowd_run(crowd *c, web *w);
void crowd_begin(crowd *c, web *w);
void crowd_end(crowd *c);
/* Runs, and asserts that those which were not cancelled succeeded, by HTTP/2. */
void crowd_good(crowd *c, web *w);

#endif
