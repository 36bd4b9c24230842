/* revocation_case.c - see revocation_case.h. */
#include "support/revocation_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

chain plain_chain = {LEAF(), INT(), ROOT, RESPONDER(FOR_OCSP), {.subject = "Int", .issuer = 2}};

const char *revocation_take(made_case *made, rp_slice der)
{
    const char *reason = NULL;
    uint8_t *copy = rp__allocate(&made->memory, der.size);
    assert_non_null(copy);
    memcpy(copy, der.data, der.size);
    rp_status status = rp__crls_take(made->revocation.crls, copy, der.size, &reason);
    assert_true(status == RP_OK || status == RP_E_CERT_INVALID);
    assert_true((status == RP_OK) == (reason == NULL));
    return reason;
}

const char *revocation_take_spec(made_case *made, const chain_spec *specs, const crl_spec *crl)
{
    rp_slice der = chain_crl(specs, crl);
    const char *reason = revocation_take(made, der);
    chain_free(&der, 1);
    return reason;
}

static const chain_spec *specs_of(const revocation_case *the_case)
{
    return the_case->specs != NULL ? *the_case->specs : plain_chain;
}

void revocation_make(made_case *made, const revocation_case *the_case)
{
    const chain_spec *specs = specs_of(the_case);
    memset(made, 0, sizeof(*made));
    rp__memory_init(&made->memory, (rp_allocator){.resize = NULL});
    made->anchors = rp__anchors_create(&made->memory);
    made->revocation = (rp_revocation){.on = true,
                                       .hard = the_case->policy == HARD,
                                       .require_staple = the_case->policy == REQUIRE,
                                       .crls = rp__crls_create(&made->memory)};
    assert_true(made->anchors != NULL && made->revocation.crls != NULL);
    made->count = specs[0].issuer < 0 ? 1 : 3;
    chain_make(made->certificates, specs, made->count);
    assert_int_equal(rp__anchors_add(made->anchors, made->certificates[made->count - 1], NULL),
                     RP_OK);
    for (size_t i = 0; i < CRLS && the_case->crls[i].issuer != 0; i++) {
        const char *reason = revocation_take_spec(made, specs, &the_case->crls[i]);
        if (reason != NULL)
            fail_msg("%s: %s", the_case->what, reason);
    }
    if (the_case->stapled >= 0 &&
        (the_case->response.answers[0].given || the_case->response.status != 0))
        made->staples[the_case->stapled] = chain_ocsp(specs, &the_case->response);
}

void revocation_unmake(made_case *made)
{
    rp__anchors_destroy(made->anchors);
    rp__crls_destroy(made->revocation.crls);
    assert_int_equal(made->memory.live, 0);
    chain_free(made->certificates, made->count);
    chain_free(made->staples, SPECS);
}

rp_error revocation_verdict(const made_case *made, int64_t now)
{
    rp_error error = {.status = RP_OK};
    rp_path path;
    rp_staples staples = {SPECS, made->staples};
    rp_path_options options = {.anchors = made->anchors,
                               .purpose = RP_PURPOSE_SERVER,
                               .now = now,
                               .revocation = &made->revocation,
                               .staples = &staples};
    if (!rp__path_find(&path, made->certificates, made->count, &options))
        rp__path_failure_tell(&path, "PEER", &error);
    return error;
}

void revocation_check(const revocation_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        made_case made;
        revocation_make(&made, &cases[i]);
        for (int again = 0; again < 2; again++) { /* who signed a CRL is known then */
            rp_error error = revocation_verdict(&made, CHAINS_NOW);
            const char *text = cases[i].text != NULL ? cases[i].text : "";
            if (error.status != cases[i].status || strcmp(error.text, text) != 0)
                fail_msg("%s: %s: %s", cases[i].what, rp_status_name(error.status), error.text);
        }
        revocation_unmake(&made);
    }
}
