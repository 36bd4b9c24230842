/* test_tls_config.c - configurations that can't be used, and the sentences that say why. */
#include "support/chains.h"
#include "support/files.h"
#include "support/tls_pair.h"
#include "tls/pem.h"
#include "tls/wolfssl.h"

#include <wolfssl/wolfcrypt/coding.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Files ----------------------------------------------------------------------------------- */

static char *text_of(const char *path)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, stream) > 0);
    fclose(stream);
    return text;
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* format: what the sentence must be, with %s for path. */
static void expect(const rp_tls_options *options, const char *format, const char *path)
{
    rp_tls_config *config;
    rp_error error;
    char text[RP_ERROR_TEXT_SIZE];
    snprintf(text, sizeof(text), format, path);
    assert_int_equal(rp_tls_config_create(&config, options, &error), RP_E_TLS_CONFIG);
    assert_null(config);
    assert_int_equal(error.status, RP_E_TLS_CONFIG);
    assert_string_equal(error.text, text);
    assert_int_equal(rp_tls_config_create(&config, options, NULL), RP_E_TLS_CONFIG);
}

static void bad_trust(void **state)
{
    (void)state;
    const char *path = files_path("missing.pem");
    expect(&(rp_tls_options){.ca_file = path},
           "CA file %s can't be read: No such file or directory", path);
    char sentence[64];
    (void)snprintf(sentence, sizeof(sentence), "CA file %%s can't be read: %s",
                   files_is_a_directory);
    expect(&(rp_tls_options){.ca_file = files_path("")}, sentence, files_path(""));
    path = files_write("empty.pem", "", 0);
    expect(&(rp_tls_options){.ca_file = path}, "CA file %s: no certificate found in it", path);
    path = files_write("text.pem", "This is no certificate\n", 23);
    expect(&(rp_tls_options){.ca_file = path}, "CA file %s: no certificate found in it", path);
    static const char junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    path = files_write("junk.pem", junk, sizeof(junk) - 1);
    expect(&(rp_tls_options){.ca_file = path},
           "CA file %s: none of its 1 certificates can be used: it is not a certificate in DER",
           path);
    path = files_write("cut.pem", junk, 30);
    rp_tls_config *config;
    rp_error error;
    assert_int_equal(rp_tls_config_create(&config, &(rp_tls_options){.ca_file = path}, &error),
                     RP_E_TLS_CONFIG);
    expect(&(rp_tls_options){.ca_pem = junk},
           "ca_pem: none of its 1 certificates can be used: it is not a certificate in DER", "");
    expect(&(rp_tls_options){.ca_pem = "nothing"}, "ca_pem: no certificate found in it", "");
    path = files_path("no-directory");
    expect(&(rp_tls_options){.ca_directory = path},
           "CA directory %s can't be read: No such file or directory", path);
    path = files_path("empty-directory");
    files_make_directory(path);
    expect(&(rp_tls_options){.ca_directory = path}, "CA directory %s: no certificate found in it",
           path);
}

static void too_large(void **state)
{
    (void)state;
    const char *path = files_path("large.pem");
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fseek(stream, 16 << 20, SEEK_SET), 0);
    fputc('x', stream);
    fclose(stream);
    expect(&(rp_tls_options){.ca_file = path}, "CA file %s is larger than 16 MiB", path);
    assert_int_equal(truncate(path, 40 << 20), 0);
    expect(&(rp_tls_options){.ca_file = path}, "CA file %s is larger than 16 MiB", path);
    assert_int_equal(truncate(path, 16 << 20), 0);
    expect(&(rp_tls_options){.ca_file = path}, "CA file %s: no certificate found in it", path);
    unlink(path);
}

