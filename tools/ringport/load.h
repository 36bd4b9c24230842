/* load.h - `ringport load`: many requests, a number of them in flight at a time, measured. */
#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

#include "options.h"

/* Gives the exit code. */
int load_run(const tool_options *o);

#endif
