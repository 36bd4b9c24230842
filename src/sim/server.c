/* server.c - the scripted server: its connections and what the user asks of them. The steps of
 * their scripts are in server_script.c.
 *
 * It stands on streams and on the port's listen and accept, so it runs on any loop. Its memory is
 * its own: what is done to the client's leaves it alone, and it does without failure paths: its
 * own lack of memory ends the process. */
#include "sim/server.h"

#include "base/assert.h"
#include "base/error.h"
#include "tls/config.h"

#include <stdio.h>
#include <string.h>

#define TICKETS_MOST 200
#define CREDIT ((size_t)256 * 1024)
#define BACKLOG 512
#define PARTING_MS 20

/* ---- bytes ---- */

void rp__sim_bytes_add(rp_memory *memory, sim_bytes *b, const void *data, size_t size)
{
    if (b->begin + b->size + size > b->capacity) {
        if (b->size > 0 && b->begin > 0)
            memmove(b->data, b->data + b->begin, b->size);
        b->begin = 0;
        if (b->size + size > b->capacity) {
            b->capacity = 2 * (b->size + size);
            b->data = rp__reallocate(memory, b->data, b->capacity);
            RP_ASSERT(b->data != NULL);
        }
    }
    memcpy(b->data + b->begin + b->size, data, size);
    b->size += size;
}

void rp__sim_bytes_consume(sim_bytes *b, size_t size)
{
    b->begin += size;
    b->size -= size;
    if (b->size == 0)
        b->begin = 0;
}

/* ---- requests ---- */

void rp__sim_exchange_head(rp_sim_exchange *x)
{
    const rp_sim_server_options *options = &x->connection->server->options;
    x->connection->server->counts.requests++;
    x->head_seen = true;
    x->touched = false;
    if (options->on_head != NULL)
        options->on_head(x, options->user);
    if (x->request.expects_continue && x->request.has_body && !x->touched && !x->connection->over) {
        x->continued = true;
        if (x->connection->speaks == SIM_HTTP2)
            rp_sim_head(x, 100, NULL, 0);
        else
            rp_sim_print(x, "HTTP/1.1 100 Continue\r\n\r\n");
        x->touched = false; /* that was not the user's */
    }
}

void rp__sim_exchange_body(rp_sim_exchange *x, const uint8_t *data, size_t size)
{
    rp_sim_server *server = x->connection->server;
    if (server->options.on_body != NULL)
        server->options.on_body(x, data, size, server->options.user);
    else if (!x->ended && !x->answered && x->body.size + size <= SIM_BODY_LIMIT)
        rp__sim_bytes_add(&server->memory, &x->body, data, size);
}

void rp__sim_exchange_complete(rp_sim_exchange *x)
{
    const rp_sim_server_options *options = &x->connection->server->options;
    if (x->ended || x->answered)
        return;
    if (options->on_request != NULL)
        options->on_request(x, options->user);
    else
        rp_sim_respond(x, 200, NULL, "ok\n", 3);
}

/* ---- connections ---- */

/* The client has ended its side, and there is nothing more to tell it. */
static bool is_left(const sim_connection *c)
{
    return c->peer_ended && !c->over && rp__sim_scripts_done(c);
}

/* On a plain connection that may speak either: which it is, as soon as that is known. */
static void decide(sim_connection *c)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t size = c->input.size < sizeof(preface) - 1 ? c->input.size : sizeof(preface) - 1;
    if (size == 0)
        return;
    if (memcmp(c->input.data + c->input.begin, preface, size) != 0)
        c->speaks = SIM_HTTP1;
    else if (size == sizeof(preface) - 1)
        rp__sim_h2_begin(c);
}

static bool feed_raw(sim_connection *c)
{
    sim_bytes *input = &c->input;
    size_t size = input->size;
    if (c->phase != SIM_OPEN || c->deaf || size == 0)
        return false;
    rp__sim_exchange_body(&c->exchange, input->data + input->begin, size);
    rp__sim_bytes_consume(input, size);
    if (!c->over)
        rp_stream_consume(c->stream, size);
    return true;
}

