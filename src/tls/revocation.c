/* revocation.c - CRLs from files and memory, PEM or DER.
 *
 * One that can't be used is an error, not a list less: who gives it relies on it. */
#include "tls/revocation.h"

#include "base/error.h"
#include "tls/file.h"
#include "tls/pem.h"
#include "tls/wolfssl.h"

#include <string.h>

/* Where lists come from, for messages: "CRL file", "crl.pem". */
typedef struct crl_source {
    rp_tls_config *config;
    const char *what, *where;
    unsigned count;
} crl_source;

/* Takes der over. */
static rp_status take(crl_source *source, uint8_t *der, size_t size, rp_error *error)
{
    const char *reason;
    source->count++;
    switch (rp__crls_take(source->config->revocation.crls, der, size, &reason)) {
    case RP_OK:
        return RP_OK;
    case RP_E_NO_MEMORY:
        return rp__tls_no_memory(error);
    default:
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "%s%s%s: CRL %u of it can't be used: %s", source->what,
                             *source->where ? " " : "", source->where, source->count, reason);
    }
}

/* What is no base64 is no CRL, nor is one without its end: what follows may be base64 or not. */
static rp_status take_pem(crl_source *source, const rp_pem *block, rp_error *error)
{
    size_t size;
    uint8_t *der = rp__pem_decode(&source->config->memory, block, &size);
    if (der == NULL)
        return rp__tls_no_memory(error);
    return take(source, der, block->ends ? size : 0, error);
}

static rp_status take_all_pem(crl_source *source, rp_slice text, rp_error *error)
{
    rp_status status = RP_OK;
    rp_pem block;
    while (status == RP_OK && rp__pem_next_of(&text, rp__pem_is_crl, &block))
        status = take_pem(source, &block, error);
    return status;
}

/* A mark that is misspelt must not take a list away in silence. Dashes that stand before a word are
 * in nothing else. Certificates may stand between the lists, as bundles have them. */
static rp_status check_marks(const crl_source *source, rp_slice text, rp_error *error)
{
    rp_pem block;
    unsigned begins = rp__pem_count(text, "-BEGIN"), ends = rp__pem_count(text, "-END");
    while (rp__pem_next(&text, &block)) {
        begins -= rp__pem_is_certificate(&block);
        ends -= rp__pem_is_certificate(&block);
    }
    if (begins <= source->count && ends <= source->count)
        return RP_OK;
    return rp__error_set(
        error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
        "%s%s%s: it has %u lines with BEGIN and %u with END, but %u CRLs: one may be "
        "misspelt",
        source->what, *source->where ? " " : "", source->where, begins, ends, source->count);
}

static rp_status load(crl_source *source, const char *data, size_t size, rp_error *error)
{
    if (size > RP_CRLS_BYTES_LIMIT) /* of a file that has been seen */
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s is larger than %u MiB",
                             source->what, RP_CRLS_BYTES_LIMIT >> 20);
    if (size > 0 && data[0] == 0x30) { /* a SEQUENCE */
        uint8_t *der = rp__allocate(&source->config->memory, size);
        if (der == NULL)
            return rp__tls_no_memory(error);
        memcpy(der, data, size);
        return take(source, der, size, error);
    }
    rp_slice text = {(const uint8_t *)data, size};
    rp_status status = take_all_pem(source, text, error);
    if (status == RP_OK && source->count == 0)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s%s%s: no CRL found in it",
                             source->what, *source->where ? " " : "", source->where);
    return status != RP_OK ? status : check_marks(source, text, error);
}

static rp_status load_file(rp_tls_config *config, const char *path, rp_error *error)
{
    char *data;
    size_t size;
    rp_status status = rp__read_file_up_to(&config->memory, RP_CRLS_BYTES_LIMIT, "CRL file", path,
                                           &data, &size, error);
    if (status != RP_OK)
        return status;
    crl_source source = {.config = config, .what = "CRL file", .where = path};
    status = load(&source, data, size, error);
    rp__free(&config->memory, data);
    return status;
}

static rp_status load_crls(rp_tls_config *config, const rp_tls_options *options, rp_error *error)
{
    config->revocation.crls = rp__crls_create(&config->memory);
    if (config->revocation.crls == NULL)
        return rp__tls_no_memory(error);
    if (options->crl_file != NULL) {
        rp_status status = load_file(config, options->crl_file, error);
        if (status != RP_OK)
            return status;
    }
    if (options->crl_data == NULL)
        return RP_OK;
    size_t size = options->crl_data_size != 0 ? options->crl_data_size : strlen(options->crl_data);
    crl_source source = {.config = config, .what = "crl_data", .where = ""};
    return load(&source, options->crl_data, size, error);
}

rp_status rp__tls_config_revocation(rp_tls_config *config, const rp_tls_options *options,
                                    rp_error *error)
{
    bool has_crls = options->crl_file != NULL || options->crl_data != NULL;
    const char *reason = NULL;
    if (options->revocation > RP_REVOCATION_HARD)
        reason = "revocation is no policy";
    else if (options->revocation == RP_REVOCATION_OFF && (has_crls || options->require_staple))
        reason = "CRLs or require_staple are given, but revocation is off";
    else if (options->revocation != RP_REVOCATION_OFF && config->accept_any)
        reason = "revocation can't be looked at where any certificate is accepted";
    else if (options->require_staple && !RP_STAPLES)
        reason = "this build's TLS library can't ask for OCSP responses";
    if (reason != NULL)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s", reason);
    config->revocation.on = options->revocation != RP_REVOCATION_OFF;
    config->revocation.hard = options->revocation == RP_REVOCATION_HARD;
    config->revocation.require_staple = options->require_staple;
    return has_crls ? load_crls(config, options, error) : RP_OK;
}
