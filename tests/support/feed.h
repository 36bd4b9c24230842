/* feed.h - a fetch whose body is given piece by piece while it is sent. */
#ifndef RP_TESTS_FEED_H
#define RP_TESTS_FEED_H

#include "support/web.h"

typedef struct feed {
    fetch f; /* first: what callbacks have for user */
    const uint8_t *data;
    size_t size, given;
    unsigned wanted;
} feed;

/* Starts it. known: the length is announced. */
void feed_start(feed *f, web *w, const rp_request_options *options, bool known);

/* Starts, waits, and asserts that it succeeded with that status. */
void feed_good(feed *f, web *w, const rp_request_options *options, bool known, int status);

#endif
