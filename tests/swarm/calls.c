/* calls.c - the client's requests: what is asked, what may come of it, what did. */
#include "swarm/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Goes with the head, in one piece. */
#define SMALL_UPLOAD 15000

static void refill(world *w);

/* ---- plans ---- */

static size_t size_up_to(world *w, size_t most)
{
    uint64_t below = 1 + world_draw(w, most + 1);
    return (size_t)world_draw(w, below);
}

static void plan_request(world *w, call *c)
{
    static const char *const others[] = {"GET", "GET", "GET", "HEAD", "DELETE", "OPTIONS"};
    if (world_chance(w, w->knobs.uploads)) {
        c->method = world_chance(w, 500) ? "POST" : "PUT";
        c->upload_bytes = size_up_to(w, w->knobs.upload_bytes);
    } else {
        c->method = others[world_draw(w, sizeof(others) / sizeof(others[0]))];
    }
    if (world_chance(w, w->knobs.credited))
        c->credit_bytes = 1 + size_up_to(w, 40000);
    if (world_chance(w, w->knobs.limited)) {
        uint64_t limit = w->knobs.limit_ms;
        c->total_ms = w->knobs.same_limit ? limit : 1 + world_draw(w, limit);
        if (world_chance(w, 200))
            c->first_byte_ms = 1 + world_draw(w, 1 + world_draw(w, 5000));
        if (world_chance(w, 200))
            c->idle_ms = 1 + world_draw(w, 5000);
    }
    if (world_chance(w, w->knobs.cancelled)) {
        uint64_t how = world_draw(w, 4);
        c->cancel_in_head = how == 0;
        c->cancel_in_body = how == 1;
        c->cancel_us = how < 2 ? 0 : 1 + world_draw(w, 1 + world_draw(w, 300000));
    }
}

static void plan_answer(world *w, call *c)
{
    static const unsigned codes[] = {200, 200, 200, 201, 302, 404, 500, 204, 304};
    c->status = codes[world_draw(w, sizeof(codes) / sizeof(codes[0]))];
    c->framing = (framing)world_draw(w, 2);
    c->body_bytes = size_up_to(w, w->knobs.body_bytes);
    c->piece_bytes = 1 + size_up_to(w, 16384);
    if (c->body_bytes / c->piece_bytes > 200) /* else the steps are too many */
        c->piece_bytes = c->body_bytes / 200;
    if (w->knobs.real && c->credit_bytes > 0 && c->body_bytes / c->credit_bytes > 200)
        c->credit_bytes = c->body_bytes / 200; /* it comes back every few milliseconds */
    if (world_chance(w, w->knobs.slow))
        c->wait_ms = 1 + world_draw(w, w->knobs.real ? 2 : 30);
    if (world_chance(w, w->knobs.informational))
        c->informational = 1 + (unsigned)world_draw(w, 4);
    c->close_announced = world_chance(w, c->host->knobs->announced_close);
    c->close_silent = !c->close_announced && world_chance(w, c->host->knobs->silent_close);
    if (c->close_announced && c->framing == BY_LENGTH && world_chance(w, 300))
        c->framing = BY_CLOSE;
    bool bodiless = c->status == 204 || c->status == 304 || strcmp(c->method, "HEAD") == 0;
    if (bodiless)
        c->framing = NO_BODY;
    if (c->host->knobs->http2 && c->framing == BY_CLOSE)
        c->framing = BY_CHUNKS;
}

/* Without its body's end an answer of these is not whole. */
static void plan_flaw(world *w, call *c)
{
    if (c->framing == NO_BODY || !world_chance(w, w->knobs.flawed))
        return;
    c->flaw = (flaw)(1 + world_draw(w, FLAWS - 1));
    c->flaw_at = (size_t)world_draw(w, c->body_bytes + 1);
    if (c->host->knobs->http2 && c->flaw == FLAW_SHORT)
        c->framing = BY_LENGTH;
    if (c->framing == BY_CLOSE && (c->flaw == FLAW_SHORT || c->host->knobs->plain))
        c->framing = BY_LENGTH; /* there a close is no flaw */
    if (c->framing == BY_LENGTH) {
        c->body_bytes++;
        c->flaw_at = (size_t)world_draw(w, c->body_bytes);
    }
    if (c->flaw == FLAW_BAD_CHUNK) {
        c->framing = BY_CHUNKS;
        c->close_announced = false;
    }
}

