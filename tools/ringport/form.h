/* form.h - a body of multipart/form-data (RFC 7578): the parts that -F and --form-string say, and
 * the bytes that they become, with files read while they are sent. */
#ifndef TOOL_FORM_H
#define TOOL_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORM_DEPTH 16 /* of parts in each other */

/* A header line of a part's own. */
typedef struct form_line {
    struct form_line *next;
    const char *text;
} form_line;

/* What is sent: text, a file, or parts of its own. */
typedef struct form_part {
    struct form_part *next;
    struct form_part *parent; /* that it is in; NULL: none */
    struct form_part *parts;  /* with is_multipart: the first */
    bool is_multipart;
    const char *file; /* NULL: text; "-": standard input, a regular file */
    long begins_at;   /* of standard input: where it did when the command line was read */
    const void *text;
    size_t text_size;
    const char *name, *filename, *type; /* NULL: none */
    const char *encoding; /* a literal, as Content-Transfer-Encoding says; NULL: not at all */
    form_line *lines;
} form_part;

typedef struct form form;

/* For one request, with a boundary of its own; the parts are borrowed. escapes: names stand in it
 * as --form-escape has them. type: Content-Type without the boundary; NULL: "multipart/form-data".
 * NULL, and *why: a file can't be read (errno is not 0), or no memory (errno is 0). */
form *form_open(const form_part *parts, const char *type, bool escapes, char *why, size_t size);
void form_close(form *f); /* NULL does nothing */

/* Content-Type's value. */
const char *form_type(const form *f);
/* False: of a file it can't be told. */
bool form_size(const form *f, uint64_t *size);

/* Reading it may have to wait for somebody else: see host.h. */
bool form_may_wait(const form *f);
/* The next bytes, at most size of them; 0: that was all, or *why is set. */
size_t form_read(form *f, void *out, size_t size, const char **why);
/* To the first byte. */
void form_rewind(form *f);

#endif
