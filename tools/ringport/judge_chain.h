/* judge_chain.h - certificates of a situation's own, made when it is tried: they are valid from
 * yesterday on. They are written by the tests' writer (tests/support/chains.h), for which every
 * field is data, and which has nothing in common with whoever reads them. */
#ifndef TOOL_JUDGE_CHAIN_H
#define TOOL_JUDGE_CHAIN_H

#include "support/chains.h"

#define JUDGE_CHAIN_MOST 10

struct judge_chain {
    /* not_before and not_after: in seconds from now on; 0: yesterday, in 90 days. */
    chain_spec specs[JUDGE_CHAIN_MOST];
    const char *sent;    /* their positions, "21" say; the first is the server's own */
    const char *trusted; /* likewise, of what is in the client's file */
    bool other_key;      /* the server does not have that of its certificate */
};

#endif
