/* fuzz_names.c - does a certificate name this server? What must never be.
 *
 * Input: the server's name up to a NUL, and then the certificate's names: each a byte for
 * its kind, a byte for its size, and the bytes. */
#include "base/address.h"
#include "fuzz/support/fuzz.h"
#include "x509/host.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES 6

static size_t labels(const char *name, size_t size)
{
    size_t count = 1;
    for (size_t i = 0; i < size; i++)
        count += name[i] == '.';
    return count;
}

static char other_case(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void flip(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = other_case(text[i]);
}

static bool same_text(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i] && a[i] != other_case(b[i]))
            return false;
    }
    return true;
}

/* What a match means, said once more and in another way. */
static void check_match(const char *host, const char *pattern, size_t size)
{
    size_t host_size = strlen(host), skip = 0, host_skip = 0;
    if (host[host_size - 1] == '.')
        host_size--;
    FUZZ_CHECK(size > 0 && memchr(pattern, '\0', size) == NULL);
    FUZZ_CHECK(labels(host, host_size) == labels(pattern, size));
    if (pattern[0] == '*') {
        FUZZ_CHECK(size > 2 && pattern[1] == '.' && labels(pattern, size) >= 3);
        skip = 1;
        host_skip = strcspn(host, ".");
        FUZZ_CHECK(host_skip > 0);
    }
    FUZZ_CHECK(memchr(pattern + skip, '*', size - skip) == NULL);
    FUZZ_CHECK(host_size - host_skip == size - skip);
    FUZZ_CHECK(same_text(host + host_skip, pattern + skip, size - skip));
}

static bool check_name(const char *host, const uint8_t *pattern, size_t size)
{
    char *copy = fuzz_copy(pattern, size), *other = fuzz_copy(host, strlen(host) + 1);
    bool matches = rp__host_matches(host, (const uint8_t *)copy, size);
    if (matches)
        check_match(host, copy, size);
    flip(copy, size);
    FUZZ_CHECK(rp__host_matches(host, (const uint8_t *)copy, size) == matches);
    flip(other, strlen(other));
    FUZZ_CHECK(rp__host_matches(other, (const uint8_t *)copy, size) == matches);
    /* A name that can match anything matches itself. */
    if (matches && host[strlen(host) - 1] != '.')
        FUZZ_CHECK(rp__host_matches(host, (const uint8_t *)host, strlen(host)));
    free(copy);
    free(other);
    return matches;
}

typedef struct entry {
    rp_general_name_type type;
    rp_slice name;
} entry;

/* A certificate with these names. */
static void make_certificate(rp_certificate *certificate, uint8_t *list, const entry *entries,
                             size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        list[used++] = (uint8_t)(0x80 | entries[i].type);
        if (entries[i].name.size >= 0x80)
            list[used++] = 0x81;
        list[used++] = (uint8_t)entries[i].name.size;
        memcpy(list + used, entries[i].name.data, entries[i].name.size);
        used += entries[i].name.size;
    }
    memset(certificate, 0, sizeof(*certificate));
    certificate->alternative_names = (rp_slice){list, used};
}

/* Addresses by address entries only, names by name entries only. */
static void check_certificate(const char *host, const entry *entries, size_t count)
{
    rp_certificate certificate;
    uint8_t list[ENTRIES * 258];
    rp_address address;
    bool literal = rp__address_parse(&address, host, strlen(host)), expected = false;
    size_t address_size = literal && address.family == 4 ? 4 : 16;
    make_certificate(&certificate, list, entries, count);
    for (size_t i = 0; i < count; i++) {
        const entry *at = &entries[i];
        if (literal && at->type == RP_GENERAL_ADDRESS)
            expected = expected || (at->name.size == address_size &&
                                    memcmp(at->name.data, address.bytes, address_size) == 0);
        if (!literal && check_name(host, at->name.data, at->name.size))
            expected = expected || at->type == RP_GENERAL_DNS;
    }
    FUZZ_CHECK(rp__certificate_names_host(&certificate, host) == expected);
    fuzz_feature(1, (uint32_t)literal << 1 | expected);

    char text[RP_HOSTS_TEXT_SIZE];
    (void)rp__certificate_hosts_text(&certificate, text);
    FUZZ_CHECK(strlen(text) < sizeof(text));
    for (const char *c = text; *c != '\0'; c++)
        FUZZ_CHECK(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const rp_general_name_type types[] = {RP_GENERAL_DNS, RP_GENERAL_ADDRESS,
                                                 RP_GENERAL_EMAIL, RP_GENERAL_URI};
    fuzz_input input = {data, size};
    entry entries[ENTRIES];
    size_t count = 0;
    char *host = fuzz_string(&input);
    while (count < ENTRIES && input.size > 0) {
        entry *at = &entries[count];
        at->type = types[fuzz_byte(&input) % 4];
        at->name.data = fuzz_bytes(&input, fuzz_byte(&input), &at->name.size);
        if (at->name.size == 0)
            at->name.data = (const uint8_t *)"";
        /* Others are refused with the certificate. */
        if (at->type != RP_GENERAL_ADDRESS || at->name.size == 4 || at->name.size == 16)
            count++;
    }
    if (host[0] != '\0')
        check_certificate(host, entries, count);
    free(host);
    return 0;
}
