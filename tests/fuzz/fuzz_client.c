/* fuzz_client.c - whole responses through the client, in the simulator: whatever the server says,
 * every request ends once and with all its account in order, nothing is left, what came of the
 * first one does not depend on how its bytes were cut on their way, and no connection serves on
 * after an answer that was not whole. No byte behind a complete response ever reaches the next
 * request, whatever the cuts: what the client has got before anything of that request left keeps it
 * from this connection. (What comes later is that request's answer, as far as anybody can know: RFC
 * 9112, 9.2 has no other rule, as answers carry no number.)
 *
 * Input: 4 bytes of settings, then what the server sends for each of three requests; pieces, each
 * in records of its own, end with a byte 0xFF that another one follows: 0xFF a byte of this value,
 * 0xFE the end of what answers this request, 0xFD and 0xFC hold back and flush (see
 * <ringport/sim.h>), anything else a pause of so many milliseconds. */
#include "fuzz/support/fuzz.h"

#include "base/error.h"
#include "http/h1.h"
#include "loop/loop.h"
#include "sim/server.h"
#include <ringport/http.h>
#include <ringport/sim.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    REQUESTS = 3,
    DEADLINE_MS = 5000,
    CLOSING_MS = 20,
    ENDINGS = 3
}; /* kept, closed, truncated */
enum { HEAD_LIMIT = 2048, HEADER_LIMIT = 16, INFORMATIONAL_LIMIT = 3, WINDOW = 65536 };
enum { RECORD = 16000 };

typedef struct run run;

/* A connection's last answer. */
typedef struct said {
    struct said *next;
    uint8_t *bytes;
    size_t size, end; /* the answer's end; SIZE_MAX: it has none, or none that lets it live */
    size_t ahead;     /* of the piece with what stands behind the end: bytes before that */
    uint64_t begins;  /* what the client had sent when it was asked for */
    bool head_only;
    bool tainted; /* a request had left before something unsolicited came: all may be one off */
} said;

typedef struct asked {
    run *run;
    rp_request *request;
    unsigned heads, dones;
    int status;
    bool head_only;
    bool has_end; /* of its own, not the connection's */
    uint64_t length;
    uint64_t body_bytes, body_hash;
    rp_status ended;
} asked;

struct run {
    fuzz_input input;
    uint8_t flags, ending, credit, limit;
    rp_sim *sim;
    rp_loop *loop;
    rp_client *client;
    rp_tls_config *tls;
    bool orderly;
    uint64_t written;   /* by the server */
    uint64_t waited_ms; /* likewise */
    said *connections;
    asked requests[REQUESTS];
    unsigned next;
};

/* ---- the server ---- */

static bool take_head(void *user, const rp_response_head *head)
{
    (void)user;
    (void)head;
    return true;
}

static bool take_body(void *user, const uint8_t *data, size_t size)
{
    (void)user;
    (void)data;
    (void)size;
    return true;
}

/* Where the answer ends, by the parser itself: fuzz_h1_response holds that against another one. */
static size_t answer_end(const said *s)
{
    static const rp_h1_events events = {.on_head = take_head, .on_body = take_body};
    static const rp_h1_limits limits = {HEAD_LIMIT, HEADER_LIMIT, INFORMATIONAL_LIMIT, false};
    rp_memory memory;
    rp_h1_scratch scratch;
    size_t used = 0;
    rp_error error;
    rp__memory_init(&memory, (rp_allocator){0});
    rp__h1_scratch_init(&scratch, &memory, NULL);
    rp_h1_parser *parser = rp__h1_parser_create(&memory, &scratch, &limits, &events, NULL);
    FUZZ_CHECK(parser != NULL);
    rp__h1_parser_start(parser, s->head_only);
    bool whole = s->size > 0 &&
                 rp__h1_parser_feed(parser, s->bytes, s->size, &used, &error) == RP_H1_COMPLETE &&
                 rp__h1_parser_keep_alive(parser);
    rp__h1_parser_destroy(parser);
    rp__h1_scratch_clear(&scratch);
    return whole ? used : SIZE_MAX;
}

