/* cache.c - names, their answers, and the rules of how long one waits for what. */
#include "net/cache.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/time.h"

#include <string.h>

/* ---- names ---- */

static uint64_t hash_of(const char *host)
{
    uint64_t hash = RP_HASH_BEGIN;
    for (; *host != '\0'; host++)
        hash = rp__hash_byte(hash, (uint8_t)*host);
    return hash;
}

static rp_name **bucket_of(rp_cache *cache, const char *host)
{
    return &cache->buckets[hash_of(host) % (sizeof(cache->buckets) / sizeof(cache->buckets[0]))];
}

void rp__cache_init(rp_cache *cache, rp_memory *memory, bool no_stale)
{
    *cache = (rp_cache){.memory = memory, .no_stale = no_stale};
    rp__list_init(&cache->used);
}

static void name_free(rp_cache *cache, rp_name *name)
{
    rp_name **place = bucket_of(cache, name->host);
    while (*place != name)
        place = &(*place)->next;
    *place = name->next;
    rp__list_remove(&name->used);
    cache->count--;
    rp__free(cache->memory, name);
}

void rp__cache_free(rp_cache *cache)
{
    while (!rp__list_empty(&cache->used))
        name_free(cache, RP_CONTAINER(cache->used.next, rp_name, used));
}

static bool is_in_use(const rp_name *name)
{
    return name->halves[RP_FAMILY_V4].asking > 0 || name->halves[RP_FAMILY_V6].asking > 0 ||
           !rp__list_empty(&name->waiters);
}

/* Room for one more. Those in use are as many as there are look-ups at most, and stay. */
static void evict(rp_cache *cache)
{
    rp_link *link = cache->used.next;
    while (cache->count >= RP_CACHE_LIMIT && link != &cache->used) {
        rp_name *name = RP_CONTAINER(link, rp_name, used);
        link = link->next;
        if (!is_in_use(name))
            name_free(cache, name);
    }
}

rp_name *rp__cache_get(rp_cache *cache, const char *host)
{
    rp_name **bucket = bucket_of(cache, host);
    rp_name *name = *bucket;
    while (name != NULL && strcmp(name->host, host) != 0)
        name = name->next;
    if (name == NULL) {
        size_t size = strlen(host);
        evict(cache);
        name = rp__allocate(cache->memory, sizeof(*name) + size + 1);
        if (name == NULL)
            return NULL;
        memcpy(name->host, host, size);
        name->cache = cache;
        rp__list_init(&name->waiters);
        rp__list_init(&name->used);
        name->next = *bucket;
        *bucket = name;
        cache->count++;
    }
    rp__list_remove(&name->used);
    rp__list_append(&cache->used, &name->used);
    return name;
}

/* ---- answers ---- */

void rp__cache_answered(rp_name *name, unsigned family, const rp_answer *answer)
{
    rp_half *half = &name->halves[family];
    uint32_t ttl_s = answer->ttl_s, limit_s = RP_NEGATIVE_TTL_LIMIT_S;
    RP_ASSERT(half->asking > 0);
    half->asking--;
    if (answer->verdict == RP_VERDICT_FAILED && half->asking > 0)
        return; /* a later question may fare better */
    half->generation++;
    half->verdict = answer->verdict;
    half->code = answer->code;
    name->cache->silent[family] = false;
    if (answer->verdict == RP_VERDICT_FAILED) {
        half->failing = true;
        return;
    }
    if (answer->verdict == RP_VERDICT_ADDRESSES)
        limit_s = RP_TTL_LIMIT_S;
    if (ttl_s > limit_s)
        ttl_s = limit_s;
    half->failing = false;
    half->known = *answer;
    /* From the question on: whoever gave the answer may have counted from then. */
    half->fresh_until_ns = half->asked_ns + ttl_s * RP_NS_PER_S;
    half->stale_until_ns = half->fresh_until_ns;
    /* RFC 8767, 4: what is not to be kept at all is not to be served later either. */
    if (answer->verdict == RP_VERDICT_ADDRESSES && ttl_s > 0 && !name->cache->no_stale)
        half->stale_until_ns += RP_STALE_LIMIT_S * RP_NS_PER_S;
}

/* ---- look-ups ---- */

static bool has_stale(const rp_half *half, uint64_t now_ns)
{
    return half->known.verdict == RP_VERDICT_ADDRESSES && now_ns < half->stale_until_ns;
}

unsigned rp__view_begin(rp_view *view, rp_name *name, unsigned how, uint64_t now_ns)
{
    unsigned ask = 0;
    *view = (rp_view){.started_ns = now_ns, .whole = (how & RP_LOOKUP_WHOLE) != 0};
    view->without[RP_FAMILY_V4] = (how & RP_LOOKUP_NO_V4) != 0;
    view->without[RP_FAMILY_V6] = (how & RP_LOOKUP_NO_V6) != 0;
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        rp_half *half = &name->halves[family];
        if (view->without[family] || now_ns < half->fresh_until_ns)
            continue;
        view->needs[family] = true;
        view->seen[family] = half->generation;
        bool asked = half->asking > 0 && now_ns < half->asked_ns + RP_QUESTION_MS * RP_NS_PER_MS;
        if (asked || (half->failing && has_stale(half, now_ns) &&
                      now_ns < half->asked_ns + RP_STALE_RECHECK_S * RP_NS_PER_S))
            continue;
        half->asking++;
        half->asked_ns = now_ns;
        ask |= 1u << family;
    }
    return ask;
}

