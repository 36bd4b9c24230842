/* path.c - building and judging paths: a depth-first search from the leaf towards the anchors. */
#include "x509/path.h"

#include "x509/constraints.h"
#include "x509/der.h"
#include "x509/signature.h"

#include <limits.h>
#include <string.h>

static const char no_authority[] = "it is not an authority's, and has signed another";
static const char unknown_critical[] = "it has a critical extension that is not known";
static const char over_budget[] =
    "the certificates sent with it make too many paths to try them all";

enum { NOWHERE = RP_PATH_LIMIT }; /* more steps than any path has */

typedef struct checked_signature {
    const rp_certificate *certificate, *issuer;
    bool good;
} checked_signature;

typedef struct path_search {
    rp_path *path;
    const rp_path_options *options;
    /* Of each of path->sent, by the names alone: its issuers, a bit for each, and how many of them
     * there are between it and an anchor, or NOWHERE. */
    uint64_t issuers[RP_CHAIN_LIMIT];
    uint8_t steps[RP_CHAIN_LIMIT];
    bool everywhere; /* what leads NOWHERE is tried too: not for a path, but for what is told */
    unsigned candidates;
    unsigned revocations; /* paths that revocation refused */
    rp_constraints_budget comparisons;
    size_t checked_count;
    checked_signature checked[RP_PATH_SIGNATURES_LIMIT];
    unsigned rank; /* of path->failure */
    bool stopped;  /* a limit was reached: nothing more is tried, and the failure stands */
} path_search;

/* ---- failures ---- */

/* How far a path got that failed at depth links: with an issuer that did sign rather than one that
 * did not, and with that rather than with none. */
typedef enum search_progress {
    NO_ISSUER,
    NOT_SIGNED_BY_IT,
    ISSUER_REFUSED,
    PROGRESS_COUNT
} search_progress;

static void note(path_search *search, search_progress progress, rp_path_failure failure)
{
    unsigned rank = 1 + (unsigned)(search->path->length * PROGRESS_COUNT) + progress;
    if (search->stopped || rank <= search->rank)
        return;
    search->rank = rank;
    search->path->failure = failure;
}

/* Where only what leads NOWHERE is left untried, what was found until then will do. */
static void stop(path_search *search, rp_status status, const char *reason)
{
    search->stopped = true;
    if (!search->everywhere || status == RP_E_NO_MEMORY)
        search->path->failure = (rp_path_failure){status, &search->path->sent[0], reason, 0};
}

static rp_path_failure invalid(const rp_certificate *certificate, const char *reason)
{
    return (rp_path_failure){RP_E_CERT_INVALID, certificate, reason, 0};
}

static bool fine(const rp_path_failure *failure)
{
    return failure->status == RP_OK;
}

/* A path that leads to an anchor got further than any that does not. */
static void note_revocation(path_search *search, rp_path_failure failure)
{
    bool first = search->revocations++ == 0;
    if (failure.status == RP_E_NO_MEMORY || search->revocations == RP_PATH_REVOCATIONS_LIMIT) {
        if (first || failure.status == RP_E_NO_MEMORY)
            search->path->failure = failure;
        search->stopped = true;
    } else if (first) {
        search->rank = UINT_MAX;
        search->path->failure = failure;
    }
}

/* ---- the rules for one certificate ---- */

/* Those for each but the anchor. */
static rp_path_failure judge_any(const path_search *search, const rp_certificate *certificate)
{
    rp_public_key key;
    const char *reason = rp__public_key_read(&key, certificate->public_key);
    if (reason != NULL)
        return invalid(certificate, reason);
    if (certificate->has_unknown_critical)
        return invalid(certificate, unknown_critical);
    bool has_purpose = search->options->purpose == RP_PURPOSE_SERVER ? certificate->for_servers
                                                                     : certificate->for_clients;
    if (certificate->has_extended_key_usage && !has_purpose)
        return invalid(certificate, search->options->purpose == RP_PURPOSE_SERVER
                                        ? "its extended key usage is not for servers"
                                        : "its extended key usage is not for clients");
    if (search->options->now > certificate->not_after)
        return (rp_path_failure){RP_E_CERT_EXPIRED, certificate, NULL, 0};
    if (search->options->now < certificate->not_before)
        return (rp_path_failure){RP_E_CERT_NOT_YET_VALID, certificate, NULL, 0};
    return (rp_path_failure){RP_OK, NULL, NULL, 0};
}

/* Its own signature: of each that another has to vouch for. */
static rp_path_failure judge_algorithm(const rp_certificate *certificate)
{
    rp_signature_algorithm algorithm;
    const char *reason = rp__signature_algorithm_read(&algorithm, certificate->algorithm);
    return reason != NULL ? invalid(certificate, reason) : (rp_path_failure){RP_OK, NULL, NULL, 0};
}

