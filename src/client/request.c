/* request.c - the life of a request: made, timed, cancelled, and ended by exactly one on_done. */
#include "client/request.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/conn.h"
#include "client/life.h"
#include "client/origin.h"
#include "client/replay.h"
#include "client/statistics.h"
#include "client/trace.h"
#include "client/why.h"

#include <string.h>

#define FREE_REQUESTS_LIMIT 256
#define BLOCK_STEP ((size_t)1024)
#define BLOCK_KEPT ((size_t)16384)
#define DROPPED_BYTES ((uint64_t)65536)
#define DROPPED_MS 250

/* ---- memory ---- */

rp_request *rp__request_new(rp_client *client)
{
    rp_request *request = client->free_requests;
    if (request != NULL) {
        client->free_requests = request->next_free;
        client->free_request_count--;
        memset(request, 0, offsetof(rp_request, phase_timer));
    } else {
        request = rp__allocate(&client->loop->memory, sizeof(*request));
        if (request == NULL)
            return NULL;
    }
    request->client = client;
    request->order = client->request_order++;
    rp__list_init(&request->queue_link);
    rp__list_append(&client->requests, &request->link);
    rp__loop_hold(client->loop);
    return request;
}

uint8_t *rp__request_block(rp_request *request, size_t size)
{
    rp_memory *memory = &request->client->loop->memory;
    if (size <= request->block_size)
        return request->block;
    rp__free(memory, request->block);
    request->block_size = (size + BLOCK_STEP - 1) / BLOCK_STEP * BLOCK_STEP;
    request->block = rp__reallocate(memory, NULL, request->block_size);
    if (request->block == NULL)
        request->block_size = 0;
    return request->block;
}

static bool is_limit(uint64_t timeout_ms)
{
    return timeout_ms > 0 && timeout_ms != RP_NEVER_MS;
}

static void total_stop(rp_request *request)
{
    if (is_limit(request->total_timeout_ms))
        rp_timer_stop(request->client->loop, &request->total_timer);
}

static void timers_stop(rp_request *request)
{
    rp_timer_stop(request->client->loop, &request->phase_timer);
    if (request->delays)
        rp_timer_stop(request->client->loop, &request->delay_timer);
}

/* Of a refused one nothing is left already. */
static void message_wipe(rp_request *request)
{
    rp_message *message = &request->message;
    if (message->bytes == request->inline_bytes && message->size <= RP_INLINE_BYTES)
        rp__wipe(request->inline_bytes, message->size);
    else if (message->bytes == request->block && request->block != NULL)
        rp__wipe(request->block, message->size);
}

void rp__request_free(rp_request *request)
{
    rp_client *client = request->client;
    if (request->origin != NULL)
        request->origin->request_count--;
    rp__loop_unhold(client->loop);
    rp__list_remove(&request->link);
    if (request->cancelled)
        rp__loop_undefer(&request->ending);
    timers_stop(request);
    total_stop(request);
    rp__upload_free(request);
    rp__request_facts_set(request, NULL);
    rp__why_end(request);
    message_wipe(request);
    if (request->redirects != NULL)
        (*request->redirects)->free(request);
    rp__decoding_free(request);
    rp__free(&client->loop->memory, request->error);
    if (client->free_request_count < FREE_REQUESTS_LIMIT && request->block_size <= BLOCK_KEPT) {
        request->next_free = client->free_requests;
        client->free_requests = request;
        client->free_request_count++;
        return;
    }
    rp__free(&client->loop->memory, request->kept_retry);
    rp__free(&client->loop->memory, request->kept_hedge);
    rp__free(&client->loop->memory, request->block);
    rp__free(&client->loop->memory, request);
}

/* ---- deadlines ----
 *
 * Beside the total's one deadline runs at any time. Which one follows from what the request waits
 * for:
 *
 *   a connection             queue        since it came into the queue
 *   the peer to take it      idle         since anything moved, either way
 *   an answer to begin       first byte   since its last byte was sent
 *   the rest of the answer   idle         since anything moved, either way
 *
 * What happens only notes its time; the timer finds out when it fires, so that a body of a million
 * pieces does not restart it a million times.
 *
 * The kernel takes a large request in large pieces, and a slow peer may need minutes for one of
 * them: a socket becomes writable again when a third of its buffer is free (tcp(7), tcp_wmem; up to
 * 4 MiB), and until then nothing tells that bytes move. So while some of a large request is on its
 * way, the timer asks four times in a limit how far the peer has confirmed it. */

