/* certificate.c - reading a certificate. */
#include "x509/certificate.h"

#include "x509/constraints.h"
#include "x509/der.h"

#include <string.h>

#define EXTENSIONS_LIMIT 64 /* they are compared with each other */

/* ---- extensions ---- */

/* Each takes the extension's content apart. False: it is malformed. */
typedef bool read_extension_fn(rp_certificate *certificate, rp_slice content);

/* DER leaves a default value out; CA:FALSE is written all the same by many, and harmless. So is a
 * path length beside it, which means nothing there (RFC 5280, 4.2.1.9): OpenSSL makes such
 * certificates. */
static bool read_basic_constraints(rp_certificate *certificate, rp_slice content)
{
    rp_slice fields;
    certificate->has_basic_constraints = true;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &fields) || content.size != 0)
        return false;
    if (rp__der_next_is(&fields, RP_DER_BOOLEAN) &&
        !rp__der_boolean(&fields, &certificate->is_authority))
        return false;
    if (fields.size == 0)
        return true;
    certificate->has_path_length = true;
    return rp__der_small(&fields, &certificate->path_length) && fields.size == 0;
}

static bool read_key_usage(rp_certificate *certificate, rp_slice content)
{
    rp_slice bytes;
    unsigned unused;
    certificate->has_key_usage = true;
    if (!rp__der_bits(&content, &bytes, &unused) || content.size != 0)
        return false;
    certificate->key_usage = bytes.size > 0 ? bytes.data[0] : 0;
    return true;
}

static bool read_extended_key_usage(rp_certificate *certificate, rp_slice content)
{
    rp_slice purposes, purpose;
    certificate->has_extended_key_usage = true;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &purposes) || content.size != 0 ||
        purposes.size == 0)
        return false;
    while (purposes.size > 0) {
        if (!rp__der_oid(&purposes, &purpose))
            return false;
        if (RP_SLICE_IS(purpose, "\x2b\x06\x01\x05\x05\x07\x03\x01"))
            certificate->for_servers = true;
        if (RP_SLICE_IS(purpose, "\x2b\x06\x01\x05\x05\x07\x03\x02"))
            certificate->for_clients = true;
        if (RP_SLICE_IS(purpose, "\x2b\x06\x01\x05\x05\x07\x03\x09"))
            certificate->for_ocsp_signing = true;
    }
    return true;
}

/* There is one name at least (RFC 5280, 4.2.1.6), but authorities have been made without, and a
 * server without a name is none that is looked for. */
static bool read_alternative_names(rp_certificate *certificate, rp_slice content)
{
    rp_slice names;
    rp_general_name name;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &names) || content.size != 0)
        return false;
    certificate->alternative_names = names;
    while (names.size > 0) {
        if (!rp__general_name_read(&names, &name) || !rp__general_name_is_ascii(&name))
            return false;
        if (name.type == RP_GENERAL_ADDRESS && name.value.size != 4 && name.value.size != 16)
            return false;
    }
    return true;
}

static bool read_name_constraints(rp_certificate *certificate, rp_slice content)
{
    return rp__der_get(&content, RP_DER_SEQUENCE, &certificate->name_constraints) &&
           content.size == 0 && rp__constraints_read(certificate->name_constraints);
}

static bool read_subject_key_id(rp_certificate *certificate, rp_slice content)
{
    return rp__der_get(&content, RP_DER_OCTET_STRING, &certificate->subject_key_id) &&
           content.size == 0;
}

/* An element that may be left out. */
static bool read_optional(rp_slice *in, uint8_t tag, rp_slice *content)
{
    return !rp__der_next_is(in, tag) || rp__der_get(in, tag, content);
}

/* keyIdentifier alone is used. The others, which name the issuer's certificate, are hints as well
 * (RFC 5280, 4.2.1.1). */
static bool read_authority_key_id(rp_certificate *certificate, rp_slice content)
{
    rp_slice fields, ignored;
    return rp__der_get(&content, RP_DER_SEQUENCE, &fields) && content.size == 0 &&
           read_optional(&fields, RP_DER_CONTEXT | 0, &certificate->authority_key_id) &&
           read_optional(&fields, RP_DER_CONTEXT_CONSTRUCTED | 1, &ignored) &&
           read_optional(&fields, RP_DER_CONTEXT | 2, &ignored) && fields.size == 0;
}

static bool are_general_names(rp_slice names)
{
    rp_general_name name;
    while (names.size > 0) {
        if (!rp__general_name_read(&names, &name))
            return false;
    }
    return true;
}

