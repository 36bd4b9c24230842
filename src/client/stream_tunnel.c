/* stream_tunnel.c - see stream_tunnel.h.
 *
 * The stream to the proxy has the look-up, the addresses, TLS and their deadlines, as any other.
 * When it is open the tunnel is asked for on it, within what is left of the time for handshakes. A
 * socks5 proxy is asked for one of the name's addresses after the other, on a stream each, as one
 * that said no closes it (RFC 1928, 6); those of a family that is answered late stand in line
 * behind the others, and are waited for as a dial does (dial.h).
 * Then the tunnel is a socket: receive lends what the stream delivers, and is stopped by the
 * stream's credit; send puts bytes into the stream's output, and is done when they have left. What
 * came behind the proxy's answer is the first that is received. */
#include "client/stream_tunnel.h"

#include "base/assert.h"
#include "base/error.h"
#include "client/stream_inside.h"
#include "client/stream_server.h"
#include "http/connect.h"
#include "net/kinds.h"
#include "net/names.h"
#include "net/socks.h"

#include <stdio.h>
#include <string.h>

struct rp_tunnel {
    rp_socket socket;
    rp_port port; /* the socket's */
    rp_loop *loop;
    rp_stream *stream; /* to the proxy; NULL: closed */
    rp_proxy *proxy;
    const rp_hop *hop;
    rp_tunnel_fn *fn; /* NULL: called, or cancelled */
    void *user;
    rp_resolver *resolver;
    rp_lookup *lookup;
    rp_timer timer;
    uint64_t resolve_timeout_ms, connect_timeout_ms, handshake_timeout_ms;
    rp_keepalive keepalive;
    rp_dial_rules rules;
    rp_families families;
    rp_connect *connect; /* while the proxy is asked: this or that */
    rp_socks *socks;
    rp_address *targets; /* looked up here, and allowed */
    size_t target_count;
    unsigned refusals; /* of the first targets; the proxy is asked for the one behind them */
    rp_error *refusal; /* what to tell if nothing comes late: NULL: that is not waited for */
    rp_timer late;
    rp_write write;
    rp_deferred due; /* completions that are owed */
    uint8_t *early;  /* what came behind the proxy's answer */
    size_t early_size;
    size_t sending; /* bytes in the send that is in flight */
    uint64_t taken; /* by sends that are done */
    rp_io_result sent, ended_by;
    rp_error *end;  /* behind ended_by */
    bool stands;    /* the socket is the callee's */
    bool receiving; /* and stopping: the receive is being cancelled */
    bool stopping;
    bool send_done; /* sent is its result, and not told yet */
    bool ended;     /* no more bytes come, for ended_by */
    bool closing;   /* the socket is */
    uint16_t port_number;
    char host[];
};

/* ---- memory ---- */

static void negotiation_free(rp_tunnel *tunnel)
{
    rp_memory *memory = &tunnel->loop->memory;
    rp__connect_destroy(tunnel->connect);
    rp__free_secret(memory, tunnel->socks, sizeof(*tunnel->socks));
    rp__free(memory, tunnel->targets);
    rp__free(memory, tunnel->refusal);
    tunnel->connect = NULL;
    tunnel->socks = NULL;
    tunnel->targets = NULL;
    tunnel->refusal = NULL;
    rp_timer_stop(tunnel->loop, &tunnel->timer);
    rp_timer_stop(tunnel->loop, &tunnel->late);
    if (tunnel->lookup != NULL)
        rp__lookup_cancel(tunnel->lookup);
    tunnel->lookup = NULL;
}

static void tunnel_free(rp_tunnel *tunnel)
{
    rp_memory *memory = &tunnel->loop->memory;
    negotiation_free(tunnel);
    rp__loop_undefer(&tunnel->due);
    rp__free_secret(memory, tunnel->early, tunnel->early_size);
    rp__free(memory, tunnel->end);
    rp_proxy_release(tunnel->proxy);
    rp_resolver_release(tunnel->resolver);
    rp__free(memory, tunnel);
}

/* ---- failure ---- */

void rp__error_of_proxy(rp_error *error)
{
    rp_error told = *error;
    (void)rp__error_set(error, told.status, told.phase, "proxy: %s", told.text);
    memcpy(told.text, error->text, sizeof(told.text));
    *error = told;
    error->of_proxy = true;
}

