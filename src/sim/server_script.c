/* server_script.c - the steps of an exchange's script: appending them, and carrying them out. */
#include "sim/server.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- appending ---- */

static void advance_later(rp_deferred *deferred)
{
    rp_sim_connection_advance(RP_CONTAINER(deferred, sim_connection, later));
}

/* NULL: the connection has ended, and nobody cares any more. */
static sim_step *append(rp_sim_exchange *x, sim_step_kind kind, size_t size)
{
    if (x->connection->over || x->told)
        return NULL;
    RP_ASSERT(!x->ended); /* or the user appends to a script that rp_sim_end has ended */
    sim_step *step = rp_allocate(&x->connection->server->memory, sizeof(*step) + size);
    RP_ASSERT(step != NULL);
    step->kind = kind;
    step->size = size;
    rp_list_append(&x->steps, &step->link);
    x->touched = true;
    sim_connection *c = x->connection;
    if (!c->advancing)
        rp_loop_defer(c->server->loop, &c->later, advance_later);
    return step;
}

static void append_bytes(rp_sim_exchange *x, sim_step_kind kind, const void *data, size_t size)
{
    sim_step *step = append(x, kind, size);
    if (step != NULL && size > 0)
        memcpy(step->data, data, size);
}

void rp_sim_write(rp_sim_exchange *x, const void *data, size_t size)
{
    append_bytes(x, SIM_STEP_WRITE, data, size);
}

void rp_sim_write_raw(rp_sim_exchange *x, const void *data, size_t size)
{
    append_bytes(x, SIM_STEP_WRITE_RAW, data, size);
}

/* Its place in the script, and that of the NUL that vsnprintf writes behind it. */
static void print(rp_sim_exchange *x, size_t size, const char *format, va_list arguments)
{
    sim_step *step = append(x, SIM_STEP_WRITE, size + 1);
    if (step == NULL)
        return;
    (void)vsnprintf((char *)step->data, size + 1, format, arguments);
    step->size = size;
}

void rp_sim_print(rp_sim_exchange *x, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    RP_ASSERT(size >= 0);
    va_start(arguments, format);
    print(x, (size_t)size, format, arguments);
    va_end(arguments);
}

void rp_sim_corrupt(rp_sim_exchange *x, uint64_t offset)
{
    sim_step *step = append(x, SIM_STEP_CORRUPT, 0);
    if (step != NULL)
        step->number = offset;
}

void rp_sim_hold(rp_sim_exchange *x)
{
    (void)append(x, SIM_STEP_HOLD, 0);
}

void rp_sim_flush(rp_sim_exchange *x)
{
    (void)append(x, SIM_STEP_FLUSH, 0);
}

void rp_sim_stop_reading(rp_sim_exchange *x)
{
    (void)append(x, SIM_STEP_STOP_READING, 0);
}

void rp_sim_call(rp_sim_exchange *x, rp_sim_step_fn *fn, void *user)
{
    sim_step *step = append(x, SIM_STEP_CALL, 0);
    if (step == NULL)
        return;
    step->fn = fn;
    step->user = user;
}

void rp_sim_wait(rp_sim_exchange *x, uint64_t ms)
{
    sim_step *step = append(x, SIM_STEP_WAIT, 0);
    if (step != NULL)
        step->number = ms;
}

void rp_sim_end(rp_sim_exchange *x, rp_sim_ending ending)
{
    sim_step *step = append(x, SIM_STEP_END, 0);
    if (step == NULL)
        return;
    step->ending = ending;
    x->ended = true;
}

static const char *connection_header(const rp_sim_exchange *x)
{
    if (!rp_sim_h1_persists(x))
        return "Connection: close\r\n";
    return x->request.version == 10 ? "Connection: keep-alive\r\n" : "";
}

/* Head and body are one step: the body goes where print() leaves room for it. */
void rp_sim_respond(rp_sim_exchange *x, int status, const char *headers, const void *body,
                    size_t size)
{
    RP_ASSERT(status >= 200 && status <= 999);
    bool announced = status != 204 && status != 304;
    bool head_only = !announced || strcmp(rp_sim_method(x), "HEAD") == 0;
    char length[48] = "";
    if (announced)
        (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size);
    const char *format = "HTTP/1.1 %d Status %d\r\n%s%s%s\r\n";
    headers = headers != NULL ? headers : "";
    const char *connection = connection_header(x);
    int head = snprintf(NULL, 0, format, status, status, headers, connection, length);
    RP_ASSERT(head > 0);
    size_t body_size = head_only ? 0 : size;
    sim_step *step = append(x, SIM_STEP_WRITE, (size_t)head + 1 + body_size);
    if (step == NULL)
        return;
    (void)snprintf((char *)step->data, (size_t)head + 1, format, status, status, headers,
                   connection, length);
    if (body_size > 0)
        memcpy(step->data + head, body, body_size);
    step->size = (size_t)head + body_size;
    rp_sim_end(x, RP_SIM_KEEP);
}

/* ---- endings ---- */

/* A peer that ended its side still waits for our end: it comes before the close. */
static void shut_down(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    sim_connection *c = user;
    (void)write;
    c->shut = true;
    if (c->peer_ended || error != NULL)
        rp_stream_close(stream);
}

