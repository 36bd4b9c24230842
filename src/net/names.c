/* names.c - host names that need no name server. */
#include "net/names.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

#define NAME_LIMIT 253 /* RFC 1035, 2.3.4, in text without the final dot */
#define LABEL_LIMIT 63

/* A piece of a string. */
typedef struct span {
    const char *text;
    size_t size;
} span;

/* ---- text ---- */

static bool same_name(span a, span b)
{
    return a.size == b.size && rp__ascii_equal(a.text, b.text, a.size);
}

void rp__names_lower(const char *host, char name[RP_NAME_SIZE])
{
    size_t size = 0;
    for (; host[size] != '\0' && size < RP_NAME_SIZE - 1; size++)
        name[size] = rp__ascii_lower(host[size]);
    name[size] = '\0';
}

/* Without a final dot and without the brackets of an IPv6 literal. */
static span bare_host(const char *host, size_t size)
{
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']')
        return (span){host + 1, size - 2};
    if (size >= 1 && host[size - 1] == '.')
        size--;
    return (span){host, size};
}

static bool parse_port(span text, uint16_t *port)
{
    uint32_t value = 0;
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.text[i] < '0' || text.text[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.text[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* Cuts what stands before the separator off rest; all of it if there is none. */
static span cut(span *rest, char separator)
{
    const char *end = memchr(rest->text, separator, rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->text);
    span head = {rest->text, size};
    size_t used = end == NULL ? size : size + 1;
    rest->text += used;
    rest->size -= used;
    return head;
}

/* ---- names ---- */

/* Letters, digits, hyphen (RFC 952, RFC 1123), and the underscore that people use. Everything
 * else would be sent to name servers in vain, or mean something to c-ares (a backslash does). */
static bool is_name_character(char c)
{
    return (c >= '0' && c <= '9') || (rp__ascii_lower(c) >= 'a' && rp__ascii_lower(c) <= 'z') ||
           c == '-' || c == '_';
}

/* As inet_aton(3) has them: decimal, octal, or "0x" and hexadecimal. */
static bool is_number(span label)
{
    bool hex = label.size > 1 && label.text[0] == '0' && rp__ascii_lower(label.text[1]) == 'x';
    for (size_t i = hex ? 2 : 0; i < label.size; i++) {
        char c = rp__ascii_lower(label.text[i]);
        if ((c < '0' || c > '9') && !(hex && c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

/* Why name is not a host name; NULL if it is one. */
static const char *name_fault(span name)
{
    size_t label = 0;
    if (name.size == 0)
        return "is empty";
    if (name.size > NAME_LIMIT)
        return "is longer than 253 characters";
    for (size_t i = 0; i < name.size; i++) {
        char c = name.text[i];
        if (c == '.') {
            if (label == 0)
                return "has an empty label";
            label = 0;
            continue;
        }
        if (c == ':' || c == '[' || c == ']')
            return "is not a valid IP address";
        if ((unsigned char)c >= 0x80)
            return "is not ASCII: its xn-- form is needed";
        if (!is_name_character(c))
            return "has a character that is not allowed in a host name";
        if (++label > LABEL_LIMIT)
            return "has a label longer than 63 characters";
    }
    if (label == 0)
        return "has an empty label";
    /* No top-level domain is a number: this is an address that somebody else may read as another
     * one ("127.1", "010.0.0.1", "0x7f000001"). */
    span last = {name.text + name.size - label, label};
    return is_number(last) ? "is not a valid IP address" : NULL;
}

static bool is_localhost(span name)
{
    static const char text[] = ".localhost";
    size_t size = sizeof(text) - 1;
    if (same_name(name, (span){text + 1, size - 1}))
        return true;
    return name.size > size &&
           same_name((span){name.text + name.size - size, size}, (span){text, size});
}

/* IPv4 first: what listens on one loopback address only listens on this one as a rule. */
static size_t localhost_addresses(rp_address *addresses)
{
    addresses[0] = (rp_address){.family = 4, .bytes = {127, 0, 0, 1}};
    addresses[1] = (rp_address){.family = 6, .bytes = {[15] = 1}};
    return 2;
}

/* The first for the host itself, else the first for any. */
static rp_override *find_override(rp_override *overrides, span host, uint16_t port)
{
    rp_override *any = NULL;
    for (rp_override *entry = overrides; entry != NULL; entry = entry->next) {
        if (entry->port != 0 && entry->port != port)
            continue;
        if (same_name(host, (span){entry->host, strlen(entry->host)}))
            return entry;
        if (any == NULL && strcmp(entry->host, "*") == 0)
            any = entry;
    }
    return any;
}

rp_status rp__names_answer(rp_override *overrides, const char *host, uint16_t port,
                           rp_address addresses[RP_ADDRESSES_LIMIT], size_t *count,
                           rp_override **from, rp_error *error)
{
    size_t size = strlen(host);
    span name = bare_host(host, size);
    *count = 0;
    *from = find_override(overrides, name, port);
    if (*from != NULL) {
        *count = (*from)->count;
        memcpy(addresses, (*from)->addresses, *count * sizeof(*addresses));
    }
    if (*count == 0 && rp__address_parse(&addresses[0], host, size))
        *count = 1;
    if (*count == 0 && host[0] != '[' && is_localhost(name))
        *count = localhost_addresses(addresses);
    for (size_t i = 0; i < *count; i++)
        addresses[i].port = port;
    if (*count > 0)
        return RP_OK;
    const char *fault = host[0] == '[' ? "is not a valid IP address" : name_fault(name);
    if (fault != NULL)
        return rp__error_set(error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_RESOLVE,
                             "host name \"%.100s\" %s", host, fault);
    return RP_OK;
}

/* ---- overrides ---- */

/* The host of an entry, which may be an IPv6 literal in brackets; rest then starts with the
 * port. */
static span cut_host(span *rest)
{
    const char *end = NULL;
    if (rest->size > 0 && rest->text[0] == '[')
        end = memchr(rest->text, ']', rest->size);
    if (end == NULL || (size_t)(end - rest->text) + 1 >= rest->size || end[1] != ':') {
        span host = cut(rest, ':');
        return bare_host(host.text, host.size);
    }
    span host = {rest->text + 1, (size_t)(end - rest->text) - 1};
    rest->text = end + 2;
    rest->size -= host.size + 3;
    return host;
}

/* NULL, or what is wrong. */
static const char *parse_addresses(rp_override *entry, span rest)
{
    do {
        bool more = memchr(rest.text, ',', rest.size) != NULL;
        span text = cut(&rest, ',');
        if (entry->count == RP_ADDRESSES_LIMIT)
            return "has more than 16 addresses";
        if (!rp__address_parse(&entry->addresses[entry->count], text.text, text.size))
            return text.size == 0 ? "lacks an address" : "has an invalid address";
        entry->count++;
        if (!more)
            return NULL;
    } while (true);
}

static const char *parse_override(rp_override *entry, const char *text)
{
    span rest = {text, strlen(text)};
    span host = cut_host(&rest);
    rp_address literal;
    bool any_host = host.size == 1 && host.text[0] == '*';
    if (!any_host && !rp__address_parse(&literal, host.text, host.size) && name_fault(host) != NULL)
        return "has no valid host name";
    memcpy(entry->host, host.text, host.size);
    if (memchr(rest.text, ':', rest.size) == NULL)
        return "is not host:port:address";
    span port = cut(&rest, ':');
    bool any = port.size == 1 && port.text[0] == '*';
    if (!any && !parse_port(port, &entry->port))
        return "has a port that is neither 1 to 65535 nor *";
    return parse_addresses(entry, rest);
}

rp_status rp__override_parse(rp_override **override, rp_memory *memory, const char *text,
                             size_t index, rp_error *error)
{
    *override = NULL;
    if (text == NULL)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "override %zu is NULL",
                             index + 1);
    rp_override *entry = rp__allocate(memory, sizeof(*entry) + strlen(text) + 1);
    if (entry == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the overrides");
    const char *fault = parse_override(entry, text);
    if (fault != NULL) {
        rp__free(memory, entry);
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "override %zu (\"%.120s\") %s",
                             index + 1, text, fault);
    }
    *override = entry;
    return RP_OK;
}

/* ---- name servers ---- */

static bool is_server(span text)
{
    rp_address address;
    uint16_t port;
    if (rp__address_parse(&address, text.text, text.size))
        return true;
    const char *colon = NULL;
    for (size_t i = 0; i < text.size; i++) {
        if (text.text[i] == ':')
            colon = text.text + i;
    }
    if (colon == NULL)
        return false;
    size_t size = (size_t)(colon - text.text);
    return rp__address_parse(&address, text.text, size) &&
           (address.family == 4 || text.text[0] == '[') &&
           parse_port((span){colon + 1, text.size - size - 1}, &port);
}

rp_status rp__servers_check(const char *servers, rp_error *error)
{
    span rest = {servers, strlen(servers)};
    bool more;
    do {
        more = memchr(rest.text, ',', rest.size) != NULL;
        span text = cut(&rest, ',');
        if (!is_server(text))
            return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                                 "name server \"%.*s\" is not an IP address with or without a port",
                                 (int)(text.size < 100 ? text.size : 100), text.text);
    } while (more);
    return RP_OK;
}
