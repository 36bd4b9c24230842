/* signature.c - keys and signatures, by wolfCrypt. */
#include "x509/signature.h"

#include "x509/der.h"

#include <wolfssl/options.h>
#include <wolfssl/version.h>

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <stdio.h>
#include <string.h>

#if !defined(HAVE_ECC384) || !defined(HAVE_ECC521) || !defined(HAVE_ED25519) ||                    \
    !defined(WC_RSA_PSS) || !defined(WOLFSSL_SHA384) || !defined(WOLFSSL_SHA512)
#error "ringport needs a wolfSSL with P-384, P-521, Ed25519, RSA-PSS, SHA-384 and SHA-512"
#endif

#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_PSS "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_MGF1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define OID_RSA_SHA256 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_RSA_MD2 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"
#define OID_RSA_MD5 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"
#define OID_RSA_SHA1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"
#define OID_ECDSA_SHA1 "\x2a\x86\x48\xce\x3d\x04\x01"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512 "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_EC "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"
#define OID_ED25519 "\x2b\x65\x70"
#define OID_SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_SHA384 "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define OID_SHA512 "\x60\x86\x48\x01\x65\x03\x04\x02\x03"

/* RFC 9325, 4.5 at the one end; what a signature may cost us, and what wolfCrypt was built for, at
 * the other. */
#define RSA_BITS_LEAST 2048
#define RSA_BITS_LIMIT (RSA_MAX_SIZE < 8192 ? RSA_MAX_SIZE : 8192)
#define RSA_EXPONENT_BYTES_LIMIT 4

/* ---- hashes and PSS ---- */

static unsigned hash_of(rp_slice type)
{
    if (RP_SLICE_IS(type, OID_SHA256))
        return 256;
    if (RP_SLICE_IS(type, OID_SHA384))
        return 384;
    return RP_SLICE_IS(type, OID_SHA512) ? 512 : 0;
}

/* NULL or nothing (RFC 4055, 2.1). */
static bool no_parameters(rp_slice rest)
{
    rp_slice null;
    return rest.size == 0 ||
           (rp__der_get(&rest, RP_DER_NULL, &null) && null.size == 0 && rest.size == 0);
}

/* AlgorithmIdentifier of a hash, in its explicit tag. Its bits, 0: none that is known. */
static unsigned read_hash(rp_slice in)
{
    rp_slice identifier, type;
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &identifier) || in.size != 0 ||
        !rp__der_get(&identifier, RP_DER_OID, &type) || !no_parameters(identifier))
        return 0;
    return hash_of(type);
}

typedef struct pss_parameters {
    unsigned hash_bits;
    uint32_t salt_bytes;
} pss_parameters;

/* RSASSA-PSS-params (RFC 4055, 3.1) with the mask that is in use for each hash. The hash that they
 * have by default, SHA-1, is not. */
static bool read_pss(pss_parameters *found, rp_slice in)
{
    rp_slice parameters, hash, mask, mask_identifier, type, salt, trailer;
    uint32_t trailer_field = 1;
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &parameters) || in.size != 0 ||
        !rp__der_get(&parameters, RP_DER_CONTEXT_CONSTRUCTED | 0, &hash) ||
        !rp__der_get(&parameters, RP_DER_CONTEXT_CONSTRUCTED | 1, &mask))
        return false;
    found->salt_bytes = 20; /* by default, which DER leaves out */
    if (rp__der_next_is(&parameters, RP_DER_CONTEXT_CONSTRUCTED | 2) &&
        (!rp__der_get(&parameters, RP_DER_CONTEXT_CONSTRUCTED | 2, &salt) ||
         !rp__der_small(&salt, &found->salt_bytes) || salt.size != 0))
        return false;
    if (parameters.size > 0 &&
        (!rp__der_get(&parameters, RP_DER_CONTEXT_CONSTRUCTED | 3, &trailer) ||
         !rp__der_small(&trailer, &trailer_field) || trailer.size != 0 || parameters.size != 0))
        return false;
    if (!rp__der_get(&mask, RP_DER_SEQUENCE, &mask_identifier) || mask.size != 0 ||
        !rp__der_get(&mask_identifier, RP_DER_OID, &type) || !RP_SLICE_IS(type, OID_MGF1))
        return false;
    found->hash_bits = read_hash(hash);
    return found->hash_bits != 0 && read_hash(mask_identifier) == found->hash_bits &&
           trailer_field == 1;
}

