/* exit_code.h - the exit codes, which are curl's where curl has one for the case. */
#ifndef TOOL_EXIT_CODE_H
#define TOOL_EXIT_CODE_H

#include <ringport/error.h>

enum {
    EXIT_OK = 0,
    EXIT_SOME_FAILED = 1, /* of load's requests; curl has no such thing */
    EXIT_SCHEME = 1,      /* get: not http or https, or of a redirect and not allowed */
    EXIT_USAGE = 2,
    EXIT_URL = 3,
    EXIT_NOT_BUILT_IN = 4,
    EXIT_PROXY_RESOLVE = 5,
    EXIT_RESOLVE = 6,
    EXIT_CONNECT = 7,
    EXIT_WEIRD_REPLY = 8,
    EXIT_HTTP2 = 16,
    EXIT_PARTIAL = 18,
    EXIT_HTTP_STATUS = 22,
    EXIT_WRITE = 23,
    EXIT_READ = 26,
    EXIT_MEMORY = 27,
    EXIT_TIMEOUT = 28,
    EXIT_RANGE = 33,
    EXIT_TLS_CONNECT = 35,
    EXIT_CANCELLED = 42,
    EXIT_BAD_ARGUMENT = 43,
    EXIT_INTERFACE = 45,
    EXIT_REDIRECTS = 47,
    EXIT_BAD_SYNTAX = 49, /* of --resolve */
    EXIT_EMPTY_REPLY = 52,
    EXIT_SEND = 55,
    EXIT_RECEIVE = 56,
    EXIT_CLIENT_CERTIFICATE = 58,
    EXIT_CIPHER = 59,
    EXIT_CERTIFICATE = 60,
    EXIT_ENCODING = 61,
    EXIT_BODY_TOO_LARGE = 63,
    EXIT_REWIND = 65,
    EXIT_LOGIN = 67,
    EXIT_CA_FILE = 77,
    EXIT_CRL_FILE = 82,
    EXIT_NO_CONNECTION = 89,
    EXIT_PINNED_KEY = 90,
    EXIT_CERTIFICATE_STATUS = 91,
    EXIT_HTTP2_STREAM = 92,
    EXIT_PROXY = 97, /* SOCKS' */
    EXIT_TOO_LARGE = 100
};

/* phase decides between sending and receiving where the status alone does not. */
int exit_code(rp_status status, rp_phase phase);

#endif