#define LOOKS 4

typedef enum waiting { FOR_CONNECTION, FOR_UPLOAD, FOR_ANSWER, FOR_REST } waiting;

typedef struct deadline {
    waiting waiting;
    uint64_t since_ns, limit_ms;
} deadline;

uint64_t rp__request_since_us(const rp_request *request, uint64_t time_ns)
{
    uint64_t us = time_ns > request->started_ns ? (time_ns - request->started_ns) / 1000 : 0;
    return us == 0 ? 1 : us; /* 0 says "did not happen" */
}

/* Who has its connection, and to whom its answer is told. */
static rp_request *carrier_of(rp_request *request)
{
    return request->hedge != NULL ? rp__hedge_carrier(request) : request;
}

static const rp_request *teller_of(const rp_request *request)
{
    return request->hedge != NULL ? rp__hedge_teller(request) : request;
}

const char *rp__request_peer(const rp_request *request)
{
    return request->conn != NULL ? rp__conn_peer(request->conn) : request->origin->host;
}

/* The phase a request that is not done is in. */
static rp_phase phase_of(const rp_request *request)
{
    if (request->state == RP_REQUEST_DELAYED)
        return RP_PHASE_QUEUE;
    if (request->state == RP_REQUEST_QUEUED)
        return request->origin->opening_count > 0 ? RP_PHASE_CONNECT : RP_PHASE_QUEUE;
    if (request->told_head)
        return RP_PHASE_BODY;
    return request->sent_ns == 0 ? RP_PHASE_REQUEST : RP_PHASE_HEAD;
}

/* The caller has not returned the credit for what it was given: the silence is its own. */
static bool owes_credit(const rp_request *carrier)
{
    const rp_request *request = teller_of(carrier);
    return rp__decoding_lingers(request) ||
           (request->has_credit_limit && request->owed_bytes >= request->credit_bytes);
}

static deadline deadline_of(const rp_request *request)
{
    if (request->state == RP_REQUEST_DELAYED && request->retry != NULL && request->retry->waits)
        return (deadline){FOR_CONNECTION, request->queued_ns, RP_NEVER_MS};
    if (request->state == RP_REQUEST_QUEUED || request->state == RP_REQUEST_DELAYED)
        return (deadline){FOR_CONNECTION, request->queued_ns,
                          request->client->options.queue_timeout_ms};
    if (request->sent_ns > 0 && !request->head_begun)
        return (deadline){FOR_ANSWER, request->sent_ns, request->first_byte_timeout_ms};
    uint64_t moved_ns = request->conn->protocol->moved_ns(request->conn, request);
    if (moved_ns < request->moved_ns)
        moved_ns = request->moved_ns;
    return (deadline){request->head_begun ? FOR_REST : FOR_UPLOAD, moved_ns,
                      request->idle_timeout_ms};
}

static void timed_out(rp_request *request, rp_status status, const char *what, uint64_t limit_ms,
                      const char *why)
{
    rp_error error;
    (void)rp__error_set(&error, status, phase_of(request), "%s: %s within %llu ms%s%s",
                        rp__request_peer(request), what, (unsigned long long)limit_ms,
                        why == NULL ? "" : ": ", why == NULL ? "" : why);
    rp__request_finish(request, &error);
}

/* What keeps it waiting. */
static const char *queue_reason(const rp_request *request)
{
    const rp_origin *origin = request->origin;
    const rp_client *client = origin->client;
    if (request->state == RP_REQUEST_DELAYED)
        return request->retry != NULL && request->retry->waits
                   ? "it waited for its next try"
                   : "the server refused the request, which waits to be sent again";
    if (rp__limit_room(origin) == 0)
        return client->options.limits.adaptive
                   ? "as many requests are under way as limits.adaptive allows for now"
                   : "as many requests are under way as limits.requests_in_flight allows";
    if (origin->opening_count > 0)
        return "one is being opened";
    if (origin->idle_count > 0 && !request->fresh_only)
        return "the server takes no requests for the time being";
    if (rp__origin_is_full(origin))
        return "all connections that the origin may have are in use";
    if (rp__client_is_full(client))
        return "all connections that the client may have are in use";
    if (origin->open_count > 0)
        return "the server refuses more connections than those in use";
    return "as many connections as the client allows are being opened to other servers";
}

