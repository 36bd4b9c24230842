/* staple.c - finding OCSP responses in the messages of a handshake. */
#include "tls/staple.h"

#include <string.h>

#define STATUS_REQUEST 5
#define OCSP 1 /* CertificateStatusType */

rp_evidence *rp__evidence_create(rp_memory *memory)
{
    rp_evidence *evidence = rp__allocate(memory, sizeof(*evidence));
    if (evidence != NULL)
        evidence->memory = memory;
    return evidence;
}

void rp__evidence_destroy(rp_evidence *evidence)
{
    if (evidence == NULL)
        return;
    rp__free(evidence->memory, evidence->bytes);
    rp__free(evidence->memory, evidence);
}

/* Takes a big-endian number of so many bytes off the front of *in. */
static bool take_number(rp_slice *in, size_t bytes, size_t *number)
{
    if (in->size < bytes)
        return false;
    *number = 0;
    for (size_t i = 0; i < bytes; i++)
        *number = *number << 8 | in->data[i];
    *in = (rp_slice){in->data + bytes, in->size - bytes};
    return true;
}

static bool take_bytes(rp_slice *in, size_t size, rp_slice *bytes)
{
    if (in->size < size)
        return false;
    *bytes = (rp_slice){in->data, size};
    *in = (rp_slice){in->data + size, in->size - size};
    return true;
}

bool rp__certificate_status_read(rp_slice body, rp_slice *response)
{
    size_t type, size;
    return take_number(&body, 1, &type) && type == OCSP && take_number(&body, 3, &size) &&
           size > 0 && take_bytes(&body, size, response) && body.size == 0;
}

bool rp__evidence_extensions(rp_evidence *evidence, size_t index, rp_slice extensions)
{
    size_t type, size;
    rp_slice content;
    evidence->with_certificates = true;
    while (extensions.size > 0) {
        if (!take_number(&extensions, 2, &type) || !take_number(&extensions, 2, &size) ||
            !take_bytes(&extensions, size, &content))
            return false;
        if (type == STATUS_REQUEST && index < RP_SENT_LIMIT &&
            (evidence->staples[index].data != NULL ||
             !rp__certificate_status_read(content, &evidence->staples[index])))
            return false;
    }
    return true;
}

bool rp__evidence_wait(rp_evidence *evidence, const rp_sent_chain *sent)
{
    size_t size = 0;
    for (size_t i = 0; i < sent->count; i++)
        size += sent->certificates[i].size;
    uint8_t *at = rp__reallocate(evidence->memory, evidence->bytes, size + 1);
    if (at == NULL)
        return false;
    evidence->bytes = at;
    evidence->waiting = (rp_sent_chain){.count = sent->count};
    for (size_t i = 0; i < sent->count; i++) {
        rp_slice certificate = sent->certificates[i];
        if (certificate.size > 0)
            memcpy(at, certificate.data, certificate.size);
        evidence->waiting.certificates[i] = (rp_slice){at, certificate.size};
        at += certificate.size;
    }
    return true;
}
