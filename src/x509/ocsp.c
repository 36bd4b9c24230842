/* ocsp.c - reading responses, and judging them. Answers are looked at before the signature, for
 * "another certificate's" says more than "badly signed", and believed after it. */
#include "x509/ocsp.h"

#include "x509/der.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hash.h>

#include <string.h>

#define CERTIFICATES_LIMIT 8 /* that come with a response; more are not looked at */
#define EXTENSIONS_LIMIT 16
#define CLOCK_SKEW 300
#define LIFETIME 86400 /* without a nextUpdate */

#define OID_OCSP_BASIC "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
#define OID_SHA1 "\x2b\x0e\x03\x02\x1a"
#define OID_SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_SHA384 "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define OID_SHA512 "\x60\x86\x48\x01\x65\x03\x04\x02\x03"

typedef struct ocsp_response {
    rp_slice signed_part, algorithm, signature;
    rp_slice certificates;
    bool by_key;        /* who the responder is: its key's SHA-1, or its name */
    rp_slice responder; /* of no size: nobody */
    int64_t produced;
    rp_slice answers;
} ocsp_response;

typedef enum answer_status { STATUS_GOOD, STATUS_REVOKED, STATUS_UNKNOWN } answer_status;

typedef struct answer {
    rp_slice hash; /* its AlgorithmIdentifier's content */
    rp_slice name_hash, key_hash, serial;
    answer_status status;
    int64_t revoked;
    const char *reason;
    int64_t this_update, next_update;
    bool has_next_update;
} answer;

static const char malformed[] = "the stapled OCSP response is malformed";
static const char critical_extension[] =
    "the stapled OCSP response has a critical extension that is not known";

/* ---- reading ---- */

/* Extensions in their explicit tag, if they are next. NULL: there is none that matters. */
static const char *read_extensions(rp_slice *in, uint8_t tag)
{
    rp_slice field, list, type, content;
    bool critical;
    if (!rp__der_next_is(in, tag))
        return NULL;
    if (!rp__der_get(in, tag, &field) || !rp__der_get(&field, RP_DER_SEQUENCE, &list) ||
        field.size != 0)
        return malformed;
    for (size_t count = 0; list.size > 0; count++) {
        if (count == EXTENSIONS_LIMIT || !rp__extension_read(&list, &type, &critical, &content))
            return malformed;
        if (critical)
            return critical_extension;
    }
    return NULL;
}

/* A GeneralizedTime (RFC 6960, 4.2.2.1). */
static bool read_time(rp_slice *in, int64_t *seconds)
{
    return rp__der_next_is(in, RP_DER_GENERALIZED_TIME) && rp__der_time(in, seconds);
}

static bool read_certificate_id(answer *found, rp_slice *in)
{
    rp_slice fields;
    return rp__der_get(in, RP_DER_SEQUENCE, &fields) &&
           rp__der_get(&fields, RP_DER_SEQUENCE, &found->hash) &&
           rp__der_get(&fields, RP_DER_OCTET_STRING, &found->name_hash) &&
           rp__der_get(&fields, RP_DER_OCTET_STRING, &found->key_hash) &&
           rp__der_integer(&fields, &found->serial) && fields.size == 0;
}

static bool read_revoked(answer *found, rp_slice fields)
{
    rp_slice field, number;
    found->status = STATUS_REVOKED;
    if (!read_time(&fields, &found->revoked))
        return false;
    if (fields.size == 0)
        return true;
    if (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &field) || fields.size != 0 ||
        !rp__der_get(&field, RP_DER_ENUMERATED, &number) || field.size != 0 || number.size != 1)
        return false;
    found->reason = rp__revocation_reason(number.data[0]);
    return found->reason != NULL;
}

