/* load.c - see load.h. */
#include "support/load.h"

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- the server ---- */

static double uniform(rp_sim *sim)
{
    return (double)rp_sim_random(sim, UINT64_C(1) << 32) / 4294967296.0;
}

/* Von Neumann's way, which takes no logarithm (Knuth, 3.4.1). */
static uint64_t exponential(rp_sim *sim, uint64_t mean)
{
    for (double whole = 0;; whole++) {
        double first = uniform(sim), last = first;
        unsigned run = 1;
        for (double next = uniform(sim); next <= last; next = uniform(sim)) {
            last = next;
            run++;
        }
        if (run % 2 == 1)
            return (uint64_t)((whole + first) * (double)mean);
    }
}

void load_serve(rp_sim_exchange *x, void *user)
{
    load_server *s = user;
    uint64_t now = rp_sim_now_ns(s->sim) / 1000, *first = &s->free_us[0];
    CHECK(s->workers <= LOAD_WORKERS);
    for (unsigned i = 1; i < s->workers; i++) {
        if (s->free_us[i] < *first)
            first = &s->free_us[i];
    }
    uint64_t takes = s->random ? exponential(s->sim, s->service_us) : s->service_us;
    *first = (*first > now ? *first : now) + takes;
    s->requests++;
    if ((*first - now) / 1000 > 0)
        rp_sim_wait(x, (*first - now) / 1000);
    rp_sim_respond(x, s->status == 0 ? 200 : s->status, s->headers, "ok\n", 3);
}

/* ---- the requests ---- */

typedef struct one {
    load *l;
    uint64_t began_ns;
    int status;
} one;

static void head_came(rp_request *request, const rp_response_head *head, void *user)
{
    (void)request;
    ((one *)user)->status = head->status;
}

static void note(load *l, const rp_error *error)
{
    l->why = error->status;
    memcpy(l->text, error->text, sizeof(l->text));
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    one *o = user;
    load *l = o->l;
    uint64_t now = rp_sim_now_ns(l->play->sim);
    (void)request;
    l->open--;
    l->attempts += summary->attempts;
    l->hedges += summary->hedges;
    if (summary->error == NULL && o->status == 200) {
        uint64_t second = (now - l->began_ns) / 1000000000u;
        if (second < LOAD_SECONDS)
            l->good_in[second]++;
        l->took_us[l->good++] = (now - o->began_ns) / 1000;
    } else {
        l->failed++;
        if (summary->error != NULL)
            note(l, summary->error);
    }
    free(o);
}

static const rp_response_events events = {.on_head = head_came, .on_done = done};

static void send_one(load *l)
{
    rp_request_options options = {0};
    rp_error error;
    one *o = calloc(1, sizeof(*o));
    CHECK(o != NULL);
    if (l->request != NULL)
        options = *l->request;
    if (options.url == NULL)
        options.url = play_url(l->play, "/");
    *o = (one){.l = l, .began_ns = rp_sim_now_ns(l->play->sim)};
    l->sent++;
    l->open++;
    if (rp_client_send(l->play->client, &options, &events, o, &error) != NULL)
        return;
    l->open--;
    l->refused++;
    note(l, &error);
    free(o);
}

static void due(rp_timer *timer, void *user)
{
    load *l = user;
    (void)timer;
    uint64_t now = (rp_sim_now_ns(l->play->sim) - l->began_ns) / 1000;
    uint64_t end = (uint64_t)l->seconds * 1000000;
    for (; l->next_us <= now && l->next_us < end;
         l->next_us += exponential(l->play->sim, 1000000 / l->per_second)) {
        if (l->each != NULL)
            l->each(l);
        send_one(l);
    }
    if (l->next_us < end)
        rp_timer_start(l->play->loop, &l->timer, (l->next_us - now) / 1000 + 1, due, l);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void load_run(load *l)
{
    l->began_ns = rp_sim_now_ns(l->play->sim);
    l->took_us = calloc((size_t)l->per_second * l->seconds * 2, sizeof(*l->took_us));
    CHECK(l->took_us != NULL);
    rp_timer_start(l->play->loop, &l->timer, 0, due, l);
    while (l->timer.private_started || l->open > 0)
        (void)rp_loop_turn(l->play->loop, RP_NEVER_MS);
    qsort(l->took_us, l->good, sizeof(*l->took_us), compare);
}

uint64_t load_percentile_us(const load *l, unsigned percent)
{
    CHECK(l->good > 0);
    return l->took_us[(l->good - 1) * percent / 100];
}

void load_end(load *l)
{
    free(l->took_us);
    l->took_us = NULL;
}
