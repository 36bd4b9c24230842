/* test_x509_certificate.c - what of a certificate is read, and which are malformed. */
#include "support/chains.h"
#include "x509/certificate.h"
#include "x509/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void fields(void **state)
{
    (void)state;
    static const chain_spec specs[] = {
        {.subject = "host.test",
         .issuer = 1,
         .names = "host.test;ip:::1",
         .purposes = "server",
         .serial = "00ff",
         .not_before = 1,
         .not_after = CHAINS_NOW},
        {.subject = "CA",
         .issuer = -1,
         .flags = CHAIN_CA,
         .path_length = 3,
         .permitted = "test",
         .usage = RP_USAGE_KEY_CERT_SIGN | RP_USAGE_CRL_SIGN},
    };
    rp_slice der[2];
    rp_certificate leaf, authority;
    const char *reason = "";
    chain_make(der, specs, 2);
    assert_true(rp__certificate_read(&leaf, der[0], &reason));
    assert_null(reason);
    assert_true(rp__certificate_read(&authority, der[1], &reason));

    assert_int_equal(leaf.version, 3);
    assert_true(RP_SLICE_IS(leaf.serial, "\x00\xff"));
    assert_true(rp__dname_equal(leaf.issuer, authority.subject));
    assert_false(leaf.self_issued);
    assert_true(authority.self_issued);
    assert_int_equal(leaf.not_before, 1);
    assert_int_equal(leaf.not_after, CHAINS_NOW);
    assert_ptr_equal(leaf.der.data, der[0].data);
    assert_true(leaf.signed_part.size < der[0].size);
    assert_true(leaf.has_basic_constraints && !leaf.is_authority && !leaf.has_path_length);
    assert_true(authority.is_authority && authority.has_path_length);
    assert_int_equal(authority.path_length, 2);
    assert_true(leaf.has_key_usage);
    assert_int_equal(leaf.key_usage, RP_USAGE_DIGITAL_SIGNATURE);
    assert_int_equal(authority.key_usage, RP_USAGE_KEY_CERT_SIGN | RP_USAGE_CRL_SIGN);
    assert_true(leaf.has_extended_key_usage && leaf.for_servers && !leaf.for_clients);
    assert_false(authority.has_extended_key_usage);
    assert_true(rp__slice_equal(leaf.authority_key_id, authority.subject_key_id));
    assert_int_equal(leaf.authority_key_id.size, 20);
    assert_null(authority.authority_key_id.data);
    assert_non_null(leaf.alternative_names.data);
    assert_null(leaf.name_constraints.data);
    assert_non_null(authority.name_constraints.data);
    assert_false(leaf.has_unknown_critical);
    chain_free(der, 2);
}

typedef struct form_case {
    const char *what;
    chain_spec spec;
    const char *reason; /* NULL: it is well-formed */
} form_case;

#define EXTENSION(type, content) .extensions = {{type, false, content}}
#define POLICIES "its certificatePolicies are malformed"
#define POINTS "its cRLDistributionPoints are malformed"
#define TWICE "it has an extension twice"

