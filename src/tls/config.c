/* config.c - making TLS configurations: one wolfSSL context each, with everything that can be
 * set once. */
#include "tls/config.h"

#include "base/assert.h"
#include "base/error.h"
#include "tls/context.h"
#include "tls/fingerprint.h"
#include "tls/identity.h"
#include "tls/revocation.h"
#include "tls/trust.h"
#include "tls/wolfssl.h"

#include <wolfssl/wolfcrypt/coding.h>

#include <stdio.h>
#include <string.h>

#define GROUPS_LIMIT 8
#define CIPHERS_LIMIT_BYTES 2048

/* What is not asked for is not offered: no CBC, no DHE, no RSA key exchange, no drafts (RFC 9325,
 * 4.2). AES-128 is the cheapest, and what every server has (RFC 8446, 9.1). */
static const char default_tls12_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char default_tls13_ciphers[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

rp_status rp__tls_no_memory(rp_error *error)
{
    return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for a TLS configuration");
}

static const char *reason(int code)
{
    return wolfSSL_ERR_reason_error_string((unsigned long)code);
}

/* ---- versions ---- */

static WOLFSSL_METHOD *method_of(bool server, rp_tls_version minimum, rp_tls_version maximum)
{
    if (maximum == RP_TLS_1_2)
        return server ? wolfTLSv1_2_server_method() : wolfTLSv1_2_client_method();
    if (minimum == RP_TLS_1_3)
        return server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method();
    return server ? wolfTLS_server_method() : wolfTLS_client_method();
}

static bool version_known(rp_tls_version version)
{
    return version == RP_TLS_DEFAULT || version == RP_TLS_1_2 || version == RP_TLS_1_3;
}

static rp_status make_context(rp_tls_config *config, rp_tls_version minimum, rp_tls_version maximum,
                              rp_error *error)
{
    if (!version_known(minimum) || !version_known(maximum))
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "minimum_version or maximum_version is no TLS version");
    minimum = minimum == RP_TLS_DEFAULT ? RP_TLS_1_2 : minimum;
    maximum = maximum == RP_TLS_DEFAULT ? RP_TLS_1_3 : maximum;
    if (minimum > maximum)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "minimum_version is above maximum_version");
    config->offers_1_2 = minimum == RP_TLS_1_2;
    config->offers_1_3 = maximum == RP_TLS_1_3;
    WOLFSSL_METHOD *method = method_of(config->server, minimum, maximum);
    config->context = method == NULL ? NULL : wolfSSL_CTX_new(method);
    if (config->context == NULL)
        return rp__tls_no_memory(error);
    bool taken = !config->offers_1_2 || !config->offers_1_3 ||
                 wolfSSL_CTX_SetMinVersion(config->context, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS;
    /* A resumed session has new keys too (RFC 8446, 4.2.9). */
    if (!config->server && config->offers_1_3)
        taken = taken && wolfSSL_CTX_only_dhe_psk(config->context) == 0;
    /* For DHE, where the user's own list of suites has it. */
    if (!taken || !rp__set_least_dh(config->context, RP_DH_BITS))
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "wolfSSL does not take the least version, or size of keys");
    return RP_OK;
}

/* ---- ciphers and groups ---- */

static bool is_tls13_cipher(const char *name)
{
    return strncmp(name, "TLS_", 4) == 0 || strncmp(name, "TLS13-", 6) == 0;
}

/* Tries every name of a list by itself: wolfSSL passes over names that it does not know. An empty
 * list, and one of its words "ALL", "DEFAULT" and "HIGH", are to it all the suites that it has,
 * those with CBC and SHA-1 too. */
static rp_status check_ciphers(rp_tls_config *config, const char *list, bool tls13, rp_error *error)
{
    char name[80];
    if (*list == '\0')
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "the list of TLS 1.%c cipher suites is empty", tls13 ? '3' : '2');
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, ":");
        bool fits = size > 0 && size < sizeof(name);
        if (fits) {
            memcpy(name, at, size);
            name[size] = '\0';
        }
        if (!fits || is_tls13_cipher(name) != tls13 || strpbrk(name, "-_") == NULL ||
            wolfSSL_CTX_set_cipher_list(config->context, name) != WOLFSSL_SUCCESS)
            return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                                 "\"%.*s\" is not a TLS 1.%c cipher suite that this build knows",
                                 (int)(size < sizeof(name) ? size : sizeof(name)), at,
                                 tls13 ? '3' : '2');
        at += size;
        at += *at == ':';
    }
    return RP_OK;
}

