/* keylog.h - lines of the NSS key log format. */
#ifndef RP_TLS_KEYLOG_H
#define RP_TLS_KEYLOG_H

#include "tls/config.h"

#define RP_CLIENT_RANDOM_BYTES 32

/* Gives config's callback "LABEL RANDOM SECRET", in hexadecimal. */
void rp__keylog_line(const rp_tls_config *config, const char *label, const uint8_t *client_random,
                     const uint8_t *secret, size_t secret_size);

#endif
