/* fuzz_retry_after.c - what Retry-After and Date ask for, and HTTP-dates.
 *
 * Input: five bytes of the time now, the Retry-After, and behind a NUL the Date, if any. */
#include "fuzz/support/fuzz.h"

#include "http/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_BYTES 5
#define LATEST INT64_C(253402300800) /* 9999, with a leap second */

/* The day's date, without what the library has: H. Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (2013), civil_from_days. */
static void civil(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t z = (uint64_t)(days + 719468), era = z / 146097, of_era = z % 146097;
    uint64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = (unsigned)(y + era * 400 + (*month <= 2));
}

/* What is read of a date is a date, and read again is the same. */
static void check_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t seconds, again;
    unsigned year, month, day;
    char written[64];
    if (!rp__http_date(text, &seconds))
        return;
    FUZZ_CHECK(seconds > -62135596801 && seconds <= LATEST);
    int64_t days = (seconds + 62135596800) / 86400 - 719162;
    unsigned rest = (unsigned)(seconds - days * 86400);
    civil(days, &year, &month, &day);
    (void)snprintf(written, sizeof(written), "Xxx, %02u %.3s %04u %02u:%02u:%02u GMT", day,
                   months + (size_t)(month - 1) * 3, year, rest / 3600, rest / 60 % 60, rest % 60);
    if (year > 9999) /* of a leap second */
        return;
    FUZZ_CHECK(rp__http_date(written, &again) && again == seconds);
}

static void check_wait(const char *after, const char *date, int64_t now_s)
{
    static const uint64_t untouched = 12345;
    rp_header headers[] = {{"Retry-After", after}, {"Date", date}};
    rp_response_head head = {.headers = headers, .header_count = date == NULL ? 1 : 2};
    uint64_t wait_ms = untouched;
    int64_t until_s, date_s;
    size_t digits = strspn(after, "0123456789");
    bool is_number = digits > 0 && after[digits] == '\0';
    bool is = rp__retry_after(&head, now_s, &wait_ms);
    FUZZ_CHECK(is == (is_number || rp__http_date(after, &until_s)));
    if (!is) {
        FUZZ_CHECK(wait_ms == untouched);
        return;
    }
    if (is_number) {
        const char *number = after + strspn(after, "0");
        bool huge = strlen(number) > 10 || strtoull(number, NULL, 10) >= UINT32_MAX;
        FUZZ_CHECK(wait_ms == (huge ? UINT64_MAX : strtoull(after, NULL, 10) * 1000));
        return;
    }
    if (date != NULL && rp__http_date(date, &date_s))
        now_s = date_s;
    FUZZ_CHECK(wait_ms == (until_s > now_s ? (uint64_t)(until_s - now_s) * 1000 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_s = 0;
    if (size < NOW_BYTES)
        return 0;
    for (size_t i = 0; i < NOW_BYTES; i++)
        now_s = now_s << 8 | data[i];
    size -= NOW_BYTES;
    char *text = malloc(size + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, data + NOW_BYTES, size);
    text[size] = '\0';
    size_t first = strlen(text);
    const char *date = first < size ? text + first + 1 : NULL;
    check_date(text);
    if (date != NULL)
        check_date(date);
    check_wait(text, date, now_s);
    free(text);
    return 0;
}
