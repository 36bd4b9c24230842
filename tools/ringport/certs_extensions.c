/* certs_extensions.c - a certificate's extensions, those that public ones have, a line or more
 * each. What can't be read is left out. */
#include "certs_extensions.h"

#include "certs_names.h"
#include "date.h"

#define LAST_SECOND UINT64_C(253402300799) /* of the year 9999 */

static const oid_name usages[] = {{"2b06010505070301", "TLS Web Server Authentication"},
                                  {"2b06010505070302", "TLS Web Client Authentication"},
                                  {"2b06010505070303", "Code Signing"},
                                  {"2b06010505070304", "E-mail Protection"},
                                  {"2b06010505070308", "Time Stamping"},
                                  {"2b06010505070309", "OCSP Signing"},
                                  {"551d2500", "Any Extended Key Usage"},
                                  {NULL, NULL}};

static const oid_name methods[] = {
    {"2b06010505073001", "OCSP"}, {"2b06010505073002", "CA Issuers"}, {NULL, NULL}};

static const oid_name unnamed[] = {{NULL, NULL}};

static const oid_name policies[] = {{"551d2000", "X509v3 Any Policy"}, {NULL, NULL}};

static void print_hex(FILE *out, der_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%s%02X", i > 0 ? ":" : "", bytes.data[i]);
}

/* Printable ASCII, and dots: a line stays one. */
static void print_plain(FILE *out, der_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        fputc(bytes.data[i] < 0x20 || bytes.data[i] >= 0x7F ? '.' : bytes.data[i], out);
}

static void print_quad(FILE *out, const uint8_t *bytes)
{
    for (size_t i = 0; i < 4; i++)
        fprintf(out, "%s%u", i > 0 ? "." : "", bytes[i]);
}

static void print_eight(FILE *out, const uint8_t *bytes)
{
    for (size_t i = 0; i < 16; i += 2)
        fprintf(out, "%s%X", i > 0 ? ":" : "", (unsigned)bytes[i] << 8 | bytes[i + 1]);
}

/* Or a part of the network, as constraints name it. */
static void print_address(FILE *out, der_span address)
{
    void (*print)(FILE *, const uint8_t *) = address.size % 16 == 0 ? print_eight : print_quad;
    size_t one = address.size % 16 == 0 ? 16 : 4;
    if (address.size == 0 || (address.size != one && address.size != 2 * one)) {
        fputs("<invalid>", out);
        return;
    }
    print(out, address.data);
    if (address.size == one)
        return;
    fputs("/", out);
    print(out, address.data + one);
}

/* RFC 5280, 4.2.1.6. */
static void print_general(FILE *out, uint8_t tag, der_span name, const char *address)
{
    switch (tag) {
    case DER_CONTEXT | 1:
        fputs("email:", out);
        print_plain(out, name);
        break;
    case DER_CONTEXT | 2:
        fputs("DNS:", out);
        print_plain(out, name);
        break;
    case DER_CONTEXT | 6:
        fputs("URI:", out);
        print_plain(out, name);
        break;
    case DER_CONTEXT | 7:
        fputs(address, out);
        print_address(out, name);
        break;
    case DER_CONTEXT | 8:
        fputs("Registered ID:", out);
        oid_print(out, name, unnamed);
        break;
    default:
        fputs("othername:<unsupported>", out);
    }
}

static void print_names(FILE *out, der_span value)
{
    der_span names, name;
    uint8_t tag;
    if (!der_take(&value, DER_SEQUENCE, &names))
        return;
    for (bool first = true; der_any(&names, &tag, &name, NULL); first = false) {
        fputs(first ? "" : ", ", out);
        print_general(out, tag, name, "IP Address:");
    }
}

/* One on a line, below what they are of. */
static void print_listed(FILE *out, uint8_t tag, der_span name, const char *address)
{
    der_span relatives;
    fputs("\n  ", out);
    if (tag == (DER_CONTEXT_CONSTRUCTED | 4) && der_take(&name, DER_SEQUENCE, &relatives)) {
        fputs("DirName:", out);
        dname_print(out, relatives);
    } else {
        print_general(out, tag, name, address);
    }
}

