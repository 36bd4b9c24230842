/* anchors.c - the store of trust anchors: a list, and a hash table over the subjects. */
#include "x509/anchors.h"

#include "x509/der.h"

#include <string.h>

#define BUCKETS 256 /* for a system's store, of some 150 */

struct rp_anchors {
    rp_memory *memory;
    size_t count, refused_count;
    const rp_anchor *first;
    rp_anchor *last;
    const rp_refused_anchor *first_refused;
    rp_refused_anchor *last_refused;
    const rp_anchor *buckets[BUCKETS]; /* by the hash of the subject; the newest first */
};

rp_anchors *rp__anchors_create(rp_memory *memory)
{
    rp_anchors *anchors = rp__allocate(memory, sizeof(*anchors));
    if (anchors != NULL)
        anchors->memory = memory;
    return anchors;
}

void rp__anchors_destroy(rp_anchors *anchors)
{
    if (anchors == NULL)
        return;
    for (const rp_anchor *anchor = anchors->first, *next; anchor != NULL; anchor = next) {
        next = anchor->next;
        rp__free(anchors->memory, (void *)(uintptr_t)anchor);
    }
    for (const rp_refused_anchor *refused = anchors->first_refused, *next; refused != NULL;
         refused = next) {
        next = refused->next;
        rp__free(anchors->memory, (void *)(uintptr_t)refused);
    }
    rp__free(anchors->memory, anchors);
}

static rp_status refuse(rp_anchors *anchors, rp_slice subject, const char *why, const char **reason)
{
    rp_refused_anchor *refused = rp__allocate(anchors->memory, sizeof(*refused));
    if (refused == NULL)
        return RP_E_NO_MEMORY;
    (void)rp__dname_text(subject, refused->name);
    refused->reason = why;
    if (anchors->last_refused != NULL)
        anchors->last_refused->next = refused;
    else
        anchors->first_refused = refused;
    anchors->last_refused = refused;
    anchors->refused_count++;
    if (reason != NULL)
        *reason = why;
    return RP_E_CERT_INVALID;
}

static void insert(rp_anchors *anchors, rp_anchor *anchor)
{
    const rp_anchor **head =
        &anchors->buckets[rp__dname_hash(anchor->certificate.subject) % BUCKETS];
    anchor->beside = *head;
    *head = anchor;
    if (anchors->last != NULL)
        anchors->last->next = anchor;
    else
        anchors->first = anchor;
    anchors->last = anchor;
    anchors->count++;
}

rp_status rp__anchors_add(rp_anchors *anchors, rp_slice der, const char **reason)
{
    rp_certificate view;
    rp_public_key key;
    const char *why;
    if (rp__certificate_read(&view, der, &why))
        why = rp__public_key_read(&key, view.public_key);
    if (why != NULL)
        return refuse(anchors, view.subject, why, reason);
    if (rp__anchors_same(anchors, &view) != NULL)
        return RP_OK;

    rp_anchor *anchor = rp__allocate(anchors->memory, sizeof(*anchor) + der.size);
    if (anchor == NULL)
        return RP_E_NO_MEMORY;
    uint8_t *copy = (uint8_t *)(anchor + 1);
    memcpy(copy, der.data, der.size);
    (void)rp__certificate_read(&anchor->certificate, (rp_slice){copy, der.size}, &why);
    (void)rp__public_key_read(&anchor->key, anchor->certificate.public_key);
    /* A certificate of version 3 that does not say so is none (RFC 5280, 4.2.1.9); older ones
     * cannot say it. */
    anchor->is_authority = view.version < 3 || view.is_authority;
    insert(anchors, anchor);
    return RP_OK;
}

rp_status rp__anchors_refuse(rp_anchors *anchors, rp_slice der, const char *why)
{
    rp_certificate view;
    const char *malformed;
    (void)rp__certificate_read(&view, der, &malformed);
    return refuse(anchors, view.subject, why, NULL);
}

size_t rp__anchors_count(const rp_anchors *anchors)
{
    return anchors->count;
}

size_t rp__anchors_refused_count(const rp_anchors *anchors)
{
    return anchors->refused_count;
}

const rp_anchor *rp__anchors_first(const rp_anchors *anchors)
{
    return anchors->first;
}

const rp_refused_anchor *rp__anchors_first_refused(const rp_anchors *anchors)
{
    return anchors->first_refused;
}

const rp_anchor *rp__anchors_find(const rp_anchors *anchors, rp_slice subject,
                                  const rp_anchor *after)
{
    const rp_anchor *anchor =
        after != NULL ? after->beside : anchors->buckets[rp__dname_hash(subject) % BUCKETS];
    while (anchor != NULL && !rp__dname_equal(anchor->certificate.subject, subject))
        anchor = anchor->beside;
    return anchor;
}

const rp_anchor *rp__anchors_same(const rp_anchors *anchors, const rp_certificate *certificate)
{
    const rp_anchor *anchor = rp__anchors_find(anchors, certificate->subject, NULL);
    while (anchor != NULL && !rp__slice_equal(anchor->certificate.der, certificate->der))
        anchor = rp__anchors_find(anchors, certificate->subject, anchor);
    return anchor;
}
