/* anchors.h - trust anchors: a name and a key each (RFC 5280, 6.1.1 (d)), found by the name.
 *
 * Of the certificate that an anchor comes as, version, signature, validity and usages are not
 * judged: who trusts it has done so, and it stays trusted when it has expired. What it says about
 * those below it counts: name constraints, path length, that it is no authority, and whatever a
 * critical extension says that is not known. (Policies are asked for from the first certificate
 * below an anchor on: RFC 5280, 6.1.2.)
 *
 * Filled once, and then read by any thread. */
#ifndef RP_X509_ANCHORS_H
#define RP_X509_ANCHORS_H

#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/signature.h"
#include <ringport/error.h>

typedef struct rp_anchors rp_anchors;

typedef struct rp_anchor {
    const struct rp_anchor *next; /* in the order in which they were added */
    const struct rp_anchor *beside;
    rp_certificate certificate;
    rp_public_key key;
    bool is_authority; /* false: it stands for itself and nobody else */
} rp_anchor;

/* A certificate that was to be an anchor and cannot be one. */
typedef struct rp_refused_anchor {
    const struct rp_refused_anchor *next;
    char name[RP_DNAME_TEXT_SIZE]; /* its subject, as far as that could be read */
    const char *reason;
} rp_refused_anchor;

/* Allocates from memory, which must stay. NULL: no memory. */
rp_anchors *rp__anchors_create(rp_memory *memory);
void rp__anchors_destroy(rp_anchors *anchors); /* NULL does nothing */

/* Copies the certificate; one that is there already is not added again. RP_E_CERT_INVALID: it can't
 * be used, *reason (NULL: not wanted) says why, and it is among the refused. RP_E_NO_MEMORY:
 * nothing happened. */
rp_status rp__anchors_add(rp_anchors *anchors, rp_slice der, const char **reason);

/* It is not to be one, for this reason, and is among the refused. RP_E_CERT_INVALID, or
 * RP_E_NO_MEMORY. */
rp_status rp__anchors_refuse(rp_anchors *anchors, rp_slice der, const char *why);

size_t rp__anchors_count(const rp_anchors *anchors);
size_t rp__anchors_refused_count(const rp_anchors *anchors); /* for tests */
const rp_anchor *rp__anchors_first(const rp_anchors *anchors);
const rp_refused_anchor *rp__anchors_first_refused(const rp_anchors *anchors);

/* The next anchor of that subject behind after (NULL: the first one). NULL: there is none. */
const rp_anchor *rp__anchors_find(const rp_anchors *anchors, rp_slice subject,
                                  const rp_anchor *after);
/* The anchor that is this very certificate. NULL: none is. */
const rp_anchor *rp__anchors_same(const rp_anchors *anchors, const rp_certificate *certificate);

#endif