static const form_case forms[] = {
    {"as it should be", {.version = 3}, NULL},
    {"version 1", {.version = 1}, NULL},
    {"version 2", {.version = 2}, NULL},
    {"version 4", {.version = 4, .flags = CHAIN_NO_EXTENSIONS}, "its version is not known"},
    {"no extensions", {.flags = CHAIN_NO_EXTENSIONS}, NULL},
    {"serial number 0", {.serial = "00"}, NULL},
    {"a negative one", {.serial = "ff"}, NULL},
    {"one of 40 bytes",
     {.serial = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526"},
     NULL},
    {"none", {.serial = ""}, "its serial number is malformed"},
    {"one with a zero too many", {.serial = "0001"}, "its serial number is malformed"},
    {"two algorithms", {.flags = CHAIN_TWO_ALGORITHMS}, "it names two signature algorithms"},
    {"an extension twice", {.extensions = {{"1.2.3", false, ""}, {"1.2.3", false, ""}}}, TWICE},
    {"a known one twice", {EXTENSION("2.5.29.19", "3000")}, TWICE},
    {"CA:FALSE, written",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "3003010100")},
     NULL},
    {"a path length without CA",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "3003020100")},
     NULL},
    {"one beside CA:FALSE",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "3006010100020100")},
     NULL},
    {"a negative path length",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "30060101ff0201ff")},
     "its basicConstraints are malformed"},
    {"something behind it",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "30080101ff0201000500")},
     "its basicConstraints are malformed"},
    {"something behind all",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "300005")},
     "its basicConstraints are malformed"},
    {"a CA of 1",
     {.flags = CHAIN_NO_BASIC_CONSTRAINTS, EXTENSION("2.5.29.19", "3003010101")},
     "its basicConstraints are malformed"},
    {"no bits", {.flags = CHAIN_NO_KEY_USAGE, EXTENSION("2.5.29.15", "030100")}, NULL},
    {"nine bits", {.flags = CHAIN_NO_KEY_USAGE, EXTENSION("2.5.29.15", "0303078080")}, NULL},
    {"no bit string",
     {.flags = CHAIN_NO_KEY_USAGE, EXTENSION("2.5.29.15", "0500")},
     "its keyUsage is malformed"},
    {"something behind",
     {.flags = CHAIN_NO_KEY_USAGE, EXTENSION("2.5.29.15", "0302078005")},
     "its keyUsage is malformed"},
    {"no purposes", {EXTENSION("2.5.29.37", "3000")}, "its extendedKeyUsage is malformed"},
    {"an empty purpose", {EXTENSION("2.5.29.37", "30020600")}, "its extendedKeyUsage is malformed"},
    {"no purpose", {EXTENSION("2.5.29.37", "30020500")}, "its extendedKeyUsage is malformed"},
    {"no names", {EXTENSION("2.5.29.17", "3000")}, NULL},
    {"behind no names", {EXTENSION("2.5.29.17", "30000500")}, "its subjectAltName is malformed"},
    {"a DNS name that is not ASCII",
     {EXTENSION("2.5.29.17", "30068201618201e9")},
     "its subjectAltName is malformed"},
    {"an address of mail that is not",
     {EXTENSION("2.5.29.17", "30068201618101e9")},
     "its subjectAltName is malformed"},
    {"a URI that is not",
     {EXTENSION("2.5.29.17", "30068201618601e9")},
     "its subjectAltName is malformed"},
    {"names that are none",
     {EXTENSION("2.5.29.17", "30020500")},
     "its subjectAltName is malformed"},
    {"an address of five bytes",
     {EXTENSION("2.5.29.17", "300787050102030405")},
     "its subjectAltName is malformed"},
    {"an address of four", {EXTENSION("2.5.29.17", "3006870401020304")}, NULL},
    {"no constraints", {EXTENSION("2.5.29.30", "3000")}, "its nameConstraints are malformed"},
    {"no key identifier",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.14", "0500")},
     "its subjectKeyIdentifier is malformed"},
    {"no key identifier in it",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "0500")},
     "its authorityKeyIdentifier is malformed"},
    {"an empty one", {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "3000")}, NULL},
    {"an issuer and a serial number",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "300b8001ffa103860178820101")},
     NULL},
    {"the other way round",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "3008820101a103860178")},
     "its authorityKeyIdentifier is malformed"},
    {"something behind a key identifier",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "30058001ff0500")},
     "its authorityKeyIdentifier is malformed"},
    {"something behind all of it",
     {.flags = CHAIN_NO_KEY_IDS, EXTENSION("2.5.29.35", "30000500")},
     "its authorityKeyIdentifier is malformed"},
    {"no policies", {EXTENSION("2.5.29.32", "3000")}, NULL},
    {"a policy", {EXTENSION("2.5.29.32", "3006300406022a03")}, NULL},
    {"one with qualifiers", {EXTENSION("2.5.29.32", "3008300606022a033000")}, NULL},
    {"policies that are none", {EXTENSION("2.5.29.32", "0500")}, POLICIES},
    {"behind them", {EXTENSION("2.5.29.32", "30000500")}, NULL},
    {"a policy that is none", {EXTENSION("2.5.29.32", "30020500")}, POLICIES},
    {"one without a type", {EXTENSION("2.5.29.32", "300430020500")}, POLICIES},
    {"access by no means", {EXTENSION("1.3.6.1.5.5.7.1.1", "3000")}, NULL},
    {"by one", {EXTENSION("1.3.6.1.5.5.7.1.1", "3009300706022a03860178")}, NULL},
    {"access that is none",
     {EXTENSION("1.3.6.1.5.5.7.1.1", "6d616c666f726d6564")},
     "its authorityInfoAccess is malformed"},
    {"access by what is none",
     {EXTENSION("1.3.6.1.5.5.7.1.1", "30020500")},
     "its authorityInfoAccess is malformed"},
    {"no distribution points", {EXTENSION("2.5.29.31", "3000")}, NULL},
    {"one of two names", {EXTENSION("2.5.29.31", "300c300aa008a006860175860176")}, NULL},
    {"one of no name", {EXTENSION("2.5.29.31", "30063004a002a000")}, NULL},
    {"a relative one", {EXTENSION("2.5.29.31", "30063004a002a100")}, NULL},
    {"an issuer of lists", {EXTENSION("2.5.29.31", "30073005a203860175")}, NULL},
    {"all there may be",
     {EXTENSION("2.5.29.31", "30123010a005a00386017581020640a203860175")},
     NULL},
    {"points that are none", {EXTENSION("2.5.29.31", "0500")}, POINTS},
    {"behind the points", {EXTENSION("2.5.29.31", "30000500")}, POINTS},
    {"a point that is none", {EXTENSION("2.5.29.31", "30020500")}, POINTS},
    {"one that says nothing", {EXTENSION("2.5.29.31", "30023000")}, POINTS},
    {"reasons alone", {EXTENSION("2.5.29.31", "3006300481020640")}, POINTS},
    {"no issuer of lists", {EXTENSION("2.5.29.31", "30043002a200")}, POINTS},
    {"an issuer that is no name", {EXTENSION("2.5.29.31", "30063004a2020500")}, POINTS},
    {"no name of a point", {EXTENSION("2.5.29.31", "30043002a000")}, POINTS},
    {"two", {EXTENSION("2.5.29.31", "30083006a004a000a100")}, POINTS},
    {"a name that is none", {EXTENSION("2.5.29.31", "30083006a004a0020500")}, POINTS},
    {"something behind a point's name", {EXTENSION("2.5.29.31", "30083006a002a0000500")}, POINTS},
};

