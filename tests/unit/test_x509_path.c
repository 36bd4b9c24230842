/* test_x509_path.c - which chains lead to an anchor, what a search may cost, and what is said of
 * the others. The rules for each certificate: test_x509_rules.c. */
#include "support/path_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Shapes ---------------------------------------------------------------------------------- */

#define TEN "3333333333"
#define SIXTY_TWO TEN TEN TEN TEN TEN TEN "33"

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
    {"sixty-four certificates",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "A", .issuer = -1)},
     "0" SIXTY_TWO "1",
     "2",
     .status = RP_OK},
    {"sixty-five certificates",
     {LEAF(), CA(INT), CA(ROOT), CA(.subject = "A", .issuer = -1)},
     "0" SIXTY_TWO "31",
     "2",
     .status = RP_E_CERT_INVALID,
     .text = "certificate of PEER is not valid: more than 64 certificates were sent"},
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
    path_check(shapes, COUNT(shapes));
}

/* ---- Untrusted ------------------------------------------------------------------------------- */

#define UNKNOWN(name) "certificate of PEER is signed by an unknown authority (" name ")"
#define ALONE ", and came without intermediate certificates"
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
     .text = UNKNOWN("Root") ALONE},
    {"the intermediate is missing",
     {LEAF(), CA(INT), CA(ROOT)},
     "0",
     "2",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("Int") ALONE},
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
    {"self-signed, by an authority",
     {CA(.subject = "host.test", .issuer = -1, .names = "host.test"), CA(ROOT)},
     "0",
     "1",
     .status = RP_E_CERT_UNTRUSTED,
     .text = "certificate of PEER is self-signed (host.test) and not a trusted one"},
    {"the same, with others behind it",
     {CA(.subject = "host.test", .issuer = -1, .names = "host.test"), CA(ROOT)},
     "01",
     "1",
     .status = RP_E_CERT_UNTRUSTED,
     .text = "certificate of PEER is self-signed (host.test) and not a trusted one"},
    {"the same, by the key of an anchor of that name",
     {CA(.subject = "host.test", .issuer = -1, .key_number = 100, .names = "host.test"),
      CA(.subject = "host.test", .issuer = -1, .key_number = 100)},
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
     .text = UNKNOWN("XX, Example") ALONE},
    {"an empty name signs nothing",
     {LEAF(.issuer_name = ""), CA(.subject = NULL, .issuer = 2), CA(ROOT)},
     "01",
     "2",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("unnamed")},
};

