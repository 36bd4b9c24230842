/* pkcs5.c - PBES2, by wolfCrypt's PBKDF2 and AES. */
#include "tls/pkcs5.h"

#include "base/memory.h"
#include "tls/wolfssl.h"
#include "x509/der.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>

#include <limits.h>
#include <string.h>

#define OID_PBES2 "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"
#define OID_PBKDF2 "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"
#define OID_SCRYPT "\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"
#define OID_PKCS5 "\x2a\x86\x48\x86\xf7\x0d\x01\x05"      /* and one byte: PBES1 */
#define OID_PKCS12 "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01" /* and one byte */
#define OID_RSADSI_CIPHER "\x2a\x86\x48\x86\xf7\x0d\x03"  /* and one byte: RC2, DES-EDE3 */
#define OID_AES "\x60\x86\x48\x01\x65\x03\x04\x01"        /* and one byte: size and mode */
#define OID_HMAC "\x2a\x86\x48\x86\xf7\x0d\x02"           /* and one byte: the hash */
#define OID_SHA1 "\x2b\x0e\x03\x02\x1a"
#define OID_SHA2 "\x60\x86\x48\x01\x65\x03\x04\x02" /* and one byte */

static const char malformed[] = "its encryption is malformed";
static const char wrong_passphrase[] = "the passphrase is wrong";

/* The last byte of type if what stands before it is prefix; -1. */
static int last_of(rp_slice type, const char *prefix)
{
    size_t size = strlen(prefix);
    return type.size == size + 1 && memcmp(type.data, prefix, size) == 0 ? type.data[size] : -1;
}

/* What is written no more, for a message (RFC 8018, A.3 and B; RFC 7292, C). */
static const char *refuse_cipher(rp_slice type)
{
    switch (last_of(type, OID_PKCS12)) {
    case 1:
    case 2:
        return "it is encrypted with RC4, which is not supported: write it anew with AES";
    case 3:
    case 4:
        return "it is encrypted with 3DES, which is not supported: write it anew with AES";
    case 5:
    case 6:
        return "it is encrypted with RC2, which is not supported: write it anew with AES";
    default:
        break;
    }
    if (last_of(type, OID_PKCS5) >= 0)
        return "it is encrypted by PBES1, which is not supported: write it anew with AES";
    switch (last_of(type, OID_RSADSI_CIPHER)) {
    case 2:
        return "it is encrypted with RC2, which is not supported: write it anew with AES";
    case 7:
        return "it is encrypted with 3DES, which is not supported: write it anew with AES";
    default:
        return "it is encrypted by an algorithm that is not supported: write it anew with AES";
    }
}

int rp__hash_of(rp_slice type)
{
    if (RP_SLICE_IS(type, OID_SHA1))
        return WC_SHA;
    switch (last_of(type, OID_SHA2)) {
    case 1:
        return WC_SHA256;
    case 2:
        return WC_SHA384;
    case 3:
        return WC_SHA512;
    default:
        return 0;
    }
}

static int hash_of_hmac(rp_slice type)
{
    switch (last_of(type, OID_HMAC)) {
    case 7:
        return WC_SHA;
    case 9:
        return WC_SHA256;
    case 10:
        return WC_SHA384;
    case 11:
        return WC_SHA512;
    default:
        return 0;
    }
}

typedef struct locks {
    rp_slice salt;
    uint32_t iterations;
    int hash;
    int key_size;
    rp_slice vector;
} locks;

/* PBKDF2-params (RFC 8018, A.2). */
static const char *read_derivation(locks *found, rp_slice in, uint32_t *key_size)
{
    rp_slice type, parameters, pseudorandom;
    *key_size = 0;
    if (!rp__der_get(&in, RP_DER_OID, &type))
        return malformed;
    if (RP_SLICE_IS(type, OID_SCRYPT))
        return "its key is derived by scrypt, which is not supported: write it with PBKDF2";
    if (!RP_SLICE_IS(type, OID_PBKDF2))
        return "its key is derived in a way that is not supported";
    found->hash = WC_SHA;
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &parameters) || in.size != 0 ||
        !rp__der_get(&parameters, RP_DER_OCTET_STRING, &found->salt) ||
        !rp__der_small(&parameters, &found->iterations) ||
        (rp__der_next_is(&parameters, RP_DER_INTEGER) && !rp__der_small(&parameters, key_size)))
        return malformed;
    if (parameters.size == 0)
        return NULL;
    if (!rp__der_get(&parameters, RP_DER_SEQUENCE, &pseudorandom) || parameters.size != 0 ||
        !rp__der_get(&pseudorandom, RP_DER_OID, &type))
        return malformed;
    found->hash = hash_of_hmac(type);
    return found->hash == 0 ? "its key is derived by a hash that is not supported" : NULL;
}

