/* test_x509_crl.c - what CRLs say of a path, rule by rule; and which CRLs can't be used. */
#include "support/der_change.h"
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

static chain with_rsa = {LEAF(), INT(.key = CHAIN_RSA), ROOT};
static chain with_ed25519 = {LEAF(), INT(.key = CHAIN_ED25519), ROOT};
static chain with_points = {LEAF(.points = "uri:http://crl.test/1;dir:CN=two"), INT(), ROOT};
/* The same point in both, in the second for some reasons only. */
static chain with_point = {
    LEAF(.extensions = {{"2.5.29.31", false,
                         "30173015a013a011860f687474703a2f2f63726c2e74657374"}}),
    INT(), ROOT};
static chain with_reasons = {
    LEAF(.extensions = {{"2.5.29.31", false,
                         "301b3019a013a011860f687474703a2f2f63726c2e7465737481020640"}}),
    INT(), ROOT};
/* RFC 5280, 4.1.2.2 has 20 octets at most; some authorities have more. */
#define SERIAL_32 "7f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
static chain long_serial = {LEAF(.serial = SERIAL_32 "20"), INT(), ROOT};
static chain no_crl_sign = {LEAF(), INT(.usage = 0x04), ROOT};
static chain any_usage = {
    LEAF(), {.subject = "Int", .issuer = 2, .flags = CHAIN_CA | CHAIN_NO_KEY_USAGE}, ROOT};

