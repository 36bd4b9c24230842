/* kinds.h - what an address is (address.h), in words. */
#ifndef RP_NET_KINDS_H
#define RP_NET_KINDS_H

#include <ringport/address.h>

/* "private", of the most telling one of kinds, which is not 0. */
const char *rp__kind_text(uint32_t kinds);

#endif
