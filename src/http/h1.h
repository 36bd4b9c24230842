/* h1.h - HTTP/1.1 (RFC 9112), sans I/O: a request to bytes, bytes to response events.
 *
 * Parsing is llhttp's, in its strict mode; this layer adds the policies and limits:
 * - Each of these is RP_E_BAD_RESPONSE with a message of its own: Transfer-Encoding with
 *   Content-Length, more than one of the former, several of the latter that differ, one that is no
 *   plain decimal, either of them folded, any transfer coding but chunked, line ends other than
 *   CRLF, control characters, a space before a colon or the first header, an empty line before the
 *   response, a version other than 1.0 and 1.1, 101 that nobody asked for or that names another
 *   protocol than what was asked for, more 1xx than the limit.
 * - These are no error: any other header folded over lines (RFC 9112, 5.2: blanks take the place of
 *   the line's end), also among trailers; the same Content-Length several times, in a list or in
 *   headers of its own (6.3). With lenient_lines neither is LF without CR, nor are blanks behind a
 *   chunk's size.
 * - Limits on the head's bytes and the number of headers (RP_E_HEAD_TOO_LARGE), on chunk extensions
 *   and trailers (RP_E_BAD_RESPONSE).
 * - HEAD, 1xx, 204, 304 have no body whatever their headers say. A body without length or chunks
 *   lasts until the end of the connection. Trailers are validated. */
#ifndef RP_HTTP_H1_H
#define RP_HTTP_H1_H

#include "base/memory.h"
#include "http/body.h"
#include "http/h1_lines.h"
#include "http/message.h"
#include <ringport/http.h>

/* The head of a packed message as HTTP/1.1 has it. proxy: NULL, or lines with their ends for a
 * proxy that is asked for the whole URL (RFC 9112, 3.2.2). out has room for rp__h1_request_bound
 * bytes; returns how many were written. */
size_t rp__h1_request_bound(const rp_message *message, const char *proxy);
size_t rp__h1_request_write(const rp_message *message, const char *proxy, uint8_t *out);

/* What may go of a body now, as much as fits, in one chunk if it is chunked; *last: that was its
 * end. Returns how many bytes were written; capacity is more than RP_TRAILERS_LIMIT by 1 KiB at
 * least. */
size_t rp__h1_body_write(rp_body *body, bool chunked, uint8_t *out, size_t capacity, bool *last);

typedef struct rp_h1_limits {
    size_t head_bytes;
    uint32_t header_count;
    uint32_t informational_count;
    bool lenient_lines; /* as in rp_client_options */
} rp_h1_limits;

typedef enum rp_h1_result {
    RP_H1_MORE,   /* all bytes were used, the response goes on */
    RP_H1_PAUSED, /* a callback asked to stop; *used says how far it went; call again with the rest,
                   * if any is left. Once the response is complete nothing pauses it */
    RP_H1_COMPLETE, /* *used may be less than size: what follows is unsolicited */
    RP_H1_FAILED    /* *error */
} rp_h1_result;

/* No callback may feed or destroy the parser: give false to stop, and do it after feed
 * returned. */
typedef struct rp_h1_events {
    /* head lives until the callback returns. Give false to pause after it. */
    bool (*on_head)(void *user, const rp_response_head *head);
    /* size > 0 */
    bool (*on_body)(void *user, const uint8_t *data, size_t size);
    /* Behind the body, if there are any: the response is complete. They live until it returns. */
    void (*on_trailers)(void *user, const rp_header *trailers, size_t count);
} rp_h1_events;

/* Where a head is cut into C strings for on_head: one for all parsers of a loop, so that a
 * connection needs no memory for it and in the steady state nothing is allocated. It grows to the
 * largest head. It is cleared after the last parser is destroyed. */
typedef struct rp_h1_scratch {
    rp_memory *memory;
    uint64_t *bytes_copied; /* counter, may be NULL */
    char *text;
    rp_header *headers;
    size_t text_capacity, header_capacity;
    char *spare;     /* what a parser kept part of a head in; NULL: none */
    rp_h1_ends ends; /* of the head that is being read; count 0: to be looked for */
} rp_h1_scratch;

void rp__h1_scratch_init(rp_h1_scratch *scratch, rp_memory *memory, uint64_t *bytes_copied);
void rp__h1_scratch_clear(rp_h1_scratch *scratch);
/* A copy of the text; room for more headers; the header there. NULL, false: no memory. */
char *rp__h1_scratch_text(rp_h1_scratch *scratch, const uint8_t *data, size_t size);
bool rp__h1_scratch_grow(rp_h1_scratch *scratch);
static inline bool rp__h1_scratch_header(rp_h1_scratch *scratch, size_t index,
                                         const rp_header *header)
{
    if (index >= scratch->header_capacity && !rp__h1_scratch_grow(scratch))
        return false;
    scratch->headers[index] = *header;
    return true;
}

typedef struct rp_h1_parser rp_h1_parser;

/* One parser serves many responses in turn. NULL: no memory. scratch, limits and events are
 * borrowed while the parser lives. It is about 250 bytes; only while a head has come in part does
 * it hold more, that part: idle connections are counted in thousands. */
rp_h1_parser *rp__h1_parser_create(rp_memory *memory, rp_h1_scratch *scratch,
                                   const rp_h1_limits *limits, const rp_h1_events *events,
                                   void *user);
/* NULL does nothing. */
void rp__h1_parser_destroy(rp_h1_parser *parser);

/* Before each response, the first included. head_only: the request's method was HEAD. */
void rp__h1_parser_start(rp_h1_parser *parser, bool head_only);
/* The request asked for these protocols: as its Upgrade header has them; they live as long as the
 * answer is read. 101 that takes one of them up, or several, is no interim response then: it has
 * informational false, no body, and behind it is another protocol. */
void rp__h1_parser_start_upgrade(rp_h1_parser *parser, bool head_only, rp_slice protocols);
/* The request's method is CONNECT: a 2xx has no body, whatever its headers say of one. */
void rp__h1_parser_start_connect(rp_h1_parser *parser);

rp_h1_result rp__h1_parser_feed(rp_h1_parser *parser, const uint8_t *data, size_t size,
                                size_t *used, rp_error *error);

/* The connection ended. RP_H1_COMPLETE if that completes the response (authenticated says whether
 * the end itself can be trusted: for TLS, close_notify came; a body that only the end delimits
 * needs it), else RP_H1_FAILED with RP_E_BODY_TRUNCATED or, before any byte of the response,
 * RP_E_CLOSED_EARLY. */
rp_h1_result rp__h1_parser_end(rp_h1_parser *parser, bool authenticated, rp_error *error);

/* After RP_H1_COMPLETE: may the connection serve another request (RFC 9112, 9.3)? */
bool rp__h1_parser_keep_alive(const rp_h1_parser *parser);
/* Has a head come in part? */
bool rp__h1_parser_in_head(const rp_h1_parser *parser);
/* Any byte of the response since start? */
bool rp__h1_parser_begun(const rp_h1_parser *parser);

#endif
