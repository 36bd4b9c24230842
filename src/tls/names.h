/* names.h - does a certificate name this server? RFC 9525 (DNS-IDs, IP-IDs; no common name). */
#ifndef RP_TLS_NAMES_H
#define RP_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the DNS-ID pattern of a certificate (size bytes, maybe hostile) matches the host name:
 * ASCII case folded, a trailing dot of host ignored, "*" only as the whole leftmost label with
 * at least two labels behind it, embedded NUL never. host must not be an IP literal. */
bool rp_name_matches(const char *host, const uint8_t *pattern, size_t size);

#endif
