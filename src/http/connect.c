/* connect.c - see connect.h.
 *
 * A 2xx ends with its head, whatever that says of a body (RFC 9110, 9.3.6). Of any other answer the
 * beginning of the body is waited for, as proxies say there why they refuse. */
#include "http/connect.h"

#include "base/error.h"
#include "http/h1.h"

#include <stdio.h>
#include <string.h>

#define HEAD_LIMIT ((size_t)64 * 1024)
#define HEADER_LIMIT 256
#define INFORMATIONAL_LIMIT 16
#define SAID_SIZE 100

struct rp_connect {
    rp_memory *memory;
    rp_h1_scratch scratch;
    rp_h1_parser *parser;
    int status;
    bool keeps_heads, no_memory;
    char *heads; /* NUL-terminated */
    size_t heads_size, heads_capacity;
    size_t said_size;
    char reason[40];
    char said[SAID_SIZE + 1]; /* the beginning of the body, as one line of ASCII */
};

/* ---- the request ---- */

char *rp__connect_request(rp_memory *memory, const char *host, uint16_t port, const char *fields,
                          size_t *size)
{
    static const char form[] = "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s\r\n";
    bool brackets = strchr(host, ':') != NULL;
    const char *open = brackets ? "[" : "", *close = brackets ? "]" : "";
    size_t room = sizeof(form) + 2 * (strlen(host) + 7) + strlen(fields);
    char *text = rp__allocate(memory, room);
    if (text == NULL)
        return NULL;
    *size = (size_t)snprintf(text, room, form, open, host, close, (unsigned)port, open, host, close,
                             (unsigned)port, fields);
    return text;
}

/* ---- the answer ---- */

/* What the text shows of it is printable ASCII. */
static void add_printable(char *out, size_t *out_size, size_t limit, const uint8_t *data,
                          size_t size)
{
    for (size_t i = 0; i < size && *out_size < limit; i++) {
        bool blank = data[i] <= ' ';
        if (blank && (*out_size == 0 || out[*out_size - 1] == ' '))
            continue;
        out[(*out_size)++] = blank ? ' ' : data[i] < 0x7F ? (char)data[i] : '?';
    }
    out[*out_size] = '\0';
}

static void add_text(rp_connect *connect, const char *text)
{
    size_t size = strlen(text);
    if (connect->no_memory ||
        !rp__grow_secret(connect->memory, (uint8_t **)&connect->heads, &connect->heads_capacity,
                         connect->heads_size, connect->heads_size + size + 1)) {
        connect->no_memory = true;
        return;
    }
    memcpy(connect->heads + connect->heads_size, text, size + 1);
    connect->heads_size += size;
}

static void keep_head(rp_connect *connect, const rp_response_head *head)
{
    char status[32];
    (void)snprintf(status, sizeof(status), "HTTP/1.%d %03d ", head->version % 10, head->status);
    add_text(connect, status);
    add_text(connect, head->reason);
    add_text(connect, "\r\n");
    for (size_t i = 0; i < head->header_count; i++) {
        add_text(connect, head->headers[i].name);
        add_text(connect, ": ");
        add_text(connect, head->headers[i].value);
        add_text(connect, "\r\n");
    }
    add_text(connect, "\r\n");
}

static bool on_head(void *user, const rp_response_head *head)
{
    rp_connect *connect = user;
    size_t size = 0;
    if (connect->keeps_heads)
        keep_head(connect, head);
    if (head->informational)
        return true;
    connect->status = head->status;
    add_printable(connect->reason, &size, sizeof(connect->reason) - 1,
                  (const uint8_t *)head->reason, strlen(head->reason));
    return true;
}

static bool on_body(void *user, const uint8_t *data, size_t size)
{
    rp_connect *connect = user;
    add_printable(connect->said, &connect->said_size, SAID_SIZE, data, size);
    return connect->said_size < SAID_SIZE;
}

static const rp_h1_events events = {.on_head = on_head, .on_body = on_body};

