/* request.c - the life of a request: made, timed, cancelled, and ended by exactly one on_done. */
#include "client/client.h"

#include "base/assert.h"
#include "base/error.h"

#include <string.h>

#define FREE_REQUESTS_LIMIT 256

/* ---- memory ---- */

rp_request *rp_request_new(rp_client *client)
{
    rp_request *request = client->free_requests;
    if (request != NULL) {
        client->free_requests = request->next_free;
        client->free_request_count--;
        memset(request, 0, offsetof(rp_request, inline_head));
    } else {
        request = rp_allocate(&client->loop->memory, sizeof(*request));
        if (request == NULL)
            return NULL;
    }
    request->client = client;
    request->order = client->request_order++;
    rp_list_init(&request->queue_link);
    rp_list_init(&request->ending.link);
    rp_chain_init(&request->head, &client->loop->chunks);
    rp_list_append(&client->requests, &request->link);
    rp_loop_hold(client->loop);
    return request;
}

void rp_request_free(rp_request *request)
{
    rp_client *client = request->client;
    if (request->origin != NULL)
        request->origin->request_count--;
    rp_loop_unhold(client->loop);
    rp_list_remove(&request->link);
    rp_loop_undefer(&request->ending);
    rp_timer_stop(client->loop, &request->total_timer);
    rp_timer_stop(client->loop, &request->phase_timer);
    rp_chain_clear(&request->head);
    rp_wipe(request->inline_head, request->inline_size);
    rp_free(&client->loop->memory, request->error);
    if (client->free_request_count < FREE_REQUESTS_LIMIT) {
        request->next_free = client->free_requests;
        client->free_requests = request;
        client->free_request_count++;
        return;
    }
    rp_free(&client->loop->memory, request);
}

/* ---- deadlines ---- */

uint64_t rp_request_since_us(const rp_request *request, uint64_t time_ns)
{
    uint64_t us = time_ns > request->started_ns ? (time_ns - request->started_ns) / 1000 : 0;
    return us == 0 ? 1 : us; /* 0 says "did not happen" */
}

static const char *peer_of(const rp_request *request)
{
    if (request->conn != NULL && request->conn->stream->peer_text != NULL)
        return request->conn->stream->peer_text;
    return request->origin->host;
}

/* The phase a request that is not done is in. */
static rp_phase phase_of(const rp_request *request)
{
    if (request->state == RP_REQUEST_QUEUED)
        return request->origin->opening_count > 0 ? RP_PHASE_CONNECT : RP_PHASE_QUEUE;
    if (request->told_head)
        return RP_PHASE_BODY;
    return request->timings.sent_us == 0 ? RP_PHASE_REQUEST : RP_PHASE_HEAD;
}

static void timed_out(rp_request *request, rp_status status, const char *what, uint64_t limit_ms)
{
    rp_error error;
    (void)rp_error_set(&error, status, phase_of(request), "%s: %s within %llu ms", peer_of(request),
                       what, (unsigned long long)limit_ms);
    rp_request_finish(request, &error);
}

static void total_timed_out(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    timed_out(request, RP_E_TOTAL_TIMEOUT, "the request was not done", request->total_timeout_ms);
}

static void queue_timed_out(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    timed_out(request, RP_E_QUEUE_TIMEOUT, "no connection became free",
              request->client->options.queue_timeout_ms);
}

static void first_byte_timed_out(rp_timer *timer, void *user)
{
    rp_request *request = user;
    (void)timer;
    timed_out(request, RP_E_FIRST_BYTE_TIMEOUT, "no answer began", request->first_byte_timeout_ms);
}

/* Bytes only note their time: the timer finds out when it fires, so that a body of a million pieces
 * does not restart it a million times. */
static void idle_timed_out(rp_timer *timer, void *user)
{
    rp_request *request = user;
    rp_loop *loop = request->client->loop;
    uint64_t idle_ms = (rp_loop_now_ns(loop) - request->last_moved_ns) / 1000000u;
    bool owes_credit = request->has_credit_limit && request->owed_bytes >= request->credit_bytes;
    if (owes_credit)
        rp_timer_start(loop, timer, request->idle_timeout_ms, idle_timed_out, request);
    else if (idle_ms < request->idle_timeout_ms)
        rp_timer_start(loop, timer, request->idle_timeout_ms - idle_ms, idle_timed_out, request);
    else
        timed_out(request, RP_E_IDLE_TIMEOUT, "nothing more of the answer came",
                  request->idle_timeout_ms);
}

static bool is_limit(uint64_t timeout_ms)
{
    return timeout_ms > 0 && timeout_ms != RP_NEVER_MS;
}

void rp_request_queued(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    uint64_t queue_ms = request->client->options.queue_timeout_ms;
    if (is_limit(request->total_timeout_ms) && !request->total_timer.private_started)
        rp_timer_start(loop, &request->total_timer, request->total_timeout_ms, total_timed_out,
                       request);
    if (is_limit(queue_ms))
        rp_timer_start(loop, &request->phase_timer, queue_ms, queue_timed_out, request);
}

