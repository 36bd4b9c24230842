/* host.h - does a certificate name this server? RFC 9525 (DNS-IDs, IP-IDs; no common name). */
#ifndef RP_X509_HOST_H
#define RP_X509_HOST_H

#include "x509/certificate.h"

/* True if the DNS-ID pattern of a certificate (size bytes, maybe hostile) matches the host name:
 * ASCII case folded, a trailing dot of host ignored, "*" only as the whole leftmost label with
 * at least two labels behind it, embedded NUL never. host must not be an IP literal. */
bool rp__host_matches(const char *host, const uint8_t *pattern, size_t size);

/* The labels of a host name, or of what stands behind a wildcard: none empty, nothing that a
 * message, a log or a C string would take for something else. Returns their number, 0: it is not
 * such a name. */
size_t rp__host_labels(const uint8_t *name, size_t size);

/* host: a name, or an IP literal. */
bool rp__certificate_names_host(const rp_certificate *certificate, const char *host);

#define RP_HOSTS_TEXT_SIZE 120
/* "api.example.com, *.example.net, 192.0.2.1, ...": what a certificate is for; "": nothing. */
const char *rp__certificate_hosts_text(const rp_certificate *certificate,
                                       char text[RP_HOSTS_TEXT_SIZE]);

#endif
