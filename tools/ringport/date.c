/* date.c - see date.h. */
#include "date.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */

/* What was found so far; -1: nothing. */
typedef struct parts {
    int year, month, day, hour, minute, second;
} parts;

/* H. Hinnant's days_from_civil: of the proleptic Gregorian calendar, since 1970-01-01. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void take_word(parts *p, const char *word, size_t size)
{
    for (int i = 0; i < 12 && size >= 3; i++) {
        if (p->month < 0 && strncasecmp(word, months + 3 * i, 3) == 0)
            p->month = i + 1;
    }
}

static void take_time(parts *p, const char *text)
{
    int hour, minute, second = 0;
    if (p->hour >= 0 || sscanf(text, "%2d:%2d:%2d", &hour, &minute, &second) < 2)
        return;
    p->hour = hour;
    p->minute = minute;
    p->second = second;
}

/* "2020-01-31" */
static bool take_iso(parts *p, const char *text, size_t size)
{
    int year, month, day;
    if (size != 10 || text[4] != '-' || text[7] != '-' ||
        sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3)
        return false;
    *p = (parts){year, month, day, p->hour, p->minute, p->second};
    return true;
}

static void take_number(parts *p, const char *text, size_t size)
{
    int number = size <= 8 ? (int)strtol(text, NULL, 10) : -1;
    if (size == 8) {
        p->year = number / 10000;
        p->month = number / 100 % 100;
        p->day = number % 100;
    } else if (p->day < 0 && size <= 2) {
        p->day = number;
    } else if (p->year < 0 && (size == 2 || size == 4)) {
        p->year = number >= 100 ? number : number + (number < 70 ? 2000 : 1900);
    }
}

bool date_parse(const char *text, int64_t *time)
{
    parts p = {-1, -1, -1, -1, -1, -1};
    while (*text != '\0') {
        size_t size = 1, digits = strspn(text, "0123456789");
        if (digits > 0 && text[digits] == ':') {
            take_time(&p, text);
            size = strspn(text, "0123456789:");
        } else if (digits == 4 && take_iso(&p, text, strspn(text, "0123456789-"))) {
            size = 10;
        } else if (digits > 0) {
            take_number(&p, text, size = digits);
        } else if (isalpha((unsigned char)*text)) {
            while (isalpha((unsigned char)text[size]))
                size++;
            take_word(&p, text, size);
        }
        text += size;
    }
    if (p.year < 1601 || p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 || p.hour > 23 ||
        p.minute > 59 || p.second > 60)
        return false;
    *time = days_of(p.year, p.month, p.day) * 86400;
    if (p.hour >= 0)
        *time += p.hour * 3600 + p.minute * 60 + p.second;
    return true;
}

void date_format(int64_t time, char *text)
{
    int64_t days = (time >= 0 ? time : time - 86399) / 86400, second = time - days * 86400;
    int year = (int)(1970 + days / 366), month = 1;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    while (days < days_of(year, 1, 1))
        year--;
    while (month < 12 && days_of(year, month + 1, 1) <= days)
        month++;
    snprintf(text, DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             weekdays + 3 * (((days % 7) + 7) % 7), (int)(days - days_of(year, month, 1) + 1) % 100,
             months + 3 * (month - 1), year % 10000, (int)(second / 3600), (int)(second / 60 % 60),
             (int)(second % 60));
}
