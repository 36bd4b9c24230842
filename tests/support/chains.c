/* chains.c - a writer of certificates. */
#include "support/chain_writer.h"

#include "base/address.h"
#include "support/check.h"
#include "tls/wolfssl.h"
#include "x509/certificate.h"

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- DER ------------------------------------------------------------------------------------- */

void chain_put(chain_writer *out, const void *bytes, size_t size)
{
    if (out->capacity - out->size < size) {
        out->capacity = 2 * (out->capacity + size);
        out->bytes = realloc(out->bytes, out->capacity);
        CHECK(out->bytes != NULL);
    }
    if (size > 0)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void chain_put_byte(chain_writer *out, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    chain_put(out, &one, 1);
}

/* Everything until chain_end() is the content of an element of this tag. */
size_t chain_begin(chain_writer *out, unsigned tag)
{
    chain_put_byte(out, tag);
    return out->size;
}

void chain_end(chain_writer *out, size_t begun)
{
    size_t size = out->size - begun, used = 0;
    uint8_t header[5];
    if (size < 0x80) {
        header[used++] = (uint8_t)size;
    } else {
        size_t digits = size > 0xffffff ? 4 : size > 0xffff ? 3 : size > 0xff ? 2 : 1;
        header[used++] = (uint8_t)(0x80 | digits);
        while (digits-- > 0)
            header[used++] = (uint8_t)(size >> (8 * digits));
    }
    chain_put(out, header, used); /* for the room */
    memmove(out->bytes + begun + used, out->bytes + begun, size);
    memcpy(out->bytes + begun, header, used);
}

void chain_put_element(chain_writer *out, unsigned tag, const void *bytes, size_t size)
{
    size_t element = chain_begin(out, tag);
    chain_put(out, bytes, size);
    chain_end(out, element);
}

static void put_text(chain_writer *out, unsigned tag, const char *text)
{
    chain_put_element(out, tag, text, strlen(text));
}

void chain_put_hex(chain_writer *out, const char *hex)
{
    unsigned byte;
    for (; *hex != '\0'; hex += 2) {
        CHECK(sscanf(hex, "%2x", &byte) == 1);
        chain_put_byte(out, byte);
    }
}

void chain_put_type(chain_writer *out, const char *dotted)
{
    char *at;
    size_t element = chain_begin(out, 0x06);
    unsigned long first = strtoul(dotted, &at, 10);
    chain_put_byte(out, (unsigned)(first * 40 + strtoul(at + 1, &at, 10)));
    while (*at == '.') {
        unsigned long part = strtoul(at + 1, &at, 10);
        int shift = 28;
        while (shift > 0 && part >> shift == 0)
            shift -= 7;
        for (; shift >= 0; shift -= 7)
            chain_put_byte(out, (unsigned)(part >> shift & 0x7f) | (shift > 0 ? 0x80u : 0));
    }
    chain_end(out, element);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const char rsa_2048[] =
    "MIIEowIBAAKCAQEAzSb4qxhLppdOUZiQbOwRfdVrUfGdy0DmHziqh5TMc5xyojosmALK5PtsJ92fyouinIuewkNG"
    "76AWqezaql5LiwnadFQEkRbfdzfb9QOyDZEqUAIj5EoWGtcigk2JbBwAUO0B5G9d1AsnNbrufalzi8XKtHZ62YLs"
    "IA/C1I7TNctx0n+sOC/aqR3r6vjmI7R0tnxChFobtJrlBmb/lEVQ9N7xmg+wY+XqTyLketeCTyFPr+lAg5A8gaSF"
    "wLf9f2Juo9KODz2dYPGVTYhyQ/iiz7hLz3MiZoqmCvGg8YnQh0wIqZYBfD4pdYncZYo5aIX1GtPmdRoQRbE6I+X8"
    "WyvJiwIDAQABAoIBACoavf2LgndB5YKMn9OjDaH4S8rpHlwJSVGOFT23VdDCgqp16xIVvKOLUHLMIw/0YZ7kbuRq"
    "32OtxQkCAgzmRnXWQ14NolROz/VNYxjhtcjgCsGZ9tjTNb8zeTMqC7LC+nOhePpzutuaoGUAJRNoVD0TDpvEF0mN"
    "+71GztNGLuYCqVI4QYhzojDYXvyBA2lNQJaa198lMjpPWyJ0DwY3E/Ta5R73R5cITiASwo5fRtFkqJ6+nJ3nyqNe"
    "9aNagHRNqa5YMB5zwX7HfBCxo64cymVbhBLDLyt86yszvFZvByBJYN+NRJaUMICccmpW0f8ixMveORTIIPy2NnUa"
    "/kbxLvUCgYEA98Klmrd2eQzaFNwLZJErRfoRiyXNezN1ZqgHtVxUoj/7dBZ9AIPGPCmOQIeBX72844BLbMZhtZ5w"
    "TgCC4i2Pa379scxCSm15cwoh1ROdkTPf7OqQAxqu6X2I3ZE8YvaW97MXAw4ogp9+x6OqlGQW0SIimzf66kuPvy3+"
    "MRsaf20CgYEA0/mSkSk6OITkQFSxOyUuGnp1zaW7Ax9fpjUzYbzfWZCbA5fCVZ3CMDp7E7VUuRXQJdByxxT2aHN4"
    "aXVZVta33MOiO+YHNgLWrpaeHayXsowAimXM9bwrPiwxF3WrVZ23UY+0/yMb+oIDwMKmQ5R6fD4kh1WmoLtY8rL1"
    "bHMJudcCgYABfFhT4i/CsBIKt/sVgk1ZIRPD2tktmPRmRjGto70aL/oJCy16uE+TAsjImEdtVIzybE2HfHUPisCv"
    "pw8h3hYTFfLdgxUOrzNgPjpPtctnGIGKQSnV6u4LlmYgtgM/sKzdFWTY7tfNWLmA5vlZ5HPCk0rT1XUavJNDGTqB"
    "/uCczQKBgB3THqkn+NYc9JSMlgcxWwREuLB/ogl1b5rOH3WgAnjynKzrvF8ZfEoW4FxMhigohonbg1q5e1YE8Ss9"
    "ZJ2QRnxcVkZBPkB+M8CK1qJsN0fa5PSUEDt/B0KPKzUWzE2WjEWAh8HiKbyccHS9rnERwg4bHD6icXhqA8DaJyfk"
    "I7kvAoGBALVXCx0yDRMJeL9h0s3Ynv00yB0tFMqH6rUBJ22QlVho8SrsY2/YQb4Ptcd5vjolBHcjI/ILkRxQPV3R"
    "lvySqlAVq0O28H8grC+q6e0jqziha3TS+wj2fUpiM/MLVYSGHYNpHDKJYIvaw0QrhGjMSCkGLttSa/VXQb4mx/1/"
    "Ri1x";
static const char rsa_1024[] =
    "MIICXQIBAAKBgQDuHY3BpPI1yxP0pLuO9pXei2D1mE2wZDIuPl1NNWZHTieCgLOOVOXIcyi+47RFny5oEaDRplaw"
    "VbvwxEA2i2+UX7tEO1BlCzKOV/0ptSV7GEeF4TOJD+azavyzmHC8tUOwuWnOj8GHZbpkNftMbNn8XqxNIrzJrKGJ"
    "UxKMx4FFvQIDAQABAoGASryn87Gr/EpjVxQlcnffDly88Bj/uW+ZeH5Glqc+FP9o00NGGFR5UvMiRNf/iyKtVCjE"
    "S0lkSDCArs9KQFR/jn1vaiCshGYnJB7fazgUyFCZg76peDPvqJpcBGplgeBzaWyNFMIcSVWsczg1NivrEWdVtgXn"
    "2UQJha1lqk58LVkCQQD/4PgP98UOYUA2/SRU1Lq1PeP5CFEDCMW5U3CoqXHt1Rjzbw23p/KXfKMtxJzOFUqwLWbm"
    "6/24uKHq8cRLezJ3AkEA7jpuN/Usb94lNWQnoccZ+dO9bwk1JTyOUBts0ohwnQCaUAqeAeDWavSKI9yaJoGfTq2H"
    "CCTv8i65xVOja6PCawJBAIEq1K5i2gPPTfY0RXHZTUMOshVVgGeytvU9zMInf06a4xSH+/m4+zpDfbAt7yYNE33p"
    "/WcWvCbSdVI/p2KfFzMCQQCAiMYvKvlu4kzxIbjAcMxzHut2nWEvVhzy29k7PqKEE28vAIuAN+94hbiC4OPLIuTx"
    "bm8M1eEgqlVRQm9KBHFBAkAQeAMwUwFxrYRqEcAOLXQnAwdptIw/g5sjWGSpWsPgcqe0OI6zaUZE33gXqccJOk2k"
    "mKta4ljec533jxzw9fAE";

struct chain_key {
    chain_key_kind kind;
    unsigned number;
    union {
        ecc_key ecc;
        ed25519_key ed25519;
        RsaKey rsa;
    } of;
};

#define KEYS_LIMIT 1024

static WC_RNG *random_bytes(void)
{
    static WC_RNG rng;
    static bool made;
    if (!made) {
        CHECK(wolfSSL_Init() == WOLFSSL_SUCCESS);
        CHECK(wc_InitRng(&rng) == 0);
        made = true;
    }
    return &rng;
}

static word32 decode_base64(const char *text, uint8_t *der, word32 size)
{
    CHECK(Base64_Decode((const byte *)text, (word32)strlen(text), der, &size) == 0);
    return size;
}

static void decode_rsa(RsaKey *key, const char *text)
{
    uint8_t der[2048];
    word32 size = decode_base64(text, der, sizeof(der)), at = 0;
    CHECK(wc_InitRsaKey(key, NULL) == 0);
    CHECK(wc_RsaPrivateKeyDecode(der, &at, key, size) == 0);
    CHECK(wc_RsaSetRNG(key, random_bytes()) == 0);
}

static int curve_size(chain_key_kind kind)
{
    return kind == CHAIN_P256 ? 32 : kind == CHAIN_P384 ? 48 : 66;
}

static void make_key(chain_key *key)
{
    static const int curves[] = {ECC_SECP256R1, ECC_SECP384R1, ECC_SECP521R1};
    WC_RNG *rng = random_bytes();
    switch (key->kind) {
    case CHAIN_P256:
    case CHAIN_P384:
    case CHAIN_P521:
        CHECK(wc_ecc_init(&key->of.ecc) == 0);
        CHECK(wc_ecc_make_key_ex(rng, curve_size(key->kind), &key->of.ecc, curves[key->kind]) == 0);
        break;
    case CHAIN_ED25519:
        CHECK(wc_ed25519_init(&key->of.ed25519) == 0);
        CHECK(wc_ed25519_make_key(rng, ED25519_KEY_SIZE, &key->of.ed25519) == 0);
        break;
    case CHAIN_RSA:
    case CHAIN_RSA_PSS:
        decode_rsa(&key->of.rsa, rsa_2048);
        break;
    case CHAIN_RSA_1024:
        decode_rsa(&key->of.rsa, rsa_1024);
        break;
    default:
        break;
    }
}

/* The keys live as long as the program. */
chain_key *chain_key_of(const chain_spec *specs, size_t index)
{
    static chain_key *keys[KEYS_LIMIT];
    static size_t count;
    unsigned number = specs[index].key_number != 0 ? specs[index].key_number : (unsigned)index + 1;
    for (size_t i = 0; i < count; i++) {
        if (keys[i]->kind == specs[index].key && keys[i]->number == number)
            return keys[i];
    }
    CHECK(count < KEYS_LIMIT);
    chain_key *key = calloc(1, sizeof(*key));
    CHECK(key != NULL);
    key->kind = specs[index].key;
    key->number = number;
    make_key(key);
    return keys[count++] = key;
}

chain_key_kind chain_kind_of(const chain_key *key)
{
    return key->kind;
}

rp_slice chain_private_key(const chain_spec *specs, size_t index)
{
    chain_key *key = chain_key_of(specs, index);
    uint8_t *der = malloc(2048);
    int size;
    CHECK(der != NULL);
    if (key->kind == CHAIN_RSA || key->kind == CHAIN_RSA_PSS)
        size = (int)decode_base64(rsa_2048, der, 2048);
    else if (key->kind == CHAIN_RSA_1024)
        size = (int)decode_base64(rsa_1024, der, 2048);
    else
        size = wc_EccKeyToDer(&key->of.ecc, der, 2048);
    CHECK(size > 0);
    return (rp_slice){der, (size_t)size};
}

static void put_rsa(chain_writer *out, chain_key *key)
{
    uint8_t n[512], e[8];
    word32 n_size = sizeof(n), e_size = sizeof(e);
    CHECK(wc_RsaFlattenPublicKey(&key->of.rsa, e, &e_size, n, &n_size) == 0);
    size_t pair = chain_begin(out, 0x30), number = chain_begin(out, 0x02);
    chain_put_byte(out, 0); /* the modulus' first bit is set */
    chain_put(out, n, n_size);
    chain_end(out, number);
    chain_put_element(out, 0x02, e, e_size);
    chain_end(out, pair);
}

static void put_point(chain_writer *out, chain_key *key)
{
    uint8_t point[256] = {0};
    word32 size = sizeof(point);
    if (key->kind == CHAIN_ED25519)
        CHECK(wc_ed25519_export_public(&key->of.ed25519, point, &size) == 0);
    else if (key->kind == CHAIN_ED448)
        size = 57;
    else
        CHECK(wc_ecc_export_x963(&key->of.ecc, point, &size) == 0);
    chain_put(out, point, size);
}

/* The bits of the key alone. */
void chain_put_key_bits(chain_writer *out, chain_key *key)
{
    if (key->kind == CHAIN_RSA || key->kind == CHAIN_RSA_PSS || key->kind == CHAIN_RSA_1024)
        put_rsa(out, key);
    else
        put_point(out, key);
}

/* forged: instead of the key's own; NULL: those. */
static void put_public_key(chain_writer *out, chain_key *key, const char *forged)
{
    static const char *const types[] = {
        "1.2.840.10045.2.1",    "1.2.840.10045.2.1",     "1.2.840.10045.2.1",    "1.3.101.112",
        "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.1", "1.3.101.113"};
    static const char *const curves[] = {"1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"};
    size_t info = chain_begin(out, 0x30), algorithm = chain_begin(out, 0x30);
    chain_put_type(out, types[key->kind]);
    if (key->kind <= CHAIN_P521)
        chain_put_type(out, curves[key->kind]);
    if (key->kind == CHAIN_RSA || key->kind == CHAIN_RSA_1024)
        chain_put_element(out, 0x05, NULL, 0);
    chain_end(out, algorithm);
    size_t bits = chain_begin(out, 0x03);
    chain_put_byte(out, 0);
    if (forged != NULL)
        chain_put_hex(out, forged);
    else
        chain_put_key_bits(out, key);
    chain_end(out, bits);
    chain_end(out, info);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

/* What a signature turns out to be, for a key of that kind. */
typedef struct scheme {
    bool pss;
    unsigned salt; /* as it is written */
    enum wc_HashType hash;
    const char *rsa, *ecdsa;
} scheme;

static scheme scheme_of(chain_signature signature, chain_key_kind kind)
{
    static const scheme schemes[] = {
        [CHAIN_BY_KEY] = {false, 32, WC_HASH_TYPE_SHA256, "1.2.840.113549.1.1.11",
                          "1.2.840.10045.4.3.2"},
        [CHAIN_SHA384] = {false, 48, WC_HASH_TYPE_SHA384, "1.2.840.113549.1.1.12",
                          "1.2.840.10045.4.3.3"},
        [CHAIN_SHA512] = {false, 64, WC_HASH_TYPE_SHA512, "1.2.840.113549.1.1.13",
                          "1.2.840.10045.4.3.4"},
        [CHAIN_PSS_SHA256] = {true, 32, WC_HASH_TYPE_SHA256, NULL, NULL},
        [CHAIN_PSS_SHA384] = {true, 48, WC_HASH_TYPE_SHA384, NULL, NULL},
        [CHAIN_PSS_SHA512] = {true, 64, WC_HASH_TYPE_SHA512, NULL, NULL},
        [CHAIN_PSS_SHORT_SALT] = {true, 20, WC_HASH_TYPE_SHA256, NULL, NULL},
        [CHAIN_SHA1] = {false, 0, WC_HASH_TYPE_SHA, "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"},
        /* By another hash, for wolfSSL 5.9 has no MD5: nobody gets as far as the signature. */
        [CHAIN_MD5] = {false, 0, WC_HASH_TYPE_SHA256, "1.2.840.113549.1.1.4", "1.2.3"},
    };
    scheme found = schemes[signature];
    if (kind == CHAIN_RSA_PSS)
        found.pss = true;
    return found;
}

static void put_hash(chain_writer *out, enum wc_HashType hash)
{
    size_t identifier = chain_begin(out, 0x30);
    chain_put_type(out, hash == WC_HASH_TYPE_SHA256   ? "2.16.840.1.101.3.4.2.1"
                        : hash == WC_HASH_TYPE_SHA384 ? "2.16.840.1.101.3.4.2.2"
                                                      : "2.16.840.1.101.3.4.2.3");
    chain_put_element(out, 0x05, NULL, 0);
    chain_end(out, identifier);
}

static void put_pss_parameters(chain_writer *out, const scheme *of)
{
    uint8_t salt = (uint8_t)of->salt;
    size_t parameters = chain_begin(out, 0x30), field = chain_begin(out, 0xA0);
    put_hash(out, of->hash);
    chain_end(out, field);
    field = chain_begin(out, 0xA1);
    size_t mask = chain_begin(out, 0x30);
    chain_put_type(out, "1.2.840.113549.1.1.8");
    put_hash(out, of->hash);
    chain_end(out, mask);
    chain_end(out, field);
    field = chain_begin(out, 0xA2);
    chain_put_element(out, 0x02, &salt, 1);
    chain_end(out, field);
    chain_end(out, parameters);
}

void chain_put_algorithm(chain_writer *out, chain_signature signature, chain_key_kind kind)
{
    scheme of = scheme_of(signature, kind);
    size_t identifier = chain_begin(out, 0x30);
    if (kind == CHAIN_ED25519 || kind == CHAIN_ED448) {
        chain_put_type(out, kind == CHAIN_ED25519 ? "1.3.101.112" : "1.3.101.113");
    } else if (kind <= CHAIN_P521) {
        chain_put_type(out, of.ecdsa);
    } else if (of.pss) {
        chain_put_type(out, "1.2.840.113549.1.1.10");
        put_pss_parameters(out, &of);
    } else {
        chain_put_type(out, of.rsa);
        chain_put_element(out, 0x05, NULL, 0);
    }
    chain_end(out, identifier);
}

static word32 sign_rsa(RsaKey *key, const scheme *of, const uint8_t *digest, word32 digest_size,
                       uint8_t *signature, word32 capacity)
{
    int size;
    if (of->pss) {
        int mask = of->hash == WC_HASH_TYPE_SHA256   ? WC_MGF1SHA256
                   : of->hash == WC_HASH_TYPE_SHA384 ? WC_MGF1SHA384
                                                     : WC_MGF1SHA512;
        size = wc_RsaPSS_Sign(digest, digest_size, signature, capacity, of->hash, mask, key,
                              random_bytes());
    } else {
        uint8_t info[128];
        word32 info_size = wc_EncodeSignature(info, digest, digest_size, wc_HashGetOID(of->hash));
        size = wc_RsaSSL_Sign(info, info_size, signature, capacity, key, random_bytes());
    }
    CHECK(size > 0);
    return (word32)size;
}

static void put_signature(chain_writer *out, rp_slice message, chain_key *key,
                          chain_signature signature_of, unsigned flags)
{
    uint8_t digest[64] = {0}, signature[512] = {0};
    word32 size = sizeof(signature);
    scheme of = scheme_of(signature_of, key->kind);
    word32 digest_size = (word32)wc_HashGetDigestSize(of.hash);
    CHECK(wc_Hash(of.hash, message.data, (word32)message.size, digest, digest_size) == 0);
    if (key->kind == CHAIN_ED25519)
        CHECK(wc_ed25519_sign_msg(message.data, (word32)message.size, signature, &size,
                                  &key->of.ed25519) == 0);
    else if (key->kind == CHAIN_ED448)
        size = 114;
    else if (key->kind <= CHAIN_P521)
        CHECK(wc_ecc_sign_hash(digest, digest_size, signature, &size, random_bytes(),
                               &key->of.ecc) == 0);
    else
        size = sign_rsa(&key->of.rsa, &of, digest, digest_size, signature, size);
    if (flags & CHAIN_BAD_SIGNATURE)
        signature[size - 1] ^= 1;
    size_t bits = chain_begin(out, 0x03);
    chain_put_byte(out, 0);
    chain_put(out, signature, size);
    chain_end(out, bits);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* One attribute, up to the next ',' or '+'. Returns what is behind it. */
const char *chain_put_attribute(chain_writer *out, const char *text, unsigned tag)
{
    static const struct {
        const char *name, *type;
    } known[] = {{"CN=", "2.5.4.3"},
                 {"O=", "2.5.4.10"},
                 {"OU=", "2.5.4.11"},
                 {"C=", "2.5.4.6"},
                 {"E=", "1.2.840.113549.1.9.1"}};
    const char *type = "2.5.4.3", *value = text;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(text, known[i].name, strlen(known[i].name)) == 0) {
            type = known[i].type;
            value = text + strlen(known[i].name);
        }
    }
    size_t size = strcspn(value, ",+");
    size_t attribute = chain_begin(out, 0x30);
    chain_put_type(out, type);
    chain_put_element(out, tag, value, size);
    chain_end(out, attribute);
    return value + size;
}

void chain_put_name(chain_writer *out, const char *text, unsigned tag)
{
    size_t name = chain_begin(out, 0x30);
    while (text != NULL && *text != '\0') {
        size_t relative = chain_begin(out, 0x31);
        text = chain_put_attribute(out, text, tag);
        while (*text == '+')
            text = chain_put_attribute(out, text + 1, tag);
        chain_end(out, relative);
        text += *text == ',';
    }
    chain_end(out, name);
}

/* "10.0.0.1", and with a prefix length in constraints. */
static void put_address(chain_writer *out, const char *text)
{
    rp_address address;
    size_t size = strcspn(text, "/");
    CHECK(rp__address_parse(&address, text, size));
    unsigned bytes = address.family == 4 ? 4 : 16;
    size_t name = chain_begin(out, 0x87);
    chain_put(out, address.bytes, bytes);
    if (text[size] == '/') {
        unsigned prefix = (unsigned)strtoul(text + size + 1, NULL, 10);
        for (unsigned i = 0; i < bytes; i++) {
            unsigned ones = prefix > 8 * i ? prefix - 8 * i : 0;
            chain_put_byte(out, ones >= 8 ? 0xff : 0xff00u >> ones);
        }
    }
    chain_end(out, name);
}

static bool begins_with(const char *text, const char *prefix, const char **rest)
{
    size_t size = strlen(prefix);
    *rest = text + size;
    return strncmp(text, prefix, size) == 0;
}

static void put_general_name(chain_writer *out, const char *text)
{
    const char *rest;
    if (begins_with(text, "ip:", &rest)) {
        put_address(out, rest);
    } else if (begins_with(text, "email:", &rest)) {
        put_text(out, 0x81, rest);
    } else if (begins_with(text, "uri:", &rest)) {
        put_text(out, 0x86, rest);
    } else if (begins_with(text, "rid:", &rest)) {
        put_text(out, 0x88, rest);
    } else if (begins_with(text, "dir:", &rest)) {
        size_t name = chain_begin(out, 0xA4);
        chain_put_name(out, rest, 0x0C);
        chain_end(out, name);
    } else if (begins_with(text, "other:", &rest)) {
        size_t name = chain_begin(out, 0xA0);
        chain_put_type(out, "1.2.3.4");
        size_t value = chain_begin(out, 0xA0);
        put_text(out, 0x0C, rest);
        chain_end(out, value);
        chain_end(out, name);
    } else {
        put_text(out, 0x82, begins_with(text, "dns:", &rest) ? rest : text);
    }
}

/* The names of a list, each in an element of its own if tag says which (a GeneralSubtree). */
static void put_names(chain_writer *out, const char *list, unsigned tag)
{
    char one[1024];
    for (;;) {
        size_t size = strcspn(list, ";");
        CHECK(size < sizeof(one));
        memcpy(one, list, size);
        one[size] = '\0';
        size_t element = tag != 0 ? chain_begin(out, tag) : 0;
        put_general_name(out, one);
        if (tag != 0)
            chain_end(out, element);
        if (list[size] == '\0')
            return;
        list += size + 1;
    }
}

/* ---- Extensions ------------------------------------------------------------------------------ */

chain_mark chain_begin_extension(chain_writer *out, const char *type, bool critical)
{
    static const uint8_t yes = 0xff;
    chain_mark begun = {.all = chain_begin(out, 0x30)};
    chain_put_type(out, type);
    if (critical)
        chain_put_element(out, 0x01, &yes, 1);
    begun.content = chain_begin(out, 0x04);
    return begun;
}

void chain_end_extension(chain_writer *out, chain_mark begun)
{
    chain_end(out, begun.content);
    chain_end(out, begun.all);
}

static void put_basic_constraints(chain_writer *out, const chain_spec *spec)
{
    static const uint8_t yes = 0xff;
    chain_mark begun = chain_begin_extension(out, "2.5.29.19", true);
    size_t fields = chain_begin(out, 0x30);
    if (spec->flags & CHAIN_CA)
        chain_put_element(out, 0x01, &yes, 1);
    if (spec->path_length > 0) {
        uint8_t length = (uint8_t)(spec->path_length - 1);
        chain_put_element(out, 0x02, &length, 1);
    }
    chain_end(out, fields);
    chain_end_extension(out, begun);
}

static void put_key_usage(chain_writer *out, const chain_spec *spec)
{
    unsigned usage = spec->usage;
    if (usage == 0)
        usage = spec->flags & CHAIN_CA ? RP_USAGE_KEY_CERT_SIGN | RP_USAGE_CRL_SIGN
                                       : RP_USAGE_DIGITAL_SIGNATURE;
    unsigned unused = 0;
    while (!(usage >> unused & 1))
        unused++;
    uint8_t bits[] = {(uint8_t)unused, (uint8_t)usage};
    chain_mark begun = chain_begin_extension(out, "2.5.29.15", true);
    chain_put_element(out, 0x03, bits, sizeof(bits));
    chain_end_extension(out, begun);
}

static void put_purposes(chain_writer *out, const char *purposes)
{
    chain_mark begun = chain_begin_extension(out, "2.5.29.37", false);
    size_t list = chain_begin(out, 0x30);
    if (strstr(purposes, "server") != NULL)
        chain_put_type(out, "1.3.6.1.5.5.7.3.1");
    if (strstr(purposes, "client") != NULL)
        chain_put_type(out, "1.3.6.1.5.5.7.3.2");
    if (strstr(purposes, "ocsp") != NULL)
        chain_put_type(out, "1.3.6.1.5.5.7.3.9");
    if (strstr(purposes, "any") != NULL)
        chain_put_type(out, "2.5.29.37.0");
    chain_end(out, list);
    chain_end_extension(out, begun);
}

static void put_constraints(chain_writer *out, const chain_spec *spec)
{
    chain_mark begun = chain_begin_extension(out, "2.5.29.30", true);
    size_t lists = chain_begin(out, 0x30);
    const char *texts[] = {spec->permitted, spec->excluded};
    for (unsigned i = 0; i < 2; i++) {
        if (texts[i] == NULL)
            continue;
        size_t list = chain_begin(out, 0xA0 | i);
        put_names(out, texts[i], 0x30);
        chain_end(out, list);
    }
    chain_end(out, lists);
    chain_end_extension(out, begun);
}

void chain_put_point_name(chain_writer *out, const char *names)
{
    size_t point = chain_begin(out, 0xA0), full = chain_begin(out, 0xA0);
    put_names(out, names, 0);
    chain_end(out, full);
    chain_end(out, point);
}

/* A point for each name of the list. */
static void put_points(chain_writer *out, const char *list)
{
    char one[256];
    chain_mark begun = chain_begin_extension(out, "2.5.29.31", false);
    size_t points = chain_begin(out, 0x30);
    for (size_t size; *list != '\0'; list += size + (list[size] == ';')) {
        size = strcspn(list, ";");
        CHECK(size < sizeof(one));
        memcpy(one, list, size);
        one[size] = '\0';
        size_t point = chain_begin(out, 0x30);
        chain_put_point_name(out, one);
        chain_end(out, point);
    }
    chain_end(out, points);
    chain_end_extension(out, begun);
}

void chain_put_extension(chain_writer *out, const chain_extension *added)
{
    if (added->type == NULL)
        return;
    chain_mark begun = chain_begin_extension(out, added->type, added->critical);
    chain_put_hex(out, added->hex);
    chain_end_extension(out, begun);
}

static void key_id(uint8_t id[32], chain_key *key)
{
    chain_writer info = {0};
    put_public_key(&info, key, NULL);
    CHECK(wc_Hash(WC_HASH_TYPE_SHA256, info.bytes, (word32)info.size, id, 32) == 0);
    free(info.bytes);
}

static void put_key_ids(chain_writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    uint8_t id[32];
    const chain_spec *spec = &specs[index];
    chain_mark begun = chain_begin_extension(out, "2.5.29.14", false);
    key_id(id, chain_key_of(specs, index));
    chain_put_element(out, 0x04, id, 20);
    chain_end_extension(out, begun);
    if (issuer == index)
        return;
    begun = chain_begin_extension(out, "2.5.29.35", false);
    size_t fields = chain_begin(out, 0x30);
    key_id(id, chain_key_of(specs, issuer));
    if (spec->flags & CHAIN_WRONG_AUTHORITY_KEY_ID)
        id[0] ^= 1;
    if (spec->flags & CHAIN_ISSUER_AND_SERIAL) {
        size_t names = chain_begin(out, 0xA1), name = chain_begin(out, 0xA4);
        chain_put_name(out, specs[issuer].subject, 0x0C);
        chain_end(out, name);
        chain_end(out, names);
        chain_put_element(out, 0x82, "\1", 1);
    } else {
        chain_put_element(out, 0x80, id, 20);
    }
    chain_end(out, fields);
    chain_end_extension(out, begun);
}

static void put_extensions(chain_writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    const chain_spec *spec = &specs[index];
    size_t field = chain_begin(out, 0xA3), list = chain_begin(out, 0x30);
    if (!(spec->flags & CHAIN_NO_BASIC_CONSTRAINTS))
        put_basic_constraints(out, spec);
    if (!(spec->flags & CHAIN_NO_KEY_USAGE))
        put_key_usage(out, spec);
    if (spec->purposes != NULL)
        put_purposes(out, spec->purposes);
    if (spec->names != NULL) {
        chain_mark begun =
            chain_begin_extension(out, "2.5.29.17", spec->flags & CHAIN_CRITICAL_NAMES);
        size_t names = chain_begin(out, 0x30);
        put_names(out, spec->names, 0);
        chain_end(out, names);
        chain_end_extension(out, begun);
    }
    if (spec->permitted != NULL || spec->excluded != NULL)
        put_constraints(out, spec);
    if (spec->points != NULL)
        put_points(out, spec->points);
    if (!(spec->flags & CHAIN_NO_KEY_IDS))
        put_key_ids(out, specs, index, issuer);
    for (size_t i = 0; i < 2; i++)
        chain_put_extension(out, &spec->extensions[i]);
    if (spec->more_extensions != NULL)
        chain_put_hex(out, spec->more_extensions);
    chain_end(out, list);
    chain_end(out, field);
}

/* ---- Certificates ---------------------------------------------------------------------------- */

void chain_put_time(chain_writer *out, int64_t seconds, bool generalized)
{
    char text[32];
    /* Windows knows nothing before 1970; 400 years later the calendar is the same. */
    bool early = seconds < 0;
    time_t moment = (time_t)(early ? seconds + 146097 * CHAINS_DAY : seconds);
    struct tm utc = *gmtime(&moment);
    utc.tm_year -= early ? 400 : 0;
    generalized = generalized || utc.tm_year >= 150; /* RFC 5280, 4.1.2.5 */
    if (generalized)
        CHECK(strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &utc) > 0);
    else
        CHECK(strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &utc) > 0);
    put_text(out, generalized ? 0x18 : 0x17, text);
}