static bool read_status(answer *found, rp_slice *in)
{
    rp_slice content;
    uint8_t tag;
    if (!rp__der_any(in, &tag, &content))
        return false;
    switch (tag) {
    case RP_DER_CONTEXT | 0:
        found->status = STATUS_GOOD;
        return content.size == 0;
    case RP_DER_CONTEXT_CONSTRUCTED | 1:
        return read_revoked(found, content);
    case RP_DER_CONTEXT | 2:
        found->status = STATUS_UNKNOWN;
        return content.size == 0;
    default:
        return false;
    }
}

/* Takes a SingleResponse off the front of *in. */
static const char *read_answer(rp_slice *in, answer *found)
{
    rp_slice fields, field;
    *found = (answer){.reason = NULL};
    if (!rp__der_get(in, RP_DER_SEQUENCE, &fields) || !read_certificate_id(found, &fields) ||
        !read_status(found, &fields) || !read_time(&fields, &found->this_update))
        return malformed;
    if (rp__der_next_is(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0)) {
        found->has_next_update = true;
        if (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &field) ||
            !read_time(&field, &found->next_update) || field.size != 0 ||
            found->next_update < found->this_update)
            return malformed;
    }
    const char *reason = read_extensions(&fields, RP_DER_CONTEXT_CONSTRUCTED | 1);
    return reason == NULL && fields.size != 0 ? malformed : reason;
}

static bool read_responder(ocsp_response *response, rp_slice *in)
{
    rp_slice field;
    response->by_key = rp__der_next_is(in, RP_DER_CONTEXT_CONSTRUCTED | 2);
    if (response->by_key)
        return rp__der_get(in, RP_DER_CONTEXT_CONSTRUCTED | 2, &field) &&
               rp__der_get(&field, RP_DER_OCTET_STRING, &response->responder) && field.size == 0;
    return rp__der_get(in, RP_DER_CONTEXT_CONSTRUCTED | 1, &field) &&
           rp__dname_read(&field, &response->responder) && field.size == 0;
}

/* ResponseData. */
static const char *read_signed_part(ocsp_response *response, rp_slice in)
{
    rp_slice field, rest;
    uint32_t version;
    answer ignored;
    if (rp__der_next_is(&in, RP_DER_CONTEXT_CONSTRUCTED | 0) &&
        (!rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 0, &field) ||
         !rp__der_small(&field, &version) || field.size != 0 || version != 0))
        return malformed;
    if (!read_responder(response, &in) || !read_time(&in, &response->produced) ||
        !rp__der_get(&in, RP_DER_SEQUENCE, &response->answers))
        return malformed;
    for (rest = response->answers; rest.size > 0;) {
        const char *reason = read_answer(&rest, &ignored);
        if (reason != NULL)
            return reason;
    }
    const char *reason = read_extensions(&in, RP_DER_CONTEXT_CONSTRUCTED | 1);
    return reason == NULL && in.size != 0 ? malformed : reason;
}

static const char *read_basic(ocsp_response *response, rp_slice in)
{
    rp_slice fields, field, signed_fields;
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &fields) || in.size != 0 ||
        !rp__der_element(&fields, RP_DER_SEQUENCE, &response->signed_part) ||
        !rp__der_get(&fields, RP_DER_SEQUENCE, &response->algorithm) ||
        !rp__der_bytes(&fields, &response->signature))
        return malformed;
    if (fields.size > 0 &&
        (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &field) || fields.size != 0 ||
         !rp__der_get(&field, RP_DER_SEQUENCE, &response->certificates) || field.size != 0))
        return malformed;
    for (rp_slice rest = response->certificates; rest.size > 0;) {
        if (!rp__der_element(&rest, RP_DER_SEQUENCE, &field))
            return malformed;
    }
    in = response->signed_part;
    (void)rp__der_get(&in, RP_DER_SEQUENCE, &signed_fields); /* as has been seen */
    return read_signed_part(response, signed_fields);
}

