/* request.c - see request.h. */
#include "sim/request.h"

#include "base/assert.h"
#include "http/headers.h"

#include <stdlib.h>
#include <string.h>

static void fail(sim_request *request, const char *why)
{
    request->state = SIM_REQUEST_FAILED;
    request->failure = why;
}

static void add(sim_request *request, char byte)
{
    if (request->size == request->capacity) {
        request->capacity = request->capacity == 0 ? 512 : request->capacity * 2;
        request->text = rp__reallocate(request->memory, request->text, request->capacity);
        RP_ASSERT(request->text != NULL);
    }
    request->text[request->size++] = byte;
}

/* ---- the head ---- */

/* The head is kept as NUL-terminated lines: the CRLFs are gone. */
static char *next_line(const sim_request *request, char *line)
{
    line += strlen(line) + 1;
    return line < request->text + request->size ? line : NULL;
}

const char *rp__sim_request_header(const sim_request *request, const char *name)
{
    char *line = request->text + request->header_begin;
    for (; line != NULL && *line != '\0'; line = next_line(request, line)) {
        const char *colon = strchr(line, ':');
        if (colon != NULL && rp__name_equal(line, (size_t)(colon - line), name))
            return colon + 1 + strspn(colon + 1, " \t");
    }
    return NULL;
}

/* ---- trailers ---- */

static void add_trailer(sim_request *request, const char *line, size_t size)
{
    size_t more = request->trailers_size + size + 1;
    request->trailers = rp__reallocate(request->memory, request->trailers, more);
    RP_ASSERT(request->trailers != NULL);
    memcpy(request->trailers + request->trailers_size, line, size);
    request->trailers[more - 1] = '\0';
    request->trailers_size = more;
}

void rp__sim_request_trailer_add(sim_request *request, const char *name, const char *value)
{
    add_trailer(request, name, strlen(name));
    request->trailers_size--;
    add_trailer(request, ": ", 2);
    request->trailers_size--;
    add_trailer(request, value, strlen(value));
}

const char *rp__sim_request_trailer(const sim_request *request, const char *name)
{
    const char *line = request->trailers;
    if (line == NULL)
        return NULL;
    for (const char *end = line + request->trailers_size; line < end; line += strlen(line) + 1) {
        const char *colon = strchr(line, ':');
        if (colon != NULL && rp__name_equal(line, (size_t)(colon - line), name))
            return colon + 1 + strspn(colon + 1, " \t");
    }
    return NULL;
}

static bool says(const char *value, const char *word)
{
    return value != NULL && rp__name_equal(value, strlen(value), word);
}

static bool cut_request_line(sim_request *request)
{
    char *method = request->text, *target, *version;
    request->header_begin = strlen(method) + 1;
    target = strchr(method, ' ');
    if (target == NULL || target == method)
        return false;
    *target++ = '\0';
    version = strchr(target, ' ');
    if (version == NULL || version == target)
        return false;
    *version++ = '\0';
    request->method = method;
    request->target = target;
    request->version = strcmp(version, "HTTP/1.1") == 0 ? 11 : 10;
    return request->version == 11 || strcmp(version, "HTTP/1.0") == 0;
}

static bool check_headers(const sim_request *request)
{
    char *line = request->text + request->header_begin;
    for (; line != NULL && *line != '\0'; line = next_line(request, line)) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
            return false;
    }
    return true;
}

static bool read_length(sim_request *request, const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    request->length = strtoull(text, &end, 10);
    return *end == '\0';
}

static void head_complete(sim_request *request)
{
    if (!cut_request_line(request) || !check_headers(request)) {
        fail(request, "malformed head");
        return;
    }
    const char *length = rp__sim_request_header(request, "Content-Length");
    const char *coding = rp__sim_request_header(request, "Transfer-Encoding");
    const char *connection = rp__sim_request_header(request, "Connection");
    const char *expect = rp__sim_request_header(request, "Expect");
    if (request->version == 11 && rp__sim_request_header(request, "Host") == NULL)
        fail(request, "no Host");
    else if (length != NULL && coding != NULL)
        fail(request, "Content-Length and Transfer-Encoding");
    else if (coding != NULL && !says(coding, "chunked"))
        fail(request, "unknown Transfer-Encoding");
    else if (length != NULL && !read_length(request, length))
        fail(request, "malformed Content-Length");
    if (request->state == SIM_REQUEST_FAILED)
        return;
    request->chunked = coding != NULL;
    request->has_body = coding != NULL || length != NULL;
    request->keep_alive =
        says(connection, "keep-alive") || (request->version == 11 && !says(connection, "close"));
    request->expects_continue = says(expect, "100-continue");
    request->left = request->length;
    if (request->chunked)
        request->state = SIM_REQUEST_CHUNK_SIZE;
    else
        request->state = request->length > 0 ? SIM_REQUEST_BODY : SIM_REQUEST_DONE;
}