static void plan_extra(world *w, call *c)
{
    if (!world_chance(w, w->knobs.extras) || c->flaw != FLAW_NONE || c->framing == BY_CLOSE ||
        c->host->knobs->http2)
        return;
    c->extra = (extra)(1 + world_draw(w, EXTRAS - 1));
    if (c->extra == EXTRA_BODY && c->framing != NO_BODY)
        c->extra = EXTRA_ANSWER;
    c->close_announced = c->close_silent = false;
    c->place = (place)world_draw(w, PLACES);
    if (c->place == IN_RECORD && c->wire != NULL)
        c->place = IN_SEGMENT;
    if (c->place == IN_RECORD) {
        c->body_bytes %= 8000; /* one record for all */
        c->informational = 0;
    }
}

static void plan_astray(world *w, call *c)
{
    if (!world_chance(w, w->knobs.astray))
        return;
    c->astray = (astray)(1 + world_draw(w, ASTRAYS - 1));
    if (c->astray == WRONG_NAME && c->host->knobs->plain)
        c->astray = NO_SUCH_NAME;
}

void calls_plan(world *w)
{
    w->calls = calloc(w->knobs.calls, sizeof(*w->calls));
    w->upload = malloc(w->knobs.upload_bytes + 1);
    CHECK(w->calls != NULL && w->upload != NULL);
    for (size_t i = 0; i < w->knobs.upload_bytes; i++)
        w->upload[i] = (char)world_byte(0, true, i);
    for (unsigned i = 0; i < w->knobs.calls; i++) {
        call *c = &w->calls[i];
        c->world = w;
        c->id = i;
        c->host = &w->hosts[world_draw(w, w->knobs.host_count)];
        plan_request(w, c);
        plan_answer(w, c);
        c->events = w->knobs.events > 0 && world_chance(w, w->knobs.events);
        call_plan_coding(w, c);
        plan_flaw(w, c);
        plan_extra(w, c);
        plan_astray(w, c);
        call_plan_proxy(w, c);
        call_plan_redirects(w, c);
        if (w->knobs.cuts)
            c->cut = (cut)world_draw(w, CUTS);
        if (c->place == IN_RECORD && c->extra != EXTRA_NONE)
            c->cut = CUT_RECORD;
        /* A connection that closes while the body is on its way resets it, answer and all. */
        bool closes =
            c->flaw != FLAW_NONE || c->extra != EXTRA_NONE || c->close_announced || c->close_silent;
        c->early = !closes && world_chance(w, w->knobs.early);
        if (w->knobs.busy > 0 && world_chance(w, w->knobs.busy))
            c->busy = 1 + (unsigned)world_draw(w, 3);
        c->early_hints = c->upload_bytes > 0 && !c->early && world_chance(w, w->knobs.early);
        if (w->knobs.produced > 0)
            call_plan_producer(w, c);
        if (w->knobs.leaving > 0)
            call_plan_leaving(w, c);
    }
}

void call_answer_head(const call *c, char *text, size_t size)
{
    int used = snprintf(text, size, "HTTP/1.1 %u Status\r\nX-Id: %u\r\n", c->status, c->id);
    bool length =
        c->framing == BY_LENGTH || (c->framing == NO_BODY && c->status != 204 && !c->leaves);
    if (length)
        used +=
            snprintf(text + used, size - (size_t)used, "Content-Length: %zu\r\n", c->body_bytes);
    if (c->encoding[0] != '\0')
        used += snprintf(text + used, size - (size_t)used, "Content-Encoding: %s\r\n", c->encoding);
    if (c->framing == BY_CHUNKS)
        used += snprintf(text + used, size - (size_t)used, "Transfer-Encoding: chunked\r\n");
    if (c->host->knobs->keep_alive_s > 0)
        used += snprintf(text + used, size - (size_t)used, "Keep-Alive: timeout=%u\r\n",
                         c->host->knobs->keep_alive_s);
    if (c->close_announced)
        used += snprintf(text + used, size - (size_t)used, "Connection: close\r\n");
    if (c->leaves)
        used +=
            snprintf(text + used, size - (size_t)used, "Connection: Upgrade\r\nUpgrade: swarm\r\n");
    (void)snprintf(text + used, size - (size_t)used, "\r\n");
}

/* ---- what may come of it ---- */

