/* pkcs12.c - reading PKCS #12: from the outside in, the MAC, contents, bags; then the chain is put
 * in order. */
#include "tls/pkcs12.h"

#include "base/utf8.h"
#include "tls/pkcs5.h"
#include "tls/wolfssl.h"
#include "x509/certificate.h"
#include "x509/der.h"

#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>

#include <limits.h>
#include <string.h>

#define OID_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_ENCRYPTED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"
#define OID_KEY_BAG "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01"
#define OID_LOCKED_KEY_BAG "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"
#define OID_CERTIFICATE_BAG "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03"
#define OID_X509 "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"
#define OID_LOCAL_KEY_ID "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"

#define MAC_ID 3 /* RFC 7292, B.3 */
#define PASSWORD_LIMIT 1024

static const char malformed[] = "it is a malformed PKCS #12 file";

typedef struct pkcs12_reader {
    rp_pkcs12 *found;
    rp_slice password;
    const char *reason; /* NULL: nothing is wrong yet, or there was no memory */
    bool no_memory;
    rp_slice key_id; /* the key's localKeyId */
    size_t count;
    rp_slice ids[RP_PKCS12_CERTIFICATES_LIMIT]; /* the certificates' */
    rp_certificate certificates[RP_PKCS12_CERTIFICATES_LIMIT];
} pkcs12_reader;

static bool refuse(pkcs12_reader *reader, const char *reason)
{
    reader->reason = reason;
    return false;
}

/* ---- the MAC ---- */

static size_t put_unit(uint8_t *out, int32_t unit)
{
    out[0] = (uint8_t)(unit >> 8);
    out[1] = (uint8_t)unit;
    return 2;
}

/* UTF-16, high byte first, with a final zero (RFC 7292, B.1). What is no UTF-8 is taken byte by
 * byte, as OpenSSL does. Returns its size; out: 2 * (text.size + 1). */
static size_t make_unicode(uint8_t *out, rp_slice text)
{
    size_t used = 0;
    for (rp_slice rest = text; rest.size > 0;) {
        int32_t character = rp__utf8_next(&rest);
        if (character < 0) {
            used = 0;
            for (size_t i = 0; i < text.size; i++)
                used += put_unit(out + used, text.data[i]);
            break;
        }
        if (character >= 0x10000) {
            used += put_unit(out + used, 0xD800 | ((character - 0x10000) >> 10));
            character = 0xDC00 | ((character - 0x10000) & 0x3FF);
        }
        used += put_unit(out + used, character);
    }
    return used + put_unit(out + used, 0);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

static bool mac_is(int hash, rp_slice key, rp_slice message, rp_slice expected)
{
    Hmac hmac;
    uint8_t made[WC_MAX_DIGEST_SIZE];
    if (wc_HmacInit(&hmac, NULL, INVALID_DEVID) != 0)
        return false;
    bool good = wc_HmacSetKey(&hmac, hash, key.data, (word32)key.size) == 0 &&
                wc_HmacUpdate(&hmac, message.data, (word32)message.size) == 0 &&
                wc_HmacFinal(&hmac, made) == 0 && same(made, expected.data, expected.size);
    wc_HmacFree(&hmac);
    return good;
}

/* MacData (RFC 7292, 4). */
static bool check_mac(pkcs12_reader *reader, rp_slice in, rp_slice message)
{
    rp_slice info, algorithm, type, null = {NULL, 0}, expected, salt;
    uint32_t iterations = 1;
    uint8_t password[2 * (PASSWORD_LIMIT + 1)], key[WC_MAX_DIGEST_SIZE];
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &info) ||
        !rp__der_get(&info, RP_DER_SEQUENCE, &algorithm) ||
        !rp__der_get(&algorithm, RP_DER_OID, &type) ||
        (algorithm.size > 0 && !rp__der_get(&algorithm, RP_DER_NULL, &null)) ||
        algorithm.size != 0 || null.size != 0 ||
        !rp__der_get(&info, RP_DER_OCTET_STRING, &expected) || info.size != 0 ||
        !rp__der_get(&in, RP_DER_OCTET_STRING, &salt) ||
        (in.size > 0 && !rp__der_small(&in, &iterations)) || in.size != 0)
        return refuse(reader, malformed);
    int hash = rp__hash_of(type);
    int size = hash == 0 ? 0 : wc_HmacSizeByType(hash);
    if (size <= 0)
        return refuse(reader, "its MAC is of a kind that is not supported");
    if (iterations == 0 || iterations > RP_ITERATIONS_LIMIT)
        return refuse(reader, "the key of its MAC takes more than 10,000,000 iterations to derive");
    if (expected.size != (size_t)size || salt.size == 0 || salt.size > INT_MAX ||
        message.size > INT_MAX)
        return refuse(reader, malformed);
    size_t password_size = make_unicode(password, reader->password);
    bool good = wc_PKCS12_PBKDF(key, password, (int)password_size, salt.data, (int)salt.size,
                                (int)iterations, size, hash, MAC_ID) == 0 &&
                mac_is(hash, (rp_slice){key, (size_t)size}, message, expected);
    rp__wipe(password, sizeof(password));
    rp__wipe(key, sizeof(key));
    return good || refuse(reader, "the passphrase is wrong, or the file was changed");
}

