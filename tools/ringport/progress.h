/* progress.h - how far a transfer is, on standard error: the bar of -#, and without it a line for
 * what takes long, where a person looks at it. */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include "options.h"
#include "output.h"

typedef struct progress {
    bool bar, meter; /* neither: nothing is shown */
    uint64_t begin_ns, shown_ns;
    bool shown;
    uint64_t length; /* of the body, RP_LENGTH_UNKNOWN */
} progress;

/* A transfer begins to send. The line is for one transfer at a time whose body goes to a file or
 * a pipe. */
void progress_begin(progress *p, const tool_options *o, const output *out);
void progress_note(progress *p, uint64_t done);
void progress_end(progress *p, uint64_t done);

/* "1.5 MiB": for bytes; text has 16. */
void progress_bytes(double bytes, char text[16]);

#endif
