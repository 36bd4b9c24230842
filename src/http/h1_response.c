/* h1_response.c - bytes to HTTP/1.1 response events.
 *
 * A head is looked at twice. llhttp validates it as the bytes come, wherever they are cut, and is
 * stopped at its end; no span callback is set, so that costs one call for a head that came in one
 * piece. Then the whole head is copied once and cut into C strings in place, line by line, which is
 * also where the policies are checked that llhttp has no opinion on. Two strict readings that must
 * agree: what the second one does not find to be CRLF-terminated "name: value" lines is refused,
 * whatever llhttp said.
 *
 * A head that comes in parts is collected in memory of the parser's own until it is complete.
 * Between responses a parser holds nothing.
 *
 * Bodies: llhttp goes on only for a chunked one. Counting a Content-Length down, and reading to the
 * end of the connection, is simpler done here, and llhttp never gets to see a byte behind the
 * response's end.
 *
 * Everything depends on offsets from the start of the head or of the framing between two pieces of
 * a body, never on where the input was cut: the same bytes give the same events and the same error.
 */
#include "http/h1.h"

#include "base/assert.h"
#include "base/error.h"
#include "http/headers.h"

#include <llhttp.h>
#include <string.h>

/* Chunk sizes, chunk extensions and trailers between two pieces of a body, and all the chunk
 * extensions of one response: nobody needs them, and all of it is read for nothing. */
#define FRAMING_LIMIT (16 * 1024)
/* No message is so long; and sums of these can't overflow. */
#define LENGTH_LIMIT ((uint64_t)INT64_MAX)

#define SCRATCH_TEXT 2048
#define SCRATCH_HEADERS 32
#define PARTIAL_HEAD 512

typedef enum state {
    STATE_IDLE,
    STATE_HEAD,
    STATE_LENGTH, /* body_left bytes of body to come */
    STATE_CHUNKED,
    STATE_UNTIL_END, /* of the connection */
    STATE_COMPLETE,
    STATE_FAILED
} state;

/* Why a callback made llhttp stop. */
typedef enum stop {
    STOP_NONE,
    STOP_PAUSE,
    STOP_COMPLETE,
    STOP_CHUNK_SIZE,
    STOP_EXTENSIONS,
    STOP_FRAMING
} stop;

struct rp_h1_parser {
    rp_memory *memory;
    rp_h1_scratch *scratch;
    const rp_h1_events *events;
    void *user;
    rp_h1_limits limits;

    uint8_t state; /* enum state */
    uint8_t stop;  /* enum stop */
    bool head_only;
    bool begun;
    bool persistent;
    bool transfer_encoding; /* was among the headers */
    uint32_t informational; /* 1xx so far */

    size_t head_size; /* bytes of the head that earlier calls brought, and where they are */
    size_t head_capacity;
    char *head;

    uint64_t body_bytes;
    uint64_t body_left;
    uint32_t extension_bytes; /* of the whole response */
    uint32_t framing_bytes;   /* since the last piece of the body, before mark */
    const char *mark;         /* within the bytes of the present call */
    llhttp_t llhttp;
};

static rp_h1_result fail(rp_h1_parser *parser, rp_error *error, rp_status status, const char *text)
{
    rp_phase phase = parser->state == STATE_HEAD ? RP_PHASE_HEAD : RP_PHASE_BODY;
    parser->state = STATE_FAILED;
    rp_error_set(error, status, phase, "%s", text);
    return RP_H1_FAILED;
}

static rp_h1_result bad(rp_h1_parser *parser, rp_error *error, const char *text)
{
    return fail(parser, error, RP_E_BAD_RESPONSE, text);
}

/* ---- llhttp's callbacks ---- */

static int stop_here(rp_h1_parser *parser, stop why)
{
    parser->stop = (uint8_t)why;
    return why == STOP_PAUSE || why == STOP_COMPLETE ? HPE_PAUSED : HPE_USER;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    return stop_here(llhttp->data, STOP_COMPLETE);
}

static int on_message_complete(llhttp_t *llhttp)
{
    return stop_here(llhttp->data, STOP_COMPLETE);
}

static int on_chunk_header(llhttp_t *llhttp)
{
    return llhttp->content_length > LENGTH_LIMIT ? stop_here(llhttp->data, STOP_CHUNK_SIZE) : 0;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t size)
{
    rp_h1_parser *parser = llhttp->data;
    (void)at;
    if (size > FRAMING_LIMIT - parser->extension_bytes)
        return stop_here(parser, STOP_EXTENSIONS);
    parser->extension_bytes += (uint32_t)size;
    return 0;
}

