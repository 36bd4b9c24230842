/* token.c - signatures by wolfCrypt. */
#include "support/token.h"

#include "support/tls_pair.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>

#include <stdio.h>

typedef struct token_key {
    uint8_t der[4096]; /* without PKCS #8 around it */
    word32 size;
} token_key;

static int read_key(token_key *key, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.token", tls_certs(), name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return -1;
    key->size = (word32)fread(key->der, 1, sizeof(key->der), stream);
    fclose(stream);
    return 0;
}

static size_t sign_ecdsa(const token_key *key, WC_RNG *rng, const void *data, size_t size,
                         uint8_t *signature)
{
    ecc_key ecc;
    word32 at = 0, used = TOKEN_SIGNATURE_LIMIT;
    wc_ecc_init(&ecc);
    int code = wc_EccPrivateKeyDecode(key->der, &at, &ecc, key->size);
    if (code == 0)
        code = wc_ecc_sign_hash(data, (word32)size, signature, &used, rng, &ecc);
    wc_ecc_free(&ecc);
    return code == 0 ? used : 0;
}

static size_t sign_ed25519(const token_key *key, const void *data, size_t size, uint8_t *signature)
{
    ed25519_key ed25519;
    uint8_t public_key[ED25519_PUB_KEY_SIZE];
    word32 at = 0, used = TOKEN_SIGNATURE_LIMIT;
    wc_ed25519_init(&ed25519);
    int code = wc_Ed25519PrivateKeyDecode(key->der, &at, &ed25519, key->size);
    if (code == 0)
        code = wc_ed25519_make_public(&ed25519, public_key, sizeof(public_key));
    if (code == 0)
        code = wc_ed25519_import_public(public_key, sizeof(public_key), &ed25519);
    if (code == 0)
        code = wc_ed25519_sign_msg(data, (word32)size, signature, &used, &ed25519);
    wc_ed25519_free(&ed25519);
    return code == 0 ? used : 0;
}

static int sign_pkcs1(RsaKey *rsa, WC_RNG *rng, int hash, const void *data, size_t size,
                      uint8_t *signature)
{
    uint8_t encoded[128];
    int type = hash == 4 ? SHA256h : hash == 5 ? SHA384h : SHA512h;
    word32 used = wc_EncodeSignature(encoded, data, (word32)size, type);
    return wc_RsaSSL_Sign(encoded, used, signature, TOKEN_SIGNATURE_LIMIT, rsa, rng);
}

static int sign_pss(RsaKey *rsa, WC_RNG *rng, int hash, const void *data, size_t size,
                    uint8_t *signature)
{
    static const enum wc_HashType types[] = {WC_HASH_TYPE_SHA256, WC_HASH_TYPE_SHA384,
                                             WC_HASH_TYPE_SHA512};
    static const int masks[] = {WC_MGF1SHA256, WC_MGF1SHA384, WC_MGF1SHA512};
    return wc_RsaPSS_Sign(data, (word32)size, signature, TOKEN_SIGNATURE_LIMIT, types[hash - 4],
                          masks[hash - 4], rsa, rng);
}

static size_t sign_rsa(const token_key *key, WC_RNG *rng, uint16_t scheme, const void *data,
                       size_t size, uint8_t *signature)
{
    RsaKey rsa;
    word32 at = 0;
    wc_InitRsaKey(&rsa, NULL);
    wc_RsaSetRNG(&rsa, rng);
    int code = wc_RsaPrivateKeyDecode(key->der, &at, &rsa, key->size);
    if (code == 0 && scheme >> 8 == 8)
        code = sign_pss(&rsa, rng, scheme <= 0x0806 ? scheme & 0xFF : (scheme & 0xFF) - 5, data,
                        size, signature);
    else if (code == 0)
        code = sign_pkcs1(&rsa, rng, scheme >> 8, data, size, signature);
    wc_FreeRsaKey(&rsa);
    return code > 0 ? (size_t)code : 0;
}

size_t token_sign(const char *name, uint16_t scheme, const void *data, size_t size,
                  uint8_t signature[TOKEN_SIGNATURE_LIMIT])
{
    token_key key;
    WC_RNG rng;
    size_t used;
    if (read_key(&key, name) != 0 || wc_InitRng(&rng) != 0)
        return 0;
    if (scheme == 0x0807)
        used = sign_ed25519(&key, data, size, signature);
    else if ((scheme & 0xFF) == 3)
        used = sign_ecdsa(&key, &rng, data, size, signature);
    else
        used = sign_rsa(&key, &rng, scheme, data, size, signature);
    wc_FreeRng(&rng);
    return used;
}