static void forms_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        chain_spec spec = forms[i].spec;
        spec.subject = "x";
        spec.issuer = -1;
        spec.key_number = 1;
        rp_certificate certificate;
        const char *reason;
        rp_slice der = chain_certificate(&spec, 0);
        bool good = rp__certificate_read(&certificate, der, &reason);
        if (good != (forms[i].reason == NULL) || (!good && strcmp(reason, forms[i].reason) != 0))
            fail_msg("%s: %s", forms[i].what, good ? "well-formed" : reason);
        chain_free(&der, 1);
    }
}

/* Critical and not known, or never to be critical. */
static void critical_extensions(void **state)
{
    (void)state;
    static const struct {
        const char *type, *content;
        bool known;
    } cases[] = {
        {"2.5.29.31", "3000", true},         {"2.5.29.32", "3000", true},
        {"2.5.29.33", "3000", true},         {"2.5.29.54", "020100", true},
        {"2.5.29.35", "3000", false},        {"2.5.29.14", "040101", false},
        {"2.5.29.36", "3000", false},        {"1.3.6.1.5.5.7.1.1", "3000", false},
        {"2.5.29.37", "300406022a03", true}, {"2.5.28.31", "3000", false},
        {"2.5.29.31.1", "3000", false},
    };
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        bool critical = i % 2;
        chain_spec spec = {.subject = "x",
                           .issuer = -1,
                           .key_number = 1,
                           .flags = CHAIN_NO_KEY_IDS,
                           .extensions = {{cases[i / 2].type, critical, cases[i / 2].content}}};
        rp_certificate certificate;
        const char *reason;
        rp_slice der = chain_certificate(&spec, 0);
        assert_true(rp__certificate_read(&certificate, der, &reason));
        if (certificate.has_unknown_critical != (critical && !cases[i / 2].known))
            fail_msg("%s", cases[i / 2].type);
        chain_free(&der, 1);
    }
}

