/* server_routes.c - what the tests' server answers, by the request's target:
 *
 *   /hello             "hello, world" and a line end
 *   /bytes/N           N bytes of a pattern, with a length
 *   /chunked/N         the same, chunked: chunks of all sizes, an extension, a trailer
 *   /until-close/N     the same, delimited by the connection's end
 *   /http10/N          an HTTP/1.0 answer, likewise
 *   /status/NNN        that status
 *   /echo              the request's body, as it comes, with its framing
 *   /sink              reads the body and answers with its size
 *   /early             413 and the end, before the body is read
 *   /request           the request's line, as it came
 *   /close             hello, with Connection: close
 *   /1xx/N             N informational responses (103) first
 *   /delay/MS          hello, after a while
 *   /stall             nothing, ever
 *   /stall-body/N      N bytes of an announced N + 1
 *   /truncate/N        likewise, then FIN without close_notify
 *   /cut/N             likewise, then close_notify and FIN
 *   /reset, /reset-body/N  RST before the head; after N bytes of the body
 *   /drip/N/MS         N bytes, one every MS
 *   /parts             hello, its head in two pieces 5 ms apart
 *   /headers/N         a head of about N bytes more
 *   /header-count/N    N more headers
 *   /unsolicited       hello, and another answer that nobody asked for right behind it
 *   /raw?TEXT          TEXT, percent-decoded, as it is; the connection stays
 *   /raw-close?TEXT    likewise; then the end
 *
 * HEAD gives the head of each. The pattern is probe_byte's. */
#include "support/check.h"
#include "support/probe.h"
#include "support/server.h"

#include <ctype.h>
#include <string.h>

#define PIECE ((size_t)64 * 1024)

static const char hello[] = "hello, world\n";

/* ---- pieces of a pattern ---- */

static void write_pattern(exchange *x, exchange_state *state, size_t size)
{
    uint8_t piece[PIECE];
    for (size_t i = 0; i < size; i++)
        piece[i] = probe_byte(state->offset + i);
    exchange_write(x, piece, size);
    state->offset += size;
    state->left -= size;
}

static void produce_bytes(exchange *x, exchange_state *state)
{
    write_pattern(x, state, state->left < PIECE ? (size_t)state->left : PIECE);
    if (state->left == 0)
        exchange_end(x, state->then);
}

/* Chunks of 1, 2, 3, 5, 10 ... bytes, so that every place of a boundary occurs. */
static void produce_chunks(exchange *x, exchange_state *state)
{
    size_t size = state->offset % 3 == 0 ? (size_t)state->offset / 2 + 1 : 1;
    if (size > PIECE)
        size = PIECE;
    if (size > state->left)
        size = (size_t)state->left;
    if (size > 0) {
        exchange_print(x, state->offset == 0 ? "%zX;name=\"value\"\r\n" : "%zx\r\n", size);
        write_pattern(x, state, size);
        exchange_write(x, "\r\n", 2);
    } else {
        exchange_print(x, "0\r\nX-Trailer: yes\r\n\r\n");
        exchange_end(x, state->then);
    }
}

static void produce_drip(exchange *x, exchange_state *state)
{
    if (state->left == 0) {
        exchange_end(x, state->then);
        return;
    }
    write_pattern(x, state, 1);
    exchange_wait(x, state->wait_ms);
}

static void produce_hello(exchange *x, exchange_state *state)
{
    if (state->wait_ms > 0)
        exchange_wait(x, state->wait_ms);
    else
        exchange_answer(x, 200, "", hello, strlen(hello));
    state->wait_ms = 0;
}

/* ---- heads ---- */

typedef struct body {
    const char *version; /* NULL: 1.1 */
    const char *framing; /* a header line, or "" */
    exchange_fn *fn;
    uint64_t size;
    exchange_then then;
} body;

static void answer_body(exchange *x, const body *b)
{
    exchange_print(x, "HTTP/%s 200 OK\r\n%s%s\r\n", b->version != NULL ? b->version : "1.1",
                   b->framing, b->version != NULL ? "" : exchange_connection_header(x, b->then));
    if (exchange_head_only(x, 200)) {
        exchange_end(x, b->then == EXCHANGE_CLOSE ? EXCHANGE_CLOSE : EXCHANGE_KEEP);
        return;
    }
    exchange_state *state = exchange_produce(x, b->fn);
    state->left = b->size;
    state->then = b->then;
}

static void answer_sized(exchange *x, uint64_t announced, uint64_t size, exchange_fn *fn,
                         exchange_then then)
{
    char framing[64];
    (void)snprintf(framing, sizeof(framing), "Content-Length: %llu\r\n",
                   (unsigned long long)announced);
    /* A body that will not be complete is not announced as the last one. */
    body b = {.framing = framing, .fn = fn, .size = size, .then = EXCHANGE_KEEP};
    answer_body(x, &b);
    if (!exchange_head_only(x, 200))
        exchange_produce(x, fn)->then = then;
}