/* Has a name, or an issuer of lists, and not reasons alone (RFC 5280, 4.2.1.13). */
static bool is_distribution_point(rp_slice fields)
{
    rp_slice name = {NULL, 0}, full = {NULL, 0}, relative, reasons, issuer = {NULL, 0};
    if (!read_optional(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &name) ||
        !read_optional(&fields, RP_DER_CONTEXT | 1, &reasons) ||
        !read_optional(&fields, RP_DER_CONTEXT_CONSTRUCTED | 2, &issuer) || fields.size != 0)
        return false;
    if (name.data == NULL)
        return issuer.size > 0 && are_general_names(issuer);
    return (rp__der_get(&name, RP_DER_CONTEXT_CONSTRUCTED | 0, &full) ||
            rp__der_get(&name, RP_DER_CONTEXT_CONSTRUCTED | 1, &relative)) &&
           name.size == 0 && are_general_names(full) && are_general_names(issuer);
}

static bool read_distribution_points(rp_certificate *certificate, rp_slice content)
{
    rp_slice points, fields;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &points) || content.size != 0)
        return false;
    certificate->distribution_points = points;
    while (points.size > 0) {
        if (!rp__der_get(&points, RP_DER_SEQUENCE, &fields) || !is_distribution_point(fields))
            return false;
    }
    return true;
}

/* A list of structures that say of what kind they are: of nobody's interest, if it is one, and
 * neither is what stands behind it. (Any policy is acceptable. Not so policyConstraints, which can
 * ask for one.) */
static bool pass_over_list(rp_certificate *certificate, rp_slice content)
{
    rp_slice list, fields, type;
    (void)certificate;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &list))
        return false;
    while (list.size > 0) {
        if (!rp__der_get(&list, RP_DER_SEQUENCE, &fields) || !rp__der_oid(&fields, &type))
            return false;
    }
    return true;
}

/* Extensions of TLS that the server promises; status_request is the one that counts. What can't be
 * read promises it. Critical it is refused, for it is honoured only where revocation is asked for.
 */
static bool read_tls_features(rp_certificate *certificate, rp_slice content)
{
    rp_slice features;
    uint32_t feature;
    bool readable = rp__der_get(&content, RP_DER_SEQUENCE, &features) && content.size == 0;
    while (readable && features.size > 0) {
        readable = rp__der_small(&features, &feature);
        if (readable && feature == 5)
            certificate->must_staple = true;
    }
    if (!readable)
        certificate->must_staple = true;
    return true;
}

/* About policies of others, or any. */
static bool pass_over(rp_certificate *certificate, rp_slice content)
{
    (void)certificate;
    (void)content;
    return true;
}

typedef struct known_extension {
    uint8_t type;  /* the last part of its OBJECT IDENTIFIER */
    bool critical; /* may be so; RFC 5280 has the others not critical, and they are refused if so */
    read_extension_fn *read;
    const char *reason; /* why it is refused where that fails */
} known_extension;

/* id-ce, 2.5.29. */
static const known_extension certificate_extensions[] = {
    {14, false, read_subject_key_id, "its subjectKeyIdentifier is malformed"},
    {15, true, read_key_usage, "its keyUsage is malformed"},
    {17, true, read_alternative_names, "its subjectAltName is malformed"},
    {19, true, read_basic_constraints, "its basicConstraints are malformed"},
    {30, true, read_name_constraints, "its nameConstraints are malformed"},
    {31, true, read_distribution_points, "its cRLDistributionPoints are malformed"},
    {32, true, pass_over_list, "its certificatePolicies are malformed"},
    {33, true, pass_over, ""}, /* policyMappings */
    {35, false, read_authority_key_id, "its authorityKeyIdentifier is malformed"},
    {37, true, read_extended_key_usage, "its extendedKeyUsage is malformed"},
    {54, true, pass_over, ""}, /* inhibitAnyPolicy */
};

/* id-pe, 1.3.6.1.5.5.7.1. */
static const known_extension private_extensions[] = {
    {1, false, pass_over_list, "its authorityInfoAccess is malformed"},
    {24, false, read_tls_features, ""},
};

static const known_extension *find_extension(rp_slice type)
{
    rp_slice parent = {type.data, type.size - 1};
    const known_extension *list = certificate_extensions;
    size_t count = sizeof(certificate_extensions) / sizeof(certificate_extensions[0]);
    if (RP_SLICE_IS(parent, "\x2b\x06\x01\x05\x05\x07\x01")) {
        list = private_extensions;
        count = sizeof(private_extensions) / sizeof(private_extensions[0]);
    } else if (!RP_SLICE_IS(parent, "\x55\x1d")) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].type == type.data[type.size - 1])
            return &list[i];
    }
    return NULL;
}

bool rp__extension_read(rp_slice *list, rp_slice *type, bool *critical, rp_slice *content)
{
    rp_slice fields;
    *critical = false;
    return rp__der_get(list, RP_DER_SEQUENCE, &fields) && rp__der_oid(&fields, type) &&
           (!rp__der_next_is(&fields, RP_DER_BOOLEAN) || rp__der_boolean(&fields, critical)) &&
           rp__der_get(&fields, RP_DER_OCTET_STRING, content) && fields.size == 0;
}

