/* test_tool_certs.c - what %{certs} prints of a certificate that has the extensions of public ones,
 * beside what curl 7.88 with OpenSSL 3.0 printed of it. */
#include "certs.h"
#include "support/files.h"
#include "tls/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char lines[] =
    "Subject:CN = localhost\n"
    "Issuer:CN = localhost\n"
    "Version:2\n"
    "Serial Number:64bb97767710d15e874ce9bcd6e7c0d1aea6d7d4\n"
    "Signature Algorithm:ecdsa-with-SHA256\n"
    "Public Key Algorithm:id-ecPublicKey\n"
    "X509v3 Basic Constraints:CA:TRUE, pathlen:0\n"
    "X509v3 Key Usage:Digital Signature, Key Encipherment, Certificate Sign\n"
    "X509v3 Extended Key Usage:TLS Web Server Authentication, TLS Web Client Authenticati"
    "on\n"
    "X509v3 Subject Key Identifier:B3:69:AA:6E:E9:BA:4B:36:79:0B:6C:30:3F:93:16:53:D7:FA:"
    "AD:DE\n"
    "X509v3 Authority Key Identifier:B3:69:AA:6E:E9:BA:4B:36:79:0B:6C:30:3F:93:16:53:D7:F"
    "A:AD:DE\n"
    "X509v3 Subject Alternative Name:DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:"
    "0:0:0:0:0:1, email:a@b.test, URI:http://x.test/, Registered ID:1.2.3.4\n"
    "X509v3 Issuer Alternative Name:DNS:ca.test\n"
    "Authority Information Access:OCSP - URI:http://ocsp.test/\n"
    "CA Issuers - URI:http://ca.test/ca.der\n"
    "1.2.3.4 - DNS:a.test\n"
    "X509v3 CRL Distribution Points:Full Name:\n"
    "  URI:http://crl.test/a.crl\n"
    "  URI:http://crl.test/b.crl\n"
    "Full Name:\n"
    "  URI:ldap://x/\n"
    "X509v3 Certificate Policies:Policy: 2.23.140.1.2.1\n"
    "Policy: X509v3 Any Policy\n"
    "Policy: 1.3.5.8\n"
    "  CPS: http://cps.test/\n"
    "  User Notice:\n"
    "    Explicit Text: explicit\n"
    "Policy: 1.3.6.1.4.1.44947.1.1.1\n"
    "X509v3 Name Constraints:Permitted:\n"
    "  DNS:.test\n"
    "  IP:10.0.0.0/255.0.0.0\n"
    "  IP:FD00:0:0:0:0:0:0:0/FF00:0:0:0:0:0:0:0\n"
    "  DirName:C = XX, O = \"An Org, Inc.\"\n"
    "Excluded:\n"
    "  email:.bad.test\n"
    "TLS Feature:status_request\n"
    "CT Precertificate SCTs:Signed Certificate Timestamp:\n"
    "    Version   : v1 (0x0)\n"
    "    Log ID    : EE:CD:D0:64:D5:DB:1A:CE:C5:5C:B7:9D:B4:CD:13:A2:\n"
    "                32:87:46:7C:BC:EC:DE:C3:51:48:59:46:71:1F:B5:9B\n"
    "    Timestamp : Jan 30 11:57:32.125 2024 GMT\n"
    "    Extensions: none\n"
    "    Signature : ecdsa-with-SHA256\n"
    "                30:45:02:21:00:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:\n"
    "                AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:\n"
    "                AA:AA:AA:AA:AA:02:20:1B:BB:BB:BB:BB:BB:BB:BB:BB:\n"
    "                BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:BB:\n"
    "                BB:BB:BB:BB:BB:BB:BB\n"
    "Signed Certificate Timestamp:\n"
    "    Version   : v1 (0x0)\n"
    "    Log ID    : 48:B0:E3:6B:DA:A6:47:34:0F:E5:6A:02:FA:9D:30:EB:\n"
    "                1C:52:01:CB:56:DD:2C:81:D9:BB:BF:AB:39:D8:84:73\n"
    "    Timestamp : Jan 30 11:57:32.126 2024 GMT\n"
    "    Extensions: none\n"
    "    Signature : ecdsa-with-SHA256\n"
    "                30:45:02:21:00:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:\n"
    "                CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:CC:\n"
    "                CC:CC:CC:CC:CC:02:20:1D:DD:DD:DD:DD:DD:DD:DD:DD:\n"
    "                DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:DD:\n"
    "                DD:DD:DD:DD:DD:DD:DD\n"
    "Start date:Nov 28 01:25:39 2026 GMT\n"
    "Expire date:Dec 28 01:25:39 2026 GMT\n"
    "Signature:30:45:02:21:00:ac:2d:97:fc:4a:2b:e4:d4:ad:58:33:ec:fb:65:2b:fe:69:26:f0:2b"
    ":bc:be:61:86:cd:6c:62:42:01:57:2b:6a:02:20:29:3b:13:b8:26:e3:b8:db:5a:e4:f3:4c:2b:65"
    ":93:b0:74:1f:ad:a1:c4:9a:0b:6d:40:a7:08:b5:60:63:96:b3:\n";