static void bad_identity(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem"), *path = tls_cert("client.pem");
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = path},
           "certificate_file and key_file: one without the other (%s)", path);
    path = tls_cert("client.key");
    expect(&(rp_tls_options){.ca_file = ca, .key_file = path},
           "certificate_file and key_file: one without the other (%s)", path);
    path = files_path("missing.pem");
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = path, .key_file = path},
           "certificate file %s can't be read: No such file or directory", path);
    path = tls_cert("client.key");
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = path, .key_file = path},
           "certificate file %s: no certificate found in it", path);
    static const char junk[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    path = files_write("junk-identity.pem", junk, sizeof(junk) - 1);
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = path, .key_file = path},
           "certificate file %s can't be used: it is damaged", path);
    path = tls_cert("client.pem");
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = path, .key_file = path},
           "key file %s: no private key found in it", path);
    const char *certificate = path;
    static const char junk_key[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    path = files_write("junk.key", junk_key, sizeof(junk_key) - 1);
    expect(&(rp_tls_options){.ca_file = ca, .certificate_file = certificate, .key_file = path},
           "key file %s can't be used: it is damaged", path);
    static const char cut[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    path = files_write("cut.key", cut, sizeof(cut) - 1);
    expect(&(rp_tls_options){.ca_file = ca,
                             .certificate_file = tls_cert("client.pem"),
                             .key_file = path},
           "key file %s: no private key found in it", path);
    const char *keys[] = {tls_cert("server-rsa.key"), tls_cert("server-ecdsa.key")};
    for (size_t i = 0; i < COUNT(keys); i++) {
        char text[512];
        snprintf(text, sizeof(text), "key file %%s does not belong to the certificate in %s",
                 tls_cert("client.pem"));
        expect(&(rp_tls_options){.ca_file = ca,
                                 .certificate_file = tls_cert("client.pem"),
                                 .key_file = keys[i]},
               text, keys[i]);
    }
}

static void bad_options(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem");
    expect(&(rp_tls_options){.ca_file = ca, .minimum_version = 11},
           "minimum_version or maximum_version is no TLS version%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .minimum_version = 13, .maximum_version = 12},
           "minimum_version is above maximum_version%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .groups = "X25519:P-111"},
           "\"P-111\" is not a group that this build knows, or one too many%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .groups = ""}, "the list of groups is empty%s", "");
    if (RP_HYBRID_GROUPS)
        expect(&(rp_tls_options){.ca_file = ca,
                                 .groups = "X25519:X25519MLKEM768",
                                 .maximum_version = 12},
               "\"X25519MLKEM768\" is a group of TLS 1.3, which maximum_version excludes%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = "ROT13"},
           "\"ROT13\" is not a TLS 1.2 cipher suite that this build knows%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls13_ciphers = "TLS_AES_128_GCM_SHA256:TLS_ROT13"},
           "\"TLS_ROT13\" is not a TLS 1.3 cipher suite that this build knows%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = "TLS_AES_128_GCM_SHA256"},
           "\"TLS_AES_128_GCM_SHA256\" is not a TLS 1.2 cipher suite that this build knows%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .pinned_keys = "sha256//AAAA"},
           "\"sha256//AAAA\" is not a pinned key (sha256//BASE64 of a SHA-256)%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .pinned_keys = "md5//AAAA;"},
           "\"md5//AAAA\" is not a pinned key (sha256//BASE64 of a SHA-256)%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .pinned_keys = ""}, "pinned_keys is empty%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .maximum_version = 14},
           "minimum_version or maximum_version is no TLS version%s", "");
}

/* Each on its own in a list; what is long is cut in the sentence. */
static void bad_names(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem");
    char name[101], text[200];
    memset(name, 'A', 100);
    name[100] = '\0';
    snprintf(text, sizeof(text), "\"%.80s\" is not a TLS 1.2 cipher suite that this build knows",
             name);
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = name}, text, "");
    /* Words of wolfSSL's for all that it has. */
    static const char *const words[] = {"ALL", "DEFAULT", "HIGH"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int version = 0; version <= RP_TLS_1_2; version += RP_TLS_1_2)
            expect(&(rp_tls_options){.ca_file = ca,
                                     .tls12_ciphers = words[i],
                                     .maximum_version = (rp_tls_version)version},
                   "\"%s\" is not a TLS 1.2 cipher suite that this build knows", words[i]);
    }
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = "", .maximum_version = RP_TLS_1_2},
           "the list of TLS 1.2 cipher suites is empty%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls13_ciphers = "", .minimum_version = RP_TLS_1_3},
           "the list of TLS 1.3 cipher suites is empty%s", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = ":ROT13"},
           "\"\" is not a TLS 1.2 cipher suite that this build knows", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = "TLS13-AES128-GCM-SHA256"},
           "\"TLS13-AES128-GCM-SHA256\" is not a TLS 1.2 cipher suite that this build knows", "");
    expect(&(rp_tls_options){.ca_file = ca, .tls13_ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},
           "\"ECDHE-RSA-AES128-GCM-SHA256\" is not a TLS 1.3 cipher suite that this build knows",
           "");
    snprintf(text, sizeof(text), "\"%.80s\" is not a group that this build knows, or one too many",
             name);
    expect(&(rp_tls_options){.ca_file = ca, .groups = name}, text, "");
    snprintf(text, sizeof(text), "\"%.80s\" is not a pinned key (sha256//BASE64 of a SHA-256)",
             name);
    expect(&(rp_tls_options){.ca_file = ca, .pinned_keys = name}, text, "");
    static const char *const pins[] = {
        "sha256//",
        "sha256//****************************************",
        "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < COUNT(pins); i++) {
        snprintf(text, sizeof(text), "\"%s\" is not a pinned key (sha256//BASE64 of a SHA-256)",
                 pins[i]);
        expect(&(rp_tls_options){.ca_file = ca, .pinned_keys = pins[i]}, text, "");
    }
}

