/* test_http_date.c - HTTP-dates, and what Retry-After asks for. */
#include "http/date.h"
#include "support/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds; /* -1: none */
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tue, 29 Feb 2000 23:59:60 GMT", 951868800},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Friday, 27-Nov-68 00:00:00 GMT", 3121200000},
        {"Thu, 29 Feb 2100 00:00:00 GMT", -1},
        {"Thu, 31 Apr 2026 00:00:00 GMT", -1},
        {"Thu, 00 Apr 2026 00:00:00 GMT", -1},
        {"Thu, 01 Apr 0000 00:00:00 GMT", -1},
        {"Thu, 01 Apr 2026 24:00:00 GMT", -1},
        {"Thu, 01 Apr 2026 00:60:00 GMT", -1},
        {"Thu, 01 Apr 2026 00:00:61 GMT", -1},
        {"Thu, 01 Apr 2026 00:00:00", -1},
        {"Thu, 01 Apr 2026 00:00:00 GMTx", -1},
        {"Thu, 01 Apr 2026 00:00:00 UTC", -1},
        {"Thu, 1 Apr 2026 00:00:00 GMT", -1},
        {"Thu, 01 Abr 2026 00:00:00 GMT", -1},
        {"Thu,01 Apr 2026 00:00:00 GMT", -1},
        {"Sun Nov 6 08:49:37 1994", -1},
        {"Sun Nov", -1},
        {"Sun,", -1},
        {",", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = -2;
        bool is = rp__http_date(cases[i].text, &seconds);
        CHECK_TEXT(is == (cases[i].seconds >= 0), cases[i].text);
        CHECK_TEXT(!is || seconds == cases[i].seconds, cases[i].text);
    }
}

/* Every date that is cut off, or has another byte somewhere, is read without harm; what is read of
 * it stays within 9,999 years. */
static void test_damaged_dates(void **state)
{
    (void)state;
    static const char *const whole[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t w = 0; w < 3; w++) {
        char text[64];
        size_t size = strlen(whole[w]);
        int64_t seconds = 0;
        for (size_t i = 0; i < size; i++) {
            memcpy(text, whole[w], size + 1);
            text[i] = '\0';
            assert_false(rp__http_date(text, &seconds));
            for (unsigned byte = 1; byte < 256; byte++) {
                memcpy(text, whole[w], size + 1);
                text[i] = (char)byte;
                if (rp__http_date(text, &seconds))
                    assert_in_range(seconds + 62135596800, 0, 315537897600);
            }
        }
    }
}

static void test_retry_after(void **state)
{
    (void)state;
    static const struct {
        const char *value, *date;
        bool is;
        uint64_t wait_ms;
    } cases[] = {
        {"0", NULL, true, 0},
        {"120", NULL, true, 120000},
        {"4294967294", NULL, true, 4294967294000},
        {"99999999999999999999999999", NULL, true, UINT64_MAX},
        {"Sun, 06 Nov 1994 08:49:37 GMT", NULL, true, 37000},
        {"Sun, 06 Nov 1994 08:48:00 GMT", NULL, true, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:35 GMT", true, 2000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", "yesterday", true, 37000},
        {"soon", NULL, false, 0},
        {"-1", NULL, false, 0},
        {"1.5", NULL, false, 0},
        {"1 ", NULL, false, 0},
        {"", NULL, false, 0},
        {NULL, NULL, false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rp_header headers[3] = {{"Server", "x"}};
        rp_response_head head = {.headers = headers, .header_count = 1};
        uint64_t wait_ms = 0;
        if (cases[i].value != NULL)
            headers[head.header_count++] = (rp_header){"retry-After", cases[i].value};
        if (cases[i].date != NULL)
            headers[head.header_count++] = (rp_header){"Date", cases[i].date};
        assert_int_equal(rp__retry_after(&head, 784111740, &wait_ms), cases[i].is);
        assert_true(wait_ms == cases[i].wait_ms);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_damaged_dates),
        cmocka_unit_test(test_retry_after),
    };
    return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