static rp_path_failure judge_leaf(const path_search *search, bool is_anchor)
{
    const rp_certificate *leaf = &search->path->sent[0];
    rp_path_failure failure = judge_any(search, leaf);
    if (!fine(&failure))
        return failure;
    if (!is_anchor && leaf->is_authority && leaf->self_issued) /* as `openssl req -x509` makes it */
        return (rp_path_failure){RP_E_CERT_UNTRUSTED, leaf, NULL, 0};
    if (leaf->has_key_usage && !(leaf->key_usage & RP_USAGE_DIGITAL_SIGNATURE))
        return invalid(leaf, "its key usage does not allow signatures of TLS");
    if (is_anchor)
        return failure;
    if (leaf->is_authority)
        return invalid(leaf, "it is an authority's, and is to be used for authorities only");
    return judge_algorithm(leaf);
}

/* ---- the rules for an issuer above the path ---- */

/* What counts for a path length (RFC 5280, 4.2.1.9). */
static size_t intermediates(const rp_path *path)
{
    size_t count = 0;
    for (size_t i = 1; i < path->length; i++)
        count += !path->links[i]->self_issued;
    return count;
}

/* What any authority says of those below, an anchor too. */
static rp_path_failure judge_below(path_search *search, const rp_certificate *issuer)
{
    const rp_path *path = search->path;
    if (issuer->has_path_length && intermediates(path) > issuer->path_length)
        return invalid(issuer, "its path length does not allow as many authorities below it");
    for (size_t i = 0; issuer->name_constraints.data != NULL && i < path->length; i++) {
        const rp_certificate *below = path->links[i];
        if (i > 0 && below->self_issued) /* RFC 5280, 6.1.3 (b) */
            continue;
        const char *reason =
            rp__constraints_check(issuer->name_constraints, below, &search->comparisons);
        if (search->comparisons.exceeded)
            stop(search, RP_E_CERT_INVALID, reason);
        if (reason != NULL)
            return invalid(below, reason);
    }
    return (rp_path_failure){RP_OK, NULL, NULL, 0};
}

static rp_path_failure judge_intermediate(path_search *search, const rp_certificate *issuer)
{
    if (issuer->version != 3 || !issuer->is_authority)
        return invalid(issuer, no_authority);
    if (issuer->has_key_usage && !(issuer->key_usage & RP_USAGE_KEY_CERT_SIGN))
        return invalid(issuer, "its key usage does not allow signatures of certificates");
    rp_path_failure failure = judge_any(search, issuer);
    if (fine(&failure))
        failure = judge_algorithm(issuer);
    return fine(&failure) ? judge_below(search, issuer) : failure;
}

static rp_path_failure judge_anchor(path_search *search, const rp_anchor *anchor)
{
    if (!anchor->is_authority)
        return invalid(&anchor->certificate, no_authority);
    if (anchor->certificate.is_no_anchor)
        return invalid(&anchor->certificate, unknown_critical);
    return judge_below(search, &anchor->certificate);
}

/* ---- signatures ---- */

static const checked_signature *find_checked(const path_search *search,
                                             const rp_certificate *certificate,
                                             const rp_certificate *issuer)
{
    for (size_t i = 0; i < search->checked_count; i++) {
        const checked_signature *checked = &search->checked[i];
        if (checked->certificate == certificate && checked->issuer == issuer)
            return checked;
    }
    return NULL;
}

/* Whether the last link is signed with issuer's key. */
static bool is_signed(path_search *search, const rp_certificate *issuer, const rp_public_key *key)
{
    const rp_certificate *certificate = search->path->links[search->path->length - 1];
    const checked_signature *known = find_checked(search, certificate, issuer);
    if (known != NULL)
        return known->good;
    if (search->checked_count == RP_PATH_SIGNATURES_LIMIT) {
        stop(search, RP_E_CERT_INVALID, over_budget);
        return false;
    }
    rp_signature_algorithm algorithm;
    (void)rp__signature_algorithm_read(&algorithm,
                                       certificate->algorithm); /* judge_algorithm did */
    rp_signature_result result =
        rp__signature_verify(key, &algorithm, certificate->signed_part, certificate->signature);
    if (result == RP_SIGNATURE_NO_MEMORY)
        stop(search, RP_E_NO_MEMORY, NULL);
    search->checked[search->checked_count++] =
        (checked_signature){certificate, issuer, result == RP_SIGNATURE_GOOD};
    return result == RP_SIGNATURE_GOOD;
}

/* ---- revocation ---- */

/* Of a path that leads to an anchor. */
static bool is_not_revoked(path_search *search)
{
    const rp_path_options *options = search->options;
    rp_path_failure failure;
    if (options->revocation == NULL || !options->revocation->on ||
        rp__revocation_check(options->revocation, search->path, options->staples, options->now,
                             &failure))
        return true;
    note_revocation(search, failure);
    return false;
}