void rp_request_begun(rp_request *request)
{
    rp_timer_stop(request->client->loop, &request->phase_timer);
    request->attempts++;
    request->begun = false;
}

void rp_request_sent(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    request->timings.sent_us = rp_request_since_us(request, rp_loop_now_ns(loop));
    rp_timer_stop(loop, &request->phase_timer);
    if (is_limit(request->first_byte_timeout_ms) && !request->begun)
        rp_timer_start(loop, &request->phase_timer, request->first_byte_timeout_ms,
                       first_byte_timed_out, request);
}

void rp_request_moved(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    request->last_moved_ns = rp_loop_now_ns(loop);
    if (request->begun)
        return;
    request->begun = true;
    request->timings.first_byte_us = rp_request_since_us(request, request->last_moved_ns);
    rp_timer_stop(loop, &request->phase_timer);
    if (is_limit(request->idle_timeout_ms))
        rp_timer_start(loop, &request->phase_timer, request->idle_timeout_ms, idle_timed_out,
                       request);
}

/* ---- the end ---- */

/* Leaves the queue or the connection. */
static void leave(rp_request *request)
{
    rp_loop *loop = request->client->loop;
    rp_timer_stop(loop, &request->total_timer);
    rp_timer_stop(loop, &request->phase_timer);
    if (request->state == RP_REQUEST_QUEUED && !rp_list_empty(&request->queue_link))
        rp_pool_withdraw(request);
    if (request->conn != NULL)
        rp_conn_abandon(request->conn);
}

void rp_request_summary_get(const rp_request *request, rp_response_summary *summary)
{
    bool serving = request->conn != NULL && request->conn->state == RP_CONN_SERVING;
    uint64_t sent = serving ? rp_conn_bytes_sent(request->conn) : request->bytes_sent;
    *summary = (rp_response_summary){
        .status = request->status,
        .body_bytes = request->body_bytes,
        .bytes_sent = sent,
        .body_bytes_sent = sent > request->head_size ? sent - request->head_size : 0,
        .attempts = request->attempts,
        .reused = request->reused,
        .resumed = request->resumed,
        .address = request->address,
        .tls_version = request->tls_version,
        .tls_cipher = request->tls_cipher,
        .timings = request->timings,
    };
    summary->timings.total_us = rp_request_since_us(request, rp_loop_now_ns(request->client->loop));
}

static void tell(rp_request *request, rp_error *error)
{
    rp_client *client = request->client;
    rp_origin *origin = request->origin;
    if (error != NULL) {
        error->reused = request->reused;
        error->bytes_sent = request->bytes_sent;
        error->replay_safe = request->bytes_sent == 0 && !request->sent_before;
    }
    rp_response_summary summary;
    rp_request_summary_get(request, &summary);
    summary.error = error;
    request->events->on_done(request, &summary, request->user);
    rp_request_free(request);
    rp_origin_release_if_unused(origin);
    rp_client_free_if_done(client);
}

void rp_request_finish(rp_request *request, const rp_error *error)
{
    if (request->state == RP_REQUEST_ENDING)
        return; /* cancelled: on_done is on its way */
    /* The error may be the property of what goes away with leave(). */
    rp_error copy;
    if (error != NULL)
        copy = *error;
    leave(request);
    request->state = RP_REQUEST_ENDING;
    tell(request, error != NULL ? &copy : NULL);
}

static void end_now(rp_deferred *deferred)
{
    rp_request *request = RP_CONTAINER(deferred, rp_request, ending);
    rp_error error;
    if (request->error != NULL)
        error = *request->error;
    else if (request->no_memory)
        (void)rp_error_set(&error, RP_E_NO_MEMORY, RP_PHASE_NONE,
                           "the request to %s failed, and there is no memory to say why",
                           request->origin->host);
    else
        (void)rp_error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE, "the request to %s was cancelled",
                           request->origin->host);
    tell(request, &error);
}

void rp_request_finish_later(rp_request *request, const rp_error *error)
{
    if (request->state == RP_REQUEST_ENDING)
        return;
    rp_memory *memory = &request->client->loop->memory;
    if (error->status != RP_E_CANCELLED) {
        request->error = rp_allocate(memory, sizeof(*error));
        request->no_memory = request->error == NULL;
    }
    if (request->error != NULL)
        *request->error = *error;
    request->cancelled = true;
    leave(request);
    request->state = RP_REQUEST_ENDING;
    rp_loop_defer(request->client->loop, &request->ending, end_now);
}

void rp_request_cancel(rp_request *request)
{
    rp_error error;
    if (!rp_loop_is_ours(request->client->loop))
        return;
    (void)rp_error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE, "cancelled");
    rp_request_finish_later(request, &error);
}

void rp_request_consume(rp_request *request, size_t size)
{
    if (!request->has_credit_limit || request->conn == NULL ||
        !rp_loop_is_ours(request->client->loop))
        return;
    if (size > request->owed_bytes)
        size = (size_t)request->owed_bytes;
    request->owed_bytes -= size;
    request->last_moved_ns = rp_loop_now_ns(request->client->loop);
    rp_stream_consume(request->conn->stream, size);
}
