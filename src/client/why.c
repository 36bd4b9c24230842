/* why.c - why was it slow: one sentence. The time is cut where the request's timings cut it, and
 * the longest piece is named, with what is known of it; unless the program itself was away, or did
 * not take the body, for most of that. */
#include "client/why.h"

#include "base/error.h"
#include "client/origin.h"
#include "client/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef enum piece {
    EARLIER, /* than the last redirect, retry or replay */
    QUEUE,
    LOOKUP,
    CONNECT,
    TUNNEL,
    HANDSHAKE,
    SEND,
    ANSWER,
    BODY,
    PIECES
} piece;

/* ---- what is noted ---- */

bool rp__why_begin(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    request->explain = rp__allocate(&loop->memory, sizeof(*request->explain));
    if (request->explain == NULL)
        return false;
    request->tells_local = true;
    request->local_address[0] = '\0';
    rp__loop_watch(loop);
    request->explain->away_ns = loop->away_ns;
    return true;
}

void rp__why_end(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    if (request->explain == NULL)
        return;
    rp__loop_unwatch(loop);
    rp__free(&loop->memory, request->explain);
}

void rp__why_queued(rp_request *request)
{
    const rp_origin *origin = request->origin;
    const rp_client *client = request->client;
    rp_explain *e = request->explain;
    bool opening = origin->opening_count > 0, full = rp__origin_is_full(origin);
    if (request->state != RP_REQUEST_QUEUED)
        return; /* no memory for a connection */
    if (rp__limit_room(origin) == 0)
        e->cause = RP_WAIT_LIMIT;
    else if (rp__limit_is_down(origin))
        e->cause = RP_WAIT_PROBE;
    else if (opening || full)
        e->cause = RP_WAIT_CONNECTION;
    else
        e->cause = rp__client_is_full(client) ? RP_WAIT_TOTAL : RP_WAIT_OPENINGS;
    e->ahead = origin->queued_count - 1 + origin->in_flight;
}

void rp__why_again(rp_request *request)
{
    rp_explain *e = request->explain;
    e->again++;
    e->ended_ns = rp__loop_now_ns(request->client->loop);
}

void rp__why_goes(rp_request *request)
{
    rp_explain *e = request->explain;
    if (e->ended_ns == 0)
        return;
    e->begun_ns = rp__loop_now_ns(request->client->loop);
    e->between_ns += e->begun_ns - e->ended_ns;
    e->ended_ns = 0;
}

/* *since: from when on it is so; 0: it is not. */
static void count(const rp_request *request, uint64_t *total_ns, uint64_t *since, bool is_so)
{
    uint64_t now = rp__loop_now_ns(request->client->loop);
    if (is_so == (*since > 0))
        return;
    if (!is_so)
        *total_ns += now - *since;
    *since = is_so ? now : 0;
}

void rp__why_owes(rp_request *request, bool owes)
{
    rp_explain *e = request->explain;
    count(request, &e->credit_ns, &e->owes_ns, owes);
}

void rp__why_lacks(rp_request *request, bool lacks)
{
    rp_explain *e = request->explain;
    count(request, &e->body_ns, &e->lacks_ns, lacks);
}

/* ---- the pieces ---- */

/* In which a request was when it ended. */
static piece last_piece(const rp_response_summary *summary)
{
    const rp_timings *t = &summary->timings;
    switch (summary->error != NULL ? summary->error->phase : RP_PHASE_BODY) {
    case RP_PHASE_QUEUE:
        return QUEUE;
    case RP_PHASE_RESOLVE:
        return LOOKUP;
    case RP_PHASE_CONNECT:
        return CONNECT;
    case RP_PHASE_PROXY:
        return TUNNEL;
    case RP_PHASE_HANDSHAKE:
        return HANDSHAKE;
    case RP_PHASE_REQUEST:
        return SEND;
    case RP_PHASE_HEAD:
        return ANSWER;
    case RP_PHASE_BODY:
        return BODY;
    default: /* cancelled */
        break;
    }
    if (t->first_byte_us > 0)
        return BODY;
    if (t->sent_us > 0)
        return ANSWER;
    return t->queued_us > 0 ? SEND : QUEUE;
}

