/* errors.c - what Windows' error codes mean.
 *
 * An overlapped operation ends with an NTSTATUS; WSAGetOverlappedResult translates it, as long as
 * the socket is open, into a WSA code. Some statuses have no WSA code of their own, and extension
 * functions may answer with the Win32 code, so those are here as well. */
#include "win32/socket.h"

#include "base/platform.h"

typedef struct error_row {
    int code;
    rp_status open, listen, connect, transfer;
} error_row;

/* What a code that is in no row means, or a column that says RP_OK. */
static const error_row otherwise = {
    0, RP_E_IO_FAILED, RP_E_IO_FAILED, RP_E_CONNECT_FAILED, RP_E_IO_FAILED,
};

static const error_row rows[] = {
    /* The system's lack. */
    {WSAEMFILE, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS},
    {WSA_NOT_ENOUGH_MEMORY, RP_E_NO_MEMORY, RP_E_NO_MEMORY, RP_OK, RP_OK},
    {WSAEAFNOSUPPORT, RP_E_UNSUPPORTED, RP_OK, RP_OK, RP_OK},
    {WSAEPROTONOSUPPORT, RP_E_UNSUPPORTED, RP_OK, RP_OK, RP_OK},
    {WSAEPROVIDERFAILEDINIT, RP_E_UNSUPPORTED, RP_OK, RP_OK, RP_OK},
    /* Windows has no code for "no port is free": ConnectEx and the bind before it say one of
     * these. */
    {WSAENOBUFS, RP_E_NO_MEMORY, RP_E_NO_MEMORY, RP_E_NO_LOCAL_PORTS, RP_OK},
    {WSAEADDRINUSE, RP_OK, RP_E_ADDRESS_IN_USE, RP_E_NO_LOCAL_PORTS, RP_OK},
    /* Somebody listens there exclusively, or the port is reserved. */
    {WSAEACCES, RP_OK, RP_E_ADDRESS_IN_USE, RP_OK, RP_OK},

    /* Cancelled. */
    {WSA_OPERATION_ABORTED, RP_OK, RP_OK, RP_E_CANCELLED, RP_E_CANCELLED},

    /* Connecting. WSAEADDRNOTAVAIL is about the remote address: 0.0.0.0, a broadcast address. */
    {WSAECONNREFUSED, RP_OK, RP_OK, RP_E_CONNECT_REFUSED, RP_OK},
    {ERROR_CONNECTION_REFUSED, RP_OK, RP_OK, RP_E_CONNECT_REFUSED, RP_OK},
    {ERROR_PORT_UNREACHABLE, RP_OK, RP_OK, RP_E_CONNECT_REFUSED, RP_OK},
    {WSAENETUNREACH, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {WSAEHOSTUNREACH, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {WSAENETDOWN, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {WSAEHOSTDOWN, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {WSAEADDRNOTAVAIL, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {ERROR_NETWORK_UNREACHABLE, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {ERROR_HOST_UNREACHABLE, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},
    {ERROR_PROTOCOL_UNREACHABLE, RP_OK, RP_OK, RP_E_CONNECT_UNREACHABLE, RP_OK},

    /* An established connection that is no more. Which of them the second operation on a reset
     * connection gives depends on what was in flight; WSAESHUTDOWN is Wine's EPIPE. */
    {WSAECONNRESET, RP_OK, RP_OK, RP_OK, RP_E_RESET},
    {WSAECONNABORTED, RP_OK, RP_OK, RP_OK, RP_E_RESET},
    {WSAESHUTDOWN, RP_OK, RP_OK, RP_OK, RP_E_RESET},
    {ERROR_NETNAME_DELETED, RP_OK, RP_OK, RP_OK, RP_E_RESET},
    {ERROR_CONNECTION_ABORTED, RP_OK, RP_OK, RP_OK, RP_E_RESET},
    {ERROR_BROKEN_PIPE, RP_OK, RP_OK, RP_OK, RP_E_RESET},
};

static const error_row *find_row(int os_code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == os_code)
            return &rows[i];
    }
    return &otherwise;
}

static rp_io_result result_of(int os_code, rp_status status, rp_status unless)
{
    if (os_code == 0)
        return (rp_io_result){RP_OK, 0};
    if (status == RP_E_CANCELLED)
        return (rp_io_result){RP_E_CANCELLED, 0};
    return (rp_io_result){status == RP_OK ? unless : status, os_code};
}

rp_io_result rp__open_result(int os_code)
{
    return result_of(os_code, find_row(os_code)->open, otherwise.open);
}

rp_io_result rp__listen_result(int os_code)
{
    return result_of(os_code, find_row(os_code)->listen, otherwise.listen);
}

rp_io_result rp__connect_result(int os_code)
{
    return result_of(os_code, find_row(os_code)->connect, otherwise.connect);
}

rp_io_result rp__transfer_result(int os_code)
{
    return result_of(os_code, find_row(os_code)->transfer, otherwise.transfer);
}

const rp_os_code_table rp__os_codes = {
    .refused = WSAECONNREFUSED,
    .unreachable = WSAEHOSTUNREACH,
    .reset = WSAECONNRESET,
    .in_use = WSAEADDRINUSE,
    .no_descriptors = WSAEMFILE,
    .no_memory = WSAENOBUFS,
    .unsupported = WSAEAFNOSUPPORT,
    .failed = WSAENETDOWN,
};
