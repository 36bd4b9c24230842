/* credentials.c - the identity of simulated servers, and the authority that signed it.
 *
 * They are the same for ever, so that a seed gives the same run on every machine. The leaf's key is
 * public, and the authority's own was thrown away. Made once, with openssl 3.0, its configuration
 * being a bare "[ca]" section with default_md = sha256 and the policy commonName = supplied:
 *
 *   for key in ca leaf; do openssl ecparam -name prime256v1 -genkey -noout -out $key.key; done
 *   printf '%s\n' basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign \
 *       subjectKeyIdentifier=hash >ca.ext
 *   openssl req -new -key ca.key -subj '/CN=ringport simulated authority' -out ca.csr
 *   openssl ca -batch -notext -selfsign -in ca.csr -keyfile ca.key -startdate 20240101000000Z \
 *       -enddate 20991231235959Z -extfile ca.ext -out ca.pem
 *   names=DNS:localhost,IP:127.0.0.1,IP:::1,$(printf 'IP:192.0.2.%d,' {1..16})
 *   names+=DNS:example.com,DNS:*.example.com,DNS:example.net,DNS:*.example.net
 *   names+=,DNS:example.org,DNS:*.example.org,DNS:*.example.test
 *   printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
 *       extendedKeyUsage=serverAuth subjectKeyIdentifier=hash authorityKeyIdentifier=keyid \
 *       "subjectAltName=$names" >leaf.ext
 *   openssl req -new -key leaf.key -subj '/CN=ringport simulated server' -out leaf.csr
 *   openssl ca -batch -notext -in leaf.csr -cert ca.pem -keyfile ca.key \
 *       -startdate 20240101000000Z -enddate 20991231235959Z -extfile leaf.ext -out leaf.pem */
#include "sim/server.h"

const char rp_sim_ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBlTCCATqgAwIBAgIUJ0V0Ovd2gZsEMP9nPhBkYpQ7iWgwCgYIKoZIzj0EAwIw\n"
                             "JzElMCMGA1UEAwwccmluZ3BvcnQgc2ltdWxhdGVkIGF1dGhvcml0eTAgFw0yNDAx\n"
                             "MDEwMDAwMDBaGA8yMDk5MTIzMTIzNTk1OVowJzElMCMGA1UEAwwccmluZ3BvcnQg\n"
                             "c2ltdWxhdGVkIGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBs7\n"
                             "q0Cq3xVm4z7E+RFl0aejAt7ksRqLCCpOylEcD5pNyqGzVGX8WztZ48aUXqr2FE/y\n"
                             "iyq5iRLCYzeGO7dQO8+jQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD\n"
                             "AgEGMB0GA1UdDgQWBBTMHTlnJOqcEvM03nuVUMoOU4H9JzAKBggqhkjOPQQDAgNJ\n"
                             "ADBGAiEAzVirScP5tS3TLseoBwl+ySm7NER09ac3aGp44oo1OfoCIQDaQqBbuvIG\n"
                             "8LN4L17/B/aS4T1N6N5yVWWNXzEHbmBRYA==\n"
                             "-----END CERTIFICATE-----\n";

const char rp__sim_certificate_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICvDCCAmOgAwIBAgIUGRESiWK7mhjT4lfXhxlaNIDU7B4wCgYIKoZIzj0EAwIw\n"
    "JzElMCMGA1UEAwwccmluZ3BvcnQgc2ltdWxhdGVkIGF1dGhvcml0eTAgFw0yNDAx\n"
    "MDEwMDAwMDBaGA8yMDk5MTIzMTIzNTk1OVowJDEiMCAGA1UEAwwZcmluZ3BvcnQg\n"
    "c2ltdWxhdGVkIHNlcnZlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLjFEm/k\n"
    "bjjnjjfGAIx7ETqrH/Ls47y5xJ2LCv/LaWQKFi46sZeu8SThpJnieWU7XGitINTH\n"
    "/4uZESOaQsWgPtajggFsMIIBaDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIH\n"
    "gDATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUFZC5+ZEu0eaw4rYIyZv2\n"
    "9gUYBVYwHwYDVR0jBBgwFoAUzB05ZyTqnBLzNN57lVDKDlOB/ScwgfIGA1UdEQSB\n"
    "6jCB54IJbG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABhwTAAAIBhwTA\n"
    "AAIChwTAAAIDhwTAAAIEhwTAAAIFhwTAAAIGhwTAAAIHhwTAAAIIhwTAAAIJhwTA\n"
    "AAIKhwTAAAILhwTAAAIMhwTAAAINhwTAAAIOhwTAAAIPhwTAAAIQggtleGFtcGxl\n"
    "LmNvbYINKi5leGFtcGxlLmNvbYILZXhhbXBsZS5uZXSCDSouZXhhbXBsZS5uZXSC\n"
    "C2V4YW1wbGUub3Jngg0qLmV4YW1wbGUub3Jngg4qLmV4YW1wbGUudGVzdDAKBggq\n"
    "hkjOPQQDAgNHADBEAiAZRURuYNuv7vQdSSwVashqfmN5dMY18ab72Br+KSKjuAIg\n"
    "eNyOL96G9X7E9Ok1E2HYh9jPepjJvleOz5tS7CNWxjc=\n"
    "-----END CERTIFICATE-----\n";

const char rp__sim_key_pem[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIHY5fsw8O7MAFwgW+WIAYN+n7wztME7IBX0qCssVUIC9oAoGCCqGSM49\n"
                               "AwEHoUQDQgAEuMUSb+RuOOeON8YAjHsROqsf8uzjvLnEnYsK/8tpZAoWLjqxl67x\n"
                               "JOGkmeJ5ZTtcaK0g1Mf/i5kRI5pCxaA+1g==\n"
                               "-----END EC PRIVATE KEY-----\n";
