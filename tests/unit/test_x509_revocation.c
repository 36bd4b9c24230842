/* test_x509_revocation.c - the store of CRLs: whom a list's signature is remembered of, what it
 * holds, its limits and its memory; and how many ways up are asked. What a list says:
 * test_x509_crl.c. */
#include "support/revocation_case.h"
#include "x509/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Whose list it is ------------------------------------------------------------------------ */

typedef struct authority {
    rp_slice der;
    rp_certificate certificate;
    rp_public_key key;
} authority;

static void read_authority(authority *made, const chain_spec *specs, size_t index)
{
    const char *reason;
    made->der = chain_certificate(specs, index);
    assert_true(rp__certificate_read(&made->certificate, made->der, &reason));
    assert_null(rp__public_key_read(&made->key, made->certificate.public_key));
}

/* Authorities of one name: who signed a list is remembered of a key, not of a name, and neither
 * that one did nor that one did not is believed of another. */
static void signers_are_keys(void **state)
{
    (void)state;
    static const chain_spec specs[] = {LEAF(),
                                       {.subject = "Int", .issuer = -1, .flags = CHAIN_CA},
                                       {.subject = "Int", .issuer = -1, .flags = CHAIN_CA},
                                       {.subject = "Int", .issuer = -1, .flags = CHAIN_CA}};
    static const unsigned turns[] = {1, 2, 1, 2, 3, 1, 3, 2, 2, 1, 1};
    made_case made;
    authority all[4];
    revocation_case nothing = {.stapled = -1};
    revocation_make(&made, &nothing);
    for (size_t i = 0; i < 4; i++)
        read_authority(&all[i], specs, i);
    assert_null(revocation_take_spec(&made, specs, &(crl_spec){.issuer = 1, .entries = "01"}));
    for (size_t i = 0; i < COUNT(turns); i++) {
        const authority *of = &all[turns[i]];
        rp_standing standing = rp__crls_judge(made.revocation.crls, &all[0].certificate,
                                              (rp_issuer){&of->certificate, &of->key}, CHAINS_NOW);
        if (standing.kind != (turns[i] == 1 ? RP_STANDING_REVOKED : RP_STANDING_UNKNOWN))
            fail_msg("turn %zu", i);
    }
    for (size_t i = 0; i < 4; i++)
        chain_free(&all[i].der, 1);
    revocation_unmake(&made);
}

/* Authorities with the issuer's name and key, each signed by a root of its own; only the last root
 * has a CRL. RP_PATH_REVOCATIONS_LIMIT ways are asked, and no more. */
static void ways_are_limited(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= RP_PATH_REVOCATIONS_LIMIT + 1; count++) {
        chain_spec specs[2 + 2 * RP_PATH_REVOCATIONS_LIMIT + 2] = {LEAF()};
        rp_slice der[COUNT(specs)];
        made_case made;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        rp_anchors *anchors = rp__anchors_create(&made.memory);
        for (unsigned i = 1; i <= count; i++) {
            specs[i] = (chain_spec){
                .subject = "Int", .issuer = (int)(count + i), .flags = CHAIN_CA, .key_number = 100};
            specs[count + i] = (chain_spec){.subject = "Root", .issuer = -1, .flags = CHAIN_CA};
        }
        chain_make(der, specs, 1 + 2 * count);
        for (unsigned i = 1; i <= count; i++)
            assert_int_equal(rp__anchors_add(anchors, der[count + i], NULL), RP_OK);
        assert_null(revocation_take_spec(&made, specs, &(crl_spec){.issuer = 1}));
        assert_null(revocation_take_spec(&made, specs, &(crl_spec){.issuer = (int)(2 * count)}));
        rp_path path;
        made.revocation.hard = true;
        rp_path_options options = {.anchors = anchors,
                                   .purpose = RP_PURPOSE_SERVER,
                                   .now = CHAINS_NOW,
                                   .revocation = &made.revocation};
        bool found = rp__path_find(&path, der, 1 + count, &options);
        assert_int_equal(found, count <= RP_PATH_REVOCATIONS_LIMIT);
        if (!found) {
            assert_int_equal(path.failure.status, RP_E_CERT_STATUS_UNKNOWN);
            assert_ptr_equal(path.failure.certificate, &path.sent[1]); /* the first way's */
        }
        rp__anchors_destroy(anchors);
        chain_free(der, 1 + 2 * count);
        revocation_unmake(&made);
    }
}

