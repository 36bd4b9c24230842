/* low_water.c - see low_water.h. */
#include "linux/low_water.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#define QUIET_MOST 16

void rp__gathering_init(rp_gathering *gathering, uint32_t limit_us)
{
    *gathering = (rp_gathering){.limit_us = limit_us};
    rp__list_init(&gathering->resting);
    rp__list_init(&gathering->begun);
}

void rp__gathering_note(rp_gathering *gathering, rp_port *port)
{
    uint64_t came = port->answered - gathering->answered;
    if (came == 0)
        return;
    gathering->answered = port->answered;
    rp__pace_note(&gathering->answers, port->ops->now(port),
                  came < UINT32_MAX ? (uint32_t)came : UINT32_MAX);
}

void rp__low_water_init(rp_low_water *low)
{
    *low = (rp_low_water){.bytes = 1};
    rp__list_init(&low->link);
}

uint32_t rp__low_water_suits(const rp_low_water *low, const rp_gathering *gathering,
                             uint32_t awaited)
{
    uint32_t most = rp__pace_within(&gathering->answers, gathering->limit_us / RP_GATHER_SHARE);
    uint32_t bytes = rp__gather_bytes(&low->gather, awaited, most);
    /* One that is near costs less than setting it. */
    if (low->bytes > 1 && low->bytes / 4 < bytes / 3 && low->bytes / 3 > bytes / 4)
        return low->bytes;
    return bytes;
}

void rp__low_water_set(rp_low_water *low, int fd, uint32_t bytes, rp_loop_stats *stats)
{
    int value = (int)bytes;
    if (bytes == low->bytes)
        return;
    stats->system_calls++;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)) == 0)
        low->bytes = bytes;
    else if (bytes < low->bytes) /* forbidden since: an end is better than a wait without one */
        (void)shutdown(fd, SHUT_RDWR);
}

bool rp__low_water_holds(rp_low_water *low, int fd, bool bound, rp_loop_stats *stats)
{
    int bytes = 0;
    stats->system_calls++;
    if (ioctl(fd, FIONREAD, &bytes) == 0 && bytes == 0) {
        low->quiet += bound;
        return false;
    }
    low->cut = true;
    return true;
}

bool rp__low_water_is_quiet(const rp_low_water *low)
{
    return low->quiet >= QUIET_MOST;
}

void rp__low_water_note(rp_low_water *low, uint32_t answers, size_t bytes)
{
    rp__gather_note(&low->gather, answers, bytes, low->cut);
    low->cut = false;
    low->quiet = 0;
}

void rp__bound_begins(rp_gathering *gathering, rp_port *port)
{
    gathering->bound_set = true;
    gathering->bound_due_ns = port->ops->now(port) + (uint64_t)gathering->limit_us * 1000;
}

bool rp__bound_is_over(const rp_gathering *gathering, rp_port *port)
{
    return gathering->bound_set && port->ops->now(port) >= gathering->bound_due_ns;
}
