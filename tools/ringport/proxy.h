/* proxy.h - the proxy of an operation, from its options or the environment. */
#ifndef TOOL_PROXY_H
#define TOOL_PROXY_H

#include "options.h"

/* EXIT_OK with *proxy, which is NULL if there is none, or the exit code with *error set. */
int proxy_create(rp_proxy **proxy, const tool_options *o, rp_error *error);

/* Of a failure that is about the proxy or what it was asked for; 0: it is another's. */
int proxy_exit_code(const tool_options *o, const rp_error *error);

#endif
