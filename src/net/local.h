/* local.h - where connections begin (rp_local of address.h). */
#ifndef RP_NET_LOCAL_H
#define RP_NET_LOCAL_H

#include "loop/port.h"
#include <ringport/address.h>

#define RP_DEVICE_LIMIT 15 /* characters of an interface's name (IFNAMSIZ, netdevice(7)) */

typedef struct rp_local_end {
    rp_address address; /* family 0: any */
    uint16_t first_port, last_port;
    char device[RP_DEVICE_LIMIT + 1];
} rp_local_end;

/* Is it well-formed, and of the families? What an address allows is left of them. Otherwise
 * RP_E_BAD_OPTION; error may be NULL. */
rp_status rp__local_check(const rp_local *local, rp_families *families, rp_error *error);

static inline bool rp__local_is_any(const rp_local *local)
{
    return local->address == NULL && local->device == NULL && local->first_port == 0;
}

/* Of one that was checked. */
void rp__local_keep(rp_local_end *end, const rp_local *local);

/* RP_E_NO_LOCAL_PORTS, or as bind() of the port has it. */
rp_io_result rp__local_bind(const rp_local_end *end, rp_socket *socket, uint8_t family);

#endif
