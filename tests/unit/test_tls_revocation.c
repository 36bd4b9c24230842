/* test_tls_revocation.c - configurations that look at revocation: what is refused, where CRLs come
 * from, and what is said of those that can't be used. */
#include "support/chains.h"
#include "support/files.h"
#include "support/tls_pair.h"
#include "tls/wolfssl.h"

#include <wolfssl/wolfcrypt/coding.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *read_all(const char *path, size_t *size)
{
    static char bytes[65536];
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    *size = fread(bytes, 1, sizeof(bytes) - 1, stream);
    fclose(stream);
    bytes[*size] = '\0';
    return bytes;
}

/* How many lists the configuration has; -1: *text says why there is none. */
static int lists_of(rp_tls_options options, char text[RP_ERROR_TEXT_SIZE])
{
    rp_tls_config *config;
    rp_error error = {.text = ""};
    options.ca_file = tls_cert("ca.pem");
    rp_status status = rp_tls_config_create(&config, &options, &error);
    snprintf(text, RP_ERROR_TEXT_SIZE, "%s", error.text);
    if (status != RP_OK) {
        assert_int_equal(status, RP_E_TLS_CONFIG);
        return -1;
    }
    int count = config->revocation.crls == NULL ? 0 : (int)rp__crls_count(config->revocation.crls);
    rp_tls_config_release(config);
    return count;
}

static void expect(rp_tls_options options, const char *wanted)
{
    char text[RP_ERROR_TEXT_SIZE];
    assert_int_equal(lists_of(options, text), -1);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s\nnot: %s", text, wanted);
}

static void bad_options(void **state)
{
    (void)state;
    expect((rp_tls_options){.crl_file = tls_cert("crl.pem")},
           "CRLs or require_staple are given, but revocation is off");
    expect((rp_tls_options){.require_staple = true},
           "CRLs or require_staple are given, but revocation is off");
    expect((rp_tls_options){.revocation = (rp_revocation_policy)3}, "revocation is no policy");
    expect(
        (rp_tls_options){.revocation = RP_REVOCATION_SOFT, .insecure_accept_any_certificate = true},
        "revocation can't be looked at where any certificate is accepted");
}

static void sources(void **state)
{
    (void)state;
    char text[RP_ERROR_TEXT_SIZE];
    size_t size, der_size;
    rp_tls_options options = {.revocation = RP_REVOCATION_HARD};
    assert_int_equal(lists_of(options, text), 0);
    options.crl_file = tls_cert("crl.pem");
    assert_int_equal(lists_of(options, text), 2);
    options.crl_data = read_all(tls_cert("stale-crl.pem"), &size);
    assert_int_equal(lists_of(options, text), 3);
    options.crl_file = NULL;
    options.crl_data_size = size;
    assert_int_equal(lists_of(options, text), 1);

    /* The same in DER. */
    char pem[8192];
    uint8_t der[8192];
    memcpy(pem, options.crl_data, size + 1);
    char *begin = strchr(pem, '\n') + 1;
    word32 bytes = sizeof(der);
    assert_int_equal(
        Base64_Decode((const byte *)begin, (word32)(strstr(pem, "-----END") - begin), der, &bytes),
        0);
    der_size = bytes;
    options.crl_data = (const char *)der;
    options.crl_data_size = der_size;
    assert_int_equal(lists_of(options, text), 1);
    options.crl_data = NULL;
    options.crl_file = files_write("crl.der", (const char *)der, der_size);
    assert_int_equal(lists_of(options, text), 1);
    options.crl_file = files_write("short.der", (const char *)der, der_size - 1);
    char wanted[RP_ERROR_TEXT_SIZE];
    snprintf(wanted, sizeof(wanted),
             "CRL file %s: CRL 1 of it can't be used: it is not a CRL in DER", options.crl_file);
    expect(options, wanted);
}

static void bad_lists(void **state)
{
    (void)state;
    char wanted[RP_ERROR_TEXT_SIZE], two[16384];
    size_t size;
    rp_tls_options options = {.revocation = RP_REVOCATION_SOFT,
                              .crl_file = files_path("missing.pem")};
    snprintf(wanted, sizeof(wanted), "CRL file %s can't be read: No such file or directory",
             options.crl_file);
    expect(options, wanted);
    options.crl_file = tls_cert("ca.pem");
    snprintf(wanted, sizeof(wanted), "CRL file %s: no CRL found in it", options.crl_file);
    expect(options, wanted);
    options.crl_file = NULL;
    options.crl_data = "";
    expect(options, "crl_data: no CRL found in it");
    options.crl_data = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    expect(options, "crl_data: CRL 1 of it can't be used: it is not a CRL in DER");
    options.crl_data = "-----BEGIN X509 CRL-----\n!!!!\n";
    expect(options, "crl_data: CRL 1 of it can't be used: it is not a CRL in DER");
    options.crl_data = "-----BEGIN X509 CRL----------END X509 CRL-----";
    expect(options, "crl_data: CRL 1 of it can't be used: it is not a CRL in DER");
    /* A good one before it does not help. */
    const char *good = read_all(tls_cert("stale-crl.pem"), &size);
    snprintf(two, sizeof(two), "%s-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n", good);
    options.crl_data = two;
    expect(options, "crl_data: CRL 2 of it can't be used: it is not a CRL in DER");
}

