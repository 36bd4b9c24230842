/* certs_names.c - names in certificates: of things, by their numbers, and of whom they are
 * about. */
#include "certs_names.h"

#include <string.h>

/* ---- Of things ---- */

bool oid_is(der_span oid, const char *hex)
{
    char digits[41] = "";
    for (size_t i = 0; i < oid.size && i < 20; i++)
        snprintf(digits + 2 * i, 3, "%02x", oid.data[i]);
    return oid.size <= 20 && strcmp(digits, hex) == 0;
}

void oid_print(FILE *out, der_span oid, const oid_name *names)
{
    uint64_t number = 0;
    bool first = true;
    for (; names->oid != NULL; names++) {
        if (oid_is(oid, names->oid)) {
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

/* ---- Distinguished ---- */

static const oid_name attributes[] = {{"550403", "CN"},
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

/* As UTF-8; what is no text has none. */
typedef struct text_reader {
    der_span rest;
    uint8_t tag;
} text_reader;

static bool is_text(uint8_t tag)
{
    return tag == DER_UTF8_STRING || tag == DER_NUMERIC_STRING || tag == DER_PRINTABLE_STRING ||
           tag == DER_TELETEX_STRING || tag == DER_IA5_STRING || tag == DER_BMP_STRING;
}

/* The next character's bytes, as many as are returned; 0: that was all. */
static size_t next_bytes(text_reader *r, uint8_t bytes[3])
{
    size_t width = r->tag == DER_BMP_STRING ? 2 : 1;
    if (r->rest.size < width)
        return 0;
    unsigned c = width == 2 ? (unsigned)r->rest.data[0] << 8 | r->rest.data[1] : r->rest.data[0];
    r->rest.data += width;
    r->rest.size -= width;
    if (r->tag == DER_UTF8_STRING || c < 0x80) {
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

static bool wants_quotes(der_span value, uint8_t tag)
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
static void print_text(FILE *out, der_span value, uint8_t tag)
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

static void print_attribute(FILE *out, der_span *relative)
{
    der_span pair, type, value, all;
    uint8_t tag;
    if (!der_take(relative, DER_SEQUENCE, &pair) || !der_take(&pair, DER_OID, &type) ||
        !der_any(&pair, &tag, &value, &all)) {
        relative->size = 0;
        return;
    }
    oid_print(out, type, attributes);
    fputs(" = ", out);
    if (is_text(tag)) {
        print_text(out, value, tag);
        return;
    }
    fputs("#", out);
    for (size_t i = 0; i < all.size; i++)
        fprintf(out, "%02X", all.data[i]);
}

void dname_print(FILE *out, der_span name)
{
    der_span relative;
    for (bool first = true; der_take(&name, DER_SET, &relative); first = false) {
        fputs(first ? "" : ", ", out);
        for (bool begins = true; relative.size > 0; begins = false) {
            fputs(begins ? "" : " + ", out);
            print_attribute(out, &relative);
        }
    }
}
