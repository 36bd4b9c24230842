/* test_x509_ocsp.c - what stapled OCSP responses say of a path, rule by rule, and what is said of
 * those that can't be used. */
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
static chain must_staple = {LEAF(.extensions = {{"1.3.6.1.5.5.7.1.24", false, "3003020105"}}),
                            INT(), ROOT};
static chain other_feature = {LEAF(.extensions = {{"1.3.6.1.5.5.7.1.24", false, "3003020111"}}),
                              INT(), ROOT};
static chain bad_feature = {LEAF(.extensions = {{"1.3.6.1.5.5.7.1.24", false, "0500"}}), INT(),
                            ROOT};
static chain self = {{.subject = "host.test", .issuer = -1, .names = "host.test"}};
static chain late_responder = {
    LEAF(), INT(), ROOT,
    RESPONDER(FOR_OCSP, .not_before = CHAINS_NOW - 9 * CHAINS_DAY, .not_after = CHAINS_NOW - 1)};
static chain early_responder = {LEAF(), INT(), ROOT,
                                RESPONDER(FOR_OCSP, .not_before = CHAINS_NOW + 1)};
static chain server_responder = {LEAF(), INT(), ROOT, RESPONDER(OF_INT, .purposes = "server+any")};
static chain plain_responder = {LEAF(), INT(), ROOT, RESPONDER(OF_INT, .purposes = NULL)};
static chain responder_usage = {LEAF(), INT(), ROOT, RESPONDER(FOR_OCSP, .usage = 0x02)};
static chain responder_of_root = {LEAF(), INT(), ROOT, RESPONDER(.issuer = 2, .purposes = "ocsp")};
static chain responder_pretends = {LEAF(),
                                   INT(),
                                   ROOT,
                                   RESPONDER(.issuer = 4, .issuer_name = "Int", .purposes = "ocsp"),
                                   {.subject = "Other", .issuer = -1, .flags = CHAIN_CA}};
static chain responder_sha1 = {LEAF(), INT(), ROOT, RESPONDER(FOR_OCSP, .signature = CHAIN_SHA1)};
static chain responder_short = {LEAF(), INT(), ROOT, RESPONDER(FOR_OCSP, .key = CHAIN_RSA_1024)};
static chain responder_critical = {LEAF(), INT(), ROOT,
                                   RESPONDER(FOR_OCSP, .extensions = {{"1.2.3.4", true, "0500"}})};
static chain own_responder = {LEAF(.purposes = "server+ocsp"), INT(), ROOT};
static chain same_key_responder = {LEAF(.key_number = 200), INT(), ROOT,
                                   RESPONDER(FOR_OCSP, .key_number = 200)};

#define FOR_LEAF(...)                                                                              \
    {                                                                                              \
        .given = true, __VA_ARGS__                                                                 \
    }
#define BY_ISSUER(...) .response = {.responder = 1, .answers = {FOR_LEAF()}, __VA_ARGS__}
#define BY_DELEGATE(...)                                                                           \
    .response = {.responder = 3, .included = {4}, .answers = {FOR_LEAF()}, __VA_ARGS__}
#define SAYS(...) .response = {.responder = 1, .answers = {__VA_ARGS__}}
#define ROOT_LIST                                                                                  \
    {                                                                                              \
        {                                                                                          \
            .issuer = 2                                                                            \
        }                                                                                          \
    }
#define NO_STAPLE(reason)                                                                          \
    .status = RP_E_CERT_STAPLE, .text = "certificate of PEER may be revoked: " reason
#define BAD_STAPLE(what) NO_STAPLE("the stapled OCSP response " what)
#define REVOKED_BY_OCSP(how)                                                                       \
    .status = RP_E_CERT_REVOKED, .text = "certificate of PEER was revoked on 2027-01-12" how

