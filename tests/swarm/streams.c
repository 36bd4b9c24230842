/* streams.c - streams with bytes in both directions at once, slow on either side, that end well or
 * are closed in the middle. The far ends are on a loop of their own. */
#include "swarm/world.h"

#include "sim/server.h"
#include "support/listener.h"
#include "tls/config.h"

#include <string.h>

#define GIVEN_UP_MS 300000

typedef struct end {
    duplex *duplex;
    rp_loop *loop;
    rp_stream *stream; /* until on_close */
    bool up;           /* the client's */
    size_t total, credit, owed;
    size_t written, in_write; /* by writes that are done, and by the one that is on its way */
    size_t given;             /* to either */
    uint64_t received;
    char *data;
    rp_write write, shutdown;
    rp_timer write_timer, credit_timer;
    bool opened, opening_failed, shutting, shut, ended, well, closed, closes_early, close_called;
    size_t closes_at; /* bytes received */
} end;

struct duplex {
    world *world;
    unsigned number;
    listener listener;
    rp_tls_config *server_tls, *client_tls; /* NULL: plain */
    end ends[2];                            /* the client's, the server's */
    rp_timer timer;
    bool given_up;
};

static end *peer_of(const end *e)
{
    return &e->duplex->ends[e->up ? 1 : 0];
}

static void close_end(end *e)
{
    e->close_called = true;
    if (e->stream != NULL)
        rp_stream_close(e->stream);
}

static void close_if_over(end *e)
{
    if (e->ended && e->shut)
        close_end(e);
}

/* ---- writing ---- */

static void write_more(end *e);

static void write_due(rp_timer *timer, void *user)
{
    (void)timer;
    write_more(user);
}

static void shut_down(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    end *e = user;
    (void)stream;
    (void)write;
    CHECK(!e->shut);
    e->shut = true;
    if (error == NULL)
        CHECK(e->written == e->total && e->in_write == 0);
    close_if_over(e);
}

static void written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    end *e = user;
    (void)stream;
    (void)write;
    CHECK(e->in_write > 0 && e->data != NULL);
    free(e->data);
    e->data = NULL;
    if (error != NULL) {
        e->in_write = 0;
        e->shut = e->shut || !e->shutting; /* there will be no shutdown to end */
        close_if_over(e);
        return;
    }
    e->written += e->in_write;
    e->in_write = 0;
    if (e->close_called || e->written == e->total)
        return;
    if (world_chance(e->duplex->world, 300))
        rp_timer_start(e->loop, &e->write_timer, world_draw(e->duplex->world, 50), write_due, e);
    else
        write_more(e);
}

static void write_more(end *e)
{
    world *w = e->duplex->world;
    size_t left = e->total - e->written;
    size_t size = left == 0 ? 0 : 1 + (size_t)world_draw(w, left);
    if (e->close_called || e->stream == NULL)
        return;
    if (size > 0) {
        e->data = malloc(size);
        CHECK(e->data != NULL);
        for (size_t i = 0; i < size; i++)
            e->data[i] = (char)world_byte(e->duplex->number, e->up, e->written + i);
        e->in_write = size;
        e->given += size;
        e->write = (rp_write){0};
        CHECK(rp_stream_write(e->stream, &e->write, e->data, size, written, e) == RP_OK);
    }
    e->shutting = size == left;
    if (e->shutting)
        CHECK(rp_stream_shutdown_write(e->stream, &e->shutdown, shut_down, e) == RP_OK);
}

/* ---- reading ---- */