static void tell(rp_tunnel *tunnel, rp_tunnel_result *result)
{
    rp_tunnel_fn *fn = tunnel->fn;
    rp_memory *memory = &tunnel->loop->memory;
    char *heads = tunnel->connect != NULL ? rp__connect_heads(tunnel->connect) : NULL;
    result->status = tunnel->connect != NULL ? rp__connect_status(tunnel->connect) : 0;
    result->heads = heads;
    tunnel->fn = NULL;
    negotiation_free(tunnel);
    if (fn != NULL)
        fn(tunnel->user, result);
    rp__free_secret_text(memory, heads);
}

static void fail(rp_tunnel *tunnel, const rp_error *error)
{
    rp_tunnel_result result = {.proxy = tunnel->stream, .error = error};
    rp_stream_close(tunnel->stream);
    tell(tunnel, &result);
}

/* A reason that the proxy is to blame for, and that says "it" of the proxy. */
static rp_error refusal_of(const rp_tunnel *tunnel, const rp_error *why)
{
    rp_error error;
    char others[64] = "";
    if (tunnel->refusals > 0)
        (void)snprintf(others, sizeof(others), ", the last of %u addresses that it was asked for",
                       tunnel->refusals + 1);
    (void)rp__error_set(&error, why->status, RP_PHASE_PROXY, "proxy %s: %s%s",
                        rp__stream_peer(tunnel->stream), why->text, others);
    error.of_proxy = true;
    if (tunnel->connect != NULL)
        error.proxy_code = rp__connect_status(tunnel->connect);
    else if (tunnel->socks != NULL)
        error.proxy_code = tunnel->socks->code;
    return error;
}

static void refused(rp_tunnel *tunnel, const rp_error *why)
{
    rp_error error = refusal_of(tunnel, why);
    fail(tunnel, &error);
}

/* No address came late. */
static void refused_for_good(rp_tunnel *tunnel)
{
    rp_error error = *tunnel->refusal;
    fail(tunnel, &error);
}

static void on_late(rp_timer *timer, void *user)
{
    (void)timer;
    refused_for_good(user);
}

/* All addresses that are there are tried: the other family's may be good. */
static void wait_for_late(rp_tunnel *tunnel, const rp_error *refusal)
{
    tunnel->refusal = tunnel->lookup != NULL
                          ? rp__allocate(&tunnel->loop->memory, sizeof(*tunnel->refusal))
                          : NULL;
    if (tunnel->refusal == NULL) { /* without memory to wait: these must do */
        fail(tunnel, refusal);
        return;
    }
    *tunnel->refusal = *refusal;
    rp_timer_start(tunnel->loop, &tunnel->late, RP_LATE_FAMILY_MS, on_late, tunnel);
}

static void no_memory(rp_tunnel *tunnel)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_PROXY,
                        "no memory for a connection to %.150s through a proxy", tunnel->host);
    fail(tunnel, &error);
}

static void timed_out(rp_timer *timer, void *user)
{
    rp_tunnel *tunnel = user;
    const char *peer = rp__stream_peer(tunnel->stream); /* NULL: the next one is not there yet */
    bool looking_up = tunnel->lookup != NULL && tunnel->targets == NULL;
    rp_error error;
    (void)timer;
    if (tunnel->refusal != NULL) {
        refused_for_good(tunnel);
        return;
    }
    if (tunnel->connect != NULL && rp__connect_status(tunnel->connect) != 0) {
        rp__connect_end(tunnel->connect, &error); /* it said no, and owes the rest of its reasons */
        refused(tunnel, &error);
        return;
    }
    if (looking_up)
        (void)rp__error_set(&error, RP_E_RESOLVE_TIMEOUT, RP_PHASE_RESOLVE,
                            "no answer for %.120s within %llu ms (looked up for a socks5 proxy)",
                            tunnel->host, (unsigned long long)tunnel->handshake_timeout_ms);
    else
        (void)rp__error_set(&error, RP_E_PROXY_TIMEOUT, RP_PHASE_PROXY,
                            "proxy %s did not connect to %.100s within %llu ms",
                            peer != NULL ? peer : tunnel->hop->host, tunnel->host,
                            (unsigned long long)tunnel->handshake_timeout_ms);
    error.of_proxy = !looking_up;
    fail(tunnel, &error);
}

