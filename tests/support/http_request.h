/* http_request.h - HTTP/1.1 requests (RFC 9112) for the tests' server: bytes in, head, body and end
 * out. */
#ifndef RP_TESTS_HTTP_REQUEST_H
#define RP_TESTS_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_LIMIT ((size_t)256 * 1024)

typedef enum http_state {
    HTTP_HEAD,
    HTTP_BODY,       /* of known length */
    HTTP_CHUNK_SIZE, /* a line */
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_END, /* the empty line after it */
    HTTP_TRAILER,
    HTTP_DONE,
    HTTP_FAILED
} http_state;

typedef struct http_request {
    http_state state;
    const char *failure; /* why it failed */

    /* Valid once the head came, until the next http_request_reset. */
    const char *method, *target;
    int version; /* 10, 11 */
    bool keep_alive, chunked, has_body, expects_continue;
    uint64_t length;

    uint64_t body_bytes; /* so far */
    uint64_t left;       /* of the body or the chunk */
    char *text;          /* the head, cut into strings */
    size_t size, capacity;
    size_t header_begin; /* where the header lines begin in text */
    char line[256];      /* between chunks */
    size_t line_size;
} http_request;

typedef struct http_request_events {
    void (*on_head)(void *user);
    void (*on_body)(void *user, const uint8_t *data, size_t size);
} http_request_events;

/* Set to zero first. Gives how much was used: less than size when the request is complete
 * (HTTP_DONE) or broken (HTTP_FAILED), or when a callback set *stop. */
size_t http_request_feed(http_request *request, const uint8_t *data, size_t size,
                         const http_request_events *events, void *user, const bool *stop);
/* Before the next one. */
void http_request_reset(http_request *request);
void http_request_free(http_request *request);

/* The value of a header, NULL: not there. */
const char *http_request_header(const http_request *request, const char *name);

#endif
