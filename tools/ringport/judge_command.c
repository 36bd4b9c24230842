/* judge_command.c - the client's command line with what its placeholders stand for. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

typedef struct placeholder {
    const char *name, *value;
} placeholder;

enum { PLACEHOLDERS = 5 };

static const placeholder *find(const placeholder *all, const char *text)
{
    for (size_t i = 0; i < PLACEHOLDERS; i++) {
        if (strncmp(text, all[i].name, strlen(all[i].name)) == 0)
            return &all[i];
    }
    return NULL;
}

/* The word to out, NULL: nowhere. Returns its size with its end. */
static size_t expand(char *out, const char *word, const placeholder *all)
{
    size_t size = 0;
    while (*word != '\0') {
        const placeholder *p = *word == '{' ? find(all, word) : NULL;
        const char *from = p != NULL ? p->value : word;
        size_t count = p != NULL ? strlen(from) : 1;
        if (out != NULL)
            memcpy(out + size, from, count);
        size += count;
        word += p != NULL ? strlen(p->name) : 1;
    }
    if (out != NULL)
        out[size] = '\0';
    return size + 1;
}

char **judge_command(const tool_options *o, const char *first, const char *second, const char *host,
                     unsigned port, const char *ca)
{
    char port_text[16];
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    const placeholder all[PLACEHOLDERS] = {
        {"{urls}", first}, {"{url}", first}, {"{host}", host}, {"{port}", port_text}, {"{ca}", ca}};
    size_t count = o->judge.command_count, words = 0, size = 0;
    for (size_t i = 0; i < count; i++)
        size += expand(NULL, o->judge.command[i], all);
    char **line = malloc((2 * count + 1) * sizeof(*line) + size + count * 80);
    if (line == NULL)
        return NULL;
    char *text = (char *)(line + 2 * count + 1);
    for (size_t i = 0; i < count; i++) {
        line[words++] = text;
        text += expand(text, o->judge.command[i], all);
        if (*second == '\0' || strcmp(o->judge.command[i], "{urls}") != 0)
            continue;
        line[words++] = text;
        text += snprintf(text, 80, "%s", second) + 1;
    }
    line[words] = NULL;
    return line;
}

bool judge_command_has(const tool_options *o, const char *text)
{
    for (size_t i = 0; i < o->judge.command_count; i++) {
        if (strstr(o->judge.command[i], text) != NULL)
            return true;
    }
    return false;
}
