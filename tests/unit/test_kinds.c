/* test_kinds.c - what an address is: both ends of every block, the addresses beside it, and what
 * IPv6 addresses hold. */
#include "base/address.h"
#include "net/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PUBLIC RP_ADDRESS_PUBLIC
#define LOOPBACK RP_ADDRESS_LOOPBACK
#define THIS_HOST RP_ADDRESS_THIS_HOST
#define PRIVATE RP_ADDRESS_PRIVATE
#define LINK_LOCAL RP_ADDRESS_LINK_LOCAL
#define METADATA RP_ADDRESS_METADATA
#define SHARED RP_ADDRESS_SHARED
#define MULTICAST RP_ADDRESS_MULTICAST
#define RESERVED RP_ADDRESS_RESERVED

typedef struct kind_case {
    const char *address;
    uint32_t kinds;
} kind_case;

static const kind_case cases4[] = {
    {"0.0.0.0", THIS_HOST},
    {"0.255.255.255", THIS_HOST},
    {"1.0.0.0", PUBLIC},
    {"9.255.255.255", PUBLIC},
    {"10.0.0.0", PRIVATE},
    {"10.255.255.255", PRIVATE},
    {"11.0.0.0", PUBLIC},
    {"100.63.255.255", PUBLIC},
    {"100.64.0.0", SHARED},
    {"100.100.100.199", SHARED},
    {"100.100.100.200", SHARED | METADATA},
    {"100.127.255.255", SHARED},
    {"100.128.0.0", PUBLIC},
    {"126.255.255.255", PUBLIC},
    {"127.0.0.0", LOOPBACK},
    {"127.0.0.1", LOOPBACK},
    {"127.255.255.255", LOOPBACK},
    {"128.0.0.0", PUBLIC},
    {"168.63.129.15", PUBLIC},
    {"168.63.129.16", METADATA},
    {"169.253.255.255", PUBLIC},
    {"169.254.0.0", LINK_LOCAL},
    {"169.254.169.253", LINK_LOCAL},
    {"169.254.169.254", LINK_LOCAL | METADATA},
    {"169.254.170.2", LINK_LOCAL | METADATA},
    {"169.254.170.23", LINK_LOCAL | METADATA},
    {"169.254.42.42", LINK_LOCAL | METADATA},
    {"169.254.0.23", LINK_LOCAL | METADATA},
    {"169.254.255.255", LINK_LOCAL},
    {"169.255.0.0", PUBLIC},
    {"172.15.255.255", PUBLIC},
    {"172.16.0.0", PRIVATE},
    {"172.31.255.255", PRIVATE},
    {"172.32.0.0", PUBLIC},
    {"191.255.255.255", PUBLIC},
    {"192.0.0.0", RESERVED},
    {"192.0.0.192", RESERVED | METADATA},
    {"192.0.0.255", RESERVED},
    {"192.0.1.255", PUBLIC},
    {"192.0.2.0", RESERVED},
    {"192.0.2.255", RESERVED},
    {"192.0.3.0", PUBLIC},
    {"192.88.98.255", PUBLIC},
    {"192.88.99.1", RESERVED},
    {"192.88.100.0", PUBLIC},
    {"192.167.255.255", PUBLIC},
    {"192.168.0.0", PRIVATE},
    {"192.168.255.255", PRIVATE},
    {"192.169.0.0", PUBLIC},
    {"198.17.255.255", PUBLIC},
    {"198.18.0.0", RESERVED},
    {"198.19.255.255", RESERVED},
    {"198.20.0.0", PUBLIC},
    {"198.51.99.255", PUBLIC},
    {"198.51.100.0", RESERVED},
    {"198.51.100.255", RESERVED},
    {"198.51.101.0", PUBLIC},
    {"203.0.112.255", PUBLIC},
    {"203.0.113.0", RESERVED},
    {"203.0.113.255", RESERVED},
    {"203.0.114.0", PUBLIC},
    {"223.255.255.255", PUBLIC},
    {"224.0.0.0", MULTICAST},
    {"239.255.255.255", MULTICAST},
    {"240.0.0.0", RESERVED},
    {"255.255.255.255", RESERVED},
};

static const kind_case cases6[] = {
    {"::", THIS_HOST},
    {"::1", LOOPBACK},
    {"::2", RESERVED | THIS_HOST}, /* 0.0.0.2 */
    {"100::1", RESERVED},
    {"100:0:0:1::1", RESERVED},
    {"1fff:ffff::", RESERVED},
    {"2000::", PUBLIC},
    {"2001::", RESERVED | THIS_HOST | RESERVED},
    {"2001:2::1", RESERVED},
    {"2001:20::1", RESERVED},
    {"2001:1ff:ffff::", RESERVED},
    {"2001:200::", PUBLIC},
    {"2001:db7:ffff::", PUBLIC},
    {"2001:db8::1", RESERVED},
    {"2001:db8:ffff::1", RESERVED},
    {"2001:db9::", PUBLIC},
    {"2606:4700::1111", PUBLIC},
    {"2a00:1450:4001:830::200e", PUBLIC},
    {"3ffe:ffff::1", PUBLIC},
    {"3fff::1", RESERVED},
    {"3fff:fff:ffff::1", RESERVED},
    {"3fff:1000::1", PUBLIC},
    {"4000::", RESERVED},
    {"5f00::1", RESERVED},
    {"fbff::1", RESERVED},
    {"fc00::1", PRIVATE},
    {"fd00:ec2::254", PRIVATE | METADATA},
    {"fd00:ec2::23", PRIVATE | METADATA},
    {"fd20:ce::254", PRIVATE | METADATA},
    {"fd20:ce::255", PRIVATE},
    {"fd00:42::42", PRIVATE | METADATA},
    {"fd00:c1::a9fe:a9fe", PRIVATE | METADATA},
    {"fdff:ffff::1", PRIVATE},
    {"fe00::1", RESERVED},
    {"fe7f:ffff::", RESERVED},
    {"fe80::1", LINK_LOCAL},
    {"febf:ffff::1", LINK_LOCAL},
    {"fec0::1", PRIVATE},
    {"feff:ffff::1", PRIVATE},
    {"ff00::", MULTICAST},
    {"ff02::1", MULTICAST},
};