/* Why the responder gives no answer (RFC 6960, 4.2.1). */
static const char *refusal(uint8_t status)
{
    static const char *const texts[] = {
        NULL,
        "the stapled OCSP response says \"malformedRequest\"",
        "the stapled OCSP response says \"internalError\"",
        "the stapled OCSP response says \"tryLater\"",
        malformed,
        "the stapled OCSP response says \"sigRequired\"",
        "the stapled OCSP response says \"unauthorized\"",
    };
    return status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : malformed;
}

static const char *read_response(ocsp_response *response, rp_slice in)
{
    rp_slice fields, status, explicit, bytes, type, basic;
    *response = (ocsp_response){.by_key = false};
    if (in.size > RP_OCSP_BYTES_LIMIT)
        return "the stapled OCSP response has more than 64 KiB";
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &fields) || in.size != 0 ||
        !rp__der_get(&fields, RP_DER_ENUMERATED, &status) || status.size != 1)
        return malformed;
    if (status.data[0] != 0)
        return refusal(status.data[0]);
    if (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &explicit) || fields.size != 0 ||
        !rp__der_get(&explicit, RP_DER_SEQUENCE, &bytes) || explicit.size != 0 ||
        !rp__der_get(&bytes, RP_DER_OID, &type) || !RP_SLICE_IS(type, OID_OCSP_BASIC) ||
        !rp__der_get(&bytes, RP_DER_OCTET_STRING, &basic) || bytes.size != 0)
        return malformed;
    return read_basic(response, basic);
}

/* ---- which certificate ---- */

static enum wc_HashType hash_type(rp_slice identifier)
{
    rp_slice type, null;
    if (!rp__der_get(&identifier, RP_DER_OID, &type) ||
        (identifier.size != 0 &&
         (!rp__der_get(&identifier, RP_DER_NULL, &null) || null.size != 0 || identifier.size != 0)))
        return WC_HASH_TYPE_NONE;
    if (RP_SLICE_IS(type, OID_SHA1))
        return WC_HASH_TYPE_SHA;
    if (RP_SLICE_IS(type, OID_SHA256))
        return WC_HASH_TYPE_SHA256;
    if (RP_SLICE_IS(type, OID_SHA384))
        return WC_HASH_TYPE_SHA384;
    return RP_SLICE_IS(type, OID_SHA512) ? WC_HASH_TYPE_SHA512 : WC_HASH_TYPE_NONE;
}

static bool is_hash_of(rp_slice hash, enum wc_HashType type, rp_slice bytes)
{
    uint8_t digest[WC_SHA512_DIGEST_SIZE];
    int size = wc_HashGetDigestSize(type);
    return (size_t)size == hash.size && /* below 0 for no hash */
           wc_Hash(type, bytes.data, (word32)bytes.size, digest, (word32)size) == 0 &&
           memcmp(digest, hash.data, hash.size) == 0;
}

/* A distinguished name with the header of its SEQUENCE, which stands before it, in its shortest
 * form as was seen when it was read. */
static rp_slice with_header(rp_slice name)
{
    size_t header = 2;
    for (size_t length = name.size >= 0x80 ? name.size : 0; length > 0; length >>= 8)
        header++;
    return (rp_slice){name.data - header, name.size + header};
}

/* subjectPublicKey, without tag, length and unused bits (RFC 6960, 4.1.1). */
static rp_slice key_bits(const rp_certificate *certificate)
{
    rp_slice info = certificate->public_key, fields = {NULL, 0}, algorithm, bits = {NULL, 0};
    /* As has been seen, where an issuer's key was read; or bits stays empty. */
    (void)rp__der_get(&info, RP_DER_SEQUENCE, &fields);
    (void)rp__der_get(&fields, RP_DER_SEQUENCE, &algorithm);
    (void)rp__der_bytes(&fields, &bits);
    return bits;
}

