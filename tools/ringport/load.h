/* load.h - `ringport load`: many requests, a number of them in flight at a time, measured. */
#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

#include "tally.h"

/* Returns the exit code. */
int load_run(const tool_options *o);

/* Its parts: runs it and gathers the result, EXIT_OK, or why there is none, which was printed;
 * tally_free(&r->total) in either case. And the exit code of a result. */
int load_measure(const tool_options *o, load_result *r);
int load_exit_code(const load_result *r);

#endif
