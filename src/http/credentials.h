/* credentials.h - what Authorization says: Basic (RFC 7617), Bearer (RFC 6750). */
#ifndef RP_HTTP_CREDENTIALS_H
#define RP_HTTP_CREDENTIALS_H

#include "base/slice.h"
#include <ringport/error.h>

/* Of user, colon and password together. */
#define RP_BASIC_LIMIT 4096
#define RP_BASIC_SIZE (6 + (RP_BASIC_LIMIT + 2) / 3 * 4 + 1)
#define RP_BEARER_LIMIT 65536

/* Writes "Basic ...", NUL-terminated, of what has no control character and, in the user, no colon.
 * Nothing else that is made of a secret stays behind. password NULL: empty.
 * Errors: RP_E_BAD_OPTION. */
rp_status rp__basic_write(char value[RP_BASIC_SIZE], const char *user, const char *password,
                          rp_error *error);

/* The same of a URL's user information, "user:password", percent-encoded. Errors: RP_E_BAD_URL. */
rp_status rp__basic_write_userinfo(char value[RP_BASIC_SIZE], rp_slice userinfo, rp_error *error);

/* RFC 6750, 2.1: letters, digits, "-._~+/", then "=". Errors: RP_E_BAD_OPTION. */
rp_status rp__bearer_check(const char *token, rp_error *error);

#endif