static sim_pipe *pipe_of(const rp_sim_exchange *x, unsigned direction)
{
    return &sim_socket_of(rp__sim_tamper_inner(x->connection->socket))->wire->pipes[direction];
}

/* From here on the client gets what it did not ask for. */
static void unsolicited_comes(rp_sim_exchange *x, void *user)
{
    const said *s = user;
    sim_pipe *down = pipe_of(x, 1);
    uint64_t from = rp__stream_sent(x->connection->stream) + s->ahead;
    if (down->watched_from > from)
        down->watched_from = from;
}

/* The connection is asked again: its last answer was whole and let it live; and if that said more,
 * something of this request had been given to the network before the client got any of it. */
static void check_last(rp_sim_exchange *x, said *last)
{
    if (last->tainted)
        return;
    FUZZ_CHECK(last->end != SIZE_MAX);
    last->tainted = last->end < last->size;
    if (last->tainted)
        FUZZ_CHECK(pipe_of(x, 1)->given_back > last->begins);
}

static said *begin_connection(run *r, rp_sim_exchange *x)
{
    said *s = calloc(1, sizeof(*s));
    FUZZ_CHECK(s != NULL);
    s->next = r->connections;
    r->connections = s;
    rp_sim_exchange_user_set(x, s);
    return s;
}

/* A piece, or a part of one: a record. It is decrypted at once, so what stands in it behind the end
 * is there with the end; in plain text it begins where it begins. */
static void write_record(run *r, rp_sim_exchange *x, said *s, const uint8_t *data, size_t size,
                         size_t at)
{
    bool watched = s->end < at + size && s->end >= at;
    if (watched) {
        s->ahead = r->flags & 0x80 ? 0 : s->end - at;
        rp_sim_call(x, unsolicited_comes, s);
    }
    r->written += size;
    rp_sim_write(x, data, size);
}

/* One action of the input: a piece, then what its mark says. False: the answer is over. s->size
 * counts along; x NULL: only the bytes are gathered. */
static bool step(run *r, fuzz_input *input, rp_sim_exchange *x, said *s)
{
    const uint8_t *mark = memchr(input->data, 0xFF, input->size);
    size_t size = mark == NULL ? input->size : (size_t)(mark - input->data), taken;
    const uint8_t *piece = fuzz_bytes(input, size, &taken);
    bool literal = mark != NULL && input->size > 1 && input->data[1] == 0xFF;
    size_t most = taken + literal, part;
    if (x == NULL && most > 0) {
        s->bytes = realloc(s->bytes, s->size + most);
        FUZZ_CHECK(s->bytes != NULL);
        memcpy(s->bytes + s->size, piece, taken);
        memset(s->bytes + s->size + taken, 0xFF, literal);
    }
    for (size_t at = 0; x != NULL && at < most; at += part) {
        part = most - at < RECORD ? most - at : RECORD;
        write_record(r, x, s, s->bytes + s->size + at, part, s->size + at);
    }
    s->size += most;
    if (mark == NULL)
        return false;
    (void)fuzz_byte(input);
    uint8_t what = fuzz_byte(input);
    if (x != NULL && what == 0xFD)
        rp_sim_hold(x);
    else if (x != NULL && what == 0xFC)
        rp_sim_flush(x);
    else if (x != NULL && what < 0xFC) {
        rp_sim_wait(x, what);
        r->waited_ms += what;
    }
    return what != 0xFE && input->size > 0;
}

/* What the input says for one request. */
static void answer(rp_sim_exchange *x, void *user)
{
    run *r = user;
    fuzz_input ahead = r->input;
    said *s = rp_sim_exchange_user(x);
    FUZZ_CHECK((s != NULL) == (rp_sim_served(x) > 0));
    if (s != NULL)
        check_last(x, s);
    else
        s = begin_connection(r, x);
    s->begins = pipe_of(x, 0)->taken;
    s->head_only = strcmp(rp_sim_method(x), "HEAD") == 0;
    s->size = 0;
    while (ahead.size > 0 && step(r, &ahead, NULL, s))
        continue;
    s->end = answer_end(s);
    s->size = 0;
    while (r->input.size > 0 && step(r, &r->input, x, s))
        continue;
    rp_sim_end(x, (rp_sim_ending)(r->ending % ENDINGS));
}