/* Two line ends in a row end the head. */
static void head_byte(sim_request *request, char byte)
{
    if (byte == '\0' || request->size >= SIM_REQUEST_HEAD_LIMIT) {
        fail(request, byte == '\0' ? "NUL in the head" : "head too large");
        return;
    }
    if (byte != '\n') {
        add(request, byte);
        return;
    }
    if (request->size == 0 || request->text[request->size - 1] != '\r') {
        fail(request, "LF without CR");
        return;
    }
    request->text[request->size - 1] = '\0';
    bool empty = request->size == 1 || request->text[request->size - 2] == '\0';
    if (empty && request->size == 1)
        request->size = 0; /* RFC 9112, 2.2: an empty line before the request line */
    else if (empty)
        head_complete(request);
}

/* ---- the body ---- */

static void chunk_line(sim_request *request)
{
    char *end;
    if (request->state == SIM_REQUEST_CHUNK_END) {
        request->state = SIM_REQUEST_CHUNK_SIZE;
        if (request->line_size > 0)
            fail(request, "no line end after a chunk");
    } else if (request->state == SIM_REQUEST_TRAILER) {
        const char *colon = strchr(request->line, ':');
        if (request->line_size == 0)
            request->state = SIM_REQUEST_DONE;
        else if (colon == NULL || !rp__is_token(request->line, (size_t)(colon - request->line)))
            fail(request, "malformed trailer");
        else
            add_trailer(request, request->line, request->line_size);
    } else {
        request->left = strtoull(request->line, &end, 16);
        request->state = request->left > 0 ? SIM_REQUEST_CHUNK_DATA : SIM_REQUEST_TRAILER;
        if (end == request->line || (*end != '\0' && *end != ';'))
            fail(request, "malformed chunk size");
    }
}

/* The lines between chunks and those of the trailer. */
static void line_byte(sim_request *request, char byte)
{
    if (request->line_size == sizeof(request->line)) {
        fail(request, "line too long");
    } else if (byte != '\n') {
        request->line[request->line_size++] = byte;
    } else if (request->line_size == 0 || request->line[request->line_size - 1] != '\r') {
        fail(request, "LF without CR");
    } else {
        request->line[--request->line_size] = '\0';
        chunk_line(request);
        request->line_size = 0;
    }
}

static size_t body_bytes(sim_request *request, const uint8_t *data, size_t size,
                         const sim_request_events *events, void *user)
{
    size_t part = size < request->left ? size : (size_t)request->left;
    request->left -= part;
    request->body_bytes += part;
    if (request->left == 0)
        request->state = request->chunked ? SIM_REQUEST_CHUNK_END : SIM_REQUEST_DONE;
    events->on_body(user, data, part);
    return part;
}

size_t rp__sim_request_feed(sim_request *request, const uint8_t *data, size_t size,
                            const sim_request_events *events, void *user, const bool *stop)
{
    size_t used = 0;
    while (used < size && request->state != SIM_REQUEST_DONE &&
           request->state != SIM_REQUEST_FAILED && !*stop) {
        if (request->state == SIM_REQUEST_HEAD) {
            head_byte(request, (char)data[used++]);
            if (request->state != SIM_REQUEST_HEAD && request->state != SIM_REQUEST_FAILED)
                events->on_head(user);
        } else if (request->state == SIM_REQUEST_BODY || request->state == SIM_REQUEST_CHUNK_DATA) {
            used += body_bytes(request, data + used, size - used, events, user);
        } else {
            line_byte(request, (char)data[used++]);
        }
    }
    return used;
}

void rp__sim_request_reset(sim_request *request)
{
    char *text = request->text;
    size_t capacity = request->capacity;
    rp__free(request->memory, request->trailers);
    *request = (sim_request){.memory = request->memory, .text = text, .capacity = capacity};
}

void rp__sim_request_free(sim_request *request)
{
    rp__free(request->memory, request->text);
    rp__free(request->memory, request->trailers);
    *request = (sim_request){.memory = request->memory};
}

/* ---- HTTP/2 ---- */

static void add_text(sim_request *request, const char *text, bool ends)
{
    for (; *text != '\0'; text++)
        add(request, *text);
    if (ends)
        add(request, '\0');
}

void rp__sim_request_begin(sim_request *request, const char *method, const char *target)
{
    request->version = 20;
    add_text(request, method, true);
    add_text(request, target, true);
    request->header_begin = request->size;
}

void rp__sim_request_add(sim_request *request, const char *name, const char *value)
{
    add_text(request, name, false);
    add_text(request, ": ", false);
    add_text(request, value, true);
}

void rp__sim_request_head_done(sim_request *request, bool has_body)
{
    add(request, '\0');
    request->method = request->text;
    request->target = request->method + strlen(request->method) + 1;
    request->keep_alive = true;
    request->has_body = has_body;
    request->expects_continue = says(rp__sim_request_header(request, "expect"), "100-continue");
    request->state = has_body ? SIM_REQUEST_BODY : SIM_REQUEST_DONE;
}
