/* server_script.c - the steps of an exchange's script: appending them, and carrying them out. What
 * both versions have is translated when it is appended: HTTP/1.1's into bytes, HTTP/2's into fields
 * and data. */
#include "sim/server.h"

#include "base/assert.h"
#include "base/text.h"
#include "base/word.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- appending ---- */

static void advance_later(rp_deferred *deferred)
{
    rp__sim_connection_advance(RP_CONTAINER(deferred, sim_connection, later));
}

/* NULL: the connection has ended, and nobody cares any more. */
static sim_step *append(rp_sim_exchange *x, sim_step_kind kind, size_t size)
{
    if (x->connection->over || x->connection->dropped || x->told)
        return NULL;
    RP_ASSERT(!x->ended); /* or the user appends to a script that rp_sim_end has ended */
    sim_step *step = rp__allocate(&x->connection->server->memory, sizeof(*step) + size);
    RP_ASSERT(step != NULL);
    step->kind = kind;
    step->size = size;
    rp__list_append(&x->steps, &step->link);
    x->touched = true;
    sim_connection *c = x->connection;
    if (!c->advancing)
        rp__loop_defer(c->server->loop, &c->later, advance_later);
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

/* ---- responses in parts ---- */

static bool speaks_2(const rp_sim_exchange *x)
{
    return x->connection->speaks == SIM_HTTP2;
}

/* Lines that HTTP/2 has no use for (RFC 9113, 8.2.2). */
static bool is_hop_by_hop(const char *line)
{
    static const char *const names[] = {
        "connection:", "keep-alive:", "transfer-encoding:", "upgrade:", "proxy-connection:"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t at = 0;
        while (names[i][at] != '\0' && rp__ascii_lower(line[at]) == names[i][at])
            at++;
        if (names[i][at] == '\0')
            return true;
    }
    return false;
}

/* Lines of HTTP/1.1 as HTTP/2 has them: names in lower case. */
static void add_lines(rp_memory *memory, sim_bytes *text, const char *lines)
{
    while (*lines != '\0') {
        const char *end = strstr(lines, "\r\n");
        RP_ASSERT(end != NULL); /* or the script's line has no end */
        size_t size = (size_t)(end + 2 - lines), name = strcspn(lines, ":");
        if (!is_hop_by_hop(lines)) {
            size_t begin = text->size;
            rp__sim_bytes_add(memory, text, lines, size);
            for (size_t i = 0; i < name && i < size; i++)
                text->data[begin + i] = (uint8_t)rp__ascii_lower((char)text->data[begin + i]);
        }
        lines += size;
    }
}

/* status 0: trailers. */
static sim_step *append_fields(rp_sim_exchange *x, int status, const char *lines, const char *more,
                               uint8_t flags)
{
    rp_memory *memory = &x->connection->server->memory;
    sim_bytes text = {NULL, 0, 0, 0};
    char first[32] = "";
    RP_ASSERT(x->stream != 0); /* or it is the connection's, which has no response */
    if (status != 0)
        (void)snprintf(first, sizeof(first), ":status: %03d\r\n", status);
    add_lines(memory, &text, first);
    add_lines(memory, &text, lines != NULL ? lines : "");
    add_lines(memory, &text, more);
    rp__sim_bytes_add(memory, &text, "", 1);
    sim_step *step = append(x, SIM_STEP_FIELDS, text.size);
    if (step != NULL) {
        memcpy(step->data, text.data, text.size);
        step->stream = x->stream;
        step->flags = flags | RP_SIM_FLAG_END_HEADERS;
    }
    rp__free(memory, text.data);
    return step;
}

static bool has_no_body(const rp_sim_exchange *x, int status)
{
    return status == 204 || status == 304 || strcmp(rp_sim_method(x), "HEAD") == 0;
}

static const char *connection_header(const rp_sim_exchange *x)
{
    if (!rp__sim_h1_persists(x))
        return "Connection: close\r\n";
    return x->request.version == 10 ? "Connection: keep-alive\r\n" : "";
}

/* What tells a body's size, in HTTP/1.1 its end too. */
static void size_line(const rp_sim_exchange *x, int status, uint64_t size, char *line, size_t room)
{
    *line = '\0';
    if (status < 200 || status == 204 || status == 304)
        return;
    if (size != RP_SIM_SIZE_UNKNOWN)
        (void)snprintf(line, room, "Content-Length: %llu\r\n", (unsigned long long)size);
    else if (x->request.version == 11)
        (void)snprintf(line, room, "Transfer-Encoding: chunked\r\n");
}

void rp_sim_head(rp_sim_exchange *x, int status, const char *headers, uint64_t size)
{
    char line[48];
    RP_ASSERT(status >= 100 && status <= 999);
    size_line(x, status, size, line, sizeof(line));
    if (speaks_2(x)) {
        (void)append_fields(x, status, headers, line, 0);
        return;
    }
    rp_sim_print(x, "HTTP/1.1 %d Status %d\r\n%s%s%s\r\n", status, status,
                 headers != NULL ? headers : "", status < 200 ? "" : connection_header(x), line);
    if (status >= 200 && !has_no_body(x, status))
        x->framing = size != RP_SIM_SIZE_UNKNOWN ? SIM_BY_LENGTH
                     : x->request.version == 11  ? SIM_BY_CHUNKS
                                                 : SIM_UNFRAMED;
}

void rp_sim_upgrade(rp_sim_exchange *x, const char *headers)
{
    RP_ASSERT(!speaks_2(x) && x->request.state == SIM_REQUEST_DONE);
    rp_sim_print(x, "HTTP/1.1 101 Switching Protocols\r\n%s\r\n", headers);
    x->connection->speaks = SIM_RAW;
}

static void append_data(rp_sim_exchange *x, const void *data, size_t size, uint8_t flags)
{
    sim_step *step = append(x, SIM_STEP_DATA, size);
    if (step == NULL)
        return;
    step->flags = flags;
    if (size > 0)
        memcpy(step->data, data, size);
}

void rp_sim_data(rp_sim_exchange *x, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (speaks_2(x)) {
        append_data(x, data, size, 0);
        return;
    }
    if (x->framing == SIM_BY_CHUNKS)
        rp_sim_print(x, "%zx\r\n", size);
    rp_sim_write(x, data, size);
    if (x->framing == SIM_BY_CHUNKS)
        rp_sim_print(x, "\r\n");
}

void rp_sim_trailers(rp_sim_exchange *x, const char *headers)
{
    if (speaks_2(x))
        (void)append_fields(x, 0, headers, "", RP_SIM_FLAG_END_STREAM);
    else if (x->framing == SIM_BY_CHUNKS)
        rp_sim_print(x, "0\r\n%s\r\n", headers);
    x->framing = SIM_UNFRAMED;
}

/* One write: head and body, as far as windows allow it. */
static void respond_2(rp_sim_exchange *x, int status, const char *headers, const char *line,
                      const void *body, size_t size)
{
    bool more = size > 0 && !has_no_body(x, status);
    sim_step *step = append_fields(x, status, headers, line, more ? 0 : RP_SIM_FLAG_END_STREAM);
    if (step == NULL || !more)
        return;
    step->joined = true;
    append_data(x, body, size, RP_SIM_FLAG_END_STREAM);
}

/* Head and body are one step: the body goes where print() leaves room for it. */
static void respond_1(rp_sim_exchange *x, int status, const char *headers, const char *line,
                      const void *body, size_t size)
{
    const char *format = "HTTP/1.1 %d Status %d\r\n%s%s%s\r\n";
    const char *connection = connection_header(x);
    headers = headers != NULL ? headers : "";
    int head = snprintf(NULL, 0, format, status, status, headers, connection, line);
    RP_ASSERT(head > 0);
    size_t body_size = has_no_body(x, status) ? 0 : size;
    sim_step *step = append(x, SIM_STEP_WRITE, (size_t)head + 1 + body_size);
    if (step == NULL)
        return;
    (void)snprintf((char *)step->data, (size_t)head + 1, format, status, status, headers,
                   connection, line);
    if (body_size > 0)
        memcpy(step->data + head, body, body_size);
    step->size = (size_t)head + body_size;
}

void rp_sim_respond(rp_sim_exchange *x, int status, const char *headers, const void *body,
                    size_t size)
{
    char line[48];
    RP_ASSERT(status >= 200 && status <= 999);
    size_line(x, status, size, line, sizeof(line));
    (speaks_2(x) ? respond_2 : respond_1)(x, status, headers, line, body, size);
    rp_sim_end(x, RP_SIM_KEEP);
}

void rp_sim_end(rp_sim_exchange *x, rp_sim_ending ending)
{
    if (x->framing == SIM_BY_CHUNKS && (ending == RP_SIM_KEEP || ending == RP_SIM_CLOSE))
        rp_sim_trailers(x, "");
    sim_step *step = append(x, SIM_STEP_END, 0);
    if (step == NULL)
        return;
    step->ending = ending;
    x->ended = true;
}

/* ---- HTTP/2 by the frame ---- */

void rp_sim_frame(rp_sim_exchange *x, uint8_t type, uint8_t flags, uint32_t stream,
                  const void *payload, size_t size)
{
    sim_step *step = append(x, SIM_STEP_FRAME, size);
    if (step == NULL)
        return;
    step->type = type;
    step->flags = flags;
    step->stream = stream;
    if (size > 0)
        memcpy(step->data, payload, size);
}

void rp_sim_headers(rp_sim_exchange *x, uint8_t flags, uint32_t stream, const char *lines,
                    size_t cut)
{
    size_t size = strlen(lines) + 1;
    RP_ASSERT((flags & (RP_SIM_FLAG_PADDED | RP_SIM_FLAG_PRIORITY)) == 0);
    sim_step *step = append(x, SIM_STEP_FIELDS, size);
    if (step == NULL)
        return;
    memcpy(step->data, lines, size);
    step->flags = flags;
    step->stream = stream;
    step->number = cut;
}

void rp_sim_settings(rp_sim_exchange *x, const rp_sim_setting *settings, size_t count)
{
    uint8_t payload[6 * 32];
    RP_ASSERT(count <= 32);
    for (size_t i = 0; i < count; i++) {
        payload[6 * i] = (uint8_t)(settings[i].id >> 8);
        payload[6 * i + 1] = (uint8_t)settings[i].id;
        rp__word_put(payload + 6 * i + 2, settings[i].value);
    }
    rp_sim_frame(x, RP_SIM_FRAME_SETTINGS, 0, 0, payload, 6 * count);
}

void rp_sim_window_update(rp_sim_exchange *x, uint32_t stream, uint32_t increment)
{
    uint8_t payload[4];
    rp__word_put(payload, increment);
    rp_sim_frame(x, RP_SIM_FRAME_WINDOW_UPDATE, 0, stream, payload, sizeof(payload));
}

void rp_sim_goaway(rp_sim_exchange *x, uint32_t last_stream, uint32_t code, const char *debug)
{
    uint8_t payload[8 + 1024];
    size_t size = debug != NULL ? strlen(debug) : 0;
    RP_ASSERT(size <= sizeof(payload) - 8);
    rp__word_put(payload, last_stream);
    rp__word_put(payload + 4, code);
    if (size > 0)
        memcpy(payload + 8, debug, size);
    rp_sim_frame(x, RP_SIM_FRAME_GOAWAY, 0, 0, payload, 8 + size);
}

void rp_sim_reset_stream(rp_sim_exchange *x, uint32_t code)
{
    uint8_t payload[4];
    rp__word_put(payload, code);
    if (speaks_2(x))
        rp_sim_frame(x, RP_SIM_FRAME_RST_STREAM, 0, x->stream, payload, sizeof(payload));
    rp_sim_end(x, speaks_2(x) ? RP_SIM_KEEP : RP_SIM_END_RESET);
}

void rp_sim_withhold(rp_sim_exchange *x, unsigned what)
{
    sim_step *step = append(x, SIM_STEP_WITHHOLD, 0);
    if (step != NULL)
        step->number = what;
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

void rp__sim_script_end(sim_connection *c, rp_sim_ending ending)
{
    RP_ASSERT(!c->over && ending != RP_SIM_KEEP);
    c->over = true;
    c->ending = ending;
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        rp_timer_stop(c->server->loop, &RP_CONTAINER(link, rp_sim_exchange, link)->timer);
    rp_timer_stop(c->server->loop, &c->exchange.timer);
    if (ending == RP_SIM_END_STALLED)
        rp__sim_tamper_hold(c->socket, false); /* with the others the end goes along */
    if (ending == RP_SIM_CLOSE && c->h2 != NULL)
        rp__sim_h2_farewell(c);
    if (ending == RP_SIM_END_RESET)
        rp__stream_drop(c->stream, true);
    else if (ending == RP_SIM_END_STALLED)
        rp__stream_mute(c->stream);
    else if (ending == RP_SIM_CLOSE && c->phase == SIM_OPEN)
        (void)rp_stream_shutdown_write(c->stream, &c->shutdown, shut_down, c);
    else
        rp__stream_truncate(c->stream, &c->shutdown, shut_down, c);
    /* What still comes is nobody's; its end is waited for. */
    if (ending != RP_SIM_END_RESET)
        rp__stream_set_credit(c->stream, false, 0);
}

/* ---- carrying out ---- */

static sim_step *first(const rp_sim_exchange *x)
{
    return rp__list_empty(&x->steps) ? NULL : RP_CONTAINER(x->steps.next, sim_step, link);
}

static void step_done(rp_sim_exchange *x)
{
    sim_step *step = first(x);
    rp__list_remove(&step->link);
    rp__free(&x->connection->server->memory, step);
}

static void written(rp_stream *stream, rp_write *write, const rp_error *error, void *user)
{
    rp_sim_exchange *x = user;
    sim_connection *c = x->connection;
    const sim_step *step = first(x);
    (void)stream;
    (void)write;
    x->writing = false;
    x->output.size = 0;
    c->writes--;
    if (step->kind != SIM_STEP_DATA || step->number == step->size)
        step_done(x);
    if (c->over)
        return;
    if (error != NULL)
        rp__sim_connection_close(c);
    else
        rp__sim_connection_advance(c);
}

static void waited(rp_timer *timer, void *user)
{
    rp_sim_exchange *x = user;
    (void)timer;
    x->waiting = false;
    step_done(x);
    rp__sim_connection_advance(x->connection);
}

static void write_step(rp_sim_exchange *x, const void *data, size_t size, bool raw)
{
    rp_stream *stream = x->connection->stream;
    rp_status status;
    x->writing = true;
    x->connection->writes++;
    if (raw)
        status = rp__stream_write_raw(stream, &x->write, data, size, written, x);
    else
        status = rp_stream_write(stream, &x->write, data, size, written, x);
    RP_ASSERT(status == RP_OK);
}

static void hold(rp_sim_exchange *x, bool holding)
{
    x->holding = holding;
    rp__sim_tamper_hold(x->connection->socket, holding);
}

void rp__sim_script_flush(rp_sim_exchange *x)
{
    if (x->holding)
        hold(x, false);
}

/* False: windows are shut. The client gives more for what it has got. */
static bool frame_step(rp_sim_exchange *x, sim_step *step)
{
    RP_ASSERT(x->connection->h2 != NULL); /* or the script's server does not speak HTTP/2 */
    bool any = rp__sim_h2_step(x, step);
    if (any && step->joined) {
        step_done(x);
        (void)rp__sim_h2_step(x, first(x));
    }
    if (any)
        write_step(x, x->output.data, x->output.size, false);
    else
        rp__sim_script_flush(x);
    return any;
}

/* The script of a request, or of a connection that has none yet. */
static void end_step(rp_sim_exchange *x, rp_sim_ending ending)
{
    const sim_connection *c = x->connection;
    x->ended = false;
    x->framing = SIM_UNFRAMED;
    if (ending == RP_SIM_KEEP)
        hold(x, false);
    if (c->h2 != NULL && (ending == RP_SIM_KEEP || ending == RP_SIM_CLOSE))
        rp__sim_h2_end_stream(x);
    if (ending == RP_SIM_KEEP && !x->head_seen)
        return; /* on_connection's, or an idle connection's */
    if (ending == RP_SIM_KEEP) {
        x->answered = true;
        if (c->h2 != NULL)
            return;
        if (rp__sim_h1_persists(x) && (!c->peer_ended || c->input.size > 0))
            return;
        ending = RP_SIM_CLOSE;
    }
    rp__sim_script_end(x->connection, ending);
}

/* Those that are done at once. */
static void run_now(rp_sim_exchange *x, sim_step *step)
{
    sim_connection *c = x->connection;
    if (step->kind == SIM_STEP_CORRUPT) {
        rp__sim_tamper_at(c->socket, rp__stream_output_end(c->stream) + step->number);
    } else if (step->kind == SIM_STEP_HOLD || step->kind == SIM_STEP_FLUSH) {
        hold(x, step->kind == SIM_STEP_HOLD);
    } else if (step->kind == SIM_STEP_CALL) {
        step->fn(x, step->user);
    } else if (step->kind == SIM_STEP_WITHHOLD) {
        RP_ASSERT(c->h2 != NULL);
        rp__sim_h2_withhold(c, (unsigned)step->number);
    } else {
        c->deaf = true;
        rp__stream_set_credit(c->stream, true, 0);
    }
    step_done(x);
}

/* The connection's end and bytes around TLS have nothing beside them that is on its way. */
static bool must_wait(const sim_connection *c, const sim_step *step)
{
    return c->writes > 0 && (step->kind == SIM_STEP_WRITE_RAW ||
                             (step->kind == SIM_STEP_END && step->ending == RP_SIM_END_TRUNCATED));
}

static bool run(rp_sim_exchange *x, sim_step *step)
{
    rp_sim_ending ending = step->ending;
    if (must_wait(x->connection, step))
        return false;
    switch (step->kind) {
    case SIM_STEP_WRITE:
    case SIM_STEP_WRITE_RAW:
        write_step(x, step->data, step->size, step->kind == SIM_STEP_WRITE_RAW);
        return true;
    case SIM_STEP_FRAME:
    case SIM_STEP_FIELDS:
    case SIM_STEP_DATA:
        return frame_step(x, step);
    case SIM_STEP_WAIT:
        x->waiting = true;
        rp__timer_start_internal(x->connection->server->loop, &x->timer, step->number, waited, x);
        return true;
    case SIM_STEP_END:
        step_done(x);
        end_step(x, ending);
        return true;
    default:
        run_now(x, step);
        return true;
    }
}

/* Begins or does the next step. False: it can't now, or there is none. */
static bool script_run(rp_sim_exchange *x)
{
    sim_connection *c = x->connection;
    if (x->writing || x->waiting || c->phase == SIM_HANDSHAKE)
        return false;
    sim_step *step = first(x);
    bool begins = step == NULL || step->kind == SIM_STEP_WRITE || step->kind == SIM_STEP_HOLD;
    if (c->phase == SIM_CONNECTED && begins) {
        rp__sim_connection_begin(c); /* before it only raw bytes can leave */
        return true;
    }
    return step != NULL && run(x, step);
}

bool rp__sim_scripts_run(sim_connection *c)
{
    bool any = script_run(&c->exchange);
    for (rp_link *link = c->streams.next; link != &c->streams && !c->over; link = link->next)
        any = script_run(RP_CONTAINER(link, rp_sim_exchange, link)) || any;
    return any;
}

/* What waits for a window waits in vain: the client ends before it gives one. */
static bool is_done(const rp_sim_exchange *x)
{
    const sim_step *step = first(x);
    return step == NULL || (step->kind == SIM_STEP_DATA && !x->writing);
}

bool rp__sim_scripts_done(const sim_connection *c)
{
    bool done = is_done(&c->exchange);
    for (rp_link *link = c->streams.next; link != &c->streams && done; link = link->next)
        done = is_done(RP_CONTAINER(link, rp_sim_exchange, link));
    return done;
}

void rp__sim_scripts_clear(sim_connection *c)
{
    rp__sim_script_clear(&c->exchange);
    for (rp_link *link = c->streams.next; link != &c->streams; link = link->next)
        rp__sim_script_clear(RP_CONTAINER(link, rp_sim_exchange, link));
}

void rp__sim_script_clear(rp_sim_exchange *x)
{
    rp_link *link = x->steps.next;
    if (x->writing) { /* the stream has its bytes */
        sim_step *step = first(x);
        step->number = step->size; /* and gets no more of them */
        link = link->next;
    }
    while (link != &x->steps) {
        rp_link *next = link->next;
        rp__list_remove(link);
        rp__free(&x->connection->server->memory, RP_CONTAINER(link, sim_step, link));
        link = next;
    }
    rp_timer_stop(x->connection->server->loop, &x->timer);
    x->waiting = x->ended = false;
}