/* The bytes since the last piece of the body, or since this call began, up to position. */
static bool count_framing(rp_h1_parser *parser, const char *position)
{
    size_t size = (size_t)(position - parser->mark);
    if (size > FRAMING_LIMIT - parser->framing_bytes)
        return false;
    parser->framing_bytes += (uint32_t)size;
    parser->mark = position;
    return true;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    rp_h1_parser *parser = llhttp->data;
    if (size == 0)
        return 0;
    if (!count_framing(parser, at))
        return stop_here(parser, STOP_FRAMING);
    parser->framing_bytes = 0;
    parser->mark = at + size;
    parser->body_bytes += size;
    if (parser->events->on_body(parser->user, (const uint8_t *)at, size))
        return 0;
    return stop_here(parser, STOP_PAUSE);
}

static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

static const char bare_cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";

static const char bare_lf[] =
    "the server ended a line with LF alone instead of CRLF (RFC 9112, 2.2)";

/* ---- What is wrong with a head ---- */

/* The head up to the present call's end, wherever it lies. */
typedef struct view {
    const char *kept, *data;
    size_t kept_size, size;
} view;

/* A byte of the head; -1 outside of it. */
static int view_byte(const view *v, size_t offset)
{
    if (offset < v->kept_size)
        return (unsigned char)v->kept[offset];
    if (offset < v->kept_size + v->size)
        return (unsigned char)v->data[offset - v->kept_size];
    return -1;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t';
}

/* What is wrong with byte c behind previous in a header line, of which value says whether the colon
 * has come; NULL: nothing. */
static const char *byte_fault(int previous, int c, bool value)
{
    char character = (char)c;
    if (previous == '\r')
        return c == '\n' ? NULL : bare_cr;
    if (previous == '\n' && is_blank(c))
        return "the server folded a header over two lines, which is obsolete (RFC 9112, 5.2)";
    if (previous == '\n' && c == ':')
        return "the server sent a header without a name (RFC 9112, 5)";
    if (c == '\n' && (value || previous == '\n'))
        return bare_lf;
    if (c == '\r' && (value || previous == '\n'))
        return NULL;
    if (value)
        return rp_is_field_value(&character, 1)
                   ? NULL
                   : "the server sent a control character in a header's value (RFC 9110, 5.5)";
    if (is_blank(c))
        return "the server sent whitespace between a header's name and its colon (RFC 9112, 5.1)";
    if (c == '\r' || c == '\n')
        return "the server sent a header line without a colon (RFC 9112, 5)";
    if (c == ':' || rp_is_token(&character, 1))
        return NULL;
    return "the server sent a header name that is not a token (RFC 9110, 5.1)";
}

/* llhttp has one error for most of what can be wrong with a header line, and its position is now
 * the offending byte, now the one behind it: the bytes themselves say more. */
static const char *header_fault(const view *v, size_t position)
{
    size_t offset = 0;
    bool value = false;
    for (; offset < position && view_byte(v, offset) != '\n'; offset++) {
        if (view_byte(v, offset - 1) == '\r')
            return bare_cr; /* llhttp takes CR CR for a line's end */
    }
    for (offset++; offset <= position && view_byte(v, offset) >= 0; offset++) {
        int c = view_byte(v, offset);
        const char *fault = byte_fault(view_byte(v, offset - 1), c, value);
        if (fault != NULL)
            return fault;
        value = c != '\n' && (value || c == ':');
    }
    return "the server sent a malformed header (RFC 9112, 5)";
}

static const char *length_fault(const llhttp_t *llhttp)
{
    if (llhttp->flags & F_TRAILING)
        return "the server sent Content-Length behind the body (RFC 9110, 6.5.1)";
    if (llhttp->flags & F_TRANSFER_ENCODING)
        return "the server sent both Content-Length and Transfer-Encoding (RFC 9112, 6.3)";
    if (llhttp->error == HPE_UNEXPECTED_CONTENT_LENGTH)
        return "the server sent more than one Content-Length (RFC 9112, 6.3)";
    return "the server's Content-Length is not one decimal number (RFC 9110, 8.6)";
}