static uint32_t kinds_of(const char *text)
{
    rp_address address;
    if (!rp__address_parse(&address, text, strlen(text)))
        fail_msg("%s is no address", text);
    return rp_address_kinds(address.bytes, address.family == 4 ? 4 : 16);
}

static void check(const kind_case *c)
{
    uint32_t kinds = kinds_of(c->address);
    if (kinds != c->kinds)
        fail_msg("%s is of kinds %#x, not %#x", c->address, kinds, c->kinds);
}

static void knows_every_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases4) / sizeof(cases4[0]); i++)
        check(&cases4[i]);
    for (size_t i = 0; i < sizeof(cases6) / sizeof(cases6[0]); i++)
        check(&cases6[i]);
    assert_int_equal(rp_address_kinds((const uint8_t *)"", 0), RESERVED);
    assert_int_equal(rp_address_kinds((const uint8_t[]){8, 8, 8, 8, 8}, 5), RESERVED);
}

/* An IPv6 address that holds bytes at a place, each turned by mask. */
typedef struct holder {
    const char *prefix;
    uint8_t places[4];
    uint8_t mask;
    uint32_t beside; /* what it is whatever it holds */
} holder;

static const holder holders[] = {
    {"::ffff:0:0", {12, 13, 14, 15}, 0, PUBLIC},
    {"::", {12, 13, 14, 15}, 0, RESERVED},
    {"::ffff:0:0:0", {12, 13, 14, 15}, 0, RESERVED},
    {"64:ff9b::", {12, 13, 14, 15}, 0, PUBLIC},
    {"64:ff9b:1::", {12, 13, 14, 15}, 0, RESERVED | THIS_HOST},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", {12, 13, 14, 15}, 0, RESERVED},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", {9, 10, 11, 12}, 0, RESERVED},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", {7, 9, 10, 11}, 0, RESERVED},
    {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", {6, 7, 9, 10}, 0, RESERVED},
    {"2002::", {2, 3, 4, 5}, 0, RESERVED},
    {"2001::f7f7:f7f7", {4, 5, 6, 7}, 0, RESERVED},        /* client 8.8.8.8 */
    {"2001:0:808:808::", {12, 13, 14, 15}, 255, RESERVED}, /* server 8.8.8.8 */
    {"2606:4700::5efe:0:0", {12, 13, 14, 15}, 0, PUBLIC},
    {"2606:4700::200:5efe:0:0", {12, 13, 14, 15}, 0, PUBLIC},
    {"fe80::5efe:0:0", {12, 13, 14, 15}, 0, LINK_LOCAL},
};

static void finds_what_an_address_holds(void **state)
{
    (void)state;
    for (size_t h = 0; h < sizeof(holders) / sizeof(holders[0]); h++) {
        const holder *of = &holders[h];
        for (size_t i = 0; i < sizeof(cases4) / sizeof(cases4[0]); i++) {
            rp_address held, address;
            const char *text = cases4[i].address;
            assert_true(rp__address_parse(&address, of->prefix, strlen(of->prefix)));
            assert_true(rp__address_parse(&held, text, strlen(text)));
            for (size_t k = 0; k < 4; k++)
                address.bytes[of->places[k]] = held.bytes[k] ^ of->mask;
            uint32_t kinds = rp_address_kinds(address.bytes, 16);
            if (kinds == THIS_HOST && strcmp(of->prefix, "::") == 0)
                continue; /* 0.0.0.0 makes it :: */
            /* What stands at the other places may be of a kind, too. */
            bool others = of->beside == RESERVED && of->prefix[0] == '6';
            if ((kinds & cases4[i].kinds) != cases4[i].kinds || (kinds & of->beside) != of->beside)
                fail_msg("%s with %s is of kinds %#x", of->prefix, text, kinds);
            if (!others && cases4[i].kinds == PUBLIC && kinds != of->beside)
                fail_msg("%s with %s is of kinds %#x", of->prefix, text, kinds);
        }
    }
}

static void tells_kinds_in_words(void **state)
{
    (void)state;
    assert_string_equal(rp__kind_text(METADATA | LINK_LOCAL), "metadata service");
    assert_string_equal(rp__kind_text(LINK_LOCAL), "link-local");
    assert_string_equal(rp__kind_text(RESERVED), "reserved");
    assert_string_equal(rp__kind_text(PRIVATE | RESERVED), "private");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_every_block),
        cmocka_unit_test(finds_what_an_address_holds),
        cmocka_unit_test(tells_kinds_in_words),
    };
    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
