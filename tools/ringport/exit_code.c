/* exit_code.c - a status to curl's exit code. */
#include "exit_code.h"

static int connection_lost(rp_phase phase)
{
    if (phase == RP_PHASE_HANDSHAKE)
        return EXIT_TLS_CONNECT;
    return phase == RP_PHASE_REQUEST ? EXIT_SEND : EXIT_RECEIVE;
}

int exit_code(rp_status status, rp_phase phase)
{
    /* No default: the compiler names a status that is missing here. */
    switch (status) {
    case RP_OK:
        return EXIT_OK;
    case RP_E_MISUSE:
    case RP_E_INTERNAL:
    case RP_E_TLS_SESSIONS: /* nothing of the tool's saves any */
        return EXIT_BAD_ARGUMENT;
    case RP_E_NO_MEMORY:
    case RP_E_DECODER_MEMORY:
        return EXIT_MEMORY;
    case RP_E_UNSUPPORTED:
        return EXIT_NOT_BUILT_IN;
    case RP_E_CANCELLED:
    case RP_E_DRAINING:
        return EXIT_CANCELLED;
    case RP_E_BAD_URL:
        return EXIT_URL;
    case RP_E_BAD_HEADER:
    case RP_E_BAD_OPTION:
        return EXIT_USAGE;
    case RP_E_BODY_ABORTED:
    case RP_E_BODY_LENGTH:
        return EXIT_READ;
    case RP_E_QUEUE_FULL:
    case RP_E_QUEUE_SHED:
    case RP_E_ORIGIN_QUEUE_FULL:
        return EXIT_NO_CONNECTION;
    case RP_E_RESOLVE_NOT_FOUND:
    case RP_E_RESOLVE_FAILED:
        return EXIT_RESOLVE;
    case RP_E_CONNECT_REFUSED:
    case RP_E_CONNECT_UNREACHABLE:
    case RP_E_CONNECT_FAILED:
    case RP_E_NO_DESCRIPTORS:
    case RP_E_NO_LOCAL_PORTS:
    case RP_E_ADDRESS_REFUSED:
        return EXIT_CONNECT;
    case RP_E_ADDRESS_IN_USE:
    case RP_E_LOCAL_ADDRESS:
        return EXIT_INTERFACE;
    case RP_E_RESET:
    case RP_E_IO_FAILED:
        return connection_lost(phase);
    case RP_E_QUEUE_TIMEOUT:
    case RP_E_RESOLVE_TIMEOUT:
    case RP_E_CONNECT_TIMEOUT:
    case RP_E_HANDSHAKE_TIMEOUT:
    case RP_E_FIRST_BYTE_TIMEOUT:
    case RP_E_IDLE_TIMEOUT:
    case RP_E_TOTAL_TIMEOUT:
    case RP_E_H2_PING_TIMEOUT:
        return EXIT_TIMEOUT;
    case RP_E_TLS_ALERT:
    case RP_E_TLS_PROTOCOL:
    case RP_E_TLS_CLOSED:
    case RP_E_TLS_VERSION:
    case RP_E_TLS_FAILED:
        return EXIT_TLS_CONNECT;
    case RP_E_TLS_CONFIG:
        return EXIT_CA_FILE;
    case RP_E_TLS_SIGNING:
        return EXIT_CLIENT_CERTIFICATE;
    case RP_E_TRUNCATED:
        return phase == RP_PHASE_HEAD ? EXIT_EMPTY_REPLY : EXIT_RECEIVE;
    case RP_E_CERT_UNTRUSTED:
    case RP_E_CERT_EXPIRED:
    case RP_E_CERT_NOT_YET_VALID:
    case RP_E_CERT_HOST_MISMATCH:
    case RP_E_CERT_REVOKED:
    case RP_E_CERT_INVALID:
    case RP_E_CERT_STATUS_UNKNOWN:
        return EXIT_CERTIFICATE;
    case RP_E_CERT_STAPLE:
        return EXIT_CERTIFICATE_STATUS;
    case RP_E_CERT_PIN_MISMATCH:
        return EXIT_PINNED_KEY;
    case RP_E_CLOSED_EARLY:
    case RP_E_STALE_CONNECTION:
        return EXIT_EMPTY_REPLY;
    case RP_E_BAD_RESPONSE: /* of a body: its chunks */
        return phase == RP_PHASE_BODY ? EXIT_RECEIVE : EXIT_WEIRD_REPLY;
    case RP_E_NOT_HTTP:
        return EXIT_WEIRD_REPLY;
    case RP_E_HEAD_TOO_LARGE:
        return EXIT_TOO_LARGE;
    case RP_E_BODY_TRUNCATED:
        return EXIT_PARTIAL;
    case RP_E_DECODE_FAILED:
    case RP_E_DECODE_UNKNOWN:
        return EXIT_ENCODING;
    case RP_E_BODY_TOO_LARGE:
    case RP_E_DECODE_TOO_LARGE:
        return EXIT_BODY_TOO_LARGE;
    case RP_E_H2_PROTOCOL:
    case RP_E_H2_NOT_SPOKEN:
        return EXIT_HTTP2;
    case RP_E_H2_RESET:
        return EXIT_HTTP2_STREAM;
    case RP_E_REDIRECT_LIMIT:
        return EXIT_REDIRECTS;
    case RP_E_REDIRECT_INVALID:
        return EXIT_URL;
    case RP_E_REDIRECT_REFUSED:
        return EXIT_SCHEME;
    case RP_E_REDIRECT_BODY:
        return EXIT_REWIND;
    case RP_E_PROXY_REFUSED: /* of CONNECT; SOCKS' has a code of its own */
    case RP_E_PROXY_AUTH:
    case RP_E_PROXY_PROTOCOL:
    case RP_E_PROXY_CLOSED:
        return EXIT_RECEIVE;
    case RP_E_PROXY_TIMEOUT:
        return EXIT_TIMEOUT;
    }
    return EXIT_BAD_ARGUMENT;
}
