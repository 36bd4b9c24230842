/* platform.h - what the operating system knows and every layer may ask. Implemented in src/linux
 * and src/win32. */
#ifndef RP_BASE_PLATFORM_H
#define RP_BASE_PLATFORM_H

#include "base/address.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* A number that stands for this process, never 0: a child of fork gets another than its parent has.
 * What was made under another number shares descriptors and a ring with a process that uses them:
 * it is not ours to use. No system call but at the first call. Any thread. */
uint64_t rp__process_mark(void);

/* Where this system may keep its trust anchors, most likely first: PEM bundles, and directories
 * of PEM files for systems that have no bundle. NULL ends each list. */
const char *const *rp__system_ca_files(void);
const char *const *rp__system_ca_directories(void);

/* Visits the trust anchors that the system itself gives out, each a certificate in DER, lent until
 * visit returns. None where they are in files. */
void rp__system_ca_certificates(void (*visit)(void *user, const uint8_t *der, size_t size),
                                void *user);

/* The address from which this machine would send to the one given; false: there is no way to it.
 * Does not block. */
bool rp__system_source(const rp_address *to, rp_address *source);

/* Whether there is no descriptor for a socket now. */
bool rp__system_lacks_descriptors(void);

/* How the system completes host names: those with fewer dots than ndots get a domain appended
 * first. */
#define RP_SEARCH_LIMIT 8
typedef struct rp_search {
    unsigned ndots;
    size_t count;
    char domains[RP_SEARCH_LIMIT][256];
} rp_search;
/* Reads the configuration anew; without one: ndots 1, no domains. */
void rp__system_search(rp_search *search);

/* The system's codes (errno, WSA) for what the simulator makes happen. */
typedef struct rp_os_code_table {
    int refused, unreachable, reset, in_use, no_descriptors, no_memory, unsupported, failed;
} rp_os_code_table;
extern const rp_os_code_table rp__os_codes;

/* Asks the system itself whether the certificates that a server showed (DER, the leaf first) lead
 * to a root that it trusts for servers. It may have to fetch that root, or what is missing on the
 * way to it: not on a loop's thread, for it takes RP_SYSTEM_VERIFIER_LIMIT_MS at worst, and nothing
 * interrupts it. Names are not its business. */
typedef bool rp_system_verifier(const rp_slice *certificates, size_t count);
#define RP_SYSTEM_VERIFIER_LIMIT_MS 10000

/* NULL: there is none, and the trust anchors above are all. */
rp_system_verifier *rp__system_verifier(void);

#endif
