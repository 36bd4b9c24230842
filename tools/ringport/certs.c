/* certs.c - certificates line by line, as curl with OpenSSL prints them: names, numbers, dates,
 * keys, what it is for, and at last the whole in PEM. Of its extensions those that public
 * certificates have; a line that can't be read is left out, and the PEM never is. */
#include "certs.h"

#include "base64.h"
#include "date.h"

#include <stdlib.h>
#include <string.h>

#define LAST_SECOND UINT64_C(253402300799) /* of the year 9999 */

enum {
    BOOLEAN = 0x01,
    INTEGER = 0x02,
    BIT_STRING = 0x03,
    OCTET_STRING = 0x04,
    OID = 0x06,
    UTF8_STRING = 0x0C,
    NUMERIC_STRING = 0x12,
    PRINTABLE_STRING = 0x13,
    TELETEX_STRING = 0x14,
    IA5_STRING = 0x16,
    UTC_TIME = 0x17,
    GENERALIZED_TIME = 0x18,
    BMP_STRING = 0x1E,
    SEQUENCE = 0x30,
    SET = 0x31,
    CONTEXT = 0x80,
    CONTEXT_CONSTRUCTED = 0xA0
};

/* ---- DER ---- */

typedef struct span {
    const uint8_t *data;
    size_t size;
} span;

/* Takes an element off the front; all: with its tag and length. False: there is none. */
static bool take_any(span *in, uint8_t *tag, span *content, span *all)
{
    size_t head = 2, size;
    if (in->size < 2 || (in->data[0] & 0x1F) == 0x1F)
        return false;
    size = in->data[1];
    if (size >= 0x80) {
        size_t bytes = size & 0x7F;
        if (bytes == 0 || bytes > 4 || in->size < 2 + bytes)
            return false;
        for (size = 0; head < 2 + bytes; head++)
            size = size << 8 | in->data[head];
    }
    if (size > in->size - head)
        return false;
    *tag = in->data[0];
    *content = (span){in->data + head, size};
    if (all != NULL)
        *all = (span){in->data, head + size};
    *in = (span){in->data + head + size, in->size - head - size};
    return true;
}

static bool take(span *in, uint8_t tag, span *content)
{
    uint8_t found;
    span rest = *in;
    if (!take_any(&rest, &found, content, NULL) || found != tag)
        return false;
    *in = rest;
    return true;
}

static bool take_bits(span *in, span *bits)
{
    if (!take(in, BIT_STRING, bits) || bits->size == 0)
        return false;
    bits->data++;
    bits->size--;
    return true;
}

/* ---- Names of things ---- */

typedef struct named {
    const char *oid; /* its content in hexadecimal digits */
    const char *name;
} named;

static bool is_oid(span oid, const char *hex)
{
    char digits[41] = "";
    for (size_t i = 0; i < oid.size && i < 20; i++)
        snprintf(digits + 2 * i, 3, "%02x", oid.data[i]);
    return oid.size <= 20 && strcmp(digits, hex) == 0;
}

/* Numbers where nobody has a name for it. */
static void print_oid(FILE *out, span oid, const named *names)
{
    uint64_t number = 0;
    bool first = true;
    for (; names->oid != NULL; names++) {
        if (is_oid(oid, names->oid)) {
            fputs(names->name, out);
            return;
        }
    }
    for (size_t i = 0; i < oid.size; i++) {
        number = number << 7 | (oid.data[i] & 0x7F);
        if (oid.data[i] >= 0x80)
            continue;
        if (first) {
            unsigned root = number < 80 ? (unsigned)number / 40 : 2;
            fprintf(out, "%u", root);
            number -= (uint64_t)root * 40;
        }
        fprintf(out, ".%llu", (unsigned long long)number);
        first = false;
        number = 0;
    }
}

static const named attributes[] = {{"550403", "CN"},
                                   {"550406", "C"},
                                   {"550408", "ST"},
                                   {"550407", "L"},
                                   {"55040a", "O"},
                                   {"55040b", "OU"},
                                   {"550409", "street"},
                                   {"550405", "serialNumber"},
                                   {"550411", "postalCode"},
                                   {"55040f", "businessCategory"},
                                   {"550404", "SN"},
                                   {"55042a", "GN"},
                                   {"55040c", "title"},
                                   {"550461", "organizationIdentifier"},
                                   {"0992268993f22c640119", "DC"},
                                   {"0992268993f22c640101", "UID"},
                                   {"2a864886f70d010901", "emailAddress"},
                                   {"2b0601040182373c020101", "jurisdictionL"},
                                   {"2b0601040182373c020102", "jurisdictionST"},
                                   {"2b0601040182373c020103", "jurisdictionC"},
                                   {NULL, NULL}};

