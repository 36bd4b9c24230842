/* chains.c - a writer of certificates. */
#include "support/chains.h"

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

typedef struct writer {
    uint8_t *bytes;
    size_t size, capacity;
} writer;

static void put(writer *out, const void *bytes, size_t size)
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

static void put_byte(writer *out, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    put(out, &one, 1);
}

/* Everything until end() is the content of an element of this tag. */
static size_t begin(writer *out, unsigned tag)
{
    put_byte(out, tag);
    return out->size;
}

static void end(writer *out, size_t begun)
{
    size_t size = out->size - begun, used = 0;
    uint8_t header[5];
    if (size < 0x80) {
        header[used++] = (uint8_t)size;
    } else {
        size_t digits = size > 0xffff ? 3 : size > 0xff ? 2 : 1;
        header[used++] = (uint8_t)(0x80 | digits);
        while (digits-- > 0)
            header[used++] = (uint8_t)(size >> (8 * digits));
    }
    put(out, header, used); /* for the room */
    memmove(out->bytes + begun + used, out->bytes + begun, size);
    memcpy(out->bytes + begun, header, used);
}

static void put_element(writer *out, unsigned tag, const void *bytes, size_t size)
{
    size_t element = begin(out, tag);
    put(out, bytes, size);
    end(out, element);
}

static void put_text(writer *out, unsigned tag, const char *text)
{
    put_element(out, tag, text, strlen(text));
}

static void put_hex(writer *out, const char *hex)
{
    unsigned byte;
    for (; *hex != '\0'; hex += 2) {
        CHECK(sscanf(hex, "%2x", &byte) == 1);
        put_byte(out, byte);
    }
}

