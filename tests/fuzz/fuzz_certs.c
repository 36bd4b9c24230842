/* fuzz_certs.c - what %{certs} prints of a certificate that a server sent, whoever that is: lines
 * that begin as ours do, of printable ASCII, so that nothing in it can pass for another line; and
 * at last PEM, which says just what was sent. */
#include "fuzz/support/fuzz.h"

#include "base/memory.h"
#include "certs.h"
#include "support/files.h"
#include "tls/pem.h"

#include <stdlib.h>
#include <string.h>

static const char *const labels[] = {
    "Subject:", "Issuer:", "Version:", "Serial Number:", "Signature Algorithm:", "X509v3 ",
    "Start date:", "Expire date:", "RSA Public Key:", "Public Key Algorithm:", "rsa(n):", "rsa(e):",
    "Signature:",
    /* of extensions with several lines */
    "  ", "Authority Information Access:", "CT Precertificate SCTs:", "TLS Feature:", "OCSP - ",
    "CA Issuers - ",
    "Full Name:", "Policy: ", "Permitted:", "Excluded:", "Signed Certificate Timestamp:"};

static void check_line(const char *line, size_t size)
{
    bool known = false;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        known = known || strncmp(line, labels[i], strlen(labels[i])) == 0;
    /* An access method without a name is a number. */
    known = known || (line[0] >= '0' && line[0] <= '2') || strncmp(line, " - ", 3) == 0;
    FUZZ_CHECK(known);
    for (size_t i = 0; i < size; i++)
        FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
}

static void check_pem(const char *text, const uint8_t *data, size_t size)
{
    rp_memory memory;
    rp_slice rest = {(const uint8_t *)text, strlen(text)};
    rp_pem block;
    size_t decoded;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    FUZZ_CHECK(rp__pem_next(&rest, &block) && rp__pem_is(&block, "CERTIFICATE"));
    uint8_t *der = rp__pem_decode(&memory, &block, &decoded);
    FUZZ_CHECK(der != NULL && decoded == size && memcmp(der, data, size) == 0);
    rp__free(&memory, der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char pem[] = "-----BEGIN ";
    rp_peer_certificate sent = {.der = data, .der_size = size};
    certs kept = {.list = NULL};
    FILE *out = files_text_begin();
    if (size == 0) {
        free(files_text_end(out));
        return 0;
    }
    FUZZ_CHECK(certs_keep(&kept, &sent, 1));
    certs_print(&kept, out);
    certs_free(&kept);
    char *text = files_text_end(out), *line = text;
    for (char *end; strncmp(line, pem, strlen(pem)) != 0; line = end + 1) {
        end = strchr(line, '\n');
        FUZZ_CHECK(end != NULL);
        check_line(line, (size_t)(end - line));
    }
    check_pem(line, data, size);
    free(text);
    return 0;
}