/* A subject with the same key again, by another certificate, is where the path has been. */
static const path_case twins[] = {
    {"a loop of twins",
     {LEAF(), CA(.subject = "A", .issuer = 2, .key_number = 100),
      CA(.subject = "B", .issuer = 1, .key_number = 101),
      CA(.subject = "A", .issuer = 2, .key_number = 100, .serial = "77"), CA(ROOT)},
     "0123",
     "4",
     .status = RP_E_CERT_UNTRUSTED,
     .text = UNKNOWN("A")},
    {"the same name with another key",
     {LEAF(), CA(.subject = "A", .issuer = 2, .key_number = 100),
      CA(.subject = "A", .issuer = 3, .key_number = 101), CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
    {"the same key with another name",
     {LEAF(), CA(.subject = "A", .issuer = 2, .key_number = 100),
      CA(.subject = "B", .issuer = 3, .key_number = 100), CA(ROOT)},
     "012",
     "3",
     .status = RP_OK},
};

static void twins_lead_nowhere(void **state)
{
    (void)state;
    path_check(twins, COUNT(twins));
}

static void no_path(void **state)
{
    (void)state;
    path_check(untrusted, COUNT(untrusted));
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
    path_made made;
    rp_path path;
    path_make(&made, &tangle);
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
        rp_error error = path_verdict(&made, RP_PURPOSE_SERVER, &path);
        assert_int_equal(error.status, RP_OK);
        assert_int_equal(path.length, 3);
    }
    /* What was sent once is nobody's afterwards. */
    made.count = 1;
    assert_int_equal(path_verdict(&made, RP_PURPOSE_SERVER, &path).status, RP_E_CERT_UNTRUSTED);
    path_unmake(&made);
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
    path_made made;
    rp_path path;
    path_make(&made, &dated);
    assert_int_equal(path_verdict(&made, RP_PURPOSE_SERVER, &path).status, RP_OK);
    assert_int_equal(path.length, 3);
    assert_ptr_equal(path.links[0], &path.sent[0]);
    assert_ptr_equal(path.links[1], &path.sent[2]);
    assert_ptr_equal(path.links[2], &path.sent[1]);
    assert_ptr_equal(path.anchor, rp__anchors_first(made.anchors));
    assert_int_equal(path.begins, CHAINS_NOW - 3);
    assert_int_equal(path.ends, CHAINS_NOW + 50);
    path_unmake(&made);
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
    path_check(&many, 1);
}

/* Twins at every level, which make a path for each number of so many bits. */
static void make_twins(chain_spec *specs, int first, int end)
{
    static const char *const names[] = {"1", "2", "3", "4", "5", "6", "7", "8"};
    for (int i = first; i < end; i++) {
        int level = (i - first) / 2, above = first + 2 * (level + 1);
        specs[i] = (chain_spec)CA(.subject = names[level], .issuer = above < end ? above : -1,
                                  .key_number = 200 + (unsigned)level);
    }
}

static void too_many_paths(void **state)
{
    (void)state;
    path_case many = {.what = "paths",
                      .specs = {LEAF()},
                      .sent = "0123456789abcdef",
                      .anchors = "g",
                      .status = RP_E_CERT_INVALID,
                      .text = TOO_MANY};
    make_twins(many.specs, 1, 16);
    many.specs[16] = (chain_spec)CA(.subject = "8", .issuer = -1);
    path_check(&many, 1);
    many.sent = "0123456789abc"; /* two levels less are no trouble */
    many.specs[16].subject = "7";
    many.text = "issuer certificate \"6\" of PEER" NOT_BY_ANCHOR;
    path_check(&many, 1);
}

/* Nor are those that lead nowhere, by their names: there is nothing to be missed. */
static void many_paths_to_nobody(void **state)
{
    (void)state;
    path_case many = {.what = "paths to nobody",
                      .specs = {LEAF()},
                      .sent = "0123456789abcdef",
                      .anchors = "",
                      .status = RP_E_CERT_UNTRUSTED,
                      .text = UNKNOWN("8")};
    make_twins(many.specs, 1, 16);
    path_check(&many, 1);
}

/* Of all ways the shorter ones come first: here the only one that the anchor's path length
 * allows, and the last one that was sent. */
static void near_ones_first(void **state)
{
    (void)state;
    path_case many = {.what = "a short way among long ones",
                      .specs = {LEAF()},
                      .sent = "0123456789abcdef",
                      .anchors = "g",
                      .status = RP_OK};
    make_twins(many.specs, 1, 15);
    many.specs[13].issuer = many.specs[14].issuer = 16;
    many.specs[15] = (chain_spec)CA(.subject = "1", .issuer = 16, .key_number = 200);
    many.specs[16] = (chain_spec)CA(ROOT, .path_length = 2);
    path_check(&many, 1);
    many.what = "long ones only";
    many.sent = "0123456789abcde";
    many.status = RP_E_CERT_INVALID;
    many.text = TOO_MANY;
    path_check(&many, 1);
}

/* What leads nowhere stands back behind all that leads somewhere, not only behind its neighbours:
 * the first intermediate has an expired issuer and many that lead nowhere, the second a good one.
 */
static void nowhere_last(void **state)
{
    (void)state;
    path_case many = {.what = "a way somewhere among many nowhere",
                      .specs = {LEAF(), CA(.subject = "Int", .issuer = 5, .key_number = 100),
                                CA(.subject = "Int", .issuer = 3, .key_number = 100),
                                CA(.subject = "Good", .issuer = 19),
                                CA(.subject = "1", .issuer = 19, .key_number = 200,
                                   .not_before = CHAINS_NOW - 9 * CHAINS_DAY,
                                   .not_after = CHAINS_NOW - CHAINS_DAY)},
                      .sent = "0123456789abcdefghi",
                      .anchors = "j",
                      .status = RP_OK};
    make_twins(many.specs, 5, 19);
    many.specs[19] = (chain_spec)CA(ROOT);
    path_check(&many, 1);
}

/* Eighteen or twenty-seven ways to an authority whose name six anchors have: each is a candidate
 * each time, though its signature is not checked again. */
static void too_many_anchors(void **state)
{
    (void)state;
    static const char *const names[] = {"1", "2", "3"};
    path_case many = {.what = "anchors",
                      .specs = {LEAF()},
                      .sent = "0123456789a",
                      .anchors = "bcdefg",
                      .status = RP_E_CERT_INVALID,
                      .text = TOO_MANY};
    for (int i = 1; i < 10; i++) {
        int level = (i - 1) / 3;
        many.specs[i] = (chain_spec)CA(.subject = names[level], .issuer = 4 + 3 * level,
                                       .key_number = 200 + (unsigned)level);
    }
    many.specs[10] = (chain_spec)CA(.subject = "T", .issuer = -1, .issuer_name = "Root");
    for (int i = 11; i < SPECS; i++)
        many.specs[i] = (chain_spec)WITH(CHAIN_NO_KEY_IDS, ROOT);
    path_check(&many, 1);
    many.sent = "012456789a";
    many.text = "issuer certificate \"T\" of PEER" NOT_BY_ANCHOR;
    path_check(&many, 1);
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
    path_check(&large, 1);
    large.sent = "03313";
    large.status = RP_E_CERT_INVALID;
    large.text = "certificate of PEER is not valid: more than 128 KiB of certificates were sent";
    path_check(&large, 1);
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
    path_check(&large, 1);
    free(lists[0]);
    free(lists[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_found),      cmocka_unit_test(no_path),
        cmocka_unit_test(twins_lead_nowhere),   cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(path_is_told),         cmocka_unit_test(too_many_signatures),
        cmocka_unit_test(too_many_paths),       cmocka_unit_test(too_many_anchors),
        cmocka_unit_test(too_many_bytes),       cmocka_unit_test(too_many_names),
        cmocka_unit_test(many_paths_to_nobody), cmocka_unit_test(near_ones_first),
        cmocka_unit_test(nowhere_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