static void phase_timed_out(rp_request *request, const deadline *due)
{
    switch (due->waiting) {
    case FOR_CONNECTION:
        timed_out(request, RP_E_QUEUE_TIMEOUT, "no connection became free", due->limit_ms,
                  queue_reason(request));
        break;
    case FOR_UPLOAD:
        timed_out(request, RP_E_IDLE_TIMEOUT, "nothing more of the request was taken",
                  due->limit_ms, NULL);
        break;
    case FOR_ANSWER:
        timed_out(request, RP_E_FIRST_BYTE_TIMEOUT, "no answer began", due->limit_ms,
                  request->begun ? "interim responses (1xx) are none" : NULL);
        break;
    case FOR_REST:
        timed_out(request, RP_E_IDLE_TIMEOUT, "nothing more of the answer came", due->limit_ms,
                  NULL);
        break;
    }
}

static const char *total_reason(const rp_request *request)
{
    if (request->hedge != NULL)
        request = rp__hedge_carrier(request);
    if (request->state == RP_REQUEST_DELAYED)
        return queue_reason(request);
    if (request->state == RP_REQUEST_QUEUED)
        return "it waited for a connection";
    if (request->state == RP_REQUEST_ENDING) /* the second, which has no connection any more */
        return "its second try had just failed";
    if (owes_credit(request))
        return "it waited for the caller to return credit";
    const char *upload_waits = rp__upload_waits(request);
    if (upload_waits != NULL)
        return upload_waits;
    switch (deadline_of(request).waiting) {
    case FOR_UPLOAD:
        return "it waited for the peer to take the request";
    case FOR_ANSWER:
        return "it waited for an answer to begin";
    default:
        return "it waited for the rest of the answer";
    }
}

static void total_timed_out(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    timed_out(request, RP_E_TOTAL_TIMEOUT, "the request was not done", request->total_timeout_ms,
              total_reason(request));
}

static uint64_t end_of(const deadline *due)
{
    return rp__time_after(due->since_ns, due->limit_ms);
}

static void phase_timer_fired(rp_timer *timer, void *user);

/* A timer that fires earlier stays: it will look. */
static void watch_for(rp_request *request, deadline due)
{
    rp_loop *loop = request->client->loop;
    rp_timer *timer = &request->phase_timer;
    if (!is_limit(due.limit_ms)) {
        if (timer->private_started)
            rp_timer_stop(loop, timer);
        return;
    }
    uint64_t end = end_of(&due);
    if (timer->private_started && timer->private_deadline_ns <= end && !request->upload_under_way)
        return;
    uint64_t now = rp__loop_now_ns(loop);
    uint64_t left_ms = rp__time_left_ms(now, end);
    uint64_t look_ms = due.limit_ms / LOOKS + 1;
    if (request->upload_under_way && look_ms < left_ms)
        left_ms = look_ms;
    if (!timer->private_started || timer->private_deadline_ns > now + left_ms * 1000000u)
        rp_timer_start(loop, timer, left_ms, phase_timer_fired, request);
}

static void watch(rp_request *request)
{
    watch_for(request, deadline_of(request));
}

/* How far the peer has confirmed a large request: what it did since the last look counts as of now.
 * Until it has all of it, the last byte has not left. */
static void look_at_upload(rp_request *request)
{
    uint64_t now = rp__loop_now_ns(request->client->loop);
    bool all, first = request->confirmed_bytes == 0;
    uint64_t confirmed = request->conn->protocol->confirmed(request->conn, request, &all);
    if (request->sent_ns > 0 && (all || confirmed == 0)) { /* 0: nobody can tell */
        request->upload_under_way = false;
    } else if (confirmed > request->confirmed_bytes && !first) {
        request->moved_ns = now;
        if (request->sent_ns > 0)
            request->sent_ns = now;
    }
    request->confirmed_bytes = confirmed;
}