static bool encrypted_to(const call *c, const host *h)
{
    return h->knobs->plain == (c->astray == WRONG_SCHEME);
}

static bool encrypted(const call *c)
{
    return encrypted_to(c, c->way[0].host);
}

/* Client and server have no version in common. */
static bool incompatible_with(const call *c, const host *h)
{
    rp_tls_version mine = c->world->knobs.client_version, theirs = h->knobs->version;
    return encrypted_to(c, h) && c->astray != WRONG_SCHEME && mine != 0 && theirs != 0 &&
           mine != theirs;
}

static bool may_leave(const call *c, const host *h)
{
    (void)c;
    return h->knobs->http2 && h->knobs->announced_close + h->knobs->refuses > 0;
}

static bool speaks_2(const call *c, const host *h)
{
    (void)c;
    return h->knobs->http2;
}

static bool may_be_stale(const call *c, const host *h)
{
    bool late = h->knobs->keep_alive_s > 0 && c->world->knobs.host_pauses > 0;
    return !h->knobs->http2 && (h->knobs->silent_close > 0 || h->hangs_up || late);
}

static bool is_premature(const call *c, const host *h)
{
    (void)c;
    return h->knobs->premature > 0;
}

/* The name's address is told to a proxy, and the look-up a part of the handshake. */
static bool is_looked_up_for(const call *c)
{
    return c->proxy != NULL && c->proxy->kind == PROXY_SOCKS5;
}

static bool limit_explains(const call *c, rp_status status)
{
    const rp_client_options *o = &c->world->knobs.client;
    bool pauses = c->world->knobs.host_pauses > 0; /* through any limit's end, the defaults' too */
    switch (status) {
    case RP_E_TOTAL_TIMEOUT:
        return c->total_ms > 0;
    case RP_E_FIRST_BYTE_TIMEOUT:
        return c->first_byte_ms > 0 || pauses;
    case RP_E_IDLE_TIMEOUT:
        return c->idle_ms > 0 || pauses;
    case RP_E_QUEUE_TIMEOUT:
        return o->queue_timeout_ms > 0;
    case RP_E_QUEUE_FULL:
        return o->queue_limit > 0;
    case RP_E_DECODER_MEMORY:
        return o->decoder_memory_limit_bytes > 0 && c->wire != NULL;
    case RP_E_RESOLVE_TIMEOUT:
        return o->resolve_timeout_ms > 0 || pauses ||
               (is_looked_up_for(c) && o->handshake_timeout_ms > 0);
    case RP_E_CONNECT_TIMEOUT:
        return o->connect_timeout_ms > 0 || pauses;
    case RP_E_HANDSHAKE_TIMEOUT:
        return o->handshake_timeout_ms > 0 || pauses;
    case RP_E_PROXY_TIMEOUT: /* which asking the proxy is a part of */
        return c->proxy != NULL && (o->handshake_timeout_ms > 0 || pauses);
    default:
        return false;
    }
}

static bool astray_explains(const call *c, rp_status status)
{
    switch (c->astray) {
    case NO_SUCH_NAME:
        return status == RP_E_RESOLVE_NOT_FOUND;
    case NOBODY_LISTENS:
        return status == RP_E_CONNECT_REFUSED;
    case WRONG_NAME:
        return status == RP_E_CERT_HOST_MISMATCH;
    case WRONG_SCHEME:
        return status == RP_E_BAD_RESPONSE || status == RP_E_NOT_HTTP ||
               status == RP_E_TLS_PROTOCOL || status == RP_E_CLOSED_EARLY || status == RP_E_RESET ||
               status == RP_E_STALE_CONNECTION || /* behind one that was cancelled */
               (c->world->knobs.client.http2_prior_knowledge &&
                (status == RP_E_H2_NOT_SPOKEN || status == RP_E_H2_PROTOCOL));
    default:
        return false;
    }
}

static bool flaw_explains_2(const call *c, rp_status status)
{
    /* A server that leaves, or refuses, again and again. */
    if (status == RP_E_H2_RESET && c->asked == 0 && call_any_host(c, may_leave))
        return true;
    switch (c->flaw) {
    case FLAW_SHORT:
        return status == RP_E_BODY_TRUNCATED || status == RP_E_BAD_RESPONSE;
    case FLAW_BAD_HEAD:
        return status == RP_E_BAD_RESPONSE;
    case FLAW_HUGE_HEAD:
        return status == RP_E_HEAD_TOO_LARGE;
    case FLAW_CUT:
    case FLAW_RESET:
    case FLAW_BAD_CHUNK:
    case FLAW_SILENCE:
        return status == RP_E_H2_RESET;
    default:
        return false;
    }
}

