/* keylog.c - see keylog.h; the format is that of NSS' SSLKEYLOGFILE. */
#include "tls/keylog.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define LABEL_LIMIT 40
#define SECRET_LIMIT 64

static char *put_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

void rp__keylog_line(const rp_tls_config *config, const char *label, const uint8_t *client_random,
                     const uint8_t *secret, size_t secret_size)
{
    char line[LABEL_LIMIT + 2 * RP_CLIENT_RANDOM_BYTES + 2 * SECRET_LIMIT + 3];
    if (secret_size > SECRET_LIMIT)
        return;
    char *at = line + snprintf(line, LABEL_LIMIT, "%s ", label);
    at = put_hex(at, client_random, RP_CLIENT_RANDOM_BYTES);
    *at++ = ' ';
    at = put_hex(at, secret, secret_size);
    *at = '\0';
    config->on_keylog(line, config->keylog_user);
    rp__wipe(line, sizeof(line));
}