static const revocation_case lists[] = {
    {"good by CRLs", NULL, HARD, {GOOD_LISTS}, -1, .status = RP_OK},
    {"none", NULL, SOFT, {{0}}, -1, .status = RP_OK},
    {"none, hard", NULL, HARD, {{0}}, -1, UNKNOWN("there is no CRL of its issuer")},
    {"revoked", NULL, SOFT, {{.issuer = 1, .entries = "01"}}, -1, REVOKED("")},
    {"revoked, among others",
     NULL,
     SOFT,
     {{.issuer = 1, .entries = "0100;7f;0102;02;00;01=1;03"}},
     -1,
     REVOKED(" (keyCompromise)")},
    {"another's number",
     NULL,
     HARD,
     {{.issuer = 1, .entries = "02"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"the issuer is revoked",
     NULL,
     SOFT,
     {{.issuer = 2, .entries = "02=2"}},
     -1,
     .status = RP_E_CERT_REVOKED,
     .text = "issuer certificate \"Int\" of PEER was revoked on 2027-01-13 (cACompromise)"},
    {"the anchor is not judged",
     NULL,
     HARD,
     {{.issuer = 2, .entries = "03"}, {.issuer = 1}},
     -1,
     .status = RP_OK},
    {"of the leaf's issuer only",
     NULL,
     HARD,
     {{.issuer = 1}},
     -1,
     .status = RP_E_CERT_STATUS_UNKNOWN,
     .text = "issuer certificate \"Int\" of PEER may be revoked: there is no CRL of its issuer"},
    {"removed from a delta that is none",
     NULL,
     SOFT,
     {{.issuer = 1, .entries = "01=8"}},
     -1,
     REVOKED(" (removeFromCRL)")},
    {"on hold", NULL, SOFT, {{.issuer = 1, .entries = "01=6"}}, -1, REVOKED(" (certificateHold)")},
    {"version 1",
     NULL,
     HARD,
     {{.issuer = 1, .flags = CRL_VERSION_1}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"version 1, revoked",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_VERSION_1, .entries = "01"}},
     -1,
     REVOKED("")},
    {"signed by RSA", &with_rsa, HARD, {GOOD_LISTS}, -1, .status = RP_OK},
    {"signed by RSA-PSS",
     &with_rsa,
     HARD,
     {{.issuer = 1, .signature = CHAIN_PSS_SHA256}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"signed by Ed25519", &with_ed25519, HARD, {GOOD_LISTS}, -1, .status = RP_OK},
    {"bad signature",
     NULL,
     HARD,
     {{.issuer = 1, .flags = CRL_BAD_SIGNATURE}, {.issuer = 2}},
     -1,
     UNKNOWN("the CRL of its issuer has a bad signature")},
    {"bad signature, revoked",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_BAD_SIGNATURE, .entries = "01"}},
     -1,
     .status = RP_OK},
    {"signed by another of that name",
     NULL,
     SOFT,
     {{.issuer = 1, .signer = 5, .entries = "01"}},
     -1,
     .status = RP_OK},
    {"signed by the root",
     NULL,
     HARD,
     {{.issuer = 1, .signer = 3}, {.issuer = 2}},
     -1,
     UNKNOWN("the CRL of its issuer has a bad signature")},
    {"a bad one before and behind a good one",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_BAD_SIGNATURE},
      {.issuer = 1, .entries = "01"},
      {.issuer = 1, .signer = 3}},
     -1,
     REVOKED("")},
    {"a serial number of 33 octets",
     &long_serial,
     HARD,
     {{.issuer = 1, .entries = SERIAL_32 "20"}, {.issuer = 2}},
     -1,
     REVOKED("")},
    {"not quite that of 33 octets",
     &long_serial,
     HARD,
     {{.issuer = 1, .entries = SERIAL_32 ";" SERIAL_32 "21;" SERIAL_32 "2000"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"may not sign CRLs",
     &no_crl_sign,
     HARD,
     {GOOD_LISTS},
     -1,
     UNKNOWN("its issuer's key usage does not allow CRLs")},
    {"may not sign CRLs, and revokes",
     &no_crl_sign,
     SOFT,
     {{.issuer = 1, .entries = "01"}},
     -1,
     REVOKED("")},
    {"may not sign CRLs, and somebody else revokes",
     &no_crl_sign,
     SOFT,
     {{.issuer = 1, .entries = "01", .signer = 3}},
     -1,
     .status = RP_OK},
    {"says nothing of usage", &any_usage, HARD, {GOOD_LISTS}, -1, .status = RP_OK},
    {"ends now",
     NULL,
     HARD,
     {{.issuer = 1, .next_update = CHAINS_NOW}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"ended",
     NULL,
     HARD,
     {{.issuer = 1, .next_update = CHAINS_NOW - 1}, {.issuer = 2}},
     -1,
     UNKNOWN("the CRL of its issuer is out of date since 2027-01-15")},
    {"ended, soft",
     NULL,
     SOFT,
     {{.issuer = 1, .next_update = CHAINS_NOW - 1}},
     -1,
     .status = RP_OK},
    {"ended, revoked",
     NULL,
     SOFT,
     {{.issuer = 1, .next_update = CHAINS_NOW - 1, .entries = "01"}},
     -1,
     REVOKED("")},
    {"begins now",
     NULL,
     HARD,
     {{.issuer = 1, .this_update = CHAINS_NOW}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"not yet",
     NULL,
     HARD,
     {{.issuer = 1, .this_update = CHAINS_NOW + 1}, {.issuer = 2}},
     -1,
     UNKNOWN("the CRL of its issuer is not valid before 2027-01-15")},
    {"an old one and a new one",
     NULL,
     HARD,
     {{.issuer = 1, .next_update = CHAINS_NOW - 1}, {.issuer = 1}, {.issuer = 2}},
     -1,
     .status = RP_OK},
};

static void crls(void **state)
{
    (void)state;
    revocation_check(lists, COUNT(lists));
}

#define FOR_OTHERS UNKNOWN("the CRLs of its issuer are for others (issuingDistributionPoint)")
#define AUTHORITY_FOR_OTHERS                                                                       \
    .status = RP_E_CERT_STATUS_UNKNOWN,                                                            \
    .text = "issuer certificate \"Int\" of PEER may be revoked: "                                  \
            "the CRLs of its issuer are for others (issuingDistributionPoint)"

static const revocation_case scopes[] = {
    {"users", NULL, HARD, {{.issuer = 1, .flags = CRL_USERS}, {.issuer = 2}}, -1, .status = RP_OK},
    {"authorities",
     NULL,
     HARD,
     {{.issuer = 1}, {.issuer = 2, .flags = CRL_AUTHORITIES}},
     -1,
     .status = RP_OK},
    {"users, of an authority",
     NULL,
     HARD,
     {{.issuer = 1}, {.issuer = 2, .flags = CRL_USERS}},
     -1,
     AUTHORITY_FOR_OTHERS},
    {"authorities, of a user",
     NULL,
     HARD,
     {{.issuer = 1, .flags = CRL_AUTHORITIES}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"authorities, of a user, soft",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_AUTHORITIES}},
     -1,
     .status = RP_OK},
    {"listed where nobody looks for it",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_AUTHORITIES, .entries = "01"}},
     -1,
     REVOKED("")},
    {"some reasons",
     NULL,
     HARD,
     {{.issuer = 1, .flags = CRL_SOME_REASONS}, {.issuer = 2}},
     -1,
     UNKNOWN("the CRL of its issuer is about some reasons only")},
    {"some reasons, revoked",
     NULL,
     SOFT,
     {{.issuer = 1, .flags = CRL_SOME_REASONS, .entries = "01=1"}},
     -1,
     REVOKED(" (keyCompromise)")},
    {"its point",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test/1"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"its second point",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "dir:CN=TWO"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"one of the CRL's names",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "uri:ldap://x;uri:http://crl.test/1"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"another point",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test/2"}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"the same text of another kind",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "dns:http://crl.test/1"}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"a part of its point",
     &with_points,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test/"}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"another point, revoked",
     &with_points,
     SOFT,
     {{.issuer = 1, .point = "uri:http://crl.test/2", .entries = "01"}},
     -1,
     REVOKED("")},
    {"a point of a certificate without",
     NULL,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test/1"}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"a relative point",
     &with_points,
     HARD,
     {{.issuer = 1, .flags = CRL_RELATIVE_POINT}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"a point for all reasons",
     &with_point,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test"}, {.issuer = 2}},
     -1,
     .status = RP_OK},
    {"a point for some reasons",
     &with_reasons,
     HARD,
     {{.issuer = 1, .point = "uri:http://crl.test"}, {.issuer = 2}},
     -1,
     FOR_OTHERS},
    {"no point, for all", &with_points, HARD, {GOOD_LISTS}, -1, .status = RP_OK},
    {"two halves are whole",
     NULL,
     HARD,
     {{.issuer = 1, .flags = CRL_USERS},
      {.issuer = 1, .flags = CRL_AUTHORITIES},
      {.issuer = 2, .flags = CRL_AUTHORITIES}},
     -1,
     .status = RP_OK},
};

static void crl_scopes(void **state)
{
    (void)state;
    revocation_check(scopes, COUNT(scopes));
}

static const struct {
    crl_spec crl;
    const char *reason;
} unusable[] = {
    {{.extensions = {{"2.5.29.27", true, "020101"}}}, "it is a delta CRL, which is not supported"},
    {{.extensions = {{"2.5.29.27", false, "020101"}}}, "it is a delta CRL, which is not supported"},
    {{.flags = CRL_INDIRECT}, "it is an indirect CRL, which is not supported"},
    {{.more_entries = "3022020101170d3237303131333038303030305a300e300c0603551d1d01"
                      "01ff04023000"},
     "it is an indirect CRL, which is not supported"},
    {{.more_entries = "301f020101170d3237303131333038303030305a300b30090603551d1d04"
                      "023000"},
     "it is an indirect CRL, which is not supported"},
    {{.more_entries = "3022020101170d3237303131333038303030305a300e300c06032a030401"
                      "01ff04020500"},
     "an entry of it has a critical extension that is not known"},
    {{.more_entries = "301f020101170d3237303131333038303030305a300b300906032a030404"
                      "020500"},
     NULL},
    {{.more_entries = "3023020101170d3237303131333038303030305a300f300d0603551d1501"
                      "01ff04030a0101"},
     NULL},
    {{.more_entries = "302c020101170d3237303131333038303030305a3018300a0603551d1504"
                      "030a0101300a0603551d1504030a0101"},
     "an entry of it is malformed"},
    {{.more_entries = "3020020101170d3237303131333038303030305a300c300a0603551d1504"
                      "03020101"},
     "an entry of it is malformed"},
    {{.more_entries = "3021020101170d3237303131333038303030305a300d300b0603551d1504"
                      "040a020101"},
     "an entry of it is malformed"},
    {{.more_entries = "302e020101170d3237303131333038303030305a301a30180603551d1804"
                      "11180f32303237303131333038303030305a"},
     NULL},
    {{.more_entries = "3014020101170d3237303131333038303030305a3000"},
     "an entry of it is malformed"},
    {{.more_entries = "3014020101170d3237303131333038303030305a0500"},
     "an entry of it is malformed"},
    {{.more_entries = "301302020001170d3237303131333038303030305a"}, "an entry of it is malformed"},
    {{.more_entries = "30120401ff170d3237303131333038303030305a"}, "an entry of it is malformed"},
    {{.more_entries = "3003020101"}, "an entry of it is malformed"},
    {{.more_entries = "3011020101170c323730323133303830303030"}, "an entry of it is malformed"},
    {{.entries = "01=7"}, "an entry of it is malformed"},
    {{.entries = "01=11"}, "an entry of it is malformed"},
    {{.extensions = {{"1.2.3.4", true, "0500"}}}, "it has a critical extension that is not known"},
    {{.extensions = {{"2.5.29.35", true, "3000"}}},
     "it has a critical extension that is not known"},
    {{.extensions = {{"2.5.29.35", false, "3000"}, {"2.5.29.35", false, "3000"}}},
     "it has an extension twice"},
    {{.more_extensions = "3003020101"}, "its extensions are malformed"},
    {{.flags = CRL_EMPTY_POINT}, "its issuingDistributionPoint is malformed"},
    {{.flags = CRL_USERS | CRL_AUTHORITIES}, "its issuingDistributionPoint is malformed"},
    {{.flags = CRL_ATTRIBUTES}, "it is for attribute certificates only"},
    {{.flags = CRL_NO_NEXT_UPDATE}, "it has no nextUpdate"},
    {{.next_update = CHAINS_NOW - 2 * CHAINS_DAY}, "its nextUpdate is malformed"},
    {{.flags = CRL_TWO_ALGORITHMS}, "it names two signature algorithms"},
    {{.signature = CHAIN_SHA1}, "it is signed with SHA-1, which is broken"},
    {{.flags = CRL_VERSION_1, .entries = "01", .extensions = {{"1.2.3.4", false, "0500"}}}, NULL},
};

static void crls_that_cannot_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unusable); i++) {
        made_case made;
        crl_spec crl = unusable[i].crl;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        crl.issuer = 1;
        const char *reason = revocation_take_spec(&made, plain_chain, &crl);
        if (unusable[i].reason == NULL ? reason != NULL
                                       : reason == NULL || strcmp(reason, unusable[i].reason) != 0)
            fail_msg("%zu: %s", i, reason);
        assert_int_equal(rp__crls_count(made.revocation.crls), reason == NULL);
        revocation_unmake(&made);
    }
}