/* A connection that ends before the answer is another thing where it had served before. */
static bool flaw_explains(const call *c, rp_status status)
{
    switch (c->flaw) {
    case FLAW_SHORT:
        return status == RP_E_BODY_TRUNCATED;
    case FLAW_CUT:
        return status == RP_E_TRUNCATED || status == RP_E_BODY_TRUNCATED;
    case FLAW_RESET:
        return status == RP_E_RESET || status == RP_E_STALE_CONNECTION;
    case FLAW_BAD_HEAD:
    case FLAW_BAD_CHUNK:
        return status == RP_E_BAD_RESPONSE;
    case FLAW_HUGE_HEAD:
        return status == RP_E_HEAD_TOO_LARGE;
    case FLAW_SILENCE:
        return status == RP_E_CLOSED_EARLY || status == RP_E_STALE_CONNECTION ||
               ((c->early_hints || c->expectation != EXPECT_NONE) && /* 103, or 100, came */
                status == RP_E_BODY_TRUNCATED);
    default:
        return false;
    }
}

/* What was announced may be gone when the next request comes; a replay is not always allowed. */
static bool stale_explains(const call *c, rp_status status)
{
    return status == RP_E_STALE_CONNECTION && call_any_host(c, may_be_stale);
}

static bool may_fail_so(const call *c, rp_status status)
{
    const world *w = c->world;
    if (w->troubled && status != RP_E_CANCELLED && status != RP_E_INTERNAL &&
        status != RP_E_MISUSE && status != RP_E_TOTAL_TIMEOUT)
        return status != RP_E_NO_MEMORY || w->knobs.faulty;
    if (status == RP_E_CANCELLED)
        return c->cancelled || w->client_is_gone;
    if (status == RP_E_BODY_ABORTED)
        return c->given_up;
    if (limit_explains(c, status) || astray_explains(c, status) || proxy_explains(c, status))
        return true;
    if (c->coding_fault != RP_OK && c->framing != NO_BODY && status == c->coding_fault)
        return true;
    if (call_refused_hop(c) < c->hops &&
        (status == RP_E_REDIRECT_LIMIT || status == RP_E_REDIRECT_REFUSED))
        return true;
    if (call_any_host(c, incompatible_with) &&
        (status == RP_E_TLS_VERSION || status == RP_E_TLS_ALERT))
        return true;
    if (call_any_host(c, encrypted_to) && w->knobs.distrusts && status == RP_E_CERT_UNTRUSTED)
        return true;
    if (call_any_host(c, is_premature) && status == RP_E_BAD_RESPONSE)
        return true;
    if (c->hops > 0 && (stale_explains(c, status) || flaw_explains_2(c, status)))
        return true;
    if (c->host->knobs->http2)
        return flaw_explains_2(c, status);
    return flaw_explains(c, status) || stale_explains(c, status);
}

static bool may_succeed(const call *c)
{
    bool flawed = c->flaw != FLAW_NONE;
    bool refused = (c->world->knobs.distrusts && call_any_host(c, encrypted_to)) ||
                   call_any_host(c, incompatible_with) || !call_may_redirect(c) ||
                   (c->coding_fault != RP_OK && c->framing != NO_BODY);
    return c->astray == AS_MEANT && !flawed && !refused && !c->cancelled &&
           !c->world->client_is_gone;
}

/* ---- events ---- */

static void credit_due(rp_timer *timer, void *user);

static void credit_back(call *c)
{
    if (c->owed == 0)
        return;
    uint64_t part = 1 + world_draw(c->world, c->owed);
    c->owed -= part;
    rp_request_consume(c->request, (size_t)part);
    if (c->owed > 0)
        rp_timer_start(c->world->loop, &c->timer, world_draw(c->world, 20), credit_due, c);
}

static void credit_due(rp_timer *timer, void *user)
{
    call *c = user;
    (void)timer;
    ground_enter(c->world);
    credit_back(c);
    ground_leave(c->world);
}

