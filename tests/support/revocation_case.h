/* revocation_case.h - paths with CRLs and OCSP responses, as data, and what becomes of them. */
#ifndef RP_TESTS_REVOCATION_CASE_H
#define RP_TESTS_REVOCATION_CASE_H

#include "support/chains.h"
#include "x509/path.h"

#define SPECS 8 /* of a chain */
#define CRLS 3

enum { SOFT, HARD, REQUIRE }; /* the last: a response, softly */

/* ---- The chains: 0 the leaf (serial number 1), 1 its issuer (2), 2 the anchor (3) ------------ */

#define LEAF(...)                                                                                  \
    {                                                                                              \
        .subject = "host.test", .issuer = 1, .names = "host.test", __VA_ARGS__                     \
    }
#define INT(...)                                                                                   \
    {                                                                                              \
        .subject = "Int", .issuer = 2, .flags = CHAIN_CA, __VA_ARGS__                              \
    }
#define ROOT                                                                                       \
    {                                                                                              \
        .subject = "Root", .issuer = -1, .flags = CHAIN_CA                                         \
    }
#define RESPONDER(...)                                                                             \
    {                                                                                              \
        .subject = "Responder", __VA_ARGS__                                                        \
    }
#define OF_INT .issuer = 1
#define FOR_OCSP .issuer = 1, .purposes = "ocsp"

typedef const chain_spec chain[SPECS];

extern chain plain_chain;

typedef struct revocation_case {
    const char *what;
    chain *specs; /* NULL: plain_chain */
    int policy;
    crl_spec crls[CRLS]; /* issuer 0: no more */
    int stapled;         /* 0: a response for the leaf; 1: for its issuer, and so on; -1: none */
    ocsp_spec response;
    rp_status status;
    const char *text; /* of the error, for "PEER" */
} revocation_case;

/* By which the issuer, and the leaf, are good. */
#define GOOD_LISTS                                                                                 \
    {.issuer = 1, .entries = "55"},                                                                \
    {                                                                                              \
        .issuer = 2                                                                                \
    }
#define UNKNOWN(reason)                                                                            \
    .status = RP_E_CERT_STATUS_UNKNOWN, .text = "certificate of PEER may be revoked: " reason
#define REVOKED(how)                                                                               \
    .status = RP_E_CERT_REVOKED, .text = "certificate of PEER was revoked on 2027-01-13" how

typedef struct made_case {
    rp_memory memory;
    rp_anchors *anchors;
    rp_revocation revocation;
    rp_slice certificates[SPECS], staples[SPECS];
    size_t count;
} made_case;

void revocation_make(made_case *made, const revocation_case *the_case);
void revocation_unmake(made_case *made);
/* Gives a list to the store. NULL, or why it can't be used. */
const char *revocation_take(made_case *made, rp_slice der);
const char *revocation_take_spec(made_case *made, const chain_spec *specs, const crl_spec *crl);
rp_error revocation_verdict(const made_case *made, int64_t now);
/* Makes each, and holds its verdict to what the case says. */
void revocation_check(const revocation_case *cases, size_t count);

#endif