/* ---- asking ---- */

static void ask(rp_tunnel *tunnel, const void *data, size_t size)
{
    rp_error error;
    if (rp__stream_put(tunnel->stream, data, size, &error) == RP_OK)
        return;
    rp__error_of_proxy(&error);
    fail(tunnel, &error);
}

static void begin_connect(rp_tunnel *tunnel)
{
    rp_memory *memory = &tunnel->loop->memory;
    size_t size;
    tunnel->connect = rp__connect_create(memory, tunnel->proxy->keep_answer);
    char *text =
        rp__connect_request(memory, tunnel->host, tunnel->port_number, tunnel->hop->fields, &size);
    if (tunnel->connect == NULL || text == NULL)
        no_memory(tunnel);
    else
        ask(tunnel, text, size);
    if (text != NULL)
        rp__free_secret(memory, text, size);
}

static void begin_socks(rp_tunnel *tunnel, const rp_address *address)
{
    rp_socks *socks = rp__allocate(&tunnel->loop->memory, sizeof(*socks));
    if (socks == NULL) {
        no_memory(tunnel);
        return;
    }
    *socks = (rp_socks){.host = address == NULL ? tunnel->host : NULL,
                        .address = address,
                        .port = tunnel->port_number,
                        .user = tunnel->hop->user,
                        .password = tunnel->hop->password};
    tunnel->socks = socks;
    rp__socks_begin(socks);
    ask(tunnel, socks->out, socks->out_size);
}

/* Those that the rules allow. Returns why the first of the others is not allowed, or NULL. */
static const char *add_targets(rp_tunnel *tunnel, const rp_address *addresses, size_t count)
{
    const char *why_not = NULL, *first = NULL;
    for (size_t i = 0; i < count && tunnel->target_count < RP_ADDRESSES_LIMIT; i++) {
        if (rp__address_is_among(&addresses[i], tunnel->targets, tunnel->target_count))
            continue;
        if (rp__rules_allow(&tunnel->rules, tunnel->host, &addresses[i], &why_not))
            tunnel->targets[tunnel->target_count++] = addresses[i];
        else
            first = first == NULL ? why_not : first;
    }
    return first;
}

/* One address after the other. */
static void begin_with(rp_tunnel *tunnel, const rp_address *addresses, size_t count)
{
    rp_error error;
    tunnel->targets =
        rp__allocate(&tunnel->loop->memory, RP_ADDRESSES_LIMIT * sizeof(*tunnel->targets));
    if (tunnel->targets == NULL) {
        no_memory(tunnel);
        return;
    }
    const char *why_not = add_targets(tunnel, addresses, count);
    if (tunnel->target_count > 0) {
        begin_socks(tunnel, tunnel->targets);
        return;
    }
    (void)rp__error_set(&error, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY,
                        "connection to %.100s through a proxy forbidden by this program: %s",
                        tunnel->host, why_not);
    wait_for_late(tunnel, &error);
}

static void ask_for_next(rp_tunnel *tunnel);

/* The late family's answer. */
static void looked_up_more(void *user, const rp_resolved *resolved)
{
    rp_tunnel *tunnel = user;
    tunnel->lookup = NULL;
    size_t before = tunnel->target_count;
    (void)add_targets(tunnel, resolved->addresses, resolved->count);
    if (tunnel->refusal == NULL)
        return;
    if (tunnel->target_count == before) {
        refused_for_good(tunnel);
        return;
    }
    rp_timer_stop(tunnel->loop, &tunnel->late);
    rp__free(&tunnel->loop->memory, tunnel->refusal);
    tunnel->refusal = NULL;
    if (tunnel->socks != NULL)
        ask_for_next(tunnel);
    else
        begin_socks(tunnel, tunnel->targets);
}

static rp_lookup *start_lookup(rp_tunnel *tunnel, unsigned patience, rp_lookup_fn *fn)
{
    return rp__lookup_start(tunnel->loop, tunnel->resolver, tunnel->host, tunnel->port_number,
                            rp__lookup_of(tunnel->families) | patience, fn, tunnel);
}

