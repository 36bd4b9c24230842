/* certs_extensions.h - what is printed of a certificate's extensions, in OpenSSL's words. */
#ifndef TOOL_CERTS_EXTENSIONS_H
#define TOOL_CERTS_EXTENSIONS_H

#include "der.h"

#include <stdio.h>

/* fields: a certificate's (RFC 5280, 4.1), behind its key. */
void extensions_print(FILE *out, der_span fields);

#endif
