/* identity.c - reading certificates and keys, PEM, DER or PKCS #12, for wolfSSL, which is given DER
 * alone: the certificates one behind another, the key in the clear.
 *
 * Whatever held a key or a passphrase is overwritten here; wolfSSL overwrites its own copy when the
 * context is freed. */
#include "tls/identity.h"

#include "base/error.h"
#include "tls/context.h"
#include "tls/file.h"
#include "tls/pem.h"
#include "tls/pkcs12.h"
#include "tls/pkcs5.h"
#include "tls/stand_in.h"
#include "tls/wolfssl.h"
#include "x509/certificate.h"
#include "x509/der.h"

#include <string.h>

#define PASSWORD_SIZE 1024

/* What wolfSSL's parsers find wrong has codes below these. WOLFSSL_BAD_FILE and the like, above (up
 * to 5.8), have no message, or that of some error of sockets. */
#define FILE_CODES_LEAST (-20)

/* One file, while its configuration is made. */
typedef struct source {
    rp_tls_config *config;
    const rp_identity_options *options;
    const char *what, *path; /* "key file", "client.key" */
    rp_error *error;
    bool has_key; /* the certificate's file */
} source;

static rp_status refuse(const source *from, const char *reason)
{
    return rp__error_set(from->error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s %s: %s", from->what,
                         from->path, reason);
}

static rp_status unusable(const source *from, int code)
{
    if (code == MEMORY_E)
        return rp__tls_no_memory(from->error);
    bool known = code < FILE_CODES_LEAST && code != WOLFSSL_BAD_FILE && code != ASN_PARSE_E;
    rp__error_set(from->error, RP_E_TLS_CONFIG, RP_PHASE_NONE, "%s %s can't be used: %s",
                  from->what, from->path,
                  known ? wolfSSL_ERR_reason_error_string((unsigned long)code) : "it is damaged");
    if (from->error != NULL)
        from->error->tls_code = code;
    return RP_E_TLS_CONFIG;
}

/* ---- the passphrase ---- */

/* Whether there is one, perhaps after asking for it. password: of PASSWORD_SIZE, to be wiped. */
static bool find_password(const source *from, char *password)
{
    const rp_identity_options *options = from->options;
    password[0] = '\0';
    if (options->password != NULL) {
        size_t size = strlen(options->password);
        if (size >= PASSWORD_SIZE)
            size = PASSWORD_SIZE - 1; /* no file's is that long: it is refused as wrong */
        memcpy(password, options->password, size);
        password[size] = '\0';
        return true;
    }
    if (options->on_password == NULL)
        return false;
    bool given = options->on_password(from->path, password, PASSWORD_SIZE, options->password_user);
    password[PASSWORD_SIZE - 1] = '\0';
    if (!given) /* what it left there is none */
        rp__wipe(password, PASSWORD_SIZE);
    return given;
}

/* ---- the key ---- */

static rp_status use_key_der(const source *from, rp_slice der)
{
    int result = wolfSSL_CTX_use_PrivateKey_buffer(from->config->context, der.data, (long)der.size,
                                                   WOLFSSL_FILETYPE_ASN1);
    return result == WOLFSSL_SUCCESS ? RP_OK : unusable(from, result);
}

static rp_status use_locked_key(const source *from, rp_slice der)
{
    char password[PASSWORD_SIZE];
    size_t size = 0;
    if (!find_password(from, password))
        return refuse(from, "it is encrypted, and no passphrase is given");
    rp_status status = RP_OK;
    uint8_t *opened = rp__allocate(&from->config->memory, der.size);
    const char *reason = NULL;
    if (opened == NULL)
        status = rp__tls_no_memory(from->error);
    else
        reason = rp__pkcs8_open(der, rp__slice_of(password), opened, &size);
    rp__wipe(password, sizeof(password));
    if (reason != NULL)
        status = refuse(from, reason);
    else if (status == RP_OK)
        status = use_key_der(from, (rp_slice){opened, size});
    rp__free_secret(&from->config->memory, opened, size);
    return status;
}

