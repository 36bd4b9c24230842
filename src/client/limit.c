/* limit.c - see limit.h.
 *
 * How long a request would wait follows from how many wait and how fast answers have come of late.
 * Before that is known, by Little's law: with n requests under way that take s each, one leaves
 * every s / n. What an answer may need is taken to be its mean and four times its
 * mean deviation, as TCP takes it for round trips (RFC 6298, 2). */
#include "client/limit.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/origin.h"
#include "client/request.h"

#define SAMPLES 64

static bool is_on(const rp_limit_options *options)
{
    return options->requests_in_flight > 0 || options->queue_limit > 0 || options->shed ||
           options->probe_ms > 0 || options->adaptive;
}

bool rp__limit_make(rp_origin *origin)
{
    const rp_limit_options *options = &origin->client->options.limits;
    if (!is_on(options))
        return true;
    rp_limit *limit = rp__allocate(&origin->client->loop->memory, sizeof(*limit));
    if (limit == NULL)
        return false;
    limit->origin = origin;
    limit->most = options->requests_in_flight > 0 ? options->requests_in_flight : UINT32_MAX;
    if (options->adaptive) {
        rp__adapt_init(&limit->adapt, limit->most, rp__loop_now_ns(origin->client->loop));
        limit->most = limit->adapt.limit;
    }
    rp__list_init(&limit->serving.link);
    origin->limit = limit;
    return true;
}

void rp__limit_free(rp_origin *origin)
{
    if (origin->limit == NULL)
        return;
    rp__loop_undefer(&origin->limit->serving);
    rp__free(&origin->client->loop->memory, origin->limit);
}

/* ---- requests in flight ---- */

uint32_t rp__limit_room(const rp_origin *origin)
{
    const rp_limit *limit = origin->limit;
    if (limit == NULL)
        return UINT32_MAX;
    return limit->most > limit->in_flight ? limit->most - limit->in_flight : 0;
}

void rp__limit_entered(rp_request *request)
{
    rp_limit *limit = request->origin->limit;
    limit->in_flight++;
    rp__adapt_busy(&limit->adapt, limit->in_flight);
    rp__origin_look(request->origin);
}

/* The average of the first ones, and from then on of the last ones, more or less: one answer says
 * little where they differ. */
static uint64_t smooth(uint64_t mean, uint64_t us, uint32_t samples)
{
    return us >= mean ? mean + (us - mean) / samples : mean - (mean - us) / samples;
}

static void took(rp_limit *limit, uint64_t us)
{
    uint64_t mean = limit->service_us;
    if (limit->samples < SAMPLES)
        limit->samples++;
    uint64_t off_us = us > mean ? us - mean : mean - us;
    limit->deviation_us = smooth(limit->deviation_us, mean == 0 ? us / 2 : off_us, limit->samples);
    limit->service_us = smooth(mean, us, limit->samples);
    if (limit->service_us == 0)
        limit->service_us = 1;
}

/* Between two answers, while there is always a next request: so fast is the server, however many it
 * has at once. */
static void answered(rp_limit *limit, uint64_t now)
{
    if (limit->answered_ns > 0) {
        if (limit->intervals < SAMPLES)
            limit->intervals++;
        uint64_t us = (now - limit->answered_ns) / 1000u;
        limit->interval_us = smooth(limit->interval_us, us, limit->intervals);
    }
    limit->answered_ns = limit->origin->queued_count > 0 ? now : 0;
}

bool rp__limit_is_serving(const rp_origin *origin)
{
    return origin->limit != NULL && !rp__list_empty(&origin->limit->serving.link);
}

static void serve(rp_deferred *deferred)
{
    rp_limit *limit = RP_CONTAINER(deferred, rp_limit, serving);
    limit->origin->client->conn_events->has_place(limit->origin);
}

/* How long one took that was given up before its answer is not known, but that it was longer than
 * that: nothing is learned of one that came to its place late and left it early. */
static void learn(rp_limit *limit, const rp_request *request)
{
    uint64_t now = rp__loop_now_ns(request->client->loop);
    uint64_t us = (now - request->assigned_ns) / 1000u;
    if (request->written && (request->head_begun || us > limit->service_us))
        took(limit, us);
    if (request->head_begun)
        answered(limit, now);
    if (!request->client->options.limits.adaptive || !request->written || request->cancelled)
        return;
    if (!request->head_begun && us < 2 * limit->service_us) /* it came late already */
        return;
    /* What the other try answered took so long at least. */
    bool lost = request->hedge != NULL && rp__hedge_is_lost(request);
    bool failed =
        (!request->head_begun && !lost) || request->status == 429 || request->status == 503;
    rp__adapt_sample(&limit->adapt, request->assigned_ns, now, failed);
    limit->most = limit->adapt.limit;
}

