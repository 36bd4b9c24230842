/* ca_directories.h - SSL_CERT_DIR as OpenSSL reads it: several directories, some of which may be
 * empty or not be there. */
#ifndef TOOL_CA_DIRECTORIES_H
#define TOOL_CA_DIRECTORIES_H

#include "body.h"

#define CA_FILE_LIMIT ((uint64_t)16 * 1024 * 1024)

/* Of "one:two:three", on Windows "one;two". */
bool ca_directories_are_several(const char *list);
/* Adds what PEM files are in them. False: no memory. */
bool ca_directories_read(body *pem, const char *list);

#endif
