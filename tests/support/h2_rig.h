/* h2_rig.h - a client's side of HTTP/2 (http/h2.h) and a server by hand (h2_peer.h), in memory:
 * what the server wrote comes in pieces as the test likes, what the client says goes back, and what
 * is told of each request is noted. */
#ifndef RP_TESTS_H2_RIG_H
#define RP_TESTS_H2_RIG_H

#include "http/h2.h"
#include "support/h2_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENDS_STREAM = NGHTTP2_FLAG_END_STREAM, H2_RIG_STREAMS = 300, H2_RIG_OUT = 64 * 1024 };

/* A request, and what was told of it. */
typedef struct h2_exchange {
    rp_body body;
    rp_h2_stream *stream; /* NULL: it ended, or was dropped */
    char told[1024];      /* "head 200 a=b;", "body x;" */
    size_t body_bytes;
    bool ended;
    rp_h2_end end;
    rp_error error;
    bool drops; /* itself, with the first piece of its body */
} h2_exchange;

typedef struct h2_rig {
    rp_memory memory;
    rp_chunk_pool chunks;
    rp_h2_memory *pool;
    rp_h2_options options;
    rp_h2 *h2;
    h2_peer peer;
    h2_exchange all[H2_RIG_STREAMS];
    uint64_t now_ns;
    size_t cut; /* the server's bytes come in pieces of so many; 0: at once */
    bool good;
    rp_url url;
    uint8_t packed[256 * 1024];
} h2_rig;

extern h2_rig rig;

/* Before and behind each test, as cmocka has them; nothing may be left of the memory. */
int h2_rig_set_up(void **state);
int h2_rig_tear_down(void **state);
#define H2_TEST(test) cmocka_unit_test_setup_teardown(test, h2_rig_set_up, h2_rig_tear_down)

/* The connection; rig.h2 is NULL where there is no memory. SETTINGS is the server's first frame. */
void h2_rig_begin(void);
void h2_rig_end(void);

typedef struct h2_sending {
    const char *method; /* NULL: GET */
    const rp_header *headers;
    size_t header_count;
    const char *body;
    size_t body_size;
    bool limited;
    size_t credit;
} h2_sending;

/* The request rig.all[i], which is drained. Its stream is NULL where there is no memory. */
h2_exchange *h2_send(unsigned i, const h2_sending *how);
h2_exchange *h2_get(unsigned i);
/* Only submits it; i < 8. */
void h2_send_quietly(unsigned i, const h2_sending *how);
void h2_drain(void);
void h2_take_ends(void);
/* What the server has written comes, and is answered. */
void h2_come(void);
/* Our SETTINGS are confirmed, and what else the server has written comes. */
void h2_settings(void);

void h2_assert_told(const h2_exchange *e, const char *told);
void h2_assert_complete(const h2_exchange *e, const char *told);
void h2_assert_unusable(const h2_exchange *e, rp_status status, const char *part);

/* The next frame of this type on the stream begins with this word. What is before it is dropped. */
bool h2_next_is(uint8_t type, uint32_t id, uint32_t word);
/* The bytes that WINDOW_UPDATEs have given back so far. */
uint64_t h2_window_given(uint32_t id);

#endif