/* ---- keys ---- */

/* A positive INTEGER without its sign byte. */
static bool read_positive(rp_slice *in, rp_slice *digits)
{
    if (!rp__der_integer(in, digits) || digits->data[0] & 0x80)
        return false;
    if (digits->data[0] == 0)
        *digits = (rp_slice){digits->data + 1, digits->size - 1};
    return digits->size > 0;
}

static unsigned bits_of(rp_slice digits)
{
    unsigned bits = (unsigned)digits.size * 8;
    for (uint8_t first = digits.data[0]; !(first & 0x80); first = (uint8_t)(first << 1))
        bits--;
    return bits;
}

static const char *read_rsa(rp_public_key *key, rp_slice bytes)
{
    rp_slice pair;
    if (!rp__der_get(&bytes, RP_DER_SEQUENCE, &pair) || bytes.size != 0 ||
        !read_positive(&pair, &key->modulus) || !read_positive(&pair, &key->exponent) ||
        pair.size != 0)
        return "its RSA key is malformed";
    if (bits_of(key->modulus) < RSA_BITS_LEAST)
        return "its RSA key has less than 2048 bits";
    if (bits_of(key->modulus) > RSA_BITS_LIMIT)
        return "its RSA key has too many bits";
    if (!(key->modulus.data[key->modulus.size - 1] & 1))
        return "its RSA key has an even modulus";
    const uint8_t *last = key->exponent.data + key->exponent.size - 1;
    bool one = key->exponent.size == 1 && *last == 1;
    if (key->exponent.size > RSA_EXPONENT_BYTES_LIMIT || one || !(*last & 1))
        return "its RSA key has a bad exponent";
    return NULL;
}

/* An uncompressed point (RFC 5480, 2.2). */
static const char *read_point(rp_public_key *key, rp_slice curve, rp_slice bytes)
{
    rp_slice name;
    size_t size;
    if (!rp__der_get(&curve, RP_DER_OID, &name) || curve.size != 0)
        return "its key is not on a named curve";
    if (RP_SLICE_IS(name, OID_P256)) {
        key->kind = RP_KEY_P256;
        size = 32;
    } else if (RP_SLICE_IS(name, OID_P384)) {
        key->kind = RP_KEY_P384;
        size = 48;
    } else if (RP_SLICE_IS(name, OID_P521)) {
        key->kind = RP_KEY_P521;
        size = 66;
    } else {
        return "its key is on a curve that is not supported";
    }
    key->point = bytes;
    return bytes.size == 1 + 2 * size && bytes.data[0] == 4 ? NULL : "its key is malformed";
}

/* What the key is restricted to, if it is (RFC 4055, 1.2 and 3.3): a hash, and a salt of so many
 * bytes at least. Signatures have a salt of their hash's size. */
static const char *read_restriction(rp_public_key *key, rp_slice in)
{
    pss_parameters found;
    if (in.size == 0)
        return NULL;
    if (!read_pss(&found, in) || found.salt_bytes > found.hash_bits / 8)
        return "its RSA-PSS key is restricted to parameters that are not supported";
    key->only_hash_bits = found.hash_bits;
    return NULL;
}

static const char *read_key(rp_public_key *key, rp_slice info)
{
    rp_slice content, algorithm, type, bytes;
    if (!rp__der_get(&info, RP_DER_SEQUENCE, &content) || info.size != 0 ||
        !rp__der_get(&content, RP_DER_SEQUENCE, &algorithm) ||
        !rp__der_get(&algorithm, RP_DER_OID, &type) || !rp__der_bytes(&content, &bytes) ||
        content.size != 0)
        return "its key is malformed";
    if (RP_SLICE_IS(type, OID_RSA)) {
        key->kind = RP_KEY_RSA;
        rp_slice null;
        if (!rp__der_get(&algorithm, RP_DER_NULL, &null) || null.size != 0 || algorithm.size != 0)
            return "its RSA key is malformed";
        return read_rsa(key, bytes);
    }
    if (RP_SLICE_IS(type, OID_RSA_PSS)) {
        key->kind = RP_KEY_RSA_PSS;
        const char *reason = read_restriction(key, algorithm);
        return reason != NULL ? reason : read_rsa(key, bytes);
    }
    if (RP_SLICE_IS(type, OID_EC))
        return read_point(key, algorithm, bytes);
    if (RP_SLICE_IS(type, OID_ED25519)) {
        key->kind = RP_KEY_ED25519;
        key->point = bytes;
        return bytes.size == ED25519_PUB_KEY_SIZE && algorithm.size == 0 ? NULL
                                                                         : "its key is malformed";
    }
    return "its key is of a kind that is not supported";
}

