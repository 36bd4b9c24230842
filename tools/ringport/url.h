/* url.h - what the tool makes of the URLs that it is given. */
#ifndef TOOL_URL_H
#define TOOL_URL_H

#include <stddef.h>

/* Host and port of a URL as it stands there: "example.com:8443". Its length; *authority is its
 * begin. */
size_t url_authority(const char *url, const char **authority);

/* Where the URL's path ends in "/" or is empty, the URL with the file's name behind, as curl has it
 * for uploads; otherwise a copy. free() it; NULL: no memory. */
char *url_for_upload(const char *url, const char *file);

#endif
