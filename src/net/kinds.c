/* kinds.c - what an address is, by IANA's special-purpose address registries for IPv4 and IPv6
 * (as of 2025), and what an IPv6 address holds.
 *
 * Where the registries say that a part of a special block is globally reachable after all (of
 * 192.0.0.0/24 and 2001::/23: anycast of PCP and TURN, AMT, ORCHID), it is reserved here all the
 * same: no server of HTTP is there. */
#include "net/kinds.h"

#include <stdbool.h>
#include <string.h>

typedef struct block {
    uint8_t bytes[16];
    uint8_t bits;
    uint16_t kinds;
} block;

#define METADATA_LOCAL (RP_ADDRESS_METADATA | RP_ADDRESS_LINK_LOCAL)
#define METADATA_PRIVATE (RP_ADDRESS_METADATA | RP_ADDRESS_PRIVATE)

/* The first that matches counts. */
static const block blocks4[] = {
    {{127}, 8, RP_ADDRESS_LOOPBACK},
    {{0}, 8, RP_ADDRESS_THIS_HOST},
    {{10}, 8, RP_ADDRESS_PRIVATE},
    {{172, 16}, 12, RP_ADDRESS_PRIVATE},
    {{192, 168}, 16, RP_ADDRESS_PRIVATE},
    {{169, 254, 169, 254}, 32, METADATA_LOCAL}, /* all but everybody's */
    {{169, 254, 170, 2}, 32, METADATA_LOCAL},   /* AWS ECS, credentials of a task */
    {{169, 254, 170, 23}, 32, METADATA_LOCAL},  /* AWS EKS, of a pod */
    {{169, 254, 42, 42}, 32, METADATA_LOCAL},   /* Scaleway */
    {{169, 254, 0, 23}, 32, METADATA_LOCAL},    /* Tencent */
    {{169, 254}, 16, RP_ADDRESS_LINK_LOCAL},
    {{100, 100, 100, 200}, 32, RP_ADDRESS_METADATA | RP_ADDRESS_SHARED}, /* Alibaba */
    {{100, 64}, 10, RP_ADDRESS_SHARED},
    {{168, 63, 129, 16}, 32, RP_ADDRESS_METADATA}, /* Azure's wire server, else public */
    {{192, 0, 0, 192}, 32, RP_ADDRESS_METADATA | RP_ADDRESS_RESERVED}, /* Oracle Classic */
    {{192, 0, 0}, 24, RP_ADDRESS_RESERVED},                            /* RFC 6890 */
    {{192, 0, 2}, 24, RP_ADDRESS_RESERVED},                            /* RFC 5737 */
    {{192, 88, 99}, 24, RP_ADDRESS_RESERVED},                          /* RFC 7526: 6to4's relays */
    {{198, 18}, 15, RP_ADDRESS_RESERVED},                              /* RFC 2544 */
    {{198, 51, 100}, 24, RP_ADDRESS_RESERVED},                         /* RFC 5737 */
    {{203, 0, 113}, 24, RP_ADDRESS_RESERVED},                          /* RFC 5737 */
    {{224}, 4, RP_ADDRESS_MULTICAST},
    {{240}, 4, RP_ADDRESS_RESERVED}, /* RFC 1112, with 255.255.255.255 */
};

static const block blocks6[] = {
    {{[15] = 1}, 128, RP_ADDRESS_LOOPBACK},
    {{0}, 128, RP_ADDRESS_THIS_HOST},
    {{[10] = 0xFF, [11] = 0xFF}, 96, RP_ADDRESS_PUBLIC},            /* IPv4-mapped: what it holds */
    {{0, 0x64, 0xFF, 0x9B}, 96, RP_ADDRESS_PUBLIC},                 /* RFC 6052: what it holds */
    {{0xFD, 0, 0x0E, 0xC2, [15] = 0}, 32, METADATA_PRIVATE},        /* AWS: ::254, ::23 */
    {{0xFD, 0x20, 0, 0xCE, [14] = 2, 0x54}, 128, METADATA_PRIVATE}, /* Google */
    {{0xFD, 0, 0, 0x42, [15] = 0x42}, 128, METADATA_PRIVATE},       /* Scaleway */
    {{0xFD, 0, 0, 0xC1, [12] = 0xA9, 0xFE, 0xA9, 0xFE}, 128, METADATA_PRIVATE}, /* Oracle */
    {{0xFC}, 7, RP_ADDRESS_PRIVATE},
    {{0xFE, 0xC0}, 10, RP_ADDRESS_PRIVATE}, /* RFC 3879: site-local, as hosts may still route it */
    {{0xFE, 0x80}, 10, RP_ADDRESS_LINK_LOCAL},
    {{0xFF}, 8, RP_ADDRESS_MULTICAST},
    {{0x20, 1}, 23, RP_ADDRESS_RESERVED},             /* RFC 2928: Teredo, ORCHID, benchmarks... */
    {{0x20, 1, 0x0D, 0xB8}, 32, RP_ADDRESS_RESERVED}, /* RFC 3849 */
    {{0x20, 2}, 16, RP_ADDRESS_RESERVED},             /* RFC 3056: 6to4 */
    {{0x3F, 0xFF}, 20, RP_ADDRESS_RESERVED},          /* RFC 9637 */
    {{0x20}, 3, RP_ADDRESS_PUBLIC},                   /* RFC 4291, 2.4 */
    {{0}, 0, RP_ADDRESS_RESERVED},                    /* everything else is not allocated */
};

