/* judge.h - `ringport judge`: what a client makes of a server that misbehaves, or does what few do.
 *
 * A situation is a row of a table: what the server does, and which outcomes are right. Each is
 * served on a port of its own (include/ringport/sim.h's server, on a real loop), and the client's
 * command is run against it. What it did is one outcome; the verdict follows from the row alone:
 * judge_verdict.c. The rows: judge_http1.c, judge_tls.c, judge_certificates.c, judge_http2.c. */
#ifndef TOOL_JUDGE_H
#define TOOL_JUDGE_H

#include "options.h"

#include <ringport/sim.h>

/* What servers say. The client is to print it. */
#define JUDGE_WHOLE "whole answer\n" /* 13 bytes */
#define JUDGE_SECOND "second answer\n"
#define JUDGE_FORGED "forged answer\n" /* never to be printed: no request was answered with it */

/* What a client did; bits, as several may be right. */
typedef enum judge_outcome {
    JUDGE_TAKEN = 1,   /* exit code 0, and the body was printed as it is */
    JUDGE_FAILED = 2,  /* another exit code: the client says that something is wrong */
    JUDGE_MISREAD = 4, /* exit code 0, and something else was printed */
    JUDGE_FOOLED = 8,  /* JUDGE_FORGED was printed */
    JUDGE_HUNG = 16    /* it did not end within the limit */
} judge_outcome;

enum judge_flag {
    JUDGE_CONTROL =
        1, /* nothing is wrong: whoever fails here can't be judged in what is likewise */
    JUDGE_TLS = 2,
    JUDGE_H2 = 4,        /* with JUDGE_TLS; only for clients that choose h2 */
    JUDGE_TWO = 8,       /* two requests, one after the other */
    JUDGE_BODILESS = 16, /* the first answer has no body */
    JUDGE_LEAK = 32,     /* there is a second server, which must not see credentials */
    JUDGE_STRANGER = 64, /* at 127.0.0.2, which its certificate is not for */
    JUDGE_CHAIN = 128    /* has certificates of its own */
};

typedef struct judge_run judge_run;
typedef struct judge_chain judge_chain; /* judge_chain.h */

typedef struct judge_situation {
    const char *name, *class;
    const char *source; /* of what is right */
    const char *server; /* what it does */
    const char *wanted; /* of the client */
    unsigned right;     /* of judge_outcome */
    unsigned tolerated; /* no rule is against it, though it is not what one would want */
    unsigned flags;
    /* Bounds of what is right; 0: none. */
    unsigned most_requests, most_unsafe_requests /* of a method that may not be repeated */;
    unsigned least_connections; /* if the answer is taken */
    unsigned most_mib;          /* that are read */

    /* The server's script: for each request, with TWO for the first. NULL: it writes bytes, and
     * ends so. */
    void (*script)(rp_sim_exchange *x, judge_run *run);
    const void *bytes;
    size_t size;
    rp_sim_ending ending;
    void (*on_connection)(rp_sim_exchange *x, void *run);
    rp_sim_setting setting; /* one more of HTTP/2's first; id 0: none */
    unsigned withheld;

    const char *host;         /* in the URL; NULL: localhost with TLS, else 127.0.0.1 */
    const judge_chain *chain; /* with JUDGE_CHAIN */
} judge_situation;

/* Each ends with one without a name. */
extern const judge_situation judge_http1[], judge_tls[], judge_certificates[], judge_http2[];
/* All of them, and NULL. */
extern const judge_situation *const judge_tables[];

/* What happened in one run. */
typedef struct judge_seen {
    judge_outcome outcome;
    int exit_code;
    uint64_t took_ms, bytes_sent, bytes_received; /* the server's */
    rp_sim_server_counts counts;
    char method[16];               /* of the first request; "": there was none */
    const char *skipped;           /* why it could not be judged; NULL: it could */
    const char *leaked;            /* the header that the other server saw; NULL: none */
    char complaint[160];           /* of the server about what the client sent; "": none */
    char output[200], errors[200]; /* the beginning of what it printed */
} judge_seen;

/* A situation while it is served; the servers' user. */
struct judge_run {
    const judge_situation *situation;
    judge_seen seen;
    unsigned requests;
    uint64_t left;      /* for scripts: of what they still have to send */
    char other_url[64]; /* with JUDGE_LEAK */
    unsigned other_requests;
    bool credentials; /* the first request had some */
};

typedef enum judge_verdict { JUDGE_RIGHT, JUDGE_WEAK, JUDGE_WRONG, JUDGE_SKIPPED } judge_verdict;

const char *judge_outcome_text(judge_outcome outcome);
const char *judge_verdict_text(judge_verdict verdict);

/* The outcome, of what was printed. text: ends with NUL. complained: something stands on standard
 * error. */
judge_outcome judge_classify(const judge_situation *s, bool hung, int exit_code, const char *text,
                             bool complained);

/* why: gets the reason of a verdict that is not right. */
judge_verdict judge_decide(const judge_situation *s, const judge_seen *seen, char *why,
                           size_t room);

/* Whether a name or a class of --situation's is this one's. */
bool judge_is_chosen(const tool_options *o, const judge_situation *s);

typedef struct judge_session {
    const tool_options *options;
    rp_loop *loop;
    char ca[256];       /* the file for {ca} */
    char identity[272]; /* that of a server with certificates of its own, while it starts */
} judge_session;

/* The chain that is sent and its key go to identity, anchors to trusted: judge_chain.c. False: they
 * can't be written. */
bool judge_chain_write(const judge_chain *chain, FILE *identity, FILE *trusted);

/* Runs a situation: judge_serve.c. False: it can't be, and failure says why. */
bool judge_serve(judge_session *session, const judge_situation *s, judge_seen *seen, char *failure,
                 size_t room);
/* Ends the run that is under way, and all that would follow; from a signal's handler too. */
void judge_interrupt(void);
bool judge_interrupted(void);

/* The command of one run, free() it and nothing in it; NULL: no memory. second: "" where the
 * situation has one request; then {urls} is one word. */
char **judge_command(const tool_options *o, const char *first, const char *second, const char *host,
                     unsigned port, const char *ca);
/* Whether any of its words holds text. */
bool judge_command_has(const tool_options *o, const char *text);

/* What is told of each, and at the end: judge_report.c. */
typedef struct judge_report {
    struct json *json; /* NULL: text */
    unsigned verdicts[4];
} judge_report;
void judge_report_one(judge_report *report, const judge_situation *s, const judge_seen *seen);
void judge_report_list(const tool_options *o);

int judge_run_all(const tool_options *o);

#endif
