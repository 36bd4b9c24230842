/* crl.c - reading lists, and finding certificates in them.
 *
 * A list is read whole when it is added, each entry too, and then found by a table: the entries'
 * places in the DER, sorted by a hash of their serial numbers. The table has as many buckets as
 * there are entries, or up to twice that, and is made by counting: whatever the numbers are, it is
 * made in two passes. */
#include "x509/crl.h"

#include "base/hash.h"
#include "base/mutex.h"
#include "x509/der.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/hash.h>

#include <string.h>

#define KEY_HASH_BYTES 32
#define EXTENSIONS_LIMIT 32 /* of a list, and of an entry */

typedef enum signer { SIGNER, NO_SIGNER, SIGNERS } signer;

typedef struct crl {
    struct crl *next;
    uint8_t *bytes; /* the DER, which the slices are of */
    rp_slice signed_part, signature;
    rp_signature_algorithm algorithm;
    rp_slice issuer;
    int64_t this_update, next_update;

    /* issuingDistributionPoint (RFC 5280, 5.2.5). */
    bool for_users, for_authorities; /* and for no others */
    bool some_reasons;
    bool has_point;
    rp_slice point; /* its general names; of no size: a name that is not read */

    rp_slice entries;
    size_t count, buckets;
    uint32_t *starts; /* of each bucket in places, and the end */
    uint32_t *places; /* of the entries, behind entries.data */

    /* The last key that did sign it, and the last that did not. Under the store's mutex. */
    bool known[SIGNERS];
    uint8_t keys[SIGNERS][KEY_HASH_BYTES];
} crl;

struct rp_crls {
    rp_memory *memory;
    uint64_t process; /* rp__process_mark of its maker: children of fork use it too */
    rp_mutex mutex;
    crl *first;
    size_t count, bytes;
};

/* ---- entries ---- */

typedef struct entry {
    rp_slice serial;
    int64_t date;
    const char *reason;
} entry;

const char *rp__revocation_reason(uint32_t number)
{
    static const char *const names[] = {
        "unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
        "superseded",    "cessationOfOperation", "certificateHold", NULL,
        "removeFromCRL", "privilegeWithdrawn",   "aACompromise",
    };
    return number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}

/* id-ce, 2.5.29, and one byte more; 0: another. */
static unsigned short_type(rp_slice type)
{
    return type.size == 3 && type.data[0] == 0x55 && type.data[1] == 0x1d ? type.data[2] : 0;
}

static bool read_reason(entry *found, rp_slice content)
{
    rp_slice number;
    if (!rp__der_get(&content, RP_DER_ENUMERATED, &number) || content.size != 0 || number.size != 1)
        return false;
    found->reason = rp__revocation_reason(number.data[0]);
    return found->reason != NULL;
}

static const char malformed_entry[] = "an entry of it is malformed";

/* RFC 5280, 5.3. */
static const char *read_entry_extensions(entry *found, rp_slice list)
{
    rp_slice type, content;
    bool critical;
    if (list.size == 0)
        return malformed_entry;
    for (size_t count = 0; list.size > 0; count++) {
        if (count == EXTENSIONS_LIMIT || !rp__extension_read(&list, &type, &critical, &content))
            return malformed_entry;
        switch (short_type(type)) {
        case 21: /* reasonCode */
            if (found->reason != NULL || !read_reason(found, content))
                return malformed_entry;
            break;
        case 24: /* invalidityDate */
            break;
        case 29: /* certificateIssuer */
            return "it is an indirect CRL, which is not supported";
        default:
            if (critical)
                return "an entry of it has a critical extension that is not known";
            break;
        }
    }
    return NULL;
}

/* Takes an entry off the front of *in. */
static const char *read_entry(rp_slice *in, entry *found)
{
    rp_slice fields, extensions;
    found->reason = NULL;
    if (!rp__der_get(in, RP_DER_SEQUENCE, &fields) || !rp__der_integer(&fields, &found->serial) ||
        !rp__der_time(&fields, &found->date))
        return malformed_entry;
    if (fields.size == 0)
        return NULL;
    if (!rp__der_get(&fields, RP_DER_SEQUENCE, &extensions) || fields.size != 0)
        return malformed_entry;
    return read_entry_extensions(found, extensions);
}

