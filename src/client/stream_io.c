/* stream_io.c - the data path of a stream.
 *
 * Input: the port lends bytes; they are lent on to the engine, which decrypts them into the loop's
 * scratch memory, which is lent to on_data. Nothing is kept unless the caller's credit is used up:
 * then the rest of the input is stashed and the receive is stopped, and goes on when credit comes
 * back.
 *
 * Output: the pump encrypts queued writes into the output chain, up to RP_OUTPUT_LIMIT, and the
 * chain goes out in one send at a time. A write is complete when sent_total reaches the mark at its
 * end. */
#include "client/stream_inside.h"

#include "base/assert.h"
#include "base/error.h"

#include <string.h>

#define RECORD_BYTES ((size_t)16384) /* plaintext of one TLS record at the most (RFC 8446, 5.1) */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- errors ---- */

static void transport_error(const rp_stream *stream, rp_io_result result, rp_error *error)
{
    rp_phase phase = RP_PHASE_NONE;
    const rp_error *end = stream->tunnel != NULL ? rp__tunnel_end(stream->tunnel) : NULL;
    if (stream->state == RP_STREAM_HANDSHAKE)
        phase = RP_PHASE_HANDSHAKE;
    if (end != NULL) {
        *error = *end;
        error->phase = phase;
        rp__error_of_proxy(error);
        return;
    }
    if (result.status == RP_E_RESET)
        (void)rp__error_set(error, result.status, phase,
                            "the connection to %s was reset by the peer", stream->peer_text);
    else
        (void)rp__error_set(error, result.status, phase, "the connection to %s failed: %s",
                            stream->peer_text, rp__os_error_text(result.os_code));
    error->os_code = result.os_code;
}

/* ---- completing writes ---- */

static rp_write *write_take(rp_write **first, rp_write **last)
{
    rp_write *write = *first;
    *first = write->private_next;
    if (*first == NULL)
        *last = NULL;
    write->private_next = NULL;
    return write;
}

static void write_put(rp_write **first, rp_write **last, rp_write *write)
{
    write->private_next = NULL;
    if (*last != NULL)
        (*last)->private_next = write;
    else
        *first = write;
    *last = write;
}

static void write_done(rp_stream *stream, rp_write *write, const rp_error *error)
{
    if (write->fn != NULL)
        write->fn(stream, write, error, write->user);
}

void rp__stream_fail_writes(rp_stream *stream, const rp_error *error)
{
    stream->write_failed = true;
    if (stream->write_failure == NULL) {
        stream->write_failure = rp__allocate(&stream->loop->memory, sizeof(*error));
        if (stream->write_failure != NULL)
            *stream->write_failure = *error;
    }
    /* Those that the callbacks add fail from the pump. */
    rp_write *encrypted = stream->encrypted, *queued = stream->queued;
    stream->encrypted = stream->encrypted_last = NULL;
    stream->queued = stream->queued_last = NULL;
    stream->queued_done = 0;
    rp_write *none = NULL;
    while (encrypted != NULL)
        write_done(stream, write_take(&encrypted, &none), error);
    while (queued != NULL)
        write_done(stream, write_take(&queued, &none), error);
}