static void put_validity(chain_writer *out, const chain_spec *spec)
{
    bool generalized = spec->flags & CHAIN_GENERALIZED_TIME;
    size_t validity = chain_begin(out, 0x30);
    chain_put_time(out, spec->not_before != 0 ? spec->not_before : CHAINS_NOW - CHAINS_DAY,
                   generalized);
    chain_put_time(out, spec->not_after != 0 ? spec->not_after : CHAINS_NOW + 90 * CHAINS_DAY,
                   generalized);
    chain_end(out, validity);
}

void chain_put_serial(chain_writer *out, const char *hex, size_t index)
{
    size_t serial = chain_begin(out, 0x02);
    if (hex != NULL)
        chain_put_hex(out, hex);
    else
        chain_put_byte(out, (unsigned)index + 1);
    chain_end(out, serial);
}

static void put_signed_part(chain_writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    const chain_spec *spec = &specs[index];
    unsigned version = spec->version == 0 ? 3 : spec->version;
    bool two = spec->flags & CHAIN_TWO_ALGORITHMS;
    size_t all = chain_begin(out, 0x30);
    if (version > 1) {
        uint8_t number = (uint8_t)(version - 1);
        size_t field = chain_begin(out, 0xA0);
        chain_put_element(out, 0x02, &number, 1);
        chain_end(out, field);
    }
    chain_put_serial(out, spec->serial, index);
    chain_put_algorithm(out, two ? CHAIN_SHA512 : spec->signature, specs[issuer].key);
    chain_put_name(out, spec->issuer_name != NULL ? spec->issuer_name : specs[issuer].subject,
                   spec->flags & CHAIN_PRINTABLE ? 0x13 : 0x0C);
    put_validity(out, spec);
    chain_put_name(out, spec->subject, 0x0C);
    put_public_key(out, chain_key_of(specs, index), spec->forged_key);
    if (spec->unique_ids != NULL)
        chain_put_hex(out, spec->unique_ids);
    if (version == 3 && !(spec->flags & CHAIN_NO_EXTENSIONS))
        put_extensions(out, specs, index, issuer);
    chain_end(out, all);
}

