/* retry.c - see retry.h.
 *
 * The budget is a bucket of tokens per origin, as Finagle has it (RetryBudget): each request that
 * succeeds brings a share of one, some come by time, and a retry takes one. Backoff and jitter are
 * those of M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). */
#include "client/retry.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/origin.h"
#include "client/pool.h"
#include "client/request.h"
#include "client/trace.h"
#include "http/date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MILLI 1000u
#define RESERVE_S 10u /* of what comes by time so much is kept */
#define STATUSES (sizeof(((rp_retry_options *)NULL)->statuses) / sizeof(uint16_t))

static void options_default(rp_retry_options *options)
{
    static const uint16_t statuses[] = {429, 502, 503, 504};
    if (options->backoff_least_ms == 0)
        options->backoff_least_ms = 100;
    if (options->backoff_most_ms == 0)
        options->backoff_most_ms = 10000;
    if (options->backoff_most_ms < options->backoff_least_ms)
        options->backoff_most_ms = options->backoff_least_ms;
    if (options->retry_after_limit_ms == 0)
        options->retry_after_limit_ms = 60000;
    if (options->budget_percent == 0)
        options->budget_percent = 20;
    if (options->budget_per_s == 0)
        options->budget_per_s = 10;
    if (options->statuses[0] == 0)
        memcpy(options->statuses, statuses, sizeof(statuses));
}

rp_status rp__retry_check(const rp_retry_options *options, rp_error *error)
{
    if ((unsigned)options->jitter > RP_JITTER_DECORRELATED)
        return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                             "retry.jitter has a value that this version does not know");
    for (size_t i = 0; i < STATUSES; i++) {
        unsigned status = options->statuses[i];
        if (status != 0 && (status < 400 || status > 599))
            return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_QUEUE,
                                 "status %u is no error of HTTP, and not one to retry", status);
    }
    return RP_OK;
}

/* ---- the budget ---- */

static void refill(rp_origin *origin, const rp_retry_options *options)
{
    rp_retry_budget *budget = &origin->retry_budget;
    uint64_t now = rp__loop_now_ns(origin->client->loop);
    if (options->budget_per_s > budget->per_s)
        budget->per_s = options->budget_per_s;
    uint64_t most = (uint64_t)budget->per_s * RESERVE_S * MILLI;
    uint64_t since_ms = budget->refilled_ns == 0 ? MILLI : (now - budget->refilled_ns) / 1000000u;
    uint64_t more = since_ms >= (uint64_t)RESERVE_S * MILLI ? most : since_ms * budget->per_s;
    budget->milli = budget->milli + more < most ? budget->milli + more : most;
    if (budget->refilled_ns == 0)
        budget->refilled_ns = now;
    else
        budget->refilled_ns += since_ms * 1000000u; /* what is left of a millisecond counts, too */
}

static bool take(rp_origin *origin, const rp_retry_options *options)
{
    rp_retry_budget *budget = &origin->retry_budget;
    if (options->budget_percent == UINT32_MAX)
        return true;
    refill(origin, options);
    if (budget->milli < MILLI)
        return false;
    budget->milli -= MILLI;
    return true;
}

static bool is_retried(const rp_retry_options *options, int status)
{
    for (size_t i = 0; i < STATUSES; i++) {
        if (options->statuses[i] != 0 && options->statuses[i] == status)
            return true;
    }
    return false;
}

void rp__retry_succeeded(const rp_request *request)
{
    const rp_retry *retry = request->retry;
    if (retry == NULL || retry->options.budget_percent == UINT32_MAX ||
        is_retried(&retry->options, request->status))
        return;
    request->origin->retry_budget.milli += (uint64_t)retry->options.budget_percent * MILLI / 100u;
    refill(request->origin, &retry->options); /* to its limit */
}

/* ---- how long to wait ---- */

static uint64_t chance_below(rp_loop *loop, uint64_t most)
{
    uint64_t chance;
    loop->port->ops->random(loop->port, &chance, sizeof(chance));
    return chance % (most + 1);
}

static uint64_t backoff_ms(const rp_request *request)
{
    const rp_retry *retry = request->retry;
    const rp_retry_options *options = &retry->options;
    rp_loop *loop = request->client->loop;
    uint64_t least = options->backoff_least_ms, most = options->backoff_most_ms, top = least;
    if (options->jitter == RP_JITTER_DECORRELATED) {
        top = retry->tries == 0 ? least * 3 : retry->delay_ms * 3;
        if (top > most)
            top = most;
        return top <= least ? least : least + chance_below(loop, top - least);
    }
    for (unsigned i = 0; i < retry->tries && top < most; i++)
        top *= 2;
    return chance_below(loop, top < most ? top : most);
}

/* ---- deciding ---- */

