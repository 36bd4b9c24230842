/* hedge.c - see hedge.h. J. Dean, L. Barroso: "The Tail at Scale" (CACM 56, 2013) has the idea.
 *
 * What a request waits for is measured from its last byte to the head of its answer, whoever sends
 * that. A second is not for requests that wait for a connection or a place: these would wait the
 * longer. The budget is a bucket of tokens per origin, as that of retries: each request brings a
 * share of one, a second takes one, and has it back if nothing of it was sent. */
#include "client/hedge.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/latency.h"
#include "client/life.h"
#include "client/pool.h"
#include "client/request.h"
#include "client/trace.h"

#include <string.h>

#define MILLI 1000u
#define TOKENS_MOST (10 * MILLI)
#define PERCENT_LIMIT 100u

struct rp_hedge_lessons {
    rp_latency latency;
    uint32_t milli; /* thousandths of a token */
};

/* ---- options ---- */

rp_status rp__hedge_check(const rp_hedge_options *options, rp_error *error)
{
    if (options->percentile >= PERCENT_LIMIT)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "hedge.percentile is %u, the most is 99",
                             (unsigned)options->percentile);
    if (options->budget_percent > PERCENT_LIMIT && options->budget_percent != UINT32_MAX)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "hedge.budget_percent is %u, the most is 100",
                             (unsigned)options->budget_percent);
    return RP_OK;
}

