/* address.h - which addresses connections may go to.
 *
 * Where others choose the URL (a webhook, a link preview, an import), they choose what this machine
 * connects to: its own services, its neighbours, the cloud's metadata service (server-side request
 * forgery). refuse_addresses and on_address, in the options of a stream or a client, say what is
 * not connected to.
 *
 * They are asked of each address just before it is connected to, every time: of a URL's own, of
 * those that a name was resolved to or an override gives, of the second one where the first one
 * failed. So it does not help that a name has another address for whoever checks it first (DNS
 * rebinding). What a connection exists to is not asked again. An address that is refused is passed
 * over for the name's others; if there is no other, the error is RP_E_ADDRESS_REFUSED. */
#ifndef RINGPORT_ADDRESS_H
#define RINGPORT_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an address is, by IANA's special-purpose address registries (RFC 6890). One may be several
 * of these: 169.254.169.254 is link-local and a metadata service. */
enum {
    RP_ADDRESS_PUBLIC = 0,
    RP_ADDRESS_LOOPBACK = 1,    /* 127.0.0.0/8, ::1 */
    RP_ADDRESS_THIS_HOST = 2,   /* 0.0.0.0/8, :: (connecting there reaches this machine) */
    RP_ADDRESS_PRIVATE = 4,     /* RFC 1918, fc00::/7, fec0::/10 */
    RP_ADDRESS_LINK_LOCAL = 8,  /* 169.254.0.0/16, fe80::/10 */
    RP_ADDRESS_METADATA = 16,   /* where clouds tell a machine its secrets: AWS, Azure, Google,
                                  * Alibaba, Oracle, Scaleway, and those that took the same */
    RP_ADDRESS_SHARED = 32,     /* 100.64.0.0/10, of carriers' NAT */
    RP_ADDRESS_MULTICAST = 64,  /* 224.0.0.0/4, ff00::/8 */
    RP_ADDRESS_RESERVED = 128,  /* documentation, benchmarks, protocols' own, 240.0.0.0/4,
                                  * everything of IPv6 that is outside of 2000::/3 */
    RP_ADDRESS_NOT_PUBLIC = 255 /* all of these: against forgery */
};

/* The kinds of an address of 4 or 16 bytes in network order, or'ed. Those of an IPv4 address that
 * an IPv6 address holds are among them: IPv4-mapped and -compatible, NAT64 (64:ff9b::/96; in
 * 64:ff9b:1::/48 at each place of RFC 6052), 6to4, Teredo (server and client), ISATAP. Mapped and
 * 64:ff9b::/96 are nothing else; the others are reserved beside. NAT64 with a prefix of one's own
 * network can't be told from public addresses: on_address may know it. Of another size:
 * RP_ADDRESS_RESERVED. Any thread. */
uint32_t rp_address_kinds(const uint8_t *bytes, size_t size);

/* What a name is looked up for, and which of its addresses are used; an address instead of a name
 * must be of that family, too. */
typedef enum rp_families { RP_FAMILIES_ANY = 0, RP_FAMILIES_IPV4, RP_FAMILIES_IPV6 } rp_families;

/* Where connections begin, on this machine. All 0: as its routes have it. What can't be used ends
 * the connection with RP_E_LOCAL_ADDRESS, and is not taken for a failure of the other side. Does
 * not go for Unix sockets. */
typedef struct rp_local {
    /* One of this machine's addresses, "192.0.2.7" or "2001:db8::7": only addresses of its family
     * are connected to. NULL: any. */
    const char *address;
    /* A network interface, "eth1": packets leave and come by it alone (SO_BINDTODEVICE; before
     * Linux 5.7 that takes CAP_NET_RAW). Linux alone; elsewhere RP_E_UNSUPPORTED. NULL: any. */
    const char *device;
    /* The local port is one of these; where each of them is taken: RP_E_NO_LOCAL_PORTS. A port
     * whose connection we closed is taken for a minute more (TIME-WAIT). Both 0: the system's
     * choice, which is better wherever no firewall wants something else; the last one 0: the first
     * is the only one. With but one a socks5 proxy is asked for the first of a name's addresses. */
    uint16_t first_port, last_port;
} rp_local;

/* Something that is about to be connected to. */
typedef struct rp_target {
    const char *host;    /* whose address it is */
    const char *address; /* "192.0.2.7:443" */
    const uint8_t *bytes;
    size_t size; /* of bytes: 4 or 16 */
    uint16_t port;
    uint32_t kinds;
} rp_target;

/* NULL: it may be. Else it is not, and the text, static, says why at the end of the error's
 * message. It comes inside rp_client_send and rp_stream_open, too, and must not call ringport but
 * for rp_address_kinds. refuse_addresses was asked before. Who refuses a kind but for some
 * addresses leaves it out there, and decides here by target->kinds. */
typedef const char *rp_target_fn(const rp_target *target, void *user);

#ifdef __cplusplus
}
#endif
#endif
