/* netrc.c - see netrc.h. Words are separated by blanks; one in quotes has \", \\, \n, \r and \t; #
 * at a word's begin makes the rest of the line a comment; a macro (macdef) ends with an empty
 * line. */
#include "netrc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

/* The next word; *text is behind it. False: there is none, or (*bad) it is too long or its quote
 * does not end. */
static bool next_word(const char **text, char word[NETRC_WORD], bool *bad)
{
    const char *at = *text;
    size_t size = 0;
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at != '#')
            break;
        at += strcspn(at, "\n");
    }
    bool quoted = *at == '"', any = *at != '\0';
    at += quoted;
    while (*at != '\0' && (quoted ? *at != '"' : strchr(" \t\r\n", *at) == NULL)) {
        char c = *at++;
        if (quoted && c == '\\' && *at != '\0')
            c = unescape(*at++);
        if (size + 1 >= NETRC_WORD) {
            *bad = true;
            return false;
        }
        word[size++] = c;
    }
    *bad = quoted && *at != '"';
    *text = at + (quoted && !*bad);
    word[size] = '\0';
    return any && !*bad;
}

static const char *behind_macro(const char *text)
{
    const char *end = strstr(text, "\n\n"), *other = strstr(text, "\n\r\n");
    if (end == NULL || (other != NULL && other < end))
        end = other;
    return end != NULL ? end : text + strlen(text);
}

/* The words of an entry, up to the next one's begin; *text is there then. */
static bool read_entry(const char **text, netrc_entry *entry, bool *bad)
{
    char word[NETRC_WORD];
    *entry = (netrc_entry){.user = ""};
    for (const char *at = *text; next_word(&at, word, bad); *text = at) {
        bool user = strcasecmp(word, "login") == 0, password = strcasecmp(word, "password") == 0;
        if (strcasecmp(word, "machine") == 0 || strcasecmp(word, "default") == 0)
            return true;
        if (strcasecmp(word, "macdef") == 0) {
            at = behind_macro(at);
            continue;
        }
        if (!user && !password && strcasecmp(word, "account") != 0)
            continue;
        if (!next_word(&at, word, bad))
            return !*bad;
        if (user)
            memcpy(entry->user, word, NETRC_WORD);
        else if (password)
            memcpy(entry->password, word, NETRC_WORD);
    }
    return !*bad;
}

static bool is_host(const char *name, const char *host, size_t host_size)
{
    return strlen(name) == host_size && strncasecmp(name, host, host_size) == 0;
}

netrc_result netrc_find(const char *text, const char *host, size_t host_size, const char *user,
                        netrc_entry *entry)
{
    char word[NETRC_WORD];
    bool bad = false;
    while (next_word(&text, word, &bad)) {
        bool fits = strcasecmp(word, "default") == 0;
        if (strcasecmp(word, "macdef") == 0) {
            text = behind_macro(text);
            continue;
        }
        if (!fits && strcasecmp(word, "machine") != 0)
            continue;
        if (!fits) {
            if (!next_word(&text, word, &bad))
                break;
            fits = is_host(word, host, host_size);
        }
        if (!read_entry(&text, entry, &bad))
            break;
        if (fits && (user[0] == '\0' || strcmp(user, entry->user) == 0))
            return NETRC_FOUND;
    }
    return bad ? NETRC_BAD : NETRC_NONE;
}

bool netrc_path(char *path, size_t size)
{
    const char *home = getenv("HOME");
    const char *name = "/.netrc";
    if (home == NULL) {
        home = getenv("USERPROFILE");
        name = "/_netrc";
    }
    return home != NULL && snprintf(path, size, "%s%s", home, name) < (int)size;
}