static const char *read_cipher(locks *found, rp_slice in)
{
    rp_slice type;
    if (!rp__der_get(&in, RP_DER_OID, &type))
        return malformed;
    switch (last_of(type, OID_AES)) { /* the CBC modes */
    case 2:
        found->key_size = 16;
        break;
    case 22:
        found->key_size = 24;
        break;
    case 42:
        found->key_size = 32;
        break;
    default:
        return refuse_cipher(type);
    }
    if (!rp__der_get(&in, RP_DER_OCTET_STRING, &found->vector) || in.size != 0 ||
        found->vector.size != AES_BLOCK_SIZE)
        return malformed;
    return NULL;
}

static const char *read_locks(locks *found, rp_slice algorithm)
{
    rp_slice type, parameters, derivation, cipher;
    uint32_t key_size;
    if (!rp__der_get(&algorithm, RP_DER_OID, &type))
        return malformed;
    if (!RP_SLICE_IS(type, OID_PBES2))
        return refuse_cipher(type);
    if (!rp__der_get(&algorithm, RP_DER_SEQUENCE, &parameters) || algorithm.size != 0 ||
        !rp__der_get(&parameters, RP_DER_SEQUENCE, &derivation) ||
        !rp__der_get(&parameters, RP_DER_SEQUENCE, &cipher) || parameters.size != 0)
        return malformed;
    const char *reason = read_cipher(found, cipher);
    if (reason == NULL)
        reason = read_derivation(found, derivation, &key_size);
    if (reason != NULL)
        return reason;
    if ((key_size != 0 && key_size != (uint32_t)found->key_size) || found->iterations == 0 ||
        found->salt.size > INT_MAX)
        return malformed;
    return found->iterations > RP_ITERATIONS_LIMIT
               ? "its key takes more than 10,000,000 iterations to derive"
               : NULL;
}

/* RFC 8018, 6.1.1, 4: the last block ends with as many bytes of a value as the value says. */
static const char *cut_padding(const uint8_t *opened, size_t *size)
{
    uint8_t padding = opened[*size - 1];
    if (padding == 0 || padding > AES_BLOCK_SIZE)
        return wrong_passphrase;
    for (size_t i = 1; i <= padding; i++) {
        if (opened[*size - i] != padding)
            return wrong_passphrase;
    }
    *size -= padding;
    return NULL;
}

static bool decrypt(const locks *with, rp_slice sealed, rp_slice password, uint8_t *opened)
{
    Aes aes;
    uint8_t key[32];
    bool good =
        wc_PBKDF2(key, password.data, (int)password.size, with->salt.data, (int)with->salt.size,
                  (int)with->iterations, with->key_size, with->hash) == 0 &&
        wc_AesInit(&aes, NULL, INVALID_DEVID) == 0;
    if (good) {
        good = wc_AesSetKey(&aes, key, (word32)with->key_size, with->vector.data, AES_DECRYPTION) ==
                   0 &&
               wc_AesCbcDecrypt(&aes, opened, sealed.data, (word32)sealed.size) == 0;
        wc_AesFree(&aes);
        rp__wipe(&aes, sizeof(aes));
    }
    rp__wipe(key, sizeof(key));
    return good;
}

const char *rp__pbes2_open(rp_slice algorithm, rp_slice sealed, rp_slice password, uint8_t *opened,
                           size_t *size)
{
    locks with;
    const char *reason = read_locks(&with, algorithm);
    if (reason != NULL)
        return reason;
    if (sealed.size == 0 || sealed.size % AES_BLOCK_SIZE != 0 || sealed.size > INT_MAX)
        return malformed;
    if (!decrypt(&with, sealed, password, opened))
        return "wolfSSL can't decrypt it";
    *size = sealed.size;
    reason = cut_padding(opened, size);
    if (reason != NULL)
        rp__wipe(opened, sealed.size);
    return reason;
}

static bool read_locked(rp_slice der, rp_slice *algorithm, rp_slice *sealed)
{
    rp_slice content;
    return rp__der_get(&der, RP_DER_SEQUENCE, &content) &&
           rp__der_get(&content, RP_DER_SEQUENCE, algorithm) &&
           rp__der_get(&content, RP_DER_OCTET_STRING, sealed) && content.size == 0;
}

bool rp__pkcs8_is_locked(rp_slice der)
{
    rp_slice algorithm, sealed;
    return read_locked(der, &algorithm, &sealed);
}

const char *rp__pkcs8_open(rp_slice der, rp_slice password, uint8_t *opened, size_t *size)
{
    rp_slice algorithm, sealed, content;
    uint32_t version;
    if (!read_locked(der, &algorithm, &sealed))
        return malformed;
    const char *reason = rp__pbes2_open(algorithm, sealed, password, opened, size);
    if (reason != NULL)
        return reason;
    /* A wrong passphrase leaves a right padding once in 256 times. */
    rp_slice info = {opened, *size};
    if (rp__der_get(&info, RP_DER_SEQUENCE, &content) && info.size == 0 &&
        rp__der_small(&content, &version))
        return NULL;
    rp__wipe(opened, *size);
    return wrong_passphrase;
}