static const char *head_fault(const llhttp_t *llhttp, const view *v, size_t position)
{
    switch ((llhttp_errno_t)llhttp->error) {
    case HPE_INVALID_CONSTANT:
        return "the server's answer is not HTTP/1.1: it does not begin with \"HTTP/\"";
    case HPE_INVALID_VERSION:
        return "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1";
    case HPE_INVALID_STATUS:
        return "the server's status is not three digits and a space (RFC 9112, 4)";
    case HPE_STRICT:
    case HPE_LF_EXPECTED:
        return bare_cr;
    case HPE_CR_EXPECTED:
        return bare_lf;
    case HPE_UNEXPECTED_SPACE:
        return "the server sent whitespace before the first header (RFC 9112, 2.2)";
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
        return length_fault(llhttp);
    case HPE_INVALID_TRANSFER_ENCODING:
        if (llhttp->flags & F_CONTENT_LENGTH)
            return "the server sent both Content-Length and Transfer-Encoding (RFC 9112, 6.3)";
        return "the server sent a malformed Transfer-Encoding (RFC 9112, 6.1)";
    case HPE_INVALID_HEADER_TOKEN:
        return header_fault(v, position);
    default:
        return "the server sent a malformed response head (RFC 9112)";
    }
}

/* ---- A complete head ---- */

/* Where receive buffers end, heads are cut, in the steady state too: one buffer waits for the next
 * such head. */
static void free_partial_head(rp_h1_parser *parser)
{
    rp_h1_scratch *scratch = parser->scratch;
    if (parser->head_capacity == PARTIAL_HEAD && scratch->spare == NULL)
        scratch->spare = parser->head;
    else
        rp_free(parser->memory, parser->head);
    parser->head = NULL;
    parser->head_size = parser->head_capacity = 0;
}

static bool keep_partial_head(rp_h1_parser *parser, const uint8_t *data, size_t size)
{
    if (parser->head == NULL && parser->scratch->spare != NULL) {
        parser->head = parser->scratch->spare;
        parser->head_capacity = PARTIAL_HEAD;
        parser->scratch->spare = NULL;
    }
    size_t capacity = parser->head_capacity > 0 ? parser->head_capacity : PARTIAL_HEAD;
    while (capacity < parser->head_size + size)
        capacity *= 2;
    if (capacity > parser->head_capacity) {
        char *head = rp_reallocate(parser->memory, parser->head, capacity);
        if (head == NULL)
            return false;
        parser->head = head;
        parser->head_capacity = capacity;
    }
    memcpy(parser->head + parser->head_size, data, size);
    parser->head_size += size;
    if (parser->scratch->bytes_copied != NULL)
        *parser->scratch->bytes_copied += size;
    return true;
}

static char *scratch_text(rp_h1_scratch *scratch, const uint8_t *data, size_t size)
{
    size_t capacity = scratch->text_capacity > 0 ? scratch->text_capacity : SCRATCH_TEXT;
    while (capacity < size)
        capacity *= 2;
    if (capacity > scratch->text_capacity) {
        char *text = rp_reallocate(scratch->memory, scratch->text, capacity);
        if (text == NULL)
            return NULL;
        scratch->text = text;
        scratch->text_capacity = capacity;
    }
    memcpy(scratch->text, data, size);
    if (scratch->bytes_copied != NULL)
        *scratch->bytes_copied += size;
    return scratch->text;
}

static bool scratch_header(rp_h1_scratch *scratch, size_t index, const rp_header *header)
{
    if (index >= scratch->header_capacity) {
        size_t capacity =
            scratch->header_capacity > 0 ? scratch->header_capacity * 2 : SCRATCH_HEADERS;
        rp_header *headers =
            rp_reallocate(scratch->memory, scratch->headers, capacity * sizeof(*headers));
        if (headers == NULL)
            return false;
        scratch->headers = headers;
        scratch->header_capacity = capacity;
    }
    scratch->headers[index] = *header;
    return true;
}

/* The line at *text, NUL-terminated in place; *text moves behind its CRLF. NULL: it has none. */
static char *cut_line(char **text, const char *end, char **line_end)
{
    char *line = *text;
    *line_end = memchr(line, '\r', (size_t)(end - line));
    if (*line_end == NULL || end - *line_end < 2 || (*line_end)[1] != '\n')
        return NULL;
    **line_end = '\0';
    *text = *line_end + 2;
    return line;
}