static void fail_late_writes(rp_stream *stream)
{
    rp_error error;
    if (stream->write_failure != NULL)
        error = *stream->write_failure;
    else
        (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory");
    rp__stream_fail_writes(stream, &error);
}

static void tell_end(rp_stream *stream, const rp_error *error)
{
    if (stream->end_told || stream->closing)
        return;
    stream->end_told = true;
    if (stream->events->on_end != NULL)
        stream->events->on_end(stream, error, stream->user);
}

/* ---- encrypting ---- */

void rp__stream_write_mark(rp_stream *stream, rp_write *write)
{
    write->private_size = (size_t)(stream->sent_total + stream->output.size);
    write_put(&stream->encrypted, &stream->encrypted_last, write);
}

/* The first queued write is in output as far as it will go. */
static void write_encrypted(rp_stream *stream)
{
    stream->queued_done = 0;
    rp__stream_write_mark(stream, write_take(&stream->queued, &stream->queued_last));
}

static bool encrypt_piece(rp_stream *stream, const uint8_t *data, size_t size, rp_error *error)
{
    stream->plain_total += size;
    if (stream->state == RP_STREAM_OPEN)
        return rp__engine_write(stream->engine, data, size, error) == RP_ENGINE_OK;
    if (rp__chain_append(&stream->output, data, size))
        return true;
    (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory to send to %s",
                        stream->peer_text);
    return false;
}

static bool encrypt_end(rp_stream *stream, rp_error *error)
{
    if (stream->state == RP_STREAM_PLAIN)
        return true;
    return rp__engine_close_notify(stream->engine, error) == RP_ENGINE_OK;
}

static void encrypt(rp_stream *stream)
{
    rp_error error;
    while (stream->queued != NULL && stream->output.size < RP_OUTPUT_LIMIT) {
        const rp_write *write = stream->queued;
        size_t size = least(write->private_size - stream->queued_done, RECORD_BYTES);
        bool good = true;
        if (write->private_shutdown)
            good = encrypt_end(stream, &error);
        else if (size > 0)
            good = encrypt_piece(stream, write->private_data + stream->queued_done, size, &error);
        if (!good) {
            rp__stream_fail_writes(stream, &error);
            if (stream->state == RP_STREAM_OPEN) /* can't decrypt any more either */
                tell_end(stream, &error);
            return;
        }
        stream->queued_done += size;
        if (stream->queued_done == write->private_size)
            write_encrypted(stream);
    }
}

/* ---- sending ---- */

/* Must somebody learn soon that this send went out? */
static bool is_quiet(const rp_stream *stream)
{
    if (stream->queued != NULL || stream->fill != NULL || stream->output.size > stream->in_flight)
        return false;
    for (const rp_write *write = stream->encrypted; write != NULL; write = write->private_next) {
        if (write->private_shutdown || write->fn != NULL)
            return false;
    }
    return true;
}

static rp_slice *slices_of(rp_stream *stream, size_t *limit)
{
    *limit = RP_SEND_SLICES;
    if (stream->output.size <= (size_t)RP_CHUNK_BYTES)
        return stream->slices;
    stream->slice_chunk = rp__chunk_take(&stream->loop->chunks);
    if (stream->slice_chunk == NULL)
        return stream->slices;
    *limit = RP_CHUNK_BYTES / sizeof(rp_slice);
    return (rp_slice *)(void *)stream->slice_chunk->data;
}

void rp__stream_flush(rp_stream *stream)
{
    if (stream->send_ended) /* an alert, or what answers a KeyUpdate: too late */
        rp__chain_clear(&stream->output);
    bool mute = (stream->closing && !stream->parting) ||
                (stream->write_failed && !stream->alert_due) || stream->state == RP_STREAM_ASKING;
    if (stream->socket == NULL || rp__stream_leaves(stream) || mute || stream->in_flight > 0 ||
        stream->output.size == 0)
        return;
    /* If the slices don't reach to the end of it, for want of memory, the rest counts as well: it
     * follows, and who asks must not be told less than the peer may have seen. */
    stream->plain_handed = stream->plain_total;
    size_t limit;
    rp_slice *slices = slices_of(stream, &limit);
    size_t count = rp__chain_slices(&stream->output, slices, limit);
    for (size_t i = 0; i < count; i++)
        stream->in_flight += slices[i].size;
    stream->socket->quiet_send = is_quiet(stream);
    rp__socket_ops(stream->socket)->send(stream->socket, slices, count);
}

void rp__stream_flush_alert(rp_stream *stream)
{
    rp__stream_flush(stream);
    stream->alert_due = !stream->write_failed && stream->output.size > stream->in_flight;
}

/* More was written, or asked for, while a quiet send was under way. Nobody is woken when that went
 * out; but the pump's next call is in a turn that does not wait, which reports it, once. */
static void wait_for_quiet_send(rp_stream *stream)
{
    if (stream->in_flight == 0 || !stream->socket->quiet_send || is_quiet(stream))
        return;
    stream->socket->quiet_send = false; /* waited for: if it is not reported then, it is slow */
    rp__stream_pump_later(stream);
}

static void complete_writes(rp_stream *stream)
{
    while (!stream->closing && stream->encrypted != NULL &&
           stream->encrypted->private_size <= stream->sent_total) {
        rp_write *write = write_take(&stream->encrypted, &stream->encrypted_last);
        if (write->private_shutdown) {
            stream->send_ended = true;
            rp__socket_ops(stream->socket)->shutdown_send(stream->socket);
        }
        write_done(stream, write, NULL);
    }
}

static void slice_chunk_give(rp_stream *stream)
{
    if (stream->slice_chunk != NULL)
        rp__chunk_give(&stream->loop->chunks, stream->slice_chunk);
    stream->slice_chunk = NULL;
}

/* After a reset the receive says so, once what came before it was read. Whatever else made a send
 * fail may leave the receive waiting, for an answer to what never left. */
static void send_failed(rp_stream *stream, rp_io_result result)
{
    rp_error error;
    transport_error(stream, result, &error);
    rp__chain_clear(&stream->output);
    if (!stream->write_failed && !rp__stream_has_next(stream))
        rp__stream_fail_writes(stream, &error);
    if (stream->closing || result.status == RP_E_RESET)
        return;
    if (stream->state == RP_STREAM_HANDSHAKE || stream->state == RP_STREAM_CONNECTED)
        rp__stream_open_failed(stream, &error);
    else
        tell_end(stream, &error);
}

/* The last words follow what was in flight, where the network takes them at once. */
static void part(rp_stream *stream, rp_io_result result, size_t size)
{
    if (result.status == RP_OK) {
        rp__chain_consume(&stream->output, size);
        rp__stream_flush(stream);
    }
    stream->parting = false;
    rp__socket_ops(stream->socket)->close(stream->socket);
}

static void sent(rp_socket *socket, rp_io_result result)
{
    rp_stream *stream = socket->user;
    size_t size = stream->in_flight;
    stream->in_flight = 0;
    slice_chunk_give(stream);
    if (stream->parting)
        part(stream, result, size);
    if (stream->closing)
        return;
    if (result.status != RP_OK) {
        send_failed(stream, result);
        return;
    }
    rp__chain_consume(&stream->output, size);
    stream->sent_total += size;
    stream->moved_ns = rp__loop_now_ns(stream->loop);
    complete_writes(stream);
    rp__stream_flush(stream);
    if (stream->queued != NULL || stream->fill != NULL)
        rp__stream_pump_later(stream);
}

/* ---- delivering ---- */

static bool has_credit(const rp_stream *stream)
{
    return !stream->has_credit_limit || stream->credit > 0;
}

static void tell_data(rp_stream *stream, const uint8_t *data, size_t size)
{
    if (stream->has_credit_limit)
        stream->credit -= size;
    if (stream->events->on_data != NULL)
        stream->events->on_data(stream, data, size, stream->user);
}

/* The engine gave up, and can't encrypt any more either. What the transport did is the better
 * reason where it has one. */
static void tell_failure(rp_stream *stream, rp_error *error)
{
    if (stream->input_ended && stream->input_result.status != RP_OK)
        transport_error(stream, stream->input_result, error);
    else
        rp__stream_flush_alert(stream); /* which may tell the peer why */
    rp__stream_fail_writes(stream, error);
    tell_end(stream, error);
}

/* Records that came, until there is enough for a delivery: small ones come in crowds where many
 * requests share a connection, and who reads has something to do behind each delivery. */
static rp_engine_result read_records(rp_stream *stream, uint8_t *buffer, size_t *size,
                                     rp_error *error)
{
    rp_engine_result result;
    size_t capacity = RECORD_BYTES, part; /* what http.h says of on_body */
    if (stream->has_credit_limit)
        capacity = least(capacity, stream->credit);
    *size = 0;
    do {
        result = rp__engine_read(stream->engine, buffer + *size, capacity - *size, &part, error);
        *size += part;
    } while (result == RP_ENGINE_OK && *size < least(capacity, RP_ENGINE_ENOUGH) &&
             rp__engine_readable(stream->engine));
    return result;
}

static void deliver_tls(rp_stream *stream)
{
    uint8_t *buffer = stream->lower ? stream->loop->lower_scratch : stream->loop->scratch;
    while (!stream->closing && !stream->end_told && has_credit(stream) &&
           rp__engine_readable(stream->engine)) {
        size_t size;
        rp_error error;
        rp_engine_result result = read_records(stream, buffer, &size, &error);
        if (!stream->lower && size > stream->loop->scratch_used)
            stream->loop->scratch_used = size;
        if (size > 0)
            tell_data(stream, buffer, size);
        if (stream->closing || stream->end_told || result == RP_ENGINE_WANT_INPUT)
            return;
        if (result == RP_ENGINE_END)
            tell_end(stream, NULL);
        else if (result != RP_ENGINE_OK) /* the others that are no failure: in handshakes only */
            tell_failure(stream, &error);
    }
}

static void handshake(rp_stream *stream)
{
    rp_error error;
    stream->handshake_due = false;
    if (stream->engine == NULL && !rp__stream_engine_make(stream, &error)) {
        rp__stream_open_failed(stream, &error);
        return;
    }
    if (stream->input_ended)
        rp__engine_input_end(stream->engine);
    switch (rp__engine_handshake(stream->engine, &error)) {
    case RP_ENGINE_OK:
        rp__stream_opened(stream);
        break;
    case RP_ENGINE_DOUBT:
        rp__stream_ask(stream);
        break;
    case RP_ENGINE_SIGN:
        rp__stream_sign(stream);
        break;
    case RP_ENGINE_FAILED:
        if (stream->input_ended && stream->input_result.status != RP_OK)
            transport_error(stream, stream->input_result, &error);
        rp__stream_open_failed(stream, &error);
        break;
    default:
        break;
    }
}

static void stash_drop(rp_stream *stream)
{
    rp_stash *kept = stream->stash;
    if (kept == NULL)
        return;
    rp__free_secret(&stream->loop->memory, kept, sizeof(*kept) + kept->begin + kept->size);
    stream->stash = NULL;
}

static bool stash(rp_stream *stream, rp_slice rest)
{
    if (rest.size == 0)
        return true;
    rp_stash *kept = stream->stash;
    size_t before = rp__stream_stashed(stream), need = before + rest.size;
    if (kept == NULL || kept->begin + need > kept->capacity) {
        rp_stash *grown = rp__reallocate(&stream->loop->memory, NULL, sizeof(*grown) + need);
        if (grown == NULL)
            return false;
        *grown = (rp_stash){.capacity = need};
        if (before > 0)
            memcpy(grown->bytes, kept->bytes + kept->begin, before);
        stash_drop(stream);
        stream->stash = kept = grown;
    }
    memcpy(kept->bytes + kept->begin + before, rest.data, rest.size);
    kept->size = need;
    stream->loop->stats.bytes_copied += rest.size;
    return true;
}

/* ---- stages ----
 *
 * Who takes the input, of the states in which somebody does: the handshake, the user behind TLS,
 * the user alone. A stage may lead to another one while it takes: what is left of the input is that
 * one's. */

typedef struct stage {
    /* The first step, which needs no input; from the pump, where handshake_due is set. */
    void (*begin)(rp_stream *stream);
    /* Returns what of the input was not taken. */
    rp_slice (*take)(rp_stream *stream, rp_slice input);
    /* The transport's end, once everything before it was taken. */
    void (*end)(rp_stream *stream);
} stage;

static void begin_nothing(rp_stream *stream)
{
    (void)stream;
}

static rp_slice take_nothing(rp_stream *stream, rp_slice input)
{
    (void)stream;
    return input;
}

static void plain_opens(rp_stream *stream)
{
    stream->handshake_due = false;
    rp__stream_opened(stream);
}

static rp_slice plain_take(rp_stream *stream, rp_slice input)
{
    while (input.size > 0 && !stream->closing && has_credit(stream)) {
        size_t size = input.size;
        if (stream->has_credit_limit)
            size = least(size, stream->credit);
        tell_data(stream, input.data, size);
        input = (rp_slice){input.data + size, input.size - size};
    }
    return input;
}

/* Input that came before the first turn's pump. */
static rp_slice connected_take(rp_stream *stream, rp_slice input)
{
    plain_opens(stream);
    return plain_take(stream, input);
}

static void plain_end(rp_stream *stream)
{
    rp_error error;
    if (!has_credit(stream))
        return;
    if (stream->input_result.status == RP_OK) {
        tell_end(stream, NULL);
        return;
    }
    transport_error(stream, stream->input_result, &error);
    tell_end(stream, &error);
}

static rp_slice tls_take(rp_stream *stream, rp_slice input)
{
    if (stream->engine == NULL)
        return input; /* before the first pump */
    if (input.size > 0)
        rp__engine_lend(stream->engine, input.data, input.size);
    if (stream->state == RP_STREAM_HANDSHAKE && (input.size > 0 || stream->handshake_due))
        handshake(stream);
    if (stream->state == RP_STREAM_OPEN)
        deliver_tls(stream);
    return input.size == 0 ? input : rp__engine_unlend(stream->engine);
}

static void tls_end(rp_stream *stream)
{
    if (stream->engine == NULL)
        return;
    rp__engine_input_end(stream->engine);
    if (stream->state == RP_STREAM_HANDSHAKE)
        handshake(stream);
    if (stream->state == RP_STREAM_OPEN)
        deliver_tls(stream);
}

static const stage stages[] = {
    [RP_STREAM_DIALLING] = {begin_nothing, take_nothing, begin_nothing},
    [RP_STREAM_CONNECTED] = {plain_opens, connected_take, begin_nothing},
    [RP_STREAM_HANDSHAKE] = {handshake, tls_take, tls_end},
    [RP_STREAM_ASKING] = {begin_nothing, take_nothing, begin_nothing},
    [RP_STREAM_OPEN] = {begin_nothing, tls_take, tls_end},
    [RP_STREAM_PLAIN] = {begin_nothing, plain_take, plain_end},
    [RP_STREAM_FAILED] = {begin_nothing, take_nothing, begin_nothing},
};

static void process_end(rp_stream *stream)
{
    if (!stream->closing && !stream->end_told && stream->stash == NULL)
        stages[stream->state].end(stream);
}

static void input_no_memory(rp_stream *stream)
{
    rp_error error;
    (void)rp__error_set(&error, RP_E_NO_MEMORY, RP_PHASE_NONE, "no memory for what %s sent",
                        stream->peer_text);
    if (stream->state < RP_STREAM_OPEN)
        rp__stream_open_failed(stream, &error);
    else
        tell_end(stream, &error);
}

/* The receive runs while there is credit and nothing is stashed. */
static void regulate_receive(rp_stream *stream)
{
    if (stream->closing || stream->input_ended || stream->socket == NULL)
        return;
    bool wanted = has_credit(stream) && stream->stash == NULL;
    if (wanted && !stream->receiving) {
        stream->receiving = true;
        stream->receive_turn = stream->loop->stats.turns;
        rp__socket_ops(stream->socket)->receive(stream->socket);
    } else if (!wanted && stream->receiving && !stream->receive_stopping) {
        stream->receive_stopping = true;
        rp__socket_ops(stream->socket)->cancel(stream->socket, RP_OP_RECEIVE);
    }
}

static void stash_run(rp_stream *stream)
{
    rp_stash *kept = stream->stash;
    rp_slice input = {NULL, 0};
    if (kept != NULL)
        input = (rp_slice){kept->bytes + kept->begin, kept->size};
    rp_slice rest = stages[stream->state].take(stream, input);
    if (kept == NULL)
        return;
    kept->begin += input.size - rest.size;
    kept->size = rest.size;
    if (rest.size == 0)
        stash_drop(stream);
}

static void received_final(rp_stream *stream, rp_io_result result)
{
    stream->receiving = stream->receive_stopping = false;
    if (stream->closing)
        return;
    if (result.status == RP_E_CANCELLED) {
        regulate_receive(stream);
        if (stream->fill != NULL)
            rp__stream_pump_later(stream);
        return;
    }
    stream->input_ended = true;
    stream->input_result = result;
    process_end(stream);
}

static void received(rp_socket *socket, rp_slice bytes, rp_io_result result, bool final)
{
    rp_stream *stream = socket->user;
    rp__stream_heard(stream);
    if (final) {
        received_final(stream, result);
    } else if (!stream->closing && !stream->end_told) {
        stream->moved_ns = rp__loop_now_ns(stream->loop);
        rp_slice rest = stream->stash != NULL ? bytes : stages[stream->state].take(stream, bytes);
        if (!stream->closing && !stream->end_told && !stash(stream, rest))
            input_no_memory(stream);
        regulate_receive(stream);
    }
    if (stream->output.size > stream->in_flight)
        rp__stream_pump_later(stream);
}

static void closed(rp_socket *socket)
{
    rp_stream *stream = socket->user;
    stream->socket = NULL;
    stream->tunnel = NULL; /* it ends with its socket */
    rp__stream_pump_later(stream);
}

const rp_socket_handler rp__stream_socket_handler = {
    .received = received, .sent = sent, .closed = closed};

/* ---- the pump ---- */

static void fill(rp_stream *stream)
{
    void (*fn)(rp_stream *, void *) = stream->fill;
    if (fn == NULL || stream->closing || !rp__stream_is_open(stream) || stream->in_flight > 0 ||
        stream->receive_stopping)
        return; /* the end of the send, or of the receive, calls the pump */
    stream->fill = NULL;
    stream->filling = true; /* the pump goes on with what comes now: no other is needed */
    fn(stream, stream->user);
    stream->filling = false;
}

/* Somebody else has what is the opening's. */
static bool is_lent(const rp_opening *opening)
{
    return opening != NULL &&
           (opening->leaving != NULL || opening->question != NULL || opening->signing != NULL);
}

static void pump(rp_deferred *deferred)
{
    rp_stream *stream = RP_CONTAINER(deferred, rp_stream, pump);
    if (!stream->closing && stream->handshake_due)
        stages[stream->state].begin(stream);
    /* What came before there was an engine was put aside, too. */
    if (!stream->closing && (rp__stream_is_open(stream) || stream->state == RP_STREAM_HANDSHAKE)) {
        stash_run(stream);
        if (stream->input_ended)
            process_end(stream);
        regulate_receive(stream);
    }
    fill(stream);
    if (!stream->closing && stream->write_failed)
        fail_late_writes(stream);
    else if (!stream->closing && rp__stream_is_open(stream))
        encrypt(stream);
    if (!stream->closing && stream->in_flight == 0)
        complete_writes(stream);
    rp__stream_flush(stream);
    if (!stream->closing)
        wait_for_quiet_send(stream);
    if (stream->closing && stream->socket == NULL && !is_lent(stream->opening))
        rp__stream_finish_close(stream);
}

void rp__stream_pump_later(rp_stream *stream)
{
    rp__loop_defer(stream->loop, &stream->pump, pump);
}

void rp__stream_want_fill(rp_stream *stream, void (*fn)(rp_stream *stream, void *user))
{
    stream->fill = fn;
    if (fn == NULL || stream->receive_stopping)
        return;
    /* Behind a quiet send it is the pump that waits: deferred from there it has a turn to come that
     * asks the port; from a timer's callback it may be called yet in this one. */
    if (stream->in_flight == 0 || stream->socket->quiet_send)
        rp__stream_pump_later(stream);
}

rp_stream_input rp__stream_input_get(const rp_stream *stream)
{
    if (!rp__stream_is_open(stream) || stream->closing || stream->input_ended || stream->end_told ||
        stream->write_failed || stream->shutdown_asked)
        return RP_INPUT_ENDED;
    rp_stream_input below = RP_INPUT_CLEAN;
    if (stream->tunnel != NULL)
        below = rp__stream_input_get(rp__tunnel_stream(stream->tunnel));
    if (below != RP_INPUT_CLEAN)
        return below;
    if (stream->stash != NULL ||
        (stream->state == RP_STREAM_OPEN && !rp__engine_between_records(stream->engine)))
        return RP_INPUT_UNREAD;
    if (!stream->receiving || stream->receive_stopping ||
        stream->receive_turn == stream->loop->stats.turns)
        return RP_INPUT_UNSEEN;
    return RP_INPUT_CLEAN;
}

/* Through a proxy: the stream to it, which may have a part of a record; or NULL. */
static const rp_stream *stream_below(const rp_stream *stream)
{
    return stream->tunnel != NULL ? rp__tunnel_stream(stream->tunnel) : NULL;
}

uint64_t rp__stream_moved_ns(const rp_stream *stream)
{
    const rp_stream *below = stream_below(stream);
    return below != NULL && below->moved_ns > stream->moved_ns ? below->moved_ns : stream->moved_ns;
}

uint64_t rp__stream_heard_ns(const rp_stream *stream)
{
    const rp_stream *below = stream_below(stream);
    return below != NULL && below->heard_ns > stream->heard_ns ? below->heard_ns : stream->heard_ns;
}

bool rp__stream_all_sent(const rp_stream *stream)
{
    return stream->queued == NULL && stream->output.size == 0 && !stream->write_failed;
}

uint64_t rp__stream_sent(const rp_stream *stream)
{
    return stream->sent_total;
}

uint64_t rp__stream_plain_put(const rp_stream *stream)
{
    return stream->plain_total;
}

uint64_t rp__stream_plain_handed(const rp_stream *stream)
{
    return stream->plain_handed;
}

void rp__stream_io_reset(rp_stream *stream)
{
    RP_ASSERT(stream->encrypted == NULL);
    rp__stream_io_free(stream);
    stream->input_ended = false;
}

void rp__stream_io_free(rp_stream *stream)
{
    slice_chunk_give(stream);
    rp__chain_clear(&stream->output);
    stash_drop(stream);
}

/* ---- the public calls ---- */

static rp_status write_start(rp_stream *stream, rp_write *write, const void *data, size_t size)
{
    if (!rp__loop_is_ours(stream->loop) || stream->closing || stream->shutdown_asked ||
        (data == NULL && size > 0))
        return RP_E_MISUSE;
    write->private_data = data;
    write->private_size = size;
    write_put(&stream->queued, &stream->queued_last, write);
    if ((rp__stream_is_open(stream) || stream->write_failed) && !stream->filling)
        rp__stream_pump_later(stream);
    return RP_OK;
}

rp_status rp_stream_write(rp_stream *stream, rp_write *write, const void *data, size_t size,
                          rp_write_fn *fn, void *user)
{
    *write = (rp_write){.fn = fn, .user = user};
    return write_start(stream, write, data, size);
}

rp_status rp__stream_put(rp_stream *stream, const void *data, size_t size, rp_error *error)
{
    RP_ASSERT(!stream->closing);
    RP_ASSERT(rp__stream_is_open(stream));
    RP_ASSERT(stream->queued == NULL);
    if (stream->write_failed)
        return rp__error_set(error, RP_E_RESET, RP_PHASE_REQUEST,
                             "the connection to %s was reset by the peer", stream->peer_text);
    const uint8_t *bytes = data;
    while (size > 0) {
        size_t piece = least(size, RECORD_BYTES);
        if (!encrypt_piece(stream, bytes, piece, error)) {
            stream->write_failed = true; /* for the engine is dead */
            return error->status;
        }
        bytes += piece;
        size -= piece;
    }
    if (!stream->filling)
        rp__stream_pump_later(stream);
    return RP_OK;
}

rp_status rp_stream_shutdown_write(rp_stream *stream, rp_write *write, rp_write_fn *fn, void *user)
{
    *write = (rp_write){.fn = fn, .user = user, .private_shutdown = true};
    rp_status status = write_start(stream, write, NULL, 0);
    if (status == RP_OK)
        stream->shutdown_asked = true;
    return status;
}

void rp__stream_await(rp_stream *stream, uint32_t answers)
{
    if (stream->socket != NULL && !stream->closing)
        rp__socket_await(stream->socket, answers);
}

rp_tcp_numbers rp__stream_numbers(const rp_stream *stream)
{
    rp_socket *socket = stream->socket;
    if (socket == NULL || stream->closing || rp__socket_ops(socket)->numbers == NULL)
        return (rp_tcp_numbers){.known = false};
    return rp__socket_ops(socket)->numbers(socket);
}

rp_address rp__stream_local(const rp_stream *stream)
{
    rp_socket *socket = stream->socket;
    if (socket == NULL || stream->closing || rp__socket_ops(socket)->local == NULL)
        return (rp_address){.family = 0};
    return rp__socket_ops(socket)->local(socket);
}

uint64_t rp__stream_confirmed(const rp_stream *stream)
{
    return stream->socket == NULL ? 0 : rp__socket_ops(stream->socket)->confirmed(stream->socket);
}

void rp_stream_consume(rp_stream *stream, size_t size)
{
    if (!stream->has_credit_limit || stream->closing || size == 0 ||
        !rp__loop_is_ours(stream->loop))
        return;
    /* Only a stream without credit waits for this. */
    if (stream->credit == 0)
        rp__stream_pump_later(stream);
    stream->credit = size > SIZE_MAX - stream->credit ? SIZE_MAX : stream->credit + size;
}

void rp__stream_set_credit(rp_stream *stream, bool limited, size_t credit)
{
    if (!has_credit(stream))
        rp__stream_pump_later(stream);
    stream->has_credit_limit = limited;
    stream->credit = credit;
}