static bool is_in(const uint8_t *bytes, const block *of)
{
    size_t whole = of->bits / 8u;
    unsigned rest = of->bits % 8u;
    if (memcmp(bytes, of->bytes, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ of->bytes[whole]) >> (8 - rest)) == 0;
}

static uint32_t kinds4(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof(blocks4) / sizeof(blocks4[0]); i++) {
        if (is_in(bytes, &blocks4[i]))
            return blocks4[i].kinds;
    }
    return RP_ADDRESS_PUBLIC;
}

static uint32_t block_kinds6(const uint8_t *bytes)
{
    size_t i = 0;
    while (!is_in(bytes, &blocks6[i])) /* the last one has every address */
        i++;
    return blocks6[i].kinds;
}

static bool begins(const uint8_t *bytes, const uint8_t *prefix, size_t size)
{
    return memcmp(bytes, prefix, size) == 0;
}

/* Teredo (RFC 4380, 4): the server, and the client's address with each bit turned. */
static uint32_t teredo_kinds(const uint8_t *bytes)
{
    uint8_t client[4];
    for (size_t i = 0; i < 4; i++)
        client[i] = (uint8_t)~bytes[12 + i];
    return kinds4(bytes + 4) | kinds4(client);
}

/* RFC 6052, 2.2, with prefixes of 48, 56, 64 and 96 bits: around the eighth byte. */
static uint32_t local_nat64_kinds(const uint8_t *bytes)
{
    const uint8_t of_48[] = {bytes[6], bytes[7], bytes[9], bytes[10]};
    const uint8_t of_56[] = {bytes[7], bytes[9], bytes[10], bytes[11]};
    return kinds4(of_48) | kinds4(of_56) | kinds4(bytes + 9) | kinds4(bytes + 12);
}

/* Of IPv4 addresses in an IPv6 address. */
static uint32_t held_kinds(const uint8_t *bytes)
{
    static const uint8_t zeros[12], mapped[12] = {[10] = 0xFF, 0xFF};
    static const uint8_t siit[12] = {[8] = 0xFF, 0xFF}; /* RFC 2765, 2.1 */
    static const uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B}, teredo[4] = {0x20, 1};
    static const uint8_t local_nat64[6] = {0, 0x64, 0xFF, 0x9B, 0, 1};
    static const uint8_t isatap[3] = {0, 0x5E, 0xFE}; /* RFC 5214, 6.1, behind 0 or 2 */
    if (begins(bytes, zeros, 12) || begins(bytes, mapped, 12) || begins(bytes, siit, 12) ||
        begins(bytes, nat64, 12))
        return kinds4(bytes + 12);
    if (begins(bytes, local_nat64, 6))
        return local_nat64_kinds(bytes);
    if (bytes[0] == 0x20 && bytes[1] == 2) /* RFC 3056, 2 */
        return kinds4(bytes + 2);
    if (begins(bytes, teredo, 4))
        return teredo_kinds(bytes);
    /* The bit of a multicast address means nothing here. */
    if ((bytes[8] & 0xFCu) == 0 && begins(bytes + 9, isatap, 3))
        return kinds4(bytes + 12);
    return RP_ADDRESS_PUBLIC;
}

uint32_t rp_address_kinds(const uint8_t *bytes, size_t size)
{
    if (size == 4)
        return kinds4(bytes);
    if (size != 16)
        return RP_ADDRESS_RESERVED;
    uint32_t kinds = block_kinds6(bytes);
    if (kinds == RP_ADDRESS_LOOPBACK || kinds == RP_ADDRESS_THIS_HOST)
        return kinds;
    return kinds | held_kinds(bytes);
}

const char *rp__kind_text(uint32_t kinds)
{
    static const struct {
        uint32_t kind;
        const char *text;
    } texts[] = {
        {RP_ADDRESS_METADATA, "metadata service"}, {RP_ADDRESS_LOOPBACK, "loopback"},
        {RP_ADDRESS_THIS_HOST, "\"this host\""},   {RP_ADDRESS_PRIVATE, "private"},
        {RP_ADDRESS_LINK_LOCAL, "link-local"},     {RP_ADDRESS_SHARED, "shared"},
        {RP_ADDRESS_MULTICAST, "multicast"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (kinds & texts[i].kind)
            return texts[i].text;
    }
    return "reserved";
}