static void too_many_names(void **state)
{
    (void)state;
    static const char cipher[] = "ECDHE-RSA-AES128-GCM-SHA256:", group[] = "X25519:";
    char ciphers[80 * (sizeof(cipher) - 1) + 1] = "", groups[40 * (sizeof(group) - 1) + 1] = "";
    for (size_t i = 0; i < 80; i++)
        memcpy(ciphers + i * (sizeof(cipher) - 1), cipher, sizeof(cipher));
    for (size_t i = 0; i < 40; i++)
        memcpy(groups + i * (sizeof(group) - 1), group, sizeof(group));
    const char *ca = tls_cert("ca.pem");
    expect(&(rp_tls_options){.ca_file = ca, .tls12_ciphers = ciphers},
           "the cipher lists are longer than 2048 bytes", "");
    expect(&(rp_tls_options){.ca_file = ca, .groups = groups},
           "\"X25519\" is not a group that this build knows, or one too many", "");
}

static void newer_options(void **state)
{
    (void)state;
    const char *ca = tls_cert("ca.pem");
    struct {
        rp_tls_options known;
        long unknown;
    } newer = {.known = {.ca_file = ca}};
    rp_tls_config *config;
    rp_error error;
    assert_int_equal(rp_tls_config_create_sized(&config, &newer.known, sizeof(newer), &error),
                     RP_OK);
    rp_tls_config_release(config);
    newer.unknown = 1;
    assert_int_equal(rp_tls_config_create_sized(&config, &newer.known, sizeof(newer), &error),
                     RP_E_BAD_OPTION);
    assert_null(config);
}

/* ---- A server's ------------------------------------------------------------------------------ */

static void expect_server(const rp_tls_server_options *options, const char *text)
{
    rp_tls_config *config;
    rp_error error;
    assert_int_equal(rp__tls_server_config_create(&config, options, &error), RP_E_TLS_CONFIG);
    assert_null(config);
    if (strstr(error.text, text) != error.text)
        fail_msg("%s", error.text);
}

static void bad_server_options(void **state)
{
    (void)state;
    char *certificate = text_of(tls_cert("server-ecdsa.pem"));
    char *key = text_of(tls_cert("server-ecdsa.key")), *other = text_of(tls_cert("client.key"));
    rp_tls_server_options good = {.certificate_pem = certificate, .key_pem = key};
    rp_tls_config *config;
    assert_int_equal(rp__tls_server_config_create(&config, &good, NULL), RP_OK);
    rp_tls_config_release(config);

    rp_tls_server_options bad = good;
    bad.minimum_version = 11;
    expect_server(&bad, "minimum_version or maximum_version is no TLS version");
    bad = good;
    bad.tls12_ciphers = "ROT13";
    expect_server(&bad, "\"ROT13\" is not a TLS 1.2 cipher suite");
    bad = good;
    bad.groups = "P-111";
    expect_server(&bad, "\"P-111\" is not a group");
    bad = good;
    bad.client_ca_file = files_path("missing.pem");
    expect_server(&bad, "CA file ");
    bad = good;
    bad.certificate_pem = "nothing";
    expect_server(&bad, "identity in memory can't be used: ");
    bad = good;
    bad.key_pem = "nothing";
    expect_server(&bad, "identity in memory can't be used: ");
    bad = good;
    bad.key_pem = other;
    expect_server(&bad, "identity in memory can't be used: ");
    free(certificate);
    free(key);
    free(other);
}

/* ---- Things that work ------------------------------------------------------------------------ */

