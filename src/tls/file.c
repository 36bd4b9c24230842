/* file.c - reading files that a configuration is made of, whole. What may hold a key leaves no copy
 * of it. */
#include "tls/file.h"

#include "base/error.h"
#include "base/platform.h"
#include "tls/config.h"

#include <errno.h>
#include <stdio.h>

/* stdio's, because it is the same everywhere; the limit bounds what a mistaken path can cost. */
static rp_status read_stream(rp_memory *memory, size_t limit, FILE *stream, char **data,
                             size_t *size)
{
    size_t capacity = 0, used = 0;
    char *buffer = NULL;
    for (;;) {
        if (capacity - used < 2) {
            size_t larger = capacity == 0 ? 16384 : 2 * capacity;
            if (larger > 2 * limit) {
                rp__free_secret(memory, buffer, used);
                return RP_E_TLS_CONFIG;
            }
            char *grown = rp__reallocate_secret(memory, buffer, used, larger); /* a key, maybe */
            if (grown == NULL) {
                rp__free_secret(memory, buffer, used);
                return RP_E_NO_MEMORY;
            }
            buffer = grown;
            capacity = larger;
        }
        size_t got = fread(buffer + used, 1, capacity - used - 1, stream);
        used += got;
        if (got == 0)
            break;
    }
    buffer[used] = '\0';
    *data = buffer;
    *size = used;
    return used > limit ? RP_E_TLS_CONFIG : RP_OK;
}

rp_status rp__file_unreadable(const char *what, const char *path, int os_code, rp_error *error)
{
    rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s %s can't be read: %s", what, path,
                  rp__os_error_text(os_code));
    if (error != NULL)
        error->os_code = os_code;
    return RP_E_TLS_CONFIG;
}

rp_status rp__read_file_up_to(rp_memory *memory, size_t limit, const char *what, const char *path,
                              char **data, size_t *size, rp_error *error)
{
    *data = NULL;
    *size = 0;
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return rp__file_unreadable(what, path, errno, error);
    (void)setvbuf(stream, NULL, _IONBF, 0); /* a key would stay in the buffer */
    errno = 0;
    rp_status status = read_stream(memory, limit, stream, data, size);
    int os_code = ferror(stream) ? errno : 0;
    fclose(stream);
    if (status == RP_OK && os_code == 0)
        return RP_OK;
    rp__free_secret(memory, *data, *size);
    *data = NULL;
    if (status == RP_E_NO_MEMORY)
        return rp__tls_no_memory(error);
    if (os_code != 0)
        return rp__file_unreadable(what, path, os_code, error);
    return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s %s is larger than %u MiB", what,
                         path, (unsigned)(limit >> 20));
}

rp_status rp__read_file(rp_memory *memory, const char *what, const char *path, char **data,
                        size_t *size, rp_error *error)
{
    return rp__read_file_up_to(memory, RP_PEM_FILE_LIMIT, what, path, data, size, error);
}
