/* trust.c - trust anchors: PEM text, files, directories, the system's store.
 *
 * A bundle is taken apart here, and its certificates become anchors one by one: one that can't be
 * used (its key is too short, say) costs that certificate, not the bundle, and the anchors know the
 * reason.
 *
 * OpenSSL's TRUSTED CERTIFICATE has trust settings behind it, and they count: bundles of
 * distributions have certificates in that form that nobody is to trust. */
#include "tls/trust.h"

#include "base/error.h"
#include "base/platform.h"
#include "tls/file.h"
#include "tls/pem.h"
#include "tls/wolfssl.h"
#include "x509/der.h"

#include <wolfssl/wolfcrypt/wc_port.h>

#include <errno.h>
#include <string.h>

typedef struct trust_count {
    unsigned loaded, refused;
    const char *reason; /* for the first that was refused */
    bool no_memory;
} trust_count;

/* why_not: it is none, for that reason; NULL: it may be one. */
static void add_anchor(rp_tls_config *config, rp_slice der, const char *why_not, trust_count *count)
{
    const char *reason = why_not;
    rp_status status = why_not != NULL ? rp__anchors_refuse(config->anchors, der, why_not)
                                       : rp__anchors_add(config->anchors, der, &reason);
    if (status == RP_OK)
        count->loaded++;
    else if (status == RP_E_NO_MEMORY)
        count->no_memory = true;
    else if (count->refused++ == 0)
        count->reason = reason;
}

/* False: malformed. *servers: servers, or whatever uses there are, are among the purposes. */
static bool read_purposes(rp_slice *in, uint8_t tag, bool *servers)
{
    rp_slice purposes, purpose;
    *servers = false;
    if (!rp__der_get(in, tag, &purposes))
        return false;
    while (purposes.size > 0) {
        if (!rp__der_get(&purposes, RP_DER_OID, &purpose))
            return false;
        if (RP_SLICE_IS(purpose, "\x2b\x06\x01\x05\x05\x07\x03\x01") ||
            RP_SLICE_IS(purpose, "\x55\x1d\x25\x00"))
            *servers = true;
    }
    return true;
}

/* Takes the trust settings (OpenSSL's X509_CERT_AUX) from behind the certificate. Returns why they
 * are against it, or NULL. A list of what it is trusted for is whole; what is rejected is so
 * whatever else is said. */
static const char *cut_settings(const rp_pem *block, rp_slice *der)
{
    static const char malformed[] = "its trust settings (TRUSTED CERTIFICATE) are malformed";
    rp_slice rest = rp__pem_cut_settings(block, der), settings;
    bool trusted = true, rejected = false;
    if (rest.size == 0)
        return NULL;
    if (!rp__der_get(&rest, RP_DER_SEQUENCE, &settings) || rest.size > 0)
        return malformed;
    if (rp__der_next_is(&settings, RP_DER_SEQUENCE) &&
        !read_purposes(&settings, RP_DER_SEQUENCE, &trusted))
        return malformed;
    if (rp__der_next_is(&settings, RP_DER_CONTEXT_CONSTRUCTED) &&
        !read_purposes(&settings, RP_DER_CONTEXT_CONSTRUCTED, &rejected))
        return malformed;
    if (rejected)
        return "its trust settings (TRUSTED CERTIFICATE) reject it for TLS servers";
    return trusted ? NULL : "its trust settings (TRUSTED CERTIFICATE) are not for TLS servers";
}

/* What is no base64 is no certificate. */
static void add_pem(rp_tls_config *config, const rp_pem *block, trust_count *count)
{
    size_t size;
    uint8_t *memory = rp__pem_decode(&config->memory, block, &size);
    rp_slice der = {memory, size};
    if (memory == NULL) {
        count->no_memory = true;
        return;
    }
    const char *why_not = cut_settings(block, &der);
    add_anchor(config, der, why_not, count);
    rp__free(&config->memory, memory);
}

static void load_certificates(rp_tls_config *config, const char *text, size_t size,
                              trust_count *count)
{
    rp_slice rest = {(const uint8_t *)text, size};
    rp_pem block;
    while (!count->no_memory && rp__pem_next_of(&rest, rp__pem_is_certificate, &block))
        add_pem(config, &block, count);
}

/* what and where name the source: "CA file", "ca.pem". */
static rp_status check_loaded(const trust_count *count, const char *what, const char *where,
                              rp_error *error)
{
    if (count->no_memory)
        return rp__tls_no_memory(error);
    if (count->loaded > 0)
        return RP_OK;
    if (count->refused == 0)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "%s%s%s: no certificate found in it", what, *where ? " " : "", where);
    return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                         "%s%s%s: none of its %u certificates can be used: %s", what,
                         *where ? " " : "", where, count->refused, count->reason);
}