static rp_status set_ciphers(rp_tls_config *config, const char *tls12, const char *tls13,
                             rp_error *error)
{
    rp_status status = RP_OK;
    if (tls12 != NULL)
        status = check_ciphers(config, tls12, false, error);
    if (status == RP_OK && tls13 != NULL)
        status = check_ciphers(config, tls13, true, error);
    if (status != RP_OK)
        return status;
    /* A client offers the suites of its versions; wolfSSL's server looks at suites before versions,
     * and would say that there is none in common where the version is what does not fit. */
    bool has12 = config->server || config->offers_1_2, has13 = config->server || config->offers_1_3;
    tls12 = !has12 ? "" : tls12 != NULL ? tls12 : default_tls12_ciphers;
    tls13 = !has13 ? "" : tls13 != NULL ? tls13 : default_tls13_ciphers;
    char list[CIPHERS_LIMIT_BYTES];
    int size = snprintf(list, sizeof(list), "%s%s%s", tls13, has12 && has13 ? ":" : "", tls12);
    if (size < 0 || (size_t)size >= sizeof(list))
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "the cipher lists are longer than %d bytes", CIPHERS_LIMIT_BYTES);
    if (wolfSSL_CTX_set_cipher_list(config->context, list) != WOLFSSL_SUCCESS)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "wolfSSL does not take the cipher list");
    return RP_OK;
}

static int group_of(const char *name, size_t size)
{
    static const struct {
        const char *name;
        int group;
    } groups[] = {
        {"X25519MLKEM768", RP_X25519MLKEM768}, {"X25519", WOLFSSL_ECC_X25519},
        {"P-256", WOLFSSL_ECC_SECP256R1},      {"P-384", WOLFSSL_ECC_SECP384R1},
        {"P-521", WOLFSSL_ECC_SECP521R1},      {"x25519", WOLFSSL_ECC_X25519},
        {"secp256r1", WOLFSSL_ECC_SECP256R1},  {"secp384r1", WOLFSSL_ECC_SECP384R1},
        {"secp521r1", WOLFSSL_ECC_SECP521R1},
    };
    for (size_t i = RP_HYBRID_GROUPS ? 0 : 1; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strlen(groups[i].name) == size && memcmp(groups[i].name, name, size) == 0)
            return groups[i].group;
    }
    return -1;
}

/* A share of the first group; where that is the hybrid, of the first other one as well, so that a
 * server that does not know it costs no round trip. */
static void choose_shares(rp_tls_config *config, const int *groups, int count)
{
    config->shares[0] = (uint16_t)groups[0];
    config->share_count = 1;
    if (groups[0] == RP_X25519MLKEM768 && count > 1) {
        config->shares[1] = (uint16_t)groups[1];
        config->share_count = 2;
    }
}

/* X25519 is the cheapest by far. The hybrid keeps what is recorded today from who has a quantum
 * computer one day, and costs some 1,200 bytes: docs/security.md. */
static const char *default_groups(const rp_tls_config *config)
{
    return config->offers_1_3 && RP_HYBRID_GROUPS ? "X25519MLKEM768:X25519:P-256:P-384:P-521"
                                                  : "X25519:P-256:P-384:P-521";
}

static rp_status add_group(const rp_tls_config *config, int *groups, int *count, const char *name,
                           size_t size, rp_error *error)
{
    int group = group_of(name, size);
    int shown = (int)(size < 80 ? size : 80);
    if (group < 0 || *count == GROUPS_LIMIT)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "\"%.*s\" is not a group that this build knows, or one too many",
                             shown, name);
    if (group == RP_X25519MLKEM768 && !config->offers_1_3)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "\"%.*s\" is a group of TLS 1.3, which maximum_version excludes",
                             shown, name);
    groups[(*count)++] = group;
    return RP_OK;
}

static rp_status set_groups(rp_tls_config *config, const char *list, rp_error *error)
{
    int groups[GROUPS_LIMIT];
    int count = 0;
    for (const char *at = list == NULL ? default_groups(config) : list; *at != '\0';) {
        size_t size = strcspn(at, ":");
        rp_status status = add_group(config, groups, &count, at, size, error);
        if (status != RP_OK)
            return status;
        at += size;
        at += *at == ':';
    }
    if (count == 0)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "the list of groups is empty");
    choose_shares(config, groups, count);
    int result = wolfSSL_CTX_set_groups(config->context, groups, count);
    if (result == WOLFSSL_SUCCESS)
        return RP_OK;
    if (result == MEMORY_E)
        return rp__tls_no_memory(error);
    return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                         "wolfSSL does not take the groups: %s", reason(result));
}

/* ---- pins ---- */

