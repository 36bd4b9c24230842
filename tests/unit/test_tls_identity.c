/* test_tls_identity.c - certificates and keys in every form and of every kind, and what is told of
 * those that can't be used. */
#include "support/files.h"
#include "support/tls_pair.h"
#include "tls/pkcs12.h"
#include "tls/pkcs5.h"
#include "tls/file.h"
#include "x509/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char passphrase[] = "schl\xc3\xbcssel \xe2\x82\xac"; /* make-certs' */

/* ---- Support --------------------------------------------------------------------------------- */

/* Certificates that the server was shown; it must have asked for one. */
static void assert_accepted(rp_tls_config *client, rp_tls_version version, bool may_resume)
{
    rp_tls_config *server = tls_server(&(rp_tls_server_options){
        .certificate_file = tls_cert("server-rsa.pem"),
        .key_file = tls_cert("server-rsa.key"),
        .client_ca_file = tls_cert("ca.pem"),
        .minimum_version = version,
        .maximum_version = version,
        .no_resumption = !may_resume,
    });
    tls_pair pair;
    tls_pair_options options = {.client = client, .server = server};
    assert_true(tls_pair_open(&pair, &options));
    if (!tls_handshake(&pair))
        fail_msg("client: %s; server: %s", pair.client.error.text, pair.server.error.text);
    tls_pair_close(&pair);
    rp_tls_config_release(server);
}

static void assert_works(const rp_tls_options *identity)
{
    rp_tls_options options = *identity;
    options.ca_file = tls_cert("ca.pem");
    rp_tls_config *client = tls_client(&options);
    /* wolfSSL's server, the tests' own, does not know RSA-PSS keys in TLS 1.2: interop.openssl. */
    if (options.certificate_file == NULL || strstr(options.certificate_file, "rsa-pss") == NULL)
        assert_accepted(client, RP_TLS_1_2, false);
    assert_accepted(client, RP_TLS_1_3, false);
    rp_tls_config_release(client);
}

/* reason: what stands behind "WHAT PATH: " */
static void assert_refused(const rp_tls_options *identity, const char *what, const char *path,
                           const char *reason)
{
    rp_tls_options options = *identity;
    rp_tls_config *config;
    rp_error error;
    char text[RP_ERROR_TEXT_SIZE];
    options.ca_file = tls_cert("ca.pem");
    snprintf(text, sizeof(text), "%s %s%s", what, path, reason);
    assert_int_equal(rp_tls_config_create(&config, &options, &error), RP_E_TLS_CONFIG);
    assert_string_equal(error.text, text);
    assert_null(config);
}

static void assert_key_refused(const char *name, const char *password, const char *reason)
{
    const char *path = tls_cert(name);
    assert_refused(&(rp_tls_options){.certificate_file = tls_cert("client.pem"),
                                     .key_file = path,
                                     .key_password = password},
                   "key file", path, reason);
}

static void assert_bundle_refused(const char *name, const char *password, const char *reason)
{
    const char *path = tls_cert(name);
    assert_refused(&(rp_tls_options){.certificate_file = path, .key_password = password},
                   "certificate file", path, reason);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static const char *const kinds[] = {"client",     "client-p384",    "client-p521",
                                    "client-rsa", "client-rsa-pss", "client-ed25519"};

static void every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        char certificate[64], key[64];
        snprintf(certificate, sizeof(certificate), "%s.pem", kinds[i]);
        snprintf(key, sizeof(key), "%s.key", kinds[i]);
        assert_works(&(rp_tls_options){.certificate_file = tls_cert(certificate),
                                       .key_file = tls_cert(key)});
    }
}

static void every_form(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "client-pkcs8.key",  "client-key.der",    "client-ec.der",     "client-aes256.key",
        "client-aes128.key", "client-aes192.key", "client-locked.der", "client-both.pem",
    };
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_works(&(rp_tls_options){.certificate_file = tls_cert("client.pem"),
                                       .key_file = tls_cert(keys[i]),
                                       .key_password = passphrase});
    assert_works(&(rp_tls_options){.certificate_file = tls_cert("client-rsa.pem"),
                                   .key_file = tls_cert("client-rsa-locked.key"),
                                   .key_password = passphrase});
    assert_works(&(rp_tls_options){.certificate_file = tls_cert("client-both.pem"),
                                   .key_file = tls_cert("client-both.pem")});
}

