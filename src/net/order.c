/* order.c - destination address selection. */
#include "net/order.h"

#include "base/assert.h"
#include "base/platform.h"

#include <string.h>

/* ---- the key ---- */

typedef struct policy {
    uint8_t prefix[16];
    uint8_t bits, precedence, label;
} policy;

/* RFC 6724, 2.1; the longest prefixes first. IPv4 is ::ffff:0:0/96. */
static const policy policies[] = {
    {{[15] = 1}, 128, 50, 0},  {{[10] = 0xFF, [11] = 0xFF}, 96, 35, 4},
    {{0}, 96, 1, 3},           {{0x20, 0x01}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2}, {{0x3F, 0xFE}, 16, 1, 12},
    {{0xFE, 0xC0}, 10, 1, 11}, {{0xFC}, 7, 3, 13},
    {{0}, 0, 40, 1},
};

static void mapped(const rp_address *address, uint8_t bytes[16])
{
    static const uint8_t prefix[12] = {[10] = 0xFF, [11] = 0xFF};
    if (address->family == 6) {
        memcpy(bytes, address->bytes, 16);
        return;
    }
    memcpy(bytes, prefix, sizeof(prefix));
    memcpy(bytes + sizeof(prefix), address->bytes, 4);
}

static bool has_prefix(const uint8_t *bytes, const policy *entry)
{
    size_t whole = entry->bits / 8, rest = entry->bits % 8;
    if (memcmp(bytes, entry->prefix, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ entry->prefix[whole]) >> (8 - rest) == 0;
}

static const policy *policy_of(const rp_address *address)
{
    uint8_t bytes[16];
    const policy *entry = policies;
    mapped(address, bytes);
    while (!has_prefix(bytes, entry))
        entry++; /* the last one fits all */
    return entry;
}

/* RFC 6724, 3.1 and 3.2: 2 link-local, 5 site-local, 14 global; multicast has no connections. */
static unsigned scope_of(const rp_address *address)
{
    const uint8_t *bytes = address->bytes;
    if (address->family == 4) {
        if (bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254))
            return 2;
        return 14;
    }
    static const uint8_t loopback[16] = {[15] = 1};
    if (memcmp(bytes, loopback, sizeof(loopback)) == 0)
        return 2;
    if (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80)
        return 2;
    if (bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0xC0)
        return 5;
    return 14;
}

uint32_t rp__order_key(const rp_address *address)
{
    rp_address source;
    if (!rp__system_source(address, &source))
        return 0;
    const policy *to = policy_of(address), *from = policy_of(&source);
    unsigned scope = scope_of(address);
    uint32_t same_scope = scope == scope_of(&source), same_label = to->label == from->label;
    return 1u << 16 | same_scope << 15 | same_label << 14 | (uint32_t)to->precedence << 4 |
           (15 - scope);
}

/* ---- the order ---- */

typedef struct candidate {
    rp_address address;
    uint32_t key;
    bool failed;
} candidate;

/* Where b is, among those before it: stable. */
static bool goes_before(const candidate *a, const candidate *b)
{
    if (a->failed != b->failed)
        return b->failed;
    return a->key > b->key;
}

static void sort(candidate *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        candidate one = list[i];
        size_t at = i;
        for (; at > 0 && goes_before(&one, &list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = one;
    }
}

/* Each run of equals of one family begins one further in each turn. */
static void rotate(candidate *list, size_t count, unsigned turn)
{
    candidate copy[RP_ADDRESSES_LIMIT];
    size_t begin = 0;
    while (begin < count) {
        size_t end = begin + 1;
        while (end < count && !goes_before(&list[begin], &list[end]))
            end++;
        size_t size = end - begin;
        memcpy(copy, list + begin, size * sizeof(*copy));
        for (size_t i = 0; i < size; i++)
            list[begin + i] = copy[(i + turn) % size];
        begin = end;
    }
}

/* Families take turns, so that the second attempt does not die of what the first one died of; all
 * healthy ones come before all that failed. */
static void interleave(candidate *lists[2], const size_t counts[2], rp_address *out)
{
    size_t used[2] = {0, 0}, made = 0;
    unsigned next = counts[0] == 0 || (counts[1] > 0 && goes_before(&lists[1][0], &lists[0][0]));
    while (made < counts[0] + counts[1]) {
        unsigned other = next ^ 1;
        bool mine = used[next] < counts[next], others = used[other] < counts[other];
        if (!mine ||
            (others && lists[next][used[next]].failed && !lists[other][used[other]].failed))
            next = other;
        out[made++] = lists[next][used[next]].address;
        used[next]++;
        next ^= 1;
    }
}

void rp__order(rp_address *addresses, const uint32_t *keys, const bool *failed, size_t count,
               unsigned turn)
{
    candidate families[2][RP_ADDRESSES_LIMIT];
    candidate *lists[2] = {families[0], families[1]};
    size_t counts[2] = {0, 0};
    RP_ASSERT(count <= RP_ADDRESSES_LIMIT);
    if (count < 2)
        return;
    for (size_t i = 0; i < count; i++) {
        unsigned which = addresses[i].family != addresses[0].family;
        lists[which][counts[which]++] = (candidate){
            .address = addresses[i], .key = keys == NULL ? 0 : keys[i], .failed = failed[i]};
    }
    for (unsigned which = 0; which < 2; which++) {
        sort(lists[which], counts[which]);
        rotate(lists[which], counts[which], turn);
    }
    interleave(lists, counts, addresses);
}
