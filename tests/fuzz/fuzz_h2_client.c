/* fuzz_h2_client.c - whatever a server says in HTTP/2, in the simulator: every request ends once
 * and with all its account in order, nothing is left, and the client keeps RFC 9113 itself, as the
 * server judges it.
 *
 * Input: 4 bytes of settings, then what is said once the first request is there: a type, flags, a
 * stream, two bytes of a size, and a payload of it. Types from 0xF0 on are none: a pause of so many
 * milliseconds as the flags say, the payload as it is, hold, flush (see <ringport/sim.h>). */
#include "fuzz/support/fuzz.h"

#include <ringport/http.h>
#include <ringport/sim.h>

#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 4, DEADLINE_MS = 5000, UPLOAD = 20000 };
enum { PAUSE = 0xF0, RAW, HOLD, FLUSH };

typedef struct asked {
    struct run *run;
    rp_request *request;
    unsigned heads, dones;
    uint64_t body_bytes;
} asked;

typedef struct run {
    fuzz_input input;
    uint8_t flags, ending, credit, cancels;
    bool said, raw;
    rp_sim *sim;
    rp_sim_server *server;
    rp_loop *loop;
    rp_client *client;
    asked requests[REQUESTS];
} run;

/* ---- the server ---- */

static void say_one(run *r, rp_sim_exchange *x)
{
    uint8_t type = fuzz_byte(&r->input), flags = fuzz_byte(&r->input);
    uint8_t stream = fuzz_byte(&r->input);
    size_t size;
    const uint8_t *payload = fuzz_bytes(&r->input, fuzz_u16(&r->input), &size);
    if (type == PAUSE) {
        rp_sim_wait(x, flags);
    } else if (type == RAW && size > 0) {
        r->raw = true; /* of which the server has no account */
        rp_sim_write(x, payload, size);
    } else if (type == HOLD || type == FLUSH) {
        (type == HOLD ? rp_sim_hold : rp_sim_flush)(x);
    } else if (type < PAUSE) {
        rp_sim_frame(x, type, flags, stream, payload, size);
    }
}

static void answer(rp_sim_exchange *x, void *user)
{
    static const rp_sim_ending endings[] = {RP_SIM_KEEP, RP_SIM_CLOSE, RP_SIM_END_TRUNCATED,
                                            RP_SIM_END_RESET};
    run *r = user;
    rp_sim_exchange *connection = rp_sim_connection(x);
    if (r->said)
        return;
    r->said = true;
    while (r->input.size > 0)
        say_one(r, connection);
    rp_sim_end(connection, endings[r->ending % 4]);
}

/* ---- the client ---- */

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0 && a->heads == 0);
    FUZZ_CHECK(head->status >= 100 && head->status <= 999 && head->version == 20);
    for (size_t i = 0; i < head->header_count; i++)
        FUZZ_CHECK(head->headers[i].name[0] != '\0' && head->headers[i].value != NULL);
    a->heads += !head->informational;
    fuzz_feature(1, (uint32_t)head->status);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    asked *a = user;
    (void)data;
    FUZZ_CHECK(a->request == request && a->heads == 1 && a->dones == 0 && size > 0);
    a->body_bytes += size;
    if (a->run->credit & 1)
        rp_request_consume(request, size);
    if (a->run->cancels & 1)
        rp_request_cancel(request);
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0);
    a->dones++;
    a->request = NULL;
    FUZZ_CHECK(summary->body_bytes == a->body_bytes);
    FUZZ_CHECK(summary->error != NULL || a->heads == 1);
    if (summary->error == NULL)
        return;
    FUZZ_CHECK(summary->error->text[0] != '\0');
    FUZZ_CHECK(summary->error->status != RP_E_INTERNAL && summary->error->status != RP_E_NO_MEMORY);
    fuzz_feature_text(2, summary->error->text);
}

static void send_all(run *r)
{
    static const rp_response_events events = {
        .on_head = on_head, .on_body = on_body, .on_done = on_done};
    static const char *const methods[REQUESTS] = {"GET", "POST", "HEAD", "PUT"};
    static const uint8_t upload[UPLOAD];
    for (unsigned i = 0; i < REQUESTS; i++) {
        asked *a = &r->requests[i];
        rp_request_options options = {
            .url = r->flags & 0x80 ? "https://example.com/" : "http://example.com/",
            .method = methods[i],
            .total_timeout_ms = DEADLINE_MS,
            .body = i % 2 == 1 ? upload : NULL,
            .body_size = i % 2 == 1 ? UPLOAD : 0,
            .receive_credit_bytes = i >= 2 ? r->credit : 0,
        };
        a->run = r;
        a->request = rp_client_send(r->client, &options, &events, a, NULL);
        FUZZ_CHECK(a->request != NULL);
    }
}

/* ---- a run ---- */

static void play(const uint8_t *data, size_t size, uint64_t seed, bool orderly)
{
    static rp_tls_config *tls; /* for all runs */
    run whole = {.input = {data, size}}, *r = &whole;
    r->flags = fuzz_byte(&r->input);
    r->ending = fuzz_byte(&r->input);
    r->credit = fuzz_byte(&r->input);
    r->cancels = fuzz_byte(&r->input);
    rp_sim_options options = {.seed = seed, .orderly = orderly};
    rp_sim_server_options serving = {.host = "example.com",
                                     .plain = !(r->flags & 0x80),
                                     .versions = RP_SIM_HTTP_2,
                                     .withheld = r->flags & 0x0f,
                                     .on_head = answer,
                                     .on_request = answer,
                                     .user = r};
    rp_tls_options trust = {.ca_pem = rp_sim_ca_pem};
    FUZZ_CHECK(tls != NULL || rp_tls_config_create(&tls, &trust, NULL) == RP_OK);
    rp_client_options client = {
        .tls = tls, .versions = RP_HTTP_2, .http2_prior_knowledge = true, .head_limit_bytes = 4096};
    FUZZ_CHECK(rp_sim_create(&r->sim, &options, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_server_start(r->sim, &r->server, &serving, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_loop_create(r->sim, &r->loop, NULL, false, NULL) == RP_OK);
    FUZZ_CHECK(rp_client_create(&r->client, r->loop, &client, NULL) == RP_OK);
    send_all(r);
    rp_loop_run(r->loop);
    for (unsigned i = 0; i < REQUESTS; i++)
        FUZZ_CHECK(r->requests[i].dones == 1);
    rp_client_destroy(r->client);
    rp_loop_run(r->loop);
    FUZZ_CHECK(r->loop->pending == 0);
    const char *complaint = rp_sim_server_complaint(r->server);
    if (complaint != NULL && !r->raw)
        fuzz_fail(__FILE__, __LINE__, complaint);
    const rp_loop_stats *stats = rp_loop_stats_get(r->loop);
    FUZZ_CHECK(stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0);
    rp_loop_destroy(r->loop);
    rp_sim_destroy(r->sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play(data, size, 1, true);
    play(data, size, 2 + size, false);
    return 0;
}