static void refused_keys(void **state)
{
    (void)state;
    assert_key_refused("client-aes256.key", NULL, ": it is encrypted, and no passphrase is given");
    assert_key_refused("client-aes256.key", "", ": the passphrase is wrong");
    assert_key_refused("client-aes256.key", "secret", ": the passphrase is wrong");
    char longest[2000];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_key_refused("client-aes256.key", longest, ": the passphrase is wrong");
    assert_key_refused(
        "client-3des.key", passphrase,
        ": it is encrypted with 3DES, which is not supported: write it anew with AES");
    assert_key_refused(
        "client-scrypt.key", passphrase,
        ": its key is derived by scrypt, which is not supported: write it with PBKDF2");
    assert_key_refused("client-old.key", passphrase,
                       ": it is encrypted in OpenSSL's old form, by a key that MD5 derives: "
                       "convert it with openssl pkcs8 -topk8");
    char text[400];
    for (size_t i = 1; i < COUNT(kinds); i++) {
        char key[64];
        snprintf(key, sizeof(key), "%s.key", kinds[i]);
        snprintf(text, sizeof(text), " does not belong to the certificate in %s",
                 tls_cert("client.pem"));
        assert_key_refused(key, NULL, text);
    }
}

/* ---- A passphrase by callback ---------------------------------------------------------------- */

typedef struct asked {
    unsigned count;
    const char *file, *answer;
} asked;

static bool answer(const char *file, char *password, size_t size, void *user)
{
    asked *question = user;
    question->count++;
    question->file = file;
    if (question->answer == NULL)
        return false;
    assert_true(strlen(question->answer) < size);
    memcpy(password, question->answer, strlen(question->answer) + 1);
    return true;
}

static void by_callback(void **state)
{
    (void)state;
    asked question = {.answer = passphrase};
    rp_tls_options options = {.certificate_file = tls_cert("client.pem"),
                              .key_file = tls_cert("client-aes256.key"),
                              .on_key_password = answer,
                              .key_password_user = &question};
    assert_works(&options);
    assert_int_equal(question.count, 1);
    assert_ptr_equal(question.file, options.key_file);
    question.answer = NULL;
    assert_refused(&options, "key file", options.key_file,
                   ": it is encrypted, and no passphrase is given");
    assert_int_equal(question.count, 2);
    /* Not where it is not needed, nor where one is given. */
    options.key_file = tls_cert("client.key");
    assert_works(&options);
    options.key_file = tls_cert("client-aes256.key");
    options.key_password = passphrase;
    assert_works(&options);
    assert_int_equal(question.count, 2);
    question.answer = passphrase;
    assert_works(&(rp_tls_options){.certificate_file = tls_cert("client.p12"),
                                   .on_key_password = answer,
                                   .key_password_user = &question});
    assert_int_equal(question.count, 3);
}

/* ---- PKCS #12 -------------------------------------------------------------------------------- */

