/* conform.c - see conform.h. */
#include "support/conform.h"

#include "support/check.h"

#include <string.h>

typedef struct trial {
    const rule *rule;
    rp_sim_exchange *waiting, *tried; /* NULL: gone */
    unsigned resets;
    uint32_t reset_stream;
} trial;

/* ---- the server ---- */

static void answer(rp_sim_exchange *x)
{
    if (x != NULL)
        rp_sim_respond(x, 200, NULL, "good", 4);
}

static void answer_both(rp_sim_exchange *connection, void *user)
{
    trial *t = user;
    (void)connection;
    if (!t->rule->unanswered)
        answer(t->tried);
    else if (t->tried != NULL)
        rp_sim_end(t->tried, RP_SIM_KEEP);
    answer(t->waiting);
}

/* By the connection's script: it goes on when the client resets the stream. */
static void say(rp_sim_exchange *connection, trial *t)
{
    rp_sim_hold(connection);
    for (const rule_frame *f = t->rule->frames; f->payload != NULL; f++) {
        if (f->size == SIZE_MAX)
            rp_sim_headers(connection, f->flags, f->stream, f->payload, 0);
        else
            rp_sim_frame(connection, f->type, f->flags, f->stream, f->payload, f->size);
    }
    rp_sim_flush(connection);
    /* An answer would come to a closed socket, and be reset: Wine 10 then forgets the GOAWAY that
     * it has not told the server of. */
    if (t->rule->outcome == RULE_CONNECTION_ERROR)
        return;
    rp_sim_wait(connection, 10);
    rp_sim_call(connection, answer_both, t);
}

static void asked(rp_sim_exchange *x, void *user)
{
    scene *s = user;
    trial *t = (trial *)(uintptr_t)s->data;
    CHECK(rp_sim_version(x) == 20);
    if (strcmp(rp_sim_target(x), "/waiting") == 0) {
        t->waiting = x;
        if (t->rule->alone)
            answer(x);
    } else if (strcmp(rp_sim_target(x), "/tried") == 0) {
        CHECK_TEXT(rp_sim_stream(x) == 3 && (t->waiting == NULL) == t->rule->alone, t->rule->what);
        t->tried = x;
        say(rp_sim_connection(x), t);
    } else {
        answer(x);
    }
}

static void went(rp_sim_exchange *x, void *user)
{
    const scene *s = user;
    trial *t = (trial *)(uintptr_t)s->data;
    if (t->waiting == x)
        t->waiting = NULL;
    if (t->tried == x)
        t->tried = NULL;
}

static void frame_came(rp_sim_exchange *x, uint8_t type, uint8_t flags, uint32_t stream,
                       const uint8_t *payload, size_t size, void *user)
{
    const scene *s = user;
    trial *t = (trial *)(uintptr_t)s->data;
    (void)x;
    (void)flags;
    (void)payload;
    (void)size;
    if (type != RP_SIM_FRAME_RST_STREAM)
        return;
    t->resets++;
    t->reset_stream = stream;
}

/* ---- the client ---- */

static void start(scene *s, fetch *f, const char *path)
{
    rp_request_options options = {
        .method = "POST", .url = scene_url(s, path), .total_timeout_ms = 20000};
    if (!fetch_start(f, &s->web, NULL, &options))
        fail_msg("%s: %s", path, f->error.text);
}

static void expect_good(const rule *r, const char *who, const fetch *f)
{
    if (f->error.status != RP_OK)
        fail_msg("%s: the %s request: %s", r->what, who, f->error.text);
    assert_int_equal(f->status, 200);
}

static void expect_bad(const rule *r, const char *who, const fetch *f, rp_status status,
                       uint32_t code)
{
    if (f->error.status != status || f->error.h2_code != code || f->error.replay_safe)
        fail_msg("%s: the %s request: %s, code %u, %s: %s", r->what, who,
                 rp_status_name(f->error.status), f->error.h2_code,
                 f->error.replay_safe ? "safe" : "unsafe", f->error.text);
    if (r->words != NULL && strstr(f->error.text, r->words) == NULL)
        fail_msg("%s: \"%s\" is not in: %s", r->what, r->words, f->error.text);
}