/* ---- the client ---- */

static void send_next(run *r);

static void on_head(rp_request *request, const rp_response_head *head, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0);
    FUZZ_CHECK(head->status >= 100 && head->status <= 999 && head->reason != NULL);
    FUZZ_CHECK(head->informational == (head->status < 200));
    for (size_t i = 0; i < head->header_count; i++)
        FUZZ_CHECK(head->headers[i].name[0] != '\0' && head->headers[i].value != NULL);
    rp_response_summary so_far;
    rp_request_summary_get(request, &so_far);
    FUZZ_CHECK(so_far.bytes_sent > 0); /* or it is the answer of another */
    FUZZ_CHECK(a->heads == 0);
    if (head->informational)
        return;
    a->heads++;
    a->status = head->status;
    bool bodiless = a->head_only || head->status == 204 || head->status == 304;
    a->length = bodiless ? 0 : head->content_length;
    a->has_end = a->length != RP_LENGTH_UNKNOWN;
    for (size_t i = 0; i < head->header_count; i++)
        a->has_end = a->has_end || strcasecmp(head->headers[i].name, "transfer-encoding") == 0;
    fuzz_feature(1, (uint32_t)head->status);
}

static void on_body(rp_request *request, const uint8_t *data, size_t size, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->heads == 1 && a->dones == 0 && size > 0);
    for (size_t i = 0; i < size; i++)
        a->body_hash = (a->body_hash ^ data[i]) * 1099511628211u;
    a->body_bytes += size;
    FUZZ_CHECK(a->body_bytes <= a->run->written);
    if (a->run->limit & 1)
        rp_request_consume(request, size);
    if (a->run->limit == 0x80)
        rp_request_cancel(request);
}

static bool is_truncated(const run *r)
{
    return (r->flags & 0x80) != 0 && r->ending % ENDINGS == RP_SIM_END_TRUNCATED;
}

static void on_done(rp_request *request, const rp_response_summary *summary, void *user)
{
    asked *a = user;
    FUZZ_CHECK(a->request == request && a->dones == 0);
    a->dones++;
    a->request = NULL;
    a->ended = summary->error != NULL ? summary->error->status : RP_OK;
    FUZZ_CHECK(summary->body_bytes == a->body_bytes && summary->status == a->status);
    if (summary->error == NULL) {
        FUZZ_CHECK(a->heads == 1 && a->status >= 200);
        FUZZ_CHECK(a->length == RP_LENGTH_UNKNOWN || a->body_bytes == a->length);
        /* An end that anybody could have made says nothing. */
        FUZZ_CHECK(a->has_end || !is_truncated(a->run));
    } else {
        FUZZ_CHECK(a->ended != RP_OK && a->ended != RP_E_INTERNAL && a->ended != RP_E_NO_MEMORY);
        FUZZ_CHECK(summary->error->text[0] != '\0');
        fuzz_feature_text(2, summary->error->text);
    }
    fuzz_feature(3, (uint32_t)a->ended);
    if (a->run->next < REQUESTS)
        send_next(a->run);
}

static void send_next(run *r)
{
    static const rp_response_events events = {
        .on_head = on_head, .on_body = on_body, .on_done = on_done};
    static const char *const methods[] = {"GET", "HEAD", "POST", "GET"};
    asked *a = &r->requests[r->next];
    rp_error error;
    *a = (asked){.run = r, .body_hash = 14695981039346656037u};
    const char *method = methods[(r->flags >> (2 * r->next)) & 3];
    a->head_only = strcmp(method, "HEAD") == 0;
    rp_request_options options = {
        .url = r->flags & 0x80 ? "https://example.com/" : "http://example.com/",
        .method = method,
        .total_timeout_ms = DEADLINE_MS,
        .receive_credit_bytes = r->limit & 1 ? r->credit : 0,
    };
    r->next++;
    a->request = rp_client_send(r->client, &options, &events, a, &error);
    FUZZ_CHECK(a->request != NULL);
}

