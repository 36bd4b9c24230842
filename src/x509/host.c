/* host.c - matching a certificate's names against a host (RFC 9525, 6). */
#include "x509/host.h"

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"
#include "x509/der.h"

#include <stdio.h>
#include <string.h>

size_t rp__host_labels(const uint8_t *name, size_t size)
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

bool rp__host_matches(const char *host, const uint8_t *pattern, size_t size)
{
    const uint8_t *name = (const uint8_t *)host;
    size_t name_size = strlen(host);
    if (name_size > 0 && name[name_size - 1] == '.')
        name_size--;
    if (rp__host_labels(name, name_size) == 0)
        return false;

    if (size < 2 || pattern[0] != '*' || pattern[1] != '.')
        return rp__host_labels(pattern, size) > 0 && size == name_size &&
               rp__ascii_equal(name, pattern, size);

    /* "*.example.com" stands for exactly one label before ".example.com". */
    const uint8_t *dot = memchr(name, '.', name_size);
    if (dot == NULL || rp__host_labels(pattern + 2, size - 2) < 2)
        return false;
    size_t rest = name_size - (size_t)(dot - name);
    return rest == size - 1 && rp__ascii_equal(dot, pattern + 1, rest);
}

bool rp__certificate_names_host(const rp_certificate *certificate, const char *host)
{
    rp_address wanted;
    bool literal = rp__address_parse(&wanted, host, strlen(host));
    rp_slice address = {wanted.bytes, literal && wanted.family == 4 ? 4 : 16};
    rp_slice names = certificate->alternative_names;
    rp_general_name name;
    while (rp__general_name_read(&names, &name)) {
        if (literal && name.type == RP_GENERAL_ADDRESS && rp__slice_equal(name.value, address))
            return true;
        if (!literal && name.type == RP_GENERAL_DNS && name.value.size > 0 &&
            rp__host_matches(host, name.value.data, name.value.size))
            return true;
    }
    return false;
}

static void host_text(const rp_general_name *name, char text[RP_DNAME_TEXT_SIZE])
{
    static const char said[] = "a DNS name that reads ";
    rp_address address = {.family = name->value.size == 4 ? 4 : 6};
    char address_text[RP_ADDRESS_TEXT_SIZE];
    text[0] = '\0';
    if (name->type == RP_GENERAL_DNS) {
        /* It is for no address: "for 192.0.2.1, not for 192.0.2.1" would help nobody. */
        rp_address read;
        bool odd = rp__address_parse(&read, (const char *)name->value.data, name->value.size);
        size_t before = odd ? sizeof(said) - 1 : 0;
        memcpy(text, said, before);
        rp__printable_text(name->value, text + before, RP_DNAME_TEXT_SIZE - before);
    } else if (name->type == RP_GENERAL_ADDRESS) {
        memcpy(address.bytes, name->value.data, name->value.size);
        snprintf(text, RP_DNAME_TEXT_SIZE, "%s", rp__address_text(&address, false, address_text));
    }
}

const char *rp__certificate_hosts_text(const rp_certificate *certificate,
                                       char text[RP_HOSTS_TEXT_SIZE])
{
    rp_slice names = certificate->alternative_names;
    rp_general_name name;
    size_t used = 0;
    text[0] = '\0';
    while (rp__general_name_read(&names, &name)) {
        char one[RP_DNAME_TEXT_SIZE];
        host_text(&name, one);
        size_t size = strlen(one);
        if (size == 0)
            continue;
        if (used + size + sizeof(", ...") + 2 > RP_HOSTS_TEXT_SIZE) {
            memcpy(text + used, ", ...", sizeof(", ...")); /* the first one always fits */
            break;
        }
        used += (size_t)snprintf(text + used, RP_HOSTS_TEXT_SIZE - used, "%s%s",
                                 used > 0 ? ", " : "", one);
    }
    return text;
}