/* What a server, or the way to it, may do better the next time. */
static bool is_passing(rp_status status)
{
    switch (status) {
    case RP_E_RESOLVE_FAILED:
    case RP_E_RESOLVE_TIMEOUT:
    case RP_E_CONNECT_REFUSED:
    case RP_E_CONNECT_UNREACHABLE:
    case RP_E_CONNECT_TIMEOUT:
    case RP_E_CONNECT_FAILED:
    case RP_E_RESET:
    case RP_E_IO_FAILED:
    case RP_E_HANDSHAKE_TIMEOUT:
    case RP_E_TLS_CLOSED:
    case RP_E_TRUNCATED:
    case RP_E_FIRST_BYTE_TIMEOUT:
    case RP_E_IDLE_TIMEOUT:
    case RP_E_CLOSED_EARLY:
    case RP_E_BODY_TRUNCATED: /* within the head, or behind an interim response */
    case RP_E_STALE_CONNECTION:
    case RP_E_H2_RESET:
    case RP_E_H2_PING_TIMEOUT:
    case RP_E_PROXY_REFUSED:
    case RP_E_PROXY_CLOSED:
    case RP_E_PROXY_TIMEOUT:
        return true;
    default:
        return false;
    }
}

/* Nothing that was sent may be sent twice unless the server does not mind. */
static bool may_go_again(const rp_request *request)
{
    bool untouched = request->bytes_sent == 0 && !request->doubtful && !request->redirected &&
                     !request->retry->doubtful && request->conn == NULL;
    return !request->cancelled && !request->client->destroyed &&
           (request->idempotent || untouched) && rp__upload_can_repeat(request);
}

static bool in_time(const rp_request *request, uint64_t delay_ms)
{
    uint64_t total_ms = request->total_timeout_ms;
    if (total_ms == 0 || total_ms == RP_NEVER_MS)
        return true;
    uint64_t since_us = rp__request_since_us(request, rp__loop_now_ns(request->client->loop));
    return since_us / 1000u + delay_ms < total_ms;
}

/* Why there is no other try; NULL: there is one. The budget is asked last, for it is charged. */
static const char *against(rp_request *request, uint64_t asked_ms)
{
    rp_retry *retry = request->retry;
    const rp_retry_options *options = &retry->options;
    if (retry->tries + 1 >= options->attempts)
        return "it was the last try";
    if (!may_go_again(request))
        return "it may not be sent twice";
    if (asked_ms > options->retry_after_limit_ms)
        return "the server asks to wait for longer than is allowed";
    uint64_t delay_ms = backoff_ms(request);
    if (delay_ms < asked_ms)
        delay_ms = asked_ms + chance_below(request->client->loop, options->backoff_least_ms);
    if (!in_time(request, delay_ms))
        return "its time would be over before the next try";
    if (!take(request->origin, options))
        return "the budget of retries for the server is spent";
    retry->delay_ms = delay_ms;
    return NULL;
}

static void explain(rp_retry *retry, const char *what, const char *no)
{
    (void)snprintf(retry->why, sizeof(retry->why), "try %u: %.*s%s%s", retry->tries + 1,
                   RP_RETRY_WHY_SIZE - 80, what, no == NULL ? "" : "; ", no == NULL ? "" : no);
}

static bool decide(rp_request *request, uint64_t asked_ms, const char *what)
{
    const char *no = against(request, asked_ms);
    explain(request->retry, what, no);
    return no == NULL;
}

/* ---- the request's calls ---- */

static void delay_is_over(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    request->retry->waits = false;
    rp__pool_submit(request);
}

static void go_again(rp_request *request)
{
    rp_retry *retry = request->retry;
    rp__trace_attempt_end(request, NULL, retry->delay_ms); /* unless failed() has */
    request->origin->counts.retries++;
    retry->tries++;
    retry->waits = true;
    rp__request_repeats(request);
    rp__upload_repeats(request);
    rp__request_delay(request, retry->delay_ms, delay_is_over);
}

static bool take_head(rp_request *request, const rp_response_head *head)
{
    uint64_t asked_ms = 0;
    char what[RP_RETRY_WHY_SIZE];
    if (!is_retried(&request->retry->options, head->status))
        return false;
    (void)rp__retry_after(head, (int64_t)time(NULL), &asked_ms);
    (void)snprintf(what, sizeof(what), "status %d of %.64s", head->status,
                   rp__request_peer(request));
    if (!decide(request, asked_ms, what))
        return false;
    rp__request_follows(request, head, go_again);
    return true;
}

static bool failed(rp_request *request, const rp_error *error)
{
    if (request->told_head || !is_passing(error->status)) {
        explain(request->retry, error->text,
                request->told_head ? "its answer had begun" : "another try would not mend it");
        return false;
    }
    if (!decide(request, 0, error->text))
        return false;
    rp__trace_attempt_end(request, error, request->retry->delay_ms);
    go_again(request);
    return true;
}

static const rp_retry_calls calls = {.head = take_head, .failed = failed};

rp_status rp__retry_begin(rp_request *request, const rp_retry_options *options, rp_error *error)
{
    if (options == NULL)
        options = &request->client->options.retry;
    if (options->attempts < 2)
        return RP_OK;
    rp_status status = rp__retry_check(options, error);
    if (status != RP_OK)
        return status;
    if (request->kept_retry == NULL)
        request->kept_retry =
            rp__allocate(&request->client->loop->memory, sizeof(*request->kept_retry));
    if (request->kept_retry == NULL)
        return rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_QUEUE, "no memory for the request");
    request->retry = request->kept_retry;
    *request->retry = (rp_retry){.calls = &calls, .options = *options};
    options_default(&request->retry->options);
    return RP_OK;
}
