/* test_win32_errors.c - what Windows' codes mean, each row of the table in src/win32/errors.c, and
 * those that can be provoked on loopback provoked. */
#include "base/error.h"
#include "support/raw.h"
#include "win32/socket.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- the table ---- */

typedef struct expectation {
    int code;
    rp_status open, listen, connect, transfer;
} expectation;

#define OPEN RP_E_IO_FAILED
#define LISTEN RP_E_IO_FAILED
#define CONNECT RP_E_CONNECT_FAILED
#define TRANSFER RP_E_IO_FAILED

static const expectation expectations[] = {
    {0, RP_OK, RP_OK, RP_OK, RP_OK},
    {WSAEMFILE, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS, RP_E_NO_DESCRIPTORS},
    {WSA_NOT_ENOUGH_MEMORY, RP_E_NO_MEMORY, RP_E_NO_MEMORY, CONNECT, TRANSFER},
    {WSAENOBUFS, RP_E_NO_MEMORY, RP_E_NO_MEMORY, RP_E_NO_LOCAL_PORTS, TRANSFER},
    {WSAEAFNOSUPPORT, RP_E_UNSUPPORTED, LISTEN, CONNECT, TRANSFER},
    {WSAEPROTONOSUPPORT, RP_E_UNSUPPORTED, LISTEN, CONNECT, TRANSFER},
    {WSAEPROVIDERFAILEDINIT, RP_E_UNSUPPORTED, LISTEN, CONNECT, TRANSFER},
    {WSAEADDRINUSE, OPEN, RP_E_ADDRESS_IN_USE, RP_E_NO_LOCAL_PORTS, TRANSFER},
    {WSAEACCES, OPEN, RP_E_ADDRESS_IN_USE, CONNECT, TRANSFER},
    {WSA_OPERATION_ABORTED, OPEN, LISTEN, RP_E_CANCELLED, RP_E_CANCELLED},
    {WSAECONNREFUSED, OPEN, LISTEN, RP_E_CONNECT_REFUSED, TRANSFER},
    {ERROR_CONNECTION_REFUSED, OPEN, LISTEN, RP_E_CONNECT_REFUSED, TRANSFER},
    {ERROR_PORT_UNREACHABLE, OPEN, LISTEN, RP_E_CONNECT_REFUSED, TRANSFER},
    {WSAENETUNREACH, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {WSAEHOSTUNREACH, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {WSAENETDOWN, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {WSAEHOSTDOWN, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {WSAEADDRNOTAVAIL, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {ERROR_NETWORK_UNREACHABLE, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {ERROR_HOST_UNREACHABLE, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {ERROR_PROTOCOL_UNREACHABLE, OPEN, LISTEN, RP_E_CONNECT_UNREACHABLE, TRANSFER},
    {WSAECONNRESET, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {WSAECONNABORTED, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {WSAESHUTDOWN, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {ERROR_NETNAME_DELETED, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {ERROR_CONNECTION_ABORTED, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {ERROR_BROKEN_PIPE, OPEN, LISTEN, CONNECT, RP_E_RESET},
    {WSAETIMEDOUT, OPEN, LISTEN, CONNECT, TRANSFER},
    {WSAEINVAL, OPEN, LISTEN, CONNECT, TRANSFER},
};

/* A cancelled operation has no code; every other failure has its own. */
static void check(rp_io_result result, rp_status status, int code)
{
    assert_int_equal(result.status, status);
    assert_int_equal(result.os_code, status == RP_E_CANCELLED ? 0 : code);
}

static void each_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const expectation *e = &expectations[i];
        check(rp__open_result(e->code), e->open, e->code);
        check(rp__listen_result(e->code), e->listen, e->code);
        check(rp__connect_result(e->code), e->connect, e->code);
        check(rp__transfer_result(e->code), e->transfer, e->code);
    }
}

/* ---- provoked ---- */

static SOCKET open_socket(uint8_t family)
{
    SOCKET handle;
    assert_int_equal(rp__socket_open(family, &handle).status, RP_OK);
    return handle;
}

static int wait_for(SOCKET handle, OVERLAPPED *record)
{
    DWORD bytes = 0, flags = 0;
    return WSAGetOverlappedResult(handle, record, &bytes, TRUE, &flags) ? 0 : WSAGetLastError();
}

static int connect_to(const rp_address *address)
{
    static const GUID id = WSAID_CONNECTEX;
    GUID copy = id;
    LPFN_CONNECTEX connect_ex = NULL;
    DWORD bytes = 0;
    struct sockaddr_storage storage;
    int size = rp__sockaddr_set(&storage, address), code = 0;
    SOCKET handle = open_socket(address->family);
    rp_address any = {.family = address->family};
    OVERLAPPED record = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    assert_int_equal(WSAIoctl(handle, SIO_GET_EXTENSION_FUNCTION_POINTER, &copy, sizeof(copy),
                              &connect_ex, sizeof(connect_ex), &bytes, NULL, NULL),
                     0);
    assert_int_equal(rp__socket_bind(handle, &any), 0);
    if (!connect_ex(handle, (struct sockaddr *)&storage, size, NULL, 0, NULL, &record))
        code = WSAGetLastError();
    if (code == WSA_IO_PENDING)
        code = wait_for(handle, &record);
    assert_int_equal(closesocket(handle), 0);
    assert_true(CloseHandle(record.hEvent));
    return code;
}

static void connecting(void **state)
{
    (void)state;
    rp_address closed = raw_loopback(4, 0);
    rp_address broadcast = {.family = 4, .port = 9, .bytes = {255, 255, 255, 255}};
    raw_socket bound = raw_bind(&closed);
    assert_int_equal(rp__connect_result(connect_to(&closed)).status, RP_E_CONNECT_REFUSED);
    assert_int_equal(rp__connect_result(connect_to(&broadcast)).status, RP_E_CONNECT_UNREACHABLE);
    raw_close(bound);
}

static void opening_and_listening(void **state)
{
    (void)state;
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 1);
    SOCKET handle = open_socket(4);
    rp_io_result result = rp__socket_listen(handle, &address, 1);
    assert_int_equal(result.status, RP_E_ADDRESS_IN_USE);
    assert_int_not_equal(result.os_code, 0);
    assert_int_equal(closesocket(handle), 0);
    assert_true(WSASocketW(AF_APPLETALK, SOCK_STREAM, IPPROTO_TCP, NULL, 0, 0) == INVALID_SOCKET);
    assert_int_equal(rp__open_result(WSAGetLastError()).status, RP_E_UNSUPPORTED);
    raw_close(listener);
}

/* A connection: ours is overlapped, as the port's. */
static SOCKET connected_pair(raw_socket *peer)
{
    rp_address address = raw_loopback(4, 0);
    raw_socket listener = raw_listen(&address, 1);
    SOCKET handle = (SOCKET)raw_connect(&address);
    *peer = raw_accept(listener);
    raw_close(listener);
    return handle;
}

static void start_receive(SOCKET handle, OVERLAPPED *record)
{
    WSABUF nothing = {0, NULL};
    DWORD bytes = 0, flags = 0;
    *record = (OVERLAPPED){.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    assert_int_not_equal(WSARecv(handle, &nothing, 1, &bytes, &flags, record, NULL), 0);
    assert_int_equal(WSAGetLastError(), WSA_IO_PENDING);
}

static void cancelled_and_reset(void **state)
{
    (void)state;
    OVERLAPPED record;
    raw_socket peer;
    SOCKET handle = connected_pair(&peer);
    start_receive(handle, &record);
    assert_true(CancelIoEx((HANDLE)handle, &record));
    assert_int_equal(rp__transfer_result(wait_for(handle, &record)).status, RP_E_CANCELLED);
    assert_true(CloseHandle(record.hEvent));

    start_receive(handle, &record);
    raw_reset(peer);
    assert_int_equal(rp__transfer_result(wait_for(handle, &record)).status, RP_E_RESET);
    assert_true(CloseHandle(record.hEvent));
    assert_int_equal(send(handle, "x", 1, 0), -1);
    assert_int_equal(rp__transfer_result(WSAGetLastError()).status, RP_E_RESET);
    assert_int_equal(closesocket(handle), 0);
}

static void sending_after_the_end(void **state)
{
    (void)state;
    raw_socket peer;
    SOCKET handle = connected_pair(&peer);
    assert_int_equal(shutdown(handle, SD_SEND), 0);
    assert_int_equal(send(handle, "x", 1, 0), -1);
    assert_int_equal(WSAGetLastError(), WSAESHUTDOWN);
    raw_close(peer);
    assert_int_equal(closesocket(handle), 0);
}

/* ---- words ---- */

static void one_sentence(const char *text)
{
    size_t size = strlen(text);
    assert_true(size > 4);
    assert_null(strpbrk(text, "\r\n"));
    assert_null(strchr(". ", text[size - 1]));
}

static void words(void **state)
{
    (void)state;
    one_sentence(rp__os_error_text(WSAECONNREFUSED));
    one_sentence(rp__os_error_text(WSAENETUNREACH));
    one_sentence(rp__os_error_text(WSA_NOT_ENOUGH_MEMORY));
    assert_string_equal(rp__os_error_text(0x20000001), "unknown error");
    assert_string_equal(rp__os_error_text(ENOENT), strerror(ENOENT)); /* fopen's */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(connecting),
        cmocka_unit_test(opening_and_listening),
        cmocka_unit_test(cancelled_and_reset),
        cmocka_unit_test(sending_after_the_end),
        cmocka_unit_test(words),
    };
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    int failed = cmocka_run_group_tests_name("win32_errors", tests, NULL, NULL);
    (void)WSACleanup();
    return failed;
}