static void looked_up(void *user, const rp_resolved *resolved)
{
    rp_tunnel *tunnel = user;
    tunnel->lookup = NULL;
    if (resolved->error != NULL) {
        fail(tunnel, resolved->error);
        return;
    }
    if (resolved->partial) /* without memory for it: these must do */
        tunnel->lookup = start_lookup(tunnel, RP_LOOKUP_WHOLE, looked_up_more);
    begin_with(tunnel, resolved->addresses, resolved->count);
}

/* socks5: names are looked up here. */
static void look_up(rp_tunnel *tunnel)
{
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_error error;
    size_t count = 0;
    if (rp__resolve_at_once(tunnel->loop, tunnel->resolver, tunnel->host, tunnel->port_number,
                            addresses, &count, &error) != RP_OK) {
        fail(tunnel, &error);
        return;
    }
    if (count > 0) {
        begin_with(tunnel, addresses, count);
        return;
    }
    tunnel->lookup = start_lookup(tunnel, 0, looked_up);
    if (tunnel->lookup == NULL)
        no_memory(tunnel);
}

/* False: an address in place of a name, which goes as one. */
static bool is_name(const char *host)
{
    rp_address address;
    return !rp__address_parse(&address, host, strlen(host));
}

static void negotiate(rp_tunnel *tunnel)
{
    rp_error error;
    const rp_hop *hop = tunnel->hop;
    if (!rp__hop_resolves(hop) || (hop->kind == RP_PROXY_SOCKS5H && !is_name(tunnel->host))) {
        look_up(tunnel);
    } else if (rp__hop_check(tunnel->proxy, hop, &tunnel->rules, tunnel->host, tunnel->port_number,
                             &error) != RP_OK) {
        fail(tunnel, &error);
    } else if (hop->kind <= RP_PROXY_HTTPS) {
        begin_connect(tunnel);
    } else if (strlen(tunnel->host) > RP_SOCKS_TEXT_LIMIT) {
        (void)rp__error_set(&error, RP_E_RESOLVE_NOT_FOUND, RP_PHASE_PROXY,
                            "a host name of more than 255 bytes can't be told to a SOCKS proxy "
                            "(RFC 1928, 5)");
        fail(tunnel, &error);
    } else {
        begin_socks(tunnel, NULL);
    }
}

/* ---- the proxy's answer ---- */

static void stands(rp_tunnel *tunnel, const uint8_t *rest, size_t size)
{
    rp_tunnel_result result = {.socket = &tunnel->socket, .proxy = tunnel->stream};
    if (size > 0) {
        tunnel->early = rp__allocate(&tunnel->loop->memory, size);
        if (tunnel->early == NULL) {
            no_memory(tunnel);
            return;
        }
        memcpy(tunnel->early, rest, size);
        tunnel->early_size = size;
    }
    rp__stream_set_credit(tunnel->stream, true, 0); /* until it is received */
    tunnel->stands = true;
    tell(tunnel, &result);
}

static void connect_answer(rp_tunnel *tunnel, const uint8_t *data, size_t size)
{
    rp_error error;
    size_t used;
    switch (rp__connect_feed(tunnel->connect, data, size, &used, &error)) {
    case RP_CONNECT_MORE:
        break;
    case RP_CONNECT_DONE:
        stands(tunnel, data + used, size - used);
        break;
    case RP_CONNECT_FAILED:
        refused(tunnel, &error);
        break;
    }
}

/* What a proxy says no to may be the address alone (RFC 1928, 6). The next one needs a connection,
 * and a port, of its own. */
static bool may_ask_for_another(const rp_tunnel *tunnel)
{
    int code = tunnel->socks->code;
    const rp_local_end *local = tunnel->stream->local;
    bool one_port = local != NULL && local->first_port > 0 && local->first_port == local->last_port;
    return tunnel->targets != NULL && code > 0 && code <= 8 && code != 7 && !one_port;
}

static void address_refused(rp_tunnel *tunnel, const rp_error *why)
{
    rp_error error;
    if (!may_ask_for_another(tunnel)) {
        refused(tunnel, why);
    } else if (tunnel->refusals + 1 < tunnel->target_count) {
        ask_for_next(tunnel);
    } else {
        error = refusal_of(tunnel, why);
        wait_for_late(tunnel, &error);
    }
}