void calls_credit_back(world *w)
{
    unsigned count = w->next_call;
    if (w->knobs.credited == 0 || count == 0 || !world_chance(w, 250))
        return;
    unsigned first = (unsigned)world_draw(w, count);
    for (unsigned i = 0; i < count; i++) {
        call *c = &w->calls[(first + i) % count];
        if (c->request == NULL || c->owed == 0)
            continue;
        credit_back(c);
        return;
    }
}

static void cancel_due(rp_timer *timer, void *user)
{
    call *c = user;
    (void)timer;
    ground_enter(c->world);
    call_cancel(c);
    ground_leave(c->world);
}

void call_cancel(call *c)
{
    if (c->request == NULL)
        return;
    c->cancelled = true;
    rp_request_cancel(c->request);
}

static void check_listening(const call *c, const rp_request *request)
{
    CHECK(c->request == request && !c->done && !c->cancelled && !c->world->client_is_gone);
}

/* The answer of another, or none. What was unsolicited and came before anything of this request had
 * left is a fault at once; calls_end judges the rest. */
static void becomes_strange(call *c, uint64_t bytes_sent)
{
    c->strange = true;
    if (c->proxy != NULL && c->proxy->kind == PROXY_FORWARD &&
        (c->world->knobs.proxy_misbehaves > 0 || c->world->troubled)) { /* it answers itself */
        c->excused = true;
        return;
    }
    CHECK(c->world->knobs.extras + c->host->knobs->premature > 0 && bytes_sent > 0);
}

static void check_head(call *c, const rp_response_head *head)
{
    CHECK(c->heads == 0);
    if (head->informational) {
        CHECK(head->status == 103 || (head->status == 100 && c->expectation != EXPECT_NONE));
        c->infos += head->status == 103;
        return;
    }
    c->heads++;
    CHECK(head->status == (int)c->status && c->told == c->hops);
    CHECK(c->framing != BY_LENGTH || head->content_length == c->body_bytes);
}

static void take_head(call *c, rp_request *request, const rp_response_head *head)
{
    bool found = false;
    char id[16];
    rp_response_summary so_far;
    check_listening(c, request);
    c->moved_us = world_now_us(c->world) - c->started_us;
    (void)snprintf(id, sizeof(id), "%u", c->id);
    for (size_t i = 0; i < head->header_count; i++)
        found = found || ((strcmp(head->headers[i].name, "X-Id") == 0 ||
                           (head->version == 20 && strcmp(head->headers[i].name, "x-id") == 0)) &&
                          strcmp(head->headers[i].value, id) == 0);
    rp_request_summary_get(request, &so_far);
    if (head->status == 503 && c->was_busy) { /* nor is it judged further */
        c->strange = c->excused = true;
        c->heads++;
    } else if (!found && (head->status != 100 || c->expectation == EXPECT_NONE)) {
        becomes_strange(c, so_far.bytes_sent);
    }
    if (!c->strange)
        check_head(c, head);
    if (!head->informational)
        call_leave(c, request);
    if (c->cancel_in_head)
        call_cancel(c);
}

/* Of a bomb a mebibyte, and one for a piece. */
static uint64_t decoded_most(const call *c)
{
    uint64_t most = c->zeros ? (uint64_t)2 << 20 : c->wire != NULL ? c->plain_bytes : c->body_bytes;
    return c->decoded_limit > 0 && c->decoded_limit < most ? c->decoded_limit : most;
}

static void take_body(call *c, rp_request *request, const uint8_t *data, size_t size)
{
    check_listening(c, request);
    CHECK(size > 0);
    c->moved_us = world_now_us(c->world) - c->started_us;
    for (size_t i = 0; i < size; i++, c->received++)
        CHECK(c->strange || data[i] == (c->zeros ? 0 : call_plain_byte(c, c->received)));
    call_hear(c, data, size);
    CHECK(c->strange || (c->heads == 1 && c->received <= decoded_most(c)));
    if (c->credit_bytes > 0) {
        c->owed += size;
        CHECK(c->owed <= c->credit_bytes);
        rp_timer_start(c->world->loop, &c->timer, world_draw(c->world, 20), credit_due, c);
    }
    calls_credit_back(c->world);
    if (c->cancel_in_body)
        call_cancel(c);
}

static unsigned tries_of(const call *c)
{
    return c->world->knobs.tries;
}