static bool feed(sim_connection *c)
{
    if (c->phase == SIM_OPEN && c->speaks == SIM_UNDECIDED && !c->deaf)
        decide(c);
    if (c->speaks == SIM_UNDECIDED)
        return false;
    if (c->speaks == SIM_RAW)
        return feed_raw(c);
    return c->speaks == SIM_HTTP2 ? rp__sim_h2_feed(c) : rp__sim_h1_feed(c);
}

void rp__sim_connection_advance(sim_connection *c)
{
    if (c->advancing)
        return;
    c->advancing = true;
    while (!c->over && (rp__sim_scripts_run(c) || (!c->over && feed(c))))
        ;
    if (c->h2 != NULL)
        rp__sim_h2_sweep(c);
    c->advancing = false;
    if (is_left(c))
        rp__sim_connection_close(c);
}

/* The handshake is over, or there is none. */
static void agree(sim_connection *c)
{
    rp_sim_versions versions = c->server->options.versions;
    rp_stream_info info = {.alpn = NULL};
    c->phase = SIM_OPEN;
    if (c->server->tls != NULL)
        rp_stream_info_get(c->stream, &info);
    if (versions == RP_SIM_RAW)
        c->speaks = SIM_RAW;
    else if (versions == RP_SIM_HTTP_2 || (info.alpn != NULL && strcmp(info.alpn, "h2") == 0))
        rp__sim_h2_begin(c);
    else if (versions == RP_SIM_HTTP_1 || c->server->tls != NULL)
        c->speaks = SIM_HTTP1;
}

static const char *alpn_of(const rp_sim_server *server)
{
    static const char *const names[] = {[RP_SIM_HTTP_1] = "http/1.1",
                                        [RP_SIM_HTTP_1_OR_2] = "h2,http/1.1",
                                        [RP_SIM_HTTP_2] = "h2",
                                        [RP_SIM_RAW] = "http/1.1"};
    return names[server->options.versions];
}

typedef struct output {
    rp_write write;
    sim_connection *connection;
    uint8_t data[];
} output;

static void output_written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    output *o = RP_CONTAINER(write, output, write);
    sim_connection *c = o->connection;
    (void)stream;
    (void)user;
    rp__free(&c->server->memory, o);
    c->writes--;
    if (c->over)
        return;
    if (error != NULL)
        rp__sim_connection_close(c);
    else
        rp__sim_connection_advance(c);
}

void rp__sim_connection_write(sim_connection *c, const sim_bytes *bytes)
{
    output *o = rp__allocate(&c->server->memory, sizeof(*o) + bytes->size);
    RP_ASSERT(o != NULL);
    o->connection = c;
    memcpy(o->data, bytes->data + bytes->begin, bytes->size);
    c->writes++;
    RP_ASSERT(rp_stream_write(c->stream, &o->write, o->data, bytes->size, output_written, c) ==
              RP_OK);
}

void rp__sim_connection_close(sim_connection *c)
{
    c->over = true;
    rp__sim_scripts_clear(c);
    rp_stream_close(c->stream);
}

void rp__sim_connection_begin(sim_connection *c)
{
    c->phase = SIM_HANDSHAKE;
    if (c->server->tls == NULL)
        agree(c);
    else
        RP_ASSERT(rp__stream_begin_tls(c->stream, c->server->tls, alpn_of(c->server)) == RP_OK);
    rp__stream_set_credit(c->stream, true, CREDIT);
}

static void parted(rp_timer *timer, void *user)
{
    (void)timer;
    rp__sim_connection_close(user);
}

/* Why the handshake failed is in an alert that is on its way out: a close would stop it. */
static void part(sim_connection *c)
{
    c->over = true;
    rp__timer_start_internal(c->server->loop, &c->parting, PARTING_MS, parted, c);
}

static void opened(rp_stream *stream, const rp_error *error, void *user)
{
    sim_connection *c = user;
    rp_sim_server *server = c->server;
    if (c->over)
        return;
    if (error != NULL) {
        part(c);
        return;
    }
    if (c->phase == SIM_HANDSHAKE) {
        rp_stream_info info;
        rp_stream_info_get(stream, &info);
        server->counts.handshakes += server->tls != NULL;
        server->counts.resumed += info.resumed;
        agree(c);
    } else if (c->phase == SIM_CONNECTED) {
        server->options.on_connection(&c->exchange, server->options.user);
    }
    rp__sim_connection_advance(c);
}

