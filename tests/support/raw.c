/* raw.c - the functions of raw.h that differ by world, and those made of them. */
#include "support/raw.h"

#include "support/check.h"

const raw_world *raw_current = &raw_system;

raw_socket raw_bind(rp_address *address)
{
    return raw_current->bind(address);
}

raw_socket raw_listen(rp_address *address, int backlog)
{
    return raw_current->listen(address, backlog);
}

raw_socket raw_connect(const rp_address *address)
{
    return raw_current->connect(address);
}

raw_socket raw_connect_start(const rp_address *address)
{
    return raw_current->connect_start(address);
}

bool raw_connected(raw_socket socket, int wait_ms)
{
    return raw_current->connected(socket, wait_ms);
}

raw_socket raw_accept(raw_socket listener)
{
    return raw_current->accept(listener);
}

rp_address raw_peer(raw_socket socket)
{
    return raw_current->peer(socket);
}

bool raw_readable(raw_socket socket, int wait_ms)
{
    return raw_current->readable(socket, wait_ms);
}

size_t raw_send_some(raw_socket socket, const void *data, size_t size)
{
    return raw_current->send_some(socket, data, size);
}

size_t raw_receive(raw_socket socket, void *data, size_t size)
{
    return raw_current->receive(socket, data, size);
}

void raw_shutdown_send(raw_socket socket)
{
    raw_current->shutdown_send(socket);
}

void raw_reset(raw_socket socket)
{
    raw_current->reset(socket);
}

void raw_close(raw_socket socket)
{
    raw_current->close(socket);
}

void raw_small_receive_buffer(raw_socket socket)
{
    raw_current->small_receive_buffer(socket);
}

size_t raw_open_descriptors(void)
{
    return raw_current->open_descriptors();
}

size_t raw_raise_descriptors(size_t wanted)
{
    return raw_current->raise_descriptors(wanted);
}

bool raw_limits_descriptors(void)
{
    return raw_current->limits_descriptors();
}

size_t raw_leave_descriptors(size_t more)
{
    return raw_current->leave_descriptors(more);
}

void raw_restore_descriptors(size_t limit)
{
    raw_current->restore_descriptors(limit);
}

uint64_t raw_clock_ns(void)
{
    return raw_current->clock_ns();
}

void raw_sleep_ms(unsigned ms)
{
    raw_current->sleep_ms(ms);
}

void raw_send(raw_socket socket, const void *data, size_t size)
{
    raw_current->send(socket, data, size);
}

rp_address raw_loopback(uint8_t family, uint16_t port)
{
    rp_address address = {.family = family, .port = port};
    if (family == 4) {
        address.bytes[0] = 127;
        address.bytes[3] = 1;
    } else {
        address.bytes[15] = 1;
    }
    return address;
}

void raw_receive_all(raw_socket socket, void *data, size_t size)
{
    char *next = data;
    while (size > 0) {
        size_t got = raw_receive(socket, next, size);
        CHECK_TEXT(got > 0, "the end came early");
        next += got;
        size -= got;
    }
}
