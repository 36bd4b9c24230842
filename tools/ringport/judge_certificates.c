/* judge_certificates.c - situations of certificates: whose a server is, and whether those who say
 * so may. An error is to come before any request (RFC 9110, 4.3.4). */
#include "judge.h"
#include "judge_chain.h"

/* What chains are made of. Position 0 is the root, which the client trusts unless the row says
 * otherwise. */
#define ROOT                                                                                       \
    {                                                                                              \
        .subject = "Judge root", .issuer = -1, .flags = CHAIN_CA                                   \
    }
#define ISSUER(by, ...)                                                                            \
    {                                                                                              \
        .subject = "Judge issuer", .issuer = (by), __VA_ARGS__                                     \
    }
#define LEAF(by, ...)                                                                              \
    {                                                                                              \
        .subject = "Judge server", .issuer = (by), __VA_ARGS__                                     \
    }
#define CA .flags = CHAIN_CA
#define SERVER .purposes = "server"
#define MINE .names = "localhost", SERVER

#define CHAIN(send, trust, ...)                                                                    \
    .chain = &(const judge_chain)                                                                  \
    {                                                                                              \
        .specs = {__VA_ARGS__}, .sent = (send), .trusted = (trust)                                 \
    }
/* A root, and a server's certificate by it. */
#define DIRECT(...) CHAIN("1", "0", ROOT, LEAF(0, __VA_ARGS__))
/* With an issuer between them. */
#define WITH(issuer, ...) CHAIN("21", "0", ROOT, issuer, LEAF(1, __VA_ARGS__))

#define ROW(name_, source_, server_, wanted_, right_, tolerated_, ...)                             \
    {                                                                                              \
        .name = (name_), .class = "certificates", .source = (source_), .server = (server_),        \
        .wanted = (wanted_), .right = (right_), .tolerated = (tolerated_),                         \
        .flags = JUDGE_TLS | JUDGE_CHAIN, __VA_ARGS__                                              \
    }
#define TAKE(name_, source_, server_, ...)                                                         \
    ROW(name_, source_, server_, "the answer is taken", JUDGE_TAKEN, 0, __VA_ARGS__)
/* RFC 8446, 4.4.2, says SHOULD. */
#define RATHER_TAKE(name_, server_, ...)                                                           \
    ROW(name_, "RFC 8446, 4.4.2", server_, "the answer is taken", JUDGE_TAKEN, JUDGE_FAILED,       \
        __VA_ARGS__)
#define REFUSE(name_, source_, server_, ...)                                                       \
    ROW(name_, source_, server_, "an error before any request", JUDGE_FAILED, 0, __VA_ARGS__)
/* No rule that binds everybody is against taking it. */
#define RATHER_REFUSE(name_, source_, server_, ...)                                                \
    ROW(name_, source_, server_, "an error before any request", JUDGE_FAILED, JUDGE_TAKEN,         \
        __VA_ARGS__)

#define TIMES_8(x) x x x x x x x x
#define CONSTRAINTS "RFC 5280, 4.2.1.10 and 6.1.3 (b), (c)"