/* Cut anywhere, or with anything behind it, it is none. */
static void cut(void **state)
{
    (void)state;
    chain_spec spec = {.subject = "x", .issuer = -1, .names = "a.test", .permitted = "b.test"};
    rp_certificate certificate;
    const char *reason;
    rp_slice der = chain_certificate(&spec, 0);
    for (size_t size = 0; size < der.size; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, der.data, size);
        assert_false(rp__certificate_read(&certificate, (rp_slice){copy, size}, &reason));
        assert_non_null(reason);
        free(copy);
    }
    uint8_t *longer = calloc(1, der.size + 1);
    memcpy(longer, der.data, der.size);
    assert_true(rp__certificate_read(&certificate, (rp_slice){longer, der.size}, &reason));
    assert_false(rp__certificate_read(&certificate, (rp_slice){longer, der.size + 1}, &reason));
    free(longer);
    chain_free(&der, 1);
}

/* Every byte, changed in several ways: each way in which a certificate is malformed comes up. */
static void every_reason(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "it is not a certificate in DER",
        "its version is not known",
        "its serial number is malformed",
        "it names two signature algorithms",
        "its issuer's name is malformed",
        "its validity is malformed",
        "its subject's name is malformed",
        "its key is malformed",
        "its extensions are malformed",
        "it has an extension twice",
        "its keyUsage is malformed",
        "its subjectAltName is malformed",
        "its basicConstraints are malformed",
        "its nameConstraints are malformed",
        "its extendedKeyUsage is malformed",
        "its subjectKeyIdentifier is malformed",
        "its authorityKeyIdentifier is malformed",
        "its cRLDistributionPoints are malformed",
        "its certificatePolicies are malformed",
        "its authorityInfoAccess is malformed",
        /* Seldom: if the last bytes of the key, which is a new one each time, look like them. */
        "its unique identifiers are malformed",
    };
    static const uint8_t masks[] = {1, 0x80, 0xff, 0x0e, 0x10};
    unsigned seen[COUNT(reasons)] = {0}, unknown = 0;
    const chain_spec specs[] = {{.subject = "x",
                                 .issuer = 1,
                                 .names = "a.test",
                                 .permitted = "b.test",
                                 .purposes = "server",
                                 .extensions = {{"2.5.29.31", false, "30073005a203860175"},
                                                {"2.5.29.32", false, "3006300406022a03"}},
                                 .more_extensions = "301406082b0601050507010104083006300406022a03"},
                                {.subject = "CA", .issuer = -1}};
    rp_slice der = chain_certificate(specs, 0);
    uint8_t *copy = malloc(der.size);
    memcpy(copy, der.data, der.size);
    for (size_t i = 0; i < der.size * COUNT(masks); i++) {
        rp_certificate certificate;
        const char *reason;
        copy[i / COUNT(masks)] ^= masks[i % COUNT(masks)];
        bool good = rp__certificate_read(&certificate, (rp_slice){copy, der.size}, &reason);
        copy[i / COUNT(masks)] ^= masks[i % COUNT(masks)];
        size_t at = 0;
        while (!good && at < COUNT(reasons) && strcmp(reason, reasons[at]) != 0)
            at++;
        if (!good && at < COUNT(reasons))
            seen[at]++;
        else
            unknown += !good;
    }
    for (size_t i = 0; i < COUNT(reasons) - 1; i++) {
        if (seen[i] == 0)
            fail_msg("never: %s", reasons[i]);
    }
    assert_int_equal(unknown, 0);
    free(copy);
    chain_free(&der, 1);
}