rp_status rp__trust_pem(rp_tls_config *config, const char *what, const char *pem, size_t size,
                        rp_error *error)
{
    trust_count count = {0};
    load_certificates(config, pem, size, &count);
    return check_loaded(&count, what, "", error);
}

static rp_status load_file(rp_tls_config *config, const char *path, trust_count *count,
                           rp_error *error)
{
    char *text;
    size_t size;
    rp_status status = rp__read_file(&config->memory, "CA file", path, &text, &size, error);
    if (status != RP_OK)
        return status;
    load_certificates(config, text, size, count);
    rp__free(&config->memory, text);
    return RP_OK;
}

rp_status rp__trust_file(rp_tls_config *config, const char *path, rp_error *error)
{
    trust_count count = {0};
    rp_status status = load_file(config, path, &count, error);
    return status != RP_OK ? status : check_loaded(&count, "CA file", path, error);
}

/* Files in a directory that can't be read or used are left out: such directories hold all sorts
 * of things. */
static rp_status load_directory(rp_tls_config *config, const char *path, trust_count *count)
{
    ReadDirCtx *reader = rp__allocate(&config->memory, sizeof(*reader));
    if (reader == NULL)
        return RP_E_NO_MEMORY;
    char *name;
    int result = wc_ReadDirFirst(reader, path, &name);
    bool found = result != BAD_PATH_ERROR;
    while (result == 0 && name != NULL && !count->no_memory) {
        if (load_file(config, name, count, NULL) == RP_E_NO_MEMORY)
            count->no_memory = true;
        result = wc_ReadDirNext(reader, path, &name);
    }
    wc_ReadDirClose(reader);
    rp__free(&config->memory, reader);
    if (count->no_memory || result == MEMORY_E)
        return RP_E_NO_MEMORY;
    return found ? RP_OK : RP_E_TLS_CONFIG;
}

rp_status rp__trust_directory(rp_tls_config *config, const char *path, rp_error *error)
{
    trust_count count = {0};
    errno = 0;
    rp_status status = load_directory(config, path, &count);
    if (status == RP_E_NO_MEMORY)
        return rp__tls_no_memory(error);
    /* On Windows wolfSSL's reader leaves errno alone. */
    if (status != RP_OK)
        return rp__file_unreadable("CA directory", path, errno != 0 ? errno : ENOENT, error);
    return check_loaded(&count, "CA directory", path, error);
}

typedef struct system_store {
    rp_tls_config *config;
    trust_count count;
} system_store;

static void load_anchor(void *user, const uint8_t *der, size_t size)
{
    system_store *store = user;
    if (!store->count.no_memory)
        add_anchor(store->config, (rp_slice){der, size}, NULL, &store->count);
}

/* Not one path is known: the anchors are no files here. */
static rp_status store_failed(const trust_count *count, rp_error *error)
{
    if (count->refused > 0)
        return check_loaded(count, "the system's trust store", "", error);
    return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                         "the system's trust store is empty: name a CA file");
}

rp_status rp__trust_system(rp_tls_config *config, rp_error *error)
{
    system_store store = {.config = config};
    rp__system_ca_certificates(load_anchor, &store);
    trust_count count = store.count;
    if (count.no_memory)
        return rp__tls_no_memory(error);
    /* The first bundle that gives anything; they are the same store under different
     * distributions' names. */
    for (const char *const *path = rp__system_ca_files(); *path != NULL && count.loaded == 0;
         path++) {
        if (load_file(config, *path, &count, NULL) == RP_E_NO_MEMORY || count.no_memory)
            return rp__tls_no_memory(error);
    }
    for (const char *const *path = rp__system_ca_directories(); *path != NULL && count.loaded == 0;
         path++) {
        if (load_directory(config, *path, &count) == RP_E_NO_MEMORY)
            return rp__tls_no_memory(error);
    }
    if (count.loaded > 0)
        return RP_OK;
    if (rp__system_ca_files()[0] == NULL)
        return store_failed(&count, error);
    return rp__error_set(
        error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
        "the system's trust store was not found (looked for %s and others): install "
        "its package (ca-certificates) or name a CA file",
        rp__system_ca_files()[0]);
}

void rp_tls_config_trust(const rp_tls_config *config,
                         void (*fn)(const rp_trusted *trusted, void *user), void *user)
{
    char subject[RP_DNAME_TEXT_SIZE], key[RP_KEY_TEXT_SIZE];
    for (const rp_anchor *at = rp__anchors_first(config->anchors); at != NULL; at = at->next) {
        rp_trusted trusted = {
            .subject = rp__dname_text(at->certificate.subject, subject),
            .key = rp__public_key_text(&at->key, key),
            .not_after = at->certificate.not_after,
        };
        fn(&trusted, user);
    }
    for (const rp_refused_anchor *at = rp__anchors_first_refused(config->anchors); at != NULL;
         at = at->next)
        fn(&(rp_trusted){.subject = at->name, .refused = at->reason}, user);
}
