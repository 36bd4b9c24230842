/* fuzz_x509_ocsp.c - OCSP responses: what is read ends in a verdict, and none counts that was not
 * signed.
 *
 * Input: a byte that says which response, of those below or the input itself; for those, how much
 * is cut off (two bytes), and changes: where (two bytes), and what is combined with what is there.
 */
#include "fuzz/support/fuzz.h"
#include "support/chains.h"
#include "x509/der.h"
#include "x509/ocsp.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_LIMIT 8

static const chain_spec chain[] = {
    {.subject = "host.test", .issuer = 1},
    {.subject = "Int", .issuer = -1, .flags = CHAIN_CA},
    {.subject = "Responder", .issuer = 1, .purposes = "ocsp"},
    {.subject = "Int", .issuer = -1, .flags = CHAIN_CA},
    {.subject = "Responder", .issuer = 3, .purposes = "ocsp"},
};

static const struct {
    ocsp_spec response;
    rp_standing_kind kind;
} responses[] = {
    {{.responder = 1, .answers = {{.given = true}}}, RP_STANDING_GOOD},
    {{.responder = 2,
      .flags = OCSP_BY_KEY,
      .included = {1, 3},
      .answers = {{.given = true, .hash_bits = 256}}},
     RP_STANDING_GOOD},
    {{.responder = 1,
      .answers = {{.given = true}, {.given = true, .status = OCSP_REVOKED, .reason = 2}}},
     RP_STANDING_REVOKED},
    {{.responder = 4, .included = {5}, .answers = {{.given = true}}}, RP_STANDING_UNKNOWN},
    {{.responder = 1,
      .answers = {{.given = true, .serial = "05", .next_update = -1}, {.given = true}},
      .extension = {"1.3.6.1.5.5.7.48.1.2", false, "040101"}},
     RP_STANDING_GOOD},
    {{.status = 6}, RP_STANDING_UNKNOWN},
};
enum { RESPONSES = sizeof(responses) / sizeof(responses[0]) };

typedef struct world {
    rp_slice certificates[2], responses[RESPONSES];
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
    for (size_t i = 0; i < RESPONSES; i++)
        made.responses[i] = chain_ocsp(chain, &responses[i].response);
    return &made;
}

/* Where ResponseData stands; of no size if the response has none. */
static rp_slice signed_part(rp_slice der)
{
    rp_slice fields, field, bytes, type, basic, part = {der.data, 0};
    FUZZ_CHECK(rp__der_get(&der, RP_DER_SEQUENCE, &fields));
    FUZZ_CHECK(rp__der_get(&fields, RP_DER_ENUMERATED, &field));
    if (fields.size == 0)
        return part;
    FUZZ_CHECK(rp__der_get(&fields, RP_DER_CONTEXT_CONSTRUCTED | 0, &field));
    FUZZ_CHECK(rp__der_get(&field, RP_DER_SEQUENCE, &bytes));
    FUZZ_CHECK(rp__der_get(&bytes, RP_DER_OID, &type));
    FUZZ_CHECK(rp__der_get(&bytes, RP_DER_OCTET_STRING, &basic));
    FUZZ_CHECK(rp__der_get(&basic, RP_DER_SEQUENCE, &fields));
    FUZZ_CHECK(rp__der_element(&fields, RP_DER_SEQUENCE, &part));
    return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const world *of = the_world();
    size_t which = fuzz_byte(&input) % (RESPONSES + 1);
    bool own = which == RESPONSES;
    rp_slice response = own ? (rp_slice){input.data, input.size} : of->responses[which];
    uint8_t *der = fuzz_copy(response.data, response.size);
    size_t cut = own ? 0 : fuzz_u16(&input) % response.size;
    for (int i = 0; i < CHANGES_LIMIT && input.size > 0 && !own; i++) {
        uint32_t at = fuzz_u16(&input);
        der[at % response.size] ^= fuzz_byte(&input);
    }
    bool is_signed = false;
    if (!own) {
        rp_slice part = signed_part(response);
        is_signed = memcmp(der + (part.data - response.data), part.data, part.size) == 0;
    }
    bool genuine = is_signed && cut == 0 && memcmp(der, response.data, response.size) == 0;
    rp_standing standing = rp__ocsp_judge((rp_slice){der, response.size - cut}, &of->leaf,
                                          (rp_issuer){&of->issuer, &of->key}, NULL, CHAINS_NOW);
    FUZZ_CHECK(standing.kind != RP_STANDING_UNKNOWN || standing.reason != NULL);
    FUZZ_CHECK(standing.kind != RP_STANDING_NO_MEMORY);
    fuzz_feature_text(1, standing.reason != NULL ? standing.reason : "");
    FUZZ_CHECK(is_signed || own || standing.kind == RP_STANDING_UNKNOWN);
    FUZZ_CHECK(!genuine || standing.kind == responses[which].kind);
    free(der);
    return 0;
}
