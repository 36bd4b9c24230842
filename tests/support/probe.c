/* probe.c - see probe.h. */
#include "support/probe.h"

#include "client/stream_inside.h"
#include "support/check.h"
#include "support/tls_pair.h"

#include <string.h>

typedef struct node {
    rp_write write;
    uint64_t number;
} node;

/* ---- the account ---- */

static void check_callback(const probe *p, const rp_stream *stream)
{
    CHECK(p->starting == 0);
    CHECK(p->stream == stream && stream != NULL);
    CHECK(p->closes == 0);
}

static void keep(rp_error *target, const rp_error *error)
{
    if (error == NULL)
        return;
    CHECK(error->status != RP_OK && error->text[0] != '\0');
    *target = *error;
}

static void opened(rp_stream *stream, const rp_error *error, void *user)
{
    probe *p = user;
    check_callback(p, stream);
    CHECK(++p->opens == 1);
    keep(&p->open_error, error);
    CHECK(!p->closing || error != NULL);
    if (error == NULL) {
        rp_stream_info_get(stream, &p->info);
        if (p->info.tls_version != NULL)
            (void)snprintf(p->version, sizeof(p->version), "%s", p->info.tls_version);
    }
    if (p->on_open != NULL)
        p->on_open(p);
}

static void check_open(const probe *p)
{
    CHECK(p->opens == 1 && p->open_error.status == RP_OK);
    CHECK(!p->closing && p->ends == 0);
}

static void data_came(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    probe *p = user;
    check_callback(p, stream);
    check_open(p);
    CHECK(size > 0);
    for (size_t i = 0; p->checked && i < size; i++)
        CHECK(data[i] == probe_byte(p->received + i));
    if (p->received < sizeof(p->text) - 1) {
        size_t room = sizeof(p->text) - 1 - (size_t)p->received;
        memcpy(p->text + p->received, data, size < room ? size : room);
    }
    p->received += size;
    if (rp__stream_stashed(stream) > p->stash_most)
        p->stash_most = rp__stream_stashed(stream);
    if (p->on_data != NULL)
        p->on_data(p, data, size);
}

static void ended(rp_stream *stream, const rp_error *error, void *user)
{
    probe *p = user;
    check_callback(p, stream);
    check_open(p);
    p->ends++;
    keep(&p->end_error, error);
    if (p->on_end != NULL)
        p->on_end(p);
}

static void closed(rp_stream *stream, void *user)
{
    probe *p = user;
    check_callback(p, stream);
    CHECK(p->closing && p->opens == 1);
    CHECK(p->writes_done == p->writes_started);
    p->closes++;
    p->stream = NULL;
    if (p->on_close != NULL)
        p->on_close(p);
}

static const rp_stream_events events = {
    .on_open = opened, .on_data = data_came, .on_end = ended, .on_close = closed};

/* ---- starting ---- */

rp_status probe_open(probe *p, rp_loop *loop, const rp_stream_options *options)
{
    p->loop = loop;
    p->starting++;
    rp_status status = rp_stream_open(&p->stream, loop, options, &events, p);
    p->starting--;
    CHECK((status == RP_OK) == (p->stream != NULL));
    return status;
}

void probe_accept(probe *p, rp_loop *loop, rp_socket *socket, rp_tls_config *config,
                  size_t receive_credit_bytes)
{
    p->loop = loop;
    p->starting++;
    rp_status status =
        rp__stream_accept(&p->stream, loop, socket, config, NULL, receive_credit_bytes, &events, p);
    p->starting--;
    CHECK((status == RP_OK) == (p->stream != NULL));
}

void probe_upgrade(probe *p, rp_loop *loop, rp_request *request)
{
    p->loop = loop;
    p->stream = rp_request_upgrade(request, &events, p);
    CHECK(p->stream != NULL);
    p->opens = 1;
    rp_stream_info_get(p->stream, &p->info);
}

static void written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    probe *p = user;
    node *n = RP_CONTAINER(write, node, write);
    check_callback(p, stream);
    CHECK(n->number == p->writes_done);
    free(n);
    p->writes_done++;
    if (error != NULL) {
        if (p->writes_failed++ == 0)
            keep(&p->write_error, error);
    } else {
        CHECK(p->writes_failed == 0 && p->opens == 1);
    }
    if (p->on_write != NULL)
        p->on_write(p);
}

static rp_status start_write(probe *p, const void *data, size_t size, bool shutdown)
{
    node *n = calloc(1, sizeof(*n));
    CHECK(n != NULL);
    n->number = p->writes_started;
    p->starting++;
    rp_status status = shutdown ? rp_stream_shutdown_write(p->stream, &n->write, written, p)
                                : rp_stream_write(p->stream, &n->write, data, size, written, p);
    p->starting--;
    if (status == RP_OK)
        p->writes_started++;
    else
        free(n);
    return status;
}

