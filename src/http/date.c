/* date.c - see date.h. */
#include "http/date.h"

#include "http/headers.h"

#include <string.h>

typedef struct civil {
    unsigned day, month, year, hour, minute, second; /* month: 0 to 11 */
} civil;

static bool digits(const char **at, unsigned count, unsigned *value)
{
    *value = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (unsigned)(**at - '0');
    }
    return true;
}

static bool literal(const char **at, const char *text)
{
    size_t size = strlen(text);
    if (strncmp(*at, text, size) != 0)
        return false;
    *at += size;
    return true;
}

static bool month(const char **at, unsigned *value)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (*value = 0; *value < 12; (*value)++) {
        if (strncmp(*at, names + (size_t)*value * 3, 3) == 0) {
            *at += 3;
            return true;
        }
    }
    return false;
}

static bool time_of_day(const char **at, civil *d)
{
    return digits(at, 2, &d->hour) && literal(at, ":") && digits(at, 2, &d->minute) &&
           literal(at, ":") && digits(at, 2, &d->second);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool fixed(const char *at, civil *d)
{
    return digits(&at, 2, &d->day) && literal(&at, " ") && month(&at, &d->month) &&
           literal(&at, " ") && digits(&at, 4, &d->year) && literal(&at, " ") &&
           time_of_day(&at, d) && literal(&at, " GMT") && *at == '\0';
}

/* "06-Nov-94 08:49:37 GMT", RFC 850's; POSIX' two digits: 1969 to 2068. */
static bool old(const char *at, civil *d)
{
    bool is = digits(&at, 2, &d->day) && literal(&at, "-") && month(&at, &d->month) &&
              literal(&at, "-") && digits(&at, 2, &d->year) && literal(&at, " ") &&
              time_of_day(&at, d) && literal(&at, " GMT") && *at == '\0';
    d->year += d->year < 69 ? 2000 : 1900;
    return is;
}

/* "Nov  6 08:49:37 1994", asctime's */
static bool of_c(const char *at, civil *d)
{
    if (!month(&at, &d->month) || !literal(&at, " "))
        return false;
    bool padded = *at == ' ';
    at += padded;
    return digits(&at, padded ? 1 : 2, &d->day) && literal(&at, " ") && time_of_day(&at, d) &&
           literal(&at, " ") && digits(&at, 4, &d->year) && *at == '\0';
}

static unsigned days_in(const civil *d)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return days[d->month] + (d->month == 1 && leap);
}

/* Since 1970: the days of the years before, and of the months. */
static int64_t days_before(const civil *d)
{
    int64_t before = (int64_t)d->year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (civil m = {.year = d->year}; m.month < d->month; m.month++)
        days += days_in(&m);
    return days + d->day - 1;
}

bool rp__http_date(const char *text, int64_t *seconds)
{
    civil d = {0};
    const char *comma = strchr(text, ',');
    bool is = false;
    if (comma != NULL && comma[1] == ' ')
        is = fixed(comma + 2, &d) || old(comma + 2, &d);
    else if (strlen(text) > 4 && text[3] == ' ')
        is = of_c(text + 4, &d);
    if (!is || d.year == 0 || d.day == 0 || d.day > days_in(&d) || d.hour > 23 || d.minute > 59 ||
        d.second > 60)
        return false;
    *seconds = days_before(&d) * 86400 + (int64_t)(d.hour * 3600 + d.minute * 60 + d.second);
    return true;
}

static const char *value_of(const rp_response_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        const rp_header *header = &head->headers[i];
        if (rp__name_equal(header->name, strlen(header->name), name))
            return header->value;
    }
    return NULL;
}

static bool delay_seconds(const char *text, uint64_t *wait_ms)
{
    uint64_t seconds = 0;
    size_t count = strspn(text, "0123456789");
    if (count == 0 || text[count] != '\0')
        return false;
    for (; count > 0; count--, text++) {
        if (seconds < UINT32_MAX)
            seconds = seconds * 10 + (uint64_t)(*text - '0');
    }
    *wait_ms = seconds >= UINT32_MAX ? UINT64_MAX : seconds * 1000;
    return true;
}

bool rp__retry_after(const rp_response_head *head, int64_t now_s, uint64_t *wait_ms)
{
    int64_t until_s, date_s;
    const char *text = value_of(head, "retry-after"), *date = value_of(head, "date");
    if (text == NULL)
        return false;
    if (delay_seconds(text, wait_ms))
        return true;
    if (!rp__http_date(text, &until_s))
        return false;
    if (date != NULL && rp__http_date(date, &date_s))
        now_s = date_s;
    *wait_ms = until_s > now_s ? (uint64_t)(until_s - now_s) * 1000 : 0;
    return true;
}
