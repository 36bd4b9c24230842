/* date.h - dates as HTTP, cookies (RFC 6265, 5.1.1) and people write them. */
#ifndef TOOL_DATE_H
#define TOOL_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_SIZE 96

/* Seconds since 1970, of words in any order: "Wed, 01 Jan 2020 00:00:00 GMT", "1 Jan 2020",
 * "2020-01-31", "20200131 10:00". In UTC, whatever it says. False: there is no date in it. */
bool date_parse(const char *text, int64_t *time);

/* As HTTP has it (RFC 9110, 5.6.7). */
void date_format(int64_t time, char *text);

#endif
