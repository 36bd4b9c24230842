/* fuzz_names.c - does a certificate name this server? What must never be.
 *
 * Input: the server's name up to a NUL, and then the certificate's names: each a byte for
 * its kind, a byte for its size, and the bytes. */
/* The whole file, for what is static in it: a certificate's list of names can be made by hand, a
 * signed certificate for each input could not. */
#include "../../src/tls/verify.c"

#include "fuzz/support/fuzz.h"

#include <stdlib.h>

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
    bool matches = rp_host_matches(host, (const uint8_t *)copy, size);
    if (matches)
        check_match(host, copy, size);
    flip(copy, size);
    FUZZ_CHECK(rp_host_matches(host, (const uint8_t *)copy, size) == matches);
    flip(other, strlen(other));
    FUZZ_CHECK(rp_host_matches(other, (const uint8_t *)copy, size) == matches);
    /* A name that can match anything matches itself. */
    if (matches && host[strlen(host) - 1] != '.')
        FUZZ_CHECK(rp_host_matches(host, (const uint8_t *)host, strlen(host)));
    free(copy);
    free(other);
    return matches;
}

/* A certificate with these names: addresses by address entries only, names by name entries only. */
static void check_certificate(const char *host, const DNS_entry *entries)
{
    DecodedCert certificate = {0};
    rp_address address;
    bool literal = rp_address_parse(&address, host, strlen(host)), expected = false;
    certificate.altNames = (DNS_entry *)(uintptr_t)entries;
    for (const DNS_entry *entry = entries; entry != NULL; entry = entry->next) {
        size_t size = (size_t)entry->len;
        if (literal)
            expected = expected ||
                       (entry->type == ASN_IP_TYPE && size == (address.family == 4 ? 4u : 16u) &&
                        memcmp(entry->name, address.bytes, size) == 0);
        else
            expected =
                check_name(host, (const uint8_t *)entry->name, size) && entry->type == ASN_DNS_TYPE
                    ? true
                    : expected;
    }
    FUZZ_CHECK(names_server(&certificate, host) == expected);
    fuzz_feature(1, (uint32_t)literal << 1 | expected);

    char text[NAMES_TEXT];
    names_text(text, &certificate);
    FUZZ_CHECK(strlen(text) < sizeof(text));
    for (const char *c = text; *c != '\0'; c++)
        FUZZ_CHECK(*c >= ' ' && *c <= '~');
}

static void check_der(const uint8_t *data, size_t size)
{
    const uint8_t *key = NULL;
    size_t key_size = 0;
    uint8_t *copy = fuzz_copy(data, size);
    if (find_public_key(copy, size, &key, &key_size)) {
        FUZZ_CHECK(key >= copy && key_size >= 2);
        FUZZ_CHECK(key_size <= (size_t)(copy + size - key));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int kinds[] = {ASN_DNS_TYPE, ASN_IP_TYPE, ASN_RFC822_TYPE, ASN_URI_TYPE};
    fuzz_input input = {data, size};
    DNS_entry entries[ENTRIES] = {{0}};
    size_t count = 0;
    check_der(data, size);
    char *host = fuzz_string(&input);
    for (; count < ENTRIES && input.size > 0; count++) {
        size_t taken;
        DNS_entry *entry = &entries[count];
        entry->type = kinds[fuzz_byte(&input) % 4];
        const uint8_t *name = fuzz_bytes(&input, fuzz_byte(&input), &taken);
        char *copy = malloc(taken + 1);
        FUZZ_CHECK(copy != NULL);
        memcpy(copy, taken > 0 ? name : (const uint8_t *)"", taken);
        copy[taken] = '\0'; /* as wolfSSL has it */
        entry->name = copy;
        entry->len = (int)taken;
        entry->next = count > 0 ? &entries[count - 1] : NULL;
    }
    if (host[0] != '\0')
        check_certificate(host, count > 0 ? &entries[count - 1] : NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)entries[i].name);
    free(host);
    return 0;
}
