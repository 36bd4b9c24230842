/* crowd.c - see foreign.h. */
#include "support/check.h"
#include "support/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct crowd_member {
    crowd *crowd;
    rp_request *request;
    unsigned number;
    uint64_t body_bytes;
    bool cancelled;
} crowd_member;

static void start(crowd_member *m);

static bool is_cancelled(const crowd *c, unsigned number)
{
    return c->cancel_every > 0 && number % c->cancel_every >= c->cancel_from;
}

static void cancel(crowd_member *m, unsigned at)
{
    if (m->cancelled || m->crowd->cancel_at != at || !is_cancelled(m->crowd, m->number))
        return;
    m->cancelled = true;
    rp_request_cancel(m->request);
}

static void head_came(rp_request *request, const rp_response_head *head, void *user)
{
    (void)request;
    if (!head->informational)
        cancel(user, 1);
}

static void body_came(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    crowd_member *m = user;
    (void)request;
    for (size_t i = 0; m->crowd->checked && i < size; i++)
        CHECK(data[i] == probe_byte(m->body_bytes + i));
    m->body_bytes += size;
    cancel(m, 2);
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    crowd_member *m = user;
    crowd *c = m->crowd;
    crowd_outcome outcome = CROWD_GOOD;
    CHECK(request == m->request);
    m->request = NULL;
    if (summary->error == NULL) {
        outcome = summary->status >= 200 && summary->status < 300 ? CROWD_GOOD : CROWD_FAILED;
    } else {
        outcome = m->cancelled && summary->error->status == RP_E_CANCELLED ? CROWD_CANCELLED
                                                                           : CROWD_FAILED;
    }
    if (outcome == CROWD_FAILED && c->failed++ == 0) {
        if (summary->error != NULL)
            c->error = *summary->error;
        else
            (void)snprintf(c->error.text, sizeof(c->error.text), "status %d", summary->status);
    }
    c->good += outcome == CROWD_GOOD;
    c->http2 += outcome == CROWD_GOOD && summary->version == 20;
    c->cancelled += outcome == CROWD_CANCELLED;
    c->outcomes[m->number] = (uint8_t)outcome;
    c->body_bytes += m->body_bytes;
    if (summary->attempts > c->most_attempts)
        c->most_attempts = summary->attempts;
    c->done++;
    if (c->on_done != NULL)
        c->on_done(c);
    start(m);
}

static const rp_response_events events = {head_came, body_came, done};

static void start(crowd_member *m)
{
    crowd *c = m->crowd;
    char url[256];
    rp_request_options options = c->request;
    if (c->started == c->total)
        return;
    m->number = c->started++;
    m->body_bytes = 0;
    m->cancelled = false;
    (void)snprintf(url, sizeof(url), "%.*s%u%s", (int)strcspn(c->url, "%"), c->url, m->number,
                   strstr(c->url, "%u") != NULL ? strstr(c->url, "%u") + 2 : "");
    options.url = url;
    m->request = rp_client_send(c->web->client, &options, &events, m, &c->error);
    CHECK_TEXT(m->request != NULL, c->error.text);
}

void crowd_begin(crowd *c, web *w)
{
    c->web = w;
    c->outcomes = calloc(c->total, 1);
    c->members = calloc(c->at_once, sizeof(*c->members));
    CHECK(c->outcomes != NULL && c->members != NULL);
    for (unsigned i = 0; i < c->at_once; i++) {
        c->members[i].crowd = c;
        start(&c->members[i]);
    }
}

static void turn(crowd *c)
{
    (void)rp_loop_turn(c->web->loop, 1000);
    for (unsigned i = 0; c->cancel_every > 0 && i < c->at_once; i++) {
        if (c->members[i].request != NULL)
            cancel(&c->members[i], 0);
    }
}

void crowd_run(crowd *c, web *w)
{
    uint64_t moved_ms = fixture_now_ms();
    unsigned before = 0;
    if (c->members == NULL)
        crowd_begin(c, w);
    while (c->done < c->total) {
        turn(c);
        if (c->done != before)
            moved_ms = fixture_now_ms();
        before = c->done;
        if (fixture_now_ms() > moved_ms + 30000)
            fail_msg("nothing moves: %u of %u are done, %u of them good; first failure: %s",
                     c->done, c->total, c->good, c->error.text);
    }
}

void crowd_end(crowd *c)
{
    free(c->members);
    free(c->outcomes);
    c->members = NULL;
    c->outcomes = NULL;
}

void crowd_good(crowd *c, web *w)
{
    crowd_run(c, w);
    if (c->failed > 0)
        fail_msg("%u of %u failed: %s", c->failed, c->total, c->error.text);
    assert_int_equal(c->http2, c->good);
    crowd_end(c);
}
