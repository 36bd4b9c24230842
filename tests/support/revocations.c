/* revocations.c - a writer of CRLs and of OCSP responses. */
#include "support/chain_writer.h"
#include "support/check.h"
#include "tls/wolfssl.h"

#include <wolfssl/wolfcrypt/hash.h>

#include <stdlib.h>
#include <string.h>

/* ---- CRLs ------------------------------------------------------------------------------------ */

static void put_reason(chain_writer *out, int reason)
{
    uint8_t number = (uint8_t)reason;
    chain_put_element(out, 0x0A, &number, 1);
}

/* "serial" or "serial=reason", up to the next ';'. */
static const char *put_entry(chain_writer *out, const char *text)
{
    char hex[128];
    size_t size = strcspn(text, "=;");
    CHECK(size < sizeof(hex));
    memcpy(hex, text, size);
    hex[size] = '\0';
    text += size;
    size_t entry = chain_begin(out, 0x30);
    chain_put_serial(out, hex, 0);
    chain_put_time(out, CRL_ENTRY_DATE, false);
    if (*text == '=') {
        char *rest;
        size_t list = chain_begin(out, 0x30);
        chain_mark begun = chain_begin_extension(out, "2.5.29.21", false);
        put_reason(out, (int)strtoul(text + 1, &rest, 10));
        chain_end_extension(out, begun);
        chain_end(out, list);
        text = rest;
    }
    chain_end(out, entry);
    return text + (*text == ';');
}

#define CRL_SCOPE                                                                                  \
    (CRL_USERS | CRL_AUTHORITIES | CRL_ATTRIBUTES | CRL_INDIRECT | CRL_SOME_REASONS |              \
     CRL_RELATIVE_POINT | CRL_EMPTY_POINT)

static void put_issuing_point(chain_writer *out, const crl_spec *crl)
{
    static const uint8_t yes = 0xff, reasons[] = {0x06, 0x40};
    if (crl->point == NULL && !(crl->flags & CRL_SCOPE))
        return;
    chain_mark begun = chain_begin_extension(out, "2.5.29.28", true);
    size_t fields = chain_begin(out, 0x30);
    if (crl->flags & CRL_RELATIVE_POINT) {
        size_t point = chain_begin(out, 0xA0), relative = chain_begin(out, 0xA1);
        chain_put_attribute(out, "CN=shard", 0x0C);
        chain_end(out, relative);
        chain_end(out, point);
    } else if (crl->point != NULL) {
        chain_put_point_name(out, crl->point);
    }
    if (crl->flags & CRL_USERS)
        chain_put_element(out, 0x81, &yes, 1);
    if (crl->flags & CRL_AUTHORITIES)
        chain_put_element(out, 0x82, &yes, 1);
    if (crl->flags & CRL_SOME_REASONS)
        chain_put_element(out, 0x83, reasons, sizeof(reasons));
    if (crl->flags & CRL_INDIRECT)
        chain_put_element(out, 0x84, &yes, 1);
    if (crl->flags & CRL_ATTRIBUTES)
        chain_put_element(out, 0x85, &yes, 1);
    chain_end(out, fields);
    chain_end_extension(out, begun);
}

static void put_crl_extensions(chain_writer *out, const crl_spec *crl)
{
    size_t field = chain_begin(out, 0xA0), list = chain_begin(out, 0x30);
    chain_put_extension(out, &(chain_extension){"2.5.29.20", false, "020101"}); /* cRLNumber */
    put_issuing_point(out, crl);
    for (size_t i = 0; i < 2; i++)
        chain_put_extension(out, &crl->extensions[i]);
    if (crl->more_extensions != NULL)
        chain_put_hex(out, crl->more_extensions);
    chain_end(out, list);
    chain_end(out, field);
}

static int64_t or_else(int64_t given, int64_t usual)
{
    return given != 0 ? given : usual;
}