/* "HTTP/1.1 200 OK", which llhttp has validated but for what is checked here. */
static const char *cut_status_line(rp_h1_parser *parser, char *line, const char *line_end,
                                   rp_response_head *head)
{
    const llhttp_t *llhttp = &parser->llhttp;
    char *reason = line + strlen("HTTP/1.1 200");
    if (reason > line_end)
        return "the server sent a malformed status line (RFC 9112, 4)";
    if (reason < line_end)
        reason++;
    if (llhttp->http_major != 1 || llhttp->http_minor > 1)
        return "the server answered in a version that is neither HTTP/1.0 nor HTTP/1.1";
    if (llhttp->status_code < 100)
        return "the server sent a status below 100 (RFC 9110, 15)";
    if (!rp_is_field_value(reason, (size_t)(line_end - reason)))
        return "the server sent a control character in the reason phrase (RFC 9112, 4)";
    head->status = llhttp->status_code;
    head->version = 10 + llhttp->http_minor;
    head->informational = llhttp->status_code < 200;
    head->reason = reason;
    return NULL;
}

/* Nothing but chunked was asked for (TE), so nothing else can be undone. */
static const char *check_transfer_encoding(rp_h1_parser *parser, const rp_header *header)
{
    if (parser->transfer_encoding)
        return "the server sent more than one Transfer-Encoding (RFC 9112, 6.1)";
    parser->transfer_encoding = true;
    if (parser->llhttp.http_minor == 0)
        return "the server sent Transfer-Encoding in an HTTP/1.0 response (RFC 9112, 6.1)";
    if (!rp_name_equal(header->value, strlen(header->value), "chunked"))
        return "the server sent a Transfer-Encoding other than \"chunked\" (RFC 9112, 6.1)";
    return NULL;
}

static const char *cut_header(rp_h1_parser *parser, char *line, char *line_end, rp_header *header)
{
    char *colon = memchr(line, ':', (size_t)(line_end - line));
    if (colon == NULL || colon == line)
        return "the server sent a header line without a name or a colon (RFC 9112, 5)";
    char *value = colon + 1, *value_end = line_end;
    while (is_blank(*value))
        value++;
    while (value_end > value && is_blank(value_end[-1]))
        value_end--;
    *colon = *value_end = '\0';
    *header = (rp_header){line, value};
    if (colon - line == 17 && rp_name_equal(line, 17, "transfer-encoding"))
        return check_transfer_encoding(parser, header);
    return NULL;
}

/* Cuts the head in text into strings. */
static rp_h1_result cut_head(rp_h1_parser *parser, char *text, size_t size, rp_response_head *head,
                             rp_error *error)
{
    const char *end = text + size;
    char *line_end, *line = cut_line(&text, end, &line_end);
    const char *fault = line == NULL ? bare_cr : cut_status_line(parser, line, line_end, head);
    while (fault == NULL) {
        rp_header header;
        line = cut_line(&text, end, &line_end);
        if (line != NULL && line == line_end && text == end)
            break;
        fault = line == NULL ? bare_cr : cut_header(parser, line, line_end, &header);
        if (fault != NULL)
            break;
        if (head->header_count >= parser->limits.header_count)
            return fail(parser, error, RP_E_HEAD_TOO_LARGE,
                        "the server sent more headers than the limit allows");
        if (!scratch_header(parser->scratch, head->header_count, &header))
            return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's headers");
        head->header_count++;
    }
    if (fault != NULL)
        return bad(parser, error, fault);
    head->headers = parser->scratch->headers;
    return RP_H1_MORE;
}

/* RFC 9112, 9.3: what the server says of the connection. llhttp reads Proxy-Connection as
 * Connection, which counts for nothing here unless it makes us more careful. */
static bool says_persistent(const llhttp_t *llhttp, const rp_response_head *head)
{
    if (llhttp->flags & F_CONNECTION_CLOSE)
        return false;
    if (llhttp->http_minor > 0)
        return true;
    if (!(llhttp->flags & F_CONNECTION_KEEP_ALIVE))
        return false;
    for (size_t i = 0; i < head->header_count; i++) {
        const char *name = head->headers[i].name;
        if (rp_name_equal(name, strlen(name), "connection"))
            return true;
    }
    return false;
}

