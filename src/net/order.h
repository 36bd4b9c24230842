/* order.h - which of a name's addresses is tried first: the better way (RFC 6724), the families by
 * turns (RFC 8305, 4), equally good ones by turns from one connection to the next, and those that
 * failed lately last. */
#ifndef RP_NET_ORDER_H
#define RP_NET_ORDER_H

#include "net/names.h"

/* What RFC 6724, 6 says of the way to the address from this machine: more is better; addresses
 * that cannot be reached from here get 0. Rules 1, 2, 5, 6 and 8: rule 9 (the longer common prefix)
 * would send all of the world to the same one of equal servers. */
uint32_t rp__order_key(const rp_address *address);

/* Puts count (at most RP_ADDRESSES_LIMIT) addresses into order. turn: how often it was done
 * before, for this name. keys NULL: all are as good. Of equal keys the earlier one comes first in
 * turn 0. */
void rp__order(rp_address *addresses, const uint32_t *keys, const bool *failed, size_t count,
               unsigned turn);

#endif