/* ---- the search ---- */

/* Key identifiers are hints (RFC 5280, 4.2.1.1). */
static unsigned key_id_score(const rp_certificate *certificate, const rp_certificate *issuer)
{
    if (certificate->authority_key_id.data == NULL || issuer->subject_key_id.data == NULL)
        return 1;
    return rp__slice_equal(certificate->authority_key_id, issuer->subject_key_id) ? 2 : 0;
}

/* Of an issuer for certificate: the higher, the sooner. */
static unsigned score(const path_search *search, const rp_certificate *certificate, size_t index)
{
    const rp_certificate *issuer = &search->path->sent[index];
    int64_t now = search->options->now;
    bool in_date = issuer->not_before <= now && now <= issuer->not_after;
    return (key_id_score(certificate, issuer) * 2 + in_date) * (NOWHERE + 1) + NOWHERE -
           search->steps[index];
}

static bool count_candidate(path_search *search)
{
    if (++search->candidates > RP_PATH_CANDIDATES_LIMIT)
        stop(search, RP_E_CERT_INVALID, over_budget);
    return !search->stopped;
}

static bool try_anchor(path_search *search, const rp_anchor *anchor)
{
    rp_path *path = search->path;
    if (!count_candidate(search))
        return false;
    if (!is_signed(search, &anchor->certificate, &anchor->key)) {
        note(search, NOT_SIGNED_BY_IT,
             invalid(path->links[path->length - 1],
                     "its signature is not by the trusted authority of that name"));
        return false;
    }
    rp_path_failure failure = judge_anchor(search, anchor);
    if (!fine(&failure)) {
        note(search, ISSUER_REFUSED, failure);
        return false;
    }
    path->anchor = anchor;
    return is_not_revoked(search);
}

static bool try_anchors(path_search *search, const rp_certificate *certificate)
{
    for (int wanted = 2; wanted >= 0; wanted--) {
        const rp_anchor *anchor = NULL;
        while ((anchor = rp__anchors_find(search->options->anchors, certificate->issuer, anchor)) !=
               NULL) {
            if ((int)key_id_score(certificate, &anchor->certificate) == wanted &&
                try_anchor(search, anchor))
                return true;
            if (search->stopped)
                return false;
        }
    }
    return false;
}

/* A subject with the same key again leads nowhere new. */
static bool in_path(const rp_path *path, const rp_certificate *certificate)
{
    for (size_t i = 0; i < path->length; i++) {
        const rp_certificate *link = path->links[i];
        if (link == certificate || (rp__slice_equal(link->public_key, certificate->public_key) &&
                                    rp__dname_equal(link->subject, certificate->subject)))
            return true;
    }
    return false;
}

static bool extend(path_search *search);

/* Puts the path's next link, if it keeps the rules, and goes on from there. */
static bool try_intermediate(path_search *search, size_t index)
{
    rp_path *path = search->path;
    const rp_certificate *issuer = &path->sent[index];
    rp_public_key key;
    if (!count_candidate(search))
        return false;
    const char *reason = path->malformed[index];
    if (reason == NULL)
        reason = rp__public_key_read(&key, issuer->public_key);
    if (reason != NULL) {
        note(search, NOT_SIGNED_BY_IT, invalid(issuer, reason));
        return false;
    }
    if (!is_signed(search, issuer, &key)) {
        note(search, NOT_SIGNED_BY_IT,
             invalid(path->links[path->length - 1],
                     "its signature is not by the authority that was sent with it"));
        return false;
    }
    rp_path_failure failure = judge_intermediate(search, issuer);
    if (fine(&failure) && path->length == RP_PATH_LIMIT)
        failure = invalid(issuer, "there are more than eight authorities in the chain");
    if (!fine(&failure)) {
        note(search, ISSUER_REFUSED, failure);
        return false;
    }
    path->links[path->length++] = issuer;
    if (extend(search))
        return true;
    path->length--;
    return false;
}

/* The issuers to try for certificate, the best first: positions in path->sent. */
static size_t find_candidates(const path_search *search, const rp_certificate *certificate,
                              uint8_t found[RP_CHAIN_LIMIT])
{
    const rp_path *path = search->path;
    uint64_t issuers = search->issuers[certificate - path->sent];
    unsigned scores[RP_CHAIN_LIMIT];
    size_t count = 0;
    for (size_t i = 1; i < path->count; i++) {
        if ((issuers >> i & 1) == 0 || (search->steps[i] == NOWHERE && !search->everywhere) ||
            in_path(path, &path->sent[i]))
            continue;
        unsigned own = score(search, certificate, i);
        size_t at = count++;
        for (; at > 0 && scores[at - 1] < own; at--) {
            found[at] = found[at - 1];
            scores[at] = scores[at - 1];
        }
        found[at] = (uint8_t)i;
        scores[at] = own;
    }
    return count;
}

