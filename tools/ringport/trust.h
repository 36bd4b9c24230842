/* trust.h - `ringport trust`: the trust anchors that requests are judged by. */
#ifndef TOOL_TRUST_H
#define TOOL_TRUST_H

#include "options.h"

/* Returns the exit code. */
int trust_run(const tool_options *o);

#endif
