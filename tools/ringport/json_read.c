/* json_read.c - see json_read.h. */
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 32
/* Between them one can reckon with two numbers, and get neither 0 nor infinity. */
#define LEAST 1e-30
#define MOST 1e30

static const char *blanks(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the value that begins at p; NULL: there is none. */
static const char *skip_text(const char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if (*p == '\0')
            return NULL;
    }
    return p + 1;
}

/* Brackets have to fit; what is between them is not looked at. */
static const char *skip(const char *p)
{
    unsigned depth = 0;
    do {
        p = blanks(p);
        if (*p == '"')
            p = skip_text(p);
        else if (*p == '{' || *p == '[')
            depth++, p++;
        else if ((*p == '}' || *p == ']') && depth > 0)
            depth--, p++;
        else if ((*p == ',' || *p == ':') && depth > 0)
            p++;
        else if (strcspn(p, "{}[],:\" \t\r\n") > 0)
            p += strcspn(p, "{}[],:\" \t\r\n");
        else
            return NULL;
        if (p == NULL || depth > DEEPEST)
            return NULL;
    } while (depth > 0);
    return p;
}

/* The next one of what p is in; NULL: that was the last. */
static const char *next(const char *p)
{
    p = skip(p);
    p = p != NULL ? blanks(p) : NULL;
    return p != NULL && *p == ',' ? blanks(p + 1) : NULL;
}

const char *json_member(const char *value, const char *key)
{
    size_t size = strlen(key);
    const char *p = value != NULL ? blanks(value) : "";
    if (*p != '{')
        return NULL;
    for (p = blanks(p + 1); p != NULL && *p == '"'; p = next(p)) {
        bool same = strncmp(p + 1, key, size) == 0 && p[1 + size] == '"';
        p = skip_text(p);
        p = p != NULL ? blanks(p) : "";
        if (*p != ':')
            return NULL;
        p = blanks(p + 1);
        if (same)
            return p;
    }
    return NULL;
}

const char *json_item(const char *value, size_t index)
{
    const char *p = value != NULL ? blanks(value) : "";
    if (*p != '[')
        return NULL;
    p = blanks(p + 1);
    if (*p == ']')
        return NULL;
    while (p != NULL && index-- > 0)
        p = next(p);
    return p;
}

bool json_value(const char *value, double *number)
{
    char *end;
    *number = 0;
    if (value == NULL || strchr("-0123456789", *value) == NULL || *value == '\0')
        return false;
    double read = strtod(value, &end), size = read < 0 ? -read : read;
    bool sane = size == 0 || (size >= LEAST && size <= MOST); /* no infinity, no NaN */
    *number = sane ? read : 0;
    return end != value && sane;
}