static void data_came(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    sim_connection *c = user;
    if (c->over || c->exchange.request.state == SIM_REQUEST_FAILED) {
        rp_stream_consume(stream, size); /* nobody listens any more */
        return;
    }
    rp__sim_bytes_add(&c->server->memory, &c->input, data, size);
    rp__sim_connection_advance(c);
}

static void ended(rp_stream *stream, const rp_error *error, void *user)
{
    sim_connection *c = user;
    c->peer_ended = true;
    bool saying_goodbye = c->over && c->ending != RP_SIM_END_STALLED && !c->shut;
    if (error != NULL || (c->over && !saying_goodbye)) {
        c->over = true;
        rp_stream_close(stream);
    } else if (!c->over) {
        rp__sim_connection_advance(c);
    }
}

static void server_release(rp_sim_server *server);

void rp__sim_exchange_tell_gone(rp_sim_exchange *x)
{
    const rp_sim_server_options *options = &x->connection->server->options;
    bool told = x->told;
    x->told = true;
    if (!told && options->on_gone != NULL)
        options->on_gone(x, options->user);
}

void rp__sim_exchange_init(rp_sim_exchange *x, sim_connection *c)
{
    x->connection = c;
    x->request.memory = &c->server->memory;
    rp__list_init(&x->steps);
    rp__list_init(&x->link);
}

void rp__sim_exchange_free(rp_sim_exchange *x)
{
    rp_sim_server *server = x->connection->server;
    x->writing = false;
    rp__sim_script_clear(x);
    rp__sim_request_free(&x->request);
    rp__free(&server->memory, x->body.data);
    rp__free(&server->memory, x->output.data);
}

/* Those of streams before that of the connection. */
static void tell_all_gone(sim_connection *c)
{
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        rp__sim_exchange_tell_gone(RP_CONTAINER(link, rp_sim_exchange, link));
    rp__sim_exchange_tell_gone(&c->exchange);
}

static void closed(rp_stream *stream, void *user)
{
    sim_connection *c = user;
    rp_sim_server *server = c->server;
    (void)stream;
    c->over = true;
    rp_timer_stop(server->loop, &c->parting);
    rp__sim_scripts_clear(c);
    tell_all_gone(c);
    rp__list_remove(&c->link);
    if (c->h2 != NULL)
        rp__sim_h2_free(c);
    rp__sim_exchange_free(&c->exchange);
    rp__loop_undefer(&c->later);
    server->counts.open--;
    rp__free(&server->memory, c->input.data);
    rp__free(&server->memory, c);
    server_release(server);
}

static const rp_stream_events stream_events = {
    .on_open = opened, .on_data = data_came, .on_end = ended, .on_close = closed};

static void dropped(rp_socket *socket)
{
    (void)socket;
}

static const rp_socket_handler dropping = {.closed = dropped};

static void held_failed(void *user)
{
    rp__sim_connection_close(user);
}

/* ---- TLS ---- */

static rp_status tls_make(rp_sim_server *server, const rp_sim_server_options *options,
                          rp_error *error)
{
    if (options->plain)
        return RP_OK;
    bool own = options->certificate_file == NULL && options->key_file == NULL;
    server->tls_own = own;
    rp_tls_server_options tls = {
        .certificate_file = options->certificate_file,
        .key_file = options->key_file,
        .certificate_pem = own ? rp__sim_certificate_pem : NULL,
        .key_pem = own ? rp__sim_key_pem : NULL,
        .minimum_version = options->minimum_version,
        .maximum_version = options->maximum_version,
        .no_resumption = options->no_resumption,
    };
    return rp__tls_server_config_create(&server->tls, &tls, error);
}

/* wolfSSL's server counts a session's tickets from resumption to resumption in one byte, and fails
 * the handshake in which that is full (SESSION_TICKET_NONCE_OVERFLOW): so other keys seal them
 * before. */