/* What is cut off or changed is refused, or says nothing of anybody. */
static void tampered_crls(void **state)
{
    (void)state;
    revocation_case base = {.policy = HARD, .crls = {{.issuer = 2}}, .stapled = -1};
    crl_spec revokes = {.issuer = 1, .entries = "01=1", .flags = CRL_USERS};
    rp_slice der = chain_crl(plain_chain, &revokes);
    uint8_t *bytes = malloc(der.size);
    assert_non_null(bytes);
    for (size_t at = 0; at < der.size; at++) {
        made_case made;
        memcpy(bytes, der.data, der.size);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        revocation_make(&made, &base);
        assert_non_null(revocation_take(&made, (rp_slice){der.data, at > 0 ? at : 1}));
        (void)revocation_take(&made, (rp_slice){bytes, der.size});
        rp_error error = revocation_verdict(&made, CHAINS_NOW);
        if (error.status != RP_E_CERT_STATUS_UNKNOWN)
            fail_msg("byte %zu: %s", at, error.text);
        revocation_unmake(&made);
    }
    free(bytes);
    chain_free(&der, 1);
}

/* As many extensions as there may be, and one more; all of them different. */
static void many_extensions(void **state)
{
    (void)state;
    for (int more = 31; more <= 32; more++) { /* beside cRLNumber */
        char text[32 * 32];
        text[0] = '\0';
        for (int i = 0; i < more; i++)
            snprintf(text + strlen(text), 32, "300806032a03%02x040105", i);
        made_case made;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        const char *reason = revocation_take_spec(
            &made, plain_chain, &(crl_spec){.issuer = 1, .more_extensions = text});
        if (more == 31)
            assert_null(reason);
        else
            assert_string_equal(reason, "it has too many extensions");
        revocation_unmake(&made);
    }
}

