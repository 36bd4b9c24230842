/* leaving.c - requests that leave HTTP (rp_request_upgrade): what is behind the 101 comes by the
 * stream, all of it, whatever becomes of the request and its client meanwhile. */
#include "swarm/world.h"

#include <string.h>

/* Where a server may have fallen silent for good; really, before the watchdog takes that for a
 * hang. */
#define GIVEN_UP_MS 300000
#define GIVEN_UP_REAL_MS 5000

void call_plan_leaving(world *w, call *c)
{
    bool plainly = c->flaw == FLAW_NONE && c->extra == EXTRA_NONE && c->astray == AS_MEANT &&
                   c->hops == 0 && c->wire == NULL && !c->host->knobs->http2;
    bool forwarded = c->proxy != NULL && c->proxy->kind == PROXY_FORWARD;
    if (!plainly || forwarded || strcmp(c->method, "GET") != 0 ||
        !world_chance(w, w->knobs.leaving))
        return;
    c->leaves = true;
    c->status = 101;
    c->framing = NO_BODY;
    c->early = c->close_announced = c->close_silent = false;
}

/* ---- the stream ---- */

static void give_up(rp_timer *timer, void *user)
{
    call *c = user;
    (void)timer;
    CHECK(c->world->troubled);
    rp_stream_close(c->left);
}

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    CHECK(c->left == stream && c->done && size <= c->body_bytes - c->left_bytes);
    CHECK(c->credit_bytes == 0 || size <= c->credit_bytes);
    for (size_t i = 0; i < size; i++, c->left_bytes++)
        CHECK(data[i] == call_plain_byte(c, c->left_bytes));
    if (c->credit_bytes > 0)
        rp_stream_consume(stream, size);
    ground_leave(c->world);
}

static void on_end(rp_stream *stream, const rp_error *error, void *user)
{
    call *c = user;
    ground_enter(c->world);
    if (error != NULL)
        CHECK_TEXT(c->world->troubled, error->text);
    CHECK(error != NULL || c->world->troubled || c->left_bytes == c->body_bytes);
    rp_stream_close(stream);
    ground_leave(c->world);
}

static void on_close(rp_stream *stream, void *user)
{
    call *c = user;
    ground_enter(c->world);
    CHECK(c->left == stream);
    rp_timer_stop(c->world->loop, &c->leave_timer);
    c->left = NULL;
    c->world->left--;
    ground_leave(c->world);
}

void call_leave(call *c, rp_request *request)
{
    static const rp_stream_events events = {
        .on_data = on_data, .on_end = on_end, .on_close = on_close};
    if (!c->leaves || c->strange)
        return;
    c->left = rp_request_upgrade(request, &events, c);
    CHECK(c->left != NULL);
    c->world->left++;
    bool soon = c->world->knobs.real && c->world->troubled;
    rp_timer_start(c->world->loop, &c->leave_timer, soon ? GIVEN_UP_REAL_MS : GIVEN_UP_MS, give_up,
                   c);
}