/* RFC 5280, 4.1.2.8: of version 2 and 3. */
static void unique_identifiers(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 3; version++) {
        for (unsigned which = 0; which < 6; which++) {
            static const char *const fields[] = {"810100",       "820100", "810100820100",
                                                 "820100810100", "8100",   "8120"};
            chain_spec spec = {.subject = "x",
                               .issuer = -1,
                               .version = version,
                               .key_number = 1,
                               .flags = CHAIN_NO_EXTENSIONS,
                               .unique_ids = fields[which]};
            rp_certificate certificate;
            const char *reason;
            rp_slice der = chain_certificate(&spec, 0);
            bool good = rp__certificate_read(&certificate, der, &reason);
            assert_int_equal(good, version > 1 && which != 3 && which != 5);
            chain_free(&der, 1);
        }
    }
}

static void too_many_extensions(void **state)
{
    (void)state;
    for (unsigned count = 63; count <= 65; count++) {
        char more[65 * 2 * 16] = "";
        for (unsigned i = 0; i < count - 3; i++)
            (void)snprintf(more + strlen(more), sizeof(more) - strlen(more), "300706032a03%02x0400",
                           i);
        chain_spec spec = {.subject = "x", .issuer = -1, .key_number = 1, .more_extensions = more};
        rp_certificate certificate;
        const char *reason;
        rp_slice der = chain_certificate(&spec, 0);
        bool good = rp__certificate_read(&certificate, der, &reason);
        assert_int_equal(good, count <= 64);
        if (!good)
            assert_string_equal(reason, "it has too many extensions");
        chain_free(&der, 1);
    }
}

/* RFC 7633: status_request, 5, among others; and what can't be read promises it as well. */
static void tls_features(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        bool must_staple;
    } cases[] = {
        {"3003020105", true},       {"3000", false},
        {"3003020111", false},      {"3006020105020111", true},
        {"3006020111020105", true}, {"300602011102011a", false},
        {"30030201050500", true},   {"30030201110500", true},
        {"30050201110500", true},   {"3003020185", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        chain_spec spec = {
            .subject = "x", .issuer = -1, EXTENSION("1.3.6.1.5.5.7.1.24", cases[i].content)};
        rp_certificate certificate;
        const char *reason;
        rp_slice der = chain_certificate(&spec, 0);
        assert_true(rp__certificate_read(&certificate, der, &reason));
        if (certificate.must_staple != cases[i].must_staple)
            fail_msg("%s", cases[i].content);
        chain_free(&der, 1);
    }
}

/* Of a malformed one the subject is told if it was reached. */
static void subject_of_malformed(void **state)
{
    (void)state;
    chain_spec spec = {.subject = "x", .issuer = -1, EXTENSION("2.5.29.37", "3000")};
    rp_certificate certificate;
    const char *reason;
    rp_slice der = chain_certificate(&spec, 0);
    assert_false(rp__certificate_read(&certificate, der, &reason));
    char text[RP_DNAME_TEXT_SIZE];
    assert_string_equal(rp__dname_text(certificate.subject, text), "x");
    chain_free(&der, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(forms_are_read),
        cmocka_unit_test(critical_extensions),
        cmocka_unit_test(cut),
        cmocka_unit_test(every_reason),
        cmocka_unit_test(unique_identifiers),
        cmocka_unit_test(too_many_extensions),
        cmocka_unit_test(tls_features),
        cmocka_unit_test(subject_of_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
