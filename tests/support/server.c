/* server.c - the tests' server: connections and their exchanges. What is answered is in
 * server_routes.c.
 *
 * An exchange parses one request at a time; while its answer is not done, further input stays where
 * it is and the receive credit with it. Output is written from two buffers in turn: one is on its
 * way, the other is filled. */
#include "support/server.h"

#include "client/stream_inside.h"
#include "support/check.h"
#include "support/loops.h"
#include "support/raw.h"

#include <stdarg.h>
#include <string.h>

#define CREDIT ((size_t)256 * 1024)
#define PENDING_LIMIT ((size_t)256 * 1024)

typedef struct buffer {
    uint8_t *data;
    size_t begin, size, capacity;
} buffer;

struct exchange {
    server *server;
    rp_link link;
    rp_stream *stream;
    sim_request request;
    buffer input, pending, sending;
    rp_write write, shutdown;
    rp_timer timer;
    exchange_fn *produce;
    exchange_body_fn *body;
    exchange_state state;
    exchange_then then;
    size_t cuts[8]; /* in pending, each the end of records */
    unsigned cut_count;
    const void *raw_tail;
    size_t raw_tail_size;
    unsigned answered;
    bool head_seen, responding, ended, writing, waiting, over, shut, peer_ended, advancing;
    bool deaf; /* takes no more of the request */
};

struct server {
    server_options options;
    rp_memory memory; /* of the requests */
    rp_loop *loop;
    listener listener;
    rp_link exchanges;
    server_counts counts;
    bool stopping, owns_loop;
    raw_thread *thread; /* NULL: on the caller's loop */
    atomic_bool ready, posted;
    rp_post stop;
};

static void advance(exchange *x);

/* ---- buffers ---- */

static void buffer_add(buffer *b, const void *data, size_t size)
{
    if (b->begin + b->size + size > b->capacity) {
        if (b->size > 0)
            memmove(b->data, b->data + b->begin, b->size);
        b->begin = 0;
        if (b->size + size > b->capacity) {
            b->capacity = 2 * (b->size + size);
            b->data = realloc(b->data, b->capacity);
            CHECK(b->data != NULL);
        }
    }
    if (size > 0)
        memcpy(b->data + b->begin + b->size, data, size);
    b->size += size;
}

static void buffer_consume(buffer *b, size_t size)
{
    b->begin += size;
    b->size -= size;
    if (b->size == 0)
        b->begin = 0;
}

/* ---- the end of a connection ---- */

static void cut(exchange *x, bool reset)
{
    x->over = true;
    rp__stream_drop(x->stream, reset);
}

static void close_now(exchange *x)
{
    x->over = true;
    rp_stream_close(x->stream);
}

static void truncate_now(exchange *x)
{
    x->stream->send_ended = x->stream->shutdown_asked = true;
    rp__socket_ops(x->stream->socket)->shutdown_send(x->stream->socket);
}

/* A peer that ended its side still waits for our end: it comes before the close. */
static void shut_down(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    exchange *x = user;
    (void)write;
    x->shut = true;
    if (x->peer_ended || error != NULL)
        rp_stream_close(stream);
}

static void end_answer(exchange *x)
{
    server *s = x->server;
    x->produce = NULL;
    if (x->then == EXCHANGE_KEEP) {
        x->answered++;
        s->counts.completed++;
        bool keep = x->request.state == SIM_REQUEST_DONE && x->request.keep_alive &&
                    !x->peer_ended && x->answered != s->options.close_after;
        if (keep) {
            rp__sim_request_reset(&x->request);
            x->body = NULL;
            x->state = (exchange_state){0};
            x->responding = x->ended = x->head_seen = false;
            return;
        }
        x->then = EXCHANGE_CLOSE;
    }
    x->over = true;
    if (x->then == EXCHANGE_RESET)
        cut(x, true);
    else if (x->then == EXCHANGE_CLOSE)
        (void)rp_stream_shutdown_write(x->stream, &x->shutdown, shut_down, x);
    else if (x->then == EXCHANGE_TRUNCATE)
        truncate_now(x);
}

/* ---- input ---- */

static void head_came(void *user)
{
    exchange *x = user;
    server *s = x->server;
    s->counts.requests++;
    x->head_seen = true;
    if (x->request.expects_continue)
        exchange_print(x, "HTTP/1.1 100 Continue\r\n\r\n");
    if (s->options.handler != NULL && s->options.handler_at_head)
        x->responding = s->options.handler(x, s->options.user);
    if (!x->responding)
        server_route_head(x);
}

