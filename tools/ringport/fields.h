/* fields.h - the header fields of a request, in the order in which curl sends them. */
#ifndef TOOL_FIELDS_H
#define TOOL_FIELDS_H

#include "options.h"

/* Strings are borrowed, but for the length. */
typedef struct fields {
    rp_header *headers; /* for rp_request_options */
    size_t count;
    char length[24];
} fields;

/* A request's own fields, beside those that -H gives; NULL: not sent. */
typedef struct own_fields {
    const char *range, *referer, *cookie;
    rp_header condition; /* If-Modified-Since or the like; name NULL: none */
    bool by_library;     /* User-Agent and Accept are: their place in the order is of no account */
} own_fields;

/* False: no memory. fields_free in either case. What -H names replaces or removes ours. */
bool fields_compose(fields *f, const tool_options *o, const own_fields *own);
void fields_free(fields *f);

/* The value that is sent, NULL if none is. */
const char *fields_value(const fields *f, const char *name);

#endif
