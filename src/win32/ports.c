/* ports.c - the ports of Windows, best first. */
#include "win32/ports.h"

const rp_port_ops *const rp__ports[] = {&rp__iocp_port_ops, NULL};