/* ---- contents ---- */

/* Room for what is decrypted; freed with the rest. */
static uint8_t *opened_place(pkcs12_reader *reader, size_t size, size_t **used)
{
    rp_pkcs12 *found = reader->found;
    if (found->opened_count == RP_PKCS12_OPENED_LIMIT) {
        refuse(reader, "it has too many encrypted parts");
        return NULL;
    }
    uint8_t *bytes = rp__allocate(found->memory, size + 1);
    if (bytes == NULL) {
        reader->no_memory = true;
        return NULL;
    }
    found->opened[found->opened_count].bytes = bytes;
    *used = &found->opened[found->opened_count].size;
    found->opened_count++;
    return bytes;
}

/* EncryptedData (RFC 2315, 13), in its explicit tag. */
static bool open_content(pkcs12_reader *reader, rp_slice in, rp_slice *content)
{
    rp_slice data, info, type, algorithm, sealed;
    uint32_t version;
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &data) || in.size != 0 ||
        !rp__der_small(&data, &version) || !rp__der_get(&data, RP_DER_SEQUENCE, &info) ||
        !rp__der_get(&info, RP_DER_OID, &type) || !RP_SLICE_IS(type, OID_DATA) ||
        !rp__der_get(&info, RP_DER_SEQUENCE, &algorithm) ||
        !rp__der_get(&info, RP_DER_CONTEXT | 0, &sealed) || info.size != 0)
        return refuse(reader, malformed);
    size_t *size;
    uint8_t *opened = opened_place(reader, sealed.size, &size);
    if (opened == NULL)
        return false;
    reader->reason = rp__pbes2_open(algorithm, sealed, reader->password, opened, size);
    *content = (rp_slice){opened, *size};
    return reader->reason == NULL;
}

static bool open_key(pkcs12_reader *reader, rp_slice locked, rp_slice *key)
{
    size_t *size;
    uint8_t *opened = opened_place(reader, locked.size, &size);
    if (opened == NULL)
        return false;
    reader->reason = rp__pkcs8_open(locked, reader->password, opened, size);
    *key = (rp_slice){opened, *size};
    return reader->reason == NULL;
}

/* ---- bags ---- */

/* localKeyId among a bag's attributes; data NULL: it has none. */
static rp_slice read_key_id(rp_slice attributes)
{
    rp_slice attribute, type, values, id;
    while (rp__der_get(&attributes, RP_DER_SEQUENCE, &attribute)) {
        if (rp__der_get(&attribute, RP_DER_OID, &type) && RP_SLICE_IS(type, OID_LOCAL_KEY_ID) &&
            rp__der_get(&attribute, RP_DER_SET, &values) &&
            rp__der_get(&values, RP_DER_OCTET_STRING, &id))
            return id;
    }
    return (rp_slice){NULL, 0};
}

