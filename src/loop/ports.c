/* ports.c - the list of this platform's ports, best first. The one file outside of src/linux that names
 * them. */
#include "linux/ports.h"
#include "loop/port.h"

const rp_port_ops *const rp_ports[] = {&rp_uring_port_ops, &rp_epoll_port_ops, NULL};