static void check_success(const call *c, const rp_response_summary *summary)
{
    if (c->strange)
        return;
    CHECK(may_succeed(c));
    CHECK(c->heads == 1 && summary->status == (int)c->status);
    CHECK(tries_of(c) > 1 || c->infos == c->informational + c->early_hints);
    /* Without TLS nobody can tell such a body's end from a connection that was cut; and with it not
     * from one that its server dropped politely. */
    bool unsure = c->framing == BY_CLOSE && c->world->troubled &&
                  (c->host->knobs->plain || c->world->knobs.drops > 0);
    CHECK(unsure || c->received == (c->framing == NO_BODY ? 0 : decoded_most(c)));
    CHECK(c->told == c->hops && summary->redirects == c->hops);
    CHECK(unsure || c->wire == NULL || c->framing == NO_BODY ||
          summary->body_bytes == c->body_bytes);
    CHECK(summary->attempts >= 1 && summary->address[0] != '\0');
    CHECK((summary->tls_version != NULL) == !c->host->knobs->plain);
    CHECK(summary->version == (c->host->knobs->http2 ? 20 : 11));
    CHECK(c->asked >= 1);
    CHECK(c->early || c->hops > 0 || summary->body_bytes_sent == c->upload_bytes);
}

static uint64_t or_default(uint64_t limit_ms)
{
    return limit_ms == 0 ? 10000 : limit_ms;
}

/* What is over in time has no more limit, and a limit strikes when it is over: to the
 * millisecond. */
static void check_limit(const call *c, const rp_response_summary *summary)
{
    const rp_client_options *o = &c->world->knobs.client;
    const rp_timings *t = &summary->timings;
    const rp_error *error = summary->error;
    uint64_t took_us = c->done_us - c->started_us, since_us = 0, limit_ms = 0;
    uint64_t late_us = world_late_us(c->world);
    switch (error->status) {
    case RP_E_TOTAL_TIMEOUT:
        limit_ms = c->total_ms;
        break;
    case RP_E_QUEUE_TIMEOUT:
        CHECK(took_us + 1 >= o->queue_timeout_ms * 1000); /* it may have waited twice */
        break;
    case RP_E_RESOLVE_TIMEOUT:
        if (is_looked_up_for(c))
            break;
        CHECK(t->resolved_us == 0);
        limit_ms = or_default(o->resolve_timeout_ms);
        since_us = t->queued_us;
        break;
    case RP_E_CONNECT_TIMEOUT:
        CHECK(t->connected_us == 0);
        limit_ms = or_default(o->connect_timeout_ms);
        since_us = t->resolved_us;
        break;
    case RP_E_HANDSHAKE_TIMEOUT:
        CHECK(t->connected_us > 0 && t->handshaken_us == 0);
        limit_ms = or_default(o->handshake_timeout_ms);
        since_us = t->connected_us;
        if (c->host->knobs->dead_address) /* told when the last address's socket is closed */
            late_us += 20000;
        break;
    case RP_E_FIRST_BYTE_TIMEOUT:
        CHECK(c->heads == 0 && t->first_byte_us == 0);
        /* A large request, and one whose body was given, though it be of no bytes, may have left
         * later than it was handed over: invariants.c looks. */
        CHECK(took_us + 1 >= t->sent_us + c->first_byte_ms * 1000);
        if (!c->produced && c->upload_bytes <= (c->host->knobs->http2 ? 0 : SMALL_UPLOAD))
            limit_ms = c->first_byte_ms;
        since_us = t->sent_us;
        break;
    case RP_E_IDLE_TIMEOUT:
        CHECK(took_us + 1 >= c->moved_us + c->idle_ms * 1000);
        CHECK((error->phase == RP_PHASE_REQUEST) == (t->sent_us == 0 && c->heads == 0));
        break;
    default:
        break;
    }
    uint64_t end_us = since_us + limit_ms * 1000; /* a time of 0 us is told as 1 */
    CHECK(limit_ms == 0 || (took_us + 1 >= end_us && took_us <= end_us + late_us));
}

/* Bytes that came when the request had left already are its answer, as far as anybody can know. */
static bool unsolicited_explains(const call *c, const rp_error *error)
{
    return c->world->knobs.extras > 0 && error->reused && error->bytes_sent > 0 &&
           (error->status == RP_E_BAD_RESPONSE || error->status == RP_E_NOT_HTTP ||
            error->status == RP_E_HEAD_TOO_LARGE || error->status == RP_E_BODY_TRUNCATED);
}

