/* reference.h - references to URLs, as a Location has them (RFC 3986, 4.1; RFC 9110, 10.2.2). */
#ifndef RP_HTTP_REFERENCE_H
#define RP_HTTP_REFERENCE_H

#include "http/url.h"

/* Room that is enough for what follows, of texts of these sizes. */
static inline size_t rp__reference_bound(size_t base_size, size_t reference_size)
{
    return base_size + 3 * reference_size + 2;
}

/* Resolves a reference against an absolute http or https URL (RFC 3986, 5.2; a fragment is
 * inherited) into text, NUL-terminated, and parses that. Blanks around the reference do not count;
 * blanks and bytes above ASCII in its path, query and fragment are percent-encoded, as curl and
 * browsers do. *error is set on failure: RP_E_UNSUPPORTED, it has another scheme; RP_E_BAD_URL, it
 * is none. */
rp_status rp__reference_resolve(char *text, rp_url *url, const char *base, const char *reference,
                                rp_error *error);

#endif