/* Whatever element is changed. */
static void changed_crls(void **state)
{
    static const crl_spec all[] = {
        {.issuer = 1,
         .entries = "01=1;02",
         .point = "uri:http://crl.test/1;dir:CN=x",
         .flags = CRL_USERS | CRL_SOME_REASONS,
         .extensions = {{"2.5.29.35", false, "3000"}}},
        {.issuer = 1, .flags = CRL_RELATIVE_POINT},
    };
    (void)state;
    revocation_case base = {.policy = HARD, .crls = {{.issuer = 2}}, .stapled = -1};
    for (size_t i = 0; i < COUNT(all); i++) {
        rp_slice der = chain_crl(plain_chain, &all[i]), changed;
        for (int kind = 0; kind < DER_CHANGE_KINDS; kind++) {
            for (size_t at = 0; der_change(der, at, (der_change_kind)kind, &changed); at++) {
                made_case made;
                revocation_make(&made, &base);
                if (changed.size > 0)
                    (void)revocation_take(&made, changed);
                rp_error error = revocation_verdict(&made, CHAINS_NOW);
                bool same = rp__slice_equal(changed, der); /* it was empty before */
                if (error.status != RP_E_CERT_STATUS_UNKNOWN && !same)
                    fail_msg("list %zu, change %d of element %zu: %s", i, kind, at, error.text);
                revocation_unmake(&made);
                chain_free(&changed, 1);
            }
        }
        chain_free(&der, 1);
    }
}