static void socks_answer(rp_tunnel *tunnel, const uint8_t *data, size_t size)
{
    rp_error error;
    while (size > 0 && tunnel->socks != NULL) {
        size_t used;
        rp_socks_result result = rp__socks_feed(tunnel->socks, data, size, &used, &error);
        data += used;
        size -= used;
        switch (result) {
        case RP_SOCKS_MORE:
            return;
        case RP_SOCKS_SEND:
            ask(tunnel, tunnel->socks->out, tunnel->socks->out_size);
            break;
        case RP_SOCKS_DONE:
            stands(tunnel, data, size);
            return;
        case RP_SOCKS_FAILED:
            address_refused(tunnel, &error);
            return;
        }
    }
}

static void answer_ends(rp_tunnel *tunnel, const rp_error *end)
{
    rp_error error;
    if (tunnel->connect != NULL && (end == NULL || rp__connect_status(tunnel->connect) != 0)) {
        rp__connect_end(tunnel->connect, &error);
        refused(tunnel, &error);
    } else if (end != NULL) {
        error = *end;
        error.phase = RP_PHASE_PROXY;
        rp__error_of_proxy(&error);
        fail(tunnel, &error);
    } else {
        (void)rp__error_set(&error, RP_E_PROXY_CLOSED, RP_PHASE_PROXY,
                            "it closed the connection before it had answered");
        refused(tunnel, &error);
    }
}

/* ---- the socket ---- */

static rp_tunnel *of_socket(rp_socket *socket)
{
    return RP_CONTAINER(socket, rp_tunnel, socket);
}

static void receive_ends(rp_tunnel *tunnel, rp_io_result result)
{
    tunnel->receiving = tunnel->stopping = false;
    tunnel->socket.handler->received(&tunnel->socket, (rp_slice){NULL, 0}, result, true);
}

static void give_early(rp_tunnel *tunnel)
{
    rp_slice early = {tunnel->early, tunnel->early_size};
    uint8_t *memory = tunnel->early;
    tunnel->early = NULL;
    tunnel->early_size = 0;
    tunnel->socket.handler->received(&tunnel->socket, early, (rp_io_result){RP_OK, 0}, false);
    rp__free_secret(&tunnel->loop->memory, memory, early.size);
}

static void send_ends(rp_tunnel *tunnel)
{
    if (tunnel->sent.status == RP_OK)
        tunnel->taken += tunnel->sending;
    tunnel->sending = 0;
    tunnel->send_done = false;
    tunnel->socket.handler->sent(&tunnel->socket, tunnel->sent);
}

static void owed(rp_deferred *deferred)
{
    rp_tunnel *tunnel = RP_CONTAINER(deferred, rp_tunnel, due);
    static const rp_io_result cancelled = {RP_E_CANCELLED, 0};
    if (tunnel->send_done)
        send_ends(tunnel);
    if (tunnel->receiving && !tunnel->stopping && tunnel->early != NULL)
        give_early(tunnel);
    if (tunnel->receiving && (tunnel->stopping || tunnel->stream == NULL))
        receive_ends(tunnel, cancelled);
    else if (tunnel->receiving && tunnel->ended)
        receive_ends(tunnel, tunnel->ended_by);
    else if (tunnel->receiving && !tunnel->closing)
        rp__stream_set_credit(tunnel->stream, false, 0);
    if (!tunnel->closing || tunnel->stream != NULL)
        return;
    tunnel->socket.handler->closed(&tunnel->socket);
    tunnel_free(tunnel);
}

static void owe(rp_tunnel *tunnel)
{
    rp__loop_defer(tunnel->loop, &tunnel->due, owed);
}

static void socket_receive(rp_socket *socket)
{
    rp_tunnel *tunnel = of_socket(socket);
    RP_ASSERT(!tunnel->receiving);
    tunnel->receiving = true;
    owe(tunnel);
}

static rp_io_result io_result(const rp_error *error)
{
    if (error == NULL)
        return (rp_io_result){RP_OK, 0};
    return (rp_io_result){error->status, error->os_code};
}

static void socket_sent(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_tunnel *tunnel = user;
    (void)stream;
    (void)write;
    tunnel->sent = io_result(error);
    send_ends(tunnel);
}