/* ---- the table ---- */

static size_t bucket_of(const crl *list, rp_slice serial)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (size_t i = 0; i < serial.size; i++)
        hash = rp__hash_byte(hash, serial.data[i]);
    return (size_t)(hash ^ hash >> 32) & (list->buckets - 1);
}

static const char *count_entries(crl *list)
{
    entry found;
    rp_slice rest = list->entries;
    while (rest.size > 0) {
        const char *reason = read_entry(&rest, &found);
        if (reason != NULL)
            return reason;
        list->count++;
    }
    return NULL;
}

/* After the first pass starts[i] is the end of bucket i, and with each entry that the second one
 * puts there it moves towards the bucket's beginning. */
static bool make_table(crl *list, rp_memory *memory)
{
    entry found;
    list->buckets = 1;
    while (list->buckets < list->count)
        list->buckets *= 2;
    list->starts = rp__allocate(memory, (list->buckets + 1 + list->count) * sizeof(*list->starts));
    if (list->starts == NULL)
        return false;
    list->places = list->starts + list->buckets + 1;
    for (rp_slice rest = list->entries; rest.size > 0;) {
        (void)read_entry(&rest, &found);
        list->starts[bucket_of(list, found.serial)]++;
    }
    for (size_t i = 1; i <= list->buckets; i++)
        list->starts[i] += list->starts[i - 1];
    for (rp_slice rest = list->entries; rest.size > 0;) {
        uint32_t place = (uint32_t)(rest.data - list->entries.data);
        (void)read_entry(&rest, &found);
        list->places[--list->starts[bucket_of(list, found.serial)]] = place;
    }
    return true;
}

static bool find_entry(const crl *list, rp_slice serial, entry *found)
{
    size_t bucket = bucket_of(list, serial);
    for (uint32_t i = list->starts[bucket]; i < list->starts[bucket + 1]; i++) {
        rp_slice rest = {list->entries.data + list->places[i],
                         list->entries.size - list->places[i]};
        (void)read_entry(&rest, found); /* as has been seen */
        if (rp__slice_equal(found->serial, serial))
            return true;
    }
    return false;
}

/* ---- the list's extensions ---- */

static const char malformed_point[] = "its issuingDistributionPoint is malformed";

/* An implicit BOOLEAN, which is FALSE where it is not there. */
static bool read_flag(rp_slice *in, unsigned number, bool *value)
{
    rp_slice content;
    uint8_t tag = (uint8_t)(RP_DER_CONTEXT | number);
    *value = false;
    if (!rp__der_next_is(in, tag))
        return true;
    if (!rp__der_get(in, tag, &content) || content.size != 1)
        return false;
    *value = content.data[0] == 0xff;
    return *value || content.data[0] == 0;
}

/* DistributionPointName: the general names of fullName, all well-formed. Of a name that is relative
 * to the issuer's, which nobody uses: none. */
static bool read_point_name(rp_slice in, rp_slice *names)
{
    rp_slice ignored;
    rp_general_name name;
    *names = (rp_slice){NULL, 0};
    if (rp__der_next_is(&in, RP_DER_CONTEXT_CONSTRUCTED | 1))
        return rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 1, &ignored) && in.size == 0;
    if (!rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 0, names) || in.size != 0 ||
        names->size == 0)
        return false;
    for (rp_slice rest = *names; rest.size > 0;) {
        if (!rp__general_name_read(&rest, &name))
            return false;
    }
    return true;
}

static const char *read_issuing_point(crl *list, rp_slice content)
{
    rp_slice fields, name;
    bool indirect, for_attributes;
    if (!rp__der_get(&content, RP_DER_SEQUENCE, &fields) || content.size != 0 || fields.size == 0)
        return malformed_point;
    if (rp__der_next_is(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0)) {
        list->has_point = true;
        if (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &name) ||
            !read_point_name(name, &list->point))
            return malformed_point;
    }
    if (!read_flag(&fields, 1, &list->for_users) || !read_flag(&fields, 2, &list->for_authorities))
        return malformed_point;
    if (rp__der_next_is(&fields, RP_DER_CONTEXT | 3)) {
        list->some_reasons = true;
        if (!rp__der_get(&fields, RP_DER_CONTEXT | 3, &name))
            return malformed_point;
    }
    if (!read_flag(&fields, 4, &indirect) || !read_flag(&fields, 5, &for_attributes) ||
        fields.size != 0 || list->for_users + list->for_authorities + for_attributes > 1)
        return malformed_point;
    if (indirect)
        return "it is an indirect CRL, which is not supported";
    return for_attributes ? "it is for attribute certificates only" : NULL;
}