static rp_status use_any_key(const source *from, rp_slice der)
{
    return rp__pkcs8_is_locked(der) ? use_locked_key(from, der) : use_key_der(from, der);
}

static rp_status use_pem_key(const source *from, rp_slice text)
{
    rp_memory *memory = &from->config->memory;
    rp_pem block;
    bool found = false;
    while (!found && rp__pem_next(&text, &block))
        found = rp__pem_is(&block, "PRIVATE KEY") || rp__pem_is(&block, "ENCRYPTED PRIVATE KEY") ||
                rp__pem_is(&block, "EC PRIVATE KEY") || rp__pem_is(&block, "RSA PRIVATE KEY");
    if (!found)
        return refuse(from, "no private key found in it");
    if (block.encrypted)
        return refuse(from, "it is encrypted in OpenSSL's old form, by a key that MD5 derives: "
                            "convert it with openssl pkcs8 -topk8");
    size_t size;
    uint8_t *der = rp__pem_decode(memory, &block, &size);
    if (der == NULL)
        return rp__tls_no_memory(from->error);
    rp_status status = use_any_key(from, (rp_slice){der, size});
    rp__free_secret(memory, der, size);
    return status;
}

static rp_status use_key(source *from, rp_slice content)
{
    return rp__der_next_is(&content, RP_DER_SEQUENCE) ? use_any_key(from, content)
                                                      : use_pem_key(from, content);
}

/* ---- a key elsewhere ---- */

static rp_status use_signer(const source *from)
{
    rp_tls_config *config = from->config;
    rp_certificate leaf;
    rp_public_key key;
    const char *reason;
    if (!rp__certificate_read(&leaf, config->leaf, &reason) ||
        (reason = rp__public_key_read(&key, leaf.public_key)) != NULL)
        return refuse(from, reason);
    if (!rp__context_sign(config))
        return rp__error_set(from->error, RP_E_UNSUPPORTED, RP_PHASE_NONE,
                             "this build of wolfSSL has no keys outside of the process (on_sign)");
    config->signer = rp__signer_create(config->memory.allocator, &key, from->options->on_sign,
                                       from->options->sign_user);
    if (config->signer == NULL)
        return rp__tls_no_memory(from->error);
    uint8_t der[RP_STAND_IN_SIZE];
    size_t size = rp__stand_in_key(&key, der);
    return use_key_der(from, (rp_slice){der, size});
}

/* ---- the certificates ---- */

static bool keep_leaf(rp_tls_config *config, rp_slice leaf)
{
    uint8_t *copy = rp__allocate(&config->memory, leaf.size);
    if (copy == NULL)
        return false;
    memcpy(copy, leaf.data, leaf.size);
    config->leaf = (rp_slice){copy, leaf.size};
    return true;
}

/* Why a client's certificate is not shown: nobody should accept its key. NULL: it is. */
static const char *weakness(const rp_tls_config *config)
{
    rp_certificate leaf;
    rp_public_key key;
    const char *reason;
    return !config->server && rp__certificate_read(&leaf, config->leaf, &reason)
               ? rp__public_key_read(&key, leaf.public_key)
               : NULL;
}

/* der: one behind another, the leaf first. */
static rp_status use_certificates_der(const source *from, rp_slice der)
{
    rp_slice rest = der, leaf;
    if (!rp__der_element(&rest, RP_DER_SEQUENCE, &leaf))
        return unusable(from, ASN_PARSE_E);
    if (!keep_leaf(from->config, leaf))
        return rp__tls_no_memory(from->error);
    const char *weak = weakness(from->config);
    if (weak != NULL)
        return refuse(from, weak);
    int result = wolfSSL_CTX_use_certificate_chain_buffer_format(
        from->config->context, der.data, (long)der.size, WOLFSSL_FILETYPE_ASN1);
    return result == WOLFSSL_SUCCESS ? RP_OK : unusable(from, result);
}