const char *rp__public_key_read(rp_public_key *key, rp_slice info)
{
    *key = (rp_public_key){.kind = RP_KEY_NONE};
    const char *reason = read_key(key, info);
    if (reason != NULL)
        key->kind = RP_KEY_NONE;
    return reason;
}

const char *rp__public_key_text(const rp_public_key *key, char text[RP_KEY_TEXT_SIZE])
{
    static const char *const curves[] = {
        [RP_KEY_P256] = "P-256",
        [RP_KEY_P384] = "P-384",
        [RP_KEY_P521] = "P-521",
        [RP_KEY_ED25519] = "Ed25519",
    };
    if (key->kind == RP_KEY_RSA || key->kind == RP_KEY_RSA_PSS)
        snprintf(text, RP_KEY_TEXT_SIZE, "%s %u", key->kind == RP_KEY_RSA ? "RSA" : "RSA-PSS",
                 bits_of(key->modulus));
    else
        snprintf(text, RP_KEY_TEXT_SIZE, "%s",
                 key->kind == RP_KEY_NONE ? "none" : curves[key->kind]);
    return text;
}

/* ---- algorithms ---- */

typedef struct known_algorithm {
    const char *type;
    rp_signature_scheme scheme;
    unsigned hash_bits;
    const char *reason; /* why not */
} known_algorithm;

static const known_algorithm algorithms[] = {
    {OID_RSA_SHA256, RP_SIGNATURE_RSA_PKCS1, 256, NULL},
    {OID_RSA_SHA384, RP_SIGNATURE_RSA_PKCS1, 384, NULL},
    {OID_RSA_SHA512, RP_SIGNATURE_RSA_PKCS1, 512, NULL},
    {OID_ECDSA_SHA256, RP_SIGNATURE_ECDSA, 256, NULL},
    {OID_ECDSA_SHA384, RP_SIGNATURE_ECDSA, 384, NULL},
    {OID_ECDSA_SHA512, RP_SIGNATURE_ECDSA, 512, NULL},
    {OID_ED25519, RP_SIGNATURE_ED25519, 512, NULL},
    {OID_RSA_SHA1, RP_SIGNATURE_NONE, 0, "it is signed with SHA-1, which is broken"},
    {OID_ECDSA_SHA1, RP_SIGNATURE_NONE, 0, "it is signed with SHA-1, which is broken"},
    {OID_RSA_MD5, RP_SIGNATURE_NONE, 0, "it is signed with MD5, which is broken"},
    {OID_RSA_MD2, RP_SIGNATURE_NONE, 0, "it is signed with MD2, which is broken"},
};

const char *rp__signature_algorithm_read(rp_signature_algorithm *algorithm, rp_slice identifier)
{
    rp_slice type;
    *algorithm = (rp_signature_algorithm){.scheme = RP_SIGNATURE_NONE};
    if (!rp__der_get(&identifier, RP_DER_OID, &type))
        return "its signature algorithm is malformed";
    if (RP_SLICE_IS(type, OID_RSA_PSS)) {
        pss_parameters found;
        if (!read_pss(&found, identifier) || found.salt_bytes != found.hash_bits / 8)
            return "it is signed by RSA-PSS with parameters that are not supported";
        algorithm->scheme = RP_SIGNATURE_RSA_PSS;
        algorithm->hash_bits = found.hash_bits;
        return NULL;
    }
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        const known_algorithm *known = &algorithms[i];
        if (!rp__slice_equal(type, rp__slice_of(known->type)))
            continue;
        if (known->reason != NULL)
            return known->reason;
        bool rsa = known->scheme == RP_SIGNATURE_RSA_PKCS1;
        if (rsa ? !no_parameters(identifier) : identifier.size != 0)
            return "its signature algorithm is malformed";
        algorithm->scheme = known->scheme;
        algorithm->hash_bits = known->hash_bits;
        return NULL;
    }
    return "it is signed by an algorithm that is not supported";
}

/* ---- verifying ---- */

