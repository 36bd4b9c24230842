/* certs_names.h - names in certificates, in OpenSSL's words. */
#ifndef TOOL_CERTS_NAMES_H
#define TOOL_CERTS_NAMES_H

#include "der.h"

#include <stdio.h>

/* Of an OBJECT IDENTIFIER. A table ends with a NULL oid. */
typedef struct oid_name {
    const char *oid; /* its content in hexadecimal digits */
    const char *name;
} oid_name;

bool oid_is(der_span oid, const char *hex);

/* Its name, or numbers where the table has none for it. */
void oid_print(FILE *out, der_span oid, const oid_name *names);

/* A distinguished name, the content of its SEQUENCE, in one line. */
void dname_print(FILE *out, der_span name);

#endif
