/* play.c - see play.h. */
#include "support/play.h"

#include "support/check.h"

#include <string.h>

void play_client(play *p, const rp_client_options *client)
{
    rp_client_options options = {0};
    rp_error error;
    if (client != NULL)
        options = *client;
    options.tls = p->tls;
    rp_client_destroy(p->client);
    if (rp_client_create(&p->client, p->loop, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

static void serve(play *p, const rp_sim_server_options *server, const char *address)
{
    rp_sim_server_options options = {0};
    rp_error error;
    if (server != NULL)
        options = *server;
    options.host = PLAY_HOST;
    options.address = address;
    options.plain = p->version == 0;
    options.minimum_version = options.maximum_version = (rp_tls_version)p->version;
    if (rp_sim_server_start(p->sim, &p->server, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

void play_serve(play *p, const rp_sim_server_options *server)
{
    serve(p, server, "192.0.2.1");
}

void play_world(play *p, const play_options *options)
{
    rp_sim_options sim = {.seed = 1, .orderly = true};
    rp_error error;
    if (options->sim != NULL)
        sim = *options->sim;
    *p = (play){.version = options->version};
    if (rp_sim_create(&p->sim, &sim, &error) != RP_OK ||
        rp_sim_loop_create(p->sim, &p->loop, NULL, options->faulty, &error) != RP_OK)
        fail_msg("%s", error.text);
    if (p->version != 0) {
        rp_tls_options tls = {.ca_pem = rp_sim_ca_pem};
        tls.minimum_version = tls.maximum_version = (rp_tls_version)p->version;
        if (rp_tls_config_create(&p->tls, &tls, &error) != RP_OK)
            fail_msg("%s", error.text);
    }
}

void play_begin(play *p, const play_options *options)
{
    static const play_options none;
    if (options == NULL)
        options = &none;
    play_world(p, options);
    serve(p, options->server, NULL);
    play_client(p, options->client);
}

void play_end(play *p)
{
    rp_client_destroy(p->client);
    rp_loop_run(p->loop);
    assert_int_equal(rp_loop_stats_get(p->loop)->wakeups_spurious, 0);
    assert_int_equal(rp_loop_stats_get(p->loop)->tls_calls_idle, 0);
    rp_loop_destroy(p->loop);
    rp_tls_config_release(p->tls);
    rp_sim_destroy(p->sim);
}

/* ---- calls ---- */

static void head_came(rp_request *request, const rp_response_head *head, void *user)
{
    (void)request;
    ((call *)user)->status = head->status;
}

static void body_came(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    call *c = user;
    (void)request;
    if (c->body_bytes < sizeof(c->text) - 1) {
        size_t room = sizeof(c->text) - 1 - (size_t)c->body_bytes;
        memcpy(c->text + c->body_bytes, data, size < room ? size : room);
    }
    c->body_bytes += size;
}

static void done(rp_request *request, const rp_response_summary *summary, void *user)
{
    call *c = user;
    CHECK(c->request == request && ++c->dones == 1);
    c->request = NULL;
    c->reused = summary->reused;
    c->resumed = summary->resumed;
    c->stale = summary->stale_name;
    (void)snprintf(c->address, sizeof(c->address), "%s", summary->address);
    c->took_ns = rp_sim_now_ns(c->sim) - c->took_ns;
    if (summary->error != NULL)
        c->error = *summary->error;
}

static const rp_response_events events = {
    .on_head = head_came, .on_body = body_came, .on_done = done};

const char *play_url(const play *p, const char *path)
{
    static char url[256];
    (void)snprintf(url, sizeof(url), "http%s://" PLAY_HOST "%s", p->version == 0 ? "" : "s", path);
    return url;
}

void call_start(call *c, play *p, const rp_request_options *options)
{
    rp_request_options known = {0};
    if (options != NULL)
        known = *options;
    if (known.url == NULL)
        known.url = play_url(p, "/");
    *c = (call){.sim = p->sim, .took_ns = rp_sim_now_ns(p->sim)};
    c->request = rp_client_send(p->client, &known, &events, c, &c->error);
    if (c->request != NULL)
        c->error = (rp_error){.status = RP_OK};
}

void call_wait(call *c, play *p)
{
    while (c->request != NULL)
        (void)rp_loop_turn(p->loop, RP_NEVER_MS);
}

void call_good(call *c, play *p)
{
    call_start(c, p, NULL);
    call_wait(c, p);
    if (c->error.status != RP_OK)
        fail_msg("%s", c->error.text);
    assert_int_equal(c->status, 200);
}

void call_bad(call *c, play *p, rp_status status, rp_phase phase, const char *sentence)
{
    call_start(c, p, NULL);
    call_wait(c, p);
    if (c->error.status != status || c->error.phase != phase)
        fail_msg("%s in phase %s: %s", rp_status_name(c->error.status),
                 rp_phase_name(c->error.phase), c->error.text);
    if (sentence != NULL)
        assert_string_equal(c->error.text, sentence);
}