static void print_access(FILE *out, der_span value)
{
    der_span list, description, method, name;
    uint8_t tag;
    if (!der_take(&value, DER_SEQUENCE, &list))
        return;
    for (bool first = true; der_take(&list, DER_SEQUENCE, &description); first = false) {
        if (!der_take(&description, DER_OID, &method) || !der_any(&description, &tag, &name, NULL))
            return;
        fputs(first ? "" : "\n", out);
        oid_print(out, method, methods);
        fputs(" - ", out);
        print_general(out, tag, name, "IP Address:");
    }
}

/* Of those that have a full name, which is all but none. */
static void print_points(FILE *out, der_span value)
{
    der_span list, point, where, names, name;
    uint8_t tag;
    if (!der_take(&value, DER_SEQUENCE, &list))
        return;
    for (bool first = true; der_take(&list, DER_SEQUENCE, &point);) {
        if (!der_take(&point, DER_CONTEXT_CONSTRUCTED, &where) ||
            !der_take(&where, DER_CONTEXT_CONSTRUCTED, &names))
            continue;
        fputs(first ? "Full Name:" : "\nFull Name:", out);
        while (der_any(&names, &tag, &name, NULL))
            print_listed(out, tag, name, "IP Address:");
        first = false;
    }
}

static void print_subtrees(FILE *out, const char *label, der_span subtrees)
{
    der_span subtree, base;
    uint8_t tag;
    fputs(label, out);
    while (der_take(&subtrees, DER_SEQUENCE, &subtree)) {
        if (der_any(&subtree, &tag, &base, NULL))
            print_listed(out, tag, base, "IP:");
    }
}

static void print_name_constraints(FILE *out, der_span value)
{
    der_span content, subtrees;
    if (!der_take(&value, DER_SEQUENCE, &content))
        return;
    bool permits = der_take(&content, DER_CONTEXT_CONSTRUCTED, &subtrees);
    if (permits)
        print_subtrees(out, "Permitted:", subtrees);
    if (der_take(&content, DER_CONTEXT_CONSTRUCTED | 1, &subtrees))
        print_subtrees(out, permits ? "\nExcluded:" : "Excluded:", subtrees);
}

/* RFC 5280, 4.2.1.4: where the practices are, or what is to be shown. */
static void print_qualifiers(FILE *out, der_span list)
{
    der_span qualifier, type, value;
    uint8_t tag;
    while (der_take(&list, DER_SEQUENCE, &qualifier)) {
        if (!der_take(&qualifier, DER_OID, &type))
            return;
        if (oid_is(type, "2b06010505070201") && der_take(&qualifier, DER_IA5_STRING, &value)) {
            fputs("\n  CPS: ", out);
            print_plain(out, value);
        } else if (oid_is(type, "2b06010505070202") && der_take(&qualifier, DER_SEQUENCE, &value)) {
            fputs("\n  User Notice:", out);
            (void)der_take(&value, DER_SEQUENCE, &type); /* where else that stands */
            if (der_any(&value, &tag, &type, NULL)) {
                fputs("\n    Explicit Text: ", out);
                print_plain(out, type);
            }
        }
    }
}

static void print_policies(FILE *out, der_span value)
{
    der_span list, policy, id, qualifiers;
    if (!der_take(&value, DER_SEQUENCE, &list))
        return;
    for (bool first = true; der_take(&list, DER_SEQUENCE, &policy); first = false) {
        if (!der_take(&policy, DER_OID, &id))
            return;
        fputs(first ? "Policy: " : "\nPolicy: ", out);
        oid_print(out, id, policies);
        if (der_take(&policy, DER_SEQUENCE, &qualifiers))
            print_qualifiers(out, qualifiers);
    }
}

