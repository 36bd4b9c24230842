/* producers.c - bodies that go up piece by piece: given at once or in their own time, of a length
 * that is known or not, with trailers, given up in the middle, and asked for beforehand
 * (100-continue) of servers that say yes, late, nothing, no, or answer instead. */
#include "swarm/world.h"

#include <stdio.h>
#include <string.h>

/* ---- plans ---- */

static void plan_expectation(world *w, call *c)
{
    c->expectation = (expectation)(1 + world_draw(w, EXPECTATIONS - 1));
    c->expect_ms = 1 + world_draw(w, w->knobs.real ? 50 : 2000);
    if (c->expectation != EXPECT_SILENCE && world_chance(w, 300))
        c->expect_ms = RP_NEVER_MS;
    if (c->expectation == EXPECT_ANSWER)
        c->early = c->flaw == FLAW_NONE && c->extra == EXTRA_NONE && !c->close_announced &&
                   !c->close_silent;
}

void call_plan_producer(world *w, call *c)
{
    bool uploads = strcmp(c->method, "POST") == 0 || strcmp(c->method, "PUT") == 0;
    if (!uploads || !world_chance(w, w->knobs.produced))
        return;
    if (c->upload_bytes > 0 && world_chance(w, 400))
        plan_expectation(w, c);
    if (world_chance(w, 200)) /* from memory, with an expectation or not */
        return;
    c->produced = true;
    c->length_known = c->upload_bytes > 0 && world_chance(w, 400);
    c->trailers = !c->length_known && world_chance(w, 500);
    c->give_bytes = 1 + (size_t)world_draw(w, 1 + world_draw(w, 100000));
    if (c->upload_bytes / c->give_bytes > 100)
        c->give_bytes = 1 + c->upload_bytes / 100;
    if (world_chance(w, 500))
        c->give_ms = 1 + world_draw(w, w->knobs.real ? 3 : 1 + world_draw(w, 300));
    c->rewinds = c->hops > 0 || c->expectation == EXPECT_NO || world_chance(w, 500);
    if (world_chance(w, 100))
        c->give_up_at = 1 + (size_t)world_draw(w, c->upload_bytes + 1);
    c->cancel_in_wanted = c->cancel_in_head && world_chance(w, 500);
}

/* ---- the client ---- */

static void give(call *c);

static void give_due(rp_timer *timer, void *user)
{
    call *c = user;
    (void)timer;
    ground_enter(c->world);
    give(c);
    ground_leave(c->world);
}

static void give_up(call *c)
{
    c->given_up = true;
    rp_request_body_abort(c->request);
    CHECK(rp_request_give(c->request, "x", 1) == 0);
}

static void end_body(call *c)
{
    char sum[16];
    rp_error error;
    (void)snprintf(sum, sizeof(sum), "%u", c->id);
    rp_header trailer = {"X-Sum", sum};
    rp_status status = rp_request_body_end(c->request, &trailer, c->trailers, &error);
    c->ended += status == RP_OK;
    /* A redirect may have taken the body away meanwhile. */
    CHECK_TEXT(status == RP_OK || (status == RP_E_MISUSE && c->told > 0) ||
                   (status == RP_E_NO_MEMORY && c->world->knobs.faulty),
               error.text);
    if (status == RP_E_NO_MEMORY)
        give_up(c);
}

static void give(call *c)
{
    world *w = c->world;
    rp_timer_stop(w->loop, &c->give_timer);
    while (c->given < c->upload_bytes) {
        size_t left = c->upload_bytes - c->given;
        size_t size = left < c->give_bytes ? left : c->give_bytes;
        if (c->give_up_at > 0 && c->given + size >= c->give_up_at) {
            give_up(c);
            return;
        }
        size_t taken = rp_request_give(c->request, w->upload + c->given, size);
        CHECK(taken <= size);
        c->given += taken;
        c->wanted = c->wanted && taken == 0;
        if (taken == 0) /* it is wanted again, or nothing is */
            return;
        if (c->give_ms > 0 && c->given < c->upload_bytes) {
            rp_timer_start(w->loop, &c->give_timer, c->give_ms, give_due, c);
            return;
        }
    }
    if (c->give_up_at > 0)
        give_up(c);
    else
        end_body(c);
}