static void assert_works(const rp_tls_options *options)
{
    tls_pair pair;
    tls_pair_begin(&pair, &(tls_pair_options){.client = tls_client(options),
                                              .server = tls_server_of("server-ecdsa", 0)});
    if (!tls_handshake(&pair))
        fail_msg("%s", pair.client.error.text);
    tls_pair_end(&pair);
}

static void good_trust(void **state)
{
    (void)state;
    char *ca = text_of(tls_cert("ca.pem")), *other = text_of(tls_cert("other-ca.pem"));
    char *expired = text_of(tls_cert("expired.pem"));
    assert_works(&(rp_tls_options){.ca_pem = ca});
    assert_works(&(rp_tls_options){.ca_pem = ca, .ca_pem_size = strlen(ca)});
    assert_works(&(rp_tls_options){.ca_file = tls_cert("other-ca.pem"), .ca_pem = ca});
    /* A bundle: comments, another root, an expired and a broken certificate, and the one. */
    static const char broken[] =
        "# comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\r\n";
    char bundle[32768];
    snprintf(bundle, sizeof(bundle), "%s%s%s%s-----BEGIN CERTIFICATE-----\ncut off", broken, other,
             expired, ca);
    assert_works(&(rp_tls_options){.ca_file = files_write("bundle.pem", bundle, strlen(bundle))});
    /* A directory with all sorts of things in it. */
    const char *path = files_path("trust");
    files_make_directory(path);
    files_write("trust/readme.txt", "hello", 5);
    files_write("trust/broken.pem", broken, sizeof(broken) - 1);
    files_write("trust/ca.pem", ca, strlen(ca));
    assert_works(&(rp_tls_options){.ca_directory = path});
    free(ca);
    free(other);
    free(expired);
}

/* text's lines with white in place of their ends, and behind the first and before the last one. */
static char *spaced(const char *text, const char *white)
{
    char *made = calloc(1, 4 * strlen(text) + 1), *at = made;
    assert_non_null(made);
    for (const char *rest = text; *rest != '\0'; rest++) {
        bool between = *rest == '\n' && rest[1] != '\0';
        size_t size = between ? strlen(white) : 1;
        memcpy(at, between ? white : rest, size);
        at += size;
    }
    return made;
}

/* RFC 7468, 2: white space means nothing, wherever it stands. */
static void white_space(void **state)
{
    (void)state;
    static const char *const whites[] = {"\n", "\r\n", " \t\n", "\n\n", "\n  ", "\r", "\t", " "};
    char *ca = text_of(tls_cert("ca.pem")), *certificate = text_of(tls_cert("client.pem"));
    char *key = text_of(tls_cert("client.key"));
    char *list = text_of(tls_cert("crl.pem"));
    for (size_t i = 0; i < COUNT(whites); i++) {
        char *texts[] = {spaced(ca, whites[i]), spaced(certificate, whites[i]),
                         spaced(key, whites[i]), spaced(list, whites[i])};
        assert_works(&(rp_tls_options){.ca_pem = texts[0],
                                       .certificate_data = texts[1],
                                       .key_data = texts[2],
                                       .revocation = RP_REVOCATION_SOFT,
                                       .crl_data = texts[3]});
        for (size_t k = 0; k < COUNT(texts); k++)
            free(texts[k]);
    }
    free(ca);
    free(certificate);
    free(key);
    free(list);
}

typedef struct trust_seen {
    unsigned anchors, refused;
    char text[512];
} trust_seen;

static void see_trusted(const rp_trusted *trusted, void *user)
{
    trust_seen *seen = user;
    size_t used = strlen(seen->text);
    if (trusted->refused == NULL) {
        seen->anchors++;
        assert_true(trusted->not_after > 0);
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s (%s). ", trusted->subject,
                       trusted->key);
    } else {
        seen->refused++;
        assert_null(trusted->key);
        (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s: %s. ", trusted->subject,
                       trusted->refused);
    }
}