static void phase_timer_fired(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    if (request->state == RP_REQUEST_ACTIVE) {
        if (owes_credit(request) || rp__upload_waits(request) != NULL)
            request->moved_ns = rp__loop_now_ns(request->client->loop);
        if (request->upload_under_way)
            look_at_upload(request);
    }
    deadline due = deadline_of(request);
    if (is_limit(due.limit_ms) && end_of(&due) <= rp__loop_now_ns(request->client->loop))
        phase_timed_out(request, &due);
    else
        watch(request);
}

void rp__request_on_started(rp_request *request)
{
    if (is_limit(request->total_timeout_ms))
        rp_timer_start(request->client->loop, &request->total_timer, request->total_timeout_ms,
                       total_timed_out, request);
}

void rp__request_on_queued(rp_request *request)
{
    request->state = RP_REQUEST_QUEUED;
    request->queued_ns = rp__loop_now_ns(request->client->loop);
    watch(request);
}

void rp__request_delay(rp_request *request, uint64_t delay_ms, rp_timer_fn *over)
{
    request->state = RP_REQUEST_DELAYED;
    request->queued_ns = rp__loop_now_ns(request->client->loop);
    request->delays = true;
    rp_timer_start(request->client->loop, &request->delay_timer, delay_ms, over, request);
    watch(request);
}

void rp__request_on_assigned(rp_request *request)
{
    request->state = RP_REQUEST_ACTIVE;
    request->begun = request->head_begun = request->written = false;
    request->was_doubtful = request->doubtful;
    request->sent_ns = request->timings.sent_us = request->timings.first_byte_us = 0;
    request->upload_under_way = false;
    request->moved_ns = request->assigned_ns = rp__loop_now_ns(request->client->loop);
    watch_for(request, (deadline){FOR_UPLOAD, request->moved_ns, request->idle_timeout_ms});
}

void rp__request_on_begun(rp_request *request)
{
    request->attempts++;
    request->written = true;
    request->confirmed_bytes = 0;
    if (request->hedge != NULL)
        rp__hedge_begun(request);
}

void rp__request_on_upload(rp_request *request)
{
    request->upload_under_way = true;
    watch(request);
}

void rp__request_on_sent(rp_request *request)
{
    request->sent_ns = rp__loop_now_ns(request->client->loop);
    request->timings.sent_us = rp__request_since_us(request, request->sent_ns);
    rp__trace_request(request, RP_TRACE_SENT);
    watch(request);
    if (request->hedge != NULL)
        rp__hedge_sent(request);
}

static void head_begins(rp_request *request)
{
    uint64_t now = rp__loop_now_ns(request->client->loop);
    request->head_begun = true;
    request->timings.first_byte_us = rp__request_since_us(request, now);
    watch_for(request, (deadline){FOR_REST, now, request->idle_timeout_ms});
}

void rp__request_on_moved(rp_request *request)
{
    request->begun = true;
    if (!request->head_begun)
        head_begins(request);
}

/* The connection may have closed with it, but is there until this turn's end. */
static void sent_elsewhere(rp_request *request, rp_fate fate)
{
    rp_conn *conn = request->conn;
    rp_error error;
    rp_status status = RP_E_BAD_RESPONSE;
    const char *what = "is not in charge (status 421)";
    if (fate == RP_FATE_UNEXPECTING)
        what = "knows no Expect (status 417)";
    if (fate == RP_FATE_TOO_LATE) {
        status = RP_E_STALE_CONNECTION;
        what = "had waited for a request for too long (status 408)";
    }
    (void)rp__error_set(&error, status, RP_PHASE_HEAD, "%s %s", rp__request_peer(request), what);
    conn->protocol->abandon(conn, request);
    request->client->conn_events->lost(conn, request, fate, &error);
}

