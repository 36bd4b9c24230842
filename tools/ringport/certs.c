/* certs.c - certificates line by line, as curl with OpenSSL prints them: names, numbers, dates,
 * keys, what it is for, and at last the whole in PEM. A line that can't be read is left out, and
 * the PEM never is. */
#include "certs.h"

#include "base64.h"
#include "certs_extensions.h"
#include "certs_names.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lines ---- */

static const oid_name algorithms[] = {{"2a864886f70d010101", "rsaEncryption"},
                                      {"2a864886f70d010105", "sha1WithRSAEncryption"},
                                      {"2a864886f70d01010a", "rsassaPss"},
                                      {"2a864886f70d01010b", "sha256WithRSAEncryption"},
                                      {"2a864886f70d01010c", "sha384WithRSAEncryption"},
                                      {"2a864886f70d01010d", "sha512WithRSAEncryption"},
                                      {"2a8648ce3d0201", "id-ecPublicKey"},
                                      {"2a8648ce3d040302", "ecdsa-with-SHA256"},
                                      {"2a8648ce3d040303", "ecdsa-with-SHA384"},
                                      {"2a8648ce3d040304", "ecdsa-with-SHA512"},
                                      {"2b6570", "ED25519"},
                                      {"2b6571", "ED448"},
                                      {NULL, NULL}};

static void print_name(FILE *out, const char *label, der_span name)
{
    fprintf(out, "%s:", label);
    dname_print(out, name);
    fputs("\n", out);
}

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static void print_time(FILE *out, const char *label, der_span *validity)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    der_span time;
    uint8_t tag;
    if (!der_any(validity, &tag, &time, NULL))
        return;
    size_t century = tag == DER_GENERALIZED_TIME ? 2 : 0;
    if ((tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) || time.size != century + 13)
        return;
    for (size_t i = 0; i < century + 12; i++) {
        if (time.data[i] < '0' || time.data[i] > '9')
            return;
    }
    const uint8_t *at = time.data + century;
    unsigned year = two_digits(at), month = two_digits(at + 2);
    unsigned above = century > 0 ? two_digits(time.data) : year < 50 ? 20 : 19;
    if (month < 1 || month > 12)
        return;
    fprintf(out, "%s:%s %2u %02u:%02u:%02u %u GMT\n", label, months[month - 1], two_digits(at + 4),
            two_digits(at + 6), two_digits(at + 8), two_digits(at + 10), above * 100 + year);
}

/* Without the byte that only says that it is positive. */
static void strip(der_span *number)
{
    while (number->size > 1 && number->data[0] == 0) {
        number->data++;
        number->size--;
    }
}

static void print_number(FILE *out, const char *label, der_span number)
{
    fprintf(out, "%s:", label);
    for (size_t i = 0; i < number.size; i++)
        fprintf(out, i == 0 ? "%X" : "%02X", number.data[i]);
    fputs("\n", out);
}

static void print_rsa_key(FILE *out, der_span info)
{
    der_span algorithm, bits, key, modulus, exponent;
    if (!der_take(&info, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &key) ||
        key.size != 9 || memcmp(key.data, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9) != 0 ||
        !der_bits(&info, &bits) || !der_take(&bits, DER_SEQUENCE, &key) ||
        !der_take(&key, DER_INTEGER, &modulus) || !der_take(&key, DER_INTEGER, &exponent) ||
        modulus.size == 0)
        return;
    strip(&modulus);
    strip(&exponent);
    size_t size = modulus.size * 8;
    for (unsigned top = modulus.data[0]; size > 0 && (top & 0x80) == 0; top <<= 1)
        size--;
    fprintf(out, "RSA Public Key:%zu\n", size);
    print_number(out, "rsa(n)", modulus);
    print_number(out, "rsa(e)", exponent);
}

static void print_algorithm(FILE *out, const char *label, der_span identifier)
{
    der_span oid;
    if (!der_take(&identifier, DER_OID, &oid))
        return;
    fprintf(out, "%s:", label);
    oid_print(out, oid, algorithms);
    fputs("\n", out);
}

static void print_pem(FILE *out, const rp_peer_certificate *certificate)
{
    char four[4];
    fputs("-----BEGIN CERTIFICATE-----\n", out);
    for (size_t i = 0; i < certificate->der_size; i += 3) {
        size_t left = certificate->der_size - i;
        base64_three(four, certificate->der + i, left < 3 ? left : 3);
        fprintf(out, "%.4s", four);
        if ((i + 3) % 48 == 0 || left <= 3)
            fputs("\n", out);
    }
    fputs("-----END CERTIFICATE-----\n", out);
}

static void print_serial(FILE *out, der_span serial)
{
    fputs("Serial Number:", out);
    strip(&serial);
    for (size_t i = 0; i < serial.size; i++)
        fprintf(out, "%02x", serial.data[i]);
    fputs("\n", out);
}

/* RFC 5280, 4.1. */
static void print_fields(FILE *out, der_span der)
{
    der_span whole, fields, version = {NULL, 0}, number, serial, signs, issuer, validity, subject,
                            key;
    der_span algorithm, signature, oid;
    unsigned printed = 0;
    if (!der_take(&der, DER_SEQUENCE, &whole) || !der_take(&whole, DER_SEQUENCE, &fields))
        return;
    if (der_take(&fields, DER_CONTEXT_CONSTRUCTED, &version) &&
        der_take(&version, DER_INTEGER, &number) && number.size == 1)
        printed = number.data[0];
    if (!der_take(&fields, DER_INTEGER, &serial) || !der_take(&fields, DER_SEQUENCE, &signs) ||
        !der_take(&fields, DER_SEQUENCE, &issuer) || !der_take(&fields, DER_SEQUENCE, &validity) ||
        !der_take(&fields, DER_SEQUENCE, &subject) || !der_take(&fields, DER_SEQUENCE, &key) ||
        !der_take(&whole, DER_SEQUENCE, &algorithm) || !der_bits(&whole, &signature))
        return;
    print_name(out, "Subject", subject);
    print_name(out, "Issuer", issuer);
    fprintf(out, "Version:%x\n", printed);
    print_serial(out, serial);
    print_algorithm(out, "Signature Algorithm", algorithm);
    der_span info = key;
    if (der_take(&info, DER_SEQUENCE, &oid))
        print_algorithm(out, "Public Key Algorithm", oid);
    extensions_print(out, fields);
    print_time(out, "Start date", &validity);
    print_time(out, "Expire date", &validity);
    print_rsa_key(out, key);
    fputs("Signature:", out);
    for (size_t i = 0; i < signature.size; i++)
        fprintf(out, "%02x:", signature.data[i]);
    fputs("\n", out);
}

void certs_print(const certs *c, FILE *out)
{
    for (size_t i = 0; i < c->count; i++) {
        print_fields(out, (der_span){c->list[i].der, c->list[i].der_size});
        print_pem(out, &c->list[i]);
    }
}

/* ---- Copies ---- */

void certs_free(certs *c)
{
    free(c->list);
    *c = (certs){.list = NULL};
}

bool certs_keep(certs *c, const rp_peer_certificate *from, size_t count)
{
    size_t size = count * sizeof(*from);
    certs_free(c);
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        size += from[i].der_size;
    c->list = calloc(1, size);
    if (c->list == NULL)
        return false;
    uint8_t *place = (uint8_t *)(c->list + count);
    for (size_t i = 0; i < count; i++) {
        c->list[i] = (rp_peer_certificate){.der = place, .der_size = from[i].der_size};
        memcpy(place, from[i].der, from[i].der_size);
        place += from[i].der_size;
    }
    c->count = count;
    return true;
}