static void check_failure(call *c, const rp_response_summary *summary)
{
    const rp_error *error = summary->error;
    if (!c->strange && !may_fail_so(c, error->status) && unsolicited_explains(c, error))
        c->strange = true;
    if (!c->strange && !may_fail_so(c, error->status)) {
        (void)fprintf(stderr, "call %u (%s, flaw %d, astray %d) ended so: %s in %s: %s\n", c->id,
                      c->method, (int)c->flaw, (int)c->astray, rp_status_name(error->status),
                      rp_phase_name(error->phase), error->text);
        abort();
    }
    CHECK(error->text[0] != '\0' && strchr(error->text, '\n') == NULL);
    check_limit(c, summary);
    CHECK(error->bytes_sent == summary->bytes_sent);
    /* One that never left goes to another connection. */
    CHECK(error->status != RP_E_STALE_CONNECTION || error->bytes_sent > 0);
}

static void take_end(call *c, rp_request *request, const rp_response_summary *summary)
{
    world *w = c->world;
    CHECK(c->request == request && !c->done);
    c->request = NULL;
    c->done = true;
    c->done_us = world_now_us(w);
    c->good = summary->error == NULL;
    c->attempts = summary->attempts;
    c->status_code = c->good ? RP_OK : summary->error->status;
    c->followed = summary->redirects;
    CHECK(c->followed <= c->told);
    if (c->followed > c->hop_seen) { /* of the last one nobody has seen anything */
        c->hop_seen = c->followed;   /* nor counts a late copy of an earlier one */
        c->asked = 0;
        c->seen = 0;
    }
    c->told_sent = summary->bytes_sent;
    c->told_safe = !c->good && summary->error->replay_safe;
    CHECK((summary->decoded ? summary->decoded_bytes : summary->body_bytes) == c->received ||
          c->told > c->heads);
    CHECK(call_any_host(c, speaks_2) || c->expectation == EXPECT_NO ||
          c->attempts <= (w->knobs.client.never_replay ? 1u : 2u) * tries_of(c));
    if (c->good)
        check_success(c, summary);
    else
        check_failure(c, summary);
    /* To the millisecond, whatever it was that kept it. */
    CHECK(c->total_ms == 0 || c->done_us - c->started_us <= c->total_ms * 1000 + world_late_us(w));
    rp_timer_stop(w->loop, &c->timer);
    rp_timer_stop(w->loop, &c->cancel_timer);
    call_body_ends(c);
    call_hear_end(c);
    w->active--;
    w->done++;
    refill(w);
}

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    take_head(c, request, head);
    ground_leave(c->world);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    take_body(c, request, data, size);
    ground_leave(c->world);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    take_end(c, request, summary);
    ground_leave(c->world);
}

static bool on_redirect(rp_request *request, rp_redirect *redirect, void *user)
{
    call *c = user;
    ground_enter(c->world);
    ground_moves(c->world);
    check_listening(c, request);
    bool follow = call_redirected(c, redirect);
    ground_leave(c->world);
    return follow;
}

static const rp_response_events events = {
    .on_head = on_head, .on_body = on_body, .on_done = on_done};

/* ---- starting ---- */

/* The defaults would end what nothing else ends, a lost completion say, and hide it. */
static uint64_t or_never(uint64_t limit_ms)
{
    return limit_ms == 0 ? RP_NEVER_MS : limit_ms;
}

static void url_of(const call *c, char *url, size_t size)
{
    const char *scheme = encrypted(c) ? "https" : "http";
    const char *name = host_name(c->way[0].host);
    char wrong[32];
    (void)snprintf(wrong, sizeof(wrong), "%c.wrong.test", name[0]);
    if (c->astray == NO_SUCH_NAME)
        name = "nothing.example.test";
    if (c->astray == NOBODY_LISTENS)
        name = "nobody.example.test";
    if (c->astray == WRONG_NAME)
        name = wrong;
    if (c->astray == WRONG_SCHEME && c->host->port == 0)
        (void)snprintf(url, size, "%s://%s:%d/%u", scheme, name, encrypted(c) ? 80 : 443, c->id);
    else
        call_url(c, 0, scheme, name, url, size);
}

