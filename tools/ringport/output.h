/* output.h - where the bytes of a response go: standard output, or a file whose name may come from
 * the URL or the response. */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include "options.h"

typedef struct output {
    const tool_options *options;
    char *path;           /* NULL: standard output, or not known yet */
    FILE *file;           /* opened with the first byte */
    bool remote;          /* named by the URL */
    bool named_by_server; /* must not be there already */
    bool appends;         /* a transfer that is resumed */
    uint64_t begins_at;   /* what the file had before it */
    bool to_person;       /* a terminal, which was not asked for */
    uint64_t written;     /* bytes */
} output;

/* path: of -o, NULL for none; for -O the URL's name counts. False: *why says what is wrong, which
 * lives until the next call. */
bool output_begin(output *out, const tool_options *o, const tool_target *target, const char *path,
                  const char *url, const char **why);

/* What Windows would take for a device, a stream, another directory or another name becomes a
 * file's name, in place. */
void output_tame_name(char *name);

/* -J: the name that a Content-Disposition header gives, if it does. False: no memory. */
bool output_rename(output *out, const char *disposition);

/* Opens it; makes the directories that -o needs if it shall. False: errno. */
bool output_open(output *out);
bool output_write(output *out, const void *data, size_t size);

/* Bytes that are no text, for a terminal, and near the beginning. */
bool output_refuses(const output *out, const void *data, size_t size);

/* What was written of a try that failed is written over by the next, where it is a file. */
void output_restart(output *out);

/* False: something could not be written. */
bool output_close(output *out);

/* For messages, and %{filename_effective}. */
const char *output_name(const output *out);

void output_free(output *out);

#endif