static void tls_renew(rp_sim_server *server)
{
    rp_sim_server_options options = server->options;
    rp_tls_config *before = server->tls;
    if (before == NULL || !server->tls_own || ++server->tls_uses < TICKETS_MOST)
        return;
    options.certificate_file = options.key_file = NULL;
    if (tls_make(server, &options, NULL) == RP_OK)
        rp_tls_config_release(before);
    else
        server->tls = before;
    server->tls_uses = 0;
}

static void accepted(rp_socket *listener, rp_socket *peer, rp_io_result result, bool final)
{
    rp_sim_server *server = listener->user;
    (void)result;
    (void) final;
    if (peer == NULL)
        return;
    if (server->stopped) {
        peer->handler = &dropping;
        rp__socket_ops(peer)->close(peer);
        return;
    }
    sim_connection *c = rp__allocate(&server->memory, sizeof(*c));
    RP_ASSERT(c != NULL);
    tls_renew(server);
    c->server = server;
    rp__list_init(&c->streams);
    rp__sim_exchange_init(&c->exchange, c);
    rp__list_append(&server->connections, &c->link);
    server->counts.connections++;
    server->counts.open++;
    c->socket = rp__sim_tamper_new(server->loop, &server->memory, peer, held_failed, c);
    bool scripted = server->options.on_connection != NULL;
    if (!scripted)
        c->phase = SIM_HANDSHAKE;
    rp_status status =
        rp__stream_accept(&c->stream, server->loop, c->socket, scripted ? NULL : server->tls,
                          scripted ? NULL : alpn_of(server), CREDIT, &stream_events, c);
    RP_ASSERT(status == RP_OK);
    if (scripted)
        rp__stream_set_credit(c->stream, true, 0); /* until the script lets it begin */
    rp__stream_set_background(c->stream, true);
}

/* ---- what the user asks of an exchange ---- */

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

const char *rp_sim_method(const rp_sim_exchange *x)
{
    return text_of(x->request.method);
}

const char *rp_sim_target(const rp_sim_exchange *x)
{
    return text_of(x->request.target);
}

const char *rp_sim_header(const rp_sim_exchange *x, const char *name)
{
    return x->head_seen ? rp__sim_request_header(&x->request, name) : NULL;
}

const char *rp_sim_trailer(const rp_sim_exchange *x, const char *name)
{
    return rp__sim_request_trailer(&x->request, name);
}

const uint8_t *rp_sim_body(const rp_sim_exchange *x, size_t *size)
{
    *size = x->body.size;
    return x->body.data;
}

int rp_sim_version(const rp_sim_exchange *x)
{
    if (x->connection->speaks == SIM_HTTP2)
        return 20;
    return x->request.version != 0              ? x->request.version
           : x->connection->speaks == SIM_HTTP1 ? 11
                                                : 0;
}

uint32_t rp_sim_stream(const rp_sim_exchange *x)
{
    return x->stream;
}

rp_sim_exchange *rp_sim_connection(rp_sim_exchange *x)
{
    return &x->connection->exchange;
}

unsigned rp_sim_served(const rp_sim_exchange *x)
{
    return x->served;
}

rp_sim_server *rp_sim_exchange_server(const rp_sim_exchange *x)
{
    return x->connection->server;
}

void *rp_sim_exchange_user(const rp_sim_exchange *x)
{
    return x->user;
}

void rp_sim_exchange_user_set(rp_sim_exchange *x, void *user)
{
    x->user = user;
}

/* ---- starting ---- */

static rp_status bad_option(rp_error *error, const char *text)
{
    return rp__error_set(error, RP_E_BAD_OPTION, RP_PHASE_NONE, "%s", text);
}

static rp_status address_make(rp_sim_server *server, const rp_sim_server_options *options,
                              rp_error *error)
{
    static const rp_address loopback = {.family = 4, .bytes = {127, 0, 0, 1}};
    const char *address = options->address;
    if (address != NULL && !rp__address_parse(&server->address, address, strlen(address)))
        return bad_option(error, "the server's address is not an IP address");
    if (address == NULL)
        server->address = server->sim != NULL ? rp__sim_host_new(server->sim) : loopback;
    server->address.port = options->port;
    if (options->port == 0 && server->sim != NULL)
        server->address.port = options->plain ? 80 : 443;
    return RP_OK;
}

