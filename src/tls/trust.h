/* trust.h - filling a configuration with trust anchors. */
#ifndef RP_TLS_TRUST_H
#define RP_TLS_TRUST_H

#include "tls/config.h"

/* Each fails if not one certificate could be used. */
rp_status rp__trust_file(rp_tls_config *config, const char *path, rp_error *error);
rp_status rp__trust_directory(rp_tls_config *config, const char *path, rp_error *error);
rp_status rp__trust_pem(rp_tls_config *config, const char *what, const char *pem, size_t size,
                        rp_error *error);
rp_status rp__trust_system(rp_tls_config *config, rp_error *error);

#endif
