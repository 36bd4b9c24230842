/* http_request.c - see http_request.h. */
#include "support/http_request.h"

#include "support/check.h"

#include <string.h>
#include <strings.h>

static void fail(http_request *request, const char *why)
{
    request->state = HTTP_FAILED;
    request->failure = why;
}

static void add(http_request *request, char byte)
{
    if (request->size == request->capacity) {
        request->capacity = request->capacity == 0 ? 512 : request->capacity * 2;
        request->text = realloc(request->text, request->capacity);
        CHECK(request->text != NULL);
    }
    request->text[request->size++] = byte;
}

/* ---- the head ---- */

/* The head is kept as NUL-terminated lines: the CRLFs are gone. */
static char *next_line(const http_request *request, char *line)
{
    line += strlen(line) + 1;
    return line < request->text + request->size ? line : NULL;
}

const char *http_request_header(const http_request *request, const char *name)
{
    size_t size = strlen(name);
    char *line = request->text + request->header_begin;
    for (; line != NULL && *line != '\0'; line = next_line(request, line)) {
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            const char *value = line + size + 1;
            return value + strspn(value, " \t");
        }
    }
    return NULL;
}

static bool cut_request_line(http_request *request)
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

static bool check_headers(const http_request *request)
{
    char *line = request->text + request->header_begin;
    for (; line != NULL && *line != '\0'; line = next_line(request, line)) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
            return false;
    }
    return true;
}

static bool read_length(http_request *request, const char *text)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    request->length = strtoull(text, &end, 10);
    return *end == '\0';
}

static void head_complete(http_request *request)
{
    if (!cut_request_line(request) || !check_headers(request)) {
        fail(request, "malformed head");
        return;
    }
    const char *length = http_request_header(request, "Content-Length");
    const char *coding = http_request_header(request, "Transfer-Encoding");
    const char *connection = http_request_header(request, "Connection");
    const char *expect = http_request_header(request, "Expect");
    if (request->version == 11 && http_request_header(request, "Host") == NULL)
        fail(request, "no Host");
    else if (length != NULL && coding != NULL)
        fail(request, "Content-Length and Transfer-Encoding");
    else if (coding != NULL && strcasecmp(coding, "chunked") != 0)
        fail(request, "unknown Transfer-Encoding");
    else if (length != NULL && !read_length(request, length))
        fail(request, "malformed Content-Length");
    if (request->state == HTTP_FAILED)
        return;
    request->chunked = coding != NULL;
    request->has_body = coding != NULL || length != NULL;
    request->keep_alive = request->version == 11;
    if (connection != NULL)
        request->keep_alive = strcasecmp(connection, "keep-alive") == 0;
    request->expects_continue = expect != NULL && strcasecmp(expect, "100-continue") == 0;
    request->left = request->length;
    if (request->chunked)
        request->state = HTTP_CHUNK_SIZE;
    else
        request->state = request->length > 0 ? HTTP_BODY : HTTP_DONE;
}

/* Two line ends in a row end the head. */
static void head_byte(http_request *request, char byte)
{
    if (byte == '\0' || request->size >= HTTP_HEAD_LIMIT) {
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

static void chunk_line(http_request *request)
{
    char *end;
    if (request->state == HTTP_CHUNK_END) {
        request->state = HTTP_CHUNK_SIZE;
        if (request->line_size > 0)
            fail(request, "no line end after a chunk");
    } else if (request->state == HTTP_TRAILER) {
        if (request->line_size == 0)
            request->state = HTTP_DONE;
    } else {
        request->left = strtoull(request->line, &end, 16);
        request->state = request->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
        if (end == request->line || (*end != '\0' && *end != ';'))
            fail(request, "malformed chunk size");
    }
}

/* The lines between chunks and those of the trailer. */
static void line_byte(http_request *request, char byte)
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

static size_t body_bytes(http_request *request, const uint8_t *data, size_t size,
                         const http_request_events *events, void *user)
{
    size_t part = size < request->left ? size : (size_t)request->left;
    request->left -= part;
    request->body_bytes += part;
    if (request->left == 0)
        request->state = request->chunked ? HTTP_CHUNK_END : HTTP_DONE;
    events->on_body(user, data, part);
    return part;
}

size_t http_request_feed(http_request *request, const uint8_t *data, size_t size,
                         const http_request_events *events, void *user, const bool *stop)
{
    size_t used = 0;
    while (used < size && request->state != HTTP_DONE && request->state != HTTP_FAILED && !*stop) {
        if (request->state == HTTP_HEAD) {
            head_byte(request, (char)data[used++]);
            if (request->state != HTTP_HEAD && request->state != HTTP_FAILED)
                events->on_head(user);
        } else if (request->state == HTTP_BODY || request->state == HTTP_CHUNK_DATA) {
            used += body_bytes(request, data + used, size - used, events, user);
        } else {
            line_byte(request, (char)data[used++]);
        }
    }
    return used;
}

void http_request_reset(http_request *request)
{
    char *text = request->text;
    size_t capacity = request->capacity;
    *request = (http_request){.text = text, .capacity = capacity};
}

void http_request_free(http_request *request)
{
    free(request->text);
    *request = (http_request){0};
}