static bool add_certificate(pkcs12_reader *reader, rp_slice value, rp_slice id)
{
    rp_slice bag, type, wrapped, der;
    const char *unread;
    if (!rp__der_get(&value, RP_DER_SEQUENCE, &bag) || value.size != 0 ||
        !rp__der_get(&bag, RP_DER_OID, &type) ||
        !rp__der_get(&bag, RP_DER_CONTEXT_CONSTRUCTED | 0, &wrapped) || bag.size != 0)
        return refuse(reader, malformed);
    if (!RP_SLICE_IS(type, OID_X509))
        return true;
    if (!rp__der_get(&wrapped, RP_DER_OCTET_STRING, &der) || wrapped.size != 0)
        return refuse(reader, malformed);
    if (reader->count == RP_PKCS12_CERTIFICATES_LIMIT)
        return refuse(reader, "it has more than 64 certificates");
    /* Its names are wanted; what else is wrong with it is for who is shown it. */
    rp_certificate *added = &reader->certificates[reader->count];
    (void)rp__certificate_read(added, der, &unread);
    added->der = der;
    reader->ids[reader->count++] = id;
    return true;
}

/* The first key is the one. */
static bool add_key(pkcs12_reader *reader, rp_slice value, rp_slice id, bool locked)
{
    rp_slice key = value;
    if (reader->found->key.data != NULL)
        return true;
    if (locked && !open_key(reader, value, &key))
        return false;
    reader->found->key = key;
    reader->key_id = id;
    return true;
}

static bool read_bag(pkcs12_reader *reader, rp_slice bag)
{
    rp_slice type, value, attributes = {NULL, 0};
    if (!rp__der_get(&bag, RP_DER_OID, &type) ||
        !rp__der_get(&bag, RP_DER_CONTEXT_CONSTRUCTED | 0, &value) ||
        (bag.size > 0 && !rp__der_get(&bag, RP_DER_SET, &attributes)) || bag.size != 0)
        return refuse(reader, malformed);
    rp_slice id = read_key_id(attributes);
    if (RP_SLICE_IS(type, OID_KEY_BAG))
        return add_key(reader, value, id, false);
    if (RP_SLICE_IS(type, OID_LOCKED_KEY_BAG))
        return add_key(reader, value, id, true);
    if (RP_SLICE_IS(type, OID_CERTIFICATE_BAG))
        return add_certificate(reader, value, id);
    return true;
}

static bool read_content(pkcs12_reader *reader, rp_slice info)
{
    rp_slice type, wrapped, content, bags, bag;
    if (!rp__der_get(&info, RP_DER_OID, &type) ||
        !rp__der_get(&info, RP_DER_CONTEXT_CONSTRUCTED | 0, &wrapped) || info.size != 0)
        return refuse(reader, malformed);
    if (RP_SLICE_IS(type, OID_ENCRYPTED_DATA)) {
        if (!open_content(reader, wrapped, &content))
            return false;
    } else if (!RP_SLICE_IS(type, OID_DATA)) {
        return refuse(reader, "it is encrypted for a certificate, not by a passphrase");
    } else if (!rp__der_get(&wrapped, RP_DER_OCTET_STRING, &content) || wrapped.size != 0) {
        return refuse(reader, malformed);
    }
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &bags) || content.size != 0)
        return refuse(reader, malformed);
    while (bags.size > 0) {
        if (!rp__der_get(&bags, RP_DER_SEQUENCE, &bag))
            return refuse(reader, malformed);
        if (!read_bag(reader, bag))
            return false;
    }
    return true;
}

/* ---- the file ---- */

/* PFX (RFC 7292, 4): authenticated content and MacData, if there is any. */
static bool read_file(rp_slice file, rp_slice *type, rp_slice *content, rp_slice *mac)
{
    rp_slice pfx, info;
    uint32_t version;
    *mac = (rp_slice){NULL, 0};
    return rp__der_get(&file, RP_DER_SEQUENCE, &pfx) && rp__der_small(&pfx, &version) &&
           version == 3 && rp__der_get(&pfx, RP_DER_SEQUENCE, &info) &&
           rp__der_get(&info, RP_DER_OID, type) &&
           rp__der_get(&info, RP_DER_CONTEXT_CONSTRUCTED | 0, content) && info.size == 0 &&
           (pfx.size == 0 || rp__der_get(&pfx, RP_DER_SEQUENCE, mac)) && pfx.size == 0;
}

