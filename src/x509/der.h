/* der.h - a strict reader of DER (ITU-T X.690): tags of one byte, definite lengths in their
 * shortest form, every element within the one around it.
 *
 * A reader is a slice that shrinks: each function takes one element off the front of *in. False: it
 * is not what was asked for, or not DER; what is left of *in is of no use then. Nothing is copied.
 */
#ifndef RP_X509_DER_H
#define RP_X509_DER_H

#include "base/slice.h"

#include <stdbool.h>

enum {
    RP_DER_BOOLEAN = 0x01,
    RP_DER_INTEGER = 0x02,
    RP_DER_BIT_STRING = 0x03,
    RP_DER_OCTET_STRING = 0x04,
    RP_DER_NULL = 0x05,
    RP_DER_OID = 0x06,
    RP_DER_ENUMERATED = 0x0A,
    RP_DER_UTF8_STRING = 0x0C,
    RP_DER_NUMERIC_STRING = 0x12,
    RP_DER_PRINTABLE_STRING = 0x13,
    RP_DER_TELETEX_STRING = 0x14,
    RP_DER_IA5_STRING = 0x16,
    RP_DER_UTC_TIME = 0x17,
    RP_DER_GENERALIZED_TIME = 0x18,
    RP_DER_VISIBLE_STRING = 0x1A,
    RP_DER_UNIVERSAL_STRING = 0x1C,
    RP_DER_BMP_STRING = 0x1E,
    RP_DER_SEQUENCE = 0x30,
    RP_DER_SET = 0x31,
    RP_DER_CONTEXT = 0x80, /* | number */
    RP_DER_CONTEXT_CONSTRUCTED = 0xA0
};

/* An element of any tag. */
bool rp__der_any(rp_slice *in, uint8_t *tag, rp_slice *content);
/* One of this tag. */
bool rp__der_get(rp_slice *in, uint8_t tag, rp_slice *content);
/* One of this tag, its header included. */
bool rp__der_element(rp_slice *in, uint8_t tag, rp_slice *element);
/* Says whether the next element has this tag, and takes nothing. */
bool rp__der_next_is(const rp_slice *in, uint8_t tag);

bool rp__der_boolean(rp_slice *in, bool *value);
/* Two's complement, in its shortest form. */
bool rp__der_integer(rp_slice *in, rp_slice *content);
/* An INTEGER from 0 to 2^31 - 1. */
bool rp__der_small(rp_slice *in, uint32_t *value);
/* A BIT STRING; the bits that its last byte does not use are 0. */
bool rp__der_bits(rp_slice *in, rp_slice *bytes, unsigned *unused);
/* A BIT STRING of whole bytes. */
bool rp__der_bytes(rp_slice *in, rp_slice *bytes);
/* An OBJECT IDENTIFIER: whole numbers in their shortest form, one at least. */
bool rp__der_oid(rp_slice *in, rp_slice *content);
/* Whether this is the content of one. */
bool rp__der_is_oid(rp_slice content);
/* UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 has them: to the second, in UTC. Seconds since
 * 1970. */
bool rp__der_time(rp_slice *in, int64_t *seconds);

bool rp__slice_equal(rp_slice left, rp_slice right);
/* With a literal: the contents of an object identifier, say. */
#define RP_SLICE_IS(slice, literal)                                                                \
    rp__slice_equal(slice, (rp_slice){(const uint8_t *)(literal), sizeof(literal) - 1})

#endif