/* Many entries: each is found, others are not, at a price of 8 to 12 bytes each. */
static void long_list(void **state)
{
    enum { ENTRIES = 100000 };
    (void)state;
    char *text = malloc(ENTRIES * 8), *at = text;
    assert_non_null(text);
    for (unsigned i = 0; i < ENTRIES; i++)
        at += snprintf(at, 8, "1%05x;", i);
    at[-1] = '\0';
    made_case made;
    revocation_case base = {.policy = HARD, .stapled = -1};
    revocation_make(&made, &base);
    crl_spec all = {.issuer = 1, .entries = text};
    assert_null(revocation_take_spec(&made, plain_chain, &all));
    rp_certificate leaf, issuer;
    rp_public_key key;
    const char *reason;
    assert_true(rp__certificate_read(&leaf, made.certificates[0], &reason));
    assert_true(rp__certificate_read(&issuer, made.certificates[1], &reason));
    assert_null(rp__public_key_read(&key, issuer.public_key));
    for (unsigned i = 0; i < 2 * ENTRIES; i += 7) {
        uint8_t serial[3] = {(uint8_t)(0x10 | i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        leaf.serial = (rp_slice){serial, 3};
        rp_standing standing =
            rp__crls_judge(made.revocation.crls, &leaf, (rp_issuer){&issuer, &key}, CHAINS_NOW);
        assert_int_equal(standing.kind, i < ENTRIES ? RP_STANDING_REVOKED : RP_STANDING_GOOD);
    }
    revocation_unmake(&made);
    free(text);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

/* Two ways up: where one is revoked the other is taken, and if both are, that is told. */
static void other_ways(void **state)
{
    (void)state;
    static const chain_spec specs[] = {
        LEAF(),
        {.subject = "Int", .issuer = 3, .flags = CHAIN_CA, .key_number = 100, .serial = "21"},
        {.subject = "Int", .issuer = 3, .flags = CHAIN_CA, .key_number = 100, .serial = "22"},
        {.subject = "Root", .issuer = -1, .flags = CHAIN_CA},
    };
    static const struct {
        const char *entries;
        rp_status status;
    } cases[] = {{"21", RP_OK}, {"22", RP_OK}, {"21;22", RP_E_CERT_REVOKED}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        made_case made;
        revocation_case nothing = {.stapled = -1};
        revocation_make(&made, &nothing);
        rp_slice der[4];
        chain_make(der, specs, 4);
        rp_anchors *anchors = rp__anchors_create(&made.memory);
        assert_int_equal(rp__anchors_add(anchors, der[3], NULL), RP_OK);
        crl_spec crl = {.issuer = 3, .entries = cases[i].entries};
        assert_null(revocation_take_spec(&made, specs, &crl));
        rp_path path;
        rp_path_options options = {.anchors = anchors,
                                   .purpose = RP_PURPOSE_SERVER,
                                   .now = CHAINS_NOW,
                                   .revocation = &made.revocation};
        assert_true(rp__path_find(&path, der, 3, &options) == (cases[i].status == RP_OK));
        assert_int_equal(path.failure.status, cases[i].status);
        made.revocation.on = false;
        assert_true(rp__path_find(&path, der, 3, &options));
        rp__anchors_destroy(anchors);
        chain_free(der, 4);
        revocation_unmake(&made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crls),
        cmocka_unit_test(crl_scopes),
        cmocka_unit_test(crls_that_cannot_be_used),
        cmocka_unit_test(tampered_crls),
        cmocka_unit_test(many_extensions),
        cmocka_unit_test(changed_crls),
        cmocka_unit_test(long_list),
        cmocka_unit_test(other_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