/* False: it is none of the caller's. */
static bool head_note(rp_request *request, const rp_response_head *head)
{
    if (head->informational) {
        request->head_begun = false;
        request->timings.first_byte_us = 0;
        rp__upload_answered(request, head);
        watch(request);
        return true;
    }
    request->traced.status = head->status;
    rp__trace_request(request, RP_TRACE_HEAD);
    rp_fate fate;
    if (rp__replay_is_due(request, head, &fate)) {
        sent_elsewhere(request, fate);
        return false;
    }
    rp__upload_answered(request, head);
    request->told_head = true;
    request->status = head->status;
    if (!request->head_begun)
        head_begins(request);
    if (request->hedge != NULL && !rp__hedge_head(request, head))
        return false;
    if (request->retry != NULL && request->retry->calls->head(request, head))
        return false;
    return request->redirects == NULL || !(*request->redirects)->head(request, head);
}

void rp__request_on_head(rp_request *request, const rp_response_head *head)
{
    if (!head_note(request, head))
        return;
    if (request->hedge != NULL && head->informational && !rp__hedge_tells_interim(request))
        return;
    request->upgrading = head->status == 101;
    if (request->decompress.on && !head->informational && !request->upgrading)
        rp__decoding_head(request, head);
    if (request->events->on_head != NULL && !request->cancelled)
        request->events->on_head(request, head, request->user);
    request->upgrading = false;
}

/* Of an answer that is not told: its connection may serve on, but there is more to do than that. */
static void drop_body(rp_request *request, size_t size)
{
    rp_request *carrier = carrier_of(request);
    if (request->has_credit_limit)
        carrier->conn->protocol->consume(carrier->conn, carrier, size);
    if (request->body_bytes > DROPPED_BYTES)
        request->follow(request);
}

static void waited_enough(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    request->follow(request);
}

void rp__request_follows(rp_request *request, const rp_response_head *head,
                         void (*follow)(rp_request *request))
{
    request->follow = follow;
    if (head->content_length != RP_LENGTH_UNKNOWN && head->content_length > DROPPED_BYTES &&
        !request->head_only) {
        follow(request);
        return;
    }
    request->delays = true;
    rp_timer_start(request->client->loop, &request->delay_timer, DROPPED_MS, waited_enough,
                   request);
}

void rp__request_on_body(rp_request *request, const uint8_t *data, size_t size)
{
    if (request->body_bytes == 0)
        rp__trace_request(request, RP_TRACE_BODY);
    request->body_bytes += size;
    if (request->is_second) {
        rp__request_on_body(request->hedge->first, data, size);
        return;
    }
    if (request->follow != NULL) {
        drop_body(request, size);
        return;
    }
    if (request->decoding != NULL) {
        rp__decoding_body(request, data, size);
        return;
    }
    if (request->has_credit_limit)
        request->owed_bytes += size;
    if (request->events->on_body != NULL && !request->cancelled)
        request->events->on_body(request, data, size, request->user);
    if (request->explain != NULL && owes_credit(request))
        rp__why_owes(request, true);
}

void rp__request_on_trailers(rp_request *request, const rp_header *trailers, size_t count)
{
    if (request->is_second)
        request = request->hedge->first;
    if (request->on_trailers == NULL || request->cancelled || request->follow != NULL)
        return;
    if (request->decoding == NULL || rp__decoding_trailers(request, trailers, count))
        request->on_trailers(request, trailers, count, request->user);
}

/* ---- the end ---- */

void rp__request_leave_place(rp_request *request)
{
    timers_stop(request);
    if (request->state == RP_REQUEST_QUEUED && !rp__list_empty(&request->queue_link))
        rp__origin_withdraw(request);
    rp__upload_pauses(request);
    if (request->conn != NULL)
        request->conn->protocol->abandon(request->conn, request);
}

static void leave(rp_request *request)
{
    if (request->hedge != NULL)
        rp__hedge_leaves(request);
    rp__request_leave_place(request);
}

static uint64_t body_sent(const rp_request *request, uint64_t sent)
{
    if (sent <= request->head_size)
        return 0;
    const rp_body *body = &request->upload.body;
    return body->produced ? body->taken_bytes : sent - request->head_size;
}

