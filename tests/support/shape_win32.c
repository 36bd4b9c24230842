/* shape_win32.c - what shape.h needs of Windows' port. */
#include "support/check.h"
#include "support/shape.h"
#include "win32/iocp.h"

/* A handle's upper half says nothing (Windows keeps handles in 32 bits, for 32-bit programs). */
int shape_descriptor(const rp_socket *socket)
{
    return (int)((const iocp_socket *)(const void *)socket)->handle;
}

void shape_descriptor_resets(int descriptor)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt((SOCKET)descriptor, SOL_SOCKET, SO_LINGER, (const char *)&now, sizeof(now)) ==
          0);
}