rp_status rp__hedge_begin(rp_request *request, const rp_hedge_options *options, rp_error *error)
{
    if (options == NULL)
        options = &request->client->options.hedge;
    if (options->percentile == 0 && options->delay_ms == 0)
        return RP_OK;
    rp_status status = rp__hedge_check(options, error);
    if (status != RP_OK)
        return status;
    if (request->kept_hedge == NULL)
        request->kept_hedge =
            rp__allocate(&request->client->loop->memory, sizeof(*request->kept_hedge));
    if (request->kept_hedge == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the request");
    request->hedge = request->kept_hedge;
    *request->hedge = (rp_hedge){.options = *options, .first = request};
    if (options->budget_percent == 0)
        request->hedge->options.budget_percent = 5;
    return RP_OK;
}

/* ---- what an origin keeps ---- */

/* NULL: no memory, and nothing is hedged. The first token is there at once. */
static rp_hedge_lessons *lessons_of(rp_origin *origin)
{
    if (origin->hedging == NULL) {
        origin->hedging = rp__allocate(&origin->client->loop->memory, sizeof(*origin->hedging));
        if (origin->hedging != NULL)
            origin->hedging->milli = MILLI;
    }
    return origin->hedging;
}

void rp__hedge_forget(rp_origin *origin)
{
    rp__free(&origin->client->loop->memory, origin->hedging);
}

static void give(rp_hedge_lessons *lessons, uint32_t milli)
{
    lessons->milli = lessons->milli + milli < TOKENS_MOST ? lessons->milli + milli : TOKENS_MOST;
}

static bool is_unlimited(const rp_hedge *hedge)
{
    return hedge->options.budget_percent == UINT32_MAX;
}

static bool take(const rp_hedge *hedge, rp_hedge_lessons *lessons)
{
    if (is_unlimited(hedge))
        return true;
    if (lessons->milli < MILLI)
        return false;
    lessons->milli -= MILLI;
    return true;
}

/* ---- the two ---- */

static bool is_first(const rp_request *request)
{
    return !request->is_second;
}

rp_request *rp__hedge_carrier(const rp_request *request)
{
    rp_hedge *hedge = request->hedge;
    return hedge->carries ? hedge->second : is_first(request) ? hedge->first : hedge->second;
}

const rp_request *rp__hedge_teller(const rp_request *request)
{
    return request->hedge->carries ? request->hedge->first : request;
}

bool rp__hedge_tells_interim(const rp_request *request)
{
    return is_first(request) && request->hedge->second == NULL;
}

bool rp__hedge_may_use(const rp_request *request, const rp_conn *conn)
{
    const rp_hedge *hedge = request->hedge;
    if (is_first(request) || hedge->carries)
        return true;
    const rp_request *first = hedge->first;
    return conn != first->conn && (!hedge->elsewhere || first->facts == NULL ||
                                   strcmp(conn->facts->address, first->facts->address) != 0);
}

bool rp__hedge_is_beside_first(const rp_request *request)
{
    return request->is_second && request->hedge != NULL && !request->hedge->carries;
}

bool rp__hedge_is_lost(const rp_request *request)
{
    return is_first(request) && request->hedge->won;
}

void rp__hedge_summary(const rp_request *request, rp_response_summary *summary)
{
    const rp_hedge *hedge = request->hedge;
    summary->hedges = hedge->sent;
    summary->hedge_won = hedge->won;
    if (hedge->second != NULL)
        summary->attempts += hedge->second->attempts;
}

/* What is told of the request's connection is the second's. What may have been done by either
 * stands. */
static void note(rp_request *first, const rp_request *second)
{
    const rp_conn *conn = second->conn;
    uint64_t sent = conn != NULL ? conn->protocol->bytes_sent(conn, second) : 0;
    first->bytes_sent = sent > 0 ? sent : second->bytes_sent;
    first->head_size = second->head_size;
    first->timings = second->timings;
    first->sent_ns = second->sent_ns;
    first->reused = second->reused;
    first->on_used = second->on_used;
    first->begun = second->begun;
    first->head_begun = second->head_begun;
    if (conn != NULL)
        first->traced.connection = conn->number;
    first->misdirected = true; /* the second has asked elsewhere, if that was to be done */
    rp__request_facts_set(first, second->facts);
    if (first->tells_local)
        memcpy(first->local_address, second->local_address, sizeof(first->local_address));
    first->stream_id = second->stream_id;
}

/* Each goes its way. What the second may have done stands, also if the first turns out to be
 * unprocessed. */
static void part(rp_hedge *hedge)
{
    rp_request *first = hedge->first, *second = hedge->second;
    rp_hedge_lessons *lessons = first->origin->hedging;
    if (hedge->carries)
        note(first, second);
    first->attempts += second->attempts;
    if (second->doubtful)
        first->doubtful = first->was_doubtful = true;
    if (second->attempts == 0 && !is_unlimited(hedge))
        give(lessons, MILLI);
    hedge->second = NULL;
    hedge->carries = false;
    second->hedge = NULL;
}

static void drop(rp_hedge *hedge)
{
    rp_error cancelled = {.status = RP_E_CANCELLED};
    rp_request *second = hedge->second;
    if (second == NULL)
        return;
    rp__request_finish_later(second, &cancelled);
    part(hedge);
}

static void carry(rp_hedge *hedge, const rp_error *error)
{
    rp_request *first = hedge->first;
    rp__trace_attempt_end(first, error, 0);
    rp__request_leave_place(first);
    hedge->carries = true;
    first->state = RP_REQUEST_ACTIVE;
    first->upload_under_way = false;
    first->told_head = false;
    first->status = 0;
}

/* ---- the second ---- */

/* Produced bodies come once at a time; who expects 100 Continue would be asked twice. */
static bool may_hedge(const rp_request *request)
{
    return request->idempotent && !request->upgrades && !request->upload.body.produced &&
           !request->message.says_expect && !request->message.says_expect_http1;
}

static rp_request *second_new(rp_hedge *hedge)
{
    rp_request *first = hedge->first;
    rp_request *second = rp__request_new(first->client);
    if (second == NULL)
        return NULL;
    second->hedge = hedge;
    second->is_second = true;
    second->tells_local = first->tells_local;
    second->local_address[0] = '\0';
    second->user = first->user; /* for whoever looks at all requests */
    second->message = first->message;
    second->head_only = first->head_only;
    second->idempotent = true;
    second->has_credit_limit = first->has_credit_limit;
    second->credit_bytes = first->credit_bytes;
    second->first_byte_timeout_ms = first->first_byte_timeout_ms;
    second->idle_timeout_ms = first->idle_timeout_ms;
    second->started_ns = first->started_ns;
    second->fresh_only = first->client->options.never_reuse;
    second->origin = first->origin;
    second->origin->request_count++;
    rp__upload_copy(second, first);
    return second;
}

/* On an open connection, to another address if there is one; else on a new one, for which it waits
 * in the queue as one that needs a fresh one. */
static bool place(rp_hedge *hedge)
{
    rp_request *second = hedge->second;
    hedge->elsewhere = true;
    bool placed = rp__pool_offer(second);
    hedge->elsewhere = false;
    if (placed || rp__pool_offer(second))
        return true;
    if (!rp__pool_may_open(second->origin))
        return false;
    second->fresh_only = true;
    rp__pool_submit(second);
    return true;
}

static void is_late(rp_timer *timer, void *user)
{
    rp_request *first = user;
    rp_hedge *hedge = first->hedge;
    rp_origin *origin = first->origin;
    rp_hedge_lessons *lessons = origin->hedging;
    (void)timer;
    if (first->state != RP_REQUEST_ACTIVE || first->conn == NULL || first->sent_ns == 0 ||
        first->head_begun || hedge->second != NULL || hedge->tried || first->client->drain.begun)
        return;
    if (rp__origin_waiting(origin) > 0 || rp__limit_room(origin) <= origin->queued_second_count ||
        !take(hedge, lessons))
        return;
    hedge->second = second_new(hedge);
    if (hedge->second != NULL && place(hedge))
        return;
    if (hedge->second != NULL)
        drop(hedge);
    else if (!is_unlimited(hedge))
        give(lessons, MILLI);
}

/* ---- what requests tell ---- */

void rp__hedge_begun(rp_request *request)
{
    if (is_first(request) || request->attempts > 1)
        return;
    request->hedge->tried = true;
    request->hedge->sent++;
    request->origin->counts.hedges++;
}

void rp__hedge_sent(rp_request *request)
{
    rp_hedge *hedge = request->hedge;
    if (!is_first(request) || !may_hedge(request))
        return;
    rp_hedge_lessons *lessons = lessons_of(request->origin);
    if (lessons == NULL)
        return;
    if (!is_unlimited(hedge))
        give(lessons, hedge->options.budget_percent * MILLI / 100u);
    uint64_t delay_ms = hedge->options.delay_ms;
    if (hedge->options.percentile > 0) {
        uint64_t late_us = rp__latency_percentile(&lessons->latency, hedge->options.percentile);
        if (late_us == 0)
            return;
        uint64_t late_ms = late_us / MILLI + 1;
        delay_ms = late_ms > delay_ms ? late_ms : delay_ms;
    }
    rp__timer_start_internal(request->client->loop, &hedge->timer, delay_ms, is_late, request);
}

/* It was sent then, and its answer begins now. */
static void learn(const rp_request *first)
{
    uint64_t now = rp__loop_now_ns(first->client->loop);
    rp_hedge_lessons *lessons = first->origin->hedging;
    if (lessons != NULL && first->sent_ns > 0)
        rp__latency_add(&lessons->latency, (now - first->sent_ns) / 1000u, now);
}

/* A second is under way. One that still waits for a connection, or waits again, was nobody's try
 * yet: what became of the first is not held back for it. */
static bool is_hedged(const rp_hedge *hedge)
{
    const rp_request *second = hedge->second;
    return second != NULL && second->conn != NULL && second->written;
}

/* As long as the other one may do better. */
static bool is_usable(const rp_response_head *head)
{
    return head->status < 500 && head->status != 429;
}

static bool first_head(rp_request *first, const rp_response_head *head)
{
    rp_hedge *hedge = first->hedge;
    if (hedge->carries)
        return true; /* it is the second's */
    if (is_hedged(hedge) && !is_usable(head)) {
        carry(hedge, NULL);
        return false;
    }
    rp_timer_stop(first->client->loop, &hedge->timer);
    learn(first);
    drop(hedge);
    return true;
}

static void second_head(rp_request *second, const rp_response_head *head)
{
    rp_hedge *hedge = second->hedge;
    rp_request *first = hedge->first;
    if (!hedge->carries && !is_usable(head)) {
        drop(hedge);
        return;
    }
    if (!hedge->carries) {
        hedge->won = true; /* before it leaves */
        learn(first);
        carry(hedge, NULL);
    }
    hedge->won = true;
    second->origin->counts.hedges_won++;
    note(first, second);
    rp__trace_attempt(first); /* what is traced of the second begins here */
    rp__trace_request(first, RP_TRACE_ASSIGNED);
    rp__request_on_head(first, head);
}

bool rp__hedge_head(rp_request *request, const rp_response_head *head)
{
    if (is_first(request))
        return first_head(request, head);
    second_head(request, head);
    return false;
}

bool rp__hedge_failed(rp_request *request, const rp_error *error)
{
    rp_hedge *hedge = request->hedge;
    if (!is_first(request) || !is_hedged(hedge) || hedge->carries ||
        error->status == RP_E_TOTAL_TIMEOUT)
        return false;
    carry(hedge, error);
    return true;
}

void rp__hedge_leaves(rp_request *request)
{
    if (!is_first(request))
        return;
    rp_timer_stop(request->client->loop, &request->hedge->timer);
    drop(request->hedge);
}

void rp__hedge_ended(rp_request *second, const rp_error *error)
{
    rp_client *client = second->client;
    rp_origin *origin = second->origin;
    rp_hedge *hedge = second->hedge;
    rp_request *first = NULL;
    if (hedge != NULL) {
        first = hedge->carries ? hedge->first : NULL;
        part(hedge);
    }
    rp__request_free(second);
    if (first != NULL) { /* which has the origin */
        rp__request_finish(first, error);
        return;
    }
    rp__origin_release_if_unused(origin);
    rp__life_changed(client);
    rp__client_free_if_done(client);
}
