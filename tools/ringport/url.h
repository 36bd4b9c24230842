/* url.h - what the tool makes of the URLs that it is given. */
#ifndef TOOL_URL_H
#define TOOL_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Host and port of a URL as it stands there: "example.com:8443". Its length; *authority is its
 * begin. */
size_t url_authority(const char *url, const char **authority);

/* For people to read, and for files: without user information, in which a password may be. */
#define URL_SHOWN_SIZE 65536
const char *url_shown(const char *url, char shown[URL_SHOWN_SIZE]);

/* Where the URL's path ends in "/" or is empty, the URL with the file's name behind, as curl has it
 * for uploads; otherwise a copy. free() it; NULL: no memory. */
char *url_for_upload(const char *url, const char *file);

/* How URLs are completed. */
typedef struct url_rules {
    const char *scheme; /* of those without one; NULL: http, unless the host is named for another */
    bool as_is;         /* /./ and /../ stay */
    const char *query;  /* to stand behind the URL's own; NULL: none */
} url_rules;

/* The URL that text stands for. EXIT_OK, or the exit code; *why says what is wrong. free() *url. */
int url_complete(const char *text, const url_rules *rules, char **url, const char **why);

/* As a form has it: a blank is "+", what is neither letter, digit nor one of "-._~" is
 * percent-encoded. free() it; NULL: no memory. */
char *url_encode(const void *data, size_t size);

/* The last part of the URL's path, without the query: *size bytes, 0 if there is none. */
const char *url_name(const char *url, size_t *size);

#endif
