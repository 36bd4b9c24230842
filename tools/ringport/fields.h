/* fields.h - the header fields of a request, in the order in which curl sends them. */
#ifndef TOOL_FIELDS_H
#define TOOL_FIELDS_H

#include "options.h"

/* Strings are borrowed, but for the length. */
typedef struct fields {
    rp_header *headers; /* for rp_request_options */
    size_t count;
    char length[24];
    char *content_range; /* own memory */
} fields;

/* What differs from one request of the operation to the other; NULL: as the options say. */
typedef struct own_fields {
    const char *range, *cookie;
    const char *form_type;     /* of -F's body: Content-Type */
    uint64_t form_size;        /* RP_LENGTH_UNKNOWN: it is sent in chunks */
    const char *content_range; /* of -T's part of a file */
    bool uploads;              /* there is a -T: its length is the library's to tell */
    uint64_t upload_size;      /* of that; RP_LENGTH_UNKNOWN */
    bool chunked;    /* the body is sent in chunks, as -H has it: that is the library's, too */
    bool by_library; /* User-Agent and Accept are: their place in the order is of no account */
} own_fields;

/* False: no memory. fields_free in either case. What -H names replaces or removes ours. */
bool fields_compose(fields *f, const tool_options *o, const own_fields *own);
void fields_free(fields *f);

/* The value that is sent, NULL if none is. */
const char *fields_value(const fields *f, const char *name);

/* What -H says that is no field of a request: what to go on in, by Upgrade and Connection, which
 * the library sends; and not to say by Authorization who one is. */
void fields_overrule(const tool_options *o, rp_request_options *request);

#endif
