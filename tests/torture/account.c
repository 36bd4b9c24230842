/* account.c - see torture.h. Each callback checks that it may come. */
#include "torture/torture.h"

#include <string.h>

#define TOTAL_MS 60000

uint8_t torture_byte(uint64_t offset)
{
    uint32_t x = (uint32_t)(offset >> 2) * 2654435761u;
    return (uint8_t)(x >> (offset & 3) * 8);
}

/* ---- events ---- */

static void check_callback(const ask *a, const rp_request *request)
{
    CHECK(a->started && !a->done && a->request == request);
}

static void head_came(rp_request *request, const rp_response_head *head, void *user)
{
    ask *a = user;
    check_callback(a, request);
    CHECK(!a->cancelled && !a->final_head &&
          head->informational == (head->status < 200 && head->status != 101));
    a->informational += head->informational;
    a->final_head = !head->informational;
    a->status = head->status;
    if (a->on_head != NULL)
        a->on_head(a);
}

static void body_came(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    ask *a = user;
    check_callback(a, request);
    CHECK(!a->cancelled && a->final_head && size > 0 && a->received + size <= a->size);
    for (size_t i = 0; i < size; i++)
        CHECK(data[i] == torture_byte(a->received + i));
    a->received += size;
    a->owed += size;
    if (a->on_body != NULL)
        a->on_body(a);
}

static void ended(ask *a, const rp_response_summary *summary)
{
    CHECK(!a->done);
    a->done = true;
    a->request = NULL;
    if (a->timer.private_started)
        rp_timer_stop(a->torture->loop, &a->timer);
    if (summary->error != NULL) {
        a->error = *summary->error;
        CHECK(a->error.status != RP_OK && a->error.text[0] != '\0');
    } else {
        CHECK(summary->status == a->status && a->final_head);
        CHECK(a->received == a->size || a->short_too);
        CHECK(summary->attempts > 0);
    }
    CHECK(summary->timings.total_us > 0);
    if (a->on_done != NULL)
        a->on_done(a);
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    check_callback(user, request);
    ended(user, summary);
}

static void collected(rp_collected *c, const rp_response_summary *summary, void *user)
{
    ask *a = user;
    CHECK(a->started && !a->done);
    if (summary->error == NULL) {
        a->final_head = true;
        a->status = c->status;
        a->received = c->body_size;
        for (size_t i = 0; i < c->body_size; i++)
            CHECK(c->body[i] == torture_byte(i));
    }
    ended(a, summary);
}

static const rp_response_events events = {
    .on_head = head_came, .on_body = body_came, .on_done = done};

/* ---- starting, waiting ---- */

void ask_begin(ask *a, const char *url, const rp_request_options *options)
{
    torture *t = a->torture;
    rp_request_options known = {0};
    if (options != NULL)
        known = *options;
    known.url = url;
    if (known.total_timeout_ms == 0)
        known.total_timeout_ms = TOTAL_MS;
    a->collect.on_done = collected;
    a->collect.user = a;
    void *user = a->collected ? (void *)&a->collect : (void *)a;
    rp_error error = {.status = RP_OK};
    a->request = rp_client_send(t->client, &known, a->collected ? &rp_collect_events : &events,
                                user, &error);
    a->started = a->request != NULL;
    if (a->started)
        return;
    CHECK(error.status != RP_OK && error.text[0] != '\0');
    a->error = error;
    a->done = true;
}

ask *ask_start(torture *t, const char *url, uint64_t size, const rp_request_options *options)
{
    CHECK(t->ask_count < ASKS_MOST);
    ask *a = &t->asks[t->ask_count++];
    *a = (ask){.torture = t, .size = size};
    ask_begin(a, url, options);
    return a;
}

void ask_cancel(ask *a)
{
    if (a->request == NULL)
        return;
    a->cancelled = true;
    rp_request_cancel(a->request);
}

bool asks_done(const torture *t)
{
    for (unsigned i = 0; i < t->ask_count; i++) {
        if (!t->asks[i].done)
            return false;
    }
    return true;
}

void asks_wait(torture *t)
{
    while (!asks_done(t))
        torture_turn(t);
}

bool torture_client(torture *t)
{
    rp_error error = {.status = RP_OK};
    rp_client_destroy(t->client);
    if (rp_client_create(&t->client, t->loop, &t->client_options, &error) == RP_OK)
        return true;
    CHECK_TEXT(t->may(&error) && t->client == NULL, error.text);
    return false;
}