static void take_wanted(call *c, rp_request *request, size_t room)
{
    rp_response_summary so_far;
    CHECK(c->request == request && !c->done && !c->cancelled && !c->given_up);
    CHECK(!c->world->client_is_gone);
    CHECK(room > 0 && room <= (size_t)64 * 1024);
    rp_request_summary_get(request, &so_far);
    unsigned time = so_far.attempts + c->told + c->rewound;
    CHECK(!c->wanted || time > c->wanted_time); /* each connection asks anew, or none twice */
    c->wanted = true;
    c->wanted_time = time;
    if (c->cancel_in_wanted)
        call_cancel(c);
    else
        give(c);
}

static void on_wanted(rp_request *request, size_t room, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    take_wanted(c, request, room);
    ground_leave(c->world);
}

static void on_rewind(rp_request *request, void *user)
{
    call *c = user;
    ground_enter(c->world);
    CHECK(c->request == request && !c->done && !c->cancelled && !c->given_up);
    CHECK(c->given > 0);
    rp_timer_stop(c->world->loop, &c->give_timer);
    c->given = 0;
    c->rewound++;
    ground_leave(c->world);
}

void call_body(call *c, rp_request_options *options)
{
    options->expect_continue = c->expectation != EXPECT_NONE;
    options->expect_timeout_ms = c->expect_ms;
    if (!c->produced) {
        options->body = c->upload_bytes > 0 ? c->world->upload : NULL;
        options->body_size = c->upload_bytes;
        return;
    }
    options->body_size = c->length_known ? c->upload_bytes : 0;
    options->on_body_wanted = on_wanted;
    options->on_body_rewind = c->rewinds ? on_rewind : NULL;
    if (!c->trailers)
        return;
    c->headers[options->header_count++] = (rp_header){"Trailer", "X-Sum"};
    options->headers = c->headers;
}

void call_body_ends(call *c)
{
    rp_timer_stop(c->world->loop, &c->give_timer);
    CHECK(!c->given_up || !c->good);
}

/* ---- the servers ---- */

bool call_expectation_fails(const rp_sim_exchange *x, const call *c)
{
    return c->expectation == EXPECT_NO && rp_sim_header(x, "Expect") != NULL;
}

static void continued(rp_sim_exchange *x, void *user)
{
    (void)x;
    *(bool *)user = true;
}

void call_expects(rp_sim_exchange *x, const call *c, bool *may_come)
{
    bool expected = rp_sim_header(x, "Expect") != NULL;
    CHECK(!expected || c->expectation != EXPECT_NONE);
    *may_come = !expected || c->expect_ms != RP_NEVER_MS;
    if (!expected || c->early || c->expectation == EXPECT_SILENCE)
        return;
    if (c->expectation == EXPECT_LATE)
        rp_sim_wait(x, world_draw(c->world, c->world->knobs.real ? 20 : 3000));
    rp_sim_call(x, continued, may_come);
    rp_sim_head(x, 100, NULL, 0);
}

void call_check_body(const rp_sim_exchange *x, const call *c)
{
    const char *sum = rp_sim_trailer(x, "X-Sum"), *length = rp_sim_header(x, "Content-Length");
    char text[32];
    if (!c->produced)
        return;
    CHECK(c->ended > 0);
    (void)snprintf(text, sizeof(text), "%u", c->id);
    CHECK(c->trailers ? sum != NULL && strcmp(sum, text) == 0 : sum == NULL);
    (void)snprintf(text, sizeof(text), "%zu", c->upload_bytes);
    CHECK(c->length_known ? length != NULL && strcmp(length, text) == 0 : length == NULL);
}