rp_slice chain_crl(const chain_spec *specs, const crl_spec *crl)
{
    static const uint8_t version_2 = 1;
    chain_key *key =
        chain_key_of(specs, (size_t)(crl->signer != 0 ? crl->signer - 1 : crl->issuer));
    chain_writer out = {0};
    size_t all = chain_begin(&out, 0x30), list = chain_begin(&out, 0x30);
    if (!(crl->flags & CRL_VERSION_1))
        chain_put_element(&out, 0x02, &version_2, 1);
    chain_put_algorithm(&out, crl->flags & CRL_TWO_ALGORITHMS ? CHAIN_SHA512 : crl->signature,
                        chain_kind_of(key));
    chain_put_name(&out, specs[crl->issuer].subject, 0x0C);
    chain_put_time(&out, or_else(crl->this_update, CHAINS_NOW - CHAINS_DAY), false);
    if (!(crl->flags & CRL_NO_NEXT_UPDATE))
        chain_put_time(&out, or_else(crl->next_update, CHAINS_NOW + 7 * CHAINS_DAY), false);
    if (crl->entries != NULL || crl->more_entries != NULL) {
        size_t entries = chain_begin(&out, 0x30);
        for (const char *at = crl->entries; at != NULL && *at != '\0';)
            at = put_entry(&out, at);
        if (crl->more_entries != NULL)
            chain_put_hex(&out, crl->more_entries);
        chain_end(&out, entries);
    }
    if (!(crl->flags & CRL_VERSION_1))
        put_crl_extensions(&out, crl);
    chain_end(&out, list);
    chain_sign(&out, all, crl->signature, key, crl->flags);
    chain_end(&out, all);
    return (rp_slice){out.bytes, out.size};
}

/* ---- OCSP responses -------------------------------------------------------------------------- */

static void put_digest(chain_writer *out, enum wc_HashType type, const chain_writer *of,
                       size_t from)
{
    uint8_t digest[64];
    word32 size = (word32)wc_HashGetDigestSize(type);
    CHECK(wc_Hash(type, of->bytes + from, (word32)(of->size - from), digest, size) == 0);
    chain_put_element(out, 0x04, digest, size);
}

static void put_certificate_id(chain_writer *out, const chain_spec *specs,
                               const ocsp_answer *answer)
{
    static const char *const types[] = {"1.3.14.3.2.26", "2.16.840.1.101.3.4.2.1",
                                        "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"};
    static const enum wc_HashType hashes[] = {WC_HASH_TYPE_SHA, WC_HASH_TYPE_SHA256,
                                              WC_HASH_TYPE_SHA384, WC_HASH_TYPE_SHA512};
    size_t which = answer->hash_bits <= 160 ? 0 : answer->hash_bits / 128 - 1;
    int issuer = specs[answer->certificate].issuer;
    issuer = answer->issuer != 0 ? answer->issuer - 1 : issuer < 0 ? answer->certificate : issuer;
    size_t fields = chain_begin(out, 0x30), identifier = chain_begin(out, 0x30);
    chain_put_type(out, types[which]);
    chain_put_element(out, 0x05, NULL, 0);
    chain_end(out, identifier);
    chain_writer part = {0};
    chain_put_name(&part, specs[issuer].subject, answer->printable ? 0x13 : 0x0C);
    put_digest(out, hashes[which], &part, 0);
    part.size = 0;
    chain_put_key_bits(&part, chain_key_of(specs, (size_t)issuer));
    put_digest(out, hashes[which], &part, 0);
    free(part.bytes);
    chain_put_serial(out,
                     answer->serial != NULL ? answer->serial : specs[answer->certificate].serial,
                     (size_t)answer->certificate);
    chain_end(out, fields);
}

static void put_answer_status(chain_writer *out, const ocsp_answer *answer)
{
    if (answer->status != OCSP_REVOKED) {
        chain_put_element(out, answer->status == OCSP_GOOD ? 0x80 : 0x82, NULL, 0);
        return;
    }
    size_t fields = chain_begin(out, 0xA1);
    chain_put_time(out, OCSP_REVOKED_DATE, true);
    if (answer->reason != 0) {
        size_t field = chain_begin(out, 0xA0);
        put_reason(out, answer->reason - 1);
        chain_end(out, field);
    }
    chain_end(out, fields);
}

static void put_only_extension(chain_writer *out, const chain_extension *added)
{
    if (added->type == NULL)
        return;
    size_t field = chain_begin(out, 0xA1), list = chain_begin(out, 0x30);
    chain_put_extension(out, added);
    chain_end(out, list);
    chain_end(out, field);
}

