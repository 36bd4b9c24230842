/* cache.h - what a resolver knows of names: the latest answer for each family, how long it may be
 * used, and what a look-up may make of it. No I/O, no clock, no lock: those are the resolver's. */
#ifndef RP_NET_CACHE_H
#define RP_NET_CACHE_H

#include "base/address.h"
#include "base/list.h"
#include "base/memory.h"
#include "net/names.h"

/* A question that had so long is not waited for by more look-ups: they ask again, for it may be one
 * of the last that fail. */
#define RP_QUESTION_MS 2000

/* Names that are kept when nobody waits for them; the one used longest ago goes first. */
#define RP_CACHE_LIMIT 1024

/* For the answer of the second family, once the first one's is there (RFC 8305, 3). */
#define RP_FAMILY_PATIENCE_MS 50
/* For an answer at all, where an old one would do (RFC 8767, 5: client response timer). */
#define RP_STALE_PATIENCE_MS 1800
/* Name servers that failed are asked for a name whose old answer serves no more often than this
 * (RFC 8767, 5: failure recheck timer). */
#define RP_STALE_RECHECK_S 30
/* An answer may serve for so long after its time (RFC 8767, 5: maximum stale timer). */
#define RP_STALE_LIMIT_S 86400
/* No answer lives longer, whatever it says of itself; and none that says that there is nothing. */
#define RP_TTL_LIMIT_S 3600
#define RP_NEGATIVE_TTL_LIMIT_S 30

/* Families count from 0 here: A, AAAA. */
enum { RP_FAMILY_V4, RP_FAMILY_V6, RP_FAMILIES };

typedef enum rp_verdict {
    RP_VERDICT_NONE, /* never answered */
    RP_VERDICT_ADDRESSES,
    RP_VERDICT_NO_DATA, /* the name exists, and has no address of this family */
    RP_VERDICT_NO_NAME, /* there is no such name */
    RP_VERDICT_FAILED   /* no server gave an answer */
} rp_verdict;

/* One family's answer. */
typedef struct rp_answer {
    rp_verdict verdict;
    int code;       /* of who was asked, for the message */
    uint32_t ttl_s; /* 0: not to be kept */
    unsigned rank;  /* which of the names that host may stand for (search domains) has them */
    size_t count;
    rp_address addresses[RP_ADDRESSES_LIMIT]; /* without ports */
    uint32_t keys[RP_ADDRESSES_LIMIT];        /* see order.h */
} rp_answer;

/* What is known of one family of a name. An answer that only failed leaves the addresses of the
 * one before. */
typedef struct rp_half {
    unsigned asking; /* questions under way */
    bool failing; /* the last question was not answered (in time): an old answer serves at once */
    uint32_t generation;                     /* answers so far */
    uint64_t asked_ns;                       /* the latest question */
    uint64_t fresh_until_ns, stale_until_ns; /* of the addresses, or of their absence */
    rp_verdict verdict;                      /* the latest */
    int code;
    rp_answer known;
} rp_half;

typedef struct rp_cache rp_cache;

typedef struct rp_name {
    rp_cache *cache;
    struct rp_name *next; /* in its bucket */
    rp_link used;         /* cache->used */
    rp_link waiters;      /* look-ups, the resolver's business */
    rp_half halves[RP_FAMILIES];
    unsigned turn; /* counts the uses of the addresses */
    char host[];   /* lower case, without a final dot unless as it was asked for */
} rp_name;

struct rp_cache {
    rp_memory *memory;
    rp_name *buckets[256];
    rp_link used; /* the latest last */
    size_t count;
    bool silent[RP_FAMILIES]; /* a family's patience ran out since its last answer */
    bool no_stale;
};

void rp__cache_init(rp_cache *cache, rp_memory *memory, bool no_stale);
void rp__cache_free(rp_cache *cache);

/* The name, made if need be. NULL: no memory. Lives while it is asked for or waited for, or is
 * among the last used. */
rp_name *rp__cache_get(rp_cache *cache, const char *host);

/* An answer to what was asked for at half->asked_ns. */
void rp__cache_answered(rp_name *name, unsigned family, const rp_answer *answer);

/* A look-up's view of its name. */
typedef struct rp_view {
    uint64_t started_ns;
    uint64_t patience_ns; /* when it began to wait for the second family; 0: it does not */
    bool whole;           /* waits for both families */
    bool without[RP_FAMILIES];
    bool needs[RP_FAMILIES]; /* an answer newer than seen */
    uint32_t seen[RP_FAMILIES];
} rp_view;

/* The look-up begins. Returns the families that have to be asked for, as bits 1 << family, and
 * notes that they are. */
unsigned rp__view_begin(rp_view *view, rp_name *name, unsigned how, uint64_t now_ns);

typedef enum rp_decision { RP_DECISION_WAIT, RP_DECISION_ADDRESSES, RP_DECISION_NONE } rp_decision;

typedef struct rp_finding {
    bool take[RP_FAMILIES]; /* whose addresses */
    bool stale;             /* they are past their time */
    bool partial;           /* the other family's may come yet */
    rp_verdict verdict;     /* why there are none */
    int code;
    uint64_t wait_until_ns; /* look again then; 0: when an answer comes */
} rp_finding;

/* What the look-up does now: after its beginning, after each answer, and when it is time. */
rp_decision rp__view_look(rp_view *view, rp_name *name, uint64_t now_ns, rp_finding *finding);

#endif
