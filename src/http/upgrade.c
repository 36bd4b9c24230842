/* upgrade.c - see upgrade.h. */
#include "http/upgrade.h"

#include "base/text.h"
#include "http/headers.h"

#include <string.h>

/* The next element of a list (RFC 9110, 5.6.1) without the blanks around it; empty ones count for
 * nothing. size 0: there is none. */
static rp_slice next_element(const char **at, const char *end)
{
    while (*at < end && (**at == ',' || rp__is_blank(**at)))
        (*at)++;
    const char *begin = *at;
    while (*at < end && **at != ',')
        (*at)++;
    const char *last = *at;
    while (last > begin && rp__is_blank(last[-1]))
        last--;
    return (rp_slice){(const uint8_t *)begin, (size_t)(last - begin)};
}

bool rp__upgrade_is_list(const char *text)
{
    const char *at = text, *end = text + strlen(text);
    rp_slice element = next_element(&at, end);
    bool any = element.size > 0;
    for (; element.size > 0; element = next_element(&at, end)) {
        const char *name = (const char *)element.data;
        const char *slash = memchr(name, '/', element.size);
        size_t name_size = slash == NULL ? element.size : (size_t)(slash - name);
        if (!rp__is_token(name, name_size) ||
            (slash != NULL && !rp__is_token(slash + 1, element.size - name_size - 1)))
            return false;
    }
    return any;
}

static bool holds(rp_slice list, rp_slice wanted)
{
    const char *at = (const char *)list.data, *end = at + list.size;
    rp_slice element = next_element(&at, end);
    for (; element.size > 0; element = next_element(&at, end)) {
        if (element.size == wanted.size &&
            rp__ascii_equal((const char *)element.data, (const char *)wanted.data, wanted.size))
            return true;
    }
    return false;
}

/* Every protocol that it names must be one of those; *any: it names one. */
static bool all_asked(rp_slice asked, const char *value, bool *any)
{
    const char *at = value, *end = value + strlen(value);
    rp_slice element = next_element(&at, end);
    for (; element.size > 0; element = next_element(&at, end)) {
        *any = true;
        if (!holds(asked, element))
            return false;
    }
    return true;
}

const char *rp__upgrade_fault(rp_slice asked, const rp_response_head *head)
{
    bool connection = false, any = false;
    if (head->version < 11)
        return "the server switched protocols (101) in HTTP/1.0, which knows no Upgrade";
    for (size_t i = 0; i < head->header_count; i++) {
        const rp_header *header = &head->headers[i];
        size_t size = strlen(header->name);
        if (rp__name_equal(header->name, size, "connection"))
            connection = connection || holds(rp__slice_of(header->value), rp__slice_of("upgrade"));
        else if (rp__name_equal(header->name, size, "upgrade") &&
                 !all_asked(asked, header->value, &any))
            return "the server switched to a protocol (101) that was not asked for (RFC 9110, 7.8)";
    }
    if (!any)
        return "the server switched protocols (101) and does not say to which (RFC 9110, 15.2.2)";
    if (!connection)
        return "the server switched protocols (101) without Connection: Upgrade (RFC 9110, 7.8)";
    return NULL;
}