/* Beside a good one too, nothing is passed over: whichever mark is misspelt. */
static void misspelt_marks(void **state)
{
    static const char *const ways[][2] = {
        {"-----BEGIN X509 CRL", "-----BEGIN X509 CLR"},
        {"-----BEGIN X509 CRL", "-----BEGIN CRL"},
        {"-----BEGIN X509 CRL", "----BEGIN X509 CRL"},
        {"-----BEGIN X509", "-----BEGlN X509"},
        {"-----BEGIN X509 CRL", "X509 CRL"},
        {"-----END X509 CRL", "-----END X509 CLR"},
        {"-----END X509 CRL", "-----EMD X509 CRL"},
    };
    (void)state;
    size_t size;
    char text[RP_ERROR_TEXT_SIZE], two[16384];
    const char *good = read_all(tls_cert("stale-crl.pem"), &size);
    assert_true(2 * size + 64 < sizeof(two));
    rp_tls_options options = {.revocation = RP_REVOCATION_SOFT, .crl_data = two};
    snprintf(two, sizeof(two), "# one\n%s# another - of the same\n%s", good, good);
    assert_int_equal(lists_of(options, text), 2);
    /* A bundle's certificates are no lists, and take none away; under whichever label. */
    static const char *const labels[] = {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        snprintf(two, sizeof(two), "-----BEGIN %s-----\nAAAA\n-----END %s-----\n%s", labels[i],
                 labels[i], good);
        assert_int_equal(lists_of(options, text), 1);
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (int which = 0; which < 2; which++) {
            snprintf(two, sizeof(two), "%s%s", good, good);
            char *at = strstr(which == 0 ? two : two + size, ways[i][0]);
            size_t old = strlen(ways[i][0]), new = strlen(ways[i][1]);
            memmove(at + new, at + old, strlen(at + old) + 1);
            memcpy(at, ways[i][1], new);
            assert_int_equal(lists_of(options, text), -1);
        }
    }
    snprintf(two, sizeof(two), "%s-----BEGIN X509 CLR-----\nAAAA\n", good);
    expect(options, "crl_data: it has 2 lines with BEGIN and 1 with END, but 1 CRLs: one may be "
                    "misspelt");
}

static void too_large(void **state)
{
    (void)state;
    char wanted[RP_ERROR_TEXT_SIZE];
    const char *path = files_write("large.crl", "0", 1);
    assert_int_equal(truncate(path, (128 << 20) + 1), 0);
    snprintf(wanted, sizeof(wanted), "CRL file %s is larger than 128 MiB", path);
    expect((rp_tls_options){.revocation = RP_REVOCATION_SOFT, .crl_file = path}, wanted);
    unlink(path);
    expect((rp_tls_options){.revocation = RP_REVOCATION_SOFT,
                            .crl_data = "",
                            .crl_data_size = (128u << 20) + 1},
           "crl_data is larger than 128 MiB"); /* and is not looked at */
}

static void no_memory(void **state)
{
    (void)state;
    size_t size;
    rp_tls_options options = {.ca_file = tls_cert("ca.pem"),
                              .revocation = RP_REVOCATION_HARD,
                              .crl_file = tls_cert("crl.pem")};
    options.crl_data = read_all(tls_cert("stale-crl.pem"), &size);
    rp_status status = RP_E_NO_MEMORY;
    uint64_t fail_in = 1;
    for (; status != RP_OK; fail_in++) {
        rp_tls_config *config;
        rp_error error;
        status = rp__tls_config_create_with(&config, &options, (rp_allocator){.resize = NULL},
                                            fail_in, &error);
        if (status != RP_OK)
            assert_string_equal(error.text, "no memory for a TLS configuration");
        rp_tls_config_release(config);
        assert_true(fail_in < 1000);
    }
    assert_true(fail_in > 14);
}

/* Verdicts are not remembered, nor is the judge asked, where revocation is looked at. */
static void nothing_remembered(void **state)
{
    (void)state;
    size_t size;
    rp_slice sent[2];
    uint8_t der[2][4096];
    rp_verdict_key key;
    char *at = (char *)(uintptr_t)read_all(tls_cert("server-ecdsa.pem"), &size);
    for (int i = 0; i < 2; i++) {
        char *begin = strchr(strstr(at, "-----BEGIN"), '\n') + 1, *end = strstr(begin, "-----END");
        word32 bytes = sizeof(der[i]);
        assert_int_equal(Base64_Decode((const byte *)begin, (word32)(end - begin), der[i], &bytes),
                         0);
        sent[i] = (rp_slice){der[i], bytes};
        at = end;
    }
    assert_true(rp__verdict_key_make(&key, sent, 2));
    for (int i = 0; i < 2; i++) {
        rp_tls_config *client = tls_client(
            &(rp_tls_options){.ca_file = tls_cert("ca.pem"),
                              .revocation = i == 0 ? RP_REVOCATION_OFF : RP_REVOCATION_SOFT,
                              .crl_file = i == 0 ? NULL : tls_cert("crl.pem")});
        rp_tls_config *server = tls_server_of("server-ecdsa", 0);
        tls_pair pair;
        tls_pair_options options = {.client = client, .server = server};
        assert_true(tls_pair_open(&pair, &options));
        assert_true(tls_handshake(&pair));
        tls_pair_close(&pair);
        assert_true(rp__verdicts_know(client->verdicts, &key, (int64_t)time(NULL)) == (i == 0));
        rp_tls_config_release(client);
        rp_tls_config_release(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_options),        cmocka_unit_test(sources),
        cmocka_unit_test(bad_lists),          cmocka_unit_test(too_large),
        cmocka_unit_test(misspelt_marks),     cmocka_unit_test(no_memory),
        cmocka_unit_test(nothing_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
