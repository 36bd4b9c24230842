/* test_x509_path.c - which chains lead to an anchor, rule by rule; and what is said of the others.
 */
#include "support/chains.h"
#include "x509/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SPECS 18

/* Certificates by their position, in hexadecimal: "012" sends the first three. */
typedef struct path_case {
    const char *what;
    chain_spec specs[SPECS];
    const char *sent, *anchors;
    rp_status status;
    const char *text; /* of the error, for "PEER" */
    rp_purpose purpose;
} path_case;

#define LEAF(...)                                                                                  \
    {                                                                                              \
        .subject = "host.test", .issuer = 1, .names = "host.test", __VA_ARGS__                     \
    }
#define SELF(...)                                                                                  \
    {                                                                                              \
        .subject = "host.test", .issuer = -1, .names = "host.test", __VA_ARGS__                    \
    }
#define NAMED(...)                                                                                 \
    {                                                                                              \
        .subject = "host.test", .issuer = 1, .names = __VA_ARGS__                                  \
    }
#define CA(...)                                                                                    \
    {                                                                                              \
        .flags = CHAIN_CA, __VA_ARGS__                                                             \
    }
#define WITH(more, ...)                                                                            \
    {                                                                                              \
        .flags = CHAIN_CA | (more), __VA_ARGS__                                                    \
    }
#define INT .subject = "Int", .issuer = 2
#define ROOT .subject = "Root", .issuer = -1

