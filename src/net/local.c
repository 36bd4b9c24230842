/* local.c - see local.h. */
#include "net/local.h"

#include "base/assert.h"
#include "base/error.h"

#include <string.h>

static rp_status bad(rp_error *error, const char *words, const char *value)
{
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "%s (\"%.60s\")", words, value);
}

static rp_status check_address(const char *text, rp_families *families, rp_error *error)
{
    rp_address address;
    if (!rp__address_parse(&address, text, strlen(text)))
        return bad(error, "local.address is no IP address", text);
    rp_families own = address.family == 4 ? RP_FAMILIES_IPV4 : RP_FAMILIES_IPV6;
    if (*families != RP_FAMILIES_ANY && *families != own)
        return bad(error, "local.address is not of the family that families allows", text);
    *families = own;
    return RP_OK;
}

rp_status rp__local_check(const rp_local *local, rp_families *families, rp_error *error)
{
    size_t size = local->device != NULL ? strlen(local->device) : 1;
    if (size == 0 || size > RP_DEVICE_LIMIT)
        return bad(error, "local.device is no name of a network interface", local->device);
    if (local->last_port > 0 && (local->first_port == 0 || local->last_port < local->first_port))
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE,
                             "local.last_port (%u) is below local.first_port (%u), or stands alone",
                             local->last_port, local->first_port);
    return local->address != NULL ? check_address(local->address, families, error) : RP_OK;
}

void rp__local_keep(rp_local_end *end, const rp_local *local)
{
    if (local->address != NULL &&
        !rp__address_parse(&end->address, local->address, strlen(local->address)))
        RP_ASSERT(false);
    if (local->device != NULL)
        memcpy(end->device, local->device, strlen(local->device) + 1);
    end->first_port = local->first_port;
    end->last_port = local->last_port > 0 ? local->last_port : local->first_port;
}

/* Each port once, from a random one on: connections that begin together do not all ask for the same
 * ones. */
static rp_io_result bind_ports(const rp_local_end *end, rp_socket *socket, rp_binding *binding)
{
    uint32_t count = (uint32_t)end->last_port - end->first_port + 1, start = 0;
    rp_io_result result = {RP_OK, 0};
    rp__socket_ops(socket)->random(socket->port, &start, sizeof(start));
    for (uint32_t i = 0; i < count; i++) {
        binding->address.port = (uint16_t)(end->first_port + (start % count + i) % count);
        result = rp__socket_ops(socket)->bind(socket, binding);
        if (result.status != RP_E_ADDRESS_IN_USE)
            return result;
    }
    return (rp_io_result){RP_E_NO_LOCAL_PORTS, result.os_code};
}

rp_io_result rp__local_bind(const rp_local_end *end, rp_socket *socket, uint8_t family)
{
    rp_binding binding = {.address = end->address};
    if (end->address.family == 0 && end->device[0] == '\0' && end->first_port == 0)
        return (rp_io_result){RP_OK, 0};
    binding.address.family = family;
    if (end->device[0] != '\0')
        binding.device = end->device;
    if (end->first_port > 0)
        return bind_ports(end, socket, &binding);
    return rp__socket_ops(socket)->bind(socket, &binding);
}