/* ---- Forms ----------------------------------------------------------------------------------- */

#define POINT(hex) .extensions = {{"2.5.29.28", true, hex}}
#define MALFORMED_POINT "its issuingDistributionPoint is malformed"

static const struct {
    crl_spec crl;
    const char *reason;
} forms[] = {
    /* FALSE, which DER leaves out, means what it means where it is not written. */
    {{POINT("3003810100")}, NULL},
    {{POINT("3003820100")}, NULL},
    {{POINT("300f81010082010083020640840100850100")}, MALFORMED_POINT}, /* its length */
    {{POINT("301081010082010083020640840100850100")}, NULL},
    {{POINT("3003810101")}, MALFORMED_POINT},
    {{POINT("30048102ffff")}, MALFORMED_POINT},
    {{POINT("30028100")}, MALFORMED_POINT},
    {{POINT("3003820101")}, MALFORMED_POINT},
    {{POINT("3003840101")}, MALFORMED_POINT},
    {{POINT("3003850101")}, MALFORMED_POINT},
    {{POINT("3006840100810100")}, MALFORMED_POINT}, /* the order */
    {{POINT("3004a002a000")}, MALFORMED_POINT},
    {{POINT("3006a004a1000500")}, MALFORMED_POINT},
    {{POINT("3006a004a0028200")}, NULL},
    /* From 2050 on a GeneralizedTime. */
    {{.next_update = INT64_C(2556144000)}, NULL},
};

static void lists_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        made_case made;
        crl_spec crl = forms[i].crl;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        crl.issuer = 1;
        const char *reason = revocation_take_spec(&made, plain_chain, &crl);
        if (forms[i].reason == NULL ? reason != NULL
                                    : reason == NULL || strcmp(reason, forms[i].reason) != 0)
            fail_msg("%zu: %s", i, reason);
        revocation_unmake(&made);
    }
}

/* Flags that say FALSE put nobody out of the list's scope. */
static const revocation_case scopes[] = {
    {"nobody is put out",
     NULL,
     HARD,
     {{.issuer = 1, POINT("3003810100")}, {.issuer = 2, POINT("3003820100")}},
     -1,
     .status = RP_OK},
};

#define WITH_POINTS(hex)                                                                           \
    {                                                                                              \
        LEAF(.extensions = {{"2.5.29.31", false, hex}}), INT(), ROOT                               \
    }

/* Points of a certificate that are not the list's. */
static void other_points(void **state)
{
    (void)state;
    static chain all[] = {
        WITH_POINTS("3000"),
        WITH_POINTS("30063004a002a000"),
        WITH_POINTS("30063004a002a100"),
        WITH_POINTS("300a3008a006a00486027578"),       /* ux */
        WITH_POINTS("30073005a203860175"),             /* u as the issuer of lists */
        WITH_POINTS("300d300ba005a00386017581020640"), /* u for some reasons */
        WITH_POINTS("3018300ba005a003860175810206403009a007a0058603757878"), /* and uxx */
    };
    revocation_check(scopes, COUNT(scopes));
    for (size_t i = 0; i < COUNT(all); i++) {
        revocation_case one = {
            .what = "a point",
            .specs = &all[i],
            .policy = HARD,
            .crls = {{.issuer = 1, .point = "uri:u"}, {.issuer = 2}},
            .stapled = -1,
            UNKNOWN("the CRLs of its issuer are for others (issuingDistributionPoint)")};
        revocation_check(&one, 1);
    }
}

