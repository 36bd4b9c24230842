/* stand_in.c - written from the inside out, last byte first: so each length is known when its turn
 * comes. */
#include "tls/stand_in.h"

#include "base/assert.h"
#include "x509/der.h"

#include <string.h>

#define RSA_SECRETS 6 /* RFC 8017, A.1.2: d, p, q, and what follows of them */

/* What is written stands at the end of der. */
typedef struct writer {
    uint8_t *der;
    size_t begin;
} writer;

static void put(writer *to, const void *bytes, size_t size)
{
    RP_ASSERT(size <= to->begin);
    to->begin -= size;
    memcpy(to->der + to->begin, bytes, size);
}

static void put_byte(writer *to, size_t byte)
{
    uint8_t value = (uint8_t)byte;
    put(to, &value, 1);
}

/* The head of what was written since end. */
static void put_head(writer *to, uint8_t tag, size_t end)
{
    size_t size = end - to->begin;
    if (size >= 0x80) {
        size_t bytes = size > 0xFF ? 2 : 1;
        put_byte(to, size);
        if (bytes == 2)
            put_byte(to, size >> 8);
        put_byte(to, 0x80 | bytes);
    } else {
        put_byte(to, size);
    }
    put_byte(to, tag);
}

static void put_value(writer *to, uint8_t tag, const void *bytes, size_t size)
{
    size_t end = to->begin;
    put(to, bytes, size);
    put_head(to, tag, end);
}

static void put_small(writer *to, uint8_t value)
{
    put_value(to, RP_DER_INTEGER, &value, 1);
}

static void put_number(writer *to, rp_slice digits)
{
    size_t end = to->begin;
    put(to, digits.data, digits.size);
    if (digits.data[0] & 0x80)
        put_byte(to, 0);
    put_head(to, RP_DER_INTEGER, end);
}

/* RSAPrivateKey (RFC 8017, A.1.2) */
static void put_rsa(writer *to, const rp_public_key *of)
{
    size_t end = to->begin;
    for (unsigned i = 0; i < RSA_SECRETS; i++)
        put_small(to, 1);
    put_number(to, of->exponent);
    put_number(to, of->modulus);
    put_small(to, 0);
    put_head(to, RP_DER_SEQUENCE, end);
}

/* ECPrivateKey (RFC 5915, 3) with the number 1 */
static void put_ec(writer *to, const rp_public_key *of)
{
    static const uint8_t p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
    static const uint8_t p521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};
    uint8_t secret[66] = {0};
    size_t size = (of->point.size - 1) / 2, end = to->begin;
    RP_ASSERT(size <= sizeof(secret));
    secret[size - 1] = 1;
    put(to, of->point.data, of->point.size);
    put_byte(to, 0); /* bits that are not used */
    put_head(to, RP_DER_BIT_STRING, end);
    put_head(to, RP_DER_CONTEXT_CONSTRUCTED | 1, end);
    size_t curve = to->begin;
    if (of->kind == RP_KEY_P256)
        put_value(to, RP_DER_OID, p256, sizeof(p256));
    else if (of->kind == RP_KEY_P384)
        put_value(to, RP_DER_OID, p384, sizeof(p384));
    else
        put_value(to, RP_DER_OID, p521, sizeof(p521));
    put_head(to, RP_DER_CONTEXT_CONSTRUCTED | 0, curve);
    put_value(to, RP_DER_OCTET_STRING, secret, size);
    put_small(to, 1);
    put_head(to, RP_DER_SEQUENCE, end);
}

/* PrivateKeyInfo (RFC 8410, 7) */
static void put_ed25519(writer *to)
{
    static const uint8_t type[] = {0x2b, 0x65, 0x70}, secret[32] = {0};
    size_t end = to->begin;
    put_value(to, RP_DER_OCTET_STRING, secret, sizeof(secret));
    put_head(to, RP_DER_OCTET_STRING, end);
    size_t algorithm = to->begin;
    put_value(to, RP_DER_OID, type, sizeof(type));
    put_head(to, RP_DER_SEQUENCE, algorithm);
    put_small(to, 0);
    put_head(to, RP_DER_SEQUENCE, end);
}

size_t rp__stand_in_key(const rp_public_key *of, uint8_t der[RP_STAND_IN_SIZE])
{
    writer to = {der, RP_STAND_IN_SIZE};
    if (of->kind == RP_KEY_RSA || of->kind == RP_KEY_RSA_PSS)
        put_rsa(&to, of);
    else if (of->kind == RP_KEY_ED25519)
        put_ed25519(&to);
    else
        put_ec(&to, of);
    size_t size = RP_STAND_IN_SIZE - to.begin;
    memmove(der, der + to.begin, size);
    return size;
}