static void put_type(writer *out, const char *dotted)
{
    char *at;
    size_t element = begin(out, 0x06);
    unsigned long first = strtoul(dotted, &at, 10);
    put_byte(out, (unsigned)(first * 40 + strtoul(at + 1, &at, 10)));
    while (*at == '.') {
        unsigned long part = strtoul(at + 1, &at, 10);
        int shift = 28;
        while (shift > 0 && part >> shift == 0)
            shift -= 7;
        for (; shift >= 0; shift -= 7)
            put_byte(out, (unsigned)(part >> shift & 0x7f) | (shift > 0 ? 0x80u : 0));
    }
    end(out, element);
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

typedef struct chain_key {
    chain_key_kind kind;
    unsigned number;
    union {
        ecc_key ecc;
        ed25519_key ed25519;
        RsaKey rsa;
    } of;
} chain_key;

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

static void decode_rsa(RsaKey *key, const char *text)
{
    uint8_t der[2048];
    word32 size = sizeof(der), at = 0;
    CHECK(Base64_Decode((const byte *)text, (word32)strlen(text), der, &size) == 0);
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
static chain_key *key_of(const chain_spec *specs, size_t index)
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

static void put_rsa(writer *out, chain_key *key)
{
    uint8_t n[512], e[8];
    word32 n_size = sizeof(n), e_size = sizeof(e);
    CHECK(wc_RsaFlattenPublicKey(&key->of.rsa, e, &e_size, n, &n_size) == 0);
    size_t pair = begin(out, 0x30), number = begin(out, 0x02);
    put_byte(out, 0); /* the modulus' first bit is set */
    put(out, n, n_size);
    end(out, number);
    put_element(out, 0x02, e, e_size);
    end(out, pair);
}

static void put_point(writer *out, chain_key *key)
{
    uint8_t point[256] = {0};
    word32 size = sizeof(point);
    if (key->kind == CHAIN_ED25519)
        CHECK(wc_ed25519_export_public(&key->of.ed25519, point, &size) == 0);
    else if (key->kind == CHAIN_ED448)
        size = 57;
    else
        CHECK(wc_ecc_export_x963(&key->of.ecc, point, &size) == 0);
    put(out, point, size);
}

static void put_public_key(writer *out, chain_key *key)
{
    static const char *const types[] = {
        "1.2.840.10045.2.1",    "1.2.840.10045.2.1",     "1.2.840.10045.2.1",    "1.3.101.112",
        "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.1", "1.3.101.113"};
    static const char *const curves[] = {"1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"};
    size_t info = begin(out, 0x30), algorithm = begin(out, 0x30);
    put_type(out, types[key->kind]);
    if (key->kind <= CHAIN_P521)
        put_type(out, curves[key->kind]);
    if (key->kind == CHAIN_RSA || key->kind == CHAIN_RSA_1024)
        put_element(out, 0x05, NULL, 0);
    end(out, algorithm);
    size_t bits = begin(out, 0x03);
    put_byte(out, 0);
    if (key->kind == CHAIN_RSA || key->kind == CHAIN_RSA_PSS || key->kind == CHAIN_RSA_1024)
        put_rsa(out, key);
    else
        put_point(out, key);
    end(out, bits);
    end(out, info);
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

static void put_hash(writer *out, enum wc_HashType hash)
{
    size_t identifier = begin(out, 0x30);
    put_type(out, hash == WC_HASH_TYPE_SHA256   ? "2.16.840.1.101.3.4.2.1"
                  : hash == WC_HASH_TYPE_SHA384 ? "2.16.840.1.101.3.4.2.2"
                                                : "2.16.840.1.101.3.4.2.3");
    put_element(out, 0x05, NULL, 0);
    end(out, identifier);
}

static void put_pss_parameters(writer *out, const scheme *of)
{
    uint8_t salt = (uint8_t)of->salt;
    size_t parameters = begin(out, 0x30), field = begin(out, 0xA0);
    put_hash(out, of->hash);
    end(out, field);
    field = begin(out, 0xA1);
    size_t mask = begin(out, 0x30);
    put_type(out, "1.2.840.113549.1.1.8");
    put_hash(out, of->hash);
    end(out, mask);
    end(out, field);
    field = begin(out, 0xA2);
    put_element(out, 0x02, &salt, 1);
    end(out, field);
    end(out, parameters);
}

static void put_algorithm(writer *out, chain_signature signature, chain_key_kind kind)
{
    scheme of = scheme_of(signature, kind);
    size_t identifier = begin(out, 0x30);
    if (kind == CHAIN_ED25519 || kind == CHAIN_ED448) {
        put_type(out, kind == CHAIN_ED25519 ? "1.3.101.112" : "1.3.101.113");
    } else if (kind <= CHAIN_P521) {
        put_type(out, of.ecdsa);
    } else if (of.pss) {
        put_type(out, "1.2.840.113549.1.1.10");
        put_pss_parameters(out, &of);
    } else {
        put_type(out, of.rsa);
        put_element(out, 0x05, NULL, 0);
    }
    end(out, identifier);
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

static void put_signature(writer *out, rp_slice message, chain_key *key, const chain_spec *spec)
{
    uint8_t digest[64] = {0}, signature[512] = {0};
    word32 size = sizeof(signature);
    scheme of = scheme_of(spec->signature, key->kind);
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
    if (spec->flags & CHAIN_BAD_SIGNATURE)
        signature[size - 1] ^= 1;
    size_t bits = begin(out, 0x03);
    put_byte(out, 0);
    put(out, signature, size);
    end(out, bits);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* One attribute, up to the next ',' or '+'. Returns what is behind it. */
static const char *put_attribute(writer *out, const char *text, unsigned tag)
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
    size_t attribute = begin(out, 0x30);
    put_type(out, type);
    put_element(out, tag, value, size);
    end(out, attribute);
    return value + size;
}

static void put_name(writer *out, const char *text, unsigned tag)
{
    size_t name = begin(out, 0x30);
    while (text != NULL && *text != '\0') {
        size_t relative = begin(out, 0x31);
        text = put_attribute(out, text, tag);
        while (*text == '+')
            text = put_attribute(out, text + 1, tag);
        end(out, relative);
        text += *text == ',';
    }
    end(out, name);
}

/* "10.0.0.1", and with a prefix length in constraints. */
static void put_address(writer *out, const char *text)
{
    rp_address address;
    size_t size = strcspn(text, "/");
    CHECK(rp_address_parse(&address, text, size));
    unsigned bytes = address.family == 4 ? 4 : 16;
    size_t name = begin(out, 0x87);
    put(out, address.bytes, bytes);
    if (text[size] == '/') {
        unsigned prefix = (unsigned)strtoul(text + size + 1, NULL, 10);
        for (unsigned i = 0; i < bytes; i++) {
            unsigned ones = prefix > 8 * i ? prefix - 8 * i : 0;
            put_byte(out, ones >= 8 ? 0xff : 0xff00u >> ones);
        }
    }
    end(out, name);
}

static bool begins_with(const char *text, const char *prefix, const char **rest)
{
    size_t size = strlen(prefix);
    *rest = text + size;
    return strncmp(text, prefix, size) == 0;
}

static void put_general_name(writer *out, const char *text)
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
        size_t name = begin(out, 0xA4);
        put_name(out, rest, 0x0C);
        end(out, name);
    } else if (begins_with(text, "other:", &rest)) {
        size_t name = begin(out, 0xA0);
        put_type(out, "1.2.3.4");
        size_t value = begin(out, 0xA0);
        put_text(out, 0x0C, rest);
        end(out, value);
        end(out, name);
    } else {
        put_text(out, 0x82, begins_with(text, "dns:", &rest) ? rest : text);
    }
}

/* The names of a list, each in an element of its own if tag says which (a GeneralSubtree). */
static void put_names(writer *out, const char *list, unsigned tag)
{
    char one[1024];
    for (;;) {
        size_t size = strcspn(list, ";");
        CHECK(size < sizeof(one));
        memcpy(one, list, size);
        one[size] = '\0';
        size_t element = tag != 0 ? begin(out, tag) : 0;
        put_general_name(out, one);
        if (tag != 0)
            end(out, element);
        if (list[size] == '\0')
            return;
        list += size + 1;
    }
}

/* ---- Extensions ------------------------------------------------------------------------------ */

/* Where the extension ends, and its content. */
typedef struct extension {
    size_t all, content;
} extension;

static extension begin_extension(writer *out, const char *type, bool critical)
{
    static const uint8_t yes = 0xff;
    extension begun = {.all = begin(out, 0x30)};
    put_type(out, type);
    if (critical)
        put_element(out, 0x01, &yes, 1);
    begun.content = begin(out, 0x04);
    return begun;
}

static void end_extension(writer *out, extension begun)
{
    end(out, begun.content);
    end(out, begun.all);
}

static void put_basic_constraints(writer *out, const chain_spec *spec)
{
    static const uint8_t yes = 0xff;
    extension begun = begin_extension(out, "2.5.29.19", true);
    size_t fields = begin(out, 0x30);
    if (spec->flags & CHAIN_CA)
        put_element(out, 0x01, &yes, 1);
    if (spec->path_length > 0) {
        uint8_t length = (uint8_t)(spec->path_length - 1);
        put_element(out, 0x02, &length, 1);
    }
    end(out, fields);
    end_extension(out, begun);
}

static void put_key_usage(writer *out, const chain_spec *spec)
{
    unsigned usage = spec->usage;
    if (usage == 0)
        usage = spec->flags & CHAIN_CA ? RP_USAGE_KEY_CERT_SIGN | RP_USAGE_CRL_SIGN
                                       : RP_USAGE_DIGITAL_SIGNATURE;
    unsigned unused = 0;
    while (!(usage >> unused & 1))
        unused++;
    uint8_t bits[] = {(uint8_t)unused, (uint8_t)usage};
    extension begun = begin_extension(out, "2.5.29.15", true);
    put_element(out, 0x03, bits, sizeof(bits));
    end_extension(out, begun);
}

static void put_purposes(writer *out, const char *purposes)
{
    extension begun = begin_extension(out, "2.5.29.37", false);
    size_t list = begin(out, 0x30);
    if (strstr(purposes, "server") != NULL)
        put_type(out, "1.3.6.1.5.5.7.3.1");
    if (strstr(purposes, "client") != NULL)
        put_type(out, "1.3.6.1.5.5.7.3.2");
    if (strstr(purposes, "any") != NULL)
        put_type(out, "2.5.29.37.0");
    end(out, list);
    end_extension(out, begun);
}

static void put_constraints(writer *out, const chain_spec *spec)
{
    extension begun = begin_extension(out, "2.5.29.30", true);
    size_t lists = begin(out, 0x30);
    const char *texts[] = {spec->permitted, spec->excluded};
    for (unsigned i = 0; i < 2; i++) {
        if (texts[i] == NULL)
            continue;
        size_t list = begin(out, 0xA0 | i);
        put_names(out, texts[i], 0x30);
        end(out, list);
    }
    end(out, lists);
    end_extension(out, begun);
}

static void key_id(uint8_t id[32], chain_key *key)
{
    writer info = {0};
    put_public_key(&info, key);
    CHECK(wc_Hash(WC_HASH_TYPE_SHA256, info.bytes, (word32)info.size, id, 32) == 0);
    free(info.bytes);
}

static void put_key_ids(writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    uint8_t id[32];
    const chain_spec *spec = &specs[index];
    extension begun = begin_extension(out, "2.5.29.14", false);
    key_id(id, key_of(specs, index));
    put_element(out, 0x04, id, 20);
    end_extension(out, begun);
    if (issuer == index)
        return;
    begun = begin_extension(out, "2.5.29.35", false);
    size_t fields = begin(out, 0x30);
    key_id(id, key_of(specs, issuer));
    if (spec->flags & CHAIN_WRONG_AUTHORITY_KEY_ID)
        id[0] ^= 1;
    if (spec->flags & CHAIN_ISSUER_AND_SERIAL) {
        size_t names = begin(out, 0xA1), name = begin(out, 0xA4);
        put_name(out, specs[issuer].subject, 0x0C);
        end(out, name);
        end(out, names);
        put_element(out, 0x82, "\1", 1);
    } else {
        put_element(out, 0x80, id, 20);
    }
    end(out, fields);
    end_extension(out, begun);
}

static void put_extensions(writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    const chain_spec *spec = &specs[index];
    size_t field = begin(out, 0xA3), list = begin(out, 0x30);
    if (!(spec->flags & CHAIN_NO_BASIC_CONSTRAINTS))
        put_basic_constraints(out, spec);
    if (!(spec->flags & CHAIN_NO_KEY_USAGE))
        put_key_usage(out, spec);
    if (spec->purposes != NULL)
        put_purposes(out, spec->purposes);
    if (spec->names != NULL) {
        extension begun = begin_extension(out, "2.5.29.17", spec->flags & CHAIN_CRITICAL_NAMES);
        size_t names = begin(out, 0x30);
        put_names(out, spec->names, 0);
        end(out, names);
        end_extension(out, begun);
    }
    if (spec->permitted != NULL || spec->excluded != NULL)
        put_constraints(out, spec);
    if (!(spec->flags & CHAIN_NO_KEY_IDS))
        put_key_ids(out, specs, index, issuer);
    for (size_t i = 0; i < 2 && spec->extensions[i].type != NULL; i++) {
        extension begun =
            begin_extension(out, spec->extensions[i].type, spec->extensions[i].critical);
        put_hex(out, spec->extensions[i].hex);
        end_extension(out, begun);
    }
    if (spec->more_extensions != NULL)
        put_hex(out, spec->more_extensions);
    end(out, list);
    end(out, field);
}

/* ---- Certificates ---------------------------------------------------------------------------- */

static void put_time(writer *out, int64_t seconds, bool generalized)
{
    char text[32];
    time_t moment = (time_t)seconds;
    const struct tm *utc = gmtime(&moment);
    generalized = generalized || utc->tm_year >= 150; /* RFC 5280, 4.1.2.5 */
    if (generalized)
        CHECK(strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", utc) > 0);
    else
        CHECK(strftime(text, sizeof(text), "%y%m%d%H%M%SZ", utc) > 0);
    put_text(out, generalized ? 0x18 : 0x17, text);
}

static void put_validity(writer *out, const chain_spec *spec)
{
    bool generalized = spec->flags & CHAIN_GENERALIZED_TIME;
    size_t validity = begin(out, 0x30);
    put_time(out, spec->not_before != 0 ? spec->not_before : CHAINS_NOW - CHAINS_DAY, generalized);
    put_time(out, spec->not_after != 0 ? spec->not_after : CHAINS_NOW + 90 * CHAINS_DAY,
             generalized);
    end(out, validity);
}

static void put_signed_part(writer *out, const chain_spec *specs, size_t index, size_t issuer)
{
    const chain_spec *spec = &specs[index];
    unsigned version = spec->version == 0 ? 3 : spec->version;
    bool two = spec->flags & CHAIN_TWO_ALGORITHMS;
    size_t all = begin(out, 0x30);
    if (version > 1) {
        uint8_t number = (uint8_t)(version - 1);
        size_t field = begin(out, 0xA0);
        put_element(out, 0x02, &number, 1);
        end(out, field);
    }
    size_t serial = begin(out, 0x02);
    if (spec->serial != NULL)
        put_hex(out, spec->serial);
    else
        put_byte(out, (unsigned)index + 1);
    end(out, serial);
    put_algorithm(out, two ? CHAIN_SHA512 : spec->signature, specs[issuer].key);
    put_name(out, spec->issuer_name != NULL ? spec->issuer_name : specs[issuer].subject,
             spec->flags & CHAIN_PRINTABLE ? 0x13 : 0x0C);
    put_validity(out, spec);
    put_name(out, spec->subject, 0x0C);
    put_public_key(out, key_of(specs, index));
    if (spec->unique_ids != NULL)
        put_hex(out, spec->unique_ids);
    if (version == 3 && !(spec->flags & CHAIN_NO_EXTENSIONS))
        put_extensions(out, specs, index, issuer);
    end(out, all);
}

rp_slice chain_certificate(const chain_spec *specs, size_t index)
{
    size_t issuer = specs[index].issuer < 0 ? index : (size_t)specs[index].issuer;
    writer out = {0};
    size_t all = begin(&out, 0x30);
    put_signed_part(&out, specs, index, issuer);
    uint8_t *copy = malloc(out.size - all);
    CHECK(copy != NULL);
    memcpy(copy, out.bytes + all, out.size - all);
    rp_slice message = {copy, out.size - all};
    put_algorithm(&out, specs[index].signature, specs[issuer].key);
    put_signature(&out, message, key_of(specs, issuer), &specs[index]);
    free(copy);
    end(&out, all);
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
