/* server_h1.c - HTTP/1.1 on a connection of the scripted server: one request after the other. */
#include "sim/server.h"

#include <string.h>

bool rp__sim_h1_persists(const rp_sim_exchange *x)
{
    const sim_request *request = &x->request;
    if (request->state == SIM_REQUEST_FAILED || !request->keep_alive)
        return false;
    /* A client that was not told to go on may send the body or may not. */
    return request->state == SIM_REQUEST_DONE || !request->expects_continue || x->continued;
}

static void head_came(void *user)
{
    rp__sim_exchange_head(user);
}

static void body_came(void *user, const uint8_t *data, size_t size)
{
    rp__sim_exchange_body(user, data, size);
}

static void malformed(rp_sim_exchange *x, const char *why)
{
    rp__sim_server_complain(x->connection->server, why);
    x->request.state = SIM_REQUEST_FAILED;
    if (x->ended)
        return; /* the end of what is under way is the connection's */
    if (x->answered) {
        rp__sim_script_end(x->connection, RP_SIM_CLOSE);
        return;
    }
    if (!x->touched || !x->head_seen)
        rp_sim_print(x,
                     "HTTP/1.1 400 Bad Request\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n"
                     "%s\n",
                     strlen(why) + 1, why);
    rp_sim_end(x, RP_SIM_CLOSE);
}

static void next_request(rp_sim_exchange *x)
{
    rp__sim_request_reset(&x->request);
    x->body.begin = x->body.size = 0;
    x->served++;
    x->head_seen = x->answered = x->continued = false;
    x->framing = SIM_UNFRAMED;
}

bool rp__sim_h1_feed(sim_connection *c)
{
    static const sim_request_events events = {.on_head = head_came, .on_body = body_came};
    rp_sim_exchange *x = &c->exchange;
    sim_request *request = &x->request;
    if (c->phase != SIM_OPEN || c->deaf || c->input.size == 0 ||
        request->state == SIM_REQUEST_FAILED)
        return false;
    if (request->state == SIM_REQUEST_DONE && x->answered)
        next_request(x);
    if (request->state == SIM_REQUEST_DONE || (x->ended && !x->head_seen))
        return false;
    uint64_t kept = c->server->options.on_body == NULL ? request->body_bytes : 0;
    size_t used = rp__sim_request_feed(request, c->input.data + c->input.begin, c->input.size,
                                       &events, x, &c->over);
    kept = c->server->options.on_body == NULL ? request->body_bytes : kept;
    rp__sim_bytes_consume(&c->input, used);
    if (c->over)
        return true;
    rp_stream_consume(c->stream, used);
    if (request->state == SIM_REQUEST_FAILED)
        malformed(x, request->failure);
    else if (kept > SIM_BODY_LIMIT && !x->ended && !x->answered)
        malformed(x, "the body is larger than 16 MiB");
    else if (request->state == SIM_REQUEST_DONE)
        rp__sim_exchange_complete(x);
    return true;
}