static int position(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static bool is_used(const path_case *the_case, int index)
{
    for (const char *at = the_case->sent; *at != '\0'; at++) {
        if (position(*at) == index)
            return true;
    }
    for (const char *at = the_case->anchors; *at != '\0'; at++) {
        if (position(*at) == index)
            return true;
    }
    return false;
}

typedef struct made_case {
    rp_memory memory;
    rp_anchors *anchors;
    rp_slice certificates[SPECS];
    rp_slice sent[SPECS + 8];
    size_t count;
} made_case;

static void make(made_case *made, const path_case *the_case)
{
    memset(made, 0, sizeof(*made));
    rp_memory_init(&made->memory, (rp_allocator){.resize = NULL});
    made->anchors = rp_anchors_create(&made->memory);
    assert_non_null(made->anchors);
    for (int i = 0; i < SPECS; i++) {
        if (is_used(the_case, i))
            made->certificates[i] = chain_certificate(the_case->specs, (size_t)i);
    }
    for (const char *at = the_case->sent; *at != '\0'; at++)
        made->sent[made->count++] = made->certificates[position(*at)];
    for (const char *at = the_case->anchors; *at != '\0'; at++)
        assert_int_equal(rp_anchors_add(made->anchors, made->certificates[position(*at)], NULL),
                         RP_OK);
}

static void unmake(made_case *made)
{
    chain_free(made->certificates, SPECS);
    rp_anchors_destroy(made->anchors);
    assert_int_equal(made->memory.live, 0);
}

static rp_error verdict(const made_case *made, rp_purpose purpose, rp_path *path)
{
    rp_error error = {.status = RP_OK};
    rp_path_options options = {.anchors = made->anchors, .purpose = purpose, .now = CHAINS_NOW};
    if (!rp_path_find(path, made->sent, made->count, &options))
        rp_path_failure_tell(path, "PEER", &error);
    return error;
}

static void check_case(const path_case *the_case)
{
    made_case made;
    rp_path path;
    make(&made, the_case);
    rp_error error = verdict(&made, the_case->purpose, &path);
    if (error.status != the_case->status ||
        (the_case->text != NULL && strcmp(error.text, the_case->text) != 0))
        fail_msg("%s: %s: %s", the_case->what, rp_status_name(error.status), error.text);
    unmake(&made);
}

static void check_cases(const path_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_case(&cases[i]);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static const path_case shapes[] = {
    {"leaf and root", {LEAF(), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"leaf, intermediate, root", {LEAF(), CA(INT), CA(ROOT)}, "01", "2", .status = RP_OK},
    {"the root is sent too", {LEAF(), CA(INT), CA(ROOT)}, "012", "2", .status = RP_OK},
    {"the wrong way round",
     {LEAF(), CA(INT), CA(.subject = "Int two", .issuer = 3), CA(ROOT)},
     "021",
     "3",
     .status = RP_OK},
    {"unrelated ones behind",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "A", .issuer = -1), CA(.subject = "B", .issuer = 3)},
     "0341",
     "2",
     .status = RP_OK},
    {"an unreadable one between",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "Ed448", .issuer = -1, .key = CHAIN_ED448)},
     "031",
     "2",
     .status = RP_OK},
    {"an expired twin of the intermediate before it",
     {LEAF(), CA(INT, .key_number = 100), CA(ROOT),
      CA(INT, .key_number = 100, .not_before = CHAINS_NOW - 9 * CHAINS_DAY,
         .not_after = CHAINS_NOW - CHAINS_DAY)},
     "031",
     "2",
     .status = RP_OK},
    {"another key under the intermediate's name before it",
     {LEAF(), CA(INT), CA(ROOT), CA(INT)},
     "031",
     "2",
     .status = RP_OK},
    {"a cross-signed root: the first anchor is not there, the other is",
     {LEAF(), CA(.subject = "New", .issuer = -1, .key_number = 100),
      CA(.subject = "New", .issuer = 3, .key_number = 100), CA(.subject = "Old", .issuer = -1)},
     "02",
     "3",
     .status = RP_OK},
    {"a cross-signed root that is an anchor itself",
     {LEAF(), CA(.subject = "New", .issuer = -1, .key_number = 100),
      CA(.subject = "New", .issuer = 3, .key_number = 100), CA(.subject = "Old", .issuer = -1)},
     "02",
     "1",
     .status = RP_OK},
    {"an expired cross-signature that is not needed",
     {LEAF(), CA(.subject = "New", .issuer = -1, .key_number = 100),
      CA(.subject = "New", .issuer = 3, .key_number = 100,
         .not_before = CHAINS_NOW - 9 * CHAINS_DAY, .not_after = CHAINS_NOW - CHAINS_DAY),
      CA(.subject = "Old", .issuer = -1)},
     "02",
     "13",
     .status = RP_OK},
    {"two ways up, the first to no anchor",
     {LEAF(), CA(.subject = "Int", .issuer = 3, .key_number = 100),
      CA(.subject = "Int", .issuer = 4, .key_number = 100), CA(.subject = "Lost", .issuer = -1),
      CA(ROOT)},
     "0132",
     "4",
     .status = RP_OK},
    {"the intermediate is the anchor", {LEAF(), CA(INT), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"two roots with one key, the leaf names the new one",
     {{.subject = "host.test", .issuer = 2, .names = "host.test"},
      CA(.subject = "Old", .issuer = -1, .key_number = 100),
      CA(.subject = "New", .issuer = -1, .key_number = 100)},
     "0",
     "12",
     .status = RP_OK},
    {"two roots with one name and two keys",
     {LEAF(), CA(ROOT), CA(ROOT)},
     "0",
     "12",
     .status = RP_OK},
    {"the same, without key identifiers",
     {LEAF(.flags = CHAIN_NO_KEY_IDS), WITH(CHAIN_NO_KEY_IDS, ROOT), WITH(CHAIN_NO_KEY_IDS, ROOT)},
     "0",
     "12",
     .status = RP_OK},
    {"the key identifier is another: it is a hint",
     {LEAF(.flags = CHAIN_WRONG_AUTHORITY_KEY_ID), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"issuer and serial number as the key identifier",
     {LEAF(.flags = CHAIN_ISSUER_AND_SERIAL), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"the issuer's name as a PrintableString, in other letters and spaces",
     {LEAF(.flags = CHAIN_PRINTABLE, .issuer_name = " TEST  root "),
      CA(.subject = "Test Root", .issuer = -1)},
     "0",
     "1",
     .status = RP_OK},
    {"eight intermediates",
     {LEAF(), CA(.subject = "1", .issuer = 2), CA(.subject = "2", .issuer = 3),
      CA(.subject = "3", .issuer = 4), CA(.subject = "4", .issuer = 5),
      CA(.subject = "5", .issuer = 6), CA(.subject = "6", .issuer = 7),
      CA(.subject = "7", .issuer = 8), CA(.subject = "8", .issuer = 9), CA(ROOT)},
     "087654321",
     "9",
     .status = RP_OK},
    {"nine intermediates",
     {LEAF(), CA(.subject = "1", .issuer = 2), CA(.subject = "2", .issuer = 3),
      CA(.subject = "3", .issuer = 4), CA(.subject = "4", .issuer = 5),
      CA(.subject = "5", .issuer = 6), CA(.subject = "6", .issuer = 7),
      CA(.subject = "7", .issuer = 8), CA(.subject = "8", .issuer = 9),
      CA(.subject = "9", .issuer = 10), CA(ROOT)},
     "0123456789",
     "a",
     .status = RP_E_CERT_INVALID,
     .text = "issuer certificate \"9\" of PEER is not valid: there are more than eight authorities "
             "in the "
             "chain"},
    {"sixteen certificates",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "A", .issuer = -1)},
     "0333333333333331",
     "2",
     .status = RP_OK},
    {"seventeen certificates",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "A", .issuer = -1)},
     "03333333333333331",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: more than 16 certificates were sent"},
    {"no certificate",
     {LEAF(), CA(ROOT)},
     "",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: there is none"},
};