static const revocation_case responses[] = {
    {"by the issuer", NULL, HARD, ROOT_LIST, BY_ISSUER()},
    {"by the issuer's key", NULL, HARD, ROOT_LIST, BY_ISSUER(.flags = OCSP_BY_KEY)},
    {"by a delegate", NULL, HARD, ROOT_LIST, BY_DELEGATE()},
    {"by a delegate's key", NULL, HARD, ROOT_LIST, BY_DELEGATE(.flags = OCSP_BY_KEY)},
    {"by RSA", &with_rsa, HARD, ROOT_LIST, BY_ISSUER()},
    {"by RSA-PSS", &with_rsa, HARD, ROOT_LIST, BY_ISSUER(.signature = CHAIN_PSS_SHA384)},
    {"by Ed25519", &with_ed25519, HARD, ROOT_LIST, BY_ISSUER()},
    {"required, and there", NULL, REQUIRE, {{0}}, BY_ISSUER()},
    {"required, and not there",
     NULL,
     REQUIRE,
     {{0}},
     -1,
     NO_STAPLE("no OCSP response was stapled to it")},
    {"required, and not there, but a CRL",
     NULL,
     REQUIRE,
     {GOOD_LISTS},
     -1,
     NO_STAPLE("no OCSP response was stapled to it")},
    {"SHA-256", NULL, REQUIRE, {{0}}, SAYS(FOR_LEAF(.hash_bits = 256))},
    {"SHA-384", NULL, REQUIRE, {{0}}, SAYS(FOR_LEAF(.hash_bits = 384))},
    {"SHA-512", NULL, REQUIRE, {{0}}, SAYS(FOR_LEAF(.hash_bits = 512))},
    {"another certificate",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.serial = "05")),
     BAD_STAPLE("is for another certificate")},
    {"a longer number",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.serial = "0101")),
     BAD_STAPLE("is for another certificate")},
    {"another issuer's key",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.issuer = 5)),
     BAD_STAPLE("is for another certificate")},
    {"another issuer's name",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.printable = true)),
     BAD_STAPLE("is for another certificate")},
    {"another issuer",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.issuer = 3)),
     BAD_STAPLE("is for another certificate")},
    {"the second answer", NULL, REQUIRE, {{0}}, SAYS(FOR_LEAF(.serial = "05"), FOR_LEAF())},
    {"revoked", NULL, SOFT, {{0}}, SAYS(FOR_LEAF(.status = OCSP_REVOKED)), REVOKED_BY_OCSP("")},
    {"revoked, with a reason",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED, .reason = 5)),
     REVOKED_BY_OCSP(" (superseded)")},
    {"another one is revoked",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED, .serial = "05"), FOR_LEAF())},
    {"good and revoked",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(), FOR_LEAF(.status = OCSP_REVOKED)),
     REVOKED_BY_OCSP("")},
    {"revoked and good",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED, .hash_bits = 256), FOR_LEAF()),
     REVOKED_BY_OCSP("")},
    {"revoked, of old",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED, .next_update = CHAINS_NOW - 1)),
     REVOKED_BY_OCSP("")},
    {"a reason that is none",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED, .reason = 8)),
     BAD_STAPLE("is malformed")},
    {"not known",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.status = OCSP_UNKNOWN)),
     BAD_STAPLE("says that it is not known")},
    {"good and not known",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(), FOR_LEAF(.status = OCSP_UNKNOWN)),
     BAD_STAPLE("says that it is not known")},
    {"good, but revoked by a CRL",
     NULL,
     SOFT,
     {{.issuer = 1, .entries = "01"}},
     BY_ISSUER(),
     REVOKED("")},
    {"good by a CRL, but revoked",
     NULL,
     HARD,
     {GOOD_LISTS},
     SAYS(FOR_LEAF(.status = OCSP_REVOKED)),
     REVOKED_BY_OCSP("")},
    {"good by a CRL, and a bad response",
     NULL,
     SOFT,
     {GOOD_LISTS},
     BY_ISSUER(.flags = OCSP_BAD_SIGNATURE),
     BAD_STAPLE("has a bad signature")},
    {"a good response mends an old CRL",
     NULL,
     HARD,
     {{.issuer = 1, .next_update = CHAINS_NOW - 1}, {.issuer = 2}},
     BY_ISSUER()},
    {"of the issuer too",
     NULL,
     HARD,
     {{.issuer = 1}},
     1,
     .response = {.responder = 2, .answers = {FOR_LEAF(.certificate = 1)}}},
    {"of the issuer, revoked",
     NULL,
     SOFT,
     {{0}},
     1,
     .response = {.responder = 2, .answers = {FOR_LEAF(.certificate = 1, .status = OCSP_REVOKED)}},
     .status = RP_E_CERT_REVOKED,
     .text = "issuer certificate \"Int\" of PEER was revoked on 2027-01-12"},
    {"the leaf's, to the issuer",
     NULL,
     SOFT,
     {{0}},
     1,
     .response = {.responder = 1, .answers = {FOR_LEAF()}},
     .status = RP_E_CERT_STAPLE,
     .text = "issuer certificate \"Int\" of PEER may be revoked: the stapled OCSP response is for "
             "another certificate"},
};