static void listener_closed(rp_socket *socket)
{
    rp_sim_server *server = socket->user;
    server->listener = NULL;
    rp__loop_unhold(server->loop);
    server_release(server);
}

static const rp_socket_handler listening = {.accepted = accepted, .closed = listener_closed};

static void listener_close(rp_sim_server *server)
{
    if (server->listener == NULL)
        return;
    rp__loop_hold(server->loop); /* until listener_closed */
    rp__socket_ops(server->listener)->close(server->listener);
}

static rp_status listen_on(rp_sim_server *server, rp_error *error)
{
    rp_port *port = server->loop->port;
    rp_io_result result = port->ops->open(port, server->address.family, &server->listener);
    if (result.status == RP_OK) {
        server->listener->handler = &listening;
        server->listener->user = server;
        result =
            rp__socket_ops(server->listener)->listen(server->listener, &server->address, BACKLOG);
    }
    (void)rp__address_text(&server->address, true, server->address_text);
    if (result.status == RP_OK) {
        rp__socket_ops(server->listener)->accept(server->listener);
        return RP_OK;
    }
    (void)rp__error_set(
        error, result.status, RP_PHASE_NONE, "can't listen on %s: %s", server->address_text,
        result.os_code != 0 ? rp__os_error_text(result.os_code) : rp_status_name(result.status));
    if (error != NULL)
        error->os_code = result.os_code;
    return result.status;
}

static rp_status name_make(rp_sim_server *server, const char *host, rp_error *error)
{
    char text[RP_ADDRESS_TEXT_SIZE];
    if (host == NULL)
        return RP_OK;
    return rp_sim_name_add(server->sim, host, rp__address_text(&server->address, false, text),
                           error);
}

static rp_sim_server *server_new(void)
{
    rp_memory memory;
    rp__memory_init(&memory, (rp_allocator){.resize = NULL});
    rp_sim_server *server = rp__allocate(&memory, sizeof(*server));
    RP_ASSERT(server != NULL);
    server->memory = memory;
    rp__list_init(&server->connections);
    rp__list_init(&server->link);
    return server;
}

static void server_free(rp_sim_server *server)
{
    RP_ASSERT(server->listener == NULL && rp__list_empty(&server->connections));
    rp__list_remove(&server->link);
    rp__free(&server->memory, server->settings);
    rp_memory memory = server->memory;
    RP_ASSERT(memory.live == 1);
    rp__free(&memory, server);
}

/* A server that has stopped and whose last connection has gone. One that owns its loop can't
 * destroy it here, from its callback: it waits until somebody needs a loop, or for the end. */
static void server_release(rp_sim_server *server)
{
    if (server->stopped && !server->loop_owned && server->listener == NULL &&
        rp__list_empty(&server->connections))
        server_free(server);
}

static void copy_settings(rp_sim_server *server, const rp_sim_server_options *options)
{
    size_t size = options->setting_count * sizeof(*options->settings);
    server->options.settings = NULL;
    if (size == 0)
        return;
    server->settings = rp__allocate(&server->memory, size);
    RP_ASSERT(server->settings != NULL);
    memcpy(server->settings, options->settings, size);
}

static rp_status begin(rp_sim_server *server, const rp_sim_server_options *options, rp_error *error)
{
    server->options = *options;
    copy_settings(server, options);
    if (options->host != NULL && server->sim == NULL)
        return bad_option(error, "a server on a real loop can't have a name");
    rp_status status = address_make(server, options, error);
    if (status == RP_OK)
        status = tls_make(server, options, error);
    if (status == RP_OK)
        status = listen_on(server, error);
    if (status == RP_OK)
        status = name_make(server, options->host, error);
    server->options.host = server->options.address = NULL;
    server->options.certificate_file = server->options.key_file = NULL;
    return status;
}

/* The loop of a server that is no more; NULL: there is none. */
static rp_loop *spare_loop(rp_sim *sim)
{
    for (rp_link *link = sim->servers.next; link != &sim->servers; link = link->next) {
        rp_sim_server *server = RP_CONTAINER(link, rp_sim_server, link);
        if (!server->stopped || server->listener != NULL || !rp__list_empty(&server->connections))
            continue;
        rp_loop *loop = server->loop;
        server_free(server);
        return loop;
    }
    return NULL;
}

