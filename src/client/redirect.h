/* redirect.h - redirects (RFC 9110, 15.4): what a request does when its answer sends it elsewhere.
 *
 * When the head of such an answer is there, everything is decided (request.h asks by
 * rp_redirect_calls): whether it is followed, refused or an answer as any other, and the message
 * that goes to the next URL is made of the last one. What is left of the answer is read and
 * dropped, so that its connection may serve on, but not without end; then the request leaves and
 * begins again with the new message, in the queue of another origin, or of the same one.
 *
 * The message is made of the last one, not of the first: what was left out once, as it was not for
 * another origin, does not come back. */
#ifndef RP_CLIENT_REDIRECT_H
#define RP_CLIENT_REDIRECT_H

#include "client/request.h"

/* The request, whose message is made, follows redirects as options say. Errors: RP_E_BAD_OPTION,
 * RP_E_NO_MEMORY. */
rp_status rp__redirect_begin(rp_request *request, const rp_request_options *options,
                             const rp_url *url, rp_error *error);

#endif
