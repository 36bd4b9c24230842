/* h1_rig.h - a parser of HTTP/1.1 responses (http/h1.h), and what it told, as text. Every case is
 * fed whole, cut at every point, and byte by byte, and must give the same text each time.
 *
 * "H200/11 'OK' 5 [A=b]" is a head (i100 an informational one), "B'...'" the body, however it came,
 * "T[A=b]" trailers; then "C" complete, with "+" keep-alive or "-", and "!n" for n unsolicited
 * bytes; "M" for a response that wants more, "F:" and the sentence. */
#ifndef RP_TESTS_H1_RIG_H
#define RP_TESTS_H1_RIG_H

#include "http/h1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct h1_trace {
    char text[16 * 1024];
    size_t size;
    bool in_body;
    unsigned pause; /* ask for it after every callback */
} h1_trace;

typedef struct h1_rig {
    rp_memory memory;
    rp_h1_scratch scratch;
    rp_h1_limits limits;
    h1_trace trace; /* the events' user */
} h1_rig;

extern h1_rig h1;
extern const rp_h1_events h1_events;

/* Before and behind each test, as cmocka has them; nothing may be left of the memory. */
int h1_set_up(void **state);
int h1_tear_down(void **state);
#define H1_TEST(test) cmocka_unit_test_setup_teardown(test, h1_set_up, h1_tear_down)

rp_h1_parser *h1_create(void);
/* Feeds size bytes, from memory of just that size, on through pauses. */
rp_h1_result h1_feed(rp_h1_parser *parser, const char *data, size_t size, size_t *used,
                     rp_error *error);

typedef enum end_kind { END_NONE, END_CLEAN, END_TRUNCATED } end_kind;

/* Feeds data up to first in pieces of step, then the rest at once. */
void h1_run(rp_h1_parser *parser, bool head_only, const char *data, size_t size, size_t first,
            size_t step, end_kind end);
void h1_expect(const char *expected, const char *data, size_t size);

/* Every way to cut it gives what is expected. */
void h1_check_bytes(const char *data, size_t size, end_kind end, bool head_only,
                    const char *expected);
void h1_check(const char *data, end_kind end, bool head_only, const char *expected);
/* A response without an end of the connection, to anything but HEAD; one that fails in its head. */
void h1_ok(const char *data, const char *expected);
void h1_bad(const char *data, const char *sentence);

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_TRACE "H200/11 'OK' ? [Transfer-Encoding=chunked] "

#endif