typedef struct digest {
    enum wc_HashType type;
    size_t size;
    uint8_t bytes[WC_SHA512_DIGEST_SIZE];
} digest;

static rp_signature_result result_of(int code)
{
    return code == MEMORY_E ? RP_SIGNATURE_NO_MEMORY : RP_SIGNATURE_BAD;
}

static enum wc_HashType hash_type(unsigned bits)
{
    return bits == 256   ? WC_HASH_TYPE_SHA256
           : bits == 384 ? WC_HASH_TYPE_SHA384
                         : WC_HASH_TYPE_SHA512;
}

static bool make_digest(digest *made, unsigned bits, rp_slice message)
{
    made->type = hash_type(bits);
    made->size = bits / 8;
    return wc_Hash(made->type, message.data, (word32)message.size, made->bytes,
                   (word32)made->size) == 0;
}

/* What a PKCS #1 signature holds (RFC 8017, 9.2): written, not parsed. Returns its size. */
static size_t digest_info(uint8_t *out, const digest *of)
{
    static const uint8_t head[] = {0x30, 0,    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0,    0x05, 0x00, 0x04, 0};
    memcpy(out, head, sizeof(head));
    out[1] = (uint8_t)(sizeof(head) - 2 + of->size);
    out[14] = of->size == 32 ? 1 : of->size == 48 ? 2 : 3; /* id-sha256, id-sha384, id-sha512 */
    out[18] = (uint8_t)of->size;
    memcpy(out + sizeof(head), of->bytes, of->size);
    return sizeof(head) + of->size;
}

static rp_signature_result verify_pkcs1(RsaKey *key, const digest *of, rp_slice signature)
{
    uint8_t found[RSA_BITS_LIMIT / 8], expected[19 + WC_SHA512_DIGEST_SIZE];
    size_t size = digest_info(expected, of);
    int got = wc_RsaSSL_Verify(signature.data, (word32)signature.size, found, sizeof(found), key);
    if (got < 0)
        return result_of(got);
    return (size_t)got == size && memcmp(found, expected, size) == 0 ? RP_SIGNATURE_GOOD
                                                                     : RP_SIGNATURE_BAD;
}

static rp_signature_result verify_pss(RsaKey *key, const digest *of, rp_slice signature)
{
    uint8_t copy[RSA_BITS_LIMIT / 8],
        found[RSA_BITS_LIMIT / 8]; /* wolfCrypt's input is not const */
    int mask = of->size == 32 ? WC_MGF1SHA256 : of->size == 48 ? WC_MGF1SHA384 : WC_MGF1SHA512;
    memcpy(copy, signature.data, signature.size);
    int got = wc_RsaPSS_VerifyCheck(copy, (word32)signature.size, found, sizeof(found), of->bytes,
                                    (word32)of->size, of->type, mask, key);
    return got > 0 ? RP_SIGNATURE_GOOD : result_of(got);
}

static rp_signature_result verify_rsa(const rp_public_key *key, rp_signature_scheme scheme,
                                      const digest *of, rp_slice signature)
{
    RsaKey rsa;
    if (signature.size != key->modulus.size || wc_InitRsaKey(&rsa, NULL) != 0)
        return RP_SIGNATURE_BAD;
    int code = wc_RsaPublicKeyDecodeRaw(key->modulus.data, (word32)key->modulus.size,
                                        key->exponent.data, (word32)key->exponent.size, &rsa);
    rp_signature_result result = result_of(code);
    if (code == 0)
        result = scheme == RP_SIGNATURE_RSA_PSS ? verify_pss(&rsa, of, signature)
                                                : verify_pkcs1(&rsa, of, signature);
    wc_FreeRsaKey(&rsa);
    return result;
}

/* Two positive numbers in DER, and nothing else: wolfCrypt's own reader takes more. */
static bool is_ecdsa(rp_slice signature)
{
    rp_slice pair, number;
    return rp__der_get(&signature, RP_DER_SEQUENCE, &pair) && signature.size == 0 &&
           read_positive(&pair, &number) && read_positive(&pair, &number) && pair.size == 0;
}

/* From 5.9 on wolfCrypt looks at what it imports; before, what it has for that multiplies the point
 * as well, and takes longer than the signature. */