static bool try_intermediates(path_search *search, const rp_certificate *certificate)
{
    uint8_t found[RP_CHAIN_LIMIT];
    size_t count = find_candidates(search, certificate, found);
    for (size_t i = 0; i < count && !search->stopped; i++) {
        if (try_intermediate(search, found[i]))
            return true;
    }
    return false;
}

/* From the last link to an anchor. Calls itself for each link more, of RP_PATH_LIMIT at most. */
static bool extend(path_search *search)
{
    const rp_path *path = search->path;
    const rp_certificate *last = path->links[path->length - 1];
    if (try_anchors(search, last))
        return true;
    if (!search->stopped && try_intermediates(search, last))
        return true;
    note(search, NO_ISSUER, (rp_path_failure){RP_E_CERT_UNTRUSTED, last, NULL, 0});
    return false;
}

static void set_dates(rp_path *path)
{
    path->begins = path->links[0]->not_before;
    path->ends = path->links[0]->not_after;
    for (size_t i = 1; i < path->length; i++) {
        const rp_certificate *link = path->links[i];
        path->begins = link->not_before > path->begins ? link->not_before : path->begins;
        path->ends = link->not_after < path->ends ? link->not_after : path->ends;
    }
}

static uint64_t issuers_of(const rp_path *path, const rp_certificate *certificate)
{
    uint64_t issuers = 0;
    for (size_t i = 1; i < path->count; i++) {
        rp_slice subject = path->sent[i].subject;
        if (subject.size > 0 && rp__dname_equal(subject, certificate->issuer))
            issuers |= UINT64_C(1) << i;
    }
    return issuers;
}

/* From the anchors down. */
static void survey(path_search *search)
{
    const rp_path *path = search->path;
    uint64_t reached = 0;
    for (size_t i = 0; i < path->count; i++) {
        rp_slice issuer = path->sent[i].issuer;
        bool last = rp__anchors_find(search->options->anchors, issuer, NULL) != NULL;
        search->issuers[i] = issuers_of(path, &path->sent[i]);
        search->steps[i] = last ? 0 : NOWHERE;
        reached |= (uint64_t)last << i;
    }
    for (uint8_t steps = 1; steps < NOWHERE; steps++) {
        uint64_t before = reached;
        for (size_t i = 0; i < path->count; i++) {
            if (search->steps[i] == NOWHERE && (search->issuers[i] & before) != 0) {
                search->steps[i] = steps;
                reached |= UINT64_C(1) << i;
            }
        }
    }
}

static bool search_from_leaf(path_search *search)
{
    rp_path *path = search->path;
    const rp_certificate *leaf = &path->sent[0];
    if (path->malformed[0] != NULL) {
        stop(search, RP_E_CERT_INVALID, path->malformed[0]);
        return false;
    }
    const rp_anchor *itself = rp__anchors_same(search->options->anchors, leaf);
    rp_path_failure failure = judge_leaf(search, itself != NULL);
    if (!fine(&failure)) {
        path->failure = failure;
        return false;
    }
    path->links[path->length++] = leaf;
    path->anchor = itself;
    if (itself != NULL)
        return is_not_revoked(search);
    survey(search);
    if (extend(search))
        return true;
    if (search->stopped || search->revocations > 0)
        return false;
    search->everywhere = true;
    search->candidates = 0;
    return extend(search);
}

static bool read_sent(rp_path *path, const rp_slice *sent, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += sent[i].size;
    const char *reason = count == 0               ? "there is none"
                         : count > RP_CHAIN_LIMIT ? "more than 64 certificates were sent"
                         : size > RP_CHAIN_BYTES_LIMIT
                             ? "more than 128 KiB of certificates were sent"
                             : NULL;
    if (reason != NULL) {
        path->failure = invalid(NULL, reason);
        return false;
    }
    path->count = count;
    for (size_t i = 0; i < count; i++)
        (void)rp__certificate_read(&path->sent[i], sent[i], &path->malformed[i]);
    return true;
}

bool rp__path_find(rp_path *path, const rp_slice *sent, size_t count,
                   const rp_path_options *options)
{
    path_search search;
    path->length = 0;
    path->anchor = NULL;
    path->failure = (rp_path_failure){RP_OK, NULL, NULL, 0};
    search.path = path;
    search.options = options;
    search.everywhere = false;
    search.candidates = 0;
    search.revocations = 0;
    search.comparisons = (rp_constraints_budget){RP_CONSTRAINTS_BUDGET, false};
    search.checked_count = 0;
    search.rank = 0;
    search.stopped = false;
    if (!read_sent(path, sent, count) || !search_from_leaf(&search))
        return false;
    path->failure = (rp_path_failure){RP_OK, NULL, NULL, 0};
    set_dates(path);
    return true;
}
