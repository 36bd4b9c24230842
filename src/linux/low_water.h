/* low_water.h - answers gather in the kernel: a socket on which many are awaited has its low-water
 * mark (SO_RCVLOWAT, socket(7), tcp(7)) set to the bytes of some of them (loop/gather.h), so that
 * the kernel tells of them together. No timer is set for that: one that is set anew each time costs
 * more, where the processor is virtual, than waking does.
 *
 * What stays away must not hold back what is there. So while receives gather, the port has one
 * timer, the bound, that goes off after limit_us, is left alone until then, and set anew if there
 * are such receives still. When it passes, who has bytes is told of them, and who had none
 * QUIET_MOST times is told of the first from then on: a port whose peers are silent sleeps. An end
 * or an error of the socket is told at once by the kernel, whatever the mark is. Unix sockets have
 * no mark, and are told of everything. */
#ifndef RP_LINUX_LOW_WATER_H
#define RP_LINUX_LOW_WATER_H

#include "base/list.h"
#include "loop/gather.h"
#include "loop/port.h"

/* A socket's. */
typedef struct rp_low_water {
    rp_link link; /* on a list of rp_gathering, or none */
    rp_gather gather;
    uint32_t bytes; /* the mark; 1: none */
    uint8_t quiet;  /* bounds that passed without a byte since the last receive */
    bool cut;       /* the bound has passed while bytes were there */
} rp_low_water;

/* A port's. */
typedef struct rp_gathering {
    rp_link resting; /* sockets whose mark is set before the next wait */
    rp_link begun;   /* sockets that wait for more than a byte */
    rp_pace answers;
    uint64_t answered; /* of the port, when that was looked at last */
    uint32_t limit_us; /* 0: off */
    bool bound_set;
    uint64_t bound_due_ns;
} rp_gathering;

void rp__gathering_init(rp_gathering *gathering, uint32_t limit_us);
/* After a turn's callbacks. */
void rp__gathering_note(rp_gathering *gathering, rp_port *port);

void rp__low_water_init(rp_low_water *low);

/* The mark that suits the socket now. */
uint32_t rp__low_water_suits(const rp_low_water *low, const rp_gathering *gathering,
                             uint32_t awaited);

/* Sets it. Each of these counts its system calls. If it can't be lowered, the connection ends. */
void rp__low_water_set(rp_low_water *low, int fd, uint32_t bytes, rp_loop_stats *stats);

/* bound: it has passed; or else somebody wants to know all that there is. True: there are bytes. */
bool rp__low_water_holds(rp_low_water *low, int fd, bool bound, rp_loop_stats *stats);

/* It was quiet for so long that it does not gather any more. */
bool rp__low_water_is_quiet(const rp_low_water *low);

/* A receive brought bytes, and so many answers. */
void rp__low_water_note(rp_low_water *low, uint32_t answers, size_t bytes);

/* The bound is set now; when it is due is noted. */
void rp__bound_begins(rp_gathering *gathering, rp_port *port);
/* Has the bound passed while nobody waited? */
bool rp__bound_is_over(const rp_gathering *gathering, rp_port *port);

#endif
