/* lasting.c - see lasting.h. A refused connection is not among them: a server may be on its way. */
#include "lasting.h"

bool failure_lasts(rp_status status)
{
    switch (status) {
    case RP_E_UNSUPPORTED:
    case RP_E_BAD_URL:
    case RP_E_BAD_HEADER:
    case RP_E_BAD_OPTION:
    case RP_E_RESOLVE_NOT_FOUND:
    case RP_E_ADDRESS_REFUSED:
    case RP_E_LOCAL_ADDRESS:
    case RP_E_TLS_PROTOCOL: /* no TLS there */
    case RP_E_TLS_VERSION:
    case RP_E_TLS_CONFIG:
    case RP_E_TLS_SIGNING:
    case RP_E_CERT_UNTRUSTED:
    case RP_E_CERT_EXPIRED:
    case RP_E_CERT_NOT_YET_VALID:
    case RP_E_CERT_HOST_MISMATCH:
    case RP_E_CERT_REVOKED:
    case RP_E_CERT_INVALID:
    case RP_E_CERT_PIN_MISMATCH:
    case RP_E_CERT_STATUS_UNKNOWN:
    case RP_E_CERT_STAPLE:
    case RP_E_H2_NOT_SPOKEN:
    case RP_E_REDIRECT_INVALID:
    case RP_E_REDIRECT_REFUSED:
    case RP_E_REDIRECT_BODY:
    case RP_E_PROXY_AUTH:
    case RP_E_PROXY_PROTOCOL:
        return true;
    default:
        return false;
    }
}
