/* fuzz_client.c - whole responses through the client, in the simulator: whatever the server says,
 * every request ends once and with all its account in order, nothing is left, and what came of the
 * first one does not depend on how its bytes were cut on their way.
 *
 * Input: 4 bytes of settings, then what the server sends for each of three requests; pieces end
 * with a byte 0xFF that another one follows: 0xFF a byte of this value, 0xFE the end of what
 * answers this request, anything else a pause of so many milliseconds. */
#include "fuzz/support/fuzz.h"

#include "base/error.h"
#include "loop/loop.h"
#include <ringport/http.h>
#include <ringport/sim.h>

#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 3, DEADLINE_MS = 5000 };

typedef struct run run;

typedef struct asked {
    run *run;
    rp_request *request;
    unsigned heads, dones;
    int status;
    uint64_t body_bytes, body_hash;
    rp_status ended;
} asked;

struct run {
    fuzz_input input;
    uint8_t flags, ending, credit, limit;
    rp_sim *sim;
    rp_loop *loop;
    rp_client *client;
    rp_tls_config *tls;
    uint64_t written; /* by the server */
    asked requests[REQUESTS];
    unsigned next;
};

/* ---- the server ---- */

/* What the input says for one request. */
static void answer(rp_sim_exchange *x, void *user)
{
    run *r = user;
    bool over = r->input.size == 0;
    while (r->input.size > 0 && !over) {
        const uint8_t *mark = memchr(r->input.data, 0xFF, r->input.size);
        size_t size = mark == NULL ? r->input.size : (size_t)(mark - r->input.data), taken;
        const uint8_t *piece = fuzz_bytes(&r->input, size, &taken);
        if (taken > 0)
            rp_sim_write(x, piece, taken);
        r->written += taken;
        if (mark == NULL)
            break;
        (void)fuzz_byte(&r->input);
        uint8_t what = fuzz_byte(&r->input);
        if (what == 0xFF) {
            rp_sim_write(x, &what, 1);
            r->written++;
        }
        over = what == 0xFE;
        if (what < 0xFE)
            rp_sim_wait(x, what);
    }
    rp_sim_end(x, (rp_sim_ending)(r->ending % 3)); /* kept, closed, truncated */
}

/* ---- the client ---- */

static void send_next(run *r);

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0);
    FUZZ_CHECK(head->status >= 100 && head->status <= 999 && head->reason != NULL);
    FUZZ_CHECK(head->informational == (head->status < 200));
    for (size_t i = 0; i < head->header_count; i++)
        FUZZ_CHECK(head->headers[i].name[0] != '\0' && head->headers[i].value != NULL);
    if (head->informational)
        return;
    FUZZ_CHECK(a->heads == 0);
    a->heads++;
    a->status = head->status;
    fuzz_feature(1, (uint32_t)head->status);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->heads == 1 && a->dones == 0 && size > 0);
    for (size_t i = 0; i < size; i++)
        a->body_hash = (a->body_hash ^ data[i]) * 1099511628211u;
    a->body_bytes += size;
    FUZZ_CHECK(a->body_bytes <= a->run->written);
    if (a->run->limit & 1)
        rp_request_consume(request, size);
    if (a->run->limit == 0x80)
        rp_request_cancel(request);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0);
    a->dones++;
    a->request = NULL;
    a->ended = summary->error != NULL ? summary->error->status : RP_OK;
    FUZZ_CHECK(summary->body_bytes == a->body_bytes);
    if (summary->error == NULL) {
        FUZZ_CHECK(a->heads == 1 && summary->status == a->status && a->status >= 200);
    } else {
        FUZZ_CHECK(a->ended != RP_OK && a->ended != RP_E_INTERNAL && a->ended != RP_E_NO_MEMORY);
        FUZZ_CHECK(summary->error->text[0] != '\0');
        fuzz_feature_text(2, summary->error->text);
    }
    fuzz_feature(3, (uint32_t)a->ended);
    if (a->run->next < REQUESTS)
        send_next(a->run);
}

static void send_next(run *r)
{
    static const rp_response_events events = {
        .on_head = on_head, .on_body = on_body, .on_done = on_done};
    static const char *const methods[] = {"GET", "HEAD", "POST", "GET"};
    asked *a = &r->requests[r->next];
    rp_error error;
    *a = (asked){.run = r, .body_hash = 14695981039346656037u};
    rp_request_options options = {
        .url = r->flags & 0x80 ? "https://example.com/" : "http://example.com/",
        .method = methods[(r->flags >> (2 * r->next)) & 3],
        .total_timeout_ms = DEADLINE_MS,
        .receive_credit_bytes = r->limit & 1 ? r->credit : 0,
    };
    r->next++;
    a->request = rp_client_send(r->client, &options, &events, a, &error);
    FUZZ_CHECK(a->request != NULL);
}

/* ---- a run ---- */

static void begin(run *r, uint64_t seed, bool orderly)
{
    rp_sim_options options = {.seed = seed, .orderly = orderly};
    rp_sim_server_options serving = {
        .host = "example.com", .plain = !(r->flags & 0x80), .on_request = answer, .user = r};
    rp_tls_options tls = {.ca_pem = rp_sim_ca_pem};
    rp_client_options client = {
        .head_limit_bytes = 2048, .header_count_limit = 16, .informational_limit = 3};
    rp_sim_server *server;
    FUZZ_CHECK(rp_sim_create(&r->sim, &options, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_server_start(r->sim, &server, &serving, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_loop_create(r->sim, &r->loop, NULL, false, NULL) == RP_OK);
    if (!serving.plain) {
        FUZZ_CHECK(rp_tls_config_create(&r->tls, &tls, NULL) == RP_OK);
        client.tls = r->tls;
    }
    FUZZ_CHECK(rp_client_create(&r->client, r->loop, &client, NULL) == RP_OK);
}

static void end(run *r)
{
    const rp_loop_stats *stats = rp_loop_stats_get(r->loop);
    FUZZ_CHECK(stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0);
    rp_client_destroy(r->client);
    rp_loop_run(r->loop);
    FUZZ_CHECK(r->loop->pending == 0);
    rp_loop_destroy(r->loop);
    rp_sim_destroy(r->sim);
    rp_tls_config_release(r->tls);
}

static void play(run *r, const uint8_t *data, size_t size, uint64_t seed, bool orderly)
{
    memset(r, 0, sizeof(*r));
    r->input = (fuzz_input){data, size};
    r->flags = fuzz_byte(&r->input);
    r->ending = fuzz_byte(&r->input);
    r->credit = (uint8_t)(fuzz_byte(&r->input) | 1);
    r->limit = fuzz_byte(&r->input);
    begin(r, seed, orderly);
    send_next(r);
    rp_loop_run(r->loop);
    FUZZ_CHECK(rp_sim_now_ns(r->sim) <= (uint64_t)REQUESTS * (DEADLINE_MS + 1) * 1000000u);
    for (unsigned i = 0; i < REQUESTS; i++)
        FUZZ_CHECK(r->requests[i].dones == 1);
    end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run whole, cut;
    play(&whole, data, size, 1, true);
    play(&cut, data, size, 2 + size, false);
    const asked *a = &whole.requests[0], *b = &cut.requests[0];
    if (a->ended == RP_E_CANCELLED || b->ended == RP_E_CANCELLED)
        return 0; /* by us, in the midst */
    FUZZ_CHECK(a->ended == b->ended && a->heads == b->heads && a->status == b->status);
    FUZZ_CHECK(a->body_bytes == b->body_bytes && a->body_hash == b->body_hash);
    return 0;
}