static void credit_back(rp_timer *timer, void *user)
{
    end *e = user;
    (void)timer;
    if (e->owed == 0 || e->stream == NULL)
        return;
    size_t part = 1 + (size_t)world_draw(e->duplex->world, e->owed);
    e->owed -= part;
    rp_stream_consume(e->stream, part);
    if (e->owed > 0)
        rp_timer_start(e->loop, &e->credit_timer, world_draw(e->duplex->world, 30), credit_back, e);
}

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    end *e = user;
    CHECK(e->stream == stream && !e->opened && !e->opening_failed);
    if (error != NULL) {
        bool expected = e->duplex->world->troubled || e->close_called || e->duplex->given_up ||
                        peer_of(e)->close_called;
        CHECK_TEXT(expected, error->text);
        e->opening_failed = true;
        close_end(e);
        close_end(peer_of(e));
        return;
    }
    e->opened = true;
    write_more(e);
}

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    end *e = user;
    const end *peer = peer_of(e);
    CHECK(e->stream == stream && e->opened && !e->ended && !e->close_called && size > 0);
    for (size_t i = 0; i < size; i++, e->received++)
        CHECK(data[i] == world_byte(e->duplex->number, peer->up, e->received));
    CHECK(e->received <= peer->given);
    if (e->credit > 0) {
        e->owed += size;
        CHECK(e->owed <= e->credit);
        rp_timer_start(e->loop, &e->credit_timer, world_draw(e->duplex->world, 30), credit_back, e);
    }
    if (e->closes_early && e->received >= e->closes_at)
        close_end(e);
}

static void on_end(rp_stream *stream, const rp_error *error, void *user)
{
    end *e = user;
    const end *peer = peer_of(e);
    CHECK(e->stream == stream && e->opened && !e->ended && !e->close_called);
    e->ended = true;
    e->well = error == NULL;
    if (error != NULL) {
        bool expected = e->duplex->world->troubled || peer->close_called || peer->closed;
        CHECK_TEXT(expected, error->text);
        close_end(e);
        return;
    }
    /* The authenticated end: all is there. In plain TCP a close in the middle looks so too. */
    bool whole = e->received == peer->total && peer->given == peer->total;
    bool plain_close = e->duplex->client_tls == NULL && peer->close_called;
    bool fin =
        e->duplex->client_tls == NULL && e->duplex->world->knobs.sim.fault_ppm[RP_SIM_TRUNCATE] > 0;
    CHECK(whole || plain_close || fin || peer->close_called);
    close_if_over(e);
}

static void on_close(rp_stream *stream, void *user)
{
    end *e = user;
    CHECK(e->stream == stream && !e->closed && e->close_called);
    CHECK(e->data == NULL && e->in_write == 0);
    e->closed = true;
    e->stream = NULL;
    rp_timer_stop(e->loop, &e->write_timer);
    rp_timer_stop(e->loop, &e->credit_timer);
    /* Nobody will ever come to the other end if this one never opened. */
    if (!e->opened)
        listener_close(&e->duplex->listener);
    if (peer_of(e)->closed)
        rp_timer_stop(e->duplex->world->loop, &e->duplex->timer);
}

static const rp_stream_events events = {on_open, on_data, on_end, on_close};

/* ---- beginning ---- */

static void accepted(listener *l, rp_socket *socket)
{
    duplex *d = l->user;
    end *e = &d->ends[1];
    CHECK(e->stream == NULL && !e->closed);
    listener_close(l);
    CHECK(rp__stream_accept(&e->stream, d->world->far_loop, socket, d->server_tls, NULL, e->credit,
                            &events, e) == RP_OK);
    if (e->close_called) /* the client's end gave up meanwhile */
        rp_stream_close(e->stream);
}

static void given_up(rp_timer *timer, void *user)
{
    duplex *d = user;
    (void)timer;
    CHECK(d->world->troubled);
    d->given_up = true;
    close_end(&d->ends[0]);
    close_end(&d->ends[1]);
    listener_close(&d->listener);
}

static void make_configurations(duplex *d)
{
    rp_error error;
    rp_tls_server_options server = {.certificate_pem = rp__sim_certificate_pem,
                                    .key_pem = rp__sim_key_pem};
    rp_tls_options client = {.ca_pem = rp_sim_ca_pem};
    if (world_chance(d->world, 500))
        server.maximum_version = RP_TLS_1_2;
    CHECK_TEXT(rp__tls_server_config_create(&d->server_tls, &server, &error) == RP_OK, error.text);
    CHECK_TEXT(rp_tls_config_create(&d->client_tls, &client, &error) == RP_OK, error.text);
}