/* As many extensions of an entry as there may be, and one more. */
static void extensions_of_entries(void **state)
{
    (void)state;
    for (int count = 32; count <= 33; count++) {
        char text[34 * 32];
        int list = count * 10, entry = 3 + 15 + 4 + list;
        snprintf(text, sizeof(text), "3082%04x020101170d3237303131333038303030305a3082%04x",
                 (unsigned)entry, (unsigned)list);
        for (int i = 0; i < count; i++)
            snprintf(text + strlen(text), 32, "300806032a03%02x040105", (unsigned)i);
        made_case made;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        const char *reason = revocation_take_spec(&made, plain_chain,
                                                  &(crl_spec){.issuer = 1, .more_entries = text});
        if (count == 32)
            assert_null(reason);
        else
            assert_string_equal(reason, "an entry of it is malformed");
        revocation_unmake(&made);
    }
}

/* ---- The store ------------------------------------------------------------------------------- */

typedef struct seen {
    rp_slice whole[2];
    size_t count;
} seen;

static void see(rp_slice list, void *user)
{
    seen *all = user;
    bool one = false;
    for (size_t i = 0; i < 2; i++) {
        rp_slice whole = all->whole[i], content;
        assert_true(rp__der_get(&whole, RP_DER_SEQUENCE, &content));
        one = one || (list.size < content.size && memcmp(list.data, content.data, list.size) == 0);
    }
    assert_true(one);
    all->count++;
}

static void lists_are_lent(void **state)
{
    (void)state;
    made_case made;
    revocation_case nothing = {.stapled = -1};
    seen all = {{chain_crl(plain_chain, &(crl_spec){.issuer = 1, .entries = "01;02;03"}),
                 chain_crl(plain_chain, &(crl_spec){.issuer = 2, .entries = "04;05;06;07"})},
                0};
    revocation_make(&made, &nothing);
    for (size_t i = 0; i < 2; i++)
        assert_null(revocation_take(&made, all.whole[i]));
    rp__crls_each(made.revocation.crls, see, &all);
    assert_int_equal(all.count, 2);
    rp__crls_each(NULL, see, &all);
    assert_int_equal(all.count, 2);
    chain_free(all.whole, 2);
    revocation_unmake(&made);
}

static void store_is_limited(void **state)
{
    (void)state;
    made_case made;
    const char *reason = NULL;
    revocation_case nothing = {.stapled = -1};
    revocation_make(&made, &nothing);
    uint8_t *der = rp__allocate(&made.memory, RP_CRLS_BYTES_LIMIT + 1);
    assert_non_null(der);
    assert_int_equal(rp__crls_take(made.revocation.crls, der, RP_CRLS_BYTES_LIMIT + 1, &reason),
                     RP_E_CERT_INVALID);
    assert_string_equal(reason, "with it there are more than 128 MiB of CRLs");
    assert_int_equal(rp__crls_count(made.revocation.crls), 0);
    revocation_unmake(&made);
}

/* Each allocation fails once; what was taken over is given back all the same. */
static void no_memory(void **state)
{
    (void)state;
    rp_slice der = chain_crl(plain_chain, &(crl_spec){.issuer = 1, .entries = "01;02"});
    bool complete = false;
    for (uint64_t fail_in = 1; !complete; fail_in++) {
        rp_memory memory;
        const char *reason = NULL;
        rp__memory_init(&memory, (rp_allocator){.resize = NULL});
        uint8_t *copy = rp__allocate(&memory, der.size);
        memcpy(copy, der.data, der.size);
        memory.fail_in = fail_in;
        rp_crls *crls = rp__crls_create(&memory);
        if (crls == NULL) {
            assert_int_equal(fail_in, 1);
            rp__free(&memory, copy);
        } else {
            rp_status status = rp__crls_take(crls, copy, der.size, &reason);
            complete = status == RP_OK;
            assert_true(complete || status == RP_E_NO_MEMORY);
            assert_int_equal(rp__crls_count(crls), complete);
        }
        rp__crls_destroy(crls);
        assert_int_equal(memory.live, 0);
        assert_true(fail_in < 10);
    }
    chain_free(&der, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signers_are_keys),      cmocka_unit_test(ways_are_limited),
        cmocka_unit_test(lists_are_read),        cmocka_unit_test(other_points),
        cmocka_unit_test(extensions_of_entries), cmocka_unit_test(lists_are_lent),
        cmocka_unit_test(store_is_limited),      cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
