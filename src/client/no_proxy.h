/* no_proxy.h - which hosts are connected to without the proxy. */
#ifndef RP_CLIENT_NO_PROXY_H
#define RP_CLIENT_NO_PROXY_H

#include <stdbool.h>

/* list as <ringport/proxy.h> has it; host: a name or an address, IPv6 without brackets. */
bool rp__no_proxy_has(const char *list, const char *host);

#endif
