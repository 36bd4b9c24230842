/* upload.c - see upload.h. */
#include "client/upload.h"

#include "base/error.h"
#include "client/protocol.h"
#include "client/conn.h"
#include "client/request.h"
#include "client/why.h"

#define EXPECT_MS 1000u

static rp_body *body_of(rp_request *request)
{
    return &request->upload.body;
}

/* ---- asking the producer ---- */

static size_t room_of(const rp_body *body)
{
    return RP_UPLOAD_BYTES - body->given.size;
}

static bool is_open(const rp_request *request)
{
    const rp_body *body = &request->upload.body;
    return body->produced && !body->ended && !body->stopped &&
           request->state != RP_REQUEST_ENDING && !request->cancelled;
}

/* Who asks why it was slow is told of the caller, too. */
static void note_lack(rp_request *request)
{
    if (request->explain != NULL)
        rp__why_lacks(request, is_open(request) && rp__body_ready(body_of(request), 1) == 0);
}

static void ask_now(rp_deferred *deferred)
{
    rp_upload *upload = RP_CONTAINER(deferred, rp_upload, asking);
    rp_request *request = RP_CONTAINER(upload, rp_request, upload);
    if (upload->body.again) {
        upload->body.again = false;
        upload->on_rewind(request, request->user);
    }
    if (!is_open(request) || request->state != RP_REQUEST_ACTIVE)
        return;
    upload->asked = true;
    note_lack(request);
    upload->on_wanted(request, room_of(&upload->body), request->user);
}

static void ask(rp_request *request)
{
    rp_upload *upload = &request->upload;
    if (is_open(request) && !upload->body.held && !upload->asked &&
        room_of(&upload->body) >= RP_UPLOAD_BYTES / 2)
        rp__loop_defer(request->client->loop, &upload->asking, ask_now);
}

/* The protocol may find something to send. */
static void tell_protocol(rp_request *request)
{
    if (request->conn != NULL)
        request->conn->protocol->body(request->conn, request);
}

/* ---- what the client tells ---- */

void rp__upload_make(rp_request *request, const rp_request_options *options, uint64_t length)
{
    rp_upload *upload = &request->upload;
    rp_body *body = &upload->body;
    request->has_body = length > 0;
    if (!request->has_body)
        return;
    rp__chain_init(&body->given, &request->client->loop->chunks);
    upload->on_wanted = options->on_body_wanted;
    upload->on_rewind = options->on_body_rewind;
    upload->expect_timeout_ms =
        options->expect_timeout_ms > 0 ? options->expect_timeout_ms : EXPECT_MS;
    body->produced = options->on_body_wanted != NULL;
    body->data = options->body;
    body->length = length;
}

void rp__upload_copy(rp_request *request, const rp_request *from)
{
    const rp_body *body = &from->upload.body;
    rp__upload_make(request,
                    &(rp_request_options){.body = body->data,
                                          .expect_timeout_ms = from->upload.expect_timeout_ms},
                    body->length);
}

void rp__upload_pauses(rp_request *request)
{
    rp_upload *upload = &request->upload;
    if (!request->has_body)
        return;
    upload->body.held = false;
    rp_timer_stop(request->client->loop, &upload->expect_timer);
    rp__loop_undefer(&upload->asking);
}

static void trailers_free(rp_request *request)
{
    rp_body *body = body_of(request);
    rp__free_secret(&request->client->loop->memory, body->trailers, body->trailers_size);
    body->trailers = NULL;
    body->trailers_size = 0;
}

void rp__upload_free(rp_request *request)
{
    if (!request->has_body)
        return;
    rp__upload_pauses(request);
    trailers_free(request);
    rp__chain_clear(&body_of(request)->given);
    request->upload = (rp_upload){.on_wanted = NULL};
    request->has_body = false;
}

static void goes_on(rp_request *request)
{
    rp_upload *upload = &request->upload;
    rp_timer_stop(request->client->loop, &upload->expect_timer);
    upload->body.held = false;
    request->moved_ns = rp__loop_now_ns(request->client->loop);
    tell_protocol(request);
    ask(request);
}

static void waited_enough(rp_timer *timer, void *user)
{
    (void)timer;
    goes_on(user);
}

void rp__upload_begins(rp_request *request)
{
    rp_upload *upload = &request->upload;
    upload->asked = false;
    if (!rp__message_expects(&request->message, request->conn->protocol->version)) {
        goes_on(request);
        return;
    }
    upload->body.held = true;
    if (upload->expect_timeout_ms != RP_NEVER_MS)
        rp__timer_start_internal(request->client->loop, &upload->expect_timer,
                                 upload->expect_timeout_ms, waited_enough, request);
}

void rp__upload_ends(rp_request *request)
{
    if (!request->has_body)
        return;
    rp__upload_pauses(request);
    body_of(request)->stopped = true;
    note_lack(request);
}

/* What was held back is not sent at all (RFC 9110, 10.1.1); nor is the rest of what the server
 * refuses, or wants elsewhere, before it has it. One that takes it may answer while it comes. */
void rp__upload_answered(rp_request *request, const rp_response_head *head)
{
    const rp_body *body = body_of(request);
    if (!request->has_body)
        return;
    if (head->informational) {
        if (head->status == 100 && body->held)
            goes_on(request);
        return;
    }
    if (!body->held && (!body->produced || head->status < 300))
        return;
    rp__upload_ends(request);
}