/* Nothing that was given as trust is passed over in silence. */
static void trust_is_told(void **state)
{
    (void)state;
    static const chain_spec specs[] = {
        {.subject = "RSA", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_RSA, .serial = "00"},
        {.subject = "Short", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_RSA_1024},
        {.subject = "Ed", .issuer = -1, .flags = CHAIN_CA, .key = CHAIN_ED25519},
        {.subject = "Malformed", .issuer = -1, .extensions = {{"2.5.29.37", false, "3000"}}},
    };
    char pem[16384] = "";
    for (size_t i = 0; i < COUNT(specs); i++) {
        rp_slice der = chain_certificate(specs, i);
        word32 size = (word32)(sizeof(pem) - strlen(pem) - 64);
        strcat(pem, "-----BEGIN CERTIFICATE-----\n");
        byte *at = (byte *)pem + strlen(pem);
        assert_int_equal(Base64_Encode(der.data, (word32)der.size, at, &size), 0);
        at[size] = '\0';
        strcat(pem, "-----END CERTIFICATE-----\n");
        chain_free(&der, 1);
    }
    rp_tls_config *config;
    trust_seen seen = {0, 0, ""};
    assert_int_equal(rp_tls_config_create(&config, &(rp_tls_options){.ca_pem = pem}, NULL), RP_OK);
    rp_tls_config_trust(config, see_trusted, &seen);
    assert_string_equal(seen.text, "RSA (RSA 2048). Ed (Ed25519). "
                                   "Short: its RSA key has less than 2048 bits. "
                                   "Malformed: its extendedKeyUsage is malformed. ");
    assert_int_equal(seen.anchors, 2);
    assert_int_equal(seen.refused, 2);
    rp_tls_config_release(config);
}

/* OpenSSL's settings, as hex, behind a certificate. */
static void append_pem(char *pem, const char *label, rp_slice der, const char *settings)
{
    byte bytes[4096];
    size_t used = der.size;
    word32 size = 8192;
    memcpy(bytes, der.data, der.size);
    for (unsigned value; sscanf(settings, "%2x", &value) == 1; settings += 2)
        bytes[used++] = (byte)value;
    sprintf(pem + strlen(pem), "-----BEGIN %s-----\n", label);
    byte *at = (byte *)pem + strlen(pem);
    assert_int_equal(Base64_Encode(bytes, (word32)used, at, &size), 0);
    at[size] = '\0';
    sprintf(pem + strlen(pem), "-----END %s-----\n", label);
}

#define SERVERS "06082b06010505070301"
#define EMAIL "06082b06010505070304"
#define ANY "0604551d2500"

/* The labels of OpenSSL's, too; and what its trust settings say counts. */
static void openssl_labels(void **state)
{
    (void)state;
    static const struct {
        const char *label, *settings, *refused;
    } cases[] = {
        {"X509 CERTIFICATE", "", NULL},
        {"X509 CERTIFICATE", "3000", "it is not a certificate in DER"},
        {"CERTIFICATE", "3000", "it is not a certificate in DER"},
        {"TRUSTED CERTIFICATE", "", NULL},
        {"TRUSTED CERTIFICATE", "3000", NULL},
        {"TRUSTED CERTIFICATE", "30040c027878", NULL}, /* an alias */
        {"TRUSTED CERTIFICATE", "300c300a" SERVERS, NULL},
        {"TRUSTED CERTIFICATE", "30083006" ANY, NULL},
        {"TRUSTED CERTIFICATE", "30163014" EMAIL SERVERS, NULL},
        {"TRUSTED CERTIFICATE", "300ca00a" EMAIL, NULL},
        {"TRUSTED CERTIFICATE", "300c300a" EMAIL, "are not for TLS servers"},
        {"TRUSTED CERTIFICATE", "30023000", "are not for TLS servers"},
        {"TRUSTED CERTIFICATE", "300ca00a" SERVERS, "reject it for TLS servers"},
        {"TRUSTED CERTIFICATE", "3008a006" ANY, "reject it for TLS servers"},
        {"TRUSTED CERTIFICATE", "3018300a" SERVERS "a00a" SERVERS, "reject it for TLS servers"},
        {"TRUSTED CERTIFICATE", "30", "are malformed"},
        {"TRUSTED CERTIFICATE", "300000", "are malformed"},
        {"TRUSTED CERTIFICATE", "30043002ffff", "are malformed"},
        {"TRUSTED CERTIFICATE", "3004a0020500", "are malformed"},
        {"TRUSTED CERTIFICATES", "", "no certificate found"},
    };
    static const chain_spec spec = {.subject = "Root", .issuer = -1, .flags = CHAIN_CA};
    rp_slice der = chain_certificate(&spec, 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char pem[16384] = "";
        rp_tls_config *config;
        rp_error error;
        append_pem(pem, cases[i].label, der, cases[i].settings);
        rp_status status = rp_tls_config_create(&config, &(rp_tls_options){.ca_pem = pem}, &error);
        if (cases[i].refused == NULL && status != RP_OK)
            fail_msg("%zu: %s", i, error.text);
        if (cases[i].refused != NULL &&
            (status != RP_E_TLS_CONFIG || strstr(error.text, cases[i].refused) == NULL))
            fail_msg("%zu: %s", i, status == RP_OK ? "taken" : error.text);
        if (status == RP_OK)
            rp_tls_config_release(config);
    }
    chain_free(&der, 1);
}

