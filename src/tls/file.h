/* file.h - reading a file that a configuration is made of. */
#ifndef RP_TLS_FILE_H
#define RP_TLS_FILE_H

#include "base/memory.h"

#include <ringport/error.h>

/* The most that a PEM file may hold: far more than any CA bundle. */
#define RP_PEM_FILE_LIMIT (16u << 20)

/* The error of one that can't be read, with the system's reason. */
rp_status rp__file_unreadable(const char *what, const char *path, int os_code, rp_error *error);

/* Reads a whole file, NUL-terminated; rp__free it. what ("CA file") and path begin the message
 * on failure. */
rp_status rp__read_file(rp_memory *memory, const char *what, const char *path, char **data,
                        size_t *size, rp_error *error);
/* The same with another limit. */
rp_status rp__read_file_up_to(rp_memory *memory, size_t limit, const char *what, const char *path,
                              char **data, size_t *size, rp_error *error);

#endif