/* The name may be encoded as the certificate has it, or as its issuer has it. */
static bool is_about(const answer *found, const rp_certificate *certificate,
                     const rp_certificate *issuer)
{
    enum wc_HashType type = hash_type(found->hash);
    return rp__slice_equal(found->serial, certificate->serial) &&
           (is_hash_of(found->name_hash, type, with_header(certificate->issuer)) ||
            is_hash_of(found->name_hash, type, with_header(issuer->subject))) &&
           is_hash_of(found->key_hash, type, key_bits(issuer));
}

/* Takes answers off the front of *answers until there is one about the certificate. */
static bool next_about(rp_slice *answers, answer *found, const rp_certificate *certificate,
                       const rp_certificate *issuer)
{
    while (answers->size > 0) {
        (void)read_answer(answers, found); /* as has been seen */
        if (is_about(found, certificate, issuer))
            return true;
    }
    return false;
}

/* ---- who signed it ---- */

typedef struct ocsp_judgement {
    const ocsp_response *response;
    const rp_certificate *certificate;
    rp_issuer issuer;
    rp_crls *crls;
    int64_t now;
    rp_signature_algorithm algorithm;
    bool no_memory;
} ocsp_judgement;

static bool is_responder(const ocsp_response *response, const rp_certificate *candidate)
{
    return response->by_key ? is_hash_of(response->responder, WC_HASH_TYPE_SHA, key_bits(candidate))
                            : rp__dname_equal(response->responder, candidate->subject);
}

static bool is_signed_by(ocsp_judgement *judgement, const rp_public_key *key)
{
    rp_signature_result result =
        rp__signature_verify(key, &judgement->algorithm, judgement->response->signed_part,
                             judgement->response->signature);
    judgement->no_memory |= result == RP_SIGNATURE_NO_MEMORY;
    return result == RP_SIGNATURE_GOOD;
}

/* Whether the issuer made it a responder (RFC 6960, 4.2.2.2). NULL: it did. */
static const char *judge_delegate(ocsp_judgement *judgement, const rp_certificate *delegate)
{
    const rp_certificate *issuer = judgement->issuer.certificate;
    rp_signature_algorithm algorithm;
    if (!rp__dname_equal(delegate->issuer, issuer->subject))
        return "the stapled OCSP response is by somebody whom the issuer does not know";
    if (rp__slice_equal(delegate->public_key, judgement->certificate->public_key))
        return "the stapled OCSP response is by the certificate itself";
    if (!delegate->has_extended_key_usage || !delegate->for_ocsp_signing ||
        (delegate->has_key_usage && !(delegate->key_usage & RP_USAGE_DIGITAL_SIGNATURE)) ||
        delegate->has_unknown_critical)
        return "the stapled OCSP response is by a certificate that is not for that";
    if (judgement->now < delegate->not_before || judgement->now > delegate->not_after)
        return "the stapled OCSP response is by a certificate that is out of date";
    if (rp__signature_algorithm_read(&algorithm, delegate->algorithm) != NULL)
        return "the stapled OCSP response is by a certificate with a weak signature";
    rp_signature_result result = rp__signature_verify(judgement->issuer.key, &algorithm,
                                                      delegate->signed_part, delegate->signature);
    judgement->no_memory |= result == RP_SIGNATURE_NO_MEMORY;
    if (result != RP_SIGNATURE_GOOD)
        return "the stapled OCSP response is by somebody whom the issuer did not sign";
    rp_standing standing =
        rp__crls_judge(judgement->crls, delegate, judgement->issuer, judgement->now);
    judgement->no_memory |= standing.kind == RP_STANDING_NO_MEMORY;
    return standing.kind == RP_STANDING_REVOKED
               ? "the stapled OCSP response is by a certificate that is revoked"
               : NULL;
}

static const char bad_signature[] = "the stapled OCSP response has a bad signature";