/* Whoever waits is served later in this turn: the connection is in the middle of something, and
 * may not be the one that the next request gets. */
void rp__limit_left(rp_request *request)
{
    rp_origin *origin = request->origin;
    rp_limit *limit = origin->limit;
    limit->in_flight--;
    learn(limit, request);
    if (origin->queued_count > 0 && !origin->client->destroyed)
        rp__loop_defer(origin->client->loop, &limit->serving, serve);
    rp__origin_look(origin);
}

/* ---- who may wait ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A number of the options; 0 and RP_NEVER_MS are none. */
static uint64_t limit_us(uint64_t limit_ms)
{
    bool none = limit_ms == 0 || limit_ms > UINT64_MAX / 1000u;
    return none ? UINT64_MAX : limit_ms * 1000u;
}

static uint64_t wait_us(const rp_origin *origin)
{
    const rp_limit *limit = origin->limit;
    uint64_t together = limit->in_flight > 0 ? limit->in_flight : 1;
    uint64_t interval_us = limit->service_us / together;
    if (limit->intervals >= SAMPLES / 4)
        interval_us = limit->interval_us;
    return ((uint64_t)rp__origin_waiting(origin) + 1) * interval_us;
}

static rp_status shed(const rp_request *request, rp_error *error)
{
    const rp_origin *origin = request->origin;
    const rp_limit *limit = origin->limit;
    uint64_t may_us = limit_us(origin->client->options.queue_timeout_ms);
    uint64_t total_us = limit_us(request->total_timeout_ms);
    uint64_t answer_us = limit->service_us + 4 * limit->deviation_us;
    if (total_us != UINT64_MAX)
        may_us = least(may_us, total_us > answer_us ? total_us - answer_us : 0);
    uint64_t would_us = wait_us(origin);
    if (limit->service_us == 0 || would_us <= may_us)
        return RP_OK;
    return rp__error_set(error, RP_E_QUEUE_SHED, RP_PHASE_QUEUE,
                         "%.100s: %u requests wait already: this one would wait about %llu ms, and "
                         "may wait %llu ms",
                         origin->host, (unsigned)origin->queued_count,
                         (unsigned long long)(would_us / 1000u),
                         (unsigned long long)(may_us / 1000u));
}

/* One that finds a place at once waits for nobody, even if it has to have a connection opened. */
rp_status rp__limit_admits(const rp_request *request, rp_error *error)
{
    const rp_origin *origin = request->origin;
    const rp_limit_options *options = &origin->client->options.limits;
    if (origin->limit == NULL || (rp__origin_waiting(origin) == 0 && rp__limit_room(origin) > 0))
        return RP_OK;
    if (options->queue_limit > 0 && rp__origin_waiting(origin) >= options->queue_limit)
        return rp__error_set(error, RP_E_ORIGIN_QUEUE_FULL, RP_PHASE_QUEUE,
                             "%.100s: %u requests wait already, the limit of an origin's queue",
                             origin->host, (unsigned)rp__origin_waiting(origin));
    return options->shed ? shed(request, error) : RP_OK;
}

/* ---- while it is down ---- */

bool rp__limit_probes(const rp_origin *origin)
{
    return origin->limit != NULL && origin->client->options.limits.probe_ms > 0;
}

void rp__limit_opening_failed(rp_origin *origin)
{
    if (rp__limit_probes(origin))
        origin->limit->down = true;
}

void rp__limit_opened(rp_origin *origin)
{
    if (origin->limit != NULL)
        origin->limit->down = false;
}

bool rp__limit_is_down(const rp_origin *origin)
{
    return origin->limit != NULL && origin->limit->down;
}

void rp__limit_probed(rp_origin *origin)
{
    if (origin->limit != NULL)
        origin->limit->probed_ns = rp__loop_now_ns(origin->client->loop);
}

uint64_t rp__limit_rests_until_ns(const rp_origin *origin)
{
    if (!rp__limit_is_down(origin))
        return 0;
    uint64_t until =
        rp__time_after(origin->limit->probed_ns, origin->client->options.limits.probe_ms);
    return until > rp__loop_now_ns(origin->client->loop) ? until : 0;
}