/* RFC 7633. */
static void print_features(FILE *out, der_span value)
{
    der_span list, feature;
    if (!der_take(&value, DER_SEQUENCE, &list))
        return;
    for (bool first = true; der_take(&list, DER_INTEGER, &feature); first = false) {
        fputs(first ? "" : ", ", out);
        if (feature.size == 1 && feature.data[0] == 5)
            fputs("status_request", out);
        else if (feature.size == 1 && feature.data[0] == 17)
            fputs("status_request_v2", out);
        else
            print_hex(out, feature);
    }
}

/* ---- Signed Certificate Timestamps (RFC 6962, 3.2 and 3.3) ---- */

/* Off the front, with as many bytes before it that say how long it is. */
static bool take_vector(der_span *in, size_t width, der_span *content)
{
    size_t size = 0;
    if (in->size < width)
        return false;
    for (size_t i = 0; i < width; i++)
        size = size << 8 | in->data[i];
    if (in->size - width < size)
        return false;
    *content = (der_span){in->data + width, size};
    *in = (der_span){in->data + width + size, in->size - width - size};
    return true;
}

static bool take_bytes(der_span *in, size_t size, der_span *bytes)
{
    if (in->size < size)
        return false;
    *bytes = (der_span){in->data, size};
    *in = (der_span){in->data + size, in->size - size};
    return true;
}

/* Sixteen bytes a line. */
static void print_block(FILE *out, der_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (i > 0)
            fputs(i % 16 == 0 ? ":\n                " : ":", out);
        fprintf(out, "%02X", bytes.data[i]);
    }
}

static void print_instant(FILE *out, der_span bytes)
{
    char date[DATE_SIZE]; /* "Tue, 30 Jan 2024 11:57:32 GMT" */
    uint64_t ms = 0;
    for (size_t i = 0; i < bytes.size; i++)
        ms = ms << 8 | bytes.data[i];
    if (ms / 1000 > LAST_SECOND)
        return;
    date_format((int64_t)(ms / 1000), date);
    int day = (date[5] - '0') * 10 + date[6] - '0';
    fprintf(out, "%.3s %2d %.8s.%03u %.4s GMT", date + 8, day, date + 17, (unsigned)(ms % 1000),
            date + 12);
}

/* False: it is of a version that nobody knows, or malformed. */
static bool print_stamp(FILE *out, const char *before, der_span stamp)
{
    der_span version, log, time, extensions, algorithm, signature;
    if (!take_bytes(&stamp, 1, &version) || version.data[0] != 0 || !take_bytes(&stamp, 32, &log) ||
        !take_bytes(&stamp, 8, &time) || !take_vector(&stamp, 2, &extensions) ||
        !take_bytes(&stamp, 2, &algorithm) || !take_vector(&stamp, 2, &signature))
        return false;
    fputs(before, out);
    fputs("Signed Certificate Timestamp:\n    Version   : v1 (0x0)\n    Log ID    : ", out);
    print_block(out, log);
    fputs("\n    Timestamp : ", out);
    print_instant(out, time);
    fputs("\n    Extensions: ", out);
    if (extensions.size == 0)
        fputs("none", out);
    print_block(out, extensions);
    fputs("\n    Signature : ", out);
    if (algorithm.data[0] == 4 && (algorithm.data[1] == 3 || algorithm.data[1] == 1))
        fputs(algorithm.data[1] == 3 ? "ecdsa-with-SHA256" : "sha256WithRSAEncryption", out);
    else
        fprintf(out, "%02X%02X", algorithm.data[0], algorithm.data[1]);
    fputs("\n                ", out);
    print_block(out, signature);
    return true;
}

static void print_stamps(FILE *out, der_span value)
{
    der_span encoded, list, stamp;
    if (!der_take(&value, DER_OCTET_STRING, &encoded) || !take_vector(&encoded, 2, &list))
        return;
    const char *before = "";
    while (take_vector(&list, 2, &stamp)) {
        if (print_stamp(out, before, stamp))
            before = "\n";
    }
}

/* ---- What there is of extensions ---- */