const judge_situation judge_certificates[] = {
    {"control-chain", "controls", "RFC 5280, 6.1",
     "has a certificate for localhost by an issuer below a root, made a moment ago",
     "the answer is taken", JUDGE_TAKEN, .flags = JUDGE_CONTROL | JUDGE_TLS | JUDGE_CHAIN,
     WITH(ISSUER(0, CA), MINE)},

    /* ---- time ---- */
    REFUSE("time-expired", "RFC 5280, 6.1.3 (a)(2)", "has a certificate that ended a month ago",
           DIRECT(MINE, .not_before = -400 * CHAINS_DAY, .not_after = -30 * CHAINS_DAY)),
    REFUSE("time-expired-just-now", "RFC 5280, 6.1.3 (a)(2)",
           "has a certificate that ended an hour ago",
           DIRECT(MINE, .not_before = -400 * CHAINS_DAY, .not_after = -3600)),
    REFUSE("time-not-yet", "RFC 5280, 6.1.3 (a)(2)", "has a certificate that begins tomorrow",
           DIRECT(MINE, .not_before = CHAINS_DAY)),
    REFUSE(
        "time-issuer-expired", "RFC 5280, 6.1.3 (a)(2)", "has an issuer that ended a month ago",
        WITH(ISSUER(0, CA, .not_before = -400 * CHAINS_DAY, .not_after = -30 * CHAINS_DAY), MINE)),
    TAKE("time-generalized", "RFC 5280, 4.1.2.5",
         "has a certificate until after 2050, whose end is a GeneralizedTime",
         DIRECT(MINE, .not_after = 30 * 366 * CHAINS_DAY)),

    /* ---- names ---- */
    REFUSE("name-not-mine", "RFC 9110, 4.3.4; RFC 9525, 6.3", "has a certificate for other.test",
           DIRECT(.names = "other.test", SERVER)),
    REFUSE("name-longer", "RFC 9525, 6.3", "has a certificate for localhost.other.test",
           DIRECT(.names = "localhost.other.test", SERVER)),
    REFUSE("name-nul", "RFC 9525, 6.3; CVE-2009-2408",
           "has a certificate for \"localhost\", NUL and \".other.test\"",
           DIRECT(SERVER, .extensions = {{"2.5.29.17", false,
                                          "301782156c6f63616c686f7374"
                                          "002e6f746865722e74657374"}})),
    REFUSE("name-common", "RFC 9525, 2 and 6.3",
           "has the common name localhost, and no subjectAltName",
           CHAIN("1", "0", ROOT, {.subject = "localhost", .issuer = 0, SERVER})),
    REFUSE("name-common-beside", "RFC 9525, 2 and 6.3; RFC 6125, 6.4.4",
           "has the common name localhost, and other.test in subjectAltName",
           CHAIN("1", "0", ROOT,
                 {.subject = "localhost", .issuer = 0, .names = "other.test", SERVER})),
    REFUSE("name-uri", "RFC 9110, 4.3.4; CVE-2021-44531",
           "has a certificate for the URI https://localhost, and no DNS name",
           DIRECT(.names = "uri:https://localhost", SERVER)),
    REFUSE("name-wildcard-part", "RFC 9525, 6.3", "has a certificate for local*",
           DIRECT(.names = "local*", SERVER)),
    TAKE("name-capitals", "RFC 9525, 6.3; RFC 4343", "has a certificate for LOCALHOST",
         DIRECT(.names = "LOCALHOST", SERVER)),
    TAKE("name-many", "RFC 5280, 4.2.1.6", "has a certificate for 129 names",
         DIRECT(.names = TIMES_8(TIMES_8("a.test;b.test;")) "localhost", SERVER)),
    TAKE("name-no-subject", "RFC 5280, 4.1.2.6",
         "has a certificate without a subject, whose subjectAltName is critical",
         CHAIN("1", "0", ROOT, {.issuer = 0, .flags = CHAIN_CRITICAL_NAMES, MINE})),

    TAKE("name-ip", "RFC 9110, 4.3.4", "is 127.0.0.1, and has a certificate for that address",
         .host = "127.0.0.1", DIRECT(.names = "ip:127.0.0.1", SERVER)),
    REFUSE("name-ip-text", "RFC 9110, 4.3.4",
           "is 127.0.0.1, and has a certificate for the DNS name 127.0.0.1", .host = "127.0.0.1",
           DIRECT(.names = "127.0.0.1", SERVER)),
    REFUSE("name-ip-wildcard", "RFC 9110, 4.3.4",
           "is 127.0.0.1, and has a certificate for the DNS name *.0.0.1", .host = "127.0.0.1",
           DIRECT(.names = "*.0.0.1", SERVER)),
    REFUSE("name-ip-common", "RFC 9110, 4.3.4; RFC 9525, 2",
           "is 127.0.0.1, and has that for common name, and no subjectAltName", .host = "127.0.0.1",
           CHAIN("1", "0", ROOT, {.subject = "127.0.0.1", .issuer = 0, SERVER})),

    TAKE("name-wildcard", "RFC 9525, 6.3",
         "is a.judge.localhost, and has a certificate for *.judge.localhost",
         .host = "a.judge.localhost", DIRECT(.names = "*.judge.localhost", SERVER)),
    REFUSE("name-wildcard-deep", "RFC 9525, 6.3",
           "is b.a.judge.localhost, and has a certificate for *.judge.localhost",
           .host = "b.a.judge.localhost", DIRECT(.names = "*.judge.localhost", SERVER)),
    REFUSE("name-wildcard-above", "RFC 9525, 6.3",
           "is judge.localhost, and has a certificate for *.judge.localhost",
           .host = "judge.localhost", DIRECT(.names = "*.judge.localhost", SERVER)),
    REFUSE("name-wildcard-inner", "RFC 9525, 6.3",
           "is a.judge.localhost, and has a certificate for a.*.localhost",
           .host = "a.judge.localhost", DIRECT(.names = "a.*.localhost", SERVER)),
    REFUSE("name-wildcard-two", "RFC 9525, 6.3",
           "is a.judge.localhost, and has a certificate for *.*.localhost",
           .host = "a.judge.localhost", DIRECT(.names = "*.*.localhost", SERVER)),

    /* ---- constraints on names ---- */
    TAKE("constraint-kept", CONSTRAINTS, "has an issuer that may issue for localhost",
         WITH(ISSUER(0, CA, .permitted = "localhost"), MINE)),
    TAKE("constraint-below", CONSTRAINTS,
         "has an issuer with a common name that is no host, below one that may issue for localhost",
         CHAIN("321", "0", ROOT,
               {.subject = "Constrained", .issuer = 0, CA, .permitted = "localhost"}, ISSUER(1, CA),
               LEAF(2, MINE))),
    REFUSE("constraint-broken", CONSTRAINTS, "has an issuer that may issue for good.test alone",
           WITH(ISSUER(0, CA, .permitted = "good.test"), MINE)),
    REFUSE("constraint-letters", CONSTRAINTS,
           "has an issuer that may issue for host alone, which localhost ends with",
           WITH(ISSUER(0, CA, .permitted = "host"), MINE)),
    REFUSE("constraint-excluded", CONSTRAINTS, "has an issuer that may not issue for localhost",
           WITH(ISSUER(0, CA, .excluded = "localhost"), MINE)),
    REFUSE("constraint-ip", CONSTRAINTS,
           "is 127.0.0.1, and has an issuer that may not issue for 127.0.0.0/8",
           .host = "127.0.0.1",
           WITH(ISSUER(0, CA, .excluded = "ip:127.0.0.0/8"), .names = "ip:127.0.0.1", SERVER)),
    REFUSE("constraint-above", CONSTRAINTS,
           "has an issuer below one that may issue for good.test alone",
           CHAIN("321", "0", ROOT,
                 {.subject = "Constrained", .issuer = 0, CA, .permitted = "good.test"},
                 ISSUER(1, CA), LEAF(2, MINE))),

    /* ---- who may issue ---- */
    REFUSE("issuer-unmarked", "RFC 5280, 6.1.4 (k)", "has an issuer without basicConstraints",
           WITH(ISSUER(0, .flags = CHAIN_CA | CHAIN_NO_BASIC_CONSTRAINTS), MINE)),
    REFUSE("issuer-no-authority", "RFC 5280, 6.1.4 (k); CVE-2002-0862",
           "has a certificate that another server has issued",
           WITH(ISSUER(0, .names = "other.test", SERVER), MINE)),
    REFUSE("issuer-no-key-usage", "RFC 5280, 6.1.4 (n)",
           "has an issuer whose key usage is digitalSignature alone",
           WITH(ISSUER(0, CA, .usage = 0x80), MINE)),
    REFUSE("issuer-version-1", "RFC 5280, 6.1.4 (k)", "has an issuer of version 1",
           WITH(ISSUER(0, CA, .version = 1), MINE)),
    REFUSE("issuer-path-length", "RFC 5280, 6.1.4 (l), (m)",
           "has two issuers, the upper of which allows none below it",
           CHAIN("321", "0", ROOT, {.subject = "Short", .issuer = 0, CA, .path_length = 1},
                 ISSUER(1, CA), LEAF(2, MINE))),
    RATHER_REFUSE("issuer-purpose", "CA/Browser Forum Baseline Requirements, 7.1.2.10.6",
                  "has an issuer whose extended key usage is clientAuth alone",
                  WITH(ISSUER(0, CA, .purposes = "client"), MINE)),
    REFUSE("anchor-no-authority", "RFC 5280, 4.2.1.9",
           "has a certificate by a server whose own one, CA:FALSE, the client trusts",
           CHAIN("1", "0", {.subject = "Judge root", .issuer = -1, .names = "other.test", SERVER},
                 LEAF(0, MINE))),
    TAKE("anchor-version-1", "RFC 5280, 6.1.1 (d)",
         "has a certificate by a root of version 1, which the client trusts",
         CHAIN("1", "0", {.subject = "Judge root", .issuer = -1, CA, .version = 1}, LEAF(0, MINE))),

    /* ---- what it is for ---- */
    REFUSE("purpose-client", "RFC 5280, 4.2.1.12", "has a certificate for clients (clientAuth)",
           DIRECT(.names = "localhost", .purposes = "client")),
    TAKE("purpose-none", "RFC 5280, 4.2.1.12", "has a certificate without extended key usage",
         DIRECT(.names = "localhost")),
    REFUSE("usage-no-signature", "RFC 8446, 4.4.2.2",
           "signs with a key whose key usage is keyEncipherment alone",
           DIRECT(MINE, .usage = 0x20)),
    REFUSE("extension-critical", "RFC 5280, 4.2", "has a critical extension that nobody knows",
           DIRECT(MINE, .extensions = {{"1.2.3.4.5", true, "0500"}})),
    REFUSE("extension-issuer", "RFC 5280, 4.2",
           "has an issuer with a critical extension that nobody knows",
           WITH(ISSUER(0, CA, .extensions = {{"1.2.3.4.5", true, "0500"}}), MINE)),
    TAKE("extension-unknown", "RFC 5280, 4.2",
         "has an extension that nobody knows, and that is not critical",
         DIRECT(MINE, .extensions = {{"1.2.3.4.5", false, "0500"}})),
    TAKE("extension-policies", "RFC 5280, 4.2.1.4 and 6.1.1 (c)",
         "has critical certificatePolicies",
         DIRECT(MINE, .extensions = {{"2.5.29.32", true, "3007300506032a0304"}})),

    /* ---- signatures and keys ---- */
    REFUSE("signature-broken", "RFC 5280, 6.1.3 (a)(1)",
           "has a certificate with a bit of its signature changed",
           DIRECT(MINE, .flags = CHAIN_BAD_SIGNATURE)),
    REFUSE("signature-of-issuer", "RFC 5280, 6.1.3 (a)(1)",
           "has an issuer with a bit of its signature changed",
           WITH(ISSUER(0, .flags = CHAIN_CA | CHAIN_BAD_SIGNATURE), MINE)),
    REFUSE("key-of-another", "RFC 8446, 4.4.3", "shows a certificate whose key it does not have",
           .chain =
               &(const judge_chain){
                   .specs = {ROOT, LEAF(0, MINE)}, .sent = "1", .trusted = "0", .other_key = true}),
    RATHER_REFUSE("signature-sha-1", "RFC 8446, 4.4.2.4", "has a certificate signed with SHA-1",
                  DIRECT(MINE, .signature = CHAIN_SHA1)),
    RATHER_REFUSE("key-short", "RFC 9325, 4.5", "has an RSA key of 1,024 bits",
                  DIRECT(MINE, .key = CHAIN_RSA_1024)),
    TAKE("key-rsa", "RFC 8446, 9.1", "has an RSA key of 2,048 bits",
         DIRECT(MINE, .key = CHAIN_RSA)),

    /* ---- trust ---- */
    REFUSE("self-signed", "RFC 5280, 6.1", "has a certificate that it signed itself",
           CHAIN("0", "", {.subject = "localhost", .issuer = -1, MINE})),
    REFUSE("root-unknown", "RFC 5280, 6.1", "sends a chain whose root the client does not know",
           CHAIN("210", "", ROOT, ISSUER(0, CA), LEAF(1, MINE))),
    REFUSE("root-namesake", "RFC 5280, 6.1.3 (a)(1)",
           "sends a chain whose root has the name of one that the client trusts, and another key",
           CHAIN("20", "1", ROOT, ROOT, LEAF(0, MINE))),
    REFUSE("issuer-missing", "RFC 8446, 4.4.2", "does not send its issuer",
           CHAIN("2", "0", ROOT, ISSUER(0, CA), LEAF(1, MINE))),

    /* ---- chains that are not the shortest ---- */
    RATHER_TAKE("chain-unordered", "sends its issuers in the wrong order",
                CHAIN("312", "0", ROOT, {.subject = "Upper", .issuer = 0, CA}, ISSUER(1, CA),
                      LEAF(2, MINE))),
    RATHER_TAKE("chain-root-too", "sends the root too",
                CHAIN("210", "0", ROOT, ISSUER(0, CA), LEAF(1, MINE))),
    RATHER_TAKE(
        "chain-others", "sends five authorities that nothing depends on",
        CHAIN("2134567", "0", ROOT, ISSUER(0, CA), LEAF(1, MINE),
              {.subject = "Other 1", .issuer = -1, CA}, {.subject = "Other 2", .issuer = -1, CA},
              {.subject = "Other 3", .issuer = -1, CA}, {.subject = "Other 4", .issuer = -1, CA},
              {.subject = "Other 5", .issuer = -1, CA})),
    RATHER_TAKE("chain-expired-twin",
                "sends an expired certificate of its issuer behind the one that is valid",
                CHAIN("213", "0", ROOT, ISSUER(0, CA, .key_number = 7), LEAF(1, MINE),
                      ISSUER(0, CA, .key_number = 7, .not_before = -400 * CHAINS_DAY,
                             .not_after = -30 * CHAINS_DAY))),
    RATHER_TAKE("chain-expired-first",
                "sends an expired certificate of its issuer before the one that is valid",
                CHAIN("231", "0", ROOT, ISSUER(0, CA, .key_number = 7), LEAF(1, MINE),
                      ISSUER(0, CA, .key_number = 7, .not_before = -400 * CHAINS_DAY,
                             .not_after = -30 * CHAINS_DAY))),
    RATHER_TAKE("chain-cross-signed",
                "sends its root as an older one signed it, which is trusted and has expired",
                CHAIN("213", "04", {.subject = "New root", .issuer = -1, CA, .key_number = 8},
                      ISSUER(0, CA), LEAF(1, MINE),
                      {.subject = "New root", .issuer = 4, CA, .key_number = 8},
                      {.subject = "Old root",
                       .issuer = -1,
                       CA,
                       .not_before = -4000 * CHAINS_DAY,
                       .not_after = -30 * CHAINS_DAY})),
    TAKE("name-of-issuer", "RFC 5280, 7.1",
         "names its issuer in a PrintableString, and the issuer itself in a UTF8String",
         DIRECT(MINE, .flags = CHAIN_PRINTABLE)),
    TAKE("key-id-other-form", "RFC 5280, 4.2.1.1",
         "names its issuer's certificate by issuer and serial number",
         DIRECT(MINE, .flags = CHAIN_ISSUER_AND_SERIAL)),
    {.name = NULL},
};
