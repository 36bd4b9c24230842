/* json.h - writes one JSON value to a stream, on one line (RFC 8259). */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <ringport/loop.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Nesting up to 31 deep. key is NULL within an array and for the outermost value. */
typedef struct json {
    FILE *out;
    unsigned depth;
    uint32_t filled; /* a bit for each depth: something stands there already */
} json;

void json_begin_object(json *j, const char *key);
void json_end_object(json *j);
void json_begin_array(json *j, const char *key);
void json_end_array(json *j);
void json_text(json *j, const char *key, const char *value); /* NULL: null. Bytes that are not UTF-8
                                                              * become U+FFFD */
void json_lowered(json *j, const char *text); /* ASCII letters in lower case, at the outermost */
void json_number(json *j, const char *key, uint64_t value);
void json_real(json *j, const char *key, double value, int decimals);
void json_bool(json *j, const char *key, bool value);
void json_null(json *j, const char *key);

/* Every counter, by its member's name; NULL: null. */
void json_counters(json *j, const char *key, const rp_loop_stats *stats);

#endif