void rp_sim_script_end(sim_connection *c, rp_sim_ending ending)
{
    RP_ASSERT(!c->over && ending != RP_SIM_KEEP);
    c->over = true;
    c->ending = ending;
    rp_timer_stop(c->server->loop, &c->exchange.timer);
    if (ending == RP_SIM_END_STALLED)
        rp_sim_tamper_hold(c->socket, false); /* with the others the end goes along */
    if (ending == RP_SIM_END_RESET)
        rp_stream_drop(c->stream, true);
    else if (ending == RP_SIM_END_STALLED)
        rp_stream_mute(c->stream);
    else if (ending == RP_SIM_CLOSE && c->phase == SIM_OPEN)
        (void)rp_stream_shutdown_write(c->stream, &c->shutdown, shut_down, c);
    else
        rp_stream_truncate(c->stream, &c->shutdown, shut_down, c);
    /* What still comes is nobody's; its end is waited for. */
    if (ending != RP_SIM_END_RESET)
        rp_stream_set_credit(c->stream, false, 0);
}

/* ---- carrying out ---- */

static sim_step *first(const rp_sim_exchange *x)
{
    return rp_list_empty(&x->steps) ? NULL : RP_CONTAINER(x->steps.next, sim_step, link);
}

static void step_done(rp_sim_exchange *x)
{
    sim_step *step = first(x);
    rp_list_remove(&step->link);
    rp_free(&x->connection->server->memory, step);
}

static void written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_sim_exchange *x = user;
    (void)stream;
    (void)write;
    x->writing = false;
    step_done(x);
    if (x->connection->over)
        return;
    if (error != NULL)
        rp_sim_connection_close(x->connection);
    else
        rp_sim_connection_advance(x->connection);
}

static void waited(rp_timer *timer, void *user)
{
    rp_sim_exchange *x = user;
    (void)timer;
    x->waiting = false;
    step_done(x);
    rp_sim_connection_advance(x->connection);
}

static void write_step(rp_sim_exchange *x, const sim_step *step)
{
    rp_stream *stream = x->connection->stream;
    rp_status status;
    x->writing = true;
    if (step->kind == SIM_STEP_WRITE)
        status = rp_stream_write(stream, &x->write, step->data, step->size, written, x);
    else
        status = rp_stream_write_raw(stream, &x->write, step->data, step->size, written, x);
    RP_ASSERT(status == RP_OK);
}

/* The script of a request, or of a connection that has none yet. */
static void end_step(rp_sim_exchange *x, rp_sim_ending ending)
{
    const sim_connection *c = x->connection;
    x->ended = false;
    if (ending == RP_SIM_KEEP)
        rp_sim_tamper_hold(c->socket, false);
    if (ending == RP_SIM_KEEP && !x->head_seen)
        return; /* on_connection's, or an idle connection's */
    if (ending == RP_SIM_KEEP) {
        x->answered = true;
        if (rp_sim_h1_persists(x) && (!c->peer_ended || c->input.size > 0))
            return;
        ending = RP_SIM_CLOSE;
    }
    rp_sim_script_end(x->connection, ending);
}

static void run(rp_sim_exchange *x, sim_step *step)
{
    sim_connection *c = x->connection;
    switch (step->kind) {
    case SIM_STEP_WRITE:
    case SIM_STEP_WRITE_RAW:
        write_step(x, step);
        return;
    case SIM_STEP_CORRUPT:
        rp_sim_tamper_at(c->socket, rp_stream_output_end(c->stream) + step->number);
        break;
    case SIM_STEP_HOLD:
    case SIM_STEP_FLUSH:
        rp_sim_tamper_hold(c->socket, step->kind == SIM_STEP_HOLD);
        break;
    case SIM_STEP_CALL:
        step->fn(x, step->user);
        break;
    case SIM_STEP_STOP_READING:
        c->deaf = true;
        rp_stream_set_credit(c->stream, true, 0);
        break;
    case SIM_STEP_WAIT:
        x->waiting = true;
        rp_timer_start_internal(c->server->loop, &x->timer, step->number, waited, x);
        return;
    case SIM_STEP_END: {
        rp_sim_ending ending = step->ending;
        step_done(x);
        end_step(x, ending);
        return;
    }
    }
    step_done(x);
}

bool rp_sim_script_run(rp_sim_exchange *x)
{
    sim_connection *c = x->connection;
    if (x->writing || x->waiting || c->phase == SIM_HANDSHAKE)
        return false;
    sim_step *step = first(x);
    bool begins = step == NULL || step->kind == SIM_STEP_WRITE || step->kind == SIM_STEP_HOLD;
    if (c->phase == SIM_CONNECTED && begins) {
        rp_sim_connection_begin(c); /* before it only raw bytes can leave */
        return true;
    }
    if (step == NULL)
        return false;
    run(x, step);
    return true;
}

void rp_sim_script_clear(rp_sim_exchange *x)
{
    rp_link *link = x->steps.next;
    if (x->writing) /* the stream has its bytes */
        link = link->next;
    while (link != &x->steps) {
        rp_link *next = link->next;
        rp_list_remove(link);
        rp_free(&x->connection->server->memory, RP_CONTAINER(link, sim_step, link));
        link = next;
    }
    rp_timer_stop(x->connection->server->loop, &x->timer);
    x->waiting = x->ended = false;
}
