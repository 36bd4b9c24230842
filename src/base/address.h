/* address.h - addresses of sockets, without a platform's sockaddr. */
#ifndef RP_BASE_ADDRESS_H
#define RP_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RP_FAMILY_UNIX 1
#define RP_UNIX_LIMIT 107 /* characters of a path (unix(7)) */

typedef struct rp_address {
    uint8_t family;    /* 4, 6, RP_FAMILY_UNIX: then only path counts */
    uint16_t port;     /* host byte order */
    uint32_t scope;    /* IPv6 zone index (RFC 4007), 0: none */
    uint8_t bytes[16]; /* network byte order, 4 or 16 of them */
    const char *path;  /* "/run/api.sock", or "@name" of Linux' abstract ones; borrowed */
} rp_address;

/* "192.0.2.7", "2001:db8::1", "[2001:db8::1]"; exactly size characters. False if it is not an IP
 * literal. Does not touch port. */
bool rp__address_parse(rp_address *address, const char *text, size_t size);

/* Whether a host's address is in a list, whatever the ports. */
bool rp__address_is_among(const rp_address *address, const rp_address *list, size_t count);

/* "[" 45 "]:65535" NUL, with room */
#define RP_ADDRESS_TEXT_SIZE 64

/* "192.0.2.7:443" or "[2001:db8::1]:443"; with_port false: without brackets and port. Of a Unix
 * socket "unix:/path", cut where there is no room. Returns text. */
const char *rp__address_text(const rp_address *address, bool with_port,
                             char text[RP_ADDRESS_TEXT_SIZE]);

#endif