static piece longest_piece(const rp_request *request, const rp_response_summary *summary,
                           uint64_t *longest_us)
{
    const rp_timings *t = &summary->timings;
    const rp_explain *e = request->explain;
    const uint64_t earlier_us = e->again > 0 ? rp__request_since_us(request, e->begun_ns) : 0;
    const uint64_t ends[] = {earlier_us,      t->queued_us,     t->resolved_us, t->connected_us,
                             e->tunnelled_us, t->handshaken_us, t->sent_us,     t->first_byte_us};
    uint64_t spans[PIECES] = {0}, at = 0;
    piece longest = QUEUE;
    for (int i = 0; i < BODY; i++) {
        if (ends[i] <= at)
            continue;
        spans[i] = ends[i] - at;
        at = ends[i];
    }
    spans[last_piece(summary)] += t->total_us > at ? t->total_us - at : 0;
    for (int i = 0; i < PIECES; i++) {
        if (spans[i] > spans[longest])
            longest = (piece)i;
    }
    *longest_us = spans[longest];
    return longest;
}

/* ---- the sentence ---- */

typedef struct text {
    char *at;
    size_t left;
} text;

static void add(text *t, const char *format, ...) RP_PRINTF(2, 3);
static void add(text *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size = vsnprintf(t->at, t->left, format, values);
    va_end(values);
    size_t used = size < 0 ? 0 : (size_t)size < t->left ? (size_t)size : t->left - 1;
    t->at += used;
    t->left -= used;
}

static void add_time(text *t, uint64_t us)
{
    if (us >= 1000000)
        add(t, "%" PRIu64 ".%" PRIu64 " s", us / 1000000, us / 100000 % 10);
    else if (us >= 10000)
        add(t, "%" PRIu64 " ms", us / 1000);
    else
        add(t, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us / 100 % 10);
}

static void add_wait(text *t, const rp_request *request)
{
    const rp_explain *e = request->explain;
    const char *host = request->origin->host;
    if (request->hedge != NULL && request->hedge->won)
        add(t, "waited for %.100s to answer, until it was sent a second time", host);
    else if (e->cause == RP_WAIT_OPENINGS)
        add(t, "waited until one more connection might be opened (concurrent_openings)");
    else if (e->cause == RP_WAIT_PROBE)
        add(t, "waited until %.100s took connections again (limits.probe_ms)", host);
    else if (e->cause == RP_WAIT_TOTAL)
        add(t, "waited for one of all the client's connections (connections_total)");
    else if (e->ahead > 0)
        add(t, "waited behind %" PRIu32 " request%s to %.100s%s", e->ahead, e->ahead > 1 ? "s" : "",
            host,
            e->cause != RP_WAIT_LIMIT                  ? ""
            : request->client->options.limits.adaptive ? " (limits.adaptive)"
                                                       : " (limits.requests_in_flight)");
    else
        add(t, "waited for a connection to %.100s", host);
}

static void add_times(text *t, const char *what, unsigned times)
{
    if (times > 2)
        add(t, "%s %u times", what, times);
    else
        add(t, "%s %s", what, times == 2 ? "twice" : "once");
}

static void add_earlier(text *t, const rp_request *request, const rp_response_summary *summary)
{
    const rp_explain *e = request->explain;
    unsigned redirects = summary->redirects, retries = summary->retries;
    unsigned replays = e->again > redirects + retries ? e->again - redirects - retries : 0;
    if (redirects > 0)
        add(t, "%u redirect%s came before", redirects, redirects > 1 ? "s" : "");
    if (retries > 0)
        add_times(t, redirects > 0 ? ", retried" : "retried", retries);
    if (replays > 0) {
        add(t, "%s", redirects + retries > 0 ? ", " : "");
        if (request->refused > 0)
            add(t, "%.100s refused it, ", request->origin->host);
        add_times(t, "sent again", replays);
    }
    if (e->between_ns < 1000000)
        return;
    add(t, ", waited ");
    add_time(t, e->between_ns / 1000);
    add(t, " between");
}