/* RFC 9112, 6.3: how the body ends. */
static void decide_body(rp_h1_parser *parser, rp_response_head *head)
{
    const llhttp_t *llhttp = &parser->llhttp;
    bool never = head->status == 204 || head->status == 304;
    bool announced = (llhttp->flags & F_CONTENT_LENGTH) != 0;
    head->content_length = RP_LENGTH_UNKNOWN;
    if (announced)
        head->content_length = llhttp->content_length;
    else if (never)
        head->content_length = 0;

    if (never || parser->head_only || (announced && llhttp->content_length == 0))
        parser->state = STATE_COMPLETE;
    else if (llhttp->flags & F_CHUNKED)
        parser->state = STATE_CHUNKED;
    else if (announced)
        parser->state = STATE_LENGTH;
    else
        parser->state = STATE_UNTIL_END;
    parser->body_left = llhttp->content_length;
    parser->persistent = parser->state != STATE_UNTIL_END && says_persistent(llhttp, head);
}

static void start_head(rp_h1_parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_RESPONSE, &settings);
    parser->llhttp.data = parser;
    parser->stop = STOP_NONE;
    parser->transfer_encoding = false;
    parser->state = STATE_HEAD;
}

static const char *informational_fault(rp_h1_parser *parser, rp_response_head *head)
{
    head->content_length = 0;
    if (head->status == 101)
        return "the server switched protocols (101), which nobody asked for";
    if (parser->informational >= parser->limits.informational_count)
        return "the server sent more 1xx responses than the limit allows";
    parser->informational++;
    return NULL;
}

static rp_h1_result take_head(rp_h1_parser *parser, char *text, size_t size, rp_error *error)
{
    rp_response_head head = {0};
    const char *fault = NULL;
    rp_h1_result result = cut_head(parser, text, size, &head, error);
    if (result != RP_H1_MORE)
        return result;
    if (parser->llhttp.flags & F_CONTENT_LENGTH && parser->llhttp.content_length > LENGTH_LIMIT)
        fault = "the server's Content-Length is absurdly large";
    else if (head.informational)
        fault = informational_fault(parser, &head);
    if (fault != NULL)
        return bad(parser, error, fault);
    if (head.informational)
        start_head(parser);
    else
        decide_body(parser, &head);
    return parser->events->on_head(parser->user, &head) ? RP_H1_MORE : RP_H1_PAUSED;
}

/* ---- Steps: each uses at least one byte, or fails ---- */

/* What llhttp can't tell from an answer: it skips empty lines before one. */
static const char *first_byte_fault(uint8_t byte)
{
    if (byte == '\r' || byte == '\n')
        return "the server sent an empty line before the response (RFC 9112, 2.1)";
    if (byte != 'H')
        return "the server's answer is not HTTP/1.1: it does not begin with \"HTTP/\"";
    return NULL;
}

static rp_h1_result head_end(rp_h1_parser *parser, const uint8_t *data, size_t size,
                             rp_error *error)
{
    char *text;
    size_t total = parser->head_size + size;
    if (parser->head_size == 0)
        text = scratch_text(parser->scratch, data, size);
    else
        text = keep_partial_head(parser, data, size) ? parser->head : NULL;
    if (text == NULL)
        return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's head");
    rp_h1_result result = take_head(parser, text, total, error);
    free_partial_head(parser);
    return result;
}

static rp_h1_result step_head(rp_h1_parser *parser, const uint8_t *data, size_t size, size_t *used,
                              rp_error *error)
{
    const char *fault = parser->head_size == 0 ? first_byte_fault(data[0]) : NULL;
    size_t room = parser->limits.head_bytes - parser->head_size;
    size_t part = size < room ? size : room;
    parser->begun = true;
    if (fault != NULL)
        return bad(parser, error, fault);

    llhttp_errno_t result = llhttp_execute(&parser->llhttp, (const char *)data, part);
    if (result == HPE_OK && part < size)
        return fail(parser, error, RP_E_HEAD_TOO_LARGE,
                    "the server sent a response head larger than the limit allows");
    if (result == HPE_OK) {
        *used = size;
        if (!keep_partial_head(parser, data, size))
            return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's head");
        return RP_H1_MORE;
    }
    *used = (size_t)((const uint8_t *)parser->llhttp.error_pos - data);
    if (result == HPE_PAUSED)
        return head_end(parser, data, *used, error);
    view v = {parser->head, (const char *)data, parser->head_size, part};
    return bad(parser, error, head_fault(&parser->llhttp, &v, parser->head_size + *used));
}

