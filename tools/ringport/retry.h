/* retry.h - whether a transfer is tried again, and when, as --retry and its kin have it. */
#ifndef TOOL_RETRY_H
#define TOOL_RETRY_H

#include "result.h"

typedef struct retry {
    uint64_t left;     /* of --retry */
    uint64_t sleep_ms; /* before the next, unless an option or the server says otherwise */
    uint64_t begin_ns;
    bool begun;
} retry;

/* What became of it deserves another try, which is due in *delay_ms. */
bool retry_wanted(retry *r, const result *outcome, uint64_t now_ns, uint64_t *delay_ms);

#endif
