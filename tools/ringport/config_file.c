/* config_file.c - see config_file.h. */
#include "config_file.h"

#include "exit_code.h"

#include <stdbool.h>
#include <string.h>

#define BLANKS " \t\r\v\f"

static char unescaped(char c)
{
    switch (c) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 'v':
        return '\v';
    default:
        return c;
    }
}

/* Takes the quotes off, in place. */
static char *unquote(char *text)
{
    char *out = text, *at = text + 1;
    for (; *at != '\0' && *at != '"'; at++) {
        bool escaped = at[0] == '\\' && at[1] != '\0';
        at += escaped;
        *out++ = escaped ? unescaped(*at) : *at;
    }
    *out = '\0';
    return text;
}

/* NULL: there is none. */
static char *value_of(char *at, bool dashed)
{
    at += strspn(at, BLANKS);
    if (!dashed && (*at == '=' || *at == ':'))
        at++;
    at += strspn(at, BLANKS);
    if (*at == '"')
        return unquote(at);
    at[strcspn(at, BLANKS)] = '\0';
    return *at == '\0' || *at == '#' ? NULL : at;
}

int config_parse(char *text, config_line_fn *take, void *user)
{
    int code = EXIT_OK;
    while (code == EXIT_OK && *text != '\0') {
        char *line = text, *end = text + strcspn(text, "\n");
        text = *end == '\0' ? end : end + 1;
        *end = '\0';
        line += strspn(line, BLANKS);
        if (*line == '\0' || *line == '#')
            continue;
        bool dashed = *line == '-';
        char *behind = line + strcspn(line, dashed ? BLANKS : BLANKS "=:");
        char *value = *behind == '\0' ? NULL : value_of(behind, dashed);
        *behind = '\0';
        code = take(line, value, user);
    }
    return code;
}