static void body_came(void *user, const uint8_t *data, size_t size)
{
    exchange *x = user;
    x->server->counts.body_bytes += size;
    if (x->body != NULL)
        x->body(x, data, size);
}

static void request_complete(exchange *x)
{
    const server_options *options = &x->server->options;
    if (x->responding)
        return;
    x->responding = true;
    if (options->handler != NULL && !options->handler_at_head && options->handler(x, options->user))
        return;
    server_route_complete(x);
}

static void malformed(exchange *x)
{
    x->server->counts.failed++;
    x->responding = x->ended = true;
    x->then = EXCHANGE_CLOSE;
    exchange_print(x,
                   "HTTP/1.1 400 Bad Request\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   strlen(x->request.failure), x->request.failure);
}

/* True if it got anywhere. */
static bool feed(exchange *x)
{
    static const sim_request_events events = {.on_head = head_came, .on_body = body_came};
    sim_request_state before = x->request.state;
    if (x->ended || before == SIM_REQUEST_DONE || before == SIM_REQUEST_FAILED ||
        x->input.size == 0 || x->pending.size > PENDING_LIMIT)
        return false;
    size_t used = rp__sim_request_feed(&x->request, x->input.data + x->input.begin, x->input.size,
                                       &events, x, &x->ended);
    buffer_consume(&x->input, used);
    if (!x->over && !x->deaf)
        rp_stream_consume(x->stream, used);
    if (x->request.state == SIM_REQUEST_DONE)
        request_complete(x);
    else if (x->request.state == SIM_REQUEST_FAILED)
        malformed(x);
    return true;
}

/* ---- output ---- */

static void written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    exchange *x = user;
    (void)stream;
    (void)write;
    x->writing = false;
    x->sending.size = x->sending.begin = 0;
    if (error != NULL)
        close_now(x);
    else
        advance(x);
}

static bool flush(exchange *x)
{
    if (x->writing || x->pending.size == 0)
        return false;
    buffer empty = x->sending;
    x->sending = x->pending;
    x->pending = empty;
    x->writing = true;
    for (unsigned i = 0; i < x->cut_count; i++) {
        size_t size = x->cuts[i] - (i > 0 ? x->cuts[i - 1] : 0);
        CHECK(rp__stream_put(x->stream, x->sending.data + x->sending.begin, size, NULL) == RP_OK);
        buffer_consume(&x->sending, size);
    }
    x->cut_count = 0;
    const uint8_t *rest = x->sending.data + x->sending.begin;
    if (x->raw_tail_size == 0) {
        CHECK(rp_stream_write(x->stream, &x->write, rest, x->sending.size, written, x) == RP_OK);
    } else {
        CHECK(rp__stream_put(x->stream, rest, x->sending.size, NULL) == RP_OK);
        CHECK(rp__stream_write_raw(x->stream, &x->write, x->raw_tail, x->raw_tail_size, written,
                                   x) == RP_OK);
        x->raw_tail_size = 0;
    }
    if (x->ended && x->then == EXCHANGE_CLOSE_BEHIND) {
        x->over = true;
        x->produce = NULL;
        (void)rp_stream_shutdown_write(x->stream, &x->shutdown, shut_down, x);
    }
    return true;
}

static bool produce(exchange *x)
{
    if (x->produce == NULL || x->ended || x->writing || x->waiting || x->pending.size > 0)
        return false;
    x->produce(x, &x->state);
    return true;
}

/* Everything that can be done now, without recursion. */
static void advance(exchange *x)
{
    if (x->advancing)
        return;
    x->advancing = true;
    bool moved = true;
    while (moved && !x->over) {
        moved = flush(x);
        if (x->ended && !x->writing && x->pending.size == 0) {
            end_answer(x);
            moved = true;
        }
        if (!x->over)
            moved |= produce(x);
        if (!x->over)
            moved |= feed(x);
    }
    x->advancing = false;
}

static void waited(rp_timer *timer, void *user)
{
    exchange *x = user;
    (void)timer;
    x->waiting = false;
    advance(x);
}

/* ---- what routes and handlers use ---- */

const sim_request *exchange_request(const exchange *x)
{
    return &x->request;
}

rp_loop *exchange_loop(const exchange *x)
{
    return x->server->loop;
}

void exchange_write(exchange *x, const void *bytes, size_t size)
{
    buffer_add(&x->pending, bytes, size);
}

void exchange_cut(exchange *x)
{
    CHECK(!x->writing && x->cut_count < sizeof(x->cuts) / sizeof(x->cuts[0]));
    x->cuts[x->cut_count++] = x->pending.size;
}

void exchange_raw_tail(exchange *x, const void *bytes, size_t size)
{
    x->raw_tail = bytes;
    x->raw_tail_size = size;
}

