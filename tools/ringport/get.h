/* get.h - `ringport get`: one request, its response to standard output or a file. */
#ifndef TOOL_GET_H
#define TOOL_GET_H

#include "options.h"

/* Returns the exit code. */
int get_run(const tool_options *o);

#endif