static void socket_send(rp_socket *socket, const rp_slice *slices, size_t count)
{
    rp_tunnel *tunnel = of_socket(socket);
    rp_error error;
    rp_status status = RP_OK;
    if (tunnel->stream == NULL || rp__stream_is_closing(tunnel->stream))
        status = rp__error_set(&error, RP_E_CANCELLED, RP_PHASE_NONE, "closed");
    for (size_t i = 0; i < count; i++) {
        tunnel->sending += slices[i].size;
        if (status == RP_OK)
            status = rp__stream_put(tunnel->stream, slices[i].data, slices[i].size, &error);
    }
    if (status == RP_OK) {
        tunnel->write = (rp_write){.fn = socket_sent, .user = tunnel};
        rp__stream_write_mark(tunnel->stream, &tunnel->write);
        return;
    }
    tunnel->sent = io_result(&error);
    tunnel->send_done = true;
    owe(tunnel);
}

static void socket_keepalive(rp_socket *socket, const rp_keepalive *keepalive)
{
    (void)socket; /* the stream's, from its beginning */
    (void)keepalive;
}

/* The stream's bytes are others, with TLS, and more: what of them is not confirmed counts. */
static uint64_t socket_confirmed(rp_socket *socket)
{
    rp_tunnel *tunnel = of_socket(socket);
    if (tunnel->stream == NULL)
        return 0;
    uint64_t confirmed = rp__stream_confirmed(tunnel->stream);
    uint64_t open = rp__stream_sent(tunnel->stream) - confirmed;
    return confirmed == 0 || open > tunnel->taken ? 0 : tunnel->taken - open;
}

static void socket_shutdown_send(rp_socket *socket)
{
    rp_tunnel *tunnel = of_socket(socket);
    if (tunnel->stream != NULL)
        (void)rp_stream_shutdown_write(tunnel->stream, &tunnel->write, NULL, NULL);
}

static void socket_cancel(rp_socket *socket, unsigned operations)
{
    rp_tunnel *tunnel = of_socket(socket);
    if ((operations & RP_OP_RECEIVE) && tunnel->receiving) {
        tunnel->stopping = true;
        if (tunnel->stream != NULL)
            rp__stream_set_credit(tunnel->stream, true, 0);
        owe(tunnel);
    }
    /* What is in the stream's hands can only end with it. */
    if ((operations & RP_OP_SEND) && tunnel->sending > 0 && tunnel->stream != NULL)
        rp_stream_close(tunnel->stream);
}

static void socket_close(rp_socket *socket)
{
    rp_tunnel *tunnel = of_socket(socket);
    tunnel->closing = tunnel->stopping = true;
    if (tunnel->stream != NULL)
        rp_stream_close(tunnel->stream);
    else
        owe(tunnel);
}

static rp_tcp_numbers socket_numbers(rp_socket *socket)
{
    const rp_tunnel *tunnel = of_socket(socket);
    return tunnel->stream != NULL ? rp__stream_numbers(tunnel->stream)
                                  : (rp_tcp_numbers){.known = false};
}

static rp_address socket_local(rp_socket *socket)
{
    const rp_tunnel *tunnel = of_socket(socket);
    return tunnel->stream != NULL ? rp__stream_local(tunnel->stream) : (rp_address){.family = 0};
}

static const rp_port_ops socket_ops = {
    .name = "tunnel",
    .receive = socket_receive,
    .send = socket_send,
    .keepalive = socket_keepalive,
    .confirmed = socket_confirmed,
    .numbers = socket_numbers,
    .local = socket_local,
    .shutdown_send = socket_shutdown_send,
    .cancel = socket_cancel,
    .close = socket_close,
};

/* ---- the stream to the proxy ---- */

static void on_open(rp_stream *stream, const rp_error *error, void *user)
{
    rp_tunnel *tunnel = user;
    rp_error told;
    if (tunnel->fn == NULL)
        return;
    if (error != NULL) {
        told = *error;
        rp__error_of_proxy(&told);
        fail(tunnel, &told);
        return;
    }
    if (tunnel->targets != NULL) { /* in the time that the first one was given */
        begin_socks(tunnel, &tunnel->targets[tunnel->refusals]);
        return;
    }
    uint64_t end_ns =
        rp__time_after(rp__stream_times_get(stream)->connected_ns, tunnel->handshake_timeout_ms);
    if (end_ns != UINT64_MAX)
        rp_timer_start(tunnel->loop, &tunnel->timer,
                       rp__time_left_ms(rp__loop_now_ns(tunnel->loop), end_ns), timed_out, tunnel);
    negotiate(tunnel);
}