void exchange_print(exchange *x, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(size >= 0 && (size_t)size < sizeof(text));
    buffer_add(&x->pending, text, (size_t)size);
}

void exchange_end(exchange *x, exchange_then then)
{
    x->responding = x->ended = true;
    x->then = then;
}

exchange_state *exchange_produce(exchange *x, exchange_fn *fn)
{
    x->responding = true;
    x->produce = fn;
    return &x->state;
}

void exchange_wait(exchange *x, uint64_t ms)
{
    x->waiting = true;
    rp__timer_start_internal(x->server->loop, &x->timer, ms, waited, x);
}

void exchange_stop_reading(exchange *x)
{
    x->deaf = true;
    rp__stream_set_credit(x->stream, true, 0);
}

void exchange_body(exchange *x, exchange_body_fn *fn)
{
    x->body = fn;
}

bool exchange_head_only(const exchange *x, int status)
{
    return strcmp(x->request.method, "HEAD") == 0 || status < 200 || status == 204 || status == 304;
}

const char *exchange_connection_header(exchange *x, exchange_then then)
{
    bool last = x->answered + 1 == x->server->options.close_after;
    if (then == EXCHANGE_CLOSE || last || !x->request.keep_alive)
        return "Connection: close\r\n";
    return x->request.version == 10 ? "Connection: keep-alive\r\n" : "";
}

void exchange_answer(exchange *x, int status, const char *headers, const void *body, size_t size)
{
    exchange_print(x, "HTTP/1.1 %d Status %d\r\n%s%s", status, status, headers,
                   exchange_connection_header(x, EXCHANGE_KEEP));
    if (status >= 200 && status != 204 && status != 304)
        exchange_print(x, "Content-Length: %zu\r\n", size);
    exchange_write(x, "\r\n", 2);
    if (!exchange_head_only(x, status))
        exchange_write(x, body, size);
    exchange_end(x, EXCHANGE_KEEP);
}

/* ---- the stream's events ---- */

static void opened(rp_stream *stream, const rp_error *error, void *user)
{
    exchange *x = user;
    if (error != NULL) {
        if (error->status == RP_E_TLS_ALERT)
            x->server->counts.alerts++;
        close_now(x);
        return;
    }
    rp_stream_info info;
    rp_stream_info_get(stream, &info);
    x->server->counts.handshakes++;
    if (info.resumed)
        x->server->counts.resumed++;
}

/* The connection has answered as many requests as it will. */
static bool is_stale(exchange *x)
{
    const server_options *options = &x->server->options;
    if (options->stale_after == 0 || x->answered < options->stale_after || x->head_seen)
        return false;
    x->server->counts.stale++;
    if (options->stale_reset)
        cut(x, true);
    else
        close_now(x);
    return true;
}

static void data_came(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    exchange *x = user;
    (void)stream;
    if (x->over)
        rp_stream_consume(x->stream, size); /* nobody listens any more */
    if (x->over || is_stale(x))
        return;
    buffer_add(&x->input, data, size);
    advance(x);
}

static void ended(rp_stream *stream, const rp_error *error, void *user)
{
    exchange *x = user;
    (void)stream;
    x->peer_ended = true;
    bool saying_goodbye = x->over && x->then == EXCHANGE_CLOSE && !x->shut;
    if (error != NULL || (x->over && !saying_goodbye) || !x->responding ||
        x->then == EXCHANGE_STALL)
        close_now(x);
}

static void closed(rp_stream *stream, void *user)
{
    exchange *x = user;
    (void)stream;
    rp__list_remove(&x->link);
    rp_timer_stop(x->server->loop, &x->timer);
    x->server->counts.open--;
    rp__sim_request_free(&x->request);
    free(x->input.data);
    free(x->pending.data);
    free(x->sending.data);
    free(x);
}

static const rp_stream_events http_events = {
    .on_open = opened, .on_data = data_came, .on_end = ended, .on_close = closed};

/* ---- raw connections ---- */

static void raw_answer(exchange *x)
{
    const server_options *options = &x->server->options;
    if (x->responding)
        return;
    x->responding = true;
    exchange_write(x, options->raw, options->raw_size);
    (void)flush(x);
    x->over = true;
    if (options->raw_ends)
        (void)rp_stream_shutdown_write(x->stream, &x->shutdown, NULL, NULL);
}

static void raw_opened(rp_stream *stream, const rp_error *error, void *user)
{
    exchange *x = user;
    opened(stream, error, user);
    if (error == NULL && !x->server->options.raw_waits)
        raw_answer(x);
}