static rp_status add_pin(rp_tls_config *config, const char *text, size_t size, rp_error *error)
{
    static const char prefix[] = "sha256//";
    size_t prefix_size = sizeof(prefix) - 1;
    uint8_t digest[RP_PIN_BYTES + 8];
    word32 digest_size = sizeof(digest);
    if (size <= prefix_size || size > prefix_size + 48 || memcmp(text, prefix, prefix_size) != 0 ||
        Base64_Decode((const byte *)text + prefix_size, (word32)(size - prefix_size), digest,
                      &digest_size) != 0 ||
        digest_size != RP_PIN_BYTES)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "\"%.*s\" is not a pinned key (sha256//BASE64 of a SHA-256)",
                             (int)(size < 80 ? size : 80), text);
    void *grown = rp__reallocate(&config->memory, config->pins,
                                 (config->pin_count + 1) * sizeof(*config->pins));
    if (grown == NULL)
        return rp__tls_no_memory(error);
    config->pins = grown;
    memcpy(config->pins[config->pin_count++], digest, RP_PIN_BYTES);
    return RP_OK;
}

static rp_status set_pins(rp_tls_config *config, const char *list, rp_error *error)
{
    if (list == NULL)
        return RP_OK;
    rp_status status = RP_OK;
    for (const char *at = list; status == RP_OK && *at != '\0';) {
        size_t size = strcspn(at, ";");
        status = add_pin(config, at, size, error);
        at += size;
        at += *at == ';';
    }
    if (status == RP_OK && config->pin_count == 0)
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "pinned_keys is empty");
    return status;
}

/* ---- trust ---- */

bool rp__tls_config_ask(rp_tls_config *config, rp_system_verifier *verifier)
{
    config->judge = rp__judge_create(&config->memory, verifier);
    return config->judge != NULL;
}

static rp_status set_trust(rp_tls_config *config, const rp_tls_options *options, rp_error *error)
{
    config->accept_any = options->insecure_accept_any_certificate;
    if (config->accept_any)
        return RP_OK;
    rp_status status = RP_OK;
    bool given =
        options->ca_file != NULL || options->ca_directory != NULL || options->ca_pem != NULL;
    if (options->ca_file != NULL)
        status = rp__trust_file(config, options->ca_file, error);
    if (status == RP_OK && options->ca_directory != NULL)
        status = rp__trust_directory(config, options->ca_directory, error);
    if (status == RP_OK && options->ca_pem != NULL) {
        size_t size = options->ca_pem_size != 0 ? options->ca_pem_size : strlen(options->ca_pem);
        status = rp__trust_pem(config, "ca_pem", options->ca_pem, size, error);
    }
    if (status == RP_OK && (!given || options->trust_system_too)) {
        status = rp__trust_system(config, error);
        if (status == RP_OK && rp__system_verifier() != NULL &&
            !rp__tls_config_ask(config, rp__system_verifier()))
            status = rp__tls_no_memory(error);
    }
    return status;
}

/* ---- the object ---- */

static void config_free(rp_tls_config *config)
{
    rp__judge_destroy(config->judge);
    rp__signer_destroy(config->signer);
    rp__anchors_destroy(config->anchors);
    rp__verdicts_destroy(config->verdicts);
    rp__crls_destroy(config->revocation.crls);
    rp_memory memory = config->memory;
    if (config->context != NULL)
        wolfSSL_CTX_free(config->context);
    rp__free(&memory, config->pins);
    rp__free(&memory, (void *)(uintptr_t)config->leaf.data);
    rp__free(&memory, config);
    wolfSSL_Cleanup();
}

static rp_tls_config *config_new(rp_allocator allocator, uint64_t fail_in)
{
    /* Counted by wolfSSL, and safe on any thread. */
    if (wolfSSL_Init() != WOLFSSL_SUCCESS)
        return NULL;
    rp_memory memory;
    rp__memory_init(&memory, allocator);
    memory.fail_in = fail_in;
    rp_tls_config *config = rp__allocate(&memory, sizeof(*config));
    if (config == NULL) {
        wolfSSL_Cleanup();
        return NULL;
    }
    config->memory = memory;
    config->anchors = rp__anchors_create(&config->memory);
    config->verdicts = rp__verdicts_create(&config->memory);
    if (config->anchors == NULL || config->verdicts == NULL) {
        config_free(config);
        return NULL;
    }
    static atomic_uint_fast64_t made;
    config->id = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    atomic_init(&config->references, 1);
    return config;
}