/* It said no, and what it does then is all the same: the next address has a stream of its own. */
static bool refused_last(const rp_tunnel *tunnel)
{
    return tunnel->refusal != NULL && tunnel->socks != NULL;
}

static void on_data(rp_stream *stream, const uint8_t *data, size_t size, void *user)
{
    rp_tunnel *tunnel = user;
    rp_error error;
    (void)stream;
    if (tunnel->stands && tunnel->receiving && !tunnel->stopping) {
        tunnel->socket.handler->received(&tunnel->socket, (rp_slice){data, size},
                                         (rp_io_result){RP_OK, 0}, false);
    } else if (refused_last(tunnel)) {
        return;
    } else if (tunnel->connect != NULL) {
        connect_answer(tunnel, data, size);
    } else if (tunnel->socks != NULL) {
        socks_answer(tunnel, data, size);
    } else if (tunnel->fn != NULL) { /* while the name is looked up */
        (void)rp__error_set(&error, RP_E_PROXY_PROTOCOL, RP_PHASE_PROXY,
                            "it speaks before it is asked");
        refused(tunnel, &error);
    }
}

static void on_end(rp_stream *stream, const rp_error *error, void *user)
{
    rp_tunnel *tunnel = user;
    (void)stream;
    if (refused_last(tunnel))
        return;
    if (tunnel->fn != NULL) {
        answer_ends(tunnel, error);
        return;
    }
    tunnel->ended = true;
    tunnel->ended_by = io_result(error);
    if (error != NULL && tunnel->stands) {
        tunnel->end = rp__allocate(&tunnel->loop->memory, sizeof(*error));
        if (tunnel->end != NULL)
            *tunnel->end = *error;
    }
    if (tunnel->stands && tunnel->receiving)
        owe(tunnel);
}

static void on_close(rp_stream *stream, void *user)
{
    rp_tunnel *tunnel = user;
    (void)stream;
    tunnel->stream = NULL;
    if (!tunnel->stands)
        tunnel_free(tunnel);
    else
        owe(tunnel);
}

static const rp_stream_events events = {
    .on_open = on_open, .on_data = on_data, .on_end = on_end, .on_close = on_close};

static bool stream_begin(rp_tunnel *tunnel, const rp_local *local)
{
    const rp_hop *hop = tunnel->hop;
    rp_loop *loop = tunnel->loop;
    rp_stream *stream;
    bool tls = hop->kind == RP_PROXY_HTTPS;
    if (tls && loop->lower_scratch == NULL)
        loop->lower_scratch = rp__allocate(&loop->memory, RP_SCRATCH_BYTES);
    if (tls && loop->lower_scratch == NULL)
        return false;
    rp_stream_options to_proxy = {
        .host = hop->host,
        .port = hop->port,
        .tls = tls ? tunnel->proxy->tls : NULL,
        .alpn = tls ? "http/1.1" : NULL,
        .resolver = tunnel->resolver,
        .resolve_timeout_ms = tunnel->resolve_timeout_ms,
        .connect_timeout_ms = tunnel->connect_timeout_ms,
        .handshake_timeout_ms = tunnel->handshake_timeout_ms,
        .keepalive_idle_ms = tunnel->keepalive.idle_ms,
        .keepalive_unconfirmed_ms = tunnel->keepalive.unconfirmed_ms,
        .refuse_addresses = tunnel->rules.refuse,
        .on_address = tunnel->rules.on_address,
        .on_address_user = tunnel->rules.user,
        .families = tunnel->families,
        .local = *local,
    };
    if (rp_stream_open(&stream, loop, &to_proxy, &events, tunnel) != RP_OK)
        return false;
    tunnel->stream = stream;
    stream->lower = true;
    return true;
}

/* ---- the next address ---- */

static const rp_stream_events no_events = {.on_open = NULL}; /* of one that is open */

