/* ports.c - the list of Linux' ports, best first. */
#include "linux/ports.h"

const rp_port_ops *const rp_ports[] = {&rp_uring_port_ops, &rp_epoll_port_ops, NULL};