#if LIBWOLFSSL_VERSION_HEX >= 0x05009000
static int check_on_curve(ecc_key *key)
{
    (void)key;
    return 0;
}
#else
static int check_on_curve(ecc_key *key)
{
    return wc_ecc_check_key(key);
}
#endif

static rp_signature_result verify_ecdsa(const rp_public_key *key, const digest *of,
                                        rp_slice signature)
{
    int curve = key->kind == RP_KEY_P256   ? ECC_SECP256R1
                : key->kind == RP_KEY_P384 ? ECC_SECP384R1
                                           : ECC_SECP521R1;
    ecc_key ecc;
    int good = 0;
    if (!is_ecdsa(signature) || wc_ecc_init(&ecc) != 0)
        return RP_SIGNATURE_BAD;
    int code = wc_ecc_import_x963_ex(key->point.data, (word32)key->point.size, &ecc, curve);
    if (code == 0)
        code = check_on_curve(&ecc);
    if (code == 0)
        code = wc_ecc_verify_hash(signature.data, (word32)signature.size, of->bytes,
                                  (word32)of->size, &good, &ecc);
    wc_ecc_free(&ecc);
    return code == 0 && good == 1 ? RP_SIGNATURE_GOOD : result_of(code);
}

static rp_signature_result verify_ed25519(const rp_public_key *key, rp_slice message,
                                          rp_slice signature)
{
    ed25519_key ed25519;
    int good = 0;
    if (signature.size != ED25519_SIG_SIZE || wc_ed25519_init(&ed25519) != 0)
        return RP_SIGNATURE_BAD;
    int code = wc_ed25519_import_public(key->point.data, (word32)key->point.size, &ed25519);
    if (code == 0)
        code = wc_ed25519_verify_msg(signature.data, (word32)signature.size, message.data,
                                     (word32)message.size, &good, &ed25519);
    wc_ed25519_free(&ed25519);
    return good == 1 ? RP_SIGNATURE_GOOD : result_of(code); /* good: where it says 0 */
}

static bool fits(const rp_public_key *key, const rp_signature_algorithm *algorithm)
{
    rp_signature_scheme scheme = algorithm->scheme;
    switch (key->kind) {
    case RP_KEY_RSA:
        return scheme == RP_SIGNATURE_RSA_PKCS1 || scheme == RP_SIGNATURE_RSA_PSS;
    case RP_KEY_RSA_PSS:
        return scheme == RP_SIGNATURE_RSA_PSS &&
               (key->only_hash_bits == 0 || key->only_hash_bits == algorithm->hash_bits);
    case RP_KEY_P256:
    case RP_KEY_P384:
    case RP_KEY_P521:
        return scheme == RP_SIGNATURE_ECDSA;
    case RP_KEY_ED25519:
        return scheme == RP_SIGNATURE_ED25519;
    default:
        return false;
    }
}

static rp_signature_result verify_digest(const rp_public_key *key, rp_signature_scheme scheme,
                                         const digest *of, rp_slice signature)
{
    return scheme == RP_SIGNATURE_ECDSA ? verify_ecdsa(key, of, signature)
                                        : verify_rsa(key, scheme, of, signature);
}

rp_signature_result rp__signature_verify(const rp_public_key *key,
                                         const rp_signature_algorithm *algorithm, rp_slice message,
                                         rp_slice signature)
{
    digest of;
    if (!fits(key, algorithm))
        return RP_SIGNATURE_BAD;
    if (algorithm->scheme == RP_SIGNATURE_ED25519)
        return verify_ed25519(key, message, signature);
    if (!make_digest(&of, algorithm->hash_bits, message))
        return RP_SIGNATURE_NO_MEMORY; /* nothing else can be the matter */
    return verify_digest(key, algorithm->scheme, &of, signature);
}

rp_signature_result rp__signature_verify_hash(const rp_public_key *key,
                                              const rp_signature_algorithm *algorithm,
                                              rp_slice hash, rp_slice signature)
{
    if (!fits(key, algorithm))
        return RP_SIGNATURE_BAD;
    if (algorithm->scheme == RP_SIGNATURE_ED25519)
        return verify_ed25519(key, hash, signature);
    digest of = {.type = hash_type(algorithm->hash_bits), .size = hash.size};
    if (hash.size != algorithm->hash_bits / 8)
        return RP_SIGNATURE_BAD;
    memcpy(of.bytes, hash.data, hash.size);
    return verify_digest(key, algorithm->scheme, &of, signature);
}
