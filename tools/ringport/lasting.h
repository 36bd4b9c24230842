/* lasting.h - which failures are no matter of time. */
#ifndef TOOL_LASTING_H
#define TOOL_LASTING_H

#include <ringport/error.h>

/* The same request would fail again in a minute: somebody must change something first. */
bool failure_lasts(rp_status status);

#endif