rp_status rp_sim_server_start(rp_sim *sim, rp_sim_server **result,
                              const rp_sim_server_options *options, rp_error *error)
{
    static const rp_sim_server_options none;
    *result = NULL;
    rp_loop *loop = spare_loop(sim);
    rp_status status = RP_OK;
    if (loop == NULL)
        status = rp_sim_loop_create(sim, &loop, NULL, false, error);
    if (status != RP_OK)
        return status;
    rp_sim_server *server = server_new();
    server->sim = sim;
    server->loop = loop;
    server->loop_owned = true;
    rp__list_append(&sim->servers, &server->link);
    status = begin(server, options != NULL ? options : &none, error);
    if (status == RP_OK)
        *result = server;
    else
        rp_sim_server_stop(server);
    return status;
}

rp_status rp_sim_server_start_on(rp_loop *loop, rp_sim_server **result,
                                 const rp_sim_server_options *options, rp_error *error)
{
    static const rp_sim_server_options none;
    *result = NULL;
    rp_sim_server *server = server_new();
    server->sim = rp__sim_of_loop(loop);
    server->loop = loop;
    rp_status status = begin(server, options != NULL ? options : &none, error);
    if (status == RP_OK)
        *result = server;
    else
        rp_sim_server_stop(server);
    return status;
}

/* ---- ending ---- */

static bool drop_waits(const sim_connection *c, rp_sim_ending ending)
{
    return c->writes > 0 && (ending == RP_SIM_CLOSE || ending == RP_SIM_END_TRUNCATED);
}

void rp_sim_server_drop(rp_sim_server *server, rp_sim_ending ending)
{
    if (ending == RP_SIM_KEEP)
        return;
    for (rp_link *link = server->connections.next; link != &server->connections;
         link = link->next) {
        sim_connection *c = RP_CONTAINER(link, sim_connection, link);
        if (c->over)
            continue;
        rp__sim_scripts_clear(c);
        c->dropped = false;
        if (drop_waits(c, ending)) {
            rp_sim_end(&c->exchange, ending);
            c->dropped = true;
        } else {
            rp__sim_script_end(c, ending);
        }
    }
}

void rp_sim_server_stop(rp_sim_server *server)
{
    if (server == NULL)
        return;
    server->stopped = true;
    for (rp_link *link = server->connections.next; link != &server->connections; link = link->next)
        tell_all_gone(RP_CONTAINER(link, sim_connection, link));
    for (rp_link *link = server->connections.next; link != &server->connections;
         link = link->next) {
        sim_connection *c = RP_CONTAINER(link, sim_connection, link);
        c->over = false; /* an ending that takes its time is cut short */
        if (!rp__stream_is_closing(c->stream))
            rp__sim_script_end(c, RP_SIM_END_RESET);
        c->over = true;
    }
    rp_tls_config_release(server->tls);
    server->tls = NULL;
    listener_close(server);
    server_release(server);
}

void rp__sim_servers_stop(rp_sim *sim)
{
    while (!rp__list_empty(&sim->servers)) {
        rp_sim_server *server = RP_CONTAINER(sim->servers.next, rp_sim_server, link);
        if (!server->stopped)
            rp_sim_server_stop(server);
        rp_loop_destroy(server->loop);
        server_free(server);
    }
}

const char *rp_sim_server_address(const rp_sim_server *server)
{
    return server->address_text;
}

void rp__sim_server_complain(rp_sim_server *server, const char *why)
{
    if (server->counts.malformed++ == 0)
        (void)snprintf(server->complaint, sizeof(server->complaint), "%s", why);
}

const char *rp_sim_server_complaint(const rp_sim_server *server)
{
    return server->counts.malformed > 0 ? server->complaint : NULL;
}

void rp_sim_server_counts_get_sized(const rp_sim_server *server, rp_sim_server_counts *counts,
                                    size_t counts_size)
{
    rp__structure_give(counts, counts_size, &server->counts, sizeof(server->counts));
}
