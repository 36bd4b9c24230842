/* h1_response.c - bytes to HTTP/1.1 response events.
 *
 * A head is looked at twice. llhttp validates it as the bytes come, wherever they are cut, and is
 * stopped at its end; h1_lines.c stands before it and rewrites what may be forgiven. Then the whole
 * head is copied once and cut into C strings in place, line by line, which is also where the
 * policies are checked that llhttp has no opinion on, and where Content-Length is read. Two strict
 * readings that must agree: what the second one does not find to be "name: value" lines that end in
 * CRLF is refused, whatever llhttp said, and so is a Transfer-Encoding of which only one of them
 * thinks that it is "chunked".
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
#include "base/text.h"
#include "http/h1_lines.h"
#include "http/headers.h"
#include "http/upgrade.h"

#include <llhttp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Chunk sizes, chunk extensions and trailers between two pieces of a body, and all the chunk
 * extensions of one response: nobody needs them, and all of it is read for nothing. */
#define FRAMING_LIMIT (16 * 1024)
/* No message is so long; and sums of these can't overflow. */
#define LENGTH_LIMIT ((uint64_t)INT64_MAX)

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
    STOP_TRAILERS,
    STOP_CHUNK_SIZE,
    STOP_NO_MEMORY,
    STOP_TOO_MANY, /* trailers */
    STOP_EXTENSIONS,
    STOP_FRAMING
} stop;

struct rp_h1_parser {
    rp_memory *memory;
    rp_h1_scratch *scratch;
    const rp_h1_events *events;
    void *user;
    const rp_h1_limits *limits;

    uint8_t state; /* enum state */
    uint8_t stop;  /* enum stop */
    bool head_only;
    bool connect;       /* the request was CONNECT */
    rp_slice protocols; /* that it asked for; size 0: none */
    bool begun;
    bool persistent;
    uint32_t informational; /* 1xx so far */
    uint32_t trailer_parts; /* names and values in head */

    size_t head_size; /* bytes of the head that earlier calls brought, and where they are */
    size_t head_capacity;
    char *head;

    uint64_t body_bytes;
    uint64_t body_left;
    uint32_t extension_bytes; /* of the whole response */
    uint32_t framing_bytes;   /* since the last piece of the body, */
    ptrdiff_t counted;        /* up to here in the bytes of the present call, */
    const char *data;         /* which begin here */
    rp_h1_lines lines;
    llhttp_t llhttp;
};

static rp_h1_result fail(rp_h1_parser *parser, rp_error *error, rp_status status, const char *text)
{
    rp_phase phase = parser->state == STATE_HEAD ? RP_PHASE_HEAD : RP_PHASE_BODY;
    parser->state = STATE_FAILED;
    rp__error_set(error, status, phase, "%s", text);
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
    return why <= STOP_TRAILERS ? HPE_PAUSED : HPE_USER;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    return stop_here(llhttp->data, STOP_COMPLETE);
}

static int on_message_complete(llhttp_t *llhttp)
{
    return stop_here(llhttp->data, STOP_COMPLETE);
}

static const llhttp_settings_t trailer_settings;