/* ---- routes; rest: what follows the name, arguments: the numbers in it ---- */

typedef struct arguments {
    const char *rest;
    uint64_t a, b;
} arguments;

static void route_hello(exchange *x, const arguments *of)
{
    (void)of;
    exchange_answer(x, 200, "Content-Type: text/plain\r\n", hello, strlen(hello));
}

static void route_bytes(exchange *x, const arguments *of)
{
    answer_sized(x, of->a, of->a, produce_bytes, EXCHANGE_KEEP);
}

static void route_chunked(exchange *x, const arguments *of)
{
    body b = {.framing = "Transfer-Encoding: chunked\r\n", .fn = produce_chunks, .size = of->a};
    answer_body(x, &b);
}

static void route_until_close(exchange *x, const arguments *of)
{
    body b = {.framing = "", .fn = produce_bytes, .size = of->a, .then = EXCHANGE_CLOSE};
    answer_body(x, &b);
}

static void route_http10(exchange *x, const arguments *of)
{
    body b = {.version = "1.0",
              .framing = "",
              .fn = produce_bytes,
              .size = of->a,
              .then = EXCHANGE_CLOSE};
    answer_body(x, &b);
}

static void route_status(exchange *x, const arguments *of)
{
    char text[64];
    int size = snprintf(text, sizeof(text), "status %d\n", (int)of->a);
    exchange_answer(x, (int)of->a, "", text, (size_t)size);
}

static void route_sink(exchange *x, const arguments *of)
{
    char text[64];
    (void)of;
    int size =
        snprintf(text, sizeof(text), "%llu\n", (unsigned long long)exchange_request(x)->body_bytes);
    exchange_answer(x, 200, "", text, (size_t)size);
}

static void route_request(exchange *x, const arguments *of)
{
    char text[1024];
    const sim_request *request = exchange_request(x);
    (void)of;
    int size = snprintf(text, sizeof(text), "%s %.900s HTTP/%d.%d\n", request->method,
                        request->target, request->version / 10, request->version % 10);
    exchange_answer(x, 200, "", text, (size_t)size);
}

/* exchange_answer says it itself where the client wants it. */
static const char *say_close(const exchange *x)
{
    return exchange_request(x)->keep_alive ? "Connection: close\r\n" : "";
}

static void route_close(exchange *x, const arguments *of)
{
    (void)of;
    exchange_answer(x, 200, say_close(x), hello, strlen(hello));
    exchange_end(x, EXCHANGE_CLOSE);
}

static void route_informational(exchange *x, const arguments *of)
{
    for (uint64_t i = 0; i < of->a; i++)
        exchange_print(x, "HTTP/1.1 103 Early Hints\r\nLink: </%llu>\r\n\r\n",
                       (unsigned long long)i);
    exchange_answer(x, 200, "", hello, strlen(hello));
}

static void route_delay(exchange *x, const arguments *of)
{
    exchange_produce(x, produce_hello)->wait_ms = of->a;
}

static void route_stall(exchange *x, const arguments *of)
{
    (void)of;
    exchange_end(x, EXCHANGE_STALL);
}

static void route_stall_body(exchange *x, const arguments *of)
{
    answer_sized(x, of->a + 1, of->a, produce_bytes, EXCHANGE_STALL);
}

static void route_truncate(exchange *x, const arguments *of)
{
    answer_sized(x, of->a + 1, of->a, produce_bytes, EXCHANGE_TRUNCATE);
}

static void route_cut(exchange *x, const arguments *of)
{
    answer_sized(x, of->a + 1, of->a, produce_bytes, EXCHANGE_CLOSE);
}

static void route_reset(exchange *x, const arguments *of)
{
    (void)of;
    exchange_end(x, EXCHANGE_RESET);
}

static void route_reset_body(exchange *x, const arguments *of)
{
    answer_sized(x, of->a + 1, of->a, produce_bytes, EXCHANGE_RESET);
}

static void route_drip(exchange *x, const arguments *of)
{
    answer_sized(x, of->a, of->a, produce_drip, EXCHANGE_KEEP);
    exchange_produce(x, produce_drip)->wait_ms = of->b;
}

static void produce_parts(exchange *x, exchange_state *state)
{
    if (state->offset++ == 0) {
        exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Le");
        exchange_wait(x, 5);
        return;
    }
    exchange_print(x, "ngth: %zu\r\n\r\n%s", strlen(hello), hello);
    exchange_end(x, EXCHANGE_KEEP);
}

static void route_parts(exchange *x, const arguments *of)
{
    (void)of;
    (void)exchange_produce(x, produce_parts);
}

static void route_headers(exchange *x, const arguments *of)
{
    exchange_print(x, "HTTP/1.1 200 OK\r\nX-Large: ");
    for (uint64_t i = 0; i < of->a; i++)
        exchange_write(x, "x", 1);
    exchange_print(x, "\r\nContent-Length: 0\r\n\r\n");
    exchange_end(x, EXCHANGE_KEEP);
}