static void paths_are_found(void **state)
{
    (void)state;
    check_cases(shapes, COUNT(shapes));
}

/* ---- Untrusted ------------------------------------------------------------------------------- */

#define UNKNOWN(name) "certificate of PEER is signed by an unknown authority (" name ")"
#define NOT_BY_ANCHOR " is not valid: its signature is not by the trusted authority of that name"

static const path_case untrusted[] = {
    {"no anchor of that name",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "Other", .issuer = -1)},
     "01",
     "3",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("Root")},
    {"no anchor at all",
     {LEAF(), CA(ROOT)},
     "0",
     "",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("Root")},
    {"the intermediate is missing",
     {LEAF(), CA(INT), CA(ROOT)},
     "0",
     "2",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("Int")},
    {"a root that was sent is no anchor",
     {LEAF(), CA(ROOT), CA(.subject = "Other", .issuer = -1)},
     "01",
     "2",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("Root")},
    {"self-signed",
     {SELF(), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_UNTRUSTED,
     .text = "certificate of PEER is self-signed (host.test) and not a trusted one"},
    {"an anchor of the same name with another key",
     {LEAF(), CA(ROOT), CA(ROOT)},
     "0",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER" NOT_BY_ANCHOR},
    {"the leaf was changed",
     {LEAF(.flags = CHAIN_BAD_SIGNATURE), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER" NOT_BY_ANCHOR},
    {"the intermediate was changed",
     {LEAF(), WITH(CHAIN_BAD_SIGNATURE, INT), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = "issuer certificate \"Int\" of PEER" NOT_BY_ANCHOR},
    {"another intermediate of that name",
     {LEAF(), CA(INT), CA(ROOT), CA(INT)},
     "03",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: its signature is not by the authority that was "
             "sent with "
             "it"},
    {"an intermediate with a key that nobody knows",
     {LEAF(), CA(INT, .key = CHAIN_ED448), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text =
         "certificate of PEER is not valid: it is signed by an algorithm that is not supported"},
    {"a name without an organization",
     {LEAF(), CA(.subject = "C=XX,O=Example", .issuer = -1)},
     "0",
     "",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("XX, Example")},
    {"an empty name signs nothing",
     {LEAF(.issuer_name = ""), CA(.subject = NULL, .issuer = 2), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("unnamed")},
};

static void no_path(void **state)
{
    (void)state;
    check_cases(untrusted, COUNT(untrusted));
}

/* ---- Validity -------------------------------------------------------------------------------- */

static const path_case validity[] = {
    {"the leaf has expired",
     {LEAF(.not_before = CHAINS_NOW - 9 * CHAINS_DAY, .not_after = CHAINS_NOW - CHAINS_DAY),
      CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_EXPIRED,
     .text = "certificate of PEER expired on 2027-01-14"},
    {"the leaf expired a second ago",
     {LEAF(.not_after = CHAINS_NOW - 1), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_EXPIRED,
     .text = "certificate of PEER expired on 2027-01-15"},
    {"its last second", {LEAF(.not_after = CHAINS_NOW), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"its first second", {LEAF(.not_before = CHAINS_NOW), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"the leaf begins in a second",
     {LEAF(.not_before = CHAINS_NOW + 1), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_NOT_YET_VALID,
     .text = "certificate of PEER is not valid before 2027-01-15"},
    {"the intermediate has expired",
     {LEAF(), CA(INT, .not_after = CHAINS_NOW - 1), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_EXPIRED,
     .text = "issuer certificate \"Int\" of PEER expired on 2027-01-15"},
    {"the intermediate begins in 2050, as a GeneralizedTime",
     {LEAF(), CA(INT, .not_before = INT64_C(2537740800), .not_after = INT64_C(2600000000)),
      CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_NOT_YET_VALID,
     .text = "issuer certificate \"Int\" of PEER is not valid before 2050-06-02"},
    {"in the last century",
     {LEAF(.not_before = INT64_C(1), .not_after = INT64_C(946684799)), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_EXPIRED,
     .text = "certificate of PEER expired on 1999-12-31"},
    {"GeneralizedTime before 2050",
     {LEAF(.flags = CHAIN_GENERALIZED_TIME), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"an anchor that has expired is an anchor",
     {LEAF(), CA(ROOT, .not_after = CHAINS_NOW - 1)},
     "0",
     "1",
     .status = RP_OK},
    {"an anchor that is itself the leaf has a validity like any leaf",
     {SELF(.not_after = CHAINS_NOW - 1)},
     "0",
     "0",
     .status = RP_E_CERT_EXPIRED,
     .text = NULL},
};

static void validity_is_judged(void **state)
{
    (void)state;
    check_cases(validity, COUNT(validity));
}

/* ---- Usages ---------------------------------------------------------------------------------- */

#define AUTHORITY_ONLY " is not valid: it is not an authority's, and has signed another"
#define NOT_FOR_SERVERS " is not valid: its extended key usage is not for servers"
#define PATH_LENGTH " is not valid: its path length does not allow as many authorities below it"
#define INT_PEER "issuer certificate \"Int\" of PEER"
#define ROOT_PEER "issuer certificate \"Root\" of PEER"

static const path_case usages[] = {
    {"an intermediate without CA",
     {LEAF(), {INT}, CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER AUTHORITY_ONLY},
    {"an intermediate without basicConstraints",
     {LEAF(), WITH(CHAIN_NO_BASIC_CONSTRAINTS, INT), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER AUTHORITY_ONLY},
    {"an intermediate of version 1",
     {LEAF(), CA(INT, .version = 1), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER AUTHORITY_ONLY},
    {"an intermediate that may sign lists only",
     {LEAF(), CA(INT, .usage = RP_USAGE_CRL_SIGN), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER " is not valid: its key usage does not allow signatures of certificates"},
    {"an intermediate without key usage",
     {LEAF(), WITH(CHAIN_NO_KEY_USAGE, INT), CA(ROOT)},
     "01",
     "2",
     .status = RP_OK},
    {"an intermediate for clients",
     {LEAF(), CA(INT, .purposes = "client"), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER NOT_FOR_SERVERS},
    {"an intermediate for anything, which is nothing",
     {LEAF(), CA(INT, .purposes = "any"), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER NOT_FOR_SERVERS},
    {"an intermediate for both",
     {LEAF(), CA(INT, .purposes = "client+server"), CA(ROOT)},
     "01",
     "2",
     .status = RP_OK},
    {"a leaf for servers", {LEAF(.purposes = "server"), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"a leaf for clients",
     {LEAF(.purposes = "client"), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER" NOT_FOR_SERVERS},
    {"a leaf for anything",
     {LEAF(.purposes = "any"), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER" NOT_FOR_SERVERS},
    {"a client's certificate",
     {LEAF(.purposes = "client"), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK,
     .purpose = RP_PURPOSE_CLIENT},
    {"a server's certificate shown by a client",
     {LEAF(.purposes = "server"), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: its extended key usage is not for clients",
     RP_PURPOSE_CLIENT},
    {"a leaf that must not sign",
     {LEAF(.usage = 0x20), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: its key usage does not allow signatures of TLS"},
    {"a leaf without key usage",
     {LEAF(.flags = CHAIN_NO_KEY_USAGE), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"a leaf that is an authority's",
     {CA(.subject = "host.test", .issuer = 1, .names = "host.test", .usage = 0x84), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: it is an authority's, and is to be used for "
             "authorities "
             "only"},
    {"a leaf whose path has another leaf in it",
     {LEAF(), {.subject = "host.test", .issuer = 2, .names = "host.test"}, CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
    {"a path length of 0 and one intermediate below",
     {LEAF(), CA(INT), CA(.subject = "Int two", .issuer = 3, .path_length = 1), CA(ROOT)},
     "012",
     "3",
     .status = RP_E_CERT_INVALID,
     .text = "issuer certificate \"Int two\" of PEER" PATH_LENGTH},
    {"a path length of 0 above the leaf",
     {LEAF(), CA(INT, .path_length = 1), CA(ROOT)},
     "01",
     "2",
     .status = RP_OK},
    {"a path length of 1 and one intermediate below",
     {LEAF(), CA(INT), CA(.subject = "Int two", .issuer = 3, .path_length = 2), CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
    {"a path length of 0 and a self-issued certificate below: it does not count",
     {LEAF(), CA(.subject = "Int", .issuer = 2, .issuer_name = "Int"),
      CA(.subject = "Int", .issuer = 3, .path_length = 1), CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
    {"the anchor's path length",
     {LEAF(), CA(INT), CA(ROOT, .path_length = 1)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = ROOT_PEER PATH_LENGTH},
    {"a critical extension that nobody knows",
     {LEAF(.extensions = {{"1.2.3.4.5", true, "0500"}}), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: it has a critical extension that is not known"},
    {"one that is not critical",
     {LEAF(.extensions = {{"1.2.3.4.5", false, "0500"}}), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"an unknown critical extension of the intermediate",
     {LEAF(), CA(INT, .extensions = {{"1.2.3.4.5", true, "0500"}}), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER " is not valid: it has a critical extension that is not known"},
    {"a precertificate (RFC 6962, 3.1)",
     {LEAF(.extensions = {{"1.3.6.1.4.1.11129.2.4.3", true, "0500"}}), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
    {"critical policies: any will do",
     {LEAF(.extensions = {{"2.5.29.32", true, "30073005060322A304"}}), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"policies that are asked for",
     {LEAF(), CA(INT, .extensions = {{"2.5.29.36", true, "3003800100"}}), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
    {"critical alternative names",
     {LEAF(.flags = CHAIN_CRITICAL_NAMES), CA(ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"a critical key identifier",
     {LEAF(.flags = CHAIN_NO_KEY_IDS, .extensions = {{"2.5.29.14", true, "040101"}}), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
};

static void usages_are_judged(void **state)
{
    (void)state;
    check_cases(usages, COUNT(usages));
}

/* ---- Anchors --------------------------------------------------------------------------------- */

static const path_case anchor_cases[] = {
    {"version 1", {LEAF(), {ROOT, .version = 1}}, "0", "1", .status = RP_OK},
    {"serial number 0", {LEAF(), CA(ROOT, .serial = "00")}, "0", "1", .status = RP_OK},
    {"a signature that nobody takes any more",
     {LEAF(), CA(ROOT, .key = CHAIN_RSA, .signature = CHAIN_SHA1)},
     "0",
     "1",
     .status = RP_OK},
    {"a signature that is none",
     {LEAF(), WITH(CHAIN_BAD_SIGNATURE, ROOT)},
     "0",
     "1",
     .status = RP_OK},
    {"usages of its own", {LEAF(), CA(ROOT, .purposes = "client")}, "0", "1", .status = RP_OK},
    {"an unknown critical extension",
     {LEAF(), CA(ROOT, .extensions = {{"1.2.3.4.5", true, "0500"}})},
     "0",
     "1",
     .status = RP_OK},
    {"a server's certificate in the trust file signs for nobody",
     {LEAF(), {.subject = "my.test", .issuer = -1, .names = "my.test"}},
     "01",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "issuer certificate \"my.test\" of PEER" AUTHORITY_ONLY},
    {"nor does one without basicConstraints",
     {LEAF(), {.subject = "my.test", .issuer = -1, .flags = CHAIN_NO_BASIC_CONSTRAINTS}},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
    {"it stands for itself", {SELF()}, "0", "0", .status = RP_OK},
    {"a server's certificate that another signed stands for itself",
     {LEAF(), CA(ROOT)},
     "0",
     "0",
     .status = RP_OK},
    {"another certificate of the same name and key does not",
     {SELF(.key_number = 100), SELF(.key_number = 100)},
     "1",
     "0",
     .status = RP_E_CERT_INVALID,
     .text = NULL},
    {"a self-signed authority as a server",
     {CA(.subject = "host.test", .issuer = -1, .names = "host.test", .usage = 0x84)},
     "0",
     "0",
     .status = RP_OK},
    {"an anchor for itself is for servers, or not",
     {SELF(.purposes = "client")},
     "0",
     "0",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER" NOT_FOR_SERVERS},
};

static void anchors_are_names_and_keys(void **state)
{
    (void)state;
    check_cases(anchor_cases, COUNT(anchor_cases));
}

/* ---- Keys and signatures --------------------------------------------------------------------- */

#define BROKEN(by) "certificate of PEER is not valid: it is signed with " by ", which is broken"

static const path_case algorithms[] = {
    {"P-384", {LEAF(.key = CHAIN_P384), CA(ROOT, .key = CHAIN_P384)}, "0", "1", .status = RP_OK},
    {"P-521", {LEAF(.key = CHAIN_P521), CA(ROOT, .key = CHAIN_P521)}, "0", "1", .status = RP_OK},
    {"Ed25519",
     {LEAF(.key = CHAIN_ED25519), CA(ROOT, .key = CHAIN_ED25519)},
     "0",
     "1",
     .status = RP_OK},
    {"RSA", {LEAF(.key = CHAIN_RSA), CA(ROOT, .key = CHAIN_RSA)}, "0", "1", .status = RP_OK},
    {"RSA-PSS keys",
     {LEAF(.key = CHAIN_RSA_PSS), CA(ROOT, .key = CHAIN_RSA_PSS)},
     "0",
     "1",
     .status = RP_OK},
    {"P-256 and SHA-384", {LEAF(.signature = CHAIN_SHA384), CA(ROOT)}, "0", "1", .status = RP_OK},
    {"P-384 and SHA-512",
     {LEAF(.signature = CHAIN_SHA512), CA(ROOT, .key = CHAIN_P384)},
     "0",
     "1",
     .status = RP_OK},
    {"RSA and SHA-384",
     {LEAF(.signature = CHAIN_SHA384), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_OK},
    {"RSA and SHA-512",
     {LEAF(.signature = CHAIN_SHA512), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_OK},
    {"PSS and SHA-256",
     {LEAF(.signature = CHAIN_PSS_SHA256), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_OK},
    {"PSS and SHA-384",
     {LEAF(.signature = CHAIN_PSS_SHA384), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_OK},
    {"PSS and SHA-512",
     {LEAF(.signature = CHAIN_PSS_SHA512), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_OK},
    {"PSS with another salt",
     {LEAF(.signature = CHAIN_PSS_SHORT_SALT), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text =
         "certificate of PEER is not valid: it is signed by RSA-PSS with parameters that are not "
         "supported"},
    {"SHA-1",
     {LEAF(.signature = CHAIN_SHA1), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = BROKEN("SHA-1")},
    {"MD5",
     {LEAF(.signature = CHAIN_MD5), CA(ROOT, .key = CHAIN_RSA)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = BROKEN("MD5")},
    {"ECDSA and SHA-1",
     {LEAF(.signature = CHAIN_SHA1), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = BROKEN("SHA-1")},
    {"SHA-1 on the intermediate",
     {LEAF(), CA(INT, .signature = CHAIN_SHA1), CA(ROOT, .key = CHAIN_RSA)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER " is not valid: it is signed with SHA-1, which is broken"},
    {"RSA 1024",
     {LEAF(.key = CHAIN_RSA_1024), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: its RSA key has less than 2048 bits"},
    {"RSA 1024 in the intermediate",
     {LEAF(), CA(INT, .key = CHAIN_RSA_1024), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER " is not valid: its RSA key has less than 2048 bits"},
    {"Ed448",
     {LEAF(.key = CHAIN_ED448), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: its key is of a kind that is not supported"},
    {"another algorithm inside than outside",
     {LEAF(.flags = CHAIN_TWO_ALGORITHMS), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: it names two signature algorithms"},
    {"the intermediate is malformed",
     {LEAF(), CA(INT, .extensions = {{"2.5.29.31", false, ""}, {"2.5.29.31", false, ""}}),
      CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = INT_PEER " is not valid: it has an extension twice"},
};

static void algorithms_are_judged(void **state)
{
    (void)state;
    check_cases(algorithms, COUNT(algorithms));
}

/* ---- Name constraints ------------------------------------------------------------------------ */

#define OUTSIDE "certificate of PEER is not valid: its authority may not issue for one of its names"
#define CONSTRAINED(name, ...) {NAMED(name), CA(INT, __VA_ARGS__), CA(ROOT)}, "01", "2"

static const path_case constraints[] = {
    {"kept", CONSTRAINED("a.good.test", .permitted = "good.test"), .status = RP_OK},
    {"broken", CONSTRAINED("evil.test", .permitted = "good.test"), .status = RP_E_CERT_INVALID,
     .text = OUTSIDE},
    {"two levels up",
     {NAMED("evil.test"), CA(INT),
      CA(.subject = "good.test", .issuer = 3, .permitted = "good.test"), CA(ROOT)},
     "012",
     "3",
     .status = RP_E_CERT_INVALID,
     .text = OUTSIDE},
    {"a wider one below does not widen",
     {NAMED("evil.test"), CA(INT, .permitted = "test"),
      CA(.subject = "Int two", .issuer = 3, .permitted = "good.test"), CA(ROOT)},
     "012",
     "3",
     .status = RP_E_CERT_INVALID,
     .text = OUTSIDE},
    {"an ordinary hierarchy below",
     {NAMED("a.corp.test"), CA(.subject = "Issuing CA", .issuer = 2),
      CA(.subject = "Constrained CA", .issuer = 3, .permitted = "corp.test"), CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
    {"the anchor's",
     {NAMED("evil.test"), CA(.subject = "Root", .issuer = -1, .permitted = "good.test")},
     "0",
     "1",
     .status = RP_E_CERT_INVALID,
     .text = OUTSIDE},
    {"a self-issued certificate below does not end them",
     {NAMED("a.good.test"), CA(.subject = "Int", .issuer = 2, .issuer_name = "Int"),
      CA(.subject = "Int", .issuer = 3, .permitted = "good.test;dir:O=Good", .key_number = 100),
      CA(ROOT)},
     "012",
     "3",
     .status = RP_E_CERT_INVALID,
     /* but the leaf is: its subject */ .text = OUTSIDE},
    {"its own names are not",
     {{.subject = "O=Good,CN=a", .issuer = 1, .names = "a.good.test"},
      CA(.subject = "O=Evil", .issuer = 2, .issuer_name = "O=Evil"),
      CA(.subject = "O=Evil", .issuer = 3, .permitted = "good.test;dir:O=Good"),
      CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
    {"an intermediate's own names are",
     {{.subject = "O=Good,CN=a", .issuer = 1, .names = "a.good.test"},
      CA(.subject = "O=Evil", .issuer = 2),
      CA(.subject = "O=Good", .issuer = 3, .permitted = "good.test;dir:O=Good"),
      CA(ROOT)},
     "012",
     "3",
     .status = RP_E_CERT_INVALID,
     .text = "issuer certificate \"Evil\" of PEER is not valid: its authority may not issue for "
             "one of its "
             "names"},
};

static void constraints_hold(void **state)
{
    (void)state;
    check_cases(constraints, COUNT(constraints));
}

/* ---- Every order, and none remembered -------------------------------------------------------- */

static const path_case tangle = {"a cross-signed hierarchy with twins",
                                 {LEAF(), CA(INT, .key_number = 100), CA(ROOT, .key_number = 101),
                                  CA(INT, .key_number = 100, .not_after = CHAINS_NOW - 1),
                                  CA(.subject = "Root", .issuer = 5, .key_number = 101),
                                  CA(.subject = "Old", .issuer = -1)},
                                 "01342",
                                 "5",
                                 .status = RP_OK};

static void order_does_not_matter(void **state)
{
    (void)state;
    made_case made;
    rp_path path;
    make(&made, &tangle);
    rp_slice others[4];
    memcpy(others, made.sent + 1, sizeof(others));
    for (unsigned order = 0; order < 24; order++) {
        bool taken[4] = {false};
        for (unsigned i = 0, rest = order; i < 4; i++) {
            unsigned nth = rest % (4 - i), at = 0;
            rest /= 4 - i;
            while (taken[at] || nth-- > 0)
                at++;
            taken[at] = true;
            made.sent[1 + i] = others[at];
        }
        rp_error error = verdict(&made, RP_PURPOSE_SERVER, &path);
        assert_int_equal(error.status, RP_OK);
        assert_int_equal(path.length, 3);
    }
    /* What was sent once is nobody's afterwards. */
    made.count = 1;
    assert_int_equal(verdict(&made, RP_PURPOSE_SERVER, &path).status, RP_E_CERT_UNTRUSTED);
    unmake(&made);
}

static void path_is_told(void **state)
{
    (void)state;
    static const path_case dated = {
        "dates",
        {LEAF(.not_before = CHAINS_NOW - 5, .not_after = CHAINS_NOW + 70),
         CA(INT, .not_before = CHAINS_NOW - 3, .not_after = CHAINS_NOW + 50),
         CA(.subject = "Int two", .issuer = 3, .not_before = CHAINS_NOW - 4,
            .not_after = CHAINS_NOW + 60),
         CA(ROOT, .not_after = CHAINS_NOW + 1)},
        "021",
        "3",
        .status = RP_OK};
    made_case made;
    rp_path path;
    make(&made, &dated);
    assert_int_equal(verdict(&made, RP_PURPOSE_SERVER, &path).status, RP_OK);
    assert_int_equal(path.length, 3);
    assert_ptr_equal(path.links[0], &path.sent[0]);
    assert_ptr_equal(path.links[1], &path.sent[2]);
    assert_ptr_equal(path.links[2], &path.sent[1]);
    assert_ptr_equal(path.anchor, rp_anchors_first(made.anchors));
    assert_int_equal(path.begins, CHAINS_NOW - 3);
    assert_int_equal(path.ends, CHAINS_NOW + 50);
    unmake(&made);
}

/* ---- What a search may cost ------------------------------------------------------------------ */

#define TOO_MANY                                                                                   \
    "certificate of PEER is not valid: the certificates sent with it make too many paths to try "  \
    "them all"

/* Many certificates of one name, each with a key of its own, each signed by the next. */
static void too_many_signatures(void **state)
{
    (void)state;
    path_case many = {.what = "signatures",
                      .specs = {LEAF()},
                      .sent = "0123456789abcdef",
                      .anchors = "gh",
                      .status = RP_E_CERT_INVALID,
                      .text = TOO_MANY};
    for (int i = 1; i < SPECS; i++)
        many.specs[i] =
            (chain_spec)WITH(CHAIN_NO_KEY_IDS, .subject = "Same", .issuer = i < 15 ? i + 1 : 1);
    check_case(&many);
}

/* Twins at every level, which make a path for each number of so many bits. */
static void too_many_paths(void **state)
{
    (void)state;
    static const char *const names[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    path_case many = {.what = "paths",
                      .specs = {LEAF()},
                      .sent = "0123456789abcdef",
                      .anchors = "",
                      .status = RP_E_CERT_INVALID,
                      .text = TOO_MANY};
    for (int i = 1; i < 16; i++) {
        int level = (i - 1) / 2, above = 1 + 2 * (level + 1);
        many.specs[i] = (chain_spec)CA(.subject = names[level], .issuer = above < 16 ? above : -1,
                                       .key_number = 200 + (unsigned)level);
    }
    check_case(&many);
    many.sent = "0123456789abc"; /* two levels less are no trouble */
    many.status = RP_E_CERT_UNTRUSTED;
    many.text = UNKNOWN("7");
    check_case(&many);
}

static void too_many_bytes(void **state)
{
    (void)state;
    size_t size = 40000;
    char *names = malloc(size + 32);
    assert_non_null(names);
    size_t used = 0;
    while (used < size)
        used += (size_t)snprintf(names + used, 32, "n%zu.test;", used);
    snprintf(names + used, 32, "host.test");
    path_case large = {
        "bytes", {LEAF(), CA(INT), CA(ROOT), NAMED(names)}, "0313", "2", .status = RP_OK};
    check_case(&large);
    large.sent = "03313";
    large.status = RP_E_CERT_INVALID;
    large.text = "certificate of PEER is not valid: more than 128 KiB of certificates were sent";
    check_case(&large);
    free(names);
}

static void too_many_names(void **state)
{
    (void)state;
    char *lists[2];
    for (int i = 0; i < 2; i++) {
        lists[i] = malloc(20000);
        assert_non_null(lists[i]);
        size_t used = 0;
        for (int n = 0; n < 1000; n++)
            used += (size_t)snprintf(lists[i] + used, 32, "%sn%d.test", n > 0 ? ";" : "", n);
    }
    path_case large = {
        "names",
        {NAMED(lists[0]), CA(INT, .permitted = lists[1]), CA(ROOT)},
        "01",
        "2",
        .status = RP_E_CERT_INVALID,
        .text =
            "certificate of PEER is not valid: its names and constraints are too many to compare"};
    check_case(&large);
    free(lists[0]);
    free(lists[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_found),
        cmocka_unit_test(no_path),
        cmocka_unit_test(validity_is_judged),
        cmocka_unit_test(usages_are_judged),
        cmocka_unit_test(anchors_are_names_and_keys),
        cmocka_unit_test(algorithms_are_judged),
        cmocka_unit_test(constraints_hold),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(path_is_told),
        cmocka_unit_test(too_many_signatures),
        cmocka_unit_test(too_many_paths),
        cmocka_unit_test(too_many_bytes),
        cmocka_unit_test(too_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