/* The algorithm and the signature of everything that stands behind all. */
void chain_sign(chain_writer *out, size_t all, chain_signature signature, chain_key *key,
                unsigned flags)
{
    uint8_t *copy = malloc(out->size - all);
    CHECK(copy != NULL);
    memcpy(copy, out->bytes + all, out->size - all);
    rp_slice message = {copy, out->size - all};
    chain_put_algorithm(out, signature, key->kind);
    put_signature(out, message, key, signature, flags);
    free(copy);
}

rp_slice chain_certificate(const chain_spec *specs, size_t index)
{
    size_t issuer = specs[index].issuer < 0 ? index : (size_t)specs[index].issuer;
    chain_writer out = {0};
    size_t all = chain_begin(&out, 0x30);
    put_signed_part(&out, specs, index, issuer);
    chain_sign(&out, all, specs[index].signature, chain_key_of(specs, issuer), specs[index].flags);
    chain_end(&out, all);
    return (rp_slice){out.bytes, out.size};
}

void chain_make(rp_slice *certificates, const chain_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        certificates[i] = chain_certificate(specs, i);
}

void chain_free(rp_slice *certificates, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)certificates[i].data);
}

bool chain_write_pem(FILE *file, const char *label, rp_slice der)
{
    word32 size = (word32)(der.size * 2 + 100);
    uint8_t *text = malloc(size);
    CHECK(text != NULL);
    CHECK(Base64_Encode(der.data, (word32)der.size, text, &size) == 0); /* in lines */
    bool written = fprintf(file, "-----BEGIN %s-----\n%.*s-----END %s-----\n", label, (int)size,
                           (const char *)text, label) > 0;
    free(text);
    return written;
}
