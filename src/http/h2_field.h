/* h2_field.h - what a field is in a response (RFC 9113, 8.2 and 8.3). */
#ifndef RP_HTTP_H2_FIELD_H
#define RP_HTTP_H2_FIELD_H

#include "http/hpack.h"

/* Sets its kind, and the number of one that is one. */
void rp__h2_field_judge(rp_hpack_field *field);

#endif
