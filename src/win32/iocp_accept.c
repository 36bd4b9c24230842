/* iocp_accept.c - the listeners of the completion port.
 *
 * AcceptEx wants the socket of the next connection beforehand: the guest. One call is pending at a
 * time, and what waits in the listener's queue is fetched by one call after the other, which
 * succeed at once. */
#include "win32/iocp.h"

#include "base/assert.h"

/* A listener's share of one turn. */
#define ACCEPTS_PER_TURN 64

rp_io_result rp__iocp_listen(rp_socket *base, rp_address *address, int backlog)
{
    iocp_socket *socket = socket_of(base);
    socket_port(socket)->base.stats->system_calls += 4;
    return rp__socket_listen(socket->handle, address, backlog);
}

void rp__iocp_drop_guest(iocp_socket *listener)
{
    if (listener->guest == NULL)
        return;
    rp__iocp_discard(listener->guest);
    listener->guest = NULL;
    listener->base.flags &= (uint8_t)~GUEST_CAME;
}

/* ---- starvation ---- */

static bool is_starvation(rp_io_result result)
{
    return result.status == RP_E_NO_DESCRIPTORS || result.status == RP_E_NO_MEMORY;
}

static rp_io_result accept_result(int code)
{
    rp_io_result lack = rp__open_result(code);
    return is_starvation(lack) ? lack : rp__transfer_result(code);
}

static unsigned starve(iocp_socket *listener)
{
    listener->base.flags &= (uint8_t)~STARVING;
    rp__base_starve(&listener->base);
    return rp__base_tell_starvation(&listener->base, listener->base.result);
}

/* ---- accepting ---- */

static void accept_failed(iocp_socket *listener, rp_io_result result)
{
    rp__iocp_drop_guest(listener);
    if (!is_starvation(result)) {
        rp__iocp_decide(listener, RP_OP_ACCEPT, result);
        return;
    }
    listener->base.result = result;
    listener->base.flags |= STARVING;
}

static rp_io_result arm_accept(iocp_socket *listener)
{
    iocp_port *port = socket_port(listener);
    DWORD received = 0, room = ACCEPT_ADDRESS_BYTES;
    rp_socket *guest = NULL;
    if (listener->guest == NULL) {
        rp_io_result result = rp__iocp_open(&port->base.port, listener->family, &guest);
        if (result.status != RP_OK)
            return result;
        listener->guest = socket_of(guest);
    }
    OVERLAPPED *record = rp__iocp_record(listener, RP_BASE_IN);
    int code = rp__iocp_call_result(
        listener, RP_OP_ACCEPT,
        provider_of(listener)->accept_ex(listener->handle, listener->guest->handle,
                                         port->accept_addresses, 0, room, room, &received, record));
    if (code == 0)
        listener->base.flags |= GUEST_CAME;
    if (code == 0 || code == WSA_IO_PENDING)
        return (rp_io_result){RP_OK, 0};
    return accept_result(code);
}

/* A connection that died before it was accepted says nothing about the listener; its socket can be
 * used no more. */
unsigned rp__iocp_accept_ended(iocp_socket *listener, int code)
{
    rp_io_result result = accept_result(code);
    if (code == 0)
        listener->base.flags |= GUEST_CAME;
    else if (result.status == RP_E_RESET)
        rp__iocp_drop_guest(listener);
    else
        accept_failed(listener, result);
    if (listener->cancelled & RP_OP_ACCEPT)
        rp__iocp_decide(listener, RP_OP_ACCEPT, (rp_io_result){RP_E_CANCELLED, 0});
    return result.status == RP_E_RESET ? 1 : 0;
}

static unsigned welcome_guest(iocp_socket *listener)
{
    iocp_port *port = socket_port(listener);
    iocp_socket *guest = listener->guest;
    SOCKET handle = listener->handle;
    if (listener->base.flags & RP_BASE_CLOSING) {
        rp__iocp_drop_guest(listener);
        return 0;
    }
    port->base.stats->system_calls++;
    if (setsockopt(guest->handle, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (const char *)&handle,
                   sizeof(handle)) != 0) {
        rp__iocp_drop_guest(listener); /* it was reset meanwhile */
        return 0;
    }
    listener->guest = NULL;
    listener->base.flags &= (uint8_t)~GUEST_CAME;
    rp__base_welcome(&listener->base, &guest->base);
    return 1;
}

unsigned rp__iocp_run_accept(iocp_socket *listener)
{
    unsigned found = 0;
    for (unsigned count = 0; count < ACCEPTS_PER_TURN; count++) {
        if (listener->base.flags & GUEST_CAME)
            found += welcome_guest(listener);
        if (!idle(listener, RP_OP_ACCEPT) || listener->base.flags & STARVING)
            break;
        rp_io_result result = arm_accept(listener);
        if (result.status != RP_OK)
            accept_failed(listener, result);
    }
    if (idle(listener, RP_OP_ACCEPT) && listener->base.flags & STARVING)
        found += starve(listener);
    if (listener->base.flags & GUEST_CAME || !(listener->base.decided & RP_OP_ACCEPT))
        return found;
    listener->base.flags &= (uint8_t)~STARVING;
    return found + rp__base_tell(&listener->base, RP_OP_ACCEPT);
}

/* What can't be armed here the turn tells. */
void rp__iocp_accept(rp_socket *base)
{
    iocp_socket *listener = socket_of(base);
    rp__iocp_start(listener, RP_OP_ACCEPT);
    if (listener->base.flags & RP_BASE_RUNNING)
        return;
    rp_io_result result = arm_accept(listener);
    if (result.status != RP_OK)
        accept_failed(listener, result);
    if (!(listener->pending & RP_OP_ACCEPT))
        rp__base_enqueue(&listener->base);
}