static rp_h1_result give_body(rp_h1_parser *parser, const uint8_t *data, size_t size)
{
    parser->body_bytes += size;
    return parser->events->on_body(parser->user, data, size) ? RP_H1_MORE : RP_H1_PAUSED;
}

static rp_h1_result step_length(rp_h1_parser *parser, const uint8_t *data, size_t size,
                                size_t *used)
{
    *used = size < parser->body_left ? size : (size_t)parser->body_left;
    parser->body_left -= *used;
    if (parser->body_left == 0)
        parser->state = STATE_COMPLETE;
    return give_body(parser, data, *used);
}

static const char *chunk_fault(const llhttp_t *llhttp)
{
    if (llhttp->flags & F_TRAILING) {
        if (llhttp->error == HPE_INVALID_CONTENT_LENGTH)
            return length_fault(llhttp);
        return "the server sent malformed trailers behind the last chunk (RFC 9112, 7.1.2)";
    }
    if (strstr(llhttp->reason, "overflow") != NULL)
        return "the server sent a chunk size that is absurdly large";
    if (llhttp->error == HPE_INVALID_CHUNK_SIZE)
        return "the server sent a chunk size that is not a hexadecimal number (RFC 9112, 7.1)";
    if (strstr(llhttp->reason, "extension") != NULL && llhttp->error == HPE_STRICT)
        return "the server sent a malformed chunk extension (RFC 9112, 7.1.1)";
    return "the server did not end a chunk's size or data with CRLF (RFC 9112, 7.1)";
}

static rp_h1_result chunked_failed(rp_h1_parser *parser, rp_error *error)
{
    const llhttp_t *llhttp = &parser->llhttp;
    if (parser->stop == STOP_EXTENSIONS)
        return bad(parser, error, "the server sent more than 16 KiB of chunk extensions");
    /* An error that lies behind the limit would not have been reached in smaller pieces. */
    if (parser->stop == STOP_FRAMING || !count_framing(parser, llhttp->error_pos))
        return bad(
            parser, error,
            "the server sent more than 16 KiB of chunk framing or trailers without a body byte");
    if (parser->stop == STOP_CHUNK_SIZE)
        return bad(parser, error, "the server sent a chunk size that is absurdly large");
    return bad(parser, error, chunk_fault(llhttp));
}

static rp_h1_result step_chunked(rp_h1_parser *parser, const uint8_t *data, size_t size,
                                 size_t *used, rp_error *error)
{
    llhttp_t *llhttp = &parser->llhttp;
    llhttp_resume(llhttp);
    parser->stop = STOP_NONE;
    parser->mark = (const char *)data;
    llhttp_errno_t result = llhttp_execute(llhttp, (const char *)data, size);
    if (result != HPE_OK && result != HPE_PAUSED)
        return chunked_failed(parser, error);
    const char *end = result == HPE_OK ? (const char *)data + size : llhttp->error_pos;
    if (!count_framing(parser, end)) {
        parser->stop = STOP_FRAMING;
        return chunked_failed(parser, error);
    }
    *used = (size_t)(end - (const char *)data);
    if (parser->stop == STOP_COMPLETE)
        parser->state = STATE_COMPLETE;
    return parser->stop == STOP_PAUSE ? RP_H1_PAUSED : RP_H1_MORE;
}

static rp_h1_result step(rp_h1_parser *parser, const uint8_t *data, size_t size, size_t *used,
                         rp_error *error)
{
    *used = 0;
    switch ((state)parser->state) {
    case STATE_HEAD:
        return step_head(parser, data, size, used, error);
    case STATE_LENGTH:
        return step_length(parser, data, size, used);
    case STATE_CHUNKED:
        return step_chunked(parser, data, size, used, error);
    case STATE_UNTIL_END:
        *used = size;
        return give_body(parser, data, size);
    case STATE_IDLE:
    case STATE_COMPLETE:
    case STATE_FAILED:
        break;
    }
    return fail(parser, error, RP_E_INTERNAL, "bytes for a parser that expects no response");
}

/* ---- Interface ---- */

void rp_h1_scratch_init(rp_h1_scratch *scratch, rp_memory *memory, uint64_t *bytes_copied)
{
    *scratch = (rp_h1_scratch){.memory = memory, .bytes_copied = bytes_copied};
}

