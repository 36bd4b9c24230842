/* path_case.h - chains as data, and what becomes of them: which certificates are sent, which are
 * anchors, and the error that follows. */
#ifndef RP_TESTS_PATH_CASE_H
#define RP_TESTS_PATH_CASE_H

#include "support/chains.h"
#include "x509/path.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SPECS 20

/* Certificates by their position, a digit and, for ten and more, a letter: "012" sends the first
 * three. */
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

typedef struct path_made {
    rp_memory memory;
    rp_anchors *anchors;
    rp_slice certificates[SPECS];
    rp_slice sent[RP_CHAIN_LIMIT + 8];
    size_t count;
} path_made;

void path_make(path_made *made, const path_case *the_case);
void path_unmake(path_made *made);
rp_error path_verdict(const path_made *made, rp_purpose purpose, rp_path *path);
/* Makes each, and holds its verdict to what the case says. */
void path_check(const path_case *cases, size_t count);

#endif