static const named algorithms[] = {{"2a864886f70d010101", "rsaEncryption"},
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

static const named usages[] = {{"2b06010505070301", "TLS Web Server Authentication"},
                               {"2b06010505070302", "TLS Web Client Authentication"},
                               {"2b06010505070303", "Code Signing"},
                               {"2b06010505070304", "E-mail Protection"},
                               {"2b06010505070308", "Time Stamping"},
                               {"2b06010505070309", "OCSP Signing"},
                               {"551d2500", "Any Extended Key Usage"},
                               {NULL, NULL}};

static const named methods[] = {
    {"2b06010505073001", "OCSP"}, {"2b06010505073002", "CA Issuers"}, {NULL, NULL}};

static const named unnamed[] = {{NULL, NULL}};

static const named policies[] = {{"551d2000", "X509v3 Any Policy"}, {NULL, NULL}};

/* ---- Distinguished names ---- */

/* As UTF-8; what is no text has none. */
typedef struct text_reader {
    span rest;
    uint8_t tag;
} text_reader;

static bool is_text(uint8_t tag)
{
    return tag == UTF8_STRING || tag == NUMERIC_STRING || tag == PRINTABLE_STRING ||
           tag == TELETEX_STRING || tag == IA5_STRING || tag == BMP_STRING;
}

/* The next character's bytes, as many as are returned; 0: that was all. */
static size_t next_bytes(text_reader *r, uint8_t bytes[3])
{
    size_t width = r->tag == BMP_STRING ? 2 : 1;
    if (r->rest.size < width)
        return 0;
    unsigned c = width == 2 ? (unsigned)r->rest.data[0] << 8 | r->rest.data[1] : r->rest.data[0];
    r->rest.data += width;
    r->rest.size -= width;
    if (r->tag == UTF8_STRING || c < 0x80) {
        bytes[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        bytes[0] = (uint8_t)(0xC0 | c >> 6);
        bytes[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    bytes[0] = (uint8_t)(0xE0 | c >> 12);
    bytes[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    bytes[2] = (uint8_t)(0x80 | (c & 0x3F));
    return 3;
}

static bool wants_quotes(span value, uint8_t tag)
{
    text_reader r = {value, tag};
    uint8_t bytes[3], last = 0;
    size_t size;
    for (bool first = true; (size = next_bytes(&r, bytes)) > 0; first = false) {
        last = size == 1 ? bytes[0] : 0;
        if (last != 0 && (strchr(",+;<>", last) != NULL || (first && (last == ' ' || last == '#'))))
            return true;
    }
    return last == ' ';
}

/* RFC 2253 with quotes, anything but printable ASCII escaped, so that it is one line. */
static void print_text(FILE *out, span value, uint8_t tag)
{
    text_reader r = {value, tag};
    uint8_t bytes[3];
    size_t size;
    bool quoted = wants_quotes(value, tag);
    fputs(quoted ? "\"" : "", out);
    while ((size = next_bytes(&r, bytes)) > 0) {
        for (size_t i = 0; i < size; i++) {
            if (bytes[i] < 0x20 || bytes[i] >= 0x7F)
                fprintf(out, "\\%02X", bytes[i]);
            else
                fprintf(out, bytes[i] == '"' || bytes[i] == '\\' ? "\\%c" : "%c", bytes[i]);
        }
    }
    fputs(quoted ? "\"" : "", out);
}

static void print_attribute(FILE *out, span *relative)
{
    span pair, type, value, all;
    uint8_t tag;
    if (!take(relative, SEQUENCE, &pair) || !take(&pair, OID, &type) ||
        !take_any(&pair, &tag, &value, &all)) {
        relative->size = 0;
        return;
    }
    print_oid(out, type, attributes);
    fputs(" = ", out);
    if (is_text(tag)) {
        print_text(out, value, tag);
        return;
    }
    fputs("#", out);
    for (size_t i = 0; i < all.size; i++)
        fprintf(out, "%02X", all.data[i]);
}

static void print_relatives(FILE *out, span name)
{
    span relative;
    for (bool first = true; take(&name, SET, &relative); first = false) {
        fputs(first ? "" : ", ", out);
        for (bool begins = true; relative.size > 0; begins = false) {
            fputs(begins ? "" : " + ", out);
            print_attribute(out, &relative);
        }
    }
}

static void print_name(FILE *out, const char *label, span name)
{
    fprintf(out, "%s:", label);
    print_relatives(out, name);
    fputs("\n", out);
}

/* ---- Extensions ---- */

static void print_hex(FILE *out, span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%s%02X", i > 0 ? ":" : "", bytes.data[i]);
}

/* Printable ASCII, and dots: a line stays one. */
static void print_plain(FILE *out, span bytes)
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
static void print_address(FILE *out, span address)
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
static void print_general(FILE *out, uint8_t tag, span name, const char *address)
{
    switch (tag) {
    case CONTEXT | 1:
        fputs("email:", out);
        print_plain(out, name);
        break;
    case CONTEXT | 2:
        fputs("DNS:", out);
        print_plain(out, name);
        break;
    case CONTEXT | 6:
        fputs("URI:", out);
        print_plain(out, name);
        break;
    case CONTEXT | 7:
        fputs(address, out);
        print_address(out, name);
        break;
    case CONTEXT | 8:
        fputs("Registered ID:", out);
        print_oid(out, name, unnamed);
        break;
    default:
        fputs("othername:<unsupported>", out);
    }
}

static void print_names(FILE *out, span value)
{
    span names, name;
    uint8_t tag;
    if (!take(&value, SEQUENCE, &names))
        return;
    for (bool first = true; take_any(&names, &tag, &name, NULL); first = false) {
        fputs(first ? "" : ", ", out);
        print_general(out, tag, name, "IP Address:");
    }
}

/* One on a line, below what they are of. */
static void print_listed(FILE *out, uint8_t tag, span name, const char *address)
{
    span relatives;
    fputs("\n  ", out);
    if (tag == (CONTEXT_CONSTRUCTED | 4) && take(&name, SEQUENCE, &relatives)) {
        fputs("DirName:", out);
        print_relatives(out, relatives);
    } else {
        print_general(out, tag, name, address);
    }
}

static void print_access(FILE *out, span value)
{
    span list, description, method, name;
    uint8_t tag;
    if (!take(&value, SEQUENCE, &list))
        return;
    for (bool first = true; take(&list, SEQUENCE, &description); first = false) {
        if (!take(&description, OID, &method) || !take_any(&description, &tag, &name, NULL))
            return;
        fputs(first ? "" : "\n", out);
        print_oid(out, method, methods);
        fputs(" - ", out);
        print_general(out, tag, name, "IP Address:");
    }
}

/* Of those that have a full name, which is all but none. */
static void print_points(FILE *out, span value)
{
    span list, point, where, names, name;
    uint8_t tag;
    if (!take(&value, SEQUENCE, &list))
        return;
    for (bool first = true; take(&list, SEQUENCE, &point);) {
        if (!take(&point, CONTEXT_CONSTRUCTED, &where) ||
            !take(&where, CONTEXT_CONSTRUCTED, &names))
            continue;
        fputs(first ? "Full Name:" : "\nFull Name:", out);
        while (take_any(&names, &tag, &name, NULL))
            print_listed(out, tag, name, "IP Address:");
        first = false;
    }
}

static void print_subtrees(FILE *out, const char *label, span subtrees)
{
    span subtree, base;
    uint8_t tag;
    fputs(label, out);
    while (take(&subtrees, SEQUENCE, &subtree)) {
        if (take_any(&subtree, &tag, &base, NULL))
            print_listed(out, tag, base, "IP:");
    }
}

static void print_name_constraints(FILE *out, span value)
{
    span content, subtrees;
    if (!take(&value, SEQUENCE, &content))
        return;
    bool permits = take(&content, CONTEXT_CONSTRUCTED, &subtrees);
    if (permits)
        print_subtrees(out, "Permitted:", subtrees);
    if (take(&content, CONTEXT_CONSTRUCTED | 1, &subtrees))
        print_subtrees(out, permits ? "\nExcluded:" : "Excluded:", subtrees);
}

/* RFC 5280, 4.2.1.4: where the practices are, or what is to be shown. */
static void print_qualifiers(FILE *out, span list)
{
    span qualifier, type, value;
    uint8_t tag;
    while (take(&list, SEQUENCE, &qualifier)) {
        if (!take(&qualifier, OID, &type))
            return;
        if (is_oid(type, "2b06010505070201") && take(&qualifier, IA5_STRING, &value)) {
            fputs("\n  CPS: ", out);
            print_plain(out, value);
        } else if (is_oid(type, "2b06010505070202") && take(&qualifier, SEQUENCE, &value)) {
            fputs("\n  User Notice:", out);
            (void)take(&value, SEQUENCE, &type); /* where else that stands */
            if (take_any(&value, &tag, &type, NULL)) {
                fputs("\n    Explicit Text: ", out);
                print_plain(out, type);
            }
        }
    }
}

static void print_policies(FILE *out, span value)
{
    span list, policy, id, qualifiers;
    if (!take(&value, SEQUENCE, &list))
        return;
    for (bool first = true; take(&list, SEQUENCE, &policy); first = false) {
        if (!take(&policy, OID, &id))
            return;
        fputs(first ? "Policy: " : "\nPolicy: ", out);
        print_oid(out, id, policies);
        if (take(&policy, SEQUENCE, &qualifiers))
            print_qualifiers(out, qualifiers);
    }
}

/* RFC 7633. */
static void print_features(FILE *out, span value)
{
    span list, feature;
    if (!take(&value, SEQUENCE, &list))
        return;
    for (bool first = true; take(&list, INTEGER, &feature); first = false) {
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
static bool take_vector(span *in, size_t width, span *content)
{
    size_t size = 0;
    if (in->size < width)
        return false;
    for (size_t i = 0; i < width; i++)
        size = size << 8 | in->data[i];
    if (in->size - width < size)
        return false;
    *content = (span){in->data + width, size};
    *in = (span){in->data + width + size, in->size - width - size};
    return true;
}

static bool take_bytes(span *in, size_t size, span *bytes)
{
    if (in->size < size)
        return false;
    *bytes = (span){in->data, size};
    *in = (span){in->data + size, in->size - size};
    return true;
}

/* Sixteen bytes a line. */
static void print_block(FILE *out, span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (i > 0)
            fputs(i % 16 == 0 ? ":\n                " : ":", out);
        fprintf(out, "%02X", bytes.data[i]);
    }
}

static void print_instant(FILE *out, span bytes)
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
static bool print_stamp(FILE *out, const char *before, span stamp)
{
    span version, log, time, extensions, algorithm, signature;
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

static void print_stamps(FILE *out, span value)
{
    span encoded, list, stamp;
    if (!take(&value, OCTET_STRING, &encoded) || !take_vector(&encoded, 2, &list))
        return;
    const char *before = "";
    while (take_vector(&list, 2, &stamp)) {
        if (print_stamp(out, before, stamp))
            before = "\n";
    }
}

/* ---- What there is of extensions ---- */

static void print_constraints(FILE *out, span value)
{
    span content, authority = {NULL, 0}, length;
    if (!take(&value, SEQUENCE, &content))
        return;
    bool is_authority =
        take(&content, BOOLEAN, &authority) && authority.size == 1 && authority.data[0] != 0;
    fprintf(out, "CA:%s", is_authority ? "TRUE" : "FALSE");
    if (take(&content, INTEGER, &length) && length.size == 1)
        fprintf(out, ", pathlen:%u", length.data[0]);
}

static void print_usage(FILE *out, span value)
{
    static const char *const bits[] = {"Digital Signature", "Non Repudiation", "Key Encipherment",
                                       "Data Encipherment", "Key Agreement",   "Certificate Sign",
                                       "CRL Sign",          "Encipher Only",   "Decipher Only"};
    span usage;
    bool first = true;
    if (!take_bits(&value, &usage))
        return;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]) && i / 8 < usage.size; i++) {
        if ((usage.data[i / 8] & 0x80 >> i % 8) == 0)
            continue;
        fprintf(out, "%s%s", first ? "" : ", ", bits[i]);
        first = false;
    }
}

static void print_purposes(FILE *out, span value)
{
    span list, purpose;
    if (!take(&value, SEQUENCE, &list))
        return;
    for (bool first = true; take(&list, OID, &purpose); first = false) {
        fputs(first ? "" : ", ", out);
        print_oid(out, purpose, usages);
    }
}

static void print_subject_key(FILE *out, span value)
{
    span id;
    if (take(&value, OCTET_STRING, &id))
        print_hex(out, id);
}

static void print_authority_key(FILE *out, span value)
{
    span content, id;
    if (take(&value, SEQUENCE, &content) && take(&content, CONTEXT, &id))
        print_hex(out, id);
}

static const struct extension {
    const char *oid, *name;
    void (*print)(FILE *out, span value);
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

static void print_extension(FILE *out, span extension)
{
    span type, critical, value;
    if (!take(&extension, OID, &type))
        return;
    (void)take(&extension, BOOLEAN, &critical);
    if (!take(&extension, OCTET_STRING, &value))
        return;
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
        if (!is_oid(type, extensions[i].oid))
            continue;
        fprintf(out, "%s:", extensions[i].name);
        extensions[i].print(out, value);
        fputs("\n", out);
    }
}

static void print_extensions(FILE *out, span rest)
{
    span content, list, extension;
    while (rest.size > 0) {
        uint8_t tag;
        if (!take_any(&rest, &tag, &content, NULL))
            return;
        if (tag != (CONTEXT_CONSTRUCTED | 3) || !take(&content, SEQUENCE, &list))
            continue;
        while (take(&list, SEQUENCE, &extension))
            print_extension(out, extension);
    }
}

/* ---- The rest ---- */

static unsigned two_digits(const uint8_t *at)
{
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static void print_time(FILE *out, const char *label, span *validity)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    span time;
    uint8_t tag;
    if (!take_any(validity, &tag, &time, NULL))
        return;
    size_t century = tag == GENERALIZED_TIME ? 2 : 0;
    if ((tag != UTC_TIME && tag != GENERALIZED_TIME) || time.size != century + 13)
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
static void strip(span *number)
{
    while (number->size > 1 && number->data[0] == 0) {
        number->data++;
        number->size--;
    }
}

static void print_number(FILE *out, const char *label, span number)
{
    fprintf(out, "%s:", label);
    for (size_t i = 0; i < number.size; i++)
        fprintf(out, i == 0 ? "%X" : "%02X", number.data[i]);
    fputs("\n", out);
}

static void print_rsa_key(FILE *out, span info)
{
    span algorithm, bits, key, modulus, exponent;
    if (!take(&info, SEQUENCE, &algorithm) || !take(&algorithm, OID, &key) || key.size != 9 ||
        memcmp(key.data, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9) != 0 ||
        !take_bits(&info, &bits) || !take(&bits, SEQUENCE, &key) ||
        !take(&key, INTEGER, &modulus) || !take(&key, INTEGER, &exponent) || modulus.size == 0)
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

static void print_algorithm(FILE *out, const char *label, span identifier)
{
    span oid;
    if (!take(&identifier, OID, &oid))
        return;
    fprintf(out, "%s:", label);
    print_oid(out, oid, algorithms);
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

static void print_serial(FILE *out, span serial)
{
    fputs("Serial Number:", out);
    strip(&serial);
    for (size_t i = 0; i < serial.size; i++)
        fprintf(out, "%02x", serial.data[i]);
    fputs("\n", out);
}

/* RFC 5280, 4.1. */
static void print_fields(FILE *out, span der)
{
    span whole, fields, version = {NULL, 0}, number, serial, signs, issuer, validity, subject, key;
    span algorithm, signature, oid;
    unsigned printed = 0;
    if (!take(&der, SEQUENCE, &whole) || !take(&whole, SEQUENCE, &fields))
        return;
    if (take(&fields, CONTEXT_CONSTRUCTED, &version) && take(&version, INTEGER, &number) &&
        number.size == 1)
        printed = number.data[0];
    if (!take(&fields, INTEGER, &serial) || !take(&fields, SEQUENCE, &signs) ||
        !take(&fields, SEQUENCE, &issuer) || !take(&fields, SEQUENCE, &validity) ||
        !take(&fields, SEQUENCE, &subject) || !take(&fields, SEQUENCE, &key) ||
        !take(&whole, SEQUENCE, &algorithm) || !take_bits(&whole, &signature))
        return;
    print_name(out, "Subject", subject);
    print_name(out, "Issuer", issuer);
    fprintf(out, "Version:%x\n", printed);
    print_serial(out, serial);
    print_algorithm(out, "Signature Algorithm", algorithm);
    span info = key;
    if (take(&info, SEQUENCE, &oid))
        print_algorithm(out, "Public Key Algorithm", oid);
    print_extensions(out, fields);
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
        print_fields(out, (span){c->list[i].der, c->list[i].der_size});
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