static void print_constraints(FILE *out, der_span value)
{
    der_span content, authority = {NULL, 0}, length;
    if (!der_take(&value, DER_SEQUENCE, &content))
        return;
    bool is_authority = der_take(&content, DER_BOOLEAN, &authority) && authority.size == 1 &&
                        authority.data[0] != 0;
    fprintf(out, "CA:%s", is_authority ? "TRUE" : "FALSE");
    if (der_take(&content, DER_INTEGER, &length) && length.size == 1)
        fprintf(out, ", pathlen:%u", length.data[0]);
}

static void print_usage(FILE *out, der_span value)
{
    static const char *const bits[] = {"Digital Signature", "Non Repudiation", "Key Encipherment",
                                       "Data Encipherment", "Key Agreement",   "Certificate Sign",
                                       "CRL Sign",          "Encipher Only",   "Decipher Only"};
    der_span usage;
    bool first = true;
    if (!der_bits(&value, &usage))
        return;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]) && i / 8 < usage.size; i++) {
        if ((usage.data[i / 8] & 0x80 >> i % 8) == 0)
            continue;
        fprintf(out, "%s%s", first ? "" : ", ", bits[i]);
        first = false;
    }
}

static void print_purposes(FILE *out, der_span value)
{
    der_span list, purpose;
    if (!der_take(&value, DER_SEQUENCE, &list))
        return;
    for (bool first = true; der_take(&list, DER_OID, &purpose); first = false) {
        fputs(first ? "" : ", ", out);
        oid_print(out, purpose, usages);
    }
}

static void print_subject_key(FILE *out, der_span value)
{
    der_span id;
    if (der_take(&value, DER_OCTET_STRING, &id))
        print_hex(out, id);
}

static void print_authority_key(FILE *out, der_span value)
{
    der_span content, id;
    if (der_take(&value, DER_SEQUENCE, &content) && der_take(&content, DER_CONTEXT, &id))
        print_hex(out, id);
}

static const struct extension {
    const char *oid, *name;
    void (*print)(FILE *out, der_span value);
} extensions[] = {
    {"551d0e", "X509v3 Subject Key Identifier", print_subject_key},
    {"551d0f", "X509v3 Key Usage", print_usage},
    {"551d11", "X509v3 Subject Alternative Name", print_names},
    {"551d12", "X509v3 Issuer Alternative Name", print_names},
    {"551d13", "X509v3 Basic Constraints", print_constraints},
    {"551d1e", "X509v3 Name Constraints", print_name_constraints},
    {"551d1f", "X509v3 CRL Distribution Points", print_points},
    {"551d20", "X509v3 Certificate Policies", print_policies},
    {"551d23", "X509v3 Authority Key Identifier", print_authority_key},
    {"551d25", "X509v3 Extended Key Usage", print_purposes},
    {"2b06010505070101", "Authority Information Access", print_access},
    {"2b06010505070118", "TLS Feature", print_features},
    {"2b06010401d679020402", "CT Precertificate SCTs", print_stamps},
};

static void print_extension(FILE *out, der_span extension)
{
    der_span type, critical, value;
    if (!der_take(&extension, DER_OID, &type))
        return;
    (void)der_take(&extension, DER_BOOLEAN, &critical);
    if (!der_take(&extension, DER_OCTET_STRING, &value))
        return;
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (!oid_is(type, extensions[i].oid))
            continue;
        fprintf(out, "%s:", extensions[i].name);
        extensions[i].print(out, value);
        fputs("\n", out);
    }
}

void extensions_print(FILE *out, der_span rest)
{
    der_span content, list, extension;
    while (rest.size > 0) {
        uint8_t tag;
        if (!der_any(&rest, &tag, &content, NULL))
            return;
        if (tag != (DER_CONTEXT_CONSTRUCTED | 3) || !der_take(&content, DER_SEQUENCE, &list))
            continue;
        while (der_take(&list, DER_SEQUENCE, &extension))
            print_extension(out, extension);
    }
}
