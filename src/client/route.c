/* route.c - see route.h. */
#include "client/route.h"

#include "base/address.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* A proxy is told the host in a line of its own (CONNECT), where these would end it. */
static bool has_blanks(rp_slice host)
{
    for (size_t i = 0; i < host.size; i++) {
        if (host.data[i] <= ' ' || host.data[i] == 0x7f)
            return true;
    }
    return false;
}

/* Cuts "HOST:" or "[HOST]:" off text. */
static bool cut_host(const char **text, rp_slice *host)
{
    const char *from = *text, *end;
    bool brackets = from[0] == '[';
    from += brackets;
    end = strchr(from, brackets ? ']' : ':');
    if (end == NULL || (brackets && end[1] != ':'))
        return false;
    *host = (rp_slice){(const uint8_t *)from, (size_t)(end - from)};
    *text = end + (brackets ? 2 : 1);
    return host->size <= RP_HOST_LIMIT && !(brackets && host->size == 0) && !has_blanks(*host);
}

/* Digits up to end, or nothing: 0. */
static bool parse_port(const char *text, const char *end, uint16_t *port)
{
    uint32_t value = 0;
    *port = 0;
    if (text == end)
        return true;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || value > UINT16_MAX)
            return false;
        value = value * 10 + (uint32_t)(*text - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* What follows tells it from a host of that name: no port begins so. */
static bool parse_unix(rp_route *route, const char *text)
{
    size_t size = strlen(text);
    *route = (rp_route){.path = text};
    return size > 1 && size <= RP_UNIX_LIMIT;
}

bool rp__route_is_unix(const char *text)
{
    return strncmp(text, "unix:", 5) == 0 && text[5] != '\0' && strchr("/.@", text[5]) != NULL;
}

bool rp__route_parse(rp_route *route, const char *text)
{
    *route = (rp_route){.path = NULL};
    if (rp__route_is_unix(text))
        return parse_unix(route, text + 5);
    return cut_host(&text, &route->host) && parse_port(text, text + strlen(text), &route->port);
}

/* "HOST1:PORT1:ROUTE" */
static bool parse_rule(const char *text, rp_slice *host, uint16_t *port, rp_route *route)
{
    if (!cut_host(&text, host))
        return false;
    const char *end = strchr(text, ':');
    return end != NULL && parse_port(text, end, port) && rp__route_parse(route, end + 1);
}

rp_status rp__routes_make(char **rules, rp_memory *memory, const char *const *entries, size_t count,
                          rp_error *error)
{
    size_t size = 1;
    *rules = NULL;
    for (size_t i = 0; i < count; i++) {
        rp_slice host;
        uint16_t port;
        rp_route route;
        const char *entry = entries == NULL || entries[i] == NULL ? "" : entries[i];
        if (!parse_rule(entry, &host, &port, &route))
            return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                                 "connect_to %zu (\"%.120s\") is not HOST1:PORT1:HOST2:PORT2 or "
                                 "HOST1:PORT1:unix:PATH",
                                 i + 1, entry);
        size += strlen(entry) + 1;
    }
    if (count == 0)
        return RP_OK;
    char *at = rp__allocate(memory, size);
    if (at == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for the client");
    *rules = at;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, entries[i], strlen(entries[i]) + 1);
        at += strlen(at) + 1;
    }
    *at = '\0';
    return RP_OK;
}

static bool same_host(rp_slice a, rp_slice b)
{
    return a.size == b.size && rp__ascii_equal((const char *)a.data, (const char *)b.data, a.size);
}

/* The first rule that is for the URL. */
static bool find_rule(rp_route *route, const char *rules, const rp_url *url)
{
    for (const char *rule = rules; rule != NULL && *rule != '\0'; rule += strlen(rule) + 1) {
        rp_slice host = {NULL, 0};
        uint16_t port = 0;
        (void)parse_rule(rule, &host, &port, route);
        if ((host.size == 0 || same_host(host, url->host)) && (port == 0 || port == url->port))
            return true;
    }
    return false;
}

rp_status rp__route_find(char text[RP_ROUTE_SIZE], const char *rules, const rp_url *url,
                         const char *own, rp_error *error)
{
    rp_route route;
    text[0] = '\0';
    if (own != NULL && !rp__route_parse(&route, own))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "connect_to (\"%.120s\") is not HOST:PORT or unix:PATH", own);
    if (own == NULL && !find_rule(&route, rules, url))
        return RP_OK;
    if (route.path != NULL) {
        (void)snprintf(text, RP_ROUTE_SIZE, "unix:%s", route.path);
        return RP_OK;
    }
    rp_slice host = route.host.size > 0 ? route.host : url->host;
    uint16_t port = route.port > 0 ? route.port : url->port;
    if (same_host(host, url->host) && port == url->port)
        return RP_OK;
    bool brackets = memchr(host.data, ':', host.size) != NULL;
    (void)snprintf(text, RP_ROUTE_SIZE, brackets ? "[%.*s]:%u" : "%.*s:%u", (int)host.size,
                   (const char *)host.data, (unsigned)port);
    for (char *c = text; *c != '\0'; c++)
        *c = rp__ascii_lower(*c);
    return RP_OK;
}