static void judge(scene *s, const trial *t, const fetch *waiting, const fetch *tried)
{
    const rule *r = t->rule;
    rp_sim_server_counts counts = scene_counts(s);
    bool reset = r->outcome == RULE_STREAM_ERROR || r->reset_too,
         broken = r->outcome == RULE_CONNECTION_ERROR;
    uint32_t reset_code = r->reset_too ? r->reset_code : r->code;
    rp_status status = broken ? RP_E_H2_PROTOCOL : RP_E_BAD_RESPONSE;
    if (r->outcome == RULE_IGNORED || (r->apart && r->status == RP_OK))
        expect_good(r, "tried", tried);
    else
        expect_bad(r, "tried", tried, r->status != RP_OK ? r->status : status,
                   r->apart ? r->apart_code : r->code);
    if (broken && !r->alone)
        expect_bad(r, "waiting", waiting, status, r->code);
    else
        expect_good(r, "waiting", waiting);
    /* By chance what was said at the end is lost: a reset follows a close before all was read. */
    bool lost = broken && counts.goaways == 0 && fixture_simulated() && counts.open <= 1;
    /* A frame of a stream that ended may be an error of the stream by its first bytes, before the
     * rest comes, which breaks the connection. */
    bool before = broken && r->apart && t->resets == 1 && t->reset_stream == 3 &&
                  counts.reset_code == STREAM_CLOSED;
    if (!lost && !before &&
        (t->resets != reset ||
         (reset && (counts.reset_code != reset_code || t->reset_stream != 3))))
        fail_msg("%s: %u resets, the last of stream %u with code %u", r->what, t->resets,
                 t->reset_stream, counts.reset_code);
    if (!lost && (counts.goaways != broken || (broken && counts.goaway_code != r->code)))
        fail_msg("%s: %llu GOAWAYs, the last with code %u", r->what,
                 (unsigned long long)counts.goaways, counts.goaway_code);
}

/* Whether the server has heard what the rule asks for, or of the connection's end. */
static bool heard(const scene *s, const trial *t)
{
    rp_sim_server_counts counts = scene_counts(s);
    if (t->rule->outcome == RULE_CONNECTION_ERROR)
        return counts.goaways > 0 || counts.open == 0;
    return t->resets > 0 || (t->rule->outcome != RULE_STREAM_ERROR && !t->rule->reset_too);
}

static void hold(const rule *r)
{
    static const rp_client_options knowing = {.versions = RP_HTTP_2, .http2_prior_knowledge = true};
    rp_sim_server_options serving = {.versions = RP_SIM_HTTP_2,
                                     .on_request = asked,
                                     .on_gone = went,
                                     .on_frame = frame_came,
                                     .withheld = r->withheld};
    trial t = {.rule = r};
    fetch waiting = {0}, tried = {0}, next = {0};
    scene s;
    scene_begin(&s, 0, &serving, &knowing);
    s.data = &t;
    start(&s, &waiting, "/waiting");
    UNTIL(s.web.loop, (t.waiting != NULL && !r->alone) || waiting.dones > 0);
    start(&s, &tried, "/tried");
    fetch_wait(&tried);
    fetch_wait(&waiting);
    for (int i = 0; i < 4000 && !heard(&s, &t); i++) /* late, where the machine is busy */
        scene_settle(&s, 1);
    scene_settle(&s, 20);
    judge(&s, &t, &waiting, &tried);
    if (r->outcome == RULE_CONNECTION_ERROR)
        UNTIL(s.web.loop, scene_counts(&s).open == 0); /* 5.4.1 */
    unsigned connections = 1;
    if (r->withheld == 0) { /* or the next connection is no better */
        start(&s, &next, "/next");
        fetch_wait(&next);
        expect_good(r, "next", &next);
        connections += r->outcome == RULE_CONNECTION_ERROR;
    }
    if (scene_counts(&s).connections != connections || scene_counts(&s).malformed > 0)
        fail_msg("%s: %llu connections; %s", r->what,
                 (unsigned long long)scene_counts(&s).connections,
                 scene_counts(&s).malformed > 0 ? rp_sim_server_complaint(s.server) : "");
    scene_end(&s);
}

void conform_hold(const rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hold(&rules[i]);
}
