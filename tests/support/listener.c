/* listener.c - see listener.h. */
#include "support/listener.h"

#include "support/check.h"

/* A thousand that come at once need not knock again; the system may have less. */
#define BACKLOG 4096

static void accepted(rp_socket *socket, rp_socket *peer, rp_io_result result, bool final)
{
    listener *l = socket->user;
    CHECK(final || peer != NULL || result.status == RP_E_NO_DESCRIPTORS ||
          result.status == RP_E_NO_MEMORY);
    if (peer == NULL)
        return;
    l->accepted++;
    rp_socket *shaped = shape_socket(l->loop, peer, &l->shape);
    if (shaped != NULL)
        l->on_socket(l, shaped);
}

static void closed(rp_socket *socket)
{
    listener *l = socket->user;
    l->socket = NULL;
    rp__list_remove(&l->hook.link);
    rp__loop_unhold(l->loop);
}

static const rp_socket_handler handler = {.accepted = accepted, .closed = closed};

static void loop_destroyed(rp_loop_hook *hook)
{
    listener_close(RP_CONTAINER(hook, listener, hook));
}

bool listener_open(listener *l, rp_loop *loop, uint8_t family)
{
    rp_port *port = loop->port;
    l->loop = loop;
    l->address.family = family;
    if (family == 4) {
        l->address.bytes[0] = 127;
        l->address.bytes[3] = 1;
    } else {
        l->address.bytes[15] = 1;
    }
    CHECK(port->ops->open(port, family, &l->socket).status == RP_OK);
    l->socket->handler = &handler;
    l->socket->user = l;
    rp__loop_hook_add(loop, &l->hook, loop_destroyed);
    rp_io_result result = port->ops->listen(l->socket, &l->address, BACKLOG);
    if (result.status != RP_OK) {
        listener_close(l);
        return false;
    }
    port->ops->accept(l->socket);
    return true;
}

void listener_close(listener *l)
{
    if (l->closing || l->socket == NULL)
        return;
    l->closing = true;
    rp__loop_hold(l->loop);
    rp__socket_ops(l->socket)->close(l->socket);
}
