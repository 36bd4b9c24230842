/* test_win32_chain.c - the system's trust and its own chain engine: a root that came after the
 * configuration was made, as one does that Windows fetches on demand, is trusted all the same.
 *
 * Each case is a process of its own, for the engine remembers what it has seen. Under Wine the
 * store ROOT is the prefix' own; Windows would ask the user before it takes the root. */
#include "support/probe.h"
#include "support/tls_pair.h"

/* clang-format off */
#include <windows.h>
#include <wincrypt.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

/* ---- the root of "foreign" ---- */

static PCCERT_CONTEXT other_root(void)
{
    BYTE der[4096];
    DWORD size = sizeof(der);
    char pem[4096] = "";
    FILE *file = fopen(tls_cert("other-ca.pem"), "rb");
    assert_non_null(file);
    assert_true(fread(pem, 1, sizeof(pem) - 1, file) > 0);
    (void)fclose(file);
    assert_true(CryptStringToBinaryA(pem, 0, CRYPT_STRING_BASE64HEADER, der, &size, NULL, NULL));
    PCCERT_CONTEXT root = CertCreateCertificateContext(X509_ASN_ENCODING, der, size);
    assert_non_null(root);
    return root;
}

/* Wine 8 deletes a certificate from its copy of a store and not from the registry behind it. */
static void forget_one(PCCERT_CONTEXT root)
{
    char key[256] = "Software\\Microsoft\\SystemCertificates\\ROOT\\Certificates\\";
    BYTE hash[20];
    DWORD size = sizeof(hash);
    assert_true(CertGetCertificateContextProperty(root, CERT_SHA1_HASH_PROP_ID, hash, &size));
    for (size_t i = 0; i < sizeof(hash); i++)
        (void)snprintf(key + strlen(key), sizeof(key) - strlen(key), "%02X", hash[i]);
    (void)RegDeleteKeyA(HKEY_CURRENT_USER, key);
}

/* And those of its name that runs with other certificates left there. */
static void forget(HCERTSTORE store, PCCERT_CONTEXT root)
{
    PCCERT_CONTEXT found = NULL;
    while ((found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_SUBJECT_NAME,
                                               &root->pCertInfo->Subject, found)) != NULL)
        forget_one(found);
}

static void set_trusted(bool trusted)
{
    PCCERT_CONTEXT root = other_root();
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_REGISTRY_W, 0, 0,
                                     CERT_SYSTEM_STORE_CURRENT_USER, L"ROOT");
    assert_non_null(store);
    forget(store, root);
    if (trusted)
        assert_true(
            CertAddCertificateContextToStore(store, root, CERT_STORE_ADD_REPLACE_EXISTING, NULL));
    assert_true(CertCloseStore(store, 0));
    assert_true(CertFreeCertificateContext(root));
}

/* ---- the cases: each makes its configuration while the root is not there ---- */

static void begin(probe_pair *pair, int version, const char *certificate)
{
    set_trusted(false);
    probe_pair_begin(pair, version, certificate);
    rp_tls_config_release(pair->client_tls);
    pair->client_tls = tls_client(&(rp_tls_options){.minimum_version = (rp_tls_version)version,
                                                    .maximum_version = (rp_tls_version)version});
    assert_non_null(pair->client_tls->judge);
}

static void came_later(void **state)
{
    (void)state;
    for (int version = 12; version <= 13; version++) {
        probe_pair pair;
        begin(&pair, version, "foreign");
        set_trusted(true);
        probe_pair_open(&pair);
        assert_int_equal(probe_write_text(&pair.client, "hello"), RP_OK);
        UNTIL(pair.loop, pair.server.received == 5);
        probe_pair_again(&pair);
        probe_pair_end(&pair);
        set_trusted(false);
    }
}

static void refused(const char *certificate, const char *sentence)
{
    for (int version = 12; version <= 13; version++) {
        probe_pair pair;
        begin(&pair, version, certificate);
        probe_pair_start(&pair);
        UNTIL(pair.loop, pair.client.opens == 1);
        assert_int_equal(pair.client.open_error.status, RP_E_CERT_UNTRUSTED);
        assert_non_null(strstr(pair.client.open_error.text, sentence));
        probe_pair_end(&pair);
    }
}

static void never_came(void **state)
{
    (void)state;
    refused("foreign", "is signed by an unknown authority (Some Other Root)");
    refused("server-ecdsa", "is signed by an unknown authority (Ringport Test Root)");
    refused("self-signed", "is self-signed (self-signed) and not a trusted one");
}

/* ---- processes ---- */

static void run_self(const char *which)
{
    char program[MAX_PATH], command[MAX_PATH + 64];
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
    /* What passes there is counted here. */
    HANDLE silence = CreateFileA("NUL", GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
    STARTUPINFOA start = {.cb = sizeof(start),
                          .dwFlags = STARTF_USESTDHANDLES,
                          .hStdOutput = silence,
                          .hStdError = GetStdHandle(STD_ERROR_HANDLE)};
    PROCESS_INFORMATION child;
    DWORD status;
    assert_true(GetModuleFileNameA(NULL, program, sizeof(program)) < sizeof(program));
    (void)snprintf(command, sizeof(command), "\"%s\" %s", program, which);
    assert_true(CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child));
    assert_int_equal(WaitForSingleObject(child.hProcess, 60000), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(child.hProcess, &status));
    assert_true(CloseHandle(child.hThread) && CloseHandle(child.hProcess));
    assert_true(CloseHandle(silence));
    assert_int_equal(status, 0);
}

static void test_root_that_came_later(void **state)
{
    (void)state;
    run_self("came_later");
}

static void test_root_that_never_came(void **state)
{
    (void)state;
    run_self("never_came");
}

int main(int count, char **words)
{
    const struct CMUnitTest later[] = {fixture_test(came_later)};
    const struct CMUnitTest never[] = {fixture_test(never_came)};
    const struct CMUnitTest tests[] = {
        fixture_test(test_root_that_came_later),
        fixture_test(test_root_that_never_came),
    };
    if (count == 2 && strcmp(words[1], "came_later") == 0)
        return fixture_run(later);
    if (count == 2 && strcmp(words[1], "never_came") == 0)
        return fixture_run(never);
    return fixture_run(tests);
}