rp_connect *rp__connect_create(rp_memory *memory, bool keeps_heads)
{
    static const rp_h1_limits limits = {.head_bytes = HEAD_LIMIT,
                                        .header_count = HEADER_LIMIT,
                                        .informational_count = INFORMATIONAL_LIMIT};
    rp_connect *connect = rp__allocate(memory, sizeof(*connect));
    if (connect == NULL)
        return NULL;
    connect->memory = memory;
    connect->keeps_heads = keeps_heads;
    rp__h1_scratch_init(&connect->scratch, memory, NULL);
    connect->parser = rp__h1_parser_create(memory, &connect->scratch, &limits, &events, connect);
    if (connect->parser == NULL) {
        rp__free(memory, connect);
        return NULL;
    }
    rp__h1_parser_start_connect(connect->parser);
    return connect;
}

void rp__connect_destroy(rp_connect *connect)
{
    if (connect == NULL)
        return;
    rp__h1_parser_destroy(connect->parser);
    rp__h1_scratch_clear(&connect->scratch);
    rp__free_secret(connect->memory, connect->heads, connect->heads_size);
    rp__free_secret(connect->memory, connect, sizeof(*connect));
}

/* What the parser says begins with "the server", which to it the proxy is. */
static void blame(rp_error *error, const rp_error *why)
{
    static const char server[] = "the server";
    const char *text = why->text, *whose = "";
    rp_status status = why->status == RP_E_NO_MEMORY ? RP_E_NO_MEMORY : RP_E_PROXY_PROTOCOL;
    if (strncmp(text, server, sizeof(server) - 1) == 0) {
        text += sizeof(server) - 1;
        whose = *text == '\'' ? "its" : "it";
        text += *text == '\'' ? 2 : 0;
    }
    (void)rp__error_set(error, status, RP_PHASE_PROXY, "%s%s", whose, text);
}

static void refused(rp_connect *connect, rp_error *error)
{
    while (connect->said_size > 0 && connect->said[connect->said_size - 1] == ' ')
        connect->said[--connect->said_size] = '\0';
    const char *between = connect->said_size > 0 ? ": " : "";
    if (connect->status == 407 || connect->status == 401) /* tinyproxy's, of wrong ones */
        (void)rp__error_set(error, RP_E_PROXY_AUTH, RP_PHASE_PROXY,
                            "it wants a user and a password that it knows (%d %s)%s%s",
                            connect->status, connect->reason, between, connect->said);
    else
        (void)rp__error_set(error, RP_E_PROXY_REFUSED, RP_PHASE_PROXY, "it answered %d %s%s%s",
                            connect->status, connect->reason, between, connect->said);
}

rp_connect_result rp__connect_feed(rp_connect *connect, const uint8_t *data, size_t size,
                                   size_t *used, rp_error *error)
{
    rp_error why;
    rp_h1_result result = rp__h1_parser_feed(connect->parser, data, size, used, &why);
    bool stands = connect->status / 100 == 2;
    if (connect->no_memory) {
        (void)rp__error_set(error, RP_E_NO_MEMORY, RP_PHASE_PROXY, "no memory for its answer");
        return RP_CONNECT_FAILED;
    }
    if (result == RP_H1_MORE)
        return RP_CONNECT_MORE;
    if (result == RP_H1_COMPLETE && stands)
        return RP_CONNECT_DONE;
    if (connect->status != 0) /* whatever is wrong with its body */
        refused(connect, error);
    else
        blame(error, &why);
    return RP_CONNECT_FAILED;
}

void rp__connect_end(rp_connect *connect, rp_error *error)
{
    if (connect->status != 0)
        refused(connect, error);
    else
        (void)rp__error_set(error, RP_E_PROXY_CLOSED, RP_PHASE_PROXY, "%s",
                            rp__h1_parser_begun(connect->parser)
                                ? "it closed the connection in the middle of its answer to CONNECT"
                                : "it closed the connection without an answer to CONNECT");
}

int rp__connect_status(const rp_connect *connect)
{
    return connect->status;
}

char *rp__connect_heads(rp_connect *connect)
{
    char *heads = connect->heads;
    connect->heads = NULL;
    connect->heads_size = connect->heads_capacity = 0;
    return heads;
}
