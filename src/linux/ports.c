/* ports.c - the list of Linux' ports, best first. */
#include "linux/ports.h"

const rp_port_ops *const rp__ports[] = {&rp__uring_port_ops, &rp__epoll_port_ops, NULL};
