/* option_tls.c - the options of TLS. */
#include "ca_directories.h"
#include "option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int take_tls_max(tool_options *o, const char *value)
{
    if (strcmp(value, "1.2") == 0)
        o->tls.maximum_version = RP_TLS_1_2;
    else if (strcmp(value, "1.3") == 0)
        o->tls.maximum_version = RP_TLS_1_3;
    else if (strcmp(value, "default") == 0)
        o->tls.maximum_version = RP_TLS_DEFAULT;
    else
        return option_fail(o, EXIT_USAGE, "--tls-max is 1.2, 1.3 or default, not \"%s\"", value);
    return EXIT_OK;
}

/* "FILE[:PASSWORD]" as curl reads it: in FILE a backslash before a colon or another backslash makes
 * it the character itself; the colon of a drive is its own. */
static int take_certificate(tool_options *o, const char *value)
{
    char *file = option_keep(o, value, strlen(value));
    size_t size = 0;
    if (file == NULL)
        return option_no_memory(o);
    for (; *value != '\0'; value++) {
        bool drive =
            size == 1 && isalpha((unsigned char)file[0]) && strchr("/\\", value[1]) != NULL;
        if (*value == '\\' && (value[1] == ':' || value[1] == '\\'))
            value++;
        else if (*value == ':' && value[1] != '\0' && !drive)
            break;
        else if (*value == ':' && !drive)
            continue; /* "FILE:" has no password */
        file[size++] = *value;
    }
    file[size] = '\0';
    if (*value == ':')
        o->tls.key_password = value + 1;
    o->tls.certificate_file = file;
    return EXIT_OK;
}

/* The library sees by a file's content what it is. */
static int take_type(tool_options *o, const char *value)
{
    if (strcasecmp(value, "PEM") == 0 || strcasecmp(value, "DER") == 0 ||
        strcasecmp(value, "P12") == 0)
        return EXIT_OK;
    return option_fail(o, EXIT_USAGE, "a certificate or key is PEM, DER or P12, not \"%s\"", value);
}