static void summarize_connection(const rp_conn_facts *facts, rp_response_summary *summary)
{
    summary->version = facts->version;
    summary->address = facts->address;
    summary->tls_version = facts->tls_version;
    summary->tls_cipher = facts->tls_cipher;
    summary->tls_group = facts->tls_group;
    summary->resumed = facts->resumed;
    summary->stale_name = facts->stale_name;
    summary->certificate_missed = facts->certificate_missed;
    summary->peer_certificates = facts->certificates;
    summary->peer_certificate_count = facts->certificate_count;
    summary->proxy_status = facts->proxy_status;
    summary->proxy_heads = facts->proxy_heads;
}

void rp__request_summarize(const rp_request *request, rp_response_summary *summary)
{
    const rp_conn *conn = request->conn;
    uint64_t sent = conn != NULL ? conn->protocol->bytes_sent(conn, request) : 0;
    if (sent == 0)
        sent = request->bytes_sent;
    *summary = (rp_response_summary){
        .status = request->status,
        .body_bytes = request->body_bytes,
        .decoded_bytes = rp__decoding_bytes(request),
        .decoded = request->decoding != NULL && request->body_bytes > 0,
        .bytes_sent = sent,
        .body_bytes_sent = body_sent(request, sent),
        .attempts = request->attempts,
        .reused = request->reused,
        .address = "",
        .timings = request->timings,
        .stream = request->stream_id,
        .local_address = request->tells_local ? request->local_address : "",
    };
    if (request->facts != NULL)
        summarize_connection(request->facts, summary);
    summary->timings.total_us =
        rp__request_since_us(request, rp__loop_now_ns(request->client->loop));
    if (request->redirects != NULL)
        (*request->redirects)->summary(request, summary);
    if (request->hedge != NULL)
        rp__hedge_summary(request, summary);
    if (request->retry == NULL)
        return;
    summary->attempts += request->retry->attempts;
    summary->retries = request->retry->tries;
    summary->retry_why = request->retry->why[0] != '\0' ? request->retry->why : NULL;
}

void rp_request_summary_get_sized(const rp_request *request, rp_response_summary *summary,
                                  size_t summary_size)
{
    rp_response_summary all;
    rp__request_summarize(request, &all);
    rp__structure_give(summary, summary_size, &all, sizeof(all));
}

/* What is told of it is of its last connection, as what follows from that. */
static void forget_connection(rp_request *request)
{
    if (request->explain != NULL)
        rp__why_again(request);
    if (request->hedge != NULL)
        request->hedge->won = request->hedge->tried = false;
    request->exchange = NULL;
    request->head_size = 0;
    request->fresh_only = request->client->options.never_reuse;
    request->reused = request->told_head = false;
    request->follow = NULL;
    request->on_used = request->written = request->doubtful = request->was_doubtful = false;
    request->replayed = request->misdirected = request->begun = request->head_begun = false;
    request->upload_under_way = false;
    request->moved = request->moved_fresh = request->refused = 0;
    request->sent_ns = request->moved_ns = request->confirmed_bytes = 0;
    request->body_bytes = request->bytes_sent = request->owed_bytes = 0;
    request->status = 0;
    request->attempts = 0;
    request->timings = (rp_timings){.queued_us = 0};
    if (request->tells_local)
        request->local_address[0] = '\0';
    rp__request_facts_set(request, NULL);
    request->stream_id = 0;
}

void rp__request_begins_anew(rp_request *request, const rp_message *message, uint8_t *block,
                             size_t block_size)
{
    leave(request);
    forget_connection(request);
    message_wipe(request);
    rp__free(&request->client->loop->memory, request->block);
    request->message = *message;
    request->block = block;
    request->block_size = block_size;
    request->redirected = true;
    if (request->retry != NULL)
        request->retry->attempts = 0; /* which were the request's before */
}

/* What the tries before may have done stands. */
void rp__request_repeats(rp_request *request)
{
    rp_retry *retry = request->retry;
    leave(request);
    retry->doubtful = retry->doubtful || request->doubtful;
    retry->attempts += request->attempts;
    forget_connection(request);
}