static rp_status finish(rp_tls_config **result, rp_tls_config *config, rp_status status)
{
    if (status == RP_OK)
        *result = config;
    else
        config_free(config);
    return status;
}

/* When everything is set that they depend on. */
static bool use_callbacks(rp_tls_config *config)
{
    rp__context_verify(config);
    return rp__context_callbacks(config);
}

static rp_slice in_memory(const void *data, size_t size)
{
    return (rp_slice){data, data != NULL && size == 0 ? strlen(data) : size};
}

rp_status rp__tls_config_create_with(rp_tls_config **result, const rp_tls_options *options,
                                     rp_allocator allocator, uint64_t fail_in, rp_error *error)
{
    *result = NULL;
    rp_tls_config *config = config_new(allocator, fail_in);
    if (config == NULL)
        return rp__tls_no_memory(error);
    config->resumption = !options->no_resumption;
    config->keeps_sent = options->keep_peer_certificates;
    config->on_keylog = options->on_keylog;
    config->keylog_user = options->keylog_user;
    rp_identity_options identity = {
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
        .certificate = in_memory(options->certificate_data, options->certificate_data_size),
        .key = in_memory(options->key_data, options->key_data_size),
        .password = options->key_password,
        .on_password = options->on_key_password,
        .password_user = options->key_password_user,
        .on_sign = options->on_sign,
        .sign_user = options->sign_user,
    };
    rp_status status =
        make_context(config, options->minimum_version, options->maximum_version, error);
    if (status == RP_OK)
        status = set_ciphers(config, options->tls12_ciphers, options->tls13_ciphers, error);
    if (status == RP_OK)
        status = set_groups(config, options->groups, error);
    if (status == RP_OK)
        status = set_trust(config, options, error);
    if (status == RP_OK)
        status = rp__tls_config_revocation(config, options, error);
    if (status == RP_OK)
        status = set_pins(config, options->pinned_keys, error);
    if (status == RP_OK)
        status = rp__identity_set(config, &identity, error);
    if (status == RP_OK && (!rp__fingerprint_make(config, options) || !use_callbacks(config)))
        status = rp__tls_no_memory(error);
    return finish(result, config, status);
}

rp_status rp_tls_config_create_sized(rp_tls_config **config, const rp_tls_options *options,
                                     size_t options_size, rp_error *error)
{
    rp_tls_options known;
    *config = NULL;
    if (!rp__options_copy(&known, sizeof(known), options, options_size))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "a TLS option is set that this version of ringport does not know");
    return rp__tls_config_create_with(config, &known, (rp_allocator){.resize = NULL}, 0, error);
}

rp_status rp__tls_server_config_create(rp_tls_config **result, const rp_tls_server_options *options,
                                       rp_error *error)
{
    *result = NULL;
    rp_tls_config *config = config_new((rp_allocator){.resize = NULL}, 0);
    if (config == NULL)
        return rp__tls_no_memory(error);
    config->server = true;
    config->resumption = !options->no_resumption;
    rp_identity_options identity = {
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
    };
    rp_status status =
        make_context(config, options->minimum_version, options->maximum_version, error);
    if (status == RP_OK)
        status = set_ciphers(config, options->tls12_ciphers, options->tls13_ciphers, error);
    if (status == RP_OK)
        status = set_groups(config, options->groups, error);
    if (status == RP_OK && options->client_ca_file != NULL)
        status = rp__trust_file(config, options->client_ca_file, error);
    if (status == RP_OK && options->certificate_pem != NULL)
        status = rp__identity_set_pem(config, options->certificate_pem, options->key_pem, error);
    else if (status == RP_OK)
        status = rp__identity_set(config, &identity, error);
    if (status == RP_OK && !use_callbacks(config))
        status = rp__tls_no_memory(error);
    return finish(result, config, status);
}

rp_tls_config *rp_tls_config_retain(rp_tls_config *config)
{
    unsigned before = atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
    RP_ASSERT(before > 0);
    return config;
}

void rp_tls_config_release(rp_tls_config *config)
{
    if (config == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel);
    RP_ASSERT(before > 0);
    if (before == 1)
        config_free(config);
}

rp_status rp_tls_config_signed(rp_tls_config *config, uint64_t id, const void *signature,
                               size_t size, rp_error *error)
{
    if (config->signer == NULL)
        return rp__error_set(error, RP_E_MISUSE, RP_PHASE_NONE,
                             "the TLS configuration has no on_sign");
    return rp__signer_answer(config->signer, id, signature, size, error);
}

const char *rp_tls_library(void)
{
    return "wolfSSL " LIBWOLFSSL_VERSION_STRING RP_WOLFSSL_LACKS;
}