/* Files in BER (indefinite lengths, as some write them) look like one too, and are refused as
 * malformed then. */
bool rp__pkcs12_is(rp_slice file)
{
    static const uint8_t version_three[] = {RP_DER_INTEGER, 1, 3, RP_DER_SEQUENCE};
    if (file.size < 8 || file.data[0] != RP_DER_SEQUENCE)
        return false;
    size_t head = file.data[1] > 0x80 ? 2u + (file.data[1] & 0x7Fu) : 2;
    return head + sizeof(version_three) <= file.size &&
           memcmp(file.data + head, version_three, sizeof(version_three)) == 0;
}

static bool read_contents(pkcs12_reader *reader, rp_slice file)
{
    rp_slice type, wrapped, content, mac, contents, info;
    if (!read_file(file, &type, &wrapped, &mac))
        return refuse(reader, malformed);
    if (!RP_SLICE_IS(type, OID_DATA))
        return refuse(reader, "it is signed by a certificate, not by a passphrase");
    if (!rp__der_get(&wrapped, RP_DER_OCTET_STRING, &content) || wrapped.size != 0)
        return refuse(reader, malformed);
    if (mac.data != NULL && !check_mac(reader, mac, content))
        return false;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &contents) || content.size != 0)
        return refuse(reader, malformed);
    while (contents.size > 0) {
        if (!rp__der_get(&contents, RP_DER_SEQUENCE, &info))
            return refuse(reader, malformed);
        if (!read_content(reader, info))
            return false;
    }
    return true;
}

/* ---- the chain ---- */

/* The key's own certificate bears its id; where none does, it is the first that is no authority's.
 */
static size_t find_leaf(const pkcs12_reader *reader)
{
    for (size_t i = 0; i < reader->count && reader->key_id.data != NULL; i++) {
        if (reader->ids[i].data != NULL && rp__slice_equal(reader->ids[i], reader->key_id))
            return i;
    }
    for (size_t i = 0; i < reader->count; i++) {
        if (!reader->certificates[i].is_authority)
            return i;
    }
    return 0;
}

/* In the order in which they are sent (RFC 8446, 4.4.2): each certifies the one before. */
static void order_chain(pkcs12_reader *reader)
{
    rp_pkcs12 *found = reader->found;
    bool used[RP_PKCS12_CERTIFICATES_LIMIT] = {false};
    size_t next = reader->count == 0 ? 0 : find_leaf(reader);
    while (next < reader->count && found->count < RP_CHAIN_LIMIT) {
        const rp_certificate *last = &reader->certificates[next];
        used[next] = true;
        found->certificates[found->count++] = last->der;
        for (next = 0; next < reader->count; next++) {
            if (!used[next] && last->issuer.size > 0 &&
                rp__slice_equal(reader->certificates[next].subject, last->issuer))
                break;
        }
    }
}

rp_status rp__pkcs12_read(rp_pkcs12 *found, rp_memory *memory, rp_slice file, rp_slice password,
                          const char **reason)
{
    *found = (rp_pkcs12){.memory = memory};
    *reason = NULL;
    pkcs12_reader *reading = rp__allocate(memory, sizeof(*reading));
    if (reading == NULL)
        return RP_E_NO_MEMORY;
    reading->found = found;
    reading->password = password;
    bool good = password.size <= PASSWORD_LIMIT ? read_contents(reading, file)
                                                : refuse(reading, "the passphrase is too long");
    if (good)
        order_chain(reading);
    *reason = reading->reason;
    rp_status status = good ? RP_OK : reading->no_memory ? RP_E_NO_MEMORY : RP_E_TLS_CONFIG;
    rp__free(memory, reading);
    return status;
}

void rp__pkcs12_free(rp_pkcs12 *found)
{
    for (size_t i = 0; i < found->opened_count; i++)
        rp__free_secret(found->memory, found->opened[i].bytes, found->opened[i].size);
    *found = (rp_pkcs12){.memory = found->memory};
}
