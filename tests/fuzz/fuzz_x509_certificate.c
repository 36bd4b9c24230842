/* fuzz_x509_certificate.c - any bytes as a certificate: what is read lies within them, and
 * everything that is done with a certificate ends.
 *
 * Input: the DER. */
#include "fuzz/support/fuzz.h"
#include "x509/anchors.h"
#include "x509/constraints.h"
#include "x509/der.h"
#include "x509/host.h"
#include "x509/signature.h"

#include <stdlib.h>
#include <string.h>

static void check_within(rp_slice part, rp_slice whole)
{
    if (part.size == 0)
        return;
    FUZZ_CHECK(part.data >= whole.data && part.size <= whole.size);
    FUZZ_CHECK(part.data + part.size <= whole.data + whole.size);
}

static void check_slices(const rp_certificate *of)
{
    const rp_slice parts[] = {
        of->signed_part,      of->algorithm,      of->signature,       of->serial,
        of->issuer,           of->subject,        of->public_key,      of->alternative_names,
        of->name_constraints, of->subject_key_id, of->authority_key_id};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        check_within(parts[i], of->der);
}

static void check_printable(const char *text, size_t capacity)
{
    FUZZ_CHECK(strlen(text) < capacity);
    for (; *text != '\0'; text++)
        FUZZ_CHECK(*text >= ' ' && *text <= '~');
}

static void check_names(const rp_certificate *of)
{
    char name[RP_DNAME_TEXT_SIZE], hosts[RP_HOSTS_TEXT_SIZE];
    FUZZ_CHECK(rp__dname_equal(of->subject, of->subject));
    FUZZ_CHECK(rp__dname_within(of->subject, of->subject));
    FUZZ_CHECK(rp__dname_equal(of->issuer, of->subject) == of->self_issued);
    FUZZ_CHECK(rp__dname_equal(of->subject, of->issuer) == of->self_issued);
    if (of->self_issued)
        FUZZ_CHECK(rp__dname_hash(of->subject) == rp__dname_hash(of->issuer));
    check_printable(rp__dname_text(of->subject, name), sizeof(name));
    check_printable(rp__certificate_hosts_text(of, hosts), sizeof(hosts));
    rp_slice names = of->alternative_names;
    rp_general_name one;
    while (names.size > 0)
        FUZZ_CHECK(rp__general_name_read(&names, &one));
    FUZZ_CHECK(!rp__certificate_names_host(of, "a..b"));
    bool named = rp__certificate_names_host(of, "host.test");
    FUZZ_CHECK(rp__certificate_names_host(of, "HOST.test.") == named);
    fuzz_feature(2, named);
    (void)rp__certificate_names_host(of, "127.0.0.1");
}

static void check_constraints(const rp_certificate *of)
{
    rp_constraints_budget budget = {1000, false};
    if (of->name_constraints.data == NULL)
        return;
    const char *reason = rp__constraints_check(of->name_constraints, of, &budget);
    FUZZ_CHECK(budget.left <= 1000);
    FUZZ_CHECK(!budget.exceeded || (budget.left == 0 && reason != NULL));
    if (reason != NULL)
        fuzz_feature_text(3, reason);
}

static void check_as_anchor(rp_slice der, bool good)
{
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_anchors *anchors = rp__anchors_create(&memory);
    FUZZ_CHECK(anchors != NULL);
    rp_status status = rp__anchors_add(anchors, der, NULL);
    FUZZ_CHECK(status == RP_OK || status == RP_E_CERT_INVALID);
    FUZZ_CHECK(good || status != RP_OK);
    FUZZ_CHECK(rp__anchors_count(anchors) + rp__anchors_refused_count(anchors) == 1);
    if (status == RP_OK) {
        const rp_certificate *kept = &rp__anchors_first(anchors)->certificate;
        FUZZ_CHECK(rp__slice_equal(kept->der, der) && kept->der.data != der.data);
        FUZZ_CHECK(rp__anchors_find(anchors, kept->subject, NULL) == rp__anchors_first(anchors));
    }
    rp__anchors_destroy(anchors);
    FUZZ_CHECK(memory.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rp_certificate certificate;
    const char *reason;
    uint8_t *copy = fuzz_copy(data, size);
    rp_slice der = {copy, size};
    bool good = rp__certificate_read(&certificate, der, &reason);
    check_slices(&certificate);
    FUZZ_CHECK(good == (reason == NULL));
    if (good) {
        rp_public_key key;
        rp_signature_algorithm algorithm;
        check_names(&certificate);
        check_constraints(&certificate);
        FUZZ_CHECK((rp__public_key_read(&key, certificate.public_key) == NULL) ==
                   (key.kind != RP_KEY_NONE));
        if (rp__signature_algorithm_read(&algorithm, certificate.algorithm) == NULL)
            FUZZ_CHECK(algorithm.scheme != RP_SIGNATURE_NONE);
    } else {
        fuzz_feature_text(1, reason);
    }
    check_as_anchor(der, good);
    free(copy);
    return 0;
}