/* The half has what this look-up may use: an answer that came meanwhile, or one still fresh. */
static bool is_settled(const rp_view *view, const rp_name *name, unsigned family)
{
    return !view->needs[family] || name->halves[family].generation != view->seen[family];
}

static rp_verdict verdict_of(const rp_view *view, const rp_name *name, unsigned family)
{
    const rp_half *half = &name->halves[family];
    if (view->without[family])
        return RP_VERDICT_NO_DATA;
    if (!is_settled(view, name, family))
        return RP_VERDICT_NONE;
    /* A question that failed while the answer of before is still fresh takes nothing away. */
    return view->needs[family] ? half->verdict : half->known.verdict;
}

/* The second family gets some time, the first time that it needs it. */
static rp_decision be_patient(rp_view *view, const rp_name *name, unsigned second, uint64_t now_ns,
                              rp_decision decision, rp_finding *finding)
{
    bool *silent = &name->cache->silent[second];
    if (view->patience_ns == 0)
        view->patience_ns = now_ns;
    uint64_t until_ns = view->patience_ns + RP_FAMILY_PATIENCE_MS * RP_NS_PER_MS;
    if (!*silent && now_ns < until_ns) {
        finding->wait_until_ns = until_ns;
        return RP_DECISION_WAIT;
    }
    *silent = true;
    finding->partial = true;
    return decision;
}

/* Nothing usable came. Old addresses serve once their patience has run out, and from then on at
 * once until an answer comes. False: there are none. */
static bool look_at_stale(const rp_view *view, rp_name *name, uint64_t now_ns, rp_finding *finding,
                          rp_decision *decision)
{
    uint64_t until_ns = view->started_ns + RP_STALE_PATIENCE_MS * RP_NS_PER_MS;
    bool found = false, patient = false;
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        const rp_half *half = &name->halves[family];
        finding->take[family] = has_stale(half, now_ns) && !view->without[family];
        found = found || finding->take[family];
        patient = patient || (finding->take[family] && !half->failing && now_ns < until_ns);
    }
    if (!found)
        return false;
    *decision = RP_DECISION_WAIT;
    finding->wait_until_ns = until_ns;
    if (patient)
        return true;
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        name->halves[family].failing |= finding->take[family];
    finding->stale = true;
    *decision = RP_DECISION_ADDRESSES;
    return true;
}

static rp_decision look_at_addresses(rp_view *view, const rp_name *name, uint64_t now_ns,
                                     const rp_verdict *verdicts, rp_finding *finding)
{
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        finding->take[family] = verdicts[family] == RP_VERDICT_ADDRESSES;
    unsigned v4_rank = name->halves[RP_FAMILY_V4].known.rank;
    unsigned v6_rank = name->halves[RP_FAMILY_V6].known.rank;
    if (finding->take[RP_FAMILY_V4] && finding->take[RP_FAMILY_V6] && v4_rank != v6_rank)
        finding->take[v4_rank < v6_rank ? RP_FAMILY_V6 : RP_FAMILY_V4] = false; /* another host's */
    for (unsigned family = 0; family < RP_FAMILIES; family++) {
        if (is_settled(view, name, family) || name->halves[family].asking == 0)
            continue;
        if (view->whole)
            return RP_DECISION_WAIT;
        return be_patient(view, name, family, now_ns, RP_DECISION_ADDRESSES, finding);
    }
    return RP_DECISION_ADDRESSES;
}

/* Both families are settled, without addresses: what is the more telling of the two. */
static rp_decision tell_none(const rp_view *view, const rp_name *name, const rp_verdict *verdicts,
                             rp_finding *finding)
{
    static const rp_verdict tellings[] = {RP_VERDICT_FAILED, RP_VERDICT_NO_NAME,
                                          RP_VERDICT_NO_DATA};
    for (size_t i = 0; i < sizeof(tellings) / sizeof(tellings[0]); i++) {
        for (unsigned family = 0; family < RP_FAMILIES; family++) {
            if (verdicts[family] != tellings[i] || view->without[family])
                continue;
            finding->verdict = tellings[i];
            finding->code = name->halves[family].code;
            return RP_DECISION_NONE;
        }
    }
    RP_ASSERT(false);
    return RP_DECISION_NONE;
}

rp_decision rp__view_look(rp_view *view, rp_name *name, uint64_t now_ns, rp_finding *finding)
{
    rp_verdict verdicts[RP_FAMILIES];
    *finding = (rp_finding){.stale = false};
    for (unsigned family = 0; family < RP_FAMILIES; family++)
        verdicts[family] = verdict_of(view, name, family);
    rp_verdict v4 = verdicts[RP_FAMILY_V4], v6 = verdicts[RP_FAMILY_V6];
    if (v4 == RP_VERDICT_ADDRESSES || v6 == RP_VERDICT_ADDRESSES)
        return look_at_addresses(view, name, now_ns, verdicts, finding);
    rp_decision decision;
    bool settled = v4 != RP_VERDICT_NONE && v6 != RP_VERDICT_NONE;
    if (look_at_stale(view, name, now_ns, finding, &decision))
        return decision;
    if (settled)
        return tell_none(view, name, verdicts, finding);
    /* "No such name" is about every family (RFC 8020), where it comes for A: some servers say so of
     * AAAA and do not mean it (RFC 4074, 4.2). */
    if (v4 == RP_VERDICT_NO_NAME && !view->whole) {
        finding->verdict = v4;
        finding->code = name->halves[RP_FAMILY_V4].code;
        return be_patient(view, name, RP_FAMILY_V6, now_ns, RP_DECISION_NONE, finding);
    }
    return RP_DECISION_WAIT;
}
