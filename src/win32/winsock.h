/* winsock.h - Windows' headers, in the one order that they take. */
#ifndef RP_WIN32_WINSOCK_H
#define RP_WIN32_WINSOCK_H

/* clang-format off */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
/* clang-format on */

#endif
