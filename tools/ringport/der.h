/* der.h - taking DER apart (X.690), as far as certificates are printed. Nothing here copies: what
 * is found points into what it was found in. */
#ifndef TOOL_DER_H
#define TOOL_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0C,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_TELETEX_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_BMP_STRING = 0x1E,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,
    DER_CONTEXT_CONSTRUCTED = 0xA0
};

typedef struct der_span {
    const uint8_t *data;
    size_t size;
} der_span;

/* Takes an element off the front; all: with its tag and length, or NULL. False: there is none. */
bool der_any(der_span *in, uint8_t *tag, der_span *content, der_span *all);

/* The same if it has that tag. */
bool der_take(der_span *in, uint8_t tag, der_span *content);

/* The bytes of a BIT STRING. */
bool der_bits(der_span *in, der_span *bits);

#endif