static rp_status use_pem_certificates(const source *from, rp_slice text)
{
    rp_memory *memory = &from->config->memory;
    rp_pem block;
    size_t used = 0, size;
    unsigned count = 0;
    /* DER is shorter than its base64. */
    uint8_t *chain = rp__allocate(memory, text.size + 1);
    rp_status status = chain == NULL ? rp__tls_no_memory(from->error) : RP_OK;
    while (status == RP_OK && rp__pem_next(&text, &block)) {
        if (!rp__pem_is_certificate(&block))
            continue;
        uint8_t *der = rp__pem_decode(memory, &block, &size);
        if (der == NULL) {
            status = rp__tls_no_memory(from->error);
            break;
        }
        if (size == 0)
            status = unusable(from, ASN_PARSE_E);
        rp_slice certificate = {der, size};
        (void)rp__pem_cut_settings(&block, &certificate); /* whom the file's owner trusts */
        memcpy(chain + used, der, certificate.size);
        used += certificate.size;
        count++;
        rp__free(memory, der);
    }
    if (status == RP_OK && count == 0)
        status = refuse(from, "no certificate found in it");
    if (status == RP_OK && count > RP_CHAIN_LIMIT)
        status = refuse(from, "it has more than 64 certificates");
    if (status == RP_OK)
        status = use_certificates_der(from, (rp_slice){chain, used});
    rp__free(memory, chain);
    return status;
}

/* ---- PKCS #12 ---- */

static rp_status use_pkcs12_content(const source *from, const rp_pkcs12 *content)
{
    rp_memory *memory = &from->config->memory;
    size_t size = 0;
    if (content->key.data == NULL)
        return refuse(from, "no private key found in it");
    if (content->count == 0)
        return refuse(from, "no certificate found in it");
    for (size_t i = 0; i < content->count; i++)
        size += content->certificates[i].size;
    uint8_t *chain = rp__allocate(memory, size), *end = chain;
    if (chain == NULL)
        return rp__tls_no_memory(from->error);
    for (size_t i = 0; i < content->count; i++) {
        memcpy(end, content->certificates[i].data, content->certificates[i].size);
        end += content->certificates[i].size;
    }
    rp_status status = use_certificates_der(from, (rp_slice){chain, size});
    rp__free(memory, chain);
    return status == RP_OK ? use_key_der(from, content->key) : status;
}

static rp_status use_pkcs12(const source *from, rp_slice file)
{
    char password[PASSWORD_SIZE];
    bool given = find_password(from, password); /* many have an empty one */
    rp_pkcs12 content;
    const char *reason;
    rp_status status =
        rp__pkcs12_read(&content, &from->config->memory, file, rp__slice_of(password), &reason);
    rp__wipe(password, sizeof(password));
    if (status == RP_OK)
        status = use_pkcs12_content(from, &content);
    else if (status == RP_E_NO_MEMORY)
        rp__tls_no_memory(from->error);
    else
        refuse(from, !given && strstr(reason, "passphrase is wrong") != NULL
                         ? "it is encrypted, and no passphrase is given"
                         : reason);
    rp__pkcs12_free(&content);
    return status;
}

/* ---- both ---- */

static rp_status use_certificates(source *from, rp_slice content)
{
    from->has_key = rp__pkcs12_is(content);
    if (from->has_key)
        return use_pkcs12(from, content);
    return rp__der_next_is(&content, RP_DER_SEQUENCE) ? use_certificates_der(from, content)
                                                      : use_pem_certificates(from, content);
}

