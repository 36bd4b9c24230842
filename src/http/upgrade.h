/* upgrade.h - the Upgrade header (RFC 9110, 7.8): names of protocols, of which a client asks for
 * one and the server picks. */
#ifndef RP_HTTP_UPGRADE_H
#define RP_HTTP_UPGRADE_H

#include "base/slice.h"
#include <ringport/http.h>

/* "websocket", "a/1, b": names and versions are tokens, and there is one at least. */
bool rp__upgrade_is_list(const char *text);

/* What is wrong with this head of status 101, which answers a request for these protocols; NULL:
 * nothing is. */
const char *rp__upgrade_fault(rp_slice asked, const rp_response_head *head);

#endif