/* One that breaks off, or ends as something else, is missed, and is no "none"; those that it has
 * not swallowed count. */
static void broken_off(void **state)
{
    static const struct {
        const char *before, *after;
        unsigned anchors, refused;
    } cases[] = {
        {"-----BEGIN CERTIFICATE-----\nMIIB", "", 0, 1},
        {"-----BEGIN TRUSTED CERTIFICATE-----", "", 0, 1},
        {"-----BEGIN X509 CERTIFICATE-----\nMIIB", "", 0, 1},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END X509 CERTIFICATE-----\n", "", 0, 1},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END -----END CERTIFICATE-----\n", "$", 1, 1},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n", "$$", 1, 1}, /* as far as the next one's end */
        {"$-----BEGIN CERTIFICATE-----\nMIIB\n", "", 1, 1},
        {"-----BEGIN PRIVATE KEY-----\nMIIB\n", "$", 1, 0},
        {"-----BEGIN CERTIFICATE\n", "$", 1, 0},
        {"-----BEGIN -----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "$", 1, 1},
        {"$-----END CERTIFICATE-----\n", "$", 1, 0},
    };
    static const chain_spec spec = {.subject = "Root", .issuer = -1, .flags = CHAIN_CA};
    rp_slice der = chain_certificate(&spec, 0);
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char pem[16384] = "";
        rp_tls_config *config;
        rp_error error;
        trust_seen seen = {0, 0, ""};
        const char *const parts[] = {cases[i].before, cases[i].after};
        for (size_t k = 0; k < 2; k++) {
            for (const char *c = parts[k]; *c != '\0'; c++) {
                if (*c == '$')
                    append_pem(pem, "CERTIFICATE", der, "");
                else
                    (void)strncat(pem, c, 1);
            }
        }
        rp_tls_options options = {.ca_pem = pem};
        rp_status status = rp_tls_config_create(&config, &options, &error);
        if (cases[i].anchors == 0) {
            assert_int_equal(status, RP_E_TLS_CONFIG);
            assert_non_null(strstr(error.text, "none of its 1 certificates can be used"));
            continue;
        }
        if (status != RP_OK)
            fail_msg("%zu: %s", i, error.text);
        rp_tls_config_trust(config, see_trusted, &seen);
        if (seen.anchors != cases[i].anchors || seen.refused != cases[i].refused)
            fail_msg("%zu: %u, and %u refused", i, seen.anchors, seen.refused);
        rp_tls_config_release(config);
    }
    chain_free(&der, 1);
}

/* A certificate of one's own is shown, whatever its file says of trust. */
static void openssl_identity(void **state)
{
    static const char *const labels[] = {"X509 CERTIFICATE", "TRUSTED CERTIFICATE"};
    char *certificate = text_of(tls_cert("client.pem")), *key = text_of(tls_cert("client.key"));
    rp_memory memory;
    rp_slice text = {(const uint8_t *)certificate, strlen(certificate)}, der;
    rp_pem block;
    (void)state;
    rp__memory_init(&memory, (rp_allocator){0});
    assert_true(rp__pem_next(&text, &block));
    uint8_t *bytes = rp__pem_decode(&memory, &block, &der.size);
    der.data = bytes;
    for (size_t i = 0; i < COUNT(labels); i++) {
        char pem[16384] = "";
        append_pem(pem, labels[i], der, i == 0 ? "" : "300ca00a" SERVERS);
        assert_works(&(rp_tls_options){
            .ca_file = tls_cert("ca.pem"), .certificate_data = pem, .key_data = key});
    }
    rp__free(&memory, bytes);
    free(certificate);
    free(key);
}

