/* url.c - URLs as they are given to the tool. The library checks what comes out. */
#include "url.h"

#include "exit_code.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

const char *url_shown(const char *url, char shown[URL_SHOWN_SIZE])
{
    const char *authority, *scheme = strstr(url, "://");
    (void)url_authority(url, &authority);
    snprintf(shown, URL_SHOWN_SIZE, "%.*s%s", scheme != NULL ? (int)(scheme + 3 - url) : 0, url,
             authority);
    return shown;
}

char *url_for_upload(const char *url, const char *file)
{
    const char *name = strrchr(file, '/');
    const char *host = strstr(url, "://");
    size_t size = strlen(url);
    name = name == NULL ? file : name + 1;
    bool slash = size > 0 && url[size - 1] == '/';
    if (host == NULL || strpbrk(url, "?#") != NULL || strcmp(file, "-") == 0 ||
        strcmp(file, ".") == 0 || (!slash && strchr(host + 3, '/') != NULL))
        return strdup(url);
    size_t room = size + 1 + 3 * strlen(name) + 1;
    char *whole = malloc(room);
    if (whole == NULL)
        return NULL;
    char *end = whole + snprintf(whole, room, "%s%s", url, slash ? "" : "/");
    for (; *name != '\0'; name++) {
        bool plain = isalnum((unsigned char)*name) || strchr("-._~", *name) != NULL;
        end += snprintf(end, 4, plain ? "%c" : "%%%02X", (unsigned char)*name);
    }
    return whole;
}

char *url_encode(const void *data, size_t size)
{
    const unsigned char *from = data;
    char *text = malloc(3 * size + 1), *to = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        if (isalnum(from[i]) || (from[i] != '\0' && strchr("-._~", from[i]) != NULL))
            *to++ = (char)from[i];
        else if (from[i] == ' ')
            *to++ = '+';
        else
            to += snprintf(to, 4, "%%%02X", from[i]);
    }
    *to = '\0';
    return text;
}

const char *url_name(const char *url, size_t *size)
{
    const char *path, *name;
    path = url + url_authority(url, &name);
    path = name + (path - url);
    size_t end = strcspn(path, "?#");
    for (name = path + end; name > path && name[-1] != '/'; name--)
        continue;
    *size = (size_t)(path + end - name);
    return name;
}

/* Where the scheme ends, 0 if there is none. */
static size_t scheme_size(const char *url)
{
    size_t size = 0;
    while (isalnum((unsigned char)url[size]) || (url[size] != '\0' && strchr("+-.", url[size])))
        size++;
    return size > 0 && strncmp(url + size, "://", 3) == 0 ? size : 0;
}

/* ---- Completing ---- */

/* RFC 3986, 5.2.4. A path that does not begin with a slash is not touched. */
static void remove_dots(char *path, size_t *size)
{
    size_t in = 0, out = 0, end = *size;
    while (in < end) {
        size_t next = in + 1;
        while (next < end && path[next] != '/')
            next++;
        size_t length = next - in - 1;
        const char *part = path + in + 1;
        bool one = length == 1 && part[0] == '.', two = length == 2 && memcmp(part, "..", 2) == 0;
        while (two && out > 0 && path[--out] != '/')
            continue;
        if (!one && !two) {
            memmove(path + out, path + in, next - in);
            out += next - in;
        } else if (next == end) {
            path[out++] = '/';
        }
        in = next;
    }
    *size = out;
}

/* curl takes a host's first word for its protocol. None of these is ours. */
static bool named_for_others(const char *host)
{
    static const char *const words[] = {"ftp.", "dict.", "ldap.", "imap.", "smtp.", "pop3."};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncasecmp(host, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

static bool is_scheme(const char *url, size_t size, const char *scheme)
{
    return strlen(scheme) == size && strncasecmp(url, scheme, size) == 0;
}

/* Bytes above ASCII behind the authority are percent-encoded; room for more. NULL: no memory. */
static char *encode_high(char *url, size_t room)
{
    const char *authority;
    char *whole = malloc(3 * strlen(url) + room + 1), *to = whole;
    size_t size = url_authority(url, &authority);
    const char *path = authority + size;
    for (const char *from = url; whole != NULL && *from != '\0'; from++) {
        if (from >= path && (unsigned char)*from >= 0x80)
            to += snprintf(to, 4, "%%%02X", (unsigned char)*from);
        else
            *to++ = *from;
    }
    if (whole != NULL)
        *to = '\0';
    free(url);
    return whole;
}

int url_complete(const char *text, const url_rules *rules, char **url, const char **why)
{
    size_t scheme = scheme_size(text), size = strlen(text);
    const char *query = rules->query, *scheme_name = rules->scheme;
    size_t more = query != NULL ? strlen(query) : 0;
    *why = "only http and https are supported";
    *url = NULL;
    if (scheme > 0 ? !is_scheme(text, scheme, "http") && !is_scheme(text, scheme, "https")
                   : scheme_name == NULL && named_for_others(text))
        return EXIT_SCHEME;
    *why = "out of memory";
    size_t room = sizeof("https://") + size + 1;
    char *whole = malloc(room);
    if (whole == NULL)
        return EXIT_MEMORY;
    *url = whole;
    if (scheme_name == NULL)
        scheme_name = "http";
    snprintf(whole, room, "%s%s%s", scheme > 0 ? "" : scheme_name, scheme > 0 ? "" : "://", text);
    *url = whole = encode_high(whole, 2 + more);
    if (whole == NULL)
        return EXIT_MEMORY;
    const char *authority;
    size_t at = url_authority(whole, &authority);
    char *path = whole + (authority - whole) + at;
    char *rest = strpbrk(path, "?#");
    size_t path_size = rest != NULL ? (size_t)(rest - path) : strlen(path);
    if (!rules->as_is && path_size > 0) {
        size_t kept = path_size;
        remove_dots(path, &kept);
        memmove(path + kept, path + path_size, strlen(path + path_size) + 1);
        path_size = kept;
    }
    if (query == NULL)
        return EXIT_OK;
    path[path_size + strcspn(path + path_size, "#")] = '\0'; /* a fragment is not sent */
    if (path_size == 0) {
        memmove(path + 1, path, strlen(path) + 1);
        path[0] = '/';
    }
    bool has_query = strchr(path, '?') != NULL;
    snprintf(path + strlen(path), 2 + more, "%s%s", has_query ? "&" : "?", query);
    return EXIT_OK;
}