static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIEzjCCBHSgAwIBAgIUZLuXdncQ0V6HTOm81ufA0a6m19QwCgYIKoZIzj0EAwIw\n"
                          "FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyODAxMjUzOVoXDTI2MTIyODAx\n"
                          "MjUzOVowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
                          "AQcDQgAEud8xIcI90uvFe30V8CMEWKnS72QJP1GwZZMCFnsVU2b94V+GnNfN2X/m\n"
                          "HTKuMcMaY7eKd17EL/KLx0henlRlf6OCA6IwggOeMBIGA1UdEwEB/wQIMAYBAf8C\n"
                          "AQAwDgYDVR0PAQH/BAQDAgKkMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcD\n"
                          "AjAdBgNVHQ4EFgQUs2mqbum6SzZ5C2wwP5MWU9f6rd4wHwYDVR0jBBgwFoAUs2mq\n"
                          "bum6SzZ5C2wwP5MWU9f6rd4wSwYDVR0RBEQwQoIJbG9jYWxob3N0hwR/AAABhxAA\n"
                          "AAAAAAAAAAAAAAAAAAABgQhhQGIudGVzdIYOaHR0cDovL3gudGVzdC+IAyoDBDAS\n"
                          "BgNVHRIECzAJggdjYS50ZXN0MF8GCCsGAQUFBwEBBFMwUTAdBggrBgEFBQcwAYYR\n"
                          "aHR0cDovL29jc3AudGVzdC8wIQYIKwYBBQUHMAKGFWh0dHA6Ly9jYS50ZXN0L2Nh\n"
                          "LmRlcjANBgMqAwSCBmEudGVzdDBOBgNVHR8ERzBFMDKgMKAuhhVodHRwOi8vY3Js\n"
                          "LnRlc3QvYS5jcmyGFWh0dHA6Ly9jcmwudGVzdC9iLmNybDAPoA2gC4YJbGRhcDov\n"
                          "L3gvMGkGA1UdIARiMGAwCAYGZ4EMAQIBMAYGBFUdIAAwPQYDKwUIMDYwHAYIKwYB\n"
                          "BQUHAgEWEGh0dHA6Ly9jcHMudGVzdC8wFgYIKwYBBQUHAgIwChoIZXhwbGljaXQw\n"
                          "DQYLKwYBBAGC3xMBAQEwgYAGA1UdHgEB/wR2MHSgYzAHggUudGVzdDAKhwgKAAAA\n"
                          "/wAAADAihyD9AAAAAAAAAAAAAAAAAAAA/wAAAAAAAAAAAAAAAAAAADAopCYwJDEL\n"
                          "MAkGA1UEBhMCWFgxFTATBgNVBAoMDEFuIE9yZywgSW5jLqENMAuBCS5iYWQudGVz\n"
                          "dDARBggrBgEFBQcBGAQFMAMCAQUwggEEBgorBgEEAdZ5AgQCBIH1BIHyAPAAdgDu\n"
                          "zdBk1dsazsVct520zROiModGfLzs3sNRSFlGcR+1mwAAAY1aO0xdAAAEAwBHMEUC\n"
                          "IQCqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqgIgG7u7u7u7u7u7u7u7\n"
                          "u7u7u7u7u7u7u7u7u7u7u7u7u7sAdgBIsONr2qZHNA/lagL6nTDrHFIBy1bdLIHZ\n"
                          "u7+rOdiEcwAAAY1aO0xeAAAEAwBHMEUCIQDMzMzMzMzMzMzMzMzMzMzMzMzMzMzM\n"
                          "zMzMzMzMzMzMzAIgHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d0wCgYI\n"
                          "KoZIzj0EAwIDSAAwRQIhAKwtl/xKK+TUrVgz7PtlK/5pJvArvL5hhs1sYkIBVytq\n"
                          "AiApOxO4JuO421rk80wrZZOwdB+tocSaC21Apwi1YGOWsw==\n"
                          "-----END CERTIFICATE-----\n";

static char *printed(const uint8_t *der, size_t size)
{
    rp_peer_certificate sent = {.der = der, .der_size = size};
    certs kept = {.list = NULL};
    FILE *out = files_text_begin();
    assert_true(certs_keep(&kept, &sent, 1));
    certs_print(&kept, out);
    certs_free(&kept);
    return files_text_end(out);
}

static void test_as_curl(void **state)
{
    rp_memory memory;
    rp_slice rest = {(const uint8_t *)pem, strlen(pem)};
    rp_pem block;
    size_t size;
    (void)state;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    assert_true(rp__pem_next(&rest, &block));
    uint8_t *der = rp__pem_decode(&memory, &block, &size);
    assert_non_null(der);
    char *text = printed(der, size);
    assert_memory_equal(text, lines, strlen(lines));
    assert_string_equal(text + strlen(lines), pem);
    free(text);
    for (size_t i = 0; i < size; i++) { /* whatever is wrong with it, that is what was sent */
        der[i] ^= 0x55;
        text = printed(der, size);
        assert_non_null(strstr(text, "-----BEGIN CERTIFICATE-----\n"));
        free(text);
        text = printed(der, i + 1);
        assert_non_null(strstr(text, "-----BEGIN CERTIFICATE-----\n"));
        free(text);
        der[i] ^= 0x55;
    }
    rp__free(&memory, der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_curl)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
