/* scene.c - see scene.h. */
#include "support/scene.h"

#include "support/check.h"

#include <stdio.h>
#include <string.h>

scene_world scene_world_now = {.loop = fixture_loop, .loop_end = fixture_loop_end};

/* ---- beginning and end ---- */

static void serve(scene *s, const rp_sim_server_options *serving, uint16_t port)
{
    rp_sim_server_options options = {0};
    rp_error error;
    if (serving != NULL)
        options = *serving;
    options.address = "127.0.0.1"; /* in a simulation too */
    options.plain = s->version == 0;
    options.minimum_version = options.maximum_version = (rp_tls_version)s->version;
    if (options.user == NULL)
        options.user = s;
    if (port != 0)
        options.port = port;
    if (rp_sim_server_start_on(s->web.loop, &s->server, &options, &error) != RP_OK)
        fail_msg("%s", error.text);
}

void scene_begin(scene *s, int version, const rp_sim_server_options *serving,
                 const rp_client_options *client)
{
    rp_client_options client_side = {0};
    rp_error error;
    *s = (scene){.version = version, .web.loop = scene_world_now.loop()};
    if (client != NULL)
        client_side = *client;
    if (version != 0) {
        rp_tls_options tls = {
            .ca_pem = rp_sim_ca_pem,
            .minimum_version = (rp_tls_version)version,
            .maximum_version = (rp_tls_version)version,
        };
        if (rp_tls_config_create(&s->web.client_tls, &tls, &error) != RP_OK)
            fail_msg("%s", error.text);
        client_side.tls = s->web.client_tls;
    }
    serve(s, serving, 0);
    if (rp_client_create(&s->web.client, s->web.loop, &client_side, &error) != RP_OK)
        fail_msg("%s", error.text);
}

void scene_end(scene *s)
{
    rp_client_destroy(s->web.client);
    UNTIL(s->web.loop, !rp_loop_pending(s->web.loop));
    rp_sim_server_stop(s->server);
    UNTIL(s->web.loop, !rp_loop_pending(s->web.loop));
    assert_int_equal(rp_loop_stats_get(s->web.loop)->tls_calls_idle, 0);
    scene_world_now.loop_end(s->web.loop);
    rp_tls_config_release(s->web.client_tls);
}

static uint16_t port_of(const scene *s)
{
    const char *colon = strrchr(rp_sim_server_address(s->server), ':');
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

void scene_serve_again(scene *s, const rp_sim_server_options *serving)
{
    uint16_t port = port_of(s);
    rp_sim_server_stop(s->server);
    UNTIL(s->web.loop, !rp_loop_pending(s->web.loop));
    serve(s, serving, port);
}

/* ---- texts ---- */

static char *buffer(void)
{
    static char buffers[8][512];
    static unsigned next;
    return buffers[next++ % 8];
}

const char *scene_url(const scene *s, const char *path)
{
    char *url = buffer();
    (void)snprintf(url, 512, "http%s://%s%s", s->version == 0 ? "" : "s",
                   rp_sim_server_address(s->server), path);
    return url;
}

static const char *host_of(const scene *s)
{
    char *host = buffer();
    (void)snprintf(host, 512, "%s", rp_sim_server_address(s->server));
    *strrchr(host, ':') = '\0';
    return host;
}

const char *scene_peer(const scene *s)
{
    char *peer = buffer();
    (void)snprintf(peer, 512, "%s (%s)", host_of(s), rp_sim_server_address(s->server));
    return peer;
}

rp_sim_server_counts scene_counts(const scene *s)
{
    rp_sim_server_counts counts;
    rp_sim_server_counts_get(s->server, &counts);
    return counts;
}

/* ---- requests ---- */

static void start(scene *s, fetch *f, const char *path, const rp_request_options *options)
{
    rp_request_options known = {0};
    if (options != NULL)
        known = *options;
    known.url = scene_url(s, path);
    if (!fetch_start(f, &s->web, path, &known))
        fail_msg("%s: %s", path, f->error.text);
}

void scene_good(scene *s, fetch *f, const char *path, const rp_request_options *options, int status)
{
    start(s, f, path, options);
    fetch_wait(f);
    if (f->error.status != RP_OK)
        fail_msg("%s: %s", path, f->error.text);
    assert_int_equal(f->status, status);
}

void scene_says(const scene *s, const rp_error *error, rp_status status, rp_phase phase,
                const char *sentence)
{
    if (error->status != status || error->phase != phase)
        fail_msg("%s in phase %s: %s", rp_status_name(error->status), rp_phase_name(error->phase),
                 error->text);
    if (sentence == NULL)
        return;
    char text[RP_ERROR_TEXT_SIZE + 512];
    const char *peer = strstr(sentence, "PEER");
    assert_non_null(peer);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(peer - sentence), sentence, scene_peer(s),
                   peer + 4);
    assert_string_equal(error->text, text);
}

void scene_bad(scene *s, fetch *f, const char *path, const rp_request_options *options,
               rp_status status, rp_phase phase, const char *sentence)
{
    start(s, f, path, options);
    fetch_wait(f);
    scene_says(s, &f->error, status, phase, sentence);
}

/* ---- streams ---- */

void scene_connect(scene *s, probe *p)
{
    rp_stream_options options = {.host = host_of(s),
                                 .port = port_of(s),
                                 .tls = s->web.client_tls,
                                 .alpn = s->alpn != NULL ? s->alpn : "http/1.1"};
    assert_int_equal(probe_open(p, s->web.loop, &options), RP_OK);
    UNTIL(s->web.loop, p->opens == 1);
    if (p->open_error.status != RP_OK)
        fail_msg("%s", p->open_error.text);
}

void scene_ask(scene *s, probe *p, const char *text, size_t bytes)
{
    assert_int_equal(probe_write_text(p, text), RP_OK);
    UNTIL(s->web.loop, p->received >= bytes || p->ends > 0);
}

static void settled(rp_timer *timer, void *user)
{
    (void)timer;
    *(bool *)user = true;
}

void scene_settle(scene *s, uint64_t ms)
{
    rp_timer timer = {0};
    bool done = false;
    rp_timer_start(s->web.loop, &timer, ms, settled, &done);
    UNTIL(s->web.loop, done);
}
