/* address.c - IP addresses to text and back.
 *
 * c-ares does the work. Its parsers are more lenient than an HTTPS client should be ("127.1",
 * "1.2.3.4/8"), so what reaches them has been looked at. */
#include "base/address.h"

#include <ares.h>
#include <stdio.h>
#include <string.h>

/* Four decimal octets, no leading zeros: "010.0.0.1" is 10.0.0.1 for some programs and 8.0.0.1
 * for others, and whoever checks an address must not see another one than whoever connects. */
static bool is_dotted_quad(const char *text)
{
    unsigned dots = 0, digits = 0;
    for (; *text != '\0'; text++) {
        if (*text == '.') {
            if (digits == 0 || ++dots > 3)
                return false;
            digits = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > 3)
            return false;
        if (digits == 2 && text[-1] == '0')
            return false;
    }
    return dots == 3 && digits > 0;
}

/* "%3". Names of interfaces mean nothing without asking the system, and are refused. */
static bool parse_zone(const char *text, uint32_t *scope)
{
    uint64_t value = 0;
    if (*text == '\0' || strlen(text) > 10)
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *scope = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool parse_6(rp_address *address, char *text)
{
    char *zone = strchr(text, '%');
    uint32_t scope = 0;
    if (zone != NULL) {
        *zone = '\0';
        if (!parse_zone(zone + 1, &scope))
            return false;
    }
    const char *last = strrchr(text, ':');
    if (last == NULL || strchr(text, '/') != NULL)
        return false;
    if (strchr(text, '.') != NULL && !is_dotted_quad(last + 1))
        return false;
    struct ares_in6_addr binary;
    if (ares_inet_pton(AF_INET6, text, &binary) != 1)
        return false;
    address->family = 6;
    address->scope = scope;
    memcpy(address->bytes, &binary, 16);
    return true;
}

static bool parse_4(rp_address *address, const char *text)
{
    struct in_addr binary;
    if (!is_dotted_quad(text) || ares_inet_pton(AF_INET, text, &binary) != 1)
        return false;
    address->family = 4;
    address->scope = 0;
    memset(address->bytes, 0, sizeof(address->bytes));
    memcpy(address->bytes, &binary, 4);
    return true;
}

bool rp__address_parse(rp_address *address, const char *text, size_t size)
{
    char copy[RP_ADDRESS_TEXT_SIZE];
    bool brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (brackets) {
        text++;
        size -= 2;
    }
    if (size == 0 || size >= sizeof(copy) || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (brackets || memchr(copy, ':', size) != NULL)
        return parse_6(address, copy);
    return parse_4(address, copy);
}

static char *put_number(char *at, unsigned value)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

/* Each connection has its peer's in a message or two: this is a tenth of what printf takes. */
static void text_4(const rp_address *address, bool with_port, char *text)
{
    for (int i = 0; i < 4; i++) {
        text = put_number(text, address->bytes[i]);
        *text++ = i < 3 ? '.' : ':';
    }
    if (with_port)
        text = put_number(text, address->port);
    else
        text--;
    *text = '\0';
}

static void text_6(const rp_address *address, bool with_port, char *text)
{
    char host[8 * 5], zone[12] = ""; /* eight groups of four digits */
    if (ares_inet_ntop(AF_INET6, address->bytes, host, sizeof(host)) == NULL)
        host[0] = '\0';
    if (address->scope != 0)
        (void)snprintf(zone, sizeof(zone), "%%%lu", (unsigned long)address->scope);
    if (with_port)
        (void)snprintf(text, RP_ADDRESS_TEXT_SIZE, "[%s%s]:%u", host, zone,
                       (unsigned)address->port);
    else
        (void)snprintf(text, RP_ADDRESS_TEXT_SIZE, "%s%s", host, zone);
}

bool rp__address_is_among(const rp_address *address, const rp_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].family == address->family &&
            memcmp(list[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
            return true;
    }
    return false;
}

const char *rp__address_text(const rp_address *address, bool with_port,
                             char text[RP_ADDRESS_TEXT_SIZE])
{
    if (address->family == RP_FAMILY_UNIX)
        (void)snprintf(text, RP_ADDRESS_TEXT_SIZE, "unix:%.*s", RP_ADDRESS_TEXT_SIZE - 6,
                       address->path);
    else if (address->family == 4)
        text_4(address, with_port, text);
    else if (address->family == 6)
        text_6(address, with_port, text);
    else
        text[0] = '\0';
    return text;
}
