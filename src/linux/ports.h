/* ports.h - the ports of Linux. */
#ifndef RP_LINUX_PORTS_H
#define RP_LINUX_PORTS_H

#include "loop/port.h"

extern const rp_port_ops rp__uring_port_ops;
extern const rp_port_ops rp__epoll_port_ops;

#endif