static void raw_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    exchange *x = user;
    (void)stream;
    (void)data;
    rp_stream_consume(x->stream, size);
    raw_answer(x);
}

static const rp_stream_events raw_events = {
    .on_open = raw_opened, .on_data = raw_data, .on_end = ended, .on_close = closed};

/* ---- the server ---- */

static void socket_came(listener *l, rp_socket *socket)
{
    server *s = l->user;
    exchange *x = calloc(1, sizeof(*x));
    CHECK(x != NULL);
    x->server = s;
    x->request.memory = &s->memory;
    s->counts.connections++;
    s->counts.open++;
    rp__list_append(&s->exchanges, &x->link);
    CHECK(rp__stream_accept(&x->stream, s->loop, socket, s->options.tls, "http/1.1", CREDIT,
                            s->options.raw_mode ? &raw_events : &http_events, x) == RP_OK);
    rp__stream_set_background(x->stream, true);
}

static server *server_new(const server_options *options)
{
    server *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->options = *options;
    rp__memory_init(&s->memory, (rp_allocator){.resize = NULL});
    if (options->tls != NULL)
        s->options.tls = rp_tls_config_retain(options->tls);
    rp__list_init(&s->exchanges);
    return s;
}

static void begin(server *s, rp_loop *loop)
{
    s->loop = loop;
    s->listener.on_socket = socket_came;
    s->listener.user = s;
    s->listener.shape = s->options.shape;
    s->listener.address.port = s->options.port;
    CHECK(listener_open(&s->listener, loop, s->options.family == 6 ? 6 : 4));
}

static void begin_stop(rp_post *post, void *user)
{
    server *s = user;
    (void)post;
    s->stopping = true;
    listener_close(&s->listener);
    server_drop(s, false);
}

static bool stopped(const server *s)
{
    return s->stopping && s->listener.socket == NULL && rp__list_empty(&s->exchanges);
}

static void server_free(server *s)
{
    rp_tls_config_release(s->options.tls);
    free(s);
}

server *server_start_on(rp_loop *loop, const server_options *options)
{
    server *s = server_new(options);
    begin(s, loop);
    return s;
}

static void serve(void *argument)
{
    server *s = argument;
    rp_error error;
    rp_loop *loop = NULL;
    rp_loop_options options = {.backend = s->options.backend};
    if (loops_create(&loop, &options, &error) != RP_OK)
        CHECK_TEXT(false, error.text);
    begin(s, loop);
    atomic_store(&s->ready, true);
    while (!stopped(s))
        (void)rp_loop_turn(loop, RP_NEVER_MS);
    while (!atomic_load(&s->posted)) /* the loop must outlive the call that posts */
        raw_sleep_ms(1);
    rp_loop_destroy(loop);
}

server *server_start_owning(rp_loop *loop, const server_options *options)
{
    server *s = server_start_on(loop, options);
    s->owns_loop = true;
    return s;
}

server *server_start_thread(const server_options *options)
{
    server *s = server_new(options);
    s->stop.fn = begin_stop;
    s->stop.user = s;
    s->thread = raw_thread_start(serve, s);
    while (!atomic_load(&s->ready))
        raw_sleep_ms(1);
    return s;
}

void server_stop(server *s)
{
    if (s->thread != NULL) {
        rp_loop_post(s->loop, &s->stop);
        atomic_store(&s->posted, true);
        raw_thread_join(s->thread);
    } else {
        begin_stop(NULL, s);
        while (!stopped(s))
            (void)rp_loop_turn(s->loop, 1000);
        if (s->owns_loop)
            rp_loop_destroy(s->loop);
    }
    server_free(s);
}

void server_drop(server *s, bool reset)
{
    for (rp_link *link = s->exchanges.next; link != &s->exchanges; link = link->next) {
        exchange *x = RP_CONTAINER(link, exchange, link);
        if (reset && !rp__stream_is_closing(x->stream)) /* an earlier drop's may be closing still */
            cut(x, true);
        else
            close_now(x);
    }
}

void server_shape(server *s, const shape *how)
{
    s->listener.shape = *how;
}

uint16_t server_port(const server *s)
{
    return s->listener.address.port;
}

server_counts *server_counts_get(server *s)
{
    return &s->counts;
}

const char *server_url(const server *s, const char *path)
{
    static char urls[8][512];
    static unsigned next;
    char *url = urls[next++ % 8];
    (void)snprintf(url, sizeof(urls[0]), "http%s://%s:%u%s", s->options.tls != NULL ? "s" : "",
                   s->options.family == 6 ? "[::1]" : "127.0.0.1", server_port(s), path);
    return url;
}
