/* fuzz_x509_crl.c - CRLs: what is read ends in a verdict, and none counts that was not signed.
 *
 * Input: a byte that says which list, of those below or the input itself; for those, how much is
 * cut off (two bytes), and changes: where (two bytes), and what is combined with what is there. */
#include "fuzz/support/fuzz.h"
#include "support/chains.h"
#include "x509/crl.h"
#include "x509/der.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_LIMIT 8

static const chain_spec chain[] = {
    {.subject = "host.test", .issuer = 1, .points = "uri:http://crl.test/1"},
    {.subject = "Int", .issuer = -1, .flags = CHAIN_CA},
};

static const crl_spec lists[] = {
    {.issuer = 1, .entries = "01=1;02;0300"},
    {.issuer = 1, .entries = "02=6;7f=9", .point = "uri:http://crl.test/1", .flags = CRL_USERS},
    {.issuer = 1, .flags = CRL_AUTHORITIES | CRL_SOME_REASONS},
    {.issuer = 1, .flags = CRL_VERSION_1, .entries = "01;02"},
    {.issuer = 1, .point = "uri:http://crl.test/2", .extensions = {{"1.2.3.4", false, "0500"}}},
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

typedef struct world {
    rp_slice certificates[2], lists[LISTS];
    rp_certificate leaf, issuer;
    rp_public_key key;
} world;

static const world *the_world(void)
{
    static world made;
    const char *reason;
    if (made.certificates[0].data != NULL)
        return &made;
    chain_make(made.certificates, chain, 2);
    FUZZ_CHECK(rp__certificate_read(&made.leaf, made.certificates[0], &reason));
    FUZZ_CHECK(rp__certificate_read(&made.issuer, made.certificates[1], &reason));
    FUZZ_CHECK(rp__public_key_read(&made.key, made.issuer.public_key) == NULL);
    for (size_t i = 0; i < LISTS; i++)
        made.lists[i] = chain_crl(chain, &lists[i]);
    return &made;
}

static rp_standing judge(const world *of, uint8_t *der, size_t size, rp_memory *memory)
{
    const char *reason = NULL;
    rp_crls *crls = rp__crls_create(memory);
    FUZZ_CHECK(crls != NULL);
    rp_status status = rp__crls_take(crls, der, size, &reason);
    FUZZ_CHECK(status == RP_OK ? reason == NULL : status == RP_E_CERT_INVALID && reason != NULL);
    rp_standing standing =
        rp__crls_judge(crls, &of->leaf, (rp_issuer){&of->issuer, &of->key}, CHAINS_NOW);
    FUZZ_CHECK(standing.kind != RP_STANDING_UNKNOWN || standing.reason != NULL);
    fuzz_feature_text(1, reason != NULL ? reason : standing.reason != NULL ? standing.reason : "");
    rp__crls_destroy(crls);
    return standing;
}

/* Where TBSCertList stands. */
static rp_slice signed_part(rp_slice der)
{
    rp_slice fields, part;
    FUZZ_CHECK(rp__der_get(&der, RP_DER_SEQUENCE, &fields));
    FUZZ_CHECK(rp__der_element(&fields, RP_DER_SEQUENCE, &part));
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const world *of = the_world();
    size_t which = fuzz_byte(&input) % (LISTS + 1);
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_slice list = which < LISTS ? of->lists[which] : (rp_slice){input.data, input.size};
    if (list.size == 0)
        return 0;
    uint8_t *der = rp__allocate(&memory, list.size);
    FUZZ_CHECK(der != NULL);
    memcpy(der, list.data, list.size);
    size_t cut = which < LISTS ? fuzz_u16(&input) % list.size : 0;
    for (int i = 0; i < CHANGES_LIMIT && input.size > 0 && which < LISTS; i++) {
        uint32_t at = fuzz_u16(&input);
        der[at % list.size] ^= fuzz_byte(&input);
    }
    bool is_signed = false;
    if (which < LISTS) {
        rp_slice part = signed_part(list);
        is_signed = memcmp(der + (part.data - list.data), part.data, part.size) == 0;
    }
    bool genuine = is_signed && cut == 0 && memcmp(der, list.data, list.size) == 0;
    rp_standing standing = judge(of, der, list.size - cut, &memory);
    FUZZ_CHECK(is_signed || which == LISTS || standing.kind == RP_STANDING_UNKNOWN);
    FUZZ_CHECK(!genuine || (standing.kind == RP_STANDING_REVOKED) == (which == 0 || which == 3));
    FUZZ_CHECK(memory.live == 0);
    return 0;
}