static void ocsp_responses(void **state)
{
    (void)state;
    revocation_check(responses, COUNT(responses));
}

static const revocation_case times[] = {
    {"ends now", NULL, REQUIRE, {{0}}, SAYS(FOR_LEAF(.next_update = CHAINS_NOW))},
    {"ended",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.next_update = CHAINS_NOW - 1)),
     BAD_STAPLE("is out of date since 2027-01-15")},
    {"begins, by another clock",
     NULL,
     REQUIRE,
     {{0}},
     SAYS(FOR_LEAF(.this_update = CHAINS_NOW + 300))},
    {"not yet",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.this_update = CHAINS_NOW + 301)),
     BAD_STAPLE("is not valid before 2027-01-15")},
    {"for as long as a day",
     NULL,
     REQUIRE,
     {{0}},
     SAYS(FOR_LEAF(.this_update = CHAINS_NOW - CHAINS_DAY, .next_update = -1))},
    {"for longer than a day",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.this_update = CHAINS_NOW - CHAINS_DAY - 1, .next_update = -1)),
     BAD_STAPLE("is out of date since 2027-01-15")},
    {"ends before it begins",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.next_update = CHAINS_NOW - 2 * CHAINS_DAY)),
     BAD_STAPLE("is malformed")},
    {"made, by another clock", NULL, REQUIRE, {{0}}, BY_ISSUER(.produced = CHAINS_NOW + 300)},
    {"made in the future",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.produced = CHAINS_NOW + 301),
     BAD_STAPLE("is not valid before 2027-01-15")},
    {"one of two ended",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.next_update = CHAINS_NOW - 1), FOR_LEAF()),
     BAD_STAPLE("is out of date since 2027-01-15")},
};

static void ocsp_times(void **state)
{
    (void)state;
    revocation_check(times, COUNT(times));
}