void rp__upload_taken(rp_request *request)
{
    if (!request->has_body || !body_of(request)->produced)
        return;
    note_lack(request);
    ask(request);
}

const char *rp__upload_waits(const rp_request *request)
{
    const rp_body *body = &request->upload.body;
    if (request->state != RP_REQUEST_ACTIVE)
        return NULL;
    if (body->held)
        return "it waited for the server to take the body (100 Continue)";
    if (is_open(request) && rp__body_ready(body, 1) == 0)
        return "it waited for the caller to give more of the body";
    return NULL;
}

bool rp__upload_can_repeat(const rp_request *request)
{
    const rp_upload *upload = &request->upload;
    return !upload->body.produced || upload->body.taken_bytes == 0 || upload->on_rewind != NULL;
}

void rp__upload_repeats(rp_request *request)
{
    rp_body *body = body_of(request);
    rp__upload_pauses(request); /* what the last attempt waited for is nothing to the next one */
    if (body->produced && body->taken_bytes > 0) {
        rp__chain_clear(&body->given);
        trailers_free(request);
        body->given_bytes = 0;
        body->ended = false;
        body->again = true;
    }
    body->stopped = false;
    body->taken_bytes = 0;
}

/* ---- the caller's calls ---- */

static bool is_ours(const rp_request *request)
{
    return rp__loop_is_ours(request->client->loop);
}

static unsigned long long number(uint64_t value)
{
    return value;
}

size_t rp_request_give(rp_request *request, const void *data, size_t size)
{
    rp_error error;
    rp_body *body = body_of(request);
    if (!is_ours(request) || !is_open(request) || body->again)
        return 0;
    if (body->length != RP_LENGTH_UNKNOWN && size > body->length - body->given_bytes) {
        (void)rp__error_set(&error, RP_E_BODY_LENGTH, RP_PHASE_REQUEST,
                            "the caller gave more than the %llu bytes of the request's body that "
                            "it had announced",
                            number(body->length));
        rp__request_finish_later(request, &error);
        return 0;
    }
    size_t taken = size < room_of(body) ? size : room_of(body);
    if (taken == 0)
        return 0;
    bool waited = rp__upload_waits(request) != NULL;
    if (!rp__chain_append(&body->given, data, taken)) {
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_REQUEST,
                            "no memory for the request's body");
        rp__request_finish_later(request, &error);
        return 0;
    }
    body->given_bytes += taken;
    request->upload.asked = false;
    note_lack(request);
    if (waited) /* from here on it is the server's turn */
        request->moved_ns = rp__loop_now_ns(request->client->loop);
    tell_protocol(request);
    return taken;
}

static rp_status end_misuse(const rp_request *request, size_t trailer_count, rp_error *error)
{
    const rp_body *body = &request->upload.body;
    const char *what = NULL;
    if (!is_ours(request))
        return rp__loop_not_ours(error, RP_PHASE_REQUEST);
    if (!body->produced)
        what = "the request has no body that is given: on_body_wanted is not set";
    else if (body->ended)
        what = "the end of the request's body was told already";
    else if (trailer_count > 0 && body->length != RP_LENGTH_UNKNOWN)
        what = "trailers need a body of unknown length (RFC 9112, 7.1.2)";
    return what == NULL ? RP_OK : rp__error_set(error, RP_E_MISUSE, RP_PHASE_REQUEST, "%s", what);
}

rp_status rp_request_body_end(rp_request *request, const rp_header *trailers, size_t trailer_count,
                              rp_error *error)
{
    rp_error ignored;
    rp_body *body = body_of(request);
    if (error == NULL)
        error = &ignored;
    rp_status status = end_misuse(request, trailer_count, error);
    if (status != RP_OK || request->state == RP_REQUEST_ENDING || body->again)
        return status;
    bool is_short = body->length != RP_LENGTH_UNKNOWN && body->given_bytes < body->length;
    if (is_short && body->stopped)
        return status; /* nobody wanted the rest */
    if (is_short) {
        status = rp__error_set(error, RP_E_BODY_LENGTH, RP_PHASE_REQUEST,
                               "the caller ended the request's body after %llu of the %llu bytes "
                               "that it had announced",
                               number(body->given_bytes), number(body->length));
        rp__request_finish_later(request, error);
        return status;
    }
    status = rp__body_trailers_set(body, &request->client->loop->memory, &request->message,
                                   trailers, trailer_count, error);
    if (status != RP_OK)
        return status;
    body->ended = true;
    if (body->stopped)
        return RP_OK; /* the next try needs it */
    note_lack(request);
    request->moved_ns = rp__loop_now_ns(request->client->loop);
    tell_protocol(request);
    return RP_OK;
}

void rp_request_body_abort(rp_request *request)
{
    rp_error error;
    const rp_body *body = body_of(request);
    if (!is_ours(request) || !body->produced)
        return;
    (void)rp__error_set(&error, RP_E_BODY_ABORTED, RP_PHASE_REQUEST,
                        "the caller gave the request's body up after %llu bytes",
                        number(body->given_bytes));
    rp__request_finish_later(request, &error);
}