/* One that is not to be trusted is told by its name, and the others of its bundle count. */
static void settings_are_told(void **state)
{
    (void)state;
    static const chain_spec specs[] = {{.subject = "Good", .issuer = -1, .flags = CHAIN_CA},
                                       {.subject = "Rejected", .issuer = -1, .flags = CHAIN_CA}};
    char pem[16384] = "";
    rp_tls_config *config;
    trust_seen seen = {0, 0, ""};
    for (size_t i = 0; i < COUNT(specs); i++) {
        rp_slice der = chain_certificate(specs, i);
        append_pem(pem, "TRUSTED CERTIFICATE", der,
                   i == 0 ? "300c300a" SERVERS : "300ca00a" SERVERS);
        chain_free(&der, 1);
    }
    assert_int_equal(rp_tls_config_create(&config, &(rp_tls_options){.ca_pem = pem}, NULL), RP_OK);
    rp_tls_config_trust(config, see_trusted, &seen);
    assert_string_equal(seen.text,
                        "Good (P-256). Rejected: its trust settings (TRUSTED CERTIFICATE) reject "
                        "it for TLS servers. ");
    rp_tls_config_release(config);
}

static void system_trust(void **state)
{
    (void)state;
    rp_tls_config *config;
    rp_error error;
    if (rp_tls_config_create(&config, NULL, &error) != RP_OK) {
        /* A machine without a store: then the sentence says so. */
        assert_non_null(strstr(error.text, "the system's trust store was not found"));
        return;
    }
    rp_tls_config_release(config);
    assert_works(&(rp_tls_options){.ca_file = tls_cert("ca.pem"), .trust_system_too = true});
    /* The system does not know our authority. */
    tls_pair pair;
    tls_pair_begin(
        &pair, &(tls_pair_options){.client = tls_client(&(rp_tls_options){.minimum_version = 0}),
                                   .server = tls_server_of("server-ecdsa", 0)});
    assert_false(tls_handshake(&pair));
    assert_int_equal(pair.client.error.status, RP_E_CERT_UNTRUSTED);
    tls_pair_end(&pair);
}

static void references(void **state)
{
    (void)state;
    rp_tls_config *config = tls_client_of(0);
    assert_ptr_equal(rp_tls_config_retain(config), config);
    rp_tls_config_release(config);
    rp_tls_config_release(config);
    rp_tls_config_release(NULL);
}

/* ---- No memory ------------------------------------------------------------------------------- */

static size_t live_blocks;

static void *counted_resize(void *user, void *memory, size_t size)
{
    (void)user;
    live_blocks += memory == NULL;
    live_blocks -= size == 0;
    if (size != 0)
        return realloc(memory, size);
    free(memory);
    return NULL;
}

static void no_memory(void **state)
{
    (void)state;
    char pin[256];
    FILE *stream = fopen(tls_cert("server-ecdsa.pin"), "r");
    assert_non_null(stream);
    assert_non_null(fgets(pin, sizeof(pin), stream));
    fclose(stream);
    rp_tls_options options = {
        .ca_file = tls_cert("ca.pem"),
        .ca_directory = tls_certs(),
        .pinned_keys = pin,
        .certificate_file = tls_cert("client.pem"),
        .key_file = tls_cert("client.key"),
    };
    rp_status status = RP_E_NO_MEMORY;
    uint64_t fail_in = 1;
    for (; status != RP_OK; fail_in++) {
        rp_tls_config *config;
        rp_error error;
        status = rp__tls_config_create_with(
            &config, &options, (rp_allocator){.resize = counted_resize}, fail_in, &error);
        if (status != RP_OK) {
            assert_int_equal(status, RP_E_NO_MEMORY);
            assert_string_equal(error.text, "no memory for a TLS configuration");
        }
        rp_tls_config_release(config);
        assert_int_equal(live_blocks, 0);
        assert_true(fail_in < 1000);
    }
    assert_true(fail_in > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_trust),         cmocka_unit_test(too_large),
        cmocka_unit_test(bad_identity),      cmocka_unit_test(bad_options),
        cmocka_unit_test(bad_names),         cmocka_unit_test(too_many_names),
        cmocka_unit_test(newer_options),     cmocka_unit_test(bad_server_options),
        cmocka_unit_test(good_trust),        cmocka_unit_test(system_trust),
        cmocka_unit_test(openssl_labels),    cmocka_unit_test(broken_off),
        cmocka_unit_test(settings_are_told), cmocka_unit_test(openssl_identity),
        cmocka_unit_test(white_space),       cmocka_unit_test(trust_is_told),
        cmocka_unit_test(references),        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
