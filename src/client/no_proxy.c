/* no_proxy.c - see no_proxy.h. The rules are those of curl 7.86 and later (lib/noproxy.c). */
#include "client/no_proxy.h"

#include "base/address.h"
#include "base/slice.h"
#include "base/text.h"

#include <string.h>

static bool is_separator(char c)
{
    return c == ',' || rp__is_blank(c);
}

static void cut_final_dot(const char *text, size_t *size)
{
    if (*size > 0 && text[*size - 1] == '.')
        (*size)--;
}

static bool name_matches(const char *entry, size_t entry_size, const char *host, size_t size)
{
    cut_final_dot(entry, &entry_size);
    if (entry_size > 0 && entry[0] == '.') {
        entry++;
        entry_size--;
    }
    if (entry_size == 0 || entry_size > size)
        return false;
    const char *end = host + size - entry_size;
    return rp__ascii_equal(end, entry, entry_size) && (end == host || end[-1] == '.');
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    unsigned shift = 8 - bits % 8;
    return bits % 8 == 0 || a[bits / 8] >> shift == b[bits / 8] >> shift;
}

/* What follows the slash. False: no number of bits of such an address. */
static bool read_bits(const char *text, const char *end, unsigned most, unsigned *bits)
{
    *bits = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *bits = *bits * 10 + (unsigned)(*text - '0');
        if (*bits > most)
            return false;
    }
    return true;
}

static bool address_matches(const char *entry, size_t entry_size, const rp_address *host)
{
    const char *slash = memchr(entry, '/', entry_size);
    unsigned most = host->family == 4 ? 32 : 128, bits = most;
    rp_address network = {0};
    if (slash != NULL && !read_bits(slash + 1, entry + entry_size, most, &bits))
        return false;
    if (slash != NULL)
        entry_size = (size_t)(slash - entry);
    return rp__address_parse(&network, entry, entry_size) && network.family == host->family &&
           same_bits(network.bytes, host->bytes, bits);
}

bool rp__no_proxy_has(const char *list, const char *host)
{
    size_t size = strlen(host);
    rp_address address = {0};
    bool is_address = rp__address_parse(&address, host, size);
    if (strcmp(list, "*") == 0)
        return true;
    if (!is_address)
        cut_final_dot(host, &size);
    while (*list != '\0') {
        size_t entry = 0;
        while (list[entry] != '\0' && !is_separator(list[entry]))
            entry++;
        if (is_address ? address_matches(list, entry, &address)
                       : name_matches(list, entry, host, size))
            return true;
        list += entry;
        while (is_separator(*list))
            list++;
    }
    return false;
}