void rp_h1_scratch_clear(rp_h1_scratch *scratch)
{
    rp_free(scratch->memory, scratch->text);
    rp_free(scratch->memory, scratch->headers);
    rp_free(scratch->memory, scratch->spare);
    rp_h1_scratch_init(scratch, scratch->memory, scratch->bytes_copied);
}

rp_h1_parser *rp_h1_parser_create(rp_memory *memory, rp_h1_scratch *scratch,
                                  const rp_h1_limits *limits, const rp_h1_events *events,
                                  void *user)
{
    rp_h1_parser *parser = rp_allocate(memory, sizeof(*parser));
    if (parser == NULL)
        return NULL;
    parser->memory = memory;
    parser->scratch = scratch;
    parser->events = events;
    parser->user = user;
    parser->limits = *limits;
    parser->state = STATE_IDLE;
    return parser;
}

void rp_h1_parser_destroy(rp_h1_parser *parser)
{
    if (parser == NULL)
        return;
    rp_free(parser->memory, parser->head);
    rp_free(parser->memory, parser);
}

void rp_h1_parser_start(rp_h1_parser *parser, bool head_only)
{
    bool between = parser->state == STATE_IDLE || parser->state == STATE_COMPLETE;
    RP_ASSERT(between);
    parser->head_only = head_only;
    parser->begun = false;
    parser->persistent = false;
    parser->informational = 0;
    parser->body_bytes = 0;
    parser->extension_bytes = parser->framing_bytes = 0;
    start_head(parser);
}

rp_h1_result rp_h1_parser_feed(rp_h1_parser *parser, const uint8_t *data, size_t size, size_t *used,
                               rp_error *error)
{
    rp_h1_result result = RP_H1_MORE;
    *used = 0;
    while (result == RP_H1_MORE && *used < size && parser->state != STATE_COMPLETE) {
        size_t part;
        result = step(parser, data + *used, size - *used, &part, error);
        *used += part;
    }
    if (result == RP_H1_FAILED)
        free_partial_head(parser);
    else if (parser->state == STATE_COMPLETE)
        result = RP_H1_COMPLETE;
    return result;
}

/* The connection ended in the middle of something. */
static rp_h1_result cut_off(rp_h1_parser *parser, rp_error *error)
{
    unsigned long long got = parser->body_bytes, left = parser->body_left;
    bool in_head = parser->state == STATE_HEAD;
    rp_phase phase = in_head ? RP_PHASE_HEAD : RP_PHASE_BODY;
    if (!parser->begun)
        rp_error_set(error, RP_E_CLOSED_EARLY, phase,
                     "the server closed the connection without an answer");
    else if (in_head)
        rp_error_set(error, RP_E_BODY_TRUNCATED, phase,
                     "the server closed the connection before the response's head was complete");
    else if (parser->state == STATE_LENGTH)
        rp_error_set(error, RP_E_BODY_TRUNCATED, phase,
                     "the server closed the connection after %llu of the body's %llu bytes", got,
                     got + left);
    else if (parser->state == STATE_CHUNKED)
        rp_error_set(
            error, RP_E_BODY_TRUNCATED, phase,
            "the server closed the connection after %llu bytes of the body, before its last "
            "chunk",
            got);
    else
        rp_error_set(
            error, RP_E_BODY_TRUNCATED, phase,
            "the connection ended without close_notify after %llu bytes of a body that only the "
            "connection's end delimits: it may be cut off",
            got);
    parser->state = STATE_FAILED;
    return RP_H1_FAILED;
}

rp_h1_result rp_h1_parser_end(rp_h1_parser *parser, bool authenticated, rp_error *error)
{
    if (parser->state == STATE_UNTIL_END && authenticated)
        parser->state = STATE_COMPLETE;
    if (parser->state == STATE_COMPLETE)
        return RP_H1_COMPLETE;
    free_partial_head(parser);
    if (parser->state == STATE_IDLE || parser->state == STATE_FAILED)
        return fail(parser, error, RP_E_INTERNAL, "the end for a parser that expects no response");
    return cut_off(parser, error);
}

bool rp_h1_parser_keep_alive(const rp_h1_parser *parser)
{
    return parser->state == STATE_COMPLETE && parser->persistent;
}

bool rp_h1_parser_begun(const rp_h1_parser *parser)
{
    return parser->begun;
}
