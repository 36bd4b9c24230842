/* date.h - times as headers have them. */
#ifndef RP_HTTP_DATE_H
#define RP_HTTP_DATE_H

#include <ringport/http.h>

/* An HTTP-date (RFC 9110, 5.6.7) in any of its three forms, in seconds since 1970. False: it is
 * none. */
bool rp__http_date(const char *text, int64_t *seconds);

/* How long Retry-After (RFC 9110, 10.2.3) asks to wait, in milliseconds: a number of seconds, or a
 * date, which is as far away as the server's own clock says (Date), or now_s if it says nothing.
 * UINT64_MAX: longer than anybody waits. False: there is none that can be read. */
bool rp__retry_after(const rp_response_head *head, int64_t now_s, uint64_t *wait_ms);

#endif