/* NULL: it signed, and may. */
static const char *judge_candidate(ocsp_judgement *judgement, rp_slice der)
{
    rp_certificate candidate;
    rp_public_key key;
    const char *reason;
    if (!rp__certificate_read(&candidate, der, &reason) ||
        !is_responder(judgement->response, &candidate))
        return "the stapled OCSP response is by a responder that is not known";
    reason = judge_delegate(judgement, &candidate);
    if (reason != NULL)
        return reason;
    if (rp__public_key_read(&key, candidate.public_key) != NULL)
        return "the stapled OCSP response is by a key that is not good enough";
    return is_signed_by(judgement, &key) ? NULL : bad_signature;
}

/* NULL: somebody signed who may. */
static const char *judge_signature(ocsp_judgement *judgement)
{
    const ocsp_response *response = judgement->response;
    rp_slice rest = response->certificates, der;
    const char *last = "the stapled OCSP response is by a responder that is not known";
    if (rp__signature_algorithm_read(&judgement->algorithm, response->algorithm) != NULL)
        return "the stapled OCSP response is signed by an algorithm that is broken or not known";
    if (is_responder(response, judgement->issuer.certificate)) {
        if (is_signed_by(judgement, judgement->issuer.key))
            return NULL;
        last = bad_signature;
    }
    for (int i = 0; i < CERTIFICATES_LIMIT && rest.size > 0; i++) {
        (void)rp__der_element(&rest, RP_DER_SEQUENCE, &der); /* as has been seen */
        const char *reason = judge_candidate(judgement, der);
        if (reason == NULL)
            return NULL;
        last = last == bad_signature ? last : reason;
    }
    return last;
}

/* ---- what it says ---- */

static rp_standing unknown(const char *reason, int64_t date)
{
    return (rp_standing){RP_STANDING_UNKNOWN, reason, date};
}

static rp_standing judge_answer(const answer *found, int64_t now)
{
    int64_t end = found->has_next_update ? found->next_update : found->this_update + LIFETIME;
    if (found->status == STATUS_REVOKED)
        return (rp_standing){RP_STANDING_REVOKED, found->reason, found->revoked};
    if (found->status == STATUS_UNKNOWN)
        return unknown("the stapled OCSP response says that it is not known", 0);
    if (now < found->this_update - CLOCK_SKEW)
        return unknown("the stapled OCSP response is not valid before ", found->this_update);
    if (now > end)
        return unknown("the stapled OCSP response is out of date since ", end);
    return (rp_standing){RP_STANDING_GOOD, NULL, 0};
}

/* The worst of all that is said about the certificate. */
static rp_standing judge_answers(const ocsp_judgement *judgement)
{
    rp_slice rest = judgement->response->answers;
    rp_standing worst = {RP_STANDING_GOOD, NULL, 0};
    answer found;
    while (next_about(&rest, &found, judgement->certificate, judgement->issuer.certificate)) {
        rp_standing standing = judge_answer(&found, judgement->now);
        if (standing.kind == RP_STANDING_REVOKED)
            return standing;
        if (standing.kind == RP_STANDING_UNKNOWN)
            worst = standing;
    }
    if (worst.kind == RP_STANDING_GOOD &&
        judgement->now < judgement->response->produced - CLOCK_SKEW)
        return unknown("the stapled OCSP response is not valid before ",
                       judgement->response->produced);
    return worst;
}

rp_standing rp__ocsp_judge(rp_slice response, const rp_certificate *certificate, rp_issuer issuer,
                           rp_crls *crls, int64_t now)
{
    ocsp_response read;
    answer found;
    const char *reason = read_response(&read, response);
    if (reason != NULL)
        return unknown(reason, 0);
    rp_slice answers = read.answers;
    if (!next_about(&answers, &found, certificate, issuer.certificate))
        return unknown("the stapled OCSP response is for another certificate", 0);
    ocsp_judgement judgement = {
        .response = &read, .certificate = certificate, .issuer = issuer, .crls = crls, .now = now};
    reason = judge_signature(&judgement);
    if (judgement.no_memory)
        return (rp_standing){RP_STANDING_NO_MEMORY, NULL, 0};
    return reason != NULL ? unknown(reason, 0) : judge_answers(&judgement);
}
