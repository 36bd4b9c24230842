/* system_verifier.c - Windows' chain engine, which knows more roots than there are in the store
 * ROOT: Windows brings but a few, and fetches the others of Microsoft's list when a chain first
 * needs them. */
#include "base/platform.h"

#include "win32/winsock.h"

#define CERT_CHAIN_PARA_HAS_EXTRA_FIELDS /* wincrypt.h shows dwUrlRetrievalTimeout then */
#include <wincrypt.h>

/* Stands in wininet.h, which belongs to another library. */
#ifndef SECURITY_FLAG_IGNORE_CERT_CN_INVALID
#define SECURITY_FLAG_IGNORE_CERT_CN_INVALID 0x00001000
#endif

/* The chain and its policy without the last word on names, which is ours (RFC 9525). */
static bool approved(PCCERT_CHAIN_CONTEXT chain)
{
    SSL_EXTRA_CERT_CHAIN_POLICY_PARA server = {
        .cbSize = sizeof(server),
        .dwAuthType = AUTHTYPE_SERVER,
        .fdwChecks = SECURITY_FLAG_IGNORE_CERT_CN_INVALID,
    };
    CERT_CHAIN_POLICY_PARA policy = {.cbSize = sizeof(policy), .pvExtraPolicyPara = &server};
    CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof(status)};
    /* The policy does not mind everything: Wine's takes a chain that ends nowhere. */
    return chain->TrustStatus.dwErrorStatus == CERT_TRUST_NO_ERROR &&
           CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_SSL, chain, &policy, &status) &&
           status.dwError == 0;
}

/* Revocation is not asked for, as ringport does not elsewhere; a root that Microsoft has
 * disallowed is refused all the same. */
static bool leads_to_root(PCCERT_CONTEXT leaf, HCERTSTORE others)
{
    char server[] = szOID_PKIX_KP_SERVER_AUTH;
    char *usages[] = {server};
    CERT_CHAIN_PARA parameters = {
        .cbSize = sizeof(parameters),
        .RequestedUsage = {USAGE_MATCH_TYPE_AND, {1, usages}},
        .dwUrlRetrievalTimeout = RP_SYSTEM_VERIFIER_LIMIT_MS,
    };
    PCCERT_CHAIN_CONTEXT chain;
    if (!CertGetCertificateChain(NULL, leaf, NULL, others, &parameters, 0, NULL, &chain))
        return false;
    bool good = approved(chain);
    CertFreeCertificateChain(chain);
    return good;
}

static bool ask(const rp_slice *certificates, size_t count)
{
    bool good = false;
    HCERTSTORE shown = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    if (shown == NULL)
        return false;
    for (size_t i = 1; i < count; i++)
        (void)CertAddEncodedCertificateToStore(shown, X509_ASN_ENCODING, certificates[i].data,
                                               (DWORD)certificates[i].size, CERT_STORE_ADD_ALWAYS,
                                               NULL);
    PCCERT_CONTEXT leaf = CertCreateCertificateContext(X509_ASN_ENCODING, certificates[0].data,
                                                       (DWORD)certificates[0].size);
    if (leaf != NULL) {
        good = leads_to_root(leaf, shown);
        (void)CertFreeCertificateContext(leaf);
    }
    (void)CertCloseStore(shown, 0);
    return good;
}

rp_system_verifier *rp__system_verifier(void)
{
    return ask;
}
