/* replay.c - see replay.h. */
#include "client/replay.h"

#include "base/error.h"
#include "client/conn.h"
#include "client/origin.h"
#include "client/request.h"

/* A request goes to so many new connections at most that say something before they are asked. A
 * server that does so on fresh connections, one after another, does it always. */
#define FRESH_LIMIT 3
#define REFUSALS_LIMIT 6
#define DELAY_FIRST_MS 100u
#define CROSSED_NS UINT64_C(3000000000) /* a 408 that crosses a request comes sooner */

/* RFC 9112, 9.3.1: a request that a closing connection swallowed may go out once more, on a fresh
 * connection, if the server cannot mind: its method is idempotent. */
static bool may_replay(const rp_request *request)
{
    const rp_client *client = request->client;
    return request->on_used && !request->begun && !request->cancelled && !request->replayed &&
           !client->destroyed && request->idempotent;
}

/* Twice as long each time, and half of it by chance: those who were refused together do not come
 * back together. */
static uint64_t delay_of(const rp_request *request, unsigned times)
{
    rp_loop *loop = request->client->loop;
    uint32_t chance, most_ms = DELAY_FIRST_MS << (times - 1);
    loop->port->ops->random(loop->port, &chance, sizeof(chance));
    return most_ms / 2 + chance % (most_ms / 2 + 1);
}

/* At once after the first refusal: a connection's first requests may go out before the server has
 * said how many it takes. */
static bool refused(rp_request *request, uint32_t h2_code, uint64_t *delay_ms)
{
    unsigned times = ++request->refused;
    if (h2_code == RP_H2_ENHANCE_YOUR_CALM)
        *delay_ms = delay_of(request, times);
    else if (h2_code == RP_H2_REFUSED_STREAM && times > 1)
        *delay_ms = delay_of(request, times - 1);
    return times < REFUSALS_LIMIT;
}

static bool unprocessed_again(rp_request *request, uint32_t h2_code, uint64_t *delay_ms)
{
    if (h2_code == RP_H2_HTTP_1_1_REQUIRED)
        return request->origin->versions != RP_HTTP_2;
    if (request->written || h2_code == RP_H2_ENHANCE_YOUR_CALM)
        return refused(request, h2_code, delay_ms);
    if (request->moved < UINT8_MAX)
        request->moved++;
    request->moved_fresh = (uint8_t)(request->moved_fresh + !request->on_used);
    return request->moved_fresh < FRESH_LIMIT;
}

static bool goes_again(rp_request *request, rp_fate fate, const rp_error *error, uint64_t *delay_ms)
{
    if (request->told_head)
        return false;
    if (fate == RP_FATE_UNKNOWN && error->h2_code != RP_H2_HTTP_1_1_REQUIRED) {
        bool again = may_replay(request);
        if (again && error->h2_code == RP_H2_ENHANCE_YOUR_CALM)
            *delay_ms = delay_of(request, 1);
        request->fresh_only = request->fresh_only || again;
        request->replayed = request->replayed || again;
        return again;
    }
    if (fate == RP_FATE_TOO_LATE) {
        request->fresh_only = request->replayed = true;
        return true;
    }
    request->doubtful = request->was_doubtful;
    if (fate == RP_FATE_UNEXPECTING)
        return true;
    if (fate != RP_FATE_MISDIRECTED)
        return unprocessed_again(request, error->h2_code, delay_ms);
    request->misdirected = true;
    request->fresh_only = true;
    return true;
}

bool rp__replay_again(rp_request *request, rp_fate fate, const rp_error *error, uint64_t *delay_ms)
{
    *delay_ms = 0;
    bool again = goes_again(request, fate, error, delay_ms) && rp__upload_can_repeat(request);
    if (again)
        rp__upload_repeats(request);
    return again;
}

static bool may_go_again(const rp_request *request)
{
    return !request->cancelled && !request->client->destroyed && rp__upload_can_repeat(request);
}

/* There may be a connection that nobody has used: what others have of this one may have no end,
 * and until it ends it stands where another would be opened. */
static bool may_change_connection(const rp_request *request)
{
    const rp_origin *origin = request->origin;
    return request->conn->in_flight == 1 || origin->idle_count > 0 || origin->opening_count > 0 ||
           (!rp__origin_is_full(origin) && rp__client_has_room(origin->client));
}

static bool is_misdirected(const rp_request *request)
{
    return !request->misdirected && may_go_again(request) && may_change_connection(request);
}

static bool is_unexpecting(rp_request *request, const rp_response_head *head)
{
    rp_message *message = &request->message;
    /* An answer in HTTP/1.0 comes by HTTP/1.1's connection. */
    int version = request->conn != NULL ? request->conn->protocol->version : head->version;
    if (!rp__message_expects(message, version) || !may_go_again(request))
        return false;
    message->says_expect = message->says_expect_http1 = false;
    return true;
}

static bool is_late(const rp_request *request)
{
    const rp_conn *conn = request->conn;
    if (conn == NULL || conn->protocol->multiplexed || !request->on_used)
        return false;
    uint64_t since_ns = rp__loop_now_ns(request->client->loop) - request->assigned_ns;
    return since_ns < CROSSED_NS && !request->replayed && request->idempotent &&
           may_go_again(request);
}

bool rp__replay_is_due(rp_request *request, const rp_response_head *head, rp_fate *fate)
{
    switch (head->status) {
    case 421:
        *fate = RP_FATE_MISDIRECTED;
        return is_misdirected(request);
    case 417:
        *fate = RP_FATE_UNEXPECTING;
        return is_unexpecting(request, head);
    case 408:
        *fate = RP_FATE_TOO_LATE;
        return is_late(request);
    default:
        return false;
    }
}

static void swallowed(const rp_request *request, const char *peer, rp_error *error)
{
    rp_error was = *error;
    bool early =
        was.status == RP_E_CLOSED_EARLY || was.status == RP_E_RESET || was.status == RP_E_TRUNCATED;
    if (request->begun || !request->on_used || !early)
        return;
    (void)rp__error_set(error, RP_E_STALE_CONNECTION, RP_PHASE_HEAD,
                        "%s closed the reused connection before it answered (%.80s)", peer,
                        was.text);
    error->os_code = was.os_code;
}

void rp__replay_error(const rp_request *request, rp_fate fate, const char *peer, rp_error *error)
{
    rp_error was = *error;
    if (was.h2_code == RP_H2_HTTP_1_1_REQUIRED && request->origin->versions == RP_HTTP_2) {
        (void)rp__error_set(error, RP_E_H2_NOT_SPOKEN, was.phase,
                            "%.120s wants HTTP/1.1, and the client's options allow HTTP/2 alone",
                            peer);
    } else if (fate == RP_FATE_UNKNOWN) {
        swallowed(request, peer, error);
    } else if (request->refused > 1) {
        (void)rp__error_set(error, was.status, was.phase,
                            "%.80s refused the request %u times, the last time: %.100s", peer,
                            request->refused, was.text);
    }
    error->h2_code = was.h2_code;
    error->os_code = was.os_code;
}

void rp__replay_verdict(const rp_request *request, rp_error *error)
{
    error->reused = request->reused;
    error->bytes_sent = request->bytes_sent;
    error->replay_safe = !request->doubtful && !request->redirected &&
                         (request->retry == NULL || !request->retry->doubtful);
}