static void plan(duplex *d, end *e, rp_loop *loop)
{
    world *w = d->world;
    *e = (end){.duplex = d, .loop = loop, .up = e == &d->ends[0]};
    e->total = (size_t)world_draw(w, 1 + world_draw(w, w->knobs.stream_bytes + 1));
    if (world_chance(w, 500))
        e->credit = 1 + w->knobs.stream_bytes / 500 + /* it comes back every 30 ms or so */
                    (size_t)world_draw(w, 1 + world_draw(w, 100000));
    e->closes_early = world_chance(w, 100);
    e->closes_at = (size_t)world_draw(w, w->knobs.stream_bytes + 1);
}

static void start(world *w, duplex *d, unsigned number)
{
    d->world = w;
    d->number = number;
    /* Bytes that change on their way go unnoticed without TLS. */
    if (w->knobs.sim.fault_ppm[RP_SIM_CORRUPT] > 0 || world_chance(w, 700))
        make_configurations(d);
    plan(d, &d->ends[0], w->loop);
    plan(d, &d->ends[1], w->far_loop);
    d->listener = (listener){.on_socket = accepted, .user = d};
    CHECK(listener_open(&d->listener, w->far_loop, 4));
    rp_stream_options options = {.host = "127.0.0.1",
                                 .port = d->listener.address.port,
                                 .tls = d->client_tls,
                                 .receive_credit_bytes = d->ends[0].credit};
    end *e = &d->ends[0];
    rp_timer_start(w->loop, &d->timer, GIVEN_UP_MS, given_up, d);
    if (rp_stream_open(&e->stream, w->loop, &options, &events, e) == RP_OK)
        return;
    CHECK(w->knobs.faulty);
    e->stream = NULL;
    e->close_called = e->closed = true;
    listener_close(&d->listener);
}

void streams_start(world *w)
{
    rp_error error;
    if (w->knobs.streams == 0)
        return;
    CHECK_TEXT(rp_sim_loop_create(w->sim, &w->far_loop, NULL, false, &error) == RP_OK, error.text);
    w->streams = calloc(w->knobs.streams, sizeof(*w->streams));
    CHECK(w->streams != NULL);
    for (unsigned i = 0; i < w->knobs.streams; i++)
        start(w, &w->streams[i], i);
}

/* ---- the end ---- */

/* Both ends are closed, the far one also where nobody ever came to it. */
static bool is_over(const duplex *d)
{
    bool never_came = d->ends[1].stream == NULL && !d->ends[1].closed && d->listener.socket == NULL;
    return d->ends[0].closed && (d->ends[1].closed || never_came);
}

bool streams_done(const world *w)
{
    for (unsigned i = 0; i < w->knobs.streams; i++) {
        if (!is_over(&w->streams[i]))
            return false;
    }
    return true;
}

void streams_hold(const world *w)
{
    for (unsigned i = 0; w->streams != NULL && i < w->knobs.streams; i++) {
        const duplex *d = &w->streams[i];
        for (int k = 0; k < 2; k++) {
            if (d->ends[k].stream != NULL)
                stream_holds(d->ends[k].stream);
        }
    }
}

void streams_end(world *w)
{
    if (w->streams == NULL)
        return;
    for (unsigned i = 0; i < w->knobs.streams; i++) {
        duplex *d = &w->streams[i];
        bool disturbed = w->troubled || d->ends[0].closes_early || d->ends[1].closes_early;
        CHECK(disturbed || (d->ends[0].well && d->ends[1].well));
        rp_timer_stop(w->loop, &d->timer);
        rp_tls_config_release(d->client_tls);
        rp_tls_config_release(d->server_tls);
    }
    const rp_loop_stats *stats = rp_loop_stats_get(w->far_loop);
    CHECK(stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0);
    rp_loop_destroy(w->far_loop);
    free(w->streams);
    w->streams = NULL;
}
