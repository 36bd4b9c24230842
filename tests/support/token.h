/* token.h - a key that is not ringport's: what stands behind on_sign in tests. */
#ifndef RP_TESTS_TOKEN_H
#define RP_TESTS_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_SIGNATURE_LIMIT 1024

/* Signs as rp_sign_request has it, with NAME.token of make-certs. Returns the signature's size, 0
 * for a scheme that is not the key's. Any thread. */
size_t token_sign(const char *name, uint16_t scheme, const void *data, size_t size,
                  uint8_t signature[TOKEN_SIGNATURE_LIMIT]);

#endif
