/* shape_linux.c - what shape.h needs of Linux' ports. */
#include "linux/epoll.h"
#include "linux/uring.h"
#include "support/check.h"
#include "support/shape.h"

#include <string.h>
#include <sys/socket.h>

int shape_descriptor(const rp_socket *socket)
{
    if (strcmp(socket->port->ops->name, "io_uring") == 0)
        return ((const uring_socket *)(const void *)socket)->fd;
    CHECK(strcmp(socket->port->ops->name, "epoll") == 0);
    return ((const epoll_socket *)(const void *)socket)->fd;
}

void shape_descriptor_resets(int descriptor)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
}