static void route_header_count(exchange *x, const arguments *of)
{
    exchange_print(x, "HTTP/1.1 200 OK\r\n");
    for (uint64_t i = 0; i < of->a; i++)
        exchange_print(x, "X-%llu: %llu\r\n", (unsigned long long)i, (unsigned long long)i);
    exchange_print(x, "Content-Length: 0\r\n\r\n");
    exchange_end(x, EXCHANGE_KEEP);
}

static void route_unsolicited(exchange *x, const arguments *of)
{
    (void)of;
    exchange_answer(x, 200, "", hello, strlen(hello));
    exchange_print(x, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
}

static void write_decoded(exchange *x, const char *text)
{
    for (; *text != '\0'; text++) {
        char hex[3] = {text[0], text[1], '\0'};
        char byte = *text;
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            (void)memcpy(hex, text + 1, 2);
            byte = (char)strtoul(hex, NULL, 16);
            text += 2;
        }
        exchange_write(x, &byte, 1);
    }
}

static void route_raw(exchange *x, const arguments *of)
{
    if (of->rest[0] == '?')
        write_decoded(x, of->rest + 1);
    exchange_end(x, EXCHANGE_KEEP);
}

static void route_raw_close(exchange *x, const arguments *of)
{
    route_raw(x, of);
    exchange_end(x, EXCHANGE_CLOSE);
}

/* ---- those that begin with the head ---- */

static void echo_body(exchange *x, const uint8_t *data, size_t size)
{
    if (exchange_request(x)->chunked)
        exchange_print(x, "%zx\r\n", size);
    exchange_write(x, data, size);
    if (exchange_request(x)->chunked)
        exchange_write(x, "\r\n", 2);
}

static void head_echo(exchange *x, const arguments *of)
{
    const sim_request *request = exchange_request(x);
    (void)of;
    exchange_print(x, "HTTP/1.1 200 OK\r\n%s", exchange_connection_header(x, EXCHANGE_KEEP));
    if (request->chunked)
        exchange_print(x, "Transfer-Encoding: chunked\r\n\r\n");
    else
        exchange_print(x, "Content-Length: %llu\r\n\r\n", (unsigned long long)request->length);
    exchange_body(x, echo_body);
}

static void route_echo(exchange *x, const arguments *of)
{
    (void)of;
    if (exchange_request(x)->chunked)
        exchange_print(x, "0\r\n\r\n");
    exchange_end(x, EXCHANGE_KEEP);
}

static void head_early(exchange *x, const arguments *of)
{
    static const char text[] = "too much\n";
    (void)of;
    exchange_answer(x, 413, say_close(x), text, strlen(text));
    exchange_end(x, EXCHANGE_CLOSE);
}

/* ---- the table ---- */

typedef void route_fn(exchange *x, const arguments *of);

static const struct route {
    const char *name;
    route_fn *at_head, *at_end;
} routes[] = {
    {"/hello", NULL, route_hello},
    {"/bytes", NULL, route_bytes},
    {"/chunked", NULL, route_chunked},
    {"/until-close", NULL, route_until_close},
    {"/http10", NULL, route_http10},
    {"/status", NULL, route_status},
    {"/echo", head_echo, route_echo},
    {"/sink", NULL, route_sink},
    {"/early", head_early, NULL},
    {"/request", NULL, route_request},
    {"/close", NULL, route_close},
    {"/1xx", NULL, route_informational},
    {"/delay", NULL, route_delay},
    {"/stall", NULL, route_stall},
    {"/stall-body", NULL, route_stall_body},
    {"/truncate", NULL, route_truncate},
    {"/cut", NULL, route_cut},
    {"/reset", NULL, route_reset},
    {"/reset-body", NULL, route_reset_body},
    {"/drip", NULL, route_drip},
    {"/parts", NULL, route_parts},
    {"/headers", NULL, route_headers},
    {"/header-count", NULL, route_header_count},
    {"/unsolicited", NULL, route_unsolicited},
    {"/raw", NULL, route_raw},
    {"/raw-close", NULL, route_raw_close},
};

static const struct route *find(const char *target, arguments *of)
{
    size_t size = 1 + strcspn(target + 1, "/?");
    of->rest = target + size;
    char *end = NULL;
    of->a = of->b = 0;
    if (*of->rest == '/') {
        of->a = strtoull(of->rest + 1, &end, 10);
        if (*end == '/')
            of->b = strtoull(end + 1, NULL, 10);
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strlen(routes[i].name) == size && memcmp(routes[i].name, target, size) == 0)
            return &routes[i];
    }
    return NULL;
}

void server_route_head(exchange *x)
{
    arguments of;
    const struct route *found = find(exchange_request(x)->target, &of);
    if (found != NULL && found->at_head != NULL)
        found->at_head(x, &of);
}

void server_route_complete(exchange *x)
{
    arguments of;
    const struct route *found = find(exchange_request(x)->target, &of);
    if (found == NULL)
        exchange_answer(x, 404, "", "no such thing\n", 14);
    else
        found->at_end(x, &of);
}
