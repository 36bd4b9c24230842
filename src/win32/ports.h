/* ports.h - the ports of Windows. */
#ifndef RP_WIN32_PORTS_H
#define RP_WIN32_PORTS_H

#include "loop/port.h"

extern const rp_port_ops rp__iocp_port_ops;

#endif
