/* names.c - what Windows knows of routes and host names. */
#include "base/platform.h"
#include "win32/socket.h"

#include <string.h>

/* ---- routes ---- */

bool rp__system_source(const rp_address *to, rp_address *source)
{
    WSADATA data;
    struct sockaddr_storage storage;
    rp_address target = *to;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) /* counted: the loop's own stays */
        return false;
    target.port = 9; /* connect sends nothing, and wants a port */
    SOCKET handle = WSASocketW(to->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, IPPROTO_UDP, NULL,
                               0, WSA_FLAG_NO_HANDLE_INHERIT);
    if (handle == INVALID_SOCKET) {
        (void)WSACleanup();
        return false;
    }
    int size = rp__sockaddr_set(&storage, &target);
    bool found = connect(handle, (struct sockaddr *)&storage, size) == 0 &&
                 getsockname(handle, (struct sockaddr *)&storage, &size) == 0;
    (void)closesocket(handle);
    (void)WSACleanup();
    *source = (rp_address){.family = to->family};
    if (found && to->family == 4)
        memcpy(source->bytes, &((struct sockaddr_in *)&storage)->sin_addr, 4);
    else if (found)
        memcpy(source->bytes, &((struct sockaddr_in6 *)&storage)->sin6_addr, 16);
    return found;
}

bool rp__system_lacks_descriptors(void)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return false;
    SOCKET handle =
        WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0, WSA_FLAG_NO_HANDLE_INHERIT);
    bool lacks = handle == INVALID_SOCKET && WSAGetLastError() == WSAEMFILE;
    if (handle != INVALID_SOCKET)
        (void)closesocket(handle);
    (void)WSACleanup();
    return lacks;
}

/* ---- search domains ---- */

/* "one.example, two.example" */
static void take_domains(rp_search *search, const char *text)
{
    static const char separators[] = " ,;\t";
    while (search->count < RP_SEARCH_LIMIT) {
        text += strspn(text, separators);
        size_t size = strcspn(text, separators);
        if (size == 0)
            return;
        if (size < sizeof(search->domains[0])) {
            memcpy(search->domains[search->count], text, size);
            search->domains[search->count++][size] = '\0';
        }
        text += size;
    }
}

static void take_value(rp_search *search, const char *key, const char *value)
{
    char text[1024] = "";
    DWORD size = sizeof(text) - 1;
    if (RegGetValueA(HKEY_LOCAL_MACHINE, key, value, RRF_RT_REG_SZ, NULL, text, &size) ==
        ERROR_SUCCESS)
        take_domains(search, text);
}

/* The list that a policy or the administrator set; else the machine's own domain, and what the
 * network gave it. */
void rp__system_search(rp_search *search)
{
    static const char policy[] = "Software\\Policies\\Microsoft\\Windows NT\\DNSClient";
    static const char parameters[] = "System\\CurrentControlSet\\Services\\Tcpip\\Parameters";
    *search = (rp_search){.ndots = 1};
    take_value(search, policy, "SearchList");
    if (search->count == 0)
        take_value(search, parameters, "SearchList");
    if (search->count > 0)
        return;
    take_value(search, parameters, "Domain");
    take_value(search, parameters, "DhcpDomain");
}