static void add_body(text *t, const rp_response_summary *summary, uint64_t us)
{
    uint64_t rate = us > 0 && summary->body_bytes < UINT64_MAX / 1000000
                        ? summary->body_bytes * 1000000 / us
                        : 0;
    add(t, "the body came slowly, %" PRIu64 " bytes at ", summary->body_bytes);
    if (rate < 10000)
        add(t, "%" PRIu64 " bytes/s", rate);
    else
        add(t, "%" PRIu64 " kB/s", rate / 1000);
}

static void add_piece(text *t, const rp_request *request, const rp_response_summary *summary,
                      piece which, uint64_t us)
{
    const char *host = request->origin->host;
    const rp_hop *hop = request->origin->hop;
    switch (which) {
    case EARLIER:
        add_earlier(t, request, summary);
        break;
    case QUEUE:
        add_wait(t, request);
        break;
    case LOOKUP:
        add(t, "the look-up of %s%.100s", hop != NULL ? "the proxy " : "",
            hop != NULL ? hop->host : host);
        break;
    case CONNECT:
        add(t, "connecting to %s%s", hop != NULL ? "the proxy " : "",
            summary->address[0] != '\0' ? summary->address
            : hop != NULL               ? hop->host
                                        : host);
        break;
    case TUNNEL:
        add(t, "waiting for the proxy %.100s to make a tunnel to %.100s",
            hop != NULL ? hop->host : "", host);
        break;
    case HANDSHAKE:
        add(t, "the TLS handshake with %.100s", host);
        break;
    case SEND:
        add(t, "sending the request, %" PRIu64 " bytes", summary->bytes_sent);
        break;
    case ANSWER:
        add(t, "waiting for %.100s to begin its answer", host);
        break;
    default:
        add_body(t, summary, us);
        break;
    }
    /* Which of the two is slow can't be known. */
    if ((which == ANSWER || which == BODY) && rp__origin_forwards(request->origin))
        add(t, ", through the proxy %.100s", hop->host);
}

/* What TCP knows: of what it had to send again, and only where the network is waited for. */
static void add_tcp(text *t, const rp_explain *e, piece which)
{
    uint32_t resent = e->tcp.resent - e->resent_then;
    if (which < CONNECT || !e->tcp.known || e->tcp.resent <= e->resent_then)
        return;
    add(t, "; %" PRIu32 " lost segment%s sent again", resent, resent > 1 ? "s were" : " was");
    if (e->tcp.round_trip_us > 0) {
        add(t, ", the round trip is ");
        add_time(t, e->tcp.round_trip_us);
    }
}

const char *rp__why_text(rp_request *request, const rp_response_summary *summary)
{
    rp_explain *e = request->explain;
    text t = {.at = e->text, .left = RP_WHY_SIZE};
    uint64_t us;
    rp__why_owes(request, false);
    rp__why_lacks(request, false);
    rp__why_goes(request); /* or would have */
    piece which = longest_piece(request, summary, &us);
    uint64_t away_us = (request->client->loop->away_ns - e->away_ns) / 1000;
    bool away = away_us > us / 2;
    uint64_t caller_us = (which == BODY ? e->credit_ns : e->body_ns) / 1000;
    bool caller = !away && (which == BODY || which == SEND) && caller_us > us / 2;
    add_time(&t, away ? away_us : caller ? caller_us : us);
    add(&t, " of ");
    add_time(&t, summary->timings.total_us);
    add(&t, ": ");
    if (away)
        add(&t, "the program did not turn its loop");
    else if (caller)
        add(&t, "the caller did not %s the body", which == BODY ? "take" : "give");
    else
        add_piece(&t, request, summary, which, us);
    if (!away && !caller)
        add_tcp(&t, e, which);
    return e->text;
}