/* RFC 5280, 5.2. Those that are not looked at: authorityKeyIdentifier, a hint; cRLNumber and
 * freshestCRL, for deltas. */
static const char *read_list_extensions(crl *list, rp_slice in)
{
    rp_slice seen[EXTENSIONS_LIMIT], content;
    bool critical;
    if (in.size == 0)
        return "its extensions are malformed";
    for (size_t count = 0; in.size > 0; count++) {
        if (count == EXTENSIONS_LIMIT)
            return "it has too many extensions";
        if (!rp__extension_read(&in, &seen[count], &critical, &content))
            return "its extensions are malformed";
        for (size_t i = 0; i < count; i++) {
            if (rp__slice_equal(seen[i], seen[count]))
                return "it has an extension twice";
        }
        unsigned type = short_type(seen[count]);
        if (type == 27)
            return "it is a delta CRL, which is not supported";
        if (type != 28 && critical)
            return "it has a critical extension that is not known";
        const char *reason = type == 28 ? read_issuing_point(list, content) : NULL;
        if (reason != NULL)
            return reason;
    }
    return NULL;
}

/* ---- reading ---- */

static const char *read_dates(crl *list, rp_slice *in)
{
    if (!rp__der_time(in, &list->this_update))
        return "its thisUpdate is malformed";
    if (!rp__der_next_is(in, RP_DER_UTC_TIME) && !rp__der_next_is(in, RP_DER_GENERALIZED_TIME))
        return "it has no nextUpdate"; /* RFC 5280, 5.1.2.5 */
    if (!rp__der_time(in, &list->next_update) || list->next_update < list->this_update)
        return "its nextUpdate is malformed";
    return NULL;
}

/* TBSCertList. */
static const char *read_signed_part(crl *list, rp_slice in, rp_slice outer_algorithm)
{
    rp_slice algorithm, extensions, content;
    uint32_t version = 0; /* 1, and without extensions, where it is not there */
    if (rp__der_next_is(&in, RP_DER_INTEGER) && (!rp__der_small(&in, &version) || version != 1))
        return "its version is not known";
    if (!rp__der_get(&in, RP_DER_SEQUENCE, &algorithm) ||
        !rp__slice_equal(algorithm, outer_algorithm)) /* RFC 5280, 5.1.1.2 */
        return "it names two signature algorithms";
    if (!rp__dname_read(&in, &list->issuer))
        return "its issuer's name is malformed";
    const char *reason = read_dates(list, &in);
    if (reason != NULL)
        return reason;
    if (rp__der_next_is(&in, RP_DER_SEQUENCE) && !rp__der_get(&in, RP_DER_SEQUENCE, &list->entries))
        return malformed_entry;
    if (in.size > 0) {
        if (version == 0 || !rp__der_get(&in, RP_DER_CONTEXT_CONSTRUCTED | 0, &content) ||
            in.size != 0 || !rp__der_get(&content, RP_DER_SEQUENCE, &extensions) ||
            content.size != 0)
            return "its extensions are malformed";
        reason = read_list_extensions(list, extensions);
    }
    return reason != NULL ? reason : count_entries(list);
}

static const char *read_list(crl *list, rp_slice der)
{
    rp_slice fields, signed_fields, algorithm, in;
    if (!rp__der_get(&der, RP_DER_SEQUENCE, &fields) || der.size != 0 ||
        !rp__der_element(&fields, RP_DER_SEQUENCE, &list->signed_part) ||
        !rp__der_get(&fields, RP_DER_SEQUENCE, &algorithm) ||
        !rp__der_bytes(&fields, &list->signature) || fields.size != 0)
        return "it is not a CRL in DER";
    in = list->signed_part;
    (void)rp__der_get(&in, RP_DER_SEQUENCE, &signed_fields); /* as has been seen */
    const char *reason = read_signed_part(list, signed_fields, algorithm);
    return reason != NULL ? reason : rp__signature_algorithm_read(&list->algorithm, algorithm);
}