const option tls_options[] = {
    {"insecure", 'k', KIND_FLAG, BOTH, NULL, AT(insecure), "accept any certificate"},
    {"cacert", 0, KIND_TEXT, ALL, "FILE", AT(tls.ca_file), "trust the CAs in this PEM file"},
    {"capath", 0, KIND_TEXT, ALL, "DIRECTORY", AT(tls.ca_directory), "and those in there"},
    {"crlfile", 0, KIND_TEXT, BOTH, "FILE", AT(tls.crl_file),
     "every certificate must be good by a CRL in there, PEM or DER"},
    {"cert-status", 0, KIND_FLAG, BOTH, NULL, AT(tls.require_staple),
     "the server must staple a good OCSP response"},
    {"cert", 'E', KIND_CALL, BOTH, "FILE[:PASSWORD]", CALL(take_certificate),
     "client certificate: PEM, DER or PKCS #12"},
    {"key", 0, KIND_TEXT, BOTH, "FILE", AT(tls.key_file), "its key [the --cert file]"},
    {"pass", 0, KIND_TEXT, BOTH, "PASSWORD", AT(tls.key_password), "of the key"},
    {"cert-type", 0, KIND_CALL, BOTH, "TYPE", CALL(take_type), NULL},
    {"key-type", 0, KIND_CALL, BOTH, "TYPE", CALL(take_type), NULL},
    {"pinnedpubkey", 0, KIND_TEXT, BOTH, "HASHES", AT(tls.pinned_keys),
     "sha256//BASE64[;...] of the server's public key"},
    {"tlsv1.2", 0, KIND_FLAG, BOTH, NULL, AT(tls12), "TLS 1.2 or later (the default)"},
    {"tlsv1.3", 0, KIND_FLAG, BOTH, NULL, AT(tls13), "TLS 1.3 or later"},
    {"tls-max", 0, KIND_CALL, BOTH, "VERSION", CALL(take_tls_max), "1.2 or 1.3"},
    {"ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(tls.tls12_ciphers), "of TLS 1.2, OpenSSL's names"},
    {"tls13-ciphers", 0, KIND_TEXT, BOTH, "LIST", AT(tls.tls13_ciphers), "of TLS 1.3"},
    {"curves", 0, KIND_TEXT, BOTH, "LIST", AT(tls.groups),
     "groups of the key exchange, best first"},
    {"no-sessionid", 0, KIND_FLAG, BOTH, NULL, AT(tls.no_resumption), NULL},
    /* At least these, and 1.2 is the least there is; as with curl the last two mean nothing. */
    {"tlsv1", '1', KIND_FLAG, BOTH, NULL, AT(tls12), NULL},
    {"tlsv1.0", 0, KIND_FLAG, BOTH, NULL, AT(tls12), NULL},
    {"tlsv1.1", 0, KIND_FLAG, BOTH, NULL, AT(tls12), NULL},
    {"sslv2", '2', KIND_FLAG, BOTH, NULL, AT(ignored), NULL},
    {"sslv3", '3', KIND_FLAG, BOTH, NULL, AT(ignored), NULL},
    {"no-resumption", 0, KIND_FLAG, BOTH, NULL, AT(tls.no_resumption), "full TLS handshakes only"},
    {.name = NULL},
};

/* Empty is as if it were not there. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool has_anchors(const body *pem)
{
    rp_tls_options options = {.ca_pem = (const char *)pem->data, .ca_pem_size = pem->size};
    rp_tls_config *config;
    if (rp_tls_config_create(&config, &options, NULL) != RP_OK)
        return false;
    rp_tls_config_release(config);
    return true;
}

/* Where nothing is in any of them that can be used, and that is all there is, the error names
 * them. */
static void read_directories(tool_options *o, const char *list)
{
    body pem = {0};
    bool any = ca_directories_read(&pem, list) && pem.size > 0;
    if (any && (o->tls.ca_file == NULL || has_anchors(&pem)))
        o->tls.ca_pem = option_keep(o, (const char *)pem.data, pem.size);
    else if (o->tls.ca_file == NULL)
        o->tls.ca_directory = list;
    free(pem.data);
}

void options_environment(tool_options *o)
{
    if (o->tls.ca_file != NULL || o->tls.ca_directory != NULL || o->insecure)
        return;
    o->tls.ca_file = variable("CURL_CA_BUNDLE");
    if (o->tls.ca_file != NULL)
        return;
    o->tls.ca_file = variable("SSL_CERT_FILE");
    const char *list = variable("SSL_CERT_DIR");
    if (list != NULL && (o->tls.ca_file != NULL || ca_directories_are_several(list)))
        read_directories(o, list);
    else
        o->tls.ca_directory = list;
}

int finish_tls(tool_options *o)
{
    o->tls.minimum_version = o->tls13 ? RP_TLS_1_3 : o->tls12 ? RP_TLS_1_2 : RP_TLS_DEFAULT;
    o->tls.insecure_accept_any_certificate = o->insecure;
    o->tls.revocation = o->tls.crl_file != NULL ? RP_REVOCATION_HARD
                        : o->tls.require_staple ? RP_REVOCATION_SOFT
                                                : RP_REVOCATION_OFF;
    if (o->insecure && o->tls.revocation != RP_REVOCATION_OFF)
        return option_fail(o, EXIT_USAGE, "-k excludes --crlfile and --cert-status");
    if (o->tls13 && o->tls.maximum_version == RP_TLS_1_2)
        return option_fail(o, EXIT_USAGE, "--tlsv1.3 and --tls-max 1.2 exclude each other");
    if (o->tls.key_file != NULL && o->tls.certificate_file == NULL)
        return option_fail(o, EXIT_USAGE, "--key needs --cert");
    if (o->tls.key_file == NULL)
        o->tls.key_file = o->tls.certificate_file;
    return EXIT_OK;
}
