/* cookies.h - a cookie jar by RFC 6265 and what became of it (draft-ietf-httpbis-rfc6265bis), in
 * memory and in Netscape's file format. */
#ifndef TOOL_COOKIES_H
#define TOOL_COOKIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COOKIE_LIMIT 4096            /* name and value together */
#define COOKIE_ATTRIBUTE_LIMIT 1024  /* more is not looked at */
#define COOKIES_OF_DOMAIN_LIMIT 180  /* the oldest goes */
#define COOKIES_LIMIT 3000           /* likewise */
#define COOKIES_HEADER_LIMIT 8190    /* of the line that is sent; what is more is left out */
#define COOKIE_FILE_LINE_LIMIT 10000 /* longer lines are skipped */

typedef struct cookie {
    char *name, *value;
    char *domain; /* lower case, no dot before it; "": any host, of a file that does not say */
    char *path;
    int64_t expires; /* seconds since 1970; 0: with the session */
    bool host_only, secure, http_only;
    uint64_t number; /* in the order of their making */
} cookie;

/* Zeroed memory is an empty jar. */
typedef struct cookie_jar {
    cookie *cookies;
    size_t count, capacity;
    uint64_t made;
} cookie_jar;

void cookies_free(cookie_jar *jar);

/* What a Set-Cookie header of that URL's response asks for, if it may. False: no memory. now:
 * seconds since 1970. */
bool cookies_receive(cookie_jar *jar, const char *url, const char *header, int64_t now);

/* What is to be sent to the URL, with extra (NULL: nothing) behind it: *value is NULL if that is
 * nothing; free() it. False: no memory. */
bool cookies_send(cookie_jar *jar, const char *url, const char *extra, int64_t now, char **value);

/* Reads a file of Netscape's format, or of a response's headers. Lines that are neither are
 * skipped; cookies without an end too if no_sessions. False: no memory. */
bool cookies_read(cookie_jar *jar, FILE *in, bool no_sessions, int64_t now);

/* All that live still. False: something could not be written. */
bool cookies_write(const cookie_jar *jar, FILE *out, int64_t now);

#endif