/* ---- the store ---- */

rp_crls *rp__crls_create(rp_memory *memory)
{
    rp_crls *crls = rp__allocate(memory, sizeof(*crls));
    if (crls == NULL)
        return NULL;
    crls->memory = memory;
    crls->process = rp__process_mark();
    rp__mutex_init(&crls->mutex);
    return crls;
}

static void free_list(rp_crls *crls, crl *list)
{
    rp__free(crls->memory, list->starts);
    rp__free(crls->memory, list->bytes);
    rp__free(crls->memory, list);
}

void rp__crls_destroy(rp_crls *crls)
{
    if (crls == NULL)
        return;
    for (crl *list = crls->first, *next; list != NULL; list = next) {
        next = list->next;
        free_list(crls, list);
    }
    rp__mutex_destroy(&crls->mutex);
    rp__free(crls->memory, crls);
}

rp_status rp__crls_take(rp_crls *crls, uint8_t *der, size_t size, const char **reason)
{
    crl *list = rp__allocate(crls->memory, sizeof(*list));
    if (list == NULL) {
        rp__free(crls->memory, der);
        return RP_E_NO_MEMORY;
    }
    list->bytes = der;
    *reason = size > RP_CRLS_BYTES_LIMIT - crls->bytes
                  ? "with it there are more than 128 MiB of CRLs"
                  : read_list(list, (rp_slice){der, size});
    rp_status status = *reason != NULL                   ? RP_E_CERT_INVALID
                       : !make_table(list, crls->memory) ? RP_E_NO_MEMORY
                                                         : RP_OK;
    if (status != RP_OK) {
        free_list(crls, list);
        return status;
    }
    list->next = crls->first;
    crls->first = list;
    crls->count++;
    crls->bytes += size;
    return RP_OK;
}

size_t rp__crls_count(const rp_crls *crls)
{
    return crls->count;
}

void rp__crls_each(const rp_crls *crls, void (*fn)(rp_slice list, void *user), void *user)
{
    for (const crl *list = crls == NULL ? NULL : crls->first; list != NULL; list = list->next)
        fn(list->signed_part, user);
}

/* ---- who signed it ---- */

static bool is_known(rp_crls *crls, const crl *list, const uint8_t *key, signer *found)
{
    bool known = false;
    if (!rp__mutex_lock_inherited(&crls->mutex, crls->process))
        return false;
    for (unsigned i = 0; i < SIGNERS && !known; i++) {
        known = list->known[i] && memcmp(list->keys[i], key, KEY_HASH_BYTES) == 0;
        if (known)
            *found = (signer)i;
    }
    rp__mutex_unlock(&crls->mutex);
    return known;
}

/* A long list takes long to hash. */
static rp_signature_result check_signature(rp_crls *crls, crl *list, rp_issuer issuer)
{
    uint8_t key[KEY_HASH_BYTES];
    rp_slice info = issuer.certificate->public_key;
    signer found;
    if (wc_Sha256Hash(info.data, (word32)info.size, key) != 0)
        return RP_SIGNATURE_NO_MEMORY;
    if (is_known(crls, list, key, &found))
        return found == SIGNER ? RP_SIGNATURE_GOOD : RP_SIGNATURE_BAD;
    rp_signature_result result =
        rp__signature_verify(issuer.key, &list->algorithm, list->signed_part, list->signature);
    if (result == RP_SIGNATURE_NO_MEMORY)
        return result;
    found = result == RP_SIGNATURE_GOOD ? SIGNER : NO_SIGNER;
    if (!rp__mutex_lock_inherited(&crls->mutex, crls->process))
        return result;
    list->known[found] = true;
    memcpy(list->keys[found], key, sizeof(key));
    rp__mutex_unlock(&crls->mutex);
    return result;
}

/* ---- its scope ---- */

static bool same_name(const rp_general_name *left, const rp_general_name *right)
{
    if (left->type != right->type)
        return false;
    return left->type == RP_GENERAL_DIRECTORY ? rp__dname_equal(left->value, right->value)
                                              : rp__slice_equal(left->value, right->value);
}