static void tell(rp_request *request, rp_error *error)
{
    if (request->is_second) {
        rp__hedge_ended(request, error);
        return;
    }
    rp_client *client = request->client;
    rp_origin *origin = request->origin;
    if (error != NULL)
        rp__replay_verdict(request, error);
    else
        rp__retry_succeeded(request);
    rp_response_summary summary;
    rp__request_summarize(request, &summary);
    summary.error = error;
    rp__statistics_done(origin, &summary);
    rp__trace_end(request, error);
    if (request->explain != NULL)
        summary.why = rp__why_text(request, &summary);
    request->events->on_done(request, &summary, request->user);
    rp__request_free(request);
    rp__origin_release_if_unused(origin);
    rp__life_changed(client);
    rp__client_free_if_done(client);
}

/* Its answer is complete, but the caller takes it slowly: nothing else is waited for. */
static void linger(rp_request *request)
{
    rp_timer_stop(request->client->loop, &request->phase_timer);
    rp__upload_ends(request);
    if (request->conn != NULL)
        request->conn->protocol->abandon(request->conn, request);
}

void rp__request_finish(rp_request *request, const rp_error *error)
{
    if (request->state == RP_REQUEST_ENDING)
        return; /* cancelled: on_done is on its way */
    if (request->follow != NULL && (error == NULL || error->status != RP_E_TOTAL_TIMEOUT)) {
        request->follow(request);
        return;
    }
    if (error != NULL && request->hedge != NULL && rp__hedge_failed(request, error))
        return;
    if (error != NULL && request->retry != NULL && request->retry->calls->failed(request, error))
        return;
    /* The error may be the property of what goes away with leave(). */
    rp_error copy;
    bool failed = error != NULL;
    if (failed) {
        copy = *error;
    } else if (request->decoding != NULL && !rp__decoding_complete(request, &copy, &failed)) {
        linger(request);
        return;
    }
    total_stop(request);
    leave(request);
    request->state = RP_REQUEST_ENDING;
    tell(request, failed ? &copy : NULL);
}

static void end_now(rp_deferred *deferred)
{
    rp_request *request = RP_CONTAINER(deferred, rp_request, ending);
    rp_error error;
    if (request->error != NULL)
        error = *request->error;
    else if (request->no_memory)
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_NONE,
                            "the request to %s failed, and there is no memory to say why",
                            request->origin->host);
    else
        (void)rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE,
                            "the request to %s was cancelled", request->origin->host);
    tell(request, &error);
}

void rp__request_finish_later(rp_request *request, const rp_error *error)
{
    if (request->state == RP_REQUEST_ENDING)
        return;
    rp_memory *memory = &request->client->loop->memory;
    if (error->status != RP_E_CANCELLED) {
        request->error = rp__allocate(memory, sizeof(*error));
        request->no_memory = request->error == NULL;
    }
    if (request->error != NULL)
        *request->error = *error;
    request->cancelled = true;
    total_stop(request);
    leave(request);
    request->state = RP_REQUEST_ENDING;
    rp__loop_defer(request->client->loop, &request->ending, end_now);
}

void rp__request_finish_now(rp_request *request)
{
    if (request->state == RP_REQUEST_ENDING) {
        rp__loop_undefer(&request->ending);
        end_now(&request->ending);
    } else {
        rp__request_finish(request, NULL);
    }
}

void rp_request_cancel(rp_request *request)
{
    rp_error error;
    if (!rp__loop_is_ours(request->client->loop))
        return;
    (void)rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE, "cancelled");
    rp__request_finish_later(request, &error);
}

void rp_request_consume(rp_request *request, size_t size)
{
    bool decoding = request->decoding != NULL;
    rp_request *carrier = carrier_of(request);
    if (!request->has_credit_limit || (carrier->conn == NULL && !decoding) ||
        !rp__loop_is_ours(request->client->loop))
        return;
    if (size > request->owed_bytes)
        size = (size_t)request->owed_bytes;
    if (owes_credit(request)) /* from here on it is the server's turn again */
        carrier->moved_ns = rp__loop_now_ns(request->client->loop);
    request->owed_bytes -= size;
    if (request->explain != NULL)
        rp__why_owes(request, owes_credit(request));
    if (decoding)
        rp__decoding_resume(request);
    else
        carrier->conn->protocol->consume(carrier->conn, carrier, size);
}
