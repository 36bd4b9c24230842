/* netrc.h - users and passwords by host, in a file as ftp(1) and curl know it. */
#ifndef TOOL_NETRC_H
#define TOOL_NETRC_H

#include <stdbool.h>
#include <stddef.h>

#define NETRC_WORD 1024 /* longest word and its NUL */

typedef struct netrc_entry {
    char user[NETRC_WORD], password[NETRC_WORD];
} netrc_entry;

typedef enum netrc_result { NETRC_FOUND, NETRC_NONE, NETRC_BAD } netrc_result;

/* Looks a host up in the text of such a file; user "": any, else only this one's password. What
 * stands behind "default" is for hosts that come in none before. */
netrc_result netrc_find(const char *text, const char *host, size_t host_size, const char *user,
                        netrc_entry *entry);

/* ~/.netrc, or _netrc on Windows, into path. False: there is no home. */
bool netrc_path(char *path, size_t size);

#endif