static const char *read_extensions(rp_certificate *certificate, rp_slice list)
{
    rp_slice seen[EXTENSIONS_LIMIT], content;
    bool critical;
    for (size_t count = 0; list.size > 0; count++) {
        if (count == EXTENSIONS_LIMIT)
            return "it has too many extensions";
        if (!rp__extension_read(&list, &seen[count], &critical, &content))
            return "its extensions are malformed";
        for (size_t i = 0; i < count; i++) {
            if (rp__slice_equal(seen[i], seen[count]))
                return "it has an extension twice"; /* RFC 5280, 4.2 */
        }
        const known_extension *known = find_extension(seen[count]);
        if (critical && (known == NULL || !known->critical)) {
            certificate->has_unknown_critical = true;
            certificate->is_no_anchor |= !RP_SLICE_IS(seen[count], "\x55\x1d\x24");
        }
        if (known != NULL && !known->read(certificate, content))
            return known->reason;
    }
    return NULL;
}

/* ---- the fields ---- */

static bool read_version(rp_certificate *certificate, rp_slice *in)
{
    rp_slice content;
    uint32_t number = 0;
    if (rp__der_next_is(in, RP_DER_CONTEXT_CONSTRUCTED | 0) &&
        (!rp__der_get(in, RP_DER_CONTEXT_CONSTRUCTED | 0, &content) ||
         !rp__der_small(&content, &number) || content.size != 0 || number > 2))
        return false;
    certificate->version = number + 1;
    return true;
}

static bool read_validity(rp_certificate *certificate, rp_slice *in)
{
    rp_slice times;
    return rp__der_get(in, RP_DER_SEQUENCE, &times) &&
           rp__der_time(&times, &certificate->not_before) &&
           rp__der_time(&times, &certificate->not_after) && times.size == 0;
}

/* issuerUniqueID, subjectUniqueID: nobody's business. */
static bool skip_unique_ids(const rp_certificate *certificate, rp_slice *in)
{
    rp_slice ignored;
    for (uint8_t tag = RP_DER_CONTEXT | 1; tag <= (RP_DER_CONTEXT | 2); tag++) {
        if (rp__der_next_is(in, tag) &&
            (certificate->version < 2 || !rp__der_get(in, tag, &ignored)))
            return false;
    }
    return true;
}

static const char *read_signed_part(rp_certificate *certificate, rp_slice in)
{
    rp_slice algorithm, extensions, list;
    if (!read_version(certificate, &in))
        return "its version is not known";
    if (!rp__der_integer(&in, &certificate->serial))
        return "its serial number is malformed";
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &algorithm) ||
        !rp__slice_equal(algorithm, certificate->algorithm)) /* RFC 5280, 4.1.1.2 */
        return "it names two signature algorithms";
    if (!rp__dname_read(&in, &certificate->issuer))
        return "its issuer's name is malformed";
    if (!read_validity(certificate, &in))
        return "its validity is malformed";
    if (!rp__dname_read(&in, &certificate->subject))
        return "its subject's name is malformed";
    certificate->self_issued = rp__dname_equal(certificate->issuer, certificate->subject);
    if (!rp__der_element(&in, RP_DER_SEQUENCE, &certificate->public_key))
        return "its key is malformed";
    if (!skip_unique_ids(certificate, &in))
        return "its unique identifiers are malformed";
    if (in.size == 0)
        return NULL;
    if (certificate->version < 3 ||
        !rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 3, &extensions) || in.size != 0 ||
        !rp__der_get(&extensions, RP_DER_SEQUENCE, &list) || extensions.size != 0 || list.size == 0)
        return "its extensions are malformed";
    return read_extensions(certificate, list);
}

bool rp__certificate_read(rp_certificate *certificate, rp_slice der, const char **reason)
{
    rp_slice in = der, fields, signed_fields;
    memset(certificate, 0, sizeof(*certificate));
    certificate->der = der;
    *reason = "it is not a certificate in DER";
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &fields) || in.size != 0)
        return false;
    if (!rp__der_element(&fields, RP_DER_SEQUENCE, &certificate->signed_part) ||
        !rp__der_get(&fields, RP_DER_SEQUENCE, &certificate->algorithm) ||
        !rp__der_bytes(&fields, &certificate->signature) || fields.size != 0)
        return false;
    in = certificate->signed_part;
    (void)rp__der_get(&in, RP_DER_SEQUENCE, &signed_fields); /* as has been seen */
    *reason = read_signed_part(certificate, signed_fields);
    return *reason == NULL;
}
