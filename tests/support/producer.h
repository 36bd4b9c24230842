/* producer.h - bodies that a test gives piece by piece, over both versions of HTTP, plain and with
 * TLS, and a server that looks at what comes of them. */
#ifndef RP_TESTS_PRODUCER_H
#define RP_TESTS_PRODUCER_H

#include "client/request.h"
#include "support/scene.h"

enum { LARGE = 1024 * 1024 };

extern uint8_t *upload_data; /* LARGE bytes of pattern, which all bodies are the beginning of */

/* ---- scenes ---- */

enum { UPLOAD_KINDS = 4 };

bool upload_is_2(const scene *s);
/* serving and client may be NULL; what they say of versions does not count. */
void upload_begin(scene *s, size_t kind, const rp_sim_server_options *serving,
                  const rp_client_options *client);
/* The server has nothing to complain of. */
void upload_end(scene *s);
void upload_each(const rp_sim_server_options *serving, void (*test)(scene *s));

/* ---- a server that looks at the bodies ---- */

/* What it saw: of heads and whole bodies how many, of the last body how much. */
typedef struct upload_sink {
    uint64_t bytes;
    unsigned heads, whole;
} upload_sink;
extern upload_sink upload_seen;

/* on_head, on_body, on_request: "BYTES CONTENT-LENGTH TRANSFER-ENCODING X-SUM", - for what was not
 * said. */
void upload_head(rp_sim_exchange *x, void *user);
void upload_body(rp_sim_exchange *x, const uint8_t *bytes, size_t size, void *user);
void upload_tell_size(rp_sim_exchange *x, void *user);
extern const rp_sim_server_options upload_looking; /* has these */

/* ---- a producer ---- */

typedef struct producer {
    fetch f; /* first: what callbacks have for user */
    size_t total, piece;
    size_t given;
    unsigned wanted, rewound;
    bool later;    /* gives from a timer, not in the callback */
    bool endless;  /* does not tell the end */
    bool pauses;   /* gives nothing */
    rp_status end; /* what telling it said */
    const rp_header *trailers;
    size_t trailer_count;
    rp_timer timer;
    char answer_trailer[64];
    unsigned trailer_calls;
} producer;

void producer_give(producer *p);
rp_body_wanted_fn producer_wanted;
rp_body_rewind_fn producer_rewound;
rp_trailers_fn producer_trailers;

/* options: all but URL and producer. */
void producer_start(producer *p, scene *s, const char *path, rp_request_options options);
/* To its end, which has this status. */
void producer_finish(producer *p, rp_status status);

/* main's last line, on every backend and two seeds. */
int upload_run(const struct CMUnitTest *tests, size_t count);

#endif