static void put_answer(chain_writer *out, const chain_spec *specs, const ocsp_answer *answer)
{
    size_t fields = chain_begin(out, 0x30);
    put_certificate_id(out, specs, answer);
    put_answer_status(out, answer);
    chain_put_time(out, or_else(answer->this_update, CHAINS_NOW - CHAINS_DAY), true);
    if (answer->next_update >= 0) {
        size_t field = chain_begin(out, 0xA0);
        chain_put_time(out, or_else(answer->next_update, CHAINS_NOW + 7 * CHAINS_DAY), true);
        chain_end(out, field);
    }
    put_only_extension(out, &answer->extension);
    chain_end(out, fields);
}

static void put_responder(chain_writer *out, const chain_spec *specs, const ocsp_spec *response)
{
    int responder = response->name != 0 ? response->name - 1 : response->responder;
    size_t field = chain_begin(out, response->flags & OCSP_BY_KEY ? 0xA2 : 0xA1);
    if (response->flags & OCSP_BY_KEY) {
        chain_writer bits = {0};
        chain_put_key_bits(&bits, chain_key_of(specs, (size_t)responder));
        put_digest(out, WC_HASH_TYPE_SHA, &bits, 0);
        free(bits.bytes);
    } else {
        chain_put_name(out, specs[responder].subject, 0x0C);
    }
    chain_end(out, field);
}

static void put_response_data(chain_writer *out, const chain_spec *specs, const ocsp_spec *response)
{
    uint8_t version = response->flags & OCSP_VERSION_2 ? 1 : 0;
    size_t data = chain_begin(out, 0x30);
    if (response->flags & (OCSP_VERSION_1 | OCSP_VERSION_2)) {
        size_t field = chain_begin(out, 0xA0);
        chain_put_element(out, 0x02, &version, 1);
        chain_end(out, field);
    }
    put_responder(out, specs, response);
    chain_put_time(out, or_else(response->produced, CHAINS_NOW - 3600), true);
    size_t answers = chain_begin(out, 0x30);
    for (size_t i = 0; i < 3 && response->answers[i].given; i++)
        put_answer(out, specs, &response->answers[i]);
    chain_end(out, answers);
    if (response->more_extensions != NULL) {
        size_t field = chain_begin(out, 0xA1), list = chain_begin(out, 0x30);
        chain_put_hex(out, response->more_extensions);
        chain_end(out, list);
        chain_end(out, field);
    } else {
        put_only_extension(out, &response->extension);
    }
    chain_end(out, data);
}

static void put_included(chain_writer *out, const chain_spec *specs, const ocsp_spec *response)
{
    if (response->included[0] == 0)
        return;
    size_t field = chain_begin(out, 0xA0), list = chain_begin(out, 0x30);
    for (size_t i = 0; i < 10 && response->included[i] != 0; i++) {
        rp_slice der = chain_certificate(specs, (size_t)response->included[i] - 1);
        chain_put(out, der.data, der.size);
        chain_free(&der, 1);
    }
    chain_end(out, list);
    chain_end(out, field);
}

rp_slice chain_ocsp(const chain_spec *specs, const ocsp_spec *response)
{
    chain_writer out = {0};
    size_t all = chain_begin(&out, 0x30);
    put_reason(&out, response->status); /* ENUMERATED as well */
    if (response->status == 0) {
        bool other = response->flags & OCSP_OTHER_TYPE;
        size_t field = chain_begin(&out, 0xA0), bytes = chain_begin(&out, 0x30);
        chain_put_type(&out, other ? "1.3.6.1.5.5.7.48.1.2" : "1.3.6.1.5.5.7.48.1.1");
        size_t octets = chain_begin(&out, 0x04), basic = chain_begin(&out, 0x30);
        put_response_data(&out, specs, response);
        chain_sign(&out, basic, response->signature,
                   chain_key_of(specs, (size_t)response->responder), response->flags);
        put_included(&out, specs, response);
        chain_end(&out, basic);
        chain_end(&out, octets);
        chain_end(&out, bytes);
        chain_end(&out, field);
    }
    chain_end(&out, all);
    return (rp_slice){out.bytes, out.size};
}