static void start(world *w, call *c)
{
    char url[128];
    rp_error error;
    url_of(c, url, sizeof(url));
    rp_request_options options = {
        .url = url,
        .method = c->method,
        .total_timeout_ms = c->total_ms,
        .first_byte_timeout_ms = or_never(c->first_byte_ms),
        .idle_timeout_ms = or_never(c->idle_ms),
        .receive_credit_bytes = c->credit_bytes,
        .redirects_limit = c->hops_limit,
        .redirect_flags = c->insecure ? RP_REDIRECT_INSECURE : 0,
        .on_redirect = on_redirect,
        .proxy = c->proxy != NULL ? c->proxy->proxy : NULL,
        .decompress = c->decompress,
        .upgrade = c->leaves ? "swarm" : NULL,
        .decompressed_limit_bytes = c->decoded_limit,
    };
    call_secrets(c, &options);
    call_body(c, &options);
    c->started = true;
    c->started_us = world_now_us(w);
    w->active++;
    c->request = rp_client_send(w->client, &options, &events, c, &error);
    if (c->request == NULL) {
        const rp_client_options *o = &w->knobs.client;
        CHECK_TEXT((error.status == RP_E_QUEUE_FULL && o->queue_limit > 0) ||
                       (error.status == RP_E_ORIGIN_QUEUE_FULL && o->limits.queue_limit > 0) ||
                       (error.status == RP_E_QUEUE_SHED && o->limits.shed) ||
                       (error.status == RP_E_NO_MEMORY && w->knobs.faulty),
                   error.text);
        c->status_code = error.status;
        c->done = true;
        w->active--;
        w->done++;
        return;
    }
    w->taken++;
    CHECK(!c->done);
    if (c->cancel_us > 0)
        rp_timer_start(w->loop, &c->cancel_timer, c->cancel_us / 1000, cancel_due, c);
}

static void fill(world *w)
{
    while (w->client != NULL && w->active < w->knobs.at_once && w->next_call < w->knobs.calls)
        start(w, &w->calls[w->next_call++]);
    while (w->client_is_gone && w->next_call < w->knobs.calls) {
        call *c = &w->calls[w->next_call++];
        c->done = true;
        c->status_code = RP_E_CANCELLED;
        w->done++;
    }
}

static void starter_due(rp_timer *timer, void *user)
{
    (void)timer;
    ground_enter(user);
    fill(user);
    ground_leave(user);
}

/* At times the next call comes just when a server is about to lose its patience. */
static uint64_t pause_ms(world *w, uint64_t most_ms)
{
    uint64_t end_ms = w->hosts[world_draw(w, w->knobs.host_count)].knobs->keep_alive_s * 1000u;
    uint64_t ways_ms = 2 + 4 * (uint64_t)w->knobs.sim.latency_most_us / 1000;
    if (end_ms == 0 || world_chance(w, 500))
        return world_draw(w, most_ms + 1);
    return end_ms > ways_ms ? end_ms - world_draw(w, ways_ms) : end_ms;
}

static void refill(world *w)
{
    uint64_t most_ms = w->knobs.pause_us / 1000;
    if (w->next_call == w->knobs.calls)
        return;
    if (most_ms == 0)
        fill(w);
    else if (!w->starter.private_started)
        rp_timer_start(w->loop, &w->starter, pause_ms(w, most_ms), starter_due, w);
}

void calls_start(world *w)
{
    ground_enter(w);
    fill(w);
    refill(w); /* where none of them could be started */
    ground_leave(w);
}

void calls_end(world *w)
{
    for (unsigned i = 0; i < w->knobs.calls; i++) {
        const call *c = &w->calls[i];
        CHECK(c->done && c->request == NULL);
        CHECK(c->asked <= c->attempts);
        CHECK(!c->strange || c->excused || c->asked == 0);
        CHECK(!c->told_safe || c->asked == 0);
        bool once = c->attempts <= 1 && tries_of(c) == 1; /* else it may be another's bytes */
        if (once && c->told_sent < c->seen)
            (void)fprintf(stderr,
                          "call %u (%s, %s): %" PRIu64 " bytes told as sent, %" PRIu64 " seen\n",
                          c->id, c->method, rp_status_name(c->status_code), c->told_sent, c->seen);
        CHECK(!once || c->told_sent >= c->seen);
        CHECK(!c->timer.private_started && !c->cancel_timer.private_started);
    }
    CHECK(w->active == 0);
}
