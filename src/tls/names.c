/* names.c - matching a certificate's DNS names against a host name (RFC 9525, 6.3). */
#include "tls/names.h"

#include <string.h>

static uint8_t fold(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

static bool same_text(const uint8_t *left, const uint8_t *right, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (fold(left[i]) != fold(right[i]))
            return false;
    }
    return true;
}

/* The labels of a host name or of what stands behind a wildcard: none empty, nothing that a
 * sentence, a log or a C string would take for something else. Gives the number of labels, 0:
 * not such a name. */
static size_t count_labels(const uint8_t *name, size_t size)
{
    size_t labels = 0, length = 0;
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == '*')
            return 0;
        if (name[i] != '.') {
            length++;
            continue;
        }
        if (length == 0)
            return 0;
        labels++;
        length = 0;
    }
    return length == 0 ? 0 : labels + 1;
}

bool rp_name_matches(const char *host, const uint8_t *pattern, size_t size)
{
    const uint8_t *name = (const uint8_t *)host;
    size_t name_size = strlen(host);
    if (name_size > 0 && name[name_size - 1] == '.')
        name_size--;
    if (count_labels(name, name_size) == 0)
        return false;

    if (size < 2 || pattern[0] != '*' || pattern[1] != '.')
        return count_labels(pattern, size) > 0 && size == name_size &&
               same_text(name, pattern, size);

    /* "*.example.com" stands for exactly one label before ".example.com". */
    const uint8_t *dot = memchr(name, '.', name_size);
    if (dot == NULL || count_labels(pattern + 2, size - 2) < 2)
        return false;
    size_t rest = name_size - (size_t)(dot - name);
    return rest == size - 1 && same_text(dot, pattern + 1, rest);
}
