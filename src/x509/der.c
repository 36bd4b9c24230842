/* der.c - reading DER. */
#include "x509/der.h"

#include <string.h>

#define LONG_TAG 0x1f        /* the number stands in the bytes that follow (X.690, 8.1.2.4) */
#define LENGTH_BYTES_LIMIT 4 /* no input is longer than that */

bool rp__slice_equal(rp_slice left, rp_slice right)
{
    return left.size == right.size &&
           (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

/* The header at the front of in: its tag, its own size and that of the content, which is there. */
static bool read_header(rp_slice in, uint8_t *tag, size_t *header, size_t *content)
{
    if (in.size < 2 || (in.data[0] & LONG_TAG) == LONG_TAG)
        return false;
    *tag = in.data[0];
    *header = 2;
    *content = in.data[1];
    if (in.data[1] >= 0x80) {
        size_t digits = in.data[1] & 0x7f;
        if (digits == 0 || digits > LENGTH_BYTES_LIMIT || in.size - 2 < digits)
            return false;
        *content = 0;
        for (size_t i = 0; i < digits; i++)
            *content = *content << 8 | in.data[2 + i];
        *header += digits;
        bool shortest = *content >= 0x80 && in.data[2] != 0;
        if (!shortest)
            return false;
    }
    return *content <= in.size - *header;
}

bool rp__der_any(rp_slice *in, uint8_t *tag, rp_slice *content)
{
    size_t header, size;
    if (!read_header(*in, tag, &header, &size))
        return false;
    *content = (rp_slice){in->data + header, size};
    *in = (rp_slice){in->data + header + size, in->size - header - size};
    return true;
}

bool rp__der_next_is(const rp_slice *in, uint8_t tag)
{
    return in->size > 0 && in->data[0] == tag;
}

bool rp__der_get(rp_slice *in, uint8_t tag, rp_slice *content)
{
    uint8_t found;
    return rp__der_next_is(in, tag) && rp__der_any(in, &found, content);
}

bool rp__der_element(rp_slice *in, uint8_t tag, rp_slice *element)
{
    const uint8_t *begin = in->data;
    rp_slice content;
    if (!rp__der_get(in, tag, &content))
        return false;
    *element = (rp_slice){begin, (size_t)(in->data - begin)};
    return true;
}

bool rp__der_boolean(rp_slice *in, bool *value)
{
    rp_slice content;
    if (!rp__der_get(in, RP_DER_BOOLEAN, &content) || content.size != 1)
        return false;
    *value = content.data[0] == 0xff;
    return *value || content.data[0] == 0;
}

bool rp__der_integer(rp_slice *in, rp_slice *content)
{
    if (!rp__der_get(in, RP_DER_INTEGER, content) || content->size == 0)
        return false;
    if (content->size == 1)
        return true;
    uint8_t sign = content->data[1] & 0x80 ? 0xff : 0; /* which the first byte must not repeat */
    return content->data[0] != sign;
}

bool rp__der_small(rp_slice *in, uint32_t *value)
{
    rp_slice content;
    if (!rp__der_integer(in, &content) || content.size > 4 || content.data[0] & 0x80)
        return false;
    *value = 0;
    for (size_t i = 0; i < content.size; i++)
        *value = *value << 8 | content.data[i];
    return true;
}

bool rp__der_bits(rp_slice *in, rp_slice *bytes, unsigned *unused)
{
    rp_slice content;
    if (!rp__der_get(in, RP_DER_BIT_STRING, &content) || content.size == 0)
        return false;
    *unused = content.data[0];
    *bytes = (rp_slice){content.data + 1, content.size - 1};
    if (bytes->size == 0)
        return *unused == 0;
    return *unused < 8 && (bytes->data[bytes->size - 1] & ((1u << *unused) - 1)) == 0;
}

bool rp__der_bytes(rp_slice *in, rp_slice *bytes)
{
    unsigned unused;
    return rp__der_bits(in, bytes, &unused) && unused == 0;
}

/* Seven bits a byte, of which all but a number's last have the eighth one (X.690, 8.19.2). */
bool rp__der_is_oid(rp_slice content)
{
    bool begins = true;
    for (size_t i = 0; i < content.size; i++) {
        if (begins && content.data[i] == 0x80)
            return false;
        begins = content.data[i] < 0x80;
    }
    return begins && content.size > 0;
}

bool rp__der_oid(rp_slice *in, rp_slice *content)
{
    return rp__der_get(in, RP_DER_OID, content) && rp__der_is_oid(*content);
}

/* Two decimal digits at *at, which moves on. False: they are none, or above limit. */
static bool two_digits(const uint8_t **at, unsigned least, unsigned limit, unsigned *value)
{
    const uint8_t *digits = *at;
    if (digits[0] < '0' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9')
        return false;
    *value = (unsigned)(digits[0] - '0') * 10 + (unsigned)(digits[1] - '0');
    *at += 2;
    return *value >= least && *value <= limit;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* In the Gregorian calendar, which is taken to have begun in the year 1. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    static const unsigned days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t years = (int64_t)year - 1; /* all of them before this one */
    int64_t days = years * 365 + years / 4 - years / 100 + years / 400 + days_before[month - 1];
    if (month > 2 && is_leap(year))
        days++;
    return days + day - 1 - 719162;
}

bool rp__der_time(rp_slice *in, int64_t *seconds)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint8_t tag;
    rp_slice text;
    unsigned century, year, month, day, hour, minute, second;
    if (!rp__der_any(in, &tag, &text))
        return false;
    const uint8_t *at = text.data;
    if (tag == RP_DER_GENERALIZED_TIME && text.size == sizeof("YYYYMMDDHHMMSSZ") - 1) {
        if (!two_digits(&at, 0, 99, &century) || !two_digits(&at, 0, 99, &year))
            return false;
        year += 100 * century;
        if (year == 0)
            return false;
    } else if (tag == RP_DER_UTC_TIME && text.size == sizeof("YYMMDDHHMMSSZ") - 1) {
        if (!two_digits(&at, 0, 99, &year))
            return false;
        year += year < 50 ? 2000 : 1900; /* RFC 5280, 4.1.2.5.1 */
    } else {
        return false;
    }
    if (!two_digits(&at, 1, 12, &month) || !two_digits(&at, 1, 31, &day) ||
        !two_digits(&at, 0, 23, &hour) || !two_digits(&at, 0, 59, &minute) ||
        !two_digits(&at, 0, 59, &second) || *at != 'Z')
        return false;
    if (day > month_days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u))
        return false;
    *seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