static void bundles(void **state)
{
    (void)state;
    char path[64];
    for (size_t i = 0; i < COUNT(kinds); i++) {
        snprintf(path, sizeof(path), "%s.p12", kinds[i]);
        assert_works(
            &(rp_tls_options){.certificate_file = tls_cert(path), .key_password = passphrase});
    }
    static const char *const others[] = {"client-aes128.p12", "client-no-mac.p12"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_works(
            &(rp_tls_options){.certificate_file = tls_cert(others[i]), .key_password = passphrase});
    assert_works(&(rp_tls_options){.certificate_file = tls_cert("client-empty.p12")});
    assert_works(
        &(rp_tls_options){.certificate_file = tls_cert("client-empty.p12"), .key_password = ""});
    /* Bytes, to OpenSSL, since they are no UTF-8. */
    assert_works(&(rp_tls_options){.certificate_file = tls_cert("client-no-utf8.p12"),
                                   .key_password = "\xc1\x81"});
    const char *same = tls_cert("client.p12");
    assert_works(
        &(rp_tls_options){.certificate_file = same, .key_file = same, .key_password = passphrase});
}

static void refused_bundles(void **state)
{
    (void)state;
    assert_bundle_refused("client.p12", NULL, ": it is encrypted, and no passphrase is given");
    assert_bundle_refused("client.p12", "secret",
                          ": the passphrase is wrong, or the file was changed");
    assert_bundle_refused("client-no-mac.p12", "secret", ": the passphrase is wrong");
    assert_bundle_refused(
        "client-3des.p12", passphrase,
        ": it is encrypted with 3DES, which is not supported: write it anew with AES");
    assert_bundle_refused("client-no-key.p12", passphrase, ": no private key found in it");
    assert_bundle_refused("client-no-certificate.p12", passphrase, ": no certificate found in it");
    const char *path = tls_cert("client.p12");
    assert_refused(&(rp_tls_options){.certificate_file = path,
                                     .key_file = tls_cert("client.key"),
                                     .key_password = passphrase},
                   "certificate file", path,
                   ": it is PKCS #12 and has the key, so there can be no key_file");
}

/* The file has the root before the intermediate, and a certificate that is nobody's issuer. */
static void order(void **state)
{
    (void)state;
    rp_memory memory;
    rp_pkcs12 found;
    const char *reason;
    char *file;
    size_t size;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    assert_int_equal(
        rp__read_file(&memory, "file", tls_cert("client-unordered.p12"), &file, &size, NULL),
        RP_OK);
    rp_slice content = {(const uint8_t *)file, size};
    assert_true(rp__pkcs12_is(content));
    assert_int_equal(
        rp__pkcs12_read(&found, &memory, content, (rp_slice){(uint8_t *)"", 0}, &reason), RP_OK);
    assert_int_equal(found.count, 3);
    static const char *const names[] = {"client", "Ringport Test Intermediate",
                                        "Ringport Test Root"};
    for (size_t i = 0; i < 3; i++) {
        rp_certificate certificate;
        char text[RP_DNAME_TEXT_SIZE];
        assert_true(rp__certificate_read(&certificate, found.certificates[i], &reason));
        assert_string_equal(rp__dname_text(certificate.subject, text), names[i]);
    }
    rp__pkcs12_free(&found);
    /* Every byte counts: a changed file is refused, by its MAC or before. */
    for (size_t i = 0; i < size; i++) {
        file[i] ^= 1;
        assert_int_not_equal(
            rp__pkcs12_read(&found, &memory, content, (rp_slice){(uint8_t *)"", 0}, &reason),
            RP_OK);
        assert_non_null(reason);
        rp__pkcs12_free(&found);
        file[i] ^= 1;
    }
    rp__free_secret(&memory, file, size);
    assert_int_equal(memory.live, 0);
}

/* A wrong passphrase leaves a padding that is right by chance once in 256 times: what it leaves is
 * no key, and is refused all the same. */
static void wrong_passphrases(void **state)
{
    (void)state;
    rp_memory memory;
    char *file;
    size_t size, opened_size;
    uint8_t opened[512];
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    assert_int_equal(
        rp__read_file(&memory, "file", tls_cert("client-locked.der"), &file, &size, NULL), RP_OK);
    rp_slice der = {(const uint8_t *)file, size};
    assert_true(size <= sizeof(opened));
    for (unsigned i = 0; i < 2000; i++) {
        char wrong[16];
        snprintf(wrong, sizeof(wrong), "%u", i);
        const char *reason =
            rp__pkcs8_open(der, (rp_slice){(uint8_t *)wrong, strlen(wrong)}, opened, &opened_size);
        assert_non_null(reason);
        assert_string_equal(reason, "the passphrase is wrong");
    }
    rp__free_secret(&memory, file, size);
}

/* ---- Certificates in DER, and chains --------------------------------------------------------- */

static void der(void **state)
{
    (void)state;
    rp_tls_options options = {.ca_file = tls_cert("ca.pem"),
                              .certificate_file = tls_cert("client.der"),
                              .key_file = tls_cert("client-key.der")};
    rp_tls_config *config = tls_client(&options);
    rp_tls_config_release(config);
    const char *path = files_write("cut.der", "\x30\x82\x01\x00\x02", 5);
    assert_refused(&(rp_tls_options){.certificate_file = path, .key_file = path},
                   "certificate file", path, " can't be used: it is damaged");
    assert_refused(&(rp_tls_options){.certificate_file = tls_cert("client.pem"), .key_file = path},
                   "key file", path, " can't be used: it is damaged");
}

/* What src/x509 takes from no server is shown to none. */
static void weak_key(void **state)
{
    (void)state;
    rp_tls_options options = {.certificate_file = tls_cert("client-rsa-1024.pem"),
                              .key_file = tls_cert("client-rsa-1024.key")};
    assert_refused(&options, "certificate file", options.certificate_file,
                   ": its RSA key has less than 2048 bits");
}

static void too_many(void **state)
{
    (void)state;
    static char text[1 << 16];
    char one[8192] = "";
    FILE *stream = fopen(tls_cert("ca.pem"), "rb");
    assert_non_null(stream);
    assert_true(fread(one, 1, sizeof(one) - 1, stream) > 0);
    fclose(stream);
    for (unsigned i = 0; i < 65; i++)
        strcat(text, one);
    const char *path = files_write("sixty-five.pem", text, strlen(text));
    assert_refused(&(rp_tls_options){.certificate_file = path, .key_file = tls_cert("client.key")},
                   "certificate file", path, ": it has more than 64 certificates");
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void no_memory(void **state)
{
    (void)state;
    static const char *const files[] = {"client-both.pem", "client.p12", "client.der"};
    for (size_t i = 0; i < COUNT(files); i++) {
        bool bundle = strstr(files[i], ".p12") != NULL;
        rp_tls_options options = {.ca_file = tls_cert("ca.pem"),
                                  .certificate_file = tls_cert(files[i]),
                                  .key_file = bundle ? NULL : tls_cert("client-aes128.key"),
                                  .key_password = passphrase};
        rp_tls_config *config = NULL;
        rp_error error;
        for (uint64_t fail_in = 1; config == NULL; fail_in++) {
            rp_status status = rp__tls_config_create_with(
                &config, &options, (rp_allocator){.resize = NULL}, fail_in, &error);
            assert_true(status == RP_E_NO_MEMORY || (status == RP_OK && fail_in > 5));
        }
        rp_tls_config_release(config);
    }
}

/* ---- Secrets --------------------------------------------------------------------------------- */

/* What must not stand in memory that is given back: the passphrase, and the private number. */
static struct {
    uint8_t number[32];
    unsigned seen, freed;
} secret;

static bool holds(const uint8_t *block, size_t size, const void *wanted, size_t wanted_size)
{
    for (size_t i = 0; i + wanted_size <= size; i++) {
        if (memcmp(block + i, wanted, wanted_size) == 0)
            return true;
    }
    return false;
}

/* Blocks have their size before them. */
static void *resize(void *user, void *old, size_t size)
{
    size_t *block = old == NULL ? NULL : (size_t *)old - 2;
    (void)user;
    if (size > 0) {
        size_t kept = block == NULL ? 0 : block[0];
        size_t *made = calloc(1, size + 2 * sizeof(*made)); /* all of it is looked at in the end */
        assert_non_null(made);
        made[0] = size;
        if (old != NULL)
            memcpy(made + 2, old, kept < size ? kept : size);
        if (old != NULL)
            resize(user, old, 0);
        return made + 2;
    }
    if (old == NULL)
        return NULL;
    secret.freed++;
    if (holds(old, block[0], passphrase, strlen(passphrase)) ||
        holds(old, block[0], secret.number, sizeof(secret.number)))
        secret.seen++;
    free(block);
    return NULL;
}

static void secrets(void **state)
{
    (void)state;
    static const char *const keys[] = {"client.key",        "client-key.der",    "client-pkcs8.key",
                                       "client-aes256.key", "client-locked.der", "client-both.pem"};
    static const char *const bundles_of[] = {"client.p12", "client-no-mac.p12", "client-empty.p12"};
    rp_allocator allocator = {.resize = resize};
    FILE *stream = fopen(tls_cert("client-key.der"), "rb");
    uint8_t file[256];
    assert_non_null(stream);
    assert_true(fread(file, 1, sizeof(file), stream) > 68);
    fclose(stream);
    memcpy(secret.number, file + 36, 32); /* PKCS #8's head has 36 bytes (RFC 5915, 3) */
    assert_true(file[34] == 0x04 && file[35] == 0x20);
    for (size_t i = 0; i < COUNT(keys) + COUNT(bundles_of); i++) {
        bool bundle = i >= COUNT(keys);
        rp_tls_options options = {
            .ca_file = tls_cert("ca.pem"),
            .certificate_file = tls_cert(bundle ? bundles_of[i - COUNT(keys)] : "client.pem"),
            .key_file = bundle ? NULL : tls_cert(keys[i]),
            .key_password = bundle && i + 1 == COUNT(keys) + COUNT(bundles_of) ? "" : passphrase};
        rp_tls_config *config;
        rp_error error;
        if (rp__tls_config_create_with(&config, &options, allocator, 0, &error) != RP_OK)
            fail_msg("%s", error.text);
        rp_tls_config_release(config);
        assert_int_equal(secret.seen, 0);
    }
    assert_true(secret.freed > 50);
}

/* ---- In memory ------------------------------------------------------------------------------- */

static void *content_of(const char *name, size_t *size)
{
    FILE *stream = fopen(tls_cert(name), "rb");
    assert_non_null(stream);
    char *content = malloc(65536);
    assert_non_null(content);
    *size = fread(content, 1, 65535, stream);
    assert_true(*size > 0);
    content[*size] = '\0';
    fclose(stream);
    content = realloc(content, *size + 1); /* so that reading on is seen */
    assert_non_null(content);
    return content;
}

static void in_memory(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *key; /* key NULL: the certificate's has it */
    } cases[] = {{"client.pem", "client.key"},
                 {"client.pem", "client-key.der"},
                 {"client.pem", "client-aes256.key"},
                 {"client-both.pem", "client-both.pem"},
                 {"client.p12", NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t size, key_size = 0;
        void *certificate = content_of(cases[i].certificate, &size);
        void *key = cases[i].key != NULL ? content_of(cases[i].key, &key_size) : NULL;
        rp_tls_options options = {.certificate_data = certificate,
                                  .certificate_data_size = size,
                                  .key_data = key,
                                  .key_data_size = key_size,
                                  .key_password = passphrase};
        assert_works(&options);
        if (i == 0) { /* text may say itself where it ends, and one of them may be a file */
            options.certificate_data_size = options.key_data_size = 0;
            assert_works(&options);
            options.key_data = NULL;
            options.key_file = tls_cert(cases[i].key);
            assert_works(&options);
        }
        free(certificate);
        free(key);
    }
}

static void refused_in_memory(void **state)
{
    (void)state;
    size_t size, other_size, bundle_size;
    char *certificate = content_of("client.pem", &size);
    char *other = content_of("server-ecdsa.key", &other_size);
    char *bundle = content_of("client-empty.p12", &bundle_size);
    const char *path = tls_cert("client.pem");
    const struct {
        rp_tls_options options;
        const char *what, *path, *reason;
    } cases[] = {
        {{.certificate_data = "x", .key_data = other},
         "certificate in",
         "memory",
         ": no certificate found in it"},
        {{.certificate_data = certificate, .key_data = "x"},
         "key in",
         "memory",
         ": no private key found in it"},
        {{.certificate_data = certificate, .key_data = other},
         "key in",
         "memory",
         " does not belong to the certificate in memory"},
        {{.certificate_data = bundle, .certificate_data_size = bundle_size, .key_data = other},
         "certificate in",
         "memory",
         ": it is PKCS #12 and has the key, so there can be no key_file"},
        {{.certificate_data = certificate},
         "certificate_file and key_file: one without the other",
         "(memory)",
         ""},
        {{.key_data = other},
         "certificate_file and key_file: one without the other",
         "(memory)",
         ""},
        {{.certificate_data = certificate, .certificate_file = path, .key_data = other},
         "a certificate or key is given both in memory and as",
         "a file",
         ""},
        {{.certificate_data = certificate, .key_file = path, .key_data = other},
         "a certificate or key is given both in memory and as",
         "a file",
         ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(&cases[i].options, cases[i].what, cases[i].path, cases[i].reason);
    free(certificate);
    free(other);
    free(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(every_form),
        cmocka_unit_test(refused_keys),
        cmocka_unit_test(by_callback),
        cmocka_unit_test(bundles),
        cmocka_unit_test(refused_bundles),
        cmocka_unit_test(order),
        cmocka_unit_test(wrong_passphrases),
        cmocka_unit_test(der),
        cmocka_unit_test(too_many),
        cmocka_unit_test(weak_key),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(secrets),
        cmocka_unit_test(in_memory),
        cmocka_unit_test(refused_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