/* ---- a run ---- */

static void begin(run *r, uint64_t seed, bool orderly)
{
    rp_sim_options options = {
        .seed = seed, .orderly = orderly, .window_bytes = orderly ? WINDOW : 0};
    rp_sim_server_options serving = {
        .host = "example.com", .plain = !(r->flags & 0x80), .on_request = answer, .user = r};
    rp_tls_options tls = {.ca_pem = rp_sim_ca_pem};
    rp_client_options client = {.head_limit_bytes = HEAD_LIMIT,
                                .header_count_limit = HEADER_LIMIT,
                                .informational_limit = INFORMATIONAL_LIMIT};
    rp_sim_server *server;
    FUZZ_CHECK(rp_sim_create(&r->sim, &options, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_server_start(r->sim, &server, &serving, NULL) == RP_OK);
    FUZZ_CHECK(rp_sim_loop_create(r->sim, &r->loop, NULL, false, NULL) == RP_OK);
    if (!serving.plain) {
        FUZZ_CHECK(rp_tls_config_create(&r->tls, &tls, NULL) == RP_OK);
        client.tls = r->tls;
    }
    FUZZ_CHECK(rp_client_create(&r->client, r->loop, &client, NULL) == RP_OK);
}

static void end(run *r)
{
    const rp_loop_stats *stats = rp_loop_stats_get(r->loop);
    FUZZ_CHECK(stats->wakeups_spurious == 0 && stats->tls_calls_idle == 0);
    rp_client_destroy(r->client);
    rp_loop_run(r->loop);
    FUZZ_CHECK(r->loop->pending == 0);
    rp_loop_destroy(r->loop);
    rp_sim_destroy(r->sim);
    rp_tls_config_release(r->tls);
    for (said *s = r->connections, *next; s != NULL; s = next) {
        next = s->next;
        free(s->bytes);
        free(s);
    }
}

static void play(run *r, const uint8_t *data, size_t size, uint64_t seed, bool orderly)
{
    memset(r, 0, sizeof(*r));
    r->input = (fuzz_input){data, size};
    r->flags = fuzz_byte(&r->input);
    r->ending = fuzz_byte(&r->input);
    r->credit = (uint8_t)(fuzz_byte(&r->input) | 1);
    r->limit = fuzz_byte(&r->input);
    r->orderly = orderly;
    begin(r, seed, orderly);
    send_next(r);
    rp_loop_run(r->loop);
    uint64_t most_ms = (uint64_t)REQUESTS * (DEADLINE_MS + 1) + CLOSING_MS;
    FUZZ_CHECK(rp_sim_now_ns(r->sim) <= most_ms * 1000000u);
    /* Every byte is taken at once: a server that comes to its end is heard out. */
    bool prompt = orderly && r->ending % ENDINGS != RP_SIM_KEEP && r->waited_ms < DEADLINE_MS / 2;
    for (unsigned i = 0; i < REQUESTS; i++) {
        FUZZ_CHECK(r->requests[i].dones == 1);
        FUZZ_CHECK(!prompt || r->requests[i].ended != RP_E_TOTAL_TIMEOUT);
    }
    end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run whole, cut;
    play(&whole, data, size, 1, true);
    play(&cut, data, size, 2 + size, false);
    const asked *a = &whole.requests[0], *b = &cut.requests[0];
    if (a->ended == RP_E_CANCELLED || b->ended == RP_E_CANCELLED)
        return 0; /* by us, in the midst */
    FUZZ_CHECK(a->ended == b->ended && a->heads == b->heads && a->status == b->status);
    FUZZ_CHECK(a->body_bytes == b->body_bytes && a->body_hash == b->body_hash);
    return 0;
}