static int on_chunk_header(llhttp_t *llhttp)
{
    rp_h1_parser *parser = llhttp->data;
    if (llhttp->content_length > LENGTH_LIMIT)
        return stop_here(parser, STOP_CHUNK_SIZE);
    rp__h1_lines_chunk(&parser->lines, llhttp->content_length);
    if (llhttp->content_length == 0 && parser->events->on_trailers != NULL)
        llhttp->settings = (void *)(uintptr_t)&trailer_settings;
    return llhttp->content_length == 0 ? stop_here(parser, STOP_TRAILERS) : 0;
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

/* The bytes since the last piece of the body, up to position in the present call's. */
static bool count_framing(rp_h1_parser *parser, ptrdiff_t position)
{
    size_t size = (size_t)(position - parser->counted);
    if (size > FRAMING_LIMIT - parser->framing_bytes)
        return false;
    parser->framing_bytes += (uint32_t)size;
    parser->counted = position;
    return true;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
    rp_h1_parser *parser = llhttp->data;
    if (size == 0)
        return 0;
    if (!count_framing(parser, at - parser->data))
        return stop_here(parser, STOP_FRAMING);
    parser->framing_bytes = 0;
    parser->counted = at - parser->data + (ptrdiff_t)size;
    parser->body_bytes += size;
    if (parser->events->on_body(parser->user, (const uint8_t *)at, size))
        return 0;
    return stop_here(parser, STOP_PAUSE);
}

/* Trailers come in pieces. They are collected where a head that comes in parts would be, as
 * strings: a name and its value in turn. */

static bool keep_partial_head(rp_h1_parser *parser, const uint8_t *data, size_t size);

static int on_trailer_text(llhttp_t *llhttp, const char *at, size_t size)
{
    rp_h1_parser *parser = llhttp->data;
    if (keep_partial_head(parser, (const uint8_t *)at, size))
        return 0;
    return stop_here(parser, STOP_NO_MEMORY);
}

static int on_trailer_part(llhttp_t *llhttp)
{
    rp_h1_parser *parser = llhttp->data;
    if (parser->trailer_parts++ / 2 >= parser->limits->header_count)
        return stop_here(parser, STOP_TOO_MANY);
    return on_trailer_text(llhttp, "", 1);
}

static const llhttp_settings_t trailer_settings = {
    .on_header_field = on_trailer_text,
    .on_header_field_complete = on_trailer_part,
    .on_header_value = on_trailer_text,
    .on_header_value_complete = on_trailer_part,
    .on_message_complete = on_message_complete,
};

static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* Has llhttp read data as h1_lines.c has it. *position: how far it came; of an error's, the bytes
 * that were held back by earlier calls lie before data. */
static llhttp_errno_t read_lines(rp_h1_parser *parser, const char *data, size_t size,
                                 ptrdiff_t *position)
{
    size_t used = 0;
    while (used < size) {
        rp_h1_piece piece =
            rp__h1_lines_next(&parser->lines, data + used, size - used, &parser->scratch->ends);
        llhttp_errno_t result = HPE_OK;
        if (piece.size > 0)
            result = llhttp_execute(&parser->llhttp, piece.text, piece.size);
        if (result != HPE_OK) {
            ptrdiff_t most = (ptrdiff_t)(piece.earlier + piece.taken);
            ptrdiff_t offset = parser->llhttp.error_pos - piece.text;
            *position = (ptrdiff_t)(used - piece.earlier) + (offset < most ? offset : most);
            return result;
        }
        used += piece.taken;
    }
    *position = (ptrdiff_t)used;
    return HPE_OK;
}

static const char bare_cr[] = "the server sent a CR that no LF follows (RFC 9112, 2.2)";

static const char bare_lf[] =
    "the server ended a line with LF alone instead of CRLF (RFC 9112, 2.2)";

static const char before_first[] =
    "the server sent whitespace before the first header (RFC 9112, 2.2)";

/* ---- What is wrong with a head ---- */

/* The head up to the present call's end, wherever it lies. */
typedef struct view {
    const char *kept, *data;
    size_t kept_size, size;
    bool lenient;
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

/* What is wrong with byte c behind previous in a header line, of which value says whether the colon
 * has come; NULL: nothing. */
static const char *byte_fault(int previous, int c, bool value, bool lenient)
{
    char character = (char)c;
    if (previous == '\r')
        return c == '\n' ? NULL : bare_cr;
    if (previous == '\n' && c == ':')
        return "the server sent a header without a name (RFC 9112, 5)";
    if (c == '\n' && (value || previous == '\n'))
        return lenient ? NULL : bare_lf;
    if (c == '\r' && (value || previous == '\n'))
        return NULL;
    if (value)
        return rp__is_field_value(&character, 1)
                   ? NULL
                   : "the server sent a control character in a header's value (RFC 9110, 5.5)";
    if (rp__is_blank((char)c))
        return "the server sent whitespace in a header's name, or before its colon (RFC 9112, 5.1)";
    if (c == '\r' || c == '\n')
        return "the server sent a header line without a colon (RFC 9112, 5)";
    if (c == ':' || rp__is_token(&character, 1))
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
    if (rp__is_blank((char)view_byte(v, ++offset)))
        return before_first;
    for (; offset <= position && view_byte(v, offset) >= 0; offset++) {
        int previous = view_byte(v, offset - 1), c = view_byte(v, offset);
        value = value && (previous != '\n' || rp__is_blank((char)c)); /* a fold goes on with it */
        const char *fault = byte_fault(previous, c, value, v->lenient);
        if (fault != NULL)
            return fault;
        value = value || c == ':';
    }
    return "the server sent a malformed header (RFC 9112, 5)";
}

static const char malformed_coding[] =
    "the server sent a malformed Transfer-Encoding (RFC 9112, 6.1)";

static const char *head_fault(const llhttp_t *llhttp, const view *v, size_t position)
{
    switch ((llhttp_errno_t)llhttp->error) {
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
        return before_first;
    case HPE_INVALID_TRANSFER_ENCODING:
        return malformed_coding;
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
    if (parser->head != NULL)
        rp__wipe(parser->head, parser->head_size);
    if (parser->head_capacity == PARTIAL_HEAD && scratch->spare == NULL)
        scratch->spare = parser->head;
    else
        rp__free(parser->memory, parser->head);
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
        char *head =
            rp__reallocate_secret(parser->memory, parser->head, parser->head_size, capacity);
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

/* A head's lines, one after the other. */
typedef struct reader {
    char *text, *at;
    const char *end;
    bool lenient;
    const rp_h1_ends *ends; /* none counted: they are to be looked for */
    size_t line;            /* number of the next */
} reader;

/* The end of the line at r->at, which r->at then is behind; NULL: it has none. Blanks take the
 * place of folds, which only a header can have; *folded says whether there were any. */
static char *find_line_end(reader *r, bool *folded)
{
    char *line = r->at;
    for (;;) {
        size_t left = (size_t)(r->end - r->at);
        char *cr = memchr(r->at, '\r', left), *lf = cr == NULL ? NULL : cr + 1;
        if (r->lenient)
            lf = memchr(r->at, '\n', left);
        if (lf == NULL || lf == r->end || *lf != '\n' || (cr != NULL && cr + 1 < lf))
            return NULL;
        char *line_end = cr != NULL && cr < lf ? cr : lf;
        r->at = lf + 1;
        if (folded == NULL || line_end == line || r->at == r->end || !rp__is_blank(*r->at))
            return line_end;
        *folded = true;
        memset(line_end, ' ', (size_t)(r->at - line_end));
    }
}

/* The next line, NUL-terminated in place, and its end. NULL: it has none. */
static inline char *cut_line(reader *r, bool *folded, char **line_end)
{
    char *line = r->at;
    if (r->line < r->ends->count) {
        *line_end = r->text + r->ends->at[r->line++];
        r->at = *line_end + 2;
    } else {
        *line_end = find_line_end(r, folded);
        if (*line_end == NULL)
            return NULL;
    }
    **line_end = '\0';
    return line;
}

/* What the headers say about where the body ends. */
typedef struct framing {
    bool has_length;
    uint64_t length;
    unsigned codings; /* Transfer-Encodings; the last one: */
    const char *coding;
} framing;

static const char bad_length[] =
    "the server's Content-Length is not one decimal number (RFC 9110, 8.6)";

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
    if (!rp__is_field_value(reason, (size_t)(line_end - reason)))
        return "the server sent a control character in the reason phrase (RFC 9112, 4)";
    head->status = llhttp->status_code;
    head->version = 10 + llhttp->http_minor;
    head->informational = llhttp->status_code < 200;
    head->reason = reason;
    return NULL;
}

/* RFC 9110, 8.6: one number. RFC 9112, 6.3: or the same one several times, in a list and in headers
 * of its own. */
static const char *read_length(framing *seen, const char *value)
{
    for (;; value++) {
        uint64_t length = 0;
        while (rp__is_blank(*value))
            value++;
        if (*value < '0' || *value > '9')
            return bad_length;
        for (; *value >= '0' && *value <= '9'; value++) {
            unsigned digit = (unsigned)(*value - '0');
            if (length > (LENGTH_LIMIT - digit) / 10)
                return "the server's Content-Length is absurdly large";
            length = length * 10 + digit;
        }
        while (rp__is_blank(*value))
            value++;
        if (*value != '\0' && *value != ',')
            return bad_length;
        if (seen->has_length && seen->length != length)
            return "the server sent Content-Lengths that differ (RFC 9112, 6.3)";
        seen->has_length = true;
        seen->length = length;
        if (*value == '\0')
            return NULL;
    }
}

/* A header that says where the body ends. */
static const char *read_framing(framing *seen, const rp_header *header, size_t name_size,
                                bool folded)
{
    bool length = name_size == 14 && rp__ascii_equal(header->name, "content-length", name_size);
    bool coding = name_size == 17 && rp__ascii_equal(header->name, "transfer-encoding", name_size);
    if (!length && !coding)
        return NULL;
    if (folded)
        return "the server folded Content-Length or Transfer-Encoding over lines (RFC 9112, 5.2)";
    if (length)
        return read_length(seen, header->value);
    seen->codings++;
    seen->coding = header->value;
    return NULL;
}

/* Nothing but chunked was asked for (TE), so nothing else can be undone. */
static const char *framing_fault(const llhttp_t *llhttp, const framing *seen)
{
    if (seen->codings == 0)
        return NULL;
    if (seen->has_length)
        return "the server sent both Content-Length and Transfer-Encoding (RFC 9112, 6.3)";
    if (seen->codings > 1)
        return "the server sent more than one Transfer-Encoding (RFC 9112, 6.1)";
    if (llhttp->http_minor == 0)
        return "the server sent Transfer-Encoding in an HTTP/1.0 response (RFC 9112, 6.1)";
    if (!rp__name_equal(seen->coding, strlen(seen->coding), "chunked"))
        return "the server sent a Transfer-Encoding other than \"chunked\" (RFC 9112, 6.1)";
    return llhttp->flags & F_CHUNKED ? NULL : malformed_coding;
}

static const char *cut_header(char *line, char *line_end, rp_header *header, size_t *name_size)
{
    char *colon = memchr(line, ':', (size_t)(line_end - line));
    if (colon == NULL || colon == line)
        return "the server sent a header line without a name or a colon (RFC 9112, 5)";
    char *value = colon + 1, *value_end = line_end;
    while (rp__is_blank(*value))
        value++;
    while (value_end > value && rp__is_blank(value_end[-1]))
        value_end--;
    *colon = *value_end = '\0';
    *header = (rp_header){line, value};
    *name_size = (size_t)(colon - line);
    return NULL;
}

/* RFC 9110, 9.3.6: a tunnel begins behind the head, whatever that says of a body. */
static bool opens_tunnel(const rp_h1_parser *parser, const rp_response_head *head)
{
    return parser->connect && head->status / 100 == 2;
}

/* Cuts the head in text into strings. */
static rp_h1_result cut_head(rp_h1_parser *parser, char *text, size_t size, rp_response_head *head,
                             framing *seen, rp_error *error)
{
    reader r = {.text = text, .at = text, .end = text + size, .ends = &parser->scratch->ends};
    r.lenient = parser->limits->lenient_lines;
    char *line_end, *line = cut_line(&r, NULL, &line_end);
    const char *fault = line == NULL ? bare_cr : cut_status_line(parser, line, line_end, head);
    while (fault == NULL) {
        rp_header header;
        size_t name_size;
        bool folded = false;
        line = cut_line(&r, &folded, &line_end);
        if (line != NULL && line == line_end && r.at == r.end)
            break;
        fault = line == NULL ? bare_cr : cut_header(line, line_end, &header, &name_size);
        if (fault == NULL && !opens_tunnel(parser, head))
            fault = read_framing(seen, &header, name_size, folded);
        if (fault != NULL)
            break;
        if (head->header_count >= parser->limits->header_count)
            return fail(parser, error, RP_E_HEAD_TOO_LARGE,
                        "the server sent more headers than the limit (header_count_limit)");
        if (!rp__h1_scratch_header(parser->scratch, head->header_count, &header))
            return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's headers");
        head->header_count++;
    }
    if (fault == NULL)
        fault = framing_fault(&parser->llhttp, seen);
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
        if (rp__name_equal(name, strlen(name), "connection"))
            return true;
    }
    return false;
}

/* RFC 9112, 6.3: how the body ends. */
static void decide_body(rp_h1_parser *parser, const framing *seen, rp_response_head *head)
{
    bool never = head->status == 204 || head->status == 304 || opens_tunnel(parser, head);
    head->content_length = RP_LENGTH_UNKNOWN;
    if (seen->has_length)
        head->content_length = seen->length;
    else if (never)
        head->content_length = 0;

    if (never || parser->head_only || (seen->has_length && seen->length == 0))
        parser->state = STATE_COMPLETE;
    else if (seen->codings > 0)
        parser->state = STATE_CHUNKED;
    else if (seen->has_length)
        parser->state = STATE_LENGTH;
    else
        parser->state = STATE_UNTIL_END;
    parser->body_left = seen->length;
    parser->persistent = parser->state != STATE_UNTIL_END && says_persistent(&parser->llhttp, head);
    rp__h1_lines_chunks(&parser->lines);
}

static void start_head(rp_h1_parser *parser)
{
    llhttp_init(&parser->llhttp, HTTP_RESPONSE, &settings);
    parser->llhttp.data = parser;
    llhttp_set_lenient_chunked_length(&parser->llhttp, parser->connect);
    rp__h1_lines_head(&parser->lines, parser->limits->lenient_lines);
    parser->stop = STOP_NONE;
    parser->state = STATE_HEAD;
}

static const char *informational_fault(rp_h1_parser *parser, rp_response_head *head)
{
    head->content_length = 0;
    if (head->status == 101 && parser->protocols.size == 0)
        return "the server switched protocols (101), which nobody asked for";
    if (head->status == 101)
        return rp__upgrade_fault(parser->protocols, head);
    if (parser->informational >= parser->limits->informational_count)
        return "the server sent more 1xx responses than the limit allows";
    parser->informational++;
    return NULL;
}

static rp_h1_result take_head(rp_h1_parser *parser, char *text, size_t size, rp_error *error)
{
    rp_response_head head = {0};
    framing seen = {0};
    rp_h1_result result = cut_head(parser, text, size, &head, &seen, error);
    if (result != RP_H1_MORE)
        return result;
    const char *fault = head.informational ? informational_fault(parser, &head) : NULL;
    if (fault != NULL)
        return bad(parser, error, fault);
    if (head.informational && head.status != 101) {
        start_head(parser);
    } else if (head.informational) {
        head.informational = false; /* it is the last head */
        parser->state = STATE_COMPLETE;
    } else {
        decide_body(parser, &seen, &head);
    }
    return parser->events->on_head(parser->user, &head) ? RP_H1_MORE : RP_H1_PAUSED;
}

/* ---- Steps: each uses at least one byte, or fails ---- */

/* Shows how the answer begins, by which an operator knows what it is that speaks there. */
static rp_h1_result not_http(rp_h1_parser *parser, const uint8_t *data, size_t size,
                             rp_error *error)
{
    uint8_t line[24];
    char shown[sizeof(line) + 1], text[RP_ERROR_TEXT_SIZE];
    size_t count = 0;
    const char *what = "";
    for (; count < sizeof(line) && count < parser->head_size + size; count++) {
        line[count] = count < parser->head_size ? (uint8_t)parser->head[count]
                                                : data[count - parser->head_size];
        if (line[count] == '\r' || line[count] == '\n')
            break;
    }
    rp__printable_text((rp_slice){line, count}, shown, sizeof(shown));
    if (parser->head_size == 0 && size >= 2 && data[0] == 21 && data[1] == 3)
        what = ", which is a TLS alert"; /* RFC 8446, 5.1 */
    else if (parser->head_size == 0 && size >= 4 && data[0] == 0 && data[1] == 0 && data[3] == 4)
        what = ", which is HTTP/2's SETTINGS"; /* RFC 9113, 3.4 */
    (void)snprintf(text, sizeof(text),
                   "the server's answer is not HTTP/1.1: it does not begin with \"HTTP/\", but "
                   "with \"%s\"%s",
                   shown, what);
    return fail(parser, error, RP_E_NOT_HTTP, text);
}

static rp_h1_result head_end(rp_h1_parser *parser, const uint8_t *data, size_t size,
                             rp_error *error)
{
    char *text;
    size_t total = parser->head_size + size;
    if (parser->head_size == 0) {
        text = rp__h1_scratch_text(parser->scratch, data, size);
    } else {
        parser->scratch->ends.count = 0; /* they count from the present call's data */
        text = keep_partial_head(parser, data, size) ? parser->head : NULL;
    }
    if (text == NULL)
        return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's head");
    rp_h1_result result = take_head(parser, text, total, error);
    free_partial_head(parser);
    return result;
}

static rp_h1_result step_head(rp_h1_parser *parser, const uint8_t *data, size_t size, size_t *used,
                              rp_error *error)
{
    bool first = parser->head_size == 0;
    size_t room = parser->limits->head_bytes - parser->head_size;
    size_t part = size < room ? size : room;
    parser->begun = true;
    /* What llhttp can't tell from an answer: it skips empty lines before one. */
    if (first && (data[0] == '\r' || data[0] == '\n'))
        return bad(parser, error,
                   "the server sent an empty line before the response (RFC 9112, 2.1)");
    if (first && data[0] != 'H')
        return not_http(parser, data, size, error);

    ptrdiff_t position;
    parser->scratch->ends.count = 0;
    llhttp_errno_t result = read_lines(parser, (const char *)data, part, &position);
    if (result == HPE_OK && part < size)
        return fail(parser, error, RP_E_HEAD_TOO_LARGE,
                    "the server sent a response head larger than the limit (head_limit_bytes)");
    if (result == HPE_OK) {
        *used = size;
        if (!keep_partial_head(parser, data, size))
            return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's head");
        return RP_H1_MORE;
    }
    if (result == HPE_PAUSED) {
        *used = (size_t)position;
        return head_end(parser, data, *used, error);
    }
    if (parser->llhttp.error == HPE_INVALID_CONSTANT)
        return not_http(parser, data, size, error);
    view v = {parser->head, (const char *)data, parser->head_size, part,
              parser->limits->lenient_lines};
    size_t fault_at = (size_t)((ptrdiff_t)parser->head_size + position);
    return bad(parser, error, head_fault(&parser->llhttp, &v, fault_at));
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
            return "the server sent Content-Length behind the body (RFC 9110, 6.5.1)";
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

static rp_h1_result chunked_failed(rp_h1_parser *parser, ptrdiff_t position, rp_error *error)
{
    const llhttp_t *llhttp = &parser->llhttp;
    if (parser->stop == STOP_EXTENSIONS)
        return bad(parser, error, "the server sent more than 16 KiB of chunk extensions");
    /* An error that lies behind the limit would not have been reached in smaller pieces. */
    if (parser->stop == STOP_FRAMING || !count_framing(parser, position))
        return bad(
            parser, error,
            "the server sent more than 16 KiB of chunk framing or trailers without a body byte");
    if (parser->stop == STOP_NO_MEMORY)
        return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's trailers");
    if (parser->stop == STOP_TOO_MANY)
        return fail(parser, error, RP_E_HEAD_TOO_LARGE,
                    "the server sent more trailers than the limit on headers allows");
    if (parser->stop == STOP_CHUNK_SIZE)
        return bad(parser, error, "the server sent a chunk size that is absurdly large");
    return bad(parser, error, chunk_fault(llhttp));
}

/* All of them are there: names and values, each with its NUL. */
static rp_h1_result tell_trailers(rp_h1_parser *parser, rp_error *error)
{
    size_t count = parser->trailer_parts / 2;
    char *text = parser->head;
    for (size_t i = 0; i < count; i++) {
        char *name = text, *value = name + strlen(name) + 1, *end = value + strlen(value);
        text = end + 1;
        while (rp__is_blank(*value))
            value++;
        while (end > value && rp__is_blank(end[-1]))
            end--;
        *end = '\0';
        if (!rp__h1_scratch_header(parser->scratch, i, &(rp_header){name, value}))
            return fail(parser, error, RP_E_NO_MEMORY, "no memory for the response's trailers");
    }
    parser->events->on_trailers(parser->user, parser->scratch->headers, count);
    free_partial_head(parser);
    return RP_H1_MORE;
}

static rp_h1_result step_chunked(rp_h1_parser *parser, const uint8_t *data, size_t size,
                                 size_t *used, rp_error *error)
{
    ptrdiff_t position;
    llhttp_resume(&parser->llhttp);
    parser->stop = STOP_NONE;
    parser->data = (const char *)data;
    parser->counted = -(ptrdiff_t)parser->lines.held;
    llhttp_errno_t result = read_lines(parser, parser->data, size, &position);
    if (result != HPE_OK && result != HPE_PAUSED)
        return chunked_failed(parser, position, error);
    *used = (size_t)position;
    if (!count_framing(parser, position - parser->lines.held)) {
        parser->stop = STOP_FRAMING;
        return chunked_failed(parser, position, error);
    }
    if (parser->stop == STOP_COMPLETE) {
        parser->state = STATE_COMPLETE;
        if (parser->trailer_parts > 0)
            return tell_trailers(parser, error);
    }
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

rp_h1_parser *rp__h1_parser_create(rp_memory *memory, rp_h1_scratch *scratch,
                                   const rp_h1_limits *limits, const rp_h1_events *events,
                                   void *user)
{
    rp_h1_parser *parser = rp__allocate(memory, sizeof(*parser));
    if (parser == NULL)
        return NULL;
    parser->memory = memory;
    parser->scratch = scratch;
    parser->events = events;
    parser->user = user;
    parser->limits = limits;
    parser->state = STATE_IDLE;
    return parser;
}

void rp__h1_parser_destroy(rp_h1_parser *parser)
{
    if (parser == NULL)
        return;
    rp__free_secret(parser->memory, parser->head, parser->head_size);
    rp__free(parser->memory, parser);
}

void rp__h1_parser_start(rp_h1_parser *parser, bool head_only)
{
    bool between = parser->state == STATE_IDLE || parser->state == STATE_COMPLETE;
    RP_ASSERT(between);
    parser->head_only = head_only;
    parser->connect = false;
    parser->protocols.size = 0;
    parser->begun = false;
    parser->persistent = false;
    parser->informational = parser->trailer_parts = 0;
    parser->body_bytes = 0;
    parser->extension_bytes = parser->framing_bytes = 0;
    start_head(parser);
}

void rp__h1_parser_start_upgrade(rp_h1_parser *parser, bool head_only, rp_slice protocols)
{
    rp__h1_parser_start(parser, head_only);
    parser->protocols = protocols;
}

void rp__h1_parser_start_connect(rp_h1_parser *parser)
{
    rp__h1_parser_start(parser, false);
    parser->connect = true;
    start_head(parser);
}

rp_h1_result rp__h1_parser_feed(rp_h1_parser *parser, const uint8_t *data, size_t size,
                                size_t *used, rp_error *error)
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
        rp__error_set(error, RP_E_CLOSED_EARLY, phase,
                      "the server closed the connection without an answer");
    else if (in_head)
        rp__error_set(error, RP_E_BODY_TRUNCATED, phase,
                      "the server closed the connection before the response's head was complete");
    else if (parser->state == STATE_LENGTH)
        rp__error_set(error, RP_E_BODY_TRUNCATED, phase,
                      "the server closed the connection after %llu of the body's %llu bytes", got,
                      got + left);
    else if (parser->state == STATE_CHUNKED)
        rp__error_set(
            error, RP_E_BODY_TRUNCATED, phase,
            "the server closed the connection after %llu bytes of the body, before its last "
            "chunk",
            got);
    else
        rp__error_set(
            error, RP_E_BODY_TRUNCATED, phase,
            "the connection ended without close_notify after %llu bytes of a body that only the "
            "connection's end delimits: it may be cut off",
            got);
    parser->state = STATE_FAILED;
    return RP_H1_FAILED;
}

rp_h1_result rp__h1_parser_end(rp_h1_parser *parser, bool authenticated, rp_error *error)
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

bool rp__h1_parser_keep_alive(const rp_h1_parser *parser)
{
    return parser->state == STATE_COMPLETE && parser->persistent;
}

bool rp__h1_parser_in_head(const rp_h1_parser *parser)
{
    return parser->state == STATE_HEAD && parser->head_size > 0;
}

bool rp__h1_parser_begun(const rp_h1_parser *parser)
{
    return parser->begun;
}