rp_status probe_write(probe *p, const void *data, size_t size)
{
    return start_write(p, data, size, false);
}

rp_status probe_write_text(probe *p, const char *text)
{
    return probe_write(p, text, strlen(text));
}

rp_status probe_shutdown(probe *p)
{
    return start_write(p, NULL, 0, true);
}

void probe_consume(probe *p, size_t size)
{
    p->starting++;
    rp_stream_consume(p->stream, size);
    p->starting--;
}

void probe_close(probe *p)
{
    if (p->stream == NULL)
        return;
    p->closing = true;
    p->starting++;
    rp_stream_close(p->stream);
    p->starting--;
}

void probe_cut(probe *p, bool reset)
{
    if (p->closing)
        return;
    p->closing = true;
    p->starting++;
    rp__stream_drop(p->stream, reset);
    p->starting--;
}

void probe_finish(probe *p)
{
    probe_close(p);
    if (p->loop != NULL)
        UNTIL(p->loop, p->stream == NULL);
}

uint8_t probe_byte(uint64_t offset)
{
    return (uint8_t)((offset * 0x9E3779B97F4A7C15u) >> 56);
}

uint8_t *probe_pattern(size_t size)
{
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = probe_byte(i);
    return bytes;
}

void probe_settle(rp_loop *loop, unsigned ms)
{
    uint64_t until = fixture_now_ms() + ms;
    for (uint64_t now = fixture_now_ms(); now < until; now = fixture_now_ms())
        (void)rp_loop_turn(loop, until - now);
}

/* ---- configurations ---- */

rp_tls_config *probe_client_tls(int version)
{
    return version == 0 ? NULL : tls_client_of((rp_tls_version)version);
}

rp_tls_config *probe_server_tls(const char *certificate, int version)
{
    return version == 0 ? NULL : tls_server_of(certificate, (rp_tls_version)version);
}

/* ---- pairs ---- */

static void pair_socket(listener *l, rp_socket *socket)
{
    probe_pair *pair = l->user;
    CHECK(pair->server.loop == NULL);
    probe_accept(&pair->server, l->loop, socket, pair->server_tls, pair->server_credit);
}

void probe_pair_begin(probe_pair *pair, int version, const char *certificate)
{
    *pair = (probe_pair){.loop = fixture_loop()};
    pair->client_tls = probe_client_tls(version);
    pair->server_tls = probe_server_tls(certificate, version);
    pair->listener.on_socket = pair_socket;
    pair->listener.user = pair;
    assert_true(listener_open(&pair->listener, pair->loop, 4));
}

void probe_pair_start(probe_pair *pair)
{
    rp_stream_options options = {
        .host = pair->host != NULL ? pair->host : "127.0.0.1",
        .port = pair->listener.address.port,
        .tls = pair->client_tls,
        .receive_credit_bytes = pair->client_credit,
        .handshake_timeout_ms = pair->handshake_timeout_ms,
        .keepalive_idle_ms = pair->keepalive_idle_ms,
        .keepalive_unconfirmed_ms = pair->keepalive_unconfirmed_ms,
    };
    pair->client.peer = &pair->server;
    pair->server.peer = &pair->client;
    assert_int_equal(probe_open(&pair->client, pair->loop, &options), RP_OK);
}

void probe_pair_open(probe_pair *pair)
{
    probe_pair_start(pair);
    UNTIL(pair->loop, pair->client.opens == 1);
    if (pair->client.open_error.status != RP_OK)
        fail_msg("%s", pair->client.open_error.text);
    UNTIL(pair->loop, pair->server.opens == 1);
}

void probe_pair_again(probe_pair *pair)
{
    probe_finish(&pair->client);
    probe_finish(&pair->server);
    pair->client = pair->server = (probe){0};
}

void probe_loop_end(rp_loop *loop)
{
    assert_int_equal(rp_loop_stats_get(loop)->tls_calls_idle, 0);
    fixture_loop_end(loop);
}

void probe_pair_end(probe_pair *pair)
{
    probe_finish(&pair->client);
    if (fixture_simulated() && pair->server.loop == NULL)
        probe_settle(pair->loop, 20); /* what was connected may be accepted still */
    probe_finish(&pair->server);
    listener_close(&pair->listener);
    UNTIL(pair->loop, pair->listener.socket == NULL);
    UNTIL(pair->loop, !rp_loop_pending(pair->loop)); /* a socket of a dial may be closing */
    probe_loop_end(pair->loop);
    rp_tls_config_release(pair->client_tls);
    rp_tls_config_release(pair->server_tls);
}
