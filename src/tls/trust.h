/* trust.h - reading PEM files and filling a configuration with trust anchors. */
#ifndef RP_TLS_TRUST_H
#define RP_TLS_TRUST_H

#include "tls/config.h"

/* The most that a PEM file may hold: far more than any CA bundle. */
#define RP_PEM_FILE_LIMIT (16u << 20)

/* Reads a whole file, NUL-terminated; rp__free it. what ("CA file") and path begin the sentence
 * on failure. */
rp_status rp__read_file(rp_memory *memory, const char *what, const char *path, char **data,
                        size_t *size, rp_error *error);
/* The same with another limit. */
rp_status rp__read_file_up_to(rp_memory *memory, size_t limit, const char *what, const char *path,
                              char **data, size_t *size, rp_error *error);

/* Where mark begins in text. NULL: nowhere. */
const char *rp__find_mark(const char *text, size_t size, const char *mark, size_t mark_size);

/* Each fails if not one certificate could be used. */
rp_status rp__trust_file(rp_tls_config *config, const char *path, rp_error *error);
rp_status rp__trust_directory(rp_tls_config *config, const char *path, rp_error *error);
rp_status rp__trust_pem(rp_tls_config *config, const char *what, const char *pem, size_t size,
                        rp_error *error);
rp_status rp__trust_system(rp_tls_config *config, rp_error *error);

#endif
