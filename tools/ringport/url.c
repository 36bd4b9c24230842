/* url.c - URLs as they are given to the tool. The library checks what comes out. */
#include "url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t url_authority(const char *url, const char **authority)
{
    const char *begin = strstr(url, "://");
    begin = begin == NULL ? url : begin + 3;
    size_t size = strcspn(begin, "/?#");
    for (size_t i = size; i > 0; i--) {
        if (begin[i - 1] == '@') {
            begin += i;
            size -= i;
            break;
        }
    }
    *authority = begin;
    return size;
}

char *url_for_upload(const char *url, const char *file)
{
    const char *name = strrchr(file, '/');
    const char *host = strstr(url, "://");
    size_t size = strlen(url);
    name = name == NULL ? file : name + 1;
    bool slash = size > 0 && url[size - 1] == '/';
    if (host == NULL || strpbrk(url, "?#") != NULL || strcmp(file, "-") == 0 ||
        (!slash && strchr(host + 3, '/') != NULL))
        return strdup(url);
    char *whole = malloc(size + 1 + 3 * strlen(name) + 1);
    if (whole == NULL)
        return NULL;
    char *end = whole + sprintf(whole, "%s%s", url, slash ? "" : "/");
    for (; *name != '\0'; name++) {
        bool plain = isalnum((unsigned char)*name) || strchr("-._~", *name) != NULL;
        end += sprintf(end, plain ? "%c" : "%%%02X", (unsigned char)*name);
    }
    return whole;
}