static rp_local local_of(const rp_stream *stream, char text[RP_ADDRESS_TEXT_SIZE])
{
    const rp_local_end *end = stream->local;
    if (end == NULL)
        return (rp_local){.address = NULL};
    return (rp_local){
        .address = end->address.family != 0 ? rp__address_text(&end->address, false, text) : NULL,
        .device = end->device[0] != '\0' ? end->device : NULL,
        .first_port = end->first_port,
        .last_port = end->last_port,
    };
}

static void ask_for_next(rp_tunnel *tunnel)
{
    rp_stream *last = tunnel->stream;
    char text[RP_ADDRESS_TEXT_SIZE];
    rp_local local = local_of(last, text);
    if (!stream_begin(tunnel, &local)) {
        no_memory(tunnel);
        return;
    }
    rp__stream_set_background(tunnel->stream, last->background);
    rp__stream_give(last, &no_events, NULL);
    rp_stream_close(last);
    rp__free_secret(&tunnel->loop->memory, tunnel->socks, sizeof(*tunnel->socks));
    tunnel->socks = NULL;
    tunnel->refusals++;
}

/* ---- for the stream above ---- */

rp_status rp__hop_check(const rp_proxy *proxy, const rp_hop *hop, const rp_dial_rules *rules,
                        const char *host, uint16_t port, rp_error *error)
{
    const char *why_not = NULL;
    rp_address addresses[RP_ADDRESSES_LIMIT];
    rp_override *from;
    rp_error why;
    size_t count;
    if (is_name(host) && rp__hop_resolves(hop) && proxy->refuse_unseen)
        return rp__error_set(error, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY,
                             "a proxy would look up %.100s, where this program can't see the "
                             "address: forbidden by its refuse_unseen",
                             host);
    if (rules->refuse == 0 && rules->on_address == NULL)
        return RP_OK;
    if (rp__names_answer(NULL, host, port, addresses, &count, &from, &why) != RP_OK)
        why_not = "it is no name, and the proxy may take it for an address";
    for (size_t i = 0; why_not == NULL && i < count; i++)
        (void)rp__rules_allow(rules, host, &addresses[i], &why_not);
    if (why_not == NULL)
        return RP_OK;
    return rp__error_set(error, RP_E_ADDRESS_REFUSED, RP_PHASE_PROXY,
                         "connection to %.100s through a proxy forbidden by this program: %s", host,
                         why_not);
}

rp_tunnel *rp__tunnel_open(rp_loop *loop, const rp_tunnel_options *options, rp_tunnel_fn *fn,
                           void *user)
{
    size_t size = strlen(options->host);
    rp_tunnel *tunnel = rp__allocate(&loop->memory, sizeof(*tunnel) + size + 1);
    if (tunnel == NULL)
        return NULL;
    tunnel->port.ops = &socket_ops;
    tunnel->socket.port = &tunnel->port;
    tunnel->loop = loop;
    tunnel->fn = fn;
    tunnel->user = user;
    tunnel->proxy = rp_proxy_retain(options->proxy);
    tunnel->hop = options->hop;
    tunnel->resolve_timeout_ms = options->resolve_timeout_ms;
    tunnel->connect_timeout_ms = options->connect_timeout_ms;
    tunnel->handshake_timeout_ms = options->handshake_timeout_ms;
    tunnel->keepalive = options->keepalive;
    tunnel->rules = options->rules;
    tunnel->families = options->families;
    tunnel->port_number = options->port;
    rp__list_init(&tunnel->due.link);
    memcpy(tunnel->host, options->host, size);
    if (options->resolver != NULL)
        tunnel->resolver = rp_resolver_retain(options->resolver);
    if (!stream_begin(tunnel, &options->local)) {
        tunnel_free(tunnel);
        return NULL;
    }
    return tunnel;
}

void rp__tunnel_cancel(rp_tunnel *tunnel)
{
    RP_ASSERT(!tunnel->stands);
    tunnel->fn = NULL;
    negotiation_free(tunnel);
    rp_stream_close(tunnel->stream);
}

const rp_stream *rp__tunnel_stream(const rp_tunnel *tunnel)
{
    return tunnel->stream;
}

void rp__tunnel_set_background(rp_tunnel *tunnel, bool background)
{
    if (tunnel->stream != NULL)
        rp__stream_set_background(tunnel->stream, background);
}

const rp_error *rp__tunnel_end(const rp_tunnel *tunnel)
{
    return tunnel->end;
}