static rp_status use_source(source *from, rp_slice in_memory,
                            rp_status (*use)(source *from, rp_slice content))
{
    if (in_memory.data != NULL)
        return use(from, in_memory);
    char *text;
    size_t size;
    rp_memory *memory = &from->config->memory;
    rp_status status = rp__read_file(memory, from->what, from->path, &text, &size, from->error);
    if (status != RP_OK)
        return status;
    status = use(from, (rp_slice){(const uint8_t *)text, size});
    rp__free_secret(memory, text, size); /* a certificate's file may have the key, too */
    return status;
}

static rp_status one_alone(const char *path, rp_error *error)
{
    return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                         "certificate_file and key_file: one without the other (%s)", path);
}

/* What is given as a file or in memory, as it is called in messages: "key file" and its path, or
 * "key in" "memory". */
static void name_source(source *from, const char *file, const char *memory, const char *path)
{
    from->what = path != NULL ? file : memory;
    from->path = path != NULL ? path : "memory";
}

static rp_status use_its_key(source *from)
{
    const rp_identity_options *options = from->options;
    if (options->key_file == NULL && options->key.data == NULL)
        return one_alone(from->path, from->error);
    name_source(from, "key file", "key in", options->key_file);
    return use_source(from, options->key, use_key);
}

static rp_status use_key_somewhere(source *from)
{
    bool has_key = from->has_key;
    const char *certificate = from->path, *key = from->options->key_file;
    bool in_memory = from->options->key.data != NULL;
    bool other = in_memory || (key != NULL && strcmp(key, certificate) != 0);
    if (from->options->on_sign != NULL)
        return has_key || key != NULL || in_memory
                   ? refuse(from, "on_sign makes the signatures, so there can be no key")
                   : use_signer(from);
    if (has_key && other)
        return refuse(from, "it is PKCS #12 and has the key, so there can be no key_file");
    rp_status status = has_key ? RP_OK : use_its_key(from);
    /* A server of tests shows whatever it is given: what wolfSSL can't read, or another's. */
    if (status != RP_OK || from->config->server ||
        wolfSSL_CTX_check_private_key(from->config->context) == WOLFSSL_SUCCESS)
        return status;
    return rp__error_set(from->error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                         "%s %s does not belong to the certificate in %s",
                         has_key ? "the key in" : from->what, from->path, certificate);
}

rp_status rp__identity_set(rp_tls_config *config, const rp_identity_options *options,
                           rp_error *error)
{
    source from = {config, options, NULL, NULL, error, false};
    bool in_memory = options->certificate.data != NULL, key_in_memory = options->key.data != NULL;
    if ((in_memory && options->certificate_file != NULL) ||
        (key_in_memory && options->key_file != NULL))
        return rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                             "a certificate or key is given both in memory and as a file");
    if (!in_memory && options->certificate_file == NULL) {
        if (options->key_file != NULL || key_in_memory)
            return one_alone(key_in_memory ? "memory" : options->key_file, error);
        return options->on_sign == NULL ? RP_OK
                                        : rp__error_set(error, RP_E_TLS_CONFIG, RP_PHASE_NONE,
                                                        "on_sign needs certificate_file");
    }
    name_source(&from, "certificate file", "certificate in", options->certificate_file);
    rp_status status = use_source(&from, options->certificate, use_certificates);
    return status == RP_OK ? use_key_somewhere(&from) : status;
}

rp_status rp__identity_set_pem(rp_tls_config *config, const char *certificate, const char *key,
                               rp_error *error)
{
    const source from = {config, NULL, "identity", "in memory", error, true};
    int result = wolfSSL_CTX_use_certificate_chain_buffer(
        config->context, (const unsigned char *)certificate, (long)strlen(certificate));
    if (result == WOLFSSL_SUCCESS)
        result = wolfSSL_CTX_use_PrivateKey_buffer(config->context, (const unsigned char *)key,
                                                   (long)strlen(key), WOLFSSL_FILETYPE_PEM);
    if (result == WOLFSSL_SUCCESS)
        result = wolfSSL_CTX_check_private_key(config->context);
    return result == WOLFSSL_SUCCESS ? RP_OK : unusable(&from, result);
}