static bool share_name(rp_slice left, rp_slice right)
{
    rp_general_name one, other;
    while (rp__general_name_read(&left, &one)) {
        for (rp_slice rest = right; rp__general_name_read(&rest, &other);) {
            if (same_name(&one, &other))
                return true;
        }
    }
    return false;
}

/* Whether the certificate's issuer puts it, for whatever reason it is revoked, into the lists of
 * this distribution point: one of those that it names (RFC 5280, 6.3.3 (b) and 4.2.1.13). */
static bool names_point(const rp_certificate *certificate, rp_slice point)
{
    rp_slice points = certificate->distribution_points, fields, name, names;
    while (rp__der_get(&points, RP_DER_SEQUENCE, &fields)) {
        /* With reasons, or an issuer of lists that is another, it is not of this kind. */
        if (!rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &name) || fields.size != 0)
            continue;
        if (read_point_name(name, &names) && share_name(names, point))
            return true;
    }
    return false;
}

static bool has_in_scope(const crl *list, const rp_certificate *certificate)
{
    if (certificate->is_authority ? list->for_users : list->for_authorities)
        return false;
    return !list->has_point || names_point(certificate, list->point);
}

/* ---- judging ---- */

/* How near a list came to vouching: the nearest one says why none did. */
typedef enum nearness {
    NO_LIST,
    NOT_SIGNED,
    NOT_ALLOWED,
    OUT_OF_SCOPE,
    IN_PART,
    TOO_EARLY,
    TOO_LATE,
    GOOD
} nearness;

static void note(rp_standing *standing, nearness *best, nearness found, const crl *list)
{
    static const char *const reasons[] = {
        [NO_LIST] = "there is no CRL of its issuer",
        [NOT_SIGNED] = "the CRL of its issuer has a bad signature",
        [NOT_ALLOWED] = "its issuer's key usage does not allow CRLs",
        [OUT_OF_SCOPE] = "the CRLs of its issuer are for others (issuingDistributionPoint)",
        [IN_PART] = "the CRL of its issuer is about some reasons only",
        [TOO_EARLY] = "the CRL of its issuer is not valid before ",
        [TOO_LATE] = "the CRL of its issuer is out of date since ",
        [GOOD] = NULL,
    };
    if (found < *best)
        return;
    *best = found;
    standing->kind = found == GOOD ? RP_STANDING_GOOD : RP_STANDING_UNKNOWN;
    standing->reason = reasons[found];
    standing->date = found == TOO_EARLY  ? list->this_update
                     : found == TOO_LATE ? list->next_update
                                         : 0;
}

static nearness judge_unlisted(const crl *list, const rp_certificate *certificate,
                               const rp_certificate *authority, int64_t now)
{
    if (authority->has_key_usage && !(authority->key_usage & RP_USAGE_CRL_SIGN))
        return NOT_ALLOWED;
    if (!has_in_scope(list, certificate))
        return OUT_OF_SCOPE;
    if (list->some_reasons)
        return IN_PART;
    if (now < list->this_update)
        return TOO_EARLY;
    return now > list->next_update ? TOO_LATE : GOOD;
}

rp_standing rp__crls_judge(rp_crls *crls, const rp_certificate *certificate, rp_issuer issuer,
                           int64_t now)
{
    rp_standing standing;
    nearness best = NO_LIST;
    entry found;
    note(&standing, &best, NO_LIST, NULL);
    for (crl *list = crls != NULL ? crls->first : NULL; list != NULL; list = list->next) {
        if (!rp__dname_equal(list->issuer, certificate->issuer))
            continue;
        rp_signature_result result = check_signature(crls, list, issuer);
        if (result == RP_SIGNATURE_NO_MEMORY)
            return (rp_standing){RP_STANDING_NO_MEMORY, NULL, 0};
        if (result != RP_SIGNATURE_GOOD)
            note(&standing, &best, NOT_SIGNED, list);
        else if (find_entry(list, certificate->serial, &found))
            return (rp_standing){RP_STANDING_REVOKED, found.reason, found.date};
        else
            note(&standing, &best, judge_unlisted(list, certificate, issuer.certificate, now),
                 list);
    }
    return standing;
}
