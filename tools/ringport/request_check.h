/* request_check.h - what the library refuses of the requests of --requests-from, a bad header say,
 * before any of them is sent. */
#ifndef TOOL_REQUEST_CHECK_H
#define TOOL_REQUEST_CHECK_H

#include "setup.h"

/* requests: as many as are in o's list. EXIT_OK, or the exit code, and *error says what is wrong
 * and in which line. */
int request_check(const rp_request_options *requests, const tool_options *o, const setup *s,
                  rp_error *error);

#endif