static const revocation_case responders[] = {
    {"bad signature",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.flags = OCSP_BAD_SIGNATURE),
     BAD_STAPLE("has a bad signature")},
    {"a delegate's bad signature",
     NULL,
     SOFT,
     {{0}},
     BY_DELEGATE(.flags = OCSP_BAD_SIGNATURE),
     BAD_STAPLE("has a bad signature")},
    {"bad signature, revoked",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 1,
                  .flags = OCSP_BAD_SIGNATURE,
                  .answers = {FOR_LEAF(.status = OCSP_REVOKED)}},
     BAD_STAPLE("has a bad signature")},
    {"somebody in the issuer's name",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 3, .name = 2, .answers = {FOR_LEAF()}},
     BAD_STAPLE("has a bad signature")},
    {"somebody in the issuer's name, by key",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 3, .name = 2, .flags = OCSP_BY_KEY, .answers = {FOR_LEAF()}},
     BAD_STAPLE("has a bad signature")},
    {"a delegate that is not there",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 3, .answers = {FOR_LEAF()}},
     BAD_STAPLE("is by a responder that is not known")},
    {"the root",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 2, .included = {3}, .answers = {FOR_LEAF()}},
     BAD_STAPLE("is by somebody whom the issuer does not know")},
    {"the leaf, which may not",
     NULL,
     SOFT,
     {{0}},
     .response = {.responder = 0, .included = {1}, .answers = {FOR_LEAF()}},
     BAD_STAPLE("is by the certificate itself")},
    {"the leaf, which may",
     &own_responder,
     SOFT,
     {{0}},
     .response = {.responder = 0, .included = {1}, .answers = {FOR_LEAF()}},
     BAD_STAPLE("is by the certificate itself")},
    {"the leaf's key",
     &same_key_responder,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by the certificate itself")},
    {"a server",
     &server_responder,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is not for that")},
    {"anybody",
     &plain_responder,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is not for that")},
    {"a key for something else",
     &responder_usage,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is not for that")},
    {"a critical extension",
     &responder_critical,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is not for that")},
    {"a delegate that has ended",
     &late_responder,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is out of date")},
    {"a delegate to be",
     &early_responder,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is out of date")},
    {"a delegate of the root",
     &responder_of_root,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by somebody whom the issuer does not know")},
    {"a delegate of another in the issuer's name",
     &responder_pretends,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by somebody whom the issuer did not sign")},
    {"a delegate by SHA-1",
     &responder_sha1,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate with a weak signature")},
    {"a delegate's short key",
     &responder_short,
     SOFT,
     {{0}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a key that is not good enough")},
    {"a revoked delegate",
     NULL,
     SOFT,
     {{.issuer = 1, .entries = "04"}},
     BY_DELEGATE(),
     BAD_STAPLE("is by a certificate that is revoked")},
    {"SHA-1",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.signature = CHAIN_SHA1),
     BAD_STAPLE("is signed by an algorithm that is broken or not known")},
    {"the second certificate",
     NULL,
     REQUIRE,
     {{0}},
     .response = {.responder = 3, .included = {1, 4}, .answers = {FOR_LEAF()}}},
};

static void ocsp_responders(void **state)
{
    (void)state;
    revocation_check(responders, COUNT(responders));
}

static const revocation_case forms[] = {
    {"malformedRequest",
     NULL,
     SOFT,
     {{0}},
     .response = {.status = 1},
     BAD_STAPLE("says \"malformedRequest\"")},
    {"internalError",
     NULL,
     SOFT,
     {{0}},
     .response = {.status = 2},
     BAD_STAPLE("says \"internalError\"")},
    {"tryLater", NULL, SOFT, {{0}}, .response = {.status = 3}, BAD_STAPLE("says \"tryLater\"")},
    {"4", NULL, SOFT, {{0}}, .response = {.status = 4}, BAD_STAPLE("is malformed")},
    {"sigRequired",
     NULL,
     SOFT,
     {{0}},
     .response = {.status = 5},
     BAD_STAPLE("says \"sigRequired\"")},
    {"unauthorized",
     NULL,
     SOFT,
     {{0}},
     .response = {.status = 6},
     BAD_STAPLE("says \"unauthorized\"")},
    {"7", NULL, SOFT, {{0}}, .response = {.status = 7}, BAD_STAPLE("is malformed")},
    {"another type",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.flags = OCSP_OTHER_TYPE),
     BAD_STAPLE("is malformed")},
    {"another version",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.flags = OCSP_VERSION_2),
     BAD_STAPLE("is malformed")},
    {"a nonce",
     NULL,
     REQUIRE,
     {{0}},
     BY_ISSUER(.extension = {"1.3.6.1.5.5.7.48.1.2", false, "040101"})},
    {"a critical extension",
     NULL,
     SOFT,
     {{0}},
     BY_ISSUER(.extension = {"1.2.3.4", true, "0500"}),
     BAD_STAPLE("has a critical extension that is not known")},
    {"of an answer",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(.extension = {"1.2.3.4", true, "0500"})),
     BAD_STAPLE("has a critical extension that is not known")},
    {"of another answer",
     NULL,
     SOFT,
     {{0}},
     SAYS(FOR_LEAF(), FOR_LEAF(.serial = "05", .extension = {"1.2.3.4", true, "0500"})),
     BAD_STAPLE("has a critical extension that is not known")},
    {"of an answer, not critical",
     NULL,
     REQUIRE,
     {{0}},
     SAYS(FOR_LEAF(.extension = {"1.2.3.4", false, "0500"}))},
};

static void ocsp_forms(void **state)
{
    (void)state;
    revocation_check(forms, COUNT(forms));
}

/* RFC 7633, and leaves that are anchors. */
static const revocation_case promises[] = {
    {"it must, and does", &must_staple, SOFT, {{0}}, BY_ISSUER()},
    {"it must, and does not",
     &must_staple,
     SOFT,
     {{0}},
     -1,
     NO_STAPLE("it must come with a stapled OCSP response, and there was none")},
    {"a CRL does not mend that",
     &must_staple,
     HARD,
     {GOOD_LISTS},
     -1,
     NO_STAPLE("it must come with a stapled OCSP response, and there was none")},
    {"it must something else", &other_feature, SOFT, {{0}}, -1, .status = RP_OK},
    {"it must who knows what",
     &bad_feature,
     SOFT,
     {{0}},
     -1,
     NO_STAPLE("it must come with a stapled OCSP response, and there was none")},
    {"an anchor is not judged", &self, HARD, {{0}}, -1, .status = RP_OK},
    {"an anchor without a response",
     &self,
     REQUIRE,
     {{0}},
     -1,
     NO_STAPLE("no OCSP response was stapled to it")},
    {"an anchor's own response",
     &self,
     REQUIRE,
     {{0}},
     .response = {.responder = 0, .answers = {FOR_LEAF()}}},
};

static void must_be_stapled(void **state)
{
    (void)state;
    revocation_check(promises, COUNT(promises));
}

/* Cut off, or with a bit flipped, a response is good for nothing; but for what is not signed. */
static void tampered_responses(void **state)
{
    (void)state;
    revocation_case base = {.policy = REQUIRE, BY_DELEGATE()};
    made_case made;
    revocation_make(&made, &base);
    rp_slice whole = made.staples[0];
    uint8_t *bytes = malloc(whole.size);
    assert_non_null(bytes);
    unsigned good = 0;
    for (size_t at = 0; at < whole.size; at++) {
        memcpy(bytes, whole.data, whole.size);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        made.staples[0] = (rp_slice){bytes, whole.size};
        good += revocation_verdict(&made, CHAINS_NOW).status == RP_OK;
        made.staples[0] = (rp_slice){whole.data, at};
        assert_int_equal(revocation_verdict(&made, CHAINS_NOW).status, RP_E_CERT_STAPLE);
    }
    assert_int_equal(good, 0);
    made.staples[0] = whole;
    assert_int_equal(revocation_verdict(&made, CHAINS_NOW).status, RP_OK);
    free(bytes);
    revocation_unmake(&made);
}

/* Whatever element is changed; but for the certificates that came with it, which it does not sign.
 */
static void changed_responses(void **state)
{
    static const ocsp_spec all[] = {
        {.responder = 1,
         .answers = {FOR_LEAF(.serial = "05", .status = OCSP_REVOKED, .reason = 2), FOR_LEAF()},
         .extension = {"1.2.3.4", false, "0500"}},
        {.responder = 3, .flags = OCSP_BY_KEY, .included = {4}, .answers = {FOR_LEAF()}},
        {.responder = 1, .flags = OCSP_VERSION_1, .answers = {FOR_LEAF()}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        revocation_case base = {.policy = REQUIRE, .response = all[i]};
        made_case made;
        revocation_make(&made, &base);
        rp_slice whole = made.staples[0], changed;
        assert_int_equal(revocation_verdict(&made, CHAINS_NOW).status, RP_OK);
        for (int kind = 0; kind < DER_CHANGE_KINDS; kind++) {
            for (size_t at = 0; der_change(whole, at, (der_change_kind)kind, &changed); at++) {
                made.staples[0] = changed;
                rp_error error = revocation_verdict(&made, CHAINS_NOW);
                bool twice = kind == DER_DOUBLE && error.status == RP_OK; /* a certificate */
                bool same = rp__slice_equal(changed, whole);              /* it was empty before */
                if (error.status != RP_E_CERT_STAPLE && !same && !(twice && i == 1))
                    fail_msg("response %zu, change %d of element %zu: %s", i, kind, at, error.text);
                chain_free(&changed, 1);
            }
        }
        made.staples[0] = whole;
        revocation_unmake(&made);
    }
}

#define MANY "123456789 123456789 123456789 123456789 123456789 123456789 "
static chain long_name = {
    LEAF(), {.subject = MANY MANY "Int", .issuer = 2, .flags = CHAIN_CA}, ROOT};
static chain longer_name = {
    LEAF(), {.subject = MANY MANY MANY MANY MANY "Int", .issuer = 2, .flags = CHAIN_CA}, ROOT};
static chain other_encoding = {LEAF(.flags = CHAIN_PRINTABLE), INT(), ROOT};

/* A hash of the issuer's name, with its header, as the certificate or as the issuer has it. */
static const revocation_case names[] = {
    {"a long name", &long_name, REQUIRE, {{0}}, BY_ISSUER()},
    {"a longer name", &longer_name, REQUIRE, {{0}}, BY_ISSUER()},
    {"as the issuer encodes it", &other_encoding, REQUIRE, {{0}}, BY_ISSUER()},
    {"as the certificate encodes it",
     &other_encoding,
     REQUIRE,
     {{0}},
     SAYS(FOR_LEAF(.printable = true))},
};

static void issuers_are_named(void **state)
{
    (void)state;
    revocation_check(names, COUNT(names));
}

/* A bad signature of the issuer's is what is told, whoever else is there. */
static const revocation_case bad_signatures[] = {
    {"and nobody else",
     NULL,
     REQUIRE,
     {{0}},
     BY_ISSUER(.flags = OCSP_BAD_SIGNATURE),
     BAD_STAPLE("has a bad signature")},
    {"and another",
     NULL,
     REQUIRE,
     {{0}},
     BY_ISSUER(.flags = OCSP_BAD_SIGNATURE, .included = {4, 1}),
     BAD_STAPLE("has a bad signature")},
};

static void bad_signature_is_told(void **state)
{
    (void)state;
    revocation_check(bad_signatures, COUNT(bad_signatures));
}

/* As many extensions as there may be, and one more. */
static void many_extensions(void **state)
{
    (void)state;
    for (int count = 16; count <= 17; count++) {
        char text[17 * 32] = "";
        for (int i = 0; i < count; i++)
            snprintf(text + strlen(text), 32, "300806032a03%02x04010%d", i, i % 10);
        revocation_case many = {
            .what = "extensions", .policy = REQUIRE, BY_ISSUER(.more_extensions = text)};
        if (count > 16)
            many = (revocation_case){.what = "extensions",
                                     .policy = REQUIRE,
                                     BY_ISSUER(.more_extensions = text),
                                     BAD_STAPLE("is malformed")};
        revocation_check(&many, 1);
    }
}

/* Eight of the certificates that come with it are looked at. */
static const revocation_case included[] = {
    {"the eighth signed",
     NULL,
     REQUIRE,
     {{0}},
     .response = {.responder = 3, .included = {1, 2, 3, 1, 1, 1, 1, 4}, .answers = {FOR_LEAF()}}},
    {"the ninth signed",
     NULL,
     REQUIRE,
     {{0}},
     .response = {.responder = 3, .included = {1, 2, 3, 1, 1, 1, 1, 1, 4}, .answers = {FOR_LEAF()}},
     BAD_STAPLE("is by a responder that is not known")},
};

static void many_certificates(void **state)
{
    (void)state;
    revocation_check(included, COUNT(included));
}

static void too_large(void **state)
{
    (void)state;
    revocation_case base = {.policy = REQUIRE, BY_ISSUER()};
    made_case made;
    revocation_make(&made, &base);
    rp_slice whole = made.staples[0];
    uint8_t *bytes = calloc(1, RP_OCSP_BYTES_LIMIT + 1);
    made.staples[0] = (rp_slice){bytes, RP_OCSP_BYTES_LIMIT + 1};
    assert_non_null(strstr(revocation_verdict(&made, CHAINS_NOW).text, "has more than 64 KiB"));
    free(bytes);
    made.staples[0] = whole;
    revocation_unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ocsp_responses),        cmocka_unit_test(ocsp_times),
        cmocka_unit_test(ocsp_responders),       cmocka_unit_test(ocsp_forms),
        cmocka_unit_test(must_be_stapled),       cmocka_unit_test(tampered_responses),
        cmocka_unit_test(changed_responses),     cmocka_unit_test(issuers_are_named),
        cmocka_unit_test(bad_signature_is_told), cmocka_unit_test(many_extensions),
        cmocka_unit_test(many_certificates),     cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
